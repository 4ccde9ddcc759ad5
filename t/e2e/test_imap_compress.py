"""COMPRESS=DEFLATE (RFC 4978): the example of its section 3, with and without TLS, and hostile clients."""
import zlib

import pytest

from imap_suite import private_kib, session_pids
from imapclient import Imap
from instance import Instance, wait_for

ALICE = "alice@d.test"
MESSAGE = b"Subject: n\r\n\r\n" + b"the same line again and again\r\n" * 2000


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    inst.set("auth.plain_on_loopback", "yes")
    inst.start()
    inst.add_user(ALICE)
    yield inst
    inst.close()


class Inflated:
    """A file of lines as Imap reads one, out of a compressed socket."""

    def __init__(self, sock):
        self.sock, self.inflate, self.text, self.received = sock, zlib.decompressobj(-15), b"", 0

    def _more(self):
        data = self.sock.recv(65536)
        self.received += len(data)
        self.text += self.inflate.decompress(data)
        return data != b""

    def readline(self):
        while b"\n" not in self.text and self._more():
            pass
        line, newline, self.text = self.text.partition(b"\n")
        return line + newline

    def read(self, size):
        while len(self.text) < size and self._more():
            pass
        data, self.text = self.text[:size], self.text[size:]
        return data

    def close(self):
        pass


class Compressed(Imap):
    def compress(self):
        self.ok("COMPRESS DEFLATE")
        self.deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        self.file, plain = Inflated(self.sock), self.sock
        self.plain = plain

    def send(self, data):
        data = data.encode() if isinstance(data, str) else data
        if hasattr(self, "deflate"):
            data = self.deflate.compress(data) + self.deflate.flush(zlib.Z_SYNC_FLUSH)
        self.sock.sendall(data)


@pytest.fixture(params=["plain", "tls"])
def imap(suite, request):
    tls = request.param == "tls"
    client = Compressed(suite.port("imaps" if tls else "imap"), ALICE, tls=tls)
    yield client
    client.close()


def test_a_session(imap):
    assert b"COMPRESS=DEFLATE" in imap.ok("CAPABILITY")[0].split()
    imap.bad("COMPRESS LZW")
    imap.bad("COMPRESS")
    imap.compress()
    imap.bad("COMPRESS DEFLATE")
    assert imap.append("INBOX", MESSAGE)[1].startswith(b"OK")
    imap.ok("SELECT INBOX")
    before = imap.file.received
    lines = imap.ok("FETCH * BODY.PEEK[]")
    assert MESSAGE in lines[0]
    assert imap.file.received - before < len(MESSAGE) / 20


def test_idle_gives_memory_back_and_goes_on(imap, suite):
    """After a second of silence the session keeps next to nothing; both sides' history goes on."""
    imap.compress()
    imap.ok("SELECT INBOX")
    (pid,) = session_pids(suite)
    for _ in range(3):
        held = private_kib(pid)
        imap.send("i1 IDLE\r\n")
        assert imap.line() == b"+ idling\r\n"
        wait_for(lambda: private_kib(pid) < held, 10, "memory given back")
        other = Imap(suite.port("imap"), ALICE)
        other.append("INBOX", MESSAGE)
        assert imap.line().endswith(b" EXISTS\r\n")
        assert imap.line().endswith(b" RECENT\r\n")
        imap.send("DONE\r\n")
        assert imap.result(b"i1")[1].startswith(b"OK")
        assert MESSAGE in imap.ok("FETCH * BODY.PEEK[]")[0]
        other.close()


def test_before_login(suite):
    client = Imap(suite.port("imap"))
    client.bad("COMPRESS DEFLATE")
    client.close()


def test_what_is_no_deflate_ends_the_session(imap):
    imap.compress()
    imap.sock.sendall(b"a NOOP\r\n")
    assert imap.at_end()


def test_a_bomb_is_a_line_too_long(imap):
    imap.compress()
    imap.send(b"A" * 10_000_000)
    assert b"too long" in imap.line()
    assert imap.at_end()
