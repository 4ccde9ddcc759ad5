"""Logging in to the whole suite with clients that are not ours."""
import imaplib
import poplib
import smtplib
import ssl
import statistics
import subprocess
import time

import pytest

from conftest import PASSWORD
from instance import wait_for

ANY_CERTIFICATE = ssl._create_unverified_context()
ALICE = "alice@d.test"


def gsasl(suite, protocol, mechanism, user=ALICE, password=PASSWORD):
    """GNU SASL's own client, over STARTTLS; True if it got in and trusts the server."""
    port = suite.port("imap" if protocol == "imap" else "submission")
    options = [] if mechanism.endswith("PLUS") else ["--no-cb"]
    done = subprocess.run(["gsasl", f"--{protocol}", "--connect", f"127.0.0.1:{port}", "-m", mechanism,
                           "-a", user, "-p", password, "--x509-ca-file=", *options],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    return done.returncode == 0


def imap_login(suite, user=ALICE, password=PASSWORD):
    with imaplib.IMAP4_SSL("127.0.0.1", suite.port("imaps"), ssl_context=ANY_CERTIFICATE) as client:
        try:
            client.login(user, password)
        except imaplib.IMAP4.error:
            return False
        return True


def add_imported(suite, address, record):
    path = suite.base / "record"
    path.write_text(record + "\n")
    suite.run("user", "add", address, "--password-record-file", path)


def imported_sha512(password):
    return "{SHA512-CRYPT}" + subprocess.run(["openssl", "passwd", "-6", password],
                                             capture_output=True, check=True).stdout.decode().strip()


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "SCRAM-SHA-1", "SCRAM-SHA-256",
                                       "SCRAM-SHA-256-PLUS"])
@pytest.mark.parametrize("protocol", ["imap", "smtp"])
def test_every_mechanism_with_gnu_sasl(suite, protocol, mechanism):
    assert gsasl(suite, protocol, mechanism)
    assert not gsasl(suite, protocol, mechanism, password="wrong")
    assert not gsasl(suite, protocol, mechanism, user="nobody@d.test")


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_pop3_with_curl(suite, mechanism):
    def curl(password):
        return subprocess.run(["curl", "-sk", "--url", f"pop3s://127.0.0.1:{suite.port('pop3s')}/",
                               "-u", f"{ALICE}:{password}", "--login-options", f"AUTH={mechanism}"],
                              capture_output=True).returncode
    assert curl(PASSWORD) == 0
    assert curl("wrong") == 67


def test_login_commands_of_imap_and_pop3(suite):
    assert imap_login(suite)
    client = poplib.POP3_SSL("127.0.0.1", suite.port("pop3s"), context=ANY_CERTIFICATE)
    client.user(ALICE)
    assert client.pass_(PASSWORD).startswith(b"+OK")
    client.quit()


def test_bare_name_belongs_to_the_primary_domain(suite):
    assert imap_login(suite, "alice")
    assert imap_login(suite, "ALICE@D.TEST")


def test_no_password_in_clear(suite):
    """Neither announced nor taken: not even from loopback as shipped."""
    client = imaplib.IMAP4("127.0.0.1", suite.port("imap"))
    assert "LOGINDISABLED" in client.capabilities and "AUTH=PLAIN" not in client.capabilities
    with pytest.raises(imaplib.IMAP4.error):
        client.authenticate("PLAIN", lambda _: f"\0{ALICE}\0{PASSWORD}".encode())
    client.logout()
    smtp = smtplib.SMTP("127.0.0.1", suite.port("submission"))
    smtp.ehlo()
    assert "PLAIN" not in smtp.esmtp_features.get("auth", "")
    assert smtp.docmd("AUTH", "PLAIN AGEAYg==")[0] in (504, 530, 538)
    smtp.quit()


def test_mechanisms_can_be_switched_off(instance):
    """For a mail program that chooses one it cannot do: announced nowhere, accepted nowhere."""
    instance.set("auth.mechanisms", "SCRAM-SHA-256")
    instance.start()
    instance.add_user(ALICE, PASSWORD)
    with smtplib.SMTP_SSL("127.0.0.1", instance.port("smtps"), context=ANY_CERTIFICATE) as smtp:
        smtp.ehlo()
        assert smtp.esmtp_features["auth"].split() == ["SCRAM-SHA-256", "SCRAM-SHA-256"]
        assert smtp.docmd("AUTH", "PLAIN AGEAYg==")[0] == 504
    with imaplib.IMAP4_SSL("127.0.0.1", instance.port("imaps"), ssl_context=ANY_CERTIFICATE) as imap:
        assert [c for c in imap.capabilities if c.startswith("AUTH=") or c == "LOGINDISABLED"] == [
            "LOGINDISABLED", "AUTH=SCRAM-SHA-256"]
        with pytest.raises(imaplib.IMAP4.error, match="switched off"):
            imap.login(ALICE, PASSWORD)
    pop3 = poplib.POP3_SSL("127.0.0.1", instance.port("pop3s"), context=ANY_CERTIFICATE)
    capabilities = pop3.capa()
    assert capabilities["SASL"] == ["SCRAM-SHA-256"] and "USER" not in capabilities
    with pytest.raises(poplib.error_proto, match="switched off"):
        pop3.user(ALICE)
    pop3.quit()
    assert gsasl(instance, "imap", "SCRAM-SHA-256") and not gsasl(instance, "imap", "PLAIN")
    instance.set("auth.mechanisms", "")
    instance.run("reload")
    with smtplib.SMTP_SSL("127.0.0.1", instance.port("smtps"), context=ANY_CERTIFICATE) as smtp:
        smtp.ehlo()
        assert "auth" not in smtp.esmtp_features


