"""ACL (RFC 4314), LIST-MYRIGHTS (RFC 8440) and sharing between users, in both directions."""
import pytest

from imap_users import PASSWORD, names, remove_folders, sessions, suite_with

OWNER, FRIEND, OTHER = "owner@d.test", "friend@d.test", "other@e.test"
ALL = b"lrswipkxteacd"
MESSAGE = b"From: a@d.test\r\nSubject: shared\r\n\r\nbody\r\n"


@pytest.fixture(scope="module")
def suite():
    with suite_with(OWNER, FRIEND, OTHER) as inst:
        yield inst


@pytest.fixture
def session(suite):
    with sessions(suite) as session:
        yield session
        remove_folders(session(OWNER))


@pytest.fixture
def owner(session):
    client = session(OWNER)
    client.ok("CREATE Work")
    assert client.append("Work", MESSAGE)[1].startswith(b"OK")
    return client


# ---- the commands ----

def test_capability(owner):
    words = owner.ok("CAPABILITY")[0].split()
    assert {b"ACL", b"RIGHTS=kxte", b"LIST-MYRIGHTS"} <= set(words)


def test_the_owner_has_all_rights(owner):
    assert owner.ok("MYRIGHTS Work") == [b"* MYRIGHTS Work " + ALL]
    assert owner.ok("GETACL INBOX") == [b"* ACL INBOX owner@d.test " + ALL]
    assert owner.ok(f"LISTRIGHTS Work {OWNER}") == [b"* LISTRIGHTS Work owner@d.test lrswipkxtea"]
    assert owner.ok(f"LISTRIGHTS Work {FRIEND}") == [
        b'* LISTRIGHTS Work friend@d.test "" l r s w i p k x t e a c d']
    assert owner.ok(f"LISTRIGHTS INBOX anyone") == [b'* LISTRIGHTS INBOX anyone ""']
    owner.no(f"SETACL Work {OWNER} lr", b"[CANNOT]")


def test_setacl_getacl_deleteacl(owner):
    owner.ok(f"SETACL Work {FRIEND} lr")
    assert owner.ok("GETACL Work") == [b"* ACL Work owner@d.test " + ALL + b" friend@d.test lr"]
    owner.ok(f"SETACL Work {FRIEND} -r")
    assert owner.ok("GETACL Work")[0].endswith(b" friend@d.test l")
    owner.ok(f"SETACL Work {FRIEND} +r")
    assert owner.ok("GETACL Work")[0].endswith(b" friend@d.test lr")
    owner.ok("SETACL Work @e.test l")
    owner.ok("SETACL Work anyone lr")
    found = owner.ok("GETACL Work")[0]
    assert b" @e.test l" in found and b" anyone lr" in found
    owner.ok(f"DELETEACL Work {FRIEND}")
    owner.ok('SETACL Work anyone ""')
    owner.ok("DELETEACL Work @e.test")
    assert owner.ok("GETACL Work") == [b"* ACL Work owner@d.test " + ALL]
    owner.ok(f"DELETEACL Work {FRIEND}")


@pytest.mark.parametrize("command, answer", [
    ('SETACL Work "" lr', b"BAD"),
    ('SETACL Work "\x01" lr', b"BAD"),
    (f"SETACL Work {FRIEND} lrq", b"BAD"),
    (f"SETACL Work {FRIEND} L", b"BAD"),
    (f"SETACL Work -{OWNER} r", b"NO [CANNOT]"),
    ("SETACL Work -nobody@d.test r", b"NO [CANNOT]"),
    ("SETACL Work - r", b"NO [CANNOT]"),
    ("SETACL Work nobody@d.test lr", b"NO [CANNOT]"),
    ("SETACL Work @far.test lr", b"NO [CANNOT]"),
    (f"SETACL INBOX {FRIEND} lr", b"NO [CANNOT]"),
    (f"SETACL Missing {FRIEND} lr", b"NO [NONEXISTENT]"),
    ("GETACL Missing", b"NO [NONEXISTENT]"),
    ("MYRIGHTS Missing", b"NO [NONEXISTENT]"),
    (f"LISTRIGHTS Missing {FRIEND}", b"NO [NONEXISTENT]"),
    ("SETACL Work", b"BAD"),
    ("GETACL", b"BAD"),
    ("MYRIGHTS Work more", b"BAD"),
])
def test_what_is_refused(owner, command, answer):
    assert owner.command(command)[1].startswith(answer), command
    assert owner.ok("GETACL Work") == [b"* ACL Work owner@d.test " + ALL]


