# SPDX-License-Identifier: MIT
"""The places that take more than a disk: libvirt, by a libvirtd and virsh as Debian has them;
KubeVirt, as far as umoci, skopeo and a reader of YAML can tell.
"""

import dataclasses
import gzip
import hashlib
import json
import os
import re
import subprocess
import tarfile
import time
import urllib.request

import pytest
import yaml

import images
from images import ROOT
from libvirtd import Libvirtd
from netns import Namespace, NoNamespace
from table import BY_NAME
from test_boot import free_port
from test_front import refusal
from vm import Console, Vm, child_setup

SERVES_S = 90
NAP_MS = 1500
PREFIX = "10.81.0"
MACHINES = (
    ("kernel", "pc", ("NET=network:zk",), False),
    ("bios", "pc", ("FIRMWARE=bios", "MACHINE=pc", "NET=network:zk"), False),
    ("uefi", "pc", ("FIRMWARE=uefi", "NET=user", "PORT=8088"), False),
    ("aarch64", "virt", ("NET=tap:zk1",), False),
    ("aarch64-uefi", "virt", ("FIRMWARE=uefi", "NET=network:zk"), True),
)


def made(form, *words, more=()):
    """Makes an image, with `more` in its environment: its path, which is the last line."""
    done = subprocess.run(["make", "-s", "image", f"FORMAT={form}", *words], cwd=ROOT, timeout=600,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False,
                          stderr=subprocess.STDOUT, env=dict(images.environment(), **dict(more)))
    text = done.stdout.decode()
    assert done.returncode == 0, text
    return os.path.join(ROOT, text.splitlines()[-1])


@pytest.fixture(scope="module")
def daemon():
    """A libvirtd with the network zk, and an existing TAP zk1."""
    try:
        net = Namespace()
    except NoNamespace as error:
        pytest.skip(f"no network namespace here: {error}")
    try:
        net.ip("tuntap", "add", "zk1", "mode", "tap")
        net.ip("addr", "add", "10.82.0.1/24", "dev", "zk1")
        net.ip("link", "set", "zk1", "up")
        libvirtd = Libvirtd(net)
        libvirtd.network("zk", PREFIX)
        yield libvirtd
        libvirtd.close()
    finally:
        net.close()


def leased(daemon, name):
    """The address that libvirt's DHCP server gave a machine."""
    deadline = time.monotonic() + SERVES_S
    text = ""
    while PREFIX not in text:
        assert time.monotonic() < deadline, daemon.said()
        time.sleep(0.2)
        text = daemon.virsh("domifaddr", name)
    return text.split()[-1].split("/")[0]


def url(daemon, name, words):
    """Where it serves."""
    if "NET=network:zk" in words:
        return f"http://{leased(daemon, name)}:8080"
    return "http://10.82.0.2:8080" if "NET=tap:zk1" in words else "http://127.0.0.1:8088"


def get(daemon, where, seconds=5):
    """The body of an answer, by curl, or None."""
    done = daemon.inside("curl", "-sSf", "-m", str(seconds), where, check=False)
    return None if done.returncode else json.loads(done.stdout)


def commands(title):
    """The blocks of commands below the title of a place in the README."""
    with open(f"{ROOT}/README.md", encoding="utf-8") as file:
        section, = re.findall(rf"^### {title}.*?\n(.*?)(?=^##)", file.read(), re.M | re.S)
    return re.findall(r"^```\n(.*?)^```", section, re.M | re.S)


def test_qemu_command():
    """The command for QEMU, as it stands, but for our port."""
    path = made("qcow2")
    port = free_port()
    words = commands("QEMU")[0].replace(":8080-", f":{port}-").split()
    with subprocess.Popen(words, cwd=os.path.dirname(path), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          preexec_fn=child_setup()) as process:
        console = Console(process.stdout)
        try:
            assert console.wait_for(r"serving http://10\.0\.2\.15:8080/", SERVES_S)[0], \
                console.text()
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
                assert answer.status == 200 and "time" in json.load(answer)
        finally:
            process.kill()


def test_firecracker_files():
    """Both files for Firecracker are JSON, and a machine of its shape takes the words in them."""
    block, = commands("Firecracker")
    machine, data = (json.loads(text)
                     for text in re.findall(r"<<'?END'?.*?\n(.*?)^END$", block, re.M | re.S))
    assert machine["mmds-config"]["network_interfaces"] == [
        card["iface_id"] for card in machine["network-interfaces"]]
    assert data["latest"]["user-data"].startswith("#zeitkern\n")
    words = machine["boot-source"]["boot_args"]
    row = BY_NAME["microvm-bare"]
    with Vm(row.options(images.image(row.board, app="time"), cmdline=words)) as vm:
        vm.wait_for(r"metadata: asking firecracker", SERVES_S)
        vm.wait_for(r"serving http://172\.16\.0\.2:8080/", SERVES_S)
        assert not re.search("unknown setting|expected", vm.console.text()), vm.console.text()


