"""Rights to change folders of others (RFC 4314 section 4): each command with and without its right."""
import pytest

from frames import U8, U32, Connection
from imapclient import Imap
from imap_users import remove_folders, remove_messages, sessions, suite_with

OWNER, GUEST, OTHER = "owner@d.test", "guest@d.test", "other@e.test"
NAME = f"~{OWNER}/Work"
MESSAGE = b"From: a@d.test\r\nSubject: shared\r\n\r\nbody of it\r\n"
MESSAGE_FLAGS = "(\\Seen \\Deleted \\Flagged $Own) "


@pytest.fixture(scope="module")
def suite():
    with suite_with(OWNER, GUEST, OTHER) as inst:
        yield inst


@pytest.fixture
def session(suite):
    with sessions(suite) as session:
        yield session
        for user in (OWNER, GUEST):
            client = session(user)
            remove_folders(client)
            remove_messages(client)


@pytest.fixture
def owner(session):
    client = session(OWNER)
    client.ok("CREATE Work")
    for flags in ("(\\Seen) ", "(\\Deleted) ", ""):
        assert client.append("Work", MESSAGE, flags)[1].startswith(b"OK")
    return client


@pytest.fixture
def guest(owner, session):
    """guest(rights): a session of the guest, who has exactly these on the owner's folder."""
    def begin(rights, select=True):
        owner.ok(f'SETACL Work {GUEST} "{rights}"')
        client = session(GUEST)
        if select:
            client.ok(f"SELECT {NAME}")
        return client

    return begin


def flags_of(client, numbers="1:*"):
    return [set(line[line.index(b"FLAGS (") + 7:line.index(b")")].split()) - {b"\\Recent"}
            for line in client.ok(f"FETCH {numbers} (FLAGS)")]


def count(client, name="Work"):
    return int(client.ok(f"STATUS {name} (MESSAGES)")[0].split()[-1].rstrip(b")"))


def usage(client):
    """Bytes (in KiB) and messages of the session's own user."""
    line = next(line for line in client.ok("GETQUOTAROOT INBOX") if b"QUOTA \"\"" in line)
    words = line[line.index(b"(") + 1:-1].split()
    return {words[i]: int(words[i + 1]) for i in range(0, len(words), 3)}


# ---- one right, one command ----

def select(client):
    return client.command(f"SELECT {NAME}")[1]


def append(client):
    return client.append(NAME, MESSAGE)[1]


def copy_into(client):
    client.append("INBOX", MESSAGE)
    client.ok("SELECT INBOX")
    return client.command(f"COPY 1 {NAME}")[1]


def replace_into(client):
    client.append("INBOX", MESSAGE)
    client.ok("SELECT INBOX")
    return client.command(f"REPLACE 1 {NAME} {{{len(MESSAGE)}+}}\r\n".encode() + MESSAGE)[1]


def selected(text):
    def run(client):
        client.ok(f"SELECT {NAME}")
        return client.command(text)[1]
    return run


def plain(text):
    return lambda client: client.command(text)[1]


def replace_within(client):
    client.ok(f"SELECT {NAME}")
    return client.command(f"REPLACE 1 {NAME} {{{len(MESSAGE)}+}}\r\n".encode() + MESSAGE)[1]


COMMANDS = [  # what it takes, and the command
    ("r", select),
    ("r", plain(f"EXAMINE {NAME}")),
    ("r", plain(f"STATUS {NAME} (MESSAGES)")),
    ("r", plain(f"GETQUOTAROOT {NAME}")),
    ("l", plain(f"SUBSCRIBE {NAME}")),
    ("i", append),
    ("i", copy_into),
    ("i", replace_into),
    ("s", selected("STORE 1 +FLAGS (\\Seen)")),
    ("s", selected("STORE 1 -FLAGS.SILENT (\\Seen)")),
    ("t", selected("STORE 1 +FLAGS (\\Deleted)")),
    ("t", selected("STORE 2 -FLAGS (\\Deleted)")),
    ("w", selected("STORE 1 +FLAGS (\\Flagged)")),
    ("w", selected("STORE 1 +FLAGS ($Mine)")),
    ("w", selected("UID STORE 1 FLAGS (\\Draft)")),
    ("e", selected("EXPUNGE")),
    ("e", selected("UID EXPUNGE 1:*")),
    ("te", selected("MOVE 1 INBOX")),
    ("ite", selected(f"MOVE 1 {NAME}")),
    ("i", selected(f"COPY 1 {NAME}")),
    ("ite", replace_within),
    ("a", plain(f"GETACL {NAME}")),
    ("a", plain(f"SETACL {NAME} anyone l")),
    ("a", plain(f"DELETEACL {NAME} {OTHER}")),
    ("a", plain(f"LISTRIGHTS {NAME} {OTHER}")),
]


