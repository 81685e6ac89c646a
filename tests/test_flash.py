# SPDX-License-Identifier: MIT
"""linker/flash: what it writes, what it refuses, and what it asks.

Cards are plain files and, as root where there are loop devices, real block devices. No emulator
has a debug probe: an openocd of this file's own notes how it was called.
"""

import json
import os
import subprocess

import pytest

import images
from images import ROOT

FLASH = f"{ROOT}/linker/flash"
IMAGE_BYTES = 3 << 20


def record(kind, address, data=b""):
    """A line of Intel HEX."""
    body = bytes([len(data), address >> 8, address & 0xFF, kind]) + data
    return f":{(body + bytes([-sum(body) & 0xFF])).hex().upper()}\n"


HEX = (record(4, 0, b"\0\3") + record(0, 0xFC00, b"zeit") + record(4, 0, b"\0\0")
       + record(0, 0, b"\0\4\0 ") + record(0, 4, b"1234") + record(1, 0))


def flash(*words, answer="yes\n", **more):
    """Runs it with an answer: (exit status, what it said)."""
    done = subprocess.run([FLASH, *map(str, words)], input=answer.encode(), timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **more)
    return done.returncode, done.stdout.decode()


def refused(*words, **more):
    """The one line of a refusal that comes before any question."""
    status, text = flash(*words, **more)
    assert status and len(text.splitlines()) == 1 and "[y/N]" not in text, text
    return text


@pytest.fixture(name="image")
def image_file(tmp_path):
    """An image of random bytes."""
    path = tmp_path / "image"
    path.write_bytes(os.urandom(IMAGE_BYTES))
    return path


