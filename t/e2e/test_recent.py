"""What is known of a user's doings: the last visit and the status page (DIR-36)."""
import datetime
import imaplib
import itertools
import poplib
import smtplib
import ssl

import pytest

from admin_api import Api
from conftest import PASSWORD
from imapclient import Imap
from instance import Instance, wait_for

ANY_CERTIFICATE = ssl._create_unverified_context()
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