@pytest.mark.parametrize("needed, run", COMMANDS)
def test_a_command_takes_its_rights_and_no_other(guest, needed, run):
    others = set("lrswiptea") - set(needed)
    enough = set(needed) | {"l"} | ({"r"} if run.__qualname__.startswith(("selected", "replace_within")) else set())
    client = guest("".join(enough), select=False)
    assert run(client).startswith(b"OK")
    for right in needed:
        client = guest("".join(others | set(needed) - {right}), select=False)
        answer = run(client)
        assert answer.startswith((b"NO [NOPERM]", b"NO [NONEXISTENT]")), answer


@pytest.mark.parametrize("rights", ["l", "lr", "lrp", "lra", "li", "ls"])
def test_without_a_right_to_change_it_nothing_changes_it(owner, guest, rights):
    """Every command that could; with i alone a message may come in, and no more."""
    before = owner.ok("STATUS Work (MESSAGES UIDNEXT UNSEEN DELETED)")
    client = guest(rights, select=False)
    client.append("INBOX", MESSAGE)
    if "r" in rights:
        assert b"[READ-ONLY]" in select(client)
    for text in ("FETCH 2 BODY[]", "STORE 1 FLAGS ()", "STORE 1:* -FLAGS (\\Seen \\Deleted)",
                 "STORE 1 +FLAGS.SILENT ($New)", "UID STORE 3 +FLAGS (\\Seen)", "EXPUNGE", "UID EXPUNGE 2",
                 "MOVE 1 INBOX", f"DELETE {NAME}", f"RENAME {NAME} Mine", f"RENAME {NAME} ~{OWNER}/Mine",
                 f"CREATE {NAME}/Sub", f"CREATE ~{OWNER}/New", f"SETACL {NAME} {OTHER} lr", "CLOSE"):
        if "a" not in rights or "SETACL" not in text:
            client.command(text)
    if "i" not in rights:
        assert append(client).startswith(b"NO")
        assert copy_into(client).startswith(b"NO")
        assert replace_into(client).startswith(b"NO")
    assert owner.ok("STATUS Work (MESSAGES UIDNEXT UNSEEN DELETED)") == before
    owner.ok("SELECT Work")
    assert flags_of(owner) == [{b"\\Seen"}, {b"\\Deleted"}, set()]


def test_with_only_i_nothing_can_be_read(owner, guest):
    client = guest("i", select=False)
    assert all(not line.startswith(b"* LIST") or b"Work" not in line for line in client.ok('LIST "" "~*"'))
    for text in (f"SELECT {NAME}", f"EXAMINE {NAME}", f"STATUS {NAME} (MESSAGES)", f"GETQUOTAROOT {NAME}",
                 f"GETACL {NAME}", f"SUBSCRIBE {NAME}", f"DELETE {NAME}", f"RENAME {NAME} Mine",
                 f"LISTRIGHTS {NAME} {GUEST}"):
        client.no(text, b"[NONEXISTENT]")
    assert b"ESEARCH" not in b"".join(client.ok(f'ESEARCH IN (mailboxes "{NAME}") ALL'))
    url = f"/{NAME.replace('~', '%7E')}/;UID=1"
    assert client.command(f'APPEND INBOX CATENATE (URL "{url}")')[1].startswith(b"NO [BADURL")
    assert client.ok(f"MYRIGHTS {NAME}") == [f"* MYRIGHTS {NAME} i".encode()]
    # neither APPENDUID nor COPYUID tell of what else is there (RFC 4315 section 3)
    assert append(client) == b"OK Append completed" and b"COPYUID" not in copy_into(client)
    assert count(owner) == 5


