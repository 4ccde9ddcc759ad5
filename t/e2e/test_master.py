"""master: supervision, reload, drain, start failures. First with stand-in daemons, whose failures
can be ordered, then with the real suite."""
import datetime
import fcntl
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import sys

import pytest

from instance import BUILD, Instance, wait_for

FAKE = pathlib.Path(__file__).with_name("fake_service.py")
SERVICES = """
[log]
program = logd
user = log
socket = log.sock 0600 datagram
[server]
program = fake-server
socket = server.sock 0600
[proto]
program = fake-proto
listen = proto:25 protos:465
overlap = yes
"""


class FakeSuite(Instance):
    """An instance below its own tree of programs: master, logd and the command are real."""

    def __init__(self):
        super().__init__(build=BUILD)
        tree = self.base / "tree"
        self.libexec = tree / "libexec/posthorn"
        self.libexec.mkdir(parents=True)
        (tree / "bin").mkdir()
        shutil.copy(BUILD / "bin/posthorn", tree / "bin")
        for name in ("master", "logd"):
            shutil.copy(BUILD / "libexec/posthorn" / name, self.libexec)
        for name in ("fake-server", "fake-proto"):
            shutil.copy(FAKE, self.libexec / name)
        self.build = tree
        for name in ("etc", "run", "log", "queue"):
            (self.root / name).mkdir(parents=True)
        os.chmod(self.base, 0o755)
        (self.root / "run").chmod(0o711)
        if os.geteuid() == 0:
            os.chown(self.root / "log", 64210, 64210)
        self.configure()
        (self.root / "etc/services.conf").write_text(SERVICES)

    def configure(self, banner="one", extra=""):
        (self.root / "etc/posthorn.conf").write_text(
            f"[system]\nhostname = mail.d.test\nport_offset = {self.offset}\nbind = 127.0.0.1\n"
            f"banner = {banner}\n{extra}[users]\nlog = 64210:64210\n")

    def plan(self, program, text):
        (self.libexec / f"{program}.plan").write_text(text)

    def connect(self, label="smtp"):
        sock = socket.create_connection(("127.0.0.1", self.port(label)), timeout=5)
        return sock

    def services(self):
        return {row["service"]: row for row in self.json("status", check=False)}


def talk(sock, text="hello"):
    sock.sendall(text.encode())
    return sock.recv(4096).decode().split()


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] != "Z"


@pytest.fixture
def fake():
    inst = FakeSuite()
    yield inst
    inst.close()


def test_start_returns_when_connections_are_accepted(fake):
    fake.start()
    assert talk(fake.connect()) [0] == "one"
    states = fake.services()
    assert set(states) == {"master", "log", "server", "proto"}
    assert all(row["state"] == "running" for row in states.values())
    assert fake.run("stop").returncode == 0
    assert fake.processes() == {}
    assert fake.run("status", check=False).returncode == 1


def open_files(pid):
    return [fd for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir() if fd.exists()]


def test_stop_waits_for_a_suite_that_has_its_lock_in_the_run_directory(fake):
    """As versions before have it; and what cannot be looked at is no suite that has gone."""
    with open(fake.root / "run/instance.lock", "w") as older:
        fcntl.flock(older, fcntl.LOCK_EX)
        with subprocess.Popen([fake.build / "bin/posthorn", "--root", fake.root, "stop"],
                              stderr=subprocess.PIPE, text=True) as stop:
            lock = os.fstat(older.fileno())
            wait_for(lambda: any(os.path.samestat(os.stat(fd), lock) for fd in open_files(stop.pid)), 20, "it waits")
            assert stop.poll() is None
            fcntl.flock(older, fcntl.LOCK_UN)
            assert stop.wait(20) == 0, stop.stderr.read()
    (fake.root / "run/instance.lock").unlink()
    (fake.root / "queue/instance.lock").symlink_to("instance.lock")  # ELOOP
    done = fake.run("stop", check=False)
    assert done.returncode == 1 and "queue/instance.lock: " in done.err


