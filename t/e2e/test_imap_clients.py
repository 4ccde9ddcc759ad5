"""imapd: clients that are not ours."""
import imaplib
import shutil
import subprocess

import pytest

from imap_suite import ALICE, fill, found, imap, PASSWORD, PLAIN, suite


def test_imaplib(suite, imap):
    with imaplib.IMAP4_SSL("127.0.0.1", suite.port("imaps"), ssl_context=__import__("ssl")._create_unverified_context()) as client:
        client.login(ALICE, PASSWORD)
        client.append("INBOX", "(\\Seen)", imaplib.Time2Internaldate(0), PLAIN)
        assert client.select("INBOX") == ("OK", [b"1"])
        kind, data = client.fetch("1", "(RFC822)")
        assert kind == "OK" and data[0][1] == PLAIN
        assert client.search(None, "FROM", "alice") == ("OK", [b"1"])


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl")
def test_curl(suite, imap, tmp_path):
    url = f"imaps://127.0.0.1:{suite.port('imaps')}"
    message = tmp_path / "message"
    message.write_bytes(PLAIN)
    curl = ["curl", "-sSk", "--max-time", "20", "-u", f"{ALICE}:{PASSWORD}"]
    subprocess.run([*curl, "-T", str(message), f"{url}/INBOX"], check=True)
    out = subprocess.run([*curl, f"{url}/INBOX;MAILINDEX=1"], check=True, capture_output=True).stdout
    assert out == PLAIN
    out = subprocess.run([*curl, f"{url}/"], check=True, capture_output=True).stdout
    assert b'LIST (\\HasNoChildren \\Sent) "/" Sent' in out


@pytest.mark.skipif(shutil.which("mbsync") is None, reason="no mbsync (isync)")
def test_mbsync(suite, imap, tmp_path):
    fill(imap, 3)
    imap.ok("CREATE Entw&APw-rfe/Alt")
    fill(imap, 1, "Entw&APw-rfe/Alt")
    maildir = tmp_path / "mail"
    maildir.mkdir()
    config = tmp_path / "mbsyncrc"
    config.write_text(f"""
IMAPAccount a
Host 127.0.0.1
Port {suite.port('imap')}
User {ALICE}
Pass {PASSWORD}
SSLType None
AuthMechs PLAIN LOGIN

IMAPStore far
Account a

MaildirStore near
Path {maildir}/
Inbox {maildir}/INBOX
SubFolders Verbatim

Channel c
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
SyncState *
""")
    sync = ["mbsync", "-c", str(config), "-a"]
    subprocess.run(sync, check=True, capture_output=True, timeout=60)
    assert len(list((maildir / "INBOX").glob("*/*"))) == 3
    assert len(list((maildir / "Entw&APw-rfe" / "Alt").glob("*/*"))) == 1
    for mail in (maildir / "INBOX" / "new").iterdir():  # read one, delete another
        mail.rename(maildir / "INBOX" / "cur" / (mail.name.split(":")[0] + ":2,FS"))
        break
    (maildir / "Sent").mkdir(exist_ok=True)
    subprocess.run(sync, check=True, capture_output=True, timeout=60)
    imap.ok("SELECT INBOX")
    assert len(found(imap, "SEARCH SEEN FLAGGED")) == 1


@pytest.mark.skipif(shutil.which("mutt") is None, reason="no mutt")
def test_mutt(suite, imap, tmp_path):
    fill(imap, 2)
    rc = tmp_path / "muttrc"
    rc.write_text(f"""
set imap_user = "{ALICE}"
set imap_pass = "{PASSWORD}"
set ssl_starttls = no
set ssl_force_tls = no
set folder = "imap://127.0.0.1:{suite.port('imap')}/"
set spoolfile = "+INBOX"
set imap_check_subscribed = no
set move = no
set confirmappend = no
set quit = yes
set delete = yes
""")
    done = subprocess.run(["mutt", "-n", "-F", str(rc), "-e",
                           'push "<flag-message>*<enter><tag-entry><tag-prefix><save-message>=Sent<enter>y<sync-mailbox><quit>"'],
                          env={"TERM": "xterm", "HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
    assert done.returncode in (0, 1), done.stderr
    imap.ok("SELECT INBOX")
