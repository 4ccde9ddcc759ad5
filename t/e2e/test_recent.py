"""What is known of a user's doings: the last visit, the status page, and the lists of what was sent,
received and deleted and of logins (DIR-36 to 40)."""
import csv
import datetime
import imaplib
import itertools
import json
import os
import pathlib
import poplib
import signal
import smtplib
import subprocess

import pytest

from admin_api import Api
from conftest import PASSWORD
from imapclient import Imap
from instance import Instance, wait_for

DOMAINS = itertools.count()
ADMIN_PASSWORD = "A-good-secret7"


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    try:
        inst.setup()
        inst.set("auth.plain_on_loopback", "yes")
        inst.set("auth.failure_delay", "0")
        inst.run("admin", "add", "root", "type=super", "--password-stdin", stdin=ADMIN_PASSWORD + "\n")
        inst.start()
        yield inst
    finally:
        inst.close()


@pytest.fixture
def user(suite):
    domain = f"r{next(DOMAINS)}.test"
    suite.run("domain", "add", domain)
    suite.add_user(f"user@{domain}", PASSWORD)
    return f"user@{domain}"


def imap_login(suite, user, password=PASSWORD):
    with imaplib.IMAP4("127.0.0.1", suite.port("imap")) as client:
        try:
            client.login(user, password)
        except imaplib.IMAP4.error:
            return False
        return True


def pop3_login(suite, user):
    client = poplib.POP3("127.0.0.1", suite.port("pop3"))
    client.user(user)
    client.pass_(PASSWORD)
    client.quit()


def status(suite, user):
    return suite.json("user", "status", user)


def visited(suite, user, service):
    wait_for(lambda: status(suite, user)["last_visit_service"] == service, 30, f"a visit by {service}")
    return status(suite, user)


def test_the_last_visit_is_the_last_login_that_was_good(suite, user):
    assert status(suite, user)["last_visit"] == ""
    assert not imap_login(suite, user, "wrong")
    pop3_login(suite, user)
    seen = visited(suite, user, "pop3")
    now = datetime.datetime.now(datetime.timezone.utc)
    assert seen["last_visit_address"] == "127.0.0.1"
    assert abs((now - datetime.datetime.fromisoformat(seen["last_visit"].replace("Z", "+00:00"))).total_seconds()) < 60
    assert seen["created"] <= seen["last_visit"] and seen["password_changed"] <= seen["last_visit"]
    with smtplib.SMTP("127.0.0.1", suite.port("smtp")) as client:
        client.login(user, PASSWORD)
    visited(suite, user, "smtp")
    assert not imap_login(suite, user, "wrong")
    assert imap_login(suite, user)
    visited(suite, user, "imap")


def test_it_is_kept_through_updates_renames_and_a_restart(suite, user):
    pop3_login(suite, user)
    before = visited(suite, user, "pop3")
    domain = user.split("@")[1]
    kept = ("last_visit", "last_visit_service", "last_visit_address", "created")

    def same(address):
        return all(status(suite, address)[key] == before[key] for key in kept)

    suite.run("user", "set", user, "full_name=Some Body", "quota_bytes=1G")
    assert same(user)
    suite.run("user", "rename", user, f"other@{domain}")
    assert same(f"other@{domain}")
    suite.run("domain", "rename", domain, f"x{domain}")
    suite.stop()
    assert suite.json("user", "show", f"other@x{domain}")["last_visit"] == before["last_visit"]  # accountd of its own
    suite.start()
    assert same(f"other@x{domain}")
    suite.run("user", "del", f"other@x{domain}", "--yes")
    suite.add_user(f"other@x{domain}", PASSWORD)
    assert status(suite, f"other@x{domain}")["last_visit"] == ""  # somebody else


def test_status_tells_what_the_mailbox_holds_now(suite, user):
    assert (status(suite, user)["used_bytes"], status(suite, user)["used_messages"]) == (0, 0)
    client = Imap(suite.port("imap"), user)
    client.append("INBOX", b"Subject: one\r\n\r\nx\r\n")
    client.append("INBOX", b"Subject: two\r\n\r\nx\r\n")
    wait_for(lambda: status(suite, user)["used_messages"] == 2, 30, "two messages")
    client.ok("SELECT INBOX")
    client.ok("STORE 1 +FLAGS (\\Deleted)")
    client.ok("EXPUNGE")
    client.close()
    wait_for(lambda: status(suite, user)["used_messages"] == 1, 30, "one message")
    assert status(suite, user)["used_bytes"] > 0
    assert suite.run("user", "status", "nobody@" + user.split("@")[1], check=False).returncode != 0


