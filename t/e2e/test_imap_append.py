"""APPEND with more than one message (RFC 3502), CATENATE (RFC 4469) and REPLACE (RFC 8508)."""
import pytest

from imapclient import Imap
from instance import Instance

PASSWORD = "secret-of-test"
ALICE = "alice@d.test"

JOE = (b"Date: Mon, 7 Feb 1994 21:52:25 -0800 (PST)\r\nFrom: Fred <fred@d.test>\r\nSubject: afternoon meeting\r\n\r\n"
       b"Hello Joe, do you think we can meet at 3:30 tomorrow?\r\n")
FRED = (b"Date: Mon, 7 Feb 1994 22:43:04 -0800 (PST)\r\nFrom: Joe <joe@d.test>\r\nSubject: Re: afternoon meeting\r\n\r\n"
        b"3:30 is fine with me.\r\n")
LINE = b"--------------030308070208000400050907"
DRAFT = (b"Subject: draft\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n boundary=\"" + LINE[2:] +
         b"\"\r\n\r\n" + LINE + b"\r\nContent-Type: text/plain\r\n\r\nold text\r\n" + LINE +
         b"\r\nContent-Type: application/x-zip-compressed\r\nContent-Transfer-Encoding: base64\r\n\r\nUEsDBA==\r\n" +
         LINE + b"--\r\n")


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    inst.set("auth.plain_on_loopback", "yes")
    inst.set("imap.max_append", "64K")
    inst.set("imap.max_errors", "50")
    inst.start()
    inst.add_user(ALICE, PASSWORD)
    inst.add_user("carol@d.test", PASSWORD)
    yield inst
    inst.close()


@pytest.fixture
def imap(suite):
    client = Imap(suite.port("imap"), ALICE)
    client.ok("CREATE work")
    yield client
    client.ok("NOOP")
    client.ok("DELETE work")
    client.close()


def literal(text, plus=b"+", eight=b""):
    return eight + b"{%d%s}\r\n%s" % (len(text), plus, text)


def count(client, folder="work"):
    return int(client.ok(f"STATUS {folder} (MESSAGES)")[0].split()[-1].rstrip(b")"))


def bodies(client, folder="work"):
    client.ok(f"EXAMINE {folder}")
    lines = client.ok("FETCH 1:* BODY.PEEK[]")
    return [line.split(b"}\r\n", 1)[1][:-1] for line in lines if b"BODY[]" in line]


# ---- MULTIAPPEND ----

def test_capability(imap):
    names = imap.ok("CAPABILITY")[0].split()
    for name in (b"MULTIAPPEND", b"CATENATE", b"REPLACE"):
        assert name in names


def test_the_example_of_rfc_3502(imap):
    imap.send(b"m APPEND work (\\Seen) {%d}\r\n" % len(JOE))
    assert imap.line().startswith(b"+ ")
    imap.send(JOE + b" (\\Flagged own) \" 7-Feb-1994 22:43:04 -0800\" {%d}\r\n" % len(FRED))
    assert imap.line().startswith(b"+ ")
    imap.send(FRED + b"\r\n")
    tagged = imap.result(b"m")[1]
    validity, uids = tagged.split()[2:4]
    assert tagged.startswith(b"OK [APPENDUID ") and uids == b"1:2]", tagged
    assert bodies(imap) == [JOE, FRED]
    first, second = imap.ok("FETCH 1:2 (FLAGS INTERNALDATE)")
    assert b"\\Seen" in first and b"\\Flagged" in second and b"own" in second and b"\\Seen" not in second
    assert b'"08-Feb-1994 06:43:04 +0000"' in second
    assert int(validity) > 0


def test_one_bad_message_and_none_is_there(imap):
    imap.no(b"APPEND work " + literal(JOE) + b" " + literal(b"a: b\r\n\r\nc\0d"), b"[CANNOT]")
    imap.no(b"APPEND work " + literal(JOE) + b" " + literal(b"x" * 70000), b"[TOOBIG]")
    imap.no(b"APPEND work " + literal(JOE) + b" " + literal(b""), b"[CANNOT]")  # cancelled
    imap.bad(b"APPEND work " + literal(JOE) + b" (\\Recent) " + literal(FRED))
    imap.bad(b"APPEND work " + literal(JOE) + b"x")
    imap.bad(b"APPEND work " + literal(JOE) + b" ")
    assert count(imap) == 0


def test_a_message_that_is_too_large_is_refused_before_it_is_sent(imap):
    imap.send(b"m APPEND work " + literal(JOE) + b" {70000}\r\n")
    assert imap.result(b"m") == ([], b"NO [TOOBIG] Message is too large")
    imap.send(b"n APPEND nowhere " + literal(JOE) + b" {10}\r\n")
    assert imap.result(b"n")[1].startswith(b"NO [TRYCREATE]")
    assert count(imap) == 0


