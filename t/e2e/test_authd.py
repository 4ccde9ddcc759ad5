"""authd alone: what a session sees, what accountd is asked, what a flood does."""
import base64
import hashlib
import hmac
import os
import signal
import subprocess
import threading
import time

import pytest

from authd_alone import (ALL_RIGHTS, BAD_CREDENTIALS, BAD_MECHANISM, BAD_MESSAGE, BLOCKED, CANCELLED,
                         CHALLENGE, DISABLED, FAIL, NEEDS_TLS, OK, TEMPORARY, AuthdAlone, User)
from frames import U8, U32, U64
from instance import wait_for

SETTINGS = ("failure_delay = 0", "scram_iterations = 4096")


def crypt(method, password):
    """A record made by a foreign program."""
    return subprocess.run(["openssl", "passwd", method, "-stdin"], input=password.encode(),
                          capture_output=True, check=True).stdout.decode().strip()


def scram_record(password, salt=b"0123456789abcdef", iterations=4096):
    parts = []
    for tag, digest in (("SCRAM-SHA-256", "sha256"), ("SCRAM-SHA-1", "sha1")):
        salted = hashlib.pbkdf2_hmac(digest, password.encode(), salt, iterations)
        stored = hashlib.new(digest, hmac.digest(salted, b"Client Key", digest)).digest()
        server = hmac.digest(salted, b"Server Key", digest)
        texts = [base64.b64encode(x).decode() for x in (salt, stored, server)]
        parts.append("{%s}%d,%s" % (tag, iterations, ",".join(texts)))
    return " ".join(parts)


def scram(session, mechanism, user, password, binding=b"", flag=None, tls=True):
    """A SCRAM client written from RFC 5802; returns (answer, server's signature was right)."""
    digest = "sha1" if mechanism == "SCRAM-SHA-1" else "sha256"
    gs2 = (flag or ("p=tls-exporter" if mechanism.endswith("PLUS") else "n")) + ",,"
    nonce = base64.b64encode(os.urandom(12)).decode()
    bare = "n=%s,r=%s" % (user.replace("=", "=3D").replace(",", "=2C"), nonce)
    kind, fields = session.start(mechanism, (gs2 + bare).encode(), tls=tls, binding=binding)
    if kind != CHALLENGE:
        return (kind, fields), False
    first = fields[0].decode()
    values = dict(part.split("=", 1) for part in first.split(","))
    assert values["r"].startswith(nonce) and len(values["r"]) > len(nonce)
    salted = hashlib.pbkdf2_hmac(digest, password.encode(), base64.b64decode(values["s"]),
                                 int(values["i"]))
    bound = binding if gs2.startswith("p") else b""
    final = "c=%s,r=%s" % (base64.b64encode(gs2.encode() + bound).decode(), values["r"])
    message = ",".join((bare, first, final)).encode()
    key = hmac.digest(salted, b"Client Key", digest)
    signature = hmac.digest(hashlib.new(digest, key).digest(), message, digest)
    proof = bytes(a ^ b for a, b in zip(key, signature))
    answer = session.step((final + ",p=" + base64.b64encode(proof).decode()).encode())
    verifier = hmac.digest(hmac.digest(salted, b"Server Key", digest), message, digest)
    right = answer[0] == OK and answer[1][1] == b"v=" + base64.b64encode(verifier)
    return answer, right


@pytest.fixture
def authd():
    started = []

    def start(users, *settings, **kwargs):
        merged = {line.split(" = ")[0]: line for line in SETTINGS + settings}
        started.append(AuthdAlone(users, merged.values(), **kwargs))
        return started[-1]

    yield start
    for one in started:
        one.close()


def refused(answer):
    kind, fields = answer
    assert kind == FAIL
    return fields[0]


