"""A load of IMAP that remembers what was acknowledged; and what `store check` may find in spite of it."""
import imaplib
import random
import re
import threading
import time
import uuid

from load import PASSWORD, TLS, tokens_of


class ImapLoad:
    """One user's session that appends, copies, moves and expunges, and knows what was acknowledged.

    `present[folder]` and `gone` hold tokens whose place is certain; a token whose command had no
    answer yet is in `unsure`. So is one whose answer came after the ioctl began: an fdatasync that is
    under way meanwhile may return 0 although its commit was aborted (measured on Linux 6.18 with six
    writers: of 29,486 acknowledged appends in 150 cuts 64 were lost, answered 2 to 70 ms after the ioctl
    had begun; none answered before). A machine without power answers nobody.

    `flagged[folder, token]` is what \\Flagged was set to, and when that was answered: it may be younger
    than store.flush_interval at the cut."""

    FOLDERS = ["INBOX", "Archive", "Trash"]

    def __init__(self, instance, user, pause=0.0):
        self.instance, self.user, self.pause = instance, user, pause
        self.present = {folder: {} for folder in self.FOLDERS}
        self.gone = {folder: set() for folder in self.FOLDERS}
        self.unsure = set()
        self.flagged = {}
        self.commands = 0
        self.power_off = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._thread.start()

    def stop(self):
        self._stop.set()
        self._thread.join(60)

    def _run(self):
        chance = random.Random(self.user)
        while not self._stop.is_set():
            try:
                client = imaplib.IMAP4("127.0.0.1", self.instance.port("imap"), timeout=10)
                client.starttls(TLS)
                client.login(self.user, PASSWORD)
                client.create("Archive")
                while not self._stop.is_set():
                    self._step(client, chance)
                    self._stop.wait(self.pause)
            except (OSError, imaplib.IMAP4.error, AssertionError):
                self._stop.wait(0.02)

    def _step(self, client, chance):
        folder = chance.choice(self.FOLDERS)
        known = [t for t in self.present[folder] if t not in self.unsure]
        action = chance.choice(["append", "append", "copy", "move", "expunge", "flag", "flag"])
        if action == "append" or not known:
            self._append(client, folder)
        else:
            token = chance.choice(known)
            assert client.select(folder)[0] == "OK"
            uid = self.present[folder][token]
            if action == "flag":
                self._flag(client, folder, token, uid, chance.random() < 0.6)
            elif action == "expunge":
                self._expunge(client, folder, token, uid)
            else:
                self._transfer(client, folder, token, uid, action, chance.choice(self.FOLDERS))
        self.commands += 1

    def _append(self, client, folder):
        token = uuid.uuid4().hex
        self.unsure.add(token)
        text = f"X-Token: {token}\r\nSubject: appended\r\n\r\nbody\r\n".encode()
        status, data = client.append(folder, None, None, text)
        assert status == "OK" and not self.power_off
        self.present[folder][token] = int(re.search(rb"APPENDUID \d+ (\d+)", data[0]).group(1))
        self.flagged[folder, token] = (False, 0.0)
        self.unsure.discard(token)

    def _flag(self, client, folder, token, uid, on):
        before = self.flagged.pop((folder, token), None)
        status, _ = client.uid("STORE", str(uid), ("+" if on else "-") + "FLAGS.SILENT", "(\\Flagged)")
        assert status == "OK" and not self.power_off
        if before is not None:  # a change that changes nothing is as old as the one before
            self.flagged[folder, token] = before if before[0] == on else (on, time.monotonic())

    def _expunge(self, client, folder, token, uid):
        self.unsure.add(token)
        assert client.uid("STORE", str(uid), "+FLAGS.SILENT", "(\\Deleted)")[0] == "OK"
        assert client.uid("EXPUNGE", str(uid))[0] == "OK" and not self.power_off
        del self.present[folder][token]
        self.gone[folder].add(token)
        self.unsure.discard(token)

    def _transfer(self, client, folder, token, uid, action, target):
        if target == folder or token in self.present[target] or token in self.gone[target]:
            return
        self.unsure.add(token)
        status, _ = client.uid(action.upper(), str(uid), target)
        assert status == "OK" and not self.power_off
        answer = client.response("COPYUID")[1]
        new_uid = int(re.search(rb"\d+ \d+ (\d+)", answer[0]).group(1))
        self.present[target][token] = new_uid
        if (folder, token) in self.flagged:  # on disk with the message
            self.flagged[target, token] = (self.flagged[folder, token][0], 0.0)
        if action == "move":
            del self.present[folder][token]
            self.gone[folder].add(token)
        self.unsure.discard(token)

    def follower(self):
        """Goes on where this one was stopped."""
        other = ImapLoad(self.instance, self.user)
        other.present, other.gone, other.unsure, other.flagged = self.present, self.gone, self.unsure, self.flagged
        return other

    def check(self, flags_before):
        """What was acknowledged is there, and flags that were changed before that time are as they were."""
        problems = []
        for folder in self.FOLDERS:
            found = tokens_of(self.instance, self.user, folder)
            problems += self._check_flags(folder, found, flags_before)
            lost = [t for t in self.present[folder] if t not in self.unsure and found[t] != 1]
            back = [t for t in self.gone[folder] if t not in self.unsure and found[t] > 0]
            double = [t for t, n in found.items() if n > 1]
            if lost or back or double:
                problems.append(f"{folder}: lost {lost[:3]} back {back[:3]} double {double[:3]}")
        assert not problems, "\n".join(problems)

    def _check_flags(self, folder, found, flags_before):
        on_disk = tokens_of(self.instance, self.user, folder, flag="\\Flagged")
        wrong = [token for (where, token), (on, since) in self.flagged.items()
                 if where == folder and token not in self.unsure and found[token] == 1
                 and since < flags_before and on != (token in on_disk)]
        for token in found:
            self.flagged[folder, token] = (token in on_disk, 0.0)
        return [f"{folder}: flags lost {wrong[:3]}"] if wrong else []


def wrong(findings):
    """What `posthorn store check --json` found and is not harmless."""
    return [f for f in findings if f["outcome"] != "harmless"]
