/*
 * lib/store/compact.c - rewrites a journal that has grown far beyond what it says.
 *
 * Nothing replaces the old journal that was not read back and found to say the same.
 */
#include "lib/store/compact.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/store/beneath.h"
#include "lib/store/index_file.h"

#define NEW_NAME JOURNAL_NAME ".next"
#define COMPACT_MIN 262144   /* bytes: a shorter journal is read faster than rewritten */
#define MESSAGE_ESTIMATE 144 /* bytes of a message in a checkpoint */
#define RECORD_FILL (1u << 18)
#define JOURNAL_BYTES_MAX (UINT64_C(8) << 30)

struct compaction {
    struct mailbox *mb;
    struct view now; /* the folder by its journal alone: an index may be damaged */
    struct uid_range *voided;
    uint32_t voided_count;
    struct record_state state;
    struct strbuf records; /* finished */
    struct strbuf record;  /* being filled */
    struct gone_range *gone;
    uint32_t gone_count, gone_cap;
    int64_t keep_keys_since;
};

bool
compact_due(const struct mailbox *mb)
{
    uint64_t size = mb->view.offset, last = mb->folder.journal.header.checkpoint_end;

    return size > COMPACT_MIN && size > 2 * last + COMPACT_MIN &&
           size / 3 > (uint64_t)view_count(&mb->view) * MESSAGE_ESTIMATE;
}

static int
finish_record(struct compaction *c)
{
    if (record_finish(&c->record, &c->state, 0) < 0)
        return -1;
    record_set_mark(&c->record); /* nobody sees the new journal before it is flushed */
    if (!strbuf_append(&c->records, strbuf_slice(&c->record))) {
        errno = E2BIG;
        return -1;
    }
    record_begin(&c->record, 0, clock_real_ms());
    return 0;
}

static int
finish_if_full(struct compaction *c)
{
    return c->record.len > RECORD_FILL ? finish_record(c) : 0;
}

static void
add_gone(struct compaction *c, uint32_t first, uint32_t last, uint64_t modseq)
{
    if (c->gone_count == c->gone_cap) {
        c->gone_cap = c->gone_cap == 0 ? 64 : c->gone_cap * 2;
        c->gone = xreallocarray(c->gone, c->gone_cap, sizeof(*c->gone));
    }
    c->gone[c->gone_count++] = (struct gone_range){first, last, modseq};
}

static bool
was_voided(const struct compaction *c, uint32_t uid)
{
    for (uint32_t i = 0; i < c->voided_count; i++)
        if (uid >= c->voided[i].first && uid <= c->voided[i].last)
            return true;
    return false;
}

/* The message as it is now, with its name, and its key while that may be asked for. Not the key of
 * one that was voided: it was not delivered. */
static void
restate_arrival(struct compaction *c, const struct arrival *old)
{
    const struct view *v = &c->now;
    uint32_t rank = view_rank_at_or_above(v, old->m.uid);
    const struct message *m = rank <= view_count(v) ? &view_at(v, rank)->m : NULL;
    bool keep_key = old->key.len > 0 && old->saved_ms >= c->keep_keys_since;
    struct arrival a = *old;

    if (m != NULL && m->uid == old->m.uid) {
        a.m = *m;
        if (!keep_key)
            a.key = SLICE("");
        record_add_arrival(&c->record, &a);
    } else if (keep_key && !was_voided(c, old->m.uid)) {
        record_add_key(&c->record, old->saved_ms, old->key);
    }
}

static int
restate_item(struct compaction *c, const struct record *rec, const struct item *item)
{
    switch (item->type) {
    case ITEM_ARRIVE:
        restate_arrival(c, &item->arrival);
        break;
    case ITEM_EXPUNGE:
    case ITEM_VOID:
        for (uint32_t i = 0; i < item->range_count; i++)
            add_gone(c, item_range(item, i).first, item_range(item, i).last, rec->state.modseq);
        break;
    case ITEM_GONE:
        for (uint32_t i = 0; i < item->range_count; i++)
            add_gone(c, item_gone(item, i).first, item_gone(item, i).last,
                     item_gone(item, i).modseq);
        break;
    case ITEM_KEY:
        if (item->saved_ms >= c->keep_keys_since)
            record_add_key(&c->record, item->saved_ms, item->text);
        break;
    case ITEM_FLAGS:
    case ITEM_KEYWORD:
    case ITEM_ORIGIN:
        break;
    }
    return finish_if_full(c);
}

static int
restate_record(void *arg, const struct record *rec)
{
    struct compaction *c = arg;
    struct item item;
    size_t at = 0;
    int more;

    while ((more = record_next_item(rec, &at, &item)) > 0)
        if (restate_item(c, rec, &item) < 0)
            return -1;
    if (more == 0)
        return 0;
    errno = EBADMSG;
    return -1;
}

static int
by_first(const void *a, const void *b)
{
    const struct gone_range *x = a, *y = b;

    return x->first < y->first ? -1 : x->first > y->first;
}

/* No message is left between two ranges? Then they can be one: a client is told of more UIDs than
 * it asked for, which RFC 7162 section 3.2.10 allows. */
static bool
nothing_between(const struct view *v, uint32_t last, uint32_t next)
{
    uint32_t rank = view_rank_at_or_above(v, last);

    return rank > view_count(v) || view_at(v, rank)->m.uid >= next;
}