def test_without_k_and_x_folders_are_made_and_removed_by_their_owner(owner, guest):
    client = guest("lrswiptea", select=False)
    client.ok("CREATE Mine")
    for text in (f"CREATE {NAME}/Sub", f"CREATE ~{OWNER}/New", "CREATE ~nobody@d.test/New", f"DELETE {NAME}",
                 f"RENAME {NAME} ~{OWNER}/New", f"RENAME {NAME} New", f"RENAME Mine {NAME}/Mine"):
        client.no(text, b"[NOPERM]")
    assert not any(b"New" in line or b"Sub" in line for line in owner.ok('LIST "" *'))


def test_a_folder_with_only_p_is_not_there(guest):
    client = guest("p", select=False)
    for command in ("SELECT", "MYRIGHTS"):
        client.no(f"{command} {NAME}", b"[NONEXISTENT]")


# ---- flags ----

def test_flags_that_an_appender_may_not_set_are_left_out(owner, guest):
    expected = {"i": set(), "is": {b"\\Seen"}, "it": {b"\\Deleted"}, "iw": {b"\\Flagged", b"$Own"},
                "iswt": {b"\\Seen", b"\\Deleted", b"\\Flagged", b"$Own"}}
    for rights in expected:
        client = guest("lr" + rights, select=False)
        assert client.append(NAME, MESSAGE, MESSAGE_FLAGS)[1].startswith(b"OK [APPENDUID")
    owner.ok("SELECT Work")
    assert flags_of(owner, "4:*") == list(expected.values())


@pytest.mark.parametrize("rights, expected", [
    # the example of RFC 4314 section 4, written anew: two sets of rights on the target
    ("rwis", [{b"\\Draft"}, {b"\\Answered"}, {b"$Forwarded", b"\\Seen"}]),
    ("rsti", [{b"\\Deleted"}, set(), {b"\\Seen"}]),
])
@pytest.mark.parametrize("source", ["INBOX", NAME])
def test_flags_that_a_copier_may_not_set_are_left_out(owner, guest, session, rights, expected, source):
    flags = ("(\\Draft \\Deleted) ", "(\\Answered) ", "($Forwarded \\Seen) ")
    mine = session(GUEST)
    for text in flags:
        assert (mine if source == "INBOX" else owner).append(
            "INBOX" if source == "INBOX" else "Work", MESSAGE, text)[1].startswith(b"OK")
    client = guest("l" + rights, select=False)
    client.ok(f"SELECT {source}")
    total = 3 if source == "INBOX" else 6
    client.ok(f"COPY {total - 2}:{total} {NAME}")
    client.ok(f"SELECT {NAME}")
    assert flags_of(client)[-3:] == expected


def test_store_changes_what_it_may_and_fails_only_if_it_may_nothing(owner, guest):
    client = guest("lrs")
    client.ok("STORE 3 +FLAGS (\\Seen \\Deleted \\Flagged)")
    client.no("STORE 3 +FLAGS (\\Deleted \\Flagged $New)", b"[NOPERM]")
    client.ok("STORE 2 FLAGS (\\Answered \\Seen)")  # \Deleted stays, \Answered does not come
    client.ok("STORE 1 FLAGS ()")
    assert flags_of(client) == [set(), {b"\\Deleted", b"\\Seen"}, {b"\\Seen"}]
    client = guest("lrwt")
    client.ok("STORE 2 FLAGS (\\Answered $New)")
    assert flags_of(client)[1] == {b"\\Answered", b"\\Seen", b"$New"}
    client = guest("lrt")
    client.ok("STORE 2 FLAGS (\\Deleted)")
    assert flags_of(client)[1] == {b"\\Answered", b"\\Seen", b"$New", b"\\Deleted"}


