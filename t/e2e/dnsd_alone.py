"""dnsd alone: asks it over its socket."""
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

from frames import Connection, U16
from instance import BUILD

A, PTR, MX, TXT, AAAA, SRV, TLSA, CNAME = 1, 12, 15, 16, 28, 33, 52, 5
FOUND, NODATA, NXDOMAIN, TEMPORARY = range(4)
DNS_UID = 64292


class Answer:
    def __init__(self, fields):
        self.status, verdict, self.ttl, canonical, count = fields[:5]
        self.secure, self.bogus = bool(verdict & 1), bool(verdict & 2)
        self.canonical = canonical.decode()
        flat = fields[5:]
        assert len(flat) == 4 * count
        self.records = [tuple(flat[i:i + 4]) for i in range(0, len(flat), 4)]


class DnsdAlone:
    def __init__(self, *settings):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="posthorn-dnsd-"))
        for name in ("etc", "queue", "store", "db", "log", "run"):
            (self.root / name).mkdir()
        (self.root / "etc/posthorn.conf").write_text(
            "[users]\n" + "".join(f"{role} = {DNS_UID}:{DNS_UID}\n" for role in
                                  ("dns", "smtp", "mail", "account", "auth", "queue", "out", "log", "filter", "key", "archive", "admin",
                                   "ldap", "alert")) +
            "[dns]\n" + "".join(line + "\n" for line in settings))
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self.root / "run/dnsd.sock"))
        listener.listen(64)
        self.control, theirs = socket.socketpair()
        env = dict(os.environ, POSTHORN_ROOT=str(self.root), POSTHORN_SERVICE="dns",
                   POSTHORN_LISTENERS=f"control:{listener.fileno()}",
                   POSTHORN_CONTROL_FD=str(theirs.fileno()))
        with open(self.root / "log/stderr", "wb") as errors:
            self.process = subprocess.Popen([BUILD / "libexec/posthorn/dnsd"], env=env,
                                            pass_fds=(listener.fileno(), theirs.fileno()),
                                            stderr=errors)
        listener.close()
        theirs.close()
        self.control.settimeout(10)
        assert self.control.recv(1) == b"R", self.log()
        self.connection = Connection.connect(self.root / "run/dnsd.sock")
        self.request = 0

    def log(self):
        return (self.root / "log/stderr").read_text(errors="replace")

    def send(self, rr, name):
        self.request += 1
        self.connection.send(1, self.request, U16(rr), name)
        return self.request

    def receive(self):
        kind, request_id, fields, _ = self.connection.receive()
        assert kind == 2
        return request_id, Answer(fields)

    def ask(self, rr, name):
        sent = self.send(rr, name)
        request_id, answer = self.receive()
        assert request_id == sent
        return answer

    def close(self):
        self.process.terminate()
        assert self.process.wait(10) == 0, self.log()
        shutil.rmtree(self.root, ignore_errors=True)
