"""Milters: every stage and action by libmilter (python3-milter), OpenDKIM, and a hostile one."""
import shutil
import subprocess
import time

import pytest

from conftest import PASSWORD
from instance import Instance, wait_for
from mailbox import messages, wait_message
from listener import answers, free_port
from milters import RawMilter, ScriptMilter, options, packet, talk
from smtp_raw import Raw
from submission import login, token


@pytest.fixture(scope="module")
def milter(tmp_path_factory):
    script = ScriptMilter(tmp_path_factory.mktemp("milter"))
    yield script
    script.stop()


@pytest.fixture(scope="module")
def suite(milter):
    """Its own, with the script milter; also known as `suite` to the helpers."""
    inst = Instance()
    try:
        inst.setup()
        inst.set("filter.milters", milter.spec)
        inst.set("auth.plain_on_loopback", "yes")
        inst.start()
        inst.add_user("alice@d.test", PASSWORD)
        inst.add_user("bob@d.test", PASSWORD)
        yield inst
    finally:
        inst.close()


def deliver(instance, deeds=(), body="text\r\n", rcpts=("alice@d.test",), extra=""):
    """Sends a message with X-Do fields. The reply to its end, and what tells it from others."""
    mark = token()
    raw = Raw(instance.port("smtp"))
    raw.begin("a@far.test", *rcpts)
    assert raw.cmd("DATA").code == 354
    fields = "".join(f"X-Do: {deed}\r\n" for deed in deeds)
    reply = raw.cmd(f"From: a@far.test\r\nSubject: {mark}\r\n{fields}{extra}\r\n{body}.")
    raw.close()
    return reply, mark.encode()


def header_of(message):
    return message.split(b"\r\n\r\n", 1)[0].split(b"\r\n")


def body_of(message):
    return message.split(b"\r\n\r\n", 1)[1]


# ---- what it is told ----

def test_every_stage_and_macro(suite, milter):
    milter.forget()
    client = login(suite)
    mark = token()
    client.sendmail("alice@d.test", ["bob@d.test"], f"Subject: {mark}\r\n\r\nfirst line\r\n",
                    mail_options=["BODY=8BITMIME"])
    client.quit()
    wait_message(suite, "bob@d.test", mark.encode())
    wait_for(lambda: milter.told("close"), 10, "the milter hears of the end")
    connect = milter.told("connect")[0]
    assert connect["address"][0] == "127.0.0.1" and connect["macros"]["j"] == "mail.d.test"
    assert connect["macros"]["{daemon_name}"] == "submission"
    assert connect["macros"]["{client_addr}"] == "127.0.0.1"
    assert "[127.0.0.1]" in connect["macros"]["_"]
    hello = milter.told("helo")
    assert hello[0]["tls"] is None and hello[-1]["tls"].startswith("TLSv1") and int(hello[-1]["bits"]) >= 128
    mail = milter.told("mail")[0]
    assert mail["sender"] == "<alice@d.test>" and "BODY=8BITMIME" in mail["params"]
    assert mail["user"] == "alice@d.test" and mail["method"] and mail["mail_addr"] == "alice@d.test"
    rcpt = milter.told("rcpt")[0]
    assert rcpt["rcpt"] == "<bob@d.test>" and rcpt["mailer"] == "local"
    queue_id = milter.told("data")[0]["queue_id"]
    assert queue_id and milter.told("eom")[0]["queue_id"] == queue_id
    assert {"stage": "header", "name": "Subject", "value": mark} in milter.told("header")
    assert not [h for h in milter.told("header") if h["name"] in ("Received", "Return-Path")]
    assert milter.told("eoh") and milter.told("body")[0]["start"].startswith("first line")
    assert f"queue_id={queue_id}" in suite.log("smtp"), "the log has the id that the milter knows"


def test_large_body_comes_whole_in_chunks(suite, milter):
    milter.forget()
    body = "0123456789abcdef" * 62 + "\r\n"
    reply, mark = deliver(suite, body=body * 300)
    assert reply.code == 250
    sizes = [chunk["size"] for chunk in milter.told("body")]
    assert sum(sizes) == 300 * len(body) and max(sizes) <= 65535 and len(sizes) > 4
    assert body_of(wait_message(suite, "alice@d.test", mark)) == (body * 300).encode()


