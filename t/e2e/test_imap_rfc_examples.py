"""The examples of the IMAP extensions that have no file of their own: the mailboxes that an example assumes, its commands,
its responses as far as they are determined. Numbers that a server chooses stand as patterns."""
import base64
import itertools
import os
import pathlib
import re
import select
import signal
import time

import pytest

from imapclient import Imap
from imap_users import PASSWORD, sessions, suite_with
from instance import wait_for

STANDARD = ("Drafts", "Junk", "Sent", "Trash")
COUNT = itertools.count(1)


@pytest.fixture(scope="module")
def suite():
    with suite_with(auth_failure_delay=0, imap_fulltext="no") as inst:
        yield inst


@pytest.fixture
def session(suite):
    with sessions(suite) as session:
        yield session


@pytest.fixture
def user(suite, session):
    """user("joe"): a session of a new user joe, who has INBOX alone; the address is in client.address."""
    number = next(COUNT)

    def user(name="alice"):
        address = f"{name}{number}@d.test"
        suite.add_user(address, PASSWORD)
        client = session(address, *(f"{verb} {folder}" for folder in STANDARD for verb in ("UNSUBSCRIBE", "DELETE")))
        client.address = address
        return client

    return user


@pytest.fixture
def imap(user):
    return user()


def append(client, folder, *messages):
    """All in one APPEND; a message is its text or (flags and date, text)."""
    pairs = [("", m) if isinstance(m, bytes) else m for m in messages]
    parts = b"".join(f" {arguments}{' ' if arguments else ''}{{{len(text)}+}}\r\n".encode() + text for arguments, text in pairs)
    return client.ok(f"APPEND {folder}".encode() + parts)


def text(number=0, *header):
    return "\r\n".join([f"Subject: number {number}", *header, "", "text", ""]).encode()


def internal(when):
    return time.strftime('"%d-%b-%Y %H:%M:%S +0000"', time.gmtime(when))


def lists(client, command, *attributes):
    """The responses in their order: "NAME: those of the attributes that it has", and every STATUS as it is."""
    shown = []
    for line in filter(None, client.ok(command)):
        match = re.fullmatch(rb'\* LIST \(([^)]*)\) "/" ("[^"]*"|[^" ]+)(| \("CHILDINFO" \("SUBSCRIBED"\)\))', line)
        if match is None:
            shown.append(line.decode())
            continue
        has = match.group(1).decode().lower().split()
        words = [name for name in attributes if f"\\{name.lower()}" in has] + ["CHILDINFO"] * bool(match.group(3))
        shown.append(": ".join([match.group(2).decode(), " ".join(words)]).rstrip(": "))
    return shown


# ---- LIST ----

def test_list_status(imap):
    """RFC 5819 section 3."""
    append(imap, "INBOX", ("(\\Seen)", text()), *[text()] * 16)
    for command in ("CREATE foo/child", "CREATE bar/child", "DELETE bar", "SUBSCRIBE INBOX", "SUBSCRIBE foo/child"):
        imap.ok(command)
    append(imap, "foo", ("(\\Seen)", text()), *[text()] * 29)
    answer = lists(imap, 'LIST "" % RETURN (STATUS (MESSAGES UNSEEN))', "NonExistent")  # \\Noselect is in this
    assert answer[:2] == ["INBOX", "* STATUS INBOX (MESSAGES 17 UNSEEN 16)"]
    assert sorted(answer[2:]) == ["* STATUS foo (MESSAGES 30 UNSEEN 29)", "bar: NonExistent", "foo"]
    assert answer.index("foo") < answer.index("* STATUS foo (MESSAGES 30 UNSEEN 29)")
    # the RFC's line lacks the space after the selection options
    assert lists(imap, 'LIST (SUBSCRIBED RECURSIVEMATCH) "" % RETURN (STATUS (MESSAGES))', "Subscribed") == [
        "INBOX: Subscribed", "* STATUS INBOX (MESSAGES 17)", "foo: CHILDINFO"]


