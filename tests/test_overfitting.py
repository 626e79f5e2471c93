"""The halves of cross-validation, against seeded numbers on which three programs agree, and against the definition in exact fractions."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import InputError
from engine.kernels.cscv import LANES, sharpe_of_sums
from engine.selection.overfitting import BlockSums, block_edges, cross_validate, halves_of, overfitting_of
from engine.selection.sharpe import sharpe_ratios
from tests import naive_selection as naive


def noise(seed, days, trials):
    """Rows are trials, as everywhere in the package; drawn day by day, as the oracle has it."""
    return np.ascontiguousarray(np.random.default_rng(seed).normal(0, 0.01, (days, trials)).T)


@pytest.mark.parametrize(("seed", "expected"), [(0, 0.5285714286), (1, 0.4142857143), (2, 0.8)])
def test_probability_of_noise(seed, expected):
    assert overfitting_of(noise(seed, 1000, 100), 8).probability == pytest.approx(expected, abs=1e-10)


def test_a_trial_with_skill_is_found_in_every_half():
    returns = noise(0, 1000, 100)
    returns[7] += 0.002
    found = overfitting_of(returns, 8)
    assert found.probability == 0.0
    assert set(found.picks) == {7}
    assert found.probability_of_loss == 0.0


def test_all_halves_of_sixteen_blocks():
    found = overfitting_of(noise(0, 1248, 1000), 16)
    assert len(found.logits) == 12_870
    assert found.probability == pytest.approx(0.5529137529, abs=1e-10)


def same(found, expected, trials):
    picks, ranks, inside, outside, means = zip(*expected, strict=True)
    assert found.undefined == ""
    assert found.picks.tolist() == list(picks)
    np.testing.assert_allclose(found.logits, [naive.logit(rank, trials) for rank in ranks], rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(found.inside, inside, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.outside, outside, rtol=1e-9, atol=1e-12)
    assert found.probability == np.mean([rank / (trials + 1) <= 0.5 for rank in ranks])
    assert found.probability_of_loss == np.mean([mean < 0 for mean in means])
    assert found.median_outside == pytest.approx(float(np.median(outside)), rel=1e-9, abs=1e-12)


def check(returns, blocks, workers=1):
    same(overfitting_of(returns, blocks, workers), naive.cross_validate(returns.tolist(), blocks), len(returns))


@pytest.mark.parametrize(("days", "blocks", "trials"), [(48, 6, 7), (53, 6, 70), (20, 2, 5), (70, 8, 130)])
def test_noise_as_by_definition(days, blocks, trials):
    # 70 and 130 trials take more than one tile of the kernel, 53 and 70 days are not a multiple of the blocks
    check(noise(days, days, trials), blocks)


# Small whole numbers by a power of two: every sum is exact, so that what is a tie by definition is one in the kernel, and there are many.
step = st.integers(-3, 3).map(lambda k: k / 64)
stretch = st.one_of(st.just([0.0]), st.lists(step, min_size=1, max_size=3))


@st.composite
def grids(draw):
    """Trials with many ties: stretches without a trade, copies, and stretches in common."""
    blocks = draw(st.sampled_from([2, 4, 6]))
    days = draw(st.integers(2 * blocks, 2 * blocks + 9))
    rows = []
    for _ in range(draw(st.integers(2, 9))):
        cut = draw(st.integers(0, days))
        first, last = draw(stretch), draw(stretch)
        row = [first[t % len(first)] if t < cut else last[t % len(last)] for t in range(days)]
        rows.append(row if min(row) < max(row) else [1 / 64] + [0.0] * (days - 1))
        if draw(st.booleans()):
            rows.append(list(rows[draw(st.integers(0, len(rows) - 1))]))
    return np.array(rows), blocks


@settings(max_examples=80, deadline=None)
@given(grids())
def test_ties_and_idle_halves_as_by_definition(grid):
    check(*grid)


def test_ties_among_many_trials_as_by_definition():
    # more than three tiles of the kernel, most trials out of the market most of the time
    rng = np.random.default_rng(8)
    steps = rng.integers(-2, 3, (200, 26)) * (rng.random((200, 26)) < 0.2) / 64
    steps[:, 0] = np.where(steps.any(axis=1), steps[:, 0], 1 / 64)
    check(steps, 4)


def test_who_is_out_of_the_market_is_above_many_losers():
    # the idle one comes in the second tile of the kernel, after 100 who lose in every half
    returns = np.random.default_rng(2).integers(-9, 2, (101, 32)) / 64
    returns[100] = 0.0
    returns[100, 0] = -1 / 64
    check(returns, 4)
    assert set(overfitting_of(returns, 4).picks[-3:]) == {100}  # the halves without the first block


def test_returns_that_are_equal_in_a_half_are_a_tie_in_it():
    # Bits of real returns: running sums of the halves would leave rounding of the other blocks behind, and break the tie.
    rng = np.random.default_rng(3)
    common = rng.normal(0.0005, 0.01, 60)
    returns = np.tile(common, (40, 1))
    returns[1:, 30:] += rng.normal(0, 0.01, (39, 30))
    found = overfitting_of(returns, 4)
    assert found.picks[0] == 0  # blocks 0 and 1 are in: all are equal, so the first is picked
    last = overfitting_of(returns[::-1].copy(), 4)
    assert last.picks[0] == 0
    assert last.inside[0] == found.inside[0]
    assert (
        found.logits[-1] == 0.0
    )  # and in the complement the pick of the others is one of 40 equals: rank in the middle


def test_portions_threads_and_order_change_nothing():
    returns = noise(4, 203, 300)
    whole = overfitting_of(returns, 12, workers=1)
    sums = BlockSums(203, 12)
    for first in range(0, 300, 77):
        sums.add(returns[first : first + 77])
    for workers in (1, 2, 3):
        found = cross_validate(sums, workers)
        assert found.logits.tobytes() == whole.logits.tobytes()
        assert found.outside.tobytes() == whole.outside.tobytes()
        assert found.picks.tolist() == whole.picks.tolist()
    order = np.random.default_rng(0).permutation(300)
    mixed = overfitting_of(returns[order], 12)
    assert mixed.logits.tobytes() == whole.logits.tobytes()
    assert order[mixed.picks].tolist() == whole.picks.tolist()


def test_halves_are_in_the_order_of_combinations_and_complements_mirror():
    from itertools import combinations

    for blocks in (2, 4, 10):
        masks = halves_of(blocks).tolist()
        expected = [sum(1 << (blocks - 1 - j) for j in half) for half in combinations(range(blocks), blocks // 2)]
        assert masks == expected
        assert [mask ^ ((1 << blocks) - 1) for mask in masks] == masks[::-1]


def test_blocks_leave_no_day_out():
    assert block_edges(10, 4).tolist() == [0, 3, 6, 8, 10]
    assert block_edges(1248, 16).tolist() == list(range(0, 1249, 78))


@pytest.mark.parametrize("days", [4, LANES * 4, LANES * 4 + 3, 1001])
def test_sums_of_blocks(days):
    returns = noise(days, days, 5)
    sums = BlockSums(days, 4)
    sums.add(returns)
    for i, row in enumerate(returns):
        for block, piece in enumerate(naive.cut(days, 4)):
            assert sums.sums[i, block] == pytest.approx(math.fsum(row[piece]), rel=1e-12, abs=1e-16)
            assert sums.squares[i, block] == pytest.approx(math.fsum(row[piece] ** 2), rel=1e-12)


def test_sharpe_of_sums_is_the_sharpe_ratio():
    returns = noise(9, 500, 20) + 0.001
    found = [sharpe_of_sums(row.sum(), (row * row).sum(), 500.0) for row in returns]
    np.testing.assert_allclose(found, sharpe_ratios(returns), rtol=1e-12)
    assert sharpe_of_sums(0.0, 0.0, 10.0) == 0.0
    assert sharpe_of_sums(0.1, 0.001, 10.0) == 0.0  # ten times 0.01


def test_trials_that_never_trade_are_left_out_and_counted():
    returns = noise(5, 64, 6)
    with_idle = np.insert(returns, [0, 3], 0.0, axis=0)
    plain, found = overfitting_of(returns, 8), overfitting_of(with_idle, 8)
    assert (found.trials, found.idle) == (6, 2)
    assert found.logits.tobytes() == plain.logits.tobytes()
    assert set(found.picks) <= {1, 2, 3, 5, 6, 7}
    assert np.array_equal(with_idle[found.picks], returns[plain.picks])


def test_degradation_is_the_line_of_least_squares():
    found = overfitting_of(noise(6, 200, 50), 8)
    slope, intercept = np.polyfit(found.inside, found.outside, 1)
    assert found.slope == pytest.approx(slope)
    assert found.intercept == pytest.approx(intercept)
    assert found.correlation == pytest.approx(np.corrcoef(found.inside, found.outside)[0, 1])
    assert (
        found.slope < 0
    )  # of noise, what one half has too much the other has too little: the overall Sharpe ratio is given


def test_a_pick_that_loses_outside():
    # Each trial earns in one half and loses in the other.
    wave = np.array([0.01, 0.02] * 10)
    found = overfitting_of(np.array([np.concatenate([wave, -wave]), np.concatenate([-wave, wave])]), 2)
    assert found.picks.tolist() == [0, 1]
    assert found.probability == found.probability_of_loss == 1.0
    assert found.median_outside < 0 < found.inside.min()
    assert math.isnan(found.slope)  # both picks have the same Sharpe ratio inside


def test_too_little_data_is_said():
    for returns, reason in (
        (noise(0, 15, 5), "15 days are too few for 8 blocks of two days or more."),
        (noise(0, 100, 1), "Fewer than two trials trade, so there is nothing to pick from."),
        (np.zeros((5, 100)), "Fewer than two trials trade, so there is nothing to pick from."),
        (np.full((5, 100), 0.001), "Fewer than two trials trade, so there is nothing to pick from."),
    ):
        found = overfitting_of(returns, 8)
        assert found.undefined == reason
        assert math.isnan(found.probability)
        assert len(found.logits) == 0
    assert cross_validate(BlockSums(100, 8)).undefined.startswith("Fewer than two")


@pytest.mark.parametrize("blocks", [0, 1, 3, 22, -2, 8.0, True])
def test_blocks_are_checked(blocks):
    with pytest.raises(InputError, match="even number from 2 to 20"):
        overfitting_of(noise(0, 100, 3), blocks)


def test_returns_are_checked():
    with pytest.raises(InputError, match="rows of 100 days"):
        BlockSums(100, 4).add(noise(0, 99, 3))
    with pytest.raises(InputError, match="row for every trial"):
        overfitting_of(np.zeros(100))
    for bad in (math.nan, math.inf):
        returns = noise(0, 100, 3)
        returns[1, 50] = bad
        with pytest.raises(InputError, match="not a finite number"):
            overfitting_of(returns, 4)
    with pytest.raises(InputError, match="workers"):
        overfitting_of(noise(0, 100, 3), 4, workers=0)


def test_ffn_gives_the_same_logits():
    ffn = pytest.importorskip("ffn")
    import pandas as pd

    returns = noise(1, 400, 40)
    theirs = ffn.calc_prob_backtest_overfitting(pd.DataFrame(returns.T), n_blocks=8, full_output=True)
    found = overfitting_of(returns, 8)
    np.testing.assert_allclose(found.logits, theirs["logits"], rtol=1e-12, atol=1e-15)
    assert found.probability == theirs["pbo"]
