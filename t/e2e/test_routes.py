"""remote-deliver: routes that the administrator names, in place of or before what DNS says."""
import smtplib

import pytest

from conftest import PASSWORD
from instance import Instance, wait_for
from nameserver import NameServer
from smtp_sink import Sink, certificate
from test_remote import arrived, failed, submit


@pytest.fixture(scope="module")
def zone():
    server = NameServer({"far.test": ["@ MX 10 mx1", "mx1 A 127.0.0.2", "*.w MX 10 mx1"]})
    yield server
    server.close()


@pytest.fixture
def sinks():
    """The exchanger of far.test, and two servers that only the table of direct domains knows."""
    first = Sink("127.0.0.2")
    rest = [Sink(address) for address in ("127.0.0.3", "127.0.0.4")]
    yield first, *rest
    for sink in (first, *rest):
        sink.close()


@pytest.fixture
def suite(zone, sinks):
    """An instance without a route of its own; use(lines, **settings) gives it some."""
    inst = Instance()
    inst.setup()
    for name, value in (("dns.stub", f"far.test {zone.address}"), ("dns.unsigned", "test"), ("remote.port", sinks[0].port),
                        ("remote.idle_time", "0"), ("remote.connect_timeout", "2s"), ("remote.workers", "2"),
                        ("queue.retry_interval", "1h"), ("remote.direct_domains", "lists/direct.txt")):
        inst.set(name, value)
    table = inst.root / "etc/lists/direct.txt"
    table.parent.mkdir(exist_ok=True)

    def use(*lines, **settings):
        table.write_text("".join(line + "\n" for line in lines))
        for name, value in settings.items():
            inst.set(f"remote.{name}", value)
        inst.start()
        inst.add_user("alice@d.test", PASSWORD)
        return inst
    use.inst, use.table = inst, table
    yield use
    inst.close()


def at(sink):
    return f"{sink.server.server_address[0]}:{sink.port}"


# ---- direct domains ----

def test_a_direct_domain_goes_to_its_servers_in_their_order(suite, sinks):
    inst = suite(f"FAR.test 127.0.0.8:1 {at(sinks[1])} {at(sinks[2])}", f"other.test {at(sinks[2])}")
    arrived(sinks[1], submit(inst, "x@far.test"))
    arrived(sinks[2], submit(inst, "x@Other.Test"))
    arrived(sinks[0], submit(inst, "x@sub.w.far.test"))
    assert not sinks[0].delivered("x@far.test"), "DNS has no say"


def test_without_fallback_mail_waits_for_the_direct_servers(suite, sinks):
    inst = suite("far.test 127.0.0.8:1")
    assert "dsn=4.4.1" in failed(inst, submit(inst, "x@far.test"), "deferred")
    assert sinks[0].connections == 0


def test_fallback_where_no_direct_server_can_be_reached(suite, sinks):
    inst = suite("far.test 127.0.0.8:1", f"here.w.far.test {at(sinks[1])}", direct_fallback="yes")
    arrived(sinks[0], submit(inst, "x@far.test"))
    sinks[1].replies = {"RCPT": "451 4.7.1 later"}
    assert "dsn=4.7.1" in failed(inst, submit(inst, "x@here.w.far.test"), "deferred"), "a server was there and spoke"
    assert sinks[0].asked("x@here.w.far.test") == 0


def test_a_direct_server_with_a_login(suite, tmp_path):
    tls = certificate("store.test", tmp_path / "ca.pem", addresses=("127.0.0.3",))
    sink = Sink("127.0.0.3", tls=tls, tls_at_once=True, login=("us@er", "pass word"))
    passwords = suite.inst.root / "etc/relay.passwords"
    passwords.write_text("127.0.0.3 us@er pass word\n")
    passwords.chmod(0o600)
    inst = suite(f"far.test smtps://us@er@{at(sink)}", relay_ca=tmp_path / "ca.pem")
    assert arrived(sink, submit(inst, "x@far.test")).tls
    sink.close()


@pytest.mark.parametrize("line,words", [("far.test", "servers"), ("far.test mx:0", "port"), ("far.test a;sender=x", "mail address"),
                                        ("far.test lmtp://mx", "LMTP"), ("far.test lmtp:unix:/etc/x", "run directory")])
def test_errors_in_the_table_are_named(suite, line, words):
    suite.table.write_text(f"# direct domains\n{line}\n")
    done = suite.inst.run("config", "check", check=False)
    assert done.returncode != 0 and "direct.txt:2:" in done.err and words in done.err


# ---- options of one server ----

def test_another_sender_for_one_server(suite, sinks):
    inst = suite(f"far.test {at(sinks[1])};sender=out@isp.test")
    assert arrived(sinks[1], submit(inst, "x@far.test")).mail.startswith("MAIL FROM:<out@isp.test>")


def test_the_null_sender_is_never_replaced(suite, sinks):
    """The answer to a notice would go round in circles (RFC 5321 section 4.5.5)."""
    inst = suite(f"far.test {at(sinks[1])};sender=out@isp.test")
    with smtplib.SMTP("127.0.0.1", inst.port("smtp"), timeout=15) as client:
        client.ehlo("mx1.far.test")
        inst.run("group", "add", "away@d.test", "--member", "x@far.test")
        client.sendmail("", ["away@d.test"], b"Subject: none\r\n\r\nx\r\n")
    assert wait_for(lambda: sinks[1].messages, 20, "message")[0].mail.startswith("MAIL FROM:<> ")


class Flaky(Sink):
    """Refuses its first connections with a greeting of 421."""

    def __init__(self, refusals, **kwargs):
        super().__init__("127.0.0.3", replies={"CONNECT": ["421 busy"] * refusals}, **kwargs)


@pytest.mark.parametrize("attempts,reached", [(2, True), (1, False)])
def test_attempts_after_a_first_failure(suite, sinks, attempts, reached):
    flaky = Flaky(2)
    inst = suite(f"far.test {at(flaky)};attempts={attempts} {at(sinks[2])}")
    arrived(flaky if reached else sinks[2], submit(inst, "x@far.test"))
    flaky.close()
    assert flaky.connections == attempts + 1


# ---- source addresses ----

class Peers(Sink):
    def __init__(self, address):
        super().__init__(address)
        self.peers, take = [], self.server.verify_request

        def verify(request, client):
            self.peers.append(client[0])
            return take(request, client)
        self.server.verify_request = verify


def test_a_source_address_of_each_family(suite):
    """The IPv6 one is of no interface here: that it is used shows by its failure, which IPv4 does not share."""
    sink = Peers("127.0.0.3")
    inst = suite(f"four.test {at(sink)}", "six.test [::1]:25", source_ip="127.0.0.77 2001:db8::77")
    arrived(sink, submit(inst, "x@four.test"))
    sink.close()
    assert sink.peers == ["127.0.0.77"]
    assert "Cannot assign" in failed(inst, submit(inst, "x@six.test"), "deferred")


def test_two_source_addresses_of_one_family_are_refused(suite):
    done = None
    suite.inst.set("remote.source_ip", "127.0.0.1 127.0.0.2")
    suite.table.write_text("")
    done = suite.inst.run("start", check=False)
    assert "one IPv4" in done.err + suite.inst.log("master")
