"""Users whose password somebody else knows: a directory, another mail server, PAM (AUT-05)."""
import imaplib
import itertools
import os
import pathlib
import poplib
import shutil
import smtplib
import socket
import ssl
import subprocess
import tempfile
import threading

import pytest

from directory import ADMIN, ADMIN_PASSWORD, Directory, free_port
from instance import Instance, wait_for
from pki import Authority

ANY_CERTIFICATE = ssl._create_unverified_context()
SERVICE = "posthorn-test"


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture(scope="module")
def directory(authority):
    directory = Directory(authority)
    yield directory
    directory.close()


@pytest.fixture(scope="module")
def suite(authority, directory):
    inst = Instance()
    inst.setup()
    authority.write(inst.root / "etc/ca.pem")
    inst.set("auth.external_ca", "ca.pem")
    inst.set("auth.external_timeout", "4s")
    inst.set("auth.external_workers", "4")
    inst.set("auth.failure_delay", "0")
    inst.set("auth.pam", "root")
    inst.start()
    yield inst
    inst.close()


def login(suite, user, password):
    """imap, for a refusal its text."""
    with imaplib.IMAP4_SSL("127.0.0.1", suite.port("imaps"), ssl_context=ANY_CERTIFICATE) as client:
        try:
            client.login(f'"{user}"', password)
        except imaplib.IMAP4.error as error:
            return str(error)
        return "in"


def domain(suite, name, method):
    """A domain with that method, all of whose users are external."""
    suite.run("domain", "add", name, f"external_auth={method}", "default_auth=external")


DOMAINS = itertools.count()


@pytest.fixture
def add(suite):
    def add(method, *names):
        name = f"x{next(DOMAINS)}.test"
        domain(suite, name, method)
        for user in names:
            suite.run("user", "add", f"{user}@{name}", "--no-password")
        return name
    return add


