"""FILTERS (RFC 5466): searches with a name, kept as annotations of the server."""
import itertools

import pytest

from imapclient import Imap
from instance import Instance

NUMBERS = itertools.count()


def message(sender, size):
    return f"From: {sender}\r\nSubject: s{size}\r\n\r\n".encode() + b"x" * size + b"\r\n"


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    inst.set("auth.plain_on_loopback", "yes")
    inst.set("imap.metadata_admin", "the person at the desk")
    inst.set("imap.shared_filters",
             'big LARGER 5000; loud FROM "boss@example.com"; broken OR SMALLER; bad/name ALL; both FILTER big NOT FILTER loud')
    inst.start()
    yield inst
    inst.close()


@pytest.fixture
def imap(suite):
    user = f"user{next(NUMBERS)}@d.test"
    suite.add_user(user)
    client = Imap(suite.port("imap"), user)
    for sender, size in (("boss@example.com", 10), ("boss@example.com", 6000), ("me@d.test", 10), ("me@d.test", 6000)):
        assert client.append("INBOX", message(sender, size))[1].startswith(b"OK")
    client.ok("SELECT INBOX")
    yield client
    client.close()


def put(client, name, criteria):
    client.ok(b'SETMETADATA "" (/private/filters/values/%s {%d+}\r\n%s)' % (
        name.encode(), len(criteria.encode()), criteria.encode()))


def search(client, keys):
    lines = client.ok(f"SEARCH {keys}")
    assert len(lines) == 1 and lines[0].startswith(b"* SEARCH")
    return [int(n) for n in lines[0].split()[2:]]


def test_the_example(imap):
    """Section 3.1 and 3.2, with sizes of ours."""
    imap.ok('SETMETADATA "" ("/private/filters/values/on-the-road" "OR SMALLER 5000 FROM \\"boss@example.com\\"")')
    assert search(imap, 'UID 1:900 FILTER on-the-road SINCE "3-Dec-2002"') == [1, 2, 3]
    assert search(imap, "FILTER ON-THE-ROAD 2:3") == [2, 3]
    assert search(imap, "NOT FILTER on-the-road") == [4]
    imap.ok('SETMETADATA "" (/private/filters/descriptions/on-the-road "What matters")')
    assert imap.ok('GETMETADATA (DEPTH infinity) "" (/private/filters)') == [
        b'* METADATA "" (/private/filters/values/on-the-road "OR SMALLER 5000 FROM \\"boss@example.com\\""'
        b' /private/filters/descriptions/on-the-road "What matters")']
    imap.ok('SETMETADATA "" (/private/filters/values/on-the-road NIL)')
    imap.no("SEARCH FILTER on-the-road", b"[UNDEFINED-FILTER on-the-road]")


def test_criteria_are_one_condition(imap):
    put(imap, "two", 'FROM boss LARGER 5000')
    assert search(imap, "FILTER two") == [2]
    assert search(imap, "NOT FILTER two") == [1, 3, 4]
    assert search(imap, "OR FILTER two 3") == [2, 3]
    assert search(imap, "(FILTER two) 1:4") == [2]


def test_shared_filters_come_second(imap):
    assert search(imap, "FILTER big") == [2, 4]
    assert search(imap, "FILTER both") == [4]
    assert imap.ok('GETMETADATA (DEPTH 1) "" /shared/filters/values') == [
        b'* METADATA "" (/shared/filters/values/big "LARGER 5000"'
        b' /shared/filters/values/loud "FROM \\"boss@example.com\\""'
        b' /shared/filters/values/both "FILTER big NOT FILTER loud")']
    put(imap, "big", "SMALLER 5000")
    assert search(imap, "FILTER big") == [1, 3]
    assert search(imap, "FILTER both") == [3]  # within a shared one, too
    imap.ok('SETMETADATA "" (/private/filters/values/big NIL)')
    assert search(imap, "FILTER big") == [2, 4]
    imap.no('SETMETADATA "" (/shared/filters/values/big NIL)', b"[NOPERM]")


@pytest.mark.parametrize("criteria", ["", "OR SMALLER", "NO-SUCH-KEY", "FROM", "ALL)", "(ALL", "ALL ", " ALL",
                                      "CHARSET UTF-8 ALL", "RETURN (MIN) ALL", "FILTER", "FILTER a/b"])
def test_what_is_no_criterion_is_no_filter(imap, criteria):
    name = '"" (/private/filters/values/x {%d+}\r\n%s)' % (len(criteria), criteria)
    imap.no(f"SETMETADATA {name}", b"[CANNOT]")
    imap.no("SEARCH FILTER x", b"[UNDEFINED-FILTER x]")
    imap.no('SETMETADATA "" (/private/filters/values/a/b ALL)'.replace("ALL", '"ALL"'), b"[CANNOT]")
    imap.no(b'SETMETADATA "" (/private/filters/values/x {9+}\r\nFROM "\xff\xfe")', b"[CANNOT]")