def test_fetch_sets_seen_with_the_right_alone(owner, guest):
    client = guest("lrwt")
    assert b"FLAGS" not in b"".join(client.ok("FETCH 2 BODY[]"))
    assert b"\\Seen" not in flags_of(client)[1]
    client = guest("lrs")
    assert b"\\Seen" in b"".join(client.ok("FETCH 2 BODY[]"))
    assert b"\\Seen" in flags_of(client)[1]


@pytest.mark.parametrize("rights, code, permanent", [
    ("r", b"READ-ONLY", b"()"),
    ("rp", b"READ-ONLY", b"()"),
    ("ra", b"READ-ONLY", b"()"),
    ("ri", b"READ-WRITE", b"()"),
    ("re", b"READ-WRITE", b"()"),
    ("rs", b"READ-WRITE", b"(\\Seen)"),
    ("rt", b"READ-WRITE", b"(\\Deleted)"),
    ("rst", b"READ-WRITE", b"(\\Deleted \\Seen)"),
    ("rw", b"READ-WRITE", b"(\\Answered \\Flagged \\Draft \\*)"),
    ("rswt", b"READ-WRITE", b"(\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)"),
])
def test_what_select_says_of_the_rights(guest, rights, code, permanent):
    client = guest("l" + rights, select=False)
    untagged, tagged = client.command(f"SELECT {NAME}")
    assert tagged.startswith(b"OK [" + code + b"]")
    assert b"* OK [PERMANENTFLAGS " + permanent + b"] Flags permitted" in untagged
    untagged, tagged = client.command(f"EXAMINE {NAME}")
    assert tagged.startswith(b"OK [READ-ONLY]")
    assert b"* OK [PERMANENTFLAGS ()] Flags permitted" in untagged
    client.no("STORE 1 +FLAGS (\\Seen)", b"[NOPERM]")
    client.no("EXPUNGE", b"[NOPERM]")


def test_close_without_e_keeps_the_messages(owner, guest):
    guest("lrswit").ok("CLOSE")
    assert count(owner) == 3
    guest("lre").ok("CLOSE")
    assert count(owner) == 2


# ---- working together ----

def test_a_guest_works_in_the_folder_like_its_owner(owner, guest):
    owner.ok("SELECT Work")
    client = guest("lrswite")
    assert append(client).startswith(b"OK [APPENDUID")
    assert b"* 4 EXISTS" in owner.ok("NOOP")
    client.ok("STORE 1 +FLAGS (\\Flagged)")
    assert b"\\Flagged" in b"".join(owner.ok("NOOP"))
    untagged, tagged = client.command("MOVE 1 INBOX")
    assert tagged.startswith(b"OK") and b"* 1 EXPUNGE" in untagged and b"COPYUID" in untagged[0]
    assert b"* 1 EXPUNGE" in owner.ok("NOOP")
    client.ok("EXPUNGE")
    assert b"* 1 EXPUNGE" in owner.ok("NOOP")
    client.ok("SELECT INBOX")
    assert client.command(f"MOVE 1 {NAME}")[1].startswith(b"OK")
    assert b"* 3 EXISTS" in owner.ok("NOOP")


def test_extensions_in_a_shared_folder(owner, guest):
    client = guest("lrswite")
    assert b"MODIFIED 1" in client.command("STORE 1 (UNCHANGEDSINCE 1) +FLAGS (\\Flagged)")[1]
    untagged, tagged = client.command(f"REPLACE 1 {NAME} {{{len(MESSAGE)}+}}\r\n".encode() + MESSAGE)
    assert tagged.startswith(b"OK") and any(line.startswith(b"* OK [APPENDUID") for line in untagged), untagged
    url = f"/{NAME.replace('~', '%7E')}/;UID=2"
    assert client.command(f'APPEND {NAME} CATENATE (URL "{url}")')[1].startswith(b"OK [APPENDUID")
    found = client.ok(f'ESEARCH IN (mailboxes "{NAME}") RETURN (COUNT) TEXT "body of it"')
    assert b"COUNT 4" in found[0], found
    assert client.ok("SEARCH BODY it") == [b"* SEARCH 1 2 3 4"]
    client.count += 1
    client.send(b"idle IDLE\r\n")
    assert client.line().startswith(b"+")
    assert owner.append("Work", MESSAGE)[1].startswith(b"OK")
    assert b"* 5 EXISTS\r\n" in (client.line(), client.line())
    client.send(b"DONE\r\n")
    client.result(b"idle")


