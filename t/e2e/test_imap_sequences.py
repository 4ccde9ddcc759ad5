"""The commands of mail programs that we cannot run here, in the order and spelling in which their logs and documents
show them (IMP-06): Thunderbird (logs in public bug reports), Evolution (its imapx provider's logs), Apple Mail (logs
of mail servers' users), Outlook ([MS-STANOIMAP]), JavaMail (its protocol trace), iOS Mail (logs of users)."""
import re

import pytest

from imapclient import Imap
from instance import Instance

PASSWORD = "secret-of-test"
ALICE = "alice@d.test"
MESSAGE = (b"From: Bob <bob@d.test>\r\nTo: alice@d.test\r\nSubject: number %d\r\nMessage-ID: <%d@d.test>\r\n"
           b"Date: Fri, 21 Nov 1997 09:55:06 -0600\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
           b"--b\r\n\r\ntext\r\n--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--b--\r\n")


@pytest.fixture
def suite():
    inst = Instance()
    inst.setup()
    inst.set("auth.plain_on_loopback", "yes")
    inst.start()
    inst.add_user(ALICE, PASSWORD)
    filler = Imap(inst.port("imap"), ALICE)
    for i in range(1, 5):
        filler.append("INBOX", MESSAGE % (i, i), "(\\Seen) " if i < 3 else "")
    filler.close()
    yield inst
    inst.close()


class Program(Imap):
    """Each command must succeed."""

    def fetched(self, command):
        """UID -> text of its FETCH response."""
        lines = [line for line in self.ok(command) if b" FETCH (" in line]
        return {int(re.search(rb"UID (\d+)", line).group(1)): line for line in lines}

    def idle(self, during):
        """The line that tells of a new message while IDLE lasts."""
        self.count += 1
        tag = b"t%d" % self.count
        self.send(tag + b" IDLE\r\n")
        assert self.line().startswith(b"+ ")
        during()
        line = self.line()
        while b"EXISTS" not in line:
            line = self.line()
        self.send(b"DONE\r\n")
        self.result(tag)
        return line


def deliver(suite, number):
    other = Imap(suite.port("imap"), ALICE)
    other.append("INBOX", MESSAGE % (number, number))
    other.close()


def test_thunderbird(suite):
    tb = Program(suite.port("imap"))
    tb.ok("capability")
    tb.send(b'2 authenticate PLAIN\r\n')
    assert tb.line().startswith(b"+")
    tb.send(b"AGFsaWNlQGQudGVzdABzZWNyZXQtb2YtdGVzdA==\r\n")
    assert b"2 OK [CAPABILITY " in tb.line()
    tb.ok('ID ("name" "Thunderbird" "version" "115.7.0")')
    assert tb.ok("ENABLE UTF8=ACCEPT") == [b"* ENABLED UTF8=ACCEPT"]
    tb.ok("namespace")
    listed = b"".join(tb.ok('list (subscribed) "" "*" return (special-use)'))
    assert b"\\Trash" in listed and b'INBOX' in listed
    tb.ok('list "" "INBOX"')
    opened = b"".join(tb.ok('select "INBOX" (CONDSTORE)'))
    assert b"4 EXISTS" in opened and b"HIGHESTMODSEQ" in opened and b"\\*" in opened
    tb.ok('getquotaroot "INBOX"')
    assert set(tb.fetched("UID fetch 1:* (FLAGS)")) == {1, 2, 3, 4}
    fields = ("From To Cc Bcc Subject Date Message-ID Priority X-Priority References Newsgroups In-Reply-To "
              "Content-Type Reply-To Autocrypt")
    headers = tb.fetched(f"UID fetch 1:4 (UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS ({fields})])")
    assert all(b"BODY[HEADER.FIELDS (" + fields.encode() + b")] {" in line for line in headers.values())
    whole = tb.fetched("UID fetch 3 (UID RFC822.SIZE BODY.PEEK[])")[3]
    assert MESSAGE % (3, 3) in whole
    tb.ok("uid fetch 3 (BODYSTRUCTURE)")
    assert b"text" in tb.fetched("UID fetch 3 (BODY.PEEK[1.MIME] BODY.PEEK[1])")[3]
    assert b"\\Seen" in b"".join(tb.ok("uid store 3 +Flags (\\Seen)"))
    tb.ok("uid store 3 +Flags ($label1 NonJunk)")
    assert b"EXISTS" in tb.idle(lambda: deliver(suite, 5))
    assert set(tb.fetched("UID fetch 5:* (FLAGS)")) == {5}
    draft = "Subject: Entwurf ä\r\n\r\nx\r\n".encode()
    tb.send(b'20 append "Drafts" (\\Draft) {%d}\r\n' % len(draft))
    assert tb.line().startswith(b"+ ")
    tb.send(draft + b"\r\n")
    untagged, tagged = tb.result(b"20")
    assert tagged.startswith(b"OK [APPENDUID ")
    assert b"COPYUID" in b"".join(tb.ok('uid move 4 "Trash"'))
    tb.ok('create "Ordner ä"')
    tb.ok('subscribe "Ordner ä"')
    tb.ok('uid copy 1 "Ordner ä"')
    tb.ok('STATUS "Ordner ä" (UIDNEXT MESSAGES UNSEEN RECENT)')
    tb.ok("noop")
    tb.ok("check")
    tb.ok('select "Trash" (CONDSTORE)')
    tb.ok("UID fetch 1:* (FLAGS) (CHANGEDSINCE 1)")
    tb.ok("uid store 1 +Flags (\\Deleted)")
    tb.ok("uid expunge 1")
    tb.ok("close")
    tb.ok("logout")


