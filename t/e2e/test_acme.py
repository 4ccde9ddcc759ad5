"""Certificates by ACME against Pebble: both challenges, activation, renewal, revocation, another account key, refusals."""
import imaplib
import os
import signal
import socket
import ssl
import stat
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from acme import Pebble, ask, configure, instance, name_server, status
from conftest import PASSWORD
from instance import wait_for
from test_certificates import INSECURE, presented, rows


@pytest.fixture(scope="module")
def zone():
    server = name_server()
    yield server
    server.close()


@pytest.fixture(scope="module")
def suite(zone):
    inst = instance(zone)
    pebble = Pebble(inst, zone)
    configure(inst, pebble)
    inst.start()
    inst.add_user("alice@d.test", PASSWORD)
    inst.pebble = pebble
    yield inst
    inst.close()
    pebble.close()


def number(serial):
    return int(serial, 16)


def crt(inst, name):
    end = b"-----END CERTIFICATE-----\n"
    blocks = (inst.root / f"etc/certs/{name}.crt").read_bytes().split(end)
    assert blocks.pop() == b""
    return [x509.load_pem_x509_certificate(block + end) for block in blocks]


def public(key):
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def test_http_01_and_in_use_without_ending_a_session(suite):
    before = imaplib.IMAP4_SSL("127.0.0.1", suite.port("imaps"), ssl_context=INSECURE)
    before.login("alice@d.test", PASSWORD)
    suite.run("cert", "acme", "request", "mail", "mail.e.test", "imap.e.test", "--key", "p256", "--activate")
    row = status(suite)["mail"]
    assert row["state"] == "issued" and row["hosts"] == ["mail.e.test", "imap.e.test"] and row["failures"] == 0
    for label in ("imaps", "smtps", "smtp"):
        assert presented(suite, label) == number(row["serial"])
    leaf, *chain = crt(suite, "mail")
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    assert sorted(names) == ["imap.e.test", "mail.e.test"]
    assert chain and chain[0].subject == leaf.issuer
    listed = rows(suite)["mail"]
    assert listed["state"] == "active" and listed["hosts"] == ["mail.e.test", "imap.e.test"]
    assert before.noop()[0] == "OK"
    before.logout()


def test_the_keys_are_where_they_belong(suite):
    """That of the certificate is root's, that of the account acmed's; neither is among the other's files."""
    key = suite.root / "etc/certs/mail.key"
    account = suite.root / "db/acme/account.key"
    assert stat.S_IMODE(key.stat().st_mode) == stat.S_IMODE(account.stat().st_mode) == 0o600
    assert stat.S_IMODE(account.parent.stat().st_mode) == 0o700
    if os.geteuid() == 0:
        assert key.stat().st_uid == 0 and account.stat().st_uid not in (0, key.stat().st_uid)
    own = serialization.load_pem_private_key(key.read_bytes(), None)
    assert public(own.public_key()) == public(crt(suite, "mail")[0].public_key())
    assert not [path for path in account.parent.iterdir() if b"PRIVATE" in path.read_bytes() and path != account]


def test_a_renewal_is_taken_by_the_services_with_the_same_key(suite):
    """Nobody but acmed does anything: not even a reload is asked for by hand."""
    old = presented(suite, "imaps")
    suite.run("cert", "acme", "renew", "mail")
    wait_for(lambda: presented(suite, "imaps") != old, 60, "another certificate")
    row = status(suite)["mail"]
    assert presented(suite, "imaps") == number(row["serial"]) != old
    wait_for(lambda: presented(suite, "smtps") == number(row["serial"]), 20, "the same of the next service")
    key = serialization.load_pem_private_key((suite.root / "etc/certs/mail.key").read_bytes(), None)
    assert public(key.public_key()) == public(crt(suite, "mail")[0].public_key())


def test_renewal_is_planned_at_two_thirds_of_its_life(suite):
    leaf = crt(suite, "mail")[0]
    start, end = leaf.not_valid_before.timestamp(), leaf.not_valid_after.timestamp()
    planned = state_file(suite, "mail")["renew"] / 1000
    assert start + (end - start) * 2 / 3 - 1 <= planned <= start + (end - start) * (2 / 3 + 1 / 24) + 1


def state_file(inst, name):
    lines = (inst.root / f"db/acme/{name}.state").read_text().splitlines()
    pairs = (line.split(" ", 1) for line in lines)
    return {key: int(value) if value.isdigit() else value for key, value in pairs}


