"""METADATA (RFC 5464) and LIST-METADATA (RFC 9590): the RFCs' examples, limits, rights, news."""
import itertools
import os
import stat
import time

import pytest

from imap_users import sessions, suite_with

READER, WRITER, FRIEND = "reader@d.test", "writer@d.test", "friend@d.test"
NUMBERS = itertools.count()
SIZE_MAX, ENTRIES_MAX, TOTAL_MAX = 4096, 10, 65536


@pytest.fixture(scope="module")
def suite():
    with suite_with(READER, WRITER, FRIEND, imap_metadata_max_size=SIZE_MAX, imap_metadata_max_entries=ENTRIES_MAX,
                    imap_metadata_max_total=TOTAL_MAX, imap_metadata_comment="Closed on Sundays",
                    imap_metadata_admin="mailto:postmaster@d.test") as inst:
        inst.run("public", "add", "News@d.test", f"read={READER}", f"write={WRITER}")
        inst.run("public", "grant", "news@d.test", "delete", WRITER)
        yield inst


@pytest.fixture
def session(suite):
    with sessions(suite) as session:
        yield session


@pytest.fixture
def user(suite):
    name = f"user{next(NUMBERS)}@d.test"
    suite.add_user(name)
    return name


@pytest.fixture
def imap(session, user):
    return session(user)


def annotations(client, mailbox, entries, options=""):
    """The one METADATA response, without its beginning."""
    lines = client.ok(f"GETMETADATA {options}{mailbox} {entries}")
    assert len(lines) == 1, lines
    begin = f"* METADATA {mailbox} (".encode()
    assert lines[0].startswith(begin) and lines[0].endswith(b")"), lines
    return lines[0][len(begin):-1]


# ---- RFC 5464: the examples ----

def test_capability(imap):
    assert {b"METADATA", b"LIST-METADATA", b"FILTERS"} <= set(imap.ok("CAPABILITY")[0].split())


def test_section_4_2_the_server(imap):
    assert annotations(imap, '""', "/shared/comment") == b'/shared/comment "Closed on Sundays"'
    assert annotations(imap, '""', "/shared/admin") == b'/shared/admin "mailto:postmaster@d.test"'
    for entry in ("comment", "admin", "vendor/acme/x"):
        imap.no(f'SETMETADATA "" (/shared/{entry} "mine")', b"[NOPERM]")
    assert annotations(imap, '""', "/shared/comment") == b'/shared/comment "Closed on Sundays"'


def test_section_4_2_mailboxes(imap):
    assert imap.ok('SETMETADATA INBOX (/private/comment "My own comment")') == [b""]
    imap.ok('SETMETADATA "inbox" (/shared/comment "Shared comment")')
    assert annotations(imap, "INBOX", "/private/comment") == b'/private/comment "My own comment"'
    both = annotations(imap, "INBOX", "(/shared/comment /private/comment)")
    assert both == b'/shared/comment "Shared comment" /private/comment "My own comment"'
    # the examples of section 4.4.1 have no parentheses
    assert annotations(imap, "INBOX", "/shared/comment /private/comment") == both


@pytest.mark.parametrize("line", ["(MAXSIZE 1024) INBOX", "INBOX (MAXSIZE 1024)"])
def test_section_4_2_1_maxsize(imap, line):
    imap.ok('SETMETADATA INBOX (/private/comment "My own comment" /shared/comment "%s")' % ("x" * 2199))
    lines, tagged = imap.command(f"GETMETADATA {line} (/shared/comment /private/comment)")
    assert lines == [b'* METADATA INBOX (/private/comment "My own comment")']
    assert tagged.startswith(b"OK [METADATA LONGENTRIES 2199] ")
    lines, tagged = imap.command(f"GETMETADATA {line.replace('1024', '2199')} (/shared/comment)")
    assert len(lines) == 1 and b"[" not in tagged
    lines, tagged = imap.command(f"GETMETADATA {line} /shared/comment")
    assert lines == [] and tagged.startswith(b"OK [METADATA LONGENTRIES 2199] ")


