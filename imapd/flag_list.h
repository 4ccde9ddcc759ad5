/*
 * imapd/flag_list.h - lists of flags as clients write them (RFC 3501 section 9, flag-list).
 */
#ifndef POSTHORN_IMAPD_FLAG_LIST_H
#define POSTHORN_IMAPD_FLAG_LIST_H

#include "imapd/parser.h"
#include "lib/store/mailbox.h"

struct flag_list {
    uint32_t flags;         /* enum message_flag */
    struct slice *keywords; /* each once */
    uint32_t keyword_count;
    bool too_many; /* keywords: more than any folder has, and not all are here */
};

/* "(" flags ")"; for STORE also without the parentheses. \Recent and unknown system flags are
 * errors. */
bool flag_list_parse(struct parser *p, struct flag_list *out);
bool flag_list_parse_store(struct parser *p, struct flag_list *out);

/* The system flags by name, without the backslash, in the order in which they are written. */
#define FLAG_LIST_SYSTEM_COUNT 5
struct flag_name {
    const char *name;
    uint32_t flag;
};
extern const struct flag_name flag_list_system[FLAG_LIST_SYSTEM_COUNT];

#endif
