"""Groups in the address book: who sees the group, and who its members (DIR-54)."""
import ldap3
import pytest
from ldap3.core.exceptions import LDAPException

from instance import Instance, wait_for
from ldap_suite import ber, connect, PASSWORD, WRITE, WRITE_PASSWORD

BOOK = "ou=d.test,o=posthorn"
STAFF = f"cn=staff,{BOOK}"


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
    inst.run("domain", "add", "e.test")
    for user in ("alice@d.test", "bob@d.test", "carol@d.test", "boss@d.test", "eve@e.test"):
        inst.add_user(user)
    inst.run("alias", "add", "bb@d.test", "bob@d.test")
    inst.run("group", "add", "inner@d.test", "--member", "bb@d.test")
    inst.run("group", "add", "staff@d.test", "full_name=All of the Staff", "description=Who works here")
    for member in ("alice@d.test", "inner@d.test", "out@far.test"):
        inst.run("group", "member", "add", "staff@d.test", member)
    yield inst
    inst.close()


def seen(inst, user, filter="(objectClass=posthornMailGroup)", password=PASSWORD):
    """{name of the group: its members} as a new session of the user has it."""
    con = connect(inst, user, password)
    con.search("o=posthorn", filter, attributes=["*"])
    got = {e["dn"]: sorted(str(m) for m in e["attributes"].get("member", [])) for e in con.response if e["type"] == "searchResEntry"}
    con.unbind()
    return got


MEMBERS = sorted([f"uid=alice,{BOOK}", f"cn=inner,{BOOK}"])


def become(inst, *properties):
    inst.run("group", "set", "staff@d.test", "shown_to_all=no", "shown_to_listed=no", "shown_to_members=no", "viewers=", "managers=",
             "send=anyone", "senders=", *properties)


def shows(inst, wanted):
    """What each user sees of staff: None nothing, [] the group, MEMBERS."""
    wait_for(lambda: {user: seen(inst, user).get(STAFF) for user in wanted} == wanted, 30, str(wanted))


def test_each_kind_of_viewer(suite):
    nobody = {f"{u}@d.test": None for u in ("alice", "bob", "carol", "boss")}
    shows(suite, nobody)
    assert seen(suite, WRITE, password=WRITE_PASSWORD) == {}  # nobody may see it: it is not there
    become(suite, "shown_to_all=group")
    shows(suite, {**nobody, "alice@d.test": [], "bob@d.test": [], "carol@d.test": [], "boss@d.test": [], "eve@e.test": None})
    become(suite, "shown_to_all=members")
    shows(suite, {"carol@d.test": MEMBERS, "eve@e.test": None})
    become(suite, "shown_to_members=members", "shown_to_all=group")  # bob: by an alias, and a group in it
    shows(suite, {"alice@d.test": MEMBERS, "bob@d.test": MEMBERS, "carol@d.test": [], "boss@d.test": []})
    become(suite, "shown_to_listed=group", "viewers=carol@d.test")
    shows(suite, {**nobody, "carol@d.test": []})
    become(suite, "shown_to_listed=members", "send=senders", "senders=carol@d.test;@e.test")
    shows(suite, {**nobody, "carol@d.test": MEMBERS})
    become(suite, "managers=boss@d.test")
    shows(suite, {**nobody, "boss@d.test": MEMBERS})
    assert seen(suite, WRITE, password=WRITE_PASSWORD) == {STAFF: MEMBERS}


def test_what_is_not_shown_cannot_be_asked_for(suite):
    become(suite, "shown_to_all=group", "managers=boss@d.test")
    shows(suite, {"carol@d.test": [], "boss@d.test": MEMBERS})
    asked = f"(member=uid=alice,{BOOK})"
    assert seen(suite, "boss@d.test", asked) == {STAFF: MEMBERS} and seen(suite, "carol@d.test", asked) == {}
    assert seen(suite, "carol@d.test", "(memberMail=out@far.test)") == seen(suite, "carol@d.test", "(member=*)") == {}
    assert seen(suite, "boss@d.test", f"(member=UID=Alice, {BOOK.replace(',', ' , ')})") == {STAFF: MEMBERS}
    assert seen(suite, "carol@d.test", "(shown=*)") == {}
    con = connect(suite, "carol@d.test")
    con.search(STAFF, "(objectClass=*)", ldap3.BASE, attributes=["*", "+"])
    entry = con.response[0]["attributes"]
    assert set(entry["objectClass"]) == {"top", "posthornMailGroup", "posthornGroup"} and "member" not in entry
    assert set(entry["cn"]) == {"staff", "All of the Staff"} and entry["mail"] == ["staff@d.test"] and entry["description"] == ["Who works here"]
    with pytest.raises(LDAPException, match="noSuchAttribute"):
        con.compare(STAFF, "member", f"uid=alice,{BOOK}")
    con.unbind()
    boss = connect(suite, "boss@d.test")
    boss.search(STAFF, "(objectClass=groupOfNames)", ldap3.BASE, attributes=["*"])
    assert boss.response[0]["attributes"]["memberMail"] == ["out@far.test"]
    assert boss.compare(STAFF, "member", f"cn=inner,{BOOK}") is True
    boss.unbind()
    become(suite, "managers=boss@d.test")
    shows(suite, {"carol@d.test": None})
    con = connect(suite, "carol@d.test")
    with pytest.raises(LDAPException, match="noSuchObject"):
        con.search(STAFF, "(objectClass=*)", ldap3.BASE)
    con.unbind()


