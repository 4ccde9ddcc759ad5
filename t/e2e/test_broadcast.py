"""A message to all users: everybody gets it once, whatever is killed or repeated."""
import email
import email.policy
import os
import re
import signal

import pytest

from instance import Instance, wait_for
from mailbox import messages

DEADLINE = 60
MANY = 250  # two pages


@pytest.fixture(scope="module")
def inst():
    instance = Instance()
    try:
        instance.setup()
        instance.start()
        instance.run("domain", "add", "other.test")
        for address in ("alice@d.test", "bob@d.test", "off@d.test", "eve@other.test"):
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
    assert state(inst, name)["recipients"] == 4 and state(inst, name)["domain"] == ""  # postmaster is one
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
    assert subjects(inst, "eve@other.test").count("page") == 1 and "page" not in subjects(inst, "alice@d.test")
    mail = email.message_from_bytes(messages(inst, "eve@other.test")[-1], policy=email.policy.default)
    assert mail.get_content_type() == "text/html" and mail.get_content().strip() == "<p>x</p>"


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