@pytest.fixture
def uses(imap):
    for command in ("CREATE ToDo", "CREATE Projects/One", "CREATE SentMail (USE (\\Sent))", "CREATE MyDrafts (USE (\\Drafts))",
                    "CREATE Trash (USE (\\Trash))"):
        imap.ok(command)
    return imap


def test_special_use(uses):
    """RFC 6154 sections 5.1 and 5.2. The attributes come without their option too, and \\Marked is never told."""
    has, special = ("HasChildren", "HasNoChildren"), ("Sent", "Drafts", "Trash")
    assert sorted(lists(uses, 'LIST "" "%"', *special, *has)) == [
        "INBOX: HasNoChildren", "MyDrafts: Drafts HasNoChildren", "Projects: HasChildren", "SentMail: Sent HasNoChildren",
        "ToDo: HasNoChildren", "Trash: Trash HasNoChildren"]
    assert {b"SPECIAL-USE", b"CREATE-SPECIAL-USE"} <= set(uses.ok("CAPABILITY")[0].split())
    assert sorted(lists(uses, 'LIST "" "%" RETURN (SPECIAL-USE)', *special)) == [
        "INBOX", "MyDrafts: Drafts", "Projects", "SentMail: Sent", "ToDo", "Trash: Trash"]
    assert sorted(lists(uses, 'LIST (SPECIAL-USE) "" "*"', *special)) == ["MyDrafts: Drafts", "SentMail: Sent", "Trash: Trash"]


def test_create_special_use(imap):
    """RFC 6154 section 5.3. A folder has one use here, so two are refused, in the way of section 3: there is no folder then."""
    imap.no("CREATE MySpecial (USE (\\Drafts \\Sent))", b"[USEATTR] ")
    imap.ok("CREATE MySpecial (USE (\\Drafts))")
    imap.no("CREATE Everything (USE (\\All))", b"[USEATTR] ")
    assert sorted(lists(imap, 'LIST "" *', "Drafts", "Sent", "All")) == ["INBOX", "MySpecial: Drafts"]


def test_special_use_in_metadata(uses):
    """RFC 6154 section 5.4 and section 4: the entry is what LIST says. Setting it, which a server may allow, is refused."""
    for command in ("DELETE ToDo", "DELETE Projects/One", "DELETE Projects", "CREATE SavedDrafts"):
        uses.ok(command)
    entry = "/private/specialuse"
    assert uses.ok(f'GETMETADATA "MyDrafts" {entry}') == [b'* METADATA MyDrafts (/private/specialuse "\\\\Drafts")']
    uses.no(f'SETMETADATA "SavedDrafts" (/private/comment "x" {entry} "\\\\Drafts")', b"NO [CANNOT] ")
    uses.no(f'SETMETADATA "SentMail" ({entry} NIL)', b"NO [CANNOT] ")
    assert uses.ok("GETMETADATA SavedDrafts (/private/comment /PRIVATE/specialuse)") == [
        b"* METADATA SavedDrafts (/private/comment NIL /PRIVATE/specialuse NIL)"]
    assert uses.ok("GETMETADATA (DEPTH infinity) SentMail /private") == [
        b'* METADATA SentMail (/private/specialuse "\\\\Sent")']
    assert sorted(lists(uses, 'LIST "" "%" RETURN (SPECIAL-USE)', "Sent", "Drafts", "Trash")) == [
        "INBOX", "MyDrafts: Drafts", "SavedDrafts", "SentMail: Sent", "Trash: Trash"]


def share(owner, reader, *folders):
    for folder in folders:
        owner.ok(f"SETACL {folder} {reader.address} lr")


