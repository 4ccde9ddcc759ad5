"""A mail server under the test's control: it can refuse, stall, hang up, or lack extensions."""
import base64
import fnmatch
import shutil
import socket
import socketserver
import ssl
import subprocess
import tempfile
import threading
import pathlib


class Sink:
    """replies: command word ("MAIL", "RCPT x@y", "RCPT later*", "DATA", "." and so on) -> reply text, or
    "CLOSE" to hang up, or a list of them, used one after the other. extensions: EHLO keywords. login: (user,
    password) that MAIL needs, by one of `mechanisms`. tls_at_once: before the greeting. lmtp: LHLO,
    and a reply for each recipient at the end ("." or ". x@y"); path: a Unix socket instead of an address. Messages that
    were taken are in `messages`, commands in `commands`, names that clients wanted in `names`."""

    def __init__(self, address="127.0.0.2", port=0, extensions=("PIPELINING", "8BITMIME", "SIZE 1000000", "DSN", "SMTPUTF8"),
                 replies=None, tls=None, greeting="220 sink ESMTP", login=None, mechanisms="PLAIN LOGIN",
                 tls_at_once=False, lmtp=False, path=None):
        self.lmtp = lmtp
        self.login, self.mechanisms, self.tls_at_once, self.names = login, mechanisms, tls_at_once, []
        self.extensions, self.replies, self.tls, self.greeting = list(extensions), dict(replies or {}), tls, greeting
        self.messages, self.commands, self.connections = [], [], 0
        sink = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                sink.connections += 1
                try:
                    Conversation(sink, self.request).run()
                except (OSError, ValueError):
                    pass

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = daemon_threads = True
            address_family = socket.AF_INET6 if ":" in address else socket.AF_INET

        class UnixServer(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True

        self.server = UnixServer(str(path), Handler) if path else Server((address, port), Handler)
        self.port = None if path else self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def reply_for(self, key, default):
        patterns = [name for name in self.replies if "*" in name and fnmatch.fnmatchcase(key, name)]
        for name in (key, *patterns, key.split(" ")[0]):
            reply = self.replies.get(name)
            if isinstance(reply, list):
                reply = reply.pop(0) if reply else None
            if reply is not None:
                return reply
        return default

    def asked(self, address):
        """How often clients have named this recipient."""
        return sum(command.startswith(f"RCPT TO:<{address}>") for command in list(self.commands))

    def delivered(self, address):
        return [m for m in self.messages if any(f"<{address}>" in rcpt for rcpt in m.rcpts)]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Message:
    def __init__(self, mail, rcpts, content, tls):
        self.mail, self.rcpts, self.content, self.tls = mail, rcpts, content, tls


class Conversation:
    def __init__(self, sink, sock):
        self.sink, self.sock, self.tls, self.authenticated = sink, sock, False, sink.login is None
        self.file = sock.makefile("rb")
        self.mail, self.rcpts = "", []

    def say(self, key, default):
        reply = self.sink.reply_for(key, default)
        if reply == "CLOSE":
            self.sock.shutdown(socket.SHUT_RDWR)
            raise OSError("closed by the test")
        if reply == "STALL":
            threading.Event().wait(60)
        self.sock.sendall(reply.encode() + b"\r\n")
        return reply[:1]

    def run(self):
        if self.sink.tls_at_once:
            self.start_tls()
        if not self.say("CONNECT", self.sink.greeting).startswith("2"):
            return
        while True:
            line = self.file.readline()
            if not line:
                return
            line = line.decode("utf-8", "surrogateescape").rstrip("\r\n")
            self.sink.commands.append(line)
            if not self.command(line):
                return

    def command(self, line):
        verb = line.split(" ")[0].upper()
        if verb == ("LHLO" if self.sink.lmtp else "EHLO"):
            words = self.sink.extensions + (["STARTTLS"] if self.sink.tls and not self.tls else [])
            words += [f"AUTH {self.sink.mechanisms}"] if self.sink.login else []
            self.say(verb, "\r\n".join(["250-sink"] + ["250-" + w for w in words] + ["250 HELP"]))
        elif verb in ("EHLO", "LHLO"):
            self.say(verb, "500 5.5.1 what")
        elif verb == "HELO":
            self.say("HELO", "250 sink")
        elif verb == "STARTTLS":
            if self.say("STARTTLS", "220 go ahead") == "2":
                self.start_tls()
        elif verb == "AUTH":
            self.auth(line)
        elif verb == "MAIL" and not self.authenticated:
            self.say("MAIL unauthenticated", "530 5.7.0 log in first")
        elif verb == "MAIL":
            self.mail, self.rcpts = line, []
            self.say("MAIL", "250 2.1.0 ok")
        elif verb == "RCPT":
            address = line[line.index("<") + 1:line.index(">")]
            if self.say("RCPT " + address, "250 2.1.5 ok") == "2":
                self.rcpts.append(line)
        elif verb == "DATA":
            if self.say("DATA", "354 go on") == "3":
                self.take(self.read_data())
        elif verb == "BDAT":
            self.take(self.file.read(int(line.split(" ")[1])))
        elif verb == "QUIT":
            self.say("QUIT", "221 bye")
            return False
        else:
            self.say(verb, "250 ok")
        return True

    def auth(self, line):
        _, mechanism, *initial = line.split(" ")

        def answer(challenge):
            if initial:
                return base64.b64decode(initial.pop())
            self.say("AUTH", "334 " + base64.b64encode(challenge).decode())
            return base64.b64decode(self.file.readline())
        if mechanism == "PLAIN":
            got = answer(b"").split(b"\0")[1:]
        else:
            got = [answer(b"Username:"), answer(b"Password:")]
        self.authenticated = [g.decode() for g in got] == list(self.sink.login) and mechanism in self.sink.mechanisms
        self.say("AUTH", "235 2.7.0 welcome" if self.authenticated else "535 5.7.8 no")

    def start_tls(self):
        if hasattr(self.sink.tls, "sni_callback"):
            self.sink.tls.sni_callback = lambda sock, name, context: self.sink.names.append(name)
        self.sock = self.sink.tls.wrap_socket(self.sock, server_side=True)
        self.file = self.sock.makefile("rb")
        self.tls = True

    def read_data(self):
        content = b""
        while True:
            line = self.file.readline()
            if not line:
                raise OSError("client gone")
            if line == b".\r\n":
                return content
            content += line[1:] if line.startswith(b".") else line

    def take(self, content):
        if self.sink.lmtp:
            self.take_for_each(content)
        elif self.say(".", "250 2.0.0 taken") == "2":
            self.sink.messages.append(Message(self.mail, self.rcpts, content, self.tls))

    def take_for_each(self, content):
        """RFC 2033 section 4.2."""
        taken = [r for r in self.rcpts if self.say(". " + r[r.index("<") + 1:r.index(">")], "250 2.0.0 taken") == "2"]
        if taken:
            self.sink.messages.append(Message(self.mail, taken, content, self.tls))


def certificate(name="sink.test", copy=None, addresses=("127.0.0.2",)):
    """A server context with a fresh self-signed certificate, which also goes to the path `copy`."""
    with tempfile.TemporaryDirectory() as directory:
        key, cert = pathlib.Path(directory) / "key", pathlib.Path(directory) / "cert"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                        "3", "-keyout", key, "-out", cert, "-subj", f"/CN={name}", "-addext",
                        "subjectAltName=" + ",".join([f"DNS:{name}", *(f"IP:{a}" for a in addresses)])],
                       check=True, capture_output=True)
        if copy:
            shutil.copy(cert, copy)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        return context
