"""NOTIFY (RFC 5465): the client is told of what happens to its mailboxes, without asking."""
import os
import re
import select

import pytest

from instance import wait_for
from notify_suite import add, ALL, client, code_of, login, other, OWNER, silent, status, suite, told, USER
from submission import login as submit_as


# ---- the command ----

def test_capability(client):
    assert b" NOTIFY" in client.ok("CAPABILITY")[0]


@pytest.mark.parametrize("command", [
    "NOTIFY", "NOTIFY SET", "NOTIFY NONE NONE", "NOTIFY SET STATUS", "NOTIFY SET ()", "NOTIFY SET (selected)",
    "NOTIFY SET (selected (MessageNew))", "NOTIFY SET (selected (MessageExpunge))", "NOTIFY SET (personal (FlagChange))",
    "NOTIFY SET (personal (FlagChange MessageNew))", "NOTIFY SET (selected (AnnotationChange))",
    "NOTIFY SET (selected NONE) (selected-delayed NONE)", "NOTIFY SET (selected NONE) (selected NONE)",
    "NOTIFY SET (selected (MailboxName))", "NOTIFY SET (selected-delayed (SubscriptionChange))",
    "NOTIFY SET (personal (MessageNew (uid) MessageExpunge))", "NOTIFY SET (selected (MessageNew () MessageExpunge))",
    "NOTIFY SET (selected (MessageNew (nonsense) MessageExpunge))", "NOTIFY SET (subtree-one Lists NONE)",
    "NOTIFY SET (mailboxes NONE)", "NOTIFY SET (mailboxes () NONE)", "NOTIFY SET (inboxes MessageNew MessageExpunge)",
    "NOTIFY SET (everything NONE)", "NOTIFY SET status(personal NONE)"])
def test_wrong_commands(client, command):
    client.bad(command)


@pytest.mark.parametrize("events", ["AnnotationChange MessageNew MessageExpunge", "MailboxName SomethingNew"])
def test_an_event_that_is_not_supported(client, events):
    tagged = code_of(client, f"NOTIFY SET (personal ({events}))")
    assert tagged.startswith(b"NO [BADEVENT (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange"
                             b" MailboxMetadataChange ServerMetadataChange)] ")


def test_case_does_not_matter(client):
    client.ok("nOTIFY sET sTATUS (SELECTED (messagenew (UID) messageexpunge)) (MailBoxes (INBOX \"misc\") none) (inboxes (mailboxname))")
    client.ok("notify none")


# ---- messages in other mailboxes ----

def test_the_first_example(client, other):
    """RFC 5465 section 3.1, with the parentheses that its grammar wants."""
    other.ok("CREATE Lists/Im2000")
    add(other, "Lists/Lemonade")
    lines = client.ok("NOTIFY SET STATUS (selected (MessageNew (uid body.peek[header.fields (from to subject)])"
                      " MessageExpunge)) (subtree Lists (MessageNew MessageExpunge))")
    first = dict(status(line) for line in lines)
    assert sorted(first) == ["Lists", "Lists/Im2000", "Lists/Lemonade"]
    assert first["Lists/Lemonade"]["MESSAGES"] == 1 and first["Lists/Lemonade"]["UIDNEXT"] == 2
    assert all(set(items) == {"MESSAGES", "UIDNEXT", "UIDVALIDITY"} for items in first.values())
    client.ok("SELECT INBOX")
    add(other, "Lists/Lemonade")
    assert status(told(client)) == ("Lists/Lemonade", {"MESSAGES": 2, "UIDNEXT": 3})
    add(other, "INBOX", "Re: good morning")
    assert told(client) == "* 1 EXISTS"
    assert told(client).endswith(" RECENT")
    fetch = client.line()
    assert re.match(rb"\* 1 FETCH \(UID \d+ BODY\[HEADER.FIELDS \(from to subject\)\] \{75\}\r\n", fetch, re.I), fetch
    assert b"Subject: Re: good morning\r\n" in fetch and fetch.endswith(b"\r\n\r\n)\r\n")
    # one more mailbox, and no STATUS for those that are known
    assert status(client.ok("STATUS misc (UIDVALIDITY UIDNEXT MESSAGES)")[0])[1]["UIDNEXT"] == 1
    assert client.ok("NOTIFY SET (selected (MessageNew (uid) MessageExpunge)) (subtree Lists (MessageNew MessageExpunge))"
                     " (mailboxes misc (MessageNew MessageExpunge))") == [b""]
    add(other, "misc")
    assert status(told(client)) == ("misc", {"MESSAGES": 1, "UIDNEXT": 2})


