"""posthorn trace: the stories of messages, and the line of the configuration behind each decision."""
import smtplib

import pytest

from conftest import PASSWORD
from instance import Instance, wait_for
from smtp_raw import Raw
from smtp_sink import Sink


@pytest.fixture(scope="module")
def traced():
    sink = Sink("127.0.0.3")
    inst = Instance()
    inst.setup()
    at = f"{sink.server.server_address[0]}:{sink.port}"
    table = inst.root / "etc/lists/direct.txt"
    table.parent.mkdir(exist_ok=True)
    table.write_text(f"# servers of our own\nother.test 127.0.0.4:1\nfar.test {at}\n")
    for name, value in (("remote.direct_domains", "lists/direct.txt"), ("smtp.max_message_size", "1M"),
                        ("remote.idle_time", "0"), ("smtp.hosts_no_auth", "127.0.0.1"),
                        ("submission.deny", "127.0.0.0/8")):
        inst.set(name, value)
    inst.start()
    inst.add_user("alice@d.test", PASSWORD)
    yield inst
    inst.close()
    sink.close()


def line_of(inst, setting):
    lines = (inst.root / "etc/posthorn.conf").read_text().splitlines()
    number = next(i for i, line in enumerate(lines, 1) if line.startswith(setting))
    return f"{inst.root}/etc/posthorn.conf:{number}: {lines[number - 1].strip()}"


def below(out, event):
    """What stands below the line of an event."""
    lines = out.splitlines()
    at = next(i for i, line in enumerate(lines) if f"event={event} " in line)
    return lines[at + 1].strip()


def test_by_message_id_with_the_route_that_a_list_gave(traced):
    with smtplib.SMTP("127.0.0.1", traced.port("smtp")) as smtp:
        smtp.sendmail("ann@a.test", ["x@far.test"], "Message-ID: <first@a.test>\r\nSubject: x\r\n\r\nx\r\n")
    wait_for(lambda: "event=removed" in traced.run("trace", "--message-id", "<first@a.test>", check=False).out, 20, "sent")
    out = traced.run("trace", "--message-id", "first@a.test").out
    assert f"{traced.root}/etc/lists/direct.txt:3: far.test 127.0.0.3:" in below(out, "sent")
    assert out.index("event=received") < out.index("event=queued") < out.index("event=sent") < out.index("event=removed")
    assert out == traced.run("trace", "--from", "ann@a.test", "--to", "@far.test", "--host", "127.0.0.3", "--since", "1h").out
    assert traced.run("trace", "--from", "ann@a.test", "--to", "@d.test", check=False).returncode == 1
    assert traced.run("trace", "--from", "ann@a.test", "--until", "2020", check=False).returncode == 1


def test_a_refusal_names_its_line_or_the_default(traced):
    raw = Raw(traced.port("smtp"))
    raw.ehlo()
    assert raw.cmd("MAIL FROM:<big@a.test> SIZE=2000000").code == 552
    wait_for(lambda: traced.run("trace", "--from", "big@a.test", check=False).returncode == 0, 10, "logged")
    assert below(traced.run("trace", "--from", "big@a.test").out, "rejected") == line_of(traced, "max_message_size")
    row = next(r for r in traced.json("trace", "--from", "big@a.test") if r["event"] == "rejected")
    assert row["configuration"]["text"] == "max_message_size = 1M"
    traced.set("smtp.max_message_size", "20M")
    assert below(traced.run("trace", "--from", "big@a.test").out, "rejected").endswith("max_message_size = 20M")
    traced.run("config", "set", "smtp.max_message_size", "--unset")
    assert below(traced.run("trace", "--from", "big@a.test").out, "rejected") == "smtp.max_message_size = 20M (default)"


def test_who_was_not_let_in(traced):
    Raw(traced.port("submission"), greeting=False).reply()
    wait_for(lambda: "event=refused" in traced.run("trace", "--host", "127.0.0.0/8", check=False).out, 10, "logged")
    assert below(traced.run("trace", "--host", "127.0.0.0/8").out, "refused") == line_of(traced, "deny")


def test_usage(traced):
    for args in ((), ("--since", "tomorrow"), ("--since", "2026-02", "--until", "2026-01"), ("-n", "0", "x")):
        assert traced.run("trace", *args, check=False).returncode == 2, args


def test_a_deferral_names_what_decides_on_the_next_attempt(traced):
    with smtplib.SMTP("127.0.0.1", traced.port("smtp")) as smtp:
        smtp.sendmail("late@a.test", ["x@other.test"], "Subject: x\r\n\r\nx\r\n")
    wait_for(lambda: "event=deferred" in traced.run("trace", "--from", "late@a.test", check=False).out, 20, "deferred")
    assert below(traced.run("trace", "--from", "late@a.test").out, "deferred") == "queue.retry_interval = 15m (default)"
