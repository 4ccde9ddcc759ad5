"""System operations over the administrative API: services, queue, settings, logs, connections, blocks."""
import base64
import fcntl
import imaplib
import os
import signal
import smtplib
import socket

import pytest

from admin_api import Api
from instance import Instance, wait_for

PASSWORD = "A-good-secret7"


@pytest.fixture(scope="module")
def inst():
    inst = Instance()
    inst.setup()
    inst.run("admin", "passwd", "admin", "--password-stdin", stdin=PASSWORD + "\n")
    inst.add_user("ann@d.test", "Password-of-u7")
    for name, properties in {"ops": ["type=role", "rights=queue services"], "dom": ["type=domain", "domains=d.test"]}.items():
        inst.run("admin", "add", name, *properties, "--password-stdin", stdin=PASSWORD + "\n")
    inst.start()
    yield inst
    inst.close()


@pytest.fixture(scope="module")
def api(inst):
    return Api(inst, "admin", PASSWORD)


def queued(inst, api, subject):
    """A message of ann's that stays in the queue: its id."""
    before = {row["id"] for row in api.ok("ListQueue")["objects"]}
    with smtplib.SMTP("127.0.0.1", inst.port("submission"), timeout=30) as smtp:
        smtp.starttls()
        smtp.login("ann@d.test", "Password-of-u7")
        smtp.sendmail("ann@d.test", ["x@far.invalid"], f"From: ann@d.test\r\nSubject: {subject}\r\n\r\nHello {subject}\r\n",
                      ["HOLDFOR=100000"] if smtp.has_extn("FUTURERELEASE") else [])
    return wait_for(lambda: {row["id"] for row in api.ok("ListQueue")["objects"]} - before, 30, "queued").pop()


def services(api):
    return {row["service"]: row for row in api.ok("List", kind="service")["objects"]}


def wait_audit(inst, text):
    inst.wait_log("audit", text, 30)


# ---- services ----

def test_services_are_listed_stopped_and_started(inst, api):
    rows = services(api)
    assert rows["imap"]["state"] == "running" and rows["imap"]["startup"] == "automatic" and rows["admin"]["startup"] == "always"
    assert rows["imap"]["ports"] == ["imap:143", "imaps:993"] and any(str(inst.port("imap")) in where for where in rows["imap"]["listen"])
    api.ok("StopService", name="pop3")
    assert services(api)["pop3"]["state"] == "stopped"
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", inst.port("pop3")), timeout=5).recv(1) or (_ for _ in ()).throw(OSError())
    api.ok("StartService", name="pop3")
    pid = services(api)["pop3"]["pid"]
    api.ok("RestartService", name="pop3")
    assert services(api)["pop3"]["state"] == "running" and services(api)["pop3"]["pid"] != pid
    answer = api.call("StopService", name="admin")
    assert answer["result"] == 3 and "as long as the suite" in answer["text"]
    assert api.result("StartService", name="flying") == 3
    api.ok("ReloadServices")
    wait_audit(inst, "who=admin from=127.0.0.1 verb=stop kind=service name=pop3")


def test_lists_are_sorted_and_searched(api):
    by_name = [row["service"] for row in api.ok("List", kind="service", sort="service", descending=True)["objects"]]
    assert by_name == sorted(by_name, reverse=True)
    assert [row["service"] for row in api.ok("List", kind="service", search="imapd")["objects"]] == ["imap"]
    first = api.ok("List", kind="setting", sort="name", limit=3)
    assert first["total"] > 100 and len(first["objects"]) == 3
    assert api.result("List", kind="setting", sort="colour") == 1
    page = api.ok("List", kind="setting", limit=3)
    assert len(page["objects"]) == 3 and page["objects"] != api.ok("List", kind="setting", limit=3, cursor=page["cursor"])["objects"]
    (certificate,) = api.ok("List", kind="certificate")["objects"]
    assert certificate["state"] == "active" and certificate["days"] > 0 and "mail.d.test" in certificate["hosts"]
    assert api.ok("List", kind="location")["objects"] == []
    assert any(row["counter"] == "logins" for row in api.ok("List", kind="counter", within="auth")["objects"])


