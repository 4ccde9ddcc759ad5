"""Guessing: who fails too often is blocked, for all services, and nobody else is."""
import contextlib
import ipaddress
import select
import smtplib
import ssl
import subprocess
import types

import pytest

from authd_alone import BAD_CREDENTIALS, BLOCKED, FAIL, OK, START, AuthdAlone, Session, User
from conftest import PASSWORD
from frames import U8, U32, U64, Connection
from instance import Instance, wait_for
from nameserver import NameServer

ALICE, BOB, CAROL, DAVE = (f"{name}@d.test" for name in ("alice", "bob", "carol", "dave"))
PER_ADDRESS, PER_USER = 6, 9
FOLLOW, TOLD = 31, 32  # lib/ipc/authd.h: AUTHD_FOLLOW_BLOCKS, AUTHD_BLOCKS
ANY_CERTIFICATE = ssl._create_unverified_context()


class Clients:
    """Sessions from any address, as a protocol daemon's parent would attach them."""

    def __init__(self, inst):
        self.door = types.SimpleNamespace(root=inst.root, parent=None)

    def login(self, address, user, password=PASSWORD, service="imap"):
        """OK, or the kind of the failure."""
        session = Session(self.door, service, address)
        kind, fields = session.plain(user, password)
        session.close()
        assert kind in (OK, FAIL)
        return "ok" if kind == OK else fields[0]

    def fails(self, address, user, count):
        return [self.login(address, user, "wrong") for _ in range(count)]


@pytest.fixture(scope="module")
def guarded():
    inst = Instance()
    try:
        inst.setup()
        inst.set("auth.failure_delay", "0")
        inst.set("auth.yescrypt_cost", "1")
        inst.set("guess.failures_per_address", PER_ADDRESS)
        inst.set("guess.failures_per_user", PER_USER)
        inst.set("guess.white_list", "192.0.2.200 203.0.113.0/24 2001:db8:aa::/48")
        inst.set("smtp.proxies", "127.0.0.1")
        inst.start()
        for user in (ALICE, BOB, CAROL, DAVE):
            inst.add_user(user, PASSWORD)
        yield inst
    finally:
        inst.close()


@pytest.fixture
def clients(guarded):
    return Clients(guarded)


def blocks(inst):
    return {row["name"]: row for row in inst.json("block", "list")}


def test_an_address_that_fails_too_often_is_blocked_for_all_services(guarded, clients):
    assert clients.fails("192.0.2.1", "nobody@d.test", PER_ADDRESS) == [BAD_CREDENTIALS] * PER_ADDRESS
    for service in ("imap", "pop3", "smtp"):
        assert clients.login("192.0.2.1", ALICE, service=service) == BLOCKED
    assert clients.login("192.0.2.2", ALICE) == "ok"  # the right password, from elsewhere
    row = wait_for(lambda: blocks(guarded).get("192.0.2.1"))
    assert row["cause"] == "guessing" and row["reason"] == f"{PER_ADDRESS} failed logins"
    assert row["scope"] == "all" and row["end"] > row["start"]
    guarded.run("block", "lift", "192.0.2.1")
    wait_for(lambda: clients.login("192.0.2.1", ALICE) == "ok")
    assert clients.login("192.0.2.1", ALICE, "wrong") == BAD_CREDENTIALS
    assert clients.login("192.0.2.1", ALICE) == "ok"  # what was counted has gone with the block


def test_a_user_is_blocked_and_the_client_cannot_tell(guarded, clients):
    for n in range(PER_USER):
        assert clients.login(f"192.0.2.{20 + n}", BOB, "wrong") == BAD_CREDENTIALS
    assert clients.login("192.0.2.40", BOB) == BAD_CREDENTIALS  # as if it were the wrong one
    assert clients.login("192.0.2.40", ALICE) == "ok"
    guarded.wait_log("auth", "user is blocked for guessing")
    assert clients.login("192.0.2.200", BOB) == "ok"  # who is on the white list is never blocked
    wait_for(lambda: blocks(guarded)[BOB]["cause"] == "guessing")
    assert blocks(guarded)[BOB]["reason"] == f"{PER_USER} failed logins, the last from 192.0.2.{19 + PER_USER}"
    guarded.run("block", "lift", "bob")  # any of the user's names
    wait_for(lambda: clients.login("192.0.2.41", BOB) == "ok")


