"""The queue by the command line, and what senders are told: retry, bounce, hold, restart, damage."""
import email
import email.policy
import fcntl
import imaplib
import os
import shutil
import signal
import smtplib
import ssl
import time

import pytest

from conftest import PASSWORD
from instance import Instance, wait_for
from smtp_sink import Sink

LATER = {"RCPT later*": "451 4.2.0 come back later", "RCPT never*": "550 5.1.1 no such user here"}


@pytest.fixture(scope="module")
def sink():
    server = Sink(replies=LATER, extensions=("PIPELINING", "8BITMIME"))  # no DSN: reports are ours
    yield server
    server.close()


@pytest.fixture(scope="module")
def relay(sink):
    """Running, all remote mail goes to the sink; alice and bob; retries only when flushed."""
    inst = Instance()
    inst.setup()
    inst.set("remote.policy", "relay")
    inst.set("remote.relay_hosts", f"127.0.0.2:{sink.port}")
    inst.start()
    inst.add_user("alice@d.test", PASSWORD)
    inst.add_user("bob@d.test", PASSWORD)
    yield inst
    inst.close()


@pytest.fixture(autouse=True)
def clean(request):
    if "relay" not in request.fixturenames:
        yield
        return
    inst, server = request.getfixturevalue("relay"), request.getfixturevalue("sink")
    server.replies = dict(LATER)
    server.messages.clear()
    yield
    if inst.run("status", check=False).returncode == 0:
        inst.run("queue", "delete", "ALL")
        wait_for(lambda: inst.json("queue", "list") == [], 20, "queue empty again")


def submit(inst, rcpts, text="hello", sender="alice@d.test", subject="test", **options):
    context = ssl._create_unverified_context()
    with smtplib.SMTP("127.0.0.1", inst.port("submission"), timeout=20) as client:
        client.starttls(context=context)
        client.login("alice@d.test", PASSWORD)
        client.ehlo()
        client.sendmail(sender, rcpts, f"From: {sender}\r\nTo: x\r\nSubject: {subject}\r\n"
                        f"Message-ID: <{time.monotonic_ns()}@test>\r\n\r\n{text}\r\n", **options)


def mailbox(inst, user):
    client = imaplib.IMAP4_SSL("127.0.0.1", inst.port("imaps"),
                               ssl_context=ssl._create_unverified_context())
    client.login(user, PASSWORD)
    status, data = client.select("INBOX")
    assert status == "OK", data
    found = []
    for number in client.search(None, "ALL")[1][0].split():
        raw = client.fetch(number, "(RFC822)")[1][0][1]
        found.append(email.message_from_bytes(raw, policy=email.policy.default))
    client.logout()
    return found


def listed(inst, state="deferred"):
    return [m for m in inst.json("queue", "list") if m["state"] == state]


def wait_deferred(inst, count=1):
    return wait_for(lambda: (lambda m: m if len(m) == count else None)(listed(inst)), 20,
                    f"{count} deferred")


def report_of(inst, user, subject):
    """The delivery status notification that came back for the mail with this subject."""
    def find():
        for message in mailbox(inst, user):
            if message.get_content_type() == "multipart/report" and subject in message.as_string():
                return message
        return None
    return wait_for(find, 20, f"a report about {subject}")


def test_empty_queue_is_an_empty_list(relay):
    wait_for(lambda: relay.json("queue", "list") == [], 20, "empty")
    assert relay.run("queue", "list").out == ""


def test_deferral_is_listed_and_flush_delivers(relay, sink):
    submit(relay, ["later@far.test", "bob@d.test", "now@far.test"])
    (message,) = wait_deferred(relay)
    assert message["status"] == "waiting for retry"
    assert message["sender"] == "alice@d.test"
    assert message["recipients"] == ["later@far.test"]
    assert message["recipient_count"] == 3 and message["attempts"] == 1
    assert message["size"] > 0 and message["received"].endswith("Z")
    assert message["last_attempt"] < message["next_attempt"]
    assert "451 4.2.0" in message["reason"]
    submit(relay, ["later@far.test", "later@other.test"], subject="two")
    wait_deferred(relay, 2)
    assert "later@far.test;later@other.test" in relay.run("queue", "list").out
    assert len(sink.delivered("now@far.test")) == 1  # the others were not held up
    sink.replies.clear()
    relay.run("queue", "flush", "far.test")
    wait_for(lambda: sink.delivered("later@far.test"), 20, "the second attempt")
    relay.run("queue", "flush")
    wait_for(lambda: relay.json("queue", "list") == [], 20, "queue empty")
    assert len(sink.delivered("now@far.test")) == 1


