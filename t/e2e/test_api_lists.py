"""Lists of addresses, networks and domains over the administrative API: in the settings and in files."""
import fcntl
import struct
import subprocess
import termios

import pytest

from admin_api import Api
from instance import Instance, wait_for

PASSWORD = "A-good-secret7"


@pytest.fixture(scope="module")
def inst():
    inst = Instance()
    inst.setup()
    inst.run("admin", "passwd", "admin", "--password-stdin", stdin=PASSWORD + "\n")
    inst.start()
    yield inst
    inst.close()


@pytest.fixture(scope="module")
def api(inst):
    return Api(inst, "admin", PASSWORD, basic=True)  # a reload ends sessions


def wait_audit(inst, text):
    inst.wait_log("audit", text, 30)


def entries(api, name):
    return [row["entry"] for row in api.ok("List", kind="list-entry", within=name)["objects"]]


def unread(pipe):
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]


def test_a_list_in_the_settings(inst, api):
    names = {row["list"] for row in api.ok("List", kind="list", limit=1000)["objects"]}
    assert {"smtp.deny", "guess.white_list", "smtp.open_relay_domains", "guess.locations"} <= names
    assert names == set(inst.run("list", "names").out.split())
    assert api.result("AddListEntries", list="smtp.deny", entries="192.0.2.0/24\n\n198.51.100.7 # who\n") == 0
    assert api.result("AddListEntries", list="smtp.deny", entries="192.0.2.0/24\n203.0.113.9") == 0
    assert entries(api, "smtp.deny") == ["192.0.2.0/24", "198.51.100.7", "203.0.113.9"] == inst.run("list", "show", "smtp.deny").out.split()
    assert "203.0.113.9" in api.ok("GetSetting", name="smtp.deny")["object"]["value"]
    assert api.result("RemoveListEntries", list="smtp.deny", entries="192.0.2.0/24\n192.0.2.77") == 2  # all or nothing
    assert entries(api, "smtp.deny")[0] == "192.0.2.0/24"
    assert api.result("RemoveListEntries", list="smtp.deny", entries="\n".join(entries(api, "smtp.deny"))) == 0
    assert entries(api, "smtp.deny") == [] and not api.ok("GetSetting", name="smtp.deny")["object"]["set"]
    wait_audit(inst, "who=admin from=127.0.0.1 verb=add kind=list name=smtp.deny property=entry before=\"\" after=198.51.100.7")
    wait_audit(inst, "verb=remove kind=list name=smtp.deny property=entry before=203.0.113.9 after=\"\"")


@pytest.mark.parametrize("by_api", (True, False), ids=("api", "command"))
def test_a_list_that_is_not_empty_as_shipped_can_be_emptied(inst, api, by_api):
    inst.run("config", "set", "smtp.lmtp_hosts", "--unset")
    shipped = entries(api, "smtp.lmtp_hosts")
    assert len(shipped) == 2
    for entry in shipped:
        if by_api:
            api.ok("RemoveListEntries", list="smtp.lmtp_hosts", entries=entry)
        else:
            inst.run("list", "remove", "smtp.lmtp_hosts", entry)
    assert entries(api, "smtp.lmtp_hosts") == [] == inst.run("list", "show", "smtp.lmtp_hosts").out.split()
    assert api.ok("GetSetting", name="smtp.lmtp_hosts")["object"]["set"]
    api.ok("AddListEntries", list="smtp.lmtp_hosts", entries="192.0.2.1")
    assert entries(api, "smtp.lmtp_hosts") == ["192.0.2.1"]


def test_a_list_in_a_file_of_its_own(inst, api):
    path = inst.root / "etc/lists/open_relay_domains.txt"
    assert entries(api, "smtp.open_relay_domains") == []
    api.ok("AddListEntries", list="smtp.open_relay_domains", entries="one.test\ntwo.test\n")
    assert api.ok("GetSetting", name="smtp.open_relay_domains")["object"]["value"] == "lists/open_relay_domains.txt"
    path.write_text("# mine\none.test # the first\ntwo.test\n")
    mode = path.stat().st_mode
    assert api.result("RemoveListEntries", list="smtp.open_relay_domains", entries="TWO.test") == 0
    assert api.result("AddListEntries", list="smtp.open_relay_domains", entries="three.test") == 0
    assert path.read_text() == "# mine\none.test # the first\nthree.test\n" and path.stat().st_mode == mode
    assert entries(api, "smtp.open_relay_domains") == ["one.test", "three.test"]


