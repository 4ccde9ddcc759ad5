"""Accounts by the command line: every command, with the suite stopped and running."""
import imaplib
import json
import os
import re
import signal
import smtplib
import stat
import shutil
import ssl
import subprocess

import pytest

from conftest import PASSWORD
from instance import BUILD, TOP, Instance, wait_for
from mailbox import wait_message

ANY_CERTIFICATE = ssl._create_unverified_context()


@pytest.fixture(params=["stopped", "running"])
def both(request):
    """An instance in each state: the same commands have to work."""
    inst = Instance()
    inst.setup()
    if request.param == "running":
        inst.start()
    yield inst
    inst.close()


def names(objects, key="address"):
    return [o[key] for o in objects]


def refused(inst, *args, code=1, stdin=None):
    done = inst.run(*args, check=False, stdin=stdin)
    assert done.returncode == code, done.err
    assert done.out == ""
    assert done.err.startswith("posthorn: ")
    return done.err


def store_path(inst, address):
    user, domain = address.split("@")
    found = list((inst.root / "store" / domain).glob(f"??/{user}"))
    return found[0] if found else None


# -- setup --

def test_setup_refuses_an_existing_instance(instance):
    before = (instance.root / "etc/posthorn.conf").read_bytes()
    assert "nothing was changed" in refused(instance, "setup", "--domain", "x.test")
    assert (instance.root / "etc/posthorn.conf").read_bytes() == before


def test_setup_makes_owners_and_modes(instance):
    def mode(name):
        return stat.S_IMODE(os.stat(instance.root / name).st_mode)

    assert mode("db") == 0o700
    assert mode("store") == 0o711
    assert mode("queue") == 0o710
    assert mode("queue/new") == 0o3733
    assert mode("etc/certs/key.pem") == 0o600
    assert mode("etc/posthorn.conf") == 0o644
    if os.geteuid() == 0:
        assert os.stat(instance.root / "db").st_uid not in (0, os.stat(instance.root / "store").st_uid)
    text = subprocess.run(["openssl", "x509", "-noout", "-ext", "subjectAltName", "-in",
                           instance.root / "etc/certs/cert.pem"], capture_output=True, text=True).stdout
    assert "DNS:mail.d.test" in text and "DNS:d.test" in text


@pytest.mark.parametrize("args", [
    [], ["--domain", "not a domain"], ["--domain", "d.test", "--bind", "300.1.1.1"],
    ["--domain", "d.test", "--hostname", "-x"], ["--domain", "d.test", "--prot-offset", "1"],
    ["--domain", "d.test", "extra"], ["--domain", "d.test", "--port-offset", "x"],
    ["--domain", "d.test", "--port-offset", "60001"],
])
def test_setup_refuses_bad_values_before_it_makes_anything(args):
    inst = Instance()
    try:
        refused(inst, "setup", *args, code=2)
        assert not inst.root.exists()
    finally:
        inst.close()


def test_setup_takes_the_administrators_password_from_a_file(tmp_path):
    inst = Instance()
    (tmp_path / "password").write_text("the first secret\n")
    try:
        out = inst.setup("--admin-password-file", tmp_path / "password").out
        assert "(as given)" in out and "the first secret" not in out
        assert names(inst.json("admin", "list"), "name") == ["admin"]
        assert names(inst.json("domain", "list"), "name") == ["d.test"]
        assert names(inst.json("user", "list")) == ["postmaster@d.test"]
    finally:
        inst.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_can_have_an_instance():
    inst = Instance()
    uid = 65534
    try:
        programs = inst.base / "programs"  # the tree itself may lie where only root can look
        shutil.copytree(BUILD / "bin", programs / "bin")
        shutil.copytree(BUILD / "libexec", programs / "libexec")
        os.chown(inst.base, uid, uid)

        def run(*args, stdin=b""):
            return subprocess.run([str(programs / "bin/posthorn"), "--root", str(inst.root), *args],
                                  user=uid, group=uid, extra_groups=[], input=stdin,
                                  capture_output=True, cwd="/", timeout=60)

        assert run("setup", "--domain", "d.test", "--bind", "127.0.0.1").returncode == 0
        assert run("user", "add", "alice@d.test", "--password-stdin", stdin=b"some secret\n").returncode == 0
        assert b"alice@d.test" in run("user", "list").stdout
        assert os.stat(inst.root / "db/accounts.db").st_uid == uid
    finally:
        inst.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a directory that only root may enter")
