"""Fixtures of the end-to-end tests. Every instance is real, on loopback, and ends with its test."""
import pytest

from instance import Instance

PASSWORD = "secret-of-test"


@pytest.fixture
def instance():
    """Set up, not started, no users: for tests that configure first."""
    inst = Instance()
    try:
        inst.setup()
        yield inst
    finally:
        inst.close()


@pytest.fixture(scope="module")
def suite():
    """Running, with alice@d.test and bob@d.test (password PASSWORD); shared by a module's tests."""
    inst = Instance()
    try:
        inst.setup()
        inst.start()  # one that fails leaves what could be started running
        inst.add_user("alice@d.test", PASSWORD)
        inst.add_user("bob@d.test", PASSWORD)
        yield inst
    finally:
        inst.close()
