"""The part `accounts`: 100,000 users: how long they take to come in, a look-up in the process and over
accountd's socket, sorted pages, accountd's start after a kill -9, its memory; how fast their mailboxes are made and
how long those wait who need one earlier; mail and logins meanwhile; a new name for their domain. Nothing to compare
with: limits of the issue."""
import contextlib
import imaplib
import os
import pathlib
import signal
import smtplib
import subprocess
import threading
import time

from peers import DOMAIN, PASSWORD, Posthorn

USERS, LOOK_UPS, WITH_PASSWORD = 100_000, 20_000, 1000
FIGURES = ("import, s", "look-up in the process, median us", "login over the socket, median us",
           "login over the socket, 99 % us",
           "memory of accountd and its workers, MB", "the same when all mailboxes are made, MB",
           "answers again after kill -9, s", "mailboxes made, 1/s",
           "message to one whose mailbox is not made yet, s", "first login of such a one, s",
           "mail meanwhile, messages/s", "mail meanwhile, p50 ms", "mail meanwhile, p99 ms",
           "logins meanwhile, 1/s", "logins meanwhile, p50 ms", "logins meanwhile, p99 ms",
           "mail beside 100,000, messages/s", "mail beside 100,000, p50 ms", "mail beside 100,000, p99 ms",
           "logins beside 100,000, 1/s", "logins beside 100,000, p50 ms", "logins beside 100,000, p99 ms",
           "first page of 100, s", "page of 100 from the middle, sorted by full name, s",
           "new name for the domain: the command, s", "the same: until all mail has moved, s")
RECORD = ("{YESCRYPT}$y$j9T$" + "A" * 22 + "$" + "x" * 43 + " {SCRAM-SHA-256}30000," + "A" * 24 + "," + "B" * 44
          + "," + "C" * 44 + " {SCRAM-SHA-1}30000," + "A" * 24 + "," + "B" * 28 + "," + "C" * 28)


def base_text(users):
    """The first WITH_PASSWORD of them can log in, and so can the last."""
    yield f"domain {DOMAIN}\n    type primary\nadmin admin\n"
    for i in range(users):
        record = f"{{PLAIN}}{PASSWORD}" if i < WITH_PASSWORD or i == users - 1 else RECORD
        yield (f"user u{i}@{DOMAIN}\n    full_name User Number {i}\n    password {record}\n"
               "    password_changed 2026-11-27T11:59:00.215Z\n    created 2026-11-27T11:59:00Z\n")


def accountd(server):
    for pid in server.group.pids():
        command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode()
        if command.endswith("/accountd"):
            yield pid


def pss_kb(pid):
    try:
        return int(pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().split("Pss:")[1].split()[0])
    except OSError:
        return 0


def memory_mb(server):
    return sum(map(pss_kb, accountd(server))) / 1024


def seconds(call):
    began = time.monotonic()
    call()
    return time.monotonic() - began


def until(done, what, limit=600, step=0.01):
    end = time.monotonic() + limit
    while not done():
        if time.monotonic() > end:
            raise RuntimeError(f"{what}: not in {limit} s")
        time.sleep(step)


def restart(server, tool):
    """From the kill of the one with the socket until the next one has answered a look-up."""
    owner = min(accountd(server))
    os.kill(owner, signal.SIGKILL)

    def answers():
        with contextlib.suppress(RuntimeError):
            tool("accountload", "login", server.root / "run", 1, 1)
            return True
        return False
    return seconds(lambda: until(answers, "a look-up"))


# ---- mailboxes ----

def made(server, domain=DOMAIN):
    top = server.root / "store" / domain
    return sum(len(os.listdir(top / d)) for d in os.listdir(top)) if top.exists() else 0


def mail_dir(server, user):
    return next((server.root / "store" / DOMAIN).glob(f"??/u{user}/mail"), None)


def has_mail(server, user):
    mail = mail_dir(server, user)
    return mail is not None and any((mail / "cur").iterdir())


def send_one(server, user):
    with smtplib.SMTP("127.0.0.1", server.smtp_port) as client:
        client.sendmail("a@sender.test", [f"u{user}@{DOMAIN}"], "Subject: early\r\n\r\nText.\r\n")
    until(lambda: has_mail(server, user), "the early message", step=0.05)


def log_in(server, user):
    client = imaplib.IMAP4("127.0.0.1", server.imap_port)
    client.login(f"u{user}@{DOMAIN}", PASSWORD)
    if client.select()[0] != "OK":
        raise RuntimeError("no INBOX")
    client.logout()


