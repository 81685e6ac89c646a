/* SPDX-License-Identifier: MIT */
/* The one file of lwIP's httpd here: the answer of the time service as it is on the wire. */
#pragma once

static const unsigned char answer_data[] =
	"/index.html\0"
	"HTTP/1.1 200 OK\r\nDate: Wed, 25 Nov 2026 16:20:00 GMT\r\n"
	"Content-Type: application/json\r\nContent-Length: 29\r\n\r\n"
	"{\"time\": 1795383459.123456}\r\n";

static const struct fsdata_file file_answer[] = { {
	.next = NULL, .name = answer_data, .data = answer_data + sizeof("/index.html"),
	.len = sizeof(answer_data) - 1 - sizeof("/index.html"),
	.flags = FS_FILE_FLAGS_HEADER_INCLUDED | FS_FILE_FLAGS_HEADER_PERSISTENT |
		 FS_FILE_FLAGS_HEADER_HTTPVER_1_1,
} };

#define FS_ROOT file_answer
#define FS_NUMFILES 1
