# SPDX-License-Identifier: MIT
"""Images for the tests, made by the front door itself."""

import functools
import os
import subprocess

from vm import VmError

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BOOTABLE = {"virt": "bin", "orangepi-pc": "bin"}      # FORMAT that QEMU's -kernel takes, not elf
SANITIZE = "address,undefined"
# What was given to the `make` that called us is not meant for the images of the tests.
PRIVATE = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "BOARD", "APP", "MACHINE",
           "FIRMWARE",
           "ACCEL", "MEM", "SMP", "PORT", "NET", "CMDLINE", "QEMU_ARGS", "FORMAT", "CONFIG",
           "TLS", "GUEST", "SANITIZE", "SIGN_KEY", "SIGN_CERT", "IMAGE")


def apps():
    """The services that tests/apps is about: all of app/ but those of the wire suite."""
    return sorted(name for name in os.listdir(f"{ROOT}/app")
                  if os.path.isdir(f"{ROOT}/app/{name}") and name not in ("time", "echo"))


def environment():
    """Our environment without the front door's variables."""
    return {name: value for name, value in os.environ.items() if name not in PRIVATE}


def make(*words, **more):
    """subprocess.run of make with these words, from the repository's root."""
    if "input" not in more:
        more["stdin"] = subprocess.DEVNULL
    return subprocess.run(["make"] + list(words), cwd=ROOT, env=environment(), **more)


@functools.lru_cache(maxsize=None)
def image(board, app="", guest="", sanitize=None, tls="", firmware="none"):
    """Builds an image: the path of the file to boot. VmError with make's output."""
    form = {"bios": "raw", "uefi": "efi"}.get(firmware) or BOOTABLE.get(board, "elf")
    if sanitize is None:
        sanitize = SANITIZE if board == "host" else ""
    words = ["image", f"BOARD={board}", f"FORMAT={form}"]
    words += [f"{name}={value}" for name, value in
              (("APP", app), ("GUEST", guest), ("SANITIZE", sanitize), ("TLS", tls)) if value]
    done = make(*words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    text = done.stdout.decode()
    if done.returncode:
        raise VmError(f"make {' '.join(words)}: status {done.returncode}\n{text}")
    return os.path.join(ROOT, text.split()[-1])


def settings(path, size, words):
    """Writes a settings page or file, as `make image` does."""
    subprocess.run([f"{ROOT}/linker/settings", str(path), size, words], check=True)
