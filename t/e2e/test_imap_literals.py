"""LITERAL- in place of LITERAL+ (RFC 7888): literals that come unasked have 4096 bytes at most."""
import pytest

from imapclient import Imap
from instance import Instance

PASSWORD = "secret-of-test"
MOST = 4096


def start(literals=None):
    inst = Instance()
    inst.setup()
    inst.set("auth.plain_on_loopback", "yes")
    if literals is not None:
        inst.set("imap.literals", literals)
    inst.start()
    inst.add_user("u@d.test")
    return inst


@pytest.fixture(scope="module")
def suite():
    inst = start("minus")
    yield inst
    inst.close()


@pytest.fixture
def imap(suite):
    client = Imap(suite.port("imap"), "u@d.test")
    client.command("DELETE box")
    client.ok("CREATE box")
    yield client
    client.close()


def text(size):
    return b"Subject: x\r\n\r\n".ljust(size, b"x")


def count(client):
    return client.ok("STATUS box (MESSAGES)")[0]


def test_capability(imap):
    words = imap.ok("CAPABILITY")[0].split()
    assert b"LITERAL-" in words and b"LITERAL+" not in words


def test_plus_is_shipped():
    inst = start()
    client = Imap(inst.port("imap"), "u@d.test")
    words = client.ok("CAPABILITY")[0].split()
    assert b"LITERAL+" in words and b"LITERAL-" not in words
    client.ok("SELECT INBOX")
    client.ok(b"SEARCH BODY {%d+}\r\n%s" % (MOST + 1, b"x" * (MOST + 1)))
    assert client.append("INBOX", text(5000))[1].startswith(b"OK")
    client.close()
    inst.close()


def test_login(suite):
    """The example of section 3; then literals that are too large before the login."""
    client = Imap(suite.port("imap"))
    client.ok(b"LOGIN {8+}\r\nu@d.test {%d+}\r\n%s" % (len(PASSWORD), PASSWORD.encode()))
    client.close()
    client = Imap(suite.port("imap"))
    assert client.command(b"LOGIN {%d+}\r\n%s x" % (MOST + 1, b"u" * (MOST + 1)))[1].startswith(b"BAD [TOOBIG] ")
    client.ok(f"LOGIN u@d.test {PASSWORD}")
    client.close()


def test_commands(imap):
    """The command is refused, with all that belongs to it, and the next one is read."""
    imap.ok("SELECT box")
    for size, reply in ((MOST, b"OK"), (MOST + 1, b"BAD [TOOBIG] ")):
        assert imap.command(b"SEARCH BODY {%d+}\r\n%s" % (size, b"x" * size))[1].startswith(reply)
        assert imap.command(b"SEARCH OR BODY {1+}\r\nx BODY {%d+}\r\n%s" % (size, b"y" * size))[1].startswith(reply)
    assert imap.command(b"SEARCH OR BODY {5000+}\r\n%s BODY {5000+}\r\n%s" % (b"x" * 5000, b"y" * 5000))[1].startswith(b"BAD [TOOBIG] ")
    imap.send(b"s SEARCH BODY {5000}\r\n")
    assert imap.line().startswith(b"+")
    imap.send(b"x" * 5000 + b"\r\n")
    assert imap.result(b"s")[1].startswith(b"OK")


def test_append(imap):
    assert imap.append("box", text(MOST))[1].startswith(b"OK")
    assert imap.append("box", text(MOST + 1))[1].startswith(b"BAD [TOOBIG] ")
    imap.send(b"a APPEND box {5000}\r\n")
    assert imap.line().startswith(b"+")
    imap.send(text(5000) + b"\r\n")
    assert imap.result(b"a")[1].startswith(b"OK")
    assert b"MESSAGES 2" in count(imap)


BIG, SMALL = text(MOST + 1), text(20)


@pytest.mark.parametrize("command", [
    b"APPEND box (\\Seen) {20+}\r\n%s (\\Seen) {%d+}\r\n%s" % (SMALL, len(BIG), BIG),
    b"APPEND box {%d+}\r\n%s {20+}\r\n%s" % (len(BIG), BIG, SMALL),
    b"APPEND box ~{%d+}\r\n%s" % (len(BIG), BIG),
    b"APPEND box UTF8 (~{%d+}\r\n%s)" % (len(BIG), BIG),
    b"APPEND box CATENATE (TEXT {20+}\r\n%s TEXT {%d+}\r\n%s)" % (SMALL, len(BIG), BIG),
    b"APPEND box CATENATE (URL {%d+}\r\n%s)" % (len(BIG), BIG),
    b"APPEND missing {%d+}\r\n%s" % (len(BIG), BIG),
    b"APPEND box (\\Nonsense {%d+}\r\n%s" % (len(BIG), BIG)])
def test_append_in_all_its_forms(imap, command):
    assert imap.command(command)[1].startswith(b"BAD [TOOBIG] ")
    assert b"MESSAGES 0" in count(imap)


def test_replace(imap):
    imap.append("box", SMALL)
    imap.ok("SELECT box")
    assert imap.command(b"REPLACE 1 box {%d+}\r\n%s" % (len(BIG), BIG))[1].startswith(b"BAD [TOOBIG] ")
    assert imap.command(b"REPLACE 9 box {%d+}\r\n%s" % (len(BIG), BIG))[1].startswith(b"BAD [TOOBIG] ")
    assert b"MESSAGES 1 UIDNEXT 2" in imap.ok("STATUS box (MESSAGES UIDNEXT)")[0]


def test_far_too_large(imap):
    """Not worth reading: the other choice of section 4."""
    imap.send(b"a APPEND box {%d+}\r\n" % (100 << 20))
    assert imap.line().startswith(b"* BYE [TOOBIG] ")
    assert imap.at_end()
