"""Authorization codes: mail programs log in with them, in place of the password (AUT-06)."""
import imaplib
import itertools
import poplib
import smtplib
import ssl
import subprocess

import pytest

from conftest import PASSWORD
from imapclient import Imap
from instance import wait_for

ANY_CERTIFICATE = ssl._create_unverified_context()
ALICE = "alice@d.test"
DOMAINS = itertools.count()


def imap_login(suite, user, password):
    with imaplib.IMAP4_SSL("127.0.0.1", suite.port("imaps"), ssl_context=ANY_CERTIFICATE) as client:
        try:
            client.login(user, password)
        except imaplib.IMAP4.error:
            return False
        return True


def smtp_login(suite, user, password, mechanism=None):
    with smtplib.SMTP_SSL("127.0.0.1", suite.port("smtps"), context=ANY_CERTIFICATE) as client:
        client.ehlo()
        if mechanism:
            client.esmtp_features["auth"] = mechanism
        try:
            client.login(user, password)
        except smtplib.SMTPAuthenticationError:
            return False
        return True


def pop3_login(suite, user, password):
    client = poplib.POP3_SSL("127.0.0.1", suite.port("pop3s"), context=ANY_CERTIFICATE)
    try:
        client.user(user)
        client.pass_(password)
        client.quit()
    except poplib.error_proto:
        client.close()
        return False
    return True


