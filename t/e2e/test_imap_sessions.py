"""imapd: two sessions at once, IDLE, and what a user may not."""
import time

from imap_suite import ALICE, fill, found, imap, Imap_session, PASSWORD, PLAIN, private_kib, session_pids, suite
from imapclient import Imap
from instance import wait_for


def test_changes_of_another_session_are_told(suite, imap):
    fill(imap, 3)
    imap.ok("SELECT INBOX")
    with Imap_session(suite) as other:
        other.ok("SELECT INBOX")
        other.ok("STORE 2 +FLAGS (\\Flagged)")
        assert b"* 2 FETCH (FLAGS (\\Flagged \\Recent))" in imap.ok("NOOP")
        fill(other, 1)
        assert b"* 4 EXISTS" in imap.ok("NOOP")
        other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        other.ok("EXPUNGE")
        lines = imap.ok("FETCH 1:4 UID")  # RFC 3501 section 7.4.1: no EXPUNGE here
        assert not any(b"EXPUNGE" in line for line in lines) and len([x for x in lines if b"UID" in x]) == 4
        assert not any(b"EXPUNGE" in line for line in imap.ok("SEARCH ALL"))
        assert not any(b"EXPUNGE" in line for line in imap.ok("STORE 2 +FLAGS (\\Seen)"))
        assert b"* 1 EXPUNGE" in imap.ok("NOOP")
        assert len(imap.ok("FETCH 1:* UID")) == 3


def test_idle_wakes_on_every_change(suite, imap):
    imap.ok("SELECT INBOX")
    (pid,) = session_pids(suite)
    held = private_kib(pid)
    imap.send("i IDLE\r\n")
    assert imap.line().startswith(b"+ ")
    with Imap_session(suite) as other:
        start = time.monotonic()
        fill(other, 1)
        assert imap.line() == b"* 1 EXISTS\r\n" and imap.line() == b"* 1 RECENT\r\n"
        assert time.monotonic() - start < 1.5
        wait_for(lambda: private_kib(pid) < held, 10, "memory given back")
        other.ok("SELECT INBOX")
        other.ok("STORE 1 +FLAGS (\\Flagged)")
        assert b"\\Flagged" in imap.line()
        other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        assert b"\\Deleted" in imap.line()
        other.ok("EXPUNGE")
        assert imap.line() == b"* 1 EXPUNGE\r\n"
    imap.send("DONE\r\n")
    assert imap.line().startswith(b"i OK")


def test_text_of_a_message_that_another_session_expunged(suite, imap):
    fill(imap, 3)
    imap.ok("SELECT INBOX")
    with Imap_session(suite) as other:
        other.ok("SELECT INBOX")
        other.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
        other.ok("EXPUNGE")
    lines = imap.no("FETCH 1:3 BODY.PEEK[TEXT]", b"[EXPUNGEISSUED]")
    assert [line.split()[1] for line in lines if b"BODY[TEXT]" in line] == [b"1", b"3"]
    assert found(imap, "SEARCH BODY first") == [1, 3]
    assert b"* 2 EXPUNGE" in imap.ok("NOOP")
    assert len(imap.ok("FETCH 1:* UID")) == 2


def test_commands_on_messages_that_another_session_expunged(suite, imap):
    """RFC 2180 sections 4.2 and 4.4: told as what it is, not as a missing folder."""
    fill(imap, 3)
    imap.ok("CREATE target")
    imap.ok("SELECT INBOX")
    with Imap_session(suite) as other:
        other.ok("SELECT INBOX")
        other.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
        other.ok("EXPUNGE")
    imap.no("COPY 1:3 target", b"[EXPUNGEISSUED]")
    assert b"EXISTS" not in b"".join(imap.ok("STATUS target (MESSAGES)"))  # what follows tells the expunge
    with Imap_session(suite) as other:
        other.ok("SELECT INBOX")
        other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        other.ok("EXPUNGE")
    lines = imap.no("STORE 1:2 +FLAGS (\\Flagged)", b"[EXPUNGEISSUED]")
    assert [line for line in lines if b"EXPUNGE" in line] == []
    assert [line.split()[1] for line in lines if b"\\Flagged" in line] == [b"2"]
    imap.no("MOVE 1 target", b"[EXPUNGEISSUED]")
    assert len(found(imap, "UID SEARCH FLAGGED")) == 1
    imap.no("COPY 1 nowhere", b"[TRYCREATE]")
    assert b"(MESSAGES 0)" in imap.ok("STATUS target (MESSAGES)")[0]


