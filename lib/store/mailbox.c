/*
 * lib/store/mailbox.c - an open folder as a session sees it: opening, figures, messages.
 *
 * Touches the folder's own directory alone. mailbox_sync.c keeps the view up to date,
 * mailbox_change.c and its neighbours change it.
 */
#include "lib/store/mailbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/store/adopt.h"
#include "lib/store/compact.h"
#include "lib/store/expunged.h"
#include "lib/store/index_file.h"
#include "lib/store/mailbox_private.h"
#include "lib/store/message_file.h"
#include "lib/store/settle.h"
#include "lib/store/sweep.h"
#include "lib/store/work.h"

/* ---- opening and closing ---- */

struct mailbox *
mailbox_open_plain(struct store *store, struct slice name, bool read_only)
{
    struct mailbox *mb = xcalloc(1, sizeof(*mb));

    mb->read_only = read_only || store->options.read_only;
    if (folder_open(&mb->folder, store, name) == 0) {
        if (view_load(&mb->view, &mb->folder.journal) == 0) {
            mb->settled_uidnext = UINT32_MAX;
            mb->visible = view_count(&mb->view);
            return mb;
        }
        folder_close(&mb->folder);
    }
    xfree(&mb);
    return NULL;
}

struct mailbox *
mailbox_open(struct store *store, struct slice name, bool read_only, bool claim_recent)
{
    struct mailbox *mb = mailbox_open_plain(store, name, read_only);

    if (mb == NULL)
        return NULL;
    mb->claim_recent = claim_recent;
    mb->visible = 0;
    mb->saw_lasting = true;
    if (mailbox_sync(mb, true, NULL) == 0) {
        mb->keywords_changed = false; /* whoever opens asks for all */
        return mb;
    }
    mailbox_close(&mb);
    return NULL;
}

void
mailbox_close(struct mailbox **mbp)
{
    struct mailbox *mb = *mbp;
    int saved = errno;

    if (mb == NULL)
        return;
    mailbox_tidy(mb);
    if (mb->flush_due_ms != 0)
        (void)mailbox_flush(mb); /* a failure leaves what a power cut would: younger flags */
    if (!mb->read_only && compact_due(mb) && compact_journal(mb) == 0)
        sweep_folder(mb); /* neither done: the next session tries again */
    else if (mb->folder.journal.writable && index_file_due(&mb->view))
        (void)index_file_write(&mb->view, &mb->folder.journal); /* the next session reads more */
    /* Without days this may be one who does not know them: what waits is left alone. */
    if (!mb->read_only && mb->folder.store->options.undelete_days > 0 &&
        !mb->folder.store->expunged_swept) {
        mb->folder.store->expunged_swept = true;
        expunged_sweep(mb->folder.store, EXPUNGED_SWEEP);
    }
    if (!mb->read_only && mb->folder.store->options.undelete_days > 0 && !mb->folder.inbox)
        expunged_sweep_at(mb->folder.dirfd, mb->folder.store->options.undelete_days,
                          EXPUNGED_SWEEP);
    cache_free(&mb->cache);
    mailbox_forget_ahead(mb);
    view_free(&mb->view);
    folder_close(&mb->folder);
    xfree(&mb->ghosts);
    xfree(&mb->changed.uids);
    xfree(&mb->recents);
    xfree(mbp);
    errno = saved;
}

