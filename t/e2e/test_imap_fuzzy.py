"""SEARCH=FUZZY (RFC 6203): all words in any order, RELEVANCY as return option and sort criterion."""
import pytest

from imapclient import Imap
from instance import Instance

PASSWORD = "secret-of-test"
USER = "vague@d.test"
SUBJECTS = ["IMAP break", "is IMAP going to break", "breaking: IMAP", "IMAP", "break IMAP break the news", "the news: IMAP break"]


@pytest.fixture(scope="module")
def imap():
    inst = Instance()
    inst.setup()
    inst.set("auth.plain_on_loopback", "yes")
    inst.set("imap.max_errors", "50")
    inst.start()
    inst.add_user(USER, PASSWORD)
    client = Imap(inst.port("imap"), USER)
    for subject in SUBJECTS:
        assert client.append("INBOX", f"Subject: {subject}\r\n\r\nbody of {subject}\r\n".encode())[1].startswith(b"OK")
    client.ok("SELECT INBOX")
    yield client
    inst.close()


def answer(client, command):
    return client.ok(command)[0].split(b") ", 1)[1].decode()


def test_words_in_any_order(imap):
    assert imap.ok('SEARCH FUZZY SUBJECT "IMAP break"') == [b"* SEARCH 1 2 3 5 6"]
    assert imap.ok('SEARCH SUBJECT "IMAP break"') == [b"* SEARCH 1 5 6"]
    assert imap.ok('SEARCH FUZZY BODY "break of"') == [b"* SEARCH 1 2 3 5 6"]
    assert imap.ok('SEARCH FUZZY TEXT "news subject:"') == [b"* SEARCH 5 6"]
    assert imap.ok('SEARCH FUZZY SUBJECT "news imap" 6') == [b"* SEARCH 6"]
    assert imap.ok('SEARCH FUZZY (SUBJECT "news imap" 5)') == [b"* SEARCH 5"]
    assert imap.ok('SEARCH NOT FUZZY SUBJECT "break imap"') == [b"* SEARCH 4"]
    assert imap.ok('SEARCH OR FUZZY SUBJECT "going is" 1') == [b"* SEARCH 1 2"]
    assert imap.ok("SEARCH FUZZY UNSEEN FUZZY FUZZY LARGER 1") == [b"* SEARCH 1 2 3 4 5 6"]
    assert imap.ok('SEARCH FUZZY SUBJECT "  "') == [b"* SEARCH"]
    assert imap.ok('SEARCH FUZZY SUBJECT ""') == [b"* SEARCH 1 2 3 4 5 6"]


def test_relevancy(imap):
    """The score is the share of words that stand side by side, from 1 to 100."""
    assert answer(imap, 'SEARCH RETURN (RELEVANCY ALL) FUZZY SUBJECT "the news IMAP break"') == "ALL 5:6 RELEVANCY (67 67)"
    assert answer(imap, 'SEARCH RETURN (RELEVANCY ALL) FUZZY SUBJECT "imap break"') == "ALL 1:3,5:6 RELEVANCY (100 1 1 100 100)"
    assert answer(imap, 'SEARCH RETURN (PARTIAL 1:2 RELEVANCY) FUZZY SUBJECT "imap break"') == "PARTIAL (1:2 1:2) RELEVANCY (100 1)"
    assert answer(imap, "SEARCH RETURN (RELEVANCY ALL) FUZZY SUBJECT nothing") == "RELEVANCY ()"
    assert imap.ok('SORT (RELEVANCY) UTF-8 FUZZY SUBJECT "imap break"') == [b"* SORT 1 5 6 2 3"]
    assert imap.ok('SORT (REVERSE RELEVANCY REVERSE ARRIVAL) UTF-8 FUZZY SUBJECT "imap break" 1:3')[0].split()[-1] == b"1"
    assert answer(imap, 'SORT RETURN (RELEVANCY ALL) (RELEVANCY SUBJECT) UTF-8 FUZZY SUBJECT "the news IMAP break"') == "ALL 5:6 RELEVANCY (67 67)"
    assert answer(imap, 'SORT RETURN (PARTIAL 1:2) (RELEVANCY) UTF-8 FUZZY SUBJECT "imap break"') == "PARTIAL (1:2 1,5)"


def test_relevancy_needs_fuzzy(imap):
    imap.bad("SEARCH RETURN (RELEVANCY ALL) SUBJECT x")
    imap.bad("SORT (RELEVANCY) UTF-8 SUBJECT x")
    imap.bad("SORT RETURN (RELEVANCY) (DATE) UTF-8 SUBJECT x")
    imap.bad("ESEARCH RETURN (RELEVANCY) SUBJECT x")
    imap.bad("SEARCH FUZZY")
    imap.bad("SEARCH FUZZY NOKEY")
