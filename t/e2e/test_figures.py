"""figured: what the counters did by minute, hour and day; posthorn stats --history and --day."""
import datetime
import os
import signal
import smtplib



from instance import wait_for


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
    path.write_text(text[:text.index("[figures]")] + "[" + text.split("[figures]")[1].split("[", 1)[1]
                    if "[" in text.split("[figures]")[1] else text[:text.index("[figures]")])
    instance.start()
    assert not [row for row in instance.json("status") if row["state"] != "running"]
    done = instance.run("stats", "--history", "smtp/messages_received", check=False)
    assert done.returncode == 1 and "[figures] in services.conf" in done.err
