"""From which addresses a user may use a service: smtp_access, imap_access, pop3_access, ldap_access (DIR-32)."""
import base64
import itertools
import socket
import subprocess

import pytest

from conftest import PASSWORD
from instance import Instance, wait_for

HERE, THERE = "127.0.0.1", "127.0.0.2"  # where the client comes from
DOMAINS = itertools.count()


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    try:
        inst.setup()
        inst.set("auth.plain_on_loopback", "yes")
        inst.set("auth.failure_delay", "0")
        inst.start()
        yield inst
    finally:
        inst.close()


@pytest.fixture
def user(suite):
    domain = f"a{next(DOMAINS)}.test"
    suite.run("domain", "add", domain)
    suite.add_user(f"user@{domain}", PASSWORD)
    return f"user@{domain}"


class Client:
    """One that has tried to log in; `answer` is what it was told."""

    def __init__(self, suite, service, user, source=HERE, password=PASSWORD):
        port = suite.port("smtp" if service == "smtp" else service)
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=30, source_address=(source, 0))
        self.file = self.sock.makefile("rb")
        self.file.readline()
        if service == "imap":
            self.answer = self.say(f"a LOGIN {user} {password}")
            while self.answer.startswith("* "):
                self.answer = self.line()
        elif service == "pop3":
            self.say(f"USER {user}")
            self.answer = self.say(f"PASS {password}")
        else:
            self.say("EHLO c.test")
            while self.line().startswith("250-"):
                pass
            self.answer = self.say("AUTH PLAIN " + base64.b64encode(f"\0{user}\0{password}".encode()).decode())
        self.good = self.answer.startswith(("a OK", "+OK", "235"))

    def line(self):
        return self.file.readline().decode()

    def say(self, text):
        self.sock.sendall(text.encode() + b"\r\n")
        return self.line()

    def ended(self):
        self.sock.settimeout(30)
        return self.file.read() is not None

    def close(self):
        self.file.close()
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def login(*args, **kwargs):
    with Client(*args, **kwargs) as client:
        return client.good


@pytest.mark.parametrize("service", ["smtp", "imap", "pop3"])
def test_a_list_holds_for_its_service_alone(suite, user, service):
    others = {"smtp", "imap", "pop3"} - {service}
    suite.run("user", "set", user, f"{service}_access=allow 192.0.2.0/24; {THERE}")
    assert login(suite, service, user, THERE)
    with Client(suite, service, user) as refused, Client(suite, service, user, password="wrong") as wrong:
        assert not refused.good and refused.answer == wrong.answer  # the right password is not told from it
    assert all(login(suite, other, user) for other in others)
    suite.run("user", "set", user, f"{service}_access=deny {HERE}")
    assert login(suite, service, user, THERE) and not login(suite, service, user)
    assert "refused by the user's access list" in suite.log("auth")
    suite.run("user", "set", user, f"{service}_access=none")
    assert login(suite, service, user)


@pytest.mark.parametrize("service", ["smtp", "imap", "pop3"])
def test_a_running_session_ends_when_the_list_takes_its_address_no_more(suite, user, service):
    with Client(suite, service, user) as here, Client(suite, service, user, THERE) as there:
        assert here.good and there.good
        suite.run("user", "set", user, f"{service}_access=deny {HERE}")
        assert here.ended()
        there.sock.sendall(b"a NOOP\r\n" if service == "imap" else b"NOOP\r\n")
        assert there.line()


def test_codes_and_scram_are_judged_alike(suite, user):
    code = suite.json("user", "code", "create", user)["code"]

    def scram():
        done = subprocess.run(["gsasl", "--imap", "--connect", f"127.0.0.1:{suite.port('imap')}", "-m", "SCRAM-SHA-256",
                               "-a", user, "-p", PASSWORD, "--x509-ca-file=", "--no-cb"],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        return done.returncode == 0

    assert scram() and login(suite, "imap", user, password=code)
    suite.run("user", "set", user, f"imap_access=deny {HERE}")
    assert not scram() and not login(suite, "imap", user, password=code)


def test_ldap_has_a_list_of_its_own(suite, user):
    def bind():
        done = subprocess.run(["ldapwhoami", "-H", f"ldap://127.0.0.1:{suite.port('ldap')}", "-ZZ", "-x", "-D", user,
                               "-w", PASSWORD], env={"LDAPTLS_REQCERT": "allow", "PATH": "/usr/bin"},
                              capture_output=True, timeout=60)
        return done.returncode

    assert bind() == 0
    suite.run("user", "set", user, f"ldap_access=allow {THERE}")
    assert bind() == 49  # invalid credentials (RFC 4511 appendix A)


def test_new_mailboxes_take_the_lists_of_their_domain(suite, user):
    domain = user.split("@")[1]
    suite.run("domain", "set", domain, f"default_imap_access=allow {THERE}")
    suite.add_user(f"new@{domain}", PASSWORD)
    assert login(suite, "imap", user)  # who was there keeps what he has
    assert not login(suite, "imap", f"new@{domain}") and login(suite, "imap", f"new@{domain}", THERE)


@pytest.mark.parametrize("bad", ["allow", "192.0.2.7", "deny 192.0.2.7/24", "allow mail.test"])
def test_what_is_no_list_is_refused(suite, user, bad):
    done = suite.run("user", "set", user, f"imap_access={bad}", check=False)
    assert done.returncode != 0 and "imap_access" in done.err
    assert wait_for(lambda: login(suite, "imap", user))
