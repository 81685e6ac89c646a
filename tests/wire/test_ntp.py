# SPDX-License-Identifier: MIT
"""Network time (RFC 4330): set by a good server, not by one that lies, and never by a stranger.

The machines here are booted with a time server of the test's own. What shows that an answer was
believed is the console's line and the time that is served.
"""

import subprocess
import time

import pytest

from dhcpd import Dhcpd
from netns import HOST
from test_time import served_time

KNOWN = r"ntp: .* the time is known, stratum (\d+)"
FIRST_S = 2.5                  # after the address: the first question, and its answer
FAR = 3600.0                   # seconds that a lie is off
EXACT_S = 0.2


@pytest.fixture
def asked(boot):
    """asked(settings, **how) -> (site, Ntpd): a machine that is told of a server so answering."""
    servers = []

    def start(settings="", wait=True, **how):
        site = boot("", start=False, wait=False)
        server = site.time_server(**how)
        servers.append(server)
        site.options.cmdline += f" ntp={HOST}:{server.port} {settings}"
        site.expect_time(False)
        site.boot(wait=wait)
        return site, server
    yield start
    for server in servers:
        server.close()


def test_set(asked):
    """The time is set soon after the address, and right."""
    site, server = asked(stratum=3)
    found = site.vm.wait_for(KNOWN, FIRST_S + 5)
    assert found[1] == "3"
    time.sleep(0.2)
    assert abs(served_time(site.get()) - time.time()) < 1.0
    assert server.asked == 1


def test_question(asked):
    """What a question says: version 4, a client, and nothing about the machine (RFC 9109)."""
    site, server = asked(silent_for=2)
    site.vm.wait_for(KNOWN, 20)
    packets = [packet for _, _, packet in server.questions]
    ports = {source[1] for _, source, _ in server.questions}
    assert len(packets) >= 3 and len(ports) >= 3, server.questions
    for packet in packets:
        assert len(packet) == 48 and packet[0] == 0x23
        assert packet[1:40] == bytes(39), packet
    assert len({packet[40:48] for packet in packets}) == len(packets)


def test_ahead(asked, row):
    """A clock that is not set takes what the server says, whatever the year."""
    if row.clock:
        pytest.skip("this machine's own clock sets it first")
    site, _ = asked(ahead=FAR * 24 * 400)
    site.vm.wait_for(KNOWN, FIRST_S + 5)
    assert abs(served_time(site.get()) - time.time() - FAR * 24 * 400) < EXACT_S


LIES = {"another origin": {"right_origin": False}, "leap unknown": {"leap": 3},
        "stratum 16": {"stratum": 16}, "no transmit time": {"zero": True},
        "root delay": {"root_delay": 1.5}, "root dispersion": {"root_dispersion": 2.0},
        "version 1": {"version": 1}, "symmetric mode": {"mode": 1}, "a client's": {"mode": 3},
        "broadcast": {"mode": 5}, "cut": {"length": 47}, "kiss DENY": {"stratum": 0,
                                                                      "reference": b"DENY"}}


@pytest.mark.parametrize("name", LIES)
def test_lies(asked, name):
    """What a server may not say is not believed."""
    site, server = asked(ahead=FAR, **LIES[name])
    deadline = time.monotonic() + 10
    while server.asked < 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)
    assert server.asked >= 1
    assert "the time is known" not in site.vm.console.text(), site.vm.console.text()
    answer = site.get()
    if answer.status == 200:
        assert abs(served_time(answer) - time.time()) < 1.5
    else:
        assert answer.status == 503 and b"not known" in answer.body, answer


def test_kiss(asked):
    """RATE: asked again only after a while; DENY: never."""
    for word, least in ((b"DENY", 1), (b"RATE", 1)):
        site, server = asked(stratum=0, reference=word)
        site.vm.wait_for(rf"ntp: .* sends us away: {word.decode()}", 10)
        time.sleep(6)
        assert server.asked == least, (word, server.asked)
        site.close()


def test_silence_then_answer(asked):
    """A server that comes up late is found, asked more and more rarely."""
    site, server = asked(silent_for=3)
    site.vm.wait_for(r"ntp: .* no answer", 10)
    site.vm.wait_for(KNOWN, 30)
    times = [when for when, _, _ in server.questions]
    gaps = [b - a for a, b in zip(times, times[1:])]
    assert len(gaps) == 3 and gaps[1] > 1.3 * gaps[0] and gaps[2] > 1.3 * gaps[1], gaps


def test_second_server(boot):
    """When the first lies, the second is asked."""
    site = boot("", start=False, wait=False)
    bad, good = site.time_server(leap=3), site.time_server()
    site.options.cmdline += f" ntp={HOST}:{bad.port},{HOST}:{good.port}"
    site.expect_time(False)
    site.boot()
    site.vm.wait_for(r"ntp: .* does not know the time itself", 10)
    site.vm.wait_for(rf"ntp: {HOST}:{good.port}: the time is known", 10)
    assert abs(served_time(site.get()) - time.time()) < 1.5
    for server in (bad, good):
        server.close()


def test_by_name(boot):
    """A server's name is resolved."""
    site = boot("", start=False, wait=False)
    server = site.time_server()
    site.options.cmdline += f" ntp=test.example:{server.port}"
    site.expect_time(False)
    site.boot()
    site.vm.wait_for(rf"ntp: test\.example:{server.port}: the time is known", 10)
    server.close()


def test_from_dhcp(boot):
    """DHCP's option 42 names the server, at the usual port."""
    site = boot("", dhcp=False, by_hand=False, start=False, wait=False)
    site.expect_time(False)
    server = site.time_server(port=123)
    daemon = Dhcpd(site.net, more=b"\x2a\x04\x0a\x4d\x00\x01")
    site.start()
    site.vm.wait_for(rf"ntp: {HOST}:123: the time is known", 20)
    daemon.close()
    server.close()


def test_bad_setting(boot):
    """A value that names no server is one line, and the rest works."""
    for value in ("", "a:b", "a:0", "a:65536", "a b", "10.0.0.1,,", "x" * 300, "[::1]"):
        site = boot(f'ntp="{value}" log.level=info', start=False, wait=False)
        site.expect_time(False)
        site.boot()
        text = site.vm.console.text()
        assert len([line for line in text.splitlines() if "ntp=" in line]) == 1, (value, text)
        assert site.get().status in (200, 503)
        site.close()


def test_chrony(boot, tmp_path):
    """A real server. chronyd removes its pidfile in the end, so that one is the test's own."""
    site = boot("", start=False, wait=False)
    site.expect_time(False)
    site.net.popen(["/usr/sbin/chronyd", "-x", "-d", "-F", "0", "-u", "root", "local stratum 8",
                    "allow all", "cmdport 0", f"pidfile {tmp_path}/pid", "bindcmdaddress /"],
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    site.options.cmdline += f" ntp={HOST}"
    site.boot()
    found = site.vm.wait_for(KNOWN, 20)
    assert found[1] == "8"
    time.sleep(2.5)                # a slew of up to a second is over
    assert abs(served_time(site.get()) - time.time()) < EXACT_S
