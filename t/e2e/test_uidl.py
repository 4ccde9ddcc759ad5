"""UIDLs of POP3 and UIDs of IMAP stay through export, import, and the move from another server (RFC 1939
section 7): else every client that leaves mail on the server fetches all of it again."""
import itertools
import os

import pytest

from imapclient import Imap
from instance import Instance
from test_pop3_more import Pop

NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def inst():
    inst = Instance()
    inst.setup()
    inst.start()
    yield inst
    inst.close()


@pytest.fixture
def alice(inst):
    """A user with an empty mailbox."""
    name = f"a{next(NUMBERS)}@d.test"
    inst.add_user(name)
    return name


@pytest.fixture
def bob(inst):
    name = f"b{next(NUMBERS)}@d.test"
    inst.add_user(name)
    return name


def login(inst, user):
    return Imap(inst.port("imaps"), user, tls=True)


def message(n):
    return f"From: a@x.test\r\nSubject: message {n}\r\n\r\nbody of {n}\r\n".encode()


def uidls(inst, user):
    pop = Pop(inst, user)
    names = [line.split()[1].decode() for line in pop.many("UIDL").splitlines()[:-1]]
    assert pop.one("QUIT").startswith(b"+OK")
    pop.close()
    return names


def take_in(inst, user, top, *options):
    """What POP3 then calls the messages, by their first body line."""
    inst.run("store", "import", "--user", user, *options, top)
    client = login(inst, user)
    client.ok("SELECT INBOX")
    bodies = [line.split(b"\r\n")[-2].decode() for line in client.ok("FETCH 1:* (BODY.PEEK[TEXT])")]
    client.close()
    return dict(zip(bodies, uidls(inst, user)))


def maildir(tmp_path, names):
    os.chmod(tmp_path, 0o755)
    top = tmp_path / "Maildir"
    for sub in ("cur", "new", "tmp"):
        (top / sub).mkdir(parents=True)
    for i, name in enumerate(names):
        (top / ("cur" if ":2," in name else "new") / name).write_bytes(b"Subject: x\n\nm%d\n" % i)
    return top


@pytest.mark.parametrize("form", ["maildir", "mbox", "eml"])
@pytest.mark.parametrize("manifest", [True, False])
def test_no_pop3_client_fetches_twice_after_a_round_trip(inst, alice, bob, form, manifest, tmp_path):
    os.chmod(tmp_path, 0o755)
    top = maildir(tmp_path, ["1.a:2,", "2.b:2,"])
    (top / "dovecot-uidlist").write_text("3 V1234567 N9\n4 Pkept :1.a\n6 :2.b\n")
    inst.run("store", "import", "--user", alice, top)
    client = login(inst, alice)
    for i in range(3):
        client.append("INBOX", message(i))
    client.ok("SELECT INBOX")
    client.ok("STORE 3,5 +FLAGS (\\Deleted)")
    client.ok("EXPUNGE")
    client.close()
    before = uidls(inst, alice)
    assert before[:2] == ["kept", "000000060012d687"] and len(before) == 3
    inst.run("store", "export", "--user", alice, "--format", form, tmp_path / "out")
    if not manifest:
        (tmp_path / "out/posthorn.manifest").unlink()
    inst.run("store", "import", "--user", bob, "--format", form, tmp_path / "out")
    if not manifest and form != "maildir":  # they have no place for it
        assert len(set(uidls(inst, bob))) == 3
        return
    assert uidls(inst, bob) == before
    other = login(inst, bob)  # nor is the UID of a message that left given out again
    assert b"APPENDUID 1234567 12]" in other.append("INBOX", message(9))[1]
    other.close()


def test_import_keeps_the_names_of_dovecot_s_pop3(inst, alice, tmp_path):
    top = maildir(tmp_path, ["1.a:2,S", "2.b:2,", "3.c,S=4:2,", "4.d:2,", "5.e", "6.f:2,"])
    (top / "dovecot-uidlist").write_text(
        "3 V1234567 N90 Gabc\n7 S4 Pmine W9 :1.a:2,\n8 :2.b\n9 P :3.c,S=4\n12 Pmine :6.f\n80 :5.e\n")
    names = take_in(inst, alice, top)
    assert names["m0"] == "mine" and names["m1"] == "000000080012d687" and names["m2"] == "3.c,S=4"
    assert names["m4"] == "000000500012d687"  # in new/, and has its UID
    # without a UID there, and a name that another one has already
    assert names["m3"].startswith("0012d687") and names["m5"] == "0012d6870000000c"
    again = take_in(inst, alice, top)  # the same messages once more have other names
    assert len(uidls(inst, alice)) == 12 == len(set(uidls(inst, alice))) and len(again) == 6


@pytest.mark.parametrize("options, expected", [((), "0012d68700000007"), (("--uidl", "%v.%u"), "1234567.7"),
                                               (("--uidl", "%f"), "1.a"), (("--uidl", "x%08Xu-%5v"), None)])
def test_import_is_told_how_pop3_named_its_messages(inst, alice, options, expected, tmp_path):
    top = maildir(tmp_path, ["1.a:2,"])
    (top / "courierimapuiddb").write_text("1 1234567 9\n7 1.a\n")
    assert take_in(inst, alice, top, *options)["m0"] == (expected or "x00000007-1234567")
    client = login(inst, alice)
    assert b"APPENDUID 1234567 9]" in client.append("INBOX", message(1))[1]
    client.close()


def test_import_keeps_the_names_of_courier_s_pop3(inst, alice, tmp_path):
    top = maildir(tmp_path, ["1.a:2,S", "2.b:2,", "3.c:2,", "4.d:2,"])
    (top / "courierimapuiddb").write_text("1 1234567 9\n7 1.a\n8 2.b\n")
    (top / "courierpop3dsizelist").write_text(
        "/3 20 77\n1.a:2,S 30 4:77:0\n2.b 30 0:0:0\n3.c:2, 30 6:0:1\nbroken\n")
    names = take_in(inst, alice, top)
    assert names == {"m0": "UID4-77", "m1": "2.b", "m2": "UID6", "m3": names["m3"]}


def test_a_format_that_names_all_alike_is_refused(inst, alice, tmp_path):
    top = maildir(tmp_path, ["1.a:2,"])
    for form in ("%v", "x", "%", "%9999u", "%q%u"):
        done = inst.run("store", "import", "--user", alice, "--uidl", form, top, check=False)
        assert done.returncode == 2 and "UIDL" in done.err
