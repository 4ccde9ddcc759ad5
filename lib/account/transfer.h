/*
 * lib/account/transfer.h - the whole account base as text, out and in.
 *
 *     # comment
 *     user alice@d.test                 kind and name at the start of a line
 *         full_name Alice Example       its properties indented: name, one space, value to the end
 *     member team@d.test alice@d.test   group and member
 *
 * Written in a fixed order (domains, domain aliases, users, aliases, groups, members,
 * administrators, each by name), properties in the schema's order, defaults left out: the same base
 * always gives the same bytes. It holds password records: keep it as secret as the base itself.
 */
#ifndef POSTHORN_LIB_ACCOUNT_TRANSFER_H
#define POSTHORN_LIB_ACCOUNT_TRANSFER_H

#include "lib/account/edit.h"

#define TRANSFER_PAGE_BYTES (1u << 20)
#define TRANSFER_TEXT_MAX (256u << 20) /* bytes of one import */
#define TRANSFER_LINE_MAX 70000

/* Appends the next part to `text`; *cursor ("" at the start) is where to go on, "" at the end. A
 * base that changed since the first part gives result 3: start again. 0, or -1 with the result. */
int transfer_export(struct account_base *base, struct strbuf *cursor, struct strbuf *text,
                    struct account_result *result);
/* Everything in `text` into the open transaction. 0, or -1 with the result, which names the line.
 */
int transfer_import(struct account_edit *edit, struct slice text);

#endif