def test_annotations_of_a_shared_folder(owner, guest):
    """RFC 5464 section 3.3: l and one of r, s, w, i."""
    guest("p", select=False).no(f'GETMETADATA {NAME} "/shared/comment"', b"[NONEXISTENT]")
    guest("lp", select=False).no(f'GETMETADATA {NAME} "/shared/comment"', b"[NOPERM]")
    guest("lr", select=False).no(f'SETMETADATA {NAME} ("/shared/comment" "x")', b"[NOPERM]")
    client = guest("lrw")
    client.ok(f'SETMETADATA {NAME} ("/shared/comment" "ours" "/private/comment" "mine")')
    assert b"ours" in b"".join(owner.ok('GETMETADATA Work "/shared/comment"'))
    assert b"mine" not in b"".join(owner.ok('GETMETADATA Work "/private/comment"'))
    assert b"mine" in b"".join(client.ok(f'GETMETADATA {NAME} "/private/comment"'))


# ---- whose mail it is ----

def test_what_a_guest_puts_there_counts_for_the_owner(suite, owner, guest, session):
    suite.allow_small_quotas()
    suite.run("user", "set", OWNER, "quota_messages=6", "quota_bytes=1M")
    try:
        # a limit of the owner's is told to guests at their next login
        client = guest("lrswite")
        owner.ok("CREATE Other")
        assert usage(owner)[b"MESSAGE"] == 3
        for _ in range(3):
            assert append(client).startswith(b"OK")
        assert usage(owner)[b"MESSAGE"] == 6
        assert append(client).startswith(b"NO [OVERQUOTA]")
        assert copy_into(client).startswith(b"NO [OVERQUOTA]")
        client.ok(f"SELECT {NAME}")
        assert count(owner) == 6 and usage(owner)[b"MESSAGE"] == 6
        client.ok("STORE 1:2 +FLAGS.SILENT (\\Deleted)")
        client.ok("EXPUNGE")
        assert usage(owner)[b"MESSAGE"] == 4
        client.ok("MOVE 1:2 INBOX")
        assert usage(owner)[b"MESSAGE"] == 2
        assert suite.json("store", "recount", OWNER)[0]["used_messages"] == 2
        client.close()
        owner.close()
        done = suite.run("store", "check", "--user", OWNER, check=False)
        assert done.returncode == 0 and "totals" not in done.out, done.out
    finally:
        suite.run("user", "set", OWNER, "quota_messages=0", "quota_bytes=0")


def test_what_a_guest_expunged_can_be_undeleted(suite, owner, guest):
    client = guest("lrte")
    client.ok("STORE 1 +FLAGS (\\Deleted)")
    client.ok("EXPUNGE")
    client.close()
    assert count(owner) == 1
    rows = suite.json("store", "undelete", "--user", OWNER, "--folder", "Work", "--list")
    assert [row["folder"] for row in rows].count("Work") >= 2, rows
    suite.run("store", "undelete", "--user", OWNER, "--folder", "Work", "--yes")
    owner.ok("SELECT Work")
    assert sorted(map(sorted, flags_of(owner)))[-1] == [b"\\Seen"]


def test_the_owner_s_own_limits_hold_for_guests(suite, owner, guest):
    suite.run("user", "set", OWNER, "remove_mail=no")
    try:
        client = guest("lrswite", select=False)
        assert client.ok(f"MYRIGHTS {NAME}") == [f"* MYRIGHTS {NAME} lrswi".encode()]
        client.ok(f"SELECT {NAME}")
        client.no("EXPUNGE", b"[NOPERM]")
    finally:
        suite.run("user", "set", OWNER, "remove_mail=yes")


# ---- lists ----

