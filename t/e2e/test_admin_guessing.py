"""Guessing an administrator's password: counts, limits and blocks of its own (AUT-10)."""
import types

import pytest

from authd_alone import BAD_CREDENTIALS, BLOCKED, FAIL, OK, Session
from conftest import PASSWORD
from instance import Instance, wait_for

ADMIN_PASSWORD = "A-good-secret7"
FAILURES, USERS_FAILURES = 4, 7
ALICE = "alice@d.test"


@pytest.fixture(scope="module")
def inst():
    inst = Instance()
    inst.setup()
    for name, value in (("auth.failure_delay", "0"), ("auth.yescrypt_cost", "1"), ("admin.guess_failures", FAILURES),
                        ("admin.guess_block_time", "60s"), ("guess.failures_per_address", USERS_FAILURES),
                        ("guess.failures_per_user", USERS_FAILURES)):
        inst.set(name, value)
    inst.run("admin", "passwd", "admin", "--password-stdin", stdin=ADMIN_PASSWORD + "\n")
    inst.run("admin", "add", "second", "--password-stdin", stdin=ADMIN_PASSWORD + "\n")
    inst.start()
    inst.add_user(ALICE, PASSWORD)
    yield inst
    inst.close()


def logins(inst):
    """A login from any address, as a protocol daemon's parent would attach it: "ok", or the kind of the failure."""
    door = types.SimpleNamespace(root=inst.root, parent=None)

    def run(address, user="admin", password=ADMIN_PASSWORD, service="admin"):
        session = Session(door, service, address)
        kind, fields = session.plain(user, password)
        session.close()
        assert kind in (OK, FAIL)
        return "ok" if kind == OK else fields[0]
    return run


@pytest.fixture
def login(inst):
    return logins(inst)


def blocks(inst):
    return {row["name"]: row for row in inst.json("block", "list")}


def test_an_address_is_blocked_for_administration_alone(inst, login):
    assert [login("192.0.2.1", "nobody", "x") for _ in range(FAILURES)] == [BAD_CREDENTIALS] * FAILURES
    assert login("192.0.2.1") == BLOCKED and login("192.0.2.2") == "ok"
    assert login("192.0.2.1", ALICE, PASSWORD, "imap") == "ok", "users there are not hit"
    row = wait_for(lambda: blocks(inst).get("192.0.2.1"))
    assert (row["scope"], row["cause"]) == ("administration", "guessing")
    assert row["end"][:10] >= row["start"][:10] and row["end"] != row["start"]
    inst.run("block", "lift", "192.0.2.1")
    wait_for(lambda: login("192.0.2.1") == "ok")
    assert [login("192.0.2.1", "nobody", "x") for _ in range(FAILURES - 1)] == [BAD_CREDENTIALS] * (FAILURES - 1)
    assert login("192.0.2.1") == "ok", "what was counted has gone with the block"


def test_users_who_fail_do_not_keep_an_administrator_out(inst, login):
    assert [login("192.0.2.9", ALICE, "x", "imap") for _ in range(USERS_FAILURES)] == [BAD_CREDENTIALS] * USERS_FAILURES
    assert login("192.0.2.9", ALICE, PASSWORD, "pop3") == BLOCKED
    assert login("192.0.2.9") == "ok"
    wait_for(lambda: blocks(inst)["192.0.2.9"]["scope"] == "all")
    inst.run("block", "lift", "192.0.2.9", ALICE)


def test_an_administrator_is_blocked_by_name(inst, login):
    for n in range(FAILURES):
        assert login(f"192.0.2.{20 + n}", "second", "x") == BAD_CREDENTIALS
    assert login("192.0.2.40", "second") == BAD_CREDENTIALS  # as if it were the wrong one
    assert login("192.0.2.40") == "ok"
    wait_for(lambda: "second" in blocks(inst))
    inst.run("block", "lift", "second")
    wait_for(lambda: login("192.0.2.41", "second") == "ok")


def test_a_block_by_hand_is_for_everything(inst, login):
    inst.run("block", "add", "198.51.100.7")
    wait_for(lambda: login("198.51.100.7") == BLOCKED)
    assert login("198.51.100.7", ALICE, PASSWORD, "imap") == BLOCKED


def test_the_block_outlasts_a_restart(inst, login):
    for _ in range(FAILURES):
        login("192.0.2.60", "nobody", "x")
    wait_for(lambda: "192.0.2.60" in blocks(inst))
    inst.run("service", "restart", "auth")
    wait_for(lambda: logins(inst)("192.0.2.60") == BLOCKED)
    assert logins(inst)("192.0.2.61") == "ok"
