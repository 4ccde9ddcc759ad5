"""The list of certificates: requests, self-signed ones, imports with their checks, activation, choice by host name."""
import datetime
import imaplib
import os
import pathlib
import smtplib
import socket
import ssl
import stat
import subprocess
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from conftest import PASSWORD
from instance import Instance

INSECURE = ssl._create_unverified_context()
DAY = datetime.timedelta(days=1)
PEM = serialization.Encoding.PEM


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    inst.start()
    inst.add_user("alice@d.test", PASSWORD)
    yield inst
    inst.close()


@pytest.fixture
def stopped():
    inst = Instance()
    inst.setup()
    yield inst
    inst.close()


class Signer:
    """An authority, or one below another."""

    def __init__(self, name, above=None, can_sign=True):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.cert = (above or self).sign(self.name, self.key.public_key(), None, can_sign)

    def sign(self, subject, public, hosts, can_sign=False, start=-DAY, end=9 * DAY):
        now = datetime.datetime.utcnow()
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(public)
                   .serial_number(x509.random_serial_number()).not_valid_before(now + start).not_valid_after(now + end)
                   .add_extension(x509.BasicConstraints(can_sign, None), True))
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(h) for h in hosts]), False)
        return builder.sign(self.key, hashes.SHA256())

    def server(self, *hosts, **times):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a server")])
        return self.sign(subject, key.public_key(), hosts, **times), key


ROOT = Signer("Root of the test")
MIDDLE = Signer("Middle of the test", ROOT)


def pem(*certs):
    return b"".join(c.public_bytes(PEM) for c in certs)


def key_pem(key):
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def import_files(inst, tmp_path, name, chain, key, check=True):
    (tmp_path / "chain").write_bytes(chain)
    (tmp_path / "key").write_bytes(key)
    return inst.run("cert", "import", name, "--certificate", tmp_path / "chain", "--key", tmp_path / "key", check=check)


def rows(inst):
    return {row["name"]: row for row in inst.json("cert", "list")}


def presented(inst, label, host=None):
    """The serial number of what the service shows to who asks for that name."""
    with socket.create_connection(("127.0.0.1", inst.port(label)), timeout=10) as plain:
        if label in ("smtp", "imap", "pop3"):
            file = plain.makefile("rwb")
            file.readline()
            if label == "smtp":
                file.write(b"EHLO c.test\r\n")
                file.flush()
                while not file.readline().startswith(b"250 "):
                    pass
            file.write({"smtp": b"STARTTLS\r\n", "imap": b"a STARTTLS\r\n", "pop3": b"STLS\r\n"}[label])
            file.flush()
            assert file.readline().split()[0] in (b"220", b"a", b"+OK")
        with INSECURE.wrap_socket(plain, server_hostname=host) as tls:
            return x509.load_der_x509_certificate(tls.getpeercert(True)).serial_number


def listing(inst):
    return {path.name: path.read_bytes() for path in (inst.root / "etc/certs").glob("[a-z]*.*")}


# -- making --

def test_setup_leaves_one_certificate_that_is_active(stopped):
    row, = stopped.json("cert", "list")
    assert row["state"] == "active" and row["type"] == "certificate" and row["hosts"] == ["mail.d.test", "d.test"]
    assert row["name"] == "cert.pem" and row["days"] in (3649, 3650)
    assert stopped.json("cert", "show", "cert.pem")["sha256"].count(":") == 31


@pytest.mark.parametrize("type_", ["rsa2048", "p384", "ed25519"])
def test_a_request_is_what_was_asked_for(stopped, type_):
    out = stopped.run("cert", "request", "mail.d.test", "*.d.test", "--key", type_, "--country", "DE", "--state", "Berlin",
                      "--city", "Berlin", "--organisation", "Some Example", "--unit", "Mail").out
    request = x509.load_pem_x509_csr(out.encode())
    assert request.is_signature_valid
    hosts = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    assert hosts == ["mail.d.test", "*.d.test"]
    assert request.subject.rfc4514_string() == "CN=mail.d.test,OU=Mail,O=Some Example,L=Berlin,ST=Berlin,C=DE"
    key = stopped.root / "etc/certs/mail.d.test.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    own = serialization.load_pem_private_key(key.read_bytes(), None).public_key()
    raw = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    assert own.public_bytes(*raw) == request.public_key().public_bytes(*raw)
    assert rows(stopped)["mail.d.test"]["type"] == "request"
    assert stopped.run("cert", "export", "mail.d.test", "--request").out == out


