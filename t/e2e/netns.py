"""Two network namespaces with a wire between them: ours, and that of the others. Needs root."""
import contextlib
import ctypes
import itertools
import os
import subprocess

_libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
_numbers = itertools.count()
OUR_ADDRESS = "198.51.100.1"


def _ip(*args):
    subprocess.run(["ip", *args], check=True, capture_output=True)


class TwoNamespaces:
    """`us` has OUR_ADDRESS, `them` the given addresses of 198.51.100.0/24. Sockets and processes that are made in
    `with spaces.us():` or `with spaces.them():` live there for good."""

    def __init__(self, *addresses):
        tag = f"{os.getpid()}-{next(_numbers)}"
        self.names = {"us": f"posthorn-us-{tag}", "them": f"posthorn-them-{tag}"}
        for name in self.names.values():
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        _ip("link", "add", "eth0", "netns", self.names["us"], "type", "veth",
            "peer", "name", "eth0", "netns", self.names["them"])
        for side, own in (("us", [OUR_ADDRESS]), ("them", addresses)):
            for address in own:
                _ip("-n", self.names[side], "addr", "add", f"{address}/24", "dev", "eth0")
            _ip("-n", self.names[side], "link", "set", "eth0", "up")

    @contextlib.contextmanager
    def _inside(self, side):
        with open("/proc/thread-self/ns/net") as here, open(f"/run/netns/{self.names[side]}") as there:
            self._enter(there)
            try:
                yield
            finally:
                self._enter(here)

    @staticmethod
    def _enter(handle):
        if _libc.setns(handle.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    def us(self):
        return self._inside("us")

    def them(self):
        return self._inside("them")

    def close(self):
        for name in self.names.values():
            _ip("netns", "del", name)