def test_bdat_and_unknown_and_abort(suite, milter):
    milter.forget()
    mark = token()
    raw = Raw(suite.port("smtp"))
    raw.begin("a@far.test", "alice@d.test")
    assert raw.cmd("XYZZY now").code == 500
    assert raw.cmd("RSET").code == 250
    raw.begin("a@far.test", "alice@d.test")
    text = f"Subject: {mark}\r\nX-Do: add X-Seen yes\r\n\r\nchunked\r\n"
    raw.send(f"BDAT {len(text)} LAST\r\n{text}")
    assert raw.reply().code == 250
    assert milter.told("unknown")[0]["line"] == "XYZZY now" and milter.told("abort")
    assert milter.told("data"), "BDAT brings the DATA stage about as well"
    assert b"X-Seen: yes" in header_of(wait_message(suite, "alice@d.test", mark.encode()))


# ---- answers that shape the reply ----

def test_answers_at_mail_and_rcpt(suite):
    raw = Raw(suite.port("smtp"))
    raw.ehlo()
    assert raw.cmd("MAIL FROM:<reject-mail@far.test>").code == 550
    reply = raw.cmd("MAIL FROM:<tempfail-mail@far.test>")
    assert reply.code == 451 and reply.dsn == "4.7.1"
    reply = raw.cmd("MAIL FROM:<reply-mail@far.test>")
    assert reply.lines == ["571 5.7.25 100% refused, sorry"]
    assert raw.cmd("MAIL FROM:<a@far.test>").code == 250
    assert raw.cmd("RCPT TO:<alice+reject-rcpt@d.test>").code == 550
    assert raw.cmd("RCPT TO:<alice+tempfail-rcpt@d.test>").code == 451
    assert raw.cmd("RCPT TO:<alice@d.test>").code == 250, "the others are not concerned"


def test_refused_at_helo(suite):
    raw = Raw(suite.port("smtp"))
    assert raw.cmd("EHLO reject.helo").code == 550
    assert raw.cmd("MAIL FROM:<a@far.test>").code == 503
    assert raw.ehlo().code == 250, "another name may do"


def test_answers_to_the_content(suite):
    reply, mark = deliver(suite, ["reject"])
    assert reply.lines == ["554 5.7.1 no such content"]
    reply, second = deliver(suite, ["tempfail"])
    assert reply.code == 451
    reply, third = deliver(suite, ["discard"])
    assert reply.code == 250
    reply, last = deliver(suite)
    wait_message(suite, "alice@d.test", last)
    suite.wait_queue_empty()
    seen = b"".join(messages(suite, "alice@d.test"))
    assert mark not in seen and second not in seen and third not in seen
    suite.wait_log("smtp", "event=discarded")


def test_discarded_at_mail_looks_accepted(suite):
    raw = Raw(suite.port("smtp"))
    raw.begin("discard-mail@far.test", "alice@d.test")
    raw.cmd("DATA")
    mark = token()
    assert raw.cmd(f"Subject: {mark}\r\n\r\n.").code == 250
    raw.begin("a@far.test", "alice@d.test")
    raw.cmd("DATA")
    assert raw.cmd(f"Subject: next {mark}\r\n\r\n.").code == 250, "the next one is not concerned"
    wait_message(suite, "alice@d.test", f"next {mark}".encode())
    assert len([m for m in messages(suite, "alice@d.test") if mark.encode() in m]) == 1


# ---- changes ----

def test_header_fields(suite):
    deeds = ["add X-Last a\\nb", "insert X-First one", "change X-Old new", "delete X-Twice 1",
             "delete X-Twice 2", "progress"]
    reply, mark = deliver(suite, deeds, extra="X-Old: old\r\nX-Twice: 1\r\nX-Twice: 2\r\nX-Twice: 3\r\n")
    assert reply.code == 250
    message = wait_message(suite, "alice@d.test", mark)
    header = header_of(message)
    assert header[0] == b"Return-Path: <a@far.test>" and header[1].startswith(b"Received: ")
    assert header.index(b"X-First: one") < header.index(b"From: a@far.test")
    assert header[-2:] == [b"X-Last: a", b"\tb"], "no value can begin another field"
    assert b"X-Old: new" in header and b"X-Old: old" not in header
    assert [line for line in header if line.startswith(b"X-Twice")] == [b"X-Twice: 3"]
    assert body_of(message) == b"text\r\n"
    assert message.count(b"Return-Path:") == 1 and message.count(b"Received:") == 1


def test_body_is_replaced(suite):
    reply, mark = deliver(suite, ["body replaced 9000"])
    assert reply.code == 250
    message = wait_message(suite, "alice@d.test", mark)
    assert body_of(message) == b"replaced\r\n" * 9000, "line ends are those of the mail"


