"""What an authenticator shows (RFC 6238), from the key as the server has told it."""
import base64
import hashlib
import hmac
import struct
import time


def code(secret, step):
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    mac = hmac.new(key, struct.pack("!Q", step), hashlib.sha1).digest()
    offset = mac[-1] & 15
    return f"{(struct.unpack('!I', mac[offset:offset + 4])[0] & 0x7fffffff) % 1000000:06}"


class Authenticator:
    """Never the same code twice. Two can be had at once, this step's and the next's, also when a step ends meanwhile."""

    def __init__(self, secret):
        self.secret, self.last = secret, 0

    def next(self):
        step = max(self.last + 1, int(time.time()) // 30)
        assert step <= int(time.time()) // 30 + 1, "give the test another administrator"
        self.last = step
        return code(self.secret, step)

    def wrong(self):
        now = int(time.time()) // 30
        right = {code(self.secret, step) for step in range(now - 2, now + 4)}
        return next(text for text in (f"{n:06}" for n in range(10)) if text not in right)
