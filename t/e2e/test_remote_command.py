"""The command line at a server elsewhere: the same output and exit codes as there, and why it failed if it did."""
import json
import os
import pty
import smtplib
import socket
import ssl
import subprocess
import threading
import time

import pytest

from admin_api import Api
from instance import Instance, wait_for

PASSWORD = "A-good-secret7"


@pytest.fixture(scope="module")
def inst():
    inst = Instance(hostname="localhost")  # the name in its certificate
    inst.setup()
    inst.run("admin", "passwd", "admin", "--password-stdin", stdin=PASSWORD + "\n")
    inst.run("admin", "add", "dom", "type=domain", "domains=d.test", "--password-stdin", stdin=PASSWORD + "\n")
    inst.run("domain", "add", "e.test", "description=second")
    inst.add_user("ann@d.test", "Password-of-u7")
    inst.run("user", "set", "ann@d.test", "full_name=Ann Anders", "forward=x@far.test;y@far.test", "quota_bytes=5M", "status=disabled")
    inst.run("user", "set", "ann@d.test", "status=normal")
    inst.run("group", "add", "team@d.test", "--member", "ann@d.test")
    inst.run("public", "add", "news@d.test")
    inst.run("alias", "add", "annie@d.test", "ann@d.test")
    inst.run("contact", "add", "bob@d.test", "full_name=Bob", "addresses=bob@far.test")
    inst.run("block", "add", "192.0.2.8", "--reason", "here")
    inst.run("organisation", "add", "sales@d.test", "full_name=Sales")
    inst.start()
    wait_for(lambda: inst.run("stats", "--day", "today", check=False).returncode == 0, 90, "the first figures")
    yield inst
    inst.close()


@pytest.fixture(scope="module")
def home(inst, tmp_path_factory):
    """Of an administrator who is elsewhere: a profile, and nothing of the server."""
    home = tmp_path_factory.mktemp("home")
    (home / "posthorn").mkdir()
    profiles = home / "posthorn/profiles.conf"
    (home / "server.pem").write_bytes((inst.root / "etc/certs/cert.pem").read_bytes())
    profiles.write_text("".join(f"[{name}]\nserver = localhost:{inst.port('admin')}\nadmin = {name}\n"
                                f"certificates = {home}/server.pem\npassword = {PASSWORD}\n" for name in ("admin", "dom")))
    profiles.chmod(0o600)
    return home


def there(inst, home, *args, profile="admin", stdin=b"", where=(), more=None):
    where = where or ("--profile", profile)
    done = subprocess.run([str(inst.build / "bin/posthorn"), *where, *map(str, args)], input=stdin, capture_output=True, timeout=120,
                          env={**os.environ, "XDG_CONFIG_HOME": str(home), **(more or {})}, cwd=home)
    done.out, done.err = done.stdout.decode(), done.stderr.decode()
    return done


