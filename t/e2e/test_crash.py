"""kill -9 of every program in turn under load: what got its 250 is in its mailbox exactly once, and what IMAP
acknowledged is as it was."""
import math
import os
import random
import signal

import pytest

from imapload import ImapLoad, wrong
from instance import wait_for
from load import PASSWORD, SmtpLoad, assert_exactly_once, tokens_of

PROGRAMS = ["queue-manager", "local-deliver", "smtpd", "accountd", "imapd", "authd", "logd", "dnsd", "keyd",
            "remote-deliver", "pop3d", "master"]
ROUNDS = 200 if os.environ.get("POSTHORN_LONG") else 22
PAUSE = 0.05 if ROUNDS > 22 else 0  # in the long run a full load would grow the mail faster than it can be checked


def pids_of(instance, program):
    return [pid for pid, command in instance.processes().items()
            if command.split(" ")[0].endswith("/posthorn/" + program)]


def services_up(instance):
    done = instance.run("status", "--json", check=False)
    return done.returncode == 0


def kill_one(instance, program, chance):
    """All of its processes or one of them; everything runs again when this returns."""
    victims = pids_of(instance, program)
    assert victims, f"no process of {program}"
    if program != "master" and chance.random() < 0.5:
        victims = [chance.choice(victims)]
    for pid in victims:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    if program == "master":
        wait_for(lambda: not instance.processes(), 5, "all children end with master")
        instance.start()
    wait_for(lambda: services_up(instance), 15, f"all services up after the end of {program}")


@pytest.fixture
def loaded(instance):
    instance.set("smtp.max_errors", 1000)
    instance.start()
    users = [f"u{i}@d.test" for i in range(6)]
    for user in [*users, "imap@d.test"]:
        instance.add_user(user, PASSWORD)
        instance.run("user", "set", user, "quota_bytes=0", "quota_messages=0")  # the long run fills any
    load, session = SmtpLoad(instance, users, pause=PAUSE), ImapLoad(instance, "imap@d.test", pause=PAUSE)
    load.start()
    session.start()
    wait_for(lambda: load.count() > 20 and session.commands > 20, 20, "the load runs")
    yield instance, load, session
    load.stop()
    session.stop()


def test_kill_every_program_under_load(loaded):
    instance, load, session = loaded
    chance = random.Random(os.environ.get("POSTHORN_SEED", "7"))
    for number in range(ROUNDS):
        program = PROGRAMS[number % len(PROGRAMS)]
        kill_one(instance, program, chance)
        before, commands = load.count(), session.commands
        wait_for(lambda: load.count() > before + 5, 20, f"mail is taken again after {program}")
        wait_for(lambda: session.commands > commands + 5, 20, f"IMAP goes on after {program}")
        assert wrong(instance.json("store", "check", "--all", check=False)) == [], program
    load.stop()
    session.stop()
    instance.wait_queue_empty(60)
    session.check(flags_before=math.inf)
    assert_exactly_once(instance, load)
    corrupt = instance.root / "queue" / "corrupt"
    assert not list(corrupt.iterdir())
    assert sum(tokens_of(instance, load.users[0]).values()) > 0
