"""smtpd through its ports: protocol, limits, relaying, TLS, smuggling; clients that are not ours."""
import base64
import re
import smtplib
import socket
import subprocess
import threading

import pytest

from conftest import PASSWORD
from instance import Instance, wait_for
from mailbox import messages, wait_message
from smtp_raw import Raw
from submission import login, token


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    for name, value in (("smtp.max_message_size", "100K"), ("smtp.max_recipients", "3"),
                        ("smtp.max_header_size", "16K"), ("smtp.max_line", "2000"),
                        ("smtp.hosts_no_auth", "127.0.0.3"), ("remote.port", "1"),
                        ("dns.hosts", "far.test 127.0.0.9"), ("smtp.max_errors", "8")):
        inst.set(name, value)
    inst.start()
    inst.add_user("alice@d.test", PASSWORD)
    inst.add_user("bob@d.test", PASSWORD)
    yield inst
    inst.close()


@pytest.fixture
def raw(suite):
    connection = Raw(suite.port("smtp"))
    yield connection
    connection.close()


# ---- greeting, EHLO, small commands ----

def test_greeting_and_extensions(raw):
    assert raw.greeting.lines == ["220 mail.d.test ESMTP Posthorn"]
    words = raw.ehlo().text.split("\n")
    assert words[0] == "mail.d.test"
    assert {"PIPELINING", "SIZE 102400", "STARTTLS", "8BITMIME", "ENHANCEDSTATUSCODES", "DSN", "CHUNKING",
            "BINARYMIME", "SMTPUTF8"} <= set(words)
    assert not any("PLAIN" in w for w in words), "no password in clear text"


def test_no_starttls_and_plain_inside_tls(suite):
    raw = Raw(suite.port("smtps"), tls=True)
    words = raw.ehlo().text.split("\n")
    assert "STARTTLS" not in words
    assert any(w.startswith("AUTH ") and "PLAIN" in w for w in words)
    assert raw.cmd("STARTTLS").code == 503


@pytest.mark.parametrize("line,code", [
    ("NOOP", 250), ("NOOP anything", 250), ("RSET", 250), ("HELP", 214), ("VRFY alice", 252),
    ("VRFY", 501), ("EXPN team", 502), ("RSET now", 501), ("DATA now", 501), ("FOO", 500), ("", 500),
    ("EHLO", 501), ("HELO", 501), ("EHLO \u00e4.test", 501), ("EHLO [127.0.0.1]", 250),
    ("EHLO under_score", 250), ("HELO x", 250), ("noop", 250), ("QUIT ", 221), ("MAIL FROM:<a@b.c>", 503),
    ("RCPT TO:<alice@d.test>", 503), ("DATA", 503), ("ETRN x", 500), ("TURN", 500), ("NOOP \x01", 500),
    ("X" * 3000, 500), ("NOOP " + "x" * 13000, 500),
])
def test_single_command(raw, line, code):
    assert raw.cmd(line).code == code


@pytest.mark.parametrize("line,code", [
    ("MAIL FROM:<>", 250), ("MAIL FROM:<a@b.c> SIZE=1000 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=x+2B", 250),
    ("MAIL FROM:<@x.y:a@b.c>", 250), ('MAIL FROM:<"a b"@b.c>', 250), ("MAIL FROM:<a@[127.0.0.1]>", 250),
    ("MAIL FROM:<a@b.c> AUTH=<>", 250), ("MAIL FROM:<\u03b4@b.c> SMTPUTF8", 250), ("MAIL FROM:<\u03b4@b.c>", 550),
    ("MAIL FROM:<a@b.c> SIZE=102401", 552), ("MAIL FROM:<a@b.c> SIZE=99999999999999999999", 552), ("MAIL FROM:<a@b.c> SIZE=x", 501), ("MAIL FROM:<a@b.c> X=1", 555),
    ("MAIL FROM:a@b.c", 501), ("MAIL FROM: <a@b.c>", 501), ("MAIL FROM:<a@b..c>", 501), ("MAIL TO:<a@b.c>", 501),
    ("MAIL", 501), (b"MAIL FROM:<a\xff@b.c> SMTPUTF8", 501), ("MAIL FROM:<" + "a" * 65 + "@b.c>", 501),
    ("AUTH", 501), ("AUTH PLAIN AGEAYg==", 538), ("AUTH NTLM", 504), ("MAIL FROM:<a@b.c> SIZE=1 SIZE=1", 501),
])
def test_command_after_ehlo(raw, line, code):
    raw.ehlo()
    assert raw.cmd(line).code == code


