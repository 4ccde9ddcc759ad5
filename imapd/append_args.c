/*
 * imapd/append_args.c - the arguments of APPEND and REPLACE in front of a message.
 *
 * Input:  command text. Untrusted.
 */
#include "imapd/append_args.h"

#include "imapd/seqset.h"

static bool
parse_data(struct parser *p, enum append_data *out)
{
    if (parser_word(p, "CATENATE")) {
        *out = APPEND_CATENATE;
        return parser_space(p) && parser_char(p, '(');
    }
    if (parser_word(p, "UTF8")) {
        *out = APPEND_UTF8;
        return parser_space(p) && parser_char(p, '(');
    }
    *out = parser_peek(p) == '~' ? APPEND_LITERAL8 : APPEND_LITERAL;
    return p->error == NULL;
}

bool
append_args_parse(struct parser *p, struct append_args *out)
{
    *out = (struct append_args){.has_date = false};
    if (!parser_space(p))
        return false;
    if (parser_peek(p) == '(' && (!flag_list_parse(p, &out->flags) || !parser_space(p)))
        return false;
    if (parser_peek(p) == '"') {
        out->has_date = true;
        if (!parser_date_time(p, &out->internal_ms) || !parser_space(p))
            return false;
    }
    return parse_data(p, &out->data);
}

bool
append_args_parse_part(struct parser *p, enum append_part *out)
{
    if (parser_word(p, "URL"))
        *out = APPEND_PART_URL;
    else if (parser_word(p, "TEXT"))
        *out = APPEND_PART_TEXT;
    else if (parser_word(p, "UTF8"))
        *out = APPEND_PART_UTF8;
    else
        return parser_fail(p, "TEXT or URL expected");
    return parser_space(p) && (*out != APPEND_PART_UTF8 || parser_char(p, '('));
}

bool
append_args_end_in_message(struct slice text, bool selected, bool utf8, struct arena *arena)
{
    struct parser p = parser_begin(text, arena);
    struct slice tag, mailbox;
    struct seqset set;

    p.utf8 = utf8;
    if (!parser_tag(&p, &tag) || !parser_space(&p))
        return false;
    if (selected && parser_word(&p, "UID") && !parser_space(&p))
        return false;
    if (selected && parser_word(&p, "REPLACE")) {
        if (!parser_space(&p) || !seqset_parse(&p, &set))
            return false;
    } else if (!parser_word(&p, "APPEND")) {
        return false;
    }
    return parser_space(&p) && parser_mailbox(&p, &mailbox) && parser_space(&p);
}
