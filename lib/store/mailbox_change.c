/*
 * lib/store/mailbox_change.c - changes flags and expunges: one record each, however many messages.
 *
 * All of it happens under the journal's lock with a view that has caught up, so that a range of
 * UIDs in a record means exactly the messages that were meant.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/store/expunged.h"
#include "lib/store/ledger.h"
#include "lib/store/mailbox_private.h"
#include "lib/store/message_file.h"

#define ALL_FLAGS (MESSAGE_RECENT - 1)
#define FILES_AT_ONCE 16 /* removed before the client has its answer */

/* ---- ranges ---- */

struct ranges {
    struct uid_range *list;
    uint32_t count, cap;
    uint32_t last_rank; /* of the last message that was added */
};

/* Adds the live message of this rank; ranks ascend. A range holds messages without a gap in rank.
 */
static void
ranges_add(struct ranges *r, uint32_t rank, uint32_t uid)
{
    if (r->count > 0 && r->last_rank + 1 == rank) {
        r->list[r->count - 1].last = uid;
    } else {
        if (r->count == r->cap) {
            r->cap = r->cap == 0 ? 8 : r->cap * 2;
            r->list = xreallocarray(r->list, r->cap, sizeof(*r->list));
        }
        r->list[r->count++] = (struct uid_range){uid, uid};
    }
    r->last_rank = rank;
}

static int
compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

/* A sorted copy; clients send their sets in any order. */
static uint32_t *
sorted_copy(const uint32_t *uids, uint32_t count)
{
    uint32_t *copy = xreallocarray(NULL, count, sizeof(*copy));
    bool ascending = true;

    for (uint32_t i = 0; i < count; i++) {
        copy[i] = uids[i];
        ascending &= i == 0 || copy[i - 1] <= copy[i];
    }
    if (!ascending)
        qsort(copy, count, sizeof(*copy), compare_u32);
    return copy;
}

/* ---- flags ---- */

struct flag_change {
    enum mailbox_flag_op op;
    uint32_t flags, off, on;
    uint64_t keywords, keywords_off, keywords_on;
    uint64_t unchanged_since;
    const struct message *known; /* of each sequence number, as the client may know it; or NULL */
};

/* True if the message gets other flags than it has. */
static bool
alters(const struct flag_change *c, const struct message *m)
{
    return ((m->flags & ALL_FLAGS & ~c->off) | c->on) != (m->flags & ALL_FLAGS) ||
           ((m->keywords & ~c->keywords_off) | c->keywords_on) != m->keywords;
}

/* RFC 7162 sections 3.1.3 and 3.1.12: others changed the message above the client's MODSEQ, and not
 * only, since it was last told, in flags that this change does not touch. */
static bool
is_stale(const struct flag_change *c, const struct message *m, const struct message *known)
{
    if (c->unchanged_since == 0 || m->modseq <= c->unchanged_since)
        return false;
    return known == NULL || known->modseq > c->unchanged_since ||
           ((known->flags ^ m->flags) & c->flags) != 0 ||
           ((known->keywords ^ m->keywords) & c->keywords) != 0;
}

/* The messages before the lock shows what others did to them; only a change of single flags can do
 * without their agreement. The caller frees it. */
static struct message *
note_known(const struct mailbox *mb, const uint32_t *seqs, uint32_t count,
           const struct flag_change *c)
{
    struct message *known;

    if (c->unchanged_since == 0 || c->op == MAILBOX_FLAGS_SET)
        return NULL;
    known = xreallocarray(NULL, count, sizeof(*known));
    for (uint32_t i = 0; i < count; i++)
        known[i] = *mailbox_message(mb, seqs[i]);
    return known;
}

