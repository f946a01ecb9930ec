"""Runs the ported suite's fuzzing server; autobahn.sh says how.

    serve.py [CASE ...]

Prints "listening PORT" and "cases COUNT"; a client connects to /runCase?case=NUMBER&agent=NAME once for each number from 1
to COUNT. Prints "done ID" when a case's connection is gone, and the report when its standard input ends.
"""

import os
import socket
import sys
import threading

from twisted.internet import reactor

from suite import Endings, chosen, fuzzing, redirected, teach  # isort: skip, it goes before all of the suite
from autobahn.twisted.websocket import WebSocketServerProtocol
from report import report

LIMIT = float(os.environ.get("AB_LIMIT") or 900)


def say(line):
    """A line for whoever started this; the suite's own go nowhere."""
    print(line, file=sys.__stdout__, flush=True)


class Factory(Endings, fuzzing.FuzzingServerFactory):
    """The suite's own factory, which says when a case has ended."""

    status = None

    def logCase(self, result):
        super().logCase(result)
        say(f"done {result['id']}")

    def stop(self, status):
        if self.status is not None:
            return
        with redirected(sys.__stdout__):
            self.status = report(self) or status
        reactor.stop()


def at_end_of_input(act):
    """Calls `act` in the reactor once standard input has ended."""

    def wait():
        sys.stdin.read()
        reactor.callFromThread(act)

    threading.Thread(target=wait, daemon=True).start()


def main():
    cases = chosen(sys.argv[1:])
    teach(fuzzing.FuzzingServerProtocol, WebSocketServerProtocol)
    with socket.create_server(("127.0.0.1", 0)) as listener, redirected(open(os.devnull, "w")):
        listener.setblocking(False)
        port = listener.getsockname()[1]  # the factory compares it with the client's Host
        factory = Factory({"url": f"ws://127.0.0.1:{port}", "cases": cases, "options": {}})
        factory.protocol = fuzzing.FuzzingServerProtocol
        reactor.adoptStreamPort(listener.fileno(), socket.AF_INET, factory)
        say(f"listening {port}\ncases {len(cases)}")
        at_end_of_input(lambda: factory.stop(0))
        reactor.callLater(LIMIT, lambda: factory.stop(2))
        reactor.run()
    sys.exit(factory.status)


if __name__ == "__main__":
    main()