def test_the_root_may_lie_below_a_closed_directory(tmp_path):
    os.chmod(tmp_path, 0o700)
    inst = Instance(directory=tmp_path)
    try:
        inst.setup()
        inst.add_user("alice@d.test")
        assert "alice@d.test" in names(inst.json("user", "list"))
    finally:
        inst.close()


# -- the commands --

def test_users(both):
    assert both.json("user", "list", "--domain", "d.test") != []
    both.add_user("alice@d.test")
    made = both.json("user", "add", "Bob@D.test", "full_name=Bob B", "quota_bytes=10M")
    assert made["password"] and len(made["password"]) >= 16
    assert names(both.json("user", "list")) == ["alice@d.test", "bob@d.test", "postmaster@d.test"]
    bob = both.json("user", "show", "bob@d.test")
    assert (bob["full_name"], bob["quota_bytes"], bob["status"]) == ("Bob B", 10 << 20, "normal")
    assert bob["imap"] is True and bob["forward"] == [] and "password" not in bob
    both.run("user", "set", "alice@d.test", "quota_bytes=10M", "status=suspended",
             "expires=2027-01-01", "forward=bob@d.test;x@far.test", "forward_keep=no", "pop3=off")
    alice = both.json("user", "show", "ALICE@d.test")
    assert alice["quota_bytes"] == 10485760 and alice["status"] == "suspended"
    assert alice["expires"] == "2027-01-01" and alice["forward"] == ["bob@d.test", "x@far.test"]
    assert alice["forward_keep"] is False and alice["pop3"] is False
    both.run("user", "set", "alice@d.test", "expires=", "forward=")
    both.run("user", "set", "alice@d.test", "password_question=Cat?", "--answer-file", "-", stdin="Tom\n")
    assert re.search(r"password_answer \{\w+\}", both.run("export").out)
    refused(both, "user", "set", "alice@d.test", code=2)
    assert both.json("user", "show", "alice@d.test")["forward"] == []
    both.run("user", "passwd", "alice@d.test", "--password-stdin", stdin="a new one\n")
    both.run("user", "rename", "bob@d.test", "robert@d.test")
    assert "--yes" in refused(both, "user", "del", "robert@d.test")
    both.run("user", "del", "robert@d.test", "--yes")
    assert names(both.json("user", "list")) == ["alice@d.test", "postmaster@d.test"]


def test_user_mistakes_are_told(both):
    both.add_user("alice@d.test")
    assert "a mailbox" in refused(both, "user", "add", "Alice@d.test", "--no-password")
    assert "no such domain" in refused(both, "user", "add", "a@no.test", "--no-password")
    assert "no such" in refused(both, "user", "show", "nobody@d.test")
    assert "no such" in refused(both, "user", "set", "nobody@d.test", "status=normal")
    assert "expected one of" in refused(both, "user", "set", "alice@d.test", "status=odd")
    assert "did you mean 'quota_bytes'" in refused(both, "user", "set", "alice@d.test", "quota=1",
                                                   code=2)
    assert "empty" in refused(both, "user", "add", "b@d.test", "--password-stdin", stdin="\n")
    assert "secret" in refused(both, "user", "set", "alice@d.test", "password={PLAIN}x", code=2)
    assert "before the command" in refused(both, "user", "list", "--root", "x", code=2)
    refused(both, "user", "add", code=2)
    refused(both, "user", "frob", code=2)
    assert names(both.json("user", "list")) == ["alice@d.test", "postmaster@d.test"]


def test_aliases(both):
    both.add_user("alice@d.test")
    assert both.json("alias", "list") == []
    both.run("alias", "add", "sales@d.test", "alice@d.test", "description=Sales desk")
    both.run("alias", "add", "shop@d.test", "sales@d.test")  # an alias stands for its mailbox
    assert both.json("alias", "list") == [
        {"address": "sales@d.test", "mailbox": "alice@d.test", "description": "Sales desk"},
        {"address": "shop@d.test", "mailbox": "alice@d.test", "description": ""}]
    assert "an alias" in refused(both, "alias", "add", "sales@d.test", "alice@d.test")
    assert "a mailbox" in refused(both, "alias", "add", "alice@d.test", "alice@d.test")
    assert "group" in refused(both, "alias", "add", "out@d.test", "x@far.test")
    both.run("alias", "rename", "shop@d.test", "store@d.test")
    both.run("alias", "del", "store@d.test")
    both.run("user", "del", "alice@d.test", "--yes")
    assert both.json("alias", "list") == []


