"""UNAUTHENTICATE (RFC 8437): one connection, several users, and nothing that passes from one to the next."""
import base64
import os
import subprocess
import zlib

import pytest

from imapclient import Imap
from instance import Instance, wait_for
from test_authd import CHALLENGE, FAIL, OK, scram
from test_imap_compress import Compressed

PASSWORD = "secret-of-test"
ALICE, BOB, CAROL = "alice@d.test", "bob@d.test", "carol@d.test"
ERRORS_MAX = 5


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    inst.set("auth.plain_on_loopback", "yes")
    inst.set("auth.failure_delay", "0")
    inst.set("imap.max_errors", str(ERRORS_MAX))
    inst.set("imap.login_timeout", "5s")
    inst.start()
    for user in (ALICE, BOB, CAROL):
        inst.add_user(user, PASSWORD)
        with_mail(inst, user)
    yield inst
    inst.close()


def with_mail(suite, user):
    client = Imap(suite.port("imap"), user, PASSWORD)
    assert client.append("INBOX", b"Subject: of %s\r\n\r\nx\r\n" % user.encode())[1].startswith(b"OK")
    client.close()


def connect(suite, how, user=None, cls=Imap):
    client = cls(suite.port("imaps" if how == "tls" else "imap"), tls=how == "tls")
    if how == "starttls":
        client.ok("STARTTLS")
        client.wrap()
    if user is not None:
        client.ok(f"LOGIN {user} {PASSWORD}")
    return client


@pytest.fixture(params=["plain", "starttls", "tls"])
def how(request):
    return request.param


def subject(client):
    client.ok("SELECT INBOX")
    return client.ok("FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT)]")[0].split(b"Subject: of ")[1].split()[0].decode()


def imap_processes(suite, state=None):
    return [row for row in suite.json("status", "--sandbox")
            if row["program"] == "imapd" and row["role"] == "worker" and state in (None, row["state"])]


def descriptors(pid):
    return [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]


def test_several_users_in_turn(suite, how):
    client = connect(suite, how)
    for user in (ALICE, BOB, ALICE, CAROL):
        client.ok(f"LOGIN {user} {PASSWORD}")
        assert subject(client) == user
        capability = client.ok("CAPABILITY")[0].split()
        assert b"UNAUTHENTICATE" in capability
        untagged, tagged = client.command("UNAUTHENTICATE")
        assert untagged == [] and tagged.startswith(b"OK [CAPABILITY ")
        assert (b"STARTTLS" in tagged) == (how == "plain")
        assert (b"AUTH=SCRAM-SHA-256-PLUS" in tagged) == (how != "plain")  # the binding is that of the connection
        assert client.ok("CAPABILITY")[0].split()[2:] == tagged[4:].split(b"]")[0].split()[1:]
        client.bad("SELECT INBOX")
        client.bad("UNAUTHENTICATE")
    client.close()


def test_nothing_passes_over(suite, how):
    client = connect(suite, how, ALICE)
    client.ok("ENABLE CONDSTORE QRESYNC UTF8=ACCEPT")
    client.ok("NOTIFY SET (selected (MessageNew MessageExpunge FlagChange)) (personal (MessageNew MessageExpunge))")
    client.ok("SELECT INBOX")
    client.ok("SEARCH RETURN (SAVE) ALL")
    client.ok("UNAUTHENTICATE")
    client.ok(f"LOGIN {BOB} {PASSWORD}")
    client.bad("FETCH 1 UID")  # nothing is selected
    with_mail(suite, ALICE)    # NOTIFY would tell of it
    with_mail(suite, BOB)
    assert client.ok("NOOP") == [b""]
    assert b"HIGHESTMODSEQ" not in b"".join(client.ok("STATUS INBOX (MESSAGES)"))
    client.ok("SELECT INBOX")
    assert client.ok("FETCH $ UID") == [b""]
    client.bad("FETCH 1 (UID) (CHANGEDSINCE 1 VANISHED)")  # QRESYNC is not enabled
    client.close()


def test_flags_are_stored_before_the_answer(suite, how):
    client = connect(suite, how, ALICE)
    client.ok("SELECT INBOX")
    client.ok("STORE 1 FLAGS.SILENT (\\Flagged before)")
    client.ok("UNAUTHENTICATE")
    client.ok(f"LOGIN {ALICE} {PASSWORD}")
    client.ok("SELECT INBOX")
    assert b"\\Flagged before" in client.ok("FETCH 1 FLAGS")[0]
    client.close()


