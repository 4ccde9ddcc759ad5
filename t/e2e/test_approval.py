"""Mail that waits for approval (MON-05 to MON-07): by mail, by the command line, over crashes."""
import os
import re
import signal
import smtplib
import ssl

import pytest

from conftest import PASSWORD
from instance import Instance, wait_for
from smtp_sink import Sink
from test_queue import listed, mailbox, submit

RULE = ("sales", "--mailbox", "alice@d.test", "--external", "boss@d.test", "--external", "deputy@d.test",
        "--local", "chief@d.test")
PEOPLE = ("alice", "bob", "boss", "deputy", "chief")


@pytest.fixture(scope="module")
def sink():
    server = Sink(extensions=("PIPELINING", "8BITMIME"))
    yield server
    server.close()


def set_up(sink, **settings):
    inst = Instance()
    inst.setup()
    inst.set("remote.policy", "relay")
    inst.set("remote.relay_hosts", f"127.0.0.2:{sink.port}")
    for name, value in settings.items():
        inst.set(name.replace("__", "."), value)
    inst.run("approval", "rule", "add", *RULE)
    inst.start()
    for name in PEOPLE:
        inst.add_user(f"{name}@d.test", PASSWORD)
    return inst


@pytest.fixture(scope="module")
def inst(sink):
    instance = set_up(sink)
    yield instance
    instance.close()


@pytest.fixture(scope="module")
def short(sink):
    """Nobody has more than four seconds to decide; everything in Chinese."""
    instance = set_up(sink, queue__approval_lifetime="4s", system__template_language="zh-CN")
    yield instance
    instance.close()


def waiting(inst):
    return inst.json("approval", "list")


def ask(inst, rcpts, subject, text="the text"):
    """Submits as alice; the message's row once it waits."""
    submit(inst, rcpts, subject=subject, text=text)
    return wait_for(lambda: [m for m in waiting(inst) if m["recipients"] == rcpts], 20, "waits")[0]


def with_subject(inst, user, subject):
    return [m for m in mailbox(inst, f"{user}@d.test") if m["Subject"] == subject]


def request(inst, user, subject):
    """The request about the message with that subject."""
    def find():
        return [m for m in mailbox(inst, f"{user}@d.test") if m.is_multipart() and
                any(p.get_content_type() == "message/rfc822" and p.get_payload(0)["Subject"] == subject
                    for p in m.iter_parts())]
    return wait_for(find, 20, f"request to {user}")[0]


def links(mail):
    found = re.findall(r"mailto:((approve|refuse)\.\S+@mail\.d\.test)", next(mail.iter_parts()).get_content())
    return {verdict: address for address, verdict in found}


def send(inst, sender, rcpt, text="", header="Subject: my decision\r\n", user=None):
    """By port 25, or as a user of ours."""
    with smtplib.SMTP("127.0.0.1", inst.port("submission" if user else "smtp"), timeout=20) as client:
        if user:
            client.starttls(context=ssl._create_unverified_context())
            client.login(user, PASSWORD)
        client.sendmail(sender, [rcpt], f"From: {sender}\r\n{header}\r\n{text}\r\n".encode())


def test_each_kind_is_decided_by_its_approvers(inst, sink):
    row = ask(inst, ["bob@d.test", "far@x.test"], "both kinds")
    assert row["sender"] == "alice@d.test" and row["rule"] == "sales"
    assert row["approvers"] == ["boss@d.test", "deputy@d.test", "chief@d.test"]
    (held,) = [m for m in listed(inst, "hold") if m["id"] == row["id"]]
    assert held["status"] == "waiting for approval" and held["reason"] == "waiting for approval by rule sales"
    mail = request(inst, "boss", "both kinds")
    assert mail["Subject"] == "Approval needed: mail from alice@d.test" and mail["Auto-Submitted"] == "auto-generated"
    text, attached = mail.iter_parts()
    assert "bob@d.test" in text.get_content() and attached.get_payload(0).get_content().strip() == "the text"
    send(inst, "somewhere@else.test", links(mail)["approve"])
    wait_for(lambda: waiting(inst)[0]["approvers"] == ["chief@d.test"], 20, "half of it")
    assert waiting(inst)[0]["approved_by"] == "boss@d.test"
    assert not with_subject(inst, "bob", "both kinds") and not sink.messages
    send(inst, "chief@d.test", links(request(inst, "chief", "both kinds"))["approve"], user="chief@d.test")
    wait_for(lambda: with_subject(inst, "bob", "both kinds") and sink.messages, 20, "delivered")
    story = inst.run("trace", row["id"]).out
    assert "event=approved" in story and "by=boss@d.test" in story and "by=chief@d.test" in story
    assert "event=approval_asked" in story and "rule=sales line=1" in story