def test_filters_in_filters(imap):
    put(imap, "f0", "1:2")
    for n in range(1, 9):
        put(imap, f"f{n}", f"FILTER f{n - 1}")
    assert search(imap, "FILTER f3") == [1, 2]  # three passes are a must
    assert search(imap, "FILTER f7") == [1, 2]
    imap.no("SEARCH FILTER f8", b"[UNDEFINED-FILTER f0]")
    put(imap, "loop", "OR FILTER loop2 ALL")
    put(imap, "loop2", "FILTER loop")
    imap.no("SEARCH FILTER loop", b"[UNDEFINED-FILTER loop")
    put(imap, "g0", "ALL")
    for n in range(1, 5):
        put(imap, f"g{n}", " ".join([f"FILTER g{n - 1}"] * 20))
    imap.no("SEARCH FILTER g4", b"[UNDEFINED-FILTER g")  # 160,000 of them would be too many
    assert search(imap, "FILTER g1") == [1, 2, 3, 4]


def test_charset(imap):
    assert imap.append("INBOX", b"Subject: =?utf-8?q?gr=C3=BCn?=\r\n\r\nx\r\n")[1].startswith(b"OK")
    put(imap, "green", 'SUBJECT "grün"')
    for words in ("", "CHARSET UTF-8 ", "CHARSET us-ascii "):
        assert search(imap, words + "FILTER green") == [5]
    untagged, tagged = imap.command("SEARCH CHARSET ISO-8859-1 FILTER green")
    assert untagged == [] and tagged.startswith(b"BAD [BADCHARSET (")
    assert imap.command("SORT (DATE) ISO-8859-1 FILTER green")[1].startswith(b"BAD [BADCHARSET (")
    imap.no("SEARCH CHARSET no-such FILTER green", b"[BADCHARSET (")


def test_all_searching_commands(imap):
    put(imap, "boss", "FROM boss")
    assert imap.ok("UID SEARCH FILTER boss") == [b"* SEARCH 1 2"]
    assert imap.ok("SORT (REVERSE SIZE) UTF-8 FILTER boss") == [b"* SORT 2 1"]
    assert imap.ok("THREAD ORDEREDSUBJECT US-ASCII FILTER boss")[0].startswith(b"* THREAD ")
    assert imap.ok('ESEARCH IN (mailboxes "INBOX") FILTER boss')[0].endswith(b"UID ALL 1:2")
    for command in ("UID SEARCH FILTER no", "SORT (SIZE) UTF-8 FILTER no", "THREAD REFERENCES UTF-8 FILTER no",
                    'ESEARCH IN (personal) FILTER no', "SEARCH RETURN (COUNT) OR SEEN FILTER no"):
        imap.no(command, b"[UNDEFINED-FILTER no]")
    for command in ("SEARCH FILTER", "SEARCH FILTER boss/x", 'SEARCH FILTER "boss"', "SEARCH FILTER (boss)"):
        imap.bad(command)


def test_save_and_update(imap):
    put(imap, "boss", "FROM boss")
    imap.ok("SEARCH RETURN (SAVE) FILTER boss")
    assert search(imap, "$") == [1, 2]
    imap.no("SEARCH RETURN (SAVE) FILTER no", b"[UNDEFINED-FILTER no]")
    assert search(imap, "$") == []  # RFC 5182 section 2.1
    imap.send("u1 UID SEARCH RETURN (UPDATE ALL) FILTER boss\r\n")
    assert imap.result(b"u1")[0] == [b'* ESEARCH (TAG "u1") UID ALL 1:2']
    put(imap, "boss", "ALL")  # the search goes on as it began
    lines = imap.append("INBOX", message("boss@example.com", 5))[0]
    lines += imap.append("INBOX", message("me@d.test", 5))[0] + imap.ok("NOOP")
    assert [line for line in lines if b"ESEARCH" in line] == [b'* ESEARCH (TAG "u1") UID ADDTO (0 5)'], lines


def test_what_is_wrong_in_the_configuration_is_logged(suite, imap):
    log = suite.log("imap")
    for name in ("broken", "bad/name"):
        assert any("event=filter_wrong" in line and name in line for line in log.splitlines()), log[:2000]
        imap.command(f"SEARCH FILTER {name}")
    imap.no("SEARCH FILTER broken", b"[UNDEFINED-FILTER broken]")
    assert "event=metadata_wrong setting=imap.metadata_admin" in log
    assert imap.ok('GETMETADATA "" /shared/admin') == [b'* METADATA "" (/shared/admin NIL)']
