/* SPDX-License-Identifier: MIT */
/* The head of zeitkern.efi: PE/COFF as firmware reads it (Microsoft, "PE Format"), and the
 * kernel's file. linker/efi/efi.ld places all of it; where something lies in the file is where
 * it lies in memory. No section is both writable and executable, and each begins on a page, as
 * IMAGE_DLLCHARACTERISTICS_NX_COMPAT promises. PE_MACHINE comes from linker/ARCH.mk. */

#define PAGE 0x1000
#define RVA(symbol) symbol - image_start

	.section .head, "a"
	.globl	image_start
image_start:
	.ascii	"MZ"
	.skip	58
	.long	RVA(pe)
pe:
	.ascii	"PE\0\0"
	.short	PE_MACHINE
	.short	(sections_end - sections) / 40
	.long	0, 0, 0                /* no time, no symbols */
	.short	sections - optional
	.short	0x226                  /* executable, stripped, any address */

optional:
	.short	0x20b                  /* PE32+ */
	.short	0
	.long	efi_text_size, efi_data_size, 0
	.long	RVA(efi_entry), RVA(efi_text)
	.quad	0
	.long	PAGE, PAGE             /* alignment, in memory and in the file */
	.short	0, 0, 0, 0, 0, 0
	.long	0
	.long	efi_image_size, PAGE
	.long	0
	.short	10                     /* a UEFI application */
	.short	0x100                  /* NX_COMPAT */
	.quad	0, 0, 0, 0
	.long	0
	.long	(sections - directories) / 8
directories:
	.quad	0, 0, 0, 0, 0          /* the fifth: certificates, which sbsign adds */
	.long	RVA(efi_reloc), 12
	.quad	0, 0, 0, 0, 0, 0, 0, 0, 0, 0

	.macro	SECTION name, start, memory, file, flags
	.ascii	"\name"
	.org	sections + 40 * count + 8
	.long	\memory, RVA(\start), \file, RVA(\start)
	.long	0, 0, 0
	.long	\flags
	.set	count, count + 1
	.endm
	.set	count, 0
sections:
	SECTION	.text, efi_text, efi_text_size, efi_text_size, 0x60000020
	SECTION	.rodata, efi_rodata, efi_rodata_size, efi_rodata_size, 0x40000040
	SECTION	.data, efi_data, efi_data_size, efi_data_size, 0xc0000040
	SECTION	.sbat, efi_sbat, efi_sbat_size, efi_sbat_size, 0x40000040
	SECTION	.reloc, efi_reloc, efi_reloc_size, efi_reloc_size, 0x42000040
sections_end:

	.section .kernel, "a"
	.balign	16
	.globl	kernel_file, kernel_file_end
kernel_file:
	.incbin	KERNEL_FILE
kernel_file_end:

/* Nothing is to be relocated, but firmware wants to be told so. */
	.section .reloc, "a"
	.long	0, 12
	.short	0, 0

/* Generations of what may have to be revoked (shim, SBAT.md). */
	.section .sbat, "a"
	.ascii	"sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n"
	.ascii	"zeitkern,1,Zeitkern,zeitkern,1,\n"

	.section .note.GNU-stack, "", %progbits
