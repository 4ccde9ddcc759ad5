"""smtpd with settings of its own: time-outs, early talkers, senders, a full disk."""
import base64
import shutil
import subprocess
import time

import pytest

from conftest import PASSWORD
from mailbox import wait_message
from smtp_raw import Raw
from submission import login, token


def test_chunks_have_one_deadline_together(instance):
    instance.set("smtp.transfer_timeout", "1s")
    instance.start()
    instance.add_user("alice@d.test", PASSWORD)
    raw = Raw(instance.port("smtp"))
    raw.begin("a@far.test", "alice@d.test")
    replies = set()
    end = time.monotonic() + 10
    while 421 not in replies and time.monotonic() < end:
        replies.add(raw.cmd("BDAT 0").code)
    assert replies == {250, 421} and raw.is_closed()


def test_timeouts_say_421(instance):
    instance.set("smtp.command_timeout", "1s")
    instance.set("smtp.data_timeout", "1s")
    instance.start()
    instance.add_user("alice@d.test", PASSWORD)
    raw = Raw(instance.port("smtp"))
    assert raw.reply().code == 421 and raw.is_closed()
    raw = Raw(instance.port("smtp"))
    raw.begin("a@far.test", "alice@d.test")
    raw.cmd("DATA")
    assert raw.reply().code == 421 and raw.is_closed()
    raw = Raw(instance.port("smtps"), tls=True)
    assert raw.reply().code == 421 and raw.is_closed()
    raw = Raw(instance.port("smtps"), tls=True)
    raw.ehlo()
    assert raw.cmd("AUTH LOGIN").code == 334
    assert raw.reply().code == 421 and raw.reply().code == 0, "one reply and no more"


def test_early_talker(instance):
    instance.set("smtp.reject_early_talkers", "yes")
    instance.set("smtp.greet_delay", "1s")
    instance.start()
    raw = Raw(instance.port("smtp"), greeting=False)
    raw.send("EHLO x\r\n")
    assert raw.reply().code == 554 and raw.is_closed()
    assert Raw(instance.port("smtp")).ehlo().code == 250


def test_no_starttls_after_auth(instance):
    """RFC 3207 section 4.2: a user that was named in clear does not come into the encrypted session."""
    instance.set("auth.plain_on_loopback", "yes")
    instance.start()
    instance.add_user("alice@d.test", PASSWORD)
    raw = Raw(instance.port("submission"))
    raw.ehlo()
    plain = base64.b64encode(b"\0alice@d.test\0" + PASSWORD.encode()).decode()
    assert raw.cmd("AUTH PLAIN " + plain).code == 235
    assert raw.cmd("STARTTLS").code == 503
    assert raw.cmd("MAIL FROM:<alice@d.test>").code == 250, "the session goes on as it was"


def test_sender_must_be_the_user(instance):
    instance.set("smtp.from_must_match_auth", "yes")
    instance.start()
    instance.add_user("alice@d.test", PASSWORD)
    client = login(instance)
    assert client.mail("bob@d.test")[0] in (550, 553)
    assert client.mail("alice@d.test")[0] == 250


@pytest.mark.skipif(shutil.which("mount") is None, reason="needs mount")
def test_full_disk_is_452_and_recovers(instance):
    """The queue lies on a small file system of its own."""
    queue = instance.root / "queue"
    keep = instance.base / "queue-before"
    shutil.move(queue, keep)
    queue.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m,mode=0710", "tmpfs", str(queue)],
                      capture_output=True).returncode != 0:
        pytest.skip("may not mount")
    try:
        subprocess.run(["cp", "-a", f"{keep}/.", str(queue)], check=True)
        shutil.copystat(keep, queue)
        subprocess.run(["chown", "--reference", str(keep), str(queue)], check=True)
        instance.set("smtp.min_free_space", "0")
        instance.use_disk_to_the_last()
        instance.start()
        instance.add_user("alice@d.test", PASSWORD)
        filler = queue / "filler"
        filler.write_bytes(b"")
        raw = Raw(instance.port("smtp"))
        raw.begin("a@far.test", "alice@d.test")
        with open(filler, "wb", buffering=0) as f:  # what is not written stays in no buffer
            try:
                while True:
                    f.write(b"x" * 65536)
                    f.flush()
            except OSError:
                pass
        raw.cmd("DATA")
        raw.send(b"Subject: full\r\n\r\n" + (b"y" * 70 + b"\r\n") * 1000 + b".\r\n")
        reply = raw.reply()
        assert (reply.code, reply.dsn) == (452, "4.3.1")
        assert not list((queue / "tmp").iterdir()), "the room is given back"
        filler.unlink()
        mark = token().encode()
        raw.begin("a@far.test", "alice@d.test")
        assert raw.cmd("DATA").code == 354
        raw.send(b"Subject: " + mark + b"\r\n\r\nx\r\n.\r\n")
        assert raw.reply().code == 250
        wait_message(instance, "alice@d.test", mark)
    finally:
        instance.run("stop", check=False)
        subprocess.run(["umount", str(queue)], check=True)