/* Finds what really changes: its UIDs. */
static uint32_t *
choose(struct mailbox *mb, const uint32_t *seqs, uint32_t count, const struct flag_change *c,
       bool *skipped, bool *changed, uint32_t *chosen_count)
{
    uint32_t *uids = xreallocarray(NULL, count, sizeof(*uids)), n = 0;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t rank = mailbox_rank_of_seq(mb, seqs[i]);
        const struct message *m = rank == 0 ? NULL : &view_at(&mb->view, rank)->m;
        bool skip = m != NULL && is_stale(c, m, c->known == NULL ? NULL : &c->known[i]);
        bool alter = m != NULL && !skip && alters(c, m);

        if (skipped != NULL)
            skipped[i] = skip;
        if (changed != NULL)
            changed[i] = alter;
        if (alter)
            uids[n++] = m->uid;
    }
    *chosen_count = n;
    return uids;
}

static struct ranges
ranges_of_uids(const struct mailbox *mb, const uint32_t *uids, uint32_t count)
{
    struct ranges r = {0};

    for (uint32_t i = 0; i < count; i++)
        if (i == 0 || uids[i] != uids[i - 1])
            ranges_add(&r, view_rank_at_or_above(&mb->view, uids[i]), uids[i]);
    return r;
}

/* How many messages become unseen less how many become seen. */
static int64_t
unseen_delta(const struct mailbox *mb, const struct flag_change *c, const uint32_t *uids,
             uint32_t count)
{
    int64_t delta = 0;

    if (((c->off | c->on) & MESSAGE_SEEN) == 0)
        return 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct message *m = &view_at(&mb->view, view_rank_at_or_above(&mb->view, uids[i]))->m;
        bool was_seen = (m->flags & MESSAGE_SEEN) != 0;
        bool is_seen = (((m->flags & ~c->off) | c->on) & MESSAGE_SEEN) != 0;

        if (i == 0 || uids[i] != uids[i - 1])
            delta += (int64_t)was_seen - (int64_t)is_seen;
    }
    return delta;
}

static int
write_flags(struct mailbox *mb, const struct flag_change *c, const uint32_t *uids, uint32_t count)
{
    struct strbuf record = strbuf_new(RECORD_MAX);
    struct record_state s = mailbox_state(mb);
    uint32_t *sorted = sorted_copy(uids, count);
    struct ranges r = ranges_of_uids(mb, sorted, count);
    int rc;

    s.modseq = journal_next_modseq(s.modseq);
    s.unseen = (uint32_t)((int64_t)s.unseen + unseen_delta(mb, c, sorted, count));
    record_begin(&record, 0, clock_real_ms());
    record_add_flags(&record, c->off, c->on, c->keywords_off, c->keywords_on, r.list, r.count);
    rc = record_finish(&record, &s, mb->settled_offset);
    if (rc == 0)
        rc = mailbox_write(mb, &record, false);
    xfree(&r.list);
    xfree(&sorted);
    strbuf_free(&record);
    return rc;
}

static void
plan(struct flag_change *c)
{
    switch (c->op) {
    case MAILBOX_FLAGS_SET:
        c->off = ALL_FLAGS;
        c->keywords_off = UINT64_MAX;
        break;
    case MAILBOX_FLAGS_REMOVE:
        c->off = c->flags;
        c->keywords_off = c->keywords;
        return;
    case MAILBOX_FLAGS_ADD:
        break;
    }
    c->on = c->flags;
    c->keywords_on = c->keywords;
}

/* What is frozen stays, whatever the operation says. */
static void
leave_out(struct flag_change *c, uint32_t frozen)
{
    c->off &= ~frozen;
    c->on &= ~frozen;
    if ((frozen & MESSAGE_KEYWORDS) != 0)
        c->keywords_off = c->keywords_on = 0;
}