def test_how_a_service_is_started_is_set_and_comments_stay(inst, api):
    path = inst.root / "etc/services.conf"
    text = path.read_text()
    api.ok("SetService", name="pop3", startup="disabled")
    assert services(api)["pop3"]["startup"] == "disabled" and services(api)["pop3"]["ports"] == ["pop3:110", "pop3s:995"]
    added = path.read_text()
    assert added.replace("startup = disabled\n", "", 1) == text
    api.ok("SetService", name="pop3", startup="")
    assert path.read_text() == text
    for bad in ({"startup": "sometimes"}, {"ports": "pop3"}, {"bind": "here"}):
        assert api.result("SetService", name="pop3", **bad) == 1, bad
    assert api.result("SetService", name="nothing", startup="disabled") == 1
    assert path.read_text() == text
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1] - inst.offset
        if 0 < port < 65536:
            answer = api.call("SetService", name="pop3", ports=f"pop3:{port}", restart=True)
            assert answer["result"] == 3 and "in use" in answer["text"], answer
            assert path.read_text() == text
    wait_for(lambda: services(api)["pop3"]["state"] == "running", 30, "pop3 runs as before")


# ---- the queue ----

def test_the_queue_is_seen_and_changed(inst, api):
    one, two = queued(inst, api, "one"), queued(inst, api, "two")
    page = api.ok("ListQueue", limit=1)
    assert [row["id"] for row in page["objects"]] == [min(one, two)] and page["cursor"]
    rest = api.ok("ListQueue", cursor=page["cursor"])
    assert [row["id"] for row in rest["objects"]] == [max(one, two)]
    assert not api.ok("ListQueue", sender="nobody@d.test")["objects"] and len(api.ok("ListQueue", domain="far.invalid")["objects"]) == 2
    shown = api.ok("ShowMessage", id=one)
    assert shown["object"]["sender"] == "ann@d.test" and shown["recipients"][0]["address"] == "x@far.invalid"
    assert api.ok("HoldMessages", ids=f"{one} {two}", reason="looks odd")["messages"] == 2
    held = api.ok("ListQueue", state="hold")["objects"]
    assert {row["id"] for row in held} == {one, two} and held[0]["reason"] == "looks odd"
    part = api.ok("ExportMessage", id=one)
    text = base64.b64decode(part["content"])
    assert len(text) == part["size"] and b"Subject: one" in text and text.endswith(b"Hello one\r\n")
    assert base64.b64decode(api.ok("ExportMessage", id=one, offset=part["size"] - 5)["content"]) == text[-5:]
    assert api.ok("ReleaseMessages", ids=one)["messages"] == 1
    assert one not in {row["id"] for row in api.ok("ListQueue", state="hold")["objects"]}
    api.ok("RetryMessages", ids="ALL")
    assert api.ok("DeleteMessages", ids=two)["messages"] == 1
    assert api.result("ShowMessage", id=two) == 2 and api.result("DeleteMessages", ids=two) == 2
    for bad in ("../../etc/posthorn.conf", "x" * 60, "."):
        assert api.result("ShowMessage", id=bad) == api.result("ExportMessage", id=bad) == 1
    assert api.result("ListQueue", state="lost") == 1
    wait_audit(inst, f"verb=delete kind=queue name=\"\" property=ids before=\"\" after={two}")


# ---- settings ----