def test_evolution(suite):
    ev = Program(suite.port("imap"))
    ev.ok("CAPABILITY")
    ev.ok(f"LOGIN {ALICE} {PASSWORD}")
    ev.ok("CAPABILITY")
    ev.ok("ID (\"name\" \"Evolution\" \"version\" \"3.46\")")
    ev.ok("NAMESPACE")
    ev.ok("ENABLE CONDSTORE QRESYNC")
    ev.ok('LIST "" "*" RETURN (SPECIAL-USE SUBSCRIBED CHILDREN)')
    ev.ok('LSUB "" "*"')
    status = ev.ok("STATUS INBOX (MESSAGES UNSEEN UIDVALIDITY UIDNEXT HIGHESTMODSEQ)")[0]
    assert b"MESSAGES 4" in status and b"HIGHESTMODSEQ" in status
    validity = re.search(rb"UIDVALIDITY (\d+)", status).group(1).decode()
    modseq = re.search(rb"HIGHESTMODSEQ (\d+)", status).group(1).decode()
    ev.ok("SELECT INBOX")
    assert set(ev.fetched("UID FETCH 1:* (UID FLAGS)")) == {1, 2, 3, 4}
    headers = ev.fetched("UID FETCH 1:4 (RFC822.SIZE RFC822.HEADER FLAGS)")
    assert all(b"RFC822.HEADER {" in line for line in headers.values())
    piece = ev.fetched("UID FETCH 3 (BODY.PEEK[]<0.131072>)")[3]
    assert b"BODY[]<0> {" in piece and MESSAGE % (3, 3) in piece
    assert b"BODY[]<131072> " in ev.fetched("UID FETCH 3 (BODY.PEEK[]<131072.131072>)")[3]
    ev.ok("UID STORE 3,4 +FLAGS.SILENT (\\Seen)")
    assert b"EXISTS" in ev.idle(lambda: deliver(suite, 5))
    ev.ok("UID MOVE 1 Trash")
    ev.ok("UNSELECT")
    changes = b"".join(ev.ok(f"SELECT INBOX (QRESYNC ({validity} {modseq}))"))
    assert b"VANISHED (EARLIER) 1\r\n"[:-2] in changes and b"UID 3" in changes and b"UID 2 " not in changes
    ev.ok("UID SEARCH NOT DELETED BODY text")
    ev.ok("EXPUNGE")
    ev.ok("LOGOUT")


