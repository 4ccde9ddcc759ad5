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

/* What a template is for. */
struct template_kind {
    const char *file;         /* "bounce.txt" */
    const char *required;     /* the value that it is about: it must stand in the body, and may not
                               * in the subject; or NULL */
    const char *const *names; /* of the values that it may use; NULL at the end */
};

/* A message: "Subject: ..." in the first line, an empty line, the body. */
struct template_text {
    struct slice subject, body; /* borrow from the file's text */
    char *file;                 /* that text, where it is the template's own; or NULL */
};

struct template_fault {
    size_t line;   /* from 1; 0: the file as a whole */
    char why[200]; /* "'@sendr@' is no value here" */
};

/* Takes a file apart. 0, or -1: *fault says what is wrong with it. */
int template_parse(struct slice file, const struct template_kind *kind, struct template_text *text,
                   struct template_fault *fault);

#endif
