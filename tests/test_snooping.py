"""The tests of data snooping, against their definitions and against what arch gives."""

import math

import numpy as np
import pytest
from arch.bootstrap import SPA, StationaryBootstrap, StepM

import engine
from engine.grid import Grid
from engine.selection.excess import deviations, feed
from engine.selection.snooping import Resampling, reality_check, step_m, superior_predictive_ability
from engine.selection.trials import Pool, Trials, trial_blocks, trials_of
from engine.settings import Costs, Settings

GRID = Grid.of([2, 3, 5, 8], [10, 20, 30], [None, engine.TrailingStop(3.0)])
FEE = Settings(costs=Costs(rate=0.001))
QUICK = Resampling(block=5, resamples=300, seed=7)


@pytest.fixture(scope="module")
def trials():
    return trials_of(engine.simulate(3, 300, seed=5), GRID, FEE)


def made(returns, grid=None):
    """Trials with given returns (N, D), of a market that does not move."""
    days = np.asarray(returns).shape[1]
    flat = engine.simulate(1, days, seed=1)
    count = len(returns)
    grid = grid or Grid.of([1], range(2, 2 + count))
    return Trials(np.asarray(returns, float), 0, grid, Settings(), Pool.of(flat, 1))


def noise(count, days=500, seed=0, common=0.5):
    dice = np.random.default_rng(seed)
    return 0.01 * (common * dice.standard_normal(days) + dice.standard_normal((count, days)))


# The definitions, in plain Python


def plain_deviation(row, block):
    """Hansen (2005), equation for the variance of the stationary bootstrap."""
    n, q = len(row), 1 / block
    mean = sum(row) / n
    total = 0.0
    for lag in range(n):
        covariance = sum((row[t] - mean) * (row[t + lag] - mean) for t in range(n - lag)) / n
        weight = 1.0 if lag == 0 else 2 * ((n - lag) / n * (1 - q) ** lag + lag / n * (1 - q) ** (n - lag))
        total += weight * covariance
    return math.sqrt(total)


def plain_p_values(excess, deviation, resampling):
    """White's and Hansen's p-values: lower, consistent, upper; the days drawn are those of arch's stationary bootstrap."""
    count, days = len(excess), len(excess[0])
    scaled = [[value / deviation[i] for value in excess[i]] for i in range(count)]
    means = [sum(row) / days for row in scaled]
    spread = [plain_deviation(row, resampling.block) for row in scaled]
    hopeless = [means[i] < -math.sqrt(spread[i] ** 2 / days * 2 * math.log(math.log(days))) for i in range(count)]
    centres = [
        [max(mean, 0.0) for mean in means],
        [0.0 if bad else mean for mean, bad in zip(means, hopeless, strict=True)],
        means,
    ]
    as_good = [0, 0, 0]
    draws = StationaryBootstrap(resampling.block, np.arange(days), seed=resampling.seed)
    for (drawn,), _ in draws.bootstrap(resampling.resamples):
        again = [sum(row[t] for t in drawn.tolist()) / days for row in scaled]
        for k in range(3):
            as_good[k] += max(value - centre for value, centre in zip(again, centres[k], strict=True)) > max(means)
    return [(1 + good) / (1 + resampling.resamples) for good in as_good]


@pytest.mark.parametrize("block", [1, 4, 10])
def test_deviation_is_that_of_the_definition(block):
    rows = noise(3, 60)
    assert deviations(rows, block).tolist() == pytest.approx([plain_deviation(row, block) for row in rows.tolist()])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_p_values_are_those_of_the_definition(seed):
    returns = noise(4, 80, seed) + np.array([[0.0005], [-0.003], [0.0], [-0.001]])
    fed, chosen = feed(made(returns), benchmark="cash"), Resampling(block=4, resamples=60, seed=seed)
    white, hansen = reality_check(fed, chosen), superior_predictive_ability(fed, chosen)
    for result, deviation in ((white, [1.0] * 4), (hansen, deviations(returns, 4).tolist())):
        expected = plain_p_values(returns.tolist(), deviation, chosen)
        assert [result.lower, result.consistent, result.upper] == expected
    assert (white.p, hansen.p) == (white.upper, hansen.consistent)
    assert white.lower <= white.consistent <= white.upper
    assert white.error == math.sqrt(white.p * (1 - white.p) / 61)


def test_reality_check_is_that_of_arch(trials):
    held = trials.pool.held()
    theirs = SPA(-held, -trials.returns.T, block_size=5, reps=300, seed=7, studentize=False)
    theirs.compute()
    ours = reality_check(feed(trials), QUICK)
    for name in ("lower", "consistent", "upper"):
        assert getattr(ours, name) == (1 + round(300 * theirs.pvalues[name])) / 301
    excess = trials.returns.mean(1) - held.mean()
    assert ours.best == trials.keys().iloc[excess.argmax()].to_dict()
    assert ours.excess == pytest.approx(excess.max() * 252)


def test_studentizing_makes_scales_alike():
    # arch's own ``studentize`` does not: a setting with a hundred times the risk would drown all others.
    returns = noise(6, 400, 3) + np.array([[0.0015], *[[0.0]] * 5])
    loud = returns * np.array([[1.0], [100.0], *[[1.0]] * 4])
    quiet, noisy = (superior_predictive_ability(feed(made(r), benchmark="cash"), QUICK) for r in (returns, loud))
    assert (quiet.p, quiet.best) == (noisy.p, noisy.best)
    assert quiet.p < 0.05
    assert reality_check(feed(made(loud), benchmark="cash"), QUICK).p > 0.2


# What they find