@pytest.fixture(name="loop")
def loop_device(tmp_path):
    """(loop device, its file): a real block device."""
    path = tmp_path / "disk"
    path.write_bytes(b"old!" * (8 << 18))
    done = subprocess.run(["/usr/sbin/losetup", "--find", "--show", str(path)],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        pytest.skip(f"no loop device here: {done.stderr.decode().strip()}")
    device = done.stdout.decode().strip()
    yield device, path
    subprocess.run(["/usr/sbin/losetup", "--detach", device], check=False)


def test_file(tmp_path, image):
    """A file that stands for a card gets the image, and keeps what lies behind."""
    card = tmp_path / "card"
    card.write_bytes(b"old!" * (1 << 20))
    status, text = flash("orangepi-pc", card, image)
    assert status == 0 and "written and verified" in text, text
    assert "4 MiB" in text and "3 MiB" in text and str(card) in text
    assert card.read_bytes() == image.read_bytes() + b"old!" * (1 << 18)


@pytest.mark.parametrize("answer", ["", "\n", "n\n", "no\n", "yess\n"])
def test_no(tmp_path, image, answer):
    """Any other answer, and none, leaves the card alone."""
    card = tmp_path / "card"
    card.write_bytes(b"old!" * (1 << 20))
    status, text = flash("orangepi-pc", card, image, answer=answer)
    assert status and "nothing was written" in text, text
    assert card.read_bytes() == b"old!" * (1 << 20)


def test_no_card(tmp_path, image):
    """What is no card, or too small for the image."""
    card = tmp_path / "card"
    card.write_bytes(bytes(IMAGE_BYTES - 1))
    assert str(IMAGE_BYTES) in refused("orangepi-pc", card, image)
    assert "neither" in refused("orangepi-pc", "/dev/null", image)
    assert "neither" in refused("orangepi-pc", tmp_path, image)
    assert "/dev/sdX" in refused("orangepi-pc", tmp_path / "none", image)
    assert "DEV=" in refused("orangepi-pc", "", image)


def test_reads_back(tmp_path, image):
    """A card that takes the bytes and gives others back is found out."""
    card = tmp_path / "card"
    card.write_bytes(bytes(IMAGE_BYTES))
    program = ("import os, runpy, sys; real = os.read\n"
               "def bad(fd, n):\n"
               "    data = real(fd, n)\n"
               "    return data[:-1] + bytes([data[-1] ^ 1]) if len(data) > 1000 else data\n"
               "os.read = bad; sys.argv = sys.argv[1:]\n"
               "runpy.run_path(sys.argv[0], run_name='__main__')")
    done = subprocess.run(["/usr/bin/python3", "-c", program, FLASH, "orangepi-pc", card, image],
                          input=b"y\n", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)
    assert done.returncode and b"reads otherwise" in done.stdout, done.stdout


def test_block_device(loop, image):
    """A real device: written, and read back."""
    device, path = loop
    status, text = flash("orangepi-pc", device, image)
    assert status == 0 and f"{device}: written and verified" in text, text
    assert path.read_bytes()[:IMAGE_BYTES] == image.read_bytes()


def test_mounted(loop, image, tmp_path):
    """A device with a mounted file system is refused, in this mount namespace and in another."""
    device, path = loop
    subprocess.run(["/usr/sbin/mke2fs", "-q", "-F", device], check=True)
    where = tmp_path / "a place"
    where.mkdir()
    if subprocess.run(["mount", device, str(where)], check=False).returncode:
        pytest.skip("mount is not allowed here")
    try:
        assert f"mounted at {where}" in refused("orangepi-pc", device, image)
    finally:
        subprocess.run(["umount", str(where)], check=True)
    hidden = subprocess.Popen(["unshare", "-m", "sh", "-c",
                               f"mount {device} '{where}' && echo up && exec cat"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert hidden.stdout.readline() == b"up\n"
        assert "busy" in refused("orangepi-pc", device, image)
    finally:
        hidden.communicate()
    assert image.read_bytes()[:4096] not in path.read_bytes()


def test_system_disk(image):
    """The disk that / is on is refused, and a partition of it as well. Without an answer nothing
    could be written even so."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        sources = [line.split(" - ")[1].split()[1] for line in file if line.split()[4] == "/"]
    device = os.path.realpath(sources[-1])
    if not device.startswith("/dev/") or not os.path.exists(device):
        pytest.skip(f"/ is on {sources[-1]}, no block device")
    name = os.path.basename(device)
    if os.path.exists(f"/sys/class/block/{name}/partition"):
        assert "partition" in refused("orangepi-pc", device, image, answer="")
        name = os.path.basename(os.path.dirname(os.path.realpath(f"/sys/class/block/{name}")))
    assert "the system runs from it" in refused("orangepi-pc", f"/dev/{name}", image, answer="")


@pytest.fixture(name="probe")
def openocd(tmp_path):
    """(words for a chip's image, environment, calls()): an openocd that notes its arguments and
    fails when told to."""
    path = tmp_path / "bin" / "openocd"
    path.parent.mkdir()
    path.write_text("#!/usr/bin/python3\nimport json, os, sys\n"
                    f"open('{tmp_path}/calls', 'a').write(json.dumps(sys.argv[1:]) + '\\n')\n"
                    "sys.exit(int(os.environ.get('FAILS', '0')))\n")
    path.chmod(0o755)
    image = tmp_path / "zeitkern.hex"
    image.write_text(HEX)

    def calls():
        noted = tmp_path / "calls"
        return [json.loads(line) for line in noted.read_text().splitlines()] if noted.exists() \
            else []
    return image, dict(os.environ, PATH=f"{path.parent}:{os.environ['PATH']}"), calls


def test_probe(probe):
    """A chip with flash: the ranges are shown, then one OpenOCD programs, verifies and resets."""
    image, env, calls = probe
    status, text = flash("lm3s6965evb", "cmsis-dap:A1-2", image, "target/stellaris.cfg", env=env)
    assert status == 0 and "written and verified" in text, text
    assert "0x00000000 to 0x00000007, 8 bytes" in text
    assert "0x0003fc00 to 0x0003fc03, 4 bytes" in text
    assert calls() == [["-f", "interface/cmsis-dap.cfg", "-f", "target/stellaris.cfg",
                        "-c", "adapter serial A1-2",
                        "-c", f"program {{{image}}} verify reset exit"]]


def test_probe_memory(probe):
    """A chip that runs from memory: loaded, verified, started; the interface is a file's name."""
    image, env, calls = probe
    status, text = flash("mps2-an385", "my/probe.cfg", image, "ram", env=env)
    assert status == 0 and "until power is off" in text, text
    words = calls()[0]
    assert words[:2] == ["-f", "my/probe.cfg"]
    assert words[-12:] == ["-c", "init", "-c", "reset halt", "-c", f"load_image {{{image}}}",
                           "-c", f"verify_image {{{image}}}", "-c", "reset run", "-c", "shutdown"]


def test_probe_refusals(probe):
    """No answer, a DEV that is none, a broken file: OpenOCD is not started. Its failure is ours."""
    image, env, calls = probe
    chip = ("lm3s6965evb", "cmsis-dap", image, "target/stellaris.cfg")
    status, text = flash(*chip, answer="", env=env)
    assert status and "nothing was written" in text
    assert "cmsis-dap" in refused("lm3s6965evb", "", image, "target/stellaris.cfg", env=env)
    assert "not a probe" in refused("lm3s6965evb", "a;b", image, "target/stellaris.cfg", env=env)
    good = image.read_text()
    for bad in (good.replace(":04FC", ":04FD"), good.replace(record(1, 0), ""), "hello\n"):
        image.write_text(bad)
        status, text = flash(*chip, env=env)
        assert status and "Intel HEX" in text and "written" not in text, text
    image.write_text(good)
    assert calls() == []
    status, text = flash(*chip, env=dict(env, FAILS="1"))
    assert status and "OpenOCD failed" in text and "verified" not in text, text


@pytest.mark.parametrize("board", ["lm3s6965evb", "orangepi-pc"])
def test_front_door(board, probe, tmp_path):
    """make flash builds what the device takes, and passes a question and its answer on."""
    _, env, calls = probe
    card = tmp_path / "card"
    card.write_bytes(bytes(64 << 20))
    dev = card if board == "orangepi-pc" else "cmsis-dap"
    words = ["make", "-s", "flash", f"BOARD={board}", f"DEV={dev}", "CONFIG=hostname=flashed"]
    done = subprocess.run(words, cwd=ROOT, input=b"y\n", stdout=subprocess.PIPE, timeout=600,
                          stderr=subprocess.STDOUT, check=False,
                          env=dict(images.environment(), PATH=env["PATH"]))
    text = done.stdout.decode()
    assert done.returncode == 0 and "written and verified" in text, text
    if board == "orangepi-pc":
        assert b"hostname=flashed\n" in card.read_bytes()
    else:
        assert "0x0003f000" in text and len(calls()) == 1


def test_no_device():
    """A board that is a virtual machine has nothing to flash."""
    done = images.make("-s", "flash", "BOARD=pc", stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, timeout=30)
    assert done.returncode and b"BOARD=pc is no device" in done.stdout, done.stdout
