/*
 * imapd/append_args.h - the arguments of APPEND in front of its message (RFC 3501 section 6.3.11).
 */
#ifndef POSTHORN_IMAPD_APPEND_ARGS_H
#define POSTHORN_IMAPD_APPEND_ARGS_H

#include "imapd/flag_list.h"

struct append_args {
    struct slice mailbox;
    struct flag_list flags;
    bool has_date;
    int64_t internal_ms;
    struct parser_literal message;
};

/* Behind "APPEND": everything up to and with the announcement of the message. */
bool append_args_parse(struct parser *p, struct append_args *out);
/* Is `text` an APPEND command whose last literal, announced at the end, is the message? `utf8`: how
 * mailbox names are written. */
bool append_args_end_in_message(struct slice text, bool utf8, struct arena *arena);

#endif