@pytest.mark.parametrize("name,board,words,only_full", MACHINES, ids=[m[0] for m in MACHINES])
def test_libvirt(name, board, words, only_full, daemon, full):
    """Defined, started, serves by what fw_cfg says; `virsh shutdown` lets a request finish."""
    if only_full and not full:
        pytest.skip("only in make test-full")
    config = "hostname=by-fw-cfg" + (" ip=10.82.0.2/24" if "NET=tap:zk1" in words else "")
    path = made("libvirt", f"BOARD={board}", "APP=echo", *words,
                *([] if name == "bios" else [f"CONFIG={config}"]))
    daemon.inside("virt-xml-validate", path)
    daemon.virsh("define", path)
    machine = "zeitkern-echo"
    daemon.virsh("start", machine)
    console = Console(daemon.console(machine).stdout)
    where = url(daemon, machine, words)
    deadline = time.monotonic() + SERVES_S
    while not get(daemon, f"{where}/hello/libvirt"):
        assert time.monotonic() < deadline, console.text() + daemon.said()
        time.sleep(0.2)
    if name != "bios" and "NET=network:zk" in words:
        assert "by-fw-cfg" in daemon.virsh("net-dhcp-leases", "zk")
    slow = daemon.net.popen(["curl", "-sSf", f"{where}/sleep/{NAP_MS}"], stdout=subprocess.PIPE)
    time.sleep(0.5)
    daemon.virsh("shutdown", machine)
    assert json.loads(slow.communicate(timeout=30)[0]) == {"slept": NAP_MS}
    assert daemon.shut_off(machine) == "shutdown"
    assert console.wait_for("power button", 5)[0], console.text()
    daemon.virsh("undefine", machine, *(["--nvram"] if "FIRMWARE=uefi" in words else []))


def test_libvirt_front_door():
    """What a definition cannot have is one line that names the choices."""
    line, = refusal("FORMAT=libvirt", "MACHINE=microvm")
    assert "MACHINE=microvm" in line and "q35 pc" in line, line
    line, = refusal("FORMAT=libvirt", "NET=bridge")
    assert "NET=bridge" in line and "user tap:IFNAME network:NAME" in line, line
    line = refusal("FORMAT=libvirt", "CONFIG=Hostname=x", command="image")[0]
    assert '"Hostname"' in line, line
    line, = refusal("FORMAT=raw", "NET=network:zk")
    assert "network" not in line.split("there are")[1], line


# ---- KubeVirt ---------------------------------------------------------------

DATED = {"SOURCE_DATE_EPOCH": "1700000000"}
TAG = "v1.2-RC1"
IMAGE = f"registry.example:5000/team/time:{TAG}"
# The fields that the manifest may have, as the API defines them (kubevirt.io/v1 and Kubernetes'
# v1 and autoscaling/v2): {field: what is in it}; a list is of one kind, () is anything.
OBJECT = {"apiVersion": (), "kind": (), "metadata": {"name": (), "labels": {"app": ()}}}
NAMED_DISK = {"name": (), "disk": {"bus": ()}}
INTERFACE = {"name": (), "model": (), "masquerade": {}, "ports": [{"port": ()}]}
DOMAIN = {"cpu": {"cores": ()}, "memory": {"guest": ()}, "resources": {"requests": {"cpu": ()}},
          "firmware": {"bootloader": {"bios": {}, "efi": {"secureBoot": ()}}},
          "devices": {"autoattachGraphicsDevice": (), "autoattachMemBalloon": (), "rng": {},
                      "disks": [NAMED_DISK], "interfaces": [INTERFACE]}}
PROBE = {"httpGet": {"path": (), "port": ()}, "periodSeconds": (), "timeoutSeconds": (),
         "failureThreshold": ()}
MACHINE = {"architecture": (), "terminationGracePeriodSeconds": (), "domain": DOMAIN,
           "networks": [{"name": (), "pod": {}}], "readinessProbe": PROBE,
           "volumes": [{"name": (), "containerDisk": {"image": ()}}]}
RESOURCE = {"name": (), "target": {"type": (), "averageUtilization": ()}}
SPECS = {
    ("kubevirt.io/v1", "VirtualMachineInstanceReplicaSet"): {
        "replicas": (), "selector": {"matchLabels": {"app": ()}},
        "template": {"metadata": OBJECT["metadata"], "spec": MACHINE}},
    ("v1", "Service"): {"selector": {"app": ()},
                        "ports": [{"name": (), "port": (), "targetPort": ()}]},
    ("autoscaling/v2", "HorizontalPodAutoscaler"): {
        "scaleTargetRef": {"apiVersion": (), "kind": (), "name": ()}, "minReplicas": (),
        "maxReplicas": (), "metrics": [{"type": (), "resource": RESOURCE}]},
}


def allowed(found, shape, where):
    """Fails where a document has a field that its shape has not."""
    if isinstance(shape, list):
        for item in found:
            allowed(item, shape[0], where)
    elif isinstance(shape, dict):
        assert isinstance(found, dict) and set(found) <= set(shape), (where, found)
        for name, value in found.items():
            allowed(value, shape[name], f"{where}.{name}")
    else:
        assert isinstance(found, (str, int)), (where, found)


