"""Random commands of several IMAP sessions and a POP3 session, and deliveries, on one user's folders; after each
command everything that was told and everything that is there is compared with a simple model (mailmodel.py).

POSTHORN_SEED repeats a run; POSTHORN_LONG makes it ten minutes."""
import os
import random
import re
import smtplib
import time

import pytest

from believer import FETCH, Believer
from instance import Instance, wait_for
from mailmodel import Model
from model_session import FLAGS, NAMES, WORDS, Session
from test_pop3_more import Pop, unstuffed

ALICE = "alice@d.test"
SECONDS = 600 if os.environ.get("POSTHORN_LONG") else 25
SESSIONS = 5
DATES = ["01-Jan-2001 00:00:00 +0000", "29-Feb-2024 23:59:59 +0000", "17-Jul-2020 12:00:00 +0000"]
MESSAGES_ENOUGH = 40  # in a folder: then none are added to it


@pytest.fixture
def suite():
    inst = Instance()
    inst.setup()
    inst.set("auth.plain_on_loopback", "yes")
    inst.start()
    inst.add_user(ALICE)
    yield inst
    inst.close()


class Oracle:
    """Reads a folder as it is, leaving no trace: in IMAP4rev2 nobody claims \\Recent."""

    def __init__(self, port):
        self.client = Believer(port, ALICE, ("IMAP4rev2", "CONDSTORE")).client

    def look(self, name):
        """(UIDVALIDITY, UIDNEXT, HIGHESTMODSEQ, [(uid, flags, modseq)])."""
        opened = b"\n".join(self.client.ok(f"EXAMINE {name}"))
        figures = [int(re.search(rb"\[%s (\d+)\]" % word, opened)[1])
                   for word in (b"UIDVALIDITY", b"UIDNEXT", b"HIGHESTMODSEQ")]
        messages = []
        if b"* 0 EXISTS" not in opened:
            for line in self.client.ok("FETCH 1:* (UID FLAGS MODSEQ)"):
                items = FETCH.match(line)[2]
                messages.append((int(re.search(rb"UID (\d+)", items)[1]),
                                 frozenset(re.search(rb"FLAGS \(([^)]*)\)", items)[1].decode().split()),
                                 int(re.search(rb"MODSEQ \((\d+)\)", items)[1])))
        return (*figures, messages)

    def content(self, uid):
        line = self.client.ok(f"UID FETCH {uid} (BODY.PEEK[])")[0]
        return line[line.index(b"}\r\n") + 3:-1]


class Maildrop:
    """A POP3 session, and INBOX as it was when it began."""

    def __init__(self, world):
        self.pop = Pop(world.suite, ALICE)
        self.messages = list(world.model.folders["INBOX"].messages)
        self.deleted = set()