@pytest.mark.parametrize("test", [reality_check, superior_predictive_ability])
def test_edge_is_found_and_noise_is_not(test):
    returns = noise(50, seed=4)
    returns -= returns.mean(1, keepdims=True)
    assert test(feed(made(returns), benchmark="cash"), QUICK).p > 0.5
    returns[17] += 0.004
    found = test(feed(made(returns), benchmark="cash"), QUICK)
    assert found.p == 1 / 301
    assert (found.best["slow"], found.excess) == (19, pytest.approx(0.004 * 252))


def test_false_finds_are_as_rare_as_they_should_be():
    tries = 100
    found = dict.fromkeys(("white", "hansen", "step"), 0)
    for seed in range(tries):
        fed, chosen = feed(made(noise(20, 250, 100 + seed)), benchmark="cash"), Resampling(block=2, resamples=99)
        found["white"] += reality_check(fed, chosen).p <= 0.1
        found["hansen"] += superior_predictive_ability(fed, chosen).p <= 0.1
        found["step"] += len(step_m(fed, chosen, level=0.1).settings) > 0
    # 10 of 100 are expected, the standard error is 3: neither far more nor far fewer.
    assert all(1 <= count <= 22 for count in found.values()), found


def test_step_m_finds_the_settings_with_an_edge():
    returns = noise(12, 500, 2)
    returns -= returns.mean(1, keepdims=True)
    returns[[2, 5, 7]] += np.array([[0.01], [0.004], [0.003]])
    found = step_m(feed(made(returns), benchmark="cash"), QUICK)
    assert found.settings.slow.tolist() == [4, 7, 9]
    assert found.settings.excess.tolist() == pytest.approx([0.01 * 252, 0.004 * 252, 0.003 * 252])
    theirs = StepM(np.zeros(500), -(returns / deviations(returns, 5)[:, None]).T, block_size=5, reps=300, seed=7)
    theirs.compute()
    assert [slow - 2 for slow in found.settings.slow] == list(theirs.superior_models)


def test_step_m_when_all_are_superior_one_after_the_other():
    # arch alone ends with an error here: the second step leaves no setting to compare.
    # Of one setting 1.64 standard errors are enough, of two 1.96: the second is found only once the first is out of the way.
    returns = noise(2, 400, 1, common=0.0)
    returns -= returns.mean(1, keepdims=True)
    returns += (np.array([10.0, 1.8]) * deviations(returns, 5) / 20)[:, None]
    fed = feed(made(returns), benchmark="cash")
    scaled = -(fed.excess / deviations(fed.excess, 5)[:, None]).T
    assert len(step_m(fed, QUICK).settings) == 2
    theirs = StepM(np.zeros(400), scaled, block_size=5, reps=300, seed=7)
    with pytest.raises(ValueError, match="zero-size"):
        theirs.compute()


# What they are fed


def test_blocks_of_a_sweep_feed_as_the_whole_does(trials):
    blocks = trial_blocks(trials.pool, GRID, FEE, most_bytes=8 * 300 * 7)
    whole, parts = feed(trials, most=10), feed(blocks, most=10)
    assert np.array_equal(whole.excess, parts.excess)
    assert whole.keys.equals(parts.keys)


def test_large_grid_is_represented_evenly(trials):
    fed = feed(trials, most=8, benchmark="cash", seed=3)
    assert (fed.used, fed.tried, len(trials)) == (8, 24, 24)
    assert fed.left_out == {"another setting stands for them: 8 of 24 are used": 16}
    keys = trials.keys()
    rows = [int((keys == key).all(axis=1).to_numpy().argmax()) for _, key in fed.keys.iterrows()]
    assert [row // 3 for row in rows] == list(range(8))  # one in each three
    assert np.array_equal(fed.excess, trials.returns[rows])
    assert not feed(trials, most=8, seed=4).keys.equals(fed.keys)


def test_holding_is_subtracted(trials):
    assert np.array_equal(feed(trials).excess, trials.returns - trials.pool.held())
    assert np.array_equal(feed(trials, benchmark="cash").excess, trials.returns)


def test_settings_without_returns_of_their_own_are_left_out():
    returns = noise(4, 100)
    returns[1, 40:] = np.nan
    returns[2] = 0.0
    fed = feed(made(returns), benchmark="cash")
    assert fed.keys.slow.tolist() == [2, 5]
    assert fed.left_out == {
        "nothing was left of an account": 1,
        "the returns above cash are the same on every day": 1,
    }
    assert fed.excess.tolist() == returns[[0, 3]].tolist()


def test_too_little_data_is_said():
    short = feed(made(noise(3, 49)), benchmark="cash")
    said = "49 days are fewer than 50, 10 blocks of 5 days; take more days or a shorter block"
    assert reality_check(short, QUICK).why == superior_predictive_ability(short, QUICK).why == said
    assert math.isnan(reality_check(short, QUICK).p)
    assert step_m(short, QUICK).why == said
    assert step_m(short, QUICK).settings.empty
    nothing = feed(made(np.zeros((2, 100))), benchmark="cash")
    said = "no setting has returns that differ from those of cash"
    assert superior_predictive_ability(nothing, QUICK).why == step_m(nothing, QUICK).why == said


def test_senseless_arguments(trials):
    for wrong in ({"block": 0}, {"resamples": 0}, {"seed": -1}, {"block": 2.5}):
        with pytest.raises(engine.InputError, match="must be a whole number"):
            Resampling(**wrong)
    with pytest.raises(engine.InputError, match="benchmark is 'gold'"):
        feed(trials, benchmark="gold")
    with pytest.raises(engine.InputError, match="most is 0"):
        feed(trials, most=0)
    with pytest.raises(engine.InputError, match="there are no trials"):
        feed(iter(()))
    with pytest.raises(engine.InputError, match=r"level is 1\.0"):
        step_m(feed(trials), QUICK, level=1.0)
