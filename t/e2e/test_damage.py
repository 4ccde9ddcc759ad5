"""A mailbox whose journal was damaged on the disk: told to the client and to the administrator, never
half of it for all, and mended as the manuals say."""
import imaplib
import poplib
import ssl

import pytest

from conftest import PASSWORD
from instance import wait_for

TLS = ssl._create_unverified_context()


def imap(suite):
    client = imaplib.IMAP4_SSL("127.0.0.1", suite.port("imaps"), ssl_context=TLS, timeout=30)
    client.login("bob@d.test", PASSWORD)
    return client


def damage(mail):
    """One byte in the middle of the journal; without the index nobody remembers what was there."""
    journal = mail / "posthorn.journal"
    whole = bytearray(journal.read_bytes())
    whole[len(whole) // 2] ^= 0xff
    journal.write_bytes(whole)
    (mail / "posthorn.index").unlink(missing_ok=True)


@pytest.fixture
def mail(suite):
    """The directory of bob's INBOX with 60 messages, damaged."""
    with imap(suite) as client:
        _, count = client.select("INBOX")
        for number in range(int(count[0]), 60):
            client.append("INBOX", None, None, b"Subject: %d\r\n\r\ntext\r\n" % number)
    directory = next((suite.root / "store").glob("d.test/*/bob/mail"))
    damage(directory)
    return directory


def count(suite):
    with imap(suite) as client:
        status, found = client.select("INBOX")
    return int(found[0]) if status == "OK" else found[0]


def test_damage_is_told_and_can_be_moved_away(suite, mail):
    with imap(suite) as client:
        for read_only in (False, True):  # half of a folder would make a client remove its copies
            status, text = client.select("INBOX", readonly=read_only)
            assert status == "NO" and text[0].startswith(b"[CORRUPTION]"), text
    client = poplib.POP3_SSL("127.0.0.1", suite.port("pop3s"), context=TLS, timeout=30)
    client.user("bob@d.test")
    try:
        client.pass_(PASSWORD)
        raise AssertionError("half of a maildrop was given out")
    except poplib.error_proto as error:
        assert b"[SYS/PERM]" in error.args[0]
    wait_for(lambda: "event=store_failed" in suite.log("imap") and "folder=INBOX" in suite.log("imap")
             and "event=maildrop_failed" in suite.log("pop3"), what="the damage in the logs")

    (mail / "posthorn.journal").rename(mail / "journal.damaged")
    assert count(suite) == 60


def test_damage_can_be_repaired(suite, mail):
    assert b"CORRUPTION" in count(suite)
    done = suite.run("store", "check", "--user", "bob@d.test", check=False)
    assert done.returncode == 1 and "INBOX" in done.out, done.out
    done = suite.run("store", "check", "--user", "bob@d.test", "--repair", check=False)
    assert "written anew with 60 messages" in done.out, done.out
    suite.run("store", "check", "--user", "bob@d.test")
    assert count(suite) == 60
