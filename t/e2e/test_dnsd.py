"""dnsd alone, against NSD with zones of our own, one of them signed."""
import socket
import time

import pytest

from dnsd_alone import (A, AAAA, CNAME, FOUND, MX, NODATA, NXDOMAIN, PTR, SRV, TEMPORARY, TLSA, TXT,
                        DnsdAlone)
from nameserver import NameServer

PLAIN = [
    "@ MX 10 mx1", "@ MX 20 mx2", "mx1 A 192.0.2.1", "mx1 AAAA 2001:db8::1", "mx2 A 192.0.2.2",
    "null MX 0 .", "www CNAME web", "web CNAME mx1", "loop1 CNAME loop2", "loop2 CNAME loop1",
    "dangling CNAME nowhere", "_imap._tcp SRV 1 2 143 mx1",
    "txt TXT \"v=spf1 \" \"-all\"", "@ TXT \"one\"", "@ TXT \"two\"",
] + [f"many MX {i} host{i}" for i in range(300)]
SIGNED = [
    "@ MX 10 mx", "mx A 192.0.2.3",
    "_25._tcp.mx TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
]
REVERSE = {"2.0.192.in-addr.arpa": ["1 PTR mx1.d.test."],
           "8.b.d.0.1.0.0.2.ip6.arpa": ["1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR mx1.d.test."]}


@pytest.fixture(scope="module")
def zones():
    server = NameServer({"d.test": PLAIN, "signed.test": SIGNED, **REVERSE}, signed=["signed.test"])
    yield server
    server.close()


@pytest.fixture(scope="module")
def dnsd(zones):
    stub = ", ".join(f"{zone} {zones.address}"
                     for zone in ("d.test", "signed.test", "broken.test", *REVERSE))
    d = DnsdAlone(f"stub = {stub}", f"trust_anchor = {zones.anchors}",
                  "hosts = local.d.test 127.0.0.1 ::1", "timeout = 3s")
    yield d
    d.close()


def test_mx(dnsd):
    answer = dnsd.ask(MX, "d.test")
    assert answer.status == FOUND and not answer.secure and 0 < answer.ttl <= 300
    assert sorted((r[0], r[3]) for r in answer.records) == [(10, b"mx1.d.test"), (20, b"mx2.d.test")]


def test_null_mx_is_the_empty_name(dnsd):
    assert dnsd.ask(MX, "null.d.test").records == [(0, 0, 0, b"")]


def test_addresses(dnsd):
    assert dnsd.ask(A, "mx1.d.test").records == [(0, 0, 0, socket.inet_aton("192.0.2.1"))]
    assert dnsd.ask(AAAA, "mx1.d.test").records[0][3] == socket.inet_pton(socket.AF_INET6, "2001:db8::1")
    assert dnsd.ask(AAAA, "mx2.d.test").status == NODATA


def test_cname_chain_ends_at_the_canonical_name(dnsd):
    answer = dnsd.ask(A, "WWW.d.test")
    assert answer.status == FOUND and answer.canonical == "mx1.d.test" and len(answer.records) == 1
    assert dnsd.ask(CNAME, "www.d.test").records[0][3] == b"web.d.test"
    assert dnsd.ask(A, "dangling.d.test").status == NXDOMAIN


def test_cname_loop_is_no_final_answer(dnsd):
    assert dnsd.ask(A, "loop1.d.test").status == TEMPORARY


def test_negative_answers_carry_the_zones_time(dnsd):
    answer = dnsd.ask(MX, "nobody.d.test")
    assert answer.status == NXDOMAIN and 0 < answer.ttl <= 60
    assert dnsd.ask(MX, "mx1.d.test").status == NODATA


def test_txt_strings_are_joined(dnsd):
    assert [r[3] for r in dnsd.ask(TXT, "txt.d.test").records] == [b"v=spf1 -all"]
    assert sorted(r[3] for r in dnsd.ask(TXT, "d.test").records) == [b"one", b"two"]


def test_srv(dnsd):
    assert dnsd.ask(SRV, "_imap._tcp.d.test").records == [(1, 2, 143, b"mx1.d.test")]


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1", "1.2.0.192.in-addr.arpa"])
def test_ptr_takes_an_address(dnsd, address):
    assert dnsd.ask(PTR, address).records == [(0, 0, 0, b"mx1.d.test")]


