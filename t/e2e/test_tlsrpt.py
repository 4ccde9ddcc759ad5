"""TLS-RPT (RFC 8460): what is counted, what the reports say, by mail and by HTTPS."""
import datetime
import email
import email.policy
import gzip
import json

import pytest

from dkim_tools import signatures, verify
from instance import wait_for
from nameserver import NameServer
from outgoing import PolicyHost, ReportHost, outgoing
from pki import Authority, tlsa
from smtp_sink import Sink
from test_remote import arrived, failed, submit

WRONG = "00" * 32
TODAY = datetime.datetime.utcnow().strftime("%Y-%m-%d")
# domain of e.test: MX
DOMAINS = {"good": "mx", "clear": "plain", "enforced": "mx", "foreign": "other", "trusted": "self", "dated": "expired",
           "misnamed": "alias", "stripped": "plain", "lost": "mx", "untrusted": "mx", "damaged": "mx",
           "testing": "self", "testing2": "mx", "testing3": "plain", "dead": "dead", "down": "mx", "kept": "mx",
           "optional": "self", "long": "mx"}
STS = ("enforced", "foreign", "trusted", "dated", "misnamed", "stripped", "lost", "untrusted", "damaged", "testing",
       "testing2", "testing3", "optional")


class World:
    def __init__(self):
        self.authority, stranger = Authority(), Authority("Nobody")
        good, cert = self.authority.issue("mx.e.test", "mx.s.test")
        other, _ = self.authority.issue("other.e.test")
        old, _ = self.authority.issue("expired.e.test", expired=True)
        own, _ = stranger.issue("self.e.test")
        self.good = Sink("127.0.0.2", tls=good)
        self.port = port = self.good.port
        self.plain, self.other = Sink("127.0.0.3", port=port), Sink("127.0.0.4", port=port, tls=other)
        self.old, self.own = Sink("127.0.0.5", port=port, tls=old), Sink("127.0.0.7", port=port, tls=own)
        self.reports = Sink("127.0.0.8", port=port, tls=own)  # whose certificate nobody trusts
        self.sinks = [self.good, self.plain, self.other, self.old, self.own, self.reports]
        self.policies = PolicyHost(self.authority, [f"mta-sts.{d}.e.test" for d in (*STS, "reports") if d != "untrusted"])
        self.web = ReportHost(stranger, ["web.e.test"], address="127.0.0.9", port=self.policies.port)
        self.cert = cert

    def open_zones(self, keys):
        """`keys`: lines with the DKIM records of d.test."""
        records = ["mx A 127.0.0.2", "plain A 127.0.0.3", "other A 127.0.0.4", "expired A 127.0.0.5", "self A 127.0.0.7",
                   "alias A 127.0.0.2", "dead A 127.0.0.99", "reports MX 10 inbox", "inbox A 127.0.0.8", "web A 127.0.0.9",
                   "_mta-sts.reports TXT \"v=STSv1; id=1\"", "mta-sts.reports A 127.0.0.6"]
        for name, mx in DOMAINS.items():
            records += [f"{name} MX 10 {mx}", f"mta-sts.{name} A 127.0.0.6"]
            records += [f'_mta-sts.{name} TXT "v=STSv1; id=1;"'] if name in STS else []
            records += [f'_smtp._tls.{name} TXT "v=TLSRPTv1; rua=mailto:tls%2B{name}@reports.e.test"']
        for name in ("posted", "both", "unwanted", "two", "broken"):
            records.append(f"{name} MX 10 mx")
        records += ['_smtp._tls.posted TXT "v=TLSRPTv1;rua=https://web.e.test/in?a=1"',
                    '_smtp._tls.both TXT "v=TLSRPTv1; x=y; rua=" "mailto:nobody%, https://web.e.test, mailto:b@reports.e.test;"',
                    '_smtp._tls.two TXT "v=TLSRPTv1; rua=mailto:a@reports.e.test"',
                    '_smtp._tls.two TXT "v=TLSRPTv1; rua=mailto:b@reports.e.test"',
                    '_smtp._tls.broken TXT "v=TLSRPTv1; rua=https://127.0.0.9/x,https://web.e.test:25/"']
        fits = tlsa(self.cert)
        signed = ["mx A 127.0.0.2", f"_{self.port}._tcp.mx TLSA {fits}", "forged A 127.0.0.2",
                  f"_{self.port}._tcp.forged TLSA 3 1 1 {WRONG}", "useless A 127.0.0.2",
                  f"_{self.port}._tcp.useless TLSA 3 9 1 {WRONG}", "bogus A 127.0.0.2",
                  f"_{self.port}._tcp.bogus TLSA {fits}", "none A 127.0.0.2", f"_{self.port}._tcp.mx TLSA 3 1 1 {WRONG}"]
        for name in ("mx", "forged", "useless", "bogus", "none"):
            signed += [f"to-{name} MX 10 {name}",
                       f'_smtp._tls.to-{name} TXT "v=TLSRPTv1;rua=mailto:dane@reports.e.test"']
        self.zones = NameServer({"e.test": records, "s.test": signed, "d.test": keys}, signed=["s.test"],
                                tamper={"s.test": self.tamper})

    @staticmethod
    def tamper(zone):
        lines = zone.splitlines(keepends=True)
        at = next(i for i, line in enumerate(lines) if line.startswith("_") and ".bogus.s.test." in line and "\tTLSA\t" in line)
        lines[at] = lines[at][:lines[at].rindex(" ")] + f" {WRONG}\n"
        return "".join(lines)

    def close(self):
        for part in (*self.sinks, self.policies, self.web, self.zones):
            part.close()


