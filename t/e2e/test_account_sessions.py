"""Sessions that a user would not get any more are ended: IMAP, POP3 and SMTP, whatever they are doing."""
import concurrent.futures
import itertools
import os
import re
import select
import signal
import smtplib
import socket
import time

import pytest

from imapclient import Imap
from instance import Instance, wait_for

PASSWORD = "secret-of-test"
OTHER = "other@d.test"


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    inst.set("auth.plain_on_loopback", "yes")
    inst.set("smtp.max_rset", "0")
    inst.start()
    inst.add_user(OTHER, PASSWORD)
    yield inst
    inst.close()


DOMAINS = itertools.count()


@pytest.fixture
def user(suite):
    domain = f"x{next(DOMAINS)}.test"
    suite.run("domain", "add", domain)
    suite.add_user(f"user@{domain}", PASSWORD)
    return f"user@{domain}"


class Pop:
    def __init__(self, port, user, password=PASSWORD):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=15)
        self.file = self.sock.makefile("rb")
        self.file.readline()
        for line in (f"USER {user}", f"PASS {password}"):
            assert self.command(line).startswith(b"+OK")

    def command(self, line):
        self.sock.sendall(line.encode() + b"\r\n")
        return self.file.readline()

    def ended(self):
        return self.file.read() is not None

    def close(self):
        self.file.close()
        self.sock.close()


class Submission(smtplib.SMTP):
    def __init__(self, suite, user, password=PASSWORD):
        super().__init__("127.0.0.1", suite.port("submission"), timeout=30)
        self.user = user
        self.ehlo("x.test")
        self.login(user, password)

    def is_ended(self):
        """By a reply that nobody asked for."""
        code, text = self.getreply()
        return code == 421 and text.startswith(b"4.7.0") and self.file.read() == b""


def ended(client):
    """The server says why and closes, without having been asked anything."""
    lines = []
    while (line := client.line()):
        lines.append(line)
    return lines[-1].startswith(b"* BYE [NOPERM]")


