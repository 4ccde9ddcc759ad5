/*
 * lib/store/ledger.c - a user's totals, in INBOX's journal.
 *
 * Whoever changes another folder holds a shared lock (flock on the mail directory) until the change
 * is counted; whoever counts the folders holds it alone. Trusts no directory entry: what has no
 * readable journal is not counted.
 */
#include "lib/store/ledger.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/store/beneath.h"
#include "lib/store/folder_name.h"

#define HOLD_WAIT_MS 1000 /* nobody counts for that long */
#define HOLD_STEP_NS 1000000
#define GUEST_WAIT_MS 2000

/* ---- changing the totals ---- */

struct change {
    int64_t bytes, messages;
    const struct store_options *quota; /* NULL: whatever it is */
    uint32_t uidvalidity;              /* the least that will do; 0: none is wanted */
    uint32_t uidvalidity_used;         /* by a folder from elsewhere */
};

static int
apply_change(struct record_state *s, const struct change *c)
{
    if (c->quota != NULL &&
        ledger_over_quota(s, c->quota, (uint64_t)c->bytes, (uint64_t)c->messages)) {
        errno = EDQUOT;
        return -1;
    }
    s->user_bytes = appender_adjust(s->user_bytes, c->bytes);
    s->user_messages = appender_adjust(s->user_messages, c->messages);
    if (s->last_uidvalidity < c->uidvalidity_used)
        s->last_uidvalidity = c->uidvalidity_used;
    if (c->uidvalidity != 0)
        s->last_uidvalidity =
            c->uidvalidity > s->last_uidvalidity ? c->uidvalidity : s->last_uidvalidity + 1;
    return 0;
}

/* A value that runs ahead of the clock would be given out again after a power cut. And nobody else
 * flushes a ledger that is all that is written to. */
static int
flush_if_needed(const struct journal *j, const struct appender *a, const struct change *c)
{
    bool ahead = c->uidvalidity != 0 && a->state.last_uidvalidity > c->uidvalidity;

    if (!ahead && (a->tail.unsettled || a->record_end - a->tail.settled <= JOURNAL_SPAN_MAX))
        return 0;
    if (journal_flush(j) < 0)
        return -1;
    journal_mark(j, a->record_end);
    return 0;
}

/* The totals are in a directory that is not open here. */
static int
change_elsewhere(const struct store_guest *guest, const struct change *c,
                 struct record_state *result)
{
    const struct store_charge charge = {.bytes = c->bytes,
                                        .messages = c->messages,
                                        .within_quota = c->quota != NULL,
                                        .new_uidvalidity = c->uidvalidity != 0};

    return guest->charge(guest->arg, &charge, &result->last_uidvalidity);
}

static int
change_totals(const struct store *store, const struct change *c, struct record_state *result)
{
    struct journal j;
    struct appender a;
    int rc;

    if (store->options.guest != NULL)
        return change_elsewhere(store->options.guest, c, result);
    if (folder_open_inbox_journal(&j, store->dirfd) < 0)
        return -1;
    rc = appender_begin(&a, &j, true, 0);
    if (rc == 0) {
        rc = apply_change(&a.state, c);
        *result = a.state;
        if (rc < 0)
            appender_abort(&a);
        else
            rc = appender_commit(&a);
        if (rc == 0)
            rc = flush_if_needed(&j, &a, c);
    }
    journal_close(&j);
    return rc;
}

int
ledger_add(struct store *store, int64_t bytes, int64_t messages)
{
    const struct change c = {.bytes = bytes, .messages = messages};
    struct record_state result = {0};

    return change_totals(store, &c, &result);
}

int
ledger_charge(struct store *store, const struct store_options *quota, uint64_t bytes,
              uint64_t messages)
{
    const struct change c = {
        .bytes = (int64_t)bytes, .messages = (int64_t)messages, .quota = quota};
    struct record_state result = {0};

    return change_totals(store, &c, &result);
}

int
store_charge(struct store *store, const struct store_charge *charge, uint32_t *uidvalidity)
{
    const struct change c = {.bytes = charge->bytes,
                             .messages = charge->messages,
                             .quota = charge->within_quota ? &store->options : NULL,
                             .uidvalidity =
                                 charge->new_uidvalidity ? (uint32_t)(clock_real_ms() / 1000) : 0};
    struct record_state result = {0};
    bool removes = charge->bytes < 0 || charge->messages < 0;
    int rc = 0;

    /* The guest could not lock the directory: what it removed is gone from the folder, and may be
     * counted as gone already. Additions are told of beforehand. */
    if (!removes || ledger_verify(store, GUEST_WAIT_MS) < 0)
        rc = change_totals(store, &c, &result);
    *uidvalidity = charge->new_uidvalidity ? result.last_uidvalidity : 0;
    return rc;
}

int
ledger_note_uidvalidity(struct store *store, uint32_t value)
{
    const struct change c = {.uidvalidity_used = value};
    struct record_state result = {0};

    return change_totals(store, &c, &result);
}

int
ledger_new_uidvalidity(struct store *store, uint32_t *value)
{
    const struct change c = {.uidvalidity = (uint32_t)(clock_real_ms() / 1000)};
    struct record_state result = {0};

    if (change_totals(store, &c, &result) < 0)
        return -1;
    *value = result.last_uidvalidity;
    return 0;
}

/* ---- reading ---- */

int
ledger_read(const struct store *store, struct record_state *state)
{
    struct journal j;
    struct journal_tail tail;
    int rc;

    if (journal_open(&j, store->dirfd, false) < 0)
        return -1;
    rc = journal_tail_read(&j, &tail);
    *state = tail.state;
    journal_close(&j);
    return rc;
}

