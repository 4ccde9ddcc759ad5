/*
 * lib/smtp/smtp_dot.h - message content as it goes out after DATA (RFC 5321 section 4.5.2).
 */
#ifndef POSTHORN_LIB_SMTP_SMTP_DOT_H
#define POSTHORN_LIB_SMTP_SMTP_DOT_H

#include "lib/base/slice.h"

struct smtp_dot {
    bool inside_line; /* else at the start of one */
    bool dot_given;   /* the dot that doubles the next one is out */
    bool holds_cr;    /* the input ended with a CR: what it is, the next byte tells */
};

/* Takes the next piece to send off *input. False: the input is used up. */
bool smtp_dot_next(struct smtp_dot *dot, struct slice *input, struct slice *piece);
/* What ends the content: a line end if it lacks one, and the dot. */
struct slice smtp_dot_end(const struct smtp_dot *dot);

#endif