def test_changes_show_and_nobody_makes_them_by_ldap(suite):
    become(suite, "shown_to_all=members")
    shows(suite, {"carol@d.test": MEMBERS})
    suite.run("group", "member", "add", "staff@d.test", "carol@d.test")
    shows(suite, {"carol@d.test": sorted([*MEMBERS, f"uid=carol,{BOOK}"])})
    suite.run("group", "member", "del", "staff@d.test", "carol@d.test")
    suite.run("group", "rename", "staff@d.test", "crew@d.test")
    wait_for(lambda: seen(suite, "carol@d.test") == {f"cn=crew,{BOOK}": MEMBERS}, 30, "the new name")
    writer = connect(suite, WRITE, WRITE_PASSWORD)
    for change in (lambda: writer.delete(f"cn=crew,{BOOK}"), lambda: writer.modify(f"cn=crew,{BOOK}", {"description": [(ldap3.MODIFY_REPLACE, ["x"])]})):
        with pytest.raises(LDAPException, match="unwillingToPerform"):
            change()
    with pytest.raises(LDAPException, match="namingViolation"):
        writer.add(f"cn=new,{BOOK}", ["groupOfNames"], {"member": f"uid=alice,{BOOK}"})
    writer.unbind()
    suite.run("group", "del", "crew@d.test", "--yes", check=False)
    suite.run("group", "del", "crew@d.test", check=False)
    wait_for(lambda: seen(suite, "carol@d.test") == {}, 30, "it is gone")


def members_of(inst, group, attribute="member", user="carol@d.test"):
    con = connect(inst, user)
    con.search(BOOK, f"(cn={group})", attributes=[attribute])
    values = [value for e in con.response if e["type"] == "searchResEntry" for value in e["attributes"][attribute]]
    con.unbind()
    return values


SORT, PAGED = "1.2.840.113556.1.4.473", "1.2.840.113556.1.4.319"


def sorted_page(con, by, attributes, cookie=None):
    """A page of one group, and the cookie of the next."""
    con.search(BOOK, "(objectClass=posthornMailGroup)", attributes=attributes, paged_size=1, paged_cookie=cookie,
               controls=[(SORT, True, ber(0x30, ber(0x30, ber(4, by))))])
    entries = [e for e in con.response if e["type"] == "searchResEntry"]
    return entries[0]["attributes"], con.result["controls"][PAGED]["value"]["cookie"]


def test_sorted_groups_have_the_members_that_are_asked_for(suite):
    for group, member in (("sort-b", "alice"), ("sort-a", "bob")):
        suite.run("group", "add", f"{group}@d.test", "shown_to_all=members", "--member", f"{member}@d.test")
    con = connect(suite, "carol@d.test")
    wait_for(lambda: len(dns_of(con, "(cn=sort-*)")) == 2, 30, "both groups")
    try:
        for by, first in ((b"cn", "bob"), (b"member", "alice")):
            page, _ = sorted_page(con, by, ["cn", "member"])
            assert page["member"] == [f"uid={first},{BOOK}"]
            page, cookie = sorted_page(con, by, ["cn"])
            assert set(page) == {"cn"} and cookie
        for more in (["cn", "member"], ["*"]):  # they are not kept for pages that others were asked for
            page, cookie = sorted_page(con, b"cn", ["cn"])
            with pytest.raises(LDAPException, match="unwillingToPerform"):
                sorted_page(con, b"cn", more, cookie)
        page, cookie = sorted_page(con, b"cn", ["cn"])
        assert sorted_page(con, b"cn", ["cn"], cookie)[0] == {"cn": ["sort-b"]}
    finally:
        con.unbind()
        for group in ("sort-a", "sort-b"):
            suite.run("group", "del", f"{group}@d.test")


def dns_of(con, filter):
    con.search(BOOK, filter, attributes=["cn"])
    return [e["dn"] for e in con.response if e["type"] == "searchResEntry"]


def names(count, domain="far.test", of=0):
    return [f"m{of}-{i:06}-with-a-rather-long-name@{domain}" for i in range(count)]


