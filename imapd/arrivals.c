/*
 * imapd/arrivals.c - FETCH responses of messages that came into the selected mailbox.
 */
#include "imapd/arrivals.h"

#include "imapd/fetch_send.h"
#include "imapd/notify.h"
#include "lib/base/mem.h"

struct arrivals
arrivals_begin(struct session *s, uint32_t first, uint32_t last)
{
    return (struct arrivals){s, first, last, NULL};
}

/* As FETCH does it: the client that asks for BODY[] without PEEK has read it. */
static bool
set_seen(struct session *s, uint32_t seq)
{
    bool was_seen = (mailbox_message(s->mailbox, seq)->flags & MESSAGE_SEEN) != 0;

    return (s->rights & RIGHT_SEEN) != 0 && !was_seen &&
           mailbox_store_flags(s->mailbox, &seq, 1, MAILBOX_FLAGS_ADD, MESSAGE_SEEN, 0, 0, NULL,
                               NULL) == 0;
}

void
arrivals_send(struct arrivals *a, uint32_t seq, const struct fetch_args *args)
{
    struct session *s = a->s;
    unsigned more = fetch_send_unasked(s);

    if (notify_is_own(s, mailbox_message(s->mailbox, seq)->uid))
        return;
    if (args->sets_seen && set_seen(s, seq))
        more |= FETCH_FLAGS;
    (void)fetch_send(s, args, seq, more); /* gone again: EXPUNGE will tell */
    if (a->sent == NULL)
        a->sent = xcalloc((size_t)a->last - a->first + 1, sizeof(*a->sent));
    a->sent[seq - a->first] = true;
}

void
arrivals_end(struct arrivals *a)
{
    const struct fetch_args *args = notify_fetch(a->s);

    for (uint32_t seq = a->first; seq <= a->last && args != NULL; seq++)
        if (a->sent == NULL || !a->sent[seq - a->first])
            arrivals_send(a, seq, args);
    xfree(&a->sent);
}
