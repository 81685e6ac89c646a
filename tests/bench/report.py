# SPDX-License-Identifier: MIT
"""What was measured, as a table, as JSON and as a chart."""

import dataclasses
import datetime
import html
import json
import os
import platform
import re
import subprocess

GROUPS = (("start", "Start"), ("instructions", "Guest instructions per request"),
          ("rate", "Requests per second over TAP, one vCPU under TCG"),
          ("memory", "Size and memory"),
          ("native", "Requests per second, one core for the server: BOARD=host, ACCEL=kvm"))


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
        return f"{number(self.judged)} {self.of}"

    def others(self):
        """The column of what it was measured beside."""
        return ", ".join(f"{name} {number(value)}" for name, value in self.beside.items())


def number(value):
    """A figure with three significant digits or none after the point."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def version_of(*command):
    """The first line a program prints."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
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
            "computer": f"{os.cpu_count()} cores, {model[1] if model else platform.machine()}, "
                        f"Linux {platform.release()}",
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
             "kernel with a static C epoll server as /init, on the same QEMU, devices and vCPU; the "
             "empty guest ends at its first instruction.", ""]
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
    """build/bench/results.json, tests/bench/results.md and chart.svg."""
    with open(os.path.join(folder, "results.json"), "w", encoding="utf-8") as file:
        rows = [dict(dataclasses.asdict(figure), met=figure.met()) for figure in figures]
        json.dump({"conditions": where, "figures": rows, "missing": missing}, file, indent=1)
        file.write("\n")
    with open(os.path.join(here, "results.md"), "w", encoding="utf-8") as file:
        file.write(as_markdown(figures, where, missing))
    with open(os.path.join(here, "chart.svg"), "w", encoding="utf-8") as file:
        file.write(as_svg(figures, where))


# ---- The chart: each figure a row of bars, ours and what it was measured beside -------------

WIDTH, LABEL, BAR, GAP, VALUE = 860, 330, 14, 10, 90
COLOURS = {"Zeitkern": "#1f6f8b", "Linux": "#b0762e", "empty guest": "#8a8f94",
           "nginx": "#5b8c3a", "C epoll": "#b0762e"}
MORE_COLOURS = ("#7d5a94", "#946a5a", "#5a8a94")
CHART_GROUPS = ("start", "instructions", "rate", "native")


def bars_of(figure):
    """[(who, value)] of a figure, ours first."""
    return [(figure.who, figure.ours)] + list(figure.beside.items())


def text(x, y, words, size=12, anchor="start", weight="normal", colour="#222"):
    """An SVG text element."""
    return (f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" text-anchor="{anchor}" '
            f'font-weight="{weight}" fill="{colour}">{html.escape(words)}</text>')


def colour_of(who, known):
    """Its colour, the same everywhere in a chart."""
    if who not in known:
        known[who] = COLOURS.get(who) or MORE_COLOURS[len(known) % len(MORE_COLOURS)]
    return known[who]


def as_svg(figures, where):
    """Horizontal bars in groups; each figure has a scale of its own, as its bars share a unit."""
    parts, known, y = [], {}, 44
    span = WIDTH - LABEL - VALUE - 20
    for group, title in GROUPS:
        rows = [f for f in figures if f.group == group and f.beside]
        if group not in CHART_GROUPS or not rows:
            continue
        y += 14
        parts.append(text(16, y, title, 14, weight="bold"))
        y += 12
        for figure in rows:
            bars = bars_of(figure)
            top = max(value for _, value in bars) or 1
            words = f"{figure.name}, {figure.unit}"
            parts.append(text(LABEL - 8, y + BAR * len(bars) / 2 + 4, words, 11, "end"))
            for who, value in bars:
                long = max(1.0, span * value / top)
                parts.append(f'<rect x="{LABEL}" y="{y}" width="{long:.1f}" height="{BAR - 2}" '
                             f'fill="{colour_of(who, known)}"/>')
                parts.append(text(LABEL + long + 5, y + BAR - 4, number(value), 10))
                y += BAR
            y += GAP
    legend, x = [], LABEL
    for who, colour in known.items():
        legend.append(f'<rect x="{x}" y="20" width="12" height="12" fill="{colour}"/>')
        legend.append(text(x + 17, 30, who, 12))
        x += 32 + 7 * len(who)
    foot = f"make bench, {where['date']}, {where['qemu']}, TCG, one vCPU, {where['computer']}"
    y += 16
    return "\n".join(
        [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 16}" '
         f'viewBox="0 0 {WIDTH} {y + 16}" font-family="sans-serif">',
         f'<rect width="{WIDTH}" height="{y + 16}" fill="#fff"/>',
         text(16, 30, "Zeitkern", 16, weight="bold"), *legend, *parts,
         text(16, y, foot, 10, colour="#666"), "</svg>", ""])
