"""BURL (RFC 4468): a message is submitted by the URL of what is in the user's mailbox already."""
import base64
import re

import pytest

from imapclient import Imap
from instance import Instance
from mailbox import wait_message
from smtp_raw import Raw
from submission import token

PASSWORD = "secret-of-test"
HARRY, RON = "harry@d.test", "ron@d.test"


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    inst.set("auth.plain_on_loopback", "yes")
    inst.set("smtp.max_message_size", "100K")
    inst.start()
    for user in (HARRY, RON):
        inst.add_user(user, PASSWORD)
    yield inst
    inst.close()


@pytest.fixture
def owner(suite):
    client = Imap(suite.port("imap"), HARRY)
    client.command("DELETE outbox")
    client.ok("CREATE outbox")
    yield client
    client.close()


def keep(client, message):
    """Into the outbox; the message's number as UID is what it is the first time."""
    assert client.append("outbox", message)[1].startswith(b"OK")


def authorize(client, access="submit+harry%40d.test", rest="", uid=1):
    url = f"imap://harry%40d.test@mail.d.test/outbox/;UID={uid}{rest};URLAUTH={access}"
    line = client.ok(f'GENURLAUTH "{url}" INTERNAL')[0]
    return re.fullmatch(rb'\* GENURLAUTH "?([^" ]+)"?', line).group(1).decode()


def plain(user):
    return "AUTH PLAIN " + base64.b64encode(f"\0{user}\0{PASSWORD}".encode()).decode()


def submitter(suite, user=HARRY, rcpt=RON):
    raw = Raw(suite.port("submission"))
    raw.ehlo()
    assert raw.cmd(plain(user)).code == 235
    assert raw.cmd(f"MAIL FROM:<{user}>").code == 250
    assert raw.cmd(f"RCPT TO:<{rcpt}>").code == 250
    return raw


def text(word):
    return f"From: {HARRY}\r\nTo: {RON}\r\nSubject: {word}\r\n\r\nBody of {word}\r\n".encode()


# ---- what is announced ----

def test_announced_after_login_on_submission_ports(suite):
    raw = Raw(suite.port("submission"))
    assert "BURL" in raw.ehlo().text.split("\n"), "there is, but not before the login"
    assert raw.cmd(plain(HARRY)).code == 235
    assert "BURL imap" in raw.ehlo().text.split("\n")
    raw = Raw(suite.port("smtp"))
    assert "BURL" not in raw.ehlo().text, "RFC 4468 section 3.1"
    assert raw.cmd(plain(HARRY)).code == 235
    assert "BURL" not in raw.ehlo().text and raw.cmd("BURL imap://x/y LAST").code == 500


# ---- what is sent ----

@pytest.mark.parametrize("access", ["submit+harry%40d.test", "submit+harry", "authuser", "anonymous"])
def test_a_message_is_sent_from_the_mailbox(suite, owner, access):
    word = token()
    keep(owner, text(word))
    raw = submitter(suite)
    reply = raw.cmd(f"BURL {authorize(owner, access)} LAST")
    assert (reply.code, reply.dsn) == (250, "2.0.0")
    found = wait_message(suite, RON, word.encode())
    assert found.endswith(text(word)) and b"ESMTPA id" in found
    assert raw.cmd(f"MAIL FROM:<{HARRY}>").code == 250, "the session goes on"


def test_all_in_one_round_trip(suite, owner):
    """RFC 4468 section 3.4, AUTH included."""
    word = token()
    keep(owner, text(word))
    raw = Raw(suite.port("submission"))
    raw.ehlo()
    raw.send(f"{plain(HARRY)}\r\nMAIL FROM:<{HARRY}>\r\nRCPT TO:<{RON}>\r\nBURL {authorize(owner)} LAST\r\nNOOP\r\n")
    assert [raw.reply().code for _ in range(5)] == [235, 250, 250, 250, 250]
    assert wait_message(suite, RON, word.encode()).endswith(text(word))


def test_parts_and_chunks_take_turns(suite, owner):
    word = token()
    keep(owner, text("old"))
    raw = submitter(suite)
    head = f"Subject: {word}\r\n\r\n>> ".encode()
    raw.send(f"BDAT {len(head)}\r\n".encode() + head +
             f"BURL {authorize(owner, rest='/;SECTION=TEXT')}\r\nBDAT 5 LAST\r\nend\r\n".encode())
    replies = [raw.reply() for _ in range(3)]
    assert [r.code for r in replies] == [250, 250, 250], replies
    assert replies[1].text == "2.0.0 13 octets received"
    assert wait_message(suite, RON, word.encode()).endswith(b"\r\n\r\n>> Body of old\r\nend\r\n")


def test_long_urls_are_read(suite, owner):
    word = token()
    keep(owner, text(word))
    fields = "%20".join(["Subject"] + ["X-" + "n" * 150] * 15)
    url = authorize(owner, rest=f"/;SECTION=HEADER.FIELDS%20({fields})")
    assert 2048 < len(url) < 4096
    assert submitter(suite).cmd(f"BURL {url} LAST").code == 250
    assert submitter(suite).cmd(f"BURL {url}{'0' * 2000} LAST").code == 554
    assert wait_message(suite, RON, word.encode())


