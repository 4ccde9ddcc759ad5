"""dnsd inside the suite: the settings reach it, and it comes back."""
import os
import signal

import pytest

from dnsd_alone import FOUND, MX, Answer
from frames import Connection, U16
from instance import wait_for
from nameserver import NameServer


@pytest.fixture
def zone():
    server = NameServer({"far.test": ["@ MX 10 mx", "mx A 127.0.0.1"]}, signed=["far.test"])
    yield server
    server.close()


def ask(instance, rr, name):
    connection = Connection.connect(instance.root / "run/dnsd.sock")
    try:
        connection.send(1, 1, U16(rr), name)
        return Answer(connection.receive()[2])
    finally:
        connection.close()


def test_zones_of_the_configuration(instance, zone):
    instance.set("dns.stub", f"far.test {zone.address}")
    instance.set("dns.trust_anchor", str(zone.anchors))
    instance.start()
    answer = ask(instance, MX, "far.test")
    assert answer.status == FOUND and answer.secure and answer.records == [(10, 0, 0, b"mx.far.test")]


def test_dnsd_dies_and_answers_go_on(instance, zone):
    instance.set("dns.stub", f"far.test {zone.address}")
    instance.set("dns.trust_anchor", "")
    instance.start()
    assert ask(instance, MX, "far.test").status == FOUND
    for pid, command in instance.processes().items():
        if "/dnsd" in command:
            os.kill(pid, signal.SIGKILL)

    def answers():
        try:
            return ask(instance, MX, "far.test").status == FOUND
        except (OSError, EOFError):
            return False

    wait_for(answers, 5, "dnsd again")
