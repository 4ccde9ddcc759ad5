"""Outgoing TLS by DANE (RFC 7672) and remote.tls_table: a signed zone on NSD, servers on loopback addresses."""
import re

import pytest

from nameserver import NameServer
from outgoing import outgoing, policy, seen
from pki import Authority, tlsa
from smtp_sink import Sink
from test_remote import arrived, failed, submit

WRONG = "00" * 32
TABLE = """
clear.u.test      none
strict.u.test     encrypt       # whoever it is
plainmx.u.test    encrypt
only.u.test       dane-only
onlygood.s.test   dane-only
named.u.test      verify mx.s.test
misnamed.u.test   verify other.test
.sec.u.test       secure
wrong.u.test      secure
lax.s.test        may
"""


class World:
    """Sinks with a certificate of the authority (`good`: mx.s.test), an expired one, and without TLS."""

    def __init__(self):
        self.authority = Authority()
        good, self.cert = self.authority.issue("mx.s.test")
        old, old_cert = self.authority.issue("mx.s.test", "oldta.s.test", expired=True)
        domain, _ = self.authority.issue("ta.s.test", "a.sec.u.test", "vouch.s.test")
        self.good = Sink("127.0.0.2", tls=good)
        port = self.port = self.good.port
        self.plain = Sink("127.0.0.3", port=port)
        self.old = Sink("127.0.0.4", port=port, tls=old)
        self.domain = Sink("127.0.0.5", port=port, tls=domain)
        self.sinks = [self.good, self.plain, self.old, self.domain]
        fits, ta = tlsa(self.cert), tlsa(self.authority.cert, usage=2, selector=0)
        hosts = {  # host: (address, TLSA data)
            "mx": (2, fits), "forged": (2, f"3 1 1 {WRONG}"), "stripped": (3, fits), "old": (4, tlsa(old_cert)),
            "oldta": (4, ta), "tahost": (2, ta), "tadomain": (5, ta), "pkix": (2, f"1 1 1 {WRONG}"),
            "pkixplain": (3, f"0 0 1 {WRONG}"), "strange": (2, f"3 9 1 {WRONG}"), "none": (3, None),
            "tampered": (2, fits), "both": (2, f"3 1 1 {WRONG}"),
        }
        records = []
        for host, (address, data) in hosts.items():
            records += [f"{host} A 127.0.0.{address}"] + ([f"_{port}._tcp.{host} TLSA {data}"] if data else [])
        records += [f"_{port}._tcp.both TLSA {fits}", "alias CNAME mx", f"_{port}._tcp.alias TLSA 3 1 1 {WRONG}",
                    "outward CNAME mx.u.test.", f"_{port}._tcp.outward TLSA {fits}",
                    f"_{port}._tcp.shared CNAME _{port}._tcp.mx", "shared A 127.0.0.2"]
        for host in [*hosts, "alias", "outward", "shared"]:
            records.append(f"to-{host} MX 10 {host}")
        records += ["ta MX 10 tadomain", "ta A 127.0.0.5", f"_{port}._tcp.ta TLSA {ta}", "tb MX 10 ta", "way MX 10 forged", "way MX 20 mx", "direct A 127.0.0.2", "onlygood MX 10 mx",
                    f"_{port}._tcp.direct TLSA {fits}", "lax MX 10 forged", "vouched MX 10 vouch", "vouch A 127.0.0.5"]
        unsigned = ["mx A 127.0.0.2", f"_{port}._tcp.mx TLSA 3 1 1 {WRONG}", "plain A 127.0.0.3",
                    "host MX 10 mx.s.test.", "badhost MX 10 forged.s.test.", "only MX 10 mx.s.test.",
                    "domain A 127.0.0.5", "a.sec MX 10 domain", "b.sec MX 10 domain"]
        unsigned += [f"{name} MX 10 mx" for name in ("unsigned", "strict", "clear", "named", "misnamed", "wrong")]
        unsigned += ["plainmx MX 10 plain"]
        self.zones = NameServer({"s.test": records, "u.test": unsigned, "gone.test": records}, signed=["s.test", "gone.test"],
                                tamper={"s.test": self.tamper})

    @staticmethod
    def tamper(zone):
        """Another key than the one that was signed, as somebody on the way to us would put it there."""
        found = re.search(r"^_\d+\._tcp\.tampered\.s\.test\.\s.*\sTLSA\s.*$", zone, re.M)
        return zone.replace(found.group(0), found.group(0)[:found.group(0).rindex(" ") + 1] + WRONG)

    def close(self):
        for part in (*self.sinks, self.zones):
            part.close()


