"""The part `transport`: a connection a message (plain, TLS with a full handshake), messages of 1 MiB, memory of all
processes while 100 sessions send, times of single messages at half of the top rate, and relaying to a sink."""
import subprocess
import threading

from peers import DOMAIN, Posthorn, Postfix, USERS

SINK_PORT = 22925
SESSIONS = 20


class Sink:
    """Postfix's smtp-sink: takes everything and keeps nothing, the same for both."""

    def __enter__(self):
        self.process = subprocess.Popen(["smtp-sink", "-u", "nobody", f"127.0.0.1:{SINK_PORT}", "100"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def peak_mb(server, work):
    """What `work` returns, and the most memory (Pss) of all processes meanwhile."""
    most, over = [0], threading.Event()

    def watch():
        while not over.wait(0.5):
            most[0] = max(most[0], server.group.memory_kb())
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        return work(), most[0] / 1024
    finally:
        over.set()
        watcher.join()


def to_mailboxes(server, scale, figure_of, tool):
    def figure(sessions, messages, size, mode):
        return figure_of(server, sessions, max(sessions, messages // scale), size, 1, mode)
    figure(4, 500, 4096, "reuse")  # warm: every mailbox exists
    yield "a connection a message, 20 sessions", figure(SESSIONS, 6000, 4096, "single")
    yield "the same with TLS, full handshake", figure(SESSIONS, 4000, 4096, "tls-single")
    yield "1 MiB messages, 20 sessions", figure(SESSIONS, 1000, 1 << 20, "reuse")
    load, mb = peak_mb(server, lambda: figure(100, 10000, 4096, "reuse"))
    yield "100 sessions", load | {"mb": mb}
    top = figure(SESSIONS, 10000, 4096, "reuse")["rate"]
    load = tool("smtpload", "127.0.0.1", server.smtp_port, SESSIONS, max(SESSIONS, int(top * 5) // scale), 4096, USERS, 1,
                "reuse", DOMAIN, top / 2)
    yield "20 sessions at half of the top rate", {"p50": load["p50_ms"], "p99": load["p99_ms"]}


def relay(server, scale, figure_of):
    with Sink():
        yield f"relay: {SESSIONS} sessions in, {SESSIONS} out", figure_of(server, SESSIONS, 10000 // scale, 4096, 1, "reuse",
                                                                        domain="relay.test")


def part(rounds, scale, results, top, fresh, tool, figure_of):
    hop = f"127.0.0.1:{SINK_PORT}"
    runs = [(lambda base: Postfix(base), (), to_mailboxes), (lambda base: Posthorn(base, top), (), to_mailboxes),
            (lambda base: Postfix(base, [f"relayhost = [127.0.0.1]:{SINK_PORT}"]), (), relay),
            (lambda base: Posthorn(base, top, users=1),
             (("remote.policy", "relay"), ("remote.relay_hosts", hop), ("smtp.hosts_no_auth", "127.0.0.0/8"),
              ("remote.mta_sts", "no")), relay)]
    for _ in range(rounds):
        for make, settings, cases in runs:
            server = make(fresh())
            server.start(*([settings] if settings else []))
            try:
                arguments = (server, scale, figure_of) + ((tool,) if cases is to_mailboxes else ())
                for label, figure in cases(*arguments):
                    results.setdefault(("transport", label), {}).setdefault(server.name, []).append(figure)
                    print(server.name, label, {k: round(v, 2) for k, v in figure.items()}, flush=True)
            finally:
                server.stop()
