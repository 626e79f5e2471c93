"""How long the permutation test of a whole sweep takes: pytest bench --benchmark-enable."""

import pytest

from bench import century
from bench.clock import cores
from bench.permutations import CASES, MARKETS, SYMBOLS, permutations

PART = 20


@pytest.mark.parametrize("options", CASES.values(), ids=CASES)
def test_part_of_a_thousand_markets(benchmark, options):
    result = benchmark(permutations(PART, **options, workers=1))
    assert result.done == PART
    benchmark.extra_info["cells"] = PART * SYMBOLS * 499


@pytest.mark.usefixtures("timed_only")
def test_thousand_markets_on_two_cores(benchmark):
    if len(cores()) < 2:
        pytest.skip("there is one core only")
    result = benchmark.pedantic(permutations(MARKETS), rounds=1, warmup_rounds=0)
    assert result.done == MARKETS
    benchmark.extra_info["cells"] = MARKETS * SYMBOLS * 499


@pytest.mark.usefixtures("timed_only")
def test_part_of_a_century(benchmark):
    found = benchmark.pedantic(century.run, (4,), rounds=1, warmup_rounds=1)
    assert found.result.done == 4
    benchmark.extra_info["cells"] = 4 * century.grid_of_the_century().cells


def test_grid_of_the_century_is_the_nearest():
    # Whole ranges fast 1 to f and slow 2 to s, s up to 250, have f s - f (f + 1) / 2 pairs.
    pairs = {f * s - f * (f + 1) // 2 for f in range(1, 125) for s in range(f + 1, 251)}
    nearest = min(pairs, key=lambda count: abs(count - century.RULES))
    assert century.grid_of_the_century().cells == nearest == century.RULES + 1
