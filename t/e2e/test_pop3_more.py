"""POP3's finer points: octets to the byte, the login delay, marks as read, all or nothing at QUIT,
and the command sequences of the clients that people use."""
import base64
import os
import pathlib
import poplib
import signal
import socket
import ssl
import subprocess

import pytest

from conftest import PASSWORD
from disk import Disk
from imapclient import Imap
from instance import Instance, wait_for

TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
TLS.check_hostname, TLS.verify_mode = False, ssl.CERT_NONE
HEADER = b"From: a@d.test\r\nSubject: s\r\n\r\n"


class Pop:
    """Raw lines; shows every octet."""

    def __init__(self, inst, user=None, label="pop3s"):
        self.sock = socket.create_connection(("127.0.0.1", inst.port(label)), timeout=20)
        if label == "pop3s":
            self.sock = TLS.wrap_socket(self.sock)
        self.file = self.sock.makefile("rb")
        self.greeting = self.file.readline()
        if user is not None:
            assert self.one(f"USER {user}").startswith(b"+OK")
            assert self.one(f"PASS {PASSWORD}").startswith(b"+OK"), user

    def send(self, *commands):
        self.sock.sendall(b"".join(c.encode() + b"\r\n" for c in commands))

    def one(self, command):
        self.send(command)
        return self.file.readline()

    def lines(self):
        """The rest of a multi-line answer as it came, with the final dot."""
        text = b""
        while not text.endswith(b"\r\n.\r\n") and text != b".\r\n":
            text += self.file.readline()
        return text

    def many(self, command):
        head = self.one(command)
        assert head.startswith(b"+OK"), (command, head)
        return self.lines()

    def close(self):
        self.file.close()
        self.sock.close()


def imap(inst, user="alice@d.test"):
    return Imap(inst.port("imaps"), user, PASSWORD, tls=True)


def append(client, message, folder="INBOX"):
    client.send(f"a APPEND {folder} {{{len(message)}+}}\r\n".encode() + message + b"\r\n")
    assert client.result(b"a")[1].startswith(b"OK")


def empty(inst, user="alice@d.test"):
    client = imap(inst, user)
    if b"* 0 EXISTS" not in client.ok("SELECT INBOX"):
        client.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)")
        client.ok("EXPUNGE")
    client.ok("LOGOUT")


def fill(inst, messages, user="alice@d.test"):
    empty(inst, user)
    client = imap(inst, user)
    for message in messages:
        append(client, message)
    client.ok("LOGOUT")


def unstuffed(text):
    assert text.endswith(b"\r\n.\r\n") or text == b".\r\n"
    return b"".join(line[1:] if line.startswith(b".") else line
                    for line in text[:-3].splitlines(keepends=True))


RAGGED = [HEADER + b"whole\r\n", HEADER + b"no end", HEADER + b"ends in CR\r", HEADER[:-2],
          HEADER + b".\r\n..\r\n.x", b"no header at all"]


def test_listed_octets_are_those_that_come(suite):
    fill(suite, RAGGED)
    pop = Pop(suite, "alice@d.test")
    listed = [int(line.split()[1]) for line in pop.many("LIST").splitlines()[:-1]]
    for number, size in enumerate(listed, 1):
        pop.send(f"RETR {number}")
        assert pop.file.readline() == b"+OK %d octets\r\n" % size
        text = unstuffed(pop.lines())
        assert len(text) == size
        assert text.startswith(RAGGED[number - 1])
    assert pop.one("STAT") == b"+OK %d %d\r\n" % (len(RAGGED), sum(listed))
    assert pop.one("DELE 2").startswith(b"+OK")
    assert pop.one("STAT") == b"+OK %d %d\r\n" % (len(RAGGED) - 1, sum(listed) - listed[1])
    pop.one("QUIT")


def drop_in(inst, content):
    """Puts a message where a foreign program would; returns the directory where it will be."""
    cur = next(inst.root.glob("store/d.test/*/alice/mail")) / "cur"
    new = cur.parent / "new" / "1700000000.M1.host"
    new.write_bytes(content)
    os.chown(new, cur.stat().st_uid, cur.stat().st_gid)
    return cur


def test_a_foreign_maildir_with_bare_lfs(suite):
    empty(suite)
    cur = next(suite.root.glob("store/d.test/*/alice/mail")) / "cur"
    before = set(cur.iterdir())
    drop_in(suite, b"Subject: foreign\n\none\n.two\nthree")
    pop = Pop(suite, "alice@d.test")
    size = int(pop.one("LIST 1").split()[2])
    text = unstuffed(pop.many("RETR 1"))
    assert text == b"Subject: foreign\r\n\r\none\r\n.two\r\nthree\r\n" and len(text) == size
    pop.one("QUIT")
    assert len(set(cur.iterdir()) - before) == 1