def test_pipelined(suite, how):
    """RFC 8437 section 3: the next login may follow at once."""
    client = connect(suite, how, ALICE)
    big = b"Subject: large\r\n\r\n" + b"0123456789abcdef\r\n" * 20000
    client.send(b"a UNAUTHENTICATE\r\nb LOGIN %s %s\r\nc CREATE pipelined\r\nd APPEND pipelined {%d+}\r\n%s\r\n"
                b"e STATUS pipelined (MESSAGES)\r\nf UNAUTHENTICATE\r\ng LOGIN %s %s\r\nh STATUS pipelined (MESSAGES)\r\n"
                % (BOB.encode(), PASSWORD.encode(), len(big), big, CAROL.encode(), PASSWORD.encode()))
    for tag in (b"a", b"b", b"c", b"d"):
        assert client.result(tag)[1].startswith(b"OK"), tag
    assert client.result(b"e")[0] == [b"* STATUS pipelined (MESSAGES 1)"]
    assert client.result(b"f")[1].startswith(b"OK") and client.result(b"g")[1].startswith(b"OK")
    assert client.result(b"h")[1].startswith(b"NO")
    client.ok("UNAUTHENTICATE")
    client.ok(f"LOGIN {BOB} {PASSWORD}")
    client.ok("DELETE pipelined")
    client.close()


def test_much_in_both_directions_at_once(suite, how):
    """A client that writes while the session writes: the relay waits for neither."""
    client = connect(suite, how, ALICE)
    client.ok("UNAUTHENTICATE")
    client.ok(f"LOGIN {ALICE} {PASSWORD}")
    client.ok("CREATE much")
    message = b"Subject: much\r\n\r\n" + os.urandom(90000).hex().encode() + b"\r\n"
    assert client.append("much", message)[1].startswith(b"OK")
    client.ok("SELECT much")
    for round in range(20):
        client.send(b"".join(b"x%d FETCH 1 BODY.PEEK[]\r\n" % i for i in range(20)))
        for i in range(20):
            untagged, tagged = client.result(b"x%d" % i)
            assert tagged.startswith(b"OK") and message in untagged[0]
    client.ok("CLOSE")
    client.ok("DELETE much")
    client.close()


def test_one_relay_on_a_connection_and_it_holds_nothing(suite):
    before = len(imap_processes(suite, "relay"))
    client = connect(suite, "tls", ALICE)
    client.ok("SELECT INBOX")
    for user in (BOB, CAROL, ALICE):
        client.ok("UNAUTHENTICATE")
        client.ok(f"LOGIN {user} {PASSWORD}")
        (relay,) = imap_processes(suite, "relay")[before:]
        paths = descriptors(relay["pid"])
        assert not [path for path in paths if path.startswith("/") and not path.startswith("/dev/")], paths
        assert len([path for path in paths if path.startswith("socket:")]) == 4  # client, successor, log, parent
        assert relay["seccomp"] == "filter" and relay["landlock_layers"] > 0
    session = imap_processes(suite, "logged in")[-1]
    assert relay["landlock_layers"] > session["landlock_layers"]
    client.ok("LOGOUT")
    assert client.at_end()
    wait_for(lambda: len(imap_processes(suite, "relay")) == before, what="the relay ends")


def test_without_tls_the_first_process_is_gone(suite):
    before = {row["pid"] for row in imap_processes(suite, "logged in")}
    client = connect(suite, "plain", ALICE)
    pids = {row["pid"] for row in imap_processes(suite, "logged in")} - before
    assert len(pids) == 1
    client.ok("UNAUTHENTICATE")
    client.ok(f"LOGIN {BOB} {PASSWORD}")
    wait_for(lambda: not pids & {row["pid"] for row in imap_processes(suite)}, what="the first process ends")
    assert not imap_processes(suite, "relay")
    client.ok("STATUS INBOX (MESSAGES)")
    client.close()


