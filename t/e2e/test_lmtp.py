"""remote-deliver as an LMTP client (RFC 2033): over TCP, and over a Unix socket in the run directory."""
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from conftest import PASSWORD
from instance import Instance, wait_for
from mailbox import wait_message
from nameserver import free_port
from smtp_sink import Sink
from test_remote import arrived, failed, submit


@pytest.fixture(scope="module")
def store():
    """An instance whose domain store.test is behind LMTP by TCP, and sock.test behind a Unix socket."""
    inst = Instance()
    inst.setup()
    tcp = Sink("127.0.0.3", lmtp=True)
    table = inst.root / "etc/lists/direct.txt"
    table.parent.mkdir(exist_ok=True)
    table.write_text(f"store.test lmtp://127.0.0.3:{tcp.port}\nsock.test lmtp:unix:store-lmtp\nnone.test lmtp:unix:nobody\n")
    for name, value in (("remote.direct_domains", "lists/direct.txt"), ("remote.idle_time", "0"), ("remote.demand_tls", "no"),
                        ("queue.retry_interval", "1h")):
        inst.set(name, value)
    inst.start()
    inst.add_user("alice@d.test", PASSWORD)
    unix = Sink(lmtp=True, path=inst.root / "run/store-lmtp")
    (inst.root / "run/store-lmtp").chmod(0o666)
    yield inst, tcp, unix
    for sink in (tcp, unix):
        sink.close()
    inst.close()


def test_each_recipient_has_its_own_result(store):
    inst, tcp, _ = store
    tcp.replies = {". full@store.test": "452 4.2.2 mailbox full", ". gone@store.test": "550 5.2.1 mailbox gone",
                   "RCPT no@store.test": "550 5.1.1 no such user"}
    token = submit(inst, [f"{name}@store.test" for name in ("full", "ok", "no", "gone", "also")])
    assert [r.split()[1] for r in arrived(tcp, token).rcpts] == ["TO:<ok@store.test>", "TO:<also@store.test>"]
    assert "LHLO mail.d.test" in tcp.commands and not any(c.startswith("EHLO") for c in tcp.commands)

    def results():
        lines = [line for line in inst.log("remote").splitlines() if f"queue_id={token.queue_id}" in line]
        found = {name: (out, dsn) for name in ("full", "ok", "no", "gone", "also") for out in ("delivered", "deferred", "bounced")
                 for dsn in ("2.0.0", "4.2.2", "5.2.1", "5.1.1")
                 if any(f"to={name}@store.test" in x and f"outcome={out}" in x and f"dsn={dsn}" in x for x in lines)}
        return found if len(found) == 5 else None
    assert wait_for(results, 20, "five results") == {
        "ok": ("delivered", "2.0.0"), "also": ("delivered", "2.0.0"), "full": ("deferred", "4.2.2"),
        "gone": ("bounced", "5.2.1"), "no": ("bounced", "5.1.1")}
    assert b"mailbox gone" in wait_message(inst, "alice@d.test", b"gone@store.test")


def test_no_answer_for_one_recipient_leaves_it_in_the_queue(store):
    inst, tcp, _ = store
    tcp.replies = {". b@store.test": "CLOSE"}
    token = submit(inst, ["a@store.test", "b@store.test"])
    line = failed(inst, token, "deferred")
    assert "to=b@store.test" in line and "dsn=4.4.2" in line
    assert wait_for(lambda: any("event=sent" in x and token.queue_id in x and "to=a@store.test" in x
                                for x in inst.log("remote").splitlines()), 20, "the first one is delivered")


def test_over_a_unix_socket(store):
    inst, _, unix = store
    got = arrived(unix, submit(inst, "x@sock.test", b".dot\r\n"))
    assert got.rcpts[0].startswith("RCPT TO:<x@sock.test>") and got.content.endswith(b"\r\n.dot\r\n")


def test_a_socket_that_is_not_there_defers(store):
    inst, _, _ = store
    assert "dsn=4.4.1" in failed(inst, submit(inst, "x@none.test"), "deferred")


