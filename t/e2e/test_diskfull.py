"""A whole instance on a file system that fills up: refusals and deferrals, nothing half visible,
nothing lost, and all of it comes right by itself when there is room."""
import collections
import imaplib
import os
import poplib
import signal
import smtplib
import subprocess
import uuid

import pytest

from disk import Disk
from instance import Instance, wait_for
from load import PASSWORD, TLS, assert_exactly_once, tokens_of

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a loop device: needs root")
USERS = [f"u{i}@d.test" for i in range(8)]


class Sent:
    """What was acknowledged, as assert_exactly_once wants it."""

    users = USERS

    def __init__(self, instance):
        self.instance, self.acknowledged, self.attempted = instance, {}, set()

    def send(self, rcpts, size=200):
        """The code of the answer that decided."""
        token = uuid.uuid4().hex
        self.attempted.add(token)
        text = f"X-Token: {token}\r\nSubject: full\r\n\r\n" + ("x" * 70 + "\r\n") * (size // 72)
        with smtplib.SMTP("127.0.0.1", self.instance.port("smtp"), timeout=30) as client:
            try:
                client.sendmail("sender@load.test", rcpts, text)
            except smtplib.SMTPRecipientsRefused as refused:
                return max(code for code, _ in refused.recipients.values())
            except smtplib.SMTPResponseException as refused:
                return refused.smtp_code
        self.acknowledged[token] = list(rcpts)
        return 250


@pytest.fixture(scope="module")
def disk():
    disk = Disk(64 << 20)
    yield disk
    disk.close()


@pytest.fixture(scope="module")
def full(disk):
    instance = Instance(directory=disk.mount)
    try:
        instance.setup()
        instance.use_disk_to_the_last()
        instance.set("queue.retry_interval", "1s")
        instance.set("queue.retry_max", "1s")
        instance.start()
        for user in USERS:
            instance.add_user(user, PASSWORD)
        yield instance
    finally:
        instance.close()


@pytest.fixture
def sent(full):
    return Sent(full)


@pytest.fixture
def log_elsewhere(full):
    """The logs on a file system of their own, as /var/log is: they tell what the full disk does."""
    log = full.root / "log"
    owner = log.stat()
    full.stop()
    options = f"size=8m,mode={owner.st_mode & 0o7777:o},uid={owner.st_uid},gid={owner.st_gid}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "posthorn-log", str(log)], check=True)
    try:
        full.start()
        yield
        full.stop()
    finally:
        subprocess.run(["umount", "-l", str(log)], check=True)
    full.start()


def states(instance):
    """Name and parent of each process that is there."""
    found = {}
    for pid in instance.processes():
        try:
            fields = open(f"/proc/{pid}/stat").read()
        except FileNotFoundError:  # it has ended since
            continue
        found[pid] = (fields[fields.index("(") + 1:fields.rindex(")")], int(fields.rsplit(")", 1)[1].split()[1]))
    return found


def workers(instance):
    found = states(instance)
    return [pid for pid, (name, parent) in found.items()
            if name == "local-deliver" and found.get(parent, ("",))[0] == name]


def parents(instance):
    """One process of each service: those that master started."""
    found = states(instance)
    return {pid: name for pid, (name, parent) in found.items() if parent not in found or
            found[parent][0] == "master"}


def imap(instance, user):
    client = imaplib.IMAP4("127.0.0.1", instance.port("imap"), timeout=30)
    client.starttls(TLS)
    client.login(user, PASSWORD)
    return client


def text_of(token, size=2000):
    return (f"X-Token: {token}\r\nSubject: appended\r\n\r\n" + "y" * size + "\r\n").encode()


def test_deliveries_wait_and_arrive_once(disk, full, sent, log_elsewhere):
    for user in USERS:
        assert sent.send([user]) == 250
    full.wait_queue_empty()
    before = parents(full)
    stopped = wait_for(lambda: workers(full), 10, "workers of local delivery")
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    for i in range(60):  # accepted while there is room, given out when there is none
        assert sent.send(USERS, 100 + 40 * i) == 250
    disk.fill()
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)
    wait_for(lambda: "no space left in the mail store" in full.log("local"), 30, "deferrals for want of room")
    disk.fill()
    assert wait_for(lambda: (lambda code: code if code != 250 else None)(sent.send([USERS[0]], 200000)),
                    20, "a refusal") == 452
    assert full.run("status", check=False).returncode == 0
    assert parents(full) == before, "a daemon has died of the full disk"
    disk.make_room()
    full.wait_queue_empty(60)
    assert_exactly_once(full, sent)
    assert sent.send([USERS[1]]) == 250
    full.wait_queue_empty()
    assert_exactly_once(full, sent)
    assert not list((full.root / "queue/corrupt").iterdir()) and not list((full.root / "queue/tmp").iterdir())


