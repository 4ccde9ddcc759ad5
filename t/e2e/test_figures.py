"""figured: what the counters did by minute, hour and day; posthorn stats --history and --day."""
import datetime
import imaplib
import os
import poplib
import re
import signal
import smtplib
import socket
import ssl

import pytest

from admin_api import Api
from conftest import PASSWORD
from instance import wait_for
from smtp_sink import Sink

CONTEXT = ssl._create_unverified_context()


def history(inst, counter, *args):
    return inst.json("stats", "--history", counter, *args)


def total(inst, counter, *args):
    return sum(row["value"] or 0 for row in history(inst, counter, *args))


def reading(inst):
    """figured reads at each minute, and when it ends."""
    inst.run("service", "restart", "figures")


def send(inst, count):
    for number in range(count):
        with smtplib.SMTP("127.0.0.1", inst.port("smtp")) as smtp:
            smtp.sendmail("x@far.test", ["alice@d.test"], f"Subject: {number}\r\n\r\nhello\r\n")


def test_a_day_of_messages(suite):
    send(suite, 3)
    reading(suite)
    assert total(suite, "smtp/messages_received") == 3
    for by in ("minute", "hour", "day"):
        assert total(suite, "smtp/messages_received", "--by", by) == 3, by
    send(suite, 2)
    reading(suite)  # the services went on: nothing is counted twice
    assert total(suite, "smtp/messages_received") == 5
    chart = suite.run("stats", "--history", "smtp/messages_received", "--since", "30d").out
    assert chart.startswith("smtp/messages_received by day (UTC)\n") and "sum 5, highest" in chart and "#" in chart
    today = {(row["service"], row["counter"]): row["value"] for row in suite.json("stats", "--day", "today")}
    # Around midnight the first ones may be yesterday's.
    yesterday = suite.run("stats", "--day", "yesterday", check=False)
    assert today["smtp", "messages_received"] == 5 or yesterday.returncode == 0
    assert ("imap", "logins") in today


def test_services_and_figured_come_back(suite):
    before = total(suite, "smtp/messages_received")
    send(suite, 1)
    suite.stop()  # figured reads when it ends; then all counters are 0 again
    suite.start()
    send(suite, 4)
    reading(suite)
    assert total(suite, "smtp/messages_received") == before + 5
    (pid,) = [row["pid"] for row in suite.json("status", check=False) if row["service"] == "figures"]
    send(suite, 2)
    os.kill(pid, signal.SIGKILL)  # without the reading at the end: the next one has it
    wait_for(lambda: [r for r in suite.json("status", check=False) if r["service"] == "figures" and r["pid"] not in (pid, None)
                      and r["state"] == "running"], 30, "figured is back")
    reading(suite)
    assert total(suite, "smtp/messages_received") == before + 7


def test_what_is_asked_for(suite):
    reading(suite)
    rows = history(suite, "smtp/messages_received", "--since", "2h", "--by", "minute")
    assert 120 <= len(rows) <= 121 and rows[0]["value"] is None and rows[-1]["time"].endswith("Z")
    first = datetime.datetime.fromisoformat(rows[0]["time"].replace("Z", "+00:00"))
    second = datetime.datetime.fromisoformat(rows[1]["time"].replace("Z", "+00:00"))
    assert (second - first).total_seconds() == 60
    assert len(history(suite, "smtp/messages_received", "--since", "30d")) in (30, 31)
    assert len(history(suite, "smtp/messages_received", "--since", "3000d", "--by", "day")) == 512
    assert suite.run("stats", "--history", "messages_appended", check=False).returncode == 0  # imap's alone
    several = suite.run("stats", "--history", "connections", check=False)
    assert several.returncode == 1 and "smtp/connections" in several.err and "imap/connections" in several.err
    for words in (("--history", "nothing"), ("--day", "2001-01-01")):
        assert suite.run("stats", *words, check=False).returncode == 1, words
    for words in (("--history", "imap/logins", "--since", "soon"), ("--history", "imap/logins", "--by", "year"),
                  ("--since", "2h"), ("--day", "today", "--prometheus"), ("--day", "someday"),
                  ("--history", "imap/logins", "--since", "1h", "--until", "2h")):
        assert suite.run("stats", *words, check=False).returncode == 2, words