def test_recipients_and_sender(suite):
    reply, mark = deliver(suite, ["rcpt bob@d.test", "unrcpt alice@d.test", "sender new@far.test"])
    assert reply.code == 250
    message = wait_message(suite, "bob@d.test", mark)
    assert header_of(message)[0] == b"Return-Path: <new@far.test>"
    suite.wait_queue_empty()
    assert not [m for m in messages(suite, "alice@d.test") if mark in m]


def test_without_recipients_it_is_gone(suite):
    reply, mark = deliver(suite, ["unrcpt alice@d.test"])
    assert reply.code == 250
    suite.wait_queue_empty()
    assert not [m for m in messages(suite, "alice@d.test") if mark in m]


def test_quarantine_holds_until_released(suite):
    reply, mark = deliver(suite, ["hold looks odd", "add X-Odd yes"])
    assert reply.code == 250
    queue_id = reply.text.split()[-1]
    held = wait_for(lambda: [m for m in suite.json("queue", "list") if m["id"] == queue_id
                             and m["status"] == "on hold"], 20, "on hold")
    assert held
    assert "looks odd" in suite.run("queue", "show", queue_id).out
    suite.run("queue", "flush")
    assert not [m for m in messages(suite, "alice@d.test") if mark in m]
    suite.run("queue", "release", queue_id)
    assert b"X-Odd: yes" in header_of(wait_message(suite, "alice@d.test", mark))


# ---- who is asked, and what holds without an answer ----

@pytest.fixture
def raw_milters():
    made = []

    def make(behave):
        made.append(RawMilter(behave))
        return made[-1]
    yield make
    for each in made:
        each.stop()


def start(instance, *specs, **settings):
    instance.set("filter.milters", " ".join(specs))
    for name, value in settings.items():
        instance.set(f"filter.{name}", value)
    instance.start()
    instance.add_user("alice@d.test", PASSWORD)


def test_not_asked_what_it_does_not_want(instance, raw_milters):
    """SMFIP_NO*, SMFIP_NR_*: what is mute is not waited for."""
    mute = 0x80 | 0x1000 | 0x2000 | 0x8000 | 0x40000 | 0x80000
    milter = raw_milters(talk(0x4 | 0x200 | mute,
                              {b"C": None, b"H": None, b"R": None, b"L": None, b"N": None, b"B": None}))
    start(instance, milter.spec + ";command=2s;content=2s;default=reject")
    reply, mark = deliver(instance)
    assert reply.code == 250
    wait_message(instance, "alice@d.test", mark)
    wait_for(lambda: milter.heard[-1][0] == b"Q", 10, "QUIT")
    heard = [command for command, _ in milter.heard if command != b"D"]
    assert b"M" not in heard and b"T" not in heard
    assert heard[:4] == [b"O", b"C", b"H", b"R"] and heard[-3:] == [b"B", b"E", b"Q"]


def test_skip_and_leading_space_and_macros_by_name(instance, raw_milters):
    def behave(milter, connection):
        milter.take(connection)
        lists = b"\0\0\0\1s {client_addr}\0"
        data = options(0x1FF, 0x400 | 0x100000)[5:] + lists
        connection.sendall(packet(b"O", data))
        while True:
            command, _ = milter.take(connection)
            if command == b"Q":
                return
            if command not in (b"D", b"A"):
                connection.sendall(packet(b"s" if command == b"B" else b"c"))
    milter = raw_milters(behave)
    start(instance, milter.spec)
    reply, mark = deliver(instance, body="x" * 70 + "\r\n" + ("y" * 70 + "\r\n") * 3000)
    assert reply.code == 250
    wait_message(instance, "alice@d.test", mark)
    assert len([1 for command, _ in milter.heard if command == b"B"]) == 1
    assert (b"L", b"From\0 a@far.test\0") in milter.heard
    hello = next(data for command, data in milter.heard if command == b"D" and data[:1] == b"H")
    assert b"s\0client.test\0" in hello and b"{client_addr}\x00127.0.0.1\0" in hello


def test_rejected_recipients_are_told_to_who_wants_them(instance, raw_milters):
    milter = raw_milters(talk(0x800))
    start(instance, milter.spec)
    raw = Raw(instance.port("smtp"))
    raw.begin("a@far.test")
    assert raw.cmd("RCPT TO:<nobody@d.test>").code == 550
    rcpt = [data for command, data in milter.heard if command == b"R"]
    assert rcpt == [b"<nobody@d.test>\0"]
    macros = next(data for command, data in milter.heard if command == b"D" and data[:1] == b"R")
    assert b"{rcpt_mailer}\0error\0" in macros


