"""How much the users of a domain sent and received in a day, week or month (LOG-10)."""
import datetime
import itertools
import smtplib

import pytest

from admin_api import Api
from conftest import PASSWORD
from imapclient import Imap
from instance import Instance, wait_for

ADMIN_PASSWORD = "A-good-secret7"
DOMAINS = itertools.count()


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    try:
        inst.setup()
        inst.set("auth.plain_on_loopback", "yes")
        inst.run("admin", "add", "root", "type=super", "--password-stdin", stdin=ADMIN_PASSWORD + "\n")
        inst.start()
        yield inst
    finally:
        inst.close()


@pytest.fixture
def domain(suite):
    name = f"s{next(DOMAINS)}.test"
    suite.run("domain", "add", name)
    for user in ("ann", "bob", "carol"):
        suite.add_user(f"{user}@{name}", PASSWORD)
    return name


def send(suite, sender, *recipients, login=True):
    with smtplib.SMTP("127.0.0.1", suite.port("smtp")) as client:
        if login:
            client.login(sender, PASSWORD)
        client.sendmail(sender, recipients, "Subject: x\r\n\r\nhello\r\n")


def statistics(suite, domain, *period):
    return {row["address"].split("@")[0]: row for row in suite.json("stats", "users", domain, *period)}


def shift(days):
    return (datetime.datetime.now(datetime.timezone.utc).date() + datetime.timedelta(days)).isoformat()


def test_messages_bytes_and_logins_of_each_user(suite, domain):
    ann, bob = f"ann@{domain}", f"bob@{domain}"
    with smtplib.SMTP("127.0.0.1", suite.port("smtp")) as client, pytest.raises(smtplib.SMTPAuthenticationError):
        client.login(ann, "wrong")  # neither this nor a login elsewhere counts
    Imap(suite.port("imap"), ann, password=PASSWORD).close()
    send(suite, ann, bob, ann)
    send(suite, ann, bob, "x@far.test")
    send(suite, "x@far.test", bob, login=False)
    wait_for(lambda: statistics(suite, domain).get("bob", {}).get("received_remote_messages") == 1, 30, "the last message")
    wait_for(lambda: statistics(suite, domain)["bob"]["received_local_messages"] == 2, 30, "those before it")
    wait_for(lambda: statistics(suite, domain)["ann"]["smtp_logins"] == 2, 30, "two logins")
    logins = lambda: [(row["service"], row["result"]) for row in suite.json("user", "recent", ann, "--access")]
    wait_for(lambda: logins().count(("smtp", "ok")) == 2, 30, "the last login")
    assert ("imap", "ok") in logins() and ("smtp", "wrong password") in logins()
    suite.wait_queue_empty()  # also the bounce
    found = statistics(suite, domain)
    assert set(found) == {"ann", "bob"}  # carol did nothing
    row = found["ann"]
    assert (row["sent_local_messages"], row["sent_local_recipients"], row["sent_remote_messages"]) == (2, 3, 1)
    assert row["smtp_logins"] == 2
    assert row["sent_local_bytes"] > row["sent_remote_bytes"] > 0
    assert row["received_local_messages"] == 1 and row["received_local_bytes"] > 0
    row = found["bob"]
    assert (row["sent_local_messages"], row["smtp_logins"]) == (0, 0) and row["received_remote_bytes"] > 0
    # The same by the day's name, its week and its month; nothing before and after them.
    today = shift(0)
    assert all(statistics(suite, domain, f"--{period}", today) == found for period in ("day", "week", "month"))
    for period, days in (("day", -1), ("day", 1), ("week", -7), ("week", 7), ("month", -31), ("month", 31)):
        assert statistics(suite, domain, f"--{period}", shift(days)) == {}
    heads = suite.run("stats", "users", domain).out.splitlines()[0].split()
    assert heads[0] == "address" and "smtp_logins" in heads
    # The first week that there is begins on a Thursday: no harm to the recorder, which still answers.
    assert all(statistics(suite, domain, "--week", day) == {} for day in ("1970-01-01", "1970-01-03", "1970-01-05"))
    assert statistics(suite, domain) == found


def test_what_cannot_be(suite, domain):
    assert suite.run("stats", "users", "nowhere.test", check=False).returncode == 1
    for date in ("2026-02-30", "yesterday", "2026-1-1", "1969-12-31"):
        assert suite.run("stats", "users", domain, "--day", date, check=False).returncode == 1
    assert suite.run("stats", "users", domain, "--day", shift(0), "--week", shift(0), check=False).returncode == 2
    assert suite.run("stats", "users", check=False).returncode == 2


def test_large_domains_come_in_pages(suite, domain, tmp_path):
    """And each user is in one of them."""
    count = 105  # a page has 100
    table = tmp_path / "users.csv"
    table.write_text("address,password_record\n" + "".join(f"u{i}@{domain},{{PLAIN}}some-secret\n" for i in range(count)))
    suite.run("user", "import", table, timeout=120)
    for first in range(0, count, 35):
        send(suite, "x@far.test", *(f"u{i}@{domain}" for i in range(first, first + 35)), login=False)
    wait_for(lambda: len(statistics(suite, domain)) == count, 60, "all messages")
    assert all(row["received_remote_messages"] == 1 for row in statistics(suite, domain).values())
    api, users, cursor, pages = Api(suite, "root", ADMIN_PASSWORD), [], "", 0
    while True:
        answer = api.ok("UserStatistics", domain=domain, period=1, date=shift(0), cursor=cursor)
        users += [row["address"] for row in answer["users"]]
        cursor, pages = answer["cursor"], pages + 1
        if not cursor:
            break
    assert sorted(users) == sorted(f"u{i}@{domain}" for i in range(count)) and pages >= 2
    assert api.result("UserStatistics", domain="nowhere.test", period=0) == 2
    assert api.result("UserStatistics", domain=domain, period=0, date="x") == 1
