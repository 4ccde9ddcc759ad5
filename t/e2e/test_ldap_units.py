"""Units of the organisation in the address book (DIR-21, RFC 4519 section 3.11): a tree below their domain."""
import ldap3
import pytest
from ldap3.core.exceptions import LDAPException, LDAPNoSuchObjectResult

from instance import Instance, wait_for
from ldap_suite import ber, connect, ldapsearch, PASSWORD, WRITE, WRITE_PASSWORD

BOOK = "ou=d.test,o=posthorn"
ACME, SALES, LAB, NORTH = (f"{unit},{BOOK}" for unit in ("ou=acme", "ou=sales,ou=acme", "ou=lab,ou=acme", "ou=north,ou=sales,ou=acme"))


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    secret = inst.root / "etc/write"
    secret.write_text(WRITE_PASSWORD + "\n")
    secret.chmod(0o600)
    inst.set("ldap.write_password_file", "write")
    inst.set("auth.failure_delay", "0")
    inst.start()
    inst.run("domain", "set", "d.test", "publish_users=all")
    inst.run("domain", "add", "e.test")
    for user in ("alice@d.test", "bob@d.test", "eve@e.test"):
        inst.add_user(user)
    for unit, name, *more in (("acme", "Acme"), ("sales", "Verkauf & Söhne", "parent=acme", "description=Who sells"),
                              ("lab", "Laboratory", "parent=acme"), ("north", "North, far", "parent=sales")):
        inst.run("organisation", "add", f"{unit}@d.test", f"full_name={name}", *more)
    inst.run("user", "set", "alice@d.test", "unit=north")
    inst.run("user", "set", "bob@d.test", "unit=acme")
    yield inst
    inst.close()


@pytest.fixture(scope="module")
def alice(suite):
    con = connect(suite)
    yield con
    con.unbind()


def dns(con, base=BOOK, filter="(objectClass=organizationalUnit)", scope=ldap3.SUBTREE):
    con.search(base, filter, scope, attributes=["ou"])
    return sorted(e["dn"] for e in con.response if e["type"] == "searchResEntry")


def test_the_tree_is_there_in_every_scope(suite, alice):
    assert dns(alice) == sorted([BOOK, ACME, SALES, LAB, NORTH])
    assert dns(alice, scope=ldap3.LEVEL) == [ACME]
    assert dns(alice, ACME, scope=ldap3.LEVEL) == sorted([SALES, LAB])
    assert dns(alice, ACME) == sorted([ACME, SALES, LAB, NORTH])
    assert dns(alice, ACME, scope=ldap3.BASE) == [ACME]
    assert dns(alice, "OU=Sales,ou=ACME," + BOOK) == sorted([SALES, NORTH])
    assert dns(alice, NORTH, scope=ldap3.LEVEL) == []
    below = ldapsearch(suite, "-b", ACME, "-s", "children", "1.1")
    assert sorted(line[4:] for line in below.splitlines() if line) == sorted([SALES, LAB, NORTH])
    assert dns(alice, "o=posthorn", "(description=who sells)") == [SALES]
    everything = dns(alice, "o=posthorn", "(objectClass=*)")
    assert {ACME, SALES, LAB, NORTH, f"uid=alice,{BOOK}"} <= set(everything) and len(set(everything)) == len(everything)


@pytest.mark.parametrize("by", [None, b"cn"])
@pytest.mark.parametrize("name,matched", [
    (f"ou=west,{SALES}", SALES), (f"ou=no,ou=west,{SALES}", SALES), (f"cn=x,{SALES}", SALES), (f"uid=x,ou=no,{ACME}", ACME), (f"ou=a b,{NORTH}", NORTH),
    (f"cn=x,cn=y,{BOOK}", BOOK), (f"uid=nobody,{BOOK}", BOOK), (f"cn=nothing,{BOOK}", BOOK), (f"l=here,{BOOK}", BOOK), ("l=here,o=posthorn", "o=posthorn")])
def test_what_of_a_name_is_there(alice, name, matched, by):
    sort = None if by is None else [("1.2.840.113556.1.4.473", True, ber(0x30, ber(0x30, ber(4, by))))]
    for paged_size in (None, 5):
        with pytest.raises(LDAPNoSuchObjectResult) as told:
            alice.search(name, "(objectClass=*)", paged_size=paged_size, controls=sort)
        assert told.value.dn == matched


