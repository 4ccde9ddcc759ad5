"""What notices say and who gets them: templates (QUE-06, QUE-14), unknown mailboxes (DIR-09)."""
import smtplib

import pytest

from conftest import PASSWORD
from instance import Instance, wait_for
from smtp_sink import Sink
from test_queue import mailbox, report_of, submit


@pytest.fixture(scope="module")
def sink():
    server = Sink(replies={"RCPT never*": "550 5.1.1 no such user here", "RCPT later*": "451 4.2.0 come back later"},
                  extensions=("PIPELINING", "8BITMIME"))  # no DSN: reports are ours
    yield server
    server.close()


@pytest.fixture(scope="module")
def relay(sink):
    inst = Instance()
    inst.setup()
    inst.set("remote.policy", "relay")
    inst.set("remote.relay_hosts", f"127.0.0.2:{sink.port}")
    inst.start()
    for name in ("alice", "boss"):
        inst.add_user(f"{name}@d.test", PASSWORD)
    yield inst
    inst.close()


def from_outside(inst, rcpt, subject, sender="stranger@far.test", header=""):
    with smtplib.SMTP("127.0.0.1", inst.port("smtp"), timeout=20) as client:
        client.sendmail(sender, [rcpt], f"{header}From: x@far.test\r\nTo: x\r\nSubject: {subject}\r\n\r\n.\r\n")


def text_of(report):
    return list(report.iter_parts())[0].get_content().replace("\r\n", "\n")


def subjects(inst, user):
    return [m["Subject"] for m in mailbox(inst, user)]


def test_setup_brings_the_templates(relay):
    for language in ("en", "zh-CN"):
        names = {path.name for path in (relay.root / "etc/templates" / language).iterdir()}
        assert names >= {"bounce.txt", "delay.txt", "success.txt", "notice.txt", "welcome.txt"}
    assert "template_not_used" not in relay.log("queue")


def test_bounce_has_the_shipped_text(relay):
    submit(relay, ["never@far.test"], subject="shipped")
    report = report_of(relay, "alice@d.test", "shipped")
    text = text_of(report)
    assert report["Subject"] == "Undelivered mail: returned to sender"
    assert "This is the mail system at mail.d.test." in text
    assert "<never@far.test>\n    host: " in text and "550 5.1.1 no such user here" in text
    assert "@" + "recipients@" not in text


def test_answer_to_a_notice_reaches_the_postmaster(relay):
    submit(relay, ["never@far.test"], subject="whom to ask")
    report = report_of(relay, "alice@d.test", "whom to ask")
    address = report["From"].addresses[0].addr_spec
    relay.run("user", "passwd", "postmaster@d.test", "--password-stdin", stdin=PASSWORD + "\n")
    submit(relay, [address], subject="please help")
    wait_for(lambda: "please help" in subjects(relay, "postmaster@d.test"), 20, "the answer")


def test_success_names_what_happened(relay):
    submit(relay, ["boss@d.test", "x@far.test"], subject="did it arrive", rcpt_options=["NOTIFY=SUCCESS"])
    report = report_of(relay, "alice@d.test", "did it arrive")
    text = text_of(report)
    assert "<boss@d.test>\n    delivered\n" in text and "    relayed\n" in text


def test_own_templates_are_used_and_broken_ones_are_not():
    inst = Instance()
    try:
        inst.setup()
        templates = inst.root / "etc/templates/en"
        (templates / "bounce.txt").write_text(
            "Subject: Rückläufer von @hostname@\n\nGrüße, @sender@!\n@recipients@\n")
        (templates / "delay.txt").write_text("Subject: no list\n\n@recipeints@\n")
        (templates / "success.txt").unlink()
        inst.start()
        inst.add_user("alice@d.test", PASSWORD)
        log = inst.log("queue")
        assert log.count("event=template_not_used") == 1 and "en/delay.txt:3: '@recipeints@'" in log
        assert "event=template_built_in file=success.txt language=en" in log
        inst.run("group", "add", "none@d.test")  # nobody in it: fails after it was taken
        submit(inst, ["none@d.test"], subject="comes back")
        report = report_of(inst, "alice@d.test", "comes back")
        assert report["Subject"] == "Rückläufer von mail.d.test"
        assert text_of(report).startswith("Grüße, alice@d.test!")
        submit(inst, ["alice@d.test"], subject="built in", rcpt_options=["NOTIFY=SUCCESS"])
        assert "You asked to be told" in report_of(inst, "alice@d.test", "built in").as_string()
        assert inst.log("queue").count("event=template_not_used") == 1
        (templates / "bounce.txt").write_text("Subject: another one\n\n@recipients@\n")
        inst.run("reload")
        submit(inst, ["none@d.test"], subject="after the reload")
        assert report_of(inst, "alice@d.test", "after the reload")["Subject"] == "another one"
    finally:
        inst.close()


