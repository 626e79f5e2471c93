"""Sharpe statistics and the effective number of trials: printed numbers of the papers, other libraries, and the definitions in plain Python."""

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import InputError
from engine.kernels import cscv
from engine.selection import effective, sharpe
from engine.selection.effective import CorrelationSum, effective_trials, participation_ratio
from engine.selection.sharpe import (
    Moments,
    deflated_sharpe,
    expected_maximum,
    minimum_backtest_length,
    minimum_track_record,
    moments_of,
    probabilistic_sharpe,
    sharpe_ratios,
    supported_trials,
)
from tests import naive_selection as naive

ordinary = settings(max_examples=100, deadline=None)
PAPER = Moments(1250, 2.5 / math.sqrt(250), -3.0, 10.0)
FUND = Moments(24, 0.4568, -2.448, 10.164)


def normal(moments):
    return Moments(moments.bars, moments.sharpe)


@pytest.mark.parametrize(
    ("moments", "trials", "expected"),
    [(PAPER, 100, 0.9003968), (PAPER, 46, 0.9505017), (normal(PAPER), 88, 0.9504908), (normal(PAPER), 100, 0.9427706)],
)
def test_deflated_sharpe_of_the_paper(moments, trials, expected):
    found = deflated_sharpe(moments, 0.5 / 250, trials)
    assert found.probability == pytest.approx(expected, abs=5e-8)
    assert found.undefined == ""
    if trials == 100:
        assert found.benchmark == pytest.approx(0.1131720, abs=5e-8)


def test_the_fund_of_the_paper():
    assert probabilistic_sharpe(FUND) == pytest.approx(0.9130224, abs=5e-8)
    assert probabilistic_sharpe(normal(FUND)) == pytest.approx(0.9814509, abs=5e-8)
    assert minimum_track_record(FUND, 0.0, 0.95).bars == pytest.approx(34.66, abs=5e-3)


def test_the_largest_of_many():
    assert expected_maximum(10) == pytest.approx(1.574598, abs=5e-7)
    assert expected_maximum(1) == expected_maximum(1.1) == 0.0
    assert expected_maximum(1e250) == pytest.approx(33.8, abs=0.1)  # no loss of 1 - 1/N beside 1
    draws = np.random.default_rng(0).standard_normal((20_000, 50)).max(axis=1)
    assert expected_maximum(50) == pytest.approx(draws.mean(), abs=0.03)


def test_years_and_trials():
    assert minimum_backtest_length(45, 1) == pytest.approx(4.998087, abs=5e-7)
    assert supported_trials(5) == 45
    assert minimum_backtest_length(46) > 5
    assert supported_trials(5, 2.0) == supported_trials(20)
    assert supported_trials(0.01) == 1


@ordinary
@given(st.floats(0.01, 1000), st.floats(0.2, 3))
def test_supported_trials_is_the_inverse(years, target):
    trials = supported_trials(years, target)
    assert minimum_backtest_length(trials, target) <= years
    if trials < 10**14:  # beyond it one more trial is below the rounding of a year
        assert minimum_backtest_length(trials + 1, target) > years


@ordinary
@given(st.integers(0, 2**32), st.integers(8, 300), st.sampled_from([0.0, 0.05, -0.2]))
def test_moments_and_probability_as_by_definition(seed, bars, benchmark):
    values = np.random.default_rng(seed).standard_t(4, bars) * 0.01 + 0.001
    found = moments_of(values)
    skew, kurtosis = naive.skew_and_kurtosis(values.tolist())
    assert found == pytest.approx((bars, naive.sharpe(values.tolist()), skew, kurtosis), rel=1e-9, abs=1e-12)
    expected = naive.probabilistic_sharpe(values.tolist(), benchmark)
    assert probabilistic_sharpe(found, benchmark) == pytest.approx(expected, rel=1e-8, abs=1e-12)


def test_track_record_is_where_the_probability_reaches_the_confidence():
    bars = minimum_track_record(FUND, 0.1, 0.9).bars
    below, above = (probabilistic_sharpe(FUND._replace(bars=number), 0.1) for number in (int(bars), int(bars) + 1))
    assert below < 0.9 <= above


@pytest.fixture(scope="module")
def panel():
    """Days by trials, as the other libraries have it."""
    return np.random.default_rng(5).standard_t(5, (1250, 100)) * 0.01 + 0.0003


