"""ATRN (RFC 2645): a customer without an address of its own fetches the mail that waits for it, over the
connection that it has made; from then on it is the server."""
import base64
import os
import re
import socket
import threading

import pytest

from conftest import PASSWORD
from instance import Instance, wait_for
from mailbox import wait_message
from smtp_raw import Raw
from smtp_sink import Conversation, Sink

DOMAINS = """# who fetches what
one.test   branch@d.test
Two.test   branch@d.test boss@d.test
three.test boss@d.test
"""


@pytest.fixture(scope="module")
def elsewhere():
    """Where all mail goes that is not fetched."""
    sink = Sink("127.0.0.2")
    yield sink
    sink.close()


@pytest.fixture(scope="module")
def suite(elsewhere):
    inst = Instance()
    try:
        inst.setup()
        services = inst.root / "etc/services.conf"
        services.write_text(services.read_text().replace("smtps:465\n", "smtps:465 odmr:366\n"))
        (inst.root / "etc/lists").mkdir(exist_ok=True)
        (inst.root / "etc/lists/odmr_domains.txt").write_text(DOMAINS)
        (inst.root / "etc/lists/relayed.txt").write_text("elsewhere.test\n")
        for name, value in (("smtp.open_relay_domains", "lists/relayed.txt"),
                            ("queue.odmr_domains", "lists/odmr_domains.txt"), ("remote.policy", "relay"),
                            ("remote.relay_hosts", f"127.0.0.2:{elsewhere.port}"), ("queue.retry_interval", "1h"),
                            ("queue.delay_notice", "0"), ("auth.plain_on_loopback", "yes"),
                            ("smtp.no_cleartext_auth", "no"), ("smtp.max_errors", "100"),
                            ("smtp.error_delay", "0")):
            inst.set(name, value)
        inst.start()
        for user in ("alice", "branch", "boss"):
            inst.add_user(f"{user}@d.test", PASSWORD)
        yield inst
    finally:
        inst.close()


@pytest.fixture(autouse=True)
def empty(suite):
    """Each test leaves and finds an empty queue."""
    yield
    for file in list((suite.root / "queue/deferred").iterdir()):
        if "." not in file.name:
            suite.run("queue", "delete", file.name)
    suite.wait_queue_empty()


def at_once(raw):
    raw.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return raw


def send(suite, *messages, subject="x", sender="a@far.test"):
    """From outside: nobody has to log in to write to such a domain. Each message: its recipients."""
    raw = at_once(Raw(suite.port("smtp")))
    for rcpts in messages:
        raw.begin(sender, *rcpts)
        assert raw.cmd("DATA").code == 354
        assert raw.cmd(f"From: {sender}\r\nSubject: {subject}\r\n\r\nhello\r\n.").code == 250
    raw.close()


def waiting(suite, count):
    return wait_for(lambda: len(list((suite.root / "queue/deferred").glob("*.log"))) == count,
                    what=f"{count} messages that wait")


class Customer:
    """Logs in and asks; `sink` then says how it behaves as a server."""

    def __init__(self, suite, user="branch@d.test", tls=False, **sink):
        self.raw, self.sink = at_once(Raw(suite.offset + 366)), Sink(**sink)
        assert self.raw.greeting.code == 220
        self.hello = self.raw.ehlo()
        if tls:
            self.raw.starttls()
            self.hello = self.raw.ehlo()
        if user:
            word = base64.b64encode(f"\0{user}\0{PASSWORD}".encode()).decode()
            assert self.raw.cmd("AUTH PLAIN " + word).code == 235

    def ask(self, domains=""):
        return self.raw.cmd(f"ATRN {domains}".strip())

    def serve(self):
        """As a server, until the provider says QUIT or one of both hangs up."""
        conversation = Conversation(self.sink, self.raw.sock)
        try:
            conversation.run()
        except (OSError, ValueError):
            pass
        conversation.file.close()
        self.close()
        return sorted(re.search("<(.*)>", rcpt).group(1) for m in self.sink.messages for rcpt in m.rcpts)

    def serve_beside(self):
        threading.Thread(target=self.serve, daemon=True).start()

    def close(self):
        self.raw.close()
        self.sink.close()


def fetch(suite, domains="", **options):
    customer = Customer(suite, **options)
    reply = customer.ask(domains)
    assert reply.code == 250, reply
    return customer.serve()