def test_groups(both):
    both.add_user("alice@d.test")
    both.run("group", "add", "team@d.test", "--member", "alice@d.test", "--member", "x@far.test",
             "full_name=The Team")
    both.run("group", "add", "all@d.test", "--member", "team@d.test")
    shown = both.json("group", "show", "team@d.test")
    assert shown["members"] == ["alice@d.test", "x@far.test"] and shown["member_count"] == 2
    assert "itself" in refused(both, "group", "member", "add", "team@d.test", "all@d.test")
    both.run("group", "member", "add", "team@d.test", "y@far.test", "postmaster@d.test")
    both.run("group", "member", "del", "team@d.test", "x@far.test")
    assert both.json("group", "member", "list", "team@d.test") == [
        {"group": "team@d.test", "member": m}
        for m in ("alice@d.test", "postmaster@d.test", "y@far.test")]
    assert "no member" in refused(both, "group", "member", "del", "team@d.test", "x@far.test")
    both.run("group", "set", "team@d.test", "display_order=3", "description=Everybody")
    both.run("group", "rename", "team@d.test", "crew@d.test")
    assert both.json("group", "show", "all@d.test")["members"] == ["crew@d.test"]
    refused(both, "group", "add", "bad@d.test", "--member", "nobody@d.test")
    assert names(both.json("group", "list")) == ["all@d.test", "crew@d.test"]  # no half a group
    both.run("user", "del", "alice@d.test", "--yes")
    assert "alice@d.test" not in both.json("group", "show", "crew@d.test")["members"]
    both.run("group", "del", "crew@d.test")
    assert both.json("group", "show", "all@d.test")["members"] == []


def test_domains(both):
    both.add_user("alice@d.test")
    both.run("domain", "add", "e.test", "description=The other one")
    both.run("domain-alias", "add", "da.test", "d.test")
    assert both.json("domain-alias", "list") == [
        {"name": "da.test", "domain": "d.test", "description": ""}]
    assert "exists" in refused(both, "domain", "add", "da.test")
    assert "primary" in refused(both, "domain", "del", "d.test")
    both.run("user", "add", "eve@e.test", "--no-password")
    assert "still holds" in refused(both, "domain", "del", "e.test")
    both.run("domain", "set", "e.test", "type=primary")
    assert {d["name"]: d["type"] for d in both.json("domain", "list")} == {
        "d.test": "common", "e.test": "primary"}
    both.run("domain", "rename", "d.test", "n.test")
    assert names(both.json("user", "list", "--domain", "n.test")) == ["alice@n.test",
                                                                      "postmaster@n.test"]
    assert both.json("domain-alias", "list")[0]["domain"] == "n.test"
    both.run("domain", "set", "e.test", "unknown_address=eve@e.test", "unknown=deliver")
    assert both.json("domain", "show", "e.test")["unknown"] == "deliver"
    both.run("domain-alias", "del", "da.test")
    assert both.json("domain-alias", "list") == []


def test_export_and_import_change_no_byte(both, tmp_path):
    both.add_user("alice@d.test")
    both.run("user", "set", "alice@d.test", "full_name=Älice", "forward=x@far.test")
    both.run("alias", "add", "sales@d.test", "alice@d.test")
    both.run("group", "add", "team@d.test", "--member", "alice@d.test", "--member", "x@far.test")
    both.run("domain", "add", "e.test")
    both.run("domain-alias", "add", "da.test", "e.test")
    text = both.run("export").out
    both.run("export", tmp_path / "out")
    assert (tmp_path / "out").read_text() == text
    assert stat.S_IMODE(os.stat(tmp_path / "out").st_mode) == 0o600
    assert "not overwritten" in refused(both, "export", tmp_path / "out")
    assert "--replace" in refused(both, "import", tmp_path / "out")
    both.run("import", "--replace", tmp_path / "out")
    assert both.run("export").out == text
    (tmp_path / "bad").write_text(text + "user x@d.test\n    status odd\n")
    assert re.search(r"line \d+: status: expected", refused(both, "import", tmp_path / "bad",
                                                           "--replace"))
    assert both.run("export").out == text
    fresh = Instance(domain="other.test")
    try:
        fresh.setup()
        fresh.run("import", stdin=text)  # as setup left it: gives way
        assert fresh.run("export").out == text
    finally:
        fresh.close()


