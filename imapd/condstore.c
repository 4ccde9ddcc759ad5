/*
 * imapd/condstore.c - MODSEQs (RFC 7162): what every command has to do with them.
 */
#include "imapd/condstore.h"

#include "imapd/updates.h"

static unsigned long long
highest(const struct session *s)
{
    struct mailbox_info info;

    mailbox_get_info(s->mailbox, &info);
    return info.highest_modseq;
}

static void
send_highest(struct session *s, const char *text)
{
    (void)stream_printf(s->stream, "* OK [HIGHESTMODSEQ %llu] %s\r\n", highest(s), text);
}

void
condstore_enable(struct session *s)
{
    if ((s->enabled & ENABLED_CONDSTORE) != 0)
        return;
    s->enabled |= ENABLED_CONDSTORE;
    if (s->mailbox != NULL)
        send_highest(s, "Highest");
}

void
condstore_tell_held(struct session *s)
{
    bool held = mailbox_modseq_is_held(s->mailbox);

    if ((held || s->modseq_held) && (s->enabled & ENABLED_CONDSTORE) != 0)
        send_highest(s, held ? "Later changes are not told yet" : "Highest");
    s->modseq_held = held;
}

struct reply
condstore_reply_removed(struct session *s, const char *text)
{
    if ((s->enabled & ENABLED_CONDSTORE) == 0 || s->mailbox == NULL)
        return reply_ok(text);
    strbuf_clear(&s->code);
    (void)strbuf_printf(&s->code, "HIGHESTMODSEQ %llu", highest(s));
    return (struct reply){REPLY_OK, strbuf_cstr(&s->code), text};
}
