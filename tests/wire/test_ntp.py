# SPDX-License-Identifier: MIT
"""Network time (RFC 5905): set by good servers, not by those that lie, and never by a stranger.

The machines here are booted with a time server of the test's own. What shows that an answer was
believed is the console's line and the time that is served.
"""

import contextlib
import calendar
import re
import time

import pytest

from dhcpd import Dhcpd
from faked import faked
from netns import EXTRA, HOST
from test_time import served_time

KNOWN = r"ntp: .* the time is known, stratum (\d+)"
FIRST_S = 2.5                  # after the address: the first question, and its answer
FIX_S = 2.0                    # the same, by the machine's own clock
FAR = 3600.0                   # seconds that a lie is off
EXACT_S = 0.05                 # of TCG on a busy computer
SLOW_ROWS = ("microvm", "host")


def near(site, limit, now=time.time):
    """The time served is right within `limit`, as far as one can tell from here."""
    error, doubt = site.time_error(now)
    assert abs(error) <= limit + doubt, (error, doubt, site.clock())


def first_fix(site, allowed=FIX_S):
    """The time is known within so many seconds of the network being up, by the console's."""
    text = site.vm.console.text()
    up, known = (float(re.search(rf"\[ *([0-9.]+)\] {what}", text)[1])
                 for what in ("address [0-9]", KNOWN))
    assert 0 <= known - up <= allowed, text


def watch(site, seconds):
    """Asks for the time, which is right or not known, until it has been known for `seconds`."""
    until, hang = None, time.monotonic() + 20
    with site.client() as client:
        while until is None or time.monotonic() < until:
            assert time.monotonic() < hang, "the time is not known"
            answer = client.get()
            if answer.status == 503:
                assert until is None, "known, and then not"
                time.sleep(0.02)
                continue
            until = until or time.monotonic() + seconds
            assert abs(served_time(answer) - time.time()) < 1.5, (answer, time.time())


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
    first_fix(site)
    assert abs(served_time(site.get()) - time.time()) < 1.0
    time.sleep(FIRST_S)
    assert 1 <= server.asked <= 3
    near(site, EXACT_S)


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


def test_own_clock_is_ahead(boot, row):
    """One that is two hours ahead is put right at once, since nobody has been told the time yet:
    that keys and certificates go by it, too, is no telling."""
    if row.board not in ("pc", "virt") or row.accel == "kvm" or not row.clock:
        pytest.skip("this machine has no clock that QEMU could set")
    ahead = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 7200))
    site = boot("", start=False, wait=False, extra=("-rtc", f"base={ahead}"))
    with contextlib.closing(site.time_server(silent_for=2)) as server:
        site.options.cmdline += f" ntp={HOST}:{server.port}"
        site.expect_time(False)
        site.boot()
        site.vm.wait_for("https: port", 20)
        site.vm.wait_for(KNOWN, 20)
        assert abs(served_time(site.get()) - time.time()) < 1.0


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
    sent_away = [(word, *asked(stratum=0, reference=word)) for word in (b"DENY", b"RATE")]
    for word, site, _ in sent_away:
        site.vm.wait_for(rf"ntp: .* sends us away: {word.decode()}", 10)
    time.sleep(6)
    for word, _, server in sent_away:
        assert server.asked == 1, (word, server.asked)


def test_silence_then_answer(asked):
    """A server that comes up late is found, asked more and more rarely."""
    site, server = asked(silent_for=3)
    site.vm.wait_for(r"ntp: .* no answer", 10)
    site.vm.wait_for(KNOWN, 30)
    times = [when for when, _, _ in server.questions]
    gaps = [b - a for a, b in zip(times, times[1:])]
    assert len(gaps) == 3 and gaps[1] > 1.3 * gaps[0] and gaps[2] > 1.3 * gaps[1], gaps


