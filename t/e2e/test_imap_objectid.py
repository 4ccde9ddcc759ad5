"""What belongs to a message and a folder for good: OBJECTID (RFC 8474), SAVEDATE (RFC 8514), STATUS=SIZE
(RFC 8438), APPENDLIMIT (RFC 7889), STATUS DELETED (RFC 9051)."""
import re
import time

import pytest

from imapclient import Imap
from instance import Instance

ALICE = "alice@d.test"
MESSAGE = b"Subject: n\r\n\r\ntext\r\n"


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    inst.set("auth.plain_on_loopback", "yes")
    inst.set("imap.max_append", "64K")
    inst.start()
    inst.add_user(ALICE)
    yield inst
    inst.close()


@pytest.fixture
def imap(suite):
    client = Imap(suite.port("imap"), ALICE)
    yield client
    client.close()


def mailbox_id(client, folder):
    return re.search(rb"\(MAILBOXID \(([A-Za-z0-9_-]{1,255})\)\)", client.ok(f"STATUS {folder} (MAILBOXID)")[0])[1]


def test_announced(imap):
    names = imap.ok("CAPABILITY")[0].split()
    assert {b"OBJECTID", b"SAVEDATE", b"STATUS=SIZE", b"APPENDLIMIT=65536"} <= set(names)


def test_mailbox_id(imap):
    """RFC 8474 section 4: from CREATE, SELECT, STATUS and LIST; kept over RENAME, not given again."""
    _, tagged = imap.command("CREATE foo")
    given = re.match(rb"OK \[MAILBOXID \(([^)]+)\)\]", tagged)[1]
    imap.ok("CREATE bar")
    assert mailbox_id(imap, "foo") == given != mailbox_id(imap, "bar")
    assert b"* OK [MAILBOXID (%s)]" % given in b"\n".join(imap.ok("SELECT foo"))
    imap.ok("RENAME foo renamed")
    assert mailbox_id(imap, "renamed") == given
    assert b"* STATUS renamed (MAILBOXID (%s))" % given in imap.ok('LIST "" renamed RETURN (STATUS (MAILBOXID))')
    imap.ok("DELETE renamed")
    imap.ok("CREATE renamed")
    assert mailbox_id(imap, "renamed") != given


def facts(client, numbers="1:*"):
    lines = client.ok(f"FETCH {numbers} (EMAILID THREADID SAVEDATE)")
    found = [re.match(rb'\* (\d+) FETCH \(EMAILID \(([A-Za-z0-9_-]+)\) THREADID \(T[0-9a-f]{32}\) SAVEDATE "([^"]+)"\)', x) for x in lines]
    return {int(m[1]): (m[2], m[3]) for m in found}


def test_email_id(imap):
    """Section 5.1: one for each message, the same where it is copied or moved to."""
    imap.ok("CREATE mail")
    imap.ok("CREATE copies")
    for _ in range(3):
        imap.append("mail", MESSAGE)
    imap.ok("SELECT mail")
    ids = {number: x[0] for number, x in facts(imap).items()}
    assert len(set(ids.values())) == 3
    assert imap.ok(f"SEARCH EMAILID {ids[2].decode()}") == [b"* SEARCH 2"]
    assert imap.ok(f"SEARCH EMAILID {ids[2].decode().swapcase()}") == [b"* SEARCH"]
    assert imap.ok("SEARCH THREADID T64b478a75b7ea9") == [b"* SEARCH"]
    assert imap.ok("SEARCH NOT THREADID T64b478a75b7ea9") == [b"* SEARCH 1 2 3"]
    imap.ok("COPY 1 copies")
    imap.ok("MOVE 2 copies")
    imap.ok("SELECT copies")
    assert [x[0] for x in facts(imap).values()] == [ids[1], ids[2]]


def thread_ids(imap):
    lines = imap.ok("FETCH 1:* (THREADID)")
    return [re.fullmatch(rb"\* \d+ FETCH \(THREADID \((T[0-9a-f]{32})\)\)", line)[1].decode() for line in lines]