def test_an_administrator_other_than_the_owner(owner, session, guest):
    client = guest("la", select=False)
    assert client.ok(f"LISTRIGHTS {NAME} {OTHER}") == [
        f'* LISTRIGHTS {NAME} {OTHER} "" l r s w i p k x t e a c d'.encode()]
    assert client.ok(f"LISTRIGHTS {NAME} {OWNER}") == [
        f"* LISTRIGHTS {NAME} {OWNER} lrswipkxtea".encode()]
    client.ok(f"SETACL {NAME} {OTHER} lrs")
    client.ok(f"SETACL {NAME} {OTHER} +d")
    client.ok(f"SETACL {NAME} {OTHER} -e")
    expected = f"* ACL {{}} {OWNER} lrswipkxteacd {GUEST} la {OTHER} lrstd"
    assert client.ok(f"GETACL {NAME}") == [expected.format(NAME).encode()]
    assert owner.ok("GETACL Work") == [expected.format("Work").encode()]
    assert session(OTHER).ok(f"MYRIGHTS {NAME}") == [f"* MYRIGHTS {NAME} lrstd".encode()]
    client.ok(f"DELETEACL {NAME} {OTHER}")
    client.no(f"SETACL {NAME} {OWNER} lr", b"[CANNOT]")  # the owner's cannot be taken
    client.no(f"SELECT {NAME}", b"[NOPERM]")


def test_rights_add_up(owner, session):
    owner.ok(f"SETACL Work {GUEST} lri")
    owner.ok("SETACL Work @d.test s")
    owner.ok("SETACL Work anyone p")
    assert session(GUEST).ok(f"MYRIGHTS {NAME}") == [f"* MYRIGHTS {NAME} lrsip".encode()]


def test_a_new_folder_has_the_rights_of_the_one_above(owner, session):
    owner.ok(f"SETACL Work {GUEST} lrsa")
    owner.ok("SETACL Work @e.test lr")
    owner.ok("CREATE Work/A/B")
    for name in ("Work/A", "Work/A/B"):
        assert owner.ok(f"GETACL {name}")[0].endswith(f"@e.test lr {GUEST} lrsa".encode())
    owner.ok(f"DELETEACL Work/A {GUEST}")
    owner.ok("CREATE Work/A/C")
    assert GUEST.encode() not in owner.ok("GETACL Work/A/C")[0]
    assert GUEST.encode() in owner.ok("GETACL Work/A/B")[0]
    owner.ok("RENAME Work/A/C Work/D/E")
    assert GUEST.encode() in owner.ok("GETACL Work/D")[0]
    assert GUEST.encode() not in owner.ok("GETACL Work/D/E")[0]  # a rename keeps the list
    assert f"* MYRIGHTS ~{OWNER}/Work/A/B lrsa".encode() in session(GUEST).ok(f"MYRIGHTS ~{OWNER}/Work/A/B")


@pytest.mark.parametrize("take", [f"SETACL Work {GUEST} -i", f"DELETEACL Work {GUEST}", f"SETACL Work {GUEST} lr",
                                  "DELETE Work", "RENAME Work Elsewhere"])
def test_taking_a_right_away_ends_the_session(owner, guest, take):
    client = guest("lrsi")
    owner.ok(take)
    assert client.line().startswith(b"* BYE [NOPERM]") and client.at_end()


def test_giving_a_right_leaves_the_session(owner, guest):
    client = guest("lr")
    owner.ok(f"SETACL Work {GUEST} +swi")
    client.no("STORE 1 +FLAGS (\\Seen)", b"[NOPERM]")
    assert b"[READ-WRITE]" in select(Imap(client.sock.getpeername()[1], GUEST))