def test_a_delivery(suite, client):
    client.ok("NOTIFY SET (personal (MessageNew MessageExpunge))")
    smtp = submit_as(suite, OWNER)
    smtp.sendmail(OWNER, [USER], f"From: {OWNER}\r\nTo: {USER}\r\nSubject: hello\r\n\r\nx\r\n")
    smtp.quit()
    assert status(told(client))[0] == "INBOX"


def test_expunge_and_flags_elsewhere(client, other):
    add(other, "misc")
    other.ok("SELECT misc")
    client.ok(f"NOTIFY SET (mailboxes misc ({ALL}))")
    other.ok("STORE 1 +FLAGS (\\Seen)")
    name, items = status(told(client))
    assert name == "misc" and items["UNSEEN"] == 0 and set(items) == {"UNSEEN", "UIDVALIDITY"}
    other.ok("STORE 1 +FLAGS (\\Deleted)")  # without CONDSTORE there is nothing to tell
    assert silent(client)
    other.ok("EXPUNGE")
    assert status(told(client)) == ("misc", {"MESSAGES": 0, "UIDNEXT": 2})


def test_condstore_elsewhere(client, other):
    client.ok("ENABLE CONDSTORE")
    first = status(client.ok(f"NOTIFY SET STATUS (mailboxes misc ({ALL}))")[0])[1]
    assert {"MESSAGES", "UIDNEXT", "UIDVALIDITY", "HIGHESTMODSEQ"} <= set(first)
    add(other, "misc")
    new = status(told(client))[1]
    assert new["HIGHESTMODSEQ"] > first["HIGHESTMODSEQ"] and new["MESSAGES"] == 1 and new["UIDNEXT"] == 2
    other.ok("SELECT misc")
    other.ok("STORE 1 +FLAGS ($Junk)")
    items = status(told(client))[1]
    assert set(items) == {"HIGHESTMODSEQ", "UIDVALIDITY"} and items["HIGHESTMODSEQ"] > new["HIGHESTMODSEQ"]


def test_message_events_alone_do_not_tell_flags(client, other):
    client.ok("ENABLE CONDSTORE")
    add(other, "misc")
    client.ok("NOTIFY SET (mailboxes misc (MessageNew MessageExpunge))")
    other.ok("SELECT misc")
    other.ok("STORE 1 +FLAGS (\\Seen)")
    assert silent(client)


def test_groups_add_up(client, other):
    """RFC 5465 section 6: two groups mean the same mailbox."""
    client.ok("NOTIFY SET (mailboxes INBOX (Messagenew messageExpunge)) (personal (SubscriptionChange))")
    add(other, "INBOX")
    assert status(told(client))[0] == "INBOX"
    other.ok("UNSUBSCRIBE INBOX")
    assert told(client).startswith("* LIST (\\HasNoChildren) \"/\" INBOX")
    other.ok("SUBSCRIBE INBOX")
    assert told(client) == "* LIST (\\Subscribed \\HasNoChildren) \"/\" INBOX"
    add(other, "misc")
    assert silent(client)


