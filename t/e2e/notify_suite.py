"""What the tests of NOTIFY share: a suite with three users, sessions, and what the server tells unasked."""
import re
import select

import pytest

from imapclient import Imap
from instance import Instance

PASSWORD = "secret-of-test"
USER, OWNER, READER = "watcher@d.test", "owner@d.test", "reader@d.test"
ALL = "MessageNew MessageExpunge FlagChange"


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    inst.set("auth.plain_on_loopback", "yes")
    inst.set("imap.max_errors", "50")
    inst.set("imap.notify_max", "40")
    inst.start()
    for user in (USER, OWNER, READER):
        inst.add_user(user, PASSWORD)
    inst.run("public", "add", "News@d.test", f"read={USER}", f"write={OWNER}")
    yield inst
    inst.close()


@pytest.fixture
def login(suite):
    """login(user): a session that is closed afterwards."""
    clients = []

    def begin(user=USER):
        clients.append(Imap(suite.port("imap"), user))
        return clients[-1]

    yield begin
    for client in clients:
        client.close()


@pytest.fixture
def other(login):
    """The session that makes the news, on folders that are as every test finds them."""
    client = login()
    for line in client.ok('LIST "" *'):
        name = line.split(b' "/" ')[-1].decode()
        if name.split("/")[0] not in ("INBOX", "Sent", "Drafts", "Trash", "Junk", "@News"):
            client.ok(f"DELETE {name}")
            client.ok(f"UNSUBSCRIBE {name}")
    client.ok("SELECT INBOX")
    if client.ok("UID SEARCH ALL") != [b"* SEARCH"]:
        client.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)")
        client.ok("EXPUNGE")
    client.ok("UNSELECT")
    for name in ("Lists", "Lists/Lemonade", "misc"):
        client.ok(f"CREATE {name}")
    return client


@pytest.fixture
def client(login, other):
    return login()


def add(client, folder, subject="x", flags=""):
    text = f"From: alice@example.org\r\nTo: bob@example.org\r\nSubject: {subject}\r\n\r\nbody\r\n"
    untagged, tagged = client.append(folder, text.encode(), f"({flags}) ")
    assert tagged.startswith(b"OK"), tagged
    return untagged


def told(client):
    """The next unsolicited response."""
    return client.line().rstrip(b"\r\n").decode()


def silent(client, seconds=0.4):
    """Nothing is told for so long, nor with the answer to a command that has no news of the selected mailbox."""
    select.select([client.sock], [], [], seconds)
    assert client.command("NOTHING")[0] == []
    return True


def status(line):
    """("name", {"ITEM": number}) of a STATUS response."""
    name, items = re.fullmatch(r"\* STATUS (\S+) \((.*)\)", line.decode() if isinstance(line, bytes) else line).groups()
    words = items.split()
    return name, dict(zip(words[::2], map(int, words[1::2])))


def code_of(client, command):
    return client.command(command)[1]
