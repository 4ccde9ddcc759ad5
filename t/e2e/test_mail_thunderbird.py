"""Mail in Thunderbird: an account by IMAP and SMTP, used as its windows use it, while another client looks on."""
import imaplib
import ssl

import pytest

from instance import Instance, wait_for
from thunderbird_mail import MailProgram

PASSWORD = "secret-of-test"


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    inst.start()
    for user in ("alice@d.test", "bob@d.test"):
        inst.add_user(user)
    yield inst
    inst.close()


def trusting(suite, prefs):
    program = MailProgram(prefs)
    certificate = ssl.get_server_certificate(("127.0.0.1", suite.port("imaps")))
    for port in ("imap", "imaps", "submission"):
        program.trust("127.0.0.1", suite.port(port), certificate)
    return program


@pytest.fixture(scope="module")
def alice(suite):
    program = trusting(suite, {"mail.server.default.use_condstore": True})
    program.account("alice@d.test", PASSWORD, "Alice Löw", suite.port("imaps"), suite.port("submission"))
    yield program
    program.close()


@pytest.fixture(scope="module")
def bob(suite):
    """Another client at the same mailbox, and at another one."""
    def login(user):
        con = imaplib.IMAP4("127.0.0.1", suite.port("imap"))
        con.starttls(ssl._create_unverified_context())
        con.login(user, PASSWORD)
        return con
    return login


def append(con, folder, subject, body="Hello.\r\n"):
    con.append(folder, None, None, f"From: Carol <carol@d.test>\r\nSubject: {subject}\r\nMessage-ID: <{subject}@d.test>\r\n\r\n{body}".encode())


def test_the_folders_have_their_use(alice):
    wait_for(lambda: alice.folders() == ["Drafts", "INBOX", "Junk", "Sent", "Trash"], 20, "the folders")
    assert {name: alice.flags(name) for name in alice.folders()} == {
        "Drafts": ["Drafts"], "INBOX": ["Inbox"], "Junk": ["Junk"], "Sent": ["SentMail"], "Trash": ["Trash"]}