def test_names_are_no_patterns_and_need_not_exist(client, other):
    client.ok("NOTIFY SET (mailboxes (\"Lists/*\" later) (MessageNew MessageExpunge))")
    add(other, "Lists/Lemonade")
    assert silent(client)
    other.ok("CREATE later")
    add(other, "later")
    assert wait_for(lambda: status(told(client)) == ("later", {"MESSAGES": 1, "UIDNEXT": 2}))


def test_a_new_folder_is_watched(client, other):
    client.ok("NOTIFY SET (personal (MessageNew MessageExpunge))")
    other.ok("CREATE fresh")
    assert silent(client)
    add(other, "fresh")
    assert status(told(client)) == ("fresh", {"MESSAGES": 1, "UIDNEXT": 2})
    other.ok("DELETE fresh")
    other.ok("CREATE fresh")
    add(other, "fresh")
    add(other, "fresh")
    name, items = status(told(client))
    assert name == "fresh" and "UIDVALIDITY" in items


def test_subscriptions_are_reevaluated(client, other):
    client.ok("NOTIFY SET (subscribed (MessageNew MessageExpunge))")
    add(other, "misc")
    assert silent(client)
    other.ok("SUBSCRIBE misc")
    assert status(told(client)) == ("misc", {"MESSAGES": 1, "UIDNEXT": 2})
    add(other, "misc")
    assert status(told(client)) == ("misc", {"MESSAGES": 2, "UIDNEXT": 3})
    other.ok("UNSUBSCRIBE misc")
    assert silent(client)
    add(other, "misc")
    assert silent(client)


def test_what_another_program_drops_into_new(suite, client, other):
    """Maildir programs deliver into new/."""
    client.ok("NOTIFY SET (mailboxes misc (MessageNew MessageExpunge))")
    folder = next(suite.root.glob(f"store/d.test/*/{USER.split('@')[0]}/mail/.misc"))
    file = folder / "tmp" / "1.foreign"
    file.write_bytes(b"Subject: x\r\n\r\n")
    os.chown(file, folder.stat().st_uid, folder.stat().st_gid)
    file.rename(folder / "new" / "1.foreign")
    assert status(told(client)) == ("misc", {"MESSAGES": 1, "UIDNEXT": 2})


# ---- the selected mailbox ----

def test_selected_at_once(client, other):
    add(other, "INBOX")
    add(other, "INBOX")
    client.ok("SELECT INBOX")
    client.ok(f"NOTIFY SET (selected ({ALL}))")
    other.ok("SELECT INBOX")
    other.ok("STORE 2 +FLAGS ($Junk)")
    assert told(client).startswith("* FLAGS (") and "PERMANENTFLAGS" in told(client)
    assert re.fullmatch(r"\* 2 FETCH \(UID \d+ FLAGS \(\$Junk \\Recent\)\)", told(client))
    other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    assert re.fullmatch(r"\* 1 FETCH \(UID \d+ FLAGS \(.*\\Deleted.*\)\)", told(client))
    other.ok("EXPUNGE")
    assert told(client) == "* 1 EXPUNGE"
    add(other, "INBOX")
    assert told(client) == "* 2 EXISTS"
    assert re.fullmatch(r"\* [12] RECENT", told(client))  # one of the two sessions has it
    assert silent(client)  # it asked for no data


def test_selected_delayed(client, other):
    """EXPUNGE waits for a command that may tell it (section 6.1.2)."""
    for _ in range(3):
        add(other, "INBOX")
    client.ok("SELECT INBOX")
    client.ok(f"NOTIFY SET (selected-delayed ({ALL}))")
    other.ok("SELECT INBOX")
    other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    assert " 1 FETCH " in told(client)
    other.ok("EXPUNGE")
    assert silent(client)
    assert client.ok("FETCH 3 (FLAGS)")[0].startswith(b"* 3 FETCH")
    assert b"* 1 EXPUNGE" in client.ok("NOOP")
    other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    assert " 1 FETCH " in told(client)
    other.ok("EXPUNGE")
    assert silent(client)
    client.send("i IDLE\r\n")
    assert client.line().startswith(b"+")
    assert told(client) == "* 1 EXPUNGE"
    client.send("DONE\r\n")
    assert client.result(b"i")[1].startswith(b"OK")


