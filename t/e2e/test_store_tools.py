"""posthorn store: the tools for users' mail on disk, with the suite stopped and running."""
import os

import pytest

from conftest import PASSWORD
from imapclient import Imap
from instance import Instance

ALICE, BOB = "alice@d.test", "bob@d.test"


@pytest.fixture
def inst():
    inst = Instance()
    inst.setup()
    inst.start()
    inst.add_user(ALICE, PASSWORD)
    inst.add_user(BOB, PASSWORD)
    yield inst
    inst.close()


def login(inst, user=ALICE):
    return Imap(inst.port("imaps"), user, tls=True)


def mail_dir(inst, address):
    user, domain = address.split("@")
    return next((inst.root / "store" / domain).glob(f"??/{user}/mail"))


def message(n):
    return f"From: a@x.test\r\nSubject: message {n}\r\n\r\nbody of {n}\r\n".encode()


def fill(inst, user=ALICE, count=5):
    client = login(inst, user)
    for n in range(count):
        assert b"OK" in client.append("INBOX", message(n), "(\\Seen $Work) " if n % 2 else "")[-1]
    client.close()


def findings(inst, *args, check=False):
    import json
    done = inst.run("store", "check", *args, "--json", check=False)
    return json.loads(done.out), done.returncode


# -- check --

def test_check_finds_nothing_in_a_whole_store(inst):
    fill(inst)
    assert findings(inst, "--all") == ([], 0)
    assert findings(inst, "--user", ALICE, "--slow") == ([], 0)
    inst.stop()
    assert findings(inst, "--all") == ([], 0)


def test_check_finds_and_repairs_beside_a_session(inst):
    fill(inst)
    client = login(inst)
    client.ok("SELECT INBOX")
    client.ok("COPY 2 Trash")
    files = sorted((mail_dir(inst, ALICE) / "cur").iterdir())
    os.unlink(files[1])
    data = bytearray(files[3].read_bytes())
    data[5] ^= 1
    files[3].write_bytes(data)
    found, code = findings(inst, "--user", ALICE)
    assert code == 1
    assert [(f["problem"], f["uid"], f["outcome"]) for f in found] == [
        ("message_missing", 2, "left"), ("message_changed", 4, "left")]
    found, code = findings(inst, "--user", ALICE, "--repair")
    assert code == 1  # one was lost
    assert [(f["problem"], f["uid"], f["outcome"]) for f in found] == [
        ("message_missing", 2, "repaired"), ("message_changed", 4, "lost")]
    assert findings(inst, "--user", ALICE) == ([], 0)
    lost = list((mail_dir(inst, ALICE) / "posthorn.lost").iterdir())
    assert len(lost) == 1 and lost[0].read_bytes() == bytes(data)
    lines = client.ok("NOOP")
    assert any(b"4 EXPUNGE" in line for line in lines)
    assert any(message(1) in part for part in client.ok("FETCH 2 BODY[]"))
    client.close()


def test_check_repairs_a_damaged_journal_beside_a_session(inst):
    fill(inst)
    client = login(inst)
    before = client.ok("SELECT INBOX")
    uidvalidity = next(line for line in before if b"UIDVALIDITY" in line)
    path = mail_dir(inst, ALICE) / "posthorn.journal"
    data = bytearray(path.read_bytes())
    data[30] ^= 0xff  # in the header
    with open(path, "r+b") as journal:
        journal.write(data)
    found, code = findings(inst, "--user", ALICE, "--repair")
    assert (code, [f["outcome"] for f in found]) == (0, ["repaired"])
    again = login(inst)
    assert uidvalidity in again.ok("SELECT INBOX")
    flags = b" ".join(again.ok("FETCH 1:* (UID FLAGS)"))
    assert flags.count(b"$Work") == 2 and b"UID 5" in flags
    client.ok("NOOP")
    again.close()
    client.close()


def test_check_wants_somebody(inst):
    assert inst.run("store", "check", check=False).returncode == 2
    assert inst.run("store", "check", "--user", "nobody@d.test", check=False).returncode == 1


# -- undelete --

def test_undelete_by_user_folder_time_sender_and_subject(inst):
    client = login(inst)
    client.ok("CREATE Work/Old")
    for n in range(4):
        client.append("Work/Old", message(n), "(\\Flagged $Work) ")
    client.append("INBOX", b"From: =?utf-8?q?J=C3=BCrgen?= <j@y.test>\r\nSubject: hello\r\n\r\nx\r\n")
    client.ok("SELECT INBOX")
    client.ok("STORE 1 +FLAGS (\\Deleted)")
    client.ok("EXPUNGE")
    client.ok("SELECT Work/Old")
    client.ok("STORE 1:2 +FLAGS (\\Deleted)")
    before = client.ok("FETCH 1 (FLAGS INTERNALDATE)")[0]
    client.ok("EXPUNGE")
    client.ok("CLOSE")
    client.ok("DELETE Work/Old")
    client.ok("DELETE Work")

    def listed(*args):
        return sorted(row["subject"] for row in inst.json("store", "undelete", "--user", ALICE,
                                                          "--list", *args))
    subjects = [f"message {n}" for n in range(4)]
    assert listed() == sorted(["hello", *subjects])
    assert listed("--folder", "Work/Old") == subjects
    assert listed("--from", "jÜRGEN") == ["hello"]
    assert listed("--subject", "MESSAGE 1") == ["message 1"]
    assert listed("--since", "1h") == sorted(["hello", *subjects])
    assert listed("--since", "2099-01-01") == []
    assert inst.run("store", "undelete", "--user", ALICE, check=False).returncode == 1  # no --yes
    assert client.command("SELECT Work/Old")[1].startswith(b"NO")

    inst.run("store", "undelete", "--user", ALICE, "--folder", "Work/Old", "--yes")
    client.ok("SELECT Work/Old")
    lines = client.ok("FETCH 1:* (FLAGS INTERNALDATE BODY.PEEK[])")
    assert len(lines) == 4
    assert sorted(n for n in range(4) for line in lines if message(n) in line) == [0, 1, 2, 3]
    assert all(b"\\Flagged" in line and b"$Work" in line and b"\\Deleted" not in line
               for line in lines)
    date = before[before.index(b"INTERNALDATE"):][:41]
    assert any(date in line for line in lines)
    assert listed() == ["hello"]
    client.close()
    inst.stop()
    inst.run("store", "undelete", "--user", ALICE, "--yes")
    assert listed() == []
    assert findings(inst, "--all") == ([], 0)


def test_undelete_can_be_switched_off_and_is_outside_the_quota(inst):
    client = login(inst)
    client.append("INBOX", message(0))
    client.ok("SELECT INBOX")
    client.ok("STORE 1 +FLAGS (\\Deleted)")
    client.ok("EXPUNGE")
    inst.run("user", "set", ALICE, "quota_messages=1")
    client.close()
    client = login(inst)
    assert client.append("INBOX", message(1))[1].startswith(b"OK")
    done = inst.run("store", "undelete", "--user", ALICE, "--yes", check=False)
    assert done.returncode == 1 and "over quota" in done.err
    inst.run("store", "undelete", "--user", ALICE, "--yes", "--no-quota")
    client.ok("SELECT INBOX")
    assert len(client.ok("FETCH 1:* UID")) == 2
    client.close()
    inst.set("store.undelete_days", "0")
    inst.run("reload")
    client = login(inst)
    client.ok("SELECT INBOX")
    client.ok("STORE 1:* +FLAGS (\\Deleted)")
    client.ok("EXPUNGE")
    client.close()
    assert inst.json("store", "undelete", "--user", ALICE, "--list") == []
