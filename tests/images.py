# SPDX-License-Identifier: MIT
"""Images for the tests, made by the front door itself."""

import contextlib
import functools
import os
import shutil
import subprocess

from vm import VmError, child_setup

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
KEPT = os.path.join(ROOT, "build", "test", "kept")    # copies that no make changes
USE_KEPT = "ZEITKERN_KEPT"
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


def environment(kept=False):
    """Our environment without the front door's variables; `kept`: image() takes kept ones."""
    more = {USE_KEPT: "yes"} if kept else {}
    return {name: value for name, value in os.environ.items() if name not in PRIVATE} | more


def make(*words, **more):
    """subprocess.run of make with these words, from the repository's root."""
    if "input" not in more:
        more["stdin"] = subprocess.DEVNULL
    return subprocess.run(["make"] + list(words), cwd=ROOT, env=environment(), **more)


def apart():
    """More words for subprocess.run: in a session of its own, which gives way to the machines
    whose time is measured, as each of them has one (Linux' autogroups weigh sessions)."""
    with_parent = child_setup()

    def setup():
        with_parent()
        os.nice(10)
        with contextlib.suppress(OSError):
            with open("/proc/self/autogroup", "w", encoding="ascii") as file:
                file.write("10")
    return {"start_new_session": True, "preexec_fn": setup}


def sanitizers(board):
    """What its images are made with here."""
    return SANITIZE if board == "host" else ""


def variant(board, sanitize, tls=""):
    """The folder of build/ that an image lies in."""
    return "-".join([board] + sanitize.split(",") * bool(sanitize) + ["plain"] * (tls == "no"))


def forget_kept():
    """There are no kept images."""
    shutil.rmtree(KEPT, ignore_errors=True)


def keep(board, app):
    """Copies what was made of an app, for image() where environment(kept=True) says so."""
    folder = f"{variant(board, sanitizers(board))}/{app}"
    shutil.copytree(f"{ROOT}/build/{folder}", f"{KEPT}/{folder}")


@functools.lru_cache(maxsize=None)
def image(board, app="", guest="", sanitize=None, tls="", firmware="none"):
    """Builds an image, unless it is kept: the path of the file to boot. VmError with make's
    output."""
    form = {"bios": "raw", "uefi": "efi"}.get(firmware) or BOOTABLE.get(board, "elf")
    sanitize = sanitizers(board) if sanitize is None else sanitize
    kept = f"{KEPT}/{variant(board, sanitize, tls)}/{app}/zeitkern.{form}"
    if USE_KEPT in os.environ and app and os.path.exists(kept):
        return kept
    words = ["image", f"BOARD={board}", f"FORMAT={form}"]
    words += [f"{name}={value}" for name, value in
              (("APP", app), ("GUEST", guest), ("SANITIZE", sanitize), ("TLS", tls)) if value]
    done = make(*words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **apart())
    text = done.stdout.decode()
    if done.returncode:
        raise VmError(f"make {' '.join(words)}: status {done.returncode}\n{text}")
    return os.path.join(ROOT, text.split()[-1])


def settings(path, size, words):
    """Writes a settings page or file, as `make image` does."""
    subprocess.run([f"{ROOT}/linker/settings", str(path), size, words], check=True)