def test_show_has_each_recipient(relay, sink):
    submit(relay, ["later@far.test", "now@far.test"], text="the content")
    (message,) = wait_deferred(relay)
    shown = relay.json("queue", "show", message["id"])
    assert shown["id"] == message["id"]
    states = {r["address"]: r["status"] for r in shown["recipient_status"]}
    assert states == {"later@far.test": "deferred", "now@far.test": "delivered"}
    assert message["id"] in relay.run("queue", "show", message["id"]).out
    content = relay.run("queue", "show", message["id"], "--content").out
    assert "the content" in content and content.startswith("Return-Path: <alice@d.test>")
    assert relay.run("queue", "show", "nosuch", check=False).returncode == 1


def test_hold_release_and_delete(relay, sink):
    submit(relay, ["later@far.test"])
    (message,) = wait_deferred(relay)
    relay.run("queue", "hold", message["id"])
    assert wait_for(lambda: listed(relay, "hold"), 10, "held")[0]["status"] == "on hold"
    sink.replies.clear()
    relay.run("queue", "flush")
    submit(relay, ["behind@far.test"])
    wait_for(lambda: sink.delivered("behind@far.test"), 20, "what came after the flush")
    assert not sink.delivered("later@far.test")
    relay.run("queue", "release", message["id"])
    wait_for(lambda: sink.delivered("later@far.test"), 20, "released")
    sink.replies = dict(LATER)
    submit(relay, ["later@far.test"])
    (message,) = wait_deferred(relay)
    relay.run("queue", "delete", message["id"])
    assert relay.json("queue", "list") == []
    assert relay.run("queue", "delete", message["id"], check=False).returncode == 1


def test_bounce_is_a_report(relay):
    submit(relay, ["never@far.test"], subject="to bounce",
           mail_options=["ENVID=QQ314159", "RET=HDRS"],
           rcpt_options=["ORCPT=rfc822;first+2Blast@far.test"])
    report = report_of(relay, "alice@d.test", "to bounce")
    assert report.get_param("report-type") == "delivery-status"
    assert report["Return-Path"] == "<>" and report["To"] == "alice@d.test"
    assert report["Auto-Submitted"] == "auto-replied"
    text, status, original = report.iter_parts()
    assert "never@far.test" in text.get_content()
    assert status.get_content_type() == "message/delivery-status"
    per_message, per_rcpt = status.get_payload()
    assert per_message["Reporting-MTA"] == "dns; mail.d.test"
    assert per_message["Original-Envelope-Id"] == "QQ314159"
    assert per_message["Arrival-Date"]
    assert per_rcpt["Final-Recipient"] == "rfc822; never@far.test"
    assert per_rcpt["Original-Recipient"] == "rfc822; first+last@far.test"
    assert per_rcpt["Action"] == "failed" and per_rcpt["Status"] == "5.1.1"
    assert "550 5.1.1 no such user here" in per_rcpt["Diagnostic-Code"]
    assert original.get_content_type() == "text/rfc822-headers"
    assert "Subject: to bounce" in original.as_string() and "hello" not in original.as_string()
    assert not report.defects


def test_bounce_returns_the_message_on_request(relay):
    submit(relay, ["never@far.test"], subject="whole back", text="all of it", mail_options=["RET=FULL"])
    report = report_of(relay, "alice@d.test", "whole back")
    original = list(report.iter_parts())[2]
    assert original.get_content_type() == "message/rfc822"
    assert "all of it" in original.as_string()


