"""The background scrub: finds damage, tells, changes nothing, goes on where it was, comes again in time."""
import os
import re
import time

import pytest

from conftest import PASSWORD
from imapclient import Imap
from instance import Instance, wait_for

USERS = ("alice", "bob", "carol")


@pytest.fixture
def inst():
    inst = Instance()
    inst.setup()
    inst.set("store.scrub_days", "1")
    inst.start()
    for user in USERS:
        inst.add_user(f"{user}@d.test", PASSWORD)
        client = Imap(inst.port("imaps"), f"{user}@d.test", tls=True)
        for n in range(3):
            assert client.append("INBOX", f"Subject: {n}\r\n\r\ntext\r\n".encode())[-1].startswith(b"OK")
        client.close()
    yield inst
    inst.close()


def state(inst):
    path = inst.root / "store/.scrub"
    return path.read_text() if path.exists() else ""


def message(inst, user):
    return sorted(next((inst.root / "store/d.test").glob(f"??/{user}/mail/cur")).iterdir())[1]


def damage(inst, *users):
    for user in users:
        path = message(inst, user)
        path.write_bytes(path.read_bytes()[:-6] + b"TEXT\r\n")


def found(inst):
    return re.findall(r"event=scrub_found path=\S+/(\w+) folder=INBOX uid=(\d+) problem=message_changed",
                      inst.log("local"))


def test_round_by_round(inst):
    wait_for(lambda: state(inst).endswith(" -\n"))  # new: nothing is old enough
    assert "scrub_begins" not in inst.log("local")
    inst.stop()
    damage(inst, "alice", "carol")
    before = message(inst, "alice").read_bytes()
    (inst.root / "store/.scrub").write_text(f"{int(time.time()) - 90000} -\n")
    inst.start()
    wait_for(lambda: "event=scrub_done" in inst.log("local"))
    assert sorted(found(inst)) == [("alice", "2"), ("carol", "2")]
    assert message(inst, "alice").read_bytes() == before
    assert abs(int(state(inst).split()[0]) - time.time()) < 60 and state(inst).endswith(" -\n")
    figures = inst.run("stats").out
    assert re.search(r"scrub_findings\s+2\b", figures) and re.search(r"scrub_mailboxes\s+[34]\b", figures)
    inst.run("store", "check", "--all", "--repair", check=False)
    inst.stop()
    inst.start()  # it is not its time
    wait_for(lambda: inst.log("local").count("event=ready") == 3)
    time_of_look = time.time() + 2
    wait_for(lambda: time.time() > time_of_look)
    assert inst.log("local").count("event=scrub_begins") == 1


def test_goes_on_where_it_was(inst):
    inst.stop()
    damage(inst, *USERS)
    order = sorted("/".join(message(inst, user).parts[-6:-3]) for user in USERS)
    (inst.root / "store/.scrub").write_text(f"{int(time.time())} {order[0]}\n")
    inst.start()
    wait_for(lambda: "event=scrub_done" in inst.log("local"))
    assert sorted(found(inst)) == sorted((path.split("/")[2], "2") for path in order[1:])


def test_off(inst):
    inst.set("store.scrub_days", "0")
    inst.stop()
    damage(inst, "alice")
    (inst.root / "store/.scrub").write_text("1000 -\n")
    inst.start()
    time_of_look = time.time() + 2
    wait_for(lambda: time.time() > time_of_look)
    assert state(inst) == "1000 -\n" and found(inst) == []


def test_keeps_to_its_rate(inst):
    client = Imap(inst.port("imaps"), "alice@d.test", tls=True)
    client.append("INBOX", b"Subject: big\r\n\r\n" + b"x" * 200000 + b"\r\n")
    client.close()
    inst.set("store.scrub_rate", "64K")
    inst.stop()
    (inst.root / "store/.scrub").write_text("1000 -\n")
    inst.start()
    wait_for(lambda: "event=scrub_begins" in inst.log("local"))
    began = time.monotonic()
    wait_for(lambda: "event=scrub_done" in inst.log("local"))
    assert time.monotonic() - began > 2
