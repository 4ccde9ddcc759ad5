"""A new mailbox is greeted once, whoever makes it and whatever dies meanwhile (QUE-14)."""
import email
import email.policy
import itertools
import os
import signal

import pytest

from admin_api import Api
from instance import Instance, wait_for

PASSWORD = "A-good-secret7"
DEADLINE = 60
NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def inst():
    instance = Instance()
    try:
        instance.setup()
        instance.set("account.welcome", "welcome.txt")
        instance.run("admin", "add", "root", "--password-stdin", stdin=PASSWORD + "\n")
        instance.run("user", "add", "early@d.test", "full_name=Early Öl", "--no-password")  # it waits
        instance.run("user", "add", "other@d.test", "--no-password")
        instance.run("user", "rename", "other@d.test", "renamed@d.test")
        instance.run("user", "add", "gone@d.test", "--no-password")
        instance.run("user", "del", "gone@d.test", "--yes")
        instance.start()
        yield instance
    finally:
        instance.close()


def greetings(inst, user):
    local, domain = user.split("@")
    files = inst.root.glob(f"store/{domain}/*/{local}/mail/[cn]*/*")
    mails = [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files if file.is_file()]
    return [m for m in mails if m["Subject"] == f"Welcome to {user.split('@')[1]}"]


def wait_greeted(inst, *users):
    for user in users:
        wait_for(lambda: greetings(inst, user), DEADLINE, f"{user} is greeted")


def settled(inst):
    """All that waited have been greeted: one who came after them has."""
    last = f"zz-last{next(NUMBERS)}@d.test"
    inst.run("user", "add", last, "--no-password")
    wait_greeted(inst, last)
    inst.wait_queue_empty(DEADLINE)


def test_by_the_command_line(inst):
    wait_greeted(inst, "early@d.test", "renamed@d.test")
    (mail,) = greetings(inst, "early@d.test")
    assert "Dear Early Öl," in mail.get_content() and mail["From"] == "Postmaster <postmaster@d.test>" and mail["To"] == "early@d.test"
    assert "gone@d.test" not in inst.log("alert")
    inst.run("user", "add", "cli@d.test", "--no-password")
    wait_greeted(inst, "cli@d.test")


def test_by_the_api_and_tables_and_no_export(inst):
    api = Api(inst, "root", PASSWORD)
    assert api.result("AddUser", user="api", domain="d.test", password="Some-good-one7") == 0
    assert api.result("Add", kind="user", name="generic@d.test", properties={"full_name": "G"}) == 0
    assert api.result("AddUser", user="api", domain="d.test", password="Some-good-one7") == 2
    assert api.result("AddUser", user="weak", domain="d.test", password="x") == 5
    inst.run("user", "import", "/dev/stdin", "--domain", "d.test", "--fields", "address,full_name", "--random-password", stdin="tab1,Tab One\ntab2,Tab Two\n")
    wait_greeted(inst, "api@d.test", "generic@d.test", "tab1@d.test", "tab2@d.test")
    inst.run("import", "--replace", stdin=inst.run("export").out + "user restored@d.test\n", timeout=120)
    settled(inst)
    for user in ("early", "renamed", "cli", "api", "generic", "tab1", "tab2"):
        assert len(greetings(inst, f"{user}@d.test")) == 1, user
    assert greetings(inst, "restored@d.test") == [] and "weak" not in inst.log("alert")


def test_each_once_although_alertd_and_accountd_are_killed(inst):
    users = [f"u{i}@d.test" for i in range(60)]
    inst.run("user", "import", "/dev/stdin", "--domain", "d.test", "--fields", "address", "--random-password", stdin="".join(u.split("@")[0] + "\n" for u in users))
    for service in ("alert", "account", "alert", "alert"):
        done = len([u for u in users if greetings(inst, u)])
        pid = next((row["pid"] for row in inst.json("status", check=False) if row["service"] == service and row["pid"]), None)
        if pid:
            os.kill(int(pid), signal.SIGKILL)
        wait_for(lambda: len([u for u in users if greetings(inst, u)]) > done or done == len(users), DEADLINE, "it goes on")
    wait_greeted(inst, *users)
    settled(inst)
    assert {len(greetings(inst, u)) for u in users} == {1}


@pytest.mark.parametrize("left", [True, False], ids=["in tmp", "gone"])
def test_what_a_crash_leaves_says_who_was_greeted(inst, left):
    """As it is after a kill behind the line of the second one: before and behind the commit."""
    first, second, third, page = f"a{left:d}@d.test", f"b{left:d}@d.test", f"c{left:d}@d.test", f"8Dvx7tJnkrYX{left:d}8O"
    inst.run("service", "stop", "alert")
    for user in (first, second, third):
        inst.run("user", "add", user, "--no-password")
    owner = (inst.root / "db/alerts").stat()
    files = {inst.root / "db/alerts/welcome": f"8Dvx7tJnkrYX88a {first.encode().hex()}\n{page} {second.encode().hex()}\n"}
    if left:
        files[inst.root / "queue/tmp" / page] = "half of it"
    for path, text in files.items():
        path.write_text(text)
        os.chown(path, owner.st_uid, owner.st_gid)
    inst.run("service", "start", "alert")
    wait_greeted(inst, third)
    settled(inst)
    assert [len(greetings(inst, user)) for user in (first, second, third)] == [0, int(left), 1]
    assert not (inst.root / "queue/tmp" / page).exists() and not (inst.root / "db/alerts/welcome").exists()


def test_who_came_while_it_was_off_is_not_greeted_later(inst):
    inst.set("account.welcome", "")
    inst.run("reload")
    inst.run("user", "add", "quiet@d.test", "--no-password")
    inst.set("account.welcome", "welcome.txt")
    inst.run("reload")
    settled(inst)
    assert greetings(inst, "quiet@d.test") == []


def test_they_wait_for_a_template_that_is_right(inst):
    text = inst.root / "etc/templates/en/welcome.txt"
    text.parent.mkdir(parents=True, exist_ok=True)
    before = text.read_text() if text.exists() else None
    text.write_text("Betreff: x\n\n")
    inst.run("service", "restart", "alert")
    inst.run("user", "add", "late@d.test", "--no-password")
    inst.wait_log("alert", "event=welcome_template", DEADLINE)
    assert "welcome.txt:1" in inst.log("alert")
    text.unlink() if before is None else text.write_text(before)
    inst.run("service", "restart", "alert")
    wait_greeted(inst, "late@d.test")
