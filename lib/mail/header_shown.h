/*
 * lib/mail/header_shown.h - a header section as those who get the message are to see it: other
 * addresses of senders (queue.header_replace), members in place of their groups (DIR-55).
 */
#ifndef POSTHORN_LIB_MAIL_HEADER_SHOWN_H
#define POSTHORN_LIB_MAIL_HEADER_SHOWN_H

#include "lib/mail/recipient_replace.h"
#include "lib/mail/sender_replace.h"

struct header_shown {
    const struct sender_rules *senders; /* NULL: senders as they are */
    struct slice groups;                /* as for recipient_replace; empty: none */
};

/* Bytes that a header section of `size` bytes may take then, at most. */
#define HEADER_SHOWN_MAX(size, groups) RECIPIENT_REPLACE_MAX(SENDER_REPLACE_MAX(size), groups)

/* Appends the header section with what has to be shown otherwise. False: nothing has, `out` is as
 * it was. */
bool header_shown_make(const struct header_shown *shown, struct slice header, struct strbuf *out);

#endif
