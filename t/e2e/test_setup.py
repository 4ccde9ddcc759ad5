"""`posthorn setup`: profiles, a file of answers, questions on a terminal, the test; lost administrators' passwords (ADM-14 to 16)."""
import base64
import imaplib
import json
import os
import pathlib
import pty
import re
import select
import signal
import ssl
import subprocess
import time
import urllib.request

import pytest

from instance import BUILD, Instance

INSECURE = ssl._create_unverified_context()
TOP = pathlib.Path(__file__).resolve().parents[2]
PROFILES = sorted(path.stem for path in (TOP / "conf" / "profiles").glob("*.conf"))
NEEDS = {"dynamic": ["--set", "remote.relay_hosts=me@smtp.provider.test:587"],
         "branch": ["--set", "remote.relay_hosts=north@mail.d.test:587"]}


@pytest.fixture
def new():
    inst = Instance()
    yield inst
    inst.close()


def make(inst, *args, ok=True, **kw):
    done = inst.run("setup", *args, check=False, **kw)
    assert (done.returncode == 0) == ok, done
    return done


def answers(inst, text, mode=0o600):
    path = inst.root.parent / f"{inst.root.name}.answers"
    path.write_text(text)
    path.chmod(mode)
    return path


def admin(inst, password):
    """The answer to a call with this administrator's password."""
    request = urllib.request.Request(f"https://127.0.0.1:{6000 + inst.offset}/api/CheckUser", json.dumps({"user": "nobody"}).encode(),
                                     {"Content-Type": "application/json", "Authorization": "Basic " + base64.b64encode(f"admin:{password}".encode()).decode()})
    with urllib.request.urlopen(request, context=INSECURE, timeout=30) as answer:
        return json.load(answer)


def places(inst):
    return ["--port-offset", str(inst.offset), "--bind", "127.0.0.1"]


def test_a_profile_for_each_circumstance(new):
    listed = {row["profile"] for row in json.loads(new.run("setup", "--profiles", "--json").out)}
    assert listed == set(PROFILES)
    for name in PROFILES:
        inst = Instance()
        try:
            make(inst, "--domain", "d.test", *places(inst), "--profile", name, *NEEDS.get(name, []))
            inst.run("config", "check")
        finally:
            inst.close()


def test_what_a_profile_says_holds(new):
    make(new, "--domain", "d.test", *places(new), "--profile", "branch", "--set", "queue.lifetime=9d", *NEEDS["branch"])
    value = lambda name: new.run("config", "get", name).out.strip()
    assert (value("remote.policy"), value("remote.relay_hosts")) == ("relay", "north@mail.d.test:587")
    assert value("queue.lifetime") == "9d", "what is given counts more than the profile"
    assert new.json("domain", "show", "d.test")["unknown"] == "remote"


def test_an_option_counts_more_than_the_answers(new):
    path = answers(new, f"domain = d.test\nhostname = file.d.test\nport_offset = {new.offset}\nbind = 192.0.2.1\n"
                        "[smtp]\nmax_recipients = 77\nmax_message_size = 5M\n")
    make(new, "--answers", str(path), "--hostname", "option.d.test", "--bind", "127.0.0.1", "--set", "smtp.max_recipients=88")
    value = lambda name: new.run("config", "get", name).out.strip()
    assert (value("smtp.max_recipients"), value("smtp.max_message_size")) == ("88", "5M")
    assert (value("system.hostname"), value("system.bind")) == ("option.d.test", "127.0.0.1")
    assert (new.root / "etc/certs/key.pem").stat().st_mode & 0o777 == 0o600


def test_users_and_the_host_name_are_those_that_are_given(new):
    make(new, "--domain", "d.test", *places(new), "--set", "users.mail=64300:64301", "--set", "system.hostname=MX.d.test")
    assert new.run("config", "get", "system.hostname").out.strip() == "mx.d.test"
    assert new.run("config", "get", "users.mail").out.strip() == "64300:64301"
    if os.geteuid() == 0:
        assert [((new.root / name).stat().st_uid, (new.root / name).stat().st_gid) for name in ("store", "stores")] == [(64300, 64301)] * 2


