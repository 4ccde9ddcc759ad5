"""Users change their own password by LDAP (RFC 3062): ldappasswd and python3-ldap3."""
import imaplib
import os
import ssl
import subprocess

import ldap3
import pytest
from ldap3.core.exceptions import LDAPException

from instance import Instance
from ldap_suite import ANY_CERTIFICATE, ber, connect, raw, request, who

OLD, NEW = "present-Password-1", "another-Password-2"
ASK = b"1.3.6.1.4.1.4203.1.11.1"


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    inst.set("auth.failure_delay", "0")
    inst.start()
    yield inst
    inst.close()


@pytest.fixture
def user(suite, request):
    name = request.node.name.replace("_", "-")[5:35] + "@d.test"
    suite.add_user(name, OLD)
    return name


def ldappasswd(inst, *args, tls=("-ZZ",)):
    env = dict(os.environ, LDAPTLS_REQCERT="never")
    done = subprocess.run(["ldappasswd", "-x", *tls, "-H", f"ldap://127.0.0.1:{inst.port('ldap')}", *args],
                          capture_output=True, text=True, timeout=60, env=env)
    return done.returncode, done.stdout + done.stderr


def works(inst, user, password):
    """By IMAP, for it is one password for all."""
    with imaplib.IMAP4_SSL("127.0.0.1", inst.port("imaps"), ssl_context=ssl._create_unverified_context()) as client:
        try:
            return client.login(user, password)[0] == "OK"
        except imaplib.IMAP4.error:
            return False


def test_a_user_changes_the_own_password(suite, user):
    assert ldappasswd(suite, "-D", user, "-w", OLD, "-a", OLD, "-s", NEW) == (0, "")
    assert works(suite, user, NEW) and not works(suite, user, OLD)
    suite.wait_log("audit", f"who={user}")
    line = [line for line in suite.log("audit").splitlines() if f"who={user}" in line][0]
    assert "from=127.0.0.1" in line and "verb=passwd" in line and f"name={user}" in line, line
    for name in ("audit", "auth", "ldap", "account"):
        assert NEW not in suite.log(name) and OLD not in suite.log(name)


def test_the_session_goes_on_and_others_end(suite, user):
    con, other = connect(suite, user, OLD), connect(suite, user, OLD)
    assert con.extend.standard.modify_password(old_password=OLD, new_password=NEW)
    suite.wait_log("auth", f"event=session_ended user={user}")
    assert con.extend.standard.who_am_i() == f"u:{user}"
    con.unbind()
    with pytest.raises(LDAPException):
        for _ in range(100):
            other.extend.standard.who_am_i()


def test_one_is_made_up_that_keeps_the_rules(suite, user):
    suite.run("user", "set", user, "password_min_length=33", "password_classes=4")
    con = connect(suite, user, OLD)
    made_up = con.extend.standard.modify_password(old_password=OLD)
    con.unbind()
    assert isinstance(made_up, str) and len(made_up) == 33
    assert works(suite, user, made_up)
    code, said = ldappasswd(suite, "-D", user, "-w", made_up, "-a", made_up)
    assert code == 0 and "New password: " in said
    assert works(suite, user, said.split("New password: ")[1].strip())


def test_the_rules_are_asked(suite, user):
    suite.run("user", "set", user, "password_history=3", "password_min_length=10")
    for wanted, why in (("Short-1", "10 characters"), ("x" + user.split("@")[0] + "1", "name"), (OLD, "used before")):
        code, said = ldappasswd(suite, "-D", user, "-w", OLD, "-a", OLD, "-s", wanted)
        assert code == 1 and "Constraint violation (19)" in said and why in said, said
    assert works(suite, user, OLD)


def test_who_has_to_change_it_first_can(suite, user):
    suite.run("user", "set", user, "password_change_first=yes", "password_change_due=yes")
    code, said = who(suite, "-x", "-ZZ", "-D", user, "-w", OLD)
    assert code == 49 and "change it first" in said
    local = user.split("@")[0]
    for name in (user, f"uid={local},ou=d.test,o=posthorn"):
        wrong = ldappasswd(suite, "-a", "wrong", "-s", NEW, name)
        assert wrong[0] == 1 and "Invalid credentials (49)" in wrong[1]
    assert ldappasswd(suite, "-a", OLD, "-s", NEW, f"uid={local},ou=d.test,o=posthorn")[0] == 0
    assert who(suite, "-x", "-ZZ", "-D", user, "-w", NEW) == (0, f"u:{user}")


def test_the_present_password_and_tls_are_needed(suite, user):
    code, said = ldappasswd(suite, "-a", OLD, "-s", NEW, user, tls=())
    assert "Confidentiality required (13)" in said, said
    for args in (("-D", user, "-w", OLD, "-s", NEW), ("-D", user, "-w", OLD), ("-a", OLD, "-s", NEW)):
        code, said = ldappasswd(suite, *args)
        assert "unwilling to perform (53)" in said, said
    code, said = ldappasswd(suite, "-D", user, "-w", OLD, "-a", NEW, "-s", NEW)
    assert "Invalid credentials (49)" in said
    suite.wait_log("ldap", "event=login_failed mechanism=password")
    for name in ("nobody@d.test", "cn=write,o=posthorn", "ou=d.test,o=posthorn"):
        con = connect(suite, user, OLD)
        with pytest.raises(LDAPException, match="invalidCredentials"):
            con.extend.standard.modify_password(name, OLD, NEW)
        con.unbind()
    assert works(suite, user, OLD)


def test_a_code_opens_mail_and_no_password(suite, user):
    code = suite.json("user", "code", "create", user)["code"]
    assert works(suite, user, code)
    assert "Invalid credentials (49)" in ldappasswd(suite, "-a", code, "-s", NEW, user)[1]
    assert works(suite, user, OLD)


def test_who_is_switched_off_changes_nothing(suite, user):
    suite.run("user", "set", user, "status=disabled")
    assert "unwilling to perform (53)" in ldappasswd(suite, "-a", OLD, "-s", NEW, user)[1]


def test_one_of_somebody_else_takes_that_ones_password(suite, user):
    suite.add_user("else@d.test", "its-Password-9")
    con = connect(suite, user, OLD)
    with pytest.raises(LDAPException, match="invalidCredentials"):
        con.extend.standard.modify_password("else@d.test", OLD, NEW)
    assert con.extend.standard.modify_password("else@d.test", "its-Password-9", NEW)
    assert con.extend.standard.who_am_i() == f"u:{user}"
    con.unbind()
    assert works(suite, "else@d.test", NEW) and works(suite, user, OLD)


def test_the_root_tells_of_it(suite):
    server = ldap3.Server("127.0.0.1", port=suite.port("ldap"), tls=ANY_CERTIFICATE, get_info=ldap3.DSA)
    con = ldap3.Connection(server, auto_bind=True)
    assert ASK.decode() in [row[0] for row in server.info.supported_extensions]
    con.unbind()


@pytest.mark.parametrize("value", [b"", b"\x31\0", ber(0x30, ber(0x83, b"x")), ber(0x30, ber(0x81, b"x"), ber(0x80, b"y")), ber(0x30) + b"\0",
                                   ber(0x30, b"\x80\x7f")], ids=range(6))
def test_what_is_malformed_is_refused(suite, value):
    got = raw(suite, request(9, ber(0x77, ber(0x80, ASK), ber(0x81, value))))
    assert b"\x02\x01\x09\x78" in got and (b"\x0a\x01\x02" in got or value == b"" and b"\x0a\x01\x0d" in got), got