def test_accountd_judges_who_may_ask(suite, owner, guest):
    """Whatever a session that was taken over says: what authd passes on names the session's user."""
    guest("lrswipte", select=False)
    get, change, rename, drop, create = 0, 1, 4, 5, 6
    connection = Connection.connect(suite.root / "run/accountd.sock")

    def ask(op, actor, folder="Work", who=OTHER, rights=0x7f):
        connection.send(17, 1, U8(op), actor, OWNER, folder, who, U32(rights))
        return connection.receive()[2][0]

    for op in (get, change, 2, 3, rename, drop, create):
        assert ask(op, GUEST) != 0 and ask(op, OTHER) != 0, op
    assert owner.ok("GETACL Work") == [f"* ACL Work {OWNER} lrswipkxteacd {GUEST} lrswipted".encode()]
    owner.ok(f"SETACL Work {GUEST} la")
    assert ask(get, GUEST) == 0 and ask(change, GUEST, rights=3) == 0
    for op in (rename, drop, create):  # these follow what the owner did
        assert ask(op, GUEST) != 0, op
    assert ask(get, GUEST, folder="Elsewhere") != 0
    connection.close()


# ---- the command line ----

def test_the_administrator_s_command(suite, owner, session):
    suite.run("acl", "set", "OWNER@d.test", "Work", GUEST, "lrsi")
    suite.run("acl", "set", OWNER, "Work", GUEST, "+w")
    suite.run("acl", "set", OWNER, "Work", GUEST, "-i")
    suite.run("acl", "set", OWNER, "Work", "@e.test", "lr")
    row = lambda who, rights: {"owner": OWNER, "folder": "Work", "who": who, "rights": rights}
    assert suite.json("acl", "list", OWNER) == [row("@e.test", "lr"), row(GUEST, "lrsw")]
    assert suite.json("acl", "list", "--folder", "Other") == []
    suite.run("acl", "set", "--", OWNER, "Work", f"-{GUEST}", "s")
    assert suite.json("acl", "list", OWNER)[0] == row(f"-{GUEST}", "s")
    assert f"share {OWNER} -{GUEST}\n    folder Work\n    rights s\n" in suite.run("export").out
    suite.run("acl", "del", "--", OWNER, "Work", f"-{GUEST}")
    assert f"{OWNER}  Work    {GUEST}  lrsw" in suite.run("acl", "list", OWNER).out
    assert owner.ok("GETACL Work")[0].endswith(f"@e.test lr {GUEST} lrsw".encode())
    client = session(GUEST)
    client.ok(f"SELECT {NAME}")
    suite.run("acl", "del", OWNER, "Work", GUEST)
    assert client.line().startswith(b"* BYE [NOPERM]")
    assert suite.json("acl", "list", OWNER) == [row("@e.test", "lr")]


def test_lists_of_public_folders_are_rights(suite, session):
    suite.run("public", "add", "News@d.test", f"read={OTHER};@e.test", f"write={GUEST}", f"delete={OWNER}")
    try:
        rows = [(r["owner"], r["who"], r["rights"]) for r in suite.json("acl", "list", "--folder", "@News")]
        assert rows == [("news@d.test", OTHER, "lr"), ("news@d.test", "@e.test", "lr"),
                        ("news@d.test", GUEST, "lrswip"), ("news@d.test", OWNER, "lrswipkxte")]
        for user, rights in ((OTHER, "lr"), (GUEST, "lrswip"), (OWNER, "lrswipkxtecd")):
            assert session(user).ok("MYRIGHTS @News") == [f"* MYRIGHTS @News {rights}".encode()]
    finally:
        suite.run("public", "del", "News@d.test", "--yes")


@pytest.mark.parametrize("words, why", [
    (("set", "nobody@d.test", "Work", GUEST, "lr"), "no such"),
    (("set", OWNER, "Nowhere", GUEST, "lr"), "no such folder: Nowhere"),
    (("set", OWNER, "Work", "nobody@d.test", "lr"), "nobody@d.test"),
    (("set", OWNER, "Work", GUEST, "lrz"), "expected letters"),
    (("set", OWNER, "INBOX", GUEST, "lr"), "INBOX cannot be shared"),
    (("set", OWNER, "Work", OWNER, "lr"), "owner has all rights"),
    (("list", "nobody@d.test"), "no such user"),
    (("set", OWNER, "Work", GUEST), "usage:"),
])
def test_what_the_command_refuses(suite, owner, words, why):  # its folder is there
    done = suite.run("acl", *words, check=False)
    assert done.returncode != 0 and why in done.err, done.err