bool
ledger_over_quota(const struct record_state *s, const struct store_options *quota,
                  uint64_t more_bytes, uint64_t more_messages)
{
    return (quota->quota_bytes != 0 && (s->user_bytes > quota->quota_bytes ||
                                        more_bytes > quota->quota_bytes - s->user_bytes)) ||
           (quota->quota_messages != 0 &&
            (s->user_messages > quota->quota_messages ||
             more_messages > quota->quota_messages - s->user_messages));
}

int
ledger_check_quota(const struct store *store, const struct store_options *quota,
                   uint64_t more_bytes, uint64_t more_messages)
{
    struct record_state s;

    if (store->options.quota_bytes == 0 && store->options.quota_messages == 0)
        return 0;
    if (ledger_read(store, &s) < 0)
        return -1;
    if (!ledger_over_quota(&s, quota, more_bytes, more_messages))
        return 0;
    errno = EDQUOT;
    return -1;
}

/* ---- counting ---- */

/* The store's descriptor is this session's own, so its lock is, too. -1: not had in time. */
static int
lock_directory(const struct store *store, int how, int wait_ms)
{
    const struct timespec step = {.tv_nsec = HOLD_STEP_NS};
    int64_t deadline = clock_mono_ms() + wait_ms;

    while (flock(store->dirfd, how | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return -1;
        if (clock_mono_ms() >= deadline) {
            errno = EBUSY;
            return -1;
        }
        (void)nanosleep(&step, NULL); /* shorter is fine */
    }
    return 0;
}

/* Adds what one folder holds; nothing if it has no journal yet. */
static int
count_folder(int dirfd, const char *dir, struct record_state *sum)
{
    struct journal j;
    struct journal_tail tail;
    int fd = beneath_open_dir(dirfd, dir);
    int rc;

    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0 : -1;
    rc = journal_open(&j, fd, false);
    if (rc == 0) {
        rc = journal_tail_read(&j, &tail);
        if (rc == 0) {
            sum->user_bytes += tail.state.bytes;
            sum->user_messages += tail.state.count;
        }
        journal_close(&j);
    } else if (errno == ENOENT) {
        rc = 0; /* counted when it is first opened */
    }
    close_keep_errno(fd);
    return rc;
}

static int
count_folders(const struct store *store, struct record_state *sum)
{
    struct strbuf name = strbuf_new(STORE_NAME_MAX);
    int fd = beneath_open_dir(store->dirfd, ".");
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;
    int rc = 0;

    if (dir == NULL) {
        close_keep_errno(fd);
        return -1;
    }
    while (rc == 0 && (e = readdir(dir)) != NULL)
        if ((e->d_type == DT_DIR || e->d_type == DT_UNKNOWN) &&
            folder_name_from_dir(slice_of(e->d_name), &name) == 0)
            rc = count_folder(fd, e->d_name, sum);
    (void)closedir(dir); /* read only */
    strbuf_free(&name);
    return rc;
}

/* INBOX's own part is added under its lock, where it cannot change. */
static int
correct_totals(const struct store *store, const struct record_state *others)
{
    struct journal j;
    struct appender a;
    uint64_t bytes, messages;
    int rc;

    if (folder_open_inbox_journal(&j, store->dirfd) < 0)
        return -1;
    rc = appender_begin(&a, &j, true, 0);
    if (rc == 0) {
        bytes = a.state.bytes + others->user_bytes;
        messages = a.state.count + others->user_messages;
        if (bytes != a.state.user_bytes || messages != a.state.user_messages) {
            a.state.user_bytes = bytes;
            a.state.user_messages = messages;
            rc = appender_commit(&a);
        } else {
            appender_abort(&a);
        }
    }
    journal_close(&j);
    return rc;
}

int
ledger_verify(struct store *store, int wait_ms)
{
    struct record_state others = {0};
    int rc;

    if (store->options.read_only || store->options.guest != NULL || store->ledger_holds > 0) {
        errno = store->ledger_holds > 0 ? EBUSY : EACCES;
        return -1;
    }
    if (lock_directory(store, LOCK_EX, wait_ms) < 0)
        return -1;
    rc = count_folders(store, &others);
    if (rc == 0)
        rc = correct_totals(store, &others);
    if (rc == 0)
        store->ledger_verified = true;
    (void)flock(store->dirfd, LOCK_UN); /* cannot fail: we hold it */
    return rc;
}

int
ledger_compare(struct store *store, int wait_ms, struct record_state *recorded,
               struct record_state *counted)
{
    int rc;

    *counted = (struct record_state){0};
    if (lock_directory(store, LOCK_EX, wait_ms) < 0)
        return -1;
    rc = count_folders(store, counted);
    /* One record of INBOX's has both its own figures and the totals. */
    if (rc == 0)
        rc = ledger_read(store, recorded);
    if (rc == 0) {
        counted->user_bytes += recorded->bytes;
        counted->user_messages += recorded->count;
    }
    (void)flock(store->dirfd, LOCK_UN); /* cannot fail: we hold it */
    return rc;
}

void
ledger_begin(struct store *store)
{
    if (store->options.guest != NULL)
        return; /* who counts holds the owner's directory, which is not ours to lock */
    if (store->ledger_holds == 0 && !store->ledger_verified) {
        store->ledger_verified = true; /* tried once: whoever is in its way will verify, too */
        (void)ledger_verify(store, 0);
    }
    /* Without the lock a count may go wrong, and be put right by the next one. */
    if (store->ledger_holds++ == 0)
        (void)lock_directory(store, LOCK_SH, HOLD_WAIT_MS);
}

void
ledger_end(struct store *store)
{
    int saved = errno;

    if (store->options.guest != NULL)
        return;
    if (--store->ledger_holds == 0)
        (void)flock(store->dirfd, LOCK_UN); /* cannot fail */
    errno = saved;
}