@pytest.fixture(scope="module")
def world():
    world = World()
    yield world
    world.close()


@pytest.fixture(scope="module")
def suite(world):
    def with_keys(inst, directory):
        inst.run("dkim", "make", "d.test", "--selector", "one")
        lines = [line.replace(".d.test. ", " ") for line in inst.run("dkim", "show", "d.test").out.splitlines()
                 if not line.startswith(";")]
        world.open_zones(lines)
        (directory / "table").write_text("to-none.s.test dane-only\n")
        address = world.zones.address
        return {"dns.stub": f"e.test {address} s.test {address} d.test {address}",
                "dns.trust_anchor": world.zones.anchors, "remote.tls_table": directory / "table",
                "remote.mta_sts_port": world.policies.port, "tlsrpt.organization": 'The "Post" \\ Häuser'}
    inst = outgoing(world, {"dns.unsigned": "e.test d.test", "remote.connect_timeout": "2s"}, with_keys)
    yield inst
    inst.close()


def counted(suite, domain, *extra):
    return suite.json("tlsrpt", "show", domain, *extra)


def one(suite, domain):
    """The one kind of session that was counted for the domain."""
    def find():
        done = suite.run("tlsrpt", "show", domain, "--json", check=False)
        return json.loads(done.out) if done.returncode == 0 else None
    rows = wait_for(find, 10, f"outcome of {domain}")
    assert len(rows) == 1, rows
    return rows[0]


def send(suite, *args, check=True):
    done = suite.run("tlsrpt", "send", *args, "--json", check=check)
    return json.loads(done.out)


# ---- what is counted ----

def test_success_without_policy(suite, world):
    arrived(world.good, submit(suite, "x@good.e.test"))
    assert one(suite, "good.e.test") == {
        "domain": "good.e.test", "policy": "no-policy-found", "policy_domain": "good.e.test", "result": "success",
        "mx": "", "ip": "", "sessions": 1, "reason": "", "state": "open"}
    arrived(world.good, submit(suite, "y@good.e.test"))
    wait_for(lambda: one(suite, "good.e.test")["sessions"] == 2, 10, "two sessions")


def test_clear_text_without_policy(suite, world):
    arrived(world.plain, submit(suite, "x@clear.e.test"))
    row = one(suite, "clear.e.test")
    assert (row["policy"], row["result"], row["mx"], row["ip"]) == (
        "no-policy-found", "starttls-not-supported", "plain.e.test", "127.0.0.3")


def test_enforced_policy_kept(suite, world):
    world.policies.serve("enforced")
    arrived(world.good, submit(suite, "x@enforced.e.test"))
    assert (one(suite, "enforced.e.test")["policy"], one(suite, "enforced.e.test")["result"]) == ("sts", "success")


@pytest.mark.parametrize("name,mx,result", [
    ("foreign", "mx", "validation-failure"), ("stripped", "plain", "starttls-not-supported"),
    ("trusted", "self", "certificate-not-trusted"), ("dated", "expired", "certificate-expired"),
    ("misnamed", "alias", "certificate-host-mismatch")])
