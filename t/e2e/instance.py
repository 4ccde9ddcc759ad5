"""A real Posthorn instance for the end-to-end tests: own directory, own ports on loopback."""
import fcntl
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = TOP / os.environ.get("POSTHORN_BUILD", "build")
STANDARD_PORTS = {
    "smtp": 25, "submission": 587, "smtps": 465,
    "imap": 143, "imaps": 993, "pop3": 110, "pop3s": 995, "admin": 6000, "metrics": 6001, "ldap": 389, "ldaps": 636,
    "acme-http": 80, "acme-tls": 443,
}
LOCKS = pathlib.Path("/tmp/posthorn-test-ports")


def wait_for(condition, deadline=20.0, what="condition"):
    """Polls until condition() is true and returns its value; fails when the deadline has passed."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline} s: {what}")
        time.sleep(0.02)


def _ports_free(offset):
    for port in STANDARD_PORTS.values():
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("127.0.0.1", port + offset))
            except OSError:
                return False
    return True


class PortRange:
    """One block of ports that no other test process has at the same time."""

    def __init__(self):
        LOCKS.mkdir(exist_ok=True)
        for offset in range(11500, 31000, 1000):  # never 20000: the demo has that
            handle = open(LOCKS / str(offset), "w")
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                handle.close()
                continue
            if _ports_free(offset):
                self.offset, self._handle = offset, handle
                return
            handle.close()
        raise RuntimeError("no free range of ports on 127.0.0.1")

    def release(self):
        self._handle.close()


class Instance:
    def __init__(self, domain="d.test", hostname="mail.d.test", directory=None, build=BUILD):
        self.domain, self.hostname, self.build = domain, hostname, pathlib.Path(build)
        self._own_directory = directory is None
        self.base = pathlib.Path(directory or tempfile.mkdtemp(prefix="posthorn-test-"))
        self.root = self.base / "ph"
        self.ports = PortRange()
        self.offset = self.ports.offset
        self.prefix = []  # of every command: "ip netns exec NAME" for a host of network.py

    # -- the command line --
    def run(self, *args, stdin=None, check=True, timeout=60):
        command = [*self.prefix, str(self.build / "bin/posthorn"), "--root", str(self.root), *map(str, args)]
        if isinstance(stdin, str):
            stdin = stdin.encode()
        done = subprocess.run(command, input=stdin if stdin is not None else b"",
                              capture_output=True, timeout=timeout)
        done.out, done.err = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, args))}: exit {done.returncode}\n{done.out}{done.err}")
        return done

    def json(self, *args, **kwargs):
        return json.loads(self.run(*args, "--json", **kwargs).out)

    def setup(self, *extra):
        """With the limits for mass mail off: tests send as fast as they can."""
        done = self.run("setup", "--domain", self.domain, "--hostname", self.hostname,
                        "--port-offset", self.offset, "--bind", "127.0.0.1", *extra)
        for name in ("smtp_logins_per_user", "recipients_per_user", "same_subject"):
            self.set(f"guess.{name}", "0")
        return done

    def start(self):
        return self.run("start")

    def stop(self):
        return self.run("stop")

    def add_user(self, address, password="secret-of-" "test"):
        self.run("user", "add", address, "--password-stdin", stdin=password + "\n")

    def set(self, name, value):
        self.run("config", "set", name, value)

    def allow_small_quotas(self, domain=None):
        """For tests that fill a mailbox: below the least quota as shipped."""
        self.run("domain", "set", domain or self.domain, "min_quota_bytes=1")

    def use_disk_to_the_last(self):
        """For tests on file systems that are smaller than the shipped limits."""
        for name in ("soft_limit", "hard_limit", "soft_files", "hard_files"):
            self.set(f"disk.{name}", "0")

    # -- places --
    def port(self, label):
        return STANDARD_PORTS[label] + self.offset

    def log(self, service):
        path = self.root / "log" / f"{service}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def wait_log(self, service, text, deadline=20):
        """Programs don't wait for logd: a line may come after what it tells of."""
        wait_for(lambda: text in self.log(service), deadline, f"{text!r} in {service}.log")

    def processes(self):
        """pid -> command line of every process of this instance."""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                environ = (entry / "environ").read_bytes()
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if str(self.root).encode() in environ or str(self.root) in command:
                found[int(entry.name)] = command
        return found

    def queue_empty(self):
        # A power cut may leave an ID.env in new/ whose message never came: swept an hour later.
        return not any("." not in file.name for state in ("new", "active", "deferred")
                       for file in (self.root / "queue" / state).iterdir())

    def wait_queue_empty(self, deadline=30):
        wait_for(self.queue_empty, deadline, "queue empty")

    def close(self):
        if self.root.exists():
            self.run("stop", check=False)
        self.ports.release()
        if self._own_directory and not os.environ.get("POSTHORN_KEEP"):
            shutil.rmtree(self.base, ignore_errors=True)