def test_plain_and_login_with_and_without_initial_response(authd):
    a = authd({"a@d.test": User("{PLAIN}secret")}, "rehash = no")
    s = a.session()
    assert s.plain("a@d.test", "secret") == (OK, [b"a@d.test", b"", b"Full Name", ALL_RIGHTS, 0, 0, 0])
    assert s.start("PLAIN") == (CHALLENGE, [b""])
    assert s.step(b"\0a@d.test\0secret")[0] == OK
    assert s.start("login") == (CHALLENGE, [b"Username:"])
    assert s.step(b"a@d.test") == (CHALLENGE, [b"Password:"])
    assert s.step(b"secret")[0] == OK
    assert s.start("LOGIN", b"a@d.test") == (CHALLENGE, [b"Password:"])
    assert refused(s.step(b"wrong")) == BAD_CREDENTIALS
    assert s.start("PLAIN", b"a@d.test\0a@d.test\0secret")[0] == OK
    assert refused(s.start("PLAIN", b"boss@d.test\0a@d.test\0secret")) == BAD_CREDENTIALS
    for broken in (b"", b"x", b"\0a@d.test", b"\0\0secret", b"\0a@d.test\0sec\0ret", b"\0a@d.test\0"):
        assert refused(a.session().start("PLAIN", broken)) == BAD_MESSAGE


def test_one_answer_for_wrong_password_and_unknown_user(authd):
    a = authd({"a@d.test": User("{PLAIN}secret")})
    s = a.session()
    known, unknown = s.plain("a@d.test", "x"), s.plain("nobody@d.test", "x")
    assert known[0] == unknown[0] == FAIL and known[1][:2] == unknown[1][:2]
    assert [answer[1][2] for answer in (known, unknown)] == [b"a@d.test", b"nobody@d.test"]  # what was said


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"])
def test_scram_with_an_independent_client(authd, mechanism):
    binding = b"\x17" * 32
    a = authd({"a,=@d.test": User("{CRYPT}!locked " + scram_record("pencil"))})
    answer, right = scram(a.session(), mechanism, "a,=@d.test", "pencil", binding)
    assert answer[0] == OK and right
    answer, _ = scram(a.session(), mechanism, "a,=@d.test", "pencils", binding)
    assert refused(answer) == BAD_CREDENTIALS
    answer, _ = scram(a.session(), mechanism, "nobody@d.test", "pencil", binding)
    assert refused(answer) == BAD_CREDENTIALS


def test_scram_needs_no_tls_and_plus_needs_a_binding(authd):
    a = authd({"a@d.test": User(scram_record("pencil"))})
    answer, right = scram(a.session(), "SCRAM-SHA-256", "a@d.test", "pencil", tls=False)
    assert right
    assert refused(a.session().start("SCRAM-SHA-256-PLUS", b"p=tls-exporter,,n=a,r=x")) == BAD_MECHANISM


def test_scram_downgrade_is_refused(authd):
    """RFC 5802 section 6: the client supports binding and believes that we don't, but we said so."""
    a = authd({"a@d.test": User(scram_record("pencil"))})
    answer, _ = scram(a.session(), "SCRAM-SHA-256", "a@d.test", "pencil", b"\1" * 32, flag="y")
    assert refused(answer) == BAD_CREDENTIALS
    answer, right = scram(a.session(), "SCRAM-SHA-256", "a@d.test", "pencil", b"", flag="y")
    assert right


def test_unknown_users_have_a_lasting_salt(authd):
    a = authd({"a@d.test": User(scram_record("pencil"))})

    def first(name):
        kind, fields = a.session().start("SCRAM-SHA-256", b"n,,n=" + name + b",r=abc")
        assert kind == CHALLENGE
        return dict(part.split(b"=", 1) for part in fields[0].split(b","))

    one, again, other = first(b"x@d.test"), first(b"x@d.test"), first(b"y@d.test")
    known = first(b"a@d.test")
    assert one[b"s"] == again[b"s"] != other[b"s"] and one[b"r"] != again[b"r"]
    assert one[b"i"] == known[b"i"] and len(one[b"s"]) == len(known[b"s"])