def test_what_cannot_be_made_is_refused_with_its_reason(stopped):
    before = listing(stopped)
    for args, reason in ((("a b",), "'a b' is no host name"), (("x.test", "--days", "0"), "--days 0"),
                         (("x.test", "--key", "rsa512"), "--key rsa512: expected rsa2048"),
                         (("x.test", "--country", "Germany"), "'Germany' can't be the C"),
                         (("x.test", "--name", "../x"), "expected a name of a-z"),
                         (("x.test", "--name", "cert.pem"), "expected a name"),
                         (("An authority", "--authority"), "needs --name")):
        done = stopped.run("cert", "self-signed", *args, check=False)
        assert done.returncode != 0 and reason in done.err, (args, done.err)
    assert listing(stopped) == before
    stopped.run("cert", "self-signed", "x.test")
    assert "is in the list already" in stopped.run("cert", "self-signed", "x.test", check=False).err


def test_another_host_name_than_the_servers_is_pointed_out(stopped):
    assert "mail.d.test, the name of this server" in stopped.run("cert", "self-signed", "other.test").err
    assert stopped.run("cert", "self-signed", "*.d.test").err == ""
    stopped.run("cert", "self-signed", "An authority", "--authority", "--name", "ca")
    assert rows(stopped)["ca"]["type"] == "authority"


# -- import --

def test_import_of_a_pair_and_of_an_answer_to_a_request(stopped, tmp_path):
    cert, key = ROOT.server("mail.d.test")
    import_files(stopped, tmp_path, "pair", pem(cert, ROOT.cert), key_pem(key))
    row = rows(stopped)["pair"]
    assert row["state"] == "inactive" and row["chain"] == 2 and row["issuer"] == "CN=Root of the test"
    assert stat.S_IMODE((stopped.root / "etc/certs/pair.key").stat().st_mode) == 0o600
    request = x509.load_pem_x509_csr(stopped.run("cert", "request", "mail.d.test", "--name", "asked").out.encode())
    answer = MIDDLE.sign(request.subject, request.public_key(), ["mail.d.test"])
    (tmp_path / "answer").write_bytes(b"Text before it\n" + pem(answer, MIDDLE.cert, ROOT.cert))
    stopped.run("cert", "import", "asked", "--certificate", tmp_path / "answer")
    assert rows(stopped)["asked"]["type"] == "certificate"
    assert stopped.run("cert", "export", "asked").out.count("BEGIN CERTIFICATE") == 3
    stopped.run("cert", "export", "asked", "--der", "--to", tmp_path / "client.cer")
    assert x509.load_der_x509_certificate((tmp_path / "client.cer").read_bytes()) == answer
    stopped.run("cert", "export", "asked", "--key", "--to", tmp_path / "secret")
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def damaged(cert):
    lines = pem(cert).splitlines(True)
    return b"".join(lines[:3] + [b"!!!\n"] + lines[4:])


@pytest.mark.parametrize("what,reason", [
    ("order", "certificate 1 is not signed by certificate 2: the order is wrong, certificate 3 has signed it"),
    ("gap", "certificate 1 is not signed by certificate 2"),
    ("forged", "certificate 1 is not signed by certificate 2"),
    ("expired", "certificate 1 (CN=a server) has expired"),
    ("early", "certificate 1 (CN=a server) is not valid yet"),
    ("key", "the private key does not belong to certificate 1"),
    ("nokey", "holds no private key in PEM form"),
    ("encrypted", "holds no private key in PEM form (without a password)"),
    ("no names", "certificate 1 has no DNS name"),
    ("authority first", "certificate 1 is an authority's; the server's comes first"),
    ("no authority", "certificate 2 is no authority's"),
    ("empty", "holds no certificate in PEM form"),
    ("damaged", "certificate 2, from line"),
])
def test_a_bad_import_is_named_and_changes_nothing(stopped, tmp_path, what, reason):
    times = {"expired": {"start": -3 * DAY, "end": -DAY}, "early": {"start": DAY}}.get(what, {})
    signer = {"no authority": Signer("No authority", ROOT, can_sign=False),
              "forged": Signer("Middle of the test", ROOT)}.get(what, MIDDLE)
    cert, key = signer.server(*([] if what == "no names" else ["mail.d.test"]), **times)
    chain = {"order": pem(cert, ROOT.cert, MIDDLE.cert), "gap": pem(cert, ROOT.cert), "forged": pem(cert, MIDDLE.cert, ROOT.cert),
             "authority first": pem(MIDDLE.cert, cert),
             "empty": b"nothing\n", "damaged": pem(cert) + damaged(MIDDLE.cert)}.get(what, pem(cert, signer.cert, ROOT.cert))
    secret = {"key": key_pem(MIDDLE.key), "nokey": b"no key\n",
              "encrypted": key.private_bytes(PEM, serialization.PrivateFormat.PKCS8,
                                             serialization.BestAvailableEncryption(b"x" * 8))}.get(what, key_pem(key))
    before = listing(stopped)
    done = import_files(stopped, tmp_path, "new", chain, secret, check=False)
    assert done.returncode == 1 and reason in done.err and str(tmp_path) in done.err, done.err
    assert listing(stopped) == before


