"""Milters for tests: libmilter's by python3-milter, and one by hand that breaks every rule."""
import json
import pathlib
import struct
import subprocess

from instance import wait_for
from listener import Listener, answers, free_port

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"  # the one that has Debian's modules


class ScriptMilter:
    """t/e2e/milter_script.py, running."""

    def __init__(self, directory):
        self.port, self.path = free_port(), pathlib.Path(directory) / "told"
        self.path.touch()
        self.process = subprocess.Popen(
            [PYTHON, HERE / "milter_script.py", f"inet:{self.port}@127.0.0.1", self.path])
        wait_for(lambda: answers(self.port), 20, "the script milter listens")
        self.spec = f"inet:127.0.0.1:{self.port};name=script"

    def told(self, stage):
        lines = [json.loads(line) for line in self.path.read_text().splitlines()]
        return [line for line in lines if line["stage"] == stage]

    def forget(self):
        self.path.write_text("")

    def stop(self):
        self.process.kill()
        self.process.wait()


def packet(command, data=b""):
    return struct.pack(">I", 1 + len(data)) + command + data


def options(actions=0x1FF, steps=0, version=6):
    return packet(b"O", struct.pack(">III", version, actions, steps))


class RawMilter(Listener):
    """`behave(milter, connection)` runs for each connection; `heard` has the packets it took."""

    def __init__(self, behave, port=0):
        self.behave, self.heard = behave, []
        super().__init__(port)
        self.spec = f"inet:127.0.0.1:{self.port};name=raw"

    def run(self, connection):
        self.behave(self, connection)

    def take(self, connection):
        """The next packet: command and data."""
        length = struct.unpack(">I", self._exact(connection, 4))[0]
        body = self._exact(connection, length)
        self.heard.append((body[:1], body[1:]))
        return body[:1], body[1:]

    @staticmethod
    def _exact(connection, count):
        data = b""
        while len(data) < count:
            more = connection.recv(count - len(data))
            if not more:
                raise EOFError
            data += more
        return data


def talk(steps=0, answers_to=None, actions=0x1FF):
    """A behaviour: negotiates, then answers each command by `answers_to`, else "continue"."""
    def behave(milter, connection):
        milter.take(connection)
        connection.sendall(options(actions, steps))
        while True:
            command, _ = milter.take(connection)
            if command in (b"D", b"A"):
                continue
            if command == b"Q":
                return
            answer = (answers_to or {}).get(command, packet(b"c"))
            if answer is not None:
                connection.sendall(answer)
    return behave
