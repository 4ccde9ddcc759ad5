"""STO-08: one warning each time a mailbox passes warning_limit."""
import os
import re
import signal
import smtplib

import pytest

from conftest import PASSWORD
from imapclient import Imap
from instance import Instance, wait_for
from mailbox import messages

ALICE = "alice@d.test"


@pytest.fixture
def inst():
    inst = Instance()
    inst.setup()
    inst.start()
    inst.add_user(ALICE, PASSWORD)
    inst.allow_small_quotas()
    inst.run("user", "set", ALICE, "quota_bytes=100000", "quota_messages=0", "warning_limit=50")
    yield inst
    inst.close()


def submit(inst, size):
    """Whether it was taken: accountd goes for some seconds by what it has heard of the mailbox."""
    with smtplib.SMTP("127.0.0.1", inst.port("smtp"), timeout=20) as client:
        try:
            client.sendmail("far@x.test", [ALICE],
                            "Subject: filling\r\n\r\n" + ("x" * 70 + "\r\n") * (size // 72))
        except smtplib.SMTPRecipientsRefused:
            return False
    return True


def send(inst, size):
    wait_for(lambda: submit(inst, size), what="room as accountd sees it")
    inst.wait_queue_empty()


def warnings(inst):
    return [m for m in messages(inst, ALICE) if b"Your mailbox is" in m]


def remove_all(inst):
    client = Imap(inst.port("imaps"), ALICE, tls=True)
    client.ok("SELECT INBOX")
    client.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)")
    client.ok("EXPUNGE")
    client.close()


def test_once_for_each_crossing(inst):
    send(inst, 30000)
    assert warnings(inst) == []
    send(inst, 30000)
    [warning] = warnings(inst)
    assert b"Subject: Your mailbox is 6" in warning and b"To: <alice@d.test>\r\n" in warning
    assert b"97." not in warning and re.search(rb"holds 6\d{4} B of\r\nthe 100000 B", warning)
    assert warning.startswith(b"Return-Path: <>\r\n") and b"@percent@" not in warning
    inst.wait_log("local", "event=quota_warning ")
    send(inst, 5000)
    inst.stop()
    inst.start()
    send(inst, 5000)
    assert len(warnings(inst)) == 1
    remove_all(inst)
    send(inst, 30000)
    assert warnings(inst) == []  # there was room: no false one
    send(inst, 30000)
    assert len(warnings(inst)) == 1


def test_room_that_no_delivery_saw_counts(inst):
    send(inst, 60000)
    assert len(warnings(inst)) == 1
    remove_all(inst)
    send(inst, 70000)  # from nothing past the limit in one step
    assert len(warnings(inst)) == 1
    remove_all(inst)
    send(inst, 1000)
    client = Imap(inst.port("imaps"), ALICE, tls=True)
    client.append("INBOX", b"Subject: by hand\r\n\r\n" + b"z" * 60000 + b"\r\n")
    client.close()
    send(inst, 1000)  # it was above before, and yet there had been room
    assert len(warnings(inst)) == 1


def test_limits_of_domain_and_user(inst):
    inst.run("domain", "set", "d.test", "default_warning_limit=25")
    inst.run("user", "add", "bob@d.test", "--no-password", "quota_messages=4")
    assert inst.json("user", "show", "bob@d.test")["warning_limit"] == 25
    inst.run("user", "set", ALICE, "warning_limit=0")
    send(inst, 80000)
    assert warnings(inst) == []
    inst.run("user", "set", ALICE, "warning_limit=100", "quota_messages=2")
    send(inst, 1000)
    [warning] = warnings(inst)
    assert b"2 messages of\r\nthe 2 messages" in warning
    assert len(messages(inst, ALICE)) == 3  # a full mailbox takes it
    assert "expected" in inst.run("user", "set", ALICE, "warning_limit=101", check=False).err


def test_template_of_the_administrator(inst):
    (inst.root / "etc/templates/en/quota_warning.txt").write_text(
        "Subject: Postfach zu @percent@ % gefüllt\n\n@used@ von @limit@, fragen: @postmaster@ @@\n")
    inst.stop()
    inst.start()
    send(inst, 60000)
    found = wait_for(lambda: [m for m in messages(inst, ALICE) if b"fragen: postmaster@" in m])
    assert b"Subject: =?utf-8?" in found[0] and found[0].endswith(b" @\r\n")


def mark(inst, name):
    return next((inst.root / "store/d.test").glob("??/alice/mail")) / name


def test_a_warning_that_was_begun_comes_once(inst):
    """As if local-deliver had died before the delivery, and after it."""
    send(inst, 60000)
    [warning] = warnings(inst)
    key = re.search(rb"Message-ID: <([^@]+)@", warning)[1]
    os.rename(mark(inst, "posthorn.warned"), mark(inst, "posthorn.warning"))
    mark(inst, "posthorn.warning").write_bytes(key)  # delivered, and not noted
    send(inst, 1000)
    assert len(warnings(inst)) == 1 and mark(inst, "posthorn.warned").exists()
    os.rename(mark(inst, "posthorn.warned"), mark(inst, "posthorn.warning"))
    mark(inst, "posthorn.warning").write_bytes(b"4aaaaaaaaaaaaaa")  # noted, and not delivered
    send(inst, 1000)
    assert len(warnings(inst)) == 2 and mark(inst, "posthorn.warned").exists()
    assert not mark(inst, "posthorn.warning").exists()


def test_kill_of_local_deliver_loses_and_doubles_nothing(inst):
    """Several crossings, with its processes killed at moments of their own."""
    for round_number in range(6):
        remove_all(inst) if messages(inst, ALICE) else None
        for _ in range(4):
            wait_for(lambda: submit(inst, 18000))
            for pid, command in inst.processes().items():
                if "local-deliver" in command and round_number % 2 == 0:
                    os.kill(pid, signal.SIGKILL)
        inst.wait_queue_empty(60)
        assert len(warnings(inst)) == 1, round_number
        assert len(messages(inst, ALICE)) == 5
