# SPDX-License-Identifier: MIT
"""The Linux guest of the comparison: Debian's cloud kernel and epoll.c as /init.

The kernel's package is fetched by apt and unpacked under build/bench, never installed.
"""

import glob
import os
import re
import subprocess

PACKAGE = "linux-image-cloud-amd64"
MODULES = ("virtio_mmio", "virtio_pci", "virtio_net")


class NoLinux(Exception):
    """The guest could not be made; the text says why."""


def fetch(folder):
    """The unpacked kernel package's folder."""
    root = os.path.join(folder, "linux")
    if glob.glob(f"{root}/boot/vmlinuz-*"):
        return root
    os.makedirs(root, exist_ok=True)
    depends = subprocess.run(["apt-cache", "depends", PACKAGE], stdout=subprocess.PIPE,
                             check=False).stdout.decode()
    found = re.search(r"Depends: (linux-image-[0-9]\S+)", depends)
    if not found:
        raise NoLinux(f"apt knows no {PACKAGE}")
    done = subprocess.run(["apt-get", "-q", "download", found[1]], cwd=root, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    packages = glob.glob(f"{root}/*.deb")
    if done.returncode or not packages:
        raise NoLinux(f"apt-get download {found[1]}: {done.stdout.decode().strip()}")
    subprocess.run(["dpkg-deb", "-x", packages[0], root], check=True)
    os.unlink(packages[0])
    return root


def module_data(path):
    """A module file's bytes, unpacked."""
    if path.endswith(".xz"):
        return subprocess.run(["xz", "-dc", path], check=True, stdout=subprocess.PIPE).stdout
    with open(path, "rb") as file:
        return file.read()


def modules_of(root):
    """The modules wanted, each after what it needs: [(name, data)]."""
    paths = {re.sub(r"\.ko.*", "", os.path.basename(path)): path
             for path in glob.glob(f"{root}/lib/modules/*/**/*.ko*", recursive=True)}
    ordered = {}

    def add(name):
        if name in ordered or name not in paths:
            return                        # there, or built in
        data = module_data(paths[name])
        found = re.search(rb"\0depends=([^\0]*)\0", data)
        for need in filter(None, (found[1].decode() if found else "").split(",")):
            add(need)
        ordered[name] = data

    for module in MODULES:
        add(module)
    return list(ordered.items())


def cpio(entries):
    """A newc archive of (name, mode, data)."""
    out = b""
    for inode, (name, mode, data) in enumerate(entries + [("TRAILER!!!", 0, b"")], 1):
        path = name.encode() + b"\0"
        fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0)
        out += b"070701" + b"".join(b"%08X" % field for field in fields) + path
        out += b"\0" * (-len(out) % 4) + data
        out += b"\0" * (-len(out) % 4)
    return out


def program_files(path):
    """A program and the libraries that it is linked with, as entries of cpio()."""
    found = subprocess.run(["ldd", path], check=True, stdout=subprocess.PIPE).stdout.decode()
    folders, entries = set(), []
    for name in [path] + re.findall(r"(/\S+) \(0x", found):
        parts = name.strip("/").split("/")[:-1]
        folders.update("/".join(parts[:n + 1]) for n in range(len(parts)))
        with open(name, "rb") as file:
            entries.append((name.strip("/"), 0o100755, file.read()))
    return [(name, 0o40755, b"") for name in sorted(folders)] + entries


def guest(folder, init, more=(), name="initramfs"):
    """Makes the guest under `folder`, with the program `init` as /init, and more entries of
    cpio(): (vmlinuz, initramfs)."""
    root = fetch(folder)
    entries = [("dev", 0o40755, b""), ("modules", 0o40755, b""), *more]
    order = ""
    for name, data in modules_of(root):
        entries.append((f"modules/{name}", 0o100644, data))
        order += name + "\n"
    entries.append(("modules/order", 0o100644, order.encode()))
    with open(init, "rb") as file:
        entries.append(("init", 0o100755, file.read()))
    image = os.path.join(folder, name)
    with open(image, "wb") as file:
        file.write(cpio(entries))
    return glob.glob(f"{root}/boot/vmlinuz-*")[0], image


def tsc_khz():
    """What the kernel cannot calibrate on microvm: the host's TSC rate."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        found = re.search(r"cpu MHz\s*: ([0-9.]+)", file.read())
    return int(float(found[1]) * 1000) if found else 2000000


def cmdline(address="10.0.2.15", mask="255.255.255.0"):
    """The kernel's command line."""
    return (f"console=ttyS0 quiet reboot=t panic=-1 tsc_early_khz={tsc_khz()} random.trust_cpu=on"
            f" net.ifnames=0 mitigations=off zip={address} zmask={mask}")
