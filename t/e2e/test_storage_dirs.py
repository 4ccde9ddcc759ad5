"""STO-04: several storage directories; one that is missing loses nothing and is never filled anew."""
import imaplib
import os
import poplib
import smtplib
import ssl
import subprocess

import pytest

from conftest import PASSWORD
from imapclient import Imap
from instance import Instance, wait_for
from mailbox import messages, wait_message

USER = "alice@d.test"
ANY = ssl._create_unverified_context()


@pytest.fixture
def inst():
    inst = Instance()
    inst.setup()
    inst.use_disk_to_the_last()
    inst.start()
    inst.mounts = []
    yield inst
    inst.run("stop", check=False)
    for place in inst.mounts:
        subprocess.run(["umount", str(place)], check=True)
    inst.close()


def send(inst, text, to=USER):
    with smtplib.SMTP("127.0.0.1", inst.port("smtp"), timeout=20) as client:
        client.sendmail("far@x.test", [to], f"Subject: x\r\n\r\n{text}\r\n")


def status(inst):
    return {row["id"]: row["status"] for row in inst.json("store", "dirs")}


def entry(top, user):
    """DOMAIN/xx/USER below a storage directory, also if it is a link; None: nothing is there."""
    for parent in (top / "d.test").glob("??"):
        if user in os.listdir(parent):
            return parent / user
    return None


def link(inst, user="alice"):
    return entry(inst.root / "store", user)


def place_on(inst, directory, *users):
    """Users whose mailboxes are made in that directory, as if it had most room."""
    inst.run("store", "dirs", "--add", directory)
    for user in users:
        inst.add_user(user, PASSWORD)
        path = wait_for(lambda user=user: link(inst, user.split("@")[0]))
        if path.is_symlink():
            continue
        target = inst.root / "stores" / directory / path.relative_to(inst.root / "store")
        wait_for(lambda path=path: (path / "mail/posthorn.folders").exists())
        for parent in reversed(target.parents[:2]):
            parent.mkdir(exist_ok=True)
            os.chown(parent, path.stat().st_uid, path.stat().st_gid)
            os.chmod(parent, 0o711)
        os.rename(path, target)
        os.symlink(directory, path)


def test_listing_and_marks(inst):
    assert status(inst) == {"main": "normal"}
    inst.run("store", "dirs", "--add", "disk2")
    (inst.root / "stores/disk3").mkdir()
    assert status(inst) == {"main": "normal", "disk2": "normal", "disk3": "missing"}
    assert os.readlink(inst.root / "stores/disk2/posthorn.directory") == "disk2"
    assert "disk3 is missing" in inst.run("doctor", check=False).out
    os.rename(inst.root / "stores/disk2", inst.root / "stores/disk4")  # mounted in the wrong place
    assert status(inst)["disk4"] == "missing"
    assert inst.run("store", "dirs", "--add", "disk4", check=False).returncode != 0
    assert inst.run("store", "dirs", "--add", "../x", check=False).returncode != 0


def test_mail_in_another_directory(inst):
    place_on(inst, "disk2", USER)
    send(inst, "hello there")
    assert wait_message(inst, USER, b"hello there")
    assert list((inst.root / "stores/disk2/d.test").glob("??/alice/mail/cur/*"))
    assert inst.json("store", "check", "--all") == []
    inst.run("user", "rename", USER, "anna@d.test")
    wait_for(lambda: list((inst.root / "stores/disk2/d.test").glob("??/anna/mail/cur/*")))
    wait_for(lambda: link(inst, "anna") and not link(inst))
    assert wait_message(inst, "anna@d.test", b"hello there")
    assert os.readlink(link(inst, "anna")) == "disk2"
    assert entry(inst.root / "stores/disk2", "alice") is None
    inst.run("user", "del", "anna@d.test", "--yes")
    wait_for(lambda: not link(inst, "anna") and not entry(inst.root / "stores/disk2", "anna"))
    wait_for(lambda: os.listdir(inst.root / "stores/disk2/.removed") == [])
    wait_for(lambda: os.listdir(inst.root / "store/.removed") == [])


