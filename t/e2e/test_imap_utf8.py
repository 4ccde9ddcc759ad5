"""UTF8=ACCEPT (RFC 6855): names and strings in UTF-8 once enabled, APPEND of internationalized messages."""
import pytest

from imapclient import Imap
from instance import Instance

PASSWORD = "secret-of-test"
ALICE = "alice@d.test"
NAME = "Entwürfe"
MESSAGE = "From: Jörg <jörg@exämple.test>\r\nSubject: Grüße\r\n\r\ntext\r\n".encode()
LATIN = b"Subject: Gr\xfc\xdfe\r\n\r\ntext\r\n"
BODY_ONLY = "Subject: s\r\n\r\nGrüße\r\n".encode()


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    inst.set("auth.plain_on_loopback", "yes")
    inst.start()
    inst.add_user(ALICE, PASSWORD)
    yield inst
    inst.close()


@pytest.fixture
def plain(suite):
    client = Imap(suite.port("imap"), ALICE)
    yield client
    client.close()


@pytest.fixture
def imap(plain):
    assert plain.ok("ENABLE UTF8=ACCEPT") == [b"* ENABLED UTF8=ACCEPT"]
    plain.ok(f'CREATE "{NAME}"')
    yield plain
    plain.ok(f'DELETE "{NAME}"')


def test_capability_and_enable(plain):
    assert b"UTF8=ACCEPT" in plain.ok("CAPABILITY")[0].split()
    assert plain.ok("ENABLE utf8=accept") == [b"* ENABLED UTF8=ACCEPT"]
    assert plain.ok("ENABLE UTF8=ACCEPT") == [b"* ENABLED"]
    assert plain.ok("ENABLE UTF8=ONLY UTF8") == [b"* ENABLED"]


def test_names_are_utf8_for_who_has_enabled_it(imap, suite):
    assert f'"{NAME}"'.encode() in imap.ok('LIST "" "Entw*"')[0]
    assert imap.ok(f'STATUS "{NAME}" (MESSAGES)')[0].startswith(f'* STATUS "{NAME}"'.encode())
    assert imap.ok(f"STATUS {{{len(NAME.encode())}+}}\r\n{NAME} (MESSAGES)")
    imap.ok(f'SUBSCRIBE "{NAME}"')
    assert any(f'"{NAME}"'.encode() in line for line in imap.ok('LSUB "" "*"'))
    imap.ok('CREATE "a&b"')  # "&" is a character like others now
    other = Imap(suite.port("imap"), ALICE)
    names = b"".join(other.ok('LIST "" *'))
    assert b"Entw&APw-rfe" in names and b"a&-b" in names and NAME.encode() not in names
    other.close()
    imap.ok('DELETE "a&b"')
    imap.ok(f'UNSUBSCRIBE "{NAME}"')


@pytest.mark.parametrize("name", ["a\x7fb", "a\x85b", "a\u2028b", "a\u2029b"])
def test_names_that_are_not_allowed(imap, name):
    imap.no(f'CREATE "{name}"', b"[CANNOT]")


def test_octets_that_are_no_utf8_are_bad(imap, plain):
    for octets in (b"\xff", b"\xc3", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"):
        plain.bad(b'LIST "" "' + octets + b'"')
        plain.bad(b'STATUS "' + octets + b'" (MESSAGES)')


def test_search_takes_no_charset_then(imap):
    imap.ok("SELECT INBOX")
    imap.bad("SEARCH CHARSET UTF-8 SUBJECT x")
    imap.bad("UID SEARCH CHARSET US-ASCII ALL")
    imap.ok('SEARCH SUBJECT "Grüße"')


@pytest.mark.parametrize("arguments", [b"UTF8 (~%s)", b"CATENATE (UTF8 (~%s))", b"(\\Seen) UTF8 (~%s)", b"%s"])
def test_append(imap, arguments):
    literal = b"{%d+}\r\n%s" % (len(MESSAGE), MESSAGE)
    tagged = imap.command(f'APPEND "{NAME}" '.encode() + arguments % literal)[1]
    assert tagged.startswith(b"OK [APPENDUID "), tagged
    imap.ok(f'SELECT "{NAME}"')
    line = imap.ok("FETCH * (ENVELOPE BODY.PEEK[])")[0]
    assert MESSAGE in line and "{7}\r\nGrüße".encode() in line
    assert imap.ok('SEARCH SUBJECT "grÜßE"')[0] != b"* SEARCH"
    imap.ok("CLOSE")


def test_append_several_with_utf8(imap):
    one = b"UTF8 (~{%d+}\r\n%s)" % (len(MESSAGE), MESSAGE)
    imap.ok(f'APPEND "{NAME}" '.encode() + one + b" (\\Seen) " + one)
    assert imap.ok(f'STATUS "{NAME}" (MESSAGES)')[0].endswith(b"(MESSAGES 2)")
    imap.bad(f'APPEND "{NAME}" UTF8 '.encode() + b"{3+}\r\nabc")
    imap.bad(f'APPEND "{NAME}" UTF8 '.encode() + b"({3+}\r\nabc)")
    imap.bad(f'APPEND "{NAME}" UTF8 '.encode() + b"(~{3+}\r\nabc")
    imap.no(f'APPEND "{NAME}" UTF8 '.encode() + b"(~{7+}\r\na: b\0\r\n)", b"[CANNOT]")


@pytest.mark.parametrize("message", [MESSAGE, LATIN])
def test_append_of_such_a_header_needs_enable(plain, message):
    """RFC 6855 section 4: the server MUST reject it."""
    assert plain.append("INBOX", message)[1].startswith(b"NO [CANNOT]")
    literal = b"{%d+}\r\n%s" % (len(message), message)
    plain.no(b"APPEND INBOX UTF8 (~" + literal + b")", b"[CANNOT]")
    plain.no(b"APPEND INBOX CATENATE (TEXT " + literal + b")", b"[CANNOT]")
    plain.no(b"APPEND INBOX CATENATE (TEXT {6+}\r\na: b\r\n TEXT " + literal + b")", b"[CANNOT]")
    assert plain.append("INBOX", BODY_ONLY)[1].startswith(b"OK")
    plain.ok("ENABLE IMAP4rev2")  # RFC 9051 section 6.3.12 has no such rule
    assert plain.append("INBOX", message)[1].startswith(b"OK")


def test_switched_off():
    inst = Instance()
    try:
        inst.setup()
        inst.set("auth.plain_on_loopback", "yes")
        inst.set("imap.utf8_accept", "no")
        inst.start()
        inst.add_user(ALICE, PASSWORD)
        client = Imap(inst.port("imap"), ALICE)
        assert b"UTF8=ACCEPT" not in client.ok("CAPABILITY")[0]
        assert client.ok("ENABLE UTF8=ACCEPT") == [b"* ENABLED"]
        assert client.append("INBOX", LATIN)[1].startswith(b"OK")
        assert b"Entw&APw-rfe" in client.ok("CREATE Entw&APw-rfe") + client.ok('LIST "" E*')[0].split()
        client.close()
    finally:
        inst.close()
