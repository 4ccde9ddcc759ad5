/*
 * imapd/search_eval.c - does a message match a SEARCH program?
 *
 * The tree's depth, and with it the recursion here, is bounded by the parser. The text of a message
 * is read only when the cheaper keys have not decided; what is in its header comes from the
 * mailbox's cache.
 */
#include "imapd/search_eval.h"

#include <string.h>

#include "imapd/fulltext.h"
#include "imapd/search_header.h"
#include "imapd/thread_id.h"
#include "lib/base/clock.h"
#include "lib/mail/text_search.h"

#define DAY_MS INT64_C(86400000)

/* UIDs above all of the set, or below all (RFC 9738 section 3.2); of an empty set none. */
static void
take_side(enum search_side side, struct seqset *set)
{
    struct seqrange beside = {1, 0};

    if (set->count == 0)
        return;
    if (side == SEARCH_SET_AFTER && seqset_max(set) < UINT32_MAX)
        beside = (struct seqrange){seqset_max(set) + 1, UINT32_MAX};
    else if (side == SEARCH_SET_BEFORE)
        beside.last = set->ranges[0].first - 1;
    set->ranges[0] = beside;
    set->count = beside.first <= beside.last ? 1 : 0;
}

/* What the set means now; the set itself stays as the client wrote it. */
static void
resolve_set(struct search_key *key, struct mailbox *mb, const struct saved_result *saved,
            struct arena *arena)
{
    uint32_t count = mailbox_count(mb), star = count;
    struct seqset now = key->set;

    if (key->op == SEARCH_UID)
        star = count == 0 ? 0 : mailbox_message(mb, count)->uid;
    now.ranges = key->now.ranges;
    if (now.ranges == NULL)
        now.ranges = arena_alloc(arena, now.count * sizeof(*now.ranges));
    if (now.count > 0)
        memmove(now.ranges, key->set.ranges, now.count * sizeof(*now.ranges));
    saved_result_expand(saved, mb, key->op == SEARCH_UID, &now, arena);
    seqset_resolve(&now, star);
    if (key->side != SEARCH_SET_ITSELF)
        take_side(key->side, &now);
    key->now = now;
}

void
search_eval_prepare(struct search_key *key, struct mailbox *mb, const struct saved_result *saved,
                    struct arena *arena)
{
    if (key->op == SEARCH_SEQ || key->op == SEARCH_UID)
        resolve_set(key, mb, saved, arena);
    else if (key->op == SEARCH_OLDER || key->op == SEARCH_YOUNGER)
        key->target_ms = (clock_real_ms() / 1000 - key->number) * 1000;
    else if (key->op == SEARCH_KEYWORD)
        key->keyword_bit = mailbox_keyword_bit(mb, key->name, false);
    for (struct search_key *child = key->children; child != NULL; child = child->next)
        search_eval_prepare(child, mb, saved, arena);
}

static int64_t
day_of(int64_t real_ms)
{
    return real_ms >= 0 ? real_ms / DAY_MS : -((-real_ms + DAY_MS - 1) / DAY_MS);
}

static bool
match_sent(const struct search_key *key, struct mailbox *mb, uint32_t seq,
           struct message_data *data)
{
    int64_t days;

    if (!search_header_sent_day(mb, seq, data, &days))
        return false;
    if (key->op == SEARCH_SENT_BEFORE)
        return days < key->days;
    return key->op == SEARCH_SENT_ON ? days == key->days : days >= key->days;
}

static bool
match_text(const struct search_key *key, struct mailbox *mb, uint32_t seq,
           struct message_data *data)
{
    if (key->index != NULL && !fulltext_may_match(key->index, key, mailbox_message(mb, seq)->uid))
        return false;
    return message_load(data, mb, seq) == 0 &&
           text_search_message(message_mime(data), key->text, key->op == SEARCH_TEXT);
}

/* What the journal says of a message's arrival; one that is expunged has no match. */
static bool
match_facts(const struct search_key *key, struct mailbox *mb, uint32_t seq)
{
    struct message_facts facts;
    int64_t days;

    if (mailbox_message_facts(mb, seq, &facts) < 0)
        return false;
    if (key->op == SEARCH_EMAILID)
        return slice_eq(key->name, slice_of(facts.email_id));
    days = day_of(facts.saved_ms);
    if (key->op == SEARCH_SAVED_BEFORE)
        return days < key->days;
    return key->op == SEARCH_SAVED_ON ? days == key->days : days >= key->days;
}

