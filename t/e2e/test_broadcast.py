"""A message to all users: everybody gets it once, whatever is killed or repeated."""
import datetime
import email
import email.policy
import os
import re
import signal
import time

import pytest

from admin_api import Api
from instance import Instance, wait_for
from mailbox import messages

DEADLINE = 60
MANY = 210  # two pages
PASSWORD = "A-good-secret7"


@pytest.fixture(scope="module")
def inst():
    instance = Instance()
    try:
        instance.setup()
        instance.start()
        instance.run("domain", "add", "other.test")
        instance.run("domain", "add", "other.testing")
        instance.run("admin", "add", "dom", "type=domain", "domains=other.test", "--password-stdin", stdin=PASSWORD + "\n")
        for address in ("alice@d.test", "bob@d.test", "off@d.test", "eve@other.test", "tom@other.testing"):
            instance.add_user(address)
        instance.run("user", "set", "off@d.test", "status=disabled")
        yield instance
    finally:
        instance.close()


def state(inst, name):
    return next((row for row in inst.json("broadcast", "list") if row["id"] == name), None)


def wait_sent(inst, name):
    wait_for(lambda: state(inst, name)["state"] == "sent", DEADLINE, f"{name} is sent")
    inst.wait_queue_empty(DEADLINE)


def subjects(inst, user):
    return [email.message_from_bytes(m, policy=email.policy.default)["Subject"] for m in messages(inst, user)]


def test_all_users_of_all_domains(inst):
    name = inst.run("broadcast", "send", "--subject", "Wartung am Fre\u00eftag", stdin="Um 8 Uhr. \u00c4h\n.\n").out.strip()
    wait_sent(inst, name)
    assert state(inst, name)["recipients"] == 5 and state(inst, name)["domain"] == ""  # postmaster is one
    for user in ("alice@d.test", "bob@d.test", "eve@other.test"):
        (mail,) = [email.message_from_bytes(m, policy=email.policy.default) for m in messages(inst, user)]
        assert mail["Subject"] == "Wartung am Fre\u00eftag" and mail.get_content_type() == "text/plain"
        assert mail.get_content().replace("\r\n", "\n").startswith("Um 8 Uhr. \u00c4h\n.\n")
        assert "alice" not in mail["To"] and mail["From"] == "Mail system <postmaster@mail.d.test>"
    inst.run("user", "set", "off@d.test", "status=normal")
    assert messages(inst, "off@d.test") == []
    inst.run("user", "set", "off@d.test", "status=disabled")


def test_one_domain_html_and_the_same_id_again(inst):
    for _ in range(3):
        out = inst.run("broadcast", "send", "--subject", "page", "--domain", "OTHER.test", "--html", "--id", "page-1",
                       stdin="<p>x</p>").out
        assert out == "page-1\n"
        wait_sent(inst, "page-1")
        inst.run("service", "restart", "alert")
    assert state(inst, "page-1")["recipients"] == 1  # other.testing is another domain
    assert subjects(inst, "eve@other.test").count("page") == 1 and "page" not in subjects(inst, "alice@d.test")
    mail = email.message_from_bytes(messages(inst, "eve@other.test")[-1], policy=email.policy.default)
    assert mail.get_content_type() == "text/html" and mail.get_content().strip() == "<p>x</p>"


def audit(inst, name):
    return [line for line in inst.log("audit").splitlines() if f" name={name} " in line]


def test_the_record_of_changes_has_each_once(inst):
    send = ("broadcast", "send", "--subject", "It's \u00e4 test", "--domain", "other.test", "--id", "noted")
    inst.run(*send, stdin="x")
    line = wait_for(lambda: audit(inst, "noted"), DEADLINE, "the line")[0]
    assert f'who="uid {os.getuid()}" from=local verb=send kind=broadcast name=noted domain=other.test subject="It\'s \u00e4 test"' in line, line
    inst.run(*send, stdin="x")
    inst.run("broadcast", "send", "--subject", "s", "--id", "to-all", stdin="x")
    assert "domain=all subject=s" in wait_for(lambda: audit(inst, "to-all"), DEADLINE, "the line")[0]
    assert len(audit(inst, "noted")) == 1
    wait_sent(inst, "to-all")