def test_delay_notice_has_its_text(sink):
    inst = Instance()
    try:
        inst.setup()
        for name, value in {"remote.policy": "relay", "remote.relay_hosts": f"127.0.0.2:{sink.port}",
                            "queue.retry_interval": "1s", "queue.retry_max": "1s",
                            "queue.delay_notice": "1s"}.items():
            inst.set(name, value)
        inst.start()
        inst.add_user("alice@d.test", PASSWORD)
        submit(inst, ["later@far.test"], subject="slow one")
        report = report_of(inst, "alice@d.test", "slow one")
        _, status, _ = report.iter_parts()
        assert report["Subject"] == "Delayed mail: still being tried"
        assert "451 4.2.0 come back later" in text_of(report)
        per_rcpt = status.get_payload()[1]
        assert per_rcpt["Action"] == "delayed" and per_rcpt["Status"] == "4.2.0"
        assert per_rcpt["Will-Retry-Until"] in text_of(report)
    finally:
        inst.close()


def test_copies_and_dropped_bounces():
    """queue.postmaster_copies; a bounce of a bounce of a bounce ends in the log."""
    inst = Instance()
    try:
        inst.setup()
        inst.set("queue.postmaster_copies", "bounce")
        inst.set("smtp.postmaster", "boss@d.test")
        inst.start()
        for name in ("alice", "boss"):
            inst.add_user(f"{name}@d.test", PASSWORD)
        inst.run("group", "add", "none@d.test")
        submit(inst, ["none@d.test"], subject="for both", rcpt_options=["NOTIFY=FAILURE"])
        report_of(inst, "alice@d.test", "for both")
        copy = report_of(inst, "boss@d.test", "for both")
        text, status, original = copy.iter_parts()
        assert copy["Subject"] == "Mail that could not be delivered" and "from <alice@d.test>" in text.get_content()
        assert status.get_payload()[1]["Final-Log-ID"] == status.get_payload()[0]["X-Posthorn-Queue-ID"]
        assert original.get_content_type() == "text/rfc822-headers"
        inst.set("smtp.postmaster", "none@d.test")
        inst.run("reload")
        submit(inst, ["none@d.test"], subject="goes nowhere", sender="none@d.test")
        inst.wait_log("queue", 'event=bounce_dropped')
        inst.wait_queue_empty()
        assert 'reason="a double bounce failed"' in inst.log("queue")
    finally:
        inst.close()


# ---- DIR-09 ----

def test_unknown_bounce_is_refused_in_the_session(relay):
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        from_outside(relay, "ghost@d.test", "refused")
    assert refused.value.recipients["ghost@d.test"][0] == 550


def test_unknown_notify_bounces_and_tells_the_administrator(relay, sink):
    assert relay.run("domain", "set", "d.test", "unknown=notify", check=False).returncode == 1
    relay.run("domain", "set", "d.test", "admin_address=boss@d.test", "unknown=notify")
    from_outside(relay, "ghost@d.test", "whose is this")
    wait_for(lambda: sink.delivered("stranger@far.test"), 20, "the sender's bounce")
    notice = report_of(relay, "boss@d.test", "whose is this")
    assert notice["Subject"] == "Mail that could not be delivered" and notice["Return-Path"] == "<>"
    assert notice["To"] == "boss@d.test"
    _, status, _ = notice.iter_parts()
    assert "from <stranger@far.test>" in text_of(notice)
    assert status.get_payload()[1]["Final-Recipient"] == "rfc822; ghost@d.test"
    assert status.get_payload()[1]["Status"] == "5.1.1"


def test_unknown_notify_to_a_missing_administrator_ends(relay):
    relay.run("domain", "set", "d.test", "admin_address=nobody-there@d.test", "unknown=notify")
    from_outside(relay, "ghost@d.test", "in vain")
    relay.wait_queue_empty()
    assert relay.log("queue").count("kind=unknown_mailbox to=nobody-there@d.test") <= 1
    relay.run("domain", "set", "d.test", "admin_address=boss@d.test")


