/*
 * lib/store/mailbox_sync.c - keeps a session's view of a folder up to date.
 *
 * Reads the journal's tail without a lock; what another process has appended but not settled is
 * taken into the view and not announced.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/store/adopt.h"
#include "lib/store/mailbox_private.h"
#include "lib/store/settle.h"
#include "lib/store/watch.h"

#define NEW_CHECK_MS 1000 /* new/ is looked at that often at most */

int
uid_list_add(struct uid_list *list, uint32_t uid)
{
    if (list->count == list->cap) {
        list->cap = list->cap == 0 ? 16 : list->cap * 2;
        list->uids = xreallocarray(list->uids, list->cap, sizeof(*list->uids));
    }
    list->uids[list->count++] = uid;
    return 0;
}

/* ---- what a record does to the session ---- */

static void
add_ghost(struct mailbox *mb, uint32_t seq, const struct message *m)
{
    uint32_t at = mb->ghost_count;

    while (at > 0 && mb->ghosts[at - 1].seq > seq)
        at--;
    if (mb->ghost_count == mb->ghost_cap) {
        mb->ghost_cap = mb->ghost_cap == 0 ? 8 : mb->ghost_cap * 2;
        mb->ghosts = xreallocarray(mb->ghosts, mb->ghost_cap, sizeof(*mb->ghosts));
    }
    memmove(mb->ghosts + at + 1, mb->ghosts + at, (mb->ghost_count - at) * sizeof(*mb->ghosts));
    mb->ghosts[at] = (struct ghost){seq, *m, mb->record_end, mb->record_modseq};
    mb->ghost_count++;
}

static void
on_removing(void *arg, uint32_t rank, const struct message *m)
{
    struct mailbox *mb = arg;
    uint32_t seq = mailbox_seq_of_rank(mb, rank);

    if (seq <= mb->visible)
        add_ghost(mb, seq, m);
}

static int
compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

/* A session that does not want to know of changes may leave them unreported for days: the list then
 * grows to the number of messages, not to that of changes. */
static void
drop_doubles(struct uid_list *list)
{
    uint32_t kept = 0;

    qsort(list->uids, list->count, sizeof(*list->uids), compare_u32);
    for (uint32_t i = 0; i < list->count; i++)
        if (i == 0 || list->uids[i] != list->uids[i - 1])
            list->uids[kept++] = list->uids[i];
    list->count = kept;
}

static void
on_changed(void *arg, const struct message *m)
{
    struct mailbox *mb = arg;
    struct uid_list *list = &mb->changed;

    if (mb->own_record)
        return;
    if (list->count > 0 && list->count == list->cap)
        drop_doubles(list);
    (void)uid_list_add(list, m->uid); /* never fails: xrealloc */
}

static void
on_keyword(void *arg)
{
    struct mailbox *mb = arg;

    mb->keywords_changed = true;
}

static int
take_record(void *arg, const struct record *rec)
{
    struct mailbox *mb = arg;
    const struct view_watcher watcher = {on_removing, on_changed, on_keyword, mb};

    mb->record_end = rec->end;
    mb->record_modseq = rec->state.modseq;
    if ((rec->flags & RECORD_LASTING) != 0)
        mb->saw_lasting = true;
    return view_apply(&mb->view, rec, &watcher);
}

/* ---- recent ---- */

void
mailbox_show_recents(struct mailbox *mb)
{
    for (uint32_t i = 0; i < mb->recent_count; i++)
        for (uint32_t rank = view_rank_at_or_above(&mb->view, mb->recents[i].first);
             rank <= view_count(&mb->view); rank++) {
            struct message *m = &view_at(&mb->view, rank)->m;

            if (m->uid > mb->recents[i].last)
                break;
            if ((m->flags & MESSAGE_RECENT) == 0)
                m->flags |= MESSAGE_RECENT;
        }
}

