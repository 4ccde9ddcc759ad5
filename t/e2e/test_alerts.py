"""alertd: what is wrong is told by mail and to URLs, once, and so is that it is over."""
import datetime
import email
import email.policy
import hashlib
import hmac
import json
import os
import re
import signal
import smtplib

import pytest

from disk import Disk
from hooks import Hooks
from instance import Instance, wait_for
from mailbox import messages
from pki import Authority

BOSS = "boss@d.test"
SECRET = "a secret of the test"
DEADLINE = 40


def prepare(inst, *urls):
    inst.setup()
    inst.set("alert.webhooks", " ".join(urls))
    inst.set("alert.recipients", BOSS)
    for name, value in (("check", "1s"), ("interval", "1s"), ("settle", "2s")):
        inst.set(f"alert.{name}", value)


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture(scope="module")
def hooks(authority):
    context, _ = authority.issue("127.0.0.1")
    pair = Hooks(), Hooks(tls=context)
    yield pair
    for one in pair:
        one.close()


@pytest.fixture(scope="module")
def inst(authority, hooks):
    instance = Instance()
    plain, tls = hooks
    try:
        prepare(instance, f"http://127.0.0.1:{plain.port}/plain", f"https://127.0.0.1:{tls.port}/tls?x=1")
        authority.write(instance.root / "etc/authority.pem")
        instance.set("remote.verify_ca", "authority.pem")
        secret = instance.root / "etc/hook.secret"
        secret.write_text(SECRET + "\n")
        secret.chmod(0o600)
        instance.set("alert.webhook_secret", "hook.secret")
        instance.run("password", "seal", "alert.webhook_secret", "--in-place")
        assert secret.read_text().startswith("{SEALED1}")
        instance.start()
        instance.add_user(BOSS)
        yield instance
    finally:
        instance.close()


def listed(inst):
    return {row["name"]: row for row in inst.json("alert", "list")}


def mails(inst):
    return [email.message_from_bytes(m, policy=email.policy.default) for m in messages(inst, BOSS)]


def told(hook, state, name):
    return [text for s, n, text in hook.alerts() if (s, n) == (state, name)]


def wait_told(hook, state, name, count=1):
    return wait_for(lambda: len(told(hook, state, name)) >= count and told(hook, state, name), DEADLINE, f"{state} {name}")


def pids(inst, program):
    return [int(row["pid"]) for row in json.loads(inst.run("status", "--json", check=False).out) if row["program"] == program and row["state"] == "running" and row["pid"]]


def test_a_trial_reaches_everybody(inst, hooks):
    plain, tls = hooks
    rows = inst.json("alert", "test")
    assert [row["result"] for row in rows] == ["done"] * 3, rows
    for hook, path in ((plain, "/plain"), (tls, "/tls?x=1")):
        (where, headers, body), = [post for post in hook.posts if b'"test"' in post[2]]
        assert where == path and headers["Content-Type"] == "application/json"
        assert headers["Host"] == f"127.0.0.1:{hook.port}"
        assert headers["X-Posthorn-Signature"] == "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        assert json.loads(body)["host"] == inst.hostname
    mail = wait_for(lambda: [m for m in mails(inst) if "test" in m["Subject"]], DEADLINE, "the mail")[0]
    assert mail["From"].endswith("<postmaster@mail.d.test>") and mail["To"] == BOSS
    assert mail["Auto-Submitted"] == "auto-generated" and "nothing is wrong" in mail.get_content()


def test_who_cannot_be_told_is_named(inst, hooks):
    plain, _ = hooks
    plain.status = 500
    try:
        done = inst.run("alert", "test", "--json", check=False)
    finally:
        plain.status = 200
    results = {row["way"]: row["result"] for row in json.loads(done.out)}
    assert done.returncode == 1 and results[f"http://127.0.0.1:{plain.port}/plain"] == "failed: the HTTP status is not 2xx"
    assert results["mail"] == "done"


