"""Rules for passwords (DIR-46 to 48): what is refused when one is set, the dictionary, age."""
import imaplib
import poplib
import smtplib

import pytest

from conftest import PASSWORD
from instance import Instance


@pytest.fixture(params=["stopped", "running"])
def both(request):
    """The same rules with an accountd of the command line and with the suite's."""
    inst = Instance()
    inst.setup()
    if request.param == "running":
        inst.start()
    inst.add_user("alice@d.test", PASSWORD)
    yield inst
    inst.close()


@pytest.fixture(scope="module")
def running():
    inst = Instance()
    inst.setup()
    inst.set("auth.plain_on_loopback", "yes")
    inst.set("auth.failure_delay", "0")
    inst.start()
    yield inst
    inst.close()


def set_password(inst, password, user="alice@d.test", *options):
    return inst.run("user", "passwd", user, "--password-stdin", *options, stdin=password + "\n",
                    check=False)


def refused(inst, password, reason, user="alice@d.test"):
    done = set_password(inst, password, user)
    assert done.returncode == 1 and reason in done.err, done.err
    assert password not in done.err + done.out


def login(inst, user, password):
    """What IMAP answers: OK or the text of its refusal."""
    imap = imaplib.IMAP4("127.0.0.1", inst.port("imap"))
    try:
        return imap.login(user, password)[0]
    except imaplib.IMAP4.error as e:
        return str(e)
    finally:
        imap.shutdown()


def test_each_rule_is_asked_at_every_way_of_setting_one(both):
    both.run("domain", "set", "d.test", "password_min_length=10", "password_classes=3")
    refused(both, "Short-1", "10 characters")
    refused(both, "only-small-letters", "too simple")
    refused(both, "x-Alice-12345", "name")
    done = both.run("user", "add", "bob@d.test", "--password-stdin", stdin="Short-1\n", check=False)
    assert done.returncode == 1 and "10 characters" in done.err
    assert "bob@d.test" not in [u["address"] for u in both.json("user", "list")]
    done = both.run("admin", "passwd", "admin", "--password-stdin", stdin="admin-secret\n",
                    check=False)
    assert done.returncode == 1 and "name" in done.err
    # a user's own rules go before the domain's, also those that come with the user
    both.run("user", "add", "carol@d.test", "password_min_length=3", "password_classes=0",
             "--password-stdin", stdin="abc\n")
    refused(both, "ab", "3 characters", "carol@d.test")
    assert set_password(both, "Long-enough-1").returncode == 0


def test_a_password_that_is_made_up_keeps_the_rules(both):
    both.run("domain", "set", "d.test", "password_min_length=20", "password_classes=4")
    for name in ("one", "two"):
        made_up = both.json("user", "add", f"{name}@d.test")["password"]
        assert len(made_up) == 20
        refused(both, made_up[:19], "20 characters", f"{name}@d.test")


def test_old_passwords_are_refused_as_long_as_they_are_remembered(both):
    both.run("domain", "set", "d.test", "password_history=3")
    refused(both, PASSWORD, "used before")
    for i in (1, 2):
        assert set_password(both, f"new-password-{i}").returncode == 0
    refused(both, PASSWORD, "used before")
    refused(both, "new-password-1", "used before")
    assert set_password(both, "new-password-3").returncode == 0
    assert set_password(both, PASSWORD).returncode == 0
    for text in (both.run("user", "show", "alice@d.test").out, both.run("user", "list", "--json").out):
        assert "{YESCRYPT}" not in text  # records, old ones too, are shown to nobody


def test_the_dictionary_refuses_and_is_kept_by_its_commands(both, tmp_path):
    words = tmp_path / "words"
    words.write_text("Dragon-of-1984\n# a comment\n\nletmein-please\n", encoding="utf-8")
    assert both.json("password", "dictionary", "import", words) == {"added": 2}
    assert both.json("password", "dictionary", "import", words) == {"added": 0}
    both.run("password", "dictionary", "add", "Pässword-1")
    refused(both, "DRAGON-of-1984", "dictionary")
    refused(both, "PÄSSWORD-1", "dictionary")
    out = tmp_path / "out"
    both.run("password", "dictionary", "export", out)
    assert sorted(out.read_text(encoding="utf-8").split()) == ["dragon-of-1984", "letmein-please",
                                                              "pässword-1"]
    assert "not overwritten" in both.run("password", "dictionary", "export", out, check=False).err
    both.run("password", "dictionary", "remove", "dragon-OF-1984")
    assert set_password(both, "dragon-of-1984").returncode == 0
    words.write_text("fine\nnot fine\n", encoding="utf-8")
    done = both.run("password", "dictionary", "import", words, check=False)
    assert done.returncode == 1 and "line 2" in done.err
    assert "fine" not in both.run("password", "dictionary", "export").out