def test_mailboxes_stay_readable_and_append_is_refused(disk, full):
    user = USERS[2]
    client = imap(full, user)
    count = int(client.select("INBOX")[1][0])
    disk.fill()
    known = [uuid.uuid4().hex for _ in range(200)]
    answers = collections.Counter()
    for token in known:
        status, data = client.append("INBOX", None, None, text_of(token))
        answers[status, data[0].split(b"]")[0].lstrip(b"[").split()[0] if data[0] else b""] += 1
        if status == "NO":
            disk.fill()  # what was given back meanwhile
    refused = {code for status, code in answers if status == "NO"}
    assert refused and refused <= {b"OVERQUOTA", b"UNAVAILABLE", b"SERVERBUG"}, answers
    accepted = sum(n for (status, _), n in answers.items() if status == "OK")
    client.noop()
    assert int(client.select("INBOX")[1][0]) == count + accepted
    assert client.fetch("1:*", "(FLAGS RFC822.SIZE)")[0] == "OK"
    client.logout()
    again = imap(full, user)  # a new session, too: its process starts on the full disk
    assert int(again.select("INBOX")[1][0]) == count + accepted
    assert all(n == 1 for n in tokens_of(full, user).values())
    again.logout()
    pop = poplib.POP3("127.0.0.1", full.port("pop3"), timeout=30)
    pop.stls(TLS)
    pop.user(user)
    pop.pass_(PASSWORD)
    assert pop.stat()[0] == count + accepted
    assert pop.retr(1)[0].startswith(b"+OK")
    pop.quit()
    mail = next((full.root / "store/d.test").glob(f"??/{user.split('@')[0]}")) / "mail"
    assert not list((mail / "tmp").iterdir())
    disk.make_room()
    client = imap(full, user)
    assert client.append("INBOX", None, None, text_of(uuid.uuid4().hex))[0] == "OK"
    assert int(client.select("INBOX")[1][0]) == count + accepted + 1
    client.logout()


def kill(instance, service):
    (pid,) = [pid for pid, name in parents(instance).items() if name == service[:15]]
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: pid not in instance.processes(), 10, f"{service} ended")
    return pid


def is_back(instance, service, old_pid):
    return [pid for pid, name in parents(instance).items() if name == service[:15] and pid != old_pid]


def test_services_restart_on_a_full_disk(disk, full, sent):
    disk.fill()
    for service in ("queue-manager", "local-deliver", "smtpd", "imapd", "pop3d", "logd"):
        pid = kill(full, service)
        wait_for(lambda: is_back(full, service, pid), 20, f"{service} started again")
    wait_for(lambda: imap(full, USERS[3]).logout(), 20, "IMAP again")
    pid = kill(full, "accountd")  # the database cannot be recovered without room: it waits for that
    disk.make_room()
    wait_for(lambda: is_back(full, "accountd", pid), 70, "accountd started again")
    wait_for(lambda: sent.send(USERS) == 250, 20, "accepted again")
    full.wait_queue_empty(60)
    for user in USERS:
        assert all(tokens_of(full, user)[token] == 1 for token in sent.acknowledged)