def test_fetched_messages_are_marked_as_read_on_request(suite):
    fill(suite, [HEADER + b"%d\r\n" % i for i in range(4)])

    def seen():
        client = imap(suite)
        client.ok("EXAMINE INBOX")
        found = client.ok("SEARCH SEEN")[0].split()[2:]
        client.ok("LOGOUT")
        return found

    def fetch(*commands):
        pop = Pop(suite, "alice@d.test")
        for command in commands:
            pop.many(command)
        return pop
    fetch("RETR 1").one("QUIT")
    assert seen() == []
    suite.run("user", "set", "alice@d.test", "pop3_marks_read=yes")
    try:
        fetch("TOP 1 0", "RETR 2").one("QUIT")
        assert seen() == [b"2"]
        fetch("RETR 4").close()  # the message has been fetched, QUIT or not
        wait_for(lambda: seen() == [b"2", b"4"], 10, "the mark of a session that was cut")
        pop = fetch("RETR 1", "RETR 3")
        pop.one("DELE 1")
        pop.one("QUIT")
        assert seen() == [b"1", b"2", b"3"]
    finally:
        suite.run("user", "set", "alice@d.test", "pop3_marks_read=no")


def test_pop3_and_imap_share_the_maildrop(suite):
    fill(suite, [HEADER + b"%d\r\n" % i for i in range(5)])
    pop, client = Pop(suite, "alice@d.test"), imap(suite)
    client.ok("SELECT INBOX")
    append(client, HEADER + b"new\r\n")
    client.ok("STORE 2 +FLAGS (\\Deleted)")
    client.ok("EXPUNGE")
    # numbers stay; what is new waits for the next session; what is gone says so
    assert pop.one("STAT").split()[1] == b"5"
    assert pop.one("RETR 2").startswith(b"-ERR")
    assert b"\r\n\r\n2\r\n" in pop.many("RETR 3")
    pop.one("DELE 1")
    pop.one("DELE 2")
    assert b"VANISHED" not in b"".join(client.ok("NOOP"))
    assert pop.one("QUIT").startswith(b"+OK")
    wait_for(lambda: b"* 1 EXPUNGE" in client.ok("NOOP"), 5, "EXPUNGE in the other session")
    assert client.ok("SEARCH ALL")[0] == b"* SEARCH 1 2 3 4"
    client.ok("LOGOUT")


def test_names_survive_a_copy_of_the_store_and_moves_back_get_new_ones(suite):
    fill(suite, [HEADER + b"%d\r\n" % i for i in range(3)])

    def names():
        pop = Pop(suite, "alice@d.test")
        found = [line.split()[1] for line in pop.many("UIDL").splitlines()[:-1]]
        pop.one("QUIT")
        return found
    first = names()
    assert names() == first
    client = imap(suite)
    client.ok("SELECT INBOX")
    client.ok("MOVE 1 Trash")
    client.ok("SELECT Trash")
    client.ok("MOVE * INBOX")
    client.ok("LOGOUT")
    assert names()[:2] == first[1:] and names()[2] not in first


# ---- LOGIN-DELAY ----

@pytest.fixture(scope="module")
def delayed():
    inst = Instance()
    inst.setup()
    inst.set("pop3.login_delay", "2s")
    try:
        inst.start()
        inst.add_user("alice@d.test", PASSWORD)
        inst.add_user("bob@d.test", PASSWORD)
        yield inst
    finally:
        inst.close()


def login_answer(inst, user):
    pop = Pop(inst)
    pop.one(f"USER {user}")
    answer = pop.one(f"PASS {PASSWORD}")
    pop.close()
    return answer


def test_who_comes_too_soon_has_to_wait(delayed):
    pop = Pop(delayed)
    assert b"LOGIN-DELAY 2 USER\r\n" in pop.many("CAPA")
    pop.one("USER alice@d.test")
    assert pop.one(f"PASS {PASSWORD}").startswith(b"+OK")
    assert b"LOGIN-DELAY 2\r\n" in pop.many("CAPA")
    pop.one("QUIT")
    assert login_answer(delayed, "alice@d.test").startswith(b"-ERR [LOGIN-DELAY] ")
    # one who does not know the password does not learn when alice was here
    pop = Pop(delayed)
    pop.one("USER alice@d.test")
    assert pop.one("PASS wrong").startswith(b"-ERR [AUTH]")
    pop.close()
    assert login_answer(delayed, "bob@d.test").startswith(b"+OK")
    imap(delayed).ok("LOGOUT")  # POP3's own
    wait_for(lambda: login_answer(delayed, "alice@d.test").startswith(b"+OK"), 10, "the delay over")


