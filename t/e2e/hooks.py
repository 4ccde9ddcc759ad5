"""A web server that keeps what is posted to it."""
import http.server
import json
import threading


class Hooks:
    """`status` and `answer` are what it gives back; `posts` has (path, headers, body) of each request."""

    def __init__(self, tls=None):
        hooks = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                hooks.posts.append((self.path, dict(self.headers), body))
                self.send_response_only(103)  # what is no answer yet
                self.end_headers()
                self.send_response(hooks.status)
                self.send_header("Content-Length", str(len(hooks.answer)))
                self.end_headers()
                self.wfile.write(hooks.answer)

            def log_message(self, *args):
                pass

        self.posts, self.status, self.answer = [], 200, b""
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls is not None:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def alerts(self):
        """(state, name, text) of every alert that was posted, in their order."""
        return [(alert["state"], alert["name"], alert["text"]) for _, _, body in list(self.posts)
                for alert in json.loads(body)["alerts"]]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