def gsasl(suite, mechanism, user, password):
    options = [] if mechanism.endswith("PLUS") else ["--no-cb"]
    done = subprocess.run(["gsasl", "--imap", "--connect", f"127.0.0.1:{suite.port('imap')}", "-m", mechanism,
                           "-a", user, "-p", password, "--x509-ca-file=", *options],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    return done.returncode == 0


def create(suite, user, *scope):
    return suite.json("user", "code", "create", user, *scope)


def listed(suite, user):
    return suite.json("user", "code", "list", user)


@pytest.fixture
def user(suite):
    """Of a domain of its own, whose settings the test may change."""
    domain = f"c{next(DOMAINS)}.test"
    suite.run("domain", "add", domain)
    suite.add_user(f"user@{domain}", PASSWORD)
    return f"user@{domain}"


def test_a_code_works_beside_the_password_in_every_service(suite, user):
    code = create(suite, user)["code"]
    for login in (imap_login, smtp_login, pop3_login):
        assert login(suite, user, code)
        assert login(suite, user, PASSWORD)
        assert not login(suite, user, code[:-1] + ("a" if code[-1] != "a" else "b"))
        assert not login(suite, ALICE, code)
    assert smtp_login(suite, user, code, "LOGIN")
    assert imap_login(suite, user, code.upper().replace("-", ""))


def test_the_password_can_be_for_webmail_only(suite, user):
    suite.run("domain", "set", user.split("@")[1], "mail_password=no")
    for login in (imap_login, smtp_login, pop3_login):
        assert not login(suite, user, PASSWORD)
    assert not gsasl(suite, "SCRAM-SHA-256", user, PASSWORD)
    code = create(suite, user)["code"]
    for login in (imap_login, smtp_login, pop3_login):
        assert login(suite, user, code)
        assert not login(suite, user, PASSWORD)
    suite.run("domain", "set", user.split("@")[1], "mail_password=yes")
    assert imap_login(suite, user, PASSWORD)


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"])
def test_scram_takes_each_code_and_the_password(suite, user, mechanism):
    """GNU SASL's client also checks that the server knows the secret."""
    codes = [create(suite, user)["code"] for _ in range(3)]
    for secret in (*codes, PASSWORD):
        assert gsasl(suite, mechanism, user, secret)
    assert not gsasl(suite, mechanism, user, codes[0][:-1] + "7" if codes[0][-1] != "7" else "a")
    suite.run("domain", "set", user.split("@")[1], "mail_password=no")
    assert not gsasl(suite, mechanism, user, PASSWORD)
    for secret in codes:
        assert gsasl(suite, mechanism, user, secret)
    suite.run("user", "passwd", user, "--password-stdin", stdin="another-one\n")
    assert gsasl(suite, mechanism, user, create(suite, user)["code"]) and gsasl(suite, mechanism, user, codes[0])


def test_scope(suite, user):
    here = create(suite, user, "services=imap", "addresses=127.0.0.0/8;::1")["code"]
    assert imap_login(suite, user, here)
    assert not smtp_login(suite, user, here) and not pop3_login(suite, user, here)
    assert not gsasl(suite, "SCRAM-SHA-256", user, create(suite, user, "services=smtp")["code"])
    for scope in ("addresses=192.0.2.0/24", "expires=2020-01-01"):
        assert not imap_login(suite, user, create(suite, user, scope)["code"])
    suite.wait_log("auth", "code is not for this service, address or day")
    nowhere = suite.run("user", "code", "create", user, "services=", check=False)
    assert nowhere.returncode != 0 and "cannot be empty" in nowhere.err, nowhere.err
    assert imap_login(suite, user, create(suite, user, "expires=2099-01-01")["code"])


def test_the_list_tells_of_use_and_of_no_secret(suite, user):
    made = create(suite, user, "description=my telephone")
    assert imap_login(suite, user, made["code"])
    wait_for(lambda: listed(suite, user)[0]["last_used_from"] == "127.0.0.1", what="the use")
    (code,) = listed(suite, user)
    assert code["id"] == made["id"] and code["description"] == "my telephone"
    assert code["services"] == ["smtp", "imap", "pop3"] and code["last_used"] >= code["created"]
    shown = suite.run("user", "code", "list").out
    assert made["id"] in shown and made["code"] not in shown and "SHA256" not in shown
    assert made["code"] not in suite.run("export").out
    suite.wait_log("auth", f"code={made['id']}")
    assert made["code"] not in suite.log("auth") + suite.log("account")


def test_revoking_ends_the_sessions_that_used_it(suite, user):
    kept, gone = create(suite, user), create(suite, user)
    clients = {}
    for name, secret in (("kept", kept["code"]), ("gone", gone["code"]), ("password", PASSWORD)):
        clients[name] = Imap(suite.port("imaps"), user, secret, tls=True)
    suite.run("user", "code", "revoke", user, gone["id"])
    lines = []
    while (line := clients["gone"].line()):
        lines.append(line)
    assert lines[-1].startswith(b"* BYE [NOPERM]")
    assert not imap_login(suite, user, gone["code"])
    for name in ("kept", "password"):
        assert clients[name].ok("NOOP") is not None
    suite.run("domain", "set", user.split("@")[1], "mail_password=no")
    while clients["password"].line():
        pass
    assert clients["kept"].ok("NOOP") is not None
    for client in clients.values():
        client.close()


def test_revoking_ends_an_smtp_session_too(suite, user):
    made = create(suite, user)
    client = smtplib.SMTP_SSL("127.0.0.1", suite.port("smtps"), context=ANY_CERTIFICATE, timeout=20)
    client.login(user, made["code"])
    assert client.noop()[0] == 250
    suite.run("user", "code", "revoke", user, made["id"])
    assert client.file.readline().startswith(b"421") or client.file.readline() == b""
    client.close()


def test_mistakes_get_their_own_message(suite, user):
    for words, message in ((("create", "nobody@d.test"), "no such mailbox"),
                           (("create", user, "services=http"), "expected smtp, imap or pop3"),
                           (("create", user, "addresses=here"), "expected an IP address or network"),
                           (("create", user, "colour=red"), "there is no property"),
                           (("revoke", user, "nocode"), "has no code"),
                           (("destroy", user), "expected create, list or revoke")):
        done = suite.run("user", "code", *words, check=False)
        assert done.returncode != 0 and message in done.err, done.err
