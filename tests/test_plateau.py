"""Neighbours of a cell and the middle of the widest plateau, on small grids worked by hand and against plain Python."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import InputError
from engine.selection.plateau import Surface, neighbours_of, widest_plateau
from tests import naive_selection as naive


def surface(values, profitable=None):
    """Of a table of fast by slow windows, or of such tables by stop."""
    cells = np.array(values, float)
    if cells.ndim == 2:
        cells = cells[:, :, None]
    fast, slow, stops = cells.shape
    flags = cells > 0 if profitable is None else np.broadcast_to(np.array(profitable), cells.shape)
    return Surface(5 * np.arange(1, fast + 1), 10 * np.arange(1, slow + 1), np.arange(1.0, stops + 1), cells, flags)


nan = math.nan
HILL = [
    [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1],
    [nan, 0.8, 0.8, 0.8, 0.8, 0.8, 0.1],
    [0.1, 0.8, 0.8, 0.9, 0.8, 0.8, 0.1],
    [0.1, 0.8, 0.8, 0.8, 0.8, 0.8, -0.3],
    [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 1.2],
]


def test_neighbours_by_hand():
    found = neighbours_of(surface(HILL), (4, 6, 0))
    assert found == (3, 0.1, -0.3, 2 / 3, ("the largest fast window, 25", "the largest slow window, 70"))
    inner = neighbours_of(surface(HILL), (2, 3, 0))
    assert inner == (8, 0.8, 0.8, 1.0, ())
    beside_a_gap = neighbours_of(surface(HILL), (1, 1, 0))
    assert beside_a_gap.cells == 7
    assert neighbours_of(surface([[0.3]]), (0, 0, 0))[0] == 0


def test_the_middle_of_the_plateau_and_not_the_peak():
    found = widest_plateau(surface(HILL))
    # median 0.1 of 34 cells, peak 1.2: half way is 0.65
    assert found.level == pytest.approx(0.65)
    assert found.size == 15
    assert found.centre == (2, 3, 0)
    assert found.steps == 2
    assert found.edges == ()
    assert not found.holds((4, 6, 0))
    assert found.holds((2, 3, 0))
    assert found.undefined == ""


def test_a_plateau_at_the_end_of_the_grid_says_so():
    found = widest_plateau(surface([[0, 0, 0, 0, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 1], [0, 0, 1, 1, 1]]))
    assert found.edges == ("the largest fast window, 20", "the largest slow window, 50")
    assert found.centre == (2, 3, 0)  # the end of the grid counts as a border
    assert found.steps == 2


def test_no_stop_is_the_end_of_all_stops():
    cells = np.ones((2, 2, 3))
    cells[0, 0, 0] = 0
    ends = Surface(np.array([5, 10]), np.array([20, 30]), np.array([2, 3, math.inf]), cells, cells > 0)
    assert [text for text in widest_plateau(ends).edges if "stop" in text] == ["the smallest stop, 2"]
    found = neighbours_of(ends, (1, 1, 2))
    assert found.cells == 7
    assert found.edges == ("the largest fast window, 10", "the largest slow window, 30")


def test_a_single_stop_or_window_is_no_border():
    line = widest_plateau(surface([[0, 0, 0, 0, 1, 1, 1, 0]]))
    assert (line.centre, line.steps, line.edges) == ((0, 5, 0), 2, ())
    one = widest_plateau(surface([[0.4]]))
    assert (one.centre, one.steps, one.size, one.edges) == ((0, 0, 0), 1, 1, ())


def test_ties_go_to_the_better_neighbours_then_the_higher_cell_then_the_first():
    row = [0, 0, 0, 0, 0, 1.0, 1.0, 1.0, 1.0, 0.9]
    assert widest_plateau(surface([row]), 0.8).centre == (0, 7, 0)
    assert widest_plateau(surface([[0, 0, 0, 0, 0, 1, 1, 0]])).centre == (0, 5, 0)
    # Two regions of two cells: the higher one. In it, the neighbours of 0.9 are 0 and 1, and that of 1 is 0.9.
    assert widest_plateau(surface([[0, 0, 0, 0, 0, 0, 0, 0.8, 0.8, 0, 0.9, 1]])).centre == (0, 11, 0)


def test_diagonal_cells_are_not_connected():
    table = np.zeros((5, 5))
    table[1, 1] = table[2, 2] = table[2, 3] = table[3, 3] = 1.0
    assert widest_plateau(surface(table)).size == 3


def test_the_share_moves_the_level():
    table = surface(HILL)
    assert widest_plateau(table, 1.0).centre == (4, 6, 0)
    assert widest_plateau(table, 1.0).size == 1
    whole = widest_plateau(table, 0.0)
    assert whole.level == 0.1
    assert whole.size == 33  # all but the loss


def test_a_flat_grid_is_one_plateau():
    found = widest_plateau(surface(np.full((5, 7), 0.2)))
    assert (found.size, found.centre, found.steps) == (35, (2, 2, 0), 3)
    assert len(found.edges) == 4


def test_no_value_at_all_is_said():
    found = widest_plateau(surface([[nan, nan]]))
    assert found.undefined == "No cell has a value, so there is no plateau."
    assert found.centre is None
    assert found.neighbours is None
    assert found.size == 0


def test_bad_use_is_refused():
    good = surface(HILL)
    for cell in ((1, 0, 0), (5, 0, 0), (-1, 0, 0), (0, 0, 1)):
        with pytest.raises(InputError, match="no cell"):
            neighbours_of(good, cell)
    with pytest.raises(InputError, match="between 0 and 1"):
        widest_plateau(good, 1.5)
    with pytest.raises(InputError, match="infinite"):
        surface([[math.inf]])
    with pytest.raises(InputError, match="do not increase"):
        Surface(np.array([5, 5]), good.slow, good.stops, good.values[:2], good.profitable[:2])
    with pytest.raises(InputError, match="expected is"):
        Surface(good.fast, good.slow, good.stops, good.values[:2], good.profitable[:2])


tables = st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 3)).flatmap(
    lambda shape: st.lists(
        st.one_of(st.just(nan), st.integers(-2, 4).map(float)),
        min_size=shape[0] * shape[1] * shape[2],
        max_size=shape[0] * shape[1] * shape[2],
    ).map(lambda values: np.array(values).reshape(shape))
)


def cells_of(values):
    return {cell: float(values[cell]) for cell in product(*map(range, values.shape)) if not math.isnan(values[cell])}


@settings(max_examples=200, deadline=None)
@given(tables)
def test_neighbours_as_by_definition(values):
    known = cells_of(values)
    for cell in known:
        found, expected = neighbours_of(surface(values), cell), naive.neighbours(known, cell)
        assert found.cells == len(expected)
        if expected:
            assert found.median == pytest.approx(float(np.median(expected)))
            assert found.worst == expected[0]
            assert found.profitable == pytest.approx(sum(value > 0 for value in expected) / len(expected))


@settings(max_examples=200, deadline=None)
@given(tables, st.sampled_from([0.0, 0.3, 0.5, 1.0]))
def test_plateaus_as_by_definition(values, share):
    found = widest_plateau(surface(values), share)
    known = cells_of(values)
    regions = naive.widest(known, share)
    if not regions:
        assert found.centre is None
        return
    own = {tuple(cell) for cell in np.argwhere(found.cells).tolist()}
    assert own in regions
    steps = naive.steps_inside(own, values.shape)
    assert found.steps == max(steps.values())
    inmost = [cell for cell in sorted(own) if steps[cell] == found.steps]
    best = max(inmost, key=lambda cell: (middle_of(naive.neighbours(known, cell)), known[cell]))
    assert found.centre == best


def middle_of(values):
    return float(np.median(values)) if values else -math.inf


def test_the_order_of_many_small_regions():
    # A chessboard: every good cell is a region of its own, and the highest of them is taken.
    values = np.indices((30, 30)).sum(axis=0) % 2 * 1.0
    values[17, 4] = 1.5
    assert widest_plateau(surface(values)).centre == (17, 4, 0)
    values[17, 4] = 1.0
    assert widest_plateau(surface(values)).centre == (0, 1, 0)
