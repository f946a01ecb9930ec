"""Tables of a run, as Markdown."""

import statistics

from figures import FOREIGN, best, costs, of_kind, rates, spread, value


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def number(figure, found):
    return "" if found is None else f"{found:,.{figure.digits}f}"


def versus(result):
    """Tollbridge against the best peer, figure by figure, with what we want of it."""
    name = of_kind(result, "candidate")[0]
    rows = []
    for figure in costs(result):
        ours, theirs = value(result, name, figure), best(result, figure)
        if ours is None or not figure.rank and not figure.goal:
            continue
        ratio = ours / theirs[0] if theirs and theirs[0] > 0 and figure.rank else None
        peer = f"{theirs[1]} {number(figure, theirs[0])}" if theirs and figure.rank else ""
        wanted, met = verdict(figure, result["tls"], ours, ratio)
        shown = "" if ratio is None else f"{ratio:.2f}" if met is not False or figure.absolute else f"**{ratio:.3f}**"
        mine = number(figure, ours)
        rows.append([figure.title, f"**{mine}**" if met is False and figure.absolute else mine, peer, shown, wanted])
    return table(["figure", "Tollbridge", "best peer", "ratio", "wanted"], rows)


def verdict(figure, mode, ours, ratio):
    """What is wanted, as text, and whether it is met; nothing where nothing is wanted or it cannot be told."""
    goal = figure.goal.get(mode)
    if goal is None:
        return "", None
    if figure.absolute:
        return f"≤ {goal:g}", ours <= goal
    return f"≤ {goal:.2f} ×", None if ratio is None else ratio <= goal


def missed(result):
    """Titles of the goals that this run does not meet."""
    name = of_kind(result, "candidate")[0]
    found = []
    for figure in costs(result):
        ours, theirs = value(result, name, figure), best(result, figure)
        ratio = ours / theirs[0] if ours is not None and theirs and theirs[0] > 0 else None
        if ours is not None and verdict(figure, result["tls"], ours, ratio)[1] is False:
            found.append(figure.title)
    return found


def names(result):
    """Tollbridge, its peers, then the references."""
    return [name for kind in ("candidate", "peer", "reference") for name in of_kind(result, kind)]


def whole(result, figures):
    """Every target; in brackets the ratio to the best peer."""
    columns = [name for name in names(result) if name != "direct" or figures[0].metric == "msgs_per_s"]
    rows = []
    for figure in figures:
        found = {name: value(result, name, figure) for name in columns}
        if all(one is None for one in found.values()):
            continue
        top = best(result, figure) if figure.rank else None
        rows.append([figure.title] + [cell(figure, found[name], top, name) for name in columns])
    return table(["figure", *columns], rows)


def cell(figure, found, top, name):
    text = number(figure, found)
    if found is not None and top and top[0] > 0:
        text += f" ({found / top[0]:.2f})"
    return f"**{text}**" if top and name == top[1] else text


def during(result, metric):
    """What happened beside the measurement, over all samples."""
    samples = [samples for figures in result["data"].values() for samples in figures.values()]
    return [one for sample in samples for one in sample.get(metric, [])]


def warning(result):
    """Says so when the machine was too busy for any figure to mean something."""
    foreign = during(result, "_foreign_cpu")
    if not foreign or statistics.median(foreign) <= FOREIGN:
        return ""
    return (
        f"**Other processes used {statistics.median(foreign):.2f} of {result['cores']} cores while this was measured: "
        "these figures mean nothing.**\n"
    )


def noise(result):
    """How quiet the machine was, and how far the repetitions lie apart."""
    foreign, stolen = during(result, "_foreign_cpu"), during(result, "_steal")
    if not foreign:
        return ""
    apart = ", ".join(f"{load} {times:.2f}" for load, times in spread(result).items())
    return (
        f"Other processes used a median {statistics.median(foreign):.2f} (worst {max(foreign):.2f}) of {result['cores']} cores; "
        f"the host took {statistics.median(stolen):.2f} (worst {max(stolen):.2f}). Largest over smallest repetition, median of the "
        f"targets: {apart}.\n"
    )


def where(result):
    return (
        f"{result['date']}, {result['cores']} cores ({result['cpu']}), {result['memory_gb']} GiB, Linux {result['kernel']}, "
        f"loopback, {result['congestion']} congestion control; {result['reps']} interleaved repetitions in {result['took_s']} s; "
        + ("targets pinned to one core, load and upstream to the others" if result["pinned"] else "not pinned")
        + f"; commit {result['commit'] or 'unknown'}.\n"
    )


def versions(result):
    found = {name: target["version"] for name, target in result["targets"].items() if target["version"]}
    return "; ".join(f"{name} {version}" for name, version in found.items()) + ".\n"


def report(result):
    """Everything about one run."""
    parts = [where(result), warning(result)]
    if of_kind(result, "candidate"):
        parts += ["Tollbridge and the best peer; bold is short of what is wanted.\n", versus(result)]
    parts += ["All targets; in brackets the ratio to the best peer, which is bold.\n", whole(result, costs(result))]
    parts += ["Wall clock, for orientation.\n", whole(result, rates()), noise(result), "Versions: " + versions(result)]
    if result["errors"]:
        parts.append("Errors: " + "; ".join(error.splitlines()[0] for error in result["errors"]) + "\n")
    return "\n".join(parts)
