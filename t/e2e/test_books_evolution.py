"""The address book in Evolution: its LDAP backend (evolution-data-server), asked as its windows ask it."""
import pytest

from evolution_book import Evolution
from instance import wait_for
from ldap_suite import PASSWORD, suite, WRITE, WRITE_PASSWORD

FULL = dict(full_name="Anna Maria Full", addresses="full@d.test anna@x.test", company="ACME", department="Sales", title="Head",
            office="R 12", phone_office="+1 2", fax="+1 3", pager="+1 4", street="1 Main Street", city="Boston", state="MA",
            post_code="02101", country="USA", mobile="+1 5", phone_home="+1 6", fax_home="+1 7", address_home="5 Home Rd, Salem",
            description="a note")
EVERYBODY = '(contains "x-evolution-any-field" "")'


def typed(text):
    """What the field To: of the compose window asks for."""
    return "(or " + " ".join(f'(beginswith "{field}" "{text}")' for field in ("nickname", "email", "full_name", "file_as")) + ")"


@pytest.fixture(scope="module")
def evolution(suite):
    suite.add_user("full@d.test")
    suite.run("contact", "add", "full@d.test", *(f"{name}={value}" for name, value in FULL.items()))
    suite.run("group", "add", "staff@d.test", "full_name=All of the Staff", "shown_to_all=members")
    for member in ("full@d.test", "out@far.test"):
        suite.run("group", "member", "add", "staff@d.test", member)
    program = Evolution()
    yield program
    program.close()


@pytest.fixture(scope="module")
def book(suite, evolution):
    assert evolution.ask("open", uid="book", port=suite.port("ldap"), base="o=posthorn", user="alice@d.test", password=PASSWORD)


@pytest.fixture(scope="module")
def pen(suite, evolution):
    assert evolution.ask("open", uid="pen", port=suite.port("ldap"), base="ou=outside,o=posthorn", user=WRITE, password=WRITE_PASSWORD)


@pytest.mark.parametrize("text,names", [
    ("js", ["John Smith"]), ("jane@", ["Jane  Smythe"]), ("mü", ["Jörg Müller"]), ("王", ["王小明"]), ("anna@x", ["Anna Maria Full"]),
    ("Smi", ["John Smith"]), ("SMY", ["Jane  Smythe"]), ("all of", ["All of the Staff"]), ("nobody", []),
])
def test_names_are_completed(evolution, book, text, names):
    assert evolution.ask("view", query=typed(text)) == {"names": names, "end": ""}


def test_more_than_the_limit_are_cut_off_and_said_to_be(evolution, book, suite):
    rows = "".join(f"many{i},Many {i},m{i}@many.test\n" for i in range(60))
    suite.run("contact", "import", "--book", "outside", stdin="name,full_name,addresses\n" + rows)
    wait_for(lambda: evolution.ask("names", query=typed("many 59")) == ["Many 59"], 10, "the contacts")
    seen = evolution.ask("view", query=typed("many"))
    assert len(seen["names"]) == 50 and "limit" in seen["end"], seen  # ldap.size_limit
    suite.run("contact", "remove", *(f"many{i}@outside" for i in range(60)))


def test_searches_of_the_contacts_window(evolution, book):
    assert evolution.ask("names", query='(contains "x-evolution-any-field" "acme")') == ["Anna Maria Full", "Jane  Smythe", "John Smith"]
    assert evolution.ask("names", query='(contains "full_name" "ane")') == ["Jane  Smythe"]
    assert evolution.ask("names", query='(and (endswith "email" "y.test") (not (is "full_name" "x")))') == ["John Smith"]
    everybody = evolution.ask("names", query=EVERYBODY)
    assert {"John Smith", "王小明", "Odd, Name (the \\ *)"} <= set(everybody)


def test_a_card_has_all_that_we_know(evolution, book):
    lines = evolution.ask("show", uid="uid=full,ou=d.test,o=posthorn").splitlines()
    for line in ("FN:Anna Maria Full", "EMAIL;TYPE=OTHER:full@d.test", "EMAIL;TYPE=OTHER:anna@x.test", "ORG:ACME;Sales;R 12", "TITLE:Head",
                 "TEL;TYPE=WORK,VOICE:+1 2", "TEL;TYPE=WORK,FAX:+1 3", "TEL;TYPE=PAGER:+1 4", "TEL;TYPE=CELL:+1 5", "TEL;TYPE=HOME,VOICE:+1 6",
                 "TEL;TYPE=HOME,FAX:+1 7", "ADR;TYPE=WORK:;;1 Main Street;Boston;MA;02101;USA", "LABEL;TYPE=HOME:5 Home Rd\\, Salem",
                 "NOTE:a note"):
        assert line in lines, (line, lines)