def test_the_api_shows_it_and_lists_sort_by_it(suite, user):
    domain = user.split("@")[1]
    suite.add_user(f"early@{domain}", PASSWORD)
    suite.add_user(f"never@{domain}", PASSWORD)
    pop3_login(suite, f"early@{domain}")
    first = visited(suite, f"early@{domain}", "pop3")["last_visit"]

    def later():
        pop3_login(suite, user)
        return status(suite, user)["last_visit"] > first

    wait_for(later, 30, "a later visit")
    api = Api(suite, "root", ADMIN_PASSWORD)
    answer = api.ok("UserStatus", user="user", domain=domain)["status"]
    assert (answer["address"], answer["last_visit_service"], answer["used_messages"]) == (user, "pop3", 0)
    assert api.result("UserStatus", user="nobody", domain=domain) == 2

    def names(**how):
        return [row["address"].split("@")[0] for row in api.ok("List", kind="user", within=domain, **how)["objects"]]

    def listed(*how):
        return [row["address"].split("@")[0] for row in suite.json("user", "list", "--domain", domain, *how)]

    assert names(sort="last_visit") == listed("--sort", "last_visit") == ["never", "early", "user"]
    assert names(sort="last_visit", descending=True, limit=1) == ["user"]
    assert listed("--sort", "last_visit", "--descending", "--limit", "1") == ["user"]
    assert listed("--search", "EARLY@") == ["early"] and listed("--offset", "2") == ["user"]
    heads = suite.run("user", "list", "--domain", domain).out.splitlines()[0].split()
    assert {"address", "full_name", "description", "status", "last_visit"} <= set(heads) and "quota_bytes" not in heads
    assert suite.run("user", "list", "--sort", "shape", check=False).returncode == 2


# ---- what was sent, received, deleted, and who logged in (DIR-37 to 40) ----

def recent(suite, user, which):
    return suite.json("user", "recent", user, f"--{which}")


def today(suite, user):
    return suite.json("user", "recent", user)


def listed(suite, user, which, count):
    """Entries, once there are that many."""
    wait_for(lambda: len(recent(suite, user, which)) >= count, 30, f"{count} {which} of {user}")
    return recent(suite, user, which)


def send(suite, user, *recipients, size=100):
    with smtplib.SMTP("127.0.0.1", suite.port("smtp")) as client:
        client.login(user, PASSWORD)
        client.sendmail(user, recipients, "Subject: x\r\n\r\n" + "x" * size + "\r\n")


def expunge_all(suite, user):
    client = Imap(suite.port("imap"), user)
    client.ok("SELECT INBOX")
    client.ok("STORE 1:* +FLAGS (\\Deleted)")
    client.ok("EXPUNGE")
    client.close()


def test_what_is_sent_and_received(suite, user):
    friend = f"friend@{user.split('@')[1]}"
    suite.add_user(friend, PASSWORD)
    send(suite, user, friend, "x@far.test", "y@far.test")
    send(suite, user, friend)
    sent = listed(suite, user, "sent", 2)
    assert [(entry["recipients"], entry["local"], entry["remote"]) for entry in sent] == \
        [(friend, 1, 0), (f"{friend},x@far.test,y@far.test", 1, 2)]
    assert all(entry["client"] == "127.0.0.1" and entry["result"] == "accepted" and entry["bytes"] > 100 for entry in sent)
    wait_for(lambda: today(suite, user)["smtp_logins"] == 2, 30, "two logins")
    sums = today(suite, user)
    assert (sums["sent_local_messages"], sums["sent_local_recipients"]) == (2, 2)
    assert (sums["sent_remote_messages"], sums["sent_remote_recipients"]) == (1, 2)
    assert sums["sent_local_bytes"] == sum(entry["bytes"] for entry in sent)
    assert sums["sent_remote_bytes"] == sent[1]["bytes"]
    got = listed(suite, friend, "received", 2)
    assert {entry["sender"] for entry in got} == {user} and {entry["from"] for entry in got} == {"local"}
    sums = today(suite, friend)
    assert sums["received_local_messages"] == 2
    assert sums["received_local_bytes"] == sum(entry["bytes"] for entry in got)
    with smtplib.SMTP("127.0.0.1", suite.port("smtp")) as client:  # from outside: nobody sent it
        client.sendmail("x@far.test", [friend], "Subject: x\r\n\r\nx\r\n")
    got = listed(suite, friend, "received", 3)
    assert (got[0]["sender"], got[0]["from"]) == ("x@far.test", "remote")
    assert today(suite, friend)["received_remote_messages"] == 1
    suite.run("domain", "add", "far.test")  # from now on it is one of ours
    try:
        with smtplib.SMTP("127.0.0.1", suite.port("smtp")) as client:
            client.sendmail("x@far.test", [friend], "Subject: x\r\n\r\nx\r\n")
        assert listed(suite, friend, "received", 4)[0]["from"] == "local"
    finally:
        suite.run("domain", "del", "far.test")
    text = suite.run("user", "recent", user, "--sent").out
    assert f"to local 2/{sum(entry['bytes'] for entry in sent)}, to remote 2/" in text.splitlines()[-1]


