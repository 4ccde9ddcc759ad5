"""GENURLAUTH, RESETKEY and URLMECH (RFC 4467): what the owner of a mailbox does. What the URLs open: test_imap_urlauth."""
import re

import pytest

from imapclient import Imap
from instance import Instance

PASSWORD = "secret-of-test"
OWNER, GUEST = "owner@d.test", "guest@d.test"
URL = "imap://owner%40d.test@mail.d.test/Work/;UID=1;URLAUTH=authuser"


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    inst.set("auth.plain_on_loopback", "yes")
    inst.start()
    for user in (OWNER, GUEST):
        inst.add_user(user, PASSWORD)
    yield inst
    inst.close()


@pytest.fixture
def owner(suite):
    client = Imap(suite.port("imap"), OWNER)
    client.command("DELETE Work")
    client.ok("CREATE Work")
    yield client
    client.command("DELETE Work")
    client.close()


@pytest.fixture
def guest(suite, owner):
    owner.ok(f"SETACL Work {GUEST} lrswit")
    client = Imap(suite.port("imap"), GUEST)
    yield client
    client.close()


def generate(client, *urls):
    """The URLs that come back."""
    line = client.ok("GENURLAUTH " + " ".join(f'"{url}" INTERNAL' for url in urls))[0]
    assert line.startswith(b"* GENURLAUTH "), line
    return [url.strip('"') for url in line.decode().split()[2:]]


def refused(client, url, mechanism="INTERNAL"):
    """BAD or NO, and nothing else was said."""
    untagged, tagged = client.command(f'GENURLAUTH "{url}" {mechanism}')
    assert untagged == [], (url, untagged)
    return tagged.split()[0].decode()


# ---- GENURLAUTH ----

@pytest.mark.parametrize("url", [
    URL, URL.replace("owner%40d.test", "owner"), URL.replace("imap:", "IMAP:").replace("/;UID", "/;uid"),
    "imap://owner@mail.d.test/INBOX/;uid=20/;section=1.2;urlauth=submit+fred",
    "imap://owner@mail.d.test/Work;UIDVALIDITY=7/;UID=1/;SECTION=HEADER.FIELDS%20(To)/;PARTIAL=0.10"
    ";EXPIRE=2099-01-02T03:04:05Z;URLAUTH=user+guest%40d.test",
])
def test_a_url_gets_a_token_and_is_else_as_it_was(owner, url):
    full, = generate(owner, url)
    rump, mechanism, token = full.rsplit(":", 2)
    assert rump == url
    assert mechanism.upper() == "INTERNAL"
    assert re.fullmatch(r"1[0-9a-f]{64}", token)


def test_the_same_url_gets_the_same_token_and_another_one_another(owner):
    first, second, other = generate(owner, URL, URL, URL.replace("UID=1", "UID=2"))
    assert first == second
    assert first.rsplit(":", 1)[1] != other.rsplit(":", 1)[1]


@pytest.mark.parametrize("url", [
    "", "x", "imap://owner@mail.d.test/Work", "/Work/;UID=1;URLAUTH=authuser",
    URL.replace("owner%40d.test@", ""),                 # whose table of keys?
    URL.replace("owner%40", "guest%40"),
    URL.replace(";URLAUTH=authuser", ""), URL.replace("authuser", "root"), URL.replace("authuser", "user+"),
    URL.replace("Work", "Nowhere"), URL.replace("UID=1", "UID=0"),
    URL.replace(";URLAUTH", "/;SECTION=NONSENSE;URLAUTH"), URL.replace(";URLAUTH", ";EXPIRE=tomorrow;URLAUTH"),
    URL + ":INTERNAL:" + "0" * 65,
])
def test_what_gets_no_token(owner, url):
    assert refused(owner, url) == "BAD"


def test_a_url_that_would_be_too_long_to_be_used_gets_no_token(owner):
    def url_of(size):
        start, rest = "imap://owner@mail.d.test/Work/;UID=1/;SECTION=HEADER.FIELDS%20(", ");URLAUTH=authuser"
        return start + "x" * (size - len(start) - len(rest)) + rest

    added = len(":INTERNAL:1") + 64
    assert len(generate(owner, url_of(4096 - added))[0]) == 4096
    assert refused(owner, url_of(4097 - added)) == "BAD"


def test_one_that_is_wrong_spoils_all(owner):
    untagged, tagged = owner.command(f'GENURLAUTH "{URL}" INTERNAL "x" INTERNAL')
    assert untagged == [] and tagged.startswith(b"BAD")


def test_syntax_and_limits(owner):
    for command in ("GENURLAUTH", f'GENURLAUTH "{URL}"', f'GENURLAUTH "{URL}" INTERNAL ',
                    f'GENURLAUTH "{URL}" INTERNAL x', "RESETKEY ", "RESETKEY Work ", "RESETKEY INBOX (INTERNAL)"):
        owner.bad(command)
    assert refused(owner, URL, "XSAMPLE") == "NO"
    assert len(generate(owner, *[URL] * 100)) == 100
    owner.no("GENURLAUTH " + " ".join([f'"{URL}" INTERNAL'] * 101), b"[LIMIT]")


# ---- RESETKEY ----

def test_a_new_key_is_for_one_mailbox(owner):
    urls = [URL, URL.replace("Work", "INBOX")]
    before = generate(owner, *urls)
    owner.ok("RESETKEY Work")
    after = generate(owner, *urls)
    assert after[0] != before[0]
    assert after[1] == before[1]
    assert owner.command("RESETKEY Work INTERNAL")[1].startswith(b"OK [URLMECH INTERNAL]")
    assert generate(owner, *urls)[0] != after[0]


