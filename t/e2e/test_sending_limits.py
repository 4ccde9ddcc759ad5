"""What a mailbox may send and take, to whom and how much (DIR-28 to 31); who may send to a group, and
with its address (DIR-53, DIR-56, SMTP-17)."""
import concurrent.futures
import itertools
import smtplib

import pytest

from instance import Instance, wait_for
from load import PASSWORD, TLS

ALICE, BOB, CAROL = "alice@d.test", "bob@d.test", "carol@e.test"
OUTSIDE = "x@far.test"
numbers = itertools.count()


@pytest.fixture(scope="module")
def inst():
    instance = Instance()
    try:
        instance.setup()
        instance.set("remote.relay_hosts", "127.0.0.9:9")  # nobody is there: mail for outside waits
        instance.start()
        instance.run("domain", "add", "e.test")
        for user in (ALICE, BOB, CAROL):
            instance.add_user(user, PASSWORD)
        yield instance
    finally:
        instance.close()


@pytest.fixture
def user(inst):
    """A new mailbox with the properties that a test gives it."""
    made = []

    def make(*properties):
        name = f"u{next(numbers)}@d.test"
        inst.add_user(name, PASSWORD)
        made.append(name)
        if properties:
            inst.run("user", "set", name, *properties)
        return name

    yield make
    for name in made:
        inst.run("user", "del", name, "--yes")


class Sender:
    """A session, of a user or of somebody on port 25."""

    def __init__(self, inst, user=None):
        self.client = smtplib.SMTP("127.0.0.1", inst.port("submission" if user else "smtp"), timeout=30)
        self.client.ehlo("x.test")
        if user:
            self.client.starttls(context=TLS)
            self.client.login(user, PASSWORD)
        self.user = user

    def close(self):
        self.client.close()

    def rcpt(self, to, sender=None, size=""):
        """(code, enhanced code, text) for one recipient of a transaction of its own."""
        self.client.rset()
        code, text = self.client.mail(self.user or "z@far.test" if sender is None else sender,
                                      [f"SIZE={size}"] if size else [])
        if code == 250:
            code, text = self.client.rcpt(to)
        return (code, *text.decode().split(" ", 1))

    def send(self, *to, size=10):
        """Codes of RCPT, and what became of the message: (code, enhanced code, text)."""
        self.client.rset()
        assert self.client.mail(self.user or "z@far.test")[0] == 250
        codes = [self.client.rcpt(one)[0] for one in to]
        if 250 not in codes:
            return codes, None
        code, text = self.client.data("Subject: x\r\n\r\n" + "y" * size + "\r\n")
        return codes, (code, *text.decode().split(" ", 1))


def refused(answer, limit):
    code, dsn, text = answer
    return code == 550 and dsn == "5.7.1" and limit in text


# ---- to whom, from whom ----

def test_whom_a_user_may_send_to(inst, user):
    name = user("may_send_remote=no", "send_exceptions=near.test;e.test")
    s = Sender(inst, name)
    assert refused(s.rcpt(OUTSIDE), "may_send_remote")
    assert s.rcpt("a@Near.Test")[0] == 250  # the exception turns it round
    assert refused(s.rcpt(CAROL), "send_exceptions")  # this way, too
    assert s.rcpt(ALICE)[0] == 250
    inst.run("user", "set", name, "may_send_domain=no", "send_exceptions=")
    assert refused(s.rcpt(ALICE), "may_send_domain")
    assert s.rcpt(name)[0] == 250  # to himself
    assert s.rcpt("postmaster@d.test")[0] == 250  # RFC 5321 section 4.5.1
    assert s.rcpt(CAROL)[0] == 250
    inst.run("user", "set", name, "may_send_system=no")
    assert refused(s.rcpt(CAROL), "may_send_system")


def test_from_whom_a_user_takes_mail(inst, user):
    name = user("may_receive_remote=no", "receive_exceptions=near.test")
    stranger, alice, carol = Sender(inst), Sender(inst, ALICE), Sender(inst, CAROL)
    assert refused(stranger.rcpt(name), "may_receive_remote")
    assert stranger.rcpt(name, "a@near.test")[0] == 250
    assert stranger.rcpt(name, "")[0] == 250  # a bounce
    assert alice.rcpt(name)[0] == carol.rcpt(name)[0] == 250
    inst.run("user", "set", name, "may_receive_domain=no")
    assert refused(alice.rcpt(name), "may_receive_domain")
    assert carol.rcpt(name)[0] == 250
    inst.run("alias", "add", "an-alias@d.test", name)
    assert refused(alice.rcpt("an-alias@d.test"), "may_receive_domain")
    inst.run("user", "set", name, "may_receive_system=no", "may_receive_domain=yes")
    assert refused(carol.rcpt(name), "may_receive_system")
    assert alice.rcpt(name)[0] == 250


# ---- how much ----

