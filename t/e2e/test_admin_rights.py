"""What administrators may change, decided by accountd whoever asks, and the record of every change."""
import os
import re
import socket
import subprocess
import sys
import textwrap

import pytest

from frames import Connection, U32
from instance import Instance, wait_for

ADMIN, ADMIN_REPLY = 9, 10
NO_RIGHT = 101


class Peer:
    """What authd says to accountd for an administrator."""

    def __init__(self, inst):
        self.connection = Connection.connect(inst.root / "run/accountd.sock")

    def do(self, actor, verb, kind, name, origin="192.0.2.7", **fields):
        flat = [part for pair in fields.items() for part in pair]
        self.connection.send(ADMIN, 7, verb, kind, name, "", actor, origin, U32(len(fields)), *flat)
        answered, _, (result, text, _cursor, _data), _ = self.connection.receive()
        assert answered == ADMIN_REPLY
        return result, text.decode()


@pytest.fixture(scope="module")
def inst():
    inst = Instance()
    inst.setup()
    inst.run("domain", "add", "e.test")
    inst.add_user("eve@e.test")
    inst.run("admin", "add", "dom", "type=domain", "domains=d.test")
    inst.run("admin", "add", "help", "type=role", "rights=passwords")
    inst.start()
    yield inst
    inst.close()


def changes(inst, name):
    """The audit log's lines about an object, as {key: value}."""
    rows = []
    for line in inst.log("audit").splitlines():
        pairs = dict((k, v.strip('"')) for k, v in re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)', line))
        if pairs.get("name") == name:
            rows.append(pairs)
    return rows


def wait_changes(inst, name, count):
    return wait_for(lambda: (rows := changes(inst, name)) and len(rows) >= count and rows, 20, f"{count} changes of {name}")


def test_accountd_decides_what_an_administrator_may(inst):
    peer = Peer(inst)
    assert peer.do("dom", "add", "user", "new@d.test") == (0, "")
    result, text = peer.do("dom", "add", "user", "new@e.test")
    assert result == NO_RIGHT and "not one of yours" in text
    assert peer.do("help", "add", "user", "other@d.test")[0] == NO_RIGHT
    assert peer.do("nobody", "add", "user", "other@d.test")[0] == NO_RIGHT
    assert peer.do("admin", "add", "user", "other@")[0] == 0  # of the primary domain
    assert {row["address"] for row in inst.json("user", "list")} >= {"new@d.test", "other@d.test"}
    assert "new@e.test" not in {row["address"] for row in inst.json("user", "list")}