def test_an_idle_session_holds_little_memory(suite, imap):
    """Private memory of sessions on TLS with a mailbox selected (bench/RESULTS.md has the limit: 220 KB)."""
    fill(imap, 20)
    clients = [Imap(suite.port("imaps"), ALICE, tls=True) for _ in range(5)]
    for client in clients:
        client.ok("SELECT INBOX")
    for pid in session_pids(suite, len(clients)):
        wait_for(lambda: private_kib(pid) <= 220, 10, "little memory")


def test_a_count_that_came_with_a_fetch_is_told_again_in_idle(suite, imap):
    """Once. Thunderbird takes no notice of it in FETCH, and would show what came or went with the next news only."""
    def idle():
        imap.send("i IDLE\r\n")
        assert imap.line().startswith(b"+ ")
        imap.send("DONE\r\n")
        lines = [imap.line()]
        while not lines[-1].startswith(b"i "):
            lines.append(imap.line())
        return lines[:-1]
    fill(imap, 1)
    imap.ok("SELECT INBOX")
    with Imap_session(suite) as other:
        for number, command in enumerate(("UID FETCH 1 FLAGS", "FETCH 1 FLAGS", "UID SEARCH ALL"), 2):
            fill(other, 1)
            assert b"* %d EXISTS" % number in imap.ok(command)
            assert idle() == [b"* %d EXISTS\r\n" % number]
            assert idle() == []
        for number, command in enumerate(("NOOP", "CHECK"), 5):
            fill(other, 1)
            assert b"* %d EXISTS" % number in imap.ok(command)
            assert idle() == []
        other.ok("SELECT INBOX")
        other.ok("STORE 3 +FLAGS.SILENT (\\Deleted)")
        other.ok("EXPUNGE")
        assert b"* 3 EXPUNGE" in imap.ok("UID FETCH 1 FLAGS")
        assert idle() == [b"* 5 EXISTS\r\n"]
        fill(other, 1)
        imap.ok("UID FETCH 1 FLAGS")
    imap.ok("SELECT INBOX")
    assert idle() == []


def test_idle_ends_with_anything_but_done_as_an_error(imap):
    imap.send("i IDLE\r\n")
    assert imap.line().startswith(b"+ ")
    imap.send("NOOP\r\n")
    assert imap.line().startswith(b"i BAD")


def test_a_deleted_folder_ends_the_session_that_has_it(suite, imap):
    imap.ok("CREATE doomed")
    imap.ok("SELECT doomed")
    with Imap_session(suite) as other:
        other.ok("DELETE doomed")
    lines, _ = imap.command("NOOP")
    assert any(line.startswith(b"* BYE") for line in lines)


def test_without_the_right_to_remove(suite):
    suite.run("user", "set", "dave@d.test", "remove_mail=no")
    client = Imap(suite.port("imap"), "dave@d.test")
    fill(client, 1)
    client.ok("CREATE mine")
    lines = client.ok("SELECT INBOX")
    assert any(rb"PERMANENTFLAGS (\Answered \Flagged \Seen \Draft \*)" in line for line in lines)
    client.no("STORE 1 +FLAGS (\\Deleted)", b"[NOPERM]")
    client.no("EXPUNGE", b"[NOPERM]")
    client.no("MOVE 1 mine", b"[NOPERM]")
    client.no("DELETE mine", b"[NOPERM]")
    client.no("RENAME INBOX other", b"[NOPERM]")
    client.ok("COPY 1 mine")
    client.ok("STORE 1 +FLAGS (\\Seen)")


def test_over_quota(suite):
    suite.add_user("small@d.test", PASSWORD)
    suite.run("user", "set", "small@d.test", "quota_messages=2")
    client = Imap(suite.port("imap"), "small@d.test")
    fill(client, 2)
    _, tagged = client.append("INBOX", PLAIN)
    assert tagged.startswith(b"NO [OVERQUOTA]")
    client.ok("SELECT INBOX")
    client.no("COPY 1 Sent", b"[OVERQUOTA]")
    client.ok("MOVE 1 Trash")
