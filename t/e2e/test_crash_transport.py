"""kill -9 and power cuts with remote deliveries, reports, holds and scheduled mail under way: nothing that was
acknowledged is lost, no mailbox has anything twice, whoever is to be told is told."""
import os
import random

import pytest

from disk import Disk
from instance import Instance, wait_for
from test_crash import kill_one, services_up
from test_powercut import kill_all
from transport_load import MoodySink, TransportLoad, add_users, configure, problems

PROGRAMS = ["queue-manager", "remote-deliver", "local-deliver", "smtpd", "accountd", "authd", "filterd", "keyd", "stsd",
            "dnsd", "master"]
LONG = bool(os.environ.get("POSTHORN_LONG"))
KILLS, CUTS = (150, 25) if LONG else (22, 4)
USERS = [f"u{i}@d.test" for i in range(4)]


@pytest.fixture
def sink():
    sink = MoodySink(os.environ.get("POSTHORN_SEED", "5"))
    yield sink
    sink.close()


def test_kill_every_program_while_mail_is_in_every_state(instance, sink):
    configure(instance, sink)
    instance.start()
    add_users(instance, USERS)
    load = TransportLoad(instance, USERS)
    load.start()
    try:
        wait_for(lambda: load.count() > 30 and sink.messages, 30, "the load runs")
        chance = random.Random(os.environ.get("POSTHORN_SEED", "5"))
        for number in range(KILLS):
            program = PROGRAMS[number % len(PROGRAMS)]
            kill_one(instance, program, chance)
            before = load.count()
            wait_for(lambda: load.count() > before + 8, 30, f"mail is taken again after {program}")
    finally:
        load.stop()
    load.settle()
    assert problems(instance, load, sink) == []
    assert not list((instance.root / "queue/corrupt").iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a loop device: needs root")
def test_power_cuts_while_mail_is_in_every_state(sink):
    disk = Disk(768 << 20)
    instance = Instance(directory=disk.mount)
    try:
        instance.setup()
        instance.use_disk_to_the_last()
        configure(instance, sink)
        instance.start()
        add_users(instance, USERS)
        everything = TransportLoad(instance, USERS)
        for number in range(CUTS):
            load = TransportLoad(instance, USERS, seed=number + 2)
            load.start()
            wait_for(lambda: load.count() > 60, 30, "the load runs")
            load.power_off = True
            disk.cut_power()
            load.stop()
            kill_all(instance)
            disk.detach()
            disk.attach()
            instance.start()
            wait_for(lambda: services_up(instance), 15, "all services up")
            everything.acknowledged.update(load.acknowledged)
            everything.attempted |= load.attempted
        everything.settle()
        assert problems(instance, everything, sink) == []
        assert not list((instance.root / "queue/corrupt").iterdir())
    finally:
        kill_all(instance)
        instance.close()
        disk.close()
