"""What a mail program does first."""
import smtplib
import ssl
import uuid

from conftest import PASSWORD

INSECURE = ssl._create_unverified_context()


def login(suite, user="alice@d.test"):
    client = smtplib.SMTP("127.0.0.1", suite.port("submission"), timeout=15)
    client.starttls(context=INSECURE)
    client.login(user, PASSWORD)
    return client


def token():
    return uuid.uuid4().hex
