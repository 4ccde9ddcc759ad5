"""Users and groups of a domain as a directory has them (DIR-62), in both layouts, against slapd."""
import base64
import json
import socket
import uuid

import ldap3
import pytest

from admin_api import Api
from directory import ADMIN, ADMIN_PASSWORD, Directory
from instance import Instance, wait_for
from pki import Authority

BASE = "dc=corp,dc=test"
PEOPLE = "ou=people," + BASE
TOP = f"dn: {BASE}\nobjectClass: domain\ndc: corp\n\ndn: {PEOPLE}\nobjectClass: organizationalUnit\nou: people\n\n"


def person(uid, name, *more):
    return "\n".join([f"dn: uid={uid},{PEOPLE}", "objectClass: inetOrgPerson", f"uid: {uid}", f"cn: {name}", f"sn: {name}", *more]) + "\n\n"


def group(name, *members):
    return "\n".join([f"dn: cn={name},{BASE}", "objectClass: groupOfNames", f"cn: {name}", *(f"member: {m}" for m in members)]) + "\n\n"


ENTRIES = (TOP + person("ann", "Ann Alder") + person("bob", "Bob Birch") + person("cid", "Cid Cedar") + person("dan", "Dan Dogwood") +
           group("staff", f"uid=ann,{PEOPLE}", f"UID=Bob, {PEOPLE}", f"cn=board,{BASE}") + group("board", f"uid=cid,{PEOPLE}"))


@pytest.fixture(scope="module")
def authority():
    return Authority()


def make_suite(authority, accounts=None):
    inst = Instance()
    inst.setup()
    authority.write(inst.root / "etc/ca.pem")
    inst.set("auth.external_ca", "ca.pem")
    if accounts:
        (inst.root / "etc/outside.accounts").write_text(accounts)
        (inst.root / "etc/outside.accounts").chmod(0o600)
    inst.start()
    return inst


@pytest.fixture(scope="module")
def suite(authority):
    inst = make_suite(authority, f"127.0.0.1 {ADMIN} {ADMIN_PASSWORD}\n")
    yield inst
    inst.close()


@pytest.fixture
def directory(authority):
    directory = Directory(authority, readers=f'dn.exact="{ADMIN}"', entries=ENTRIES)
    yield directory
    directory.close()


@pytest.fixture
def domain(suite, directory, request):
    name = f"t{uuid.uuid4().hex[:8]}.test"
    suite.run("domain", "add", name, f"sync_from=ldap://127.0.0.1:{directory.port}/{BASE}")
    return name


def sync(inst, domain, *options, code=0):
    done = inst.run("directory", "sync", domain, "--json", *options, check=False)
    assert done.returncode == code, (done.out, done.err)
    return {(r["action"], r["kind"], r["name"].replace("@" + domain, "")): r["result"] for r in json.loads(done.out or "[]")}, done.err


def users(inst, domain):
    return {u["address"].split("@")[0]: u["full_name"] for u in inst.json("user", "list", "--domain", domain)}


def members(inst, group):
    return sorted(m["member"].split("@")[0] for m in inst.json("group", "member", "list", group))


def show(inst, user, *fields):
    shown = inst.json("user", "show", user)
    return tuple(shown[f] for f in fields)


def test_users_groups_and_groups_in_groups_come(suite, domain):
    report, said = sync(suite, domain, "--dry-run")
    assert ("add", "user", "ann") in report and "would be made" in said and users(suite, domain) == {}
    report, said = sync(suite, domain)
    assert users(suite, domain) == {"ann": "Ann Alder", "bob": "Bob Birch", "cid": "Cid Cedar", "dan": "Dan Dogwood"}
    assert members(suite, f"staff@{domain}") == ["ann", "board", "bob"] and members(suite, f"board@{domain}") == ["cid"]
    assert len(report) == 10 and set(report.values()) == {"done"} and "10 changes, 0 refused" in said
    assert sync(suite, domain)[0] == {}  # once is enough
    assert "who=synchronisation" in suite.log("audit") or wait_for(lambda: "who=synchronisation" in suite.log("audit"), 30)


