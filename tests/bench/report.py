# SPDX-License-Identifier: MIT
"""What was measured, as a table and as JSON; chart.py draws it."""

import dataclasses
import datetime
import json
import os
import platform
import re
import subprocess

import chart
from chart import number

GROUPS = (("start", "Start"), ("instructions", "Guest instructions per request"),
          ("rate", "Requests per second over TAP, one vCPU under TCG"),
          ("memory", "Size and memory"),
          ("tls", "HTTPS beside nginx with OpenSSL, over TAP, ECDSA P-256, X25519"),
          ("boards", "lm3s6965evb: 64 KiB of RAM, Cortex-M3, beside lwIP's own httpd"),
          ("clock", "Wall-clock error against the host, whose clock is chronyd's: median"),
          ("native", "Requests per second, one core for the server: BOARD=host, ACCEL=kvm"),
          ("waiting", "Requests that wait, all at once, microvm"),
          ("backend", "Requests that wait for a backend, all at once, microvm"),
          ("switch", "A switch on this computer, one way: BOARD=host"),
          ("postgres", "PostgreSQL, one core for the client: BOARD=host, libpq, aiopg"))


@dataclasses.dataclass
class Figure:
    """One line of the table: ours, what others needed, and what was asked for."""
    group: str
    name: str
    unit: str
    ours: float
    beside: dict = dataclasses.field(default_factory=dict)
    judged: float = 0            # what the target is about: a ratio, or ours again
    of: str = ""                 # its words: "of the empty guest"
    target: float = 0            # 0: none
    least: bool = False          # the target is a lower bound
    note: str = ""
    spread: str = ""
    who: str = "Zeitkern"        # our bar in the chart

    def met(self):
        """True, False, or None without a target."""
        if not self.target:
            return None
        return self.judged >= self.target if self.least else self.judged <= self.target

    def verdict(self):
        """The target's column."""
        if not self.target:
            return ""
        bound = "at least" if self.least else "at most"
        return f"{bound} {number(self.target)}: {'met' if self.met() else 'MISSED'}"

    def ratio(self):
        """The column of what is judged, where it is not ours itself."""
        if not self.of or (self.target and self.judged == self.ours and self.unit != "x"):
            return ""
        digits = 4 if number(self.judged) == number(self.target) else 3
        return f"{number(self.judged, digits)} {self.of}"

    def others(self):
        """The column of what it was measured beside."""
        return ", ".join(f"{name} {number(value)}" for name, value in self.beside.items())


def version_of(*command):
    """The first line a program prints."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False)
    except OSError:
        return f"no {command[0]}"
    return done.stdout.decode().splitlines()[0].strip()


def conditions(quick, load_before):
    """Where and when: {what: words}."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    qemu = version_of("qemu-system-x86_64", "--version")
    loads = [os.getloadavg()[0], load_before]
    return {"date": datetime.date.today().isoformat(),
            "mode": "quick" if quick else "full",
            "computer": f"{os.cpu_count()} cores, {model[1] if model else platform.machine()}",
            "load": f"{loads[1]:.1f} before, {loads[0]:.1f} at the end (its own part included)",
            "qemu": re.sub(r"QEMU emulator version ", "QEMU ", qemu),
            "compiler": version_of("gcc", "--version"),
            "wrk": version_of("wrk", "-v").split(" Copyright")[0]}


def in_groups(figures):
    """(title, figures) of each group that has any."""
    for group, title in GROUPS:
        found = [figure for figure in figures if figure.group == group]
        if found:
            yield title, found


def as_table(figures):
    """The plain table."""
    lines = []
    for title, found in in_groups(figures):
        lines += ["", title]
        rows = [(f.name, f"{number(f.ours)} {f.unit}".strip(), f.others(), f.ratio(), f.verdict())
                for f in found]
        widths = [max(len(row[i]) for row in rows) for i in range(5)]
        for row, figure in zip(rows, found):
            cells = [f"  {row[0]:<{widths[0]}}", f"{row[1]:>{widths[1]}}"]
            cells += [f"{row[i]:<{widths[i]}}" for i in (2, 3, 4) if widths[i]]
            lines.append("  ".join(cells).rstrip())
            if figure.note:
                lines.append(f"      {figure.note}")
    return "\n".join(lines[1:]) + "\n"


def as_markdown(figures, where, missing):
    """results.md."""
    lines = ["# Results of `make bench`", "",
             "Every figure was measured in one run, the systems in turn. Linux is Debian's cloud "
             "kernel with a static C epoll server as /init, on the same QEMU, devices and vCPU; "
             "the empty guest ends at its first instruction.", ""]
    lines += [f"- {what}: {words}" for what, words in where.items()]
    for title, found in in_groups(figures):
        lines += ["", f"## {title}", "", "| | Zeitkern | beside | ratio | wanted |",
                  "|---|---|---|---|---|"]
        for f in found:
            notes = "; ".join(filter(None, (f.spread, f.note)))
            name = f"{f.name} ({notes})" if notes else f.name
            cells = (name, f"{number(f.ours)} {f.unit}".strip(), f.others(), f.ratio(), f.verdict())
            lines.append("| " + " | ".join(cells) + " |")
    if missing:
        lines += ["", "## Not measured here", ""] + [f"- {line}" for line in missing]
    return "\n".join(lines) + "\n"


def write(figures, where, missing, folder, here):
    """results.json into `folder`, results.md and chart.svg into `here`."""
    with open(os.path.join(folder, "results.json"), "w", encoding="utf-8") as file:
        rows = [dict(dataclasses.asdict(figure), met=figure.met()) for figure in figures]
        json.dump({"conditions": where, "figures": rows, "missing": missing}, file, indent=1)
        file.write("\n")
    with open(os.path.join(here, "results.md"), "w", encoding="utf-8") as file:
        file.write(as_markdown(figures, where, missing))
    with open(os.path.join(here, "chart.svg"), "w", encoding="utf-8") as file:
        file.write(chart.as_svg(GROUPS, figures, where))
