/*
 * posthorn/import_keywords.h - what other servers keep beside a Maildir: keywords, subscriptions.
 */
#ifndef POSTHORN_POSTHORN_IMPORT_KEYWORDS_H
#define POSTHORN_POSTHORN_IMPORT_KEYWORDS_H

#include "lib/store/mailbox.h"

/* Keywords of one folder. Dovecot: dovecot-keywords ("0 $Work") says what the letters a, b, c...
 * behind ":2," mean. Courier: courierimapkeywords/:list has the names, an empty line, and lines
 * "FILE:0 3". */
struct import_keywords {
    struct strbuf dovecot_text, courier_text;
    struct slice letters[26];
    struct slice courier[MAILBOX_KEYWORDS_MAX];
    struct courier_line {
        struct slice file, numbers;
    } * lines; /* sorted */
    size_t line_count;
};

void import_keywords_read(struct import_keywords *k, int root, const char *dir);
void import_keywords_free(struct import_keywords *k);
/* The keywords of the file `name`, whose part behind ":2," is `info`; they borrow from *k. */
uint32_t import_keywords_of(const struct import_keywords *k, struct slice name, struct slice info,
                            struct slice words[MAILBOX_KEYWORDS_MAX]);

/* Dovecot's `subscriptions` (both forms) and Courier's `courierimapsubscribed`. 0, or -1 with
 * errno. */
int import_subscriptions_read(struct store *store, int root);

#endif
