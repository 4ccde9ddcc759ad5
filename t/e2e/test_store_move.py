"""STO-02: posthorn store move, with the suite stopped, running, under load, and killed in the middle."""
import os
import poplib
import random
import signal
import ssl
import subprocess
import threading
import time

import pytest

from conftest import PASSWORD
from imapclient import Imap
from instance import Instance, wait_for
from load import SmtpLoad, assert_exactly_once, tokens_of
from test_storage_dirs import link, status
from test_store_tools import findings, message, picture, rich

ANY = ssl._create_unverified_context()
ALICE, BOB = "alice@d.test", "bob@d.test"


@pytest.fixture
def inst():
    inst = Instance()
    inst.setup()
    inst.start()
    inst.add_user(ALICE, PASSWORD)
    inst.add_user(BOB, PASSWORD)
    for user in ("alice", "bob"):
        wait_for(lambda user=user: link(inst, user))
    for disk in ("disk2", "disk3"):  # after the users: they are in the main one
        inst.run("store", "dirs", "--add", disk)
    yield inst
    inst.close()


def where(inst, user="alice"):
    path = link(inst, user)
    return os.readlink(path) if path.is_symlink() else "main"


def move(inst, to, *args, user=ALICE):
    return inst.json("store", "move", "--user", user, "--to", to, *args)


@pytest.mark.parametrize("running", [False, True])
def test_nothing_changes_but_the_place(inst, running):
    rich(inst)
    client = Imap(inst.port("imaps"), ALICE, tls=True)
    client.ok("SELECT &AOQ-")
    client.ok("STORE 1 +FLAGS (\\Deleted)")
    client.ok("EXPUNGE")
    client.close()
    before = picture(inst, ALICE)
    for to in ("disk2", "disk3", "main"):
        if not running:
            inst.stop()
        [row] = move(inst, to)
        assert row["to"] == to and row["files"] > 9
        if not running:
            inst.start()
        assert where(inst) == to
        assert picture(inst, ALICE) == before
        assert findings(inst, "--all") == ([], 0)
        assert [r["subject"] for r in inst.json("store", "undelete", "--user", ALICE, "--list")] == ["message 3"]
    for disk in ("disk2", "disk3"):
        wait_for(lambda disk=disk: os.listdir(inst.root / "stores" / disk / ".removed") == [])
    assert os.listdir(inst.root / "store/.moving") == ["lock"]


def test_a_whole_directory(inst):
    rich(inst)
    rows = inst.json("store", "move", "--from", "main", "--to", "disk2")
    assert {row["address"] for row in rows} == {ALICE, BOB, "postmaster@d.test"}
    assert inst.json("store", "move", "--from", "main", "--to", "disk2") == []
    assert where(inst) == where(inst, "bob") == "disk2"
    refused = inst.run("store", "move", "--user", ALICE, "--to", "disk2", check=False)
    assert refused.returncode == 1 and "already" in refused.err
    assert "is missing" in inst.run("store", "move", "--user", ALICE, "--to", "disk9", check=False).err
    assert inst.run("store", "move", "--to", "disk2", check=False).returncode == 2
    assert status(inst)["disk2"] == "normal"


def test_sessions_end_and_find_it_again(inst):
    idle = Imap(inst.port("imaps"), ALICE, tls=True)
    idle.append("INBOX", message(0))
    idle.ok("SELECT INBOX")
    idle.send(b"i1 IDLE\r\n")
    assert idle.line().startswith(b"+")
    move(inst, "disk2")
    lines = []
    while not lines or not lines[-1].startswith(b"* BYE"):
        lines.append(idle.line())
    assert b"being moved" in lines[-1]
    again = Imap(inst.port("imaps"), ALICE, tls=True)
    again.ok("SELECT INBOX")
    assert len(again.ok("FETCH 1:* (UID)")) == 1
    again.close()


class Appender(threading.Thread):
    """Appends messages and flags them, connecting again when the server says BYE; remembers what was
    acknowledged."""

    def __init__(self, inst):
        super().__init__(daemon=True)
        self.inst, self.halt, self.acknowledged = inst, threading.Event(), []

    def run(self):
        client, number = None, 0
        while not self.halt.is_set():
            try:
                if client is None:
                    client = Imap(self.inst.port("imaps"), ALICE, tls=True)
                number += 1
                text = f"X-Token: appended-{number}\r\n\r\nx\r\n".encode()
                if client.append("Sent", text, "(\\Flagged) ")[-1].startswith(b"OK"):
                    self.acknowledged.append(f"appended-{number}")
            except (OSError, AssertionError, IndexError, EOFError):
                client = None
                self.halt.wait(0.05)


def assert_all_there(inst, load, appender):
    inst.wait_queue_empty(60)
    assert_exactly_once(inst, load)
    found = tokens_of(inst, ALICE, "Sent", "\\Flagged")
    assert [t for t in appender.acknowledged if found[t] != 1] == []
    assert findings(inst, "--all") == ([], 0)


@pytest.mark.parametrize("command", ["STATUS INBOX (MESSAGES)", 'LIST "" "*"', "SELECT Sent"])
@pytest.mark.parametrize("removed", [False, True])
def test_a_session_without_a_folder_ends_with_its_next_command(inst, command, removed):
    client = Imap(inst.port("imaps"), ALICE, tls=True)
    assert client.append("INBOX", message(0))[-1].startswith(b"OK")
    move(inst, "disk2")
    if removed:
        wait_for(lambda: os.listdir(inst.root / "store/.removed") == [])
    untagged, tagged = client.command(command)  # never "there is none" of what is elsewhere now
    assert tagged.startswith(b"NO [UNAVAILABLE]")
    assert client.line().startswith(b"* BYE")
    again = Imap(inst.port("imaps"), ALICE, tls=True)
    again.ok("SELECT INBOX")
    assert len(again.ok("FETCH 1:* (UID)")) == 1
    again.close()


