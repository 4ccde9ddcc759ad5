"""imapd: greeting, STARTTLS, LOGIN and AUTHENTICATE."""
import base64

import pytest

from imap_suite import ALICE, BOB, imap, PASSWORD, PLAIN, suite
from imapclient import Imap
from instance import Instance, wait_for


def test_greeting_and_capabilities(suite):
    client = Imap(suite.port("imap"))
    assert client.greeting.startswith(b"* OK [CAPABILITY IMAP4rev1 ")
    capability = client.ok("CAPABILITY")[0].split()
    for name in (b"IMAP4rev1", b"STARTTLS", b"IDLE", b"UIDPLUS", b"MOVE", b"NAMESPACE", b"ID", b"ENABLE", b"UNSELECT",
                 b"CHILDREN", b"SPECIAL-USE", b"LIST-EXTENDED", b"LITERAL+", b"SASL-IR"):
        assert name in capability
    assert b"NTLM" not in b" ".join(capability)
    assert client.ok("LOGOUT") == [b"* BYE Logging out"]
    assert client.at_end()


def test_login_needs_tls_unless_configured(suite):
    strict = Instance()
    try:
        strict.setup()
        strict.set("system.banner", "Mail service")
        strict.start()
        strict.add_user(ALICE, PASSWORD)
        client = Imap(strict.port("imap"))
        assert b"LOGINDISABLED" in client.greeting and b"AUTH=PLAIN" not in client.greeting
        assert b"] Mail service ready" in client.greeting and b"Posthorn" not in client.greeting
        assert client.ok("ID NIL") == [b"* ID NIL"]
        client.no(f"LOGIN {ALICE} {PASSWORD}", b"[PRIVACYREQUIRED]")
        client.ok("STARTTLS")
        client.wrap()
        assert b"LOGINDISABLED" not in client.ok("CAPABILITY")[0]
        client.bad("STARTTLS")
        client.ok(f"LOGIN {ALICE} {PASSWORD}")
    finally:
        strict.close()


def test_starttls_discards_what_was_sent_before(suite):
    client = Imap(suite.port("imap"))
    client.send(b"a STARTTLS\r\nb LOGIN alice@d.test " + PASSWORD.encode() + b"\r\n")
    assert client.line().startswith(b"a OK")
    client.wrap()
    client.bad('LIST "" *')  # nobody is logged in
    wait_for(lambda: "event=starttls_injection" in suite.log("imap"), what="log")


def test_implicit_tls(suite):
    client = Imap(suite.port("imaps"), ALICE, tls=True)
    assert client.ok("SELECT INBOX")


def test_wrong_logins(suite):
    client = Imap(suite.port("imap"))
    client.no(f"LOGIN {BOB} wrong", b"[AUTHENTICATIONFAILED]")
    client.no("LOGIN nobody@d.test wrong", b"[AUTHENTICATIONFAILED]")
    client.bad("LOGIN onlyname")
    client.bad("SELECT INBOX")


def test_wrong_logins_run_out(suite):
    """imap.max_errors is 5 here."""
    client = Imap(suite.port("imap"))
    for _ in range(4):
        client.no(f"LOGIN {BOB} wrong", b"[AUTHENTICATIONFAILED]")
    untagged, tagged = client.command(f"LOGIN {BOB} wrong")
    assert untagged == [b"* BYE Too many failed logins"] and tagged.startswith(b"NO [AUTHENTICATIONFAILED]")
    assert client.sock.recv(100) == b""


@pytest.mark.parametrize("password", ["simple-one", 'quo"te\\d one', "blank in it", "umläut-one"])
def test_passwords_in_every_form_of_string(suite, password):
    suite.run("user", "passwd", "carol@d.test", "--password-stdin", stdin=password + "\n")
    raw = password.encode()
    for form in (b'"' + raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"', b"{%d+}\r\n%s" % (len(raw), raw)):
        client = Imap(suite.port("imap"))
        client.ok(b"LOGIN carol@d.test " + form)
        client.close()


def test_authenticate(suite):
    response = base64.b64encode(f"\0{BOB}\0{PASSWORD}".encode()).decode()
    client = Imap(suite.port("imap"))
    client.ok(f"AUTHENTICATE PLAIN {response}")  # RFC 4959
    client.close()
    client = Imap(suite.port("imap"))
    client.send("a AUTHENTICATE PLAIN\r\n")
    assert client.line().startswith(b"+ ")
    client.send("*\r\n")
    assert client.line().startswith(b"a BAD")
    client.send("b AUTHENTICATE PLAIN\r\n")
    assert client.line().startswith(b"+ ")
    client.send("!!!\r\n")
    assert client.line().startswith(b"b BAD")
    client.no("AUTHENTICATE NTLM")
    client.send("c AUTHENTICATE LOGIN\r\n")
    for answer in (BOB, PASSWORD):
        assert client.line().startswith(b"+ ")
        client.send(base64.b64encode(answer.encode()) + b"\r\n")
    assert client.line().startswith(b"c OK [CAPABILITY ")
