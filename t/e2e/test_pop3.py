"""POP3 from outside: Python's poplib, and by hand what no decent client does."""
import poplib
import smtplib
import socket
import ssl

import pytest

from instance import Instance, wait_for

PASSWORD = "secret-of-test"
TLS = ssl.create_default_context()
TLS.check_hostname, TLS.verify_mode = False, ssl.CERT_NONE


def send(inst, to, body, subject="hello"):
    with smtplib.SMTP("127.0.0.1", inst.port("submission"), timeout=20) as smtp:
        smtp.starttls(context=TLS)
        smtp.login("bob@d.test", PASSWORD)
        smtp.sendmail("bob@d.test", [to], f"Subject: {subject}\r\n\r\n{body}".encode())


def login(inst, user="alice@d.test", label="pop3s"):
    if label == "pop3s":
        pop = poplib.POP3_SSL("127.0.0.1", inst.port(label), context=TLS, timeout=20)
    else:
        pop = poplib.POP3("127.0.0.1", inst.port(label), timeout=20)
        pop.stls(TLS)
    pop.user(user)
    pop.pass_(PASSWORD)
    return pop


def wait_for_mail(inst, count, user="alice@d.test"):
    def there():
        pop = login(inst, user)
        found = pop.stat()[0]
        pop.quit()
        return found == count
    wait_for(there, 20, f"{count} messages in {user}'s maildrop")


def raw(inst, script, label="pop3"):
    """Everything that the server says to `script`, sent at once."""
    with socket.create_connection(("127.0.0.1", inst.port(label)), timeout=20) as sock:
        sock.sendall(script)
        sock.shutdown(socket.SHUT_WR)
        replies = b""
        while part := sock.recv(65536):
            replies += part
        return replies


@pytest.fixture
def mail(suite):
    """Three messages in alice's maildrop, none before and none after."""
    for i, body in enumerate(("one\r\n", ".\r\n..two\r\n.three", "line\r\n" * 2000)):
        send(suite, "alice@d.test", body, f"number {i}")
        wait_for_mail(suite, i + 1)
    yield suite
    pop = login(suite)
    for number in range(1, pop.stat()[0] + 1):
        pop.dele(number)
    pop.quit()


@pytest.mark.parametrize("label", ["pop3", "pop3s"])
def test_messages_come_out_as_they_went_in(mail, label):
    pop = login(mail, label=label)
    lines = pop.retr(2)[1]
    assert lines[lines.index(b"") + 1:] == [b".", b"..two", b".three"]
    sizes = [int(line.split()[1]) for line in pop.list()[1]]
    for number, size in enumerate(sizes, 1):
        assert sum(len(line) + 2 for line in pop.retr(number)[1]) == size
    assert pop.stat() == (3, sum(sizes))
    body = pop.top(3, 5)[1]
    assert body[body.index(b"") + 1:] == [b"line"] * 5
    pop.quit()


def test_uidl_names_stay_and_are_unique(mail):
    def names():
        pop = login(mail)
        listing = dict(line.split() for line in pop.uidl()[1])
        pop.quit()
        return listing
    first = names()
    assert len(set(first.values())) == 3 and names() == first
    pop = login(mail)
    pop.dele(1)
    pop.quit()
    assert sorted(names().values()) == sorted(first[n] for n in (b"2", b"3"))


def test_only_quit_removes(mail):
    pop = login(mail)
    pop.dele(1)
    pop.close()
    pop = login(mail)
    assert pop.stat()[0] == 3
    pop.dele(1)
    pop.dele(3)
    pop.rset()
    pop.dele(2)
    pop.quit()
    pop = login(mail)
    assert [b"number" in b"".join(pop.retr(n)[1]) for n in (1, 2)] == [True, True]
    assert pop.stat()[0] == 2
    pop.quit()


def test_what_another_session_removed_is_gone_for_this_one_only(mail):
    one, two = login(mail), login(mail)
    two.dele(2)
    two.quit()
    assert one.stat()[0] == 3
    with pytest.raises(poplib.error_proto, match="gone"):
        one.retr(2)
    one.retr(3)
    one.dele(2)
    one.dele(3)
    assert one.quit().startswith(b"+OK")
    pop = login(mail)
    assert pop.stat()[0] == 1
    pop.quit()


@pytest.mark.parametrize("right", ["remove_mail", "change_mail"])
def test_without_the_right_nothing_is_removed(mail, right):
    mail.run("user", "set", "alice@d.test", f"{right}=no")
    try:
        pop = login(mail)
        with pytest.raises(poplib.error_proto):
            pop.dele(1)
        pop.quit()
        pop = login(mail)
        assert pop.stat()[0] == 3
        pop.quit()
    finally:
        mail.run("user", "set", "alice@d.test", f"{right}=yes")


def test_who_may_not_use_pop3_is_told(suite):
    suite.run("user", "set", "bob@d.test", "pop3=no")
    try:
        with pytest.raises(poplib.error_proto, match=r"\[AUTH\]"):
            login(suite, "bob@d.test")
    finally:
        suite.run("user", "set", "bob@d.test", "pop3=yes")


