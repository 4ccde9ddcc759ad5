"""The archive: which mail, its chain of hashes, what verify finds, and that each message is in it once (MON-08, 09)."""
import hashlib
import os
import shutil
import signal
import smtplib

import pytest

from conftest import PASSWORD
from disk import Disk
from instance import Instance, wait_for
from smtp_sink import Sink
from test_monitoring import subjects
from test_notices import from_outside
from test_queue import submit

ALL = "local incoming outgoing relayed"


@pytest.fixture(scope="module")
def sink():
    server = Sink(extensions=("PIPELINING", "8BITMIME", "DSN"))
    yield server
    server.close()


def make(sink, **settings):
    inst = Instance()
    inst.setup()
    inst.set("remote.policy", "relay")
    inst.set("remote.relay_hosts", f"127.0.0.2:{sink.port}")
    for name, value in settings.items():
        inst.set(f"archive.{name}", value)
    return inst


def populate(inst):
    for user in ("alice@d.test", "bob@d.test", "keep@d.test", "keep2@d.test"):
        inst.add_user(user, PASSWORD)
    inst.run("group", "add", "out@d.test", "--member", "x@far.test")


@pytest.fixture(scope="module")
def inst(sink):
    inst = make(sink, classes=ALL)
    inst.start()
    populate(inst)
    yield inst
    inst.close()


def listed(inst, *options):
    return inst.json("archive", "list", *options)


def file_of(inst, row):
    return inst.root / "archive" / row["file"]


def wait_archived(inst, count, *options):
    wait_for(lambda: len(listed(inst, *options)) >= count, 20, f"{count} archived")
    return listed(inst, *options)


def test_each_class_with_what_it_was(inst):
    submit(inst, ["bob@d.test"], subject="local")
    from_outside(inst, "bob@d.test", "incoming")
    submit(inst, ["x@far.test"], subject="outgoing")
    submit(inst, ["bob@d.test", "y@far.test"], subject="two")
    from_outside(inst, "out@d.test", "relayed", sender="stranger@far.test")
    rows = {inst.run("archive", "show", row["id"]).out.split("Subject: ")[1].split("\r\n")[0]: row
            for row in wait_archived(inst, 5)}
    assert {subject: row["classes"] for subject, row in rows.items()} == {
        "local": "local", "incoming": "incoming", "outgoing": "outgoing", "two": "local,outgoing", "relayed": "relayed"}
    assert rows["two"]["sender"] == "alice@d.test" and rows["two"]["recipients"] == ["bob@d.test", "y@far.test"]
    assert rows["relayed"]["recipients"] == ["out@d.test"]  # as the sender named it
    for row in rows.values():
        content = file_of(inst, row).read_bytes()
        assert len(content) == row["size"] and hashlib.sha256(content).hexdigest() == row["sha256"]
        assert b"archive" not in content.lower()  # nothing tells of it
    assert inst.run("archive", "verify").out.startswith("5 messages, ")


def test_search_by_time_sender_and_recipient(inst):
    submit(inst, ["bob@d.test"], subject="find me", sender="Alice@d.test")
    wait_archived(inst, 1, "--sender", "ALICE@D.TEST", "--recipient", "bob@d.test")
    assert listed(inst, "--recipient", "nobody@d.test") == []
    assert listed(inst, "--sender", "bob@d.test") == []
    assert listed(inst, "--to", "2020-01-01") == [] and listed(inst, "--from", "2099-01-01T10") == []
    assert len(listed(inst, "--from", "2020-01-01", "--to", "2099-12-31T23:59")) == len(listed(inst))
    assert inst.run("archive", "list", "--from", "yesterday", check=False).returncode == 2
    assert inst.run("archive", "show", "nosuchid", check=False).returncode == 1
    target = inst.base / "export"
    count = len(listed(inst, "--sender", "stranger@far.test"))
    assert inst.run("archive", "export", target, "--sender", "stranger@far.test").out == f"{count} messages\n"
    assert len(list(target.iterdir())) == count > 0


def test_notices_are_nobodys_mail(inst):
    before = len(listed(inst))
    with smtplib.SMTP("127.0.0.1", inst.port("smtp"), timeout=20) as client:
        client.sendmail("alice@d.test", ["bob@d.test"], "Subject: x\r\n\r\n.\r\n", rcpt_options=["NOTIFY=SUCCESS"])
    wait_archived(inst, before + 1)
    inst.wait_queue_empty()
    assert len(listed(inst)) == before + 1  # the report went to alice


