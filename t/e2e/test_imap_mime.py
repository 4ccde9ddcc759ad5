"""Hostile and broken MIME: BODYSTRUCTURE and ENVELOPE as the RFCs have them, in agreement with BODY[...], and identical
each time: computed, from the cache, in another session."""
import email
import itertools
import re

import pytest

from imapclient import Imap
from instance import Instance
from mime_corpus import CORPUS
from mime_expected import EXPECTED

PASSWORD = "secret-of-test"
ALICE = "alice@d.test"
NAMES = list(CORPUS)
CONSISTENT = [name for name in NAMES if name not in ("five thousand parts",)]  # that one has a test of its own

# Where the standard library's parser finds other parts than we do, and why we are right.
NOT_AS_PYTHON = {
    "empty boundary",  # RFC 2046 section 5.1.1: at least one character
    "boundary of 251 bytes",  # a limit of ours: the RFC allows 70
    "boundary in pieces", "two boundary parameters", "boundary with quote and without end",  # other values
    "closing delimiter alone", "no part at all", "no boundary parameter",  # text, for it
    "the same boundary inside",  # whose end "--b--" is; two other servers agree with us
    "no closing delimiter", "ends in the middle of a delimiter",  # the last line end
    "two types", "encoded multipart", "encoded message",  # RFC 2045 section 6.4: opaque
    "type without a name", "type that is no token", "type with comments",  # its types keep what is written
    "line without a colon", "text from the first line on", "continuation first", "space in front of the colon",
    "delimiter right behind the header", "delimiter inside a part's header", "empty parts",  # where a header ends
    "delimiters behind the last one", "bare carriage returns", "message ended by the outer",
    "part of a message", "message elsewhere",  # it looks into these
    "seventy multiparts inside each other", "a hundred messages inside each other", "five thousand parts",
}


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    inst.set("auth.plain_on_loopback", "yes")
    inst.start()
    inst.add_user(ALICE, PASSWORD)
    yield inst
    inst.close()


def open_corpus(suite):
    client = Imap(suite.port("imap"), ALICE)
    client.ok("EXAMINE corpus")
    return client


@pytest.fixture(scope="module")
def imap(suite):
    client = Imap(suite.port("imap"), ALICE)
    client.ok("ENABLE UTF8=ACCEPT")  # some have bytes above 127 in the header
    client.ok("CREATE corpus")
    for name in NAMES:
        tagged = client.append("corpus", CORPUS[name])[1]
        assert tagged.startswith(b"OK"), (name, tagged)
    client.close()
    client = open_corpus(suite)
    yield client
    client.close()


def fetch(client, name, item):
    line = client.ok(f"FETCH {NAMES.index(name) + 1} ({item})")[0]
    return re.sub(rb"^\* \d+ FETCH \((.*)\)$", rb"\1", line, flags=re.S)


def section(client, name, item):
    """The bytes of BODY.PEEK[...] and its kin, None for NIL."""
    answer = fetch(client, name, item)
    literal = re.match(rb"[A-Z.]+\[[^\]]*\](?:<\d+>)? (?:NIL|~?\{(\d+)\}\r\n)", answer)
    assert literal, answer[:100]
    if literal.group(1) is None:
        return None
    assert len(answer) == literal.end() + int(literal.group(1))
    return answer[literal.end():]


def parse(text):
    """A parenthesized list of IMAP as Python lists; NIL is None."""
    tokens = re.compile(rb'[()]|"((?:[^"\\]|\\.)*)"|\{(\d+)\}\r\n|[^\s()"{]+')
    at, stack = 0, [[]]
    while at < len(text):
        if text[at:at + 1] == b" ":
            at += 1
            continue
        match = tokens.match(text, at)
        assert match, text[at:at + 50]
        at, word = match.end(), match.group(0)
        if word == b"(":
            stack.append([])
            continue
        if word == b")":
            word = stack.pop()
        elif match.group(1) is not None:
            word = re.sub(rb"\\(.)", rb"\1", match.group(1))
        elif match.group(2) is not None:
            word = text[at:at + int(match.group(2))]
            at += len(word)
        elif word == b"NIL":
            word = None
        stack[-1].append(word if not isinstance(word, bytes) or not word.isdigit() or match.group(1) is not None else int(word))
    assert len(stack) == 1 and len(stack[0]) == 1
    return stack[0][0]


