"""Administrators and users who change things without a pause: by the API, by LDAP, by commands, by synchronisation with
a directory. Each change has the states that may be found afterwards: the new one if it was acknowledged, the old one if
it was refused, either of them if nobody answered."""
import http.client
import json
import os
import random
import subprocess
import tempfile
import threading
import uuid

import ldap3
from ldap3.core.exceptions import LDAPException, LDAPInvalidCredentialsResult

from admin_api import Api
from conftest import PASSWORD
from instance import wait_for
from ldap_suite import WRITE, WRITE_PASSWORD, connect
from mailbox import messages

ADMIN_PASSWORD = "keys-of-the-test"
LDAP_BASE, LDAP_PEOPLE = "dc=corp,dc=test", "ou=people,dc=corp,dc=test"


class Refused(Exception):
    """The change was not made, and that was said."""


class Unknown(Exception):
    """Nobody said whether the change was made."""


class Actor:
    """Changes things of its own, one after the other. A state is a value that can be compared; None: not there."""
    pause = 0.01

    def __init__(self, inst, names, seed):
        self.inst, self.changes, self.unknown, self.trouble = inst, 0, 0, None
        self.allowed = {name: [None] for name in names}
        self._chance, self._lock = random.Random(seed), threading.Lock()

    # of each kind of actor
    def fresh(self, chance, old):
        """Another state."""

    def change(self, name, old, new):
        """Returns when it is acknowledged. Raises Refused or Unknown."""

    def read(self):
        """name -> state, of all that there are."""

    def start(self):
        """For the first time, or again after a stop()."""
        self.power_off, self._stop = False, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self):
        self._stop.set()
        self._thread.join(90)
        assert not self._thread.is_alive(), f"{type(self).__name__} hangs"

    def _run(self):
        while not self._stop.is_set():
            with self._lock:
                self._step()
            self._stop.wait(self.pause)

    def _step(self):
        settled = [name for name, states in self.allowed.items() if len(states) == 1]
        if not settled:
            return self._stop.wait(0.05)  # verify() finds out how it is
        name = self._chance.choice(settled)
        [old] = self.allowed[name]
        new = self.fresh(self._chance, old)
        self.allowed[name] = [old, new]
        try:
            self.change(name, old, new)
        except Refused as why:
            self.trouble = why
            if not self.power_off:
                self.allowed[name] = [old]
            return self._stop.wait(0.05)
        except Unknown as why:
            self.unknown, self.trouble = self.unknown + 1, why.__cause__
            return self._stop.wait(0.05)
        if not self.power_off:  # else the answer comes from a machine that is not there
            self.allowed[name] = [new]
            self.changes += 1
        return None

    def has_changed(self, steps):
        assert self._thread.is_alive(), f"{type(self).__name__} has failed"
        if all(len(states) > 1 for states in self.allowed.values()):
            self.verify()
        return self.changes >= steps

    def verify(self):
        """What is there is one of the states that may be; from here on it is the one."""
        with self._lock:
            self._verify(self.allowed)

    def _verify(self, allowed):
        found = self.read()
        wrong = {name: (found.get(name), states) for name, states in allowed.items() if found.get(name) not in states}
        assert not wrong, f"{type(self).__name__}: found, allowed: {wrong}"
        self.allowed = {name: [found.get(name)] for name in allowed}


class ApiActor(Actor):
    """Its calls: 0 is an acknowledgement, 102 is not."""

    def __init__(self, *args):
        super().__init__(*args)
        self._api = None

    def call(self, name, /, **parameters):
        try:
            self._api = self._api or Api(self.inst, "admin", ADMIN_PASSWORD, basic=True)
            status, answer = self._api.raw("POST", f"/api/{name}", json.dumps(parameters), **{"Content-Type": "application/json"})
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._api = None
            raise Unknown from error
        if status != 200 or answer["result"] in (100, 102):
            self._api = None
            raise Unknown from RuntimeError((status, answer))
        if answer["result"] != 0:
            raise Refused(answer)


class Users(ApiActor):
    """Mailboxes: made, changed, removed."""

    def fresh(self, chance, old):
        return None if old is not None and chance.random() < 0.2 else uuid.uuid4().hex

    def change(self, name, old, new):
        if old is None:
            self.call("Add", kind="user", name=name, properties={"new_password": PASSWORD, "full_name": new})
        elif new is None:
            self.call("Remove", kind="user", name=name)
        else:
            self.call("Set", kind="user", name=name, properties={"full_name": new})

    def read(self):
        return {u["address"]: u["full_name"] for u in self.inst.json("user", "list")}


