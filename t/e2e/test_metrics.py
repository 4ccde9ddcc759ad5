"""metricsd: all figures for Prometheus on a port, and the same by posthorn stats --prometheus."""
import http.client
import os
import pwd
import signal
import smtplib
import ssl
import subprocess
import sys
import textwrap

import pytest
from prometheus_client.parser import text_string_to_metric_families

from conftest import PASSWORD
from instance import wait_for


def turn_on(inst):
    services = inst.root / "etc/services.conf"
    head, tail = services.read_text().split("[metrics]\n")
    services.write_text(head + "[metrics]\n" + tail.replace("startup = disabled", "startup = automatic", 1))


@pytest.fixture(scope="module")
def inst():
    from instance import Instance
    inst = Instance()
    try:
        inst.setup()
        turn_on(inst)
        inst.start()
        inst.add_user("alice@d.test", PASSWORD)
        yield inst
    finally:
        inst.close()


def get(inst, path="/metrics", method="GET", headers=None, tls=False):
    if tls:
        connection = http.client.HTTPSConnection("127.0.0.1", inst.port("metrics"), timeout=30,
                                                 context=ssl._create_unverified_context())
    else:
        connection = http.client.HTTPConnection("127.0.0.1", inst.port("metrics"), timeout=30)
    try:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        answer.text = answer.read().decode()
        return answer
    finally:
        connection.close()


def families(text):
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(text, metric, **labels):
    (sample,) = [s for family in families(text).values() for s in family.samples
                 if s.name == metric and labels.items() <= s.labels.items()]
    return sample.value


def test_a_scrape(inst):
    answer = get(inst)
    assert answer.status == 200 and answer.getheader("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    found = families(answer.text)
    assert found["posthorn_messages_received"].type == "counter" and found["posthorn_messages_received"].documentation
    assert found["posthorn_messages_active"].type == "gauge"
    assert found["posthorn_received_bytes"].type == "counter"  # units stand behind
    names = [line.split()[2] for line in answer.text.splitlines() if line.startswith("# TYPE")]
    assert len(names) == len(set(names)), "each metric once, all its samples together"
    for family in found.values():
        for sample in family.samples:
            assert sample.name.endswith("_total") == (family.type == "counter"), sample
            assert sample.labels["service"], sample
        keys = [tuple(sorted(s.labels.items())) for s in family.samples]
        assert len(keys) == len(set(keys)), family.name
        assert family.documentation, f"{family.name} has no HELP: a row in lib/figures/metric.def"


def test_what_it_tells(inst):
    before = get(inst).text
    with smtplib.SMTP("127.0.0.1", inst.port("smtp")) as smtp:
        smtp.sendmail("x@far.test", ["alice@d.test"], "Subject: x\r\n\r\nhello\r\n")
        wait_for(lambda: value(get(inst).text, "posthorn_port_sessions", service="smtp", port="smtp") == 1, 30,
                 "the session")
    wait_for(lambda: value(get(inst).text, "posthorn_port_messages_total", port="smtp") ==
             value(before, "posthorn_port_messages_total", port="smtp") + 1, 30, "the message")
    text = get(inst).text
    for place in ("queue", "store", "db", "log"):
        assert 0 < value(text, "posthorn_disk_free_bytes", place=place) < value(
            text, "posthorn_disk_size_bytes", place=place)
    assert value(text, "posthorn_certificate_expiry_days", service="key") > 300
    assert value(text, "posthorn_certificate_expiry_timestamp_seconds") > value(
        text, "posthorn_start_time_seconds", service="smtp") > 1.7e9
    assert value(text, "posthorn_messages_waiting", service="queue") == 0
    (pid,) = [row["pid"] for row in inst.json("status") if row["service"] == "imap"]
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: value(get(inst).text, "posthorn_service_failures_total", name="imap") == 1, 30, "the failure")
    wait_for(lambda: value(get(inst).text, "posthorn_service_starts_total", name="imap") == 2, 30, "the start")
    assert value(text, "posthorn_service_failures_total", name="pop3") == 0


