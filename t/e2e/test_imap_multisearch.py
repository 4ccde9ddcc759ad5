"""MULTISEARCH (RFC 7377): ESEARCH over several mailboxes."""
import pytest

from imapclient import Imap
from instance import Instance

PASSWORD = "secret-of-test"
USER = "finder@d.test"
FOLDERS = {"folder1": ["chad", "x", "chad"], "folder2": ["x"], "folder2/banana": ["chad"], "folder2/peach": ["x", "chad"],
           "folder2/peach/stone": ["chad"], "folder22": ["chad"], "Entw&APw-rfe 2": ["x", "x", "x", "chad"]}


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    inst.set("auth.plain_on_loopback", "yes")
    inst.set("imap.max_errors", "50")
    inst.start()
    inst.add_user(USER, PASSWORD)
    client = Imap(inst.port("imap"), USER)
    for name, subjects in FOLDERS.items():
        client.ok(f'CREATE "{name}"')
        for number, subject in enumerate(subjects):
            flags = "(\\Seen)" if number == 0 else "()"
            assert client.append(f'"{name}"', f"Subject: {subject}\r\n\r\n{name} text\r\n".encode(), flags + " ")[1].startswith(b"OK")
    client.close()
    yield inst
    inst.close()


@pytest.fixture
def imap(suite):
    client = Imap(suite.port("imap"), USER)
    yield client
    client.close()


def search(client, arguments):
    """{mailbox: what its response says}; each correlator is checked."""
    out = {}
    for line in client.ok("ESEARCH " + arguments):
        if not line.startswith(b"* ESEARCH"):
            continue
        head, _, data = line.decode().partition(") UID ")
        assert head.startswith(f'* ESEARCH (TAG "t{client.count}" MAILBOX '), line
        name, _, validity = head.split(" MAILBOX ")[1].rpartition(" UIDVALIDITY ")
        assert int(validity) > 0 and name not in out
        out[name.strip('"')] = data
    return out


def test_sources(imap):
    """Section 3, without a mailbox selected."""
    assert search(imap, 'IN (mailboxes "folder1" subtree "folder2") subject "chad"') == {
        "folder1": "ALL 1,3", "folder2/banana": "ALL 1", "folder2/peach": "ALL 2", "folder2/peach/stone": "ALL 1"}
    assert search(imap, 'IN (mailboxes "folder1" subtree-one "folder2") subject "chad"') == {
        "folder1": "ALL 1,3", "folder2/banana": "ALL 1", "folder2/peach": "ALL 2"}
    assert search(imap, "IN (mailboxes (folder1 folder22 nosuch folder1)) UNSEEN") == {"folder1": "ALL 2:3"}
    assert search(imap, "IN (personal) SUBJECT chad").keys() == {name for name in FOLDERS if name != "folder2"}
    assert search(imap, "IN (inboxes) SUBJECT chad") == search(imap, "IN (personal) SUBJECT chad")
    imap.ok("SUBSCRIBE folder22")
    assert search(imap, "IN (subscribed) SUBJECT chad") == {"folder22": "ALL 1"}
    assert search(imap, "IN (personal) SUBJECT nothing") == {}
    assert search(imap, "IN (subtree (nosuch)) ALL") == {}


def test_result_options_are_for_each_mailbox(imap):
    assert search(imap, "IN (subtree folder2 mailboxes folder1) RETURN (COUNT MIN MAX) SUBJECT chad") == {
        "folder1": "MIN 1 MAX 3 COUNT 2", "folder2/banana": "MIN 1 MAX 1 COUNT 1", "folder2/peach": "MIN 2 MAX 2 COUNT 1",
        "folder2/peach/stone": "MIN 1 MAX 1 COUNT 1"}
    assert search(imap, "IN (mailboxes folder1) RETURN (PARTIAL -1:-1) SUBJECT chad") == {"folder1": "PARTIAL (-1:-1 3)"}
    assert search(imap, "IN (mailboxes (folder1 folder2)) 2:5") == {"folder1": "ALL 2:3"}  # numbers are each mailbox's own
    assert search(imap, "IN (mailboxes (folder1 folder2)) BODY folder2") == {"folder2": "ALL 1"}


def test_the_selected_mailbox(imap):
    imap.bad("ESEARCH ALL")
    imap.bad("ESEARCH IN (selected) ALL")
    imap.bad("ESEARCH IN (selected mailboxes folder1) ALL")
    imap.bad("ESEARCH IN (mailboxes folder1) RETURN (UPDATE) ALL")
    imap.ok("SELECT folder1")
    assert search(imap, "SUBJECT chad") == {"folder1": "ALL 1,3"}
    assert search(imap, "SUBJECT nothing") == {}
    assert search(imap, "IN (selected subtree folder2) SUBJECT chad").keys() == {
        "folder1", "folder2/banana", "folder2/peach", "folder2/peach/stone"}
    assert search(imap, "IN (mailboxes folder1) SUBJECT chad") == {"folder1": "ALL 1,3"}
    assert imap.ok("SEARCH SUBJECT chad BODY folder1") == [b"* SEARCH 1 3"]  # what was read elsewhere is forgotten
    assert search(imap, "IN (mailboxes folder2/peach) BODY peach") == {"folder2/peach": "ALL 1:2"}
    assert [line.split()[-1] for line in imap.ok("FETCH 1 BODY.PEEK[TEXT]")][0] == b"text\r\n)".split()[-1]
    imap.ok("RENAME folder1 other")
    assert search(imap, "SUBJECT chad") == {"other": "ALL 1,3"}
    imap.ok("RENAME other folder1")


def test_a_saved_result_is_of_the_selected_mailbox(imap):
    imap.ok("SELECT folder1")
    imap.bad("ESEARCH IN (selected mailboxes folder2) RETURN (SAVE) ALL")
    imap.bad("ESEARCH IN (mailboxes folder2) RETURN (SAVE) ALL")
    assert imap.ok("ESEARCH RETURN (SAVE) SUBJECT chad") == [b""]
    assert imap.ok("SEARCH $") == [b"* SEARCH 1 3"]
    assert search(imap, "IN (selected mailboxes folder2/peach) $") == {"folder1": "ALL 1,3"}


def test_updates(suite, imap):
    imap.ok("SELECT folder22")
    imap.send("U ESEARCH IN (selected mailboxes folder1) RETURN (UPDATE COUNT) FLAGGED\r\n")
    assert imap.result(b"U") == ([], b"OK Search completed")
    other = Imap(suite.port("imap"), USER)
    other.ok("SELECT folder22")
    other.ok("STORE 1 +FLAGS (\\Flagged)")
    assert imap.ok("NOOP")[-1] == b'* ESEARCH (TAG "U") UID ADDTO (0 1)'
    other.ok("STORE 1 -FLAGS (\\Flagged)")
    other.close()


def test_wrong_arguments(imap):
    imap.no("ESEARCH IN (personal) CHARSET x-klingon ALL", b"BADCHARSET")
    for wrong in ("IN () ALL", "IN (other) ALL", "IN (selected-delayed) ALL", "IN (mailboxes) ALL", "IN (subtree ()) ALL",
                  "IN (personal) RETURN (OTHER) ALL", "IN (personal)", "IN (personal (scope)) ALL", "IN personal ALL",
                  "RETURN (ALL) IN (personal) ALL"):
        imap.bad("ESEARCH " + wrong)
