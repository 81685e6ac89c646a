/* SPDX-License-Identifier: MIT */
/* The little that is needed of ACPI's byte code, found by scanning for names
 * instead of interpreting (ACPI 6.4 §20.2 for encodings, §6.4 for resources).
 * Every read is bounded by the table's end. */
#include "kernel/aml.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "kernel/kernel.h"
#include "kernel/mem.h"

#define DEVICE_BYTES 512u                  /* a device's names and resources lie this near */
#define VGIA_OFFSET 40u                    /* of the ID from what QEMU's VGIA says */
#define PCI_BUS (1u << 20)                 /* configuration space of one */

enum { OP_NAME = 0x08, OP_BYTE = 0x0a, OP_WORD = 0x0b, OP_DWORD = 0x0c, OP_QWORD = 0x0e };
enum { OP_BUFFER = 0x11, OP_PACKAGE = 0x12, OP_EXT = 0x5b, OP_REGION = 0x80 };
enum { OP_RETURN = 0xa4 };
enum { RES_END = 0x79, RES_LARGE = 0x80, RES_MEMORY32 = 0x86, RES_SPACE32 = 0x87 };
enum { RES_INTERRUPT = 0x89 };

/* A place in the code with what is left of it. */
struct at {
	const uint8_t *p, *end;
};

static size_t left(const struct at *at)
{
	return (size_t)(at->end - at->p);
}

/* Moves behind the next `word`; false, not moved, when there is none. */
static bool find(struct at *at, const char *word, size_t len)
{
	for (const uint8_t *p = at->p; p + len <= at->end; p++) {
		if (*p == (uint8_t)word[0] && !memcmp(p, word, len)) {
			at->p = p + len;
			return true;
		}
	}
	return false;
}

static int byte(struct at *at)
{
	return left(at) ? *at->p++ : -1;
}

/* PkgLength: the two top bits of its first byte say how many follow. */
static bool skip_length(struct at *at)
{
	int lead = byte(at);

	if (lead < 0 || left(at) < (size_t)(lead >> 6))
		return false;
	at->p += lead >> 6;
	return true;
}

static bool integer(struct at *at, uint64_t *value)
{
	int op = byte(at);
	size_t n;

	*value = 0;
	switch (op) {
	case 0:
	case 1:
		*value = (unsigned)op;
		return true;
	case OP_BYTE:
		n = 1;
		break;
	case OP_WORD:
		n = 2;
		break;
	case OP_DWORD:
		n = 4;
		break;
	case OP_QWORD:
		n = 8;
		break;
	default:
		return false;
	}
	if (left(at) < n)
		return false;
	memcpy(value, at->p, n);
	at->p += n;
	return true;
}

int aml_s5(struct aml aml)
{
	struct at at = { aml.code, aml.code + aml.len };
	uint64_t type;

	while (find(&at, "_S5_", 4)) {
		struct at s5 = at;

		if (byte(&s5) == OP_PACKAGE && skip_length(&s5) && byte(&s5) >= 1 &&
		    integer(&s5, &type) && type < 8)
			return (int)type;
	}
	return -ENOENT;
}

/* Memory range, window for memory behind a bridge, and interrupt of the next
 * _CRS (§6.4.3.4, §6.4.3.5.2, §6.4.3.6). */
static void resources(struct at at, struct device *dev)
{
	uint64_t size;

	if (!find(&at, "_CRS", 4) || byte(&at) != OP_BUFFER || !skip_length(&at) ||
	    !integer(&at, &size))
		return;
	at.end = at.p + MIN(size, left(&at));
	while (left(&at) >= 3 && *at.p != RES_END) {
		const uint8_t *r = at.p;
		size_t len = r[0] & RES_LARGE ? 3u + r[1] + 256u * r[2] : 1u + (r[0] & 7);
		uint32_t word[2];

		if (len > left(&at))
			return;
		if (r[0] == RES_MEMORY32 && len >= 12) {
			memcpy(word, r + 4, 8);
			dev->base = word[0];
			dev->size = word[1];
		} else if (r[0] == RES_INTERRUPT && len >= 9) {
			memcpy(word, r + 5, 4);
			dev->irq = word[0];
		} else if (r[0] == RES_SPACE32 && len >= 26 && r[3] == 0) {
			memcpy(word, r + 10, 4);
			memcpy(word + 1, r + 22, 4);
			dev->base2 = word[0];
			dev->size2 = word[1];
		}
		at.p += len;
	}
}

