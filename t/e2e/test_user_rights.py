"""Rights of users and their defaults (DIR-13, DIR-24 to 27, DIR-45): what takes effect today, and changes of many."""
import json
import smtplib

import ldap3
import pytest

from conftest import PASSWORD
from instance import Instance, wait_for
from mailbox import messages

ALICE, BOB = "alice@d.test", "bob@d.test"


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    inst.start()
    for user in (ALICE, BOB):
        inst.add_user(user, PASSWORD)
    yield inst
    inst.close()


def test_without_public_contacts_no_login_to_ldap(suite):
    def bind():
        server = ldap3.Server("127.0.0.1", port=suite.port("ldap"), get_info=ldap3.NONE)
        connection = ldap3.Connection(server, ALICE, PASSWORD)
        connection.open()
        connection.start_tls()
        return connection if connection.bind() else None

    before = bind()
    assert before
    suite.run("user", "set", ALICE, "public_contacts=no")
    assert not bind()
    try:  # who is there already goes
        wait_for(lambda: not before.search("o=posthorn", "(objectClass=*)") and before.closed, 30, "the session's end")
    except ldap3.core.exceptions.LDAPException:
        pass
    suite.run("user", "set", ALICE, "public_contacts=yes")
    assert bind()


def test_without_the_right_nothing_is_answered(suite):
    def send(mark, sender=BOB):
        with smtplib.SMTP("127.0.0.1", suite.port("smtp"), timeout=20) as client:
            client.sendmail(sender, [ALICE], f"From: {sender}\r\nTo: {ALICE}\r\nSubject: {mark}\r\nMessage-ID: <{mark}@d.test>\r\n\r\n.\r\n")
        suite.wait_queue_empty()

    def answers():
        return [m for m in messages(suite, BOB) if b"Auto: " in m or b"gone fishing" in m]

    suite.run("user", "set", ALICE, "auto_reply=yes", "auto_reply_text=gone fishing")
    suite.run("user", "set", ALICE, "may_auto_reply=no")
    done = suite.run("user", "set", ALICE, "auto_reply=yes", check=False)
    assert done.returncode == 1 and "may_auto_reply" in done.err
    send("one")
    assert not answers()
    suite.run("user", "set", ALICE, "may_auto_reply=yes")
    send("two")
    wait_for(answers, 30, "the answer of who may again")


def test_defaults_reach_whom_they_are_meant_for(suite):
    def shown(address):
        row = suite.json("user", "show", address)
        return row["calendar"], row["imap"], row["quota_messages"]

    def update(*args, code=0):
        done = suite.run("user", "update", *args, "--json", check=False)
        assert done.returncode == code, done.err
        return {r["address"]: r["result"] for r in json.loads(done.out)}

    suite.run("domain", "add", "e.test", "default_quota_messages=77", "default_calendar=no")
    suite.run("user", "add", "old@e.test", "calendar=yes", "quota_messages=5", "--no-password")
    suite.run("domain", "set", "d.test", "default_calendar=no", "default_quota_messages=66", "default_imap=no")
    assert shown(ALICE) == (True, True, 50000)  # a changed default alters nobody
    assert set(update("--all", "--defaults", "calendar").values()) == {"ok"}
    assert shown(ALICE) == (False, True, 50000) and shown("old@e.test") == (False, True, 5)
    assert update("--user", BOB, "--user", "old@e.test", "--defaults", "all") == {BOB: "ok", "old@e.test": "ok"}
    assert shown(BOB) == (False, False, 66) and shown("old@e.test") == (False, True, 77)
    assert shown(ALICE) == (False, True, 50000)
    assert "no default of 'shoes'" in update("--user", BOB, "--defaults", "shoes", code=1)[BOB]
    done = suite.run("user", "update", "--all", "--defaults", "all", "imap=yes", check=False)
    assert done.returncode == 2 and "--defaults comes alone" in done.err
