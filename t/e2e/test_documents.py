"""What README, man pages, help and comments name is there: commands, options, settings, pages."""
import pathlib
import re
import subprocess

import pytest

from instance import BUILD, TOP

PAGES = sorted((TOP / "doc").glob("*.[1-8]"))
MADE = {"posthorn.conf.5", "posthorn-api.7"}  # by `make install`
ELSEWHERE = {"ldappasswd.1", "pam_unix.8", "wait.2", "sysexits.3", "systemd-sysusers.8"}
TEXTS = [TOP / "README.md", TOP / "demo", *PAGES, *(TOP / "doc").glob("*.md"), *(TOP / "conf").rglob("*.conf*"), TOP / "conf/posthorn.service"]
NO_SETTINGS = {"conf", "txt", "sock", "log", "c", "h", "test", "passwords", "rules", "net", "org", "com", "example", "md", "html", "password", "service"}


def posthorn(*args):
    return subprocess.run([BUILD / "bin/posthorn", *args], capture_output=True, text=True, check=True, timeout=60).stdout


def commands():
    return re.findall(r"(?m)^  ([a-z][a-z-]+)  +\S", posthorn("help"))


HELP = {name: posthorn("help", name) for name in commands()}


def plain(path):
    """The text, without the macros that only change its face."""
    return re.sub(r"\n\.(Ql|Dl|Li|Cm) ", " ", path.read_text())


def test_commands_in_texts_are_there_with_their_options():
    wrong = []
    for path in TEXTS:
        for found in re.finditer(r"posthorn (?:--[a-z-]+ \S+ )*([a-z][a-z-]*)((?: [^\n`|;&)]*)?)", plain(path)):
            command, rest = found.groups()
            options = re.findall(r"(?<!\S)--([a-z][a-z-]+)", rest)
            if path.suffix not in (".md", ".8", ".5") and not options and command not in HELP:
                continue  # prose
            if command not in HELP:
                wrong.append((path.name, found[0]))
            else:
                wrong += [(path.name, found[0]) for option in options if option != "json" and f"--{option}" not in HELP[command]]
    assert wrong == []


def test_every_command_and_option_is_in_the_manual():
    page = (TOP / "doc/posthorn.8").read_text()
    missing = [name for name in HELP if not re.search(rf"Cm {name}\b", page)]
    for name, text in HELP.items():
        usage = text.split("\n\n")[1]
        missing += [f"{name} --{option}" for option in set(re.findall(r"--([a-z][a-z0-9-]+)", usage)) - {"root"}
                    if not re.search(rf"[ |]-{option}\b", page)]
    assert missing == []


def test_settings_that_are_named_are_there():
    reference = posthorn("config", "doc")
    settings, section = set(), ""
    for line in reference.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif found := re.match(r"([a-z][a-z0-9_]*) =", line):
            settings.add(f"{section}.{found[1]}")
    sections = {name.split(".")[0] for name in settings}
    texts = {path.name: path.read_text() for path in TEXTS} | {"help": "\n".join(HELP.values()), "config doc": reference}
    wrong = [(where, found[0]) for where, text in texts.items()
             for found in re.finditer(r"(?<![\w/.@-])([a-z0-9]+)\.([a-z][a-z_0-9]*)\b(?![.@/(-]\w)", text)
             if found[1] in sections and found[0] not in settings and found[2] not in NO_SETTINGS]
    assert len(settings) > 300 and wrong == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_refers_to_pages_that_are_there(path):
    pages = {page.name for page in PAGES} | MADE | ELSEWHERE
    text = path.read_text()
    named = {f"{name}.{number}" for name, number in re.findall(r"(?m)^\.Xr (\S+) (\d)", text)}
    assert named <= pages, named - pages
    shown = subprocess.run(["man", "--warnings", "-l", path], capture_output=True, text=True, check=True, timeout=60,
                           env={"MANWIDTH": "120", "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"})
    assert not [line for line in shown.stderr.splitlines() if "can't break line" not in line]
    assert len(shown.stdout.splitlines()) > 10


def test_every_program_has_a_page():
    programs = {path.name for path in (BUILD / "libexec/posthorn").iterdir()}
    assert {f"{name}.8" for name in programs} <= {page.name for page in PAGES}


def test_help_of_texts_fits_a_terminal():
    long = [(name, line) for name, text in HELP.items() for line in text.split("\n\n", 2)[-1].splitlines() if len(line) > 100]
    assert long == []