def test_a_mailbox_is_not_reached_round_its_limits(inst, user):
    """Through a group and another's forwarding: the mail comes back, and the others get theirs."""
    name = user("may_receive_remote=no")
    other = user(f"forward={name}", "forward_keep=yes")
    inst.run("group", "add", "round@d.test", "--member", name, "--member", BOB)
    stranger = Sender(inst)
    for to in ("round@d.test", other):
        assert stranger.send(to)[1][0] == 250
    stranger.close()
    inst.wait_log("queue", "this mailbox takes no mail from the sender")
    wait_for(lambda: inst.log("queue").count("this mailbox takes no mail from the sender") == 2, 20, "both ways")
    wait_for(lambda: f"rcpt={other} " in inst.log("local") and f"rcpt={BOB} " in inst.log("local"), 20, "the others' mail")
    assert f"event=delivered queue_id=" in inst.log("local") and f"rcpt={name} " not in inst.log("local")
    inst.run("group", "del", "round@d.test")


def test_recipients_of_a_message(inst, user):
    s = Sender(inst, user("max_recipients=2"))
    codes, done = s.send(ALICE, CAROL, BOB)
    assert codes == [250, 250, 452] and done[0] == 250
    assert s.send(ALICE, BOB)[1][0] == 250  # nothing is left of the other one


def test_bytes_of_a_message(inst, user):
    s = Sender(inst, user("max_message_bytes=1000"))
    assert s.send(ALICE, size=500)[1][0] == 250
    assert s.send(ALICE, size=2000)[1][:2] == (552, "5.2.3")
    code, dsn, text = s.rcpt(ALICE, size="2000")
    assert (code, dsn) == (552, "5.2.3") and "max_message_bytes" in text


def test_recipients_of_an_hour_survive_a_restart(inst, user):
    name = user("recipients_per_hour=3")
    assert Sender(inst, name).send(ALICE, OUTSIDE)[0] == [250, 250]
    inst.stop()
    inst.start()
    s = Sender(inst, name)
    codes, done = s.send(BOB, CAROL)
    assert codes == [250, 452] and done[0] == 250
    code, dsn, text = s.rcpt(ALICE)
    assert (code, dsn) == (452, "4.5.3") and "recipients_per_hour" in text
    inst.run("user", "set", name, "recipients_per_hour=4")
    assert s.send(ALICE)[1][0] == 250


def test_by_another_name_it_is_spent_too(inst, user):
    name = user("recipients_per_hour=3")
    assert Sender(inst, name).send(ALICE, OUTSIDE)[0] == [250, 250]
    inst.run("user", "rename", name, f"new-{name}")
    try:
        assert Sender(inst, f"new-{name}").send(BOB, CAROL)[0] == [250, 452]
    finally:
        inst.run("user", "rename", f"new-{name}", name)
    assert "recipients_per_hour" in Sender(inst, name).rcpt(ALICE)[2]


def test_the_hours_limit_of_all(inst, user):
    inst.set("account.recipients_per_hour", "1")
    inst.run("reload")
    try:
        s = Sender(inst, wait_for(lambda: user(), 5))
        wait_for(lambda: s.rcpt(ALICE)[0] == 250, 10, "accepted")
        assert s.send(ALICE, BOB)[0] == [250, 452]
        own = Sender(inst, user("recipients_per_hour=5"))  # one of its own holds instead
        assert own.send(ALICE, BOB)[0] == [250, 250]
    finally:
        inst.set("account.recipients_per_hour", "0")
        inst.run("reload")


def test_recipients_of_a_day_by_destination(inst, user):
    s = Sender(inst, user("local_recipients_per_day=1", "remote_recipients_per_day=2"))
    codes, done = s.send(ALICE, BOB, OUTSIDE, "y@far.test", "z@far.test")
    assert codes == [250, 452, 250, 250, 452] and done[0] == 250
    assert "local_recipients_per_day" in s.rcpt(BOB)[2]
    assert "remote_recipients_per_day" in s.rcpt(OUTSIDE)[2]


def test_bytes_of_a_day_by_destination(inst, user):
    s = Sender(inst, user("remote_bytes_per_day=3000"))
    assert s.send(OUTSIDE, size=2000)[1][0] == 250
    assert s.send(OUTSIDE, size=2000)[1][:2] == (452, "4.2.3")
    assert s.send(ALICE, size=5000)[1][0] == 250  # these do not count
    assert s.send(OUTSIDE, size=500)[1][0] == 250


def test_what_is_refused_does_not_count(inst, user):
    s = Sender(inst, user("recipients_per_hour=1"))
    for _ in range(3):
        assert s.rcpt(ALICE)[0] == 250  # and RSET
        assert s.send("nobody@d.test")[0] == [550]
        s.client.rset()
        s.client.mail(s.user)
        s.client.rcpt(ALICE)
        assert s.client.data("x" * 70000 + "\r\n")[0] == 554  # a line too long
    assert s.send(ALICE)[1][0] == 250
    assert s.send(ALICE)[0] == [452]


def test_what_the_queue_did_not_take_does_not_count(inst, user):
    s = Sender(inst, user("recipients_per_hour=2", "local_bytes_per_day=500"))
    new = inst.root / "queue/new"
    mode = new.stat().st_mode
    new.chmod(0)
    try:
        for _ in range(4):
            assert s.send(ALICE)[1][0] in (451, 452)
    finally:
        new.chmod(mode)
    assert s.send(ALICE)[1][0] == 250
    assert s.send(ALICE)[1][0] == 250
    assert s.send(ALICE)[0] == [452]


