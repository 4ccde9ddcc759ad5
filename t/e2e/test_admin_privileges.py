"""Every call of the API by every type of administrator: what is allowed and what refused.

The expectation is written here, not taken from the table of calls: a wrong row there shows.
"""
import pytest

from admin_api import Api
from instance import Instance

PASSWORD = "A-good-secret7"
NO_RIGHT = 101
ADMINS = {
    "root": ["type=super"],
    "dom": ["type=domain", "domains=d.test"],
    "help": ["type=role", "rights=passwords"],
    "desk": ["type=role", "rights=users groups aliases", "domains=d.test"],
    "hosts": ["type=role", "rights=domains"],
    "texts": ["type=role", "rights=domain-settings public shares", "domains=d.test"],
    "ops": ["type=role", "rights=config services queue"],
    "conf": ["type=role", "rights=config"],
    "serv": ["type=role", "rights=services"],
    "mail": ["type=role", "rights=queue"],
    "wall": ["type=role", "rights=blocks"],
    "news": ["type=role", "rights=broadcast", "domains=d.test"],
    "town": ["type=role", "rights=broadcast"],
}
EVERYBODY = set(ADMINS)

# call -> its parameters about something in DOMAIN, who may in d.test, who may in e.test
USER = {"user": "nobody", "domain": "DOMAIN"}
CALLS = {
    "CheckUser": (USER, "root dom desk help", "root help"),
    "UserRecent": ({**USER, "list": 0}, "root dom desk", "root"),
    "UserStatistics": ({"domain": "DOMAIN", "period": 0}, "root dom desk", "root"),
    "UserStatus": (USER, "root dom desk help", "root help"),
    "AddUser": ({**USER, "user": "new-WHO", "password": "Some-good-one7"}, "root dom desk", "root"),
    "DeleteUser": (USER, "root dom desk", "root"),
    "ModifyUser": ({**USER, "full_name": "X"}, "root dom desk", "root"),
    "ModifyUserQuota": ({**USER, "bytes": 1}, "root dom desk", "root"),
    "ModifyUserRight": ({**USER, "no_imap": 1}, "root dom desk", "root"),
    "ModifyUserStatus": ({**USER, "status": 1}, "root dom desk", "root"),
    "TakeDefaults": ({**USER, "properties": "all"}, "root dom desk", "root"),
    "Authenticate": ({**USER, "password": "x"}, "root dom desk help", "root help"),
    "GetFolderMsgCount": ({**USER, "password": "x"}, "root dom desk help", "root help"),
    "ChangePassword": ({**USER, "old": "x", "new": "Some-good-one7"}, "root dom desk help", "root help"),
    "SetUserPassword": ({**USER, "password": "Some-good-one7"}, "root dom desk help", "root help"),
    "AddDomain": ({"domain": "WHO.DOMAIN"}, "root hosts", "root hosts"),
    "DeleteDomain": ({"domain": "DOMAIN"}, "root hosts", "root hosts"),
    "ModifyDomainStorage": ({"domain": "DOMAIN", "mailboxes": 1000}, "root hosts", "root hosts"),
    "ModifyDomainRight": ({"domain": "DOMAIN", "expires": 0}, "root dom hosts texts", "root hosts"),
    "ModifyDomainLimit": ({"domain": "DOMAIN", "messages": 9}, "root dom hosts texts", "root hosts"),
    "ModifyDomainQuota": ({"domain": "DOMAIN", "recipients": 90}, "root dom hosts texts", "root hosts"),
    "AddAdminUser": ({"name": "mine-WHO-DOMAIN", "password": "Some-good-one7", "type": 0}, "root", "root"),
    "DeleteAdminUser": ({"name": "nobody"}, "root", "root"),
    "ClearTotp": ({"name": "nobody"}, "root", "root"),
    "AddUserAlias": ({"alias": "a-WHO", "domain": "DOMAIN", "mailbox": "nobody@DOMAIN"}, "root dom desk", "root"),
    "DeleteUserAlias": ({"alias": "nobody", "domain": "DOMAIN"}, "root dom desk", "root"),
    "AddDomainAlias": ({"alias": "nobody.test", "domain": "no-DOMAIN"}, "root hosts", "root hosts"),
    "DeleteDomainAlias": ({"alias": "nobody.test"}, "root hosts", "root hosts"),
    "AddGroup": ({"name": "g-WHO", "domain": "DOMAIN"}, "root dom desk", "root"),
    "ModifyGroup": ({"name": "nobody", "domain": "DOMAIN", "members": ""}, "root dom desk", "root"),
    "DeleteGroup": ({"name": "nobody", "domain": "DOMAIN"}, "root dom desk", "root"),
    "AddCode": ({**USER, "description": "x"}, "root dom desk", "root"),
    "RevokeCode": ({**USER, "id": "none"}, "root dom desk", "root"),
    "SyncDirectory": ({"domain": "DOMAIN"}, "root dom desk", "root"), "SyncStatus": ({"domain": "DOMAIN"}, "root dom desk", "root"),
    "SyncReport": ({"domain": "DOMAIN"}, "root dom desk", "root"),
    "Broadcast": ({"domain": "DOMAIN", "subject": "x", "content": "x\n", "id": "DOMAIN!"}, "root dom news town", "root town"),
}
# Of the whole server: a domain makes no difference.
SYSTEM = {
    "StartService": ({"name": "none"}, "root ops serv"), "StopService": ({"name": "none"}, "root ops serv"),
    "RestartService": ({"name": "none"}, "root ops serv"), "ReloadServices": ({}, "root ops serv"),
    "SetService": ({"name": "none", "startup": "disabled"}, "root ops conf"),
    "SystemStatus": ({}, "root ops serv"), "Counters": ({}, "root ops serv"), "CounterHistory": ({"counter": "smtp/connections"}, "root ops serv"),
    "Kick": ({"sessions": "none"}, "root ops serv"),
    "ListQueue": ({}, "root ops mail"), "ShowMessage": ({"id": "none"}, "root ops mail"), "ExportMessage": ({"id": "none"}, "root ops mail"),
    "HoldMessages": ({"ids": "none"}, "root ops mail"), "ReleaseMessages": ({"ids": "none"}, "root ops mail"),
    "RetryMessages": ({"ids": "none"}, "root ops mail"), "DeleteMessages": ({"ids": "none"}, "root ops mail"),
    "GetSetting": ({"name": "smtp.max_recipients"}, "root ops conf"), "SetSettings": ({"unset": "no.thing"}, "root ops conf"),
    "AddListEntries": ({"list": "no.list", "entries": "x"}, "root ops conf"), "RemoveListEntries": ({"list": "no.list", "entries": "x"}, "root ops conf"),
    "FindLocation": ({"address": "192.0.2.1"}, "root ops conf"), "AddLocation": ({"first": "x", "last": "x", "location": "x"}, "root ops conf"),
    "SetLocation": ({"first": "x", "last": "x", "location": "x"}, "root ops conf"), "RemoveLocation": ({"first": "x", "last": "x"}, "root ops conf"),
    "CheckSettings": ({"unset": "no.thing"}, "root ops conf"),
    "ShowCertificate": ({"name": "none"}, "root ops conf"), "ExportCertificate": ({"name": "none"}, "root ops conf"),
    "MakeCertificate": ({"name": "none", "hosts": "-"}, "root ops conf"),
    "ImportCertificate": ({"name": "none", "certificate": "x"}, "root ops conf"),
    "ActivateCertificate": ({"name": "none"}, "root ops conf"), "DeactivateCertificate": ({"name": "none"}, "root ops conf"),
    "RemoveCertificate": ({"name": "none"}, "root ops conf"),
    "ReadLog": ({"log": "smtp"}, "root"), "EmptyLog": ({"log": "none"}, "root"), "DeleteLog": ({"file": "none.log.1"}, "root"),
    "AddBlock": ({"name": "192.0.2.1", "time": "1s"}, "root wall"), "LiftBlock": ({"name": "192.0.2.200"}, "root wall"),
    "TestAlerts": ({}, "root ops serv"), "SilenceAlert": ({"name": "none", "time": "1h"}, "root ops serv"), "SendReport": ({}, "root ops serv"),
    "GetDbPath": ({}, "root"),
}
# The same of the generic calls, by kind.
KINDS = {
    "domain": ("hosts", "hosts"), "domain-alias": ("hosts", "hosts"), "user": ("dom desk", ""), "alias": ("dom desk", ""),
    "group": ("dom desk", ""), "organisation": ("dom desk", ""), "member": ("dom desk", ""), "public": ("dom texts", ""), "admin": ("", ""),
}
SESSION = {"Login", "Logout", "WhoAmI", "ChangeOwnPassword", "EnrollTotp", "ConfirmTotp", "SystemInformation"}
GENERIC = {"List", "Show", "Add", "Set", "Remove", "Rename", "Grant"}
USE = {"CheckUser": "root dom desk", "UserStatus": "root dom desk", "SetUserPassword": "root dom desk help", "Authenticate": "root dom desk help",
       "ChangePassword": "root dom desk help", "GetFolderMsgCount": "root dom desk help"}  # where the table says less than accountd allows


