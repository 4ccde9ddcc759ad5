"""Mass mail: a mailbox that sends what its owner would not is blocked, or its mail held."""
import itertools
import smtplib
import types

import pytest

from authd_alone import BAD_CREDENTIALS, OK, Session
from instance import Instance, wait_for
from load import PASSWORD, TLS

LOGINS, RECIPIENTS, SUBJECTS, USUAL_MIN = 6, 12, 3, 4
numbers = itertools.count()


@pytest.fixture(scope="module")
def inst():
    instance = Instance()
    try:
        instance.setup()
        for name, value in (("smtp_logins_per_user", LOGINS), ("recipients_per_user", RECIPIENTS),
                            ("same_subject", SUBJECTS), ("unusual_factor", 2),
                            ("unusual_min", USUAL_MIN), ("unusual_after", 1000)):
            instance.set(f"guess.{name}", value)
        instance.set("auth.failure_delay", "0")
        instance.set("auth.yescrypt_cost", "1")
        instance.set("remote.relay_hosts", "127.0.0.9:9")  # nobody is there: mail for outside waits
        instance.start()
        yield instance
    finally:
        instance.close()


@pytest.fixture
def user(inst):
    name = f"u{next(numbers)}@d.test"
    inst.add_user(name, PASSWORD)
    return name


class Sender:
    def __init__(self, inst, user):
        self.user = user
        self.client = smtplib.SMTP("127.0.0.1", inst.port("submission"), timeout=30)
        self.client.ehlo("x.test")
        self.client.starttls(context=TLS)
        self.client.login(user, PASSWORD)

    def send(self, recipients, subject=None):
        """The code of the reply to the message, or of the first refusal."""
        subject = subject or f"number {next(numbers)}"
        self.client.rset()
        assert self.client.mail(self.user)[0] == 250
        for recipient in recipients:
            code, text = self.client.rcpt(recipient)
            if code != 250:
                self.text = text
                return code
        code, self.text = self.client.data(f"Subject: {subject}\r\nFrom: {self.user}\r\n\r\nx\r\n")
        return code


def outside(count):
    return [f"r{next(numbers)}@far.test" for _ in range(count)]


def block_of(inst, user):
    return next((row for row in inst.json("block", "list") if row["name"] == user), None)


def imap_login(inst, user, address="192.0.2.1"):
    session = Session(types.SimpleNamespace(root=inst.root, parent=None), "imap", address)
    kind, fields = session.plain(user, PASSWORD)
    session.close()
    return "ok" if kind == OK else fields[0]


def test_too_many_recipients_block_the_user_but_not_the_neighbours(inst, user):
    sender = Sender(inst, user)
    assert sender.send(outside(RECIPIENTS - 1)) == 250
    assert sender.send([user] * 1) == 250  # those on this server do not count
    assert block_of(inst, user) is None
    assert sender.send(outside(2)) == 550
    assert b"sending is blocked" in sender.text
    assert sender.send([user]) == 550  # the session goes on, and sends nothing more
    row = block_of(inst, user)
    assert (row["cause"], row["scope"]) == ("mass mail", "all") and "13 recipients" in row["reason"]
    wait_for(lambda: imap_login(inst, user) == BAD_CREDENTIALS)
    neighbour = f"n{next(numbers)}@d.test"
    inst.add_user(neighbour, PASSWORD)
    for _ in range(60):  # the blocked user's program tries and tries: its address stays free
        assert imap_login(inst, user, "192.0.2.9") == BAD_CREDENTIALS
    assert imap_login(inst, neighbour, "192.0.2.9") == "ok"
    inst.run("block", "lift", user)
    wait_for(lambda: imap_login(inst, user) == "ok")
    assert Sender(inst, user).send(outside(1)) == 250


def test_a_block_goes_along_with_its_users_name(inst, user):
    assert Sender(inst, user).send(outside(RECIPIENTS + 1)) == 550
    assert block_of(inst, user)
    inst.run("user", "rename", user, f"new-{user}")
    assert block_of(inst, user) is None and block_of(inst, f"new-{user}")["cause"] == "mass mail"
    wait_for(lambda: imap_login(inst, f"new-{user}") == BAD_CREDENTIALS)
    inst.run("block", "lift", f"new-{user}")
    inst.add_user(user, PASSWORD)  # somebody else, who has not sent anything
    assert Sender(inst, user).send(outside(1)) == 250


def test_the_message_that_reaches_the_number_is_the_last(inst, user):
    sender = Sender(inst, user)
    assert sender.send(outside(RECIPIENTS)) == 250
    assert block_of(inst, user)["cause"] == "mass mail"
    assert sender.send(outside(1)) == 550


def test_too_many_logins_to_send_block_the_user(inst, user):
    for _ in range(LOGINS):
        Sender(inst, user).client.close()
    with pytest.raises(smtplib.SMTPAuthenticationError):
        Sender(inst, user)
    row = wait_for(lambda: block_of(inst, user))
    assert (row["cause"], row["reason"]) == ("mass mail", f"{LOGINS} logins to send mail, the last from 127.0.0.1")


def test_logins_to_read_do_not_count(inst, user):
    assert {imap_login(inst, user) for _ in range(3 * LOGINS)} == {"ok"}


def test_one_subject_again_and_again_blocks_sending_alone(inst, user):
    sender = Sender(inst, user)
    for _ in range(SUBJECTS):
        assert sender.send([user], "Win a prize") == 250
        assert sender.send([user]) == 250
    assert sender.send([user], "Win a prize") == 550
    row = block_of(inst, user)
    assert (row["cause"], row["scope"]) == ("same subject", "sending")
    assert sender.send([user]) == 550
    assert imap_login(inst, user) == "ok"
    inst.run("block", "lift", user)
    assert sender.send([user], "Win a prize") == 250


def test_blocked_by_hand_from_sending(inst, user):
    sender = Sender(inst, user)
    inst.run("block", "add", user, "--sending")
    assert sender.client.mail(user)[0] == 250
    assert sender.client.rcpt(user)[0] == 550  # at once, not after the message
    assert imap_login(inst, user) == "ok"


def test_unusual_mail_is_held_and_goes_when_it_is_released(inst, user):
    """A user who is known to send little: after no days at all, here."""
    inst.set("guess.unusual_after", "0")
    inst.run("reload")
    try:
        sender = Sender(inst, user)
        assert sender.send(outside(USUAL_MIN)) == 250
        assert sender.send(outside(1)) == 250
        held = wait_for(lambda: [m for m in inst.json("queue", "list", "--state", "hold") if m["sender"] == user])
        assert len(held) == 1
        inst.run("service", "restart", "account")  # what was sent today is not forgotten
        assert Sender(inst, user).send(outside(1)) == 250
        wait_for(lambda: len([m for m in inst.json("queue", "list", "--state", "hold") if m["sender"] == user]) == 2)
        inst.run("queue", "release", held[0]["id"])
        wait_for(lambda: held[0]["id"] not in [m["id"] for m in inst.json("queue", "list", "--state", "hold")])
        inst.wait_log("account", f"event=unusual_mail user={user} recipients={USUAL_MIN + 1} usual=0")
    finally:
        inst.set("guess.unusual_after", "1000")
        inst.run("reload")
