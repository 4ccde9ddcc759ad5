/*
 * imapd/search_context.c - searches whose results are kept up to date for the client.
 *
 * A context holds the text of its criteria and the UIDs of its results. Messages are evaluated
 * again when their MODSEQ has grown, or all of them where time or '*' decide. What is sent is the
 * difference between two lists: SORT compares nothing that changes, so what stays keeps its order.
 */
#include "imapd/search_context.h"

#include <stdlib.h>
#include <string.h>

#include "imapd/command.h"
#include "imapd/filters.h"
#include "imapd/notify.h"
#include "imapd/search_args.h"
#include "imapd/search_eval.h"
#include "imapd/updates.h"
#include "lib/base/mem.h"

struct uid_list {
    uint32_t *uids;
    uint32_t count;
};

struct search_context {
    struct search_context *next;
    struct arena arena; /* tag, text and tree */
    struct slice tag;
    struct search_key *root;
    bool is_uid, is_sorted, is_dynamic;
    struct sort_order order;
    uint64_t modseq;         /* up to here the results are right */
    struct uid_list members; /* ascending */
    struct uid_list results; /* is_sorted: in the requested order */
    struct fetch_args fetch; /* what to send of new results that have just come */
    bool has_fetch;
    struct { /* while an update is told */
        struct uid_list gone, come, old_results;
    } change;
};

/* ---- lists of UIDs ---- */

static struct uid_list
list_new(uint32_t count)
{
    return (struct uid_list){xcalloc((size_t)count + 1, sizeof(uint32_t)), 0};
}

static void
list_free(struct uid_list *list)
{
    xfree(&list->uids);
    list->count = 0;
}

static int
by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static bool
list_has(const struct uid_list *ascending, uint32_t uid)
{
    return bsearch(&uid, ascending->uids, ascending->count, sizeof(uid), by_number) != NULL;
}

/* What is in `a` and not in `b`, both ascending. */
static struct uid_list
list_minus(const struct uid_list *a, const struct uid_list *b)
{
    struct uid_list rest = list_new(a->count);
    uint32_t j = 0;

    for (uint32_t i = 0; i < a->count; i++) {
        while (j < b->count && b->uids[j] < a->uids[i])
            j++;
        if (j == b->count || b->uids[j] != a->uids[i])
            rest.uids[rest.count++] = a->uids[i];
    }
    return rest;
}

static struct uid_list
list_of(const struct search_found *found)
{
    struct uid_list list = list_new(found->count);

    for (uint32_t i = 0; i < found->count; i++)
        list.uids[i] = mailbox_message(found->mailbox, found->seqs[i])->uid;
    list.count = found->count;
    return list;
}

/* ---- contexts ---- */

bool
search_context_has_tag(const struct session *s, struct slice tag)
{
    for (const struct search_context *c = s->contexts; c != NULL; c = c->next)
        if (slice_eq(c->tag, tag))
            return true;
    return false;
}

static void
drop(struct search_context **link)
{
    struct search_context *c = *link;

    *link = c->next;
    list_free(&c->members);
    list_free(&c->results);
    arena_free(&c->arena);
    free(c);
}

void
search_context_drop_all(struct session *s)
{
    while (s->contexts != NULL)
        drop(&s->contexts);
}

/* Message numbers and "$" mean the messages of now (RFC 5267 section 4.3): they become UIDs. True:
 * time or '*' may change what matches. */