def test_children(user, session):
    """RFC 3348 section 4. The example's server can't tell whether the one child is for the reader; this one can, and says
    what section 3 says: \\HasNoChildren."""
    owner, reader = user("owner"), user("reader")
    for folder in ("ITEM_1/ITEM_1A", "ITEM_2/TOP_SECRET"):
        owner.ok(f"CREATE {folder}")
    share(owner, reader, "ITEM_1", "ITEM_1/ITEM_1A", "ITEM_2")
    reader = session(reader.address)  # a right that is given holds from the next login
    has, there = ("HasChildren", "HasNoChildren"), f"~{owner.address}/"
    assert sorted(lists(owner, 'LIST "" *', *has)) == [
        "INBOX: HasNoChildren", "ITEM_1/ITEM_1A: HasNoChildren", "ITEM_1: HasChildren", "ITEM_2/TOP_SECRET: HasNoChildren",
        "ITEM_2: HasChildren"]
    assert sorted(lists(reader, f'LIST "" {there}*', *has)) == [
        f"{there}ITEM_1/ITEM_1A: HasNoChildren", f"{there}ITEM_1: HasChildren", f"{there}ITEM_2: HasNoChildren"]


def test_namespace(user, session):
    """RFC 2342 section 5, examples 5.4, 5.6 and 5.9; section 7 for who grants nothing. INBOX is never shared here."""
    client, mark, other = user(), user("mark"), user("other")
    for command in ("CREATE foo", "CREATE bar", "CREATE hidden"):
        mark.ok(command)
    other.ok("CREATE foo")
    share(mark, client, "foo", "bar")
    client = session(client.address)
    assert client.ok("NAMESPACE") == [b'* NAMESPACE (("" "/")) (("~" "/")) (("@" "/"))']
    client.ok('CREATE "Sent Mail"')
    assert sorted(lists(client, 'LIST "" %')) == ['"Sent Mail"', "INBOX", f"~{mark.address}"]
    assert sorted(lists(client, f'LIST "" "~{mark.address}/%"')) == [f"~{mark.address}/bar", f"~{mark.address}/foo"]
    assert lists(client, f'LIST "" "~{other.address}/%"') == []


# ---- ENABLE, UIDPLUS ----

def test_enable(imap, session):
    """RFC 5161 section 3.1. The example's server knows X-GOOD-IDEA and no CONDSTORE, this one the other way round."""
    before = imap.ok("CAPABILITY")
    assert imap.ok("ENABLE CONDSTORE X-GOOD-IDEA") == [b"* ENABLED CONDSTORE"]
    assert imap.ok("CAPABILITY") == before
    client = session(imap.address)
    assert client.ok("ENABLE X-GOOD-IDEA") == [b"* ENABLED"]
    assert client.ok("ENABLE CONDSTORE") == [b"* ENABLED CONDSTORE"]
    append(client, "INBOX", text())
    client.ok("SELECT INBOX")
    assert re.search(rb"^\* 1 FETCH \(.*MODSEQ \(\d+\)", client.ok("STORE 1 +FLAGS (\\Seen)")[0])


def test_uid_expunge(imap):
    """RFC 4315 section 2.1; messages 3 to 5 have the UIDs of the command, and another that is \\Deleted has not."""
    append(imap, "INBOX", *[text()] * 7)
    for command in ("SELECT INBOX", "STORE 1 +FLAGS (\\Deleted)", "EXPUNGE", "STORE 1,3:5 +FLAGS (\\Deleted)"):
        imap.ok(command)
    assert imap.ok("UID EXPUNGE 4:6") == [b"* 3 EXPUNGE"] * 3
    assert imap.ok("UID SEARCH ALL") == [b"* SEARCH 2 3 7"]


