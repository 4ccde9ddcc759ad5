"""The address book by LDAP: logins, what each user sees, every kind of filter, pages, order, changes.

Mail programs cannot be driven here; test_mail_programs_ask_like_this has the filters that they send,
as their documentation and sources give them."""
import os
import pty
import select
import socket
import ssl
import struct
import subprocess
import time

import ldap3
import pytest
from ldap3.core.exceptions import LDAPException

from instance import Instance, wait_for

PASSWORD = "secret-of-test"
WRITE = "cn=write,o=posthorn"
WRITE_PASSWORD = "pen-of-the-test"
ANY_CERTIFICATE = ldap3.Tls(validate=ssl.CERT_NONE)
CONTACTS = """name,full_name,addresses,company,phone_office,city
smith@outside,John Smith,js@x.test;john@y.test,ACME Ltd,+1 234-56 78,Paris
smythe@outside,Jane  Smythe,jane@x.test,ACME Ltd,+1 99,London
mueller@outside,Jörg Müller,jm@z.test,Müller & Söhne,+49 30 1,Köln
wang@outside,王小明,wang@c.test,,,北京
"odd,name@outside","Odd, Name (the \\ *)",odd@x.test,,,
"""


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    services = inst.root / "etc/services.conf"
    services.write_text(services.read_text().replace("listen = ldap:389", "listen = ldap:389 ldaps:636"))
    secret = inst.root / "etc/write"
    secret.write_text(WRITE_PASSWORD + "\n")
    secret.chmod(0o600)
    inst.set("ldap.write_password_file", "write")
    inst.set("ldap.size_limit", "50")
    inst.start()
    inst.run("domain", "add", "e.test")
    inst.run("domain", "add", "open.test", "contacts_own_users_only=no")
    for user in ("alice@d.test", "bob@e.test"):
        inst.add_user(user)
    for domain in ("d.test", "e.test", "open.test"):
        inst.run("contact", "add", f"desk@{domain}", f"full_name=Desk of {domain}", f"addresses=desk@{domain}")
    # a ',' in a name is no local part without quotes: it is refused and reported
    done = inst.run("contact", "import", stdin=CONTACTS, check=False)
    assert done.out.startswith("4 added"), (done.out, done.err)
    inst.run("contact", "add", "odd@outside", "full_name=Odd, Name (the \\ *)", "addresses=odd@x.test")
    yield inst
    inst.close()


def connect(inst, user="alice@d.test", password=PASSWORD, **how):
    server = ldap3.Server("127.0.0.1", port=inst.port("ldap"), tls=ANY_CERTIFICATE, get_info=ldap3.NONE)
    con = ldap3.Connection(server, user, password, raise_exceptions=True, receive_timeout=20, **how)
    con.open()
    con.start_tls()
    con.bind()
    return con


def found(con, filter, base="o=posthorn", scope=ldap3.SUBTREE, attributes=("uid",)):
    con.search(base, filter, scope, attributes=list(attributes))
    return sorted(e["dn"].split(",")[0].removeprefix("uid=") for e in con.response if e["type"] == "searchResEntry")


@pytest.fixture(scope="module")
def alice(suite):
    con = connect(suite)
    yield con
    con.unbind()


def ldapsearch(inst, *args, code=0, auth=("-x", "-ZZ", "-D", "alice@d.test", "-w", PASSWORD)):
    env = dict(os.environ, LDAPTLS_REQCERT="never")
    done = subprocess.run(["ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-H", f"ldap://127.0.0.1:{inst.port('ldap')}", *auth,
                           *args], capture_output=True, text=True, timeout=30, env=env)
    assert done.returncode == code, (done.stdout, done.stderr)
    return done.stdout


# -- logins --

def who(inst, *auth):
    env = dict(os.environ, LDAPTLS_REQCERT="never")
    done = subprocess.run(["ldapwhoami", "-H", f"ldap://127.0.0.1:{inst.port('ldap')}", *auth], capture_output=True,
                          text=True, timeout=30, env=env)
    return done.returncode, (done.stdout + done.stderr).strip()


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


# -- filters --