SAME = [
    ("domain", "list"), ("domain", "list", "--json"), ("domain", "show", "e.test"), ("domain", "show", "e.test", "--json"),
    ("user", "list"), ("user", "list", "--json"), ("user", "show", "ann@d.test"), ("user", "show", "ann@d.test", "--json"),
    ("alias", "list", "--json"), ("group", "list"), ("group", "show", "team@d.test"), ("group", "show", "team@d.test", "--json"),
    ("group", "member", "list", "team@d.test"), ("admin", "list"), ("admin", "list", "--json"), ("public", "show", "news@d.test", "--json"),
    ("contact", "list", "--json"), ("block", "list"), ("block", "list", "--json"), ("cert", "list"), ("cert", "list", "--json"),
    ("location", "list", "--json"), ("config", "get", "smtp"), ("config", "get", "--json"), ("config", "get", "smtp.max_recipients"),
    ("config", "get", "smtp.max_recipients", "--json"), ("queue", "list"), ("queue", "list", "--count"), ("queue", "list", "--json"),
    ("user", "code", "list", "ann@d.test"), ("broadcast", "list"), ("broadcast", "list", "--domain", "d.test", "--json"),
    ("user", "recent", "ann@d.test", "--json"), ("user", "recent", "ann@d.test", "--sent"), ("user", "recent", "ann@d.test", "--access", "--json"),
    ("user", "status", "ann@d.test"), ("user", "status", "ann@d.test", "--json"), ("user", "status", "nobody@d.test"),
    ("stats", "users", "d.test"), ("stats", "users", "d.test", "--week", "2026-11-20", "--json"), ("stats", "users", "nowhere.test"),
    ("stats", "--history", "imap/logins", "--by", "day"), ("stats", "--history", "imap/users_connected", "--since", "2h", "--by", "hour", "--json"),
    ("stats", "--history", "smtp/flying"), ("stats", "--history", "connections"), ("stats", "--history", "imap/logins", "--since", "soon"),
    ("stats", "--day", "today"), ("stats", "--day", "2001-01-01"), ("stats", "--day", "someday"),
    ("organisation", "list"), ("organisation", "show", "sales@d.test"), ("organisation", "tree", "d.test"),
    ("directory", "sync", "d.test"), ("directory", "sync", "d.test", "--dry-run", "--json"), ("directory", "sync", "a b"),
    ("list", "names"), ("list", "show", "smtp.deny"), ("list", "show", "no.list"), ("list", "add", "smtp.deny", "no address"),
    ("list", "remove", "smtp.deny", "192.0.2.1"), ("list", "show", "guess.locations", "--json"),
    ("location", "find", "127.0.0.1"), ("location", "find", "x"), ("location", "set", "192.0.2.1", "192.0.2.1", "DE"), ("location", "remove", "x", "y"),
    ("alert", "list", "--json"), ("alert", "test"), ("alert", "report"), ("alert", "silence", "disk", "--for", "soon"),
    ("broadcast", "send", "--subject", "x", "--domain", "nowhere.test", "/dev/null"), ("broadcast", "send", "--subject", "x", "--id", "a/b", "/dev/null"),
    ("user", "show", "nobody@d.test"), ("user", "del", "nobody@d.test", "--yes"), ("config", "get", "smtp.colour"), ("user", "show"),
    ("service", "start", "flying"), ("service", "stop", "admin"), ("queue", "show", "000000000"), ("kick", "nosuch"), ("block", "lift", "192.0.2.77"),
]


@pytest.mark.parametrize("command", SAME, ids=" ".join)
def test_the_same_output_and_exit_code_as_there(inst, home, command):
    here, remote = inst.run(*command, check=False), there(inst, home, *command)
    assert (remote.returncode, remote.out) == (here.returncode, here.out), remote.err
    assert bool(remote.err) == bool(here.err)


def rows(done):
    assert done.returncode == 0, done.err
    return json.loads(done.out)


def test_status_and_figures(inst, home):
    here = {row["service"]: row for row in inst.json("status")}
    remote = {row["service"]: row for row in rows(there(inst, home, "status", "--json"))}
    same = ("program", "state", "pid", "listen", "startup", "ports", "bind", "error")
    assert {name: [row[key] for key in same] for name, row in remote.items()} == {name: [row[key] for key in same] for name, row in here.items()}
    assert any(row["counter"] == "logins" for row in rows(there(inst, home, "stats", "--json", "auth")))
    here = {(row["service"], row["counter"]) for row in inst.json("stats")}
    assert {(row["service"], row["counter"]) for row in rows(there(inst, home, "stats", "--json"))} == here
    assert ("imap", "users_connected") in here
    assert "no such service" in there(inst, home, "stats", "flying").err
    assert any(row["user"] == "admin" for row in rows(there(inst, home, "connections", "--json")))
    lines = there(inst, home, "log", "auth", "-n", "3").out.splitlines()
    assert 0 < len(lines) <= 3 and all("authd[" in line for line in lines)
    assert len({row["service"] for row in rows(there(inst, home, "log", "--json", "-n", "200"))}) > 3
    inst.run("service", "stop", "pop3")
    assert there(inst, home, "status").returncode == 0  # it is meant to be stopped
    assert there(inst, home, "service", "start", "pop3").returncode == 0
    assert there(inst, home, "reload").returncode == 0