def test_uidplus_responses(imap):
    """RFC 4315 section 3. All mailboxes have lasting UIDs here, funny too."""
    for folder in ("saved-messages", "meeting", "funny"):
        imap.ok(f"CREATE {folder}")
    append(imap, "saved-messages", *[text(number) for number in range(1, 320)])
    for command in ("SELECT saved-messages", "STORE 2:303,305:318 +FLAGS.SILENT (\\Deleted)", "EXPUNGE"):
        imap.ok(command)
    imap.send("A003 APPEND saved-messages (\\Seen) {297}\r\n")
    assert imap.line().startswith(b"+ ")
    imap.send(text().ljust(297, b".") + b"\r\n")
    _, tagged = imap.result(b"A003")
    validity = re.match(rb"OK \[APPENDUID (\d+) 320\] ", tagged).group(1)
    _, tagged = imap.command("COPY 2:4 meeting")
    assert re.match(rb"OK \[COPYUID \d+ 304,319:320 1:3\] ", tagged)
    _, tagged = imap.command("UID COPY 305:310 meeting")
    assert re.match(rb"OK [^\[]", tagged)
    _, tagged = imap.command("COPY 2 funny")
    funny = re.match(rb"OK \[COPYUID (\d+) 304 1\] ", tagged).group(1)
    assert funny != validity
    answer = b"\n".join(imap.ok("SELECT funny"))
    for part in (b"* 1 EXISTS", b"* 1 RECENT", b"* OK [UNSEEN 1]", b"* OK [UIDVALIDITY %b]" % funny, b"* OK [UIDNEXT 2]",
                 b"* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft", b"* OK [PERMANENTFLAGS (\\"):
        assert part in answer, part
    assert b"UIDNOTSTICKY" not in answer


# ---- WITHIN, SORT, THREAD ----

def test_within(imap):
    """RFC 5032 section 4; the RFC's answer begins with a tag that it can't have. The others are seen or too old."""
    now, found = time.time(), (4, 8, 15, 16, 23, 42)
    dates = (internal(now - 250000), internal(now - 270000))
    append(imap, "INBOX", *[(f"{'' if number in found else '(' + chr(92) + 'Seen) '}{dates[0]}" if number % 2 or number in found
                             else dates[1], text(number)) for number in range(1, 46)])
    imap.ok("SELECT INBOX")
    assert imap.ok("SEARCH UNSEEN YOUNGER 259200") == [b"* SEARCH 4 8 15 16 23 42"]


def test_sort(imap):
    """RFC 5256 section 3, SORT Command, and section 4, SORT Response."""
    old, young = '"31-Jan-1994 12:00:00 +0000"', '"01-Feb-1994 12:00:00 +0000"'
    subjects = {2: "Re: apple", 84: "banana", 882: "[list] cherry"}
    append(imap, "INBOX", *[(young, f"Subject: {subjects[n]}\r\n\r\n".encode()) if n in subjects else (old, text(n))
                            for n in range(1, 883)])
    imap.ok("SELECT INBOX")
    assert imap.ok("SORT (SUBJECT) UTF-8 SINCE 1-Feb-1994") == [b"* SORT 2 84 882"]
    assert imap.ok("SORT (SUBJECT) UTF-8 2,3,6") == [b"* SORT 2 3 6"]
    imap.ok("CREATE five")
    append(imap, "five", *[f"Subject: {subject}\r\nDate: {day} Feb 1994 12:00:00 +0000\r\n\r\n".encode() for subject, day in
                           (("beta", 5), ("Re: beta", 5), ("Fwd: alpha (fwd)", 7), ("BETA", 6), ("alpha", 8))])
    imap.ok("SELECT five")
    assert imap.ok("SORT (SUBJECT REVERSE DATE) UTF-8 ALL") == [b"* SORT 5 3 4 1 2"]
    assert imap.ok('SORT (SUBJECT) US-ASCII TEXT "not in mailbox"') == [b"* SORT"]


# What the messages of the example are: in the order of their sent dates; subjects of more than one; a reply has its parent.
BY_DATE = [166, 167, 168, 169, 172, 170, 171, 173, 174, 175, 176, 178, 181, 180, 179, 177, 183, 182, 188, 184, 185, 186, 187,
           189, *range(190, 209)]
SUBJECTS = {**dict.fromkeys((174, 175, 176, 178, 181, 180), "Re: first"),
            **dict.fromkeys((177, 183, 182, 188, 184, 185, 186, 187, 189), "Re: second"),
            194: "Re: third", 195: "Re: third", 196: "Re: fourth", 197: "fourth", 198: "Re: fourth", 200: "fifth",
            202: "Re: fifth", 206: "sixth", 207: "Re: sixth"}
PARENTS = {170: "gone", 179: "gone", 184: 188, 189: 188, 186: 185, 196: 195, 198: 197, 206: 205, 207: 206}


