"""The part `queue`: 1,000,000 messages deferred to 10,000 destinations: the queue manager's memory, and how
long a restart takes to deliver one that has just been accepted."""
import os
import pathlib
import shutil
import subprocess
import time

from peers import DOMAIN, Posthorn, Postfix, run

COUNT, DESTINATIONS, WAIT_S = 1_000_000, 10_000, 7200
USER = "u1"
NAMES = "0123456789ABCDEF"


def pss_kb(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return int(text.split("Pss:")[1].split()[0])


def ticks(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def find(group, program):
    for pid in group.pids():
        try:
            command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode()
        except OSError:
            continue
        if command.endswith(program):
            return pid
    return None


def until(condition, limit, what):
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"not within {limit} s: {what}")
        time.sleep(0.005)


def watch(pid, limit=900):
    """The most memory until the process has been idle for three seconds, and how long that took."""
    began, most, before, quiet = time.monotonic(), 0, ticks(pid), 0
    while quiet < 6 and time.monotonic() - began < limit:
        time.sleep(0.5)
        most, now = max(most, pss_kb(pid)), ticks(pid)
        quiet, before = (quiet + 1 if now - before < 5 else 0), now
    return most, time.monotonic() - began - 3


def measure(server, start, program, mailbox, before):
    """Both with cold caches: what a machine that comes up again has to do."""
    subprocess.run(["sync"], check=True)
    pathlib.Path("/proc/sys/vm/drop_caches").write_text("3")
    began = time.monotonic()
    start()
    until(lambda: len(mailbox()) > before, 600, f"{server.name}: the first delivery")
    first = time.monotonic() - began
    most, settled = watch(find(server.group, program))
    return {"first": first, "mb": most / 1024, "all_mb": server.group.memory_kb() / 1024, "settled": settled}


def posthorn(count, base, top, tools):
    server = Posthorn(base, top, users=3)
    server.start()
    server.cli("stop")
    queue = server.root / "queue"
    began = time.monotonic()
    subprocess.run([str(tools / "queuefill"), str(queue), str(count), str(DESTINATIONS), str(WAIT_S),
                    f"{USER}@{DOMAIN}"], check=True)
    print(f"{server.name}: {count} messages made in {time.monotonic() - began:.0f} s", flush=True)

    def start():
        subprocess.run([server.command, "--root", server.root, "start"], check=True, preexec_fn=server.group.enter,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def mailbox():
        return [n for d in (server.root / "store").glob(f"{DOMAIN}/*/{USER}/mail") for s in ("cur", "new")
                for n in os.listdir(d / s)]
    try:
        return server.name, measure(server, start, "queue-manager", mailbox, len(mailbox()))
    finally:
        server.stop()


def postfix(count, base):
    """Its queue is made of copies of one deferred file with another destination each: queue files hold no
    queue id, and names that do not fit the inode are mended at the start of Postfix, which is not counted."""
    server = Postfix(base)
    server.start()
    spool = server.spool
    sendmail = ["sendmail", "-C", str(server.conf), "-f", f"s@{DOMAIN}"]
    run("postconf", "-c", server.conf, "-e", "default_transport = retry:4.4.1 connect: timed out",
        "maximal_backoff_time = 7200", "minimal_backoff_time = 7200", "bounce_queue_lifetime = 5d")
    run("postfix", "-c", server.conf, "reload")
    subprocess.run([*sendmail, "u0@d00000.dest.test"], input=b"Subject: filled\n\n" + b"0" * 970 + b"\n", check=True)
    until(lambda: [f for f in (spool / "deferred").rglob("*") if f.is_file()], 30, "a deferred message of Postfix")
    run("postfix", "-c", server.conf, "stop")
    model = next(f for f in (spool / "deferred").rglob("*") if f.is_file())
    text, owner, due = model.read_bytes(), model.stat(), time.time() + WAIT_S
    began = time.monotonic()
    for d in NAMES:
        (spool / "deferred" / d).mkdir(exist_ok=True)
        os.chown(spool / "deferred" / d, owner.st_uid, owner.st_gid)
    for i in range(count):
        name = f"{i:X}"[::-1] + "AAAAA"  # the first letter is the directory
        path = spool / "deferred" / name[0] / name
        path.write_bytes(text.replace(b"d00000.dest", b"d%05d.dest" % (i % DESTINATIONS)))
        os.chmod(path, 0o700)
        os.chown(path, owner.st_uid, owner.st_gid)
        os.utime(path, (due, due + i * 7919 % WAIT_S))
    run("postsuper", "-c", server.conf, "-s", check=False)  # only its log line may fail
    print(f"{server.name}: {count} messages made in {time.monotonic() - began:.0f} s", flush=True)
    subprocess.run([*sendmail, f"{USER}@{DOMAIN}"], input=b"Subject: new\n\nnew\n", check=True)
    # "mail system is down" is what sendmail says then: the message waits in maildrop

    def start():
        subprocess.run(["postfix", "-c", str(server.conf), "start"], check=True, preexec_fn=server.group.enter,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def mailbox():
        directory = server.mail / USER / "new"
        return os.listdir(directory) if directory.exists() else []
    try:
        return server.name, measure(server, start, "qmgr", mailbox, len(mailbox()))
    finally:
        server.stop()


def part(scale, results, top, fresh, tools):
    count = COUNT // scale
    for make in (lambda: posthorn(count, fresh(), top, tools), lambda: postfix(count, fresh())):
        name, figure = make()
        results.setdefault(("queue", f"{count:,} deferred messages"), {}).setdefault(name, []).append(figure)
        print(name, {k: round(v, 2) for k, v in figure.items()}, flush=True)