def test_an_ipv6_customer_has_one_count_whatever_address_is_used(guarded, clients):
    for n in range(PER_ADDRESS):
        assert clients.login(f"2001:db8:1:2::{n + 1:x}", "nobody@d.test", "x") == BAD_CREDENTIALS
    assert clients.login("2001:db8:1:2:ffff::1", ALICE) == BLOCKED
    assert clients.login("2001:db8:1:3::1", ALICE) == "ok"
    wait_for(lambda: "2001:db8:1:2::/64" in blocks(guarded))
    guarded.run("block", "lift", "2001:db8:1:2::77")
    assert "2001:db8:1:2::/64" not in blocks(guarded)


@pytest.mark.parametrize("address", ["203.0.113.9", "192.0.2.200", "2001:db8:aa:1::1", "127.0.0.1"])
def test_listed_clients_and_loopback_are_never_blocked(guarded, clients, address):
    assert clients.fails(address, "nobody@d.test", 3 * PER_ADDRESS) == [BAD_CREDENTIALS] * 3 * PER_ADDRESS
    assert clients.login(address, ALICE) == "ok"
    assert address not in blocks(guarded)


def test_blocks_by_hand(guarded, clients):
    guarded.run("block", "add", "198.51.100.7", CAROL, "--time", "0", "--reason", "asked for")
    wait_for(lambda: clients.login("198.51.100.7", ALICE) == BLOCKED)
    assert clients.login("192.0.2.60", CAROL) == BAD_CREDENTIALS
    row = blocks(guarded)["198.51.100.7"]
    assert (row["cause"], row["reason"], row["end"]) == ("by hand", "asked for", "")
    guarded.run("block", "lift", "198.51.100.7", CAROL)
    guarded.wait_log("audit", "verb=lift kind=block name=198.51.100.7")
    assert 'kind=block name=198.51.100.7 property=reason before="" after="asked for"' in guarded.log("audit")
    wait_for(lambda: clients.login("198.51.100.7", CAROL) == "ok")


@pytest.mark.parametrize("args, message", [
    (("add", "nobody@d.test"), "no such user"),
    (("add", "192.0.2.0/24"), "expected a user, an address"),
    (("add", "192.0.2.9", "--time", "soon"), "time: expected"),
    (("add", "192.0.2.9", "--sending"), "no sending"),
    (("lift", "192.0.2.99"), "is not blocked"),
])
def test_what_cannot_be_blocked_is_said(guarded, args, message):
    done = guarded.run("block", *args, check=False)
    assert done.returncode == 1 and message in done.err


def test_blocks_outlast_restarts_and_a_kill(guarded, clients):
    clients.fails("192.0.2.70", "nobody@d.test", PER_ADDRESS)
    wait_for(lambda: "192.0.2.70" in blocks(guarded))
    guarded.run("service", "restart", "auth")
    wait_for(lambda: Clients(guarded).login("192.0.2.70", ALICE) == BLOCKED)
    guarded.run("service", "restart", "account")
    guarded.run("block", "add", DAVE)  # authd follows the new accountd
    wait_for(lambda: Clients(guarded).login("203.0.113.71", DAVE) == BAD_CREDENTIALS)
    guarded.run("service", "stop", "account")
    guarded.run("block", "lift", DAVE)  # and forgets what it was not told that it is lifted
    guarded.run("service", "start", "account")
    wait_for(lambda: Clients(guarded).login("203.0.113.71", DAVE) == "ok")
    guarded.run("block", "add", DAVE)
    guarded.stop()
    assert {"192.0.2.70", DAVE} <= blocks(guarded).keys()  # without the suite, too
    guarded.run("block", "lift", DAVE)
    guarded.start()
    after = Clients(guarded)
    wait_for(lambda: after.login("192.0.2.70", ALICE) == BLOCKED)
    assert after.login("203.0.113.71", DAVE) == "ok"


def test_smtp_says_so_and_stays_open_for_mail(guarded):
    """Port 25 takes mail from a blocked address, but no password."""
    door = Clients(guarded)
    door.fails("192.0.2.80", "nobody@d.test", PER_ADDRESS)
    with contextlib.closing(smtplib.SMTP()) as smtp:
        smtp.timeout = 20
        smtp.sock = smtp._get_socket("127.0.0.1", guarded.port("smtp"), 20)
        smtp.sock.sendall(b"PROXY TCP4 192.0.2.80 127.0.0.1 4000 25\r\n")
        assert smtp.getreply()[0] == 220
        smtp._host = "localhost"
        smtp.ehlo()
        smtp.starttls(context=ANY_CERTIFICATE)
        smtp.ehlo()
        assert smtp.docmd("AUTH", "PLAIN " + "AGFsaWNlQGQudGVzdABzZWNyZXQtb2YtdGVzdA==")[0] == 454
        assert smtp.docmd("MAIL", "FROM:<x@elsewhere.test>")[0] == 250
        assert smtp.docmd("RCPT", f"TO:<{ALICE}>")[0] == 250