def threaded(number, subject, minute, parent=None):
    return "\r\n".join([f"Message-ID: <{number}@x.test>", f"Subject: {subject}",
                        f"Date: Mon, 6 Mar 2000 {minute // 60:02}:{minute % 60:02}:00 +0000",
                        *([f"References: <{parent}@x.test>"] if parent else []), "", "text", ""]).encode()


def test_thread(imap):
    """RFC 5256 section 3, THREAD Command: both answers of the example from one mailbox."""
    old, young = '"04-Mar-2000 12:00:00 +0000"', '"05-Mar-2000 12:00:00 +0000"'
    append(imap, "INBOX", *[(old, text(n)) for n in range(1, 166)],
           *[(young, threaded(n, SUBJECTS.get(n, f"number {n}"), BY_DATE.index(n), PARENTS.get(n))) for n in range(166, 209)])
    imap.ok("SELECT INBOX")
    assert imap.ok("THREAD ORDEREDSUBJECT UTF-8 SINCE 5-MAR-2000") == [
        b"* THREAD (166)(167)(168)(169)(172)(170)(171)(173)(174 (175)(176)(178)(181)(180))(179)(177 (183)(182)(188)(184)(185)"
        b"(186)(187)(189))(190)(191)(192)(193)(194 195)(196 (197)(198))(199)(200 202)(201)(203)(204)(205)(206 207)(208)"]
    assert imap.ok('THREAD ORDEREDSUBJECT US-ASCII TEXT "gewp"') == [b"* THREAD"]
    assert imap.ok("THREAD REFERENCES UTF-8 SINCE 5-MAR-2000") == [
        b"* THREAD (166)(167)(168)(169)(172)((170)(179))(171)(173)((174)(175)(176)(178)(181)(180))((177)(183)(182)"
        b"(188 (184)(189))(185 186)(187))(190)(191)(192)(193)((194)(195 196))(197 198)(199)(200 202)(201)(203)(204)"
        b"(205 206 207)(208)"]


def test_thread_response(imap):
    """RFC 5256 section 4, THREAD Response."""
    parents = {6: 3, 4: 6, 23: 4, 44: 6, 7: 44, 96: 7}
    append(imap, "INBOX", *[threaded(n, f"number {n}", n, parents.get(n)) for n in range(1, 97)])
    imap.ok("SELECT INBOX")
    assert imap.ok("THREAD REFERENCES UTF-8 2,3,4,6,7,23,44,96") == [b"* THREAD (2)(3 6 (4 23)(44 7 96))"]
    imap.ok("CREATE five")
    append(imap, "five", *[threaded(n, f"number {n}", n, {3: 1, 5: 1}.get(n)) for n in range(1, 6)])
    imap.ok("SELECT five")
    assert imap.ok("THREAD REFERENCES UTF-8 3,5") == [b"* THREAD ((3)(5))"]


# ---- INPROGRESS ----

def session_pid(suite, client):
    line = re.compile(rf"imapd\[(\d+)\] info event=login .* user={client.address} ")
    return int(wait_for(lambda: line.search(suite.log("imap")), what="login").group(1))


def test_inprogress(suite, imap):
    """RFC 9585 section 4: the session is stopped in the midst of its search, for as long as it says nothing."""
    append(imap, "INBOX", *[text(number) + b"x" * 2000 for number in range(1000)])
    imap.ok("SELECT INBOX")
    pid = session_pid(suite, imap)

    def reads():
        return int(re.search(r"syscr: (\d+)", pathlib.Path(f"/proc/{pid}/io").read_text()).group(1))

    def search_and_stop():
        """False: it was done before it could be stopped."""
        before = reads()
        imap.send('A001 search text "this will be slow"\r\n')
        while reads() < before + 100:
            pass
        os.kill(pid, signal.SIGSTOP)
        if not select.select([imap.sock], [], [], 0.2)[0]:
            return True
        os.kill(pid, signal.SIGCONT)
        imap.result(b"A001")
        return False

    wait_for(search_and_stop, what="a search that is not done")
    assert not select.select([imap.sock], [], [], 10.2)[0]
    os.kill(pid, signal.SIGCONT)
    done = re.match(rb'\* OK \[INPROGRESS \("A001" (\d+) 1000\)\] ', imap.line()).group(1)
    assert 0 < int(done) < 1000
    assert imap.line() == b"* SEARCH\r\n"
    assert imap.line().startswith(b"A001 OK ")