def test_sessions_at_once_never_pass_a_limit(inst, user):
    """All ask for the last of it at once: exactly as many get through as are allowed."""
    name = user("local_recipients_per_day=20")

    def one(_):
        s, sent = Sender(inst, name), 0
        try:
            for _ in range(6):
                codes, done = s.send(ALICE, BOB)
                if done is not None and done[0] == 250:
                    sent += codes.count(250)
                else:
                    assert done is None or done[:2] == (452, "4.7.1"), done
        finally:
            s.close()
        return sent

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(one, range(8))) == 20


def test_sessions_that_all_have_recipients_already(inst, user):
    """Each was told that its recipients are within the limit; the first messages that are whole get it."""
    name = user("local_recipients_per_day=6")
    sessions = [Sender(inst, name) for _ in range(5)]
    for s in sessions:
        assert s.client.mail(name)[0] == 250
        assert [s.client.rcpt(to)[0] for to in (ALICE, BOB)] == [250, 250]
    ends = [s.client.data("Subject: x\r\n\r\nx\r\n") for s in sessions]
    assert [code for code, _ in ends] == [250, 250, 250, 452, 452]
    assert ends[-1][1].startswith(b"4.7.1 ") and b"local_recipients_per_day" in ends[-1][1]


# ---- groups ----

def test_who_may_send_to_a_group(inst, user):
    member, name = user(), user()
    inst.run("group", "add", "team@d.test")
    inst.run("group", "member", "add", "team@d.test", member)
    stranger, alice, carol, own = Sender(inst), Sender(inst, ALICE), Sender(inst, CAROL), Sender(inst, member)

    def takes():
        return [s.rcpt("team@d.test")[0] for s in (stranger, alice, carol, own)]

    assert takes() == [250, 250, 250, 250]
    inst.run("group", "set", "team@d.test", "send=members")
    assert takes() == [550, 550, 550, 250]
    assert stranger.rcpt("team@d.test", member)[:2] == (550, "5.7.1")  # anybody can say that
    inst.run("group", "set", "team@d.test", "send=domain")
    assert takes() == [550, 250, 550, 250]
    inst.run("group", "set", "team@d.test", "send=senders", f"senders={CAROL};z@far.test")
    assert takes() == [250, 550, 250, 550]
    code, dsn, text = alice.rcpt("team@d.test")
    assert dsn == "5.7.1" and "group" in text
    assert name


def test_representatives_send_with_the_groups_address(inst, user):
    name, other = user(), user()
    inst.run("group", "add", "press@d.test", f"representatives={name}")
    inst.set("smtp.from_must_match_auth", "yes")
    inst.run("reload")
    try:
        s, o = Sender(inst, name), Sender(inst, other)
        wait_for(lambda: s.rcpt(ALICE, BOB)[0] == 553, 10, "the setting holds")
        assert s.rcpt(ALICE, "press@d.test")[0] == 250
        assert o.rcpt(ALICE, "press@d.test")[0] == 553
        assert s.rcpt(ALICE, other)[0] == 553
        inst.run("user", "set", other, f"representatives={name}")  # a mailbox has them, too
        assert s.rcpt(ALICE, other)[0] == 250
        assert o.rcpt(ALICE, name)[0] == 553
        s.client.rset()
        s.client.mail(name)
        s.client.rcpt(ALICE)
        assert s.client.data("From: press@d.test\r\nSubject: x\r\n\r\nx\r\n")[0] == 250
        o.client.rset()
        o.client.mail(other)
        o.client.rcpt(ALICE)
        assert o.client.data("From: press@d.test\r\nSubject: x\r\n\r\nx\r\n")[0] == 554
        inst.run("group", "set", "press@d.test", "representatives=@d.test")
        assert o.rcpt(ALICE, "press@d.test")[0] == 250
    finally:
        inst.set("smtp.from_must_match_auth", "no")
        inst.run("reload")


# ---- what leaves by a detour ----

def test_forwarded_mail_may_be_too_large_to_leave(inst, user):
    """smtpd takes it for a mailbox of ours; max_outgoing_size holds when it turns out to leave (SMTP-11)."""
    name = user(f"forward={OUTSIDE}", "forward_keep=yes")
    inst.set("smtp.max_outgoing_size", "20K")
    inst.run("reload")
    try:
        s = Sender(inst, ALICE)
        before = inst.log("queue").count("too big to leave")
        wait_for(lambda: s.rcpt(OUTSIDE, size="50000")[0] == 552, 10, "the setting holds")
        assert s.send(name, size=1000)[1][0] == 250
        assert s.send(name, size=40000)[1][0] == 250
        wait_for(lambda: inst.log("queue").count("too big to leave") > before, 10, "bounced")
        assert inst.log("queue").count("too big to leave") == before + 1
    finally:
        inst.set("smtp.max_outgoing_size", "20M")
        inst.run("reload")