def test_literals_that_nobody_asked_for_are_skipped(imap):
    """What was sent without a go-ahead belongs to the refused command, whatever it looks like."""
    poison = b"x LOGOUT\r\n"
    imap.no(b"APPEND nowhere " + literal(poison) + b" (\\Seen) " + literal(poison) + b" " + literal(poison), b"TRYCREATE")
    imap.bad(b"APPEND work (\\Recent) " + literal(poison) + b" (\\Seen) " + literal(poison))
    assert count(imap) == 0


def test_many_messages(imap):
    tagged = imap.command(b"APPEND work" + b"".join(b" " + literal(JOE) for _ in range(300)))[1]
    assert tagged.startswith(b"OK [APPENDUID ") and b" 1:300] " in tagged
    assert count(imap) == 300


def test_a_view_sees_them_arrive_together(imap, suite):
    other = Imap(suite.port("imap"), ALICE)
    other.ok("SELECT work")
    imap.ok(b"APPEND work " + literal(JOE) + b" " + literal(FRED))
    assert b"* 2 EXISTS" in other.ok("NOOP")
    other.close()


# ---- CATENATE ----

@pytest.fixture
def draft(imap):
    """A draft in "work" as UID 1, selected; returns client and UIDVALIDITY."""
    tagged = imap.append("work", DRAFT)[1]
    imap.ok("SELECT work")
    return imap, int(tagged.split()[2])


def test_the_first_example_of_rfc_4469(draft):
    imap, validity = draft
    base = b'"/work;UIDVALIDITY=%d/;UID=1/;section=' % validity
    separator = b"\r\n" + LINE + b"\r\n"
    imap.send(b"c APPEND Drafts (\\Seen \\Draft $MDNSent) CATENATE (URL " + base + b'HEADER" TEXT {%d}\r\n' % len(separator))
    assert imap.line().startswith(b"+ ")
    imap.send(separator + b" URL " + base + b'1.MIME" URL ' + base + b'1" TEXT {%d}\r\n' % (len(separator) + 2))
    assert imap.line().startswith(b"+ ")
    imap.send(b"\r\n" + LINE + b"--\r\n)\r\n")
    untagged, tagged = imap.result(b"c")
    assert tagged.startswith(b"OK [APPENDUID "), tagged
    header, rest = DRAFT.split(b"\r\n\r\n", 1)
    expected = (header + b"\r\n\r\n" + separator + b"Content-Type: text/plain\r\n\r\nold text\r\n" + LINE + b"--\r\n")
    assert bodies(imap, "Drafts")[-1] == expected
    imap.ok("EXAMINE work")
    assert b"\\Seen" not in imap.ok("FETCH 1 FLAGS")[0]


def test_urls_of_every_kind(draft):
    imap, validity = draft
    imap.ok("CREATE {6+}\r\na;b c+")
    imap.append("{6+}\r\na;b c+", b"A: 1\r\nB: 2\r\n\r\n0123456789\r\n")

    def catenated(*urls):
        parts = b" ".join(b'URL "%s"' % url for url in urls)
        tagged = imap.command(b"APPEND work CATENATE (" + parts + b")")[1]
        assert tagged.startswith(b"OK"), tagged
        uid = int(tagged.split()[3].rstrip(b"]"))
        return imap.ok(f"UID FETCH {uid} BODY.PEEK[]")[-1].split(b"}\r\n", 1)[1][:-1]

    whole = b"A: 1\r\nB: 2\r\n\r\n0123456789\r\n"
    name = b"/a%3Bb%20c+/;UID=1"
    assert catenated(name) == whole
    assert catenated(name + b"/;PARTIAL=3.5") == whole[3:8]
    assert catenated(name + b"/;PARTIAL=3") == whole[3:]
    assert catenated(name + b"/;SECTION=TEXT/;PARTIAL=2.4") == b"2345"
    assert catenated(name + b"/;SECTION=TEXT", name + b"/;section=header") == b"0123456789\r\nA: 1\r\nB: 2\r\n\r\n"
    assert catenated(name + b"/;SECTION=HEADER.FIELDS%20(b)") == b"B: 2\r\n\r\n"
    assert catenated(b"/work/;UID=1/;SECTION=2") == b"UEsDBA=="
    assert catenated(b"/work;uidvalidity=%d/;uid=1/;Section=1" % validity) == b"old text"
    imap.ok("DELETE {6+}\r\na;b c+")