# ---- URLAUTH ----

PARA = b"Si vis pacem, para bellum.\r\n"
NESTED = (b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n"
          b"--o\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\none\r\n--i\r\n\r\n" + PARA +
          b"\r\n--i--\r\n--o\r\n\r\ntwo\r\n--o--\r\n")


def test_urlauth(user):
    """RFC 4467 section 7. No IMAP session is a submission server here (BURL asks another way): it is named as a user."""
    joe, fred, submitter = user("joe"), user("fred"), user("submitserver")
    append(joe, "INBOX", *[text(n) for n in range(1, 20)], NESTED)
    part = f"imap://{joe.address.replace('@', '%40')}@mail.d.test/INBOX/;uid=20/;section=1.2"
    joe.ok("RESETKEY")
    assert joe.command("RESETKEY INBOX")[1].startswith(b"OK [URLMECH INTERNAL] ")
    joe.bad(f'GENURLAUTH "{part}" INTERNAL')
    joe.bad('GENURLAUTH "imap://mail.d.test/Shared/;uid=20/;section=1.2;urlauth=submit+fred" INTERNAL')

    def authorized(access):
        rump = f"{part};urlauth={access}"
        match = re.fullmatch(rb'\* GENURLAUTH "?(' + re.escape(rump.encode()) + rb':internal:[0-9a-f]{32,})"?',
                             joe.ok(f'GENURLAUTH "{rump}" INTERNAL')[0], re.IGNORECASE)
        return match.group(1)

    url = authorized("user+" + submitter.address.replace("@", "%40"))
    submitter.send(b'a002 URLFETCH "' + url + b'"\r\n')
    assert submitter.line() == b'* URLFETCH "' + url + b'" {28}\r\n' + PARA + b"\r\n"
    assert submitter.line().startswith(b"a002 OK ")
    url = authorized("submit+" + fred.address.replace("@", "%40"))
    assert [client.ok(b'URLFETCH "' + url + b'"')[0].endswith(b" NIL") for client in (joe, fred, submitter)] == [True] * 3


# ---- ID, UNSELECT, MOVE, IDLE, response codes ----

def test_id(imap):
    """RFC 2971 sections 3.1 and 3.2."""
    pairs = rb'\* ID \("[^"]+" ("[^"]*"|NIL)( "[^"]+" ("[^"]*"|NIL))*\)'
    assert re.fullmatch(pairs, imap.ok('ID ("name" "sodr" "version" "19.34" "vendor" "Pink Floyd Music Limited")')[0])
    answer = imap.ok("ID NIL")
    assert len(answer) == 1 and re.fullmatch(pairs, answer[0]) and b'"name" "Posthorn"' in answer[0]


def test_unselect(imap):
    """RFC 3691 section 2: nothing is removed, nothing is selected any more."""
    append(imap, "INBOX", ("(\\Deleted)", text()))
    imap.ok("SELECT INBOX")
    assert imap.command("UNSELECT")[0] == []
    imap.bad("FETCH 1 FLAGS")
    assert imap.ok("STATUS INBOX (MESSAGES)") == [b"* STATUS INBOX (MESSAGES 1)"]


def test_uid_move(imap):
    """RFC 6851 section 3.3: COPYUID comes before the first EXPUNGE, untagged."""
    append(imap, "INBOX", *[text(number) for number in range(1, 76)])
    for command in ("CREATE foo", "SELECT INBOX", "STORE 1:20 +FLAGS.SILENT (\\Deleted)", "EXPUNGE"):
        imap.ok(command)
    answer = imap.ok("UID MOVE 42:69 foo")
    assert re.match(rb"\* OK \[COPYUID \d+ 42:69 1:28\] ", answer[0])
    assert answer[1:] == [b"* 22 EXPUNGE"] * 28
    assert imap.ok("UID SEARCH ALL")[0].split()[2:] == [b"%d" % uid for uid in (*range(21, 42), *range(70, 76))]
    assert imap.ok("STATUS foo (MESSAGES)") == [b"* STATUS foo (MESSAGES 28)"]


