"""Mail programs that people use with IMAP: the real ones that Debian has, against a real instance (IMP-06)."""
import os
import shutil
import subprocess

import pytest

from imapclient import Imap
from instance import Instance
from terminal import Terminal

PASSWORD = "secret-of-test"
ALICE = "alice@d.test"
MESSAGE = b"From: Bob <bob@d.test>\r\nTo: alice@d.test\r\nSubject: number %d\r\nMessage-ID: <%d@d.test>\r\n" \
          b"Date: Fri, 21 Nov 1997 09:55:06 -0600\r\n\r\ntext of %d\r\n"


@pytest.fixture
def suite():
    inst = Instance()
    inst.setup()
    inst.set("auth.plain_on_loopback", "yes")
    inst.start()
    inst.add_user(ALICE, PASSWORD)
    yield inst
    inst.close()


@pytest.fixture
def imap(suite):
    client = Imap(suite.port("imap"), ALICE)
    for i in range(3):
        client.append("INBOX", MESSAGE % (i, i, i))
    yield client
    client.close()


def needs(program):
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"no {program}")


def run(command, tmp_path, **kwargs):
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TERM": "xterm"}
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=60, errors="replace",
                          env=environment, stdin=subprocess.DEVNULL, **kwargs)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def subjects(client, folder):
    client.ok(f"EXAMINE {folder}")
    lines = client.ok("UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
    client.ok("UNSELECT")
    return sorted(line.split(b"Subject: ")[1].split(b"\r\n")[0].decode() for line in lines if b"Subject: " in line)


@needs("offlineimap")
def test_offlineimap_both_ways(suite, imap, tmp_path):
    local = tmp_path / "mail"
    (tmp_path / "rc").write_text(f"""
[general]
accounts = a
metadata = {tmp_path}/meta
[Account a]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = {local}
[Repository far]
type = IMAP
remotehost = 127.0.0.1
remoteport = {suite.port("imap")}
remoteuser = {ALICE}
remotepass = {PASSWORD}
ssl = no
starttls = no
auth_mechanisms = LOGIN
""")
    imap.ok("CREATE Work/Old")
    imap.append("Work/Old", MESSAGE % (7, 7, 7), "(\\Seen \\Answered) ")
    sync = ["offlineimap", "-c", tmp_path / "rc", "-o", "-u", "basic"]
    run(sync, tmp_path)
    assert len(list((local / "INBOX").glob("*/*"))) == 3
    answered = list((local / "Work.Old").glob("*/*"))
    assert len(answered) == 1 and answered[0].name.endswith(":2,RS")
    # here: one is read, one is written, one goes
    new = sorted((local / "INBOX" / "new").iterdir(), key=lambda path: path.read_bytes())
    new[0].rename(local / "INBOX" / "cur" / (new[0].name.split(":")[0] + ":2,S"))
    new[1].unlink()
    (local / "INBOX" / "cur" / "1.1.here:2,F").write_bytes((MESSAGE % (8, 8, 8)).replace(b"\r\n", b"\n"))
    run(sync, tmp_path)
    run(sync, tmp_path)
    assert subjects(imap, "INBOX") == ["number 0", "number 2", "number 8"]
    imap.ok("SELECT INBOX")
    assert len(imap.ok("SEARCH SEEN")[0].split()) == 3
    assert len(imap.ok("SEARCH FLAGGED")[0].split()) == 3


@needs("imapfilter")
def test_imapfilter_moves_flags_and_searches(suite, imap, tmp_path):
    (tmp_path / "config.lua").write_text(f"""
options.create = true
options.starttls = false
options.certificates = false
options.timeout = 20
account = IMAP {{ server = '127.0.0.1', port = {suite.port("imap")}, username = '{ALICE}', password = '{PASSWORD}' }}
boxes, folders = account:list_all()
all = account.INBOX:select_all()
assert(#all == 3, 'three messages')
one = account.INBOX:contain_subject('number 1')
assert(#one == 1, 'found by subject')
one:move_messages(account['Moved'])
two = account.INBOX:is_unseen() * account.INBOX:contain_body('text of 2')
two:mark_flagged()
two:copy_messages(account['Moved'])
for _, m in ipairs(two) do
    mailbox, uid = table.unpack(m)
    assert(mailbox[uid]:fetch_field('subject') == 'Subject: number 2', 'subject')
    assert(mailbox[uid]:fetch_size() > 100, 'size')
end
account.INBOX:is_larger(1000000):delete_messages()
exist, unread = account['Moved']:check_status()
assert(exist == 2, 'two are there')
account:subscribe_mailbox('Moved')
""")
    run(["imapfilter", "-c", tmp_path / "config.lua"], tmp_path)
    assert subjects(imap, "INBOX") == ["number 0", "number 2"]
    assert subjects(imap, "Moved") == ["number 1", "number 2"]
    assert any(b"Moved" in line for line in imap.ok('LSUB "" *'))


@needs("alpine")
def test_alpine_reads_saves_and_expunges(suite, imap, tmp_path):
    server = f"{{127.0.0.1:{suite.port('imap')}/user={ALICE}/notls}}"
    (tmp_path / "rc").write_text(f"""
inbox-path={server}INBOX
folder-collections=Mail {server}[]
last-version-used=9.99
sort-key=arrival
feature-list=no-quell-attachment-extension-warn,quit-without-confirm,expunge-without-confirm,quell-folder-internal-msg
""")
    alpine = Terminal(["alpine", "-p", tmp_path / "rc", "-i"], tmp_path)
    try:  # what is waited for stays on the screen: messages of the status line come and go
        alpine.keys(("PASSWORD", PASSWORD.encode() + b"\r"),
                    ("Preserve password", b"n"),
                    ("number 2", b"\r"),              # the first is at hand: read it
                    ("text of 0", b"s"),
                    ("SAVE Msg #1", b"\x15Kept\r"),   # ^U: not to the folder that it proposes
                    ("Create?", b"y"),
                    ("Message 1 of 3 ALL DEL", b"<"),
                    ("D   1 11/21/97", b"x"),
                    ("Message 1 of 2", b"g"),
                    ("GOTO folder", b"Kept\r"),
                    ("Folder: Kept", b"q"))
        assert alpine.finish() == 0
    finally:
        alpine.close()
    assert subjects(imap, "Kept") == ["number 0"]
    assert subjects(imap, "INBOX") == ["number 1", "number 2"]
    imap.ok("SELECT Kept")
    assert len(imap.ok("SEARCH SEEN UNDELETED")[0].split()) == 3
