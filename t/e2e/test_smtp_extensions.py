"""What a sender may ask of MAIL: when, how urgently and how safely; and what EHLO says of it."""
import base64
import datetime
import time

import pytest

import frames
from conftest import PASSWORD
from instance import Instance, wait_for
from mailbox import wait_message
from smtp_raw import Raw
from smtp_sink import Sink


@pytest.fixture(scope="module")
def suite():
    """All extensions are on; mail to others stays in the queue, because the relay does not answer."""
    inst = Instance()
    inst.setup()
    for name, value in (("smtp.extensions", "REQUIRETLS FUTURERELEASE DELIVERBY MT-PRIORITY LIMITS"),
                        ("smtp.max_future_release", "1d"), ("smtp.priority_users", "alice@d.test"),
                        ("remote.policy", "relay"), ("remote.relay_hosts", "127.0.0.2:9")):
        inst.set(name, value)
    inst.start()
    inst.add_user("alice@d.test", PASSWORD)
    inst.add_user("bob@d.test", PASSWORD)
    yield inst
    inst.close()


def session(suite, user=None, port="submission"):
    raw = Raw(suite.port(port), tls=port == "smtps")
    raw.ehlo()
    if port != "smtps":
        raw.starttls()
        raw.ehlo()
    if user:
        plain = base64.b64encode(f"\0{user}\0{PASSWORD}".encode()).decode()
        assert raw.cmd("AUTH PLAIN " + plain).code == 235
    return raw


def keywords(reply):
    lines = reply.text.split("\n")[1:]
    return {line.split(" ")[0]: line.split(" ")[1:] for line in lines}


def queue_files(suite, name):
    """The bytes of each file of that name; one that is being moved is found at its new place the next time."""
    for path in (suite.root / "queue").glob(f"*/{name}"):
        try:
            yield path.read_bytes()
        except FileNotFoundError:
            pass


def envelope(suite, queue_id):
    """The fields of doc/queue.md, from the file itself, wherever it is by now."""
    def find():
        for name in (f"{queue_id}.env", queue_id):
            for data in queue_files(suite, name):
                length = int.from_bytes(data[-24:-20], "big")
                if length:
                    return data[-24 - length:-24]
        return None
    names = ("version id received sender envid ret flags auth_user client hops hold deliver_by by_mode priority "
             "helo hold_reason origin approved_by hold_request rcpts").split()
    fields = frames.decode(wait_for(find, what=f"{queue_id} in the queue"))
    found = dict(zip(names, fields))
    found["flags"] = {name for bit, name in ((8, "REQUIRETLS"), (16, "TLS-OPTIONAL"), (32, "TRACE"))
                      if found["flags"] & bit}
    return found


def send(raw, params, header="", rcpt="x@far.test", sender="alice@d.test"):
    """The queue id."""
    assert raw.cmd(f"MAIL FROM:<{sender}> {params}".rstrip()).code == 250
    assert raw.cmd(f"RCPT TO:<{rcpt}>").code == 250
    assert raw.cmd("DATA").code == 354
    reply = raw.cmd(f"Subject: x\r\n{header}\r\nhello\r\n.")
    assert reply.code == 250
    return reply.text.split()[-1]


def utc(seconds):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
            ).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_ehlo_says_what_is_offered_where(suite):
    clear = keywords(Raw(suite.port("smtp")).ehlo())
    assert clear["LIMITS"] == ["RCPTMAX=100"]
    assert clear["DELIVERBY"] == [] and clear["MT-PRIORITY"] == []
    assert "REQUIRETLS" not in clear, "RFC 8689 section 2: TLS comes first"
    assert "FUTURERELEASE" not in clear, "RFC 4865 section 4.2: for submission alone"
    raw = session(suite, port="smtp")
    assert "REQUIRETLS" in keywords(raw.ehlo()) and "FUTURERELEASE" not in keywords(raw.ehlo())
    longest, last = keywords(Raw(suite.port("submission")).ehlo())["FUTURERELEASE"]
    assert longest == "86400" and abs((datetime.datetime.fromisoformat(last.replace("Z", "+00:00"))
                                      - datetime.datetime.now(datetime.timezone.utc)).total_seconds() - 86400) < 60
    assert {"REQUIRETLS", "FUTURERELEASE"} <= set(keywords(session(suite, port="smtps").ehlo()))


