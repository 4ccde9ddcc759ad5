"""UIDONLY (RFC 9586), PARTIAL for FETCH (RFC 9394 section 3.3), UIDBATCHES (RFC 10022)."""
import re

import pytest

from imapclient import Imap
from instance import Instance

MESSAGE = b"Subject: n\r\n\r\ntext\r\n"
MANY, GAP = 1203, 100  # messages, and how many of the first ones are expunged


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    inst.set("auth.plain_on_loopback", "yes")
    inst.start()
    inst.add_user("many@d.test")
    client = Imap(inst.port("imap"), "many@d.test")
    client.append("INBOX", MESSAGE)
    client.ok("SELECT INBOX")
    while (count := int(re.search(rb"\* (\d+) EXISTS", b"\n".join(client.ok("EXAMINE INBOX")))[1])) < MANY:
        client.ok(f"COPY 1:{min(count, MANY - count)} INBOX")
    client.ok("SELECT INBOX")
    client.ok(f"STORE 1:{GAP} +FLAGS.SILENT (\\Deleted)")
    client.ok("CLOSE")
    client.close()
    yield inst
    inst.close()


class Users:
    count = 0


@pytest.fixture
def two(suite):
    """The first session has enabled UIDONLY; both have an INBOX with UIDs 2, 4, 5 selected."""
    Users.count += 1
    user = f"u{Users.count}@d.test"
    suite.add_user(user)
    one, other = Imap(suite.port("imap"), user), Imap(suite.port("imap"), user)
    for _ in range(5):
        assert one.append("INBOX", MESSAGE)[1].startswith(b"OK")
    other.ok("SELECT INBOX")
    other.ok("STORE 1,3 +FLAGS.SILENT (\\Deleted)")
    other.ok("EXPUNGE")
    assert one.ok("ENABLE UIDONLY") == [b"* ENABLED UIDONLY"]
    lines = one.ok("SELECT INBOX")
    assert not any(b"UNSEEN" in line for line in lines)
    yield one, other
    one.close()
    other.close()


def test_numbers_are_refused(two):
    one, _ = two
    for command in ("FETCH 1 (FLAGS)", "STORE 1 +FLAGS (\\Seen)", "SEARCH ALL", "COPY 1 Trash", "MOVE 1 Trash",
                    "SORT (SUBJECT) UTF-8 ALL", "THREAD REFERENCES UTF-8 ALL", "UID SEARCH 1:3", "UID SEARCH NOT 1",
                    "UID SORT (SUBJECT) UTF-8 OR 1 SEEN", "UID THREAD REFS UTF-8 *"):
        _, tagged = one.command(command)
        assert tagged.startswith(b"BAD [UIDREQUIRED]"), (command, tagged)
        assert one.ok("NOOP") == [b""]
    one.ok("ENABLE QRESYNC")
    assert one.command("SELECT INBOX (QRESYNC (1 1 1:5 (1 2)))")[1].startswith(b"BAD [UIDREQUIRED]")
    assert one.ok("UID SEARCH UID 1:4") == [b"* SEARCH 2 4"]
    assert one.ok("UID SEARCH RETURN (SAVE) ALL") == [b""]
    assert one.ok("UID SEARCH $") == [b"* SEARCH 2 4 5"]


def test_uidfetch(two):
    """Sections 3.3 and 3.6: also for what others change."""
    one, other = two
    lines = [line.replace(b"\\Recent", b"") for line in one.ok("UID FETCH 1:4 (FLAGS)")]
    assert lines == [b"* 2 UIDFETCH (FLAGS ())", b"* 4 UIDFETCH (FLAGS ())"]
    assert one.ok("UID FETCH 2 (UID RFC822.SIZE)") == [b"* 2 UIDFETCH (UID 2 RFC822.SIZE %d)" % len(MESSAGE)]
    assert one.ok("UID STORE 4 FLAGS (\\Seen)")[0].startswith(b"* 4 UIDFETCH (FLAGS (\\Seen")
    other.ok("UID STORE 5 FLAGS.SILENT (\\Flagged)")
    assert one.ok("NOOP")[0].startswith(b"* 5 UIDFETCH (FLAGS (\\Flagged")
    one.ok("ENABLE CONDSTORE")
    assert re.match(rb"\* 4 UIDFETCH \(MODSEQ \(\d+\)\)", one.ok("UID STORE 4 +FLAGS.SILENT (\\Draft)")[0])
    assert re.match(rb"\* 2 UIDFETCH \(FLAGS \([^)]*\) MODSEQ \(\d+\) BODY\[\] ", one.ok("UID FETCH 2 BODY[]")[0])


