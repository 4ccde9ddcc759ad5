/*
 * lib/dkim/tags.h - lists of tags: the values of DKIM and ARC fields and of key records (RFC 6376
 * section 3.2).
 */
#ifndef POSTHORN_LIB_DKIM_TAGS_H
#define POSTHORN_LIB_DKIM_TAGS_H

#include "lib/base/strbuf.h"

#define DKIM_TAGS_MAX 32

struct dkim_tags { /* borrows from the list */
    struct slice names[DKIM_TAGS_MAX], values[DKIM_TAGS_MAX];
    size_t count;
};

/* False: it is no list of tags, has a name twice, or too many. */
bool dkim_tags_parse(struct slice list, struct dkim_tags *tags);
/* The value, still folded inside; {NULL, 0}: there is no such tag. */
struct slice dkim_tag(const struct dkim_tags *tags, const char *name);
/* A value that is base64 with white space anywhere, decoded. False: it is none, or too long. */
bool dkim_tag_base64(struct slice value, struct strbuf *out);
/* Appends `list` with the value of "b=" taken out, as its signature covers it (section 3.7). */
bool dkim_tags_unsigned(struct slice list, struct strbuf *out);

#endif
