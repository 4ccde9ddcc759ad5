/*
 * lib/mail/header_shown.c - a header section as those who get the message are to see it.
 */
#include "lib/mail/header_shown.h"

bool
header_shown_make(const struct header_shown *shown, struct slice header, struct strbuf *out)
{
    struct strbuf senders = strbuf_new(SENDER_REPLACE_MAX(header.len));
    bool changed = shown->senders != NULL && sender_replace(header, shown->senders, &senders);
    bool is_whole = !senders.overflow;

    if (changed)
        header = strbuf_slice(&senders);
    if (shown->groups.len > 0 && recipient_replace(header, shown->groups, out))
        changed = true;
    else if (changed)
        (void)strbuf_append(out, header);
    if (!is_whole)
        out->overflow = true;
    strbuf_free(&senders);
    return changed;
}
