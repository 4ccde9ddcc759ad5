"""QUOTASET (RFC 9208 section 4.1.3): administrators set quotas from their own mailbox, nobody else does."""
import pytest

from conftest import PASSWORD
from imapclient import Imap
from instance import Instance

BOSS, DEAN, BOB, EVE = "boss@d.test", "dean@e.test", "bob@e.test", "eve@d.test"
MESSAGE = b"Subject: x\r\n\r\n" + b"x" * 1500 + b"\r\n"


@pytest.fixture
def suite():
    inst = Instance()
    inst.setup()
    inst.set("auth.plain_on_loopback", "yes")
    inst.start()
    inst.run("domain", "add", "e.test", "min_quota_bytes=1")
    for user in (BOSS, DEAN, BOB, EVE):
        inst.add_user(user, PASSWORD)
    for folder in ("News@d.test", "Papers@e.test"):
        inst.run("public", "add", folder)
    inst.run("public", "grant", "News@d.test", "delete", BOSS)
    for name, *properties in (("root2", f"mailbox={BOSS}"), ("deans", "type=domain", "domains=e.test", f"mailbox={DEAN}")):
        inst.run("admin", "add", name, "--password-stdin", *properties, stdin=PASSWORD + "\n")
    yield inst
    inst.close()


@pytest.fixture
def login(suite):
    clients = []

    def login(user):
        clients.append(Imap(suite.port("imap"), user, password=PASSWORD))
        return clients[-1]

    yield login
    for client in clients:
        client.close()


def limits(suite, user, kind="user"):
    row = suite.json(kind, "show" if kind == "user" else "list", *([user] if kind == "user" else []))
    row = row if kind == "user" else next(r for r in row if r["address"] == user)
    return row["quota_bytes"], row["quota_messages"]


def test_a_super_administrator_sets_all(suite, login):
    boss, bob = login(BOSS), login(BOB)
    assert b"QUOTASET" in boss.ok("CAPABILITY")[0].split()
    assert bob.append("INBOX", MESSAGE)[-1].startswith(b"OK")
    assert boss.ok(f"SETQUOTA ~{BOB} (STORAGE 510 MESSAGE 3)") == [b'* QUOTA ~bob@e.test (STORAGE 2 510 MESSAGE 1 3)']
    assert limits(suite, BOB) == (510 * 1024, 3)
    assert boss.ok(f"GETQUOTA ~{BOB}") == [b'* QUOTA ~bob@e.test (STORAGE 2 510 MESSAGE 1 3)']
    assert boss.ok(f"SETQUOTA ~{BOB} (message 7)") == [b'* QUOTA ~bob@e.test (MESSAGE 1 7)']
    assert limits(suite, BOB) == (0, 7)
    assert boss.ok("SETQUOTA @Papers (STORAGE 9)") == [b"* QUOTA @Papers (STORAGE 0 9)"]  # which the boss does not see
    assert limits(suite, "papers@e.test", "public") == (9216, 0)
    suite.wait_log("audit", f"who=root2 from={BOSS} verb=set kind=user name={BOB} property=quota_messages before=3 after=7\n")
    log = suite.log("account")
    assert "event=quota_set" in log and f"admin=root2 by={BOSS} name={BOB}" in log.replace('"', "")


def test_this_session_goes_by_the_new_limit_at_once(login):
    boss = login(BOSS)
    for root, folder in (('""', "INBOX"), ("@News", "@News")):
        boss.ok(f"SETQUOTA {root} (MESSAGE 1)")
        assert boss.append(folder, MESSAGE)[-1].startswith(b"OK")
        assert b"[OVERQUOTA]" in boss.append(folder, MESSAGE)[-1]
        assert boss.ok(f"GETQUOTA {root}")[0].endswith(b"(MESSAGE 1 1)")
        assert boss.ok(f"SETQUOTA {root} ()")[0].endswith(b" ()")
        assert boss.append(folder, MESSAGE)[-1].startswith(b"OK")


