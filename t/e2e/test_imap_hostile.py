"""imapd: hostile and clumsy clients."""
import time

import pytest

from imap_suite import ALICE, fill, imap, suite
from imapclient import Imap
from instance import wait_for


def test_http_is_disconnected_at_once(suite):
    for request in (b"POST / HTTP/1.1\r\nHost: x\r\n\r\na LOGIN x y\r\n", b"GET http://x/ HTTP/1.0\r\n",
                    b"CONNECT x:25 HTTP/1.1\r\n"):
        client = Imap(suite.port("imap"))
        client.send(request)
        assert client.line() == b""
    suite.wait_log("imap", "event=http_request")


@pytest.mark.parametrize("line", [
    b"\r\n", b" \r\n", b"a\r\n", b"a \r\n", b"+ NOOP\r\n", b"a NOOP \r\n", b"a\tNOOP\r\n", b"a NO\0OP\r\n", b"a NOOP\n\r\n",
    b"a UID\r\n", b"a UID NOOP\r\n", b"\xff\xfe\r\n", b"t" * 200 + b" NOOP\r\n", b"a {3+}\r\nabc\r\n", b"a LOGIN {0}\r\n",
])
def test_wrong_lines_are_answered_with_bad(suite, line):
    client = Imap(suite.port("imap"))
    client.send(line)
    answer = client.line()
    if answer.startswith(b"+"):
        client.send(b"\r\n")
        answer = client.line()
    assert b" BAD " in answer
    client.ok("NOOP")


def test_bare_lf_ends_no_command(suite):
    client = Imap(suite.port("imap"))
    client.send(b"a NOOP\nb NOOP\r\n")
    assert client.line().startswith(b"a BAD")
    assert client.ok("NOOP") == [b""]


def test_too_many_errors(suite):
    client = Imap(suite.port("imap"))
    for _ in range(4):
        client.bad("NONSENSE")
    lines, tagged = client.command("NONSENSE")
    assert any(line.startswith(b"* BYE") for line in lines) or client.line().startswith(b"* BYE")
    assert client.at_end()


def test_errors_that_count_are_those_in_a_row(suite, imap):
    for _ in range(3):
        for _ in range(4):
            imap.bad("NONSENSE")
        imap.ok("NOOP")


def test_a_tag_without_end_costs_a_line(suite, imap):
    for client in (Imap(suite.port("imap")), imap):
        client.send(b"x" * 70000)
        assert b" BAD " in client.line()
        assert client.line().startswith(b"* BYE")
    assert "failed assertion" not in suite.log("imap") and "event=worker_killed" not in suite.log("imap")


def test_long_lines_and_large_literals(suite, imap):
    stranger = Imap(suite.port("imap"))
    stranger.send(b"a LOGIN " + b"x" * 20000 + b"\r\n")
    assert b"BAD" in stranger.line() and stranger.line().startswith(b"* BYE")
    stranger = Imap(suite.port("imap"))
    stranger.send(b"a LOGIN {1000000}\r\n")
    assert stranger.line().startswith(b"a BAD [TOOBIG]")
    stranger.send(b"b LOGIN {100000+}\r\n" + b"x" * 100000 + b" y\r\n")
    assert stranger.line().startswith(b"b BAD [TOOBIG]")
    stranger.ok("NOOP")
    stranger.send(b"c LOGIN {4000000000+}\r\n")
    assert stranger.line().startswith(b"* BYE")
    fill(imap, 1)
    imap.ok("SELECT INBOX")
    assert imap.ok("UID FETCH " + ",".join(str(n) for n in range(1, 12000)) + " FLAGS")
    imap.no("STORE 1 +FLAGS (" + " ".join(f"k{n}" for n in range(1000)) + ")", b"[LIMIT]")


def test_pipelined_commands_are_answered_in_order(imap):
    fill(imap, 2)
    imap.send(b"a SELECT INBOX\r\nb FETCH 1 UID\r\nc STORE 1 +FLAGS (\\Seen)\r\nd SEARCH SEEN\r\ne CLOSE\r\n")
    for tag in (b"a", b"b", b"c", b"d", b"e"):
        _, tagged = imap.result(tag)
        assert tagged.startswith(b"OK")


def test_a_stranger_who_is_silent_is_disconnected(suite):
    client = Imap(suite.port("imap"))
    start = time.monotonic()
    assert client.line().startswith(b"* BYE")
    assert 3 < time.monotonic() - start < 9


def test_an_old_process_serves_nobody_else(suite):
    """A worker that had a user ends with the session (architecture, idea 1)."""
    client = Imap(suite.port("imap"), ALICE)
    pids = {pid for pid, command in suite.processes().items() if "imapd" in command}
    client.ok("LOGOUT")
    client.at_end()
    wait_for(lambda: pids - {pid for pid, c in suite.processes().items() if "imapd" in c}, 5, "the worker's end")
