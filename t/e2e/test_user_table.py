"""Many users at once (DIR-42 to 45): import from a table and from a password file, export, update."""
import json

import pytest

from conftest import PASSWORD
from instance import Instance


@pytest.fixture
def inst():
    one = Instance()
    one.setup()
    yield one
    one.close()


def report(inst, *args, code=0):
    done = inst.run("user", *args, "--json", check=False)
    assert done.returncode == code, done.err
    return [(r["line"], r["address"], r["result"], r["password"]) for r in json.loads(done.out)]


def users(inst):
    return {u["address"]: u for u in inst.json("user", "list")}


def test_each_record_is_taken_whole_or_named(inst, tmp_path):
    table = tmp_path / "table"
    table.write_text('address,full_name,quota_bytes,password\n'
                     '# a comment\n'
                     'one,"One, First",10M,a-secret-of-hers\n'
                     'two@d.test,Two,nonsense,a-secret-of-his\n'
                     'three,Three,,short\n'
                     'one,Other,20M,another-secret\n'
                     'four,"Four"x,4M,a-secret-of-hers\n'
                     'five,Five\n'
                     'six@far.test,Six,4M,a-secret-of-hers\n'
                     'seven,Seven,4M,a-secret-of-hers\n', encoding="utf-8")
    rows = report(inst, "import", table, "--domain", "d.test", code=1)
    assert [(r[0], r[1]) for r in rows if r[2] == "ok"] == [(3, "one@d.test"), (10, "seven@d.test")]
    refusals = {r[0]: r[2] for r in rows if r[2] != "ok"}
    assert "quota_bytes" in refusals[4] and "8 characters" in refusals[5] and "exists" in refusals[6]
    assert "4 fields, not 2" in refusals[8] and "no such domain" in refusals[9]
    assert set(refusals) == {4, 5, 6, 7, 8, 9}
    there = users(inst)
    assert set(there) == {"one@d.test", "seven@d.test", "postmaster@d.test"}
    assert there["one@d.test"]["full_name"] == "One, First"  # never overwritten
    assert there["one@d.test"]["quota_bytes"] == 10 << 20


def test_records_without_a_password_get_one(inst, tmp_path):
    table, fixed = tmp_path / "table", tmp_path / "fixed"
    table.write_text("one;{PLAIN}kept as it is\ntwo;\nthree;\n", encoding="utf-8")
    fixed.write_text("the-same-for-all\n", encoding="utf-8")
    args = ("import", table, "--fields", "address,password_record", "--separator", ";")
    rows = report(inst, *args, "--domain", "d.test", "--random-password")
    made_up = [r[3] for r in rows]
    assert made_up[0] == "" and len(made_up[1]) == 20 and made_up[1] != made_up[2]
    inst.run("domain", "add", "e.test")
    assert [r[3] for r in report(inst, *args, "--domain", "e.test", "--password-file", fixed)] == ["", "", ""]
    base = inst.run("export").out
    assert "password {PLAIN}kept as it is" in base and "the-same-for-all" not in base
    inst.run("password", "dictionary", "add", "the-same-for-all")
    assert "dictionary" in report(inst, "update", "--user", "two@e.test", "--password-file", fixed, code=1)[0][2]


def test_the_hosts_password_file(inst, tmp_path):
    host = tmp_path / "passwd"
    host.write_text("root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000:Ann Example,Room 5,,:/home/ann:/bin/sh\n"
                    "joe:x:1001:1001::/home/joe:/bin/sh\n", encoding="utf-8")
    rows = report(inst, "import", host, "--passwd", "--domain", "d.test", "--only", "ann", "--only", "joe",
                  "--random-password")
    assert [r[1] for r in rows] == ["ann@d.test", "joe@d.test"] and all(r[3] for r in rows)
    assert users(inst)["ann@d.test"]["full_name"] == "Ann Example"
    done = inst.run("user", "import", host, "--passwd", check=False)
    assert done.returncode == 2 and "--domain" in done.err


def test_mistakes_of_the_whole_table_change_nothing(inst, tmp_path):
    table = tmp_path / "table"
    for text, reason in (("full_name\nX\n", "no column 'address'"), ("address,quota_byte\nx,1\n", "quota_bytes"),
                         ("address,password_answer\nx,1\n", "secret")):
        table.write_text(text, encoding="utf-8")
        done = inst.run("user", "import", table, "--domain", "d.test", check=False)
        assert done.returncode == 1 and reason in done.err
    assert set(users(inst)) == {"postmaster@d.test"}


def test_export_writes_chosen_fields_and_overwrites_nothing(inst, tmp_path):
    inst.run("user", "add", "one@d.test", 'full_name=One, "First"', "quota_bytes=10M")
    inst.run("domain", "add", "e.test")
    inst.run("user", "add", "two@e.test", "--no-password")
    out = tmp_path / "out"
    inst.run("user", "export", out, "--domain", "d.test", "--fields", "address,full_name,quota_bytes")
    lines = out.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "address,full_name,quota_bytes"
    assert lines[1] == 'one@d.test,"One, ""First""",10485760' and len(lines) == 3
    assert out.stat().st_mode & 0o777 == 0o600
    done = inst.run("user", "export", out, check=False)
    assert done.returncode == 1 and "--force" in done.err
    inst.run("user", "export", out, "--force", "--no-header", "--separator", "\\t", "--fields", "address,status")
    assert out.read_text(encoding="utf-8").splitlines()[0] == "one@d.test\tnormal"
    done = inst.run("user", "export", "--fields", "address,password", check=False)
    assert done.returncode == 1 and "secret" in done.err
    # what was exported comes in elsewhere
    other = Instance()
    other.setup()
    inst.run("user", "export", out, "--force", "--domain", "d.test")
    assert "ok" in [r[2] for r in report(other, "import", out, code=1)]  # postmaster is there already
    assert users(other)["one@d.test"]["full_name"] == 'One, "First"'
    other.close()


def test_a_bulk_update_reaches_the_chosen_ones_alone(inst):
    for name in ("one@d.test", "two@d.test"):
        inst.add_user(name, PASSWORD)
    inst.run("domain", "add", "e.test")
    inst.add_user("three@e.test", PASSWORD)
    before = inst.run("export").out
    report(inst, "update", "--domain", "d.test", "imap=no", "quota_bytes=4M")
    shown = {a: inst.json("user", "show", a) for a in users(inst)}
    assert not shown["one@d.test"]["imap"] and shown["two@d.test"]["quota_bytes"] == 4 << 20
    assert shown["three@e.test"]["imap"] and shown["three@e.test"]["quota_bytes"] == 500 << 20
    rows = report(inst, "update", "--user", "one@d.test", "--user", "nobody@d.test", "--random-password", code=1)
    assert rows[0][1:3] == ("one@d.test", "ok") and len(rows[0][3]) == 20
    assert rows[1][1] == "nobody@d.test" and "no such" in rows[1][2]
    after = inst.run("export").out

    def record(text, user):
        return text.split(f"user {user}\n")[1].split("    password ")[1].split("\n")[0]
    assert record(before, "one@d.test") != record(after, "one@d.test")
    assert record(before, "two@d.test") == record(after, "two@d.test")
    assert inst.run("user", "update", "imap=no", check=False).returncode == 2
