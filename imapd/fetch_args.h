/*
 * imapd/fetch_args.h - what FETCH asks for (RFC 3501 section 6.4.5).
 */
#ifndef POSTHORN_IMAPD_FETCH_ARGS_H
#define POSTHORN_IMAPD_FETCH_ARGS_H

#include "imapd/partial_range.h"
#include "imapd/seqset.h"
#include "lib/mail/mime_section.h"

#define FETCH_NUMBERS_MAX 100 /* part numbers in one section; deeper parts do not exist */

/* Items without arguments, in the order in which they are sent. */
enum fetch_item {
    FETCH_UID = 1 << 0,
    FETCH_FLAGS = 1 << 1,
    FETCH_INTERNALDATE = 1 << 2,
    FETCH_SIZE = 1 << 3,
    FETCH_ENVELOPE = 1 << 4,
    FETCH_BODYSTRUCTURE = 1 << 5,
    FETCH_BODY = 1 << 6,
    FETCH_MODSEQ = 1 << 7,    /* RFC 7162 */
    FETCH_EMAILID = 1 << 8,   /* RFC 8474 */
    FETCH_THREADID = 1 << 9,  /* RFC 8474 */
    FETCH_SAVEDATE = 1 << 10, /* RFC 8514 */
    FETCH_PREVIEW = 1 << 15,  /* RFC 8970 */
};

enum fetch_section_kind {
    FETCH_SECTION_BODY,
    FETCH_SECTION_BINARY, /* RFC 3516: without transfer encoding; part numbers alone */
    FETCH_SECTION_BINARY_SIZE
};

/* BODY[...], BINARY[...], RFC822, RFC822.HEADER, RFC822.TEXT */
struct fetch_section {
    enum fetch_section_kind kind;
    const char *rfc822; /* name of the response item, or NULL: BODY[...] */
    uint32_t *numbers;
    size_t number_count;
    enum mime_section section;
    bool has_fields, negate; /* HEADER.FIELDS, HEADER.FIELDS.NOT */
    struct slice *fields;
    size_t field_count;
    bool peek;
    bool partial;
    uint64_t offset, length; /* below 2^63 */
    struct fetch_section *next;
};

struct fetch_args {
    struct seqset set;
    unsigned items; /* bits of enum fetch_item */
    struct fetch_section *sections;
    bool sets_seen;
    bool has_changed_since; /* RFC 7162 section 3.1.4.1: only messages with a MODSEQ above it */
    uint64_t changed_since;
    bool has_partial; /* UID FETCH: only a part of the messages (RFC 9394) */
    struct partial_range partial;
    bool vanished;     /* UID FETCH, with CHANGEDSINCE (section 3.2.6) */
    bool preview_lazy; /* only a preview that needs no work */
};

/* Behind "FETCH". */
bool fetch_args_parse(struct parser *p, struct fetch_args *out);
/* "(" fetch-att *(SP fetch-att) ")": what is to be sent of messages that come (RFC 5465). */
bool fetch_args_parse_list(struct parser *p, struct fetch_args *out);
/* Adds what `more` asks for beyond that; `to` begins as {0}. Texts stay where they are. */
void fetch_args_add(struct fetch_args *to, const struct fetch_args *more, struct arena *arena);
/* "[" section-spec "]" of BODY into a zeroed section. */
bool fetch_args_parse_section(struct parser *p, struct fetch_section *out);

#endif