def test_idle(imap, session):
    """RFC 2177 section 3. An EXISTS that only counts after an EXPUNGE says nothing new and is not sent; RECENT is left aside."""
    other = session(imap.address, "SELECT INBOX")
    append(other, "INBOX", *[text(number) for number in range(1, 4)])
    assert b"* 3 EXISTS" in imap.ok("SELECT INBOX")

    def told():
        while (line := imap.line()).endswith(b" RECENT\r\n"):
            pass
        return line.rstrip()

    def idle(tag):
        imap.send(tag + b" IDLE\r\n")
        lines = [told(), *([told()] if tag == b"A004" else [])]
        assert [line[:2] for line in lines].count(b"+ ") == 1
        return [line for line in lines if line[:2] != b"+ "]

    def done(tag):
        imap.send(b"DONE\r\n")
        assert told().startswith(tag + b" OK ")

    def remove(number):
        other.ok(f"STORE {number} +FLAGS.SILENT (\\Deleted)")
        other.ok("EXPUNGE")

    assert idle(b"A002") == []
    append(other, "INBOX", text(4))
    assert told() == b"* 4 EXISTS"
    done(b"A002")
    remove(2)
    answer = [line for line in imap.ok("FETCH 4 ALL") if not line.startswith(b"* 2 FETCH ")]
    assert len(answer) == 1 and answer[0].startswith(b"* 4 FETCH (") and b'"number 4"' in answer[0]
    assert idle(b"A004") == [b"* 2 EXPUNGE"]
    remove(3)
    lines = [told()]
    while lines[-1].startswith(b"* 3 FETCH "):  # \\Deleted, before it went
        lines.append(told())
    assert lines[-1] == b"* 3 EXPUNGE"
    append(other, "INBOX", text(5))
    assert told() == b"* 3 EXISTS"
    done(b"A004")
    answer = imap.ok("FETCH 3 ALL")
    assert answer[0].startswith(b"* 3 FETCH (") and b'"number 5"' in answer[0]
    assert idle(b"A006") == []
    done(b"A006")


def test_response_codes(suite, user, session):
    """RFC 5530 section 3: the examples whose cause a client can bring about."""
    fred, other = user("fred"), user("other")
    with_nobody = Imap(suite.port("imap"))
    with_nobody.no(f'LOGIN "{fred.address}" "foo"', b"NO [AUTHENTICATIONFAILED] ")
    plain = base64.b64encode(f"{other.address}\0{fred.address}\0{PASSWORD}".encode()).decode()
    with_nobody.no(f"AUTHENTICATE PLAIN {plain}", b"NO [AUTHENTICATIONFAILED] ")  # the server doesn't say why
    with_nobody.close()
    other.ok("CREATE experiment-iv")
    other.ok(f"SETACL experiment-iv {fred.address} l")
    fred = session(fred.address)
    fred.no(f'SELECT "~{other.address}/experiment-iv"', b"NO [NOPERM] ")
    fred.no('CREATE "///////"', b"NO [CANNOT] ")
    append(fred, "INBOX", text())
    fred.ok("SELECT INBOX")
    flags = " ".join(f"f{number}" for number in range(1, 251))
    fred.no(f"STORE 1 FLAGS {flags}", b"NO [LIMIT] ")
    assert fred.append("INBOX", text(2), f"({flags}) ")[1].startswith(b"NO [LIMIT] ")
    assert fred.ok("STATUS INBOX (MESSAGES)") == [b"* STATUS INBOX (MESSAGES 1)"]
    fred.no("RENAME this that", b"NO [NONEXISTENT] ")
    for folder in ("this", "that"):
        fred.ok(f"CREATE {folder}")
    fred.no("RENAME this that", b"NO [ALREADYEXISTS] ")