int
mailbox_store_flags(struct mailbox *mb, const uint32_t *seqs, uint32_t count,
                    enum mailbox_flag_op op, uint32_t flags, uint64_t keywords,
                    uint64_t unchanged_since, bool *skipped, bool *changed)
{
    struct flag_change c = {.op = op,
                            .flags = flags & ALL_FLAGS,
                            .keywords = keywords,
                            .unchanged_since = unchanged_since};
    const struct store_options *options = &mb->folder.store->options;
    int64_t interval = options->flush_interval_ms;
    struct message *known;
    uint32_t *uids = NULL, chosen = 0;
    int rc;

    plan(&c);
    leave_out(&c, options->flags_frozen | (options->may_remove ? 0 : (uint32_t)MESSAGE_DELETED));
    c.known = known = note_known(mb, seqs, count, &c);
    rc = mailbox_lock(mb);
    if (rc == 0) {
        uids = choose(mb, seqs, count, &c, skipped, changed, &chosen);
        if (chosen > 0)
            rc = write_flags(mb, &c, uids, chosen);
        mailbox_unlock(mb);
    }
    xfree(&uids);
    xfree(&known);
    if (rc < 0 || chosen == 0)
        return rc;
    if (interval == 0 || (!mb->unsettled && mb->own_end - mb->settled_offset > JOURNAL_SPAN_MAX))
        return mailbox_make_durable(mb, mb->own_end);
    if (mb->flush_due_ms == 0)
        mb->flush_due_ms = clock_mono_ms() + interval;
    return mailbox_flush_due_ms(mb) == 0 ? mailbox_flush(mb) : 0;
}

int
mailbox_keyword_bit(struct mailbox *mb, struct slice name, bool make)
{
    struct strbuf record = strbuf_new(RECORD_MAX);
    struct record_state s;
    int bit = view_keyword_bit(&mb->view, name);

    if (bit >= 0 || !make || name.len == 0 || name.len > MAILBOX_KEYWORD_LEN_MAX ||
        mailbox_lock(mb) < 0)
        return bit;
    bit = view_keyword_bit(&mb->view, name); /* another session may just have made it */
    for (int free_bit = 0; bit < 0 && free_bit < MAILBOX_KEYWORDS_MAX; free_bit++) {
        if (mb->view.keywords[free_bit] != NULL)
            continue;
        s = mailbox_state(mb);
        record_begin(&record, 0, clock_real_ms());
        record_add_keyword(&record, (uint32_t)free_bit, name);
        if (record_finish(&record, &s, mb->settled_offset) < 0 ||
            mailbox_write(mb, &record, false) < 0)
            break;
        bit = free_bit;
    }
    mailbox_unlock(mb);
    strbuf_free(&record);
    return bit;
}

/* ---- expunge ---- */

enum removal_kind {
    REMOVAL_BY_USER,   /* may be undone for a time */
    REMOVAL_ELSEWHERE, /* the message is in another folder now */
    REMOVAL_VOID       /* it never was */
};

struct removal {
    struct ranges ranges;
    uint32_t count, unseen, recent;
    uint64_t bytes;
    struct expunging files;
};

static int
note_file(struct mailbox *mb, uint32_t rank, struct expunging *files)
{
    struct strbuf buf = strbuf_new(ITEM_MAX);
    struct arrival a;
    int rc = 0;

    /* An unreadable name leaves a file behind, nothing worse. */
    if (mailbox_read_arrival(mb, rank, &buf, &a) == 0)
        rc = expunging_add(files, &a, &view_at(&mb->view, rank)->m);
    strbuf_free(&buf);
    return rc;
}

static int
plan_removal(struct mailbox *mb, const uint32_t *uids, uint32_t count, struct removal *r)
{
    uint32_t live = view_count(&mb->view);

    for (uint32_t i = 0; i < count; i++) {
        uint32_t rank = view_rank_at_or_above(&mb->view, uids[i]);
        const struct view_entry *e = rank <= live ? view_at(&mb->view, rank) : NULL;

        if (e == NULL || e->m.uid != uids[i] || (i > 0 && uids[i] == uids[i - 1]))
            continue;
        ranges_add(&r->ranges, rank, uids[i]);
        r->count++;
        r->unseen += (e->m.flags & MESSAGE_SEEN) == 0;
        r->recent += e->m.uid >= mb->view.state.recent_uid;
        r->bytes += e->m.size;
        if (note_file(mb, rank, &r->files) < 0)
            return -1;
    }
    return 0;
}

