"""Which days are trained on and which are tested: against the definitions, written out day by day."""

from itertools import combinations
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import DataError, InputError
from engine.selection.folds import Fold, combinatorial_folds, groups_of, k_fold, walk_forward_folds


def days_of(ranges):
    return [day for one in ranges for day in one]


def naive_walk(days, scheme, train, test, step, purge, start):
    """Slide a window over the days by hand; the last test may be shorter."""
    found = []
    first_test = start + train + purge
    while first_test < days:
        tested = [day for day in range(days) if first_test <= day < first_test + test]
        last_trained = first_test - purge - 1
        begin = start if scheme == "anchored" else last_trained - train + 1
        found.append(([day for day in range(days) if begin <= day <= last_trained], tested))
        first_test += step
    return found


@settings(deadline=None)
@given(
    days=st.integers(0, 120),
    scheme=st.sampled_from(["anchored", "rolling"]),
    train=st.integers(2, 40),
    test=st.integers(1, 30),
    more=st.integers(0, 9),
    purge=st.integers(0, 5),
    start=st.integers(0, 30),
)
def test_walk_forward_is_the_window_slid_by_hand(days, scheme, train, test, more, purge, start):
    expected = naive_walk(days, scheme, train, test, test + more, purge, start)
    arguments = {"scheme": scheme, "train": train, "test": test, "step": test + more, "purge": purge, "start": start}
    if not expected:
        with pytest.raises(DataError, match="too few days"):
            walk_forward_folds(days, **arguments)
        return
    found = walk_forward_folds(days, **arguments)
    assert [(days_of(fold.train), days_of(fold.test)) for fold in found] == expected
    assert not any(fold.looks_ahead for fold in found)


@settings(deadline=None)
@given(days=st.integers(20, 400), folds=st.integers(1, 12), purge=st.integers(0, 3), start=st.integers(0, 4))
def test_a_number_of_folds_tests_all_that_is_left_in_equal_parts(days, folds, purge, start):
    trained = (days - start) // 2
    if days - start - trained - purge < folds:
        with pytest.raises(DataError, match="too few days"):
            walk_forward_folds(days, folds=folds, purge=purge, start=start)
        return
    found = walk_forward_folds(days, folds=folds, purge=purge, start=start)
    assert len(found) == folds
    assert days_of(one for fold in found for one in fold.test) == list(range(start + trained + purge, days))
    sizes = [len(fold.test[0]) for fold in found]
    assert max(sizes) - min(sizes) <= 1
    assert {fold.test[0].start - fold.train[0].stop for fold in found} == {purge}


@settings(deadline=None)
@given(days=st.integers(10, 300), test=st.integers(1, 20), folds=st.integers(1, 10))
def test_tests_and_their_number_end_with_the_last_day(days, test, folds):
    trained = days - 1 - test * folds
    if trained < 2:
        with pytest.raises(DataError, match="too few days"):
            walk_forward_folds(days, test=test, folds=folds)
        return
    found = walk_forward_folds(days, test=test, folds=folds)
    assert days_of(one for fold in found for one in fold.test) == list(range(trained + 1, days))
    assert found[0].train_days == trained


def test_whole_tests_only_if_their_number_is_asked_for():
    assert [len(fold.test[0]) for fold in walk_forward_folds(100, train=50, test=20, purge=0)] == [20, 20, 10]
    assert [len(fold.test[0]) for fold in walk_forward_folds(100, train=50, test=20, folds=2, purge=0)] == [20, 20]
    with pytest.raises(DataError, match=r"a training of 50 days and 3 tests of 20 days do not fit into the 100 days"):
        walk_forward_folds(100, train=50, test=20, folds=3, purge=0)


@settings(deadline=None)
@given(
    days=st.integers(0, 90),
    groups=st.integers(2, 7),
    tested=st.integers(1, 4),
    purge=st.integers(0, 4),
    embargo=st.integers(0, 25),
    start=st.integers(0, 20),
)
def test_combinatorial_folds_are_the_definition_day_by_day(days, groups, tested, purge, embargo, start):
    def make():
        return combinatorial_folds(days, groups, tested, purge=purge, embargo=embargo, start=start)

    if tested >= groups:
        with pytest.raises(InputError, match="leaves none to train on"):
            make()
        return
    if days - start < 2 * groups:
        with pytest.raises(DataError, match="too few days"):
            make()
        return
    cut = groups_of(days, groups, start)
    assert days_of(cut) == list(range(start, days))
    assert max(map(len, cut)) - min(map(len, cut)) <= 1
    expected = []
    for chosen in combinations(range(groups), tested):
        test = days_of(cut[i] for i in chosen)
        near = {day for one in test for day in range(one - purge, one + embargo + 1)}
        expected.append(([day for day in range(start, days) if day not in near], test))
    if min(len(train) for train, _ in expected) < 2:
        with pytest.raises(DataError, match="leave nothing to train on"):
            make()
        return
    found = make()
    assert [(days_of(fold.train), days_of(fold.test)) for fold in found] == expected
    assert len(found) == comb(groups, tested)
    for group in cut:
        assert sum(group in fold.test for fold in found) == comb(groups - 1, tested - 1)


def test_k_fold_is_one_group_tested_at_a_time():
    folds = k_fold(100, 5, purge=2, embargo=7)
    assert folds == combinatorial_folds(100, 5, 1, purge=2, embargo=7)
    assert folds[2] == Fold((range(38), range(67, 100)), (range(40, 60),))
    assert folds[2].looks_ahead
    assert not folds[4].looks_ahead


def test_columns_pick_the_days():
    folds = k_fold(100, 5, purge=2, embargo=7)
    assert folds[0].columns("test") == slice(0, 20)
    assert folds[2].columns("train").tolist() == [*range(38), *range(67, 100)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scheme": "growing"}, "scheme is 'growing'"),
        ({"train": 1}, "train is 1; it must be a whole number, 2 or more"),
        ({"test": 0}, "test is 0"),
        ({"folds": 2.5}, "folds is 2.5"),
        ({"folds": True}, "folds is True"),
        ({"purge": -1}, "purge is -1"),
        ({"step": 5}, "needs the days of a test"),
        ({"test": 10, "step": 5}, "would test some days twice"),
    ],
)
def test_windows_that_make_no_sense_are_said(arguments, message):
    with pytest.raises(InputError, match=message):
        walk_forward_folds(100, **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((100, 1, 1), "groups is 1"),
        ((100, 5, 0), "tested groups is 0"),
        ((100, 5, 5), "leaves none to train on"),
        ((10_000, 30, 10), "30,045,015 splits, more than 2,000"),
    ],
)
def test_groups_that_make_no_sense_are_said(arguments, message):
    with pytest.raises(InputError, match=message):
        combinatorial_folds(*arguments)


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        ((), (range(5),), "the training of a fold has no days"),
        ((range(5),), (range(5, 5),), "the test of a fold has no days"),
        ((range(6),), (range(5, 9),), "days 5 to 5 are twice in a fold"),
        ((range(0, 8, 2),), (range(8, 9),), "the training of a fold has no days"),
    ],
)
def test_a_fold_shares_no_day(train, test, message):
    with pytest.raises(InputError, match=message):
        Fold(train, test)
