"""posthorn doctor: what it finds in files, programs, ports, certificate, and in the DNS."""
import hashlib
import json
import os
import queue
import signal
import smtplib
import socket
import subprocess
import threading
import time

import pytest

from conftest import PASSWORD
from disk import Disk
from imapclient import Imap
from instance import Instance, wait_for
from nameserver import NameServer


def rows(inst, *args, code):
    done = inst.run("doctor", "--json", *args, check=False)
    assert done.returncode == code, done.out + done.err
    return json.loads(done.out)


def texts(found, check, result=None):
    return [row["text"] for row in found
            if row["check"] == check and (result is None or row["result"] == result)]


def test_a_stopped_and_a_running_suite_are_in_order(instance):
    found = rows(instance, code=0)
    assert texts(found, "services", "warn") and not any(r["result"] == "fail" for r in found)
    assert all("is free" in text for text in texts(found, "ports", "ok"))
    instance.start()
    found = rows(instance, code=0)
    assert texts(found, "services") == ["all are running"]
    assert len([t for t in texts(found, "ports", "ok") if "answers" in t]) == 9
    assert {"configuration", "services", "files", "disk", "certificate", "secrets", "ports", "clock", "relay", "queue",
            "way_out"} == {row["check"] for row in found}
    assert texts(found, "relay", "ok") and texts(found, "queue", "ok") == ["nothing waits for another attempt"]


@pytest.mark.parametrize("break_it, what", [
    (lambda root: os.chmod(root / "db", 0o755), "db has mode 0755"),
    (lambda root: os.chmod(root / "etc/posthorn.conf", 0o666), "posthorn.conf has mode 0666"),
    (lambda root: os.chmod(root / "etc/certs/key.pem", 0o644), "chmod 0600"),
    (lambda root: os.rmdir(root / "queue/hold"), "queue/hold is not there; it should be: mkdir"),
    (lambda root: (root / "etc/certs/cert.pem").write_text("x"), "cert.pem"),
    (lambda root: (root / "etc/posthorn.conf").write_text("[smtp]\nnonsense = 1\n"), "nonsense"),
])
def test_what_is_wrong_is_named(instance, break_it, what):
    break_it(instance.root)
    found = rows(instance, code=1)
    assert any(what in row["text"] for row in found if row["result"] == "fail"), found


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a loop device: needs root")
@pytest.mark.parametrize("features, warns", [((), False), (("-O", "^has_journal"), True)])
def test_a_file_system_that_forgets_renames_is_named(features, warns):
    disk = Disk(64 << 20, *features)
    inst = Instance(directory=disk.mount)
    try:
        inst.setup()
        inst.use_disk_to_the_last()
        found = texts(rows(inst, code=0), "disk", "warn")
        assert warns == any("has no journal" in text for text in found), found
    finally:
        inst.close()
        disk.close()


def test_a_port_that_another_holds_is_named(instance):
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", instance.port("imap")))
        holder.listen()
        (text,) = texts(rows(instance, code=1), "ports", "fail")
    assert str(instance.port("imap")) in text and str(os.getpid()) in text


def test_dns_says_what_to_publish(instance):
    zone = NameServer({
        "d.test": ["@ MX 10 mail", "mail A 192.0.2.7", "@ TXT \"v=spf1 mx -all\"",
                   "_dmarc TXT \"v=DMARC1; p=none\""],
        "bare.test": ["@ TXT \"v=spf1 -all\"", "@ TXT \"something else\""],
        "2.0.192.in-addr.arpa": ["7 PTR mail.d.test."],
    })
    try:
        instance.set("dns.stub", f"d.test {zone.address} bare.test {zone.address} "
                                 f"2.0.192.in-addr.arpa {zone.address}")
        instance.set("dns.unsigned", "test in-addr.arpa")
        instance.start()
        instance.add_user("alice@d.test", PASSWORD)
        found = rows(instance, "D.test", code=0)
        assert texts(found, "domain", "ok") and texts(found, "mx", "ok") == ["d.test: MX mail.d.test"]
        assert texts(found, "spf", "ok") and texts(found, "dmarc", "ok")
        assert texts(found, "ptr", "ok") == ["192.0.2.7: PTR mail.d.test"]
        assert texts(found, "publish") == []
        found = rows(instance, "bare.test", code=1)
        assert "posthorn domain add bare.test" in texts(found, "domain", "fail")[0]
        assert "no MX" in texts(found, "mx", "fail")[0]
        assert "lets no server send" in texts(found, "spf", "fail")[0]
        assert texts(found, "publish") == [
            "bare.test. IN MX 10 mail.d.test.",
            '_dmarc.bare.test. IN TXT "v=DMARC1; p=none; rua=mailto:postmaster@bare.test"']
    finally:
        zone.close()
    assert instance.run("doctor", "no domain", check=False).returncode == 2


