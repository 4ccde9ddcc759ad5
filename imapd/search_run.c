/*
 * imapd/search_run.c - runs a SEARCH program over a mailbox.
 */
#include "imapd/search_run.h"

#include "imapd/fulltext.h"
#include "imapd/message_limit.h"
#include "imapd/progress.h"
#include "imapd/updates.h"
#include "lib/mail/charset.h"

enum { OUT_PART = 4096 /* bytes of numbers collected before they go to the stream */ };

/* How many matches the answer needs, and from which end. */
struct need {
    bool from_end;
    uint32_t limit;
};

static struct need
what_is_needed(const struct search_return *r)
{
    unsigned telling =
        r == NULL ? 0 : r->options & ~(unsigned)(SEARCH_RETURN_SAVE | SEARCH_RETURN_CONTEXT);
    struct need need = {false, UINT32_MAX};

    if (telling == SEARCH_RETURN_MIN || telling == SEARCH_RETURN_MAX) {
        need.from_end = telling == SEARCH_RETURN_MAX;
        need.limit = 1;
    } else if (telling == SEARCH_RETURN_PARTIAL) {
        need.from_end = r->partial.from_end;
        need.limit = r->partial.first > r->partial.last ? r->partial.first : r->partial.last;
    }
    return need;
}

/* Is the message one of those that the program names by number or UID at all? */
static bool
is_named(const struct search_key *root, struct mailbox *mb, uint32_t seq)
{
    for (const struct search_key *key = root->children; key != NULL; key = key->next)
        if ((key->op == SEARCH_SEQ || key->op == SEARCH_UID) &&
            !search_eval_match(key, mb, seq, NULL))
            return false;
    return true;
}

/* The lowest message to be looked at: the last one that the limit allows, from the highest down
 * (RFC 9738 section 3.1). 1: the limit makes no difference. */
static uint32_t
lowest_to_search(const struct search_key *root, struct mailbox *mb, uint32_t limit)
{
    uint32_t lowest = 1, count = 0;

    for (uint32_t seq = mailbox_count(mb); seq > 0; seq--) {
        if (!is_named(root, mb, seq))
            continue;
        if (count++ == limit)
            return lowest;
        lowest = seq;
    }
    return 1;
}

int
search_run(struct session *s, struct mailbox *mb, struct search_key *root,
           const struct search_return *r, struct arena *arena, struct search_found *out)
{
    struct need need = what_is_needed(r);
    const struct saved_result none = {NULL, 0}; /* "$" is of the selected mailbox */
    struct fulltext index;
    uint32_t total = mailbox_count(mb), count = 0, below, span;
    uint32_t *seqs = arena_alloc(arena, (size_t)total * sizeof(*seqs));
    struct progress progress;

    search_eval_prepare(root, mb, mb == s->mailbox ? &s->saved : &none, arena);
    below = total <= message_limit(s) ? 0 : lowest_to_search(root, mb, message_limit(s)) - 1;
    span = total - below;
    progress = progress_begin(s, span);
    if (s->server->settings.fulltext)
        fulltext_begin(&index, mb, root, &s->message, s->store_options.read_only);
    for (uint32_t i = 1; i <= span && count < need.limit; i++) {
        uint32_t seq = need.from_end ? total + 1 - i : below + i;

        progress_step(&progress, i);
        if (!search_eval_match(root, mb, seq, &s->message))
            continue;
        /* from the end the array fills from its end, so that it ascends */
        seqs[need.from_end ? total - 1 - count : count] = seq;
        count++;
    }
    if (s->server->settings.fulltext)
        fulltext_end(&index);
    *out = (struct search_found){.mailbox = mb,
                                 .seqs = need.from_end ? seqs + (total - count) : seqs,
                                 .count = count,
                                 .in_mailbox_order = true};
    if (below > 0 && !(need.from_end && count == need.limit)) /* else no more was wanted */
        out->lowest_uid = mailbox_message(mb, below + 1)->uid;
    return mailbox_check_place(mb);
}

const unsigned char *
search_run_scores(struct session *s, const struct search_key *root, const struct search_return *r,
                  const struct search_found *found, struct arena *arena)
{
    unsigned char *scores;

    if (!(r->options & SEARCH_RETURN_RELEVANCY))
        return NULL;
    scores = arena_alloc(arena, found->count);
    for (uint32_t i = 0; i < found->count; i++)
        scores[i] =
            (unsigned char)search_eval_score(root, found->mailbox, found->seqs[i], &s->message);
    return scores;
}

/* RFC 3501 section 7.1: a charset that we don't know. */
static struct reply
reply_bad_charset(struct session *s, enum reply_kind kind)
{
    (void)strbuf_str(&s->code, "BADCHARSET (");
    for (size_t i = 0; charset_names[i] != NULL; i++)
        (void)strbuf_printf(&s->code, i == 0 ? "%s" : " %s", charset_names[i]);
    (void)strbuf_char(&s->code, ')');
    return (struct reply){kind, strbuf_cstr(&s->code), "Unknown charset"};
}

struct reply
search_run_refuse(struct session *s, const struct parser *p, const struct search_args *args,
                  const struct search_return *r)
{
    if (args->filter_charset) /* RFC 5466 section 3.1 */
        return reply_bad_charset(s, REPLY_BAD);
    if (!args->bad_charset && args->undefined_filter.ptr == NULL)
        return reply_bad(p->error);
    if (r != NULL && (r->options & SEARCH_RETURN_SAVE))
        saved_result_clear(&s->saved);
    if (args->bad_charset)
        return reply_bad_charset(s, REPLY_NO);
    (void)strbuf_printf(&s->code, "UNDEFINED-FILTER %.*s", (int)args->undefined_filter.len,
                        args->undefined_filter.ptr);
    return (struct reply){REPLY_NO, strbuf_cstr(&s->code), "No such filter"};
}

void
search_run_send_plain(struct session *s, const char *word, const struct search_found *found,
                      bool is_uid, bool with_modseq)
{
    const struct search_return all = {.options = 0};

    (void)strbuf_printf(&s->out, "* %s", word);
    for (uint32_t i = 0; i < found->count; i++) {
        uint32_t seq = found->seqs[i];

        (void)strbuf_char(&s->out, ' ');
        (void)strbuf_u64(&s->out, is_uid ? mailbox_message(found->mailbox, seq)->uid : seq);
        if (s->out.len >= OUT_PART)
            updates_put_out(s);
    }
    if (with_modseq && found->count > 0) /* RFC 7162 section 3.1.6 */
        (void)strbuf_printf(&s->out, " (MODSEQ %llu)",
                            (unsigned long long)search_return_modseq(&all, found, &s->arena));
    (void)strbuf_str(&s->out, "\r\n");
    updates_put_out(s);
}
