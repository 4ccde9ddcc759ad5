"""posthorn connections and kick: who is there, over every service, and that they go in good order."""
import imaplib
import json
import os
import signal
import smtplib
import ssl

import pytest

from conftest import PASSWORD
from instance import wait_for

CONTEXT = ssl._create_unverified_context()


def sessions(inst, *args):
    return json.loads(inst.run("connections", "--json", *args).out)


@pytest.fixture
def suite(instance):
    instance.start()
    instance.add_user("alice@d.test", PASSWORD)
    return instance


def imap(suite, tls=True):
    if tls:
        return imaplib.IMAP4_SSL("127.0.0.1", suite.port("imaps"), ssl_context=CONTEXT)
    return imaplib.IMAP4("127.0.0.1", suite.port("imap"))


def test_who_is_connected(suite):
    assert sessions(suite) == []
    with smtplib.SMTP("127.0.0.1", suite.port("submission")) as smtp:
        smtp.ehlo()
        (row,) = sessions(suite)
        assert (row["service"], row["tls"], row["user"], row["client"]) == ("submission", False, "", "127.0.0.1")
        assert row["port"] == smtp.sock.getsockname()[1] and 0 <= row["seconds"] < 60
        smtp.starttls(context=CONTEXT)
        smtp.ehlo()
        assert sessions(suite)[0]["tls"] is True
        smtp.login("alice@d.test", PASSWORD)
        assert sessions(suite)[0]["user"] == "alice@d.test"
        client = imap(suite)
        client.login("alice@d.test", PASSWORD)
        found = sessions(suite)
        assert sorted(row["service"] for row in found) == ["imaps", "submission"]
        assert len({row["session"] for row in found}) == 2
        assert [row["service"] for row in sessions(suite, "--service", "imaps")] == ["imaps"]
        assert sessions(suite, "--user", "bob@d.test") == []
        client.logout()
    wait_for(lambda: sessions(suite) == [], 10, "the end of both in the table")


def test_a_session_is_shown_after_a_reload_too(suite):
    client = imap(suite)
    client.login("alice@d.test", PASSWORD)
    suite.run("reload")
    assert [row["user"] for row in sessions(suite)] == ["alice@d.test"]
    other = imap(suite, tls=False)
    wait_for(lambda: len(sessions(suite)) == 2, 10, "sessions of both generations")
    other.logout()
    assert client.noop()[0] == "OK"
    client.logout()


@pytest.mark.parametrize("how", ["session", "user", "client"])
def test_kick(suite, how):
    victim, bystander = imap(suite), None
    victim.login("alice@d.test", PASSWORD)
    (row,) = sessions(suite)
    if how != "client":
        bystander = imap(suite, tls=False)
    name = {"session": [row["session"]], "user": ["--user", "Alice@d.test"], "client": ["--client", "127.0.0.1"]}[how]
    assert suite.run("kick", *name).out == "1 session was told to end\n"
    line = victim.readline()
    assert line.startswith(b"* BYE"), line
    assert victim.readline() == b""
    if bystander:
        assert bystander.noop()[0] == "OK"
        bystander.logout()
    wait_for(lambda: sessions(suite) == [], 10, "an empty table")
    assert suite.run("kick", *name, check=False).returncode == 1


def test_kick_wants_to_know_whom(suite):
    for args in ((), ("--user", "a@d.test", "--client", "127.0.0.1"), ("x", "--user", "a@d.test")):
        assert suite.run("kick", *args, check=False).returncode == 2
    assert "no such session" in suite.run("kick", "nonsense", check=False).err


def test_a_killed_session_leaves_no_row(suite):
    client = imap(suite)
    client.login("alice@d.test", PASSWORD)
    (row,) = sessions(suite)
    assert row["user"] == "alice@d.test"
    pids = [pid for pid, command in suite.processes().items() if "imapd" in command]
    states = json.loads(suite.run("status", "--sandbox", "--json").out)
    (pid,) = [int(r["pid"]) for r in states if r["state"] == "logged in"]
    assert pid in pids
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: sessions(suite) == [], 10, "an empty table")