def test_administrators(both):
    both.run("admin", "add", "second", "--password-stdin", "type=domain", "domains=d.test",
             stdin="some words\n")
    assert both.json("admin", "list") == [
        {"name": "admin", "type": "super", "domains": [], "rights": [], "description": "First administrator", "mailbox": "",
         **{"created": a["created"] for a in both.json("admin", "list") if a["name"] == "admin"}},
        {"name": "second", "type": "domain", "domains": ["d.test"], "rights": [], "description": "", "mailbox": "",
         **{"created": a["created"] for a in both.json("admin", "list") if a["name"] == "second"}}]
    assert "last super" in refused(both, "admin", "del", "admin")
    both.run("admin", "passwd", "admin", "--password-stdin", stdin="some other words\n")


# -- configuration --

def test_config(instance):
    path = instance.root / "etc/posthorn.conf"
    assert instance.run("config", "get", "system.hostname").out == "mail.d.test\n"
    path.write_text("# mine\n" + path.read_text())
    before = path.read_text()
    instance.run("config", "set", "system.banner", "Hello # there")
    assert path.read_text().splitlines()[0] == "# mine"
    assert instance.run("config", "get", "system.banner").out == "Hello # there\n"
    instance.run("config", "set", "system.banner", "--unset")
    assert path.read_text() == before
    assert "expected a number" in instance.run("config", "set", "system.port_offset", "x",
                                               check=False).err
    assert path.read_text() == before
    rows = instance.json("config", "get")
    assert {"name", "value", "set", "type", "default"} == set(rows[0])
    assert "[system]" in instance.run("config", "doc").out
    instance.run("config", "check")
    path.write_text(before + "[sytem]\nx = 1\n")
    done = instance.run("config", "check", check=False)
    assert done.returncode == 1
    assert re.search(r"posthorn\.conf:\d+: unknown section \[sytem\]: did you mean \[system\]",
                     done.err)
    assert instance.run("help").out and instance.run("help", "user").out


def test_every_command_has_help(instance):
    listed = re.findall(r"^  ([a-z-]+) +(.)", instance.run("help").out, re.M)
    assert ("user", "m") in listed and all(first.islower() for _, first in listed)
    for command, _ in listed:
        text = instance.run("help", command).out
        assert "usage: posthorn" in text and text.endswith("\n")
    assert "usage: posthorn" in instance.run("help", "user", "add").out
    assert "did you mean 'add'" in refused(instance, "help", "user", "ad", code=2)


def test_the_version_has_one_place(instance, tmp_path):
    version = re.search(r"^VERSION = (\d\S*)$", (TOP / "Makefile").read_text(), re.M).group(1)
    assert instance.run("version").out == instance.run("--version").out == f"posthorn {version}\n"
    assert "did not expect 'now'" in refused(instance, "version", "now", code=2)
    subprocess.run(["make", "-s", "install", f"DESTDIR={tmp_path}", "PREFIX=/usr"], cwd=TOP, check=True)
    pages = [*tmp_path.glob("usr/share/man/man8/*.8"), *tmp_path.glob("usr/share/man/man5/*.5")]
    assert len(pages) > 10
    assert all(f"\n.Os Posthorn {version}\n" in page.read_text() for page in pages)


def test_json_only_where_there_is_a_json_form(instance):
    assert instance.json("config", "get", "smtp.max_hops") == {
        "name": "smtp.max_hops", "value": "20", "set": False, "type": "int", "default": "20"}
    assert "no --json form" in refused(instance, "config", "set", "smtp.max_hops", "3", "--json",
                                       code=2)
    assert "no --json form" in refused(instance, "--json", "export", code=2)
    assert json.loads(instance.run("--json", "user", "list").out) == instance.json("user", "list")


def test_a_value_cannot_bring_a_second_line_along(instance):
    before = (instance.root / "etc/posthorn.conf").read_bytes()
    assert "one line" in instance.run("config", "set", "system.banner", "x\nport_offset = 7",
                                      check=False).err
    assert (instance.root / "etc/posthorn.conf").read_bytes() == before


