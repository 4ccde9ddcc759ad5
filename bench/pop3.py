"""The part `pop3`: login, LIST, UIDL and download, of 1,000 messages and out of 50,000."""
import json
import subprocess

from big import Client, copy_maildir
from peers import DOMAIN, PASSWORD, Dovecot, Posthorn


def fill(server, base, count):
    source = base / "pop3-source"
    for sub in ("cur", "new", "tmp"):
        (source / sub).mkdir(parents=True)
    text = (b"Subject: filled\r\nFrom: <a@b.test>\r\nTo: <c@d.test>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n"
            b"Message-ID: <x@y.test>\r\n\r\n" + b"Lorem ipsum dolor sit amet, consectetur.\r\n" * 95)[:4094] + b"\r\n"
    for i in range(count):
        (source / "new" / f"{1750000000 + i}.M{i}.bench").write_bytes(text)
    if isinstance(server, Posthorn):
        server.cli("user", "set", f"u0@{DOMAIN}", "quota_bytes=0", "quota_messages=0")
        Client(server).close()
        mail = next((server.root / "store").glob(f"{DOMAIN}/*/u0/mail"))
        subprocess.run(["chown", "-R", f"{mail.stat().st_uid}:{mail.stat().st_gid}", str(source)], check=True)
        subprocess.run(f"cp -a {source}/new/. {mail}/new/", shell=True, check=True)
    elif server.location.startswith("maildir"):
        copy_maildir(source, server.base / "home/u0/Maildir", 65534, 65534)
    else:
        subprocess.run(["chown", "-R", "65534:65534", str(source)], check=True)
        server.doveadm("-o", "mail_fsync=never", "import", "-u", f"u0@{DOMAIN}", f"maildir:{source}", "", "ALL")
    subprocess.run(["rm", "-rf", str(source)], check=True)


def part(rounds, scale, results, base, top, fresh, tools):
    def load(server, messages, window):
        done = subprocess.run([str(tools / "popload"), "127.0.0.1", str(server.pop3_port), f"u0@{DOMAIN}", PASSWORD,
                               str(messages), str(window)], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return json.loads(done.stdout)
    for _ in range(rounds):
        for size in (1000, 50000 // scale):
            for make in (lambda d: Dovecot(d, name="Dovecot sdbox", users=1),
                         lambda d: Dovecot(d, "maildir:~/Maildir", name="Dovecot Maildir", users=1),
                         lambda d: Posthorn(d, top, users=1)):
                server = make(fresh())
                server.start()
                try:
                    fill(server, base, size)
                    first = load(server, 1, 1)
                    figures = {"first login": {"ms": first["login_ms"] + first["list_ms"] + first["uidl_ms"]}}
                    for window in (1, 50):
                        cpu, times = server.group.cpu_s(), 5 if scale == 1 else 2
                        runs = [load(server, 1000, window) for _ in range(times)]
                        figures[f"RETR, {window} ahead"] = {
                            "rate": max(r["retr_per_s"] for r in runs),
                            "cpu_us": (server.group.cpu_s() - cpu) * 1e6 / (1000 * times)}
                    for key in ("login_ms", "list_ms", "uidl_ms"):
                        figures[key[:-3].replace("list", "LIST").replace("uidl", "UIDL")] = {
                            "ms": sorted(r[key] for r in runs)[len(runs) // 2]}
                    for label, figure in figures.items():
                        key = ("pop3", f"POP3, {size:,} messages: {label}")
                        results.setdefault(key, {}).setdefault(server.name, []).append(figure)
                        print(server.name, key[1], figure, flush=True)
                finally:
                    server.stop()