def test_what_is_refused_is_listed_and_does_not_count(suite, user):
    suite.run("user", "set", user, "max_message_bytes=500")
    with smtplib.SMTP("127.0.0.1", suite.port("smtp")) as client:  # that does not say its size
        client.login(user, PASSWORD)
        client.docmd(f"MAIL FROM:<{user}>")
        client.docmd(f"RCPT TO:<{user}>")
        assert client.data("Subject: x\r\n\r\n" + "x" * 600 + "\r\n")[0] == 552
    send(suite, user, user)
    results = [entry["result"] for entry in listed(suite, user, "sent", 2)]
    assert results[0] == "accepted" and results[1].startswith("552 5.2.3 ")
    assert today(suite, user)["sent_local_messages"] == 1


def test_what_is_deleted(suite, user):
    for _ in range(3):
        send(suite, user, user)
    listed(suite, user, "received", 3)
    expunge_all(suite, user)
    entry = listed(suite, user, "deleted", 1)[0]
    assert (entry["service"], entry["client"], entry["folder"], entry["messages"]) == ("imap", "127.0.0.1", "INBOX", 3)
    assert entry["bytes"] == sum(got["bytes"] for got in recent(suite, user, "received"))
    send(suite, user, user)
    listed(suite, user, "received", 4)
    client = poplib.POP3("127.0.0.1", suite.port("pop3"))
    client.user(user)
    client.pass_(PASSWORD)
    client.dele(1)
    client.quit()
    entry = listed(suite, user, "deleted", 2)[0]
    assert (entry["service"], entry["folder"], entry["messages"]) == ("pop3", "INBOX", 1)
    client = Imap(suite.port("imap"), user)  # what is moved is not deleted, nor is nothing
    client.append("INBOX", b"Subject: x\r\n\r\nx\r\n")
    client.ok("CREATE Old")
    client.ok("SELECT INBOX")
    client.ok("EXPUNGE")
    client.ok("MOVE 1 Old")
    client.ok("SELECT Old")
    client.ok("STORE 1 +FLAGS (\\Deleted)")
    client.ok("CLOSE")
    client.close()
    assert listed(suite, user, "deleted", 3)[0]["folder"] == "Old" and len(recent(suite, user, "deleted")) == 3


def test_logins_good_and_others(suite, user):
    pop3_login(suite, user)
    assert not imap_login(suite, user, "wrong")
    assert not imap_login(suite, f"nobody@{user.split('@')[1]}", "wrong")
    seen = [(entry["service"], entry["result"]) for entry in listed(suite, user, "access", 2)]
    assert seen == [("imap", "wrong password"), ("pop3", "ok")]
    for _ in range(40):  # who guesses pushes out no login that was good
        imap_login(suite, user, "wrong")
    wait_for(lambda: len(recent(suite, user, "access")) == 33, 30, "a full list")
    assert ("pop3", "ok") in [(entry["service"], entry["result"]) for entry in recent(suite, user, "access")]


def test_recording_can_be_switched_off(suite, user):
    suite.run("user", "set", user, "record_sent=no", "record_received=no", "record_deleted=no")
    send(suite, user, user)
    wait_for(lambda: today(suite, user)["received_local_messages"] == 1, 30, "the message counts")
    expunge_all(suite, user)
    pop3_login(suite, user)  # authd tells of it after the removal
    wait_for(lambda: "pop3" in [entry["service"] for entry in recent(suite, user, "access")], 30, "authd's report")
    suite.run("user", "set", user, "record_sent=yes", "record_received=yes", "record_deleted=yes")
    send(suite, user, user)
    listed(suite, user, "sent", 1)
    listed(suite, user, "received", 1)
    send(suite, user, user)
    listed(suite, user, "received", 2)
    expunge_all(suite, user)
    wait_for(lambda: [row["messages"] for row in recent(suite, user, "deleted")][:1] == [2], 30, "the second removal")
    assert [len(recent(suite, user, which)) for which in ("sent", "received", "deleted")] == [2, 2, 1]
    assert today(suite, user)["sent_local_messages"] == 3


def running(suite, role):
    (pid,) = [row["pid"] for row in suite.json("status", "--sandbox") if row["program"] == "accountd" and row["role"] == role]
    return pid


def test_what_was_heard_last_outlives_an_ordinary_end(suite, user):
    """It waits in memory, a tenth of a second for the recorder and a second for the account base."""
    pid = running(suite, "parent")
    pop3_login(suite, user)
    visited(suite, user, "pop3")
    os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not os.path.exists(f"/proc/{pid}"), 30, "its end")
    wait_for(lambda: suite.run("user", "status", user, "--json", check=False).returncode == 0, 30, "another one")
    assert status(suite, user)["last_visit_service"] == "pop3"
    assert listed(suite, user, "access", 1)[0]["service"] == "pop3"


