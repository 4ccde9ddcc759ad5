"""ARC (RFC 8617): what is sent on to other servers is sealed; dkimpy checks the chains, and makes those that come."""
import base64
import re
import uuid

import authres.arc
import dkim
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from conftest import PASSWORD
from dkim_tools import txt
from instance import Instance, wait_for
from mailbox import wait_message
from nameserver import NameServer
from smtp_raw import Raw
from smtp_sink import Sink
from submission import login

dkim.authres.AuthenticationResultsHeader = authres.FeatureContext(authres.arc)  # else dkimpy reads no "arc=pass"
FIELDS = [b"ARC-Seal", b"ARC-Message-Signature", b"ARC-Authentication-Results"]


class World:
    def __init__(self):
        self.sink = Sink("127.0.0.2")
        key = rsa.generate_private_key(65537, 2048)
        self.private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL,
                                         serialization.NoEncryption())
        public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        text = "v=DKIM1; k=rsa; p=" + "".join(public.decode().split("\n")[1:-2])
        strings = " ".join(f'"{text[i:i + 250]}"' for i in range(0, len(text), 250))
        self.other = [f"s1._domainkey TXT {strings}", f"weak._domainkey TXT {strings.replace('k=rsa', 'k=ed25519')}"]

    def close(self):
        self.sink.close()


@pytest.fixture(scope="module")
def world():
    world = World()
    yield world
    world.close()


@pytest.fixture(scope="module")
def suite(world):
    """out@d.test is a group with a member elsewhere; o.test has no keys."""
    inst = Instance()
    inst.setup()
    inst.run("dkim", "make", "d.test", "--selector", "one")
    lines = [line.replace(".d.test. ", " ") for line in inst.run("dkim", "show", "d.test").out.splitlines()
             if not line.startswith(";")]
    world.zone = NameServer({"far.test": ["@ MX 10 mx", "mx A 127.0.0.2"], "d.test": lines, "other.test": world.other})
    address = world.zone.address
    for name, value in (("dns.stub", f"far.test {address} d.test {address} other.test {address}"), ("dns.unsigned", "test"),
                        ("dns.timeout", "3s"), ("remote.port", world.sink.port), ("remote.workers", "4"),
                        ("remote.idle_time", "0"), ("queue.retry_interval", "1h")):
        inst.set(name, value)
    inst.start()
    inst.run("domain", "add", "o.test")
    inst.add_user("alice@d.test", PASSWORD)
    for domain in ("d.test", "o.test"):
        inst.run("group", "add", f"out@{domain}", "--member", "someone@far.test")
    inst.run("group", "add", "both@d.test", "--member", "someone@far.test", "--member", "alice@d.test")
    yield inst
    inst.close()
    world.zone.close()


def message(body="text \r\n\r\n two\t words\r\n\r\n"):
    mark = uuid.uuid4().hex
    return (f"From: Bob <bob@other.test>\r\nTo: out@d.test\r\nSubject:  a   {mark}\r\n"
            f"Date: Thu, 26 Nov 2026 10:00:00 +0000\r\nMessage-ID: <{mark}@other.test>\r\n\r\n{body}").encode(), mark


def seal(world, content, selector="s1", **kwargs):
    """Content with a set more, by dkimpy as other.test."""
    result = b"arc=pass" if b"ARC-Seal" in content else b"spf=pass smtp.mailfrom=bob@other.test"
    fields = dkim.arc_sign(b"Authentication-Results: other.test; " + result + b"\r\n" + content,
                           selector.encode(), b"other.test", world.private, b"other.test",
                           include_headers=[b"from", b"subject", b"date", b"message-id"], **kwargs)
    return b"".join(fields) + content


def send(suite, content, to="out@d.test"):
    raw = Raw(suite.port("smtp"))
    raw.begin("bob@other.test", to)
    assert raw.cmd("DATA").code == 354
    assert raw.cmd(content.replace(b"\r\n.", b"\r\n..").decode() + ".").code == 250
    raw.close()


def taken(world, mark):
    return wait_for(lambda: [m for m in world.sink.messages if mark.encode() in m.content], 20, mark)[0].content


def through(suite, world, content, mark, to="out@d.test"):
    send(suite, content, to)
    return taken(world, mark)


def check(world, content):
    """(cv of the chain, its instances) by dkimpy."""
    cv, results, why = dkim.arc_verify(content, dnsfunc=lambda name, timeout=5: txt(world.zone, name.decode()))
    return cv, [r["instance"] for r in results], why


