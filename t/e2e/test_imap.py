"""imapd: every command, two sessions at once, clients that are not ours, and hostile ones."""
import base64
import imaplib
import re
import shutil
import socket
import subprocess
import time

import pytest

from imapclient import Imap
from instance import Instance, wait_for

PASSWORD = "secret-of-test"
ALICE, BOB = "alice@d.test", "bob@d.test"

PLAIN = (b"From: Alice <alice@d.test>\r\nTo: bob@d.test\r\nSubject: plain one\r\n"
         b"Date: Fri, 21 Nov 1997 09:55:06 -0600\r\nMessage-ID: <1@d.test>\r\n\r\nfirst line\r\nlast\r\n")
MIXED = (b"From: =?utf-8?q?J=C3=B6rg?= <j@d.test>\r\nSubject: =?iso-8859-1?q?Gr=FC=DFe?=\r\n"
         b"Date: Mon, 1 Jan 2024 23:30:00 -0500\r\nMIME-Version: 1.0\r\n"
         b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
         b"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
         b"Stra=DFe\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninner text\r\n--b--\r\n")


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    inst.set("auth.plain_on_loopback", "yes")
    inst.set("imap.max_errors", "5")
    inst.set("imap.max_append", "64K")
    inst.set("imap.login_timeout", "5s")
    inst.set("auth.failure_delay", "0")
    inst.start()
    for user in ("alice", "bob", "carol", "dave"):
        inst.add_user(f"{user}@d.test", PASSWORD)
    yield inst
    inst.close()


@pytest.fixture
def imap(suite):
    """A session of a user with an empty store: alice's folders and mail go after each test."""
    client = Imap(suite.port("imap"), ALICE)
    yield client
    client.close()
    with Imap_session(suite) as sweeper:
        for line in sweeper.ok('LIST "" *'):
            name = line.split(b' "/" ')[-1].decode()
            if name in ("INBOX", "Drafts", "Junk", "Sent", "Trash"):
                sweeper.ok(f"SELECT {name}")
                if b" 0 EXISTS" not in b"".join(sweeper.ok("NOOP")) and sweeper.ok("UID SEARCH ALL") != [b"* SEARCH"]:
                    sweeper.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)")
                sweeper.ok("CLOSE")
            elif b"Noselect" not in line:
                sweeper.ok(f"DELETE {name}")
        for line in sweeper.ok('LSUB "" *'):
            name = line.split(b' "/" ')[-1].decode()
            if name not in ("INBOX", "Drafts", "Junk", "Sent", "Trash"):
                sweeper.ok(f"UNSUBSCRIBE {name}")


class Imap_session:
    def __init__(self, suite):
        self.client = Imap(suite.port("imap"), ALICE)

    def __enter__(self):
        return self.client

    def __exit__(self, *_):
        self.client.close()


def fill(client, count, folder="INBOX", arguments=""):
    for i in range(count):
        _, tagged = client.append(folder, PLAIN.replace(b"plain one", b"number %d" % i), arguments)
        assert tagged.startswith(b"OK [APPENDUID "), tagged


# ---- login ----

def test_greeting_and_capabilities(suite):
    client = Imap(suite.port("imap"))
    assert client.greeting.startswith(b"* OK [CAPABILITY IMAP4rev1 ")
    capability = client.ok("CAPABILITY")[0].split()
    for name in (b"IMAP4rev1", b"STARTTLS", b"IDLE", b"UIDPLUS", b"MOVE", b"NAMESPACE", b"ID", b"ENABLE", b"UNSELECT",
                 b"CHILDREN", b"SPECIAL-USE", b"LIST-EXTENDED", b"LITERAL+", b"SASL-IR"):
        assert name in capability
    assert b"NTLM" not in b" ".join(capability)
    assert client.ok("LOGOUT") == [b"* BYE Logging out"]
    assert client.at_end()


def test_login_needs_tls_unless_configured(suite):
    strict = Instance()
    try:
        strict.setup()
        strict.set("system.banner", "Mail service")
        strict.start()
        strict.add_user(ALICE, PASSWORD)
        client = Imap(strict.port("imap"))
        assert b"LOGINDISABLED" in client.greeting and b"AUTH=PLAIN" not in client.greeting
        assert b"] Mail service ready" in client.greeting and b"Posthorn" not in client.greeting
        assert client.ok("ID NIL") == [b"* ID NIL"]
        client.no(f"LOGIN {ALICE} {PASSWORD}", b"[PRIVACYREQUIRED]")
        client.ok("STARTTLS")
        client.wrap()
        assert b"LOGINDISABLED" not in client.ok("CAPABILITY")[0]
        client.bad("STARTTLS")
        client.ok(f"LOGIN {ALICE} {PASSWORD}")
    finally:
        strict.close()


def test_starttls_discards_what_was_sent_before(suite):
    client = Imap(suite.port("imap"))
    client.send(b"a STARTTLS\r\nb LOGIN alice@d.test " + PASSWORD.encode() + b"\r\n")
    assert client.line().startswith(b"a OK")
    client.wrap()
    client.bad('LIST "" *')  # nobody is logged in
    wait_for(lambda: "event=starttls_injection" in suite.log("imap"), what="log")


def test_implicit_tls(suite):
    client = Imap(suite.port("imaps"), ALICE, tls=True)
    assert client.ok("SELECT INBOX")


def test_wrong_logins(suite):
    client = Imap(suite.port("imap"))
    client.no(f"LOGIN {BOB} wrong", b"[AUTHENTICATIONFAILED]")
    client.no("LOGIN nobody@d.test wrong", b"[AUTHENTICATIONFAILED]")
    client.bad("LOGIN onlyname")
    client.bad("SELECT INBOX")


