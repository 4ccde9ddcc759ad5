/*
 * lib/conf/tls_table.h - the list file remote.tls_table: what TLS mail to a domain must have.
 *
 *     example.org   secure                # one domain
 *     .example.org  dane-only             # all domains below it
 *     example.net   verify mx.isp.test .isp.test
 *
 * DOMAIN LEVEL, after verify the names of which the certificate must hold one (".isp.test": any
 * name below it; none: the name of the server). The most exact entry counts.
 */
#ifndef POSTHORN_LIB_CONF_TLS_TABLE_H
#define POSTHORN_LIB_CONF_TLS_TABLE_H

#include "lib/conf/list_file.h"

#define TLS_TABLE_NAMES_MAX 8
#define TLS_TABLE_LEVELS "none, may, encrypt, dane, dane-only, verify or secure"

enum tls_wish {
    TLS_WISH_NONE,    /* no TLS, even where it is offered */
    TLS_WISH_MAY,     /* TLS where it is offered, whoever the server is */
    TLS_WISH_ENCRYPT, /* not without TLS, whoever the server is */
    TLS_WISH_DANE,    /* what the domain publishes; where it publishes nothing, as without entry */
    TLS_WISH_DANE_ONLY, /* not without TLSA records that fit */
    TLS_WISH_VERIFY,    /* a certificate of a known authority with one of the names */
    TLS_WISH_SECURE,    /* the same, with a name that is or ends in the recipient's domain */
};

struct tls_rule {
    enum tls_wish wish;
    unsigned line; /* of the file */
    char *names[TLS_TABLE_NAMES_MAX];
    size_t name_count;
};

/* What an entry should have been, or NULL: it is right (struct list_kind). */
const char *tls_table_expected(struct slice entry);

struct tls_table;
/* From entries that are right. Of several for one domain the last counts. */
struct tls_table *tls_table_new(const struct list_file *list);
void tls_table_free(struct tls_table **tablep);
/* `domain` in lower case, A-labels. NULL: no entry. */
const struct tls_rule *tls_table_find(const struct tls_table *table, struct slice domain);
/* Is there an entry that needs to know authorities? */
bool tls_table_verifies(const struct tls_table *table);

#endif
