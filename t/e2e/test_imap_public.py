"""Public folders (IMP-09 to 12): three lists, an address, a quota; every right in both directions."""
import smtplib

import pytest

from imap_users import PASSWORD, names, remove_messages, sessions, suite_with
from instance import wait_for
from submission import login as submit_as

MESSAGE = b"From: a@d.test\r\nSubject: to all\r\n\r\nbody\r\n"
READER, WRITER, KEEPER, NOBODY = (f"{name}@d.test" for name in ("reader", "writer", "keeper", "nobody"))


@pytest.fixture(scope="module")
def suite():
    with suite_with(READER, WRITER, KEEPER, NOBODY, "guest@e.test") as inst:
        inst.run("public", "add", "News@d.test", "read=reader@d.test;@e.test", "write=writer@d.test")
        inst.run("public", "grant", "news@d.test", "delete", KEEPER)
        yield inst


@pytest.fixture
def session(suite):
    """The folder is empty afterwards."""
    with sessions(suite) as session:
        yield session
        keeper = session(KEEPER)
        for name in ("@News", "INBOX"):
            remove_messages(keeper, name)
        for name in names(keeper, '"" "@News/*"'):
            keeper.ok(b"DELETE " + name)


def count(client, name="@News"):
    return client.ok(f"STATUS {name} (MESSAGES)")[0]


def fill(session, messages=1):
    writer = session(WRITER)
    for _ in range(messages):
        assert writer.append("@News", MESSAGE)[1].startswith(b"OK [APPENDUID ")
    return writer


# ---- who sees it ----

def test_namespace(session):
    assert session(READER).ok("NAMESPACE") == [b'* NAMESPACE (("" "/")) (("~" "/")) (("@" "/"))']


@pytest.mark.parametrize("user", [READER, WRITER, KEEPER, "guest@e.test"])
def test_those_in_a_list_see_it(session, user):
    client = session(user)
    assert b"@News" in names(client)
    assert names(client, '"" "@%"') == [b"@News"]
    assert names(client, '"@" "%"') == [b"@News"]
    assert b"MESSAGES 0" in count(client)


def test_others_do_not_see_it(session):
    client = session(NOBODY)
    assert b"@News" not in names(client)
    for command in ("SELECT @News", "EXAMINE @News", "STATUS @News (MESSAGES)", "SUBSCRIBE @News",
                    "DELETE @News", "GETQUOTAROOT @News"):
        client.no(command, b"[NONEXISTENT]")
    assert client.append("@News", MESSAGE)[1].startswith(b"NO [TRYCREATE]")


def test_names_that_mean_nothing(session):
    keeper = session(KEEPER)
    for name in ("@", "@new", "@NewsX", "@News/INBOX", "@News/inbox/x", "~bob@d.test/INBOX", "~"):
        assert keeper.command(f"SELECT {name}")[1].startswith(b"NO"), name
        assert keeper.command(f"CREATE {name}")[1].startswith(b"NO"), name


# ---- read ----

def test_a_reader_reads_and_changes_nothing(session):
    fill(session)
    reader = session(READER)
    untagged, tagged = reader.command("SELECT @News")
    assert tagged.startswith(b"OK [READ-ONLY]"), tagged
    assert b"* 1 EXISTS" in untagged and any(b"[PERMANENTFLAGS ()]" in line for line in untagged)
    assert b"to all" in b"".join(reader.ok("FETCH 1 BODY[]"))
    assert reader.ok("FETCH 1 FLAGS")[0].count(b"\\Seen") == 0
    for command in ("STORE 1 +FLAGS (\\Seen)", "STORE 1 +FLAGS (\\Deleted)", "EXPUNGE", "MOVE 1 INBOX",
                    "CREATE @News/x", "DELETE @News", "RENAME @News @Old", "COPY 1 @News"):
        reader.no(command, b"[NOPERM]")
    assert reader.append("@News", MESSAGE)[1].startswith(b"NO [NOPERM]")
    assert reader.ok("COPY 1 INBOX") is not None
    assert b"MESSAGES 1" in count(reader, "INBOX")
    assert b"MESSAGES 1" in count(reader)


