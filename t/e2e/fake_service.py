#!/usr/bin/python3
"""Stands in for a daemon in the tests of master: echoes lines with its generation's mark.

What it does at start is in the file beside it, NAME.plan: `fail TEXT`, `hang`, `deaf` or nothing.
"""
import os
import pathlib
import select
import signal
import socket
import sys

plan = pathlib.Path(sys.argv[0] + ".plan")
words = plan.read_text().split(None, 1) if plan.exists() else []
if words and words[0] == "fail":
    print(words[1].strip(), file=sys.stderr)
    sys.exit(78)

conf = pathlib.Path(os.environ["POSTHORN_CONF"]).read_text()
mark = next((l.split("=")[1].strip() for l in conf.splitlines() if l.startswith("banner")), "none")
listeners = [socket.socket(fileno=int(item.split(":")[1]))
             for item in os.environ["POSTHORN_LISTENERS"].split()]
control = socket.socket(fileno=int(os.environ["POSTHORN_CONTROL_FD"]))
stopping = []
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
signal.signal(signal.SIGHUP, lambda *_: stopping.append(1))
if words and words[0] == "hang":
    signal.pause()
control.send(b"R")
if words and words[0] == "deaf":  # hears neither a signal nor its master's end
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    while True:
        signal.pause()
clients = []
while clients or not stopping:
    watched = ([] if stopping else listeners + [control]) + clients
    for sock in select.select(watched, [], [], 0.1)[0]:
        if sock is control:
            sys.exit(0)
        if sock in listeners:
            clients.append(sock.accept()[0])
            continue
        data = sock.recv(4096)
        if data:
            sock.sendall(f"{mark} {os.getpid()} ".encode() + data)
        else:
            clients.remove(sock)
            sock.close()