def test_denied_rights(owner, session):
    """Section 2, "negative rights": they win, whoever gave the others."""
    name = f"~{OWNER}/Work"
    owner.ok("SETACL Work anyone lrs")
    friend, other = session(FRIEND), session(OTHER)
    friend.ok(f"SELECT {name}")
    owner.ok(f"SETACL Work -{FRIEND} s")
    assert friend.line().startswith(b"* BYE [NOPERM]") and friend.at_end()
    other.ok("NOOP")
    assert owner.ok("GETACL Work")[0].endswith(f" -{FRIEND} s anyone lrs".encode())
    assert owner.ok(f"LISTRIGHTS Work -{FRIEND}") == [
        f'* LISTRIGHTS Work -{FRIEND} "" l r s w i p k x t e a c d'.encode()]
    assert owner.ok(f"LISTRIGHTS Work -{OWNER}") == [f'* LISTRIGHTS Work -{OWNER} ""'.encode()]
    friend = session(FRIEND)
    assert friend.ok(f"MYRIGHTS {name}") == [f"* MYRIGHTS {name} lr".encode()]
    owner.ok(f"SETACL Work -{FRIEND} +lr")  # more denied is less allowed
    assert friend.line().startswith(b"* BYE [NOPERM]")
    friend = session(FRIEND)
    friend.no(f"SELECT {name}", b"[NONEXISTENT]")
    assert not any(found.startswith(b"~") for found in names(friend))
    owner.ok(f"DELETEACL Work {FRIEND}")  # another identifier
    assert f" -{FRIEND} lrs ".encode() in owner.ok("GETACL Work")[0]
    owner.ok(f"DELETEACL Work -{FRIEND}")
    assert session(FRIEND).ok(f"MYRIGHTS {name}") == [f"* MYRIGHTS {name} lrs".encode()]
    owner.ok("SETACL Work -@e.test r")
    owner.ok(f"SETACL Work {OTHER} r")
    assert session(OTHER).ok(f"MYRIGHTS {name}") == [f"* MYRIGHTS {name} ls".encode()]


# ---- what a right does ----

def test_a_shared_folder_is_read_and_not_changed(owner, session):
    owner.ok(f"SETACL Work {FRIEND} lr")
    friend = session(FRIEND)
    name = f"~{OWNER}/Work"
    assert names(friend, '"" "~*"') == [f"~{OWNER}".encode(), name.encode()]
    assert names(friend, '"" "~%"') == [f"~{OWNER}".encode()]
    assert friend.ok(f'LIST "" "~{OWNER}"')[0].startswith(b"* LIST (\\Noselect \\HasChildren)")
    assert friend.ok(f"MYRIGHTS {name}") == [f"* MYRIGHTS {name} lr".encode()]
    assert friend.ok(f"STATUS {name} (MESSAGES)")[0].endswith(b"(MESSAGES 1)")
    untagged, tagged = friend.command(f"SELECT {name}")
    assert tagged.startswith(b"OK [READ-ONLY]") and b"* 1 EXISTS" in untagged
    assert b"shared" in b"".join(friend.ok("FETCH 1 BODY[]"))
    for command in ("STORE 1 +FLAGS (\\Seen)", "EXPUNGE", "MOVE 1 INBOX", f"COPY 1 {name}", f"DELETE {name}",
                    f"RENAME {name} Mine", f"GETACL {name}", f"SETACL {name} {OTHER} lr",
                    f"LISTRIGHTS {name} {FRIEND}"):
        friend.no(command, b"[NOPERM]")
    assert friend.append(name, MESSAGE)[1].startswith(b"NO [NOPERM]")
    assert friend.command(f"CREATE {name}/Sub")[1].startswith(b"NO")
    friend.ok("COPY 1 INBOX")
    assert friend.ok(f"GETQUOTAROOT {name}") == [f"* QUOTAROOT {name}".encode()]
    owner.ok("SELECT Work")
    assert b"\\Seen" not in owner.ok("FETCH 1 FLAGS")[0]


def test_the_reader_sees_the_owner_s_changes(owner, session):
    owner.ok(f"SETACL Work {FRIEND} lr")
    friend = session(FRIEND)
    friend.ok(f"SELECT ~{OWNER}/Work")
    assert owner.append("Work", MESSAGE, "(\\Flagged) ")[1].startswith(b"OK")
    assert b"* 2 EXISTS" in friend.ok("NOOP")
    owner.ok("SELECT Work")
    owner.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    owner.ok("EXPUNGE")
    assert b"* 1 EXPUNGE" in friend.ok("NOOP")


def test_a_copy_to_another_user_has_the_flags_of_the_moment(owner, session):
    owner.ok(f"SETACL Work {FRIEND} lr")
    friend = session(FRIEND)
    friend.ok(f"SELECT ~{OWNER}/Work")
    owner.ok("SELECT Work")
    owner.ok("STORE 1 +FLAGS.SILENT (\\Flagged)")
    friend.ok("COPY 1 INBOX")  # it was not told of the flag before
    friend.ok("SELECT INBOX")
    assert b"\\Flagged" in friend.ok("FETCH * (FLAGS)")[0]


