"""accountd alone, with a fake keeper of the store: transactions, imports, and what the store has to do."""
import os
import queue
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

from authd_alone import TYPES
from frames import Connection, U32, U64
from instance import BUILD, Instance, wait_for
from totp import Authenticator, code

ADMIN, ADMIN_REPLY, SYNC, TOTP, TOTP_REPLY = 9, 10, 42, 49, 50
RIGHT, WRONG, LATER = range(3)
CREATE, REMOVE, RENAME, _USAGE, STORE_REPLY = range(1, 6)
EBUSY, ENODEV = 16, 19


class Keeper:
    """Takes accountd's requests off run/store.sock; the test answers them."""

    def __init__(self, path):
        self.asked = queue.Queue()
        self.came = []  # (path, is it urgent)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(path))
        os.chmod(path, 0o666)
        self.listener.listen(8)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection = Connection(self.listener.accept()[0])
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            while True:
                kind, request_id, fields, _ = connection.receive(timeout=None)
                self.came.append((fields[0].decode(), fields[-1] == 1))
                self.asked.put((connection, request_id, kind, *(fields[i].decode() for i in (0, 1))))
        except (EOFError, OSError):
            pass

    def next(self):
        """The next request: what accountd waits for, its kind, the user, the new one."""
        connection, request_id, kind, path, new_path = self.asked.get(timeout=20)
        return (connection, request_id), kind, path.split("/")[-1], new_path.split("/")[-1]

    @staticmethod
    def answer(asked, error=0):
        connection, request_id = asked
        connection.send(STORE_REPLY, request_id, U32(error), U64(0), U64(0), U32(0), "", *[U32(0)] * 10)


class Accountd:
    def __init__(self):
        self.inst = Instance()
        self.inst.setup()
        self.keeper = Keeper(self.inst.root / "run/store.sock")
        self.process = None
        self.start()
        while not self.jobs_done("postmaster"):
            pass

    def jobs_done(self, last):
        asked, _, user, _ = self.keeper.next()
        self.keeper.answer(asked)
        return user == last

    def start(self):
        path = self.inst.root / "run/accountd.sock"
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(path))
        listener.listen(64)
        self.control, theirs = socket.socketpair()
        env = dict(os.environ, POSTHORN_ROOT=str(self.inst.root), POSTHORN_SERVICE="account",
                   POSTHORN_LISTENERS=f"control:{listener.fileno()}", POSTHORN_CONTROL_FD=str(theirs.fileno()))
        self.process = subprocess.Popen([BUILD / "libexec/posthorn/accountd"], env=env, stderr=subprocess.DEVNULL,
                                        pass_fds=(listener.fileno(), theirs.fileno()))
        listener.close()
        theirs.close()
        self.control.settimeout(20)
        assert self.control.recv(1) == b"R"

    def stop(self):
        self.process.terminate()
        assert self.process.wait(10) == 0

    def peer(self):
        return Peer(self.inst.root / "run/accountd.sock")

    def close(self):
        if self.process.poll() is None:
            self.stop()
        self.keeper.listener.close()
        self.inst.close()


class Peer:
    def __init__(self, path):
        self.connection = Connection.connect(path)

    def do(self, verb, kind="", name="", actor="", origin="", as_type=ADMIN, **fields):
        flat = [part for pair in fields.items() for part in pair]
        self.connection.send(as_type, 7, verb, kind, name, "", actor, origin, U32(len(fields)), *flat)
        answered, _, (result, text, _cursor, data), _ = self.connection.receive()
        assert answered == ADMIN_REPLY
        return result, text.decode(), data

    def ok(self, *args, **fields):
        result, text, data = self.do(*args, **fields)
        assert result == 0, text
        return data

    def refused(self, *args, **fields):
        result, text, _ = self.do(*args, **fields)
        assert result != 0
        return text


@pytest.fixture
def accountd():
    accountd = Accountd()
    yield accountd
    accountd.close()


def test_what_fails_half_way_changes_nothing(accountd):
    """Also not with the next change that succeeds, and not after a restart."""
    peer = accountd.peer()
    before = peer.ok("export")
    peer.ok("import-begin", replace="yes")
    peer.ok("import-data", text="domain x.test\nuser ann@x.test\nuser ann@nowhere.test\n")
    assert "nowhere.test" in peer.refused("import-commit")
    assert peer.ok("export") == before
    peer.ok("add", "domain", "later.test")
    peer.ok("del", "domain", "later.test")
    assert peer.ok("export") == before
    accountd.stop()
    accountd.start()
    assert accountd.peer().ok("export") == before