def test_the_delay_can_be_lifted_from_a_user(delayed):
    delayed.run("user", "set", "bob@d.test", "pop3_login_delay=no")
    for _ in range(2):
        pop = Pop(delayed, "bob@d.test")
        assert b"LOGIN-DELAY 0\r\n" in pop.many("CAPA")
        pop.one("QUIT")


# ---- QUIT: all or nothing ----

def server_of(sock):
    """The process that has the other end of this connection; a worker may just be handing it on."""
    return wait_for(lambda: find_server(sock), 10, "the process that has the connection")


def find_server(sock):
    port = f":{sock.getsockname()[1]:04X}"
    inode = next(line.split()[9] for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()
                 if line.split()[2].endswith(port))
    for fd in pathlib.Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(fd) == f"socket:[{inode}]":
                return int(fd.parts[2])
        except OSError:
            pass
    return None


def test_killed_in_the_middle_of_quit_all_or_nothing(suite):
    """The worker is killed at whatever moment after QUIT was sent; then all are there, or none."""
    outcomes = set()
    for pause in range(12):
        fill(suite, [HEADER + b"%d\r\n" % i for i in range(60)])
        pop = Pop(suite, "alice@d.test")
        worker = server_of(pop.sock)
        pop.send(*(f"DELE {n}" for n in range(1, 51)))
        for _ in range(50):
            assert pop.file.readline().startswith(b"+OK")
        pop.send("QUIT")
        for _ in range(pause * 400):
            pass
        try:
            os.kill(worker, signal.SIGKILL)
        except ProcessLookupError:
            pass  # done already
        pop.close()
        left = int(Pop(suite, "alice@d.test").one("STAT").split()[1])
        assert left in (10, 60)
        outcomes.add(left)
    assert outcomes


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a loop device: needs root")
def test_on_a_full_disk_quit_removes_all_or_nothing():
    disk = Disk(48 << 20)
    inst = Instance(directory=disk.mount)
    try:
        inst.setup()
        inst.use_disk_to_the_last()
        inst.start()
        inst.add_user("alice@d.test", PASSWORD)
        fill(inst, [HEADER + b"x" * 70 + b"\r\n" for _ in range(300)])
        pop = Pop(inst, "alice@d.test")
        for number in range(1, 301, 2):
            assert pop.one(f"DELE {number}").startswith(b"+OK")
        ballast = inst.base / "ballast"
        with open(ballast, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * 4096)
            except OSError:
                pass
        answer = pop.one("QUIT")
        again = Pop(inst, "alice@d.test")
        assert int(again.one("STAT").split()[1]) == (150 if answer.startswith(b"+OK") else 300)
        again.one("QUIT")
        ballast.unlink()
        pop = Pop(inst, "alice@d.test")
        left = int(pop.one("STAT").split()[1])
        assert left in (150, 300)
        for number in range(1, left + 1):
            pop.one(f"DELE {number}")
        assert pop.one("QUIT").startswith(b"+OK")
        assert Pop(inst, "alice@d.test").one("STAT") == b"+OK 0 0\r\n"
    finally:
        inst.close()
        disk.close()


# ---- what clients say ----

def dialogue(pop, *commands):
    """Sends one command after the other and returns all answers; many lines where POP3 has them."""
    answers = []
    for command in commands:
        verb = command.split()[0].upper()
        answer = pop.one(command)
        if answer.startswith(b"+OK") and (verb in ("CAPA", "RETR", "TOP") or
                                          command.upper() in ("LIST", "UIDL", "AUTH", "LANG")):
            answer += pop.lines()
        answers.append(answer)
    return answers


def test_thunderbird(suite):
    fill(suite, [HEADER + b"1\r\n", HEADER + b"2\r\n"])
    pop = Pop(suite)
    first = dialogue(pop, "AUTH", "CAPA")
    assert first[0].startswith(b"+OK") and b"\r\nPLAIN\r\n" in first[0]
    assert b"\r\nUIDL\r\n" in first[1]
    assert pop.one("AUTH PLAIN") == b"+ \r\n"
    secret = base64.b64encode(b"\0alice@d.test\0" + PASSWORD.encode()).decode()
    assert pop.one(secret).startswith(b"+OK")
    answers = dialogue(pop, "STAT", "LIST", "UIDL", "RETR 1", "RETR 2", "DELE 1", "DELE 2", "QUIT")
    assert all(a.startswith(b"+OK") for a in answers)
    assert Pop(suite, "alice@d.test").one("STAT") == b"+OK 0 0\r\n"


