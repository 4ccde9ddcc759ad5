"""ESEARCH (RFC 4731), SEARCHRES (RFC 5182) and the PARTIAL option (RFC 9394 section 3.1)."""
import pytest

from imapclient import Imap
from instance import Instance

PASSWORD = "secret-of-test"
USER = "lister@d.test"


def fill(client, count=23):
    client.ok("CREATE box")
    for number in range(1, count + 1):
        flags = {2: "\\Flagged", 10: "\\Flagged", 11: "\\Flagged \\Deleted", 23: "\\Flagged"}.get(number, "")
        assert client.append("box", b"Subject: m%d\r\n\r\ntext\r\n" % number, f"({flags}) ")[1].startswith(b"OK")
    client.ok("SELECT box")


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


@pytest.fixture
def box(suite):
    client = Imap(suite.port("imap"), USER)
    client.command("DELETE box")
    fill(client)
    yield client
    client.close()


def answer(client, command):
    """What the one ESEARCH response says behind its correlator."""
    untagged = client.ok(command)
    responses = [line for line in untagged if line.startswith(b"* ESEARCH")]
    assert len(responses) == 1 and not any(line.startswith(b"* SEARCH") for line in untagged), untagged
    head = b'* ESEARCH (TAG "t%d")' % client.count
    assert responses[0].startswith(head), responses
    return responses[0][len(head):].strip().decode()


def test_return_options(box):
    """RFC 4731 section 3.1, with its examples."""
    assert answer(box, "SEARCH RETURN (MIN COUNT) FLAGGED") == "MIN 2 COUNT 4"
    assert answer(box, "SEARCH RETURN () FLAGGED") == "ALL 2,10:11,23"
    assert answer(box, "SEARCH RETURN (MIN) FLAGGED") == "MIN 2"
    assert answer(box, "SEARCH RETURN (MAX) FLAGGED") == "MAX 23"
    assert answer(box, "UID SEARCH RETURN (MIN MAX) 1:23") == "UID MIN 1 MAX 23"
    assert answer(box, "SEARCH RETURN (COUNT) DELETED") == "COUNT 1"
    assert answer(box, "SEARCH RETURN (ALL COUNT MAX MIN) FLAGGED") == "MIN 2 MAX 23 ALL 2,10:11,23 COUNT 4"
    assert answer(box, "SEARCH return (all) CHARSET UTF-8 FLAGGED") == "ALL 2,10:11,23"


def test_nothing_found(box):
    assert answer(box, "SEARCH RETURN (MIN MAX ALL COUNT) ANSWERED") == "COUNT 0"
    assert answer(box, "UID SEARCH RETURN () ANSWERED") == "UID"
    assert answer(box, "SEARCH RETURN (PARTIAL 1:5) ANSWERED") == "PARTIAL (1:5 NIL)"


def test_numbers_and_uids_differ(box):
    box.ok("STORE 1 +FLAGS (\\Deleted)")
    box.ok("UID EXPUNGE 1")
    assert answer(box, "UID SEARCH RETURN (MIN ALL) FLAGGED") == "UID MIN 2 ALL 2,10:11,23"
    assert answer(box, "SEARCH RETURN (MIN ALL) FLAGGED") == "MIN 1 ALL 1,9:10,22"


def test_partial(box):
    """RFC 9394 section 3.1, RFC 5267 section 4.4."""
    assert answer(box, "SEARCH RETURN (PARTIAL 2:3) FLAGGED") == "PARTIAL (2:3 10:11)"
    assert answer(box, "SEARCH RETURN (PARTIAL 3:2) FLAGGED") == "PARTIAL (3:2 10:11)"
    assert answer(box, "SEARCH RETURN (PARTIAL -1:-2) FLAGGED") == "PARTIAL (-1:-2 11,23)"
    assert answer(box, "SEARCH RETURN (PARTIAL -4:-9) FLAGGED") == "PARTIAL (-4:-9 2)"
    assert answer(box, "SEARCH RETURN (PARTIAL -5:-9) FLAGGED") == "PARTIAL (-5:-9 NIL)"
    assert answer(box, "SEARCH RETURN (PARTIAL 4:500 COUNT MIN) FLAGGED") == "MIN 2 PARTIAL (4:500 23) COUNT 4"
    assert answer(box, "SEARCH RETURN (PARTIAL 5:500) FLAGGED") == "PARTIAL (5:500 NIL)"
    for wrong in ("PARTIAL 1:2 ALL", "ALL PARTIAL 1:2", "PARTIAL 1:2 PARTIAL 1:2", "PARTIAL 0:1", "PARTIAL 1:*",
                  "PARTIAL -1:2", "PARTIAL 1", "PARTIAL", "MIN,MAX", "OTHER", "MIN  MAX"):
        box.bad(f"SEARCH RETURN ({wrong}) ALL")
    box.bad("SEARCH RETURN MIN ALL")
    box.bad("SEARCH RETURN (MIN)")


def saved(client):
    return sorted(int(line.split()[1]) for line in client.ok("FETCH $ (UID)") if b"FETCH" in line)