def test_a_reader_is_told_of_new_mail(session):
    reader = session(READER)
    reader.ok("SELECT @News")
    reader.send(b"i1 IDLE\r\n")
    assert reader.line() == b"+ idling\r\n"
    fill(session)
    assert reader.line() == b"* 1 EXISTS\r\n"
    reader.send(b"DONE\r\n")
    reader.result(b"i1")


# ---- write ----

def test_a_writer_adds_and_flags_and_does_not_delete(session):
    writer = fill(session)
    assert writer.command("SELECT @News")[1].startswith(b"OK [READ-WRITE]")
    writer.ok("STORE 1 +FLAGS (\\Seen \\Flagged project)")
    reader = session(READER)
    reader.ok("EXAMINE @News")
    assert b"\\Flagged" in reader.ok("FETCH 1 FLAGS")[0]
    for command in ("STORE 1 +FLAGS (\\Deleted)", "EXPUNGE", "MOVE 1 INBOX", "CREATE @News/x", "DELETE @News"):
        writer.no(command, b"[NOPERM]")
    writer.ok("CLOSE")
    assert b"MESSAGES 1" in count(writer)
    assert writer.append("@News", MESSAGE, "(\\Deleted \\Flagged) ")[1].startswith(b"OK")
    writer.ok("SELECT @News")
    flags = writer.ok("FETCH 2 FLAGS")[0]
    assert b"\\Deleted" not in flags and b"\\Flagged" in flags


def test_copy_and_move_into_it_keep_flags_and_text(session):
    writer = session(WRITER)
    assert writer.append("INBOX", MESSAGE, "(\\Answered work) ")[1].startswith(b"OK")
    writer.ok("SELECT INBOX")
    assert b"COPYUID" in writer.command("COPY 1 @News")[1]
    moved, tagged = writer.command("MOVE 1 @News")
    assert tagged.startswith(b"OK") and b"* 1 EXPUNGE" in moved and b"[COPYUID " in moved[0]
    writer.ok("SELECT @News")
    for seq in (1, 2):
        text = b"".join(writer.ok(f"FETCH {seq} (FLAGS BODY.PEEK[])"))
        assert b"\\Answered" in text and b"work" in text and MESSAGE in text


# ---- write and delete ----

def test_a_keeper_deletes_and_makes_folders(session):
    fill(session, 3)
    keeper = session(KEEPER)
    keeper.ok("SELECT @News")
    keeper.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    assert keeper.ok("EXPUNGE")[0] == b"* 1 EXPUNGE"
    keeper.ok("MOVE 1 INBOX")
    assert b"MESSAGES 1" in count(keeper)
    keeper.ok("CREATE @News/2026/May")
    keeper.ok("COPY 1 @News/2026/May")
    reader = session(READER)
    assert names(reader, '"" "@News*"') == [b"@News", b"@News/2026", b"@News/2026/May"]
    assert b"MESSAGES 1" in count(reader, "@News/2026/May")
    reader.no("DELETE @News/2026/May", b"[NOPERM]")
    keeper.ok("RENAME @News/2026/May @News/2026/June")
    keeper.no("RENAME @News/2026/June Own", b"[CANNOT]")
    keeper.ok("DELETE @News/2026/June")
    for command in ("DELETE @News", "RENAME @News @Other"):
        keeper.no(command, b"[NOPERM]")


def test_list_attributes_and_subscriptions(session):
    keeper, reader = session(KEEPER), session(READER)
    keeper.ok("CREATE @News/Sub")
    assert reader.ok('LIST "" @News')[0] == b'* LIST (\\HasChildren) "/" @News'
    again = session(READER)  # the levels come with the login
    again.ok("SUBSCRIBE @News")
    assert b'* LSUB () "/" @News' in again.ok('LSUB "" *')
    assert b'* LIST (\\Subscribed \\HasChildren) "/" @News' in again.ok('LIST (SUBSCRIBED) "" *')
    again.ok("UNSUBSCRIBE @News")
    assert b"@News" not in b"".join(again.ok('LSUB "" *'))


# ---- quota ----

