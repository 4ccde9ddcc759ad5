"""remote-deliver: messages that a server cannot take as they are, made fit for it (RFC 6152, RFC 3030)."""
import email
import email.policy
import os
import pathlib
import smtplib
import ssl
import uuid

import pytest

from conftest import PASSWORD
from dkim_tools import verify
from instance import Instance, wait_for
from mailbox import wait_message
from nameserver import NameServer
from smtp_sink import Sink

INSECURE = ssl._create_unverified_context()
ALL = ["PIPELINING", "8BITMIME", "SIZE 1000000", "DSN", "SMTPUTF8", "CHUNKING", "BINARYMIME"]
SMALL = ["PIPELINING", "SIZE 1000000"]
TEXT = "Gr\u00fc\u00dfe aus der Ferne, in reinem Text \r\n.\r\n"


@pytest.fixture(scope="module")
def sinks():
    first = Sink("127.0.0.2", extensions=SMALL)
    second = Sink("127.0.0.3", port=first.port, extensions=ALL)
    yield first, second
    first.close()
    second.close()


@pytest.fixture(scope="module")
def suite(sinks):
    inst = Instance()
    inst.setup()
    inst.run("dkim", "make", "d.test", "--selector", "one")
    keys = [line.replace(".d.test. ", " ") for line in inst.run("dkim", "show", "d.test").out.splitlines()
            if not line.startswith(";")]
    zone = NameServer({"far.test": ["*.w MX 10 mx1", "*.w MX 20 mx2", "mx1 A 127.0.0.2", "mx2 A 127.0.0.3"],
                       "d.test": keys})
    for name, value in (("dns.stub", f"far.test {zone.address}"), ("dns.unsigned", "test"), ("remote.port", sinks[0].port),
                        ("remote.idle_time", "0s"), ("remote.workers", "3"), ("remote.mta_sts", "no")):
        inst.set(name, value)
    inst.start()
    inst.add_user("alice@d.test", PASSWORD)
    inst.zone = zone
    yield inst
    inst.close()
    zone.close()


@pytest.fixture(autouse=True)
def fresh(sinks):
    for sink, extensions in zip(sinks, (SMALL, ALL)):
        sink.replies, sink.messages, sink.commands, sink.extensions = {}, [], [], list(extensions)


@pytest.fixture
def domain():
    return f"{uuid.uuid4().hex[:12]}.w.far.test"


def submit(suite, to, content, binary=False):
    """Returns the queue id."""
    client = smtplib.SMTP("127.0.0.1", suite.port("submission"), timeout=15)
    client.starttls(context=INSECURE)
    client.login("alice@d.test", PASSWORD)
    content = b"From: alice@d.test\r\nSubject: x\r\n" + content
    if binary:
        client.mail("alice@d.test", ["BODY=BINARYMIME"])
        client.rcpt(to)
        client.send(b"BDAT %d LAST\r\n" % len(content) + content)
        code, text = client.getreply()
    else:
        client.mail("alice@d.test")
        client.rcpt(to)
        code, text = client.data(content)
    assert code == 250, text
    client.quit()
    return text.decode().split()[-1]


def arrived(sink, address):
    return wait_for(lambda: next(iter(sink.delivered(address)), None), 20, "message at the sink")


def parsed(message):
    return email.message_from_bytes(message.content, policy=email.policy.default)


def test_eight_bits_become_seven(suite, sinks, domain):
    queue_id = submit(suite, f"x@{domain}", b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                      b"Content-Transfer-Encoding: 8bit\r\n\r\n" + TEXT.encode())
    got = arrived(sinks[0], f"x@{domain}")
    assert got.content.isascii() and "BODY=" not in got.mail
    assert f"SIZE={len(got.content)}" in got.mail
    assert parsed(got)["Content-Transfer-Encoding"] == "quoted-printable"
    assert parsed(got).get_content() == TEXT
    assert parsed(got)["Received"], "the header is whole"
    wait_for(lambda: f"event=converted queue_id={queue_id} to=7bit" in suite.log("remote"), 10, "a log line")