def test_tls_alpn_01_by_host(suite):
    suite.set("acme.challenge", "tls-alpn-01")
    suite.run("cert", "acme", "request", "www", "www.e.test", "--by-host")
    serial = number(status(suite)["www"]["serial"])
    assert presented(suite, "imaps", "www.e.test") == serial
    assert presented(suite, "imaps", "mail.e.test") != serial
    assert "http://www.e.test" not in suite.pebble.told(), "it has not looked by http-01"
    suite.set("acme.challenge", "http-01")
    suite.run("reload")


def alpn(inst, protocols, name="www.e.test"):
    context = ssl._create_unverified_context()
    if protocols:
        context.set_alpn_protocols(protocols)
    with socket.create_connection(("127.0.0.1", inst.port("acme-tls")), timeout=10) as plain:
        with context.wrap_socket(plain, server_hostname=name) as tls:
            return tls.getpeercert(True)


def test_the_port_of_tls_alpn_01_shows_nothing_to_others(suite):
    for protocols in ((), ("h2", "http/1.1"), ("acme-tls/1", "h2"), ("acme-tls/1",)):  # of the last there is no order now
        with pytest.raises(OSError):
            alpn(suite, protocols)


def test_the_port_of_http_01_serves_nothing_else(suite):
    def request(line, more=b""):
        return ask(suite, line + b"\r\nHost: mail.e.test\r\n" + more + b"\r\n")
    for path in (b"/", b"/.well-known/acme-challenge/", b"/.well-known/acme-challenge/x", b"/../../etc/passwd",
                 b"/.well-known/acme-challenge/../../../etc/passwd"):
        assert request(b"GET " + path + b" HTTP/1.1").startswith(b"HTTP/1.1 404 ")
    assert request(b"DELETE / HTTP/1.1").startswith(b"HTTP/1.1 405 ")
    assert request(b"POST / HTTP/1.1", b"Content-Length: 5\r\n").startswith(b"HTTP/1.1 413 ")
    assert ask(suite, b"x" * 9000).startswith(b"HTTP/1.1 4")
    assert ask(suite, b"\x16\x03\x01\x00\x05hello\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_another_key_for_the_account(suite):
    account = suite.root / "db/acme/account"
    before, kid = (suite.root / "db/acme/account.key").read_bytes(), account.read_text().splitlines()[1]
    suite.run("cert", "acme", "rollover")
    assert (suite.root / "db/acme/account.key").read_bytes() != before
    assert not (suite.root / "db/acme/account.key.next").exists()
    old = status(suite)["www"]["serial"]
    suite.run("cert", "acme", "renew", "www")
    wait_for(lambda: status(suite)["www"]["serial"] != old, 60, "a certificate by the new key")
    assert account.read_text().splitlines()[1] == kid


def test_a_change_of_keys_that_was_cut_off_is_settled(suite):
    """The authority has the new key, and we have not noted it: a crash behind the request."""
    place = suite.root / "db/acme"
    old_key = (place / "account.key").read_bytes()
    suite.run("cert", "acme", "rollover")
    (place / "account.key.next").write_bytes((place / "account.key").read_bytes())
    (place / "account.key").write_bytes(old_key)
    for name in ("account.key", "account.key.next"):
        os.chown(place / name, place.stat().st_uid, place.stat().st_gid)
        os.chmod(place / name, 0o600)
    old = status(suite)["www"]["serial"]
    suite.run("cert", "acme", "renew", "www")
    wait_for(lambda: status(suite)["www"]["serial"] != old, 60, "a certificate by the key that the authority has")
    assert not (place / "account.key.next").exists() and (place / "account.key").read_bytes() != old_key


def test_the_contact_follows_the_setting(suite):
    suite.set("acme.contact", "admin@e.test second@e.test")
    suite.run("reload")
    old = status(suite)["www"]["serial"]
    suite.run("cert", "acme", "renew", "www")
    wait_for(lambda: status(suite)["www"]["serial"] != old, 60, "renewed")
    assert "second@e.test" in (suite.root / "db/acme/account").read_text()


def test_revoked(suite):
    serial = status(suite)["www"]["serial"]
    suite.run("cert", "acme", "revoke", "www", "--reason", "superseded")
    told = suite.pebble.status(serial)
    assert told["Status"] == "Revoked" and told["Reason"] == 4
    row = status(suite)["www"]
    assert row["state"] == "revoked" and row["next"] == ""
    suite.run("cert", "acme", "renew", "www")  # and there is a way back
    wait_for(lambda: status(suite)["www"]["state"] == "issued", 60, "another one")
    assert status(suite)["www"]["serial"] != serial
    bad = suite.run("cert", "acme", "revoke", "www", "--reason", "boredom", check=False)
    assert bad.returncode == 2 and "expected unspecified" in bad.err


def test_what_cannot_be_requested_is_refused_and_leaves_nothing(suite):
    before = sorted(path.name for path in (suite.root / "etc/certs").iterdir())
    for args, why in ((("x", "*.e.test"), "proves a name with '*'"), (("x", "a b"), "'a b' is no host name"),
                      (("../x", "a.e.test"), "expected a name of a-z"), (("mail", "a.e.test"), "is in the list already"),
                      (("x", "a.e.test", "--activate", "--by-host"), "only one of")):
        done = suite.run("cert", "acme", "request", *args, check=False)
        assert done.returncode != 0 and why in done.err, (args, done.err)
    for args, why in ((("renew", "x"), "not in acme.certificates"), (("what",), "expected status, request")):
        done = suite.run("cert", "acme", *args, check=False)
        assert done.returncode != 0 and why in done.err
    assert sorted(path.name for path in (suite.root / "etc/certs").iterdir()) == before


def test_a_name_that_cannot_be_proved_is_told_and_tried_again(suite, zone):
    """Nowhere yet; when it is there, the next attempt gets it without anybody's doing."""
    done = suite.run("cert", "acme", "request", "late", "late.e.test", check=False)
    assert done.returncode == 1 and "late.e.test" in done.err and "tries again at" in done.err
    row = status(suite)["late"]
    assert row["state"] == "failing" and row["failures"] >= 1 and "late.e.test" in row["error"]
    assert rows(suite)["late"]["state"] == "request"
    zone.replace("e.test", ["ca A 127.0.0.1", "late A 127.0.0.1", "mail A 127.0.0.1", "imap A 127.0.0.1", "www A 127.0.0.1"])
    wait_for(lambda: status(suite)["late"]["state"] == "issued", 90, "issued after all")
    assert rows(suite)["late"]["state"] == "inactive" and status(suite)["late"]["failures"] == 0


def test_removed_with_all_that_acmed_has_of_it(suite):
    suite.run("cert", "remove", "late", "--yes")
    assert "late" not in status(suite) and "late" not in rows(suite)
    assert not list((suite.root / "db/acme").glob("late.*")) and not list((suite.root / "etc/certs").glob("late.*"))


def acme_processes(inst):
    return {row["pid"]: row for row in inst.json("status", "--sandbox") if row["program"] == "acmed"}


def test_each_process_is_confined(suite):
    found = {row["role"]: row for row in acme_processes(suite).values()}
    assert set(found) >= {"parent", "responder"}
    for role in ("parent", "responder"):
        text = (f"/proc/{found[role]['pid']}/status")
        lines = dict(line.split(":\t", 1) for line in open(text).read().splitlines() if ":\t" in line)
        assert lines["Seccomp"] == "2" and int(lines["CapEff"], 16) == 0 and lines["NoNewPrivs"] == "1"


def test_a_responder_that_dies_is_back(suite):
    (old,) = [pid for pid, row in acme_processes(suite).items() if row["role"] == "responder"]
    os.kill(old, signal.SIGKILL)
    wait_for(lambda: [pid for pid, row in acme_processes(suite).items() if row["role"] == "responder" and pid != old], 30, "another")
    assert ask(suite, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 404")


def test_kill_9_at_any_moment_leaves_a_working_certificate_and_ends_with_a_new_one(suite):
    """Killed again and again during orders: the account stays one, what is shown always has its key."""
    def kill_all():
        for pid in acme_processes(suite):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
    start = status(suite)["mail"]["serial"]
    for delay in (0.05, 0.15, 0.3, 0.5, 0.8, 1.2, 1.8):
        wait_for(lambda: suite.run("cert", "acme", "renew", "mail", check=False).returncode == 0, 30, "acmed is there")
        time.sleep(delay)  # not to wait for something: to be somewhere else in the order each time
        kill_all()
        leaf = crt(suite, "mail")[0]
        key = serialization.load_pem_private_key((suite.root / "etc/certs/mail.key").read_bytes(), None)
        assert public(key.public_key()) == public(leaf.public_key())
        presented(suite, "imaps")
    wait_for(lambda: suite.run("cert", "acme", "status", check=False).returncode == 0, 30, "acmed is there")
    row = wait_for(lambda: status(suite)["mail"]["state"] == "issued" and status(suite)["mail"]["serial"] != start
                   and status(suite)["mail"]["order"] == "" and status(suite)["mail"], 90, "a new certificate")
    wait_for(lambda: presented(suite, "imaps") == number(status(suite)["mail"]["serial"]), 60, "and it is shown")
    assert "There are now 2 accounts" not in suite.pebble.told() and row["failures"] == 0


def test_doctor_knows_when_it_is_renewed(suite):
    lines = [line for line in suite.run("doctor", check=False).out.splitlines() if " acme " in line]
    assert any("mail: renewed at 20" in line for line in lines), lines
    assert any("mail.e.test" not in line and "port" in line for line in lines), lines
