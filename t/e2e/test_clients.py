"""Mail programs that we did not write, doing what people do with them."""
import os
import re
import shutil
import smtplib
import ssl
import subprocess

import pytest

from conftest import PASSWORD
from instance import wait_for

TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
TLS.check_hostname, TLS.verify_mode = False, ssl.CERT_NONE


def send(suite, subject, to="bob@d.test"):
    with smtplib.SMTP("127.0.0.1", suite.port("submission"), timeout=20) as client:
        client.starttls(context=TLS)
        client.login("alice@d.test", PASSWORD)
        client.sendmail("alice@d.test", [to], f"From: alice@d.test\r\nTo: {to}\r\n"
                        f"Subject: {subject}\r\n\r\nhello from {subject}\r\n")
    suite.wait_queue_empty()


def run(command, **kwargs):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=60,
                          errors="replace", **kwargs)
    return done.returncode, done.stdout + done.stderr


def test_getmail_takes_new_mail_once(suite, tmp_path):
    send(suite, "for-getmail")
    box = tmp_path / "taken"
    (tmp_path / "getmailrc").write_text(f"""\
[retriever]
type = SimplePOP3SSLRetriever
server = 127.0.0.1
port = {suite.port("pop3s")}
username = bob@d.test
password = {PASSWORD}
[destination]
type = MDA_external
path = /usr/bin/tee
arguments = ("--append", "{box}")
allow_root_commands = true
[options]
read_all = false
delete = false
""")
    for _ in range(2):
        code, text = run(["getmail", "--getmaildir", tmp_path, "--rcfile", "getmailrc"])
        assert code == 0, text
    assert box.read_text().count("Subject: for-getmail") == 1


def mutt_sends(inst, tmp_path, *settings):
    """Exit code and text of a mutt that sends to bob as alice."""
    (tmp_path / "rc").write_text(f"""\
set from = "alice@d.test"
set ssl_force_tls = yes
set ssl_verify_host = no
set ssl_verify_dates = no
set certificate_file = "{tmp_path}/accepted"
set smtp_url = "smtp://alice%40d.test@127.0.0.1:{inst.port("submission")}/"
set smtp_pass = "{PASSWORD}"
set copy = no
""" + "".join(f"set {setting}\n" for setting in settings))
    shutil.copy(inst.root / "etc/certs/cert.pem", tmp_path / "accepted")
    environment = {**os.environ, "HOME": str(tmp_path), "TERM": "dumb"}
    return run(["mutt", "-F", tmp_path / "rc", "-n", "-s", "by-mutt", "--", "bob@d.test"],
               input="sent with mutt\n", env=environment)


def test_mutt_needs_no_setting_where_plus_is_off(instance, tmp_path):
    """mutt 2.2 takes SCRAM-SHA-256-PLUS and lacks the binding that RFC 9266 asks for (authd(8))."""
    instance.set("auth.mechanisms", "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN")
    instance.start()
    for name in ("alice", "bob"):
        instance.add_user(f"{name}@d.test", PASSWORD)
    code, text = mutt_sends(instance, tmp_path)
    assert code == 0, text


def test_mutt_sends_and_reads(suite, tmp_path):
    code, text = mutt_sends(suite, tmp_path, 'smtp_authenticators = "plain"')
    assert code == 0, text
    suite.wait_queue_empty()
    code, text = run(["curl", "-sS", "--insecure", "--ssl-reqd", "--user", f"bob@d.test:{PASSWORD}",
                      f"imap://127.0.0.1:{suite.port('imap')}/INBOX?SUBJECT%20by-mutt"])
    assert code == 0 and text.split()[-1].isdigit(), text


@pytest.mark.parametrize("label, greeting, leave", [("smtps", "220 ", "QUIT"), ("imaps", "* OK", "a LOGOUT"),
                                                    ("pop3s", "+OK", "QUIT")])
