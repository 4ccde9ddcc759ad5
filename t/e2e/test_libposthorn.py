"""The C library and the samples, against a server."""
import json
import os
import shutil
import subprocess

import pytest

from instance import BUILD, TOP, Instance, wait_for

PASSWORD = "A-good-secret7"
HOST = "localhost"


@pytest.fixture(scope="module")
def inst(tmp_path_factory):
    inst = Instance(hostname=HOST)
    inst.setup()
    inst.run("admin", "passwd", "admin", "--password-stdin", stdin=PASSWORD + "\n")
    inst.start()
    yield inst
    inst.close()


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """Built, installed, and used as a program elsewhere would."""
    where = tmp_path_factory.mktemp("lib")
    subprocess.run(["make", "-s", "install-lib", f"DESTDIR={where}", "PREFIX=/usr", f"BUILD={BUILD.name}"], cwd=TOP, check=True,
                   capture_output=True, timeout=300)
    return where / "usr"


def compile_(library, source, out):
    subprocess.run(["gcc", "-Wall", "-Wextra", "-Werror", "-o", out, source, f"-I{library}/include", f"-L{library}/lib", "-lposthorn",
                    f"-Wl,-rpath,{library}/lib"], check=True, timeout=120)
    return out


@pytest.fixture(scope="module")
def sample(library, tmp_path_factory):
    return compile_(library, TOP / "samples/sample.c", tmp_path_factory.mktemp("bin") / "sample")


def arguments(inst, host=HOST, port=None, certificates=None, admin="admin", domain="d.test"):
    return [host, str(port or inst.port("admin")), str(certificates or inst.root / "etc/certs/cert.pem"), admin, domain]


def run(command, password=PASSWORD):
    return subprocess.run([str(word) for word in command], input=password + "\n", capture_output=True, text=True, timeout=120)


COMMANDS = {"c": None, "sh": ["sh", TOP / "samples/sample.sh"], "python": ["/usr/bin/python3", TOP / "samples/sample.py"],
            "php": ["php", TOP / "samples/sample.php"], "java": ["java", TOP / "samples/Sample.java"]}


@pytest.mark.parametrize("language", COMMANDS)
def test_samples(inst, sample, language):
    command = [sample] if language == "c" else COMMANDS[language]
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"no {command[0]} here")
    done = run([*command, *arguments(inst)])
    assert done.returncode == 0, done.stderr
    assert "sample@d.test" in done.stdout and "10000000" in done.stdout and "0/0|0/0" in done.stdout
    assert "sample@d.test" not in inst.run("user", "list").out
    wrong = run([*command, *arguments(inst)], password="wrong")
    assert wrong.returncode not in (0, 2) and wrong.stderr
    inst.wait_log("audit", "verb=del kind=user name=sample@d.test")


def test_a_failed_connection_says_why(inst, sample):
    assert "result -1: " in run([sample, *arguments(inst)], "wrong").stderr
    assert "result -1: " in run([sample, *arguments(inst, admin="nobody")]).stderr
    nobody = run([sample, *arguments(inst, port=1)]).stderr
    assert "result -2: " in nobody and "is the mail server running there?" in nobody
    assert "result -3: " in run([sample, *arguments(inst, host="no-such-host.invalid")]).stderr
    assert "result -4: " in run([sample, *arguments(inst, certificates="/etc/ssl/certs/ca-certificates.crt")]).stderr
    assert "result -4: " in run([sample, *arguments(inst, host="127.0.0.1")]).stderr  # the certificate has another name
    assert "result -5: " in run([sample, *arguments(inst, port=inst.port("smtp"))]).stderr
    assert "result 7: " in run([sample, *arguments(inst, domain="nowhere.test")]).stderr


PROGRAM = r"""
#include <posthorn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
main(int argc, char **argv)
{
    struct posthorn *p = posthorn_new(argv[1], (unsigned)strtoul(argv[2], NULL, 10));
    char line[64];
    int rc;

    (void)argc;
    if (p == NULL || posthorn_trust(p, argv[3]) != 0 || posthorn_login(p, "admin", "A-good-secret7") != 0)
        return 1;
    printf("%d\n", posthorn_who_am_i(p));
    printf("%d\n", posthorn_check_user(p, "postmaster", NULL));
    printf("%d\n", posthorn_add(p, "user", "lib@d.test", "{\"full_name\":\"Li \\\"B\\\"\",\"imap\":false}"));
    printf("%d\n", posthorn_add(p, "user", "lib2@d.test", "{broken"));
    printf("%d\n", posthorn_modify_user(p, "lib", NULL, "\xff", NULL, NULL, NULL));
    printf("%d\n", posthorn_list(p, "user", NULL, NULL, "li \"b\"", NULL, 1, 0, 10));
    printf("%d\n", strstr(posthorn_answer(p), "\"total\":1,") != NULL);
    printf("%d\n", posthorn_call(p, "Fly", NULL, 0));
    fflush(stdout);
    if (fgets(line, sizeof(line), stdin) == NULL) /* meanwhile the session ends */
        return 1;
    rc = posthorn_show(p, "user", "lib@d.test");
    printf("%d %s\n", rc, posthorn_text(p));
    posthorn_free(&p);
    return 0;
}
"""