def test_attachments_and_messages_inside_keep_every_byte(suite, sinks, domain):
    blob = bytes(range(256)) * 50
    submit(suite, f"x@{domain}", b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"
           b"Content-Transfer-Encoding: binary\r\n\r\n--b\r\nContent-Type: application/x\r\n"
           b"Content-Transfer-Encoding: binary\r\n\r\n" + blob + b"\r\n--b\r\nContent-Type: message/rfc822\r\n"
           b"Content-Transfer-Encoding: 8bit\r\n\r\nSubject: in\r\nContent-Type: text/plain; charset=utf-8\r\n"
           b"Content-Transfer-Encoding: 8bit\r\n\r\n" + TEXT.encode() + b"\r\n--b--\r\n", binary=True)
    got = arrived(sinks[0], f"x@{domain}")
    assert got.content.isascii() and max(map(len, got.content.split(b"\r\n"))) < 1000
    attachment, message = parsed(got).iter_parts()
    assert attachment.get_content() == blob
    assert message["Content-Transfer-Encoding"] == "7bit", "messages are never encoded (RFC 2046 section 5.2.1)"
    assert message.get_content().get_content() == TEXT


def test_binary_for_a_server_with_8bitmime(suite, sinks, domain):
    sinks[0].extensions = ["8BITMIME"]
    submit(suite, f"x@{domain}", b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"
           b"\r\n--b\r\nContent-Type: application/x\r\nContent-Transfer-Encoding: binary\r\n\r\na\0\n\r\n--b\r\n"
           b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + TEXT.encode() +
           b"\r\n--b--\r\n", binary=True)
    got = arrived(sinks[0], f"x@{domain}")
    assert got.mail.endswith("BODY=8BITMIME") and b"\0" not in got.content
    attachment, text = parsed(got).iter_parts()
    assert attachment.get_content() == b"a\0\n"
    assert text["Content-Transfer-Encoding"] == "8bit" and TEXT.encode() in got.content


def test_each_server_gets_what_it_can_take(suite, sinks, domain):
    """The first one puts it off; the second one takes 8 bits and gets the message as it was sent."""
    sinks[0].replies["."] = "451 4.3.0 not now"
    submit(suite, f"x@{domain}", b"\r\n" + TEXT.encode())
    got = arrived(sinks[1], f"x@{domain}")
    assert "BODY=8BITMIME" in got.mail and got.content.endswith(b"Subject: x\r\n\r\n" + TEXT.encode())
    assert any(c.startswith("DATA") for c in sinks[0].commands)


def test_the_signature_is_of_what_was_sent(suite, sinks, domain):
    """Also where it was made for another server before."""
    sinks[0].replies["."] = ["451 4.3.0 not now"]
    submit(suite, f"x@{domain}", b"\r\n" + TEXT.encode())
    submit(suite, f"y@second.{domain}", b"\r\n" + TEXT.encode())
    whole = arrived(sinks[1], f"x@{domain}").content
    converted = arrived(sinks[0], f"y@second.{domain}").content
    assert converted.isascii() and not whole.isascii()
    assert verify(whole, suite.zone) == [True, True] and verify(converted, suite.zone) == [True, True]


@pytest.mark.parametrize("content,reason", [
    (b"X-Name: \xc3\xa4\r\n\r\nx\r\n", "in a header"),
    (b"MIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n\xe4\r\n--b--\r\n",
     "signed or encrypted"),
], ids=["header", "signed"])
def test_what_cannot_be_converted_comes_back(suite, sinks, domain, content, reason):
    sinks[1].extensions = SMALL
    queue_id = submit(suite, f"x@{domain}", content)
    line = wait_for(lambda: next((s for s in suite.log("remote").splitlines() if "event=failed" in s and
                                  queue_id in s), None), 20, "a verdict")
    assert "dsn=5.6.3" in line and reason in line and "outcome=bounced" in line
    assert b"5.6.3" in wait_message(suite, "alice@d.test", f"x@{domain}".encode())
    assert not sinks[0].messages


def test_the_scratch_file_is_empty_afterwards(suite, sinks, domain):
    submit(suite, f"x@{domain}", b"\r\n" + TEXT.encode() * 2000)
    arrived(sinks[0], f"x@{domain}")
    suite.wait_queue_empty()

    def sizes():
        links = [link for pid, command in suite.processes().items() if "remote-deliver" in command
                 for link in pathlib.Path(f"/proc/{pid}/fd").iterdir()]
        return [link.stat().st_size for link in links if "/queue/tmp/remote-deliver." in os.readlink(link)]
    assert wait_for(sizes, 10, "scratch files")
    wait_for(lambda: sum(sizes()) == 0, 10, "empty files")
