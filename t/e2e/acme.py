"""An authority that speaks ACME: Pebble (RFC 8555), and an instance whose acmed knows it."""
import json
import pathlib
import shutil
import socket
import ssl
import subprocess
import tempfile
import urllib.request

from instance import Instance, wait_for
from nameserver import NameServer, free_port
from pki import Authority

HOSTS = ("mail.e.test", "imap.e.test", "www.e.test", "other.e.test")


class Pebble:
    """Looks for proofs at the ports of `inst`, by the name server of its own."""

    def __init__(self, inst, zone, binding=None, **environment):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="posthorn-pebble-"))
        self.authority = Authority("Authority of the authority")
        self.authority.write(self.dir / "ca.pem")
        self.authority.write_pair(self.dir / "cert.pem", self.dir / "key.pem", "ca.e.test")
        self.port, self.management = free_port(), free_port()
        config = {"listenAddress": f"127.0.0.1:{self.port}", "managementListenAddress": f"127.0.0.1:{self.management}",
                  "certificate": str(self.dir / "cert.pem"), "privateKey": str(self.dir / "key.pem"),
                  "httpPort": inst.port("acme-http"), "tlsPort": inst.port("acme-tls"), "ocspResponderURL": "",
                  "externalAccountBindingRequired": binding is not None, "externalAccountMACKeys": binding or {}}
        (self.dir / "config.json").write_text(json.dumps({"pebble": config}))
        self.zone = zone
        self.environment = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "5", "PEBBLE_AUTHZREUSE": "0", **environment}
        self.start()

    def start(self):
        self.log = open(self.dir / "log", "a")
        self.process = subprocess.Popen(
            ["/usr/bin/pebble", "-config", self.dir / "config.json", "-strict", "-dnsserver", self.zone.address.replace("@", ":")],
            env={"PATH": "/usr/bin:/bin", **self.environment}, stdout=self.log, stderr=self.log)
        wait_for(self._answers, 30, "pebble")

    def _answers(self):
        for port in (self.port, self.management):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) != 0:
                    return False
        return True

    @property
    def url(self):
        return f"https://ca.e.test:{self.port}/dir"

    def told(self):
        return (self.dir / "log").read_text(errors="replace")

    def get(self, path):
        context = ssl.create_default_context(cafile=self.dir / "ca.pem")
        context.check_hostname = False
        with urllib.request.urlopen(f"https://127.0.0.1:{self.management}{path}", context=context, timeout=10) as reply:
            return reply.read()

    def status(self, serial):
        return json.loads(self.get(f"/cert-status-by-serial/{serial.lower()}"))

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.log.close()

    def close(self):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


def name_server(hosts=HOSTS):
    return NameServer({"e.test": ["ca A 127.0.0.1", *(f"{h.split('.')[0]} A 127.0.0.1" for h in hosts)]})


def give_ports(inst, *labels):
    """To acmed, in services.conf."""
    path = inst.root / "etc/services.conf"
    ports = {"acme-http": 80, "acme-tls": 443}
    listen = "listen = " + " ".join(f"{label}:{ports[label]}" for label in labels)
    path.write_text(path.read_text().replace("program = acmed\n", f"program = acmed\n{listen}\n"))


def instance(zone, directory=None, **settings):
    inst = Instance(directory=directory)
    inst.setup()
    give_ports(inst, "acme-http", "acme-tls")
    for name, value in {"dns.stub": f"e.test {zone.address}", "dns.unsigned": "test", "acme.retry": "1s", **settings}.items():
        inst.set(name.replace("__", "."), value)
    return inst


def status(inst):
    return {row["name"]: row for row in inst.json("cert", "acme", "status")}


def configure(inst, pebble, **settings):
    for name, value in {"acme.directory": pebble.url, "acme.verify_ca": pebble.dir / "ca.pem", "acme.agree_terms": "yes",
                        "acme.contact": "admin@e.test", **settings}.items():
        inst.set(name, value)


def ask(inst, data):
    """What comes back until the server closes."""
    answer = b""
    with socket.create_connection(("127.0.0.1", inst.port("acme-http")), timeout=30) as web:
        try:
            web.sendall(data)
            while piece := web.recv(4096):
                answer += piece
        except (ConnectionResetError, BrokenPipeError):
            pass  # it closes without reading what it does not want
    return answer
