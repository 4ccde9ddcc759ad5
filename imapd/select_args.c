/*
 * imapd/select_args.c - the arguments of SELECT and EXAMINE.
 *
 * Input:  command text. Untrusted; its length bounds the sets.
 */
#include "imapd/select_args.h"

/* A set without '*', with its ranges in the order of their numbers if `ascending`. */
static bool
parse_known(struct parser *p, bool ascending, struct seqset *out)
{
    if (!seqset_parse(p, out))
        return false;
    if (out->has_saved)
        return parser_fail(p, "No '$' is allowed here");
    for (size_t i = 0; i < out->count; i++) {
        const struct seqrange *r = &out->ranges[i];

        if (r->first == 0 || r->last == 0)
            return parser_fail(p, "No '*' is allowed here");
        if (ascending && (r->first > r->last || (i > 0 && r->first <= out->ranges[i - 1].last)))
            return parser_fail(p, "Set is not ascending");
    }
    return true;
}

static uint64_t
count_numbers(const struct seqset *set)
{
    uint64_t count = 0;

    for (size_t i = 0; i < set->count; i++)
        count += (uint64_t)set->ranges[i].last - set->ranges[i].first + 1;
    return count;
}

/* seq-match-data behind its "(". */
static bool
parse_match(struct parser *p, struct select_args *out)
{
    if (!parser_numbers(p) || !parse_known(p, true, &out->match_seqs) || !parser_space(p) ||
        !parse_known(p, true, &out->match_uids) || !parser_char(p, ')'))
        return false;
    return count_numbers(&out->match_seqs) == count_numbers(&out->match_uids) ||
           parser_fail(p, "Numbers and UIDs do not correspond");
}

/* uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] (RFC 7162 section 7) */
static bool
parse_qresync(struct parser *p, struct select_args *out)
{
    out->qresync = true;
    if (!parser_space(p) || !parser_char(p, '(') || !parser_nz_number(p, &out->uidvalidity) ||
        !parser_space(p) || !parser_number64(p, &out->modseq))
        return false;
    if (out->modseq == 0)
        return parser_fail(p, "Modification sequence above 0 expected");
    if (parser_optional(p, ')'))
        return true;
    if (!parser_space(p))
        return false;
    if (parser_peek(p) != '(') {
        out->has_known = true;
        if (!parse_known(p, false, &out->known))
            return false;
        if (parser_optional(p, ')'))
            return true;
        if (!parser_space(p))
            return false;
    }
    return parser_char(p, '(') && parse_match(p, out) && parser_char(p, ')');
}

static bool
parse_param(struct parser *p, struct select_args *out)
{
    if (!out->condstore && parser_word(p, "CONDSTORE")) {
        out->condstore = true;
        return true;
    }
    if (!out->qresync && parser_word(p, "QRESYNC"))
        return parse_qresync(p, out);
    return parser_fail(p, "Unknown parameter");
}

/* The mailbox, and how INBOX is spelled: the last five bytes of an atom, a string or a literal. */
static bool
parse_mailbox(struct parser *p, struct select_args *out)
{
    const struct slice inbox = SLICE("INBOX");
    struct slice text = p->rest;

    if (!parser_mailbox(p, &out->mailbox))
        return false;
    text.len -= p->rest.len;
    if (!slice_eq(out->mailbox, inbox))
        return true;
    if (slice_ends(text, SLICE("\"")))
        text.len--;
    if (!slice_ends(text, inbox) && text.len >= inbox.len)
        out->written = slice_sub(text, text.len - inbox.len, text.len);
    return true;
}

bool
select_args_parse(struct parser *p, struct select_args *out)
{
    *out = (struct select_args){.condstore = false};
    if (!parser_space(p) || !parse_mailbox(p, out))
        return false;
    if (parser_optional(p, ' ')) {
        if (!parser_char(p, '('))
            return false;
        do {
            if (!parse_param(p, out))
                return false;
        } while (parser_optional(p, ' '));
        if (!parser_char(p, ')'))
            return false;
    }
    return parser_end(p);
}
