"""The ported suite as run.py and serve.py use it: its cases, its strings as bytes, its chatter elsewhere.

Importing it silences Twisted's log, which must happen before the suite is imported.
"""

import binascii
import fnmatch
import os
import sys
import time

from twisted.logger import globalLogBeginner

globalLogBeginner.beginLoggingTo([lambda event: None], redirectStandardIO=False, discardBuffer=True)

DEFAULT_CASES = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"]


def octets(text):
    """What the suite calls a string, as the socket wants it."""
    return text.encode("latin-1") if isinstance(text, str) else text


_hex = binascii.b2a_hex
binascii.b2a_hex = lambda data, *more: _hex(octets(data)).decode()

import autobahntestsuite.fuzzing as fuzzing  # noqa: E402
from autobahntestsuite.case import CaseBasename, Cases  # noqa: E402


def string(data):
    """What the socket gives, as the suite wants it."""
    return data.decode("latin-1") if isinstance(data, (bytes, bytearray)) else data


def teach(protocol, socket):
    """Puts the bytes of Python 3 between one of the suite's protocols and the socket class under it."""

    def send_frame(self, opcode, payload=b"", fin=True, rsv=0, mask=None, payload_len=None, chopsize=None, sync=False):
        data = octets(payload)
        if payload_len is not None:
            data = (data * (payload_len // len(data) + 1))[:payload_len]
        socket.sendFrame(self, opcode, data, fin, rsv, octets(mask), None, chopsize, sync)

    def on_message(self, message, binary):
        if self.runCase:
            self.runCase.onMessage(message if hasattr(self.runCase, "TESTDATA") else string(message), binary)

    def send_close_frame(self, code=None, reasonUtf8=None, isReply=False):
        self.factory.closing = self.factory.closing or time.monotonic()
        socket.sendCloseFrame(self, code, octets(reasonUtf8), isReply)

    def on_close_frame(self, code, reason):
        self.factory.closing = self.factory.closing or time.monotonic()
        return socket.onCloseFrame(self, code, reason)

    protocol.sendFrame = send_frame
    protocol.sendCloseFrame = send_close_frame
    protocol.onCloseFrame = on_close_frame
    protocol.sendMessage = lambda self, payload, *a, **k: socket.sendMessage(self, octets(payload), *a, **k)
    protocol.sendMessageFrameData = lambda self, payload, *a, **k: socket.sendMessageFrameData(
        self, octets(payload), *a, **k
    )
    protocol.onMessage = on_message
    protocol.onPing = lambda self, data: self.runCase and self.runCase.onPing(string(data)) or socket.onPing(self, data)
    protocol.onPong = lambda self, data: self.runCase and self.runCase.onPong(string(data)) or socket.onPong(self, data)


class Endings:
    """Over one of the suite's factories, which has one connection at a time: how long each took from its first close frame."""

    closing = None

    def logCase(self, result):
        began, self.closing = self.closing, None
        result["ending"] = round(1000 * (time.monotonic() - began)) if began else 0
        super().logCase(result)


class redirected:
    """Standard output goes elsewhere for a while; the suite prints more than anyone wants to read."""

    def __init__(self, target):
        self.target = target

    def __enter__(self):
        self.before, sys.stdout = sys.stdout, self.target

    def __exit__(self, *_):
        sys.stdout.flush()
        sys.stdout = self.before


def chosen(patterns):
    """Ids of the cases; the suite's own match is open at the end, so that '1.*' would mean 10 to 13 too."""
    ids = [case.__name__[len(CaseBasename) :].replace("_", ".") for case in Cases]
    pick = lambda wanted: [case for case in ids if any(fnmatch.fnmatchcase(case, one) for one in wanted)]  # noqa: E731
    left_out = set(pick((os.environ.get("AB_EXCLUDE") or "").split()))
    cases = [case for case in pick(patterns or DEFAULT_CASES) if case not in left_out]
    return cases or sys.exit("no case matches")


__all__ = ["Endings", "chosen", "fuzzing", "redirected", "teach"]