def children(multipart):
    return list(itertools.takewhile(lambda x: isinstance(x, list), multipart))


def leaves(tree, number=""):
    """(part number, its list) of each part that is no multipart; messages inside are entered too."""
    if isinstance(tree[0], list):
        for i, part in enumerate(children(tree)):
            yield from leaves(part, f"{number}.{i + 1}".lstrip("."))
        return
    yield number or "1", tree
    if tree[0].lower() == b"message" and tree[1].lower() == b"rfc822":
        inner = tree[8]
        yield from leaves(inner, (number or "1") + ("" if isinstance(inner[0], list) else ".1"))


def same(found, expected):
    if b"..." not in expected or len(expected) > 400:
        return found == expected
    begin, end = expected.split(b"...")
    return found.startswith(begin) and found.endswith(end)


@pytest.mark.parametrize("name", NAMES)
def test_envelope_and_structure(imap, name):
    envelope, structure = EXPECTED[name]
    assert same(fetch(imap, name, "ENVELOPE")[9:], envelope)
    assert same(fetch(imap, name, "BODYSTRUCTURE")[14:], structure)


def test_the_message_comes_as_it_is(imap):
    for name in NAMES:
        assert section(imap, name, "BODY.PEEK[]") == CORPUS[name]
        header, text = section(imap, name, "BODY.PEEK[HEADER]"), section(imap, name, "BODY.PEEK[TEXT]")
        assert header + text == CORPUS[name]
        assert section(imap, name, "BODY.PEEK[]<7.20>") == CORPUS[name][7:27]


@pytest.mark.parametrize("name", CONSISTENT)
def test_what_structure_says_of_a_part_is_what_body_gives(imap, name):
    for number, part in leaves(parse(fetch(imap, name, "BODYSTRUCTURE")[14:])):
        body = section(imap, name, f"BODY.PEEK[{number}]")
        assert len(body) == part[6], number
        is_message = part[0].lower() == b"message" and part[1].lower() == b"rfc822"
        if is_message or part[0].lower() == b"text":
            assert body.count(b"\n") == part[9 if is_message else 7], number
        assert section(imap, name, f"BODY.PEEK[{number}]<1.5>") == body[1:6]
        if is_message and "." not in number and len(list(leaves(part))) < 20:
            whole = section(imap, name, f"BODY.PEEK[{number}.HEADER]") + section(imap, name, f"BODY.PEEK[{number}.TEXT]")
            assert whole == body
        if part[5].lower() not in (b"x-unknown", b"x;"):
            size = int(fetch(imap, name, f"BINARY.SIZE[{number}]").split()[-1])
            decoded = section(imap, name, f"BINARY.PEEK[{number}]")
            assert len(decoded) == size, number
            assert section(imap, name, f"BINARY.PEEK[{number}]<2.3>") == decoded[2:5]


@pytest.mark.parametrize("name", [name for name in NAMES if name not in NOT_AS_PYTHON])
def test_python_finds_the_same_parts(imap, name):
    """Another parser, written by others, sees the same types and the same content."""
    message = email.message_from_bytes(CORPUS[name])
    theirs = [part for part in message.walk() if not part.is_multipart()]
    ours = [(number, part) for number, part in leaves(parse(fetch(imap, name, "BODYSTRUCTURE")[14:]))
            if part[:2] != [b"message", b"rfc822"]]
    assert len(theirs) == len(ours)
    for their, (number, our) in zip(theirs, ours):
        assert their.get_content_type() == b"/".join(our[:2]).decode().lower()
        payload = their.get_payload(decode=True) or b""
        mine = section(imap, name, f"BODY.PEEK[{number}]")
        if their.get("Content-Transfer-Encoding") is None:
            assert payload.replace(b"\r\n", b"\n") == mine.replace(b"\r\n", b"\n"), number