@pytest.mark.parametrize("url", [
    b"/work/;UID=99", b"/nowhere/;UID=1", b"/work;UIDVALIDITY=1/;UID=1", b"/work/;UID=1/;SECTION=7",
    b"/work/;UID=1/;SECTION=NONSENSE", b"/work/;UID=0", b"/work/;UID=1x", b"/work", b"work/;UID=1", b";UID=1",
    b"//host/work/;UID=1", b"imap://carol@d.test/INBOX/;UID=1", b"/work/;UID=1/;PARTIAL=1.0", b"/work/;UID=1/;PARTIAL=",
    b"/wo%zzrk/;UID=1", b"/work%00/;UID=1", b"/../carol/;UID=1", b"", b"/", b"/;UID=1", b"/work?x/;UID=1",
    b"/work/;UID=1;EXPIRE=2030-01-01T00:00:00Z;URLAUTH=anonymous:internal:" + b"0" * 32])
def test_a_url_that_means_nothing(draft, url):
    imap, _ = draft
    before = count(imap)
    imap.no(b'APPEND work CATENATE (TEXT {4+}\r\na: b URL "%s" TEXT {4+}\r\nLAST)' % url, b"[BADURL " + url + b"]")
    assert count(imap) == before


def test_the_bad_url_is_shown_harmless(draft):
    imap, _ = draft
    untagged, tagged = imap.command(b"APPEND work CATENATE (URL {9+}\r\n/a]\r\n* \xc3\xa4)")
    assert untagged == [] and tagged.startswith(b"NO [BADURL /a%5D%0D%0A*%20%C3%A4] ")


def test_a_url_as_a_literal(draft):
    imap, _ = draft
    imap.send(b"u APPEND work CATENATE (URL {22}\r\n")
    assert imap.line().startswith(b"+ ")
    imap.send(b"/work/;UID=1/;SECTION=)\r\n")
    assert imap.result(b"u")[1].startswith(b"NO [BADURL /work/;UID=1/;SECTION=]")
    imap.ok(b"APPEND work CATENATE (URL {23+}\r\n/work/;UID=1/;SECTION=1 TEXT {2+}\r\n\r\n)")
    assert bodies(imap)[-1] == b"old text\r\n"


def test_catenate_and_its_limits(draft):
    imap, _ = draft
    big = b'URL "/work/;UID=2" '
    imap.ok(b"APPEND work " + literal(b"a: b\r\n\r\n" + b"x" * 40000))
    imap.no(b"APPEND work CATENATE (" + big + big.strip() + b")", b"[TOOBIG]")
    imap.no(b"APPEND work CATENATE (" + big + b"TEXT " + literal(b"y" * 40000) + b")", b"[TOOBIG]")
    imap.bad(b"APPEND work CATENATE ()")
    imap.bad(b"APPEND work CATENATE (TEXT " + literal(b"a: b\r\n\r\n") + b"TEXT {1+}\r\nx)")
    imap.bad(b"APPEND work CATENATE (TEXT " + literal(b"a: b\r\n\r\n"))
    imap.bad(b"APPEND work CATENATE (TEXT \"a: b\")")
    imap.bad(b"APPEND work CATENATE (URL {5000+}\r\n" + b"u" * 5000 + b")")
    imap.no(b"APPEND work CATENATE (TEXT " + literal(b"") + b")", b"[CANNOT]")
    imap.no(b"APPEND work CATENATE (TEXT " + literal(b"a\0b") + b")", b"[CANNOT]")
    assert count(imap) == 2


def test_catenate_in_multiappend(draft):
    imap, _ = draft
    tagged = imap.command(b'APPEND work (\\Seen) CATENATE (URL "/work/;UID=1") (\\Flagged) ' + literal(JOE) +
                          b' CATENATE (TEXT {4+}\r\na: b)')[1]
    assert b" 2:4] " in tagged
    assert bodies(imap)[1:] == [DRAFT, JOE, b"a: b"]


# ---- REPLACE ----

@pytest.fixture
def four(imap):
    for i in range(4):
        imap.append("work", b"Subject: %d\r\n\r\ntext\r\n" % i, "(\\Flagged) ")
    imap.ok("SELECT work")
    return imap


def test_the_example_of_rfc_8508(four):
    four.send(b"r REPLACE 4 work (\\Seen \\Draft) {%d}\r\n" % len(JOE))
    assert four.line().startswith(b"+ ")
    four.send(JOE + b"\r\n")
    untagged, tagged = four.result(b"r")
    assert tagged.startswith(b"OK "), tagged
    assert untagged[0].startswith(b"* OK [APPENDUID ") and b" 5] " in untagged[0]
    assert b"* 4 EXPUNGE" in untagged and b"* 4 EXISTS" in untagged  # the latter behind the former
    assert four.ok("UID SEARCH ALL") == [b"* SEARCH 1 2 3 5"]
    line = four.ok("UID FETCH 5 (FLAGS BODY.PEEK[])")[0]
    assert JOE in line and b"\\Draft" in line and b"\\Flagged" not in line  # nothing is inherited


