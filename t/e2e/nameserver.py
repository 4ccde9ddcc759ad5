"""NSD with zones of the test, on a loopback port; signed ones by ldns."""
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

from instance import wait_for


def free_port(address="127.0.0.1"):
    """One that is free for UDP and for TCP."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind((address, 0))
            try:
                tcp.bind(udp.getsockname())
            except OSError:
                continue
            return udp.getsockname()[1]


class NameServer:
    """zones: name -> lines of records (relative names), without SOA and NS. signed: names of zones
    that get a DNSSEC key; `anchors` is then a file with their DNSKEYs. tamper: zone -> what makes of its
    signed text the one that is served. host: of network.py, where it then answers on port 53."""

    def __init__(self, zones, signed=(), tamper=None, host=None):
        self.tamper = tamper or {}
        self.port, self.serial = 53 if host else free_port(), 1
        self.ip, self.prefix = (host.address, host.prefix) if host else ("127.0.0.1", [])
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="posthorn-nsd-"))
        self.anchors = self.dir / "anchors"
        self.anchors.write_text("")
        config = (f"server:\n ip-address: {self.ip}@{self.port}\n zonesdir: \"{self.dir}\"\n"
                  f" username: \"\"\n chroot: \"\"\n database: \"\"\n pidfile: \"{self.dir}/pid\"\n"
                  f" zonelistfile: \"{self.dir}/list\"\n xfrdfile: \"{self.dir}/xfrd\"\n"
                  f" logfile: \"{self.dir}/log\"\n server-count: 1\n rrl-ratelimit: 0\n"
                  f"remote-control:\n control-enable: no\n")
        for name, records in zones.items():
            self._write_zone(name, records, name in signed)
            config += f"zone:\n name: {name}\n zonefile: {name}.zone\n"
        (self.dir / "nsd.conf").write_text(config)
        self.process = subprocess.Popen([*self.prefix, "/usr/sbin/nsd", "-d", "-c", self.dir / "nsd.conf"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self._answers, 10, "nsd")

    def _answers(self):
        return subprocess.run([*self.prefix, "dig", "+time=1", "+tries=1", "-p", str(self.port), f"@{self.ip}",
                               "version.bind", "CH", "TXT"],
                              capture_output=True).returncode == 0

    def _write_zone(self, name, records, sign):
        path = self.dir / f"{name}.zone"
        path.write_text(f"$ORIGIN {name}.\n$TTL 300\n@ SOA ns hostmaster {self.serial} 3600 600 86400 60\n"
                        f"@ NS ns\nns A {self.ip}\n" + "\n".join(records) + "\n")
        if not sign:
            return
        key = subprocess.run(["ldns-keygen", "-a", "ECDSAP256SHA256", "-k", name], cwd=self.dir,
                             capture_output=True, check=True).stdout.decode().strip()
        subprocess.run(["ldns-signzone", "-f", str(path) + ".signed", str(path), str(self.dir / key)],
                       cwd=self.dir, check=True, capture_output=True)
        text = (path.parent / (path.name + ".signed")).read_text()
        path.write_text(self.tamper.get(name, lambda t: t)(text))
        with open(self.anchors, "a") as f:
            f.write((self.dir / f"{key}.key").read_text())

    def replace(self, name, records):
        """Other records for an unsigned zone; they are there when this returns."""
        self.serial += 1
        self._write_zone(name, records, False)
        self.process.send_signal(signal.SIGHUP)
        wait_for(lambda: f" {self.serial} " in subprocess.run(
            [*self.prefix, "dig", "+short", "-p", str(self.port), f"@{self.ip}", name, "SOA"], capture_output=True).stdout.decode(),
            10, f"zone {name} with serial {self.serial}")

    @property
    def address(self):
        return f"{self.ip}@{self.port}"

    def close(self):
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.dir, ignore_errors=True)