def test_quota_of_its_own(suite, session):
    suite.run("public", "set", "news@d.test", "quota_messages=2", "quota_bytes=100000")
    try:
        writer = fill(session, 2)
        assert writer.ok("GETQUOTAROOT @News") == [b"* QUOTAROOT @News @News",
                                                   b"* QUOTA @News (STORAGE 1 97 MESSAGE 2 2)"]
        assert writer.ok("GETQUOTA @News") == [b"* QUOTA @News (STORAGE 1 97 MESSAGE 2 2)"]
        assert b"[OVERQUOTA]" in writer.append("@News", MESSAGE)[1]
        assert writer.append("INBOX", MESSAGE)[1].startswith(b"OK")
        writer.ok("SELECT INBOX")
        writer.no("COPY 1 @News", b"[OVERQUOTA]")
        client = submit_as(suite, WRITER)
        client.mail(WRITER)
        assert client.rcpt("news@d.test")[0] == 452
        client.close()
    finally:
        suite.run("public", "set", "news@d.test", "quota_messages=0", "quota_bytes=0")


# ---- its address ----

def test_mail_from_writers_alone(suite, session):
    for user in (WRITER, KEEPER):
        client = submit_as(suite, user)
        client.sendmail(user, ["news@d.test"], MESSAGE.decode())
        client.quit()
    reader = session(READER)
    wait_for(lambda: b"MESSAGES 2" in count(reader), what="delivery")
    for user in (READER, NOBODY, "guest@e.test"):
        client = submit_as(suite, user)
        client.mail(user)
        code, text = client.rcpt("news@d.test")
        assert code == 550 and text.startswith(b"5.7.1"), (user, code, text)
        client.close()
    with smtplib.SMTP("127.0.0.1", suite.port("smtp"), timeout=15) as stranger:
        stranger.ehlo()
        stranger.mail(WRITER)
        assert stranger.rcpt("news@d.test")[0] == 550
    assert b"MESSAGES 2" in count(reader)


def test_a_group_is_no_way_around(suite, session):
    suite.run("group", "add", "round@d.test", "--member", "news@d.test", "--member", READER)
    client = submit_as(suite, NOBODY)
    client.sendmail(NOBODY, ["round@d.test"], MESSAGE.decode())
    client.quit()
    client = submit_as(suite, WRITER)
    client.sendmail(WRITER, ["round@d.test"], MESSAGE.decode())
    client.quit()
    suite.wait_queue_empty()
    reader, refused = session(READER), session(NOBODY)
    assert b"MESSAGES 1" in count(reader)
    refused.ok("SELECT INBOX")
    assert b"5.7.1" in b"".join(refused.ok("FETCH 1 BODY.PEEK[]"))


# ---- the administrator ----

def test_rights_change_at_the_next_login(suite, session):
    suite.run("public", "grant", "news@d.test", "write", NOBODY)
    client = session(NOBODY)
    assert client.append("@News", MESSAGE)[1].startswith(b"OK")
    suite.run("public", "grant", "news@d.test", "read", NOBODY)
    assert NOBODY not in str(suite.json("public", "show", "news@d.test")["write"])
    client = session(NOBODY)
    assert client.command("SELECT @News")[1].startswith(b"OK [READ-ONLY]")
    suite.run("public", "revoke", "news@d.test", NOBODY)
    assert b"@News" not in names(session(NOBODY))


def test_rights_that_are_taken_away_end_the_sessions(suite, session):
    suite.run("public", "grant", "news@d.test", "write", NOBODY)
    touched, reader = session(NOBODY), session(READER)
    reader.ok("SELECT @News")
    touched.ok("SELECT @News")
    touched.send(b"i1 IDLE\r\n")
    assert touched.line() == b"+ idling\r\n"
    suite.run("public", "grant", "news@d.test", "delete", NOBODY)  # more than before: nobody is touched
    suite.run("public", "grant", "news@d.test", "read", NOBODY)
    assert touched.line().startswith(b"* BYE [NOPERM]")
    assert touched.at_end()
    reader.ok("NOOP")
    again = session(NOBODY)
    suite.run("public", "revoke", "news@d.test", NOBODY)
    assert again.line().startswith(b"* BYE [NOPERM]")
    reader.ok("NOOP")