@pytest.mark.parametrize("line,code", [
    ("RCPT TO:<alice@d.test>", 250), ("RCPT TO:<ALICE@D.TEST>", 250), ("RCPT TO:<Postmaster>", 250),
    ("RCPT TO:<postmaster@d.test>", 250), ('RCPT TO:<"alice"@d.test>', 250), ("RCPT TO:<@x.y:alice@d.test>", 250),
    ("RCPT TO:<alice@d.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;alice@d.test", 250),
    ("RCPT TO:<alice@d.test> NOTIFY=NEVER,DELAY", 501), ("RCPT TO:<alice@d.test> ORCPT=x", 501),
    ("RCPT TO:<nobody@d.test>", 550), ("RCPT TO:<x@far.test>", 553), ("RCPT TO:<>", 501), ("RCPT TO:<alice>", 501),
    ("RCPT TO:<alice@d.test> FOO", 555), ("RCPT TO:<\u03b4@d.test>", 553), ("MAIL FROM:<a@b.c>", 503),
    ("RCPT TO:<alice%far.test@d.test>", 550), ("RCPT TO:<alice@far.test@d.test>", 501),
    ('RCPT TO:<"x@far.test"@d.test>', 550), ("RCPT TO:<x@[127.0.0.9]>", 553), ("AUTH PLAIN AGEAYg==", 503),
    ("STARTTLS", 503),
    # no way round the relay rule
    ("RCPT TO:<@d.test:x@far.test>", 553), ("RCPT TO:<@far.test,@d.test:x@far.test>", 553),
    ("RCPT TO:<x%far.test@[127.0.0.1]>", 553), ("RCPT TO:<far.test!x@d.test>", 550), ('RCPT TO:<"x@far.test">', 501),
    ("RCPT TO:<x@FAR.TEST>", 553), ("RCPT TO:<alice@d.test.>", 501), ('RCPT TO:<"alice@d.test"@far.test>', 553),
    ("RCPT TO:<alice@d.test>@far.test", 501), ("RCPT TO:<<x@far.test>>", 501), ("RCPT TO:<alice@d.test>,<x@far.test>", 501),
    ('RCPT TO:<alice@d.test\\>@far.test>', 501), ("RCPT TO:<x@[IPv6:::1]>", 553), ("RCPT TO:<x@\uff46ar.test>", 553),
    (b"RCPT TO:<alice@d.test\0@far.test>", 500),
])
def test_recipient(raw, line, code):
    raw.begin("a@far.test")
    assert raw.cmd(line).code == code


def test_relay_refusal_names_authentication(raw):
    raw.begin("alice@d.test")
    reply = raw.cmd("RCPT TO:<x@far.test>")
    assert (reply.code, reply.dsn) == (553, "5.7.1") and "authentication" in reply.text


def test_trusted_host_may_relay_on_25_only(suite):
    for port, code in (("smtp", 250), ("submission", 530)):
        sock = socket.create_connection(("127.0.0.1", suite.port(port)), timeout=15, source_address=("127.0.0.3", 0))
        file = sock.makefile("rb")
        file.readline()
        sock.sendall(b"HELO x\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<x@far.test>\r\nQUIT\r\n")
        replies = file.read().decode().split("\r\n")
        assert replies[2].startswith(str(code)), replies
        sock.close()