def test_over_the_api(suite):
    reading(suite)
    suite.run("admin", "add", "watcher", "type=role", "rights=services", "--password-stdin", stdin="A-good-secret7\n")
    api = Api(suite, "watcher", "A-good-secret7")
    for args, parameters in ((("--since", "2h", "--by", "minute"), {"since": "2h", "by": "minute"}), (("--since", "30d"), {"since": "30d"}),
                             (("--by", "hour"), {"by": "hour"}), ((), {})):
        rows, cursor = [], ""
        while True:
            page = api.ok("CounterHistory", counter="smtp/messages_received", limit=50, cursor=cursor, **parameters)
            rows += [{"time": row["time"], "value": row["value"]} for row in page["objects"]]
            assert all(row["counter"] == "smtp/messages_received" and row["level"] is False for row in page["objects"])
            cursor = page["cursor"]
            if not cursor:
                break
            assert len(page["objects"]) == 50
        assert rows == history(suite, "smtp/messages_received", *args), args
    assert sum(row["value"] or 0 for row in rows) > 0
    assert api.ok("CounterHistory", counter="imap/users_connected", by="day")["objects"][0]["level"] is True
    day = api.ok("Counters", day="today", limit=1000)["objects"]
    assert day == suite.json("stats", "--day", "today")
    assert {row["service"] for row in api.ok("Counters", service="imap")["objects"]} == {"imap"}
    for parameters, result in (({"counter": "smtp/flying"}, 2), ({"counter": "connections"}, 3), ({"counter": "imap/logins", "since": "soon"}, 1),
                               ({"counter": "imap/logins", "by": "year"}, 1), ({"counter": "imap/logins", "since": "1h", "until": "2h"}, 1)):
        assert api.result("CounterHistory", **parameters) == result, parameters
    assert (api.result("Counters", day="someday"), api.result("Counters", day="2001-01-01"), api.result("Counters", service="flying")) == (1, 2, 2)


def test_files_stay_small_and_private(suite):
    reading(suite)
    figures = suite.root / "db/figures"
    assert figures.stat().st_mode & 0o077 == 0
    sizes = {file.name: file.stat().st_size for file in figures.iterdir()}
    assert set(sizes) == {"series", "last", "minutes", "hours", "days"}
    assert sizes["minutes"] <= 24 << 20 and sizes["hours"] <= 8 << 20 and sizes["days"] <= 4 << 20


def test_an_installation_without_the_section_runs_on(instance):
    path = instance.root / "etc/services.conf"
    text = path.read_text()
    path.write_text(re.sub(r"\[(figures|metrics)\]\n(\S.*\n)*", "", text))
    for role in ("figures", "metrics"):  # and has no users for them
        instance.set(f"users.{role}", f"posthorn-no-{role}")
    instance.start()
    assert not [row for row in instance.json("status") if row["state"] != "running"]
    instance.add_user("alice@d.test", PASSWORD)
    imaplib.IMAP4_SSL("127.0.0.1", instance.port("imaps"), ssl_context=CONTEXT).login("alice@d.test", PASSWORD)
    done = instance.run("stats", "--history", "smtp/messages_received", check=False)
    assert done.returncode == 1 and "[figures] in services.conf" in done.err


def counters(inst, service):
    return {row["counter"]: row["value"] for row in inst.json("stats", service)}


def gained(inst, service, before):
    return {name: value - before.get(name, 0) for name, value in counters(inst, service).items()
            if value != before.get(name, 0)}


def test_smtp_by_port(suite):
    """LOG-06: attempts, failed connections and authentications, messages, bytes, filtered, connections now."""
    before = counters(suite, "smtp")
    send(suite, 2)
    with smtplib.SMTP("127.0.0.1", suite.port("submission")) as smtp:
        smtp.starttls(context=CONTEXT)
        with pytest.raises(smtplib.SMTPAuthenticationError):
            smtp.login("alice@d.test", "wrong-password")
        smtp.login("alice@d.test", PASSWORD)
        wait_for(lambda: counters(suite, "smtp")["port_sessions.submission"] == 1, 30, "a session")
        smtp.sendmail("alice@d.test", ["bob@d.test"], "Subject: x\r\n\r\nfrom alice\r\n")
    with socket.create_connection(("127.0.0.1", suite.port("smtps"))) as sock:
        sock.sendall(b"EHLO this is no TLS\r\n")
        sock.settimeout(30)
        while sock.recv(1000):
            pass
    wait_for(lambda: counters(suite, "smtp")["port_connections_failed.smtps"] == 1, 30, "failed handshake")
    now = gained(suite, "smtp", before)
    assert now["port_connections.smtp"] == now["port_messages.smtp"] == 2
    assert now["port_connections.submission"] == 1
    assert now["port_login_failures.submission"] == now["auth_failures"] > 0  # smtplib tries each mechanism
    assert now["port_messages.submission"] == 1 and now["port_message_bytes.submission"] > 20
    assert now["port_connections.smtps"] == 1 and now["bytes_received"] == sum(
        now[f"port_message_bytes.{label}"] for label in ("smtp", "submission"))
    assert not [name for name in now if name.startswith("port_messages_filtered")]
    wait_for(lambda: counters(suite, "smtp")["port_sessions.submission"] == 0, 30, "the session's end")