def test_a_profile_that_lacks_an_answer_makes_nothing(new):
    said = make(new, "--domain", "d.test", "--profile", "dynamic", ok=False)
    assert "remote.relay_hosts" in said.err and "provider's server" in said.err
    assert "no profile 'home'" in make(new, "--domain", "d.test", "--profile", "home", ok=False).err
    assert "smtp.maximum" in make(new, "--domain", "d.test", "--set", "smtp.maximum=1", ok=False).err
    assert "smtp.max_recipients" in make(new, "--domain", "d.test", "--set", "smtp.max_recipients=many", ok=False).err
    assert not (new.root / "etc").exists() and not (new.root / "db").exists()


def test_unattended_and_tested(new):
    path = answers(new, f"""# for a test
domain = d.test
hostname = mail.d.test
port_offset = {new.offset}
bind = 127.0.0.1
profile = lan            # nothing leaves
admin_password = "a good # secret"
postmaster_password = another-good-one
start = yes

[smtp]
max_recipients = 77
""")
    made = json.loads(make(new, "--answers", str(path), "--json").out)
    assert made["works"] is True and made["admin_password"] == "(as given)" and "another" not in json.dumps(made)
    assert new.run("config", "get", "smtp.max_recipients").out.strip() == "77"
    assert new.run("status").returncode == 0
    with imaplib.IMAP4_SSL("127.0.0.1", new.port("imaps"), ssl_context=INSECURE, timeout=30) as client:
        client.login("postmaster@d.test", "another-good-one")
        assert client.select("INBOX", readonly=True)[1] == [b"0"], "the test has left nothing"
    assert admin(new, "a good # secret")["result"] == 0
    assert new.json("domain", "show", "d.test")["default_may_send_remote"] is False


def test_the_command_line_counts_more_than_the_file(new):
    path = answers(new, """domain = d.test
hostname = answer.d.test
port_offset = 1
bind = 127.0.0.9

[system]
hostname = section.d.test
""")
    make(new, "--answers", str(path), "--set", "system.hostname=set.d.test", "--set", f"system.port_offset={new.offset}",
         "--set", "system.bind=127.0.0.1")
    value = lambda name: new.run("config", "get", name).out.strip()
    assert (value("system.hostname"), value("system.port_offset"), value("system.bind")) == (
        "set.d.test", str(new.offset), "127.0.0.1")
    subject = subprocess.run(["openssl", "x509", "-noout", "-subject", "-in", new.root / "etc/certs/cert.pem"],
                             capture_output=True, text=True).stdout
    assert "set.d.test" in subject
    other = Instance()
    try:
        make(other, "--answers", str(path), "--hostname", "option.d.test", *places(other))
        assert other.run("config", "get", "system.hostname").out.strip() == "option.d.test"
    finally:
        other.close()


BAD = [("domain = d.test\ndomian = x.test\n", ":2: 'domian' is no answer; is it 'domain'?"),
       ("domain = d.test\nstart = perhaps\n", ":2: expected yes or no"),
       ("domain = d.test\ndomain = e.test\n", ":2: 'domain' is there twice"),
       ("domain = d.test\n\n[smtp]\nmax_recipient = 5\n", ":4: there is no setting smtp.max_recipient"),
       ("domain d.test\n", ":1: "),
       ("domain =\n", ":1: expected a value"),
       ("domain = d.test\nadmin_password = short\n", "password of admin"),
       ("domain = -\n", "no domain name")]


def test_mistakes_in_answers_name_the_line_and_make_nothing(new):
    for text, said in BAD:
        assert said in make(new, "--answers", str(answers(new, text)), ok=False).err
    assert "others may read it" in make(new, "--answers", str(answers(new, "domain = d.test\nadmin_password = a-good-one-indeed\n", 0o644)), ok=False).err
    assert not new.root.exists() or not any(new.root.iterdir())