def test_who_asks_a_recorder_that_dies_is_told(suite, user):
    pid = running(suite, "recorder")
    os.kill(pid, signal.SIGSTOP)
    command = [suite.build / "bin/posthorn", "--root", suite.root, "user", "recent", user, "--sent"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as asking:
        try:  # until it waits for the answer
            wait_for(lambda: pathlib.Path(f"/proc/{asking.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "S", 30, "the question")
        finally:
            os.kill(pid, signal.SIGKILL)
        asking.communicate(timeout=25)
    wait_for(lambda: suite.run("user", "recent", user, "--sent", check=False).returncode == 0, 30, "another recorder")


def test_lists_outlive_restarts_and_renames_and_go_with_the_mailbox(suite, user):
    domain = user.split("@")[1]
    send(suite, user, user)
    listed(suite, user, "received", 1)
    before = recent(suite, user, "sent")
    book = next((suite.root / "db/recent" / domain).rglob("user"))
    wait_for(lambda: book.read_bytes()[8:12] != bytes(4), 30, "its head written")  # once a second
    recorders = [row["pid"] for row in suite.json("status", "--sandbox") if row["role"] == "recorder"]
    assert len(recorders) == 1
    os.kill(recorders[0], signal.SIGKILL)  # another one takes over
    wait_for(lambda: suite.run("user", "recent", user, "--sent", "--json", check=False).returncode == 0, 30, "a recorder")
    assert recent(suite, user, "sent") == before
    suite.run("user", "rename", user, f"other@{domain}")
    wait_for(lambda: recent(suite, f"other@{domain}", "sent") == before, 30, "its lists")
    suite.run("domain", "rename", domain, f"x{domain}")
    wait_for(lambda: recent(suite, f"other@x{domain}", "sent") == before, 30, "its lists")
    suite.stop()
    assert recent(suite, f"other@x{domain}", "sent") == before
    suite.start()
    suite.add_user(f"third@x{domain}", PASSWORD)
    send(suite, f"other@x{domain}", f"third@x{domain}")
    assert listed(suite, f"other@x{domain}", "sent", 2)[1:] == before
    suite.run("user", "del", f"other@x{domain}", "--yes")
    suite.add_user(f"other@x{domain}", PASSWORD)
    wait_for(lambda: recent(suite, f"other@x{domain}", "sent") == [], 30, "somebody else")


def test_export(suite, user, tmp_path):
    send(suite, user, user, "x@far.test")
    entries = listed(suite, user, "sent", 1)
    table, text = tmp_path / "sent.csv", tmp_path / "sent.json"
    suite.run("user", "recent", user, "--sent", "--export", table)
    suite.run("user", "recent", user, "--sent", "--export", text)
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows == [{key: str(value) for key, value in entry.items()} for entry in entries]
    assert rows[0]["recipients"] == f"{user},x@far.test"  # the comma in it is quoted
    assert json.loads(text.read_text()) == entries
    assert suite.run("user", "recent", user, "--sent", "--export", table, check=False).returncode == 1
    suite.run("user", "recent", user, "--sent", "--export", table, "--force")
    assert table.stat().st_mode & 0o777 == 0o600
    assert suite.run("user", "recent", user, "--export", table, check=False).returncode == 2
    assert suite.run("user", "recent", user, "--sent", "--access", check=False).returncode == 2
    assert suite.run("user", "recent", f"nobody@{user.split('@')[1]}", check=False).returncode == 1


def test_the_api(suite, user):
    domain = user.split("@")[1]
    suite.run("domain", "add", f"y{domain}")
    suite.run("admin", "add", f"a-{domain}", "type=domain", f"domains={domain}", "--password-stdin", stdin=ADMIN_PASSWORD + "\n")
    send(suite, user, user)
    listed(suite, user, "received", 1)
    listed(suite, user, "access", 1)
    api = Api(suite, f"a-{domain}", ADMIN_PASSWORD)
    answers = [api.ok("UserRecent", user="user", domain=domain, list=which) for which in range(4)]
    assert answers[0]["entries"] == recent(suite, user, "sent") and answers[1]["entries"] == recent(suite, user, "received")
    assert answers[2]["entries"] == [] and answers[3]["entries"][0]["service"] == "smtp"
    assert answers[0]["today"] == today(suite, user)
    assert api.result("UserRecent", user="nobody", domain=domain, list=0) == 2
    assert api.result("UserRecent", user="user", domain=f"y{domain}", list=0) == 101  # not his domain
    assert api.result("UserRecent", user="user", domain=domain, list=4) == 1