def test_deflated_sharpe_of_a_panel(panel):
    ratios = sharpe_ratios(np.ascontiguousarray(panel.T))
    best = int(ratios.argmax())
    found = deflated_sharpe(moments_of(panel[:, best]), ratios.var(ddof=1), 100)
    assert best == 73
    assert found.probability == pytest.approx(0.6214032706, abs=1e-10)
    assert probabilistic_sharpe(moments_of(panel[:, best])) == pytest.approx(0.9990680991, abs=1e-10)
    twin = naive.deflated_sharpe(panel.T.tolist())
    assert twin == pytest.approx((best, found.benchmark, found.probability), rel=1e-9)


def test_vectorbt_gives_the_same(panel):
    pytest.importorskip("vectorbt")  # which gives every frame an attribute
    import pandas as pd

    frame = pd.DataFrame(panel, index=pd.bdate_range("2015-01-01", periods=len(panel)))
    theirs = frame.vbt.returns(freq="D", year_freq="252 days").deflated_sharpe_ratio()
    ratios = sharpe_ratios(np.ascontiguousarray(panel.T))
    ours = [deflated_sharpe(moments_of(column), ratios.var(ddof=1), 100).probability for column in panel.T]
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def test_scipy_has_the_same_moments(panel):
    from scipy import stats

    for column in panel.T[:5]:
        found = moments_of(column)
        assert found.skew == pytest.approx(stats.skew(column))
        assert found.kurtosis == pytest.approx(stats.kurtosis(column, fisher=False))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([], "fewer than two bars"),
        ([0.01], "fewer than two bars"),
        ([0.0] * 9, "all equal"),
        ([0.1] * 9, "all equal"),  # whose deviation is not 0 in doubles
    ],
)
def test_what_is_not_defined_is_said(values, reason):
    moments = moments_of(np.array(values))
    assert reason in moments.undefined
    assert math.isnan(moments.sharpe)
    assert math.isnan(probabilistic_sharpe(moments))
    found = deflated_sharpe(moments, 0.01, 10)
    assert math.isnan(found.probability)
    assert found.benchmark > 0
    assert found.undefined == moments.undefined
    assert minimum_track_record(moments).undefined == moments.undefined


def test_other_things_that_are_not_defined():
    assert "variance" in deflated_sharpe(PAPER, math.nan, 10).undefined
    assert "not above" in minimum_track_record(FUND, 0.5).undefined
    assert "No returns have" in Moments(10, 2.0, 5.0, 3.0).undefined
    assert "not known" in Moments(10, 2.0, math.nan, 3.0).undefined
    assert math.isnan(probabilistic_sharpe(PAPER, math.nan))
    found = sharpe_ratios(np.array([[0.1] * 5, [0.0] * 5, [0.1, 0.2, 0.3, 0.2, 0.1]]))
    assert np.isnan(found).tolist() == [True, True, False]
    assert np.isnan(sharpe_ratios(np.zeros((3, 1)))).all()


@pytest.mark.parametrize(
    "call",
    [
        lambda: expected_maximum(0.5),
        lambda: expected_maximum(math.nan),
        lambda: expected_maximum(math.inf),
        lambda: deflated_sharpe(PAPER, -1.0, 10),
        lambda: deflated_sharpe(PAPER, 1.0, 0),
        lambda: minimum_track_record(PAPER, 0.0, 1.0),
        lambda: minimum_backtest_length(10, 0.0),
        lambda: supported_trials(0.0),
        lambda: supported_trials(math.nan),
        lambda: supported_trials(5, -1.0),
        lambda: moments_of(np.array([0.1, math.nan])),
        lambda: effective_trials(np.zeros(5)),
        lambda: effective_trials(np.array([[0.1, math.inf, 0.2]])),
        lambda: CorrelationSum(5).add(np.zeros((2, 4))),
    ],
)
def test_bad_use_is_refused(call):
    with pytest.raises(InputError):
        call()


