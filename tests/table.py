# SPDX-License-Identifier: MIT
"""The one table of machines: what is booted, with which NIC, by which test run.

tests/run, the wire tests and the benchmarks take their machines from here. `wire` rows get
the whole wire suite in `make test`, one per NIC driver and architecture; every row is booted
to a 200 there, except those marked `full`, which only `make test-full` boots. In
`make test-full` every row gets the whole wire suite.
"""

import dataclasses

from vm import BARE_MICROVM, Options

EDK_S = 0.6              # more that a clock may be off: EDK II sets a PC's to whole seconds


@dataclasses.dataclass(frozen=True)
class Row:
    """One machine."""
    name: str
    board: str
    machine: str
    nic: str = ""            # of vm.NICS, or empty: the board has its own way
    accel: str = "tcg"
    firmware: str = "none"
    cpu: str = ""
    wire: bool = False
    full: bool = False
    cmdline: str = ""        # words the machine itself needs
    button: bool = True      # hears QMP system_powerdown
    clock: bool = True       # has one: without, / answers 503 until a time server has
    runs_on: bool = True     # that clock runs on while the machine is stopped
    late: float = 0          # seconds by which firmware sets that clock back at boot
    offload: bool = True     # its NIC takes checksums, unless it is told not to
    memory: bool = True      # how much it has can be chosen
    bare: bool = True        # can be started without a NIC
    patience: float = 0.5    # seconds within which it answers, whatever else comes in
    watchdog: bool = False   # has one of its own, if QEMU models it
    link: bool = False       # its driver follows a link that can be cut
    deaf: float = 0          # seconds before its model receives anything

    def options(self, image, **more):
        """vm.Options for this machine; the settings in more["cmdline"] are added."""
        words = " ".join(filter(None, (self.cmdline, more.pop("cmdline", ""))))
        return Options(board=self.board, machine=self.machine, image=image, accel=self.accel,
                       firmware=self.firmware, cpu=self.cpu, nic=self.nic, cmdline=words, **more)


MICROCONTROLLER = {"button": False, "clock": False, "offload": False, "memory": False,
                   "bare": False, "wire": True, "watchdog": True}

# NICs whose offload QEMU cannot take away. vmxnet3's model drops what it has no buffer for, where
# others let it wait.
NIC = {"link": True, "offload": False}

ROWS = (
    Row("microvm", "pc", "microvm", "mmio", wire=True),
    Row("microvm-bare", "pc", BARE_MICROVM, "mmio", button=False, clock=False),
    Row("microvm-pci", "pc", "microvm,pcie=on", "pci", full=True),
    Row("q35", "pc", "q35", "pci", wire=True),
    Row("pc-bios", "pc", "pc", "pci", firmware="bios"),
    Row("pc", "pc", "pc", "pci"),
    Row("pc-e1000", "pc", "pc", "e1000", wire=True, deaf=1, **NIC),
    Row("q35-e1000e", "pc", "q35", "e1000e", wire=True, **NIC),
    Row("q35-vmxnet3", "pc", "q35", "vmxnet3", wire=True, patience=1.5, **NIC),
    Row("q35-e1000", "pc", "q35", "e1000", deaf=1, full=True, **NIC),
    Row("pc-legacy", "pc", "pc", "legacy", full=True),
    Row("pc-e1000e", "pc", "pc", "e1000e", full=True, **NIC),
    Row("pc-vmxnet3", "pc", "pc", "vmxnet3", patience=1.5, full=True, **NIC),
    Row("q35-uefi", "pc", "q35", "pci", firmware="uefi", full=True, memory=False, late=EDK_S),
    Row("microvm-kvm", "pc", "microvm", "mmio", accel="kvm"),
    Row("q35-kvm", "pc", "q35", "pci", accel="kvm", full=True),
    Row("virt", "virt", "virt", "mmio", wire=True),
    Row("virt-pci", "virt", "virt", "pci"),
    Row("virt-gicv3", "virt", "virt,gic-version=3", "mmio"),
    Row("virt-uefi", "virt", "virt", "mmio", firmware="uefi", full=True, memory=False,
        runs_on=False),
    Row("virt-a53", "virt", "virt", "mmio", cpu="cortex-a53"),
    Row("lm3s6965evb", "lm3s6965evb", "lm3s6965evb", patience=6, **MICROCONTROLLER),
    Row("mps2-an385", "mps2-an385", "mps2-an385", patience=1.5, link=True, **MICROCONTROLLER),
    Row("orangepi-pc", "orangepi-pc", "orangepi-pc", wire=True, runs_on=False,
        patience=1.5, button=False, memory=False, bare=False, link=True, watchdog=True),
    Row("host", "host", "host", wire=True, offload=False, memory=False, bare=False),
)