class World:
    def __init__(self, suite, seed):
        self.suite, self.port, self.user = suite, suite.port("imap"), ALICE
        self.random, self.model = random.Random(seed), Model()
        self.log, self.selections, self.recent_of, self.uidl_of = [], 0, {}, {}
        self.oracle, self.smtp, self.maildrop = Oracle(self.port), None, None
        self.look()
        self.sessions = [Session(self, f"s{i}") for i in range(SESSIONS)]

    def note(self, text):
        self.log.append(text)

    def quoted(self, name, session=None):
        """Modified UTF-7 is right for all but those that said UTF-8."""
        if session is not None and "IMAP4rev2" in session.enabled:
            return f'"{name}"'
        return f'"{name.replace("öß", "&APYA3w-")}"'

    # -- the whole truth --

    def look(self):
        """Compares all folders with the model, and learns what only the server can say: MODSEQs."""
        for name, folder in self.model.folders.items():
            validity, uidnext, highest, messages = self.oracle.look(f'"{name}"')
            assert folder.uidvalidity in (None, validity), f"UIDVALIDITY of {name} changed"
            folder.uidvalidity = validity
            assert [uid for uid, _, _ in messages] == [m.uid for m in folder.messages], \
                f"{name} has {messages}, it should have {[m.uid for m in folder.messages]}"
            assert uidnext == folder.uidnext, f"{name}: UIDNEXT {uidnext}, it should be {folder.uidnext}"
            assert highest >= folder.highest, f"{name}: HIGHESTMODSEQ went back"
            for (uid, flags, modseq), message in zip(messages, folder.messages):
                assert flags == message.flags, f"{name}: UID {uid} has {flags}, it should be {message.flags}"
                assert modseq <= highest
                if message.modseq is None:
                    assert modseq > folder.highest, f"{name}: UID {uid} was changed and kept MODSEQ {modseq}"
                else:
                    assert modseq == message.modseq, f"{name}: UID {uid} has another MODSEQ"
                message.modseq = modseq
            folder.highest = highest

    def claim_recent(self, session):
        """One session at most is told that a message is \\Recent (RFC 3501 section 2.3.2)."""
        for uid in session.recent:
            owner = self.recent_of.setdefault((session.folder.uidvalidity, uid), session.selection)
            assert owner == session.selection, f"UID {uid} is \\Recent for two sessions"

    # -- what happens --

    def text(self):
        words = " ".join(self.random.choices(WORDS, k=self.random.randint(1, 60)))
        return (f"Subject: {' '.join(self.random.sample(WORDS, 2))}\r\nFrom: a@d.test\r\n\r\n"
                + words.replace("echo", "echo\r\n") + "\r\n").encode()

    def crowded(self, name):
        return name in self.model.folders and len(self.model.folders[name].messages) >= MESSAGES_ENOUGH

    def append(self, session):
        name = self.random.choice([*self.model.folders, *NAMES])
        if session.folder and self.random.random() < 0.4:
            name = next((n for n, f in self.model.folders.items() if f is session.folder), name)
        if self.crowded(name):
            return
        messages = []
        command = f"APPEND {self.quoted(name, session)}".encode()
        for _ in range(self.random.choice([1, 1, 1, 2, 3])):
            flags = self.random.sample(FLAGS, self.random.choice([0, 0, 1, 2]))
            date = self.random.choice([None, *DATES])
            messages.append((self.text(), flags, date))
            command += b"".join([f" ({' '.join(flags)})".encode() if flags else b"",
                                 f' "{date}"'.encode() if date else b"",
                                 b" {%d+}\r\n" % len(messages[-1][0]), messages[-1][0]])
        _, tagged = session.run(command)
        folder = self.model.folders.get(name)
        if folder is None:
            assert "[TRYCREATE]" in tagged, tagged
        else:
            added = [folder.add(*message) for message in messages]
            match = re.search(r"\[APPENDUID (\d+) ([0-9:,]+)\]", tagged)
            assert int(match[1]) == folder.uidvalidity, tagged
            first, last = added[0].uid, added[-1].uid
            assert match[2] == (str(first) if first == last else f"{first}:{last}"), tagged
        session.done()

    def change_folders(self, session):
        model, choice = self.model, self.random.random()
        if choice < 0.45:
            name = self.random.choice(NAMES)
            _, tagged = session.run(f"CREATE {self.quoted(name, session)}")
            refused = model.create(name)
        elif choice < 0.7:
            name = self.random.choice(NAMES)
            if name in model.folders and len(model.folders[name].messages) > 10 and self.random.random() < 0.5:
                return
            folder = model.folders.get(name)
            _, tagged = session.run(f"DELETE {self.quoted(name, session)}")
            refused = model.delete(name)
            if folder is not None and session.folder is folder:
                session.leave()
        else:
            old = self.random.choice([*NAMES, "INBOX"])
            new = self.random.choice(NAMES)
            if old == new:
                return
            _, tagged = session.run(f"RENAME {self.quoted(old, session)} {self.quoted(new, session)}")
            refused = model.rename(old, new)
        assert tagged.startswith("OK") if refused is None else f"NO [{refused}]" in tagged, (tagged, refused)
        session.done()

    def status(self, session):
        name = self.random.choice(list(self.model.folders))
        folder = self.model.folders[name]
        wanted = {"MESSAGES": len(folder.messages), "UIDNEXT": folder.uidnext, "UIDVALIDITY": folder.uidvalidity,
                  "UNSEEN": sum("\\Seen" not in m.flags for m in folder.messages),
                  "DELETED": len(folder.deleted()), "SIZE": sum(len(m.content) for m in folder.messages)}
        lines, tagged = session.run(f"STATUS {self.quoted(name, session)} ({' '.join(wanted)})")
        told = dict(re.findall(r"([A-Z]+) (\d+)", lines[0].decode().rsplit("(", 1)[1]))
        assert {key: int(value) for key, value in told.items()} == wanted
        session.done()

    def list(self, session):
        lines, _ = session.run('LIST "" *')
        told = {line.decode().split(' "/" ')[1].strip('"') for line in lines
                if line.startswith(b"* LIST") and b"\\NonExistent" not in line and b"\\Noselect" not in line}
        assert told == {self.quoted(name, session).strip('"') for name in self.model.folders}
        session.done()

    def deliver(self, session):
        inbox = self.model.folders["INBOX"]
        if self.crowded("INBOX"):
            return
        self.note("delivery")
        if self.smtp is None:
            self.smtp = smtplib.SMTP("127.0.0.1", self.suite.port("smtp"), timeout=20)
        self.smtp.sendmail("b@load.test", [ALICE], self.text())
        status = 'STATUS INBOX (UIDNEXT)'
        wait_for(lambda: b"UIDNEXT %d" % inbox.uidnext not in self.oracle.client.ok(status)[0], 20, "delivery")
        message = inbox.add(b"", ())
        self.look()
        self.oracle.look("INBOX")
        message.content = self.oracle.content(message.uid)
        assert b"From" in message.content or message.content

    # -- POP3 --

    def pop3(self, session):
        inbox = self.model.folders["INBOX"]
        if self.maildrop is None:
            self.note("POP3 login")
            self.maildrop = Maildrop(self)
            return
        drop, choice = self.maildrop, self.random.random()
        if choice < 0.3:
            names = [line.split()[1] for line in drop.pop.many("UIDL").splitlines()[:-1]]
            kept = [m for m in drop.messages if m not in drop.deleted]
            assert len(names) == len(kept) and len(set(names)) == len(names)
            for name, message in zip(names, kept):
                assert self.uidl_of.setdefault((inbox.uidvalidity, message.uid), name) == name
        elif choice < 0.75 and drop.messages:
            number = self.random.randrange(len(drop.messages))
            self.pop3_message(drop, inbox, number, self.random.random() < 0.5)
        elif choice < 0.9:
            self.note("POP3 QUIT")
            answer = drop.pop.one("QUIT")
            assert answer.startswith(b"+OK"), answer
            inbox.remove(drop.deleted)
            self.maildrop = None
            self.look()
        else:
            self.note("POP3 hangs up")
            drop.pop.close()
            self.maildrop = None
            self.look()

    def pop3_message(self, drop, inbox, number, delete):
        message = drop.messages[number]
        self.note(f"POP3 {'DELE' if delete else 'RETR'} {number + 1} (UID {message.uid})")
        answer = drop.pop.one(f"{'DELE' if delete else 'RETR'} {number + 1}")
        assert answer.startswith(b"-ERR") if message in drop.deleted else True
        if not answer.startswith(b"+OK"):
            assert message in drop.deleted or message not in inbox.messages, answer
        elif delete:
            drop.deleted.add(message)
        else:
            assert unstuffed(drop.pop.lines()) == message.content

    # -- one step --

    def step(self):
        i = self.random.randrange(len(self.sessions))
        session = self.sessions[i]
        if session.folder is not None and session.folder.removed:
            return self.lost_its_folder(i)
        if session.idling:
            return session.idle()
        anywhere = [(6, self.append), (2, self.change_folders), (3, self.status), (1, self.list), (1, self.deliver),
                    (3, self.pop3), (1, self.reconnect)]
        own = [(4, session.select)]
        if session.folder is not None:
            own = [(2, session.select), (1, session.close), (4, session.noop), (2, session.idle), (4, session.expunge),
                   (2, session.learn)]
            if session.shown:
                own += [(10, session.fetch), (12, session.store), (8, session.search), (6, session.transfer)]
        actions = [(weight, lambda f=f: f(session)) for weight, f in anywhere] + own
        weights, functions = zip(*actions)
        self.random.choices(functions, weights)[0]()

    def reconnect(self, session):
        self.note(f"{session.name}: hangs up")
        i = self.sessions.index(session)
        memory = session.memory
        session.leave()
        session.client.close()
        self.sessions[i] = Session(self, session.name)
        self.sessions[i].memory = memory

    def lost_its_folder(self, i):
        """Its folder was deleted: it is told so and has to come again (RFC 2180 section 3.3)."""
        session = self.sessions[i]
        self.note(f"{session.name}: its folder is gone")
        if not session.idling:
            session.client.send("x NOOP\r\n")
        while not session.bye:
            line = session.client.line()
            assert line, "closed without BYE"
            session.bye = line.startswith(b"* BYE")
        assert session.client.at_end()
        session.client.close()
        self.sessions[i] = Session(self, session.name)


def test_random_sessions_and_a_model(suite):
    seed = os.environ.get("POSTHORN_SEED") or str(random.randrange(1 << 32))
    world = World(suite, seed)
    end, steps = time.monotonic() + SECONDS, 0
    try:
        while time.monotonic() < end:
            world.step()
            steps += 1
        for i, session in enumerate(world.sessions):
            if session.folder is not None and session.folder.removed:
                continue
            while session.idling:
                session.idle()
            if session.folder is not None:
                session.noop()
        found = suite.json("store", "check", "--all", check=False)
        assert [f for f in found if f["outcome"] != "harmless"] == []
    except Exception as error:
        raise AssertionError(f"POSTHORN_SEED={seed}, step {steps}: {error!r}\n" + "\n".join(world.log[-300:])) from error
    print(f"{steps} steps")
