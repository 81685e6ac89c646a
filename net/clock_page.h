/* SPDX-License-Identifier: MIT */
/* GET /clock: what the time that is served goes by, and how good it is, as JSON.
 *
 *	source		"ntp", "kvmclock", "rtc" or "none"
 *	stratum		of the server gone by, null until there is one
 *	offset		s, as last measured, before it was corrected; null likewise
 *	error_bound	s: the time is no further from what the server goes by (RFC 5905's root
 *			distance), or from the RTC's own; null while nothing is known
 *	last_sync	Unix time of the last correction by a server, null until there was one
 *	steps, slews	corrections since boot: forwards at once, and little by little
 *	frequency_ppm	what the clock is made to gain on the CPU's counter
 *	leap		seconds that this UTC month is longer than others: 1, 0, -1
 *	poll		s between two questions to one server
 *	servers		host, port, state, stratum, offset, delay (s) of each that is asked
 *
 * A server's state: waiting, selected (the clock goes by it), agrees, falseticker (outvoted),
 * silent, unresolved, unfit (does not know the time, or answers nonsense), rate (asks to be
 * asked less), kissed (does not want to be asked). */
#pragma once

/* Boot: declares the setting clock=. */
void clock_page_declare(void);

/* Boot, after app_main(): adds the route, unless clock=no or the service has one of its own. */
void clock_page_init(void);