def test_a_role_takes_the_right_for_users_and_the_domain(suite, login):
    suite.run("admin", "add", "desk", "--password-stdin", "type=role", "rights=groups passwords", "domains=e.test", f"mailbox={EVE}",
              stdin=PASSWORD + "\n")
    eve, before = login(EVE), limits(suite, BOB)
    eve.no(f"SETQUOTA ~{BOB} (MESSAGE 5)")
    suite.run("admin", "set", "desk", "rights=users", "domains=d.test")
    eve.no(f"SETQUOTA ~{BOB} (MESSAGE 5)")
    assert limits(suite, BOB) == before
    suite.run("admin", "set", "desk", "domains=e.test")
    eve.ok(f"SETQUOTA ~{BOB} (MESSAGE 5)")
    assert limits(suite, BOB)[1] == 5


def test_a_domain_administrator_sets_what_is_in_the_domain(suite, login):
    dean = login(DEAN)
    dean.ok(f"SETQUOTA ~{BOB} (MESSAGE 5)")
    dean.ok('SETQUOTA "" (MESSAGE 6)')
    dean.ok("SETQUOTA @Papers (MESSAGE 7)")
    assert limits(suite, BOB)[1] == 5 and limits(suite, DEAN)[1] == 6
    for root in (f"~{EVE}", "@News", "~nobody@d.test", "~nobody@e.test", "@None", "~", "Work"):
        dean.no(f"SETQUOTA {root} (MESSAGE 5)", b"[NOPERM]")
        dean.no(f"GETQUOTA {root}", b"[NONEXISTENT]")
    assert limits(suite, EVE)[1] == 50000 and limits(suite, "news@d.test", "public") == (0, 0)


def test_others_set_and_see_nothing(suite, login):
    eve = login(EVE)
    for root in ('""', f"~{EVE}", f"~{BOB}", "@News"):
        eve.no(f"SETQUOTA {root} (MESSAGE 5)", b"[NOPERM]")
    for root in (f"~{BOB}", f"~{EVE}", "@News"):
        eve.no(f"GETQUOTA {root}", b"[NONEXISTENT]")
    assert limits(suite, EVE) == limits(suite, BOB) == (524288000, 50000)


def test_what_cannot_be_a_limit(suite, login):
    boss = login(BOSS)
    for wrong in ("STORAGE 0", "MESSAGE 0", "MAILBOX 5", "STORAGE 9007199254740992", "MESSAGE 5 STORAGE 0"):
        boss.no(f"SETQUOTA ~{BOB} ({wrong})", b"[CANNOT]")
    for wrong in ("STORAGE -1", "STORAGE", "MESSAGE 9223372036854775808"):
        boss.bad(f"SETQUOTA ~{BOB} ({wrong})")
    assert limits(suite, BOB) == (524288000, 50000)


def test_the_right_follows_the_person_not_the_name(suite, login):
    refused = suite.run("admin", "set", "deans", "mailbox=nobody@e.test", check=False)
    assert refused.returncode != 0 and "no mailbox" in refused.err
    suite.run("user", "rename", DEAN, "rector@e.test")
    suite.add_user(DEAN, PASSWORD)
    login("rector@e.test").ok(f"SETQUOTA ~{BOB} (MESSAGE 5)")
    login(DEAN).no(f"SETQUOTA ~{BOB} (MESSAGE 6)", b"[NOPERM]")
    suite.run("user", "del", "rector@e.test", "--yes")
    suite.add_user("rector@e.test", PASSWORD)
    login("rector@e.test").no(f"SETQUOTA ~{BOB} (MESSAGE 6)", b"[NOPERM]")
    suite.run("admin", "set", "root2", "mailbox=")
    login(BOSS).no(f"SETQUOTA ~{BOB} (MESSAGE 6)", b"[NOPERM]")
    assert limits(suite, BOB)[1] == 5