def test_notify_is_honoured(relay):
    submit(relay, ["never@far.test"], subject="say nothing", rcpt_options=["NOTIFY=NEVER"])
    submit(relay, ["bob@d.test"], subject="say yes", rcpt_options=["NOTIFY=SUCCESS"])
    report = report_of(relay, "alice@d.test", "say yes")
    status = list(report.iter_parts())[1].get_payload()[1]
    assert status["Action"] == "delivered" and status["Status"].startswith("2.")
    submit(relay, ["x@far.test"], subject="say relayed", rcpt_options=["NOTIFY=SUCCESS"])
    report = report_of(relay, "alice@d.test", "say relayed")
    assert list(report.iter_parts())[1].get_payload()[1]["Action"] == "relayed"
    assert not any("say nothing" in m.as_string() for m in mailbox(relay, "alice@d.test"))


def test_deleted_user_bounces_after_acceptance(relay):
    relay.add_user("carol@d.test", PASSWORD)
    relay.run("service", "stop", "local")
    submit(relay, ["carol@d.test"], subject="carol has gone")
    (message,) = wait_for(lambda: relay.json("queue", "list"), 20, "in the queue")
    relay.run("queue", "hold", message["id"])
    wait_for(lambda: listed(relay, "hold"), 10, "held")
    relay.run("service", "start", "local")
    relay.run("user", "del", "carol@d.test", "--yes")
    relay.run("queue", "release", message["id"])
    report = report_of(relay, "alice@d.test", "carol has gone")
    assert list(report.iter_parts())[1].get_payload()[1]["Status"] == "5.1.1"


def local_workers(inst):
    parents = [pid for pid, command in inst.processes().items() if "local-deliver" in command]
    return [pid for pid in parents
            if int(open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[1]) in parents]


def test_killed_workers_are_replaced(relay):
    old = wait_for(lambda: local_workers(relay), 10, "workers")
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    submit(relay, ["alice@d.test"], subject="after the workers")
    wait_for(lambda: any(m["Subject"] == "after the workers" for m in mailbox(relay, "alice@d.test")), 10, "the mail")
    wait_for(lambda: len(local_workers(relay)) == len(old), 10, "as many workers as before")


class StoppedWorkers:
    """Jobs reach the workers of local delivery and lie there; the store's keeper goes on."""

    def __init__(self, inst):
        self.inst = inst

    def __enter__(self):
        self.pids = wait_for(lambda: local_workers(self.inst), 10, "workers")
        for pid in self.pids:
            os.kill(pid, signal.SIGSTOP)

    def __exit__(self, *_):
        for pid in self.pids:
            os.kill(pid, signal.SIGCONT)


def store_of(inst, domain="d.test"):
    return {path.name for path in (inst.root / "store" / domain).glob("??/*")}


def expanded(inst):
    return inst.log("queue").count("event=expanded")


def test_renamed_user_gets_the_mail_that_was_under_way(relay):
    relay.add_user("dora@d.test", PASSWORD)
    wait_for(lambda: "dora" in store_of(relay), 10, "the directory")
    before = expanded(relay)
    with StoppedWorkers(relay):
        submit(relay, ["dora@d.test"], subject="on the way")
        wait_for(lambda: expanded(relay) > before, 10, "expanded to the old path")
        relay.run("user", "rename", "dora@d.test", "dorothea@d.test")
        relay.run("alias", "add", "dora@d.test", "dorothea@d.test")
        wait_for(lambda: "dorothea" in store_of(relay), 10, "moved")
    wait_for(lambda: any(m["Subject"] == "on the way" for m in mailbox(relay, "dorothea@d.test")),
             10, "the mail in its new place")
    assert "dora" not in store_of(relay)
    relay.run("user", "del", "dorothea@d.test", "--yes")


def test_deleted_user_is_not_brought_back_by_mail_under_way(relay):
    relay.add_user("emil@d.test", PASSWORD)
    wait_for(lambda: "emil" in store_of(relay), 10, "the directory")
    before = expanded(relay)
    with StoppedWorkers(relay):
        submit(relay, ["emil@d.test"], subject="emil has gone")
        wait_for(lambda: expanded(relay) > before, 10, "expanded to the old path")
        relay.run("user", "del", "emil@d.test", "--yes")
        wait_for(lambda: "emil" not in store_of(relay), 10, "removed")
    report = report_of(relay, "alice@d.test", "emil has gone")
    assert list(report.iter_parts())[1].get_payload()[1]["Status"] == "5.1.1"
    assert "emil" not in store_of(relay)


