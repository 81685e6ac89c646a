/* SPDX-License-Identifier: MIT */
/* Registers of the LAN9118 and LAN9220, as far as they are used (LAN9118 data
 * sheet, to which all sections refer; the LAN9220's is the same in these). */
#pragma once

/* §5.3: system registers. */
#define RX_DATA 0x00
#define TX_DATA 0x20
#define RX_STATUS 0x40
#define TX_STATUS 0x48
#define ID_REV 0x50
#define IRQ_CFG 0x54
#define INT_STS 0x58
#define INT_EN 0x5c
#define BYTE_TEST 0x64
#define FIFO_INT 0x68
#define RX_CFG 0x6c
#define TX_CFG 0x70
#define HW_CFG 0x74
#define RX_FIFO_INF 0x7c
#define TX_FIFO_INF 0x80
#define PMT_CTRL 0x84
#define RX_DROP 0xa0
#define MAC_CSR_CMD 0xa4
#define MAC_CSR_DATA 0xa8
#define E2P_CMD 0xb0

#define ID_LAN9118 0x0118u
#define ID_LAN9220 0x9220u
#define BYTE_TEST_VALUE 0x87654321u
#define IRQ_HIGH_LEVEL (1u << 8 | 1u << 4 | 1u << 0)    /* IRQ_EN, POL, TYPE push-pull */
#define INT_TXSTOP (1u << 25)
#define INT_RXSTOP (1u << 24)
#define INT_RXE (1u << 14)
#define INT_TXE (1u << 13)
#define INT_TDFO (1u << 10)
#define INT_TDFA (1u << 9)
#define INT_RSFL (1u << 3)
#define INT_ERRORS (INT_RXE | INT_TXE | INT_TDFO)
#define RX_CFG_DUMP (1u << 15)
#define RX_CFG_OFFSET(bytes) ((bytes) << 8)
#define TX_CFG_DUMP (1u << 15 | 1u << 14)               /* status and data */
#define TX_CFG_SAO (1u << 2)                            /* status FIFO may overrun */
#define TX_CFG_ON (1u << 1)
#define TX_CFG_STOP (1u << 0)
#define HW_CFG_SF (1u << 20)
#define HW_CFG_TX_5K (5u << 16)
#define HW_CFG_SRST (1u << 0)
#define PMT_READY (1u << 0)
#define E2P_BUSY (1u << 31)
#define CSR_BUSY (1u << 31)
#define CSR_READ (1u << 30)

/* §5.4: MAC registers, and of the PHY those of IEEE 802.3 clause 22. */
#define MAC_CR 1
#define MAC_ADDRH 2
#define MAC_ADDRL 3
#define MAC_MII_ACC 6
#define MAC_MII_DATA 7
#define CR_RCVOWN (1u << 23)           /* deaf to itself: half duplex */
#define CR_FDPX (1u << 20)
#define CR_ON (1u << 19 | 1u << 3 | 1u << 2)     /* MCPAS: all multicast; TXEN, RXEN */
#define CR_RXEN (1u << 2)
#define MII_PHY (1u << 11)             /* the one inside has address 1 */
#define MII_WRITE (1u << 1)
#define MII_BUSY (1u << 0)
#define BMCR 0
#define BMCR_AUTO (1u << 12)
#define BMCR_POWER_DOWN (1u << 11)
#define BMCR_RESTART (1u << 9)
#define BMSR 1
#define BMSR_LINK (1u << 2)            /* low since the last read if the link was */
#define ANAR 4
#define ANLPAR 5
#define AN_100_FULL (1u << 8)
#define AN_100_HALF (1u << 7)
#define AN_10_FULL (1u << 6)

/* §3.13.3: receive status; the length counts the FCS. */
#define FCS 4u
#define RX_FILTERED (1u << 30)
#define RX_ERROR (1u << 15)            /* too long, runt, collision, checksum */
#define RX_WATCHDOG (1u << 4)
#define RX_MII_ERROR (1u << 3)
#define RX_UNFIT (RX_FILTERED | RX_ERROR | RX_WATCHDOG | RX_MII_ERROR)

/* §3.12.2: command words; transmit status. */
#define CMD_A(shift, len) ((shift) << 16 | 1u << 13 | 1u << 12 | (len)) /* one segment */
#define CMD_B(len) (len)
#define TX_ERROR (1u << 15)
