"""DKIM: what leaves is signed, other people's programs agree, and the keys are looked after."""
import os
import re
import signal
import smtplib
import ssl
import stat
import subprocess
import time
import uuid

import pytest

from conftest import PASSWORD
from dkim_tools import opendkim, signatures, verify
from instance import Instance, wait_for
from nameserver import NameServer
from smtp_sink import Sink

INSECURE = ssl._create_unverified_context()
ALGORITHMS = ["rsa-sha256", "ed25519-sha256"]


def records(instance, domain):
    """Lines for the zone of `domain`, as `dkim show` prints them."""
    return [line.replace(f".{domain}. ", " ") for line in instance.run("dkim", "show", domain).out.splitlines()
            if not line.startswith(";")]


def configure(instance, sink, stubs):
    for name, value in (("dns.stub", stubs), ("dns.unsigned", "test"), ("dns.timeout", "3s"), ("remote.port", sink.port),
                        ("remote.connect_timeout", "2s"), ("remote.workers", "4"), ("smtp.hosts_no_auth", "127.0.0.9")):
        instance.set(name, value)


@pytest.fixture(scope="module")
def sink():
    server = Sink("127.0.0.2")
    yield server
    server.close()


@pytest.fixture(scope="module")
def suite(sink):
    """d.test and e.test have keys, which are in the DNS; o.test has none."""
    inst = Instance()
    inst.setup()
    inst.run("dkim", "make", "d.test", "--selector", "one")
    inst.run("dkim", "make", "e.test", "--selector", "one")
    zone = NameServer({"far.test": ["@ MX 10 mx", "mx A 127.0.0.2"], "d.test": records(inst, "d.test"),
                       "e.test": records(inst, "e.test")})
    configure(inst, sink, f"far.test {zone.address} d.test {zone.address} e.test {zone.address}")
    inst.start()
    for domain in ("e.test", "o.test"):
        inst.run("domain", "add", domain)
    for user in ("alice@d.test", "otto@o.test"):
        inst.add_user(user, PASSWORD)
    inst.run("group", "add", "out@d.test", "--member", "someone@far.test")
    inst.zone = zone
    yield inst
    inst.close()
    zone.close()


def message(token, sender="alice@d.test", header=b"", body=b"hello\r\n"):
    return (b"From: Alice <" + sender.encode() + b">\r\nTo: x@far.test\r\nSubject: " + token.encode() + b"\r\n"
            + header + b"\r\n" + body)


def submit(suite, content, user="alice@d.test", sender=None, to="x@far.test", options=()):
    with smtplib.SMTP("127.0.0.1", suite.port("submission"), timeout=15) as client:
        client.starttls(context=INSECURE)
        client.login(user, PASSWORD)
        code, _ = client.mail(user if sender is None else sender, options)
        assert code == 250 and client.rcpt(to)[0] == 250
        code, text = client.data(content)
        assert code == 250
        return text.decode().split()[-1]


def relay(suite, content, sender, to, source="127.0.0.1", options=(), rcpt_options=()):
    with smtplib.SMTP("127.0.0.1", suite.port("smtp"), timeout=15, source_address=(source, 0)) as client:
        client.ehlo()
        assert client.mail(sender, options)[0] == 250
        assert client.rcpt(to, rcpt_options)[0] == 250
        code, text = client.data(content)
        assert code == 250
        return text.decode().split()[-1]


def arrived(sink, token):
    return wait_for(lambda: next((m for m in sink.messages if token.encode() in m.content), None), 20,
                    "message at the sink").content


def sent(suite, sink, **kwargs):
    token = uuid.uuid4().hex
    submit(suite, message(token, **kwargs))
    return arrived(sink, token)


# ---- signatures ----