def test_over_the_api_in_ones_own_domain(inst):
    api = Api(inst, "dom", PASSWORD)
    made = api.ok("Broadcast", subject="From above", content="Line 1\n\tLine 2\n", domain="OTHER.test")["id"]
    assert api.ok("Broadcast", subject="From above", content="Line 1\n\tLine 2\n", domain="other.test", id=made)["id"] == made
    wait_sent(inst, made)
    assert subjects(inst, "eve@other.test").count("From above") == 1 and "From above" not in subjects(inst, "alice@d.test")
    mail = email.message_from_bytes(messages(inst, "eve@other.test")[-1], policy=email.policy.default)
    assert mail.get_content().replace("\r\n", "\n").startswith("Line 1\n\tLine 2\n")
    line = wait_for(lambda: audit(inst, made), DEADLINE, "the line")[0]
    assert 'who=dom from=127.0.0.1 verb=send kind=broadcast' in line and 'domain=other.test subject="From above"' in line
    rows = api.ok("List", kind="broadcast", within="other.test")["objects"]
    assert {"id": made, "domain": "other.test", "recipients": 1, "state": "sent"} in rows
    assert all(row["domain"] == "other.test" for row in rows) and {row["domain"] for row in inst.json("broadcast", "list")} > {"other.test"}
    assert rows == inst.json("broadcast", "list", "--domain", "other.test")


def test_an_id_of_another_message_is_refused(inst):
    api = Api(inst, "dom", PASSWORD)
    message = {"subject": "Corrected", "content": "Monday", "domain": "other.test", "id": "corrected"}
    api.ok("Broadcast", **message)
    for changed in ({"content": "Tuesday"}, {"subject": "corrected"}, {"html": True}):
        answer = api.call("Broadcast", **{**message, **changed})
        assert answer["result"] == 3 and "used for another message" in answer["text"], changed
    done = inst.run("broadcast", "send", "--subject", "Corrected", "--domain", "other.testing", "--id", "corrected", stdin="Monday", check=False)
    assert done.returncode == 1 and "used for another message" in done.err
    api.ok("Broadcast", **message)
    wait_sent(inst, "corrected")
    file = inst.root / "db/alerts/broadcast-corrected.at"
    file.write_text(" ".join(file.read_text().split()[:7]) + "\n")  # of a version that kept no digest
    api.ok("Broadcast", **message)
    assert state(inst, "corrected")["recipients"] == 1
    assert subjects(inst, "eve@other.test").count("Corrected") == 1 and "Corrected" not in subjects(inst, "tom@other.testing")


def test_without_an_answer_the_id_to_repeat_it_with_is_named(inst):
    api = Api(inst, "dom", PASSWORD)
    message = {"subject": "Unanswered", "content": "x", "domain": "other.test"}
    pid = next(int(row["pid"]) for row in inst.json("status") if row["service"] == "alert")
    os.kill(pid, signal.SIGSTOP)
    try:
        answer = api.call("Broadcast", **message)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert answer["result"] == 102 and "unknown" in answer["text"], answer
    made = re.search(r"with the id '(\w+)'", answer["text"])[1]
    assert api.ok("Broadcast", **message, id=made)["id"] == made
    wait_sent(inst, made)
    assert subjects(inst, "eve@other.test").count("Unanswered") == 1
    inst.run("service", "stop", "alert")
    send = ("broadcast", "send", "--subject", "later", "--domain", "other.test")
    done = inst.run(*send, stdin="x", check=False)
    inst.run("service", "start", "alert")
    assert done.returncode == 1 and done.out == ""
    named = re.search(r"--id (\w+)", done.err)[1]
    inst.run(*send, "--id", named, stdin="x")
    wait_sent(inst, named)


