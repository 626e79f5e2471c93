"""What all tests need."""

import pytest


@pytest.fixture(autouse=True, scope="session")
def state_folder(tmp_path_factory):
    """Locks of accounts in a folder of these tests, so that they do not wait for a bot of this machine, or for other tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(autouse=True, scope="session")
def no_ledger():
    """No sweep of a test is written into the trial ledger of this machine's user."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GOLDENCROSS_LEDGER", "off")
        yield
