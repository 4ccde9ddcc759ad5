"""What the tests of outgoing TLS share: an instance that knows the test's zones and authority, a web server
with a certificate, and questions about what left."""
import http.server
import pathlib
import tempfile
import threading

from conftest import PASSWORD
from instance import Instance, wait_for


def outgoing(world, settings, before=None):
    """A running instance with alice@d.test; `world` has sinks, an authority and a port for mail. `before(instance,
    directory)` may add settings."""
    inst = Instance()
    inst.setup()
    directory = pathlib.Path(tempfile.mkdtemp(dir=inst.base))
    world.authority.write(directory / "ca.pem")
    common = {"dns.timeout": "3s", "remote.port": world.port, "remote.verify_ca": directory / "ca.pem",
              "remote.idle_time": "0", "remote.workers": "8", "queue.retry_interval": "1h",
              "remote.protocols": "ipv4"}
    if before:
        settings = {**settings, **before(inst, directory)}
    for name, value in {**common, **settings}.items():
        inst.set(name, value)
    inst.start()
    inst.add_user("alice@d.test", PASSWORD)
    return inst


def policy(suite, token):
    """The log line about the level of the connection that took the message."""
    def find():
        return next((line for line in suite.log("remote").splitlines()
                     if "event=tls_policy" in line and token.queue_id in line), None)
    return wait_for(find, 10, "event=tls_policy")


def seen(world, token):
    return [m for sink in world.sinks for m in sink.messages if token.encode() in m.content]


class WebServer:
    """HTTPS on one port of an address. `answer(handler)` has the request in a BaseHTTPRequestHandler."""

    def __init__(self, authority, names, answer, address="127.0.0.6", port=0):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                answer(self)

            do_POST = do_HEAD = do_GET

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer((address, port), Handler)
        self.context, _ = authority.issue(*names)
        self.server.socket = self.context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class PolicyHost(WebServer):
    """MTA-STS policies of the domains below `below`; what it serves: domain -> (status, type, text)."""

    def __init__(self, authority, names, below="e.test", **place):
        self.pages, self.asked, self.below = {}, [], below
        super().__init__(authority, names, self._answer, **place)

    def _answer(self, handler):
        name = handler.headers["Host"].removeprefix("mta-sts.")
        self.asked.append((name, handler.path))
        status, kind, text = self.pages.get(name, (404, "text/plain", "no"))
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        if status == 302:
            handler.send_header("Location", "/other")
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text.encode())

    def serve(self, name, mode="enforce", mx=None, max_age=86400, status=200, kind="text/plain", more=""):
        mx = [f"mx.{self.below}"] if mx is None else mx
        lines = ["version: STSv1", f"mode: {mode}", *(f"mx: {m}" for m in mx), f"max_age: {max_age}", more]
        self.pages[f"{name}.{self.below}"] = (status, kind, "\r\n".join(lines))

    def count(self, name):
        return sum(n == f"{name}.{self.below}" for n, _ in self.asked)


class ReportHost(WebServer):
    """Takes TLS reports: (path, headers, body) of each in `posted`."""

    def __init__(self, authority, names, status=201, **place):
        self.posted, self.status = [], status
        super().__init__(authority, names, self._answer, **place)

    def _answer(self, handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        self.posted.append((handler.path, dict(handler.headers), body))
        handler.send_response(self.status)
        handler.send_header("Content-Length", "0")
        handler.end_headers()
