"""One interleaved run: every workload on every target in turn, so that a noisy minute hits all of them."""

import dataclasses
import json
import os
import subprocess
import time

import ground
import loads
import targets
from checks import Checks
from processes import descriptors
from upstream import Upstream

# Most of such a message or connection is the kernel's and the same for everybody, or a target hardly does anything. What is left
# to tell apart is less than what a shared machine adds now and then, so these are measured six times in each repetition, and with TLS, where
# more is to be told apart, three times: by the quietest of twenty samples each, a ratio in plain TCP varies by three hundredths still.
# By the quietest of five it was 0.97 with TLS where thirty said 0.85.
CLOSE = ["relay_64", "relay_3200", "voice"]
CONNECTIONS = ["connect", "connect_elsewhere"]
# So are floods: what one costs hangs on how much each read happens to find, and two samples in a row may differ by half.
FLOODS = ["down_64k", "up_64k"]


@dataclasses.dataclass
class How:
    """How much is measured: seconds, sessions, connections and repetitions."""

    reps: int
    secs: float
    warm: float
    idle: int
    idle_big: int
    voice: int
    voice_secs: float
    connects: int
    hold: float
    rest: float = 0.5
    loads: list | None = None  # only these

    @classmethod
    def quick(cls):
        return cls(3, 0.35, 0.08, 500, 0, 100, 0.7, 250, 0.3, 0.3)

    @classmethod
    def smoke(cls):
        return cls(1, 0.2, 0.05, 100, 0, 20, 0.4, 50, 0.1, 0.1)

    @classmethod
    def full(cls):
        # The quietest of few is luck: of four on a shared machine it still varied by a fifth.
        if ground.Mode.tls != "none":
            return cls(10, 0.5, 0.15, 2000, 0, 100, 1.2, 600, 0.6)
        big = min(10000, (descriptors() - 800) // 2000 * 1000)  # a bridge needs two descriptors a session
        return cls(10, 0.5, 0.15, 2000, big, 100, 1.2, 1000, 0.6)


class Run:
    """What is measured, and what has been."""

    def __init__(self, names, how, leaders=None):
        self.how, self.leaders = how, leaders
        self.targets = targets.load(names)
        self.upstream = Upstream()
        self.data, self.errors, self.checks = {}, [], {}
        self.began = time.time()

    def note(self, text):
        print(f"[{time.time() - self.began:6.1f}s] {text}", flush=True)

    def fail(self, text):
        self.errors.append(text)
        self.note(text)

    def verify(self, every_algorithm, show=False):
        """Checks each target; true when nothing that must hold failed."""
        good = True
        for target in self.targets:
            if not target.takes_tokens:
                continue
            for algorithm in target.algorithms if every_algorithm else target.algorithms[:1]:
                good &= self._verify(target, algorithm, show)
        return good

    def _verify(self, target, algorithm, show):
        try:
            target.start(algorithm)
            results = Checks(target, self.upstream).run()
        except Exception as failure:  # noqa: BLE001 - whatever it was, the target did not pass
            results = [("ran", False, repr(failure))]
        finally:
            target.stop()
        self.checks[f"{target.name} {algorithm}"] = results
        bad = [what for what, good, _ in results if good is False]
        passed = sum(good is True for _, good, _ in results)
        self.note(f"verify {target.name} {algorithm}: {passed} ok, {len(bad)} failed{': ' + '; '.join(bad) if bad else ''}")
        for what, good, detail in results if show or bad else []:
            print(f"    {'ok ' if good else '-- ' if good is None else 'BAD'} {what}: {detail}", flush=True)
        return not bad

    def measure(self):
        """All repetitions, then the large number of idle sessions and the other algorithms."""
        mode = ground.Mode.tls
        order = [load for load in loads.ORDER if not (load == "rtt_64" and (mode != "none" or self.leaders))]
        order += {"none": [], "upstream": ["connect_full"], "both": ["connect_full", "connect_resume"]}[mode]
        order += ["connect_elsewhere"]
        if self.leaders is None:
            order += (CONNECTIONS + FLOODS) * 2 + CLOSE * (5 if mode == "none" else 2)
        for repetition in range(self.how.reps):
            self._start(self.targets)
            self.note(f"repetition {repetition + 1} of {self.how.reps}")
            # Memory hardly varies: three times will do.
            idle = [f"idle_{self.how.idle}"] if repetition < 3 else []
            wanted = [load for load in idle + order if not self.how.loads or {load, load.split("_")[0]} & set(self.how.loads)]
            for number, load in enumerate(wanted):
                for target in rotated(self.targets, repetition * 3 + number):
                    self._attempt(target, load)
            self._stop(self.targets)
        elsewhere(self.targets, self.data)

    def measure_more(self):
        """Connections with each algorithm, and many idle sessions."""
        for target in self.targets:
            figures = self.data.get(target.name, {})
            if target.takes_tokens and "connect_elsewhere" in figures:
                figures[f"connect_{target.algorithms[0]}"] = figures["connect_elsewhere"]
        for repetition in range(min(3, self.how.reps)):
            which = [target for target in self.targets if len(target.algorithms) > 1]
            self._start(which, 1)
            for target in rotated(which, repetition):
                self._attempt(target, f"connect_{target.algorithm}")
            self._stop(which)
        self.note("other algorithms")
        for target in self.targets if self.how.idle_big else []:
            if target.runs:  # a fresh process each, one at a time: three sockets a session
                self._start([target])
                self._attempt(target, f"idle_{self.how.idle_big}")
                self._stop([target])
        self.note(f"idle_{self.how.idle_big}")

    def _attempt(self, target, load):
        kind = load.split("_")[0] if load.startswith(("idle", "connect")) else load
        if load == "connect_elsewhere" and not target.own_mint:
            return
        compared = self.leaders is None or target.kind != "peer" or target.name in self.leaders[kind]
        if not compared or target.runs and target.process is None or kind == "idle" and not target.runs:
            return
        try:
            figures = loads.sample(target, self.upstream, load, self.how)
        except Exception as failure:  # noqa: BLE001 - the other targets go on
            self.fail(f"{target.name} {load}: {failure}")
            if target.process is not None and target.process.poll() is not None:
                target.process = None
            return
        for name, value in figures.items():
            if value is not None:
                self.data.setdefault(target.name, {}).setdefault(load, {}).setdefault(name, []).append(value)

    def _start(self, which, algorithm=0):
        for target in which:
            try:
                target.start(target.algorithms[algorithm])
            except Exception as failure:  # noqa: BLE001 - the other targets go on
                self.fail(f"{target.name} start: {failure}")

    @staticmethod
    def _stop(which):
        for target in which:
            target.stop()

    def result(self, kind):
        """Everything that a report needs."""
        about = {
            "date": time.strftime("%Y-%m-%d"),
            "kind": kind,
            "tls": ground.Mode.tls,
            "pinned": ground.Mode.pin,
            "took_s": round(time.time() - self.began),
            "fd_limit": descriptors(),
        }
        targets_ = {
            target.name: {
                "kind": target.kind,
                "about": target.settings.get("about", ""),
                "version": target.version(),
                "algorithm": target.algorithms[0] if target.takes_tokens else "",
            }
            for target in self.targets
        }
        found = about | machine() | dataclasses.asdict(self.how)
        return found | {"targets": targets_, "checks": self.checks, "errors": self.errors, "data": self.data}


def machine():
    """What it was measured on."""
    with open("/proc/cpuinfo") as file:
        models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    with open("/proc/sys/net/ipv4/tcp_congestion_control") as file:
        congestion = file.read().strip()
    commit = subprocess.run(["git", "-C", ground.ROOT, "log", "-1", "--format=%h"], capture_output=True, text=True)
    return {
        "cores": ground.CORES,
        "cpu": models[0] if models else "unknown",
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30),
        "kernel": os.uname().release.split("-")[0],
        "congestion": congestion,
        "commit": commit.stdout.strip(),
    }


def elsewhere(which, data):
    """None of a peer's tokens is its own."""
    for target in which:
        figures = data.get(target.name, {})
        if not target.own_mint and "connect" in figures:
            figures["connect_elsewhere"] = figures["connect"]


def rotated(items, by):
    by %= max(1, len(items))
    return items[by:] + items[:by]


def write(result, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1))
