"""The address book in Thunderbird: an LDAP directory, searched as its address book and its compose window do."""
import ssl

import pytest

from ldap_suite import PASSWORD, suite
from test_books_evolution import FULL
from thunderbird import Thunderbird

SERVICES = 'const {MailServices} = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");'
OPEN = SERVICES + """
    const [name, url, dn, password] = args;
    const id = MailServices.ab.newAddressBook(name, url, Ci.nsIAbManager.LDAP_DIRECTORY_TYPE);
    const book = MailServices.ab.getDirectoryFromId(id).QueryInterface(Ci.nsIAbLDAPDirectory);
    book.authDn = dn;
    if (dn) {
      const login = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
      login.init(book.lDAPURL.prePath, null, book.lDAPURL.spec, "", password, "", "");
      await Services.logins.addLoginAsync(login);
    }
    return book.dirPrefId;
"""
FIND = SERVICES + """
    const [id, text] = args, cards = [];
    const {getModelQuery, getSearchTokens, generateQueryURI} = ChromeUtils.importESModule("resource:///modules/ABQueryUtils.sys.mjs");
    const query = generateQueryURI(getModelQuery("mail.addr_book.quicksearchquery.format"), getSearchTokens(text));
    const status = await new Promise(resolve => MailServices.ab.getDirectoryFromId(id).search(query, text, {
      onSearchFoundCard(card) { cards.push(Object.fromEntries([...card.properties].map(p => [p.name, p.value]))); },
      onSearchFinished: resolve}));
    return {ok: Components.isSuccessCode(status), cards};
"""
COMPLETE = SERVICES + """
    const [id, text] = args, found = [];
    Services.prefs.setBoolPref("ldap_2.autoComplete.useDirectory", true);
    Services.prefs.setCharPref("ldap_2.autoComplete.directoryServer", id);
    const search = Cc["@mozilla.org/autocomplete/search;1?name=ldap"].createInstance(Ci.nsIAutoCompleteSearch);
    const result = await new Promise(resolve => search.startSearch(text, '{"type": "addr_to"}', null, {
      onSearchResult(search, result) { resolve(result); }}));
    if (result.searchResult == Ci.nsIAutoCompleteResult.RESULT_FAILURE) throw new Error("the search failed");
    for (let i = 0; i < result.matchCount; i++) found.push(result.getValueAt(i));
    return found;
"""


@pytest.fixture(scope="module")
def thunderbird(suite):
    suite.add_user("full@d.test")
    suite.run("contact", "add", "full@d.test", *(f"{name}={value}" for name, value in FULL.items()))
    suite.run("group", "add", "staff@d.test", "full_name=All of the Staff", "shown_to_all=members")
    suite.run("group", "member", "add", "staff@d.test", "full@d.test")
    program = Thunderbird()
    program.trust("127.0.0.1", suite.port("ldaps"), ssl.get_server_certificate(("127.0.0.1", suite.port("ldaps"))))
    yield program
    program.close()


def opened(suite, thunderbird, name, dn, scheme="ldaps"):
    return thunderbird.run(OPEN, name, f"{scheme}://127.0.0.1:{suite.port(scheme)}/o=posthorn??sub?(objectclass=*)", dn, PASSWORD)


@pytest.fixture(scope="module")
def book(suite, thunderbird):
    return opened(suite, thunderbird, "book", "alice@d.test")


JOHN = ["John Smith <js@x.test>", "John Smith <john@y.test>"]


@pytest.mark.parametrize("text,names", [
    ("js", JOHN), ("jo", [*JOHN, "Jörg Müller <jm@z.test>"]), ("john@y", JOHN), ("müL", ["Jörg Müller <jm@z.test>"]),
    ("小", ["王小明 <wang@c.test>"]), ("jane sm", ["Jane  Smythe <jane@x.test>"]), ("all of", ["All of the Staff <staff@d.test>"]),
    ("anna@x", ["Anna Maria Full <full@d.test>", "Anna Maria Full <anna@x.test>"]), ("nobody", []),
])
def test_the_field_to_is_completed(thunderbird, book, text, names):
    assert sorted(thunderbird.run(COMPLETE, book, text)) == sorted(names)


def test_the_address_book_is_searched(thunderbird, book):
    def names(text):
        found = thunderbird.run(FIND, book, text)
        assert found["ok"]
        return sorted(card["DisplayName"] for card in found["cards"])
    assert names("acme") == ["Anna Maria Full", "Jane  Smythe", "John Smith"]
    assert names("john@y") == ["John Smith"]
    assert names("john acme") == ["John Smith"]
    assert names("odd") == ["Odd, Name (the \\ *)"]
    assert names("nobody") == []


def test_a_card_has_all_that_we_know(thunderbird, book):
    [card] = thunderbird.run(FIND, book, "anna maria")["cards"]
    wanted = dict(DisplayName="Anna Maria Full", FirstName="Anna Maria", LastName="Full", PrimaryEmail="full@d.test", SecondEmail="anna@x.test",
                  Company="ACME", Department="Sales", JobTitle="Head", WorkPhone="+1 2", FaxNumber="+1 3", PagerNumber="+1 4",
                  CellularNumber="+1 5", HomePhone="+1 6", WorkAddress="1 Main Street", WorkCity="Boston", WorkState="MA",
                  WorkZipCode="02101", WorkCountry="USA", HomeAddress="5 Home Rd, Salem", Notes="a note")
    assert {key: card.get(key) for key in wanted} == wanted


def test_nobody_sees_nothing_and_a_password_in_clear_is_refused(suite, thunderbird):
    assert thunderbird.run(FIND, opened(suite, thunderbird, "nobody", ""), "smith") == {"ok": False, "cards": []}
    assert thunderbird.run(FIND, opened(suite, thunderbird, "clear", "alice@d.test", "ldap"), "smith") == {"ok": False, "cards": []}
