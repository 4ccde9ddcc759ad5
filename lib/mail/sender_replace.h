/*
 * lib/mail/sender_replace.h - other addresses for those in the sender fields that a reader sees:
 * From, Sender and Reply-To.
 */
#ifndef POSTHORN_LIB_MAIL_SENDER_REPLACE_H
#define POSTHORN_LIB_MAIL_SENDER_REPLACE_H

#include "lib/base/strbuf.h"

struct sender_rules {
    /* True with what stands in place of local@domain (no quotes in `local`). */
    bool (*find)(const void *arg, struct slice local, struct slice domain, struct slice *with);
    const void *arg;
};

/* Bytes that a header section of `size` bytes may take then, at most; an address has ADDRESS_MAX.
 */
#define SENDER_REPLACE_MAX(size) ((size)*86 + 1024)

/* Appends the header section of a message (as long as mime_header_len says) with other addresses;
 * names, comments and all else stay as they are. False: nothing is to be replaced, `out` is as it
 * was. */
bool sender_replace(struct slice header, const struct sender_rules *rules, struct strbuf *out);

#endif
