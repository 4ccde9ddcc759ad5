"""The options, lists and header fields of the SMTP rows."""
from smtp_raw import Raw


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


def test_config_check_reads_the_lists(instance):
    put_list(instance, "open.txt", "good.test\nno domain\n")
    instance.set("smtp.open_relay_domains", "lists/open.txt")
    done = instance.run("config", "check", check=False)
    assert done.returncode == 1
    assert "lists/open.txt:2: expected a domain such as example.org, not 'no domain'" in done.err
    instance.set("smtp.open_relay_domains", "lists/missing.txt")
    assert "lists/missing.txt: No such file" in instance.run("config", "check", check=False).err