def test_requiretls(suite):
    raw = session(suite, "alice@d.test")
    assert envelope(suite, send(raw, "REQUIRETLS"))["flags"] == {"REQUIRETLS"}
    assert envelope(suite, send(raw, "REQUIRETLS", "TLS-Required: No\r\n"))["flags"] == {"REQUIRETLS"}
    assert envelope(suite, send(raw, "", "TLS-Required: No\r\n"))["flags"] == {"TLS-OPTIONAL"}
    assert envelope(suite, send(raw, "", "TLS-Required: No\r\nTLS-Required: No\r\n"))["flags"] == set()
    assert raw.cmd("MAIL FROM:<alice@d.test> REQUIRETLS=1").code == 501
    clear = Raw(suite.port("smtp"))
    clear.ehlo()
    assert clear.cmd("MAIL FROM:<a@far.test> REQUIRETLS").code == 555


def test_future_release(suite):
    raw = session(suite, "alice@d.test")
    held = envelope(suite, send(raw, "HOLDFOR=3600"))
    assert abs(held["hold"] / 1000 - time.time() - 3600) < 60 and held["hold_request"] == b"for;3600"
    date = utc(7200)
    held = envelope(suite, send(raw, f"HOLDUNTIL={date}"))
    assert held["hold"] == datetime.datetime.fromisoformat(date.replace("Z", "+00:00")).timestamp() * 1000
    for bad in ("HOLDFOR=86401", "HOLDFOR=0", "HOLDFOR=1 HOLDFOR=1", f"HOLDFOR=1 HOLDUNTIL={date}",
                f"HOLDUNTIL={utc(90000)}", f"HOLDUNTIL={utc(-60)}", "HOLDUNTIL=tomorrow", "HOLDFOR=60 BY=30;R"):
        reply = raw.cmd(f"MAIL FROM:<alice@d.test> {bad}")
        assert (reply.code, reply.dsn) == (501, "5.5.4"), bad
    assert envelope(suite, send(raw, "HOLDFOR=30 BY=60;R"))["by_mode"] == 1, "the session goes on"
    other = Raw(suite.port("smtp"))
    other.ehlo()
    assert other.cmd("MAIL FROM:<a@far.test> HOLDFOR=10").code == 555


def test_deliver_by(suite):
    raw = session(suite, "alice@d.test")
    found = envelope(suite, send(raw, "BY=120;R"))  # RFC 2852 section 6
    assert abs(found["deliver_by"] / 1000 - time.time() - 120) < 60 and found["by_mode"] == 1
    found = envelope(suite, send(raw, "BY=+600;NT"))
    assert found["by_mode"] == 2 and found["flags"] == {"TRACE"}
    for bad in ("BY=0;R", "BY=-10;R", "BY=10", "BY=10;X", "BY=10;R BY=10;R", "BY=1234567890;N", "BY"):
        reply = raw.cmd(f"MAIL FROM:<alice@d.test> {bad}")
        assert (reply.code, reply.dsn) == (501, "5.5.4"), bad


