"""Where clients are: own records and data, in the log, and as a condition of logging in."""
import types

import pytest

from authd_alone import BAD_CREDENTIALS, DISABLED, OK, Session
from conftest import PASSWORD

ALICE = "alice@d.test"
DATA = "# a sample\n192.0.2.0,192.0.2.255,CN/Beijing\n198.51.100.0,198.51.100.255,SG\n2001:db8::,2001:db8::ffff,DE\n"


def login(inst, address, password=PASSWORD):
    session = Session(types.SimpleNamespace(root=inst.root, parent=None), "imap", address)
    kind, fields = session.plain(ALICE, password)
    session.close()
    return "ok" if kind == OK else fields[0]


def find(inst, address):
    return inst.run("location", "find", address).out.strip()


@pytest.fixture
def inst(instance):
    instance.run("location", "import", "-", stdin=DATA)
    instance.set("auth.failure_delay", "0")
    instance.set("guess.white_list", "203.0.113.9")
    return instance


def test_logins_from_allowed_locations_alone(inst):
    inst.set("guess.allowed_locations", "CN DE")
    inst.start()
    inst.add_user(ALICE, PASSWORD)
    assert login(inst, "192.0.2.7") == "ok"
    assert login(inst, "2001:db8::7") == "ok"
    assert login(inst, "127.0.0.1") == login(inst, "203.0.113.9") == "ok"
    assert login(inst, "198.51.100.7") == login(inst, "203.0.113.8") == DISABLED
    assert login(inst, "198.51.100.7", "wrong") == DISABLED  # nothing is said about the password
    assert login(inst, "192.0.2.7", "wrong") == BAD_CREDENTIALS
    inst.wait_log("auth", 'reason="location is not allowed" location=SG')
    inst.wait_log("auth", "reason=ok location=CN/Beijing")
    inst.run("location", "add", "198.51.100.7", "198.51.100.7", "DE")
    inst.run("reload")
    assert login(inst, "198.51.100.7") == "ok" and login(inst, "198.51.100.8") == DISABLED


def test_own_records(inst):
    assert find(inst, "192.0.2.7") == "CN/Beijing" and find(inst, "203.0.113.1") == "unknown"
    inst.run("location", "add", "192.0.2.0", "192.0.2.15", "office")
    inst.run("location", "add", "192.0.2.7", "192.0.2.7", "lab", "--order", "5")
    assert find(inst, "192.0.2.7") == "lab" and find(inst, "192.0.2.8") == "office"
    lab, office = inst.json("location", "list")
    assert (lab["order"], lab["location"], office["order"]) == (5, "lab", 100)
    inst.run("location", "set", "192.0.2.7", "192.0.2.7", "workshop")
    after = inst.json("location", "list")[0]
    assert (after["order"], after["location"], after["created"]) == (5, "workshop", lab["created"])
    assert after["modified"] > lab["modified"]
    inst.run("location", "remove", "192.0.2.7", "192.0.2.7")
    assert find(inst, "192.0.2.7") == "office"


@pytest.mark.parametrize("args, message", [
    (("add", "192.0.2.9", "192.0.2.1", "CN"), "the first not above the last"),
    (("add", "192.0.2.1", "192.0.2.9", "South Africa"), "without spaces"),
    (("set", "192.0.2.1", "192.0.2.9", "CN"), "no record of that range"),
    (("remove", "192.0.2.1", "192.0.2.9"), "no record of that range"),
    (("find", "192.0.2.0/24"), "expected an address"),
])
def test_what_is_wrong_is_said(inst, args, message):
    done = inst.run("location", *args, check=False)
    assert done.returncode == 1 and message in done.err


def test_wrong_data_change_nothing(inst):
    done = inst.run("location", "import", "-", stdin="192.0.2.0,192.0.2.9,CN\n192.0.2.5,192.0.2.7,SG\n", check=False)
    assert done.returncode == 1 and "-:2: the range overlaps another" in done.err
    assert find(inst, "192.0.2.7") == "CN/Beijing"


def test_without_data_private_networks_have_a_location(instance):
    assert find(instance, "192.168.1.1") == find(instance, "fd00::1") == "private"
    assert find(instance, "192.0.2.1") == "unknown"
