# SPDX-License-Identifier: MIT
"""Two boots of one image with one seed differ, where no hardware gives random bits."""

import struct

from dhcpd import Dhcpd
from netns import HOST

SEED = "seed=" + "5a" * 32
BOOTS = 4


def numbers(boot):
    """What a fresh boot chose: DHCP's transaction; the time client's port and cookie."""
    site = boot("", dhcp=False, by_hand=False, start=False, wait=False, no_rng=True)
    site.expect_time(False)
    server, daemon = site.time_server(), Dhcpd(site.net)
    site.options.cmdline += f" {SEED} ntp={HOST}:{server.port}"
    try:
        site.start()
        site.vm.wait_for(r"ntp: .* the time is known", 20)
        text = site.vm.console.text()
        assert "entropy: RD" not in text and "entropy: virtio-rng" not in text, text
        assert "5a5a5a" not in text
        _, source, question = server.questions[0]
        return struct.unpack_from(">I", daemon.seen[0][2], 4)[0], source[1], question[40:48]
    finally:
        daemon.close()
        server.close()
        site.close()


def test_two_boots_differ(boot):
    """Transactions and cookies never repeat (32 and 64 bits); ports may, but not all."""
    seen = [numbers(boot) for _ in range(BOOTS)]
    for column in (0, 2):
        assert len({line[column] for line in seen}) == BOOTS, seen
    assert len({line[1] for line in seen}) > 1, seen


def test_seed_is_a_secret(boot):
    """A seed that is too short is one line, which does not show it."""
    site = boot("seed=c0ffee")
    text = site.vm.console.text()
    lines = [line for line in text.splitlines() if "seed=" in line and "expected" in line]
    assert len(lines) == 1 and "c0ffee" not in text, text
    assert site.get().status in (200, 503)
