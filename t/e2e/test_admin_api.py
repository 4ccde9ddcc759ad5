"""The administrative API: HTTP, logins, every call that it has, and what it is described by."""
import json
import socket
import ssl
import time

import pytest

from admin_api import ANY_CERTIFICATE, Api
from instance import Instance, wait_for

PASSWORD = "A-good-secret7"


def add_admin(inst, name, *properties):
    inst.run("admin", "add", name, *properties, "--password-stdin", stdin=PASSWORD + "\n")


@pytest.fixture(scope="module")
def inst():
    inst = Instance()
    inst.setup()
    inst.run("admin", "passwd", "admin", "--password-stdin", stdin=PASSWORD + "\n")
    inst.run("domain", "add", "e.test")
    add_admin(inst, "dom", "type=domain", "domains=d.test")
    inst.start()
    yield inst
    inst.close()


@pytest.fixture(scope="module")
def api(inst):
    return Api(inst, "admin", PASSWORD)


def exchange(inst, data):
    """What the server says to these bytes, until it closes."""
    with socket.create_connection(("127.0.0.1", inst.port("admin")), timeout=30) as plain, \
            ANY_CERTIFICATE.wrap_socket(plain) as sock:
        sock.sendall(data)
        answer = b""
        try:
            while part := sock.recv(65536):
                answer += part
        except ssl.SSLEOFError:
            pass
    return answer.decode()


# ---- HTTP ----