def test_a_child_that_is_killed_is_back_within_a_second(fake):
    fake.start()
    wait_for(lambda: all(row["uptime"] >= 1 for row in fake.services().values()), 10, "up for a while")
    for service in ("proto", "server", "log", "proto"):
        pid = fake.services()[service]["pid"]
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: fake.services()[service]["state"] == "running"
                 and fake.services()[service]["pid"] != pid, 1.0, f"{service} is back")
    assert talk(fake.connect())[0] == "one"


def test_master_killed_takes_all_along_and_starts_again_at_once(fake):
    fake.plan("fake-server", "deaf")
    fake.start()
    master = fake.services()["master"]["pid"]
    os.kill(master, signal.SIGKILL)
    wait_for(lambda: not fake.processes(), 2.0, "all children end")
    fake.plan("fake-server", "")
    fake.start()
    assert talk(fake.connect())[0] == "one"


def test_reload_keeps_the_open_session_and_takes_the_new_text(fake):
    fake.start()
    old = fake.connect()
    first = talk(old)
    fake.configure(banner="two")
    fake.run("reload")
    assert talk(old) == first                     # the session goes on where it was
    wait_for(lambda: talk(fake.connect())[0] == "two", 3, "new sessions have the new text")
    assert talk(fake.connect())[1] != first[1]
    assert fake.services()["proto"]["draining"] == 1
    old.close()
    wait_for(lambda: fake.services()["proto"]["draining"] == 0, 5, "the old process ends")


def test_no_connection_is_refused_during_a_reload(fake):
    fake.start()
    for i in range(5):
        fake.configure(banner=f"b{i}")
        reload = subprocess.Popen([str(fake.build / "bin/posthorn"), "--root", str(fake.root), "reload"])
        while reload.poll() is None:
            assert len(talk(fake.connect())) == 3
        assert reload.returncode == 0


@pytest.mark.parametrize("extra, where", [
    ("port_offset = many\n", "posthorn.conf:6:"),
    ("no_such_setting = 1\n", "posthorn.conf:6:"),
])
def test_a_broken_configuration_is_refused_with_its_line(fake, extra, where):
    fake.start()
    before = fake.services()
    fake.configure(banner="two", extra=extra)
    done = fake.run("reload", check=False)
    assert done.returncode == 1 and where in done.err
    after = fake.services()
    assert {s: r["pid"] for s, r in before.items()} == {s: r["pid"] for s, r in after.items()}
    os.kill(after["proto"]["pid"], signal.SIGKILL)  # even a restart keeps to the old text
    wait_for(lambda: fake.services()["proto"]["state"] == "running", 1.0, "back")
    assert talk(fake.connect())[0] == "one"
    # broken services.conf, and a signal in place of the command
    (fake.root / "etc/services.conf").write_text(SERVICES + "[proto2]\nlisten = x:0\n")
    os.kill(after["master"]["pid"], signal.SIGHUP)
    wait_for(lambda: "services.conf:14:" in fake.log("master"), 3, "the refusal is logged")
    assert talk(fake.connect())[0] == "one"


def test_a_daemon_that_refuses_the_new_text_leaves_the_old_one_running(fake):
    fake.start()
    for program, proto_runs_with in (("fake-proto", "one"), ("fake-server", "two-fake-server")):
        fake.plan(program, "fail no such certificate")
        fake.configure(banner="two-" + program)
        done = fake.run("reload", check=False)
        assert done.returncode == 1 and "no such certificate" in done.err
        wait_for(lambda: talk(fake.connect())[0] == proto_runs_with, 3, proto_runs_with)
        fake.plan(program, "")
    wait_for(lambda: fake.services()["server"]["state"] == "running", 3, "the old text works again")


def test_a_start_failure_names_its_reason_and_the_others_run(fake):
    fake.plan("fake-server", "fail /etc/cert.pem: No such file or directory")
    done = fake.run("start", check=False)
    assert done.returncode == 1
    assert "server: /etc/cert.pem: No such file or directory" in done.err
    assert talk(fake.connect())[0] == "one"
    assert fake.services()["server"]["state"] == "failed"
    fake.plan("fake-server", "")
    fake.run("service", "start", "server")
    assert fake.services()["server"]["state"] == "running"


