"""How many messages are in a user's folders, for a program that has the password (ADM-36)."""
import imaplib
import ssl

import pytest

from admin_api import Api
from conftest import PASSWORD
from instance import Instance, wait_for

CONTEXT = ssl._create_unverified_context()


@pytest.fixture(scope="module")
def inst():
    inst = Instance()
    inst.setup()
    for name, value in (("guess.failures_per_user", "3"), ("guess.failures_per_address", "0"), ("auth.failure_delay", "0")):
        inst.set(name, value)
    inst.start()
    inst.run("admin", "add", "root", "--password-stdin", stdin=PASSWORD + "\n")
    for user in ("ann", "new", "guessed", "off"):
        inst.add_user(f"{user}@d.test", PASSWORD)
    inst.run("user", "add", "far@d.test", "auth=external", "--no-password")
    inst.run("user", "set", "off@d.test", "status=disabled")
    with imaplib.IMAP4_SSL("127.0.0.1", inst.port("imaps"), ssl_context=CONTEXT) as imap:
        imap.login("ann@d.test", PASSWORD)
        for folder, seen, unseen in (("INBOX", 1, 2), ("Sent", 3, 0), ("Drafts", 0, 1), ("Junk", 2, 4), ("Work", 0, 9)):
            imap.create(folder)
            for flags in ["\\Seen"] * seen + [None] * unseen:
                assert imap.append(folder, flags, None, b"Subject: x\r\n\r\nx\r\n")[0] == "OK"
    yield inst
    inst.close()


@pytest.fixture(scope="module")
def api(inst):
    return Api(inst, "root", PASSWORD)


def counts(api, user="ann", **more):
    return api.ok("GetFolderMsgCount", user=user, password=PASSWORD, **more)["counts"]


def test_new_and_total_of_each_folder(inst, api):
    assert counts(api) == counts(api, folders="", domain="D.TEST") == "2/3|0/3|1/1|0/0|4/6"
    assert counts(api, only_new=True) == "2|0|1|0|4" and counts(api, only_new=False) == counts(api)
    assert counts(api, folders="inbox") == "2/3" and counts(api, folders="inbox", only_new=True) == "2"
    assert counts(api, folders="spam|inbox|spam") == "4/6|2/3|4/6"
    answer = api.ok("GetFolderMsgCount", user="ann", password=PASSWORD, folders="inbox|draft", only_new=True)
    assert answer["folders"] == [{"folder": "inbox", "new": 2}, {"folder": "draft", "new": 1}]
    assert counts(api, user="new") == "0/0|0/0|0/0|0/0|0/0"


def test_it_counts_while_mail_comes_and_is_read(inst, api):
    with imaplib.IMAP4_SSL("127.0.0.1", inst.port("imaps"), ssl_context=CONTEXT) as imap:
        imap.login("new@d.test", PASSWORD)
        imap.append("Trash", None, None, b"Subject: x\r\n\r\nx\r\n")
        imap.select("Trash")
        assert counts(api, "new", folders="trash") == "1/1"
        imap.store("1", "+FLAGS", "\\Seen")
        wait_for(lambda: counts(api, "new", folders="trash") == "0/1", 30, "the flag is on disk")
        imap.delete("Drafts")
        assert counts(api, "new", folders="draft|trash") == "0/0|0/1"
    inst.stop()
    for index in inst.root.glob("store/d.test/*/ann/mail/**/posthorn.index"):
        index.unlink()
    inst.start()
    fresh = Api(inst, "root", PASSWORD)
    assert counts(fresh) == "2/3|0/3|1/1|0/0|4/6"
    api.http, api.headers = fresh.http, fresh.headers


@pytest.mark.parametrize("parameters, result", [
    ({"folders": "inbox|"}, 1), ({"folders": "|"}, 1), ({"folders": "INBOX"}, 1), ({"folders": "Work"}, 1), ({"folders": "../eve"}, 1),
    ({"folders": "|".join(["sent"] * 33)}, 1), ({"only_new": 1}, 1), ({"user": "nobody"}, 2), ({"domain": "e.test"}, 2), ({"user": "far"}, 3),
    ({"password": "wrong-one"}, 4), ({"user": "off"}, 4),
])
def test_what_is_refused(api, parameters, result):
    answer = api.call("GetFolderMsgCount", **{"user": "ann", "password": PASSWORD, **parameters})
    assert answer["result"] == result and "counts" not in answer


def test_wrong_passwords_are_guesses(inst, api):
    for _ in range(3):
        assert api.result("GetFolderMsgCount", user="guessed", password="guess") == 4
    wait_for(lambda: "guessed@d.test" in str(inst.json("block", "list")), 30, "the block")
    assert api.result("GetFolderMsgCount", user="guessed", password=PASSWORD) == 4  # as if it were wrong
    assert api.result("GetFolderMsgCount", user="guessed", password=PASSWORD, folders="none") == 1
    inst.run("block", "lift", "guessed@d.test")
    wait_for(lambda: api.result("GetFolderMsgCount", user="guessed", password=PASSWORD) == 0, 30, "the block is lifted")
    assert PASSWORD not in inst.log("auth") + inst.log("delivery") + inst.log("admin")