static void
add_recents(struct mailbox *mb, uint32_t first, uint32_t last)
{
    if (mb->recent_count > 0 && mb->recents[mb->recent_count - 1].last + 1 >= first) {
        mb->recents[mb->recent_count - 1].last = last;
    } else {
        mb->recents = xreallocarray(mb->recents, mb->recent_count + 1, sizeof(*mb->recents));
        mb->recents[mb->recent_count++] = (struct uid_range){first, last};
    }
    mailbox_show_recents(mb);
}

static uint32_t
highest_visible_uid(const struct mailbox *mb)
{
    return mb->visible == 0 ? 0 : mailbox_message(mb, mb->visible)->uid;
}

/* Makes visible messages that no session has claimed \Recent here (RFC 3501 section 2.3.2). */
static int
claim(struct mailbox *mb)
{
    struct strbuf record = strbuf_new(RECORD_MAX);
    struct record_state s;
    uint32_t last, first = mb->view.state.recent_uid;
    int rc = 0;

    if (!mb->claim_recent || first >= mb->view.state.uidnext)
        return 0;
    last = highest_visible_uid(mb);
    if (last == 0 || last < first)
        return 0;
    if (mb->read_only) { /* EXAMINE shows them and leaves them to others */
        add_recents(mb, first, last);
        return 0;
    }
    if (mailbox_lock(mb) < 0)
        return -1;
    first = mb->view.state.recent_uid;
    if (first <= last) {
        s = mailbox_state(mb);
        s.recent_uid = last + 1;
        s.recent = view_count(&mb->view) + 1 - view_rank_at_or_above(&mb->view, last + 1);
        record_begin(&record, 0, clock_real_ms());
        rc = record_finish(&record, &s, mb->settled_offset);
        if (rc == 0)
            rc = mailbox_write(mb, &record, false);
        if (rc == 0)
            add_recents(mb, first, last);
    }
    mailbox_unlock(mb);
    strbuf_free(&record);
    return rc;
}

/* ---- catching up ---- */

/* What differs between our view and `fresh`, told as if records had said so. */
static void
compare_views(struct mailbox *mb, const struct view *fresh)
{
    uint32_t count = view_count(&mb->view), fresh_count = view_count(fresh), at = 1, removed = 0;

    mb->record_end = 0;
    mb->record_modseq = mb->view.state.modseq + 1; /* after all that the session knows */
    for (uint32_t rank = 1; rank <= count; rank++) {
        const struct message *m = &view_at(&mb->view, rank)->m;

        while (at <= fresh_count && view_at(fresh, at)->m.uid < m->uid)
            at++;
        if (at > fresh_count || view_at(fresh, at)->m.uid != m->uid)
            on_removing(mb, rank - removed++, m);
        else if (view_at(fresh, at)->m.modseq != m->modseq)
            on_changed(mb, &view_at(fresh, at)->m);
    }
}

/* The journal was replaced by a compaction: goes over to the new one. */
static int
switch_journal(struct mailbox *mb)
{
    struct journal old = mb->folder.journal, fresh_journal;
    struct view fresh;

    if (journal_open(&fresh_journal, mb->folder.dirfd, old.writable) < 0) {
        if (errno == ENOENT)
            errno = ESTALE;
        return -1;
    }
    if (fresh_journal.header.uidvalidity != old.header.uidvalidity ||
        view_load(&fresh, &fresh_journal) < 0) {
        journal_close(&fresh_journal);
        errno = ESTALE;
        return -1;
    }
    compare_views(mb, &fresh);
    view_free(&mb->view);
    journal_close(&old);
    mb->view = fresh;
    mb->folder.journal = fresh_journal;
    mb->flush_due_ms = 0; /* our changes are in the new file, which was flushed whole; own_end is an
                             offset of the old one, where a mark would hit anything */
    mb->keywords_changed = true;
    mb->saw_lasting = true;
    mailbox_show_recents(mb);
    return 0;
}

int
mailbox_catch_up(struct mailbox *mb)
{
    uint64_t size, end;
    bool replaced;

    if (journal_look(&mb->folder.journal, &size, &replaced) < 0)
        return -1;
    if (size > mb->view.offset &&
        journal_read(&mb->folder.journal, mb->view.offset, size, take_record, mb, &end) < 0)
        return -1;
    return replaced ? switch_journal(mb) : 0;
}