def test_accounts_work_before_the_first_start_after_a_boot(instance):
    """/run is a file system in memory: its directories are gone then."""
    shutil.rmtree(instance.root / "run")
    instance.run("user", "add", "early@d.test", "--no-password")
    assert "early@d.test" in names(instance.json("user", "list"))
    instance.start()
    assert "early@d.test" in names(instance.json("user", "list"))


def test_a_service_that_is_none_is_told(instance):
    instance.start()
    assert "no service 'smpt'" in refused(instance, "stats", "smpt")
    assert "no log of 'smpt'" in refused(instance, "log", "smpt")


# -- what the programs see --

def rcpt(inst, *addresses):
    with smtplib.SMTP("127.0.0.1", inst.port("smtp"), timeout=20) as smtp:
        smtp.ehlo("client.test")
        assert smtp.mail("sender@far.test")[0] == 250
        return [smtp.rcpt(address)[0] for address in addresses]


def test_recipients_follow_the_account_base(suite):
    suite.run("alias", "add", "sales@d.test", "alice@d.test")
    suite.run("group", "add", "team@d.test", "--member", "alice@d.test")
    suite.run("domain-alias", "add", "da.test", "d.test")
    suite.run("user", "add", "off@d.test", "--no-password", "status=disabled")
    suite.run("user", "add", "old@d.test", "--no-password", "expires=2020-01-01")
    suite.run("user", "add", "late@d.test", "--no-password", "status=suspended")
    assert rcpt(suite, "alice@d.test", "ALICE+tag@DA.test", "sales@da.test", "team@d.test",
                "Postmaster", "late@d.test") == [250] * 6
    assert rcpt(suite, "nobody@d.test", "off@d.test", "old@d.test") == [550] * 3
    assert rcpt(suite, "x@far.test")[0] in (550, 553, 554)
    suite.run("domain", "set", "d.test", "unknown_address=alice@d.test", "unknown=deliver")
    assert rcpt(suite, "nobody@d.test") == [250]
    suite.run("domain", "set", "d.test", "unknown=bounce")
    assert rcpt(suite, "nobody@d.test") == [550]


