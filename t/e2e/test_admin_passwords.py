"""Programs that ask whether a user's password is right, or change it with the old one in hand (ADM-28)."""
import types

import pytest

from admin_api import Api
from authd_alone import BAD_CREDENTIALS, FAIL, OK, Session
from conftest import PASSWORD
from frames import U32
from instance import Instance, wait_for

NEW = "Another-good-one8"
ADMIN, ADMIN_REPLY = 22, 23  # of authd


@pytest.fixture
def suite():
    inst = Instance()
    inst.setup()
    for name, value in (("guess.failures_per_user", "3"), ("guess.failures_per_address", "3"), ("auth.failure_delay", "0")):
        inst.set(name, value)
    inst.start()
    inst.run("domain", "add", "e.test", "password_history=2")
    for user in ("anna@d.test", "bob@e.test"):
        inst.run("user", "add", user, "--password-stdin", stdin=PASSWORD + "\n")
    inst.run("user", "add", "none@d.test", "--no-password")
    inst.run("user", "add", "far@d.test", "auth=external", "--no-password")
    inst.run("alias", "add", "ann@d.test", "anna@d.test")
    for name, *more in (("root",), ("help", "type=role", "rights=passwords", "domains=e.test"), ("desk", "type=role", "rights=groups")):
        inst.run("admin", "add", name, "--password-stdin", *more, stdin=PASSWORD + "\n")
    yield inst
    inst.close()


def test_a_password_is_looked_at(suite):
    root, helper = Api(suite, "root", PASSWORD), Api(suite, "help", PASSWORD)
    assert root.result("Authenticate", user="anna", password=PASSWORD) == 0
    assert root.result("Authenticate", user="ANN", domain="D.test", password=PASSWORD) == 0
    assert root.result("Authenticate", user="anna", password="wrong-one") == 4
    assert root.result("Authenticate", user="anna", password="x" * 1024) == 4  # longer than any that can be hashed
    assert root.result("ChangePassword", user="none", old="x" * 512, new=NEW) == 4
    assert root.result("Authenticate", user="none", password="anything") == 4
    assert root.result("Authenticate", user="nobody", password="anything") == 2
    assert root.result("Authenticate", user="far", password="anything") == 3
    assert helper.result("Authenticate", user="bob", domain="e.test", password=PASSWORD) == 0
    assert helper.result("Authenticate", user="anna", domain="d.test", password=PASSWORD) == 101
    assert Api(suite, "desk", PASSWORD).result("Authenticate", user="anna", password=PASSWORD) == 101
    suite.run("user", "set", "anna@d.test", "status=disabled")
    assert root.result("Authenticate", user="anna", password=PASSWORD) == 4
    assert root.result("WhoAmI") == 0  # the session is the administrator's all the time
    assert PASSWORD not in suite.log("auth") + suite.log("account")


def test_a_password_is_changed_by_who_has_the_old_one(suite):
    helper = Api(suite, "help", PASSWORD)
    bob = {"user": "bob", "domain": "e.test"}
    assert helper.result("ChangePassword", **bob, old="wrong-one", new=NEW) == 4
    assert helper.result("ChangePassword", **bob, old=PASSWORD, new="short") == 5
    assert helper.result("ChangePassword", **bob, old=PASSWORD, new=PASSWORD) == 5  # the history
    assert helper.result("ChangePassword", **bob, old=PASSWORD, new=NEW) == 0
    assert helper.result("Authenticate", **bob, password=PASSWORD) == 4
    assert helper.result("Authenticate", **bob, password=NEW) == 0
    suite.run("user", "set", "bob@e.test", "password_change_due=yes")
    assert helper.result("Authenticate", **bob, password=NEW) == 4
    assert helper.result("ChangePassword", **bob, old=NEW, new="A-third-good-one9") == 0
    assert helper.result("Authenticate", **bob, password="A-third-good-one9") == 0
    assert Api(suite, "root", PASSWORD).result("ChangePassword", user="far", old="x", new=NEW) == 3


def test_nobody_logs_in_as_the_local_one(suite):
    door = types.SimpleNamespace(root=suite.root, parent=None)
    kind, fields = Session(door, "admin", "192.0.2.1").plain("uid 0", "guess")
    assert (kind, fields[0]) == (FAIL, BAD_CREDENTIALS)
    suite.wait_log("auth", 'reason="unknown user"')


def test_guessing_is_counted(suite):
    root = Api(suite, "root", PASSWORD)
    for _ in range(3):
        assert root.result("Authenticate", user="anna", password="guess") == 4
    wait_for(lambda: "anna@d.test" in str(suite.json("block", "list")), 30, "the block")
    assert root.result("Authenticate", user="anna", password=PASSWORD) == 4  # as if it were wrong
    assert root.result("ChangePassword", user="anna", old=PASSWORD, new=NEW) == 4
    suite.run("block", "lift", "anna@d.test")
    wait_for(lambda: root.result("Authenticate", user="anna", password=PASSWORD) == 0, 30, "the block is lifted")


def test_a_blocked_client_asks_nothing(suite):
    door = types.SimpleNamespace(root=suite.root, parent=None)

    def asked(session):
        kind, fields = session._call(ADMIN, "authenticate", "user", "bob@e.test", "", "", "", U32(1), "password", PASSWORD)
        assert kind == ADMIN_REPLY
        return fields[0], fields[1].decode()

    program = Session(door, "admin", "192.0.2.1")
    assert program.plain("root", PASSWORD)[0] == OK
    assert asked(program)[0] == 0
    for _ in range(3):
        kind, fields = Session(door, "imap", "192.0.2.1").plain("nobody@d.test", "guess")
        assert (kind, fields[0]) == (FAIL, BAD_CREDENTIALS)
    assert asked(program) == (102, "too many wrong passwords came from this client: later")
    assert Session(door, "admin", "192.0.2.1").plain("root", PASSWORD)[0] == OK  # administrators are counted apart
