"""Blocked addresses at the host's firewall (guess.firewall, blockd), between network namespaces with a wire."""
import contextlib
import json
import os
import pathlib
import poplib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile

import pytest

from conftest import PASSWORD
from frames import U8, U32, U64, Connection
from instance import BUILD, Instance, wait_for
from network import Network

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")
OURS, CLIENT, OTHER = "10.79.0.1", "10.79.0.2", "10.79.0.3"
OURS6, CLIENT6, NEIGHBOUR6, OTHER6 = "fd79:1::1", "fd79:2:0:5::2", "fd79:2:0:5::3", "fd79:2:0:6::2"
ANY_CERTIFICATE = ssl._create_unverified_context()
USER = "alice@d.test"
DROPPED_S = 1.0  # a SYN that is dropped is sent again after a second


class ClientFrom(poplib.POP3):
    def __init__(self, source, port):
        self.source = source
        super().__init__(OURS, port, 20)

    def _create_socket(self, timeout):
        return socket.create_connection((self.host, self.port), timeout, (self.source, 0))


class World:
    def __init__(self):
        self.network = Network()
        for address in (OTHER, "10.79.0.4"):
            self.network.theirs.add_address(address)
        for host, addresses in ((self.network.ours, (OURS6,)), (self.network.theirs, (CLIENT6, NEIGHBOUR6, OTHER6))):
            for address in addresses:
                host.run("ip", "addr", "add", f"{address}/24", "dev", "wire", "nodad", check=True)
        self.inst = Instance()
        self.inst.prefix = self.network.ours.prefix
        self.inst.setup()
        self.inst.set("system.bind", f"127.0.0.1 ::1 {OURS} {OURS6}")
        self.inst.set("auth.failure_delay", "0")
        self.inst.set("auth.yescrypt_cost", "1")
        self.inst.set("guess.failures_per_address", "3")
        self.inst.set("guess.white_list", "10.79.0.4 fd79:4::5")
        self.inst.set("imap.proxies", "10.79.0.5")

    def close(self):
        self.inst.close()
        self.network.close()

    def start(self):
        self.inst.start()
        self.inst.add_user(USER, PASSWORD)

    def greeting(self, source, label="pop3"):
        """What the server says to a client there; None: it does not get that far."""
        to = OURS6 if ":" in source else OURS
        with self.network.theirs.inside():
            sock = socket.socket(socket.AF_INET6 if ":" in source else socket.AF_INET)
        with contextlib.closing(sock):
            sock.settimeout(DROPPED_S)
            sock.bind((source, 0))
            try:
                sock.connect((to, self.inst.port(label)))
            except TimeoutError:
                return None
            sock.settimeout(20)
            return sock.recv(1000)

    def is_dropped(self, source, label="pop3"):
        return self.greeting(source, label) is None

    def is_served(self, source, label="pop3"):
        return (self.greeting(source, label) or b"").startswith((b"+OK", b"220", b"* OK"))

    def table(self):
        return self.network.ours.run("nft", "list", "table", "inet", "posthorn", text=True).stdout

    def firewall_rows(self):
        return [row for row in self.inst.json("doctor", check=False) if row["check"] == "firewall"]

    def pid(self, service):
        return next(row["pid"] for row in self.inst.json("status", check=False) if row["service"] == service)

    def kill(self, service):
        before = self.pid(service)
        os.kill(before, signal.SIGKILL)
        wait_for(lambda: self.pid(service) not in (None, before), 20, f"another {service}")

    def guess(self, source):
        """Wrong passwords by POP3 until the address is blocked."""
        for _ in range(3):
            with self.network.theirs.inside():
                client = ClientFrom(source, self.inst.port("pop3"))
            client.stls(ANY_CERTIFICATE)
            client.user("nobody@d.test")
            with pytest.raises(poplib.error_proto):
                client.pass_("wrong")
            client.close()


@pytest.fixture(scope="module")
def world():
    world = World()
    try:
        world.inst.set("guess.firewall", "yes")
        world.start()
        wait_for(lambda: "chain input" in world.table(), 20, "the table")
        yield world
    finally:
        world.close()


@pytest.fixture
def blocked(world):
    """Blocks an address for the time of a test."""
    names = []

    def block(name, *options):
        world.inst.run("block", "add", name, *options)
        names.append(name)
    yield block
    for name in names:
        world.inst.run("block", "lift", name, check=False)


