"""Two-step verification: administrators' authenticators (AUT-09, AUT-10), and users whose password alone opens nothing."""
import json
import os
import re

import pytest

from admin_api import Api
from conftest import PASSWORD as MAIL_PASSWORD
from imapclient import Imap
from instance import Instance, wait_for
from terminal import Terminal
from totp import Authenticator, code as code_of

PASSWORD = "A-good-secret7"
WRONG, NEEDS_CODE, NO_RIGHT = 2, 3, 101


@pytest.fixture(scope="module")
def inst():
    inst = Instance(hostname="localhost")
    inst.setup()
    inst.set("auth.failure_delay", "0")
    inst.set("auth.yescrypt_cost", "1")
    inst.set("admin.guess_failures", "0")
    inst.run("admin", "passwd", "admin", "--password-stdin", stdin=PASSWORD + "\n")
    inst.start()
    yield inst
    inst.close()


@pytest.fixture
def name(inst, request):
    """An administrator of the test's own."""
    name = re.sub(r"[^a-z]", "", request.node.name)[-40:]
    inst.run("admin", "add", name, "--password-stdin", stdin=PASSWORD + "\n")
    return name


def login(inst, name, **more):
    return Api(inst).call("Login", name=name, password=PASSWORD, **more)


def enrolled(inst, name):
    """By the command line; one code is gone."""
    authenticator = Authenticator(inst.json("admin", "totp", name)["secret"])
    inst.run("admin", "totp", name, "--confirm", authenticator.next())
    return authenticator


def used(authenticator):
    """The code that it showed last."""
    return code_of(authenticator.secret, authenticator.last)


def test_an_administrator_enrols_by_the_api(inst, name):
    api = Api(inst, name, PASSWORD)
    api.ok("EnrollTotp")
    api.ok("ClearTotp", name=name)  # one that does not count yet is one's own matter
    assert api.result("ConfirmTotp", code="000000") == 4
    answer = api.ok("EnrollTotp")
    authenticator = Authenticator(answer["secret"])
    assert answer["uri"] == f"otpauth://totp/localhost:{name}?secret={answer['secret']}&issuer=localhost"
    assert login(inst, name)["result"] == 0, "it does not count before its first code"
    assert api.result("ConfirmTotp", code=authenticator.wrong()) == 3
    api.ok("ConfirmTotp", code=authenticator.next())
    assert api.result("ConfirmTotp", code=authenticator.wrong()) == 4 and api.result("EnrollTotp") == 4
    assert api.ok("Show", kind="admin", name=name)["object"]["totp"] == "yes"

    answer = login(inst, name)
    assert answer["result"] == NEEDS_CODE and "token" not in answer
    assert login(inst, name, code=authenticator.wrong())["result"] == WRONG
    assert login(inst, name, code=used(authenticator))["result"] == WRONG, "the one that confirmed is used up"
    assert Api(inst).call("Login", name=name, password="wrong", code=authenticator.wrong())["result"] == WRONG
    code = authenticator.next()
    assert login(inst, name, code=code)["result"] == 0
    assert login(inst, name, code=code)["result"] == WRONG, "a code is taken once"
    inst.run("service", "restart", "account")
    assert wait_for(lambda: (result := login(inst, name, code=code)["result"]) != 102 and result) == WRONG
    assert "wrong code of the authenticator" in inst.log("auth")


def test_a_session_with_a_code_needs_no_other(inst, name):
    authenticator = enrolled(inst, name)
    status, answer = Api(inst, name, PASSWORD, basic=True).raw("POST", "/api/WhoAmI")
    assert status == 401 and "call Login with name, password and code" in answer["text"]
    api = Api(inst)
    api.headers["Authorization"] = "Bearer " + api.ok("Login", name=name, password=PASSWORD, code=authenticator.next())["token"]
    assert api.ok("WhoAmI")["admin"]["name"] == name
    assert api.result("ChangeOwnPassword", old="not-the-old1", new="Another-good-1") == 4
    api.ok("ChangeOwnPassword", old=PASSWORD, new="Another-good-1")


def test_the_second_step_cannot_be_taken_off_with_a_stolen_session(inst, name):
    api = Api(inst, name, PASSWORD)  # from before
    enrolled(inst, name)
    assert api.result("ClearTotp", name=name) == NO_RIGHT
    assert login(inst, name)["result"] == NEEDS_CODE
    other = Api(inst, "admin", PASSWORD)
    other.ok("ClearTotp", name=name)
    assert login(inst, name)["result"] == 0
    assert other.result("ClearTotp", name="nobody") == 2
    wait_for(lambda: f"verb=totp-clear kind=admin name={name}" in inst.log("audit"))