def test_mailboxes_by_port(suite):
    """LOG-07: the same of IMAP and POP3; sessions that read, messages appended and received, accounts connected."""
    imap_before, pop_before = counters(suite, "imap"), counters(suite, "pop3")
    with imaplib.IMAP4_SSL("127.0.0.1", suite.port("imaps"), ssl_context=CONTEXT) as imap:
        with pytest.raises(imaplib.IMAP4.error):
            imap.login("alice@d.test", "wrong-password")
        imap.login("alice@d.test", PASSWORD)
        imap.select("INBOX")
        imap.append("INBOX", None, None, b"Subject: kept\r\n\r\nx\r\n")
        imap.select("INBOX")
        with imaplib.IMAP4("127.0.0.1", suite.port("imap")) as other:
            other.starttls(CONTEXT)
            other.login("alice@d.test", PASSWORD)
            now = counters(suite, "imap")
            assert now["port_sessions.imaps"] == now["port_sessions.imap"] == 1 and now["users_connected"] == 1
    now = gained(suite, "imap", imap_before)
    assert now["port_connections.imaps"] == now["port_login_failures.imaps"] == now["port_connections.imap"] == 1
    assert now["sessions_reading"] == now["messages_appended"] == 1 and now["logins"] == 2
    pop3 = poplib.POP3_SSL("127.0.0.1", suite.port("pop3s"), context=CONTEXT)
    pop3.user("alice@d.test")
    pop3.pass_(PASSWORD)
    pop3.retr(1)
    pop3.quit()
    wait_for(lambda: gained(suite, "pop3", pop_before).get("messages_retrieved") == 1, 30, "retrieved")
    assert gained(suite, "pop3", pop_before)["port_connections.pop3s"] == 1


def test_queue_and_delivery(suite):
    """LOG-08: of the queue looping, delayed, bounced; of deliveries messages, bytes, failures."""
    queue_before, local_before = counters(suite, "queue"), counters(suite, "local")
    with smtplib.SMTP("127.0.0.1", suite.port("smtp")) as smtp:
        smtp.sendmail("x@far.test", ["alice@d.test", "bob@d.test"], "Subject: two\r\n\r\nhello\r\n")
    wait_for(lambda: gained(suite, "local", local_before).get("delivered") == 2, 30, "both")
    local = gained(suite, "local", local_before)
    assert local["messages_delivered"] in (1, 2)  # the recipients are of one job or of two
    assert local["bytes_delivered"] > 2 * 20
    sink = Sink(replies={"RCPT never*": "550 5.1.1 no such user here", "RCPT later*": "450 4.2.1 later"})
    suite.set("remote.policy", "relay")
    suite.set("remote.relay_hosts", f"127.0.0.2:{sink.port}")
    suite.run("reload")
    remote_before = counters(suite, "remote")
    with smtplib.SMTP("127.0.0.1", suite.port("submission")) as smtp:
        smtp.starttls(context=CONTEXT)
        smtp.login("alice@d.test", PASSWORD)
        smtp.sendmail("alice@d.test", ["x@far.test", "y@far.test", "never@far.test", "later@far.test"],
                      "Subject: far\r\n\r\nhello\r\n")
    wait_for(lambda: counters(suite, "queue")["messages_waiting"] == 1, 30, "one that waits")
    assert gained(suite, "queue", queue_before)["messages_bounced"] == 1
    remote = gained(suite, "remote", remote_before)
    assert remote["messages_sent"] == remote["recipients_bounced"] == remote["recipients_deferred"] == 1
    assert remote["recipients_sent"] == 2 and remote["bytes_sent"] > 2 * 20
    now = counters(suite, "queue")
    assert {"messages_looping", "messages_on_hold", "messages_delayed", "messages_active"} <= set(now)
    assert {f"messages_judged.{w}" for w in ("accepted", "changed", "held", "discarded", "deferred", "refused")} <= set(
        counters(suite, "filter"))