# ---- what is refused ----

def refused(suite, url, user=HARRY, code=554, dsn="5.6.6"):
    raw = submitter(suite, user)
    reply = raw.cmd(f"BURL {url} LAST")
    assert (reply.code, reply.dsn) == (code, dsn), (url, reply)
    assert raw.cmd("DATA").code == 503, "the transaction has failed as a whole"
    assert raw.cmd(f"MAIL FROM:<{user}>").code == 250


def test_only_for_whom_it_is(suite, owner):
    keep(owner, text("secret"))
    for access in ("submit+harry%40d.test", "submit+nobody%40d.test", "user+ron%40d.test"):
        refused(suite, authorize(owner, access), user=RON)
    refused(suite, authorize(owner, "user+harry%40d.test"))  # we log in to no mailbox as the user
    refused(suite, authorize(owner, "submit+ron%40d.test"))
    word = token()
    keep(owner, text(word))
    raw = submitter(suite, RON)
    assert raw.cmd(f"BURL {authorize(owner, 'submit+ron%40d.test', uid=2)} LAST").code == 250
    assert wait_message(suite, RON, word.encode()), "what harry lets ron send"


def test_wrong_urls(suite, owner):
    keep(owner, text("old"))
    good = authorize(owner)
    refused(suite, good[:-1] + ("0" if good[-1] != "0" else "1"))
    refused(suite, authorize(owner, uid=77))
    refused(suite, good.split(";URLAUTH")[0])
    refused(suite, authorize(owner, rest=";EXPIRE=2001-02-03T04:05:06Z"))
    refused(suite, "http://d.test/")
    refused(suite, "/etc/passwd")
    owner.ok("RESETKEY outbox")
    refused(suite, good)


def test_owner_without_imap(suite, owner):
    keep(owner, text("old"))
    url = authorize(owner)
    suite.run("user", "set", HARRY, "imap=no")
    try:
        refused(suite, url)
    finally:
        suite.run("user", "set", HARRY, "imap=yes")


def test_syntax_and_order(suite, owner):
    keep(owner, text("old"))
    url = authorize(owner)
    raw = Raw(suite.port("submission"))
    raw.ehlo()
    assert raw.cmd(f"BURL {url} LAST").code == 530
    assert raw.cmd(plain(HARRY)).code == 235
    assert raw.cmd(f"BURL {url} LAST").code == 503
    assert raw.cmd(f"MAIL FROM:<{HARRY}>").code == 250
    reply = raw.cmd(f"BURL {url} LAST")
    assert (reply.code, reply.dsn) == (554, "5.5.0"), "RFC 4468 section 6"
    assert raw.cmd(f"RCPT TO:<{RON}>").code == 250
    for bad in ("BURL", f"BURL {url} FIRST", f"BURL {url} LAST "[:-1] + " x"):
        assert raw.cmd(bad).code == 501, bad
    assert raw.cmd(f"BURL {url}").code == 250
    assert raw.cmd("DATA").code == 503, "RFC 3030 section 2: not mixed"


def test_a_failed_piece_fails_what_follows_in_the_pipeline(suite, owner):
    raw = submitter(suite)
    raw.send("BURL imap://harry%40d.test@h/none/;UID=1;URLAUTH=authuser:internal:" + "0" * 40 +
             "\r\nBDAT 5 LAST\r\nend\r\nMAIL FROM:<harry@d.test>\r\nRSET\r\n")
    assert [raw.reply().code for _ in range(4)] == [554, 503, 503, 250]


def test_limits_hold(suite, owner):
    keep(owner, text("big") + b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 1500)
    refused(suite, authorize(owner), code=552, dsn="5.3.4")
    keep(owner, b"Subject: bare\n\nlines\n")
    refused(suite, authorize(owner, uid=2), code=554, dsn="5.5.2")


def test_a_name_that_a_proxy_gave_opens_no_mailbox(instance):
    """XCLIENT LOGIN= is not the user's own proof, and authd was never asked."""
    instance.set("smtp.xclient_hosts", "127.0.0.1")
    instance.start()
    instance.add_user(HARRY, PASSWORD)
    raw = Raw(instance.port("submission"))
    raw.ehlo()
    assert raw.cmd(f"XCLIENT LOGIN={HARRY}").code == 220
    assert "BURL" in raw.ehlo().text.split("\n")
    assert raw.cmd(f"MAIL FROM:<{HARRY}>").code == 250 and raw.cmd(f"RCPT TO:<{HARRY}>").code == 250
    reply = raw.cmd("BURL imap://harry@h/INBOX/;UID=1;URLAUTH=authuser:internal:" + "0" * 40 + " LAST")
    assert (reply.code, reply.dsn) == (554, "5.7.8")