def pop3(inst):
    client = poplib.POP3_SSL("127.0.0.1", inst.port("pop3s"), context=ANY, timeout=20)
    client.user(ALICE)
    client.pass_(PASSWORD)
    return client


def two_messages(inst):
    client = Imap(inst.port("imaps"), ALICE, tls=True)
    for number in range(2):
        assert client.append("INBOX", message(number))[-1].startswith(b"OK")
    client.close()


def wait_until_emptied(inst):
    wait_for(lambda: os.listdir(inst.root / "store/.removed") == [])


def test_a_pop3_session_removes_nothing_and_hears_of_it(inst):
    two_messages(inst)
    client = pop3(inst)
    client.dele(1)
    move(inst, "disk2")
    with pytest.raises(poplib.error_proto, match="SYS/TEMP"):
        client.quit()
    client = pop3(inst)
    assert client.stat()[0] == 2
    client.dele(1)
    client.quit()
    client = pop3(inst)
    assert client.stat()[0] == 1
    client.quit()


def test_a_pop3_session_is_not_told_that_messages_are_gone(inst):
    two_messages(inst)
    client = pop3(inst)
    assert client.stat()[0] == 2
    move(inst, "disk2")
    wait_until_emptied(inst)
    with pytest.raises(poplib.error_proto, match="SYS/TEMP.*moved"):  # RFC 3206 section 4: later, not never
        client.retr(2)
    with pytest.raises((poplib.error_proto, OSError)):  # the session is over
        client.stat()
    client = pop3(inst)
    assert b"Subject: message 1" in client.retr(2)[1]
    client.quit()


@pytest.mark.parametrize("key", ["BODY x", "TEXT message", "HEADER X-None x", "SUBJECT message", "SENTSINCE 1-Jan-2000"])
def test_a_search_in_what_was_moved_has_no_answer(inst, key):
    two_messages(inst)
    client = Imap(inst.port("imaps"), ALICE, tls=True)
    client.ok("SELECT INBOX")
    move(inst, "disk2")
    wait_until_emptied(inst)
    untagged, tagged = client.command("SEARCH " + key)
    assert tagged.startswith(b"NO [UNAVAILABLE]")  # never that nothing matches
    assert [line for line in untagged if b"SEARCH" in line] == []


@pytest.mark.parametrize("command", ["FETCH 1:2 BODY.PEEK[]", "SORT (SUBJECT) UTF-8 BODY x",
                                     "THREAD REFERENCES UTF-8 BODY x", "COPY 1:2 Sent"])
def test_other_commands_do_not_say_that_messages_are_gone(inst, command):
    two_messages(inst)
    client = Imap(inst.port("imaps"), ALICE, tls=True)
    client.ok("SELECT INBOX")
    move(inst, "disk2")
    wait_until_emptied(inst)
    untagged, tagged = client.command(command)
    assert tagged.startswith(b"NO [UNAVAILABLE]")
    assert [line for line in untagged if not line.startswith(b"* BYE")] == []


def test_under_load(inst):
    load, appender = SmtpLoad(inst, [ALICE, BOB], threads=2, pause=0.01), Appender(inst)
    load.start()
    appender.start()
    wait_for(lambda: load.count() > 20 and len(appender.acknowledged) > 20)
    for to in ("disk2", "disk3", "main", "disk3"):
        move(inst, to)
        seen = load.count(), len(appender.acknowledged)
        wait_for(lambda seen=seen: load.count() > seen[0] and len(appender.acknowledged) > seen[1],
                 30, f"both go on from {seen}")
    load.stop()
    appender.halt.set()
    appender.join()
    assert where(inst) == "disk3"
    assert_all_there(inst, load, appender)


def test_killed_in_the_middle(inst):
    """kill -9 of the command and its child at any moment: local-deliver puts it right by itself."""
    load, appender = SmtpLoad(inst, [ALICE, BOB], threads=2, pause=0.02), Appender(inst)
    load.start()
    appender.start()
    wait_for(lambda: load.count() > 50 and len(appender.acknowledged) > 50)
    chance, ends = random.Random(4), set()
    for _ in range(8):
        here = where(inst)
        there = "disk2" if here == "main" else "main"
        began = time.monotonic()
        command = subprocess.Popen([str(inst.build / "bin/posthorn"), "--root", str(inst.root), "store",
                                    "move", "--user", ALICE, "--to", there], start_new_session=True,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            command.wait(chance.uniform(0.02, 0.6))
            ends.add("done")
        except subprocess.TimeoutExpired:
            os.killpg(command.pid, signal.SIGKILL)
            command.wait()
            ends.add("killed")
        wait_for(lambda: not os.path.lexists(inst.root / "store/.moving/intent"), 20, "put right")
        seen = load.count(), len(appender.acknowledged)
        wait_for(lambda seen=seen: load.count() > seen[0] and len(appender.acknowledged) > seen[1], 30,
                 f"both go on, {time.monotonic() - began} s after the move began")
    load.stop()
    appender.halt.set()
    appender.join()
    assert "killed" in ends
    assert_all_there(inst, load, appender)