def test_apple_mail(suite):
    am = Program(suite.port("imap"))
    am.ok("CAPABILITY")
    am.ok("AUTHENTICATE PLAIN AGFsaWNlQGQudGVzdABzZWNyZXQtb2YtdGVzdA==")
    am.ok('ID ("name" "Mac OS X Mail" "version" "16.0 (3696.120.41.1.1)" "os" "Mac OS X" "os-version" "12.5.1 (21G83)" '
          '"vendor" "Apple Inc.")')
    am.ok("CAPABILITY")
    am.ok("ENABLE CONDSTORE")
    am.ok('LIST "" ""')
    assert b"\\Sent" in b"".join(am.ok('LIST "" "*" RETURN (SPECIAL-USE)'))
    am.ok('LSUB "" "*"')
    am.ok("STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ)")
    am.ok("SELECT INBOX (CONDSTORE)")
    assert len(am.ok("FETCH 1:* (FLAGS UID MODSEQ)")) == 4
    fields = ("date subject from to cc message-id in-reply-to references content-type x-priority "
              "x-uniform-type-identifier x-universally-unique-identifier list-id list-unsubscribe")
    headers = am.fetched(f"UID FETCH 1:4 (INTERNALDATE UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS ({fields})])")
    assert all(b"BODY[HEADER.FIELDS (" + fields.encode() + b")] {" in line for line in headers.values())
    structure = am.fetched("UID FETCH 3 (BODYSTRUCTURE BODY.PEEK[HEADER])")[3]
    assert b'"image" "png"' in structure
    assert b"BODY[1]<0> {4}\r\ntext" in am.fetched("UID FETCH 3 BODY.PEEK[1]<0.32768>")[3]
    assert b"BODY[2] {4}\r\nAAAA" in am.fetched("UID FETCH 3 (BODY.PEEK[2] BODY.PEEK[2.MIME])")[3]
    assert b"3 4" in am.ok("UID SEARCH RETURN (ALL) UNSEEN")[0] or b"3:4" in am.ok("UID SEARCH RETURN (ALL) UNSEEN")[0]
    am.ok("UID SEARCH 1:* NOT DELETED")
    am.ok("UID STORE 3 +FLAGS.SILENT (\\Seen \\Flagged $MailFlagBit0)")
    assert b"EXISTS" in am.idle(lambda: deliver(suite, 5))
    sent = MESSAGE % (9, 9)
    am.send(b'9 APPEND Sent (\\Seen) "21-Nov-2024 09:55:06 +0100" {%d}\r\n' % len(sent))
    assert am.line().startswith(b"+ ")
    am.send(sent + b"\r\n")
    assert am.result(b"9")[1].startswith(b"OK [APPENDUID ")
    am.ok("UID COPY 3 Archive") if b"Archive" in b"".join(am.ok('LIST "" Archive')) else am.ok("CREATE Archive")
    am.ok("UID COPY 3 Archive")
    am.ok("UID STORE 3 +FLAGS.SILENT (\\Deleted)")
    am.ok("UID EXPUNGE 3")
    am.ok("CLOSE")
    am.ok("LOGOUT")


def test_outlook(suite):
    """[MS-STANOIMAP] 2.2.34: (UID), (UID FLAGS) and BODY.PEEK with HEADER or nothing between the brackets."""
    ol = Program(suite.port("imap"))
    ol.ok("CAPABILITY")
    ol.ok(f'LOGIN "{ALICE}" "{PASSWORD}"')
    ol.ok("CAPABILITY")
    ol.ok('LIST "" ""')
    ol.ok('LIST "" "*"')
    ol.ok('LSUB "" "*"')
    ol.ok('STATUS "INBOX" (UIDNEXT UIDVALIDITY)')
    ol.ok('SELECT "INBOX"')
    assert set(ol.fetched("UID FETCH 1:* (UID FLAGS)")) == {1, 2, 3, 4}
    heads = ol.fetched("UID FETCH 1:4 (UID FLAGS RFC822.SIZE BODY.PEEK[HEADER] INTERNALDATE)")
    assert all(b"BODY[HEADER] {" in line and b"INTERNALDATE" in line for line in heads.values())
    assert MESSAGE % (4, 4) in ol.fetched("UID FETCH 4 (UID FLAGS BODY.PEEK[])")[4]
    assert len(ol.fetched("FETCH 1:* (UID)")) == 4
    ol.ok("UID STORE 4 +FLAGS (\\Seen)")
    ol.ok("UID STORE 1 +FLAGS.SILENT (\\Deleted)")
    ol.ok('UID COPY 1 "Trash"')
    ol.ok("EXPUNGE")
    assert b"EXISTS" in ol.idle(lambda: deliver(suite, 5))
    sent = MESSAGE % (9, 9)
    ol.send(b'o1 APPEND "Sent" (\\Seen) {%d}\r\n' % len(sent))
    assert ol.line().startswith(b"+ ")
    ol.send(sent + b"\r\n")
    assert ol.result(b"o1")[1].startswith(b"OK")
    ol.ok("NOOP")
    ol.ok('CREATE "Sent Items"')
    ol.ok('SUBSCRIBE "Sent Items"')
    ol.ok("CLOSE")
    ol.ok("LOGOUT")