def test_flag_changes_only_if_they_are_wanted(client, other):
    add(other, "INBOX")
    client.ok("SELECT INBOX")
    client.ok("NOTIFY SET (selected (MessageNew MessageExpunge))")
    other.ok("SELECT INBOX")
    other.ok("STORE 1 +FLAGS (\\Flagged)")
    assert silent(client)
    assert client.ok("NOOP") == [b""]


def test_without_selected_nothing_is_told_of_it(client, other):
    """Section 3.1: the same as SELECTED NONE."""
    add(other, "INBOX")
    client.ok("SELECT INBOX")
    client.ok("NOTIFY SET (personal (MessageNew MessageExpunge FlagChange))")
    other.ok("SELECT INBOX")
    add(other, "INBOX")
    other.ok("STORE 1 +FLAGS (\\Deleted)")
    other.ok("EXPUNGE")
    assert silent(client)
    assert client.ok("NOOP") == [b""]
    assert client.ok("FETCH 1 (UID)")[0].startswith(b"* 1 FETCH")  # the view is what it was
    # an implicit NOOP: what has come together is told now
    lines = client.ok("NOTIFY SET (selected NONE)")
    assert lines[:2] == [b"* 1 EXPUNGE", b"* 1 EXISTS"]
    # what this session does itself is told all the same
    client.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    assert b"* 1 EXPUNGE" in client.ok("EXPUNGE")
    assert b"* 1 EXISTS" in add(client, "INBOX")


def test_notify_none(client, other):
    add(other, "INBOX")
    client.ok("SELECT INBOX")
    client.ok(f"NOTIFY SET (selected ({ALL})) (personal ({ALL} MailboxName))")
    client.ok("NOTIFY NONE")
    add(other, "INBOX")
    add(other, "misc")
    other.ok("CREATE another")
    assert silent(client)
    assert client.ok("NOOP") == [b""]
    client.send("i IDLE\r\n")
    assert client.line().startswith(b"+")
    assert select.select([client.sock], [], [], 0.4)[0] == []
    client.send("DONE\r\n")
    assert client.result(b"i") == ([], b"OK Idle completed")
    assert b"* 2 EXISTS" in client.ok("SELECT INBOX")


def test_idle_tells_the_same(client, other):
    """Section 4."""
    client.ok("SELECT INBOX")
    client.ok("NOTIFY SET (selected (MessageNew (uid flags) MessageExpunge)) (mailboxes misc (MessageNew MessageExpunge))")
    client.send("i IDLE\r\n")
    assert client.line().startswith(b"+")
    add(other, "misc")
    assert status(told(client)) == ("misc", {"MESSAGES": 1, "UIDNEXT": 2})
    add(other, "INBOX")
    assert told(client) == "* 1 EXISTS"
    assert told(client) == "* 1 RECENT"
    assert re.fullmatch(r"\* 1 FETCH \(UID \d+ FLAGS \(\\Recent\)\)", told(client))
    client.send("DONE\r\n")
    assert client.result(b"i")[1].startswith(b"OK")


