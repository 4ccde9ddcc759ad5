/*
 * lib/store/settle.c - finishes what a writer began and did not live to finish.
 *
 * A record with arrivals or expunges counts once its writer has flushed it and marked it. When the
 * mark is not there and nobody holds the record, the next who looks does the writer's work: voids
 * arrivals whose file a power cut took, completes a MOVE in its source folder, flushes, marks.
 */
#include "lib/store/settle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/store/beneath.h"
#include "lib/store/ledger.h"
#include "lib/store/mailbox_private.h"
#include "lib/store/message_file.h"

struct open_records {
    const struct folder *folder;
    struct uid_list lost; /* arrivals without a file */
    uint64_t *ends;       /* of the records to mark */
    size_t count, cap;
    bool complete_moves; /* first pass: without the lock */
};

static bool
listed(const struct uid_list *list, uint32_t uid)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->uids[i] == uid)
            return true;
    return false;
}

static struct slice
own_name(const struct folder *f)
{
    return f->inbox ? SLICE("INBOX") : slice_of(f->name);
}

/* The destination has the messages: they leave the source. Whoever cannot do that now leaves the
 * record unsettled; nobody sees the copies until then. */
static int
complete_move(const struct folder *f, const struct item *origin)
{
    bool within = strcmp(f->journal.header.mailbox_id, origin->mailbox_id) == 0;
    struct mailbox *source;
    struct uid_list uids = {0};
    int rc = 0;

    if (!within && f->store->options.guest != NULL) {
        errno = EXDEV; /* the other folder is the owner's, and out of reach */
        return -1;
    }
    /* A guest moved within the one folder that it has, and calls it by another name than others. */
    source = mailbox_open_plain(f->store, within ? own_name(f) : origin->text, false);
    if (source == NULL) /* renamed or removed meanwhile: then it is a copy */
        return errno == ENOENT || errno == EINVAL ? 0 : -1;
    if (strcmp(source->folder.journal.header.mailbox_id, origin->mailbox_id) == 0) {
        for (uint32_t i = 0; i < origin->range_count; i++) {
            struct uid_range r = item_range(origin, i);
            uint32_t rank = view_rank_at_or_above(&source->view, r.first);

            for (; rank <= view_count(&source->view); rank++) {
                uint32_t uid = view_at(&source->view, rank)->m.uid;

                if (uid > r.last)
                    break;
                (void)uid_list_add(&uids, uid); /* never fails: xrealloc */
            }
        }
        rc = uids.count == 0 ? 0 : mailbox_expunge_uids(source, uids.uids, NULL, uids.count);
    }
    xfree(&uids.uids);
    mailbox_close(&source);
    return rc;
}

static void
note_removed(struct open_records *o, const struct item *item)
{
    for (uint32_t i = 0; i < item->range_count; i++) {
        struct uid_range r = item_range(item, i);
        uint32_t kept = 0;

        for (uint32_t k = 0; k < o->lost.count; k++)
            if (o->lost.uids[k] < r.first || o->lost.uids[k] > r.last)
                o->lost.uids[kept++] = o->lost.uids[k];
        o->lost.count = kept;
    }
}

static int
look_at_record(void *arg, const struct record *rec)
{
    struct open_records *o = arg;
    bool open = (rec->flags & RECORD_LASTING) != 0 && !rec->marked;
    struct item item;
    size_t at = 0;

    while (record_next_item(rec, &at, &item) > 0) {
        if (open && item.type == ITEM_ORIGIN && o->complete_moves &&
            complete_move(o->folder, &item) < 0)
            return -1;
        if (open && item.type == ITEM_ARRIVE &&
            !message_file_exists(o->folder->dirfd, item.arrival.name, item.arrival.m.size) &&
            !listed(&o->lost, item.arrival.m.uid))
            (void)uid_list_add(&o->lost, item.arrival.m.uid); /* never fails: xrealloc */
        if (item.type == ITEM_EXPUNGE || item.type == ITEM_VOID)
            note_removed(o, &item);
    }
    if (open) {
        if (o->count == o->cap) {
            o->cap = o->cap == 0 ? 8 : o->cap * 2;
            o->ends = xreallocarray(o->ends, o->cap, sizeof(*o->ends));
        }
        o->ends[o->count++] = rec->end;
    }
    return 0;
}

static void
open_records_free(struct open_records *o)
{
    xfree(&o->lost.uids);
    xfree(&o->ends);
    o->lost.count = o->lost.cap = 0;
    o->count = o->cap = 0;
}

static int
read_open_records(struct folder *f, const struct journal_tail *tail, struct open_records *o)
{
    uint64_t end;

    return journal_read(&f->journal, tail->settled, tail->end, look_at_record, o, &end);
}

/* Takes lost arrivals out of the journal: they never were. */
static int
void_lost(struct folder *f, const struct open_records *o)
{
    struct mailbox *mb;
    int rc;

    if (o->lost.count == 0)
        return 0;
    mb = mailbox_open_plain(f->store, own_name(f), false);
    if (mb == NULL)
        return -1;
    rc = mailbox_void_lost(mb, o->lost.uids, o->lost.count);
    mailbox_close(&mb);
    return rc;
}

bool
settle_is_open(const struct journal *j, const struct journal_tail *tail)
{
    return tail->unsettled && (j->writable || journal_is_held(j, tail->settled));
}

int
settle_folder(struct folder *f)
{
    struct open_records o = {.folder = f, .complete_moves = true};
    struct journal_tail tail;
    int rc = journal_tail_read(&f->journal, &tail);

    if (rc < 0 || !tail.unsettled || !f->journal.writable ||
        journal_is_held(&f->journal, tail.settled))
        return rc;
    rc = read_open_records(f, &tail, &o);
    if (rc == 0)
        rc = void_lost(f, &o);
    if (rc == 0)
        rc = beneath_sync_dir(f->dirfd, "cur");
    if (rc == 0) /* the writer may have ended because its flush failed */
        rc = journal_write_again(&f->journal, tail.settled, tail.end);
    if (rc == 0)
        rc = journal_flush(&f->journal);
    for (size_t i = 0; i < o.count && rc == 0; i++)
        journal_mark(&f->journal, o.ends[i]);
    /* Whoever died here may have died before it counted. */
    if (rc == 0 && o.count > 0 && ledger_verify(f->store, 0) < 0)
        f->store->ledger_verified = false; /* tried again at the next change */
    open_records_free(&o);
    return rc < 0 && errno == EXDEV ? 0 : rc; /* left to a session of the owner's */
}