def test_second_server(boot):
    """When one does not know the time, another does."""
    site = boot("", start=False, wait=False)
    bad, good = site.time_server(leap=3), site.time_server()
    site.options.cmdline += f" ntp={HOST}:{bad.port},{HOST}:{good.port}"
    site.expect_time(False)
    site.boot()
    site.vm.wait_for(r"ntp: .* does not know the time itself", 10)
    site.vm.wait_for(rf"ntp: {HOST}:{good.port}: the time is known", 10)
    assert abs(served_time(site.get()) - time.time()) < 1.5
    assert [peer["state"] for peer in site.clock()["servers"]] == ["unfit", "selected"]
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


def test_name_moves(boot):
    """A server that is silent is looked up anew: its name may stand for another address."""
    site = boot("", start=False, wait=False)
    site.expect_time(False)
    old = site.time_server(silent_for=1 << 30)
    new = site.time_server(port=old.port, address=EXTRA[0])
    resolver = site.net.dnsmasq(f"--address=/moves.example/{HOST}")
    site.options.cmdline += f" ntp=moves.example:{old.port}"
    site.start()
    site.vm.wait_for(r"ntp: moves\.example: no answer", 30)
    assert old.asked >= 1 and new.asked == 0
    site.net.end(resolver)
    site.net.dnsmasq(f"--address=/moves.example/{EXTRA[0]}")
    site.vm.wait_for(KNOWN, 30)
    for server in (old, new):
        server.close()


def test_from_dhcp(boot):
    """DHCP's option 42 names the server, at the usual port."""
    site = boot("", dhcp=False, by_hand=False, start=False, wait=False)
    site.expect_time(False)
    server = site.time_server(port=123)
    daemon = Dhcpd(site.net, more=b"\x2a\x08\x0a\x4d\x00\x01\x0a\x4d\x00\x02")
    site.start()
    site.vm.wait_for(rf"ntp: {HOST}:123: the time is known", 20)
    site.serving()
    assert [peer["host"] for peer in site.clock()["servers"]] == [HOST, EXTRA[0]]
    daemon.close()
    server.close()


def test_bad_setting(boot):
    """A value that names no server is one line, and the rest works."""
    for value in ("", "a:b", "a:0", "a:65536", "a b", "10.0.0.1,,", "x" * 300, "[::1"):
        site = boot(f'ntp="{value}" log.level=info', start=False, wait=False)
        site.expect_time(False)
        site.boot()
        text = site.vm.console.text()
        assert len([line for line in text.splitlines() if "ntp=" in line]) == 1, (value, text)
        assert site.get().status in (200, 503)
        site.close()


def test_chrony(boot):
    """A real server, and what is said about it."""
    site = boot("", start=False, wait=False)
    site.expect_time(False)
    site.net.chronyd()
    site.options.cmdline += f" ntp={HOST}"
    site.boot()
    found = site.vm.wait_for(KNOWN, 20)
    assert found[1] == "8"
    first_fix(site)
    time.sleep(FIRST_S + 1)        # a slew of up to a second is over
    near(site, EXACT_S)
    clock = site.clock()
    assert set(clock) == {"source", "stratum", "offset", "error_bound", "last_sync", "steps",
                          "slews", "frequency_ppm", "leap", "poll", "servers"}, clock
    assert clock["source"] == "ntp" and clock["stratum"] == 8 and clock["leap"] == 0
    assert clock["steps"] + clock["slews"] >= 1 and clock["poll"] >= 16
    assert abs(clock["frequency_ppm"]) <= 500 and abs(clock["last_sync"] - time.time()) < 5
    peer, = clock["servers"]
    assert (peer["host"], peer["port"], peer["state"]) == (HOST, 123, "selected")
    assert abs(peer["offset"]) < EXACT_S and 0 <= peer["delay"] < 1
    error, doubt = site.time_error()
    assert abs(error) <= clock["error_bound"] + doubt + 0.001, (error, doubt, clock)


def voters(site, *more):
    """Real servers, as many as the machine asks, most of them honest, and these besides."""
    site.expect_time(False)
    site.net.chronyd()
    honest = [HOST, EXTRA[0], EXTRA[1]][:site.budget.ntp_servers - len(more)]
    site.options.cmdline += " ntp=" + ",".join(list(more) + honest)


