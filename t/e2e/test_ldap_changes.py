"""Changes of contacts by LDAP, and how hostile requests fare."""
import os
import pty
import select
import socket
import ssl
import subprocess
import time

import ldap3
import pytest
from ldap3.core.exceptions import LDAPException

from instance import wait_for
from ldap_suite import alice, ber, connect, found, nested, raw, request, search, suite, WRITE, WRITE_PASSWORD, writer


def test_who_has_the_write_password_changes_contacts(suite, writer, alice):
    dn = "uid=new,ou=outside,o=posthorn"
    assert writer.extend.standard.who_am_i() == f"dn:{WRITE}"
    writer.add(dn, ["inetOrgPerson", "posthornPerson"], {"cn": "New Person", "sn": "Person", "mail": ["n@x.test", "m@x.test"], "co": "Wales"})
    assert found(alice, "(cn=new person)") == ["new"]  # at once
    shown = suite.json("contact", "show", "new@outside")
    assert shown["addresses"] == ["n@x.test", "m@x.test"] and shown["country"] == "Wales"
    writer.modify(dn, {"mail": [(ldap3.MODIFY_DELETE, ["N@x.test"]), (ldap3.MODIFY_ADD, ["p@x.test"])],
                       "telephoneNumber": [(ldap3.MODIFY_REPLACE, ["+1"])], "co": [(ldap3.MODIFY_DELETE, [])]})
    shown = suite.json("contact", "show", "new@outside")
    assert (shown["addresses"], shown["phone_office"], shown["country"]) == (["m@x.test", "p@x.test"], "+1", "")
    assert found(alice, "(mail=n@x.test)") == [] and found(alice, "(mail=p@x.test)") == ["new"]
    writer.delete(dn)
    assert found(alice, "(uid=new)") == []
    suite.wait_log("audit", "verb=del kind=contact name=new@outside")
    lines = [line for line in suite.log("audit").splitlines() if "name=new@outside" in line]
    assert all('who="cn=write" from=127.0.0.1' in line for line in lines), lines
    assert any("verb=set" in line and "property=phone_office" in line and "after=+1" in line for line in lines), lines


@pytest.mark.parametrize("dn,attributes,why", [
    ("uid=smith,ou=outside,o=posthorn", {"cn": "X Y", "sn": "Y"}, "entryAlreadyExists"),
    ("uid=a,ou=far.test,o=posthorn", {"cn": "X Y", "sn": "Y"}, "noSuchObject"),
    ("cn=a,ou=outside,o=posthorn", {"cn": "a", "sn": "a"}, "namingViolation"),
    ("uid=a,ou=outside,o=posthorn", {"cn": "X Y", "sn": "Z"}, "constraintViolation"),
    ("uid=a,ou=outside,o=posthorn", {"cn": "X Y", "sn": "Y", "mail": "none"}, "constraintViolation"),
    ("uid=a,ou=outside,o=posthorn", {"cn": "X Y", "sn": "Y", "uid": "b"}, "notAllowedOnRDN"),
    ("uid=a,ou=outside,o=posthorn", {"cn": "X Y", "sn": "Y", "drink": "tea"}, "undefinedAttributeType"),
    ("ou=new.test,o=posthorn", {"cn": "X"}, "unwillingToPerform"),
])
def test_what_cannot_be_added(writer, dn, attributes, why):
    with pytest.raises(LDAPException, match=why):
        writer.add(dn, ["inetOrgPerson"], attributes)


