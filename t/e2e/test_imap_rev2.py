"""IMAP4rev2 (RFC 9051): what ENABLE IMAP4rev2 changes, by its appendix E; and that nothing changes without it."""
import re

import pytest

from imapclient import Imap
from instance import Instance

ALICE = "alice@d.test"
MESSAGE = b"Subject: n\r\n\r\ntext\r\n"


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    inst.set("auth.plain_on_loopback", "yes")
    inst.start()
    inst.add_user(ALICE)
    yield inst
    inst.close()


@pytest.fixture
def old(suite):
    client = Imap(suite.port("imap"), ALICE)
    yield client
    client.close()


@pytest.fixture
def new(suite):
    client = Imap(suite.port("imap"), ALICE)
    assert client.ok("ENABLE IMAP4rev2") == [b"* ENABLED IMAP4rev2"]
    yield client
    client.close()


def test_both_are_announced(old):
    names = set(old.ok("CAPABILITY")[0].split())
    included = {b"NAMESPACE", b"UNSELECT", b"UIDPLUS", b"ESEARCH", b"SEARCHRES", b"ENABLE", b"IDLE", b"SASL-IR",
                b"LIST-EXTENDED", b"LIST-STATUS", b"MOVE", b"LITERAL+", b"BINARY", b"SPECIAL-USE", b"STATUS=SIZE"}
    assert names >= included | {b"IMAP4rev1", b"IMAP4rev2"}


def test_select(new, old):
    """Section 6.3.2: LIST with its attributes, no RECENT, no UNSEEN; OLDNAME for what was written otherwise."""
    assert new.append("INBOX", MESSAGE)[1].startswith(b"OK")
    lines = new.ok("SELECT inbox")
    assert b'* LIST (\\HasNoChildren) "/" INBOX ("OLDNAME" (inbox))' in lines
    assert not any(b"RECENT" in line or b"UNSEEN" in line for line in lines)
    assert any(line.endswith(b" EXISTS") for line in lines)
    lines = new.append("INBOX", MESSAGE)[0]
    assert any(line.endswith(b" EXISTS") for line in lines) and not any(b"RECENT" in line for line in lines)
    assert not any(b"Recent" in line for line in new.ok("FETCH 1:* (FLAGS)"))
    lines = new.ok('SELECT "Trash"')
    assert lines[0].startswith(b"* OK [CLOSED]")
    assert b'* LIST (\\HasNoChildren \\Trash) "/" Trash' in lines
    assert b'* LIST (\\HasNoChildren) "/" INBOX' in new.ok("EXAMINE INBOX")
    assert b'* LIST (\\HasNoChildren) "/" INBOX ("OLDNAME" (iNBOX))' in new.ok("EXAMINE {5+}\r\niNBOX")
    lines = old.ok("SELECT INBOX")
    assert any(b"RECENT" in line for line in lines) and not any(b"LIST" in line for line in lines)
    assert any(b"UNSEEN" in line for line in lines)
    assert any(b"\\Recent" in line for line in old.ok("FETCH 1:* (FLAGS)"))


def test_search_answers_esearch(new, old):
    for client in (new, old):
        client.ok("SELECT INBOX")
    assert old.ok("SEARCH ALL")[0].startswith(b"* SEARCH")
    tag = new.count + 1
    assert re.match(rb'\* ESEARCH \(TAG "t%d"\) ALL 1' % tag, new.ok("SEARCH ALL")[0])
    assert new.ok("UID SEARCH SUBJECT nothing")[0] == b'* ESEARCH (TAG "t%d") UID' % (tag + 1)


def test_updates_have_the_uid(new, old):
    """Appendix E, 21: every FETCH that was not asked for."""
    new.ok("SELECT INBOX")
    old.ok("SELECT INBOX")
    old.ok("STORE 1 FLAGS.SILENT (\\Flagged)")
    assert any(re.match(rb"\* 1 FETCH \(UID \d+ FLAGS \(\\Flagged\)\)", line) for line in new.ok("NOOP"))
    assert any(re.match(rb"\* 1 FETCH \(UID \d+ FLAGS", line) for line in new.ok("STORE 1 +FLAGS (\\Draft)"))
    assert b"UID" in new.ok("FETCH 1 BODY[TEXT]")[0]
    new.ok("STORE 1 -FLAGS (\\Flagged)")
    assert any(re.match(rb"\* 1 FETCH \(FLAGS", line) for line in old.ok("NOOP"))


def test_names_in_utf8(new, old):
    """Section 5.1: UTF-8 for this client, modified UTF-7 for the other one; "&" is an ampersand."""
    new.ok('CREATE "Größe/日本語"'.encode())
    assert '* LIST (\\HasNoChildren) "/" "Größe/日本語"'.encode() in new.ok('LIST "" "Größe/*"'.encode())
    assert b'* LIST (\\HasNoChildren) "/" Gr&APYA3w-e/&ZeVnLIqe-' in old.ok('LIST "" "Gr&APYA3w-e/*"')
    assert new.ok('STATUS "Größe" (MESSAGES)'.encode())[0] == '* STATUS "Größe" (MESSAGES 0)'.encode()
    assert '* LIST (\\HasChildren) "/" "Größe"'.encode() in new.ok('SELECT "Größe"'.encode())
    old.ok("CREATE A&-B")
    assert b'* LIST (\\HasNoChildren) "/" A&B' in new.ok('LIST "" A*')
    new.ok('CREATE "C&APYA3w-"')
    assert b'* LIST (\\HasNoChildren) "/" C&-APYA3w-' in old.ok('LIST "" C*')
    new.append('"Größe"', MESSAGE)
    assert b"MESSAGES 1" in old.ok("STATUS Gr&APYA3w-e (MESSAGES)")[0]
    new.bad(b'CREATE "\xff\xfe"')
    new.no('CREATE "o\u0308"'.encode(), b"CANNOT")  # not normalized
    new.no('RENAME "Größe" "o\u0308"'.encode(), b"CANNOT")
    old.bad('SELECT "Größe"'.encode())
    assert '"Größe/日本語"'.encode() in b"\n".join(new.ok('LIST "Größe/" %'.encode()))


def test_numbers_of_64_bits(new):
    new.append("Drafts", MESSAGE)
    new.ok("SELECT Drafts")
    assert b"ALL 1" in new.ok("SEARCH SMALLER 9223372036854775807")[0]
    assert new.ok("FETCH 1 BODY.PEEK[]<4294967296.8589934592>")[0].startswith(b'* 1 FETCH (BODY[]<4294967296> {0}')
    new.bad("SEARCH LARGER 9223372036854775808")
    new.bad("FETCH 1 BODY.PEEK[]<0.0>")


def test_status(new):
    new.append("Sent", MESSAGE, "(\\Deleted) ")
    assert new.ok("STATUS Sent (MESSAGES DELETED SIZE)") == [b"* STATUS Sent (MESSAGES 1 SIZE %d DELETED 1)" % len(MESSAGE)]
