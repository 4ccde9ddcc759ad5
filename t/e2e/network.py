"""Two hosts of a test: network namespaces with a cable between them, and nothing beyond."""
import contextlib
import ctypes
import itertools
import os
import subprocess

_libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
_numbers = itertools.count()


def _ip(*args):
    subprocess.run(["ip", *args], check=True, capture_output=True)


class Host:
    """One namespace. `prefix` before a command runs it there."""

    def __init__(self, name, address):
        self.name, self.address = name, address
        self.prefix = ["ip", "netns", "exec", name]
        _ip("netns", "add", name)
        _ip("-n", name, "link", "set", "lo", "up")

    def run(self, *command, **kwargs):
        return subprocess.run([*self.prefix, *map(str, command)], capture_output=True, timeout=60, **kwargs)

    @contextlib.contextmanager
    def inside(self):
        """Sockets, threads and processes that are made in here live there for good."""
        with open("/proc/thread-self/ns/net") as here, open(f"/run/netns/{self.name}") as there:
            self._enter(there)
            try:
                yield
            finally:
                self._enter(here)

    @staticmethod
    def _enter(handle):
        if _libc.setns(handle.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    def add_address(self, address):
        _ip("-n", self.name, "addr", "add", f"{address}/24", "dev", "wire")

    def close(self):
        subprocess.run(["ip", "netns", "del", self.name], check=False, capture_output=True)


class Network:
    """`ours` and `theirs`, at 10.79.0.1 and 10.79.0.2: nobody else sees these."""

    def __init__(self):
        tag = f"{os.getpid()}-{next(_numbers)}"
        self.ours = Host(f"ph-a-{tag}", "10.79.0.1")
        self.theirs = Host(f"ph-b-{tag}", "10.79.0.2")
        _ip("-n", self.ours.name, "link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns",
            self.theirs.name)
        for host in (self.ours, self.theirs):
            _ip("-n", host.name, "addr", "add", f"{host.address}/24", "dev", "wire")
            _ip("-n", host.name, "link", "set", "wire", "up")

    def close(self):
        self.ours.close()
        self.theirs.close()
