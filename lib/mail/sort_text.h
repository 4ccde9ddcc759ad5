/*
 * lib/mail/sort_text.h - what SORT and THREAD compare of a header section, to be kept in a cache
 * (RFC 5256, RFC 5957).
 *
 * Strings are keys of i;unicode-casemap (lib/mail/casemap.h).
 */
#ifndef POSTHORN_LIB_MAIL_SORT_TEXT_H
#define POSTHORN_LIB_MAIL_SORT_TEXT_H

#include <stdint.h>

#include "lib/base/strbuf.h"

#define SORT_TEXT_MAX 65536 /* bytes of one text */

enum sort_text_field {
    SORT_TEXT_SUBJECT, /* the base subject */
    SORT_TEXT_FROM,    /* local part of the first address (addr-mailbox of ENVELOPE) */
    SORT_TEXT_TO,
    SORT_TEXT_CC,
    SORT_TEXT_DISPLAY_FROM, /* its name, or local@domain */
    SORT_TEXT_DISPLAY_TO,
    SORT_TEXT_FIELDS
};

struct sort_text {
    int64_t sent_s; /* of the Date field, in UTC since 1970 */
    bool has_sent;  /* there is a date in it */
    bool is_reply;  /* the subject shows a reply or a forward */
    struct slice fields[SORT_TEXT_FIELDS];
};

/* Appends the text. `out` is empty, its ceiling SORT_TEXT_MAX: no value fills more of it than an
 * equal share. */
void sort_text_write(struct slice header, struct strbuf *out);
/* The slices borrow from `text`. False: no such text. */
bool sort_text_read(struct slice text, struct sort_text *out);

/* For THREAD by references: the Message-ID (empty: none), then the references of RFC 5256 section
 * 3, oldest first; of a long list the last ones. */
#define SORT_TEXT_REFERENCES_MAX 100
void sort_text_write_ids(struct slice header, struct strbuf *out);
/* Sets *text on the first identifier. False: no such text. */
bool sort_text_ids_begin(struct slice *text);
bool sort_text_ids_next(struct slice *text, struct slice *id); /* false at the end */

#endif
