"""What all mailboxes of a domain may have together (DIR-05, ADM-30), whichever way they are made or enlarged."""
import os
import signal
import subprocess
import time

import pytest

from admin_api import Api
from conftest import PASSWORD
from imapclient import Imap
from instance import Instance, wait_for

MIB = 1 << 20
BOSS = "boss@d.test"


@pytest.fixture(scope="module")
def inst():
    one = Instance()
    one.setup()
    one.set("auth.plain_on_loopback", "yes")
    one.start()
    one.run("admin", "add", "root", "--password-stdin", stdin=PASSWORD + "\n")
    yield one
    one.close()


@pytest.fixture
def domain(inst):
    """Of 100 MiB, 5 mailboxes and 20 MiB of netdisks; one mailbox of 40 MiB with 10 MiB of netdisk."""
    inst.run("domain", "add", "e.test", "max_mailbox_bytes=100M", "max_mailboxes=5", "max_netdisk_bytes=20M",
             "default_quota_bytes=10M", "default_netdisk=no", "default_netdisk_bytes=10M")
    inst.run("user", "add", "a@e.test", "quota_bytes=40M", "netdisk=yes", "--no-password")
    yield "e.test"
    for user in inst.json("user", "list", "--domain", "e.test"):
        inst.run("user", "del", user["address"], "--yes")
    inst.run("domain", "del", "e.test")


def given(inst, name="e.test"):
    row = inst.json("domain", "show", name)
    return row["mailbox_count"], row["mailbox_bytes_given"], row["netdisk_bytes_given"]


def refused(inst, *args):
    done = inst.run(*args, check=False)
    assert done.returncode == 1, done.out
    return done.err + done.out


def test_by_the_command_line(inst, domain, tmp_path):
    assert given(inst) == (1, 40 * MIB, 10 * MIB)
    text = refused(inst, "user", "add", "b@e.test", "quota_bytes=61M", "--no-password")
    assert "max_mailbox_bytes of e.test is 104857600" in text and "41943040" in text
    inst.run("user", "add", "b@e.test", "quota_bytes=50M", "--no-password")
    assert "unlimited" in refused(inst, "user", "add", "c@e.test", "quota_bytes=0", "--no-password")
    assert "min_quota_bytes" in refused(inst, "user", "add", "c@e.test", "quota_bytes=1M", "--no-password")
    table = tmp_path / "table"  # each record for itself: the first fits, the second does not
    table.write_text("address,quota_bytes\nc@e.test,10M\nx@e.test,10M\n", encoding="utf-8")
    text = refused(inst, "user", "import", table)
    assert "c@e.test" in text and "max_mailbox_bytes" in text
    assert given(inst) == (3, 100 * MIB, 10 * MIB)
    assert "max_mailbox_bytes" in refused(inst, "user", "set", "a@e.test", "quota_bytes=41M")
    text = refused(inst, "user", "update", "--domain", "e.test", "netdisk=yes", "netdisk_bytes=10M")
    assert "max_netdisk_bytes" in text
    assert given(inst) == (3, 100 * MIB, 20 * MIB)  # one more had its own
    inst.run("user", "set", "a@e.test", "quota_bytes=20M")
    for name in ("d", "e"):
        inst.run("user", "add", f"{name}@e.test", "--no-password")
    inst.run("user", "set", "a@e.test", "quota_bytes=10M")
    assert "max_mailboxes is 5" in refused(inst, "user", "add", "f@e.test", "--no-password")
    inst.run("user", "add", "f@d.test", "--no-password")
    assert "max_mailboxes" in refused(inst, "user", "rename", "f@d.test", "f@e.test")
    inst.run("user", "del", "f@d.test", "--yes")
    # a lower limit leaves what is there
    inst.run("domain", "set", "e.test", "max_mailboxes=1", "max_mailbox_bytes=10M", "max_netdisk_bytes=1")
    inst.run("user", "set", "a@e.test", "full_name=A")
    inst.run("user", "set", "b@e.test", "quota_bytes=40M")
    assert "max_mailbox_bytes" in refused(inst, "user", "set", "b@e.test", "quota_bytes=41M")
    # and a copy of the whole base comes in as it was
    inst.run("domain", "rename", "e.test", "n.test")
    before = given(inst, "n.test")
    (tmp_path / "base").write_text(inst.run("export").out, encoding="utf-8")
    inst.run("import", tmp_path / "base", "--replace")
    assert given(inst, "n.test") == before == (5, 80 * MIB, 20 * MIB)
    inst.run("domain", "rename", "n.test", "e.test")


