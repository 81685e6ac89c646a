/* SPDX-License-Identifier: MIT */
/* Registers of Allwinner's EMAC, as far as they are used, with their bits and those of its
 * descriptors (H3 Datasheet V1.2, §8.4.5; the PHY's: IEEE 802.3, 22.2.4). */
#pragma once

#define BASIC_CTL0 0x00
#define CTL0_FULL_DUPLEX (1u << 0)
#define CTL0_100M (3u << 2)
#define CTL0_10M (2u << 2)
#define BASIC_CTL1 0x04
#define CTL1_RESET (1u << 0)
#define CTL1_BURST_8 (8u << 24)
#define INT_STA 0x08
#define INT_EN 0x0c
#define INT_RX (1u << 8)
#define INT_TX (1u << 0)
#define TX_CTL0 0x10
#define TX_CTL0_ON (1u << 31)
#define TX_CTL1 0x14
#define TX_CTL1_START (1u << 31)
#define TX_CTL1_DMA (1u << 30)
#define TX_CTL1_WHOLE (1u << 1)        /* sends once the frame is in the FIFO */
#define TX_DMA_DESC_LIST 0x20
#define RX_CTL0 0x24
#define RX_CTL0_ON (1u << 31)
#define RX_CTL0_CHECK (1u << 27)
#define RX_CTL1 0x28
#define RX_CTL1_START (1u << 31)
#define RX_CTL1_DMA (1u << 30)
#define RX_CTL1_WHOLE (1u << 1)
#define RX_DMA_DESC_LIST 0x34
#define RX_FRM_FLT 0x38
#define RX_ALL_MULTICAST (1u << 16)
#define MII_CMD 0x48
#define MII_CLOCK_128 (3u << 20)       /* AHB's clock by 128: at most 2.5 MHz */
#define MII_ADDRESS(phy) ((phy) << 12)
#define MII_REGISTER(r) ((r) << 4)
#define MII_WRITE (1u << 1)
#define MII_BUSY (1u << 0)
#define MII_DATA 0x4c
#define ADDR_HIGH 0x50
#define ADDR_LOW 0x54

/* Descriptors: struct owned_desc. */
#define TX_STATUS_ERRORS (1u << 16 | 1u << 14 | 1u << 12 | 1u << 10 | 1u << 9 | 1u << 8 | \
			  1u << 2 | 1u << 1)
#define TX_SIZE_INTERRUPT (1u << 31)
#define TX_SIZE_LAST (1u << 30)
#define TX_SIZE_FIRST (1u << 29)
#define TX_SIZE_CHECKSUMS (3u << 27)
#define RX_STATUS_LENGTH(status) ((status) >> 16 & 0x3fffu)
#define RX_STATUS_FIRST (1u << 9)
#define RX_STATUS_LAST (1u << 8)
#define RX_STATUS_ERRORS (1u << 14 | 1u << 11 | 1u << 6 | 1u << 4 | 1u << 3 | 1u << 1)

/* System controller, §4.5: which PHY, and its own settings. */
#define SYSCON_PHY_ADDRESS(phy) ((phy) << 20)
#define SYSCON_CLOCK_24M (1u << 18)
#define SYSCON_LED_LOW (1u << 17)
#define SYSCON_INTERNAL (1u << 15)     /* and bit 16 clear: powered */

/* PHY. */
enum { BMCR = 0, BMSR = 1, ANLPAR = 5 };
#define BMCR_RESET (1u << 15)
#define BMCR_AUTO (1u << 12)
#define BMCR_RESTART (1u << 9)
#define BMSR_LINK (1u << 2)
#define ANLPAR_100_FULL (1u << 8)
#define ANLPAR_100 (1u << 7)
#define ANLPAR_10_FULL (1u << 6)
#define ANLPAR_10 (1u << 5)
