"""posthorn explain: the suite's decisions about a message that is not there, and the lines behind them."""
import pytest

from conftest import PASSWORD
from instance import Instance
from nameserver import NameServer


@pytest.fixture(scope="module")
def suite():
    zone = NameServer({"far.test": ["@ MX 10 mx1", "@ MX 20 mx2", "mx1 A 192.0.2.1", "mx2 A 192.0.2.2"]})
    inst = Instance()
    inst.setup()
    lists = inst.root / "etc/lists"
    lists.mkdir(exist_ok=True)
    (lists / "direct.txt").write_text("# ours\nown.test 192.0.2.9:25\n")
    (lists / "open.txt").write_text("friend.test\n")
    (lists / "tls.txt").write_text("other.test may\nfar.test encrypt\n")
    for name, value in (("dns.stub", f"far.test {zone.address}"), ("dns.unsigned", "test"), ("remote.mta_sts", "no"),
                        ("remote.direct_domains", "lists/direct.txt"), ("remote.tls_table", "lists/tls.txt"),
                        ("smtp.open_relay_domains", "lists/open.txt"), ("smtp.deny", "203.0.113.0/24"),
                        ("smtp.hosts_no_auth", "198.51.100.1"), ("smtp.from_must_match_auth", "yes"),
                        ("smtp.local_sender_must_auth", "yes"), ("smtp.max_incoming_size", "1M")):
        inst.set(name, value)
    inst.start()
    for user in ("alice", "bob"):
        inst.add_user(f"{user}@d.test", PASSWORD)
    inst.run("alias", "add", "sales@d.test", "bob@d.test")
    yield inst
    inst.close()
    zone.close()


def ask(suite, sender, to, client="192.0.2.77", **more):
    words = [word for name, value in more.items() for word in (f"--{name}", value)]
    return suite.json("explain", "--from", sender, "--to", to, "--client", client, *words)


def step(rows, name):
    return next(row for row in rows if row["step"] == name)


def decided_by(suite, rows, name):
    """The configuration behind a step, without the instance's directory."""
    cite = step(rows, name)["configuration"]
    assert cite is not None, rows
    return f"{cite['file'] and cite['file'].rsplit('/', 1)[1]}: {cite['text']}"


@pytest.mark.parametrize("sender,to,more,last,verdict,by", [
    ("a@a.test", "bob@d.test", {"client": "203.0.113.4"}, "connection", "refused", "posthorn.conf: deny = 203.0.113.0/24"),
    ("a@a.test", "bob@d.test", {"port": "587"}, "login", "refused", None),
    ("a@a.test", "bob@d.test", {"size": "2000000"}, "size", "refused", "posthorn.conf: max_incoming_size = 1M"),
    ("alice@d.test", "bob@d.test", {}, "sender", "refused", "posthorn.conf: local_sender_must_auth = yes"),
    ("bob@d.test", "x@far.test", {"user": "alice@d.test"}, "sender", "refused", None),
    ("b@far.test", "x@far.test", {"user": "alice@d.test"}, "sender", "refused", "posthorn.conf: from_must_match_auth = yes"),
    ("a@a.test", "nobody@d.test", {}, "recipient", "refused", None),
    ("a@a.test", "x@far.test", {}, "relay", "refused", "None: smtp.close_relay = yes"),
    ("a@a.test", "bob@d.test", {}, "delivery", "mailbox", None),
    ("<>", "sales@d.test", {}, "delivery", "mailbox", None),
])
def test_the_last_step_of_what_does_not_leave(suite, sender, to, more, last, verdict, by):
    rows = ask(suite, sender, to, **more)
    assert (rows[-1]["step"], rows[-1]["verdict"]) == (last, verdict), rows
    if by is not None:
        assert decided_by(suite, rows, last) == by


def test_it_is_what_smtpd_says(suite):
    """The refusals of a real session have the same words."""
    from smtp_raw import Raw
    raw = Raw(suite.port("smtp"))
    raw.ehlo()
    raw.cmd("MAIL FROM:<a@a.test>")
    for to in ("x@far.test", "nobody@d.test"):
        reply = raw.cmd(f"RCPT TO:<{to}>")
        assert ask(suite, "a@a.test", to, client="127.0.0.1")[-1]["detail"].startswith(f"{reply.code} "), reply
        assert ask(suite, "a@a.test", to)[-1]["detail"].split(" ", 2)[2] in str(reply.text)


