/*
 * lib/store/delivery.c - one message file into many mailboxes, with few flushes.
 *
 * Per mailbox: open the journal, lock, read its last record, link the file into cur/, append one
 * record, unlock. The flush comes once, at commit; then each record is marked as settled. Trusts
 * nothing below a user's directory: sessions that were taken over may have written there.
 */
#include "lib/store/delivery.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/store/beneath.h"
#include "lib/store/delivery_file.h"
#include "lib/store/folder_name.h"
#include "lib/store/ledger.h"
#include "lib/store/settle.h"

#define FEW_MAILBOXES 8 /* up to here each is flushed by itself, above it is one syncfs */
#define OPEN_SPARE 64   /* descriptors that are left to the rest of the process */
#define OPEN_MAX_ENTRIES 4096
#define LOCK_WAIT_MS 1000 /* other mailboxes wait meanwhile */

struct entry {
    struct delivery_result result;
    int journal_fd; /* -1: nothing to flush */
    int dirfd;      /* of the folder, while there are few: for the flush of cur/ */
    dev_t dev;      /* the journal's file system */
    uint64_t record_end;
};

struct delivery_batch {
    struct store_dirs dirs;
    struct entry *entries;
    size_t count, cap;
    size_t first_open;           /* entries before are flushed */
    size_t open_count, open_max; /* journals that wait for the flush */
    bool (*has_room)(void *arg, int dirfd);
    void *arg;
};

/* As many journals as the process may have open. */
static size_t
open_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < OPEN_SPARE + FEW_MAILBOXES)
        return FEW_MAILBOXES;
    limit.rlim_cur -= OPEN_SPARE;
    return limit.rlim_cur < OPEN_MAX_ENTRIES ? (size_t)limit.rlim_cur : OPEN_MAX_ENTRIES;
}

struct delivery_batch *
delivery_begin(const struct store_dirs *dirs)
{
    struct delivery_batch *b = xcalloc(1, sizeof(*b));

    b->dirs = *dirs;
    b->open_max = open_limit();
    return b;
}

/* ---- one mailbox ---- */

static bool
over_quota(const struct record_state *s, uint64_t size, uint64_t quota_bytes,
           uint64_t quota_messages)
{
    return (quota_bytes != 0 &&
            (s->user_bytes >= quota_bytes || size > quota_bytes - s->user_bytes)) ||
           (quota_messages != 0 && s->user_messages >= quota_messages);
}

static void
set_usage(struct delivery_result *r, const struct record_state *s)
{
    r->bytes = s->user_bytes;
    r->messages = s->user_messages;
}

struct delivery_quota {
    uint64_t bytes, messages;
};

/* With the journal locked and a record begun. 0, or -1 with errno; the appender is finished. */
static int
append_message(const struct delivery_message *m, struct folder *f, struct appender *a,
               struct entry *e)
{
    struct arrival arrival = {.m = {.size = m->size, .internal_ms = m->received_ms},
                              .saved_ms = clock_real_ms(),
                              .crc = m->crc,
                              .key = m->queue_id};
    char name[FILE_NAME_SIZE] = "", email_id[EMAIL_ID_SIZE];
    bool existed, was = false;
    int rc = delivery_file_place(m, f->dirfd, name, &existed);

    if (rc == 0 && existed && !m->in_doubt)
        rc = delivery_file_was_delivered(m, f, a, &e->record_end, &was);
    if (was) {
        appender_abort(a); /* nobody was in doubt, yet it was here before: not again */
        e->result.status = DELIVERY_DUPLICATE;
        return rc;
    }
    folder_email_id_of_queue(email_id, m->queue_id);
    arrival.name = slice_of(name);
    arrival.email_id = slice_of(email_id);
    if (rc == 0)
        rc = appender_arrive(a, &arrival);
    if (rc < 0) {
        appender_abort(a);
    } else {
        set_usage(&e->result, &a->state);
        e->result.uid = arrival.m.uid;
        rc = appender_commit(a);
        e->record_end = rc == 0 ? a->record_end : 0;
    }
    if (rc < 0)
        delivery_file_take_back(f, name, existed);
    return rc;
}

