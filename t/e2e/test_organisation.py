"""Profiles, the organisation that they belong to, and groups at creation (DIR-21, DIR-22, ADM-24)."""
import pytest

from admin_api import Api
from conftest import PASSWORD
from instance import Instance


@pytest.fixture(scope="module")
def suite():
    inst = Instance()
    inst.setup()
    inst.start()
    inst.run("domain", "add", "e.test", "publish_users=all")
    for unit, name, *more in (("acme", "Acme"), ("sales", "Sales", "parent=acme", "display_order=2"),
                              ("lab", "Laboratory", "parent=acme", "display_order=1"), ("north", "North", "parent=sales")):
        inst.run("organisation", "add", f"{unit}@e.test", f"full_name={name}", *more)
    inst.run("group", "add", "team@e.test")
    inst.run("group", "add", "all@d.test")
    for name, *more in (("root",), ("dom", "type=domain", "domains=e.test"), ("desk", "type=role", "rights=users", "domains=e.test")):
        inst.run("admin", "add", name, "--password-stdin", *more, stdin=PASSWORD + "\n")
    yield inst
    inst.close()


def contact(inst, name):
    row = inst.json("contact", "show", name)
    return row["company"], row["department"], row["office"], row["phone_office"]


def test_the_tree_is_printed_in_its_order(suite):
    assert suite.run("organisation", "tree", "e.test").out == (
        "Acme  (acme)\n  Laboratory  (lab)\n  Sales  (sales)\n    North  (north)\n")
    assert [row["path"] for row in suite.json("organisation", "list", "--domain", "e.test")] == [
        "Acme", "Acme / Laboratory", "Acme / Sales / North", "Acme / Sales"]
    done = suite.run("organisation", "set", "acme@e.test", "parent=north", check=False)
    assert done.returncode == 1 and "below itself" in done.err
    done = suite.run("organisation", "del", "sales@e.test", check=False)
    assert done.returncode == 1 and "units below" in done.err


def test_a_published_profile_has_company_and_department(suite):
    suite.run("user", "add", "a@e.test", "--no-password", "--group", "team@e.test", "full_name=A", "unit=north", "title=Boss",
              "office=R 7", "phone_office=+1 2")
    assert contact(suite, "a@e.test") == ("Acme", "North", "R 7", "+1 2")
    assert suite.json("user", "show", "a@e.test")["groups"] == ["team@e.test"]
    suite.run("organisation", "set", "north@e.test", "parent=")
    assert contact(suite, "a@e.test")[:2] == ("North", "")
    suite.run("organisation", "set", "north@e.test", "parent=sales")
    api = Api(suite, "dom", PASSWORD)
    api.ok("ModifyUser", user="a", domain="e.test", unit="lab", office="R 8", full_name="A.", description="x")
    assert contact(suite, "a@e.test") == ("Acme", "Laboratory", "R 8", "+1 2")
    assert api.result("ModifyUser", user="a", domain="e.test", unit="none") == 3
    assert api.result("ModifyUser", user="nobody", domain="e.test", unit="lab") == 2
    done = suite.run("organisation", "del", "lab@e.test", check=False)
    assert done.returncode == 1 and "1 users are in lab@e.test" in done.err


def test_membership_is_given_by_who_has_the_groups(suite):
    suite.run("user", "add", "m@e.test", "--no-password")
    dom, desk = Api(suite, "dom", PASSWORD), Api(suite, "desk", PASSWORD)

    def groups(api, value, name="m@e.test"):
        return api.result("Set", kind="user", name=name, properties={"groups": value})

    assert groups(desk, "team@e.test") == 101  # users, but not groups
    assert groups(dom, "all@d.test") == 101    # a group of another domain
    assert groups(dom, "TEAM@e.test") == 0
    suite.run("user", "set", "m@e.test", "groups=all@d.test;team@e.test")
    assert groups(dom, "team@e.test") == 101   # it would leave the other
    assert suite.json("user", "show", "m@e.test")["groups"] == ["all@d.test", "team@e.test"]
    assert dom.result("Add", kind="user", name="n@e.test", properties={"groups": "all@d.test"}) == 101
    assert desk.result("Add", kind="organisation", name="ware@e.test", properties={"full_name": "W"}) == 0
    assert desk.result("Add", kind="organisation", name="ware@d.test", properties={"full_name": "W"}) == 101


def test_new_users_go_to_everyone_where_the_domain_says_so(suite):
    suite.run("domain", "add", "f.test", "add_to_everyone=yes")
    for name in "ab":
        suite.run("user", "add", f"{name}@f.test", "--no-password")
    assert [row["member"] for row in suite.json("group", "member", "list", "everyone@f.test")] == ["a@f.test", "b@f.test"]
    suite.run("domain", "set", "f.test", "add_to_everyone=no")
    suite.run("user", "add", "c@f.test", "--no-password")
    assert suite.json("user", "show", "c@f.test")["groups"] == []
