"""A directory outside: OpenLDAP's slapd on loopback, with the certificate of a test's authority."""
import pathlib
import shutil
import socket
import subprocess
import tempfile

from instance import wait_for

ADMIN, ADMIN_PASSWORD = "cn=admin,dc=corp,dc=test", "directory-secret"
PEOPLE = """dn: dc=corp,dc=test
objectClass: domain
dc: corp

dn: ou=people,dc=corp,dc=test
objectClass: organizationalUnit
ou: people

dn: uid=ann,ou=people,dc=corp,dc=test
objectClass: inetOrgPerson
uid: ann
cn: Ann
sn: A
mail: ann@corp.test
userPassword: ann-secret

dn: cn=Bob Builder,ou=people,dc=corp,dc=test
objectClass: inetOrgPerson
objectClass: extensibleObject
cn: Bob Builder
sn: B
sAMAccountName: bob
userPrincipalName: bob@corp.test
userPassword: bob-secret

dn: cn=Twin One,ou=people,dc=corp,dc=test
objectClass: inetOrgPerson
cn: Twin One
sn: T
mail: twin@corp.test
userPassword: twin-secret

dn: cn=Twin Two,ou=people,dc=corp,dc=test
objectClass: inetOrgPerson
cn: Twin Two
sn: T
mail: twin@corp.test
userPassword: twin-secret
"""
CONFIG = """include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
attributetype ( 1.2.840.113556.1.4.221 NAME 'sAMAccountName' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.656 NAME 'userPrincipalName' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCertificateFile {root}/cert
TLSCertificateKeyFile {root}/key
database mdb
suffix dc=corp,dc=test
rootdn {admin}
rootpw {password}
directory {root}/db
access to attrs=userPassword by anonymous auth by * none
access to * by {readers} read by * none
"""


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Directory:
    def __init__(self, authority, readers="*"):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="posthorn-slapd-"))
        (self.root / "db").mkdir()
        authority.write_pair(self.root / "cert", self.root / "key", "127.0.0.1")
        (self.root / "conf").write_text(CONFIG.format(root=self.root, admin=ADMIN, password=ADMIN_PASSWORD,
                                                      readers=readers))
        self.port, self.tls_port = free_port(), free_port()
        self.process = None
        subprocess.run(["/usr/sbin/slapadd", "-f", self.root / "conf"], input=PEOPLE.encode(), check=True,
                       capture_output=True)
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ["/usr/sbin/slapd", "-f", self.root / "conf", "-d", "0", "-h",
             f"ldap://127.0.0.1:{self.port} ldaps://127.0.0.1:{self.tls_port}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self._answers, 20, "slapd")

    def _answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
        except OSError:
            return False
        return True

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None

    def close(self):
        self.stop()
        shutil.rmtree(self.root)