def test_compression_ends(suite, how):
    client = connect(suite, how, ALICE, Compressed)
    client.compress()
    client.ok("SELECT INBOX")
    inflated = client.file
    tail = client.deflate.compress(b"u UNAUTHENTICATE\r\n") + client.deflate.flush(zlib.Z_FINISH)
    del client.deflate
    # what follows the end of the compressed data is not compressed (section 4.1)
    client.send(tail + f"v LOGIN {BOB} {PASSWORD}\r\n".encode())
    assert client.result(b"u")[1].startswith(b"OK")
    assert inflated.inflate.eof
    rest = inflated.inflate.unused_data
    client.file = client.sock.makefile("rb")
    while b"\n" not in rest:
        rest += client.sock.recv(4096) or b"\n"
    assert rest.startswith(b"v OK")
    assert subject(client) == BOB
    client.ok("COMPRESS DEFLATE")
    client.close()


def test_compressed_commands_behind_it_end_the_connection(suite):
    client = connect(suite, "tls", ALICE, Compressed)
    client.compress()
    client.send("u UNAUTHENTICATE\r\nv NOOP\r\n")
    assert client.result(b"u") == ([b"* BYE Compressed data behind UNAUTHENTICATE"], b"")
    client.close()


def test_failed_logins_count_for_the_connection(suite, how):
    client = connect(suite, how)
    client.no(f"LOGIN {BOB} wrong")
    client.no(f"LOGIN {BOB} wrong")
    for failures in range(2, ERRORS_MAX):
        client.ok(f"LOGIN {ALICE} {PASSWORD}")
        client.ok("UNAUTHENTICATE")
        untagged, tagged = client.command(f"LOGIN {BOB} wrong")
    assert untagged == [b"* BYE Too many failed logins"] or client.line() == b"* BYE Too many failed logins\r\n"
    assert client.at_end()
    client.close()


def test_the_login_deadline_counts_again(suite, how):
    client = connect(suite, how, ALICE)
    client.ok("UNAUTHENTICATE")
    assert client.line() == b"* BYE Login takes too long\r\n"
    assert client.at_end()
    client.close()


def test_the_end_of_one_account_leaves_the_other_alone(suite, how):
    first, second = f"first-{how}@d.test", f"second-{how}@d.test"
    for user in (first, second):
        suite.add_user(user, PASSWORD)
    client = connect(suite, how, first)
    client.ok("UNAUTHENTICATE")
    client.ok(f"LOGIN {second} {PASSWORD}")
    marker = Imap(suite.port("imap"), first)
    suite.run("user", "del", first, "--yes")
    assert marker.line().startswith(b"* BYE")
    client.ok("NOOP")
    suite.run("user", "set", second, "status=disabled")
    assert client.line() == b"* BYE [NOPERM] Rights were taken away, log in again\r\n"
    assert client.at_end()
    client.close()
    marker.close()


def test_connections_are_counted_once(suite):
    suite.set("imap.max_clients_per_ip", "2")
    suite.run("reload")
    try:
        wait_for(lambda: refused_at(suite) == 2, what="the limit")
        client = until_admitted(lambda: connect(suite, "starttls", ALICE))
        for user in (BOB, CAROL):
            client.ok("UNAUTHENTICATE")
            client.ok(f"LOGIN {user} {PASSWORD}")
        other = until_admitted(lambda: Imap(suite.port("imap"), ALICE))
        assert Imap(suite.port("imap")).greeting.startswith(b"* BYE [UNAVAILABLE]")
        client.close()
        other.close()
        wait_for(lambda: refused_at(suite) == 2, what="the places are free")
    finally:
        suite.set("imap.max_clients_per_ip", "0")
        suite.run("reload")
        wait_for(lambda: refused_at(suite) is None, what="no limit")


def until_admitted(attempt):
    """What attempt() makes, as soon as the places of clients that have gone are free."""
    made = []

    def again():
        try:
            made.append(attempt())
        except (AssertionError, OSError):
            return False
        return True

    wait_for(again, what="a connection")
    return made[0]


def refused_at(suite):
    """How many connections of a stranger are taken before one is refused; None: all of four."""
    clients = [Imap(suite.port("imap")) for _ in range(4)]
    taken = [client.greeting.startswith(b"* OK") for client in clients]
    for client in clients:
        client.close()
    return taken.index(False) if False in taken else None


def test_a_minute_s_limit_counts_each_user(suite):
    suite.set("imap.max_per_minute_per_ip", "3")
    suite.run("reload")
    try:
        wait_for(lambda: refused_at(suite) is not None, what="the limit")  # three of this minute are used up
        suite.run("reload")
        client = until_admitted(lambda: connect(suite, "plain", ALICE))
        untagged = []
        for _ in range(4):
            untagged, tagged = client.command("UNAUTHENTICATE")
            if untagged:
                break
            client.ok(f"LOGIN {BOB} {PASSWORD}")
        assert untagged == [b"* BYE [UNAVAILABLE] Connect again"] and client.at_end()
        client.close()
    finally:
        suite.set("imap.max_per_minute_per_ip", "0")
        suite.run("reload")
        wait_for(lambda: refused_at(suite) is None, what="no limit")