def test_a_group_is_a_contact_list(evolution, book):
    card = evolution.ask("show", uid="cn=staff,ou=d.test,o=posthorn")
    assert "X-EVOLUTION-LIST:TRUE" in card and "FN:All of the Staff" in card and "full@d.test" in card, card


def test_a_user_reads_and_does_not_write(evolution, book, suite):
    with pytest.raises(RuntimeError, match="[Pp]ermission denied"):
        evolution.ask("change", uid="uid=smith,ou=outside,o=posthorn", title="Boss")
    with pytest.raises(RuntimeError, match="[Pp]ermission denied"):
        evolution.ask("remove", uid="uid=smith,ou=outside,o=posthorn")
    assert suite.json("contact", "show", "smith@outside")["title"] == ""


CARD = """BEGIN:VCARD
VERSION:3.0
FN:Nina Neu
N:Neu;Nina;;;
EMAIL:nina@x.test
EMAIL:neu@x.test
TEL;TYPE=WORK,VOICE:+1 234
TEL;TYPE=CELL:+1 235
ORG:ACME;Sales;Room 9
TITLE:Boss
LABEL;TYPE=WORK:1 Main St\\nBoston
NOTE:new here
END:VCARD
"""


def test_contacts_are_written_with_the_write_password(suite, evolution, pen):
    uid = evolution.ask("add", card=CARD)
    assert uid.startswith("uid=neu.") and uid.endswith(",ou=outside,o=posthorn")
    name = uid.split(",")[0].removeprefix("uid=") + "@outside"
    shown = suite.json("contact", "show", name)
    assert {key: shown[key] for key in ("full_name", "addresses", "phone_office", "mobile", "company", "department", "office", "title", "street",
                                        "description")} == {
        "full_name": "Nina Neu", "addresses": ["nina@x.test", "neu@x.test"], "phone_office": "+1 234", "mobile": "+1 235", "company": "ACME",
        "department": "Sales", "office": "Room 9", "title": "Boss", "street": "1 Main St, Boston", "description": "new here"}
    assert "FN:Nina Neu" in evolution.ask("show", uid=uid)
    evolution.ask("change", uid=uid, title="Chief", business_phone="+1 99")
    evolution.ask("change_lines", uid=uid, lines={"ORG:ACME;Sales;Room 9": "ORG:Other;Sales;Room 9"})  # with a rename to the same name
    evolution.ask("change_lines", uid=uid, lines={"FN:Nina Neu": "FN:Nina Alt", "\nN:Neu;Nina;;;": "\nN:Alt;Nina;;;"})
    shown = suite.json("contact", "show", name)
    assert [shown[key] for key in ("full_name", "title", "phone_office", "company")] == ["Nina Alt", "Chief", "+1 99", "Other"]
    evolution.ask("remove", uid=uid)
    assert suite.run("contact", "show", name, check=False).returncode != 0
    assert evolution.ask("names", query='(is "email" "nina@x.test")') == []


# the last ones: each opens a book of its own

def test_a_wrong_password(suite, evolution):
    assert not evolution.ask("open", uid="wrong", port=suite.port("ldap"), base="o=posthorn", user="alice@d.test", password="wrong", seconds=3)
    wait_for(lambda: "event=login_failed" in suite.log("ldap"), 10, "the failure")


def test_nobody_is_told_why_nothing_is_seen(suite, evolution):
    with pytest.raises(RuntimeError, match="[Pp]ermission denied"):
        evolution.ask("open", uid="nobody", port=suite.port("ldap"), base="o=posthorn")


def test_a_password_in_clear_is_refused(suite, evolution):
    with pytest.raises(RuntimeError, match="[Pp]ermission denied"):
        evolution.ask("open", uid="clear", port=suite.port("ldap"), base="o=posthorn", user="alice@d.test", password=PASSWORD, security="NONE",
                      seconds=3)
