/*
 * lib/conf/sender_table.h - entries of the list file queue.header_replace: who is shown as whom.
 *
 *     office@d.test  remote  alice@d.test; bob@d.test
 *
 * The replacement, the mail that it is for (local, remote, both), and what it replaces.
 */
#ifndef POSTHORN_LIB_CONF_SENDER_TABLE_H
#define POSTHORN_LIB_CONF_SENDER_TABLE_H

#include "lib/conf/list_file.h"
#include "lib/mail/sender_replace.h"

#define SENDER_TABLE_MAX 100000 /* addresses that are replaced */

enum sender_scope { SENDER_LOCAL = 1, SENDER_REMOTE = 2 };

struct sender_table;

/* struct list_kind's. */
const char *sender_table_expected(struct slice entry);
/* What is for mail of that kind; of two entries for one address the first one counts. NULL: there
 * is nothing. Entries are copied. */
struct sender_table *sender_table_new(const struct list_file *list, enum sender_scope scope);
void sender_table_free(struct sender_table **tablep);
/* For sender_replace; borrows the table. Letters are compared in either case. */
struct sender_rules sender_table_rules(const struct sender_table *table);

#endif
