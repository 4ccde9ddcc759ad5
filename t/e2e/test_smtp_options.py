"""The options, lists and header fields of the SMTP rows."""
import smtplib

from conftest import PASSWORD
from mailbox import wait_message
from smtp_raw import Raw
from submission import login, token


def put_list(instance, name, text):
    path = instance.root / "etc" / "lists" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def rcpt(instance, address, label="smtp"):
    raw = Raw(instance.port(label))
    raw.ehlo()
    raw.cmd("MAIL FROM:<a@far.test>")
    return raw.cmd(f"RCPT TO:<{address}>").code


def test_open_relay_domains(instance):
    """SMTP-20: anybody may send to a listed domain, to no other, and through port 25 alone."""
    put_list(instance, "open.txt", "# partners\nPartner.test # since May\n")
    instance.set("smtp.open_relay_domains", "lists/open.txt")
    instance.start()
    assert rcpt(instance, "bob@partner.test") == 250
    assert rcpt(instance, "bob@PARTNER.TEST") == 250
    assert rcpt(instance, "bob@sub.partner.test") == 553
    assert rcpt(instance, "bob@other.test") == 553
    assert rcpt(instance, "bob@partner.test", "submission") in (503, 530)
    put_list(instance, "open.txt", "other.test\n")
    instance.run("reload")
    assert rcpt(instance, "bob@other.test") == 250
    assert rcpt(instance, "bob@partner.test") == 553


def test_direct_domains_need_no_login(instance):
    """SMTP-15: the administrator has named their servers, so anybody may send there, but from port 25."""
    put_list(instance, "direct.txt", "Direct.test 127.0.0.9:9 [127.0.0.8]:9 # the branch office\n")
    instance.set("remote.direct_domains", "lists/direct.txt")
    instance.start()
    assert rcpt(instance, "bob@direct.test") == 250
    assert rcpt(instance, "bob@sub.direct.test") == 553
    assert rcpt(instance, "bob@127.0.0.9") in (501, 553)
    assert rcpt(instance, "bob@other.test") == 553
    assert rcpt(instance, "bob@direct.test", "submission") in (503, 530)


def test_config_check_reads_the_lists(instance):
    put_list(instance, "open.txt", "good.test\nno domain\n")
    instance.set("smtp.open_relay_domains", "lists/open.txt")
    done = instance.run("config", "check", check=False)
    assert done.returncode == 1
    assert "lists/open.txt:2: expected a domain such as example.org, not 'no domain'" in done.err
    instance.set("smtp.open_relay_domains", "lists/missing.txt")
    assert "lists/missing.txt: No such file" in instance.run("config", "check", check=False).err


# ---- sizes ----

def test_sizes_of_what_comes_and_goes(instance):
    """SMTP-11."""
    instance.set("smtp.max_message_size", "100K")
    instance.set("smtp.max_incoming_size", "10K")
    instance.set("smtp.max_outgoing_size", "20K")
    instance.start()
    instance.add_user("alice@d.test", PASSWORD)
    raw = Raw(instance.port("smtp"))
    assert "SIZE 10240" in raw.ehlo().text
    assert raw.cmd("MAIL FROM:<a@far.test> SIZE=10241").code == 552
    raw.begin("a@far.test", "alice@d.test")
    raw.cmd("DATA")
    raw.send(b"Subject: x\r\n\r\n" + b"y" * 70 * 150 + b"\r\n.\r\n")
    assert raw.reply().code == 552
    client = login(instance)
    client.ehlo()
    assert client.esmtp_features["size"] == "102400"
    assert client.docmd("MAIL", "FROM:<alice@d.test> SIZE=50000")[0] == 250
    assert client.docmd("RCPT", "TO:<x@other.test>")[0] == 552
    assert client.docmd("RCPT", "TO:<alice@d.test>")[0] == 250
    client.rset()
    big = "Subject: x\r\n\r\n" + ("y" * 70 + "\r\n") * 600
    for rcpts, code in ((["alice@d.test"], 250), (["alice@d.test", "x@other.test"], 552)):
        client.mail("alice@d.test")
        for rcpt_ in rcpts:
            assert client.rcpt(rcpt_)[0] == 250
        assert client.data(big)[0] == code


