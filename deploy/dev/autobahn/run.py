"""Runs the ported suite's fuzzing client; autobahn.sh says how.

    run.py WS_URL [CASE ...]
"""

import os
import shlex
import subprocess
import sys
import urllib.request

from twisted.internet import reactor

from suite import Endings, chosen, fuzzing, redirected, teach  # isort: skip, it goes before all of the suite
from autobahn.twisted.websocket import WebSocketClientProtocol
from report import report

ORIGIN = os.environ.get("AB_ORIGIN") or None
COMMAND = os.environ.get("AB_URL_CMD")
SOURCE = os.environ.get("AB_URL_FROM")
LIMIT = float(os.environ.get("AB_LIMIT") or 900)


def fresh():
    """One new URL, from the command or the address that gives them out; None where neither is set."""
    if SOURCE:
        with urllib.request.urlopen(SOURCE, timeout=30) as answer:
            return answer.read().decode().strip()
    if COMMAND:
        said = subprocess.run(shlex.split(COMMAND), capture_output=True, text=True, timeout=30)
        if said.returncode or not said.stdout.strip():
            raise OSError(f"AB_URL_CMD failed: {said.stderr.strip()[-300:]}")
        return said.stdout.strip().splitlines()[-1]
    return None


class Factory(Endings, fuzzing.FuzzingClientFactory):
    """The suite's own factory, with a fresh URL before each case and an exit status at the end."""

    done = False
    status = 2

    def nextCase(self):
        more = super().nextCase()
        try:
            url = fresh() if more else None
        except OSError as failure:
            print(f"no fresh URL: {failure}", file=sys.stderr)
            self.stop(2)
            return False
        if url:
            self.setSessionParameters(url=url, origin=ORIGIN)
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


def main():
    url, *patterns = sys.argv[1:]
    cases = chosen(patterns)
    teach(fuzzing.FuzzingClientProtocol, WebSocketClientProtocol)
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