static int
restate_gone(struct compaction *c)
{
    uint32_t kept = 0;

    if (c->gone_count == 0)
        return 0;
    qsort(c->gone, c->gone_count, sizeof(*c->gone), by_first);
    for (uint32_t i = 1; i < c->gone_count; i++) {
        struct gone_range *last = &c->gone[kept], *next = &c->gone[i];

        if (next->first > last->last && !nothing_between(&c->now, last->last, next->first)) {
            c->gone[++kept] = *next;
            continue;
        }
        last->last = next->last > last->last ? next->last : last->last;
        last->modseq = next->modseq > last->modseq ? next->modseq : last->modseq;
    }
    record_add_gone(&c->record, c->gone, kept + 1);
    return finish_record(c);
}

static int
restate(struct compaction *c, const struct journal *j)
{
    const struct view *v = &c->now;
    uint64_t end;

    record_begin(&c->record, 0, clock_real_ms());
    for (uint32_t bit = 0; bit < MAILBOX_KEYWORDS_MAX; bit++)
        if (v->keywords[bit] != NULL)
            record_add_keyword(&c->record, bit, slice_of(v->keywords[bit]));
    if (journal_read(j, sizeof(struct journal_header), v->offset, restate_record, c, &end) < 0)
        return -1;
    if (end != v->offset) {
        errno = EBADMSG;
        return -1;
    }
    return finish_record(c) < 0 ? -1 : restate_gone(c);
}

/* ---- is it the same? ---- */

static int
replay_record(void *arg, const struct record *rec)
{
    struct compaction *c = arg;
    struct item item;
    size_t at = 0;

    while (record_next_item(rec, &at, &item) > 0)
        for (uint32_t i = 0; item.type == ITEM_VOID && i < item.range_count; i++) {
            c->voided = xreallocarray(c->voided, (size_t)c->voided_count + 1, sizeof(*c->voided));
            c->voided[c->voided_count++] = item_range(&item, i);
        }
    return view_apply(&c->now, rec, NULL);
}

/* Reads the journal from its start. What the session believes came from an index perhaps; if that
 * is not what the journal says, the index goes, and the next session is right again. */
static int
replay_whole(struct compaction *c)
{
    const struct journal *j = &c->mb->folder.journal;
    uint64_t end;

    view_init(&c->now);
    if (journal_read(j, sizeof(struct journal_header), c->mb->view.offset, replay_record, c, &end) <
        0)
        return -1;
    if (end == c->mb->view.offset && view_same(&c->now, &c->mb->view))
        return 0;
    unlink_keep_errno(j->dirfd, INDEX_NAME);
    errno = EBADMSG;
    return -1;
}

/* ---- the new file ---- */

/* Puts the new file in the old one's place. Both are locked meanwhile: nobody appends to the new
 * one before its name is on disk. */
static int
take_place(struct mailbox *mb, struct journal *fresh, struct view *view)
{
    struct journal old = mb->folder.journal;

    if (journal_lock_unnamed(fresh) < 0 ||
        renameat(old.dirfd, NEW_NAME, old.dirfd, JOURNAL_NAME) < 0)
        return -1;
    if (fsync(old.dirfd) < 0)
        return -1; /* the new one may be there or not: both say the same, nothing is appended here
                    */
    (void)index_file_write(view, fresh); /* without it the next session reads the checkpoint */
    journal_unlock(fresh);
    view_free(&mb->view);
    mb->view = *view;
    mb->folder.journal = *fresh;
    journal_close(&old);
    mailbox_show_recents(mb);
    return 0;
}

static int
write_and_check(struct mailbox *mb, const struct compaction *c)
{
    struct journal_header h = mb->folder.journal.header;
    struct journal fresh = {.fd = -1};
    struct view view;
    int fd, rc = -1;

    h.generation++;
    h.checkpoint_end = sizeof(h) + c->records.len;
    if (journal_write_new(mb->folder.dirfd, NEW_NAME, &h, strbuf_slice(&c->records)) < 0)
        return -1;
    view_init(&view);
    fd = beneath_open(mb->folder.dirfd, NEW_NAME, O_RDWR, 0);
    if (fd >= 0 && journal_adopt_fd(&fresh, mb->folder.dirfd, fd, true) == 0) {
        rc = view_replay(&view, &fresh, h.checkpoint_end, NULL);
        if (rc == 0 && (view.offset != h.checkpoint_end || !view_same(&mb->view, &view))) {
            errno = EBADMSG;
            rc = -1;
        }
        if (rc == 0)
            rc = take_place(mb, &fresh, &view);
    }
    if (rc < 0) {
        view_free(&view);
        journal_close(&fresh);
        unlink_keep_errno(mb->folder.dirfd, NEW_NAME);
    }
    return rc;
}

int
compact_journal(struct mailbox *mb)
{
    struct compaction c = {.mb = mb,
                           .records = strbuf_new(JOURNAL_BYTES_MAX),
                           .record = strbuf_new(RECORD_MAX),
                           .keep_keys_since = clock_real_ms() - COMPACT_KEY_KEEP_MS};
    struct journal_tail tail;
    int rc;

    if (mailbox_lock(mb) < 0)
        return -1;
    c.state = mailbox_state(mb);
    rc = journal_tail_read(&mb->folder.journal, &tail);
    if (rc == 0 && !tail.unsettled) {
        rc = replay_whole(&c);
        if (rc == 0)
            rc = restate(&c, &mb->folder.journal);
        if (rc == 0)
            rc = write_and_check(mb, &c);
        if (rc == 0)
            mb->flush_due_ms = 0; /* the new journal is on disk whole */
    }
    mailbox_unlock(mb);
    strbuf_free(&c.records);
    strbuf_free(&c.record);
    view_free(&c.now);
    xfree(&c.voided);
    xfree(&c.gone);
    return rc;
}