def test_the_command_says_the_same(inst):
    def shape(text):
        return [line.rsplit(" ", 1)[0] for line in text.splitlines()]

    assert shape(inst.run("stats", "--prometheus").out) == shape(get(inst).text)


def test_other_requests(inst):
    assert get(inst, "/").status == 404 and get(inst, "/metrics", "POST").status == 405
    head = get(inst, "/metrics", "HEAD")
    assert head.status == 200 and head.text == "" and int(head.getheader("Content-Length")) > 1000
    connection = http.client.HTTPConnection("127.0.0.1", inst.port("metrics"), timeout=30)
    for method, status in (("HEAD", 404), ("GET", 404), ("HEAD", 200)):  # no content behind a HEAD's answer
        connection.request(method, "/" if status == 404 else "/metrics")
        found = connection.getresponse()
        assert found.status == status and (found.read() == b"") == (method == "HEAD")
    for _ in range(3):  # one connection, many scrapes
        connection.request("GET", "/metrics")
        assert len(connection.getresponse().read()) > 1000
    connection.close()
    assert get(inst, "/metrics", headers={"X": "y" * 9000}).status in (400, 431)
    inst.run("service", "stop", "figures")
    assert get(inst).status == 503
    inst.run("service", "start", "figures")
    assert get(inst).status == 200


def test_token_tls_and_lists(inst):
    token = inst.root / "etc/metrics.token"
    token.write_text("s3cret-of-prometheus\n")
    token.chmod(0o600)
    inst.set("metrics.token_file", "metrics.token")
    inst.set("metrics.tls", "yes")
    inst.run("reload")
    assert get(inst, tls=True).status == 401
    assert get(inst, tls=True, headers={"Authorization": "Bearer wrong"}).status == 401
    assert get(inst, tls=True, headers={"Authorization": "Bearer s3cret-of-prometheus"}).status == 200
    assert "s3cret" not in inst.log("metrics")
    inst.set("metrics.allow", "192.0.2.1")
    inst.run("reload")
    with pytest.raises((OSError, http.client.HTTPException)):
        get(inst, tls=True)
    token.chmod(0o644)
    done = inst.run("reload", check=False)
    assert done.returncode != 0 and "chmod 600" in done.err


@pytest.mark.skipif(os.geteuid() != 0, reason="takes several users")
def test_figured_answers_metricsds_user_alone(inst):
    """And root; a session of another service that was taken over learns nothing."""
    (path,) = [path for path in (inst.root / "run").glob("*.sock") if "figure" in path.name]
    script = textwrap.dedent("""
        import os, sys
        sys.path.insert(0, sys.argv[2])
        from frames import Connection
        os.chdir(os.path.dirname(sys.argv[1]))
        os.setuid(int(sys.argv[3]))
        try:
            peer = Connection.connect(os.path.basename(sys.argv[1]))
            peer.send(1, 7)
            print(peer.receive()[0])
        except (EOFError, OSError):
            print("closed")
    """)

    def answer_to(role):
        uid = inst.run("config", "get", f"users.{role}").out.strip().split(":")[0]
        uid = uid if uid.isdigit() else str(pwd.getpwnam(uid).pw_uid)
        return subprocess.run([sys.executable, "-c", script, str(path), os.path.dirname(__file__), uid],
                              capture_output=True, text=True, timeout=60).stdout.strip()
    assert {role: answer_to(role) for role in ("metrics", "smtp", "mail")} == {"metrics": "2", "smtp": "closed", "mail": "closed"}


def test_off_as_shipped(instance):
    instance.start()
    with pytest.raises(ConnectionRefusedError):
        get(instance)
    assert [row["state"] for row in instance.json("status") if row["service"] == "metrics"] == ["stopped"]
