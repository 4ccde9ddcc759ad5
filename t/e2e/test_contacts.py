"""Public contacts by the command line: books, published profiles, tables in and out."""
import pytest

from instance import Instance


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    inst.start()
    yield inst
    inst.close()


def table(inst, name, text):
    path = inst.root / name
    path.write_text(text)
    return str(path)


def names(inst, *args):
    return [c["name"] for c in inst.json("contact", "list", *args)]


def test_contacts_are_kept_listed_and_found(suite):
    suite.run("contact", "add", "Smith@outside", "full_name=Jörg Smith", "addresses=j@x.test;s@x.test",
              "phone_office=+49 1", "company=ACME, Ltd")
    suite.run("contact", "add", "hall@d.test", "full_name=Meeting Hall")
    suite.run("contact", "set", "smith@outside", "addresses=s@x.test;j@x.test")
    shown = suite.json("contact", "show", "smith@outside")
    assert shown["addresses"] == ["s@x.test", "j@x.test"] and shown["company"] == "ACME, Ltd"
    assert names(suite, "--book", "outside") == ["smith@outside"]
    assert names(suite, "--find", "JÖRG") == ["smith@outside"]
    assert names(suite, "--find", "nobody") == []
    assert "no such domain" in suite.run("contact", "list", "--book", "far.test", check=False).err
    suite.run("contact", "add", "gone@outside", "full_name=G")
    done = suite.run("contact", "remove", "none@outside", "gone@outside", check=False)
    assert done.returncode == 1 and "none@outside: no such contact" in done.err
    assert names(suite, "--book", "outside") == ["smith@outside"]


def test_profiles_are_published_and_repaired(suite):
    suite.add_user("pub@d.test")
    suite.run("domain", "set", "d.test", "publish_users=choice")
    suite.run("user", "set", "pub@d.test", "full_name=Pub Lisher", "publish=yes")
    assert suite.json("contact", "show", "pub@d.test")["full_name"] == "Pub Lisher"
    suite.run("contact", "remove", "pub@d.test")
    assert suite.json("user", "show", "pub@d.test")["full_name"] == "Pub Lisher"
    assert suite.run("contact", "repair").out == "1 published, 0 removed, 0 damaged\n"
    assert "pub@d.test" in names(suite)
    suite.run("user", "del", "pub@d.test", "--yes")
    assert "pub@d.test" not in names(suite)


def test_a_table_goes_in_and_out(suite):
    text = ("; made by hand\n"
            "full_name;name;addresses;ignored\n"
            "\"Doe; Jane\";jane;jane@x.test;1\n"
            "Hall;hall@d.test;hall@x.test;2\n"
            "Bad;bad name;b@x.test;3\n"
            "Short;short\n"
            "Worse;worse;not an address;4\n")
    suite.run("contact", "add", "hall@d.test", "full_name=Meeting Hall", check=False)  # it may be there
    path = table(suite, "in.csv", text)
    bad = suite.run("contact", "import", path, "--separator", ";", "--comment", ";", check=False)
    assert "there is no property 'ignored'" in bad.err
    text = text.replace(";ignored", ";-").replace("; made", "% made")
    path = table(suite, "in.csv", text)
    done = suite.run("contact", "import", path, "--separator", ";", "--comment", "%", "--book", "outside",
                     "--no-overwrite", check=False)
    assert done.returncode == 1
    assert done.out == "1 added, 0 changed, 1 left as they were, 3 refused\n"
    assert [line.split(":")[0] for line in done.err.splitlines()] == ["line 5", "line 6", "line 7"]
    assert suite.json("contact", "show", "jane@outside")["full_name"] == "Doe; Jane"
    assert suite.json("contact", "show", "hall@d.test")["full_name"] == "Meeting Hall"
    done = suite.run("contact", "import", path, "--separator", ";", "--comment", "%", "--book", "outside", check=False)
    assert done.out == "0 added, 2 changed, 0 left as they were, 3 refused\n"
    assert suite.json("contact", "show", "hall@d.test")["full_name"] == "Hall"
    out = suite.run("contact", "export", "--fields", "name,full_name,addresses", "--book", "outside").out
    assert out.splitlines()[0] == "name,full_name,addresses"
    assert "jane@outside,Doe; Jane,jane@x.test" in out
    before = suite.json("contact", "list")
    whole = suite.run("contact", "export").out
    suite.run("contact", "clear", "--yes")
    assert names(suite) == []
    done = suite.run("contact", "import", table(suite, "all.csv", whole))
    assert done.err == "" and done.out.startswith(f"{len(before)} added")
    after = suite.json("contact", "list")
    for one in before + after:
        del one["created"]
    assert after == before


def test_the_base_carries_contacts(suite):
    suite.run("contact", "add", "carried@outside", "full_name=Carried", "city=Ulm")
    text = suite.run("export").out
    assert "contact carried@outside\n    full_name Carried\n" in text
    suite.run("import", "--replace", stdin=text)
    assert suite.json("contact", "show", "carried@outside")["city"] == "Ulm"
