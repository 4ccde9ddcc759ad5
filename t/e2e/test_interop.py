"""Mail to and from Postfix, Exim and OpenSMTPD: two hosts, their own port 25, a real name server with a signed
zone, TLS that is verified in both directions where the other side can."""
import email
import email.policy
import pathlib
import shutil
import tempfile

import pytest

from conftest import PASSWORD
from instance import Instance, wait_for
from mtas import Exim, OpenSMTPD, Postfix
from nameserver import NameServer
from network import Network
from pki import Authority, tlsa


class World:
    """Ours takes mail for a.test, the other one for b.test."""

    def __init__(self, kind):
        self.parts = []
        try:
            self._build(kind)
        except BaseException:
            self.close()
            raise

    def _build(self, kind):
        self.network, authority = self._keep(Network()), Authority()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="posthorn-interop-"))
        self.directory.chmod(0o755)
        authority.write(self.directory / "ca.pem")
        authority.write_pair(self.directory / "cert.pem", self.directory / "key.pem", "mx.a.test")
        # Theirs first: its certificate goes into the signed zone.
        self.peer = self._keep(kind(self.network.theirs, "b.test", authority, self.network.ours.address))
        records = {"a.test": ["@ MX 10 mx", f"mx A {self.network.ours.address}"],
                   "b.test": ["@ MX 10 mx", f"mx A {self.network.theirs.address}"]}
        if self.peer.takes_tls:
            records["b.test"].append(f"_25._tcp.mx TLSA {tlsa(self.peer.certificate)}")
        self.zones = self._keep(NameServer(records, signed=["b.test"], host=self.network.ours))
        self.inst = self._keep(Instance(domain="a.test", hostname="mx.a.test"))
        self.inst.prefix, self.inst.offset = self.network.ours.prefix, 0
        self.inst.run("setup", "--domain", "a.test", "--hostname", "mx.a.test", "--bind", self.network.ours.address)
        for name in ("cert.pem", "key.pem"):
            shutil.copy(self.directory / name, self.inst.root / "etc/certs" / name)
        for name, value in (("dns.stub", f"a.test {self.zones.address} b.test {self.zones.address}"),
                            ("dns.trust_anchor", self.zones.anchors), ("dns.timeout", "3s"),
                            ("remote.mta_sts", "no"), ("remote.protocols", "ipv4"), ("queue.retry_interval", "3s"),
                            ("smtp.greet_delay", "0")):
            self.inst.set(name, value)
        self.inst.set("smtp.lmtp_hosts", self.network.theirs.address)
        services = self.inst.root / "etc/services.conf"
        services.write_text(services.read_text().replace("smtps:465\n", "smtps:465 lmtp:24\n"))
        self.inst.start()
        self.inst.add_user("alice@a.test", PASSWORD)

    def _keep(self, part):
        self.parts.append(part)
        return part

    def close(self):
        for part in reversed(self.parts):
            part.close()
        shutil.rmtree(getattr(self, "directory", "/nonexistent"), ignore_errors=True)

    # -- what a user does --
    def swaks(self, host, *args, **kwargs):
        done = host.run("swaks", "--hide-all", *args, **kwargs)
        assert done.returncode == 0, done.stdout + done.stderr

    def submit(self, to, data, *args):
        """From alice, by submission with TLS."""
        path = self.directory / "message"
        path.write_bytes(data)
        self.swaks(self.network.ours, "--server", self.network.ours.address, "--port", "587", "--tls", "--auth", "PLAIN",
                   "--auth-user", "alice@a.test", "--auth-password", PASSWORD, "--from", "alice@a.test", "--to", to,
                   "--data", f"@{path}", *args)

    def from_peer(self, to, data, *args, sender="bob@b.test"):
        """Handed to the other server on its own host, which then finds its way to us."""
        path = self.directory / "message"
        path.write_bytes(data)
        self.swaks(self.network.theirs, "--server", self.network.theirs.address, "--from", sender, "--to", to,
                   "--data", f"@{path}", *args)

    def inbox(self, subject):
        """Messages of alice's with that subject, when the queue has let go of them (doc/queue.md)."""
        found = []
        for directory in ("cur", "new"):
            for file in self.inst.root.glob(f"store/a.test/*/alice/mail/{directory}/*"):
                message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
                if message["subject"] == subject and not file.read_bytes().endswith(b"PhQ1"):
                    found.append(file.read_bytes())
        return found

    def at_peer(self, user, subject):
        return [m for m in self.peer.messages(user)
                if email.message_from_bytes(m, policy=email.policy.default)["subject"] == subject]


