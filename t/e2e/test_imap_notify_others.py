"""NOTIFY (RFC 5465): annotations, and folders of others."""
from notify_suite import add, client, login, other, OWNER, READER, silent, status, suite, told


# ---- annotations ----

def test_mailbox_metadata(client, other):
    """Section 5.6; ENABLE METADATA is not needed."""
    client.ok("NOTIFY SET (subtree Lists (MailboxMetadataChange))")
    other.ok('SETMETADATA Lists/Lemonade (/shared/comment "a list")')
    assert told(client) == "* METADATA Lists/Lemonade /shared/comment"
    other.ok('SETMETADATA misc (/shared/comment "x")')
    other.ok('SETMETADATA "" (/private/comment "x")')
    assert silent(client)
    client.send("i IDLE\r\n")
    assert client.line().startswith(b"+")
    other.ok("SETMETADATA Lists/Lemonade (/shared/comment NIL)")
    assert told(client) == "* METADATA Lists/Lemonade /shared/comment"
    client.send("DONE\r\n")
    assert client.result(b"i")[1].startswith(b"OK")
    client.ok('SETMETADATA Lists (/private/comment "mine")')
    assert silent(client)


def test_server_metadata(client, other):
    """Section 5.7."""
    client.ok("NOTIFY SET (personal (ServerMetadataChange))")
    other.ok('SETMETADATA "" (/private/comment "y")')
    assert told(client) == '* METADATA "" /private/comment'
    other.ok('SETMETADATA misc (/shared/comment "y")')
    assert silent(client)


def test_notify_decides_what_metadata_enabled(client, other):
    client.ok("ENABLE METADATA")
    client.ok("NOTIFY SET (mailboxes misc (MessageNew MessageExpunge))")
    other.ok('SETMETADATA misc (/shared/comment "z")')
    assert silent(client)
    client.bad("NOTIFY SET (selected (MailboxMetadataChange))")


def test_annotations_by_who_was_given_one_folder(login, other):
    """The owner is told what a guest notes, and the guest what the owner notes: neither writes in the other's store."""
    owner = login(OWNER)
    owner.ok("CREATE Shared")
    owner.ok(f"SETACL Shared {READER} lrswite")
    name = f"~{OWNER}/Shared"
    guest = login(READER)
    owner.ok("NOTIFY SET (personal (MailboxMetadataChange))")
    for value in "ab":
        guest.ok(f'SETMETADATA {name} (/shared/comment "{value}")')
        assert told(owner) == "* METADATA Shared /shared/comment"
    guest.ok(f"NOTIFY SET (subtree {name} (MailboxMetadataChange))")
    for value in "cd":
        owner.ok(f'SETMETADATA Shared (/shared/comment "{value}")')
        assert told(guest) == f"* METADATA {name} /shared/comment"
    owner.ok("DELETE Shared")


# ---- folders of others ----

def test_a_public_folder(login, other):
    client, owner = login(), login(OWNER)
    client.ok("NOTIFY SET (personal (MessageNew MessageExpunge)) (subtree @News (MessageNew MessageExpunge))")
    add(owner, "@News")
    name, items = status(told(client))
    assert name == "@News" and items["MESSAGES"] >= 1


def test_a_shared_folder_until_the_right_is_gone(login, other):
    owner, reader = login(OWNER), login(READER)
    owner.ok("CREATE Work")
    owner.ok(f"SETACL Work {READER} lr")
    reader = login(READER)
    name = f"~{OWNER}/Work"
    assert [status(line)[0] for line in reader.ok(f"NOTIFY SET STATUS (mailboxes {name} (MessageNew MessageExpunge))")] == [name]
    add(owner, "Work")
    assert status(told(reader)) == (name, {"MESSAGES": 1, "UIDNEXT": 2})
    owner.ok(f"DELETEACL Work {READER}")
    assert told(reader).startswith("* BYE [NOPERM]")
    owner.ok("DELETE Work")


def test_a_folder_that_may_be_listed_and_not_read(login, other):
    owner = login(OWNER)
    owner.ok("CREATE Closed")
    owner.ok(f"SETACL Closed {READER} l")
    reader = login(READER)
    name = f"~{OWNER}/Closed"
    lines = reader.ok(f"NOTIFY SET STATUS (mailboxes {name} (MessageNew MessageExpunge))")
    assert lines == [f'* LIST (\\HasNoChildren \\NoAccess) "/" {name}'.encode()]
    owner.ok("DELETE Closed")
