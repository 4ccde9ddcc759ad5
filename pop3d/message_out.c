/*
 * pop3d/message_out.c - dot-stuffing in as few writes as there are dots. Untrusted input: the
 * message may hold anything.
 */
#include "pop3d/message_out.h"

#include <string.h>

struct message_out
message_out_begin(void (*write)(void *arg, struct slice bytes), void *arg, uint64_t body_lines)
{
    return (struct message_out){
        .write = write, .arg = arg, .lines_left = body_lines, .line_is_empty = true};
}

static void
put(struct message_out *m, const char *from, const char *to)
{
    if (to > from)
        m->write(m->arg, slice_make(from, (size_t)(to - from)));
}

/* A line has ended: which part of the message the next one belongs to. */
static void
count_line(struct message_out *m)
{
    if (m->in_body)
        m->lines_left -= m->lines_left != MESSAGE_OUT_ALL;
    else
        m->in_body = m->line_is_empty;
    m->in_line = false;
    m->after_cr = false;
    m->line_is_empty = true;
}

static bool
is_enough(const struct message_out *m)
{
    return !m->in_line && m->in_body && m->lines_left == 0;
}

/* Notes the bytes [from, to) of a line that does not end in this part. */
static void
note_unfinished(struct message_out *m, const char *from, const char *to)
{
    if (from == to)
        return;
    m->line_is_empty = m->line_is_empty && !m->after_cr && to - from == 1 && *from == '\r';
    m->in_line = true;
    m->after_cr = to[-1] == '\r';
}

bool
message_out_feed(struct message_out *m, struct slice part)
{
    const char *at = part.ptr, *end = part.ptr + part.len, *unwritten = at;

    while (at < end && !is_enough(m)) {
        const char *lf = memchr(at, '\n', (size_t)(end - at));
        bool has_cr;

        if (!m->in_line && *at == '.') {
            put(m, unwritten, at);
            m->write(m->arg, SLICE("."));
            unwritten = at;
        }
        if (lf == NULL) {
            note_unfinished(m, at, end);
            at = end;
            break;
        }
        has_cr = lf > at ? lf[-1] == '\r' : m->after_cr;
        m->line_is_empty = m->line_is_empty && lf - at <= (has_cr && !m->after_cr ? 1 : 0);
        if (!has_cr) {
            put(m, unwritten, lf);
            m->write(m->arg, SLICE("\r\n"));
            unwritten = lf + 1;
        }
        at = lf + 1;
        count_line(m);
    }
    put(m, unwritten, at);
    return !is_enough(m);
}

void
message_out_end(struct message_out *m)
{
    if (m->in_line)
        m->write(m->arg, m->after_cr ? SLICE("\n") : SLICE("\r\n"));
    m->write(m->arg, SLICE(".\r\n"));
}