def test_a_contact_is_copied_with_all_its_attributes(suite, writer):
    """Some attributes are one property: those that agree may come together, as ldapvi and LDIF bring them."""
    values = dict(office="R 1", street="1 $ Main \\ St", country="Wales", address_home="5 Home Rd", addresses="a@x.test b@x.test",
                  description="a note", full_name="Of All")
    suite.run("contact", "add", "full@outside", *(f"{name}={value}" for name, value in values.items()))
    wait_for(lambda: found(writer, "(uid=full)") == ["full"], 10, "the contact")
    writer.search("uid=full,ou=outside,o=posthorn", "(objectClass=*)", ldap3.BASE, attributes=["*"])
    entry = {k: v for k, v in writer.response[0]["attributes"].items() if k != "uid"}
    first = {k: v[0] for k, v in entry.items() if k in ("c", "postalAddress", "roomNumber", "mozillaSecondEmail", "mozillaHomeStreet")}
    assert first == {"c": "Wales", "postalAddress": "1 \\24 Main \\5C St", "roomNumber": "R 1", "mozillaSecondEmail": "b@x.test",
                     "mozillaHomeStreet": "5 Home Rd"}
    writer.add("uid=copy,ou=outside,o=posthorn", entry.pop("objectClass"), entry)
    original, copy = (suite.json("contact", "show", f"{name}@outside") for name in ("full", "copy"))
    assert {k: copy[k] for k in values} == {k: original[k] for k in values}
    writer.modify("uid=copy,ou=outside,o=posthorn", {"c": [(ldap3.MODIFY_REPLACE, ["France"])], "postalAddress": [(ldap3.MODIFY_REPLACE, [
        "2 Rue$Paris"])]})
    copy = suite.json("contact", "show", "copy@outside")
    assert (copy["country"], copy["street"]) == ("France", "2 Rue, Paris")
    for name in ("full", "copy"):
        writer.delete(f"uid={name},ou=outside,o=posthorn")


def test_a_contact_takes_no_name_but_its_own(writer):
    dn = "uid=smith,ou=outside,o=posthorn"
    writer.modify_dn(dn, "uid=smith")  # Evolution does that before some of its changes
    writer.modify_dn(dn, "UID=Smith", new_superior="ou=outside,o=posthorn")
    for rdn, superior in (("uid=smyth", None), ("cn=smith", None), ("uid=smith+cn=x", None), ("uid=smith,ou=outside", None),
                          ("uid=smith", "ou=d.test,o=posthorn"), ("uid=smith", "o=posthorn"), ("uid=smith", dn)):
        with pytest.raises(LDAPException, match="unwillingToPerform"):
            writer.modify_dn(dn, rdn, new_superior=superior)
    with pytest.raises(LDAPException, match="noSuchObject"):
        writer.modify_dn("uid=nobody,ou=outside,o=posthorn", "uid=nobody")


def test_nobody_else_changes_anything(suite, alice):
    for change in (lambda: alice.add("uid=a,ou=d.test,o=posthorn", ["inetOrgPerson"], {"cn": "A", "sn": "A"}),
                   lambda: alice.modify("uid=smith,ou=outside,o=posthorn", {"l": [(ldap3.MODIFY_REPLACE, ["Rome"])]}),
                   lambda: alice.modify_dn("uid=smith,ou=outside,o=posthorn", "uid=smith"),
                   lambda: alice.delete("uid=smith,ou=outside,o=posthorn")):
        with pytest.raises(LDAPException, match="insufficientAccessRights"):
            change()
    with pytest.raises(LDAPException, match="invalidCredentials"):
        connect(suite, WRITE, "wrong")


