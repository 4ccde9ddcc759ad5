"""The part `idle`: thousands of TLS sessions with a mailbox selected and in IDLE: what each costs, and how
quickly others log in meanwhile."""
import json
import random
import resource
import statistics
import subprocess
import time

from peers import DOMAIN, PASSWORD, Dovecot, Posthorn

SAMPLE = 300
DOVECOT_MAX = 1000  # its processes are up to 1.9 MB each


def private_kb(pid):
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            return sum(int(line.split()[1]) for line in file if line.startswith("Private_"))
    except OSError:
        return None


def logins(server, tools, sessions):
    done = subprocess.run([str(tools / "imapload"), "127.0.0.1", str(server.imap_port), "1", str(sessions), "100",
                           PASSWORD, "tls-login", DOMAIN], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


def hold(server, tools, count, measure):
    """Runs measure() while `count` sessions are in IDLE; also the seconds that it took to get there."""
    began = time.monotonic()
    holder = subprocess.Popen([str(tools / "imapload"), "127.0.0.1", str(server.imap_port), "1", str(count), "100",
                               PASSWORD, "idle", DOMAIN], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        if holder.stdout.readline() != b"ready\n":
            raise RuntimeError(f"{server.name}: not {count} sessions")
        took = time.monotonic() - began
        time.sleep(3)  # what is given back after a second of idling is back
        return took, measure()
    finally:
        holder.stdin.close()
        holder.wait(120)


def part(scale, results, top, fresh, tools):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    count = 10000 // scale
    # UNAUTHENTICATE costs the parent a descriptor for each session on port 143: too many for 20,000 open files
    settings = (("imap.max_clients", 12000), ("imap.unauthenticate", "no"), ("auth.sessions_max", 14000))
    for make, sessions, start in (
            (lambda d: Dovecot(d, name="Dovecot sdbox"), min(count, DOVECOT_MAX), lambda s: s.start()),
            (lambda d: Posthorn(d, top, users=100), count, lambda s: s.start(settings))):
        server = make(fresh())
        start(server)
        try:
            for i in range(0, 100, 10):  # every mailbox exists
                logins(server, tools, 100 if i == 0 else 1)
            few = hold(server, tools, 10, lambda: logins(server, tools, 100))[1]
            before = set(server.group.pids())

            def look():
                pids = [p for p in server.group.pids() if p not in before]
                sizes = [private_kb(p) for p in random.sample(pids, min(SAMPLE, len(pids)))]
                return {"processes": len(pids), "kb": statistics.mean(s for s in sizes if s is not None),
                        "logins": logins(server, tools, 100)}
            took, seen = hold(server, tools, sessions, look)
            figure = {"kb": seen["kb"] * seen["processes"] / sessions, "p50": seen["logins"]["p50_ms"],
                      "few_p50": few["p50_ms"], "start": took}
            results.setdefault(("idle", f"{count:,} sessions in IDLE"), {}).setdefault(server.name, []).append(figure)
            print(server.name, sessions, {k: round(v, 2) for k, v in figure.items()}, flush=True)
        finally:
            server.stop()
