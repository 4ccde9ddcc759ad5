/*
 * imapd/search_return.c - what a SEARCH or SORT gives back.
 *
 * Input:  the client's options. An unknown one is an error, and so is what must not be combined.
 */
#include "imapd/search_return.h"

#include <stdlib.h>
#include <string.h>

#include "imapd/fetch_args.h"
#include "imapd/seqset.h"

static const struct {
    const char *word;
    enum search_return_option option;
} words[] = {
    {"MIN", SEARCH_RETURN_MIN},
    {"MAX", SEARCH_RETURN_MAX},
    {"ALL", SEARCH_RETURN_ALL},
    {"COUNT", SEARCH_RETURN_COUNT},
    {"SAVE", SEARCH_RETURN_SAVE},
    {"PARTIAL", SEARCH_RETURN_PARTIAL},
    {"UPDATE", SEARCH_RETURN_UPDATE},
    {"CONTEXT", SEARCH_RETURN_CONTEXT},
    {"RELEVANCY", SEARCH_RETURN_RELEVANCY},
};

/* ---- the options ---- */

/* ["(" fetch-att *(SP fetch-att) ")"] (RFC 5465 section 8; its example has a space there) */
static bool
parse_update_fetch(struct parser *p, struct search_return *out)
{
    struct parser ahead = *p;
    struct fetch_args items;

    (void)parser_optional(&ahead, ' ');
    if (parser_peek(&ahead) != '(')
        return true;
    *p = ahead;
    if (!fetch_args_parse_list(p, &items))
        return false;
    out->update_fetch = slice_sub(ahead.rest, 0, ahead.rest.len - p->rest.len);
    return true;
}

static bool
parse_option(struct parser *p, struct search_return *out)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (!parser_word(p, words[i].word))
            continue;
        if (words[i].option == SEARCH_RETURN_PARTIAL && (out->options & SEARCH_RETURN_PARTIAL))
            return parser_fail(p, "Only one PARTIAL is allowed");
        out->options |= words[i].option;
        if (words[i].option == SEARCH_RETURN_UPDATE)
            return parse_update_fetch(p, out);
        return words[i].option != SEARCH_RETURN_PARTIAL || partial_range_parse(p, &out->partial);
    }
    return parser_fail(p, "Unknown RETURN option");
}

bool
search_return_parse(struct parser *p, struct search_return *out)
{
    struct parser ahead = *p;

    *out = (struct search_return){.extended = false};
    if (!parser_optional(&ahead, ' ') || !parser_word(&ahead, "RETURN"))
        return true;
    *p = ahead;
    if (!parser_space(p) || !parser_char(p, '('))
        return false;
    if (parser_optional(p, ')')) {
        search_return_extend(out);
        return true;
    }
    do {
        if (!parse_option(p, out))
            return false;
    } while (parser_optional(p, ' '));
    out->extended = true;
    if ((out->options & SEARCH_RETURN_ALL) && (out->options & SEARCH_RETURN_PARTIAL))
        return parser_fail(p, "ALL and PARTIAL exclude each other"); /* RFC 9394 section 3.1 */
    return parser_char(p, ')');
}

void
search_return_extend(struct search_return *r)
{
    r->extended = true;
    r->options |= SEARCH_RETURN_ALL;
}

/* ---- the messages that the answer names ---- */

static bool
is_for_all(unsigned options)
{
    const unsigned some = SEARCH_RETURN_MIN | SEARCH_RETURN_MAX | SEARCH_RETURN_PARTIAL;

    return (options & (SEARCH_RETURN_ALL | SEARCH_RETURN_COUNT)) != 0 || (options & some) == 0;
}

const uint32_t *
search_return_chosen(const struct search_return *r, const struct search_found *found,
                     struct arena *arena, uint32_t *count)
{
    uint32_t *chosen, from = 0, to = 0;

    *count = found->count;
    if (found->count == 0 || is_for_all(r->options))
        return found->seqs;
    if (r->options & SEARCH_RETURN_PARTIAL)
        partial_range_apply(&r->partial, found->count, &from, &to);
    chosen = arena_alloc(arena, ((size_t)to - from + 2) * sizeof(*chosen));
    *count = 0;
    if ((r->options & SEARCH_RETURN_MIN) && (from > 0 || from == to))
        chosen[(*count)++] = found->seqs[0];
    for (uint32_t i = from; i < to; i++)
        chosen[(*count)++] = found->seqs[i];
    if ((r->options & SEARCH_RETURN_MAX) && (to < found->count || from == to) &&
        (*count == 0 || chosen[*count - 1] != found->seqs[found->count - 1]))
        chosen[(*count)++] = found->seqs[found->count - 1];
    return chosen;
}

static int
by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