FILTERS = [
    ("(cn=john smith)", ["smith"]), ("(cn=John   Smith)", ["smith"]), ("(CN=JOHN SMITH)", ["smith"]),
    ("(commonName=jane smythe)", ["smythe"]), ("(2.5.4.3=jane smythe)", ["smythe"]),
    ("(sn=sm*)", ["smith", "smythe"]), ("(sn=*th*)", ["smith", "smythe"]), ("(sn=*the)", ["smythe"]),
    ("(cn=j*n*sm*th)", ["smith"]), ("(cn=s*)", []), ("(sn=s*)", ["smith", "smythe"]), ("(cn=*x*)", []),
    ("(cn=jörg*)", ["mueller"]), ("(cn=JÖRG MÜLLER)", ["mueller"]), ("(sn=*üll*)", ["mueller"]),
    ("(cn=*小*)", ["wang"]), ("(cn=王*)", ["wang"]), ("(givenName=john)", ["smith"]),
    ("(mail=john@y.test)", ["smith"]), ("(mail=*@x.test)", ["odd", "smith", "smythe"]), ("(mail=JS@*)", ["smith"]),
    ("(telephoneNumber=+123456 78)", ["smith"]), ("(telephoneNumber=*5678)", ["smith"]),
    ("(o=acme ltd)", ["smith", "smythe"]), ("(&(o=acme*)(l=paris))", ["smith"]),
    ("(|(uid=wang)(uid=smith))", ["smith", "wang"]), ("(&(sn=sm*)(!(l=paris)))", ["smythe"]),
    ("(!(|(cn=*)(ou=*)))", ["o=posthorn"]), ("(&(uid=*)(!(o=*)))", ["desk", "desk", "odd", "wang"]),
    ("(uid>=smith)", ["smith", "smythe", "wang"]), ("(uid<=desk)", ["desk", "desk"]),
    ("(createTimestamp>=20200101000000Z)", ["desk", "desk", "mueller", "odd", "smith", "smythe", "wang"]),
    ("(createTimestamp<=20200101000000Z)", []), ("(cn~=john smith)", ["smith"]),
    ("(cn:caseExactMatch:=John Smith)", ["smith"]), ("(cn:caseExactMatch:=john smith)", []),
    ("(cn:2.5.13.2:=JOHN SMITH)", ["smith"]), ("(:caseIgnoreMatch:=paris)", ["smith"]),
    ("(&(ou:dn:=OUTSIDE)(uid=smith))", ["smith"]), ("(&(ou=outside)(uid=smith))", []),
    ("(cn:noSuchRule:=x)", []), ("(!(cn:noSuchRule:=x))", []), ("(!(noSuchAttribute=x))", []),
    ("(&(noSuchAttribute=x)(uid=smith))", []), ("(|(noSuchAttribute=x)(uid=smith))", ["smith"]),
    ("(telephoneNumber>=1)", []), ("(objectClass=INETORGPERSON)", ["desk", "desk", "mueller", "odd", "smith", "smythe", "wang"]),
    ("(objectClass=organization)", ["o=posthorn"]), ("(cn=Odd, Name \\28the \\5c \\2a\\29)", ["odd"]),
    ("(cn;lang-de=john smith)", []), ("(&)", None), ("(|)", []),
]


@pytest.mark.parametrize("filter,uids", FILTERS, ids=[f for f, _ in FILTERS])
def test_filters_find(suite, alice, filter, uids):
    if filter in ("(&)", "(|)"):  # RFC 4526: ldap3 does not know them
        out = ldapsearch(suite, "-b", "o=posthorn", filter, "1.1")
        assert out.count("dn:") == (0 if uids == [] else 11)
        return
    assert found(alice, filter) == uids


