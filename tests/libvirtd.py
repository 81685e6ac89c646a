# SPDX-License-Identifier: MIT
"""A real libvirtd of a test's own, in a network namespace and in a mount namespace where what it
keeps and whom it knows is not the computer's: needs root, or to run under `unshare -Urn`, and
neither systemd nor D-Bus.
"""

import os
import subprocess
import time

from vm import child_setup

START_S = 20
OFF_S = 30
# As root in QEMU, too; nothing of cgroups, sVirt, file owners or virtlogd.
CONFIG = """user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
cgroup_controllers = []
namespaces = []
stdio_handler = "file"
"""
# libvirtd wants its own user, which the package of the system's service would make.
SETUP = """set -e
for folder in /run /etc/libvirt /var/lib /var/cache /var/log; do mount -t tmpfs tmpfs $folder; done
printf '%s' "$0" >/etc/libvirt/qemu.conf
for file in passwd group; do
	cp /etc/$file /run/$file
	echo libvirt-qemu:x:0:0::/:/bin/false >>/run/$file
	mount --bind /run/$file /etc/$file
done
echo kvm:x:0: >>/etc/group
exec /usr/sbin/libvirtd"""
NETWORK = """<network><name>{name}</name><forward mode="open"/><bridge name="{name}br" stp="off"/>
<ip address="{host}" prefix="24"><dhcp><range start="{first}" end="{last}"/></dhcp></ip></network>
"""


class Libvirtd:
    """A started libvirtd in the namespace `net`; close() ends it and its machines."""

    def __init__(self, net):
        self.net = net
        self.log = open(os.path.join(net.folder_made(), "libvirtd.log"), "ab+")
        self.child = net.popen(["unshare", "-m", "--propagation", "private", "sh", "-c", SETUP,
                                CONFIG], stdin=subprocess.DEVNULL, stdout=self.log,
                               stderr=self.log)
        deadline = time.monotonic() + START_S
        while self.inside("virsh", "version", check=False).returncode:
            assert self.child.poll() is None and time.monotonic() < deadline, self.said()
            time.sleep(0.1)

    def said(self):
        """The log of libvirtd, without what it says of the computer's network cards."""
        self.log.seek(0)
        return "".join(line for line in self.log.read().decode("utf-8", "replace").splitlines(True)
                       if "ethtool" not in line)

    def inside(self, *words, check=True):
        """Runs a command where libvirtd runs."""
        done = subprocess.run(["nsenter", "-t", str(self.child.pid), "-m", "-n", *words],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        assert not check or done.returncode == 0, done.stdout.decode() + self.said()
        return done

    def virsh(self, *words):
        """What virsh prints; it must succeed."""
        return self.inside("virsh", "-q", *words).stdout.decode().strip()

    def network(self, name, prefix):
        """Starts a network of libvirt's with a DHCP server: PREFIX.1 is the host."""
        path = os.path.join(self.net.folder_made(), "network.xml")
        with open(path, "w", encoding="ascii") as file:
            file.write(NETWORK.format(name=name, host=f"{prefix}.1", first=f"{prefix}.10",
                                      last=f"{prefix}.99"))
        self.virsh("net-create", path)

    def console(self, name):
        """A process whose output is the console of a machine, from now on."""
        tty = self.virsh("ttyconsole", name)
        return subprocess.Popen(["nsenter", "-t", str(self.child.pid), "-m", "cat", tty],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, preexec_fn=child_setup())

    def shut_off(self, name):
        """Waits until a machine is off: the reason, as virsh names it."""
        deadline = time.monotonic() + OFF_S
        state = ""
        while not state.startswith("shut off"):
            assert time.monotonic() < deadline, f"{name}: {state}"
            time.sleep(0.1)
            state = self.virsh("domstate", "--reason", name)
        return state[len("shut off ("):-1]

    def close(self):
        """Ends the machines that run, and then libvirtd."""
        for name in self.virsh("list", "--name").split():
            self.inside("virsh", "destroy", name, check=False)
        for name in self.virsh("net-list", "--name").split():
            self.inside("virsh", "net-destroy", name, check=False)
        self.net.end(self.child)
        self.log.close()