def test_a_blocked_address_gets_through_to_no_login_and_others_do(world, blocked):
    for source in (CLIENT, OTHER):
        assert world.is_served(source)
    blocked(CLIENT)
    wait_for(lambda: world.is_dropped(CLIENT), 20, "the firewall has it")
    for label in ("imap", "submission", "smtps", "admin"):
        assert world.is_dropped(CLIENT, label), label
    assert world.is_served(CLIENT, "smtp")  # mail goes on
    assert world.is_served(OTHER)
    world.inst.run("block", "lift", CLIENT)
    wait_for(lambda: world.is_served(CLIENT), 20, "it is lifted")


def test_an_ipv6_network_is_one_client(world, blocked):
    assert world.is_served(CLIENT6)
    blocked(CLIENT6)
    wait_for(lambda: world.is_dropped(CLIENT6), 20, "the firewall has it")
    assert world.is_dropped(NEIGHBOUR6)
    assert world.is_served(OTHER6) and world.is_served(CLIENT6, "smtp")


def test_what_guessing_blocks_is_dropped_until_the_block_ends(world, blocked):
    world.guess(CLIENT)
    wait_for(lambda: world.is_dropped(CLIENT), 20, "the firewall has it")
    world.inst.run("block", "lift", CLIENT)
    wait_for(lambda: world.is_served(CLIENT), 20, "it is lifted")
    blocked(CLIENT, "--time", "3s")
    wait_for(lambda: world.is_dropped(CLIENT), 20, "it is blocked again")
    wait_for(lambda: world.is_served(CLIENT), 20, "the time is over")


def test_who_is_on_the_white_list_or_a_load_balancer_is_not_in_the_sets(world, blocked):
    for name in ("10.79.0.4", "10.79.0.5", "fd79:4::9", "fd79:5::9", OTHER):
        blocked(name)
    wait_for(lambda: OTHER in world.table() and "fd79:5::" in world.table(), 20, "the firewall has the others")
    for name in ("10.79.0.4", "10.79.0.5", "fd79:4::"):
        assert name not in world.table()
    assert world.is_served("10.79.0.4")


def test_blocks_outlast_killed_programs(world, blocked):
    blocked(CLIENT)
    wait_for(lambda: world.is_dropped(CLIENT), 20, "the firewall has it")
    for service in ("block", "auth"):
        world.kill(service)
        assert world.is_dropped(CLIENT), service
    world.inst.run("block", "lift", CLIENT)  # the new ones have each other
    wait_for(lambda: world.is_served(CLIENT), 20, "it is lifted")
    blocked(CLIENT)
    wait_for(lambda: world.is_dropped(CLIENT), 20, "and blocked")


def test_a_reload_leaves_no_gap_and_a_flushed_firewall_heals(world, blocked):
    blocked(CLIENT)
    wait_for(lambda: world.is_dropped(CLIENT), 20, "the firewall has it")
    world.inst.set("guess.interval", "11m")
    before = world.pid("block")
    world.inst.run("reload")
    assert world.is_dropped(CLIENT)
    wait_for(lambda: world.pid("block") != before, 20, "another blockd")
    assert world.is_dropped(CLIENT)
    world.network.ours.run("nft", "flush", "ruleset", check=True)
    blocked(OTHER)  # the next change finds the table gone
    wait_for(lambda: world.is_dropped(CLIENT) and world.is_dropped(OTHER), 20, "it is made anew")


def test_doctor_and_status_tell(world):
    assert [row["result"] for row in world.firewall_rows()] == ["ok"]
    row = next(r for r in world.inst.json("status", "--sandbox") if r["pid"] == world.pid("block"))
    assert row["capabilities"] == "net_admin" and row["seccomp"] == "filter"
    for other in world.inst.json("status", "--sandbox"):
        assert other["service"] in ("block", "master") or "net_admin" not in other["capabilities"], other


def test_stopped_there_is_no_table(world):
    assert "chain input" in world.table()
    world.inst.run("service", "stop", "block")
    assert world.table() == ""
    world.inst.run("service", "start", "block")
    wait_for(lambda: "chain input" in world.table(), 20, "the table is back")