int
mailbox_lock(struct mailbox *mb)
{
    struct journal_tail tail;
    struct journal *j = &mb->folder.journal;

    if (mb->read_only) {
        errno = EACCES;
        return -1;
    }
    while (journal_lock(j) < 0)
        if (errno != ESTALE || mailbox_catch_up(mb) < 0)
            return -1;
    if (journal_tail_read(j, &tail) == 0 && mailbox_catch_up(mb) == 0) {
        mb->settled_offset = tail.settled;
        if (mb->view.offset == tail.end)
            return 0;
        errno = EBADMSG;
    }
    mailbox_unlock(mb);
    return -1;
}

struct record_state
mailbox_state(const struct mailbox *mb)
{
    struct record_state s = mb->view.state;

    s.count = view_count(&mb->view); /* what we count ourselves mends what others got wrong */
    s.unseen = mb->view.unseen;
    s.bytes = mb->view.bytes;
    if (s.uidnext == 0)
        s.uidnext = 1;
    return s;
}

void
mailbox_unlock(struct mailbox *mb)
{
    journal_unlock(&mb->folder.journal);
}

int
mailbox_write(struct mailbox *mb, const struct strbuf *record, bool hold)
{
    struct record rec;
    uint32_t need;
    uint64_t at = mb->view.offset;
    int rc;

    if (journal_append(&mb->folder.journal, at, record, hold) < 0)
        return -1;
    if (record_parse(strbuf_slice(record), at, &rec, &need) != RECORD_OK) {
        errno = EBADMSG;
        return -1;
    }
    mb->own_record = true;
    rc = take_record(mb, &rec);
    mb->own_record = false;
    mb->own_end = rec.end;
    return rc;
}

/* ---- flushing ---- */

int
mailbox_make_durable(struct mailbox *mb, uint64_t record_end)
{
    if (journal_flush(&mb->folder.journal) < 0)
        return -1;
    journal_mark(&mb->folder.journal, record_end);
    mb->flush_due_ms = 0;
    return 0;
}

int
mailbox_flush(struct mailbox *mb)
{
    return mb->flush_due_ms == 0 ? 0 : mailbox_make_durable(mb, mb->own_end);
}

int
mailbox_flush_due_ms(const struct mailbox *mb)
{
    int64_t left;

    if (mb->flush_due_ms == 0)
        return -1;
    left = mb->flush_due_ms - clock_mono_ms();
    return left > 0 ? (int)left : 0;
}

/* ---- sync ---- */

/* On a full disk what waits to be adopted or settled waits on; the rest can be read, and removed.
 */
static bool
out_of_room(void)
{
    return errno == ENOSPC || errno == EDQUOT;
}

/* Finds out how far the journal is settled; does it itself when the writer seems to be gone. */
static int
look_at_settled(struct mailbox *mb)
{
    struct journal_tail tail;

    if (!mb->saw_lasting && !mb->unsettled)
        return 0;
    if (journal_tail_read(&mb->folder.journal, &tail) < 0)
        return errno == EAGAIN ? 0 : -1;
    if (tail.unsettled) {
        if ((settle_folder(&mb->folder) < 0 && !out_of_room()) || mailbox_catch_up(mb) < 0 ||
            journal_tail_read(&mb->folder.journal, &tail) < 0)
            return errno == EAGAIN ? 0 : -1;
    }
    mb->saw_lasting = false;
    mb->unsettled = settle_is_open(&mb->folder.journal, &tail);
    mb->settled_offset = tail.settled;
    mb->settled_modseq = tail.settled_state.modseq;
    mb->settled_uidnext = mb->unsettled ? tail.settled_state.uidnext : UINT32_MAX;
    return 0;
}

int
mailbox_watch(const struct mailbox *mb, struct watch *watch)
{
    return watch_directory(watch, mb->folder.dirfd);
}

