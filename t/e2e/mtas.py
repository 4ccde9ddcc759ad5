"""Mail servers that others wrote, each on a host of its own (network.py): Postfix, Exim, OpenSMTPD.

Debian lets only one of them be installed. So their packages are unpacked, not installed, and each runs with
that tree laid over /usr and /etc in a mount namespace that ends with it."""
import fcntl
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import textwrap

from instance import TOP, wait_for

UNPACKED = TOP / "build/unpacked"
USERS = ("Debian-exim", "opensmtpd", "opensmtpq", "postfix", "postdrop", "vmail")  # those that they change to
FIRST_ID = 59800


def packages():
    """The packages of the group `unpack` in the list of packages."""
    for line in (TOP / "deps").read_text().splitlines():
        if line.split()[:1] == ["unpack"]:
            return line.split()[1:]
    raise RuntimeError("deps has no group unpack")


def unpack():
    """Fetches and unpacks them once; many tests may want them at the same time."""
    UNPACKED.parent.mkdir(exist_ok=True)
    with open(f"{UNPACKED}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (UNPACKED / "done").exists():
            return
        shutil.rmtree(UNPACKED, ignore_errors=True)
        with tempfile.TemporaryDirectory() as fetched:
            subprocess.run(["apt-get", "-q", "download", *packages()], cwd=fetched, check=True, capture_output=True)
            for package in pathlib.Path(fetched).glob("*.deb"):
                subprocess.run(["dpkg", "-x", package, UNPACKED], check=True)
        (UNPACKED / "done").write_text("")


class Server:
    """domain: whose mail it takes, for bob and carol. authority: signs for `mx.DOMAIN`, and whose certificates it
    believes. nameserver: its address, which Postfix takes for that of lmtp.test's LMTP server too. Mail is in
    Maildirs."""
    users = ("bob", "carol")
    name = None
    takes_tls = True

    def __init__(self, host, domain, authority, nameserver):
        unpack()
        self.host, self.domain, self.nameserver = host, domain, nameserver
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="posthorn-mta-"))
        self.base.chmod(0o755)
        self.etc, self.mail = self.base / "etc", self.base / "mail"
        for directory in (self.etc, self.base / "work", self.mail, self.base / "spool"):
            directory.mkdir()
        authority.write(self.base / "ca.pem")
        self.certificate = authority.write_pair(self.base / "cert.pem", self.base / "key.pem", f"mx.{domain}")
        self._write_etc(nameserver)
        self.prepare()
        self.log_file = open(self.base / "log", "wb")
        self.process = subprocess.Popen([*host.prefix, "unshare", "-m", "-u", "--propagation", "private", "sh", "-ec",
                                         self._script()], stdout=self.log_file, stderr=self.log_file,
                                        start_new_session=True)
        try:
            wait_for(self._answers, 20, f"{self.name} on port 25")
        except AssertionError:
            print(self.log())
            self.close()
            raise

    def _write_etc(self, nameserver):
        known = pathlib.Path("/etc/passwd").read_text()
        groups = pathlib.Path("/etc/group").read_text()
        for i, user in enumerate(USERS):
            if f"\n{user}:" not in known:
                known += f"{user}:x:{FIRST_ID + i}:{FIRST_ID + i}::/nonexistent:/usr/sbin/nologin\n"
            if f"\n{user}:" not in groups:
                groups += f"{user}:x:{FIRST_ID + i}:\n"
        (self.etc / "passwd").write_text(known)
        (self.etc / "group").write_text(groups)
        (self.etc / "resolv.conf").write_text(f"nameserver {nameserver}\noptions timeout:2 attempts:2\n")
        (self.etc / "mailname").write_text(f"mx.{self.domain}\n")
        (self.etc / "hosts").write_text(f"127.0.0.1 localhost\n{self.host.address} mx.{self.domain} mx\n")

    def _script(self):
        return textwrap.dedent(f"""\
            mount -t overlay over -o lowerdir={UNPACKED}/usr:/usr /usr
            mount -t overlay over -o lowerdir={UNPACKED}/etc:/etc,upperdir={self.etc},workdir={self.base}/work /etc
            mount --bind {self.base}/spool /var/spool
            mount -t tmpfs tmpfs /run
            hostname mx.{self.domain}
            """) + self.command()

    def _answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.name} has ended: {self.log()}")
        return self.host.run("nc", "-z", "-w", "1", self.host.address, "25").returncode == 0

    def log(self):
        return (self.base / "log").read_text(errors="replace")

    def messages(self, user):
        directory = self.mail / user / "new"
        return [file.read_bytes() for file in directory.iterdir()] if directory.is_dir() else []

    def close(self):
        try:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(10)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            pass
        for pid in subprocess.run(["ip", "netns", "pids", self.host.name], capture_output=True).stdout.split():
            try:
                if str(self.base).encode() in pathlib.Path(f"/proc/{int(pid)}/cmdline").read_bytes() or \
                        str(self.base) in pathlib.Path(f"/proc/{int(pid)}/mountinfo").read_text():
                    os.kill(int(pid), signal.SIGKILL)
            except OSError:
                pass
        self.process.wait(10)
        self.log_file.close()
        shutil.rmtree(self.base, ignore_errors=True)


