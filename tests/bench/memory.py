# SPDX-License-Identifier: MIT
"""Bytes: of the stripped images, of the least RAM that serves, of an idle connection."""

from report import Figure
from tools import NoNamespace, VmError, get, metrics, namespace, say, stripped_size

IMAGE_KIB = 160
LEAST_KIB, MOST_KIB, STEP_KIB = 1024, 16384, 64
ENOUGH = 100                 # connections that the least RAM must serve
CROWD, CROWD_MEM = 10000, 32
POOL = 'zeitkern_pool_used{pool="'


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
            if not vm.console.wait_for(lab.zeitkern.serving, 3)[0]:
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


def object_sizes(net):
    """Bytes of one object by pool, where /metrics tells it."""
    found = {}
    for line in get(net, "/metrics").splitlines():
        if line.startswith('zeitkern_pool_object_bytes{pool="'):
            name, value = line.split('"', 1)[1].split('"} ')
            found[name] = float(value)
    return found


def crowd(lab):
    """Many idle connections, all answered afterwards, and what each takes."""
    say(f"{CROWD} idle connections in {CROWD_MEM} MiB")
    with namespace() as net, \
            lab.boot(lab.zeitkern, net, "metrics=yes", mem=CROWD_MEM) as vm, \
            lab.client(net) as load:
        load.do("short 10 20")
        before = metrics(net)
        load.all_ok(f"open {CROWD}")
        after, bytes_of = metrics(net), object_sizes(net)
        more = {key[len(POOL):-2]: after[key] - before.get(key, 0) for key in after
                if key.startswith(POOL) and after[key] - before.get(key, 0) > CROWD / 2}
        answered = load.do(f"turn {CROWD} {CROWD}")
        if not vm.running():
            vm.fail("it ended")
    figures = [Figure("memory", f"idle connections answered in {CROWD_MEM} MiB", "", answered.ok,
                      {}, answered.ok, "", CROWD, least=True)]
    words = ", ".join(f"{count / CROWD:.1f} {name}" + (f" of {bytes_of[name]:.0f}"
                      if name in bytes_of else "") for name, count in sorted(more.items()))
    if all(name in bytes_of for name in more):
        each = sum(count * bytes_of[name] for name, count in more.items()) / CROWD
        figures.append(Figure("memory", "bytes per idle connection", "", each,
                              {"nginx, without the kernel's 4,000": 529}, note=words))
    return figures


def memory(lab, _quick):
    """All of them."""
    figures = sizes()
    try:
        figures.append(least_ram(lab))
        figures += crowd(lab)
    except NoNamespace as error:
        say(f"no memory figures over TAP: {error}")
    return figures