def test_every_spelling_of_an_unknown_user_has_one_salt(authd):
    """As for one who exists: else two spellings would tell who does."""
    a = authd({})

    def salt(name):
        kind, fields = a.session().start("SCRAM-SHA-256", b"n,,n=" + name + b",r=abc")
        assert kind == CHALLENGE
        return dict(part.split(b"=", 1) for part in fields[0].split(b","))[b"s"]

    assert salt(b"x@d.test") == salt(b"X@D.test") != salt(b"y@d.test")


def test_switched_off_mechanisms_are_unknown(authd):
    a = authd({"a@d.test": User("{PLAIN}secret")}, "rehash = no", "mechanisms = LOGIN SCRAM-SHA-256")
    assert refused(a.session().plain("a@d.test", "secret")) == BAD_MECHANISM
    assert refused(a.session().start("SCRAM-SHA-1", b"n,,n=a,r=x")) == BAD_MECHANISM
    assert refused(a.session().start("SCRAM-SHA-256-PLUS", b"p=tls-exporter,,n=a,r=x",
                                     binding=b"\1" * 32)) == BAD_MECHANISM
    s = a.session()
    assert s.start("LOGIN", b"a@d.test")[0] == CHALLENGE
    assert s.step(b"secret")[0] == OK


def test_a_client_may_say_that_we_have_no_binding_when_plus_is_switched_off(authd):
    a = authd({"a@d.test": User(scram_record("pencil"))}, "mechanisms = SCRAM-SHA-256")
    assert scram(a.session(), "SCRAM-SHA-256", "a@d.test", "pencil", b"\1" * 32, flag="y")[1]


def test_passwords_are_not_read_without_tls(authd):
    users = {"a@d.test": User("{PLAIN}secret")}
    strict, loose = authd(users), authd(users, "plain_on_loopback = yes")
    for mechanism in ("PLAIN", "LOGIN"):
        assert refused(strict.session(client_ip="127.0.0.1").start(mechanism, b"x", tls=False)) == NEEDS_TLS
        assert refused(loose.session().start(mechanism, b"x", tls=False)) == NEEDS_TLS
    assert loose.session(client_ip="127.0.0.9").plain("a@d.test", "secret", tls=False)[0] == OK
    assert loose.session(client_ip="::1").plain("a@d.test", "secret", tls=False)[0] == OK


def test_rights_show_only_after_the_right_password(authd):
    a = authd({"off@d.test": User("{PLAIN}secret", state=2),
               "noimap@d.test": User("{PLAIN}secret", rights=ALL_RIGHTS & ~4)})
    assert refused(a.session().plain("off@d.test", "secret")) == DISABLED
    assert refused(a.session().plain("off@d.test", "x")) == BAD_CREDENTIALS
    assert refused(a.session("imap").plain("noimap@d.test", "secret")) == DISABLED
    assert a.session("pop3").plain("noimap@d.test", "secret")[0] == OK


def test_mailbox_sessions_get_their_directory_and_nothing_else(authd):
    a = authd({"a@d.test": User("{PLAIN}secret")})
    s = a.session("imap")
    assert s.plain("a@d.test", "secret")[0] == OK
    assert a.made == ["d.test/00/a"]
    assert os.path.samestat(os.fstat(s.mailbox), os.stat(a.root / "store/d.test/00/a/mail"))
    with pytest.raises(OSError):
        os.listdir(s.mailbox)  # O_PATH
    assert a.session("pop3").plain("a@d.test", "secret")[0] == OK and len(a.made) == 1
    s = a.session("smtp")
    assert s.plain("a@d.test", "secret")[0] == OK and s.mailbox is None


def test_a_link_in_the_store_is_not_followed(authd):
    a = authd({"a@d.test": User("{PLAIN}secret")})
    a._store = lambda kind, request_id, fields: None
    (a.root / "store/d.test/00/a").mkdir(parents=True)
    (a.root / "store/d.test/00/a/mail").symlink_to("/etc")
    assert refused(a.session("imap").plain("a@d.test", "secret")) == TEMPORARY


def rehashed_before_another(a):
    """How many records were replaced before that of a user who comes now."""
    a.users["z@d.test"] = User("{SHA512-CRYPT}" + crypt("-6", "last"))
    assert a.session().plain("z@d.test", "last")[0] == OK
    wait_for(lambda: a.rehashed[-1][0] == "z@d.test", what="the last record")
    return len(a.rehashed) - 1


