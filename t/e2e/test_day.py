"""A day's mixed load in an hour (long run; short in ./check): every kind of message, some of each failing on the way,
nothing lost, nothing double, and the memory of the daemons flat."""
import os
import pathlib
import time

import pytest

from instance import wait_for
from transport_load import MoodySink, TransportLoad, add_users, configure, problems

SECONDS = int(os.environ.get("POSTHORN_DAY", 3600 if os.environ.get("POSTHORN_LONG") else 15))
USERS = [f"u{i}@d.test" for i in range(8)]
SLACK_KB = 4096  # beside what was seen when the load had run for a while


def memory(instance):
    """KB in private memory of each program, all its processes together."""
    total = {}
    for pid, command in instance.processes().items():
        try:
            text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        program = command.split(" ")[0].rsplit("/", 1)[-1]
        total[program] = total.get(program, 0) + sum(int(line.split()[1]) for line in text.splitlines()
                                                     if line.startswith("Private_"))
    return total


@pytest.fixture
def sink():
    sink = MoodySink("3", trouble=0.01)
    yield sink
    sink.close()


def test_a_day(instance, sink):
    configure(instance, sink)
    instance.start()
    add_users(instance, USERS)
    load = TransportLoad(instance, USERS, threads=4, pause=0.02 if SECONDS < 60 else 0.1)
    load.start()
    samples, end = [], time.monotonic() + SECONDS
    try:
        while time.monotonic() < end:  # this is the load's duration, nothing is waited for
            time.sleep(min(SECONDS / 20, 30))
            samples.append(memory(instance))
    finally:
        load.stop()
    load.settle()
    wait_for(instance.queue_empty, 30, "queue empty")
    assert problems(instance, load, sink) == []
    third = len(samples) // 3
    for program in ("queue-manager", "remote-deliver", "local-deliver", "accountd", "authd", "logd", "dnsd", "keyd"):
        early = max(s.get(program, 0) for s in samples[third:2 * third])
        late = max(s.get(program, 0) for s in samples[2 * third:])
        print(f"{program}: {early} KB, then {late} KB")
        assert late <= early * 1.2 + SLACK_KB, program
    print(f"{load.count()} messages in {SECONDS} s")