# ---- limits ----

def test_too_many_recipients(raw):
    raw.begin("a@far.test", "alice@d.test", "bob@d.test", "postmaster@d.test")
    reply = raw.cmd("RCPT TO:<alice@d.test>")
    assert (reply.code, reply.dsn) == (452, "4.5.3")


def test_refusals_have_an_end(raw):
    raw.begin("a@far.test", "alice@d.test", "bob@d.test", "postmaster@d.test")
    raw.send(b"RCPT TO:<alice@d.test>\r\n" * 1001)
    assert {raw.reply().code for _ in range(1000)} == {452}
    assert raw.reply().code == 421 and raw.is_closed()


def test_message_too_big_is_found_while_it_comes(raw):
    raw.begin("a@far.test", "alice@d.test")
    assert raw.cmd("DATA").code == 354
    raw.send(b"Subject: big\r\n\r\n" + (b"x" * 70 + b"\r\n") * 2000 + b".\r\n")
    reply = raw.reply()
    assert (reply.code, reply.dsn) == (552, "5.3.4")
    assert raw.cmd("NOOP").code == 250


def test_too_many_hops(raw):
    raw.begin("a@far.test", "alice@d.test")
    raw.cmd("DATA")
    raw.send(b"Received: from x by y; Mon, 23 Nov 2026 10:00:00 +0000\r\n" * 21 + b"\r\nx\r\n.\r\n")
    reply = raw.reply()
    assert (reply.code, reply.dsn) == (554, "5.4.6")


def test_header_section_and_line_limits(raw):
    for content, code in ((b"X: " + b"y" * 1500 + b"\r\n", 250), (b"X: y\r\n" * 4000, 552), (b"\r\n" + b"z" * 2001 + b"\r\n", 554)):
        raw.begin("a@far.test", "alice@d.test")
        raw.cmd("DATA")
        raw.send(content + b".\r\n")
        assert raw.reply().code == code


def test_errors_run_out(raw):
    raw.ehlo()
    for _ in range(7):
        assert raw.cmd("FOO").code == 500
    assert raw.cmd("FOO").code == 500
    assert raw.reply().code == 421 and raw.is_closed()


def test_rset_runs_out(raw):
    raw.ehlo()
    for _ in range(20):
        assert raw.cmd("RSET").code == 250
    assert raw.cmd("RSET").code == 421 and raw.is_closed()


def test_noop_runs_out(raw):
    raw.ehlo()
    replies = [raw.cmd("NOOP").code for _ in range(100)]
    assert replies[0] == 250 and replies[-1] == 421


@pytest.mark.parametrize("line", [b"GET / HTTP/1.1", b"POST /x HTTP/1.1", b"CONNECT a:25 HTTP/1.1", b"PRI * HTTP/2.0"])
def test_http_is_cut_off_at_once(suite, raw, line):
    raw.send(line + b"\r\nHost: x\r\n\r\n")
    assert raw.is_closed()
    wait_for(lambda: "event=http_client" in suite.log("smtp"), 5, "log line")


# ---- line ends and smuggling ----

def test_bare_lf_ends_no_command(raw):
    raw.ehlo()
    raw.send(b"NOOP\nNOOP\nMAIL FROM:<a@b.c>\r\n")
    assert raw.reply().code == 500
    assert raw.cmd("RCPT TO:<alice@d.test>").code == 503


SMUGGLED = b"MAIL FROM:<evil@far.test>\r\nRCPT TO:<alice@d.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n"


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\r\n", b"\r\n.\r", b"\r\n.\r\r\n",
                                 b"\n\n.\n\n", b"\r\n\0.\r\n", b"\r\n.\0\r\n"])