def test_signed_answers_are_secure(dnsd):
    answer = dnsd.ask(TLSA, "_25._tcp.mx.signed.test")
    assert answer.secure and answer.records == [(3 << 8 | 1, 1, 0, bytes.fromhex("0123456789abcdef" * 4))]
    assert dnsd.ask(MX, "signed.test").secure
    denied = dnsd.ask(TLSA, "_26._tcp.mx.signed.test")
    assert denied.status == NXDOMAIN and denied.secure


def test_bogus_signature_is_temporary(zones):
    """The anchor is a key that the zone does not have."""
    other = NameServer({"signed.test": SIGNED}, signed=["signed.test"])
    d = DnsdAlone(f"stub = signed.test {zones.address}", f"trust_anchor = {other.anchors}", "timeout = 5s")
    try:
        answer = d.ask(MX, "signed.test")
        assert answer.status == TEMPORARY and answer.bogus and answer.records == []
        assert "event=dns_bogus" in d.log()
    finally:
        d.close()
        other.close()


def test_long_answers_come_by_tcp_and_are_cut_to_the_limit(dnsd):
    answer = dnsd.ask(MX, "many.d.test")
    assert answer.status == FOUND and len(answer.records) == 256


def test_hosts_setting(dnsd):
    assert dnsd.ask(A, "local.d.test").records[0][3] == bytes([127, 0, 0, 1])
    assert dnsd.ask(AAAA, "local.d.test").records[0][3] == b"\0" * 15 + b"\1"


@pytest.mark.parametrize("name", ["", ".", "a..b", "x" * 64 + ".d.test", "a b.d.test", "d\\.test", "\xe4.test"])
def test_names_that_cannot_be(dnsd, name):
    assert dnsd.ask(A, name).status == NXDOMAIN


def test_deadline_holds_and_blocks_nobody():
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # answers nothing
    silent.bind(("127.0.0.1", 0))
    live = NameServer({"d.test": PLAIN})
    d = DnsdAlone(f"stub = dead.test 127.0.0.1@{silent.getsockname()[1]}, d.test {live.address}",
                  "trust_anchor =", "timeout = 4s", "queries_max = 10")
    try:
        began = time.monotonic()
        dead = [d.send(MX, f"x{i}.dead.test") for i in range(20)]
        good = d.send(MX, "d.test")
        request_id, answer = d.receive()  # the first: it waited for a place, not for the dead
        assert request_id == good and answer.status == FOUND
        assert time.monotonic() - began < 3.8
        answers = dict(d.receive() for _ in range(20))
        assert all(answers[i].status == TEMPORARY for i in dead)
        assert time.monotonic() - began < 5
        assert d.ask(MX, "d.test").status == FOUND
    finally:
        d.close()
        live.close()
        silent.close()


def test_many_at_once(dnsd):
    sent = {dnsd.send(A, f"n{i}.d.test"): i for i in range(2000)}
    for _ in range(2000):
        request_id, answer = dnsd.receive()
        del sent[request_id]
        assert answer.status == NXDOMAIN
    assert not sent


def test_cached_answers_are_quick(dnsd):
    dnsd.ask(MX, "d.test")
    began = time.perf_counter()
    for _ in range(500):
        assert dnsd.ask(MX, "d.test").status == FOUND
    assert (time.perf_counter() - began) / 500 < 0.001


@pytest.mark.parametrize("frame", [(1, (b"short",)), (7, ()), (2, (b"",))])
def test_nonsense_closes_the_connection(dnsd, frame):
    from frames import Connection
    connection = Connection.connect(dnsd.root / "run/dnsd.sock")
    connection.send(frame[0], 1, *frame[1])
    with pytest.raises((EOFError, OSError)):
        connection.receive()
    connection.close()
    assert dnsd.ask(MX, "d.test").status == FOUND


def test_forwarders(zones):
    d = DnsdAlone(f"servers = {zones.address}", f"trust_anchor =")
    try:
        assert d.ask(PTR, "192.0.2.1").records[0][3] == b"mx1.d.test"
    finally:
        d.close()