@pytest.mark.parametrize("filter,found", [
    ("(ou=sales)", [SALES]), ("(ou=verkauf & söhne)", [SALES]), ("(ou=VERK*)", [SALES]), ("(ou=*söhne)", [SALES]),
    ("(ou~=laboratory)", [LAB]), ("(ou>=verkauf)", [SALES]), ("(&(ou=*)(!(ou<=z)))", []), ("(organizationalUnitName=lab)", [LAB]),
    ("(ou:dn:=sales)", [SALES, NORTH]), ("(ou:caseExactMatch:=Laboratory)", [LAB]), ("(2.5.4.11=north, far)", [NORTH]),
    ("(&(objectClass=organizationalUnit)(description=*))", [SALES]), ("(structuralObjectClass=organizationalUnit)", [ACME, SALES, LAB, NORTH, BOOK]),
    ("(cn=acme)", []), ("(mail=*)", None)])
def test_filters(alice, filter, found):
    units = [dn for dn in dns(alice, BOOK, filter) if dn.startswith("ou=")]
    assert units == sorted(found or [])


def test_what_a_unit_and_its_users_have(suite, alice):
    alice.search(SALES, "(objectClass=*)", ldap3.BASE, attributes=["*", "+"])
    attributes = {name: value for name, value in alice.response[0]["attributes"].items() if value}
    assert {name: set(value) if isinstance(value, list) else value for name, value in attributes.items()} == {
        "objectClass": {"top", "organizationalUnit"}, "ou": {"sales", "Verkauf & Söhne"}, "description": {"Who sells"},
        "structuralObjectClass": {"organizationalUnit"}, "subschemaSubentry": {"cn=Subschema"}}
    alice.search(ACME, "(objectClass=*)", ldap3.BASE, attributes=["ou"])
    assert alice.response[0]["attributes"]["ou"] == ["Acme"]  # the name says the same
    for user, company, unit in (("alice", "Acme", "North, far"), ("bob", "Acme", "Acme")):
        alice.search(BOOK, f"(&(uid={user})(ou={unit}))", attributes=["o", "ou"])
        assert alice.response[0]["attributes"] == {"o": [company], "ou": [unit]}
    assert alice.compare(SALES, "ou", "SALES") is True and alice.compare(SALES, "ou", "lab") is False
    alice.search("cn=Subschema", "(objectClass=subschema)", ldap3.BASE, attributes=["objectClasses"])
    assert any("'organizationalUnit'" in c for c in alice.response[0]["attributes"]["objectClasses"])


@pytest.mark.parametrize("dn", [f"ou=sales,{BOOK}", f"ou=north,ou=lab,ou=acme,{BOOK}", f"ou=none,{BOOK}", f"ou=sales acme,{BOOK}", "ou=acme,ou=e.test,o=posthorn",
                                f"uid=alice,{ACME}", f"cn=x,{ACME}", f"ou=north,uid=alice,{BOOK}", "ou=acme,ou=outside,o=posthorn",
                                "".join(f"ou=u{i}," for i in range(17)) + BOOK])
def test_other_names_lead_nowhere(alice, dn):
    with pytest.raises(LDAPException, match="noSuchObject"):
        alice.search(dn, "(objectClass=*)", ldap3.SUBTREE)


def test_how_much_of_a_name_is_there_is_told(suite, alice):
    writer = connect(suite, WRITE, WRITE_PASSWORD)
    for dn, there in ((f"ou=x,ou=y,{SALES}", SALES), (f"ou=north,{ACME}", ACME), (f"ou=none,{BOOK}", BOOK), (f"uid=none,{BOOK}", BOOK)):
        for con, ask in ((alice, lambda: alice.search(dn, "(objectClass=*)", ldap3.BASE)), (alice, lambda: alice.compare(dn, "ou", "x")),
                         (writer, lambda: writer.delete(dn)), (writer, lambda: writer.modify(dn, {"description": [(ldap3.MODIFY_REPLACE, ["x"])]}))):
            with pytest.raises(LDAPException, match="noSuchObject"):
                ask()
            assert con.result["dn"] == there
    writer.unbind()


def test_a_book_that_one_does_not_see_has_no_units(suite, alice):
    suite.run("organisation", "add", "secret@e.test", "full_name=Secret")
    eve = connect(suite, "eve@e.test")
    wait_for(lambda: dns(eve, "o=posthorn", "(ou=secret)") == ["ou=secret,ou=e.test,o=posthorn"], 30, "the unit")
    assert dns(alice, "o=posthorn", "(ou=secret)") == [] and dns(eve, "o=posthorn", "(ou=lab)") == []
    with pytest.raises(LDAPException, match="noSuchObject"):
        alice.search("ou=secret,ou=e.test,o=posthorn", "(objectClass=*)", ldap3.BASE)
    suite.run("domain", "set", "e.test", "contacts_own_users_only=no")
    wait_for(lambda: dns(alice, "o=posthorn", "(ou=secret)") == ["ou=secret,ou=e.test,o=posthorn"], 30, "the book is open")
    eve.unbind()