def test_mail_programs_ask_like_this(alice):
    # Thunderbird: ldap_2.servers.default.autoComplete.filterTemplate and the (|...) of its search
    assert found(alice, "(&(objectclass=*)(|(cn=*smi*)(mail=*smi*)(sn=*smi*)))", "") == ["smith"]
    assert found(alice, "(|(cn=smy*)(givenName=smy*)(sn=smy*)(mail=smy*)(displayName=smy*))", "") == ["smythe"]
    # Evolution: beginswith "x" on the fields of its contact, an anonymous (objectClass=*) probe, and the person's class
    assert found(alice, "(&(|(objectClass=person)(objectClass=inetOrgPerson))(|(cn=joh*)(sn=joh*)(mail=joh*)(displayName=joh*)))", "") == ["smith"]
    # Outlook: ANR by (mail=x*)(cn=x*)(sn=x*)(givenName=x*)(displayName=x*), sizeLimit 100, attributes by name
    assert found(alice, "(&(mail=*)(|(mail=jane*)(cn=jane*)(sn=jane*)(givenName=jane*)(displayName=jane*)))", "") == ["smythe"]
    # Apple: (|(givenname=*x*)(sn=*x*)(cn=*x*)(mail=*x*)) ; mutt_ldap_query, alpine: (|(cn=*x*)(mail=*x*)(sn=*x*))
    assert found(alice, "(|(givenname=*mü*)(sn=*mü*)(cn=*mü*)(mail=*mü*))", "") == ["mueller"]


@pytest.mark.parametrize("base,scope,dns", [
    ("o=posthorn", "base", ["o=posthorn"]), ("o=posthorn", "one", ["ou=d.test", "ou=open.test", "ou=outside"]),
    ("ou=outside,o=posthorn", "base", ["ou=outside"]), ("ou=d.test,o=posthorn", "one", ["uid=desk"]),
    ("ou=d.test,o=posthorn", "sub", ["ou=d.test", "uid=desk"]), ("OU=D.TEST,O=PostHorn", "children", ["uid=desk"]),
    ("uid=DESK,ou=d.test,o=posthorn", "base", ["uid=desk"]), ("uid=desk,ou=d.test,o=posthorn", "one", []),
    ("", "one", ["o=posthorn"])])
def test_scopes(suite, base, scope, dns):
    out = ldapsearch(suite, "-b", base, "-s", scope, "(objectClass=*)", "1.1")
    assert sorted(line[4:].split(",")[0] for line in out.splitlines() if line.startswith("dn: ")) == dns


def test_an_unknown_base_tells_what_is_there(suite):
    out = ldapsearch(suite, "-b", "uid=none,ou=outside,o=posthorn", code=32)
    assert ldapsearch(suite, "-b", "o=elsewhere", code=32) == "" and out.strip() in ("", "Matched DN: o=posthorn")
    ldapsearch(suite, "-b", "this is none", code=34)


def test_attributes_are_chosen(suite):
    one = ("-b", "uid=smith,ou=outside,o=posthorn", "-s", "base", "(objectClass=*)")
    out = ldapsearch(suite, *one, "mail", "TELEPHONENUMBER", "unknown")
    assert out.splitlines() == ["dn: uid=smith,ou=outside,o=posthorn", "mail: js@x.test", "mail: john@y.test",
                                "telephoneNumber: +1 234-56 78", ""]
    assert "createTimestamp" not in ldapsearch(suite, *one) and "createTimestamp: 20" in ldapsearch(suite, *one, "+")
    assert ldapsearch(suite, *one, "1.1").splitlines() == ["dn: uid=smith,ou=outside,o=posthorn", ""]
    assert "mail:\n" in ldapsearch(suite, "-A", *one, "mail")


def test_the_root_and_the_schema_describe_the_server(suite):
    nobody = ("-x", "-ZZ")
    root = ldapsearch(suite, "-b", "", "-s", "base", "+", auth=nobody)
    assert "namingContexts: o=posthorn" in root and "supportedSASLMechanisms: PLAIN" in root
    assert "1.3.6.1.4.1.1466.20037" not in root  # TLS is on already
    assert "1.3.6.1.4.1.1466.20037" in ldapsearch(suite, "-b", "", "-s", "base", "+", auth=("-x",))
    server = ldap3.Server("127.0.0.1", port=suite.port("ldap"), tls=ANY_CERTIFICATE, get_info=ldap3.ALL)
    con = ldap3.Connection(server, "alice@d.test", PASSWORD)
    con.open()
    con.start_tls()
    assert con.bind()
    assert {"inetOrgPerson", "organizationalUnit", "posthornPerson"} <= set(server.schema.object_classes)
    assert server.schema.attribute_types["mail"].equality == ["caseIgnoreMatch"]
    for name in server.schema.object_classes["inetOrgPerson"].may_contain + server.schema.object_classes["person"].must_contain:
        assert name in server.schema.attribute_types, name
    con.unbind()


