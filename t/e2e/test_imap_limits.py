"""MESSAGELIMIT and SAVELIMIT (RFC 9738): the examples of its section 3, with a limit of 10 messages in place of 1000."""
import re

import pytest

from imapclient import Imap
from instance import Instance

LIMIT, SAVE, COUNT = 10, 4, 30  # the folder's UIDs are 2, 4, 6 ... 60: number n has UID 2n


def start(**limits):
    inst = Instance()
    inst.setup()
    inst.set("auth.plain_on_loopback", "yes")
    for name, value in limits.items():
        inst.set(f"imap.{name}", str(value))
    inst.start()
    inst.add_user("u@d.test")
    return inst


@pytest.fixture(scope="module")
def suite():
    inst = start(message_limit=LIMIT)
    yield inst
    inst.close()


@pytest.fixture
def imap(suite):
    """A folder, selected; each test has its own."""
    client = Imap(suite.port("imap"), "u@d.test")
    client.command("DELETE box")
    client.ok("CREATE box")
    client.command("DELETE other")
    client.ok("CREATE other")
    for first in range(1, 2 * COUNT, LIMIT):
        append(client, first, min(LIMIT, 2 * COUNT + 1 - first))
    client.ok("SELECT box")
    for first in range(1, 2 * COUNT, 2 * LIMIT):
        client.ok("UID STORE " + ",".join(str(uid) for uid in range(first, first + 2 * LIMIT, 2)) + " +FLAGS.SILENT (\\Deleted)")
    client.ok("EXPUNGE")
    yield client
    client.close()


def append(client, first, count):
    parts = b" ".join(b"{%d+}\r\n%s" % (len(text), text) for text in (b"Subject: %03d\r\n\r\nx\r\n" % n for n in range(first, first + count)))
    return client.command(b"APPEND box " + parts)[1]


def run(client, command, tagged):
    """The untagged responses to a command with this tagged one."""
    lines, reply = client.command(command)
    assert reply.startswith(tagged.encode()), (reply, lines)
    return lines


def fetched(lines):
    return [int(re.match(rb"\* (\d+) FETCH", line)[1]) for line in lines if b" FETCH " in line]


def uids(lines):
    return [int(re.search(rb"UID (\d+)", line)[1]) for line in lines if b" FETCH " in line]


def searched(lines):
    return [int(word) for line in lines if line.startswith(b"* SEARCH") for word in line.split()[2:]]


def left(client):
    """All UIDs, in as many searches as that takes."""
    found, below = [], 2 ** 32 - 1
    while True:
        lines, reply = client.command(f"UID SEARCH UIDBEFORE {below}")
        found = searched(lines) + found
        if b"MESSAGELIMIT" not in reply:
            return found
        below = int(re.search(rb"MESSAGELIMIT 10 (\d+)\]", reply)[1])


def test_capability(suite, imap):
    assert b"MESSAGELIMIT=10" in imap.ok("CAPABILITY")[0].split()
    assert b"SAVELIMIT" not in imap.ok("CAPABILITY")[0]
    assert left(imap) == list(range(2, 2 * COUNT + 1, 2))


