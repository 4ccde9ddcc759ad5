/*
 * lib/mail/system_mail.h - writes a message of the suite's own from a template: to somebody who has
 * asked for nothing, so Auto-Submitted: auto-generated (RFC 3834 section 5.2).
 */
#ifndef POSTHORN_LIB_MAIL_SYSTEM_MAIL_H
#define POSTHORN_LIB_MAIL_SYSTEM_MAIL_H

#include <stdint.h>

#include "lib/mail/template.h"

struct system_mail {
    const char *from_name; /* words of ASCII letters */
    struct slice from, to; /* addresses of ours: without control characters */
    const char *queue_id;  /* of the new message: its Message-ID's left side */
    const char *hostname;
    int64_t now_ms;
    const struct template_text *wording;
    const struct template_value *values; /* of one line each */
    size_t value_count;
};

/* Appends the whole message, Return-Path on top; its text is UTF-8 and may need 8BITMIME. Overflow
 * is remembered by the buffer. */
void system_mail_write(const struct system_mail *mail, struct strbuf *out);

#endif