def on_a_terminal(command, env, prompt, key):
    """Runs it, presses the key at the prompt, and returns what it showed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, env=env, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    shown, pressed, end = b"", False, time.monotonic() + 30
    while time.monotonic() < end:
        if select.select([ours], [], [], 0.1)[0]:
            try:
                shown += os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
        if prompt in shown and not pressed:
            pressed = True
            os.write(ours, key)
    os.close(ours)
    process.kill()
    process.wait()
    return shown.decode(errors="replace")


def test_ldapvi_edits(suite):
    script = suite.root / "edit.sh"
    script.write_text("#!/bin/sh\nfor f; do case $f in /*) sed -i 's/^l: Paris/l: Lyon/; s/^mail: js@x.test/mail: jsmith@x.test/' \"$f\";; esac; done\n")
    script.chmod(0o755)
    env = dict(os.environ, EDITOR=str(script), VISUAL=str(script), HOME=str(suite.root), TERM="xterm")
    said = on_a_terminal(["ldapvi", "--bind", "simple", "-h", f"ldap://127.0.0.1:{suite.port('ldap')}", "--starttls", "--tls", "never",
                          "-D", WRITE, "-w", WRITE_PASSWORD, "-b", "ou=outside,o=posthorn", "-Z", "(uid=smith)"], env, b"Action?", b"y")
    shown = suite.json("contact", "show", "smith@outside")
    assert shown["city"] == "Lyon" and sorted(shown["addresses"]) == ["john@y.test", "jsmith@x.test"], said
    suite.run("contact", "set", "smith@outside", "city=Paris", "addresses=js@x.test;john@y.test")


# -- hostile input --

DISCONNECTION = b"1.3.6.1.4.1.1466.20036"


@pytest.mark.parametrize("data", [
    b"GET / HTTP/1.0\r\n\r\n", b"\x30\x84\xff\xff\xff\xff", b"\x30\x80\x02\x01\x01\x00\x00", b"\x30\x85\x01\x01\x01\x01\x01",
    b"\x30\x84\x7f\xff\xff\xff" + b"x" * 100, ber(0x30), request(1), ber(0x30, ber(2, b"\xff"), ber(0x42)),
    ber(0x30, ber(2, b"\1"), ber(0x42), ber(0xa0, ber(0x30, ber(4, b"1.2"), ber(1, b"\1\1")))), request(1, ber(0x7e, b"x")),
    ber(0x30, ber(2, b"\1"), b"\x63\x7f\x01"), request(1, ber(0x42), ber(0xa0, *[ber(0x30, ber(4, b"1.2"))] * 17)),
], ids=range(12))
def test_what_is_no_ldap_ends_the_session_with_a_notice(suite, data):
    assert DISCONNECTION in raw(suite, data)


@pytest.mark.parametrize("filter", [nested(33), nested(5000), ber(0xa0, *[ber(0x87, b"cn")] * 300), ber(0xa4, ber(4, b"cn"), ber(0x30)),
                                    ber(0xa4, ber(4, b"cn"), ber(0x30, ber(0x82, b"x"), ber(0x80, b"y"))), ber(0xa2), ber(0xaf, b"x"),
                                    ber(0xa4, ber(4, b"cn"), ber(0x30, *[ber(0x81, b"x")] * 600)), ber(0xa9, ber(0x83, b"x"))], ids=range(9))
def test_filters_have_limits(suite, filter):
    got = raw(suite, request(7, search(filter)))
    assert b"\x02\x01\x07\x65" in got and b"\x0a\x01\x02" in got, got  # its own response, protocolError


def test_a_deep_filter_below_the_limit_is_evaluated(suite, alice):
    assert found(alice, "(!" * 30 + "(uid=smith)" + ")" * 30) == ["smith"]


def test_requests_may_come_together_and_in_pieces(suite):
    one = request(1, search(ber(0x87, b"objectClass")))
    two = request(2, search(ber(0x87, b"objectClass")))
    got = raw(suite, one + two + request(3, ber(0x42)))
    assert got.count(b"\x02\x01\x01\x64") == got.count(b"\x02\x01\x02\x64") == 1
    with socket.create_connection(("127.0.0.1", suite.port("ldap")), timeout=20) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in one:
            sock.sendall(bytes([byte]))
        assert b"objectClass" in sock.recv(65536)


def test_what_comes_before_tls_is_thrown_away(suite):
    start = request(1, ber(0x77, ber(0x80, b"1.3.6.1.4.1.1466.20037")))
    with socket.create_connection(("127.0.0.1", suite.port("ldap")), timeout=20) as sock:
        sock.sendall(start + request(2, search(ber(0x87, b"objectClass"))))
        assert b"\x0a\x01\x00" in sock.recv(4096)
        context = ssl._create_unverified_context()
        tls = context.wrap_socket(sock)
        tls.settimeout(20)
        tls.sendall(request(3, search(ber(0x87, b"objectClass"))))
        got = tls.recv(65536)
        assert b"\x02\x01\x03" in got and b"\x02\x01\x02\x64" not in got
        tls.close()
    suite.wait_log("ldap", "event=starttls_injection")


def test_an_abandoned_search_and_unbind(suite):
    abandon = request(2, ber(0x50, b"\1"))
    got = raw(suite, request(1, search(ber(0x87, b"objectClass"))) + abandon + request(3, search(ber(0x87, b"objectClass"))))
    assert b"\x02\x01\x03" in got


def test_a_change_of_thousands_at_once_is_read_anew(suite):
    more = "".join(f"contact bulk{i}@outside\n    full_name Bulk {i}\n" for i in range(5000))
    suite.run("import", "--replace", stdin=suite.run("export").out + more)
    con = connect(suite)
    wait_for(lambda: found(con, "(uid=bulk4999)") == ["bulk4999"], 20, "the import")
    assert found(con, "(uid=smith)") == ["smith"]
    suite.run("contact", "add", "behind@outside", "full_name=Behind It")
    wait_for(lambda: found(con, "(cn=behind it)") == ["behind"], 10, "a change behind it")
    suite.run("contact", "remove", "behind@outside")
    con.unbind()


def test_the_contacts_are_there_again_after_a_crash(suite):
    pid = [row["pid"] for row in suite.json("status", "--sandbox") if row["program"] == "directoryd"][0]
    os.kill(int(pid), 9)

    def there():
        try:
            con = connect(suite)
            return found(con, "(uid=smith)") == ["smith"]
        except (LDAPException, OSError):
            return False
    wait_for(there, 20, "directoryd is back")


LIMITS = {"title": 200, "o": 200, "ou": 200, "physicalDeliveryOfficeName": 200, "ipPhone": 200, "street": 200, "l": 200, "st": 200,
          "co": 200, "homePostalAddress": 400, "description": 1000, "postalCode": 40, "telephoneNumber": 64, "pager": 64, "mobile": 64}


def test_a_contact_with_all_that_it_may_have_is_shown_whole(suite):
    """And one with a byte, or an address, more of anything is refused with a reason; nothing vanishes."""
    writer, alice = connect(suite, WRITE, WRITE_PASSWORD), connect(suite)
    dn = "uid=full,ou=outside,o=posthorn"
    full = {name: "7" * count if "hone" in name or name in ("pager", "mobile") and name != "ipPhone" else "x" * count
            for name, count in LIMITS.items()}
    mail = [f"{i:02}{'m' * 62}@{'d' * 60}.{'e' * 60}.{'f' * 50}.test" for i in range(20)]
    full.update({"cn": "n" * 199 + "m", "sn": "n" * 199 + "m", "mail": mail})
    writer.add(dn, ["inetOrgPerson", "posthornPerson"], full)
    alice.search("o=posthorn", "(uid=full)", attributes=["*"])
    shown = alice.response[0]["attributes"]
    assert shown["mail"] == mail and all(shown[name] == [full[name]] or shown[name] == full[name] for name in LIMITS)
    assert found(alice, "(mail=19*)") == found(alice, "(description=xx*)") == ["full"]
    for name in LIMITS:
        with pytest.raises(LDAPException, match="constraintViolation") as refused:
            writer.modify(dn, {name: [(ldap3.MODIFY_REPLACE, [full[name] + "1"])]})
        assert str(LIMITS[name]) in str(refused.value)
    for too_much in ({"mail": [(ldap3.MODIFY_ADD, ["one@more.test"])]}, {"description": [(ldap3.MODIFY_REPLACE, ["x" * 100000])]},
                     {"mail": [(ldap3.MODIFY_REPLACE, [f"{i}@x.test" for i in range(64)])]}):
        with pytest.raises(LDAPException, match="constraintViolation"):
            writer.modify(dn, too_much)
    alice.search("o=posthorn", "(uid=full)", attributes=["*"])
    assert alice.response[0]["attributes"] == shown
    writer.delete(dn)
    writer.unbind()
    alice.unbind()
