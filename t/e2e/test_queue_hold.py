"""Held, scheduled, changed and exported mail, and lists by filter, by the command line."""
import os

import pytest

from conftest import PASSWORD
from instance import Instance, wait_for
from smtp_sink import Sink
from test_queue import listed, mailbox, submit, wait_deferred

LATER = {"RCPT later*": "451 4.2.0 come back later"}


@pytest.fixture(scope="module")
def sink():
    server = Sink(replies=LATER, extensions=("PIPELINING", "8BITMIME"))
    yield server
    server.close()


@pytest.fixture(scope="module")
def relay(sink):
    inst = Instance()
    inst.setup()
    inst.set("remote.policy", "relay")
    inst.set("remote.relay_hosts", f"127.0.0.2:{sink.port}")
    inst.start()
    inst.add_user("alice@d.test", PASSWORD)
    yield inst
    inst.close()


@pytest.fixture(autouse=True)
def clean(relay):
    yield
    relay.run("queue", "delete", "ALL")
    wait_for(lambda: relay.json("queue", "list") == [], 20, "queue empty again")


def test_hold_with_a_reason_and_release_at_a_time(relay, sink):
    submit(relay, ["later@far.test"])
    (message,) = wait_deferred(relay)
    relay.run("queue", "hold", message["id"], "--reason", "wait for the lawyers")
    (held,) = wait_for(lambda: listed(relay, "hold"), 10, "held")
    assert held["status"] == "on hold" and held["reason"] == "wait for the lawyers"
    relay.run("queue", "release", message["id"], "--at", "+2h")
    (scheduled,) = listed(relay)
    assert scheduled["status"] == "scheduled" and scheduled["reason"] == "scheduled by the administrator"
    assert scheduled["next_attempt"] > scheduled["received"]
    assert relay.run("queue", "release", message["id"], "--at", "soon", check=False).returncode == 2
    relay.run("queue", "release", message["id"])
    wait_for(lambda: listed(relay) and listed(relay)[0]["attempts"] == 2, 20, "the second attempt")


def test_edit_replaces_a_recipient(relay):
    submit(relay, ["later@far.test"], subject="edited")
    (message,) = wait_deferred(relay)
    bad = relay.run("queue", "edit", message["id"], "--remove", "nobody@far.test", check=False)
    assert bad.returncode == 1 and "no such recipient" in bad.err
    relay.run("queue", "edit", message["id"], "--remove", "later@far.test", "--add", "alice@d.test")
    (edited,) = listed(relay)
    assert edited["recipients"] == ["alice@d.test"]
    relay.run("queue", "flush", message["id"])
    wait_for(lambda: [m for m in mailbox(relay, "alice@d.test") if m["Subject"] == "edited"], 20, "delivered")


def test_filters_limit_and_count(relay):
    for domain in ("one", "one", "two"):
        submit(relay, [f"later@{domain}.test"])
    wait_deferred(relay, 3)
    assert relay.run("queue", "list", "--count").out == "3\n"
    assert relay.run("queue", "list", "--domain", "ONE.test", "--count").out == "2\n"
    assert len(relay.json("queue", "list", "--limit", "1")) == 1
    assert relay.json("queue", "list", "--sender", "bob@d.test") == []
    assert relay.json("queue", "list", "--older-than", "1h") == []
    assert relay.json("queue", "list", "--state", "hold") == []
    assert relay.run("queue", "list", "--state", "nowhere", check=False).returncode == 2
    assert relay.run("queue", "delete", check=False).returncode == 2  # neither ids nor a filter
    assert relay.run("queue", "delete", "--domain", "one.test").out == "messages: 2\n"
    (left,) = relay.json("queue", "list")
    assert left["recipients"] == ["later@two.test"]


def test_export_writes_the_message_for_its_reader_alone(relay, tmp_path):
    submit(relay, ["later@far.test"], text="the content")
    (message,) = wait_deferred(relay)
    target = tmp_path / "message.eml"
    relay.run("queue", "export", message["id"], str(target))
    assert "the content" in target.read_text() and os.stat(target).st_mode & 0o777 == 0o600
    assert relay.run("queue", "export", message["id"], str(target), check=False).returncode == 1
    assert relay.run("queue", "export", "nosuch", str(tmp_path / "none"), check=False).returncode == 1
    assert not (tmp_path / "none").exists()
