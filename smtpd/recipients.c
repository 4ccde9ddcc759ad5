/*
 * smtpd/recipients.c - keeps RCPTs until accountd has been asked about them.
 */
#include "smtpd/recipients.h"

bool
recipients_are_full(const struct recipients *r)
{
    return r->count == RECIPIENTS_MAX;
}

void
recipients_add(struct recipients *r, const struct rcpt_args *args)
{
    struct slice text = arena_copy(&r->texts, args->recipient.text);

    r->list[r->count++] = (struct rcpt_args){
        .recipient = {.text = text,
                      .domain = slice_sub(text, text.len - args->recipient.domain.len, text.len),
                      .is_utf8 = args->recipient.is_utf8},
        .orcpt = arena_copy(&r->texts, args->orcpt),
        .notify = args->notify,
        .params = arena_copy(&r->texts, args->params),
    };
}

void
recipients_clear(struct recipients *r)
{
    r->count = 0;
    arena_free(&r->texts);
}
