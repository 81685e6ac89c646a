# SPDX-License-Identifier: MIT
"""Clocks that are wrong, or move while a test runs: libfaketime, for QEMU and chronyd.

Only the time of day is faked, never the monotonic clock.
"""

import glob
import os
import time

LIBRARY = "/usr/lib/*/faketime/libfaketimeMT.so.1"


def faked(spec):
    """Variables that give a program another clock: "+100s", "+0 x1.1"."""
    return {"LD_PRELOAD": glob.glob(LIBRARY)[0], "FAKETIME": spec, "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


class FakedClock:
    """A clock that can be moved on while programs with self.env run by it."""

    def __init__(self, folder):
        self.path = os.path.join(str(folder), "clock")
        self.ahead = 0.0
        self.move(0)
        self.env = dict(faked(""), FAKETIME_TIMESTAMP_FILE=self.path)
        del self.env["FAKETIME"]

    def move(self, seconds):
        """Moves it on, for all at once."""
        self.ahead += seconds
        with open(self.path + ".new", "w", encoding="ascii") as file:
            file.write(f"{self.ahead:+.3f}\n")
        os.rename(self.path + ".new", self.path)

    def now(self):
        """What it shows."""
        return time.time() + self.ahead