static int
deliver(const struct delivery_message *m, struct folder *f, const struct record_state *totals,
        const struct delivery_quota *quota, struct entry *e)
{
    struct appender a;
    const struct record_state *s = totals;
    bool was = false;
    int rc;

    f->journal.lock_wait_ms = LOCK_WAIT_MS;
    rc = appender_begin(&a, &f->journal, f->inbox, RECORD_LASTING);
    if (rc == 0 && a.tail.unsettled && a.tail.end - a.tail.settled > JOURNAL_SPAN_MAX) {
        /* No session comes here to settle what a dead delivery left. */
        appender_abort(&a);
        (void)settle_folder(f); /* else it goes on as before, and slower */
        rc = appender_begin(&a, &f->journal, f->inbox, RECORD_LASTING);
    }
    if (rc < 0)
        return -1;
    if (s == NULL)
        s = &a.tail.state;
    set_usage(&e->result, s);
    e->result.status = DELIVERY_OK;
    if (m->in_doubt)
        rc = delivery_file_was_delivered(m, f, &a, &e->record_end, &was);
    if (was)
        e->result.status = DELIVERY_DUPLICATE;
    else if (over_quota(s, m->size, quota->bytes, quota->messages))
        e->result.status = DELIVERY_OVER_QUOTA;
    else if (rc == 0)
        return append_message(m, f, &a, e);
    appender_abort(&a);
    return rc;
}

/* The totals come first, so that two deliveries at once do not pass the quota; a message that does
 * not come then is taken off again. */
static int
deliver_counted(const struct delivery_message *m, struct folder *f,
                const struct delivery_quota *quota, struct entry *e)
{
    static const struct delivery_quota no_quota;
    struct record_state totals;
    bool charged = ledger_charge(f->store, &f->store->options, m->size, 1) == 0, arrived;
    int rc;

    if ((!charged && errno != EDQUOT) || ledger_read(f->store, &totals) < 0)
        return -1;
    rc = deliver(m, f, &totals, charged ? &no_quota : quota, e);
    arrived = rc == 0 && e->result.status == DELIVERY_OK;
    if (arrived != charged) /* failing, it leaves it to the next count */
        (void)ledger_add(f->store, arrived ? (int64_t)m->size : -(int64_t)m->size,
                         arrived ? 1 : -1);
    if (rc == 0 && ledger_read(f->store, &totals) == 0)
        set_usage(&e->result, &totals);
    return rc;
}

/* Another folder than INBOX: rare (Junk), so by the general way. */
static int
deliver_to_folder(const struct delivery_message *m, struct store *store, struct slice name,
                  const struct delivery_quota *quota, struct entry *e)
{
    struct folder f;
    int rc;

    if (folder_open(&f, store, name) < 0)
        return -1;
    ledger_begin(store);
    rc = deliver_counted(m, &f, quota, e);
    ledger_end(store);
    if (rc == 0) {
        e->journal_fd = f.journal.fd;
        e->dev = f.journal.dev;
        e->dirfd = f.dirfd;
        f.journal.fd = f.dirfd = -1;
    }
    folder_close(&f);
    return rc;
}

static int
deliver_to_inbox(const struct delivery_message *m, struct store *store,
                 const struct delivery_quota *quota, struct entry *e)
{
    struct folder f = {.store = store, .dirfd = store->dirfd, .inbox = true};
    int rc = folder_open_inbox_journal(&f.journal, store->dirfd);

    if (rc == 0)
        rc = deliver(m, &f, NULL, quota, e);
    if (rc == 0) {
        e->journal_fd = f.journal.fd;
        e->dev = f.journal.dev;
        e->dirfd = store->dirfd;
        store->dirfd = -1;
    } else {
        journal_close(&f.journal);
    }
    return rc;
}

static void
close_entry(struct entry *e)
{
    close_keep_errno(e->journal_fd);
    close_keep_errno(e->dirfd);
    e->journal_fd = e->dirfd = -1;
}

/* The directory is wanted only as long as entries are flushed one by one. */
static void
keep_for_flush(struct delivery_batch *b, struct entry *e)
{
    if (e->record_end == 0) {
        close_entry(e); /* nothing to flush */
        return;
    }
    if (++b->open_count > FEW_MAILBOXES) {
        close_keep_errno(e->dirfd);
        e->dirfd = -1;
    }
}