void aml_virtio(struct aml aml)
{
	struct at at = { aml.code, aml.code + aml.len };

	while (find(&at, "LNRO0005", 8)) {
		struct device dev = { .kind = DEV_VIRTIO_MMIO };
		struct at near = { at.p, at.p + MIN(left(&at), DEVICE_BYTES) }, next = near;

		if (find(&next, "LNRO0005", 8))
			near.end = next.p;
		resources(near, &dev);
		if (dev.base && dev.size)
			machine_add(&dev);
	}
}

int aml_device(struct aml aml, const char *hid, struct device *dev)
{
	struct at at = { aml.code, aml.code + aml.len };

	if (!find(&at, hid, 8))
		return -ENOENT;
	at.end = at.p + MIN(left(&at), DEVICE_BYTES);
	resources(at, dev);
	return dev->base && dev->size ? 0 : -ENOENT;
}

/* QEMU docs/specs/acpi_hw_reduced_hotplug.rst: a 32-bit event selector at the
 * start of the device's operation region. */
int aml_ged(struct aml aml, uint64_t *select, uint32_t *gsi)
{
	struct at at = { aml.code, aml.code + aml.len };
	static const char region[] = { OP_EXT, (char)OP_REGION };
	struct device dev = { .kind = DEV_NONE };

	if (!find(&at, "ACPI0013", 8))
		return -ENOENT;
	at.end = at.p + MIN(left(&at), DEVICE_BYTES);
	resources(at, &dev);
	if (!find(&at, region, sizeof(region)) || left(&at) < 5 || at.p[4] != 0)
		return -ENOENT;
	at.p += 5;                         /* name, space 0: memory */
	if (!integer(&at, select) || *select % 4 || *select >= AML_ADDRESS_END)
		return -ENOENT;
	*gsi = dev.irq;
	return 0;
}

/* PCI Firmware 3.2 §4.1.3: _CBA, a name or a method of one return, in QEMU's
 * microvm right before the bridge's _CRS. */
int aml_pci(struct aml aml, struct device *dev)
{
	struct at at = { aml.code, aml.code + aml.len };
	uint64_t base;

	if (!find(&at, "_CBA", 4))
		return -ENOENT;
	if (left(&at) >= 2 && at.p[0] == 0 && at.p[1] == OP_RETURN)
		at.p += 2;                 /* the method's flags */
	if (!integer(&at, &base) || base == 0 || base % PCI_BUS || base >= AML_ADDRESS_END)
		return -ENOENT;
	at.end = at.p + MIN(left(&at), DEVICE_BYTES);
	resources(at, dev);
	if (!dev->size2)
		return -ENOENT;
	dev->base = base;
	dev->size = PCI_BUS;
	return 0;
}

/* Microsoft, "Virtual Machine Generation ID": a device with _CID "VM_Gen_Counter" whose ADDR
 * is the address in two halves. QEMU (docs/specs/vmgenid) computes it from VGIA. */
int aml_vmgenid(struct aml aml, uint64_t *address)
{
	static const char vgia[] = { OP_NAME, 'V', 'G', 'I', 'A' };
	static const char addr[] = { OP_NAME, 'A', 'D', 'D', 'R' };
	struct at device = { aml.code, aml.code + aml.len }, at = device;
	uint64_t low, high = 0;

	if (!find(&device, "VM_Gen_Counter", 14))
		return -ENOENT;
	if (find(&at, vgia, sizeof(vgia))) {
		if (!integer(&at, &low) || low == 0)
			return -ENOTSUP;
		low += VGIA_OFFSET;
	} else {
		device.end = device.p + MIN(left(&device), DEVICE_BYTES);
		if (!find(&device, addr, sizeof(addr)) || byte(&device) != OP_PACKAGE ||
		    !skip_length(&device) || byte(&device) != 2 || !integer(&device, &low) ||
		    !integer(&device, &high))
			return -ENOTSUP;
	}
	if (low > UINT32_MAX || high > AML_ADDRESS_END >> 32)
		return -ENOTSUP;
	*address = high << 32 | low;
	if (*address == 0 || *address % 8 || *address >= AML_ADDRESS_END - PAGE_SIZE)
		return -ENOTSUP;
	return 0;
}