def test_over_the_api_for_the_domains_administrator(suite, domain):
    suite.run("admin", "add", f"a-{domain}", "type=domain", f"domains={domain}", "--password-stdin", stdin="A-good-secret7\n")
    api = Api(suite, f"a-{domain}", "A-good-secret7")
    assert api.ok("SyncStatus", domain=domain)["object"] == {
        "domain": domain, "under_way": False, "began": "", "ended": "", "dry_run": False, "outcome": "", "said": "", "run": None}

    def synchronise(**options):
        run = api.ok("SyncDirectory", domain=domain, **options)["run"]
        status = wait_for(lambda: not (status := api.ok("SyncStatus", domain=domain)["object"])["under_way"] and status, 60, "it has ended")
        assert status["run"] == run
        return status

    status = synchronise(dry_run=True)
    assert status["dry_run"] and status["outcome"] == "whole" and "10 changes would be made" in status["said"] and users(suite, domain) == {}
    status = synchronise()
    assert not status["dry_run"] and "10 changes, 0 refused" in status["said"] and status["began"] <= status["ended"]
    assert sorted(users(suite, domain)) == ["ann", "bob", "cid", "dan"]
    rows, cursor = [], ""
    while not rows or cursor:
        page = api.ok("SyncReport", domain=domain, cursor=cursor, limit=4)
        rows, cursor = rows + page["objects"], page["cursor"]
    assert len(rows) == 10 and {row["result"] for row in rows} == {"done"} and {row["kind"] for row in rows} == {"user", "group", "member"}
    assert api.result("SyncDirectory", domain="d.test") == api.result("SyncReport", domain="d.test") == 101
    suite.run("domain", "set", domain, "sync_from=ldap://127.0.0.1:1/dc=x")
    status = synchronise()
    assert status["outcome"] == "nothing" and status["said"].startswith("nothing was changed: ") and len(users(suite, domain)) == 4
    assert api.ok("SyncReport", domain=domain)["objects"] == []
    wait_for(lambda: f"who=a-{domain} from=127.0.0.1 verb=run kind=synchronisation" in suite.log("audit"), 30, "it is written down")


def test_asking_again_and_again_fills_no_queue(suite, domain):
    """One is under way, one waits, and asking for the latter again adds none; something else has to wait until one has ended."""
    suite.run("admin", "add", f"a-{domain}", "type=domain", f"domains={domain}", "--password-stdin", stdin="A-good-secret7\n")
    api = Api(suite, f"a-{domain}", "A-good-secret7")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        suite.run("domain", "set", domain, f"sync_from=ldap://127.0.0.1:{silent.getsockname()[1]}/{BASE}")
        first = api.ok("SyncDirectory", domain=domain)["run"]
        silent.settimeout(30)
        with silent.accept()[0]:  # it is under way, and gets no answer
            (second,) = {api.ok("SyncDirectory", domain=domain)["run"] for _ in range(5)}
            assert second > first
            assert api.result("SyncDirectory", domain=domain, dry_run=True) == 3
    wait_for(lambda: not api.ok("SyncStatus", domain=domain)["object"]["under_way"], 60, "both have ended")
    assert api.ok("SyncStatus", domain=domain)["object"]["run"] == second
    assert suite.log("sync").count(f"event=sync_failed domain={domain}") == 2
    api.ok("SyncDirectory", domain=domain, dry_run=True)
    wait_for(lambda: api.ok("SyncStatus", domain=domain)["object"]["dry_run"], 60, "there is room again")


def test_who_comes_from_a_directory_is_greeted(suite, domain):
    suite.set("account.welcome", "welcome.txt")
    suite.run("reload")
    try:
        sync(suite, domain)
        sync(suite, domain)
        wait_for(lambda: len(list(suite.root.glob(f"store/{domain}/*/*/mail/[cn]*/*"))) >= 4, 60, "they are greeted")
        assert len(list(suite.root.glob(f"store/{domain}/*/*/mail/[cn]*/*"))) == 4
    finally:
        suite.set("account.welcome", "")
        suite.run("reload")


