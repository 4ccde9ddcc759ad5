"""kill -9 and power cuts with remote deliveries, reports, holds, scheduled mail and approvals under way, and all of it
archived: nothing that was acknowledged is lost, no mailbox and no archive has anything twice, whoever is to be told is
told."""
import os
import random

import pytest

import approving
from approving import ASKER, BOSS, Approver, AskingLoad
from disk import Disk
from instance import Instance, wait_for
from test_crash import kill_one, services_up
from test_powercut import kill_all
from transport_load import MoodySink, TransportLoad, add_users, configure, problems

PROGRAMS = ["queue-manager", "remote-deliver", "local-deliver", "smtpd", "accountd", "authd", "filterd", "keyd", "stsd",
            "dnsd", "archived", "master"]
LONG = bool(os.environ.get("POSTHORN_LONG"))
KILLS, CUTS = (150, 25) if LONG else (24, 4)
USERS, ASKED = ([f"{letter}{i}@d.test" for i in range(4)] for letter in "ua")


@pytest.fixture
def sink():
    sink = MoodySink(os.environ.get("POSTHORN_SEED", "5"))
    yield sink
    sink.close()


def test_kill_every_program_while_mail_is_in_every_state(instance, sink):
    configure(instance, sink)
    approving.configure(instance)
    instance.start()
    add_users(instance, [*USERS, *ASKED, ASKER, BOSS])
    load, asking, approver = TransportLoad(instance, USERS), AskingLoad(instance, ASKED), Approver(instance)
    for one in (load, asking, approver):
        one.start()
    try:
        wait_for(lambda: load.count() > 30 and sink.messages, 30, "the load runs")
        chance = random.Random(os.environ.get("POSTHORN_SEED", "5"))
        for number in range(KILLS):
            program = PROGRAMS[number % len(PROGRAMS)]
            kill_one(instance, program, chance)
            before = load.count()
            wait_for(lambda: load.count() > before + 8, 30, f"mail is taken again after {program}")
            approving.verify(instance)
    finally:
        load.stop()
        asking.stop()
    load.settle()
    approver.stop()
    approving.verify(instance)
    assert problems(instance, load, sink) == []
    assert approving.problems(instance, asking, approver) == []
    assert approving.archive_problems(instance, load) == []
    kinds = {kind for kind, _ in asking.acknowledged.values()}
    assert kinds == {"approve", "refuse", "expire"} and set(approver.decided.values()) == {"approve", "refuse"}
    assert not list((instance.root / "queue/corrupt").iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a loop device: needs root")
def test_power_cuts_while_mail_is_in_every_state(sink):
    disk = Disk(768 << 20)
    instance = Instance(directory=disk.mount)
    try:
        instance.setup()
        instance.use_disk_to_the_last()
        configure(instance, sink)
        approving.configure(instance)
        instance.start()
        add_users(instance, [*USERS, *ASKED, ASKER, BOSS])
        everything, all_asked, approver = TransportLoad(instance, USERS), AskingLoad(instance, ASKED), Approver(instance)
        approver.start()
        for number in range(CUTS):
            load, asking = (TransportLoad(instance, USERS, seed=number + 2), AskingLoad(instance, ASKED, seed=number + 2))
            load.start()
            asking.start()
            wait_for(lambda: load.count() > 60 and asking.count() > 6, 30, "the load runs")
            load.power_off = asking.power_off = approver.power_off = True
            disk.cut_power()
            load.stop()
            asking.stop()
            kill_all(instance)
            disk.detach()
            disk.attach()
            instance.start()
            wait_for(lambda: services_up(instance), 15, "all services up")
            approver.power_off = False
            approving.verify(instance)
            for one, total in ((load, everything), (asking, all_asked)):
                total.acknowledged.update(one.acknowledged)
                total.attempted |= one.attempted
        everything.settle()
        approver.stop()
        approving.verify(instance)
        assert problems(instance, everything, sink) == []
        assert approving.problems(instance, all_asked, approver) == []
        assert approving.archive_problems(instance, everything) == []
        assert not list((instance.root / "queue/corrupt").iterdir())
    finally:
        kill_all(instance)
        instance.close()
        disk.close()