def silent(milter, connection):
    milter.take(connection)
    connection.recv(1)  # until the end


def garbage(milter, connection):
    milter.take(connection)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    connection.recv(1 << 16)


def half_a_packet(milter, connection):
    milter.take(connection)
    connection.sendall(options()[:9])
    connection.recv(1 << 16)


def endless(milter, connection):
    milter.take(connection)
    connection.sendall(options())
    while True:
        connection.sendall(packet(b"p") * 1000)


def dies_at_the_end(milter, connection):
    milter.take(connection)
    connection.sendall(options())
    while True:
        command, _ = milter.take(connection)
        if command == b"E":
            connection.close()
            return
        if command not in (b"D", b"A"):
            connection.sendall(packet(b"c"))


def changes_without_right(milter, connection):
    talk(0, {b"E": packet(b"h", b"X-A\0b\0") + packet(b"c")}, actions=0)(milter, connection)


def injects(milter, connection):
    talk(0, {b"E": packet(b"h", b"X-A: b\r\nX-C\0d\0") + packet(b"c")})(milter, connection)


def bad_reply(milter, connection):
    talk(0, {b"M": packet(b"y", b"250 ok\0")})(milter, connection)


def too_many_changes(milter, connection):
    talk(0, {b"E": packet(b"h", b"X-A\0b\0") * 20000 + packet(b"c")})(milter, connection)


def answers_twice(milter, connection):
    talk(0, {b"M": packet(b"c") + packet(b"c")})(milter, connection)


HOSTILE = [silent, garbage, half_a_packet, endless, dies_at_the_end, changes_without_right, injects,
           bad_reply, too_many_changes, answers_twice]


@pytest.mark.parametrize("behave", HOSTILE, ids=lambda behave: behave.__name__)
def test_hostile_milter_costs_nobody_a_message(instance, raw_milters, behave):
    """Its default action holds: "accept" delivers the message as it came."""
    milter = raw_milters(behave)
    start(instance, milter.spec + ";default=accept;connect=1s;command=1s;content=1s")
    reply, mark = deliver(instance, deeds=["untouched"])
    assert reply.code == 250
    message = wait_message(instance, "alice@d.test", mark)
    assert header_of(message)[-1] == b"X-Do: untouched" and body_of(message) == b"text\r\n"
    instance.wait_log("filter", "event=filter_failed filter=raw")


@pytest.mark.parametrize("action,code", [("tempfail", 451), ("reject", 554), ("quarantine", 250)])
def test_default_actions(instance, raw_milters, action, code):
    milter = raw_milters(dies_at_the_end)
    start(instance, milter.spec + f";default={action}")
    reply, mark = deliver(instance)
    assert reply.code == code
    if action == "quarantine":
        held = wait_for(lambda: [m for m in instance.json("queue", "list") if m["status"] == "on hold"],
                        20, "on hold")
        assert "raw: closed the connection" in instance.run("queue", "show", held[0]["id"]).out
    else:
        instance.wait_queue_empty()
        assert not messages(instance, "alice@d.test")


def test_milter_that_is_away_and_comes_back(instance, raw_milters):
    port = free_port()
    start(instance, f"inet:127.0.0.1:{port}")
    raw = Raw(instance.port("smtp"))
    raw.ehlo()
    assert raw.cmd("MAIL FROM:<a@far.test>").code == 451
    milter = RawMilter(talk(), port)
    try:
        wait_for(lambda: raw.cmd("MAIL FROM:<a@far.test>").code == 250, 10, "it is asked again")
        heard = [command for command, _ in milter.heard if command != b"D"]
        assert heard == [b"O", b"C", b"H", b"M"], "and told what it has missed"
    finally:
        milter.stop()


def test_one_that_hangs_blocks_no_other_port(instance, raw_milters):
    milter = raw_milters(silent)
    start(instance, milter.spec + ";for=incoming;connect=20s")
    stuck = Raw(instance.port("smtp"), greeting=False)
    began = time.monotonic()
    client = login(instance)
    client.sendmail("alice@d.test", ["alice@d.test"], "Subject: past it\r\n\r\n")
    wait_message(instance, "alice@d.test", b"past it")
    assert time.monotonic() - began < 15
    stuck.close()


