"""Passwords of the configuration, sealed with the key of the service that needs them (AUT-04)."""
import base64
import os
import pwd
import stat

import pytest

from conftest import PASSWORD
from instance import Instance, wait_for
from smtp_sink import Sink, certificate
from submission import login, token

RELAY = ("me@isp.test", "two words")
WRITE_PASSWORD = "may-write-contacts"


def private(path, text):
    path.write_text(text)
    path.chmod(0o600)


@pytest.fixture(scope="module")
def relay(tmp_path_factory):
    """A running instance with a relay host that wants a login, and the relay."""
    inst = Instance()
    inst.setup()
    ca = tmp_path_factory.mktemp("ca") / "ca.pem"
    sink = Sink("127.0.0.2", tls=certificate("relay.isp.test", ca), login=RELAY)
    for name, value in (("remote.policy", "relay"), ("remote.relay_ca", ca), ("remote.idle_time", "0"),
                        ("remote.relay_hosts", f"{RELAY[0]}@127.0.0.2:{sink.port}"),
                        ("ldap.write_password_file", "ldap.write")):
        inst.set(name, value)
    private(inst.root / "etc/relay.passwords", f"# ours\n127.0.0.2 {RELAY[0]} {RELAY[1]}\n")
    private(inst.root / "etc/ldap.write", WRITE_PASSWORD + "\n")
    inst.start()
    inst.add_user("alice@d.test", PASSWORD)
    yield inst, sink
    inst.close()
    sink.close()


def delivers(inst, sink):
    text = token()
    with login(inst) as client:
        client.sendmail("alice@d.test", ["x@far.test"], f"Subject: {text}\r\n\r\nx\r\n")
    wait_for(lambda: any(text.encode() in m.content for m in sink.messages), 40, "it at the relay")


def secrets_of_doctor(inst):
    return [(row["result"], row["text"]) for row in inst.json("doctor", check=False) if row["check"] == "secrets"]


def test_key_files_are_for_their_services_alone(relay):
    inst, _ = relay
    keys = inst.root / "etc/keys"
    assert sorted(os.listdir(keys)) == ["account.key", "acme.key", "alert.key", "auth.key", "ldap.key", "out.key"]
    for name in os.listdir(keys):
        st = (keys / name).stat()
        assert stat.S_IMODE(st.st_mode) == 0o400
        if os.geteuid() == 0:
            role = inst.run("config", "get", f"users.{name.split('.')[0]}").out.strip()
            assert st.st_uid == (int(role.split(":")[0]) if ":" in role else pwd.getpwnam(role).pw_uid) != 0
    assert len({(keys / name).read_text() for name in os.listdir(keys)}) == 6


def test_plain_passwords_are_sealed_where_they_stand(relay):
    inst, sink = relay
    delivers(inst, sink)
    found = secrets_of_doctor(inst)
    assert {result for result, _ in found} == {"warn"} and len(found) == 2
    assert all("1 password is in plain text: posthorn password seal " in text for _, text in found)
    for setting in ("remote.relay_passwords", "ldap.write_password_file"):
        assert "1 password sealed" in inst.run("password", "seal", setting, "--in-place").out
        assert "0 passwords sealed" in inst.run("password", "seal", setting, "--in-place").out
    text = (inst.root / "etc/relay.passwords").read_text()
    assert text.startswith(f"# ours\n127.0.0.2 {RELAY[0]} {{SEALED1}}") and RELAY[1] not in text
    assert stat.S_IMODE((inst.root / "etc/relay.passwords").stat().st_mode) == 0o600
    assert WRITE_PASSWORD not in (inst.root / "etc/ldap.write").read_text()
    inst.run("reload")
    delivers(inst, sink)
    assert [result for result, _ in secrets_of_doctor(inst)] == ["ok"]
    private(inst.root / "etc/ldap.write", "two\nlines\n")
    done = inst.run("password", "seal", "ldap.write_password_file", "--in-place", check=False)
    assert done.returncode == 1 and "expected one line" in done.err
    assert (inst.root / "etc/ldap.write").read_text() == "two\nlines\n"
    private(inst.root / "etc/ldap.write", WRITE_PASSWORD + "\n")
    inst.run("password", "seal", "ldap.write_password_file", "--in-place")


def test_another_key_and_no_old_one(relay):
    inst, sink = relay
    inst.run("password", "seal", "remote.relay_passwords", "--in-place")
    file, key = inst.root / "etc/relay.passwords", inst.root / "etc/keys/out.key"
    before, old = file.read_text(), key.read_text()
    assert "out: 1 password sealed" in inst.run("password", "rotate", "out").out
    assert file.read_text() != before and key.read_text() != old
    assert old.splitlines()[-1] not in key.read_text()
    inst.run("reload")
    delivers(inst, sink)

    # stopped half-way: both keys are there, the file is still sealed with the old one
    half, now = file.read_text(), key.read_text().splitlines()[-1]
    new = base64.b64encode(os.urandom(32)).decode()
    key.chmod(0o600)
    key.write_text(f"{new}\n{now}\n")
    key.chmod(0o400)
    assert [result for result, _ in secrets_of_doctor(inst)][-1] in ("ok", "warn"), "an older key opens it"
    inst.run("password", "rotate", "out")
    assert file.read_text() != half
    assert [line for line in key.read_text().splitlines() if not line.startswith("#")] == [new]
    inst.run("reload")
    delivers(inst, sink)


def test_one_password_is_sealed_for_one_place(relay):
    inst, sink = relay
    file = inst.root / "etc/relay.passwords"
    sealed = inst.run("password", "seal", "remote.relay_passwords", "127.0.0.2", RELAY[0], stdin=RELAY[1] + "\n").out.strip()
    other = inst.run("password", "seal", "remote.relay_passwords", "127.0.0.3", RELAY[0], stdin=RELAY[1] + "\n").out.strip()
    try:
        for text, reason in ((other, ":1: the sealed text belongs elsewhere"), (sealed[:-7], ":1: the sealed text is damaged"),
                             (sealed.replace("1}", "9}"), "of another version")):
            private(file, f"127.0.0.2 {RELAY[0]} {text}\n")
            (result, said), = [row for row in secrets_of_doctor(inst) if "relay" in row[1]]
            assert result == "fail" and reason in said and str(file) in said
            done = inst.run("reload", check=False)
            assert reason in done.err + inst.log("master") and text not in done.err
    finally:
        private(file, f"127.0.0.2 {RELAY[0]} {sealed}\n")
        inst.run("reload")
    delivers(inst, sink)
    for service in ("remote", "master"):
        assert RELAY[1] not in inst.log(service)


@pytest.mark.parametrize("words,expected", [
    (("seal", "remote.workers"), "expected one of remote.relay_passwords"),
    (("seal", "remote.relay_passwords"), "expected SETTING HOST NAME, or --in-place"),
    (("seal", "proxy.password_file", "a", "b"), "expected nothing behind SETTING"),
    (("rotate", "mail"), "expected one of account, out, auth, ldap"),
])
def test_what_cannot_be_sealed(relay, words, expected):
    done = relay[0].run("password", *words, stdin="x\n", check=False)
    assert done.returncode == 2 and expected in done.err
