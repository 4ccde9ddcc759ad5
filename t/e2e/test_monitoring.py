"""Monitoring copies: rules by file and command line, who gets what, and that nobody learns of it (MON-01 to 04)."""
import os
import signal

import pytest

from conftest import PASSWORD
from instance import Instance, wait_for
from smtp_sink import Sink
from test_notices import from_outside
from test_queue import mailbox, submit


@pytest.fixture(scope="module")
def sink():
    server = Sink(replies={"RCPT never*": "550 5.1.1 no such user here"}, extensions=("PIPELINING", "8BITMIME", "DSN"))
    yield server
    server.close()


@pytest.fixture(scope="module")
def inst(sink):
    inst = Instance()
    inst.setup()
    inst.set("remote.policy", "relay")
    inst.set("remote.relay_hosts", f"127.0.0.2:{sink.port}")
    inst.start()
    inst.run("domain", "add", "e.test")
    for user in ("alice@d.test", "bob@d.test", "boss@d.test", "eve@e.test", "head@e.test"):
        inst.add_user(user, PASSWORD)
    inst.run("user", "passwd", "postmaster@d.test", "--password-stdin", stdin=PASSWORD + "\n")
    yield inst
    inst.close()


def subjects(inst, user):
    return [m["Subject"] for m in mailbox(inst, user)]


def add(inst, name, *words, **options):
    done = inst.run("monitoring", "add", name, *words, **options)
    inst.run("reload")
    return done


@pytest.fixture
def rules(inst):
    yield inst.root / "etc/monitoring.rules"
    (inst.root / "etc/monitoring.rules").unlink(missing_ok=True)
    inst.run("reload")


def test_a_public_folder_takes_what_the_rule_sends(inst, rules):
    """Whatever rights the sender has there: the administrator has decided."""
    inst.run("public", "add", "audit@d.test", "read=boss@d.test")
    add(inst, "audit", "monitored=alice@d.test", "incoming=audit@d.test")
    from_outside(inst, "alice@d.test", "for the audit")
    inst.wait_queue_empty()
    assert "for the audit" in subjects(inst, "alice@d.test")
    assert "rcpt=audit@d.test" in inst.log("local"), inst.log("queue")[-2000:]
    assert "copy_failed" not in inst.log("queue") and "may not write to this public folder" not in inst.log("queue")
    inst.run("public", "del", "audit@d.test", "--yes")


def test_copies_reach_their_readers_and_say_nothing(inst, sink, rules):
    add(inst, "alice", "monitored=alice@d.test", "outgoing=boss@d.test,watch@far.test", "incoming=boss@d.test")
    sink.messages.clear()
    submit(inst, ["bob@d.test", "x@far.test"], subject="out", rcpt_options=["NOTIFY=SUCCESS,FAILURE,DELAY"])
    from_outside(inst, "alice@d.test", "in")
    wait_for(lambda: {"out", "in"} <= set(subjects(inst, "boss@d.test")), 20, "both copies")
    inst.wait_queue_empty()
    assert sorted(subjects(inst, "boss@d.test")).count("out") == 1
    assert "out" in subjects(inst, "bob@d.test") and "in" in subjects(inst, "alice@d.test")
    (seen,) = [m for m in sink.messages if any("x@far.test" in r for r in m.rcpts)]
    (copy,) = [m for m in sink.messages if any("watch@far.test" in r for r in m.rcpts)]
    assert not any("watch" in r for r in seen.rcpts)
    assert "alice@d.test" in seen.mail and "alice" not in copy.mail and "postmaster@" in copy.mail
    for user in ("alice@d.test", "bob@d.test"):
        for message in mailbox(inst, user):
            text = message.as_string()
            assert "boss@d.test" not in text and "watch@" not in text, text


def test_a_copy_that_fails_is_the_postmasters(inst, rules):
    add(inst, "broken", "monitored=*@d.test", "incoming=gone@d.test,never@far.test")
    before = len(mailbox(inst, "alice@d.test"))
    submit(inst, ["bob@d.test"], subject="no reader", rcpt_options=["NOTIFY=FAILURE,DELAY"])

    def told():
        return [m for m in mailbox(inst, "postmaster@d.test") if "gone@d.test" in m.as_string()]

    (notice,) = wait_for(told, 20, "the postmaster's notice")
    assert "never@far.test" in notice.as_string()
    inst.wait_queue_empty()
    assert "no reader" in subjects(inst, "bob@d.test")
    assert len(mailbox(inst, "alice@d.test")) == before  # the sender
    assert not any("gone@d.test" in m.as_string() for m in mailbox(inst, "bob@d.test"))


def test_by_option_the_monitored_mailbox_is_told(inst, rules):
    inst.set("monitoring.notify", "mailbox")
    try:
        add(inst, "broken", "monitored=bob@d.test", "incoming=away@d.test")
        submit(inst, ["bob@d.test"], subject="told")
        wait_for(lambda: [m for m in mailbox(inst, "bob@d.test") if "away@d.test" in m.as_string()], 20, "the notice")
        assert not any("away@d.test" in m.as_string() for m in mailbox(inst, "alice@d.test"))
    finally:
        inst.run("config", "set", "monitoring.notify", "postmaster")


def test_who_forwards_and_keeps_nothing_is_monitored_too(inst, sink, rules):
    inst.run("user", "set", "bob@d.test", "forward=x@far.test", "forward_keep=no")
    try:
        add(inst, "bob", "monitored=bob@d.test", "incoming=boss@d.test")
        from_outside(inst, "bob@d.test", "passes through")
        wait_for(lambda: "passes through" in subjects(inst, "boss@d.test"), 20, "the copy")
    finally:
        inst.run("user", "set", "bob@d.test", "forward=")


