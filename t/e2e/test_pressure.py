"""Back-pressure: below disk.soft_limit it is said, below disk.hard_limit and above queue.max_messages
no mail is taken, and all goes on by itself when there is room again (STO-11, STO-12)."""
import imaplib
import os
import smtplib

import pytest

from disk import Disk
from instance import Instance, wait_for
from load import PASSWORD, TLS
from mailbox import messages

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a loop device: needs root")
USER = "alice@d.test"
MIB = 1 << 20


class Ballast:
    """A file that leaves just so much room on a file system."""

    def __init__(self, place):
        self.place, self.file = place, place / "ballast"

    def leave(self, free):
        self.drop()
        fs = os.statvfs(self.place)
        with open(self.file, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, fs.f_bavail * fs.f_frsize - free)

    def drop(self):
        self.file.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def disk():
    disk = Disk(96 * MIB)
    yield disk
    disk.close()


@pytest.fixture(scope="module")
def inst(disk):
    instance = Instance(directory=disk.mount)
    try:
        instance.setup()
        instance.use_disk_to_the_last()
        instance.set("disk.soft_limit", "40M")
        instance.set("disk.hard_limit", "20M")
        instance.set("queue.retry_interval", "1s")
        instance.set("queue.retry_max", "1s")
        instance.start()
        instance.add_user(USER, PASSWORD)
        instance.run("user", "passwd", "postmaster@d.test", "--password-stdin", stdin=PASSWORD + "\n")
        yield instance
    finally:
        instance.close()


@pytest.fixture
def ballast(disk):
    ballast = Ballast(disk.mount)
    yield ballast
    ballast.drop()


def send(inst, port="smtp", user=None):
    """(code, text) of the answer that decided."""
    with smtplib.SMTP("127.0.0.1", inst.port(port), timeout=30) as client:
        client.ehlo("x.test")
        if user:
            client.starttls(context=TLS)
            client.login(user, PASSWORD)
        for step in (lambda: client.mail(user or "a@far.test"), lambda: client.rcpt(USER)):
            code, text = step()
            if code != 250:
                return code, text
        return client.data("Subject: pressed\r\n\r\nx\r\n")


def imap(inst, user=USER):
    client = imaplib.IMAP4("127.0.0.1", inst.port("imap"), timeout=30)
    client.starttls(TLS)
    client.login(user, PASSWORD)
    return client


def takes_mail(inst):
    return send(inst)[0] == 250


def low(inst):
    return os.stat(inst.root / "queue/trigger").st_mode & 0o001


def smtp_error(inst):
    return {row["service"]: row["error"] for row in inst.json("status")}["smtp"]


def test_below_the_hard_limit_no_mail_is_taken(inst, ballast):
    assert takes_mail(inst)
    ballast.leave(19 * MIB)
    code, text = wait_for(lambda: (lambda r: r if r[0] != 250 else None)(send(inst)), 10, "a refusal")
    assert (code, text[:5]) == (421, b"4.3.1")
    code, text = send(inst, "submission", USER)  # users keep their session
    assert (code, text[:5]) == (452, b"4.3.1")
    inst.wait_log("queue", "event=disk_full ")
    inst.wait_log("queue", "event=intake_stopped ")
    assert "takes no mail" in smtp_error(inst)
    doctor = inst.run("doctor", check=False)
    assert doctor.returncode == 1 and "no mail is taken" in doctor.out
    inst.add_user("later@d.test", PASSWORD)  # administration goes on
    inst.run("user", "del", "later@d.test", "--yes")

    ballast.leave(21 * MIB)  # above the limit, but not by an eighth
    wait_for(lambda: send(inst)[0] == 421, 2, "still refused")
    ballast.leave(24 * MIB)
    wait_for(lambda: takes_mail(inst), 10, "mail is taken again")
    inst.wait_log("queue", "event=intake_resumed ")
    assert smtp_error(inst) == ""


def test_a_session_stores_nothing_below_the_hard_limit(inst, ballast):
    client = imap(inst)
    client.select("INBOX")
    assert client.append("INBOX", None, None, b"Subject: one\r\n\r\nx\r\n")[0] == "OK"
    ballast.leave(19 * MIB)
    status, data = client.append("INBOX", None, None, b"Subject: two\r\n\r\nx\r\n")
    assert (status, data[0].split()[0]) == ("NO", b"[UNAVAILABLE]")
    status, data = client.copy("1", "Trash")
    assert (status, data[0].split()[0]) == ("NO", b"[UNAVAILABLE]")
    assert client.fetch("1", "(FLAGS)")[0] == "OK"
    assert client.store("1", "+FLAGS", "(\\Flagged)")[0] == "OK"
    assert client._simple_command("MOVE", "1", "Trash")[0] == "OK"  # so room is made
    client.noop()
    ballast.leave(21 * MIB)  # the session remembers which side it comes from
    assert client.append("INBOX", None, None, b"Subject: two\r\n\r\nx\r\n")[0] == "NO"
    ballast.leave(24 * MIB)
    assert client.append("INBOX", None, None, b"Subject: two\r\n\r\nx\r\n")[0] == "OK"
    client.logout()


