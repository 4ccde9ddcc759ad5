"""remote-deliver: from the queue to other servers, found by DNS zones of the test's own."""
import smtplib
import ssl
import socket
import uuid

import pytest

from conftest import PASSWORD
from instance import Instance, wait_for
from mailbox import wait_message
from nameserver import NameServer
from smtp_sink import Sink, certificate

INSECURE = ssl._create_unverified_context()
ZONE = [
    "@ MX 10 mx1", "@ MX 20 mx2", "mx1 A 127.0.0.2", "mx2 A 127.0.0.3",
    "direct A 127.0.0.2",                                    # no MX: its own exchanger
    "null MX 0 .", "halfnull MX 0 .", "halfnull MX 10 mx1",
    "alias CNAME target", "target MX 10 mx1", "mxalias MX 10 mx1alias", "mx1alias CNAME mx1",
    "three MX 10 dead", "three MX 20 mx2", "dead A 127.0.0.8",   # nobody listens there
    "onlydead MX 10 dead", "elsewhere MX 10 mx.broken.test.",
    "nohost MX 10 nowhere",
    "self MX 10 mail.d.test.", "self MX 20 mx1",
    "backup MX 10 mx1", "backup MX 20 mail.d.test.", "backup MX 30 mx2",
    "loop A 127.0.0.1",
    "more MX 10 mx1", "more MX 20 mx2", "more MX 30 mx4", "mx4 A 127.0.0.4",
    "six MX 10 mx6", "mx6 AAAA ::1",
    "families MX 10 mxfam", *[f"mxfam AAAA 100::{i}" for i in range(1, 9)], "mxfam A 127.0.0.2",
    "xn--mxa A 127.0.0.2", "*.w MX 10 mx1", "*.w MX 20 mx2",
]


@pytest.fixture(scope="module")
def zone():
    server = NameServer({"far.test": ZONE})
    yield server
    server.close()


@pytest.fixture(scope="module")
def sinks():
    """Two servers on one port of two addresses, as MX hosts have it."""
    first = Sink("127.0.0.2", tls=certificate())
    second = Sink("127.0.0.3", port=first.port)
    yield first, second
    first.close()
    second.close()


@pytest.fixture(scope="module")
def suite(zone, sinks):
    inst = Instance()
    inst.setup()
    for name, value in (("dns.stub", f"far.test {zone.address} broken.test 127.0.0.1@1"), ("dns.unsigned", "test"),
                        ("dns.timeout", "3s"), ("remote.port", sinks[0].port), ("remote.idle_time", "300ms"),
                        ("remote.connect_timeout", "2s"), ("remote.command_timeout", "3s"), ("remote.workers", "8"),
                        ("remote.data_end_timeout", "3s"), ("queue.retry_interval", "1h"), ("smtp.max_recipients", "1000"),
                        ("smtp.max_errors", "1000")):
        inst.set(name, value)
    inst.start()
    inst.add_user("alice@d.test", PASSWORD)
    yield inst
    inst.close()


@pytest.fixture(autouse=True)
def fresh_sinks(request):
    if "sinks" in request.fixturenames:
        for sink in request.getfixturevalue("sinks"):
            sink.replies, sink.messages, sink.commands, sink.connections, sink.names = {}, [], [], 0, []
            sink.extensions = ["PIPELINING", "8BITMIME", "SIZE 1000000", "DSN", "SMTPUTF8"]


@pytest.fixture
def domain():
    """A domain like far.test that no test before has used: no connection is kept to it, and no failure."""
    return f"{uuid.uuid4().hex[:12]}.w.far.test"


class Token(str):
    """What is unique in a message's subject; queue_id: what the server called the message."""

    queue_id = ""


def submit(suite, to, body=b"x\r\n", options=(), rcpt_options=(), sender="alice@d.test", header=b""):
    token = Token(uuid.uuid4().hex)
    client = smtplib.SMTP("127.0.0.1", suite.port("submission"), timeout=15)
    client.starttls(context=INSECURE)
    client.login("alice@d.test", PASSWORD)
    content = b"From: alice@d.test\r\nSubject: " + token.encode() + b"\r\n" + header + b"\r\n" + body
    if "SMTPUTF8" in options:
        client.command_encoding = "utf-8"
    assert client.mail(sender, options)[0] == 250
    for address in [to] if isinstance(to, str) else to:
        assert client.rcpt(address, rcpt_options)[0] == 250
    code, text = client.data(content)
    assert code == 250
    token.queue_id = text.decode().split()[-1]
    client.quit()
    return token


