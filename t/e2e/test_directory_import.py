"""Mailboxes for users listed elsewhere (DIR-43): a host's password file, a directory, Active Directory."""
import pytest

from directory import ADMIN, ADMIN_PASSWORD, Directory
from instance import Instance
from pki import Authority

PASSWD = """root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
ann:x:1000:1000:Ann Alder,Room 5,12,34:/home/ann:/bin/bash
bob:x:1001:1000:Bob Birch:/home/bob:/bin/bash
broken:x
nan:x:many:1:Nan:/:/bin/sh
zoe:x:70000:1:Zoe:/:/bin/sh
"""
BASE = "dc=corp,dc=test"


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture(scope="module")
def directory(authority):
    directory = Directory(authority)
    yield directory
    directory.close()


@pytest.fixture
def inst(authority):
    inst = Instance()
    inst.setup()
    authority.write(inst.root / "etc/ca.pem")
    inst.set("auth.external_ca", "ca.pem")
    yield inst
    inst.close()


def users(inst, *fields):
    listed = {u["address"]: u for u in inst.json("user", "list") if u["address"] != "postmaster@d.test"}
    return {name: tuple(inst.json("user", "show", name)[f] for f in fields) for name in listed} if fields else set(listed)


def imported(inst, *args, code=0):
    done = inst.run("user", *args, "--json", check=False)
    assert done.returncode == code, (done.out, done.err)
    import json
    return {row["address"] or row["result"]: row for row in json.loads(done.out)}


def test_a_password_file_by_range_of_uids(inst, tmp_path):
    file = tmp_path / "passwd"
    file.write_text(PASSWD)
    report = imported(inst, "import", file, "--passwd", "--domain", "d.test", "--uids", "1000-59999", "--random-password", code=1)
    assert users(inst, "full_name") == {"ann@d.test": ("Ann Alder",), "bob@d.test": ("Bob Birch",)}
    assert len(report["ann@d.test"]["password"]) == 20
    assert "7 fields" in report["broken"]["result"] and "nan" not in report and len(report) == 3
    for wrong in ("1000", "9-1", "a-b"):
        assert inst.run("user", "import", file, "--passwd", "--domain", "d.test", "--uids", wrong, check=False).returncode == 2
    assert inst.run("user", "import", file, "--uids", "1-2", check=False).returncode == 2


def test_a_directory(inst, directory):
    url = f"ldaps://127.0.0.1:{directory.tls_port}/{BASE}"
    report = imported(inst, "import-directory", url, "--domain", "d.test", "--random-password", code=1)
    assert users(inst, "full_name", "status") == {"ann@d.test": ("Ann", "normal")}
    assert report["ann@d.test"]["result"] == "ok" and len(report["ann@d.test"]["password"]) == 20
    refused = [row["result"] for row in report.values() if row["result"] != "ok"]
    assert any("no user name" in why for why in refused), report  # Bob has no uid there
    # who is there stays as he is
    inst.run("user", "set", "ann@d.test", "full_name=Somebody Else")
    report = imported(inst, "import-directory", url, "--domain", "d.test", "--only", "ann", code=1)
    assert report["ann@d.test"]["result"] != "ok" and users(inst, "full_name") == {"ann@d.test": ("Somebody Else",)}


def test_active_directory_by_starttls_with_an_account(inst, authority, tmp_path):
    directory = Directory(authority, readers=f'dn.exact="{ADMIN}"')
    try:
        secret, fixed = tmp_path / "secret", tmp_path / "fixed"
        secret.write_text(ADMIN_PASSWORD + "\n")
        fixed.write_text("one-For-all-9\n")
        url = f"ldap://127.0.0.1:{directory.port}/{BASE}"
        args = ("import-directory", url, "--domain", "d.test", "--layout", "ad", "--filter", "(sAMAccountName=*)")
        done = inst.run("user", *args, check=False)
        assert done.returncode == 1 and "no such base" in done.err, done.err  # nobody may see it
        report = imported(inst, *args, "--account", ADMIN, "--account-password-file", secret, "--password-file", fixed)
        assert report["bob@d.test"]["result"] == "ok" and users(inst, "full_name") == {"bob@d.test": ("Bob Builder",)}
        secret.write_text("wrong\n")
        done = inst.run("user", *args, "--account", ADMIN, "--account-password-file", secret, check=False)
        assert done.returncode == 1 and "refuses the account" in done.err and "result 49" in done.err
    finally:
        directory.close()


def test_the_map_names_other_attributes(inst, directory):
    url = f"ldaps://127.0.0.1:{directory.tls_port}/{BASE}"
    report = imported(inst, "import-directory", url, "--domain", "d.test", "--filter", "(|(uid=ann)(cn=Bob*))",
                      "--map", "address=uid,sAMAccountName;full_name=sn;description=cn;id=cn")
    assert set(report) == {"ann@d.test", "bob@d.test"}
    assert users(inst, "full_name", "description", "sync_id") == {"ann@d.test": ("A", "Ann", ""),  # none: only synchronisation owns
                                                                 "bob@d.test": ("B", "Bob Builder", "")}


@pytest.mark.parametrize("args,why", [
    (("http://127.0.0.1/dc=x",), "ldap[s]://HOST"), (("ldap://127.0.0.1",), "ldap[s]://HOST"),
    (("ldap://127.0.0.1/dc=x", "--filter", "(uid=ann"), "')' is missing"), (("ldap://127.0.0.1/dc=x", "--map", "password=x"), "expected address"),
    (("ldap://127.0.0.1/dc=x", "--map", "status=x"), "expected address"), (("ldap://127.0.0.1/dc=x", "--map", "full_name"), "NAME=ATTRIBUTE"),
    (("ldap://127.0.0.1/dc=x", "--layout", "x"), "ldap or ad"), (("ldap://127.0.0.1/dc=x", "--account", "x"), "go together"),
])
def test_what_is_no_source(inst, args, why):
    done = inst.run("user", "import-directory", *args, "--domain", "d.test", check=False)
    assert done.returncode == 2 and why in done.err, done.err


def test_a_server_that_is_not_the_certificates(inst, directory):
    done = inst.run("user", "import-directory", f"ldaps://localhost:{directory.tls_port}/{BASE}", "--domain", "d.test", check=False)
    assert done.returncode == 1 and "no TLS with the directory" in done.err, done.err
    done = inst.run("user", "import-directory", f"ldaps://127.0.0.1:{directory.tls_port}/{BASE}", "--domain", "d.test",
                    "--ca", "/etc/ssl/certs/ca-certificates.crt", check=False)
    assert done.returncode == 1 and "no TLS with the directory" in done.err, done.err
    assert users(inst) == set()