LAYOUTS = {
    "a name to bind with": ("ann", "ldaps://127.0.0.1:{tls_port}/uid=%n,ou=people,dc=corp,dc=test"),
    "StartTLS": ("ann", "ldap://127.0.0.1:{port}/uid=%n,ou=people,dc=corp,dc=test"),
    "a search": ("ann", "ldaps://127.0.0.1:{tls_port}/dc=corp,dc=test?uid=%n"),
    "Active Directory": ("bob", "ldap://127.0.0.1:{port}/dc=corp,dc=test?sAMAccountName=%n"),
    "a principal": ("bob", "ldaps://127.0.0.1:{tls_port}/dc=corp,dc=test?userPrincipalName=%n@corp.test"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_directories(suite, directory, add, layout):
    name, method = LAYOUTS[layout]
    where = add(method.format(port=directory.port, tls_port=directory.tls_port), name, "nobody", "*")
    assert login(suite, f"{name}@{where}", f"{name}-secret") == "in"
    for user, password in ((name, "wrong"), ("nobody", f"{name}-secret"), ("*", f"{name}-secret")):
        assert "AUTHENTICATIONFAILED" in login(suite, f"{user}@{where}", password)
    assert "AUTHENTICATIONFAILED" in login(suite, f"unknown@{where}", f"{name}-secret")


def test_every_service_and_codes_beside(suite, directory, add):
    where = add(f"ldap://127.0.0.1:{directory.port}/uid=%n,ou=people,dc=corp,dc=test", "ann")
    user = f"ann@{where}"
    with smtplib.SMTP_SSL("127.0.0.1", suite.port("smtps"), context=ANY_CERTIFICATE) as client:
        client.login(user, "ann-secret")
    client = poplib.POP3_SSL("127.0.0.1", suite.port("pop3s"), context=ANY_CERTIFICATE)
    client.user(user)
    client.pass_("ann-secret")
    client.quit()
    code = suite.json("user", "code", "create", user)["code"]
    assert login(suite, user, code) == "in"
    suite.run("domain", "set", where, "mail_password=no")
    assert "AUTHENTICATIONFAILED" in login(suite, user, "ann-secret") and login(suite, user, code) == "in"


def test_two_entries_are_no_user(suite, directory, add):
    where = add(f"ldap://127.0.0.1:{directory.port}/dc=corp,dc=test?mail=%n@corp.test", "twin")
    assert "UNAVAILABLE" in login(suite, f"twin@{where}", "twin-secret")
    suite.wait_log("auth", "more than one entry is the user's")


def test_a_password_kept_elsewhere_is_changed_there(suite, add):
    where = add("ldap://127.0.0.1/uid=%n", "ann")
    done = suite.run("user", "passwd", f"ann@{where}", "--password-stdin", stdin="another-one\n", check=False)
    assert done.returncode != 0 and "kept elsewhere" in done.err
    suite.run("user", "set", f"ann@{where}", "auth=internal")
    suite.run("user", "passwd", f"ann@{where}", "--password-stdin", stdin="another-one\n")
    assert login(suite, f"ann@{where}", "another-one") == "in"


def test_an_outage_is_no_wrong_password(suite, directory, add):
    where = add(f"ldap://127.0.0.1:{directory.port}/uid=%n,ou=people,dc=corp,dc=test", "ann")
    directory.stop()
    assert "UNAVAILABLE" in login(suite, f"ann@{where}", "ann-secret")
    directory.start()
    assert login(suite, f"ann@{where}", "ann-secret") == "in"
    nowhere = add("", "eve")
    assert "UNAVAILABLE" in login(suite, f"eve@{nowhere}", "x")


def test_a_certificate_that_is_not_the_hosts(suite, add):
    other = Directory(Authority("Somebody else"))
    try:
        where = add(f"ldaps://127.0.0.1:{other.tls_port}/uid=%n,ou=people,dc=corp,dc=test", "ann")
        assert "UNAVAILABLE" in login(suite, f"ann@{where}", "ann-secret")
        suite.wait_log("auth", "certificate")
    finally:
        other.close()


def test_who_may_search(authority):
    """A directory that lets nobody anonymous search: authd has an account of its own there."""
    directory = Directory(authority, readers=f'dn.exact="{ADMIN}"')
    inst = Instance()
    try:
        inst.setup()
        authority.write(inst.root / "etc/ca.pem")
        inst.set("auth.external_ca", "ca.pem")
        inst.start()
        domain(inst, "corp.test", f"ldaps://127.0.0.1:{directory.tls_port}/dc=corp,dc=test?mail")
        inst.run("user", "add", "ann@corp.test", "--no-password")
        assert login(inst, "ann@corp.test", "ann-secret") != "in"
        accounts = inst.root / "etc/outside.accounts"
        accounts.write_text(f"# of the test\n127.0.0.1 {ADMIN} {ADMIN_PASSWORD}\n")
        accounts.chmod(0o644)
        assert "chmod 600" in inst.run("reload", check=False).err + inst.log("master")
        accounts.chmod(0o600)
        inst.run("reload")
        wait_for(lambda: login(inst, "ann@corp.test", "ann-secret") == "in", what="the account")
        assert ADMIN_PASSWORD not in inst.log("auth") and "ann-secret" not in inst.log("auth")
    finally:
        inst.close()
        directory.close()


@pytest.fixture(scope="module")
def server(authority):
    """Our own suite as the mail server elsewhere."""
    inst = Instance(domain="far.test", hostname="mail.far.test")
    inst.setup()
    authority.write_pair(inst.root / "etc/far.pem", inst.root / "etc/far.key", "127.0.0.1")
    inst.set("tls.certificate", "far.pem")
    inst.set("tls.key", "far.key")
    inst.set("auth.failure_delay", "0")
    inst.start()
    inst.add_user("ann@far.test", "far-secret")
    yield inst
    inst.close()


@pytest.mark.parametrize("scheme,label", [("imap", "imap"), ("imaps", "imaps"), ("pop3", "pop3"), ("pop3s", "pop3s"),
                                          ("smtp", "submission"), ("smtps", "smtps")])
def test_mail_servers(suite, server, add, scheme, label):
    where = add(f"{scheme}://127.0.0.1:{server.port(label)}/%n@far.test", "ann")
    assert login(suite, f"ann@{where}", "far-secret") == "in"
    assert "AUTHENTICATIONFAILED" in login(suite, f"ann@{where}", "wrong")


def dovecot(root, authority, port, pop3_port):
    root.chmod(0o755)
    authority.write_pair(root / "cert", root / "key", "127.0.0.1")
    (root / "users").write_text("ann:{PLAIN}dove-secret:65534:65534::/tmp/nowhere\n")
    (root / "conf").write_text(f"""base_dir = {root}/run
log_path = {root}/log
protocols = imap pop3
ssl = required
ssl_cert = <{root}/cert
ssl_key = <{root}/key
default_login_user = nobody
default_internal_user = nobody
default_internal_group = nogroup
mail_location = maildir:{root}/mail
first_valid_uid = 1
listen = 127.0.0.1
passdb {{
  driver = passwd-file
  args = {root}/users
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={root}/home
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {pop3_port}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
""")
    (root / "home").mkdir(mode=0o777)
    (root / "mail").mkdir()
    (root / "mail").chmod(0o777)
    return subprocess.Popen(["/usr/sbin/dovecot", "-F", "-c", root / "conf"], stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


def test_dovecot(suite, authority, add):
    root = pathlib.Path(tempfile.mkdtemp(prefix="posthorn-dovecot-"))
    port, pop3_port = free_port(), free_port()
    process = dovecot(root, authority, port, pop3_port)

    def answers():
        try:
            socket.create_connection(("127.0.0.1", pop3_port), timeout=5).close()
            return True
        except OSError:
            return False
    try:
        wait_for(answers, 20, "Dovecot")
        for scheme, where in (("imap", port), ("pop3", pop3_port)):
            name = add(f"{scheme}://127.0.0.1:{where}/%n", "ann")
            wait_for(lambda name=name: login(suite, f"ann@{name}", "dove-secret") == "in", 60, "Dovecot's login")
            assert "AUTHENTICATIONFAILED" in login(suite, f"ann@{name}", "wrong")
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(root)


@pytest.fixture
def pam():
    """A service of PAM of the test's own, and its users, which root alone may read."""
    place = pathlib.Path(tempfile.mkdtemp(prefix="posthorn-pam-", dir="/var/tmp"))
    base = place / "users"
    subprocess.run(["db5.3_load", "-T", "-t", "hash", f"{base}.db"], input=b"ann\npam-secret\n", check=True)
    os.chmod(f"{base}.db", 0o600)
    service = pathlib.Path("/etc/pam.d") / SERVICE
    service.write_text(f"auth required pam_userdb.so db={base} crypt=none\n"
                       f"account required pam_userdb.so db={base} crypt=none\n")
    yield SERVICE
    service.unlink()
    shutil.rmtree(place)


def test_pam(suite, add, pam):
    where = add(f"pam:{pam}", "ann", "bob")
    assert login(suite, f"ann@{where}", "pam-secret") == "in"
    for user, password in (("ann", "wrong"), ("bob", "pam-secret")):
        assert "AUTHENTICATIONFAILED" in login(suite, f"{user}@{where}", password)


def test_the_processes_have_the_rights_that_they_need(suite):
    """Who talks to the network is not root; who loads modules is, without a capability."""
    root, others = [], []
    for pid, command in suite.processes().items():
        if "authd" in command:
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            lines = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
            (root if lines["Uid"].split()[1] == "0" else others).append(int(lines["CapEff"], 16))
    assert len(root) == 5 and len(others) > 5  # four workers of PAM and their keeper
    assert not any(root) and not any(others)


class Hanging:
    """Takes connections and says nothing."""

    def __init__(self):
        self.sock = socket.socket()
        self.sock.bind(("127.0.0.1", 0))
        self.sock.listen(64)
        self.port = self.sock.getsockname()[1]

    def close(self):
        self.sock.close()


def test_a_directory_that_hangs_holds_up_its_own_users_alone(suite, directory, add):
    hanging = Hanging()
    stuck = add(f"ldaps://127.0.0.1:{hanging.port}/uid=%n", "ann")
    where = add(f"ldap://127.0.0.1:{directory.port}/uid=%n,ou=people,dc=corp,dc=test", "ann")
    inside = f"in{next(DOMAINS)}.test"
    suite.run("domain", "add", inside)
    suite.add_user(f"ann@{inside}", "inside-secret")
    results = []
    threads = [threading.Thread(target=lambda: results.append(login(suite, f"ann@{stuck}", "x"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    wait_for(lambda: connections(hanging.port) > 0, what="a question that hangs")
    for _ in range(5):
        assert login(suite, f"ann@{where}", "ann-secret") == "in"
        assert login(suite, f"ann@{inside}", "inside-secret") == "in"
    assert not results  # all that while nobody of the stuck ones had an answer, and none was needed
    for thread in threads:
        thread.join(60)
    assert len(results) == 3 and all("UNAVAILABLE" in result for result in results)
    hanging.close()


def connections(port):
    return subprocess.run(["ss", "-Htn", "state", "established", f"( dport = :{port} )"], capture_output=True,
                          check=True).stdout.count(b"\n")
