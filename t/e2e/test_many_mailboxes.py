"""A large import: mailboxes are made many at once; whoever needs one gets it before the others; a kill in the middle
leaves none in part and loses no mail."""
import os
import signal
import smtplib

import pytest

from conftest import PASSWORD
from imapclient import Imap
from instance import Instance, wait_for

MANY, SOME = 4000, 500  # more than are made while one is waited for; enough for some batches
FOLDERS = ["", ".Drafts", ".Junk", ".Sent", ".Trash"]


@pytest.fixture
def inst(request):
    inst = Instance()
    inst.setup()
    inst.use_disk_to_the_last()
    text = inst.root / "base"
    with text.open("w") as out:
        out.write("domain d.test\n    type primary\nadmin admin\n")
        for i in range(request.param):
            out.write(f"user u{i:05}@d.test\n    password {{PLAIN}}{PASSWORD}\n"
                      "    password_changed 2026-11-27T11:59:00.215Z\n    created 2026-11-27T11:59:00Z\n")
    inst.run("import", text)
    inst.start()
    yield inst
    inst.close()


def made(inst):
    return sum(1 for _ in inst.root.glob("store/d.test/??/u*"))


def mail_dir(inst, user):
    return next(inst.root.glob(f"store/d.test/??/{user}/mail"), None)


def send(inst, user):
    with smtplib.SMTP("127.0.0.1", inst.port("smtp")) as client:
        client.sendmail("a@sender.test", [f"{user}@d.test"], "Subject: early\r\n\r\nText.\r\n")


def delivered(inst, user):
    mail = mail_dir(inst, user)
    return mail is not None and any((mail / "cur").iterdir())


def is_whole(mail):
    return (mail / "posthorn.folders").exists() and (mail / "posthorn.journal").exists() and all(
        (mail / folder / part).is_dir() for folder in FOLDERS for part in ("cur", "new", "tmp"))


def local_delivers(inst):
    """The parent first; the last one, if there are more than at the start, makes mailboxes."""
    return sorted(pid for pid, command in inst.processes().items() if "/local-deliver" in command)


@pytest.mark.parametrize("inst", [MANY], indirect=True)
def test_who_is_waited_for_comes_first(inst):
    last, last_but_one = f"u{MANY - 1:05}", f"u{MANY - 2:05}"
    send(inst, last)
    client = Imap(inst.port("imaps"), f"{last_but_one}@d.test", PASSWORD, tls=True, timeout=60)
    client.ok("SELECT INBOX")
    client.close()
    assert is_whole(mail_dir(inst, last_but_one)) and made(inst) < MANY
    wait_for(lambda: delivered(inst, last), deadline=60, what="the message")
    assert made(inst) < MANY


@pytest.mark.parametrize("inst", [SOME], indirect=True)
def test_a_kill_in_the_middle_leaves_none_in_part(inst):
    recipients = [f"u{SOME - 1 - i:05}" for i in range(4)]
    for i, user in enumerate(recipients):
        before = made(inst)
        wait_for(lambda: made(inst) > before or made(inst) == SOME, deadline=60, what="some more")  # noqa: B023
        send(inst, user)
        os.kill(local_delivers(inst)[0 if i % 2 == 0 else -1], signal.SIGKILL)
        for path in inst.root.glob("store/d.test/??/*"):
            assert is_whole(path / "mail"), (i, path)
    # one after the other, those of a batch that died: two flushes each, on a disk that may be busy
    wait_for(lambda: made(inst) == SOME, deadline=300, what="all mailboxes")
    for user in recipients:
        wait_for(lambda: delivered(inst, user), deadline=60, what=f"mail of {user}")  # noqa: B023
    assert all(is_whole(path / "mail") for path in inst.root.glob("store/d.test/??/*"))
    inst.add_user("next@d.test")
    wait_for(lambda: mail_dir(inst, "next"), deadline=60, what="one more")
    wait_for(lambda: not list(inst.root.glob("store/.making/*")), what="nothing left of the killed ones")
