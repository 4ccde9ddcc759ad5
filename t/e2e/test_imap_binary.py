"""BINARY (RFC 3516, and the part of it that RFC 9051 took over): parts without their transfer encoding."""
import base64
import re

import pytest

from imapclient import Imap

ALICE = "alice@d.test"
PICTURE = bytes(range(256)) * 40  # NULs, CRs, LFs, more than one piece
TEXT = "Straße\r\nzwei\r\n".encode()

MESSAGE = (b"From: a@d.test\r\nSubject: parts\r\nMIME-Version: 1.0\r\n"
           b"Content-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n--b\r\n"
           b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
           b"Stra=C3=9F=\r\ne\r\nzwei \r\n\r\n--b\r\n"
           b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n"
           + base64.encodebytes(PICTURE).replace(b"\n", b"\r\n") + b"--b\r\n"
           b"Content-Type: application/x-odd\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nabc\r\n--b\r\n"
           b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\nContent-Transfer-Encoding: base64\r\n\r\n"
           b"aW5uZXI=\r\n--b\r\n"
           b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n"
           + base64.b64encode(b"one\ntwo\r\nthree\n") + b"\r\n--b--\r\n")


@pytest.fixture
def imap(suite):
    client = Imap(suite.port("imaps"), ALICE, tls=True)
    client.ok("CREATE binary")
    yield client
    client.ok("DELETE binary")
    client.close()


@pytest.fixture
def parts(imap):
    assert imap.append("binary", MESSAGE)[1].startswith(b"OK")
    imap.ok("SELECT binary")
    return imap


def value(client, item, number=1):
    """What FETCH gives for one item: bytes, None for NIL, and whether it came as a literal8."""
    line = client.ok(f"FETCH {number} {item}")[0]
    name = re.escape(item.replace(".PEEK", "")).replace(r"\.1>", ">").encode()
    name = re.sub(rb"<(\d+)\\\.\d+>", rb"<\1>", name)
    match = re.match(rb"\* \d+ FETCH \(" + name + rb" (NIL|\d+|(~?)\{(\d+)\}\r\n)", line)
    assert match, line[:200]
    if match.group(3) is None:
        return None if match.group(1) == b"NIL" else int(match.group(1))
    return line[match.end():match.end() + int(match.group(3))], match.group(2) == b"~"


def test_capability(imap):
    assert b"BINARY" in imap.ok("CAPABILITY")[0].split()


def test_text_comes_decoded_as_a_plain_string(parts):
    assert value(parts, "BINARY.PEEK[1]") == (TEXT, False)
    assert value(parts, "BINARY.SIZE[1]") == len(TEXT)


def test_a_part_with_nuls_comes_as_literal8(parts):
    assert value(parts, "BINARY.PEEK[2]") == (PICTURE, True)
    assert value(parts, "BINARY.SIZE[2]") == len(PICTURE)


def test_partial_counts_decoded_bytes(parts):
    assert value(parts, "BINARY.PEEK[2]<0.5>") == (PICTURE[:5], True)
    assert value(parts, "BINARY.PEEK[2]<8000.1000>") == (PICTURE[8000:9000], True)
    assert value(parts, "BINARY.PEEK[2]<1.100>") == (PICTURE[1:101], False)  # no NUL in these
    assert value(parts, "BINARY.PEEK[2]<10239.9>") == (PICTURE[-1:], False)
    assert value(parts, "BINARY.PEEK[2]<10240.9>") == (b"", False)
    assert value(parts, "BINARY.PEEK[2]<4000000000.4000000000>") == (b"", False)


def test_lines_of_text_end_with_crlf(parts):
    assert value(parts, "BINARY.PEEK[5]") == (b"one\r\ntwo\r\nthree\r\n", False)
    assert value(parts, "BINARY.SIZE[5]") == 17
    assert value(parts, "BINARY.PEEK[5]<3.3>") == (b"\r\nt", False)


def test_inside_a_message(parts):
    assert value(parts, "BINARY.PEEK[4.1]") == (b"inner", False)
    assert value(parts, "BINARY.PEEK[4]")[0].startswith(b"Subject: inner\r\n")


def test_the_whole_message_has_no_encoding(parts):
    assert value(parts, "BINARY.PEEK[]") == (MESSAGE, False)
    assert value(parts, "BINARY.SIZE[]") == len(MESSAGE)


def test_what_is_not_there(parts):
    assert value(parts, "BINARY.PEEK[9]") is None
    assert value(parts, "BINARY.SIZE[9]") == 0