bool
mailbox_is_removed(const struct mailbox *mb)
{
    struct stat st;

    return fstatat(mb->folder.dirfd, JOURNAL_NAME, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
}

int
mailbox_check_place(const struct mailbox *mb)
{
    uint64_t size;
    bool replaced;

    if (journal_look(&mb->folder.journal, &size, &replaced) < 0 && errno == EREMOTE)
        return -1;
    return replaced ? folder_check_store(mb->folder.store) : 0;
}

/* ---- sequence numbers: live messages by rank, ghosts between them ---- */

static uint32_t
ghosts_before(const struct mailbox *mb, uint32_t seq)
{
    uint32_t low = 0, high = mb->ghost_count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (mb->ghosts[mid].seq < seq)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

uint32_t
mailbox_rank_of_seq(const struct mailbox *mb, uint32_t seq)
{
    uint32_t before = ghosts_before(mb, seq);

    if (before < mb->ghost_count && mb->ghosts[before].seq == seq)
        return 0;
    return seq - before;
}

/* Ghost i stands before live rank r if ghosts[i].seq - i <= r, and that never falls with i. */
uint32_t
mailbox_seq_of_rank(const struct mailbox *mb, uint32_t rank)
{
    uint32_t low = 0, high = mb->ghost_count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (mb->ghosts[mid].seq - mid <= rank)
            low = mid + 1;
        else
            high = mid;
    }
    return rank + low;
}

uint32_t
mailbox_count(const struct mailbox *mb)
{
    return mb->visible;
}

const struct message *
mailbox_message(const struct mailbox *mb, uint32_t seq)
{
    uint32_t rank;

    assert_always(seq >= 1 && seq <= mb->visible);
    rank = mailbox_rank_of_seq(mb, seq);
    return rank == 0 ? &mb->ghosts[ghosts_before(mb, seq)].m : &view_at(&mb->view, rank)->m;
}

bool
mailbox_is_expunged(const struct mailbox *mb, uint32_t seq)
{
    return mailbox_rank_of_seq(mb, seq) == 0;
}

/* Among the ghosts: the first whose UID is `uid` or above. */
static uint32_t
ghost_at_or_above(const struct mailbox *mb, uint32_t uid)
{
    uint32_t i = 0;

    while (i < mb->ghost_count && mb->ghosts[i].m.uid < uid)
        i++;
    return i;
}

uint32_t
mailbox_seq_at_or_above(const struct mailbox *mb, uint32_t uid)
{
    uint32_t seq = mailbox_seq_of_rank(mb, view_rank_at_or_above(&mb->view, uid));
    uint32_t ghost = ghost_at_or_above(mb, uid);

    if (ghost < mb->ghost_count && mb->ghosts[ghost].seq < seq)
        seq = mb->ghosts[ghost].seq;
    return seq <= mb->visible ? seq : mb->visible + 1;
}

uint32_t
mailbox_seq_of_uid(const struct mailbox *mb, uint32_t uid)
{
    uint32_t seq = mailbox_seq_at_or_above(mb, uid);

    return seq <= mb->visible && mailbox_message(mb, seq)->uid == uid ? seq : 0;
}

const char *
mailbox_keyword(const struct mailbox *mb, unsigned bit)
{
    return bit < MAILBOX_KEYWORDS_MAX ? mb->view.keywords[bit] : NULL;
}

bool
mailbox_keywords_changed(struct mailbox *mb)
{
    bool changed = mb->keywords_changed;

    mb->keywords_changed = false;
    return changed;
}

/* ---- figures ---- */

static void
fill_info(struct mailbox_info *info, const struct journal *j, const struct record_state *s)
{
    *info = (struct mailbox_info){
        .uidvalidity = j->header.uidvalidity,
        .uidnext = s->uidnext == 0 ? 1 : s->uidnext,
        .count = s->count,
        .recent = s->recent,
        .unseen = s->unseen,
        .highest_modseq = s->modseq == 0 ? 1 : s->modseq,
        .bytes = s->bytes,
    };
    memcpy(info->mailbox_id, j->header.mailbox_id, sizeof(info->mailbox_id));
}

/* The highest MODSEQ up to which this session knows all that happened: with a higher one a client
 * would never ask for what it is told later. */
static uint64_t
known_modseq(const struct mailbox *mb)
{
    uint64_t known = mb->view.state.modseq;

    if (mb->unsettled && mb->settled_modseq < known)
        known = mb->settled_modseq;
    for (uint32_t i = 0; i < mb->ghost_count; i++)
        if (mb->ghosts[i].modseq <= known)
            known = mb->ghosts[i].modseq - 1;
    return known == 0 ? 1 : known;
}

bool
mailbox_modseq_is_held(const struct mailbox *mb)
{
    return known_modseq(mb) < mb->view.state.modseq;
}

void
mailbox_get_info(const struct mailbox *mb, struct mailbox_info *info)
{
    struct view *v = (struct view *)&mb->view; /* moves a hint, nothing that can be seen */
    uint32_t first;

    fill_info(info, &mb->folder.journal, &mb->view.state);
    if (mb->settled_uidnext < info->uidnext)
        info->uidnext = mb->settled_uidnext;
    info->count = mb->visible;
    info->highest_modseq = known_modseq(mb);
    info->unseen = mb->view.unseen;
    for (uint32_t rank = view_count(v); rank > 0; rank--) {
        const struct message *m = &view_at(v, rank)->m;

        if (mailbox_seq_of_rank(mb, rank) <= mb->visible)
            break;
        info->unseen -= (m->flags & MESSAGE_SEEN) == 0;
    }
    info->bytes = mb->view.bytes;
    info->recent = 0;
    for (uint32_t i = 0; i < mb->recent_count; i++)
        info->recent += mailbox_seq_at_or_above(mb, mb->recents[i].last + 1) -
                        mailbox_seq_at_or_above(mb, mb->recents[i].first);
    first = view_first_unseen(v);
    if (first != 0)
        info->first_unseen_seq = mailbox_seq_of_rank(mb, first);
    if (info->first_unseen_seq > mb->visible)
        info->first_unseen_seq = 0;
}

/* On a full disk a folder can be read, and emptied, all the same. */
static bool
out_of_room(void)
{
    return errno == ENOSPC || errno == EDQUOT;
}

int
mailbox_status(struct store *store, struct slice name, struct mailbox_info *info)
{
    struct folder f;
    struct journal_tail tail;
    int rc;

    if (folder_open(&f, store, name) < 0)
        return -1;
    rc = store->options.read_only ? 0 : adopt_new(&f);
    if (rc >= 0 || out_of_room())
        rc = settle_folder(&f);
    if (rc >= 0 || out_of_room())
        rc = journal_tail_read(&f.journal, &tail);
    if (rc == 0)
        fill_info(info, &f.journal,
                  settle_is_open(&f.journal, &tail) ? &tail.settled_state : &tail.state);
    folder_close(&f);
    return rc;
}

/* ---- a message's file ---- */

#define AHEAD 8192          /* bytes of the journal that one read brings */
#define AHEAD_DISTANCE 1024 /* arrivals so close to each other are asked for in turn */

/* The item at `offset`, from what was read ahead of the last one; who reads a folder message by
 * message reads the journal in few steps then. Items never change. -1: the plain way, then. */
static int
read_ahead(struct mailbox *mb, uint64_t offset, struct strbuf *buf, struct item *item)
{
    const struct journal *j = &mb->folder.journal;
    struct journal_window *w = &mb->ahead;
    uint64_t last = mb->last_item;

    mb->last_item = offset;
    if (offset <= last || offset - last > AHEAD_DISTANCE || offset >= mb->view.offset)
        return -1;
    if (mb->ahead_generation != j->header.generation || offset < w->base ||
        offset - w->base >= w->len || w->len - (offset - w->base) < AHEAD_DISTANCE) {
        w->len = 0;
        if (journal_window_fill(j, w, offset, mb->view.offset, AHEAD) < 0) {
            w->len = 0;
            return -1;
        }
        mb->ahead_generation = j->header.generation;
    }
    strbuf_clear(buf);
    if (!strbuf_append(buf, slice_sub(slice_make(w->buf, w->len), (size_t)(offset - w->base),
                                      (size_t)(offset - w->base) + JOURNAL_ITEM_MAX)))
        return -1;
    return item_parse(strbuf_slice(buf), offset, item) == 0 && item->type == ITEM_ARRIVE ? 0 : -1;
}

void
mailbox_forget_ahead(struct mailbox *mb)
{
    xfree(&mb->ahead.buf);
    mb->ahead = (struct journal_window){0};
}

int
mailbox_read_arrival(struct mailbox *mb, uint32_t rank, struct strbuf *buf, struct arrival *arrival)
{
    const struct view_entry *e = rank == 0 ? NULL : view_at(&mb->view, rank);
    struct item item;

    if (e == NULL) {
        errno = ENOENT;
        return -1;
    }
    if (read_ahead(mb, e->item, buf, &item) < 0 &&
        journal_read_item(&mb->folder.journal, e->item, buf, &item) < 0)
        return -1;
    if (item.type != ITEM_ARRIVE || item.arrival.m.uid != e->m.uid) {
        errno = EBADMSG;
        return -1;
    }
    *arrival = item.arrival;
    return 0;
}

int
mailbox_open_message(struct mailbox *mb, uint32_t seq)
{
    struct strbuf buf = strbuf_new(ITEM_MAX);
    struct arrival arrival;
    int fd = -1;

    store_work()->messages_read++;
    if (mailbox_read_arrival(mb, mailbox_rank_of_seq(mb, seq), &buf, &arrival) == 0)
        fd = message_file_open(mb->folder.dirfd, arrival.name);
    if (fd < 0 && errno == ENOENT && mailbox_check_place(mb) == 0)
        errno = ENOENT;
    strbuf_free(&buf);
    return fd;
}

int
mailbox_message_facts(struct mailbox *mb, uint32_t seq, struct message_facts *out)
{
    struct strbuf buf = strbuf_new(ITEM_MAX);
    struct arrival arrival;
    int rc = mailbox_read_arrival(mb, mailbox_rank_of_seq(mb, seq), &buf, &arrival);

    *out = (struct message_facts){0};
    if (rc == 0) {
        out->saved_ms = arrival.saved_ms;
        out->crc = arrival.crc;
        memcpy(out->email_id, arrival.email_id.ptr, arrival.email_id.len);
    }
    strbuf_free(&buf);
    return rc;
}

int
mailbox_unique_name(struct mailbox *mb, uint32_t seq, struct strbuf *out)
{
    const struct message *m = mailbox_message(mb, seq);
    struct strbuf buf;
    struct arrival arrival;
    int rc = -1;

    if ((m->flags & MESSAGE_NAMED) == 0)
        return strbuf_printf(out, "%08x%08x", mb->folder.journal.header.uidvalidity, m->uid) ? 0
                                                                                             : -1;
    buf = strbuf_new(ITEM_MAX);
    if (mailbox_read_arrival(mb, mailbox_rank_of_seq(mb, seq), &buf, &arrival) == 0)
        rc = strbuf_append(out, arrival.unique) ? 0 : -1;
    strbuf_free(&buf);
    return rc;
}

/* ---- the cache ---- */

static struct cache *
get_cache(struct mailbox *mb)
{
    if (mb->cache == NULL)
        mb->cache = cache_new(mb->folder.dirfd, mb->folder.journal.header.uidvalidity,
                              mb->folder.store->options.read_only);
    return mb->cache;
}

int
mailbox_dirfd(const struct mailbox *mb)
{
    return mb->folder.dirfd;
}

bool
mailbox_cache_get(struct mailbox *mb, uint32_t uid, enum mailbox_cache_kind kind, struct slice *out)
{
    return cache_get(get_cache(mb), uid, kind, out);
}

void
mailbox_cache_put(struct mailbox *mb, uint32_t uid, enum mailbox_cache_kind kind,
                  struct slice value)
{
    store_work()->cache_misses++;
    cache_put(get_cache(mb), uid, kind, value);
}