static bool
freeze(struct search_key *key, const struct mailbox *mb, struct arena *arena)
{
    bool dynamic = key->op == SEARCH_OLDER || key->op == SEARCH_YOUNGER;
    uint32_t count = mailbox_count(mb);

    if (key->op == SEARCH_SEQ) {
        struct saved_result now = {arena_alloc(arena, key->now.count * sizeof(*now.ranges)), 0};

        for (size_t i = 0; i < key->now.count; i++) {
            struct seqrange r = key->now.ranges[i];

            if (r.first > count)
                continue;
            r.last = r.last < count ? r.last : count;
            now.ranges[now.count++] = (struct seqrange){mailbox_message(mb, r.first)->uid,
                                                        mailbox_message(mb, r.last)->uid};
        }
        key->op = SEARCH_UID;
        key->set = (struct seqset){now.ranges, now.count, false};
    } else if (key->op == SEARCH_UID && key->set.has_saved) {
        key->set = key->now;
        key->set.has_saved = false;
        key->side = SEARCH_SET_ITSELF;
    } else if (key->op == SEARCH_UID) {
        for (size_t i = 0; i < key->set.count; i++)
            dynamic |= key->set.ranges[i].first == 0 || key->set.ranges[i].last == 0;
    }
    for (struct search_key *child = key->children; child != NULL; child = child->next)
        dynamic |= freeze(child, mb, arena);
    return dynamic;
}

static uint64_t
highest_modseq(const struct session *s)
{
    struct mailbox_info info;

    mailbox_get_info(s->mailbox, &info);
    return info.highest_modseq;
}

/* The criteria once more: those of the command are gone with it. False: another session has just
 * removed a filter that they need. */
static bool
parse_again(struct session *s, struct search_context *c, const struct search_context_spec *spec)
{
    struct parser p = parser_begin(arena_copy(&c->arena, spec->criteria), &c->arena);
    const struct filter_source filters = filters_of(s);
    struct search_args args;

    p.utf8 = session_takes_utf8(s);
    if (spec->fetch.len > 0) {
        struct parser items = parser_begin(arena_copy(&c->arena, spec->fetch), &c->arena);

        c->has_fetch = fetch_args_parse_list(&items, &c->fetch);
    }
    p.filters = &filters;
    if (spec->order == NULL ? !search_args_parse(&p, &args)
                            : !search_args_parse_criteria(&p, &args))
        return false;
    c->root = args.root;
    search_eval_prepare(c->root, s->mailbox, &s->saved, &c->arena);
    c->is_dynamic = freeze(c->root, s->mailbox, &c->arena);
    return true;
}

static void
fill(struct search_context *c, const struct search_found *found)
{
    c->members = list_of(found);
    if (!c->is_sorted)
        return;
    c->results = list_of(found);
    qsort(c->members.uids, c->members.count, sizeof(*c->members.uids), by_number);
}

static void
refuse(struct session *s, const char *why)
{
    (void)stream_printf(s->stream, "* NO [NOUPDATE \"%.*s\"] %s\r\n", (int)s->tag.len, s->tag.ptr,
                        why); /* sticks */
}

void
search_context_add(struct session *s, const struct search_context_spec *spec,
                   const struct search_found *found)
{
    struct search_context *c, **link = &s->contexts;
    unsigned count = 0;

    for (; *link != NULL; link = &(*link)->next)
        count++;
    if (count >= SEARCH_CONTEXTS_MAX || found->lowest_uid != 0) {
        refuse(s, "Too many contexts or messages");
        return;
    }
    c = xcalloc(1, sizeof(*c));
    *link = c;
    c->tag = arena_copy(&c->arena, s->tag);
    c->is_uid = spec->is_uid;
    c->is_sorted = spec->order != NULL;
    if (c->is_sorted)
        c->order = *spec->order;
    c->modseq = highest_modseq(s);
    if (!parse_again(s, c, spec)) {
        drop(link);
        refuse(s, "A filter is no more");
        return;
    }
    fill(c, found);
}

/* ---- ADDTO and REMOVEFROM ---- */

static void
begin_response(const struct search_context *c, struct strbuf *out)
{
    (void)strbuf_printf(out, "* ESEARCH (TAG \"%.*s\")%s", (int)c->tag.len, c->tag.ptr,
                        c->is_uid ? " UID" : "");
}

/* " REMOVEFROM (0 2,5:7)" of numbers in mailbox order. */
static void
put_unsorted(const char *word, const uint32_t *numbers, uint32_t count, struct strbuf *out)
{
    (void)strbuf_printf(out, " %s (0 ", word);
    seqset_write(numbers, count, out);
    (void)strbuf_char(out, ')');
}

