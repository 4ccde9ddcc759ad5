"""DIR-34: automatic replies (RFC 3834)."""
import datetime
import email
import email.policy
import os
import re
import signal
import smtplib

import pytest

from conftest import PASSWORD
from instance import Instance, wait_for
from mailbox import messages
from smtp_sink import Sink
from test_queue import mailbox, submit

ALICE = "alice@d.test"


@pytest.fixture(scope="module")
def sink():
    server = Sink(replies={"RCPT never*": "550 5.1.1 no such user here", "RCPT later*": "451 4.2.0 later"}, extensions=("PIPELINING",))
    yield server
    server.close()


@pytest.fixture
def inst(sink):
    inst = Instance()
    inst.setup()
    inst.set("remote.policy", "relay")
    inst.set("remote.relay_hosts", f"127.0.0.2:{sink.port}")
    inst.start()
    for name in ("alice", "bob"):
        inst.add_user(f"{name}@d.test", PASSWORD)
    inst.run("user", "set", ALICE, "full_name=Alice Ö", "auto_reply=yes", r"auto_reply_text=Ich bin weg.\nBis bald!")
    yield inst
    inst.close()


def send(inst, rcpt=ALICE, sender="bob@far.test", to=ALICE, header="", subject="hello"):
    with smtplib.SMTP("127.0.0.1", inst.port("smtp"), timeout=20) as client:
        client.sendmail(sender, [rcpt], f"From: x@far.test\r\nTo: {to}\r\n{header}Subject: {subject}\r\n"
                                        f"Message-ID: <{subject}@far.test>\r\n\r\n.\r\n")


def withheld(inst, subject_of_log):
    inst.wait_log("local", subject_of_log)


def replies(sink, rcpt):
    found = sink.delivered(rcpt)
    return [email.message_from_bytes(m.content, policy=email.policy.default) for m in found]


def reply(sink, rcpt):
    [message] = wait_for(lambda: replies(sink, rcpt), 20, "the reply")
    return message


def test_a_stranger_is_answered_once(inst, sink):
    send(inst, subject="first")
    message = reply(sink, "bob@far.test")
    assert message["Subject"] == "Auto: first" and message["Auto-Submitted"] == "auto-replied"
    assert message["In-Reply-To"] == message["References"] == "<first@far.test>"
    assert message["From"].addresses[0].addr_spec == ALICE
    assert message["From"].addresses[0].display_name == "Alice Ö"
    assert message.get_content().replace("\r\n", "\n").rstrip("\n") == "Ich bin weg.\nBis bald!"
    assert re.search(r"<([^>]*)>", sink.delivered("bob@far.test")[0].mail)[1] == ""  # never answered itself
    send(inst, subject="second")
    withheld(inst, 'reason="the sender has had one"')
    inst.stop()
    inst.start()
    send(inst, subject="third", sender="BOB@far.test")
    wait_for(lambda: inst.log("local").count("the sender has had one") == 2, 20, "told still")
    inst.wait_queue_empty()
    assert len(replies(sink, "bob@far.test")) == 1
    assert len(messages(inst, ALICE)) == 3


@pytest.mark.parametrize("n, header, sender, to, why", [
    (0, "Auto-Submitted: auto-replied\r\n", "a0@far.test", ALICE, "it is automatic itself"),
    (1, "List-Id: <x.far.test>\r\n", "a1@far.test", ALICE, "it comes from a mailing list"),
    (2, "Precedence: bulk\r\n", "a2@far.test", ALICE, "its precedence is that of bulk mail"),
    (3, "", "owner-x@far.test", ALICE, "a program sent it"),
    (4, "", "a4@far.test", "undisclosed-recipients:;", "the user is not named as a recipient"),
    (5, "", "a5@far.test", "bob@d.test", "the user is not named as a recipient"),
])
def test_who_gets_none(inst, sink, n, header, sender, to, why):
    send(inst, sender=sender, to=to, header=header)
    withheld(inst, f'reason="{why}"')
    inst.wait_queue_empty()
    assert not replies(sink, sender)


def test_the_null_sender_gets_none(inst, sink):
    send(inst, sender="", subject="bounce")
    inst.wait_queue_empty()
    assert len(messages(inst, ALICE)) == 1
    assert "event=auto_reply" not in inst.log("local")


def test_an_alias_and_a_tag_name_the_user(inst, sink):
    inst.run("alias", "add", "info@d.test", ALICE)
    send(inst, rcpt="info@d.test", sender="by-alias@far.test", to="Info <info@d.test>")
    assert reply(sink, "by-alias@far.test")
    send(inst, rcpt="alice+x@d.test", sender="by-tag@far.test", to="alice+x@d.test")
    assert reply(sink, "by-tag@far.test")
    send(inst, sender="by-cc@far.test", to="bob@d.test", header=f"Cc: {ALICE}\r\n")
    assert reply(sink, "by-cc@far.test")


