"""What the tests of imapd share: a suite with four users, a session of one with an empty store."""
import pytest

from imapclient import Imap
from instance import Instance

PASSWORD = "secret-of-test"
ALICE, BOB = "alice@d.test", "bob@d.test"

PLAIN = (b"From: Alice <alice@d.test>\r\nTo: bob@d.test\r\nSubject: plain one\r\n"
         b"Date: Fri, 21 Nov 1997 09:55:06 -0600\r\nMessage-ID: <1@d.test>\r\n\r\nfirst line\r\nlast\r\n")
MIXED = (b"From: =?utf-8?q?J=C3=B6rg?= <j@d.test>\r\nSubject: =?iso-8859-1?q?Gr=FC=DFe?=\r\n"
         b"Date: Mon, 1 Jan 2024 23:30:00 -0500\r\nMIME-Version: 1.0\r\n"
         b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
         b"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
         b"Stra=DFe\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninner text\r\n--b--\r\n")


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    inst.set("auth.plain_on_loopback", "yes")
    inst.set("imap.max_errors", "5")
    inst.set("imap.max_append", "64K")
    inst.set("imap.login_timeout", "5s")
    inst.set("auth.failure_delay", "0")
    inst.start()
    for user in ("alice", "bob", "carol", "dave"):
        inst.add_user(f"{user}@d.test", PASSWORD)
    yield inst
    inst.close()


@pytest.fixture
def imap(suite):
    """A session of a user with an empty store: alice's folders and mail go after each test."""
    client = Imap(suite.port("imap"), ALICE)
    yield client
    client.close()
    with Imap_session(suite) as sweeper:
        for line in sweeper.ok('LIST "" *'):
            name = line.split(b' "/" ')[-1].decode()
            if name in ("INBOX", "Drafts", "Junk", "Sent", "Trash"):
                sweeper.ok(f"SELECT {name}")
                if b" 0 EXISTS" not in b"".join(sweeper.ok("NOOP")) and sweeper.ok("UID SEARCH ALL") != [b"* SEARCH"]:
                    sweeper.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)")
                sweeper.ok("CLOSE")
            elif b"Noselect" not in line:
                sweeper.ok(f"DELETE {name}")
        for line in sweeper.ok('LSUB "" *'):
            name = line.split(b' "/" ')[-1].decode()
            if name not in ("INBOX", "Drafts", "Junk", "Sent", "Trash"):
                sweeper.ok(f"UNSUBSCRIBE {name}")


class Imap_session:
    def __init__(self, suite):
        self.client = Imap(suite.port("imap"), ALICE)

    def __enter__(self):
        return self.client

    def __exit__(self, *_):
        self.client.close()


def fill(client, count, folder="INBOX", arguments=""):
    for i in range(count):
        _, tagged = client.append(folder, PLAIN.replace(b"plain one", b"number %d" % i), arguments)
        assert tagged.startswith(b"OK [APPENDUID "), tagged


def session_pids(suite, count=1):
    """The processes of the last logins."""
    logins = [line for line in suite.log("imap").splitlines() if "event=login " in line][-count:]
    return [int(line.split("imapd[")[1].split("]")[0]) for line in logins]


def private_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup") as rollup:
        return sum(int(text.split()[1]) for text in rollup if text.startswith("Private_"))


def found(client, keys):
    return [int(n) for n in client.ok(keys.encode() if isinstance(keys, str) else keys)[0].split()[2:]]
