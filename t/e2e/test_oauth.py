"""Logins by access tokens: OAUTHBEARER and XOAUTH2, signed tokens and introspection."""
import base64
import http.server
import imaplib
import json
import poplib
import smtplib
import ssl
import subprocess
import threading
import time
import urllib.parse

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from instance import Instance
from pki import Authority

ANY_CERTIFICATE = ssl._create_unverified_context()
ANN = "ann@d.test"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Key:
    """One of the issuer's, by algorithm."""

    def __init__(self, alg, kid):
        self.alg, self.kid = alg, kid
        self.key = {"RS256": lambda: rsa.generate_private_key(65537, 2048),
                    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
                    "EdDSA": ed25519.Ed25519PrivateKey.generate}[alg]()

    def jwk(self):
        public = self.key.public_key()
        if self.alg == "RS256":
            n = public.public_numbers()
            return {"kty": "RSA", "kid": self.kid, "n": b64(n.n.to_bytes(256, "big")), "e": b64(b"\1\0\1")}
        if self.alg == "ES256":
            n = public.public_numbers()
            return {"kty": "EC", "crv": "P-256", "kid": self.kid, "x": b64(n.x.to_bytes(32, "big")),
                    "y": b64(n.y.to_bytes(32, "big"))}
        return {"kty": "OKP", "crv": "Ed25519", "kid": self.kid, "x": b64(public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw))}

    def token(self, **claims):
        claims = {"iss": "https://issuer.test", "aud": "mail", "email": ANN, "exp": int(time.time()) + 600, **claims}
        text = ".".join(b64(json.dumps(part).encode()) for part in ({"alg": self.alg, "kid": self.kid}, claims))
        data = text.encode()
        if self.alg == "RS256":
            signature = self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        elif self.alg == "ES256":
            signature = b"".join(n.to_bytes(32, "big") for n in
                                 decode_dss_signature(self.key.sign(data, ec.ECDSA(hashes.SHA256()))))
        else:
            signature = self.key.sign(data)
        return f"{text}.{b64(signature)}"


class Issuer:
    """Its keys at /keys, and what it knows of other tokens at /introspect."""

    def __init__(self, authority):
        self.keys = [Key("RS256", "r"), Key("ES256", "e"), Key("EdDSA", "d")]
        self.active = {}
        self.asked = []
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self, data):
                text = json.dumps(data).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def do_GET(self):
                issuer.asked.append(self.path)
                self.answer({"keys": [key.jwk() for key in issuer.keys]})

            def do_POST(self):
                form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                issuer.asked.append((self.headers["Authorization"], form["token"][0]))
                self.answer(issuer.active.get(form["token"][0], {"active": False}))

        context, _ = authority.issue("127.0.0.1")
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture(scope="module")
def issuer(authority):
    issuer = Issuer(authority)
    yield issuer
    issuer.close()


@pytest.fixture(scope="module")
def suite(authority, issuer):
    inst = Instance()
    inst.setup()
    authority.write(inst.root / "etc/ca.pem")
    (inst.root / "etc/oauth").mkdir()
    (inst.root / "etc/oauth/local.json").write_text(json.dumps({"keys": [key.jwk() for key in issuer.keys]}))
    accounts = inst.root / "etc/outside.accounts"
    accounts.write_text("127.0.0.1 posthorn client:secret\n")
    accounts.chmod(0o600)
    inst.set("auth.external_ca", "ca.pem")
    inst.set("auth.failure_delay", "0")
    inst.set("auth.mechanisms", "SCRAM-SHA-256 PLAIN LOGIN OAUTHBEARER XOAUTH2")
    inst.start()
    for user in ("ann", "bob"):
        inst.add_user(f"{user}@d.test", "secret-of-test")
    inst.run("domain", "set", "d.test", "oauth_issuer=https://issuer.test", "oauth_audience=mail",
             f"oauth_keys=https://127.0.0.1:{issuer.port}/keys",
             f"oauth_introspection=https://127.0.0.1:{issuer.port}/introspect")
    yield inst
    inst.close()


def response(mechanism, user, token):
    if mechanism == "XOAUTH2":
        return f"user={user}\1auth=Bearer {token}\1\1".encode()
    return f"n,a={user},\1host=mail.d.test\1port=993\1auth=Bearer {token}\1\1".encode()


