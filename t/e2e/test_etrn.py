"""ETRN (RFC 1985): a site that was away asks for its mail, and gets it at once."""
import base64

import pytest

from conftest import PASSWORD
from instance import Instance, wait_for
from smtp_raw import Raw
from smtp_sink import Sink


@pytest.fixture(scope="module")
def away():
    """Where the site will be: nobody listens there yet."""
    probe = Sink("127.0.0.2")
    probe.close()
    return probe.port


@pytest.fixture(scope="module")
def suite(away):
    inst = Instance()
    inst.setup()
    for name, value in (("smtp.etrn_domains", "site.test a.site.test other.test"), ("remote.policy", "relay"),
                        ("remote.relay_hosts", f"127.0.0.2:{away}"), ("queue.retry_interval", "1h"),
                        ("remote.idle_time", "0"), ("queue.delay_notice", "0")):
        inst.set(name, value)
    inst.start()
    inst.add_user("alice@d.test", PASSWORD)
    yield inst
    inst.close()


def session(suite, user="alice@d.test"):
    raw = Raw(suite.port("submission"))
    raw.ehlo()
    raw.starttls()
    raw.ehlo()
    if user:
        assert raw.cmd("AUTH PLAIN " + base64.b64encode(f"\0{user}\0{PASSWORD}".encode()).decode()).code == 235
    return raw


def offered(raw):
    return "ETRN" in raw.ehlo().text.split("\n")


def deferred(suite, count):
    return wait_for(lambda: len(list((suite.root / "queue/deferred").glob("*.log"))) == count,
                    what=f"{count} deferred messages")


def test_the_mail_comes_at_once(suite, away):
    raw = session(suite)
    rcpts = [f"r{i}@site.test" for i in range(5)] + ["r@a.site.test", "r@far.test"]
    for rcpt in rcpts:
        assert raw.cmd("MAIL FROM:<alice@d.test>").code == 250
        assert raw.cmd(f"RCPT TO:<{rcpt}>").code == 250
        assert raw.cmd("DATA").code == 354 and raw.cmd("Subject: x\r\n\r\nhello\r\n.").code == 250
    deferred(suite, len(rcpts))
    sink = Sink("127.0.0.2", port=away)
    assert raw.cmd("ETRN site.test").code == 250
    wait_for(lambda: len(sink.messages) == 5, what="all of the site's mail, also what was not tried of late")
    deferred(suite, 2)
    assert {m.rcpts[0] for m in sink.messages} == {f"RCPT TO:<{rcpt}>" for rcpt in rcpts[:5]}
    suite.wait_log("queue", "event=etrn domain=site.test")
    assert raw.cmd("ETRN @site.test").code == 250
    wait_for(lambda: sink.delivered("r@a.site.test"), what="mail of what is below")
    deferred(suite, 1)
    assert not sink.asked("r@far.test")
    sink.close()


def test_who_may_ask_for_what(suite):
    stranger = Raw(suite.port("smtp"))
    assert not offered(stranger) and stranger.cmd("ETRN site.test").code == 500
    assert not offered(session(suite, None)), "not before the login"
    raw = session(suite)
    assert offered(raw)
    for line, code, dsn in (("ETRN", 501, "5.5.4"), ("ETRN @", 501, "5.5.4"), ("ETRN site.test x", 501, "5.5.4"),
                            ("ETRN \u00e4.test", 501, "5.5.4"), ("ETRN far.test", 459, "4.7.1"),
                            ("ETRN #site.test", 459, "4.7.1"), ("ETRN x.site.test", 459, "4.7.1"),
                            ("ETRN @test", 250, "2.0.0"), ("ETRN @ite.test", 459, "4.7.1"),
                            ("ETRN @b.a.site.test", 459, "4.7.1"), ("etrn SITE.test", 250, "2.0.0")):
        reply = raw.cmd(line)
        assert (reply.code, reply.dsn) == (code, dsn), line
    assert raw.cmd("MAIL FROM:<alice@d.test>").code == 250
    assert raw.cmd("ETRN site.test").code == 503, "not within a transaction"


def test_trusted_hosts_may_ask(instance):
    instance.set("smtp.etrn_domains", "site.test")
    instance.set("smtp.hosts_no_auth", "127.0.0.1")
    instance.start()
    raw = Raw(instance.port("smtp"))
    assert offered(raw) and raw.cmd("ETRN site.test").code == 250
    assert not offered(session(instance, None)), "on a submission port users alone"
