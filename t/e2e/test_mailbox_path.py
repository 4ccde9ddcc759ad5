"""STO-05: a user's mailbox_path, or the domain's default, fixes in which storage directory a mailbox is."""
import os
import smtplib
import subprocess

import pytest

from conftest import PASSWORD
from imapclient import Imap
from instance import Instance, wait_for
from mailbox import wait_message
from test_storage_dirs import link

USER = "alice@d.test"


@pytest.fixture
def inst():
    inst = Instance()
    inst.setup()
    inst.start()
    for disk in ("disk2", "disk3"):
        inst.run("store", "dirs", "--add", disk)
    yield inst
    inst.close()


def add(inst, user, *properties):
    return inst.run("user", "add", user, "--password-stdin", *properties, stdin=PASSWORD + "\n", check=False)


def made_in(inst, user):
    path = wait_for(lambda: link(inst, user))
    where = os.readlink(path) if path.is_symlink() else "main"
    top = inst.root / "store" if where == "main" else inst.root / "stores" / where
    wait_for(lambda: list((top / "d.test").glob(f"??/{user}/mail/posthorn.folders")))
    return where


def shown(inst, kind, name, what="mailbox_path"):
    return inst.json(kind, "show", name)[what]


def test_a_mailbox_is_made_where_its_user_or_else_its_domain_says(inst):
    add(inst, "a@d.test", "mailbox_path=disk2")
    add(inst, "b@d.test", "mailbox_path=disk3")
    inst.run("domain", "set", "d.test", "default_mailbox_path=disk3")
    add(inst, "c@d.test")
    add(inst, "d@d.test", "mailbox_path=main")
    assert [made_in(inst, user) for user in "abcd"] == ["disk2", "disk3", "disk3", "main"]
    assert shown(inst, "user", "c@d.test") == "disk3"
    base = inst.run("export").out
    inst.run("domain", "set", "d.test", "default_mailbox_path=")
    inst.run("user", "set", "a@d.test", "mailbox_path=")
    inst.run("import", "--replace", stdin=base)
    assert shown(inst, "user", "a@d.test") == "disk2"
    assert shown(inst, "domain", "d.test", "default_mailbox_path") == "disk3"


def test_a_directory_that_is_not_there_is_refused(inst):
    for place in ("disk9", "../disk2"):
        refused = add(inst, USER, f"mailbox_path={place}")
        assert refused.returncode != 0 and "storage directory" in refused.err
        refused = inst.run("domain", "set", "d.test", f"default_mailbox_path={place}", check=False)
        assert refused.returncode != 0 and "storage directory" in refused.err
    assert link(inst) is None


def test_a_mailbox_that_is_elsewhere_is_moved_not_set(inst):
    add(inst, USER, "mailbox_path=disk2")
    assert made_in(inst, "alice") == "disk2"
    refused = inst.run("user", "set", USER, "mailbox_path=disk3", check=False)
    assert refused.returncode != 0 and f"store move --user {USER} --to disk3" in refused.err
    assert shown(inst, "user", USER) == "disk2"
    inst.run("store", "move", "--user", USER, "--to", "disk3")
    assert made_in(inst, "alice") == shown(inst, "user", USER) == "disk3"
    inst.run("user", "set", USER, "mailbox_path=")
    inst.run("store", "move", "--user", USER, "--to", "main")
    assert shown(inst, "user", USER) == ""
    inst.run("user", "set", USER, "mailbox_path=main")


def test_a_missing_directory_defers_and_no_other_is_taken(inst):
    away, disk = inst.root / "away", inst.root / "stores/disk2"
    inst.run("domain", "set", "d.test", "default_mailbox_path=disk2")
    os.rename(disk, away)
    disk.mkdir(mode=0o777)
    add(inst, USER)
    wait_for(lambda: "the storage directory is missing" in inst.log("account"))
    with smtplib.SMTP("127.0.0.1", inst.port("smtp"), timeout=20) as client:
        client.sendmail("far@x.test", [USER], "Subject: x\r\n\r\nkept\r\n")
    with pytest.raises(AssertionError):
        Imap(inst.port("imaps"), USER, tls=True)
    assert link(inst) is None and list(disk.iterdir()) == []
    disk.rmdir()
    os.rename(away, disk)
    assert made_in(inst, "alice") == "disk2"
    inst.run("queue", "flush")
    assert wait_message(inst, USER, b"kept")


def test_who_waits_for_a_missing_directory_is_given_another(inst):
    disk = inst.root / "stores/disk2"
    inst.run("domain", "set", "d.test", "default_mailbox_path=disk2")
    os.rename(disk, inst.root / "away")
    add(inst, USER)
    wait_for(lambda: "the storage directory is missing" in inst.log("account"))
    inst.run("user", "rename", USER, "anna@d.test")  # waits for the mailbox to be made
    inst.run("user", "set", "anna@d.test", "mailbox_path=disk3")
    assert made_in(inst, "anna") == "disk3"
    assert link(inst) is None


def test_a_full_directory_defers(inst):
    disk = inst.root / "stores/disk2"
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)], capture_output=True)
    if done.returncode != 0:
        pytest.skip("may not mount")
    try:
        inst.run("store", "dirs", "--add", "disk2")
        (disk / "ballast").write_bytes(b"x" * (16 << 20))
        add(inst, USER, "mailbox_path=disk2")
        wait_for(lambda: "the storage directory is full" in inst.log("account"))
        assert link(inst) is None
        os.unlink(disk / "ballast")
        assert made_in(inst, "alice") == "disk2"
    finally:
        inst.run("stop", check=False)
        subprocess.run(["umount", str(disk)], check=True)