def test_a_port_in_use_is_named_with_its_holder(fake):
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.bind(("127.0.0.1", fake.port("smtps")))
        thief.listen()
        done = fake.run("start", check=False)
        assert done.returncode == 1
        assert f"port {fake.port('smtps')} is in use by " in done.err
        assert f"(pid {os.getpid()})" in done.err
        assert fake.services()["server"]["state"] == "running"
    wait_for(lambda: fake.services()["proto"]["state"] == "running", 15, "tried again, and the port is free now")
    assert talk(fake.connect())[0] == "one"


def test_a_daemon_that_dies_at_once_is_started_less_and_less_often(fake):
    fake.plan("fake-server", "fail bad luck")
    fake.run("start", check=False)

    def starts():
        return [datetime.datetime.fromisoformat(line.split()[0].replace("Z", "+00:00"))
                for line in fake.log("master").splitlines() if "process_started" in line and "service=server" in line]
    wait_for(lambda: len(starts()) >= 6, 15, "six tries")
    at = starts()[:6]
    pauses = [(later - earlier).total_seconds() for earlier, later in zip(at, at[1:])]
    assert pauses[4] > 2 * pauses[2] > 0.3, pauses


def test_a_daemon_that_hangs_is_killed_and_told(fake):
    fake.configure(extra="start_timeout = 1s\n")
    fake.plan("fake-server", "hang")
    done = fake.run("start", check=False)
    assert done.returncode == 1 and "did not become ready in time" in done.err


def test_a_reload_that_follows_another_has_its_ports(fake):
    """The second one comes before the first is in force: what that has bound is ours."""
    fake.start()
    more = SERVICES.replace("protos:465", "protos:465 more:587")
    fake.plan("fake-proto", "hang")
    (fake.root / "etc/services.conf").write_text(more)
    first = subprocess.Popen([str(fake.build / "bin/posthorn"), "--root", str(fake.root), "reload"],
                             stderr=subprocess.PIPE)
    wait_for(lambda: fake.services()["proto"]["state"] == "reloading", 5, "the first is under way")
    fake.plan("fake-proto", "")
    fake.configure(banner="two")
    assert fake.run("reload").returncode == 0
    assert talk(fake.connect("submission"))[0] == "two"
    assert first.wait(10) == 0
    first.stderr.close()
    # a refused third one leaves what the second has brought
    fake.configure(banner="three", extra="port_offset_x = 1\n")
    assert fake.run("reload", check=False).returncode == 1
    assert talk(fake.connect("submission"))[0] == "two"


def test_sections_come_go_and_come_back(fake):
    fake.start()
    (fake.root / "etc/services.conf").write_text(SERVICES[:SERVICES.index("[proto]")])
    fake.run("reload")
    with pytest.raises(ConnectionRefusedError):
        fake.connect()
    (fake.root / "etc/services.conf").write_text(SERVICES)
    fake.run("reload")
    assert talk(fake.connect())[0] == "one"
    (fake.root / "etc/services.conf").write_text(SERVICES + "startup = disabled\n")
    fake.run("reload")
    with pytest.raises(ConnectionRefusedError):
        fake.connect()
    fake.run("service", "start", "proto")
    fake.run("reload")  # nothing has changed: it goes on
    assert talk(fake.connect())[0] == "one"


def test_what_the_caller_left_open_goes_nowhere(fake):
    with open("/etc/hostname") as stray:
        os.set_inheritable(stray.fileno(), True)
        subprocess.run([str(fake.build / "bin/posthorn"), "--root", str(fake.root), "start"],
                       check=True, close_fds=False, timeout=60, env={**os.environ, "HOME": "/", "LD_STRAY": "yes"})
        children = fake.processes().keys() - {fake.services()["master"]["pid"]}
        assert children
        for pid in fake.processes():
            held = [os.readlink(entry) for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir()]
            assert "/etc/hostname" not in held, held
        for pid in children:
            environ = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            names = {item.split(b"=")[0].decode() for item in environ if item}
            assert not names & {"HOME", "LD_STRAY"}, names