def test_internal_and_external(inst, rules):
    add(inst, "in", "monitored=bob@d.test", "mail=internal", "incoming=boss@d.test")
    from_outside(inst, "bob@d.test", "from outside")
    submit(inst, ["bob@d.test"], subject="from inside")
    wait_for(lambda: "from inside" in subjects(inst, "boss@d.test"), 20, "the copy")
    inst.wait_queue_empty()
    assert "from outside" not in subjects(inst, "boss@d.test")


def test_the_file_is_checked_line_by_line(inst, rules):
    rules.write_text("[one]\nmonitored = alice@d.test\n\n[two]\nmonitored = alice\nincoming = boss@d.test\n")
    done = inst.run("config", "check", check=False)
    assert done.returncode == 1
    assert f"{rules}:1: [one] has nobody in 'outgoing' and 'incoming' who gets a copy" in done.err
    assert f"{rules}:5: monitored: expected user@domain or *@domain, not 'alice'" in done.err
    assert inst.run("reload", check=False).returncode != 0  # the old rules stay in force
    submit(inst, ["bob@d.test"], subject="still works")
    wait_for(lambda: "still works" in subjects(inst, "bob@d.test"), 20, "delivery")


def test_rules_by_command(inst, rules):
    rules.write_text("# by hand\n[first]\nmonitored = a@d.test # who\nincoming = b@d.test\n\n# about the last\n[last]\n"
                     "monitored = c@d.test\noutgoing = b@d.test\n")
    inst.run("monitoring", "add", "mine", "monitored=*@d.test,x@e.test", "mail=external", "outgoing=b@d.test")
    assert inst.json("monitoring", "list")[2] == {
        "name": "mine", "owner": "", "mail": "external", "monitored": ["*@d.test", "x@e.test"],
        "outgoing": ["b@d.test"], "incoming": []}
    done = inst.run("monitoring", "add", "mine", "monitored=a@d.test", "outgoing=b@d.test", check=False)
    assert done.returncode == 1 and "already" in done.err
    done = inst.run("monitoring", "add", "bad", "monitored=a@d.test", "outgoing=b", check=False)
    assert done.returncode == 1 and "nothing was changed" in done.err
    done = inst.run("monitoring", "add", "bad", "monitored=a@d.test", "outgoing=b@d.test\n[x]", check=False)
    assert done.returncode == 2
    inst.run("monitoring", "remove", "first")
    assert inst.run("monitoring", "remove", "first", check=False).returncode == 1
    assert rules.read_text() == (
        "# by hand\n# about the last\n[last]\nmonitored = c@d.test\noutgoing = b@d.test\n"
        "\n[mine]\nmonitored = *@d.test,x@e.test\nmail = external\noutgoing = b@d.test\n")
    assert rules.stat().st_mode & 0o077 == 0  # the monitored may have an account on the machine


def test_administrators_of_a_domain_keep_its_rules(inst, rules):
    inst.run("admin", "add", "edith", "type=domain", "domains=e.test", "--password-stdin", stdin=PASSWORD + "\n")
    inst.run("admin", "add", "susan", "type=super", "--password-stdin", stdin=PASSWORD + "\n")
    add(inst, "system", "monitored=eve@e.test", "incoming=boss@d.test")
    mine = ["monitored=*@e.test", "incoming=head@e.test"]

    def refused(*words):
        before = rules.read_text()
        done = inst.run("monitoring", *words, check=False)
        assert done.returncode == 1 and rules.read_text() == before
        return done.err

    assert "owner among his domains" in refused("add", "r", *mine, "--admin", "edith")
    assert "owner among his domains" in refused("add", "r", "owner=d.test", "monitored=bob@d.test",
                                                "incoming=alice@d.test", "--admin", "edith")
    assert "is not of that domain" in refused("add", "r", "owner=e.test", "monitored=bob@d.test",
                                              "incoming=head@e.test", "--admin", "edith")
    assert "is not of that domain" in refused("add", "r", "owner=e.test", *mine, "outgoing=boss@d.test",
                                              "--admin", "edith")
    assert "no such administrator" in refused("add", "r", "owner=e.test", *mine, "--admin", "nobody")
    add(inst, "r", "owner=e.test", *mine, "--admin", "edith")
    assert [r["name"] for r in inst.json("monitoring", "list", "--admin", "edith")] == ["r"]
    assert [r["name"] for r in inst.json("monitoring", "list", "--admin", "susan")] == ["system", "r"]
    assert "there is no rule" in refused("remove", "system", "--admin", "edith")
    from_outside(inst, "eve@e.test", "for eve")
    wait_for(lambda: "for eve" in subjects(inst, "head@e.test"), 20, "the copy")
    inst.run("monitoring", "remove", "r", "--admin", "edith")


def test_a_copy_waits_for_its_mailbox_and_comes_once(inst, rules):
    """Killed in the middle, tried again: one copy, one message."""
    add(inst, "all", "monitored=*@d.test", "incoming=boss@d.test")
    total = 60
    for i in range(total):
        submit(inst, ["alice@d.test", "bob@d.test"], subject=f"many {i}")
        if i % 20 == 10:
            for pid, command in inst.processes().items():
                if "libexec/posthorn/queue-manager" in command or "local-deliver" in command:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
            wait_for(lambda: "queue-manager" in " ".join(inst.processes().values()), 20, "restart")
    wait_for(inst.queue_empty, 60, "all delivered")
    for user in ("alice@d.test", "bob@d.test", "boss@d.test"):
        got = [s for s in subjects(inst, user) if s and s.startswith("many ")]
        assert sorted(got) == sorted(f"many {i}" for i in range(total)), user