def states(site):
    """{port: state} of /clock's servers."""
    return {peer["port"]: peer["state"] for peer in site.clock()["servers"]}


@pytest.mark.busy
def test_liars(boot):
    """A server that is 100 s ahead, and one whose clock gains a tenth, are outvoted from the
    first fix on."""
    site = boot("", start=False, wait=False)
    if site.budget.ntp_servers < 4:
        pytest.skip("this board asks two servers, which cannot outvote each other")
    site.net.chronyd("port 1123", env=faked("+100s"))
    site.net.chronyd("port 1124", env=faked("+0 x1.1"))
    site.net.chronyd()
    site.expect_time(False)
    site.options.cmdline += f" ntp={HOST}:1123,{HOST},{EXTRA[0]},{EXTRA[1]}"
    site.boot()
    watch(site, 4)
    first_fix(site)
    assert states(site)[1123] == "falseticker", site.clock()
    near(site, EXACT_S)
    site.close()
    site = boot("", start=False, wait=False)
    site.net.chronyd("port 1124", env=faked("+0 x1.1"))
    time.sleep(0.5)
    voters(site, f"{HOST}:1124")
    site.boot()
    watch(site, 4)
    assert states(site)[1124] == "falseticker", site.clock()
    near(site, EXACT_S)


def test_quick_liar(boot):
    """A liar that answers at once has to wait for the honest ones, who do not."""
    site = boot("", start=False, wait=False)
    if site.budget.ntp_servers < 3:
        pytest.skip("this board asks two servers, which cannot outvote each other")
    site.expect_time(False)
    servers = [site.time_server(ahead=FAR)] + [site.time_server(slow=0.4) for _ in range(2)]
    site.options.cmdline += " ntp=" + ",".join(f"{HOST}:{server.port}" for server in servers)
    site.boot()
    watch(site, 1)
    assert states(site)[servers[0].port] == "falseticker", site.clock()
    for server in servers:
        server.close()


def test_silent_and_limited(boot):
    """A server that is silent, and those that limit how often they answer, do no harm."""
    site = boot("", start=False, wait=False)
    silent = site.time_server(silent_for=1 << 30)
    began = time.monotonic()
    if site.budget.ntp_servers < 4:
        site.net.chronyd("ratelimit interval 12 burst 1 leak 4")
        site.options.cmdline += f" ntp={HOST}:{silent.port},{HOST}"
    else:
        rate = site.time_server(stratum=0, reference=b"RATE")
        site.net.chronyd("port 1126", "ratelimit interval 12 burst 1 leak 4")
        voters(site, f"{HOST}:{silent.port}", f"{HOST}:{rate.port}", f"{HOST}:1126")
    site.expect_time(False)
    site.boot()
    site.vm.wait_for(KNOWN, began + 20 - time.monotonic())
    first_fix(site)
    time.sleep(FIRST_S)
    near(site, EXACT_S)
    found = states(site)
    assert found[silent.port] == "silent", found
    if site.budget.ntp_servers >= 4:
        assert found[rate.port] == "rate" and rate.asked == 1, (found, rate.asked)
        rate.close()
    silent.close()


def test_disagreement(boot):
    """Of two servers that say different times neither is believed."""
    site = boot("", start=False, wait=False)
    ours, other = site.time_server(), site.time_server(ahead=FAR)
    site.options.cmdline += f" ntp={HOST}:{ours.port},{HOST}:{other.port}"
    site.expect_time(False)
    site.boot()
    time.sleep(FIRST_S)
    assert set(states(site).values()) == {"falseticker"}, site.clock()
    assert "the time is known" not in site.vm.console.text()
    for server in (ours, other):
        server.close()


