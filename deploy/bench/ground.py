"""Where a run's things lie, which ports and cores it uses, and how it treats TLS. Set once by bench.py, read by all."""

import os
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
BENCH = TARGET / "bench"
BIN = BENCH / "bin"
RUN = BENCH / "run"
KEYS = RUN / "keys"
RESULTS = BENCH / "results"
WSLOAD = str(BIN / "wsload")
TOLLBRIDGE = os.environ.get("TOLLBRIDGE_BIN", str(TARGET / "dist/tollbridge"))

UPSTREAM_PORT = int(os.environ.get("BENCH_UPSTREAM_PORT", "19000"))
CONTROL_PORT = UPSTREAM_PORT + 1  # the upstream's counters in plain when its port speaks TLS
SNI = "upstream.test"
SECRET = "real-upstream-secret-8f1d2c"  # what the upstream of the benchmark wants; worth nothing elsewhere

CORES = os.cpu_count() or 1
TARGET_CORES = {CORES - 1}
LOAD_CORES = set(range(CORES - 1)) or {0}


class Mode:
    """How this run goes: `tls` is none, upstream or both; `pin` keeps target and load on cores of their own."""

    tls = "none"
    pin = CORES > 1


def folders():
    """Makes the folders that a run writes to."""
    for folder in (RUN, RESULTS):
        folder.mkdir(parents=True, exist_ok=True)
