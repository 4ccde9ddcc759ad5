"""A small IMAP client for the tests: shows every byte, hides nothing, may break every rule."""
import re
import socket
import ssl

LITERAL = re.compile(rb"\{(\d+)\}\r\n\Z")


class Imap:
    def __init__(self, port, user=None, password="secret-of-test", tls=False, timeout=15):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        if tls:
            self.wrap(handshake_only=True)
        self.file = self.sock.makefile("rb")
        self.count = 0
        self.greeting = self.line()
        if user is not None:
            assert self.ok(f"LOGIN {user} {password}")

    def wrap(self, handshake_only=False):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.sock = context.wrap_socket(self.sock)
        if not handshake_only:
            self.file = self.sock.makefile("rb")

    def send(self, data):
        self.sock.sendall(data.encode() if isinstance(data, str) else data)

    def line(self):
        """One response with its literals; b"" at the end of the connection."""
        text = self.file.readline()
        while (match := LITERAL.search(text)):
            text += self.file.read(int(match.group(1))) + self.file.readline()
        return text

    def command(self, text):
        """(untagged responses, tagged one without its tag)."""
        self.count += 1
        tag = b"t%d" % self.count
        self.send(tag + b" " + (text.encode() if isinstance(text, str) else text) + b"\r\n")
        return self.result(tag)

    def result(self, tag):
        untagged = []
        while True:
            line = self.line()
            if line == b"" or line.startswith(tag + b" "):
                return untagged, line[len(tag) + 1:].rstrip(b"\r\n")
            untagged.append(line.rstrip(b"\r\n"))

    def ok(self, text):
        untagged, tagged = self.command(text)
        assert tagged.startswith(b"OK"), (text, tagged, untagged)
        return untagged or [b""]

    def no(self, text, code=b""):
        untagged, tagged = self.command(text)
        assert tagged.startswith(b"NO"), (text, tagged)
        assert code in tagged, (text, tagged)
        return untagged

    def bad(self, text):
        untagged, tagged = self.command(text)
        assert tagged.startswith(b"BAD"), (text, tagged)
        return untagged

    def append(self, folder, message, arguments=""):
        return self.command(f"APPEND {folder} {arguments}{{{len(message)}+}}\r\n".encode() + message)

    def at_end(self):
        """True once the server has closed; what it says before is dropped."""
        try:
            while self.file.readline():
                pass
        except (ConnectionResetError, ssl.SSLError):
            pass
        return True

    def close(self):
        self.file.close()
        self.sock.close()