@pytest.fixture(scope="module")
def apis():
    inst = Instance()
    inst.setup()
    inst.run("domain", "add", "e.test")
    for name, properties in ADMINS.items():
        inst.run("admin", "add", name, *properties, "--password-stdin", stdin=PASSWORD + "\n")
    inst.start()
    yield {name: Api(inst, name, PASSWORD) for name in ADMINS}
    inst.close()


def filled(parameters, domain, who):
    return {key: value.replace("DOMAIN", domain).replace("WHO", who) if isinstance(value, str) else value
            for key, value in parameters.items()}


def allowed(apis, call, parameters, domain):
    return {who for who, api in apis.items() if api.result(call, **filled(parameters, domain, who)) != NO_RIGHT}


def test_the_expectation_names_every_call(apis):
    paths = apis["root"].raw("GET", "/api/openapi.json")[1]["paths"]
    assert {path.removeprefix("/api/") for path in paths} == set(CALLS) | set(SYSTEM) | SESSION | GENERIC


@pytest.mark.parametrize("call", CALLS)
def test_named_calls(apis, call):
    parameters, own, others = CALLS[call]
    assert allowed(apis, call, parameters, "d.test") == set(own.split())
    assert allowed(apis, call, parameters, "e.test") == set(others.split())


@pytest.mark.parametrize("call", [call for call in SYSTEM if call != "ReloadServices"])
def test_system_calls(apis, call):
    parameters, may = SYSTEM[call]
    assert allowed(apis, call, parameters, "") == set(may.split())


