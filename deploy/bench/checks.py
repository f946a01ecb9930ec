"""Does a target do what is measured? It must reject what it has to, inject the header once and relay faithfully."""

import base64
import hashlib
import hmac
import json
import os
import re
import struct
import time

import ground
from socket_by_hand import Socket
from targets import sign

TEXT, BINARY, PING, PONG, CLOSE = 1, 2, 9, 10, 8
GONE = (OSError, EOFError, ValueError)
# Longer than a token of one second and any leeway last.
STALE_S = 3.6


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Checks:
    """All checks of one target; `results` holds (what, True or False or None for a mere remark, detail)."""

    def __init__(self, target, upstream):
        self.target, self.upstream, self.results = target, upstream, []

    def ok(self, what, good, detail=""):
        self.results.append((what, bool(good), str(detail)))

    def remark(self, what, detail):
        self.results.append((what, None, str(detail)))

    def path(self, token, endpoint="echo"):
        return self.target.url(endpoint).split(f":{self.target.port}", 1)[1].replace("{token}", token)

    def open(self, token, headers=()):
        return Socket(self.target.port, self.path(token), headers)

    def status(self, path):
        """What a handshake is answered with; an int, or the failure."""
        try:
            socket = Socket(self.target.port, path)
            socket.close()
            return socket.status
        except GONE as failure:
            return repr(failure)

    def run(self):
        before = self.upstream.stats()
        stale, minted = None, time.monotonic()
        if self.target.own_mint:
            stale = self.target.tokens(1, how="stale")[0]
        token = self.target.tokens(8)
        socket = self.open(token[0])
        self.ok("valid token: 101", socket.status == 101, socket.status)
        if socket.status != 101:
            return self.results
        if self.target.own_mint:
            status = self.status(self.path(self.target.tokens(1, how="elsewhere")[0]))
            self.ok("valid token of another process: 101", status == 101, status)
        self.relays(socket)
        self.injects(token[0], token[1])
        if self.target.settings.get("single_use"):
            status = self.status(self.path(token[0]))
            self.ok("rejected: a token used before", refused(status), status)
        middle = self.upstream.stats()
        self.rejects(token[2], stale, minted)
        after = self.upstream.stats()
        dialled = after["accepted"] - middle["accepted"]
        spared = dialled == 0 and after["unauthorized"] == before["unauthorized"]
        self.ok("no upstream dial for a bad token", spared, f"{dialled} accepted")
        self.remarks()
        if ground.Mode.tls != "none":
            self.distrusts(token[3], token[4])
        return self.results

    def relays(self, socket):
        """Messages, fragments with a ping between, and the close code come through."""
        big = os.urandom(1 << 20)
        for what, kind, data in (
            ("text echo", TEXT, "héllo".encode()),
            ("binary echo", BINARY, b"\x00\xff" * 1600),
            ("1 MiB echo", BINARY, big),
        ):
            socket.send(kind, data)
            self.ok(what, socket.message() == (kind, data))
        for opcode, data, fin in ((TEXT, b"ab", False), (0, b"cd", False), (PING, b"mid", True), (0, b"ef", True)):
            socket.send(opcode, data, fin)
        control = []
        message = socket.message(control)
        if not control:
            socket.socket.settimeout(2)
            try:
                opcode, _, data = socket.frame()
                control.append((opcode, data))
            except GONE:
                pass
        whole = message == (TEXT, b"abcdef") and (PONG, b"mid") in control
        self.ok("fragments, ping between", whole, f"{message[1][:20]} {control}")
        self.closes(socket)

    def closes(self, socket):
        socket.socket.settimeout(5)
        code = struct.pack(">H", 4001)
        socket.send(CLOSE, code + b"bye")
        try:
            opcode, data = socket.message()
            good, detail = opcode == CLOSE and data[:2] == code, repr(data)
        except GONE as failure:
            good, detail = False, repr(failure)
        if good or self.target.kind != "peer":
            self.ok("close code 4001 comes back", good, detail)
        else:  # a peer that loses the close code is still a peer
            self.remark("(remark) close code 4001 comes back", f"no: {detail}")
        socket.close()

    def injects(self, used, fresh):
        """The real header arrives once, and the client's own does not."""
        head = self.upstream.last()
        self.ok("header injected, once", authorization(head) == [f"Bearer {ground.SECRET}"], authorization(head))
        self.remark("(remark) token kept from upstream", "no: it is in the upstream's URL" if used in head else "yes")
        socket = self.open(fresh, ["Authorization: Bearer evil"])
        if socket.status == 101:
            sent = authorization(self.upstream.last())
            self.ok("client's Authorization never arrives", sent == [f"Bearer {ground.SECRET}"], sent)
        else:  # two tokens in one request: a 400 keeps it from arriving as well
            self.ok("client's Authorization never arrives", refused(socket.status), socket.status)
        socket.close()

    def rejects(self, valid, stale, minted):
        """Every kind of bad token is a 4xx."""
        for what, token in forged(valid, self.target).items():
            status = self.status(self.path(token))
            self.ok(f"rejected: {what}", refused(status), status)
        status = self.status(re.sub(r"[?&]token=[^&]*", "", self.path("x")))
        self.ok("rejected: no token", refused(status), status)
        if stale:
            time.sleep(max(0.0, minted + STALE_S - time.monotonic()))
            status = self.status(self.path(stale))
            self.ok("rejected: expired", refused(status), status)

    def remarks(self):
        """What peers differ in and need not do."""
        if self.target.own_mint:
            return
        algorithm = self.target.algorithm
        for what, extra in (("not valid yet", ["--nbf", "600"]), ("another issuer", ["--iss", "someone-else"])):
            self.remark(f"(remark) {what}", self.status(self.path(sign(algorithm, 1, extra)[0])))

    def distrusts(self, first, second):
        """An upstream certificate of another CA opens nothing."""
        before = self.upstream.stats()["accepted"]
        self.upstream.tls_mode("wrong")
        status = self.status(self.path(first))
        self.upstream.tls_mode("resume")
        none = status != 101 and self.upstream.stats()["accepted"] == before
        self.ok("upstream certificate of another CA: no session", none, status)
        status = self.status(self.path(second))
        self.ok("and a session again when the right one is back", status == 101, status)
        counts = self.upstream.stats()
        self.remark("(remark) upstream handshakes", f"{counts['tls_full']} full, {counts['tls_resumed']} resumed")


