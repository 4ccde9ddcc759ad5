"""The peers, started privately: own configuration, directories and high ports on loopback."""
import os
import pathlib
import shutil
import subprocess
import textwrap
import time

USERS = 1000
DOMAIN = "bench.test"
PASSWORD = "bench"


def run(*command, check=True):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if check and done.returncode != 0:
        raise RuntimeError(f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class Group:
    """Every process of one server in a cpuacct control group, so that its processor time counts
    whole, children that have ended included."""

    def __init__(self, name):
        self.path = pathlib.Path("/sys/fs/cgroup/cpuacct") / f"posthorn-bench-{name}-{os.getpid()}"
        self.path.mkdir()

    def enter(self):
        """For preexec_fn."""
        (self.path / "cgroup.procs").write_text("0")

    def cpu_s(self):
        return int((self.path / "cpuacct.usage").read_text()) / 1e9

    def pids(self):
        return [int(p) for p in (self.path / "cgroup.procs").read_text().split()]

    def memory_kb(self):
        """Sum of Pss over the group."""
        total = 0
        for pid in self.pids():
            try:
                text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
            except OSError:
                continue
            total += int(text.split("Pss:")[1].split()[0])
        return total

    def wait_empty(self):
        for _ in range(600):
            if not self.pids():
                return
            time.sleep(0.05)

    def remove(self):
        for _ in range(100):
            try:
                self.path.rmdir()
                return
            except OSError:
                time.sleep(0.05)


class Postfix:
    name = "Postfix"
    smtp_port = 22025

    def __init__(self, base, settings=()):
        """`settings`: further lines of main.cf."""
        self.base = pathlib.Path(base) / "postfix"
        self.group = Group("postfix")
        self.settings = settings

    def start(self):
        conf, spool, data, mail = (self.base / d for d in ("etc", "spool", "data", "mail"))
        for directory in (conf, spool, data, mail):
            directory.mkdir(parents=True)
        shutil.chown(data, "postfix")
        shutil.chown(mail, "nobody")
        self.base.chmod(0o755)
        master = pathlib.Path("/usr/share/postfix/master.cf.dist").read_text()
        master = master.replace("smtp      inet  n       -       y       -       -       smtpd",
                                f"127.0.0.1:{self.smtp_port} inet n - n - - smtpd")
        lines = []
        for line in master.splitlines():
            words = line.split()
            if words and not line.startswith(("#", " ")) and len(words) > 4 and words[4] == "y":
                line = " ".join(words[:4] + ["n"] + words[5:])
            lines.append(line)
        (conf / "master.cf").write_text("\n".join(lines) + "\n")
        (conf / "virtual").write_text("".join(f"u{i}@{DOMAIN} u{i}/\n" for i in range(USERS)))
        (conf / "main.cf").write_text(textwrap.dedent(f"""\
            compatibility_level = 3.6
            queue_directory = {spool}
            data_directory = {data}
            maillog_file = /var/log/posthorn-bench-postfix.log
            myhostname = postfix.{DOMAIN}
            mydestination =
            mynetworks = 127.0.0.0/8
            inet_protocols = ipv4
            smtpd_tls_security_level = may
            smtpd_tls_cert_file = {self.base}/../cert.pem
            smtpd_tls_key_file = {self.base}/../key.pem
            virtual_mailbox_domains = {DOMAIN}
            virtual_mailbox_base = {mail}
            virtual_mailbox_maps = hash:{conf}/virtual
            virtual_uid_maps = static:65534
            virtual_gid_maps = static:65534
            smtpd_recipient_limit = 2000
            """) + "".join(f"{line}\n" for line in self.settings))
        run("postmap", "-c", conf, f"hash:{conf}/virtual")
        subprocess.run(["postfix", "-c", str(conf), "start"], check=True, preexec_fn=self.group.enter,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.conf, self.spool, self.mail = conf, spool, mail

    def idle(self):
        return not any(any(f.is_file() for f in (self.spool / q).rglob("*"))
                       for q in ("incoming", "active", "deferred", "maildrop"))

    def delivered(self):
        return sum(1 for user in self.mail.iterdir() for _ in (user / "new").iterdir())

    def stop(self):
        run("postfix", "-c", self.conf, "stop", check=False)
        self.group.remove()


class Dovecot:
    imap_port = 22143
    pop3_port = 22110

    def __init__(self, base, mail_location="sdbox:~/sdbox", users=100, name="Dovecot", reused=1):
        """`reused`: sessions that one imap process serves, of whatever user, before it ends."""
        self.base = pathlib.Path(base) / "dovecot"
        self.group = Group("dovecot")
        self.location, self.users, self.name, self.reused = mail_location, users, name, reused

    def doveadm(self, *args):
        return run("doveadm", "-c", self.conf, *args)

    def start(self):
        self.base.mkdir(parents=True)
        self.base.chmod(0o755)
        home = self.base / "home"
        home.mkdir()
        shutil.chown(home, "nobody")
        passwd = self.base / "passwd"
        passwd.write_text("".join(f"u{i}@{DOMAIN}:{{PLAIN}}{PASSWORD}::::{home}/u{i}::\n"
                                  for i in range(self.users)))
        self.conf = self.base / "dovecot.conf"
        self.conf.write_text(textwrap.dedent(f"""\
            base_dir = {self.base}/run
            state_dir = {self.base}/state
            log_path = {self.base}/dovecot.log
            protocols = imap pop3
            listen = 127.0.0.1
            disable_plaintext_auth = no
            ssl = yes
            ssl_cert = <{self.base}/../cert.pem
            ssl_key = <{self.base}/../key.pem
            mail_location = {self.location}
            mail_fsync = optimized
            first_valid_uid = 1
            mail_uid = 65534
            mail_gid = 65534
            default_process_limit = 2000
            default_client_limit = 4000
            passdb {{
              driver = passwd-file
              args = username_format=%u {passwd}
            }}
            userdb {{
              driver = passwd-file
              args = username_format=%u {passwd}
            }}
            service imap-login {{
              service_count = 0
              process_min_avail = 2
              inet_listener imap {{
                port = {self.imap_port}
              }}
              inet_listener imaps {{
                port = 0
              }}
            }}
            service imap {{
              process_limit = 12000
              service_count = {self.reused}
              process_min_avail = {10 if self.reused > 1 else 0}
            }}
            service pop3-login {{
              service_count = 0
              process_min_avail = 1
              inet_listener pop3 {{
                port = {self.pop3_port}
              }}
              inet_listener pop3s {{
                port = 0
              }}
            }}
            protocol imap {{
              mail_max_userip_connections = 20000
            }}
            """))
        subprocess.run(["dovecot", "-c", str(self.conf)], check=True, preexec_fn=self.group.enter,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self):
        run("doveadm", "-c", self.conf, "stop", check=False)
        self.group.wait_empty()  # it still writes for a moment
        self.group.remove()


class Posthorn:
    name = "Posthorn"
    SETTINGS = (("smtp.max_recipients", 2000), ("auth.plain_on_loopback", "yes"), ("auth.rehash", "no"),
                ("guess.smtp_logins_per_user", 0), ("guess.recipients_per_user", 0), ("guess.same_subject", 0))
    offset = int(os.environ.get("POSTHORN_BENCH_OFFSET", "24000"))
    smtp_port = 25 + offset
    imap_port = 143 + offset
    pop3_port = 110 + offset

    def __init__(self, base, top, users=USERS):
        self.root = pathlib.Path(base) / "posthorn"
        self.command = pathlib.Path(top) / "build/bin/posthorn"
        self.users = users
        self.group = Group("posthorn")

    def cli(self, *args, stdin=""):
        done = subprocess.run([self.command, "--root", self.root, *map(str, args)], input=stdin,
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{args}: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self, settings=()):
        self.cli("setup", "--domain", DOMAIN, "--hostname", f"mail.{DOMAIN}", "--port-offset",
                 self.offset, "--bind", "127.0.0.1")
        for name, value in (*self.SETTINGS, *settings):
            self.cli("config", "set", name, value)
        record = self.root / "record"
        record.write_text("{PLAIN}" + PASSWORD + "\n")
        subprocess.run([self.command, "--root", self.root, "start"], check=True,
                       preexec_fn=self.group.enter,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for i in range(self.users):
            self.cli("user", "add", f"u{i}@{DOMAIN}", "--password-record-file", record)

    def idle(self):
        return not any(any((self.root / "queue" / d).iterdir()) for d in ("new", "active", "deferred"))

    def stop(self):
        self.cli("stop")
        self.group.remove()