def names(content):
    return [line.split(b":")[0] for line in content.split(b"\r\n\r\n")[0].split(b"\r\n") if line[:1] not in b" \t"]


def field(content, name, instance=None):
    """The body of the topmost field of that name."""
    head = content.split(b"\r\n\r\n")[0].replace(b"\r\n\t", b" ").split(b"\r\n")
    return next(line.split(b":", 1)[1].strip().decode() for line in head if line.startswith(name + b":"))


def relaxed(text):
    """RFC 6376 section 3.4.2."""
    name, value = text.split(b":", 1)
    return name.lower().strip() + b":" + re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b"")).strip()


def test_the_first_set(suite, world):
    content = through(suite, world, *message())
    assert names(content)[:4] == FIELDS + [b"Delivered-To"]
    assert field(content, b"ARC-Authentication-Results") == "i=1; mail.d.test; arc=none"
    assert "; cv=none; d=d.test; s=one-rsa; b=" in field(content, b"ARC-Seal")
    signed = field(content, b"ARC-Message-Signature")
    assert signed.startswith("i=1; a=rsa-sha256; c=relaxed/relaxed; d=d.test; s=one-rsa;")
    covered = signed.split("h=")[1].split(";")[0].lower().replace(" ", "").split(":")
    assert {"from", "subject", "date"} <= set(covered) and not any(n.startswith("arc-") for n in covered)
    assert check(world, content) == (b"pass", [1], "success")


@pytest.mark.parametrize("sets", [1, 3])
def test_a_chain_that_comes_is_carried_on(suite, world, sets):
    content, mark = message()
    for _ in range(sets):
        content = seal(world, content)
    content = through(suite, world, content, mark)
    assert field(content, b"ARC-Authentication-Results") == f"i={sets + 1}; mail.d.test; arc=pass"
    assert "; cv=pass;" in field(content, b"ARC-Seal")
    assert check(world, content) == (b"pass", list(range(sets + 1, 0, -1)), "success")


@pytest.mark.parametrize("form", [(b"simple", b"simple"), (b"relaxed", b"simple")])
def test_other_canonical_forms(suite, world, form):
    content, mark = message(" x  y \r\n\r\n\r\n")
    content = by_hand(world, content, form)
    assert field(through(suite, world, content, mark), b"ARC-Authentication-Results").endswith("arc=pass")


def by_hand(world, content, form):
    """A set whose message signature has that form: made as a DKIM signature and renamed, as the two are alike."""
    key = serialization.load_pem_private_key(world.private, None)

    def sign(data):
        return base64.b64encode(key.sign(data, padding.PKCS1v15(), hashes.SHA256()))
    head, body = content.split(b"\r\n\r\n", 1)
    lines = head.split(b"\r\n")
    body = re.sub(rb"(\r\n)+$", b"", body) + b"\r\n"
    digest = hashes.Hash(hashes.SHA256())
    digest.update(body)
    results = b"ARC-Authentication-Results: i=1; other.test; none"
    ams = (b"ARC-Message-Signature:  i=1; a=rsa-sha256;  c=" + b"/".join(form) + b"; d=other.test; s=s1;\r\n h=From : "
           b"Subject; bh=" + base64.b64encode(digest.finalize()) + b"; b=")
    chosen = [lines[0], next(line for line in lines if line.startswith(b"Subject"))]
    if form[0] == b"simple":
        text = b"".join(line + b"\r\n" for line in chosen) + ams
    else:
        text = b"".join(relaxed(line) + b"\r\n" for line in chosen) + relaxed(ams)
    ams += sign(text)
    mine = b"ARC-Seal: i=1; a=rsa-sha256; cv=none; d=other.test; s=s1; t=1; b="
    mine += sign(relaxed(results) + b"\r\n" + relaxed(ams) + b"\r\n" + relaxed(mine))
    return b"\r\n".join([mine, ams, results]) + b"\r\n" + content