def test_vanished(two):
    """Sections 3.4 and 3.6."""
    one, other = two
    other.ok("UID STORE 2,5 +FLAGS.SILENT (\\Deleted)")
    other.ok("UID EXPUNGE 2")
    assert b"* VANISHED 2" in one.ok("NOOP")
    untagged, tagged = one.command("EXPUNGE")
    assert untagged == [b"* VANISHED 5"] and tagged.startswith(b"OK")
    untagged, _ = one.command("UID MOVE 4 Trash")
    assert b"COPYUID" in untagged[0] and untagged[1] == b"* VANISHED 4"


def uids(lines):
    return [int(re.search(rb"UID (\d+)", line)[1]) for line in lines if b"FETCH" in line]


def test_partial_fetch(suite):
    """RFC 9394 section 3.3 and 3.4."""
    client = Imap(suite.port("imap"), "many@d.test")
    client.ok("EXAMINE INBOX")
    assert b"PARTIAL" in client.ok("CAPABILITY")[0].split()
    assert uids(client.ok("UID FETCH 1:150 (FLAGS) (PARTIAL 1:3)")) == [101, 102, 103]
    assert uids(client.ok("UID FETCH 1:150 (FLAGS) (PARTIAL -1:-3)")) == [148, 149, 150]
    assert uids(client.ok("UID FETCH 1:150 (FLAGS) (PARTIAL 5:4)")) == [104, 105]
    assert uids(client.ok("UID FETCH 1:150 (FLAGS) (PARTIAL 49:100)")) == [149, 150]
    assert client.ok("UID FETCH 1:150 (FLAGS) (PARTIAL 51:60)") == [b""]
    for wrong in ("PARTIAL", "PARTIAL 0:1", "PARTIAL 1:-1", "PARTIAL 1:*", "PARTIAL 1", "PARTIAL 1:2 PARTIAL 1:2"):
        client.bad(f"UID FETCH 1:150 (FLAGS) ({wrong})")
    client.bad("FETCH 1:150 (FLAGS) (PARTIAL 1:3)")
    client.ok("SELECT INBOX (CONDSTORE)")
    client.ok("UID STORE 102 +FLAGS.SILENT (\\Seen)")
    modseq = int(re.search(rb"MODSEQ \((\d+)\)", client.ok("UID FETCH 102 (MODSEQ)")[0])[1])
    assert uids(client.ok(f"UID FETCH 1:150 (FLAGS) (PARTIAL 1:3 CHANGEDSINCE {modseq - 1})")) == [102]
    assert uids(client.ok(f"UID FETCH 1:150 (FLAGS) (CHANGEDSINCE {modseq - 1} PARTIAL 3:4)")) == []
    client.close()


def test_uidbatches(suite):
    """RFC 10022 sections 3.1.1 to 3.1.6."""
    client = Imap(suite.port("imap"), "many@d.test")
    client.bad("UIDBATCHES 500")
    client.ok("EXAMINE INBOX")

    def batches(arguments):
        line = client.ok(f"UIDBATCHES {arguments}")[0]
        match = re.fullmatch(rb'\* UIDBATCHES \(TAG "t%d"\)(?: (.+))?' % client.count, line)
        return (match[1] or b"").decode()

    assert batches("500") == "1203:704,703:204,203:1"
    assert batches("1102") == "1203:102,101:1"
    assert batches("1103") == batches("4294967295") == "1203:1"
    assert batches("500 2:2") == "703:204"
    assert batches("500 2:5") == "703:204,203:1"
    assert batches("500 4:5") == ""
    client.no("UIDBATCHES 499", b"TOOFEW")
    client.no("UIDBATCHES 2000 1:100", b"TOOMANY")
    assert client.command("UIDBATCHES 2000 4:1")[1].startswith(b"BAD [CLIENTBUG]")
    for wrong in ("", " 0", " 500 0:1", " 500 1", " 500 1:*", " 500 1:2 3"):
        client.bad(f"UIDBATCHES{wrong}")
    client.ok("EXAMINE Trash")
    assert batches("500") == ""
    client.close()