def test_qresync_uidonly_and_rev2(client, other):
    add(other, "INBOX")
    client.ok("ENABLE IMAP4rev2 QRESYNC")
    uid = int(re.search(rb"UIDNEXT (\d+)", b" ".join(client.ok("SELECT INBOX"))).group(1)) - 1
    client.ok(f"NOTIFY SET (selected (MessageNew (flags) MessageExpunge FlagChange)) (mailboxes misc ({ALL}))")
    other.ok("SELECT INBOX")
    add(other, "INBOX")
    assert told(client) == "* 2 EXISTS"  # no RECENT
    assert re.fullmatch(rf"\* 2 FETCH \(UID {uid + 1} FLAGS \(\) MODSEQ \(\d+\)\)", told(client))
    other.ok("STORE 1 +FLAGS (\\Deleted)")
    assert re.fullmatch(rf"\* 1 FETCH \(UID {uid} FLAGS \(\\Deleted\) MODSEQ \(\d+\)\)", told(client))
    other.ok("EXPUNGE")
    assert told(client) == f"* VANISHED {uid}"
    add(other, "misc")
    assert "HIGHESTMODSEQ" in status(told(client))[1]
    client.ok("ENABLE UIDONLY")
    add(other, "INBOX")
    assert told(client) == "* 2 EXISTS"
    assert re.fullmatch(rf"\* {uid + 2} UIDFETCH \(FLAGS \(\) MODSEQ \(\d+\)\)", told(client))


def test_own_messages_are_not_sent_back(client, other):
    client.ok("SELECT INBOX")
    client.ok(f"NOTIFY SET (selected (MessageNew (uid) MessageExpunge)) (personal (MessageNew MessageExpunge MailboxName))")
    assert not any(b"FETCH" in line for line in add(client, "INBOX"))
    assert not any(b"STATUS" in line for line in add(client, "misc"))
    assert not any(b"STATUS" in line for line in client.ok("COPY 1 misc"))
    client.ok("CREATE mine/below")
    client.ok("RENAME mine ours")
    client.ok("DELETE ours/below")
    assert silent(client)
    add(other, "misc")
    assert status(told(client)) == ("misc", {"MESSAGES": 3, "UIDNEXT": 4})
    add(other, "INBOX")
    assert [told(client) for _ in range(3)][2].startswith("* 2 FETCH (UID ")


def test_the_selected_mailbox_becomes_another_one(client, other):
    client.ok("SELECT misc")
    client.ok("NOTIFY SET (selected (MessageNew MessageExpunge)) (personal (MessageNew MessageExpunge))")
    add(other, "misc")
    assert told(client) == "* 1 EXISTS" and told(client) == "* 1 RECENT"
    assert not any(b"STATUS" in line for line in client.ok("SELECT INBOX"))  # it knows
    assert silent(client)
    add(other, "misc")
    assert status(told(client)) == ("misc", {"MESSAGES": 2, "UIDNEXT": 3})
    add(other, "INBOX")
    assert told(client) == "* 1 EXISTS"


def test_the_selected_mailbox_gets_another_name(client, other):
    """Section 3.1: what happens to messages in it is told as SELECTED says, whatever it is called."""
    client.ok("SELECT misc")
    client.ok("NOTIFY SET (selected (MessageNew MessageExpunge)) (personal (MessageNew MessageExpunge MailboxName))")
    other.ok("RENAME misc new")
    assert told(client) == '* LIST (\\HasNoChildren) "/" new ("OLDNAME" (misc))'
    add(other, "new")
    assert [told(client) for _ in range(2)] == ["* 1 EXISTS", "* 1 RECENT"]
    assert silent(client)
    client.ok("UNSELECT")
    assert silent(client)
    add(other, "new")
    assert status(told(client)) == ("new", {"MESSAGES": 2, "UIDNEXT": 3})


def test_a_body_without_peek_is_read(client, other):
    client.ok("SELECT INBOX")
    client.ok("NOTIFY SET (selected (MessageNew (body[text]) MessageExpunge))")
    add(other, "INBOX")
    assert [told(client) for _ in range(2)] == ["* 1 EXISTS", "* 1 RECENT"]
    assert client.line() == b"* 1 FETCH (FLAGS (\\Seen \\Recent) BODY[TEXT] {6}\r\nbody\r\n)\r\n"


# ---- names ----