def failed(suite, token, outcome="bounced"):
    """The log line of the failed recipient, once it is there."""
    def find():
        return next((line for line in suite.log("remote").splitlines() if "event=failed" in line and
                     f"outcome={outcome}" in line and f"queue_id={token.queue_id}" in line), None)
    return wait_for(find, 20, f"outcome={outcome}")


def arrived(sink, token, deadline=20):
    return wait_for(lambda: next((m for m in sink.messages if token.encode() in m.content), None), deadline,
                    "message at the sink")


# ---- finding the way ----

def test_best_mx_gets_it_whole(suite, sinks):
    token = submit(suite, "x@far.test", b".dot\r\n..two\r\nend\r\n")
    got = arrived(sinks[0], token)
    assert got.content.endswith(b"\r\n\r\n.dot\r\n..two\r\nend\r\n")
    assert got.content.startswith(b"Received: from "), "our Return-Path stays at home"
    assert got.mail.startswith("MAIL FROM:<alice@d.test> SIZE=") and got.rcpts == ["RCPT TO:<x@far.test>"]
    assert got.tls, "STARTTLS where it is offered"
    assert "EHLO mail.d.test" in sinks[0].commands
    assert not sinks[1].messages
    suite.wait_queue_empty()
    suite.wait_log("remote", f"event=sent queue_id={token.queue_id}")
    sent = [line for line in suite.log("remote").splitlines() if "event=sent" in line and token.queue_id in line]
    assert len(sent) == 1 and "tls=TLSv1.3" in sent[0]


@pytest.mark.parametrize("domain", ["direct.far.test", "DIRECT.far.test", "[127.0.0.2]", "\u03b1.far.test"])
def test_ways_without_mx(suite, sinks, domain):
    options = ["SMTPUTF8"] if not domain.isascii() else []
    arrived(sinks[0], submit(suite, f"x@{domain}", options=options))


@pytest.mark.parametrize("domain", ["alias.far.test", "mxalias.far.test", "halfnull.far.test"])
def test_ways_with_an_alias_or_a_useless_record(suite, sinks, domain):
    got = arrived(sinks[0], submit(suite, f"x@{domain}"))
    assert got.rcpts == [f"RCPT TO:<x@{domain}>"], "the address stays as it was (RFC 5321 section 5.1)"


def test_next_mx_when_the_best_is_dead(suite, sinks):
    arrived(sinks[1], submit(suite, "x@three.far.test"))


def test_we_are_the_best_mx(suite, sinks):
    line = failed(suite, submit(suite, "x@self.far.test"))
    assert "dsn=5.4.6" in line
    wait_message(suite, "alice@d.test", b"5.4.6")


def test_we_are_the_second_best_mx(suite, sinks):
    arrived(sinks[0], submit(suite, "x@backup.far.test"))


def test_servers_behind_us_are_not_asked(suite, sinks):
    """RFC 5321 section 5.1: they would hand it back to us."""
    sinks[0].replies = {"RCPT": "451 4.7.1 later"}
    assert "dsn=4.7.1" in failed(suite, submit(suite, "x@backup.far.test"), "deferred")
    assert sinks[1].connections == 0


@pytest.mark.parametrize("domain,dsn", [("null.far.test", "5.1.10"), ("nosuch.far.test", "5.1.2"), ("nohost.far.test", "5.4.4")])
def test_domains_that_take_no_mail(suite, sinks, domain, dsn):
    assert f"dsn={dsn}" in failed(suite, submit(suite, f"x@{domain}"))


@pytest.mark.parametrize("domain", ["onlydead.far.test", "x.broken.test", "elsewhere.far.test"])
def test_what_may_come_back_is_deferred(suite, sinks, domain):
    line = failed(suite, submit(suite, f"x@{domain}"), "deferred")
    assert "dsn=4.4." in line


