"""Evolution's address book without its window: evolution-data-server's LDAP backend, driven by libebook.

Started by `Evolution` below with a message bus and a home of its own; a command is a line of JSON, and so is the answer."""
import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import tempfile
import time

LIMIT = 30  # seconds for one command
NO_WAIT = 0xffffffff  # for a book that is connected


class Evolution:
    """A user's session: the bus, the two services of evolution-data-server, and the program that asks them."""

    def __init__(self):
        self.home = tempfile.TemporaryDirectory(prefix="posthorn-evolution-")
        home = pathlib.Path(self.home.name)
        (home / "run").mkdir(mode=0o700)
        env = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_RUNTIME_DIR": str(home / "run"), "LANG": "C.UTF-8",
               "GSETTINGS_BACKEND": "memory", "GIO_USE_VFS": "local", "LDAPTLS_REQCERT": "never", "LDAP_DEBUG": "1"}
        self.log = open(home / "log", "wb")
        os.mkfifo(home / "answers")  # what the bus starts writes to stdout, too
        self.answers = open(os.open(home / "answers", os.O_RDWR), "rb", buffering=0)
        self.child = subprocess.Popen(["dbus-run-session", "--", "/usr/bin/python3", __file__, home / "answers"], env=env,
                                      stdin=subprocess.PIPE, stdout=self.log, stderr=self.log, start_new_session=True)

    def ask(self, verb, **args):
        """What the command gives; an error of the address book's is a RuntimeError with its text."""
        self.child.stdin.write(json.dumps({"verb": verb, **args}).encode() + b"\n")
        self.child.stdin.flush()
        line = b""
        while not line.endswith(b"\n"):
            if not select.select([self.answers], [], [], LIMIT)[0]:
                raise AssertionError(f"{verb}: no answer\n" + self.said())
            line += self.answers.read(65536)
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["value"]

    def said(self):
        return pathlib.Path(self.log.name).read_text(errors="replace")

    def close(self):
        self.child.stdin.close()
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            pass
        finally:  # what the bus started is in this session
            try:
                os.killpg(self.child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.child.wait()
            self.log.close()
            self.answers.close()
            self.home.cleanup()


class Books:
    """The other side: what the compose window and the contacts' window call."""

    def __init__(self):
        import gi
        for name in ("EBook", "EBookContacts", "EDataServer"):
            gi.require_version(name, "1.2")
        from gi.repository import EBook, EBookContacts, EDataServer, GLib
        self.book, self.contacts, self.server, self.glib = EBook, EBookContacts, EDataServer, GLib
        self.registry = EDataServer.SourceRegistry.new_sync(None)
        self.client = self.source = None

    def until(self, condition, what):
        end = time.monotonic() + LIMIT / 2
        while not condition():
            if time.monotonic() > end:
                raise RuntimeError(f"not in time: {what}")
            self.glib.MainContext.default().iteration(False)
            time.sleep(0.01)

    def open(self, uid, port, base, user="", password="", security="STARTTLS", limit=100, seconds=15):
        """Makes the address book, as the dialog "New Address Book" does, and logs in; False: in vain."""
        kinds = self.server
        source = kinds.Source.new_with_uid(uid, None)
        source.set_display_name(uid)
        source.set_parent("ldap-stub")
        source.get_extension("Address Book").set_backend_name("ldap")
        login, place = source.get_extension("Authentication"), source.get_extension("LDAP Backend")
        login.set_host("127.0.0.1")
        login.set_port(port)
        place.set_root_dn(base)
        place.set_scope(kinds.SourceLDAPScope.SUBTREE)
        place.set_security(getattr(kinds.SourceLDAPSecurity, security))
        place.set_limit(limit)
        if user:
            place.set_authentication(kinds.SourceLDAPAuthentication.BINDDN)
            login.set_user(user)
            login.set_method("ldap/simple-binddn")
        self.registry.commit_source_sync(source, None)
        self.until(lambda: self.registry.ref_source(uid), "the source")
        self.source = self.registry.ref_source(uid)
        self.until(self.connect, "the service for books")
        if user:
            given = kinds.NamedParameters.new()
            given.set("username", user)
            given.set("password", password)
            self.source.invoke_authenticate_sync(given, None)
        return self.is_connected(seconds)

    def connect(self):
        """False: the service that has the books has not heard of the source yet."""
        try:
            self.client = self.book.BookClient.connect_sync(self.source, NO_WAIT, None)
        except self.glib.GError as error:
            if "No such source" not in error.message:
                raise
            return False
        return True

    def is_connected(self, seconds):
        """The login goes on beside us, and what is asked before it is done fails."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                self.client.get_contacts_sync('(is "email" "nobody@nowhere.test")', None)
                return True
            except self.glib.GError as error:
                if "Not connected" not in error.message:
                    raise
            time.sleep(0.05)
        return False

    def find(self, query):
        """The contacts, each as its card."""
        _, contacts = self.client.get_contacts_sync(query, None)
        return [c.to_string(self.contacts.VCardFormat(1)).replace("\r\n", "\n") for c in contacts]

    def names(self, query):
        _, contacts = self.client.get_contacts_sync(query, None)
        return sorted(c.get_property("full-name") or c.get_property("id") for c in contacts)

    def view(self, query):
        """A live view, which the compose window and the list of contacts are: the names, and what is said at the end."""
        names, ends = [], []
        _, view = self.client.get_view_sync(query, None)
        view.connect("objects-added", lambda view, contacts: names.extend(c.get_property("full-name") or "" for c in contacts))
        view.connect("complete", lambda view, error: ends.append(error.message if error else ""))
        view.start()
        self.until(lambda: ends, "the end of the search")
        view.stop()
        return {"names": sorted(names), "end": ends[0]}

    def show(self, uid):
        _, contact = self.client.get_contact_sync(uid, None)
        return contact.to_string(self.contacts.VCardFormat(1)).replace("\r\n", "\n")

    def add(self, card):
        _, uid = self.client.add_contact_sync(self.contacts.Contact.new_from_vcard(card), 0, None)
        return uid

    def change(self, uid, **properties):
        _, contact = self.client.get_contact_sync(uid, None)
        for name, value in properties.items():
            contact.set_property(name.replace("_", "-"), value)
        self.client.modify_contact_sync(contact, 0, None)

    def change_lines(self, uid, lines):
        """`lines`: what stands in the card, to what is to stand there."""
        _, contact = self.client.get_contact_sync(uid, None)
        card = contact.to_string(self.contacts.VCardFormat(1))
        for old, new in lines.items():
            if old not in card:
                raise RuntimeError(f"{old!r} is not in {card}")
            card = card.replace(old, new)
        self.client.modify_contact_sync(self.contacts.Contact.new_from_vcard(card), 0, None)

    def remove(self, uid):
        self.client.remove_contact_by_uid_sync(uid, 0, None)


def main():
    answers = open(sys.argv[1], "w")
    books = Books()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"value": getattr(books, request.pop("verb"))(**request)}
        except books.glib.GError as error:
            answer = {"error": error.message}
        except RuntimeError as error:
            answer = {"error": str(error)}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
