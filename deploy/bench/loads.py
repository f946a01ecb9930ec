"""The workloads: what wsload does to a target, and which figures come of it."""

import json
import subprocess
import time

import ground
from accounting import cpu, cpu_between, machine, memory
from processes import spawn, stop

WINDOWED = {  # name: wsload's command, endpoint, query, arguments, connections
    "relay_64": ("relay", "echo", "", ["--size", "64", "--window", "1"], 16),
    "relay_3200": ("relay", "echo", "", ["--size", "3200", "--window", "1"], 16),
    "relay_64k": ("relay", "echo", "", ["--size", "65536", "--window", "1"], 8),
    "pipe_64": ("relay", "echo", "", ["--size", "64", "--window", "32"], 4),
    "down_64k": ("recv", "source", "size=65536&wait=1", [], 2),
    "up_64k": ("send", "sink", "", ["--size", "65536"], 2),
    "rtt_64": ("relay", "echo", "", ["--size", "64", "--window", "1"], 1),
}
# In this order, after `idle`, which wants fresh processes.
ORDER = ["rtt_64", "voice", "relay_64", "relay_3200", "relay_64k", "pipe_64", "down_64k", "up_64k", "connect"]
# Connections with tokens of the target's own mint; all others come with tokens that another process signed.
OWN_TOKENS = {"connect", "connect_full", "connect_resume"}
TIME_LIMIT_S = 120
# What a target does about a connection when it is over, such as writing an audit log, is part of its price.
AFTERMATH_S = 0.8


