"""A receiving SMTP server for tests: answers by the recipient's local part and keeps what it gets."""
import socketserver
import threading


class _Session(socketserver.StreamRequestHandler):
    def handle(self):
        self.say("220 sink.test ESMTP")
        self.sender, self.rcpts = None, []
        while line := self.rfile.readline(4096):
            verb = line.split(b" ")[0].strip().upper()
            step = getattr(self, "do_" + verb.decode("ascii", "replace").lower(), None)
            if verb == b"QUIT":
                self.say("221 2.0.0 bye")
                return
            if step is None:
                self.say("250 2.0.0 ok")
            else:
                step(line.decode("utf-8", "replace").strip())

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def do_ehlo(self, line):
        self.say("250-sink.test")
        for word in self.server.sink.extensions:
            self.say("250-" + word)
        self.say("250 ENHANCEDSTATUSCODES")

    def do_mail(self, line):
        self.sender, self.rcpts = line, []
        self.say("250 2.1.0 ok")

    def do_rcpt(self, line):
        sink = self.server.sink
        address = line[line.index("<") + 1:line.index(">")]
        sink.asked.append(address)
        for start, reply in sink.replies.items():
            if address.startswith(start):
                self.say(reply)
                return
        self.rcpts.append(address)
        self.say("250 2.1.5 ok")

    def do_data(self, line):
        if not self.rcpts:
            self.say("554 5.5.1 no recipients")
            return
        self.say("354 go on")
        lines = []
        while (text := self.rfile.readline(100000)) not in (b".\r\n", b""):
            lines.append(text[1:] if text.startswith(b".") else text)
        self.server.sink.messages.append((self.sender, self.rcpts, b"".join(lines)))
        self.say("250 2.0.0 taken")


class SmtpSink:
    """replies: start of an address -> the reply to its RCPT; others are accepted into `messages`
    as (MAIL line, recipients, content)."""

    def __init__(self, replies=None, extensions=("PIPELINING", "8BITMIME")):
        self.replies, self.extensions = dict(replies or {}), extensions
        self.messages, self.asked = [], []
        socketserver.ThreadingTCPServer.allow_reuse_address = True
        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Session)
        self.server.daemon_threads = True
        self.server.sink = self
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def delivered(self, address):
        return [m for m in self.messages if address in m[1]]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