def test_changes_and_renames_follow_the_id(suite, directory, domain):
    sync(suite, domain)
    con = directory.as_admin()
    con.modify_dn(f"uid=ann,{PEOPLE}", "uid=anna")
    con.modify(f"uid=bob,{PEOPLE}", {"cn": [(ldap3.MODIFY_REPLACE, ["Robert Birch"])]})
    con.modify_dn(f"cn=board,{BASE}", "cn=directors")
    con.modify(f"cn=staff,{BASE}", {"member": [(ldap3.MODIFY_REPLACE, [f"uid=anna,{PEOPLE}", f"uid=dan,{PEOPLE}"])]})
    report, _ = sync(suite, domain, "--dry-run")
    assert ("rename", "user", "ann to anna") in report and ("add", "member", "staff: dan") in report, report
    suite.run("user", "set", f"ann@{domain}", "description=kept")
    report, _ = sync(suite, domain)
    assert users(suite, domain) == {"anna": "Ann Alder", "bob": "Robert Birch", "cid": "Cid Cedar", "dan": "Dan Dogwood"}
    assert show(suite, f"anna@{domain}", "description") == ("kept",)  # nothing is said about it there
    assert members(suite, f"staff@{domain}") == ["anna", "dan"] and members(suite, f"directors@{domain}") == ["cid"]
    assert set(report.values()) == {"done"} and sync(suite, domain)[0] == {}


def test_who_cannot_be_renamed_stays_a_member_and_keeps_aliases(suite, directory, domain):
    suite.run("domain", "set", domain, "sync_map=alias=mail")
    con = directory.as_admin()
    con.modify(f"uid=ann,{PEOPLE}", {"mail": [(ldap3.MODIFY_REPLACE, [f"alder@{domain}"])]})
    sync(suite, domain)
    suite.run("user", "add", f"local@{domain}", "--no-password")
    suite.run("group", "add", f"own@{domain}")
    con.modify_dn(f"uid=ann,{PEOPLE}", "uid=local")
    con.modify_dn(f"cn=board,{BASE}", "cn=own")
    con.modify(f"cn=staff,{BASE}", {"member": [(ldap3.MODIFY_REPLACE, [f"uid=local,{PEOPLE}", f"uid=bob,{PEOPLE}", f"cn=own,{BASE}"])]})
    con.modify(f"cn=own,{BASE}", {"member": [(ldap3.MODIFY_REPLACE, [f"uid=dan,{PEOPLE}"])]})  # not the members of ours
    for options in (("--dry-run",), ()):
        report, said = sync(suite, domain, *options, code=0 if options else 1)
        changed = [name for _, kind, name in report if kind in ("member", "alias")]
        assert changed == [] or options and all(name.startswith("own: ") for name in changed), report
    assert members(suite, f"staff@{domain}") == ["ann", "board", "bob"] and members(suite, f"own@{domain}") == []
    assert [a["mailbox"] for a in suite.json("alias", "list", "--domain", domain)] == [f"ann@{domain}"]
    suite.run("user", "del", f"local@{domain}", "--yes")
    suite.run("group", "del", f"own@{domain}")
    sync(suite, domain)
    assert members(suite, f"staff@{domain}") == ["bob", "local", "own"] and members(suite, f"own@{domain}") == ["dan"]
    assert sync(suite, domain)[0] == {}


def test_the_vanished_are_kept_disabled_or_deleted_with_a_brake(suite, directory, domain):
    sync(suite, domain)
    suite.run("user", "add", f"local@{domain}", "--no-password")
    con = directory.as_admin()
    con.delete(f"uid=ann,{PEOPLE}")
    con.delete(f"uid=bob,{PEOPLE}")
    report, said = sync(suite, domain)
    assert "2 kept" in said and show(suite, f"ann@{domain}", "status", "sync_disabled") == ("normal", False)
    suite.run("domain", "set", domain, "sync_vanished=disable")
    report, said = sync(suite, domain, code=1)
    assert report == {} and "2 of 4 users" in said and show(suite, f"ann@{domain}", "status") == ("normal",)
    suite.run("domain", "set", domain, "sync_brake=50")
    sync(suite, domain)
    assert show(suite, f"ann@{domain}", "status", "sync_disabled") == ("disabled", True)
    con.add(f"uid=ann,{PEOPLE}", "inetOrgPerson", {"uid": "ann", "cn": "Ann Again", "sn": "A"})  # another ID
    report, _ = sync(suite, domain, code=1)
    assert "--adopt takes it over" in report[("refused", "user", "ann")]
    suite.run("domain", "set", domain, "sync_vanished=delete")
    report, _ = sync(suite, domain, code=1)  # what waits for --adopt is not deleted
    assert set(users(suite, domain)) == {"ann", "cid", "dan", "local"}
    sync(suite, domain, "--adopt")
    assert show(suite, f"ann@{domain}", "status", "full_name") == ("normal", "Ann Again")
    con.delete(f"cn=board,{BASE}")
    sync(suite, domain)
    assert [g["address"] for g in suite.json("group", "list", "--domain", domain)] == [f"staff@{domain}"]
    for name in ("ann", "cid", "dan"):
        con.delete(f"uid={name},{PEOPLE}")
    suite.run("domain", "set", domain, "sync_brake=100")
    report, said = sync(suite, domain, code=1)
    assert "nothing was changed" in said  # a directory without users is none, whatever the brake
    sync(suite, domain, "--force")
    assert set(users(suite, domain)) == {"local"}