def test_off_as_shipped():
    world = World()
    try:
        world.start()
        world.inst.run("block", "add", CLIENT)
        wait_for(lambda: world.greeting(CLIENT).startswith(b"-ERR [SYS/TEMP] too many failures"), 20, "pop3d refuses")
        assert world.greeting(CLIENT, "imap") == b"* BYE [LIMIT] Too many failed logins, try again later\r\n"
        assert world.greeting(CLIENT, "submission") == b"421 4.7.0 too many failures, try again later\r\n"
        assert world.greeting(CLIENT, "imaps") == b""
        assert world.is_served(CLIENT, "smtp") and world.is_served(OTHER)
        assert world.table() == ""
        row = next(r for r in world.inst.json("status", "--sandbox") if r["pid"] == world.pid("block"))
        assert row["capabilities"] == "none"
        world.inst.set("guess.firewall", "yes")
        world.inst.run("reload")  # the right has been given up
        row = wait_for(lambda: next((row for row in world.firewall_rows() if row["result"] == "fail"), None), 20, "doctor")
        assert "posthorn start" in row["text"]
        # logd starts anew at that moment: a line may have to wait until its program has something to do again
        wait_for(lambda: world.firewall_rows() and "event=firewall_failed" in world.inst.log("block"), 60, "the log")
        assert world.is_served(OTHER)  # and all goes on as without
        world.inst.stop()
        world.inst.start()
        wait_for(lambda: world.is_dropped(CLIENT), 20, "the firewall has it")
        world.inst.set("guess.firewall", "no")
        world.inst.run("reload")
        wait_for(lambda: world.table() == "", 20, "no table where it is switched off")
        assert world.greeting(CLIENT).startswith(b"-ERR")
    finally:
        world.close()


class BlockdAlone:
    """blockd in a namespace of its own, with this test as its authd."""

    def __init__(self):
        self.network = Network()
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="posthorn-blockd-"))
        for name in ("etc", "run", "queue", "store", "db", "log"):
            (self.root / name).mkdir()
        for path in (self.root, self.root / "run"):
            path.chmod(0o711)
        (self.root / "etc/posthorn.conf").write_text(
            "[users]\nblock = 64299:64299\nauth = 64291:64291\n[guess]\nfirewall = yes\n")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.root / "run/block.sock"))
        listener.listen(8)
        os.chmod(self.root / "run/block.sock", 0o666)
        self.control, theirs = socket.socketpair()
        env = dict(os.environ, POSTHORN_ROOT=str(self.root), POSTHORN_SERVICE="block",
                   POSTHORN_LISTENERS=f"control:{listener.fileno()}", POSTHORN_CONTROL_FD=str(theirs.fileno()))
        self.errors = open(self.root / "log/stderr", "wb")
        self.process = subprocess.Popen([*self.network.ours.prefix, BUILD / "libexec/posthorn/blockd"], env=env,
                                        pass_fds=(listener.fileno(), theirs.fileno()), stderr=self.errors)
        listener.close()
        theirs.close()
        self.control.settimeout(20)
        assert self.control.recv(1) == b"R", self.log()

    def log(self):
        return (self.root / "log/stderr").read_text(errors="replace")

    def connect(self, uid):
        os.seteuid(uid)
        try:
            return Connection.connect(self.root / "run/block.sock")
        finally:
            os.seteuid(0)

    def state(self):
        """(condition, addresses, lost, why)"""
        connection = Connection.connect(self.root / "run/block.sock")
        connection.send(STATUS, 1)
        fields = connection.receive()[2]
        connection.sock.close()
        return fields

    def elements(self, name):
        """nft's JSON of a set."""
        listed = self.network.ours.run("nft", "-j", "list", "set", "inet", "posthorn", name, check=True).stdout
        return json.loads(listed)["nftables"][1]["set"].get("elem", [])

    def handle(self):
        """The kernel's number of the table."""
        listed = self.network.ours.run("nft", "-j", "-a", "list", "tables", check=True).stdout
        return next(o["table"]["handle"] for o in json.loads(listed)["nftables"] if "table" in o)

    def end(self):
        self.process.terminate()
        assert self.process.wait(20) == 0, self.log()

    def close(self):
        self.control.close()
        self.process.terminate()
        self.process.wait(20)
        self.network.close()
        shutil.rmtree(self.root)


BLOCKED, STATUS = 1, 2
OFF, WAITING, ON, FAILED = range(4)
FOREVER = 2**63 - 1


def part(addresses, anew=False, whole=False, until=FOREVER):
    """A frame's fields; an address is its 16 bytes."""
    fields = [U8(anew), U8(whole), U32(len(addresses))]
    for address in addresses:
        fields += [address, U64(until), U64(0)]
    return fields


def v4(number):
    return bytes(10) + b"\xff\xff" + ((10 << 24) + number).to_bytes(4, "big")


@pytest.fixture
def alone():
    alone = BlockdAlone()
    try:
        yield alone
    finally:
        alone.close()


