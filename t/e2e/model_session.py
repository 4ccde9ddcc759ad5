"""One IMAP session of test_imap_model.py: random commands, and what each of them must answer and do to the model."""
import re
import socket

from believer import Believer, Entry, uids_of
from mailmodel import matches

KINDS = [(), (), ("CONDSTORE",), ("QRESYNC",), ("QRESYNC",), ("IMAP4rev2",), ("IMAP4rev2", "QRESYNC")]
NAMES = ["A", "A/B", "A/B/C", "D", "D/E", "Größe"]
FLAGS = ["\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "$Label1", "work", "Later"]
WORDS = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot"]
TOLD_WITHIN = 10  # seconds until a session in IDLE knows


def plain(flags):
    return " ".join(sorted(flags))


class Shown:
    """A message as a session's side in the server has it: what was there when the session last looked."""

    def __init__(self, message):
        self.message, self.uid = message, message.uid
        self.flags, self.modseq = message.flags, message.modseq


class Session(Believer):
    def __init__(self, world, name):
        super().__init__(world.port, world.user, world.random.choice(KINDS))
        self.world, self.name, self.random = world, name, world.random
        self.folder, self.read_only, self.idling = None, False, False
        self.shown = []
        self.saved = None      # UIDs of "$"; None: not sure
        self.memory = {}       # of folders it left: (UIDVALIDITY, MODSEQ, entries)

    # -- what it was told against what is there --

    def gone(self):
        return [s for s in self.shown if self.folder.find(s.uid) is None]

    def check(self, numbered=False):
        if self.folder is None:
            return
        live = list(self.folder.messages)
        gone = self.gone() if numbered else []
        wanted = sorted([s.message for s in gone] + live, key=lambda m: m.uid)
        assert len(self.view) == len(wanted), \
            f"{self.name} sees {[e.uid for e in self.view]}, it should be {[m.uid for m in wanted]}"
        before = {s.uid: s for s in self.shown}
        for entry, message in zip(self.view, wanted):
            assert entry.uid in (None, message.uid), f"{self.name}: UID {entry.uid} should be {message.uid}"
            if message not in live:
                continue
            assert entry.flags in (None, message.flags), \
                f"{self.name}: UID {message.uid} has {plain(message.flags)}, it was told {plain(entry.flags)}"
            assert not self.condstore() or entry.modseq in (None, message.modseq), \
                f"{self.name}: MODSEQ of UID {message.uid} is {message.modseq}, it was told {entry.modseq}"
        self.shown = [before[m.uid] if m not in live else Shown(m) for m in wanted]
        if not self.read_only:
            self.world.claim_recent(self)

    def run(self, text, numbered=False):
        """Runs one command; the caller changes the model, then calls done()."""
        self.world.note(f"{self.name}: {text if isinstance(text, str) else text[:200]!r}")
        lines, tagged = self.command(text, numbered)
        self.world.note(f"{self.name}:   {tagged}")
        assert not tagged.startswith("BAD"), (text, tagged)
        return lines, tagged

    def done(self, numbered=False):
        self.world.look()
        self.check(numbered)

    # -- choosing --

    def pick(self):
        """(set, whether by UID, the shown messages that it means)."""
        uid = self.random.random() < 0.5
        if self.saved is not None and self.random.random() < 0.15:
            return "$", uid, [s for s in self.shown if s.uid in self.saved]
        count = len(self.shown)
        first = self.random.randrange(count)
        last = min(count - 1, first + self.random.choice([0, 0, 1, 3, 10, 1000]))
        chosen = self.shown[first:last + 1]
        name = (lambda s: s.uid) if uid else (lambda s: self.shown.index(s) + 1)
        if chosen[-1] is self.shown[-1] and self.random.random() < 0.5:
            return f"{name(chosen[0])}:*", uid, chosen
        if self.random.random() < 0.3 and len(chosen) > 2:
            chosen = chosen[:1] + chosen[2:]
            return f"{name(chosen[0])},{name(chosen[-1])}:{name(chosen[1])}", uid, chosen
        return f"{name(chosen[0])}:{name(chosen[-1])}", uid, chosen

    def some_flags(self):
        return self.random.sample(FLAGS, self.random.choice([1, 1, 1, 2, 3]))

    def live(self, chosen):
        return [s.message for s in chosen if s.message in self.folder.messages]

    # -- selecting --

    def leave(self):
        """It remembers what it knows, if it knows all."""
        if self.folder is not None and "QRESYNC" in self.enabled and self.uidvalidity and \
                all(e.uid is not None and e.flags is not None for e in self.view):
            self.memory[self.folder] = (self.uidvalidity, self.highest, [Entry(e.uid, e.flags, e.modseq)
                                                                         for e in self.view])
        self.forget()
        self.folder, self.shown, self.saved = None, [], frozenset()

    def select(self):
        name = self.random.choice([*self.world.model.folders, *NAMES, "INBOX", "INBOX"])
        examine = self.random.random() < 0.15
        self.leave()
        folder = self.world.model.folders.get(name)
        known = self.memory.get(folder) if "QRESYNC" in self.enabled else None
        text = f"{'EXAMINE' if examine else 'SELECT'} {self.world.quoted(name, self)}"
        if known is None:
            lines, tagged = self.run(text)
        else:
            lines, tagged = self.resync_select(text, *known)
        if folder is None:
            assert "[NONEXISTENT]" in tagged, tagged
            return
        assert tagged.startswith("OK")
        self.folder, self.read_only = folder, examine
        assert self.uidvalidity == folder.uidvalidity and self.uidnext == folder.uidnext
        self.world.selections += 1
        self.selection = self.world.selections
        self.done()
        if known is None and self.random.random() < 0.9:
            self.learn()

    def resync_select(self, text, uidvalidity, modseq, entries):
        arguments, all_uids = f"{uidvalidity} {modseq}", True
        if entries and self.random.random() < 0.5:
            all_uids = self.random.random() < 0.7
            arguments += f" {entries[0].uid}:{entries[-1].uid + 1000000 * all_uids}"
            if all_uids and self.random.random() < 0.7:
                numbers = sorted(self.random.sample(range(1, len(entries) + 1), min(3, len(entries))))
                arguments += (f" ({','.join(map(str, numbers))} "
                              f"{','.join(str(entries[n - 1].uid) for n in numbers)})")
        self.world.note(f"{self.name}: {text} (QRESYNC ({arguments}))")
        lines, tagged = self.client.command(f"{text} (QRESYNC ({arguments}))")
        if not all_uids:  # what is above the set that was asked for is as unknown as ever
            exists = next(int(line.split()[1]) for line in lines if line.endswith(b" EXISTS"))
            told = [line for line in lines if not line.endswith(b" EXISTS")]
            vanished = {uid for line in lines if line.startswith(b"* VANISHED (EARLIER)")
                        for uid in uids_of(line.split()[-1])}
            self.resync([*told, b"* %d EXISTS" % len([e for e in entries if e.uid not in vanished])], entries)
            self.take([b"* %d EXISTS" % exists])
        else:
            self.resync(lines, entries)
        return lines, tagged.decode()

    def learn(self):
        """Fetches what it does not know."""
        if self.view:
            before = list(self.view)
            self.run("UID FETCH 1:* (FLAGS)")
            self.done()
            assert all(e.flags is not None for e in before)

    def close(self):
        if self.random.random() < 0.5:
            self.run("UNSELECT")
        else:
            self.run("CLOSE")
            if not self.read_only:
                self.folder.remove(self.folder.deleted())
        self.leave()
        self.world.look()

    # -- messages --

    def fetch(self):
        chosen_set, uid, chosen = self.pick()
        items = self.random.choice(["UID FLAGS", "FLAGS INTERNALDATE RFC822.SIZE UID", "UID BODY.PEEK[]", "UID BODY[]",
                                    "UID ENVELOPE", "FLAGS MODSEQ UID", "UID BODY.PEEK[] RFC822.SIZE INTERNALDATE"])
        if "MODSEQ" in items:
            self.enabled.add("CONDSTORE")  # RFC 7162 section 3.1
        unseen = [s.message for s in chosen if "\\Seen" not in s.flags]
        gone = [s for s in chosen if s in self.gone()]
        modseqs = {s.uid: {s.modseq, s.message.modseq} for s in chosen}
        _, tagged = self.run(f"{'UID ' * uid}FETCH {chosen_set} ({items})", numbered=not uid)
        if "BODY[]" in items and not self.read_only:
            for message in unseen:
                if message in self.folder.messages:
                    message.change(message.flags | {"\\Seen"})
        if gone and tagged.startswith("NO"):
            assert "[EXPUNGEISSUED]" in tagged
        else:
            assert tagged.startswith("OK"), tagged
        self.check_fetched(items, chosen, {s.uid for s in gone})
        self.done(numbered=not uid)
        if "MODSEQ" in items and not uid:
            for s in chosen:
                told = [e.modseq for e in self.view if e.uid == s.uid]
                assert not told or s in self.gone() or told[0] in modseqs[s.uid] | {s.message.modseq}

    def check_fetched(self, items, chosen, gone):
        """FETCH responses are of the view before; those of a later update have only flags."""
        told = {}
        for _, text in self.responses:
            if match := re.search(rb"(?:^| )UID (\d+)", text):
                told.setdefault(int(match[1]), []).append(text)
        for s in chosen:
            texts = told.get(s.uid, [])
            assert texts or s.uid in gone, f"UID {s.uid} was not told"
            text = b" ".join(texts)
            if s.uid in gone and not texts:
                continue
            if "RFC822.SIZE" in items:
                assert b"RFC822.SIZE %d" % len(s.message.content) in text
            if "INTERNALDATE" in items and s.message.date:
                assert f'INTERNALDATE "{s.message.date}"'.encode() in text, (text, s.message.date)
            if "ENVELOPE" in items:
                assert b'"%s"' % s.message.header(b"Subject") in text
            if "[]" in items:
                assert b"BODY[] {%d}\r\n%s" % (len(s.message.content), s.message.content) in text

    def store(self):
        chosen_set, uid, chosen = self.pick()
        flags, op = self.some_flags(), self.random.choice(["+", "+", "-", ""])
        silent = self.random.random() < 0.4
        since = self.choose_since() if self.random.random() < 0.3 else None
        live = self.live(chosen)
        touched = [s for s in chosen if s.message in live]
        condition = "" if since is None else f"(UNCHANGEDSINCE {since}) "
        text = f"{'UID ' * uid}STORE {chosen_set} {condition}{op}FLAGS{'.SILENT' * silent} ({' '.join(flags)})"
        _, tagged = self.run(text, numbered=not uid)
        if self.read_only:
            assert "NO [NOPERM]" in tagged
            return self.done(numbered=not uid)
        if since is not None:
            self.enabled.add("CONDSTORE")
        skipped = [s for s in touched if since is not None and self.is_stale(s, since, op, flags)]
        for s in touched:
            if s not in skipped:
                s.message.change(self.result(op, s.message.flags, flags))
        self.assume(op, flags, [s for s in touched if s not in skipped], silent, tagged)
        numbers = [s.uid if uid else self.shown.index(s) + 1 for s in skipped]
        if match := re.search(r"\[MODIFIED ([0-9:,]+)\]", tagged):
            told = uids_of(match[1].encode())
            assert set(numbers) <= set(told) and (len(live) < len(chosen) or set(told) == set(numbers)), tagged
        else:
            assert not numbers, (tagged, numbers)
        if len(live) == len(chosen):
            assert tagged.startswith("OK"), tagged
        elif since != 0:
            assert tagged.startswith("NO [EXPUNGEISSUED]") or "MODIFIED" in tagged, tagged
        if not silent:
            told = {entry.uid for entry, _ in self.responses}
            assert {s.uid for s in touched} <= told or None in told, (told, text)
        return self.done(numbered=not uid)

    def assume(self, op, flags, changed, silent, tagged):
        """.SILENT: the client works out by itself what it did; what was told it knows better."""
        told = [entry for entry, items in self.responses if b"FLAGS (" in items]
        for entry in self.view:
            s = next((s for s in changed if s.uid == entry.uid), None)
            if silent and entry.uid is None and entry not in told:
                entry.flags = None  # it may be one of them
            if not silent or s is None or entry in told or entry.flags is None:
                continue
            entry.flags = None if tagged.startswith("NO") else self.result(op, entry.flags, flags)

    @staticmethod
    def result(op, old, flags):
        return frozenset(old | set(flags) if op == "+" else old - set(flags) if op == "-" else flags)

    @staticmethod
    def is_stale(s, since, op, flags):
        """RFC 7162 sections 3.1.3 and 3.1.12."""
        if s.message.modseq <= since:
            return False
        return op == "" or s.modseq > since or bool((s.flags ^ s.message.flags) & set(flags))

    def choose_since(self):
        known = [s.modseq for s in self.shown] + [s.message.modseq for s in self.shown]
        return self.random.choice([0, 1, max(known), self.random.choice(known)])

    def search(self):
        keys = [self.random.choice(["ALL", "SEEN", "UNSEEN", "DELETED", "UNDELETED", "FLAGGED", "KEYWORD work",
                                    "NOT ANSWERED", f"LARGER {self.random.randint(50, 400)}", "UID 3:20",
                                    f"SUBJECT {self.random.choice(WORDS)}", f"BODY {self.random.choice(WORDS)}",
                                    f"TEXT {self.random.choice(WORDS)[1:]}", f"NOT BODY {self.random.choice(WORDS)}"])
                for _ in range(self.random.choice([1, 1, 2, 3]))]
        uid, save = self.random.random() < 0.5, self.random.random() < 0.3
        extended = save or self.random.random() < 0.3
        gone = self.gone()
        found = [s for n, s in enumerate(self.shown, 1)
                 if all(matches(key, s.uid, n, s.flags, s.message) for key in keys)]
        numbers = {s.uid if uid else self.shown.index(s) + 1 for s in found if s not in gone}
        unsure = {s.uid if uid else self.shown.index(s) + 1 for s in gone}
        returns = "RETURN (SAVE ALL) " if save else "RETURN () " if extended else ""
        lines, tagged = self.run(f"{'UID ' * uid}SEARCH {returns}{' '.join(keys)}", numbered=not uid)
        assert tagged.startswith("OK"), tagged
        told = self.search_answer(lines)
        assert numbers - unsure <= told <= numbers | unsure, \
            f"{self.name}: found {sorted(told)}, it should be {sorted(numbers)}, of {[s.uid for s in self.shown]}"
        if save:
            self.saved = None if gone else frozenset(s.uid for s in found)
        self.done(numbered=not uid)

    @staticmethod
    def search_answer(lines):
        for line in lines:
            if line.startswith(b"* SEARCH"):
                return {int(word) for word in line.split()[2:]}
            if line.startswith(b"* ESEARCH"):
                match = re.search(rb" ALL ([0-9:,]+)", line)
                return set(uids_of(match[1])) if match else set()
        raise AssertionError("no answer to SEARCH")

    def transfer(self):
        chosen_set, uid, chosen = self.pick()
        move = self.random.random() < 0.5
        name = self.random.choice([*self.world.model.folders, *NAMES])
        target, live = self.world.model.folders.get(name), self.live(chosen)
        lines, tagged = self.run(f"{'UID ' * uid}{'MOVE' if move else 'COPY'} {chosen_set} "
                                 f"{self.world.quoted(name, self)}")
        if move and self.read_only:
            assert "[NOPERM]" in tagged
        elif not chosen:
            assert tagged.startswith("OK")
        elif target is None:
            assert "[TRYCREATE]" in tagged, tagged
        elif len(live) < len(chosen):
            assert "NO [EXPUNGEISSUED]" in tagged, tagged
        else:
            assert tagged.startswith("OK"), tagged
            copies = [target.add(m.content, m.flags, m.date) for m in live]
            code = b"".join(lines) + tagged.encode()
            match = re.search(rb"\[COPYUID (\d+) ([0-9:,]+) ([0-9:,]+)\]", code)
            assert int(match[1]) == target.uidvalidity
            assert uids_of(match[2]) == [m.uid for m in live] and uids_of(match[3]) == [m.uid for m in copies]
            if move:
                self.folder.remove(live)
        self.done()

    def expunge(self):
        if self.shown and self.random.random() < 0.4:
            chosen_set, _, chosen = self.pick()
            if chosen_set != "$":
                chosen = sorted(chosen, key=lambda s: s.uid)
                chosen_set = ",".join(str(s.uid) for s in chosen)
            _, tagged = self.run(f"UID EXPUNGE {chosen_set}")
            victims = [m for m in self.folder.deleted() if m in [s.message for s in chosen]]
        else:
            _, tagged = self.run("EXPUNGE")
            victims = self.folder.deleted()
        if self.read_only:
            assert "[NOPERM]" in tagged
        else:
            assert tagged.startswith("OK"), tagged
            self.folder.remove(victims)
        self.done()

    def noop(self):
        self.run(self.random.choice(["NOOP", "NOOP", "CHECK"]))
        self.done()

    # -- IDLE --

    def idle(self):
        if not self.idling:
            self.world.note(f"{self.name}: IDLE")
            self.client.send("i IDLE\r\n")
            line = self.client.line()
            while not line.startswith(b"+ "):
                self.take([line.rstrip(b"\r\n")])
                line = self.client.line()
            self.idling = True
            return
        self.client.sock.settimeout(TOLD_WITHIN)
        try:
            while not self.is_up_to_date() and not self.bye:
                line = self.client.line()
                self.take([line.rstrip(b"\r\n")]) if line else setattr(self, "bye", True)
        except (TimeoutError, socket.timeout):
            pass  # check() says what is missing
        self.client.sock.settimeout(15)
        if self.bye:
            return
        if self.random.random() < 0.5:
            self.client.send("DONE\r\n")
            lines, tagged = self.client.result(b"i")
            self.take(lines)
            self.idling = False
            self.world.note(f"{self.name}: DONE {tagged}")
        self.check()

    def is_up_to_date(self):
        if self.folder is None or self.folder.removed:
            return self.folder is None
        live = self.folder.messages
        return len(self.view) == len(live) and all(
            e.uid in (None, m.uid) and e.flags in (None, m.flags) for e, m in zip(self.view, live))
