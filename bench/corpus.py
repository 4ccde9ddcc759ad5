"""Messages as people have them, made from a seed: the same files for every server."""
import hashlib
import random

WORDS = ("account agenda answer autumn balance bridge budget calendar candle carpet client coffee contract copper "
         "corner customer decision delivery design detail dinner document draft engine evening export figure folder "
         "forest garden glass harbour holiday hotel invoice island journal kitchen ladder language lesson letter "
         "library machine margin market measure meeting memory message minute mirror module monday morning mountain "
         "network notice number office orange order package paper partner pencil picture planet plate pocket policy "
         "price printer project proposal quality question railway reason receipt record release report request "
         "review river round schedule school season secret server silver sister station street summary summer "
         "supplier system table teacher ticket travel update valley version village visit window winter wonder "
         "yellow").split()
RARE_SUBJECT, RARE_BODY = "zeppelin", "quicksilver"  # 1 subject in 100, 1 body in 1,000


def text(rnd, size):
    out, line = [], ""
    length = 0
    while length < size:
        word = WORDS[int(rnd.random() ** 2 * len(WORDS))]
        if len(line) + len(word) > 70:
            out.append(line)
            length += len(line) + 2
            line = ""
        line += word + " "
    return out


def message(i):
    """The i-th message: some 3 KiB, one in four with an HTML alternative."""
    rnd = random.Random(i)
    people = [f"Person {rnd.randrange(500)} <p{rnd.randrange(500)}@d{rnd.randrange(40)}.example>" for _ in range(4)]
    subject = " ".join(rnd.choice(WORDS) for _ in range(5)) + (f" {RARE_SUBJECT}" if i % 100 == 7 else "")
    body = text(rnd, rnd.randrange(800, 4000))
    if i % 1000 == 11:
        body[len(body) // 2] += RARE_BODY
    head = [f"Return-Path: <bounce@d{i % 40}.example>",
            f"Received: from mx{i % 9}.example (mx{i % 9}.example [192.0.2.{i % 250}]) by mail.bench.test with ESMTPS;",
            f"\tMon, {1 + i % 28:02d} Jun 2026 10:{i % 60:02d}:00 +0200",
            f"Date: Mon, {1 + i % 28:02d} Jun 2026 10:{i % 60:02d}:00 +0200", f"From: {people[0]}",
            f"To: {people[1]}, {people[2]}", f"Cc: {people[3]}", f"Subject: {subject}",
            f"Message-ID: <{hashlib.md5(str(i).encode()).hexdigest()}@d.example>", "MIME-Version: 1.0"]
    if i % 4:
        lines = head + ["Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 7bit", ""] + body
    else:
        html = ["<html><body><p>"] + body + ["</p></body></html>"]
        lines = head + ['Content-Type: multipart/alternative; boundary="=_b"', "", "--=_b",
                        "Content-Type: text/plain; charset=utf-8", ""] + body + \
            ["--=_b", "Content-Type: text/html; charset=utf-8", ""] + html + ["--=_b--"]
    return "\r\n".join(lines).encode() + b"\r\n"


def make(directory, count, flags=True):
    """`count` files in directory/cur, three in four of them seen."""
    for sub in ("cur", "new", "tmp"):
        (directory / sub).mkdir(parents=True)
    for i in range(count):
        data = message(i)
        name = f"{1750000000 + i}.M{i}.bench,S={len(data)}:2,{'S' if flags and i % 4 else ''}"
        (directory / "cur" / name).write_bytes(data)
