/*
 * imapd/idle.c - IDLE: changes of the selected mailbox are told as they happen (RFC 2177).
 */
#include "imapd/command.h"
#include "imapd/input.h"
#include "imapd/metadata_news.h"
#include "imapd/updates.h"
#include "lib/base/clock.h"
#include "lib/log/log.h"

enum {
    DONE_MAX = 100,         /* bytes of the line that ends it */
    POLL_MS = 1000,         /* for annotations, and where the system can't watch the folder */
    RELEASE_AFTER_MS = 1000 /* memory goes back when nothing happened for so long */
};

/* Until the client says something. False: the connection is over. */
static bool
watch(struct session *s)
{
    int fd = s->mailbox == NULL ? -1 : mailbox_watch(s->mailbox);
    int64_t end = input_deadline(s);
    bool released = false;

    while (s->state != STATE_LOGOUT) {
        int64_t now = clock_mono_ms(), until = end;

        if ((s->mailbox != NULL && fd < 0) || s->metadata_news != NULL)
            until = now + POLL_MS;
        else if (!released)
            until = now + RELEASE_AFTER_MS;
        switch (stream_wait(s->stream, fd, until < end ? until : end)) {
        case 1:
            return true;
        case 2:
            updates_send(s, true, false);
            metadata_news_send(s);
            released = false;
            break;
        case 3:
            session_bye_ended(s);
            return false;
        case 0:
            if (now >= end) {
                session_bye(s, "Autologout; idle for too long");
                return false;
            }
            if (fd < 0)
                updates_send(s, true, false);
            metadata_news_send(s);
            if (!released)
                session_release_memory(s);
            released = true;
            break;
        default:
            return false;
        }
    }
    return false;
}

struct reply
idle_idle(struct session *s, struct parser *p, unsigned flags)
{
    struct strbuf line = strbuf_new(DONE_MAX);
    bool alive, done;

    (void)flags;
    if (!parser_end(p))
        return reply_bad(p->error);
    s->tag = arena_copy(&s->arena, s->tag); /* the command's text goes with the other memory */
    (void)stream_write(s->stream, SLICE("+ idling\r\n")); /* an error shows at the wait */
    updates_send(s, true, false);
    metadata_news_send(s);
    log_flush();
    alive = watch(s) && input_read_line(s, DONE_MAX, input_deadline(s), &line);
    done = slice_eq_nocase(strbuf_slice(&line), SLICE("DONE"));
    strbuf_free(&line);
    if (!alive)
        return (struct reply){.kind = REPLY_SENT};
    return done ? reply_ok("Idle completed") : reply_bad("DONE expected");
}
