"""The address book by LDAP: logins, what each user sees, limits, pages, order."""
import socket
import ssl
import subprocess

import ldap3
import pytest
from ldap3.core.exceptions import LDAPException

from instance import Instance, wait_for
from ldap_suite import alice, ANY_CERTIFICATE, ber, connect, found, ldapsearch, PASSWORD, raw, request, suite, who, WRITE, WRITE_PASSWORD


# -- logins --

@pytest.mark.parametrize("name", ["alice@d.test", "alice", "uid=alice,ou=d.test,o=posthorn", "UID=Alice , OU=D.test,O=Posthorn"])
def test_a_simple_bind_takes_each_form_of_the_name(suite, name):
    assert who(suite, "-x", "-ZZ", "-D", name, "-w", PASSWORD) == (0, "u:alice@d.test")


def test_passwords_are_taken_under_tls_alone(suite):
    code, said = who(suite, "-x", "-D", "alice@d.test", "-w", PASSWORD)
    assert code == 13 and "StartTLS" in said
    code, said = who(suite, "-x", "-D", WRITE, "-w", WRITE_PASSWORD)
    assert code == 13, said


def test_a_wrong_password_and_an_unknown_user_look_the_same(suite):
    wrong = who(suite, "-x", "-ZZ", "-D", "alice@d.test", "-w", "wrong")
    assert wrong[0] == 49 and wrong == who(suite, "-x", "-ZZ", "-D", "nobody@d.test", "-w", "wrong")
    assert who(suite, "-x", "-ZZ", "-D", "ou=d.test,o=posthorn", "-w", PASSWORD)[0] == 49


def test_a_name_without_a_password_is_refused_and_nobody_is_anonymous(suite):
    bind = ber(0x60, ber(2, b"\3"), ber(4, b"alice@d.test"), ber(0x80, b""))
    assert ber(10, bytes([53])) in raw(suite, request(1, bind))  # RFC 4513 section 5.1.2: unwillingToPerform
    assert who(suite, "-x", "-ZZ") == (0, "anonymous")


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-1"])
def test_sasl_by_the_ldap_tools(suite, mechanism):
    code, said = who(suite, "-ZZ", "-Q", "-Y", mechanism, "-U", "alice@d.test", "-w", PASSWORD)
    assert (code, said) == (0, "u:alice@d.test")
    code, said = who(suite, "-ZZ", "-Q", "-Y", mechanism, "-U", "alice@d.test", "-w", "wrong")
    assert code == 49, said


def test_sasl_plain_by_ldap3(suite):
    con = connect(suite, None, None, authentication=ldap3.SASL, sasl_mechanism=ldap3.PLAIN,
                  sasl_credentials=(None, "alice@d.test", PASSWORD))
    assert con.extend.standard.who_am_i() == "u:alice@d.test"
    con.unbind()


def test_a_second_bind_replaces_the_first_whatever_comes_of_it(suite):
    con = connect(suite)
    assert "desk" in found(con, "(uid=desk)", "ou=d.test,o=posthorn")
    with pytest.raises(LDAPException):
        con.rebind("bob@e.test", "wrong")
    with pytest.raises(LDAPException, match="insufficientAccessRights"):
        found(con, "(uid=desk)", "ou=d.test,o=posthorn")
    con.rebind("bob@e.test", PASSWORD)
    assert con.extend.standard.who_am_i() == "u:bob@e.test"
    with pytest.raises(LDAPException, match="noSuchObject"):
        found(con, "(uid=desk)", "ou=d.test,o=posthorn")
    con.unbind()


def test_a_session_ends_with_the_right_to_it(suite):
    suite.add_user("leaver@d.test")
    con = connect(suite, "leaver@d.test")
    suite.run("user", "set", "leaver@d.test", "status=disabled")
    suite.wait_log("auth", "event=session_ended user=leaver@d.test")

    def is_over():
        try:
            found(con, "(uid=desk)")
        except LDAPException:
            return True
        return False
    wait_for(is_over, 10, "the session ends")