def test_by_the_api(inst, domain):
    inst.run("admin", "add", "dom", "--password-stdin", "type=domain", "domains=e.test", stdin=PASSWORD + "\n")
    root, dom = Api(inst, "root", PASSWORD), Api(inst, "dom", PASSWORD)
    root.ok("ModifyDomainStorage", domain="e.test", mailbox_kb=60 << 10, mailboxes=3, netdisk_kb=20 << 10, min_quota_kb=8 << 10)
    row = root.ok("Show", kind="domain", name="e.test")["object"]
    assert (row["max_mailbox_bytes"], row["max_mailboxes"], row["max_netdisk_bytes"], row["min_quota_bytes"]) == (
        60 * MIB, 3, 20 * MIB, 8 * MIB)
    assert root.result("ModifyDomainStorage", domain="nowhere.test", mailboxes=1) == 2
    # who administers the domain alone sees the limits and does not set them
    assert dom.ok("Show", kind="domain", name="e.test")["object"]["max_mailboxes"] == 3
    assert dom.result("ModifyDomainStorage", domain="e.test", mailboxes=9) == 101
    for name in ("max_mailboxes", "max_mailbox_bytes", "max_netdisk_bytes", "min_quota_bytes"):
        assert dom.result("Set", kind="domain", name="e.test", properties={name: 0}) == 101
    dom.ok("AddUser", user="b", domain="e.test", password="Some-good-one7")
    dom.ok("AddUser", user="c", domain="e.test", password="Some-good-one7")
    assert dom.result("AddUser", user="d", domain="e.test", password="Some-good-one7") == 5
    dom.ok("DeleteUser", user="c", domain="e.test")
    dom.ok("ModifyUserQuota", user="b", domain="e.test", bytes=11 * MIB)
    assert dom.result("AddUser", user="c", domain="e.test", password="Some-good-one7") == 6
    for api in (dom, root):
        assert api.result("ModifyUserQuota", user="b", domain="e.test", bytes=21 * MIB) == 4
        assert api.result("ModifyUserQuota", user="b", domain="e.test", bytes=0) == 4
        assert api.result("ModifyUserQuota", user="a", domain="e.test", netdisk_bytes=21 * MIB) == 4
        assert api.result("ModifyUserQuota", user="b", domain="e.test", bytes=MIB) == 1
    dom.ok("ModifyUserQuota", user="a", domain="e.test", netdisk_bytes=20 * MIB, netdisk_files=7)
    assert given(inst) == (2, 51 * MIB, 20 * MIB)


def test_by_imap(inst, domain):
    inst.add_user(BOSS, PASSWORD)
    inst.run("admin", "add", "boss", "--password-stdin", f"mailbox={BOSS}", stdin=PASSWORD + "\n")
    boss = Imap(inst.port("imap"), BOSS, password=PASSWORD)
    boss.ok("SETQUOTA ~a@e.test (STORAGE 102400)")
    for limits in ("(STORAGE 102401)", "(STORAGE 3071)", "()"):
        boss.no(f"SETQUOTA ~a@e.test {limits}", b"[LIMIT]")
    assert given(inst) == (1, 100 * MIB, 10 * MIB)
    boss.close()


def accountd_pid(inst):
    for row in inst.json("status"):
        if row["service"] == "account":
            return row["pid"]
    return None


def test_sums_outlast_kill_9(inst, domain):
    """accountd ends in the middle of additions, changes and removals: the sums are those of what is there."""
    inst.run("domain", "set", "e.test", "max_mailboxes=0", "max_mailbox_bytes=0")
    script = "".join(f"user add k{i}@e.test --no-password quota_bytes={4 + i % 5}M\n" for i in range(6))
    for round_number in range(4):
        changes = [subprocess.Popen([str(inst.build / "bin/posthorn"), "--root", str(inst.root), *line.split()],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                   for line in script.splitlines()]
        time.sleep(0.01 * round_number)  # another moment in each round; any will do
        os.kill(accountd_pid(inst), signal.SIGKILL)
        for change in changes:
            change.wait(60)
        wait_for(lambda: inst.run("user", "list", check=False).returncode == 0, 60, "accountd is back")
        users = inst.json("user", "list", "--domain", "e.test")
        assert given(inst)[:2] == (len(users), sum(user["quota_bytes"] for user in users))
        for user in users:
            if user["address"] != "a@e.test":
                inst.run("user", "del", user["address"], "--yes")
    assert "totals_corrected" not in inst.log("account")