def test_as_many_as_it_takes_go_in_and_more_are_told(alone):
    authd = alone.connect(64291)
    assert alone.state()[0] == WAITING
    for start in range(0, 65792, 256):  # 256 too many
        authd.send(BLOCKED, 0, *part([v4(n) for n in range(start, start + 256)], anew=start == 0, whole=start == 65536))
    wait_for(lambda: alone.state()[0] != WAITING, 60, "the list is in the firewall")
    assert alone.state() == [ON, 65536, 256, b""], alone.log()
    assert "event=firewall_full" in alone.log()
    authd.send(BLOCKED, 0, *part([v4(70000), v4(5)]))
    wait_for(lambda: alone.state()[2] == 257)
    assert len(alone.elements("blocked4")) == 65536  # what is known is changed, what is new has no room
    authd.send(BLOCKED, 0, *part([v4(1), v4(2)], until=0))
    wait_for(lambda: alone.state()[1] == 65534)
    assert len(alone.elements("blocked4")) == 65534
    authd.send(BLOCKED, 0, *part([v4(7)], anew=True, whole=True))
    wait_for(lambda: alone.state()[1] == 1)
    element, = alone.elements("blocked4")
    assert element["elem"]["val"] == "10.0.0.7" and 800 < element["elem"]["expires"] <= 900  # renewed before that


@pytest.mark.parametrize("fields, uid", [
    (part([v4(1)]), 64291),                            # a change of no list
    (part([bytes(16)], anew=True, whole=True), 64291),  # no address
    (part([bytes.fromhex("20010db8000000000000000000000001")], anew=True, whole=True), 64291),  # not a /64
    ((U8(2), U8(1), U32(0)), 64291),
    ((U8(1), U8(1), U32(257)), 64291),
    (part([v4(1)], anew=True, whole=True), 64299),      # by its own user
    (part([v4(1)], anew=True, whole=True), 0),          # root asks, but tells nothing
])
def test_nothing_but_addresses_of_authd_is_taken(alone, fields, uid):
    peer = alone.connect(uid)
    with contextlib.suppress(OSError):
        peer.send(BLOCKED, 0, *fields)
        assert peer.sock.recv(1) == b""  # it hangs up
    assert alone.state()[:2] == [WAITING, 0]


def test_loopback_is_never_in(alone):
    authd = alone.connect(64291)
    loopback = [bytes(10) + b"\xff\xff\x7f\0\0\x01"]
    authd.send(BLOCKED, 0, *part([*loopback, v4(3)], anew=True, whole=True))
    wait_for(lambda: alone.state()[0] == ON)
    assert [e["elem"]["val"] for e in alone.elements("blocked4")] == ["10.0.0.3"]
    authd.send(BLOCKED, 0, *part(loopback))
    authd.send(BLOCKED, 0, *part([v4(4)]))
    wait_for(lambda: alone.state()[1] == 3)
    assert sorted(e["elem"]["val"] for e in alone.elements("blocked4")) == ["10.0.0.3", "10.0.0.4"]


def test_the_one_who_tells_a_list_anew_is_heard_from_then_on(alone):
    old, new = alone.connect(64291), alone.connect(64291)
    old.send(BLOCKED, 0, *part([v4(1)], anew=True, whole=True))
    wait_for(lambda: alone.state()[1] == 1)
    new.send(BLOCKED, 0, *part([v4(2), v4(3)], anew=True))  # not whole yet: the other counts
    new.send(BLOCKED, 0, *part([], whole=True))
    wait_for(lambda: alone.state()[1] == 2)
    old.send(BLOCKED, 0, *part([v4(4)]))
    assert old.sock.recv(1) == b""
    assert sorted(e["elem"]["val"] for e in alone.elements("blocked4")) == ["10.0.0.2", "10.0.0.3"]


def test_a_list_anew_changes_what_is_in_the_table_and_not_the_table(alone):
    """The counters of dropped packets are the rules'."""
    authd = alone.connect(64291)
    authd.send(BLOCKED, 0, *part([v4(1)], anew=True, whole=True))
    wait_for(lambda: alone.state()[1] == 1)
    before = alone.handle()
    authd.send(BLOCKED, 0, *part([v4(2), v4(3)], anew=True, whole=True))
    wait_for(lambda: alone.state()[1] == 2)
    assert alone.handle() == before
    assert sorted(e["elem"]["val"] for e in alone.elements("blocked4")) == ["10.0.0.2", "10.0.0.3"]


def test_at_its_end_a_blockd_takes_out_the_table_that_it_has_made_alone(alone):
    """Of two reloads close together the second ends a blockd that has nothing in the firewall yet."""
    nft = alone.network.ours.run
    nft("nft", "add", "table", "inet", "posthorn", check=True)
    alone.end()
    nft("nft", "list", "table", "inet", "posthorn", check=True)


def test_at_its_end_a_blockd_takes_out_its_table(alone):
    authd = alone.connect(64291)
    authd.send(BLOCKED, 0, *part([v4(1)], anew=True, whole=True))
    wait_for(lambda: alone.state()[0] == ON)
    alone.end()
    assert alone.network.ours.run("nft", "list", "tables", text=True).stdout == ""