class Groups(ApiActor):
    """Groups with one member or two."""
    MEMBERS = ["imap@d.test", "u0@d.test", "u1@d.test"]

    def fresh(self, chance, old):
        if old is not None and chance.random() < 0.2:
            return None
        return sorted(chance.sample(self.MEMBERS, chance.randint(1, 2)))

    def change(self, name, old, new):
        user, domain = name.split("@")
        if old is None:
            self.call("AddGroup", name=user, domain=domain, members=";".join(new))
        elif new is None:
            self.call("DeleteGroup", name=user, domain=domain)
        else:
            self.call("ModifyGroup", name=user, domain=domain, members=";".join(new))

    def read(self):
        return {group["address"]: sorted(m["member"] for m in self.inst.json("group", "member", "list", group["address"]))
                for group in self.inst.json("group", "list")}


class Settings(ApiActor):
    """posthorn.conf, by operd: a setting that has no effect here, and a reload."""
    pause = 2

    def fresh(self, chance, old):
        return f"h{chance.randint(1, 1000000)}.test"

    def change(self, name, old, new):
        self.call("SetSettings", settings={name: new})

    def read(self):
        return {name: self.inst.run("config", "get", name).out.strip() or None for name in self.allowed}


class Contacts(Actor):
    """The address book, written by LDAP."""

    def __init__(self, *args):
        super().__init__(*args)
        self._ldap = None

    def fresh(self, chance, old):
        return None if old is not None and chance.random() < 0.2 else uuid.uuid4().hex

    def change(self, name, old, new):
        dn = f"uid={name.split('@')[0]},ou=outside,o=posthorn"
        try:
            self._ldap = self._ldap or connect(self.inst, WRITE, WRITE_PASSWORD)
            if old is None:
                self._ldap.add(dn, ["inetOrgPerson"], {"cn": f"x {new}", "sn": new})
            elif new is None:
                self._ldap.delete(dn)
            else:
                self._ldap.modify(dn, {"cn": [(ldap3.MODIFY_REPLACE, [f"x {new}"])], "sn": [(ldap3.MODIFY_REPLACE, [new])]})
        except (OSError, LDAPException) as error:
            self._ldap = None
            raise Unknown from error

    def read(self):
        return {c["name"]: c["full_name"].removeprefix("x ") for c in self.inst.json("contact", "list", "--book", "outside")}


class Passwords(Actor):
    """Users' passwords, changed by themselves by LDAP (RFC 3062)."""
    pause = 0.2  # a login and two hashes each

    def fresh(self, chance, old):
        return uuid.uuid4().hex

    def change(self, name, old, new):
        old = old or PASSWORD
        try:
            connection = connect(self.inst, name, old)
            done = connection.extend.standard.modify_password(old_password=old, new_password=new)
        except (OSError, LDAPException) as error:
            raise Unknown from error
        if not done:
            raise Unknown

    def read(self):
        found = {}
        for name, states in self.allowed.items():
            found[name] = "neither"
            for state in states:
                if wait_for(lambda: self._logs_in(name, state or PASSWORD), 20, "an answer to a login") == "yes":
                    found[name] = state
                    break
        return found

    def _logs_in(self, name, password):
        """"yes", "no"; None: no answer, as while directoryd starts."""
        try:
            connect(self.inst, name, password).unbind()
        except LDAPInvalidCredentialsResult:
            return "no"
        except (OSError, LDAPException):
            return None
        return "yes"


class Commands(Actor):
    """The command line: tables of users that are imported."""
    pause = 0.05

    def __init__(self, *args):
        super().__init__(*args)
        self._table = tempfile.NamedTemporaryFile("w", prefix="posthorn-table-")  # not on a disk whose power is cut

    def fresh(self, chance, old):
        return uuid.uuid4().hex if old is None else None

    def change(self, name, old, new):
        self._table.seek(0)
        self._table.truncate()
        self._table.write(f"{name.split('@')[0]},{new}\n")
        self._table.flush()
        command = (["user", "import", self._table.name, "--fields", "address,full_name", "--domain", name.split("@")[1], "--random-password"]
                   if old is None else ["user", "del", name, "--yes"])
        try:
            done = self.inst.run(*command, check=False)
        except subprocess.TimeoutExpired as error:
            raise Unknown from error
        if done.returncode != 0:
            raise Unknown from RuntimeError(done.err)

    read = Users.read