def test_all_keys_are_removed(owner):
    urls = [URL, URL.replace("Work", "INBOX")]
    before = generate(owner, *urls)
    assert b"URLMECH" not in owner.command("RESETKEY")[1]
    after = generate(owner, *urls)
    assert before[0] != after[0] and before[1] != after[1]
    owner.ok("RESETKEY")
    owner.ok("RESETKEY")


def test_what_cannot_be_reset(owner):
    owner.no("RESETKEY Nowhere", b"[NONEXISTENT]")
    owner.no("RESETKEY Work XSAMPLE", b"[CANNOT]")
    owner.no("RESETKEY Work INTERNAL XSAMPLE", b"[CANNOT]")


# "Any current IMAP session logged in as the user that has the mailbox selected will receive an untagged OK response with
# the URLMECH status response code" (BASE.6.3.RESETKEY).

TOLD = b"* OK [URLMECH INTERNAL]"


@pytest.fixture
def others(suite):
    """Makes sessions of the owner."""
    made = []

    def make(command):
        made.append(Imap(suite.port("imap"), OWNER))
        made[-1].ok(command)
        return made[-1]

    yield make
    for client in made:
        client.close()


def told(client):
    return sum(line.startswith(TOLD) for line in client.ok("NOOP"))


@pytest.mark.parametrize("before", [False, True])
def test_a_reset_is_told_where_the_mailbox_is_selected(owner, others, before):
    owner.ok("CREATE Reset")  # it has no key yet
    url = URL.replace("Work", "Reset")
    try:
        if before:
            generate(owner, url)
        one, two, inbox = others("SELECT Reset"), others("EXAMINE Reset"), others("SELECT INBOX")
        generate(owner, url)  # a first key voids nothing
        assert [told(c) for c in (one, two, inbox)] == [0, 0, 0]
        owner.ok("RESETKEY Reset")
        assert [told(c) for c in (one, two, inbox)] == [1, 1, 0]
        owner.ok("RESETKEY Reset INTERNAL")
        generate(owner, URL)
        assert [told(c) for c in (one, two, inbox)] == [1, 1, 0]
        assert [told(c) for c in (one, two, inbox)] == [0, 0, 0]
        owner.ok("RESETKEY")
        assert [told(c) for c in (one, two)] == [1, 1]
        owner.ok("RESETKEY Reset")
        assert [told(c) for c in (one, two)] == [1, 1]
    finally:
        owner.ok("DELETE Reset")


@pytest.mark.parametrize("before", [None, "NOTIFY SET (SELECTED (MessageNew MessageExpunge))"])
@pytest.mark.parametrize("mailbox", ["Work", "INBOX"])
@pytest.mark.parametrize("command", ["RESETKEY {}", "RESETKEY"])
def test_a_reset_is_told_in_idle(owner, others, before, mailbox, command):
    generate(owner, URL.replace("Work", mailbox))
    client = others(f"SELECT {mailbox}")
    if before:
        client.ok(before)
    client.send(b"x IDLE\r\n")
    assert client.line().startswith(b"+")
    owner.ok(command.format(mailbox))
    assert client.line().startswith(TOLD)
    client.send(b"DONE\r\n")
    assert client.line().startswith(b"x OK")


def test_who_resets_is_told_once(owner):
    owner.ok("SELECT Work")
    untagged, tagged = owner.command("RESETKEY Work")
    assert tagged.startswith(b"OK [URLMECH INTERNAL]") and untagged == []
    untagged, tagged = owner.command("RESETKEY")
    assert b"URLMECH" not in tagged and [line.startswith(TOLD) for line in untagged] == [True]
    owner.ok("UNSELECT")


def test_a_key_belongs_to_the_mailbox_not_to_its_name(owner):
    before, = generate(owner, URL)
    owner.ok("RENAME Work Play")
    owner.ok("RENAME Play Work")
    assert generate(owner, URL) == [before]
    owner.ok("DELETE Work")
    owner.ok("CREATE Work")
    assert generate(owner, URL) != [before]


def test_keys_outlive_the_session(suite, owner):
    before = generate(owner, URL)
    again = Imap(suite.port("imap"), OWNER)
    assert generate(again, URL) == before
    again.close()


# ---- folders of others, URLMECH ----

def test_a_guest_authorizes_nothing(owner, guest):
    before = generate(owner, URL)
    shared = "~owner@d.test/Work"
    guest.ok(f"SELECT {shared}")
    for user in ("owner%40d.test", "guest%40d.test"):
        for name in (shared, "Work"):
            assert refused(guest, f"imap://{user}@mail.d.test/{name}/;UID=1;URLAUTH=authuser") in ("NO", "BAD")
    guest.no(f"RESETKEY {shared}", b"[CANNOT]")
    guest.ok("RESETKEY")  # the guest's own
    assert generate(owner, URL) == before


def test_select_tells_the_mechanisms_of_own_mailboxes(owner, guest):
    mechanisms = b"* OK [URLMECH INTERNAL]"
    for command in ("SELECT Work", "EXAMINE INBOX"):
        assert mechanisms in b"\n".join(owner.ok(command)), command
    assert b"URLMECH" not in b"\n".join(guest.ok("SELECT ~owner@d.test/Work"))


def test_the_file_of_keys_is_the_owners_alone(suite, owner, guest):
    generate(owner, URL)
    found = list(suite.root.glob("store/**/posthorn.urlkeys"))
    assert [path.parent.name for path in found] == ["mail"], "beside INBOX, not in a folder that can be shared"
    assert found[0].stat().st_mode & 0o777 == 0o600
