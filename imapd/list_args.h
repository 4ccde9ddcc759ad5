/*
 * imapd/list_args.h - the arguments of LIST (RFC 3501, RFC 5258, RFC 5819, RFC 6154,
 * RFC 9590) and LSUB.
 */
#ifndef POSTHORN_IMAPD_LIST_ARGS_H
#define POSTHORN_IMAPD_LIST_ARGS_H

#include "imapd/metadata_args.h"

struct list_args {
    struct slice *patterns; /* UTF-8, the reference put in front */
    size_t pattern_count;
    bool is_root_request; /* the empty pattern of a LIST that is not extended */
    bool extended;
    bool select_subscribed, select_special_use, recursive_match;
    bool return_subscribed, return_myrights;
    unsigned status_items;         /* 0: no STATUS */
    struct metadata_want metadata; /* no entries: no METADATA (RFC 9590) */
};

/* Behind the command's name. `extended_allowed`: LIST, not LSUB. */
bool list_args_parse(struct parser *p, bool extended_allowed, struct list_args *out);

#endif