class Driven:
    """One wsload command: it says READY (or UP) and DONE, and waits in between while counters are read."""

    def __init__(self, args, pids, upstream, hold, tail, settle):
        self.pids, self.upstream, self.hold, self.tail, self.settle = pids, upstream, hold, tail, settle
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = spawn([ground.WSLOAD, *args, "--sync"], ground.LOAD_CORES, **pipes)
        self.before = self.after = self.memory = self.result = None

    def look(self):
        own = cpu([self.process.pid, self.upstream.process.pid])
        return {"t": time.monotonic(), "cpu": cpu(self.pids), "own": own, "machine": machine()}

    def go_on(self):
        try:
            self.process.stdin.write("\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass

    def hear(self, line):
        if line == "READY":
            time.sleep(self.settle)
            self.before = self.look()
            self.go_on()
        elif line.startswith("UP"):
            time.sleep(0.4)
            self.before = self.look()
            self.memory = memory(self.pids)
            time.sleep(self.hold)
            self.after = self.look()
            self.go_on()
        elif line.startswith("DONE"):
            self.result = json.loads(line[5:])
            if self.after is None:
                time.sleep(self.tail)
                self.after = self.look()
            self.go_on()
        elif line.startswith("FAIL"):
            raise RuntimeError(line)

    def run(self):
        dead = time.time() + TIME_LIMIT_S
        try:
            for line in self.process.stdout:
                self.hear(line.strip())
                if time.time() > dead:
                    raise RuntimeError("timed out")
            self.process.wait(20)
        finally:
            stop(self.process)
        if self.result is None or self.before is None:
            raise RuntimeError("wsload ended early")
        return self.result | self.used()

    def used(self):
        a, b = self.before, self.after
        target = cpu_between(a["cpu"], b["cpu"])
        own = cpu_between(a["own"], b["own"])["cpu"]
        busy = b["machine"]["busy"] - a["machine"]["busy"]
        wall = b["t"] - a["t"]
        found = target | {"wall": wall, "foreign": max(0.0, busy - target["cpu"] - own)}
        found["steal"] = b["machine"]["steal"] - a["machine"]["steal"]
        return found | ({"memory": self.memory} if self.memory else {})


def drive(args, pids, upstream, hold=0.0, tail=0.03, settle=0.02):
    """Runs one wsload command to its end; its own figures and what the target used meanwhile, from `settle` seconds after the
    connections are up until `tail` seconds after."""
    return Driven(args, pids, upstream, hold, tail, settle).run()


def sample(target, upstream, load, how):
    """One workload on one target, as a dict of figures; those that start with _ are about the measurement."""
    if load in WINDOWED:
        run, figures = _windowed(target, upstream, load, how)
    elif load == "voice":
        run, figures = _voice(target, upstream, how)
    elif load.startswith("connect"):
        run, figures = _connect(target, upstream, load, how)
    else:
        run, figures = _idle(target, upstream, int(load.split("_")[1]), how)
    wall = max(run["wall"], 1e-9)
    figures["_user_share"] = run.get("user_share")
    figures["_foreign_cpu"] = round(run["foreign"] / wall, 3)
    figures["_steal"] = round(run["steal"] / wall, 3)
    return figures


def _windowed(target, upstream, load, how):
    command, endpoint, query, args, conns = WINDOWED[load]
    seconds = how.secs * (0.8 if load == "rtt_64" else 1.0)
    args = [command, *target.load_args(endpoint, conns + 1, query), *args, "--conns", str(conns), "--secs", str(seconds)]
    if command == "relay":
        args += ["--warmup", str(how.warm)]
    run = drive(args, target.pids, upstream)
    figures = {"msgs_per_s": run["msgs_per_s"]}
    if command != "relay":
        figures["cpu_s_per_gb"] = run["cpu"] / (run["bytes"] / 1e9)
        figures["gb_per_s"] = run["bytes_per_s"] / 1e9
        return run, figures
    figures["cpu_us_per_msg"] = run["cpu"] * 1e6 / run["relayed"]
    figures |= {name: run["lat"][name] for name in ("p50_us", "p99_us", "p999_us", "max_us")}
    if load == "relay_64k":
        figures["cpu_s_per_gb"] = run["cpu"] / (run["relayed"] * 65536 / 1e9)
    return run, figures


def _voice(target, upstream, how):
    conns = how.voice
    args = ["voice", *target.load_args("voice", conns + 1), "--conns", str(conns), "--secs", str(how.voice_secs)]
    # A hundred admissions on their way into an audit log would be a twentieth of what little a target does here.
    run = drive(args, target.pids, upstream, settle=AFTERMATH_S)
    figures = {name: run["lat"][name] for name in ("p50_us", "p99_us", "p999_us", "max_us")}
    figures |= {"cpu_us_per_msg": run["cpu"] * 1e6 / run["relayed"], "misses": run["misses"], "late_sends": run["late_sends"]}
    figures["core_pct_100"] = run["cpu"] / run["secs"] * 100 * 100 / conns
    return run, figures


def _connect(target, upstream, load, how):
    extra = ["--resume"] if load.endswith("_resume") else []
    upstream.tls_mode("full" if load.endswith("_full") else "resume")
    asked = "ask" if load in OWN_TOKENS else "elsewhere"
    # The idle sessions warmed the path of the first kind only.
    for count, tail in ((how.connects // 5, 0.03), (how.connects, AFTERMATH_S)):
        before = upstream.stats()
        tokens = target.load_args("echo", count + 16, how=asked)
        time.sleep(target.settings.get("settle_s", 0))  # what minting leaves to do is no part of a connection
        args = ["connect", *tokens, "--total", str(count), "--conc", "8", *extra]
        run = drive(args, target.pids, upstream, tail=tail)
    after = upstream.stats()
    upstream.tls_mode("resume")
    if run["errors"]:
        raise RuntimeError(f"{run['errors']} errors: {run['first_error']}")
    figures = {"cpu_us_per_conn": run["cpu"] * 1e6 / run["ok"], "conns_per_s": run["connects_per_s"]}
    figures |= {name: run["first_echo"][name] for name in ("p50_us", "p99_us")}
    full, resumed = (after[name] - before[name] for name in ("tls_full", "tls_resumed"))
    if full + resumed:
        figures["upstream_resumed_pct"] = resumed / (full + resumed) * 100
    return run, figures


def _idle(target, upstream, conns, how):
    fresh = memory(target.pids)
    tokens = target.load_args("echo", conns + 1, how="elsewhere")  # what minting leaves behind is another matter
    args = ["idle", *tokens, "--conns", str(conns), "--conc", "64", "--echo", "3200"]
    run = drive(args, target.pids, upstream, hold=how.hold)
    if run["lost"]:
        raise RuntimeError(f"{run['lost']} of {conns} idle connections were lost")
    upstream.drained()
    time.sleep(how.rest)
    left = memory(target.pids)
    held = run["memory"]
    return run, {
        "pss_kb_per_conn": (held["pss_kb"] - fresh["pss_kb"]) / conns,
        "rss_kb_per_conn": (held["rss_kb"] - fresh["rss_kb"]) / conns,
        "base_pss_mb": fresh["pss_kb"] / 1024,
        "after_close_pss_mb": left["pss_kb"] / 1024,
        "after_over_before": left["pss_kb"] / max(1, fresh["pss_kb"]),
        "idle_cpu_us_per_s_per_conn": run["cpu"] / run["wall"] * 1e6 / conns,
    }