def test_command_line(suite):
    run = suite.run
    assert run("public", "add", "news@e.test", check=False).returncode != 0, "one name, one folder"
    assert run("public", "add", "reader@d.test", check=False).returncode != 0
    assert run("user", "add", "news@d.test", check=False).returncode != 0
    assert run("public", "add", "a/b@d.test", check=False).returncode != 0
    assert run("public", "grant", "news@d.test", "own", READER, check=False).returncode != 0
    assert run("public", "grant", "news@d.test", "read", "missing@d.test", check=False).returncode != 0
    assert run("public", "grant", "news@d.test", "read", "@missing.test", check=False).returncode != 0
    assert run("public", "set", "news@d.test", "folder=Other", check=False).returncode != 0
    assert run("public", "revoke", "news@d.test", NOBODY, check=False).returncode != 0
    shown = suite.json("public", "show", "NEWS@d.test")
    assert shown["folder"] == "News" and shown["address"] == "news@d.test"
    assert [row["address"] for row in suite.json("public", "list")] == ["news@d.test"]


def test_a_deleted_user_leaves_no_rights(suite, session):
    suite.add_user("gone@d.test", PASSWORD)
    suite.run("public", "grant", "news@d.test", "write", "gone@d.test")
    suite.run("user", "del", "gone@d.test", "--yes")
    suite.add_user("gone@d.test", PASSWORD)
    assert b"@News" not in names(session("gone@d.test"))


def test_deletion_takes_the_mail_along(suite, session):
    suite.run("public", "add", "Old@d.test", f"delete={KEEPER}")
    keeper = session(KEEPER)
    assert keeper.append("@Old", MESSAGE)[1].startswith(b"OK")
    assert suite.run("public", "del", "old@d.test", check=False).returncode != 0, "needs --yes"
    suite.run("public", "del", "old@d.test", "--yes")
    assert b"@Old" not in names(session(KEEPER))
    wait_for(lambda: not list((suite.root / "store" / "d.test").rglob("@old")), what="removal")
    suite.run("public", "add", "Old@d.test", f"read={READER}")
    assert b"MESSAGES 0" in count(session(READER), "@Old")
    suite.run("public", "del", "old@d.test", "--yes")


def test_export_and_import(suite):
    text = suite.run("export").stdout
    text = text if isinstance(text, str) else text.decode()
    assert "public news@d.test\n    folder News\n" in text


def test_a_renamed_user_and_domain_keep_their_rights(suite, session):
    suite.run("user", "rename", "guest@e.test", "visitor@d.test")
    assert b"@News" not in names(session("visitor@d.test")), "it was the domain's right"
    suite.run("public", "grant", "news@d.test", "read", "visitor@d.test")
    suite.run("user", "rename", "visitor@d.test", "visitor@e.test")
    suite.run("domain", "rename", "e.test", "f.test")
    assert b"@News" in names(session("visitor@f.test"))
    shown = suite.json("public", "show", "news@d.test")
    assert "@f.test" in str(shown["read"]) and "visitor@f.test" in str(shown["read"])


def test_a_search_of_several_mailboxes(session):
    """RFC 7377 section 2.2: folders without the right to read have no answer; "personal" is the user's own."""
    writer = session(WRITER)
    for _ in range(60):
        writer.append("@News", MESSAGE)
    reader, nobody = session(READER), session(NOBODY)
    found = [line for line in reader.ok('ESEARCH IN (mailboxes "@News") RETURN (COUNT) BODY body') if line]
    assert len(found) == 1 and b"MAILBOX" in found[0] and b"@News" in found[0] and found[0].endswith(b"COUNT 60")
    assert reader.ok("ESEARCH IN (personal) SUBJECT \"in no mailbox of the reader\"") == [b""]
    assert nobody.ok('ESEARCH IN (mailboxes "@News" personal) SUBJECT "in no mailbox of theirs"') == [b""]
    reader.ok("SELECT @News")
    assert reader.ok("SEARCH BODY nothing") == [b"* SEARCH"]
    assert reader.ok("SORT RETURN (COUNT MIN) (SUBJECT) UTF-8 ALL")[0].endswith(b"MIN 1 COUNT 60")


def test_what_was_removed_can_be_put_back(suite, session):
    fill(session, 2)
    keeper = session(KEEPER)
    keeper.ok("SELECT @News")
    keeper.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)")
    keeper.ok("EXPUNGE")
    keeper.ok("CLOSE")
    listed = suite.json("store", "undelete", "--user", "news@d.test", "--list")
    assert len([row for row in listed if row["folder"] == "INBOX"]) >= 2
    suite.run("store", "undelete", "--user", "news@d.test", "--since", "1h", "--yes")
    assert b"MESSAGES 0" not in count(session(READER))
    assert suite.json("store", "check", "--all") == []