@pytest.mark.parametrize("name,spoil,why", [
    ("body", lambda c: c.replace(b"two", b"2"), "the body was changed"),
    ("subject", lambda c: c.replace(b"Subject:", b"Subject: Re:"), "a signature that does not fit"),
    ("results", lambda c: c.replace(b"spf=pass", b"spf=fail"), "a signature that does not fit"),
    ("gap", lambda c: c.replace(b"i=1;", b"i=3;"), "a set that lacks a field"),
    ("twice", lambda c: b"ARC-Seal: i=1; cv=none\r\n" + c, "an instance that is there twice"),
    ("key", lambda c: c.replace(b"s=s1", b"s=s2"), "no key in the DNS"),
    ("type", lambda c: c.replace(b"s=s1", b"s=weak"), "no key in the DNS"),
])
def test_a_broken_chain_ends(suite, world, name, spoil, why):
    content, mark = message()
    content = through(suite, world, spoil(seal(world, content)), mark)
    assert field(content, b"ARC-Authentication-Results").endswith("; mail.d.test; arc=fail")
    assert "; cv=fail;" in field(content, b"ARC-Seal")
    assert check(world, content)[0] != b"pass"
    lines = [line for line in suite.log("remote").splitlines() if "event=arc_broken" in line]
    assert why in lines[-1]


def test_the_seal_of_a_broken_chain_covers_its_set_alone(suite, world):
    """RFC 8617 section 5.1.2: taken alone it verifies."""
    content, mark = message()
    content = through(suite, world, seal(world, content).replace(b"two", b"2"), mark)
    head, _ = content.split(b"\r\n\r\n", 1)
    ours = [f for f in re.split(rb"\r\n(?![ \t])", head) if f.startswith(b"ARC-") and b" i=2;" in f]
    assert len(ours) == 3
    tags = dict(t.strip().split("=", 1) for t in field(content, b"ARC-Seal").split(";"))
    signed = relaxed(ours[2]) + b"\r\n" + relaxed(ours[1]) + b"\r\n" + re.sub(rb"b=[^;=]*=*$", b"b=", relaxed(ours[0]))
    record = txt(world.zone, "one-rsa._domainkey.d.test").decode()
    public = serialization.load_der_public_key(base64.b64decode(record.split("p=")[1]))
    public.verify(base64.b64decode(tags["b"].replace(" ", "")), signed, padding.PKCS1v15(), hashes.SHA256())


def test_nobody_seals_behind_the_end(suite, world):
    content, mark = message()
    content = b"ARC-Seal: i=1; a=rsa-sha256; cv=fail; d=other.test; s=s1; b=AAAA\r\n" + content
    content = through(suite, world, content, mark)
    assert names(content)[0] == b"Delivered-To" and content.count(b"ARC-Seal") == 1


def test_no_key_no_seal(suite, world):
    content = through(suite, world, *message(), to="out@o.test")
    assert b"ARC-" not in content


def test_what_is_not_sent_on_is_not_sealed(suite, world):
    content, mark = message()
    send(suite, content, "both@d.test")
    assert b"ARC-Seal: i=1" in taken(world, mark)
    assert b"ARC-" not in wait_message(suite, "alice@d.test", mark.encode())
    mark = uuid.uuid4().hex
    client = login(suite)
    client.sendmail("alice@d.test", ["out@d.test", "direct@far.test"], f"From: alice@d.test\r\nSubject: {mark}\r\n\r\nx\r\n")
    client.quit()
    both = wait_for(lambda: [m for m in world.sink.messages if mark.encode() in m.content][1:] and
                    [m for m in world.sink.messages if mark.encode() in m.content], 20, mark)
    assert all(b"ARC-" not in m.content and m.content.count(b"DKIM-Signature:") == 2 for m in both)


def test_forged_results_are_not_taken_over(suite, world):
    """Anybody may write our name into a field."""
    content, mark = message()
    content = through(suite, world, b"Authentication-Results: mail.d.test; dkim=pass\r\n" + content, mark)
    assert field(content, b"ARC-Authentication-Results") == "i=1; mail.d.test; arc=none"


def test_fifty_sets_are_enough(suite, world):
    content, mark = message()
    sets = b"".join(b"ARC-Seal: i=%d; cv=pass\r\nARC-Message-Signature: i=%d; a=b\r\n"
                    b"ARC-Authentication-Results: i=%d; x; none\r\n" % (i, i, i) for i in range(50, 0, -1))
    content = through(suite, world, sets + content, mark)
    assert content.count(b"ARC-Seal") == 50
    assert "the chain has no place for another set" in [
        line for line in suite.log("remote").splitlines() if "event=not_sealed" in line][-1]


def test_the_setting_turns_it_off(suite, world):
    suite.set("dkim.seal", "no")
    suite.run("reload")
    assert b"ARC-" not in through(suite, world, *message())
    suite.set("dkim.seal", "yes")
    suite.run("reload")
