"""Certificates by ACME where the authority is difficult: renewal information, rate limits, refused nonces, wrong chains."""
import concurrent.futures
import datetime
import os
import pathlib
import signal
import socket
import sys
import threading

import pytest
from cryptography.hazmat.primitives import serialization

from acme import Pebble, ask, configure, instance, name_server, status
from instance import wait_for
from pki import Authority
from scripted_ca import ScriptedCA
from test_acme import acme_processes
from test_certificates import ROOT, presented, rows

HOUR, DAY = datetime.timedelta(hours=1), datetime.timedelta(days=1)


@pytest.fixture(scope="module")
def zone():
    server = name_server()
    yield server
    server.close()


@pytest.fixture(scope="module")
def suite(zone):
    """Knows the scripted authority."""
    inst = instance(zone)
    authority = Authority()
    authority.write(inst.root / "etc/authority.pem")
    inst.ca = ScriptedCA(authority)
    for name, value in {"acme.directory": inst.ca.url, "acme.verify_ca": "authority.pem"}.items():
        inst.set(name, value)
    inst.start()
    yield inst
    inst.close()
    inst.ca.close()


def parse(text):
    return datetime.datetime.strptime(text.rstrip("Z").partition(".")[0], "%Y-%m-%dT%H:%M:%S")


def test_the_suggested_window_is_followed(suite):
    """RFC 9773: a random time within it; where the explanation is, is told."""
    suite.ca.window = lambda number: (2 * DAY, 3 * DAY)
    suite.run("cert", "acme", "request", "mail", "mail.e.test", "--activate")
    row = wait_for(lambda: (found := status(suite)["mail"])["window_end"] and found, 30, "the window")
    assert parse(row["window_start"]) <= parse(row["next"]) <= parse(row["window_end"])
    assert row["explanation"] == "https://ca.e.test/why"
    assert suite.ca.orders == [{"identifiers": [{"type": "dns", "value": "mail.e.test"}]}]
    assert [path for path in suite.ca.asked if path.startswith("/ari/")] == ["/ari/" + suite.ca.issued[0][1]]


def test_a_window_that_is_over_means_now_and_the_order_names_what_it_replaces(suite):
    suite.ca.window = lambda number: (-2 * DAY, -DAY) if number < 2 else (2 * DAY, 3 * DAY)
    suite.run("cert", "acme", "renew", "mail")  # the second, whose window is over: the third comes by itself
    wait_for(lambda: len(suite.ca.issued) == 3, 60, "renewed again")
    named = [order.get("replaces") for order in suite.ca.orders]  # one that a reload cut off is sent again
    assert list(dict.fromkeys(named)) == [None, suite.ca.issued[0][1], suite.ca.issued[1][1]]
    wait_for(lambda: presented(suite, "imaps") == suite.ca.issued[2][0].serial_number, 60, "and shown")
    wait_for(lambda: status(suite)["mail"]["window_start"] and parse(status(suite)["mail"]["next"]) >
             datetime.datetime.utcnow() + DAY, 30, "peace")
    assert len(suite.ca.issued) == 3


def test_a_rate_limit_is_kept(suite):
    """RFC 8555 section 6.6: not before the time that the authority gives, whatever acme.retry says."""
    suite.ca.refuse["orders"] = (429, {"Retry-After": "7200"}, {"type": "urn:ietf:params:acme:error:rateLimited", "detail": "slow"})
    suite.run("cert", "acme", "renew", "mail")
    row = wait_for(lambda: (found := status(suite)["mail"])["failures"] and found, 30, "refused")
    assert "the authority says rateLimited: slow" in row["error"]
    assert parse(row["next"]) >= datetime.datetime.utcnow() + 1.9 * HOUR
    assert presented(suite, "imaps") == suite.ca.issued[2][0].serial_number


def test_who_replaces_what_was_replaced_gets_it_all_the_same(suite):
    """RFC 9773 section 7.4: the order is sent again without naming it."""
    del suite.ca.refuse["orders"]
    taken, answer = [], suite.ca._answer_locked

    def refuse_first(handler):
        if handler.path == "/orders" and not taken:
            taken.append(suite.ca._payload(handler))
            suite.ca._reply(handler, 409, {"type": "urn:ietf:params:acme:error:alreadyReplaced"})
        else:
            answer(handler)
    suite.ca._answer_locked = refuse_first
    suite.run("cert", "acme", "renew", "mail")
    wait_for(lambda: status(suite)["mail"]["state"] == "issued" and len(suite.ca.issued) == 4, 60, "issued")
    assert taken[0]["replaces"] and "replaces" not in suite.ca.orders[-1]
    suite.ca._answer_locked = answer