def test_the_directory_is_archiveds_own(inst):
    root = inst.root / "archive"
    for path in (root, *root.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path
    if os.geteuid() == 0:
        others = {0} | {(inst.root / name).stat().st_uid for name in ("queue/active", "store", "db", "log")}
        assert root.stat().st_uid not in others


def test_wrong_settings_are_told(sink):
    inst = make(sink, classes="incoming", to="mailbox")
    try:
        done = inst.run("config", "check", check=False)
        assert done.returncode == 1 and "archive.remote_mailbox: expected user@domain" in done.err
        inst.set("archive.to", "files")
        inst.run("config", "check")
        services = inst.root / "etc/services.conf"
        services.write_text(services.read_text().replace("[archive]\nprogram = archived\nuser = archive\n", ""))
        done = inst.run("config", "check", check=False)
        assert done.returncode == 1 and "add its section [archive]" in done.err
    finally:
        inst.close()


def test_into_mailboxes(sink):
    inst = make(sink, classes="local outgoing", to="mailbox", local_mailbox="keep@d.test", remote_mailbox="keep2@d.test")
    try:
        inst.start()
        populate(inst)
        submit(inst, ["bob@d.test"], subject="local")
        submit(inst, ["x@far.test"], subject="outgoing")
        submit(inst, ["bob@d.test", "x@far.test"], subject="two")
        from_outside(inst, "bob@d.test", "incoming")
        wait_for(lambda: len(subjects(inst, "keep2@d.test")) == 2, 20, "archived")
        inst.wait_queue_empty()
        assert sorted(subjects(inst, "keep@d.test")) == ["local", "two"]
        assert sorted(subjects(inst, "keep2@d.test")) == ["outgoing", "two"]
        assert sorted(subjects(inst, "bob@d.test")) == ["incoming", "local", "two"]
        assert listed(inst) == []
    finally:
        inst.close()


# -- verify --

def line_of(number, day, name, content, previous, sender="a@d.test"):
    return (f"{number} {day.replace('/', '-')}T08:00:00.000Z {name} local <{sender}> <b@d.test>,<c%20c@d.test> "
            f"{len(content)} {hashlib.sha256(content).hexdigest()} {previous}")


@pytest.fixture
def written(inst, tmp_path):
    """Three days by another hand: the format is what the manual says. Yields its directory, and puts back the real one."""
    root, aside = inst.root / "archive", tmp_path / "aside"
    shutil.move(root, aside)
    root.mkdir()
    previous, number = "0" * 64, 0
    for day in ("2026/01/30", "2026/01/31", "2026/02/01"):
        (root / day).mkdir(parents=True)
        lines = []
        for i in range(4):
            number += 1
            name, content = f"id{number}", f"Subject: {number}\r\n\r\n".encode() * (i + 1)
            (root / day / f"{name}.eml").write_bytes(content)
            lines.append(line_of(number, day, name, content, previous))
            previous = hashlib.sha256(lines[-1].encode()).hexdigest()
        (root / day / "chain").write_text("".join(f"{line}\n" for line in lines))
    yield root
    shutil.rmtree(root)
    shutil.move(aside, root)


def verify(inst, *options):
    done = inst.run("archive", "verify", *options, check=False)
    return done.returncode, done.out + done.err


def edit(path, change):
    lines = path.read_text().splitlines()
    change(lines)
    path.write_text("".join(f"{line}\n" for line in lines))


def swap(lines):
    lines[1], lines[2] = lines[2], lines[1]


TAMPERED = [
    ("line changed", lambda r: edit(r / "2026/01/31/chain", lambda l: l.__setitem__(1, l[1].replace("a@d.test", "z@d.test"))),
     "2026/01/31/chain:3: the line before is not the one"),
    ("last line of a day changed", lambda r: edit(r / "2026/01/30/chain", lambda l: l.__setitem__(3, l[3].replace("a@d.test", "z@d.test"))),
     "2026/01/31/chain:1: the line before is not the one"),
    ("line removed", lambda r: edit(r / "2026/01/31/chain", lambda l: l.pop(1)), "2026/01/31/chain:2: lines before this one are missing"),
    ("lines swapped", lambda r: edit(r / "2026/01/31/chain", swap), "2026/01/31/chain:2: lines before this one are missing"),
    ("line twice", lambda r: edit(r / "2026/01/31/chain", lambda l: l.insert(2, l[1])), "2026/01/31/chain:3: this line is not the next one"),
    ("line that is none", lambda r: edit(r / "2026/01/31/chain", lambda l: l.insert(2, "hello")), "2026/01/31/chain:3: this is no line"),
    ("file changed", lambda r: (r / "2026/01/31/id6.eml").write_bytes(b"Subject: 7\r\n\r\n" * 2), "2026/01/31/id6.eml: the file is not the one"),
    ("file longer", lambda r: (r / "2026/01/31/id6.eml").open("ab").write(b"x"), "2026/01/31/id6.eml: the file is not the one"),
    ("file removed", lambda r: (r / "2026/01/31/id6.eml").unlink(), "2026/01/31/id6.eml: the file is missing"),
    ("file moved", lambda r: (r / "2026/01/31/id6.eml").rename(r / "2026/01/30/id6.eml"), "2026/01/31/id6.eml: the file is missing"),
    ("file is a link", lambda r: ((r / "2026/01/31/id6.eml").rename(r / "x"), (r / "2026/01/31/id6.eml").symlink_to(r / "x")),
     "2026/01/31/id6.eml: "),
    ("first day removed", lambda r: shutil.rmtree(r / "2026/01/30"), "2026/01/31/chain:1: lines before this one are missing"),
    ("day removed", lambda r: shutil.rmtree(r / "2026/01/31"), "2026/02/01/chain:1: lines before this one are missing"),
    ("chain removed", lambda r: (r / "2026/01/31/chain").unlink(), "2026/01/31/chain: No such file"),
    ("end of a day cut in a line", lambda r: os.truncate(r / "2026/01/30/chain", (r / "2026/01/30/chain").stat().st_size - 3),
     "2026/01/30/chain:4: the line has no end"),
]


@pytest.mark.parametrize("change, message", [row[1:] for row in TAMPERED], ids=[row[0] for row in TAMPERED])
def test_verify_names_what_is_wrong(inst, written, change, message):
    assert verify(inst) == (0, f"12 messages, {sum(p.stat().st_size for p in written.rglob('*.eml'))} bytes: all as archived\n")
    change(written)
    code, text = verify(inst)
    assert code == 1 and message in text, text


def test_a_cut_tail_shows_by_the_head_alone(inst, written):
    head = inst.run("archive", "head").out.strip()
    assert verify(inst, "--head", head)[0] == 0
    edit(written / "2026/02/01/chain", lambda lines: lines.pop())
    (written / "2026/02/01/id12.eml").unlink()
    assert verify(inst)[0] == 0  # it looks like an archive of yesterday
    code, text = verify(inst, "--head", head)
    assert code == 1 and "the end of the chain was cut off or replaced" in text
    older = inst.run("archive", "head").out.strip()
    assert older != head and verify(inst, "--head", older)[0] == 0
    shutil.rmtree(written / "2026/02")
    assert verify(inst)[0] == 0 and verify(inst, "--head", older)[0] == 1


def test_a_span_of_days(inst, written):
    (written / "2026/01/30/id2.eml").unlink()
    assert verify(inst)[0] == 1
    assert verify(inst, "--from", "2026-01-31") [0] == 0
    assert verify(inst, "--from", "2026-01-31", "--to", "2026-01-31")[1].startswith("4 messages")
    assert verify(inst, "--to", "2026-01-30")[0] == 1
    edit(written / "2026/01/30/chain", lambda lines: lines.__setitem__(3, lines[3].replace("b@d.test", "z@d.test")))
    code, text = verify(inst, "--from", "2026-01-31")  # it hangs on the day before
    assert code == 1 and "2026/01/31/chain:1: the line before" in text
    shutil.rmtree(written / "2026/01/30")  # removed on purpose, after its time
    assert verify(inst, "--from", "2026-01-31")[0] == 0
    assert verify(inst, "--from", "31.1.2026")[0] == 2


def test_a_damaged_line_stops_no_search(inst, written):
    edit(written / "2026/01/31/chain", lambda lines: lines.__setitem__(1, "hello"))
    done = inst.run("archive", "list", "--json")
    assert done.out.count('"id"') == 11 and "2026/01/31/chain:2 is damaged" in done.err
    (written / "2026/02/01/id12.eml").write_bytes(b"other")
    done = inst.run("archive", "show", "id12", check=False)
    assert done.returncode == 1 and "not the one that was archived" in done.err


# -- trouble --

def pids(inst, program):
    return [pid for pid, command in inst.processes().items() if f"libexec/posthorn/{program}" in command]


def kill(inst, program):
    for pid in pids(inst, program):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def test_killed_in_the_middle_each_message_is_archived_once(sink):
    inst = make(sink, classes=ALL)
    try:
        inst.start()
        populate(inst)
        total = 120
        for i in range(total):
            submit(inst, ["bob@d.test"], subject=f"many {i}", text="x" * 5000)
            if i % 12 == 5:
                kill(inst, ("archived", "queue-manager")[i // 12 % 2])
        wait_for(inst.queue_empty, 90, "all delivered and archived")
        rows = listed(inst)
        assert len(rows) == total and len({row["id"] for row in rows}) == total
        got = sorted(file_of(inst, row).read_bytes().split(b"Subject: ")[1].split(b"\r\n")[0].decode() for row in rows)
        assert got == sorted(f"many {i}" for i in range(total))
        assert sorted(subjects(inst, "bob@d.test")) == got
        assert verify(inst)[0] == 0
        assert list((inst.root / "archive/tmp").iterdir()) == []
        assert len(list((inst.root / "archive").rglob("*.eml"))) == total
    finally:
        inst.close()


def deferred(inst):
    return [row for row in inst.json("queue", "list") if row["state"] == "deferred"]


def test_without_archived_mail_is_delivered_and_archived_later(sink):
    inst = make(sink, classes=ALL)
    try:
        inst.start()
        populate(inst)
        inst.run("service", "stop", "archive")
        for i in range(30):
            submit(inst, ["bob@d.test"], subject=f"early {i}")
        wait_for(lambda: len(subjects(inst, "bob@d.test")) == 30, 20, "delivered")
        assert listed(inst) == []
        wait_for(lambda: len(deferred(inst)) == 30, 60, "back on disk")
        submit(inst, ["bob@d.test"], subject="late")
        wait_for(lambda: len(deferred(inst)) == 31, 5, "at once, now that it is known to be away")
        assert len(subjects(inst, "bob@d.test")) == 31
        inst.run("service", "start", "archive")
        inst.run("queue", "flush")
        wait_archived(inst, 31)
        inst.wait_queue_empty()
        assert len(listed(inst)) == 31 and len(subjects(inst, "bob@d.test")) == 31 and verify(inst)[0] == 0
    finally:
        inst.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system")
def test_a_full_archive_stops_no_mail(sink):
    disk = Disk(16 << 20, "-O", "^has_journal")
    inst = make(sink, classes=ALL)
    archive = inst.root / "archive"
    try:
        owner = archive.stat()
        os.chown(disk.mount, owner.st_uid, owner.st_gid)
        os.chmod(disk.mount, 0o700)
        archive.rmdir()
        archive.symlink_to(disk.mount)
        inst.start()
        populate(inst)
        submit(inst, ["bob@d.test"], subject="before")
        wait_archived(inst, 1)
        disk.fill()
        for i in range(10):
            submit(inst, ["bob@d.test"], subject=f"full {i}", text="y" * 60000)
        wait_for(lambda: len(subjects(inst, "bob@d.test")) == 11, 20, "delivered")
        wait_for(lambda: "archive: No space left on device" in inst.log("queue"), 20, "deferral")
        assert len(listed(inst)) == 1
        disk.make_room()
        wait_archived(inst, 11)  # by itself, soon
        inst.wait_queue_empty()
        assert len(listed(inst)) == 11 and verify(inst)[0] == 0 and len(subjects(inst, "bob@d.test")) == 11
    finally:
        inst.close()
        disk.close()


def test_a_restart_finishes_what_a_crash_has_left(sink):
    inst = make(sink, classes=ALL)
    try:
        inst.start()
        populate(inst)
        submit(inst, ["bob@d.test"], subject="one")
        submit(inst, ["bob@d.test"], subject="two")
        rows = wait_archived(inst, 2)
        inst.stop()
        path = file_of(inst, rows[1])
        chain = path.parent / "chain"
        tmp = inst.root / "archive/tmp"
        path.rename(tmp / path.name)  # a power cut took the move back
        (tmp / "0000lost.eml").write_text("was never recorded")
        with chain.open("a") as file:
            file.write("3 2026-11-27T08:00:00.0")
        inst.start()
        wait_for(lambda: list(tmp.iterdir()) == [], 20, "tmp/ empty")
        assert path.exists() and verify(inst)[0] == 0
        submit(inst, ["bob@d.test"], subject="three")
        assert [row["number"] for row in wait_archived(inst, 3)] == [1, 2, 3]
        assert verify(inst)[0] == 0 and "chain_cut" in inst.log("archive")
    finally:
        inst.close()
