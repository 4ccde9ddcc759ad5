"""Outgoing TLS by MTA-STS (RFC 8461): policies over real HTTPS, kept by stsd."""
import pytest

from instance import wait_for
from nameserver import NameServer
from outgoing import PolicyHost, outgoing, policy, seen
from pki import Authority
from smtp_sink import Sink
from test_remote import arrived, failed, submit


# domain: MX
DOMAINS = {"good": "mx", "star": "mx", "foreign": "other", "clear": "plain", "strange": "self", "old": "expired",
           "testing": "other", "off": "plain", "gone": "plain", "moved": "plain", "html": "plain", "damaged": "plain",
           "big": "plain", "nocert": "plain", "twice": "plain", "badid": "plain", "short": "plain", "kept": "mx",
           "update": "mx", "norecord": "plain", "subdomain.good": "plain", "restart": "other"}
HOPS = ("hop", "barehop", "strangehop")  # servers that the configuration names, with policies of their own
NO_RECORD = ("norecord", "subdomain.good", "twice", "badid")


class World:
    def __init__(self):
        self.authority = Authority()
        stranger = Authority("Nobody")
        good, _ = self.authority.issue("mx.e.test", "hop.e.test")
        other, _ = self.authority.issue("other.e.test")
        old, _ = self.authority.issue("expired.e.test", expired=True)
        own, _ = stranger.issue("self.e.test")
        self.good = Sink("127.0.0.2", tls=good)
        port = self.port = self.good.port
        self.plain, self.other = Sink("127.0.0.3", port=port), Sink("127.0.0.4", port=port, tls=other)
        self.old, self.own = Sink("127.0.0.5", port=port, tls=old), Sink("127.0.0.7", port=port, tls=own)
        self.sinks = [self.good, self.plain, self.other, self.old, self.own]
        self.policies = PolicyHost(self.authority, [f"mta-sts.{d}.e.test" for d in (*DOMAINS, *HOPS) if d != "nocert"])
        records = ["mx A 127.0.0.2", "plain A 127.0.0.3", "other A 127.0.0.4", "expired A 127.0.0.5", "self A 127.0.0.7"]
        for name, mx in DOMAINS.items():
            records += [f"{name} MX 10 {mx}", f"mta-sts.{name} A 127.0.0.6"]
            if name not in NO_RECORD:
                records.append(f'_mta-sts.{name} TXT "v=STSv1; id=1;"')
        for name, last in zip(HOPS, (2, 3, 2)):
            records += [f"{name} A 127.0.0.{last}", f"mta-sts.{name} A 127.0.0.6", f'_mta-sts.{name} TXT "v=STSv1; id=1"']
        records += ['_mta-sts.twice TXT "v=STSv1; id=1"', '_mta-sts.twice TXT "v=STSv1; id=2"',
                    '_mta-sts.badid TXT "v=STSv1; id=not-one"', '_mta-sts.good TXT "something else"']
        self.zone = NameServer({"e.test": records})

    def close(self):
        for part in (*self.sinks, self.policies, self.zone):
            part.close()


@pytest.fixture(scope="module")
def world():
    world = World()
    yield world
    world.close()


@pytest.fixture(scope="module")
def suite(world):
    def by_hops(inst, directory):
        (directory / "direct").write_text("".join(f"by-{hop}.test {hop}.e.test\n" for hop in HOPS))
        return {"remote.direct_domains": directory / "direct"}
    inst = outgoing(world, {"dns.stub": f"e.test {world.zone.address}", "dns.unsigned": "test",
                            "remote.mta_sts_port": world.policies.port, "remote.dns_timeout": "8s"}, by_hops)
    yield inst
    inst.close()


def test_a_server_that_keeps_the_policy(suite, world):
    world.policies.serve("good")
    token = submit(suite, "x@good.e.test")
    assert arrived(world.good, token).tls
    assert "level=verify by=mta-sts" in policy(suite, token)
    assert ("good.e.test", "/.well-known/mta-sts.txt") in world.policies.asked
    arrived(world.good, submit(suite, "y@good.e.test"))
    assert world.policies.count("good") == 1, "the second time it was known"


def test_a_pattern_names_the_servers(suite, world):
    world.policies.serve("star", mx=["x.test", "*.E.test"])
    assert "by=mta-sts" in policy(suite, submit(suite, "x@star.e.test"))


@pytest.mark.parametrize("name,mx,dsn,why", [
    ("foreign", "mx", "4.7.5", "not one of the servers"),        # MX that the policy does not name
    ("clear", "plain", "4.7.4", "not offered"),                  # STARTTLS is gone
    ("strange", "self", "4.7.5", "self-signed certificate"),     # authority that nobody knows
    ("old", "expired", "4.7.5", "expired"),                      # the server's certificate
])
def test_enforced_deferred_and_never_sent(suite, world, name, mx, dsn, why):
    world.policies.serve(name, mx=[f"{mx}.e.test"])
    token = submit(suite, f"x@{name}.e.test")
    line = failed(suite, token, "deferred")
    assert f"dsn={dsn}" in line and why in line
    assert not seen(world, token)
    assert "tls_by=mta-sts" in next(
        line for line in suite.log("remote").splitlines() if "event=unreachable" in line and token.queue_id in line)