def test_switched_off(suite):
    suite.set("imap.unauthenticate", "no")
    suite.run("reload")
    try:
        wait_for(lambda: b"UNAUTHENTICATE" not in Imap(suite.port("imap")).greeting, what="the setting")
        client = connect(suite, "plain", ALICE)
        client.bad("UNAUTHENTICATE")
        client.ok("NOOP")
        client.close()
    finally:
        suite.set("imap.unauthenticate", "yes")
        suite.run("reload")
        wait_for(lambda: b"UNAUTHENTICATE" in Imap(suite.port("imap")).greeting, what="the setting")


def test_the_log_tells_what_goes_together(suite):
    client = connect(suite, "tls", ALICE)
    client.ok("UNAUTHENTICATE")
    client.ok(f"LOGIN {BOB} {PASSWORD}")
    client.ok("LOGOUT")
    client.close()

    def sessions():
        lines = [line for line in suite.log("imap").splitlines() if "event=continues" in line]
        return lines and [lines[-1].split(f"{key}=")[1].split()[0] for key in ("session", "previous")]

    wait_for(sessions, what="log")
    session, previous = sessions()
    assert session != previous
    assert any(f"session={previous} " in line and "event=login" in line for line in suite.log("imap").splitlines())


# ---- channel binding ----

class Bound:
    """A connection by TLS 1.3 whose exporter the client knows (RFC 9266): Python's ssl does not tell."""

    def __init__(self, suite):
        self.process = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{suite.port('imaps')}", "-tls1_3", "-ign_eof",
             "-keymatexport", "EXPORTER-Channel-Binding", "-keymatexportlen", "32"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.binding = bytes.fromhex(self.wait(b"    Keying material: ").decode())

    def wait(self, *starts):
        """What follows one of them in the next line that begins so; openssl has much to say in between."""
        for line in self.process.stdout:
            for start in starts:
                if line.startswith(start):
                    return line[len(start):].strip()
        raise AssertionError(f"the end, not {starts}")

    def send(self, line):
        self.process.stdin.write(line + b"\r\n")
        self.process.stdin.flush()

    def ok(self, command):
        self.send(b"x " + command.encode())
        answer = self.wait(b"x ")
        assert answer.startswith(b"OK"), answer

    def answer(self):
        line = self.wait(b"+", b"y NO ", b"y BAD ")
        try:
            return CHALLENGE, [base64.b64decode(line, validate=True)]
        except ValueError:
            return FAIL, [line]

    def start(self, mechanism, initial, **kwargs):
        self.send(b"y AUTHENTICATE %s %s" % (mechanism.encode(), base64.b64encode(initial)))
        return self.answer()

    def step(self, response):
        self.send(base64.b64encode(response))
        kind, fields = self.answer()
        if kind == CHALLENGE:
            self.send(b"")
            assert self.wait(b"y ").startswith(b"OK")
        return (OK, [b"", fields[0]]) if kind == CHALLENGE else (kind, fields)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def test_channel_binding_is_that_of_the_clients_connection(suite):
    """Behind the relay, too: what the client computes fits, that of another connection does not."""
    other, client = Bound(suite), Bound(suite)
    assert other.binding != client.binding
    for user in (ALICE, BOB, CAROL):
        answer, right = scram(client, "SCRAM-SHA-256-PLUS", user, PASSWORD, other.binding)
        assert answer == (FAIL, [b"[AUTHENTICATIONFAILED] Authentication failed"]) and not right
        answer, right = scram(client, "SCRAM-SHA-256-PLUS", user, PASSWORD, client.binding)
        assert right, answer
        client.ok("SELECT INBOX")
        client.ok("UNAUTHENTICATE")
    # a client that could bind and was told that we cannot (RFC 5802 section 6)
    assert scram(client, "SCRAM-SHA-256", ALICE, PASSWORD, flag="y")[0][0] == FAIL
    assert len(imap_processes(suite, "relay")) == 1
    for one in (other, client):
        one.close()
