"""SORT and THREAD (RFC 5256), SORT=DISPLAY (RFC 5957), ESORT (RFC 5267 section 3), WITHIN (RFC 5032)."""
import time

import pytest

from imapclient import Imap
from instance import Instance

PASSWORD = "secret-of-test"
USER = "sorter@d.test"

# subject, date, from, to, cc, internal date, padding
MESSAGES = [
    ("Re: banana", "Mon, 1 Jan 2024 12:00:00 +0000", "Zoe <anna@x.test>", "m@x.test", "", "05-Jan-2024 10:00:00 +0000", 10),
    ("apple", "Mon, 1 Jan 2024 12:00:00 +0200", "=?utf-8?q?=C3=84nne?= <bob@x.test>", "k@x.test, a@x.test", "z@x.test",
     "04-Jan-2024 10:00:00 +0000", 500),
    ("[list] Banana", "Wed, 3 Jan 2024 01:00:00 +0000", "carl@x.test", "", "y@x.test", "03-Jan-2024 10:00:00 +0000", 200),
    ("=?utf-8?b?w4RwZmVs?=", "no date at all", "\"\" <dora@x.test>", "group: q@x.test;", "", "02-Jan-2024 10:00:00 +0000", 0),
    ("", "Tue, 2 Jan 2024 25:61:00 +0000", "", "L@x.test", "", "01-Jan-2024 10:00:00 +0000", 50),
]


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
def imap(suite):
    client = Imap(suite.port("imap"), USER)
    client.command("DELETE box")
    client.ok("CREATE box")
    yield client
    client.close()


@pytest.fixture
def box(imap):
    for subject, date, sender, to, cc, internal, padding in MESSAGES:
        fields = [("Subject", subject), ("Date", date), ("From", sender), ("To", to), ("Cc", cc)]
        header = "".join(f"{name}: {value}\r\n" for name, value in fields if value)
        message = (header + "\r\n" + "x" * padding).encode()
        assert imap.append("box", message, f'"{internal}" ')[1].startswith(b"OK")
    imap.ok("SELECT box")
    return imap


def numbers(client, command):
    responses = [line for line in client.ok(command) if line.startswith(b"* SORT")]
    assert len(responses) == 1, responses
    return [int(word) for word in responses[0].split()[2:]]


CRITERIA = [
    ("ARRIVAL", [5, 4, 3, 2, 1]),
    ("REVERSE ARRIVAL", [1, 2, 3, 4, 5]),
    ("SIZE", [4, 5, 1, 3, 2]),
    ("DATE", [2, 1, 5, 4, 3]),  # 4 has INTERNALDATE alone (2 Jan 10:00), 5 the day alone (2 Jan 00:00)
    ("SUBJECT", [5, 4, 2, 1, 3]),
    ("REVERSE SUBJECT", [1, 3, 2, 4, 5]),
    ("SUBJECT REVERSE DATE", [5, 4, 2, 3, 1]),
    ("FROM", [5, 1, 2, 3, 4]),
    ("TO", [3, 4, 2, 5, 1]),
    ("CC", [1, 4, 5, 3, 2]),
    ("DISPLAYFROM", [5, 2, 3, 4, 1]),
    ("DISPLAYTO", [3, 4, 2, 5, 1]),
    ("CC ARRIVAL CC REVERSE CC", [5, 4, 1, 3, 2]),
]


def expect_subject_order(order):
    """The base subjects: 1 and 3 BANANA, 2 APPLE, 4 A U+0308 PFEL, 5 empty."""
    keys = {1: "BANANA", 2: "APPLE", 3: "BANANA", 4: "A\u0308PFEL", 5: ""}
    return sorted(order, key=lambda number: (keys[number].encode(), number))


