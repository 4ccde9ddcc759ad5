"""Renames under kill -9 and power cuts: the old or the new name, all of it, and the mail is there."""
import imaplib
import os
import random
import signal
import smtplib
import subprocess

import pytest

from conftest import PASSWORD
from disk import Disk
from instance import Instance, wait_for
from mailbox import messages

ROUNDS = 60 if os.environ.get("POSTHORN_LONG") else 8


class Office:
    """A mailbox with everything that leads to it. It is called one of two names, in one of two domains."""

    def __init__(self, inst):
        self.inst, self.sent = inst, 0
        inst.run("domain", "add", "one.test")
        inst.run("user", "add", "anna@one.test", "--password-stdin", stdin=PASSWORD + "\n")
        inst.run("alias", "add", "sales@one.test", "anna@one.test")
        inst.run("group", "add", "team@d.test", "--member", "anna@one.test")
        inst.run("user", "add", "eve@d.test", "--no-password", "forward=anna@one.test", "forward_keep=no")

    def state(self):
        [user] = [u["address"] for u in self.inst.json("user", "list") if u["address"].endswith((".test"))
                  and u["address"].split("@")[0] in ("anna", "berta")]
        return user

    def check(self, allowed):
        """One of the allowed states, and nothing of another one. The mail is where it leads."""
        user = self.state()
        assert user in allowed
        domain = user.split("@")[1]
        assert {d["name"] for d in self.inst.json("domain", "list")} == {"d.test", domain}
        assert [(a["address"], a["mailbox"]) for a in self.inst.json("alias", "list")] == [(f"sales@{domain}", user)]
        assert [m["member"] for m in self.inst.json("group", "member", "list", "team@d.test")] == [user]
        assert self.inst.json("user", "show", "eve@d.test")["forward"] == [user]
        for to in (f"sales@{domain}", "team@d.test", "eve@d.test"):
            self.send(to)
        self.inst.wait_queue_empty(60)
        wait_for(lambda: self.subjects(user) == list(range(self.sent)), 60, "all mail under the one name")
        for other in allowed - {user}:  # and nowhere else
            with pytest.raises(imaplib.IMAP4.error):
                messages(self.inst, other)
        return user

    def send(self, to):
        with smtplib.SMTP("127.0.0.1", self.inst.port("smtp"), timeout=60) as client:
            client.sendmail("x@far.test", [to], f"Subject: mail {self.sent}\r\n\r\n.\r\n")
        self.sent += 1

    def subjects(self, user):
        try:
            return sorted(int(m.split(b"Subject: mail ")[1].split()[0]) for m in messages(self.inst, user))
        except imaplib.IMAP4.error:  # its directory is about to move
            return None

    def rename(self, user, chance):
        """Begins one; returns the process and what the mailbox is called if it came to its end."""
        local, domain = user.split("@")
        if chance.random() < 0.5:
            new = "two.test" if domain == "one.test" else "one.test"
            command, name = ["domain", "rename", domain, new], f"{local}@{new}"
        else:
            name = f"{'berta' if local == 'anna' else 'anna'}@{domain}"
            command = ["user", "rename", user, name]
        return subprocess.Popen([str(self.inst.build / "bin/posthorn"), "--root", str(self.inst.root), *command],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL), name


def kill(inst, programs):
    for pid, command in inst.processes().items():
        if not programs or command.split(" ")[0].endswith(programs):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def wait_a_moment(process, chance):
    """Any moment of the rename will do; most of them are its first hundredths of a second."""
    try:
        process.wait(chance.random() * chance.choice((0.01, 0.03, 0.1)))
    except subprocess.TimeoutExpired:
        pass


def test_kill_9_leaves_one_name(instance):
    instance.start()
    office = Office(instance)
    office.send("anna@one.test")
    chance = random.Random(os.environ.get("POSTHORN_SEED", "5"))
    user = office.check({"anna@one.test"})
    for _ in range(ROUNDS):
        process, new = office.rename(user, chance)
        wait_a_moment(process, chance)
        kill(instance, chance.choice((("/accountd",), ("/local-deliver",), ("/accountd", "/local-deliver"))))
        confirmed = process.wait(60) == 0
        wait_for(lambda: instance.run("status", check=False).returncode == 0, 30, "all services are back")
        user = office.check({new} if confirmed else {user, new})


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a loop device: needs root")
def test_a_power_cut_leaves_one_name():
    disk = Disk(768 << 20)
    inst = Instance(directory=disk.mount)
    try:
        inst.setup()
        inst.use_disk_to_the_last()
        inst.start()
        office = Office(inst)
        user = office.check({"anna@one.test"})
        chance = random.Random(os.environ.get("POSTHORN_SEED", "7"))
        for _ in range(max(3, ROUNDS // 3)):
            process, new = office.rename(user, chance)
            wait_a_moment(process, chance)
            confirmed = process.poll() == 0  # before the cut, not by it
            disk.cut_power()
            kill(inst, ())
            wait_for(lambda: not inst.processes(), 30, "every process has ended")
            process.wait(60)
            disk.detach()
            disk.attach()
            inst.start()
            user = office.check({new} if confirmed else {user, new})
    finally:
        inst.close()
        disk.close()


def test_what_is_known_of_a_user_follows_the_name(instance):
    """Blocks and counts, which accountd has in memory, and which outlast its end."""
    instance.set("auth.plain_on_loopback", "yes")
    instance.start()
    instance.run("domain", "add", "one.test")
    instance.add_user("anna@one.test", PASSWORD)
    instance.run("user", "set", "anna@one.test", "local_recipients_per_day=2")

    def login(name):
        client = imaplib.IMAP4("127.0.0.1", instance.port("imap"), timeout=30)
        try:
            client.login(name, PASSWORD)
            client.logout()
            return True
        except imaplib.IMAP4.error:
            return False

    def submit(name):
        with smtplib.SMTP("127.0.0.1", instance.port("submission"), timeout=30) as client:
            client.login(name, PASSWORD)
            client.mail(name)
            code = client.rcpt("postmaster@d.test")[0]
            return client.data(b"Subject: x\r\n\r\n.\r\n")[0] if code == 250 else code

    assert submit("anna@one.test") == 250 and submit("anna@one.test") == 250
    instance.run("user", "rename", "anna@one.test", "berta@one.test")
    assert submit("berta@one.test") == 452  # the day's two are sent
    kill(instance, ("/accountd",))
    wait_for(lambda: instance.run("status", check=False).returncode == 0, 30, "accountd is back")
    assert submit("berta@one.test") == 452
    instance.run("block", "add", "berta@one.test")
    wait_for(lambda: not login("berta@one.test"), 30, "the block")
    instance.run("domain", "rename", "one.test", "two.test")
    assert [b["name"] for b in instance.json("block", "list")] == ["berta@two.test"]
    assert not login("berta@two.test")
    instance.run("user", "add", "berta2@two.test", "--password-stdin", stdin=PASSWORD + "\n")
    assert login("berta2@two.test")
    instance.run("block", "lift", "berta@two.test")
    wait_for(lambda: login("berta@two.test"), 30, "the block is lifted")