def tlsa(certificate):
    public = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-pubkey"], capture_output=True, check=True)
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=public.stdout, capture_output=True,
                         check=True)
    return hashlib.sha256(der.stdout).hexdigest()


def test_records_that_are_good_to_have(instance):
    """SRV, TLS-RPT, TLSA in a signed zone, MTA-STS, block lists: right ones, wrong ones, none at all."""
    own = tlsa(instance.root / "etc/certs/cert.pem")
    srv = [f"_{name}._tcp SRV 0 1 {instance.port(label)} mail" for name, label in
           (("submissions", "smtps"), ("submission", "submission"), ("imaps", "imaps"), ("imap", "imap"),
            ("pop3s", "pop3s"))]
    zone = NameServer({
        "d.test": ["@ MX 10 mail", "mail A 192.0.2.7", "@ TXT \"v=spf1 mx -all\"", "_pop3._tcp SRV 0 1 110 other",
                   "_smtp._tls TXT \"v=TLSRPTv1; rua=mailto:tls@d.test\"", f"_25._tcp.mail TLSA 3 1 1 {own}",
                   "_mta-sts TXT \"v=STSv1; id=1;\"", *srv],
        "bad.test": ["@ MX 10 mail.d.test.", "_smtp._tls TXT \"v=TLSRPTv1; rua=ftp://x\"",
                     "_mta-sts TXT \"v=STSv1; id=1;\"", "_mta-sts TXT \"v=STSv1; id=2;\""],
        "2.0.192.in-addr.arpa": ["7 PTR mail.d.test."],
        "bl.test": ["7.2.0.192 A 127.0.0.2", "7.2.0.192 TXT \"caught sending spam\""],
        "clean.test": ["1.2.0.192 A 127.0.0.2"],
        "closed.test": ["7.2.0.192 A 127.255.255.254"],
    }, signed=["d.test"])
    try:
        stubs = ("d.test", "bad.test", "2.0.192.in-addr.arpa", "bl.test", "clean.test", "closed.test")
        instance.set("dns.stub", " ".join(f"{name} {zone.address}" for name in stubs))
        instance.set("dns.trust_anchor", str(zone.anchors))
        instance.set("dns.unsigned", " ".join(stubs[1:]))
        instance.set("doctor.block_lists", "bl.test clean.test closed.test")
        instance.start()
        instance.run("domain", "add", "bad.test")
        found = rows(instance, "d.test", code=1)
        assert texts(found, "tls-rpt", "ok") and texts(found, "tlsa", "ok") == [
            "_25._tcp.mail.d.test: speaks of our certificate"], found
        assert len(texts(found, "srv", "ok")) == 5
        assert texts(found, "srv", "warn") == [
            "_pop3._tcp.d.test: other.d.test port 110: that is not this server's service"]
        assert "no policy can be fetched" in texts(found, "mta-sts", "fail")[0]
        assert texts(found, "block_list", "fail") == ["192.0.2.7 is on bl.test: caught sending spam"]
        assert texts(found, "block_list", "ok") == ["192.0.2.7 is not on clean.test"]
        assert "closed.test does not answer" in texts(found, "block_list", "warn")[0]
        found = rows(instance, "--all", code=1)
        assert "_smtp._tls.bad.test: the record is damaged" in texts(found, "tls-rpt", "fail")[0]
        assert "_mta-sts.bad.test: the record is damaged" in texts(found, "mta-sts", "fail")[0]
        assert any("_imaps._tcp.bad.test: there is no record" in text for text in texts(found, "srv", "hint"))
        assert len(texts(found, "domain", "ok")) == 2
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj",
                        "/CN=mail.d.test", "-keyout", instance.root / "etc/certs/key.pem", "-out",
                        instance.root / "etc/certs/cert.pem"], check=True, capture_output=True)
        found = rows(instance, "d.test", code=1)
        assert "is not for our certificate" in texts(found, "tlsa", "fail")[0]
    finally:
        zone.close()