@pytest.mark.parametrize("request_, status", [
    (b"GET /api/openapi.json HTTP/1.0\r\n\r\n", 200),
    (b"GET / HTTP/1.0\r\n\r\n", 404),
    (b"GET /api/Login HTTP/1.0\r\n\r\n", 405),
    (b"POST /api/Fly HTTP/1.0\r\n\r\n", 404),
    (b"POST /api/WhoAmI HTTP/1.0\r\n\r\n", 401),
    (b"POST /api/WhoAmI HTTP/1.0\r\nAuthorization: Bearer x\r\n\r\n", 401),
    (b"POST /api/WhoAmI HTTP/1.0\r\nAuthorization: Basic ????\r\n\r\n", 401),
    (b"POST /api/Login HTTP/1.0\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}", 415),
    (b"POST /api/Login HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", 400),
    (b"POST /api/Login HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n", 413),
    (b"GET /" + 2000 * b"a" + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    (b"GET / HTTP/1.1\r\nHost: a\r\nA: " + 20000 * b"a" + b"\r\n\r\n", 431),
    (b"EHLO mail.example\r\n\r\n", 400),
])
def test_http(inst, request_, status):
    answer = exchange(inst, request_)
    assert answer.startswith(f"HTTP/1.1 {status} "), answer
    head, _, body = answer.partition("\r\n\r\n")
    assert "Connection: close" in head and isinstance(json.loads(body), dict)


def test_only_tls_is_spoken(inst):
    with socket.create_connection(("127.0.0.1", inst.port("admin")), timeout=30) as sock:
        sock.sendall(b"GET /api/openapi.json HTTP/1.0\r\n\r\n")
        assert not sock.recv(100).startswith(b"HTTP")


def test_requests_share_a_connection_and_may_come_together(inst):
    one = b"GET /api/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n"
    last = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    answer = exchange(inst, one + one + last)
    assert answer.count("HTTP/1.1 200 OK") == 2 and answer.count("HTTP/1.1 404") == 1


@pytest.mark.parametrize("text, reason", [
    ("", "to be given"), ('{"name":null,"password":"x"}', "name: expected a text"), ("[]", "no JSON object"), ("{", "no JSON: line 1"), ('{"name":1,"password":"x"}', "name: expected a text"),
    ('{"name":"a","name":"b","password":"x"}', "duplicate"), ('{"name":"a","password":"x","other":1}', "no parameter 'other'"),
    ('{"name":"a\\nb","password":"x"}', "control"), ('{"name":"\\ud800","password":"x"}', "no JSON"),
    (50000 * "[", "no JSON"), ('{"name":"' + 300 * "a" + '","password":"x"}', "1 to 255 bytes"),
])
def test_bad_parameters_are_told(inst, text, reason):
    status, answer = Api(inst).raw("POST", "/api/Login", text, **{"Content-Type": "application/json"})
    assert status == 200 and answer["result"] == 1 and reason in answer["text"], answer


# ---- logins ----

def test_a_token_is_a_session(inst):
    first = Api(inst, "admin", PASSWORD)
    again = Api(inst)  # another connection
    again.headers = first.headers
    assert again.ok("WhoAmI")["admin"]["name"] == "admin"
    assert again.result("Logout") == 0
    status, _ = first.raw("POST", "/api/WhoAmI", "")  # on its own connection it has shown itself
    assert status in (200, 401)
    third = Api(inst)
    third.headers = first.headers
    assert third.raw("POST", "/api/WhoAmI", "")[0] == 401


def test_basic_authentication(inst):
    assert Api(inst, "dom", PASSWORD, basic=True).ok("WhoAmI")["admin"]["domains"] == ["d.test"]
    assert Api(inst, "dom", "wrong", basic=True).raw("POST", "/api/WhoAmI", "")[0] == 401
    assert Api(inst, "postmaster@d.test", PASSWORD, basic=True).raw("POST", "/api/WhoAmI", "")[0] == 401


def test_a_wrong_password_is_no_session(inst):
    api = Api(inst)
    assert api.call("Login", name="admin", password="wrong")["result"] == 2
    assert api.call("Login", name="nobody", password="wrong")["result"] == 2
    assert api.raw("POST", "/api/WhoAmI", "")[0] == 401
    inst.wait_log("auth", "event=login_failed")


def test_an_administrator_is_no_user_and_a_user_no_administrator(inst):
    inst.add_user("same@d.test", "Password-of-u7")
    add_admin(inst, "same")
    assert Api(inst).result("Login", name="same", password="Password-of-u7") == 2
    assert Api(inst).result("Login", name="same@d.test", password="Password-of-u7") == 2
    assert Api(inst).result("Login", name="same", password=PASSWORD) == 0
    inst.run("admin", "del", "same")


def test_the_own_password_is_changed_with_the_old_one(inst):
    add_admin(inst, "self")
    api, other = Api(inst, "self", PASSWORD), Api(inst, "self", PASSWORD)
    assert api.result("ChangeOwnPassword", old="wrong", new="Another-one-9x") == 4
    assert api.result("ChangeOwnPassword", old=PASSWORD, new="short") == 5
    api.ok("ChangeOwnPassword", old=PASSWORD, new="Another-one-9x")
    assert api.raw("POST", "/api/WhoAmI", "")[0] == 401  # by the password of before
    again = Api(inst)
    again.headers = other.headers
    assert again.raw("POST", "/api/WhoAmI", "")[0] == 401
    assert Api(inst).result("Login", name="self", password=PASSWORD) == 2
    assert Api(inst, "self", "Another-one-9x").ok("WhoAmI")["admin"]["type"] == "super"
    inst.run("admin", "del", "self")


def test_a_session_ends_with_its_administrator(inst):
    add_admin(inst, "gone")
    api = Api(inst, "gone", PASSWORD)
    other = Api(inst)
    other.headers = api.headers
    api.ok("WhoAmI")  # its connection has shown itself, and is asked no more
    inst.run("admin", "del", "gone")
    assert api.result("List", kind="user") == 101
    assert other.raw("POST", "/api/WhoAmI", "")[0] == 401


# ---- calls ----

def test_listings_are_paged_sorted_and_searched(inst, api):
    for name, quota in (("carl", 4000000), ("anna", 5000000), ("Berta", 20000000)):
        api.ok("Add", kind="user", name=f"{name}@e.test", properties={"full_name": name.title(), "quota_bytes": quota})
    names = lambda answer: [row["address"].split("@")[0] for row in answer["objects"]]
    page = api.ok("List", kind="user", within="e.test", limit=2)
    assert names(page) == ["anna", "berta"] and page["cursor"]
    rest = api.ok("List", kind="user", within="e.test", limit=2, cursor=page["cursor"])
    assert names(rest) == ["carl"] and not rest["cursor"]
    assert names(api.ok("List", kind="user", within="e.test", sort="quota_bytes")) == ["carl", "anna", "berta"]
    assert names(api.ok("List", kind="user", within="e.test", sort="full_name", descending=True)) == ["carl", "berta", "anna"]
    found = api.ok("List", kind="user", sort="address", search="BERTA", offset=0, limit=1)
    assert found["total"] == 1 and names(found) == ["berta"]
    assert names(api.ok("List", kind="user", within="e.test", sort="address", offset=1, limit=1)) == ["berta"]
    assert api.result("List", kind="user", sort="shoe_size") == 1
    assert api.result("List", kind="flower") == 1
    assert api.result("List", kind="user", within="nowhere.test") == 2
    assert api.result("List", kind="user", cursor="!") == 1
    row = api.ok("Show", kind="user", name="anna@e.test")["object"]
    assert row["quota_bytes"] == 5000000 and row["imap"] is True and row["forward"] == []


def test_a_search_and_an_order_go_through_all_pages(inst, api):
    """accountd gives 1,000 at a time."""
    before = inst.run("export").out
    user = api.ok("List", kind="user", limit=1)["objects"][0]["address"]
    domain = user.split("@")[1]
    inst.run("import", "--replace", timeout=120,
             stdin=before + "".join(f"alias many{i:04}@{domain}\n    mailbox {user}\n" for i in range(1100)))
    try:
        found = api.ok("List", kind="alias", search="MANY1099@")
        assert (found["total"], [row["address"] for row in found["objects"]]) == (1, [f"many1099@{domain}"])
        found = api.ok("List", kind="alias", search="many", sort="address", descending=True, offset=1, limit=2)
        assert found["total"] == 1100 and [row["address"][:8] for row in found["objects"]] == ["many1098", "many1097"]
        rows = inst.json("alias", "list", "--search", "MANY", "--sort", "address", "--offset", "1098")
        assert [row["address"][:8] for row in rows] == ["many1098", "many1099"]
    finally:
        inst.run("import", "--replace", stdin=before, timeout=120)


def test_users_by_the_numbers_of_the_catalogue(api):
    assert api.result("CheckUser", user="ulf") == 0
    api.ok("AddUser", user="ulf", password="Some-good-one7")
    assert api.result("AddUser", user="ulf", password="Some-good-one7") == 2
    assert api.result("AddUser", user="uwe", domain="nowhere.test", password="Some-good-one7") == 7
    assert api.result("CheckUser", user="ulf") == 2  # of the primary domain
    assert api.result("CheckUser", user="ulf", domain="e.test") == 0
    api.ok("ModifyUser", user="ulf", full_name="Ulf", description="one")
    api.ok("ModifyUser", user="ulf", domain="d.test", full_name="Ulf U.")
    api.ok("ModifyUserQuota", user="ulf", bytes=2 ** 40, messages=0, warning=80)
    api.ok("ModifyUserRight", user="ulf", expires=1893456000, no_pop3=1, no_imap=0)
    api.ok("ModifyUserStatus", user="ulf", status=3)
    row = api.ok("Show", kind="user", name="ulf@d.test")["object"]
    assert (row["full_name"], row["description"], row["quota_bytes"], row["quota_messages"], row["warning_limit"],
            row["expires"], row["pop3"], row["imap"], row["web"], row["status"]) == (
                "Ulf U.", "one", 2 ** 40, 0, 80, "2030-01-01", False, True, True, "suspended")
    api.ok("SetUserPassword", user="ulf", password="Some-good-one7")
    assert api.result("SetUserPassword", user="ulf", password="ulf-ulf-ulf") == 5  # the rules of passwords
    for call, more in (("ModifyUser", {}), ("ModifyUserQuota", {"bytes": 5000000}), ("ModifyUserRight", {"no_imap": 1}),
                       ("ModifyUserStatus", {"status": 1}), ("DeleteUser", {})):
        assert api.result(call, user="nobody", **more) == 2, call
    assert api.result("ModifyUserStatus", user="ulf", status=4) == 1
    assert api.result("ModifyUserStatus", user="ulf@d.test", status=1) == 1
    api.ok("DeleteUser", user="ulf")
    assert api.result("CheckUser", user="ulf") == 0


def test_domains_aliases_and_groups_by_the_numbers_of_the_catalogue(api):
    api.ok("AddDomain", domain="f.test")
    assert api.result("AddDomain", domain="F.Test") == 2
    api.ok("ModifyDomainQuota", domain="f.test", bytes=5000000, recipients=7)
    api.ok("ModifyDomainLimit", domain="f.test", signatures=3, contacts=1000, filters=50, pop3_accounts=2,
           message_bytes=2 ** 34, messages=100)
    row = api.ok("Show", kind="domain", name="f.test")["object"]
    assert (row["max_signatures"], row["max_contacts"], row["max_filters"], row["max_fetch_accounts"],
            row["max_fetch_message_bytes"], row["max_fetch_messages"]) == (3, 1000, 50, 2, 2 ** 34, 100)
    api.ok("ModifyDomainRight", domain="f.test", expires=1893456000, no_webmail=1, no_external_pop3=1, no_notes=0)
    api.ok("Add", kind="user", name="fay@f.test")
    row = api.ok("Show", kind="user", name="fay@f.test")["object"]
    assert (row["quota_bytes"], row["max_recipients"], row["expires"]) == (5000000, 7, "2030-01-01")
    assert (row["web"], row["may_fetch_pop3"], row["notes"], row["pop3"]) == (False, False, True, True)
    for call in ("ModifyDomainRight", "ModifyDomainLimit", "ModifyDomainQuota"):
        assert api.result(call, domain="nowhere.test", **({"no_imap": 1} if "Right" in call else {"messages": 1})) == 2
    api.ok("ModifyUserRight", user="fay", domain="f.test", no_notes=1, no_calendar=1, no_netdisk=1)
    row = api.ok("Show", kind="user", name="fay@f.test")["object"]
    assert (row["notes"], row["calendar"], row["netdisk"]) == (False, False, False)
    api.ok("TakeDefaults", user="fay", domain="f.test", properties="notes;calendar")
    row = api.ok("Show", kind="user", name="fay@f.test")["object"]
    assert (row["notes"], row["calendar"], row["netdisk"]) == (True, True, False)
    assert api.result("TakeDefaults", user="fay", domain="f.test", properties="address") == 1
    for call, more in (("ModifyUserQuota", {"messages": 1}), ("ModifyUserRight", {"no_imap": 1})):
        assert api.result(call, user="fay", domain="nowhere.test", **more) == 3
    assert api.result("DeleteDomain", domain="f.test") == 1
    api.ok("AddUserAlias", alias="fee", domain="f.test", mailbox="fay@f.test")
    assert api.result("CheckUser", user="fee", domain="f.test") == 3
    assert api.result("AddUserAlias", alias="fee2", domain="f.test", mailbox="nobody@f.test") == 2
    assert api.result("DeleteUserAlias", alias="none", domain="f.test") == 2
    api.ok("DeleteUserAlias", alias="fee", domain="f.test")
    api.ok("AddDomainAlias", alias="ff.test", domain="f.test")
    assert api.result("AddDomainAlias", alias="gg.test", domain="nowhere.test") == 2
    api.ok("DeleteDomainAlias", alias="ff.test")
    assert api.result("DeleteDomainAlias", alias="ff.test") == 2
    api.ok("AddGroup", name="crew", domain="f.test", members="fay@f.test;x@far.test", right=2, senders="fay@f.test")
    assert api.result("AddGroup", name="crew", domain="f.test") == 3
    assert api.result("AddGroup", name="fay", domain="f.test") == 2
    assert api.result("AddGroup", name="crew", domain="nowhere.test") == 5
    assert api.result("AddGroup", name="crew2", domain="f.test", members="nobody@f.test") == 1
    assert api.result("CheckUser", user="crew2", domain="f.test") == 0  # it was not left half made
    assert api.result("CheckUser", user="crew", domain="f.test") == 4
    members = lambda: [row["member"] for row in api.ok("List", kind="member", within="crew@f.test")["objects"]]
    assert members() == ["fay@f.test", "x@far.test"]
    api.ok("ModifyGroup", name="crew", domain="f.test", description="new")
    assert members() == ["fay@f.test", "x@far.test"]
    assert api.result("ModifyGroup", name="crew", domain="f.test", members="fay@f.test;nobody@f.test") == 1
    assert members() == ["fay@f.test", "x@far.test"]  # all or nothing
    api.ok("ModifyGroup", name="crew", domain="f.test", members="y@far.test;fay@f.test;FAY@f.test")
    assert members() == ["fay@f.test", "y@far.test"]
    api.ok("ModifyGroup", name="crew", domain="f.test", members="")
    assert members() == []
    assert api.result("ModifyGroup", name="none", domain="f.test", description="x") == 2
    api.ok("DeleteGroup", name="crew", domain="f.test")
    assert api.result("DeleteGroup", name="crew", domain="f.test") == 2
    api.ok("DeleteUser", user="fay", domain="f.test")
    api.ok("DeleteDomain", domain="f.test")
    assert api.result("DeleteDomain", domain="f.test") == 1


def test_generic_calls_know_every_kind(api):
    api.ok("Add", kind="public", name="news@d.test")
    api.ok("Grant", kind="public", name="news@d.test", member="@d.test", right="read")
    assert api.ok("Show", kind="public", name="news@d.test")["object"]["read"] == ["@d.test"]
    api.ok("Set", kind="public", name="news@d.test", properties={"quota_messages": 5, "description": "x"})
    api.ok("Remove", kind="public", name="news@d.test")
    api.ok("Add", kind="group", name="ggg@d.test")
    api.ok("Rename", kind="group", name="ggg@d.test", new_name="gg@d.test")
    api.ok("Add", kind="member", name="gg@d.test", properties={"member": "z@far.test"})
    api.ok("Remove", kind="member", name="gg@d.test", member="z@far.test")
    api.ok("Remove", kind="group", name="gg@d.test")
    assert api.result("Remove", kind="group", name="gg@d.test") == 2
    assert api.result("Set", kind="user", name="postmaster@d.test", properties={"shoe_size": 9}) == 1
    assert api.result("Set", kind="user", name="postmaster@d.test", properties={"forward": ["a"]}) == 1


def test_a_domain_administrator_stays_in_the_own_domain(inst):
    dom = Api(inst, "dom", PASSWORD)
    assert {row["name"] for row in dom.ok("List", kind="domain")["objects"]} == {"d.test"}
    assert {row["address"].split("@")[1] for row in dom.ok("List", kind="user", sort="address")["objects"]} == {"d.test"}
    assert dom.result("ModifyUser", user="anna", domain="e.test", full_name="X") == 101
    assert dom.result("AddDomain", domain="h.test") == 101
    assert dom.result("Show", kind="admin", name="admin") == 101
    inst.wait_log("admin", "call=AddDomain admin=dom result=101")


def test_changes_are_in_the_audit_log_with_the_clients_address(inst, api):
    api.ok("ModifyUser", user="postmaster", full_name="Told")
    inst.wait_log("audit", 'who=admin from=127.0.0.1 verb=set kind=user name=postmaster@d.test property=full_name')


# ---- the service ----

def test_it_cannot_be_stopped_alone_and_comes_back(inst):
    done = inst.run("service", "stop", "admin", check=False)
    assert done.returncode != 0 and "as long as the suite" in done.err
    pids = [pid for pid, command in inst.processes().items() if command.startswith("admind") or "/admind" in command]
    (parent,) = [row["pid"] for row in inst.json("status", "--sandbox") if row["program"] == "admind" and row["role"] == "parent"]
    assert parent in pids
    import os
    import signal
    os.kill(parent, signal.SIGKILL)
    wait_for(lambda: can_log_in(inst), 30, "admind is back")


def can_log_in(inst):
    try:
        return Api(inst, "admin", PASSWORD).result("WhoAmI") == 0
    except (OSError, AssertionError):
        return False


def test_the_description_names_every_call_with_its_parameters(inst):
    document = Api(inst).raw("GET", "/api/openapi.json")[1]
    assert document["openapi"] == "3.1.0"
    for path, item in document["paths"].items():
        schema = item["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert set(schema["required"]) <= set(schema["properties"]), path
        assert "0 done" in item["post"]["responses"]["200"]["description"]
    assert document["paths"]["/api/Login"]["post"]["security"] == []
    user = document["paths"]["/api/ModifyUserStatus"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert user["properties"]["status"] == {"type": "integer", "minimum": 0, "maximum": 3,
                                            "description": "0 normal, 1 disabled, 2 pending, 3 suspended"}


def test_a_slow_request_ends_in_time(inst):
    slow = Instance()
    try:
        slow.setup()
        slow.set("admin.request_timeout", "1s")
        slow.start()
        begin = time.monotonic()
        answer = exchange(slow, b"POST /api/Login HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n{")
        assert answer.startswith("HTTP/1.1 408 ") and time.monotonic() - begin < 30
    finally:
        slow.close()