void
delivery_ask_room(struct delivery_batch *b, bool (*has_room)(void *arg, int dirfd), void *arg)
{
    b->has_room = has_room;
    b->arg = arg;
}

size_t
delivery_add(struct delivery_batch *b, const struct delivery_message *message,
             struct slice user_path, struct slice folder, uint64_t quota_bytes,
             uint64_t quota_messages)
{
    struct delivery_quota quota = {quota_bytes, quota_messages};
    struct store store = {.options = {.may_remove = true,
                                      .quota_bytes = quota_bytes,
                                      .quota_messages = quota_messages},
                          .ledger_verified = true}; /* a session's business */
    struct entry *e;
    bool no_mailbox;
    int rc = -1;

    if (b->count == b->cap) {
        b->cap = b->cap == 0 ? 16 : b->cap * 2;
        b->entries = xreallocarray(b->entries, b->cap, sizeof(*b->entries));
    }
    e = &b->entries[b->count];
    *e = (struct entry){.journal_fd = -1, .dirfd = -1};
    store.dirfd = store_dirs_open_mail(&b->dirs, user_path, O_RDONLY);
    no_mailbox = store.dirfd < 0 && errno == ENOENT;
    if (store.dirfd >= 0 && b->has_room != NULL && !b->has_room(b->arg, store.dirfd)) {
        errno = ENOSPC;
    } else if (store.dirfd >= 0 && !slice_eq_nocase(folder, SLICE("INBOX"))) {
        rc = deliver_to_folder(message, &store, folder, &quota, e);
        if (rc < 0 && (errno == ENOENT || errno == EINVAL))
            rc = deliver_to_inbox(message, &store, &quota, e);
    } else if (store.dirfd >= 0) {
        rc = deliver_to_inbox(message, &store, &quota, e);
    }
    if (rc < 0)
        e->result = (struct delivery_result){
            .status = no_mailbox ? DELIVERY_NO_MAILBOX : DELIVERY_FAILED, .error = errno};
    close_keep_errno(store.dirfd);
    keep_for_flush(b, e);
    b->count++;
    if (b->open_count >= b->open_max)
        delivery_commit(b);
    return b->count - 1;
}

/* ---- commit ---- */

/* In this order a file system with a journal of its own commits once: with the record's block goes
 * all that came before it, the link included. */
static int
flush_one(const struct entry *e)
{
    return fdatasync(e->journal_fd) < 0 ? -1 : beneath_sync_dir(e->dirfd, "cur");
}

/* One syncfs for all, or rather one for each file system in turn: a domain may have its own. */
static int
flush_file_system(const struct entry *e, dev_t *flushed)
{
    if (e->dev == *flushed)
        return 0;
    *flushed = e->dev;
    return syncfs(e->journal_fd);
}

void
delivery_commit(struct delivery_batch *b)
{
    bool all = b->open_count > FEW_MAILBOXES;
    dev_t flushed = 0; /* no file's */
    int rc = 0, error = 0;

    for (; b->first_open < b->count; b->first_open++) {
        struct entry *e = &b->entries[b->first_open];
        struct journal j = {.fd = e->journal_fd};

        if (e->journal_fd < 0)
            continue;
        if (!all || rc == 0) {
            rc = all ? flush_file_system(e, &flushed) : flush_one(e);
            error = errno;
        }
        if (rc < 0)
            e->result = (struct delivery_result){.status = DELIVERY_FAILED, .error = error};
        else
            journal_mark(&j, e->record_end);
        close_entry(e);
    }
    b->open_count = 0;
}

const struct delivery_result *
delivery_get(const struct delivery_batch *b, size_t index)
{
    return &b->entries[index].result;
}

void
delivery_free(struct delivery_batch **batchp)
{
    struct delivery_batch *b = *batchp;

    if (b == NULL)
        return;
    for (size_t i = 0; i < b->count; i++)
        close_entry(&b->entries[i]);
    xfree(&b->entries);
    xfree(batchp);
}
