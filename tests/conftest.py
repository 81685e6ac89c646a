# SPDX-License-Identifier: MIT
"""pytest: booted machines as fixtures, and the check that nothing leaked.

One run is for one machine of tests/table.py (--target). The machine under test sits on a TAP
in a private namespace with dnsmasq; it is booted once per set of settings and shared by all
tests that want those. After each test that uses one, its pools, stacks and heap must be back
at what they were before, and it must still run and answer.
"""

import fcntl
import os
import sys
import types

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "wire"))
sys.path.insert(0, os.path.join(HERE, "apps"))

import images  # noqa: E402
import pki  # noqa: E402
from site_vm import Site  # noqa: E402
from netns import NoNamespace  # noqa: E402
from secure import listening  # noqa: E402
from table import BY_NAME  # noqa: E402

# Settings of the machine whose time-outs are short enough to be tested.
QUICK = "http.head_timeout=1 http.body_timeout=2 http.idle_timeout=2 http.write_timeout=2"
MICROCONTROLLERS = ("lm3s6965evb", "mps2-an385")
FEW = "http.max_connections=8"


def pytest_addoption(parser):
    """The options that tests/run passes."""
    parser.addoption("--target", default="microvm", help="a machine of tests/table.py")
    parser.addoption("--image", default="", help="the image of app/time; made when not given")
    parser.addoption("--echo-image", default="", help="the image of app/echo")
    parser.addoption("--full", action="store_true", help="the long form of the long tests")


def pytest_configure(config):
    """Our own marks."""
    config.addinivalue_line("markers", "drains_late: checked for leaks at the end of the run")
    config.addinivalue_line("markers", "large: not for a microcontroller")
    config.addinivalue_line("markers", "also_on(ROW...): `make test` runs it there, too")
    config.addinivalue_line("markers", "busy: takes a CPU for seconds, or counts milliseconds")


def pytest_collection_modifyitems(config, items):
    """What a microcontroller has no room for is not asked of it."""
    row = BY_NAME[config.getoption("--target")]
    left = []
    if row.board in MICROCONTROLLERS:
        left = [item for item in items if item.get_closest_marker("large")]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in left]


@pytest.fixture(scope="session")
def row(request):
    """The machine's row of the table."""
    return BY_NAME[request.config.getoption("--target")]


@pytest.fixture(scope="session")
def full(request):
    """True in `make test-full`."""
    return request.config.getoption("--full")


@pytest.fixture(scope="session")
def image(request, row):
    """Path of the app/time image, for the host under ASan and UBSan."""
    return request.config.getoption("--image") or images.image(row.board, app="time",
                                                                 firmware=row.firmware)


@pytest.fixture(scope="session")
def echo_image(request, row):
    """Path of the app/echo image."""
    return request.config.getoption("--echo-image") or images.image(row.board, app="echo",
                                                                      firmware=row.firmware)


@pytest.fixture(autouse=True)
def one_is_busy(request):
    """Of the tests marked `busy` one runs at a time, in all groups of tests/run together: what
    one measures is its machine's time, not another's crowd on the same CPUs."""
    if not request.node.get_closest_marker("busy"):
        yield
        return
    folder = os.path.join(images.ROOT, "build", "test")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "busy"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def shared(row, image, settings, **more):
    """Generator body of the session fixtures: a booted site."""
    try:
        site = Site(row, image, settings, **more)
    except NoNamespace as error:
        pytest.skip(f"no network namespace here: {error}")
    try:
        site.boot()
        listening(site)           # what HTTPS takes, it has then
        before = site.resources()
        yield site
        site.check(before)
    finally:
        site.close()


@pytest.fixture(scope="session")
def main_site(row, image):
    """The default settings."""
    yield from shared(row, image, "metrics=yes")


@pytest.fixture(scope="session")
def quick_site(row, image):
    """Short time-outs."""
    yield from shared(row, image, f"metrics=yes {QUICK}")


@pytest.fixture(scope="session")
def few_site(row, image):
    """Eight connections at most."""
    yield from shared(row, image, f"metrics=yes {FEW}")


@pytest.fixture(scope="session")
def echo_site(row, echo_image):
    """app/echo."""
    yield from shared(row, echo_image, "metrics=yes")