def test_only_crlf_dot_crlf_ends_data(suite, raw, end):
    mark = token().encode()
    raw.begin("a@far.test", "alice@d.test")
    assert raw.cmd("DATA").code == 354
    raw.send(b"Subject: " + mark + b"\r\n\r\nbody" + end + SMUGGLED)
    assert raw.reply().code == (250 if b"\0" in end else 554)
    assert raw.cmd("NOOP").code == 250, "nothing of the content was taken for commands"
    heads = [m.partition(b"\r\n\r\n")[0] for m in messages(suite, "alice@d.test")]
    assert not any(b"smuggled" in head for head in heads)


def test_dots_arrive_as_they_were(suite, raw):
    mark = token().encode()
    raw.begin("a@far.test", "alice@d.test")
    raw.cmd("DATA")
    raw.send(b"X-Token: " + mark + b"\r\n\r\n..\r\n...a\r\nb.\r\n.\r\n")
    assert raw.reply().code == 250
    assert wait_message(suite, "alice@d.test", mark).endswith(b"\r\n\r\n.\r\n..a\r\nb.\r\n")


def test_a_dot_cut_into_single_bytes(suite, raw):
    raw.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    mark = token().encode()
    raw.begin("a@far.test", "alice@d.test")
    raw.cmd("DATA")
    for byte in b"X-Token: " + mark + b"\r\n\r\n..x\r\n.\r\n":
        raw.send(bytes([byte]))
    assert raw.reply().code == 250
    assert wait_message(suite, "alice@d.test", mark).endswith(b"\r\n\r\n.x\r\n")


# ---- content and trace ----

def test_trace_fields_on_top(suite, raw):
    mark = token().encode()
    raw.begin("sender@far.test", "alice@d.test")
    raw.cmd("DATA")
    raw.send(b"Subject: " + mark + b"\r\n\r\nx\r\n.\r\n")
    queue_id = raw.reply().text.split()[-1].encode()
    got = wait_message(suite, "alice@d.test", mark)
    lines = got.split(b"\r\n")
    assert lines[0] == b"Return-Path: <sender@far.test>"
    assert lines[1] == b"Received: from client.test ([127.0.0.1])"
    assert lines[2] == b"\tby mail.d.test with ESMTP id " + queue_id
    assert lines[3].startswith(b"\tfor <alice@d.test>; ")
    assert b"\r\nDate:" not in got and b"Message-ID" not in got, "only submitted mail is completed"


def test_received_names_no_recipient_when_there_are_two(suite, raw):
    mark = token().encode()
    raw.begin("sender@far.test", "alice@d.test", "bob@d.test")
    raw.cmd("DATA")
    raw.send(b"Subject: " + mark + b"\r\n\r\nx\r\n.\r\n")
    assert raw.reply().code == 250
    assert b"for <" not in wait_message(suite, "bob@d.test", mark)


@pytest.mark.parametrize("content", [b"no header at all %s\r\n", b" leading space %s\r\n", b"\r\nempty header %s\r\n"])
def test_text_without_header_does_not_become_header(suite, raw, content):
    mark = token().encode()
    raw.begin("a@far.test", "alice@d.test")
    raw.cmd("DATA")
    raw.send(content % mark + b".\r\n")
    assert raw.reply().code == 250
    head, _, body = wait_message(suite, "alice@d.test", mark).partition(b"\r\n\r\n")
    assert head.startswith(b"Return-Path:") and mark in body and mark not in head


def test_empty_message(suite, raw):
    raw.begin("a@far.test", "alice@d.test")
    raw.cmd("DATA")
    raw.send(b".\r\n")
    assert raw.reply().code == 250


def test_pipelining_answers_in_order(raw):
    raw.ehlo()
    raw.send(b"MAIL FROM:<a@b.c>\r\nRCPT TO:<nobody@d.test>\r\nRCPT TO:<alice@d.test>\r\nNOOP\r\nDATA\r\n")
    assert [raw.reply().code for _ in range(5)] == [250, 550, 250, 250, 354]
    raw.send(b"x: y\r\n\r\nz\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<nobody@d.test>\r\nDATA\r\nQUIT\r\n")
    assert [raw.reply().code for _ in range(5)] == [250, 250, 550, 554, 221]