BY_NAME = {row.name: row for row in ROWS}

WIRE_ROWS = tuple(row for row in ROWS if row.wire)
WIRE_ROWS_FULL = ROWS

# The machines that every app of app/ but time and echo, which the wire suite is about, is tested
# on (tests/apps): one per architecture, and the host under sanitizers.
APP_ROWS = tuple(BY_NAME[name] for name in ("microvm", "virt", "host"))

# One tiny guest per forbidden access, tests/guests/NAME.c: what must be seen on the console.
# "fault": the fault report and EXIT_FAULT; "panic": the report of a check of our own;
# "fault|panic": either, as the gate refuses with a fault or an errno; "refusal": the gate says
# -EFAULT each time and the guest ends with 0.
FORBIDDEN = (
    ("write_text", "fault"),
    ("write_rodata", "fault"),
    ("write_sealed", "fault"),
    ("exec_data", "fault"),
    ("exec_heap", "fault"),
    ("exec_stack", "fault"),
    ("touch_zero", "fault"),
    ("overflow_stack", "fault"),
    ("smash_canary", "panic"),
    ("hold_secret", "fault"),
    ("write_page_table", "fault"),
    ("write_mpu", "fault"),
    ("touch_warden", "fault"),
    ("write_descriptor", "fault"),
    ("dma_text", "refusal"),
    ("dma_ring", "refusal"),
    ("dma_owned", "refusal"),
    ("dma_outside", "panic"),
    ("submit_elsewhere", "fault|panic"),
)

# What a guest is about and a machine has not: {board: {guest: why it does not run there}}.
MMU = {"write_mpu": "has an MMU: write_page_table"}
VIRTIO = {"dma_owned": "its NIC is virtio: dma_text", "dma_outside": "its NIC is virtio: dma_text"}
OWNED = {"dma_text": "its NIC owns descriptors in turn: dma_owned, dma_outside",
         "dma_ring": "its NIC owns descriptors in turn: dma_owned, dma_outside"}
MPU = {"write_page_table": "has an MPU: write_mpu",
       "write_descriptor": "its NIC has no DMA, so there are no descriptors",
       "dma_text": "its NIC has no DMA, so there are no descriptors",
       "dma_ring": "its NIC has no DMA, so there are no descriptors",
       "dma_owned": "its NIC has no DMA, so there are no descriptors",
       "dma_outside": "its NIC has no DMA, so there are no descriptors",
       "submit_elsewhere": "its NIC has no DMA, so there are no queues"}
NOT_ON = {"pc": MMU | VIRTIO, "virt": MMU | VIRTIO, "orangepi-pc": MMU | OWNED,
          "lm3s6965evb": MPU, "mps2-an385": MPU}

# Privileged instructions and ports, one guest per architecture; access=N picks one of them.
PRIVILEGED = {"pc": ("privileged_x86_64", 8), "virt": ("privileged_aarch64", 6),
              "lm3s6965evb": ("privileged_armv7m", 13), "mps2-an385": ("privileged_armv7m", 13),
              "orangepi-pc": ("privileged_armv7a", 7)}

# The machines that guests run on: one per architecture, and each board.
GUEST_ROWS = tuple(BY_NAME[name] for name in ("microvm", "virt", "lm3s6965evb", "mps2-an385",
                                                  "orangepi-pc"))
