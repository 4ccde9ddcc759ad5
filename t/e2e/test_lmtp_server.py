"""LMTP as a server (RFC 2033): mail for our users from a server in front of this one."""
import smtplib
import subprocess

import pytest

from conftest import PASSWORD
from instance import Instance
from mailbox import messages, wait_message
from smtp_raw import Raw
from submission import token

LIMIT = 100 << 10


def lmtp_port(inst):
    return 24 + inst.offset


def add_port(inst):
    services = inst.root / "etc/services.conf"
    services.write_text(services.read_text().replace("smtps:465\n", "smtps:465 lmtp:24\n"))


@pytest.fixture(scope="module")
def front():
    """With an LMTP port, and rules for port 25 that none of LMTP's clients may meet."""
    inst = Instance()
    try:
        inst.setup()
        add_port(inst)
        for name, value in (("smtp.lmtp_hosts", "127.0.0.1 127.0.0.3"), ("smtp.max_message_size", str(LIMIT)),
                            ("smtp.reject_early_talkers", "yes"), ("smtp.greet_delay", "30s"),
                            ("smtp.max_per_minute_per_ip", "1"), ("smtp.hosts_no_auth", "127.0.0.1"),
                            ("smtp.xclient_hosts", "127.0.0.1"), ("smtp.etrn_domains", "d.test")):
            inst.set(name, value)
        inst.start()
        for user in ("alice", "bob"):
            inst.add_user(f"{user}@d.test", PASSWORD)
        yield inst
    finally:
        inst.close()


