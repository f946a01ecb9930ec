"""Runs the ported suite's fuzzing client; autobahn.sh says how.

    run.py WS_URL [CASE ...]
"""

import binascii
import collections
import fnmatch
import json
import os
import shlex
import subprocess
import sys

from twisted.internet import reactor
from twisted.logger import globalLogBeginner

globalLogBeginner.beginLoggingTo([lambda event: None], redirectStandardIO=False, discardBuffer=True)


def octets(text):
    """What the suite calls a string, as the socket wants it."""
    return text.encode("latin-1") if isinstance(text, str) else text


_hex = binascii.b2a_hex
binascii.b2a_hex = lambda data, *more: _hex(octets(data)).decode()

import autobahntestsuite.fuzzing as fuzzing  # noqa: E402
from autobahn.twisted.websocket import WebSocketClientProtocol as Socket  # noqa: E402
from autobahntestsuite.case import CaseBasename, Cases  # noqa: E402

DEFAULT_CASES = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"]
KNOWN = ["OK", "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED", "FAILED"]
# How fast a failure is noticed is a race: these count as one.
SOFT = ("OK", "NON-STRICT", "INFORMATIONAL")

OUT = os.environ["AB_OUT"]
ORIGIN = os.environ.get("AB_ORIGIN") or None
FRESH = os.environ.get("AB_URL_CMD")
EXPECT = os.environ.get("AB_EXPECT")
LIMIT = float(os.environ.get("AB_LIMIT") or 900)


def string(data):
    """What the socket gives, as the suite wants it."""
    return data.decode("latin-1") if isinstance(data, (bytes, bytearray)) else data