CLOCK_AHEAD = """#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t id, struct timespec *t)
{
    int rc = (int)syscall(SYS_clock_gettime, id, t);
    if (rc == 0 && id == CLOCK_REALTIME)
        t->tv_sec += 2 * 86400;
    return rc;
}
"""


@pytest.mark.parametrize("wish", [(), ("--since", "2h", "--by", "hour"), ("--since", "10d")])
def test_a_chart_has_the_times_of_the_clock_there(inst, home, tmp_path, wish):
    """Whose own clock is two days ahead sees the same chart."""
    (tmp_path / "clock.c").write_text(CLOCK_AHEAD)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", tmp_path / "clock.so", tmp_path / "clock.c"], check=True, timeout=60)
    command = ("stats", "--history", "imap/users_connected", "--json", *wish)
    inst.run("service", "restart", "figures")  # it reads when it ends
    first = None
    while first is None or first != last:  # unless an hour begins between the two
        first = inst.run(*command).out
        remote = there(inst, home, *command, more={"LD_PRELOAD": str(tmp_path / "clock.so")})
        last = inst.run(*command).out
    assert (remote.returncode, remote.out) == (0, first), remote.err


def test_changes_arrive(inst, home):
    done = there(inst, home, "user", "add", "new@d.test", "full_name=New One", "--password-file", "-", stdin=b"Some-good-one7\n")
    assert (done.returncode, done.out, done.err) == (0, "", "")
    assert inst.json("user", "show", "new@d.test")["full_name"] == "New One"
    made = there(inst, home, "user", "add", "new2@d.test", "--json")
    assert rows(made)["address"] == "new2@d.test" and len(rows(made)["password"]) == 20
    for command in (("user", "set", "new@d.test", "quota_bytes=7M", "imap=no", "forward=a@far.test;b@far.test"),
                    ("user", "rename", "new@d.test", "newer@d.test"), ("user", "del", "new2@d.test", "--yes"),
                    ("group", "add", "crew@d.test", "--member", "ann@d.test", "--member", "z@far.test"),
                    ("group", "member", "del", "crew@d.test", "z@far.test"), ("alias", "add", "nn@d.test", "newer@d.test"),
                    ("public", "grant", "news@d.test", "read", "@d.test"), ("acl", "set", "ann@d.test", "Work", "postmaster@d.test", "lr"),
                    ("block", "add", "192.0.2.55", "--time", "1h"), ("domain", "add", "f.test"), ("domain", "rename", "f.test", "g.test"),
                    ("config", "set", "smtp.max_message_size", "9M"), ("contact", "add", "carl@d.test", "full_name=Carl", "addresses=c@far.test")):
        done = there(inst, home, *command)
        assert (done.returncode, done.out, done.err) == (0, "", ""), (command, done.err)
    assert there(inst, home, "list", "add", "smtp.deny", "192.0.2.0/24", "198.51.100.7").returncode == 0
    assert inst.run("list", "show", "smtp.deny").out == "192.0.2.0/24\n198.51.100.7\n" == there(inst, home, "list", "show", "smtp.deny").out
    assert there(inst, home, "list", "remove", "smtp.deny", "192.0.2.0/24", "198.51.100.7").returncode == 0
    user = inst.json("user", "show", "newer@d.test")
    assert (user["quota_bytes"], user["imap"], user["forward"]) == (7 << 20, False, ["a@far.test", "b@far.test"])
    assert [row["member"] for row in inst.json("group", "member", "list", "crew@d.test")] == ["ann@d.test"]
    assert "new2@d.test" not in inst.run("user", "list").out and "g.test" in inst.run("domain", "list").out
    with smtplib.SMTP("127.0.0.1", inst.port("smtp"), timeout=30) as smtp:  # in force at once
        smtp.ehlo()
        assert smtp.esmtp_features["size"] == str(9 << 20)
    assert there(inst, home, "config", "set", "smtp.max_message_size", "--unset").returncode == 0
    code = rows(there(inst, home, "user", "code", "create", "ann@d.test", "services=imap", "expires=2030-05-06", "--json"))
    assert code["code"] and inst.json("user", "code", "list", "ann@d.test")[0]["expires"] == "2030-05-06"
    assert there(inst, home, "user", "code", "revoke", "ann@d.test", code["id"]).returncode == 0
    assert there(inst, home, "user", "passwd", "ann@d.test", "--password-stdin", stdin=b"Password-of-u8\n").returncode == 0
    assert there(inst, home, "admin", "passwd", "dom", "--password-stdin", stdin=(PASSWORD + "\n").encode()).returncode == 0
    inst.wait_log("audit", "who=admin from=127.0.0.1 verb=rename kind=user name=new@d.test")


