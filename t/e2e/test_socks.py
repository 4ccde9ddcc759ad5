"""[proxy]: mail to other servers goes through a SOCKS server (REM-13), and `posthorn proxy test` (REM-14)."""
import signal
import smtplib
import socket
import socketserver
import ssl
import struct
import subprocess
import threading
import uuid

import pytest

from conftest import PASSWORD
from instance import Instance, wait_for
from nameserver import NameServer, free_port
from smtp_sink import Sink

INSECURE = ssl._create_unverified_context()
FAR = "192.0.2.25"  # documentation (RFC 5737): nobody but the proxy leads there


def pump(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
        b.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class FakeProxy:
    """SOCKS 4 and 5; whatever the target is, `to` is connected. say: what is said to the request instead, "STALL" to
    say nothing at all. requests: (version, user, password, address, port)."""

    def __init__(self, to, login=None):
        self.to, self.login, self.say, self.requests = to, login, None, []
        proxy = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                try:
                    proxy.serve(self.request)
                except (OSError, struct.error):
                    pass

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def serve(self, sock):
        file = sock.makefile("rb")
        user = password = None
        if file.peek(1)[:1] == b"\4":
            _, _, port, address = struct.unpack("!BBH4s", file.read(8))
            user = b"".join(iter(lambda: file.read(1), b"\0")).decode()
            family, version, yes = socket.AF_INET, 4, b"\0\x5a" + bytes(6)
        else:
            version, count = file.read(2)
            methods = file.read(count)
            method = 2 if self.login else 0
            sock.sendall(bytes([5, method if method in methods else 0xff]))
            if method == 2:
                file.read(1)
                user, password = (file.read(file.read(1)[0]).decode() for _ in range(2))
                sock.sendall(bytes([1, (user, password) != self.login]))
            _, _, _, kind = file.read(4)
            family = {1: socket.AF_INET, 4: socket.AF_INET6}[kind]
            address = file.read(4 if kind == 1 else 16)
            port, = struct.unpack("!H", file.read(2))
            yes = b"\5\0\0\1" + bytes(6)
        self.requests.append((version, user, password, socket.inet_ntop(family, address), port))
        if self.say == "STALL":
            threading.Event().wait(30)
        sock.sendall(yes if self.say is None else self.say)
        if self.say is not None:
            return
        with socket.create_connection(self.to) as server:
            threading.Thread(target=pump, args=(sock, server), daemon=True).start()
            pump(server, sock)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def sink():
    server = Sink("127.0.0.2")
    yield server
    server.close()


@pytest.fixture(scope="module")
def suite(sink):
    inst = Instance()
    inst.setup()
    inst.zone = NameServer({"far.test": ["*.w MX 10 mx", f"mx A {FAR}", "mx AAAA 2001:db8::25", "proxy A 127.0.0.1"]})
    for name, value in (("dns.stub", f"far.test {inst.zone.address}"), ("dns.unsigned", "test"), ("remote.port", sink.port),
                        ("remote.mta_sts", "no"), ("remote.workers", "2"), ("remote.idle_time", "0s"),
                        ("remote.connect_timeout", "2s"), ("queue.retry_interval", "1h")):
        inst.set(name, value)
    inst.start()
    inst.add_user("alice@d.test", PASSWORD)
    yield inst
    inst.close()
    inst.zone.close()


@pytest.fixture
def proxy(sink):
    server = FakeProxy(("127.0.0.2", sink.port))
    yield server
    server.close()


def use(suite, **settings):
    """Sets [proxy] and has it taken over."""
    for name, value in {"type": "socks5", "host": "127.0.0.1", "user": "", **settings}.items():
        suite.set(f"proxy.{name}", value)
    suite.run("restart")


def password(suite, text, mode=0o600):
    path = suite.root / "etc" / "proxy.password"
    path.write_text(text)
    path.chmod(mode)


def submit(suite):
    token, to = uuid.uuid4().hex, f"x@{uuid.uuid4().hex[:12]}.w.far.test"
    with smtplib.SMTP("127.0.0.1", suite.port("submission"), timeout=15) as client:
        client.starttls(context=INSECURE)
        client.login("alice@d.test", PASSWORD)
        client.sendmail("alice@d.test", [to], f"From: alice@d.test\r\nSubject: {token}\r\n\r\nx\r\n")
    return token, to


def arrived(sink, token):
    return wait_for(lambda: next((m for m in sink.messages if token.encode() in m.content), None), 20, "it at the sink")


def deferred(suite, to):
    def find():
        return next((line for line in suite.log("remote").splitlines() if "event=failed" in line and f"to={to}" in line), None)
    return wait_for(find, 20, "a verdict")


def test_socks5_with_names_resolved_here(suite, sink, proxy):
    use(suite, host="proxy.far.test", port=proxy.port)
    arrived(sink, submit(suite)[0])
    targets = {request[3] for request in proxy.requests}
    assert targets and targets <= {FAR, "2001:db8::25"} and {r[4] for r in proxy.requests} == {sink.port}


def test_socks5_with_a_login(suite, sink, proxy):
    proxy.login = ("me", "p\u00e4ss word")
    password(suite, "p\u00e4ss word\n")
    use(suite, port=proxy.port, user="me")
    arrived(sink, submit(suite)[0])
    assert proxy.requests[-1][1:3] == proxy.login
    assert "word" not in suite.log("remote")


def test_socks4_leads_to_ipv4_alone(suite, sink, proxy):
    use(suite, type="socks4", port=proxy.port, user="me")
    arrived(sink, submit(suite)[0])
    assert {request[:4] for request in proxy.requests} == {(4, "me", None, FAR)}
    assert "IPv4 addresses alone" not in suite.log("remote"), "the others are not tried in vain"


@pytest.mark.parametrize("say,reason", [
    (b"\5\2\0\1" + bytes(6), "rules do not allow"), (b"\5\5\0\1" + bytes(6), "connection refused"),
    (b"\5\0\0\7" + bytes(6), "unknown kind"), (b"\5\0\0\3\xff", "closed the connection"), (b"", "closed the connection"),
    (b"220 I am no proxy\r\n", "does not speak SOCKS 5"), ("STALL", "timed out"),
], ids=["rules", "refused", "kind", "cut", "closed", "smtp", "silent"])
def test_what_the_proxy_refuses_waits(suite, proxy, say, reason):
    proxy.say = say
    use(suite, port=proxy.port)
    _, to = submit(suite)
    line = deferred(suite, to)
    assert "outcome=deferred" in line and reason in line and "connect by the proxy" in line


def test_a_proxy_that_is_not_there(suite, sink):
    use(suite, port=free_port())
    _, to = submit(suite)
    assert "connect by the proxy: Connection refused" in deferred(suite, to)
    use(suite, host="nowhere.far.test")
    _, to = submit(suite)
    assert "no address for the proxy nowhere.far.test" in deferred(suite, to)


@pytest.mark.parametrize("settings,text,mode,words", [
    ({"host": ""}, "x", 0o600, "needs proxy.host"), ({"user": "me"}, "x", 0o644, "chmod 600"),
    ({"user": "me"}, "one\ntwo\n", 0o600, "one line"), ({"user": "me"}, "", 0o600, "one line"),
], ids=["host", "mode", "lines", "empty"])
def test_wrong_settings_are_named(suite, settings, text, mode, words):
    password(suite, text, mode)
    for name, value in {"type": "socks5", "host": "127.0.0.1", "user": "", **settings}.items():
        suite.set(f"proxy.{name}", value)
    done = suite.run("proxy", "test", check=False)
    assert done.returncode == 1 and words in done.err


def test_the_test_command(suite, sink, proxy):
    proxy.login = ("me", "secret")
    password(suite, "secret")
    use(suite, port=proxy.port, user="me")
    assert suite.json("proxy", "test")[0]["login"] is True and not proxy.requests
    row = suite.json("proxy", "test", f"mx.far.test:{sink.port}")[0]
    assert row["greeting"] == "220 sink ESMTP" and row["target"] == f"mx.far.test:{sink.port}"
    assert proxy.requests[-1] == (5, "me", "secret", FAR, sink.port)
    proxy.say = b"\5\4\0\1" + bytes(6)
    done = suite.run("proxy", "test", f"{FAR}:25", check=False)
    assert done.returncode == 1 and "host unreachable" in done.err
    proxy.login = ("me", "another")
    done = suite.run("proxy", "test", check=False)
    assert done.returncode == 1 and "refused user name and password" in done.err
    suite.set("proxy.type", "none")
    assert "no proxy" in suite.run("proxy", "test", check=False).err


# ---- servers that are not ours ----

@pytest.fixture(scope="module")
def far_sink(sink):
    """The sink, at an address that is not the loopback's."""
    done = subprocess.run(["ip", "addr", "add", f"{FAR}/32", "dev", "lo"], capture_output=True)
    if done.returncode != 0:
        pytest.skip(f"no address can be added here: {done.stderr.decode()}")
    server = Sink(FAR, port=sink.port)
    yield server
    server.close()
    subprocess.run(["ip", "addr", "del", f"{FAR}/32", "dev", "lo"], check=True)


def listening(port):
    def connects():
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True
        except OSError:
            return False
    wait_for(connects, 10, "the proxy")


def test_microsocks(suite, far_sink):
    port = free_port()
    server = subprocess.Popen(["microsocks", "-i", "127.0.0.1", "-p", str(port), "-u", "me", "-P", "secret"])
    try:
        listening(port)
        password(suite, "secret\n")
        use(suite, port=port, user="me")
        arrived(far_sink, submit(suite)[0])
        assert suite.json("proxy", "test", f"{FAR}:{far_sink.port}")[0]["greeting"] == "220 sink ESMTP"
        done = suite.run("proxy", "test", f"{FAR}:1", check=False)
        assert done.returncode == 1 and "refused" in done.err
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


@pytest.mark.parametrize("version", ["socks4", "socks5"])
def test_dante(suite, far_sink, tmp_path, version):
    port = free_port()
    (tmp_path / "danted.conf").write_text(
        f"logoutput: {tmp_path}/log\ninternal: 127.0.0.1 port = {port}\nexternal: lo\nclientmethod: none\nsocksmethod: none\n"
        "user.privileged: root\nuser.unprivileged: nobody\nclient pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }\n"
        f"socks pass {{ from: 127.0.0.0/8 to: {FAR}/32 }}\nsocks block {{ from: 127.0.0.0/8 to: 0.0.0.0/0 }}\n")
    server = subprocess.Popen(["/usr/sbin/danted", "-f", tmp_path / "danted.conf", "-p", tmp_path / "pid"])
    try:
        listening(port)
        use(suite, type=version, port=port)
        arrived(far_sink, submit(suite)[0])
        done = suite.run("proxy", "test", "192.0.2.26:25", check=False)
        assert done.returncode == 1
        assert ("rules do not allow" if version == "socks5" else "refused, or could not connect") in done.err
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()