void
mailbox_wake(struct mailbox *mb)
{
    mb->new_checked_ms = 0;
}

static int
look_for_new(struct mailbox *mb)
{
    int64_t now = clock_mono_ms();

    if (!mb->folder.journal.writable ||
        (mb->new_checked_ms != 0 && now - mb->new_checked_ms < NEW_CHECK_MS))
        return 0;
    mb->new_checked_ms = now;
    return adopt_new(&mb->folder) < 0 && !out_of_room() && errno != ENOENT ? -1 : 0;
}

/* Takes settled ghosts out of the sequence numbers. */
static void
report_expunged(struct mailbox *mb, struct mailbox_changes *c)
{
    uint32_t kept = 0, removed = 0;

    if (c != NULL && mb->ghost_count > 0) {
        c->expunged = xreallocarray(NULL, mb->ghost_count, sizeof(*c->expunged));
        c->expunged_uids = xreallocarray(NULL, mb->ghost_count, sizeof(*c->expunged_uids));
    }
    for (uint32_t i = 0; i < mb->ghost_count; i++) {
        struct ghost g = mb->ghosts[i];

        g.seq -= removed;
        if (mb->unsettled && g.record_end > mb->settled_offset) {
            mb->ghosts[kept++] = g;
            continue;
        }
        if (c != NULL) {
            c->expunged[removed] = g.seq;
            c->expunged_uids[removed] = g.m.uid;
        }
        removed++;
    }
    mb->ghost_count = kept;
    mb->visible -= removed;
    if (c != NULL)
        c->expunged_count = removed;
    if (kept == 0) {
        xfree(&mb->ghosts);
        mb->ghost_cap = 0;
    }
}

static void
report_changed(struct mailbox *mb, struct mailbox_changes *c)
{
    struct uid_list *list = &mb->changed;
    uint32_t kept = 0;

    if (c != NULL && list->count > 0) {
        c->changed = xreallocarray(NULL, list->count, sizeof(*c->changed));
        for (uint32_t i = 0; i < list->count; i++) {
            uint32_t seq = mailbox_seq_of_uid(mb, list->uids[i]);

            if (seq != 0 && seq <= c->old_count)
                c->changed[kept++] = seq;
        }
        qsort(c->changed, kept, sizeof(*c->changed), compare_u32);
        for (uint32_t i = 0; i < kept; i++)
            if (i == 0 || c->changed[i] != c->changed[i - 1])
                c->changed[c->changed_count++] = c->changed[i];
    }
    xfree(&list->uids);
    list->count = list->cap = 0;
}

/* Announces what has arrived and is settled. */
static void
show_arrivals(struct mailbox *mb)
{
    uint32_t live = view_rank_at_or_above(&mb->view, mb->settled_uidnext) - 1;
    uint32_t seq = live == 0 ? 0 : mailbox_seq_of_rank(mb, live);

    if (seq > mb->visible)
        mb->visible = seq;
}

int
mailbox_sync(struct mailbox *mb, bool allow_expunge, struct mailbox_changes *changes)
{
    if (changes != NULL)
        *changes = (struct mailbox_changes){0};
    if (mailbox_flush_due_ms(mb) == 0 && mailbox_flush(mb) < 0)
        return -1;
    if (look_for_new(mb) < 0 || mailbox_catch_up(mb) < 0 || look_at_settled(mb) < 0)
        return -1;
    if (allow_expunge && mb->ghost_count > 0)
        report_expunged(mb, changes);
    if (changes != NULL)
        changes->old_count = mb->visible;
    show_arrivals(mb);
    if (claim(mb) < 0 && errno != EDQUOT && errno != ENOSPC)
        return -1;
    if (mb->changed.count > 0)
        report_changed(mb, changes);
    if (changes != NULL)
        changes->new_count = mb->visible;
    return 0;
}

void
mailbox_changes_free(struct mailbox_changes *changes)
{
    xfree(&changes->expunged);
    xfree(&changes->expunged_uids);
    xfree(&changes->changed);
}