def test_days_and_switch(inst, sink):
    today = datetime.datetime.now(datetime.timezone.utc).date()
    day = datetime.timedelta(days=1)
    inst.run("user", "set", ALICE, f"auto_reply_from={today + 2 * day}")
    send(inst, sender="early@far.test")
    inst.wait_queue_empty()
    inst.run("user", "set", ALICE, "auto_reply_from=", f"auto_reply_until={today - 2 * day}")
    send(inst, sender="late@far.test")
    inst.wait_queue_empty()
    inst.run("user", "set", ALICE, "auto_reply_until=", "auto_reply=no")
    send(inst, sender="off@far.test")
    inst.wait_queue_empty()
    inst.run("user", "set", ALICE, f"auto_reply_from={today - day}", f"auto_reply_until={today + day}", "auto_reply=yes")
    send(inst, sender="in-time@far.test")
    assert reply(sink, "in-time@far.test")
    for name in ("early", "late", "off"):
        assert not replies(sink, f"{name}@far.test")
    assert "expected a date" in inst.run("user", "set", ALICE, "auto_reply_until=soon", check=False).err


def test_users_answer_each_other_and_no_circle_comes_of_it(inst):
    inst.run("user", "set", "bob@d.test", "auto_reply=yes")
    submit(inst, ["bob@d.test"], subject="are you there")  # To: x
    send(inst, rcpt="bob@d.test", sender=ALICE, to="bob@d.test", subject="are you there")
    found = wait_for(lambda: [m for m in mailbox(inst, ALICE) if m["Subject"] == "Auto: are you there"], 20, "reply")
    assert "Thank you for your message." in found[0].get_content()  # the template's
    inst.wait_queue_empty()
    assert not [m for m in mailbox(inst, "bob@d.test") if "Auto: Auto:" in str(m["Subject"])]


def test_our_words_in_chinese(inst, sink):
    inst.set("system.template_language", "zh-CN")
    inst.run("reload")
    inst.run("user", "set", ALICE, "auto_reply_text=")
    send(inst, sender="zh@far.test")
    assert reply(sink, "zh@far.test").get_content().startswith("您好，来信已收到。")


def test_a_reply_that_fails_troubles_nobody(inst, sink):
    send(inst, sender="never@far.test")
    inst.wait_log("queue", "event=bounce_dropped")
    inst.wait_log("queue", 'reason="an automatic reply failed"')
    inst.wait_queue_empty()
    assert "kind=double_bounce" not in inst.log("queue")


def test_the_interval_is_a_setting(inst, sink):
    inst.set("local.auto_reply_interval", "1m")
    path = next((inst.root / "store/d.test").glob("??/alice/mail"))
    inst.run("reload")
    send(inst, sender="again@far.test", subject="one")
    assert reply(sink, "again@far.test")
    memory = path / "posthorn.replied"
    digest, time, rest = memory.read_text().split(" ")
    memory.write_text(f"{digest} {int(time) - 60001} {rest}")
    send(inst, sender="again@far.test", subject="two")
    wait_for(lambda: len(replies(sink, "again@far.test")) == 2, 20, "the second one")


def test_killed_in_between_it_is_answered_once(inst, sink):
    """local-deliver dies over and over while mail of one stranger comes in."""
    for i in range(10):
        send(inst, sender="storm@far.test", subject=f"storm{i}")
        for pid, command in inst.processes().items():
            if "local-deliver" in command:
                os.kill(pid, signal.SIGKILL)
    inst.wait_queue_empty(60)
    assert len(messages(inst, ALICE)) == 10
    assert reply(sink, "storm@far.test")


def records(log):
    """The records of an ID.log (doc/queue.md), each with its kind."""
    at = 0
    while at < len(log):
        size = 8 + int.from_bytes(log[at:at + 4], "big")
        yield chr(log[at + 9]), log[at:at + size]
        at += size


def test_a_crash_behind_a_reply_that_has_left(inst, sink):
    """Nothing says yet that the mail was delivered, so that is done again, and is found done; there is no second reply."""
    inst.run("user", "set", "bob@d.test", f"forward={ALICE};later@far.test")
    send(inst, rcpt="bob@d.test", sender="crash@far.test", subject="crash")
    reply(sink, "crash@far.test")
    wait_for(lambda: list((inst.root / "queue/deferred").glob("*.log")), 20, "the other recipient waits")
    inst.stop()
    [log] = (inst.root / "queue/deferred").glob("*.log")
    ident = log.name.removesuffix(".log")
    known = list(records(log.read_bytes()))
    assert {"Y", "D", "W"} <= {kind for kind, _ in known}, known
    log.write_bytes(b"".join(record for kind, record in known if kind == "Y"))
    for name in (f"{ident}.log", ident):
        (inst.root / "queue/deferred" / name).rename(inst.root / "queue/active" / name)
    inst.start()
    wait_for(lambda: (inst.root / "queue/deferred" / ident).exists(), 20, "tried again")
    inst.wait_log("queue", "event=recovered")
    assert len(messages(inst, ALICE)) == 1
    assert len(replies(sink, "crash@far.test")) == 1
    assert inst.log("local").count("event=auto_reply ") == 1