def test_the_library_keeps_its_session(inst, library, tmp_path):
    (tmp_path / "program.c").write_text(PROGRAM)
    program = compile_(library, tmp_path / "program.c", tmp_path / "program")
    with subprocess.Popen([program, *arguments(inst)[:3]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        results = [process.stdout.readline().strip() for _ in range(8)]
        assert results == ["0", "2", "0", "-6", "-6", "0", "1", "-5"]
        inst.run("service", "restart", "auth")  # tokens are gone, and the connection
        inst.run("service", "restart", "admin")
        out, _ = process.communicate("go on\n", timeout=60)
        assert out.strip() == "0"


def test_the_library_exports_its_own_names_alone(library):
    names = subprocess.run(["nm", "-D", "--defined-only", library / "lib/libposthorn.so.1"], capture_output=True, text=True,
                           check=True).stdout
    symbols = {line.split()[-1].split("@")[0] for line in names.splitlines()} - {"POSTHORN_1"}
    assert symbols and all(name.startswith("posthorn_") for name in symbols)
    header = (library / "include/posthorn_calls.h").read_text()
    assert all(f"{name}(" in header or f"{name}(" in (library / "include/posthorn.h").read_text() for name in symbols)
    dynamic = subprocess.run(["readelf", "-d", library / "lib/libposthorn.so.1"], capture_output=True, text=True, check=True).stdout
    assert "libposthorn.so.1" in dynamic and (library / "lib/libposthorn.a").exists()
    described = subprocess.run(["pkg-config", "--libs", "posthorn"], capture_output=True, text=True,
                               env={**os.environ, "PKG_CONFIG_PATH": str(library / "lib/pkgconfig")}, check=True).stdout
    assert "-lposthorn" in described


def test_the_header_is_fit_for_cplusplus(library, tmp_path):
    (tmp_path / "x.cc").write_text("#include <posthorn.h>\nint main() { return posthorn_new(\"a\", 1) == nullptr; }\n")
    subprocess.run(["g++", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{library}/include", tmp_path / "x.cc"], check=True,
                   timeout=120)


def test_a_server_that_comes_back_is_found_again(inst, sample):
    inst.run("service", "restart", "admin")
    wait_for(lambda: run([sample, *arguments(inst)]).returncode == 0, 30, "the service is back")


# ---- posthorn api call ----

def call(inst, *words, profile=None, stdin=PASSWORD + "\n", env=None, **options):
    given = {} if profile else {"--server": f"{HOST}:{inst.port('admin')}", "--admin": "admin", "--password-file": "-",
                                "--certificates": inst.root / "etc/certs/cert.pem"}
    given.update({"--" + name.replace("_", "-"): value for name, value in options.items()})
    command = [BUILD / "bin/posthorn", "api", "call", *(["--profile", profile] if profile else []),
               *(part for pair in given.items() for part in pair), *words]
    return subprocess.run([str(word) for word in command], input=stdin, capture_output=True, text=True, timeout=60,
                          env={**os.environ, **(env or {})})


def test_the_command_line_makes_calls_elsewhere(inst, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("Good-word-of-9\n")
    done = call(inst, "AddUser", "user=cliff", f"password=@{secret}")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"result": 0, "text": ""}), done.stderr
    assert call(inst, "Set", "kind=user", "name=cliff@d.test", 'properties={"full_name":"Cliff = C"}').returncode == 0
    rows = json.loads(call(inst, "List", "kind=user", "search=cliff", "descending=yes", "limit=5").stdout)
    assert [row["full_name"] for row in rows["objects"]] == ["Cliff = C"]
    again = call(inst, "AddUser", "user=cliff", f"password=@{secret}")
    assert again.returncode == 1 and "result 2: " in again.stderr
    assert call(inst, "DeleteUser", "user=cliff").returncode == 0


@pytest.mark.parametrize("words, reason", [
    (["Fly"], "there is no call 'Fly'"), (["CheckUser", "wings=2"], "no parameter 'wings'"), (["CheckUser", "user"], "PARAMETER=VALUE"),
    (["ModifyUserQuota", "user=a", "bytes=many"], "expected a number"), (["List", "kind=user", "descending=maybe"], "yes or no"),
    (["AddUser", "user=a", "password=shown"], "is a secret"),
])
def test_mistakes_are_told_before_anything_is_sent(inst, words, reason):
    done = call(inst, *words)
    assert done.returncode == 2 and reason in done.stderr and not done.stdout


def test_the_command_line_says_why_a_connection_failed(inst):
    assert "login refused: " in call(inst, "WhoAmI", stdin="wrong\n").stderr
    assert "service not running: " in call(inst, "WhoAmI", server="localhost:1").stderr
    assert "server unreachable: " in call(inst, "WhoAmI", server="no-such-host.invalid").stderr
    assert "certificate not trusted: " in call(inst, "WhoAmI", certificates="/etc/ssl/certs/ca-certificates.crt").stderr
    assert "do not match: " in call(inst, "WhoAmI", server=f"localhost:{inst.port('smtp')}").stderr


def test_profiles(inst, tmp_path):
    env = {"XDG_CONFIG_HOME": str(tmp_path)}
    file = tmp_path / "posthorn/profiles.conf"
    assert "profiles.conf: " in call(inst, "WhoAmI", profile="office", env=env).stderr
    file.parent.mkdir()
    file.write_text(f"[other]\nserver = x\n[office]\nserver = {HOST}:{inst.port('admin')}\nadmin = admin\n"
                    f"certificates = {inst.root}/etc/certs/cert.pem\npassword = {PASSWORD}\n")
    file.chmod(0o644)
    assert "others can read it" in call(inst, "WhoAmI", profile="office", env=env).stderr
    file.chmod(0o600)
    done = call(inst, "WhoAmI", profile="office", env=env, stdin="")
    assert json.loads(done.stdout)["admin"]["name"] == "admin"
    assert "login refused" in call(inst, "WhoAmI", profile="office", env=env, admin="nobody").stderr  # an option comes first
    assert "no profile 'home'" in call(inst, "WhoAmI", profile="home", env=env).stderr
