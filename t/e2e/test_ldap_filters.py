"""Searches of the address book: every kind of filter, scopes, attributes, the schema, compare.

Mail programs cannot be driven here; test_mail_programs_ask_like_this has the filters that they send,
as their documentation and sources give them."""
import ldap3
import pytest
from ldap3.core.exceptions import LDAPException

from ldap_suite import alice, ANY_CERTIFICATE, found, ldapsearch, PASSWORD, suite


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
    ("(objectClass=2.16.840.1.113730.3.2.2)", ["desk", "desk", "mueller", "odd", "smith", "smythe", "wang"]), ("(objectClass=2.5.6.4)", ["o=posthorn"]),
    ("(!(objectClass=nonsense))", []), ("(!(member=nobody))", []), ("(!(createTimestamp>=yesterday))", []), ("(!(cn=\\ff))", []),
    ("(&(uid=wang)(!(objectClass=1.2.3)))", ["wang"]), ("(&(uid=wang)(createTimestamp>=2020010100,5+0100))", ["wang"]),
    ("(&(uid=wang)(subschemaSubentry= CN = subschema ))", ["wang"]), ("(&(uid=wang)(o:dn:=posthorn))", ["wang"]),
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


def test_an_unknown_base_tells_what_is_there(suite, alice):
    for base, there in (("uid=none,ou=outside,o=posthorn", "ou=outside,o=posthorn"), ("uid=none,ou=e.test,o=posthorn", "o=posthorn"),
                        ("ou=none.test,o=posthorn", "o=posthorn"), ("cn=x,uid=smith,ou=outside,o=posthorn", "ou=outside,o=posthorn")):
        with pytest.raises(LDAPException, match="noSuchObject"):
            alice.search(base, "(objectClass=*)")
        assert alice.result["dn"] == there
    assert ldapsearch(suite, "-b", "o=elsewhere", code=32) == ""
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