@pytest.mark.parametrize("line", ["(DEPTH {}) INBOX", "INBOX (DEPTH {})", "(MAXSIZE 99 depth {}) INBOX"])
def test_section_4_2_2_depth(imap, line):
    imap.ok('SETMETADATA INBOX (/private/filters/values/small "SMALLER 5000"'
            ' /private/filters/values/boss "FROM \\"boss@example.com\\"" /private/filters/values/a/b "c")')
    small = b'/private/filters/values/small "SMALLER 5000"'
    boss = b'/private/filters/values/boss "FROM \\"boss@example.com\\""'
    deep = b'/private/filters/values/a/b "c"'

    def ask(depth, entry="(/private/filters/values)"):
        return imap.ok(f"GETMETADATA {line.format(depth)} {entry}")

    assert ask("0") == [b"* METADATA INBOX (/private/filters/values NIL)"]
    assert ask("1") == [b"* METADATA INBOX (" + small + b" " + boss + b")"]
    assert ask("infinity") == [b"* METADATA INBOX (" + small + b" " + boss + b" " + deep + b")"]
    assert ask("infinity", "/private") == ask("infinity")
    assert ask("1", "/private/filters/values/small") == [b"* METADATA INBOX (" + small + b")"]
    assert ask("1", "(/private/filters/values/small /private/filters/values)") == ask("1")
    assert ask("infinity", "/private/filters/value") == [b"* METADATA INBOX (/private/filters/value NIL)"]


def test_section_4_3_a_comment_of_two_lines(imap):
    comment = b"My new comment across\r\ntwo lines.\r\n"
    assert len(comment) == 35
    imap.send(b"a SETMETADATA INBOX (/private/comment {35}\r\n")
    assert imap.line().startswith(b"+ ")
    imap.send(comment + b")\r\n")
    assert imap.result(b"a")[1].startswith(b"OK")
    assert annotations(imap, "INBOX", "/private/comment") == b"/private/comment {35}\r\n" + comment
    imap.ok("SETMETADATA INBOX (/private/comment NIL)")
    assert annotations(imap, "INBOX", "/private/comment") == b"/private/comment NIL"
    imap.ok("SETMETADATA INBOX (/private/comment nil)")


def test_binary_values(imap):
    value = b"\x00\x01\xff\r\n\x00"
    imap.ok(b"SETMETADATA INBOX (/shared/vendor/acme/icon ~{6+}\r\n" + value + b")")
    got = annotations(imap, "INBOX", "/shared/vendor/acme/icon")
    assert got == b"/shared/vendor/acme/icon ~{6}\r\n" + value
    imap.ok('SETMETADATA INBOX (/shared/vendor/acme/icon "")')
    assert annotations(imap, "INBOX", "/shared/vendor/acme/icon") == b'/shared/vendor/acme/icon ""'
    imap.bad(b"SETMETADATA INBOX (/shared/vendor/acme/icon {1+}\r\n\x00)")


def test_names_of_entries_have_no_case(imap):
    imap.ok('SETMETADATA INBOX (/Private/Comment "one")')
    assert annotations(imap, "INBOX", "/private/comment") == b'/private/comment "one"'
    imap.ok('SETMETADATA INBOX (/PRIVATE/COMMENT "two")')
    assert annotations(imap, "INBOX", "/private", "(DEPTH infinity) ") == b'/Private/Comment "two"'


@pytest.mark.parametrize("name", ["comment", "/comment", "/public/comment", "/private", "/private/",
                                  "/private//comment", "/private/comment/", '"/private/a*"', '"/private/a%"',
                                  "/private/vendor", "/private/vendor/acme", '"/private/\xc3\xa4"',
                                  '"/private/a\tb"', "/private/" + "x" * 250])
def test_wrong_names_are_bad(session, name):
    client = session(READER)
    client.bad(f"SETMETADATA INBOX ({name} x)".encode("latin-1"))
    client.bad(f"GETMETADATA INBOX {name}".encode("latin-1"))
    client.bad(f"LIST \"\" % RETURN (METADATA ({name}))".encode("latin-1"))