def test_priorities(suite):
    alice, bob, stranger = session(suite, "alice@d.test"), session(suite, "bob@d.test"), Raw(suite.port("smtp"))
    assert envelope(suite, send(alice, "MT-PRIORITY=3"))["priority"] == 12
    reply = alice.cmd("MAIL FROM:<alice@d.test> MT-PRIORITY=9")
    assert (reply.code, reply.text.split()[:2]) == (250, ["2.3.6", "4"])
    reply = bob.cmd("MAIL FROM:<bob@d.test> MT-PRIORITY=1")
    assert (reply.code, reply.text.split()[:2]) == (250, ["2.3.6", "0"])
    stranger.ehlo()
    reply = stranger.cmd("MAIL FROM:<a@far.test> MT-PRIORITY=5")
    assert (reply.code, reply.text.split()[:2]) == (250, ["2.3.6", "0"])
    assert stranger.cmd("RSET").code == 250
    reply = stranger.cmd("MAIL FROM:<a@far.test> MT-PRIORITY=-5")
    assert (reply.code, reply.dsn) == (250, "2.1.0"), "who steps back is let"
    reply = alice.cmd("RSET"), alice.cmd("MAIL FROM:<alice@d.test> MT-PRIORITY=11")
    assert (reply[1].code, reply[1].dsn) == (501, "5.5.2")


def test_priority_is_in_the_trace(suite):
    raw = session(suite, "alice@d.test")
    queue_id = send(raw, "MT-PRIORITY=-2")
    data = wait_for(lambda: next(queue_files(suite, queue_id), None), what="the file")
    assert b"\tPRIORITY -2; " in data, "RFC 6710 section 4.1"
    suite.wait_log("smtp", "priority=-2")


def test_all_of_it_pipelined(suite):
    raw = session(suite, "alice@d.test")
    raw.send("MAIL FROM:<alice@d.test> BY=0;R\r\nMAIL FROM:<alice@d.test> REQUIRETLS HOLDFOR=60 BY=125;RT "
             "ENVID=QQ314159 MT-PRIORITY=3\r\nRCPT TO:<x@far.test>\r\nDATA\r\n")
    assert [raw.reply().code for _ in range(4)] == [501, 250, 250, 354]
    found = envelope(suite, raw.cmd("Subject: x\r\n\r\nhello\r\n.").text.split()[-1])
    assert found["flags"] == {"REQUIRETLS", "TRACE"} and found["priority"] == 12 and found["by_mode"] == 1
    assert found["hold"] > 0 and found["helo"] == b"client.test" and found["envid"] == b"QQ314159"


def test_helo_sessions_have_no_extensions(suite):
    raw = Raw(suite.port("smtp"))
    assert raw.cmd("HELO client.test").code == 250
    assert raw.cmd("MAIL FROM:<a@far.test> BY=120;R").code == 555


def test_all_that_is_complete_is_offered_as_shipped(instance):
    instance.start()
    said = keywords(Raw(instance.port("smtp")).ehlo())
    assert {"DELIVERBY", "MT-PRIORITY", "LIMITS"} <= set(said)
    assert not {"REQUIRETLS", "FUTURERELEASE", "BURL", "ETRN"} & set(said)
    assert {"DELIVERBY", "MT-PRIORITY", "LIMITS", "REQUIRETLS", "FUTURERELEASE", "BURL"} <= set(
        keywords(session(instance).ehlo()))


def test_what_is_switched_off_is_not_there(instance):
    instance.set("smtp.extensions", "LIMITS")
    instance.set("smtp.max_recipients", "7")
    instance.start()
    raw = Raw(instance.port("smtp"))
    said = keywords(raw.ehlo())
    assert said["LIMITS"] == ["RCPTMAX=7"] and not {"DELIVERBY", "MT-PRIORITY"} & set(said)
    assert raw.cmd("MAIL FROM:<a@far.test> MT-PRIORITY=1").code == 555


