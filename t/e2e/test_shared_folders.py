"""CREATE, DELETE and RENAME in folders of another user: the rights k and x (RFC 4314 section 4)."""
import pytest

from test_imap_rights import (GUEST, MESSAGE, NAME, OTHER, OWNER, count, guest, owner, session, suite,  # noqa: F401
                              usage)



def names(client, pattern='"" *'):
    return [line.split(b' "/" ')[-1].decode() for line in client.ok(f"LIST {pattern}") if line]


def ended(client):
    return client.line().startswith(b"* BYE [NOPERM]") and client.at_end()


# ---- CREATE ----

def test_a_guest_with_k_makes_a_folder(owner, guest, session):
    owner.ok(f"SETACL Work {OTHER} lr")
    client = guest("lrswiktex")
    tagged = client.command(f"CREATE {NAME}/New")[1]
    assert tagged.startswith(b"OK [MAILBOXID (") and b"after the next login" in tagged
    assert f"[{owner.ok('STATUS Work/New (MAILBOXID)')[0].split(b'(', 1)[1][:-1].decode()}]".encode() in tagged
    # who may what is like above, and the folder is the owner's
    assert owner.ok("GETACL Work/New")[0].endswith(f" {GUEST} lrswikxtecd {OTHER} lr".encode())
    assert client.ok(f"MYRIGHTS {NAME}/New") == [f"* MYRIGHTS {NAME}/New lrswikxtecd".encode()]
    assert names(client, '"" "~*"') == [f"~{OWNER}", NAME, f"{NAME}/New"]
    client.no(f"CREATE {NAME}/New", b"[ALREADYEXISTS]")
    for command in (f"SELECT {NAME}/New", f"STATUS {NAME}/New (MESSAGES)"):
        client.no(command, b"[UNAVAILABLE]")  # it was confined before
    assert client.append(f"{NAME}/New", MESSAGE)[1].startswith(b"NO [UNAVAILABLE]")
    client.ok("NOOP")
    again = session(GUEST)
    again.ok(f"SELECT {NAME}/New")
    assert again.append(f"{NAME}/New", MESSAGE)[1].startswith(b"OK")
    assert usage(owner)[b"MESSAGE"] == 4 and count(owner, "Work/New") == 1
    assert f"{NAME}/New" in names(session(OTHER))


def test_what_was_made_can_be_worked_on_at_once(owner, guest):
    client = guest("lkx", select=False)
    client.ok(f"CREATE {NAME}/A/")
    client.ok(f"CREATE {NAME}/A/B")
    client.ok(f"RENAME {NAME}/A {NAME}/C")
    assert names(client, '"" "~*"') == [f"~{OWNER}", NAME, f"{NAME}/C", f"{NAME}/C/B"]
    client.ok(f"DELETE {NAME}/C/B")
    client.ok(f"CREATE {NAME}/D")
    assert names(client, '"" "~*"') == [f"~{OWNER}", NAME, f"{NAME}/C", f"{NAME}/D"]
    assert [name for name in names(owner) if name.startswith("Work")] == ["Work", "Work/C", "Work/D"]


# RFC 4314 section 4: '"k" right on a nearest existing parent mailbox'.

def test_the_nearest_folder_above_counts(owner, guest, session):
    owner.ok(f"SETACL Work {OTHER} lr")
    client = guest("lrk", select=False)
    client.ok(f"CREATE {NAME}/A/B/C")
    made = [f"{NAME}/A", f"{NAME}/A/B", f"{NAME}/A/B/C"]
    assert names(client, '"" "~*"') == [f"~{OWNER}", NAME, *made]
    for name in made:
        assert client.ok(f"MYRIGHTS {name}") == [f"* MYRIGHTS {name} lrkc".encode()]
    for name in ("Work/A", "Work/A/B", "Work/A/B/C"):
        assert owner.ok(f"GETACL {name}")[0].endswith(f" {GUEST} lrkc {OTHER} lr".encode())
    client.ok("NOOP")
    session(OTHER).ok(f"SELECT {NAME}/A/B")
    owner.ok(f"DELETEACL Work/A/B {GUEST}")  # taken away from between is taken away, too
    assert ended(client)


