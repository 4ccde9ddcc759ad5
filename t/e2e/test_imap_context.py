"""CONTEXT=SEARCH, CONTEXT=SORT (RFC 5267): results that the server keeps up to date."""
import pytest

from imapclient import Imap
from instance import Instance

PASSWORD = "secret-of-test"
USER = "watcher@d.test"


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    inst.set("auth.plain_on_loopback", "yes")
    inst.set("imap.max_errors", "50")
    inst.start()
    inst.add_user(USER, PASSWORD)
    yield inst
    inst.close()


def add(client, subject, flags=""):
    assert client.append("box", f"Subject: {subject}\r\n\r\n".encode(), f"({flags}) ")[1].startswith(b"OK")


@pytest.fixture
def box(suite):
    client = Imap(suite.port("imap"), USER)
    client.command("DELETE box")
    client.ok("CREATE box")
    for subject in ("delta", "alpha", "echo", "bravo"):
        add(client, subject)
    client.ok("SELECT box")
    yield client
    client.close()


@pytest.fixture
def other(suite, box):
    client = Imap(suite.port("imap"), USER)
    client.ok("SELECT box")
    yield client
    client.close()


def run(client, tag, command):
    client.send(f"{tag} {command}\r\n")
    untagged, tagged = client.result(tag.encode())
    assert tagged.startswith(b"OK"), tagged
    return untagged


def changes(client, command="NOOP"):
    """ESEARCH, EXPUNGE, EXISTS and FETCH responses in their order, the last ones by their kind alone."""
    out = []
    for line in client.ok(command):
        text = line.decode()
        if text.startswith("* ESEARCH"):
            out.append(text[len("* ESEARCH "):])
        elif " FETCH" in text or " EXISTS" in text:
            out.append(text.split()[2])
        elif " EXPUNGE" in text:
            out.append(text[2:])
    return out


def test_new_messages_and_flags(box, other):
    assert run(box, "B01", "UID SEARCH RETURN (UPDATE COUNT) UNDELETED FLAGGED") == [b'* ESEARCH (TAG "B01") UID COUNT 0']
    other.ok("STORE 2,4 +FLAGS (\\Flagged)")
    assert changes(box) == ["FETCH", "FETCH", '(TAG "B01") UID ADDTO (0 2,4)']
    add(other, "foxtrot", "\\Flagged")
    add(other, "golf")
    assert changes(box) == ["EXISTS", '(TAG "B01") UID ADDTO (0 5)']
    other.ok("STORE 2 +FLAGS (\\Deleted)")
    assert changes(box) == ["FETCH", '(TAG "B01") UID REMOVEFROM (0 2)']
    # a change of this session, and one that changes no result
    assert changes(box, "STORE 3 +FLAGS (\\Flagged)") == ["FETCH", '(TAG "B01") UID ADDTO (0 3)']
    assert changes(box, "STORE 3 +FLAGS (\\Seen)") == ["FETCH"]
    assert changes(box) == []


def test_expunge(box, other):
    """Numbers that go are told ahead of EXPUNGE, while they are valid."""
    run(box, "S", "SEARCH RETURN (UPDATE) ALL")
    run(box, "U", "UID SEARCH RETURN (UPDATE) SUBJECT a")
    other.ok("STORE 1,3 +FLAGS.SILENT (\\Deleted)")
    other.ok("EXPUNGE")
    got = [line for line in changes(box) if line != "FETCH"]
    assert got == ['(TAG "S") REMOVEFROM (0 1,3)', '(TAG "U") UID REMOVEFROM (0 1)', "1 EXPUNGE", "2 EXPUNGE"]
    add(other, "hotel a")
    assert changes(box) == ["EXISTS", '(TAG "S") ADDTO (0 3)', '(TAG "U") UID ADDTO (0 5)']


def test_sorted(box, other):
    assert run(box, "T", "UID SORT RETURN (UPDATE ALL) (SUBJECT) UTF-8 ALL") == [b'* ESEARCH (TAG "T") UID ALL 2,4,1,3']
    add(other, "charlie")
    add(other, "aardvark")
    assert changes(box) == ["EXISTS", '(TAG "T") UID ADDTO (1 6 4 5)']  # 6 2 4 5 1 3
    other.ok("STORE 2,5 +FLAGS.SILENT (\\Deleted)")
    other.ok("EXPUNGE")
    got = [line for line in changes(box) if line != "FETCH"]
    assert got == ['(TAG "T") UID REMOVEFROM (2 2 3 5)', "2 EXPUNGE", "4 EXPUNGE"]  # 6 4 1 3
    run(box, "N", "SORT RETURN (UPDATE) (REVERSE SUBJECT) UTF-8 UNSEEN")
    other.ok("STORE 3 +FLAGS (\\Seen)")
    assert changes(box) == ["FETCH", '(TAG "N") REMOVEFROM (3 3)']  # 2 1 3 4: echo, delta, bravo, aardvark
    other.ok("STORE 3 -FLAGS (\\Seen)")
    assert changes(box) == ["FETCH", '(TAG "N") ADDTO (3 3)']