def test_the_brake_holds_for_groups_alone_too(suite, directory, domain):
    suite.run("domain", "set", domain, "sync_vanished=delete")
    sync(suite, domain)
    con = directory.as_admin()
    for name in ("staff", "board"):
        con.delete(f"cn={name},{BASE}")
    report, said = sync(suite, domain, code=1)
    assert report == {} and "0 of 4 users and 2 of 2 groups" in said
    assert members(suite, f"staff@{domain}") == ["ann", "board", "bob"]
    sync(suite, domain, "--force")
    assert suite.json("group", "list", "--domain", domain) == []


def test_bad_entries_are_told_one_by_one(suite, directory, domain):
    con = directory.as_admin()
    con.add(f"uid=e f,{PEOPLE}", "inetOrgPerson", {"uid": "e f", "cn": "Blank", "sn": "B"})
    con.add(f"uid=x@far.test,{PEOPLE}", "inetOrgPerson", {"uid": "x@far.test", "cn": "Far", "sn": "F"})
    con.add(f"uid=gil,{PEOPLE}", "inetOrgPerson", {"uid": "gil", "cn": "G" * 300, "sn": "G"})
    con.add(f"uid=dan,{BASE}", "inetOrgPerson", {"uid": "dan", "cn": "Dan Two", "sn": "D"})
    con.modify(f"cn=board,{BASE}", {"member": [(ldap3.MODIFY_ADD, [f"cn=nobody,{BASE}"])]})
    con.modify(f"uid=ann,{PEOPLE}", {"mail": [(ldap3.MODIFY_REPLACE, [f"taken@{domain}", f"free@{domain}"])]})
    suite.run("domain", "set", domain, "sync_map=alias=mail")
    suite.run("group", "add", f"cid@{domain}")
    suite.run("user", "add", f"bob@{domain}", "--no-password", "full_name=Local Bob")
    suite.run("alias", "add", f"taken@{domain}", f"bob@{domain}")
    report, said = sync(suite, domain, code=1)
    refused = {k[2].lower(): v for k, v in report.items() if k[0] == "refused"}
    assert "cannot be that of a mailbox" in refused[f"uid=e f,{PEOPLE}"]
    assert "another domain" in refused[f"uid=x@far.test,{PEOPLE}"]
    assert "at most 200 bytes" in refused["gil"]
    assert "another entry has the same name" in refused["dan"]
    assert "another kind" in refused["cid"] and "--adopt" in refused["bob"]
    assert refused["taken"] == "another account has that name"
    aliases = {a["address"].split("@")[0]: a["mailbox"].split("@")[0] for a in suite.json("alias", "list", "--domain", domain)}
    assert aliases == {"taken": "bob", "free": "ann"}
    assert "left out" in report[("note", "group", "board")]
    assert users(suite, domain) == {"ann": "Ann Alder", "bob": "Local Bob", "dan": "Dan Dogwood", "gil": ""}
    suite.wait_log("sync", f"event=sync_refused domain={domain}")


def ad(name, number, *more):
    return "\n".join([f"dn: cn={name},{PEOPLE}", "objectClass: inetOrgPerson", "objectClass: user", "objectClass: extensibleObject",
                      f"cn: {name}", f"sn: {name}", f"objectGUID:: {guid(number)}", *more]) + "\n\n"


def guid(number):
    return base64.b64encode(bytes([number]) + bytes(range(1, 15)) + b"\xff").decode()


def ad_group(name, number, *more):
    return ad(name, number, *more).replace("objectClass: user\n", "objectClass: group\n")


