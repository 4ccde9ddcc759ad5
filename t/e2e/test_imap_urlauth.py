"""URLFETCH (RFC 4467): what one user authorizes, others read, and nothing else."""
import re
import time

import pytest

from imap_users import sessions, suite_with
from instance import wait_for

OWNER, FRIEND, OTHER = "owner@d.test", "friend@d.test", "other@d.test"
HEADER = b"From: a@d.test\r\nSubject: shared\r\nMIME-Version: 1.0\r\n" \
         b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
TEXT = b"--b\r\n\r\nSi vis pacem\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>para bellum</p>\r\n--b--\r\n"
MESSAGE = HEADER + TEXT
FIRST = b"Si vis pacem"


@pytest.fixture(scope="module")
def suite():
    with suite_with(OWNER, FRIEND, OTHER) as inst:
        yield inst


@pytest.fixture
def session(suite):
    with sessions(suite) as session:
        yield session


@pytest.fixture
def owner(session):
    client = session(OWNER)
    client.command("DELETE Work")
    client.ok("CREATE Work")
    assert client.append("Work", MESSAGE)[1].startswith(b"OK")
    yield client
    client.command("DELETE Work")


@pytest.fixture
def friend(session):
    return session(FRIEND)


def authorize(client, access="authuser", rest="", folder="Work", uid=1):
    url = f"imap://owner%40d.test@mail.d.test/{folder}/;UID={uid}{rest};URLAUTH={access}"
    line = client.ok(f'GENURLAUTH "{url}" INTERNAL')[0]
    match = re.fullmatch(rb'\* GENURLAUTH "?([^" ]+)"?', line)
    assert match and match.group(1).startswith(url.encode()), line
    return match.group(1).decode()


def fetch(client, *urls):
    """The text or None, of each."""
    client.send("f URLFETCH " + " ".join(f'"{url}"' for url in urls) + "\r\n")
    line, found = client.line(), []
    assert line.startswith(b"* URLFETCH "), line
    rest = line[len(b"* URLFETCH"):]
    for url in urls:
        echo = re.match(rb'(?s) (?:"?' + re.escape(url.encode()) + rb'"?) (NIL|\{(\d+)\}\r\n)', rest)
        assert echo, (url, rest[:200])
        end = echo.end() + int(echo.group(2) or 0)
        found.append(None if echo.group(1) == b"NIL" else rest[echo.end():end])
        rest = rest[end:]
    assert rest == b"\r\n", rest
    assert client.line().startswith(b"f OK"), "the tagged reply"
    return found if len(urls) > 1 else found[0]


# ---- what is granted ----

def test_capability(owner):
    assert b"URLAUTH" in owner.ok("CAPABILITY")[0].split()


def test_others_read_what_the_owner_authorized(owner, friend):
    url = authorize(owner)
    assert fetch(friend, url) == MESSAGE
    assert fetch(owner, url) == MESSAGE
    friend.no("SELECT ~owner@d.test/Work")


def test_sections_and_ranges(owner, friend):
    assert fetch(friend, authorize(owner, rest="/;SECTION=TEXT")) == TEXT
    assert fetch(friend, authorize(owner, rest="/;SECTION=1")) == FIRST
    assert fetch(friend, authorize(owner, rest="/;SECTION=2.MIME")) == b"Content-Type: text/html\r\n\r\n"
    assert fetch(friend, authorize(owner, rest="/;SECTION=HEADER.FIELDS%20(Subject)")) == b"Subject: shared\r\n\r\n"
    assert fetch(friend, authorize(owner, rest="/;SECTION=1/;PARTIAL=3.3")) == FIRST[3:6]
    assert fetch(friend, authorize(owner, rest="/;PARTIAL=10")) == MESSAGE[10:]
    assert fetch(friend, authorize(owner, rest="/;SECTION=1/;PARTIAL=99.1")) == b""
    assert fetch(friend, authorize(owner, rest="/;SECTION=3")) is None


def test_several_at_once(owner, friend):
    good = authorize(owner, rest="/;SECTION=1")
    assert fetch(friend, good, good[:-1] + ("0" if good[-1] != "0" else "1"), good) == [FIRST, None, FIRST]


def test_a_selected_folder_is_not_touched(owner, friend):
    friend.ok("SELECT INBOX")
    assert fetch(friend, authorize(owner, rest="/;SECTION=1")) == FIRST
    assert friend.ok("CLOSE") == [b""]
    owner.ok("SELECT Work")
    assert b"\\Seen" not in owner.ok("FETCH 1 FLAGS")[0]
    owner.ok("CLOSE")


def test_a_large_message(owner, friend):
    body = bytes(range(1, 256)) * 16384
    owner.append("Work", b"Subject: x\r\n\r\n" + body)
    assert fetch(friend, authorize(owner, uid=2, rest="/;SECTION=TEXT")) == body


# ---- who may ----

def test_only_the_named_user(owner, friend, session):
    for name in ("friend%40d.test", "friend", "FRIEND@d.test"):
        url = authorize(owner, access=f"user+{name}")
        assert fetch(friend, url) == MESSAGE, name
        assert fetch(session(OTHER), url) is None
        assert fetch(owner, url) is None


def test_anonymous_is_everybody_with_an_account(owner, friend):
    assert fetch(friend, authorize(owner, access="anonymous")) == MESSAGE


def test_submit_is_for_no_imap_session(owner, friend):
    url = authorize(owner, access="submit+friend%40d.test")
    assert fetch(friend, url) is None
    assert fetch(owner, url) is None


# ---- what ends it ----