def test_openssl_sees_tls_from_the_first_byte(suite, label, greeting, leave):
    code, text = run(["openssl", "s_client", "-quiet", "-connect", f"127.0.0.1:{suite.port(label)}"],
                     input=f"{leave}\r\n")
    assert greeting in text


@pytest.mark.parametrize("label, protocol", [("smtp", "smtp"), ("submission", "smtp"), ("imap", "imap"),
                                             ("pop3", "pop3")])
def test_openssl_starttls_gets_tls13_and_nothing_old(suite, label, protocol):
    base = ["openssl", "s_client", "-starttls", protocol, "-connect", f"127.0.0.1:{suite.port(label)}"]
    code, text = run(base, input="")
    assert code == 0 and "TLSv1.3" in text, text
    code, text = run([*base, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"], input="")
    assert code != 0 and "New, (NONE)" in text, text


OLD = (("-tls1", "TLSv1"), ("-tls1_1", "TLSv1.1"))


def old_hello(inst, label, option, *starttls):
    return run(["openssl", "s_client", *starttls, "-connect", f"127.0.0.1:{inst.port(label)}", option,
                "-cipher", "ALL:@SECLEVEL=0"], input="")


def test_old_tls_is_spoken_where_a_port_is_named_and_nowhere_else(instance):
    instance.set("tls.old_ports", "smtps pop3")
    instance.start()
    for option, version in OLD:
        for label, *starttls in (("smtps",), ("pop3", "-starttls", "pop3")):
            code, text = old_hello(instance, label, option, *starttls)
            assert code == 0 and re.search(rf"Protocol *: {re.escape(version)}$", text, re.MULTILINE), text
        for label, *starttls in (("imaps",), ("pop3s",), ("submission", "-starttls", "smtp"), ("admin",)):
            code, text = old_hello(instance, label, option, *starttls)
            assert code != 0 and "New, (NONE)" in text, (label, text)
    code, text = run(["openssl", "s_client", "-connect", f"127.0.0.1:{instance.port('smtps')}"], input="")
    assert code == 0 and "TLSv1.3" in text, text
    code, text = run(["openssl", "s_client", "-connect", f"127.0.0.1:{instance.port('smtps')}", "-tls1_2",
                      "-sigalgs", "RSA+SHA1:ECDSA+SHA1", "-cipher", "ALL:@SECLEVEL=0"], input="")
    assert code != 0 and "New, (NONE)" in text, text
    done = instance.run("doctor", check=False)
    assert re.search(r"^warn\S* +tls +smtps pop3: TLS 1.0 and 1.1", done.out, re.MULTILINE), done.out
    instance.run("config", "set", "tls.old_ports", "")
    instance.run("reload")
    wait_for(lambda: old_hello(instance, "smtps", "-tls1")[0] != 0, 10, "the port takes new versions alone")
    assert "TLS 1.0" not in instance.run("doctor", check=False).out
    done = instance.run("config", "set", "tls.old_ports", "ssl3", check=False)
    assert done.returncode != 0 and "smtps" in done.err, done.err


def test_swaks_with_each_mechanism(suite):
    for mechanism in ("PLAIN", "LOGIN"):
        code, text = run(["swaks", "--server", f"127.0.0.1:{suite.port('submission')}", "--tls", "--auth",
                          mechanism, "--auth-user", "alice@d.test", "--auth-password", PASSWORD,
                          "--from", "alice@d.test", "--to", "bob@d.test", "--header",
                          f"Subject: swaks-{mechanism}"])
        assert code == 0, text
    suite.wait_queue_empty()


def test_lists_by_curl_show_what_came(suite):
    send(suite, "for-curl")

    def seen():
        code, text = run(["curl", "-sS", "--insecure", "--user", f"bob@d.test:{PASSWORD}",
                          f"pop3s://127.0.0.1:{suite.port('pop3s')}/"])
        assert code == 0, text
        return len(text.split("\n")) > 1
    wait_for(seen, 10, "the message is in curl's list")