def test_switches_of_a_user(suite):
    suite.add_user("carol@d.test", PASSWORD)
    assert imap_login(suite, "carol@d.test")
    suite.run("user", "set", "carol@d.test", "imap=no")
    assert not imap_login(suite, "carol@d.test")
    assert gsasl(suite, "smtp", "PLAIN", "carol@d.test")
    suite.run("user", "set", "carol@d.test", "status=disabled")
    assert not gsasl(suite, "smtp", "PLAIN", "carol@d.test")  # though the cache knows the password
    suite.run("user", "set", "carol@d.test", "status=normal")
    assert gsasl(suite, "smtp", "PLAIN", "carol@d.test")


def test_new_password_counts_at_once(suite):
    suite.add_user("dave@d.test", "first-password")
    assert imap_login(suite, "dave@d.test", "first-password")
    assert imap_login(suite, "dave@d.test", "first-password")
    suite.run("user", "passwd", "dave@d.test", "--password-stdin", stdin="second-password\n")
    assert not imap_login(suite, "dave@d.test", "first-password")
    assert imap_login(suite, "dave@d.test", "second-password")


def test_imported_record_becomes_one_of_ours(suite):
    add_imported(suite, "erin@d.test", imported_sha512("pencil"))
    assert not gsasl(suite, "imap", "SCRAM-SHA-256", "erin@d.test", "pencil")
    assert imap_login(suite, "erin@d.test", "pencil")
    wait_for(lambda: "event=password_rehashed user=erin@d.test" in suite.log("auth"), 10, "re-hash")
    assert gsasl(suite, "imap", "SCRAM-SHA-256-PLUS", "erin@d.test", "pencil")
    assert gsasl(suite, "smtp", "SCRAM-SHA-1", "erin@d.test", "pencil")
    assert imap_login(suite, "erin@d.test", "pencil")


def test_second_login_costs_no_hash(suite):
    suite.add_user("frank@d.test", PASSWORD)
    assert imap_login(suite, "frank@d.test") and imap_login(suite, "frank@d.test")
    lines = wait_for(lambda: (found := [line for line in suite.log("auth").splitlines()
                                        if "event=login user=frank@d.test" in line]) and
                     len(found) == 2 and found, 10, "two log lines")
    assert "cached=no" in lines[0] and "cached=yes" in lines[1]
    assert PASSWORD not in suite.log("auth")


def test_time_tells_nothing_of_unknown_users(instance):
    instance.set("auth.failure_delay", "0")
    instance.start()
    instance.add_user(ALICE, PASSWORD)

    def median(user):
        times = []
        for i in range(7):
            began = time.perf_counter()
            assert not imap_login(instance, user, f"wrong{i}")
            times.append(time.perf_counter() - began)
        return statistics.median(times)

    known, unknown = median(ALICE), median("nobody@d.test")
    assert 0.6 < known / unknown < 1.6, (known, unknown)


def test_reload_between_greeting_and_login(suite):
    client = imaplib.IMAP4_SSL("127.0.0.1", suite.port("imaps"), ssl_context=ANY_CERTIFICATE)
    suite.run("reload")
    assert imap_login(suite)
    client.login(ALICE, PASSWORD)
    client.logout()


def test_authd_dies_and_logins_go_on(suite):
    assert imap_login(suite)
    pids = [pid for pid, command in suite.processes().items() if "/authd" in command]
    assert len(pids) >= 3  # front, keeper, workers
    subprocess.run(["kill", "-9", *map(str, pids)], check=False)
    wait_for(lambda: imap_login(suite), 5, "a login after kill -9 of authd")


@pytest.mark.parametrize("service", ["smtp", "pop3"])
def test_a_process_that_had_a_user_serves_nobody_else(suite, service):
    """Architecture, idea 1; for imapd see test_imap_hostile.py."""
    def logins():
        return [int(line.split("d[")[1].split("]")[0]) for line in suite.log(service).splitlines()
                if f"event={'authenticated' if service == 'smtp' else 'login'} " in line]

    before = len(logins())  # of earlier tests
    if service == "smtp":
        client = smtplib.SMTP_SSL("127.0.0.1", suite.port("smtps"), context=ANY_CERTIFICATE)
        client.login(ALICE, PASSWORD)
    else:
        client = poplib.POP3_SSL("127.0.0.1", suite.port("pop3s"), context=ANY_CERTIFICATE)
        client.user(ALICE)
        client.pass_(PASSWORD)

    wait_for(lambda: len(logins()) > before, 5, "the login is logged")
    worker = logins()[-1]
    assert worker in suite.processes()
    client.quit()
    wait_for(lambda: worker not in suite.processes(), 5, "the worker's end")
