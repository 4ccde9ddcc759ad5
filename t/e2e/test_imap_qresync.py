"""CONDSTORE and QRESYNC (RFC 7162): the exchanges of its sections 3.1 and 3.2, with two sessions."""
import random
import re

import pytest

from imapclient import Imap
from instance import Instance

MESSAGE = b"Subject: n\r\n\r\ntext\r\n"
FETCH = re.compile(rb"\* (\d+) FETCH \((?:UID (\d+) ?)?(?:FLAGS \(([^)]*)\) ?)?(?:MODSEQ \((\d+)\))?\)\Z")


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    inst.set("auth.plain_on_loopback", "yes")
    inst.start()
    yield inst
    inst.close()


class Users:
    count = 0


@pytest.fixture
def two(suite):
    """Two sessions of a fresh user; the INBOX has ten messages, and the first one has it selected."""
    Users.count += 1
    user = f"u{Users.count}@d.test"
    suite.add_user(user)
    one, other = Imap(suite.port("imap"), user), Imap(suite.port("imap"), user)
    for _ in range(10):
        assert one.append("INBOX", MESSAGE)[1].startswith(b"OK")
    yield one, other
    one.close()
    other.close()


def code(lines, name):
    """The number of an untagged or tagged response code."""
    found = [re.search(rb"\[%s (\d+)\]" % name, line) for line in lines]
    found = [int(match[1]) for match in found if match]
    return found[-1] if found else None


def highest(client, folder="INBOX"):
    return code(client.ok(f"EXAMINE {folder}"), b"HIGHESTMODSEQ")


def fetches(lines):
    """{number: (uid, flags, modseq)}"""
    found = [FETCH.match(line) for line in lines]
    return {int(m[1]): (m[2] and int(m[2]), m[3], m[4] and int(m[4])) for m in found if m}


def test_announced(two):
    names = two[0].ok("CAPABILITY")[0].split()
    assert b"CONDSTORE" in names and b"QRESYNC" in names and b"ENABLE" in names


@pytest.mark.parametrize("enabling", [
    "ENABLE CONDSTORE", "ENABLE QRESYNC", "STATUS INBOX (HIGHESTMODSEQ)", "FETCH 1 (MODSEQ)",
    "FETCH 1 (UID) (CHANGEDSINCE 1)", "SEARCH MODSEQ 1", "STORE 1 (UNCHANGEDSINCE 1) +FLAGS (\\Seen)",
])
def test_each_enabling_command(two, enabling):
    """Section 3.1: HIGHESTMODSEQ of the selected mailbox once, MODSEQ and UID in FETCH from then on."""
    one, other = two
    one.ok("SELECT INBOX")
    other.ok("SELECT INBOX")
    other.ok("STORE 2 +FLAGS.SILENT (\\Flagged)")
    assert fetches(one.ok("NOOP"))[2][2] is None
    assert code(one.ok(enabling), b"HIGHESTMODSEQ") is not None
    assert code(one.ok(enabling), b"HIGHESTMODSEQ") is None
    other.ok("STORE 2 -FLAGS.SILENT (\\Flagged)")
    uid, flags, modseq = fetches(one.ok("NOOP"))[2]
    assert uid == 2 and b"Flagged" not in flags and modseq > 1


def test_select_condstore(two):
    one, other = two
    assert code(one.ok("SELECT INBOX (CONDSTORE)"), b"HIGHESTMODSEQ") > 1
    other.ok("SELECT INBOX")
    other.ok("STORE 1 +FLAGS (\\Seen)")
    assert fetches(one.ok("NOOP"))[1][2] > 1
    one.bad("SELECT INBOX (CONDSTORE")
    one.bad("SELECT INBOX (NOSUCH)")
    one.bad("SELECT INBOX ()")
    one.bad("SELECT INBOX (CONDSTORE CONDSTORE)")