@pytest.mark.parametrize("parameters, result", [
    ({"domain": ""}, 101), ({"domain": "d.test"}, 101), ({"domain": "nowhere.test"}, 101), ({"id": "a/b"}, 1), ({"subject": "two\nlines"}, 1),
    ({"content": ""}, 1), ({"content": "bell \a"}, 1), ({"content": "x" * 65537}, 1),
], ids=("all", "another", "nowhere", "id", "subject", "empty", "control", "long"))
def test_what_the_api_refuses(inst, parameters, result):
    before = inst.json("broadcast", "list")
    api = Api(inst, "dom", PASSWORD)
    assert api.result("Broadcast", **{"subject": "x", "content": "x", "domain": "other.test", **parameters}) == result
    assert inst.json("broadcast", "list") == before


@pytest.mark.parametrize("args, content, why", [
    (("--subject", "x", "--domain", "nowhere.test"), "x", "no such domain"),
    (("--domain", "d.test"), "x", "--subject is missing"),
    (("--subject", "x", "--id", "a/b"), "x", "--id"),
    (("--subject", "x"), "", "empty"),
    (("--subject", "x"), b"\xff\xfe", "no UTF-8"),
    (("--subject", "x"), "x" * (1100 << 10), "too long"),
], ids=("domain", "subject", "id", "empty", "charset", "long"))
def test_what_is_refused(inst, args, content, why):
    before = inst.json("broadcast", "list")
    done = inst.run("broadcast", "send", *args, stdin=content, check=False)
    assert done.returncode != 0 and why in done.err
    assert inst.json("broadcast", "list") == before


def test_each_gets_it_once_although_alertd_is_killed(inst):
    text = inst.run("export").out
    text += "domain many.test\n" + "".join(f"user u{i}@many.test\n" for i in range(MANY))
    inst.run("import", "--replace", stdin=text, timeout=120)
    send = ("broadcast", "send", "--subject", "once", "--domain", "many.test", "--id", "once")
    inst.run(*send, stdin="for everybody")
    for _ in range(4):
        pid = next((row["pid"] for row in inst.json("status", check=False) if row["service"] == "alert" and row["pid"]), None)
        if pid:
            os.kill(int(pid), signal.SIGKILL)
        wait_for(lambda: inst.run(*send, stdin="for everybody", check=False).returncode == 0, DEADLINE, "alertd is back")
    wait_sent(inst, "once")
    assert state(inst, "once")["recipients"] == MANY
    pages = re.findall(r"event=broadcast_page id=once queue_id=(\w+)", inst.log("alert"))
    assert len(set(pages)) == len(pages)
    counts = [len(list(box.glob("mail/cur/*"))) + len(list(box.glob("mail/new/*")))
              for box in (inst.root / "store/many.test").glob("*/*")]
    assert len(counts) == MANY and set(counts) == {1}


@pytest.mark.parametrize("left", [True, False], ids=["in tmp", "gone"])
def test_what_a_crash_leaves_of_a_page_says_whether_it_was_sent(inst, left):
    """The state as it is after a kill behind the page's name was written down: before and behind the commit."""
    name, page, state_dir = f"crash-{left}", f"8Dvx7tJnkrYX{left:d}8O", inst.root / "db/alerts"
    inst.run("service", "stop", "alert")
    owner = state_dir.stat()
    files = {state_dir / f"broadcast-{name}.mail": f"From: <x@d.test>\r\nSubject: {name}\r\n\r\nx\r\n",
             state_dir / f"broadcast-{name}.at": f"0 0 1 {page} {b'other.test'.hex()} - -\n"}
    if left:
        files[inst.root / "queue/tmp" / page] = "half of it"
    for path, text in files.items():
        path.write_text(text)
        os.chown(path, owner.st_uid, owner.st_gid)
    inst.run("service", "start", "alert")
    wait_for(lambda: state(inst, name)["state"] == "sent", DEADLINE, "it is ended")
    inst.wait_queue_empty(DEADLINE)
    assert state(inst, name)["recipients"] == 1
    assert subjects(inst, "eve@other.test").count(name) == int(left)
    assert not (inst.root / "queue/tmp" / page).exists()


