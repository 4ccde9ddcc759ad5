"""Signatures of the system and of domains under users' mail (MON-11)."""
import email
import email.policy
import smtplib
import ssl

import pytest

from conftest import PASSWORD
from instance import Instance, wait_for
from test_queue import mailbox

ALICE, BOB, CAROL = "alice@d.test", "bob@d.test", "carol@e.test"


def write(inst, **files):
    directory = inst.root / "etc/signatures"
    directory.mkdir(exist_ok=True)
    for name, text in files.items():
        (directory / name.replace("__", "@").replace("_", ".")).write_text(text)


def start(inst):
    inst.start()
    inst.run("domain", "add", "e.test")
    for user in (ALICE, BOB, CAROL):
        inst.add_user(user, PASSWORD)


@pytest.fixture(scope="module")
def inst():
    instance = Instance()
    instance.setup()
    write(instance, system_txt="-- \nThe whole system\n")
    directory = instance.root / "etc/signatures"
    (directory / "@d.test.html").write_text("<p>Firma Müller<br>公司</p>\n")
    start(instance)
    yield instance
    instance.close()


def submit(inst, message, sender=ALICE, rcpts=(BOB,), chunks=False, **options):
    with smtplib.SMTP("127.0.0.1", inst.port("submission"), timeout=20) as client:
        client.starttls(context=ssl._create_unverified_context())
        client.login(sender, PASSWORD)
        if not chunks:
            client.sendmail(sender, list(rcpts), message, **options)
            return
        client.mail(sender)
        client.rcpt(rcpts[0])
        for i in range(0, len(message), 40):
            piece = message[i:i + 40]
            last = " LAST" if i + 40 >= len(message) else ""
            client.send(b"BDAT %d%s\r\n" % (len(piece), last.encode()) + piece)
            assert client.getreply()[0] == 250


def received(inst, subject, user=BOB):
    found = wait_for(lambda: [m for m in mailbox(inst, user) if m["Subject"] == subject], 20, subject)
    assert len(found) == 1
    return found[0]


def plain(subject, text, extra=""):
    return f"From: {ALICE}\r\nTo: {BOB}\r\nSubject: {subject}\r\n{extra}\r\n{text}".encode()


SIGNED = "Firma Müller\n公司\n\n-- \nThe whole system\n"


@pytest.mark.parametrize("chunks", [False, True])
def test_plain_text_gets_both(inst, chunks):
    submit(inst, plain(f"plain {chunks}", "hello\r\n"), chunks=chunks)
    mail = received(inst, f"plain {chunks}")
    assert mail.get_content().replace("\r\n", "\n") == "hello\n\n" + SIGNED
    assert mail.get_content_charset() == "utf-8" and mail["MIME-Version"] == "1.0"


def test_another_domain_gets_the_systems(inst):
    submit(inst, plain("of e.test", "hello\r\n"), sender=CAROL)
    assert received(inst, "of e.test").get_content().replace("\r\n", "\n") == "hello\n\n-- \nThe whole system\n"


def test_alternatives_get_it_in_each_and_attachments_stay(inst):
    mail = email.message.EmailMessage(policy=email.policy.SMTP)
    mail["From"], mail["To"], mail["Subject"] = ALICE, BOB, "parts"
    mail.set_content("hällo\n", charset="iso-8859-1")
    mail.add_alternative("<html><body><p>hällo</p></body></html>", subtype="html")
    mail.add_attachment("my own text\n", filename="note.txt")
    mail.add_attachment(bytes(range(256)) * 20, maintype="application", subtype="octet-stream", filename="data")
    submit(inst, mail.as_bytes())
    got = received(inst, "parts")
    text, html = got.get_body(("plain",)).get_content(), got.get_body(("html",)).get_content()
    assert text.replace("\r\n", "\n").startswith("hällo\n\nFirma Müller\n公司\n")
    assert "<p>Firma M&#252;ller<br>&#20844;&#21496;</p>" in html and html.index("&#252;") < html.index("</body>")
    note, data = got.iter_attachments()
    assert note.get_content().strip() == "my own text" and data.get_content() == bytes(range(256)) * 20


def test_what_stays_as_it_is(inst):
    signed = (f"From: {ALICE}\r\nSubject: signed\r\nMIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=b;\r\n"
              "\tprotocol=\"application/pgp-signature\"\r\n\r\n--b\r\n\r\nhello\r\n--b\r\n"
              "Content-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n").encode()
    submit(inst, signed)
    armoured = plain("armoured", "-----BEGIN PGP MESSAGE-----\r\n\r\nhQ\r\n-----END PGP MESSAGE-----\r\n")
    submit(inst, armoured)
    again = plain("again", "yes\r\n> Firma M=C3=BCller\r\n> =E5=85=AC=E5=8F=B8\r\n>\r\n> --\r\n> The whole system\r\n",
                  "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                  "Content-Transfer-Encoding: quoted-printable\r\n")
    submit(inst, again)
    for subject in ("signed", "armoured", "again"):
        received(inst, subject)
    from mailbox import messages
    kept = messages(inst, BOB)
    for original in (signed, armoured, again):
        body = original.split(b"\r\n\r\n", 1)[1]
        assert any(m.endswith(body) for m in kept), original


def test_mail_of_strangers_and_notices_get_none(inst):
    with smtplib.SMTP("127.0.0.1", inst.port("smtp"), timeout=20) as client:
        client.sendmail("far@x.test", [BOB], b"Subject: from outside\r\n\r\nhello\r\n")
    assert received(inst, "from outside").get_content().strip() == "hello"


def test_webmail_only_large_mail_and_errors(instance):
    inst = instance
    write(inst, system_txt="The system\n")
    inst.set("signature.max_size", "64K")
    start(inst)
    submit(inst, plain("small", "hello\r\n"))
    assert "The system" in received(inst, "small").get_content()
    submit(inst, plain("large", "0123456789\r\n" * 10000))
    assert received(inst, "large").get_content().replace("\r\n", "\n") == "0123456789\n" * 10000
    inst.set("signature.webmail_only", "yes")
    inst.run("reload")
    wait_for(lambda: (submit(inst, plain("none", "hello\r\n")) or True) and
             [m for m in wait_for(lambda: [x for x in mailbox(inst, BOB) if x["Subject"] == "none"], 20, "mail")
              if "The system" not in m.get_content()], 30, "mail without a signature")
    path = inst.root / "etc/signatures/@d.test.txt"
    path.write_bytes(b"\xff\n")
    (inst.root / "etc/signatures/other.html").write_text("x")
    result = inst.run("config", "check", check=False)
    assert result.returncode == 1 and f"{path}: is not UTF-8" in result.err and "is for nobody" in result.err