def test_compare(alice):
    smith = "uid=smith,ou=outside,o=posthorn"
    assert alice.compare(smith, "cn", "john SMITH") is True
    assert alice.compare(smith, "mail", "none@x.test") is False
    with pytest.raises(LDAPException, match="noSuchObject"):
        alice.compare("uid=none,ou=outside,o=posthorn", "cn", "x")
    with pytest.raises(LDAPException, match="undefinedAttributeType"):
        alice.compare(smith, "noSuchAttribute", "x")
    with pytest.raises(LDAPException, match="noSuchAttribute"):  # the entry has none
        alice.compare(smith, "mobile", "123")


@pytest.mark.parametrize("filter, there", [
    ("(objectClass=*)", True), ("(&)", True), ("(|)", False), ("(&(objectClass=*)(objectClass=top))", True),
    ("(|(cn=x)(objectClass=top))", True), ("(!(objectClass=top))", False), ("(!(cn=x))", True), ("(cn=x)", False)])
def test_filters_of_the_root(suite, filter, there):
    out = ldapsearch(suite, "-s", "base", "-b", "", filter, "supportedLDAPVersion", auth=("-x",))
    assert ("supportedLDAPVersion: 3" in out) == there


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


# -- changes --

@pytest.fixture(scope="module")
def writer(suite):
    con = connect(suite, WRITE, WRITE_PASSWORD)
    yield con
    con.unbind()


def test_who_has_the_write_password_changes_contacts(suite, writer, alice):
    dn = "uid=new,ou=outside,o=posthorn"
    assert writer.extend.standard.who_am_i() == f"dn:{WRITE}"
    writer.add(dn, ["inetOrgPerson", "posthornPerson"], {"cn": "New Person", "sn": "Person", "mail": ["n@x.test", "m@x.test"], "co": "Wales"})
    assert found(alice, "(cn=new person)") == ["new"]  # at once
    shown = suite.json("contact", "show", "new@outside")
    assert shown["addresses"] == ["n@x.test", "m@x.test"] and shown["country"] == "Wales"
    writer.modify(dn, {"mail": [(ldap3.MODIFY_DELETE, ["N@x.test"]), (ldap3.MODIFY_ADD, ["p@x.test"])],
                       "telephoneNumber": [(ldap3.MODIFY_REPLACE, ["+1"])], "co": [(ldap3.MODIFY_DELETE, [])]})
    shown = suite.json("contact", "show", "new@outside")
    assert (shown["addresses"], shown["phone_office"], shown["country"]) == (["m@x.test", "p@x.test"], "+1", "")
    assert found(alice, "(mail=n@x.test)") == [] and found(alice, "(mail=p@x.test)") == ["new"]
    writer.delete(dn)
    assert found(alice, "(uid=new)") == []


@pytest.mark.parametrize("dn,attributes,why", [
    ("uid=smith,ou=outside,o=posthorn", {"cn": "X Y", "sn": "Y"}, "entryAlreadyExists"),
    ("uid=a,ou=far.test,o=posthorn", {"cn": "X Y", "sn": "Y"}, "noSuchObject"),
    ("cn=a,ou=outside,o=posthorn", {"cn": "a", "sn": "a"}, "namingViolation"),
    ("uid=a,ou=outside,o=posthorn", {"cn": "X Y", "sn": "Z"}, "constraintViolation"),
    ("uid=a,ou=outside,o=posthorn", {"cn": "X Y", "sn": "Y", "mail": "none"}, "constraintViolation"),
    ("uid=a,ou=outside,o=posthorn", {"cn": "X Y", "sn": "Y", "uid": "b"}, "notAllowedOnRDN"),
    ("uid=a,ou=outside,o=posthorn", {"cn": "X Y", "sn": "Y", "drink": "tea"}, "undefinedAttributeType"),
    ("ou=new.test,o=posthorn", {"cn": "X"}, "unwillingToPerform"),
])
def test_what_cannot_be_added(writer, dn, attributes, why):
    with pytest.raises(LDAPException, match=why):
        writer.add(dn, ["inetOrgPerson"], attributes)