def test_enforced_policy_broken(suite, world, name, mx, result):
    world.policies.serve(name, mx=[f"{mx}.e.test"])
    failed(suite, submit(suite, f"x@{name}.e.test"), "deferred")
    row = one(suite, f"{name}.e.test")
    assert (row["policy"], row["result"], row["sessions"]) == ("sts", result, 1)


@pytest.mark.parametrize("name,page,result", [
    ("lost", None, "sts-policy-fetch-error"), ("damaged", {"mode": "maybe"}, "sts-policy-invalid"),
    ("untrusted", {}, "sts-webpki-invalid")])
def test_policies_that_cannot_be_had(suite, world, name, page, result):
    """The session goes on without policy and is counted besides."""
    if page is not None:
        world.policies.serve(name, **page)
    arrived(world.good, submit(suite, f"x@{name}.e.test"))

    def both():
        rows = counted(suite, f"{name}.e.test")
        return rows if len(rows) == 2 else None
    rows = wait_for(both, 10, "policy and session")
    assert {(r["policy"], r["result"], r["sessions"]) for r in rows} == {
        ("sts", result, 1), ("no-policy-found", "success", 1)}
    assert next(r for r in rows if r["policy"] == "sts")["reason"]


@pytest.mark.parametrize("name,sink,mx,result", [
    ("testing", "own", "self", "certificate-not-trusted"), ("testing2", "good", "elsewhere", "validation-failure"),
    ("testing3", "plain", "plain", "starttls-not-supported")])
def test_testing_mode_delivers_and_reports(suite, world, name, sink, mx, result):
    """RFC 8461 section 5: as if there were no policy, but for the report."""
    world.policies.serve(name, mode="testing", mx=[f"{mx}.e.test"])
    assert arrived(getattr(world, sink), submit(suite, f"x@{name}.e.test")).tls == (sink != "plain")
    row = one(suite, f"{name}.e.test")
    assert (row["policy"], row["result"]) == ("sts", result)


@pytest.mark.parametrize("name,outcome,result", [
    ("mx", None, "success"), ("forged", "deferred", "certificate-not-trusted"), ("useless", None, "tlsa-invalid"),
    ("bogus", "deferred", "dnssec-invalid"), ("none", "deferred", "dane-required")])
def test_dane(suite, world, name, outcome, result):
    token = submit(suite, f"x@to-{name}.s.test")
    if outcome:
        failed(suite, token, outcome)
    else:
        arrived(world.good, token)
    row = one(suite, f"to-{name}.s.test")
    assert (row["policy"], row["policy_domain"], row["result"]) == ("tlsa", f"{name}.s.test", result)


def test_a_dead_server_says_nothing_about_tls(suite, world):
    failed(suite, submit(suite, "x@dead.e.test"), "deferred")
    done = suite.run("tlsrpt", "show", "dead.e.test", check=False)
    assert done.returncode == 1 and "nothing is known of that domain" in done.err


def test_a_message_that_waives_tls_is_not_counted(suite, world):
    world.policies.serve("optional", mx=["mx.e.test"])
    arrived(world.own, submit(suite, "x@optional.e.test", header=b"TLS-Required: No\r\n"))
    assert suite.run("tlsrpt", "show", "optional.e.test", check=False).returncode == 1


# ---- reports ----

def mailed(world, rcpt):
    """(message, report) of the latest mail to that address."""
    found = wait_for(lambda: [m for m in world.reports.messages if any(f"<{rcpt}>" in r for r in m.rcpts)], 20, rcpt)
    message = email.message_from_bytes(found[-1].content, policy=email.policy.default)
    text, part = message.iter_parts()
    assert part.get_content_type() == "application/tlsrpt+gzip"
    return found[-1], message, text, part, json.loads(gzip.decompress(part.get_content()))