# -- use --

def test_activation_ends_no_session_and_reaches_all_services(suite, tmp_path):
    session = imaplib.IMAP4_SSL("127.0.0.1", suite.port("imaps"), ssl_context=INSECURE)
    session.login("alice@d.test", PASSWORD)
    early = imaplib.IMAP4("127.0.0.1", suite.port("imap"))  # has no TLS yet
    cert, key = ROOT.server("mail.d.test")
    import_files(suite, tmp_path, "first", pem(cert), key_pem(key))
    suite.run("cert", "activate", "first")
    for label in ("smtp", "smtps", "submission", "imap", "imaps", "pop3", "pop3s"):
        if label != "submission":
            assert presented(suite, label) == cert.serial_number, label
    assert session.noop()[0] == "OK"
    early.starttls(INSECURE)  # with the certificate of before, whose key is still there
    early.login("alice@d.test", PASSWORD)
    assert {name: row["state"] for name, row in rows(suite).items()} == {"first": "active", "cert.pem": "inactive"}
    suite.run("cert", "activate", "cert.pem")
    assert presented(suite, "imaps") != cert.serial_number
    for client in (session, early):
        client.logout()


def test_no_handshake_fails_while_another_key_is_activated(suite, tmp_path):
    """The new certificate may be there before keyd has its key, and the old one after it."""
    for number in range(2):
        cert, key = ROOT.server("mail.d.test")
        import_files(suite, tmp_path, f"turn{number}", pem(cert), key_pem(key))
    seen, trouble, stop = set(), [], threading.Event()

    def knock(label):
        while not stop.is_set():
            try:
                seen.add(presented(suite, label))
            except OSError as error:
                trouble.append((label, error))

    clients = [threading.Thread(target=knock, args=(label,)) for label in ("imaps", "smtps")]
    for client in clients:
        client.start()
    for name in ("turn0", "turn1", "turn0", "cert.pem"):
        suite.run("cert", "activate", name)
    stop.set()
    for client in clients:
        client.join()
    assert trouble == [] and len(seen) == 3


def test_what_is_in_use_stays_and_the_rest_can_go(suite, tmp_path):
    cert, key = ROOT.server("gone.test")
    import_files(suite, tmp_path, "gone", pem(cert), key_pem(key))
    suite.run("cert", "activate", "gone", "--by-host")
    assert "is in use (by host)" in suite.run("cert", "remove", "gone", "--yes", check=False).err
    assert "is in use (active)" in suite.run("cert", "remove", "cert.pem", "--yes", check=False).err
    suite.run("cert", "deactivate", "gone")
    assert "nothing was removed" in suite.run("cert", "remove", "gone", check=False).err
    suite.run("cert", "remove", "gone", "--yes")
    assert "gone" not in rows(suite) and not list((suite.root / "etc/certs").glob("gone.*"))
    assert "there is no certificate and no request 'gone'" in suite.run("cert", "show", "gone", check=False).err


def test_a_bad_activation_is_refused_and_changes_nothing(suite, tmp_path):
    conf = suite.root / "etc/posthorn.conf"
    before, serial = conf.read_bytes(), presented(suite, "imaps")
    suite.run("cert", "request", "mail.d.test", "--name", "open")
    assert "is a request" in suite.run("cert", "activate", "open", check=False).err
    cert, key = ROOT.server("mail.d.test")
    import_files(suite, tmp_path, "broken", pem(cert), key_pem(key))
    (suite.root / "etc/certs/broken.key").write_bytes(key_pem(ROOT.key))
    for how in ((), ("--by-host",)):
        done = suite.run("cert", "activate", "broken", *how, check=False)
        assert done.returncode == 1 and "does not belong" in done.err
    assert conf.read_bytes() == before and presented(suite, "imaps") == serial
    suite.run("cert", "remove", "broken", "--yes")
    suite.run("cert", "remove", "open", "--yes")