def test_the_zone_is_printed(instance):
    instance.run("dkim", "make", "d.test")
    zone = instance.run("doctor", "--zone", "D.test").out
    lines = zone.splitlines()
    assert "d.test. IN MX 10 mail.d.test." in lines and 'd.test. IN TXT "v=spf1 mx -all"' in lines
    assert f"_imaps._tcp.d.test. IN SRV 0 1 {instance.port('imaps')} mail.d.test." in lines
    assert f"_25._tcp.mail.d.test. IN TLSA 3 1 1 {tlsa(instance.root / 'etc/certs/cert.pem')}" in lines
    assert sum("._domainkey.d.test. IN TXT" in line for line in lines) == 2
    path = instance.root / "zone"
    path.write_text("$TTL 300\nd.test. IN SOA ns.d.test. a.d.test. 1 2 3 4 5\nd.test. IN NS ns.d.test.\n"
                    "ns.d.test. IN A 192.0.2.1\nmail.d.test. IN A 192.0.2.7\n" +
                    "\n".join(line for line in lines if " IN A" not in line) + "\n")
    done = subprocess.run(["nsd-checkzone", "d.test", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    records = json.loads(instance.run("doctor", "--json", "--zone", "d.test").out)
    assert {"name": "d.test", "type": "MX", "value": "10 mail.d.test."} in records
    assert sum("_domainkey" in record["name"] for record in records) == 2


def test_an_open_relay_is_named(instance):
    instance.set("smtp.hosts_no_auth", "0.0.0.0/0")
    assert "open relay" in texts(rows(instance, code=1), "relay", "fail")[0]
    instance.set("smtp.hosts_no_auth", "127.0.0.0/8")
    assert texts(rows(instance, code=0), "relay", "ok")
    instance.set("smtp.close_relay", "no")
    assert "open relay" in texts(rows(instance, code=1), "relay", "fail")[0]


def test_the_way_out_and_what_waits(instance):
    """A relay host that greets, one that refuses, one that is not there; and then mail that cannot leave."""
    with socket.socket() as good, socket.socket() as bad, socket.socket() as gone:
        for listener in (good, bad, gone):
            listener.bind(("127.0.0.1", 0))
        for listener, text in ((good, b"220 relay ESMTP\r\n"), (bad, b"554 no\r\n")):
            listener.listen()
            threading.Thread(target=greet, args=(listener, text), daemon=True).start()
        ports = {name: s.getsockname()[1] for name, s in (("good", good), ("bad", bad), ("gone", gone))}
        instance.set("remote.policy", "relay")
        instance.set("remote.relay_hosts", " ".join(f"127.0.0.1:{ports[name]}" for name in ("good", "bad", "gone")))
        instance.start()
        found = rows(instance, code=1)
        assert texts(found, "way_out", "ok") == [f"127.0.0.1 (127.0.0.1) port {ports['good']} says: 220 relay ESMTP"]
        assert [("says: 554 no" in text, "Connection refused" in text) for text in texts(found, "way_out", "fail")] == [
            (True, False), (False, True)]
        instance.set("remote.relay_hosts", f"127.0.0.1:{ports['gone']}")
        instance.run("reload")
        instance.add_user("alice@d.test", PASSWORD)
        with smtplib.SMTP("127.0.0.1", instance.port("submission")) as client:
            client.starttls()
            client.login("alice@d.test", PASSWORD)
            client.sendmail("alice@d.test", ["x@far.test"], b"Subject: x\r\n\r\nx\r\n")
        wait_for(lambda: list((instance.root / "queue/deferred").iterdir()), 20, "a message that waits")
        found = texts(rows(instance, code=1), "queue", "ok")
        assert found[0] == "1 messages wait for another attempt, the oldest for 0 hours"
        assert found[1].startswith("1 of the oldest: ") and "refused" in found[1], found


def greet(listener, text):
    while True:
        try:
            with listener.accept()[0] as client:
                client.sendall(text)
        except OSError:
            return


def rows_of(stream):
    """Gives the next row that it says; fails when none comes in a while."""
    rows = queue.Queue()

    def read():
        for line in stream:
            rows.put(json.loads(line))
    threading.Thread(target=read, daemon=True).start()
    return lambda: rows.get(timeout=40)


def test_watch_tells_what_changes(instance):
    instance.start()
    watch = subprocess.Popen([instance.build / "bin/posthorn", "--root", instance.root, "doctor", "--json", "--watch", "--interval",
                              "1s"], stdout=subprocess.PIPE, text=True)
    next_row = rows_of(watch.stdout)
    try:
        first = next_row()
        assert first["change"] == "now" and first["result"] != "ok"
        os.chmod(instance.root / "db", 0o755)
        changes = []
        while not any("db has mode 0755" in row["text"] for row in changes):
            changes.append(next_row())
        with open(instance.root / "log/filler", "wb") as filler:
            os.posix_fallocate(filler.fileno(), 0, 64 << 20)  # another number of MiB is no change
        os.chmod(instance.root / "db", 0o751)  # another mode is
        changes = []
        while not any(row["change"] == "now" and "db has mode 0751" in row["text"] for row in changes):
            changes.append(next_row())
        os.chmod(instance.root / "db", 0o700)
        while not any(row["change"] == "was" and "db has mode 0751" in row["text"] for row in changes):
            changes.append(next_row())
        assert any(row["change"] == "was" and "db has mode 0755" in row["text"] for row in changes)
        assert not [row for row in changes if row["check"] == "disk"], changes
        watch.send_signal(signal.SIGTERM)
        assert watch.wait(timeout=20) == 0
    finally:
        watch.kill()
        watch.wait()
    for wrong in (("--interval", "1h"), ("--watch", "--interval", "0"), ("--watch", "--zone", "d.test"),
                  ("--all", "d.test")):
        assert instance.run("doctor", *wrong, check=False).returncode == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's services all run as that user")
@pytest.mark.parametrize("name, value, complaint", [
    ("users.mail", "nobody-of-that-name", "users.mail: 'nobody-of-that-name' is no user for a service"),
    ("users.smtp", "0:0", "users.smtp: '0:0' is no user for a service"),
    ("tls.key", "/nonexistent", "/nonexistent: No such file or directory"),
])
def test_what_the_configuration_names_must_be_there(instance, name, value, complaint):
    assert instance.run("config", "check").returncode == 0
    instance.set(name, value)
    done = instance.run("config", "check", check=False)
    assert done.returncode == 1 and complaint in done.err, done.err
    started = instance.run("start", check=False)
    assert started.returncode == 1 and complaint in started.err, started.err


def test_slow_names_what_makes_a_mailbox_slow(instance):
    """A cache that is not filled, a journal that is too long, without an index; and what the sessions did."""
    instance.start()
    instance.add_user("alice@d.test", PASSWORD)
    found = rows(instance, "--slow", "alice@d.test", code=0)
    assert texts(found, "sessions") == ["the log knows of no IMAP session of this user that has ended"]
    client = Imap(instance.port("imaps"), "alice@d.test", tls=True)
    for n in range(0, 120, 20):
        messages = b"".join(b" {%d+}\r\nSubject: %03d\r\n\r\nx\r\n" % (19, n + i) for i in range(20))
        assert client.command(b"APPEND INBOX" + messages)[1].startswith(b"OK")
    client.ok("SELECT INBOX")
    client.ok("SEARCH BODY x")
    client.ok("LOGOUT")
    wait_for(lambda: "event=logout " in instance.log("imap"), 10, "the end of the session")
    found = rows(instance, "--slow", "alice@d.test", code=0)
    assert "INBOX: 120 messages, 0 MiB" in texts(found, "folder", "ok")
    (cold,) = texts(found, "cache", "warn")
    assert cold.startswith("INBOX: of 120 messages 0 % have their ENVELOPE")
    (commands,) = texts(found, "commands")
    assert commands.startswith("10 in 1 sessions, ") and "most time in one session: " in commands
    assert any("to read a message" in text for text in texts(found, "disk"))
    (flush,) = texts(found, "flush")
    assert "until the disk has what is changed, in " in flush
    # the client lists them: now they are in the cache; and its journal grows until nobody can want it
    client = Imap(instance.port("imaps"), "alice@d.test", tls=True)
    client.ok("SELECT INBOX")
    client.ok("FETCH 1:* (ENVELOPE)")
    client.ok("LOGOUT")
    wait_for(lambda: instance.log("imap").count("event=logout ") == 2, 10, "the end of the session")
    found = rows(instance, "--slow", "alice@d.test", code=0)
    assert texts(found, "cache") == []
    (misses,) = texts(found, "misses")
    assert misses.startswith("120 values were computed")
    mail = next((instance.root / "store/d.test").glob("??/alice/mail"))
    assert texts(found, "journal") == texts(found, "index") == []
    client = Imap(instance.port("imaps"), "alice@d.test", tls=True)  # as long as it is open nothing is compacted
    client.ok("SELECT INBOX")
    odd = ",".join(str(n) for n in range(1, 120, 2))
    for n in range(1000):
        client.ok(f"STORE {odd} +FLAGS.SILENT (\\Flagged)")
        client.ok(f"STORE {odd} -FLAGS.SILENT (\\Flagged)")
    (mail / "posthorn.index").unlink(missing_ok=True)
    found = rows(instance, "--slow", "alice@d.test", code=0)
    assert " KiB for 120 messages" in texts(found, "journal", "warn")[0]
    assert texts(found, "index", "warn")[0].startswith("INBOX: there is none")
    client.close()


def test_slow_wants_a_user_that_is_there(instance):
    instance.start()
    for arguments in (("--slow", "nobody@d.test"), ("--slow", "alice@d.test", "d.test")):
        done = instance.run("doctor", *arguments, check=False)
        assert done.returncode != 0 and done.err


def test_name_servers_that_do_not_answer_cost_seconds_not_minutes(instance):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as dead:
        dead.bind(("127.0.0.1", 0))
        instance.set("dns.servers", f"127.0.0.1@{dead.getsockname()[1]}")
        instance.start()
        began = time.monotonic()
        found = rows(instance, "slow.example.org", code=1)
        assert time.monotonic() - began < 20
    (text,) = texts(found, "dns", "fail")
    assert "name servers do not answer" in text and "dns.servers" in text
    assert any("no answer from the DNS" in row["text"] for row in found)


def test_a_services_conf_without_stsd_is_named(instance):
    """One of before there was MTA-STS: outgoing mail would wait for a service that nobody starts."""
    path = instance.root / "etc/services.conf"
    text = path.read_text()
    begin = text.index("[sts]")
    path.write_text(text[:begin] + text[text.index("\n\n", begin):])
    (found,) = [text for text in texts(rows(instance, code=1), "services", "fail") if "stsd" in text]
    assert "[sts]" in found and "remote.mta_sts = no" in found
    done = instance.run("config", "check")
    assert "[sts]" in done.err
    instance.set("remote.mta_sts", "no")
    assert "sts" not in instance.run("config", "check").err
    assert not any("stsd" in text for text in texts(rows(instance, code=0), "services", "fail"))