def test_switched_off_nobody_is_blocked(guarded):
    guarded.set("guess.detection", "no")
    guarded.run("reload")
    door = Clients(guarded)
    try:
        door.fails("192.0.2.90", ALICE, 3 * PER_USER)
        assert door.login("192.0.2.90", ALICE) == "ok"
    finally:
        guarded.set("guess.detection", "yes")
        guarded.run("reload")


def test_a_flood_of_wrong_passwords_leaves_a_right_one_its_share():
    """One hash worker, five addresses with forty wrong passwords each that wait: a right one from a
    sixth is looked at after one of each, not after all of them."""
    strong = "{SHA512-CRYPT}" + subprocess.run(["openssl", "passwd", "-6", "pencil"], check=True,
                                               capture_output=True).stdout.decode().strip()
    alone = AuthdAlone({"a@d.test": User(strong)},
                       ("rehash = no", "hash_workers = 1", "failure_delay = 0", "cache_lifetime = 0"))
    try:
        flood = [alone.session(client_ip=f"198.51.100.{n % 5}") for n in range(200)]
        for session in flood:
            session.request = 1
            session.channel.send(START, 1, "PLAIN", U8(1), b"\0a@d.test\0wrong", U8(1), b"", b"")

        def answered():
            return len(select.select([session.channel.sock for session in flood], [], [], 0)[0])
        wait_for(answered)  # the first: the others wait
        before = answered()
        assert alone.session(client_ip="198.51.100.9").plain("a@d.test", "pencil")[0] == OK
        assert answered() - before < 30
        assert {session.answer()[1][0] for session in flood} == {BAD_CREDENTIALS}
    finally:
        alone.close()


def test_names_on_the_white_list_are_resolved_again(instance):
    """A host whose address changes is known at its new one, and at the old one no more."""
    ns = NameServer({"example.net": ["home 1 A 192.0.2.150"]})
    try:
        instance.set("dns.stub", f"example.net {ns.address}")
        instance.set("dns.trust_anchor", "")
        instance.set("guess.white_list", "home.example.net")
        instance.set("guess.resolve_interval", "1s")
        instance.set("guess.failures_per_address", "2")
        instance.set("auth.failure_delay", "0")
        instance.set("log.level", "debug")
        instance.start()
        instance.wait_log("auth", "name=home.example.net type=A addresses=1")
        door = Clients(instance)
        assert set(door.fails("192.0.2.150", "x@d.test", 4)) == {BAD_CREDENTIALS}
        ns.replace("example.net", ["home 1 A 192.0.2.151"])
        wait_for(lambda: BLOCKED in door.fails("192.0.2.150", "x@d.test", 4))
        assert set(door.fails("192.0.2.151", "x@d.test", 4)) == {BAD_CREDENTIALS}
    finally:
        ns.close()


def test_a_name_that_nobody_resolves_does_not_have_the_others_asked_again(instance):
    ns = NameServer({"example.net": ["home 1 A 192.0.2.150"]})
    try:
        instance.set("dns.stub", f"example.net {ns.address} broken.test 127.0.0.1@1")
        instance.set("dns.trust_anchor", "")
        instance.set("dns.timeout", "1s")
        instance.set("guess.white_list", "home.example.net away.broken.test")
        instance.set("log.level", "debug")
        instance.start()
        wait_for(lambda: instance.log("auth").count("event=white_list_unresolved name=away.broken.test") >= 3, 60)
        assert instance.log("auth").count("event=white_list_resolved name=home.example.net") == 2  # A and AAAA
    finally:
        ns.close()


def followed(connection):
    """The addresses of a whole list that a parent is told, in the order in which they come."""
    told, whole = [], False
    while not whole:
        kind, _, (_, whole, _, *fields), _ = connection.receive()
        assert kind == TOLD
        told += [str(ipaddress.ip_address(raw[-4:])) for raw in fields[::3]]
    return told


def follow(root):
    connection = Connection.connect(root / "run/authd.sock")
    connection.send(FOLLOW, 0)
    return connection