def test_rights_to_a_domain_and_to_anyone(owner, session):
    owner.ok("SETACL Work @e.test lr")
    assert f"~{OWNER}/Work".encode() in names(session(OTHER))
    assert f"~{OWNER}/Work".encode() not in names(session(FRIEND))
    owner.ok("SETACL Work anyone l")
    friend = session(FRIEND)
    assert f"~{OWNER}/Work".encode() in names(friend)
    friend.no(f"SELECT ~{OWNER}/Work", b"[NOPERM]")
    assert session(OTHER).command(f"SELECT ~{OWNER}/Work")[1].startswith(b"OK")
    assert not any(name.startswith(b"~") for name in names(session(OWNER)))


def test_without_a_right_there_is_no_such_folder(owner, session):
    other = session(OTHER)
    for name in (f"~{OWNER}/Work", f"~{OWNER}/INBOX", f"~{OWNER}", "~nobody@d.test/Work"):
        for command in ("SELECT", "STATUS", "MYRIGHTS", "GETACL", "SUBSCRIBE"):
            arguments = " (MESSAGES)" if command == "STATUS" else ""
            other.no(f"{command} {name}{arguments}", b"[NONEXISTENT]")
    owner.ok(f"SETACL Work {FRIEND} r")  # r without l: who knows the name may read it
    friend = session(FRIEND)
    assert not any(name.startswith(b"~") for name in names(friend))
    friend.ok(f"SELECT ~{OWNER}/Work")
    friend.no(f"SUBSCRIBE ~{OWNER}/Work", b"[NONEXISTENT]")


def test_taking_a_right_away_ends_the_session(owner, session):
    owner.ok(f"SETACL Work {FRIEND} lr")
    friend = session(FRIEND)
    friend.ok(f"SELECT ~{OWNER}/Work")
    owner.ok(f"DELETEACL Work {FRIEND}")
    assert friend.line().startswith(b"* BYE [NOPERM]") and friend.at_end()
    assert not any(name.startswith(b"~") for name in names(session(FRIEND)))


# ---- rights and folders ----

def test_rights_follow_a_rename_and_end_with_the_folder(owner, session):
    owner.ok("CREATE Work/Old")
    owner.ok(f"SETACL Work/Old {FRIEND} lr")
    owner.ok("RENAME Work Done")
    assert f"~{OWNER}/Done/Old".encode() in names(session(FRIEND))
    assert owner.ok("GETACL Done/Old")[0].endswith(b" friend@d.test lr")
    owner.ok("DELETE Done/Old")
    owner.ok("CREATE Done/Old")
    assert owner.ok("GETACL Done/Old") == [b"* ACL Done/Old owner@d.test " + ALL]
    assert not any(name.startswith(b"~") for name in names(session(FRIEND)))


def test_names_of_all_kinds(owner, session):
    owner.ok("CREATE &AOQ-/x.y")
    owner.ok(f"SETACL &AOQ-/x.y {FRIEND} lr")
    friend = session(FRIEND)
    friend.ok(f"SELECT ~{OWNER}/&AOQ-/x.y")
    assert f"~{OWNER}/&AOQ-/x.y".encode() in names(friend)
    owner.ok("DELETE &AOQ-/x.y")


# ---- LIST-MYRIGHTS ----

def test_list_return_myrights(owner, session):
    lines = owner.ok('LIST "" Work RETURN (MYRIGHTS)')
    assert lines == [b'* LIST (\\HasNoChildren) "/" Work', b"* MYRIGHTS Work " + ALL]
    owner.ok(f"SETACL Work {FRIEND} lr")
    lines = session(FRIEND).ok(f'LIST "" "~*" RETURN (MYRIGHTS CHILDREN)')
    assert lines[-1] == f"* MYRIGHTS ~{OWNER}/Work lr".encode() and len(lines) == 3


# ---- accounts ----

def test_shares_follow_users_and_go_with_them(suite, owner, session):
    owner.ok(f"SETACL Work {FRIEND} lr")
    suite.run("user", "rename", FRIEND, "pal@d.test")
    assert f"~{OWNER}/Work".encode() in names(session("pal@d.test"))
    assert owner.ok("GETACL Work")[0].endswith(b" pal@d.test lr")
    text = suite.run("export").stdout
    text = text if isinstance(text, str) else text.decode()
    assert f"share {OWNER} pal@d.test\n    folder Work\n    rights lr\n" in text
    suite.run("user", "rename", "pal@d.test", FRIEND)
    suite.run("user", "del", FRIEND, "--yes")
    suite.add_user(FRIEND, PASSWORD)
    assert owner.ok("GETACL Work") == [b"* ACL Work owner@d.test " + ALL]
    assert not any(name.startswith(b"~") for name in names(session(FRIEND)))