def send_frame(self, opcode, payload=b"", fin=True, rsv=0, mask=None, payload_len=None, chopsize=None, sync=False):
    data = octets(payload)
    if payload_len is not None:
        data = (data * (payload_len // len(data) + 1))[:payload_len]
    Socket.sendFrame(self, opcode, data, fin, rsv, octets(mask), None, chopsize, sync)


def on_message(self, message, binary):
    if self.runCase:
        self.runCase.onMessage(message if hasattr(self.runCase, "TESTDATA") else string(message), binary)


def teach(protocol):
    """Puts the bytes of Python 3 between the suite and the socket."""
    protocol.sendFrame = send_frame
    protocol.sendMessage = lambda self, payload, *a, **k: Socket.sendMessage(self, octets(payload), *a, **k)
    protocol.sendMessageFrameData = lambda self, payload, *a, **k: Socket.sendMessageFrameData(
        self, octets(payload), *a, **k
    )
    protocol.sendCloseFrame = lambda self, code=None, reasonUtf8=None, isReply=False: Socket.sendCloseFrame(
        self, code, octets(reasonUtf8), isReply
    )
    protocol.onMessage = on_message
    protocol.onPing = lambda self, data: self.runCase and self.runCase.onPing(string(data)) or Socket.onPing(self, data)
    protocol.onPong = lambda self, data: self.runCase and self.runCase.onPong(string(data)) or Socket.onPong(self, data)


class Factory(fuzzing.FuzzingClientFactory):
    """The suite's own factory, with a fresh URL before each case and an exit status at the end."""

    done = False
    status = 2

    def nextCase(self):
        more = super().nextCase()
        if more and FRESH:
            minted = subprocess.run(shlex.split(FRESH), capture_output=True, text=True, timeout=30)
            if minted.returncode or not minted.stdout.strip():
                print(f"AB_URL_CMD failed: {minted.stderr.strip()[-300:]}", file=sys.stderr)
                self.stop(2)
                return False
            self.setSessionParameters(url=minted.stdout.strip().splitlines()[-1], origin=ORIGIN)
        return more

    def clientConnectionFailed(self, connector, reason):
        print(f"cannot connect: {reason.getErrorMessage()}", file=sys.stderr)
        self.stop(2)

    def clientConnectionLost(self, connector, reason):
        if self.done:
            return
        if self.nextCase():
            connector.connect()
        else:
            self.stop(0)  # a stop already under way keeps its own status

    def stop(self, status):
        if self.done:
            return
        self.done = True
        reactor.callLater(0.1, lambda: reactor.running and reactor.stop())
        with redirected(sys.__stdout__):
            self.status = report(self) or status


class redirected:
    """Standard output goes elsewhere for a while; the suite prints more than anyone wants to read."""

    def __init__(self, target):
        self.target = target

    def __enter__(self):
        self.before, sys.stdout = sys.stdout, self.target

    def __exit__(self, *_):
        sys.stdout.flush()
        sys.stdout = self.before


def rows_of(factory):
    """One row a case, in the order of the cases' numbers."""
    results = {case: result for agent in factory.agents.values() for case, result in agent.items()}
    return [
        {
            "case": case,
            "behavior": results[case]["behavior"],
            "close": results[case]["behaviorClose"],
            "code": results[case]["remoteCloseCode"],
            "ms": results[case]["duration"],
            "why": results[case]["result"],
            "why_close": results[case]["resultClose"],
        }
        for case in sorted(results, key=lambda case: [int(part) for part in case.split(".")])
    ]


def soft(behavior):
    return "OK" if behavior in SOFT else behavior


def differing(rows):
    """Rows that are not as the earlier run had them; prints the cases whose close differs."""
    with open(EXPECT) as file:
        then = {row["case"]: row for row in json.load(file)}
    ending = lambda row: (row["close"], row["code"])  # noqa: E731
    moved = [row["case"] for row in rows if row["case"] in then and ending(row) != ending(then[row["case"]])]
    print(f"close differs: {len(moved)}", *moved)
    return [row for row in rows if soft(row["behavior"]) != soft(then.get(row["case"], row | {"behavior": "OK"})["behavior"])]


def report(factory):
    """Writes the rows, prints the counts; 1 where a case fails, or is not as expected."""
    rows = rows_of(factory)
    with open(OUT, "w") as file:
        json.dump(rows, file, indent=1)
    ran = {row["case"] for row in rows}
    missing = [case for case in factory.specCases if case not in ran]
    counts = collections.Counter(row["behavior"] for row in rows)
    print(*(f"{word} {counts[word]}" for word in KNOWN), f"NOT-RUN {len(missing)} TOTAL {len(factory.specCases)}")
    closes = collections.Counter(row["close"] for row in rows)
    print("CLOSE", *(f"{word} {closes[word]}" for word in sorted(closes)))
    bad = differing(rows) if EXPECT else [row for row in rows if row["behavior"] not in KNOWN[:4]]
    for word in KNOWN[1:4]:
        cases = [row["case"] for row in rows if row["behavior"] == word]
        if cases:
            print(f"{word.lower()}:", *cases)
    print("failing:", " ".join(row["case"] for row in bad) or "none")
    for row in bad:
        print(f"  {row['case']:8} {row['behavior']}/{row['close']} code {row['code']}: {row['why']}")
    if missing:
        print("not run:", *missing)
    return 1 if bad and not missing else 0


def chosen(patterns):
    """Ids of the cases; the suite's own match is open at the end, so that '1.*' would mean 10 to 13 too."""
    ids = [case.__name__[len(CaseBasename) :].replace("_", ".") for case in Cases]
    pick = lambda wanted: [case for case in ids if any(fnmatch.fnmatchcase(case, one) for one in wanted)]  # noqa: E731
    left_out = set(pick((os.environ.get("AB_EXCLUDE") or "").split()))
    return [case for case in pick(patterns) if case not in left_out]


def main():
    url, *patterns = sys.argv[1:]
    cases = chosen(patterns or DEFAULT_CASES)
    if not cases:
        sys.exit("no case matches")
    teach(fuzzing.FuzzingClientProtocol)
    factory = Factory.__new__(Factory)
    server = {"agent": "target", "url": url, "origin": ORIGIN, "options": {"version": 18}}
    spec = {"servers": [server], "cases": cases, "exclude-cases": [], "exclude-agent-cases": {}}
    with redirected(open(os.devnull, "w")):
        reactor.callWhenRunning(lambda: factory.__init__(spec))
        reactor.callLater(LIMIT, lambda: factory.stop(2))
        reactor.run()
    sys.exit(factory.status)


if __name__ == "__main__":
    main()