def test_fetch(imap):
    """From the highest down to the lowest UID that the tagged response names."""
    assert fetched(run(imap, "FETCH 1:29 (UID FLAGS)", "OK [MESSAGELIMIT 10 40] ")) == list(range(29, 19, -1))
    assert uids(run(imap, "UID FETCH 1:20,30:* (FLAGS)", "OK [MESSAGELIMIT 10 42] ")) == list(range(60, 40, -2))
    assert fetched(run(imap, "FETCH 5:14 (FLAGS)", "OK Fetch completed")) == list(range(5, 15))
    assert uids(run(imap, "UID FETCH 1:20 (FLAGS)", "OK Fetch completed")) == list(range(2, 21, 2))
    modseq = int(re.search(rb"HIGHESTMODSEQ (\d+)", imap.ok("STATUS box (HIGHESTMODSEQ)")[0])[1])
    imap.ok("UID STORE 2:6 +FLAGS (\\Seen)")
    assert uids(run(imap, f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {modseq})", "OK Fetch completed")) == [2, 4, 6]


def test_fetch_sets_seen_on_what_is_fetched(imap):
    lines = run(imap, "FETCH 1:20 (BODY[])", "OK [MESSAGELIMIT 10 22] ")
    assert fetched(lines) == list(range(20, 10, -1)) and all(b"\\Seen" in line for line in lines)
    assert searched(imap.ok("UID SEARCH UID 1:20 SEEN")) == []


def test_partial(imap):
    """More than the limit is refused, whatever there is (section 3.1)."""
    assert run(imap, "UID FETCH 1:* (FLAGS) (PARTIAL -1:-11)", "NO [MESSAGELIMIT 10] ") == []
    assert uids(run(imap, "UID FETCH 1:* (FLAGS) (PARTIAL -1:-10)", "OK Fetch completed")) == list(range(42, 61, 2))


def test_search_counts_what_is_searched(imap):
    """Not what is found: the messages that the program names by UID or number."""
    imap.ok("UID STORE 2,22,60 +FLAGS (\\Flagged)")
    assert searched(run(imap, "UID SEARCH UID 4:40 FLAGGED", "OK [MESSAGELIMIT 10 22] ")) == [22]
    assert searched(run(imap, "SEARCH FLAGGED", "OK [MESSAGELIMIT 10 42] ")) == [30]
    assert searched(run(imap, "UID SEARCH UID 1:20 FLAGGED", "OK Search completed")) == [2]
    assert searched(run(imap, "SEARCH 2:11", "OK Search completed")) == list(range(2, 12))
    assert searched(run(imap, "SEARCH NOT 2:11", "OK [MESSAGELIMIT 10 42] ")) == list(range(21, 31))
    assert searched(run(imap, "SEARCH 1:20 UID 30:60", "OK Search completed")) == list(range(15, 21))


def test_extended_search(imap):
    imap.ok("UID STORE 2,52,58 +FLAGS (\\Flagged)")
    assert run(imap, "UID SEARCH RETURN (MIN MAX COUNT) FLAGGED", "OK [MESSAGELIMIT 10 42] ") == \
        [b'* ESEARCH (TAG "t%d") UID MIN 52 MAX 58 COUNT 2' % imap.count]
    assert b"MAX 58" in run(imap, "UID SEARCH RETURN (MAX) FLAGGED", "OK Search completed")[0]  # found before the limit
    assert b"UID" in run(imap, "UID SEARCH RETURN (MAX) KEYWORD none", "OK [MESSAGELIMIT 10 42] ")[0]
    assert b"(-1:-2 52,58)" in run(imap, "UID SEARCH RETURN (PARTIAL -1:-2) FLAGGED", "OK Search completed")[0]
    assert run(imap, "ESEARCH IN (selected) FLAGGED", "OK [MESSAGELIMIT 10 42] ")[0].endswith(b"UID ALL 52,58")
    assert run(imap, "ESEARCH IN (mailboxes other) ALL", "OK Search completed") == []
    imap.ok("SELECT other")
    assert run(imap, "ESEARCH IN (personal) FLAGGED", "OK [MESSAGELIMIT 10] ")[0].endswith(b"UID ALL 52,58")


def test_saved_result_is_cut(imap):
    assert run(imap, "UID SEARCH RETURN (SAVE) ALL", "OK [MESSAGELIMIT 10 42] ") == []
    assert uids(imap.ok("UID FETCH $ (FLAGS)")) == list(range(42, 61, 2))


def test_no_updates_of_a_part(imap):
    lines = run(imap, "SEARCH RETURN (ALL UPDATE) UNSEEN", "OK [MESSAGELIMIT 10 42] ")
    assert any(line.startswith(b'* NO [NOUPDATE "t%d"]' % imap.count) for line in lines)


@pytest.mark.parametrize("keys, expected", [
    ("UIDAFTER 52", [54, 56, 58, 60]), ("UIDAFTER 53", [54, 56, 58, 60]), ("UIDAFTER 60", []), ("UIDAFTER 4294967295", []),
    ("UIDBEFORE 7", [2, 4, 6]), ("UIDBEFORE 6", [2, 4]), ("UIDBEFORE 1", []), ("UIDAFTER 2 UIDBEFORE 10", [4, 6, 8]),
    ("NOT UIDBEFORE 56 UIDAFTER 50", [56, 58, 60]), ("UIDAFTER $", [58, 60]), ("UIDBEFORE $ UIDAFTER 40", [42, 44, 46, 48, 50])])
def test_uids_after_and_before(imap, keys, expected):
    imap.ok("UID SEARCH RETURN (SAVE) UID 52:56")
    assert searched(run(imap, f"UID SEARCH {keys}", "OK Search completed")) == expected


def test_beside_nothing_is_nothing(imap):
    imap.ok("UID SEARCH RETURN (SAVE) UID 51")
    assert searched(imap.ok("UID SEARCH UIDAFTER $")) == searched(imap.ok("UID SEARCH UIDBEFORE $")) == []
    for wrong in ("UIDAFTER", "UIDAFTER *", "UIDAFTER 1:2", "UIDBEFORE 0", "UIDBEFORE x"):
        imap.bad(f"UID SEARCH {wrong}")


def test_sort_and_thread(imap):
    assert run(imap, "SORT (REVERSE SUBJECT) UTF-8 ALL", "NO [MESSAGELIMIT 10 42] ") == []
    assert run(imap, "UID THREAD REFERENCES UTF-8 UID 1:40", "NO [MESSAGELIMIT 10 22] ") == []
    assert imap.ok("UID SORT (REVERSE SUBJECT) UTF-8 UIDAFTER 54") == [b"* SORT 60 58 56"]
    assert imap.ok("UID THREAD REFERENCES UTF-8 UIDAFTER 56") == [b"* THREAD (58)(60)"]


def test_store(imap):
    assert uids(run(imap, "UID STORE 1:30 +FLAGS (\\Seen)", "OK [MESSAGELIMIT 10 12] ")) == list(range(30, 11, -2))
    assert searched(imap.ok("UID SEARCH UID 2:20 SEEN")) == [12, 14, 16, 18, 20]
    assert run(imap, "UID STORE 1:30 +FLAGS.SILENT (\\Flagged)", "OK [MESSAGELIMIT 10 12] ") == []


def test_store_of_changed_messages(imap):
    """The response code MODIFIED has the tagged response, MESSAGELIMIT goes into an untagged one."""
    imap.ok("ENABLE CONDSTORE")
    modseq = int(re.search(rb"HIGHESTMODSEQ (\d+)", b"".join(imap.ok("SELECT box")))[1])
    imap.ok("UID STORE 28,40 +FLAGS (\\Flagged)")
    lines = run(imap, f"UID STORE 1:30 (UNCHANGEDSINCE {modseq}) +FLAGS (\\Seen)", "OK [MODIFIED 28] ")
    assert uids(lines) == list(range(30, 11, -2))
    assert lines[-1].startswith(b"* NO [MESSAGELIMIT 10 12] ")


def test_expunged_meanwhile(suite, imap):
    """The example at the end of section 3.1: EXPUNGEISSUED goes first."""
    other = Imap(suite.port("imap"), "u@d.test")
    other.ok("SELECT box")
    other.ok("UID STORE 58 +FLAGS (\\Deleted)")
    other.ok("EXPUNGE")
    other.close()
    lines = run(imap, "FETCH 10:29 (BODY.PEEK[])", "OK [EXPUNGEISSUED] ")
    assert fetched([line for line in lines if b"BODY[]" in line]) == list(range(28, 19, -1))
    assert sum(line.startswith(b"* NO [MESSAGELIMIT 10 40] ") for line in lines) == 1


def test_copy_is_refused_whole(imap):
    assert run(imap, "UID COPY 1:30 other", "NO [MESSAGELIMIT 10 12] ") == []
    assert b"MESSAGES 0" in imap.ok("STATUS other (MESSAGES)")[0]
    run(imap, "UID COPY 12:30 other", "OK [COPYUID ")
    assert b"MESSAGES 10" in imap.ok("STATUS other (MESSAGES)")[0]


def test_move_goes_on_until_all_are_moved(imap):
    lines = run(imap, "UID MOVE 1:30 other", "OK [MESSAGELIMIT 10 12] ")
    assert re.match(rb"\* OK \[COPYUID \d+ 12,14,16,18,20,22,24,26,28,30 1:10\]", lines[0])
    assert sum(line.endswith(b"EXPUNGE") for line in lines) == 10
    run(imap, "UID MOVE 1:30 other", "OK Move completed")
    assert left(imap) == list(range(32, 61, 2))
    imap.ok("ENABLE CONDSTORE")
    lines = run(imap, "MOVE 1:* other", "OK [HIGHESTMODSEQ ")
    assert lines[-1].startswith(b"* NO [MESSAGELIMIT 10 42] ")


def test_uid_expunge_counts_what_is_deleted(imap):
    imap.ok("UID STORE 2:20 +FLAGS.SILENT (\\Deleted)")
    imap.ok("UID STORE 40:44 +FLAGS.SILENT (\\Deleted)")
    lines = run(imap, "UID EXPUNGE 1:50", "OK [MESSAGELIMIT 10 8] ")
    assert sum(line.endswith(b"EXPUNGE") for line in lines) == 10
    assert len(run(imap, "UID EXPUNGE 1:60", "OK Expunge completed")) >= 3
    assert left(imap) == list(range(22, 40, 2)) + list(range(46, 61, 2))


def test_expunge_and_close_have_no_limit(imap):
    imap.ok("UID STORE 2:20 +FLAGS.SILENT (\\Deleted)")
    imap.ok("UID STORE 22:40 +FLAGS.SILENT (\\Deleted)")
    assert sum(line.endswith(b"EXPUNGE") for line in run(imap, "EXPUNGE", "OK Expunge completed")) == 20
    imap.ok("UID STORE 42:60 +FLAGS.SILENT (\\Deleted)")
    imap.ok("CLOSE")
    assert b"MESSAGES 0 UNSEEN 0" in imap.ok("STATUS box (MESSAGES UNSEEN)")[0]


def test_append(imap):
    assert append(imap, 100, LIMIT + 1).startswith(b"NO [MESSAGELIMIT 10] ")
    assert b"MESSAGES 30" in imap.ok("STATUS box (MESSAGES UNSEEN)")[0]
    assert append(imap, 100, LIMIT).startswith(b"OK [APPENDUID ")


@pytest.mark.parametrize("limits, expected", [
    ({"save_limit": SAVE}, [b"SAVELIMIT=4"]), ({"save_limit": SAVE, "message_limit": 2}, [b"MESSAGELIMIT=2"]),
    ({"save_limit": 2, "message_limit": SAVE}, [b"MESSAGELIMIT=4", b"SAVELIMIT=2"]), ({}, [])])
def test_limit_of_saving(limits, expected):
    inst = start(**limits)
    client = Imap(inst.port("imap"), "u@d.test")
    assert [word for word in client.ok("CAPABILITY")[0].split() if b"LIMIT=" in word and not word.startswith(b"APPEND")] == expected
    most = min((value for value in limits.values()), default=0)
    client.ok("CREATE box")
    client.ok("SELECT box")
    if most:
        assert append(client, 1, most + 1).startswith(b"NO [MESSAGELIMIT %d] " % most)
    for _ in range(3):
        assert append(client, 1, most or SAVE).startswith(b"OK")
    client.ok("NOOP")
    assert client.command("COPY 1:* INBOX")[1].startswith(b"NO [MESSAGELIMIT %d %d] " % (most, 2 * most + 1) if most else b"OK")
    assert client.command("STORE 1:* +FLAGS (\\Seen)")[1].startswith(b"OK [MESSAGELIMIT" if "message_limit" in limits else b"OK Store")
    client.close()
    inst.close()
