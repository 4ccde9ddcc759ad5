/*
 * imapd/append_text.c - the text of an APPEND or REPLACE command around its messages.
 *
 * Input:  bytes from the network. Untrusted. All lines together are bounded by command_max, the
 *         literals by who takes them.
 */
#include "imapd/append_text.h"

#include "imapd/input.h"

static void
look_for_literal(struct append_text *t)
{
    t->literal_ahead = parser_literal_at_end(t->p->rest, &t->literal);
}

struct append_text
append_text_begin(struct session *s, struct parser *p)
{
    struct append_text t = {.s = s, .p = p, .taken = s->command.len};

    look_for_literal(&t);
    return t;
}

bool
append_text_announced(struct append_text *t, bool is_8)
{
    if (is_8 && !parser_char(t->p, '~'))
        return false;
    if (t->p->error != NULL || !t->literal_ahead || t->literal.len != t->p->rest.len)
        return parser_fail(t->p, "Literal expected");
    t->p->rest = SLICE("");
    return !append_text_is_overlong(t) || parser_fail(t->p, "Literal is too large here");
}

bool
append_text_is_overlong(const struct append_text *t)
{
    return t->literal_ahead && !input_literal_is_allowed(t->s, &t->literal);
}

bool
append_text_receive(struct append_text *t, bool (*take)(void *arg, struct slice piece), void *arg)
{
    t->literal_ahead = false;
    if (!t->literal.non_sync)
        input_go_ahead(t->s);
    t->line_ahead = input_stream(t->s, t->literal.size, take, arg);
    return t->line_ahead;
}

bool
append_text_next_line(struct append_text *t)
{
    struct session *s = t->s;
    size_t max = s->server->settings.command_max;
    struct strbuf line;
    bool alive;

    if (!t->line_ahead)
        return true;
    max = t->taken < max ? max - t->taken : 2; /* an end of the line always fits */
    line = strbuf_new(max);
    alive = input_read_line(s, max, input_deadline(s), &line);
    t->line_ahead = false;
    t->taken += line.len;
    t->p->rest = arena_copy(&s->arena, strbuf_slice(&line));
    strbuf_free(&line);
    look_for_literal(t);
    return alive;
}

bool
append_text_abandon(struct append_text *t)
{
    bool ignored;

    if (t->literal_ahead && !t->literal.non_sync)
        return true; /* the client waits for a go-ahead that it does not get */
    if (t->literal_ahead && !input_swallow(t->s, t->literal.size))
        return false;
    if (t->literal_ahead || t->line_ahead)
        return input_finish_command(t->s, &ignored);
    return true;
}