def test_a_name_that_has_its_addresses_in_another_order_is_as_it_was(instance):
    """Nobody is told the list anew: the first such list is told when the addresses are known."""
    addresses = ["192.0.2.150", "192.0.2.151", "192.0.2.152"]
    ns = NameServer({"example.net": [f"home 1 A {address}" for address in addresses]})
    try:
        instance.set("dns.stub", f"example.net {ns.address}")
        instance.set("dns.trust_anchor", "")
        instance.set("guess.white_list", "home.example.net")
        instance.set("guess.resolve_interval", "1s")
        instance.set("log.level", "debug")
        instance.start()
        line = "event=white_list_resolved name=home.example.net type=A addresses=3"
        instance.wait_log("auth", line)
        parent = follow(instance.root)
        for _ in range(3):
            addresses.append(addresses.pop(0))
            ns.replace("example.net", [f"home 1 A {address}" for address in addresses])
            seen = instance.log("auth").count(line)
            wait_for(lambda: instance.log("auth").count(line) >= seen + 3, 30, "asked again")
        instance.run("block", "add", "198.51.100.1")
        lists, count = 0, 0
        while count == 0:  # until the change comes
            _, _, (_, whole, count, *_), _ = parent.receive()
            lists += whole
        assert lists <= 2  # the one at first, and perhaps that of the names
    finally:
        ns.close()


class ManyBlocks(AuthdAlone):
    """Its accountd has more blocked addresses than are told of, and the oldest of them have ended."""
    ENDED, COUNT = 10, 65536 + 30

    @staticmethod
    def address(number):
        return str(ipaddress.ip_address((10 << 24) + number))

    def _accountd(self, kind, request_id, fields):
        if kind != 32:  # BLOCKS
            return super()._accountd(kind, request_id, fields)
        known, fields = fields[0], []
        numbers = range(known + 1, min(known + 500, self.COUNT) + 1)
        for n in numbers:
            fields += [U8(ord("a")), U8(1), self.address(n), "", U64(1), U64(2 if n <= self.ENDED else 2**62)]
        last = known + len(numbers)
        return (33, request_id, U64(last), U8(known == 0), U8(last < self.COUNT), U32(len(numbers)), *fields) if numbers else None


def test_of_more_than_can_be_told_the_newest_are():
    alone = ManyBlocks({}, ["failure_delay = 0"])
    try:
        for _ in range(2):
            parent = follow(alone.root)
            told = followed(parent)
            parent.close()
            assert len(told) == len(set(told)) == 65536
            assert told[0] == alone.address(alone.COUNT) and told[-1] == alone.address(alone.COUNT - 65535)
        assert alone.log().count("event=blocked_list_cut") == 1
    finally:
        alone.close()


class NoBlocks(AuthdAlone):
    def _accountd(self, kind, request_id, fields):
        if kind == 32 and fields == [0]:
            return 33, request_id, U64(1), U8(1), U8(0), U32(0)
        return super()._accountd(kind, request_id, fields)


def test_services_that_have_gone_take_no_new_ones_place():
    """As many as there may be at once, and more, one behind the other, without any block in between."""
    alone = NoBlocks({}, ["failure_delay = 0"])
    try:
        for _ in range(70):
            parent = follow(alone.root)
            assert followed(parent) == []
            parent.close()
    finally:
        alone.close()


class Forgetful(AuthdAlone):
    """Its accountd is gone when the first block is reported; the next one knows of no block."""
    reports, followers = 0, 0

    def _accountd(self, kind, request_id, fields):
        if kind == 31:  # BLOCK
            self.reports += 1
            if self.reports == 1:
                raise OSError("gone")
            return 11, request_id
        if kind == 32 and self.reports < 2 and self.followers <= self.reports:  # BLOCKS: forget all of them
            self.followers += 1
            return 33, request_id, U64(1000 * self.followers), U8(1), U8(0), U32(0)
        return super()._accountd(kind, request_id, fields)


def test_a_block_that_accountd_has_not_taken_holds_and_is_told_again():
    alone = Forgetful({"a@d.test": User("{PLAIN}pencil")}, ["plain_on_loopback = yes", "failure_delay = 0"])
    try:
        wait_for(lambda: alone.followers == 1)
        assert alone.session().plain("a@d.test", "pencil")[0] == OK
        for _ in range(20):
            assert alone.session().plain("a@d.test", "wrong")[1][0] == BAD_CREDENTIALS
        wait_for(lambda: alone.reports == 2 and alone.followers == 2, 40)
        assert alone.session(client_ip="192.0.2.2").plain("a@d.test", "pencil")[1][0] == BAD_CREDENTIALS
    finally:
        alone.close()