static int
write_removal(struct mailbox *mb, enum item_type type, const struct removal *r)
{
    struct strbuf record = strbuf_new(RECORD_MAX);
    struct record_state s = mailbox_state(mb);
    int rc;

    s.modseq = journal_next_modseq(s.modseq);
    s.count -= r->count;
    s.unseen -= r->unseen;
    s.recent -= r->recent < s.recent ? r->recent : s.recent;
    s.bytes -= r->bytes;
    if (mb->folder.inbox) {
        s.user_bytes = appender_adjust(s.user_bytes, -(int64_t)r->bytes);
        s.user_messages = appender_adjust(s.user_messages, -(int64_t)r->count);
    }
    record_begin(&record, RECORD_LASTING, clock_real_ms());
    record_add_ranges(&record, type, r->ranges.list, r->ranges.count);
    rc = record_finish(&record, &s, mb->settled_offset);
    if (rc == 0)
        rc = mailbox_write(mb, &record, true);
    strbuf_free(&record);
    return rc;
}

/* The lock for a removal, which is counted before removal_end. */
static int
removal_begin(struct mailbox *mb)
{
    mailbox_tidy(mb);
    if (!mb->folder.inbox)
        ledger_begin(mb->folder.store);
    if (mailbox_lock(mb) == 0)
        return 0;
    if (!mb->folder.inbox)
        ledger_end(mb->folder.store);
    return -1;
}

static void
removal_cancel(struct mailbox *mb)
{
    mailbox_unlock(mb);
    if (!mb->folder.inbox)
        ledger_end(mb->folder.store);
}

/* What a removal that is on disk still needs. The mark comes after the counting: who finds none
 * counts. That it fails (a full disk) takes nothing back. What is void may be delivered once more
 * under the same name: its files go at once. */
static int
settle_removal(struct mailbox *mb, enum removal_kind kind, struct removal *r)
{
    if (journal_flush(&mb->folder.journal) < 0)
        return -1;
    mb->flush_due_ms = 0;
    if (mb->folder.inbox ||
        ledger_add(mb->folder.store, -(int64_t)r->bytes, -(int64_t)r->count) == 0)
        journal_mark(&mb->folder.journal, mb->own_end);
    expunging_log(&r->files);
    if (r->count <= FILES_AT_ONCE || kind == REMOVAL_VOID) {
        expunging_finish(&r->files);
        return 0;
    }
    mb->leaving = r->files;
    mb->is_leaving = true;
    return 0;
}

bool
mailbox_is_tidy(const struct mailbox *mb)
{
    return !mb->is_leaving;
}

void
mailbox_tidy(struct mailbox *mb)
{
    if (!mb->is_leaving)
        return;
    expunging_finish(&mb->leaving);
    expunging_free(&mb->leaving);
    mb->is_leaving = false;
}

/* After removal_begin, which it ends. The record is durable before the first file goes. */
static int
remove_locked(struct mailbox *mb, enum removal_kind kind, const uint32_t *uids, uint32_t count)
{
    struct removal r = {0};
    int rc;

    mb->removed = (struct mailbox_removed){0};
    mailbox_tidy(mb); /* should the lock have shown what was to be settled */
    expunging_begin(&r.files, &mb->folder, &mb->view, kind == REMOVAL_BY_USER);
    rc = plan_removal(mb, uids, count, &r);
    if (rc == 0 && r.count > 0)
        rc = write_removal(mb, kind == REMOVAL_VOID ? ITEM_VOID : ITEM_EXPUNGE, &r);
    mailbox_unlock(mb);
    if (rc == 0 && r.count > 0) {
        rc = settle_removal(mb, kind, &r);
        mb->removed = (struct mailbox_removed){r.count, r.bytes};
        journal_release(&mb->folder.journal);
    }
    if (!mb->folder.inbox)
        ledger_end(mb->folder.store);
    xfree(&r.ranges.list);
    if (!mb->is_leaving)
        expunging_free(&r.files);
    return rc;
}

