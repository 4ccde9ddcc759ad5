"""A load whose every acknowledgement is remembered, and the count of what is there afterwards."""
import collections
import imaplib
import random
import smtplib
import ssl
import threading
import uuid

PASSWORD = "secret-of-test"
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
TLS.check_hostname, TLS.verify_mode = False, ssl.CERT_NONE  # self-signed, on loopback


class SmtpLoad:
    """Threads that send small messages with a unique token each to one to four of `users`."""

    def __init__(self, instance, users, threads=4, pause=0.0):
        self.instance, self.users, self.pause = instance, users, pause
        self.acknowledged = {}  # token -> recipients that got a 250, for messages that got theirs
        self.attempted = set()
        self.power_off = False  # from here on an answer comes from a machine that is not there
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(i,), daemon=True)
                         for i in range(threads)]

    def start(self):
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive(), "a sender hangs"

    def count(self):
        with self._lock:
            return len(self.acknowledged)

    def _run(self, seed):
        chance = random.Random(seed)
        client = None
        while not self._stop.is_set():
            try:
                if client is None:
                    client = smtplib.SMTP("127.0.0.1", self.instance.port("smtp"), timeout=10)
                self._send(client, chance)
            except (OSError, smtplib.SMTPException):
                client = None
                self._stop.wait(0.02)
            if self.pause:
                self._stop.wait(self.pause)

    def _send(self, client, chance):
        token = uuid.uuid4().hex
        rcpts = chance.sample(self.users, chance.randint(1, min(4, len(self.users))))
        body = f"X-Token: {token}\r\nSubject: load\r\n\r\n" + "x" * chance.randint(0, 6000) + "\r\n"
        with self._lock:
            self.attempted.add(token)
        refused = client.sendmail("sender@load.test", rcpts, body)
        if self.power_off:
            return
        with self._lock:
            self.acknowledged[token] = [r for r in rcpts if r not in refused]


def tokens_of(instance, user, folder="INBOX", flag=""):
    """Counter of the X-Token fields in one folder, read by IMAP; with `flag`, of messages that have it."""
    client = imaplib.IMAP4("127.0.0.1", instance.port("imap"), timeout=60)
    client.starttls(TLS)
    client.login(user, PASSWORD)
    status, data = client.select(folder, readonly=True)
    assert status == "OK", data
    found = collections.Counter()
    if int(data[0]) > 0:
        status, parts = client.fetch("1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (X-TOKEN)])")
        assert status == "OK"
        for part in parts:
            if isinstance(part, tuple) and flag.encode() in part[0]:
                text = part[1].decode().strip()
                if text:
                    found[text.split(":", 1)[1].strip()] += 1
    client.logout()
    return found


def assert_exactly_once(instance, load):
    """Every acknowledged message is in each of its mailboxes exactly once, nothing is there twice."""
    wanted = collections.defaultdict(set)
    for token, rcpts in load.acknowledged.items():
        for rcpt in rcpts:
            wanted[rcpt].add(token)
    problems = []
    for user in load.users:
        found = tokens_of(instance, user)
        lost = [t for t in wanted[user] if found[t] == 0]
        double = [t for t, n in found.items() if n > 1]
        strange = [t for t in found if t not in load.attempted]
        if lost or double or strange:
            problems.append(f"{user}: {len(lost)} lost {lost[:3]}, {len(double)} double {double[:3]}, "
                            f"{len(strange)} strange")
    assert not problems, "\n".join(problems)
