"""TLS private keys: keyd's processes alone hold them, sign handshakes with them, and sign nothing else."""
import imaplib
import os
import pathlib
import signal
import socket
import ssl
import struct
import subprocess

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from conftest import PASSWORD
from instance import Instance, wait_for

INSECURE = ssl._create_unverified_context()
NETWORK = ("smtpd", "imapd", "pop3d")


def program(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe").rpartition("/")[2].removesuffix(" (deleted)")
    except OSError:
        return ""


def processes(inst, *names):
    return [pid for pid in inst.processes() if program(pid) in names]


def replace_pair(inst, *spec):
    subprocess.run(["openssl", "req", "-x509", "-newkey", *spec, "-nodes", "-subj", "/CN=mail.d.test", "-days", "9",
                    "-keyout", inst.root / "etc/certs/key.pem", "-out", inst.root / "etc/certs/cert.pem"],
                   check=True, capture_output=True)


def shake_hands(inst, label, version=ssl.TLSVersion.TLSv1_3, timeout=20):
    context = ssl._create_unverified_context()
    context.minimum_version = context.maximum_version = version
    with socket.create_connection(("127.0.0.1", inst.port(label)), timeout=timeout) as plain:
        with context.wrap_socket(plain) as tls:
            assert tls.recv(4)  # the greeting: the handshake is over on both sides
            return tls.version()


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    inst.start()
    inst.add_user("alice@d.test", PASSWORD)
    yield inst
    inst.close()


def holds(pid, secret):
    """Is it anywhere in this process's memory?"""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            span, rights = line.split()[:2]
            if not rights.startswith("rw"):
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            try:
                if secret in os.pread(memory.fileno(), end - start, start):
                    return True
            except (OSError, OverflowError):
                continue
    return False


@pytest.mark.skipif(os.geteuid() != 0, reason="reads the memory of other users' processes")
def test_the_key_is_in_the_memory_of_no_process_that_talks_to_the_network(suite):
    pem = (suite.root / "etc/certs/key.pem").read_bytes()
    number = serialization.load_pem_private_key(pem, None).private_numbers().private_value
    forms = [number.to_bytes(32, "big"), number.to_bytes(32, "little")]
    assert shake_hands(suite, "imaps")
    network = processes(suite, *NETWORK)
    assert len(network) >= 9  # of each the parent, the forker and workers
    for pid in network:
        assert not any(holds(pid, form) for form in forms), f"{program(pid)} {pid}"
    assert any(holds(pid, form) for pid in processes(suite, "keyd") for form in forms)  # the search can find it


def test_the_key_file_is_open_in_keyd_alone(suite):
    key = str(suite.root / "etc/certs/key.pem")
    holders = set()
    for pid in suite.processes():
        for fd in pathlib.Path(f"/proc/{pid}/fd").glob("*"):
            try:
                if os.readlink(fd) == key:
                    holders.add(program(pid))
            except OSError:
                continue
    assert holders == {"keyd"}


@pytest.mark.parametrize("spec", [("rsa:2048",), ("rsa:3072",), ("ec", "-pkeyopt", "ec_paramgen_curve:P-384"), ("ed25519",)])
def test_every_type_of_key_serves_every_service(suite, spec):
    with imaplib.IMAP4("127.0.0.1", suite.port("imap")) as before:
        before.starttls(INSECURE)
        before.login("alice@d.test", PASSWORD)
        replace_pair(suite, *spec)
        suite.run("reload")
        for label in ("smtps", "imaps", "pop3s"):
            assert shake_hands(suite, label) == "TLSv1.3"
            assert shake_hands(suite, label, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
        assert before.noop()[0] == "OK"


# -- what keyd refuses --

def question(key_id, scheme, content, number=1):
    payload = (b"S" + struct.pack(">I", len(key_id)) + key_id + b"H" + struct.pack(">H", scheme) +
               b"S" + struct.pack(">I", len(content)) + content)
    return struct.pack(">IBBHI", len(payload), 1, 0, 1, number) + payload


def ask(inst, uid, *datagrams):
    """Asks keyd as that user: the result of each answer, None where there is none."""
    code = f"""
import os, socket, sys
os.chdir({str(inst.root / "run")!r})
if os.geteuid() == 0:
    os.setgid({uid}), os.setuid({uid})
sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, 16, 1)  # SO_PASSCRED: an address of its own
sock.connect("tls-keys.sock")
sock.settimeout(1)
for datagram in {datagrams!r}:
    sock.send(datagram)
    try:
        answer = sock.recv(4096)
        print(answer[13])
    except TimeoutError:
        print(None)
"""
    done = subprocess.run(["python3", "-c", code], capture_output=True, text=True, check=True, timeout=30)
    return [None if line == "None" else int(line) for line in done.stdout.split()]



def real_uid(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("Uid:"))


def test_a_service_that_was_taken_over_can_have_nothing_signed_but_handshakes(suite):
    replace_pair(suite, "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    suite.run("reload")
    assert shake_hands(suite, "imaps")
    key = serialization.load_pem_private_key((suite.root / "etc/certs/key.pem").read_bytes(), None)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))
    name = digest.finalize()
    verify = b" " * 64 + b"TLS 1.3, server CertificateVerify\0" + b"h" * 32
    signed, unknown, refused = 0, 1, 2
    uid = next(real_uid(pid) for pid in processes(suite, "imapd"))
    assert ask(suite, uid, question(name, 0x0403, verify)) == [signed]
    assert ask(suite, uid, question(name, 0x0403, b"From: somebody"),
               question(name, 0x0403, verify.replace(b"server", b"client")),
               question(name, 0x0804, verify), question(b"k" * 32, 0x0403, verify)) == [refused, refused, refused, unknown]
    assert ask(suite, uid, b"nonsense", question(name, 0x0403, verify)[:-1]) == [None, None]
    suite.wait_log("key", "tls_signature_refused")
    assert isinstance(key, ec.EllipticCurvePrivateKey)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs two users")
def test_other_users_are_not_answered(suite):
    other = next(real_uid(pid) for pid in processes(suite, "dnsd"))
    assert ask(suite, other, question(b"k" * 32, 0x0403, b"x"), b"") == [None, None]
    assert ask(suite, 65534, question(b"k" * 32, 0x0403, b"x")) == [None]


# -- keyd away --

def test_a_handshake_waits_while_keyd_is_started_anew(suite):
    session = imaplib.IMAP4_SSL("127.0.0.1", suite.port("imaps"), ssl_context=INSECURE)
    session.login("alice@d.test", PASSWORD)
    for _ in range(3):
        for pid in processes(suite, "keyd"):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        assert shake_hands(suite, "imaps") and shake_hands(suite, "smtps")
        assert session.noop()[0] == "OK"
    session.logout()


def test_a_signer_that_dies_is_replaced(suite):
    def signers():
        return {row["pid"] for row in suite.json("status", "--sandbox") if row["role"] == "tls signer"}
    before = signers()
    dead = min(before)
    os.kill(dead, signal.SIGKILL)
    for _ in range(4):
        assert shake_hands(suite, "pop3s")
    wait_for(lambda: len(found := signers()) == len(before) and dead not in found, 30, "as many signers as before")


def test_without_keyd_handshakes_fail_and_sessions_go_on(suite):
    session = imaplib.IMAP4_SSL("127.0.0.1", suite.port("imaps"), ssl_context=INSECURE)
    session.login("alice@d.test", PASSWORD)
    suite.run("service", "stop", "key")
    with pytest.raises((OSError, ssl.SSLError)):
        shake_hands(suite, "imaps")
    suite.wait_log("imap", "keyd does not answer")
    assert session.noop()[0] == "OK"
    suite.run("service", "start", "key")
    wait_for(lambda: shake_hands(suite, "imaps"), what="a handshake")
    session.logout()


def test_a_key_of_another_certificate_is_not_reloaded(suite):
    key = suite.root / "etc/certs/key.pem"
    before = key.read_bytes()
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True)
    done = suite.run("reload", check=False)
    assert done.returncode == 1 and "key.pem" in done.err and "nothing was reloaded" in done.err
    assert shake_hands(suite, "imaps")
    key.write_bytes(before)
    suite.run("reload")
    assert shake_hands(suite, "imaps")


def test_a_key_of_another_certificate_is_named_at_the_start():
    inst = Instance()
    try:
        inst.setup()
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", inst.root / "etc/certs/key.pem"], check=True)
        done = inst.run("start", check=False)
        assert done.returncode == 1
        assert "key: " in done.err and "key.pem: does not belong to its certificate" in done.err
        (inst.root / "etc/certs/key.pem").unlink()
        assert "key.pem: No such file" in inst.run("service", "start", "key", check=False).err
    finally:
        inst.close()