def test_unknown_deliver_goes_to_the_named_mailbox(relay):
    relay.run("domain", "set", "d.test", "unknown=deliver", "unknown_address=boss@d.test")
    from_outside(relay, "ghost@d.test", "for whoever")
    wait_for(lambda: "for whoever" in subjects(relay, "boss@d.test"), 20, "delivered")


def test_unknown_deliver_goes_outside(relay, sink):
    relay.run("domain", "set", "d.test", "unknown=deliver", "unknown_address=catch@all.test")
    from_outside(relay, "ghost@d.test", "out of here")
    wait_for(lambda: sink.delivered("catch@all.test"), 20, "sent on")


def test_unknown_remote_goes_to_the_same_address_and_not_round(relay, sink):
    relay.run("domain", "set", "d.test", "unknown=remote")
    from_outside(relay, "ghost@d.test", "elsewhere")
    (message,) = wait_for(lambda: sink.delivered("ghost@d.test"), 20, "sent on")
    assert b"Delivered-To: ghost@d.test" in message.content
    from_outside(relay, "ghost@d.test", "back again", header="Delivered-To: ghost@d.test\r\n")
    wait_for(lambda: any(b"back again" in m.content for m in sink.delivered("stranger@far.test")), 20, "bounce")
    assert len(sink.delivered("ghost@d.test")) == 1
    relay.wait_log("queue", "event=loop")


@pytest.mark.parametrize("policy", ["notify", "deliver", "remote"])
def test_unknown_policy_survives_other_changes(relay, policy, tmp_path):
    relay.run("domain", "set", "d.test", f"unknown={policy}", "unknown_address=boss@d.test",
              "admin_address=boss@d.test")
    relay.run("domain", "set", "d.test", "description=something else")
    relay.add_user("new@d.test", PASSWORD)
    relay.run("user", "del", "new@d.test", "--yes")
    relay.run("domain", "rename", "d.test", "moved.test")
    shown = relay.json("domain", "show", "moved.test")
    assert shown["unknown"] == policy
    assert shown["unknown_address"] == shown["admin_address"] == "boss@moved.test"
    relay.run("domain", "rename", "moved.test", "d.test")
    (tmp_path / "base").write_text(relay.run("export").out)
    relay.run("import", "--replace", str(tmp_path / "base"))
    relay.stop()
    relay.start()
    assert relay.json("domain", "show", "d.test")["unknown"] == policy


def test_notices_come_from_the_domains_own_address(relay):
    """QUE-16: to users of the domain and of its other name; to nobody else."""
    relay.run("domain", "add", "own.test", "system_sender=care@help.test")
    relay.run("domain-alias", "add", "alias.test", "own.test")
    relay.add_user("zoe@own.test", PASSWORD)

    def origin(user, sender=None):
        """Of the bounce that a mail by this user has caused."""
        mark = f"origin {len(mailbox(relay, user))}"
        submit(relay, ["never@far.test"], subject=mark, sender=sender or user)
        report = report_of(relay, user, mark)
        return report["From"]

    wait_for(lambda: "care@help.test" in origin("zoe@own.test"), 60, "the address of the domain")
    assert "care@help.test" in origin("zoe@own.test", sender="zoe@alias.test")
    assert "postmaster@" in origin("alice@d.test")
    relay.run("domain", "set", "own.test", "system_sender=Other@own.test")
    wait_for(lambda: "other@own.test" in origin("zoe@own.test").lower(), 60, "a change counts soon")
    relay.allow_small_quotas("own.test")
    relay.run("user", "set", "zoe@own.test", "quota_bytes=500000", "quota_messages=0", "warning_limit=1")
    from_outside(relay, "zoe@own.test", "filling" + "x" * 500)
    from_outside(relay, "zoe@own.test", "filling" + "x" * 500)
    warning = wait_for(lambda: [m for m in mailbox(relay, "zoe@own.test") if "quota" in str(m["Subject"]).lower()
                                or "mailbox is" in str(m["Subject"]).lower()], 20, "the warning")[0]
    assert "other@own.test" in warning["From"].lower()
    relay.run("domain", "rename", "own.test", "mine.test")
    assert relay.json("domain", "show", "mine.test")["system_sender"].lower() == "other@mine.test"
    assert relay.run("domain", "set", "mine.test", "system_sender=\u00e4@own.test", check=False).returncode == 1