def test_the_key_is_nowhere_in_plain_text(inst, name):
    authenticator = enrolled(inst, name)
    exported = inst.run("export").out
    assert "totp_key {SEALED1}" in exported and authenticator.secret not in exported
    assert authenticator.secret not in json.dumps(inst.json("admin", "list"))
    for directory in ("db", "log"):
        for path in (inst.root / directory).iterdir():
            if path.is_file():
                assert authenticator.secret.encode() not in path.read_bytes(), path


def test_a_renamed_administrator_keeps_the_authenticator(inst, name):
    authenticator = enrolled(inst, name)
    inst.run("admin", "rename", name, "renamed")
    assert login(inst, "renamed")["result"] == NEEDS_CODE
    assert login(inst, "renamed", code=used(authenticator))["result"] == WRONG, "also under the new name"
    assert login(inst, "renamed", code=authenticator.next())["result"] == 0


def test_another_key_for_the_keys(inst, name):
    authenticator = enrolled(inst, name)
    key = inst.root / "etc/keys/account.key"
    old = key.read_text().splitlines()[-1]
    assert "posthorn reload" in inst.run("password", "rotate", "account").out
    done = inst.run("password", "rotate", "account", check=False)
    assert done.returncode == 1 and "has not read the new key" in done.err and old in key.read_text()
    inst.run("reload")
    wait_for(lambda: "the old key is gone" in inst.run("password", "rotate", "account", check=False).out, 30)
    assert old not in key.read_text() and len(key.read_text().splitlines()) == 3
    inst.run("reload")
    assert wait_for(lambda: (answer := login(inst, name, code=authenticator.next()))["result"] != 102 and answer)["result"] == 0


def test_the_command_line_asks_for_the_code(inst, name, tmp_path):
    authenticator = enrolled(inst, name)
    (tmp_path / "password").write_text(PASSWORD + "\n")
    (tmp_path / "password").chmod(0o600)
    words = ("api", "call", "--server", f"localhost:{inst.port('admin')}", "--admin", name, "--password-file",
             tmp_path / "password", "--certificates", inst.root / "etc/certs/cert.pem", "WhoAmI")
    done = inst.run(*words, check=False)
    assert done.returncode == 1 and "code of the authenticator is missing" in done.err
    assert json.loads(inst.run(*words, "--code", authenticator.next()).out)["admin"]["name"] == name


def test_a_terminal_shows_a_qr_code(inst, name):
    terminal = Terminal([inst.build / "bin/posthorn", "--root", inst.root, "admin", "totp", name], inst.base)
    screen = ""

    def asks():
        nonlocal screen
        terminal._take()
        screen = terminal.text()
        return "Its first code:" in screen
    wait_for(asks, 30)
    assert sum(c in "\u2580\u2584\u2588" for c in screen) > 500  # half blocks
    terminal.process.kill()
    terminal.process.wait()
    os.close(terminal.fd)
    assert login(inst, name)["result"] == 0, "without a first code nothing is asked for"


def test_all_or_none(inst, name):
    enrolled(inst, name)
    inst.run("admin", "add", "without", "--password-stdin", stdin=PASSWORD + "\n")
    for policy, with_one, without in (("required", NEEDS_CODE, WRONG), ("off", 0, 0), ("on", NEEDS_CODE, 0)):
        inst.set("admin.totp", policy)
        inst.run("reload")
        wait_for(lambda: (login(inst, name)["result"], login(inst, "without")["result"]) == (with_one, without), 40, policy)
    assert "there is no authenticator, and admin.totp is required" in inst.log("auth")


def test_a_users_password_alone_opens_nothing(inst):
    inst.add_user("alice@d.test", MAIL_PASSWORD)

    def opens(password):
        return Imap(inst.port("imaps"), tls=True).command(f"LOGIN alice@d.test {password}")[1].startswith(b"OK")
    assert opens(MAIL_PASSWORD)
    inst.run("user", "set", "alice@d.test", "two_step=yes")
    code = inst.json("user", "code", "create", "alice@d.test")["code"]
    assert not opens(MAIL_PASSWORD) and opens(code)
    inst.run("user", "set", "alice@d.test", "two_step=no")
    assert opens(MAIL_PASSWORD)