def test_the_queue_from_elsewhere(inst, home, tmp_path):
    inst.run("user", "passwd", "ann@d.test", "--password-stdin", stdin="Password-of-u9\n")
    with smtplib.SMTP("127.0.0.1", inst.port("submission"), timeout=30) as smtp:
        smtp.starttls()
        smtp.login("ann@d.test", "Password-of-u9")
        for subject in ("one", "two"):
            smtp.sendmail("ann@d.test", ["x@far.invalid"], f"Subject: {subject}\r\n\r\n{1000 * (78 * 'x' + chr(13) + chr(10))}\r\n", ["HOLDFOR=100000"])
    ids = wait_for(lambda: len(found := [row["id"] for row in inst.json("queue", "list")]) == 2 and found, 30, "queued")
    for command in (("queue", "list", "--json"), ("queue", "show", ids[0]), ("queue", "show", ids[0], "--json"),
                    ("queue", "list", "--limit", "1", "--json"), ("queue", "list", "--older-than", "1h", "--json")):
        assert there(inst, home, *command).out == inst.run(*command).out
    exported = tmp_path / "one.eml"
    assert there(inst, home, "queue", "export", ids[0], exported).returncode == 0
    assert exported.read_bytes() == inst.run("queue", "show", ids[0], "--content").stdout and exported.stat().st_size > 70000
    assert there(inst, home, "queue", "hold", ids[0], "--reason", "odd").out == "messages: 1\n"
    assert there(inst, home, "queue", "list", "--state", "hold", "--count").out == "1\n"
    assert there(inst, home, "queue", "release", ids[0], "--at", "+1h").out == "messages: 1\n"
    assert there(inst, home, "queue", "delete", "ALL").out == "messages: 2\n"
    assert inst.run("queue", "list", "--count").out == "0\n"


def test_tables_come_again_and_again(inst, home):
    """Until nobody reads them any more (LOG-11)."""
    for where in (("--root", str(inst.root)), ("--profile", "admin")):
        for command in (("connections",), ("queue", "list")):
            with subprocess.Popen([inst.build / "bin/posthorn", *where, *command, "--json", "--watch", "--every", "1"],
                                  stdout=subprocess.PIPE, env={**os.environ, "XDG_CONFIG_HOME": str(home)}) as running:
                shown = b""
                while shown.count(b"]") < 2:
                    shown += os.read(running.stdout.fileno(), 65536)
                running.stdout.close()  # the next table finds no reader
                assert running.wait(60) != 0
    assert inst.run("connections", "--every", "5", check=False).returncode == 2  # without --watch
    assert inst.run("connections", "--watch", "--every", "0", check=False).returncode == 2


def test_the_suite_at_a_glance(inst, home):
    """What mail is under way, and errors of late, below the table of services (ADM-18)."""
    def glance():
        here, remote = inst.run("status").out, there(inst, home, "status").out
        assert here.splitlines()[-1] == remote.splitlines()[-1]
        return here.splitlines()[-1]
    assert glance().startswith("queue: 0  errors in the last hour: ")
    with open(inst.root / "log/smtp.log", "a") as log:  # as if smtpd had said so
        log.write("2020-01-01T00:00:00.000Z smtpd[1] error event=long_ago\n")
        log.write(time.strftime("%Y-%m-%dT%H:%M:%S.999Z", time.gmtime()) + " smtpd[1] error event=fell_over why=\"a b\"\n")
        log.write('{"time": "' + time.strftime("%Y-%m-%dT%H:%M:%S.999Z", time.gmtime()) + '", "service": "smtp", "program": "smtpd", '
                  '"pid": 1, "level": "error", "event": "fell_again", "fields": {"why": "a b"}}\n')  # log.format = json
    assert glance().endswith("Z smtpd event=fell_again")
    lines = there(inst, home, "log", "smtp", "-n", "1000").out.splitlines()
    assert [line.split(" ", 1)[1] for line in lines if "fell_again" in line] == ['smtpd[1] error event=fell_again why="a b"']