BODIES = {
    "plain": b"hello\r\n",
    "empty": b"",
    "blank lines at the end": b"text\r\n\r\n \t\r\n\r\n",
    "white space": b"  two  words \t and\ttabs \t\r\n\r\n\r\n next\r\n",
    "only white space": b" \t \r\n",
    "dots": b".\r\n..dot\r\n.\r\n",
    "no line end": b"the last line has none",
    "a long line": b"word " * 190 + b"\r\n" + b"x" * 990 + b"\r\n",
    "large": b"0123456789 abcdef ghijkl\r\n" * 20000,
    "high bytes": "Gr\u00fc\u00dfe  aus K\u00f6ln \r\n".encode(),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_both_signatures_hold_for_every_body(suite, sink, body):
    token = uuid.uuid4().hex
    submit(suite, message(token, body=body), options=["BODY=8BITMIME"])
    content = arrived(sink, token)
    found = signatures(content)
    assert [s["a"] for s in found] == ALGORITHMS
    assert [s["s"] for s in found] == ["one-rsa", "one-ed25519"]
    assert all(s["c"] == "relaxed/relaxed" and s["d"] == "d.test" and s["v"] == "1" for s in found)
    assert abs(int(found[0]["t"]) - time.time()) < 60
    assert verify(content, suite.zone) == [True, True]


HEADERS = {
    "folded": b"References: <a@x>\r\n\t<b@x>\r\n   <c@x> \r\n",
    "several of one name": b"Cc: a@far.test\r\nCc: b@far.test\r\nX-Other: c\r\nCc: c@far.test\r\n",
    "empty": b"In-Reply-To:\r\nReferences: \r\n",
    "long": b"References: " + b"\r\n ".join(b"<%d@ids.test>" % i for i in range(300)) + b"\r\n",
    "mime": b"MIME-Version: 1.0\r\nContent-Type: text/plain;\r\n\tcharset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n",
    "list": b"List-Unsubscribe: <https://d.test/u>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
def test_both_signatures_hold_for_every_header(suite, sink, header):
    content = sent(suite, sink, header=header)
    assert verify(content, suite.zone) == [True, True]
    for name in re.findall(rb"^([A-Za-z-]+) ?:", header, re.M):
        if not name.startswith(b"X-"):  # RFC 8058 wants both List fields signed
            assert name.decode().lower() in signatures(content)[0]["h"].lower().replace(" ", "").split(":")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a network namespace")
def test_libopendkim_agrees(suite, sink):
    content = sent(suite, sink, header=HEADERS["several of one name"] + HEADERS["folded"], body=BODIES["white space"])
    zones = {"d.test": suite.zone.dir / "d.test.zone"}
    assert opendkim(content, zones) == [True, True]
    assert opendkim(content.replace(b"two", b"too"), zones) == [False, False]
    assert opendkim(content.replace(b"To: x@", b"Subject: second\r\nTo: x@", 1), zones) == [False, False]


def test_lines_of_the_field_are_short(suite, sink):
    head = sent(suite, sink, header=HEADERS["several of one name"]).split(b"\r\nReceived:")[0]
    assert head.startswith(b"DKIM-Signature: v=1;")
    assert max(len(line) for line in head.split(b"\r\n")) <= 78


@pytest.mark.parametrize("change", [
    (b"hello", b"hullo"), (b"Subject: ", b"Subject: Re: "), (b"From: Alice", b"From: Mallory"),
    (b"To: x@", b"From: ceo@d.test\r\nTo: x@"), (b"To: x@", b"Subject: second\r\nTo: x@"),
    (b"To: x@", b"Reply-To: mallory@far.test\r\nTo: x@"), (b"To: x@", b"Content-Type: text/html\r\nTo: x@")])
def test_what_is_changed_or_added_on_the_way_shows(suite, sink, change):
    content = sent(suite, sink)
    changed = content.replace(*change, 1)
    assert changed != content and verify(changed, suite.zone) == [False, False]
    assert verify(content.replace(b"To: x@", b"X-Spam: no\r\nTo: x@", 1), suite.zone) == [True, True]


# ---- whose mail ----

def test_a_user_cannot_borrow_another_domains_key(suite, sink):
    content = sent(suite, sink, sender="ceo@e.test")
    assert [s["d"] for s in signatures(content)] == ["d.test", "d.test"]
    assert verify(content, suite.zone) == [True, True]


def test_domain_without_key_goes_out_unsigned(suite, sink):
    token = uuid.uuid4().hex
    submit(suite, message(token, sender="alice@d.test"), user="otto@o.test")
    assert signatures(arrived(sink, token)) == []


def test_foreign_mail_that_passes_through_is_not_signed(suite, sink):
    token = uuid.uuid4().hex
    relay(suite, message(token, sender="alice@d.test"), "mallory@far.test", "out@d.test")
    content = arrived(sink, token)
    assert b"Delivered-To: out@d.test" in content and signatures(content) == []


def test_forwarded_mail_of_a_user_is_signed_below_what_was_put_before_it(suite, sink):
    token = uuid.uuid4().hex
    submit(suite, message(token), to="out@d.test")
    content = arrived(sink, token)
    assert b"Delivered-To: out@d.test" in content and verify(content, suite.zone) == [True, True]


@pytest.mark.parametrize("author, domain", [("cron@d.test", "d.test"), ("x@e.test", "e.test"), ("X@E.Test", "e.test"),
                                            ("x@elsewhere.test", "d.test")])
def test_trusted_host_signs_for_the_author_or_else_the_sender(suite, sink, author, domain):
    token = uuid.uuid4().hex
    relay(suite, message(token, sender=author), "root@d.test", "x@far.test", source="127.0.0.9")
    content = arrived(sink, token)
    assert {s["d"] for s in signatures(content)} == {domain} and verify(content, suite.zone) == [True, True]


def test_our_own_notices_are_signed(suite, sink):
    token = uuid.uuid4().hex
    relay(suite, message(token, sender="far@far.test"), f"{token}@far.test", "alice@d.test", options=["ENVID=" + token],
          rcpt_options=["NOTIFY=SUCCESS"])
    content = arrived(sink, f"To: <{token}@far.test>")
    assert b"multipart/report" in content and verify(content, suite.zone) == [True, True]


def test_message_that_no_verifier_would_accept_goes_out_unsigned_and_is_logged(suite, sink):
    token = uuid.uuid4().hex
    queue_id = submit(suite, message(token, header=b"From: second@d.test\r\n"))
    assert signatures(arrived(sink, token)) == []
    line = wait_for(lambda: next((line for line in suite.log("remote").splitlines() if "event=not_signed" in line and
                                  queue_id in line), None), 10, "a line in the log")
    assert "one From field" in line


# ---- keyd ----

def children(suite, role):
    return [row["pid"] for row in suite.json("status", "--sandbox") if row["program"] == "keyd" and row["role"] == role]


def test_a_reader_that_dies_is_replaced(suite, sink):
    for pid in children(suite, "reader"):
        os.kill(pid, signal.SIGKILL)
    suite.wait_log("key", "event=worker_died")
    assert verify(sent(suite, sink), suite.zone) == [True, True]


def test_a_message_whose_reader_dies_is_tried_again(suite, sink):
    [keyd] = children(suite, "parent")
    readers = children(suite, "reader")
    for pid in readers:
        os.kill(pid, signal.SIGSTOP)
    token = uuid.uuid4().hex
    queue_id = submit(suite, message(token))
    wait_for(lambda: "delivering" in [row["state"] for row in suite.json("status", "--sandbox")
                                      if row["program"] == "remote-deliver"], 10, "a delivery under way")
    for pid in readers:
        os.kill(pid, signal.SIGKILL)
    suite.wait_log("remote", f"event=not_signed queue_id={queue_id} reason=\"the message's reader died\"")
    wait_for(lambda: suite.run("queue", "flush") and [m for m in sink.messages if token.encode() in m.content], 20,
             "the message, when it is tried again")
    assert verify(arrived(sink, token), suite.zone) == [True, True]
    assert children(suite, "parent") == [keyd] and "reader_failed" not in suite.log("key")


@pytest.mark.skipif(os.geteuid() != 0, reason="no other users")
def test_keys_are_roots_and_keyd_can_only_read_them(suite):
    top = suite.root / "etc/certs/dkim"
    uid, gid = [int(suite.run("config", "get", "users.key").out.strip().split(":")[i]) for i in (0, 1)]
    for path in [top, *top.rglob("*")]:
        info = path.stat()
        assert (info.st_uid, info.st_gid) == (0, gid), path
        assert stat.S_IMODE(info.st_mode) == (0o2750 if path.is_dir() else 0o640), path
    assert len(list(top.rglob("*.pem"))) == 4
    assert all(os.stat(f"/proc/{pid}").st_uid in (0, uid) for pid in children(suite, "parent"))


def test_while_keyd_is_away_mail_waits_or_goes_as_the_administrator_says(suite, sink):
    suite.set("dkim.timeout", "1s")
    suite.set("queue.retry_interval", "1s")
    suite.run("reload")
    suite.run("service", "stop", "key")
    token = uuid.uuid4().hex  # from a host that needs no login: without keyd there is no TLS either
    queue_id = relay(suite, message(token), "alice@d.test", "x@far.test", "127.0.0.9")
    suite.wait_log("remote", f"event=not_signed queue_id={queue_id}")
    assert not [m for m in sink.messages if token.encode() in m.content]
    suite.run("service", "start", "key")
    assert verify(arrived(sink, token), suite.zone) == [True, True]
    suite.set("dkim.on_failure", "send")
    suite.run("reload")
    suite.run("service", "stop", "key")
    token = uuid.uuid4().hex
    relay(suite, message(token), "alice@d.test", "x@far.test", "127.0.0.9")
    assert signatures(arrived(sink, token)) == []
    suite.run("service", "start", "key")


def test_settings(suite, sink):
    suite.set("dkim.own_domain_only", "no")
    suite.set("dkim.headers", "From Subject X-Mine")
    suite.set("dkim.oversign", "X-Mine")
    suite.set("dkim.without_key", "defer")
    suite.run("reload")
    content = sent(suite, sink, sender="ceo@e.test", header=b"X-Mine: a\r\n")
    assert {s["d"] for s in signatures(content)} == {"e.test"}
    assert signatures(content)[0]["h"].replace(" ", "") == "From:Subject:X-Mine:X-Mine"
    assert verify(content, suite.zone) == [True, True]
    token = uuid.uuid4().hex
    submit(suite, message(token, sender="otto@o.test"), user="otto@o.test")
    wait_for(lambda: [m for m in suite.json("queue", "list") if m["state"] == "deferred"], 10, "the message without a key")
    suite.set("dkim.sign", "no")
    suite.run("reload")
    suite.run("queue", "flush")
    assert signatures(arrived(sink, token)) == []
    assert signatures(sent(suite, sink)) == []


# ---- the command ----

def test_rotation(instance, sink):
    """The old key signs until the new one's records are in the DNS, and then the new one."""
    first = instance.run("dkim", "make", "d.test").out
    date = time.strftime("%Y%m%d", time.gmtime())
    assert f"{date}-rsa._domainkey.d.test. IN TXT" in first
    zone = NameServer({"far.test": ["@ MX 10 mx", "mx A 127.0.0.2"], "d.test": records(instance, "d.test")})
    configure(instance, sink, f"far.test {zone.address} d.test {zone.address}")
    instance.start()
    instance.add_user("alice@d.test", PASSWORD)
    try:
        rows = instance.json("dkim", "check", "d.test")
        assert [row["result"] for row in rows] == ["ok", "ok"]
        assert f"{date}b-ed25519._domainkey.d.test. IN TXT" in instance.run("dkim", "rotate", "d.test").out
        assert [row["state"] for row in instance.json("dkim", "list")] == ["active", "waiting"]
        refused = instance.run("dkim", "rotate", "d.test", check=False)
        assert refused.returncode == 1 and "there is no such record" in refused.err
        assert [row["result"] for row in instance.json("dkim", "check", "d.test")] == ["ok", "ok", "fail", "fail"]
        assert {s["s"] for s in signatures(sent(instance, sink))} == {f"{date}-rsa", f"{date}-ed25519"}
        zone.replace("d.test", records(instance, "d.test"))
        instance.run("service", "restart", "dns")  # the answer that there is none is remembered
        assert f"signs with '{date}b'" in instance.run("dkim", "rotate", "d.test").out
        content = sent(instance, sink)
        assert {s["s"] for s in signatures(content)} == {f"{date}b-rsa", f"{date}b-ed25519"}
        assert verify(content, zone) == [True, True]
        rows = instance.json("dkim", "list")
        assert [row["state"] for row in rows] == ["retired", "active"]
        assert rows[0]["time"] > time.strftime("%Y-%m-%dT", time.gmtime(time.time() + 6 * 86400))
        assert len(instance.json("dkim", "show", "d.test")) == 4
    finally:
        zone.close()


def test_records_that_are_wrong_are_told(instance):
    instance.run("dkim", "make", "d.test", "--selector", "s")
    good = records(instance, "d.test")
    zone = NameServer({"d.test": [good[0].replace("p=MI", "p=XX"), good[1], good[1].replace("v=DKIM1", "v=SPF")]})
    instance.set("dns.stub", f"d.test {zone.address}")
    instance.set("dns.unsigned", "test")
    instance.start()
    try:
        done = instance.run("dkim", "check", "d.test", check=False)
        assert done.returncode == 1
        assert "another key" in done.out and "more than one TXT record" in done.out
    finally:
        zone.close()


def test_command_makes_shows_and_removes(instance):
    assert instance.json("dkim", "list") == []
    assert instance.run("dkim", "show", "d.test", check=False).returncode == 1
    instance.run("dkim", "make", "B\u00dcCHER.test", "--selector", "s1")
    assert instance.json("dkim", "list")[0]["domain"] == "xn--bcher-kva.test"
    assert "has keys already" in instance.run("dkim", "make", "b\u00fccher.test", check=False).err
    for value in [row["value"] for row in instance.json("dkim", "show", "b\u00fccher.test")]:
        assert value.startswith("v=DKIM1; k=")
    shown = instance.run("dkim", "show", "b\u00fccher.test").out
    assert all(len(part) <= 255 for part in re.findall(r'"([^"]*)"', shown)) and len(re.findall('"[^"]*"', shown)) == 3
    for bad in ("..", "../x", "a/b", "", "x-.test"):
        assert instance.run("dkim", "make", bad, check=False).returncode == 1
    for bad in ("S", "a.b", "../x", "x" * 49, "x-", ""):
        assert instance.run("dkim", "make", "c.test", "--selector", bad, check=False).returncode == 1
    assert not (instance.root / "etc/certs/dkim/c.test").exists()
    assert "--yes" in instance.run("dkim", "remove", "b\u00fccher.test", check=False).err
    instance.run("dkim", "remove", "b\u00fccher.test", "--yes")
    assert list((instance.root / "etc/certs/dkim").iterdir()) == []


def test_openssl_reads_the_keys(instance):
    """They are in the usual format: whoever moves away takes them along."""
    instance.run("dkim", "make", "d.test", "--selector", "s")
    for name, kind in (("rsa", "2048 bit"), ("ed25519", "ED25519")):
        text = subprocess.run(["openssl", "pkey", "-noout", "-text", "-in",
                               instance.root / f"etc/certs/dkim/d.test/s-{name}.pem"], capture_output=True, check=True)
        assert kind in text.stdout.decode()
