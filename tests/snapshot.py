# SPDX-License-Identifier: MIT
"""Copies of a running machine: snapshot() stops it and keeps its state in a file, clone() starts
another from there, as often as wanted.

    snap = snapshot(vm, path)
    with clone(snap, GUID_A) as a, clone(snap, GUID_B) as b: ...

A clone has a console of its own, which begins where the snapshot was taken. What the machine is
connected to (a TAP, forwarded ports) the clone's options say anew.
"""

import dataclasses
import shlex
import time

from vm import Vm, VmError

SAVE_S = 60              # a hang detector


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """A machine's state, and what it was started with."""
    options: object
    path: str


def with_guid(options, guid):
    """The options with this generation ID, or, when None, without one. Only the PCI machines of
    x86_64 can have it."""
    words = list(options.extra)
    for at, word in enumerate(words):
        if word.startswith("vmgenid,"):
            del words[at - 1:at + 1]
            break
    if guid:
        words += ["-device", f"vmgenid,guid={guid}"]
    return dataclasses.replace(options, extra=tuple(words))


def wait_for_state(vm, command, wanted):
    """Until `command`'s status is `wanted`."""
    deadline = time.monotonic() + SAVE_S
    while True:
        status = vm.qmp.execute(command).get("status")
        if status == wanted:
            return
        if status == "failed" or time.monotonic() > deadline:
            raise VmError(f"{command}: {status}\n{vm.console.text()}")
        time.sleep(0.02)


def snapshot(vm, path):
    """Stops a machine for good and writes its state to `path`."""
    vm.qmp.execute("stop")
    vm.qmp.execute("migrate", uri=f"exec:cat >{shlex.quote(str(path))}")
    wait_for_state(vm, "query-migrate", "completed")
    return Snapshot(vm.opts, str(path))


def clone(snap, guid=None, env=None, **changes):
    """Starts a machine from a snapshot: a Vm that runs. `changes` are to its options, `env` adds
    to QEMU's environment."""
    options = dataclasses.replace(with_guid(snap.options, guid), **changes)
    options.extra += ("-incoming", f"exec:cat {shlex.quote(snap.path)}")
    vm = Vm(options, env=env)
    try:
        wait_for_state(vm, "query-status", "paused")
        vm.qmp.execute("cont")
    except VmError:
        vm.kill()
        raise
    return vm
