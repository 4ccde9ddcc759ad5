"""Power cuts: the file system is shut down without a log flush in the middle of load, mounted again
and compared with what was acknowledged."""
import os
import random
import signal
import time

import pytest

from disk import Disk
from imapload import ImapLoad, wrong
from instance import Instance, wait_for
from load import PASSWORD, SmtpLoad, assert_exactly_once

ROUNDS = 50 if os.environ.get("POSTHORN_LONG") else 5
FLUSH_SLACK = 0.5  # seconds that a busy machine may be late with a flush

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a loop device: needs root")


def kill_all(instance):
    for pid in instance.processes():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    wait_for(lambda: not instance.processes(), 10, "every process has ended")


@pytest.fixture
def disk():
    disk = Disk(768 << 20)
    yield disk
    disk.close()


def test_power_cuts_lose_nothing_acknowledged(disk):
    instance = Instance(directory=disk.mount)
    try:
        instance.setup()
        instance.use_disk_to_the_last()
        instance.set("store.flush_interval", "0s")
        instance.start()
        users = [f"u{i}@d.test" for i in range(4)]
        for user in [*users, "imap@d.test"]:
            instance.add_user(user, PASSWORD)
        imap = ImapLoad(instance, "imap@d.test")
        chance = random.Random(os.environ.get("POSTHORN_SEED", "11"))
        loads = []
        for number in range(ROUNDS):
            interval = number % 2
            smtp, session = SmtpLoad(instance, users, threads=3), imap
            smtp.start()
            session.start()
            target = session.commands + chance.randint(15, 60)
            wait_for(lambda: smtp.count() > 30 and session.commands > target, 30, "the load runs")
            smtp.power_off = session.power_off = True
            cut_at = time.monotonic()
            disk.cut_power()
            smtp.stop()
            session.stop()
            kill_all(instance)
            disk.detach()
            disk.attach()
            instance.set("store.flush_interval", f"{(number + 1) % 2}s")
            instance.start()
            instance.wait_queue_empty(60)
            loads.append(smtp)
            # before a session has looked: mended or not, nothing is wrong
            assert wrong(instance.json("store", "check", "--all", check=False)) == []
            session.check(cut_at if interval == 0 else cut_at - interval - FLUSH_SLACK)
            imap = session.follower()
        everything = SmtpLoad(instance, users)
        for smtp in loads:
            everything.acknowledged.update(smtp.acknowledged)
            everything.attempted |= smtp.attempted
        assert_exactly_once(instance, everything)
        assert wrong(instance.json("store", "check", "--all", check=False)) == []
        assert not list((instance.root / "queue" / "corrupt").iterdir())
    finally:
        instance.close()
