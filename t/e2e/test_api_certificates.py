"""Certificates over the administrative API (TLS-01 to TLS-07)."""
import base64
import re
import stat

import pytest
from cryptography import x509

from admin_api import Api
from instance import Instance, wait_for
from test_certificates import ROOT, key_pem, pem, presented

PASSWORD = "A-good-secret7"


@pytest.fixture(scope="module")
def inst():
    instance = Instance()
    instance.setup()
    instance.run("admin", "passwd", "admin", "--password-stdin", stdin=PASSWORD + "\n")
    instance.start()
    yield instance
    instance.close()


@pytest.fixture(scope="module")
def api(inst):
    return Api(inst, "admin", PASSWORD)


def b64(data):
    return base64.b64encode(data).decode()


def test_a_request_is_made_signed_imported_activated_and_removed(inst, api):
    made = api.ok("MakeCertificate", name="mail", hosts="Mail.D.test *.d.test", key_type="p256", organisation="D & Co", country="DE")
    request = x509.load_pem_x509_csr(made["content"].encode())
    assert "D & Co" in request.subject.rfc4514_string()
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    assert names == ["mail.d.test", "*.d.test"]
    certs = inst.root / "etc/certs"
    assert stat.S_IMODE((certs / "mail.key").stat().st_mode) == 0o600
    assert api.ok("ExportCertificate", name="mail", request=True)["content"] == made["content"]
    shown = api.ok("ShowCertificate", name="mail")["object"]
    assert shown["state"] == "request" and "mail.d.test" in shown["hosts"]
    assert api.call("ActivateCertificate", name="mail")["result"] == 3
    cert = ROOT.sign(request.subject, request.public_key(), names)
    api.ok("ImportCertificate", name="mail", certificate=b64(pem(cert, ROOT.cert)))
    assert api.ok("ExportCertificate", name="mail")["content"].encode() == pem(cert, ROOT.cert)
    api.ok("ActivateCertificate", name="mail")
    assert presented(inst, "imaps") == presented(inst, "smtps") == cert.serial_number
    assert api.call("RemoveCertificate", name="mail")["result"] == 3
    renewed = ROOT.sign(request.subject, request.public_key(), names)
    api.ok("ImportCertificate", name="mail", certificate=b64(pem(renewed)))
    assert presented(inst, "imaps") == renewed.serial_number
    api.ok("ActivateCertificate", name="cert.pem")
    api.ok("RemoveCertificate", name="mail")
    assert not list(certs.glob("mail.*"))
    assert api.call("ShowCertificate", name="mail")["result"] == 2
    inst.wait_log("audit", "verb=remove kind=certificate name=mail")


def test_a_pair_for_one_host(inst, api):
    cert, key = ROOT.server("other.test")
    api.ok("ImportCertificate", name="other", certificate=b64(pem(cert)), key=b64(key_pem(key)))
    default = presented(inst, "imaps")
    api.ok("ActivateCertificate", name="other", by_host=True)
    assert presented(inst, "imaps", "other.test") == cert.serial_number and presented(inst, "imaps") == default
    assert api.call("RemoveCertificate", name="other")["result"] == 3
    api.ok("DeactivateCertificate", name="other")
    assert presented(inst, "imaps", "other.test") == default
    api.ok("RemoveCertificate", name="other")
    for log in (inst.root / "log").iterdir():
        assert b64(key_pem(key))[:60] not in log.read_text(), "no key in a log"


def test_one_that_signs_itself(inst, api):
    made = api.ok("MakeCertificate", name="own", hosts="mail.d.test", self_signed=True, days=30)
    cert = x509.load_pem_x509_certificate(made["content"].encode())
    assert (cert.not_valid_after - cert.not_valid_before).days == 30
    assert {row["name"]: row["type"] for row in api.ok("List", kind="certificate")["objects"]}["own"]
    api.ok("RemoveCertificate", name="own")