def test_imported_record_is_replaced_and_works_with_scram_then(authd):
    a = authd({"a@d.test": User("{SHA512-CRYPT}" + crypt("-6", "pencil"))})
    assert refused(a.session().plain("a@d.test", "pencils")) == BAD_CREDENTIALS
    assert a.rehashed == []
    assert a.session().plain("a@d.test", "pencil")[0] == OK
    wait_for(lambda: a.rehashed, what="new record")
    assert a.users["a@d.test"].record.startswith("{YESCRYPT}$y$")
    assert a.session().plain("a@d.test", "pencil")[0] == OK
    assert scram(a.session(), "SCRAM-SHA-256", "a@d.test", "pencil")[1]
    assert scram(a.session(), "SCRAM-SHA-1", "a@d.test", "pencil")[1]
    assert rehashed_before_another(a) == 1


def test_cache_saves_the_hash_until_the_record_changes(authd):
    record = "{SHA512-CRYPT}" + crypt("-6", "pencil")
    a = authd({"a@d.test": User(record)}, "rehash = no")

    def login(password="pencil"):
        began = time.perf_counter()
        answer = a.session().plain("a@d.test", password)
        return answer, time.perf_counter() - began

    (first, slow), (second, fast) = login(), login()
    assert first[0] == second[0] == OK
    assert fast < slow / 2
    assert a.log().count("cached=yes") == 1
    assert a.lookups == 2  # the status is asked each time
    assert refused(login("pen")[0]) == BAD_CREDENTIALS
    a.users["a@d.test"].record = "{SHA512-CRYPT}" + crypt("-6", "other")
    assert refused(login()[0]) == BAD_CREDENTIALS
    assert login("other")[0][0] == OK
    a.users["a@d.test"].state = 2
    assert refused(login("other")[0]) == DISABLED


def test_a_password_without_scram_form_is_rehashed_once(authd):
    """Bytes that are no UTF-8: PLAIN takes them, SCRAM keys cannot be made of them."""
    a = authd({"a@d.test": User("{PLAIN}x")})
    a.users["a@d.test"].record = "{SSHA}" + base64.b64encode(
        hashlib.sha1(b"\xe4x" + b"salt").digest() + b"salt").decode()
    for _ in range(3):
        assert a.session().start("PLAIN", b"\0a@d.test\0\xe4x")[0] == OK
        wait_for(lambda: a.rehashed, what="new record")
    assert rehashed_before_another(a) == 1
    assert a.log().count("cached=yes") == 1


def test_a_mailbox_on_the_move_is_no_wrong_password(authd):
    a = authd({"a@d.test": User("{PLAIN}secret", state=3)})
    assert refused(a.session().plain("a@d.test", "secret")) == TEMPORARY
    assert refused(a.session().start("SCRAM-SHA-256", b"n,,n=a@d.test,r=x")) == TEMPORARY


def test_unknown_users_take_as_long_as_known_ones(authd):
    a = authd({"a@d.test": User("{PLAIN}first"), "none@d.test": User(""),
               "locked@d.test": User("{CRYPT}!")})
    a.session().plain("a@d.test", "first")
    wait_for(lambda: a.rehashed, what="a record of the shipped scheme")

    names = ("x@d.test", "a@d.test", "none@d.test", "locked@d.test")
    times = {name: [] for name in names}
    for i in range(9):
        for name in names:  # in turn: what else the machine does is the same for all
            began = time.perf_counter()
            assert refused(a.session().plain(name, f"wrong{i}")) == BAD_CREDENTIALS
            times[name].append(time.perf_counter() - began)
    unknown = min(times["x@d.test"])  # what else runs on the machine makes some slower, none faster
    for name in names[1:]:
        assert 0.6 < min(times[name]) / unknown < 1.6, name


