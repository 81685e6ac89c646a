# SPDX-License-Identifier: MIT
"""Certificate authorities for the tests, and how a machine is given what they sign.

Everything is a file in PEM in one folder; keys are P-256 or RSA of 2048 bits; a certificate's
file has the authorities between it and the root behind it.
"""

import datetime
import os
import subprocess
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from budget import ROOT, board_words

FW_CFG = ("pc", "virt")          # boards whose machines are given files by QEMU
USAGE = {"server": ExtendedKeyUsageOID.SERVER_AUTH, "client": ExtendedKeyUsageOID.CLIENT_AUTH}


def new_key(kind):
    """A private key, "ec" or "rsa"."""
    if kind == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1())


def distinguished(name):
    """A name of one word."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


class Pair:
    """A certificate and its key: two files."""

    def __init__(self, folder, name, certificates, key):
        self.certificate, self.key = certificates[0], key
        self.cert_path = os.path.join(folder, f"{name}.crt")
        self.key_path = os.path.join(folder, f"{name}.key")
        with open(self.cert_path, "wb") as file:
            for certificate in certificates:
                file.write(certificate.public_bytes(serialization.Encoding.PEM))
        with open(self.key_path, "wb") as file:
            file.write(key.private_bytes(serialization.Encoding.PEM,
                                         serialization.PrivateFormat.PKCS8,
                                         serialization.NoEncryption()))

    def fingerprint(self):
        """SHA-256, in hex."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()


class Authority:
    """Signs certificates; `above` signs its own, else it is a root."""

    def __init__(self, folder, name, above=None):
        self.folder, self.name = folder, name
        self.key = new_key("ec")
        maker = self.begin(name, self.key, (-1, 30), above).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True)
        made = maker.sign((above or self).key, hashes.SHA256())
        self.chain = [made] + above.chain if above and above.chain_sent() else [made]
        self.above = above
        self.path = Pair(folder, name, [made], self.key).cert_path

    def chain_sent(self):
        """What stands behind a certificate of this authority: not the root."""
        return self.chain if self.above else []

    def begin(self, name, key, days, above):
        """A certificate without extensions but one, to be signed."""
        now = datetime.datetime.now(datetime.timezone.utc)
        return (x509.CertificateBuilder().subject_name(distinguished(name))
                .issuer_name(distinguished((above or self).name)).public_key(key.public_key())
                .serial_number(x509.random_serial_number())
                .not_valid_before(now + datetime.timedelta(days[0]))
                .not_valid_after(now + datetime.timedelta(days[1])))

    def issue(self, name, names=(), kind="ec", usage="server", days=(-1, 30)):
        """A Pair for `name`, with the DNS names given, valid from days[0] to days[1]."""
        key = new_key(kind)
        maker = self.begin(name, key, days, self).add_extension(
            x509.BasicConstraints(ca=False, path_length=None), critical=True).add_extension(
            x509.ExtendedKeyUsage([USAGE[usage]]), critical=False)
        if names:
            maker = maker.add_extension(
                x509.SubjectAlternativeName([x509.DNSName(word) for word in names]), critical=False)
        made = maker.sign(self.key, hashes.SHA256())
        return Pair(self.folder, f"{self.name}-{name}", [made] + self.chain_sent(), key)


def given(row, folder, files, words=""):
    """How a machine gets settings from files, {key: path}: (settings, more) for site_vm.Site."""
    if row.board in FW_CFG:
        extra = []
        for key, path in files.items():
            extra += ["-fw_cfg", f"name=opt/zeitkern/{key},file={path}"]
        return words, {"extra": tuple(extra)}
    path = os.path.join(folder, f"settings-{len(os.listdir(folder))}")
    size = board_words(row.board).get("SETTINGS_SIZE", "16K")
    listed = [f"{key}=@{value}" for key, value in files.items()]
    subprocess.run([sys.executable, f"{ROOT}/linker/settings", path, size, "seed", *listed],
                   check=True, stdout=subprocess.DEVNULL)
    if row.board == "host":
        return f"settings={path} {words}", {}
    with open(path, "rb") as file:
        return words, {"page": file.read()}
