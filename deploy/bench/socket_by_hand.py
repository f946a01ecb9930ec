"""A hand-driven WebSocket client (RFC 6455): what goes on the wire is what the check says."""

import base64
import hashlib
import os
import re
import socket
import ssl
import struct

import ground

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def frame(opcode, data, fin=True):
    """One masked frame."""
    key = os.urandom(4)
    size = len(data)
    head = bytes([(0x80 if fin else 0) | opcode])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 65536:
        head += bytes([0xFE]) + struct.pack(">H", size)
    else:
        head += bytes([0xFF]) + struct.pack(">Q", size)
    mask = (key * (size // 4 + 1))[:size]
    body = int.from_bytes(data, "little") ^ int.from_bytes(mask, "little")
    return head + key + body.to_bytes(size, "little")


class Socket:
    """Opens a connection and sends the handshake; `status` is what came back, 0 for nothing."""

    def __init__(self, port, path, headers=(), timeout=8):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        if ground.Mode.tls == "both":
            context = ssl.create_default_context(cafile=f"{ground.KEYS}/tls-ca.pem")
            self.socket = context.wrap_socket(self.socket, server_hostname=ground.SNI)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(self._request(port, path, key, headers))
        self.head = self._head()
        found = re.match(r"HTTP/1\.[01] (\d+)", self.head)
        self.status = int(found.group(1)) if found else 0
        if self.status == 101 and base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode() not in self.head:
            raise ValueError("wrong Sec-WebSocket-Accept")

    @staticmethod
    def _request(port, path, key, headers):
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
            *headers,
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def _head(self):
        self.rest = b""
        while b"\r\n\r\n" not in self.rest:
            data = self.socket.recv(65536)
            if not data:
                break
            self.rest += data
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        return head.decode("latin-1")

    def send(self, opcode, data, fin=True):
        self.socket.sendall(frame(opcode, data, fin))

    def _need(self, size):
        while len(self.rest) < size:
            data = self.socket.recv(262144)
            if not data:
                raise EOFError("end of file inside a frame")
            self.rest += data
        out, self.rest = self.rest[:size], self.rest[size:]
        return out

    def frame(self):
        """The next frame: opcode, last of its message, payload."""
        first, size = self._need(2)
        size &= 0x7F
        if size == 126:
            size = struct.unpack(">H", self._need(2))[0]
        elif size == 127:
            size = struct.unpack(">Q", self._need(8))[0]
        return first & 15, bool(first & 0x80), self._need(size)

    def message(self, control=None):
        """The next data message, or the close; control frames before it go to the list."""
        kind, data = None, b""
        while True:
            opcode, fin, piece = self.frame()
            if opcode >= 8:
                if control is not None:
                    control.append((opcode, piece))
                if opcode == 8:
                    return 8, piece
                continue
            kind = opcode or kind
            data += piece
            if fin:
                return kind, data

    def close(self):
        self.socket.close()
