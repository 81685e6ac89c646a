# SPDX-License-Identifier: MIT
"""HTTPS as others judge it: testssl.sh finds nothing worse than LOW, a browser that trusts the
root shows the page. Both are for one machine, and only in make test-full: minutes, and large."""

import json
import os
import re
import subprocess

import pytest

from secure import PORT, listening

NAME = "zeitkern.test"
# Who vouches for the certificate, until when, and how it would be taken back is for whoever
# issued it: here a root of the test's own, without a list or OCSP.
NOT_OURS = re.compile(r"cert_(trust|chain_of_trust|notAfter|notBefore|validityPeriod|"
                      r"expirationStatus|revocation|crlDistributionPoints|ocspURL|ocspRevoked|"
                      r"crlRevoked|extlifeSpan)|DNS_CAArecord|OCSP_stapling|intermediate_cert|"
                      r"certificate_transparency|overall_grade|grade_cap_reason|"
                      r"security_headers|HSTS|scanProblem|engine_problem")
BAD = ("MEDIUM", "HIGH", "CRITICAL")
PROTOCOLS = {"SSLv2": "not offered", "SSLv3": "not offered", "TLS1": "not offered",
             "TLS1_1": "not offered", "TLS1_2": "offered", "TLS1_3": "offered"}
AUDIT_S, BROWSE_S = 1200, 180
pytestmark = pytest.mark.large


@pytest.fixture(autouse=True)
def once(row, full):
    """One machine is enough: the library is the same."""
    if not full or row.name != "microvm":
        pytest.skip("only in make test-full, on microvm")


@pytest.mark.busy
def test_testssl(https, tmp_path):
    """testssl.sh: all of its checks."""
    listening(https)
    found = tmp_path / "found.json"
    with https.net.inside():
        done = subprocess.run(["testssl", "--quiet", "--color", "0", "--warnings", "batch",
                               "--jsonfile", str(found), "--ip", https.address,
                               f"{NAME}:{PORT}"], cwd=tmp_path, timeout=AUDIT_S, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
    findings = json.loads(found.read_text())
    said = {finding["id"]: finding["finding"] for finding in findings}
    for protocol, expected in PROTOCOLS.items():
        assert said[protocol].startswith(expected), (protocol, said[protocol])
    assert "not vulnerable" in said["heartbleed"], done.stdout.decode()
    bad = [finding for finding in findings if finding["severity"] in BAD
           and not NOT_OURS.match(finding["id"])]
    assert not bad, bad


def test_browser(https, trust, tmp_path):
    """Chromium, whose user has put the root among those to be trusted."""
    listening(https)
    store = tmp_path / ".pki" / "nssdb"
    store.mkdir(parents=True)
    database = f"sql:{store}"
    subprocess.run(["certutil", "-N", "-d", database, "--empty-password"], check=True)
    subprocess.run(["certutil", "-A", "-d", database, "-n", "root", "-t", "C,,", "-i",
                    trust.root.cert], check=True)
    home = {**os.environ, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
               "--disable-dev-shm-usage", "--disable-background-networking",
               f"--user-data-dir={tmp_path}/profile",
               f"--host-resolver-rules=MAP {NAME} {https.address}",
               f"https://{NAME}:{PORT}/show"]
    with https.net.inside():
        done = subprocess.run(command, env=home, timeout=BROWSE_S, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
    page = done.stdout.decode()
    assert '"path": "/show"' in page, (page, done.stderr.decode())