def test_thread_id(imap):
    """The example of section 5.2."""
    parts = ("Subject: Message A\r\nMessage-ID: <fake.1521475657.54797@example.com>\r\n",
             "Subject: Re: Message A\r\nMessage-ID: <fake.1521475657.21213@example.org>\r\n"
             "References: <fake.1521475657.54797@example.com>\r\n",
             "Subject: Message C\r\nMessage-ID: <fake.1521475657.60280@example.com>\r\n")
    for name in ("threads", "foo"):
        imap.ok(f"CREATE {name}")
    for part in parts:
        imap.append("threads", f"{part}\r\n".encode())
    imap.ok("SELECT threads")
    first, second, third = thread_ids(imap)
    assert first == second != third
    assert imap.ok(f"SEARCH THREADID {first}") == [b"* SEARCH 1 2"]
    assert imap.ok(f"SEARCH NOT THREADID {first}") == [b"* SEARCH 3"]
    assert imap.ok(f"SEARCH THREADID {first.upper()}") == [b"* SEARCH"]
    imap.ok("MOVE 2 foo")
    assert thread_ids(imap) == [first, third]
    imap.ok("SELECT foo")
    assert thread_ids(imap) == [first]


@pytest.mark.parametrize("fields, same", [
    ("Message-ID: <c@x>\r\nReferences: <a@x> <b@x>", True),
    ("Message-ID: <c@x>\r\nReferences: <a@x>\r\n\t<d@x>\r\n", True),
    ("Message-ID: <c@x>\r\nIn-Reply-To: <a@x>", True),
    ("References: <a@x>", True),
    ("Message-ID: <a@x>", True),  # the same message once more
    ("Message-ID: <A@x>", False),
    ("Message-ID: <c@x>\r\nIn-Reply-To: <b@x>", False),
    ("Message-ID: <c@x>\r\nSubject: Re: begin", False)])
def test_who_belongs_to_a_thread(imap, fields, same):
    imap.command("DELETE family")
    imap.ok("CREATE family")
    for part in ("Message-ID: <a@x>\r\nSubject: begin", fields):
        imap.append("family", f"{part.rstrip()}\r\n\r\n".encode())
    imap.ok("SELECT family")
    first, second = thread_ids(imap)
    assert (first == second) is same
    assert imap.ok(f"SEARCH THREADID {second}") == [b"* SEARCH 1 2" if same else b"* SEARCH 2"]


def test_messages_without_an_identifier(imap):
    """Each is a thread of its own, the same for its copies; it is there without the cache, and within it."""
    imap.ok("CREATE nameless")
    for _ in range(2):
        imap.append("nameless", MESSAGE)
    imap.ok("SELECT nameless")
    first, second = thread_ids(imap)
    assert first != second
    imap.ok("COPY 1 nameless")
    assert thread_ids(imap) == thread_ids(imap) == [first, second, first]
    assert imap.ok(f"SEARCH THREADID {first}") == [b"* SEARCH 1 3"]


def test_save_date(imap):
    """RFC 8514: when the message came into this folder, whatever its INTERNALDATE says."""
    imap.ok("CREATE saved")
    imap.append("saved", MESSAGE, '"01-Jan-2001 10:00:00 +0000" ')
    imap.ok("SELECT saved")
    today = time.strftime("%d-%b-%Y", time.gmtime())
    assert facts(imap)[1][1].startswith(today.encode())
    assert imap.ok(f"SEARCH SAVEDON {today}") == imap.ok(f"SEARCH SAVEDSINCE {today}") == [b"* SEARCH 1"]
    assert imap.ok(f"SEARCH SAVEDBEFORE {today}") == [b"* SEARCH"]
    assert imap.ok("SEARCH BEFORE 2-Jan-2001 SAVEDSINCE 2-Jan-2001") == [b"* SEARCH 1"]
    assert imap.ok("SEARCH SAVEDATESUPPORTED") == [b"* SEARCH 1"]
    imap.bad("SEARCH SAVEDON")


def test_status(imap):
    imap.ok("CREATE sizes")
    for flags in ("", "(\\Deleted) ", ""):
        imap.append("sizes", MESSAGE, flags)
    assert imap.ok("STATUS sizes (SIZE DELETED)") == [b"* STATUS sizes (SIZE %d DELETED 1)" % (3 * len(MESSAGE))]
    assert imap.ok("STATUS sizes (APPENDLIMIT)") == [b"* STATUS sizes (APPENDLIMIT 65536)"]
    assert b"* STATUS sizes (MESSAGES 3 SIZE %d)" % (3 * len(MESSAGE)) in imap.ok(
        'LIST "" % RETURN (STATUS (MESSAGES SIZE))')
    assert b"TOOBIG" in imap.append("sizes", b"x" * 65537)[1]