@pytest.mark.parametrize("options, value", [
    ("SAVE", [2, 10, 11, 23]), ("SAVE MIN", [2]), ("SAVE MAX", [23]), ("MAX SAVE MIN", [2, 23]),
    ("MAX SAVE MIN COUNT", [2, 10, 11, 23]), ("ALL SAVE MIN", [2, 10, 11, 23]), ("SAVE COUNT", [2, 10, 11, 23]),
    ("SAVE PARTIAL 2:3", [10, 11]), ("SAVE PARTIAL 2:3 MIN", [2, 10, 11]), ("SAVE PARTIAL 1:2 MIN", [2, 10]),
    ("SAVE PARTIAL 2:3 MAX", [10, 11, 23]), ("SAVE PARTIAL -1:-2 MAX MIN", [2, 11, 23]),
    ("SAVE PARTIAL 9:10 MAX MIN", [2, 23]), ("SAVE PARTIAL 9:10", []), ("SAVE PARTIAL 2:3 COUNT", [2, 10, 11, 23])])
def test_what_is_saved(box, options, value):
    """The tables of RFC 5182 section 2.4 and RFC 9394 section 3.2."""
    untagged = box.ok(f"SEARCH RETURN ({options}) FLAGGED")
    assert (options == "SAVE") == (untagged == [b""])
    assert saved(box) == value


def test_the_saved_result_in_every_command(box):
    box.ok("UID SEARCH RETURN (SAVE) FLAGGED")
    assert [line.split()[1] for line in box.ok("UID FETCH $ (FLAGS)")] == [b"2", b"10", b"11", b"23"]
    assert box.ok("SEARCH $ DELETED") == [b"* SEARCH 11"]
    assert box.ok("UID SEARCH UID $ NOT DELETED") == [b"* SEARCH 2 10 23"]
    assert box.ok("SEARCH (OR $ 1,3:4) 1:10") == [b"* SEARCH 1 2 3 4 10"]
    assert box.ok("SEARCH 1,4,$") == [b"* SEARCH 1 2 4 10 11 23"]
    assert len(box.ok("STORE $ +FLAGS (\\Seen)")) == 4
    box.ok("CREATE other")
    assert b"COPYUID" in box.command("COPY $ other")[1]
    assert b"OK" in box.command("UID COPY $ other")[1]
    assert b"(MESSAGES 8)" in box.ok("STATUS other (MESSAGES)")[0]
    box.ok("DELETE other")
    box.bad("FETCH $,1 (UID)")
    box.bad("FETCH $:5 (UID)")
    box.bad("FETCH $1 (UID)")


def test_an_empty_result_is_no_error(box):
    """RFC 5182 section 2.1, example 6."""
    for set_up in ("SELECT box", "SEARCH RETURN (SAVE) ANSWERED"):
        box.ok(set_up)
        for command in ("FETCH $ (UID)", "UID FETCH $ (UID)", "STORE $ +FLAGS (\\Seen)", "COPY $ INBOX", "UID EXPUNGE $",
                        "MOVE $ INBOX"):
            assert box.ok(command) == [b""]
        assert box.ok("SEARCH $") == [b"* SEARCH"]
    box.ok("CREATE empty")
    box.ok("SELECT empty")
    assert box.ok("FETCH $ (UID)") == [b""]
    box.ok("SELECT box")
    box.ok("DELETE empty")


def test_what_changes_the_saved_result(box):
    box.ok("SEARCH RETURN (SAVE) FLAGGED")
    box.bad("SEARCH RETURN (SAVE) NOSUCHKEY")
    box.bad("SEARCH RETURN (SAVE OTHER) ALL")
    box.no("SEARCH CHARSET x-nothing ALL", b"BADCHARSET")
    box.ok("SEARCH RETURN (ALL) DELETED")
    assert saved(box) == [2, 10, 11, 23]
    box.no("SEARCH RETURN (SAVE) CHARSET x-nothing ALL", b"BADCHARSET")
    assert saved(box) == []
    box.ok("SEARCH RETURN (SAVE) FLAGGED")
    box.ok("EXAMINE box")
    assert saved(box) == []


def test_an_expunge_takes_messages_out_of_the_saved_result(suite, box):
    """RFC 5182 section 2.1: numbers move down, and what is expunged is gone."""
    box.ok("SEARCH RETURN (SAVE) FLAGGED")
    box.ok("STORE 1,10 +FLAGS (\\Deleted)")
    other = Imap(suite.port("imap"), USER)
    other.ok("SELECT box")
    other.ok("EXPUNGE")
    other.close()
    assert box.ok("SEARCH $ NOT FLAGGED") == [b"* SEARCH"]  # no EXPUNGE here: the view still holds them
    assert sum(b"EXPUNGE" in line for line in box.ok("NOOP")) == 3
    assert saved(box) == [1, 20]
    assert box.ok("UID SEARCH UID $") == [b"* SEARCH 2 23"]
    box.ok("APPEND box {1+}\r\nx")
    assert saved(box) == [1, 20]


def test_a_search_and_its_use_in_one_packet(box):
    """RFC 5182 section 2.3, example 7."""
    box.send("F282 SEARCH RETURN (SAVE) FLAGGED\r\nF283 SEARCH $ 1:5\r\nF284 STORE $ +FLAGS.SILENT (\\Seen)\r\n")
    assert box.result(b"F282")[1].startswith(b"OK")
    assert box.result(b"F283")[0] == [b"* SEARCH 2"]
    assert box.result(b"F284")[1].startswith(b"OK")
    assert box.ok("SEARCH SEEN") == [b"* SEARCH 2 10 11 23"]