def test_conditional_store(two):
    """Section 3.1.3, examples 3 to 9."""
    one, other = two
    known = code(one.ok("SELECT INBOX (CONDSTORE)"), b"HIGHESTMODSEQ")
    untagged, tagged = one.command(f"UID STORE 6,4,8 (UNCHANGEDSINCE {known}) +FLAGS.SILENT (\\Deleted)")
    assert tagged.startswith(b"OK") and b"MODIFIED" not in tagged
    got = fetches(untagged)
    assert set(got) == {4, 6, 8} and all(m > known and f is None for _, f, m in got.values())
    other.ok("SELECT INBOX")
    other.ok("STORE 7,9 +FLAGS (\\Deleted)")
    untagged, tagged = one.command(f"STORE 7,5,9 (UNCHANGEDSINCE {known}) +FLAGS.SILENT (\\Deleted)")
    assert tagged.startswith(b"OK [MODIFIED 7,9]"), tagged
    got = fetches(untagged)
    assert got[5][1] is None and got[5][2] > known
    assert b"\\Deleted" in got[7][1] and b"\\Deleted" in got[9][1]
    untagged, tagged = one.command(f"UID STORE 7:9 (UNCHANGEDSINCE {known}) FLAGS (\\Seen)")
    assert tagged.startswith(b"OK [MODIFIED 7:9]"), tagged
    assert one.command("STORE 10 (UNCHANGEDSINCE 0) +FLAGS.SILENT ($MDNSent)")[1].startswith(b"OK [MODIFIED 10]")
    one.bad("STORE 1 (UNCHANGEDSINCE) +FLAGS (\\Seen)")
    one.bad("STORE 1 (UNCHANGEDSINCE -1) +FLAGS (\\Seen)")
    one.bad("STORE 1 (UNCHANGEDSINCE 9223372036854775808) +FLAGS (\\Seen)")
    one.bad("STORE 1 (CHANGEDSINCE 1) +FLAGS (\\Seen)")


def test_a_flag_that_is_set_already_changes_nothing(two):
    """Section 3.1.11; a plain STORE tells the new MODSEQ also with .SILENT."""
    one, _ = two
    one.ok("SELECT INBOX (CONDSTORE)")
    first = fetches(one.ok("STORE 1 +FLAGS.SILENT (\\Seen)"))[1]
    assert first[0] == 1 and first[1] is None
    assert fetches(one.ok("STORE 1 +FLAGS.SILENT (\\Seen)")) == {}
    assert fetches(one.ok("STORE 1 +FLAGS (\\Seen)"))[1][2] == first[2]


def test_another_flag_is_no_conflict(two):
    """Section 3.1.12: what another session changed just now, and is not touched, stops nothing."""
    one, other = two
    known = code(one.ok("SELECT INBOX (CONDSTORE)"), b"HIGHESTMODSEQ")
    other.ok("SELECT INBOX")
    other.ok("STORE 1 +FLAGS (\\Answered)")
    _, tagged = one.command(f"STORE 1 (UNCHANGEDSINCE {known}) +FLAGS.SILENT (\\Flagged)")
    assert b"MODIFIED" not in tagged
    other.ok("STORE 2 +FLAGS (\\Answered)")
    _, tagged = one.command(f"STORE 2 (UNCHANGEDSINCE {known}) FLAGS.SILENT (\\Flagged)")
    assert b"MODIFIED 2" in tagged


