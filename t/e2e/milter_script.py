"""A milter of python3-milter (libmilter itself): does what senders, recipients and X-Do fields say.

Arguments: socket, and a file that gets one JSON object for each thing it was told."""
import json
import sys

import Milter

SOCKET, TOLD = sys.argv[1:3]


class Script(Milter.Base):
    def __init__(self):
        self.deeds = []

    def tell(self, stage, **more):
        with open(TOLD, "a", encoding="utf-8") as out:
            out.write(json.dumps({"stage": stage, **more}) + "\n")

    def answer(self, local_part, stage):
        """reject-mail@..., tempfail-rcpt@..., discard-mail@..., reply-rcpt@..., accept-mail@..."""
        if not local_part.endswith("-" + stage):
            return Milter.CONTINUE
        verb = local_part[:-len(stage) - 1]
        if verb == "reply":
            self.setreply("571", "5.7.25", "100%% refused, sorry")
            return Milter.REJECT
        return {"reject": Milter.REJECT, "tempfail": Milter.TEMPFAIL, "discard": Milter.DISCARD,
                "accept": Milter.ACCEPT}[verb]

    def connect(self, host, family, address):
        self.tell("connect", host=host, address=list(address),
                  macros={name: self.getsymval(name) for name in
                          ("j", "_", "{daemon_name}", "{client_addr}", "{client_port}")})
        return Milter.CONTINUE

    def hello(self, name):
        self.tell("helo", name=name, tls=self.getsymval("{tls_version}"),
                  bits=self.getsymval("{cipher_bits}"))
        return Milter.REJECT if name == "reject.helo" else Milter.CONTINUE

    def envfrom(self, sender, *params):
        self.deeds = []
        self.tell("mail", sender=sender, params=params, user=self.getsymval("{auth_authen}"),
                  method=self.getsymval("{auth_type}"), mail_addr=self.getsymval("{mail_addr}"))
        return self.answer(sender.strip("<>").split("@")[0], "mail")

    def envrcpt(self, rcpt, *params):
        self.tell("rcpt", rcpt=rcpt, params=params, mailer=self.getsymval("{rcpt_mailer}"),
                  rcpt_addr=self.getsymval("{rcpt_addr}"))
        return self.answer(rcpt.strip("<>").split("@")[0].split("+")[-1], "rcpt")

    def data(self):
        self.tell("data", queue_id=self.getsymval("i"))
        return Milter.CONTINUE

    def header(self, name, value):
        self.tell("header", name=name, value=value)
        if name == "X-Do":
            self.deeds.append(value)
        return Milter.CONTINUE

    def eoh(self):
        self.tell("eoh")
        return Milter.CONTINUE

    def body(self, chunk):
        self.tell("body", size=len(chunk), start=chunk[:20].decode("latin-1"))
        return Milter.CONTINUE

    def unknown(self, line):
        self.tell("unknown", line=line)
        return Milter.CONTINUE

    def eom(self):
        self.tell("eom", queue_id=self.getsymval("i"))
        for deed in self.deeds:
            words = deed.split(" ", 2) + ["", ""]
            if words[0] == "add":
                self.addheader(words[1], words[2].replace("\\n", "\n"))
            elif words[0] == "insert":
                self.addheader(words[1], words[2], 0)
            elif words[0] == "change":
                self.chgheader(words[1], 1, words[2])
            elif words[0] == "delete":
                self.chgheader(words[1], int(words[2] or 1), "")
            elif words[0] == "body":
                for _ in range(int(words[2] or 1)):
                    self.replacebody(words[1].encode() + b"\n")
            elif words[0] == "rcpt":
                self.addrcpt("<%s>" % words[1])
            elif words[0] == "unrcpt":
                self.delrcpt("<%s>" % words[1])
            elif words[0] == "sender":
                self.chgfrom("<%s>" % words[1])
            elif words[0] == "hold":
                self.quarantine(" ".join(words[1:]).strip())
            elif words[0] == "progress":
                self.progress()
            elif words[0] == "reject":
                self.setreply("554", "5.7.1", "no such content")
                return Milter.REJECT
            elif words[0] == "tempfail":
                return Milter.TEMPFAIL
            elif words[0] == "discard":
                return Milter.DISCARD
        return Milter.ACCEPT

    def abort(self):
        self.tell("abort")
        return Milter.CONTINUE

    def close(self):
        self.tell("close")
        return Milter.CONTINUE


Milter.factory = Script
Milter.set_flags(Milter.ADDHDRS | Milter.CHGHDRS | Milter.CHGBODY | Milter.ADDRCPT | Milter.DELRCPT |
                 Milter.QUARANTINE | Milter.CHGFROM)
Milter.runmilter("script", SOCKET, 30)