def test_nobody_changes_them_by_ldap(suite):
    writer = connect(suite, WRITE, WRITE_PASSWORD)
    assert SALES in dns(writer)
    new = f"ou=new,{ACME}"
    for why, change in (("unwillingToPerform", lambda: writer.delete(NORTH)),
                        ("unwillingToPerform", lambda: writer.modify(SALES, {"description": [(ldap3.MODIFY_REPLACE, ["x"])]})),
                        ("unwillingToPerform", lambda: writer.modify_dn(SALES, "ou=trade")),
                        ("unwillingToPerform", lambda: writer.add(new, ["organizationalUnit"], {"ou": "new"})),
                        ("entryAlreadyExists", lambda: writer.add(LAB, ["organizationalUnit"], {"ou": "lab"})),
                        ("noSuchObject", lambda: writer.delete(new)),
                        ("noSuchObject", lambda: writer.modify(new, {"description": [(ldap3.MODIFY_REPLACE, ["x"])]})),
                        ("namingViolation", lambda: writer.add(f"uid=x,{ACME}", ["inetOrgPerson"], {"sn": "x", "cn": "x"}))):
        with pytest.raises(LDAPException, match=why):
            change()
    writer.unbind()
    alice = connect(suite)
    with pytest.raises(LDAPException, match="insufficientAccessRights"):
        alice.delete(NORTH)
    alice.unbind()


def test_a_department_that_is_only_shown_is_not_deleted(suite, alice):
    """Bob is in the company itself."""
    writer, bob = connect(suite, WRITE, WRITE_PASSWORD), f"uid=bob,{BOOK}"

    def shows(o, ou):
        writer.search(bob, "(objectClass=*)", ldap3.BASE, attributes=["o", "ou"])
        return writer.response[0]["attributes"] == {"o": [o], "ou": [ou]}
    for op, values in ((ldap3.MODIFY_DELETE, []), (ldap3.MODIFY_DELETE, ["acme"]), (ldap3.MODIFY_REPLACE, [])):
        with pytest.raises(LDAPException, match="unwillingToPerform"):
            writer.modify(bob, {"ou": [(op, values)]})
    assert shows("Acme", "Acme")
    writer.modify(bob, {"o": [(ldap3.MODIFY_REPLACE, ["Acme Ltd"])]})
    wait_for(lambda: shows("Acme Ltd", "Acme Ltd"), 30, "the company, and with it what is shown")
    writer.modify(bob, {"ou": [(ldap3.MODIFY_DELETE, []), (ldap3.MODIFY_ADD, ["Gate"])]})
    wait_for(lambda: shows("Acme Ltd", "Gate"), 30, "a department of its own")
    writer.modify(bob, {"ou": [(ldap3.MODIFY_DELETE, ["Gate"])]})
    wait_for(lambda: shows("Acme Ltd", "Acme Ltd"), 30, "that one can be deleted")
    writer.unbind()


def test_changes_show_at_once(suite, alice):
    suite.run("organisation", "set", "north@d.test", "parent=lab", "full_name=The North")
    moved = f"ou=north,{LAB}"
    wait_for(lambda: dns(alice, LAB) == sorted([LAB, moved]), 30, "it is below the other one")
    assert dns(alice, SALES) == [SALES] and dns(alice, BOOK, "(ou=the north)")[0] == moved
    wait_for(lambda: dns(alice, BOOK, "(&(uid=alice)(ou=the north))") == [f"uid=alice,{BOOK}"], 30, "whoever is in it follows")
    suite.run("organisation", "set", "lab@d.test", "parent=")
    wait_for(lambda: dns(alice, BOOK, "(ou=north)") == [f"ou=north,ou=lab,{BOOK}"], 30, "what is below moves along")
    suite.run("organisation", "del", "sales@d.test")
    wait_for(lambda: dns(alice, ACME) == [ACME], 30, "it is gone")
    suite.run("domain", "rename", "d.test", "f.test")
    fresh = connect(suite, "alice@f.test")
    wait_for(lambda: dns(fresh, "o=posthorn", "(ou=north)") == ["ou=north,ou=lab,ou=f.test,o=posthorn"], 30, "the domain's new name")
    fresh.unbind()