def manifest(path, name):
    """The objects of a manifest by kind, every field of them known, all of that name."""
    with open(path, encoding="utf-8") as file:
        found = {item["kind"]: item for item in yaml.safe_load_all(file)}
    assert len(found) == len(SPECS)
    for kind, item in found.items():
        allowed(item, dict(OBJECT, spec=SPECS[item["apiVersion"], kind]), kind)
        assert item["metadata"]["name"] == name
    return {kind: item["spec"] for kind, item in found.items()}


def layer_of(archive):
    """(config, the layer's tar) of an OCI archive, each digest checked."""
    def blob(descriptor):
        kind, digest = descriptor["digest"].split(":")
        data = archive.extractfile(f"blobs/{kind}/{digest}").read()
        assert hashlib.new(kind, data).hexdigest() == digest and len(data) == descriptor["size"]
        return data
    index = json.load(archive.extractfile("index.json"))
    image = json.loads(blob(index["manifests"][0]))
    layer, = image["layers"]
    return json.loads(blob(image["config"])), gzip.decompress(blob(layer))


@pytest.mark.parametrize("board, arch, memory", (("pc", "amd64", "64Mi"),
                                                 ("virt", "arm64", "256Mi")))
def test_container_disk(board, arch, memory, tmp_path):
    """umoci and skopeo take it, the disk in it is QEMU's user's and boots, the manifest names
    it; the same bytes each time."""
    path = made("oci", f"BOARD={board}", f"IMAGE={IMAGE}", more=DATED)
    with open(path, "rb") as file:
        first = file.read()
    seen = json.loads(subprocess.check_output(["skopeo", "inspect", f"oci-archive:{path}:{TAG}"]))
    assert (seen["Architecture"], seen["Os"], len(seen["Layers"])) == (arch, "linux", 1)
    assert seen["Created"] == "2023-11-14T22:13:20Z"
    with tarfile.open(path) as archive:
        config, layer = layer_of(archive)
        archive.extractall(tmp_path / "oci")
    (tmp_path / "layer").write_bytes(layer)
    assert config["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(layer).hexdigest()]
    with tarfile.open(tmp_path / "layer") as disk:
        assert [(m.name, m.uid, m.gid, m.mode) for m in disk.getmembers()] == [
            ("disk", 107, 107, 0o755), ("disk/zeitkern.qcow2", 107, 107, 0o440)]
    subprocess.run(["umoci", "unpack", "--rootless", "--image", f"{tmp_path}/oci:{TAG}",
                    tmp_path / "bundle"], check=True)
    parts = manifest(os.path.join(os.path.dirname(path), "zeitkern.yaml"), "zeitkern-time")
    checked(parts, arch, memory)
    if board == "pc":
        row = dataclasses.replace(BY_NAME["q35"], firmware="bios")
        with Vm(row.options(str(tmp_path / "bundle/rootfs/disk/zeitkern.qcow2"),
                            disk_format="qcow2", mem=int(memory[:-2]))) as vm:
            vm.wait_for(r"serving http://", SERVES_S)
    assert made("oci", f"BOARD={board}", f"IMAGE={IMAGE}", more=DATED) == path
    with open(path, "rb") as file:
        assert file.read() == first


def checked(parts, arch, memory):
    """What the parts of a manifest say of each other, and of the image."""
    replicas = parts["VirtualMachineInstanceReplicaSet"]
    template = replicas["template"]
    machine = template["spec"]
    assert replicas["selector"]["matchLabels"] == template["metadata"]["labels"]
    assert parts["Service"]["selector"] == template["metadata"]["labels"]
    scaled = parts["HorizontalPodAutoscaler"]
    assert scaled["scaleTargetRef"] == {"apiVersion": "kubevirt.io/v1", "name": "zeitkern-time",
                                        "kind": "VirtualMachineInstanceReplicaSet"}
    assert scaled["minReplicas"] <= replicas["replicas"] <= scaled["maxReplicas"]
    assert machine["architecture"] == arch and machine["domain"]["memory"]["guest"] == memory
    assert machine["readinessProbe"]["httpGet"] == {"path": "/", "port": 8080}
    assert machine["volumes"] == [{"name": "image", "containerDisk": {"image": IMAGE}}]
    assert machine["domain"]["devices"]["disks"][0]["name"] == "image"
    assert ("efi" in machine["domain"]["firmware"]["bootloader"]) == (arch == "arm64")
    ports = {port["port"] for port in machine["domain"]["devices"]["interfaces"][0]["ports"]}
    assert ports == {port["targetPort"] for port in parts["Service"]["ports"]}
    assert re.fullmatch(r"\d+m", machine["domain"]["resources"]["requests"]["cpu"])


def test_container_disk_refusal():
    """A name that no registry has is one line."""
    lines = refusal("FORMAT=oci", "IMAGE=Bad Name", command="image")
    assert [line for line in lines if line.startswith("oci:")] == [
        "oci: IMAGE=Bad Name is not possible; it is [HOST/]NAME[:TAG]"]
