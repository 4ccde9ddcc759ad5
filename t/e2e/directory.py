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
attributetype ( 1.2.840.113556.1.4.2 NAME 'objectGUID' EQUALITY octetStringMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.8 NAME 'userAccountControl' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.2.210 NAME 'proxyAddresses' EQUALITY caseExactMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.2.840.113556.1.2.102 NAME 'memberOf' EQUALITY distinguishedNameMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.12 )
objectclass ( 1.2.840.113556.1.5.9 NAME 'user' SUP top AUXILIARY )
objectclass ( 1.2.840.113556.1.5.8 NAME 'group' SUP top AUXILIARY )
objectclass ( 1.2.840.113556.1.3.30 NAME 'computer' SUP top AUXILIARY )
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
    def __init__(self, authority, readers="*", entries=PEOPLE, more=""):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="posthorn-slapd-"))
        (self.root / "db").mkdir()
        authority.write_pair(self.root / "cert", self.root / "key", "127.0.0.1")
        (self.root / "conf").write_text(CONFIG.format(root=self.root, admin=ADMIN, password=ADMIN_PASSWORD,
                                                      readers=readers) + more)
        self.port, self.tls_port = free_port(), free_port()
        self.process = None
        subprocess.run(["/usr/sbin/slapadd", "-f", self.root / "conf"], input=entries.encode(), check=True,
                       capture_output=True)
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ["/usr/sbin/slapd", "-f", self.root / "conf", "-d", "0", "-h",
             f"ldap://127.0.0.1:{self.port} ldaps://127.0.0.1:{self.tls_port}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self._answers, 20, "slapd")

    def as_admin(self):
        """A connection that may change everything; ldap3 raises what goes wrong."""
        import ldap3
        server = ldap3.Server("127.0.0.1", port=self.port, get_info=ldap3.NONE)
        return ldap3.Connection(server, ADMIN, ADMIN_PASSWORD, auto_bind=True, raise_exceptions=True)

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
