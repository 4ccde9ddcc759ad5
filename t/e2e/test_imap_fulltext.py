"""SEARCH TEXT and BODY by the full-text index: the same answers with it, without it, and when it is damaged."""
import pytest

from imapclient import Imap
from instance import Instance

PASSWORD = "secret-of-test"
USER = "reader@d.test"
COUNT = 120


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    inst.set("auth.plain_on_loopback", "yes")
    inst.set("imap.max_errors", "50")
    inst.start()
    inst.add_user(USER, PASSWORD)
    yield inst
    inst.close()


def text(number):
    words = ["even" if number % 2 == 0 else "odd", f"word{number}x", "Grüße" if number % 3 == 0 else "nothing"]
    return (f"Subject: subject{number}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + " ".join(words) + "\r\n").encode()


def folder(suite, name="box"):
    return next((suite.root / "store").glob(f"d.test/*/reader/mail/.{name}"))


def fill(client, numbers):
    for number in numbers:
        assert client.append("box", text(number))[1].startswith(b"OK")


def found(client, keys):
    line = [part for part in keys.split(" ")]
    responses = [row for row in client.ok(("SEARCH " + " ".join(line)).encode()) if row.startswith(b"* SEARCH")]
    return [int(word) for word in responses[0].split()[2:]]


@pytest.fixture
def imap(suite):
    client = Imap(suite.port("imap"), USER)
    client.command("DELETE box")
    client.ok("CREATE box")
    fill(client, range(1, COUNT + 1))
    client.ok("SELECT box")
    yield client
    client.close()


EXPECTED = [
    ("BODY word77x", [77]),
    ("BODY ORD7", [7] + list(range(70, 80))),
    ("BODY subject77", []),
    ("TEXT subject77", [77]),
    ("TEXT text/plain SUBJECT subject5x", []),
    ("NOT BODY odd", list(range(2, COUNT + 1, 2))),
    ("OR BODY word5x TEXT subject119", [5, 119]),
    ("BODY odd BODY word1x", [1]),
    ("BODY no", [n for n in range(1, COUNT + 1) if n % 3]),  # too short for the index
    ("BODY \"word3x gr\u00fc\u00dfe\"", []),
    ("BODY \"word3x GR\u00dc\u00dfE\"", [3]),
    ("BODY \"\"", list(range(1, COUNT + 1))),
    ("BODY nosuchword", []),
]
EXPECTED[9] = ("BODY \"odd word3x gr\u00fc\u00dfe\"", [3])


def check(client):
    for keys, expected in EXPECTED:
        assert found(client, keys) == expected, keys


def test_answers_with_an_index(suite, imap):
    """In the session's sandbox; made by the first search that looks into many messages."""
    assert found(imap, "UID 5 BODY word5x") == [5]
    assert not (folder(suite) / "posthorn.fts").exists()
    check(imap)
    assert (folder(suite) / "posthorn.fts").stat().st_size > 4096
    check(imap)
    log = suite.log("imap")
    assert "fts_damaged" not in log


def test_the_index_spares_the_files(suite, imap):
    """What is put into a file behind the server's back is not found: nobody looks into it."""
    check(imap)
    path = next(path for path in (folder(suite) / "cur").iterdir() if b"subject5\r" in path.read_bytes())
    path.write_bytes(path.read_bytes().replace(b"word5x", b"ord77x").replace(b"odd ", b"odd w").replace(b" nothing", b"nothing"))
    other = Imap(suite.port("imap"), USER)
    other.ok("EXAMINE box")
    assert found(other, "5 BODY word77x") == []
    assert found(other, "BODY word77x") == [77]
    (folder(suite) / "posthorn.fts").unlink()
    assert found(other, "BODY word77x") == [5, 77]
    other.close()


def test_new_messages_are_found_at_once(suite, imap):
    check(imap)
    fill(imap, [777, 778])
    assert found(imap, "BODY word777x") == [COUNT + 1]
    other = Imap(suite.port("imap"), USER)
    other.ok("SELECT box")
    fill(other, [779])
    assert found(other, "BODY word779x") == [COUNT + 3]
    assert found(other, "TEXT subject77 BODY odd") == [77, COUNT + 1, COUNT + 3]
    other.close()


def test_expunged_messages_are_not_found(suite, imap):
    check(imap)
    imap.ok("STORE 1:100 +FLAGS.SILENT (\\Deleted)")
    imap.ok("EXPUNGE")
    assert found(imap, "BODY word77x") == []
    assert found(imap, "BODY word111x") == [11]


def test_another_folder_of_the_same_name(suite, imap):
    """A new UIDVALIDITY: nothing of the old index counts."""
    check(imap)
    imap.ok("CLOSE")
    imap.ok("DELETE box")
    imap.ok("CREATE box")
    fill(imap, range(201, 201 + COUNT))
    imap.ok("SELECT box")
    assert found(imap, "BODY word77x") == []
    assert found(imap, "BODY word277x") == [77]
    imap.ok("CLOSE")
    imap.ok("RENAME box moved")
    imap.ok("SELECT moved")
    assert found(imap, "BODY word277x") == [77]
    imap.ok("CLOSE")
    imap.ok("DELETE moved")


def test_an_old_index_in_a_new_folder(suite, imap):
    check(imap)
    index = (folder(suite) / "posthorn.fts").read_bytes()
    imap.ok("CLOSE")
    imap.ok("DELETE box")
    imap.ok("CREATE box")
    fill(imap, range(COUNT, 0, -1))
    (folder(suite) / "posthorn.fts").write_bytes(index)
    imap.ok("SELECT box")
    assert found(imap, "BODY word1x") == [COUNT]


@pytest.mark.parametrize("damage", ["empty", "torn", "garbage", "page", "directory"])
def test_a_damaged_index_costs_no_answer(suite, imap, damage):
    check(imap)
    path = folder(suite) / "posthorn.fts"
    data = path.read_bytes()
    if damage == "directory":
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes({"empty": b"", "torn": data[:5000], "garbage": b"x" * len(data),
                          "page": data[:8192] + b"\xff" * 4096 + data[12288:]}[damage])
    check(imap)
    check(imap)


def test_two_sessions_make_it_at_once(suite, imap):
    other = Imap(suite.port("imap"), USER)
    other.ok("SELECT box")
    for round in range(5):
        for client in (imap, other):
            client.send(f"x{round} SEARCH BODY word77x\r\n")
        for client in (imap, other):
            assert client.result(b"x%d" % round)[0] == [b"* SEARCH 77"]
        (folder(suite) / "posthorn.fts").unlink(missing_ok=True)
    other.close()


def test_without_an_index():
    inst = Instance()
    try:
        inst.setup()
        inst.set("auth.plain_on_loopback", "yes")
        inst.set("imap.fulltext", "no")
        inst.start()
        inst.add_user(USER, PASSWORD)
        client = Imap(inst.port("imap"), USER)
        client.ok("CREATE box")
        fill(client, range(1, COUNT + 1))
        client.ok("SELECT box")
        check(client)
        assert not (folder(inst) / "posthorn.fts").exists()
        client.close()
    finally:
        inst.close()