def test_an_import_belongs_to_who_began_it(accountd):
    first, second = accountd.peer(), accountd.peer()
    before = first.ok("export")
    first.ok("import-begin", replace="yes")
    first.ok("import-data", text="domain x.test\n")
    assert "under way" in second.refused("import-begin", replace="yes")
    assert "no import" in second.refused("import-data", text="user eve@x.test\n")
    assert "no import" in second.refused("import-commit")
    assert first.ok("export") == before
    first.ok("import-commit")
    assert b"domain x.test" in first.ok("export") and b"eve@" not in first.ok("export")
    assert "no import" in first.refused("import-commit")


def test_who_goes_away_takes_the_import_along(accountd):
    first, second = accountd.peer(), accountd.peer()
    first.ok("import-begin", replace="yes")
    first.ok("import-data", text="domain x.test\n")
    first.connection.close()
    wait_for(lambda: second.do("import-begin", replace="yes")[0] == 0)
    second.ok("import-data", text="domain y.test\n")
    second.ok("import-commit")
    assert b"y.test" in second.ok("export") and b"x.test" not in second.ok("export")


def test_a_job_is_repeated_until_it_is_done_and_never_again(accountd):
    accountd.peer().ok("add", "user", "ann@d.test")
    for _ in range(2):
        asked, kind, user, _ = accountd.keeper.next()
        assert (kind, user) == (CREATE, "ann")
        accountd.keeper.answer(asked, EBUSY)
    accountd.stop()
    accountd.start()  # it was not done
    asked, kind, user, _ = accountd.keeper.next()
    assert (kind, user) == (CREATE, "ann")
    accountd.keeper.answer(asked)
    accountd.peer().ok("add", "user", "bob@d.test")
    asked, _, user, _ = accountd.keeper.next()  # in the order of the jobs: ann's comes no more
    assert user == "bob"
    accountd.stop()
    accountd.start()
    _, kind, user, _ = accountd.keeper.next()
    assert (kind, user) == (CREATE, "bob")


def test_jobs_of_one_path_are_done_in_order_and_others_meanwhile(accountd):
    peer, keeper = accountd.peer(), accountd.keeper
    peer.ok("add", "user", "ann@d.test")
    peer.ok("rename", "user", "ann@d.test", new_name="anna@d.test")
    peer.ok("add", "user", "ann@d.test")  # the name is free for another, the directory is not yet
    peer.ok("add", "user", "bob@d.test")
    create, kind, user, _ = keeper.next()
    assert (kind, user) == (CREATE, "ann")
    other, kind, user, _ = keeper.next()
    assert (kind, user) == (CREATE, "bob")
    keeper.answer(other)
    peer.ok("del", "user", "bob@d.test")
    removal, kind, user, _ = keeper.next()
    assert (kind, user) == (REMOVE, "bob")
    keeper.answer(removal)
    keeper.answer(create)
    rename, kind, user, new = keeper.next()
    assert (kind, user, new) == (RENAME, "ann", "anna")
    keeper.answer(rename)
    _, kind, user, _ = keeper.next()
    assert (kind, user) == (CREATE, "ann")


def test_those_of_a_storage_directory_that_is_missing_hold_up_nobody(accountd):
    """Though they are at the head of the list, and more than are asked for at once."""
    peer, keeper = accountd.peer(), accountd.keeper
    peer.ok("import-begin", replace="no")
    peer.ok("import-data", text="domain x.test\n" + "".join(f"user gone{i}@x.test\n" for i in range(600)))
    peer.ok("import-commit")
    peer.ok("add", "user", "ann@x.test")
    failed = {}
    user = None
    while user != "ann":
        asked, kind, user, _ = keeper.next()
        assert kind == CREATE
        keeper.answer(asked, ENODEV if user != "ann" else 0)
        failed[user] = failed.get(user, 0) + 1
    assert len(failed) == 601
    peer.ok("add", "user", "bob@x.test")  # a success has the failed ones not tried at once
    while user != "bob":
        asked, _, user, _ = keeper.next()
        keeper.answer(asked, ENODEV if user != "bob" else 0)
    while len(failed) > 2:  # and each is tried again, and done then
        asked, kind, user, _ = keeper.next()
        keeper.answer(asked)
        failed.pop(user, None)


def test_a_mailbox_that_a_delivery_waits_for_is_urgent(accountd):
    """And is asked for at once, though as many as may be are under way."""
    peer, keeper = accountd.peer(), accountd.keeper
    peer.ok("add", "user", "ann@d.test")
    keeper.answer(keeper.next()[0])
    path = keeper.came[-1][0]
    for i in range(130):
        peer.ok("add", "user", f"u{i}@d.test")
    for _ in range(128):
        keeper.next()
    assert not any(urgent for _, urgent in keeper.came)
    accountd.peer().connection.send(TYPES["MISSING"], 0, "ann@d.test", path)
    _, kind, user, _ = keeper.next()
    assert (kind, user) == (CREATE, "ann")
    assert keeper.came[-1] == (path, True)


# ---- syncd: what a directory elsewhere says reaches so far ----