def test_mail_that_was_taken_waits_for_room(inst, ballast):
    """Mail comes into the queue while there is room, and local delivery finds that there is none."""
    ballast.leave(30 * MIB)
    wait_for(lambda: takes_mail(inst), 10, "mail is taken")
    inst.wait_queue_empty()
    before = inst.log("local").count("no space left in the mail store")
    with smtplib.SMTP("127.0.0.1", inst.port("smtp"), timeout=30) as client:
        client.ehlo("x.test")
        assert client.mail("a@far.test")[0] == 250 and client.rcpt(USER)[0] == 250
        ballast.leave(19 * MIB)  # the transaction that has begun is finished
        assert client.data("Subject: in time\r\n\r\nx\r\n")[0] == 250
    wait_for(lambda: inst.log("local").count("no space left in the mail store") > before, 10, "deferred")
    assert not inst.queue_empty()
    ballast.drop()
    inst.wait_queue_empty()


def warnings(inst):
    return [text for text in messages(inst, "postmaster@d.test") if b"Little room is left" in text]


def test_between_the_limits_mail_is_taken_and_the_postmaster_told_once(inst, ballast):
    ballast.drop()
    wait_for(lambda: not low(inst), 10, "room enough")
    before = len(warnings(inst))
    ballast.leave(30 * MIB)
    inst.wait_log("queue", "event=disk_low ")
    assert takes_mail(inst)
    wait_for(lambda: len(warnings(inst)) == before + 1, 10, "the postmaster is told")
    assert str(inst.root / "queue").encode() in warnings(inst)[-1]
    ballast.leave(35 * MIB)
    inst.stop()  # a restart knows that it was told
    inst.start()
    ballast.leave(30 * MIB)
    wait_for(lambda: takes_mail(inst), 10, "mail is taken")
    inst.wait_queue_empty()
    assert len(warnings(inst)) == before + 1
    ballast.drop()
    wait_for(lambda: not low(inst), 10, "room enough")
    ballast.leave(30 * MIB)
    wait_for(lambda: len(warnings(inst)) == before + 2, 10, "told anew")
    assert smtp_error(inst) == ""
    doctor = inst.run("doctor", check=False)
    assert "little is left" in doctor.out


def test_a_disk_without_free_files_is_full(disk, inst, ballast):
    """Many small files use up the inodes long before the bytes."""
    free = os.statvfs(disk.mount).f_favail
    inst.set("disk.hard_files", free + 1000)
    inst.run("reload")
    wait_for(lambda: not takes_mail(inst), 20, "a refusal")
    assert "disk.hard_files" in smtp_error(inst)
    inst.set("disk.hard_files", "0")
    inst.run("reload")
    wait_for(lambda: takes_mail(inst), 20, "mail is taken again")


def test_a_long_queue_takes_no_more_until_it_is_shorter(inst):
    inst.set("queue.max_messages", "3")
    inst.set("queue.retry_interval", "1h")
    inst.set("queue.retry_max", "1h")
    inst.run("reload")
    inst.wait_queue_empty()

    def relay():
        with smtplib.SMTP("127.0.0.1", inst.port("submission"), timeout=30) as client:
            client.starttls(context=TLS)
            client.login(USER, PASSWORD)
            code, text = client.mail(USER)
            if code != 250:
                return code, text
            assert client.rcpt("b@[127.0.0.9]")[0] == 250
            return client.data("Subject: outside\r\n\r\nx\r\n")

    sent = 0
    while True:
        code, text = relay()
        if code != 250:
            break
        sent += 1
        assert sent < 1000, "no end to it"
        wait_for(lambda: len(inst.json("queue", "list")) >= min(sent, 3), 10, "in the queue")
    assert sent > 3 and (code, text[:5]) == (452, b"4.3.2")
    assert send(inst)[0] == 421
    assert "queue.max_messages" in smtp_error(inst)
    ids = [row["id"] for row in inst.json("queue", "list")]
    inst.run("queue", "delete", *ids)
    wait_for(lambda: takes_mail(inst), 10, "mail is taken again")
