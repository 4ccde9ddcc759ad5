"""What a user's folders hold, in memory and too simple to be wrong: the other half of test_imap_model.py.

A message is never changed but in its flags; a UID is given once; a folder is a list in UID order. Each change of
flags makes a new `version`, whose MODSEQ is learnt from the server once and may never be another one."""


class Message:
    def __init__(self, uid, content, flags, date=None):
        self.uid, self.content, self.flags, self.date = uid, content, frozenset(flags), date
        self.version, self.modseq = 0, None

    def change(self, flags):
        """True if that changes anything."""
        if frozenset(flags) == self.flags:
            return False
        self.flags, self.modseq = frozenset(flags), None
        self.version += 1
        return True

    def header(self, name):
        for line in self.content.split(b"\r\n\r\n")[0].split(b"\r\n"):
            if line.lower().startswith(name.lower() + b":"):
                return line.split(b":", 1)[1].strip()
        return b""

    def text(self):
        return self.content.split(b"\r\n\r\n", 1)[1]


class Folder:
    def __init__(self):
        self.uidvalidity, self.uidnext, self.highest = None, 1, 0
        self.messages = []  # in UID order
        self.removed = False

    def find(self, uid):
        return next((m for m in self.messages if m.uid == uid), None)

    def add(self, content, flags, date=None):
        message = Message(self.uidnext, content, flags, date)
        self.uidnext += 1
        self.messages.append(message)
        return message

    def remove(self, messages):
        self.messages = [m for m in self.messages if m not in messages]

    def deleted(self):
        return [m for m in self.messages if "\\Deleted" in m.flags]


class Model:
    STANDARD = ("INBOX", "Sent", "Drafts", "Trash", "Junk")

    def __init__(self):
        self.folders = {name: Folder() for name in self.STANDARD}

    @staticmethod
    def parents(name):
        parts = name.split("/")
        return ["/".join(parts[:i]) for i in range(1, len(parts))]

    def below(self, name):
        return [other for other in self.folders if other == name or other.startswith(name + "/")]

    def is_parent(self, name):
        return any(other.startswith(name + "/") for other in self.folders)

    def create(self, name):
        """None, or the response code of the refusal (RFC 5530)."""
        if name in self.folders:
            return "ALREADYEXISTS"
        for folder in [*self.parents(name), name]:
            self.folders.setdefault(folder, Folder())
        return None

    def delete(self, name):
        if name == "INBOX":
            return "CANNOT"
        if name not in self.folders:
            return "NONEXISTENT"
        self.folders.pop(name).removed = True
        return None

    def rename(self, old, new):
        if old == "INBOX":
            refused = self.create(new)
            if refused is None:
                inbox, target = self.folders["INBOX"], self.folders[new]
                for message in inbox.messages:
                    target.add(message.content, message.flags, message.date)
                inbox.messages = []
            return refused
        if new.startswith(old + "/"):
            return "CANNOT"
        if old not in self.folders and not self.is_parent(old):
            return "NONEXISTENT"
        moves = [(name, new + name[len(old):]) for name in self.below(old)]
        if new == "INBOX" or any(target in self.folders for _, target in moves):
            return "ALREADYEXISTS"
        for folder in self.parents(new):
            self.folders.setdefault(folder, Folder())
        for name, target in moves:
            self.folders[target] = self.folders.pop(name)
        return None


def matches(key, uid, seq, flags, message):
    """Whether a search key, as test_imap_model.py writes it, is true of a message with these flags."""
    word, _, argument = key.partition(" ")
    flag = {"SEEN": "\\Seen", "ANSWERED": "\\Answered", "FLAGGED": "\\Flagged", "DELETED": "\\Deleted",
            "DRAFT": "\\Draft"}
    if word == "ALL":
        return True
    if word in flag:
        return flag[word] in flags
    if word.startswith("UN") and word[2:] in flag:
        return flag[word[2:]] not in flags
    if word == "KEYWORD":
        return argument in flags
    if word == "NOT":
        return not matches(argument, uid, seq, flags, message)
    if word == "UID":
        first, last = argument.split(":")
        return int(first) <= uid <= int(last)
    if word == "LARGER":
        return len(message.content) > int(argument)
    if word == "SUBJECT":
        return argument.encode().lower() in message.header(b"Subject").lower()
    if word == "BODY":
        return argument.encode().lower() in message.text().lower()
    if word == "TEXT":
        return argument.encode().lower() in message.content.lower()
    raise ValueError(key)