def imap(suite, mechanism, user, token):
    """(got in, challenge of a refusal)"""
    challenges = []

    def answer(challenge):
        challenges.append(challenge)
        return response(mechanism, user, token) if len(challenges) == 1 else b"\1"

    with imaplib.IMAP4_SSL("127.0.0.1", suite.port("imaps"), ssl_context=ANY_CERTIFICATE) as client:
        try:
            client.authenticate(mechanism, answer)
        except imaplib.IMAP4.error as error:
            return False, challenges[-1], str(error)
        return True, None, ""


MECHANISMS = ("OAUTHBEARER", "XOAUTH2")


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("alg", [0, 1, 2])
def test_signed_tokens(suite, issuer, mechanism, alg):
    assert imap(suite, mechanism, ANN, issuer.keys[alg].token())[0]
    assert imap(suite, mechanism, ANN, issuer.keys[alg].token(email="ann"))[0]


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_what_is_refused_is_told_as_json(suite, issuer, mechanism):
    key = issuer.keys[1]
    for user, token in ((ANN, key.token(exp=int(time.time()) - 1)), (ANN, key.token(aud="web")),
                        (ANN, key.token(iss="https://else.test")), ("bob@d.test", key.token()),
                        (ANN, key.token(email="ann@else.test")), (ANN, key.token()[:-4] + "AAAA"),
                        (ANN, Key("ES256", "e").token()), ("nobody@d.test", key.token())):
        got_in, challenge, error = imap(suite, mechanism, user, token)
        assert not got_in and "AUTHENTICATIONFAILED" in error
        assert json.loads(challenge)["status"] in ("invalid_token", "401")


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_every_service(suite, issuer, mechanism):
    token = issuer.keys[1].token()
    with smtplib.SMTP_SSL("127.0.0.1", suite.port("smtps"), context=ANY_CERTIFICATE) as client:
        client.ehlo()
        assert mechanism in client.esmtp_features["auth"].split()
        client.auth(mechanism, lambda challenge=None: response(mechanism, ANN, token).decode())
    with smtplib.SMTP_SSL("127.0.0.1", suite.port("smtps"), context=ANY_CERTIFICATE) as client:
        client.ehlo()
        code, text = client.docmd("AUTH", mechanism + " " + base64.b64encode(response(mechanism, ANN, "x")).decode())
        assert code == 334 and "status" in json.loads(base64.b64decode(text))
        assert client.docmd("AQ==")[0] == 535
    client = poplib.POP3_SSL("127.0.0.1", suite.port("pop3s"), context=ANY_CERTIFICATE)
    assert mechanism in client.capa()["SASL"]
    assert client._shortcmd(f"AUTH {mechanism} {base64.b64encode(response(mechanism, ANN, token)).decode()}"
                            ).startswith(b"+OK")
    client.quit()


@pytest.mark.parametrize("protocol,label", [("imaps", "imaps"), ("smtps", "smtps"), ("pop3s", "pop3s")])
def test_curl(suite, issuer, protocol, label):
    def curl(token):
        arguments = ["--mail-from", ANN, "--mail-rcpt", ANN, "-T", "/dev/null"] if protocol == "smtps" else []
        return subprocess.run(["curl", "-sk", "--max-time", "30", "--url",
                               f"{protocol}://127.0.0.1:{suite.port(label)}/", "-u", f"{ANN}:",
                               "--oauth2-bearer", token, *arguments], capture_output=True).returncode
    assert curl(issuer.keys[0].token()) == 0
    assert curl(issuer.keys[0].token(aud="web")) != 0


def test_a_claim_is_a_name_in_any_form(suite, issuer):
    """As at a login: PRECIS and IDNA, which are no comparison of ASCII letters."""
    suite.run("domain", "add", "bücher.test", "oauth_issuer=https://issuer.test", "oauth_audience=mail",
              f"oauth_keys=https://127.0.0.1:{issuer.port}/keys")
    suite.add_user("jörg@bücher.test")
    for claim in ("jörg@bücher.test", "JÖRG@xn--bcher-kva.test", "jo\u0308rg@BÜCHER.test", "JO\u0308RG",
                  "ｊörg"):
        assert imap(suite, "XOAUTH2", "jörg@bücher.test", issuer.keys[0].token(email=claim))[0], claim
    for claim in ("jorg@bücher.test", "jörg@bucher.test", "jorg", "jörg@", "@bücher.test", "", "\udcff"):
        assert not imap(suite, "XOAUTH2", "jörg@bücher.test", issuer.keys[0].token(email=claim))[0], claim


