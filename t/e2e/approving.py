"""Beside transport_load: mail that has to be approved, a person who decides about it, and the archive."""
import collections
import imaplib
import os
import re
import smtplib
import threading

from load import PASSWORD, TLS
from transport_load import TransportLoad, fetch, token_of

ASKER, BOSS = "asker@d.test", "boss@d.test"
LIFETIME_S = 12


def configure(instance):
    """Before the start; transport_load.configure comes first."""
    (instance.root / "etc/lists/approval.txt").write_text(f"all {ASKER} external={BOSS} local={BOSS}\n")
    os.sync()  # the power may be cut soon
    for name, value in (("queue.approval_rules", "lists/approval.txt"), ("queue.approval_lifetime", f"{LIFETIME_S}s"),
                        ("archive.classes", "local incoming outgoing")):
        instance.set(name, value)


class AskingLoad(TransportLoad):
    """What is to become of a message is its kind; the approver reads it in the subject."""
    kinds = ("approve", "approve", "refuse", "expire")
    sender = ASKER

    def __init__(self, instance, users, **options):
        super().__init__(instance, users, threads=1, pause=0.2, holds=False, **options)


class Approver:
    """Reads the requests and decides: by mail to the address in the request, or by the command line."""

    def __init__(self, instance):
        self.instance, self.power_off = instance, False
        self.decided = {}  # token -> kind: the command line has said that it is decided
        self._seen, self._open, self._stop = 0, [], threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._thread.start()

    def stop(self):
        self._stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive(), "the approver hangs"

    def _run(self):
        while not self._stop.wait(0.3):
            try:
                self._read()
                self._open = [(request, tries + 1) for request, tries in self._open
                              if not self._decide(*request) and tries < 60]
            except Exception:  # noqa: BLE001 - something is down: the next round asks again
                pass

    def _read(self):
        client = imaplib.IMAP4("127.0.0.1", self.instance.port("imap"), timeout=20)
        try:
            client.login(BOSS, PASSWORD)
            client.select("INBOX", readonly=True)
            for part in client.uid("FETCH", f"{self._seen + 1}:*", "(UID BODY.PEEK[])")[1]:
                uid = int(re.search(rb"UID (\d+)", part[0])[1]) if isinstance(part, tuple) else 0
                if uid > self._seen:
                    self._note(part[1])
                    self._seen = uid
        finally:
            client.logout()

    def _note(self, mail):
        kind = re.search(rb"^Subject: (approve|refuse|expire)\r", mail, re.M)[1].decode()
        ident = re.search(rb"^Message-ID: <(\w+)Q[0-9a-f]{8}@", mail, re.M)[1].decode()
        links = {verdict: address for address, verdict in
                 re.findall(r"mailto:((approve|refuse)\.\S+@\S+)", mail.decode("latin-1"))}
        if kind != "expire":
            self._open.append(((token_of(mail), kind, ident, links[kind]), 0))

    def _decide(self, token, kind, ident, address):
        """Is it done?"""
        if int(token[0], 16) % 2:
            with smtplib.SMTP("127.0.0.1", self.instance.port("smtp"), timeout=15) as client:
                client.sendmail(BOSS, [address], f"Subject: my decision\r\nX-Token: {'0' * 32}\r\n\r\n\r\n")
            return True
        done = self.instance.run("approval", kind, ident, check=False, timeout=20).returncode == 0
        if done and not self.power_off:
            self.decided[token] = kind
        return done


def problems(instance, load, approver):
    """Each message has gone its way or has come back, as was decided; each was asked about once."""
    wrong = []
    boxes = {user: collections.Counter(token_of(m) for m in fetch(instance, user)) for user in load.users}
    failed = collections.Counter(token_of(m) for m in fetch(instance, ASKER) if b"Action: failed" in m)
    asked = collections.Counter(token_of(m) for m in fetch(instance, BOSS))
    archived = archive_tokens(instance)
    for token, (kind, local) in load.acknowledged.items():
        got = [boxes[user][token] for user in local]
        if asked[token] != 1:
            wrong.append(f"{token} ({kind}): {asked[token]} requests")
        if set(got) != {0 if failed[token] else 1}:
            wrong.append(f"{token} ({kind}): {got} in the mailboxes, told {failed[token]} times")
        if got[0] != {"approve": 1, "refuse": 0}.get(approver.decided.get(token), got[0]):
            wrong.append(f"{token} was not done as decided: {approver.decided[token]}")
        if kind != "approve" and any(got):
            wrong.append(f"{token} ({kind}) went all the same")
        if archived[token] != got[0]:
            wrong.append(f"{token} ({kind}) is in the archive {archived[token]} times")
    for box in boxes.values():
        wrong += [f"{n} of {token}" for token, n in box.items() if n > 1]
    return wrong


def archive_tokens(instance):
    return collections.Counter(token_of(path.read_bytes()) for path in (instance.root / "archive").rglob("*.eml"))


def archive_problems(instance, load):
    """Of other mail: what was taken is there once; nothing twice."""
    archived = archive_tokens(instance)
    wrong = [f"the archive has {archived[token]} of {token} ({kind})" for token, (kind, _) in load.acknowledged.items()
             if archived[token] != 1]
    return wrong + [f"the archive has {n} of {token}" for token, n in archived.items() if n > 1]


def verify(instance):
    done = instance.run("archive", "verify", check=False)
    assert done.returncode == 0, done.out + done.err
