/*
 * imapd/message_limit.c - how many messages one command may be about.
 */
#include "imapd/message_limit.h"

uint32_t
message_limit(const struct session *s)
{
    uint32_t limit = s->server->settings.message_limit;

    return limit == 0 ? UINT32_MAX : limit;
}

uint32_t
message_limit_save(const struct session *s)
{
    uint32_t limit = s->server->settings.save_limit;

    return limit == 0 || limit > message_limit(s) ? message_limit(s) : limit;
}

uint32_t
message_limit_cut(const struct session *s, struct selection *sel)
{
    uint32_t limit = message_limit(s);

    if (sel->count <= limit)
        return 0;
    sel->seqs += sel->count - limit;
    sel->count = limit;
    return mailbox_message(s->mailbox, sel->seqs[0])->uid;
}

uint32_t
message_limit_place(const struct selection *sel, uint32_t lowest_uid, uint32_t i)
{
    return lowest_uid == 0 ? i : sel->count - 1 - i;
}

/* SAVELIMIT says nothing new where it is not the lower one. */
void
message_limit_capability(const struct session *s, struct strbuf *out)
{
    if (s->server->settings.message_limit != 0)
        (void)strbuf_printf(out, " MESSAGELIMIT=%u", message_limit(s));
    if (message_limit_save(s) < message_limit(s))
        (void)strbuf_printf(out, " SAVELIMIT=%u", message_limit_save(s));
}

static const char *
make_code(struct session *s, uint32_t limit, uint32_t uid)
{
    strbuf_clear(&s->code);
    (void)strbuf_printf(&s->code, "MESSAGELIMIT %u", limit);
    if (uid != 0)
        (void)strbuf_printf(&s->code, " %u", uid);
    return strbuf_cstr(&s->code);
}

struct reply
message_limit_reply(struct session *s, uint32_t lowest_uid, struct reply reply)
{
    if (lowest_uid == 0)
        return reply;
    if (reply.code == NULL) {
        reply.code = make_code(s, message_limit(s), lowest_uid);
        return reply;
    }
    (void)stream_printf(s->stream, "* NO [MESSAGELIMIT %u %u] Done for these messages alone\r\n",
                        message_limit(s), lowest_uid); /* an error sticks */
    return reply;
}

struct reply
message_limit_reply_unknown(struct session *s, const char *text)
{
    return (struct reply){REPLY_OK, make_code(s, message_limit(s), 0), text};
}

struct reply
message_limit_refuse(struct session *s, uint32_t limit, uint32_t uid)
{
    return reply_no(make_code(s, limit, uid), "Too many messages, try a smaller set");
}