static bool
match_thread(const struct search_key *key, struct mailbox *mb, uint32_t seq,
             struct message_data *data)
{
    char id[THREAD_ID_SIZE];

    return thread_id_of(mb, seq, data, id) == 0 && slice_eq(key->name, slice_of(id));
}

static bool
match_keyword(const struct search_key *key, const struct message *m)
{
    return key->keyword_bit >= 0 && (m->keywords >> key->keyword_bit & 1) != 0;
}

static bool match(const struct search_key *key, struct mailbox *mb, uint32_t seq,
                  const struct message *m, struct message_data *data);

static bool
match_all(const struct search_key *key, struct mailbox *mb, uint32_t seq, const struct message *m,
          struct message_data *data)
{
    for (const struct search_key *child = key->children; child != NULL; child = child->next)
        if (!match(child, mb, seq, m, data))
            return false;
    return true;
}

static bool
match(const struct search_key *key, struct mailbox *mb, uint32_t seq, const struct message *m,
      struct message_data *data)
{
    switch (key->op) {
    case SEARCH_ALL:
        return true;
    case SEARCH_FLAG:
        return (m->flags & key->flags) == key->flags;
    case SEARCH_KEYWORD:
        return match_keyword(key, m);
    case SEARCH_SEQ:
        return seqset_contains(&key->now, seq);
    case SEARCH_UID:
        return seqset_contains(&key->now, m->uid);
    case SEARCH_MODSEQ:
        return m->modseq >= key->modseq;
    case SEARCH_LARGER:
        return m->size > key->size;
    case SEARCH_SMALLER:
        return m->size < key->size;
    case SEARCH_BEFORE:
        return day_of(m->internal_ms) < key->days;
    case SEARCH_ON:
        return day_of(m->internal_ms) == key->days;
    case SEARCH_SINCE:
        return day_of(m->internal_ms) >= key->days;
    case SEARCH_OLDER: /* to the second (RFC 5032 section 2) */
        return m->internal_ms < key->target_ms + 1000;
    case SEARCH_YOUNGER:
        return m->internal_ms >= key->target_ms;
    case SEARCH_NOT:
        return !match(key->children, mb, seq, m, data);
    case SEARCH_OR:
        return match(key->children, mb, seq, m, data) ||
               match(key->children->next, mb, seq, m, data);
    case SEARCH_AND:
        return match_all(key, mb, seq, m, data);
    case SEARCH_EMAILID:
    case SEARCH_SAVED_BEFORE:
    case SEARCH_SAVED_ON:
    case SEARCH_SAVED_SINCE:
        return match_facts(key, mb, seq);
    case SEARCH_THREADID:
        return match_thread(key, mb, seq, data);
    case SEARCH_SENT_BEFORE:
    case SEARCH_SENT_ON:
    case SEARCH_SENT_SINCE:
        return match_sent(key, mb, seq, data);
    case SEARCH_HEADER:
        return search_header_contains(mb, seq, data, key->name, key->text);
    case SEARCH_BODY:
    case SEARCH_TEXT:
        return match_text(key, mb, seq, data);
    }
    return false;
}

bool
search_eval_match(const struct search_key *key, struct mailbox *mb, uint32_t seq,
                  struct message_data *data)
{
    return match(key, mb, seq, mailbox_message(mb, seq), data);
}

/* ---- relevancy ---- */

struct count {
    unsigned pairs, found;
};

static void
count_pairs(const struct search_key *key, struct mailbox *mb, uint32_t seq,
            struct message_data *data, struct count *count)
{
    for (const struct search_key *pair = key->pairs; pair != NULL; pair = pair->next) {
        count->pairs++;
        count->found += search_eval_match(pair, mb, seq, data) ? 1 : 0;
    }
    for (const struct search_key *child = key->children; child != NULL; child = child->next)
        count_pairs(child, mb, seq, data, count);
}

unsigned
search_eval_score(const struct search_key *root, struct mailbox *mb, uint32_t seq,
                  struct message_data *data)
{
    struct count count = {0, 0};

    count_pairs(root, mb, seq, data, &count);
    return count.pairs == 0 ? 100 : 1 + 99 * count.found / count.pairs;
}
