# SPDX-License-Identifier: MIT
"""The machine around the service: settings, power, pauses, idling, little memory."""

import re
import time

import pytest

from test_time import served_time

IDLE_S = 10
IDLE_SHARE = 0.02
PAUSE_S = 5


def test_boot_log(site):
    """What the console says about the machine."""
    text = site.vm.console.text()
    assert re.search(r"^\[ *\d+\.\d{6}\] ", text, re.M), text
    for wanted in (r"(?i)memory|MiB", r"(?i)clock|tsc|timer", r"(?i)entropy|random",
                   r"address 10\.77\.", r"serving http://10\.77\."):
        assert re.search(wanted, text), (wanted, text)
    assert not re.search(r"panic|fault|FORBIDDEN", text), text


def test_settings_errors(boot):
    """Unknown keys and bad values: one line each that names the key, and it serves all the same."""
    site = boot("no.such.key=1 http.port=70000 http.max_uri=abc ip.typo=dhcp log.level=loud "
                "console=ttyS0 reboot=t panic=-1 pci=off")
    text = site.vm.console.text()
    for key in (r"no\.such\.key", r"http\.port", r"http\.max_uri", r"ip\.typo", r"log\.level"):
        lines = [line for line in text.splitlines() if re.search(key, line)]
        assert len(lines) == 1, (key, lines, text)
    for word in ("console=", "reboot=", "panic=", "pci="):
        assert word not in text, text
    assert site.get().status == 200


def test_bad_address(boot):
    """A nonsense static address: one line, and DHCP instead."""
    for value in ("ip=300.1.1.1/16", "ip=10.77.2.2/33", "ip=10.77.2.2"):
        site = boot(f"{value} log.level=info")
        assert re.search(r"\bip\b", site.vm.console.text())
        assert site.get().status == 200
        site.close()


def test_other_port(boot):
    """http.port= moves the service."""
    site = boot("http.port=81")
    assert ":81/" in site.vm.wait_for("serving http").string
    with pytest.raises(ConnectionRefusedError):
        site.socket()
    site.socket(port=81).close()


def test_power_button(boot, row):
    """The power button ends it in order, with code 0, and soon."""
    if not row.button:
        pytest.skip("this machine has no power button")
    site = boot()
    with site.client() as idle, site.client() as half:
        assert idle.get().status == 200
        half.send("GET / HTTP/1.1\r\nHos")
        began = time.monotonic()
        site.vm.powerdown()
        assert site.vm.wait(5) == 0, site.vm.console.text()
        assert time.monotonic() - began < 4.5


def test_power_button_drains(row, boot, echo_image):
    """A request being served when the button is pressed is answered first."""
    if not row.button:
        pytest.skip("this machine has no power button")
    site = boot(image=echo_image)
    with site.client() as client:
        client.send("GET /sleep/1000 HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.3)
        site.vm.powerdown()
        assert client.answer().status == 200
        client.ended(timeout=3)
    assert site.vm.wait(5) == 0


def test_button_before_it_serves(row, boot):
    """Pressed while it still waits for an address, it ends as well."""
    if not row.button:
        pytest.skip("this machine has no power button")
    site = boot(wait=False, dhcp=False, by_hand=False)
    site.vm.wait_for("dhcp: asking", 20)
    site.vm.powerdown()
    assert site.vm.wait(5) == 0, site.vm.console.text()


def test_idle(site):
    """Left alone, it uses under 2 % of a core."""
    with site.client() as client:
        assert client.get().status == 200
        time.sleep(0.5)
        before = site.vm.cpu_seconds()
        time.sleep(IDLE_S)
        share = (site.vm.cpu_seconds() - before) / IDLE_S
        assert client.get().status == 200
    assert share < IDLE_SHARE, f"{share:.1%} of a core"


def test_pause(row, boot):
    """After the VM was stopped, no answer is more than about a second wrong, nor goes back."""
    if not (row.clock and row.runs_on):
        pytest.skip("no clock of this machine runs on while it is stopped")
    site = boot()
    with site.client() as client:
        before = served_time(client.get())
        if site.vm.qmp:
            site.vm.qmp.execute("stop")
            time.sleep(PAUSE_S)
            site.vm.qmp.execute("cont")
        else:
            site.vm.process.send_signal(19)
            time.sleep(PAUSE_S)
            site.vm.process.send_signal(18)
        for wait in (0, 0.2, 1, 1.5):
            time.sleep(wait)
            served = served_time(client.get())
            assert -1.2 - row.late < served - time.time() < 1.2, (served, time.time())
            assert served > before
            before = served


def clock_error(site):
    """The least of twenty differences between the served time and ours, in seconds."""
    errors = []
    with site.client() as client:
        for _ in range(20):
            before = time.time()
            served = served_time(client.get())
            errors.append(served - (before + time.time()) / 2)
    return min(errors, key=abs)


def test_clock_settles(boot, row):
    """Right within a second from the first answer, and steady once the RTC's edge is found.

    QEMU's RTCs start at a whole second when QEMU starts, so up to a second is not theirs to give.
    """
    site = boot()
    assert abs(clock_error(site)) < 1.1
    time.sleep(4)
    first = clock_error(site)
    time.sleep(2)
    second = clock_error(site)
    assert abs(first) < 1.1 and abs(second - first) < 0.02, (first, second)
    if row.board == "host":
        assert abs(first) < 0.01, first


def test_little_memory(row, boot):
    """It serves in 8 MiB, where the machine can be that small."""
    if not row.memory:
        pytest.skip("this machine's memory is what it is")
    site = boot("metrics=yes", mem=8 if row.board == "pc" and "microvm" in row.machine else 16)
    clients = [site.client() for _ in range(20)]
    for client in clients:
        assert client.get().status == 200
        client.close()


def test_no_nic(row, boot):
    """Without a NIC it says so and ends or stays, but does not crash."""
    if not row.bare:
        pytest.skip("this machine always has a NIC")
    site = boot(wait=False, dhcp=False, by_hand=False, start=False)
    site.options.no_nic = True
    site.start()
    site.vm.wait_for(r"(?i)no (nic|network)", 20)
    assert "***" not in site.vm.console.text(), site.vm.console.text()
