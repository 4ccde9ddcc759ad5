"""Talking to admind: JSON over HTTPS."""
import base64
import http.client
import json
import ssl

ANY_CERTIFICATE = ssl._create_unverified_context()


class Api:
    """One administrator's calls, on one connection."""

    def __init__(self, inst, name=None, password=None, basic=False):
        self.inst, self.headers = inst, {}
        self.http = http.client.HTTPSConnection("127.0.0.1", inst.port("admin"), context=ANY_CERTIFICATE, timeout=60)
        if basic:
            self.headers["Authorization"] = "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()
        elif name:
            answer = self.call("Login", name=name, password=password)
            assert answer["result"] == 0, answer
            self.headers["Authorization"] = "Bearer " + answer["token"]

    def raw(self, method, path, body=None, **headers):
        self.http.request(method, path, body, {**self.headers, **headers})
        response = self.http.getresponse()
        text = response.read()
        return response.status, json.loads(text) if text else None

    def call(self, call, **parameters):
        status, answer = self.raw("POST", f"/api/{call}", json.dumps(parameters), **{"Content-Type": "application/json"})
        assert status == 200, (status, answer)
        return answer

    def ok(self, call, **parameters):
        answer = self.call(call, **parameters)
        assert answer["result"] == 0, answer
        return answer

    def result(self, call, **parameters):
        return self.call(call, **parameters)["result"]
