"""STO-06: a message for many mailboxes is one file; whoever deletes it takes nothing from the others."""
import os
import poplib
import smtplib
import ssl

import pytest

from conftest import PASSWORD
from imapclient import Imap
from instance import Instance

USERS = ["anna", "bert", "carl", "dora", "emil"]
ANY = ssl._create_unverified_context()
BODY = "From: x@x.test\r\nSubject: one\r\n\r\n" + "line with \tspaces \r\n" * 300 + "\r\n.dot\r\n"


@pytest.fixture(params=["yes", "no"])
def inst(request):
    inst = Instance()
    inst.setup()
    inst.set("store.single_copy", request.param)
    inst.set("store.undelete_days", "0")
    inst.single = request.param == "yes"
    inst.start()
    for user in USERS:
        inst.add_user(f"{user}@d.test", PASSWORD)
    yield inst
    inst.close()


def send(inst):
    with smtplib.SMTP("127.0.0.1", inst.port("smtp"), timeout=20) as client:
        client.sendmail("x@x.test", [f"{user}@d.test" for user in USERS], BODY)
    inst.wait_queue_empty()


def files(inst):
    return {user: [p.stat() for p in next((inst.root / "store/d.test").glob(f"??/{user}/mail/cur")).iterdir()]
            for user in USERS}


def assert_files(inst, *without):
    """Also that no session can change a file that others have: each may read it, and take its own name away."""
    found = files(inst)
    assert [user for user in USERS if len(found[user]) != 1] == list(without)
    stats = [found[user][0] for user in USERS if user not in without]
    if inst.single:
        assert {st.st_ino for st in stats} == {stats[0].st_ino} and stats[0].st_nlink == len(stats)
        assert stats[0].st_mode & 0o002 == 0
        if os.geteuid() == 0:  # else there is only one user
            theirs = next((inst.root / "store/d.test").glob("??/bert/mail")).stat()
            assert stats[0].st_uid != theirs.st_uid and stats[0].st_gid != theirs.st_gid
    else:
        assert len({st.st_ino for st in stats}) == len(stats) and {st.st_nlink for st in stats} == {1}


def by_imap(inst, user):
    client = Imap(inst.port("imaps"), f"{user}@d.test", tls=True)
    client.ok("SELECT INBOX")
    [line] = client.ok("FETCH 1 (BODY.PEEK[])")
    client.close()
    return line[line.index(b"}\r\n") + 3:-1]


def by_pop3(inst, user, delete=False):
    client = poplib.POP3_SSL("127.0.0.1", inst.port("pop3s"), context=ANY)
    client.user(f"{user}@d.test")
    client.pass_(PASSWORD)
    lines = client.retr(1)[1]
    if delete:
        client.dele(1)
    client.quit()
    return b"".join(line + b"\r\n" for line in lines)


def expunge_by_imap(inst, user):
    client = Imap(inst.port("imaps"), f"{user}@d.test", tls=True)
    client.ok("SELECT INBOX")
    client.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    client.ok("EXPUNGE")
    client.close()


def test_each_keeps_its_message(inst):
    send(inst)
    assert_files(inst)
    whole = by_imap(inst, "anna")
    assert whole.endswith(BODY.encode())

    expunge_by_imap(inst, "anna")  # the first
    assert_files(inst, "anna")
    assert [by_imap(inst, user) for user in USERS[1:]] == [whole] * 4
    assert by_pop3(inst, "carl", delete=True) == whole  # one in the middle, by POP3
    assert_files(inst, "anna", "carl")
    inst.run("user", "del", "emil@d.test", "--yes")  # the last, with the mailbox
    for user in ("bert", "dora"):
        assert by_imap(inst, user) == by_pop3(inst, user) == whole
    expunge_by_imap(inst, "bert")
    assert by_pop3(inst, "dora") == whole
    assert inst.json("store", "check", "--all") == []
