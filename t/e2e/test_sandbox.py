"""What code that runs inside a session worker can do: nothing but its one user's mail.

The suite is built with TESTHOOKS=1, in which a client's line "XTESTHOOK attack argument" makes the
worker do what an attacker would who has taken it over (lib/sys/testhook.c)."""
import base64
import fcntl
import imaplib
import os
import pathlib
import shutil
import socket
import ssl
import subprocess

import pytest

from instance import TOP, Instance, wait_for

PASSWORD = "secret-of-test"
HOOKS = TOP / "build-hooks"
DAEMONS = ("smtp", "imap", "pop3")


def build_hooks():
    """One at a time, however many workers run these tests: the lock is on the source directory."""
    top = os.open(TOP, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(top, fcntl.LOCK_EX)
        subprocess.run(["make", "-C", str(TOP), "-j2", "TESTHOOKS=1"], check=True, stdout=subprocess.DEVNULL, timeout=600)
    finally:
        os.close(top)


@pytest.fixture(scope="module")
def hooked():
    build_hooks()
    inst = Instance(build=HOOKS)
    try:
        inst.setup()
        inst.start()
        for user in ("alice", "bob"):
            inst.add_user(f"{user}@d.test", PASSWORD)
        yield inst
    finally:
        inst.close()


class Session:
    """One connection whose worker attacks on demand."""

    def __init__(self, inst, label, tls=False):
        self.label = label
        self.sock = socket.create_connection(("127.0.0.1", inst.port(label)), timeout=20)
        if tls:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self.sock = context.wrap_socket(self.sock)
        self.file = self.sock.makefile("rwb", buffering=0)
        self.file.readline()

    def command(self, line):
        self.file.write(line.encode() + b"\r\n")
        return self.file.readline().decode()

    def login(self, user):
        if self.label.startswith("pop3"):
            self.command(f"USER {user}")
            assert self.command(f"PASS {PASSWORD}").startswith("+OK")
        elif self.label.startswith("imap"):
            assert "OK" in self.command(f"a LOGIN {user} {PASSWORD}")
        else:
            line = self.command("EHLO test")
            while not line.startswith("250 "):
                line = self.file.readline().decode()
            plain = base64.b64encode(f"\0{user}\0{PASSWORD}".encode()).decode()
            assert self.command(f"AUTH PLAIN {plain}").startswith("235")
        return self

    def attack(self, name, argument=""):
        """The name of the error, "ok", or "killed"."""
        try:
            reply = self.command(f"XTESTHOOK {name} {argument}")
        except OSError:
            return "killed"
        return reply.split()[1] if reply else "killed"

    def close(self):
        self.sock.close()


def sessions(inst):
    """One worker of each daemon that has not logged in, and one that has."""
    for label in DAEMONS:
        yield f"{label} before login", lambda label=label: Session(inst, label)
    for label in ("smtps", "imaps", "pop3s"):
        yield f"{label} as alice", lambda label=label: Session(inst, label, tls=True).login("alice@d.test")


def attack_everywhere(inst, name, argument=""):
    results = {}
    for who, begin in sessions(inst):
        session = begin()
        assert session.attack("alive") == "ok", who
        results[who] = session.attack(name, argument)
        session.close()
    return results


def refused_everywhere(inst, name, argument=""):
    results = attack_everywhere(inst, name, argument)
    assert "ok" not in results.values(), (name, argument, results)


@pytest.fixture(scope="module")
def listener():
    sock = socket.create_server(("127.0.0.1", 0))
    yield sock
    sock.close()


def outside_paths(inst):
    yield "/etc/passwd"
    yield "/"
    yield "/proc/self/status"
    yield str(inst.root / "etc/posthorn.conf")
    yield str(inst.root / "etc/certs/key.pem")
    yield str(inst.root / "store/d.test")
    yield str(inst.root / "run/authd.sock")


def test_no_path_can_be_opened(hooked):
    for path in outside_paths(hooked):
        refused_everywhere(hooked, "open", path)
    refused_everywhere(hooked, "create", "/tmp/posthorn-escape")
    assert not os.path.exists("/tmp/posthorn-escape")


def test_no_descriptor_leads_out(hooked):
    """From every descriptor that the worker holds, by as many ".." as it takes."""
    up = "../" * 12
    for path in ("..", up + "etc/passwd", up + str(hooked.root / "etc/certs/key.pem").lstrip("/")):
        refused_everywhere(hooked, "openat", path)


def test_the_other_user_s_mail_is_out_of_reach(hooked):
    mail = {}
    for user in ("alice", "bob"):
        found = [path for path in (hooked.root / "store").rglob("mail") if path.parent.name == user]
        assert len(found) == 1, "authd's hand-over made it"
        mail[user] = found[0]
    refused_everywhere(hooked, "openat", os.path.relpath(mail["bob"], mail["alice"]))
    refused_everywhere(hooked, "open", mail["bob"])
    mode = mail["bob"].stat().st_mode
    for attack in ("chmod", "utimes"):  # by name, which Landlock does not confine
        refused_everywhere(hooked, attack, os.path.relpath(mail["bob"], mail["alice"]))
    assert mail["bob"].stat().st_mode == mode


def test_alice_s_own_mail_is_there(hooked):
    """The control: the same attack on one's own mailbox gets through after the login, not before."""
    results = attack_everywhere(hooked, "openat", "posthorn.journal")
    assert results["imaps as alice"] == "ok" and results["pop3s as alice"] == "ok", results
    assert all(r != "ok" for who, r in results.items() if not who.endswith("pop3s as alice")
               and not who.endswith("imaps as alice")), results


@pytest.fixture(scope="module")
def public(hooked):
    """A public folder that alice may write and bob may read; its directory has a mark of its own."""
    hooked.run("public", "add", "Board@d.test", "delete=alice@d.test", "read=bob@d.test")
    alice = imaplib.IMAP4("127.0.0.1", hooked.port("imap"))
    alice.starttls(ssl_context=ssl._create_unverified_context())
    alice.login("alice@d.test", PASSWORD)
    assert alice.create("@Board/Marked")[0] == "OK"
    alice.logout()
    found = list((hooked.root / "store").rglob(".Marked"))
    assert len(found) == 1
    return found[0]


def attack_as(inst, user, name, argument):
    session = Session(inst, "imaps", tls=True).login(user)
    try:
        return session.attack(name, argument)
    finally:
        session.close()


def test_a_reader_of_a_public_folder_cannot_write(hooked, public):
    """By whatever the session does: Landlock alone decides. The control is who may write."""
    mark = public / "cur" / "mark"
    mark.write_text("old")
    assert attack_as(hooked, "bob@d.test", "openat", ".Marked/cur") == "ok", "it may be read"
    for name, path in (("writeat", ".Marked/cur/mark"), ("writeat", ".Marked/cur/new"),
                       ("writeat", ".Marked/posthorn.journal"), ("unlinkat", ".Marked/cur/mark")):
        assert attack_as(hooked, "bob@d.test", name, path) == "EACCES", (name, path)
    assert mark.read_text() == "old" and sorted(os.listdir(public / "cur")) == ["mark"]
    assert attack_as(hooked, "alice@d.test", "writeat", ".Marked/cur/new") == "ok"
    assert attack_as(hooked, "alice@d.test", "unlinkat", ".Marked/cur/new") == "ok"


def test_a_shared_folder_is_all_that_the_other_holds(hooked):
    """ACL: bob may read alice's folder Given, and nothing beside it; he cannot write it."""
    alice = imaplib.IMAP4("127.0.0.1", hooked.port("imap"))
    alice.starttls(ssl_context=ssl._create_unverified_context())
    alice.login("alice@d.test", PASSWORD)
    for name in ("Given", "Kept"):
        assert alice.create(name)[0] == "OK"
    assert alice.setacl("Given", "bob@d.test", "lr")[0] == "OK"
    alice.logout()
    given, kept = (next((hooked.root / "store").rglob(f".{name}")) for name in ("Given", "Kept"))
    for folder in (given, kept):  # names that are in that folder alone
        (folder / f"in{folder.name}").mkdir()
        (folder / f"in{folder.name}" / "mark").write_text("old")
        for path in (folder / f"in{folder.name}", folder / f"in{folder.name}" / "mark"):
            shutil.chown(path, *(given.stat().st_uid, given.stat().st_gid))
    assert attack_as(hooked, "bob@d.test", "openat", "in.Given/mark") == "ok", "it may be read"
    for name, path in (("writeat", "in.Given/mark"), ("writeat", "in.Given/new"),
                       ("unlinkat", "in.Given/mark")):
        assert attack_as(hooked, "bob@d.test", name, path) == "EACCES", (name, path)
    assert os.listdir(given / "in.Given") == ["mark"]
    for path in ("../.Kept/in.Kept/mark", ".Kept/in.Kept/mark", "in.Kept/mark", "../posthorn.journal"):
        assert attack_as(hooked, "bob@d.test", "openat", path) != "ok", path


@pytest.mark.parametrize("rights, may_read, may_write", [
    ("l", False, False), ("lp", False, False), ("la", False, False), ("lr", True, False), ("lrpa", True, False),
    ("ls", True, True), ("lw", True, True), ("li", True, True), ("lt", True, True), ("le", True, True),
])
def test_what_a_guest_holds_follows_from_the_rights(hooked, rights, may_read, may_write):
    """Who may neither read nor change messages holds nothing; who may change some, that folder alone."""
    alice = imaplib.IMAP4("127.0.0.1", hooked.port("imap"))
    alice.starttls(ssl_context=ssl._create_unverified_context())
    alice.login("alice@d.test", PASSWORD)
    alice.create("Lent"), alice.create("Lent/Below")
    for name in ("Given", "Lent/Below"):
        alice.deleteacl(name, "bob@d.test")
    assert alice.setacl("Lent", "bob@d.test", rights)[0] == "OK"
    alice.logout()
    lent, below = (next((hooked.root / "store").rglob(name)) for name in (".Lent", ".Lent.Below"))
    for folder in (lent, below):
        mark = folder / f"in{folder.name}"
        mark.mkdir(exist_ok=True)
        (mark / "mark").write_text("old")
        for path in (mark, mark / "mark"):
            shutil.chown(path, lent.stat().st_uid, lent.stat().st_gid)
    attack = lambda name, path: attack_as(hooked, "bob@d.test", name, path)
    assert (attack("openat", "in.Lent/mark") == "ok") == may_read
    assert (attack("writeat", "in.Lent/new") == "ok") == may_write
    assert (attack("unlinkat", "in.Lent/mark") == "ok") == may_write
    for path in ("../.Lent.Below/in.Lent.Below/mark", "in.Lent.Below/mark", "../posthorn.journal",
                 "../posthorn.folders", "../cur"):
        assert attack("openat", path) != "ok", path
    for name, path in (("writeat", "../new"), ("writeat", "../.Lent.Below/in.Lent.Below/mark"),
                       ("unlinkat", "../.Lent.Below/in.Lent.Below/mark")):
        assert attack(name, path) != "ok", (name, path)
    assert (below / "in.Lent.Below" / "mark").read_text() == "old"


def test_who_is_in_no_list_holds_no_descriptor(hooked, public):
    hooked.add_user("carol@d.test", PASSWORD)
    assert attack_as(hooked, "carol@d.test", "openat", ".Marked/cur") != "ok"
    assert attack_as(hooked, "carol@d.test", "open", str(public)) != "ok"


def test_nothing_can_be_connected_to(hooked, listener):
    port = listener.getsockname()[1]
    refused_everywhere(hooked, "connect", port)
    refused_everywhere(hooked, "reconnect", port)
    refused_everywhere(hooked, "unix", str(hooked.root / "run/accountd.sock"))
    listener.settimeout(0.1)
    with pytest.raises(socket.timeout):
        listener.accept()


def test_no_listener_is_left_in_a_worker(hooked):
    refused_everywhere(hooked, "listeners")


def test_no_program_can_be_run(hooked):
    for path in ("/bin/true", "/bin/sh", "/proc/self/exe"):
        assert set(attack_everywhere(hooked, "exec", path).values()) == {"killed"}
    refused_everywhere(hooked, "fork")
    refused_everywhere(hooked, "code")


def test_no_process_can_be_touched(hooked):
    workers = [row["pid"] for row in hooked.json("status", "--sandbox") if row["role"] == "worker"]
    victim = subprocess.Popen(["sleep", "60"])
    try:
        for pid in (workers[0], victim.pid, 1):
            refused_everywhere(hooked, "kill", pid)
            refused_everywhere(hooked, "fcntl_kill", pid)
            refused_everywhere(hooked, "prlimit", pid)
        for name in ("ptrace", "peek"):
            assert set(attack_everywhere(hooked, name, victim.pid).values()) == {"killed"}
        assert victim.poll() is None
    finally:
        victim.kill()
        victim.wait()


def test_no_privilege_can_be_had(hooked):
    refused_everywhere(hooked, "setuid")
    refused_everywhere(hooked, "chroot", "/")
    for name in ("unshare", "io_uring"):
        assert set(attack_everywhere(hooked, name).values()) == {"killed"}


def test_no_line_can_be_logged_in_another_s_name(hooked):
    assert set(attack_everywhere(hooked, "forge", "a-forged-event").values()) == {"ok"}  # it was sent
    told = lambda: hooked.log("log").count("event=foreign_line")
    wait_for(lambda: told() >= 3, 5, "logd tells")
    hooked.wait_log("log", "from_program=pop3d")
    for path in (hooked.root / "log").glob("*.log*"):
        for line in path.read_text(errors="replace").splitlines():
            assert " event=a-forged-event" not in line.split(" line=")[0], (path, line)


def test_a_worker_holds_what_its_session_needs(hooked):
    """Every descriptor of every process; those of sessions one by one."""
    allowed = {"smtpd": {"queue/tmp", "queue/new", "queue/trigger"}, "imapd": set(), "pop3d": set(), "ldapd": set(), "admind": set()}
    for row in hooked.json("status", "--sandbox"):
        held = [os.readlink(entry) for entry in pathlib.Path(f"/proc/{row['pid']}/fd").iterdir()]
        files = {name for name in held if name.startswith("/")} - {"/dev/null"}
        outside = {name for name in files if not name.startswith(str(hooked.root))}
        assert not outside, (row, outside)
        if row["role"] != "worker" or row["program"] not in allowed or row["state"] != "idle":
            continue
        names = {os.path.relpath(name, hooked.root) for name in files}
        assert names - allowed[row["program"]] == {"queue/instance.lock"}, (row, names)
        sockets = [name for name in held if name.startswith("socket:")]
        pipes = [name for name in held if name.startswith("pipe:")]
        assert len(sockets) == 2, (row, held)  # to the parent, to logd
        assert len(set(pipes)) == 1 and len(held) == len(files) + 2 + 2 + 1, (row, held)


def test_a_worker_has_limits_and_cannot_be_looked_into(hooked):
    workers = [row for row in hooked.json("status", "--sandbox")
               if row["program"] in ("smtpd", "imapd", "pop3d", "ldapd", "admind") and row["role"] == "worker"]
    assert workers
    for row in workers:
        limits = pathlib.Path(f"/proc/{row['pid']}/limits").read_text().splitlines()
        hard = {line[:26].strip(): line[26:].split()[1] for line in limits[1:]}
        assert hard["Max core file size"] == "0" and int(hard["Max open files"]) == (5280 if row["program"] == "imapd" else 256), (
            row, hard)  # imapd: four for each folder of others and for each that NOTIFY watches
        assert hard["Max data size"] == str(1 << 30), (row, hard)
        if os.geteuid() == 0:  # what is not dumpable belongs to root
            assert os.stat(f"/proc/{row['pid']}/fd").st_uid == 0, row


def test_a_killed_worker_costs_only_its_session(hooked):
    with_mail = Session(hooked, "pop3s", tls=True).login("bob@d.test")
    Session(hooked, "pop3").attack("exec", "/bin/true")
    assert with_mail.command("STAT").startswith("+OK")
    hooked.wait_log("pop3", "signal=SYS")
    with_mail.close()


def test_status_shows_what_is_in_force(hooked):
    held = [Session(hooked, label, tls=True).login("alice@d.test") for label in ("imaps", "pop3s")]
    rows = hooked.json("status", "--sandbox")
    for session in held:
        session.close()
    confined = [row for row in rows if row["program"] in ("smtpd", "imapd", "pop3d", "ldapd")]
    assert {row["role"] for row in confined} == {"parent", "forker", "worker"}
    for row in rows:
        if row["program"] == "master":
            continue
        assert row["seccomp"] == "filter" and row["no_new_privs"] is True, row
        if row["program"] == "operd":  # stays the instance's owner: operd(8)
            assert row["capabilities"] == ("dac_override,kill" if os.geteuid() == 0 else "none"), row
            continue
        assert row["capabilities"] == "none", row
        if os.geteuid() == 0:
            assert row["user"] not in ("root", "0", 0), row
    if os.geteuid() == 0:
        assert all(row["chroot"].endswith("/empty") for row in confined if row["role"] != "parent")
    layers = {row["program"]: int(row["landlock_layers"]) for row in confined
              if row["state"] == "logged in"}
    assert layers == {"imapd": 2, "pop3d": 2}


def test_a_normal_build_has_no_hook(suite):
    session = Session(suite, "pop3")
    assert session.command("XTESTHOOK alive").startswith("-ERR")
    session.close()
    for program in ("smtpd", "imapd", "pop3d"):
        assert b"XTESTHOOK" not in (suite.build / "libexec/posthorn" / program).read_bytes()
