/*
 * smtpd/recipients.h - RCPTs that wait for accountd's answer and for their reply.
 *
 * A client that pipelines (RFC 2920) sends many RCPTs in one go. They are collected, so that
 * accountd is asked about all of them at once.
 */
#ifndef POSTHORN_SMTPD_RECIPIENTS_H
#define POSTHORN_SMTPD_RECIPIENTS_H

#include "lib/base/arena.h"
#include "smtpd/params.h"

#define RECIPIENTS_MAX 64 /* that wait at once */

struct recipients {
    struct arena texts;
    struct rcpt_args list[RECIPIENTS_MAX];
    uint32_t count;
};

bool recipients_are_full(const struct recipients *r);
/* Keeps its own copy of the texts. */
void recipients_add(struct recipients *r, const struct rcpt_args *args);
void recipients_clear(struct recipients *r);

#endif