NEW = "another-one\n"
CHANGES = {
    "password": lambda suite, user: suite.run("user", "passwd", user.upper(), "--password-stdin", stdin=NEW),
    "disabled": lambda suite, user: suite.run("user", "set", user, "status=disabled"),
    "suspended": lambda suite, user: suite.run("user", "set", user, "status=suspended"),
    "expired": lambda suite, user: suite.run("user", "set", user, "expires=2020-01-01"),
    "deleted": lambda suite, user: suite.run("user", "del", user, "--yes"),
    "renamed": lambda suite, user: suite.run("user", "rename", user, "some" + user),
    "domain renamed": lambda suite, user: suite.run("domain", "rename", user.split("@")[1], "y" + user.split("@")[1]),
    "read only": lambda suite, user: suite.run("user", "set", user, "change_mail=no"),
    "may not remove": lambda suite, user: suite.run("user", "set", user, "remove_mail=no"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_ends_all_sessions_of_the_user_and_of_nobody_else(suite, user, change):
    quiet, idle, pop = Imap(suite.port("imap"), user), Imap(suite.port("imap"), user), Pop(suite.port("pop3"), user)
    others = [Imap(suite.port("imap"), OTHER), Pop(suite.port("pop3"), OTHER)]
    quiet.ok("SELECT INBOX")
    idle.ok("SELECT INBOX")
    idle.send(b"i IDLE\r\n")
    assert idle.line().startswith(b"+")
    CHANGES[change](suite, user)
    assert ended(quiet) and ended(idle) and pop.ended()
    others[0].ok("NOOP")
    assert others[1].command("NOOP").startswith(b"+OK")
    for client in (quiet, idle, pop, *others):
        client.close()


SENDER_CHANGES = {name: CHANGES[name] for name in ("password", "disabled", "suspended", "expired", "deleted", "renamed", "domain renamed")} | {
    "right": lambda suite, user: suite.run("user", "set", user, "smtp=no"),
    "default of the domain": lambda suite, user: (
        suite.run("domain", "set", user.split("@")[1], "default_smtp=no"),
        suite.run("user", "update", "--domain", user.split("@")[1], "--defaults", "smtp")),
}


@pytest.mark.parametrize("change", SENDER_CHANGES)
def test_a_change_ends_sessions_that_send(suite, user, change):
    idle, begun, other = Submission(suite, user), Submission(suite, user), Submission(suite, OTHER)
    assert begun.mail(user)[0] == 250 and begun.rcpt(OTHER)[0] == 250
    SENDER_CHANGES[change](suite, user)
    assert idle.is_ended() and begun.is_ended()
    assert other.noop()[0] == 250
    suite.wait_log("smtp", f"from={user} to={OTHER} nrcpt=1 size=0")
    for client in (idle, begun, other):
        client.close()


def test_who_never_pauses_is_ended_as_well(suite, user):
    """What is there to read already does not count more than the news."""
    client = Submission(suite, user)
    line = f"MAIL FROM:<{user}>\r\nRSET\r\n".encode()
    client.sock.settimeout(2)
    sent = 0
    try:  # until both sides' buffers are full: nobody reads the replies
        while True:
            sent += client.sock.send(line * 50)
    except TimeoutError:
        pass
    suite.run("user", "set", user, "status=disabled")
    suite.wait_log("auth", f"event=session_ended user={user}")
    client.sock.settimeout(30)
    try:
        while client.sock.recv(1 << 16):
            pass
    except ConnectionResetError:  # what it had not read yet
        pass

    def find(pattern):
        """In any file: each transaction has a line, which makes a lot of them."""
        text = "".join(path.read_text() for path in sorted(suite.root.glob("log/smtp.log*")))
        return re.search(pattern, text)
    session = re.escape(find(rf"event=authenticated session=(\S+) .*user={re.escape(user)} ").group(1))
    end = rf"event=disconnected session={session} .*bytes_in=(\d+)"
    wait_for(lambda: find(end), 20, "the session's end")
    taken = int(find(end).group(1))
    assert taken < sent - 50000, "the rest was not carried out"
    client.close()


def ber(tag, *parts):
    content = b"".join(parts)
    assert len(content) < 128
    return bytes((tag, len(content))) + content


def ldap_client(suite, user):
    name, domain = user.split("@")
    sock = socket.create_connection(("127.0.0.1", suite.port("ldap")), timeout=15)
    sock.sendall(ber(0x30, b"\2\1\1", ber(0x60, b"\2\1\3", ber(4, f"uid={name},ou={domain},o=posthorn".encode()),
                                          ber(0x80, PASSWORD.encode()))))
    assert b"\x61\x07\x0a\x01\x00" in sock.recv(4096)  # success
    return sock


def keep_busy(sock, request):
    """Requests without a pause, answers are read; until the server ends it. What came last."""
    sock.setblocking(False)
    requests, last, deadline = request * 1000, b"", time.monotonic() + 30
    at = 0
    while time.monotonic() < deadline:
        may_read, may_write, _ = select.select([sock], [sock], [], 1)
        try:
            if may_write:
                at = (at + sock.send(requests[at:])) % len(requests)
            if may_read:
                got = sock.recv(1 << 16)
                if not got:
                    return last
                last = (last + got)[-200:]
        except ConnectionError:  # it did not read all that was sent
            return last
    raise AssertionError("the session goes on")


ROOT = ber(0x30, b"\2\1\2", ber(0x63, b"\4\0\x0a\1\0\x0a\1\0\2\1\0\2\1\0\1\1\0", ber(0x87, b"objectClass"),
                               ber(0x30, ber(4, b"1.1"))))
BUSY = {"ldap": (ldap_client, ROOT), "pop3": (lambda suite, user: Pop(suite.port("pop3"), user).sock, b"NOOP\r\n")}


@pytest.mark.parametrize("service", BUSY)
def test_who_never_waits_is_ended_as_well(suite, user, service):
    connect, request = BUSY[service]
    with connect(suite, user) as sock, concurrent.futures.ThreadPoolExecutor() as threads:
        end = threads.submit(keep_busy, sock, request)
        suite.run("user", "set", user, "status=disabled")
        end.result()
    reason = {"ldap": '"the server ends this session"', "pop3": "shutdown"}[service]
    suite.wait_log(service, f"user={user} reason={reason}")


@pytest.mark.parametrize("service, protocol", [("imap", "imap"), ("pop3", "pop3")])
def test_a_service_that_is_switched_off_ends_its_sessions_alone(suite, user, service, protocol):
    imap, pop = Imap(suite.port("imap"), user), Pop(suite.port("pop3"), user)
    suite.run("user", "set", user, f"{service}=no")
    if protocol == "imap":
        assert ended(imap) and pop.command("NOOP").startswith(b"+OK")
    else:
        assert pop.ended()
        imap.ok("NOOP")
    imap.close()
    pop.close()


def test_what_takes_nothing_away_ends_nothing(suite, user):
    imap, pop = Imap(suite.port("imap"), user), Pop(suite.port("pop3"), user)
    suite.run("user", "set", user, "full_name=Some Body", "quota_bytes=1G")
    suite.run("user", "set", OTHER, "full_name=Somebody Else")
    marker = Imap(suite.port("imap"), user)  # ended by the next change: all before it were looked at
    suite.run("user", "passwd", OTHER, "--password-stdin", stdin=PASSWORD + "\n")
    for client in (imap, marker):
        client.ok("NOOP")
    assert pop.command("NOOP").startswith(b"+OK")
    for client in (imap, pop, marker):
        client.close()


def test_who_logs_in_with_the_new_password_stays(suite, user):
    old = Imap(suite.port("imap"), user)
    suite.run("user", "passwd", user, "--password-stdin", stdin=NEW)
    new = Imap(suite.port("imap"), user, "another-one")
    assert ended(old)
    new.ok("NOOP")
    new.close()


def test_a_session_that_outlives_accountd_is_ended_too(suite, user):
    """authd asks the accountd that comes after one that was killed."""
    client = Imap(suite.port("imap"), user)
    pid = min(pid for pid, line in suite.processes().items() if line.split()[0].endswith("accountd"))
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: suite.run("user", "list", check=False).returncode == 0, what="accountd is back")
    client.ok("NOOP")
    suite.run("user", "del", user, "--yes")
    assert ended(client)


def test_a_deleted_maildrop_deletes_nothing_at_its_end(suite, user):
    """POP3: a session that is ended does not come to its UPDATE state (RFC 1939 section 6)."""
    imap = Imap(suite.port("imap"), user)
    imap.append("INBOX", b"Subject: kept\r\n\r\nx\r\n")
    imap.close()
    pop = Pop(suite.port("pop3"), user)
    assert pop.command("DELE 1").startswith(b"+OK")
    suite.run("user", "passwd", user, "--password-stdin", stdin=NEW)
    assert pop.ended()
    imap = Imap(suite.port("imap"), user, "another-one")
    assert imap.ok("STATUS INBOX (MESSAGES)")[0].endswith(b"(MESSAGES 1)")
    imap.close()
