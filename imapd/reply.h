/*
 * imapd/reply.h - how a command ends: the tagged response, with a response code (RFC 3501 section
 * 7.1, RFC 5530).
 */
#ifndef POSTHORN_IMAPD_REPLY_H
#define POSTHORN_IMAPD_REPLY_H

#include "lib/base/slice.h"

enum reply_kind {
    REPLY_OK,
    REPLY_NO,
    REPLY_BAD,
    REPLY_LAST, /* a NO, and the session ends: what it has open is of no use any more */
    REPLY_SENT  /* the command has written its tagged response itself */
};

struct reply {
    enum reply_kind kind;
    const char *code; /* "NONEXISTENT", "TRYCREATE"; NULL: none */
    const char *text; /* static */
};

static inline struct reply
reply_ok(const char *text)
{
    return (struct reply){REPLY_OK, 0, text};
}

static inline struct reply
reply_no(const char *code, const char *text)
{
    return (struct reply){REPLY_NO, code, text};
}

static inline struct reply
reply_bad(const char *text)
{
    return (struct reply){REPLY_BAD, 0, text};
}

/* What errno of a call into lib/store means to the client. What only the administrator can mend (a
 * damaged folder, an error of the disk) is logged; `folder` empty: which one is not known here. */
struct reply reply_errno(void);
struct reply reply_errno_of(struct slice folder);

#endif