@pytest.fixture(scope="module", params=[Postfix, Exim, OpenSMTPD], ids=lambda kind: kind.name)
def world(request):
    world = World(request.param)
    yield world
    world.close()


def message(subject, body, to="bob@b.test", sender="alice@a.test", fields=""):
    return (f"From: <{sender}>\r\nTo: <{to}>\r\nSubject: {subject}\r\nMessage-ID: <{subject}@a.test>\r\n"
            f"Date: Fri, 27 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n{fields}\r\n").encode() + body


def body_of(data):
    """What stands behind the header section, line ends as in the store of either server."""
    data = data.replace(b"\r\n", b"\n")
    return data[data.index(b"\n\n") + 2:].rstrip(b"\n")


EIGHT_BIT = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
BODIES = {
    "plain": (b"one\r\ntwo\r\n", ""),
    "dots": (b".\r\n..\r\n.x\r\n\r\n.\r\nend\r\n", ""),
    "eightbit": ("Grüße aus Köln, 你好\r\n".encode() * 20, EIGHT_BIT),
    "longline": (b"x" * 990 + b"\r\nend\r\n", ""),
    "big": (b"0123456789abcdef" * 4 + b"\r\n", ""),
}


def content(name):
    body, fields = BODIES[name]
    return (body * 40000 if name == "big" else body), fields


@pytest.mark.parametrize("name", BODIES)
def test_what_we_send_arrives_as_it_was(world, name):
    body, fields = content(name)
    world.submit("bob@b.test", message(f"out-{name}", body, fields=fields))
    found = wait_for(lambda: world.at_peer("bob", f"out-{name}"), 30, "at the other server")
    assert body_of(found[0]) == body.replace(b"\r\n", b"\n").rstrip(b"\n")


@pytest.mark.parametrize("name", BODIES)
def test_what_they_send_arrives_as_it_was(world, name):
    body, fields = content(name)
    world.from_peer("alice@a.test", message(f"in-{name}", body, "alice@a.test", "bob@b.test", fields))
    found = wait_for(lambda: world.inbox(f"in-{name}"), 30, "in alice's mailbox")
    assert body_of(found[0]) == body.replace(b"\r\n", b"\n").rstrip(b"\n")
    assert len(found) == 1


def test_two_recipients_of_theirs_get_it_once_each(world):
    world.submit("bob@b.test,carol@b.test", message("both", b"both\r\n"))
    for user in ("bob", "carol"):
        wait_for(lambda: world.at_peer(user, "both"), 30, f"{user} has it")
    world.inst.wait_queue_empty()
    assert [len(world.at_peer(user, "both")) for user in ("bob", "carol")] == [1, 1]


def test_we_hold_them_to_dane(world):
    if not world.peer.takes_tls:
        pytest.skip("this build of the peer takes no TLS")
    world.submit("bob@b.test", message("dane", b"dane\r\n"))
    wait_for(lambda: world.at_peer("bob", "dane"), 30, "at the other server")
    world.inst.wait_log("remote", "level=dane by=dane")


def test_they_come_with_tls(world):
    world.from_peer("alice@a.test", message("in-tls", b"tls\r\n", "alice@a.test", "bob@b.test"))
    found = wait_for(lambda: world.inbox("in-tls"), 30, "in alice's mailbox")
    assert b" with ESMTPS " in found[0].replace(b"\n\t", b" ")[:2000]


def test_a_recipient_that_they_do_not_know_comes_back_as_a_bounce(world):
    world.submit("nobody@b.test", message("lost", b"lost\r\n", "nobody@b.test"))

    def bounce():
        return [m for file in world.inst.root.glob("store/a.test/*/alice/mail/*/*")
                if file.is_file() and b"nobody@b.test" in (m := file.read_bytes()) and b"message/delivery-status" in m]
    report = wait_for(bounce, 30, "a bounce for alice")[0]
    assert b"Action: failed" in report and b"Remote-MTA: dns; mx.b.test" in report


