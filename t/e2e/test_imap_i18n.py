"""I18NLEVEL=1 (RFC 5255 section 4.3): SEARCH, SORT and THREAD compare by i;unicode-casemap (RFC 5051)."""
import base64
import re

import pytest

from imapclient import Imap

ALICE = "alice@d.test"
FILLERS = 40  # more messages than a search looks into before it makes the full-text index

# subject, sender's name, body; the same word composed, decomposed, in full width, as a ligature ...
TEXTS = [
    ("Zürich", "Åsa", "Treffen in der Straße"),
    ("re: Zu\u0308rich", "A\u030asa", "treffen in der strasse"),
    ("ＺＵ\u0308ＲＩＣＨ", "\u212bsa", "ＴＲＥＦＦＥＮ"),
    ("Zurich", "Asa", "eﬃcient"),
    ("ΟΔΥΣΣΕΥΣ", "Ἀχιλλεύς", "ἄλφα και βήτα"),
    ("Ёлка", "Фёдор", "Письмо"),
    ("ポスト", "東京", "ﾎﾟｽﾄ カード"),
]


def word(text):
    return "=?utf-8?b?" + base64.b64encode(text.encode()).decode() + "?="


def message(subject, name, body):
    return (f"From: {word(name)} <x@d.test>\r\nSubject: {word(subject)}\r\nMessage-ID: <{abs(hash(subject))}@d.test>\r\n"
            f"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n").encode() + \
        base64.encodebytes(body.encode()).replace(b"\n", b"\r\n")


@pytest.fixture(scope="module", params=["few messages", "full-text index"])
def imap(suite, request):
    client = Imap(suite.port("imaps"), ALICE, tls=True)
    box = request.param.split()[0]
    client.ok(f"CREATE {box}")
    for row in TEXTS:
        assert client.append(box, message(*row))[1].startswith(b"OK")
    for number in range(FILLERS if box == "full-text" else 0):
        assert client.append(box, message(f"filler {number}", "nobody", f"number {number}"))[1].startswith(b"OK")
    client.ok(f"SELECT {box}")
    yield client
    client.close()


def numbers(client, command):
    line = next(row for row in client.ok(command.encode()) if row.startswith((b"* SEARCH", b"* SORT")))
    return [int(number) for number in line.split()[2:]]


def test_capability(imap):
    assert b"I18NLEVEL=1" in imap.ok("CAPABILITY")[0].split()


@pytest.mark.parametrize("keys, expected", [
    ("SUBJECT zürich", [1, 2, 3]), ("SUBJECT ZU\u0308RICH", [1, 2, 3]), ("SUBJECT ｚü", [1, 2, 3]), ("SUBJECT zurich", [4]),
    ("SUBJECT zu", [1, 2, 3, 4]), ("SUBJECT οδυσσευς", [5]), ("SUBJECT ЁЛК", [6]), ("SUBJECT ｽﾄ", [7]), ("FROM åsa", [1, 2, 3]),
    ("FROM ФЁДОР", [6]), ("FROM ἀΧΙΛΛΕΎΣ", [5]), ("HEADER Subject Ü", [1, 2, 3]), ("BODY STRAßE", [1]), ("BODY TREFFEN", [1, 2, 3]),
    ("BODY ΒΉΤΑ", [5]), ("BODY ポスト", [7]), ("BODY efficient", [4]), ("BODY ＥＦＦＩ", [4]), ("TEXT ΆΛΦΑ", []), ("TEXT ἊΛΦΑ", []),
    ("TEXT ἌΛΦΑ", [5]), ("TEXT åsa", [1, 2, 3]), ("NOT SUBJECT zürich FROM asa", [4]), ("TEXT письмо", [6])])
def test_search(imap, keys, expected):
    keys = re.sub(r"\w*[^ -~]\w*", lambda found: f'"{found.group()}"', keys)
    assert numbers(imap, f"SEARCH CHARSET UTF-8 1:{len(TEXTS)} {keys}") == expected
    assert [n for n in numbers(imap, f"SEARCH {keys}") if n <= len(TEXTS)] == expected


def test_search_in_another_charset(imap):
    imap.send(b"x1 SEARCH CHARSET ISO-8859-1 1:7 SUBJECT {6+}\r\nZ\xdcRICH\r\n")
    assert imap.result(b"x1") == ([b"* SEARCH 1 2 3"], b"OK Search completed")


def test_sort(imap):
    """Equal subjects stay in the order of their numbers; a combining mark sorts behind all of ASCII."""
    assert numbers(imap, "SORT (SUBJECT) UTF-8 1:7") == [4, 1, 2, 3, 5, 6, 7]
    assert numbers(imap, "SORT (DISPLAYFROM) UTF-8 1:4") == [4, 1, 2, 3]


def test_thread(imap):
    assert imap.ok("THREAD ORDEREDSUBJECT UTF-8 1:4")[0] in (b"* THREAD (1 (2)(3))(4)", b"* THREAD (1 2 3)(4)")
