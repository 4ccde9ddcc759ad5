"""kill -9 of every program, and power cuts, while administrators and users change accounts, groups, settings, contacts
and passwords, tables are imported, a directory is followed and everybody is written to: what was acknowledged is there
afterwards, what was refused is not."""
import contextlib
import os
import pathlib
import random
import signal

import pytest

import changes_load
from changes_load import LDAP_BASE, LDAP_PEOPLE, Broadcasts, actors
from directory import Directory
from disk import Disk
from imapload import wrong
from instance import Instance, wait_for
from pki import Authority
from test_crash import kill_one, pids_of, services_up
from test_powercut import kill_all

PROGRAMS = ["accountd", "admind", "operd", "authd", "ldapd", "directoryd", "syncd", "local-deliver", "alertd", "logd", "figured",
            "queue-manager", "keyd", "acmed", "smtpd", "dnsd", "master"]
LONG = bool(os.environ.get("POSTHORN_LONG"))
KILLS, CUTS = (150, 25) if LONG else (len(PROGRAMS), 3)
SEED = int(os.environ.get("POSTHORN_SEED", "3"))
STEPS = 3  # of each actor between two blows
TOP = f"dn: {LDAP_BASE}\nobjectClass: domain\ndc: corp\n\ndn: {LDAP_PEOPLE}\nobjectClass: organizationalUnit\nou: people\n\n"


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture
def directory(authority):
    directory = Directory(authority, entries=TOP)
    yield directory
    directory.close()


def blow(instance, program, chance):
    """operd's parent is forked while master may still write the configuration, and never again: its children alone."""
    if program != "operd":
        while True:  # a reload stops and starts those that do not overlap
            wait_for(lambda: pids_of(instance, program), 30, f"{program} is there")
            try:
                return kill_one(instance, program, chance)
            except AssertionError as error:
                if "no process of" not in str(error):
                    raise
    parents = set(pids_of(instance, "master")) | {1}
    for pid in pids_of(instance, program):
        with contextlib.suppress(OSError):
            if int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1]) not in parents:
                os.kill(pid, signal.SIGKILL)
    return None


def wait_steps(crowd, steps=STEPS, when=""):
    for actor, target in [(actor, actor.changes + steps) for actor in crowd]:
        try:
            wait_for(lambda: actor.has_changed(target), 60)
        except AssertionError as error:
            raise AssertionError(f"{type(actor).__name__} changes nothing {when}: {actor.trouble!r}") from error


def test_kill_every_program_while_everything_changes(instance, directory, authority):
    changes_load.configure(instance, directory, authority)
    instance.start()
    crowd, pages = actors(instance, directory, SEED), Broadcasts(instance)
    chance = random.Random(SEED)
    for actor in crowd:
        actor.start()
    try:
        wait_steps(crowd)
        for number in range(KILLS):
            blow(instance, PROGRAMS[number % len(PROGRAMS)], chance)
            for actor in crowd:
                actor.verify()
            wait_steps(crowd, 1, f"after the end of {PROGRAMS[number % len(PROGRAMS)]} ({number})")
            if number % 5 == 0:
                pages.send()
    finally:
        for actor in crowd:
            actor.stop()
    for actor in crowd:
        actor.verify()
    instance.wait_queue_empty(60)
    pages.verify("keeper@d.test")
    assert wrong(instance.json("store", "check", "--all", check=False)) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a loop device: needs root")
def test_power_cuts_while_everything_changes(directory, authority):
    disk = Disk(768 << 20)
    instance = Instance(directory=disk.mount)
    try:
        instance.setup()
        instance.use_disk_to_the_last()
        changes_load.configure(instance, directory, authority)
        instance.start()
        crowd, pages = actors(instance, directory, SEED), Broadcasts(instance)
        chance = random.Random(SEED)
        for number in range(CUTS):
            for actor in crowd:
                actor.start()
            pages.send()
            wait_steps(crowd, chance.randint(1, 4))
            for actor in crowd:
                actor.power_off = True
            disk.cut_power()
            for actor in crowd:
                actor.stop()
            kill_all(instance)
            disk.detach()
            disk.attach()
            instance.start()
            wait_for(lambda: services_up(instance), 15, "all services up")
            for actor in crowd:
                actor.verify()
            pages.verify("keeper@d.test")
        instance.wait_queue_empty(60)
        assert wrong(instance.json("store", "check", "--all", check=False)) == []
    finally:
        kill_all(instance)
        instance.close()
        disk.close()
