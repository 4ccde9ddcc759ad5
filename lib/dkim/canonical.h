/*
 * lib/dkim/canonical.h - the canonical forms that DKIM and ARC hash (RFC 6376 section 3.4).
 * What we sign is "relaxed"; others may sign "simple" bodies.
 */
#ifndef POSTHORN_LIB_DKIM_CANONICAL_H
#define POSTHORN_LIB_DKIM_CANONICAL_H

#include <stdint.h>

#include "lib/base/strbuf.h"

/* Appends "name:value" of one header field (section 3.4.2), without a line end. `body` is what
 * stands behind the colon, still folded (lib/mail/header.h). False: `out` overflowed. */
bool dkim_canonical_field(struct slice name, struct slice body, struct strbuf *out);

/* A message body in pieces (section 3.4.4; simple: section 3.4.3). `out` gets the canonical form in
 * pieces of its own. */
struct dkim_body {
    void (*out)(void *arg, struct slice piece);
    void *arg;
    uint64_t line_ends; /* seen and held back: those at the end count for nothing */
    bool cr;            /* the last byte was a CR: its LF may follow */
    bool space;         /* white space before this place, not yet written */
    bool any_text;
    bool simple; /* set after dkim_body_begin */
    size_t used;
    char buf[4096];
};
void dkim_body_begin(struct dkim_body *body, void (*out)(void *arg, struct slice piece), void *arg);
void dkim_body_feed(struct dkim_body *body, struct slice input);
void dkim_body_end(struct dkim_body *body);

#endif
