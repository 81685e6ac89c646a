/* SPDX-License-Identifier: MIT */
/* The parts of yaml.h among themselves: yaml.c reads blocks, yaml_inline.c what stands in lines. */
#pragma once

#include "net/netconf/yaml.h"

struct reader {
	struct yaml *y;
	const char *p, *end, *line_start;
	unsigned line, depth, flow;    /* flow: [] and {} that are open */
	bool begun;                    /* a word has been seen */
};

/* -EINVAL, with y->line and y->wrong. */
int yaml_refuse(struct reader *r, const char *wrong, const char *expected);

/* One more node, at the end of a list or map: 0 or -EINVAL. */
int yaml_add(struct reader *r, struct yaml_node ***to, struct yaml_node **made);

/* Whether there is white space at p, or the end. */
bool yaml_is_blank(const struct reader *r, const char *p);

/* Where the plain text at p ends, without the blanks behind it. */
const char *yaml_plain_end(const struct reader *r, const char *p);

/* To the next word, in this line or, if so wished, over lines: 0, at r->end maybe, or -EINVAL. */
int yaml_skip(struct reader *r, bool over_lines);

/* Nothing more is in this line but a comment. */
int yaml_line_end(struct reader *r);

/* The key of one more member `m` of map `n`, and its colon. */
int yaml_key(struct reader *r, const struct yaml_node *n, struct yaml_node *m);

/* A text, or what is in [] or {}. */
int yaml_inline(struct reader *r, struct yaml_node *n);