def test_the_mail_field_by_field(suite, world):
    world.policies.serve("enforced", mx=["mx.e.test", "*.e.test"])
    assert send(suite, "good.e.test", "--day", TODAY) == [
        {"domain": "good.e.test", "place": "tls+good@reports.e.test", "result": "queued"}]
    taken, message, text, part, report = mailed(world, "tls+good@reports.e.test")
    assert taken.mail.startswith("MAIL FROM:<postmaster@mail.d.test>") and taken.tls
    assert message["From"] == "postmaster@mail.d.test" or "<postmaster@mail.d.test>" in message["From"]
    assert message["TLS-Report-Domain"] == "good.e.test"
    assert message["TLS-Report-Submitter"] == "mail.d.test"
    assert message["TLS-Required"] == "No" and message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "multipart/report"
    assert message["Content-Type"].params["report-type"] == "tlsrpt"
    assert " ".join(message["Subject"].split()) == (
        f"Report Domain: good.e.test Submitter: mail.d.test Report-ID: <{report['report-id']}>")
    assert text.get_content_type() == "text/plain" and "good.e.test" in text.get_content()
    begin = int(datetime.datetime.strptime(TODAY + "+0000", "%Y-%m-%d%z").timestamp())
    assert part.get_filename() == f"mail.d.test!good.e.test!{begin}!{begin + 86399}.json.gz"
    assert report == {
        "organization-name": 'The "Post" \\ Häuser',
        "date-range": {"start-datetime": f"{TODAY}T00:00:00Z", "end-datetime": f"{TODAY}T23:59:59Z"},
        "contact-info": "postmaster@mail.d.test", "report-id": report["report-id"],
        "policies": [{"policy": {"policy-type": "no-policy-found", "policy-domain": "good.e.test"},
                      "summary": {"total-successful-session-count": 2, "total-failure-session-count": 0}}]}
    assert report["report-id"].startswith(TODAY) and report["report-id"].endswith(".good.e.test@mail.d.test")


def test_the_mail_is_signed(suite, world):
    send(suite, "good.e.test", "--day", TODAY)
    taken = mailed(world, "tls+good@reports.e.test")[0]
    tags = signatures(taken.content)
    assert [t["d"] for t in tags] == ["d.test"] * 2 and not any("l" in t for t in tags)
    for tag in tags:
        assert {"tls-report-domain", "tls-report-submitter"} <= set(tag["h"].replace(" ", "").lower().split(":"))
    assert verify(taken.content, world.zones) == [True, True]


def test_the_mail_goes_whatever_tls_does(suite, world):
    """RFC 8460 section 3: the reports' domain enforces a policy that its server does not keep."""
    world.policies.serve("reports", mx=["nobody.e.test"])
    send(suite, "good.e.test", "--day", TODAY)
    before = len(world.reports.messages)
    failed(suite, submit(suite, "x@reports.e.test"), "deferred")
    send(suite, "good.e.test", "--day", TODAY)
    wait_for(lambda: len(world.reports.messages) > before, 20, "report in spite of the policy")
    rows = counted(suite, "reports.e.test")
    assert [(r["result"], r["sessions"]) for r in rows] == [("validation-failure", 1)], "the reports' sessions do not count"


def test_a_report_about_sts(suite, world):
    send(suite, "trusted.e.test", "--day", TODAY)
    policies = mailed(world, "tls+trusted@reports.e.test")[4]["policies"]
    assert policies == [{
        "policy": {"policy-type": "sts", "policy-domain": "trusted.e.test", "mx-host": ["self.e.test"],
                   "policy-string": ["version: STSv1", "mode: enforce", "mx: self.e.test", "max_age: 86400"]},
        "summary": {"total-successful-session-count": 0, "total-failure-session-count": 1},
        "failure-details": [{
            "result-type": "certificate-not-trusted", "sending-mta-ip": policies[0]["failure-details"][0]["sending-mta-ip"],
            "receiving-mx-hostname": "self.e.test", "receiving-mx-helo": "sink", "receiving-ip": "127.0.0.7",
            "failed-session-count": 1,
            "failure-reason-code": "self-signed certificate in certificate chain"}]}]
    assert policies[0]["failure-details"][0]["sending-mta-ip"].startswith("127.0.0.")


def test_a_report_about_dane(suite, world):
    send(suite, "to-mx.s.test", "--day", TODAY)
    policies = mailed(world, "dane@reports.e.test")[4]["policies"]
    assert policies[0]["policy"]["policy-domain"] == "mx.s.test" and policies[0]["policy"]["policy-type"] == "tlsa"
    assert sorted(policies[0]["policy"]["policy-string"]) == sorted([tlsa(world.cert), f"3 1 1 {WRONG}"])


def test_by_https(suite, world):
    arrived(world.good, submit(suite, "x@posted.e.test"))
    one(suite, "posted.e.test")
    assert send(suite, "posted.e.test", "--day", TODAY) == [
        {"domain": "posted.e.test", "place": "web.e.test", "result": "posted"}]
    path, headers, body = world.web.posted[-1]
    assert path == "/in?a=1" and headers["Content-Type"] == "application/tlsrpt+gzip" and headers["Host"] == "web.e.test"
    report = json.loads(gzip.decompress(body))
    assert report["policies"][0]["policy"]["policy-domain"] == "posted.e.test"


