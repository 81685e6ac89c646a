# SPDX-License-Identifier: MIT
"""What `make image` writes for boards, byte by byte, and that a board takes its settings from it.

The image is compared with the ELF file's own segments; the settings page is read as
kernel/settings.h describes it, by a reader of this file's own.
"""

import os
import re
import struct
import subprocess
import urllib.request
import zlib

import pytest

import images
from budget import board_words
from images import ROOT
from test_boot import first_answer, free_port
from vm import Console, Options, Vm, child_setup

FLASHED = ("lm3s6965evb", "mps2-an385")       # boards with a settings page in flash
CARD = "orangepi-pc"
CARD_BYTES, FAT_AT, UBOOT_AT = 64 << 20, 1 << 20, 8192
UBOOT_S, BOOT_S = 90, 30


def image(board, form, *words):
    """The bytes that make image FORMAT=... writes for app/time."""
    done = images.make("-s", "image", f"BOARD={board}", f"FORMAT={form}", *words,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)
    text = done.stdout.decode()
    assert done.returncode == 0, text
    path = text.split()[-1]
    assert path.endswith(f"/{board}/time/zeitkern.{form}")
    with open(os.path.join(ROOT, path), "rb") as file:
        return file.read()


def refused(*words):
    """The one line that make image says when it refuses."""
    done = images.make("-s", "image", *words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       timeout=600)
    lines = [line for line in done.stdout.decode().splitlines()
             if not re.match(r"make(\[\d+\])?: \*\*\* \[", line)]
    assert done.returncode != 0 and len(lines) == 1, lines
    return lines[0]


def segments(elf):
    """{address: bytes} of what an ELF32 file loads, by physical address."""
    at, = struct.unpack_from("<I", elf, 28)
    size, count = struct.unpack_from("<HH", elf, 42)
    found = {}
    for i in range(count):
        kind, offset, _, address, length = struct.unpack_from("<5I", elf, at + i * size)
        if kind == 1 and length:
            found[address] = elf[offset:offset + length]
    return found


def hex_bytes(text):
    """{address: byte} of an Intel HEX file, every checksum and its end checked."""
    found, base, ended = {}, 0, False
    for line in text.decode().splitlines():
        assert line[0] == ":" and not ended, line
        record = bytes.fromhex(line[1:])
        assert sum(record) & 0xFF == 0 and record[0] == len(record) - 5, line
        at, kind, data = struct.unpack(">H", record[1:3])[0], record[3], record[4:-1]
        if kind == 0:
            for i, byte in enumerate(data):
                assert base + at + i not in found, line
                found[base + at + i] = byte
        elif kind == 1:
            ended = True
        elif kind == 2:
            base = int.from_bytes(data, "big") << 4
        elif kind == 4:
            base = int.from_bytes(data, "big") << 16
        else:
            assert kind in (3, 5), line            # where to start
    assert ended
    return found


def words_of(page):
    """The words of a settings page, its first line checked."""
    found = re.match(rb"zeitkern-settings 1 (\d+) ([0-9a-f]{8})\n", page)
    assert found, page[:40]
    text = page[found.end():found.end() + int(found[1])]
    assert len(text) == int(found[1]) and zlib.crc32(text) == int(found[2], 16)
    return text.decode().split("\n")[:-1]


def page_address(board):
    """Where a board's settings page lies."""
    return int(board_words(board)["SETTINGS_AT"], 16)


@pytest.mark.parametrize("board", FLASHED)
def test_bin_and_hex(board):
    """Both hold what the ELF file loads and nothing else."""
    wanted = {address + i: byte for address, data in segments(image(board, "elf")).items()
              for i, byte in enumerate(data)}
    assert hex_bytes(image(board, "hex")) == wanted
    flat = image(board, "bin")
    assert len(flat) == max(wanted) + 1
    assert all(flat[address] == byte for address, byte in wanted.items())


@pytest.mark.parametrize("board", FLASHED)
def test_settings_page(board):
    """CONFIG= is in the page's place, with a seed of each image's own, and the image is the same;
    the next image without CONFIG= has no page."""
    at, config = page_address(board), 'CONFIG=ip=10.0.0.7/24 hostname="a b" http.port=81'
    plain = image(board, "bin")
    flat = image(board, "bin", config)
    words = words_of(flat[at:])
    assert words[:3] == ["ip=10.0.0.7/24", 'hostname="a b"', "http.port=81"]
    assert re.fullmatch("seed=[0-9a-f]{64}", words[3]) and len(words) == 4
    assert flat[:len(plain)] == plain and set(flat[len(plain):at]) <= {0xFF}
    found = hex_bytes(image(board, "hex", config))
    page = bytes(found[address] for address in sorted(found) if address >= at)
    assert words_of(page)[:3] == words[:3] and words_of(page)[3] != words[3]
    assert bytes(found[address] for address in sorted(found) if address < at) == plain
    assert image(board, "bin") == plain
    own = "CONFIG=seed=" + "5a" * 32
    assert words_of(image(board, "bin", own)[at:]) == [own[len("CONFIG="):]]


def test_refusals():
    """A format, a key or a length that is not possible is one line that says what is."""
    line = refused("BOARD=lm3s6965evb", "FORMAT=hx")
    assert "FORMAT=hx" in line and "elf bin hex" in line, line
    line = refused("BOARD=lm3s6965evb", "FORMAT=sd")
    assert "FORMAT=sd" in line and "elf bin hex" in line, line
    line = refused("BOARD=lm3s6965evb", "FORMAT=elf", "CONFIG=ip=dhcp")
    assert "CONFIG" in line and "bin hex" in line, line
    line = refused("BOARD=lm3s6965evb", "FORMAT=hex", "CONFIG=ip=dhcp Hostname=secret")
    assert '"Hostname"' in line and "secret" not in line, line
    line = refused("BOARD=lm3s6965evb", "FORMAT=hex", 'CONFIG=hostname="box')
    assert "does not end" in line, line
    line = refused("BOARD=lm3s6965evb", "FORMAT=bin", "CONFIG=hostname=" + "x" * 4096)
    assert "room for 4096" in line, line


