"""queue.header_replace: who is shown as whom, in mail to other servers and to our own mailboxes (REM-12)."""
import email
import email.policy
import os
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
RULES = """# who is shown as whom
office@d.test  both    alice@d.test; bob@d.test
out@d.test     remote  carol@d.test   # not for the house
"""
USERS = ["alice@d.test", "bob@d.test", "carol@d.test"]


@pytest.fixture(scope="module")
def sink():
    server = Sink("127.0.0.2")
    yield server
    server.close()


def make(sink, directory=None, rules=RULES, **settings):
    inst = Instance()
    inst.setup()
    inst.run("dkim", "make", "d.test", "--selector", "one")
    keys = [line.replace(".d.test. ", " ") for line in inst.run("dkim", "show", "d.test").out.splitlines()
            if not line.startswith(";")]
    inst.zone = NameServer({"far.test": ["@ MX 10 mx", "mx A 127.0.0.2"], "d.test": keys})
    (inst.root / "etc" / "lists").mkdir(exist_ok=True)
    (inst.root / "etc" / "lists" / "shown.txt").write_text(rules)
    for name, value in (("dns.stub", f"far.test {inst.zone.address}"), ("dns.unsigned", "test"),
                        ("remote.port", sink.port), ("remote.mta_sts", "no"), ("remote.workers", "2"), ("remote.idle_time", "0s"), ("local.workers", "1"),
                        ("queue.header_replace", "lists/shown.txt"), *settings.items()):
        inst.set(name, value)
    return inst


@pytest.fixture(scope="module")
def suite(sink):
    inst = make(sink)
    inst.start()
    for user in USERS:
        inst.add_user(user, PASSWORD)
    yield inst
    inst.close()
    inst.zone.close()


def submit(suite, to, header, sender="alice@d.test", body=b"hello\r\n"):
    token = uuid.uuid4().hex
    with smtplib.SMTP("127.0.0.1", suite.port("submission"), timeout=15) as client:
        client.starttls(context=INSECURE)
        client.login(sender, PASSWORD)
        client.mail(sender)
        for address in to:
            assert client.rcpt(address)[0] == 250
        code, text = client.data(header + b"Subject: " + token.encode() + b"\r\n\r\n" + body)
        assert code == 250, text
    return token


def at_sink(sink, token):
    return wait_for(lambda: next((m for m in sink.messages if token.encode() in m.content), None), 20, "it at the sink")


def fields(content):
    message = email.message_from_bytes(content, policy=email.policy.compat32)
    return {name: message[name] for name in ("From", "Sender", "Reply-To", "To", "Cc") if message[name]}


HEADER = (b"From: =?utf-8?q?Al=C3=AFce?= <alice@d.test>\r\nReply-To: Bob <bob@d.test>,\r\n dora@x.test\r\n"
          b"To: alice@d.test\r\nCc: carol@d.test\r\n")
SHOWN = {"From": "=?utf-8?q?Al=C3=AFce?= <office@d.test>", "Reply-To": "Bob <office@d.test>,\r\n dora@x.test",
         "To": "alice@d.test", "Cc": "carol@d.test"}


def test_at_other_servers(suite, sink):
    got = at_sink(sink, submit(suite, ["x@far.test"], HEADER))
    assert fields(got.content) == SHOWN
    assert got.mail.startswith("MAIL FROM:<alice@d.test>"), "the envelope is not for show"
    assert verify(got.content, suite.zone) == [True, True], "signed as it was sent"
    assert got.content.endswith(b"\r\n\r\nhello\r\n")


def test_in_our_own_mailboxes(suite):
    token = submit(suite, USERS, HEADER)
    for user in USERS:
        content = wait_message(suite, user, token.encode())
        assert fields(content) == SHOWN
        assert content.endswith(b"\r\n\r\nhello\r\n") and content.startswith(b"Return-Path: <alice@d.test>")
    files = [path for path in (suite.root / "store").rglob("cur/*") if token.encode() in path.read_bytes()]
    assert len(files) == 3 and len({path.stat().st_ino for path in files}) == 1, "one file, three names"
    suite.wait_queue_empty()
    assert not [name for name in os.listdir(suite.root / "store") if name.startswith(".shown")]
    assert suite.run("store", "check", "--user", "alice@d.test", "--slow").returncode == 0


def test_a_rule_for_remote_mail_is_for_that(suite, sink):
    token = submit(suite, ["x@far.test", "bob@d.test"], b"From: carol@d.test\r\n", sender="carol@d.test")
    assert fields(at_sink(sink, token).content)["From"] == "out@d.test"
    assert fields(wait_message(suite, "bob@d.test", token.encode()))["From"] == "carol@d.test"


