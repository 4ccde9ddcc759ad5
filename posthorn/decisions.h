/*
 * posthorn/decisions.h - the steps of an explanation, kept, and what differs between two of them.
 */
#ifndef POSTHORN_POSTHORN_DECISIONS_H
#define POSTHORN_POSTHORN_DECISIONS_H

#include "posthorn/explain.h"

struct decision {
    const char *step, *verdict;
    char *detail;
    const struct conf_cite *cite;
    bool of_delivery; /* after smtpd has taken the message */
};

struct decisions {
    struct decision *items;
    size_t count, allocated;
};

void decisions_add(struct decisions *d, const struct explain_step *step, bool of_delivery);
void decisions_clear(struct decisions *d);

/* Are they the same in every word? The lines that they come from do not count. */
bool decisions_equal(const struct decisions *a, const struct decisions *b);

/* A decision that is another one; one side may be NULL. */
struct decision_change {
    const struct decision *before, *after;
};
/* What differs, into *changes, which the caller frees; borrows from both. Where one of them refuses
 * the message, it is the first step at which they part, and what the other comes to; else all steps
 * of the delivery that one has and the other has not. */
size_t decisions_compare(const struct decisions *before, const struct decisions *after,
                         struct decision_change **changes);

#endif