def test_refusal_tells_the_words_and_later_decisions_are_answered(inst, sink):
    sink.messages.clear()
    ask(inst, ["far@x.test"], "to be refused")
    boss, deputy = links(request(inst, "boss", "to be refused")), links(request(inst, "deputy", "to be refused"))
    send(inst, "boss@d.test", boss["refuse"], text="Not with this price, 价格不对.", user="boss@d.test",
         header="Subject: no\r\nContent-Type: text/plain; charset=utf-8\r\nMIME-Version: 1.0\r\n")
    report = wait_for(lambda: with_subject(inst, "alice", "Your mail was refused: returned to sender"), 20, "told")[0]
    explanation, status, original = report.iter_parts()
    assert "Reason given: Not with this price, 价格不对." in explanation.get_content()
    assert status.get_payload()[1]["Status"] == "5.7.1" and "refused by boss@d.test" in str(status)
    assert "to be refused" in str(original)
    send(inst, "deputy@d.test", deputy["approve"], user="deputy@d.test")
    late = "Nothing was changed: the message no longer waits for approval"
    wait_for(lambda: with_subject(inst, "deputy", late), 20, "answered")
    inst.wait_queue_empty()
    assert not sink.messages and not with_subject(inst, "boss", late)


def test_forged_and_automatic_mail_decides_nothing(inst, sink):
    sink.messages.clear()
    row = ask(inst, ["far@x.test"], "stays")
    address = links(request(inst, "boss", "stays"))["approve"]
    forged = re.sub(r"\.(.)([^.@]*)@mail", lambda m: f".{'b' if m[1] == 'a' else 'a'}{m[2]}@mail", address)
    assert forged != address
    send(inst, "alice@d.test", forged, user="alice@d.test")
    wait_for(lambda: [m for m in mailbox(inst, "alice@d.test") if forged in str(m)], 20, "told")
    send(inst, "stranger@x.test", forged)
    inst.wait_log("queue", "result=forged")
    send(inst, "boss@d.test", address, header="Subject: away\r\nAuto-Submitted: auto-replied\r\n")
    inst.wait_log("queue", "automatic mail decides nothing")
    for other in (address.replace("mail.d.test", "d.test"), address.split(".", 2)[2], "approve.x@mail.d.test"):
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            send(inst, "boss@d.test", other)
    assert [m["id"] for m in waiting(inst)] == [row["id"]] and not sink.messages
    inst.run("queue", "delete", row["id"])
    wait_for(lambda: waiting(inst) == [], 20, "deleted")
    send(inst, "boss@d.test", address, user="boss@d.test")
    wait_for(lambda: with_subject(inst, "boss", "Nothing was changed: the message no longer waits for approval"))
    assert not sink.messages


def test_command_line(inst, sink):
    sink.messages.clear()
    row = ask(inst, ["one@x.test"], "first")
    assert inst.json("approval", "show", row["id"])["deadline"] > row["asked"]
    assert "use 'posthorn approval" in inst.run("queue", "release", row["id"], check=False).err
    inst.run("approval", "approve", row["id"])
    wait_for(lambda: sink.messages, 20, "delivered")
    again = inst.run("approval", "approve", row["id"], check=False)
    assert again.returncode == 1 and "no such message waits" in again.err
    row = ask(inst, ["two@x.test"], "second")
    inst.run("approval", "refuse", row["id"], "--reason", "wrong customer")
    wait_for(lambda: [m for m in mailbox(inst, "alice@d.test") if "wrong customer" in str(m)], 20, "told")
    assert inst.run("approval", "show", row["id"], check=False).returncode == 1
    assert waiting(inst) == [] and len(sink.messages) == 1


def test_approvers_and_other_users_do_not_wait(inst, sink):
    sink.messages.clear()
    context = ssl._create_unverified_context()
    for user in ("boss@d.test", "bob@d.test"):
        with smtplib.SMTP("127.0.0.1", inst.port("submission"), timeout=20) as client:
            client.starttls(context=context)
            client.login(user, PASSWORD)
            client.sendmail(user, ["far@x.test"], f"From: {user}\r\nSubject: free\r\n\r\nx\r\n")
    wait_for(lambda: len(sink.messages) == 2, 20, "delivered")
    assert waiting(inst) == []


def test_waiting_outlives_kill_9_and_a_restart(inst, sink):
    sink.messages.clear()
    row = ask(inst, ["far@x.test"], "over a crash")
    address = links(request(inst, "boss", "over a crash"))["approve"]
    def manager():
        return [pid for pid, command in inst.processes().items() if "queue-manager" in command.split(" ")[0]]
    (pid,) = manager()
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: manager() and manager() != [pid], 30, "back")
    assert [m["id"] for m in waiting(inst)] == [row["id"]]
    inst.stop()
    inst.start()
    assert [m["id"] for m in waiting(inst)] == [row["id"]] and not sink.messages
    send(inst, "boss@d.test", address)
    wait_for(lambda: sink.messages, 30, "delivered with the token of the first process")
    inst.wait_queue_empty()
    assert len(sink.messages) == 1


def test_time_is_over_in_chinese(short, sink):
    sink.messages.clear()
    submit(short, ["far@x.test"], subject="nobody decides")
    mail = request(short, "boss", "nobody decides")
    assert mail["Subject"] == "请审批：来自 alice@d.test 的邮件"
    report = wait_for(lambda: with_subject(short, "alice", "您的邮件未获批准，已退回"), 30, "told")[0]
    assert "nobody approved it in time" in next(report.iter_parts()).get_content()
    send(short, "boss@d.test", links(mail)["approve"], user="boss@d.test")
    wait_for(lambda: with_subject(short, "boss", "未作更改：该邮件已不再等待审批"), 20, "answered")
    assert not sink.messages