def test_a_message_is_sent_kept_and_received(suite, alice, bob, tmp_path):
    (tmp_path / "bild.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 300)
    alice.send("Bob <bob@d.test>, alice@d.test", "Grüße an alle", "Hallo,\nBären.\n", ["bild.png", (tmp_path / "bild.png").as_uri()])
    assert alice.wait_for_message("INBOX", "Grüße an alle")["author"] == "Alice Löw <alice@d.test>"  # by IDLE
    assert alice.wait_for_message("Sent", "Grüße an alle")["read"]
    body = alice.body("INBOX", "Grüße an alle")
    assert "Bären.".encode() in body and b'filename="bild.png"' in body
    con = bob("bob@d.test")
    wait_for(lambda: con.select("INBOX")[1] == [b"1"], 20, "the message for bob")
    assert "Bären.".encode() in con.fetch("1", "(BODY[])")[1][0][1]
    con.logout()


def test_flags_and_tags_go_both_ways(alice, bob):
    con = bob("alice@d.test")
    append(con, "INBOX", "flags")
    alice.wait_for_message("INBOX", "flags")
    alice.mark("INBOX", "flags", "markMessagesRead", True)
    alice.mark("INBOX", "flags", "markMessagesFlagged", True)
    alice.mark("INBOX", "flags", "addKeywordsToMessages", "$label1 later")
    con.select("INBOX")

    def flags():
        con.noop()
        [number] = con.search(None, 'SUBJECT "flags"')[1]
        return set(imaplib.ParseFlags(con.fetch(number, "(FLAGS)")[1][0])) - {b"\\Recent"}
    wait_for(lambda: flags() == {b"\\Seen", b"\\Flagged", b"$label1", b"later"}, 10, "the flags")
    [number] = con.search(None, 'SUBJECT "flags"')[1]
    con.store(number, "FLAGS", "(\\Answered $label2)")
    seen = alice.wait_for_message("INBOX", "flags", "!m.isRead && !m.isFlagged && m.getStringProperty('keywords') == '$label2'")
    assert seen["replied"]
    con.logout()


def test_other_folders_follow_by_condstore(alice, bob):
    """Flags that change while the folder is not open: Thunderbird asks for what is newer than it knows."""
    con = bob("alice@d.test")
    for i in range(5):
        append(con, "Drafts", f"draft{i}")
    alice.wait_for_subjects("Drafts", [f"draft{i}" for i in range(5)])
    con.select("Drafts")
    con.store("2,4", "+FLAGS", "(\\Flagged)")
    con.store("5", "+FLAGS", "(\\Deleted)")
    con.expunge()
    alice.wait_for_subjects("Drafts", [f"draft{i}" for i in range(4)])
    for i in range(4):
        alice.wait_for_message("Drafts", f"draft{i}", f"m.isFlagged == {'true' if i % 2 else 'false'}")
    con.logout()


def test_messages_are_copied_moved_and_deleted(alice, bob):
    con = bob("alice@d.test")
    for subject in ("one", "two"):
        append(con, "INBOX", subject)
        alice.wait_for_message("INBOX", subject)  # the second one comes while the first is fetched
    alice.create_folder("", "Arbeit ü & co")
    alice.create_folder("Arbeit ü & co", "100% done")
    alice.copy("INBOX", "one", "Arbeit ü & co", False)
    alice.copy("INBOX", "two", "Arbeit ü & co/100% done", True)
    alice.wait_until_gone("INBOX", "two")
    alice.wait_for_subjects("Arbeit ü & co", ["one"])
    alice.wait_for_subjects("Arbeit ü & co/100% done", ["two"])
    alice.delete("INBOX", "one")
    alice.wait_until_gone("INBOX", "one")
    alice.wait_for_subjects("Trash", ["one"])
    alice.delete("Trash", "one")  # for good
    alice.compact("Trash")
    wait_for(lambda: con.select("Trash")[1] == [b"0"], 10, "the message goes")
    con.logout()


def test_folders_are_renamed_moved_and_deleted(alice, bob):
    con = bob("alice@d.test")
    alice.create_folder("", "Projects")
    alice.create_folder("Projects", "Möwe")
    append(con, '"Projects/M&APY-we"', "bird")
    alice.rename_folder("Projects/Möwe", "Albatros")
    alice.wait_for_subjects("Projects/Albatros", ["bird"])
    subscribed = b" ".join(con.lsub()[1])
    assert b"Projects/Albatros" in subscribed and b"APY" not in subscribed.split(b"Projects", 1)[1], subscribed
    alice.delete_folder("Projects")
    wait_for(lambda: "Trash/Projects/Albatros" in alice.folders(), 10, "the folder in the trash")
    assert con.status("Trash/Projects/Albatros", "(MESSAGES)")[1] == [b"Trash/Projects/Albatros (MESSAGES 1)"]
    con.logout()


def test_searches_on_the_server(alice, bob):
    con = bob("alice@d.test")
    append(con, "INBOX", "needle one", "Der Bär (\"quoted\") sleeps.\r\n".replace("ä", "ae"))
    append(con, "INBOX", "hay two", "nothing\r\n")
    alice.wait_for_message("INBOX", "hay two")
    assert alice.search("INBOX", "Subject", "NEEDLE") == ["needle one"]
    assert alice.search("INBOX", "Body", "baer (\"quoted") == ["needle one"]
    assert "Grüße an alle" in alice.search("INBOX", "Body", "Bären")
    assert alice.search("INBOX", "Subject", "grüße") == ["Grüße an alle"]
    assert {"needle one", "hay two"} <= set(alice.search("INBOX", "Sender", "carol@"))
    assert alice.search("INBOX", "Subject", "none of these") == []
    con.logout()


def test_what_another_client_deletes_goes(alice, bob):
    con = bob("alice@d.test")
    append(con, "INBOX", "short lived")
    alice.wait_for_message("INBOX", "short lived")
    con.select("INBOX")
    [number] = con.search(None, 'SUBJECT "short lived"')[1]
    con.store(number, "+FLAGS", "(\\Deleted)")
    con.expunge()
    alice.wait_until_gone("INBOX", "short lived")
    con.logout()


def test_starttls_on_port_143_and_as_shipped(suite, bob):
    """Thunderbird's own settings: without CONDSTORE."""
    program = trusting(suite, {})
    try:
        program.account("bob@d.test", PASSWORD, "Bob", suite.port("imap"), suite.port("submission"), "alwaysSTARTTLS")
        program.send("bob@d.test", "to myself", "by STARTTLS\n")
        program.wait_for_message("INBOX", "to myself")
        assert b"by STARTTLS" in program.body("INBOX", "to myself")
        con = bob("bob@d.test")
        con.select("INBOX")
        con.store("1:*", "+FLAGS", "(\\Flagged)")
        program.wait_for_message("INBOX", "to myself", "m.isFlagged")
        con.logout()
    finally:
        program.close()


def test_the_server_had_nothing_to_complain_about(suite, alice):
    log = suite.log("imap")
    assert "name=Thunderbird" in log
    for event in ("bad_command", "protocol_error", "event=error"):
        assert event not in log
