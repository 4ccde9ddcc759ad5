"""Thunderbird without a window, driven by Marionette: its own scripts in its own process, in a profile of its own.

Marionette is Mozilla's remote control: a frame is the length, a colon, JSON; a command is [0, id, name, parameters]."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile

from instance import wait_for

START = 60  # seconds: the first start of a profile reads all of the program from the disk
PREFS = {
    "app.update.enabled": False,
    "browser.shell.checkDefaultClient": False,
    "mail.shell.checkDefaultClient": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.enabled": False,
    "extensions.update.enabled": False,
    "extensions.systemAddon.update.enabled": False,
    "app.donation.eoy.version.viewed": 999,
    "mail.spotlight.firstRunDone": True,
    "mail.winsearch.firstRunDone": True,
    "mailnews.start_page.enabled": False,
    "mailnews.confirm.moveFoldersToTrash": False,
    "mail.provider.suppress_dialog_on_startup": True,
    "mail.rights.version": 1,
    "network.connectivity-service.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.dns.disabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "privacy.purge_trackers.enabled": False,
    "marionette.port": 0,  # any: it is written to the profile
}


class Thunderbird:
    def __init__(self, prefs=None):
        self.home = tempfile.TemporaryDirectory(prefix="posthorn-thunderbird-", ignore_cleanup_errors=True)
        self.profile = pathlib.Path(self.home.name) / "profile"
        self.profile.mkdir()
        text = "".join(f"user_pref({json.dumps(k)}, {json.dumps(v)});\n" for k, v in {**PREFS, **(prefs or {})}.items())
        (self.profile / "user.js").write_text(text)
        env = {"PATH": os.environ["PATH"], "HOME": self.home.name, "LANG": "C.UTF-8", "MOZ_HEADLESS": "1",
               "MOZ_CRASHREPORTER_DISABLE": "1", "NO_AT_BRIDGE": "1", "DBUS_SESSION_BUS_ADDRESS": "disabled:",
               **{k: v for k, v in os.environ.items() if k.startswith("MOZ_LOG")}}
        self.log = open(pathlib.Path(self.home.name) / "log", "wb")
        self.child = subprocess.Popen(["thunderbird", "--headless", "--no-remote", "--profile", self.profile, "--marionette",
                                       "--remote-allow-system-access"], env=env, stdin=subprocess.DEVNULL, stdout=self.log,
                                      stderr=self.log, start_new_session=True)
        self.number = 0
        try:
            self._connect()
        except BaseException:
            self.close()
            raise

    def _connect(self):
        port = self.profile / "MarionetteActivePort"
        wait_for(lambda: port.exists() and port.read_text().strip() or self.child.poll() is not None, START, "Marionette")
        assert self.child.poll() is None, self.said()
        self.sock = socket.create_connection(("127.0.0.1", int(port.read_text())), timeout=60)
        self.left = b""
        assert self._receive()["marionetteProtocol"] == 3
        self.command("WebDriver:NewSession", capabilities={"alwaysMatch": {"timeouts": {"script": 40000}}})
        self.command("Marionette:SetContext", value="chrome")

    def _receive(self):
        while b":" not in self.left or len(self.left) - self.left.index(b":") - 1 < int(self.left[:self.left.index(b":")]):
            more = self.sock.recv(1 << 16)
            assert more, "Thunderbird has gone\n" + self.said()
            self.left += more
        length, _, rest = self.left.partition(b":")
        self.left = rest[int(length):]
        return json.loads(rest[:int(length)])

    def command(self, name, **parameters):
        self.number += 1
        frame = json.dumps([0, self.number, name, parameters]).encode()
        self.sock.sendall(b"%d:%s" % (len(frame), frame))
        kind, number, error, result = self._receive()
        assert (kind, number) == (1, self.number)
        if error:
            raise RuntimeError(f"{error['error']}: {error['message']}\n{error.get('stacktrace', '')}")
        return result

    def run(self, script, *args):
        """Runs the body of an async function; `args` are its arguments. Gives what it returns."""
        wrapped = """
            const [...given] = arguments, done = given.pop();
            (async function(...args) {%s})(...given).then(value => done({value: value ?? null}),
                                                         error => done({error: String(error) + "\\n" + (error?.stack ?? "")}));
        """ % script
        got = self.command("WebDriver:ExecuteAsyncScript", script=wrapped, args=list(args), newSandbox=True, sandbox="system")["value"]
        assert got is not None, "Thunderbird shows a dialog"
        if "error" in got:
            raise RuntimeError(got["error"])
        return got["value"]

    def trust(self, host, port, certificate):
        """What the button "Confirm Security Exception" does; `certificate` is PEM."""
        self.run("""
            const [host, port, der] = args;
            const cert = Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB).constructX509FromBase64(der);
            Cc["@mozilla.org/security/certoverride;1"].getService(Ci.nsICertOverrideService)
              .rememberValidityOverride(host, port, {}, cert, true);
        """, host, port, "".join(certificate.strip().splitlines()[1:-1]))

    def said(self):
        return pathlib.Path(self.log.name).read_text(errors="replace")[-5000:]

    def close(self):
        try:
            os.killpg(self.child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.child.wait()
        if hasattr(self, "sock"):
            self.sock.close()
        self.log.close()
        self.home.cleanup()