def test_uid_replace_into_another_folder(four):
    assert b"* 2 EXPUNGE" in four.ok(b"UID REPLACE 2 Sent " + literal(FRED))
    assert bodies(four, "Sent")[-1] == FRED
    assert count(four) == 3


def test_replace_with_catenate(four):
    """RFC 8508 section 4.2: fields are put in front of the draft that is replaced."""
    four.ok(b'UID REPLACE 3 work CATENATE (TEXT {12+}\r\nTo: you@x.y\n URL "/work/;UID=3")')
    assert bodies(four)[-1] == b"To: you@x.y\nSubject: 2\r\n\r\ntext\r\n"
    assert count(four) == 4


def test_replace_that_fails_leaves_all_as_it_was(four, suite):
    poison = literal(b"x LOGOUT\r\n")
    four.bad(b"REPLACE 5 work " + poison)
    four.bad(b"REPLACE 0 work " + poison)
    four.bad(b"REPLACE 1:2 work " + poison)
    four.bad(b"REPLACE 1 work")
    four.bad(b"REPLACE 1 work (\\Recent) " + poison)
    four.bad(b"REPLACE 1 work " + poison + b" " + poison)  # RFC 8508 section 4.7
    four.no(b"UID REPLACE 99 work " + poison, b"[NONEXISTENT]")
    four.no(b"REPLACE 1 nowhere " + poison, b"[TRYCREATE]")
    four.no(b"REPLACE 1 work " + literal(b"a\0b"), b"[CANNOT]")
    four.no(b"REPLACE 1 work " + literal(b"x" * 70000), b"[TOOBIG]")
    four.no(b'REPLACE 1 work CATENATE (URL "/work/;UID=77")', b"[BADURL ")
    assert count(four) == 4
    four.ok("EXAMINE work")
    four.no(b"REPLACE 1 work " + literal(JOE), b"[NOPERM]")
    assert count(four) == 4
    other = Imap(suite.port("imap"), ALICE)
    other.bad(b"REPLACE 1 work " + literal(JOE))  # nothing is selected
    other.close()


def test_replace_of_the_last(four):
    untagged = four.ok(b"REPLACE * work " + literal(JOE))
    assert b"* 4 EXPUNGE" in untagged
    four.ok(b"UID REPLACE * work " + literal(FRED))
    assert four.ok("UID SEARCH ALL") == [b"* SEARCH 1 2 3 6"]


def test_a_message_that_is_gone_already(four, suite):
    other = Imap(suite.port("imap"), ALICE)
    other.ok("SELECT work")
    other.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
    other.ok("EXPUNGE")
    four.ok("FETCH 1 FLAGS")  # may not tell of the expunge
    four.no(b"REPLACE 2 work " + literal(JOE), b"[EXPUNGEISSUED]")
    assert count(four) == 3
    other.close()


def test_replace_and_uidonly(four):
    """RFC 9586: message numbers are refused, and with them the literal that is on its way."""
    four.ok("ENABLE UIDONLY")
    assert four.command(b"REPLACE 1 work " + literal(b"x LOGOUT\r\n"))[1].startswith(b"BAD [UIDREQUIRED]")
    untagged = four.ok(b"UID REPLACE 2 work " + literal(JOE))
    assert b"* VANISHED 2" in untagged
    assert count(four) == 4


def test_replace_counts_the_difference_only(suite):
    """RFC 8508 section 3.4: a full mailbox still takes a replacement of the same size."""
    suite.allow_small_quotas()
    suite.run("user", "set", "carol@d.test", "quota_bytes=10000")
    carol = Imap(suite.port("imap"), "carol@d.test")
    message = b"a: b\r\n\r\n" + b"x" * 5990 + b"\r\n"
    for folder in (b"INBOX", b"Drafts"):
        carol.ok(b"APPEND " + folder + b" " + literal(message))
        carol.no(b"APPEND " + folder + b" " + literal(message), b"[OVERQUOTA]")
        carol.ok(b"SELECT " + folder)
        carol.ok(b"REPLACE 1 " + folder + b" " + literal(message + b"more"))
        carol.no(b"REPLACE 1 " + folder + b" " + literal(message * 2), b"[OVERQUOTA]")
        assert count(carol, folder.decode()) == 1
        carol.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        carol.ok("EXPUNGE")
    carol.close()