def test_renamed_domain_while_mail_is_deferred(relay):
    relay.set("local.over_quota", "defer")
    relay.run("reload")
    relay.run("domain", "add", "old.test")
    relay.add_user("fred@old.test", PASSWORD)
    relay.run("user", "set", "fred@old.test", "quota_messages=1", "warning_limit=0")
    relay.run("group", "add", "crew@d.test", "--member", "fred@old.test")
    submit(relay, ["crew@d.test"], subject="the first")
    wait_for(lambda: mailbox(relay, "fred@old.test"), 20, "delivered")
    submit(relay, ["crew@d.test"], subject="the second")
    wait_deferred(relay)
    relay.run("domain", "rename", "old.test", "new.test")
    relay.run("user", "set", "fred@new.test", "quota_messages=0")
    relay.run("queue", "flush")
    wait_for(lambda: len(mailbox(relay, "fred@new.test")) == 2, 20, "both in the new place")
    assert store_of(relay, "old.test") == set()
    relay.set("local.over_quota", "bounce")
    relay.run("reload")
    relay.run("group", "del", "crew@d.test")
    relay.run("user", "del", "fred@new.test", "--yes")


def test_lost_directory_is_made_again(relay):
    relay.add_user("gina@d.test", PASSWORD)
    wait_for(lambda: "op=create path=d.test" in relay.log("account") and
             "/gina" in relay.log("account"), 10, "the directory")
    (path,) = (relay.root / "store/d.test").glob("??/gina")
    shutil.rmtree(path)
    submit(relay, ["gina@d.test"], subject="anew")
    wait_for(lambda: any(m["Subject"] == "anew" for m in mailbox(relay, "gina@d.test")), 20, "there")
    relay.run("user", "del", "gina@d.test", "--yes")


def test_damaged_file_goes_aside(relay):
    (relay.root / "queue/new/damaged").write_bytes(b"Subject: x\r\n\r\nno envelope at all\r\n")
    submit(relay, ["bob@d.test"], subject="after the damage")
    wait_for(lambda: (relay.root / "queue/corrupt/damaged").exists(), 20, "moved aside")
    wait_for(lambda: any(m["Subject"] == "after the damage" for m in mailbox(relay, "bob@d.test")),
             20, "the other mail is delivered")
    relay.wait_log("queue", "event=corrupt queue_id=damaged")
    assert relay.json("queue", "list")[0]["status"] == "damaged"
    relay.run("queue", "delete", "damaged")
    assert relay.json("queue", "list") == []


def test_what_cannot_be_read_goes_aside_and_holds_up_nothing(relay, sink):
    new = relay.root / "queue/new"
    submit(relay, ["later@far.test"], subject="deferred")
    (message,) = wait_deferred(relay)
    (new / "unreadable").write_bytes(b"x")
    (new / "unreadable").chmod(0o600)  # root's
    os.mkfifo(new / "fifo")
    sink.replies.clear()
    relay.run("queue", "flush", message["id"])
    submit(relay, ["bob@d.test"], subject="not held up")
    wait_for(lambda: any(m["Subject"] == "not held up" for m in mailbox(relay, "bob@d.test")), 20, "new mail")
    wait_for(lambda: sink.delivered("later@far.test"), 20, "deferred mail")
    wait_for((relay.root / "queue/corrupt/unreadable").exists, 20, "moved aside")
    wait_for(lambda: not (new / "fifo").exists(), 20, "the FIFO is gone")
    relay.run("queue", "delete", "unreadable")