@pytest.mark.parametrize("command", [
    "GETMETADATA", "GETMETADATA INBOX", "GETMETADATA INBOX ()", "GETMETADATA () INBOX /private/a",
    "GETMETADATA (DEPTH 2) INBOX /private/a", "GETMETADATA (DEPTH) INBOX /private/a",
    "GETMETADATA (MAXSIZE x) INBOX /private/a", "GETMETADATA (MAXSIZE -1) INBOX /private/a",
    "GETMETADATA (SIZE 1) INBOX /private/a", "GETMETADATA INBOX (/private/a", "GETMETADATA INBOX /private/a)",
    "SETMETADATA", "SETMETADATA INBOX", "SETMETADATA INBOX ()", "SETMETADATA INBOX /private/a x",
    "SETMETADATA INBOX (/private/a)", "SETMETADATA INBOX (/private/a x) y", 'LIST "" % RETURN (METADATA)',
    'LIST "" % RETURN (METADATA ())', 'LIST "" % RETURN (METADATA /private/a)'])
def test_wrong_commands_are_bad(session, command):
    client = session(READER)
    client.bad(command)
    client.ok("NOOP")


def test_mailboxes_that_are_not_there(imap):
    imap.no("GETMETADATA nothing /private/comment", b"[NONEXISTENT]")
    imap.no('SETMETADATA nothing (/private/comment "x")', b"[NONEXISTENT]")
    imap.ok("CREATE a/b")
    imap.ok("DELETE a")
    imap.no('SETMETADATA a (/private/comment "x")', b"[NONEXISTENT]")  # a name alone


# ---- limits ----

def test_maxsize(imap):
    imap.ok('SETMETADATA INBOX (/private/comment "%s")' % ("x" * SIZE_MAX))
    code = b"[METADATA MAXSIZE %d]" % SIZE_MAX
    imap.no('SETMETADATA INBOX (/private/a "y" /private/comment "%s")' % ("x" * (SIZE_MAX + 1)), code)
    assert annotations(imap, "INBOX", "/private/a") == b"/private/a NIL"
    # more than a command may have: with and without waiting for the go-ahead
    imap.send(b"b SETMETADATA INBOX (/private/comment {1000000}\r\n")
    assert imap.line().startswith(b"b NO " + code)
    imap.send(b"c SETMETADATA INBOX (/private/comment {200000+}\r\n" + b"x" * 200000 + b")\r\n")
    assert imap.line().startswith(b"c NO " + code)
    assert annotations(imap, "INBOX", "/private/a") == b"/private/a NIL"


def test_toomany(imap):
    for n in range(ENTRIES_MAX):
        imap.ok(f"SETMETADATA INBOX (/private/n{n} \"x\")")
    imap.no("SETMETADATA INBOX (/private/n0 \"y\" /private/more \"x\")", b"[METADATA TOOMANY]")
    assert annotations(imap, "INBOX", "/private/n0") == b'/private/n0 "x"'
    imap.ok("SETMETADATA INBOX (/private/n0 \"y\" /shared/more \"x\")")  # counted apart
    imap.ok("SETMETADATA INBOX (/private/more \"x\" /private/n0 NIL)")
    imap.ok("SETMETADATA Sent (/private/more \"x\")")