def test_argon2id_by_setting(authd):
    a = authd({"a@d.test": User("{PLAIN}first")}, "password_scheme = argon2id")
    assert a.session().plain("a@d.test", "first")[0] == OK
    wait_for(lambda: a.rehashed, what="new record")
    assert a.users["a@d.test"].record.startswith("{ARGON2ID}$argon2id$v=19$m=19456,t=2,p=1$")
    assert a.session().plain("a@d.test", "first")[0] == OK
    assert refused(a.session().plain("a@d.test", "second")) == BAD_CREDENTIALS


def test_failures_are_answered_later_and_later(authd):
    a = authd({}, "failure_delay = 500ms")

    def seconds(ip):
        began = time.perf_counter()
        assert refused(a.session(client_ip=ip).plain("x@d.test", "x")) == BAD_CREDENTIALS
        return time.perf_counter() - began

    assert seconds("192.0.2.7") < 0.99 < seconds("192.0.2.7")
    assert seconds("192.0.2.8") < 0.99


def test_a_session_that_fails_too_often_is_blocked(authd):
    a = authd({"a@d.test": User("{PLAIN}secret")})
    s = a.session()
    for _ in range(10):
        assert refused(s.plain("a@d.test", "x")) == BAD_CREDENTIALS
    assert refused(s.plain("a@d.test", "secret")) == BLOCKED


def test_accountd_away_is_temporary(authd):
    a = authd({}, accountd=False)
    assert refused(a.session().plain("a@d.test", "secret")) == TEMPORARY


@pytest.mark.parametrize("frames", [
    [(3, (b"step without start",))],
    [(2, (b"PLAIN",))],
    [(99, ())],
    [(5, (b"",))],
])
def test_nonsense_closes_the_channel(authd, frames):
    a = authd({"a@d.test": User("{PLAIN}secret")})
    s = a.session()
    for kind, fields in frames:
        s.channel.send(kind, 1, *fields)
    with pytest.raises((EOFError, OSError)):
        s.channel.receive()
    assert a.session().plain("a@d.test", "secret")[0] == OK


def test_cancel_ends_the_exchange(authd):
    a = authd({"a@d.test": User("{PLAIN}secret")})
    s = a.session()
    assert s.start("LOGIN")[0] == CHALLENGE
    assert refused(s.cancel()) == CANCELLED
    assert s.plain("a@d.test", "secret")[0] == OK


def test_flood_leaves_room_for_others(authd):
    """Many clients of one address fill the queue: they are told to come later, another gets in,
    memory stays, and cheap look-ups go on at once."""
    strong = "{SHA512-CRYPT}" + crypt("-6", "pencil")
    a = authd({"a@d.test": User(strong), "cheap@d.test": User("{PLAIN}secret")},
              "rehash = no", "hash_queue = 50", "hash_workers = 2")
    a.session().plain("a@d.test", "pencil")
    before = a.rss_kib()
    flood = [a.session(client_ip="198.51.100.1") for _ in range(300)]
    for i, s in enumerate(flood):
        s.request += 1
        s.channel.send(2, s.request, "PLAIN", *_plain_fields(f"u{i}@d.test"))
    began = time.perf_counter()
    assert a.session(client_ip="198.51.100.2").plain("cheap@d.test", "secret")[0] == OK
    assert time.perf_counter() - began < 0.2
    began = time.perf_counter()
    assert refused(a.session(client_ip="198.51.100.3").plain("a@d.test", "wrong")) == BAD_CREDENTIALS
    assert time.perf_counter() - began < 0.5
    answers = [refused(s.answer()) for s in flood]
    assert answers.count(TEMPORARY) >= 200 and answers.count(BAD_CREDENTIALS) >= 40
    assert a.rss_kib() < before + 8192
    assert len(a.processes()) == 6  # front, keeper, two workers; a keeper and worker for outside


def _plain_fields(user):
    from frames import U8
    return U8(1), f"\0{user}\0x".encode(), U8(1), b"", b""


