/*
 * lib/mail/template.h - texts of the administrator's with @NAME@ for values.
 *
 * "@@" is an '@'; an '@' that begins no known name stays. Lines end with LF or CRLF in the file and
 * with CRLF in what comes of it.
 */
#ifndef POSTHORN_LIB_MAIL_TEMPLATE_H
#define POSTHORN_LIB_MAIL_TEMPLATE_H

#include "lib/base/strbuf.h"

#define TEMPLATE_MAX (256u << 10) /* bytes of a template file */

struct template_value {
    const char *name;
    struct slice value; /* goes in as it is */
};

/* Appends `text` with the values in it. False if `out` overflowed. */
bool template_fill(struct slice text, const struct template_value *values, size_t count,
                   struct strbuf *out);

/* A message: "Subject: ..." in the first line, an empty line, the body. */
struct template_text {
    struct slice subject, body; /* borrow from the file's text */
};

/* Takes a file apart. `names` (NULL at the end) are those that it may use, the first of them just
 * in the body, where it must be. 0, or -1: *why says what is wrong. */
int template_parse(struct slice file, const char *const *names, struct template_text *text,
                   const char **why);

#endif