def test_a_daemon_that_does_not_end_is_killed(fake):
    fake.configure(extra="stop_timeout = 3s\ndrain_time = 1s\n")
    fake.plan("fake-server", "deaf")
    fake.start()
    deaf = fake.services()["server"]["pid"]
    fake.run("service", "stop", "server", check=False)
    wait_for(lambda: not alive(deaf), 10, "the end of it")


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user has no capabilities")
def test_master_keeps_only_what_starting_daemons_takes(fake):
    fake.start()
    row = fake.services()["master"]
    master = next(r for r in fake.json("status", "--sandbox") if r["pid"] == row["pid"])
    assert master["capabilities"].split(",") == [
        "chown", "dac_override", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap",
        "net_bind_service", "sys_chroot"]
    assert master["no_new_privs"] and master["seccomp"] == "filter" and master["landlock_layers"] == 1
    children = [pid for pid in fake.processes() if pid != row["pid"]]
    assert children
    for pid in [row["pid"], *children]:  # a daemon that is still root has no more
        status = dict(line.split(":\t", 1) for line in open(f"/proc/{pid}/status"))
        assert int(status["CapBnd"], 16) & ~0x405fb == 0 and status["Seccomp"].strip() == "2"


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user has no capabilities")
def test_the_right_to_change_the_firewall_is_for_one_program(fake):
    """A program that stays root, as a daemon is at first: blockd's name has it, the others have not."""
    shutil.copy(FAKE, fake.libexec / "blockd")
    with open(fake.root / "etc/services.conf", "a") as services:
        services.write("\n[block]\nprogram = blockd\n")
    fake.configure(extra="[guess]\nfirewall = yes\n")
    fake.start()
    rows = fake.services()
    for name, row in rows.items():
        bounds = int(re.search(r"CapBnd:\t(\w+)", pathlib.Path(f"/proc/{row['pid']}/status").read_text())[1], 16)
        assert bool(bounds & 1 << 12) == (name in ("master", "block")), name
    fake.configure()
    fake.run("reload")
    fake.stop()
    fake.start()
    bounds = re.findall(r"CapBnd:\t(\w+)", pathlib.Path(f"/proc/{fake.services()['block']['pid']}/status").read_text())
    assert int(bounds[0], 16) & 1 << 12 == 0  # it is off


def test_what_a_daemon_says_is_bounded_and_tame(fake):
    fake.plan("fake-server", "fail " + "word\n" * 500 + "\x1b[31mred\x9b.")
    done = fake.run("start", check=False)
    assert done.returncode == 1 and "\x1b" not in done.err and "[31mred" in done.err
    assert "\x1b" not in fake.json("status", check=False)[2]["error"]
    wait_for(lambda: "event=output_dropped" in fake.log("master"), 5, "the flood is told")
    assert fake.log("master").count("text=word") < 300


def test_a_run_directory_of_others_is_refused(fake):
    (fake.root / "run").chmod(0o777)
    done = fake.run("start", check=False)
    assert done.returncode == 1 and "nobody else may write there" in done.err


def test_only_one_master(fake):
    fake.start()
    second = subprocess.run([str(fake.libexec / "master"), "--root", str(fake.root)],
                            capture_output=True, text=True, timeout=10)
    assert second.returncode != 0 and "running already" in second.stderr
    assert talk(fake.connect())[0] == "one"


def test_a_second_suite_never_comes_in_although_run_is_swept_away(fake):
    """As systemd does with RuntimeDirectory when a start fails."""
    fake.start()
    before = fake.processes()
    kept = fake.root / "run-of-before"
    (fake.root / "run").rename(kept)
    done = fake.run("start", check=False)
    assert done.returncode == 1 and "earlier start still run" in done.err
    assert fake.processes() == before
    shutil.rmtree(fake.root / "run")
    kept.rename(fake.root / "run")
    fake.stop()