def test_nobody_else_changes_anything(suite, alice):
    for change in (lambda: alice.add("uid=a,ou=d.test,o=posthorn", ["inetOrgPerson"], {"cn": "A", "sn": "A"}),
                   lambda: alice.modify("uid=smith,ou=outside,o=posthorn", {"l": [(ldap3.MODIFY_REPLACE, ["Rome"])]}),
                   lambda: alice.delete("uid=smith,ou=outside,o=posthorn")):
        with pytest.raises(LDAPException, match="insufficientAccessRights"):
            change()
    with pytest.raises(LDAPException, match="unwillingToPerform"):
        alice.modify_dn("uid=smith,ou=outside,o=posthorn", "uid=smyth")
    with pytest.raises(LDAPException, match="invalidCredentials"):
        connect(suite, WRITE, "wrong")


def on_a_terminal(command, env, prompt, key):
    """Runs it, presses the key at the prompt, and returns what it showed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, env=env, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    shown, pressed, end = b"", False, time.monotonic() + 30
    while time.monotonic() < end:
        if select.select([ours], [], [], 0.1)[0]:
            try:
                shown += os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
        if prompt in shown and not pressed:
            pressed = True
            os.write(ours, key)
    os.close(ours)
    process.kill()
    process.wait()
    return shown.decode(errors="replace")


def test_ldapvi_edits(suite):
    script = suite.root / "edit.sh"
    script.write_text("#!/bin/sh\nfor f; do case $f in /*) sed -i 's/^l: Paris/l: Lyon/; s/^mail: js@x.test/mail: jsmith@x.test/' \"$f\";; esac; done\n")
    script.chmod(0o755)
    env = dict(os.environ, EDITOR=str(script), VISUAL=str(script), HOME=str(suite.root), TERM="xterm")
    said = on_a_terminal(["ldapvi", "--bind", "simple", "-h", f"ldap://127.0.0.1:{suite.port('ldap')}", "--starttls", "--tls", "never",
                          "-D", WRITE, "-w", WRITE_PASSWORD, "-b", "ou=outside,o=posthorn", "-Z", "(uid=smith)"], env, b"Action?", b"y")
    shown = suite.json("contact", "show", "smith@outside")
    assert shown["city"] == "Lyon" and sorted(shown["addresses"]) == ["john@y.test", "jsmith@x.test"], said
    suite.run("contact", "set", "smith@outside", "city=Paris", "addresses=js@x.test;john@y.test")


# -- hostile input --

def ber(tag, *content):
    body = b"".join(content)
    length = bytes([len(body)]) if len(body) < 128 else b"\x84" + struct.pack(">I", len(body))
    return bytes([tag]) + length + body


def request(number, *content):
    return ber(0x30, ber(2, bytes([number])), *content)


def search(filter):
    return ber(0x63, ber(4, b""), ber(10, b"\0"), ber(10, b"\0"), ber(2, b"\0"), ber(2, b"\0"), ber(1, b"\0"), filter, ber(0x30))


def nested(depth, op=0xa2):
    filter = ber(0x87, b"cn")
    for _ in range(depth):
        filter = ber(op, filter)
    return filter


def raw(inst, data, half_close=True):
    with socket.create_connection(("127.0.0.1", inst.port("ldap")), timeout=20) as sock:
        sock.sendall(data)
        if half_close:
            sock.shutdown(socket.SHUT_WR)
        got = b""
        while True:
            try:
                more = sock.recv(65536)
            except ConnectionResetError:
                break
            if not more:
                break
            got += more
        return got


DISCONNECTION = b"1.3.6.1.4.1.1466.20036"


@pytest.mark.parametrize("data", [
    b"GET / HTTP/1.0\r\n\r\n", b"\x30\x84\xff\xff\xff\xff", b"\x30\x80\x02\x01\x01\x00\x00", b"\x30\x85\x01\x01\x01\x01\x01",
    b"\x30\x84\x7f\xff\xff\xff" + b"x" * 100, ber(0x30), request(1), ber(0x30, ber(2, b"\xff"), ber(0x42)),
    ber(0x30, ber(2, b"\1"), ber(0x42), ber(0xa0, ber(0x30, ber(4, b"1.2"), ber(1, b"\1\1")))), request(1, ber(0x7e, b"x")),
    ber(0x30, ber(2, b"\1"), b"\x63\x7f\x01"), request(1, ber(0x42), ber(0xa0, *[ber(0x30, ber(4, b"1.2"))] * 17)),
], ids=range(12))
def test_what_is_no_ldap_ends_the_session_with_a_notice(suite, data):
    assert DISCONNECTION in raw(suite, data)


@pytest.mark.parametrize("filter", [nested(33), nested(5000), ber(0xa0, *[ber(0x87, b"cn")] * 300), ber(0xa4, ber(4, b"cn"), ber(0x30)),
                                    ber(0xa4, ber(4, b"cn"), ber(0x30, ber(0x82, b"x"), ber(0x80, b"y"))), ber(0xa2), ber(0xaf, b"x"),
                                    ber(0xa4, ber(4, b"cn"), ber(0x30, *[ber(0x81, b"x")] * 600)), ber(0xa9, ber(0x83, b"x"))], ids=range(9))
def test_filters_have_limits(suite, filter):
    got = raw(suite, request(7, search(filter)))
    assert b"\x02\x01\x07\x65" in got and b"\x0a\x01\x02" in got, got  # its own response, protocolError


def test_a_deep_filter_below_the_limit_is_evaluated(suite, alice):
    assert found(alice, "(!" * 30 + "(uid=smith)" + ")" * 30) == ["smith"]


def test_requests_may_come_together_and_in_pieces(suite):
    one = request(1, search(ber(0x87, b"objectClass")))
    two = request(2, search(ber(0x87, b"objectClass")))
    got = raw(suite, one + two + request(3, ber(0x42)))
    assert got.count(b"\x02\x01\x01\x64") == got.count(b"\x02\x01\x02\x64") == 1
    with socket.create_connection(("127.0.0.1", suite.port("ldap")), timeout=20) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in one:
            sock.sendall(bytes([byte]))
        assert b"objectClass" in sock.recv(65536)


def test_what_comes_before_tls_is_thrown_away(suite):
    start = request(1, ber(0x77, ber(0x80, b"1.3.6.1.4.1.1466.20037")))
    with socket.create_connection(("127.0.0.1", suite.port("ldap")), timeout=20) as sock:
        sock.sendall(start + request(2, search(ber(0x87, b"objectClass"))))
        assert b"\x0a\x01\x00" in sock.recv(4096)
        context = ssl._create_unverified_context()
        tls = context.wrap_socket(sock)
        tls.settimeout(20)
        tls.sendall(request(3, search(ber(0x87, b"objectClass"))))
        got = tls.recv(65536)
        assert b"\x02\x01\x03" in got and b"\x02\x01\x02\x64" not in got
        tls.close()
    suite.wait_log("ldap", "event=starttls_injection")


def test_an_abandoned_search_and_unbind(suite):
    abandon = request(2, ber(0x50, b"\1"))
    got = raw(suite, request(1, search(ber(0x87, b"objectClass"))) + abandon + request(3, search(ber(0x87, b"objectClass"))))
    assert b"\x02\x01\x03" in got


def test_a_change_of_thousands_at_once_is_read_anew(suite):
    more = "".join(f"contact bulk{i}@outside\n    full_name Bulk {i}\n" for i in range(5000))
    suite.run("import", "--replace", stdin=suite.run("export").out + more)
    con = connect(suite)
    wait_for(lambda: found(con, "(uid=bulk4999)") == ["bulk4999"], 20, "the import")
    assert found(con, "(uid=smith)") == ["smith"]
    suite.run("contact", "add", "behind@outside", "full_name=Behind It")
    wait_for(lambda: found(con, "(cn=behind it)") == ["behind"], 10, "a change behind it")
    suite.run("contact", "remove", "behind@outside")
    con.unbind()


def test_the_contacts_are_there_again_after_a_crash(suite):
    pid = [row["pid"] for row in suite.json("status", "--sandbox") if row["program"] == "directoryd"][0]
    os.kill(int(pid), 9)

    def there():
        try:
            con = connect(suite)
            return found(con, "(uid=smith)") == ["smith"]
        except (LDAPException, OSError):
            return False
    wait_for(there, 20, "directoryd is back")