def test_fetch_changed_since(two):
    """Section 3.1.4.1, examples 12 and 13."""
    one, _ = two
    known = code(one.ok("SELECT INBOX"), b"HIGHESTMODSEQ")
    one.ok("STORE 2,5 +FLAGS.SILENT (\\Flagged)")
    got = fetches(one.ok(f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {known})"))
    assert {n: v[0] for n, v in got.items()} == {2: 2, 5: 5}
    assert all(b"\\Flagged" in v[1] and v[2] > known for v in got.values())
    assert set(fetches(one.ok(f"FETCH 1:4 FLAGS (CHANGEDSINCE {known})"))) == {2}
    assert len(fetches(one.ok("FETCH 1:3 (MODSEQ)"))) == 3
    assert len(fetches(one.ok("FETCH 1:3 (FLAGS) (CHANGEDSINCE 0)"))) == 3
    one.bad("FETCH 1 (FLAGS) (CHANGEDSINCE 1 CHANGEDSINCE 1)")
    one.bad("FETCH 1 (FLAGS) ()")
    one.bad("FETCH 1 (FLAGS) (CHANGEDSINCE 1")
    body = one.ok("FETCH 7 BODY[TEXT]")
    assert b"UID 7" in body[0] and b"MODSEQ (" in body[0] and b"\\Seen" in body[0]


def test_search_modseq(two):
    """Sections 3.1.5 and 3.1.6, examples 15 and 16."""
    one, _ = two
    known = code(one.ok("SELECT INBOX"), b"HIGHESTMODSEQ")
    one.ok("STORE 2,5 +FLAGS.SILENT (\\Draft)")
    top = code(one.ok("ENABLE CONDSTORE"), b"HIGHESTMODSEQ")
    for keys in (f"MODSEQ {known + 1}", f'MODSEQ "/flags/\\\\draft" all {known + 1}',
                 f'MODSEQ "/flags/$x" priv {top}'):
        assert one.ok(f"SEARCH {keys}") == [b"* SEARCH 2 5 (MODSEQ %d)" % top]
    assert one.ok(f"SEARCH OR NOT MODSEQ 1 LARGER 50000") == [b"* SEARCH"]
    one.bad('SEARCH MODSEQ "/flags/" all 1')
    one.bad('SEARCH MODSEQ "/comment" all 1')
    one.bad('SEARCH MODSEQ "/flags/x" some 1')
    one.bad("SEARCH MODSEQ")


def test_status(two):
    one, other = two
    status = one.ok("STATUS INBOX (MESSAGES HIGHESTMODSEQ)")[0]
    assert status == b"* STATUS INBOX (MESSAGES 10 HIGHESTMODSEQ %d)" % highest(other)
    assert int(re.search(rb"HIGHESTMODSEQ (\d+)", one.ok("STATUS Trash (HIGHESTMODSEQ)")[0])[1]) >= 1


def test_enable_qresync(two):
    one, _ = two
    one.bad("SELECT INBOX (QRESYNC (1 1))")
    one.ok("SELECT INBOX")
    one.bad("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)")
    assert one.ok("ENABLE QRESYNC CONDSTORE")[-1].startswith(b"* OK [HIGHESTMODSEQ ")
    assert one.ok("ENABLE QRESYNC")[-1] == b"* ENABLED"
    one.bad("UID FETCH 1:* (FLAGS) (VANISHED)")
    one.bad("FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)")


def test_vanished_instead_of_expunge(two):
    """Sections 3.2.7, 3.2.9, 3.2.10 and RFC 6851: own removals, and those of others."""
    one, other = two
    one.ok("ENABLE QRESYNC")
    one.ok("SELECT INBOX")
    other.ok("SELECT INBOX")
    one.ok("STORE 3,4,7 +FLAGS.SILENT (\\Deleted)")
    untagged, tagged = one.command("EXPUNGE")
    assert untagged == [b"* VANISHED 3:4,7"]
    assert re.match(rb"OK \[HIGHESTMODSEQ \d+\]", tagged)
    assert [line for line in other.ok("NOOP") if b"EXPUNGE" in line] == [
        b"* 3 EXPUNGE", b"* 3 EXPUNGE", b"* 5 EXPUNGE"]
    one.ok("UID STORE 8:9 +FLAGS.SILENT (\\Deleted)")
    untagged, tagged = one.command("UID EXPUNGE 9")
    assert untagged == [b"* VANISHED 9"] and b"HIGHESTMODSEQ" in tagged
    untagged, tagged = one.command("UID MOVE 10 Trash")
    assert untagged[-1] == b"* VANISHED 10" and b"[HIGHESTMODSEQ " in tagged and b"COPYUID" in untagged[0]
    assert code([tagged], b"HIGHESTMODSEQ") == highest(other)
    other.ok("SELECT INBOX")
    other.ok("UID STORE 1 +FLAGS.SILENT (\\Deleted)")
    other.ok("UID EXPUNGE 1")
    assert one.ok("FETCH 2 (UID)")[0].startswith(b"* 2 FETCH (UID 2")
    assert b"* VANISHED 1" in one.ok("NOOP")
    one.ok("UID STORE 2 +FLAGS.SILENT (\\Deleted)")
    untagged, tagged = one.command("CLOSE")
    assert untagged == [] and b"HIGHESTMODSEQ" not in tagged


def test_delayed_removals_hold_the_modseq(two):
    """Section 3.2 and the example of section 6: no number above what the client was not told."""
    one, other = two
    one.ok("ENABLE QRESYNC")
    one.ok("SELECT INBOX")
    other.ok("SELECT INBOX")
    other.ok("STORE 5 +FLAGS.SILENT (\\Deleted)")
    other.ok("UID EXPUNGE 5")
    status = other.ok("STATUS INBOX (HIGHESTMODSEQ)")[0]
    removed = int(re.search(rb"HIGHESTMODSEQ (\d+)", status)[1])
    untagged = one.ok("STORE 1 +FLAGS.SILENT (\\Seen)")
    assert fetches(untagged)[1][2] > removed
    assert code(untagged, b"HIGHESTMODSEQ") < removed
    untagged = one.ok("NOOP")
    assert untagged[0] == b"* VANISHED 5"
    assert code(untagged, b"HIGHESTMODSEQ") >= removed
    assert code(one.ok("NOOP"), b"HIGHESTMODSEQ") is None


def uidvalidity(client):
    return code(client.ok("SELECT INBOX"), b"UIDVALIDITY")


def select(client, arguments):
    lines = client.ok(f"SELECT INBOX (QRESYNC ({arguments}))")
    return [line for line in lines if line.startswith(b"* VANISHED")], fetches(lines)


def test_select_qresync(two):
    """Section 3.2.5 with all of its arguments."""
    one, other = two
    validity, known = uidvalidity(other), highest(one)
    other.ok("STORE 9 +FLAGS.SILENT (\\Flagged)")
    other.ok("STORE 2,4,5,8 +FLAGS.SILENT (\\Deleted)")
    other.ok("EXPUNGE")
    other.ok("STORE 1 +FLAGS.SILENT (\\Seen)")
    one.ok("ENABLE QRESYNC")
    vanished, changed = select(one, f"{validity} {known}")
    assert vanished == [b"* VANISHED (EARLIER) 2,4:5,8"]
    assert {v[0]: v[1] for v in changed.values()} == {1: b"\\Seen", 9: b"\\Flagged"}
    assert all(v[2] > known for v in changed.values())
    assert select(one, f"{validity + 1} {known}") == ([], {})
    vanished, changed = select(one, f"{validity} {known} 4:5,9:12")
    assert vanished == [b"* VANISHED (EARLIER) 4:5"] and [v[0] for v in changed.values()] == [9]
    # Messages are 1,3,6,7,9,10 now: number 3 is UID 6 as the client says, number 5 is not UID 10.
    vanished, _ = select(one, f"{validity} {known} 1:10 (1,3,5 1,6,10)")
    assert vanished == [b"* VANISHED (EARLIER) 8"]
    vanished, _ = select(one, f"{validity} {known} (2 3)")
    assert vanished == [b"* VANISHED (EARLIER) 4:5,8"]
    now = highest(other)
    assert select(one, f"{validity} {now}") == ([], {})
    for wrong in (f"{validity}", f"{validity} 0", f"0 {known}", f"{validity} {known} 1:*", f"{validity} {known} (1 2 3)",
                  f"{validity} {known} (1:2 5)", f"{validity} {known} (2,1 5,6)", f"{validity} {known} 1 2",
                  f"{validity} {known} ()"):
        one.bad(f"SELECT INBOX (QRESYNC ({wrong}))")
    assert one.ok("UID FETCH 1 (UID)")  # a wrong SELECT leaves the mailbox selected


def test_closed(two):
    """Section 3.2.11: the boundary between two mailboxes."""
    one, _ = two
    assert not any(b"CLOSED" in line for line in one.ok("SELECT INBOX"))
    assert one.ok("SELECT Trash")[0].startswith(b"* OK [CLOSED]")
    assert one.no("EXAMINE Nothing")[0].startswith(b"* OK [CLOSED]")
    assert not any(b"CLOSED" in line for line in one.ok("EXAMINE INBOX"))


def test_uid_fetch_vanished(two):
    """Section 3.2.6; what this session was not told comes as VANISHED without EARLIER."""
    one, other = two
    known = highest(other)
    other.ok("SELECT INBOX")
    other.ok("STORE 2,4,10 +FLAGS.SILENT (\\Deleted)")
    other.ok("EXPUNGE")
    one.ok("ENABLE QRESYNC")
    one.ok("SELECT INBOX")
    other.ok("UID STORE 6 +FLAGS.SILENT (\\Deleted)")
    other.ok("UID EXPUNGE 6")
    lines = one.ok(f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {known} VANISHED)")
    vanished = [line for line in lines if b"VANISHED" in line]
    assert vanished[0] == b"* VANISHED 6"
    assert vanished[1] in (b"* VANISHED (EARLIER) 2,4,6,10", b"* VANISHED (EARLIER) 2,4,10")
    lines = one.ok(f"UID FETCH 1:4 (FLAGS) (VANISHED CHANGEDSINCE {known})")
    assert lines[0] == b"* VANISHED (EARLIER) 2,4"


def test_vanished_survives_a_restart_of_the_session(two, suite):
    one, other = two
    known = highest(one)
    validity = uidvalidity(other)
    other.ok("STORE 1:9 +FLAGS.SILENT (\\Deleted)")
    other.ok("CLOSE")
    one.ok("ENABLE QRESYNC")
    assert select(one, f"{validity} {known}")[0] == [b"* VANISHED (EARLIER) 1:9"]


def test_what_a_client_remembers_is_what_there_is(two):
    """A client that only ever comes back with QRESYNC, while another changes, removes and adds at random."""
    one, other = two
    chance = random.Random(7162)
    one.ok("ENABLE QRESYNC")
    validity, modseq, known = uidvalidity(other), 1, {}
    for _ in range(30):
        other.ok("SELECT INBOX")
        for _ in range(chance.randrange(4)):
            action, uids = chance.randrange(4), f"{chance.randrange(1, 30)}:{chance.randrange(1, 30)}"
            if action == 0:
                other.append("INBOX", MESSAGE)
            elif action == 1:
                other.ok(f"UID STORE {uids} {chance.choice('+-')}FLAGS.SILENT (\\Flagged)")
            elif action == 2:
                other.ok(f"UID STORE {chance.randrange(1, 30)} +FLAGS.SILENT (\\Deleted)")
                other.ok("EXPUNGE")
            else:
                other.ok(f"UID STORE {chance.randrange(1, 30)} FLAGS.SILENT ($x{chance.randrange(3)})")
        lines = one.ok(f"SELECT INBOX (QRESYNC ({validity} {modseq}))")
        for line in lines:
            if line.startswith(b"* VANISHED (EARLIER) "):
                for part in line.split()[-1].decode().split(","):
                    first, _, last = part.partition(":")
                    for uid in range(int(first), int(last or first) + 1):
                        known.pop(uid, None)
        known.update({uid: flags.replace(b"\\Recent", b"").split() for uid, flags, _ in fetches(lines).values()})
        modseq = code(lines, b"HIGHESTMODSEQ")
        there = {uid: flags.replace(b"\\Recent", b"").split()
                 for uid, flags, _ in fetches(one.ok("UID FETCH 1:* (FLAGS)")).values()}
        assert known == there