def test_a_certificate_of_strangers_is_not_trusted(inst, hooks):
    stranger = Hooks(tls=Authority("Nobody").issue("127.0.0.1")[0])
    urls = inst.run("config", "get", "alert.webhooks").out.strip()
    inst.set("alert.webhooks", f"https://127.0.0.1:{stranger.port}/")
    inst.run("reload")
    try:
        done = inst.run("alert", "test", "--json", check=False)
        assert done.returncode == 1 and not stranger.posts
        assert "certificate" in [row["result"] for row in json.loads(done.out) if row["way"] != "mail"][0]
    finally:
        inst.set("alert.webhooks", urls)
        inst.run("reload")
        stranger.close()


def test_a_service_that_dies_again_and_again(inst, hooks):
    plain, tls = hooks
    for _ in range(3):
        (pid,) = wait_for(lambda: pids(inst, "filterd"), DEADLINE, "filterd runs")
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: pid not in pids(inst, "filterd"), DEADLINE, "master has seen it")
    for hook in (plain, tls):
        wait_told(hook, "raised", "service:filter")
        wait_told(hook, "cleared", "service:filter")
        assert [s for s, n, _ in hook.alerts() if n == "service:filter"] == ["raised", "cleared"]
    assert "service:filter" not in listed(inst)
    subjects = wait_for(lambda: [s for s in (m["Subject"] for m in mails(inst)) if "cleared service:filter" in s], DEADLINE, "mail")
    assert len(subjects) == 1


def test_a_low_disk_is_told_once_whatever_is_restarted(inst, hooks):
    plain, _ = hooks
    queue = f"disk:{inst.root}/queue"
    inst.set("disk.soft_limit", "1024G")
    inst.run("reload")
    (text,) = wait_told(plain, "raised", queue)
    assert "disk.soft_limit" in text and re.match(r"\d+ MiB", text)
    assert listed(inst)[queue]["text"].startswith(text.split()[0][:2])
    for action in (("service", "restart", "alert"), ("restart",)):
        inst.run(*action)
        inst.run("block", "add", "192.0.2.7", "--time", "1h", "--reason", action[0])  # something else to tell
        wait_for(lambda: any(action[0] in text for text in told(plain, "raised", "block:address:192.0.2.7")), DEADLINE, "the block")
        inst.run("block", "lift", "192.0.2.7")
        wait_for(lambda: "block:address:192.0.2.7" not in listed(inst), DEADLINE, "the block is lifted")
    assert len(told(plain, "raised", queue)) == 1 and not told(plain, "still", queue)
    inst.set("disk.soft_limit", "0")
    inst.run("reload")
    wait_told(plain, "cleared", queue)
    assert queue not in listed(inst)


def test_a_block_is_reported_with_its_reason_and_how_to_lift_it(inst, hooks):
    plain, _ = hooks
    inst.run("block", "add", "192.0.2.99", BOSS, "--time", "2h", "--reason", "too eager")
    (text,) = wait_told(plain, "raised", "block:address:192.0.2.99")
    assert "by hand: too eager" in text and "posthorn block lift 192.0.2.99" in text and re.search(r"until 20\d\d-", text)
    wait_told(plain, "raised", f"block:user:{BOSS}")
    inst.run("block", "lift", "192.0.2.99", BOSS)
    wait_for(lambda: not [name for name in listed(inst) if name.startswith("block:")], DEADLINE, "no block is listed")
    assert not told(plain, "cleared", "block:address:192.0.2.99")
    inst.run("block", "add", "192.0.2.98", "--time", "1h")
    wait_for(lambda: "block:address:192.0.2.98" in listed(inst), DEADLINE, "it is listed")
    inst.run("service", "stop", "alert")
    inst.run("block", "lift", "192.0.2.98")
    inst.run("service", "start", "alert")
    wait_for(lambda: "block:address:192.0.2.98" not in listed(inst), DEADLINE, "what was lifted meanwhile is not listed")
    inst.run("block", "add", "192.0.2.97", "--time", "4s")
    wait_told(plain, "raised", "block:address:192.0.2.97")
    wait_for(lambda: "block:address:192.0.2.97" not in listed(inst), DEADLINE, "it ends by itself")


