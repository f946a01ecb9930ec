"""The upstream that wants a header: `wsload upstream`, held for the whole run, and its counters."""

import json
import subprocess
import sys
import time
import urllib.request

import ground
from processes import spawn, stop, wait_free, wait_port


class Upstream:
    def start(self):
        self.control = ground.UPSTREAM_PORT if ground.Mode.tls == "none" else ground.CONTROL_PORT
        for port in {ground.UPSTREAM_PORT, self.control}:
            if not wait_free(port):
                sys.exit(f"bench: port {port} is taken: set BENCH_UPSTREAM_PORT")
        command = [ground.WSLOAD, "upstream", "--listen", f"127.0.0.1:{ground.UPSTREAM_PORT}", "--secret", ground.SECRET]
        if ground.Mode.tls != "none":
            command += ["--tls", str(ground.KEYS), "--control", f"127.0.0.1:{ground.CONTROL_PORT}"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = spawn(command, ground.LOAD_CORES, **quiet)
        if not wait_port(self.control, self.process):
            sys.exit("bench: the upstream did not come up")

    def stop(self):
        stop(self.process)

    def _ask(self, path):
        url = f"http://127.0.0.1:{self.control}{path}"
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.read().decode()

    def stats(self):
        """Its counters: accepted, unauthorized, open, handshakes, and so on."""
        return json.loads(self._ask("/__stats"))

    def last(self):
        """The last request head that came in."""
        return self._ask("/__last")

    def tls_mode(self, mode):
        """resume: tickets are issued; full: none, so that every handshake is a full one; wrong: another CA's certificate."""
        if ground.Mode.tls != "none":
            self._ask(f"/__tls?mode={mode}")

    def drained(self, patience=15):
        """True once no session is left."""
        end = time.time() + patience
        while time.time() < end:
            if self.stats()["open"] == 0:
                return True
            time.sleep(0.05)
        return False
