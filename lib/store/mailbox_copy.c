/*
 * lib/store/mailbox_copy.c - COPY and MOVE: the message files are linked, not copied.
 *
 * MOVE in three flushes: the links and the arrivals in the destination, then the expunge in the
 * source; the arrivals are settled (and so can be seen) only after that. A crash in between leaves
 * them unsettled, with a note where they came from: settle.c completes the move.
 *
 * No two folders are locked at a time, so another session may change flags in the source after the
 * copy. The expunge, under the source's lock, compares MODSEQs and is put off when they are others:
 * the copies get the new flags first.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/store/arrivals.h"
#include "lib/store/ledger.h"
#include "lib/store/mailbox_private.h"
#include "lib/store/message_file.h"

#define CARRY_ROUNDS 100 /* of changes by others that a MOVE waits out; then it goes without */

static void
copy_keywords(const struct mailbox *mb, uint64_t bits, struct incoming *in)
{
    arrivals_drop_keywords(in);
    if (bits == 0)
        return;
    in->keywords = xcalloc(MAILBOX_KEYWORDS_MAX, sizeof(*in->keywords));
    for (unsigned bit = 0; bit < MAILBOX_KEYWORDS_MAX; bit++)
        if ((bits >> bit & 1) != 0 && mb->view.keywords[bit] != NULL)
            in->keywords[in->keyword_count++] = xstrdup(mb->view.keywords[bit]);
}

/* The copy gets the flags of `m`, as far as this session may give them. */
static void
copy_flags(const struct mailbox *mb, const struct message *m, const struct arrivals *to,
           struct incoming *in)
{
    uint32_t frozen = to->folder->store->options.flags_frozen;

    in->arrival.m.flags = m->flags & ~frozen;
    copy_keywords(mb, (frozen & MESSAGE_KEYWORDS) == 0 ? m->keywords : 0, in);
}

/* Links one message's file into the destination's cur/. */
static int
link_message(struct mailbox *mb, uint32_t seq, struct arrivals *to)
{
    struct strbuf buf = strbuf_new(ITEM_MAX);
    uint32_t rank = seq == 0 || seq > mb->visible ? 0 : mailbox_rank_of_seq(mb, seq);
    struct arrival from;
    struct incoming *in;
    int rc;

    /* ENOENT: expunged by another session meanwhile */
    if (mailbox_read_arrival(mb, rank, &buf, &from) < 0) {
        strbuf_free(&buf);
        return -1;
    }
    in = arrivals_add(to);
    in->arrival.m = view_at(&mb->view, rank)->m;
    copy_flags(mb, &in->arrival.m, to, in);
    in->arrival.saved_ms = clock_real_ms();
    in->arrival.crc = from.crc;
    memcpy(in->email_id, from.email_id.ptr, from.email_id.len);
    to->bytes += from.m.size;
    if (to->count == 1)
        folder_file_name(in->name, from.m.size);
    else
        folder_file_name_like(in->name, to->list[0].name, to->count, from.m.size);
    rc = message_file_link(mb->folder.dirfd, from.name, from.m.size, to->folder->dirfd, in->name);
    if (rc < 0)
        in->name[0] = '\0';
    strbuf_free(&buf);
    return rc;
}

struct moved {
    uint32_t uid; /* in the source */
    uint32_t at;  /* its copy in the list of arrivals */
    uint64_t modseq;
};

struct origin {
    struct uid_range *ranges;
    uint32_t count;
    uint32_t *uids; /* ascending, and of each: */
    uint64_t *modseqs;
    uint32_t *at; /* its copy's place in the list of arrivals */
};

static int
by_uid(const void *a, const void *b)
{
    const struct moved *x = a, *y = b;

    return x->uid < y->uid ? -1 : x->uid > y->uid;
}

/* Which messages a MOVE takes: single UIDs as ranges, for what lies between is not known here. */
static void
note_origin(const struct mailbox *mb, const uint32_t *seqs, uint32_t count, struct origin *o)
{
    struct moved *list = xreallocarray(NULL, count, sizeof(*list));

    o->uids = xreallocarray(NULL, count, sizeof(*o->uids));
    o->modseqs = xreallocarray(NULL, count, sizeof(*o->modseqs));
    o->at = xreallocarray(NULL, count, sizeof(*o->at));
    o->ranges = xreallocarray(NULL, count, sizeof(*o->ranges));
    for (uint32_t i = 0; i < count; i++) {
        const struct message *m = mailbox_message(mb, seqs[i]);

        list[i] = (struct moved){m->uid, i, m->modseq};
    }
    qsort(list, count, sizeof(*list), by_uid);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t uid = o->uids[i] = list[i].uid;

        o->modseqs[i] = list[i].modseq;
        o->at[i] = list[i].at;
        if (o->count > 0 && uid <= o->ranges[o->count - 1].last + 1)
            o->ranges[o->count - 1].last = uid;
        else
            o->ranges[o->count++] = (struct uid_range){uid, uid};
    }
    xfree(&list);
}