def test_mailbox_names(client, other):
    """Section 5.4."""
    client.ok("NOTIFY SET (personal (MailboxName))")
    other.ok("CREATE NewMailbox")
    assert told(client) == '* LIST (\\HasNoChildren) "/" NewMailbox'
    other.ok("RENAME NewMailbox RenamedMailbox")
    assert told(client) == '* LIST (\\HasNoChildren) "/" RenamedMailbox ("OLDNAME" (NewMailbox))'
    other.ok("DELETE RenamedMailbox")
    assert told(client) == '* LIST (\\NonExistent \\HasNoChildren) "/" RenamedMailbox'
    assert silent(client)


def test_the_parent_is_affected(client, other):
    client.ok("NOTIFY SET (personal (MailboxName))")
    other.ok("CREATE misc/below")
    lines = sorted(told(client) for _ in range(2))
    assert lines == ['* LIST (\\HasChildren) "/" misc', '* LIST (\\HasNoChildren) "/" misc/below']
    other.ok("DELETE misc/below")
    lines = sorted(told(client) for _ in range(2))
    assert lines == ['* LIST (\\HasNoChildren) "/" misc', '* LIST (\\NonExistent \\HasNoChildren) "/" misc/below']


def test_a_tree_is_renamed_as_one(client, other):
    other.ok("CREATE Lists/Lemonade/Deep")
    client.ok(f"NOTIFY SET (personal (MailboxName {ALL}))")
    other.ok("RENAME Lists Gone")
    assert told(client) == '* LIST (\\HasChildren) "/" Gone ("OLDNAME" (Lists))'
    assert silent(client)
    add(other, "Gone/Lemonade/Deep")  # still watched, with what was known of it
    name, items = status(told(client))
    assert name == "Gone/Lemonade/Deep" and items["UIDNEXT"] == 2


def test_names_of_messages_only(client, other):
    client.ok("NOTIFY SET (mailboxes misc (MailboxName))")
    add(other, "misc")
    other.ok("CREATE elsewhere")
    assert silent(client)
    other.ok("CREATE misc/below")
    assert told(client) == '* LIST (\\HasChildren) "/" misc'


def test_international_names(login, other):
    client, modern = login(), login()
    modern.ok("ENABLE IMAP4rev2")
    for session in (client, modern):
        session.ok("NOTIFY SET (personal (MailboxName))")
    other.ok("CREATE Entw&APw-rfe")
    assert told(client) == '* LIST (\\HasNoChildren) "/" Entw&APw-rfe'
    assert modern.line().decode() == '* LIST (\\HasNoChildren) "/" "Entwürfe"\r\n'
    other.ok("RENAME Entw&APw-rfe Plain")
    assert told(client).endswith(' Plain ("OLDNAME" (Entw&APw-rfe))')


def test_subscriptions(client, other):
    client.ok("NOTIFY SET (personal (SubscriptionChange))")
    other.ok("SUBSCRIBE misc")
    assert told(client) == '* LIST (\\Subscribed \\HasNoChildren) "/" misc'
    other.ok("DELETE misc")
    assert silent(client)
    other.ok("UNSUBSCRIBE misc")
    assert told(client) == '* LIST (\\NonExistent \\HasNoChildren) "/" misc'


# ---- limits ----

def test_too_many_folders(login, other):
    """imap.notify_max is 40 here."""
    client = login()
    for number in range(20):
        other.ok(f"CREATE many/{number}")
    client.ok("NOTIFY SET (mailboxes misc (MessageNew MessageExpunge)) (personal (MailboxName))")
    for number in range(20, 50):
        other.ok(f"CREATE many/{number}")
    lines = []
    while not lines or lines[-1].startswith("* LIST"):
        lines.append(told(client))
    assert lines[-1].startswith("* OK [NOTIFICATIONOVERFLOW]")
    add(other, "misc")
    assert silent(client)
    assert b"NO [NOTIFICATIONOVERFLOW]" in code_of(client, "NOTIFY SET (personal (MailboxName))")[:30] + b""
    names = " ".join(f"n{number}" for number in range(41))
    assert code_of(client, f"NOTIFY SET (mailboxes ({names}) (MailboxName))").startswith(b"NO [NOTIFICATIONOVERFLOW]")
    client.ok("NOTIFY SET (mailboxes misc (MessageNew MessageExpunge))")
    add(other, "misc")
    assert status(told(client))[0] == "misc"


