"""An authority of the test's own, and TLSA data of what it signs."""
import datetime
import hashlib
import ipaddress
import pathlib
import ssl
import tempfile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


def alternative(name):
    """A name in a certificate: of a host, or an address."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class Authority:
    def __init__(self, name="Authority of the test"):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.utcnow()
        self.cert = (x509.CertificateBuilder().subject_name(self.name).issuer_name(self.name)
                     .public_key(self.key.public_key()).serial_number(x509.random_serial_number())
                     .not_valid_before(now - 9 * DAY).not_valid_after(now + 9 * DAY)
                     .add_extension(x509.BasicConstraints(True, None), True).sign(self.key, hashes.SHA256()))

    def write(self, path):
        pathlib.Path(path).write_bytes(self.cert.public_bytes(serialization.Encoding.PEM))

    def issue(self, *names, expired=False):
        """(server context, certificate) with `names`; the authority goes along."""
        cert, key = self._sign(names, expired)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as directory:
            chain, secret = pathlib.Path(directory) / "chain", pathlib.Path(directory) / "key"
            self._write_pair(chain, secret, cert, key)
            context.load_cert_chain(chain, secret)
        return context, cert

    def write_pair(self, chain, secret, *names):
        """The same as two files; returns the certificate."""
        cert, key = self._sign(names, False)
        self._write_pair(pathlib.Path(chain), pathlib.Path(secret), cert, key)
        return cert

    def _sign(self, names, expired):
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.utcnow()
        cert = (x509.CertificateBuilder()
                .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]))
                .issuer_name(self.name).public_key(key.public_key()).serial_number(x509.random_serial_number())
                .not_valid_before(now - 5 * DAY).not_valid_after(now - DAY if expired else now + 5 * DAY)
                .add_extension(x509.SubjectAlternativeName([alternative(n) for n in names]), False)
                .sign(self.key, hashes.SHA256()))
        return cert, key

    def _write_pair(self, chain, secret, cert, key):
        pem = serialization.Encoding.PEM
        chain.write_bytes(cert.public_bytes(pem) + self.cert.public_bytes(pem))
        secret.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


def tlsa(cert, usage=3, selector=1):
    """The record's data with SHA-256 (RFC 6698 section 2.1)."""
    der = serialization.Encoding.DER
    data = cert.public_key().public_bytes(der, serialization.PublicFormat.SubjectPublicKeyInfo) if selector else \
        cert.public_bytes(der)
    return f"{usage} {selector} 1 {hashlib.sha256(data).hexdigest()}"
