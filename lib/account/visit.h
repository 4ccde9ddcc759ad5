/*
 * lib/account/visit.h - the last visit of a user: the last login that was good.
 *
 * A row of ACCOUNT_TABLE_VISITS by the entry's key, apart from the account's record: logins are
 * many. It follows the mailbox through renames and goes with it.
 */
#ifndef POSTHORN_LIB_ACCOUNT_VISIT_H
#define POSTHORN_LIB_ACCOUNT_VISIT_H

#include <stdint.h>

#include "lib/base/strbuf.h"

#define VISIT_SERVICE_MAX 16
#define VISIT_ADDRESS_MAX 64

struct visit {
    int64_t time_ms;
    char service[VISIT_SERVICE_MAX + 1], address[VISIT_ADDRESS_MAX + 1]; /* words */
};

/* Copies. -1: a word is too long, or no word. */
int visit_set(struct visit *visit, int64_t time_ms, struct slice service, struct slice address);
/* As one row: time, service and address with spaces between. -1: damaged. */
void visit_print(const struct visit *visit, struct strbuf *out);
int visit_parse(struct slice text, struct visit *visit);

#endif
