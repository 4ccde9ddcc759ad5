/*
 * imapd/append_args.h - the arguments of APPEND in front of a message (RFC 3501 section 6.3.11,
 * RFC 3502, RFC 3516, RFC 4469, RFC 6855), which REPLACE (RFC 8508) shares.
 */
#ifndef POSTHORN_IMAPD_APPEND_ARGS_H
#define POSTHORN_IMAPD_APPEND_ARGS_H

#include "imapd/flag_list.h"

/* How the message comes. */
enum append_data {
    APPEND_LITERAL,
    APPEND_LITERAL8, /* RFC 3516: may hold NULs */
    APPEND_UTF8,     /* RFC 6855: a literal8 in parentheses */
    APPEND_CATENATE  /* RFC 4469: a list of parts in parentheses */
};

struct append_args {
    struct flag_list flags;
    bool has_date;
    int64_t internal_ms;
    enum append_data data;
};

/* [SP flags] [SP date] SP, and what tells the kind of data: the parser then stands at the literal's
 * announcement or behind the opening parenthesis. */
bool append_args_parse(struct parser *p, struct append_args *out);
/* A part of CATENATE up to its literal's announcement or string. */
enum append_part { APPEND_PART_TEXT, APPEND_PART_UTF8, APPEND_PART_URL };
bool append_args_parse_part(struct parser *p, enum append_part *out);
/* Is `text`, which ends in the announcement of a literal, an APPEND (`selected`: or a REPLACE) up
 * to its first message? Then it is the command itself that reads on from there. `utf8`: how mailbox
 * names are written. */
bool append_args_end_in_message(struct slice text, bool selected, bool utf8, struct arena *arena);

#endif
