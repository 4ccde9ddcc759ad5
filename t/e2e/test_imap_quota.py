"""QUOTA (RFC 9208): usage and limits as the administrator set them, and OVERQUOTA."""
import re

import pytest

from imapclient import Imap
from instance import Instance

MESSAGE = b"From: a@d.test\r\nSubject: quota\r\n\r\n" + b"x" * 1500 + b"\r\n"


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    inst.set("auth.plain_on_loopback", "yes")
    inst.start()
    inst.allow_small_quotas()
    yield inst
    inst.close()


@pytest.fixture
def imap(suite, request):
    user = f"{request.node.name.replace('_', '')[:40]}@d.test"
    suite.add_user(user)
    suite.run("user", "set", user, "quota_bytes=10000", "quota_messages=3")
    client = Imap(suite.port("imap"), user)
    client.user = user
    yield client
    client.close()


def resources(lines):
    found = [line for line in lines if line.startswith(b"* QUOTA ")]
    assert len(found) == 1, lines
    words = re.fullmatch(rb'\* QUOTA "" \((.*)\)', found[0]).group(1).split()
    return {words[i]: (int(words[i + 1]), int(words[i + 2])) for i in range(0, len(words), 3)}


def test_capability(imap):
    words = imap.ok("CAPABILITY")[0].split()
    for name in (b"QUOTA", b"QUOTA=RES-STORAGE", b"QUOTA=RES-MESSAGE"):
        assert name in words
    assert b"QUOTASET" in words


def test_getquota_counts_all_folders(imap):
    assert resources(imap.ok('GETQUOTA ""')) == {b"STORAGE": (0, 9), b"MESSAGE": (0, 3)}
    for folder in ("INBOX", "Sent"):
        assert imap.append(folder, MESSAGE)[1].startswith(b"OK")
    assert resources(imap.ok('GETQUOTA ""')) == {
        b"STORAGE": ((2 * len(MESSAGE) + 1023) // 1024, 9), b"MESSAGE": (2, 3)}
    imap.no("GETQUOTA other", b"[NONEXISTENT]")
    imap.bad("GETQUOTA")


def test_getquotaroot(imap):
    lines = imap.ok("GETQUOTAROOT INBOX")
    assert lines[0] == b'* QUOTAROOT INBOX ""'
    assert resources(lines) == {b"STORAGE": (0, 9), b"MESSAGE": (0, 3)}
    assert imap.ok("GETQUOTAROOT NotThereYet")[0] == b'* QUOTAROOT NotThereYet ""'
    imap.no('GETQUOTAROOT "a//b"', b"[CANNOT]")


def test_no_limit_is_an_empty_list(suite, imap):
    suite.run("user", "set", imap.user, "quota_bytes=0", "quota_messages=0")
    with_limits_gone = Imap(suite.port("imap"), imap.user)
    assert with_limits_gone.ok('GETQUOTA ""') == [b'* QUOTA "" ()']
    with_limits_gone.close()


def test_setquota_is_the_administrators(imap):
    imap.no('SETQUOTA "" (STORAGE 512)', b"[NOPERM]")
    imap.no('SETQUOTA "" ()', b"[NOPERM]")
    imap.bad('SETQUOTA "" (STORAGE x)')
    imap.bad('SETQUOTA "" (STORAGE 1')


def test_overquota_of_append_and_copy(imap):
    for _ in range(2):
        assert imap.append("INBOX", MESSAGE)[1].startswith(b"OK")
    imap.ok("SELECT INBOX")
    imap.no("COPY 1:2 Sent", b"[OVERQUOTA]")
    imap.ok("COPY 1 Sent")
    assert b"[OVERQUOTA]" in imap.append("INBOX", MESSAGE)[1]
    assert resources(imap.ok('GETQUOTA ""'))[b"MESSAGE"] == (3, 3)
    imap.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    imap.ok("EXPUNGE")
    assert imap.append("INBOX", MESSAGE)[1].startswith(b"OK")


def test_status_deleted(imap):
    for _ in range(3):
        assert imap.append("INBOX", MESSAGE)[1].startswith(b"OK")
    assert imap.ok("STATUS INBOX (MESSAGES DELETED DELETED-STORAGE)") == [
        b"* STATUS INBOX (MESSAGES 3 DELETED 0 DELETED-STORAGE 0)"]
    imap.ok("SELECT INBOX")
    imap.ok("STORE 1,3 +FLAGS.SILENT (\\Deleted)")
    assert imap.ok("STATUS INBOX (DELETED-STORAGE DELETED)") == [
        b"* STATUS INBOX (DELETED 2 DELETED-STORAGE %d)" % (2 * len(MESSAGE))]
    lines = imap.ok('LIST "" INBOX RETURN (STATUS (DELETED))')
    assert b"* STATUS INBOX (DELETED 2)" in lines