def test_service_stop_refuses_connections_until_start(fake):
    fake.start()
    fake.run("service", "stop", "proto")
    with pytest.raises(ConnectionRefusedError):
        fake.connect()
    fake.run("service", "start", "proto")
    assert talk(fake.connect())[0] == "one"
    fake.run("service", "restart", "proto")
    assert talk(fake.connect())[0] == "one"
    done = fake.run("service", "start", "nothing", check=False)
    assert done.returncode == 1 and "no such service" in done.err


ASK_MASTER = r"""
import os, socket, struct, sys
uid, path, verb = int(sys.argv[1]), sys.argv[2], sys.argv[3].encode()
sock = socket.socket(socket.AF_UNIX)
os.setgroups([]); os.setgid(uid); os.setuid(uid)
sock.settimeout(20)
try:
    sock.connect(path)
    payload = b"S" + struct.pack(">I", len(verb)) + verb + b"S" + struct.pack(">I", 0)
    sock.sendall(struct.pack(">IBBHI", len(payload), 1, 0, 1, 7) + payload)
    print("answer" if sock.recv(12) else "closed")
except OSError:
    print("closed")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="asks as other users")
def test_the_control_socket_takes_orders_from_root_and_questions_from_alertd(instance):
    """Who asks goes by the uid: alertd may see the status and do nothing else, others are not let in."""
    instance.start()
    user = instance.run("config", "get", "users.alert").out.strip()
    alert = int(user.split(":")[0]) if ":" in user else pwd.getpwnam(user).pw_uid
    for uid, verb, result in ((0, "status", "answer"), (alert, "status", "answer"), (alert, "reload", "closed"),
                              (alert, "stop", "closed"), (65534, "status", "closed")):
        done = subprocess.run([sys.executable, "-c", ASK_MASTER, str(uid), "run/master.sock", verb], cwd=instance.root,
                              capture_output=True, text=True, timeout=60)
        assert done.stdout.strip() == result, (uid, verb, done.stdout, done.stderr)
    assert all_running(instance)


def test_systemd_is_told(fake):
    path = fake.base / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(path))
        notify.settimeout(5)
        master = subprocess.Popen(
            [str(fake.build / "bin/posthorn"), "--root", str(fake.root), "start", "--foreground"],
            env={**os.environ, "NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "400000"})
        def told(start):
            while not notify.recv(300).decode().startswith(start):
                pass
        told("STATUS=every service runs")
        told("READY=1")
        told("WATCHDOG=1")
        for order in (lambda: master.send_signal(signal.SIGHUP), lambda: fake.run("reload")):
            order()
            told("RELOADING=1\nMONOTONIC_USEC=")
            told("READY=1")
        fake.configure(extra="no_such_setting = 1\n")
        fake.run("reload", check=False)
        told("RELOADING=1")
        told("READY=1")
        fake.run("stop")
        told("STOPPING=1")
        told("EXTEND_TIMEOUT_USEC=")
        assert master.wait(15) == 0


def test_log_follows_across_rotation_and_trace_finds_the_rotated_lines(fake):
    log = fake.root / "log"
    fake.start()
    line = "2026-11-23T10:00:00.{:03d}Z smtpd[1] info event=e{} queue_id=Id1 n={}\n"
    (log / "smtp.log.20261123T100000.000Z").write_text(line.format(1, 1, 1))
    (log / "queue.log").write_text(line.format(3, 3, 3) + line.format(4, 4, 4).replace("Id1", "Id12"))
    (log / "smtp.log").write_text(line.format(2, 2, 2))
    rows = fake.json("trace", "Id1")
    assert [row["event"] for row in rows] == ["e1", "e2", "e3"]
    assert rows[0]["service"] == "smtp" and rows[2]["service"] == "queue"
    assert fake.run("trace", "Id9", check=False).returncode == 1
    follow = subprocess.Popen([str(fake.build / "bin/posthorn"), "--root", str(fake.root), "log", "-f",
                               "smtp"], stdout=subprocess.PIPE, text=True)
    try:
        assert "event=e2" in follow.stdout.readline()
        (log / "smtp.log").rename(log / "smtp.log.20261123T100001.000Z")
        (log / "smtp.log").write_text(line.format(9, 9, 9))
        assert "event=e9" in follow.stdout.readline()
    finally:
        follow.terminate()
        follow.wait()


# ---- the real suite ----

def imap(inst):
    sock = socket.create_connection(("127.0.0.1", inst.port("imap")), timeout=5)
    assert sock.recv(4096).startswith(b"* OK")
    return sock


def imap_noop(sock):
    sock.sendall(b"a NOOP\r\n")
    return sock.recv(4096).startswith(b"a OK")


def states(inst):
    return {row["service"]: row for row in inst.json("status", check=False)}


def all_running(inst):
    """Metrics is off as shipped."""
    return all(row["state"] == "running" for name, row in states(inst).items() if name != "metrics")


def test_a_reload_starts_again_what_has_no_overlap_only_if_a_file_has_changed(instance):
    def pids():
        return {name: row["pid"] for name, row in states(instance).items()}

    instance.start()
    before = pids()
    (instance.root / "etc/posthorn.conf").touch()
    (instance.root / "etc/templates/en/.bounce.txt.swp").touch()
    instance.run("reload")
    same = pids()
    assert same["queue"] == before["queue"] and same["account"] == before["account"]
    assert same["smtp"] != before["smtp"]
    (instance.root / "etc/templates/en/bounce.txt").write_text("Subject: new\n\n@recipients@\n")
    instance.run("reload")
    assert pids()["queue"] != same["queue"] and all_running(instance)


def test_every_program_killed_is_back_within_a_second(instance):
    instance.start()
    wait_for(lambda: all(row["uptime"] is None or row["uptime"] >= 1 for row in states(instance).values()), 10,
             "up for a while")
    for service, row in states(instance).items():
        if service == "master" or row["state"] == "stopped":  # metrics is off as shipped
            continue
        os.kill(row["pid"], signal.SIGKILL)
        wait_for(lambda: states(instance)[service]["pid"] not in (None, row["pid"])
                 and states(instance)[service]["state"] == "running", 1.0, f"{service} is back")
    assert imap_noop(imap(instance))
    assert instance.run("status").returncode == 0


def test_the_real_master_killed_takes_all_along(instance):
    instance.start()
    session = imap(instance)
    os.kill(states(instance)["master"]["pid"], signal.SIGKILL)
    wait_for(lambda: not instance.processes(), 3.0, "all processes end")
    last_words = session.makefile("rb").read()  # to the end: none, or a BYE that was quicker than the end
    assert last_words == b"" or last_words.startswith(b"* BYE")
    instance.start()
    assert all_running(instance)


def test_the_real_reload_keeps_an_open_session(instance):
    instance.start()
    session = imap(instance)
    instance.set("system.banner", "after the reload")
    instance.run("reload")
    assert imap_noop(session)
    assert all_running(instance)
    with socket.create_connection(("127.0.0.1", instance.port("imap")), timeout=5) as fresh:
        assert b"after the reload" in fresh.recv(4096)
    (instance.root / "etc/posthorn.conf").write_text("[system]\nhostname\n")
    done = instance.run("reload", check=False)
    assert done.returncode == 1 and "posthorn.conf:2:" in done.err
    assert imap_noop(session) and all_running(instance)


def test_a_missing_certificate_is_named(instance):
    instance.set("tls.certificate", "certs/missing.pem")
    done = instance.run("start", check=False)
    assert done.returncode == 1 and "missing.pem" in done.err
    assert states(instance)["queue"]["state"] == "running"


def test_sandbox_status_shows_no_root_but_master(instance):
    instance.start()
    rows = instance.json("status", "--sandbox")
    assert {row["service"] for row in rows} >= {"master", "smtp", "imap", "pop3", "auth", "queue"}
    for row in rows:
        if row["service"] == "master":
            continue
        assert row["no_new_privs"] and row["seccomp"] == "filter", row
        if os.geteuid() == 0:
            assert row["user"] != "root", row
            assert row["capabilities"] == "none", row
        assert row["landlock_layers"] >= 1, row
    if os.geteuid() == 0:  # who reads from the network has no file system
        reads = [row for row in rows if row["program"] in ("dnsd", "remote-deliver")
                 or row["program"] in ("smtpd", "imapd", "pop3d", "admind") and row["role"] != "parent"]
        assert {row["program"] for row in reads} == {"dnsd", "remote-deliver", "smtpd", "imapd", "pop3d", "admind"}
        for row in reads:
            here = "run" if row["program"] == "remote-deliver" else "run/empty"
            assert row["chroot"] == str(instance.root / here), row


@pytest.mark.skipif(os.geteuid() != 0, reason="takes several users")
def test_users_with_names_work_too(instance):
    """As in an installation: names from /etc/passwd, which no sandbox can read. Debian's own serve."""
    names = dict(zip(("smtp", "mail", "account", "auth", "dns", "queue", "out", "log", "filter", "key", "archive", "admin", "ldap", "alert", "figures", "metrics", "acme"),
                     ("daemon", "bin", "sys", "games", "man", "lp", "mail", "news", "uucp", "proxy", "backup", "list", "irc", "www-data", "sync", "nobody", "_apt")))
    uids, gids = {}, {}
    for role, name in names.items():
        was, new = instance.run("config", "get", f"users.{role}").out.strip(), pwd.getpwnam(name)
        if ":" in was:
            uid, gid = map(int, was.split(":"))
        else:  # this machine has Posthorn's users
            uid, gid = pwd.getpwnam(was)[2:4]
        uids[uid], gids[gid] = new.pw_uid, new.pw_gid
        instance.set(f"users.{role}", name)
    for path in [instance.root, *instance.root.rglob("*")]:
        st = path.lstat()
        os.chown(path, uids.get(st.st_uid, -1), gids.get(st.st_gid, -1), follow_symlinks=False)
        if not path.is_symlink():
            path.chmod(st.st_mode & 0o7777)
    instance.start()
    assert all_running(instance)
    instance.add_user("alice@d.test", "secret-of-test")
    with smtplib.SMTP("127.0.0.1", instance.port("smtp"), timeout=20) as smtp:
        smtp.sendmail("x@far.test", ["alice@d.test"], "Subject: named\r\n\r\nusers\r\n")
    instance.wait_queue_empty()
    others = {str(pwd.getpwnam(was)[2]) if not was.split(":")[0].isdigit() else was.split(":")[0]
              for role in ("sync", "block")  # no name is left for these
              for was in [instance.run("config", "get", f"users.{role}").out.strip()]}
    assert {row["user"] for row in instance.json("status", "--sandbox")} - others == {"root", *names.values()} - {names["metrics"]}


