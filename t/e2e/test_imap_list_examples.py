"""The examples of RFC 5258 section 5 (LIST-EXTENDED), one after the other. There is no other server to be REMOTE, and what is
always told (\\HasChildren, \\HasNoChildren) counts where the example asks for it."""
import re

import pytest

from imapclient import Imap
from instance import Instance

PASSWORD = "secret-of-test"
ALICE = "alice@d.test"
LINE = re.compile(rb'\* LIST \(([^)]*)\) "/" "?([^" ]+)"?( \("CHILDINFO" \("SUBSCRIBED"\)\))?$')


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    inst.set("auth.plain_on_loopback", "yes")
    inst.start()
    inst.add_user(ALICE, PASSWORD)
    yield inst
    inst.close()


@pytest.fixture
def tree(suite):
    """Makes the example's folders and subscriptions, and no others are there."""
    client = Imap(suite.port("imap"), ALICE)

    def make(folders, subscribed, gone=()):
        for line in filter(None, client.ok('LIST (SUBSCRIBED) "" *')):
            client.ok(f"UNSUBSCRIBE {LINE.match(line).group(2).decode()}")
        names = [LINE.match(line).group(2).decode() for line in client.ok('LIST "" *') if b"Noselect" not in line]
        for name in sorted(names, reverse=True):
            if name != "INBOX":
                client.ok(f"DELETE {name}")
        for name in [*folders, *gone]:
            client.ok(f"CREATE {name}")
        for name in subscribed:
            client.ok(f"SUBSCRIBE {name}")
        for name in gone:
            client.ok(f"DELETE {name}")
        return client

    yield make
    client.close()


def listed(client, command, *extra):
    """Name -> the attributes that count, in the example's order of writing, and + for CHILDINFO."""
    counts, found = ("Subscribed", "NonExistent", *extra), {}
    for line in filter(None, client.ok(command)):
        attributes, name, childinfo = LINE.match(line).groups()
        got = {a.decode().lstrip("\\") for a in attributes.split()}
        assert name not in found, line
        found[name.decode()] = "".join(f"{a} " for a in counts if a in got).strip() + (" +" if childinfo else "")
    return found


FRUIT = ["Fruit", "Fruit/Apple", "Fruit/Banana", "Tofu", "Vegetable", "Vegetable/Broccoli", "Vegetable/Corn"]
HAS = ("HasChildren", "HasNoChildren")


def test_examples_1_to_6(tree):
    client = tree(FRUIT, ["inbox", "Fruit/Banana", "Fruit/Peach", "Vegetable", "Vegetable/Broccoli"], gone=["Fruit/Peach"])
    assert set(listed(client, 'LIST "" "*"')) == {"INBOX", *FRUIT}
    subscribed = {"INBOX": "Subscribed", "Fruit/Banana": "Subscribed", "Vegetable": "Subscribed",
                  "Vegetable/Broccoli": "Subscribed"}
    gone = {"Fruit/Peach": "Subscribed NonExistent"}
    for command in ('LIST (SUBSCRIBED) "" "*"', 'LIST (REMOTE SUBSCRIBED) "" "*"'):
        assert listed(client, command) == {**subscribed, **gone}
    for command in ('LIST () "" "%" RETURN (CHILDREN)', 'LIST (REMOTE) "" "%" RETURN (CHILDREN)'):
        found = listed(client, command, *HAS)
        del found["INBOX"]
        assert {name: words.replace("Subscribed", "").strip() for name, words in found.items()} == {
            "Fruit": "HasChildren", "Tofu": "HasNoChildren", "Vegetable": "HasChildren"}
    assert listed(client, 'LIST (REMOTE) "" "*" RETURN (SUBSCRIBED)') == {**dict.fromkeys(FRUIT, ""), **subscribed}


def test_example_7(tree):
    client = tree(["Drafts", "Sent", "Sent/March2004", "Sent/December2003", "Sent/August2004"], [])
    assert set(listed(client, 'LIST "" ("INBOX" "Drafts" "Sent/%")')) == {
        "INBOX", "Drafts", "Sent/March2004", "Sent/December2003", "Sent/August2004"}


FOO = ["Foo", "Foo/Bar", "Foo/Baz", "Moo"]
RECURSIVE = 'LIST (SUBSCRIBED RECURSIVEMATCH) "" "%"'


def test_example_8(tree):
    client = tree(FOO, ["Foo/Baz"])
    assert listed(client, 'LIST "" "%" RETURN (CHILDREN)', *HAS) == {
        "INBOX": "HasNoChildren", "Foo": "HasChildren", "Moo": "HasNoChildren"}
    assert listed(client, 'LIST (SUBSCRIBED) "" "*"') == {"Foo/Baz": "Subscribed"}
    assert listed(client, 'LIST (SUBSCRIBED) "" "%"') == {}
    assert listed(client, RECURSIVE) == {"Foo": " +"}
    client.ok("SUBSCRIBE Foo")
    assert listed(client, RECURSIVE) == {"Foo": "Subscribed +"}  # A1
    assert listed(tree(["Foo/Baz", "Moo"], ["Foo/Baz"], gone=[]), 'LIST (SUBSCRIBED) "" "*"') == {"Foo/Baz": "Subscribed"}
    client.ok("DELETE Foo")
    assert listed(client, RECURSIVE) == {"Foo": "NonExistent +"}  # A2
    assert listed(tree(FOO, []), RECURSIVE) == {}  # B
    assert listed(tree(FOO, ["Foo", "Moo"]), RECURSIVE + " RETURN (CHILDREN)", *HAS) == {  # C
        "Foo": "Subscribed HasChildren", "Moo": "Subscribed HasNoChildren"}


def test_example_9(tree):
    names = ["foo2/bar1", "foo2/bar2", "baz2/bar2", "baz2/bar22", "baz2/bar222", "eps2", "eps2/mamba", "qux2/bar2"]
    client = tree(["foo2", "baz2", *names], names)
    client.ok("DELETE qux2")
    assert set(listed(client, 'LIST (SUBSCRIBED) "" "*"')) == set(names)
    all_told = dict.fromkeys(names, "Subscribed") | {"eps2": "Subscribed +"}
    # in the first, baz2 and qux2 SHOULD NOT be there: all their subscribed children are; for the second it is told
    assert listed(client, 'LIST (RECURSIVEMATCH SUBSCRIBED) "" "*2"') == {
        "foo2": " +", **{name: words for name, words in all_told.items() if name.endswith("2")}}
    found = listed(client, 'LIST (RECURSIVEMATCH SUBSCRIBED) "" "*"')
    assert {name: words.strip(" +") for name, words in found.items() if name in names} == dict.fromkeys(names, "Subscribed")
    assert set(found) - set(names) <= {"foo2", "baz2", "qux2"}


def test_examples_10_and_11(tree):
    client = tree(["foo"], ["foo/bar"], gone=["foo/bar"])
    assert listed(client, 'LIST "" ("foo" "foo/*")') == {"foo": ""}
    assert listed(client, 'LIST (SUBSCRIBED) "" "foo/*"') == {"foo/bar": "Subscribed NonExistent"}
    assert listed(client, 'LIST (SUBSCRIBED RECURSIVEMATCH) "" foo RETURN (CHILDREN)', *HAS) == {"foo": "HasNoChildren +"}
    client = tree(["music/rock"], [])
    client.ok("DELETE music")
    assert listed(client, 'LIST () "" %', *HAS)["music"] == "NonExistent HasChildren"
    found = listed(client, 'LIST "" (% music/rock)')
    assert set(found) - {"music"} == {"INBOX", "music/rock"}