def text(subject, size=0):
    return f"From: a@far.test\r\nSubject: {subject}\r\n\r\n" + "x" * 70 + ("\r\n" + "y" * 70) * (size // 72) + "\r\n"


def times_at(inst, user, subject):
    inst.wait_queue_empty()
    return sum(subject.encode() in m for m in messages(inst, user))


class Session(Raw):
    def __init__(self, inst, **kwargs):
        super().__init__(lmtp_port(inst), **kwargs)

    def begin(self, *rcpts):
        """The codes of the RCPTs."""
        assert self.cmd("LHLO front.test").code == 250
        assert self.cmd("MAIL FROM:<a@far.test>").code == 250
        return [self.cmd(f"RCPT TO:<{rcpt}>").code for rcpt in rcpts]

    def data(self, content):
        assert self.cmd("DATA").code == 354
        self.send(content + ".\r\n")

    def ends_after(self, count):
        """That many replies, and not one more: the next is that of QUIT."""
        replies = [self.reply() for _ in range(count)]
        assert self.cmd("QUIT").code == 221
        return replies


def test_each_accepted_recipient_has_a_reply_and_gets_it_once(front):
    subject, session = token(), Session(front)
    assert session.begin("alice@d.test", "nobody@d.test", "bob@d.test") == [250, 550, 250]
    session.data(text(subject))
    replies = session.ends_after(2)
    assert [(r.code, r.dsn) for r in replies] == [(250, "2.0.0")] * 2
    found = wait_message(front, "alice@d.test", subject.encode())
    assert b" with LMTP id " in found.replace(b"\r\n\t", b" ").split(b"\r\n\r\n")[0]
    assert [times_at(front, f"{user}@d.test", subject) for user in ("alice", "bob")] == [1, 1]


def test_a_recipient_that_is_named_twice_has_two_replies_and_one_message(front):
    subject, session = token(), Session(front)
    assert session.begin("alice@d.test", "alice@d.test") == [250, 250]
    session.data(text(subject))
    assert [r.code for r in session.ends_after(2)] == [250, 250]
    wait_message(front, "alice@d.test", subject.encode())
    assert times_at(front, "alice@d.test", subject) == 1


def test_a_message_that_is_too_big_is_refused_for_each(front):
    subject, session = token(), Session(front)
    assert session.begin("alice@d.test", "bob@d.test") == [250, 250]
    session.data(text(subject, 2 * LIMIT))
    assert [(r.code, r.dsn) for r in session.ends_after(2)] == [(552, "5.3.4")] * 2
    assert times_at(front, "alice@d.test", subject) == 0


def test_chunks(front):
    """RFC 2033 section 4.3: the last one has the replies, the others have one each, also when it goes wrong."""
    subject, session = token(), Session(front)
    first, rest = text(subject)[:40], text(subject)[40:]
    session.begin("alice@d.test", "bob@d.test")
    session.send(f"BDAT {len(first)}\r\n{first}")
    assert session.reply().code == 250
    session.send(f"BDAT {len(rest)} LAST\r\n{rest}")
    assert [session.reply().code for _ in range(2)] == [250, 250]
    session.begin("alice@d.test", "bob@d.test")
    big = text(subject, 2 * LIMIT)
    session.send(f"BDAT {len(big)}\r\n{big}BDAT 2 LAST\r\n\r\n")
    assert [r.code for r in session.ends_after(3)] == [552, 503, 503]
    wait_message(front, "alice@d.test", subject.encode())
    assert times_at(front, "alice@d.test", subject) == 1


def test_without_a_recipient_there_is_no_message(front):
    session = Session(front)
    assert session.begin("nobody@d.test") == [550]
    assert session.cmd("DATA").code == 503  # RFC 2033 section 4.2
    session.send("BDAT 3 LAST\r\nabc")
    session.ends_after(0)


def test_nobody_relays(front):
    """Not even those that may on port 25."""
    session = Session(front)
    session.cmd("LHLO front.test")
    session.cmd("MAIL FROM:<alice@d.test>")
    reply = session.cmd("RCPT TO:<x@far.test>")
    assert (reply.code, reply.dsn) == (550, "5.7.1")


def test_it_is_not_smtp(front):
    session = Session(front)
    assert " LMTP " in session.greeting.lines[0] and "ESMTP" not in session.greeting.lines[0]
    assert [session.cmd(f"{verb} front.test").code for verb in ("EHLO", "HELO")] == [500, 500]
    assert session.cmd("MAIL FROM:<a@far.test>").code == 503
    hello = session.cmd("LHLO front.test")
    words = {line[4:].split()[0] for line in hello.lines[1:]}
    assert hello.code == 250 and {"PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME", "CHUNKING", "SIZE"} <= words
    assert not {w for w in words if w.startswith(("STARTTLS", "AUTH", "BURL", "ETRN", "XCLIENT"))}
    for command in ("STARTTLS", "AUTH PLAIN", "BURL imap://h/ LAST", "ETRN d.test", "XCLIENT LOGIN=alice@d.test"):
        assert session.cmd(command).code == 500, command
    smtp = Raw(front.port("submission"))
    assert smtp.cmd("LHLO front.test").code == 500


def test_a_host_that_is_not_listed_is_refused(front):
    session = Session(front, source="127.0.0.2")
    assert (session.greeting.code, session.greeting.dsn) == (554, "5.7.1")
    assert session.is_closed()
    front.wait_log("smtp", "client=127.0.0.2 reason=\"your address is not allowed here\"")


def test_a_listed_host_is_not_screened(front):
    """It may come as often as it wants, and speak before the greeting, which it need not wait for."""
    for _ in range(3):
        session = Session(front, first=b"LHLO front.test\r\n")
        assert session.greeting.code == 220 and session.reply().code == 250


def test_unknown_recipients_do_not_end_the_session(front):
    session = Session(front, source="127.0.0.3")  # which is not one of smtp.hosts_no_auth
    assert session.begin(*["nobody@d.test"] * 30, "alice@d.test") == [550] * 30 + [250]


def test_on_a_crowded_port_it_is_lmtp_as_well(instance):
    """Where places are short, clients of the other ports are greeted and wait for their first command."""
    add_port(instance)
    instance.set("smtp.max_clients", "2")
    instance.start()
    first, second = Session(instance), Session(instance)
    for session in (first, second):
        assert " LMTP " in session.greeting.lines[0] and session.cmd("LHLO front.test").code == 250


def test_with_no_host_listed_nobody_is_served(instance):
    add_port(instance)
    instance.set("smtp.lmtp_hosts", "")
    instance.start()
    assert Session(instance).greeting.code == 554


# ---- clients that others wrote ----

def test_smtplib(front):
    subject = token()
    with smtplib.LMTP("127.0.0.1", lmtp_port(front)) as client:
        refused = client.sendmail("a@far.test", ["alice@d.test", "nobody@d.test"], text(subject))
    assert list(refused) == ["nobody@d.test"] and refused["nobody@d.test"][0] == 550
    wait_message(front, "alice@d.test", subject.encode())


def test_swaks(front):
    subject = token()
    done = subprocess.run(["swaks", "--protocol", "LMTP", "--server", "127.0.0.1", "--port", str(lmtp_port(front)),
                           "--from", "a@far.test", "--to", "alice@d.test,bob@d.test", "--header", f"Subject: {subject}"],
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
    for user in ("alice", "bob"):
        wait_message(front, f"{user}@d.test", subject.encode())
