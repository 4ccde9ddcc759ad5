"""A mailbox whose journal was damaged on the disk: told to the client and to the administrator, never
half of it for all, and mended as local-deliver(8) says."""
import imaplib
import poplib
import ssl

from conftest import PASSWORD
from instance import wait_for

TLS = ssl._create_unverified_context()


def imap(suite):
    client = imaplib.IMAP4_SSL("127.0.0.1", suite.port("imaps"), ssl_context=TLS, timeout=30)
    client.login("bob@d.test", PASSWORD)
    return client


def test_damage_is_told_and_mended(suite):
    with imap(suite) as client:
        for number in range(60):
            client.append("INBOX", None, None, b"Subject: %d\r\n\r\ntext\r\n" % number)
    mail = next((suite.root / "store").glob("d.test/*/bob/mail"))
    journal = mail / "posthorn.journal"
    whole = bytearray(journal.read_bytes())
    whole[len(whole) // 2] ^= 0xff
    journal.write_bytes(whole)
    (mail / "posthorn.index").unlink(missing_ok=True)

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

    journal.rename(mail / "journal.damaged")
    with imap(suite) as client:
        status, count = client.select("INBOX")
        assert status == "OK" and int(count[0]) == 60
