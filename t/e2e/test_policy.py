"""Policy services in Postfix's protocol: every action, its attributes, what holds without an answer,
and postgrey."""
import pathlib
import shutil
import socket
import subprocess

import pytest

from conftest import PASSWORD
from instance import Instance, wait_for
from listener import Listener, answers, free_port
from mailbox import messages, wait_message
from smtp_raw import Raw
from submission import login, token


class Policy(Listener):
    """Answers by `decide(attributes)`: an action, or bytes as they are, or None: silence."""

    def __init__(self, decide):
        self.decide, self.asked = decide, []
        super().__init__()
        self.spec = f"inet:127.0.0.1:{self.port};name=policy"

    def run(self, connection):
        lines = []
        for line in connection.makefile("rb"):
            line = line.decode().rstrip("\n")
            if line:
                lines.append(line)
                continue
            asked = dict(each.split("=", 1) for each in lines)
            lines = []
            self.asked.append(asked)
            action = self.decide(asked)
            if isinstance(action, bytes):
                connection.sendall(action)
            elif action is not None:
                connection.sendall(f"action={action}\n\n".encode())


def by_sender(asked):
    """The sender's address of the test says the action."""
    return ACTIONS.get(asked["sender"].split("@")[0], "DUNNO")


ACTIONS = {
    "dunno": "DUNNO", "ok": "OK", "number": "12345", "reject": "REJECT", "text": "REJECT not you",
    "coded": "REJECT 5.7.26 no such policy", "defer": "DEFER later please", "code4": "450 4.2.1 busy",
    "code5": "571 denied", "shut": "421 4.7.0 enough", "permit": "DEFER_IF_PERMIT come again",
    "hold": "HOLD smells", "prepend": "PREPEND X-Policy: seen", "redirect": "REDIRECT bob@d.test",
    "bcc": "BCC bob@d.test", "discard": "DISCARD", "warn": "WARN look at this", "filter": "FILTER smtp:[x]",
    "bad-prepend": "PREPEND no field", "bad-redirect": "REDIRECT nobody",
}


@pytest.fixture(scope="module")
def policy():
    service = Policy(by_sender)
    yield service
    service.stop()


@pytest.fixture(scope="module")
def suite(policy):
    inst = Instance()
    try:
        inst.setup()
        inst.set("filter.policy_services", policy.spec + ";at=both")
        inst.start()
        inst.add_user("alice@d.test", PASSWORD)
        inst.add_user("bob@d.test", PASSWORD)
        yield inst
    finally:
        inst.close()


@pytest.mark.parametrize("sender,line", [
    ("dunno", "250 2.1.5 recipient ok"), ("ok", "250 2.1.5 recipient ok"), ("number", "250 2.1.5 recipient ok"),
    ("reject", "554 5.7.1 refused by a policy service"), ("text", "554 5.7.1 not you"),
    ("coded", "554 5.7.26 no such policy"), ("defer", "450 4.7.1 later please"),
    ("code4", "450 4.2.1 busy"), ("code5", "571 5.7.1 denied"), ("shut", "421 4.7.0 enough"),
    ("permit", "450 4.7.1 come again"), ("warn", "250 2.1.5 recipient ok"),
    ("filter", "250 2.1.5 recipient ok"), ("bad-prepend", "250 2.1.5 recipient ok"),
    ("bad-redirect", "250 2.1.5 recipient ok")])
def test_answers_at_rcpt(suite, sender, line):
    raw = Raw(suite.port("smtp"))
    raw.ehlo()
    raw.cmd(f"MAIL FROM:<{sender}@far.test>")
    assert raw.cmd("RCPT TO:<alice@d.test>").lines == [line]
    if sender == "shut":
        assert raw.is_closed()
    if sender in ("filter", "bad-prepend", "bad-redirect"):
        suite.wait_log("filter", f'event=policy_action_not_supported filter=policy')
        suite.wait_log("filter", f"answer=\"{ACTIONS[sender]}\"")
    if sender == "warn":
        suite.wait_log("filter", 'event=policy_warns')


