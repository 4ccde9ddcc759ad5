"""LOG-03: level, size, number, and writing at once; each counts after a reload."""
import smtplib

import pytest

from instance import Instance, wait_for


@pytest.fixture(scope="module")
def inst():
    instance = Instance()
    try:
        instance.setup()
        instance.start()
        yield instance
    finally:
        instance.close()


def say(inst, *settings):
    for name, value in settings:
        inst.set(f"log.{name}", value)
    inst.run("reload")


def visit(inst, name):
    with smtplib.SMTP("127.0.0.1", inst.port("smtp"), timeout=30) as client:
        client.ehlo(name)


def test_the_level_says_what_is_written(inst):
    visit(inst, "at-info.test")
    inst.wait_log("smtp", "helo=at-info.test")
    say(inst, ("level", "warn"))
    visit(inst, "at-warn.test")
    with smtplib.SMTP("127.0.0.1", inst.port("smtp"), timeout=30) as client:
        client.ehlo("then-http.test")
        client.sock.sendall(b"GET / HTTP/1.0\r\n")  # a warning
        assert client.file is None or client.file.read() == b""
    inst.wait_log("smtp", "event=http_client")
    assert "at-warn.test" not in inst.log("smtp")
    say(inst, ("level", "info"))
    visit(inst, "again.test")
    inst.wait_log("smtp", "helo=again.test")


def test_files_have_a_size_and_a_number(inst):
    directory = inst.root / "log"

    def set_aside():
        return sorted(path.name for path in directory.glob("smtp.log.*"))

    def is_written(text):
        for path in directory.glob("smtp.log*"):
            try:
                if text in path.read_text():
                    return True
            except FileNotFoundError:  # removed meanwhile: the oldest go
                continue
        return False
    say(inst, ("rotate_size", "1"), ("keep_files", "3"))
    seen = set()
    for number in range(8):
        visit(inst, f"n{number}.test")
        wait_for(lambda: is_written(f"helo=n{number}.test"), 20, "written")  # noqa: B023
        seen |= set(set_aside())
    assert len(seen) > 3 and len(set_aside()) <= 3, "the oldest have gone"
    wait_for(lambda: not list(directory.glob(min(seen))), 10, "removed for good")
    say(inst, ("rotate_size", "10M"), ("keep_files", "100"))
    visit(inst, "last.test")
    inst.wait_log("smtp", "helo=last.test")


def test_every_line_arrives_with_sync_too(inst):
    say(inst, ("sync", "yes"))
    for number in range(5):
        visit(inst, f"s{number}.test")
    for number in range(5):
        inst.wait_log("smtp", f"helo=s{number}.test")
    say(inst, ("sync", "no"))
