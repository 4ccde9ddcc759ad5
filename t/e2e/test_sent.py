"""posthorn sent: what became of the mail that a user has handed in."""
import datetime

import pytest

from conftest import PASSWORD
from instance import Instance, wait_for
from smtp_sink import Sink
from submission import login


@pytest.fixture(scope="module")
def world():
    sink = Sink("127.0.0.2", replies={"RCPT bad*": "550 5.1.1 nobody there", "RCPT slow*": ["450 4.2.1 not now"]})
    inst = Instance()
    try:
        inst.setup()
        for name, value in (("remote.policy", "relay"), ("remote.relay_hosts", f"127.0.0.2:{sink.port}"),
                            ("queue.retry_interval", "1h"), ("queue.delay_notice", "0")):
            inst.set(name, value)
        inst.start()
        for user in ("alice", "bob", "carol", "eve"):
            inst.add_user(f"{user}@d.test", PASSWORD)
        yield inst, sink
    finally:
        inst.close()
        sink.close()


def send(inst, *rcpts, user="alice@d.test"):
    with login(inst, user) as client:
        client.sendmail(user, rcpts, f"From: {user}\r\nSubject: x\r\n\r\nhello\r\n")


def sent(inst, user="alice@d.test", *options):
    return inst.json("sent", user, *options)


def results(inst, *rcpts, user="alice@d.test"):
    """Recipient -> result of its newest line, when all of them have one."""
    def look():
        found = {row["to"]: row["result"] for row in sent(inst, user)}
        return found if set(rcpts) <= set(found) else None
    return wait_for(look, what=f"lines for {rcpts}")


def test_each_recipient_has_its_last_result(world):
    inst, _ = world
    send(inst, "bob@d.test", "good@far.test", "bad@far.test", "slow@far.test")
    found = results(inst, "bob@d.test", "good@far.test", "bad@far.test", "slow@far.test")
    assert found == {"bob@d.test": "delivered", "good@far.test": "delivered", "bad@far.test": "failed",
                     "slow@far.test": "deferred"}
    rows = {row["to"]: row for row in sent(inst)}
    assert "nobody there" in rows["bad@far.test"]["reason"] and rows["bad@far.test"]["dsn"] == "5.1.1"
    assert rows["good@far.test"]["remote"] and rows["good@far.test"]["dsn"].startswith("2.")
    assert len({row["queue_id"] for row in rows.values()}) == 1
    inst.run("queue", "flush")
    wait_for(lambda: {r["to"]: r["result"] for r in sent(inst)}["slow@far.test"] == "delivered",
             what="the second attempt's result")
    assert len(sent(inst)) == 4, "one line a recipient"
    text = inst.run("sent", "Alice@D.test").out
    assert "bad@far.test" in text and "failed" in text


def test_nobody_behind_the_recipient_shows(world):
    """Members of a group, where mail is forwarded to, who reads along: none of the sender's business."""
    inst, _ = world
    inst.run("group", "add", "team@d.test", "--member", "bob@d.test", "--member", "secret@far.test",
             "--member", "bad-one@far.test")
    (inst.root / "etc/monitoring.rules").write_text("")
    inst.run("monitoring", "add", "audit", "monitored=carol@d.test", "outgoing=eve@d.test")
    inst.run("reload")
    inst.run("alias", "add", "nick@d.test", "bob@d.test")
    rcpts = ("team@d.test", "bob@d.test", "nick@d.test")  # bob is three of them, and gets it once
    send(inst, *rcpts, user="carol@d.test")
    assert results(inst, *rcpts, user="carol@d.test") == {"team@d.test": "failed", "bob@d.test": "delivered",
                                                          "nick@d.test": "delivered"}
    everything = "".join(f.read_text() for f in (inst.root / "queue/sent").iterdir())
    assert "carol@d.test" in everything
    for hidden in ("secret@far.test", "bad-one", "eve@d.test"):
        assert hidden not in everything


def test_only_the_users_own(world):
    inst, sink = world
    send(inst, "bob@d.test", user="eve@d.test")
    assert results(inst, "bob@d.test", user="eve@d.test") == {"bob@d.test": "delivered"}
    assert sent(inst, "nobody@d.test") == []
    assert inst.run("sent", "no address", check=False).returncode == 2
    assert inst.run("sent", check=False).returncode == 2
    # notices to a user are nobody's mail
    assert not any(row["to"].startswith("alice") for row in sent(inst))


def test_since(world):
    inst, _ = world
    assert sent(inst, "alice@d.test", "--since", "1h") == sent(inst)
    assert sent(inst, "alice@d.test", "--since", "2999-01-01") == []
    assert inst.run("sent", "alice@d.test", "--since", "soon", check=False).returncode == 2


def test_days_that_are_over_go(world):
    inst, _ = world
    directory = inst.root / "queue/sent"
    today = datetime.datetime.now(datetime.timezone.utc).date()
    line = "{0}T10:00:00.000Z queue-manager[1] info event=sent user=old@d.test queue_id=x to={0}@far.test result=delivered dsn=2.0.0\n"
    for age in (1, 2, 3, 400):
        day = today - datetime.timedelta(days=age)
        (directory / f"{day}.log").write_text(line.format(day))
    inst.set("queue.sent_days", "3")
    assert len(sent(inst, "old@d.test")) == 4
    inst.run("reload")
    send(inst, "bob@d.test", user="eve@d.test")
    wait_for(lambda: len(sent(inst, "old@d.test")) == 2, what="today and two days before it are kept")
    assert len(sent(inst, "old@d.test", "--since", "30h")) <= 1


def test_it_can_be_switched_off(world):
    inst, _ = world
    inst.set("queue.sent_days", "0")
    inst.run("reload")
    before = len(sent(inst, "eve@d.test"))
    send(inst, "bob@d.test", user="eve@d.test")
    inst.wait_queue_empty()
    assert len(sent(inst, "eve@d.test")) == before
