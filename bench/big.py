"""The part `big`: one mailbox of 100,000 messages, beside Dovecot with sdbox, mdbox and Maildir."""
import os
import pathlib
import shutil
import socket
import subprocess
import time

import corpus
from peers import DOMAIN, PASSWORD, Dovecot, Posthorn

FOLDER = "Big"
THOUSAND = 1000
MESSAGE = corpus.message(123456)


class Client:
    """Times commands; looks at nothing but the end of the answer."""

    def __init__(self, server):
        self.sock = socket.create_connection(("127.0.0.1", server.imap_port), timeout=600)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = memoryview(bytearray(1 << 20))
        self.sock.recv(4096)
        self.count = 0
        self.ms(f"LOGIN u0@{DOMAIN} {PASSWORD}")

    def _result(self, tag):
        end, tail, size = b"\r\n" + tag + b" ", b"\r\n", 0
        while True:
            n = self.sock.recv_into(self.buffer)
            if n == 0:
                raise RuntimeError("the server closed the connection")
            size += n
            tail = (tail + bytes(self.buffer[max(0, n - 4096):n]))[-8192:]
            at = tail.rfind(end)
            if at >= 0 and tail.endswith(b"\r\n"):
                if not tail[at + len(end):].startswith(b"OK"):
                    raise RuntimeError(tail[at:].decode())
                self.size, self.tail = size, tail
                return

    def ms(self, command):
        self.count += 1
        tag = b"x%d" % self.count
        began = time.perf_counter()
        self.sock.sendall(tag + b" " + command.encode() + b"\r\n")
        self._result(tag)
        return (time.perf_counter() - began) * 1e3

    def append_ms(self, count):
        began = time.perf_counter()
        for _ in range(count):
            self.count += 1
            tag = b"x%d" % self.count
            self.sock.sendall(b"%s APPEND Target {%d}\r\n" % (tag, len(MESSAGE)))
            while not self.sock.recv(4096).startswith(b"+"):
                pass
            self.sock.sendall(MESSAGE + b"\r\n")
            self._result(tag)
        return (time.perf_counter() - began) * 1e3

    def close(self):
        self.ms("LOGOUT")
        self.sock.close()


def drop_caches():
    subprocess.run(["sync"], check=True)
    pathlib.Path("/proc/sys/vm/drop_caches").write_text("3")


def copy_maildir(source, target, uid, gid):
    if not target.parent.exists():
        target.parent.mkdir()
        os.chown(target.parent, uid, gid)
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)
    subprocess.run(["chown", "-R", f"{uid}:{gid}", str(target)], check=True)


def give(server, source):
    """Puts the messages of the Maildir `source` into the folder of u0, however that is quickest."""
    client = Client(server)
    client.ms("CREATE Target")
    client.close()
    if isinstance(server, Posthorn):
        server.cli("user", "set", f"u0@{DOMAIN}", "quota_bytes=0", "quota_messages=0")
        mail = next((server.root / "store").glob(f"{DOMAIN}/*/u0/mail"))
        copy_maildir(source, mail / f".{FOLDER}", mail.stat().st_uid, mail.stat().st_gid)
    elif server.location.startswith("maildir"):
        copy_maildir(source, server.base / f"home/u0/Maildir/.{FOLDER}", 65534, 65534)
    else:
        subprocess.run(["chown", "-R", "65534:65534", str(source)], check=True)
        tree = server.base / "import"
        tree.mkdir()
        (tree / f".{FOLDER}").symlink_to(source)
        for sub in ("cur", "new", "tmp"):
            (tree / sub).mkdir()
        subprocess.run(["chown", "-R", "65534:65534", str(tree)], check=True)
        server.doveadm("-o", "mail_fsync=never", "import", "-u", f"u0@{DOMAIN}", f"maildir:{tree}", "",
                       "mailbox", FOLDER)
    subprocess.run(["sync"], check=True)


def selects(server, times, cold):
    figures = []
    for _ in range(times):
        client = Client(server)
        if cold:
            drop_caches()
        figures.append(client.ms(f"SELECT {FOLDER}"))
        client.close()
    return sorted(figures)[len(figures) // 2]


def measure(server, count, cold):
    """(label, milliseconds) of each case, in an order in which nothing warms what is measured cold."""
    client = Client(server)
    yield "first SELECT after the import (adoption, index)", client.ms(f"SELECT {FOLDER}")
    everything = "FETCH 1:* (UID FLAGS ENVELOPE BODYSTRUCTURE)"
    yield everything + ", first time", client.ms(everything)
    yield everything + ", cached", min(client.ms(everything) for _ in range(2))
    client.close()
    yield "SELECT, warm", selects(server, 7, False)
    if cold:
        yield "SELECT, cold", selects(server, 3, True)
    client = Client(server)
    client.ms(f"SELECT {FOLDER}")
    for label, command, times in (
            ("UID FETCH 1:* (FLAGS)", "UID FETCH 1:* (FLAGS)", 3), ("SEARCH UNSEEN", "SEARCH UNSEEN", 5),
            ("SEARCH SUBJECT word", f"SEARCH SUBJECT {corpus.RARE_SUBJECT}", 3),
            ("SEARCH BODY word, first time", f"SEARCH BODY {corpus.RARE_BODY}", 1),
            ("SEARCH BODY word, again", f"SEARCH BODY {corpus.RARE_BODY}", 2)):
        yield label, min(client.ms(command) for _ in range(times))
    yield "STORE 1:* +FLAGS", client.ms("STORE 1:* +FLAGS (\\Flagged)")
    yield "STORE 1:* +FLAGS.SILENT", client.ms("STORE 1:* +FLAGS.SILENT (\\Answered)")
    few, appends = min(THOUSAND, count // 4), 200
    yield f"APPEND, each of {appends}", client.append_ms(appends) / appends
    yield f"COPY of {few}", client.ms(f"COPY 1:{few} Target")
    yield f"MOVE of {few}", client.ms(f"MOVE {few + 1}:{2 * few} Target")
    client.ms(f"STORE 1:{few} +FLAGS.SILENT (\\Deleted)")
    yield f"EXPUNGE of {few}", client.ms("EXPUNGE")
    client.close()


def servers(top):
    return (lambda base: Posthorn(base, top, users=1),
            lambda base: Dovecot(base, name="Dovecot sdbox", users=1),
            lambda base: Dovecot(base, "mdbox:~/mdbox", name="Dovecot mdbox", users=1),
            lambda base: Dovecot(base, "maildir:~/Maildir", name="Dovecot Maildir", users=1))


def part(rounds, scale, results, base, top, fresh):
    count = 100000 // scale
    source = base / "corpus"
    shutil.rmtree(source, ignore_errors=True)
    corpus.make(source, count)
    try:
        for _ in range(rounds):
            for make in servers(top):
                server = make(fresh())
                server.start()
                try:
                    give(server, source)
                    cpu = server.group.cpu_s()
                    for label, ms in measure(server, count, os.geteuid() == 0 and scale == 1):
                        figure = {"ms": ms, "cpu_ms": (server.group.cpu_s() - cpu) * 1e3}  # of all its runs
                        results.setdefault(("big", label), {}).setdefault(server.name, []).append(figure)
                        print(f"{server.name}: {label}: {ms:.2f} ms", flush=True)
                        cpu = server.group.cpu_s()
                finally:
                    server.stop()
    finally:
        shutil.rmtree(source, ignore_errors=True)
