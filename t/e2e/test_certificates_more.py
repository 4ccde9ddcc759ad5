"""Certificates: what is refused leaves everything as it was; many of them; what other programs make; old services.conf."""
import socket
import stat
import subprocess

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from instance import Instance, wait_for
from test_certificates import ROOT, import_files, key_pem, listing, pem, presented, rows


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    inst.start()
    yield inst
    inst.close()


class Refusal:
    """While it lasts, master refuses every reload."""

    def __init__(self, inst):
        self.path = inst.root / "etc/services.conf"

    def __enter__(self):
        self.text = self.path.read_text()
        self.path.write_text(self.text + "\n[broken\n")

    def __exit__(self, *_):
        self.path.write_text(self.text)


def test_a_foreign_key_of_a_certificate_by_host_is_seen_before_it_is_used(suite, tmp_path):
    cert, key = ROOT.server("a.test")
    import_files(suite, tmp_path, "a", pem(cert), key_pem(key))
    suite.run("cert", "activate", "a", "--by-host")
    secret = suite.root / "etc/certs/a.key"
    secret.write_bytes(key_pem(ROOT.key))
    for command in (("config", "check"), ("reload",)):
        done = suite.run(*command, check=False)
        assert done.returncode == 1 and "a.key: the private key does not belong to certificate 1 of" in done.err, done.err
    assert presented(suite, "imaps", "a.test") == cert.serial_number
    secret.unlink()
    assert "a.key: No such file" in suite.run("config", "check", check=False).err
    secret.write_bytes(key_pem(key))
    suite.run("reload")


def test_a_refused_activation_leaves_the_settings_and_their_mode(suite, tmp_path):
    cert, key = ROOT.server("mail.d.test")
    import_files(suite, tmp_path, "new", pem(cert), key_pem(key))
    conf = suite.root / "etc/posthorn.conf"
    conf.chmod(0o600)
    before = conf.read_bytes()
    with Refusal(suite):
        done = suite.run("cert", "activate", "new", check=False)
        assert done.returncode == 1 and "services.conf" in done.err and "nothing was changed" in done.err
    assert conf.read_bytes() == before and stat.S_IMODE(conf.stat().st_mode) == 0o600
    suite.run("cert", "activate", "new")
    assert stat.S_IMODE(conf.stat().st_mode) == 0o600 and presented(suite, "imaps") == cert.serial_number
    suite.run("cert", "activate", "cert.pem")


def failing(suite, service):
    rows = suite.json("status", check=False)
    return next(row for row in rows if row["service"] == service)["state"] == "failed"


def test_only_what_the_change_broke_takes_it_back_and_the_services_with_it(suite, tmp_path):
    cert, key = ROOT.server("mail.d.test")
    import_files(suite, tmp_path, "next", pem(cert), key_pem(key))
    old = int(rows(suite)["cert.pem"]["serial"], 16)
    conf = suite.root / "etc/posthorn.conf"
    before, away = conf.read_bytes(), suite.root / "archive.away"
    suite.run("service", "start", "archive")
    (suite.root / "archive").rename(away)  # archived has it open still, and can't be started again
    try:
        done = suite.run("cert", "activate", "next", check=False)
        assert done.returncode == 1 and "archive: " in done.err and "nothing was changed" in done.err, done.err
        assert conf.read_bytes() == before
        for label in ("imaps", "pop3s", "smtps", "admin"):
            assert presented(suite, label) == old, label
        suite.run("service", "restart", "archive", check=False)
        wait_for(lambda: failing(suite, "archive"), 10, "archived has failed")
        suite.run("cert", "activate", "next")
        assert presented(suite, "imaps") == cert.serial_number
        renewed = ROOT.sign(cert.subject, key.public_key(), ["mail.d.test"])
        (tmp_path / "renewed").write_bytes(pem(renewed))
        suite.run("cert", "import", "next", "--certificate", tmp_path / "renewed")
        assert presented(suite, "imaps") == renewed.serial_number
    finally:
        away.rename(suite.root / "archive")
    suite.run("cert", "activate", "cert.pem")
    suite.run("service", "restart", "archive")


def test_a_refused_renewal_leaves_the_old_certificate(suite, tmp_path):
    cert, key = ROOT.server("mail.d.test")
    import_files(suite, tmp_path, "same", pem(cert), key_pem(key))
    suite.run("cert", "activate", "same")
    (tmp_path / "renewed").write_bytes(pem(ROOT.sign(cert.subject, key.public_key(), ["mail.d.test"])))
    before = listing(suite)
    with Refusal(suite):
        done = suite.run("cert", "import", "same", "--certificate", tmp_path / "renewed", check=False)
        assert done.returncode == 1 and "nothing was changed" in done.err
    assert listing(suite) == before
    suite.run("cert", "activate", "cert.pem")


