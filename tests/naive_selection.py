"""The statistics of selection in slow, obvious Python, written from docs/selection.md and the papers, never from the modules."""

import math
from fractions import Fraction
from itertools import combinations
from statistics import NormalDist

NORMAL = NormalDist()
EULER = 0.5772156649015329


def mean(values):
    return math.fsum(values) / len(values)


def variance(values, ddof):
    middle = mean(values)
    return math.fsum((value - middle) ** 2 for value in values) / (len(values) - ddof)


def sharpe(values):
    """Mean by deviation; None where all are equal."""
    if len(values) < 2 or min(values) == max(values):
        return None
    return mean(values) / math.sqrt(variance(values, 1))


def skew_and_kurtosis(values):
    middle, deviation = mean(values), math.sqrt(variance(values, 0))
    standard = [(value - middle) / deviation for value in values]
    return mean([z**3 for z in standard]), mean([z**4 for z in standard])


def probabilistic_sharpe(values, benchmark):
    ratio, (skew, kurtosis) = sharpe(values), skew_and_kurtosis(values)
    below = math.sqrt(1 - skew * ratio + (kurtosis - 1) / 4 * ratio**2)
    return NORMAL.cdf((ratio - benchmark) * math.sqrt(len(values) - 1) / below)


def expected_maximum(trials):
    return (1 - EULER) * NORMAL.inv_cdf(1 - 1 / trials) + EULER * NORMAL.inv_cdf(1 - 1 / (trials * math.e))


def deflated_sharpe(trials):
    """Of the best of some lists of returns, held against all of them as if they were independent."""
    ratios = [sharpe(values) for values in trials]
    best = max(range(len(trials)), key=lambda i: ratios[i])
    benchmark = math.sqrt(variance(ratios, 1)) * expected_maximum(len(trials))
    return best, benchmark, probabilistic_sharpe(trials[best], benchmark)


def correlation(a, b):
    covariance = mean([(x - mean(a)) * (y - mean(b)) for x, y in zip(a, b, strict=True)])
    return covariance / math.sqrt(variance(a, 0) * variance(b, 0))


def average_correlation(trials):
    return mean([correlation(a, b) for a, b in combinations(trials, 2)])


def participation_ratio(trials):
    """Square of the sum of the eigenvalues by the sum of their squares, which are the trace and the sum of all squared entries of the correlation matrix."""
    trace = sum(correlation(a, a) for a in trials)
    return trace**2 / sum(correlation(a, b) ** 2 for a in trials for b in trials)


def exact_order(values):
    """What orders as the Sharpe ratio does, without rounding: its square with its sign, times (n - 1) / n; 0 where all values are equal."""
    exact = [Fraction(value) for value in values]
    middle = sum(exact) / len(exact)
    spread = sum((value - middle) ** 2 for value in exact) / len(exact)
    return middle * abs(middle) / spread if spread else Fraction(0)


def cut(days, blocks):
    """Day numbers of contiguous blocks, the first ones a day longer where it does not come out even."""
    size, longer = divmod(days, blocks)
    lengths = [size + 1] * longer + [size] * (blocks - longer)
    return [list(range(sum(lengths[:i]), sum(lengths[: i + 1]))) for i in range(blocks)]


def cross_validate(trials, blocks):
    """For every half of the blocks: the pick, its rank on the complement, its Sharpe ratios on both, its mean on the complement."""
    pieces = cut(len(trials[0]), blocks)
    found = []
    for half in combinations(range(blocks), blocks // 2):
        ins = [day for block in half for day in pieces[block]]
        out = [day for block in range(blocks) if block not in half for day in pieces[block]]
        heights = [exact_order([trial[day] for day in ins]) for trial in trials]
        others = [exact_order([trial[day] for day in out]) for trial in trials]
        pick = heights.index(max(heights))
        lower = sum(other < others[pick] for other in others)
        same = sum(other == others[pick] for other in others)
        rank = lower + (same + 1) / 2
        inside, outside = ([trials[pick][day] for day in days] for days in (ins, out))
        found.append((pick, rank, sharpe(inside) or 0.0, sharpe(outside) or 0.0, mean(outside)))
    return found


def logit(rank, trials):
    w = rank / (trials + 1)
    return math.log(w / (1 - w))


def neighbours(values, cell):
    """Values of the cells one step away in each direction, diagonals too; values is a dict of cells that exist."""
    return sorted(
        value
        for other, value in values.items()
        if other != cell and all(abs(a - b) <= 1 for a, b in zip(other, cell, strict=True))
    )


def widest(values, share):
    """The largest connected regions of good cells, those with the highest median of them; values is a dict of cells that exist."""
    if not values:
        return []
    ordered = sorted(values.values())
    middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    good = {cell for cell, value in values.items() if value >= middle + share * (ordered[-1] - middle)}
    regions = []
    while good:
        region = {good.pop()}
        while True:
            more = {cell for cell in good if any(math.dist(cell, other) == 1 for other in region)}
            if not more:
                break
            region |= more
            good -= more
        regions.append(region)
    largest = [region for region in regions if len(region) == max(map(len, regions))]
    best = max(value_of(region, values) for region in largest)
    return [region for region in largest if value_of(region, values) == best]


def value_of(region, values):
    ordered = sorted(values[cell] for cell in region)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def steps_inside(region, shape):
    """Of every cell the steps, diagonals too, to the nearest place that is not in the region; places beyond the grid are not, on axes that have more than one place."""
    around = [range(-1, length + 1) if length > 1 else range(length) for length in shape]
    outside = [(i, j, k) for i in around[0] for j in around[1] for k in around[2] if (i, j, k) not in region]
    steps = {}
    for cell in region:
        distances = [max(abs(a - b) for a, b in zip(cell, other, strict=True)) for other in outside]
        steps[cell] = min(distances, default=1)
    return steps
