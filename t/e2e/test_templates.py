"""QUE-14, QUE-15: the templates' languages, which file is used, what `config check` says of them."""
import smtplib

import pytest

from conftest import PASSWORD
from instance import Instance, wait_for
from mailbox import messages
from test_notices import text_of
from test_queue import mailbox, report_of, submit

ALICE = "alice@d.test"


@pytest.fixture
def inst():
    inst = Instance()
    inst.setup()
    inst.set("system.template_language", "zh-CN")
    yield inst
    inst.close()


def bounce(inst, subject):
    """Mail to a group with nobody in it fails after it was taken."""
    submit(inst, ["none@d.test"], subject=subject)
    return report_of(inst, ALICE, subject)


def start(inst):
    inst.start()
    inst.add_user(ALICE, PASSWORD)
    inst.run("group", "add", "none@d.test")


def test_everything_is_chinese_where_that_is_the_language(inst):
    inst.set("account.welcome", "welcome.txt")
    start(inst)
    report = bounce(inst, "comes back")
    assert report["Subject"] == "退信通知：邮件无法投递"
    assert "这是 mail.d.test 的邮件系统。" in text_of(report) and "<none@d.test>" in text_of(report)
    _, status, _ = report.iter_parts()
    assert status.get_payload()[1]["Action"] == "failed"
    submit(inst, [ALICE], subject="did it", rcpt_options=["NOTIFY=SUCCESS"])
    assert report_of(inst, ALICE, "did it")["Subject"] == "邮件投递报告"
    greeting = wait_for(lambda: [m for m in mailbox(inst, ALICE) if m["Subject"] == "欢迎使用 d.test 邮箱"])[0]
    assert "您的邮箱 alice@d.test 已经开通。" in greeting.get_content()


@pytest.mark.parametrize("quota, expected", [("quota_bytes=100000", "您的邮箱 alice@d.test 已使用 "),
                                             ("quota_messages=2", "现有邮件 2 封，上限为 2 封。")])
def test_the_quota_warning_is_chinese(inst, quota, expected):
    start(inst)
    inst.allow_small_quotas()
    inst.run("user", "set", ALICE, "quota_bytes=0", "quota_messages=0", quota, "warning_limit=50")
    for _ in range(2):
        with smtplib.SMTP("127.0.0.1", inst.port("smtp"), timeout=20) as client:
            client.sendmail("far@x.test", [ALICE], "Subject: filling\r\n\r\n" + ("x" * 70 + "\r\n") * 500)
        inst.wait_queue_empty()
    assert wait_for(lambda: any(expected.encode() in m for m in messages(inst, ALICE)) or
                    any("现有邮件 1 封，上限为 2 封。".encode() in m for m in messages(inst, ALICE)))


def test_the_file_of_the_language_then_the_one_of_all(inst):
    templates = inst.root / "etc/templates"
    (templates / "fr").mkdir()
    (templates / "fr/bounce.txt").write_text("Subject: Échec\n\n@recipients@\n")
    (templates / "success.txt").write_text("Subject: of all languages\n\n@recipients@\n")
    inst.set("system.template_language", "fr")
    inst.run("config", "check")
    start(inst)
    assert bounce(inst, "which one")["Subject"] == "Échec"
    submit(inst, [ALICE], subject="which two", rcpt_options=["NOTIFY=SUCCESS"])
    assert report_of(inst, ALICE, "which two")["Subject"] == "of all languages"
    assert "event=template_built_in file=delay.txt language=fr" in inst.log("queue")


@pytest.mark.parametrize("language", ["fr", "../en", "", "."])
def test_a_language_that_is_not_there_is_an_error(inst, language):
    inst.set("system.template_language", language)
    done = inst.run("config", "check", check=False)
    assert done.returncode == 1 and f"system.template_language: there is no '{language}'" in done.err


def test_config_check_names_file_and_line(inst):
    inst.run("config", "check")
    templates = inst.root / "etc/templates/zh-CN"
    (templates / "delay.txt").write_text("Subject: x\n\n@recipients@\n@hostnme@\n")
    (templates / "welcome.txt").write_text("Betreff: x\n\n")
    (templates / "notice.txt").write_text("Subject: x\n\nno list\n")
    (inst.root / "etc/templates/en/bounce.txt").write_text("not in force\n")
    done = inst.run("config", "check", check=False)
    assert done.returncode == 1
    assert f"{templates}/delay.txt:4: '@hostnme@' is no value here\n" in done.err
    assert f"{templates}/welcome.txt:1: expected 'Subject: ...'\n" in done.err
    assert f"{templates}/notice.txt:0: '@recipients@' is missing" in done.err
    assert "bounce.txt" not in done.err


def test_config_check_reads_the_welcome_of_another_place(inst, tmp_path):
    inst.set("account.welcome", str(tmp_path / "hello.txt"))
    assert "hello.txt: No such file" in inst.run("config", "check", check=False).err
    (tmp_path / "hello.txt").write_text("Subject: Hello\n\nHere is @addres@.\n")
    assert "hello.txt:3: '@addres@' is no value here" in inst.run("config", "check", check=False).err
    (tmp_path / "hello.txt").write_text("Subject: Hello\n\nHere is @address@.\n")
    inst.run("config", "check")
    start(inst)
    wait_for(lambda: any(b"Here is alice@d.test." in m for m in messages(inst, ALICE)))