def test_a_wrong_password_is_told_as_such(suite):
    pop = poplib.POP3_SSL("127.0.0.1", suite.port("pop3s"), context=TLS, timeout=20)
    for user in ("alice@d.test", "nobody@d.test"):
        pop.user(user)
        with pytest.raises(poplib.error_proto, match=r"\[AUTH\]"):
            pop.pass_("wrong")
    pop.close()


def test_no_password_without_tls(suite):
    replies = raw(suite, b"CAPA\r\nUSER alice@d.test\r\nPASS x\r\nAUTH PLAIN\r\nQUIT\r\n")
    assert b"\r\nSTLS\r\n" in replies and b"\r\nUSER\r\n" not in replies
    assert b"PLAIN" not in replies.split(b"\r\n.\r\n")[0]
    assert replies.count(b"-ERR") == 3


def test_commands_before_the_handshake_never_happened(suite):
    sock = socket.create_connection(("127.0.0.1", suite.port("pop3")), timeout=20)
    assert sock.recv(1000).startswith(b"+OK")
    sock.sendall(b"STLS\r\nUSER mallory\r\n")
    assert sock.recv(1000) == b"+OK begin TLS\r\n"
    tls = TLS.wrap_socket(sock)
    tls.sendall(b"PASS x\r\nQUIT\r\n")
    replies = b""
    while part := tls.recv(1000):
        replies += part
    assert replies.startswith(b"-ERR not allowed now\r\n+OK")
    suite.wait_log("pop3", "stls_injection")


def test_the_user_named_before_the_handshake_is_forgotten(instance):
    """RFC 2595 section 4."""
    instance.set("auth.plain_on_loopback", "yes")
    instance.start()
    instance.add_user("alice@d.test", PASSWORD)
    sock = socket.create_connection(("127.0.0.1", instance.port("pop3")), timeout=20)
    sock.recv(1000)
    sock.sendall(b"USER alice@d.test\r\n")
    assert sock.recv(1000) == b"+OK password?\r\n"
    sock.sendall(b"STLS\r\n")
    assert sock.recv(1000) == b"+OK begin TLS\r\n"
    tls = TLS.wrap_socket(sock)
    tls.sendall(f"PASS {PASSWORD}\r\n".encode())
    assert tls.recv(1000) == b"-ERR not allowed now\r\n"
    tls.sendall(f"USER alice@d.test\r\nPASS {PASSWORD}\r\n".encode())
    replies = b""
    while replies.count(b"\n") < 2:
        replies += tls.recv(1000)
    assert b"+OK maildrop has" in replies
    tls.close()


def test_a_browser_is_sent_away(suite):
    replies = raw(suite, b"POST / HTTP/1.1\r\nHost: x\r\n\r\nUSER alice\r\n")
    assert replies.count(b"\r\n") == 1  # the greeting
    wait_for(lambda: "http_client" in suite.log("pop3"), 5, "the log of it")


def test_hostile_lines_cost_nothing_but_a_reply(suite):
    assert raw(suite, b"A" * 100000 + b"\r\nQUIT\r\n").endswith(b"-ERR line too long\r\n+OK bye\r\n")
    assert raw(suite, b"QUIT\nQUIT\r\nQUIT\r\n").count(b"\r\n") == 3
    assert raw(suite, b"\x00\xff\r\nQUIT\r\n").endswith(b"-ERR malformed command\r\n+OK bye\r\n")
    assert raw(suite, b"XYZ\r\n" * 1000).count(b"-ERR") == 25


def is_served(inst):
    try:
        poplib.POP3("127.0.0.1", inst.port("pop3"), timeout=20).quit()
    except poplib.error_proto:
        return False
    return True


def test_banner_limits_and_lists():
    inst = Instance()
    inst.setup()
    inst.set("system.banner", "mail service")
    inst.set("pop3.max_clients_per_ip", "2")
    try:
        inst.start()
        held = [poplib.POP3("127.0.0.1", inst.port("pop3"), timeout=20) for _ in range(2)]
        assert held[0].welcome == b"+OK mail service ready"
        assert "IMPLEMENTATION" not in held[0].capa()
        with pytest.raises(poplib.error_proto, match="SYS/TEMP"):
            poplib.POP3("127.0.0.1", inst.port("pop3"), timeout=20)
        for pop in held:
            pop.quit()
        wait_for(lambda: is_served(inst), 5, "room for another session")
        inst.set("pop3.deny", "127.0.0.0/8")
        inst.run("reload")
        wait_for(lambda: not is_served(inst), 5, "the new configuration")
    finally:
        inst.close()


def test_a_header_in_utf8_stops_nobody_unless_configured(mail):
    send(mail, "alice@d.test", "text", "grüße")
    wait_for_mail(mail, 4)
    pop = login(mail)
    assert any("grüße".encode() in line for line in pop.retr(4)[1])
    pop.quit()
    mail.set("pop3.refuse_utf8", "yes")
    mail.run("reload")
    try:
        pop = login(mail)
        with pytest.raises(poplib.error_proto, match=r"\[UTF8\]"):
            pop.retr(4)
        pop.quit()
    finally:
        mail.run("config", "set", "pop3.refuse_utf8", "--unset")
        mail.run("reload")
