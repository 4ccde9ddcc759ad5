/*
 * accountd/audit.h - the record of every change: who, from where, what, before and after.
 *
 * A line is stored with the change, in its transaction, and leaves for log/audit.log after the
 * commit. It stays in the account base until logd has it: a change by the command line while the
 * suite is stopped is written at the next start, and after a crash a line may be there twice, with
 * the same number. Of secrets it says "changed".
 */
#ifndef POSTHORN_ACCOUNTD_AUDIT_H
#define POSTHORN_ACCOUNTD_AUDIT_H

#include "lib/account/edit.h"

struct audit; /* the lines on their way */

struct audit *audit_new(struct account_base *base);
void audit_free(struct audit **auditp);

struct audit_event {
    struct slice who, from; /* name of the administrator and client address, or "uid 0", "local" */
    struct slice verb;
    enum account_kind kind;
    const char *other_kind; /* NULL, or what it is instead: values are those given */
    struct slice name;
    struct slice new_name;             /* of a rename, or empty */
    const struct object_field *fields; /* as given; values of objects that have no own row */
    uint32_t count;
};

/* Inside the transaction. `audit_before` remembers what the object is (nothing, if there is none),
 * `audit_after` compares and stores the lines. 0, or -1 with errno: then abort. */
int audit_before(struct audit *audit, const struct audit_event *event);
int audit_after(struct audit *audit, const struct audit_event *event);
/* After the commit, and from time to time: lines leave. Never fails; what cannot leave now waits.
 */
void audit_send(struct audit *audit);
/* Removes what has left; one transaction of its own. From a timer. */
void audit_forget_sent(struct audit *audit);

#endif