def test_port_636_begins_with_tls(suite):
    server = ldap3.Server("127.0.0.1", port=suite.port("ldaps"), use_ssl=True, tls=ANY_CERTIFICATE, get_info=ldap3.NONE)
    con = ldap3.Connection(server, "alice@d.test", PASSWORD, auto_bind=True)
    assert con.extend.standard.who_am_i() == "u:alice@d.test"
    con.unbind()


def test_starttls_by_openssl(suite):
    done = subprocess.run(["openssl", "s_client", "-starttls", "ldap", "-connect", f"127.0.0.1:{suite.port('ldap')}"],
                          input="", capture_output=True, text=True, timeout=30)
    assert "Cipher is TLS" in done.stdout or "TLSv1.3" in done.stdout, done.stdout + done.stderr


def test_who_does_not_log_in_has_to_go():
    inst = Instance()
    try:
        inst.setup()
        inst.set("ldap.login_timeout", "1s")
        inst.start()
        inst.add_user("alice@d.test")
        user = connect(inst)
        with socket.create_connection(("127.0.0.1", inst.port("ldap")), 20) as stranger:
            stranger.sendall(bytes.fromhex("300c020101600702010304008000"))  # an anonymous bind
            while stranger.recv(1000):
                pass
        assert user.extend.standard.who_am_i() == "u:alice@d.test"
        user.unbind()
    finally:
        inst.close()


# -- who sees what --

def test_books_are_seen_by_those_who_may(suite, alice):
    bob = connect(suite, "bob@e.test")
    assert found(alice, "(cn=desk*)") == ["desk", "desk"]  # d.test and open.test
    assert found(alice, "(objectClass=organizationalUnit)", scope=ldap3.LEVEL, attributes=["ou"]) == [
        "ou=d.test", "ou=open.test", "ou=outside"]
    assert found(bob, "(mail=desk@d.test)") == []
    assert found(bob, "(mail=desk@e.test)") == ["desk"]
    with pytest.raises(LDAPException, match="noSuchObject"):
        found(bob, "(cn=*)", "uid=desk,ou=d.test,o=posthorn", ldap3.BASE)
    with pytest.raises(LDAPException, match="noSuchObject"):
        bob.compare("uid=desk,ou=d.test,o=posthorn", "cn", "Desk of d.test")
    bob.unbind()


def test_nobody_sees_nothing_unless_the_setting_says_so(suite):
    nobody = connect(suite, None, None)
    with pytest.raises(LDAPException, match="insufficientAccessRights"):
        found(nobody, "(cn=*)")
    nobody.unbind()
    suite.set("ldap.anonymous_read", "yes")
    suite.run("reload")

    def seen():
        con = connect(suite, None, None)
        try:
            return found(con, "(mail=desk@*)")
        except LDAPException:
            return None
        finally:
            con.unbind()
    assert wait_for(seen, 20, "the reload") == ["desk"]  # open.test's
    suite.set("ldap.anonymous_read", "no")
    suite.run("reload")
    wait_for(lambda: seen() is None, 20, "the reload")


def test_changes_of_switches_and_contacts_show_at_once(suite, alice):
    suite.run("domain", "set", "e.test", "contacts_own_users_only=no")
    wait_for(lambda: found(alice, "(mail=desk@e.test)") == ["desk"], 10, "the switch")
    suite.run("domain", "set", "e.test", "contacts_own_users_only=yes")
    wait_for(lambda: found(alice, "(mail=desk@e.test)") == [], 10, "the switch")
    suite.run("domain", "set", "d.test", "publish_users=all")
    suite.run("user", "set", "alice@d.test", "full_name=Alice Liddell")
    wait_for(lambda: found(alice, "(sn=liddell)") == ["alice"], 10, "the profile")
    suite.run("domain", "set", "d.test", "publish_users=no")
    wait_for(lambda: found(alice, "(sn=liddell)") == [], 10, "the profile goes")


# -- limits, pages, order --

