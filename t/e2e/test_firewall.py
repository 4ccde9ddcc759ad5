"""Blocked addresses at the host's firewall (guess.firewall, blockd), between network namespaces with a wire."""
import contextlib
import os
import poplib
import signal
import socket
import ssl

import pytest

from conftest import PASSWORD
from instance import Instance, wait_for
from network import Network

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")
OURS, CLIENT, OTHER = "10.79.0.1", "10.79.0.2", "10.79.0.3"
OURS6, CLIENT6, NEIGHBOUR6, OTHER6 = "fd79:1::1", "fd79:2::2", "fd79:2::3", "fd79:3::2"
ANY_CERTIFICATE = ssl._create_unverified_context()
USER = "alice@d.test"
DROPPED_S = 1.0  # a SYN that is dropped is sent again after a second


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
        self.inst.set("guess.white_list", "10.79.0.4")

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
                sock = socket.create_connection((OURS, self.inst.port("pop3")), 20, (source, 0))
            session = poplib.POP3.__new__(poplib.POP3)  # on a socket that is there
            session.sock, session.file, session._debugging, session._tls_established = sock, sock.makefile("rb"), 0, False
            session.welcome = session._getresp()
            session.stls(ANY_CERTIFICATE)
            session.user("nobody@d.test")
            with pytest.raises(poplib.error_proto):
                session.pass_("wrong")
            session.close()


@pytest.fixture(scope="module")
def world():
    world = World()
    try:
        world.inst.set("guess.firewall", "yes")
        world.start()
        world.inst.wait_log("block", "event=firewall_on")
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


def test_who_is_on_the_white_list_is_not_in_the_sets(world, blocked):
    blocked("10.79.0.4")
    blocked(OTHER)
    wait_for(lambda: OTHER in world.table(), 20, "the firewall has the other")
    assert "10.79.0.4" not in world.table()
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
    rows = [row for row in world.inst.json("doctor", check=False) if row["check"] == "firewall"]
    assert [row["result"] for row in rows] == ["ok"], rows
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
        world.inst.wait_log("block", "event=firewall_failed")
        rows = [row for row in world.inst.json("doctor", check=False) if row["check"] == "firewall"]
        assert [row["result"] for row in rows] == ["fail"] and "posthorn start" in rows[0]["text"]
        assert world.is_served(OTHER)  # and all goes on as without
        world.inst.stop()
        world.inst.start()
        wait_for(lambda: world.is_dropped(CLIENT), 20, "the firewall has it")
        os.kill(world.pid("master"), signal.SIGKILL)  # a table is left, and ends by itself; or here:
        world.inst.run("start")
        world.inst.set("guess.firewall", "no")
        world.inst.run("reload")
        wait_for(lambda: world.table() == "", 20, "no table where it is switched off")
        assert world.greeting(CLIENT).startswith(b"-ERR")
    finally:
        world.close()