@pytest.mark.parametrize("name,tamper,why", [
    ("other-key", lambda pem: pem_of(ROOT.server("x.e.test")[0]), "is for another key than the request"),
    ("garbage", lambda pem: b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "damaged"),
    ("empty", lambda pem: b"", "holds no certificate"),
    ("huge", lambda pem: pem * 100, "the HTTP body is too long"),
])
def test_a_chain_that_does_not_fit_is_not_taken(suite, name, tamper, why):
    suite.ca.tamper, orders = tamper, len(suite.ca.orders)
    done = suite.run("cert", "acme", "request", name, "x.e.test", check=False)
    assert done.returncode == 1 and why in done.err
    assert not (suite.root / f"db/acme/{name}.crt").exists() and rows(suite)[name]["state"] == "request"
    suite.ca.tamper = lambda pem: pem
    wait_for(lambda: status(suite)[name]["state"] == "issued", 60, "the right one is taken")
    assert len(suite.ca.orders) == orders + 1, "of the same order"
    suite.run("cert", "remove", name, "--yes")


def pem_of(cert):
    return cert.public_bytes(serialization.Encoding.PEM)


def test_an_answer_without_sense_is_a_failure_and_no_more(suite):
    for body in (b"<html>", b"[1,2]", b"{", b"\0" * 100, b"{\"finalize\":{}}"):
        suite.ca.refuse["orders"] = (201, {"Location": "not a url"}, body)
        suite.run("cert", "acme", "renew", "mail")
        wait_for(lambda: status(suite)["mail"]["error"], 30, "an error")
    del suite.ca.refuse["orders"]
    wait_for(lambda: status(suite)["mail"]["state"] == "issued", 60, "a certificate after all")
    wait_for(lambda: presented(suite, "imaps") == suite.ca.issued[-1][0].serial_number, 60, "and the reload is over")