@pytest.fixture
def synchronised(accountd):
    """dir.test is as a directory has it, own.test is not; each has a mailbox."""
    peer = accountd.peer()
    peer.ok("add", "domain", "dir.test", sync_from="ldap://127.0.0.1/dc=x")
    peer.ok("add", "domain", "own.test")
    for user in ("ann@dir.test", "eve@own.test"):
        peer.ok("add", "user", user)
    peer.ok("add", "group", "staff@dir.test")
    peer.ok("add", "group", "board@own.test")
    return accountd


@pytest.mark.parametrize("request_, fields", [
    (("list", "user", "own.test"), {}),
    (("show", "domain", "own.test"), {}),
    (("add", "user", "new@dir.test"), {"full_name": "New", "sync_id": "1"}),
    (("set", "user", "ann@DIR.test"), {"status": "disabled"}),
    (("rename", "user", "ann@dir.test"), {"new_name": "anna@dir.test"}),
    (("add", "alias", "a@dir.test"), {"mailbox": "ann@dir.test"}),
    (("add", "member", "staff@dir.test"), {"member": "ann@dir.test"}),
    (("del", "user", "ann@dir.test"), {}),
], ids=lambda value: "-".join(value[:2]) if isinstance(value, tuple) else "")
def test_syncd_changes_the_accounts_of_synchronised_domains(synchronised, request_, fields):
    synchronised.peer().ok(*request_, as_type=SYNC, **fields)


@pytest.mark.parametrize("request_, fields", [
    (("add", "user", "new@own.test"), {}),
    (("set", "user", "eve@own.test"), {"status": "disabled"}),
    (("del", "user", "eve@own.test"), {}),
    (("rename", "user", "ann@dir.test"), {"new_name": "ann@own.test"}),
    (("add", "member", "board@own.test"), {"member": "ann@dir.test"}),
    (("set", "user", "ann@dir.test"), {"full_name": "A", "password": "Some-good-one7"}),
    (("set", "user", "ann@dir.test"), {"new_password": "Some-good-one7"}),
    (("set", "user", "ann@dir.test"), {"representatives": "eve@own.test"}),
    (("set", "user", "ann@dir.test"), {"two_step": "no"}),
    (("set", "user", "ann@dir.test"), {"auth": "external"}),
    (("set", "user", "ann@dir.test"), {"groups": "board@own.test"}),
    (("passwd", "user", "ann@dir.test"), {"password": "Some-good-one7"}),
    (("set", "domain", "dir.test"), {"sync_from": ""}),
    (("del", "domain", "dir.test"), {}),
    (("add", "admin", "eve"), {"password": "Some-good-one7"}),
    (("list", "admin"), {}),
    (("set", "contact", "ann@dir.test"), {}),
    (("export",), {}),
    (("totp-clear", "admin", "admin"), {}),
    (("set", "user", "ann@dir.test", "admin"), {"full_name": "A"}),
    (("set", "user", "ann@dir.test", "", "192.0.2.1"), {"full_name": "A"}),
], ids=lambda value: "-".join(value) if isinstance(value, tuple) else ",".join(value))
def test_syncd_changes_nothing_else(synchronised, request_, fields):
    before = synchronised.peer().ok("export")
    with pytest.raises((EOFError, ConnectionError)):  # who asks for that is no syncd any more
        synchronised.peer().do(*request_, as_type=SYNC, **fields)
    assert synchronised.peer().ok("export") == before


# ---- the codes of administrators' authenticators ----

def check_code(accountd, name, code):
    peer = accountd.peer()
    peer.connection.send(TOTP, 7, name, code)
    kind, _, (verdict,), _ = peer.connection.receive()
    assert kind == TOTP_REPLY
    return verdict


def test_a_code_counts_once_and_none_before_it_is_confirmed(accountd):
    peer = accountd.peer()
    peer.ok("add", "admin", "ann", password="{PLAIN}Some-good-one7")
    assert check_code(accountd, "ann", "000000") == LATER
    secret = re.search(rb"[A-Z2-7]{32}", peer.ok("totp-new", "admin", "ann"))[0].decode()
    first = code(secret, int(time.time()) // 30)
    assert check_code(accountd, "ann", first) == LATER, "nothing is asked for, and nothing is confirmed by that"
    assert b"totp pending" in peer.ok("export")
    peer.ok("totp-confirm", "admin", "ann", code=first)
    authenticator = Authenticator(secret)
    assert check_code(accountd, "ann", first) == WRONG
    authenticator.last = int(time.time()) // 30
    second = authenticator.next()
    assert check_code(accountd, "nobody", second) == WRONG
    assert check_code(accountd, "ann", second) == RIGHT
    assert check_code(accountd, "ann", second) == WRONG
    os.kill(accountd.process.pid, signal.SIGKILL)
    accountd.process.wait()
    accountd.start()
    assert check_code(accountd, "ann", second) == WRONG, "also after a kill at once"
