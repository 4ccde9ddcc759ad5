"""Notices of new mail that are posted to a URL: as JSON, XML and form data, checked by the answer."""
import json
import os
import smtplib
import socket
import urllib.parse
import xml.etree.ElementTree as xml

import pytest

from frames import U64, encode
from hooks import Hooks
from instance import Instance, wait_for

DEADLINE = 40
ODD = "o'b&rien@x.test"


@pytest.fixture(scope="module")
def hook():
    hook = Hooks()
    yield hook
    hook.close()


@pytest.fixture(scope="module")
def inst(hook):
    instance = Instance()
    try:
        instance.setup()
        instance.set("push.url", f"http://127.0.0.1:{hook.port}/new")
        instance.start()
        instance.run("domain", "add", "other.test")
        for address in ("alice@d.test", "bob@d.test", "eve@other.test"):
            instance.add_user(address)
        yield instance
    finally:
        instance.close()


def send(inst, *to, sender=ODD):
    with smtplib.SMTP("127.0.0.1", inst.port("smtp"), timeout=30) as smtp:
        smtp.sendmail(sender, list(to), "Subject: x\r\n\r\nx\r\n")


def wait_posts(hook, count):
    wait_for(lambda: len(hook.posts) >= count, DEADLINE, f"{count} posts")
    return hook.posts[count - 1:]


def use(inst, hook, **settings):
    for name, value in settings.items():
        inst.set(f"push.{name}", value)
    inst.run("reload")
    return len(hook.posts)


def test_json(inst, hook):
    send(inst, "alice@d.test", "eve@other.test")
    wait_posts(hook, 2)
    notices = {json.loads(body)["user"]: (path, headers, json.loads(body)) for path, headers, body in hook.posts}
    assert set(notices) == {"alice@d.test", "eve@other.test"}
    path, headers, notice = notices["alice@d.test"]
    assert path == "/new" and headers["Content-Type"] == "application/json"
    assert notice["event"] == "delivered" and notice["sender"] == ODD and notice["host"] == inst.hostname
    assert notice["size"] > 10 and notice["queue_id"] in inst.log("local")


def test_form_and_only_those_who_are_listed(inst, hook):
    before = use(inst, hook, format="form", users="@OTHER.test bob@d.test")
    send(inst, "alice@d.test", sender="first@x.test")
    send(inst, "bob@d.test")
    (_, headers, body), = wait_posts(hook, before + 1)
    fields = dict(urllib.parse.parse_qsl(body.decode()))
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert fields["user"] == "bob@d.test" and fields["sender"] == ODD
    send(inst, "eve@other.test")
    assert b"eve%40other.test" in wait_posts(hook, before + 2)[0][2]


def test_xml_by_a_template_of_ones_own(inst, hook):
    (inst.root / "etc/push.xml").write_text('<mail for="@user@" by="@sender@">@size@</mail>')
    before = use(inst, hook, format="xml", users="", template="push.xml")
    send(inst, "alice@d.test")
    (_, headers, body), = wait_posts(hook, before + 1)
    root = xml.fromstring(body)
    assert headers["Content-Type"] == "application/xml"
    assert root.attrib == {"for": "alice@d.test", "by": ODD} and int(root.text) > 10


@pytest.mark.skipif(os.geteuid() != 0, reason="without users of their own all programs are believed")
def test_nobody_but_local_deliver_tells_of_mail(inst, hook):
    before = use(inst, hook, format="json", users="", template="")
    forged = encode(1, 0, "alice@d.test", "forged@x.test", "8Dvx7tJnkrYX18O", U64(100), U64(1800000000000))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto(forged, str(inst.root / "run/events.sock"))
    send(inst, "alice@d.test")
    wait_posts(hook, before + 1)
    assert b"forged" not in hook.posts[before][2] and ODD.encode() in hook.posts[before][2]


def test_an_answer_that_is_not_the_one_wanted_is_a_failure(inst, hook):
    hook.answer = b"no"
    before = use(inst, hook, format="json", template="", expect="taken: yes")
    send(inst, "alice@d.test")
    wait_posts(hook, before + 1)
    inst.wait_log("alert", "event=push_failed", DEADLINE)
    hook.answer = b"... taken: yes ..."
    wait_posts(hook, before + 2)  # the same again
    assert json.loads(hook.posts[-1][2])["queue_id"] == json.loads(hook.posts[-2][2])["queue_id"]
    wait_for(lambda: any(row["counter"] == "pushed" and int(row["value"]) >= 5 for row in inst.json("stats")), DEADLINE, "all taken")
    hook.answer = b""


def counter(inst, name):
    return next(int(row["value"]) for row in inst.json("stats") if row["counter"] == name)


def test_mail_is_delivered_while_nobody_takes_notices(inst, hook):
    use(inst, hook, expect="")
    inst.run("service", "stop", "alert")
    for _ in range(3):
        send(inst, "bob@d.test")
    inst.wait_queue_empty(DEADLINE)
    assert counter(inst, "events_dropped") >= 3
    before = len(hook.posts)
    inst.run("service", "start", "alert")
    wait_for(lambda: send(inst, "bob@d.test") or len(hook.posts) > before, DEADLINE, "notices come again")
