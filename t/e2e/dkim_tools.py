"""Verifies DKIM signatures with programs that are not ours, against the zone of a real name server."""
import pathlib
import re
import shutil
import subprocess
import tempfile

import dkim


def txt(server, name):
    """The TXT record as dkimpy wants it: its strings joined."""
    done = subprocess.run(["dig", "+short", "+tries=2", "-p", str(server.port), "@127.0.0.1", name, "TXT"],
                          capture_output=True, check=True)
    return b"".join(re.findall(rb'"((?:[^"\\]|\\.)*)"', done.stdout)) or None


def signatures(content):
    """The tags of each DKIM-Signature field, from the top."""
    head = content.split(b"\r\n\r\n")[0].replace(b"\r\n\t", b" ")
    return [dict(tag.strip().split("=", 1) for tag in line.split(":", 1)[1].rstrip("; ").split(";"))
            for line in head.decode("utf-8", "replace").split("\r\n") if line.startswith("DKIM-Signature:")]


def verify(content, server):
    """One bool for each signature of the message, by dkimpy."""
    verifier = dkim.DKIM(content)
    results = []
    for i in range(len(signatures(content))):
        try:
            results.append(verifier.verify(idx=i, dnsfunc=lambda name, timeout=5: txt(server, name.decode())))
        except dkim.DKIMException:
            results.append(False)
    return results


_LIBOPENDKIM = """
import ctypes, sys
from ctypes import byref, c_char_p, c_int, c_size_t, c_uint, c_void_p
lib = ctypes.CDLL("libopendkim.so.11")
for name, result, arguments in (
        ("dkim_init", c_void_p, [c_void_p, c_void_p]), ("dkim_verify", c_void_p, [c_void_p, c_char_p, c_void_p, c_void_p]),
        ("dkim_chunk", c_int, [c_void_p, c_char_p, c_size_t]), ("dkim_eom", c_int, [c_void_p, c_void_p]),
        ("dkim_getsiglist", c_int, [c_void_p, c_void_p, c_void_p]), ("dkim_sig_process", c_int, [c_void_p, c_void_p]),
        ("dkim_sig_getflags", c_uint, [c_void_p]), ("dkim_sig_getbh", c_int, [c_void_p])):
    getattr(lib, name).restype, getattr(lib, name).argtypes = result, arguments
status, signatures, count = c_int(), ctypes.POINTER(c_void_p)(), c_int()
message = lib.dkim_verify(lib.dkim_init(None, None), b"test", None, byref(status))
content = sys.stdin.buffer.read()
assert lib.dkim_chunk(message, content, len(content)) == 0 and lib.dkim_chunk(message, None, 0) == 0
lib.dkim_eom(message, None)
assert lib.dkim_getsiglist(message, byref(signatures), byref(count)) == 0
for i in range(count.value):
    lib.dkim_sig_process(message, signatures[i])
    flags = lib.dkim_sig_getflags(signatures[i])
    print("good" if flags & 4 and lib.dkim_sig_getbh(signatures[i]) == 0 else "bad")
"""


def opendkim(content, zones):
    """One bool for each signature, by libopendkim, which asks the resolver of its machine: one in a network
    namespace of its own. zones: name -> file."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="posthorn-opendkim-"))
    try:
        (directory / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:2\n")
        (directory / "message").write_bytes(content)
        (directory / "verify.py").write_text(_LIBOPENDKIM)
        config = (f"server:\n ip-address: 127.0.0.1\n zonesdir: \"{directory}\"\n username: \"\"\n chroot: \"\"\n"
                  f" database: \"\"\n pidfile: \"{directory}/pid\"\n zonelistfile: \"{directory}/list\"\n"
                  f" xfrdfile: \"{directory}/xfrd\"\n logfile: \"{directory}/log\"\n server-count: 1\n"
                  f"remote-control:\n control-enable: no\n")
        for name, path in zones.items():
            config += f"zone:\n name: {name}\n zonefile: {path}\n"
        (directory / "nsd.conf").write_text(config)
        script = (f"ip link set lo up && mount --bind {directory}/resolv.conf /etc/resolv.conf && "
                  f"{{ /usr/sbin/nsd -d -c {directory}/nsd.conf & }} && "
                  "for i in $(seq 100); do dig +time=1 +tries=1 @127.0.0.1 version.bind CH TXT >/dev/null && break; done; "
                  f"/usr/bin/python3 {directory}/verify.py <{directory}/message; rc=$?; kill $!; exit $rc")
        done = subprocess.run(["unshare", "-mn", "sh", "-c", script], capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return [line == b"good" for line in done.stdout.split()]
    finally:
        shutil.rmtree(directory, ignore_errors=True)