def name_of(kind):
    return {"domain": "no-WHO.DOMAIN", "domain-alias": "no-WHO.DOMAIN", "admin": "no-WHO"}.get(kind, "no-WHO@DOMAIN")


@pytest.mark.parametrize("kind", KINDS)
def test_generic_changes(apis, kind):
    name = {"kind": kind, "name": name_of(kind)}
    for domain, who in zip(("d.test", "e.test"), KINDS[kind]):
        expected = {"root", *who.split()}
        for call, more in (("Set", {"properties": {"description": "x"}}), ("Remove", {"member": "x@far.test"}),
                           ("Rename", {"new_name": name["name"].replace("no-", "on-")})):
            assert allowed(apis, call, {**name, **more}, domain) == expected, (call, domain)
    expected = {"root", *KINDS[kind][0].split()} if kind not in ("domain", "domain-alias") else {"root", "hosts"}
    assert allowed(apis, "Add", {**name, "properties": {"member": "x@far.test"} if kind == "member" else {}}, "d.test") == expected


def test_a_rename_needs_both_domains(apis):
    assert allowed(apis, "Rename", {"kind": "user", "name": "no@d.test", "new_name": "no@e.test"}, "") == {"root"}


def test_grants(apis):
    public = {"kind": "public", "name": "no@DOMAIN", "member": "@d.test", "right": "read"}
    share = {"kind": "share", "name": "no@DOMAIN", "member": "anyone", "folder": "INBOX", "rights": "lr"}
    assert allowed(apis, "Grant", public, "d.test") == allowed(apis, "Grant", share, "d.test") == {"root", "dom", "texts"}
    assert allowed(apis, "Grant", public, "e.test") == allowed(apis, "Grant", share, "e.test") == {"root"}