def test_a_server_without_lhlo_gets_nothing(store):
    """No HELO instead (RFC 2033 section 4.1)."""
    inst, tcp, _ = store
    tcp.replies, tcp.commands[:] = {"LHLO": "500 5.5.1 what"}, []
    failed(inst, submit(inst, "x@store.test"), "deferred")
    assert not any(c.startswith(("HELO", "MAIL")) for c in tcp.commands)
    tcp.replies = {}


# ---- a store that is not ours ----

DOVECOT = """
base_dir = {base}/run
state_dir = {base}/state
log_path = {base}/log
protocols = lmtp
listen = 127.0.0.1
ssl = no
mail_location = maildir:~/Maildir
first_valid_uid = 1
mail_uid = 65534
mail_gid = 65534
mail_plugins = quota
auth_username_format = %Lu
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {base}/passwd
}}
plugin {{
  quota = maildir:User quota
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
}}
protocol lmtp {{
  postmaster_address = postmaster@store.test
}}
"""


@pytest.fixture(scope="module")
def dovecot():
    """Users ok, also and full@store.test; full has no room. Yields the port and the directory of homes."""
    base, port = pathlib.Path(tempfile.mkdtemp(prefix="posthorn-dovecot-")), free_port()
    base.chmod(0o755)
    (base / "home").mkdir()
    shutil.chown(base / "home", 65534, 65534)
    (base / "passwd").write_text("".join(
        f"{name}@store.test:::::{base}/home/{name}::{extra}\n" for name, extra in
        (("ok", ""), ("also", ""), ("full", "userdb_quota_rule=*:storage=1K"))))
    (base / "dovecot.conf").write_text(DOVECOT.format(base=base, port=port))
    subprocess.run(["dovecot", "-c", base / "dovecot.conf"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield port, base / "home"
    subprocess.run(["doveadm", "-c", base / "dovecot.conf", "stop"], check=True)
    shutil.rmtree(base, ignore_errors=True)


def test_dovecots_lmtp(dovecot):
    """Each recipient's own verdict, dots, 8 bits, and one message more over the same connection."""
    port, home = dovecot
    inst = Instance()
    inst.setup()
    try:
        (inst.root / "etc/lists").mkdir(exist_ok=True)
        (inst.root / "etc/lists/direct.txt").write_text(f"store.test lmtp://127.0.0.1:{port}\n")
        for name, value in (("remote.direct_domains", "lists/direct.txt"), ("remote.demand_tls", "no"),
                            ("remote.idle_time", "20s"), ("remote.workers", "1"), ("queue.retry_interval", "1h")):
            inst.set(name, value)
        inst.start()
        inst.add_user("alice@d.test", PASSWORD)
        body = ".dot\r\n..\r\nGr\u00fc\u00dfe\r\n".encode() + b"x" * 70 * 30 + b"\r\n"
        token = submit(inst, [f"{name}@store.test" for name in ("full", "ok", "nobody", "also")], body)

        def outcomes():
            lines = [line for line in inst.log("remote").splitlines() if f"queue_id={token.queue_id}" in line]
            found = {name: next((x for x in lines if f"to={name}@store.test" in x), None)
                     for name in ("full", "ok", "nobody", "also")}
            return found if all(found.values()) else None
        found = wait_for(outcomes, 20, "four results")
        assert "outcome=delivered" in found["ok"] and "outcome=delivered" in found["also"]
        assert "5.1.1" in found["nobody"] and "outcome=bounced" in found["nobody"]
        assert ".2.2" in found["full"] and "outcome=delivered" not in found["full"]
        for name in ("ok", "also"):
            content, = [p.read_bytes() for p in (home / name / "Maildir/new").iterdir()]
            assert content.replace(b"\r\n", b"\n").endswith(b"\n\n" + body.replace(b"\r\n", b"\n"))
        second = submit(inst, "ok@store.test", b"again\r\n")
        wait_for(lambda: any(second.encode() in p.read_bytes() for p in (home / "ok/Maildir/new").iterdir()), 20, "it")
    finally:
        inst.close()