def converse(command, replies, deadline=60):
    """Runs it on a terminal and answers each question that a pattern finds. What was shown, and how it ended."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(command[0], command)
    shown, at, until = "", 0, time.monotonic() + deadline
    while time.monotonic() < until:
        if not select.select([fd], [], [], 1)[0]:
            continue
        try:
            data = os.read(fd, 4096)
        except OSError:
            break
        if not data:
            break
        shown += data.decode(errors="replace")
        for pattern, reply in list(replies):
            found = re.search(pattern, shown[at:])
            if found:
                at += found.end()
                os.write(fd, reply.encode() + b"\n")
                replies.remove((pattern, reply))
                break
    if replies:
        os.kill(pid, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(fd)
    assert not replies, f"never asked: {replies}\n{shown}"
    return shown, status


def test_questions_on_a_terminal(new):
    command = [str(new.build / "bin" / "posthorn"), "--root", str(new.root), "setup", *places(new)]
    shown, code = converse(command, [
        (r"Domain whose mail is served: ", "no domain!"), (r"is no such name\.\s+Domain whose mail is served: ", "d.test"),
        (r"Name of this host \[mail\.d\.test\]: ", ""), (r"Which of these is it \[fixed-line\]: ", "branch"),
        (r"remote\.relay_hosts, the headquarters.*: ", "north@hq.test:587"), (r"administrator admin.*: ", "short"),
        (r"administrator admin.*: ", "a-good-one-indeed"), (r"Once more: ", "another"), (r"administrator admin.*: ", "a-good-one-indeed"),
        (r"Once more: ", "a-good-one-indeed"), (r"mailbox postmaster.*: ", ""), (r"Start the services and test them \[yes\]: ", "no")])
    assert code == 0, shown
    assert "a-good-one-indeed" not in shown, "passwords are not echoed"
    assert "tiny7" not in shown and "8 characters" in shown and "two different ones" in shown
    assert new.run("config", "get", "remote.relay_hosts").out.strip() == "north@hq.test:587"
    assert "(as given)" in shown


def test_a_failed_test_is_said(new):
    other = Instance()
    try:
        other.setup()
        other.start()
        made = make(new, "--domain", "d.test", "--port-offset", str(other.offset), "--bind", "127.0.0.1", "--start", "--json", ok=False)
        assert json.loads(made.out)["works"] is False and json.loads(made.out)["postmaster_password"]
    finally:
        new.run("stop", check=False)
        other.close()


# ---- lost passwords of administrators (ADM-14) ----

def test_a_password_written_by_hand_is_set_at_the_next_start(new):
    new.setup()
    path = new.root / "db" / "admin.passwords"
    path.write_text("# lost them all\nadmin  written-by-hand-1\nnobody some-thing-else\nadmin\n")
    path.chmod(0o644)
    started = new.run("start")
    assert "not looked at" in started.err and path.exists()
    new.run("stop")
    path.chmod(0o600)
    started = new.run("start")
    assert "administrator admin has been set" in started.err and ":3:" in started.err and ":4: expected 'NAME PASSWORD'" in started.err
    assert "written-by-hand-1" not in path.read_text() and "nobody some-thing-else" in path.read_text()
    audit = new.run("log", "audit").out
    assert "written-by-hand" not in audit
    new.run("stop")
    path.write_text("admin written-by-hand-2\n")
    new.run("start")
    assert not path.exists()
    assert admin(new, "written-by-hand-2")["result"] == 0
    assert "written-by-hand-2" not in new.run("export").out


# ---- components (ADM-17) ----

def installed(where):
    return {str(path.relative_to(where)) for path in where.rglob("*") if not path.is_dir()}


def make_target(where, target):
    subprocess.run(["make", "-s", target, f"DESTDIR={where}", "PREFIX=/usr", f"BUILD={BUILD.name}"], cwd=TOP, check=True, stdout=subprocess.DEVNULL, timeout=300)


def test_components_install_and_uninstall_by_themselves(tmp_path):
    make_target(tmp_path, "install-client")
    client = installed(tmp_path)
    assert client == {"usr/bin/posthorn", "usr/share/man/man8/posthorn.8", "usr/share/man/man7/posthorn-api.7"}
    make_target(tmp_path, "install-lib")
    library = installed(tmp_path) - client
    assert {"usr/include/posthorn.h", "usr/lib/pkgconfig/posthorn.pc"} <= library
    make_target(tmp_path, "install")
    assert {"usr/libexec/posthorn/master", "usr/share/doc/posthorn/profiles/lan.conf", "usr/share/man/man8/smtpd.8"} <= installed(tmp_path)
    make_target(tmp_path, "uninstall-server")
    assert installed(tmp_path) == client | library
    make_target(tmp_path, "uninstall-lib")
    assert installed(tmp_path) == client
    make_target(tmp_path, "uninstall")
    assert installed(tmp_path) == set()
