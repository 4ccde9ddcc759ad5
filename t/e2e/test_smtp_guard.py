"""What happens before and around an SMTP session: screening, limits, load balancers."""
import resource
import socket
import struct
import time

from conftest import PASSWORD
from instance import wait_for
from mailbox import wait_message
from smtp_raw import Raw
from submission import token


def send_message(instance, sender="a@far.test", source="", first=b"", subject=None):
    """One message to alice; the reply to its end."""
    raw = Raw(instance.port("smtp"), source=source, first=first)
    raw.begin(sender, "alice@d.test")
    assert raw.cmd("DATA").code == 354
    raw.send(f"Subject: {subject or token()}\r\n\r\nx\r\n.\r\n")
    reply = raw.reply()
    assert raw.cmd("QUIT").code == 221
    raw.close()
    return reply


def smtpd_parent(instance):
    """The pid that has no smtpd above it."""
    found = [pid for pid, command in instance.processes().items() if "libexec/posthorn/smtpd" in command]
    return next(pid for pid in found if parent_of(pid) not in found)


def parent_of(pid):
    with open(f"/proc/{pid}/stat", encoding="latin-1") as f:
        return int(f.read().rsplit(")", 1)[1].split()[1])


def smtpd_count(instance):
    return sum("libexec/posthorn/smtpd" in command for command in instance.processes().values())


def memory_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("RssAnon"))


# ---- ten thousand that say nothing, or hardly anything ----

FLOOD = 10000


