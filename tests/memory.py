# SPDX-License-Identifier: MIT
"""All of a machine's memory, as its monitor sees it: what a secret must not be found in."""

import os
import tempfile

# Where it begins, and its size where it cannot be chosen.
RAM = {"virt": (0x40000000, 0), "orangepi-pc": (0x40000000, 1 << 30)}
TIMEOUT_S = 60


def memory_dump(vm):
    """The bytes of a machine's RAM, from its first on; it stands still meanwhile."""
    at, size = RAM.get(vm.opts.board, (0, 0))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "memory")
        vm.qmp.execute("stop")
        vm.qmp.execute("pmemsave", timeout=TIMEOUT_S, val=at, size=size or vm.opts.mem << 20,
                       filename=path)
        vm.qmp.execute("cont")
        with open(path, "rb") as file:
            return file.read()