def test_criteria(box):
    for criteria, expected in CRITERIA:
        if criteria == "SUBJECT":
            expected = expect_subject_order(expected)
        elif criteria == "REVERSE SUBJECT":
            expected = [1, 3] + expect_subject_order([2, 4])[::-1] + [5]
        elif criteria == "SUBJECT REVERSE DATE":
            expected = [5] + expect_subject_order([2, 4]) + [3, 1]
        assert numbers(box, f"SORT ({criteria}) UTF-8 ALL") == expected, criteria


def test_sort_takes_a_search_program(box):
    assert numbers(box, "SORT (SUBJECT) UTF-8 SINCE 3-Jan-2024") == [2, 1, 3]
    assert numbers(box, 'SORT (SUBJECT) US-ASCII TEXT "not in mailbox"') == []
    assert numbers(box, 'SORT (REVERSE SIZE) "UTF-8" SUBJECT BANANA') == [3, 1]
    box.ok("STORE 1 +FLAGS (\\Deleted)")
    box.ok("EXPUNGE")
    assert numbers(box, "UID SORT (ARRIVAL) UTF-8 1:3") == [4, 3, 2]
    assert numbers(box, "SORT (ARRIVAL) UTF-8 UID 2:4") == [3, 2, 1]
    box.no("SORT (SUBJECT) x-klingon ALL", b"BADCHARSET")
    for wrong in ("(SUBJECT)", "(SUBJECT) UTF-8", "() UTF-8 ALL", "SUBJECT UTF-8 ALL", "(REVERSE) UTF-8 ALL",
                  "(REVERSE REVERSE DATE) UTF-8 ALL", "(OTHER) UTF-8 ALL", "(DATE  SIZE) UTF-8 ALL", "(DATE) UTF-8 NOKEY"):
        box.bad("SORT " + wrong)


def test_extended_sort(box):
    """RFC 5267 section 3: the answer is an ESEARCH response, in the order of the sort."""
    def answer(command):
        responses = [line for line in box.ok(command) if line.startswith(b"* ESEARCH")]
        return responses[0].split(b") ", 1)[1].decode()

    assert answer("UID SORT RETURN () (REVERSE ARRIVAL) UTF-8 ALL") == "UID ALL 1:5"
    assert answer("SORT RETURN (ALL) (ARRIVAL) UTF-8 ALL") == "ALL 5,4,3,2,1"
    assert answer("SORT RETURN (MIN MAX COUNT) (SIZE) UTF-8 ALL") == "MIN 4 MAX 2 COUNT 5"
    assert answer("SORT RETURN (PARTIAL 2:3) (SIZE) UTF-8 ALL") == "PARTIAL (2:3 5,1)"
    assert answer("SORT RETURN (PARTIAL -1:-2) (SIZE) UTF-8 ALL") == "PARTIAL (-1:-2 3,2)"
    box.ok("SORT RETURN (SAVE PARTIAL 1:2 MAX) (SIZE) UTF-8 ALL")
    assert box.ok("SEARCH $") == [b"* SEARCH 2 4 5"]
    box.no("SORT RETURN (SAVE) (SIZE) x-klingon ALL", b"BADCHARSET")
    assert box.ok("SEARCH $") == [b"* SEARCH"]


def message(number, subject, references="", hour=None):
    return (f"Message-ID: <{number}@x.test>\r\nSubject: {subject}\r\nDate: Mon, 1 Jan 2024 {hour or number:02}:00:00 +0000\r\n"
            + references + "\r\ntext\r\n").encode()


@pytest.fixture
def threads(imap):
    for text in (message(1, "lunch"), message(2, "other"), message(3, "Re: lunch", "References: <1@x.test>\r\n"),
                 message(4, "Re: lunch", "In-Reply-To: <3@x.test> and more\r\n"), message(5, "Re: lunch", "References: <1@x.test>\r\n"),
                 message(6, "Re: gone", "References: <99@x.test>\r\n"), message(7, "Re: gone", "References: <99@x.test>\r\n"),
                 message(8, "Re: other"), message(9, "other", hour=1)):
        assert imap.append("box", text)[1].startswith(b"OK")
    imap.ok("SELECT box")
    return imap