def test_a_refused_notify_leaves_the_old_one(login, other):
    client = login()
    client.ok("NOTIFY SET (mailboxes misc (MessageNew MessageExpunge))")
    for command in ("NOTIFY SET (personal (Nonsense))", "NOTIFY SET (mailboxes (" + "n " * 40 + "n) (MailboxName))"):
        client.no(command)
    client.bad("NOTIFY SET (nobody NONE)")
    add(other, "misc")
    assert status(told(client))[0] == "misc"


# ---- searches that are kept up to date (section 7) ----

def test_update_with_fetch_attributes(client, other):
    client.ok("SELECT INBOX")
    client.send('a00 SEARCH RETURN (COUNT UPDATE (UID BODY[HEADER.FIELDS (TO FROM SUBJECT)])) SUBJECT "boss"\r\n')
    assert client.result(b"a00")[0] == [b'* ESEARCH (TAG "a00") COUNT 0']
    add(other, "INBOX", "other")
    add(other, "INBOX", "of the boss")
    lines = client.ok("NOOP")
    assert lines[0] == b"* 2 EXISTS"
    assert re.match(rb"\* 2 FETCH \(FLAGS \(\\Seen.*?\) UID |\* 2 FETCH \(UID \d+ (FLAGS \(\\Seen.*?\) )?BODY\[HEADER.FIELDS \(TO FROM SUBJECT\)\]", lines[2])
    assert lines[3:] == [b'* ESEARCH (TAG "a00") ADDTO (0 2)']
    # what becomes a result by its flags has no FETCH of that kind, nor has what the client brings itself
    client.send("b SEARCH RETURN (UPDATE(UID)) FLAGGED\r\n")
    assert client.result(b"b")[1].startswith(b"OK")
    other.ok("SELECT INBOX")
    other.ok("STORE 1 +FLAGS (\\Flagged)")
    assert [line.split(b" ")[2] for line in client.ok("NOOP")] == [b"FETCH", b'(TAG']
    assert not any(b"FETCH" in line for line in add(client, "INBOX", "boss", "\\Flagged"))
    client.bad("SEARCH RETURN (UPDATE ()) ALL")
    client.bad("SEARCH RETURN (UPDATE (nonsense)) ALL")


def test_update_and_notify_in_one_response(client, other):
    """Section 5.2: what both ask for is one FETCH response, without anything twice."""
    client.ok("SELECT INBOX")
    client.ok("NOTIFY SET (selected (MessageNew (uid flags body.peek[header.fields (subject)]) MessageExpunge))")
    client.send("c SEARCH RETURN (UPDATE (UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (SUBJECT)])) SUBJECT boss\r\n")
    assert client.result(b"c")[1].startswith(b"OK")
    add(other, "INBOX", "boss")
    assert [told(client) for _ in range(2)] == ["* 1 EXISTS", "* 1 RECENT"]
    fetch = client.line()
    assert fetch.upper().count(b"HEADER.FIELDS") == 1 and b"RFC822.SIZE" in fetch and b"FLAGS" in fetch
    assert told(client) == '* ESEARCH (TAG "c") ADDTO (0 1)'
    add(other, "INBOX", "no news")
    assert [told(client) for _ in range(2)] == ["* 2 EXISTS", "* 2 RECENT"]
    fetch = client.line()
    assert b"RFC822.SIZE" not in fetch and fetch.startswith(b"* 2 FETCH (UID ")