def test_ipv6(suite, sinks):
    try:
        sink = Sink("::1", port=sinks[0].port)
    except OSError:
        pytest.skip("no IPv6 on loopback")
    arrived(sink, submit(suite, "x@six.far.test"))
    sink.close()


def test_many_dead_ipv6_addresses_hide_no_ipv4(suite, sinks):
    arrived(sinks[0], submit(suite, "x@families.far.test"))


# ---- what servers say ----

def test_refused_recipient_bounces_the_other_arrives(suite, sinks, domain):
    sinks[0].replies = {f"RCPT no@{domain}": "550 5.1.1 no such user"}
    token = submit(suite, [f"yes@{domain}", f"no@{domain}"])
    assert arrived(sinks[0], token).rcpts == [f"RCPT TO:<yes@{domain}>"]
    line = failed(suite, token)
    assert f"to=no@{domain}" in line and "dsn=5.1.1" in line
    assert b"no such user" in wait_message(suite, "alice@d.test", f"no@{domain}".encode())


def test_temporary_refusal_is_tried_at_the_next_mx(suite, sinks, domain):
    sinks[0].replies = {"RCPT": "451 4.7.1 later"}
    arrived(sinks[1], submit(suite, f"x@{domain}"))


def test_temporary_refusal_everywhere_defers(suite, sinks, domain):
    for sink in sinks:
        sink.replies = {"MAIL": "450 4.2.0 greylisted"}
    assert "dsn=4.2.0" in failed(suite, submit(suite, f"x@{domain}"), "deferred")


def test_two_servers_are_asked_and_no_third(suite, sinks):
    third = Sink("127.0.0.4", port=sinks[0].port)
    for sink in sinks:
        sink.replies = {"RCPT": "451 4.7.1 later"}
    assert "dsn=4.7.1" in failed(suite, submit(suite, "x@more.far.test"), "deferred")
    third.close()
    assert sinks[0].connections == sinks[1].connections == 1 and third.connections == 0


@pytest.mark.parametrize("replies,outcome,dsn", [
    ({"MAIL": "554 5.7.1 go away"}, "bounced", "5.7.1"),
    ({"DATA": "550 no"}, "bounced", "5.0.0"),
    ({".": "554 5.6.0 bad content"}, "bounced", "5.6.0"),
    ({".": "452 4.3.1 full"}, "deferred", "4.3.1"),
    ({".": "CLOSE"}, "deferred", "4.4.2"),
    ({"RCPT": "CLOSE"}, "deferred", "4.4.2"),
    ({"DATA": "250 what"}, "deferred", "4.5.0"),
    ({".": "354 more"}, "deferred", "4.4.2"),
    ({"CONNECT": "554 no service"}, "deferred", "4."),
    ({"EHLO": "421 too busy"}, "deferred", "4."),
    ({"CONNECT": "I am no mail server"}, "deferred", "4.5.0"),
    ({"MAIL": "STALL"}, "deferred", "4.4.2"),
])
def test_verdicts(suite, sinks, domain, replies, outcome, dsn):
    for sink in sinks:
        sink.replies = dict(replies)
    assert f"dsn={dsn}" in failed(suite, submit(suite, f"x@{domain}"), outcome)


@pytest.mark.parametrize("text", ["x" * 10000, "\r\n".join(["first"] + ["250-x"] * 150 + ["250 last"])],
                         ids=["one line", "many lines"])
def test_long_replies_keep_their_verdict(suite, sinks, domain, text):
    sinks[0].replies = {".": ("250 " if "\r" not in text else "250-") + text}
    token = submit(suite, f"x@{domain}")
    wait_for(lambda: any("event=sent" in line and token.queue_id in line for line in suite.log("remote").splitlines()),
             20, "delivered")


def test_no_second_server_when_the_answer_is_lost(suite, sinks, domain):
    """Sent whole without an answer: the second server might deliver it twice."""
    sinks[0].replies = {".": "CLOSE"}
    assert "dsn=4.4.2" in failed(suite, submit(suite, f"x@{domain}"), "deferred")
    assert not sinks[1].commands


