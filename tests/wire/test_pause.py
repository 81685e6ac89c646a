# SPDX-License-Identifier: MIT
"""The time after a pause of the machine, or a restored snapshot, of any length.

QEMU runs under libfaketime, so that the host's clock, and with it the RTC that QEMU shows, can
be moved by an hour while the machine stands still. The NTP server moves with it.
"""

import json
import subprocess
import time

import pytest

from faked import FakedClock
from netns import HOST

EXACT_S = 0.05                 # of TCG on a busy computer
KNOWN = r"ntp: .* the time is known"
# Whole minutes and hours are no easier to see than others.
PAUSES = (3600, 86407.3)


class Travel:
    """A machine whose host's clock can be moved, and a time server that goes by it."""

    def __init__(self, boot, folder, **options):
        self.clock = FakedClock(folder)
        self.now = self.clock.now
        self.site = boot("", start=False, wait=False, **options)
        self.site.expect_time(False)
        self.server = self.site.time_server()
        self.site.options.cmdline += f" ntp={HOST}:{self.server.port}"
        self.site.boot(env=self.clock.env)
        self.site.vm.wait_for(KNOWN, 20)

    def move(self, seconds):
        """Moves the clock on."""
        self.clock.move(seconds)
        self.server.answer.ahead = self.clock.ahead

    def right_soon(self, since):
        """No answer is more than a second wrong or goes back, and after two it is exact."""
        last, until = 0.0, since + 2
        with self.site.client() as client:
            while time.monotonic() < until:
                before = self.now()
                answer = client.get()
                after = self.now()
                if answer.status == 503:
                    continue
                served = json.loads(answer.body)["time"]
                assert before - 1 <= served <= after + 1, (served - before, served - after)
                assert served >= last, (last, served)
                last = served
                time.sleep(0.001)
        error, doubt = self.site.time_error(self.now)
        assert abs(error) <= EXACT_S + doubt, (error, doubt, self.site.clock())

    def close(self):
        """Ends the server."""
        self.server.close()


@pytest.fixture
def travel(boot, row, tmp_path):
    """travel(**options) -> Travel."""
    if not (row.clock and row.runs_on) or row.board == "host":
        pytest.skip("no clock of this machine runs on while it is stopped")
    if row.accel == "kvm":
        pytest.skip("kvmclock is the kernel's clock, which cannot be moved: test_machine.py")
    made = []

    def start(**options):
        made.append(Travel(boot, tmp_path, **options))
        return made[-1]
    yield start
    for one in made:
        one.close()


def test_stop_and_cont(travel):
    """Stopped for an hour, then a day and some seconds."""
    one = travel()
    time.sleep(1)
    for seconds in PAUSES:
        assert one.site.get().status == 200
        one.site.vm.qmp.execute("stop")
        one.move(seconds)
        one.site.vm.qmp.execute("cont")
        one.right_soon(time.monotonic())
    metrics = one.site.clock()
    assert metrics["source"] == "ntp" and metrics["steps"] >= len(PAUSES), metrics


def test_snapshot(travel, tmp_path):
    """Restored, an hour later, from a snapshot."""
    disk = str(tmp_path / "snapshots.qcow2")
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", disk, "256M"], check=True)
    one = travel(extra=("-drive", f"if=none,format=qcow2,file={disk}"))
    time.sleep(1)
    monitor(one.site, "savevm one")
    one.right_soon(time.monotonic())
    one.move(3600)
    monitor(one.site, "loadvm one")
    one.right_soon(time.monotonic())


def monitor(site, line):
    """A command of QEMU's monitor, that says nothing when it works."""
    said = site.vm.qmp.execute("human-monitor-command", **{"command-line": line})
    assert not said.strip(), said
