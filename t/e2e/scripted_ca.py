"""An ACME server by script, for what Pebble cannot do: renewal information (RFC 9773), rate limits, answers that are wrong.
It checks no signature; each order is valid as soon as it is finalized."""
import base64
import datetime
import json
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from outgoing import WebServer

DAY = datetime.timedelta(days=1)


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encode(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def rfc3339(time):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


class ScriptedCA:
    """`orders`: payloads of new orders. `window`: of a certificate's number (from 0) to (start, end) or None.
    `refuse`: path -> (status, fields, body) instead of the right answer, until it is taken out."""

    def __init__(self, authority, address="127.0.0.1"):
        self.lock = threading.Lock()
        self.orders, self.asked, self.refuse = [], [], {}
        self.window = lambda number: None
        self.issued = []  # (certificate, identifier of RFC 9773)
        self.tamper = lambda pem: pem
        self.nonces = 0
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Scripted CA")])
        self.web = WebServer(authority, ["ca.e.test"], self._answer, address=address)
        self.base = f"https://ca.e.test:{self.web.port}"
        self.url = self.base + "/dir"

    # -- certificates --

    def _issue(self, csr):
        now = datetime.datetime.utcnow()
        serial = 0x8000 + len(self.issued)  # a leading zero byte in DER
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        cert = (x509.CertificateBuilder().subject_name(csr.subject).issuer_name(self.name).public_key(csr.public_key())
                .serial_number(serial).not_valid_before(now - DAY).not_valid_after(now + 89 * DAY)
                .add_extension(names, False).add_extension(identifier, False).sign(self.key, hashes.SHA256()))
        number = serial.to_bytes((serial.bit_length() + 8) // 8, "big")
        self.issued.append((cert, encode(identifier.key_identifier) + "." + encode(number)))

    # -- answers --

    def _reply(self, handler, status, body=None, **fields):
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        handler.send_response(status)
        self.nonces += 1
        for name, value in {"Replay-Nonce": f"n{self.nonces}", "Content-Length": str(len(data)),
                            "Content-Type": "application/json", **fields}.items():
            handler.send_header(name.replace("_", "-"), str(value))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(data)

    def _payload(self, handler):
        length = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(length)
        payload = decode(json.loads(body)["payload"]) if body else b""
        return json.loads(payload) if payload else None

    def _order(self, number):
        return {"status": ["ready", "valid"][number < len(self.issued)], "finalize": f"{self.base}/finalize/{number}",
                "authorizations": [], "certificate": f"{self.base}/cert/{number}"}

    def _answer(self, handler):
        with self.lock:
            self._answer_locked(handler)

    def _answer_locked(self, handler):
        path, payload = handler.path, self._payload(handler)
        self.asked.append(path)
        kind, _, number = path.strip("/").partition("/")
        if kind in self.refuse:
            status, fields, body = self.refuse[kind]
            self._reply(handler, status, body, **fields)
        elif kind == "dir":
            self._reply(handler, 200, {"newNonce": self.base + "/nonce", "newAccount": self.base + "/account",
                                       "newOrder": self.base + "/orders", "renewalInfo": self.base + "/ari",
                                       "revokeCert": self.base + "/revoke"})
        elif kind == "account":
            self._reply(handler, 201, {"status": "valid"}, Location=self.base + "/account/1")
        elif kind == "orders":
            self.orders.append(payload)
            self._reply(handler, 201, self._order(len(self.issued)), Location=f"{self.base}/order/{len(self.issued)}")
        elif kind == "finalize":
            self._issue(x509.load_der_x509_csr(decode(payload["csr"])))
            self._reply(handler, 200, self._order(int(number)))
        elif kind == "order":
            self._reply(handler, 200, self._order(int(number)))
        elif kind == "cert":
            pem = self.issued[int(number)][0].public_bytes(serialization.Encoding.PEM)
            self._reply(handler, 200, self.tamper(pem))
        elif kind == "ari":
            known = [i for i, (_, identifier) in enumerate(self.issued) if identifier == number]
            window = self.window(known[0]) if known else None
            if window is None:
                self._reply(handler, 404, {"type": "urn:ietf:params:acme:error:malformed"})
            else:
                start, end = (rfc3339(datetime.datetime.utcnow() + part) for part in window)
                self._reply(handler, 200, {"suggestedWindow": {"start": start, "end": end},
                                           "explanationURL": "https://ca.e.test/why"}, Retry_After=21600)
        else:
            self._reply(handler, 200)

    def close(self):
        self.web.close()
