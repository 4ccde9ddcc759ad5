"""`posthorn setup --upgrade` on an instance that lacks what an older version did not make (BAK-06)."""
import json
import os
import re
import shutil

import pytest

from conftest import PASSWORD
from mailbox import messages
from instance import wait_for
from smtplib import SMTP

LATER = ["sync", "alert", "ldap", "directory", "figures"]  # services that came later


def without(text, sections):
    for name in sections:
        text, count = re.subn(rf"(?m)^((#.*\n)*)\[{name}\]\n([^\n]+\n)*\n?", "", text)
        assert count == 1, name
    return text


@pytest.fixture
def old(instance):
    """As an older version left it, with a user, mail and settings of its administrator's."""
    instance.set("smtp.max_recipients", "55")
    instance.start()
    instance.add_user("alice@d.test", PASSWORD)
    with SMTP("127.0.0.1", instance.port("smtp")) as client:
        client.sendmail("x@far.test", ["alice@d.test"], "Subject: before\r\n\r\n.\r\n")
    instance.wait_queue_empty()
    instance.stop()
    etc = instance.root / "etc"
    services = without((etc / "services.conf").read_text(), LATER)
    assert services.count("datagrams = tls-keys.sock 0666\n") == 1
    (etc / "services.conf").write_text(services.replace("datagrams = tls-keys.sock 0666\n", "") + "# a note of mine\n")
    for name in ("sync", "alert", "ldap", "figures", "archive"):
        instance.run("config", "set", f"users.{name}", "--unset")
    for place in ("archive", "db/figures", "db/alerts"):  # made for users that are not there yet
        shutil.rmtree(instance.root / place)
    shutil.rmtree(etc / "keys")
    (etc / "templates/en/bounce.txt").write_text("Subject: Of mine\n\n@recipients@\n")
    (etc / "templates/zh-CN/bounce.txt").unlink()
    (instance.root / "queue/approval.key").unlink(missing_ok=True)
    return instance


def test_what_is_missing_is_added_and_all_else_stays(old):
    etc = old.root / "etc"
    before = (etc / "posthorn.conf").read_text()
    if os.geteuid() == 0:
        started = old.run("start", check=False)
        assert started.returncode != 0 and "posthorn setup --upgrade" in started.err
        old.stop()
    added = {(row["added"], row["name"]): row["detail"] for row in old.json("setup", "--upgrade")}
    assert {name for what, name in added if what == "service"} == set(LATER)
    assert "switched off" in added["service", "ldap"] and "starts" in added["service", "alert"]
    assert ("socket", "key") in added and ("key", "account") in added
    assert ("directory", str(old.root / "archive")) in added
    assert [name for what, name in added if what == "template"] == [str(etc / "templates/zh-CN/bounce.txt")]
    if os.geteuid() == 0:
        numbers = [int(detail.split(":")[0]) for (what, _), detail in added.items() if what == "user"]
        taken = [int(n) for n in re.findall(r"(?m)^[a-z]+ = (\d+):\d+$", before)]
        assert len(numbers) == len(set(numbers)) == 5 and not set(numbers) & set(taken)
        assert (old.root / "archive").stat().st_uid in numbers
    assert (etc / "templates/en/bounce.txt").read_text() == "Subject: Of mine\n\n@recipients@\n" and (etc / "templates/zh-CN/bounce.txt").exists()
    after = (etc / "posthorn.conf").read_text()
    assert set(before.splitlines()) <= set(after.splitlines())
    assert "# a note of mine" in (etc / "services.conf").read_text()
    assert old.json("setup", "--upgrade") == [] and "nothing was missing" in old.run("setup", "--upgrade").out
    assert (etc / "posthorn.conf").read_text() == after
    old.run("config", "check")
    old.start()
    states = {row["service"]: row["state"] for row in old.json("status")}
    assert states["ldap"] == "stopped" and states["alert"] == states["figures"] == "running"
    assert old.run("config", "get", "smtp.max_recipients").out.strip() == "55"
    assert not [row for row in old.json("doctor", check=False) if row["check"] in ("files", "users") and row["result"] == "fail"]
    with SMTP("127.0.0.1", old.port("smtp")) as client:
        client.sendmail("x@far.test", ["alice@d.test"], "Subject: after\r\n\r\n.\r\n")
    wait_for(lambda: len(messages(old, "alice@d.test")) == 2, 20, "old and new mail are there")


def test_what_was_added_before_a_failure_is_told(old):
    shutil.rmtree(old.root / "etc/templates/zh-CN")
    (old.root / "queue/hold").rmdir()
    services = old.root / "etc/services.conf"
    before = services.read_text() + "[broken\n"
    services.write_text(before)
    done = old.run("setup", "--upgrade", "--json", check=False)
    added = {(row["added"], row["name"]) for row in json.loads(done.out)}
    assert done.returncode == 1 and "services.conf:" in done.err
    assert {what for what, _ in added} == {"directory", "template", "key"} | ({"user"} if os.geteuid() == 0 else set())
    assert {("directory", str(old.root / "queue/hold")), ("directory", str(old.root / "etc/templates/zh-CN"))} <= added
    assert services.read_text() == before


def test_without_an_instance_there_is_nothing_to_upgrade(instance):
    shutil.rmtree(instance.root)
    done = instance.run("setup", "--upgrade", check=False)
    assert done.returncode == 1 and "'posthorn setup' makes an instance" in done.err
    assert not instance.root.exists()
