"""What the timed tests share."""

import pytest

from bench.jobs import Job, market


@pytest.fixture(scope="session")
def one():
    return Job(market(1))


@pytest.fixture(scope="session")
def many():
    return Job(market(33))


@pytest.fixture
def timed_only(request):
    """Leave out what is of no use if it is not timed, and is slow."""
    if request.config.getoption("benchmark_disable") and not request.config.getoption("benchmark_enable"):
        pytest.skip("for --benchmark-enable only")