def test_the_figures_are_there(instance):
    instance.start()
    imap(instance).close()
    rows = instance.json("stats")
    assert {row["service"] for row in rows} >= {"log", "imap", "smtp"}
    assert all(set(row) == {"service", "counter", "value"} for row in rows)
    lines = instance.run("stats", "--prometheus").out.splitlines()  # test_metrics.py reads them
    for row in rows:
        if row["counter"] == "logins":
            assert f'posthorn_logins_total{{service="{row["service"]}"}} {row["value"]}' in lines
    assert instance.run("stats", "--json", "--prometheus", check=False).returncode == 2


def replace_in(path, old, new):
    path.write_text(path.read_text().replace(old, new))


@pytest.mark.parametrize("damage, complaint", [
    (lambda inst: (inst.root / "etc/posthorn.conf").open("a").write("junk\n"), "expected 'name = value'"),
    (lambda inst: (inst.root / "etc/services.conf").open("a").write("[bad\n"), "expected ']'"),
    (lambda inst: replace_in(inst.root / "etc/services.conf", "imap:143", "imap:65000"), "is over 65535"),
    (lambda inst: inst.set("tls.certificate", "/nonexistent"), "/nonexistent: No such file"),
])
def test_restart_stops_nothing_with_a_broken_configuration(instance, damage, complaint):
    instance.start()
    before = states(instance)["imap"]["pid"]
    damage(instance)
    done = instance.run("restart", check=False)
    assert done.returncode == 1 and complaint in done.err and "nothing was stopped" in done.err, done.err
    assert states(instance)["imap"]["pid"] == before and all_running(instance)
