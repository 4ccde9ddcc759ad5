/*
 * lib/store/salvage.c - makes a whole journal again of one that is damaged.
 *
 * Takes what salvage_read.c found and writes a checkpoint of what it comes to (as a compaction
 * does), with the message files that salvage_files.c finds beside it.
 */
#include "lib/store/salvage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/store/adopt.h"
#include "lib/store/beneath.h"
#include "lib/store/cache.h"
#include "lib/store/index_file.h"
#include "lib/store/lost.h"
#include "lib/store/salvage_private.h"

#define NEW_NAME JOURNAL_NAME ".next"
#define RECORD_FILL (1u << 18)

/* ---- the new journal ---- */

static int
finish_record(struct salvage *s)
{
    if (record_finish(&s->record, &s->state, 0) < 0)
        return -1;
    record_set_mark(&s->record); /* nobody sees the new journal before it is flushed */
    if (!strbuf_append(&s->records, strbuf_slice(&s->record))) {
        errno = E2BIG;
        return -1;
    }
    record_begin(&s->record, 0, clock_real_ms());
    return 0;
}

static int
add_arrival(struct salvage *s, const struct arrival *a)
{
    s->state.count++;
    s->state.bytes += a->m.size;
    s->state.unseen += (a->m.flags & MESSAGE_SEEN) == 0;
    s->state.recent += a->m.uid >= s->state.recent_uid;
    record_add_arrival(&s->record, a);
    return s->record.len > RECORD_FILL ? finish_record(s) : 0;
}

