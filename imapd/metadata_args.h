/*
 * imapd/metadata_args.h - the arguments of GETMETADATA and SETMETADATA (RFC 5464 section 5), and of
 * LIST's return option METADATA (RFC 9590).
 */
#ifndef POSTHORN_IMAPD_METADATA_ARGS_H
#define POSTHORN_IMAPD_METADATA_ARGS_H

#include "imapd/parser.h"
#include "lib/store/annotations.h"

#define METADATA_ENTRIES_MAX 1000 /* in one command */

enum metadata_depth { METADATA_DEPTH_0, METADATA_DEPTH_1, METADATA_DEPTH_INFINITY };

/* Which entries of a mailbox are wanted. */
struct metadata_want {
    const struct slice *entries;
    size_t count;
    enum metadata_depth depth;
    bool has_max_size;
    uint32_t max_size; /* bytes of a value */
};

/* Behind the command's name. An empty mailbox name is the server. */
bool metadata_args_parse_get(struct parser *p, struct slice *mailbox, struct metadata_want *out);
bool metadata_args_parse_set(struct parser *p, struct slice *mailbox,
                             struct annotation_change **changes, size_t *count);
/* "(" entry *(SP entry) ")" */
bool metadata_args_parse_entries(struct parser *p, struct metadata_want *out);

/* Is this the beginning of a SETMETADATA command? */
bool metadata_args_is_set(struct slice command, struct arena *arena);

#endif