def test_a_renewal_with_the_same_key_takes_the_place_of_the_old_one(suite, tmp_path):
    cert, key = ROOT.server("mail.d.test")
    import_files(suite, tmp_path, "again", pem(cert), key_pem(key))
    suite.run("cert", "activate", "again")
    renewed = ROOT.sign(cert.subject, key.public_key(), ["mail.d.test"])
    (tmp_path / "renewed").write_bytes(pem(renewed))
    suite.run("cert", "import", "again", "--certificate", tmp_path / "renewed")
    assert presented(suite, "smtps") == renewed.serial_number
    other, _ = ROOT.server("mail.d.test")
    (tmp_path / "renewed").write_bytes(pem(other))
    assert "does not belong" in suite.run("cert", "import", "again", "--certificate", tmp_path / "renewed", check=False).err
    suite.run("cert", "activate", "cert.pem")


# -- by host name --

@pytest.fixture(scope="module")
def by_host(suite, tmp_path_factory):
    """default: cert.pem (mail.d.test d.test, P-256); RSA for a.test, wildcard below b.test, exact x.b.test."""
    made = {}
    suite.run("cert", "self-signed", "mail.a.test", "a.test", "--name", "a", "--key", "rsa2048")
    suite.run("cert", "self-signed", "*.b.test", "--name", "b", "--key", "p384")
    suite.run("cert", "self-signed", "x.b.test", "--name", "xb", "--key", "ed25519")
    suite.run("cert", "self-signed", "mail.d.test", "--name", "late", "--key", "p256")  # a name that is the default's
    for name in ("a", "b", "xb", "late"):
        suite.run("cert", "activate", name, "--by-host")
    for name, row in rows(suite).items():
        made[name] = int(row["serial"], 16)
    return made


@pytest.mark.parametrize("host,name", [
    (None, "cert.pem"), ("mail.d.test", "cert.pem"), ("elsewhere.test", "cert.pem"), ("mail.a.test", "a"), ("MAIL.A.TEST", "a"),
    ("a.test", "a"), ("any.b.test", "b"), ("x.b.test", "xb"), ("b.test", "cert.pem"), ("one.two.b.test", "cert.pem"),
    ("mail.a.test.", "cert.pem"), ("x" * 63 + ".b.test", "b"),
])
def test_a_client_gets_the_certificate_of_the_name_it_asks_for(suite, by_host, host, name):
    for label in ("imaps", "pop3s", "smtps", "smtp", "imap", "pop3"):
        assert presented(suite, label, host) == by_host[name], (label, host)


def test_openssl_sees_the_same_and_can_resume(suite, by_host, tmp_path):
    for host, subject in (("any.b.test", "CN = *.b.test"), ("mail.a.test", "CN = mail.a.test")):
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{suite.port('smtp')}", "-starttls", "smtp",
                               "-servername", host, "-sess_out", tmp_path / "session"], input=b"QUIT\r\n",
                              capture_output=True, timeout=20)
        assert f"subject={subject}".encode() in done.stdout


def test_one_name_of_many_no_longer_by_host(suite, by_host):
    suite.run("cert", "deactivate", "a")
    assert presented(suite, "imaps", "mail.a.test") == by_host["cert.pem"]
    assert presented(suite, "imaps", "x.b.test") == by_host["xb"]
    suite.run("cert", "activate", "a", "--by-host")
    assert presented(suite, "imaps", "mail.a.test") == by_host["a"]


def test_mail_programs_verify_the_certificate_of_their_domain(suite, by_host, tmp_path):
    suite.run("cert", "export", "a", "--to", tmp_path / "trusted")
    context = ssl.create_default_context(cafile=tmp_path / "trusted")
    with socket.create_connection(("127.0.0.1", suite.port("submission")), timeout=10) as plain:
        client = smtplib.SMTP(timeout=10)
        client.sock, client.file, client._host = plain, None, "mail.a.test"
        client.getreply()
        client.starttls(context=context)
        assert client.ehlo()[0] == 250
    assert pathlib.Path(tmp_path / "trusted").exists() and os.stat(tmp_path / "trusted").st_mode & 0o044


# -- warnings --

def test_an_end_that_is_near_is_told_in_three_places(tmp_path):
    inst = Instance()
    try:
        inst.setup()
        inst.run("cert", "self-signed", "mail.d.test", "--name", "short", "--days", "10")
        inst.run("cert", "self-signed", "a.test", "--name", "host", "--days", "5")
        inst.run("cert", "activate", "short")
        inst.run("cert", "activate", "host", "--by-host")
        inst.start()
        for name in ("short.crt: expires in 9 days", "host.crt: expires in 4 days"):
            inst.wait_log("key", name)
            assert name in inst.run("status").err
            assert name in inst.run("doctor", check=False).out
        assert "key: " not in inst.run("status").err
        inst.set("tls.expiry_warning", "3d")
        inst.run("reload")
        assert "expires" not in inst.run("status").err
    finally:
        inst.close()