def test_without_a_rule_the_mailbox_shares_the_queues_file(suite):
    token = submit(suite, ["bob@d.test", "carol@d.test"], b"From: carol@d.test\r\n", sender="carol@d.test")
    wait_message(suite, "carol@d.test", token.encode())
    files = [path for path in (suite.root / "store").rglob("cur/*") if token.encode() in path.read_bytes()]
    assert len({path.stat().st_ino for path in files}) == 1


def test_together_with_a_conversion(suite, sink):
    sink.extensions = ["PIPELINING"]
    try:
        token = submit(suite, ["x@far.test"], HEADER, body="Gr\u00fc\u00dfe\r\n".encode())
        got = at_sink(sink, token)
    finally:
        sink.extensions = ["PIPELINING", "8BITMIME", "SIZE 1000000", "DSN", "SMTPUTF8"]
    assert got.content.isascii() and fields(got.content) == SHOWN
    assert verify(got.content, suite.zone) == [True, True]


def test_each_mailbox_has_a_file_of_its_own_where_that_is_wanted(sink):
    inst = make(sink, **{"store.single_copy": "no"})
    try:
        inst.start()
        for user in USERS:
            inst.add_user(user, PASSWORD)
        token = submit(inst, USERS, HEADER)
        for user in USERS:
            assert fields(wait_message(inst, user, token.encode())) == SHOWN
        files = [path for path in (inst.root / "store").rglob("cur/*") if token.encode() in path.read_bytes()]
        assert len({path.stat().st_ino for path in files}) == 3
    finally:
        inst.close()
        inst.zone.close()


@pytest.mark.parametrize("line,words", [
    ("office both alice@d.test", "the first address"),
    ("office@d.test everywhere alice@d.test", "local, remote or both"),
    ("office@d.test both alice", "behind it"),
])
def test_wrong_rules_are_named(suite, line, words):
    path = suite.root / "etc" / "lists" / "shown.txt"
    path.write_text("# one\n" + line + "\n")
    try:
        checked = suite.run("config", "check", check=False)
        assert checked.returncode != 0 and "shown.txt:2" in checked.out + checked.err and words in checked.out + checked.err
    finally:
        path.write_text(RULES)


# ---- groups that are shown by their members (DIR-55) ----

@pytest.fixture(scope="module")
def groups(suite):
    members = ("alice@d.test", "bob@d.test", "y@far.test")
    suite.run("group", "add", "team@d.test", "show_members=yes", *(word for m in members for word in ("--member", m)))
    suite.run("group", "add", "quiet@d.test", "--member", "bob@d.test")
    return suite


TO_TEAM = b"From: carol@d.test\r\nTo: \"The team\" <Team@d.test>, quiet@d.test\r\nCc: carol@d.test\r\n"
BY_MEMBERS = {"From": "carol@d.test", "To": "alice@d.test,\r\n\tbob@d.test,\r\n\ty@far.test, quiet@d.test", "Cc": "carol@d.test"}


def test_members_stand_in_place_of_their_group(groups, sink):
    token = submit(groups, ["team@d.test", "quiet@d.test", "carol@d.test"], TO_TEAM, sender="carol@d.test")
    for user in USERS:
        assert fields(wait_message(groups, user, token.encode())) == BY_MEMBERS
    got = at_sink(sink, token)
    assert fields(got.content) == {**BY_MEMBERS, "From": "out@d.test"}
    assert any("<y@far.test>" in rcpt for rcpt in got.rcpts)
    assert verify(got.content, groups.zone) == [True, True], "signed as it was sent"
    groups.wait_queue_empty()
    assert not [name for name in os.listdir(groups.root / "store") if name.startswith(".shown")]
    assert groups.run("store", "check", "--user", "bob@d.test", "--slow").returncode == 0


def test_a_blind_copy_to_a_group_shows_nobody(groups):
    token = submit(groups, ["team@d.test"], b"From: carol@d.test\r\nTo: carol@d.test\r\n", sender="carol@d.test")
    content = wait_message(groups, "bob@d.test", token.encode())
    assert fields(content) == {"From": "carol@d.test", "To": "carol@d.test"}


def test_explain_says_what_is_shown(groups):
    said = groups.run("explain", "--from", "carol@d.test", "--to", "team@d.test", "--client", "127.0.0.1", "--user", "carol@d.test").out
    assert "team@d.test by its members" in said