# ---- BDAT ----

def test_chunks(suite, raw):
    mark = token().encode()
    raw.begin("a@far.test", "alice@d.test")
    head, body = b"Subject: " + mark + b"\r\n\r\n", b".\r\nline\r\n"
    raw.send(b"BDAT %d\r\n" % len(head) + head + b"BDAT %d LAST\r\n" % len(body) + body + b"NOOP\r\n")
    assert [raw.reply().code for _ in range(3)] == [250, 250, 250]
    assert wait_message(suite, "alice@d.test", mark).endswith(head + body)


def test_binary_content_keeps_every_byte(suite, raw):
    mark = token().encode()
    raw.ehlo()
    assert raw.cmd("MAIL FROM:<a@far.test> BODY=BINARYMIME").code == 250
    raw.cmd("RCPT TO:<alice@d.test>")
    assert raw.cmd("DATA").code == 503
    assert raw.cmd("RSET").code == 250
    raw.cmd("MAIL FROM:<a@far.test> BODY=BINARYMIME")
    raw.cmd("RCPT TO:<alice@d.test>")
    content = b"Subject: " + mark + b"\r\n\r\n" + bytes(range(1, 256)) + b"\n.\n\r"
    raw.send(b"BDAT %d LAST\r\n" % len(content) + content)
    assert raw.reply().code == 250
    assert content in wait_message(suite, "alice@d.test", mark)


@pytest.mark.parametrize("before,code", [([], 503), (["MAIL FROM:<a@b.c>"], 554)])
def test_chunk_out_of_place_is_swallowed(raw, before, code):
    raw.ehlo()
    for line in before:
        raw.cmd(line)
    raw.send(b"BDAT 6 LAST\r\nQUIT\r\n")
    assert raw.reply().code == code
    assert raw.cmd("NOOP").code == 250


def test_chunk_with_bare_lf_is_refused_and_bdat_after_data_too(raw):
    raw.begin("a@far.test", "alice@d.test")
    raw.send(b"BDAT 4 LAST\r\nab\nc")
    assert raw.reply().code == 554
    raw.begin("a@far.test", "alice@d.test")
    raw.send(b"BDAT 2\r\nab")
    assert raw.reply().code == 250
    assert raw.cmd("DATA").code == 503 and raw.cmd("RSET").code == 250


def test_chunk_too_big(raw):
    raw.begin("a@far.test", "alice@d.test")
    raw.send(b"BDAT 200000\r\n" + b"x" * 200000)
    assert raw.reply().code == 552
    raw.send(b"BDAT 4 LAST\r\nabcd")
    assert raw.reply().code == 503
    assert raw.cmd("RSET").code == 250


def test_chunk_without_size_ends_the_session(raw):
    raw.begin("a@far.test", "alice@d.test")
    assert raw.cmd("BDAT many").code == 421 and raw.is_closed()


# ---- internationalized mail ----

def test_smtputf8_message(suite, raw):
    mark = token()
    raw.ehlo()
    assert raw.cmd("MAIL FROM:<\u03b4\u03bf\u03ba@far.test> SMTPUTF8").code == 250
    assert raw.cmd("RCPT TO:<alice@d.test>").code == 250
    raw.cmd("DATA")
    raw.send(f"Subject: \u03b4\u03bf\u03ba {mark}\r\n\r\nx\r\n.\r\n")
    assert raw.reply().code == 250
    got = wait_message(suite, "alice@d.test", mark.encode()).decode()
    assert got.startswith("Return-Path: <\u03b4\u03bf\u03ba@far.test>\r\n") and "with UTF8SMTP id" in got


# ---- TLS ----