def test_javamail(suite):
    """The protocol trace of mail.debug=true: messages are named by their numbers, bodies come in pieces of 16 KiB."""
    java = Program(suite.port("imap"))
    java.ok("CAPABILITY")
    java.send(b"A1 AUTHENTICATE PLAIN\r\n")
    assert java.line().startswith(b"+")
    java.send(b"AGFsaWNlQGQudGVzdABzZWNyZXQtb2YtdGVzdA==\r\n")
    assert b"A1 OK" in java.line()
    java.ok("CAPABILITY")
    java.ok('LIST "" INBOX')
    java.ok("STATUS INBOX (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN)")
    java.ok("EXAMINE INBOX")
    java.ok("CLOSE")
    java.ok("SELECT INBOX")
    listed = java.ok("FETCH 1:4 (ENVELOPE INTERNALDATE RFC822.SIZE FLAGS BODYSTRUCTURE)")
    assert len(listed) == 4 and all(b"ENVELOPE (" in line and b"BODYSTRUCTURE (" in line for line in listed)
    assert b"BODY[HEADER] {" in java.ok("FETCH 3 (BODY.PEEK[HEADER])")[0]
    assert b"BODY[1]<0> {4}\r\ntext" in java.ok("FETCH 3 (BODY[1]<0.16384>)")[0]
    assert b"BODY[1.MIME] {2}" in java.ok("FETCH 3 (BODY.PEEK[1.MIME])")[0]
    assert java.ok('SEARCH UNSEEN FROM "bob" ALL')[0] == b"* SEARCH 4"
    assert java.ok('SEARCH OR SUBJECT "number 1" SUBJECT "number 4" ALL')[0] == b"* SEARCH 1 4"
    assert b"\\Seen" in java.ok("STORE 4 +FLAGS (\\Seen)")[0]
    java.ok("COPY 1:2 Trash")
    java.ok("STORE 1:2 +FLAGS (\\Deleted)")
    assert java.ok("EXPUNGE").count(b"* 1 EXPUNGE") == 2
    assert b"EXISTS" in java.idle(lambda: deliver(suite, 5))
    java.ok("NOOP")
    java.ok("CLOSE")
    java.ok("LOGOUT")


def test_iphone(suite):
    """iOS Mail, from the logs of servers' users: a window of the newest, previews, and everything by UID."""
    ios = Program(suite.port("imap"))
    ios.ok("CAPABILITY")
    ios.ok("AUTHENTICATE PLAIN AGFsaWNlQGQudGVzdABzZWNyZXQtb2YtdGVzdA==")
    ios.ok('ID ("name" "iPhone Mail" "version" "21F90" "os" "iOS" "os-version" "17.5.1 (21F90)")')
    ios.ok("NAMESPACE")
    ios.ok("ENABLE QRESYNC CONDSTORE")
    assert b"\\Drafts" in b"".join(ios.ok('LIST "" "*" RETURN (SPECIAL-USE)'))
    ios.ok('STATUS "Sent" (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)')
    opened = b"".join(ios.ok("SELECT INBOX"))
    validity = re.search(rb"UIDVALIDITY (\d+)", opened)[1].decode()
    modseq = re.search(rb"HIGHESTMODSEQ (\d+)", opened)[1].decode()
    assert b"1:4" in ios.ok("UID SEARCH RETURN (ALL) 1:4 UNDELETED")[0]
    fields = "date subject from to cc message-id in-reply-to references content-type x-priority list-unsubscribe"
    heads = ios.fetched(f"UID FETCH 1:4 (INTERNALDATE UID RFC822.SIZE FLAGS BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS ({fields})])")
    assert set(heads) == {1, 2, 3, 4}
    assert b"BODY[1]<0> {4}\r\ntext" in ios.fetched("UID FETCH 4 (BODY.PEEK[1]<0.4096>)")[4]
    assert b"BODY[2]" in ios.fetched("UID FETCH 4 (BODY.PEEK[2] BODY.PEEK[2.MIME])")[4]
    ios.ok("UID STORE 4 +FLAGS.SILENT (\\Seen)")
    ios.ok("UID MOVE 1:2 Trash")
    assert b"EXISTS" in ios.idle(lambda: deliver(suite, 5))
    ios.ok("CLOSE")
    missed = b"\n".join(ios.ok(f"SELECT INBOX (QRESYNC ({validity} {modseq} 1:4))"))
    assert b"VANISHED (EARLIER) 1:2" in missed and b"UID 4 " in missed and b"UID 3 " not in missed
    ios.ok("LOGOUT")