@pytest.mark.parametrize("item", ["BINARY.PEEK[3]", "BINARY.SIZE[3]", "(UID BINARY[3])"])
def test_an_unknown_encoding_fails_the_command(parts, item):
    assert not any(b"BINARY" in line for line in parts.no(f"FETCH 1 {item}", b"[UNKNOWN-CTE]"))
    assert parts.ok("FETCH 1 BODY.PEEK[3]")[0].endswith(b"{3}\r\nabc)")


@pytest.mark.parametrize("item", ["BINARY[TEXT]", "BINARY[1.MIME]", "BINARY[HEADER.FIELDS (a)]", "BINARY",
                                  "BINARY.SIZE[1]<0.1>", "BINARY.PEEK", "BINARY[1]<0.0>", "BINARY[0]"])
def test_wrong_syntax(parts, item):
    parts.bad(f"FETCH 1 {item}")


def test_only_peek_leaves_seen_alone(parts):
    parts.ok("FETCH 1 (BINARY.PEEK[1] BINARY.SIZE[1])")
    assert b"\\Seen" not in parts.ok("FETCH 1 FLAGS")[0]
    untagged = parts.ok("UID FETCH 1:* (BINARY[1])")
    assert b"\\Seen" in untagged[0] and b"BINARY[1] {15}\r\n" in untagged[0]


def test_several_items_at_once(parts):
    line = parts.ok("FETCH 1 (BINARY.SIZE[1] BINARY.PEEK[1] BODY.PEEK[2.MIME])")[0]
    assert line.startswith(b"* 1 FETCH (BINARY.SIZE[1] 15 BINARY[1] {15}\r\n" + TEXT + b" BODY[2.MIME] {")


# ---- APPEND ----

BINARY_MESSAGE = (b"Subject: with binary\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
                  b"--b\r\n\r\nplain\r\n--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n"
                  b"Content-ID: <x@y>\r\n\r\n" + PICTURE + b"\r\n--b--\r\n")


def append8(client, message, plus="+"):
    return client.command(f"APPEND binary ~{{{len(message)}{plus}}}\r\n".encode() + message)[1]


def test_append_of_literal8_without_nuls_changes_nothing(imap):
    assert append8(imap, MESSAGE).startswith(b"OK [APPENDUID ")
    imap.ok("SELECT binary")
    assert value(imap, "BODY.PEEK[]")[0] == MESSAGE


def test_append_of_binary_parts_loses_nothing(imap):
    """RFC 3516 section 6: FETCH BODY and BODYSTRUCTURE show an encoding that all clients know."""
    assert append8(imap, BINARY_MESSAGE).startswith(b"OK")
    imap.ok("SELECT binary")
    assert value(imap, "BINARY.PEEK[2]") == (PICTURE, True)
    assert value(imap, "BINARY.PEEK[1]") == (b"plain", False)
    assert base64.b64decode(value(imap, "BODY.PEEK[2]")[0]) == PICTURE
    header = value(imap, "BODY.PEEK[2.MIME]")[0]
    assert header == (b"Content-Type: image/png\r\nContent-ID: <x@y>\r\n"
                      b"Content-Transfer-Encoding: base64\r\n\r\n")
    structure = imap.ok("FETCH 1 BODYSTRUCTURE")[0]
    assert b'("image" "png" NIL "<x@y>" NIL "base64" ' in structure
    assert b"\0" not in value(imap, "BODY.PEEK[]")[0]


def test_a_synchronizing_literal8(imap):
    imap.send(f"s APPEND binary ~{{{len(BINARY_MESSAGE)}}}\r\n")
    assert imap.line().startswith(b"+ ")
    imap.send(BINARY_MESSAGE + b"\r\n")
    assert imap.result(b"s")[1].startswith(b"OK [APPENDUID ")


def test_a_single_binary_part(imap):
    assert append8(imap, b"Content-Type: application/x-y\r\nContent-Transfer-Encoding: binary\r\n\r\na\0b\n").startswith(b"OK")
    imap.ok("SELECT binary")
    assert value(imap, "BINARY.PEEK[1]") == (b"a\0b\n", True)
    assert value(imap, "BODY.PEEK[1]") == (b"YQBiCg==\r\n", False)


@pytest.mark.parametrize("message", [
    b"Subject: a\0b\r\n\r\ntext\r\n",
    b"Content-Transfer-Encoding: base64\r\n\r\nYW\0Jj\r\n",
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\npre\0amble\r\n--b\r\n\r\nx\r\n--b--\r\n"])
def test_nuls_that_no_encoding_can_hold(imap, message):
    assert append8(imap, message).startswith(b"NO [UNKNOWN-CTE]")
    assert imap.ok("STATUS binary (MESSAGES)")[0].endswith(b"(MESSAGES 0)")


def test_nuls_in_a_plain_literal_are_refused_as_ever(imap):
    assert imap.append("binary", BINARY_MESSAGE)[1].startswith(b"NO [CANNOT]")