def test_identical_each_time(imap, suite):
    items = "ENVELOPE BODYSTRUCTURE BODY"
    first = [fetch(imap, name, items) for name in NAMES]
    assert [fetch(imap, name, items) for name in NAMES] == first
    other = open_corpus(suite)
    assert [fetch(other, name, items) for name in NAMES] == first
    other.close()
    imap.ok("UNSELECT")  # what is cached is written now
    imap.ok("EXAMINE corpus")
    assert [fetch(imap, name, items) for name in NAMES] == first
    copier = Imap(suite.port("imap"), ALICE)
    copier.ok("CREATE copies")
    copier.ok("EXAMINE corpus")
    copier.ok("COPY 1:* copies")
    copier.ok("EXAMINE copies")
    assert [fetch(copier, name, items) for name in NAMES] == first
    copier.close()


def test_parts_beyond_the_limit_belong_to_the_last(imap):
    name = "five thousand parts"
    tree = parse(fetch(imap, name, "BODYSTRUCTURE")[14:])
    count = len(children(tree))
    assert count == 3999  # the multipart itself is one more
    assert section(imap, name, f"BODY.PEEK[{count}]").count(b"--b\r\n") == 1001
    assert section(imap, name, f"BODY.PEEK[{count + 1}]") is None
    assert section(imap, name, f"BODY.PEEK[{count - 1}]") == b"x"


def test_depth_beyond_the_limit_is_opaque(imap):
    name = "seventy multiparts inside each other"
    number, part = list(leaves(parse(fetch(imap, name, "BODYSTRUCTURE")[14:])))[0]
    assert number.count(".") == 63 and part[:2] == [b"application", b"octet-stream"]
    assert section(imap, name, f"BODY.PEEK[{number}]").startswith(b"--b64\r\n")
    assert section(imap, name, f"BODY.PEEK[{number}.1]") is None


@pytest.fixture
def narrow():
    inst = Instance()
    inst.setup()
    inst.set("auth.plain_on_loopback", "yes")
    inst.set("imap.mime_max_depth", "16")
    inst.set("imap.mime_max_parts", "100")
    inst.set("imap.mime_max_header", "64K")
    inst.start()
    inst.add_user(ALICE, PASSWORD)
    yield inst
    inst.close()


def test_limits_are_settings_and_hold_for_what_was_fetched_before(narrow):
    client = Imap(narrow.port("imap"), ALICE)
    late = b"X: " + b"y" * 70000 + b"\r\nSubject: late\r\n\r\ntext\r\n"
    messages = [CORPUS["five thousand parts"], CORPUS["seventy multiparts inside each other"], late]
    for message in messages:
        client.append("INBOX", message)

    def look():
        session = Imap(narrow.port("imap"), ALICE)
        session.ok("EXAMINE INBOX")
        lines = session.ok("FETCH 1:3 (ENVELOPE BODYSTRUCTURE)")
        tree = parse(lines[0].split(b" BODYSTRUCTURE ", 1)[1][:-1])
        last = session.ok(f"FETCH 1 BODY.PEEK[{len(children(tree))}]")[0]
        session.ok("SEARCH SUBJECT late")
        found = session.ok("SEARCH SUBJECT late")[0]
        session.ok("UNSELECT")
        session.close()
        return lines[0].count(b'"text"'), lines[1].count(b'"mixed"'), b'"late"' in lines[2], found, len(last)

    few = look()
    assert few[:4] == (99, 16, False, b"* SEARCH")
    assert look() == few
    narrow.set("imap.mime_max_depth", "64")
    narrow.set("imap.mime_max_parts", "4000")
    narrow.set("imap.mime_max_header", "1M")
    narrow.stop()
    narrow.start()
    many = look()
    assert many[:4] == (3999, 64, True, b"* SEARCH 3")
    assert many[4] < few[4]
    client.close()