def test_helo_when_ehlo_is_unknown(suite, sinks, domain):
    sinks[0].replies = {"EHLO": "502 what"}
    got = arrived(sinks[0], submit(suite, f"x@{domain}"))
    assert got.mail == "MAIL FROM:<alice@d.test>" and "HELO mail.d.test" in sinks[0].commands


def test_too_many_recipients_are_sent_in_turns(suite, sinks, domain):
    sinks[0].replies = {"RCPT": ["250 ok", "250 ok", "452 4.5.3 too many", "250 ok"]}
    token = submit(suite, [f"{name}@{domain}" for name in "abc"])
    wait_for(lambda: len(sinks[0].messages) == 2, 20, "two transactions")
    assert [len(m.rcpts) for m in sinks[0].messages] == [2, 1]
    assert token.encode() in sinks[0].messages[1].content


def test_greylisted_recipients_are_not_pressed(suite, sinks, domain):
    """Only "too many" asks for another transaction at once."""
    sinks[0].replies = {f"RCPT slow@{domain}": "450 4.7.1 greylisted"}
    token = submit(suite, [f"quick@{domain}", f"slow@{domain}"])
    assert arrived(sinks[0], token).rcpts == [f"RCPT TO:<quick@{domain}>"]
    assert arrived(sinks[1], token).rcpts == [f"RCPT TO:<slow@{domain}>"]
    assert sum(c.startswith(f"RCPT TO:<slow@{domain}>") for c in sinks[0].commands) == 1


def test_many_recipients_go_in_one_transaction(suite, sinks, domain):
    rcpts = [f"r{i}@{domain}" for i in range(90)]
    token = submit(suite, rcpts)
    assert len(arrived(sinks[0], token).rcpts) == 90


# ---- TLS ----

def test_failed_handshake_means_clear_text(suite, sinks, domain):
    class Broken:
        def wrap_socket(self, sock, server_side):
            sock.sendall(b"this is no TLS\r\n" * 20)
            raise OSError("broken by the test")
    before, sinks[0].tls = sinks[0].tls, Broken()
    got = arrived(sinks[0], submit(suite, f"x@{domain}"))
    sinks[0].tls = before
    assert not got.tls
    suite.wait_log("remote", "event=clear_text")  # the administrator can see it


def test_sni_is_a_name_or_none(suite, sinks, domain):
    assert arrived(sinks[0], submit(suite, f"x@{domain}")).tls
    assert arrived(sinks[0], submit(suite, "x@[127.0.0.2]")).tls
    assert sinks[0].names == ["mx1.far.test", None], "no address for SNI (RFC 6066 section 3)"


def test_refused_starttls_means_clear_text(suite, sinks, domain):
    sinks[0].replies = {"STARTTLS": "454 4.7.0 not now"}
    assert not arrived(sinks[0], submit(suite, f"x@{domain}")).tls


def test_demanded_tls(sinks):
    inst = Instance()
    inst.setup()
    for name, value in (("remote.policy", "relay"), ("remote.demand_tls", "yes"), ("remote.idle_time", "0"),
                        ("remote.relay_hosts", f"127.0.0.3:{sinks[0].port} 127.0.0.2:{sinks[0].port}")):
        inst.set(name, value)
    inst.start()
    inst.add_user("alice@d.test", PASSWORD)
    try:
        assert arrived(sinks[0], submit(inst, "x@far.test")).tls
        assert sinks[1].commands and "MAIL" not in " ".join(sinks[1].commands), "the one without TLS got nothing"
        sinks[0].replies = {"STARTTLS": "454 not now"}
        assert "dsn=4." in failed(inst, submit(inst, "x@other.test"), "deferred")
        assert len(sinks[0].messages) == 1
    finally:
        inst.close()


# ---- extensions ----

def test_dsn_parameters_travel(suite, sinks, domain):
    token = submit(suite, f"x@{domain}", options=["RET=HDRS", "ENVID=QQ314"],
                   rcpt_options=["NOTIFY=SUCCESS,FAILURE", f"ORCPT=rfc822;x@{domain}"])
    got = arrived(sinks[0], token)
    assert " RET=HDRS ENVID=QQ314" in got.mail
    assert got.rcpts == [f"RCPT TO:<x@{domain}> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;x@{domain}"]


