"""What the tests of folders that several users have share: a suite with users, sessions that end with their test."""
import contextlib

from imapclient import Imap
from instance import Instance

PASSWORD = "secret-of-test"
STANDARD = ("INBOX", "Drafts", "Junk", "Sent", "Trash")


@contextlib.contextmanager
def suite_with(*users, **settings):
    """A running instance with the users, and the domains of those who are elsewhere than in d.test.

    A setting's name has an underscore for its dot; only the first one counts."""
    inst = Instance()
    try:
        inst.setup()
        for name, value in {"auth_plain_on_loopback": "yes", **settings}.items():
            inst.set(name.replace("_", ".", 1), str(value))
        inst.start()
        for domain in sorted({user.split("@")[1] for user in users} - {inst.domain}):
            inst.run("domain", "add", domain)
        for user in users:
            inst.add_user(user, PASSWORD)
        yield inst
    finally:
        inst.close()


@contextlib.contextmanager
def sessions(suite):
    """session(user, *commands): a session in which the commands were OK."""
    opened = []

    def session(user, *commands):
        opened.append(Imap(suite.port("imap"), user, PASSWORD))
        for command in commands:
            opened[-1].ok(command)
        return opened[-1]

    try:
        yield session
    finally:
        for client in opened:
            client.close()


def names(client, pattern='"" *'):
    """Of the mailboxes that LIST shows."""
    return [line.split(b' "/" ')[-1] for line in client.ok(f"LIST {pattern}") if line]


def remove_folders(client):
    """The user's own, but the standard ones."""
    for name in names(client):
        if name.decode() not in STANDARD and not name.startswith((b"~", b"@")):
            client.ok(b"DELETE " + name)


def remove_messages(client, folder="INBOX"):
    client.ok(f"SELECT {folder}")
    client.command("STORE 1:* +FLAGS.SILENT (\\Deleted)")
    client.ok("CLOSE")