def thread(client, command):
    responses = [line for line in client.ok(command) if line.startswith(b"* THREAD")]
    assert len(responses) == 1, responses
    return responses[0].decode()


def test_thread(threads):
    assert thread(threads, "THREAD ORDEREDSUBJECT UTF-8 ALL") == "* THREAD (1 (3)(4)(5))(9 (2)(8))(6 7)"
    # 2 and 9 have one subject, neither is a reply: a dummy gets both; 8, a reply, comes to it
    assert thread(threads, "THREAD REFERENCES UTF-8 ALL") == "* THREAD (1 (3 4)(5))((9)(2)(8))((6)(7))"
    assert thread(threads, "THREAD REFS UTF-8 ALL") == "* THREAD (2)(1 (3 4)(5))((6)(7))(8)(9)"
    assert thread(threads, "THREAD REFERENCES UTF-8 NOT 1") == "* THREAD ((9)(2)(8))((3 4)(5))((6)(7))"
    assert thread(threads, 'THREAD REFERENCES US-ASCII TEXT "gewp"') == "* THREAD"
    threads.ok("STORE 2 +FLAGS (\\Deleted)")
    threads.ok("EXPUNGE")
    assert thread(threads, "UID THREAD REFS UTF-8 UID 3:7") == "* THREAD ((3 4)(5))((6)(7))"
    assert thread(threads, "THREAD REFS UTF-8 UID 3:7") == "* THREAD ((2 3)(4))((5)(6))"
    threads.no("THREAD REFERENCES x-klingon ALL", b"BADCHARSET")
    for wrong in ("REFERENCES UTF-8", "OTHER UTF-8 ALL", "REFERENCES", "REFERENCES UTF-8 NOKEY"):
        threads.bad("THREAD " + wrong)


def test_a_second_sort_opens_no_message(suite, threads):
    commands = ["SORT (SUBJECT REVERSE DATE FROM TO CC DISPLAYFROM DISPLAYTO) UTF-8 ALL", "THREAD REFERENCES UTF-8 ALL",
                "THREAD REFS UTF-8 ALL", "THREAD ORDEREDSUBJECT UTF-8 ALL"]
    before = [threads.ok(command) for command in commands]
    threads.ok("CLOSE")
    for path in (suite.root / "store").glob("d.test/*/sorter/mail/.box/cur/*"):
        path.write_bytes(b"\0" * path.stat().st_size)  # whoever opens it finds nothing there
    client = Imap(suite.port("imap"), USER)
    client.ok("EXAMINE box")
    assert [client.ok(command) for command in commands] == before
    assert client.ok("SEARCH BODY text") == [b"* SEARCH"]
    client.close()


def test_within(imap):
    """RFC 5032: to the second, against INTERNALDATE."""
    now = time.time()
    for age in (30, 4000, 90000):
        date = time.strftime("%d-%b-%Y %H:%M:%S +0000", time.gmtime(now - age))
        assert imap.append("box", b"Subject: x\r\n\r\n", f'"{date}" ')[1].startswith(b"OK")
    imap.ok("SELECT box")
    assert imap.ok("SEARCH YOUNGER 3600") == [b"* SEARCH 1"]
    assert imap.ok("SEARCH OLDER 3600") == [b"* SEARCH 2 3"]
    assert imap.ok("SEARCH UNSEEN YOUNGER 86400") == [b"* SEARCH 1 2"]
    assert imap.ok("SEARCH OLDER 3600 YOUNGER 86400") == [b"* SEARCH 2"]
    assert imap.ok("SEARCH NOT OLDER 1") == [b"* SEARCH"]
    assert imap.ok("SEARCH YOUNGER 4294967295") == [b"* SEARCH 1 2 3"]
    for wrong in ("OLDER", "OLDER 0", "YOUNGER -1", "OLDER x", "YOUNGER 4294967296"):
        imap.bad("SEARCH " + wrong)