def test_no_parameters_without_the_extension(suite, sinks, domain):
    sinks[0].extensions = ["8BITMIME"]
    got = arrived(sinks[0], submit(suite, f"x@{domain}", rcpt_options=["NOTIFY=NEVER"]))
    assert got.mail == "MAIL FROM:<alice@d.test>" and got.rcpts == [f"RCPT TO:<x@{domain}>"]


def test_eight_bits_are_declared(suite, sinks, domain):
    got = arrived(sinks[0], submit(suite, f"x@{domain}", "\u00e4\r\n".encode()))
    assert "BODY=8BITMIME" in got.mail and got.content.endswith("\u00e4\r\n".encode())


def test_what_is_bigger_than_a_server_allows_bounces(suite, sinks, domain):
    sinks[0].extensions = [e for e in sinks[0].extensions if not e.startswith("SIZE")] + ["SIZE 100"]
    assert "dsn=5.3.4" in failed(suite, submit(suite, f"x@{domain}", b"x" * 70 + b"\r\n"))


def test_internationalized_mail_needs_smtputf8(suite, sinks, domain):
    got = arrived(sinks[0], submit(suite, f"\u03b4@{domain}", options=["SMTPUTF8"]))
    assert " SMTPUTF8" in got.mail and f"RCPT TO:<\u03b4@{domain}>" in got.rcpts[0]
    sinks[0].extensions.remove("SMTPUTF8")
    # another domain: a kept connection knows the old EHLO
    assert "dsn=5.6.7" in failed(suite, submit(suite, f"\u03b4@other-{domain}", options=["SMTPUTF8"]))


def test_smtputf8_that_is_not_needed_binds_nobody(suite, sinks, domain):
    """RFC 6531 section 3.4: UTF-8 in the body is a matter of 8BITMIME; in the header it is not."""
    sinks[0].extensions.remove("SMTPUTF8")
    text = "\u00e4\r\n".encode()
    got = arrived(sinks[0], submit(suite, f"x@{domain}", text, options=["SMTPUTF8"]))
    assert "SMTPUTF8" not in got.mail and "BODY=8BITMIME" in got.mail
    token = submit(suite, f"x@{domain}", text, options=["SMTPUTF8"], header="X-Name: \u00e4\r\n".encode())
    assert "dsn=5.6.7" in failed(suite, token)


def test_group_member_with_a_foreign_name_needs_smtputf8_too(suite, sinks, domain):
    suite.run("group", "add", f"g{domain[:8]}@d.test", "--member", f"\u03b4@{domain}")
    got = arrived(sinks[0], submit(suite, f"g{domain[:8]}@d.test"))
    assert " SMTPUTF8" in got.mail


def test_binary_mail_goes_by_bdat(suite, sinks, domain):
    sinks[0].extensions += ["CHUNKING", "BINARYMIME"]
    token = uuid.uuid4().hex
    content = f"Subject: {token}\r\n\r\n".encode() + bytes(range(256)) + b"\n.\n"
    client = smtplib.SMTP("127.0.0.1", suite.port("submission"), timeout=15)
    client.starttls(context=INSECURE)
    client.login("alice@d.test", PASSWORD)
    client.mail("alice@d.test", ["BODY=BINARYMIME"])
    client.rcpt(f"x@{domain}")
    client.send(b"BDAT %d LAST\r\n" % len(content) + content)
    assert client.getreply()[0] == 250
    client.quit()
    got = arrived(sinks[0], token)
    assert got.content.endswith(content[content.index(b"\r\n\r\n"):]) and "BODY=BINARYMIME" in got.mail


# ---- connections ----

def test_connection_is_used_again(suite, sinks, domain):
    tokens = [submit(suite, f"x@{domain}") for _ in range(4)]
    for token in tokens:
        arrived(sinks[0], token)
    assert sinks[0].connections < 4
    wait_for(lambda: "QUIT" in sinks[0].commands, 10, "an idle connection ends with QUIT")


