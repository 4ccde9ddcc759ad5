"""Several sessions at once on one mailbox: what each is told must add up (RFC 3501 sections 5.5, 7.3.1, 7.4.1)."""
import random
import re
import threading
import time

import pytest

from imapclient import Imap
from instance import Instance

ALICE = "alice@d.test"
SESSIONS, SECONDS = 6, 6
MESSAGE = b"Subject: n\r\n\r\ntext\r\n"
FETCH = re.compile(rb"\* (\d+) FETCH \((.*)\)\Z", re.S)


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    inst.set("auth.plain_on_loopback", "yes")
    inst.start()
    inst.add_user(ALICE)
    yield inst
    inst.close()


class Session:
    """A client that believes only what it was told, and finds contradictions in it."""

    def __init__(self, suite, seed):
        self.client = Imap(suite.port("imap"), ALICE)
        self.random = random.Random(seed)
        self.view = []  # of each message: [uid or None, flags or None]
        self.known_flags = set()
        self.last_uid = 0
        self.take(self.client.ok("SELECT INBOX"), "SELECT")
        self.command("UID FETCH 1:* (FLAGS)" if self.view else "NOOP")

    def take(self, lines, command):
        numbered = command.split()[0] in ("FETCH", "STORE", "SEARCH")
        for line in lines:
            if line.endswith(b" EXISTS"):
                count = int(line.split()[1])
                assert count >= len(self.view), "EXISTS lost messages"
                self.view += [[None, None] for _ in range(count - len(self.view))]
            elif line.endswith(b" EXPUNGE"):
                assert not numbered, f"EXPUNGE in answer to {command}"
                del self.view[int(line.split()[1]) - 1]
            elif line.startswith(b"* FLAGS "):
                self.known_flags = set(line[9:-1].split())
            elif match := FETCH.match(line):
                self.take_fetch(int(match[1]), match[2])

    def take_fetch(self, number, items):
        assert 1 <= number <= len(self.view), f"FETCH {number} of {len(self.view)}"
        entry = self.view[number - 1]
        if uid := re.search(rb"UID (\d+)", items):
            uid = int(uid[1])
            assert entry[0] in (None, uid), f"message {number} was UID {entry[0]} and is {uid}"
            entry[0] = uid
            known = [u for u, _ in self.view if u is not None]
            assert known == sorted(set(known)), "UIDs do not ascend"
        if flags := re.search(rb"FLAGS \(([^)]*)\)", items):
            entry[1] = set(flags[1].split())
            assert entry[1] - {b"\\Recent"} <= self.known_flags, f"{entry[1]} before FLAGS told of it"

    def command(self, text):
        lines, tagged = self.client.command(text)
        assert tagged.startswith((b"OK", b"NO")), (text, tagged)
        self.take(lines, text)
        return tagged

    def sequence(self):
        count = len(self.view)
        first = self.random.randint(1, count)
        return f"{first}:{self.random.randint(first, min(count, first + 5))}"

    def step(self):
        choice = self.random.random()
        if choice < 0.25 or not self.view:
            _, tagged = result = self.client.append("INBOX", MESSAGE)
            assert tagged.startswith(b"OK [APPENDUID ")
            self.take(result[0], "APPEND")
        elif choice < 0.35:
            self.command("NOOP")
        elif choice < 0.5:
            self.command(f"FETCH {self.sequence()} (UID FLAGS BODY.PEEK[TEXT])")
        elif choice < 0.65:
            flag = self.random.choice(["\\Deleted", "\\Seen", "\\Flagged", f"kw{self.random.randint(0, 20)}"])
            self.command(f"STORE {self.sequence()} {self.random.choice('+-')}FLAGS ({flag})")
        elif choice < 0.7:
            uids = [uid for uid, _ in self.view if uid is not None] or [1]
            self.command(f"UID STORE {self.random.choice(uids)}:* +FLAGS (\\Answered)")
        elif choice < 0.75:
            self.command(f"SEARCH {self.random.choice(['UNSEEN', 'SUBJECT n', 'BODY text', 'ALL'])}")
        elif choice < 0.85:
            self.command("EXPUNGE")
        elif choice < 0.9:
            self.command(f"COPY {self.sequence()} INBOX")
        elif choice < 0.95:
            self.command(f"MOVE {self.sequence()} Trash")
        else:
            self.idle()

    def idle(self):
        self.client.send("i IDLE\r\n")
        lines = [self.client.line().rstrip(b"\r\n")]
        while not lines[-1].startswith(b"+ "):
            lines.append(self.client.line().rstrip(b"\r\n"))
        time.sleep(0.02)  # others go on meanwhile
        self.client.send("DONE\r\n")
        more, tagged = self.client.result(b"i")
        assert tagged.startswith(b"OK")
        self.take(lines + more, "IDLE")


def test_what_sessions_are_told_adds_up(suite):
    sessions = [Session(suite, seed) for seed in range(SESSIONS)]
    failures, end = [], time.monotonic() + SECONDS

    def run(session):
        try:
            while time.monotonic() < end and not failures:
                session.step()
        except Exception as error:  # shown by the main thread
            failures.append(error)

    threads = [threading.Thread(target=run, args=(session,)) for session in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    views = []
    for session in sessions:
        session.command("NOOP")
        told = [(uid, flags) for uid, flags in session.view]
        session.command("UID FETCH 1:* (FLAGS)")
        now = [(uid, flags - {b"\\Recent"}) for uid, flags in session.view]
        for (uid, flags), (uid_now, flags_now) in zip(told, now):
            assert uid in (None, uid_now)
            assert flags is None or flags - {b"\\Recent"} == flags_now, "a change was not told"
        views.append(now)
    assert all(view == views[0] for view in views)
    assert len(views[0]) > 0
