"""What is in a user's mailbox, read by IMAP."""
import imaplib
import ssl

from conftest import PASSWORD
from instance import wait_for


def messages(instance, user):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client = imaplib.IMAP4_SSL("127.0.0.1", instance.port("imaps"), ssl_context=context, timeout=30)
    client.authenticate("PLAIN", lambda _: f"\0{user}\0{PASSWORD}".encode())  # names may be UTF-8
    _, data = client.select("INBOX", readonly=True)
    found = []
    if int(data[0]) > 0:
        _, parts = client.fetch("1:*", "(BODY.PEEK[])")
        found = [part[1] for part in parts if isinstance(part, tuple)]
    client.logout()
    return found


def wait_message(instance, user, needle, deadline=20):
    """The message that holds `needle` (bytes), as soon as it has arrived."""
    return wait_for(lambda: next((m for m in messages(instance, user) if needle in m), None),
                    deadline, f"{needle!r} in the mailbox of {user}")
