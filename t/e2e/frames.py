"""The suite's internal frames (lib/ipc/frame.h), to drive one daemon alone against fakes."""
import array
import socket
import struct


class U8(int):
    pass


class U16(int):
    pass


class U32(int):
    pass


class U64(int):
    pass


_WIDTHS = {U8: (b"B", 1), U16: (b"H", 2), U32: (b"W", 4), U64: (b"Q", 8)}
_TAGS = {tag[0]: width for tag, width in _WIDTHS.values()}


def encode(kind, request_id, *fields):
    payload = b""
    for field in fields:
        if isinstance(field, (bytes, str)):
            raw = field.encode() if isinstance(field, str) else field
            payload += b"S" + struct.pack(">I", len(raw)) + raw
        else:
            tag, width = _WIDTHS[type(field)]
            payload += tag + int(field).to_bytes(width, "big")
    return struct.pack(">IBBHI", len(payload), 1, 0, kind, request_id) + payload


def decode(payload):
    fields, at = [], 0
    while at < len(payload):
        tag = payload[at]
        if tag == ord("S"):
            size = struct.unpack(">I", payload[at + 1:at + 5])[0]
            fields.append(payload[at + 5:at + 5 + size])
            at += 5 + size
        else:
            width = _TAGS[tag]
            fields.append(int.from_bytes(payload[at + 1:at + 1 + width], "big"))
            at += 1 + width
    return fields


class Connection:
    """One end of a frame stream; `receive` gives (type, request id, fields, descriptor or None)."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""
        self.fds = []

    @classmethod
    def connect(cls, path):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.connect(str(path))
        return cls(sock)

    def send(self, kind, request_id, *fields, fd=None):
        ancillary = []
        if fd is not None:
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
        frame = encode(kind, request_id, *fields)
        sent = self.sock.sendmsg([frame], ancillary)
        if sent < len(frame):
            self.sock.sendall(frame[sent:])

    def _fill(self, size):
        while len(self.buffer) < size:
            data, fds, _, _ = socket.recv_fds(self.sock, 65536, 4)
            self.fds += fds
            if not data:
                raise EOFError
            self.buffer += data

    def receive(self, timeout=30):
        self.sock.settimeout(timeout)
        self._fill(12)
        length, _, _, kind, request_id = struct.unpack(">IBBHI", self.buffer[:12])
        self._fill(12 + length)
        payload, self.buffer = self.buffer[12:12 + length], self.buffer[12 + length:]
        return kind, request_id, decode(payload), self.fds.pop(0) if self.fds else None

    def close(self):
        self.sock.close()
