"""SMTP by hand: bytes out, replies in, for what smtplib would never send."""
import socket
import ssl


class Reply:
    def __init__(self, lines):
        self.lines = lines
        self.code = int(lines[-1][:3]) if lines else 0  # 0: the connection is closed

    @property
    def text(self):
        return "\n".join(line[4:] for line in self.lines)

    @property
    def dsn(self):
        return self.lines[-1][4:].split(" ")[0] if self.lines else ""

    def __repr__(self):
        return f"Reply({self.lines})"


class Raw:
    def __init__(self, port, tls=False, greeting=True, source="", first=b""):
        """`source`: the address to come from; `first`: bytes in front of everything else."""
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=15,
                                             source_address=(source, 0))
        if first:
            self.sock.sendall(first)
        if tls:
            self._wrap()
        self.file = self.sock.makefile("rb")
        self.greeting = self.reply() if greeting else None

    def _wrap(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.sock = context.wrap_socket(self.sock)

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode())

    def reply(self):
        lines = []
        while True:
            try:
                line = self.file.readline()
            except ConnectionError:
                line = b""
            if not line:
                return Reply([])
            lines.append(line.decode("latin-1").rstrip("\r\n"))
            if line[3:4] != b"-":
                return Reply(lines)

    def cmd(self, line):
        self.send(line if isinstance(line, bytes) else line.encode())
        self.send(b"\r\n")
        return self.reply()

    def ehlo(self):
        return self.cmd("EHLO client.test")

    def starttls(self):
        assert self.cmd("STARTTLS").code == 220
        self._wrap()
        self.file = self.sock.makefile("rb")

    def begin(self, sender="a@far.test", *rcpts):
        """EHLO, MAIL and RCPTs, all of which must succeed."""
        assert self.ehlo().code == 250
        assert self.cmd(f"MAIL FROM:<{sender}>").code == 250
        for rcpt in rcpts:
            assert self.cmd(f"RCPT TO:<{rcpt}>").code == 250

    def is_closed(self):
        try:
            return self.file.read(1) == b""
        except ConnectionError:
            return True

    def close(self):
        self.file.close()  # it holds the socket open too
        self.sock.close()
