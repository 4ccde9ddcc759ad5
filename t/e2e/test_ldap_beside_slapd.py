"""The same entries in OpenLDAP's slapd and the same filters, made up at random: both find the same.

What the two may answer differently is left out: approximate and ordering matches, letters with accents (we decompose them,
RFC 5051), hyphens alone of a telephone number, and one rule for every attribute.
"""
import random
import shutil
import subprocess

import ldap3
import pytest
from ldap3.core.exceptions import LDAPInvalidFilterError, LDAPOperationResult
from ldap3.utils.conv import escape_filter_chars

from directory import free_port
from instance import Instance, wait_for
from ldap_suite import connect, ldapsearch, WRITE, WRITE_PASSWORD

FILTERS, PEOPLE = 1200, 120
FIRST = ("Anna", "Maria-Luisa", "O'Neil", "Bo", "Łukasz", "王", "(x)", "a*b", "back\\slash")
LAST = ("Smith", "SMYTHE", "van Oern", "小明", "de_la", "x,y", "#hash", "Smith  Jones")
MAYBE = {"company": ("ACME Ltd", "Acme  ltd", "Miller & Sons"), "department": ("Sales", "sales dept", "R & D"), "phone_office": ("+49 30 12-34", "+493012 34", "+1 555 0"),
         "city": ("Paris", "PARIS", "New York"), "description": ("free text", "Free  Text with more"), "title": ("Dr.", "Boss"), "fax_home": ("+49-30-9",),
         "ip_phone": ("sip:x@y",), "country": ("Deutschland",), "address_home": ("Street 1, Town",)}
ATTRIBUTES = ("cn sn givenName displayName uid mail o ou title telephoneNumber l description objectClass member memberMail "
              "homeFacsimileTelephoneNumber ipPhone co nonsense").split()
BASES = ("o=posthorn", "ou=d.test,o=posthorn", "ou=acme,ou=d.test,o=posthorn", "ou=outside,o=posthorn", "ou=sales,ou=acme,ou=d.test,o=posthorn",
         "cn=staff,ou=d.test,o=posthorn", "uid=p3,ou=outside,o=posthorn")
AS_WRITER = ("-x", "-ZZ", "-D", WRITE, "-w", WRITE_PASSWORD)


def quoted(value):
    return '"' + value.replace('"', '""') + '"'


def contacts(rng):
    yield ",".join(["name", "full_name", "addresses", *MAYBE])
    for i in range(PEOPLE):
        name = f"p{i}@{'outside' if i == 3 else rng.choice(('outside', 'd.test', 'e.test'))}"
        mail = f"{rng.choice('abc')}{i}@x{i % 3}.test" + (f";second.{i}@y.test" if i % 2 else "")
        full = rng.choice(FIRST) + " " * rng.randint(1, 3) + rng.choice(LAST)
        yield ",".join(quoted(v) for v in (name, full, mail, *(rng.choice(("", *values)) for values in MAYBE.values())))


def slapd_config(inst, root):
    """Attributes and classes that slapd does not bring along, as our schema has them."""
    schema = ldapsearch(inst, "-b", "cn=Subschema", "-s", "base", "(objectClass=*)", "attributeTypes", "objectClasses", auth=AS_WRITER)
    ours = [line.split(": ", 1) for line in schema.splitlines() if any(arc in line for arc in ("2.25.", "1.2.840.113556", "1.3.6.1.4.1.13769"))]
    return "".join([*(f"include /etc/ldap/schema/{name}.schema\n" for name in ("core", "cosine", "inetorgperson")),
                    *(f"{'attributetype' if kind == 'attributeTypes' else 'objectclass'} {text}\n" for kind, text in ours),
                    "modulepath /usr/lib/ldap\nmoduleload back_mdb\ndatabase mdb\nsuffix o=posthorn\nrootdn cn=root,o=posthorn\nrootpw x\n",
                    f"sizelimit unlimited\nmaxsize 104857600\ndirectory {root}/db\n"])


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    root, inst, rng = tmp_path_factory.mktemp("slapd"), Instance(), random.Random(7)
    inst.setup()
    secret = inst.root / "etc/write"
    secret.write_text(WRITE_PASSWORD + "\n")
    secret.chmod(0o600)
    inst.set("ldap.write_password_file", "write")
    inst.start()
    for unit, *properties in (("acme", "full_name=Acme"), ("sales", "full_name=Sales Dept", "parent=acme", "description=Who sells"), ("lab", "full_name=Laboratory", "parent=acme")):
        inst.run("organisation", "add", f"{unit}@d.test", *properties)
    inst.run("domain", "add", "e.test")
    inst.run("contact", "import", stdin="\n".join(contacts(rng)) + "\n")
    inst.run("group", "add", "staff@d.test", "shown_to_all=members", "full_name=All Staff")
    for member in ("postmaster@d.test", "o@far.test"):
        inst.run("group", "member", "add", "staff@d.test", member)
    ours = connect(inst, WRITE, WRITE_PASSWORD)
    wait_for(lambda: "cn=staff" in ldapsearch(inst, "-b", "o=posthorn", "(memberMail=*)", auth=AS_WRITER), 30, "the last change")
    (root / "db").mkdir()
    (root / "conf").write_text(slapd_config(inst, root))
    subprocess.run(["/usr/sbin/slapadd", "-f", root / "conf"], input=ldapsearch(inst, "-b", "o=posthorn", "(objectClass=*)", auth=AS_WRITER),
                   text=True, check=True)
    port = free_port()
    process = subprocess.Popen(["/usr/sbin/slapd", "-f", root / "conf", "-d", "0", "-h", f"ldap://127.0.0.1:{port}"], stderr=subprocess.DEVNULL)

    def bind():
        try:
            return ldap3.Connection(ldap3.Server("127.0.0.1", port=port, get_info=ldap3.NONE), "cn=root,o=posthorn", "x", auto_bind=True, raise_exceptions=True)
        except ldap3.core.exceptions.LDAPException:
            return None
    theirs = wait_for(bind, 20, "slapd")
    yield ours, theirs
    ours.unbind()
    theirs.unbind()
    process.terminate()
    process.wait(20)
    inst.close()
    shutil.rmtree(root)