def nothing_left(suite, domains="", **options):
    customer = Customer(suite, **options)
    assert customer.ask(domains).code == 453
    assert customer.raw.cmd("QUIT").code == 221
    customer.close()


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_exactly_the_domains_that_were_asked_for(suite, elsewhere, tls):
    nothing_left(suite, tls=tls)
    send(suite, ["a@one.test"], ["b@two.test", "c@TWO.test"], ["d@three.test"],
         ["e@one.test", "f@three.test", "g@elsewhere.test"])
    waiting(suite, 4)
    wait_for(lambda: elsewhere.delivered("g@elsewhere.test"), what="all other mail goes its way")
    suite.run("queue", "flush")
    assert fetch(suite, "ONE.test", tls=tls) == ["a@one.test", "e@one.test"]
    waiting(suite, 3)
    nothing_left(suite, "one.test", tls=tls)
    assert fetch(suite, tls=tls) == ["b@two.test", "c@two.test"], "all that is left of this customer's"
    nothing_left(suite, tls=tls)
    assert fetch(suite, "three.test,two.test", user="boss@d.test", tls=tls) == ["d@three.test", "f@three.test"]
    suite.wait_queue_empty()
    assert not any(elsewhere.asked(f"{c}@{domain}") for c in "abcdef" for domain in ("one.test", "two.test", "three.test"))
    elsewhere.messages.clear()


def test_the_conversation_is_whole(suite):
    """Text as it was sent, one session for all of it, QUIT at the end."""
    for i in range(3):
        send(suite, ["a@one.test"], subject=f"number {i}")
    waiting(suite, 3)
    customer = Customer(suite, tls=True)
    assert customer.ask().code == 250
    assert len(customer.serve()) == 3
    commands = [c.split(" ")[0] for c in customer.sink.commands]
    assert commands.count("EHLO") == 1 and commands[0] == "EHLO" and commands[-1] == "QUIT"
    assert {re.search(b"Subject: (.*)\r", m.content.encode() if isinstance(m.content, str) else m.content).group(1)
            for m in customer.sink.messages} == {b"number 0", b"number 1", b"number 2"}
    suite.wait_log("queue", "event=fetch_ends user=branch@d.test jobs=3")


def test_what_is_said_to_whom(suite):
    send(suite, ["a@one.test"])
    waiting(suite, 1)
    stranger = Customer(suite, user=None)
    words = stranger.hello.text.split("\n")
    assert "ATRN" in words and any(w.startswith("AUTH ") for w in words) and "PIPELINING" not in words
    assert stranger.ask("one.test").code == 530
    customer = Customer(suite)
    for line, code, dsn in (("ATRN one.test,three.test", 450, "4.7.1"), ("ATRN three.test", 450, "4.7.1"),
                            ("ATRN sub.one.test", 450, "4.7.1"), ("ATRN unknown.test", 450, "4.7.1"),
                            ("ATRN one", 501, "5.5.4"), ("ATRN one.test,", 501, "5.5.4"), ("ATRN ,one.test", 501, "5.5.4"),
                            ("ATRN one.test two.test", 501, "5.5.4"), ("ATRN -one.test", 501, "5.5.4"),
                            ("MAIL FROM:<branch@d.test>", 502, "5.5.1"), ("VRFY a", 502, "5.5.1"),
                            ("HELO x", 502, "5.5.1"), ("ATRN two.test", 453, "4.2.0")):
        reply = customer.raw.cmd(line)
        assert (reply.code, reply.dsn) == (code, dsn), line
    nobody = Customer(suite, user="alice@d.test")
    assert nobody.ask().code == 450 and nobody.ask("one.test").code == 450
    for port in ("smtp", "submission"):
        raw = Raw(suite.port(port))
        assert "ATRN" not in raw.ehlo().text and raw.cmd("ATRN").code == 500, "there is a port for that"
    assert customer.ask("two.test,one.test").code == 250, "after all these refusals"
    assert customer.serve() == ["a@one.test"]


def test_text_behind_the_command_is_nobodys_greeting(suite):
    send(suite, ["a@one.test"])
    waiting(suite, 1)
    customer = Customer(suite)
    customer.raw.send("ATRN\r\n220 me\r\n")
    assert customer.raw.reply().code == 503 and customer.raw.is_closed()
    assert fetch(suite) == ["a@one.test"]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("where", ["CONNECT", "EHLO", "MAIL", "DATA", "."])
def test_nothing_is_lost_when_the_customer_breaks_off(suite, where, tls):
    rcpts = [f"r{i}@{domain}" for i in range(3) for domain in ("one.test", "two.test")]
    send(suite, *([rcpt] for rcpt in rcpts))
    waiting(suite, len(rcpts))
    early = where in ("CONNECT", "EHLO")
    good = "354 go on" if where == "DATA" else "250 ok"
    first = fetch(suite, tls=tls, replies={where: "CLOSE" if early else [good, good, "CLOSE"]})
    assert len(first) == (0 if early else 2)
    waiting(suite, len(rcpts) - len(first))
    assert sorted(first + fetch(suite, tls=tls)) == sorted(rcpts), "what had no reply is sent again"
    suite.wait_queue_empty()