class Synchronised(Actor):
    """Users of a domain as a directory elsewhere has them: after a `directory sync` that says that all went well."""
    pause = 0.1

    def __init__(self, inst, names, seed, directory):
        super().__init__(inst, names, seed)
        self._directory, self._there = directory.as_admin(), {}
        self.allowed = {name: [self._put(name, None, "first")] for name in names}

    def _put(self, name, old, new):
        dn = f"uid={name.split('@')[0]},{LDAP_PEOPLE}"
        if old is None:
            self._directory.add(dn, ["inetOrgPerson"], {"cn": new, "sn": "s", "mail": name})
        else:
            self._directory.modify(dn, {"cn": [(ldap3.MODIFY_REPLACE, [new])]})
        self._there[name] = new
        return new

    def _verify(self, allowed):
        """What is in the directory may come with any name's synchronisation, and is there after the next one."""
        super()._verify({name: [*states, self._there[name]] for name, states in allowed.items()})
        for domain in {name.split("@")[1] for name in allowed}:
            wait_for(lambda: self.inst.run("directory", "sync", domain, check=False).returncode == 0, 60, "a synchronisation")
        super()._verify({name: [state] for name, state in self._there.items()})

    def fresh(self, chance, old):
        return uuid.uuid4().hex

    def change(self, name, old, new):
        self._put(name, old, new)
        domain = name.split("@")[1]
        for _ in range(200):  # what is in the directory is found there again: until it is done
            if self._stop.is_set() or self.power_off:
                break
            done = self.inst.run("directory", "sync", domain, check=False)
            if done.returncode == 0:
                return
            self.trouble = done.err
            self._stop.wait(0.1)
        raise Unknown from RuntimeError(self.trouble)

    read = Users.read


class Broadcasts:
    """Messages to all users; who sends them asks again with the same id until one is acknowledged."""

    def __init__(self, inst):
        self.inst, self.sent = inst, []

    def send(self):
        name = f"page-{len(self.sent)}"
        wait_for(lambda: self.inst.run("broadcast", "send", "--subject", name, "--id", name, stdin="x\n", check=False).returncode == 0,
                 60, "a broadcast is taken")
        self.sent.append(name)

    def verify(self, user):
        """As often as they were sent, once the queue is empty."""
        def subjects():
            found = [line for message in messages(self.inst, user) for line in message.decode().splitlines() if line.startswith("Subject: page-")]
            return sorted(line.split(": ")[1] for line in found)
        wait_for(lambda: len(subjects()) >= len(self.sent), 60, "every page has come")
        assert subjects() == sorted(self.sent)


def configure(inst, directory, authority):
    """Before the start; the authority is that of the directory's certificate."""
    authority.write(inst.root / "etc/ca.pem")
    inst.set("auth.external_ca", "ca.pem")
    secret = inst.root / "etc/write"
    secret.write_text(WRITE_PASSWORD + "\n")
    secret.chmod(0o600)
    inst.set("ldap.write_password_file", "write")
    inst.set("guess.detection", "no")  # which of two passwords it is is found out by trying
    inst.run("admin", "passwd", "admin", "--password-stdin", stdin=ADMIN_PASSWORD + "\n")
    accounts = inst.root / "etc/outside.accounts"
    accounts.write_text(f"127.0.0.1 cn=admin,{LDAP_BASE} directory-secret\n")
    accounts.chmod(0o600)
    inst.run("domain", "add", "sync.test", f"sync_from=ldap://127.0.0.1:{directory.port}/{LDAP_BASE}")
    for name in Groups.MEMBERS + [f"p{i}@d.test" for i in range(3)] + ["keeper@d.test"]:
        inst.add_user(name, PASSWORD)
    os.sync()  # the files that were written here


def actors(inst, directory, seed):
    return [Users(inst, [f"a{i}@d.test" for i in range(8)], seed),
            Groups(inst, [f"g{i}@d.test" for i in range(5)], seed + 1),
            Settings(inst, ["doctor.outside_host"], seed + 2),
            Contacts(inst, [f"c{i}@outside" for i in range(8)], seed + 3),
            Passwords(inst, [f"p{i}@d.test" for i in range(3)], seed + 4),
            Commands(inst, [f"i{i}@d.test" for i in range(4)], seed + 5),
            Synchronised(inst, [f"s{i}@sync.test" for i in range(3)], seed + 6, directory)]