# ---- senders ----

def submit(client, sender, fields, rcpt_="alice@d.test"):
    """The code of the first command that is refused, or 250."""
    client.rset()
    for code, _ in (client.mail(sender), client.rcpt(rcpt_)):
        if code != 250:
            return code
    return client.data(fields + "Subject: x\r\n\r\nx\r\n")[0]


def test_from_must_be_local(instance):
    instance.set("smtp.from_must_be_local", "yes")
    instance.start()
    for user in ("alice@d.test", "bob@d.test"):
        instance.add_user(user, PASSWORD)
    client = login(instance)
    assert submit(client, "alice@far.test", "From: alice@d.test\r\n") == 553
    assert submit(client, "nobody@d.test", "From: alice@d.test\r\n") == 550
    assert submit(client, "bob@d.test", "From: Bob <bob@d.test>\r\n") == 250
    assert submit(client, "alice@d.test", "From: x@far.test\r\n") == 554
    assert submit(client, "alice@d.test", "From: alice@d.test, nobody@d.test\r\n") == 554
    assert submit(client, "alice@d.test", "From: alice@d.test\r\nSender: x@far.test\r\n") == 554
    assert submit(client, "alice@d.test", "FROM:\r\n =?utf-8?q?B=C3=B6b?= <bob@d.test>\r\n") == 250
    assert submit(client, "", "From: alice@d.test\r\n") == 250, "a notice has no sender"
    raw = Raw(instance.port("smtp"))
    raw.begin("a@far.test", "alice@d.test")  # other servers are not meant


def test_from_must_match_auth_in_the_header(instance):
    instance.set("smtp.from_must_match_auth", "yes")
    instance.start()
    for user in ("alice@d.test", "bob@d.test"):
        instance.add_user(user, PASSWORD)
    instance.run("alias", "add", "al@d.test", "alice@d.test")
    client = login(instance)
    assert submit(client, "alice@d.test", "From: bob@d.test\r\n") == 554
    assert submit(client, "al@d.test", "From: Al <al@d.test>\r\n") == 250
    assert submit(client, "alice@d.test", "From: bob@d.test\r\nSender: alice@d.test\r\n") == 250
    assert submit(client, "alice@d.test", "From: alice@d.test\r\nSender: bob@d.test\r\n") == 554
    assert submit(client, "bob@d.test", "From: alice@d.test\r\n") == 553


def test_local_senders_must_log_in(instance):
    """SMTP-18, SMTP-19."""
    instance.set("smtp.local_sender_must_auth", "yes")
    instance.set("smtp.hosts_no_auth", "127.0.0.7")
    instance.start()
    instance.add_user("alice@d.test", PASSWORD)

    def mail_from(sender, source=""):
        raw = Raw(instance.port("smtp"), source=source)
        raw.ehlo()
        return raw.cmd(f"MAIL FROM:<{sender}>").code

    assert mail_from("alice@d.test") == 553
    assert mail_from("nobody@d.test") == 553
    assert mail_from("alice@far.test") == 250
    assert mail_from("") == 250
    assert mail_from("alice@d.test", "127.0.0.7") == 250
    assert submit(login(instance), "alice@d.test", "From: alice@d.test\r\n") == 250
    instance.set("smtp.sender_rule_skip_good_ip", "yes")
    instance.set("smtp.xclient_hosts", "127.0.0.5")
    instance.set("smtp.good_ips", "203.0.113.0/24")
    instance.run("reload")
    assert mail_from("alice@d.test") == 250, "loopback is internal"
    for client, code in (("203.0.113.9", 250), ("10.1.2.3", 250), ("192.168.7.7", 250), ("172.31.0.1", 250),
                         ("IPV6:fd00::1", 250), ("172.32.0.1", 553), ("192.0.2.1", 553), ("IPV6:2001:db8::1", 553)):
        raw = Raw(instance.port("smtp"), source="127.0.0.5")
        raw.ehlo()
        assert raw.cmd(f"XCLIENT ADDR={client}").code == 220
        raw.ehlo()
        assert raw.cmd("MAIL FROM:<alice@d.test>").code == code, client


# ---- header fields ----

