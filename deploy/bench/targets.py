"""What is measured: one JSON file a target says how to start it, what to ask it and where its tokens come from."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import time

import ground
from accounting import tree
from mint import Mint
from processes import descriptors, spawn, stop, wait_free, wait_port

# What each figure is compared with when there is no time for all: the peer that leads in it.
LEADERS = {
    "idle": ["haproxy"],
    "voice": ["nginx"],
    "relay_64": ["nginx"],
    "relay_3200": ["nginx"],
    "relay_64k": ["nginx-64k"],
    "pipe_64": ["nginx"],
    "down_64k": ["nginx-64k"],
    "up_64k": ["envoy"],
    "connect": ["haproxy"],
}
# With TLS, Envoy leads in bulk and in handshakes.
TLS_LEADERS = LEADERS | {"relay_64k": ["envoy"], "down_64k": ["nginx-64k"], "up_64k": ["nginx-64k"], "connect": ["envoy"]}
# haproxy-splice by name only: it gains nothing over loopback (docs/adr/0009-copy-not-splice.md).
PEERS = {"none": ["haproxy", "envoy", "nginx", "nginx-64k"], "tls": ["haproxy", "envoy", "nginx", "nginx-64k"]}
REFERENCES = {"none": ["direct", "tcp-copy", "tcp-splice"], "tls": ["direct", "tcp-copy", "tls-copy"]}


def keys():
    """Makes the keys and certificates of the benchmark, once."""
    if not (ground.KEYS / "jwks-public.json").exists():
        subprocess.run([ground.WSLOAD, "keygen", "--dir", ground.KEYS], check=True)
    if not (ground.KEYS / "tls-wrong.key").exists():
        subprocess.run([ground.WSLOAD, "tlsgen", "--dir", ground.KEYS], check=True)


def sign(algorithm, count=1, extra=()):
    """Tokens signed with the benchmark's own keys."""
    command = [ground.WSLOAD, "mint", "--keys", ground.KEYS, "--alg", algorithm, "--count", str(count), *extra]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def fill(text, names):
    """Replaces each @NAME@ that is known."""
    return re.sub(r"@([A-Z0-9_]+)@", lambda found: names.get(found.group(1), found.group(0)), text)