def flood(instance, label, count):
    """Connections from as many addresses, all greeted."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, count + 1000)), hard))
    socks = []
    for i in range(count):
        sock = socket.create_connection(("127.0.0.1", instance.port(label)), timeout=30,
                                        source_address=(f"127.{1 + i // 62500}.{i // 250 % 250}.{i % 250 + 1}", 0))
        socks.append(sock)
    for sock in socks:
        assert sock.recv(1000).startswith(b"220 ")
    return socks


def test_ten_thousand_idle_connections_keep_nobody_out(instance):
    instance.set("smtp.max_clients", "20")
    instance.start()
    instance.add_user("alice@d.test", PASSWORD)
    parent = smtpd_parent(instance)
    before, processes = memory_kib(parent), smtpd_count(instance)
    socks = flood(instance, "smtp", FLOOD)
    try:
        for round_ in range(2):  # half of them trickle
            for sock in socks[::2]:
                sock.send(b"EHLO me"[round_:round_ + 1])
        began = time.monotonic()
        assert send_message(instance).code == 250
        assert time.monotonic() - began < 5, "a sender in the midst of it is served at once"
        assert smtpd_count(instance) <= processes + 2, "they cost no process"
        assert memory_kib(parent) - before < 16 * 1024, "and little memory"
        socks[0].sendall(b"LO me\r\n")  # a line, with what went before
        assert socks[0].recv(4096).startswith(b"250"), "who goes on is served"
    finally:
        for sock in socks:
            sock.close()
    assert send_message(instance).code == 250


def test_there_is_an_end_to_waiting_room(instance):
    """smtp.max_waiting: who waits longest goes."""
    instance.set("smtp.max_waiting", "3")
    instance.start()
    raws = [Raw(instance.port("smtp"), source=f"127.0.1.{i}") for i in range(1, 5)]
    reply = raws[0].reply()
    assert (reply.code, reply.dsn) == (421, "4.3.2") and raws[0].is_closed()
    assert all(raw.ehlo().code == 250 for raw in raws[1:])
    instance.wait_log("smtp", "event=crowded_out")


# ---- the order of tests ----

def test_http_ends_at_once(instance):
    instance.start()
    for line in ("GET / HTTP/1.1", "POST /x HTTP/1.0", "CONNECT a.test:25 HTTP/1.1", "OPTIONS * HTTP/1.1"):
        raw = Raw(instance.port("smtp"))
        raw.send(line + "\r\nHost: x\r\n\r\n")
        assert raw.is_closed()
    instance.wait_log("smtp", "event=http_client")
    assert "service=smtp" not in instance.log("smtp"), "no worker has seen it"


def test_who_is_known_does_not_wait(instance):
    instance.set("smtp.reject_early_talkers", "yes")
    instance.set("smtp.greet_delay", "1s")
    instance.set("smtp.hosts_no_auth", "127.0.0.7")
    instance.start()
    instance.add_user("alice@d.test", PASSWORD)

    def time_to_greeting(source):
        began = time.monotonic()
        Raw(instance.port("smtp"), source=source)
        return time.monotonic() - began

    assert time_to_greeting("127.0.0.3") >= 1
    assert time_to_greeting("127.0.0.3") >= 1, "a greeting alone makes nobody known"
    assert time_to_greeting("127.0.0.7") < 0.9, "trusted"
    assert send_message(instance, source="127.0.0.3").code == 250
    wait_for(lambda: time_to_greeting("127.0.0.3") < 0.9, 10, "known after a message")
    assert time_to_greeting("127.0.0.4") >= 1, "another address is not"
    began = time.monotonic()
    Raw(instance.port("submission"))
    assert time.monotonic() - began < 0.9, "port 25 alone"


def test_pipelining_before_ehlo_is_answered(instance):
    instance.set("smtp.reject_pipelining", "yes")
    instance.start()
    instance.add_user("alice@d.test", PASSWORD)
    raw = Raw(instance.port("smtp"))
    raw.send("EHLO x\r\nMAIL FROM:<a@far.test>\r\n")
    assert raw.reply().code == 554 and raw.is_closed()
    instance.wait_log("smtp", "event=early_pipelining")
    raw = Raw(instance.port("smtp"))
    raw.ehlo()
    raw.send("MAIL FROM:<a@far.test>\r\nRCPT TO:<alice@d.test>\r\nDATA\r\n")
    assert [raw.reply().code for _ in range(3)] == [250, 250, 354], "announced, so allowed"
    raw.send("x\r\n.\r\nNOOP\r\nQUIT\r\n")
    assert [raw.reply().code for _ in range(2)] == [250, 554]


def test_errors_cost_time(instance):
    instance.set("smtp.free_errors", "2")
    instance.set("smtp.error_delay", "200ms")
    instance.start()
    raw, other = Raw(instance.port("smtp")), Raw(instance.port("smtp"))
    times = []
    for _ in range(5):
        began = time.monotonic()
        assert raw.cmd("WHAT").code == 500
        times.append(time.monotonic() - began)
    assert times[2] >= 0.2 and times[3] >= 0.4 and times[4] >= 0.6
    raw.send("WHAT\r\n")  # 800 ms
    began = time.monotonic()
    assert other.ehlo().code == 250 and time.monotonic() - began < 0.7, "nobody else waits"
    assert raw.reply().code == 500


def test_reload_and_stop_find_who_waits(instance):
    instance.start()
    waits, idle = Raw(instance.port("smtp")), Raw(instance.port("smtp"))
    instance.run("reload")
    assert waits.ehlo().code == 250, "a reload drops nobody"
    instance.stop()
    assert idle.reply().code == 421 and idle.is_closed()


# ---- limits and lists of each port ----

def greeting(instance, label, source):
    return Raw(instance.port(label), tls=label == "smtps", source=source).greeting.code


def test_each_port_has_its_own_limits(instance):
    instance.set("smtp.max_clients_per_ip", "2")
    instance.set("smtps.max_clients_per_ip", "1")
    instance.set("submission.max_per_minute_per_ip", "3")
    instance.start()
    keep = [Raw(instance.port("smtp"), source="127.0.0.3") for _ in range(2)]
    keep[0].ehlo()  # in a worker, the other one in the waiting room: both count
    third = Raw(instance.port("smtp"), source="127.0.0.3")
    assert third.greeting.code == 421 and third.is_closed()
    assert greeting(instance, "smtp", "127.0.0.4") == 220
    assert [greeting(instance, "submission", "127.0.0.3") for _ in range(4)] == [220, 220, 220, 421]
    assert Raw(instance.port("smtps"), tls=True, source="127.0.0.3").greeting.code == 220
    keep[0].close()
    wait_for(lambda: greeting(instance, "smtp", "127.0.0.3") == 220, 10, "its place is free again")
    assert 'reason="too many connections from your address"' in instance.log("smtp")


def test_each_port_has_its_own_lists(instance):
    instance.set("smtp.deny", "127.0.0.3")
    instance.set("submission.allow", "127.0.0.4/31")
    instance.set("smtp.max_per_minute_per_ip", "1")
    instance.set("smtp.unlimited_ips", "127.0.0.6")
    instance.start()
    assert greeting(instance, "smtp", "127.0.0.3") == 554
    assert greeting(instance, "submission", "127.0.0.3") == 554
    assert greeting(instance, "submission", "127.0.0.8") == 554, "not by the list of port 25"
    assert greeting(instance, "submission", "127.0.0.5") == 220
    assert [greeting(instance, "smtp", "127.0.0.6") for _ in range(3)] == [220] * 3
    assert [greeting(instance, "smtp", "127.0.0.8") for _ in range(2)] == [220, 421]


def test_a_place_is_kept_for_who_is_known(instance):
    instance.set("smtp.max_clients", "4")
    instance.start()
    instance.add_user("alice@d.test", PASSWORD)
    assert send_message(instance, source="127.0.0.9").code == 250
    busy = [Raw(instance.port("smtp"), source=f"127.0.2.{i}") for i in range(1, 5)]
    codes = [raw.ehlo().code for raw in busy]
    assert codes == [250, 250, 250, 421]
    assert send_message(instance, source="127.0.0.9").code == 250


# ---- load balancers ----

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v2(client, port=4321, command=0x21):
    block = socket.inet_aton(client) + socket.inet_aton("203.0.113.1") + struct.pack(">HH", port, 25)
    return SIGNATURE + bytes([command, 0x11]) + struct.pack(">H", len(block)) + block


def v1(client, port=4321):
    return f"PROXY TCP4 {client} 203.0.113.1 {port} 25\r\n".encode()


def test_proxy_header_names_the_client(instance):
    instance.set("smtp.proxies", "127.0.0.5")
    instance.set("smtp.deny", "192.0.2.66")
    instance.set("smtp.max_clients_per_ip", "1")
    instance.start()
    instance.add_user("alice@d.test", PASSWORD)
    for header, client in ((v1("192.0.2.7"), b"192.0.2.7"), (v2("192.0.2.8"), b"192.0.2.8"),
                           (v2("192.0.2.9", command=0x20), b"127.0.0.5")):
        mark = token()
        assert send_message(instance, source="127.0.0.5", first=header, subject=mark).code == 250
        assert b"[" + client + b"]" in wait_message(instance, "alice@d.test", mark.encode())
    assert Raw(instance.port("smtp"), source="127.0.0.5", first=v1("192.0.2.66")).greeting.code == 554
    keep = Raw(instance.port("smtp"), source="127.0.0.5", first=v1("192.0.2.10"))
    assert Raw(instance.port("smtp"), source="127.0.0.5", first=v2("192.0.2.10")).greeting.code == 421
    keep.close()
    tls = Raw(instance.port("smtps"), tls=True, source="127.0.0.5", first=v2("192.0.2.11"))
    assert tls.ehlo().code == 250
    instance.wait_log("smtp", "client=192.0.2.11 port=4321 service=smtps")
    instance.wait_log("smtp", "event=proxied")


def test_proxy_header_must_be_one(instance):
    instance.set("smtp.proxies", "127.0.0.5")
    instance.start()
    for first in (b"EHLO x\r\n", b"PROXY TCP4 1.2.3 4.5.6.7 1 2\r\n", SIGNATURE + b"\x11"):
        raw = Raw(instance.port("smtp"), source="127.0.0.5", first=first, greeting=False)
        if first.startswith(SIGNATURE):
            raw.send(b"\x11\0\0")
        assert raw.is_closed()
    raw = Raw(instance.port("smtp"), source="127.0.0.5", first=b"PROXY", greeting=False)
    time.sleep(0.1)  # so that it comes in two pieces
    raw.send(b" TCP4 192.0.2.7 203.0.113.1 1 25\r\n")
    assert raw.reply().code == 220
    raw = Raw(instance.port("smtp"), source="127.0.0.5", greeting=False)
    began = time.monotonic()
    assert raw.is_closed() and time.monotonic() - began > 2.9, "and it must come in time"
    raw = Raw(instance.port("smtp"), source="127.0.0.6")
    raw.send(v1("192.0.2.7"))
    assert raw.reply().code == 500, "from nobody else"
    instance.wait_log("smtp", "event=bad_proxy_header")


def test_proxy_headers_of_imap_and_pop3(instance):
    instance.set("imap.proxies", "127.0.0.5")
    instance.set("pop3.proxies", "127.0.0.5")
    instance.start()
    for label, service, hello in (("imap", "imap", b"* OK"), ("pop3", "pop3", b"+OK")):
        sock = socket.create_connection(("127.0.0.1", instance.port(label)), timeout=15,
                                        source_address=("127.0.0.5", 0))
        sock.sendall(v1("192.0.2.7"))
        assert sock.recv(100).startswith(hello)
        sock.close()
        instance.wait_log(service, "client=192.0.2.7")


# ---- peers that speak for others ----

def test_xclient_speaks_for_another(instance):
    instance.set("smtp.xclient_hosts", "127.0.0.5")
    instance.start()
    instance.add_user("alice@d.test", PASSWORD)
    stranger = Raw(instance.port("smtp"))
    assert "XCLIENT" not in stranger.ehlo().text and stranger.cmd("XCLIENT ADDR=192.0.2.7").code == 550

    raw = Raw(instance.port("smtp"), source="127.0.0.5")
    assert "XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT" in raw.ehlo().text
    assert raw.cmd("XCLIENT ADDR=192.0.2.7.1").code == 501
    assert raw.cmd("MAIL FROM:<a@far.test>").code == 250
    assert raw.cmd("XCLIENT ADDR=192.0.2.7").code == 503
    assert raw.cmd("RSET").code == 250
    assert raw.cmd("XCLIENT HELO=spike.far.test PROTO=ESMTP").code == 220
    assert raw.cmd("XCLIENT NAME=spike.far.test ADDR=192.0.2.7").code == 220
    mark = token()
    for command in ("MAIL FROM:<a@far.test> SIZE=100", "RCPT TO:<alice@d.test>"):
        assert raw.cmd(command).code == 250, "HELO was said by XCLIENT"
    assert raw.cmd("RCPT TO:<x@other.test>").code == 553
    raw.cmd("DATA")
    raw.send(f"Subject: {mark}\r\n\r\nx\r\n.\r\n")
    assert raw.reply().code == 250
    assert b"from spike.far.test ([192.0.2.7])" in wait_message(instance, "alice@d.test", mark.encode())
    assert raw.cmd("XCLIENT ADDR=127.0.0.1").code == 550, "whoever it speaks for is not listed"

    raw = Raw(instance.port("submission"), source="127.0.0.5")
    raw.ehlo()
    assert raw.cmd("XCLIENT LOGIN=alice@d.test").code == 220
    raw.begin("alice@d.test", "x@other.test")


def test_xforward_is_logged_with_the_message(instance):
    instance.set("smtp.xforward_hosts", "127.0.0.5")
    instance.start()
    instance.add_user("alice@d.test", PASSWORD)
    raw = Raw(instance.port("smtp"), source="127.0.0.5")
    assert "XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE" in raw.ehlo().text
    assert raw.cmd("XFORWARD NAME=spike.far.test ADDR=192.0.2.7 PROTO=ESMTP").code == 250
    assert raw.cmd("XFORWARD HELO=spike.far.test IDENT=4fXk SOURCE=REMOTE").code == 250
    for mark in (token(), token()):
        raw.cmd("MAIL FROM:<a@far.test>")
        raw.cmd("RCPT TO:<alice@d.test>")
        raw.cmd("DATA")
        raw.send(f"Subject: {mark}\r\n\r\nx\r\n.\r\n")
        assert raw.reply().code == 250
        assert b"[127.0.0.5]" in wait_message(instance, "alice@d.test", mark.encode()), "the log alone"
    instance.wait_log("smtp", "name=spike.far.test addr=192.0.2.7 port=\"\" proto=ESMTP "
                              "helo=spike.far.test ident=4fXk source=REMOTE")
    assert instance.log("smtp").count("event=forwarded") == 1, "void after the first message"
