"""posthorn store: the tools for users' mail on disk, with the suite stopped and running."""
import os
import re

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


# -- export and import --

def picture(inst, user):
    """Everything that a client sees of a mailbox, without what a copy cannot have."""
    client = login(inst, user)
    folders = {}
    for line in client.ok('LIST "" "*" RETURN (SUBSCRIBED SPECIAL-USE)'):
        name = line.rsplit(b'"/" ', 1)[1]
        client.ok(b"EXAMINE " + name)
        messages = []
        untagged, tagged = client.command(
            "UID FETCH 1:* (UID FLAGS INTERNALDATE EMAILID BODY.PEEK[])")
        assert tagged.startswith(b"OK"), tagged
        for got in untagged:
            if b"FETCH" not in got:
                continue
            head, _, body = got.partition(b"BODY[]")
            head = head.split(b"FETCH (")[1].replace(b" \\Recent", b"").replace(b"\\Recent", b"")
            flags = sorted(re.search(rb"FLAGS \(([^)]*)\)", head).group(1).split())
            facts = [re.search(rb'INTERNALDATE "[^"]*"', head).group(0),
                     re.search(rb"EMAILID \(([^)]*)\)", head).group(1)]
            facts.append(re.search(rb"UID (\d+)", head).group(1))
            messages.append((flags, facts, body))
        folders[name] = (line, messages)
    client.close()
    return folders


def rich(inst):
    client = login(inst)
    for name in ("Work/Old", "Work", "&AOQ-", "Archive"):
        client.command(f"CREATE {name}")
    client.ok("SUBSCRIBE Work/Old")
    client.ok("UNSUBSCRIBE Junk")
    client.ok("CREATE Box (USE (\\Archive))")
    date = '"02-Jan-2020 03:04:05 +0100" '
    client.append("INBOX", message(1), "(\\Seen \\Answered $Work other) " + date)
    client.append("INBOX", b"Subject: f\r\nStatus: mine\r\n\r\nFrom me\r\n>From you\r\n\r\nFrom x\r\n\r\n",
                  "(\\Flagged) " + date)
    client.append("INBOX", b"Subject: no end\r\n\r\nno newline", "(\\Draft \\Deleted) " + date)
    client.append("Work/Old", message(2), date)
    client.append("Work/Old", b"\r\nempty header\r\n", "($Work) ")
    client.append("&AOQ-", message(3), "(third second) ")
    client.ok("SELECT INBOX")
    client.ok("COPY 1:2 Archive")
    client.ok("EXAMINE INBOX")
    client.ok('SETMETADATA "" (/private/filters/values/work "KEYWORD $Work")')
    client.ok(b'SETMETADATA INBOX (/private/comment "mine" /shared/comment ~{6+}\r\n\x00a\tb\r\n)')
    client.ok('SETMETADATA &AOQ- (/shared/comment "")')
    client.close()


@pytest.mark.parametrize("form", ["maildir", "mbox", "eml"])
def test_a_round_trip_loses_nothing(inst, form, tmp_path):
    os.chmod(tmp_path, 0o755)
    rich(inst)
    before = picture(inst, ALICE)
    assert sum(len(messages) for _, messages in before.values()) == 8
    inst.run("store", "export", "--user", ALICE, "--format", form, tmp_path / "one")
    inst.run("store", "import", "--user", BOB, tmp_path / "one")
    after = picture(inst, BOB)
    for name, (_, messages) in before.items():
        assert after[name][1] == messages, name
        for word in (b"\\Sent", b"\\Trash", b"\\Archive"):
            assert (word in before[name][0]) == (word in after[name][0])
    subscribed = {name for name, (line, _) in before.items() if b"\\Subscribed" in line}
    assert subscribed <= {name for name, (line, _) in after.items() if b"\\Subscribed" in line}
    client = login(inst, BOB)
    assert client.ok("GETMETADATA INBOX (/private/comment /shared/comment)") == [
        b'* METADATA INBOX (/private/comment "mine" /shared/comment ~{6}\r\n\x00a\tb\r\n)']
    assert client.ok("GETMETADATA &AOQ- /shared/comment") == [b'* METADATA &AOQ- (/shared/comment "")']
    assert client.ok('GETMETADATA (DEPTH infinity) "" /private') == [
        b'* METADATA "" (/private/filters/values/work "KEYWORD $Work")']
    client.close()
    inst.run("store", "export", "--user", BOB, "--format", form, tmp_path / "two")

    def tree(name):
        top = tmp_path / name
        return {str(p.relative_to(top)): p.read_bytes() for p in top.rglob("*") if p.is_file()}
    one, two = tree("one"), tree("two")
    one.pop("subscriptions", None), two.pop("subscriptions", None)
    junk = [tree.pop("posthorn.manifest").replace(b"subscribed", b"-") for tree in (one, two)]
    assert one == two  # UIDs and UIDVALIDITY, too: the mailbox was new
    assert junk[0] == junk[1]
    assert findings(inst, "--all") == ([], 0)


