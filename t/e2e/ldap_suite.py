"""What the tests of ldapd share: a suite with contacts in several books, ways to ask it."""
import os
import socket
import ssl
import struct
import subprocess

import ldap3
import pytest

from instance import Instance

PASSWORD = "secret-of-test"
WRITE = "cn=write,o=posthorn"
WRITE_PASSWORD = "pen-of-the-test"
ANY_CERTIFICATE = ldap3.Tls(validate=ssl.CERT_NONE)
CONTACTS = """name,full_name,addresses,company,phone_office,city
smith@outside,John Smith,js@x.test;john@y.test,ACME Ltd,+1 234-56 78,Paris
smythe@outside,Jane  Smythe,jane@x.test,ACME Ltd,+1 99,London
mueller@outside,Jörg Müller,jm@z.test,Müller & Söhne,+49 30 1,Köln
wang@outside,王小明,wang@c.test,,,北京
"odd,name@outside","Odd, Name (the \\ *)",odd@x.test,,,
"""


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    services = inst.root / "etc/services.conf"
    services.write_text(services.read_text().replace("listen = ldap:389", "listen = ldap:389 ldaps:636"))
    secret = inst.root / "etc/write"
    secret.write_text(WRITE_PASSWORD + "\n")
    secret.chmod(0o600)
    inst.set("ldap.write_password_file", "write")
    inst.set("ldap.size_limit", "50")
    inst.start()
    inst.run("domain", "add", "e.test")
    inst.run("domain", "add", "open.test", "contacts_own_users_only=no")
    for user in ("alice@d.test", "bob@e.test"):
        inst.add_user(user)
    for domain in ("d.test", "e.test", "open.test"):
        inst.run("contact", "add", f"desk@{domain}", f"full_name=Desk of {domain}", f"addresses=desk@{domain}")
    # a ',' in a name is no local part without quotes: it is refused and reported
    done = inst.run("contact", "import", stdin=CONTACTS, check=False)
    assert done.out.startswith("4 added"), (done.out, done.err)
    inst.run("contact", "add", "odd@outside", "full_name=Odd, Name (the \\ *)", "addresses=odd@x.test")
    yield inst
    inst.close()


def connect(inst, user="alice@d.test", password=PASSWORD, **how):
    server = ldap3.Server("127.0.0.1", port=inst.port("ldap"), tls=ANY_CERTIFICATE, get_info=ldap3.NONE)
    con = ldap3.Connection(server, user, password, raise_exceptions=True, receive_timeout=20, **how)
    con.open()
    con.start_tls()
    con.bind()
    return con


def found(con, filter, base="o=posthorn", scope=ldap3.SUBTREE, attributes=("uid",)):
    con.search(base, filter, scope, attributes=list(attributes))
    return sorted(e["dn"].split(",")[0].removeprefix("uid=") for e in con.response if e["type"] == "searchResEntry")


@pytest.fixture(scope="module")
def writer(suite):
    con = connect(suite, WRITE, WRITE_PASSWORD)
    yield con
    con.unbind()


@pytest.fixture(scope="module")
def alice(suite):
    con = connect(suite)
    yield con
    con.unbind()


def ldapsearch(inst, *args, code=0, auth=("-x", "-ZZ", "-D", "alice@d.test", "-w", PASSWORD)):
    env = dict(os.environ, LDAPTLS_REQCERT="never")
    done = subprocess.run(["ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-H", f"ldap://127.0.0.1:{inst.port('ldap')}", *auth,
                           *args], capture_output=True, text=True, timeout=30, env=env)
    assert done.returncode == code, (done.stdout, done.stderr)
    return done.stdout


def who(inst, *auth):
    env = dict(os.environ, LDAPTLS_REQCERT="never")
    done = subprocess.run(["ldapwhoami", "-H", f"ldap://127.0.0.1:{inst.port('ldap')}", *auth], capture_output=True,
                          text=True, timeout=30, env=env)
    return done.returncode, (done.stdout + done.stderr).strip()


def ber(tag, *content):
    body = b"".join(content)
    length = bytes([len(body)]) if len(body) < 128 else b"\x84" + struct.pack(">I", len(body))
    return bytes([tag]) + length + body


def request(number, *content):
    return ber(0x30, ber(2, bytes([number])), *content)


def search(filter):
    return ber(0x63, ber(4, b""), ber(10, b"\0"), ber(10, b"\0"), ber(2, b"\0"), ber(2, b"\0"), ber(1, b"\0"), filter, ber(0x30))


def nested(depth, op=0xa2):
    filter = ber(0x87, b"cn")
    for _ in range(depth):
        filter = ber(op, filter)
    return filter


def raw(inst, data, half_close=True):
    with socket.create_connection(("127.0.0.1", inst.port("ldap")), timeout=20) as sock:
        sock.sendall(data)
        if half_close:
            sock.shutdown(socket.SHUT_WR)
        got = b""
        while True:
            try:
                more = sock.recv(65536)
            except ConnectionResetError:
                break
            if not more:
                break
            got += more
        return got
