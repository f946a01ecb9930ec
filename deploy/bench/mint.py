"""A target's own mint, asked over HTTP as an application's backend asks it."""

import http.client
import json
import socket
import ssl
import time

import ground

# A key that was made just now is known to the server within a second.
PATIENCE_S = 5


class Mint:
    """One API key and one connection, kept open."""

    def __init__(self, target):
        self.target = target
        self.how = target.settings["tokens"]["ask"]
        name = f"bench-{time.time_ns()}"
        self.key = target.command("key", {"NAME": name}).split()[0]
        self.connection = None

    def ask(self, count, names):
        """So many tokens."""
        body = json.dumps(self.how["body"])
        for name, text in names.items():
            body = body.replace(f"@{name}@", text)
        return [self._one(body) for _ in range(count)]

    def _one(self, body):
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                status, answer = self._post(body, headers)
            except (OSError, http.client.HTTPException):
                self.connection = None  # it was idle for too long
                status, answer = self._post(body, headers)
            if status == 201:
                return json.loads(answer)[self.how["token"]]
            if status != 401 or time.monotonic() > end:
                raise RuntimeError(f"{self.target.name} does not mint: {status} {answer[:300]}")
            time.sleep(0.05)

    def _post(self, body, headers):
        if self.connection is None:
            self.connection = self._connect()
        self.connection.request("POST", self.how["path"], body, headers)
        answer = self.connection.getresponse()
        return answer.status, answer.read().decode()

    def _connect(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.target.port, timeout=10)
        connection.auto_open = 0  # it would open one without TLS
        connection.sock = socket.create_connection(("127.0.0.1", self.target.port), 10)
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.target.secure():
            context = ssl.create_default_context(cafile=f"{ground.KEYS}/tls-ca.pem")
            connection.sock = context.wrap_socket(connection.sock, server_hostname=ground.SNI)
        return connection