# ---- relay hosts, two of our own ----

def test_relay_policy(sinks):
    inst = Instance()
    inst.setup()
    inst.set("remote.policy", "relay")
    inst.set("remote.relay_hosts", f"127.0.0.8:{sinks[0].port} 127.0.0.3:{sinks[0].port}")
    inst.set("remote.connect_timeout", "2s")
    inst.start()
    inst.add_user("alice@d.test", PASSWORD)
    try:
        arrived(sinks[1], submit(inst, "x@no.such.domain.test"))
    finally:
        inst.close()


RELAY_LOGIN = ("alice@isp.test", "pass word")


@pytest.fixture(scope="module")
def relaying(tmp_path_factory):
    """An instance whose relay hosts are changed by each test, and the certificate that it trusts."""
    inst = Instance()
    inst.setup()
    ca = tmp_path_factory.mktemp("ca") / "ca.pem"
    tls = certificate("relay.isp.test", ca)
    for name, value in (("remote.policy", "relay"), ("remote.relay_ca", ca), ("remote.idle_time", "0"),
                        ("remote.relay_hosts", "127.0.0.8:1"),
                        ("dns.hosts", "relay.isp.test 127.0.0.2 other.isp.test 127.0.0.3")):
        inst.set(name, value)
    passwords = inst.root / "etc/relay.passwords"
    passwords.write_text("".join(f"{host} {RELAY_LOGIN[0]} {RELAY_LOGIN[1]}\n"
                                 for host in ("127.0.0.2", "relay.isp.test", "other.isp.test", "127.0.0.3")))
    passwords.chmod(0o600)
    inst.start()
    inst.add_user("alice@d.test", PASSWORD)

    def use(*hosts):
        inst.set("remote.relay_hosts", " ".join(hosts))
        inst.run("reload")
        return inst
    yield use, tls
    inst.close()


@pytest.mark.parametrize("mechanisms", ["PLAIN LOGIN", "LOGIN"])
@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("host", ["127.0.0.2", "relay.isp.test"])
def test_relay_with_login(relaying, host, at_once, mechanisms):
    use, tls = relaying
    sink = Sink(tls=tls, tls_at_once=at_once, login=RELAY_LOGIN, mechanisms=mechanisms)
    inst = use(f"{'smtps' if at_once else 'smtp'}://{RELAY_LOGIN[0]}@{host}:{sink.port}")
    got = arrived(sink, submit(inst, "x@far.test"))
    sink.close()
    assert got.tls and sink.commands[0].startswith("EHLO") and any(c.startswith("AUTH") for c in sink.commands)
    assert sink.names == [None if host[0].isdigit() else host]
    for service in ("remote", "queue", "master"):
        assert RELAY_LOGIN[1] not in inst.log(service)


def test_connection_to_a_relay_serves_every_domain(sinks):
    inst = Instance()
    inst.setup()
    for name, value in (("remote.policy", "relay"), ("remote.workers", "1"),
                        ("remote.relay_hosts", f"127.0.0.3:{sinks[1].port}")):
        inst.set(name, value)
    inst.start()
    inst.add_user("alice@d.test", PASSWORD)
    try:
        for token in [submit(inst, f"x@{name}.test") for name in "abc"]:
            arrived(sinks[1], token)
        assert sinks[1].connections == 1
    finally:
        inst.close()


def test_relay_with_a_long_password(relaying):
    """No initial response where the command line would become too long (RFC 4954 section 4)."""
    use, tls = relaying
    login = ("u" * 200 + "@isp.test", "p" * 250)
    sink = Sink(tls=tls, login=login)
    inst = use("127.0.0.8:1")
    passwords = inst.root / "etc/relay.passwords"
    passwords.write_text(passwords.read_text() + f"127.0.0.2 {login[0]} {login[1]}\n")
    use(f"{login[0]}@127.0.0.2:{sink.port}")
    arrived(sink, submit(inst, "x@far.test"))
    sink.close()
    assert "AUTH PLAIN" in sink.commands