@pytest.fixture(scope="module")
def many(suite, alice):
    rows = "".join(f"many{i:03},Many {(i * 37) % 120:03},m{i}@many.test\n" for i in range(120))
    suite.run("contact", "import", "--book", "d.test", stdin="name,full_name,addresses\n" + rows)
    wait_for(lambda: found(alice, "(uid=many119)") == ["many119"], 10, "the contacts")
    yield [f"many{i:03}" for i in range(120)]
    suite.run("contact", "clear", "--book", "d.test", "--yes")
    suite.run("contact", "add", "desk@d.test", "full_name=Desk of d.test", "addresses=desk@d.test")


def test_size_limits(suite, many, alice):
    out = ldapsearch(suite, "-b", "o=posthorn", "(cn=many*)", "1.1", code=4)
    assert out.count("dn:") == 50  # ldap.size_limit
    out = ldapsearch(suite, "-b", "o=posthorn", "-z", "7", "(cn=many*)", "1.1", code=4)
    assert out.count("dn:") == 7
    assert ldapsearch(suite, "-b", "o=posthorn", "-z", "7", "(uid=many00*)", "1.1", code=4).count("dn:") == 7
    assert ldapsearch(suite, "-b", "o=posthorn", "-z", "10", "(uid=many00*)", "1.1").count("dn:") == 10


def test_pages_give_everything_once(many, alice):
    for size in (1, 33, 50, 500):
        uids = [e["attributes"]["uid"][0] for e in alice.extend.standard.paged_search(
            "o=posthorn", "(cn=many*)", attributes=["uid"], paged_size=size) if "attributes" in e]
        assert sorted(uids) == many, size


def test_a_cookie_belongs_to_its_search(many, alice):
    alice.search("o=posthorn", "(cn=many*)", attributes=["uid"], paged_size=5)
    cookie = alice.result["controls"]["1.2.840.113556.1.4.319"]["value"]["cookie"]
    assert cookie
    with pytest.raises(LDAPException, match="unwillingToPerform"):
        alice.search("o=posthorn", "(cn=m*)", attributes=["uid"], paged_size=5, paged_cookie=cookie)
    with pytest.raises(LDAPException, match="unwillingToPerform"):
        alice.search("o=posthorn", "(cn=many*)", attributes=["uid"], paged_size=5, paged_cookie=b"x" * 12)


def test_sorting_with_and_without_pages(suite, many):
    def names(*args):
        out = ldapsearch(suite, "-b", "o=posthorn", *args, "(|(uid=many0*)(uid=smith))", "cn", code=4 if "-E" in args and len(args) == 2 else 0)
        return [line[4:] for line in out.splitlines() if line.startswith("cn: ")]
    wanted = sorted(f"Many {(i * 37) % 120:03}" for i in range(100))
    first = names("-E", "sss=cn")
    assert first == ["John Smith"] + wanted[:49]
    paged = names("-E", "sss=-cn", "-E", "pr=30/noprompt")
    assert paged == (["John Smith"] + wanted)[::-1]
    by_two = names("-E", "!sss=l/cn", "-E", "pr=30/noprompt")
    assert by_two == ["John Smith"] + wanted  # who has no city comes last
    ldapsearch(suite, "-b", "o=posthorn", "-E", "!sss=noSuchAttribute", "(uid=smith)", code=12)
    assert "uid: smith" in ldapsearch(suite, "-b", "o=posthorn", "-E", "sss=noSuchAttribute", "(uid=smith)")


def test_matched_values(suite):
    out = ldapsearch(suite, "-b", "o=posthorn", "-E", "mv=(mail=*@y.test)", "(uid=smith)")
    assert "mail: john@y.test" in out and "js@x.test" not in out and "cn:" not in out


def test_unknown_critical_controls_are_refused(suite):
    ldapsearch(suite, "-b", "o=posthorn", "-e", "!1.2.3.4", "(uid=smith)", code=12)
    assert "uid: smith" in ldapsearch(suite, "-b", "o=posthorn", "-e", "1.2.3.4", "(uid=smith)")
