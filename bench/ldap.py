"""The part `ldap`: completion searches among 100,000 contacts, beside OpenLDAP's slapd (mdb, substring indexes)."""
import json
import pathlib
import random
import subprocess
import time

from peers import DOMAIN, Group, Posthorn, run

COUNT = 100_000
BASE = "o=posthorn"
BOOK = f"ou=outside,{BASE}"
FIRST = ("anna bernd carla david elena frank gerda heinz irene jonas klara lukas maria nora oscar paula quentin rosa simon tina "
         "ulrich vera walter xenia yann zoe").split()
SYLLABLES = "ba be bo da de di fa fi ga ge ha ho ja ka ke ki la le li lo ma me mi mo na ne ni no pa pe ra re ri ro sa se si so ta te ti to va ve vi wa we za".split()


def people(count):
    rng = random.Random(7)
    for i in range(count):
        last = "".join(rng.choice(SYLLABLES) for _ in range(rng.randint(2, 4))).capitalize()
        first = rng.choice(FIRST).capitalize()
        yield {"uid": f"p{i}", "cn": f"{first} {last}", "sn": last, "givenName": first,
               "mail": f"{first}.{last}{i % 100}@h{i % 977}.test".lower(), "o": f"Company {i % 5000}",
               "telephoneNumber": f"+49 30 {i:07}", "title": "Engineer", "l": "Springfield"}


class Slapd:
    name = "slapd"
    port = 389 + Posthorn.offset + 1

    def __init__(self, base):
        self.base = pathlib.Path(base) / "slapd"
        self.group = Group("slapd")

    def start(self, entries):
        (self.base / "db").mkdir(parents=True)
        conf = self.base / "slapd.conf"
        conf.write_text("include /etc/ldap/schema/core.schema\ninclude /etc/ldap/schema/cosine.schema\n"
                        "include /etc/ldap/schema/inetorgperson.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\n"
                        f"pidfile {self.base}/pid\nloglevel 0\nsizelimit 1000\n"
                        f"database mdb\nsuffix {BASE}\ndirectory {self.base}/db\nmaxsize 4294967296\n"
                        "index objectClass eq\nindex cn,sn,givenName,mail,uid pres,eq,sub\n")
        ldif = self.base / "all.ldif"
        with open(ldif, "w", encoding="ascii") as out:
            out.write(f"dn: {BASE}\nobjectClass: organization\no: posthorn\n\n"
                      f"dn: {BOOK}\nobjectClass: organizationalUnit\nou: outside\n\n")
            for entry in entries:
                out.write(f"dn: uid={entry['uid']},{BOOK}\nobjectClass: inetOrgPerson\n" +
                          "".join(f"{k}: {v}\n" for k, v in entry.items()) + "\n")
        run("slapadd", "-q", "-f", conf, "-l", ldif)
        subprocess.Popen(["slapd", "-f", str(conf), "-h", self.url(), "-d", "0"], preexec_fn=self.group.enter,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def url(self):
        return f"ldap://127.0.0.1:{self.port}"

    def memory_kb(self):
        return self.group.memory_kb()

    def stop(self):
        run("kill", (self.base / "pid").read_text().strip())
        self.group.wait_empty()
        self.group.remove()


class Ours(Posthorn):
    port = 389 + Posthorn.offset

    def __init__(self, base, top):
        super().__init__(base, top, users=0)

    def load(self, entries):
        text = self.cli("export").replace("# Posthorn", "# Posthorn", 1)
        lines = [text]
        for e in entries:
            lines.append(f"contact {e['uid']}@outside\n    full_name {e['cn']}\n    addresses {e['mail']}\n    company {e['o']}\n"
                         f"    title {e['title']}\n    phone_office {e['telephoneNumber']}\n    city {e['l']}\n")
        self.cli("import", "--replace", stdin="".join(lines))

    def url(self):
        return f"ldap://127.0.0.1:{self.port}"

    def memory_kb(self):
        """Of directoryd and all of ldapd's processes."""
        total = 0
        for pid in self.group.pids():
            try:
                program = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].rsplit(b"/", 1)[-1]
                text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
            except OSError:
                continue
            if program in (b"ldapd", b"directoryd"):
                total += int(text.split("Pss:")[1].split()[0])
        return total


def wait_whole(server, last):
    end = time.monotonic() + 120
    while time.monotonic() < end:
        done = subprocess.run(["ldapsearch", "-x", "-LLL", "-H", server.url(), "-b", BASE, f"(uid={last})", "1.1"],
                              capture_output=True, text=True)
        if "dn:" in done.stdout:
            return
        time.sleep(0.2)
    raise RuntimeError(f"{server.name} does not have all contacts")


def words(entries, base):
    """Files of what people type: the first letters of names, a part of one, whole addresses."""
    rng = random.Random(11)
    sample = rng.sample(entries, 2000)
    lists = {"prefix, 1 letter": ("prefix", [e["sn"][:1] for e in sample]),
             "prefix, 2 letters": ("prefix", [e["sn"][:2] for e in sample]),
             "prefix, 3 letters": ("prefix", [e["sn"][:3] for e in sample]),
             "prefix, 5 letters": ("prefix", [e["sn"][:5] for e in sample]),
             "part, 4 letters": ("infix", [e["sn"].lower()[-4:] for e in sample]),
             "whole address": ("exact", [e["mail"] for e in sample])}
    out = {}
    for number, (label, (mode, texts)) in enumerate(lists.items()):
        path = base / f"words{number}"
        path.write_text("\n".join(texts) + "\n")
        out[label] = (mode, path)
    return out


def part(rounds, scale, results, base, top, fresh, tools):
    subprocess.run(["gcc", "-std=c17", "-D_GNU_SOURCE", "-O2", "-o", str(tools / "ldapload"), str(top / "bench/ldapload.c"),
                    "-lldap", "-llber"], check=True)
    entries = list(people(COUNT // scale))
    typed = words(entries, base)

    def record(case, server, figure):
        results.setdefault(("ldap", f"LDAP, {len(entries):,} contacts: {case}"), {}).setdefault(server.name, []).append(figure)

    def measure(server):
        wait_whole(server, entries[-1]["uid"])
        for case, (mode, path) in typed.items():
            done = subprocess.run([str(tools / "ldapload"), server.url(), BASE, mode, "3" if scale == 1 else "0.5", str(path)],
                                  capture_output=True, text=True)
            if done.returncode != 0:
                raise RuntimeError(done.stderr)
            record(case, server, json.loads(done.stdout))
        record("memory", server, {"memory_kb": server.memory_kb()})

    for _ in range(rounds):
        slapd = Slapd(fresh())
        slapd.start(entries)
        try:
            measure(slapd)
        finally:
            slapd.stop()
        ours = Ours(fresh(), top)
        ours.start(settings=(("ldap.anonymous_read", "yes"),))
        try:
            ours.load(entries)
            measure(ours)
        finally:
            ours.stop()
