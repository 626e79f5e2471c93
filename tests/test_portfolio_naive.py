"""The portfolio against its reference, against the hand-worked account, and against its own past."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import handmade_portfolio, naive_portfolio, portfolio_adapter, portfolio_strategies
from tests.portfolio_strategies import Case

slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
many = settings(max_examples=200, deadline=None, suppress_health_check=slow)
some = settings(max_examples=60, deadline=None, suppress_health_check=slow)


@many
@given(portfolio_strategies.cases(full=True))
def test_portfolio_is_the_reference(case):
    portfolio_adapter.assert_same(portfolio_adapter.run(case), case, naive_portfolio.run(*case))


@some
@given(portfolio_strategies.intraday_cases())
def test_nothing_held_overnight_is_the_reference(case):
    portfolio_adapter.assert_same(portfolio_adapter.run(case), case, naive_portfolio.run(*case))


def test_the_hand_worked_account():
    hand = handmade_portfolio
    result = portfolio_adapter.run(Case(hand.BARS, hand.FAST, hand.SLOW, hand.RULES))
    assert portfolio_adapter.trades(result.trades) == hand.TRADES
    assert portfolio_adapter.signals(result.signals) == [portfolio_adapter.told(signal) for signal in hand.SIGNALS]
    evenings = zip(result.cash, result.invested, result.equity, strict=True)
    assert list(evenings) == [evening[1:4] for evening in hand.EVENINGS]
    assert result.pending.to_dict() == {"ASTER": "none", "BIRCH": "buy", "CEDAR": "none"}
    row = result.metrics.loc["portfolio"]
    assert (row["skipped"], row["exposure"]) == (hand.SKIPPED, hand.EXPOSURE)
    assert row["final_capital"] == hand.EVENINGS[-1].equity


@some
@given(portfolio_strategies.cases(full=True), st.data())
def test_the_future_never_changes_the_past(case, data):
    # Up to a day on which every symbol has at least as many bars as the slow window.
    first = max(series[case.slow - 1][0] for series in case.bars.values())
    days = sorted({day for series in case.bars.values() for day, _ in series if day >= first})
    last = data.draw(st.sampled_from(days))
    until = {symbol: [bar for bar in series if bar[0] <= last] for symbol, series in case.bars.items()}
    whole, part = portfolio_adapter.run(case), portfolio_adapter.run(case._replace(bars=until))
    for name in ("equity", "cash", "invested"):
        assert getattr(part, name).tolist() == getattr(whole, name).tolist()[: len(part.equity)]
    known = [trade for trade in portfolio_adapter.trades(whole.trades) if trade.exit_date and trade.exit_date <= last]
    assert [trade for trade in portfolio_adapter.trades(part.trades) if trade.exit_date] == known