static void
origin_free(struct origin *o)
{
    xfree(&o->ranges);
    xfree(&o->uids);
    xfree(&o->modseqs);
    xfree(&o->at);
}

/* What another session did to the messages is taken along, told to the client or not. */
static int
catch_up(struct mailbox *mb)
{
    if (mailbox_catch_up(mb) == 0)
        return 0;
    if (errno == ESTALE) /* the folder is gone, and with it the messages */
        errno = ENOENT;
    return -1;
}

static int
check_copy(struct mailbox *mb, const uint32_t *seqs, uint32_t count, bool move)
{
    const struct store_options *o = &mb->folder.store->options;
    uint64_t bytes = 0;

    if (o->read_only || (move && (!o->may_remove || mb->read_only))) {
        errno = EACCES;
        return -1;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (seqs[i] == 0 || seqs[i] > mb->visible) {
            errno = ENOENT;
            return -1;
        }
        bytes += mailbox_message(mb, seqs[i])->size;
    }
    return move ? 0
                : ledger_check_quota(mb->folder.store, &mb->folder.store->options, bytes, count);
}

/* What another session changed since the copy: nobody has seen the copies, they get it, too. */
static int
carry_flags(const struct mailbox *mb, struct arrivals *to, struct origin *o)
{
    for (uint32_t i = 0; i < to->count; i++) {
        uint32_t rank = view_rank_at_or_above(&mb->view, o->uids[i]);
        const struct message *m =
            rank <= view_count(&mb->view) ? &view_at(&mb->view, rank)->m : NULL;

        if (m == NULL || m->uid != o->uids[i] || m->modseq == o->modseqs[i])
            continue;
        copy_flags(mb, m, to, &to->list[o->at[i]]);
        o->modseqs[i] = m->modseq;
    }
    return arrivals_write_flags(to);
}

/* The messages leave the source as they were copied. */
static int
leave_source(struct mailbox *mb, struct arrivals *to, struct origin *o)
{
    int rc = 1;

    for (unsigned round = 0; rc == 1; round++) {
        rc = mailbox_expunge_uids(mb, o->uids, round < CARRY_ROUNDS ? o->modseqs : NULL, to->count);
        if (rc == 1 && carry_flags(mb, to, o) < 0)
            rc = -1;
    }
    return rc;
}

/* The arrivals, and what a MOVE (`origin`) needs then: they are settled when the source is. A
 * message that is moved counts once at any time, or not at all for a moment. */
static int
commit(struct mailbox *mb, struct arrivals *to, struct origin *origin, struct mailbox_uids *uids)
{
    struct store *store = mb->folder.store;
    uint64_t record_end;
    int rc;

    ledger_begin(store);
    rc = arrivals_commit(to, &record_end, uids);
    if (rc == 0 && origin != NULL)
        rc = leave_source(mb, to, origin);
    if (rc == 0 && (origin == NULL || to->folder->inbox ||
                    ledger_add(store, (int64_t)to->bytes, to->count) == 0))
        journal_mark(&to->folder->journal, record_end);
    ledger_end(store);
    return rc;
}

int
mailbox_copy(struct mailbox *mb, const uint32_t *seqs, uint32_t count, struct slice folder,
             bool move, struct mailbox_uids *uids)
{
    struct folder target;
    struct arrivals to = {.folder = &target};
    struct origin origin = {0};
    int rc = 0;

    *uids = (struct mailbox_uids){0};
    if (catch_up(mb) < 0 || check_copy(mb, seqs, count, move) < 0 ||
        folder_open(&target, mb->folder.store, folder) < 0)
        return -1;
    for (uint32_t i = 0; i < count && rc == 0; i++)
        rc = link_message(mb, seqs[i], &to);
    if (rc < 0)
        arrivals_take_back(&to);
    if (rc == 0 && move) {
        note_origin(mb, seqs, count, &origin);
        to.origin_ranges = origin.ranges;
        to.origin_count = origin.count;
        to.origin_id = mb->folder.journal.header.mailbox_id;
        to.origin_folder = slice_of(mb->folder.name);
    }
    if (rc == 0 && count > 0)
        rc = commit(mb, &to, move ? &origin : NULL, uids);
    if (rc < 0)
        xfree(&uids->uids);
    origin_free(&origin);
    arrivals_free(&to);
    folder_close(&target);
    return rc;
}