def test_expire(owner, friend):
    assert fetch(friend, authorize(owner, rest=";EXPIRE=2001-02-03T04:05:06Z")) is None
    assert fetch(friend, authorize(owner, rest=";EXPIRE=2099-02-03T04:05:06Z")) == MESSAGE


def test_reset_key(owner, friend):
    url = authorize(owner)
    assert fetch(friend, url) == MESSAGE
    owner.ok("RESETKEY Work")
    assert fetch(friend, url) is None
    assert fetch(friend, authorize(owner)) == MESSAGE
    url = authorize(owner)
    owner.ok("RESETKEY")
    assert fetch(friend, url) is None


def test_renamed_and_deleted_folder(owner, friend):
    url = authorize(owner)
    owner.ok("RENAME Work Play")
    assert fetch(friend, url) is None
    owner.ok("RENAME Play Work")
    assert fetch(friend, url) == MESSAGE
    owner.ok("DELETE Work")
    assert fetch(friend, url) is None
    owner.ok("CREATE Work")
    owner.append("Work", MESSAGE)
    assert fetch(friend, url) is None


def test_uidvalidity(owner, friend):
    value = int(re.search(rb"UIDVALIDITY (\d+)", owner.ok("STATUS Work (UIDVALIDITY)")[0]).group(1))
    assert fetch(friend, authorize(owner, folder=f"Work;UIDVALIDITY={value}")) == MESSAGE
    assert fetch(friend, authorize(owner, folder=f"Work;UIDVALIDITY={value + 1}")) is None


def test_expunged_message(owner, friend):
    url = authorize(owner)
    owner.ok("SELECT Work")
    owner.ok(r"STORE 1 +FLAGS.SILENT (\Deleted)")
    owner.ok("EXPUNGE")
    owner.ok("CLOSE")
    assert fetch(friend, url) is None


def test_disabled_owner(suite, owner, friend):
    url = authorize(owner)
    suite.run("user", "set", OWNER, "imap=no")
    assert fetch(friend, url) is None
    suite.run("user", "set", OWNER, "imap=yes")
    assert fetch(friend, url) == MESSAGE


# ---- attacks ----

def test_changed_urls_are_refused(owner, friend):
    url = authorize(owner, rest="/;SECTION=1", access="user+other%40d.test")
    rump, token = url.rsplit(":", 1)
    for changed in (
            url.replace("other%40", "friend%40"), url.replace("user+other%40d.test", "authuser"),
            url.replace("SECTION=1", "SECTION=2"), url.replace("/;SECTION=1", ""),
            url.replace("Work", "INBOX"), url.replace("mail.d.test", "mail.e.test"),
            url.replace("INTERNAL", "XSAMPLE").replace("internal", "XSAMPLE"), rump + ":" + "0" * len(token),
            rump + ":", rump, url + "0", url[:-2], url.replace(";URLAUTH=", ";EXPIRE=2099-01-01T00:00:00Z;URLAUTH=")):
        assert fetch(friend, changed) is None, changed


def test_hostile_urls(friend):
    token = ":INTERNAL:" + "01" * 33
    for url in (
            "", "x", "/INBOX/;UID=1", "imap://", "imap://owner@mail.d.test/", "imap://owner@mail.d.test/INBOX",
            "imap://owner@mail.d.test/INBOX?SUBJECT%20x", "imap://mail.d.test/INBOX/;UID=1;URLAUTH=anonymous" + token,
            "imap://owner@mail.d.test/..%2f..%2fx/;UID=1;URLAUTH=anonymous" + token,
            "imap://nobody@mail.d.test/INBOX/;UID=1;URLAUTH=anonymous" + token,
            "imap://owner@mail.d.test/INBOX/;UID=0;URLAUTH=anonymous" + token,
            "imap://owner@mail.d.test/INBOX/;UID=1;URLAUTH=root" + token,
            "imap://%00@mail.d.test/INBOX/;UID=1;URLAUTH=anonymous" + token,
            "imap://owner@mail.d.test/" + "x" * 5000 + "/;UID=1;URLAUTH=anonymous" + token,
            "imap://" + "x" * 3000 + "@mail.d.test/INBOX/;UID=1;URLAUTH=anonymous" + token):
        assert fetch(friend, url) is None, url
    friend.bad("URLFETCH")
    friend.bad("URLFETCH " + " ".join(["x"] * 101))
    assert fetch(friend, *["x"] * 100) == [None] * 100


def test_refusals_take_the_same_time_whoever_is_meant(owner, friend):
    """Not before a moment that is longer than the work."""
    good = authorize(owner)
    token = good.rsplit(":", 1)[0] + ":01" + "0" * 64
    for url in (token.replace("owner%40", "nobody%40"), token.replace("Work", "None"), token):
        began = time.monotonic()
        assert fetch(friend, url) is None
        assert time.monotonic() - began >= 0.1


def test_a_reader_who_does_not_read_keeps_nobody_else_from_it(suite, owner, session):
    owner.append("Work", b"Subject: x\r\n\r\n" + b"y" * (24 << 20))
    url = authorize(owner, uid=2)
    idle = [session(FRIEND) for _ in range(8)]
    for client in idle:
        client.send(f'a URLFETCH "{url}"\r\n')
    for client in idle:
        assert client.file.readline().startswith(b"* URLFETCH")
    friend = session(FRIEND)
    friend.no(f'URLFETCH "{url}"', b"[UNAVAILABLE]")
    assert len(fetch(session(OTHER), url)) > 24 << 20
    for client in idle[:4]:
        client.close()
    wait_for(lambda: friend.command(f'URLFETCH "{url}"')[1].startswith(b"OK"), what="a free place")