def test_starttls_throws_away_what_was_pipelined(suite, raw):
    raw.ehlo()
    raw.send(b"STARTTLS\r\nMAIL FROM:<evil@far.test>\r\nRCPT TO:<alice@d.test>\r\n")
    assert raw.reply().code == 220
    raw._wrap()
    raw.file = raw.sock.makefile("rb")
    assert raw.cmd("RCPT TO:<alice@d.test>").code == 503
    assert raw.cmd("MAIL FROM:<a@b.c>").code == 503, "EHLO is forgotten"
    assert raw.ehlo().code == 250
    wait_for(lambda: "event=starttls_injection" in suite.log("smtp"), 5, "log line")


def test_openssl_s_client(suite):
    done = subprocess.run(["openssl", "s_client", "-starttls", "smtp", "-crlf", "-quiet", "-connect",
                           f"127.0.0.1:{suite.port('submission')}"], input=b"EHLO x\nQUIT\n", capture_output=True, timeout=20)
    assert b"AUTH " in done.stdout and b"221 2.0.0" in done.stdout


def test_garbage_instead_of_a_handshake(suite, raw):
    raw.ehlo()
    assert raw.cmd("STARTTLS").code == 220
    raw.send(b"this is no TLS at all, sorry\r\n" * 10)
    assert Raw(suite.port("smtp")).ehlo().code == 250


# ---- authentication and submission ----

# ---- the log of a session that brings no message ----

def line_of(suite, mark, *words):
    """The line of smtp.log that has all of these."""
    def find():
        return [line for line in suite.log("smtp").splitlines() if mark in line and all(w in line for w in words)]
    wait_for(find, 20, f"{mark} {words} in smtp.log")
    return find()[0]


@pytest.mark.parametrize("end, by", [(b"RSET\r\n", "reset"), (b"EHLO again\r\n", "reset"), (b"QUIT\r\n", "close"),
                                     (b"", "close"), (b"DATA\r\n" + b"x" * 998 + b"\r\n", "close")])
def test_a_transaction_without_a_message_is_in_the_log(suite, raw, end, by):
    mark = token()
    raw.begin(f"{mark}@far.test", "alice@d.test", "bob@d.test")
    assert raw.cmd("RCPT TO:<nobody@d.test>").code == 550
    raw.send(end)
    if not end.startswith((b"RSET", b"EHLO")):
        raw.sock.shutdown(socket.SHUT_WR)
    line = line_of(suite, mark, "event=abandoned")
    for word in ("helo=client.test", "to=alice@d.test,bob@d.test", "nrcpt=2", f"by={by}", "client=127.0.0.1"):
        assert word in line, (word, line)
    size = int(re.search(r" size=(\d+)", line).group(1))
    assert (900 < size <= 1000) if end.startswith(b"DATA") else size == 0, line
    assert "code=550" in line_of(suite, mark, "event=rejected", "to=nobody@d.test")


def test_a_message_is_not_told_as_abandoned_too(suite, raw):
    mark = token()
    raw.begin(f"{mark}@far.test", "alice@d.test")
    assert raw.cmd("DATA").code == 354 and raw.cmd("Subject: x\r\n\r\nx\r\n.").code == 250
    assert raw.cmd(f"MAIL FROM:<{mark}-2@far.test>").code == 250 and raw.cmd("DATA").code == 554
    assert raw.cmd("RSET").code == 250
    assert "to=\"\" nrcpt=0" in line_of(suite, f"{mark}-2@", "event=abandoned") and "last_code=554" in line_of(suite, f"{mark}-2@", "event=abandoned")
    assert not [line for line in suite.log("smtp").splitlines() if f"{mark}@" in line and "abandoned" in line]