def test_one_after_the_other_and_other_customers_beside(suite):
    send(suite, ["a@one.test"], ["c@three.test"])
    waiting(suite, 2)
    slow = Customer(suite, replies={"DATA": "STALL"})
    assert slow.ask("one.test").code == 250
    slow.serve_beside()
    wait_for(lambda: "DATA" in slow.sink.commands, what="the first customer at work")
    again = Customer(suite)
    assert again.ask("one.test").code == 450, "it is being fetched"
    assert again.ask("two.test").code in (250, 453)
    assert fetch(suite, "three.test", user="boss@d.test") == ["c@three.test"]
    slow.raw.sock.shutdown(2)
    waiting(suite, 1)
    assert fetch(suite, "one.test") == ["a@one.test"]


def test_what_the_customer_refuses_comes_back(suite):
    send(suite, ["a@one.test", "b@one.test"], sender="alice@d.test")
    waiting(suite, 1)
    assert fetch(suite, replies={"RCPT a@one.test": "550 5.1.1 unknown here"}) == ["b@one.test"]
    notice = wait_message(suite, "alice", b"5.1.1 unknown here")
    assert b"rfc822;a@one.test" in notice.replace(b" ", b"") and b"b@one.test" not in notice.split(b"Subject: x")[0]
    suite.wait_queue_empty()


def test_what_it_puts_off_waits_for_the_next_time(suite):
    send(suite, ["a@one.test"], ["b@one.test"])
    waiting(suite, 2)
    assert fetch(suite, replies={"RCPT a@one.test": "450 4.2.0 not now"}) == ["b@one.test"], "and QUIT, not again and again"
    waiting(suite, 1)
    assert fetch(suite) == ["a@one.test"]


def test_a_restart_of_the_agents_loses_nothing(suite):
    send(suite, *([f"r{i}@one.test"] for i in range(4)))
    waiting(suite, 4)
    customer = Customer(suite, tls=True, replies={".": ["250 ok", "STALL"]})
    assert customer.ask().code == 250
    customer.serve_beside()
    wait_for(lambda: customer.sink.commands.count("DATA") == 2, what="the second message")
    agents = [pid for pid, line in suite.processes().items() if "remote-deliver" in line]
    suite.run("service", "stop", "remote")
    assert not set(agents) & set(suite.processes())
    suite.run("service", "start", "remote")
    customer.raw.sock.close()
    waiting(suite, 3)
    assert len(fetch(suite)) == 3


def test_a_backlog_in_one_session(suite):
    count = 100
    send(suite, *([f"r{i}@one.test"] for i in range(count)))
    waiting(suite, count)
    assert len(set(fetch(suite, tls=True))) == count
    suite.wait_queue_empty()


def test_behind_tls_the_session_keeps_two_sockets(suite):
    """It carries bytes from then on, in a sandbox that knows nothing else."""
    send(suite, ["a@one.test"])
    waiting(suite, 1)
    customer = Customer(suite, tls=True, replies={"DATA": "STALL"})
    assert customer.ask().code == 250
    customer.serve_beside()
    wait_for(lambda: "DATA" in customer.sink.commands, what="the customer at work")
    relay, = [row for row in suite.json("status", "--sandbox") if row["program"] == "smtpd" and row["state"] == "relay"]
    idle = [row for row in suite.json("status", "--sandbox") if row["program"] == "smtpd" and row["state"] == "idle"]
    assert relay["seccomp"] == "filter" and relay["landlock_layers"] > max(row["landlock_layers"] for row in idle)
    paths = [os.readlink(f"/proc/{relay['pid']}/fd/{fd}") for fd in os.listdir(f"/proc/{relay['pid']}/fd")]
    assert not [path for path in paths if path.startswith("/") and path != "/dev/null"], paths
    assert sum(path.startswith("socket:") for path in paths) == 4, "client, agent, log, parent"
    customer.raw.sock.shutdown(2)
    waiting(suite, 1)


def test_explain_says_that_it_waits(suite):
    out = suite.run("explain", "--from", "a@far.test", "--to", "x@one.test", "--client", "192.0.2.1").out
    assert re.search(r"route +waits .*branch@d.test", out) and "odmr_domains.txt:2" in out and "127.0.0.2" not in out