def test_all_together_have_a_limit(imap):
    value = "x" * SIZE_MAX
    for n in range(TOTAL_MAX // SIZE_MAX - 2):
        imap.ok(f'SETMETADATA {("INBOX", "Sent", "Trash")[n % 3]} (/{("shared", "private")[n % 2]}/n{n} "{value}")')
    imap.no(f'SETMETADATA Drafts (/shared/a "{value}" /private/b "{value}")', b"[OVERQUOTA]")
    assert annotations(imap, "Drafts", "(/shared/a /private/b)") == b"/shared/a NIL /private/b NIL"
    imap.ok("SETMETADATA INBOX (/shared/n0 NIL)")
    imap.ok(f'SETMETADATA Drafts (/shared/a "{value}")')


# ---- mailboxes that are renamed and removed ----

def test_annotations_follow_their_mailbox(imap, suite):
    imap.ok("CREATE Work/Old")
    imap.ok('SETMETADATA Work/Old (/private/comment "mine" /shared/comment "ours")')
    imap.ok("RENAME Work Play")
    both = b'/private/comment "mine" /shared/comment "ours"'
    entries = "(/private/comment /shared/comment)"
    assert annotations(imap, "Play/Old", entries) == both
    imap.ok("DELETE Play/Old")
    imap.ok("CREATE Play/Old")
    assert annotations(imap, "Play/Old", entries) == b"/private/comment NIL /shared/comment NIL"


def test_inbox_keeps_a_copy_when_it_is_renamed(imap):
    imap.ok('SETMETADATA INBOX (/private/comment "mine" /shared/comment "ours")')
    imap.ok("RENAME INBOX Old")
    for name in ("INBOX", "Old"):
        assert annotations(imap, name, "(/private/comment /shared/comment)") == \
            b'/private/comment "mine" /shared/comment "ours"'


# ---- folders of others ----

def test_public_folders(session):
    writer, reader = session(WRITER), session(READER)
    writer.ok('SETMETADATA @News (/shared/comment "for all" /private/comment "for the writer")')
    entries = "(/shared/comment /private/comment)"
    assert annotations(reader, "@News", entries) == b'/shared/comment "for all" /private/comment NIL'
    reader.ok('SETMETADATA @News (/private/comment "for the reader")')
    assert annotations(reader, "@News", entries).endswith(b'"for the reader"')
    assert annotations(writer, "@News", entries).endswith(b'"for the writer"')
    reader.no('SETMETADATA @News (/private/comment "x" /shared/comment "by a reader")', b"[NOPERM]")
    reader.no("SETMETADATA @News (/shared/comment NIL)", b"[NOPERM]")
    assert annotations(reader, "@News", entries) == b'/shared/comment "for all" /private/comment "for the reader"'
    stranger = session(FRIEND)
    stranger.no("GETMETADATA @News /shared/comment", b"[NONEXISTENT]")
    stranger.no("SETMETADATA @News (/private/comment \"x\")", b"[NONEXISTENT]")


def test_notes_about_a_public_folder_end_with_it(session, suite):
    writer, reader = session(WRITER, "CREATE @News/x"), session(READER)
    for client in (writer, reader):
        client.ok("SETMETADATA @News/x (/private/comment \"x\")")

    def notes():
        return len(list(suite.root.glob("store/d.test/*/writer/mail/posthorn.private/F*")))

    before = notes()
    writer.ok("DELETE @News/x")
    assert notes() == before - 1
    writer.ok("CREATE @News/x")
    for client in (writer, reader):
        assert annotations(client, "@News/x", "/private/comment") == b"/private/comment NIL"
    writer.ok("DELETE @News/x")


def test_a_shared_folder(session, user):
    owner = session(user, "CREATE Work", f"SETACL Work {FRIEND} l",
                    'SETMETADATA Work (/private/comment "secret" /shared/comment "see this")')
    name = f"~{user}/Work"
    session(FRIEND).no(f"GETMETADATA {name} /shared/comment", b"[NOPERM]")  # section 3.3: "l" is not enough
    owner.ok(f"SETACL Work {FRIEND} lr")
    friend = session(FRIEND)
    entries = "(/shared/comment /private/comment)"
    assert annotations(friend, name, entries) == b'/shared/comment "see this" /private/comment NIL'
    friend.ok(f"SETMETADATA {name} (/private/comment \"mine\")")
    friend.no(f"SETMETADATA {name} (/shared/comment \"mine\")", b"[NOPERM]")
    assert annotations(friend, name, entries).endswith(b'/private/comment "mine"')
    assert annotations(owner, "Work", entries) == b'/shared/comment "see this" /private/comment "secret"'


def test_notes_about_folders_that_their_owners_removed_are_tidied_away(suite, session, user):
    owner = session(user, *(f"{command} {name}{rest}" for name in ("Gone", "Kept")
                            for command, rest in (("CREATE", ""), ("SETACL", f" {FRIEND} lr"))))
    friend = session(FRIEND, 'SETMETADATA "" (/private/comment "makes the directory")')
    store, = suite.root.glob("store/d.test/*/friend/mail/posthorn.private")
    notes = {}
    for name in ("Gone", "Kept", "Kept/Young"):
        before = set(store.iterdir())
        if name == "Kept/Young":
            owner.ok(f"CREATE {name}")  # with the list of the folder above
            friend = session(FRIEND)
        friend.ok(f'SETMETADATA ~{user}/{name} (/private/comment "mine")')
        notes[name], = set(store.iterdir()) - before
    for name in ("Gone", "Kept/Young"):
        owner.ok(f"DELETE {name}")
    for name in ("Gone", "Kept"):
        os.utime(notes[name], (time.time() - 2 * 86400,) * 2)

    def orphans(*options):
        return [(row["address"], row["detail"], row["outcome"])
                for row in suite.json("store", "check", "--all", *options)
                if row["problem"] == "annotations_orphaned"]

    gone = notes["Gone"].name
    assert orphans() == [(FRIEND, gone, "harmless")] and notes["Gone"].exists()
    # who does not see all folders cannot say which are gone
    suite.run("store", "check", "--user", FRIEND, "--repair")
    journal, = suite.root.glob(f"store/d.test/*/{user.split('@')[0]}/mail/posthorn.journal")
    mode = journal.stat().st_mode
    journal.chmod(mode | stat.S_ISVTX)  # as while it is being moved
    assert suite.run("store", "check", "--all", "--repair", check=False).returncode != 0
    assert notes["Gone"].exists() and notes["Kept"].exists()
    journal.chmod(mode)
    assert orphans("--repair") == [(FRIEND, gone, "repaired")]
    assert not notes["Gone"].exists() and notes["Kept"].exists() and notes["Kept/Young"].exists()
    assert annotations(session(FRIEND), f"~{user}/Kept", "/private/comment").endswith(b'"mine"')


def test_who_may_not_change_mail_annotates_nothing(suite, session, user):
    session(user, "SETMETADATA INBOX (/private/comment \"before\")")
    suite.run("user", "set", user, "change_mail=no")
    client = session(user)
    assert annotations(client, "INBOX", "/private/comment") == b'/private/comment "before"'
    client.no("SETMETADATA INBOX (/private/comment \"x\")", b"[METADATA NOPRIVATE]")
    client.no("SETMETADATA INBOX (/shared/comment \"x\")", b"[NOPERM]")
    client.no('SETMETADATA "" (/private/comment "x")', b"[METADATA NOPRIVATE]")


# ---- news (section 4.4.2) ----

def told(client):
    return [line for line in client.ok("NOOP") if line.startswith(b"* METADATA")]


def test_news_are_told_to_who_enabled_them(session, user):
    one, two = session(user), session(user)
    assert one.ok("ENABLE METADATA") == [b"* ENABLED METADATA"]
    two.ok('SETMETADATA INBOX (/shared/comment "x" /private/comment "y")')
    two.ok('SETMETADATA "" (/private/vendor/acme/a "z")')
    assert told(one) == [b'* METADATA "" /private/vendor/acme/a',
                         b"* METADATA INBOX /shared/comment /private/comment"]
    assert told(one) == []
    two.ok("SETMETADATA INBOX (/shared/comment NIL)")
    assert told(one) == [b"* METADATA INBOX /shared/comment"]
    two.ok("SETMETADATA INBOX (/shared/comment NIL)")  # it was none already
    assert told(one) == []
    assert told(two) == []


def test_own_changes_are_no_news(session, user):
    one, two = session(user, "ENABLE METADATA"), session(user)
    assert one.ok("SETMETADATA Sent (/shared/comment \"x\" /private/comment \"y\")") == [b""]
    assert told(one) == []
    two.ok("SETMETADATA Sent (/shared/comment \"y\")")
    assert one.ok("SETMETADATA INBOX (/private/comment \"z\")") == [b"* METADATA Sent /shared/comment"]
    assert told(one) == []
    two.ok("CREATE Sent/New")
    two.ok("SETMETADATA Sent/New (/private/comment \"x\")")
    assert told(one) == [b"* METADATA Sent/New /private/comment"]
    two.ok("RENAME Sent/New Sent/Newer")
    assert told(one) == []


def test_news_of_folders_of_others(session, user):
    owner = session(user, "CREATE Work", f"SETACL Work {FRIEND} lr")
    friend, reader = session(FRIEND, "ENABLE METADATA"), session(READER, "ENABLE METADATA", "SELECT INBOX")
    writer = session(WRITER)
    owner.ok("SETMETADATA Work (/shared/comment \"x\" /private/comment \"y\")")
    assert told(friend) == [f"* METADATA ~{user}/Work /shared/comment".encode()]
    writer.ok("SETMETADATA @News (/shared/vendor/acme/n \"x\" /private/comment \"y\")")
    assert told(reader) == [b"* METADATA @News /shared/vendor/acme/n"]
    assert told(friend) == []


def test_news_while_idle(session, user):
    for commands in (("ENABLE METADATA",), ("ENABLE METADATA", "SELECT INBOX")):
        one, two = session(user, *commands), session(user)
        one.send("i IDLE\r\n")
        assert one.line().startswith(b"+ ")
        two.ok(f"SETMETADATA INBOX (/shared/comment \"x{len(commands)}\")")
        assert one.line() == b"* METADATA INBOX /shared/comment\r\n"
        one.send("DONE\r\n")
        assert one.result(b"i")[1].startswith(b"OK")


# ---- RFC 9590 ----

def test_list_metadata(imap):
    for name in ("foo", "bar/baz"):
        imap.ok(f"CREATE {name}")
    imap.ok("DELETE bar")
    color = "/shared/vendor/cmu/cyrus-imapd/color"
    imap.ok(f'SETMETADATA INBOX ({color} "#b71c1c")')
    lines = imap.ok(f'LIST "" (INBOX foo bar) RETURN (METADATA ("{color}"))')
    assert lines == [
        b'* LIST (\\HasNoChildren) "/" INBOX', b'* METADATA INBOX (%s "#b71c1c")' % color.encode(),
        b'* LIST (\\NonExistent \\HasChildren) "/" bar',
        b'* LIST (\\HasNoChildren) "/" foo', b"* METADATA foo (%s NIL)" % color.encode()]
    imap.ok("SUBSCRIBE foo/sub")
    imap.ok("CREATE foo/sub")
    lines = imap.ok(f'LIST (SUBSCRIBED RECURSIVEMATCH) "" (INBOX foo) RETURN (METADATA ({color}))')
    assert lines == [
        b'* LIST (\\Subscribed \\HasNoChildren) "/" INBOX', b'* METADATA INBOX (%s "#b71c1c")' % color.encode(),
        b'* LIST (\\HasChildren) "/" foo ("CHILDINFO" ("SUBSCRIBED"))']
    lines = imap.ok('LIST "" Sent RETURN (METADATA (/private/a /private/b) STATUS (MESSAGES) MYRIGHTS)')
    assert [line.split()[1] for line in lines] == [b"LIST", b"MYRIGHTS", b"STATUS", b"METADATA"]
    assert lines[-1] == b"* METADATA Sent (/private/a NIL /private/b NIL)"


# ---- on disk ----

def test_they_survive_a_restart(suite, session, user):
    session(user, "SETMETADATA INBOX (/private/comment \"a\" /shared/comment \"b\")")
    suite.stop()
    suite.start()
    client = session(user)
    assert annotations(client, "INBOX", "(/private/comment /shared/comment)") == \
        b'/private/comment "a" /shared/comment "b"'


def test_a_damaged_file_is_told_and_repaired(suite, session, user):
    client = session(user, "SETMETADATA INBOX (/private/comment \"a\" /shared/comment \"b\")")
    mail = next(suite.root.glob(f"store/d.test/*/{user.split('@')[0]}/mail"))
    path = mail / "posthorn.metadata"
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(data)
    client.no("GETMETADATA INBOX /shared/comment", b"[CORRUPTION]")
    found = suite.run("store", "check", "--user", user, check=False).out
    assert "annotations_damaged" in found
    client.no("SETMETADATA INBOX (/shared/comment \"c\")", b"[CORRUPTION]")
    suite.run("store", "check", "--user", user, "--repair", check=False)
    assert annotations(client, "INBOX", "(/private/comment /shared/comment)") == \
        b'/private/comment "a" /shared/comment NIL'
    assert bytes(data) in [p.read_bytes() for p in (mail / "posthorn.lost").iterdir()]
    assert "annotations" not in suite.run("store", "check", "--user", user).out
