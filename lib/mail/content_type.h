/*
 * lib/mail/content_type.h - media types and dispositions with their parameters (RFC 2045 section
 * 5.1, RFC 2183, parameter continuations of RFC 2231).
 */
#ifndef POSTHORN_LIB_MAIL_CONTENT_TYPE_H
#define POSTHORN_LIB_MAIL_CONTENT_TYPE_H

#include "lib/base/arena.h"

#define CONTENT_PARAMS_MAX 100 /* what follows is ignored */

struct content_param {
    struct slice name;  /* as written; with '*' behind it when the value has charset and escapes */
    struct slice value; /* without quotes; continuations joined */
};

struct content_value {
    struct slice type;    /* "text"; of a disposition: "attachment" */
    struct slice subtype; /* "plain"; of a disposition: empty */
    struct content_param *params;
    size_t param_count;
};

/* A Content-Type. False: not a valid type/subtype (the caller takes the default, RFC 2045 section
 * 5.2). Slices borrow from the field or live in the arena, which takes no more than some multiple
 * of the field's length. */
bool content_type_parse(struct slice field, struct arena *arena, struct content_value *out);
/* A Content-Disposition. */
bool content_disposition_parse(struct slice field, struct arena *arena, struct content_value *out);
/* The value of a parameter; false if there is none. */
bool content_param_find(const struct content_value *v, const char *name, struct slice *value);

#endif
