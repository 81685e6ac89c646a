/* SPDX-License-Identifier: MIT */
/* What the stub, and the programs of tests/efi, use of UEFI (Specification 2.10; sections at each
 * part). Members that they do not use are there for their place only. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Calling conventions, §2.3.4 and §2.3.6. */
#ifdef __x86_64__
#define EFIAPI __attribute__((ms_abi))
#else
#define EFIAPI
#endif

typedef uint64_t efi_status;
typedef void *efi_handle;

#define EFI_ERROR(n) (1ull << 63 | (n))
#define EFI_INVALID_PARAMETER EFI_ERROR(2)
#define EFI_BUFFER_TOO_SMALL EFI_ERROR(5)
#define EFI_DEVICE_ERROR EFI_ERROR(7)
#define EFI_ABORTED EFI_ERROR(21)

struct efi_guid {
	uint32_t a;
	uint16_t b, c;
	uint8_t d[8];
};

/* Of EFI_LOADED_IMAGE_PROTOCOL (§9.1) and EFI_SIMPLE_FILE_SYSTEM_PROTOCOL (§13.4). */
static const struct efi_guid efi_loaded_guid = {
	0x5b1b31a1, 0x9562, 0x11d2, { 0x8e, 0x3f, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b }
};
static const struct efi_guid efi_volume_guid = {
	0x964e5b22, 0x6459, 0x11d2, { 0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b }
};

/* Memory, §7.2. */
enum {
	EFI_LOADER_CODE = 1, EFI_LOADER_DATA, EFI_BOOT_CODE, EFI_BOOT_DATA, EFI_RUNTIME_CODE,
	EFI_RUNTIME_DATA, EFI_CONVENTIONAL, EFI_UNUSABLE, EFI_ACPI_RECLAIM,
};
enum { EFI_ANY_PAGES, EFI_MAX_ADDRESS, EFI_AT_ADDRESS };
#define EFI_PAGE 4096u
#define EFI_MEMORY_XP 0x4000ull            /* attributes: not executable */
#define EFI_MEMORY_RO 0x20000ull
#define EFI_MEMORY_SP 0x40000ull           /* for a purpose of its own */

struct efi_descriptor {                    /* the firmware's may be longer */
	uint32_t type, pad;
	uint64_t physical, virtual, pages, attribute;
};

/* Text console, §12.4. */
struct efi_out {
	void *reset;
	efi_status (EFIAPI *output)(struct efi_out *, const uint16_t *text);
};

/* Boot services, §4.4. */
struct efi_boot {
	uint8_t header[24];
	void *raise_tpl, *restore_tpl;
	efi_status (EFIAPI *allocate_pages)(uint32_t how, uint32_t type, size_t pages,
					    uint64_t *address);
	efi_status (EFIAPI *free_pages)(uint64_t address, size_t pages);
	efi_status (EFIAPI *get_memory_map)(size_t *bytes, void *map, size_t *key,
					    size_t *descriptor_bytes, uint32_t *version);
	void *pool[2], *event[6], *install[3];
	efi_status (EFIAPI *handle_protocol)(efi_handle, const struct efi_guid *, void **protocol);
	void *reserved, *notify, *locate[2], *table;
	efi_status (EFIAPI *load)(uint8_t policy, efi_handle parent, const void *path, void *from,
				  size_t bytes, efi_handle *image);
	efi_status (EFIAPI *start)(efi_handle image, size_t *bytes, uint16_t **text);
	void *exit, *unload;
	efi_status (EFIAPI *exit_boot_services)(efi_handle image, size_t key);
	void *count;
	efi_status (EFIAPI *stall)(size_t us);
	efi_status (EFIAPI *set_watchdog)(size_t seconds, uint64_t code, size_t bytes, void *data);
	void *connect[2], *open[3], *handles[2];
	efi_status (EFIAPI *locate_protocol)(const struct efi_guid *, void *registration,
					     void **protocol);
};

/* Runtime services, §8.3. */
struct efi_time {
	uint16_t year;
	uint8_t month, day, hour, minute, second, pad;
	uint32_t ns;
	int16_t zone;                      /* minutes that local time is behind UTC */
	uint8_t daylight, pad2;
};
#define EFI_ZONE_NONE 0x7ff

struct efi_runtime {
	uint8_t header[24];
	efi_status (EFIAPI *get_time)(struct efi_time *, void *capabilities);
	void *set_time, *wake[2], *address[2], *variable[3], *count;
	void (EFIAPI *reset)(uint32_t how, efi_status status, size_t bytes, void *data);
};
enum { EFI_RESET_COLD, EFI_RESET_WARM, EFI_RESET_SHUTDOWN };

/* System table, §4.3; configuration tables, §4.6. */
struct efi_table {
	struct efi_guid guid;
	void *at;
};

struct efi_system {
	uint8_t header[24];
	const uint16_t *vendor;
	uint32_t revision, pad;
	void *in_handle, *in, *out_handle;
	struct efi_out *out;
	void *error_handle, *error;
	struct efi_runtime *runtime;
	struct efi_boot *boot;
	size_t table_count;
	struct efi_table *table;
};

/* Loaded image, §9.1. */
struct efi_image {
	uint32_t revision;
	efi_handle parent;
	void *system;
	efi_handle device;
	void *path, *reserved;
	uint32_t options_bytes;
	const uint16_t *options;
	void *base;
	uint64_t bytes;
};

/* Simple file system, §13.4 and §13.5. */
struct efi_file {
	uint64_t revision;
	efi_status (EFIAPI *open)(struct efi_file *, struct efi_file **opened,
				  const uint16_t *name, uint64_t mode, uint64_t attributes);
	efi_status (EFIAPI *close)(struct efi_file *);
	void *delete;
	efi_status (EFIAPI *read)(struct efi_file *, size_t *bytes, void *to);
};
#define EFI_FILE_READ 1ull

struct efi_volume {
	uint64_t revision;
	efi_status (EFIAPI *open)(struct efi_volume *, struct efi_file **root);
};

/* Random numbers, §37.5; attributes of memory, §37.7. */
struct efi_rng {
	void *info;
	efi_status (EFIAPI *get)(struct efi_rng *, const struct efi_guid *algorithm, size_t bytes,
				 uint8_t *to);
};

struct efi_attributes {
	void *get;
	efi_status (EFIAPI *set)(struct efi_attributes *, uint64_t base, uint64_t bytes,
				 uint64_t attributes);
	efi_status (EFIAPI *clear)(struct efi_attributes *, uint64_t base, uint64_t bytes,
				   uint64_t attributes);
};