@pytest.mark.parametrize("password", ["simple", 'quo"te\\', "blank in it", "umläut"])
def test_passwords_in_every_form_of_string(suite, password):
    suite.run("user", "passwd", "carol@d.test", "--password-stdin", stdin=password + "\n")
    raw = password.encode()
    for form in (b'"' + raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"', b"{%d+}\r\n%s" % (len(raw), raw)):
        client = Imap(suite.port("imap"))
        client.ok(b"LOGIN carol@d.test " + form)
        client.close()


def test_authenticate(suite):
    response = base64.b64encode(f"\0{BOB}\0{PASSWORD}".encode()).decode()
    client = Imap(suite.port("imap"))
    client.ok(f"AUTHENTICATE PLAIN {response}")  # RFC 4959
    client.close()
    client = Imap(suite.port("imap"))
    client.send("a AUTHENTICATE PLAIN\r\n")
    assert client.line().startswith(b"+ ")
    client.send("*\r\n")
    assert client.line().startswith(b"a BAD")
    client.send("b AUTHENTICATE PLAIN\r\n")
    assert client.line().startswith(b"+ ")
    client.send("!!!\r\n")
    assert client.line().startswith(b"b BAD")
    client.no("AUTHENTICATE NTLM")
    client.send("c AUTHENTICATE LOGIN\r\n")
    for answer in (BOB, PASSWORD):
        assert client.line().startswith(b"+ ")
        client.send(base64.b64encode(answer.encode()) + b"\r\n")
    assert client.line().startswith(b"c OK [CAPABILITY ")


# ---- folders ----

def folders(client, command='LIST "" *'):
    return {line.split(b' "/" ')[1]: line.split(b"(")[1].split(b")")[0] for line in client.ok(command) if line}


def test_standard_folders_are_there_subscribed_and_marked(imap):
    listed = folders(imap)
    assert listed == {b"INBOX": b"\\HasNoChildren", b"Drafts": b"\\HasNoChildren \\Drafts",
                      b"Junk": b"\\HasNoChildren \\Junk", b"Sent": b"\\HasNoChildren \\Sent",
                      b"Trash": b"\\HasNoChildren \\Trash"}
    assert set(folders(imap, 'LSUB "" *')) == set(listed)
    assert set(folders(imap, 'LIST (SPECIAL-USE) "" *')) == {b"Drafts", b"Junk", b"Sent", b"Trash"}


def test_create_nests_and_takes_any_script(imap):
    imap.ok('CREATE "Work/2024/Q 1"')
    imap.ok("CREATE Entw&APw-rfe/&ZeVnLIqe-/")
    listed = folders(imap)
    assert listed[b"Work"] == b"\\HasChildren" and listed[b"Work/2024"] == b"\\HasChildren"
    assert listed[b'"Work/2024/Q 1"'] == b"\\HasNoChildren"
    assert listed[b"Entw&APw-rfe/&ZeVnLIqe-"] == b"\\HasNoChildren"
    assert set(folders(imap, 'LIST "" Work/%')) == {b"Work/2024"}
    assert set(folders(imap, 'LIST Work/ 2024/*')) == {b'"Work/2024/Q 1"'}
    assert set(folders(imap, 'LIST "" (INBOX "Work/%" %rafts)')) == {b"INBOX", b"Work/2024", b"Drafts"}
    imap.no("CREATE Work", b"[ALREADYEXISTS]")
    imap.no("CREATE inbox", b"[ALREADYEXISTS]")


@pytest.mark.parametrize("name", ['"../escape"', '"a/../b"', '"/etc"', '"a//b"', '"."', '"a\x01b"', '"' + "n" * 300 + '"',
                                  '"a&AC8-b"', '"&AAA-"'])
def test_names_that_could_leave_the_mailbox_are_refused(imap, name):
    _, tagged = imap.command(f"CREATE {name}")
    assert tagged.startswith((b"NO [CANNOT]", b"BAD")), tagged


def test_create_special_use(imap):
    imap.ok("CREATE Old (USE (\\Archive))")
    assert folders(imap)[b"Old"] == b"\\HasNoChildren \\Archive"
    imap.no("CREATE Everything (USE (\\All))", b"[USEATTR]")
    assert b"Everything" not in folders(imap)


def test_delete_keeps_children(imap):
    imap.ok("CREATE foo/bar")
    imap.ok("DELETE foo")
    assert folders(imap)[b"foo"] == b"\\Noselect \\HasChildren"
    imap.no("SELECT foo", b"[NONEXISTENT]")
    imap.no("DELETE foo")
    imap.ok("DELETE foo/bar")
    assert b"foo" not in folders(imap)
    imap.no("DELETE foo", b"[NONEXISTENT]")
    imap.no("DELETE INBOX", b"[CANNOT]")


def test_rename(imap):
    imap.ok("CREATE foo/bar")
    fill(imap, 2, "foo/bar")
    imap.ok("RENAME foo deep/zap")
    assert {b"deep", b"deep/zap", b"deep/zap/bar"} <= set(folders(imap)) and b"foo" not in folders(imap)
    assert imap.ok("STATUS deep/zap/bar (MESSAGES)") == [b"* STATUS deep/zap/bar (MESSAGES 2)"]
    imap.no("RENAME foo other", b"[NONEXISTENT]")
    imap.no("RENAME deep Sent", b"[ALREADYEXISTS]")


def test_rename_of_inbox_moves_its_messages(imap):
    fill(imap, 3)
    imap.ok("CREATE INBOX/child")
    imap.ok("RENAME INBOX old-mail")
    assert imap.ok("STATUS INBOX (MESSAGES)") == [b"* STATUS INBOX (MESSAGES 0)"]
    assert imap.ok("STATUS old-mail (MESSAGES)") == [b"* STATUS old-mail (MESSAGES 3)"]
    assert {b"INBOX", b"INBOX/child", b"old-mail"} <= set(folders(imap))


def test_uids_of_a_deleted_folder_do_not_come_back(imap):
    imap.ok("CREATE again")
    fill(imap, 1, "again")
    before = imap.ok("STATUS again (UIDVALIDITY)")
    imap.ok("DELETE again")
    imap.ok("CREATE again")
    assert imap.ok("STATUS again (UIDVALIDITY)") != before


def test_subscriptions(imap):
    imap.ok("SUBSCRIBE foo/bar")  # need not exist
    assert folders(imap, 'LSUB "" %')[b"foo"] == b"\\Noselect"
    assert b"foo/bar" in folders(imap, 'LSUB "" *')
    assert b"foo" not in folders(imap)
    assert folders(imap, 'LIST (SUBSCRIBED) "" foo/*') == {b"foo/bar": b"\\NonExistent \\Subscribed \\HasNoChildren"}
    lines = imap.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" foo')
    assert lines == [b'* LIST (\\NonExistent \\HasNoChildren) "/" foo ("CHILDINFO" ("SUBSCRIBED"))']
    imap.ok("UNSUBSCRIBE foo/bar")
    assert folders(imap, 'LSUB "" foo*') == {}
    assert imap.ok('LSUB "" ""') == [b""]


def test_list_status(imap):
    fill(imap, 1, "Sent")
    lines = imap.ok('LIST "" % RETURN (STATUS (MESSAGES UNSEEN))')
    assert lines.index(b"* STATUS Sent (MESSAGES 1 UNSEEN 1)") == \
        lines.index(b'* LIST (\\HasNoChildren \\Sent) "/" Sent') + 1
    imap.bad('LIST (RECURSIVEMATCH) "" *')
    imap.bad('LIST "" * RETURN (NONSENSE)')
    assert imap.ok('LIST "" ""') == [b'* LIST (\\Noselect) "/" ""']
    assert imap.ok("NAMESPACE") == [b'* NAMESPACE (("" "/")) (("~" "/")) (("@" "/"))']


# ---- selecting ----

def test_select_examine_close_unselect(imap):
    fill(imap, 3)
    lines = imap.ok("SELECT INBOX")
    assert b"* 3 EXISTS" in lines and b"* 3 RECENT" in lines and b"* OK [UNSEEN 1] First unseen" in lines
    assert any(b"[UIDVALIDITY " in line for line in lines)
    assert any(rb"PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft \*)" in line for line in lines)
    imap.ok("STORE 2 +FLAGS (\\Deleted)")
    imap.ok("UNSELECT")
    imap.bad("FETCH 1 FLAGS")
    lines, tagged = imap.command("EXAMINE INBOX")
    assert tagged.startswith(b"OK [READ-ONLY]") and b"* 3 EXISTS" in lines and b"* 0 RECENT" in lines
    assert any(b"PERMANENTFLAGS ()" in line for line in lines)
    imap.no("STORE 1 +FLAGS (\\Seen)")
    imap.no("EXPUNGE")
    assert b"BODY[TEXT]" in imap.ok("FETCH 1 BODY[TEXT]")[0]
    assert b"\\Seen" not in imap.ok("FETCH 1 FLAGS")[0]
    imap.ok("CLOSE")  # of a read-only mailbox: removes nothing
    assert b"* 3 EXISTS" in imap.ok("SELECT INBOX")
    assert imap.ok("CLOSE") == [b""]
    assert b"* 2 EXISTS" in imap.ok("SELECT INBOX")
    imap.no("SELECT nowhere", b"[NONEXISTENT]")
    imap.bad("FETCH 1 FLAGS")  # RFC 3501 section 6.3.1: nothing is selected now


def test_recent_is_for_the_first_session_alone(suite, imap):
    fill(imap, 1)
    assert b"* 1 RECENT" in imap.ok("EXAMINE INBOX")
    assert b"* 1 RECENT" in imap.ok("SELECT INBOX")
    with Imap_session(suite) as other:
        assert b"* 0 RECENT" in other.ok("SELECT INBOX")
    assert b"\\Recent" in imap.ok("FETCH 1 FLAGS")[0]


# ---- messages ----

def test_append(imap):
    _, tagged = imap.append("INBOX", PLAIN, '(\\Seen $Label) "17-Jul-1996 02:44:25 -0700" ')
    assert re.match(rb"OK \[APPENDUID \d+ \d+\]", tagged)
    imap.ok("SELECT INBOX")
    line = imap.ok("FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])")[0]
    assert b"FLAGS (\\Seen $Label \\Recent)" in line
    assert b'INTERNALDATE "17-Jul-1996 09:44:25 +0000"' in line
    assert b"RFC822.SIZE %d " % len(PLAIN) in line and PLAIN in line
    untagged, _ = imap.append("INBOX", PLAIN)
    assert b"* 2 EXISTS" in untagged


def test_append_that_cannot_be(imap):
    _, tagged = imap.append("nowhere", PLAIN)
    assert tagged.startswith(b"NO [TRYCREATE]")
    _, tagged = imap.append("INBOX", b"with\0NUL")
    assert tagged.startswith(b"NO [CANNOT]")
    _, tagged = imap.append("INBOX", b"x" * 70000)
    assert tagged.startswith(b"NO [TOOBIG]")
    _, tagged = imap.append("INBOX", PLAIN, "(\\Recent) ")
    assert tagged.startswith(b"BAD")
    imap.send(b"a APPEND INBOX {99999}\r\n")  # refused before it is sent
    assert imap.line().startswith(b"a NO [TOOBIG]")
    imap.send(b"b APPEND INBOX {3}\r\n")
    assert imap.line().startswith(b"+ ")
    imap.send(b"abcgarbage\r\n")
    assert imap.line().startswith(b"b BAD")
    assert imap.ok("STATUS INBOX (MESSAGES)") == [b"* STATUS INBOX (MESSAGES 0)"]


def test_what_follows_an_append_is_no_command(imap):
    """More than one message (RFC 3502) that are refused: their text must not be taken for commands."""
    for folder, junk in (("INBOX", "junk"), ("nowhere", "")):
        imap.send(f"a APPEND {folder} {{3+}}\r\nabc{junk} {{13+}}\r\nx CREATE evil (\\Seen) {{3+}}\r\nabc\r\n")
        assert re.match(rb"a (BAD|NO) ", imap.line())
        imap.ok("NOOP")
    assert imap.ok('LIST "" evil') == [b""]
    imap.send(b"b LOGIN {100000+}\r\n" + b"x" * 100000 + b" {15+}\r\nx CREATE evil\r\n\r\n")
    assert imap.line().startswith(b"b BAD")
    assert imap.ok('LIST "" evil') == [b""]


def test_a_broken_off_append_leaves_nothing(suite, imap):
    with Imap_session(suite) as other:
        other.send(b"a APPEND INBOX {50000+}\r\n" + b"x" * 20000)
    time.sleep(0.3)
    assert imap.ok("STATUS INBOX (MESSAGES)") == [b"* STATUS INBOX (MESSAGES 0)"]


def test_fetch_items(imap):
    imap.append("INBOX", MIXED)
    imap.ok("SELECT INBOX")
    line = imap.ok("FETCH 1 FULL")[0]
    assert b'ENVELOPE ("Mon, 1 Jan 2024 23:30:00 -0500" "=?iso-8859-1?q?Gr=FC=DFe?=" ' \
           b'(("=?utf-8?q?J=C3=B6rg?=" NIL "j" "d.test"))' in line
    assert b' BODY (("text" "plain" ("charset" "iso-8859-1") NIL NIL "quoted-printable" 8 0)' \
           b'("message" "rfc822" NIL NIL NIL "7bit" 28 (NIL "inner" NIL NIL NIL NIL NIL NIL NIL NIL) ' in line
    assert b"\\Seen" not in line
    assert imap.ok("FETCH 1 FULL")[0] == line  # now from the cache
    assert b"BODY[1] {8}\r\nStra=DFe" in imap.ok("FETCH 1 BODY.PEEK[1]")[0]
    assert b"BODY[1]<4> {3}\r\n=DF" in imap.ok("FETCH 1 BODY.PEEK[1]<4.3>")[0]
    assert b"BODY[1]<99> {0}\r\n" in imap.ok("FETCH 1 BODY.PEEK[1]<99.3>")[0]
    assert b"BODY[2.HEADER] {18}\r\nSubject: inner\r\n\r\n" in imap.ok("FETCH 1 BODY.PEEK[2.HEADER]")[0]
    assert b"BODY[2.TEXT] {10}\r\ninner text" in imap.ok("FETCH 1 BODY.PEEK[2.TEXT]")[0]
    assert b"BODY[2.1.MIME] {18}\r\nSubject: inner\r\n\r\n" in imap.ok("FETCH 1 BODY.PEEK[2.1.MIME]")[0]
    assert b"BODY[7] NIL" in imap.ok("FETCH 1 BODY.PEEK[7]")[0]
    line = imap.ok("FETCH 1 (BODY.PEEK[HEADER.FIELDS (DATE mime-version)] BODY.PEEK[HEADER.FIELDS.NOT (From Date)])")[0]
    assert b"BODY[HEADER.FIELDS (DATE mime-version)] {59}\r\nDate: Mon" in line
    assert b"MIME-Version: 1.0\r\n\r\n" in line
    line = imap.ok("FETCH 1 BODY[]")[0]
    assert b"FLAGS (\\Seen \\Recent)" in line and MIXED in line
    assert b"FLAGS" not in imap.ok("FETCH 1 BODY[]")[0]
    line = imap.ok("FETCH 1 (RFC822 RFC822.HEADER RFC822.TEXT)")[0]
    assert b"RFC822 {%d}" % len(MIXED) in line and b"RFC822.TEXT {" in line
    assert re.match(rb"\* 1 FETCH \(UID \d+ FLAGS ", imap.ok("UID FETCH 1:* FLAGS")[0])


def test_sets(imap):
    fill(imap, 5)
    imap.ok("SELECT INBOX")
    numbers = [line.split()[1] for line in imap.ok("FETCH 5,1:2,* UID")]
    assert numbers == [b"1", b"2", b"5"]
    assert len(imap.ok("FETCH 4:2 UID")) == 3
    imap.bad("FETCH 6 UID")
    imap.bad("FETCH 0 UID")
    assert imap.ok("UID FETCH 4000000000 UID") == [b""]
    assert len(imap.ok("UID FETCH 4000000000:* UID")) == 1
    imap.ok("SELECT Drafts")
    imap.bad("FETCH 1:* UID")
    assert imap.ok("UID FETCH 1:* UID") == [b""]


def test_store_and_keywords(imap):
    fill(imap, 3)
    imap.ok("SELECT INBOX")
    flags, permanent, first, _ = imap.ok("STORE 1:2 +FLAGS (\\Flagged $Forwarded)")
    assert flags.startswith(b"* FLAGS (") and b" $Forwarded)" in flags
    assert permanent.startswith(b"* OK [PERMANENTFLAGS (") and b" $Forwarded \\*)" in permanent
    assert first == b"* 1 FETCH (FLAGS (\\Flagged $Forwarded \\Recent))"
    assert imap.ok("STORE 1 -FLAGS.SILENT $Forwarded") == [b""]
    assert b"FLAGS (\\Flagged \\Recent)" in imap.ok("FETCH 1 FLAGS")[0]
    assert imap.ok("STORE 1 FLAGS \\Answered \\Draft") == [b"* 1 FETCH (FLAGS (\\Answered \\Draft \\Recent))"]
    assert b"UID" in imap.ok("UID STORE 1:* FLAGS ()")[0]
    imap.bad("STORE 1 +FLAGS (\\Recent)")
    imap.bad("STORE 1 +FLAGS (\\Nonsense)")
    imap.bad("STORE 1 FLAG (\\Seen)")


def test_keywords_are_limited(imap):
    imap.ok("CREATE keywords")  # the names stay with the folder
    fill(imap, 1, "keywords")
    imap.ok("SELECT keywords")
    answers = [imap.command(f"STORE 1 +FLAGS (kw{i})")[1] for i in range(70)]
    assert answers[10].startswith(b"OK") and answers[69].startswith(b"NO [LIMIT]")
    permanent = [line for line in imap.ok("SELECT keywords") if b"PERMANENTFLAGS" in line]
    assert b"kw63" in permanent[0] and b"\\*" not in permanent[0]  # no more can be made


def test_expunge(imap):
    fill(imap, 5)
    imap.ok("SELECT INBOX")
    imap.ok("STORE 2,4:5 +FLAGS.SILENT (\\Deleted)")
    uid = int(imap.ok("FETCH 4 UID")[0].split()[4].rstrip(b")"))
    assert imap.ok(f"UID EXPUNGE 1,{uid}:{uid}") == [b"* 4 EXPUNGE"]
    assert imap.ok("EXPUNGE") == [b"* 2 EXPUNGE", b"* 3 EXPUNGE"]
    assert imap.ok("EXPUNGE") == [b""]
    assert len(imap.ok("FETCH 1:* UID")) == 2


def test_copy_and_move(imap):
    fill(imap, 4)
    imap.ok("SELECT INBOX")
    imap.ok("STORE 2 +FLAGS.SILENT (\\Flagged kw)")
    _, tagged = imap.command("COPY 2:3 Sent")
    assert re.match(rb"OK \[COPYUID \d+ \d+:\d+ \d+:\d+\]", tagged)
    imap.no("COPY 1 nowhere", b"[TRYCREATE]")
    lines = imap.ok("MOVE 1,4 Trash")
    assert lines[0].startswith(b"* OK [COPYUID ") and lines[1:] == [b"* 1 EXPUNGE", b"* 3 EXPUNGE"]
    assert imap.ok("UID MOVE 4000000 Trash") == [b""]
    imap.ok("SELECT Sent")
    assert b"FLAGS (\\Flagged kw" in imap.ok("FETCH 1 FLAGS")[0]
    assert imap.ok("STATUS Trash (MESSAGES)") == [b"* STATUS Trash (MESSAGES 2)"]


def found(client, keys):
    return [int(n) for n in client.ok(keys.encode() if isinstance(keys, str) else keys)[0].split()[2:]]


def test_search(imap):
    imap.append("INBOX", PLAIN, '(\\Seen) "01-Feb-1994 12:00:00 +0000" ')
    imap.append("INBOX", MIXED, '(\\Flagged kw) "05-Mar-2020 23:59:59 +0000" ')
    imap.append("INBOX", b"Subject: bare\r\nX-Tag:\r\n\r\n" + b"z" * 3000)
    imap.ok("SELECT INBOX")
    cases = [
        ("ALL", [1, 2, 3]), ("SEEN", [1]), ("UNSEEN", [2, 3]), ("FLAGGED KEYWORD kw", [2]), ("UNKEYWORD kw", [1, 3]),
        ("KEYWORD unknown", []), ("NEW", [2, 3]), ("OLD", []), ("RECENT", [1, 2, 3]), ("ANSWERED", []),
        ("SUBJECT plain", [1]), ("SUBJECT \"PLAIN ONE\"", [1]), ("FROM alice", [1]), ("TO bob", [1]), ("CC x", []),
        ("BODY \"first line\"", [1]), ("BODY nothing", []), ("TEXT \"plain one\"", [1]), ("TEXT inner", [2]),
        ("HEADER Message-ID 1@d", [1]), ("HEADER X-Tag \"\"", [3]), ("HEADER X-None \"\"", []),
        ("ON 1-Feb-1994", [1]), ("BEFORE 2-Feb-1994", [1]), ("SINCE 5-Mar-2020", [2, 3]), ("ON 5-Mar-2020", [2]),
        ("SENTON 21-Nov-1997", [1]), ("SENTON 1-Jan-2024", [2]), ("SENTSINCE 1-Jan-2000", [2]), ("SENTBEFORE 1-Jan-1998", [1]),
        ("LARGER 2000", [3]), ("SMALLER 2000", [1, 2]), ("NOT SEEN", [2, 3]), ("OR SEEN FLAGGED", [1, 2]),
        ("OR (SEEN SUBJECT plain) (3 NOT FLAGGED)", [1, 3]), ("2:*", [2, 3]), ("UID 1:*", [1, 2, 3]), ("(1:2) 2", [2]),
        ("UNDELETED UNDRAFT UNANSWERED UNFLAGGED", [1, 3]), ("7", []),
    ]
    for keys, expected in cases:
        assert found(imap, "SEARCH " + keys) == expected, keys
    assert found(imap, "SEARCH CHARSET UTF-8 SUBJECT {7}\r\n".replace("{7}", "{7+}").encode() + "Grüße".encode()) == [2]
    assert found(imap, b'SEARCH CHARSET ISO-8859-1 TEXT {6+}\r\nSTRA\xdfE') == [2]
    assert found(imap, 'SEARCH FROM "jörg"') == [2]
    imap.no("SEARCH CHARSET KLINGON ALL", b"[BADCHARSET (UTF-8")
    imap.bad("SEARCH")
    imap.bad("SEARCH FOO")
    imap.bad("SEARCH " + "NOT " * 100 + "SEEN")


def test_a_second_search_of_headers_opens_no_message(suite, imap):
    imap.append("INBOX", PLAIN.replace(b"Date:", b"X-Tag: blue\r\nDate:"))
    imap.append("INBOX", MIXED)
    imap.ok("SELECT INBOX")
    searches = [("SUBJECT plain", [1]), ("FROM alice", [1]), ("FROM jörg", [2]), ("TO bob", [1]), ("CC x", []),
                ("HEADER X-Tag blue", [1]), ("HEADER Message-ID 1@d", [1]), ("SENTON 1-Jan-2024", [2])]
    searches = [(key if key.isascii() else 'FROM "jörg"', expected) for key, expected in searches]
    for key, expected in searches:
        assert found(imap, "SEARCH " + key) == expected, key
    imap.ok("SELECT INBOX")  # closing it writes what has collected
    for path in (suite.root / "store").glob("d.test/*/alice/mail/cur/*"):
        path.write_bytes(b"\0" * path.stat().st_size)  # whoever opens it finds nothing there
    with Imap_session(suite) as other:
        other.ok("SELECT INBOX")
        for client in (imap, other):
            for key, expected in searches:
                assert found(client, "SEARCH " + key) == expected, key
        assert found(imap, "SEARCH BODY first") == []


def test_search_in_any_character_set(imap):
    """In the session's sandbox, where no file of tables can be opened."""
    for charset, text in (("koi8-r", "Привет"), ("windows-1251", "мир"), ("gb2312", "中国"), ("iso-2022-jp", "日本"),
                          ("euc-kr", "한국"), ("iso-8859-2", "żółw"), ("no-such-set", "xyzzy")):
        subject = f"=?{charset}?b?{base64.b64encode(text.encode(charset if charset != 'no-such-set' else 'ascii')).decode()}?="
        body = text.encode(charset if charset != "no-such-set" else "ascii")
        message = (f"Subject: {subject}\r\nContent-Type: text/plain; charset={charset}\r\n"
                   "Content-Transfer-Encoding: base64\r\n\r\n").encode() + base64.encodebytes(body * 3000)
        _, tagged = imap.append("INBOX", message)
        assert tagged.startswith(b"OK")
    imap.ok("SELECT INBOX")
    for number, text in enumerate(("ПРИВЕТ", "Мир", "中国", "日本", "한국", "ŻÓŁW", "XYZZY"), 1):
        literal = text.encode()
        for key in ("SUBJECT", "BODY", "TEXT"):
            assert found(imap, f"SEARCH {key} {{{len(literal)}+}}\r\n{text}") == [number], (key, text)
    word = "мир".encode("koi8-r")
    assert found(imap, b"SEARCH CHARSET koi8-r SUBJECT {%d+}\r\n%s" % (len(word), word)) == [2]
    imap.no("SEARCH CHARSET x-nothing ALL", b"[BADCHARSET (UTF-8 ")


def test_status_of_every_item(imap):
    fill(imap, 2)
    line = imap.ok("STATUS INBOX (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN)")[0]
    assert re.match(rb"\* STATUS INBOX \(MESSAGES 2 RECENT 2 UIDNEXT \d+ UIDVALIDITY \d+ UNSEEN 2\)", line)
    imap.no("STATUS nowhere (MESSAGES)", b"[NONEXISTENT]")
    imap.bad("STATUS INBOX ()")


# ---- two sessions at once ----

def test_changes_of_another_session_are_told(suite, imap):
    fill(imap, 3)
    imap.ok("SELECT INBOX")
    with Imap_session(suite) as other:
        other.ok("SELECT INBOX")
        other.ok("STORE 2 +FLAGS (\\Flagged)")
        assert b"* 2 FETCH (FLAGS (\\Flagged \\Recent))" in imap.ok("NOOP")
        fill(other, 1)
        assert b"* 4 EXISTS" in imap.ok("NOOP")
        other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        other.ok("EXPUNGE")
        lines = imap.ok("FETCH 1:4 UID")  # RFC 3501 section 7.4.1: no EXPUNGE here
        assert not any(b"EXPUNGE" in line for line in lines) and len([x for x in lines if b"UID" in x]) == 4
        assert not any(b"EXPUNGE" in line for line in imap.ok("SEARCH ALL"))
        assert not any(b"EXPUNGE" in line for line in imap.ok("STORE 2 +FLAGS (\\Seen)"))
        assert b"* 1 EXPUNGE" in imap.ok("NOOP")
        assert len(imap.ok("FETCH 1:* UID")) == 3


def test_idle_wakes_on_every_change(suite, imap):
    imap.ok("SELECT INBOX")
    imap.send("i IDLE\r\n")
    assert imap.line().startswith(b"+ ")
    with Imap_session(suite) as other:
        start = time.monotonic()
        fill(other, 1)
        assert imap.line() == b"* 1 EXISTS\r\n" and imap.line() == b"* 1 RECENT\r\n"
        assert time.monotonic() - start < 1.5
        time.sleep(1.5)  # memory has been given back
        other.ok("SELECT INBOX")
        other.ok("STORE 1 +FLAGS (\\Flagged)")
        assert b"\\Flagged" in imap.line()
        other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        assert b"\\Deleted" in imap.line()
        other.ok("EXPUNGE")
        assert imap.line() == b"* 1 EXPUNGE\r\n"
    imap.send("DONE\r\n")
    assert imap.line().startswith(b"i OK")


def test_text_of_a_message_that_another_session_expunged(suite, imap):
    fill(imap, 3)
    imap.ok("SELECT INBOX")
    with Imap_session(suite) as other:
        other.ok("SELECT INBOX")
        other.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
        other.ok("EXPUNGE")
    lines = imap.no("FETCH 1:3 BODY.PEEK[TEXT]", b"[EXPUNGEISSUED]")
    assert [line.split()[1] for line in lines if b"BODY[TEXT]" in line] == [b"1", b"3"]
    assert found(imap, "SEARCH BODY first") == [1, 3]
    assert b"* 2 EXPUNGE" in imap.ok("NOOP")
    assert len(imap.ok("FETCH 1:* UID")) == 2


def test_commands_on_messages_that_another_session_expunged(suite, imap):
    """RFC 2180 sections 4.2 and 4.4: told as what it is, not as a missing folder."""
    fill(imap, 3)
    imap.ok("CREATE target")
    imap.ok("SELECT INBOX")
    with Imap_session(suite) as other:
        other.ok("SELECT INBOX")
        other.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
        other.ok("EXPUNGE")
    imap.no("COPY 1:3 target", b"[EXPUNGEISSUED]")
    assert b"EXISTS" not in b"".join(imap.ok("STATUS target (MESSAGES)"))  # what follows tells the expunge
    with Imap_session(suite) as other:
        other.ok("SELECT INBOX")
        other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        other.ok("EXPUNGE")
    lines = imap.no("STORE 1:2 +FLAGS (\\Flagged)", b"[EXPUNGEISSUED]")
    assert [line for line in lines if b"EXPUNGE" in line] == []
    assert [line.split()[1] for line in lines if b"\\Flagged" in line] == [b"2"]
    imap.no("MOVE 1 target", b"[EXPUNGEISSUED]")
    assert len(found(imap, "UID SEARCH FLAGGED")) == 1
    imap.no("COPY 1 nowhere", b"[TRYCREATE]")
    assert b"(MESSAGES 0)" in imap.ok("STATUS target (MESSAGES)")[0]


def test_an_idle_session_holds_little_memory(suite, imap):
    """Private memory of sessions on TLS with a mailbox selected (bench/RESULTS.md has the limit: 220 KB)."""
    fill(imap, 20)
    clients = [Imap(suite.port("imaps"), ALICE, tls=True) for _ in range(5)]
    for client in clients:
        client.ok("SELECT INBOX")
    time.sleep(2.5)
    logins = [line for line in suite.log("imap").splitlines() if "event=login " in line][-len(clients):]
    for line in logins:
        pid = line.split("imapd[")[1].split("]")[0]
        with open(f"/proc/{pid}/smaps_rollup") as rollup:
            private = sum(int(text.split()[1]) for text in rollup if text.startswith("Private_"))
        assert private <= 220, private


def test_idle_ends_with_anything_but_done_as_an_error(imap):
    imap.send("i IDLE\r\n")
    assert imap.line().startswith(b"+ ")
    imap.send("NOOP\r\n")
    assert imap.line().startswith(b"i BAD")


def test_a_deleted_folder_ends_the_session_that_has_it(suite, imap):
    imap.ok("CREATE doomed")
    imap.ok("SELECT doomed")
    with Imap_session(suite) as other:
        other.ok("DELETE doomed")
    lines, _ = imap.command("NOOP")
    assert any(line.startswith(b"* BYE") for line in lines)


# ---- rights and limits ----

def test_without_the_right_to_remove(suite):
    suite.run("user", "set", "dave@d.test", "remove_mail=no")
    client = Imap(suite.port("imap"), "dave@d.test")
    fill(client, 1)
    client.ok("CREATE mine")
    lines = client.ok("SELECT INBOX")
    assert any(rb"PERMANENTFLAGS (\Answered \Flagged \Seen \Draft \*)" in line for line in lines)
    client.no("STORE 1 +FLAGS (\\Deleted)", b"[NOPERM]")
    client.no("EXPUNGE", b"[NOPERM]")
    client.no("MOVE 1 mine", b"[NOPERM]")
    client.no("DELETE mine", b"[NOPERM]")
    client.no("RENAME INBOX other", b"[NOPERM]")
    client.ok("COPY 1 mine")
    client.ok("STORE 1 +FLAGS (\\Seen)")


def test_over_quota(suite):
    suite.add_user("small@d.test", PASSWORD)
    suite.run("user", "set", "small@d.test", "quota_messages=2")
    client = Imap(suite.port("imap"), "small@d.test")
    fill(client, 2)
    _, tagged = client.append("INBOX", PLAIN)
    assert tagged.startswith(b"NO [OVERQUOTA]")
    client.ok("SELECT INBOX")
    client.no("COPY 1 Sent", b"[OVERQUOTA]")
    client.ok("MOVE 1 Trash")


# ---- hostile and clumsy clients ----

def test_http_is_disconnected_at_once(suite):
    for request in (b"POST / HTTP/1.1\r\nHost: x\r\n\r\na LOGIN x y\r\n", b"GET http://x/ HTTP/1.0\r\n",
                    b"CONNECT x:25 HTTP/1.1\r\n"):
        client = Imap(suite.port("imap"))
        client.send(request)
        assert client.line() == b""
    assert "event=http_request" in suite.log("imap")


@pytest.mark.parametrize("line", [
    b"\r\n", b" \r\n", b"a\r\n", b"a \r\n", b"+ NOOP\r\n", b"a NOOP \r\n", b"a\tNOOP\r\n", b"a NO\0OP\r\n", b"a NOOP\n\r\n",
    b"a UID\r\n", b"a UID NOOP\r\n", b"\xff\xfe\r\n", b"t" * 200 + b" NOOP\r\n", b"a {3+}\r\nabc\r\n", b"a LOGIN {0}\r\n",
])
def test_wrong_lines_are_answered_with_bad(suite, line):
    client = Imap(suite.port("imap"))
    client.send(line)
    answer = client.line()
    if answer.startswith(b"+"):
        client.send(b"\r\n")
        answer = client.line()
    assert b" BAD " in answer
    client.ok("NOOP")


def test_bare_lf_ends_no_command(suite):
    client = Imap(suite.port("imap"))
    client.send(b"a NOOP\nb NOOP\r\n")
    assert client.line().startswith(b"a BAD")
    assert client.ok("NOOP") == [b""]


def test_too_many_errors(suite):
    client = Imap(suite.port("imap"))
    for _ in range(4):
        client.bad("NONSENSE")
    lines, tagged = client.command("NONSENSE")
    assert any(line.startswith(b"* BYE") for line in lines) or client.line().startswith(b"* BYE")
    assert client.at_end()


def test_errors_that_count_are_those_in_a_row(suite, imap):
    for _ in range(3):
        for _ in range(4):
            imap.bad("NONSENSE")
        imap.ok("NOOP")


def test_a_tag_without_end_costs_a_line(suite, imap):
    for client in (Imap(suite.port("imap")), imap):
        client.send(b"x" * 70000)
        assert b" BAD " in client.line()
        assert client.line().startswith(b"* BYE")
    assert "failed assertion" not in suite.log("imap") and "event=worker_killed" not in suite.log("imap")


def test_long_lines_and_large_literals(suite, imap):
    stranger = Imap(suite.port("imap"))
    stranger.send(b"a LOGIN " + b"x" * 20000 + b"\r\n")
    assert b"BAD" in stranger.line() and stranger.line().startswith(b"* BYE")
    stranger = Imap(suite.port("imap"))
    stranger.send(b"a LOGIN {1000000}\r\n")
    assert stranger.line().startswith(b"a BAD [TOOBIG]")
    stranger.send(b"b LOGIN {100000+}\r\n" + b"x" * 100000 + b" y\r\n")
    assert stranger.line().startswith(b"b BAD [TOOBIG]")
    stranger.ok("NOOP")
    stranger.send(b"c LOGIN {4000000000+}\r\n")
    assert stranger.line().startswith(b"* BYE")
    fill(imap, 1)
    imap.ok("SELECT INBOX")
    assert imap.ok("UID FETCH " + ",".join(str(n) for n in range(1, 12000)) + " FLAGS")
    imap.bad("STORE 1 +FLAGS (" + " ".join(f"k{n}" for n in range(1000)) + ")")


def test_pipelined_commands_are_answered_in_order(imap):
    fill(imap, 2)
    imap.send(b"a SELECT INBOX\r\nb FETCH 1 UID\r\nc STORE 1 +FLAGS (\\Seen)\r\nd SEARCH SEEN\r\ne CLOSE\r\n")
    for tag in (b"a", b"b", b"c", b"d", b"e"):
        _, tagged = imap.result(tag)
        assert tagged.startswith(b"OK")


def test_a_stranger_who_is_silent_is_disconnected(suite):
    client = Imap(suite.port("imap"))
    start = time.monotonic()
    assert client.line().startswith(b"* BYE")
    assert 3 < time.monotonic() - start < 9


def test_an_old_process_serves_nobody_else(suite):
    """A worker that had a user ends with the session (architecture, idea 1)."""
    client = Imap(suite.port("imap"), ALICE)
    pids = {pid for pid, command in suite.processes().items() if "imapd" in command}
    client.ok("LOGOUT")
    client.at_end()
    wait_for(lambda: pids - {pid for pid, c in suite.processes().items() if "imapd" in c}, 5, "the worker's end")


# ---- clients that are not ours ----

def test_imaplib(suite, imap):
    with imaplib.IMAP4_SSL("127.0.0.1", suite.port("imaps"), ssl_context=__import__("ssl")._create_unverified_context()) as client:
        client.login(ALICE, PASSWORD)
        client.append("INBOX", "(\\Seen)", imaplib.Time2Internaldate(0), PLAIN)
        assert client.select("INBOX") == ("OK", [b"1"])
        kind, data = client.fetch("1", "(RFC822)")
        assert kind == "OK" and data[0][1] == PLAIN
        assert client.search(None, "FROM", "alice") == ("OK", [b"1"])


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl")
def test_curl(suite, imap, tmp_path):
    url = f"imaps://127.0.0.1:{suite.port('imaps')}"
    message = tmp_path / "message"
    message.write_bytes(PLAIN)
    curl = ["curl", "-sSk", "--max-time", "20", "-u", f"{ALICE}:{PASSWORD}"]
    subprocess.run([*curl, "-T", str(message), f"{url}/INBOX"], check=True)
    out = subprocess.run([*curl, f"{url}/INBOX;MAILINDEX=1"], check=True, capture_output=True).stdout
    assert out == PLAIN
    out = subprocess.run([*curl, f"{url}/"], check=True, capture_output=True).stdout
    assert b'LIST (\\HasNoChildren \\Sent) "/" Sent' in out


@pytest.mark.skipif(shutil.which("mbsync") is None, reason="no mbsync (isync)")
def test_mbsync(suite, imap, tmp_path):
    fill(imap, 3)
    imap.ok("CREATE Entw&APw-rfe/Alt")
    fill(imap, 1, "Entw&APw-rfe/Alt")
    maildir = tmp_path / "mail"
    maildir.mkdir()
    config = tmp_path / "mbsyncrc"
    config.write_text(f"""
IMAPAccount a
Host 127.0.0.1
Port {suite.port('imap')}
User {ALICE}
Pass {PASSWORD}
SSLType None
AuthMechs PLAIN LOGIN

IMAPStore far
Account a

MaildirStore near
Path {maildir}/
Inbox {maildir}/INBOX
SubFolders Verbatim

Channel c
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
SyncState *
""")
    sync = ["mbsync", "-c", str(config), "-a"]
    subprocess.run(sync, check=True, capture_output=True, timeout=60)
    assert len(list((maildir / "INBOX").glob("*/*"))) == 3
    assert len(list((maildir / "Entw&APw-rfe" / "Alt").glob("*/*"))) == 1
    for mail in (maildir / "INBOX" / "new").iterdir():  # read one, delete another
        mail.rename(maildir / "INBOX" / "cur" / (mail.name.split(":")[0] + ":2,FS"))
        break
    (maildir / "Sent").mkdir(exist_ok=True)
    subprocess.run(sync, check=True, capture_output=True, timeout=60)
    imap.ok("SELECT INBOX")
    assert len(found(imap, "SEARCH SEEN FLAGGED")) == 1


@pytest.mark.skipif(shutil.which("mutt") is None, reason="no mutt")
def test_mutt(suite, imap, tmp_path):
    fill(imap, 2)
    rc = tmp_path / "muttrc"
    rc.write_text(f"""
set imap_user = "{ALICE}"
set imap_pass = "{PASSWORD}"
set ssl_starttls = no
set ssl_force_tls = no
set folder = "imap://127.0.0.1:{suite.port('imap')}/"
set spoolfile = "+INBOX"
set imap_check_subscribed = no
set move = no
set confirmappend = no
set quit = yes
set delete = yes
""")
    done = subprocess.run(["mutt", "-n", "-F", str(rc), "-e",
                           'push "<flag-message>*<enter><tag-entry><tag-prefix><save-message>=Sent<enter>y<sync-mailbox><quit>"'],
                          env={"TERM": "xterm", "HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
    assert done.returncode in (0, 1), done.stderr
    imap.ok("SELECT INBOX")