def test_what_was_not_understood_and_the_end_are_in_the_log(suite, raw):
    mark = token()
    assert raw.cmd(f"EHLO {mark}.test").code == 250
    assert raw.cmd(f"MAIL FROM:{mark}").code == 501
    assert raw.cmd("MAIL FROM:<>").code == 250 and raw.cmd(f"RCPT TO:<{mark}@@>").code == 501
    for stage in ("MAIL", "RCPT"):
        assert "code=501" in line_of(suite, mark, "event=rejected", f"stage={stage}", "argument=")
    raw.close()
    assert f"helo={mark}.test" in line_of(suite, mark, "event=disconnected", "messages=0")


def test_whose_login_failed_is_in_the_log(suite):
    mark = token()
    for mechanism, first in (("PLAIN", f"\0{mark}@d.test\0not-the-one"), ("LOGIN", f"{mark}@d.test")):
        raw = Raw(suite.port("submission"))
        raw.ehlo()
        raw.starttls()
        raw.ehlo()
        reply = raw.cmd(f"AUTH {mechanism} " + base64.b64encode(first.encode()).decode())
        if mechanism == "LOGIN":
            reply = raw.cmd(base64.b64encode(b"not-the-one").decode())
        assert reply.code == 535
        assert f"user={mark}@d.test" in line_of(suite, mark, "event=auth_failed", f"mechanism={mechanism}")
        raw.close()
    assert "not-the-one" not in suite.log("smtp")


def test_submission_wants_authentication_first(suite):
    raw = Raw(suite.port("submission"))
    raw.ehlo()
    for line in ("MAIL FROM:<alice@d.test>", "RCPT TO:<alice@d.test>", "VRFY alice"):
        reply = raw.cmd(line)
        assert (reply.code, reply.dsn) == (530, "5.7.0")
    assert raw.cmd("NOOP").code == 250


def test_submitted_mail_is_completed(suite):
    mark = token()
    client = login(suite)
    assert client.sendmail("alice@d.test", ["bob@d.test"], f"X-Token: {mark}\r\n\r\nx\r\n") == {}
    client.quit()
    got = wait_message(suite, "bob@d.test", mark.encode())
    assert b"with ESMTPSA id" in got and b"(using TLSv1.3 with cipher " in got
    assert got.count(b"\r\nDate: ") == 1 and got.count(b"\r\nMessage-ID: <") == 1


def test_date_and_message_id_of_the_client_stay(suite):
    mark = token()
    client = login(suite)
    client.sendmail("alice@d.test", ["bob@d.test"],
                    f"Date: Mon, 23 Nov 2026 10:00:00 +0000\r\nmessage-id: <{mark}@x>\r\n\r\nx\r\n")
    client.quit()
    got = wait_message(suite, "bob@d.test", mark.encode())
    assert got.lower().count(b"\r\ndate: ") == 1 and got.lower().count(b"\r\nmessage-id: ") == 1


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "PLAIN-late"])
def test_mechanisms(suite, mechanism):
    raw = Raw(suite.port("smtps"), tls=True)
    raw.ehlo()
    plain = base64.b64encode(b"\0alice@d.test\0" + PASSWORD.encode()).decode()
    if mechanism == "PLAIN":
        reply = raw.cmd("AUTH PLAIN " + plain)
    elif mechanism == "PLAIN-late":
        reply = raw.cmd("auth plain")
        assert reply.lines == ["334 "]
        reply = raw.cmd(plain)
    else:
        assert raw.cmd("AUTH LOGIN").code == 334
        assert raw.cmd(base64.b64encode(b"alice@d.test")).code == 334
        reply = raw.cmd(base64.b64encode(PASSWORD.encode()))
    assert (reply.code, reply.dsn) == (235, "2.7.0")
    assert raw.cmd("AUTH PLAIN " + plain).code == 503
    assert raw.cmd("MAIL FROM:<alice@d.test>").code == 250


