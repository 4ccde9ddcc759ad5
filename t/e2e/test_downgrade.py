"""Attacks on the way, over a wire between two network namespaces, with a signed zone on NSD and everything on its
real port: a forged TLSA record, STARTTLS taken out, an expired policy."""
import os
import socket
import threading

import pytest

from instance import wait_for
from nameserver import NameServer
from network import Network
from outgoing import PolicyHost, outgoing, policy, seen
from pki import Authority, tlsa
from smtp_sink import Sink
from test_remote import arrived, failed, submit

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")
MX, STRIPPED, WEB = (f"10.79.0.{n}" for n in (3, 4, 5))


class Stripper:
    """Somebody between us and a server: passes everything on but the line that offers STARTTLS."""

    def __init__(self, address, to):
        self.to, self.passed = to, b""
        self.listener = socket.create_server((address, 25))
        threading.Thread(target=self._serve, daemon=True).start()  # threads stay in the namespace they began in

    def _serve(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(self.to)
            threading.Thread(target=self._pass, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self._pass, args=(far, near, True), daemon=True).start()

    def _pass(self, source, target, strip):
        try:
            for line in source.makefile("rb"):
                if strip and line.upper().endswith(b"STARTTLS\r\n"):
                    continue
                if not strip:
                    self.passed += line
                target.sendall(line)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.listener.close()


class World:
    port = 25

    def __init__(self):
        self.network = Network()
        for address in (MX, STRIPPED, WEB):
            self.network.theirs.add_address(address)
        self.authority = Authority()
        tls, cert = self.authority.issue("mx.s.test", "stripped.s.test")
        with self.network.theirs.inside():
            self.mx = Sink(MX, port=25, tls=tls)
            self.stripper = Stripper(STRIPPED, (MX, 25))
            self.policies = PolicyHost(self.authority, ["mta-sts.kept.s.test", "mta-sts.short.s.test"], below="s.test",
                                       address=WEB, port=443)
        good = tlsa(cert)
        self.zones = NameServer({"s.test": [
            f"mx A {MX}", f"stripped A {STRIPPED}", f"forged A {MX}", f"plain A {STRIPPED}",
            f"_25._tcp.mx TLSA {good}", f"_25._tcp.stripped TLSA {good}", f"_25._tcp.forged TLSA {good}",
            "dane MX 10 mx", "to-forged MX 10 forged", "to-stripped MX 10 stripped",
            "kept MX 10 plain", "short MX 10 plain", f"mta-sts.kept A {WEB}", f"mta-sts.short A {WEB}",
            '_mta-sts.kept TXT "v=STSv1; id=1"', '_mta-sts.short TXT "v=STSv1; id=1"',
        ]}, signed=["s.test"], tamper={"s.test": self.forge}, host=self.network.theirs)
        self.sinks = [self.mx]

    @staticmethod
    def forge(zone):
        """The key of somebody else, without a signature by the zone's."""
        lines = zone.splitlines(keepends=True)
        at = next(i for i, line in enumerate(lines) if "_tcp.forged.s.test." in line and "\tTLSA\t" in line)
        lines[at] = lines[at][:lines[at].rindex(" ")] + " " + "11" * 32 + "\n"
        return "".join(lines)

    def close(self):
        for part in (self.mx, self.stripper, self.policies, self.zones, self.network):
            part.close()


@pytest.fixture(scope="module")
def world():
    world = World()
    yield world
    world.close()


@pytest.fixture
def suite(world, shared):
    """Runs in our namespace, and so does what the test asks of it."""
    with world.network.ours.inside():
        yield shared


@pytest.fixture(scope="module")
def shared(world):
    with world.network.ours.inside():
        inst = outgoing(world, {"dns.stub": f"s.test {world.zones.address}", "dns.trust_anchor": world.zones.anchors})
    yield inst
    inst.close()


def result(suite, domain):
    rows = wait_for(lambda: suite.json("tlsrpt", "show", domain, check=False), 10, f"outcome of {domain}")
    return {(row["policy"], row["result"]) for row in rows}


def test_the_wire_works(suite, world):
    token = submit(suite, "x@dane.s.test")
    assert arrived(world.mx, token).tls
    assert "level=dane by=dane" in policy(suite, token)
    assert result(suite, "dane.s.test") == {("tlsa", "success")}


def test_a_forged_tlsa_record(suite, world):
    token = submit(suite, "x@to-forged.s.test")
    assert "dsn=4.7.5" in failed(suite, token, "deferred")
    assert not seen(world, token)
    assert result(suite, "to-forged.s.test") == {("tlsa", "dnssec-invalid")}


def test_starttls_taken_out_under_dane(suite, world):
    token = submit(suite, "x@to-stripped.s.test")
    assert "not offered" in failed(suite, token, "deferred")
    assert not seen(world, token) and b"MAIL FROM" not in world.stripper.passed
    assert result(suite, "to-stripped.s.test") == {("tlsa", "starttls-not-supported")}


def test_starttls_taken_out_under_a_policy(suite, world):
    world.policies.serve("kept", mx=["plain.s.test"])
    token = submit(suite, "x@kept.s.test")
    assert "not offered" in failed(suite, token, "deferred")
    assert not seen(world, token) and b"MAIL FROM" not in world.stripper.passed
    assert result(suite, "kept.s.test") == {("sts", "starttls-not-supported")}


def test_an_expired_policy(suite, world):
    """While it holds nothing gets past it. Afterwards it is fetched anew and holds on; only where that fails, mail goes
    as if the domain had none (RFC 8461 sections 3.3 and 5.1), and the domain is told."""
    world.policies.serve("short", mx=["plain.s.test"], max_age=3)
    token = submit(suite, "x@short.s.test")
    assert "not offered" in failed(suite, token, "deferred")

    def fetched_again():
        suite.run("queue", "flush")
        return world.policies.count("short") >= 2
    wait_for(fetched_again, 30, "a fetch after the policy has expired")
    assert not seen(world, token), "the policy that was fetched anew holds"
    world.policies.pages.pop("short.s.test")

    def gone():
        suite.run("queue", "flush")
        return seen(world, token)
    wait_for(gone, 30, "delivery without a policy")
    assert ("sts", "sts-policy-fetch-error") in result(suite, "short.s.test")
