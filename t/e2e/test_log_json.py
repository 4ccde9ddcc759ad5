"""log.format = json: each line an object; every command reads both formats, mixed and in rotated files."""
import imaplib
import json
import smtplib
import ssl

import pytest

from conftest import PASSWORD
from instance import Instance, wait_for
from smtp_sink import Sink

CONTEXT = ssl._create_unverified_context()


@pytest.fixture(scope="module")
def sink():
    server = Sink()
    yield server
    server.close()


@pytest.fixture(scope="module")
def inst(sink):
    inst = Instance()
    try:
        inst.setup()
        inst.set("remote.policy", "relay")
        inst.set("remote.relay_hosts", f"127.0.0.2:{sink.port}")
        inst.start()
        for user in ("alice@d.test", "bob@d.test"):
            inst.add_user(user, PASSWORD)
        yield inst
    finally:
        inst.close()


def submit(inst, subject):
    """From alice to bob and to somebody elsewhere. The queue id."""
    with smtplib.SMTP("127.0.0.1", inst.port("submission")) as smtp:
        smtp.starttls(context=CONTEXT)
        smtp.login("alice@d.test", PASSWORD)
        smtp.mail("alice@d.test")
        for rcpt in ("bob@d.test", f"{subject}@far.test"):
            smtp.rcpt(rcpt)
        return smtp.data(f"Subject: {subject}\r\n\r\nhello\r\n")[1].split()[-1].decode()


def set_format(inst, name):
    inst.set("log.format", name)
    inst.run("reload")


def sent(inst):
    return {row["to"] for row in inst.json("sent", "alice@d.test")}


def trace(inst, queue_id):
    return [row["event"] for row in inst.json("trace", queue_id)]


@pytest.fixture(scope="module")
def mixed(inst):
    """Three messages: the second one's lines are JSON, the first file of smtp was set aside."""
    ids = [submit(inst, "first")]
    inst.wait_log("queue", f"event=removed queue_id={ids[0]}")
    set_format(inst, "json")
    ids.append(submit(inst, "second"))
    wait_for(lambda: any(ids[1] in line and '"removed"' in line for line in inst.log("queue").splitlines()), 30, "removed")
    inst.set("log.rotate_size", "1")
    inst.run("reload")
    set_format(inst, "text")
    ids.append(submit(inst, "third"))
    wait_for(lambda: "removed" in trace(inst, ids[2]), 30, "the third has gone")
    inst.set("log.rotate_size", "10M")
    inst.run("reload")
    return ids


def test_each_line_is_an_object(inst, mixed):
    lines = [line for file in (inst.root / "log").iterdir() for line in file.read_text().splitlines()]
    objects = [json.loads(line) for line in lines if line.startswith("{")]
    assert len(objects) > 20 and len(objects) < len(lines)
    for each in objects:
        assert list(each)[:6] == ["time", "service", "program", "pid", "level", "event"] and each["event"], each
    (received,) = [o for o in objects if o["event"] == "received" and o["fields"]["queue_id"] == mixed[1]]
    assert received["service"] == "smtp" and received["program"] == "smtpd" and received["fields"]["from"] == "alice@d.test"


def test_commands_read_both(inst, mixed):
    traces = [trace(inst, queue_id) for queue_id in mixed]
    for events in traces:
        assert {"received", "queued", "delivered", "removed"} <= set(events), events
        assert sorted(events) == sorted(traces[0]), traces
    wait_for(lambda: sent(inst) >= {f"{name}@far.test" for name in ("first", "second", "third")}, 30, "all three sent")
    entries = inst.json("log", "-n", "100000")
    assert entries and all(e["program"] and e["pid"] and e["event"] for e in entries)
    text = inst.run("log", "-n", "100000").out
    assert not [line for line in text.splitlines() if line.startswith("{")], "shown as text, whatever stands there"
    tried = inst.run("config", "try", str(inst.root / "etc/posthorn.conf"), "--since", "2000-01-01", check=False)
    assert tried.returncode == 0, tried.out + tried.err


def test_nobody_forges_a_line(inst):
    set_format(inst, "json")
    forged = 'x"}, "event": "forged'
    with imaplib.IMAP4("127.0.0.1", inst.port("imap")) as imap:
        imap.xatom("ID", '("name" "x\\"}, \\"event\\": \\"forged")')
    with smtplib.SMTP("127.0.0.1", inst.port("smtp")) as smtp:
        smtp.ehlo("t")
        for line in (f'MAIL FROM:<"{forged}"@far.test>', f"EHLO {forged}", "\u202e" + forged):
            smtp.send(line.encode() + b"\r\n")
            smtp.getreply()
    wait_for(lambda: inst.log("smtp").count('"disconnected"') > 0, 30, "the session's end")
    for service in ("smtp", "imap"):
        for line in inst.log(service).splitlines():
            assert "\u202e" not in line
            if line.startswith("{"):
                assert json.loads(line)["event"] != "forged"
    shown = inst.run("log", "-n", "100000", "smtp").out.splitlines()
    assert any(line.startswith("{") for line in inst.log("smtp").splitlines())
    assert shown and not [line for line in shown if line.startswith("{")]
    set_format(inst, "text")


def test_files_are_shown_emptied_and_deleted(inst, mixed):
    """LOG-04; what logd writes from then on stands in the new file at once."""
    def files():
        return {row["file"]: row for row in inst.json("log", "--files")}

    aside = next(name for name in files() if name.startswith("smtp.log."))
    assert files()[aside]["service"] == "smtp" and files()[aside]["bytes"] > 0
    assert inst.run("log", "--delete", aside, check=False).returncode == 1 and aside in files()  # nobody said yes
    inst.run("log", "--delete", aside, "--yes")
    assert aside not in files() and not (inst.root / "log" / aside).exists()
    old = inst.log("smtp")
    assert old
    inst.run("log", "--empty", "smtp", "--yes")
    assert old not in inst.log("smtp")
    with smtplib.SMTP("127.0.0.1", inst.port("smtp")) as smtp:
        smtp.ehlo("after-the-end")
    wait_for(lambda: "event=disconnected" in inst.log("smtp"), 30, "the new file")
    for words in (("--delete", "smtp.log"), ("--delete", "../etc/posthorn.conf"), ("--empty", "../smtp"),
                  ("--files", "--empty", "smtp"), ("--yes",), ("--empty", "smtp", "imap")):
        assert inst.run("log", *words, check=False).returncode == 2, words
    assert inst.run("log", "--empty", "nothing", "--yes", check=False).returncode == 1
