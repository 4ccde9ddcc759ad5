"""The part `accounts`: 100,000 users: how long they take to come in, a look-up in the process and over
accountd's socket, accountd's start after a kill -9, its memory. Nothing to compare with: limits of the issue."""
import os
import pathlib
import signal
import subprocess
import time

from peers import DOMAIN, Posthorn

USERS, LOOK_UPS = 100_000, 20_000
FIGURES = ("import, s", "look-up in the process, median us", "login over the socket, median us",
           "login over the socket, 99 % us",
           "memory of accountd and its workers, MB", "answers again after kill -9, s")
RECORD = ("{YESCRYPT}$y$j9T$" + "A" * 22 + "$" + "x" * 43 + " {SCRAM-SHA-256}30000," + "A" * 24 + "," + "B" * 44
          + "," + "C" * 44 + " {SCRAM-SHA-1}30000," + "A" * 24 + "," + "B" * 28 + "," + "C" * 28)


def base_text(users):
    yield f"domain {DOMAIN}\n    type primary\nadmin admin\n"
    for i in range(users):
        yield (f"user user{i:06d}@{DOMAIN}\n    full_name User Number {i}\n    password {RECORD}\n"
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


def seconds(call):
    began = time.monotonic()
    call()
    return time.monotonic() - began


def restart(server, tool):
    """From the kill of the one with the socket until the next one has answered a look-up."""
    owner = min(accountd(server))
    os.kill(owner, signal.SIGKILL)

    def until_answered():
        while True:
            try:
                tool("accountload", "login", server.root / "run", 1, 1)
                return
            except RuntimeError:
                time.sleep(0.01)
    return seconds(until_answered)


def one_round(server, users, look_ups, tool):
    server.cli("setup", "--domain", DOMAIN, "--hostname", f"mail.{DOMAIN}", "--port-offset", server.offset,
               "--bind", "127.0.0.1")
    text = server.root / "base"
    with text.open("w") as out:
        out.writelines(base_text(users))
    measured = {"import, s": seconds(lambda: server.cli("import", text))}
    measured["look-up in the process, median us"] = tool("accountload", "inside", server.root / "db", users,
                                                         look_ups)["median_us"]
    try:
        subprocess.run([server.command, "--root", server.root, "start"], check=True, stdout=subprocess.DEVNULL,
                       preexec_fn=server.group.enter)
        # while local-deliver makes the mailboxes
        figures = tool("accountload", "login", server.root / "run", users, look_ups)
        measured["login over the socket, median us"] = figures["median_us"]
        measured["login over the socket, 99 % us"] = figures["p99_us"]
        measured["memory of accountd and its workers, MB"] = sum(map(pss_kb, accountd(server))) / 1024
        measured["answers again after kill -9, s"] = restart(server, tool)
    finally:
        server.stop()
    return measured


def part(rounds, scale, results, top, fresh, tool):
    for _ in range(rounds):
        figures = one_round(Posthorn(fresh(), top, users=0), USERS // scale, LOOK_UPS // scale, tool)
        print("Posthorn", {k: round(v, 2) for k, v in figures.items()}, flush=True)
        results.setdefault(("accounts", ""), {}).setdefault("Posthorn", []).append(figures)
