"""imapd: folders, subscriptions, LIST and STATUS."""

import pytest

from imap_suite import fill, imap, suite


def folders(client, command='LIST "" *'):
    return {line.split(b' "/" ')[1]: line.split(b"(")[1].split(b")")[0] for line in client.ok(command) if line}


def test_standard_folders_are_there_subscribed_and_marked(imap):
    listed = folders(imap)
    assert listed == {b"INBOX": b"\\HasNoChildren", b"Drafts": b"\\HasNoChildren \\Drafts",
                      b"Junk": b"\\HasNoChildren \\Junk", b"Sent": b"\\HasNoChildren \\Sent",
                      b"Trash": b"\\HasNoChildren \\Trash"}
    assert set(folders(imap, 'LSUB "" *')) == set(listed)
    assert set(folders(imap, 'LIST (SPECIAL-USE) "" *')) == {b"Drafts", b"Junk", b"Sent", b"Trash"}


def test_create_nests_and_takes_any_script(imap):
    imap.ok('CREATE "Work/2024/Q 1"')
    imap.ok("CREATE Entw&APw-rfe/&ZeVnLIqe-/")
    listed = folders(imap)
    assert listed[b"Work"] == b"\\HasChildren" and listed[b"Work/2024"] == b"\\HasChildren"
    assert listed[b'"Work/2024/Q 1"'] == b"\\HasNoChildren"
    assert listed[b"Entw&APw-rfe/&ZeVnLIqe-"] == b"\\HasNoChildren"
    assert set(folders(imap, 'LIST "" Work/%')) == {b"Work/2024"}
    assert set(folders(imap, 'LIST Work/ 2024/*')) == {b'"Work/2024/Q 1"'}
    assert set(folders(imap, 'LIST "" (INBOX "Work/%" %rafts)')) == {b"INBOX", b"Work/2024", b"Drafts"}
    imap.no("CREATE Work", b"[ALREADYEXISTS]")
    imap.no("CREATE inbox", b"[ALREADYEXISTS]")


@pytest.mark.parametrize("name", ['"../escape"', '"a/../b"', '"/etc"', '"a//b"', '"."', '"a\x01b"', '"' + "n" * 300 + '"',
                                  '"a&AC8-b"', '"&AAA-"'])
def test_names_that_could_leave_the_mailbox_are_refused(imap, name):
    _, tagged = imap.command(f"CREATE {name}")
    assert tagged.startswith((b"NO [CANNOT]", b"BAD")), tagged


def test_create_special_use(imap):
    imap.ok("CREATE Old (USE (\\Archive))")
    assert folders(imap)[b"Old"] == b"\\HasNoChildren \\Archive"
    imap.no("CREATE Everything (USE (\\All))", b"[USEATTR]")
    assert b"Everything" not in folders(imap)


def test_delete_keeps_children(imap):
    imap.ok("CREATE foo/bar")
    imap.ok("DELETE foo")
    assert folders(imap)[b"foo"] == b"\\Noselect \\HasChildren"
    imap.no("SELECT foo", b"[NONEXISTENT]")
    imap.no("DELETE foo")
    imap.ok("DELETE foo/bar")
    assert b"foo" not in folders(imap)
    imap.no("DELETE foo", b"[NONEXISTENT]")
    imap.no("DELETE INBOX", b"[CANNOT]")


def test_rename(imap):
    imap.ok("CREATE foo/bar")
    fill(imap, 2, "foo/bar")
    imap.ok("RENAME foo deep/zap")
    assert {b"deep", b"deep/zap", b"deep/zap/bar"} <= set(folders(imap)) and b"foo" not in folders(imap)
    assert imap.ok("STATUS deep/zap/bar (MESSAGES)") == [b"* STATUS deep/zap/bar (MESSAGES 2)"]
    imap.no("RENAME foo other", b"[NONEXISTENT]")
    imap.no("RENAME deep Sent", b"[ALREADYEXISTS]")


def test_rename_of_inbox_moves_its_messages(imap):
    fill(imap, 3)
    imap.ok("CREATE INBOX/child")
    imap.ok("RENAME INBOX old-mail")
    assert imap.ok("STATUS INBOX (MESSAGES)") == [b"* STATUS INBOX (MESSAGES 0)"]
    assert imap.ok("STATUS old-mail (MESSAGES)") == [b"* STATUS old-mail (MESSAGES 3)"]
    assert {b"INBOX", b"INBOX/child", b"old-mail"} <= set(folders(imap))


def test_uids_of_a_deleted_folder_do_not_come_back(imap):
    imap.ok("CREATE again")
    fill(imap, 1, "again")
    before = imap.ok("STATUS again (UIDVALIDITY)")
    imap.ok("DELETE again")
    imap.ok("CREATE again")
    assert imap.ok("STATUS again (UIDVALIDITY)") != before


def test_subscriptions(imap):
    imap.ok("SUBSCRIBE foo/bar")  # need not exist
    assert folders(imap, 'LSUB "" %')[b"foo"] == b"\\Noselect"
    assert b"foo/bar" in folders(imap, 'LSUB "" *')
    assert b"foo" not in folders(imap)
    assert folders(imap, 'LIST (SUBSCRIBED) "" foo/*') == {b"foo/bar": b"\\NonExistent \\Subscribed \\HasNoChildren"}
    lines = imap.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" foo')
    assert lines == [b'* LIST (\\NonExistent \\HasNoChildren) "/" foo ("CHILDINFO" ("SUBSCRIBED"))']
    imap.ok("UNSUBSCRIBE foo/bar")
    assert folders(imap, 'LSUB "" foo*') == {}
    assert imap.ok('LSUB "" ""') == [b""]


def test_list_status(imap):
    fill(imap, 1, "Sent")
    lines = imap.ok('LIST "" % RETURN (STATUS (MESSAGES UNSEEN))')
    assert lines.index(b"* STATUS Sent (MESSAGES 1 UNSEEN 1)") == \
        lines.index(b'* LIST (\\HasNoChildren \\Sent) "/" Sent') + 1
    imap.bad('LIST (RECURSIVEMATCH) "" *')
    imap.bad('LIST "" * RETURN (NONSENSE)')
    assert imap.ok('LIST "" ""') == [b'* LIST (\\Noselect) "/" ""']
    assert imap.ok("NAMESPACE") == [b'* NAMESPACE (("" "/")) (("~" "/")) (("@" "/"))']
