"""An IMAP client that believes only what it is told, and finds contradictions in it (RFC 3501 sections 5.5, 7.3.1,
7.4.1; RFC 7162 section 3.2)."""
import re

from imapclient import Imap

FETCH = re.compile(rb"\* (\d+) FETCH \((.*)\)\Z", re.S)


class Entry:
    """One message as the client knows it; None is unknown. Flags without \\Recent."""

    def __init__(self, uid=None, flags=None, modseq=None):
        self.uid, self.flags, self.modseq = uid, flags, modseq


def uids_of(text):
    """b"1:3,7" as a list."""
    found = []
    for part in text.split(b","):
        first, _, last = part.partition(b":")
        found += range(int(first), int(last or first) + 1)
    return found


class Believer:
    def __init__(self, port, user, enable=()):
        self.client = Imap(port, user)
        self.enabled = set(enable)
        if enable:
            self.client.ok("ENABLE " + " ".join(enable))
        self.view = []
        self.highest = 0  # MODSEQ up to which it knows all
        self.uidvalidity = self.uidnext = 0
        self.known_flags = set()
        self.recent = set()    # UIDs that it was told are \Recent
        self.responses = []    # FETCH responses of the command: (entry, items)
        self.bye = False

    def condstore(self):
        return bool(self.enabled & {"CONDSTORE", "QRESYNC"})

    def forget(self):
        self.view, self.highest, self.uidvalidity, self.uidnext, self.recent = [], 0, 0, 0, set()

    def take(self, lines, numbered=False):
        """`numbered`: no message may leave the view (RFC 3501 section 7.4.1)."""
        self.responses = []
        for line in lines:
            if line.endswith(b" EXISTS"):
                count = int(line.split()[1])
                assert count >= len(self.view), "EXISTS lost messages"
                self.view += [Entry() for _ in range(count - len(self.view))]
            elif line.endswith(b" EXPUNGE"):
                assert not numbered, "EXPUNGE where it is not allowed"
                assert "QRESYNC" not in self.enabled, "EXPUNGE instead of VANISHED"
                del self.view[int(line.split()[1]) - 1]
            elif line.startswith(b"* VANISHED (EARLIER) "):
                gone = set(uids_of(line.split()[-1]))
                self.view = [e for e in self.view if e.uid not in gone]
            elif line.startswith(b"* VANISHED "):
                assert not numbered, "VANISHED where it is not allowed"
                self.vanished(uids_of(line.split()[-1]))
            elif line.startswith(b"* FLAGS "):
                self.known_flags = set(line[9:-1].decode().split())
            elif match := FETCH.match(line):
                self.fetched(int(match[1]), match[2])
            elif line.startswith(b"* BYE"):
                self.bye = True
            else:
                self.told_code(line)

    def resync(self, lines, entries):
        """What SELECT ... (QRESYNC ...) answers, taken over what was known before (RFC 7162 section 3.2.5)."""
        known = {entry.uid: entry for entry in entries}
        told, count = {}, None
        for line in lines:
            if line.startswith(b"* VANISHED (EARLIER) "):
                assert not told, "VANISHED (EARLIER) behind FETCH"
                for uid in uids_of(line.split()[-1]):
                    known.pop(uid, None)
            elif line.endswith(b" EXISTS"):
                count = int(line.split()[1])
            elif match := FETCH.match(line):
                uid = int(re.search(rb"UID (\d+)", match[2])[1])
                told[uid] = int(match[1])
                known[uid] = Entry(uid)
        self.view = [known[uid] for uid in sorted(known)]
        assert len(self.view) == count, f"{count} EXISTS, and what was told makes {sorted(known)}"
        for uid, number in told.items():
            assert self.view[number - 1].uid == uid, f"UID {uid} is not number {number}"
        self.take([line for line in lines if b" EXISTS" not in line and b"VANISHED" not in line])

    def vanished(self, uids):
        for uid in uids:
            at = next((i for i, e in enumerate(self.view) if e.uid == uid), None)
            if at is None:  # one of which it knows but that it is there
                below = max((i for i, e in enumerate(self.view) if e.uid is not None and e.uid < uid), default=-1)
                at = below + 1
                assert at < len(self.view) and self.view[at].uid is None, f"VANISHED {uid}, which was never told"
            del self.view[at]

    def told_code(self, line):
        if match := re.search(rb"\[(HIGHESTMODSEQ|UIDVALIDITY|UIDNEXT) (\d+)\]", line):
            name = {b"HIGHESTMODSEQ": "highest"}.get(match[1], match[1].decode().lower())
            setattr(self, name, int(match[2]))

    def fetched(self, number, items):
        assert 1 <= number <= len(self.view), f"FETCH {number} of {len(self.view)}"
        entry = self.view[number - 1]
        self.responses.append((entry, items))
        if uid := re.search(rb"(?:^| )UID (\d+)", items):
            uid = int(uid[1])
            assert entry.uid in (None, uid), f"message {number} was UID {entry.uid} and is {uid}"
            entry.uid = uid
            known = [e.uid for e in self.view if e.uid is not None]
            assert known == sorted(set(known)), "UIDs do not ascend"
        if flags := re.search(rb"(?:^| )FLAGS \(([^)]*)\)", items):
            told = set(flags[1].decode().split())
            if "\\Recent" in told and entry.uid is not None:
                self.recent.add(entry.uid)
            entry.flags = frozenset(told - {"\\Recent"})
            assert entry.flags <= self.known_flags, f"{entry.flags} before FLAGS told of it"
        if modseq := re.search(rb"(?:^| )MODSEQ \((\d+)\)", items):
            entry.modseq = int(modseq[1])
            self.highest = max(self.highest, entry.modseq)

    def command(self, text, numbered=False):
        lines, tagged = self.client.command(text)
        self.take(lines, numbered)
        if not tagged:
            self.bye = True
        self.told_code(tagged)
        return lines, tagged.decode()