def test_vrfy_and_expn_tell_when_they_may(instance):
    """RFC 5321 section 3.5; SMTP-23."""
    instance.set("smtp.allow_vrfy_expn", "yes")
    instance.start()
    for user in ("alice@d.test", "bob@d.test"):
        instance.add_user(user, PASSWORD)
    instance.run("alias", "add", "al@d.test", "alice@d.test")
    instance.run("group", "add", "team@d.test", "--member", "alice@d.test", "--member", "x@far.test",
                 "--member", "bob@d.test")
    raw = Raw(instance.port("smtp"))
    assert {"VRFY", "EXPN"} <= set(keywords(raw.ehlo()))
    for line, code, text in (
            ("VRFY alice@d.test", 250, "2.1.5 <alice@d.test>"),
            ("VRFY <ALICE@D.test>", 250, "2.1.5 <alice@d.test>"),
            ("VRFY al@d.test", 250, "2.1.5 <alice@d.test>"),
            ("VRFY team@d.test", 250, "2.1.5 <team@d.test>"),
            ("VRFY alice@d.test SMTPUTF8", 250, "2.1.5 <alice@d.test>"),
            ("VRFY nobody@d.test", 550, "5.1.1 no such mailbox"),
            ("EXPN alice@d.test", 250, "2.1.5 <alice@d.test>"),
            ("EXPN nobody@d.test", 550, "5.1.1 no such mailbox")):
        reply = raw.cmd(line)
        assert (reply.code, reply.text) == (code, text), line
    reply = raw.cmd("EXPN team@d.test")
    assert reply.code == 250
    assert sorted(reply.text.split("\n")) == [f"2.1.5 <{who}>" for who in ("alice@d.test", "bob@d.test", "x@far.test")]
    for line, code in (("VRFY x@far.test", 252), ("EXPN x@far.test", 550), ("VRFY alice", 252), ("EXPN team", 501),
                       ("VRFY", 501), ("EXPN", 501), ("VRFY alice@d.test nonsense", 252)):
        assert raw.cmd(line).code == code, line
    assert Raw(instance.port("submission")).cmd("EXPN team@d.test").code == 530, "who submits logs in first"
    assert raw.cmd("MAIL FROM:<a@far.test>").code == 250
    assert raw.cmd("VRFY bob@d.test").code == 250 and raw.cmd("RCPT TO:<bob@d.test>").code == 250, "in between"


def test_vrfy_answers_in_utf8_only_who_asks_for_it(instance):
    """RFC 6531 section 3.7.4.2."""
    instance.set("smtp.allow_vrfy_expn", "yes")
    instance.start()
    instance.add_user("\u03b4\u03bf\u03ba@d.test", PASSWORD)
    raw = Raw(instance.port("smtp"))
    raw.ehlo()
    reply = raw.cmd("VRFY \u03b4\u03bf\u03ba@d.test")
    assert (reply.code, reply.dsn) == (550, "5.6.8")
    reply = raw.cmd("VRFY \u03b4\u03bf\u03ba@d.test SMTPUTF8")
    assert reply.code == 250 and reply.text.encode("latin-1") == "2.1.5 <\u03b4\u03bf\u03ba@d.test>".encode()


# ---- on the way out ----

@pytest.fixture(scope="module")
def sink():
    server = Sink("127.0.0.2")
    yield server
    server.close()


@pytest.fixture(scope="module")
def outward(sink):
    """Mail to others goes to the sink, each message in a connection of its own."""
    inst = Instance()
    inst.setup()
    for name, value in (("remote.policy", "relay"), ("remote.relay_hosts", f"127.0.0.2:{sink.port}"),
                        ("remote.idle_time", "0"), ("queue.retry_interval", "1h")):
        inst.set(name, value)
    inst.start()
    inst.add_user("alice@d.test", PASSWORD)
    yield inst
    inst.close()


@pytest.fixture(autouse=True)
def fresh_sink(request):
    if "sink" in request.fixturenames:
        server = request.getfixturevalue("sink")
        server.replies, server.messages, server.commands, server.connections = {}, [], [], 0
        server.extensions = ["PIPELINING", "8BITMIME", "SIZE 1000000"]


def words(got):
    """The parameters of MAIL."""
    return dict(word.partition("=")[::2] for word in got.mail.split()[2:])


def one_message(sink):
    return wait_for(lambda: sink.messages and sink.messages[0], what="message at the sink")