def test_import_of_a_foreign_maildir(inst, tmp_path):
    os.chmod(tmp_path, 0o700)  # root's alone: the mail user could not read it
    top = tmp_path / "Maildir"
    for folder in (".", ".Work.Old", ".bad&name"):
        for sub in ("cur", "new", "tmp"):
            (top / folder / sub).mkdir(parents=True)
    (top / "cur/1500000000.a.host:2,RSab").write_bytes(b"Subject: one\n\none\n")
    os.utime(top / "cur/1500000000.a.host:2,RSab", (1500000000, 1500000000))
    (top / "new/1500000001.b.host").write_bytes(b"Subject: two\r\n\r\ntwo\r\n")
    (top / "dovecot-keywords").write_text("0 $Label1\n1 Junk\n")
    (top / "dovecot-uidlist").write_text("3 V1234567 N9 G00\n7 :1500000000.a.host\n")
    (top / "subscriptions").write_text("Work.Old\n")
    old = top / ".Work.Old"
    (old / "cur/1500000002.c.host:2,FP").write_bytes(b"Subject: three\n\nthree\n")
    (old / "courierimapkeywords").mkdir()
    (old / "courierimapkeywords/:list").write_text("later\nurgent\n\n1500000002.c.host:1\n")
    os.symlink("/etc/passwd", old / "cur/1500000003.d.host:2,")
    rows = inst.json("store", "import", "--user", ALICE, top)
    assert {"folder": ".bad&name", "messages": 0,
            "left_out": "its name is not the encoded name of a folder"} in rows
    client = login(inst)
    assert any(b"UIDVALIDITY 1234567" in line for line in client.ok("SELECT INBOX"))
    got = b" ".join(client.ok("FETCH 1:* (UID FLAGS INTERNALDATE BODY.PEEK[])"))
    assert b"UID 7" in got and b"$Label1" in got and b"Junk" in got and b"\\Answered" in got
    assert b"14-Jul-2017" in got and b"Subject: one\r\n\r\none\r\n" in got
    assert b"Subject: two\r\n\r\ntwo\r\n" in got
    client.ok("SELECT Work/Old")
    got = b" ".join(client.ok("FETCH 1:* (FLAGS BODY.PEEK[])"))
    assert b"\\Flagged" in got and b"urgent" in got and b"$Forwarded" in got and b"later" not in got
    assert b"root:" not in got
    assert any(b"Work/Old" in line for line in client.ok('LSUB "" "*"'))
    client.close()