def imap_refusal(inst):
    client = imaplib.IMAP4_SSL("127.0.0.1", inst.port("imaps"), ssl_context=ANY)
    with pytest.raises(imaplib.IMAP4.error) as refusal:
        client.login(USER, PASSWORD)
    client.shutdown()
    return str(refusal.value)


def pop_refusal(inst):
    client = poplib.POP3_SSL("127.0.0.1", inst.port("pop3s"), context=ANY)
    client.user(USER)
    with pytest.raises(poplib.error_proto) as refusal:
        client.pass_(PASSWORD)
    client.close()
    return str(refusal.value)


@pytest.mark.parametrize("restart", [False, True])
def test_a_missing_directory_defers_and_makes_nothing(inst, restart):
    place_on(inst, "disk2", USER)
    inst.add_user("bob@d.test", PASSWORD)
    send(inst, "before")
    assert wait_message(inst, USER, b"before")
    disk, away = inst.root / "stores/disk2", inst.root / "away"
    os.rename(disk, away)
    disk.mkdir(mode=0o777)  # the mount point
    if restart:
        inst.stop()
        inst.start()
    assert status(inst) == {"main": "normal", "disk2": "missing"}
    send(inst, "meanwhile")
    send(inst, "to bob", "bob@d.test")
    assert wait_message(inst, "bob@d.test", b"to bob")
    wait_for(lambda: "the storage directory is missing" in inst.log("local"))
    assert "[UNAVAILABLE]" in imap_refusal(inst)
    assert "[SYS/TEMP]" in pop_refusal(inst)
    assert list(disk.iterdir()) == []
    assert "storage directory is missing" in inst.run("store", "check", "--user", USER, check=False).err
    disk.rmdir()
    os.rename(away, disk)  # mounted: nothing needs to be told
    inst.run("queue", "flush")
    assert wait_message(inst, USER, b"meanwhile")
    assert len(messages(inst, USER)) == 2


def test_new_mailboxes_go_where_there_is_room(inst):
    """On file systems of their own; without the right to mount, the links are what is looked at."""
    (inst.root / "stores/big").mkdir()
    (inst.root / "stores/little").mkdir()
    for name, size in (("big", "64m"), ("little", "16m")):
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs",
                               str(inst.root / "stores" / name)], capture_output=True)
        if done.returncode != 0:
            pytest.skip("may not mount")
        inst.mounts.append(inst.root / "stores" / name)
        inst.run("store", "dirs", "--add", name)
    rows = {row["id"]: row for row in inst.json("store", "dirs")}
    assert rows["big"]["total_bytes"] == 64 << 20 and rows["big"]["free_percent"] >= 98
    (inst.root / "stores/little/ballast").write_bytes(b"x" * (1 << 20))
    inst.add_user(USER, PASSWORD)
    wait_for(lambda: link(inst))
    assert os.readlink(link(inst)) == "big"
    send(inst, "across file systems")
    assert wait_message(inst, USER, b"across file systems")
    (inst.root / "stores/big/ballast").write_bytes(b"x" * (62 << 20))
    assert status(inst)["big"] == "full"
    inst.add_user("bob@d.test", PASSWORD)
    wait_for(lambda: link(inst, "bob"))
    assert os.readlink(link(inst, "bob")) == "little"
    assert os.readlink(link(inst)) == "big"


def test_a_missing_main_directory_is_not_filled_anew(inst):
    inst.add_user(USER, PASSWORD)
    send(inst, "before")
    assert wait_message(inst, USER, b"before")
    inst.stop()
    store, away = inst.root / "store", inst.root / "away"
    os.rename(store, away)
    store.mkdir(mode=0o777)
    inst.start()
    assert "[UNAVAILABLE]" in imap_refusal(inst)
    send(inst, "meanwhile")
    wait_for(lambda: "the storage directory is missing" in inst.log("local"))
    assert list(store.iterdir()) == []
    inst.stop()
    store.rmdir()
    os.rename(away, store)
    os.unlink(store / "posthorn.directory")  # a store from before there were marks gets one
    inst.start()
    inst.run("queue", "flush")
    assert wait_message(inst, USER, b"meanwhile")
    assert os.readlink(store / "posthorn.directory") == "main"