@pytest.mark.skipif(os.geteuid() != 0, reason="takes several users")
def test_authds_user_acts_for_nobody_by_itself(inst):
    """Without an administrator's name only root and the owner are obeyed."""
    uid = inst.run("config", "get", "users.auth").out.strip()
    uid = int(uid.split(":")[0]) if ":" in uid else int(subprocess.check_output(["id", "-u", uid]))
    script = textwrap.dedent("""
        import os, sys
        sys.path.insert(0, sys.argv[3])
        from frames import Connection, U32
        os.chdir(os.path.dirname(sys.argv[1]))  # the directories above are closed to that user
        os.setuid(int(sys.argv[2]))
        for actor in ("dom", ""):
            peer = Connection.connect("accountd.sock")
            peer.send(9, 7, "show", "user", "postmaster@d.test", "", actor, "", U32(0))
            try:
                print(peer.receive()[2][0])
            except (EOFError, OSError):
                print("closed")
    """)
    done = subprocess.run([sys.executable, "-c", script, str(inst.root / "run/accountd.sock"), str(uid),
                           os.path.dirname(__file__)], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["0", "closed"], done.stderr


def test_every_change_is_written_down(inst):
    Peer(inst).do("dom", "set", "user", "postmaster@d.test", full_name="Post Master", description="first")
    Peer(inst).do("dom", "set", "user", "postmaster@d.test", full_name="Post Master", description="second")
    record = "{SHA256-CRYPT}$5$rounds=5000$secretsalt$" + 43 * "x"
    assert Peer(inst).do("help", "passwd", "user", "postmaster@d.test", password=record)[0] == 101
    secret = "correct horse battery"
    assert Peer(inst).do("help", "passwd", "user", "postmaster@d.test", new_password=secret) == (0, "")
    inst.wait_log("audit", "who=help")
    rows = [row for row in changes(inst, "postmaster@d.test") if row["who"] != f"uid {os.geteuid()}"]
    told = [(row["who"], row["from"], row["verb"], row["property"], row["before"], row["after"]) for row in rows]
    assert told[:3] == [("dom", "192.0.2.7", "set", "full_name", "Postmaster", "Post Master"),
                        ("dom", "192.0.2.7", "set", "description", "", "first"),
                        ("dom", "192.0.2.7", "set", "description", "first", "second")]
    assert rows[0]["change"] == rows[1]["change"] != rows[2]["change"]
    assert ("help", "192.0.2.7", "passwd", "password", "", "changed") in told[3:]
    assert "secretsalt" not in inst.log("audit") and "horse" not in inst.log("audit")


def test_the_command_line_is_known_by_its_user(inst):
    inst.run("group", "add", "team@d.test")
    inst.run("group", "member", "add", "team@d.test", "eve@e.test")
    inst.run("group", "rename", "team@d.test", "crew@d.test")
    inst.run("group", "del", "crew@d.test")
    rows = wait_changes(inst, "team@d.test", 3)
    assert [(row["kind"], row["after"]) for row in rows if row["kind"] == "member"] == [("member", "eve@e.test")]
    assert {(row["who"], row["from"]) for row in rows} == {(f"uid {os.geteuid()}", "local")}
    assert [row["new_name"] for row in rows if row["verb"] == "rename"] == ["crew@d.test"]
    assert wait_changes(inst, "crew@d.test", 1)[0]["verb"] == "del"
    assert "crew@d.test" in inst.run("log", "audit").out


def test_refused_changes_are_not_written_down(inst):
    Peer(inst).do("dom", "set", "user", "eve@e.test", full_name="X")
    Peer(inst).do("dom", "set", "user", "postmaster@d.test", status="flying")
    Peer(inst).do("dom", "set", "user", "postmaster@d.test", full_name="Last")
    wait_for(lambda: any(row.get("after") == "Last" for row in changes(inst, "postmaster@d.test")), 20, "the last change")
    assert not [row for row in changes(inst, "eve@e.test") if row["who"] == "dom"]
    assert "flying" not in inst.log("audit")


def test_changes_while_the_suite_is_stopped_are_written_at_the_next_start():
    inst = Instance()
    try:
        inst.setup()
        inst.add_user("ann@d.test")
        inst.run("user", "set", "ann@d.test", "full_name=Ann")
        assert not (inst.root / "log/audit.log").exists()
        inst.start()
        wait_for(lambda: any(row.get("after") == "Ann" for row in changes(inst, "ann@d.test")), 20, "Ann")
        inst.stop()
        inst.start()  # told once
        inst.run("user", "set", "ann@d.test", "full_name=Anna")
        wait_for(lambda: any(row.get("after") == "Anna" for row in changes(inst, "ann@d.test")), 20, "Anna")
    finally:
        inst.close()


def test_nobody_else_writes_the_audit_log(inst):
    """A program that claims to be in the audit log is told of, as with any other file."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        path = inst.root / "run/from.smtp.smtpd"
        sock.bind(str(path))
        path.unlink()
        sock.connect(str(inst.root / "run/log.sock"))
        sock.send(f"audit\n2026-11-27T10:00:00.000Z smtpd[{os.getpid()}] info event=changed who=forged\n".encode())
        inst.wait_log("log", "foreign_line")
    assert "forged" not in inst.log("audit")