def submitted(instance, fields="From: alice@d.test\r\n"):
    """The header of a message that alice has sent to herself, as it lies in her mailbox."""
    mark = token()
    client = login(instance)
    client.ehlo("[192.0.2.77]")
    assert submit(client, "alice@d.test", fields + f"X-Mark: {mark}\r\n") == 250
    return wait_message(instance, "alice@d.test", mark.encode()).decode()


def test_fields_added_to_submitted_mail(instance):
    """SMTP-26 to SMTP-28."""
    instance.start()
    instance.add_user("alice@d.test", PASSWORD)
    text = submitted(instance)
    assert "\r\nX-AuthUser: alice@d.test\r\n" in text and "([127.0.0.1])" in text
    assert "X-Originating-IP" not in text and "\r\nSender:" not in text
    instance.set("smtp.add_auth_user", "no")
    instance.set("smtp.add_sender_header", "yes")
    instance.set("smtp.add_originating_ip", "yes")
    instance.run("reload")
    text = submitted(instance)
    assert "X-AuthUser" not in text and "\r\nSender:" not in text
    assert "\r\nX-Originating-IP: [127.0.0.1]\r\n" in text
    assert "\r\nSender: <alice@d.test>\r\n" in submitted(instance, "From: Al <al@d.test>\r\n")
    text = submitted(instance, "From: al@d.test\r\nSender: x@d.test\r\n")
    assert text.count("Sender:") == 1, "RFC 5322 section 3.6: one at most"
    instance.set("smtp.hide_client_ip", "yes")
    instance.run("reload")
    text = submitted(instance)
    assert "127.0.0.1" not in text and "192.0.2.77" not in text and "Received: from unknown" in text
    mark = token()
    with smtplib.SMTP("127.0.0.1", instance.port("smtp"), timeout=15) as client:
        client.sendmail("a@far.test", "alice@d.test", f"Subject: {mark}\r\n\r\nx")
    text = wait_message(instance, "alice@d.test", mark.encode()).decode()
    assert "([127.0.0.1])" in text and "X-Originating-IP" not in text, "submitted mail alone"


# ---- posthorn list (SMTP-31) ----

def test_lists_by_the_command_line(instance, tmp_path):
    assert "smtp.deny" in instance.run("list", "names").out.split()
    name = "smtp.open_relay_domains"
    assert instance.run("list", "show", name).out == ""
    instance.run("list", "add", name, "one.test", "two.test")
    path = instance.root / "etc/lists/open_relay_domains.txt"
    path.write_text("# kept\n" + path.read_text())
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_text("three.test # why\nONE.test\nthree.test\n")
    assert instance.run("list", "import", name, good).out == "1 added, 2 there already\n"
    bad.write_text("four.test\n\nno domain\n")
    done = instance.run("list", "import", name, bad, check=False)
    assert done.returncode == 1 and f"{bad}:3: expected a domain" in done.err
    instance.run("list", "remove", name, "TWO.test")
    assert instance.run("list", "remove", name, "none.test", check=False).returncode == 1
    assert path.read_text() == "# kept\none.test\nthree.test\n"
    assert instance.json("list", "show", name) == [{"entry": "one.test"}, {"entry": "three.test"}]
    instance.run("list", "export", name, tmp_path / "out")
    assert (tmp_path / "out").read_text() == "one.test\nthree.test\n"
    instance.start()
    assert rcpt(instance, "x@three.test") == 250 and rcpt(instance, "x@two.test") == 553


def test_lists_of_networks_are_in_the_configuration(instance):
    instance.run("list", "add", "smtp.deny", "127.0.0.3", "192.0.2.0/24")
    assert instance.run("config", "get", "smtp.deny").out == "127.0.0.3 192.0.2.0/24\n"
    assert instance.run("list", "add", "smtp.deny", "127.0.0.300", check=False).returncode == 1
    instance.start()
    assert Raw(instance.port("smtp"), source="127.0.0.3").greeting.code == 554
    instance.run("list", "remove", "smtp.deny", "127.0.0.3", "192.0.2.0/24")
    assert instance.run("list", "show", "smtp.deny").out == ""
    instance.run("reload")
    assert Raw(instance.port("smtp"), source="127.0.0.3").greeting.code == 220
    assert instance.run("list", "show", "smtp.postmaster", check=False).returncode == 1
