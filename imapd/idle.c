/*
 * imapd/idle.c - IDLE: changes of the selected mailbox are told as they happen (RFC 2177).
 */
#include "imapd/command.h"
#include "imapd/input.h"
#include "imapd/wait.h"

enum { DONE_MAX = 100 /* bytes of the line that ends it */ };

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
    alive = wait_for_client(s, input_deadline(s), true) &&
            input_read_line(s, DONE_MAX, input_deadline(s), &line);
    done = slice_eq_nocase(strbuf_slice(&line), SLICE("DONE"));
    strbuf_free(&line);
    if (!alive)
        return (struct reply){.kind = REPLY_SENT};
    return done ? reply_ok("Idle completed") : reply_bad("DONE expected");
}