def test_what_openssl_req_makes_is_taken(suite, tmp_path):
    """openssl req -x509 says that it is an authority's (CA:TRUE); alone it is a server's all the same."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                    "/CN=mail.d.test", "-addext", "subjectAltName=DNS:mail.d.test", "-days", "9", "-keyout", tmp_path / "k",
                    "-out", tmp_path / "c"], check=True, capture_output=True)
    suite.run("cert", "import", "own", "--certificate", tmp_path / "c", "--key", tmp_path / "k")
    suite.run("cert", "activate", "own")
    assert presented(suite, "imaps") == int(rows(suite)["own"]["serial"], 16)
    assert "certificate 1 is an authority" not in suite.run("doctor", check=False).out
    suite.run("cert", "activate", "cert.pem")
    # with another one behind it it would be the authority's, in the wrong order
    cert, key = ROOT.server("mail.d.test")
    done = import_files(suite, tmp_path, "wrong", pem(ROOT.cert, cert), key_pem(ROOT.key), check=False)
    assert done.returncode == 1 and "is an authority's; the server's comes first" in done.err


def test_among_very_many_those_in_use_have_their_keys(suite, tmp_path):
    certs = suite.root / "etc/certs"
    cert, key = ROOT.server("zzz.test")
    import_files(suite, tmp_path, "zzz", pem(cert), key_pem(key))
    suite.run("cert", "activate", "zzz", "--by-host")
    spare, spare_key = ROOT.server("spare.test")
    names = [f"many{number:03}" for number in range(520)]
    for name in names:
        (certs / f"{name}.crt").write_bytes(pem(spare))
        (certs / f"{name}.key").write_bytes(key_pem(spare_key))
        (certs / f"{name}.key").chmod(0o600)
    try:
        suite.run("reload")
        assert presented(suite, "imaps", "zzz.test") == cert.serial_number
        assert presented(suite, "imaps") == int(rows(suite)["cert.pem"]["serial"], 16)
        suite.wait_log("key", "many519.key")  # the last ones by name have no place
        assert "many100.key" not in suite.log("key")
        done = suite.run("cert", "self-signed", "one.more.test", check=False)
        assert done.returncode == 1 and "no room for more" in done.err
    finally:
        for name in names:
            (certs / f"{name}.crt").unlink()
            (certs / f"{name}.key").unlink()
    suite.run("reload")
    suite.run("cert", "self-signed", "one.more.test")


def test_a_services_conf_of_before_the_tls_keys_is_named():
    inst = Instance()
    try:
        inst.setup()
        path = inst.root / "etc/services.conf"
        path.write_text(path.read_text().replace("datagrams = tls-keys.sock 0666\n", ""))
        assert "lacks the line 'datagrams = tls-keys.sock 0666'" in inst.run("config", "check", check=False).err
        row = next(row for row in inst.json("doctor", check=False) if "tls-keys.sock" in row["text"])
        assert row["result"] == "fail" and "no service has TLS" in row["text"]
    finally:
        inst.close()


def test_a_certificate_for_mail_is_for_addresses_and_for_no_service(suite):
    """TLS-02: the type e-mail, as S/MIME has it (RFC 8550): addresses, and no use by servers."""
    request = x509.load_pem_x509_csr(suite.run("cert", "request", "alice@d.test", "--email", "--name", "alice").out.encode())
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.RFC822Name) == ["alice@d.test"] and not names.get_values_for_type(x509.DNSName)
    uses = request.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(uses) == [ExtendedKeyUsageOID.EMAIL_PROTECTION]
    done = suite.run("cert", "self-signed", "bob@d.test", "--email", "--name", "bob", "--key", "p256", "--days", "30")
    assert done.err == "" and "activate" not in done.out
    suite.run("cert", "self-signed", "Mail authority", "--email", "--authority", "--name", "mail-ca")
    found = rows(suite)
    assert found["bob"]["type"] == "e-mail" and found["mail-ca"]["type"] == "e-mail authority" and found["bob"]["days"] in (29, 30)
    usage = x509.load_pem_x509_certificate(suite.run("cert", "export", "bob").out.encode()).extensions
    assert usage.get_extension_for_class(x509.KeyUsage).value.digital_signature
    for name in ("bob", "mail-ca"):
        done = suite.run("cert", "activate", name, check=False)
        assert done.returncode == 1 and "has no DNS name" in done.err
    for args, why in ((("a b@x", "--name", "n"), "is no mail address"), (("d.test", "--name", "n"), "is no mail address"),
                      (("alice@d.test",), "needs --name")):
        done = suite.run("cert", "self-signed", "--email", *args, check=False)
        assert done.returncode == 1 and why in done.err


def test_a_handshake_that_does_not_come_ends_in_time(suite):
    """TLS-08: of the ports that begin with TLS; a client that says nothing at all counts too."""
    for name in ("smtp", "pop3"):
        suite.set(f"{name}.tls_timeout", "1s")
    suite.run("reload")
    for label in ("smtps", "pop3s"):
        with socket.create_connection(("127.0.0.1", suite.port(label)), timeout=40) as silent:
            assert silent.recv(1) == b"", label
        presented(suite, label)