def test_a_recipient_that_we_do_not_know_makes_them_tell_their_sender(world):
    world.from_peer("nobody@a.test", message("stray", b"stray\r\n", "nobody@a.test", "bob@b.test"))
    wait_for(lambda: [m for m in world.peer.messages("bob") if b"nobody@a.test" in m and b"stray" in m], 40,
             "their bounce for bob")


def test_they_hand_us_mail_by_lmtp(world):
    """Mail for lmtp.test: one of the recipients is known, of the other their sender is told."""
    if world.peer.name != "postfix":
        pytest.skip("one of them is enough")
    world.inst.run("domain", "add", "lmtp.test")
    world.inst.add_user("dora@lmtp.test", PASSWORD)
    world.from_peer("dora@lmtp.test,nobody@lmtp.test", message("by-lmtp", b"lmtp\r\n", "dora@lmtp.test", "bob@b.test"))

    def inbox():
        return [m for file in world.inst.root.glob("store/lmtp.test/*/dora/mail/*/*")
                if file.is_file() and b"Subject: by-lmtp" in (m := file.read_bytes())]
    found = wait_for(inbox, 30, "in dora's mailbox")
    assert b" with LMTP " in found[0].replace(b"\n\t", b" ")[:2000]
    wait_for(lambda: [m for m in world.peer.messages("bob") if b"nobody@lmtp.test" in m and b"by-lmtp" in m], 40,
             "their bounce for bob")
    world.inst.wait_queue_empty()
    assert len(inbox()) == 1


def test_dsn_success(world):
    """RFC 3461: who can, tells by itself; for who cannot, we say that it was relayed."""
    path = world.directory / "dsn"
    path.write_bytes(message("success", b"success\r\n"))
    script = (
        "import smtplib, sys\n"
        "s = smtplib.SMTP(sys.argv[1], 587); s.starttls(); s.login('alice@a.test', sys.argv[3])\n"
        "s.sendmail('alice@a.test', ['bob@b.test'], open(sys.argv[2], 'rb').read(), ['RET=HDRS', 'ENVID=interop'],"
        " ['NOTIFY=SUCCESS'])\n")
    done = world.network.ours.run("/usr/bin/python3", "-c", script, world.network.ours.address, path, PASSWORD)
    assert done.returncode == 0, done.stderr

    def report():
        return [m for file in world.inst.root.glob("store/a.test/*/alice/mail/*/*")
                if file.is_file() and b"success@a.test" in (m := file.read_bytes())]
    found = wait_for(report, 40, "a report of success")[0]
    assert b"message/delivery-status" in found
    assert b"Action: delivered" in found or b"Action: relayed" in found


def test_smtputf8(world):
    """Sent on where the other side announces it; where it does not, the sender hears why."""
    path = world.directory / "utf8"
    path.write_bytes(message("utf8", "grüezi\r\n".encode(), "bob@b.test", "alice@a.test",
                             EIGHT_BIT + "X-Name: Jürg\r\n"))
    script = (
        "import smtplib, sys\n"
        "s = smtplib.SMTP(sys.argv[1], 587); s.starttls(); s.login('alice@a.test', sys.argv[3])\n"
        "s.sendmail('alice@a.test', ['bob@b.test'], open(sys.argv[2], 'rb').read(), ['SMTPUTF8', 'BODY=8BITMIME'])\n")
    done = world.network.ours.run("/usr/bin/python3", "-c", script, world.network.ours.address, path, PASSWORD)
    assert done.returncode == 0, done.stderr

    def outcome():
        bounced = [m for file in world.inst.root.glob("store/a.test/*/alice/mail/*/*")
                   if file.is_file() and b"5.6.7" in (m := file.read_bytes())]
        return world.at_peer("bob", "utf8") or bounced
    found = wait_for(outcome, 30, "the message there or its bounce here")[0]
    if world.peer.name == "opensmtpd":
        assert b"5.6.7" in found
    else:
        assert "Jürg".encode() in found