static bool
changed_since(const struct mailbox *mb, const uint32_t *uids, const uint64_t *modseqs,
              uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t rank = view_rank_at_or_above(&mb->view, uids[i]);
        const struct message *m =
            rank <= view_count(&mb->view) ? &view_at(&mb->view, rank)->m : NULL;

        if (m != NULL && m->uid == uids[i] && m->modseq != modseqs[i])
            return true;
    }
    return false;
}

int
mailbox_expunge_uids(struct mailbox *mb, const uint32_t *uids, const uint64_t *modseqs,
                     uint32_t count)
{
    if (removal_begin(mb) < 0)
        return -1;
    if (modseqs == NULL || !changed_since(mb, uids, modseqs, count))
        return remove_locked(mb, REMOVAL_ELSEWHERE, uids, count);
    removal_cancel(mb);
    return 1;
}

/* Under the lock: an attempt of the same delivery may just have put the file back. */
static uint32_t
keep_lost(struct mailbox *mb, uint32_t *uids, uint32_t count)
{
    struct strbuf buf = strbuf_new(ITEM_MAX);
    uint32_t kept = 0;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t rank = view_rank_at_or_above(&mb->view, uids[i]);
        const struct view_entry *e =
            rank <= view_count(&mb->view) ? view_at(&mb->view, rank) : NULL;
        struct item item;

        if (e != NULL && e->m.uid == uids[i] &&
            journal_read_item(&mb->folder.journal, e->item, &buf, &item) == 0 &&
            item.arrival.m.uid == uids[i] &&
            !message_file_exists(mb->folder.dirfd, item.arrival.name, item.arrival.m.size))
            uids[kept++] = uids[i];
    }
    strbuf_free(&buf);
    return kept;
}

int
mailbox_void_lost(struct mailbox *mb, const uint32_t *uids, uint32_t count)
{
    uint32_t *sorted = sorted_copy(uids, count);
    int rc = removal_begin(mb);

    if (rc == 0)
        rc = remove_locked(mb, REMOVAL_VOID, sorted, keep_lost(mb, sorted, count));
    xfree(&sorted);
    return rc;
}

struct mailbox_removed
mailbox_removed(const struct mailbox *mb)
{
    return mb->removed;
}

static int
may_remove(const struct mailbox *mb)
{
    if (mb->folder.store->options.may_remove)
        return 0;
    errno = EACCES;
    return -1;
}

int
mailbox_remove(struct mailbox *mb, const uint32_t *uids, uint32_t count)
{
    uint32_t *sorted;
    int rc;

    if (may_remove(mb) < 0)
        return -1;
    sorted = sorted_copy(uids, count);
    rc = removal_begin(mb) < 0 ? -1 : remove_locked(mb, REMOVAL_BY_USER, sorted, count);
    xfree(&sorted);
    return rc;
}

int
mailbox_expunge(struct mailbox *mb, const uint32_t *uids, uint32_t count)
{
    uint32_t *sorted = uids == NULL ? NULL : sorted_copy(uids, count);
    struct uid_list deleted = {0};
    uint32_t live;
    int rc = may_remove(mb);

    if (rc == 0)
        rc = removal_begin(mb);
    if (rc == 0) {
        live = view_count(&mb->view);
        for (uint32_t rank = 1; rank <= live; rank++) {
            const struct message *m = &view_at(&mb->view, rank)->m;

            if ((m->flags & MESSAGE_DELETED) != 0 &&
                (sorted == NULL ||
                 bsearch(&m->uid, sorted, count, sizeof(m->uid), compare_u32) != NULL))
                (void)uid_list_add(&deleted, m->uid); /* never fails: xrealloc */
        }
        rc = remove_locked(mb, REMOVAL_BY_USER, deleted.uids, deleted.count);
    }
    xfree(&deleted.uids);
    xfree(&sorted);
    return rc;
}