def test_settings_are_read_set_and_in_force_at_once(inst, api):
    path = inst.root / "etc/posthorn.conf"
    assert api.ok("GetSetting", name="smtp.banner" if "smtp.banner" in str(api.ok("List", kind="setting", within="smtp")) else "smtp.max_recipients")["object"]["set"] is False
    before = path.read_text()
    api.ok("SetSettings", settings={"smtp.max_message_size": "3M"})
    assert api.ok("GetSetting", name="smtp.max_message_size")["object"]["value"] == "3M"
    with smtplib.SMTP("127.0.0.1", inst.port("smtp"), timeout=30) as smtp:
        smtp.ehlo()
        assert smtp.esmtp_features["size"] == str(3 << 20)
    kept = [line for line in path.read_text().splitlines() if line.startswith("#")]
    assert kept == [line for line in before.splitlines() if line.startswith("#")]
    wait_audit(inst, "verb=set kind=setting name=\"\" property=smtp.max_message_size before=")
    api.ok("SetSettings", unset="smtp.max_message_size")
    assert path.read_text() == before
    assert api.result("GetSetting", name="smtp.colour") == 2


@pytest.mark.parametrize("settings, result, words", [
    ({"smtp.max_message_size": "tall"}, 1, "expected a size"), ({"smtp.colour": "red"}, 2, "no setting 'smtp.colour'"),
    ({"smtp.max_message_size": "3M", "log.level": "loud"}, 1, "expected one of"),
])
def test_wrong_settings_change_nothing(inst, api, settings, result, words):
    before = (inst.root / "etc/posthorn.conf").read_text()
    for call in ("CheckSettings", "SetSettings"):
        answer = api.call(call, settings=settings)
        assert answer["result"] == result and words in answer["text"], answer
    assert (inst.root / "etc/posthorn.conf").read_text() == before


def test_settings_that_services_refuse_are_taken_back(inst, api):
    before = (inst.root / "etc/posthorn.conf").read_text()
    assert api.result("CheckSettings", settings={"tls.certificate": "certs/none.pem"}) == 0  # by itself it is a name
    answer = api.call("SetSettings", settings={"tls.certificate": "certs/none.pem"})
    assert answer["result"] == 3 and "none.pem" in answer["text"], answer
    assert (inst.root / "etc/posthorn.conf").read_text() == before
    assert api.result("WhoAmI") == 0


def test_a_service_that_failed_before_takes_no_change_back(inst, api):
    conf = inst.root / "etc/posthorn.conf"
    before, away = conf.read_text(), inst.root / "archive.away"
    (inst.root / "archive").rename(away)  # archived can't start without it
    try:
        answer = api.call("SetService", name="archive", startup="automatic", restart=True)
        assert answer["result"] == 3 and answer["text"].startswith("changed, but it does not start: "), answer
        wait_audit(inst, 'verb=set kind=service name=archive property=startup before=automatic after=automatic')
        api.ok("SetSettings", settings={"smtp.max_message_size": "4M"})
        assert "max_message_size = 4M" in conf.read_text()
        answer = api.call("ReloadServices")
        assert answer["result"] == 3 and answer["text"].startswith("the configuration is in force, but archive: "), answer
    finally:
        away.rename(inst.root / "archive")
    api.ok("SetService", name="archive", startup="", restart=True)
    api.ok("SetSettings", unset="smtp.max_message_size")
    api.ok("ReloadServices")
    assert conf.read_text() == before