def test_dead_hash_worker_is_replaced(authd):
    a = authd({"a@d.test": User("{SHA512-CRYPT}" + crypt("-6", "pencil"))},
              "rehash = no", "hash_workers = 1", "cache_lifetime = 0")
    workers = a.processes()
    os.kill(workers[-1], 9)
    wait_for(lambda: len(a.processes()) == 5 and a.processes() != workers, 2, "a new worker")
    assert a.session().plain("a@d.test", "pencil")[0] == OK


@pytest.mark.parametrize("kind, fields", [
    (12, ("~b@d.test/Work", U64(1), U64(1), U8(1), U8(0))),  # CHARGE for a folder that it was not given
    (9, (U8(0), "b@d.test", "b@d.test", "Work", "", U32(0))),  # ACL in the name of another user
])
def test_a_session_speaks_for_nobody_else(authd, kind, fields):
    a = authd({"a@d.test": User("{PLAIN}secret")})
    session = a.session("imap")
    with pytest.raises(EOFError):
        session._call(kind, *fields)  # before the login
    session = a.session("imap")
    assert session.plain("a@d.test", "secret")[0] == OK
    with pytest.raises(EOFError):
        session._call(kind, *fields)


def test_no_secret_in_the_log(authd):
    a = authd({"a@d.test": User("{PLAIN}very-secret")})
    a.session().plain("a@d.test", "very-secret")
    a.session().plain("a@d.test", "not-the-password")
    log = a.log()
    assert "event=login " in log and "event=login_failed" in log
    assert "very-secret" not in log and "not-the-password" not in log and "{PLAIN}" not in log


def test_cached_logins_are_cheap(authd):
    """More than 2,000 a second on a fraction of one processor; the load comes from Python, so the
    figure is the processor time of authd."""
    a = authd({"a@d.test": User("{SSHA}" + base64.b64encode(
        hashlib.sha1(b"secretsalt").digest() + b"salt").decode())}, "rehash = no", "[guess]", "smtp_logins_per_user = 0")
    count = 400

    def cpu():
        with open(f"/proc/{a.process.pid}/stat") as f:
            fields = f.read().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    before = cpu()

    def run():
        for _ in range(count // 4):
            s = a.session()
            assert s.plain("a@d.test", "secret")[0] == OK
            s.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert (cpu() - before) / count < 0.0005


def test_hang_up_ends_with_the_last_session(authd):
    """What a reload does to the old authd: attached sessions log in, new ones go elsewhere."""
    a = authd({"a@d.test": User("{PLAIN}secret")})
    s = a.session()
    assert s.start("LOGIN")[0] == CHALLENGE
    os.kill(a.process.pid, signal.SIGHUP)
    wait_for(lambda: "event=draining" in a.log(), 5, "draining")
    with pytest.raises((EOFError, OSError)):
        a.parent.receive(timeout=5)
    a.parent.close()
    assert s.step(b"a@d.test")[0] == CHALLENGE and s.step(b"secret")[0] == OK
    assert a.process.poll() is None
    s.close()
    assert a.process.wait(5) == 0


def test_a_session_handed_over_at_the_hang_up_is_served(authd):
    """A reload must fail no login: what a parent has sent before it saw the end is not lost."""
    for _ in range(5):
        a = authd({"a@d.test": User("{PLAIN}secret")}, "rehash = no")
        first = a.session()
        assert first.plain("a@d.test", "secret")[0] == OK
        os.kill(a.process.pid, signal.SIGSTOP)
        os.kill(a.process.pid, signal.SIGHUP)
        second = a.session()
        os.kill(a.process.pid, signal.SIGCONT)
        assert second.plain("a@d.test", "secret")[0] == OK
        for connection in (first, second, a.parent):
            connection.close()
        assert a.process.wait(5) == 0


@pytest.mark.parametrize("victim", [0, 1])
def test_front_and_keeper_end_together(authd, victim):
    a = authd({"a@d.test": User("{PLAIN}secret")})
    pids = a.processes()
    os.kill(pids[victim], signal.SIGKILL)

    def all_gone():
        a.process.poll()
        return not any(os.path.exists(f"/proc/{pid}") for pid in pids)

    wait_for(all_gone, 5, "the end of all processes")
    a.killed = True