def test_cancelupdate(box, other):
    for tag in ("A", "B", "C"):
        run(box, tag, "UID SEARCH RETURN (UPDATE) FLAGGED")
    box.ok('CANCELUPDATE "A" "C"')
    other.ok("STORE 1 +FLAGS (\\Flagged)")
    assert changes(box) == ["FETCH", '(TAG "B") UID ADDTO (0 1)']
    box.bad('CANCELUPDATE "A"')
    box.bad("CANCELUPDATE")
    box.bad("CANCELUPDATE B")
    box.ok('CANCELUPDATE "B"')
    other.ok("STORE 1 -FLAGS (\\Flagged)")
    assert changes(box) == ["FETCH"]


def test_a_tag_in_use(box):
    run(box, "B01", "UID SEARCH RETURN (UPDATE) FLAGGED")
    for command in ("SORT RETURN (UPDATE) (DATE) UTF-8 ALL", "SEARCH RETURN (UPDATE) ALL"):
        box.send(f"B01 {command}\r\n")
        assert box.result(b"B01")[1].startswith(b"BAD")
    assert run(box, "B01", "SEARCH RETURN (COUNT) ALL") == [b'* ESEARCH (TAG "B01") COUNT 4']
    box.ok("SELECT box")  # the context is gone with the selection
    run(box, "B01", "UID SEARCH RETURN (UPDATE) FLAGGED")


def test_too_many(box, other):
    """RFC 5267 section 4.3.1: what else was asked for is answered."""
    for number in range(16):
        run(box, f"x{number}", "UID SEARCH RETURN (UPDATE) ALL")
    untagged = run(box, "B02", "UID SORT RETURN (UPDATE COUNT) (DATE) UTF-8 ALL")
    assert untagged[0] == b'* ESEARCH (TAG "B02") UID COUNT 4'
    assert untagged[1].startswith(b'* NO [NOUPDATE "B02"]')
    add(other, "x")
    assert len([line for line in changes(box) if "ADDTO" in line]) == 16


def test_message_numbers_mean_the_messages_of_now(box, other):
    """RFC 5267 section 4.3, last paragraph."""
    run(box, "N", "UID SEARCH RETURN (UPDATE) 2:9 UNFLAGGED")
    run(box, "U", "UID SEARCH RETURN (UPDATE) UID 4:*")
    run(box, "M", "SEARCH RETURN (SAVE) 3")
    run(box, "D", "UID SEARCH RETURN (UPDATE) $")
    other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    other.ok("EXPUNGE")
    add(other, "foxtrot")
    assert [line for line in changes(box) if line.startswith("(")] == ['(TAG "U") UID ADDTO (0 5)']
    other.ok("STORE 1,2 +FLAGS.SILENT (\\Flagged)")
    assert [line for line in changes(box) if line.startswith("(")] == ['(TAG "N") UID REMOVEFROM (0 2:3)']


def test_context_is_a_hint(box):
    assert run(box, "A01", "SEARCH RETURN (CONTEXT COUNT) UNDELETED") == [b'* ESEARCH (TAG "A01") COUNT 4']
    assert run(box, "A02", "SORT RETURN (CONTEXT PARTIAL 1:2) (SUBJECT) UTF-8 ALL") == [b'* ESEARCH (TAG "A02") PARTIAL (1:2 2,4)']


def test_updates_while_idle(box, other):
    run(box, "B01", "UID SEARCH RETURN (UPDATE) FLAGGED")
    box.send("i IDLE\r\n")
    assert box.line().startswith(b"+")
    other.ok("STORE 1 +FLAGS (\\Flagged)")
    assert b" FETCH " in box.line()
    assert box.line() == b'* ESEARCH (TAG "B01") UID ADDTO (0 1)\r\n'
    box.send("DONE\r\n")
    assert box.result(b"i")[1].startswith(b"OK")