def test_a_large_group_is_shown_with_all_members(suite):
    """And one whose viewers and senders are too many together hides none of those behind it."""
    senders = ";".join(f"{i:03}-with-a-rather-long-name-of-its-own-that-fills-the-list-up@far.test" for i in range(923))
    suite.run("group", "add", "aaa@d.test", "shown_to_listed=group", "viewers=alice@d.test;bob@d.test;carol@d.test", "send=senders", f"senders={senders}")
    assert len(senders) < 65536 < len(senders) + 36
    far, near = names(3000), [f"u{i}@d.test" for i in range(3000)]
    more = "group large@d.test\n    shown_to_all members\n" + "".join(f"user {n}\n" for n in near) + "".join(f"member large@d.test {n}\n" for n in far + near)
    before = suite.run("export").out
    suite.run("import", "--replace", stdin=before + more)
    wait_for(lambda: len(members_of(suite, "large", "memberMail")) == 3000, 60, "the import")
    assert sorted(members_of(suite, "large", "memberMail")) == sorted(far)
    assert sorted(members_of(suite, "large")) == sorted(f"uid={n.split('@')[0]},{BOOK}" for n in near)
    con = connect(suite, "carol@d.test")
    assert con.compare(f"cn=large,{BOOK}", "member", f"uid=u2999,{BOOK}") is True
    con.search(BOOK, f"(&(member=uid=u1234,{BOOK})(objectClass=groupOfNames))", attributes=["cn"])
    assert [e["dn"] for e in con.response] == [f"cn=large,{BOOK}"]
    con.search(BOOK, "(&(cn=large)(objectClass=groupOfNames))", attributes=["cn", "mail"])  # without its members
    assert con.response[0]["attributes"] == {"cn": ["large"], "mail": ["large@d.test"]}
    con.unbind()
    for change, count in (("add", 3001), ("del", 3000)):  # one of many
        suite.run("group", "member", change, "large@d.test", "one-more@far.test")
        wait_for(lambda: len(members_of(suite, "large", "memberMail")) == count, 30, change)
    suite.run("group", "set", "large@d.test", "shown_to_all=no")
    wait_for(lambda: seen(suite, "carol@d.test", "(cn=large)") == {}, 30, "nobody sees it")
    suite.run("group", "member", "del", "large@d.test", far[0])  # while nobody does
    suite.run("group", "set", "large@d.test", "shown_to_all=members", "full_name=Large")
    wait_for(lambda: sorted(members_of(suite, "large", "memberMail")) == sorted(far[1:]), 30, "all but that one")
    suite.run("stop")
    suite.start()  # and so they are when everything is read again
    wait_for(lambda: sorted(members_of(suite, "large", "memberMail")) == sorted(far[1:]), 60, "after the start")
    assert len(members_of(suite, "large")) == 3000
    suite.run("import", "--replace", stdin=before + "user large@d.test\n")  # now a mailbox has its name
    wait_for(lambda: seen(suite, "carol@d.test", "(cn=large)") == {}, 30, "no group any more")


def test_lists_at_their_limits_are_looked_at(suite):
    """1,000 viewers and 1,000 managers, the last of whom count, too."""
    before = suite.run("export").out
    of_list = {kind: [f"{kind}{i:03}-with-quite-a-name@d.test" for i in range(999)] for kind in "vm"}
    suite.run("import", "--replace", stdin=before + "".join(f"user {name}\n" for names_of in of_list.values() for name in names_of))
    suite.run("group", "add", "listed@d.test", "shown_to_listed=group", f"viewers={';'.join(of_list['v'])};carol@d.test",
              f"managers={';'.join(of_list['m'])};boss@d.test")
    suite.run("group", "member", "add", "listed@d.test", "alice@d.test")
    wait_for(lambda: seen(suite, "boss@d.test", "(cn=listed)") == {f"cn=listed,{BOOK}": [f"uid=alice,{BOOK}"]}, 30, "the last manager")
    assert seen(suite, "carol@d.test", "(cn=listed)") == {f"cn=listed,{BOOK}": []}
    assert seen(suite, "bob@d.test", "(cn=listed)") == {}


def test_members_of_more_than_six_mebibytes_are_not_shown(suite):
    """The group is; nothing of it is shown in part."""
    before = suite.run("export").out
    long = "x" * 58
    more = "group huge@d.test\n    shown_to_all members\n" + "".join(f"member huge@d.test {i:05}{long}@{'y' * 60}.{'z' * 60}.{'w' * 50}.far.test\n" for i in range(27000))
    suite.run("import", "--replace", stdin=before + more)
    wait_for(lambda: seen(suite, "carol@d.test", "(cn=huge)") == {f"cn=huge,{BOOK}": []}, 60, "the import")
    assert members_of(suite, "huge", "memberMail") == []
    suite.run("group", "member", "del", "huge@d.test", f"00000{long}@{'y' * 60}.{'z' * 60}.{'w' * 50}.far.test")
    assert members_of(suite, "huge", "memberMail") == []
    logs = "".join(path.read_text() for path in (suite.root / "log").glob("*.log"))
    assert "event=contacts_left_out kind=members name=huge@d.test" in logs
    suite.run("import", "--replace", stdin=before)
