/*
 * imapd/append_args.c - the arguments of APPEND in front of its message.
 *
 * Input:  command text. Untrusted.
 */
#include "imapd/append_args.h"

static bool
parse_announcement(struct parser *p, struct parser_literal *out)
{
    if (p->error == NULL && parser_literal_at_end(p->rest, out) && out->len == p->rest.len)
        return true;
    return parser_fail(p, "Literal expected");
}

bool
append_args_parse(struct parser *p, struct append_args *out)
{
    *out = (struct append_args){.has_date = false};
    if (!parser_space(p) || !parser_mailbox(p, &out->mailbox) || !parser_space(p))
        return false;
    if (parser_peek(p) == '(' && (!flag_list_parse(p, &out->flags) || !parser_space(p)))
        return false;
    if (parser_peek(p) == '"') {
        out->has_date = true;
        if (!parser_date_time(p, &out->internal_ms) || !parser_space(p))
            return false;
    }
    return parse_announcement(p, &out->message);
}

bool
append_args_end_in_message(struct slice text, bool utf8, struct arena *arena)
{
    struct parser p = parser_begin(text, arena);
    struct append_args args;
    struct slice tag;

    p.utf8 = utf8;
    return parser_tag(&p, &tag) && parser_space(&p) && parser_word(&p, "APPEND") &&
           append_args_parse(&p, &args);
}
