/*
 * imapd/notify_args.h - the arguments of NOTIFY (RFC 5465 section 8).
 */
#ifndef POSTHORN_IMAPD_NOTIFY_ARGS_H
#define POSTHORN_IMAPD_NOTIFY_ARGS_H

#include "imapd/fetch_args.h"
#include "imapd/mailbox_filter.h"

/* RFC 5465 section 5. MessageNew and MessageExpunge always come together. */
enum notify_event {
    NOTIFY_MESSAGE_NEW = 1 << 0,
    NOTIFY_MESSAGE_EXPUNGE = 1 << 1,
    NOTIFY_FLAG_CHANGE = 1 << 2,
    NOTIFY_MAILBOX_NAME = 1 << 3,
    NOTIFY_SUBSCRIPTION_CHANGE = 1 << 4,
    NOTIFY_MAILBOX_METADATA = 1 << 5,
    NOTIFY_SERVER_METADATA = 1 << 6, /* whatever mailboxes its group names */
};
#define NOTIFY_MESSAGE_EVENTS                                                                      \
    ((unsigned)(NOTIFY_MESSAGE_NEW | NOTIFY_MESSAGE_EXPUNGE | NOTIFY_FLAG_CHANGE))

struct notify_group {
    struct mailbox_filter *filters;
    unsigned events; /* bits; 0: NONE */
    struct notify_group *next;
};

struct notify_args {
    bool status;                 /* the client wants STATUS responses at once */
    bool unsupported;            /* an event that we do not have: BADEVENT */
    bool has_selected;           /* SELECTED or SELECTED-DELAYED was there */
    bool is_delayed;             /* the latter */
    unsigned selected;           /* events of the selected mailbox */
    struct fetch_args fetch;     /* what to send of messages that come into it; may be empty */
    bool has_fetch;              /* it is not */
    unsigned names;              /* mailboxes named */
    struct notify_group *groups; /* of other mailboxes */
};

/* Behind "NOTIFY": NONE gives no events. All lives in p->arena, and borrows from its text. */
bool notify_args_parse(struct parser *p, struct notify_args *out);
/* The names of all events that there are, separated by spaces. */
void notify_args_write_events(struct strbuf *out);
/* The events of all groups together. */
unsigned notify_args_all_events(const struct notify_args *args);
/* The events of the folder of that name (not selected), of all groups together. */
unsigned notify_args_events(const struct notify_args *args, struct slice name, bool subscribed,
                            bool foreign);

#endif