def test_evolution_pipelines(suite):
    fill(suite, [HEADER + b"%d\r\n" % i for i in range(30)])
    pop = Pop(suite, label="pop3")
    assert b"\r\nSTLS\r\n" in pop.many("CAPA")
    assert pop.one("STLS").startswith(b"+OK")
    pop.sock = TLS.wrap_socket(pop.sock)
    pop.file = pop.sock.makefile("rb")
    assert b"PIPELINING" in pop.many("CAPA")
    dialogue(pop, "USER alice@d.test", f"PASS {PASSWORD}")
    pop.send("CAPA", "LIST", "UIDL", *(f"RETR {n}" for n in range(1, 31)), "NOOP", "QUIT")
    for _ in range(33):
        assert pop.file.readline().startswith(b"+OK")
        pop.lines()
    assert pop.file.readline().startswith(b"+OK") and pop.file.readline().startswith(b"+OK")
    assert pop.file.readline() == b""


def test_outlook(suite):
    fill(suite, [HEADER + b"line\r\n" * 50])
    pop = Pop(suite)
    answers = dialogue(pop, "CAPA", "USER alice@d.test", f"PASS {PASSWORD}", "STAT", "UIDL", "LIST",
                       "TOP 1 0", "RETR 1", "UIDL 1", "LIST 1", "NOOP", "RSET", "LAST", "QUIT")
    assert all(a.startswith(b"+OK") for a in answers)
    assert answers[6].endswith(b"Subject: s\r\n\r\n.\r\n")


def test_lower_case_and_spaces_at_the_end(suite):
    fill(suite, [HEADER + b"1\r\n"])
    pop = Pop(suite)
    answers = dialogue(pop, "user alice@d.test", f"pass {PASSWORD}", "stat ", "list 1 ", "retr 1 ", "quit ")
    assert all(a.startswith(b"+OK") for a in answers)


def run(command, **kwargs):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=60,
                          errors="replace", **kwargs)
    return done.returncode, done.stdout + done.stderr


def test_fetchmail_fetches_and_removes(suite, tmp_path):
    fill(suite, [HEADER + b".dot\r\n", HEADER + b"no end", HEADER + b"x" * 900 + b"\r\n"])
    box = tmp_path / "box"
    rc = tmp_path / "fetchmailrc"
    rc.write_text(f"""poll 127.0.0.1 service {suite.port("pop3")} protocol pop3 uidl
  user "alice@d.test" password "{PASSWORD}" sslproto "tls1.2+" no sslcertck fetchall no keep
  mda "/usr/bin/tee -a {box}"
""")
    rc.chmod(0o600)
    environment = {**os.environ, "HOME": str(tmp_path), "FETCHMAILHOME": str(tmp_path)}
    code, text = run(["fetchmail", "-f", rc, "-v"], env=environment)
    assert code == 0, text
    assert box.read_text().count("Subject: s") == 3 and "\n.dot" in box.read_text()
    assert Pop(suite, "alice@d.test").one("STAT") == b"+OK 0 0\r\n"


def test_mpop_keeps_and_takes_new_mail_once(suite, tmp_path):
    fill(suite, [HEADER + b"%d\r\n" % i for i in range(20)])
    (tmp_path / "box").write_text("")
    rc = tmp_path / "mpoprc"
    rc.write_text(f"""account default
host 127.0.0.1
port {suite.port("pop3s")}
tls on
tls_starttls off
tls_certcheck off
user alice@d.test
password {PASSWORD}
keep on
uidls_file {tmp_path}/uidls
delivery mbox {tmp_path}/box
""")
    rc.chmod(0o600)
    for _ in range(2):
        code, text = run(["mpop", "-C", rc])
        assert code == 0, text
    assert (tmp_path / "box").read_text().count("Subject: s") == 20


def test_poplib_in_utf8_mode(suite):
    message = "Subject: jürgen\r\n\r\nx\r\n".encode()
    empty(suite)
    drop_in(suite, message)
    pop = poplib.POP3_SSL("127.0.0.1", suite.port("pop3s"), context=TLS, timeout=20)
    pop.utf8()
    pop.user("alice@d.test")
    pop.pass_(PASSWORD)
    assert "jürgen".encode() in b"".join(pop.retr(1)[1])
    pop.quit()
    # as most servers do: to a client without UTF-8 mode as well, unless pop3.refuse_utf8
    assert message[:-2] in Pop(suite, "alice@d.test").many("RETR 1")