def test_a_nearer_folder_without_k_refuses(owner, guest):
    for name in ("Work/A", "Work/C", "Work/D"):
        owner.ok(f"CREATE {name}")
    client = guest("lkx", select=False)  # has no right on these
    owner.ok(f"SETACL Work/C {GUEST} lx")
    before = names(owner)
    for command in (f"CREATE {NAME}/A/B", f"CREATE {NAME}/A/B/E", f"CREATE {NAME}/C/B/E",
                    f"RENAME {NAME}/C {NAME}/A/B", f"RENAME {NAME}/C {NAME}/D/B/E"):
        client.no(command, b"[NOPERM]")
    assert names(owner) == before
    owner.ok(f"SETACL Work/C {GUEST} lk")
    client.ok(f"CREATE {NAME}/C/B/E")


def test_folders_above_the_new_name_are_made(owner, guest, session):
    owner.ok("CREATE Work/A")
    client = guest("lkx", select=False)
    owner.ok(f"SETACL Work/A {GUEST} lx")
    client.ok(f"RENAME {NAME}/A {NAME}/X/Y/Z")
    assert [name for name in names(owner) if name.startswith("Work")] == ["Work", "Work/X", "Work/X/Y", "Work/X/Y/Z"]
    for name, rights in (("Work/X", "lkxc"), ("Work/X/Y", "lkxc"), ("Work/X/Y/Z", "lxc")):
        assert owner.ok(f"GETACL {name}")[0].split(f" {GUEST} ".encode())[1].decode() == rights
    assert names(client, '"" "~*"')[1:4] == [NAME, f"{NAME}/X", f"{NAME}/X/Y"]
    client.ok(f"CREATE {NAME}/X/Y/New")
    client.ok("NOOP")
    owner.ok(f"DELETEACL Work/X {GUEST}")
    assert ended(client)


@pytest.mark.parametrize("rights, command, code", [
    ("lrx", "CREATE {}/New", b"[NOPERM]"),
    ("l", "CREATE {}/A/B", b"[NOPERM]"),
    ("lk", "CREATE ~owner@d.test/New", b"[NOPERM]"),
    ("lk", "CREATE ~owner@d.test", b"[NOPERM]"),
    ("lk", "CREATE ~nobody@d.test/New", b"[NOPERM]"),
    ("lk", "CREATE {}/a//b", b"[CANNOT]"),
    ("lk", "CREATE {}/..", b"[CANNOT]"),
    ("lk", "CREATE {}/New (USE (\\Sent))", b"[USEATTR]"),
    ("lrk", "DELETE {}", b"[NOPERM]"),
    ("rk", "DELETE {}", b"[NONEXISTENT]"),
    ("lx", "DELETE {}/Missing", b"[NONEXISTENT]"),
    ("lx", "DELETE ~owner@d.test", b"[NONEXISTENT]"),
    ("lx", "DELETE ~owner@d.test/INBOX", b"[NONEXISTENT]"),
    ("lx", "RENAME {} {}2", b"[NOPERM]"),
    ("lk", "RENAME {} {}/Sub", b"[NOPERM]"),
    ("lkx", "RENAME {} {}/Sub", b"[CANNOT]"),  # into itself
    ("lkx", "RENAME {} Mine", b"[NOPERM]"),
    ("lkx", "RENAME INBOX {}/Mine", b"[NOPERM]"),
])
def test_what_is_refused(owner, guest, rights, command, code):
    client = guest(rights, select=False)
    before = names(owner)
    client.no(command.format(NAME, NAME), code)
    assert names(owner) == before


# ---- DELETE ----

def test_a_guest_with_x_removes_a_folder(suite, owner, guest):
    owner.ok("CREATE Work/Sub")
    client = guest("lrx")
    removed = lambda: [row["folder"] for row in suite.json(  # noqa: E731
        "store", "undelete", "--user", OWNER, "--folder", "Work", "--list")].count("Work")
    before = removed()
    client.ok(f"DELETE {NAME}")
    assert removed() == before + 3
    assert names(client, '"" "~*"') == []
    client.no(f"STATUS {NAME} (MESSAGES)", b"[NONEXISTENT]")
    client.ok("SELECT INBOX")  # the session goes on
    assert "Work/Sub" in names(owner) and usage(owner)[b"MESSAGE"] == 0
    owner.ok("CREATE Work")
    assert GUEST.encode() not in owner.ok("GETACL Work")[0]  # the list went with the folder