@pytest.mark.busy
def test_slew(asked):
    """A clock that turns out to be ahead goes slower until it is right, and never back."""
    site, server = asked()
    site.vm.wait_for(KNOWN, 20)
    server.answer.ahead = -0.5
    until, last, answers = time.monotonic() + 5, 0.0, 0
    with site.client() as client:
        while time.monotonic() < until:
            served = served_time(client.get())
            assert served >= last, (last, served)
            last, answers = served, answers + 1
    assert answers > 500
    near(site, EXACT_S, lambda: time.time() - 0.5)
    clock = site.clock()
    assert clock["steps"] <= 1 and clock["slews"] >= 1, clock


def test_no_page(boot):
    """clock=no: there is no such page. Without a server it says what the clock goes by."""
    site = boot("clock=no")
    assert site.get("/clock").status == 404
    site.close()
    site = boot("", start=False, wait=False)
    site.expect_time(False)
    site.boot()
    clock = site.clock()
    status = site.get().status
    assert clock["source"] in ("rtc", "kvmclock") if status == 200 else clock["source"] == "none"
    assert clock["stratum"] is None and clock["last_sync"] is None and clock["servers"] == []


def test_page_of_the_shared_machine(site):
    """Asked for again and again, it costs no more than the first time, and little of a stack."""
    for _ in range(20):
        clock = site.clock()
        assert clock["source"] != "none" and isinstance(clock["servers"], list), clock


def test_loss(asked, row, full):
    """Without its server the clock goes on, and knows its error less; then it is found again."""
    if not full and row.name not in SLOW_ROWS:
        pytest.skip("half a minute: only in make test-full")
    site, server = asked()
    site.vm.wait_for(KNOWN, 20)
    time.sleep(7)                  # the first questions in a row are over
    server.answer.silent_for = 1 << 30
    before = site.clock()
    deadline = time.monotonic() + 40
    questions = server.asked
    while server.asked < questions + 2 and time.monotonic() < deadline:
        time.sleep(0.2)
    lost = site.clock()
    assert lost["source"] == "ntp" and lost["last_sync"] == before["last_sync"], (before, lost)
    assert lost["error_bound"] > before["error_bound"]
    near(site, EXACT_S)
    server.answer.silent_for = 0
    while site.clock()["last_sync"] == before["last_sync"] and time.monotonic() < deadline:
        time.sleep(0.2)
    assert site.clock()["last_sync"] > before["last_sync"]
    near(site, EXACT_S)


def test_poll(asked, row, full):
    """A calm clock is asked for half as often."""
    if not full or row.name not in SLOW_ROWS:
        pytest.skip("two minutes: only in make test-full, on two machines")
    site, server = asked()
    site.vm.wait_for(KNOWN, 20)
    assert site.clock()["poll"] == 16
    deadline = time.monotonic() + 200
    while server.asked < 2 or server.questions[-1][0] - server.questions[-2][0] < 30:
        assert time.monotonic() < deadline, (server.asked, site.clock())
        time.sleep(0.5)
    gap = server.questions[-1][0] - server.questions[-2][0]
    assert 32 <= site.clock()["poll"] <= 64 and 31 < gap < 34, (gap, site.clock())
    near(site, EXACT_S)


def test_leap_second(asked, row, full):
    """A second is inserted at the end of the month: announced, slewed away, never backwards."""
    if not full and row.name not in SLOW_ROWS:
        pytest.skip("a quarter of a minute: only in make test-full")
    now = time.gmtime()
    end = calendar.timegm((now.tm_year, now.tm_mon + 1, 1, 0, 0, 0))
    ahead = end - time.time() - 10
    site, server = asked(ahead=ahead, leap=1)
    site.vm.wait_for(KNOWN, 20)
    assert site.clock()["leap"] == 1
    last = 0.0
    with site.client() as client:
        while time.time() + ahead < end + 3:
            served = served_time(client.get())
            assert served >= last, (last, served)
            last = served
            if time.time() + server.answer.ahead >= end and server.answer.leap:
                server.answer.ahead, server.answer.leap = ahead - 1, 0
            time.sleep(0.002)
    site.vm.wait_for("ntp: leap second 1", 1)
    near(site, EXACT_S, lambda: time.time() + ahead - 1)
    assert site.clock()["leap"] == 0
