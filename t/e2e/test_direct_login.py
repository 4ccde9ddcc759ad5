"""Direct login (DIR-10, AUT-01): who connects to a domain's address, or asks for its host name, is of that domain."""
import base64
import contextlib
import socket
import ssl

import pytest

from instance import Instance, wait_for

ANY_CERTIFICATE = ssl._create_unverified_context()
PASSWORDS = {"d.test": "secret-of-d", "e.test": "secret-of-e", "f.test": "secret-of-f"}
OURS, OF_E = "127.0.0.1", "127.0.0.5"
IMAPS, POP3S, SMTPS = "imaps", "pop3s", "smtps"


@pytest.fixture(scope="module")
def inst():
    inst = Instance()
    inst.setup()
    for name, value in (("system.bind", f"{OURS} {OF_E}"), ("auth.failure_delay", "0"), ("auth.yescrypt_cost", "1"),
                        ("guess.failures_per_user", "0")):
        inst.set(name, value)
    inst.run("domain", "add", "e.test", f"login_ip={OF_E};2001:DB8:0::5")
    inst.run("domain", "add", "f.test", "login_host=Mail.F.test pop.f.test")
    inst.start()
    for domain, password in PASSWORDS.items():
        inst.add_user(f"alice@{domain}", password)
    yield inst
    inst.close()


@contextlib.contextmanager
def connection(inst, label, address, host):
    with socket.create_connection((address, inst.port(label)), timeout=30) as plain, \
            ANY_CERTIFICATE.wrap_socket(plain, server_hostname=host) as sock, sock.makefile("rwb") as file:
        file.readline()

        def ask(line):
            file.write(line.encode() + b"\r\n")
            file.flush()
            while (answer := file.readline().decode())[3:4] == "-" or answer.startswith("* "):
                pass
            return answer
        yield ask


def imap(ask, name, password):
    return ask(f"a LOGIN {name} {password}").startswith("a OK")


def imap_plain(ask, name, password):
    return ask("a AUTHENTICATE PLAIN " + base64.b64encode(f"\0{name}\0{password}".encode()).decode()).startswith("a OK")


def pop3(ask, name, password):
    ask(f"USER {name}")
    return ask(f"PASS {password}").startswith("+OK")


def smtp(ask, name, password):
    ask("EHLO x.test")
    return ask("AUTH PLAIN " + base64.b64encode(f"\0{name}\0{password}".encode()).decode()).startswith("235")


WAYS = [(IMAPS, imap), (IMAPS, imap_plain), (POP3S, pop3), (SMTPS, smtp)]


def domain_of(inst, way, address, host=None, name="alice"):
    """The domain whose alice this is, by whose password is right."""
    label, login = way
    right = []
    for domain, password in PASSWORDS.items():
        with connection(inst, label, address, host) as ask:
            if login(ask, name, password):
                right.append(domain)
    assert len(right) == 1, right
    return right[0]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way[1].__name__)
def test_a_bare_name_is_of_the_domain_that_the_client_connected_to(inst, way):
    assert domain_of(inst, way, OURS) == "d.test", "the primary one"
    assert domain_of(inst, way, OF_E) == "e.test"
    assert domain_of(inst, way, OURS, "MAIL.f.test") == "f.test"
    assert domain_of(inst, way, OF_E, "pop.f.test") == "f.test", "the name says more than the address"
    assert domain_of(inst, way, OF_E, "else.test") == "e.test"
    assert domain_of(inst, way, OF_E, "mail.f.test", "alice@d.test") == "d.test", "a whole address is what it is"


def test_changes_hold_at_once(inst):
    way = WAYS[0]
    inst.run("domain", "set", "f.test", "login_host=pop.f.test")
    assert domain_of(inst, way, OURS, "mail.f.test") == "d.test"
    inst.run("domain", "set", "d.test", "login_host=mail.f.test")
    inst.run("domain", "set", "d.test", "login_host=")
    inst.run("domain", "set", "f.test", "login_host=mail.f.test;pop.f.test")
    assert domain_of(inst, way, OURS, "mail.f.test") == "f.test"


def test_a_renamed_domain_keeps_its_host_name(inst):
    inst.run("domain", "add", "old.test", "login_host=mail.old.test")
    inst.add_user("alice@old.test", "secret-of-old")
    inst.run("domain", "rename", "old.test", "new.test")
    with connection(inst, IMAPS, OURS, "mail.old.test") as ask:
        assert imap(ask, "alice", "secret-of-old")
    assert inst.json("domain", "show", "new.test")["login_host"] == ["mail.old.test"]


@pytest.mark.parametrize("value, reason", [
    (f"login_ip={OF_E}", f"login_ip: {OF_E} leads to e.test already"),
    ("login_ip=2001:db8::5", "2001:db8::5 leads to e.test already"),
    ("login_host=POP.f.test", "login_host: pop.f.test leads to f.test already"),
    ("login_ip=127.0.0.0/8", "login_ip: expected IP addresses, not '127.0.0.0/8'"),
    ("login_ip=mail.d.test", "expected IP addresses"),
    ("login_host=192.0.2.1", "login_host: expected host names, not '192.0.2.1'"),
    ("login_host=a b c d e f g h i", "at most 8"),
])
def test_what_leads_nowhere_or_elsewhere_is_refused(inst, value, reason):
    done = inst.run("domain", "set", "d.test", value, check=False)
    assert done.returncode == 1 and reason in done.err
    shown = inst.json("domain", "show", "d.test")
    assert not shown["login_ip"] and not shown["login_host"]


def test_a_domain_that_is_gone_leads_nowhere_and_exports_keep_it(inst):
    inst.run("domain", "add", "g.test", "login_host=g.mail.test")
    inst.run("domain", "del", "g.test")
    exported = inst.run("export").out
    assert "login_host mail.f.test pop.f.test" in exported and f"login_ip {OF_E} 2001:db8::5" in exported
    assert domain_of(inst, WAYS[0], OURS, "g.mail.test") == "d.test"
    inst.run("domain", "set", "e.test", "login_host=g.mail.test")
    assert domain_of(inst, WAYS[0], OURS, "g.mail.test") == "e.test"
    inst.run("import", "--replace", stdin=exported)
    wait_for(lambda: domain_of(inst, WAYS[0], OF_E) == "e.test", 30)
    assert domain_of(inst, WAYS[0], OURS, "g.mail.test") == "d.test"
