"""What processes used: CPU by the scheduler, memory by smaps, and what the rest of the machine did meanwhile."""

import os

TICK = os.sysconf("SC_CLK_TCK")


def _children():
    kids = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat") as file:
                stat = file.read()
        except OSError:
            continue
        kids.setdefault(int(stat[stat.rindex(")") + 2 :].split()[1]), []).append(int(name))
    return kids


def tree(pid):
    """A process and all that it started."""
    kids, out, todo = _children(), [], [pid]
    while todo:
        one = todo.pop()
        out.append(one)
        todo += kids.get(one, [])
    return out


def cpu(pids):
    """CPU of the processes so far, in seconds: the scheduler's exact figure, then user and system in ticks."""
    exact, user, system = 0, 0.0, 0.0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat") as file:
                stat = file.read()
            fields = stat[stat.rindex(")") + 2 :].split()
            user += (int(fields[11]) + int(fields[13])) / TICK
            system += (int(fields[12]) + int(fields[14])) / TICK
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/schedstat") as file:
                    exact += int(file.read().split()[0])
        except (OSError, ValueError):
            pass
    return exact / 1e9, user, system


def cpu_between(before, after):
    """Seconds between two readings. The scheduler's figure forgets threads that ended; the one in ticks does not."""
    exact = after[0] - before[0]
    ticks = (after[1] + after[2]) - (before[1] + before[2])
    total = ticks if ticks > exact * 1.03 + 0.025 else exact
    share = round((after[1] - before[1]) / ticks, 3) if ticks > 0.05 else None
    return {"cpu": total, "user_share": share}


def machine():
    """Seconds that all cores were busy, and seconds that the host took away."""
    with open("/proc/stat") as file:
        field = [int(word) for word in file.readline().split()[1:9]]
    busy = field[0] + field[1] + field[2] + field[5] + field[6]
    return {"busy": busy / TICK, "steal": field[7] / TICK}


def memory(pids):
    """Proportional and resident set of the processes, in KiB. Kernel socket memory is in neither."""
    found = {"Pss:": 0, "Rss:": 0}
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup") as file:
                for line in file:
                    word = line.split()
                    if word[0] in found:
                        found[word[0]] += int(word[1])
        except OSError:
            pass
    return {"pss_kb": found["Pss:"], "rss_kb": found["Rss:"]}