def test_reports_tell_what_was_done_since_the_last_one(inst):
    assert "report.mailbox is empty" in inst.run("alert", "report", check=False).err
    inst.set("report.mailbox", "bob@d.test")
    inst.run("reload")

    def reports():
        mails = [email.message_from_bytes(m, policy=email.policy.default) for m in messages(inst, "bob@d.test")]
        return [m.get_content().replace("\r\n", "\n") for m in mails if "Report of the mail system" in m["Subject"]]

    def wait_reports(count):
        return wait_for(lambda: len(reports()) >= count and reports(), DEADLINE, f"{count} reports")

    wait_reports(1)  # the first comes at once
    inst.run("alert", "report")
    wait_reports(2)
    wait_sent(inst, inst.run("broadcast", "send", "--subject", "x", "--domain", "other.test", stdin="x").out.strip())
    inst.run("alert", "report")
    text = wait_reports(3)[-1]
    assert re.search(r"Messages taken +2\n", text) and re.search(r"Recipients delivered to +2\n", text), text  # and the second report
    assert re.search(r"Recipients not delivered to +0\n", text) and re.search(r"/queue: \d+ of \d+ MiB are free", text)
    inst.set("report.kinds", "queue")
    inst.run("reload")
    inst.run("alert", "report")
    text = wait_reports(4)[-1]
    assert "Messages waiting now" in text and "taken" not in text and "MiB" not in text
    file = inst.root / "db/alerts/report"
    inst.run("service", "stop", "alert")
    since, rest = file.read_text().split(" ", 1)
    file.write_text(f"{int(since) - 86400000} {rest}")  # it was yesterday
    inst.run("service", "start", "alert")
    wait_reports(5)
    inst.set("report.kinds", "messages")
    inst.set("report.every", "week")
    inst.run("reload")
    count = 5
    today = datetime.datetime.now(datetime.timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    monday = int((today - datetime.timedelta(days=today.weekday())).timestamp()) * 1000
    for since, due in ((monday, 0), (monday - 1, 1)):
        inst.run("service", "stop", "alert")
        file.write_text(f"{since} {file.read_text().split(' ', 1)[1]}")
        inst.run("service", "start", "alert")
        count += due
        wait_reports(count)
        inst.run("alert", "report")
        count += 1
        wait_reports(count)
        inst.wait_queue_empty()
        assert len(reports()) == count
    inst.run("service", "stop", "alert")  # counters that have begun anew since
    file.write_text(f"{file.read_text().split()[0]} {'9999999 ' * 5}\n")
    inst.run("service", "start", "alert")
    inst.run("alert", "report")
    text = wait_reports(count + 1)[-1]
    assert re.search(r"Messages taken +\d{1,4}\n", text), text


def test_a_hundred_are_remembered_for_a_month(inst):
    state_dir = inst.root / "db/alerts"
    inst.run("service", "stop", "alert")
    owner = state_dir.stat()
    for number in range(100):
        path = state_dir / f"broadcast-old-{number}.at"
        path.write_text(f"1 1 0 - {'other.test'.encode().hex()} - -\n")
        os.chown(path, owner.st_uid, owner.st_gid)
    inst.run("service", "start", "alert")
    send = ("broadcast", "send", "--subject", "one more", "--domain", "other.test", "--id", "one-more")
    done = inst.run(*send, stdin="x", check=False)
    assert done.returncode == 1 and "100 in the last 30 days" in done.err and state(inst, "one-more") is None
    inst.run("broadcast", "send", "--subject", "x", "--domain", "other.testing", "--id", "of-others", stdin="x")
    wait_sent(inst, "of-others")  # each domain has its own hundred
    os.utime(state_dir / "broadcast-old-7.at", (time.time() - 31 * 86400,) * 2)
    before = len(list(state_dir.glob("broadcast-*.at")))
    inst.run(*send, stdin="x")
    wait_sent(inst, "one-more")
    assert not (state_dir / "broadcast-old-7.at").exists() and len(list(state_dir.glob("broadcast-*.at"))) == before
