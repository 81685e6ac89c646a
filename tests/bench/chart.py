# SPDX-License-Identifier: MIT
"""The chart that the README shows: horizontal bars in groups, written as SVG by hand.

Only what was measured beside another system is drawn. The bars of one figure share a scale of
their own, and each bears its name, so no legend and no colour is needed to read it.
"""

import html

CHARTED = {"start": "shorter is better", "instructions": "shorter is better",
           "rate": "longer is better", "native": "longer is better"}
WIDTH, MARGIN, LABEL, VALUE = 760, 20, 170, 90
BAR, STEP, TITLE, GROUP = 13, 16, 20, 34
OURS = {"Zeitkern": "#1f6f8b", "BOARD=host": "#1f6f8b", "ACCEL=kvm": "#5fa3b8"}
OTHERS, INK, FAINT = "#b3b8bd", "#22272b", "#6b7378"
OWN = ("one connection", "alone", "with 10,000 connections")     # ours beside ours: not drawn


def number(value, digits=3):
    """A figure with so many significant digits, or none after the point."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def text(x, y, words, size, anchor="start", weight="normal", colour=INK):
    """An SVG text element."""
    return (f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" text-anchor="{anchor}" '
            f'font-weight="{weight}" fill="{colour}">{html.escape(words)}</text>')


def bars(figure, y):
    """One figure from y on: (elements, the y below it)."""
    pairs = [(figure.who, figure.ours)] + list(figure.beside.items())
    span = WIDTH - 2 * MARGIN - LABEL - VALUE
    top = max(value for _, value in pairs) or 1
    title = f"{figure.name} ({figure.unit})" if figure.unit not in ("", "/s") else figure.name
    parts = [text(MARGIN, y + 12, title, 12)]
    y += TITLE
    for who, value in pairs:
        width = max(1.0, span * value / top)
        ours = who in OURS
        parts.append(text(MARGIN + LABEL - 8, y + 10, who, 11, "end", "bold" if ours else "normal"))
        parts.append(f'<rect x="{MARGIN + LABEL}" y="{y}" width="{width:.1f}" height="{BAR}" '
                     f'fill="{OURS.get(who, OTHERS)}"/>')
        parts.append(text(MARGIN + LABEL + width + 6, y + 10, number(value), 11,
                          weight="bold" if ours else "normal"))
        y += STEP
    return parts, y + 6


def as_svg(groups, figures, where):
    """The whole chart."""
    parts, y = [], 8
    for group, title in groups:
        rows = [figure for figure in figures if figure.group == group and figure.beside
                and not any(who in OWN for who in figure.beside)]
        if group not in CHARTED or not rows:
            continue
        parts.append(text(MARGIN, y + 20, title, 14, weight="bold"))
        parts.append(text(WIDTH - MARGIN, y + 20, CHARTED[group], 11, "end", colour=FAINT))
        parts.append(f'<path d="M{MARGIN} {y + 27}H{WIDTH - MARGIN}" stroke="{OTHERS}"/>')
        y += GROUP
        for figure in rows:
            more, y = bars(figure, y)
            parts += more
        y += 6
    foot = f"make bench, {where['date']}: {where['qemu'].split(' (')[0]}, {where['computer']}"
    height = y + 28
    return "\n".join(
        [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
         f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">',
         f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>', *parts,
         text(MARGIN, height - 12, foot, 10, colour=FAINT), "</svg>", ""])