def test_introspection(suite, issuer):
    issuer.active["opaque/+1"] = {"active": True, "aud": "mail", "email": ANN}
    issuer.active["bobs"] = {"active": True, "aud": "mail", "email": "bob@d.test"}
    assert imap(suite, "OAUTHBEARER", ANN, "opaque/+1")[0]
    authorization, token = issuer.asked[-1]
    assert base64.b64decode(authorization.split()[1]) == b"posthorn:client%3Asecret" and token == "opaque/+1"
    assert not imap(suite, "OAUTHBEARER", ANN, "bobs")[0]
    assert not imap(suite, "OAUTHBEARER", ANN, "unknown")[0]
    del issuer.active["opaque/+1"]
    assert not imap(suite, "OAUTHBEARER", ANN, "opaque/+1")[0]  # nothing is kept
    assert "opaque" not in suite.log("auth") and "client:secret" not in suite.log("auth")


def test_keys_from_a_file_and_domains_without(suite, issuer):
    suite.run("domain", "add", "file.test", "oauth_issuer=https://issuer.test", "oauth_keys=file:local")
    suite.run("domain", "add", "none.test")
    for domain in ("file.test", "none.test"):
        suite.add_user(f"ann@{domain}", "secret-of-test")
    asked = len(issuer.asked)
    assert imap(suite, "OAUTHBEARER", "ann@file.test", issuer.keys[2].token(email="ann@file.test", aud="any"))[0]
    assert not imap(suite, "OAUTHBEARER", "ann@file.test", "opaque")[0]
    assert not imap(suite, "OAUTHBEARER", "ann@none.test", issuer.keys[2].token(email="ann@none.test"))[0]
    assert len(issuer.asked) == asked
    suite.run("domain", "set", "file.test", "oauth_keys=file:missing")
    error = imap(suite, "OAUTHBEARER", "ann@file.test", issuer.keys[2].token(email="ann@file.test"))[2]
    assert "UNAVAILABLE" in error


def test_an_issuer_that_is_away_is_no_bad_token(suite, issuer):
    suite.run("domain", "add", "away.test", "oauth_issuer=https://issuer.test", "oauth_keys=https://127.0.0.1:1/keys")
    suite.add_user("ann@away.test", "secret-of-test")
    error = imap(suite, "OAUTHBEARER", "ann@away.test", issuer.keys[1].token(email="ann@away.test"))[2]
    assert "UNAVAILABLE" in error


def test_malformed_messages(suite):
    for message in (b"", b"n,,\1auth=Bearer x\1\1", b"n,a=ann@d.test,\1auth=Bearer x\1", b"n,a=ann@d.test,",
                    b"p=x,a=ann@d.test,\1auth=Bearer x\1\1", b"n,a=ann@d.test,\1auth=Basic x\1\1",
                    b"n,a=ann@d.test,\1auth=Bearer " + b"x" * 9000 + b"\1\1"):
        with imaplib.IMAP4_SSL("127.0.0.1", suite.port("imaps"), ssl_context=ANY_CERTIFICATE) as client:
            with pytest.raises(imaplib.IMAP4.error):
                client.authenticate("OAUTHBEARER", lambda _, message=message: message)


def test_as_shipped_nobody_is_offered_them(instance):
    instance.start()
    instance.add_user(ANN, "secret-of-test")
    with imaplib.IMAP4_SSL("127.0.0.1", instance.port("imaps"), ssl_context=ANY_CERTIFICATE) as client:
        assert not [c for c in client.capabilities if "OAUTH" in c]
        with pytest.raises(imaplib.IMAP4.error):
            client.authenticate("XOAUTH2", lambda _: response("XOAUTH2", ANN, "x"))


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_users_access_list_holds_for_tokens_too(suite, issuer, mechanism):
    domain = f"{mechanism.lower()}.test"
    user = f"ann@{domain}"
    suite.run("domain", "add", domain, "oauth_issuer=https://issuer.test", "oauth_keys=file:local")
    suite.add_user(user, "secret-of-test")
    token = issuer.keys[2].token(email=user, aud="any")
    suite.run("user", "set", user, "imap_access=deny 127.0.0.1")
    got_in, challenge, _ = imap(suite, mechanism, user, token)
    suite.run("user", "set", user, "imap_access=none")
    assert not got_in and json.loads(challenge)["status"] in ("invalid_token", "401")
    assert imap(suite, mechanism, user, token)[0]
