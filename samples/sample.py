#!/usr/bin/python3
"""Makes a mailbox, gives it a quota, counts what is in it, lists the mailboxes of its domain, and removes it again.

    sample.py HOST PORT CERTIFICATES ADMINISTRATOR DOMAIN <password
"""
import http.client
import json
import ssl
import sys


class Posthorn:
    def __init__(self, host, port, certificates):
        context = ssl.create_default_context(cafile=certificates)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the file may be the server's own certificate
        self.http = http.client.HTTPSConnection(host, port, context=context)
        self.headers = {"Content-Type": "application/json"}

    def call(self, call, /, **parameters):
        self.http.request("POST", f"/api/{call}", json.dumps(parameters), self.headers)
        answer = json.load(self.http.getresponse())
        if answer["result"] != 0:
            raise SystemExit(f"{call}: {answer['text']}")
        return answer

    def login(self, name, password):
        self.headers["Authorization"] = "Bearer " + self.call("Login", name=name, password=password)["token"]


if len(sys.argv) != 6:
    raise SystemExit("usage: sample.py HOST PORT CERTIFICATES ADMINISTRATOR DOMAIN <password")
_, host, port, certificates, admin, domain = sys.argv
server = Posthorn(host, int(port), certificates)
server.login(admin, sys.stdin.readline().rstrip("\n"))
server.call("AddUser", user="sample", domain=domain, password="One-good-2nd-word")
server.call("ModifyUserQuota", user="sample", domain=domain, bytes=10000000)
print("new/total:", server.call("GetFolderMsgCount", user="sample", domain=domain, password="One-good-2nd-word", folders="inbox|sent")["counts"])
for user in server.call("List", kind="user", within=domain, sort="address")["objects"]:
    print(user["address"], user["quota_bytes"])
server.call("DeleteUser", user="sample", domain=domain)
server.call("Logout")