def test_a_web_server_that_refuses(suite, world):
    world.web.status = 500
    try:
        rows = send(suite, "posted.e.test", "--day", TODAY, check=False)
    finally:
        world.web.status = 201
    assert rows == [{"domain": "posted.e.test", "place": "web.e.test", "result": "failed: the HTTP status is not 2xx"}]


def test_several_places_and_records_that_name_none(suite, world):
    for name in ("both", "unwanted", "two", "broken"):
        arrived(world.good, submit(suite, f"x@{name}.e.test"))
        one(suite, f"{name}.e.test")
    assert sorted((r["place"], r["result"]) for r in send(suite, "both.e.test", "--day", TODAY, check=False)) == [
        ("-", "failed: a URI that cannot be used"), ("b@reports.e.test", "queued"), ("web.e.test", "posted")]
    assert world.web.posted[-1][0] == "/"
    for name in ("unwanted", "two"):
        assert send(suite, f"{name}.e.test", "--day", TODAY)[0]["result"] == "not wanted"
    assert {r["result"] for r in send(suite, "broken.e.test", "--day", TODAY, check=False)} == {
        "failed: a URI that cannot be used"}


# ---- days ----

def make_yesterday(suite, domain="good.e.test"):
    """What was counted today becomes yesterday's."""
    suite.stop()
    directory = suite.root / "db/tls-outcomes"
    yesterday = (datetime.datetime.utcnow() - datetime.timedelta(days=1)).strftime("%Y-%m-%d")
    (directory / TODAY).rename(directory / yesterday)
    return yesterday


def test_counts_survive_a_restart(suite, world):
    rows = counted(suite, "trusted.e.test")
    suite.stop()
    suite.start()
    assert counted(suite, "trusted.e.test") == rows


def test_yesterdays_reports_leave_by_themselves_once(suite, world):
    yesterday = make_yesterday(suite)
    world.reports.messages.clear()
    suite.set("tlsrpt.spread", "0")
    (suite.root / "db/tls-outcomes/2020-01-01").write_bytes(b"")
    (suite.root / "db/tls-outcomes/stray").write_bytes(b"x")
    suite.start()
    report = mailed(world, "tls+good@reports.e.test")[4]
    assert report["date-range"]["start-datetime"] == f"{yesterday}T00:00:00Z"
    assert report["report-id"] == f"{yesterday}.good.e.test@mail.d.test"

    def all_settled():
        rows = suite.json("tlsrpt", "show", "--day", yesterday)
        return {r["domain"] for r in rows if r["state"] == "open"} == {"broken.e.test"}
    wait_for(all_settled, 30, "every domain told or without wish")
    assert not (suite.root / "db/tls-outcomes/2020-01-01").exists()
    assert not (suite.root / "db/tls-outcomes/stray").exists()
    suite.stop()
    suite.start()

    def told(domain):
        return [line for line in suite.log("sts").splitlines() if f"event=tlsrpt day={yesterday} domain={domain} " in line]
    wait_for(lambda: len(told("broken.e.test")) == 4, 20, "who could not be told is tried again")
    assert len(told("good.e.test")) == 1, "nobody is told twice"


def test_off_means_nothing_is_counted(suite, world):
    suite.set("tlsrpt.send", "no")
    suite.run("reload")
    arrived(world.good, submit(suite, "x@down.e.test"))
    assert suite.run("tlsrpt", "show", "down.e.test", check=False).returncode == 1
    suite.set("tlsrpt.send", "yes")
    suite.run("reload")
    arrived(world.good, submit(suite, "x@kept.e.test"))
    one(suite, "kept.e.test")
    assert suite.run("tlsrpt", "show", "down.e.test", check=False).returncode == 1


def test_damaged_files_and_bad_questions(suite, world):
    suite.stop()
    today = suite.root / "db/tls-outcomes" / TODAY
    whole = today.read_bytes()
    today.write_bytes(whole + b"\xff" * 40)
    suite.start()
    assert one(suite, "kept.e.test")["sessions"] == 1
    assert "event=tlsrpt_damaged" in suite.log("sts")
    for args, why in ((["--day", "2026-02-30"], "a day is written"), (["--day", "1999-01-01"], "nothing is known of that day"),
                      (["..", ], "is no domain")):
        done = suite.run("tlsrpt", "show", *args, check=False)
        assert done.returncode == 1 and why in done.err
