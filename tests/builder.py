# SPDX-License-Identifier: MIT
"""All images of `make test`, made once, in the order in which the groups of tests/run boot them."""

import concurrent.futures
import os
import threading

from images import apps, forget_kept, image, keep
from table import APP_ROWS, FORBIDDEN, GUEST_ROWS, NOT_ON, PRIVILEGED
from test_guests import DRAW, GOOD, HANG, HOSTED, WRITE_NIC
from vm import VmError

CPUS = os.cpu_count() or 1
KEPT = ("time", "echo")
# More forms of app/time than that of the rows themselves: what else firmware starts.
FIRMWARES = {"pc": ("bios", "uefi"), "virt": ("uefi",)}
ALL = "all"


def guests(row):
    """The guests that a machine of GUEST_ROWS runs."""
    names = GOOD + [name for name, _ in FORBIDDEN] + [PRIVILEGED[row.board][0]]
    names += [HANG] if row.watchdog else [DRAW]
    names += [WRITE_NIC] if row.board == "pc" else []
    return [name for name in names if name not in NOT_ON[row.board]]


class Builder:
    """Makes the images, in one thread, while others wait for what they need of them: a board's
    name (its app/time and app/echo are made, and kept as they are), or ALL."""

    def __init__(self, rows):
        """`rows`: the machines of the wire suite."""
        self.ready, self.changed = set(), threading.Condition()
        self.failures, self.count = [], 0
        self.first = {row.board: [{"app": app} for app in KEPT] for row in rows}
        for board, names in FIRMWARES.items():
            self.first[board] += [{"app": "time", "firmware": name} for name in names]
        for row in rows:
            if row.firmware != "none":
                self.first[row.board].append({"app": "echo", "firmware": row.firmware})
        self.more = {board: [] for board in self.first}
        self.more["pc"].append({"app": "time", "tls": "no"})
        for row in APP_ROWS:
            self.more[row.board] += [{"app": app} for app in apps()]
        for row in GUEST_ROWS:
            self.more[row.board] += [{"guest": name} for name in guests(row)]
        self.more["host"] += [{"guest": name} for name in HOSTED]
        self.more["host"].append({"app": "time", "sanitize": ""})      # the front door's

    def make(self, board, wanted):
        """Makes a board's images, and notes what was said of those that failed."""
        for what in wanted:
            self.count += 1
            try:
                image(board, **what)
            except VmError as error:
                self.failures.append(str(error))

    def tell(self, *what):
        """That is there, as far as it could be made."""
        with self.changed:
            self.ready.update(what)
            self.changed.notify_all()

    def run(self):
        """All of them: (how many were made, what was said of each that failed)."""
        forget_kept()
        try:
            for board, wanted in self.first.items():    # what is compiled, by all CPUs
                before = len(self.failures)
                self.make(board, wanted)
                if len(self.failures) == before:
                    for app in KEPT:
                        keep(board, app)
                self.tell(board)
            with concurrent.futures.ThreadPoolExecutor(CPUS) as pool:    # what is linked, by one
                list(pool.map(lambda board: self.make(board, self.more[board]), self.more))
        finally:
            self.tell(ALL, *self.first)
        return self.count - len(self.failures), self.failures