def test_locked_mailbox_holds_up_no_other():
    inst = Instance()
    try:
        inst.setup()
        inst.set("local.workers", "1")
        inst.start()
        inst.add_user("alice@d.test", PASSWORD)
        inst.add_user("bob@d.test", PASSWORD)
        submit(inst, ["bob@d.test", "alice@d.test"], subject="first")
        inst.wait_queue_empty()
        (journal,) = (inst.root / "store/d.test").glob("??/bob/mail/posthorn.journal")
        with open(journal, "rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            for i in range(20):
                submit(inst, ["bob@d.test"], subject=f"waits {i}")
            begin = time.monotonic()
            submit(inst, ["alice@d.test"], subject="passes")
            wait_for(lambda: any(m["Subject"] == "passes" for m in mailbox(inst, "alice@d.test")), 20, "alice's")
            assert time.monotonic() - begin < 8  # one wait for the lock, not twenty
        wait_for(lambda: len(mailbox(inst, "bob@d.test")) == 21, 90, "bob's mail, by itself")
        inst.wait_queue_empty(60)
        assert len({m["Subject"] for m in mailbox(inst, "bob@d.test")}) == 21
    finally:
        inst.close()


def test_trace_tells_the_story(relay):
    submit(relay, ["bob@d.test"], subject="to trace")
    queue_id = wait_for(lambda: [m for m in mailbox(relay, "bob@d.test") if m["Subject"] == "to trace"],
                        20, "delivered")[0]["Received"].split(" id ")[1].split(";")[0].split()[0]
    wait_for(lambda: "event=removed" in relay.run("trace", queue_id).out, 10, "traced")
    story = relay.run("trace", queue_id).out
    order = [story.index(f"event={e}") for e in ("received", "queued", "expanded", "delivered", "removed")]
    assert order == sorted(order)


def test_restart_keeps_mail_and_times(relay, sink):
    submit(relay, ["later@far.test", "bob@d.test"], subject="over the restart")
    (before,) = wait_deferred(relay)
    relay.stop()
    assert relay.json("queue", "list") == [before]  # read from the directories
    assert relay.json("queue", "show", before["id"])["id"] == before["id"]
    assert relay.run("queue", "flush", check=False).returncode == 1
    sink.replies.clear()
    relay.start()
    submit(relay, ["behind@far.test"])
    wait_for(lambda: sink.delivered("behind@far.test"), 20, "new mail")
    after = relay.json("queue", "show", before["id"])
    assert after["next_attempt"] == before["next_attempt"] and not sink.delivered("later@far.test")
    relay.run("queue", "flush", before["id"])
    wait_for(lambda: sink.delivered("later@far.test"), 20, "delivered after the restart")
    wait_for(lambda: relay.json("queue", "list") == [], 20, "queue empty")
    subjects = [m["Subject"] for m in mailbox(relay, "bob@d.test")]
    assert subjects.count("over the restart") == 1


def test_emptied_spool_is_made_again(relay):
    relay.stop()
    for state in ("tmp", "new", "active", "deferred", "hold", "corrupt"):
        directory = relay.root / "queue" / state
        for entry in directory.iterdir():
            entry.unlink()
        directory.rmdir()
    assert relay.json("queue", "list") == []
    relay.start()
    submit(relay, ["bob@d.test"], subject="new spool")
    wait_for(lambda: any(m["Subject"] == "new spool" for m in mailbox(relay, "bob@d.test")), 20, "delivered")


def test_retry_comes_by_itself_and_lifetime_ends(sink):
    inst = Instance()
    try:
        inst.setup()
        for name, value in {"remote.policy": "relay", "remote.relay_hosts": f"127.0.0.2:{sink.port}",
                            "queue.retry_interval": "1s", "queue.retry_max": "1s",
                            "queue.lifetime": "4s"}.items():
            inst.set(name, value)
        inst.start()
        inst.add_user("alice@d.test", PASSWORD)
        sink.replies = dict(LATER)
        submit(inst, ["later2@far.test"], subject="in vain")
        report = report_of(inst, "alice@d.test", "in vain")
        assert sink.asked("later2@far.test") >= 3
        status = list(report.iter_parts())[1].get_payload()[1]
        assert status["Action"] == "failed" and status["Status"] == "4.4.7"
        assert inst.json("queue", "list") == []
    finally:
        inst.close()