class Exim(Server):
    name = "exim"

    def prepare(self):
        shutil.chown(self.base / "spool", FIRST_ID, FIRST_ID)
        shutil.chown(self.mail, "nobody")
        shutil.copy(self.base / "key.pem", self.base / "exim.key")
        shutil.chown(self.base / "exim.key", FIRST_ID, FIRST_ID)
        users = " : ".join(self.users)
        (self.etc / "exim4").mkdir()
        (self.etc / "exim4/exim4.conf").write_text(textwrap.dedent(f"""\
            primary_hostname = mx.{self.domain}
            spool_directory = /var/spool/exim
            log_file_path = /var/spool/%slog
            domainlist local_domains = {self.domain}
            hostlist ours = 127.0.0.1 : {self.host.address}
            local_interfaces = {self.host.address}
            daemon_smtp_ports = 25
            acl_smtp_rcpt = rcpt
            acl_smtp_etrn = accept
            tls_advertise_hosts = *
            tls_certificate = {self.base}/cert.pem
            tls_privatekey = {self.base}/exim.key
            chunking_advertise_hosts = *
            dsn_advertise_hosts = *
            smtputf8_advertise_hosts = *
            message_size_limit = 20M
            accept_8bitmime = true
            never_users = root
            begin acl
            rcpt:
              accept domains = +local_domains
                     verify = recipient
              accept hosts = +ours
              deny   message = relaying denied
            begin routers
            out:
              driver = dnslookup
              domains = ! +local_domains
              transport = out
              no_more
            here:
              driver = accept
              domains = +local_domains
              local_parts = {users}
              transport = maildir
            begin transports
            out:
              driver = smtp
              hosts_require_tls = *
              tls_verify_hosts = *
              tls_verify_certificates = {self.base}/ca.pem
            maildir:
              driver = appendfile
              directory = {self.mail}/$local_part_data
              maildir_format
              create_directory
              user = nobody
              group = nogroup
              envelope_to_add
              return_path_add
            begin retry
            * * F,1h,3s
            """))

    def command(self):
        return (f"mkdir -p /var/spool/exim && chown Debian-exim:Debian-exim /var/spool/exim\n"
                f"exec exim4 -bdf -q3s\n")

    def log(self):
        extra = self.base / "spool/mainlog"
        return super().log() + (extra.read_text(errors="replace") if extra.exists() else "")


class OpenSMTPD(Server):
    name = "opensmtpd"
    takes_tls = False  # Debian 12 has 6.8.0p2, whose key process does not work with OpenSSL 3: every handshake fails

    def prepare(self):
        shutil.chown(self.mail, FIRST_ID + USERS.index("vmail"))
        users = ", ".join(f'"{user}@{self.domain}" = "vmail"' for user in self.users)
        (self.base / "smtpd.conf").write_text(textwrap.dedent(f"""\
            table users {{ {users} }}
            listen on {self.host.address} port 25 hostname mx.{self.domain}
            action "store" maildir "{self.mail}/%{{rcpt.user}}" virtual <users>
            action "relay" relay helo mx.{self.domain} tls no-verify
            match from any for domain "{self.domain}" action "store"
            match from src "{self.host.address}" for any action "relay"
            match from local for any action "relay"
            """))

    def command(self):
        return (f"mount -t tmpfs tmpfs /var/lib\nmkdir -p /var/spool/smtpd /var/lib/opensmtpd/empty\n"
                f"chmod 711 /var/spool/smtpd\n"
                f"exec smtpd -d -v -f {self.base}/smtpd.conf\n")


class Postfix(Server):
    name = "postfix"

    def prepare(self):
        conf = self.base / "conf"
        (self.etc / "postfix").mkdir()
        shutil.copy(UNPACKED / "usr/share/postfix/dynamicmaps.cf", self.etc / "postfix")
        for directory in (conf, self.base / "queue", self.base / "data"):
            directory.mkdir()
        shutil.chown(self.mail, "nobody")
        lines = []
        for line in (UNPACKED / "usr/share/postfix/master.cf.dist").read_text().splitlines():
            words = line.split()
            if len(words) > 4 and not line.startswith(("#", " ")) and words[4] == "y":
                line = " ".join(words[:4] + ["n"] + words[5:])  # no chroot
            lines.append(line)
        (conf / "master.cf").write_text("\n".join(lines) + "\n")
        (conf / "users").write_text("".join(f"{user}@{self.domain} {user}/\n" for user in self.users))
        (conf / "transport").write_text(f"lmtp.test lmtp:inet:[{self.nameserver}]:24\n")
        (conf / "main.cf").write_text(textwrap.dedent(f"""\
            compatibility_level = 3.6
            queue_directory = {self.base}/queue
            data_directory = {self.base}/data
            meta_directory = /etc/postfix
            maillog_file = /var/log/posthorn-mta-{os.getpid()}.log
            maillog_file_prefixes = /var, /tmp
            myhostname = mx.{self.domain}
            mydestination =
            mynetworks = 127.0.0.0/8 {self.host.address}/32
            inet_interfaces = {self.host.address}
            inet_protocols = ipv4
            smtputf8_enable = yes
            message_size_limit = 20000000
            minimal_backoff_time = 3s
            maximal_backoff_time = 3s
            queue_run_delay = 3s
            smtpd_tls_security_level = may
            smtpd_tls_cert_file = {self.base}/cert.pem
            smtpd_tls_key_file = {self.base}/key.pem
            smtp_tls_security_level = verify
            smtp_tls_CAfile = {self.base}/ca.pem
            smtp_tls_loglevel = 1
            transport_maps = texthash:{conf}/transport
            smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
            virtual_mailbox_domains = {self.domain}
            virtual_mailbox_base = {self.mail}
            virtual_mailbox_maps = texthash:{conf}/users
            virtual_uid_maps = static:65534
            virtual_gid_maps = static:65534
            """).replace(f"/var/log/posthorn-mta-{os.getpid()}.log", f"{self.base}/maillog"))

    def command(self):
        return (f"chown postfix {self.base}/data\ncd /\nexec postfix -c {self.base}/conf start-fg\n")

    def log(self):
        extra = self.base / "maillog"
        return super().log() + (extra.read_text(errors="replace") if extra.exists() else "")
