/* SPDX-License-Identifier: MIT */
/* The BIOS loader: from power-on to the kernel's PVH entry, without a driver of ours.
 *
 *	mbr.S      sector 0 of a disk: reads the loader's head, jumps to it
 *	start.S    the loader's head, 2 KiB: reads the rest; the way to and from the BIOS
 *	bios.c     the rest: reads kernel and settings, fills hvm_start_info
 *
 * A CD's firmware (El Torito 1.0, no emulation) reads the head by itself. Both enter it
 * at 0:HEAD_AT with the BIOS's number of the drive in dl. linker/disk, which lays the disk out,
 * writes what it knows into the loader's plan, and has the constants here, too.
 *
 * Low memory, all of it the loader's (the kernel takes none below 1 MiB):
 *	0x00600   mbr.S, moved out of the way; then the stack, down from HEAD_AT
 *	0x07c00   the loader, with start info and memory map
 *	0x10000   BUFFER_AT: what the BIOS reads, 62 KiB, which no DMA of 64 KiB can cross
 *	0x20000   SETTINGS_AT: the settings file */
#pragma once

#define MBR_AT 0x600
#define MBR_CODE 440                   /* bytes before disk signature and partition table */
#define HEAD_AT 0x7c00
#define HEAD_SECTORS 4                 /* a CD's sector, and what every BIOS loads from one */
#define LOADER_LBA 2048                /* where the BIOS boot partition begins: 1 MiB */
#define LOADER_MAGIC 0x31424b5a        /* "ZKB1", behind the head's jump and at the very end */
#define BUFFER_AT 0x10000
#define BUFFER_SECTORS 124             /* at most 127 (Phoenix EDD 1.1), whole sectors of a CD */
#define SETTINGS_AT 0x20000
#define SETTINGS_MAX 16384

#define SEL_CODE32 0x08
#define SEL_DATA32 0x10
#define SEL_CODE16 0x18
#define SEL_DATA16 0x20