def test_active_directory(suite, authority):
    entries = (TOP + ad("Ann Alder", 1, "sAMAccountName: Ann", "userAccountControl: 512", "displayName: A. Alder",
                        "proxyAddresses: SMTP:ann@corp.test", "proxyAddresses: smtp:alder@ad.test", "proxyAddresses: X400:c=us",
                        f"memberOf: cn=Sales,{PEOPLE}") +
               ad("Bob Birch", 2, "sAMAccountName: bob", "userAccountControl: 514", "proxyAddresses: smtp:birch@ad.test") +
               ad("PC", 3, "objectClass: computer", "sAMAccountName: pc$", "userAccountControl: 4096") +
               ad_group("Sales", 4, "mail: sales@ad.test", "displayName: Sales Team", f"memberOf: cn=All,{PEOPLE}") +
               ad_group("All", 5, "mail: all@ad.test") + ad_group("Domain Users", 6, "sAMAccountName: Domain Users"))
    directory = Directory(authority, readers=f'dn.exact="{ADMIN}"', entries=entries)
    try:
        suite.run("domain", "add", "ad.test", f"sync_from=ldaps://127.0.0.1:{directory.tls_port}/{BASE}", "sync_layout=ad",
                  "sync_map=description=sn")
        report, _ = sync(suite, "ad.test")
        assert users(suite, "ad.test") == {"ann": "A. Alder", "bob": "Bob Birch"}
        assert show(suite, "ann@ad.test", "sync_id", "status", "description") == ("01" + bytes(range(1, 15)).hex() + "ff", "normal", "Ann Alder")
        assert show(suite, "bob@ad.test", "status", "sync_disabled") == ("disabled", True)
        aliases = {a["address"]: a["mailbox"] for a in suite.json("alias", "list", "--domain", "ad.test")}
        assert aliases == {"alder@ad.test": "ann@ad.test", "birch@ad.test": "bob@ad.test"}
        assert members(suite, "sales@ad.test") == ["ann"] and members(suite, "all@ad.test") == ["sales"]
        assert {g["address"] for g in suite.json("group", "list", "--domain", "ad.test")} == {"sales@ad.test", "all@ad.test"}
        con = directory.as_admin()
        con.modify(f"cn=Bob Birch,{PEOPLE}", {"userAccountControl": [(ldap3.MODIFY_REPLACE, ["512"])],
                                             "proxyAddresses": [(ldap3.MODIFY_REPLACE, ["smtp:bb@ad.test"])]})
        con.modify(f"cn=Ann Alder,{PEOPLE}", {"userAccountControl": [(ldap3.MODIFY_REPLACE, ["514"])]})
        suite.run("user", "set", "ann@ad.test", "status=suspended")
        suite.run("alias", "add", "own@ad.test", "ann@ad.test")
        sync(suite, "ad.test")
        assert show(suite, "bob@ad.test", "status", "sync_disabled") == ("normal", False)
        assert show(suite, "ann@ad.test", "status") == ("suspended",)  # the administrator's word
        aliases = {a["address"]: a["mailbox"] for a in suite.json("alias", "list", "--domain", "ad.test")}
        assert aliases == {"alder@ad.test": "ann@ad.test", "bb@ad.test": "bob@ad.test", "own@ad.test": "ann@ad.test"}
        assert sync(suite, "ad.test")[0] == {}
        con.modify(f"cn=Bob Birch,{PEOPLE}", {"userAccountControl": [(ldap3.MODIFY_REPLACE, ["514"])]})
        sync(suite, "ad.test")
        suite.run("user", "set", "bob@ad.test", "status=disabled")  # now it is the administrator's word, too
        con.modify(f"cn=Bob Birch,{PEOPLE}", {"userAccountControl": [(ldap3.MODIFY_REPLACE, ["512"])]})
        assert sync(suite, "ad.test")[0] == {}
        assert show(suite, "bob@ad.test", "status", "sync_disabled") == ("disabled", False)
    finally:
        directory.close()