def test_others_who_have_it_open_are_told(owner, guest, session):
    client = guest("lrx", select=False)
    other = session(GUEST)
    other.ok(f"SELECT {NAME}")
    owner.ok("SELECT Work")
    client.ok(f"DELETE {NAME}")
    assert ended(other)
    client.ok("NOOP")


# ---- RENAME ----

def test_a_guest_with_k_and_x_renames_a_folder(owner, guest, session):
    for name in ("Work/A", "Work/A/B", "Work/C"):
        owner.ok(f"CREATE {name}")
    assert owner.append("Work/A", MESSAGE)[1].startswith(b"OK")
    owner.ok(f"SETACL Work/A {GUEST} lrswitex")
    owner.ok(f"SETACL Work/A/B {OTHER} lr")
    owner.ok(f"SETACL Work/C {GUEST} lk")
    client, elsewhere = session(GUEST), session(GUEST)
    client.ok(f"SELECT {NAME}/A")
    client.ok(f"RENAME {NAME}/A {NAME}/C/New")
    # it is used on under its new name, and the list went along
    untagged, tagged = client.append(f"{NAME}/C/New", MESSAGE)
    assert tagged.startswith(b"OK") and b"* 2 EXISTS" in untagged
    client.no(f"STATUS {NAME}/A (MESSAGES)", b"[NONEXISTENT]")
    assert names(client, '"" "~*"')[-2:] == [f"{NAME}/C", f"{NAME}/C/New"]
    assert owner.ok("GETACL Work/C/New")[0].endswith(f" {GUEST} lrswixtecd".encode())
    assert f"{NAME}/C/New/B" in names(session(OTHER))
    assert usage(owner)[b"MESSAGE"] == 5
    assert ended(elsewhere)  # it has what is not there any more
    client.ok("NOOP")


def test_a_folder_stays_with_its_owner(owner, session, guest):
    client = guest("lkx", select=False)
    other = session(OTHER)
    other.ok("CREATE Theirs")
    other.ok(f"SETACL Theirs {GUEST} lkx")
    try:
        client.no(f"RENAME {NAME} ~{OTHER}/Theirs/Work", b"[NOPERM]")
    finally:
        other.ok("DELETE Theirs")


# ---- the moment ----

def test_rights_of_the_moment_count(owner, guest):
    client = guest("lr", select=False)
    client.no(f"CREATE {NAME}/New", b"[NOPERM]")
    owner.ok(f"SETACL Work {GUEST} +k")
    client.ok(f"CREATE {NAME}/New")
    owner.ok(f"SETACL Work {GUEST} -k")
    assert client.command(f"CREATE {NAME}/Other")[1].startswith(b"NO [NOPERM]")
    assert "Work/Other" not in names(owner)
    client.ok("NOOP")  # nothing that came with the login was taken
    owner.ok(f"DELETEACL Work/New {GUEST}")
    assert ended(client)


def test_what_the_owner_may_not_nobody_may(suite, owner, guest):
    suite.run("user", "set", OWNER, "remove_mail=no")
    try:
        client = guest("lkx", select=False)
        assert client.ok(f"MYRIGHTS {NAME}") == [f"* MYRIGHTS {NAME} lkc".encode()]
        client.no(f"DELETE {NAME}", b"[NOPERM]")
    finally:
        suite.run("user", "set", OWNER, "remove_mail=yes")


def test_a_guest_who_may_not_remove_mail(suite, owner, guest):
    suite.run("user", "set", GUEST, "remove_mail=no")
    try:
        client = guest("lkx", select=False)
        client.no(f"DELETE {NAME}", b"[NOPERM]")
        client.ok(f"CREATE {NAME}/New")
        client.no(f"DELETE {NAME}/New", b"[NOPERM]")
    finally:
        suite.run("user", "set", GUEST, "remove_mail=yes")