def send(instance, sender, rcpt="alice@d.test"):
    mark = token()
    raw = Raw(instance.port("smtp"))
    raw.begin(sender, rcpt)
    raw.cmd("DATA")
    reply = raw.cmd(f"Subject: {mark}\r\n\r\ntext\r\n.")
    raw.close()
    return reply, mark.encode()


def test_prepend_once_for_both_stages(suite):
    reply, mark = send(suite, "prepend@far.test")
    assert reply.code == 250
    message = wait_message(suite, "alice@d.test", mark)
    assert message.count(b"X-Policy: seen\r\n") == 1
    assert message.startswith(b"Return-Path: <prepend@far.test>\r\nReceived:")


def test_redirect_and_bcc(suite):
    _, first = send(suite, "redirect@far.test")
    wait_message(suite, "bob@d.test", first)
    _, second = send(suite, "bcc@far.test")
    wait_message(suite, "bob@d.test", second)
    wait_message(suite, "alice@d.test", second)
    assert not [m for m in messages(suite, "alice@d.test") if first in m]


def test_discard_and_hold(suite):
    reply, mark = send(suite, "discard@far.test")
    assert reply.code == 250
    _, held = send(suite, "hold@far.test")
    rows = wait_for(lambda: [m for m in suite.json("queue", "list") if m["status"] == "on hold"], 20, "hold")
    assert "smells" in suite.run("queue", "show", rows[0]["id"]).out
    suite.wait_queue_empty()
    assert not [m for m in messages(suite, "alice@d.test") if mark in m or held in m]


def test_attributes(suite, policy):
    policy.asked.clear()
    client = login(suite)
    client.sendmail("alice@d.test", ["bob@d.test"], "Subject: x\r\n\r\n" + "text\r\n" * 10,
                    mail_options=["BODY=8BITMIME"])
    client.quit()
    at_rcpt, at_end = policy.asked
    assert at_rcpt["request"] == "smtpd_access_policy" and at_rcpt["protocol_state"] == "RCPT"
    assert at_end["protocol_state"] == "END-OF-MESSAGE" and at_end["protocol_name"] == "ESMTP"
    assert at_rcpt["sender"] == "alice@d.test" and at_rcpt["recipient"] == "bob@d.test"
    assert at_rcpt["recipient_count"] == "0" and at_end["recipient_count"] == "1"
    assert at_rcpt["queue_id"] == "" and len(at_end["queue_id"]) > 10
    assert at_rcpt["client_address"] == "127.0.0.1" and at_rcpt["client_port"].isdigit()
    assert at_rcpt["server_port"] == str(suite.port("submission"))
    assert at_rcpt["sasl_username"] == "alice@d.test" and at_rcpt["sasl_method"]
    assert at_rcpt["encryption_protocol"].startswith("TLSv1") and int(at_rcpt["encryption_keysize"]) >= 128
    assert at_rcpt["instance"] == at_end["instance"] and at_rcpt["policy_context"] == "submission"
    assert int(at_rcpt["size"]) > 0 and int(at_end["size"]) >= 60
    for name in ("helo_name", "client_name", "reverse_client_name", "sasl_sender", "ccert_subject",
                 "ccert_issuer", "ccert_fingerprint", "ccert_pubkey_fingerprint", "encryption_cipher",
                 "etrn_domain", "stress", "server_address"):
        assert name in at_rcpt


def test_own_refusals_come_first(suite, policy):
    policy.asked.clear()
    raw = Raw(suite.port("smtp"))
    raw.begin("a@far.test")
    assert raw.cmd("RCPT TO:<x@elsewhere.test>").code == 553
    assert not policy.asked


# ---- without an answer, and services that break the rules ----

@pytest.mark.parametrize("decide", [lambda asked: None, lambda asked: b"nonsense\n\n", lambda asked: b"x" * 20000,
                                    lambda asked: b"action=REJECT\n\naction=OK\n\n", lambda asked: b"action=\n\n"],
                         ids=["silent", "nonsense", "endless", "twice", "empty"])