@pytest.fixture(scope="module")
def world():
    world = World()
    yield world
    world.close()


@pytest.fixture(scope="module")
def suite(world):
    def table(inst, directory):
        (directory / "tls.txt").write_text(TABLE)
        return {"remote.tls_table": directory / "tls.txt"}
    inst = outgoing(world, {"dns.stub": f"s.test {world.zones.address} u.test {world.zones.address}",
                            "dns.trust_anchor": world.zones.anchors, "smtp.extensions": "REQUIRETLS"}, table)
    yield inst
    inst.close()


# ---- what DANE lets through ----

@pytest.mark.parametrize("domain", ["to-mx", "to-both", "to-alias", "to-outward", "to-shared", "direct", "onlygood"])
def test_a_certificate_that_fits(suite, world, domain):
    token = submit(suite, f"x@{domain}.s.test")
    assert arrived(world.good, token).tls
    assert "level=dane by=dane" in policy(suite, token)


def test_the_base_domain_is_asked_for(suite, world):
    """RFC 7672 section 8.1: as server name, after CNAMEs."""
    world.good.names.clear()
    arrived(world.good, submit(suite, "x@to-alias.s.test"))
    assert world.good.names == ["mx.s.test"]


def test_dates_do_not_count_with_dane_ee(suite, world):
    arrived(world.old, submit(suite, "x@to-old.s.test"))


@pytest.mark.parametrize("domain", ["ta", "tb"])
def test_dane_ta_takes_the_next_hops_name_and_the_servers(suite, world, domain):
    arrived(world.domain, submit(suite, f"x@{domain}.s.test"))


def test_unusable_records_still_demand_tls(suite, world):
    for domain in ("to-pkix", "to-strange"):
        token = submit(suite, f"x@{domain}.s.test")
        assert arrived(world.good, token).tls
        assert "level=encrypt by=dane" in policy(suite, token)


def test_the_next_server_is_asked(suite, world):
    token = submit(suite, "x@way.s.test")
    arrived(world.good, token)
    refused = next(line for line in suite.log("remote").splitlines()
                   if "event=unreachable" in line and token.queue_id in line)
    assert "remote=forged.s.test" in refused


def test_servers_without_records_need_no_tls(suite, world):
    assert not arrived(world.plain, submit(suite, "x@to-none.s.test")).tls


def test_records_of_an_unsigned_zone_count_for_nothing(suite, world):
    assert arrived(world.good, submit(suite, "x@unsigned.u.test")).tls


def test_a_signed_server_of_an_unsigned_domain(suite, world):
    token = submit(suite, "x@host.u.test")
    arrived(world.good, token)
    assert "level=dane by=dane" in policy(suite, token)


# ---- what it keeps back ----

@pytest.mark.parametrize("domain,dsn,why", [
    ("to-forged.s.test", "4.7.5", "TLS handshake"),      # the record does not fit the certificate
    ("to-tampered.s.test", "4.7.5", "no certain answer"),    # the signature does not fit the record
    ("to-stripped.s.test", "4.7.4", "not offered"),      # STARTTLS is gone
    ("to-pkixplain.s.test", "4.7.4", "not offered"),     # no usable record is a promise too
    ("to-oldta.s.test", "4.7.5", "expired"),
    ("to-tadomain.s.test", "4.7.5", "ostname mismatch"),
    ("to-tahost.s.test", "4.7.5", "ostname mismatch"),
    ("badhost.u.test", "4.7.5", "TLS handshake"),
    ("only.u.test", "4.7.5", "the domain is not signed"),
])
def test_deferred_and_never_sent(suite, world, domain, dsn, why):
    token = submit(suite, f"x@{domain}")
    line = failed(suite, token, "deferred")
    assert f"dsn={dsn}" in line and why in line
    assert not seen(world, token)


# ---- what the message asks for (RFC 8689) ----