class Maker:
    def __init__(self, entries, rng):
        self.rng, self.values = rng, {}
        for entry in entries:
            for name, values in entry["attributes"].items():
                self.values.setdefault(name, []).extend(values)

    def otherwise(self, value):
        return self.rng.choice((value, value.upper(), value.lower(), value.replace(" ", "  ")))

    def substring(self, name, value):
        start, end = sorted((self.rng.randint(0, len(value)), self.rng.randint(0, len(value))))
        first, middle, last = value[:max(1, end)], value[start:end] or value[:1], value[start:] or value[-1:]
        first, middle, last = (escape_filter_chars(self.otherwise(part)) for part in (first, middle, last))
        return self.rng.choice((f"({name}={first}*)", f"({name}=*{middle}*)", f"({name}=*{last})", f"({name}={first[:1]}*{middle}*)"))

    def item(self):
        name = self.rng.choice(ATTRIBUTES)
        value = self.rng.choice(self.values.get(name, ["x"]))
        whole = escape_filter_chars(self.otherwise(value))
        choice = self.rng.random()
        if choice < .1:
            return f"({name}=*)"
        if choice < .2:
            return f"({self.rng.choice(('ou', 'o', 'uid', 'cn'))}:dn:={self.rng.choice(('d.test', 'outside', 'posthorn', 'sales', 'acme', 'p3', 'staff'))})"
        if choice < (.6 if name in ("objectClass", "member") else .25):  # most of them are no such value
            return f"({name}={self.rng.choice(('x', 'Acme', '2.5.6.5', '2.16.840.1.113730.3.2.2'))})"
        if choice < .3:
            return f"({self.rng.choice(('cn', 'sn', 'o'))}:caseExactMatch:={whole})"
        if choice < .65 and name not in ("objectClass", "member", "telephoneNumber", "homeFacsimileTelephoneNumber"):
            return self.substring(name, value)
        return f"({name}={whole})"

    def filter(self, depth=0):
        choice = self.rng.random()
        if depth > 3 or choice < .45:
            return self.item()
        if choice < .6:
            return f"(!{self.filter(depth + 1)})"
        count = self.rng.choice((0, 1, 2, 2, 3))
        return f"({self.rng.choice('&|')}{''.join(self.filter(depth + 1) for _ in range(count))})"


def dns(con, base, filter, scope):
    try:
        con.search(base, filter, scope, attributes=["1.1"])
    except LDAPOperationResult as refused:
        return refused.description
    return sorted(entry["dn"].lower() for entry in con.response if entry["type"] == "searchResEntry")


def test_both_find_the_same(both):
    ours, theirs = both
    ours.search("o=posthorn", "(objectClass=*)", attributes=["*"])
    maker, with_results = Maker(ours.response, random.Random(11)), 0
    for _ in range(FILTERS):
        filter, base = maker.filter(), maker.rng.choice(BASES)
        scope = maker.rng.choice((ldap3.SUBTREE, ldap3.SUBTREE, ldap3.SUBTREE, ldap3.LEVEL, ldap3.BASE))
        try:
            wanted = dns(theirs, base, filter, scope)
        except LDAPInvalidFilterError:
            continue  # ldap3 does not send it
        with_results += bool(wanted)
        assert (base, scope, filter, dns(ours, base, filter, scope)) == (base, scope, filter, wanted)
    assert with_results > FILTERS // 10