def send(inst, to, size=200):
    with smtplib.SMTP("127.0.0.1", inst.port("smtp"), timeout=20) as smtp:
        return smtp.sendmail("sender@far.test", [to], "Subject: x\r\n\r\n" + "y" * 70 * (size // 70))


def test_a_full_mailbox_is_refused_at_rcpt(suite):
    suite.run("user", "add", "small@d.test", "--no-password", "quota_messages=2", "warning_limit=0")
    for _ in range(2):
        send(suite, "small@d.test")
    suite.wait_queue_empty()
    wait_for(lambda: rcpt(suite, "small@d.test") == [452], 20, "mailbox full")
    suite.run("user", "set", "small@d.test", "quota_messages=3")
    assert rcpt(suite, "small@d.test") == [250]
    assert suite.json("user", "show", "small@d.test")["used_messages"] == 2
    suite.allow_small_quotas()
    suite.run("user", "set", "small@d.test", "quota_messages=0", "quota_bytes=5000")
    with smtplib.SMTP("127.0.0.1", suite.port("smtp"), timeout=20) as smtp:
        smtp.ehlo("client.test")
        for size, code in ((1000, 250), (6000, 552)):  # what never fits is refused for good
            assert smtp.mail("sender@far.test", [f"SIZE={size}"])[0] == 250
            assert smtp.rcpt("small@d.test")[0] == code
            smtp.rset()


def test_a_recount_mends_what_a_crash_left(suite):
    """INBOX's journal holds the user's totals: an older one is what a power cut may leave of them."""
    suite.add_user("drift@d.test", PASSWORD)
    send(suite, "drift@d.test")
    wait_message(suite, "drift@d.test", b"yyy")
    journal = store_path(suite, "drift@d.test") / "mail/posthorn.journal"
    before = journal.read_bytes()
    with imaplib.IMAP4_SSL("127.0.0.1", suite.port("imaps"), ssl_context=ANY_CERTIFICATE) as imap:
        imap.login("drift@d.test", PASSWORD)
        imap.append("Sent", None, None, b"Subject: kept\r\n\r\nx\r\n")
    with open(journal, "r+b") as handle:  # in place: its owner stays
        handle.write(before)
        handle.truncate()
    assert suite.json("user", "show", "drift@d.test")["used_messages"] == 1
    (counted,) = suite.json("store", "recount", "drift@d.test")
    assert counted["address"] == "drift@d.test" and counted["used_messages"] == 2
    assert suite.json("user", "show", "drift@d.test")["used_messages"] == 2
    suite.wait_log("local", "event=recounted")
    everybody = suite.json("store", "recount", "--all")
    assert names(everybody) == names(suite.json("user", "list"))
    assert counted in everybody
    done = suite.run("store", "recount", "nobody@d.test", "drift@d.test", check=False)
    assert done.returncode == 1 and "no such mailbox" in done.err and "drift@d.test" in done.out
    refused(suite, "store", "recount", code=2)
    refused(suite, "store", "recount", "--all", "drift@d.test", code=2)


def test_a_recount_needs_the_suite(instance):
    assert "posthorn start" in refused(instance, "store", "recount", "postmaster@d.test")


def test_the_store_follows_accounts(suite):
    suite.run("user", "add", "mover@d.test", "--no-password")
    send(suite, "mover@d.test")
    suite.wait_queue_empty()
    wait_for(lambda: store_path(suite, "mover@d.test"), what="store of mover")
    suite.run("user", "rename", "mover@d.test", "moved@d.test")
    wait_for(lambda: store_path(suite, "moved@d.test"), what="store of moved")
    assert store_path(suite, "mover@d.test") is None
    assert list(store_path(suite, "moved@d.test").glob("mail/[cn]*/*"))
    suite.run("user", "del", "moved@d.test", "--yes")
    wait_for(lambda: store_path(suite, "moved@d.test") is None, what="store removed")
    wait_for(lambda: not list((suite.root / "store/.removed").iterdir()), what="its mail deleted")


def test_store_jobs_wait_for_the_suite(instance):
    instance.start()
    instance.add_user("alice@d.test")
    wait_for(lambda: store_path(instance, "alice@d.test"), what="store of alice")
    instance.stop()
    instance.run("domain", "rename", "d.test", "n.test")
    instance.add_user("bob@n.test")
    assert store_path(instance, "alice@d.test") and not (instance.root / "store/n.test").exists()
    instance.start()
    wait_for(lambda: (instance.root / "store/n.test").exists() and
             store_path(instance, "alice@n.test") and store_path(instance, "bob@n.test"),
             what="stores after the start")
    assert store_path(instance, "alice@d.test") is None


def test_a_killed_accountd_comes_back_whole(suite):
    for i in range(5):
        suite.run("user", "add", f"kill{i}@d.test", "--no-password")
        pid = next(p for p, c in suite.processes().items() if "/accountd" in c)
        os.kill(pid, signal.SIGKILL)
        assert f"kill{i}@d.test" in names(suite.json("user", "list"))
        wait_for(lambda: rcpt(suite, f"kill{i}@d.test") == [250], what="accountd back")


def test_logins_follow_the_status(suite):
    suite.add_user("login@d.test", PASSWORD)

    def login(name, password=PASSWORD):
        import imaplib
        with imaplib.IMAP4("127.0.0.1", suite.port("imap")) as imap:
            import ssl
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            imap.starttls(context)
            try:
                return imap.login(name, password)[0] == "OK"
            except imaplib.IMAP4.error:
                return False

    suite.run("alias", "add", "enter@d.test", "login@d.test")
    assert login("login@d.test") and login("login") and login("enter@d.test")
    suite.run("user", "set", "login@d.test", "status=suspended")
    assert not login("login@d.test")
    suite.run("user", "set", "login@d.test", "status=normal")
    assert login("login@d.test")
    suite.run("user", "passwd", "login@d.test", "--password-stdin", stdin="another one\n")
    assert not login("login@d.test")
    assert login("login@d.test", "another one")
    suite.run("user", "set", "login@d.test", "imap=no")
    assert not login("login@d.test", "another one")


def test_a_new_mailbox_is_greeted(instance):
    instance.set("account.welcome", "welcome.txt")
    instance.run("user", "add", "ann@d.test", "full_name=Ann Ö", "--no-password")  # it waits
    instance.start()
    instance.wait_queue_empty()

    def messages():
        path = store_path(instance, "ann@d.test")
        return list(path.glob("mail/[cn]*/*")) if path else []

    wait_for(messages, what="welcome")
    text = messages()[0].read_text(errors="replace")  # the envelope may still be behind it
    assert "Subject: Welcome to d.test\n" in text and "Dear Ann Ö," in text
    assert "@address@" not in text