/* The number of a result for the client; the message is in the view. */
static uint32_t
number_now(const struct session *s, const struct search_context *c, uint32_t uid)
{
    return c->is_uid ? uid : mailbox_seq_of_uid(s->mailbox, uid);
}

/* Pairs of a place and a number, for those of `list` (in the requested order) that are in
 * `chosen` (ascending). `shrinks`: each removal moves the places behind it. */
static void
put_places(const char *word, const struct uid_list *list, const struct uid_list *chosen,
           bool shrinks, uint32_t (*number)(void *arg, uint32_t uid), void *arg, struct strbuf *out)
{
    const char *separator = " (";
    uint32_t gone = 0;

    (void)strbuf_printf(out, " %s", word);
    for (uint32_t i = 0; i < list->count; i++) {
        if (!list_has(chosen, list->uids[i]))
            continue;
        (void)strbuf_printf(out, "%s%u %u", separator, i + 1 - gone, number(arg, list->uids[i]));
        separator = " ";
        gone += shrinks ? 1 : 0;
    }
    (void)strbuf_char(out, ')');
}

struct numbering {
    const struct session *s;
    const struct search_context *c;
    const struct mailbox_changes *changes; /* NULL: as the view is now */
};

/* The number that an expunged message had: the list ascends, each entry as EXPUNGE tells it. */
static uint32_t
number_of(void *arg, uint32_t uid)
{
    const struct numbering *n = arg;

    if (n->changes == NULL || n->c->is_uid)
        return number_now(n->s, n->c, uid);
    for (uint32_t i = 0; i < n->changes->expunged_count; i++)
        if (n->changes->expunged_uids[i] == uid)
            return n->changes->expunged[i] + i;
    return 0;
}

/* Sends one list of changes. `list`: the results in order, before a removal or after an addition.
 */
static void
send_list(struct session *s, const struct search_context *c, const char *word,
          const struct uid_list *list, const struct uid_list *chosen, bool shrinks,
          const struct mailbox_changes *changes)
{
    struct numbering numbering = {s, c, changes};
    uint32_t *numbers;

    if (chosen->count == 0)
        return;
    begin_response(c, &s->out);
    if (c->is_sorted) {
        put_places(word, list, chosen, shrinks, number_of, &numbering, &s->out);
    } else {
        numbers = xcalloc(chosen->count, sizeof(*numbers));
        for (uint32_t i = 0; i < chosen->count; i++)
            numbers[i] = number_of(&numbering, chosen->uids[i]);
        put_unsorted(word, numbers, chosen->count, &s->out);
        xfree(&numbers);
    }
    (void)strbuf_str(&s->out, "\r\n");
    updates_put_out(s);
}

/* ---- what changed ---- */

/* Takes `gone` (ascending) out of *list, whatever its order. */
static void
take_out(struct uid_list *list, const struct uid_list *gone)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < list->count; i++)
        if (!list_has(gone, list->uids[i]))
            list->uids[kept++] = list->uids[i];
    list->count = kept;
}

void
search_context_send_expunged(struct session *s, const struct mailbox_changes *changes)
{
    const struct uid_list expunged = {changes->expunged_uids, changes->expunged_count};

    if (changes->expunged_count == 0)
        return;
    for (struct search_context *c = s->contexts; c != NULL; c = c->next) {
        struct uid_list stay = list_minus(&c->members, &expunged);
        struct uid_list gone = list_minus(&c->members, &stay);

        send_list(s, c, "REMOVEFROM", &c->results, &gone, true, changes);
        take_out(&c->results, &gone);
        list_free(&gone);
        list_free(&c->members);
        c->members = stay;
    }
}

