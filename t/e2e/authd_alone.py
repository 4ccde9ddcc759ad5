"""authd alone, with a fake accountd and a fake keeper of the store."""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import threading

from frames import Connection, U8, U16, U32, U64
from instance import BUILD, TOP, wait_for

ATTACH, START, STEP, CANCEL, CHALLENGE, OK, FAIL = range(1, 8)
(BAD_CREDENTIALS, DISABLED, NEEDS_TLS, BAD_MECHANISM, BAD_MESSAGE, TEMPORARY, BLOCKED,
 CANCELLED) = range(8)
ALL_RIGHTS = 127
AUTH_UID = 64291
# Numbers of messages, in the order of their enum.
_ENUM = re.search(r"enum accountd_type \{(.*?)\};", (TOP / "lib/ipc/accountd.h").read_text(), re.S)[1]
TYPES = {name: i + 1 for i, name in enumerate(re.findall(r"^ +ACCOUNTD_(\w+)", _ENUM, re.M))}


class User:
    def __init__(self, record, state=0, rights=ALL_RIGHTS):
        self.record, self.state, self.rights = record, state, rights


class AuthdAlone:
    """settings: lines of [auth]. users: name -> User."""

    def __init__(self, users, settings=(), accountd=True):
        self.users = dict(users)
        self.rehashed = []
        self.lookups = 0
        self.made = []
        self.killed = False  # by the test
        self.parent = None  # one connection, as of a protocol daemon's parent
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="posthorn-authd-"))
        for name in ("etc", "queue", "store", "db", "log", "run"):
            (self.root / name).mkdir()
        for path in (self.root, self.root / "run", self.root / "store"):
            path.chmod(0o711)
        (self.root / "etc/posthorn.conf").write_text(
            "[users]\n" + "".join(f"{role} = {AUTH_UID}:{AUTH_UID}\n"
                                  for role in ("auth", "smtp", "mail", "admin", "ldap")) +
            "[auth]\nexternal_workers = 1\n" + "".join(line + "\n" for line in settings))
        self._stop = False
        self._servers = []
        if accountd:
            self._serve("accountd.sock", self._accountd)
        self._serve("store.sock", self._store)
        self._start()

    def _start(self):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self.root / "run/authd.sock"))
        listener.listen(1024)
        self.errors = open(self.root / "log/stderr", "wb")
        ours, theirs = socket.socketpair()
        env = dict(os.environ, POSTHORN_ROOT=str(self.root), POSTHORN_SERVICE="auth",
                   POSTHORN_LISTENERS=f"control:{listener.fileno()}",
                   POSTHORN_CONTROL_FD=str(theirs.fileno()))
        self.process = subprocess.Popen([BUILD / "libexec/posthorn/authd"], env=env,
                                        pass_fds=(listener.fileno(), theirs.fileno()),
                                        stderr=self.errors)
        listener.close()
        theirs.close()
        self.control = ours
        self.control.settimeout(10)
        assert self.control.recv(1) == b"R", self.log()

    def log(self):
        return (self.root / "log/stderr").read_text(errors="replace")

    def _serve(self, name, answer):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self.root / "run" / name))
        os.chmod(self.root / "run" / name, 0o666)
        listener.listen(64)
        self._servers.append(listener)

        def client(sock):
            connection = Connection(sock)
            try:
                while True:
                    kind, request_id, fields, _ = connection.receive(timeout=None)
                    reply = answer(kind, request_id, fields)
                    if reply is not None:
                        connection.send(*reply)
            except (EOFError, OSError):
                pass
            finally:
                sock.close()

        def accept():
            while not self._stop:
                try:
                    sock, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=client, args=(sock,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()

    def _accountd(self, kind, request_id, fields):
        if kind == 7:
            user, old, new = fields
            self.rehashed.append((user.decode(), old.decode(), new.decode()))
            self.users[user.decode()].record = new.decode()
            return 11, request_id
        if kind == TYPES["VISITS"]:
            return TYPES["OK"], request_id
        if kind != TYPES["LOGIN"]:  # a watch for changes has its answer when there is one
            return None
        self.lookups += 1
        name = fields[0].decode("utf-8", "replace")
        user = self.users.get(name)
        if user is None:  # what the name would be in the account base
            return (6, request_id, U8(1), name.lower(), "", "", U32(0), U64(0), U64(0), "", U8(0), "", "", "")
        return (6, request_id, U8(user.state), name, "d.test/00/" + name.split("@")[0],
                user.record, U32(user.rights), U64(0), U64(0), "Full Name", U8(0), "", "", "")

    def _store(self, _kind, request_id, fields):
        path = fields[0].decode()
        assert fields[-1] == 1, "urgent: somebody is logging in"
        self.made.append(path)
        (self.root / "store" / path / "mail").mkdir(parents=True)
        return 5, request_id, U32(0), U64(0), U64(0), U32(0), "", *[U32(0)] * 10

    def session(self, service="smtp", client_ip="192.0.2.1"):
        return Session(self, service, client_ip)

    def rss_kib(self):
        """Private memory of all processes of this authd."""
        total = 0
        for pid in self.processes():
            for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Private_"):
                    total += int(line.split()[1])
        return total

    def processes(self):
        pids, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            try:
                children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
            except FileNotFoundError:
                continue  # ended between its parent's list and now
            pids.append(pid)
            todo += [int(child) for child in children.split()]
        return pids

    def close(self):
        self._stop = True
        self.process.terminate()
        assert self.process.wait(10) == 0 or self.killed, self.log()
        for server in self._servers:
            server.close()
        wait_for(lambda: True)
        shutil.rmtree(self.root, ignore_errors=True)


class Session:
    """What a protocol daemon does: attach with a channel, then relay."""

    def __init__(self, alone, service, client_ip):
        ours, theirs = socket.socketpair()
        if alone.parent is None:
            alone.parent = Connection.connect(alone.root / "run/authd.sock")
        alone.parent.send(ATTACH, 0, service, client_ip, "192.0.2.9", U16(4000), U16(587), "s1", U8(0), U32(0),
                         fd=theirs.fileno())
        theirs.close()
        self.channel = Connection(ours)
        self.request = 0
        self.mailbox = None

    def _call(self, kind, *fields):
        self.request += 1
        self.channel.send(kind, self.request, *fields)
        return self.answer()

    def answer(self):
        kind, request_id, fields, fd = self.channel.receive()
        assert request_id == self.request
        if fd is not None:
            self.mailbox = fd
        return kind, fields

    def start(self, mechanism, initial=None, tls=True, binding=b"", host=""):
        return self._call(START, mechanism, U8(initial is not None), initial or b"", U8(tls),
                          binding, host)

    def step(self, data):
        return self._call(STEP, data)

    def cancel(self):
        return self._call(CANCEL, b"")

    def plain(self, user, password, **kwargs):
        return self.start("PLAIN", f"\0{user}\0{password}".encode(), **kwargs)

    def close(self):
        self.channel.close()