def test_a_long_and_an_old_queue(inst, hooks):
    plain, _ = hooks
    inst.set("alert.queue_length", "3")
    inst.set("alert.queue_age", "1s")
    inst.run("alert", "silence", "queue:age", "--for", "1h")
    inst.set("smtp.hosts_no_auth", "127.0.0.1")
    for name in ("retry_interval", "retry_max"):  # what is deleted counts until its next attempt
        inst.set(f"queue.{name}", "2s")
    inst.run("reload")
    with smtplib.SMTP("127.0.0.1", inst.port("smtp"), timeout=30) as smtp:
        for i in range(3):
            smtp.sendmail(BOSS, "far@[127.0.0.9]", f"Subject: {i}\r\n\r\nx\r\n")  # where nobody listens
    wait_for(lambda: "queue:age" in listed(inst), DEADLINE, "a look at all of them, the age behind the length")
    assert "queue:length" not in listed(inst), "as many as may be"
    inst.set("alert.queue_length", "2")
    inst.run("reload")
    (text,) = wait_told(plain, "raised", "queue:length")
    assert text == "3 messages wait for delivery (alert.queue_length 2)"
    row = wait_for(lambda: listed(inst).get("queue:age"), DEADLINE, "the age")
    assert row["silenced"] and not told(plain, "raised", "queue:age")
    inst.run("alert", "silence", "queue:age", "--off")
    wait_told(plain, "raised", "queue:age")
    inst.run("queue", "delete", inst.json("queue", "list")[0]["id"])
    wait_for(lambda: listed(inst)["queue:length"]["text"].startswith("2 messages"), DEADLINE, "as many as may be: no end of it yet")
    inst.run("queue", "delete", *[row["id"] for row in inst.json("queue", "list")])
    wait_told(plain, "cleared", "queue:length")
    wait_told(plain, "cleared", "queue:age")


def test_what_lasts_is_told_again(inst, hooks):
    plain, _ = hooks
    queue = f"disk:{inst.root}/queue"
    inst.set("alert.remind", "2s")
    inst.set("disk.soft_limit", "1024G")
    before = len(told(plain, "still", queue))
    inst.run("reload")
    wait_told(plain, "still", queue, before + 2)
    inst.set("disk.soft_limit", "0")
    inst.set("alert.remind", "1d")
    inst.run("reload")
    wait_for(lambda: queue not in listed(inst), DEADLINE, "it is over")


def test_what_could_not_be_told_is_told_later(inst, hooks):
    plain, tls = hooks
    plain.status = 503
    try:
        inst.run("block", "add", "192.0.2.55", "--time", "1h", "--reason", "later")
        wait_told(tls, "raised", "block:address:192.0.2.55")  # the others are not held up
        wait_told(plain, "raised", "block:address:192.0.2.55")  # this is refused
        inst.wait_log("alert", "event=alert_not_told way=127.0.0.1 number=1 ", DEADLINE)  # without the path
    finally:
        plain.status = 200
    before = len(told(plain, "raised", "block:address:192.0.2.55"))
    wait_told(plain, "raised", "block:address:192.0.2.55", before + 1)
    inst.run("block", "lift", "192.0.2.55")
    assert len(told(tls, "raised", "block:address:192.0.2.55")) == 1


def test_settings_that_make_no_sense_are_refused(inst):
    for name, value, why in (("recipients", "nobody", "is no address"), ("webhooks", "ftp://a.test/", "is no URL")):
        was = inst.run("config", "get", f"alert.{name}").out.strip()
        inst.set(f"alert.{name}", value)
        try:
            done = inst.run("config", "check", check=False)
            assert done.returncode != 0 and why in done.err
            assert why in inst.run("reload", check=False).err
        finally:
            inst.set(f"alert.{name}", was)