/* The messages that match now, as numbers of the view. */
static struct uid_list
evaluate(struct session *s, struct search_context *c)
{
    uint32_t count = mailbox_count(s->mailbox);
    struct uid_list seqs = list_new(count);

    search_eval_prepare(c->root, s->mailbox, &s->saved, &c->arena);
    for (uint32_t seq = 1; seq <= count; seq++) {
        const struct message *m = mailbox_message(s->mailbox, seq);
        bool matches = c->is_dynamic || m->modseq > c->modseq
                           ? search_eval_match(c->root, s->mailbox, seq, &s->message)
                           : list_has(&c->members, m->uid);

        if (matches)
            seqs.uids[seqs.count++] = seq;
    }
    return seqs;
}

static void
update(struct session *s, struct search_context *c)
{
    struct uid_list seqs = evaluate(s, c), before = c->members;
    struct search_found found = {
        .mailbox = s->mailbox, .seqs = seqs.uids, .count = seqs.count, .in_mailbox_order = true};
    struct arena arena = {NULL}; /* IDLE is one long command */

    c->members = list_of(&found);
    c->change.gone = list_minus(&before, &c->members);
    c->change.come = list_minus(&c->members, &before);
    if (c->is_sorted) {
        c->change.old_results = c->results;
        sort_order_apply(&c->order, c->root, &s->message, &arena, &found);
        c->results = list_of(&found);
    }
    arena_free(&arena);
    list_free(&seqs);
    list_free(&before);
}

static void
tell_update(struct session *s, struct search_context *c)
{
    send_list(s, c, "REMOVEFROM", &c->change.old_results, &c->change.gone, true, NULL);
    send_list(s, c, "ADDTO", &c->results, &c->change.come, false, NULL);
    list_free(&c->change.gone);
    list_free(&c->change.come);
    list_free(&c->change.old_results);
}

/* One FETCH response for all that contexts and NOTIFY want of a message. It goes ahead of ADDTO
 * (RFC 5465 section 7); what NOTIFY alone wants follows that (section 5.2). */
static void
send_fetch(struct session *s, struct arrivals *come, uint32_t seq)
{
    uint32_t uid = mailbox_message(s->mailbox, seq)->uid;
    struct fetch_args all = {.items = 0};
    struct arena arena = {NULL};
    bool any = false;

    for (const struct search_context *c = s->contexts; c != NULL; c = c->next) {
        if (!c->has_fetch || !list_has(&c->change.come, uid))
            continue;
        fetch_args_add(&all, &c->fetch, &arena);
        any = true;
    }
    if (any && notify_fetch(s) != NULL)
        fetch_args_add(&all, notify_fetch(s), &arena);
    if (any)
        arrivals_send(come, seq, &all);
    arena_free(&arena);
}

void
search_context_send_changes(struct session *s, struct arrivals *come)
{
    uint64_t highest = s->contexts == NULL ? 0 : highest_modseq(s);

    for (struct search_context *c = s->contexts; c != NULL; c = c->next) {
        if (highest > c->modseq || c->is_dynamic)
            update(s, c);
        c->modseq = highest;
    }
    for (uint32_t seq = come->first; seq <= come->last && s->contexts != NULL; seq++)
        send_fetch(s, come, seq);
    for (struct search_context *c = s->contexts; c != NULL; c = c->next)
        tell_update(s, c);
}

/* ---- the command ---- */

struct reply
search_context_cancelupdate(struct session *s, struct parser *p, unsigned flags)
{
    struct slice tags[SEARCH_CONTEXTS_MAX];
    unsigned count = 0;

    (void)flags;
    do {
        if (!parser_space(p) || !parser_string(p, &tags[count]))
            return reply_bad(p->error);
        if (!search_context_has_tag(s, tags[count]))
            return reply_bad("No updates for such a tag");
    } while (++count < SEARCH_CONTEXTS_MAX && parser_peek(p) == ' ');
    if (!parser_end(p))
        return reply_bad(p->error);
    for (struct search_context **link = &s->contexts; *link != NULL;) {
        bool is_named = false;

        for (unsigned i = 0; i < count; i++)
            is_named |= slice_eq((*link)->tag, tags[i]);
        if (is_named)
            drop(link);
        else
            link = &(*link)->next;
    }
    return reply_ok("No further updates");
}