def test_the_command_line_takes_nothing_back_that_the_api_adds(inst, api):
    """An import that comes slowly: what is added meanwhile stays, in the settings and in files."""
    for name, there, meanwhile, late in (("smtp.deny", "192.0.2.1", "192.0.2.2", "192.0.2.3"), ("guess.white_list", "a.test", "b.test", "c.test")):
        api.ok("AddListEntries", list=name, entries=there)
        importer = subprocess.Popen([inst.build / "bin/posthorn", "--root", inst.root, "list", "import", name, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with importer:
            importer.stdin.write(b"# it begins\n")
            importer.stdin.flush()
            wait_for(lambda: unread(importer.stdin) == 0, 30, "it waits for the rest")
            api.ok("AddListEntries", list=name, entries=meanwhile)
            assert importer.communicate(late.encode() + b"\n", timeout=60)[0].startswith(b"1 added") and importer.returncode == 0
        assert entries(api, name) == [there, meanwhile, late]
        api.ok("RemoveListEntries", list=name, entries="\n".join((there, meanwhile, late)))


def test_the_command_line_changes_nothing_beside_another_change(inst, api):
    api.ok("AddListEntries", list="smtp.open_relay_domains", entries="one.test")
    with open(inst.root / "etc/.posthorn.conf.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for words in (("list", "add", "smtp.deny", "192.0.2.5"), ("list", "remove", "smtp.open_relay_domains", "one.test"),
                      ("location", "add", "192.0.2.0", "192.0.2.9", "Berlin")):
            done = inst.run(*words, check=False)
            assert done.returncode == 1 and "another change" in done.err, done.err
        assert "one.test" in inst.run("list", "show", "smtp.open_relay_domains").out
    assert inst.run("list", "add", "smtp.deny", "192.0.2.5").returncode == 0
    assert inst.run("list", "remove", "smtp.deny", "192.0.2.5").returncode == 0


def test_own_records_of_locations(inst, api):
    assert api.ok("FindLocation", address="192.0.2.7")["location"] == "unknown"
    where = {"first": "192.0.2.0", "last": "192.0.2.15"}
    api.ok("AddLocation", **where, location="CN/Beijing")
    assert api.ok("FindLocation", address="192.0.2.7")["location"] == "CN/Beijing" == inst.run("location", "find", "192.0.2.7").out.strip()
    assert api.result("AddLocation", **where, location="DE") == 3
    (made,) = inst.json("location", "list")
    api.ok("SetLocation", **where, location="office", order=7)
    (changed,) = inst.json("location", "list")
    assert (changed["order"], changed["location"], changed["created"]) == (7, "office", made["created"]) and made["order"] == 100
    for parameters, result in (({"location": "a b"}, 1), ({"location": "a,b"}, 1), ({"last": "192.0.1.1", "location": "x"}, 2)):
        assert api.result("SetLocation", **{**where, **parameters}) == result, parameters
    assert api.result("AddLocation", first="192.0.2.9", last="192.0.2.1", location="x") == 1
    assert api.result("FindLocation", address="192.0.2.0/24") == 1
    assert api.result("RemoveLocation", first="192.0.2.0", last="192.0.2.14") == 2
    api.ok("RemoveLocation", **where)
    assert inst.json("location", "list") == [] and api.ok("FindLocation", address="192.0.2.7")["location"] == "unknown"
    wait_audit(inst, "verb=set kind=location name=\"\" property=192.0.2.0-192.0.2.15 before=\"\" after=office")


@pytest.mark.parametrize("name, text, result", [
    ("no.list", "x.test", 2), ("smtp.max_recipients", "5", 2), ("smtp.deny", "300.1.2.3", 1), ("smtp.deny", " \n# x\n", 1),
    ("smtp.open_relay_domains", "a b", 1), ("smtp.open_relay_domains", "ok.test\nnot ok", 1), ("../x", "x", 2), ("smtp.deny", "\u0007", 1),
])
def test_entries_that_a_list_does_not_take(inst, api, name, text, result):
    before = (inst.root / "etc/posthorn.conf").read_text(), entries(api, "smtp.open_relay_domains")
    assert api.result("AddListEntries", list=name, entries=text) == result
    assert before == ((inst.root / "etc/posthorn.conf").read_text(), entries(api, "smtp.open_relay_domains"))