static const struct arrival *
arrival_of(const struct salvage *s, uint32_t uid)
{
    for (size_t low = 0, high = s->arrival_count; low < high;) {
        size_t mid = low + (high - low) / 2;

        if (s->arrivals[mid].m.uid == uid)
            return &s->arrivals[mid];
        if (s->arrivals[mid].m.uid < uid)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

struct file_search {
    uint64_t size;
    struct found_file *file;
    bool found;
};

static bool
take_fitting_file(struct salvage *s, struct slice name, void *arg)
{
    struct file_search *search = arg;

    search->found =
        salvage_describe_file(s, name, search->file) == 0 && search->file->a.m.size == search->size;
    return search->found;
}

/* A message that only the index knows has lost its name: a file of its size that nobody names is
 * its. It is named from then on. */
static int
restate_nameless(struct salvage *s, const struct message *m)
{
    struct found_file *file = xcalloc(1, sizeof(*file));
    struct file_search search = {.size = m->size, .file = file};

    salvage_each_unnamed(s, take_fitting_file, &search);
    if (!search.found) {
        xfree(&file);
        s->report->without_file++;
        return 0;
    }
    file->a.m = *m;
    s->arrivals = salvage_grow(s->arrivals, s->arrival_count, &s->arrival_cap, sizeof(file->a));
    s->arrivals[s->arrival_count++] = file->a;
    s->files = salvage_grow(s->files, s->file_count, &s->file_cap, sizeof(void *));
    s->files[s->file_count++] = file;
    salvage_note_name(s, file->a.name);
    return add_arrival(s, &file->a);
}

static int
restate_messages(struct salvage *s)
{
    size_t known = s->arrival_count; /* sorted so far */

    for (uint32_t rank = 1; rank <= view_count(&s->view); rank++) {
        const struct message *m = &view_at(&s->view, rank)->m;
        size_t all = s->arrival_count;
        const struct arrival *old;
        struct arrival a;
        int rc;

        s->arrival_count = known;
        old = arrival_of(s, m->uid);
        s->arrival_count = all;
        if (old != NULL) {
            a = *old;
            a.m = *m;
        }
        rc = old != NULL ? add_arrival(s, &a) : restate_nameless(s, m);
        if (rc < 0)
            return -1;
    }
    return 0;
}

/* Under a name of its own: who wrote it may live and be about to give it a record. */
static bool
adopt_file(struct salvage *s, struct slice name, void *arg)
{
    struct found_file file;
    bool forwarded = false;
    char from[FILE_PATH_SIZE], to[FILE_PATH_SIZE], fresh[FILE_NAME_SIZE];

    if (s->state.uidnext == UINT32_MAX || salvage_describe_file(s, name, &file) < 0)
        return false;
    folder_cur_path(from, name);
    folder_file_name(fresh, file.a.m.size);
    folder_cur_path(to, slice_of(fresh));
    if (linkat(s->dirfd, from, s->dirfd, to, 0) < 0)
        return false;
    file.a.m.flags = adopt_flags_of_name(file.name, &forwarded);
    file.a.name = slice_of(fresh);
    file.a.m.uid = s->state.uidnext++;
    file.a.m.modseq = s->state.modseq;
    s->report->adopted++;
    *(int *)arg = add_arrival(s, &file.a);
    return *(int *)arg < 0;
}

static bool
was_voided(const struct salvage *s, uint32_t uid)
{
    for (size_t i = 0; i < s->voided_count; i++)
        if (uid >= s->voided[i].first && uid <= s->voided[i].last)
            return true;
    return false;
}

/* The keys of what is gone, and all UIDs that are not there as gone now: a client may be told of
 * too many (RFC 7162 section 3.2.10), never of too few. */
static int
restate_the_gone(struct salvage *s)
{
    struct gone_range gone[256];
    uint32_t count = 0, next = 1;
    int rc = 0;

    for (size_t i = 0; i < s->arrival_count && rc == 0; i++) {
        const struct arrival *a = &s->arrivals[i];
        uint32_t rank = view_rank_at_or_above(&s->view, a->m.uid);
        bool live = rank <= view_count(&s->view) && view_at(&s->view, rank)->m.uid == a->m.uid;

        if (!live && a->key.len > 0 && !was_voided(s, a->m.uid))
            record_add_key(&s->record, a->saved_ms, a->key);
        rc = s->record.len > RECORD_FILL ? finish_record(s) : 0;
    }
    for (size_t i = 0; i < s->key_count; i++)
        record_add_key(&s->record, s->keys[i].saved_ms, s->keys[i].text);
    for (uint32_t rank = 1; rank <= view_count(&s->view) + 1 && rc == 0; rank++) {
        bool behind = rank > view_count(&s->view);
        uint32_t uid = behind ? s->view.state.uidnext : view_at(&s->view, rank)->m.uid;

        if (uid > next)
            gone[count++] = (struct gone_range){next, uid - 1, s->state.modseq};
        if (count == ARRAY_LEN(gone) || (behind && count > 0)) {
            record_add_gone(&s->record, gone, count);
            count = 0;
        }
        next = uid + 1;
    }
    return rc;
}

static int
restate(struct salvage *s)
{
    const struct record_state *last = &s->view.state;
    uint32_t count = view_count(&s->view);
    int rc = 0, adopted = 0;

    s->state = *last;
    s->state.count = s->state.unseen = s->state.recent = 0;
    s->state.bytes = 0;
    if (count > 0 && s->state.uidnext <= view_at(&s->view, count)->m.uid)
        s->state.uidnext = view_at(&s->view, count)->m.uid + 1;
    if (s->state.uidnext == 0)
        s->state.uidnext = 1;
    if (s->state.recent_uid == 0)
        s->state.recent_uid = 1;
    if (s->inbox && s->state.last_uidvalidity < s->header.uidvalidity)
        s->state.last_uidvalidity = s->header.uidvalidity;
    s->view.state.uidnext = s->state.uidnext;
    s->state.modseq = journal_next_modseq(last->modseq);
    record_begin(&s->record, 0, clock_real_ms());
    for (uint32_t bit = 0; bit < MAILBOX_KEYWORDS_MAX; bit++)
        if (s->view.keywords[bit] != NULL)
            record_add_keyword(&s->record, bit, slice_of(s->view.keywords[bit]));
    rc = restate_messages(s);
    if (rc == 0)
        rc = restate_the_gone(s);
    if (rc == 0 && s->first_gap != UINT64_MAX && !s->report->index_helped)
        salvage_each_unnamed(s, adopt_file, &adopted);
    return rc < 0 || adopted < 0 || finish_record(s) < 0 ? -1 : 0;
}

/* Both are locked meanwhile: nobody appends to the new one before its name is on disk. */
static int
take_place(struct salvage *s)
{
    struct journal fresh = {.fd = -1};
    int fd, rc = -1;

    s->header.generation++;
    s->header.checkpoint_end = sizeof(s->header) + s->records.len;
    if (beneath_sync_dir(s->dirfd, "cur") < 0 ||
        lost_keep(s->store, s->dirfd, JOURNAL_NAME, s->header.uidvalidity) < 0 ||
        journal_write_new(s->dirfd, NEW_NAME, &s->header, strbuf_slice(&s->records)) < 0)
        return -1;
    fd = beneath_open(s->dirfd, NEW_NAME, O_RDWR, 0);
    if (fd >= 0 && journal_adopt_fd(&fresh, s->dirfd, fd, true) == 0 &&
        journal_lock_unnamed(&fresh) == 0) {
        /* They answer for UIDs that may now have, or be given to, other messages. */
        unlink_keep_errno(s->dirfd, INDEX_NAME);
        unlink_keep_errno(s->dirfd, CACHE_NAME);
        unlink_keep_errno(s->dirfd, FULLTEXT_NAME);
        rc = renameat(s->dirfd, NEW_NAME, s->dirfd, JOURNAL_NAME);
        if (rc == 0)
            rc = fsync(s->dirfd);
    }
    journal_close(&fresh);
    return rc;
}

static void
salvage_free(struct salvage *s)
{
    journal_close(&s->old);
    view_free(&s->view);
    free((void *)(uintptr_t)s->bytes.ptr);
    for (size_t i = 0; i < s->file_count; i++)
        xfree(&s->files[i]);
    xfree(&s->files);
    xfree(&s->names);
    xfree(&s->arrivals);
    xfree(&s->keys);
    xfree(&s->voided);
    strbuf_free(&s->record);
    strbuf_free(&s->records);
}

int
salvage_journal(struct store *store, int dirfd, bool inbox, struct salvage_report *report)
{
    struct salvage s = {.store = store,
                        .dirfd = dirfd,
                        .inbox = inbox,
                        .old = {.dirfd = dirfd, .writable = true},
                        .record = strbuf_new(RECORD_MAX),
                        .records = strbuf_new(SALVAGE_FILE_MAX),
                        .report = report};
    struct stat st;
    int rc = -1;

    *report = (struct salvage_report){0};
    view_init(&s.view);
    s.old.fd = beneath_open(dirfd, JOURNAL_NAME, O_RDWR | O_NONBLOCK, 0);
    if (s.old.fd >= 0 && fstat(s.old.fd, &st) == 0) {
        s.old.dev = st.st_dev;
        s.old.ino = st.st_ino;
        rc = journal_lock(&s.old);
    }
    if (rc == 0)
        rc = salvage_read(&s);
    if (rc == 0)
        rc = restate(&s);
    if (rc == 0)
        rc = take_place(&s);
    report->messages = s.state.count;
    salvage_free(&s);
    return rc;
}