@pytest.mark.parametrize("lines,code", [
    (["AUTH PLAIN", "*"], 501), (["AUTH PLAIN", "!!!"], 501), (["AUTH PLAIN ="], 501), (["AUTH PLAIN =AAA"], 501),
    (["AUTH PLAIN AG5vYm9keUBkLnRlc3QAeA=="], 535), (["AUTH PLAIN", "A" * 14000], 500), (["AUTH GSSAPI"], 504),
])
def test_authentication_that_fails(suite, lines, code):
    raw = Raw(suite.port("smtps"), tls=True)
    raw.ehlo()
    for line in lines[:-1]:
        assert raw.cmd(line).code == 334
    assert raw.cmd(lines[-1]).code == code
    assert raw.cmd("MAIL FROM:<alice@d.test>").code == 530


def test_secrets_are_not_logged(suite):
    log = suite.log("smtp") + suite.log("auth")
    assert PASSWORD not in log and base64.b64encode(PASSWORD.encode()).decode().rstrip("=") not in log


# ---- clients that are not ours ----

def test_swaks(suite):
    mark = token()
    done = subprocess.run(["swaks", "--server", "127.0.0.1", "--port", str(suite.port("submission")), "-tls", "--auth",
                           "PLAIN", "--auth-user", "alice@d.test", "--auth-password", PASSWORD,
                           "--from", "alice@d.test", "--to", "bob@d.test", "--body", mark], capture_output=True, timeout=30)
    assert done.returncode == 0, done.stdout.decode()
    wait_message(suite, "bob@d.test", mark.encode())


def test_curl(suite, tmp_path):
    mark = token()
    mail = tmp_path / "mail"
    mail.write_text(f"From: alice@d.test\r\nSubject: {mark}\r\n\r\n.starts with a dot\r\n")
    done = subprocess.run(["curl", "-sS", "-k", "--url", f"smtps://127.0.0.1:{suite.port('smtps')}", "--user",
                           f"alice@d.test:{PASSWORD}", "--mail-from", "alice@d.test", "--mail-rcpt", "bob@d.test", "-T",
                           str(mail)], capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr.decode()
    assert b"\r\n.starts with a dot\r\n" in wait_message(suite, "bob@d.test", mark.encode())


def test_smtplib_over_plain_port(suite):
    mark = token()
    with smtplib.SMTP("127.0.0.1", suite.port("smtp"), timeout=15) as client:
        refused = client.sendmail("x@far.test", ["alice@d.test", "nobody@d.test"], f"X-Token: {mark}\r\n\r\nx\r\n")
    assert list(refused) == ["nobody@d.test"] and refused["nobody@d.test"][0] == 550
    wait_message(suite, "alice@d.test", mark.encode())


# ---- bad times ----

def test_many_sessions_at_once(suite):
    problems = []

    def send(number):
        try:
            with smtplib.SMTP("127.0.0.1", suite.port("smtp"), timeout=30) as client:
                client.sendmail("x@far.test", ["bob@d.test"], f"Subject: {number}\r\n\r\nx\r\n")
        except Exception as e:  # noqa: BLE001 - whatever it is, the test shows it
            problems.append(e)

    threads = [threading.Thread(target=send, args=(i,)) for i in range(60)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not problems


def test_client_that_vanishes_leaves_nothing(suite, raw):
    before = len(messages(suite, "alice@d.test"))
    raw.begin("a@far.test", "alice@d.test")
    raw.cmd("DATA")
    raw.send(b"Subject: half\r\n\r\nno end\r\n")
    raw.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    raw.close()
    wait_for(lambda: not list((suite.root / "queue/tmp").iterdir()), 5, "no file left in tmp")
    assert len(messages(suite, "alice@d.test")) == before


def test_accountd_restart_is_survived(suite):
    raw = Raw(suite.port("smtp"))
    raw.begin("a@far.test", "alice@d.test")
    suite.run("service", "restart", "account")
    reply = raw.cmd("RCPT TO:<bob@d.test>")
    assert (reply.code, reply.dsn) in ((250, "2.1.5"), (451, "4.3.0"))
    again = Raw(suite.port("smtp"))
    again.begin("a@far.test", "alice@d.test")