def test_one_address_cannot_take_all_places(suite):
    """The ninth connection is closed at once, and who says nothing goes after ten seconds."""
    held = [socket.create_connection(("127.0.0.1", suite.port("acme-http")), timeout=30) for _ in range(8)]
    try:
        assert ask(suite, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") == b""
        assert held[0].recv(1) == b""
    finally:
        for one in held:
            one.close()
    wait_for(lambda: ask(suite, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 404"), 30, "room again")


def test_many_addresses_do_not_keep_the_authority_out(suite):
    """The oldest connection goes when all places are taken."""
    held = [socket.create_connection(("127.0.0.1", suite.port("acme-http")), timeout=30,
                                     source_address=(f"127.0.0.{2 + i // 8}", 0)) for i in range(64)]
    try:
        assert ask(suite, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 404")
        assert held[0].recv(1) == b""
    finally:
        for one in held:
            one.close()


def children(parent):
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            state, ppid = path.read_text().rpartition(")")[2].split()[:2]
            if ppid == str(parent) and state != "Z":
                yield int(path.parent.name)
        except (FileNotFoundError, ProcessLookupError):
            pass  # it has ended


def memory_has(pid, bytes_):
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            start, end = (int(part, 16) for part in line.split()[0].split("-"))
            if line.split()[1].startswith("rw") and end - start < 1 << 26:
                memory.seek(start)
                if bytes_ in memory.read(end - start):
                    return True
    return False


def test_who_reads_the_answers_has_no_key(suite):
    """The child that talks to the authority, while it waits, looked through for the account's key."""
    asked, go_on, answer = threading.Event(), threading.Event(), suite.ca._answer_locked

    def hold(handler):
        if handler.path == "/orders":
            asked.set()
            go_on.wait(30)
        answer(handler)
    key = serialization.load_pem_private_key((suite.root / "db/acme/account.key").read_bytes(), None)
    number = key.private_numbers().private_value.to_bytes(32, sys.byteorder)
    suite.ca._answer_locked = hold
    try:
        suite.run("cert", "acme", "renew", "mail")
        assert asked.wait(30)
        (clerk,) = [pid for pid, row in acme_processes(suite).items() if row["role"] == "clerk"]
        try:
            assert memory_has(clerk, number)
            found = [memory_has(child, number) for child in children(clerk)]
            assert found and not any(found)
        except PermissionError:
            pytest.skip("the memory of another user's processes can't be read here")
    finally:
        go_on.set()
        suite.ca._answer_locked = answer
    wait_for(lambda: status(suite)["mail"]["state"] == "issued", 60, "issued")
    wait_for(lambda: presented(suite, "imaps") == suite.ca.issued[-1][0].serial_number, 60, "and the reload is over")


def test_a_revocation_whose_process_is_killed_is_not_told_as_done(suite):
    asked, go_on, answer = threading.Event(), threading.Event(), suite.ca._answer_locked

    def hold(handler):
        if handler.path == "/revoke":
            asked.set()
            go_on.wait(60)
        answer(handler)
    suite.ca._answer_locked = hold
    with concurrent.futures.ThreadPoolExecutor() as pool:
        try:
            done = pool.submit(suite.run, "cert", "acme", "revoke", "mail", check=False)
            assert asked.wait(30)
            for pid, row in acme_processes(suite).items():
                if row["role"] == "clerk":
                    os.kill(pid, signal.SIGKILL)
            assert done.result(60).returncode == 1 and "ended early" in done.result().err
        finally:
            go_on.set()
    suite.ca._answer_locked = answer
    assert status(suite)["mail"]["state"] == "issued"


def test_a_redirection_is_no_revocation(suite):
    suite.ca.refuse["revoke"] = (301, {"Location": suite.ca.base + "/elsewhere"}, None)
    done = suite.run("cert", "acme", "revoke", "mail", check=False)
    assert done.returncode == 1 and "HTTP status 301" in done.err
    assert status(suite)["mail"]["state"] == "issued"
    del suite.ca.refuse["revoke"]


def test_an_order_is_not_taken_up_with_another_authority(suite):
    """The one of before would go on answering to it, with what is of no use."""
    suite.ca.tamper = lambda pem: b""
    done = suite.run("cert", "acme", "request", "moved", "moved.e.test", check=False)
    assert done.returncode == 1 and status(suite)["moved"]["order"].startswith(suite.ca.base)
    authority = Authority()
    authority.write(suite.root / "etc/authority.pem")
    other = ScriptedCA(authority)
    try:
        suite.set("acme.directory", other.url)
        suite.run("reload")
        wait_for(lambda: status(suite).get("moved", {}).get("state") == "issued", 90, "a certificate of the new one")
        assert len(other.issued) == 1
    finally:
        other.close()


def test_chaos(zone):
    """Half of the nonces are refused, the authority takes its time, and wants accounts bound to its own."""
    inst = instance(zone)
    key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
    pebble = Pebble(inst, zone, binding={"kid-1": key}, PEBBLE_WFE_NONCEREJECT="50", PEBBLE_VA_NOSLEEP="0",
                    PEBBLE_VA_SLEEPTIME="3")
    try:
        configure(inst, pebble)
        inst.set("acme.agree_terms", "no")
        inst.start()
        done = inst.run("cert", "acme", "request", "mail", "mail.e.test", "www.e.test", check=False)
        assert done.returncode == 1 and "terms of service agreed to: read data:text/plain" in done.err, done.err
        inst.set("acme.agree_terms", "yes")
        inst.run("reload")
        wait_for(lambda: "acme.binding_kid" in status(inst)["mail"]["error"], 60, "the binding is wanted")
        secret = inst.root / "etc/binding.key"
        secret.write_text(key + "\n")
        secret.chmod(0o600)
        inst.set("acme.binding_kid", "kid-1")
        inst.set("acme.binding_key", "binding.key")
        inst.run("reload")
        row = wait_for(lambda: (found := status(inst)["mail"])["state"] == "issued" and found, 120, "issued after all")
        assert row["error"] == "" and pebble.status(row["serial"])["Status"] == "Valid"
        assert "Configured to reject 50% of good nonces" in pebble.told()
    finally:
        inst.close()
        pebble.close()


def test_an_installation_of_before_goes_on(zone):
    """services.conf without [acme]: everything runs, and those who want ACME hear what to add."""
    inst = instance(zone)
    try:
        path = inst.root / "etc/services.conf"
        text = path.read_text()
        head, _, tail = text.partition("[acme]\n")
        path.write_text(head + "\n[" + tail.partition("\n[")[2])
        inst.start()
        assert inst.run("config", "check").returncode == 0
        assert "acme" not in inst.run("doctor", check=False).out
        inst.set("acme.directory", "https://ca.e.test/dir")
        assert "services.conf starts no acmed" in inst.run("config", "check").err
        assert "services.conf starts no acmed" in inst.run("doctor", check=False).out
        done = inst.run("cert", "acme", "request", "x", "x.e.test", check=False)
        assert done.returncode == 1 and "services.conf starts no acmed" in done.err
        path.write_text(text.replace("listen = acme-http:80 acme-tls:443\n", ""))
        done = inst.run("cert", "acme", "request", "x", "x.e.test", check=False)
        assert done.returncode == 1 and "listen = acme-http:80" in done.err
        assert inst.run("reload").returncode == 0
        assert inst.json("cert", "acme", "status") == []
    finally:
        inst.close()
