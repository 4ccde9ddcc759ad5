/*
 * lib/smtp/smtp_reply.h - replies of a remote SMTP server (RFC 5321 section 4.2). Pure parser.
 */
#ifndef POSTHORN_LIB_SMTP_SMTP_REPLY_H
#define POSTHORN_LIB_SMTP_SMTP_REPLY_H

#include "lib/base/strbuf.h"

#define SMTP_REPLY_TEXT_MAX 8192 /* bytes of all lines of one reply */
#define SMTP_REPLY_LINES_MAX 200
#define SMTP_DSN_MAX 12 /* "5.123.123" and a NUL */

struct smtp_reply {
    unsigned code;      /* 200 to 599 */
    struct strbuf text; /* the lines without codes, separated by LF */
    unsigned lines;
};

enum smtp_reply_status { SMTP_REPLY_MORE, SMTP_REPLY_DONE, SMTP_REPLY_BAD };

struct smtp_reply smtp_reply_new(void);
void smtp_reply_free(struct smtp_reply *reply);
void smtp_reply_clear(struct smtp_reply *reply); /* before the first line of the next one */

/* Takes one line with its line end. BAD: not a reply, or one without end. */
enum smtp_reply_status smtp_reply_line(struct smtp_reply *reply, struct slice line);

/* The enhanced status code at the start of the text (RFC 2034) if it agrees with the code, else
 * "4.0.0" or the like. */
void smtp_reply_dsn(const struct smtp_reply *reply, char out[SMTP_DSN_MAX]);
/* "550 5.1.1 no such user": one line of printable characters for logs and DSNs. */
void smtp_reply_text(const struct smtp_reply *reply, char *out, size_t room);

/* An EHLO line of this keyword (RFC 5321 section 4.1.1.1)? *value: what follows it. */
bool smtp_reply_keyword(const struct smtp_reply *reply, const char *keyword, struct slice *value);

#endif