def test_a_synchronisation_ends_with_its_own_report(inst, home):
    """Another one of the domain went before it, and one comes behind it: neither's end is its own."""
    api = Api(inst, "admin", PASSWORD)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        inst.run("domain", "set", "e.test", f"sync_from=ldap://127.0.0.1:{silent.getsockname()[1]}/dc=e")
        before = inst.log("audit").count("verb=run kind=synchronisation")
        first = api.ok("SyncDirectory", domain="e.test", force=True)["run"]
        with silent.accept()[0]:
            command = [inst.build / "bin/posthorn", "--profile", "admin", "directory", "sync", "e.test"]
            waiting = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "XDG_CONFIG_HOME": str(home)})
            wait_for(lambda: inst.log("audit").count("verb=run kind=synchronisation") == before + 2, 30, "it has been asked for")
        with silent.accept()[0]:  # that of the command
            assert api.ok("SyncStatus", domain="e.test")["object"]["run"] == first and waiting.poll() is None
            last = api.ok("SyncDirectory", domain="e.test", dry_run=True)["run"]
        with waiting, silent.accept()[0]:  # the last one, which gets no answer
            out, err = waiting.communicate(timeout=30)
            assert waiting.returncode == 1 and b"nothing was changed" in err and b"another" not in err, err
            assert api.ok("SyncStatus", domain="e.test")["object"]["under_way"]
    wait_for(lambda: api.ok("SyncStatus", domain="e.test")["object"]["run"] == last, 60, "the last one has ended")
    inst.run("domain", "set", "e.test", "sync_from=")


def test_the_own_password_is_changed_from_elsewhere(inst, home):
    """The old one logs in, the new one is typed twice (ADM-13)."""
    inst.run("admin", "add", "self", "--password-stdin", stdin=PASSWORD + "\n")
    where = ("--server", f"localhost:{inst.port('admin')}", "--admin", "self", "--certificates", f"{home}/server.pem")

    def typed(*lines):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(inst.build / "bin/posthorn", ["posthorn", *where, "admin", "own"])
        for line in lines:
            shown = b""
            while b": " not in shown:
                shown += os.read(terminal, 1000)
            os.write(terminal, line.encode() + b"\n")
        shown = b""
        try:
            while part := os.read(terminal, 1000):
                shown += part
        except OSError:
            pass
        os.close(terminal)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()
    code, shown = typed(PASSWORD, "Another-one-9x", "Another-one-9y")
    assert code == 1 and "not twice the same" in shown
    code, shown = typed(PASSWORD, "Another-one-9x", "Another-one-9x")
    assert code == 0 and "Another" not in shown  # nothing is shown
    assert "login refused" in typed(PASSWORD, "Another-one-9z", "Another-one-9z")[1]
    with_file = (*where, "--password-file", home / "old")
    (home / "old").write_text("Another-one-9x\n")
    assert "short" in there(inst, home, "admin", "own", "--password-stdin", where=with_file, stdin=b"tiny\n").err
    assert there(inst, home, "admin", "own", "--password-stdin", where=with_file, stdin=b"Third-one-here7\n").returncode == 0
    assert "login refused" in there(inst, home, "admin", "own", "--password-stdin", where=with_file, stdin=b"Fourth-one-here7\n").err
    assert inst.run("admin", "own", check=False).returncode == 2


def test_rights_hold_as_in_every_call(inst, home):
    assert "ann@d.test" in there(inst, home, "user", "list", profile="dom").out
    done = there(inst, home, "domain", "add", "x.test", profile="dom")
    assert done.returncode == 1 and "no right" in done.err
    assert there(inst, home, "config", "get", profile="dom").returncode == 1