def test_several_in_order_each_sees_what_the_one_before_did(instance, raw_milters):
    first = raw_milters(talk(0, {b"E": packet(b"h", b"X-One\x001\0") + packet(b"c")}))
    second = raw_milters(talk(0, {b"E": packet(b"h", b"X-Two\x002\0") + packet(b"a")}))
    start(instance, first.spec, second.spec)
    reply, mark = deliver(instance)
    assert reply.code == 250
    header = header_of(wait_message(instance, "alice@d.test", mark))
    assert header[-2:] == [b"X-One: 1", b"X-Two: 2"]
    assert (b"L", b"X-One\x001\0") in second.heard


def test_exempt_clients_are_not_shown(instance, raw_milters):
    milter = raw_milters(talk(0, {b"M": packet(b"r")}))
    instance.set("smtp.hosts_no_filter", "127.0.0.0/8")
    start(instance, milter.spec)
    reply, _ = deliver(instance)
    assert reply.code == 250 and not milter.heard


def test_refused_connection_waits_for_quit(instance, raw_milters):
    milter = raw_milters(talk(0, {b"C": packet(b"y", b"554 5.7.1 not you\0")}))
    start(instance, milter.spec)
    raw = Raw(instance.port("smtp"))
    assert raw.greeting.code in (220, 554), "it may have been greeted before a worker was taken"
    assert raw.cmd("EHLO client.test").lines == ["554 5.7.1 not you"]
    assert raw.cmd("MAIL FROM:<a@far.test>").code == 554
    assert raw.cmd("QUIT").code == 221 and raw.is_closed()


def test_421_ends_the_session(instance, raw_milters):
    milter = raw_milters(talk(0, {b"M": packet(b"y", b"421 4.7.0 go away\0")}))
    start(instance, milter.spec)
    raw = Raw(instance.port("smtp"))
    raw.ehlo()
    assert raw.cmd("MAIL FROM:<a@far.test>").code == 421 and raw.is_closed()


def test_filterd_killed_costs_451_and_no_message(instance, raw_milters):
    milter = raw_milters(talk())
    start(instance, milter.spec)
    raw = Raw(instance.port("smtp"))
    raw.begin("a@far.test", "alice@d.test")
    pid = next(pid for pid, command in instance.processes().items() if "libexec/posthorn/filterd" in command)
    subprocess.run(["kill", "-9", str(pid)], check=True)
    raw.cmd("DATA")
    reply = raw.cmd("Subject: lost?\r\n\r\n.")
    assert reply.code in (451, 500, 503)

    def again():
        try:
            return deliver(instance)
        except AssertionError:
            return None
    reply, mark = wait_for(again, 20, "filterd is back")
    assert reply.code == 250
    wait_message(instance, "alice@d.test", mark)


def test_without_filters_nobody_is_asked(instance):
    instance.start()
    instance.add_user("alice@d.test", PASSWORD)
    reply, mark = deliver(instance)
    assert reply.code == 250
    wait_message(instance, "alice@d.test", mark)
    connections = instance.json("stats")
    asked = [row for row in connections if row.get("service") == "filter" and row.get("counter", row.get("name")) == "messages_filtered"]
    assert not [row for row in asked if str(row["value"]) != "0"]
    assert "event=filter" not in instance.log("filter")


def test_config_check_names_the_line(instance):
    done = instance.run("config", "set", "filter.milters", "inet:127.0.0.1", check=False)
    assert done.returncode != 0 and "inet:host:port" in done.err
    for good in ("unix:/run/opendkim/socket;default=accept inet:[::1]:8891;for=submission;content=2m", ""):
        instance.set("filter.milters", good)


# ---- OpenDKIM ----

@pytest.mark.skipif(shutil.which("opendkim") is None, reason="needs opendkim")
def test_opendkim_verifies(instance, tmp_path):
    port = free_port()
    conf = tmp_path / "opendkim.conf"
    conf.write_text(f"Mode v\nSocket inet:{port}@127.0.0.1\nSyslog no\nAlwaysAddARHeader yes\n"
                    "AuthservID mail.d.test\nInternalHosts 192.0.2.1\nRequiredHeaders no\n")
    process = subprocess.Popen([shutil.which("opendkim"), "-f", "-x", conf])
    try:
        wait_for(lambda: answers(port), 20, "opendkim listens")
        start(instance, f"inet:127.0.0.1:{port}", default_action="reject")
        reply, mark = deliver(instance, extra="Date: Thu, 26 Nov 2026 10:00:00 +0000\r\n")
        assert reply.code == 250
        message = wait_message(instance, "alice@d.test", mark)
        assert b"Authentication-Results: mail.d.test; dkim=none" in message
    finally:
        process.kill()
        process.wait()