def test_what_does_not_fit_changes_nothing(inst, api):
    cert, key = ROOT.server("bad.test")
    _, foreign = ROOT.server("bad.test")
    before = sorted(path.name for path in (inst.root / "etc/certs").iterdir())
    for name, parameters, result in (
            ("ImportCertificate", {"name": "bad", "certificate": b64(pem(cert)), "key": b64(key_pem(foreign))}, 3),
            ("ImportCertificate", {"name": "bad", "certificate": b64(b"no PEM"), "key": b64(key_pem(key))}, 3),
            ("ImportCertificate", {"name": "bad", "certificate": "?", "key": b64(key_pem(key))}, 1),
            ("ImportCertificate", {"name": "bad", "certificate": b64(pem(cert))}, 2),
            ("ImportCertificate", {"name": "../bad", "certificate": b64(pem(cert)), "key": b64(key_pem(key))}, 1),
            ("ImportCertificate", {"name": "cert.pem", "certificate": b64(pem(cert)), "key": b64(key_pem(key))}, 1),
            ("MakeCertificate", {"name": "../bad", "hosts": "a.test"}, 1),
            ("MakeCertificate", {"name": "bad", "hosts": "a..test"}, 1),
            ("MakeCertificate", {"name": "bad", "hosts": " "}, 1),
            ("MakeCertificate", {"name": "bad", "hosts": "a.test", "key_type": "rsa512"}, 1),
            ("MakeCertificate", {"name": "bad", "hosts": "a.test", "country": "D"}, 1),
            ("RemoveCertificate", {"name": "nothing"}, 2), ("ActivateCertificate", {"name": "../cert"}, 2),
            ("DeactivateCertificate", {"name": "cert.pem"}, 3), ("ExportCertificate", {"name": "cert.pem", "request": True}, 2)):
        answer = api.call(name, **parameters)
        assert answer["result"] == result, (name, parameters, answer)
    assert [name for name in sorted(path.name for path in (inst.root / "etc/certs").iterdir()) if name != ".lock"] == \
        [name for name in before if name != ".lock"]


@pytest.mark.parametrize("by_api", (True, False), ids=("api", "command"))
def test_a_key_alone_can_be_removed(inst, api, by_api):
    """As after a crash between the two files."""
    certs = inst.root / "etc/certs"
    api.ok("MakeCertificate", name="half", hosts="half.test", key_type="p256")
    (certs / "half.csr").unlink()
    assert api.call("MakeCertificate", name="half", hosts="half.test", key_type="p256")["result"] == 3
    if by_api:
        api.ok("RemoveCertificate", name="half")
    else:
        inst.run("cert", "remove", "half", "--yes")
    assert not list(certs.glob("half.*")) and api.call("RemoveCertificate", name="half")["result"] == 2


def test_a_key_in_use_without_its_certificate_stays(inst, api):
    certs = inst.root / "etc/certs"
    cert, key = ROOT.server("apart.test")
    api.ok("ImportCertificate", name="apart", certificate=b64(pem(cert)), key=b64(key_pem(key)))
    api.ok("ActivateCertificate", name="apart")
    (certs / "apart.crt").rename(inst.root / "etc/elsewhere.pem")
    inst.set("tls.certificate", "elsewhere.pem")
    assert api.call("RemoveCertificate", name="apart")["result"] == 3
    done = inst.run("cert", "remove", "apart", "--yes", check=False)
    assert done.returncode == 1 and "tls.key" in done.err and (certs / "apart.key").exists()
    api.ok("ActivateCertificate", name="cert.pem")
    api.ok("RemoveCertificate", name="apart")


def test_what_acmed_renews_is_not_imported_over(inst, api, tmp_path):
    certs = inst.root / "etc/certs"
    cert, key = ROOT.server("kept.test")
    api.ok("ImportCertificate", name="kept", certificate=b64(pem(cert)), key=b64(key_pem(key)))
    target = tmp_path / "kept.crt"
    target.write_bytes(pem(cert))
    (certs / "kept.crt").unlink()
    (certs / "kept.crt").symlink_to(target)  # as `cert acme request` makes it
    inst.set("acme.certificates", "kept")
    try:
        answer = api.call("ImportCertificate", name="kept", certificate=b64(pem(cert)))
        assert answer["result"] == 3 and "acmed renews it" in answer["text"], answer
        done = inst.run("cert", "import", "kept", "--certificate", str(target), check=False)
        assert done.returncode == 1 and "acmed renews" in done.err
        assert (certs / "kept.crt").is_symlink()
    finally:
        inst.run("config", "set", "acme.certificates", "--unset")
    api.ok("RemoveCertificate", name="kept")