def test_testing_and_none_keep_nothing_back(suite, world):
    world.policies.serve("testing", mode="testing")
    world.policies.serve("off", mode="none", mx=[])
    arrived(world.other, submit(suite, "x@testing.e.test"))
    arrived(world.plain, submit(suite, "x@off.e.test"))
    assert world.policies.count("testing") == world.policies.count("off") == 1


@pytest.mark.parametrize("name,page,why", [
    ("gone", {"status": 404}, "the HTTP status is not 200"),
    ("moved", {"status": 302}, "the HTTP status is not 200"),    # RFC 8461 section 3.3: no redirects
    ("html", {"kind": "text/html"}, "the content is not text/plain"),
    ("damaged", {"mode": "maybe"}, "unknown mode"),
    ("big", {"more": "x: " + "y" * 70000}, "the HTTP body is too long"),
    ("nocert", {}, "hostname mismatch"),                         # the policy host's certificate
])
def test_a_policy_that_cannot_be_had_is_none(suite, world, name, page, why):
    """RFC 8461 section 3.3: delivery goes on as if the domain had no policy."""
    world.policies.serve(name, **page)
    arrived(world.plain, submit(suite, f"x@{name}.e.test"))
    line = next(line for line in suite.log("sts").splitlines() if f"domain={name}.e.test" in line)
    assert "event=sts_fetch_failed" in line and why in line
    before = world.policies.count(name)
    arrived(world.plain, submit(suite, f"y@{name}.e.test"))
    assert world.policies.count(name) == before, "not again within five minutes"


@pytest.mark.parametrize("name", NO_RECORD)
def test_no_right_record_no_policy(suite, world, name):
    world.policies.serve(name)
    arrived(world.plain, submit(suite, f"x@{name}.e.test"))
    assert world.policies.count(name) == 0


@pytest.mark.parametrize("hop,policy_mx,why", [
    ("hop", "hop", None), ("barehop", "barehop", "not offered"), ("strangehop", "other", "not one of the servers")])
def test_servers_of_the_configuration_have_their_own_policy(suite, world, hop, policy_mx, why):
    """RFC 8461 section 3.4."""
    world.policies.serve(hop, mx=[f"{policy_mx}.e.test"])
    token = submit(suite, f"x@by-{hop}.test")
    if why:
        assert why in failed(suite, token, "deferred")
        assert not seen(world, token)
    else:
        assert arrived(world.good, token).tls
        assert "level=verify by=mta-sts" in policy(suite, token)


def test_an_expired_policy_counts_no_more(suite, world):
    """It is fetched again; where that fails there is none (RFC 8461 section 5.1)."""
    world.policies.serve("short", mx=["plain.e.test"], max_age=3)
    token = submit(suite, "x@short.e.test")
    assert "not offered" in failed(suite, token, "deferred")
    world.policies.pages.pop("short.e.test")

    def delivered():
        suite.run("queue", "flush")
        return seen(world, token)
    wait_for(delivered, 30, "delivery without policy")
    assert world.policies.count("short") > 1


def test_a_known_policy_survives_a_restart_and_a_dead_policy_host(suite, world):
    world.policies.serve("restart", mx=["mx.e.test"])
    assert "not one of the servers" in failed(suite, submit(suite, "x@restart.e.test"), "deferred")
    world.policies.pages.pop("restart.e.test")
    suite.stop()
    assert (suite.root / "db/mta-sts/restart.e.test").exists()
    suite.start()
    token = submit(suite, "y@restart.e.test")
    assert "not one of the servers" in failed(suite, token, "deferred")
    assert world.policies.count("restart") == 1


def test_damaged_files_are_thrown_away(suite, world):
    suite.stop()
    directory = suite.root / "db/mta-sts"
    (directory / "x.test").write_text("posthorn-sts 1 1 99\nversion: STSv1\n")
    (directory / ".new").write_text("half")
    (directory / "off.e.test").write_bytes(b"\0" * 100)
    suite.start()
    arrived(world.good, submit(suite, "z@good.e.test"))
    assert not {"x.test", ".new", "off.e.test"} & {f.name for f in directory.iterdir()}
    assert (directory / "good.e.test").exists() and world.policies.count("good") == 1


def test_without_stsd_nothing_is_sent_on_trust(suite, world):
    suite.run("service", "stop", "sts")
    token = submit(suite, "x@good.e.test")
    assert "stsd does not tell" in failed(suite, token, "deferred")
    suite.run("service", "start", "sts")
    suite.run("queue", "flush")
    arrived(world.good, token)