def test_one_change_at_a_time(inst, api):
    before = (inst.root / "etc/posthorn.conf").read_text(), (inst.root / "etc/services.conf").read_text()
    with open(inst.root / "etc/.posthorn.conf.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for call, parameters in (("SetSettings", {"settings": {"smtp.max_message_size": "5M"}}), ("SetService", {"name": "pop3", "startup": "disabled"})):
            answer = api.call(call, **parameters)
            assert answer["result"] == 3 and "another change" in answer["text"], answer
        assert "another change" in inst.run("config", "set", "smtp.max_message_size", "5M", check=False).err
    assert before == ((inst.root / "etc/posthorn.conf").read_text(), (inst.root / "etc/services.conf").read_text())


# ---- logs ----

def test_logs_are_read_emptied_and_removed(inst, api):
    files = {row["file"]: row for row in api.ok("List", kind="log")["objects"]}
    assert files["imap.log"]["service"] == "imap" and files["imap.log"]["bytes"] > 0
    assert all("event=" in line for line in api.ok("ReadLog", log="auth", lines=5)["lines"])
    assert len(api.ok("ReadLog", log="auth", lines=2)["lines"]) <= 2
    found = api.ok("ReadLog", log="oper", search="KIND=LOG")["lines"]
    assert found and all("kind=log" in line for line in found)
    (inst.root / "log/smtp.log.20200101T000000.000Z").write_text("old\n")
    api.ok("DeleteLog", file="smtp.log.20200101T000000.000Z")
    assert not (inst.root / "log/smtp.log.20200101T000000.000Z").exists()
    assert api.result("DeleteLog", file="smtp.log") == 3 and api.result("DeleteLog", file="smtp.log.20200101T000000.000Z") == 2
    api.ok("EmptyLog", log="imap")
    assert not inst.log("imap")
    with imaplib.IMAP4_SSL("127.0.0.1", inst.port("imaps")) as client:
        client.login("ann@d.test", "Password-of-u7")
    inst.wait_log("imap", "user=ann@d.test")  # in a file of its own again
    assert api.result("EmptyLog", log="audit") == api.result("DeleteLog", file="audit.log.20200101T000000.000Z") == 3
    link = inst.root / "log/smtp.log.20200102T000000.000Z"
    link.symlink_to(inst.root / "etc/services.conf")
    assert api.result("ReadLog", log=link.name) == 2 and link.name not in [row["file"] for row in api.ok("List", kind="log")["objects"]]
    link.unlink()
    for bad in ("../etc/posthorn.conf", "imap.log/../../etc/posthorn.conf", "imap.log.1/../../etc/posthorn.conf", ".log", "a.conf",
                "imap.log.x"):
        assert {api.result("ReadLog", log=bad), api.result("EmptyLog", log=bad), api.result("DeleteLog", file=bad)} == {1}, bad


# ---- connections, blocks, codes ----

def test_connections_are_seen_and_ended(inst, api):
    client = imaplib.IMAP4_SSL("127.0.0.1", inst.port("imaps"))
    try:
        client.login("ann@d.test", "Password-of-u7")
        (row,) = [row for row in api.ok("List", kind="connection", within="imaps")["objects"] if row["user"] == "ann@d.test"]
        assert row["client"] == "127.0.0.1" and row["tls"] is True
        assert api.result("Kick", user="ann@d.test", client="127.0.0.1") == api.result("Kick") == 1
        assert api.result("Kick", sessions="nosuch") == 2
        assert api.ok("Kick", sessions=row["session"])["sessions"] == 1
        with pytest.raises(imaplib.IMAP4.abort):
            client.noop()
            client.noop()
    finally:
        client.shutdown()


def test_blocks_are_set_seen_and_lifted(inst, api):
    api.ok("AddBlock", name="192.0.2.9", time="1h", reason="test")
    (row,) = [row for row in api.ok("List", kind="block")["objects"] if row["name"] == "192.0.2.9"]
    assert row["reason"] == "test"
    api.ok("LiftBlock", name="192.0.2.9")
    assert api.result("LiftBlock", name="192.0.2.9") == 2


def test_codes_are_made_used_and_revoked(inst, api):
    made = api.ok("AddCode", user="ann", services="imap", description="phone")
    with imaplib.IMAP4_SSL("127.0.0.1", inst.port("imaps")) as client:
        client.login("ann@d.test", made["code"])
    (row,) = api.ok("List", kind="auth-code", within="ann@d.test")["objects"]
    assert row["id"] == made["id"] and row["services"] == ["imap"] and "secret" not in row
    api.ok("RevokeCode", user="ann", id=made["id"])
    assert api.result("RevokeCode", user="ann", id=made["id"]) == 2 and api.result("AddCode", user="nobody") == 2
    assert made["code"] not in inst.log("audit") + inst.log("admin")


# ---- the system, and who may see it ----

def test_the_host_is_for_super_administrators(inst, api):
    answer = api.ok("SystemInformation")
    host = answer["object"]
    assert host["version"] and host["memory_bytes"] > host["memory_free_bytes"] > 0 and host["store_bytes"] > 0
    assert host["server_uptime"] >= 0 and answer["domains"] == 1 and answer["mailboxes"] == 2
    assert api.ok("GetDbPath")["path"] == str(inst.root / "db")
    dom = Api(inst, "dom", PASSWORD).ok("SystemInformation")
    assert "object" not in dom and dom["domains"] == 1 and dom["mailboxes"] == 2
    ops = Api(inst, "ops", PASSWORD)
    assert ops.ok("SystemInformation")["mailboxes"] is None and ops.result("GetDbPath") == 101
    assert ops.ok("List", kind="service")["objects"] and ops.result("List", kind="setting") == ops.result("List", kind="log") == 101
    assert ops.result("SetService", name="pop3", startup="disabled") == 101  # that is configuration


def test_the_thousandth_answer_says_that_it_is_the_last(inst):
    api = Api(inst, "admin", PASSWORD)
    for _ in range(998):  # after the login
        assert api.raw("GET", "/api/openapi.jsonx")[0] == 404
    api.http.request("GET", "/api/openapi.jsonx")
    response = api.http.getresponse()
    assert response.getheader("Connection") == "close"


# ---- operd itself ----

@pytest.mark.skipif(os.geteuid() != 0, reason="takes several users")
def test_only_authd_is_served(inst):
    """A program of another user, a session's for instance, gets no answer."""
    import subprocess
    import sys
    import textwrap
    script = textwrap.dedent("""
        import os, sys
        sys.path.insert(0, sys.argv[2])
        from frames import Connection, U32
        os.chdir(os.path.dirname(sys.argv[1]))
        os.setuid(int(sys.argv[3]))
        peer = Connection.connect("oper.sock")
        try:
            peer.send(9, 7, "list", "service", "", "", "admin", "", U32(0))
            print(peer.receive()[2][0])
        except (EOFError, OSError):
            print("closed")
    """)
    uid = inst.run("config", "get", "users.smtp").out.strip().split(":")[0]
    uid = uid if uid.isdigit() else subprocess.check_output(["id", "-u", uid], text=True).strip()
    done = subprocess.run([sys.executable, "-c", script, str(inst.root / "run/oper.sock"), os.path.dirname(__file__), uid],
                          capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["closed"], done.stderr


def test_who_serves_a_connection_has_given_up_more_than_who_took_it(inst):
    api = Api(inst, "admin", PASSWORD)
    api.ok("List", kind="service")

    def status(pid):
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)

    shown = {pid: status(pid) for pid, command in inst.processes().items() if "/operd" in command}
    children = [row for row in shown.values() if int(row["PPid"]) in shown]
    assert children and len(shown) == len(children) + 1
    assert {row["Seccomp_filters"] for row in shown.values() if int(row["PPid"]) not in shown} == {"1"}
    assert {(row["Seccomp"], row["Seccomp_filters"], row["NoNewPrivs"]) for row in children} == {("2", "2", "1")}


def test_operd_killed_costs_its_operations_alone(inst):
    api = Api(inst, "admin", PASSWORD, basic=True)
    pids = [pid for pid, command in inst.processes().items() if "/operd" in command]
    assert pids
    children = [pid for pid in pids if os.path.exists(f"/proc/{pid}") and int(open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[1]) in pids]
    for pid in children:  # one that crashes is made again
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: api.result("List", kind="service") == 0, 30, "served again")
    (parent,) = set(pids) - set(children)
    os.kill(parent, signal.SIGKILL)
    wait_for(lambda: api.result("List", kind="service") == 102, 70, "away")
    inst.wait_log("master", "operd_ended")
    assert api.result("List", kind="user") == 0 and api.result("WhoAmI") == 0