def test_the_report_finds_who_has_a_listed_password(both, tmp_path):
    def report():
        return [u["address"] for u in both.json("password", "dictionary", "report")]

    record = tmp_path / "record"
    record.write_text("{PLAIN}Sunshine99\n", encoding="utf-8")
    both.run("user", "add", "record@d.test", "--password-record-file", record)
    both.run("password", "dictionary", "add", "sunshine99", "other-word")
    assert report() == ["record@d.test"]  # a record cannot be judged when it comes
    both.run("password", "dictionary", "add", PASSWORD)
    assert report() == ["alice@d.test", "record@d.test"]
    assert set_password(both, "nothing-like-it").returncode == 0
    assert report() == ["record@d.test"]


def test_the_dictionary_survives_export_and_import_of_the_base(both, tmp_path):
    both.run("password", "dictionary", "add", "listed-word")
    both.run("domain", "set", "d.test", "password_history=4")
    assert set_password(both, "another-one").returncode == 0
    copy = tmp_path / "base"
    both.run("export", copy)
    both.run("import", copy, "--replace")
    refused(both, "listed-word", "dictionary")
    refused(both, PASSWORD, "used before")


def test_setup_refuses_a_weak_first_password_and_can_be_repeated(tmp_path):
    inst = Instance()
    secret = tmp_path / "secret"
    secret.write_text("short\n", encoding="utf-8")
    done = inst.run("setup", "--domain", "d.test", "--admin-password-file", secret, check=False)
    assert done.returncode == 1 and "8 characters" in done.err
    secret.write_text("long-enough\n", encoding="utf-8")
    inst.run("setup", "--domain", "d.test", "--admin-password-file", secret)
    inst.close()


def test_a_domain_has_its_own_scheme(both):
    both.run("domain", "set", "d.test", "password_scheme=argon2id")
    assert set_password(both, "argon-password").returncode == 0
    exported = both.run("export").out
    assert "password {ARGON2ID}" in exported.split("user alice@d.test")[1]


def test_a_first_login_waits_for_the_change(running):
    running.run("domain", "add", "first.test", "password_change_first=yes")
    running.add_user("new@first.test", PASSWORD)
    assert "EXPIRED" in login(running, "new@first.test", PASSWORD)
    assert "AUTHENTICATIONFAILED" in login(running, "new@first.test", "wrong")  # nothing is told
    pop = poplib.POP3("127.0.0.1", running.port("pop3"))
    pop.user("new@first.test")
    with pytest.raises(poplib.error_proto, match="must be changed"):
        pop.pass_(PASSWORD)
    pop.close()
    with smtplib.SMTP("127.0.0.1", running.port("submission")) as smtp:
        smtp.ehlo()
        code, text = smtp.docmd("AUTH PLAIN", "AG5ld0BmaXJzdC50ZXN0AHNlY3JldC1vZi10ZXN0")
        assert code == 535 and b"must be changed" in text
    assert set_password(running, "her-own-choice", "new@first.test", "--own").returncode == 0
    assert login(running, "new@first.test", "her-own-choice") == "OK"
    assert set_password(running, "by-administrator", "new@first.test").returncode == 0
    assert "EXPIRED" in login(running, "new@first.test", "by-administrator")


def test_a_password_that_is_too_old_opens_nothing(running):
    running.run("domain", "add", "age.test", "password_max_age=30")
    running.add_user("old@age.test", PASSWORD)
    assert login(running, "old@age.test", PASSWORD) == "OK"
    base = running.run("export").out
    head, tail = base.split("user old@age.test", 1)
    lines = tail.split("\n")
    at = next(i for i, line in enumerate(lines) if line.startswith("    password_changed "))
    lines[at] = "    password_changed 2020-01-01T00:00:00Z"
    running.run("import", "--replace", stdin=head + "user old@age.test" + "\n".join(lines))
    assert "EXPIRED" in login(running, "old@age.test", PASSWORD)
    running.run("user", "set", "old@age.test", "password_max_age=0")
    assert login(running, "old@age.test", PASSWORD) == "OK"