@pytest.fixture
def announced(world):
    for sink in world.sinks:
        sink.extensions.append("REQUIRETLS")
    yield
    for sink in world.sinks:
        sink.extensions.remove("REQUIRETLS")


@pytest.mark.parametrize("domain,level", [
    ("to-mx.s.test", "dane by=dane"), ("named.u.test", "verify by=table"),
    ("vouched.s.test", "verify by=requiretls"),              # no TLSA: the signed MX's name, by an authority
])
def test_requiretls_goes_to_a_server_that_is_certain(suite, world, announced, domain, level):
    token = submit(suite, f"x@{domain}", options=["REQUIRETLS"])
    got = arrived(world.domain if domain.startswith("vouched") else world.good, token)
    assert got.tls and "REQUIRETLS" in got.mail.split()
    assert f"level={level}" in policy(suite, token)


def test_requiretls_bounces_where_no_server_knows_it(suite, world):
    token = submit(suite, "x@to-mx.s.test", options=["REQUIRETLS"])
    assert "dsn=5.7.30" in failed(suite, token)
    assert not seen(world, token)


@pytest.mark.parametrize("domain,dsn", [("unsigned.u.test", "5.7.30"), ("host.u.test", "5.7.30"),
                                        ("to-none.s.test", "5.7.10"), ("to-forged.s.test", "5.7.10"),
                                        ("clear.u.test", "5.7.30")])
def test_requiretls_bounces_without_proof(suite, world, announced, domain, dsn):
    token = submit(suite, f"x@{domain}", options=["REQUIRETLS"])
    assert f"dsn={dsn}" in failed(suite, token)
    assert not seen(world, token)


def test_requiretls_waits_for_dns(suite, world, announced):
    token = submit(suite, "x@to-tampered.s.test", options=["REQUIRETLS"])
    assert "dsn=4.7.5" in failed(suite, token, "deferred")


def test_tls_required_no_sets_what_is_published_aside(suite, world):
    token = submit(suite, "x@to-forged.s.test", header=b"TLS-Required: No\r\n")
    assert arrived(world.good, token).tls
    token = submit(suite, "x@to-stripped.s.test", header=b"TLS-Required: No\r\n")
    assert not arrived(world.plain, token).tls
    token = submit(suite, "x@plainmx.u.test", header=b"TLS-Required: No\r\n")
    assert "not offered" in failed(suite, token, "deferred"), "the administrator's table stays"


# ---- the table ----

@pytest.mark.parametrize("domain,sink,tls,level", [
    ("clear.u.test", "good", False, "none"), ("strict.u.test", "good", True, "encrypt"),
    ("named.u.test", "good", True, "verify"), ("a.sec.u.test", "domain", True, "verify"),
    ("lax.s.test", "good", True, "may"),
])
def test_levels_of_the_table(suite, world, domain, sink, tls, level):
    token = submit(suite, f"x@{domain}")
    assert arrived(getattr(world, sink), token).tls == tls
    line = policy(suite, token)
    number = next(i for i, entry in enumerate(TABLE.splitlines(), 1) if entry and domain.endswith(entry.split()[0]))
    assert f"level={level} by=table setting=remote.tls_table line={number}" in line


@pytest.mark.parametrize("domain,why", [("misnamed.u.test", "ostname mismatch"), ("wrong.u.test", "ostname mismatch"),
                                        ("b.sec.u.test", "ostname mismatch"), ("plainmx.u.test", "not offered")])
def test_levels_that_keep_mail_back(suite, world, domain, why):
    token = submit(suite, f"x@{domain}")
    assert why in failed(suite, token, "deferred")
    assert not seen(world, token)


def test_config_check_reads_the_table(suite, tmp_path):
    table = tmp_path / "tls.txt"
    for text, line in (("a.test none\nb.test tight\n", 2), ("a.test verify x.test -\n", 1), ("..test may\n", 1),
                       ("a.test secure x.test\n", 1)):
        table.write_text(text)
        done = suite.run("config", "set", "remote.tls_table", str(table), check=False)
        done = done if done.returncode else suite.run("config", "check", check=False)
        assert done.returncode != 0 and f"tls.txt:{line}:" in (done.stdout + done.stderr).decode()
