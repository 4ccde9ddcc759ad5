"""A load of submitted mail that uses all of the transport: local and remote recipients, a server that defers, hangs
up and refuses, reports of success and failure, mail held for a time and by the administrator's hand."""
import collections
import imaplib
import os
import random
import re
import smtplib
import threading
import uuid

from instance import wait_for
from load import PASSWORD, TLS
from smtp_sink import Sink

SENDER = "sender@d.test"
HELD_S = 2


class MoodySink(Sink):
    """Takes mail for far.test; often not now, sometimes without an answer; never for no-*."""

    def __init__(self, seed, trouble=0.06):
        self.chance, self.trouble = random.Random(seed), trouble
        super().__init__("127.0.0.2", extensions=("PIPELINING", "8BITMIME", "SIZE 10000000"))

    def reply_for(self, key, default):
        if key.startswith("RCPT no-"):
            return "550 5.1.1 nobody of that name"
        mood = self.chance.random()
        if key == ".":
            return "451 4.3.0 not now" if mood < self.trouble else "CLOSE" if mood < 1.5 * self.trouble else default
        if key == "MAIL" and mood < self.trouble / 2:
            return "421 4.3.2 closing"
        if key.startswith("RCPT ") and mood < self.trouble / 2:
            return "450 4.2.0 later"
        return default

    def tokens(self):
        """Counter of tokens over what was taken."""
        return collections.Counter(re.search(rb"X-Token: ([0-9a-f]{32})", m.content).group(1).decode()
                                   for m in list(self.messages))


def configure(instance, sink):
    """Before the start."""
    table = instance.root / "etc/lists/direct.txt"
    table.parent.mkdir(exist_ok=True)
    table.write_text(f"far.test 127.0.0.2:{sink.port}\n")
    os.sync()  # the power may be cut soon
    for name, value in (("remote.direct_domains", "lists/direct.txt"), ("queue.retry_interval", "1s"),
                        ("queue.retry_max", "2s"), ("remote.workers", "4"), ("remote.mta_sts", "no"),
                        ("auth.plain_on_loopback", "yes"), ("auth.rehash", "no"), ("smtp.max_errors", "1000")):
        instance.set(name, value)


def add_users(instance, users):
    record = instance.base / "record"
    record.write_text("{PLAIN}" + PASSWORD + "\n")
    for user in (*users, SENDER):
        instance.run("user", "add", user, "--password-record-file", record)
        instance.run("user", "set", user, "quota_bytes=0", "quota_messages=0")


class TransportLoad:
    kinds = ("local", "remote", "both", "refused", "success", "held")
    sender = SENDER

    def __init__(self, instance, users, threads=3, pause=0.02, seed=1, holds=True):
        self.instance, self.users, self.pause = instance, users, pause
        self.acknowledged = {}  # token -> (kind, local recipients)
        self.attempted = set()
        self.held_until = {}
        self.power_off = False
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(seed * 100 + i,), daemon=True) for i in range(threads)]
        if holds:
            self._threads.append(threading.Thread(target=self._administer, args=(seed,), daemon=True))

    def start(self):
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a sender hangs"

    def count(self):
        with self._lock:
            return len(self.acknowledged)

    def _run(self, seed):
        chance, client = random.Random(seed), None
        while not self._stop.is_set():
            try:
                if client is None:
                    client = smtplib.SMTP("127.0.0.1", self.instance.port("submission"), timeout=15)
                    client.login(self.sender, PASSWORD)
                self._send(client, chance)
            except (OSError, smtplib.SMTPException):
                client = None
                self._stop.wait(0.02)
            self._stop.wait(self.pause)

    def _send(self, client, chance):
        token, kind = uuid.uuid4().hex, chance.choice(self.kinds)
        local = chance.sample(self.users, chance.randint(1, 2)) if kind not in ("remote", "refused") else []
        far = [f"t-{token[:8]}@far.test"] if kind in ("remote", "both") else []
        far += [f"no-{token[:8]}@far.test"] if kind == "refused" else []
        body = f"X-Token: {token}\r\nSubject: {kind}\r\n\r\n" + "x" * chance.randint(0, 4000) + "\r\n"
        mail = [f"HOLDFOR={HELD_S}"] if kind == "held" else []
        rcpt = ["NOTIFY=SUCCESS"] if kind == "success" else []
        with self._lock:
            self.attempted.add(token)
        refused = client.sendmail(self.sender, local + far, body, mail, rcpt)
        if self.power_off or refused:
            return
        with self._lock:
            self.acknowledged[token] = (kind, local)

    def _administer(self, seed):
        """Puts some of what waits on hold and lets it go again, as people do."""
        chance = random.Random(seed)
        while not self._stop.wait(0.3):
            try:
                listed = self.instance.run("queue", "list", "--limit", "20", "--json", check=False, timeout=20)
                ids = re.findall(r'"id": "([0-9A-Za-z]+)"', listed.out)
                if ids:
                    self.instance.run("queue", "hold", chance.choice(ids), "--reason", "somebody looks at it", check=False,
                                      timeout=20)
                if chance.random() < 0.5:
                    self.instance.run("queue", "release", "ALL", check=False, timeout=20)
            except Exception:  # noqa: BLE001 - killed while it asked: the next one asks again
                pass

    def settle(self, deadline=120):
        """Everything goes where it can."""
        def done():
            self.instance.run("queue", "release", "ALL", check=False)
            self.instance.run("queue", "flush", check=False)
            return self.instance.queue_empty() and not any(
                "." not in file.name for file in (self.instance.root / "queue/hold").iterdir())
        wait_for(done, deadline, "the queue is empty")


def fetch(instance, user):
    client = imaplib.IMAP4("127.0.0.1", instance.port("imap"), timeout=120)
    client.starttls(TLS)
    client.login(user, PASSWORD)
    _, data = client.select("INBOX", readonly=True)
    parts = client.fetch("1:*", "(BODY.PEEK[])")[1] if int(data[0]) else []
    client.logout()
    return [part[1] for part in parts if isinstance(part, tuple)]


def token_of(text):
    found = re.search(rb"^X-Token: ([0-9a-f]{32})", text, re.M)
    return found.group(1).decode() if found else None


def problems(instance, load, sink):
    """What was promised and is not so: nothing lost, nothing double in a mailbox, everybody told who is to be told."""
    wrong, wanted = [], collections.defaultdict(set)
    for token, (kind, local) in load.acknowledged.items():
        for user in local:
            wanted[user].add(token)
    for user in load.users:
        found = collections.Counter(token_of(m) for m in fetch(instance, user))
        wrong += [f"{user} lost {t} ({load.acknowledged[t][0]})" for t in wanted[user] if found[t] == 0]
        wrong += [f"{user} has {n} of {t}" for t, n in found.items() if n > 1]
        wrong += [f"{user} has a stranger {t}" for t in found if t not in load.attempted]
    taken = sink.tokens()
    failed, relayed = collections.Counter(), collections.Counter()
    for report in fetch(instance, SENDER):
        (failed if b"Action: failed" in report else relayed)[token_of(report)] += 1
    for token, (kind, _) in load.acknowledged.items():
        if kind in ("remote", "both") and taken[token] == 0:
            wrong.append(f"far.test never got {token}")
        if kind == "refused" and failed[token] == 0:
            wrong.append(f"nobody was told that {token} was refused")
        if kind == "success" and relayed[token] == 0:
            wrong.append(f"no report of success about {token}")
        if kind != "refused" and failed[token]:
            wrong.append(f"{token} ({kind}) bounced")
    return wrong