def fat_file(card, path):
    """A file of the card's FAT partition, by mtools."""
    return subprocess.run(["mtype", "-i", f"{card}@@{FAT_AT}", f"::{path}"], check=True,
                          stdout=subprocess.PIPE).stdout


def test_card_image(tmp_path):
    """Partition table, boot loader, the three files and the NOTICE; the same bytes each time, the
    settings apart."""
    data = image(CARD, "sd", "CONFIG=hostname=card", "CMDLINE=ip=dhcp log.level=debug")
    card = tmp_path / "card"
    card.write_bytes(data)
    assert len(data) == CARD_BYTES and data[510:512] == b"\x55\xaa"
    kind, first, sectors = data[450], *struct.unpack_from("<II", data, 454)
    assert data[446] == 0x80 and kind == 0x0E and data[462:510] == bytes(48)
    assert first * 512 == FAT_AT and (first + sectors) * 512 == CARD_BYTES
    assert data[UBOOT_AT + 4:UBOOT_AT + 12] == b"eGON.BT0"       # the boot ROM looks for this
    with open(f"{ROOT}/build/src/u-boot-sunxi/usr/lib/u-boot/{board_words(CARD)['UBOOT']}",
              "rb") as file:
        loader = file.read()
    assert data[UBOOT_AT:UBOOT_AT + len(loader)] == loader
    kernel = fat_file(card, "zeitkern.bin")
    assert kernel == image(CARD, "bin") and kernel[0x24:0x28] == b"\x18\x28\x6f\x01"
    words = words_of(fat_file(card, "settings.txt"))
    assert words[0] == "hostname=card" and words[1].startswith("seed=") and len(words) == 2
    lines = fat_file(card, "extlinux/extlinux.conf").decode().splitlines()
    assert "linux /zeitkern.bin" in lines and "initrd /settings.txt" in lines
    assert "append ip=dhcp log.level=debug" in lines
    own = "CONFIG=seed=" + "00" * 32
    assert image(CARD, "sd", own) == image(CARD, "sd", own)
    with open(f"{ROOT}/build/{CARD}/time/NOTICE", encoding="utf-8") as file:
        notice = file.read()
    assert "U-Boot" in notice and "GNU GENERAL PUBLIC LICENSE" in notice
    assert "mbedTLS" in notice and "Apache License" in notice
    image(CARD, "bin")
    with open(f"{ROOT}/build/{CARD}/time/NOTICE", encoding="utf-8") as file:
        assert "U-Boot" not in file.read()


def card_boot(card, forwards=""):
    """QEMU with U-Boot, from a copy of the card: (process, console)."""
    process = subprocess.Popen(
        ["qemu-system-arm", "-M", "orangepi-pc", "-m", "1G", "-nodefaults", "-display", "none",
         "-serial", "stdio", "-no-reboot", "-nic", f"user{forwards}",
         "-drive", f"if=sd,format=raw,file={card}"], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=child_setup())
    return process, Console(process.stdout)


def test_card_boots(tmp_path):
    """The real U-Boot loads the image from the card; the settings of the file are in effect, and
    those of the command line after them, then it serves."""
    card = tmp_path / "card"
    card.write_bytes(image(CARD, "sd", "CONFIG=http.port=8081 of.file=1",
                           "CMDLINE=http.port=8082 of.line=1"))
    port = free_port()
    process, console = card_boot(card, f",hostfwd=tcp:127.0.0.1:{port}-:8082")
    try:
        for line in (r"U-Boot SPL", r"settings: unknown setting \"of\.file\"",
                     r"command line: unknown setting \"of\.line\""):
            match, _ = console.wait_for(line, UBOOT_S)
            assert match, console.text()
        match, _ = console.wait_for(r"serving http://10\.0\.2\.15:8082/", BOOT_S)
        assert match, console.text()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            assert answer.status == 200
    finally:
        process.kill()
        process.wait()


def page_of(path, words):
    """A settings page with these words."""
    subprocess.run([f"{ROOT}/linker/settings", str(path), "1K", words], check=True)
    return path.read_bytes()


def console_of(board, page):
    """Boots a board with such a page until it serves: its console."""
    port = free_port()
    with Vm(Options(board=board, machine=board, image=images.image(board, app="time"), page=page,
                    forwards=((port, 8080),))) as vm:
        vm.wait_for(r"serving http://10\.0\.2\.15:\d+/", BOOT_S)
        first_answer(vm, port)
        return vm.console.text()


@pytest.mark.parametrize("board", FLASHED + (CARD,))
def test_damaged_page(board, tmp_path):
    """One flipped bit: a clear line, and the service comes up with the defaults. An erased page,
    and none: not a word."""
    page = bytearray(page_of(tmp_path / "page", "http.port=8081"))
    page[-1] ^= 1
    text = console_of(board, bytes(page))
    assert re.search(r"settings: damaged \(.*\), defaults are used", text), text
    assert "serving http://10.0.2.15:8080/" in text
    size = int(board_words(board)["SETTINGS_SIZE"].rstrip("K")) << 10
    for blank in (b"\xff" * size, b""):
        assert "settings:" not in console_of(board, blank)
