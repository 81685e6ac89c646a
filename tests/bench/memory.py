# SPDX-License-Identifier: MIT
"""Bytes: of the stripped images, of the least RAM that serves, of an idle connection."""

from report import Figure
from tools import Asker, NoNamespace, VmError, namespace, say, stripped_size

IMAGE_KIB = 160
LEAST_KIB, MOST_KIB, STEP_KIB = 1024, 16384, 64
ENOUGH = 100                 # connections that the least RAM must serve
BOOT_S = 10                  # a hang; a guest with too little ends at once
CROWD, CROWD_MEM = 10000, 32
USED, BYTES = 'zeitkern_pool_used{pool="', 'zeitkern_pool_object_bytes{pool="'


def sizes():
    """The stripped ELF of both architectures."""
    figures = []
    for board, name in (("pc", "x86_64"), ("virt", "aarch64")):
        say(f"size of {name}")
        size = stripped_size(board) / 1024
        figures.append(Figure("memory", f"stripped ELF, {name}", "KiB", size, {}, size, "KiB",
                              IMAGE_KIB))
    return figures


def serves(lab, kib):
    """True when a guest of that much RAM serves ENOUGH connections at once."""
    try:
        with namespace() as net, \
                lab.boot(lab.zeitkern, net, wait=False, extra=("-m", f"{kib}K")) as vm:
            if not vm.console.wait_for(lab.zeitkern.serving, BOOT_S)[0]:
                return False
            with lab.client(net) as load:
                opened = load.do(f"open {ENOUGH}")
                if opened.bad:
                    return False
                busy = load.do(f"busy {ENOUGH} {ENOUGH * 20}")
                return not busy.bad and vm.running()
    except VmError:
        return False


def least_ram(lab):
    """The least RAM in steps of STEP_KIB, by bisection."""
    low, high = LEAST_KIB, MOST_KIB
    if not serves(lab, high):
        raise VmError(f"{high} KiB of RAM do not serve {ENOUGH} connections")
    while high - low > STEP_KIB:
        middle = (low + high) // 2 // STEP_KIB * STEP_KIB
        good = serves(lab, middle)
        say(f"{middle} KiB of RAM: {'serves' if good else 'too little'}")
        low, high = (low, middle) if good else (middle, high)
    return Figure("memory", f"least RAM that serves {ENOUGH} connections, microvm", "MiB",
                  high / 1024, {"Linux, measured elsewhere": 73}, high / 1024, "MiB", 3)


def crowd(lab):
    """Many idle connections, all answered afterwards, and what each takes."""
    say(f"{CROWD} idle connections in {CROWD_MEM} MiB")
    with namespace() as net, \
            lab.boot(lab.zeitkern, net, "metrics=yes", mem=CROWD_MEM) as vm, \
            lab.client(net) as load, Asker(net) as asker:
        load.do("short 10 20")                # the guest learns our addresses
        before = asker.metrics()
        load.all_ok(f"open {CROWD}")
        after = asker.metrics()
        answered = load.do(f"turn {CROWD} {CROWD}")
        if not vm.running():
            vm.fail("it ended")
    figures = [Figure("memory", f"idle connections answered in {CROWD_MEM} MiB", "", answered.ok,
                      {}, answered.ok, "", CROWD, least=True)]
    return figures + each_takes(before, after)


def each_takes(before, after):
    """Bytes of an idle connection: the objects that each has more of, times their size."""
    more = {key[len(USED):-2]: (after[key] - before[key]) / CROWD for key in before
            if key.startswith(USED)}
    more = {name: n for name, n in more.items() if n > 0.5}
    sizes_of = {name: after.get(f'{BYTES}{name}"}}') for name in more}
    if not more or None in sizes_of.values():
        return []
    words = " + ".join(f"{n:.0f} {name} of {sizes_of[name]:.0f}" for name, n in more.items())
    each = sum(n * sizes_of[name] for name, n in more.items())
    return [Figure("memory", "bytes per idle connection", "", each,
                   {"nginx, without the kernel's 4,000": 529}, note=words)]


def memory(lab, _quick):
    """All of them."""
    figures = sizes()
    try:
        figures.append(least_ram(lab))
        figures += crowd(lab)
    except NoNamespace as error:
        say(f"no memory figures over TAP: {error}")
    return figures