def test_limits_and_places_come_from_above(apis):
    for properties in ({"type": "primary"}, {"default_mailbox_path": "disk2"}):
        call = {"kind": "domain", "name": "DOMAIN", "properties": properties}
        assert allowed(apis, "Set", call, "d.test") == {"root", "hosts"}
    assert allowed(apis, "Set", {"kind": "user", "name": "no@DOMAIN", "properties": {"mailbox_path": "disk2"}}, "d.test") == {"root"}


@pytest.mark.parametrize("kind, may", [
    ("domain", "root dom help desk hosts texts news town"), ("domain-alias", "root dom help desk hosts texts news town"), ("user", "root dom help desk"),
    ("alias", "root dom desk"), ("group", "root dom desk"), ("public", "root dom texts"), ("admin", "root"), ("auth-code", "root dom desk"),
    ("service", "root ops serv"), ("connection", "root ops serv"), ("counter", "root ops serv"), ("queue", "root ops mail"),
    ("setting", "root ops conf"), ("certificate", "root ops conf"), ("location", "root ops conf"), ("log", "root"), ("host", "root"),
    ("block", "root wall"), ("alert", "root ops serv"), ("broadcast", "root town"), ("list", "root ops conf"), ("list-entry", "root ops conf"),
])
def test_listings(apis, kind, may):
    assert allowed(apis, "List", {"kind": kind}, "") == set(may.split())


def test_listings_and_broadcasts_of_ones_own_domains(apis):
    for domain, may in (("d.test", "root dom news town"), ("D.TEST", "root dom news town"), ("e.test", "root town")):
        assert allowed(apis, "List", {"kind": "broadcast", "within": domain}, "") == set(may.split())
    everybody = {"subject": "x", "content": "x", "id": "none!"}
    assert allowed(apis, "Broadcast", everybody, "") == {"root", "town"}  # of all domains
    assert allowed(apis, "Broadcast", {**everybody, "domain": ""}, "") == {"root", "town"}


def test_the_table_says_who_has_use_of_a_call(apis):
    for who, api in apis.items():
        calls = set(api.ok("WhoAmI")["calls"])
        expected = {call for call, (_, own, _) in CALLS.items() if who in USE.get(call, own).split()}
        expected |= {call for call, (_, may) in SYSTEM.items() if who in may.split()}
        assert calls == expected | SESSION | GENERIC, who


def test_nobody_changes_another_administrators_password(apis):
    for who, api in apis.items():
        call = api.call("Set", kind="admin", name="help" if who != "help" else "dom", properties={"description": "x"})
        assert (call["result"] == NO_RIGHT) == (who != "root")
    for who in EVERYBODY - {"root"}:
        assert apis[who].call("ChangeOwnPassword", old="wrong", new="Some-good-one7")["result"] == 4


def test_a_reload_is_for_who_has_services(apis):
    """Last: with it the sessions of before end."""
    assert allowed(apis, "ReloadServices", {}, "") == {"root", "ops", "serv"}