class Target:
    def __init__(self, path):
        self.settings = json.loads(pathlib.Path(path).read_text())
        self.folder = pathlib.Path(path).resolve().parent
        self.name = self.settings["name"]
        self.kind = self.settings["kind"]
        self.algorithms = self.settings.get("algs", ["ES256"])
        self.algorithm = self.algorithms[0]
        self.process = None
        self.pids = []
        self._pool = {}
        self._mint = None

    @property
    def runs(self):
        """Is there a process of its own?"""
        return "cmd" in self.settings

    @property
    def takes_tokens(self):
        return self.settings.get("auth") != "header"

    def missing(self):
        """Why this target cannot be measured here, or nothing."""
        if ground.Mode.tls != "none" and not self.settings.get("tls"):
            return "has no TLS form"
        program = fill(self.settings["cmd"][0], self.names()) if self.runs else "/bin/sh"
        return None if shutil.which(program) else f"is not installed ({program})"

    def secure(self):
        """Does the load speak TLS to this target? One without TLS of its own passes the upstream's through."""
        return ground.Mode.tls == "both" or ground.Mode.tls == "upstream" and self.settings.get("tls") == "through"

    def names(self):
        """What @NAME@ stands for in this target's settings and files."""
        keys = ground.KEYS
        limit = descriptors()
        names = {
            "UPSTREAM": f"127.0.0.1:{ground.UPSTREAM_PORT}",
            "UPSTREAM_PORT": str(ground.UPSTREAM_PORT),
            "SECRET": ground.SECRET,
            "KEYS": str(keys),
            "BIN": str(ground.BIN),
            "TOLLBRIDGE": ground.TOLLBRIDGE,
            "ALG": self.algorithm,
            "WORK": str(ground.RUN / self.name),
            "FDS": str(limit),
            "MAXCONN": str((limit - 800) // 2),
            "JWKS": (keys / f"jwks-{self.algorithm}.json").read_text(),
            "SNI": ground.SNI,
            "CA": f"{keys}/tls-ca.pem",
            "CERT": f"{keys}/tls-server.crt",
            "CERTKEY": f"{keys}/tls-server.key",
            "CERTPEM": f"{keys}/tls-server.pem",
        }
        names |= self._tls_names(names)
        names["PORT"] = fill(str(self.settings["port"]), names)
        more = self.settings.get("vars", {}).get(self.algorithm, {})
        return names | {name: fill(text, names) for name, text in more.items()}

    def _tls_names(self, names):
        """What differs with TLS: NAME is a text with it, or [text without, text with]."""
        legs = self.settings.get("tls")
        legs = legs if isinstance(legs, dict) else {}
        found = {}
        for leg, on in (("upstream", ground.Mode.tls != "none"), ("listener", ground.Mode.tls == "both")):
            for name, text in legs.get(leg, {}).items():
                without, with_tls = text if isinstance(text, list) else ("", text)
                found[name] = fill(with_tls if on else without, names)
        return found

    def start(self, algorithm=None):
        """Writes its files and starts it, for tokens of one algorithm."""
        self.algorithm = algorithm or self.algorithms[0]
        names = self.names()
        self.port = int(names["PORT"])
        if not self.runs:
            return
        work = pathlib.Path(names["WORK"])
        work.mkdir(parents=True, exist_ok=True)
        for name, source in self.settings.get("files", {}).items():
            (work / name).write_text(fill((self.folder / source).read_text(), names))
        wait_free(self.port)  # an earlier instance's
        command = [fill(word, names) for word in self.settings["cmd"]]
        (work / "log").write_bytes(b"")
        with open(work / "log", "ab") as log:
            output = {"stdout": log, "stderr": log, "stdin": subprocess.DEVNULL}
            self.process = spawn(command, ground.TARGET_CORES, env=self._environment(names), cwd=work, **output)
        if not (wait_port(self.port, self.process, 20) and self._answers(work / "log")):
            self.stop()
            tail = (work / "log").read_text(errors="replace")[-1500:]
            raise RuntimeError(f"{self.name} did not come up\n{tail}")
        time.sleep(0.3)
        self.pids = tree(self.process.pid)
        try:
            self._mint = Mint(self) if self.own_mint else None
        except Exception:
            self.stop()
            raise

    def _answers(self, log, patience=10):
        """Waits for the line that says so, where the target has one: a port may listen long before it is served."""
        line = self.settings.get("ready_line")
        end = time.time() + patience
        while line and not any(said.startswith(line) for said in log.read_text(errors="replace").splitlines()):
            if time.time() > end or self.process.poll() is not None:
                return False
            time.sleep(0.02)
        return True

    def _environment(self, names):
        base = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": names["WORK"], "LANG": "C.UTF-8"}
        return base | {name: fill(text, names) for name, text in self.settings.get("env", {}).items()}

    def stop(self):
        stop(self.process)
        self.process, self.pids, self._mint = None, [], None

    def url(self, endpoint, query=""):
        """The URL of echo, sink, source or voice, with {token} where one belongs; `query` is the upstream's own."""
        template = self.settings.get("urls", {}).get(endpoint) or self.settings.get(
            "url", "ws://127.0.0.1:{port}/{endpoint}?{query}{token_param}"
        )
        token = "token={token}" if self.takes_tokens else ""
        query += "&" if query and token else ""
        template = re.sub("^ws:", "wss:", template) if self.secure() else template
        template = template.replace("{port}", str(self.port)).replace("{endpoint}", endpoint)
        return template.replace("{query}", query).replace("{token_param}", token).rstrip("?")

    def load_args(self, endpoint, count, query="", how="ask"):
        """What wsload must be told to open `count` sessions here; `how` as for `tokens`."""
        args = ["--url", self.url(endpoint, query)]
        if self.secure():
            args += ["--ca", f"{ground.KEYS}/tls-ca.pem", "--sni", ground.SNI]
        if not self.takes_tokens:
            return [*args, "--header", f"Authorization: Bearer {ground.SECRET}"]
        file = ground.RUN / f"tokens-{self.name}"
        file.write_text("\n".join(self.tokens(count, endpoint, how)) + "\n")
        return [*args, "--tokens", str(file)]

    @property
    def own_mint(self):
        """Does the target mint its tokens itself? Else the benchmark's keys do."""
        return "tokens" in self.settings

    def tokens(self, count, endpoint="echo", how="ask"):
        """Tokens that this target has not seen: as its users ask it for them, or by another command of its own, which is
        another process."""
        if self.own_mint:
            names = {"COUNT": str(count), "ENDPOINT": endpoint}
            return self._mint.ask(count, names) if how == "ask" else self.command(how, names).split()
        pool = self._pool.setdefault(self.algorithm, [])
        while len(pool) < count:
            pool += sign(self.algorithm, max(count, 4000))
        out, self._pool[self.algorithm] = pool[:count], pool[count:]
        return out

    def command(self, how, more):
        """What one of the target's own commands about tokens prints."""
        names = self.names() | more
        command = [fill(word, names) for word in self.settings["tokens"][how]]
        done = subprocess.run(command, capture_output=True, text=True, cwd=names["WORK"], env=self._environment(names))
        if done.returncode:
            raise RuntimeError(f"{self.name} does not do {how}: {done.stderr.strip()[-500:]}")
        return done.stdout

    def version(self):
        """What the program calls itself: its number if there is exactly one in its first line."""
        if "version" not in self.settings:
            return ""
        command = [fill(word, self.names()) for word in self.settings["version"]]
        done = subprocess.run(command, capture_output=True, text=True)
        line = ((done.stdout + done.stderr).strip().splitlines() or [""])[0]
        found = set(re.findall(r"\d+\.\d+\.\d+", line))
        return found.pop() if len(found) == 1 else line[:120]


def load(names):
    """The named targets that can be measured here; says which cannot, and why."""
    found = []
    for name in names:
        target = Target(name if name.endswith(".json") else ground.HERE / f"targets/{name}.json")
        reason = target.missing()
        if reason:
            print(f"bench: {target.name} {reason}: left out", flush=True)
        else:
            found.append(target)
    return found
