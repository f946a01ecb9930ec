"""Which figures there are, what of a run's samples each one is, and what we want of it."""

import dataclasses
import statistics

# A sample during which others used more of the machine than this is left out.
FOREIGN, STOLEN = 0.2, 0.1


@dataclasses.dataclass
class Figure:
    """`pick` is min (the quietest repetition: interference only ever adds CPU time) or median. A goal is a ratio to the
    best peer by mode of TLS, or with `absolute` a value. `added` subtracts what the same load costs without any proxy."""

    title: str
    load: str
    metric: str
    digits: int
    pick: str = "median"
    goal: dict = dataclasses.field(default_factory=dict)
    absolute: bool = False
    added: bool = False
    rank: bool = True


def goals(none, upstream, both):
    return {mode: goal for mode, goal in (("none", none), ("upstream", upstream), ("both", both)) if goal is not None}


def costs(result):
    """CPU, memory and latency: lower is better."""
    idle, big, voice = result["idle"], result["idle_big"], result["voice"]
    tls = result["tls"] != "none"
    connection = "CPU µs per connection" + (", upstream sessions kept as each does by default" if tls else "")
    per, gb, conn = "cpu_us_per_msg", "cpu_s_per_gb", "cpu_us_per_conn"
    return [
        Figure("CPU µs per relayed message, 64 B", "relay_64", per, 2, "min", goals(1.05, 0.92, 0.85)),
        Figure("CPU µs per relayed message, 3,200 B", "relay_3200", per, 2, "min", goals(1.05, 0.97, 0.92)),
        Figure("CPU µs per relayed message, 64 KiB", "relay_64k", per, 1, "min", goals(1.0, 0.90, 0.88)),
        Figure("CPU µs per relayed message, 64 B pipelined (window 32)", "pipe_64", per, 3, "min", goals(1.10, 1.0, 1.0)),
        Figure("CPU s per GB, flood down (upstream to client)", "down_64k", gb, 3, "median", goals(1.0, 0.92, 0.92)),
        Figure("CPU s per GB, flood up (client to upstream)", "up_64k", gb, 3, "median", goals(1.0, 0.92, 0.92)),
        Figure(f"CPU µs per message, voice ({voice} paced sessions)", "voice", per, 2, "min", goals(1.05, None, None)),
        Figure("% of a core per 100 voice sessions", "voice", "core_pct_100", 2, "min"),
        Figure(connection, "connect", conn, 0, "min", goals(0.95, 0.55, 0.60)),
        Figure(f"{connection}, tokens that another process signed", "connect_elsewhere", conn, 0, "min", goals(0.95, 0.55, 0.60)),
        Figure("CPU µs per connection, every handshake a full one", "connect_full", conn, 0, "min", goals(None, 0.65, 0.70)),
        Figure("CPU µs per connection, clients resume too", "connect_resume", conn, 0, "min"),
        Figure("CPU µs per connection, ES256 tokens", "connect_ES256", conn, 0, "min"),
        Figure("CPU µs per connection, EdDSA tokens", "connect_EdDSA", conn, 0, "min"),
        Figure("% of upstream handshakes resumed, by default", "connect", "upstream_resumed_pct", 0, rank=False),
        Figure(f"PSS KiB per idle session, {idle:,}", f"idle_{idle}", "pss_kb_per_conn", 1, "median", goals(8, 14, 22), True),
        Figure(f"PSS KiB per idle session, {big:,}", f"idle_{big}", "pss_kb_per_conn", 1, "median", goals(8, 14, 22), True),
        Figure("PSS MiB at rest, before", f"idle_{idle}", "base_pss_mb", 1),
        Figure(
            f"PSS MiB at rest, after {idle:,} came and went",
            f"idle_{idle}",
            "after_close_pss_mb",
            1,
            "median",
            goals(None, 20, 20),
            True,
        ),
        Figure("the same, times before", f"idle_{idle}", "after_over_before", 2, "median", goals(1.5, None, None), True, rank=False),
        Figure(f"CPU µs a second per idle session, {idle:,}", f"idle_{idle}", "idle_cpu_us_per_s_per_conn", 2, rank=False),
        Figure("Added round trip µs, 1 connection, p50", "rtt_64", "p50_us", 0, added=True),
        Figure("Added round trip µs, 1 connection, p99", "rtt_64", "p99_us", 0, added=True),
        Figure("Added round trip µs, voice, p50", "voice", "p50_us", 0, added=True),
        Figure("Added round trip µs, voice, p99", "voice", "p99_us", 0, added=True),
    ]


def rates():
    """Wall-clock rates on this machine: higher is better. They say as much about the load as about the target."""
    return [
        Figure("Messages/s, 64 B ping-pong, 16 connections", "relay_64", "msgs_per_s", 0, rank=False),
        Figure("Messages/s, 64 B pipelined", "pipe_64", "msgs_per_s", 0, rank=False),
        Figure("GB/s, flood down", "down_64k", "gb_per_s", 2, rank=False),
        Figure("GB/s, flood up", "up_64k", "gb_per_s", 2, rank=False),
        Figure("Connections/s", "connect", "conns_per_s", 0, rank=False),
    ]


def quiet(samples):
    """Indices of the samples without much foreign load; all of them if fewer than two are quiet."""
    foreign, steal = samples.get("_foreign_cpu", []), samples.get("_steal", [])
    good = [i for i in range(len(foreign)) if foreign[i] <= FOREIGN and steal[i] <= STOLEN]
    return good if len(good) >= 2 else list(range(len(foreign)))


def value(result, name, figure):
    """The figure of one target, or nothing."""
    samples = result["data"].get(name, {}).get(figure.load, {})
    values = samples.get(figure.metric)
    if not values:
        return None
    indices = [i for i in quiet(samples) if i < len(values)] or range(len(values))
    if figure.added:
        base = result["data"].get("direct", {}).get(figure.load, {}).get(figure.metric)
        if not base or name == "direct":
            return None
        picked = [values[i] - base[i] for i in indices if i < len(base)]
    else:
        picked = [values[i] for i in indices]
    return {"min": min, "median": statistics.median}[figure.pick](picked) if picked else None


def of_kind(result, kind):
    return [name for name, target in result["targets"].items() if target["kind"] == kind and name in result["data"]]


def best(result, figure):
    """The best peer and its figure, or nothing."""
    found = [(value(result, name, figure), name) for name in of_kind(result, "peer")]
    found = [(number, name) for number, name in found if number is not None]
    return min(found) if found else None


def spread(result):
    """Largest over smallest of the repetitions by workload, the median over the targets."""
    found = {}
    for figures in result["data"].values():
        for load, samples in figures.items():
            for metric in ("cpu_us_per_msg", "cpu_s_per_gb", "cpu_us_per_conn", "pss_kb_per_conn"):
                values = [samples[metric][i] for i in quiet(samples) if i < len(samples[metric])] if metric in samples else []
                if len(values) > 1 and min(values) > 0:
                    found.setdefault(load, []).append(max(values) / min(values))
                    break
    return {load: statistics.median(values) for load, values in found.items()}