def test_a_certificate_that_expires_and_no_section(authority):
    """A new instance whose certificate is good for five days; then one as before alertd came."""
    instance, hook = Instance(), Hooks()
    try:
        prepare(instance, f"http://127.0.0.1:{hook.port}/")
        instance.set("alert.kinds", "certificate")
        authority.write_pair(instance.root / "etc/certs/cert.pem", instance.root / "etc/certs/key.pem", instance.hostname)
        instance.start()
        path = f"{instance.root}/etc/certs/cert.pem"
        (text,) = wait_told(hook, "raised", f"certificate:{path}")
        assert re.search("expires in [45] days", text)
        instance.run("block", "add", "192.0.2.1", "--time", "1h")
        assert list(listed(instance)) == [f"certificate:{path}"]  # blocks are switched off
        instance.stop()
        services = instance.root / "etc/services.conf"
        services.write_text(services.read_text().split("\n# Looks after disks")[0] + "\n")
        conf = instance.root / "etc/posthorn.conf"
        conf.write_text(re.sub(r"(?m)^alert = .*$", "", conf.read_text()))
        done = instance.run("config", "check")
        assert "starts no alertd" in done.err
        instance.start()
        assert not [row for row in instance.json("status") if row["state"] != "running"]
        assert "is the service 'alert' running" in instance.run("alert", "list", check=False).err
        assert any("starts no alertd" in row["text"] for row in json.loads(instance.run("doctor", "--json", check=False).out))
    finally:
        instance.close()
        hook.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a loop device: needs root")
def test_a_full_disk_is_told_although_no_mail_can_be_written():
    disk, hook = Disk(64 << 20), Hooks()
    instance = Instance(directory=disk.mount)
    try:
        prepare(instance, f"http://127.0.0.1:{hook.port}/")
        for name in ("soft_limit", "hard_limit"):
            instance.set(f"disk.{name}", "1M")
        for name in ("soft_files", "hard_files"):
            instance.set(f"disk.{name}", "0")
        instance.start()
        instance.add_user(BOSS)
        os.chmod(instance.root / "queue/tmp", 0o700)  # on a full disk a small file may still find its place
        disk.fill()
        (text,) = wait_told(hook, "raised", f"disk:{instance.root}/queue")
        assert "no mail is taken" in text
        wait_for(lambda: counter(instance, "alert_messages_failed") > 0, DEADLINE, "mail fails")
        disk.make_room()
        os.chmod(instance.root / "queue/tmp", 0o733)
        wait_told(hook, "cleared", f"disk:{instance.root}/queue")
    finally:
        instance.close()
        disk.close()
        hook.close()


def counter(inst, name):
    return sum(int(row["value"]) for row in inst.json("stats") if row["counter"] == name and row["service"] == "alert")


def aged(days):
    return (datetime.datetime.utcnow() - datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_users_are_warned_before_their_password_ends():
    """Each stage once, whatever is restarted; none for those whom it does not concern."""
    instance = Instance()
    try:
        instance.setup()
        instance.set("account.password_warning", "7 3")
        instance.start()
        instance.run("domain", "set", "d.test", "password_max_age=30", "system_sender=help@d.test")
        people = {"soon": 28.5, "later": 25, "fresh": 1, "off": 28, "over": 40}
        for name in people:
            instance.add_user(f"{name}@d.test")
        text = instance.run("export").out
        for name, days in people.items():
            text, n = re.subn(rf"(?s)(\nuser {name}@d\.test\n.*?\n    password_changed )\S+", rf"\g<1>{aged(days)}", text, count=1)
            assert n == 1, text
        instance.run("import", "--replace", stdin=text)
        instance.run("user", "set", "off@d.test", "status=disabled")
        instance.run("service", "stop", "alert")
        (instance.root / "db/alerts/passwords").unlink()  # nobody has looked yet
        instance.run("service", "start", "alert")
        (mail,) = wait_for(lambda: messages(instance, "soon@d.test"), DEADLINE, "the warning")
        mail = email.message_from_bytes(mail, policy=email.policy.default)
        assert "2 days" in mail["Subject"] and "soon@d.test" in mail.get_content() and mail["From"].endswith("<help@d.test>")
        (mail,) = wait_for(lambda: messages(instance, "later@d.test"), DEADLINE, "the other warning")
        assert b"5 days" in mail
        instance.run("service", "restart", "alert")
        wait_for(lambda: counter(instance, "password_warnings") >= 2, DEADLINE, "both counted")
        instance.wait_queue_empty()
        assert [len(messages(instance, f"{n}@d.test")) for n in ("soon", "later", "fresh")] == [1, 1, 0]
        assert counter(instance, "password_warnings") == 2
    finally:
        instance.close()