def test_default_action(instance, decide):
    service = Policy(decide)
    try:
        instance.set("filter.policy_services", service.spec + ";command=1s;default=tempfail")
        instance.start()
        instance.add_user("alice@d.test", PASSWORD)
        raw = Raw(instance.port("smtp"))
        raw.begin("a@far.test")
        assert raw.cmd("RCPT TO:<alice@d.test>").code == 451
        instance.wait_log("filter", "event=filter_failed filter=policy")
    finally:
        service.stop()


def test_connection_that_was_closed_is_made_again(instance):
    service = Policy(lambda asked: "DUNNO")
    try:
        instance.set("filter.policy_services", service.spec + ";default=reject")
        instance.start()
        instance.add_user("alice@d.test", PASSWORD)
        raw = Raw(instance.port("smtp"))
        raw.begin("a@far.test", "alice@d.test")
        service.connections[0].shutdown(socket.SHUT_RDWR)
        assert raw.cmd("RCPT TO:<alice@d.test>").code == 250
        wait_for(lambda: len(service.connections) == 2, 10, "a second connection")
    finally:
        service.stop()


def test_question_that_met_a_closing_connection_is_asked_again(instance):
    def decide(asked):
        if len(service.asked) == 2:
            service.connections[0].shutdown(socket.SHUT_RDWR)
            return None
        return "DUNNO"
    service = Policy(decide)
    try:
        instance.set("filter.policy_services", service.spec + ";default=reject")
        instance.start()
        instance.add_user("alice@d.test", PASSWORD)
        raw = Raw(instance.port("smtp"))
        raw.begin("a@far.test", "alice@d.test")
        assert raw.cmd("RCPT TO:<alice@d.test>").code == 250
        assert len(service.asked) == 3 and len(service.connections) == 2
    finally:
        service.stop()


def test_two_services_and_defer_if_reject(instance):
    first = Policy(lambda asked: "DEFER_IF_REJECT perhaps later" if "if" in asked["sender"] else "OK")
    second = Policy(lambda asked: "REJECT")
    try:
        instance.set("filter.policy_services", f"{first.spec} {second.spec}")
        instance.start()
        instance.add_user("alice@d.test", PASSWORD)
        raw = Raw(instance.port("smtp"))
        raw.begin("if@far.test")
        assert raw.cmd("RCPT TO:<alice@d.test>").lines == ["450 4.7.1 perhaps later"]
        raw.begin("ok@far.test", "alice@d.test")
        assert len(second.asked) == 1, "after OK no other is asked"
    finally:
        first.stop()
        second.stop()


@pytest.mark.skipif(shutil.which("postgrey") is None, reason="needs postgrey")
def test_postgrey(instance, tmp_path):
    port = free_port()
    path = pathlib.Path(tmp_path)
    path.chmod(0o777)
    for parent in path.parents:
        if str(parent).startswith("/tmp/pytest"):
            parent.chmod(0o755)
    shutil.chown(path, "postgrey", "nogroup")
    log = open(path.parent / "postgrey.log", "w")
    process = subprocess.Popen([shutil.which("postgrey"), f"--inet=127.0.0.1:{port}", f"--dbdir={path}",
                                "--delay=2", "--user=postgrey", "--group=nogroup"], stdout=log, stderr=log)
    try:
        wait_for(lambda: answers(port), 20, "postgrey listens")
        instance.set("filter.policy_services", f"inet:127.0.0.1:{port}")
        instance.start()
        instance.add_user("alice@d.test", PASSWORD)
        raw = Raw(instance.port("smtp"))
        raw.begin("a@far.test")
        reply = raw.cmd("RCPT TO:<alice@d.test>")
        assert reply.code == 450 and "reylist" in reply.text

        def retry():
            again = Raw(instance.port("smtp"))
            again.begin("a@far.test")
            code = again.cmd("RCPT TO:<alice@d.test>").code
            if code == 250:
                again.cmd("DATA")
                assert again.cmd("Subject: grey no more\r\n\r\n.").code == 250
            again.close()
            return code == 250
        wait_for(retry, 20, "postgrey lets the retry in")
        assert b"X-Greylist: delayed" in wait_message(instance, "alice@d.test", b"grey no more")
    finally:
        process.kill()
        process.wait()