def test_terms_go_along_to_who_knows_them(outward, sink):
    sink.extensions += ["DELIVERBY 30", "MT-PRIORITY MIXER"]
    send(session(outward, "alice@d.test"), "BY=120;R MT-PRIORITY=3")
    said = words(one_message(sink))
    left, mode = said["BY"].split(";")
    assert 100 < int(left) <= 120 and mode == "R" and said["MT-PRIORITY"] == "3"


def test_nothing_goes_along_to_who_does_not(outward, sink):
    send(session(outward, "alice@d.test"), "MT-PRIORITY=3")
    assert not {"BY", "MT-PRIORITY"} & set(words(one_message(sink)))


def test_a_deadline_is_not_left_to_who_would_forget_it(outward, sink):
    """RFC 2852 section 4.1.4.1"""
    queue_id = send(session(outward, "alice@d.test"), "BY=500;R")
    report = wait_message(outward, "alice@d.test", b"X-Posthorn-Queue-ID: " + queue_id.encode())
    assert b"\r\nAction: failed\r\nStatus: 5.3.3\r\n" in report
    assert b"\r\nDeliver-By-Date: " in report and b"\r\nArrival-Date: " in report
    assert not sink.messages and not any(c.startswith("MAIL") for c in sink.commands)


def test_the_sender_hears_that_it_was_passed_on(outward, sink):
    """RFC 2852 section 4.1.4.2"""
    sink.extensions.append("DSN")
    queue_id = send(session(outward, "alice@d.test"), "BY=600;N")
    assert one_message(sink).rcpts == ["RCPT TO:<x@far.test> NOTIFY=FAILURE,DELAY"]
    report = wait_message(outward, "alice@d.test", b"X-Posthorn-Queue-ID: " + queue_id.encode())
    assert b"\r\nAction: relayed\r\nStatus: 2.0.0\r\n" in report and b"\r\nDeliver-By-Date: " in report


def test_a_trace_is_made_where_the_next_server_knows_it_too(outward, sink):
    sink.extensions += ["DSN", "DELIVERBY"]
    queue_id = send(session(outward, "alice@d.test"), "BY=600;NT")
    got = one_message(sink)
    assert words(got)["BY"].endswith(";NT") and got.rcpts == ["RCPT TO:<x@far.test>"]
    report = wait_message(outward, "alice@d.test", b"X-Posthorn-Queue-ID: " + queue_id.encode())
    assert b"\r\nAction: relayed\r\n" in report


def test_reports_say_what_was_asked_of_future_release(outward, sink):
    """RFC 4865 section 5.1.2"""
    sink.replies["RCPT"] = "550 5.1.1 nobody"
    queue_id = send(session(outward, "alice@d.test"), "HOLDFOR=1")
    report = wait_message(outward, "alice@d.test", b"X-Posthorn-Queue-ID: " + queue_id.encode())
    assert b"\r\nFuture-Release-Request: for;1\r\n" in report and b"\r\nArrival-Date: " in report


def test_limits_of_a_server_are_heeded(outward, sink):
    """RFC 9422: two recipients in a transaction, two transactions in a session."""
    sink.extensions.append("LIMITS RCPTMAX=2 MAILMAX=2")
    raw = session(outward, "alice@d.test")
    assert raw.cmd("MAIL FROM:<alice@d.test>").code == 250
    for i in range(7):
        assert raw.cmd(f"RCPT TO:<r{i}@far.test>").code == 250
    assert raw.cmd("DATA").code == 354 and raw.cmd("Subject: x\r\n\r\nhello\r\n.").code == 250
    wait_for(lambda: len(sink.messages) == 4, what="four transactions")
    assert sorted(len(m.rcpts) for m in sink.messages) == [1, 2, 2, 2]
    assert sorted(rcpt for m in sink.messages for rcpt in m.rcpts) == [f"RCPT TO:<r{i}@far.test>" for i in range(7)]
    assert sink.connections == 2
    outward.wait_queue_empty()
