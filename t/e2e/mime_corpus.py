"""Hostile and broken messages, for test_imap_mime.py: name and bytes. Where RFC 2045, 2046 and 5322 leave something
open, RFC 7103 says what is done. None holds a NUL (APPEND refuses those)."""
import base64

CRLF = "\r\n"
HEADER = "From: a@x.test\r\nSubject: s\r\nMIME-Version: 1.0\r\n"


def mixed(*lines, kind="mixed", parameter="boundary=b"):
    """A multipart whose body is these lines."""
    return HEADER + f"Content-Type: multipart/{kind}; {parameter}" + CRLF * 2 + CRLF.join(lines) + CRLF


def single(header, body="text"):
    return HEADER + header + CRLF * 2 + body + CRLF


def nested(count, inner):
    text = "".join(f"Content-Type: multipart/mixed; boundary=b{i}\r\n\r\n--b{i}\r\n" for i in range(count))
    return text + inner + "".join(f"\r\n--b{i}--" for i in reversed(range(count))) + CRLF


CORPUS = {
    # ---- boundaries ----
    "no closing delimiter": mixed("--b", "", "one", "--b", "", "two"),
    "no boundary parameter": mixed("--b", "", "one", "--b--", parameter="charset=x"),
    "empty boundary": mixed("--", "", "one", "----", parameter='boundary=""'),
    "boundary of 251 bytes": mixed("--" + "x" * 251, "", "one", "--" + "x" * 251 + "--", parameter="boundary=" + "x" * 251),
    "boundary of 200 bytes": mixed("--" + "x" * 200, "", "one", "--" + "x" * 200 + "--", parameter="boundary=" + "x" * 200),
    "blanks at the end of the boundary": mixed("--b", "", "one", "--b--", parameter='boundary="b  "'),
    "blanks behind delimiters": mixed("--b \t", "", "one", "--b-- "),
    "text behind a delimiter": mixed("--b x", "", "zero", "--b", "", "one", "--bb", "two", "--b--"),
    "boundary that begins another": mixed(
        "--b", "Content-Type: multipart/mixed; boundary=bb", "", "--bb", "", "inner", "--bb--", "--b", "", "two", "--b--"),
    "the same boundary inside": mixed(
        "--b", "Content-Type: multipart/alternative; boundary=b", "", "--b", "", "inner", "--b--", "after", "--b--"),
    "inner multipart ended by the outer": mixed(
        "--b", "Content-Type: multipart/alternative; boundary=c", "", "--c", "", "inner", "--b", "", "two", "--b--"),
    "message ended by the outer": mixed(
        "--b", "Content-Type: message/rfc822", "", "Subject: in", "Content-Type: multipart/mixed; boundary=c", "", "--c", "",
        "inner", "--b", "", "two", "--b--"),
    "no part at all": mixed("only a preamble"),
    "closing delimiter alone": mixed("--b--", "epilogue"),
    "delimiters behind the last one": mixed("--b", "", "one", "--b--", "--b", "", "ghost", "--b--"),
    "two boundary parameters": mixed("--b", "", "one", "--c", "", "two", "--b--", "--c--", parameter="boundary=b; boundary=c"),
    "boundary in pieces": mixed("--bcd", "", "one", "--bcd--", parameter='boundary*0=bc; boundary*1="d"'),
    "boundary with escapes": mixed('--b"c', "", "one", '--b"c--', parameter='boundary="b\\"c"'),
    "boundary with quote and without end": mixed("--b", "", "one", "--b--", parameter='boundary="b'),
    "boundary with spaces inside": mixed("--b c", "", "one", "--b c--", parameter='boundary="b c"'),
    "parts without header": mixed("--b", "", "one", "--b", "", "", "--b--"),
    "empty parts": mixed("--b", "--b", "", "--b", "Content-Type: text/html", "--b--"),
    "delimiter inside a part's header": mixed("--b", "Content-Type: text/html", "--b", "", "two", "--b--"),
    "delimiter right behind the header": HEADER + "Content-Type: multipart/mixed; boundary=b\r\n--b\r\n\r\none\r\n--b--\r\n",
    "delimiter that looks like the preamble": mixed("preamble", "--bx", "-- b", " --b", "--b", "", "one", "--b--"),
    "folded boundary": mixed("--b", "", "one", "--b--", parameter="\r\n\tboundary\r\n =\r\n b"),
    "bare line feeds": mixed("--b", "", "one", "--b--").replace("\r\n", "\n"),
    "mixed line ends": mixed("--b", "", "one\ntwo", "--b--").replace("--b\r\n", "--b\n"),
    "bare carriage returns": mixed("--b", "", "one\rtwo\r--b\rx", "--b--"),
    "no line end at the end": mixed("--b", "", "one", "--b--")[:-2],
    "ends in the middle of a delimiter": mixed("--b", "", "one", "--"),
    # ---- types ----
    "two types": single("Content-Type: text/html\r\nContent-Type: multipart/mixed; boundary=b", "--b\r\n\r\nx\r\n--b--"),
    "type without subtype": single("Content-Type: text"),
    "type without a name": single("Content-Type: /plain"),
    "empty type": single("Content-Type:"),
    "type with comments": single("Content-Type: (a(b)\\)) text (c) / (d) html ; (e) charset (f) = (g) utf-8 (h)"),
    "type with spaces in a name": single("Content-Type: application/pdf; name=two words.pdf; x=y"),
    "parameter without a value": single("Content-Type: text/plain; charset; format=flowed; =x; y="),
    "parameter without an end": single('Content-Type: text/plain; charset="utf-8'),
    "semicolons": single("Content-Type: text/plain;; ;charset=utf-8;"),
    "folded parameters": single("Content-Type: text/plain;\r\n charset=\r\n \"ut\r\n f-8\";\r\n\tformat=flowed"),
    "types in capitals": single("CONTENT-TYPE: TEXT/HTML; CHARSET=UTF-8"),
    "long parameter": single("Content-Type: text/plain; name=" + "n" * 3000),
    "a hundred and fifty parameters": single("Content-Type: text/plain" + "".join(f"; p{i}=v" for i in range(150))),
    "extended parameter": single("Content-Type: text/plain; name*=utf-8''%e2%82%ac%20rates; x*1=b; x*0=a"),
    "encoded word as a name": single('Content-Type: text/plain; name="=?utf-8?q?=e2=82=ac?="'),
    "bytes above 127 in a name": single("Content-Type: text/plain; name=\"\u20ac\""),
    "type that is no token": single("Content-Type: te<xt/pl>ain"),
    "encoded multipart": single("Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: base64",
                                base64.b64encode(b"--b\r\n\r\nx\r\n--b--\r\n").decode()),
    "encoded message": single("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64",
                              base64.b64encode(b"Subject: in\r\n\r\nx").decode()),
    "unknown encoding": single("Content-Transfer-Encoding: x-unknown"),
    "two encodings": single("Content-Transfer-Encoding: 8bit\r\nContent-Transfer-Encoding: base64"),
    "encoding with comment and more": single("Content-Transfer-Encoding: (c) BASE64 (d); x", "eA=="),
    "empty encoding": single("Content-Transfer-Encoding:"),
    "part of a message": single("Content-Type: message/partial; id=x; number=1"),
    "message elsewhere": single("Content-Type: message/external-body; access-type=x", "Content-ID: <y>\r\n\r\nphantom"),
    "empty message inside": single("Content-Type: message/rfc822", "")[:-2],
    "header inside without a body": single("Content-Type: message/rfc822", "Subject: in")[:-2],
    "digest": mixed("--b", "", "Subject: in", "", "x", "--b", "Content-Type: text/plain", "", "y", "--b--", kind="digest"),
    "unknown multipart": mixed("--b", "", "x", "--b--", kind="x-what"),
    "disposition": single('Content-Disposition: attachment; filename="a;b\\"c"; size=x\r\nContent-Language: de, en\r\n'
                          "Content-Location: http://x.test/\r\nContent-MD5: abc==\r\nContent-ID: <i@x>\r\n"
                          "Content-Description: d e"),
    "broken disposition": single("Content-Disposition: ; filename=x\r\nContent-Language: , ,\r\nContent-ID:"),
    # ---- headers ----
    "no header": "\r\ntext\r\n",
    "header without a body": "Subject: s\r\nFrom: a@x.test\r\n",
    "header that ends in the middle": "Subject: s\r\nFrom: a@x",
    "line without a colon": "From: a@x.test\r\nthis is no field\r\nSubject: s\r\n\r\ntext\r\n",
    "text from the first line on": "this is no field\r\nnor is this\r\n",
    "line of an mbox": "From a@x.test Mon Jan  1 00:00:00 2024\r\nSubject: s\r\n\r\ntext\r\n",
    "continuation first": " folded\r\nSubject: s\r\n\r\ntext\r\n",
    "space in front of the colon": "Subject : s\r\nFrom\t: a@x.test\r\n\r\ntext\r\n",
    "empty name": ": value\r\nSubject: s\r\n\r\ntext\r\n",
    "fields twice": "From: a@x.test\r\nFrom: b@x.test\r\nSubject: one\r\nSubject: two\r\nTo: c@x.test\r\nTo: d@x.test\r\n"
                    "Date: today\r\n\r\ntext\r\n",
    "folded subject": "Subject:\r\n one\r\n\ttwo  \r\n  three\r\n\r\ntext\r\n",
    "line of blanks in a field": "Subject: one\r\n  \r\n two\r\nFrom: a@x.test\r\n\r\ntext\r\n",
    "bytes above 127": "Subject: Gr\u00fc\u00dfe\r\nFrom: \u00fc <a@x.test>\r\n\r\ntext\r\n",
    "broken encoded words": "Subject: =?utf-8?q?a?= =?x =?utf-8?b?!?=\r\n\r\ntext\r\n",
    "groups": "To: one: a@x.test, B <b@x.test>;, c@x.test, empty:;\r\n\r\ntext\r\n",
    "addresses with comments": "From: (c) Joe (d) Q. \"Pub\\\"lic\" < (e) joe (f) @ (g) x.test (h) > (i)\r\n\r\ntext\r\n",
    "old name in a comment": "From: joe@x.test (Joe Public)\r\n\r\ntext\r\n",
    "route": "From: <@a.test,@b.test:joe@x.test>\r\n\r\ntext\r\n",
    "unbalanced address": "From: \"Joe <joe@x.test>\r\nTo: <a@x.test, b@x.test\r\nCc: c@x.test>, (d@x.test\r\n\r\ntext\r\n",
    "address without a domain": "From: joe\r\nTo: joe@, @x.test, <>, <joe>\r\n\r\ntext\r\n",
    "commas": "To: ,, a@x.test,,,b@x.test,\r\nCc: ,\r\nBcc:\r\n\r\ntext\r\n",
    "dots": "From: J. Q. Public <j..q.@x.test>\r\nTo: .a@x.test\r\n\r\ntext\r\n",
    "sender alone": "Sender: s@x.test\r\n\r\ntext\r\n",
    "empty sender": "From: a@x.test\r\nSender:\r\nReply-To:\r\n\r\ntext\r\n",
    "domain literal": "From: a@[127.0.0.1]\r\n\r\ntext\r\n",
    "comments in comments": "From: " + "(" * 2000 + "a@x.test\r\nSubject: s\r\n\r\ntext\r\n",
    "a thousand addresses": "To: " + ",\r\n ".join(f"u{i}@x.test" for i in range(1000)) + "\r\n\r\ntext\r\n",
    "identifiers": "Message-ID:  <a@b> (c)\r\nIn-Reply-To: your message of <x@y>\r\nDate: Thu,\r\n 1 Jan 1970\r\n\r\ntext\r\n",
    # ---- too much of it ----
    "seventy multiparts inside each other": nested(70, "\r\ndeep"),
    "a hundred messages inside each other": "Content-Type: message/rfc822\r\n\r\n" * 100 + "Subject: deep\r\n\r\ntext\r\n",
    "five thousand parts": mixed(*["--b", "", "x"] * 5000, "--b--"),
    "ten thousand fields": "".join(f"X-{i}: y\r\n" for i in range(10000)) + "Subject: s\r\n\r\ntext\r\n",
}
CORPUS = {name: text.encode() for name, text in CORPUS.items()}
