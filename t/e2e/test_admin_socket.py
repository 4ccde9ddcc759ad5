"""Administration over the local socket: root and the owner need no password, others log in."""
import http.client
import json
import os
import socket
import subprocess
import sys
import textwrap

import pytest

from instance import TOP, Instance

PASSWORD = "A-good-secret7"


class Local(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(60)
        self.sock.connect(self.path)

    def call(self, call, headers=None, **parameters):
        self.request("POST", f"/api/{call}", json.dumps(parameters), {"Content-Type": "application/json", **(headers or {})})
        response = self.getresponse()
        return response.status, json.loads(response.read())


@pytest.fixture(scope="module")
def inst():
    inst = Instance()
    inst.setup()
    inst.run("admin", "passwd", "admin", "--password-stdin", stdin=PASSWORD + "\n")
    inst.run("admin", "add", "dom", "type=domain", "domains=d.test", "--password-stdin", stdin=PASSWORD + "\n")
    inst.start()
    yield inst
    inst.close()


def test_the_owner_needs_no_password(inst):
    here = Local(inst.root / "run/admin.sock")
    status, answer = here.call("WhoAmI")
    assert status == 200 and answer["admin"]["type"] == "super" and "SetSettings" in answer["calls"]
    assert here.call("AddUser", user="ann", password="Some-good-one7")[1]["result"] == 0
    assert here.call("List", kind="service")[1]["objects"] and here.call("SystemInformation")[1]["mailboxes"] == 2
    assert here.call("AddBlock", name="192.0.2.3", time="1m")[1]["result"] == 0
    assert here.call("HoldMessages", ids="none")[1]["result"] != 101
    me = f"uid {os.geteuid()}"
    inst.wait_log("audit", f'who="{me}" from=local verb=add kind=user name=ann@d.test')
    assert here.call("ChangeOwnPassword", old="x", new="Some-good-one7")[1]["result"] == 4


def test_an_administrators_login_counts_where_one_is_given(inst):
    here = Local(inst.root / "run/admin.sock")
    token = here.call("Login", name="dom", password=PASSWORD)[1]["token"]
    asked = {"Authorization": "Bearer " + token}
    assert here.call("WhoAmI", asked)[1]["admin"]["name"] == "dom"
    assert here.call("AddDomain", asked, domain="x.test")[1]["result"] == 101
    assert here.call("WhoAmI", {"Authorization": "Bearer none"})[0] == 401
    assert here.call("WhoAmI")[1]["admin"]["type"] == "super"  # again without


def test_the_port_asks_everybody(inst):
    """What is believed of the socket is not believed of the network."""
    from admin_api import Api
    assert Api(inst).raw("POST", "/api/WhoAmI", "")[0] == 401


@pytest.mark.skipif(os.geteuid() != 0, reason="takes several users")
def test_other_users_have_to_log_in(inst):
    script = textwrap.dedent("""
        import os, sys
        sys.path.insert(0, sys.argv[2])
        from test_admin_socket import Local
        os.chdir(os.path.dirname(sys.argv[1]))
        os.setuid(65534)
        print(Local("admin.sock").call("WhoAmI")[0])
        print(Local("admin.sock").call("Login", name="dom", password=sys.argv[3])[1]["result"])
    """)
    done = subprocess.run([sys.executable, "-c", script, str(inst.root / "run/admin.sock"), os.path.dirname(__file__), PASSWORD],
                          capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["401", "0"], done.stderr


def test_no_administrator_can_have_such_a_name(inst):
    assert inst.run("admin", "add", "uid 0", check=False).returncode != 0
    assert Local(inst.root / "run/admin.sock").call("AddAdminUser", name="uid 5", password="Some-good-one7", type=0)[1]["result"] == 1


def test_the_command_line_and_the_library_open_a_directory(inst, tmp_path):
    done = subprocess.run([inst.build / "bin/posthorn", "--server", inst.root, "user", "list", "--json"], capture_output=True, timeout=60, cwd="/")
    assert {row["address"] for row in json.loads(done.stdout)} >= {"postmaster@d.test"}, done.stderr
    (tmp_path / "t.c").write_text(r"""
        #include <posthorn.h>
        #include <stdio.h>
        int main(int argc, char **argv) {
            static const char *const wrong[] = {"host:0", "host:x", "[::1", "", "host:70000"};
            struct posthorn *p = posthorn_open(argv[argc - 1]);
            int rc = p == NULL ? -1 : posthorn_get_db_path(p);
            for (unsigned i = 0; i < 5; i++)
                if (posthorn_open(wrong[i]) != NULL)
                    return 9;
            printf("%s %s\n", posthorn_answer(p), posthorn_text(p));
            posthorn_free(&p);
            return rc == 0 ? 0 : 1;
        }""")
    prefix = tmp_path / "usr"
    subprocess.run(["make", "-s", "install-lib", f"BUILD={inst.build}", f"DESTDIR={tmp_path}", "PREFIX=/usr"], cwd=TOP, check=True, capture_output=True)
    subprocess.run(["gcc", "-o", tmp_path / "t", tmp_path / "t.c", f"-I{prefix}/include", f"-L{prefix}/lib", f"-Wl,-rpath,{prefix}/lib", "-lposthorn"],
                   check=True, capture_output=True)
    done = subprocess.run([tmp_path / "t", inst.root], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and json.loads(done.stdout.rsplit("}", 1)[0] + "}")["path"] == str(inst.root / "db"), done
    done = subprocess.run([tmp_path / "t", "/nowhere/at/all"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "No such file" in done.stdout