@pytest.mark.parametrize("command", [("setup",), ("start",), ("store", "dirs"), ("export",), ("user", "import", "x"), ("doctor",), ("dkim", "list"),
                                     ("user", "set", "ann@d.test", "--answer-file", "-"), ("log", "-f"), ("status", "--sandbox"), ("stats", "--prometheus")])
def test_what_has_no_remote_form_says_so(inst, home, command):
    done = there(inst, home, *command)
    assert done.returncode == 2 and any(words in done.err for words in ("on the server itself", "of this host", "without -f")), done.err


# ---- why it failed (ADM-12) ----

def failure(inst, home, *where, stdin=(PASSWORD + "\n").encode(), command=("user", "list")):
    done = there(inst, home, *command, where=where, stdin=stdin)
    assert done.returncode == 1 and not done.out
    return done.err


def with_options(inst, home, server=None, admin="admin", certificates=None):
    return ("--server", server or f"localhost:{inst.port('admin')}", "--admin", admin, "--certificates", certificates or f"{home}/server.pem",
            "--password-file", "-")


def test_options_in_place_of_a_profile(inst, home):
    assert "ann@d.test" in there(inst, home, "user", "list", where=with_options(inst, home), stdin=(PASSWORD + "\n").encode()).out


def test_each_cause_is_named(inst, home, tmp_path):
    assert "login refused" in failure(inst, home, *with_options(inst, home), stdin=b"wrong\n")
    assert "login refused" in failure(inst, home, *with_options(inst, home, admin="nobody"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert "service not running" in failure(inst, home, *with_options(inst, home, f"127.0.0.1:{free.getsockname()[1]}"))
    assert "server unreachable" in failure(inst, home, *with_options(inst, home, "no-such-host.invalid"))
    told = failure(inst, home, *with_options(inst, home, f"127.0.0.1:{inst.port('admin')}"))  # which is not in it
    assert "certificate not trusted" in told and "mismatch" in told
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert,
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    assert "certificate not trusted" in failure(inst, home, *with_options(inst, home, certificates=str(cert)))
    # something else answers there: TLS, and a web server
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            with context.wrap_socket(listener.accept()[0], server_side=True) as sock:
                asked = b""
                while not asked.endswith(b"}"):  # what is left unread would reset the connection
                    asked += sock.recv(65536)
                sock.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno")
        thread = threading.Thread(target=serve)
        thread.start()
        told = failure(inst, home, *with_options(inst, home, f"localhost:{listener.getsockname()[1]}", certificates=str(cert)))
        thread.join()
    assert "do not match" in told


def test_what_was_given_wrongly(inst, home):
    for where in (("--server", "localhost:99999", "--admin", "a"), ("--server", "localhost"), ("--root", "/x", "--profile", "admin"), ("--admin", "a")):
        assert there(inst, home, "user", "list", where=where, stdin=b"x\n").returncode in (1, 2)
    assert "no profile 'none'" in there(inst, home, "user", "list", profile="none").err
    (home / "posthorn/profiles.conf").chmod(0o644)
    assert "others can read it" in there(inst, home, "user", "list").err
    (home / "posthorn/profiles.conf").chmod(0o600)


@pytest.mark.parametrize("elsewhere", [False, True])
def test_log_files_are_listed_emptied_and_removed(inst, home, elsewhere):
    """By the command line as by the API (LOG-04)."""
    def run(*command):
        return there(inst, home, *command) if elsewhere else inst.run(*command, check=False)
    old = inst.root / "log/imap.log.20200101T000000.000Z"
    old.write_text("x\n")
    assert {"imap.log", old.name} <= {row["file"] for row in json.loads(run("log", "--files", "--json").out)}
    assert run("log", "--delete", old.name, "--yes").returncode == 0 and not old.exists()
    assert run("log", "--delete", old.name, "--yes").returncode == 1 and run("log", "--delete", "imap.log", "--yes").returncode > 0
    (inst.root / "log/nobody.log").write_text("y\n")
    assert run("log", "--empty", "nobody", "--yes").returncode == 0 and not (inst.root / "log/nobody.log").exists()
    assert "not emptied" in run("log", "--empty", "audit", "--yes").err
    assert run("log", "--files", "imap").returncode == run("log", "--empty", "a", "--delete", "b").returncode == 2
