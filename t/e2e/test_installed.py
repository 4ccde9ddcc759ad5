"""The installed places and systemd's part, in a mount namespace: `make install`, setup, start, restart. systemctl is a
script here that does what systemd would do with the unit."""
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from instance import BUILD, TOP, PortRange

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts: needs root")
PLACES = ["/etc/posthorn", "/var/lib/posthorn", "/var/spool/posthorn", "/var/log/posthorn", "/run/posthorn"]
SYSTEMCTL = """#!/bin/sh
echo "$*" >>/var/lib/posthorn/told
[ -e /var/lib/posthorn/unit-is-unknown ] && exit 5
[ -e /var/lib/posthorn/fails ] && exit 1
setsid "$PREFIX/bin/posthorn" start --foreground >/dev/null 2>&1 </dev/null &
until [ -S /run/posthorn/master.sock ] && "$PREFIX/bin/posthorn" status >/dev/null 2>&1; do sleep 0.05; done
"""


class Host:
    """A process whose mount namespace has tmpfs on the installed places, and the fake systemctl."""

    def __init__(self, base, with_systemd):
        self.prefix = base / "usr"
        subprocess.run(["make", "-s", "install", f"PREFIX={self.prefix}", f"BUILD={BUILD.name}"], cwd=TOP, check=True,
                       stdout=subprocess.DEVNULL, timeout=300)
        (base / "systemctl").write_text(SYSTEMCTL)
        (base / "systemctl").chmod(0o755)
        mounts = ["mount --make-rprivate /", *(f"mkdir -p {place} && mount -t tmpfs -o mode=755 tmpfs {place}" for place in PLACES),
                  "mount -t tmpfs tmpfs /run/systemd || { mkdir /run/systemd && mount -t tmpfs tmpfs /run/systemd; }"]
        if with_systemd:
            mounts += ["mkdir /run/systemd/system", f"mount --bind {base}/systemctl /usr/bin/systemctl"]
        self.missing = [place for place in PLACES if not pathlib.Path(place).exists()]
        self.process = subprocess.Popen(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-ec",
                                         "\n".join([*mounts, "echo ready", "read line"])],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"
        [self.pid] = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()

    def run(self, *command, check=True):
        done = subprocess.run(["nsenter", "--target", self.pid, "--mount", "--pid", *map(str, command)], text=True, capture_output=True,
                              env={"PATH": "/usr/bin:/bin", "PREFIX": str(self.prefix)}, timeout=120)
        assert not check or done.returncode == 0, done
        return done

    def posthorn(self, *args, **kw):
        return self.run(self.prefix / "bin/posthorn", *args, **kw)

    def told(self):
        return self.run("cat", "/var/lib/posthorn/told", check=False).stdout.splitlines()

    def close(self):
        self.posthorn("stop", check=False)
        self.process.kill()
        self.process.wait()
        for place in reversed(self.missing):
            os.rmdir(place)


@pytest.fixture
def base():
    base = pathlib.Path(tempfile.mkdtemp(prefix="posthorn-installed-"))
    base.chmod(0o755)
    yield base
    shutil.rmtree(base)


@pytest.fixture
def ports():
    ports = PortRange()
    yield ["--port-offset", str(ports.offset), "--bind", "127.0.0.1"]
    ports.release()


def test_where_systemd_runs_the_host_it_starts_the_suite(base, ports):
    host = Host(base, with_systemd=True)
    try:
        made = host.posthorn("setup", "--domain", "d.test", *ports, "--start").stdout
        assert host.told() == ["start posthorn.service"] and "systemctl enable posthorn" in made
        assert "master --foreground" in host.run("ps", "-ef").stdout
        host.posthorn("restart")
        assert host.told() == ["start posthorn.service"] * 2
        # what is wrong is said here, not in the journal alone
        host.posthorn("stop")
        host.run("sh", "-c", "echo 'no_such_setting = 1' >>/etc/posthorn/posthorn.conf")
        done = host.posthorn("start", check=False)
        assert done.returncode == 1 and "no_such_setting" in done.stderr and len(host.told()) == 2
        host.run("sed", "-i", "/no_such_setting/d", "/etc/posthorn/posthorn.conf")
        host.run("touch", "/var/lib/posthorn/fails")
        done = host.posthorn("start", check=False)
        assert done.returncode == 1 and "journalctl -u posthorn" in done.stderr
        # a PREFIX where systemd does not look
        host.run("mv", "/var/lib/posthorn/fails", "/var/lib/posthorn/unit-is-unknown")
        host.posthorn("start")
        assert "master --foreground" not in host.run("ps", "-ef").stdout
        host.posthorn("status")
    finally:
        host.close()


def test_elsewhere_the_command_starts_it(base, ports):
    host = Host(base, with_systemd=False)
    try:
        made = host.posthorn("setup", "--domain", "d.test", *ports, "--start").stdout
        assert "systemctl" not in made and "posthorn user add NAME@d.test" in made
        assert host.told() == [] and "master" in host.run("ps", "-ef").stdout
    finally:
        host.close()