def test_relaying_by_a_list_a_host_and_a_login(suite):
    assert decided_by(suite, ask(suite, "a@a.test", "x@friend.test"), "relay") == "open.txt: friend.test"
    assert decided_by(suite, ask(suite, "a@a.test", "x@own.test"), "relay") == "direct.txt: own.test 192.0.2.9:25"
    assert decided_by(suite, ask(suite, "a@a.test", "x@far.test", client="198.51.100.1"), "relay") == \
        "posthorn.conf: hosts_no_auth = 198.51.100.1"
    assert step(ask(suite, "alice@d.test", "x@far.test", user="alice@d.test", port="587"), "relay")["verdict"] == "accepted"


def test_the_way_out(suite):
    rows = ask(suite, "alice@d.test", "x@far.test", user="alice@d.test")
    assert [row["detail"] for row in rows if row["step"] == "route"] == ["mx1.far.test, 192.0.2.1", "mx2.far.test, 192.0.2.2"]
    assert decided_by(suite, rows, "route") == "None: remote.policy = dns"
    assert [row["verdict"] for row in rows if row["step"] == "tls"] == ["encrypt"] * 2
    assert decided_by(suite, rows, "tls") == "tls.txt: far.test encrypt"
    assert step(rows, "dkim")["verdict"] == "not signed"
    rows = ask(suite, "alice@d.test", "x@own.test", user="alice@d.test")
    assert step(rows, "route")["detail"] == "192.0.2.9, 192.0.2.9"
    assert decided_by(suite, rows, "route") == "direct.txt: own.test 192.0.2.9:25"
    assert decided_by(suite, rows, "tls") == "None: remote.use_starttls = yes"


def test_who_signs(suite):
    suite.run("dkim", "make", "d.test")
    row = step(ask(suite, "alice@d.test", "x@far.test", user="alice@d.test"), "dkim")
    assert (row["verdict"], row["detail"]) == ("signed", "by the keys of d.test")
    assert step(ask(suite, "a@a.test", "x@own.test"), "dkim")["verdict"] == "not signed"


def test_who_has_to_approve(suite):
    (suite.root / "etc/lists/approval.txt").write_text("\nsales alice@d.test external=bob@d.test\n")
    suite.set("queue.approval_rules", "lists/approval.txt")
    rows = ask(suite, "alice@d.test", "x@far.test", user="alice@d.test")
    assert step(rows, "approval")["verdict"] == "waits"
    assert decided_by(suite, rows, "approval") == "approval.txt: sales alice@d.test external=bob@d.test"
    rows = ask(suite, "alice@d.test", "bob@d.test", user="alice@d.test")
    assert "waits" not in [row["verdict"] for row in rows]
    suite.run("config", "set", "queue.approval_rules", "--unset")


def test_who_reads_along(suite):
    suite.set("archive.classes", "outgoing")
    (suite.root / "etc/monitoring.rules").write_text("# of the audit\n[audit]\nmonitored = alice@d.test\noutgoing = bob@d.test\n")
    rows = [row for row in ask(suite, "alice@d.test", "x@far.test", user="alice@d.test") if row["step"] == "copy"]
    assert [(row["verdict"], row["detail"]) for row in rows] == [("monitored", "bob@d.test"), ("archived", "as outgoing mail")]
    assert rows[0]["configuration"]["line"] == 2 and rows[0]["configuration"]["text"] == "[audit]"
    assert rows[1]["configuration"]["text"] == "classes = outgoing"
    assert not [row for row in ask(suite, "a@a.test", "bob@d.test") if row["step"] == "copy"]


def test_nothing_is_left_behind(suite):
    before = suite.run("queue", "list").out
    out = suite.run("explain", "--from", "a@a.test", "--to", "bob@d.test", "--client", "192.0.2.77").out
    assert "delivery    mailbox     bob@d.test" in out and "smtp.max_recipients" not in out
    assert suite.run("queue", "list").out == before
    assert "event=received" not in suite.log("smtp")


def test_usage(suite):
    for words in ((), ("--from", "a@a.test"), ("--from", "a", "--to", "b@d.test", "--client", "192.0.2.1"),
                  ("--from", "<>", "--to", "b@d.test", "--client", "192.0.2.0/24"),
                  ("--from", "<>", "--to", "b@d.test", "--client", "192.0.2.1", "--port", "26")):
        assert suite.run("explain", *words, check=False).returncode == 2, words
