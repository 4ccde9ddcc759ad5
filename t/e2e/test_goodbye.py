"""What clients hear when the drain time cuts their sessions (system.drain_time)."""
import poplib
import socket
import subprocess

import pytest

from imapclient import Imap
from instance import Instance

ALICE = "alice@d.test"


@pytest.fixture
def suite():
    inst = Instance()
    inst.setup()
    inst.set("auth.plain_on_loopback", "yes")
    inst.set("system.drain_time", "500ms")
    inst.start()
    inst.add_user(ALICE)
    yield inst
    inst.close()


def smtp(suite):
    sock = socket.create_connection(("127.0.0.1", suite.port("smtp")), timeout=15)
    lines = sock.makefile("rb")
    assert lines.readline().startswith(b"220 ")
    sock.sendall(b"HELO x\r\n")
    assert lines.readline().startswith(b"250 ")
    return lines


@pytest.mark.parametrize("command", ["stop", "restart"])
def test_sessions_are_told_that_they_end(suite, command):
    strangers = [Imap(suite.port("imap"))]
    selected, idling = [Imap(suite.port("imaps"), ALICE, tls=True) for _ in range(2)]
    for client in (selected, idling):
        client.ok("SELECT INBOX")
    idling.send("i IDLE\r\n")
    assert idling.line().startswith(b"+ ")
    lines = smtp(suite)
    pop = poplib.POP3("127.0.0.1", suite.port("pop3"), timeout=15)
    pop.user(ALICE)
    pop.pass_("secret-of-test")
    ended = subprocess.Popen([str(suite.build / "bin/posthorn"), "--root", str(suite.root), command])
    for client in (*strangers, selected, idling):
        assert client.line().startswith(b"* BYE [UNAVAILABLE] "), client.count
        assert client.line() == b""
    assert lines.readline().startswith(b"421 4.3.2 ")
    assert lines.readline() == b""
    assert pop.file.readline() == b""  # POP3 has no word for it
    assert ended.wait(timeout=20) == 0
