"""A program on a terminal of 24 lines of 80: what its screen shows is waited for, and that it waits for a key."""
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

import pyte

LINES, COLUMNS = 24, 80
STEP = 0.02


class Terminal:
    def __init__(self, command, home):
        self.screen = pyte.Screen(COLUMNS, LINES)
        self.stream = pyte.ByteStream(self.screen)
        self.fd, far = pty.openpty()
        fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TERM": "xterm"}
        self.process = subprocess.Popen([str(c) for c in command], stdin=far, stdout=far, stderr=far,
                                        env=environment, start_new_session=True)
        os.close(far)

    def text(self):
        return "\n".join(line.rstrip() for line in self.screen.display)

    def _take(self):
        """What it has written so far. False: nothing came for a moment."""
        came = False
        while select.select([self.fd], [], [], 0 if came else STEP)[0]:
            try:
                self.stream.feed(os.read(self.fd, 65536))
            except OSError:  # the other end is closed
                return False
            came = True
        return came

    def _awaits_key(self):
        """It sleeps in select() or pselect() for descriptor 0 alone: what it threw away of older keys is past."""
        with open(f"/proc/{self.process.pid}/syscall", encoding="ascii") as file:
            words = file.read().split()
        return len(words) > 1 and int(words[1], 16) == 1

    def wait(self, text):
        """Until the screen shows that and the program asks for the next key."""
        deadline = time.monotonic() + 60
        while self._take() or text not in self.text() or not self._awaits_key():
            assert self.process.poll() is None and time.monotonic() < deadline, (text, self.text())

    def keys(self, *steps):
        """Each a text that is waited for, and the keys to press then."""
        for text, keys in steps:
            self.wait(text)
            os.write(self.fd, keys)

    def finish(self):
        """Its exit status; what it says in the end is taken off."""
        deadline = time.monotonic() + 60
        while self.process.poll() is None:
            assert time.monotonic() < deadline, self.text()
            self._take()
        return self.process.returncode

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.fd)
