# SPDX-License-Identifier: MIT
"""A machine that has only its real-time clock stands still and goes on, or is put back to a
snapshot, while the world's clock runs: no answer is more than a second wrong, 503 apart.

With a time server: test_pause.py. QEMU's clocks count whole seconds from the one in which QEMU
started, and so a machine is started at the beginning of one.
"""

import subprocess
import time

import pytest

from faked import FakedClock
from test_time import ERROR_S, served_time

DAY = 86400
GAPS = (2, 3600, 400 * DAY)          # seconds by which the world goes on at once
EARLY_S = 0.3                        # how far into a second a machine may have started
STARTS = 8
SETTLED_S = 4                        # three seconds of the clock, to find where they begin
WATCHED_S = 2


def off(site, world):
    """How far an answer is from the world's clock, None when it says that it does not know."""
    with site.client() as client:
        before = world.now()
        answer = client.get()
        after = world.now()
    if answer.status == 503:
        return None
    served = served_time(answer)
    return served - before if served < before else max(0, served - after)


@pytest.fixture
def started(row, boot, tmp_path):
    """started(**options) -> (Site, FakedClock), the Site's clock as good as QEMU's can be."""
    if not (row.clock and row.runs_on) or row.board == "host":
        pytest.skip("no clock of this machine runs on while it is stopped")
    if row.accel == "kvm":
        pytest.skip("kvmclock is the kernel's clock, which cannot be moved")

    def start(**options):
        world, error = FakedClock(tmp_path), None
        for _ in range(STARTS):
            site = boot("", dhcp=False, start=False, **options)
            time.sleep(1 - time.time() % 1)
            site.start(world.env)
            site.serving()
            time.sleep(SETTLED_S)
            error = off(site, world)
            if error is not None and abs(error) < EARLY_S:
                return site, world
            site.vm.kill()
        return pytest.fail(f"never started early in a second: {error}")
    return start


def watch(site, world):
    """Asks for a while: every answer must be right."""
    seen = []
    end = time.monotonic() + WATCHED_S
    while time.monotonic() < end:
        seen.append(off(site, world))
        time.sleep(0.02)
    wrong = [(n, error) for n, error in enumerate(seen) if error is not None and
             abs(error) > ERROR_S]
    assert not wrong, (len(seen), wrong, site.vm.console.text())
    assert seen[-1] is not None, site.vm.console.text()


def test_stop(started):
    """QMP stop and cont."""
    site, world = started()
    for gap in GAPS:
        site.vm.qmp.execute("stop")
        time.sleep(0.3)
        world.move(gap)
        site.vm.qmp.execute("cont")
        watch(site, world)


def monitor(vm, line):
    """A command of the human monitor, which must not complain."""
    said = vm.qmp.execute("human-monitor-command", timeout=60, **{"command-line": line})
    assert not said, said


def test_snapshot(started, tmp_path):
    """savevm, then loadvm later and later."""
    disk = tmp_path / "disk.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", disk, "1M"], check=True)
    site, world = started(extra=("-drive", f"if=none,id=state,format=qcow2,file={disk}"))
    monitor(site.vm, "savevm one")
    watch(site, world)
    for gap in GAPS:
        world.move(gap)
        monitor(site.vm, "loadvm one")
        watch(site, world)
