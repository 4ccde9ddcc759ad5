"""DIR-33: forwards, and the senders that mail from outside gets when it goes outside again (SRS)."""
import re
import smtplib

import pytest

from conftest import PASSWORD
from instance import Instance, wait_for
from mailbox import messages
from smtp_sink import Sink
from test_queue import submit


@pytest.fixture(scope="module")
def sink():
    server = Sink(replies={"RCPT never*": "550 5.1.1 no such user here"}, extensions=("PIPELINING", "8BITMIME"))
    yield server
    server.close()


@pytest.fixture(scope="module")
def suite(sink):
    inst = Instance()
    inst.setup()
    inst.set("remote.policy", "relay")
    inst.set("remote.relay_hosts", f"127.0.0.2:{sink.port}")
    inst.start()
    for name in ("alice", "bob", "carol"):
        inst.add_user(f"{name}@d.test", PASSWORD)
    inst.run("user", "set", "alice@d.test", "forward=alice@home.test;bob@d.test", "forward_keep=no")
    yield inst
    inst.close()


def send(inst, rcpt, subject, sender="stranger@far.test"):
    with smtplib.SMTP("127.0.0.1", inst.port("smtp"), timeout=20) as client:
        client.sendmail(sender, [rcpt], f"From: x@far.test\r\nTo: x\r\nSubject: {subject}\r\n\r\n.\r\n")


def forwarded(sink, rcpt, subject):
    def found():
        return [m for m in sink.delivered(rcpt) if f"Subject: {subject}\r\n".encode() in m.content]

    return wait_for(found, 20, f"{subject} forwarded")[0]


def sender_of(message):
    return re.search(r"<([^>]*)>", message.mail)[1]


def refused(inst, rcpt, sender=""):
    with pytest.raises(smtplib.SMTPRecipientsRefused) as error:
        send(inst, rcpt, "refused", sender=sender)
    return error.value.recipients[rcpt]


def test_there_and_back(suite, sink):
    send(suite, "alice@d.test", "there")
    sender = sender_of(forwarded(sink, "alice@home.test", "there"))
    assert re.fullmatch(r"SRS0=[A-Z2-7]{8}=[A-Z2-7]{2}=far\.test=stranger@d\.test", sender)
    send(suite, sender, "and back", sender="")
    back = forwarded(sink, "stranger@far.test", "and back")
    assert sender_of(back) == ""
    send(suite, sender.lower(), "in lower case", sender="")
    forwarded(sink, "stranger@far.test", "in lower case")


def test_senders_that_stay(suite, sink):
    send(suite, "alice@d.test", "a bounce", sender="")
    assert sender_of(forwarded(sink, "alice@home.test", "a bounce")) == ""
    submit(suite, ["alice@d.test"], subject="from here", sender="alice@d.test")
    assert sender_of(forwarded(sink, "alice@home.test", "from here")) == "alice@d.test"
    submit(suite, ["someone@home.test"], subject="no forward", sender="alice@d.test")
    assert sender_of(forwarded(sink, "someone@home.test", "no forward")) == "alice@d.test"


def test_a_second_forwarder_names_the_first(suite, sink):
    first = "SRS0=abcd=TT=far.test=stranger@first.test"
    send(suite, "alice@d.test", "second hand", sender=first)
    sender = sender_of(forwarded(sink, "alice@home.test", "second hand"))
    assert sender.startswith("SRS1=") and sender.endswith("=first.test==abcd=TT=far.test=stranger@d.test")
    send(suite, sender, "to the first", sender="")
    forwarded(sink, first, "to the first")


def test_forged_addresses_are_refused(suite, sink):
    send(suite, "alice@d.test", "to forge")
    sender = sender_of(forwarded(sink, "alice@home.test", "to forge"))
    tampered = sender.replace("=stranger@", "=victim@")
    code, text = refused(suite, tampered)
    assert code == 550 and text.startswith(b"5.1.1")
    code, text = refused(suite, sender, sender="spammer@far.test")
    assert code == 550 and text.startswith(b"5.7.1")
    suite.run("domain", "set", "d.test", "unknown=deliver", "unknown_address=carol@d.test")
    assert refused(suite, tampered)[0] == 550  # not even where everything is taken
    suite.run("domain", "set", "d.test", "unknown=bounce")
    assert not sink.delivered("victim@far.test")


def test_a_long_sender_is_rewritten_and_its_bounce_taken(suite, sink):
    long = "v" * 60 + "@far.test"
    send(suite, "alice@d.test", "long", sender=long)
    send(suite, sender_of(forwarded(sink, "alice@home.test", "long")), "long way back", sender="")
    forwarded(sink, long, "long way back")


def test_our_own_bounce_of_a_forward_goes_to_the_sender(suite, sink):
    suite.run("user", "set", "carol@d.test", "forward=never@home.test", "forward_keep=no")
    send(suite, "carol@d.test", "fails there")
    wait_for(lambda: any(b"Action: failed" in m.content for m in sink.delivered("stranger@far.test")), 20, "bounce")
    suite.run("user", "set", "carol@d.test", "forward=")


def test_the_key_is_accountds_own_and_stays(suite, sink):
    key = suite.root / "db/srs.key"
    before = key.read_text()
    assert re.fullmatch(r"[0-9a-f]{64}\n", before) and key.stat().st_mode & 0o777 == 0o600
    assert key.stat().st_uid == (suite.root / "db").stat().st_uid
    send(suite, "alice@d.test", "over a restart")
    sender = sender_of(forwarded(sink, "alice@home.test", "over a restart"))
    suite.run("restart")
    assert key.read_text() == before
    send(suite, sender, "after it", sender="")
    forwarded(sink, "stranger@far.test", "after it")


def test_copy_right_and_switch(suite, sink):
    """forward_keep, may_forward, account.srs."""
    suite.run("user", "set", "carol@d.test", "forward=carol@home.test", "forward_keep=yes")
    send(suite, "carol@d.test", "kept")
    forwarded(sink, "carol@home.test", "kept")
    wait_for(lambda: any(b"Subject: kept" in m for m in messages(suite, "carol@d.test")), 20, "copy")
    suite.run("user", "set", "carol@d.test", "forward=", "may_forward=no")
    done = suite.run("user", "set", "carol@d.test", "forward=carol@home.test", check=False)
    assert done.returncode == 1 and "may_forward is no" in done.err
    send(suite, "carol@d.test", "not allowed")
    wait_for(lambda: any(b"Subject: not allowed" in m for m in messages(suite, "carol@d.test")), 20, "kept here")
    suite.wait_queue_empty()
    assert not any(b"not allowed" in m.content for m in sink.delivered("carol@home.test"))
    suite.set("account.srs", "no")
    suite.run("reload")
    send(suite, "alice@d.test", "as it is")
    assert sender_of(forwarded(sink, "alice@home.test", "as it is")) == "stranger@far.test"