def rate_of_making(server, users, limit_s):
    """Nothing else runs."""
    before, began = made(server), time.monotonic()
    while time.monotonic() - began < limit_s and made(server) < users:
        time.sleep(0.5)
    return (made(server) - before) / (time.monotonic() - began)


# ---- mail and logins at once ----

def mail_and_logins(server, users, scale, tool, when):
    results = {}

    def mail():
        results["mail"] = tool("smtpload", "127.0.0.1", server.smtp_port, 20, 6000 // scale, 4096, users, 1, "reuse", DOMAIN)

    def logins():
        results["logins"] = tool("imapload", "127.0.0.1", server.imap_port, 10, 4000 // scale,
                                 min(WITH_PASSWORD, users), PASSWORD, "login", DOMAIN)
    threads = [threading.Thread(target=f) for f in (mail, logins)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    mail, logins = results["mail"], results["logins"]
    until(server.idle, "an empty queue")
    return {f"mail {when}, messages/s": mail["rate"], f"mail {when}, p50 ms": mail["p50_ms"],
            f"mail {when}, p99 ms": mail["p99_ms"], f"logins {when}, 1/s": logins["sessions_per_s"],
            f"logins {when}, p50 ms": logins["p50_ms"], f"logins {when}, p99 ms": logins["p99_ms"]}


# ---- one round ----

def pages(server, users):
    def page(*options):
        return seconds(lambda: server.cli("user", "list", "--domain", DOMAIN, "--limit", 100, "--json", *options))
    return {"first page of 100, s": page(),
            "page of 100 from the middle, sorted by full name, s": page("--sort", "full_name", "--offset", users // 2)}


def new_name(server, users):
    name = f"new.{DOMAIN}"
    began = time.monotonic()
    server.cli("domain", "rename", DOMAIN, name)
    took = time.monotonic() - began
    until(lambda: made(server, name) >= users, "the domain's mail", step=0.2)
    return {"new name for the domain: the command, s": took,
            "the same: until all mail has moved, s": time.monotonic() - began}


def measure_running(server, users, look_ups, scale, tool):
    # while local-deliver makes the mailboxes
    figures = tool("accountload", "login", server.root / "run", users, look_ups)
    measured = {"login over the socket, median us": figures["median_us"],
                "login over the socket, 99 % us": figures["p99_us"],
                "memory of accountd and its workers, MB": memory_mb(server)}
    measured["message to one whose mailbox is not made yet, s"] = seconds(lambda: send_one(server, users - 2))
    measured["first login of such a one, s"] = seconds(lambda: log_in(server, users - 1))
    measured["mailboxes made, 1/s"] = rate_of_making(server, users, 10 / scale)
    measured |= mail_and_logins(server, users, scale, tool, "meanwhile")
    until(lambda: made(server) >= users, "all mailboxes", step=0.5)
    measured["the same when all mailboxes are made, MB"] = memory_mb(server)
    measured |= mail_and_logins(server, users, scale, tool, "beside 100,000")
    measured |= pages(server, users)
    measured["answers again after kill -9, s"] = restart(server, tool)
    return measured | new_name(server, users)


def one_round(server, users, look_ups, scale, tool):
    server.cli("setup", "--domain", DOMAIN, "--hostname", f"mail.{DOMAIN}", "--port-offset", server.offset,
               "--bind", "127.0.0.1")
    for name, value in server.SETTINGS:
        server.cli("config", "set", name, value)
    text = server.root / "base"
    with text.open("w") as out:
        out.writelines(base_text(users))
    measured = {"import, s": seconds(lambda: server.cli("import", text))}
    measured["look-up in the process, median us"] = tool("accountload", "inside", server.root / "db", users,
                                                         look_ups)["median_us"]
    try:
        subprocess.run([server.command, "--root", server.root, "start"], check=True, stdout=subprocess.DEVNULL,
                       preexec_fn=server.group.enter)
        measured |= measure_running(server, users, look_ups, scale, tool)
    finally:
        server.stop()
    return measured


def part(rounds, scale, results, top, fresh, tool):
    for _ in range(rounds):
        figures = one_round(Posthorn(fresh(), top, users=0), USERS // scale, LOOK_UPS // scale, scale, tool)
        print("Posthorn", {k: round(v, 2) for k, v in figures.items()}, flush=True)
        results.setdefault(("accounts", ""), {}).setdefault("Posthorn", []).append(figures)