def test_who_has_the_same_guid_is_the_same_whatever_the_name(suite, authority):
    """Renamed, gone and back again; a name that another one takes is another's."""
    entries = TOP + ad("Ann", 1, "sAMAccountName: ann") + ad("Bob", 2, "sAMAccountName: bob") + ad("Cid", 32, "sAMAccountName: cid")
    directory = Directory(authority, readers=f'dn.exact="{ADMIN}"', entries=entries)
    try:
        suite.run("domain", "add", "guid.test", f"sync_from=ldaps://127.0.0.1:{directory.tls_port}/{BASE}", "sync_layout=ad",
                  "sync_vanished=disable")
        sync(suite, "guid.test")
        ids = {name: show(suite, f"{name}@guid.test", "sync_id")[0] for name in ("ann", "bob", "cid")}
        assert ids["cid"].startswith("20"), "bytes that are text stand as digits, too"
        con = directory.as_admin()
        con.modify(f"cn=Ann,{PEOPLE}", {"sAMAccountName": [(ldap3.MODIFY_REPLACE, ["anna"])]})
        con.modify(f"cn=Bob,{PEOPLE}", {"sAMAccountName": [(ldap3.MODIFY_REPLACE, ["ann"])]})
        report, _ = sync(suite, "guid.test")
        assert set(report) == {("rename", "user", "ann to anna"), ("rename", "user", "bob to ann")}, report
        assert show(suite, "anna@guid.test", "sync_id") == (ids["ann"],) and show(suite, "ann@guid.test", "sync_id") == (ids["bob"],)
        con.delete(f"cn=Cid,{PEOPLE}")
        sync(suite, "guid.test")
        assert show(suite, "cid@guid.test", "status", "sync_disabled") == ("disabled", True)
        con.add(f"cn=Cid,{PEOPLE}", ["inetOrgPerson", "user", "extensibleObject"],
                {"sn": "Cid", "sAMAccountName": "cid", "objectGUID": base64.b64decode(guid(32))})
        sync(suite, "guid.test")
        assert show(suite, "cid@guid.test", "status", "sync_disabled", "sync_id") == ("normal", False, ids["cid"])
    finally:
        directory.close()


def test_what_was_cut_short_changes_nothing(suite, authority):
    directory = Directory(authority, entries=ENTRIES, more="sizelimit size.prtotal=2 size=2\n")
    try:
        inst = make_suite(authority)  # without an account there, which limits do not hold for
        try:
            inst.run("domain", "set", "d.test", f"sync_from=ldap://127.0.0.1:{directory.port}/{BASE}", "sync_vanished=delete", "sync_brake=100")
            report, said = sync(inst, "d.test", code=1)
            assert report == {} and "size limit" in said and "nothing was changed" in said
            inst.wait_log("sync", "event=sync_failed domain=d.test")
            directory.stop()
            assert "nothing was changed" in sync(inst, "d.test", code=1)[1]
            assert set(users(inst, "d.test")) == {"postmaster"}
            services = inst.root / "etc/services.conf"  # one of before there was syncd
            text = services.read_text()
            begin = text.index("[sync]")
            services.write_text(text[:begin] + text[text.index("\n\n", begin):])
            inst.run("restart")
            assert "is the service 'sync' running" in sync(inst, "d.test", code=1)[1]
            found = json.loads(inst.run("doctor", "d.test", "--json", check=False, timeout=120).out)
            assert any("[sync]" in row["text"] and "d.test is not synchronised" in row["text"] for row in found), found
        finally:
            inst.close()
    finally:
        directory.close()


def test_an_interval_needs_no_hand(suite, directory, domain):
    suite.run("domain", "set", domain, "sync_interval=1")
    wait_for(lambda: set(users(suite, domain)) == {"ann", "bob", "cid", "dan"}, 60, "the first one")
    suite.run("domain", "set", domain, "sync_interval=0")


def test_what_is_no_source(suite, domain):
    for bad, why in (("sync_from=http://x/dc=y", "ldap[s]://HOST"), ("sync_user_filter=(cn=x", "')' is missing"),
                     ("sync_map=nonsense=x", "expected address"), ("sync_map=status=x", "expected address"), ("sync_brake=101", "number"),
                     ("sync_vanished=eat", "one of")):
        done = suite.run("domain", "set", domain, bad, check=False)
        assert done.returncode == 1 and why in done.err, done.err
    suite.run("domain", "set", domain, "sync_from=")
    assert "no sync_from" in sync(suite, domain, code=1)[1]
    assert "no such domain" in sync(suite, "far.test", code=1)[1]
    assert suite.run("directory", "sync", check=False).returncode == 2


def test_a_stranger_in_the_directorys_place_gets_no_password(suite, directory, domain):
    stranger = Directory(Authority(), entries=ENTRIES)
    try:
        suite.run("domain", "set", domain, f"sync_from=ldap://127.0.0.1:{stranger.port}/{BASE}")
        assert "no TLS with the directory" in sync(suite, domain, code=1)[1]
    finally:
        stranger.close()
    assert users(suite, domain) == {}
    suite.run("domain", "set", domain, f"sync_from=ldap://127.0.0.1:{directory.port}/dc=other,dc=test")
    assert "no such base" in sync(suite, domain, code=1)[1]
