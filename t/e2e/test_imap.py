"""imapd: selecting, and every command on messages."""
import base64
import re

from imap_suite import fill, found, imap, Imap_session, MIXED, PLAIN, suite
from instance import wait_for


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
    ended = suite.log("imap").count("event=logout ")
    with Imap_session(suite) as other:
        other.send(b"a APPEND INBOX {50000+}\r\n" + b"x" * 20000)
    wait_for(lambda: suite.log("imap").count("event=logout ") > ended, 10, "the end of the session")
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
