"""PREVIEW (RFC 8970): the first words of a message, with and without LAZY."""
import pytest

from imapclient import Imap

ALICE = "alice@d.test"
MESSAGES = [
    b"Subject: one\r\n\r\nPreview text!\r\n",
    b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n",
    b"Content-Type: text/html; charset=utf-8\r\n\r\n<html><style>p{}</style><p>Gr\xc3\xbc\xc3\x9fe</p>&amp; so on",
    b"Subject: long\r\n\r\n" + b"Lorem ipsum dolor sit amet, " * 100,
]


@pytest.fixture
def imap(suite):
    client = Imap(suite.port("imaps"), ALICE, tls=True)
    client.ok("CREATE previews")
    for message in MESSAGES:
        client.append("previews", message)
    client.ok("SELECT previews")
    yield client
    client.ok("DELETE previews")
    client.close()


def test_previews(imap):
    assert b"PREVIEW" in imap.ok("CAPABILITY")[0].split()
    lines = imap.ok("FETCH 1:4 (PREVIEW)")
    assert lines[0] == b'* 1 FETCH (PREVIEW "Preview text!")'
    assert lines[1] == b'* 2 FETCH (PREVIEW "")'  # no text, so never NIL
    assert lines[2] == "* 3 FETCH (PREVIEW {15}\r\nGrüße & so on)".encode()
    assert lines[3] == b'* 4 FETCH (PREVIEW "' + (b"Lorem ipsum dolor sit amet, " * 8)[:200].rstrip() + b'")'
    assert b"\\Seen" not in imap.ok("FETCH 1 FLAGS")[0]


def test_lazy_tells_only_what_is_known(imap):
    assert imap.ok("FETCH 1 PREVIEW (LAZY)") == [b"* 1 FETCH (PREVIEW NIL)"]
    imap.ok("FETCH 1:2 (PREVIEW)")
    lines = imap.ok("FETCH 1:3 (UID PREVIEW (LAZY) RFC822.SIZE)")
    assert [line.split(b"PREVIEW ")[1] for line in lines] == [b'"Preview text!")', b'"")', b"NIL)"]
    assert imap.ok("UID FETCH 3 (PREVIEW)")[0].startswith(b"* 3 FETCH (UID 3 PREVIEW {15}")
    assert b"PREVIEW NIL" not in imap.ok("FETCH 3 (PREVIEW (LAZY LAZY))")[0]


def test_another_session_finds_it_ready(imap, suite):
    imap.ok("FETCH 1:* (PREVIEW)")
    imap.ok("UNSELECT")
    other = Imap(suite.port("imaps"), ALICE, tls=True)
    other.ok("EXAMINE previews")
    assert other.ok("FETCH 1 (PREVIEW (LAZY))") == [b'* 1 FETCH (PREVIEW "Preview text!")']
    other.close()


@pytest.mark.parametrize("item", ["(PREVIEW (LAZY FAST))", "(PREVIEW (LAZYX))", "(PREVIEW ())", "PREVIEW[1]",
                                  "(PREVIEW(LAZY))", "(PREVIEW (LAZY)"])
def test_wrong_syntax(imap, item):
    imap.bad(f"FETCH 1 {item}")