def refused(status):
    return isinstance(status, int) and 400 <= status < 500


def authorization(head):
    lines = [line.split(":", 1) for line in head.split("\r\n")[1:] if ":" in line]
    return [value.strip() for name, value in lines if name.lower() == "authorization"]


def forged(valid, target):
    """Bad tokens by what is wrong with them, made from a valid one."""
    head, claims, signature = valid.split(".")
    flipped = signature[:10] + ("A" if signature[10] != "A" else "B") + signature[11:]
    padded = claims + "=" * (-len(claims) % 4)
    changed = b64(json.dumps(json.loads(base64.urlsafe_b64decode(padded)) | {"sub": "admin"}).encode())
    confused = b64(b'{"alg":"HS256","typ":"JWT","kid":"es"}') + "." + claims
    public = (ground.KEYS / "es256.pub.pem").read_bytes()
    confused += "." + b64(hmac.new(public, confused.encode(), hashlib.sha256).digest())
    found = {
        "empty token": "",
        "garbage": "garbage",
        "three dots": "..",
        "bad signature": f"{head}.{claims}.{flipped}",
        "changed claims": f"{head}.{changed}.{signature}",
        "signature cut off": f"{head}.{claims}.",
        "alg confusion": confused,
        "alg none": b64(b'{"alg":"none","typ":"JWT"}') + f".{claims}.",
        "other algorithm": sign("HS256")[0],
    }
    if not target.own_mint:
        found["expired"] = sign(target.algorithm, 1, ["--ttl", "-120"])[0]
    return found