@ordinary
@given(st.integers(0, 2**32), st.integers(2, 7), st.integers(4, 30), st.floats(0, 3))
def test_effective_trials_as_by_definition(seed, trials, days, common):
    rng = np.random.default_rng(seed)
    returns = rng.normal(0, 0.01, (trials, days)) + common * rng.normal(0, 0.01, days) + 0.001
    found, rows = effective_trials(returns), returns.tolist()
    rho = naive.average_correlation(rows)
    assert found.correlation == pytest.approx(rho, rel=1e-9, abs=1e-9)
    assert found.number == pytest.approx(max(rho, 0) + (1 - max(rho, 0)) * trials, rel=1e-9)
    assert participation_ratio(returns) == pytest.approx(naive.participation_ratio(rows), rel=1e-8)


def test_effective_trials_at_the_ends():
    same = np.tile(np.random.default_rng(0).normal(0, 0.01, 500), (30, 1)) * np.arange(1, 31)[:, None]
    assert effective_trials(same).number == pytest.approx(1.0)
    assert participation_ratio(same) == pytest.approx(1.0)
    apart = np.random.default_rng(1).normal(0, 0.01, (30, 50_000))
    assert effective_trials(apart).number == pytest.approx(30, rel=0.01)
    assert participation_ratio(apart) == pytest.approx(30, rel=0.01)
    against = np.array([same[0], -same[0]])
    assert effective_trials(against)[2:4] == pytest.approx((-1.0, 2.0))


def test_two_families_of_copies():
    # Half the pairs have a correlation of 1 and half of about 0: the average correlation sees 11 of 20 trials, the eigenvalues see the two families.
    families = np.random.default_rng(2).normal(0, 0.01, (2, 20_000))
    returns = np.repeat(families, 10, axis=0)
    assert effective_trials(returns).number == pytest.approx(1 + 19 * (10 / 19), rel=0.02)
    assert participation_ratio(returns) == pytest.approx(2.0, rel=0.01)


def test_chance_correlations_lower_the_participation_ratio():
    returns = np.random.default_rng(3).normal(0, 0.01, (400, 500))
    assert participation_ratio(returns) == pytest.approx(400 / (1 + 400 / 500), rel=0.02)


def test_portions_and_idle_trials():
    returns = np.random.default_rng(4).normal(0.001, 0.01, (50, 300))
    returns[::7] = 0.0
    returns[3] = 0.001  # a constant whose deviation is not 0 in doubles
    total = CorrelationSum(300)
    for first in range(0, 50, 13):
        total.add(returns[first : first + 13])
    found, whole = total.result(), effective_trials(returns)
    assert (found.trials, found.idle) == (whole.trials, whole.idle) == (41, 9)
    assert found.correlation == pytest.approx(whole.correlation, rel=1e-9)
    kept = np.delete(returns, [*range(0, 50, 7), 3], axis=0)
    assert whole[2:4] == pytest.approx(effective_trials(kept)[2:4], rel=1e-12)
    assert whole.undefined == ""
    assert participation_ratio(returns) == pytest.approx(participation_ratio(kept), rel=1e-12)


def test_too_few_trials_are_said():
    none = effective_trials(np.zeros((4, 10)))
    assert (none.trials, none.idle, none.undefined) == (0, 4, "No trial trades.")
    assert math.isnan(none.number)
    assert math.isnan(participation_ratio(np.zeros((4, 10))))
    one = effective_trials(np.array([[0.1, 0.2, 0.0]]))
    assert one.number == 1.0
    assert math.isnan(one.correlation)
    assert "single trial" in one.undefined
    assert (
        effective_trials(np.empty((0, 10))).undefined
        == effective_trials(np.empty((3, 0))).undefined
        == "No trial trades."
    )


def test_a_participation_ratio_that_is_too_much_work_is_not_defined(monkeypatch):
    monkeypatch.setattr(effective, "_MOST_WORK", 20 * 20 * 30)
    assert participation_ratio(np.random.default_rng(0).normal(0, 0.01, (30, 20))) > 1
    assert participation_ratio(np.random.default_rng(0).normal(0, 0.01, (20, 30))) > 1
    assert math.isnan(participation_ratio(np.random.default_rng(0).normal(0, 0.01, (31, 20))))


def test_one_bound_says_what_is_flat():
    assert sharpe.FLAT == cscv.FLAT


def test_the_sharpe_statistics_need_nothing_slow():
    program = (
        "import sys, engine.selection.effective; print([n for n in ('numba', 'scipy', 'pandas') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
