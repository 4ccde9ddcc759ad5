"""The assertion control (RFC 4528): a request that is carried out if its target is as the client believes."""
import threading

import ldap3
import pytest
from ldap3.core.exceptions import LDAPAssertionFailedResult, LDAPException

from ldap_suite import ber, connect, found, ldapsearch, suite, WRITE, WRITE_PASSWORD, writer, alice  # noqa: F401

OID = "1.3.6.1.1.12"
SMITH = "uid=smith,ou=outside,o=posthorn"


def equal(attribute, value):
    return ber(0xa3, ber(4, attribute.encode()), ber(4, value.encode()))


def asserting(filter, critical=True):
    return [(OID, critical, filter)]


def test_the_root_tells_of_it(suite):
    assert f"supportedControl: {OID}" in ldapsearch(suite, "-b", "", "-s", "base", "+")


@pytest.mark.parametrize("base,filter,code", [
    (SMITH, "(title=x)", 122), (SMITH, "(cn=john smith)", 0), (SMITH, "(&(cn=john*)(!(cn=jane*)))", 0), (SMITH, "(nonsense=1)", 122),
    (SMITH, "(!(nonsense=1))", 122), ("o=posthorn", "(o=posthorn)", 0), ("o=posthorn", "(cn=john smith)", 122), ("", "(objectClass=top)", 0),
    ("", "(objectClass=person)", 122), ("", "(!(foo=bar))", 122), ("", "(!(objectClass=person))", 0), ("", "(|(foo=bar)(objectClass=top))", 0),
    ("", "(!(&(foo=bar)(objectClass=top)))", 122), ("", "(!(&(foo=bar)(objectClass=person)))", 0), ("cn=Subschema", "(!(foo=bar))", 122), ("cn=Subschema", "(objectClass=subschema)", 0), ("cn=Subschema", "(cn=x)", 122),
    ("ou=outside,o=posthorn", "(ou=outside)", 0), ("uid=nobody,ou=outside,o=posthorn", "(cn=*)", 32)])
def test_of_a_search_it_is_about_the_base(suite, base, filter, code):
    for critical in ("!", ""):
        out = ldapsearch(suite, "-b", base, "-s", "base", "-e", f"{critical}assert={filter}", "(objectClass=*)", "1.1", code=code)
        assert ("dn:" in out) == (code == 0)


def test_compare_and_changes_by_ldap3(suite, writer):
    assert writer.compare(SMITH, "cn", "john smith", controls=asserting(equal("o", "ACME Ltd"))) is True
    with pytest.raises(LDAPAssertionFailedResult):
        writer.compare(SMITH, "cn", "john smith", controls=asserting(equal("o", "Other")))
    new, attributes = "uid=new,ou=outside,o=posthorn", {"cn": "New One", "sn": "One", "mail": "new@x.test"}
    with pytest.raises(LDAPAssertionFailedResult):  # of an entry that is to be: what it is to be
        writer.add(new, ["inetOrgPerson"], attributes, controls=asserting(equal("cn", "Old One")))
    assert found(writer, "(uid=new)") == []
    writer.add(new, ["inetOrgPerson"], attributes, controls=asserting(equal("mail", "NEW@x.test")))
    change = {"title": [(ldap3.MODIFY_REPLACE, ["Boss"])]}
    with pytest.raises(LDAPAssertionFailedResult):
        writer.modify(new, change, controls=asserting(equal("title", "Clerk")))
    assert found(writer, "(title=boss)") == []
    writer.modify(new, change, controls=asserting(ber(0xa2, ber(0x87, b"title"))))
    with pytest.raises(LDAPAssertionFailedResult):
        writer.modify(new, change, controls=asserting(ber(0xa2, ber(0x87, b"title")), critical=False))
    with pytest.raises(LDAPAssertionFailedResult):
        writer.delete(new, controls=asserting(equal("title", "Clerk")))
    assert found(writer, "(title=boss)") == ["new"]
    writer.delete(new, controls=asserting(equal("title", "Boss")))
    assert found(writer, "(uid=new)") == []
    with pytest.raises(LDAPException, match="noSuchObject"):
        writer.delete(new, controls=asserting(equal("title", "Boss")))


def test_what_is_malformed_or_out_of_place(suite, writer, alice):
    change = {"title": [(ldap3.MODIFY_REPLACE, ["Boss"])]}
    for value in (b"", b"\x00", equal("cn", "x") + b"\0", equal("cn", "x")[:-1], None):
        with pytest.raises(LDAPException, match="protocolError"):
            writer.modify(SMITH, change, controls=asserting(value, critical=False))
    assert found(alice, "(title=boss)") == []
    with pytest.raises(LDAPException, match="unavailableCriticalExtension"):
        writer.modify_dn(SMITH, "uid=other", controls=asserting(equal("cn", "x")))
    with pytest.raises(LDAPException, match="unavailableCriticalExtension"):
        writer.extended("1.3.6.1.4.1.4203.1.11.3", controls=asserting(equal("cn", "x")))
    writer.extended("1.3.6.1.4.1.4203.1.11.3", controls=asserting(equal("cn", "x"), critical=False))
    with pytest.raises(LDAPException, match="unavailableCriticalExtension"):  # of a search alone
        writer.modify(SMITH, change, controls=[("1.2.840.113556.1.4.473", True, b"")])
    with pytest.raises(LDAPException, match="insufficientAccessRights"):
        alice.modify(SMITH, change, controls=asserting(equal("cn", "John Smith")))


def together(work, count=4):
    threads = [threading.Thread(target=work, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_assertion_and_change_are_one(suite, writer):
    """Four who count: each number is written once, so nothing comes between the look and the change."""
    dn, rounds, written = "uid=counter,ou=outside,o=posthorn", 15, []
    writer.add(dn, ["inetOrgPerson"], {"cn": "Counter", "sn": "Counter", "title": "0"})

    def count(_):
        con = connect(suite, WRITE, WRITE_PASSWORD)
        for _ in range(rounds):
            while True:
                con.search(dn, "(objectClass=*)", ldap3.BASE, attributes=["title"])
                now = int(con.response[0]["attributes"]["title"][0])
                try:
                    con.modify(dn, {"title": [(ldap3.MODIFY_REPLACE, [str(now + 1)])]}, controls=asserting(equal("title", str(now))))
                except LDAPAssertionFailedResult:
                    continue
                written.append(now + 1)
                break
        con.unbind()

    together(count)
    assert sorted(written) == list(range(1, 4 * rounds + 1))


def test_changes_of_one_list_at_the_same_time_all_count(suite, writer):
    dn = "uid=many,ou=outside,o=posthorn"
    writer.add(dn, ["inetOrgPerson"], {"cn": "Many", "sn": "Many"})

    def add(number):
        con = connect(suite, WRITE, WRITE_PASSWORD)
        for i in range(5):
            con.modify(dn, {"mail": [(ldap3.MODIFY_ADD, [f"m{number}-{i}@x.test"])]})
        con.unbind()

    together(add)
    writer.search(dn, "(objectClass=*)", ldap3.BASE, attributes=["mail"])
    assert sorted(writer.response[0]["attributes"]["mail"]) == sorted(f"m{n}-{i}@x.test" for n in range(4) for i in range(5))