@pytest.mark.parametrize("case", ["no TLS", "STARTTLS refused", "other certificate", "other name", "other address",
                                  "wrong password", "no AUTH"])
def test_no_password_for_the_wrong_relay(relaying, case):
    """Where anything is wrong the password stays at home, nothing is sent, and the next relay is tried."""
    use, tls = relaying
    if case == "other certificate":
        tls = certificate("relay.isp.test")
    host = {"other name": "other.isp.test", "other address": "127.0.0.3"}.get(case, "relay.isp.test")
    login = RELAY_LOGIN if case != "wrong password" else (RELAY_LOGIN[0], "another")
    first = Sink("127.0.0.3" if case.startswith("other ") and case != "other certificate" else "127.0.0.2", tls=tls if case != "no TLS" else None,
                 login=login if case != "no AUTH" else None)
    if case == "STARTTLS refused":
        first.replies = {"STARTTLS": "454 4.7.0 not now"}
    second = Sink("127.0.0.4")
    inst = use("127.0.0.8:1")
    use(f"{RELAY_LOGIN[0]}@{host}:{first.port}", f"127.0.0.4:{second.port}")
    arrived(second, submit(inst, "x@far.test"))
    first.close()
    second.close()
    assert not first.messages and first.connections == 1, "no second try without TLS"
    assert any(c.startswith("AUTH") for c in first.commands) == (case == "wrong password")


def test_relay_password_must_be_private(relaying):
    use, _ = relaying
    inst = use("127.0.0.8:1")
    (inst.root / "etc/relay.passwords").chmod(0o644)
    try:
        inst.set("remote.relay_hosts", f"{RELAY_LOGIN[0]}@127.0.0.2:1")
        done = inst.run("reload", check=False)
        assert "chmod 600" in done.err + inst.log("master")
    finally:
        (inst.root / "etc/relay.passwords").chmod(0o600)
        use("127.0.0.8:1")


def test_relay_only_when_dns_fails(sinks, zone):
    inst = Instance()
    inst.setup()
    for name, value in (("dns.stub", f"far.test {zone.address}"), ("dns.unsigned", "test"),
                        ("remote.port", sinks[0].port), ("remote.connect_timeout", "2s"),
                        ("remote.relay_hosts", f"127.0.0.3:{sinks[0].port}"), ("remote.policy", "dns_then_relay")):
        inst.set(name, value)
    inst.start()
    inst.add_user("alice@d.test", PASSWORD)
    try:
        arrived(sinks[1], submit(inst, "x@onlydead.far.test"))
        arrived(sinks[0], submit(inst, "x@far.test"))
    finally:
        inst.close()


def test_two_instances_and_a_bounce_back():
    """From alice at d.test through our client to our server at e.test; a wrong name comes back."""
    one, two = Instance(), Instance(domain="e.test", hostname="mail.e.test")
    try:
        for inst in (one, two):
            inst.setup()
        one.set("remote.policy", "relay")
        one.set("remote.relay_hosts", f"127.0.0.1:{two.port('smtp')}")
        for inst, user in ((one, "alice@d.test"), (two, "eve@e.test")):
            inst.start()
            inst.add_user(user, PASSWORD)
        token = submit(one, "eve@e.test", "\u00e4\r\n".encode())
        got = wait_message(two, "eve@e.test", token.encode())
        assert got.count(b"\r\nReceived: ") == 2 and got.count(b"Return-Path:") == 1
        assert b"with ESMTPS id" in got
        submit(one, "nobody@e.test")
        assert b"5.1.1" in wait_message(one, "alice@d.test", b"nobody@e.test")
        one.wait_queue_empty()
    finally:
        one.close()
        two.close()


def test_never_to_ourselves():
    """An address of our own with our own port is no other server."""
    inst = Instance()
    inst.setup()
    inst.set("remote.port", inst.port("smtp"))
    inst.set("dns.hosts", "loop.far.test 127.0.0.1")
    inst.start()
    inst.add_user("alice@d.test", PASSWORD)
    try:
        line = failed(inst, submit(inst, "x@[127.0.0.1]"))
        assert "dsn=5.4.6" in line
    finally:
        inst.close()