def test_import_of_foreign_mbox_and_eml(inst, tmp_path):
    os.chmod(tmp_path, 0o755)
    box = tmp_path / "boxes"
    (box / "Work").mkdir(parents=True)
    (box / "INBOX.mbox").write_bytes(
        b"From a@x.test Fri Jul 14 02:40:00 2017\nSubject: one\nStatus: RO\nX-Status: AF\n"
        b"X-Keywords: $Work\n\n>From me\n\n"
        b"From b@x.test Fri Jul 14 02:40:01 2017\nSubject: two\n\ntwo\n")
    (box / "Work/Old").write_bytes(b"From b@x.test Fri Jul 14 02:40:01 2017\nSubject: old\n\nold\n")
    inst.run("store", "import", "--user", ALICE, "--format", "mbox", box)
    client = login(inst)
    client.ok("SELECT INBOX")
    got = client.ok("FETCH 1:* (FLAGS INTERNALDATE BODY.PEEK[])")
    assert b"\\Seen" in got[0] and b"\\Answered" in got[0] and b"$Work" in got[0]
    assert b"14-Jul-2017" in got[0] and b"Subject: one\r\n\r\nFrom me\r\n)" in got[0]
    assert b"Subject: two\r\n\r\ntwo\r\n)" in got[1] and b"\\Seen" not in got[1]
    client.ok("SELECT Work/Old")
    eml = tmp_path / "eml"
    (eml / "Sub").mkdir(parents=True)
    (eml / "a.eml").write_bytes(b"Subject: top\n\ntop\n")
    (eml / "Sub/b.eml").write_bytes(b"Subject: sub\n\nsub\n")
    inst.run("store", "import", "--user", BOB, "--format", "eml", eml)
    other = login(inst, BOB)
    other.ok("SELECT Sub")
    assert b"Subject: sub\r\n\r\nsub\r\n" in other.ok("FETCH 1 BODY.PEEK[]")[0]
    other.close()
    client.close()


def test_import_obeys_the_quota(inst, tmp_path):
    os.chmod(tmp_path, 0o755)
    fill(inst, count=5)
    inst.run("store", "export", "--user", ALICE, tmp_path / "one")
    inst.run("user", "set", BOB, "quota_messages=3")
    done = inst.run("store", "import", "--user", BOB, tmp_path / "one", check=False)
    assert done.returncode == 1 and "over quota" in done.err
    inst.run("store", "import", "--user", BOB, "--no-quota", tmp_path / "one")
    assert len(picture(inst, BOB)[b"INBOX"][1]) == 5
    refused = inst.run("store", "export", "--user", ALICE, tmp_path / "one", check=False)
    assert refused.returncode == 1 and "something in it" in refused.err


# -- empty, read-only --

def test_empty_removes_all_and_can_be_undone(inst):
    fill(inst)
    client = login(inst)
    client.append("Sent", message(9))
    assert inst.run("store", "empty", "--user", ALICE, check=False).returncode == 1
    rows = inst.json("store", "empty", "--user", ALICE, "--yes")
    assert {r["folder"]: r["messages"] for r in rows}["INBOX"] == 5
    assert b"MESSAGES 0" in client.ok("STATUS INBOX (MESSAGES)")[0]
    assert inst.json("user", "show", ALICE)["address"] == ALICE
    inst.run("store", "undelete", "--user", ALICE, "--yes", "--folder", "Sent")
    assert b"MESSAGES 1" in client.ok("STATUS Sent (MESSAGES)")[0]
    inst.run("store", "empty", "--user", ALICE, "--now", "--yes")
    assert inst.json("store", "undelete", "--user", ALICE, "--list") == []
    assert findings(inst, "--all") == ([], 0)
    client.close()


def test_a_read_only_mailbox_is_read_by_imap_and_changed_by_nobody(inst):
    fill(inst)
    inst.run("user", "set", ALICE, "change_mail=no")
    client = login(inst)
    untagged, tagged = client.command("SELECT INBOX")
    assert b"[READ-ONLY]" in tagged
    assert any(b"PERMANENTFLAGS ()" in line for line in untagged)
    assert message(0) in client.ok("FETCH 1 BODY[]")[0]  # sets no \Seen
    for command in ("STORE 1 +FLAGS (\\Flagged)", "EXPUNGE", "MOVE 1 Trash", "COPY 1 Trash",
                    "CREATE New", "DELETE Trash", "RENAME Sent Other", "SUBSCRIBE X",
                    "RENAME INBOX Other"):
        client.no(command)
    assert client.append("INBOX", message(7))[1].startswith(b"NO")
    client.ok("CLOSE")
    client.close()
    inst.run("user", "set", ALICE, "change_mail=yes")
    client = login(inst)
    client.ok("SELECT INBOX")
    lines = client.ok("FETCH 1:* FLAGS")
    assert len(lines) == 5 and b"\\Seen" not in lines[0] and b"\\Flagged" not in lines[0]
    client.close()
