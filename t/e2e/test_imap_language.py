"""LANGUAGE (RFC 5255 section 3): English alone, under its two names, and told so in every state."""
import pytest

from imapclient import Imap

ALICE = "alice@d.test"


@pytest.fixture(params=["before login", "logged in"])
def imap(suite, request):
    client = Imap(suite.port("imaps"), ALICE if request.param == "logged in" else None, tls=True)
    yield client
    client.close()


def test_capability_and_enumeration(imap):
    assert b"LANGUAGE" in imap.ok("CAPABILITY")[0].split()
    assert imap.ok("LANGUAGE") == [b"* LANGUAGE (en i-default)"]


@pytest.mark.parametrize("ranges, chosen", [
    ("EN", b"en"), ("FR-CA EN-CA", b"en"), ("en-Latn-US-x-y", b"en"), ("i-default", b"i-default"), ('"default"', b"i-default"),
    ("fr *", None), ('fr "*"', b"i-default"), ("{2+}\r\nen", b"en")])
def test_choice(imap, ranges, chosen):
    if chosen is None:
        imap.bad(f"LANGUAGE {ranges}")  # an astring has no bare "*"
    else:
        assert imap.ok(f"LANGUAGE {ranges}") == [b"* LANGUAGE (" + chosen + b")"]


@pytest.mark.parametrize("ranges", ["MUL", "de", "e", "enn", "i", "fr de-AT"])
def test_other_languages(imap, ranges):
    assert imap.no(f"LANGUAGE {ranges}") == []


@pytest.mark.parametrize("ranges", ["", '""', "-", "en-", "-en", "en--us", "abcdefghi", "e_n", '"e n"', "en "])
def test_wrong_ranges(imap, ranges):
    imap.bad(f"LANGUAGE {ranges}")
