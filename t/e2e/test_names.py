"""One name in every spelling (RFC 8265, RFC 5890): mail, logins, aliases, groups, contacts, domains."""
import smtplib
import unicodedata

import imaplib
import ldap3
import pytest

from conftest import PASSWORD
from instance import Instance, wait_for
from mailbox import messages

USER = "jörg.müller@bücher.test"
SPELLINGS = [
    USER,
    unicodedata.normalize("NFD", USER),
    "JÖRG.MÜLLER@BÜCHER.TEST",
    unicodedata.normalize("NFD", "Jörg.MÜLLER@Bücher.test"),
    "jörg.müller@xn--bcher-kva.test",
    "Jörg.Müller@XN--BCHER-KVA.Test",
    "ｊörg．müller@bücher.test",  # full width
]
KEPT = "jörg.müller@xn--bcher-kva.test"


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    inst.set("auth.plain_on_loopback", "yes")
    inst.start()
    inst.run("domain", "add", "bücher.test", "publish_users=all")
    inst.run("user", "add", "JÖRG.Müller@Bücher.test", "full_name=Jörg", "--password-stdin", stdin=PASSWORD + "\n")
    inst.add_user("alice@d.test", PASSWORD)
    yield inst
    inst.close()


def utf8_client(inst):
    client = smtplib.SMTP("127.0.0.1", inst.port("smtp"), timeout=20)
    client.command_encoding = "utf-8"
    client.ehlo("client.test")
    return client


def rcpt(inst, address):
    with utf8_client(inst) as client:
        client.mail("x@far.test", ["SMTPUTF8"])
        return client.rcpt(address)[0]


def test_mail_reaches_it_in_every_spelling(suite):
    for number, address in enumerate(SPELLINGS):
        with utf8_client(suite) as client:
            client.sendmail("x@far.test", [address], f"Subject: spelling {number}\r\n\r\n.\r\n", ["SMTPUTF8"])
    suite.wait_queue_empty()
    found = wait_for(lambda: len(m := messages(suite, KEPT)) >= len(SPELLINGS) and m, 30, "all of them")
    for number in range(len(SPELLINGS)):
        assert sum(f"Subject: spelling {number}\r\n".encode() in m for m in found) == 1
    assert rcpt(suite, "jorg.muller@bücher.test") == 550  # letters are not taken for others
    assert rcpt(suite, "jörg.müller@bucher.test") in (550, 553, 554)


@pytest.mark.parametrize("name", SPELLINGS)
def test_logins_take_every_spelling(suite, name):
    client = imaplib.IMAP4("127.0.0.1", suite.port("imap"), timeout=20)
    client.authenticate("PLAIN", lambda _: f"\0{name}\0{PASSWORD}".encode())
    client.logout()


def test_one_name_is_given_once(suite):
    for address in SPELLINGS[:4]:
        done = suite.run("user", "add", address, "--no-password", check=False)
        assert done.returncode == 1 and "exists already" in done.err
    done = suite.run("group", "add", SPELLINGS[2], check=False)
    assert done.returncode == 1 and "a mailbox has that name" in done.err
    assert suite.json("user", "show", SPELLINGS[3])["address"] == KEPT
    for odd in ("😀@d.test", "a\u202eb@d.test", "½@d.test"):
        done = suite.run("user", "add", odd, "--no-password", check=False)
        assert done.returncode == 1 and "no address" in done.err


def test_aliases_groups_and_forwards_compare_so_too(suite):
    suite.run("alias", "add", "Größe@d.test", SPELLINGS[3])
    assert rcpt(suite, unicodedata.normalize("NFD", "GRÖßE@D.test")) == 250
    assert rcpt(suite, "grösse@d.test") == 550  # ß is no ss
    suite.run("group", "add", "Écurie@d.test", "--member", SPELLINGS[2])
    done = suite.run("group", "member", "add", "ÉCURIE@d.test", SPELLINGS[1], check=False)
    assert done.returncode == 1 and "is a member already" in done.err
    suite.run("user", "set", "alice@d.test", f"forward={SPELLINGS[3]}")
    with utf8_client(suite) as client:
        client.sendmail("x@far.test", ["écurie@d.test", "alice@d.test"], "Subject: by group and forward\r\n\r\n.\r\n", ["SMTPUTF8"])
    suite.wait_queue_empty()
    wait_for(lambda: any(b"Subject: by group and forward" in m for m in messages(suite, KEPT)), 30, "by the group")
    suite.run("user", "rename", SPELLINGS[2], "JÜRGEN@bücher.test")
    assert suite.json("user", "show", "alice@d.test")["forward"] == ["jürgen@xn--bcher-kva.test"]
    assert rcpt(suite, "jürgen@xn--bcher-kva.test") == 250
    suite.run("user", "rename", "jürgen@bücher.test", USER)


def test_a_contact_is_found_by_its_name(suite):
    server = ldap3.Server("127.0.0.1", port=suite.port("ldap"), get_info=ldap3.NONE)
    connection = ldap3.Connection(server, USER, PASSWORD)
    connection.open()
    connection.start_tls()
    assert connection.bind()
    connection.search("o=posthorn", "(objectClass=person)", attributes=["cn"])
    [entry] = [e["dn"] for e in connection.response if "Jörg" in str(e)]
    for dn in (entry, entry.upper(), unicodedata.normalize("NFD", entry)):
        connection.search(dn, "(objectClass=*)", ldap3.BASE, attributes=["cn"])
        assert connection.result["result"] == 0, (dn, connection.result)
        assert len(connection.response) == 1
