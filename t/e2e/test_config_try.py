"""posthorn config try: recorded envelopes under another configuration, and what would change."""
import base64
import json
import re
import shutil

import pytest

from conftest import PASSWORD
from instance import Instance
from nameserver import NameServer
from smtp_raw import Raw

MANY = 60


def send(inst, sender, recipients, user=None, size=100, expect=250):
    """A message by a raw session; recipients that are refused are left out. The last reply's code."""
    raw = Raw(inst.port("submission" if user else "smtp"))
    raw.ehlo()
    if user:
        raw.starttls()
        raw.ehlo()
        secret = base64.b64encode(f"\0{user}\0{PASSWORD}".encode()).decode()
        assert raw.cmd(f"AUTH PLAIN {secret}").code == 235
    reply = raw.cmd(f"MAIL FROM:<{sender}> SIZE={size}")
    if reply.code != 250:
        raw.close()
        return reply.code
    taken = [raw.cmd(f"RCPT TO:<{to}>").code for to in recipients]
    if 250 in taken:
        raw.cmd("DATA")
        body = ("x" * 70 + "\r\n") * (size // 72)
        reply = raw.cmd(f"From: <{sender}>\r\nSubject: t\r\n\r\n{body}.")
        assert reply.code == expect, reply
    raw.close()
    return reply.code


@pytest.fixture(scope="module")
def suite():
    zone = NameServer({"far.test": ["@ MX 10 mx1", "@ MX 10 mx2", "mx1 A 192.0.2.1", "mx1 A 192.0.2.3", "mx2 A 192.0.2.2"]})
    inst = Instance()
    inst.setup()
    (inst.root / "etc/lists").mkdir(exist_ok=True)
    (inst.root / "etc/lists/tls.txt").write_text("other.test may\n")
    for name, value in (("dns.stub", f"far.test {zone.address}"), ("dns.unsigned", "test"), ("remote.mta_sts", "no"),
                        ("remote.tls_table", "lists/tls.txt"), ("queue.retry_interval", "1h"),
                        ("smtp.max_message_size", "200K")):
        inst.set(name, value)
    inst.start()
    for user in ("alice", "bob"):
        inst.add_user(f"{user}@d.test", PASSWORD)
    for _ in range(3):
        send(inst, "a@a.test", ["bob@d.test"])
    send(inst, "a@a.test", ["x@far.test"])                           # relaying denied
    send(inst, "alice@d.test", ["y@far.test", "bob@d.test"], user="alice@d.test")
    send(inst, "big@a.test", ["bob@d.test"], size=50000)
    assert send(inst, "huge@a.test", [], size=300000) == 552
    for i in range(MANY):
        inst.run("alias", "add", f"a-rather-long-name-{i}@d.test", "bob@d.test")
    send(inst, "many@a.test", [f"a-rather-long-name-{i}@d.test" for i in range(MANY)])
    inst.wait_log("smtp", f"a-rather-long-name-{MANY - 1}@d.test")
    yield inst
    inst.close()
    zone.close()


def other(suite, tmp_path, **settings):
    """A copy of posthorn.conf with other settings, and `config try` of it: the report, or None if the exit is not as it says."""
    path = tmp_path / "other.conf"
    shutil.copy(suite.root / "etc/posthorn.conf", path)
    text = path.read_text()
    for name, value in settings.items():
        section, key = name.split("__")
        text = re.sub(rf"(?m)^{key} = .*\n", "", text)
        text = text.replace(f"[{section}]\n", f"[{section}]\n{key} = {value}\n", 1) if f"[{section}]\n" in text \
            else f"{text}\n[{section}]\n{key} = {value}\n"
    path.write_text(text)
    return report(suite, path)


def report(suite, path, *words):
    done = suite.run("config", "try", path, *words, "--json", check=False)
    found = json.loads(done.out)
    assert done.returncode == (3 if found["differ"] else 0), done.err
    return found


def one(found, sender, to):
    return next(row for row in found["differences"] if (row["from"], row["to"]) == (sender, to))


def texts(change):
    return [side and f"{side['verdict']}: {side['configuration'] and side['configuration']['text']}"
            for side in (change["before"], change["after"])]


def test_the_same_configuration_changes_nothing(suite):
    """Servers of equal preference are tried by chance: that is no difference."""
    found = report(suite, suite.root / "etc/posthorn.conf")
    assert (found["differ"], found["differences"]) == (0, [])
    # three of one kind, one refused, two recipients, big, huge, and each of many
    assert (found["envelopes"], found["distinct"]) == (8 + MANY, 6 + MANY)
    assert report(suite, suite.root / "etc")["differ"] == 0
    out = suite.run("config", "try", suite.root / "etc/posthorn.conf").out
    assert re.fullmatch(rf"{8 + MANY} envelopes since \S+Z \({6 + MANY} different\), 0 would be decided otherwise \(0 different\)\n", out)


def test_an_open_relay_shows(suite, tmp_path):
    found = other(suite, tmp_path, smtp__close_relay="no")
    assert (found["differ"], found["differ_distinct"]) == (1, 1)
    row = one(found, "a@a.test", "x@far.test")
    assert (row["client"], row["user"], row["service"], row["count"]) == ("127.0.0.1", "", "smtp", 1)
    assert [change["step"] for change in row["changes"]] == ["relay"]
    assert texts(row["changes"][0]) == ["refused: smtp.close_relay = yes", "accepted: close_relay = no"]


def test_a_block_list(suite, tmp_path):
    found = other(suite, tmp_path, smtp__deny="127.0.0.0/8")
    assert found["differ"] == 6 + MANY  # all but those of the user, who comes on another port
    row = one(found, "a@a.test", "bob@d.test")
    assert row["count"] == 3 and texts(row["changes"][0]) == ["accepted: smtp.deny = ", "refused: deny = 127.0.0.0/8"]
    # what is refused already is refused before
    assert [texts(change)[1] for change in one(found, "a@a.test", "x@far.test")["changes"]][0] == "refused: deny = 127.0.0.0/8"


def test_sizes(suite, tmp_path):
    found = other(suite, tmp_path, smtp__max_message_size="20K")
    assert [row["from"] for row in found["differences"]] == ["big@a.test"]
    assert texts(found["differences"][0]["changes"][0]) == ["accepted: max_message_size = 200K", "refused: max_message_size = 20K"]
    found = other(suite, tmp_path, smtp__max_message_size="1M")
    assert [(row["from"], row["to"], row["size"]) for row in found["differences"]] == [("huge@a.test", "", 300000)]
    assert texts(found["differences"][0]["changes"][0]) == ["refused: max_message_size = 200K", "accepted: max_message_size = 1M"]


def test_limits_of_recipients(suite, tmp_path):
    """Each recipient beyond the limit is told, those that have no room in the first line of the log as well."""
    found = other(suite, tmp_path, smtp__max_recipients="50")
    assert [row["to"] for row in found["differences"]] == [f"a-rather-long-name-{i}@d.test" for i in range(50, MANY)]
    assert found["differences"][0]["changes"][0]["before"] is None or \
        texts(found["differences"][0]["changes"][0])[0].startswith("accepted")
    assert texts(found["differences"][0]["changes"][-1])[1] == "put off: max_recipients = 50"


def test_a_list_of_tls_in_another_directory(suite, tmp_path):
    directory = tmp_path / "etc"
    shutil.copytree(suite.root / "etc", directory)
    (directory / "lists/tls.txt").write_text("other.test may\nfar.test encrypt\n")
    found = report(suite, directory)
    assert [(row["from"], row["to"]) for row in found["differences"]] == [("alice@d.test", "y@far.test")]
    changes = found["differences"][0]["changes"]
    assert {change["step"] for change in changes} == {"tls"} and len(changes) == 2
    assert texts(changes[0])[1] == "encrypt: far.test encrypt"
    assert changes[0]["after"]["configuration"]["file"] == str(directory / "lists/tls.txt")
    # a file alone names the lists of the running configuration
    assert report(suite, directory / "posthorn.conf")["differ"] == 0


def test_a_list_of_routes(suite, tmp_path):
    (suite.root / "etc/lists/direct.txt").write_text("# ours\nfar.test 192.0.2.9:25\n")
    found = other(suite, tmp_path, remote__direct_domains="lists/direct.txt")
    row = one(found, "alice@d.test", "y@far.test")
    route = [change for change in row["changes"] if change["step"] == "route"]
    assert [change["before"]["detail"] for change in route] == ["mx1.far.test, 192.0.2.1", "mx1.far.test, 192.0.2.3",
                                                                "mx2.far.test, 192.0.2.2"]
    assert [change["after"] and change["after"]["detail"] for change in route] == ["192.0.2.9, 192.0.2.9", None, None]
    # and nobody has to log in for a domain with servers of its own
    assert texts(one(found, "a@a.test", "x@far.test")["changes"][0]) == \
        ["refused: smtp.close_relay = yes", "accepted: far.test 192.0.2.9:25"]


def test_as_text(suite, tmp_path):
    other(suite, tmp_path, smtp__close_relay="no")
    done = suite.run("config", "try", tmp_path / "other.conf", check=False)
    assert done.returncode == 3
    assert done.out.startswith("<a@a.test> to <x@far.test>, client 127.0.0.1, smtp, 100 bytes\n- relay       refused     553 5.7.1 ")
    assert f"\n      {tmp_path}/other.conf:" in done.out and "\n+ relay       accepted    far.test is of others\n" in done.out
    assert "1 would be decided otherwise (1 different)" in done.out


def test_times_and_logs_that_were_set_aside(suite):
    assert report(suite, suite.root / "etc", "--since", "2099-01-01")["envelopes"] == 0
    whole = report(suite, suite.root / "etc")["envelopes"]
    log = suite.root / "log/smtp.log"
    old = log.read_text()
    aside = log.with_name("smtp.log.20991231T000000.000Z")
    aside.write_text(old)
    late = log.with_name("smtp.log.20200101T000000.000Z")
    late.write_text(old)  # set aside before the time that is meant: not even opened
    try:
        assert report(suite, suite.root / "etc")["envelopes"] == 2 * whole
    finally:
        aside.unlink()
        late.unlink()


def test_lines_that_nobody_of_us_wrote(suite):
    junk = suite.root / "log/junk.log.20991231T000000.000Z"
    time = "2098-01-01T00:00:00.000Z"
    junk.write_text(f"{time} smtpd[1] info event=received session=A client=nowhere from=a@a.test to=bob@d.test\n"
                    f"{time} imapd[1] info event=received session=A client=127.0.0.1 from=a@a.test to=bob@d.test\n"
                    f"{time} smtpd[1] info event=received session=A client=127.0.0.1 from=\"\\\"a,b\\\"@a.test\" "
                    "to=\"\\\"x,y\\\"@far.test,bob@d.test\"\n")
    try:
        before = report(suite, suite.root / "etc", "--since", "2097-01-01")
        done = suite.run("config", "try", suite.root / "etc", "--since", "2097-01-01", check=False)
        assert before["envelopes"] == 2 and "1 envelopes in the logs could not be read" in done.err
    finally:
        junk.unlink()


def test_what_is_wrong(suite, tmp_path):
    bad = tmp_path / "bad.conf"
    bad.write_text("[smtp]\nmax_message_size = many\n")
    for words, code, text in (((), 2, "FILE"), ((tmp_path / "none",), 1, "No such file"), ((bad,), 1, "bad.conf:2"),
                              ((suite.root / "etc", "--since", "soon"), 2, "expected a time")):
        done = suite.run("config", "try", *words, check=False)
        assert done.returncode == code and text in done.err, done.err
    text = (suite.root / "etc/posthorn.conf").read_text()
    bad.write_text(text + "\n[account]\nsubaddress = =\n")
    assert "account.subaddress is another one, too: that is not tried" in suite.run("config", "try", bad, check=False).err


def test_nothing_is_changed(suite):
    before = (suite.run("queue", "list").out, suite.log("smtp").count("event=received"))
    report(suite, suite.root / "etc")
    assert (suite.run("queue", "list").out, suite.log("smtp").count("event=received")) == before