def test_rules(instance):
    inst = instance
    inst.run("approval", "rule", "add", "first", "--mailbox", "*@d.test", "--local", "a@d.test")
    inst.run("approval", "rule", "add", "second", "--mailbox", "*", "--external", "b@d.test", "--external", "c@d.test")
    assert inst.json("approval", "rule", "list") == [
        {"name": "first", "mailboxes": ["*@d.test"], "external": [], "local": ["a@d.test"]},
        {"name": "second", "mailboxes": ["*"], "external": ["b@d.test", "c@d.test"], "local": []}]
    for bad in (("first", "--mailbox", "*", "--local", "a@d.test"), ("new", "--mailbox", "nobody", "--local", "a@d.test"),
                ("new", "--mailbox", "*", "--local", "*@d.test")):
        assert inst.run("approval", "rule", "add", *bad, check=False).returncode == 1
    assert inst.run("approval", "rule", "add", "new", "--mailbox", "*", check=False).returncode == 2
    inst.run("approval", "rule", "remove", "first")
    assert inst.run("approval", "rule", "remove", "first", check=False).returncode == 1
    assert [r["name"] for r in inst.json("approval", "rule", "list")] == ["second"]
    path = inst.root / "etc/lists/approval_rules.txt"
    path.write_text("# ours\ngood * local=a@d.test\nbad * local=\n")
    result = inst.run("config", "check", check=False)
    assert result.returncode == 1 and f"{path}:3: " in result.err


def managers(inst):
    return [pid for pid, command in inst.processes().items() if "queue-manager" in command.split(" ")[0]]


def kill_manager(inst):
    (pid,) = managers(inst)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: managers(inst) not in ([], [pid]), 30, "back")


@pytest.fixture
def watched(sink):
    """Approval, monitoring and the archive together; who reads along is away and forwards."""
    inst = Instance()
    inst.setup()
    inst.set("remote.policy", "relay")
    inst.set("remote.relay_hosts", f"127.0.0.2:{sink.port}")
    inst.set("archive.classes", "local incoming outgoing relayed")
    inst.run("approval", "rule", "add", *RULE)
    inst.run("monitoring", "add", "all", "monitored=alice@d.test", "outgoing=reader@d.test")
    inst.start()
    for name in (*PEOPLE, "reader"):
        inst.add_user(f"{name}@d.test", PASSWORD)
    inst.run("user", "set", "reader@d.test", "forward=reader@far.test", "forward_keep=yes", "auto_reply=yes",
             "auto_reply_text=away")
    yield inst
    inst.close()


def test_refused_mail_is_neither_copied_nor_archived_and_approved_mail_once(watched, sink):
    inst = watched
    sink.messages.clear()
    row = ask(inst, ["bob@d.test", "far@x.test"], "no")
    kill_manager(inst)
    inst.run("approval", "refuse", row["id"])
    wait_for(lambda: with_subject(inst, "alice", "Your mail was refused: returned to sender"), 20, "told")
    inst.wait_queue_empty()
    assert not mailbox(inst, "bob@d.test") and not mailbox(inst, "reader@d.test") and not sink.messages
    assert inst.json("archive", "list") == []

    with smtplib.SMTP("127.0.0.1", inst.port("submission"), timeout=20) as client:
        client.starttls(context=ssl._create_unverified_context())
        client.login("alice@d.test", PASSWORD)
        client.sendmail("alice@d.test", ["bob@d.test", "far@x.test"],
                        "To: bob@d.test, reader@d.test\r\nSubject: yes\r\n\r\nwho answers?\r\n")
    row = wait_for(lambda: waiting(inst), 20, "waits")[0]
    assert not mailbox(inst, "reader@d.test") and inst.json("archive", "list") == []
    kill_manager(inst)
    inst.run("approval", "approve", row["id"])
    kill_manager(inst)
    wait_for(lambda: with_subject(inst, "bob", "yes") and with_subject(inst, "reader", "yes"), 30, "delivered")
    inst.wait_queue_empty()
    kill_manager(inst)
    inst.wait_queue_empty()
    assert len(with_subject(inst, "bob", "yes")) == len(with_subject(inst, "reader", "yes")) == 1
    for rcpt in ("far@x.test", "reader@far.test"):  # outside it may come twice after a kill: SMTP has no better
        assert {m.content.count(b"Subject: yes") for m in sink.delivered(rcpt)} == {1}, rcpt
    (archived,) = inst.json("archive", "list")
    assert archived["id"] == row["id"] and archived["classes"] == "local,outgoing"
    assert archived["sender"] == "alice@d.test" and archived["recipients"] == ["bob@d.test", "far@x.test"]
    assert "event=copy" in inst.run("trace", row["id"]).out  # what made it, also behind an approval
    (told,) = mailbox(inst, "alice@d.test")  # the refusal: nobody answered the copy
    assert "reader" not in str(told)