void
search_return_save(struct session *s, const struct search_return *r,
                   const struct search_found *found)
{
    uint32_t count;
    const uint32_t *chosen;

    if (!(r->options & SEARCH_RETURN_SAVE))
        return;
    chosen = search_return_chosen(r, found, &s->arena, &count);
    if (!found->in_mailbox_order && count > 0) {
        uint32_t *sorted = arena_alloc(&s->arena, count * sizeof(*sorted));

        memcpy(sorted, chosen, count * sizeof(*sorted));
        qsort(sorted, count, sizeof(*sorted), by_number);
        chosen = sorted;
    }
    saved_result_set(&s->saved, found->mailbox, chosen, count);
}

/* ---- the response ---- */

static uint32_t
number_of(const struct search_found *found, bool is_uid, uint32_t place)
{
    uint32_t seq = found->seqs[place];

    return is_uid ? mailbox_message(found->mailbox, seq)->uid : seq;
}

/* The results [from, to) as a sequence set. */
static void
write_set(const struct search_found *found, bool is_uid, uint32_t from, uint32_t to,
          struct arena *arena, struct strbuf *out)
{
    uint32_t *uids;

    if (!is_uid) {
        seqset_write(found->seqs + from, to - from, out);
        return;
    }
    uids = arena_alloc(arena, ((size_t)to - from) * sizeof(*uids));
    for (uint32_t i = from; i < to; i++)
        uids[i - from] = number_of(found, true, i);
    seqset_write(uids, to - from, out);
}

static void
write_partial(const struct search_return *r, const struct search_found *found, bool is_uid,
              struct arena *arena, struct strbuf *out)
{
    uint32_t from, to;

    partial_range_apply(&r->partial, found->count, &from, &to);
    (void)strbuf_str(out, " PARTIAL (");
    partial_range_write(&r->partial, out);
    (void)strbuf_char(out, ' ');
    if (from < to)
        write_set(found, is_uid, from, to, arena, out);
    else
        (void)strbuf_str(out, "NIL");
    (void)strbuf_char(out, ')');
}

/* The scores of the results that ALL or PARTIAL names, in their order (RFC 6203 section 4). */
static void
write_scores(const struct search_return *r, const struct search_found *found,
             const unsigned char *scores, struct strbuf *out)
{
    uint32_t from = 0, to = found->count;

    if (r->options & SEARCH_RETURN_PARTIAL)
        partial_range_apply(&r->partial, found->count, &from, &to);
    (void)strbuf_str(out, " RELEVANCY (");
    for (uint32_t i = from; i < to; i++)
        (void)strbuf_printf(out, i == from ? "%u" : " %u", scores[i]);
    (void)strbuf_char(out, ')');
}

uint64_t
search_return_modseq(const struct search_return *r, const struct search_found *found,
                     struct arena *arena)
{
    uint32_t count;
    const uint32_t *chosen = search_return_chosen(r, found, arena, &count);
    uint64_t highest = 0;

    for (uint32_t i = 0; i < count; i++) {
        uint64_t modseq = mailbox_message(found->mailbox, chosen[i])->modseq;

        highest = modseq > highest ? modseq : highest;
    }
    return highest;
}

void
search_return_write(const struct search_return *r, const struct search_found *found,
                    const struct search_answer *answer, struct arena *arena, struct strbuf *out)
{
    bool any = found->count > 0;

    if (r->options == SEARCH_RETURN_SAVE)
        return;
    (void)strbuf_printf(out, "* ESEARCH (TAG \"%.*s\"%s)%s", (int)answer->tag.len, answer->tag.ptr,
                        answer->origin, answer->is_uid ? " UID" : "");
    if (any && (r->options & SEARCH_RETURN_MIN))
        (void)strbuf_printf(out, " MIN %u", number_of(found, answer->is_uid, 0));
    if (any && (r->options & SEARCH_RETURN_MAX))
        (void)strbuf_printf(out, " MAX %u", number_of(found, answer->is_uid, found->count - 1));
    if (any && (r->options & SEARCH_RETURN_ALL)) {
        (void)strbuf_str(out, " ALL ");
        write_set(found, answer->is_uid, 0, found->count, arena, out);
    }
    if (r->options & SEARCH_RETURN_PARTIAL)
        write_partial(r, found, answer->is_uid, arena, out);
    if (r->options & SEARCH_RETURN_COUNT)
        (void)strbuf_printf(out, " COUNT %u", found->count);
    if (answer->scores != NULL)
        write_scores(r, found, answer->scores, out);
    if (any && answer->with_modseq)
        (void)strbuf_printf(out, " MODSEQ %llu",
                            (unsigned long long)search_return_modseq(r, found, arena));
    (void)strbuf_str(out, "\r\n");
}