@pytest.fixture(scope="session")
def trust(tmp_path_factory):
    """A folder with a root, an authority below it, and another root that nobody asked."""
    folder = str(tmp_path_factory.mktemp("pki"))
    root = pki.authority(folder, "root")
    return types.SimpleNamespace(folder=folder, root=root, below=pki.below(root, folder, "below"),
                                 other=pki.authority(folder, "other"))


@pytest.fixture(scope="session")
def pairs(trust):
    """The certificates of three names, the first of ECDSA and of RSA."""
    return {"tls": pki.signed(trust.root, trust.folder, "ecdsa", ["zeitkern.test"]),
            "tls.2": pki.signed(trust.below, trust.folder, "rsa", ["zeitkern.test"], kind="rsa"),
            "tls.3": pki.signed(trust.root, trust.folder, "wild", ["*.wild.test", "exact.test"])}


@pytest.fixture(scope="session")
def https_site(row, echo_image, trust, pairs):
    """app/echo with those certificates."""
    files = {}
    for name, pair in pairs.items():
        files[name.replace("tls", "tls.cert")] = pair.cert
        files[name.replace("tls", "tls.key")] = pair.key
    settings, more = pki.given(row, trust.folder, files, "metrics=yes")
    yield from shared(row, echo_image, settings, **more)


@pytest.fixture(scope="module")
def app_image(request, row):
    """The image of the app that this module of tests/apps is about: its APP."""
    return images.image(row.board, app=request.module.APP)


@pytest.fixture(scope="module")
def app_site(request, row, app_image):
    """That app, with the module's SETTINGS and MEM (MiB) if it has any."""
    settings = getattr(request.module, "SETTINGS", "")
    yield from shared(row, app_image, f"metrics=yes {settings}",
                      mem=getattr(request.module, "MEM", 64))


def checked(request, site):
    """Generator body of the fixtures that tests use: the site, with the check after it.

    What a test marked `drains_late` leaves behind ages away on its own (half-open peers,
    fragments): that is checked once, when the machine is given up.
    """
    before = site.resources()
    yield site
    assert site.vm.running(), f"it ended\n{site.vm.console.text()}"
    if not request.node.get_closest_marker("drains_late"):
        site.check(before)


@pytest.fixture
def site(request, main_site):
    """The default machine, checked for leaks after the test."""
    yield from checked(request, main_site)


@pytest.fixture
def quick(request, quick_site):
    """The machine with short time-outs, checked for leaks after the test."""
    yield from checked(request, quick_site)


@pytest.fixture
def few(request, few_site):
    """The machine with room for eight connections, checked for leaks after the test."""
    yield from checked(request, few_site)


@pytest.fixture
def echo(request, echo_site):
    """app/echo, checked for leaks after the test."""
    yield from checked(request, echo_site)


@pytest.fixture
def app(request, app_site):
    """The module's app, checked for leaks after the test."""
    yield from checked(request, app_site)


def booting(row, image, counted=False):
    """Generator body of boot and boot_app; `counted`: with metrics, and what a site held before
    the test, if it was waited for or the test has set site.before, it holds no more of after it."""
    sites = []

    def make(settings="", wait=True, start=True, **more):
        if counted:
            settings = f"metrics=yes {settings}"
        try:
            site = Site(more.pop("row", row), more.pop("image", image), settings, **more)
        except NoNamespace as error:
            pytest.skip(f"no network namespace here: {error}")
        sites.append(site)
        if start:
            site.boot(wait=wait)
        if counted and start and wait:
            site.before = site.resources()
        return site
    yield make
    try:
        for site in sites:
            if site.before:
                site.check(site.before)
    finally:
        for site in sites:
            site.close()


@pytest.fixture
def boot_app(row, app_image):
    """boot_app(settings, ...) as boot(), of the module's app, with metrics; checked for leaks
    after the test. One that boots it by itself sets site.before = site.resources()."""
    yield from booting(row, app_image, counted=True)


@pytest.fixture
def https(request, https_site):
    """app/echo with certificates, checked for leaks after the test."""
    yield from checked(request, https_site)


@pytest.fixture
def boot(row, image):
    """boot(settings, ...) -> a Site of this test's own, ended after it; start=False: not yet."""
    yield from booting(row, image)
