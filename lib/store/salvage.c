/*
 * lib/store/salvage.c - makes a whole journal again of one that is damaged.
 *
 * Input: a journal of which nothing can be relied on. Reads all of it into memory, takes every
 * record that checks out, and writes a checkpoint of what they come to (as a compaction does).
 */
#include "lib/store/salvage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/crc32c.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/random.h"
#include "lib/store/adopt.h"
#include "lib/store/beneath.h"
#include "lib/store/index_file.h"
#include "lib/store/ledger.h"
#include "lib/store/lost.h"
#include "lib/store/message_file.h"

#define NEW_NAME JOURNAL_NAME ".next"
#define READ_STEP ((size_t)65536)
#define FILE_MAX (UINT64_C(4) << 30)
#define RECORD_FILL (1u << 18)
#define RECORD_BYTES_MIN (sizeof(struct record_header) + sizeof(struct record_trailer))

struct salvage {
    struct store *store;
    int dirfd;
    bool inbox;
    struct journal old;
    struct slice bytes; /* all of the old file */
    struct journal_header header;
    uint64_t first_gap; /* offset of the first damage; UINT64_MAX: none */
    struct view view;
    struct arrival *arrivals; /* all that were read, as they came; names borrow from `bytes` */
    size_t arrival_count, arrival_cap;
    uint64_t *names; /* hashes of their names, sorted, and behind `sorted` as they came */
    size_t name_count, name_cap, sorted;
    struct found_file **files; /* what `arrivals` borrow that came from no record */
    size_t file_count, file_cap;
    struct item *keys;
    size_t key_count, key_cap;
    struct uid_range *voided;
    size_t voided_count, voided_cap;
    struct strbuf record, records;
    struct record_state state;
    struct salvage_report *report;
};

static void *
grow(void *list, size_t count, size_t *cap, size_t size)
{
    if (count < *cap)
        return list;
    *cap = *cap == 0 ? 64 : *cap * 2;
    return xreallocarray(list, *cap, size);
}

/* ---- the old file ---- */

/* What the disk does not give is zeros: damage like any other. */
static int
read_all(struct salvage *s)
{
    struct stat st;
    char *buf;

    if (fstat(s->old.fd, &st) < 0)
        return -1;
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > FILE_MAX) {
        errno = EFBIG;
        return -1;
    }
    buf = xcalloc(1, (size_t)st.st_size + 1);
    for (size_t at = 0; at < (size_t)st.st_size; at += READ_STEP) {
        size_t want = (size_t)st.st_size - at < READ_STEP ? (size_t)st.st_size - at : READ_STEP;

        if (pread_exact(s->old.fd, buf + at, want, (off_t)at) < 0)
            memset(buf + at, 0, want);
    }
    s->bytes = slice_make(buf, (size_t)st.st_size);
    return 0;
}

/* The one byte that, changed, makes the checksum right. A header has 128 bytes, so that is quickly
 * tried, and no two changes give the same checksum. */
static bool
mend_byte(struct journal_header *h)
{
    unsigned char *bytes = (unsigned char *)h;

    for (size_t at = 0; at < sizeof(*h); at++) {
        unsigned char was = bytes[at];

        for (unsigned value = 0; value < 256; value++) {
            bytes[at] = (unsigned char)value;
            if (journal_header_check(h) == 0)
                return true;
        }
        bytes[at] = was;
    }
    return false;
}

static int
mend_header(struct salvage *s)
{
    struct journal_header h = {0};

    memcpy(&h, s->bytes.ptr, s->bytes.len < sizeof(h) ? s->bytes.len : sizeof(h));
    s->header = h;
    if (journal_header_check(&h) == 0)
        return 0;
    if (errno == EPROTONOSUPPORT)
        return -1;
    if (mend_byte(&h)) {
        s->header = h;
        return 0;
    }
    s->header = (struct journal_header){.created_ms = clock_real_ms()};
    if (index_file_identity(s->dirfd, &s->header.generation, &s->header.uidvalidity) < 0) {
        char unique[17];

        if (ledger_new_uidvalidity(s->store, &s->header.uidvalidity) < 0) /* INBOX itself */
            s->header.uidvalidity = (uint32_t)(clock_real_ms() / 1000);
        s->header.generation = s->header.uidvalidity;
        random_name(unique, sizeof(unique) - 1);
        (void)snprintf(s->header.mailbox_id, sizeof(s->header.mailbox_id), "F%s", unique);
        s->report->new_uidvalidity = true;
    } else if (record_email_id_valid(slice_make(h.mailbox_id, strnlen(h.mailbox_id, 23)))) {
        memcpy(s->header.mailbox_id, h.mailbox_id, 23);
    } else {
        (void)snprintf(s->header.mailbox_id, sizeof(s->header.mailbox_id), "F%016llx",
                       (unsigned long long)random_u64());
    }
    return 0;
}

/* ---- its records ---- */

/* The next whole record at or behind *at. */
static bool
next_record(struct slice bytes, uint64_t base, uint64_t *at, struct record *rec)
{
    uint32_t need;

    for (; *at + RECORD_BYTES_MIN <= bytes.len; *at += 8)
        if (record_parse(slice_sub(bytes, (size_t)*at, bytes.len), base + *at, rec, &need) ==
            RECORD_OK)
            return true;
    return false;
}

bool
salvage_record_follows(const struct journal *j, uint64_t from, uint64_t size)
{
    struct journal_window w = {0};
    struct record rec;
    uint64_t at = 0;
    bool found = false;

    if (size > from && size - from <= FILE_MAX &&
        journal_window_fill(j, &w, from, size, (size_t)(size - from)) == 0)
        found = next_record(slice_make(w.buf, w.len), from, &at, &rec);
    xfree(&w.buf);
    return found;
}

static void
note_name(struct salvage *s, struct slice name)
{
    s->names = grow(s->names, s->name_count, &s->name_cap, sizeof(*s->names));
    s->names[s->name_count++] = message_file_hash(name);
}

static int
compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static void
note_items(struct salvage *s, const struct record *rec)
{
    struct item item;
    size_t at = 0;

    while (record_next_item(rec, &at, &item) > 0) {
        if (item.type == ITEM_ARRIVE) {
            s->arrivals =
                grow(s->arrivals, s->arrival_count, &s->arrival_cap, sizeof(item.arrival));
            s->arrivals[s->arrival_count++] = item.arrival;
            note_name(s, item.arrival.name);
        } else if (item.type == ITEM_KEY) {
            s->keys = grow(s->keys, s->key_count, &s->key_cap, sizeof(item));
            s->keys[s->key_count++] = item;
        }
        for (uint32_t i = 0; item.type == ITEM_VOID && i < item.range_count; i++) {
            s->voided = grow(s->voided, s->voided_count, &s->voided_cap, sizeof(*s->voided));
            s->voided[s->voided_count++] = item_range(&item, i);
        }
    }
}

static void
skip(struct salvage *s, uint64_t from, uint64_t to)
{
    if (from >= to)
        return;
    if (s->first_gap > from)
        s->first_gap = from;
    s->report->skipped += to - from;
}

/* First pass: what is whole, and where the damage begins. */
static void
look_through(struct salvage *s)
{
    uint64_t at = sizeof(struct journal_header), end = at;
    struct record rec;

    s->first_gap = UINT64_MAX;
    while (next_record(s->bytes, 0, &at, &rec)) {
        skip(s, end, at);
        note_items(s, &rec);
        end = at = rec.end;
    }
    if (end < s->bytes.len && s->first_gap == UINT64_MAX)
        s->first_gap = end; /* perhaps no more than a torn tail */
    s->report->skipped += s->bytes.len > end ? s->bytes.len - end : 0;
    s->sorted = s->name_count;
    if (s->sorted > 1)
        qsort(s->names, s->sorted, sizeof(*s->names), compare_u64);
}

static bool
ascends(const struct view *v)
{
    uint32_t last = 0;

    for (uint32_t rank = 1; rank <= view_count(v); rank++) {
        if (view_at(v, rank)->m.uid <= last)
            return false;
        last = view_at(v, rank)->m.uid;
    }
    return true;
}

/* The folder as the index and the whole records behind it say, or the records alone. */
static void
build_view(struct salvage *s)
{
    uint64_t at;
    struct record rec;

    s->old.header = s->header;
    view_init(&s->view);
    if (s->first_gap != UINT64_MAX && index_file_map(&s->view, &s->old, s->bytes.len) == 0) {
        s->report->index_helped = s->view.index_offset > s->first_gap && ascends(&s->view);
        if (!s->report->index_helped)
            view_free(&s->view);
    }
    at = s->view.offset;
    while (next_record(s->bytes, 0, &at, &rec)) {
        if (s->report->index_helped && rec.state.modseq < s->view.state.modseq)
            s->report->index_helped = false;    /* not the index of this journal after all */
        (void)view_apply(&s->view, &rec, NULL); /* what contradicts is left out */
        at = rec.end;
    }
}

/* ---- files without a record ---- */

static bool
is_named(const struct salvage *s, struct slice file)
{
    uint64_t hash = message_file_hash(file);

    for (size_t i = s->sorted; i < s->name_count; i++)
        if (s->names[i] == hash)
            return true;
    return s->sorted > 0 && bsearch(&hash, s->names, s->sorted, sizeof(hash), compare_u64) != NULL;
}

/* "...,S=123:2," says how much of the file is the message. */
static uint64_t
size_in_name(struct slice name, uint64_t file_size)
{
    struct slice rest = slice_sub(name, slice_find(name, SLICE(",S=")) + 3, name.len);
    uint64_t size;

    return parse_u64(slice_sub(rest, 0, slice_find(rest, SLICE(":"))), file_size, &size) == 0
               ? size
               : file_size;
}

/* "SECONDS.QID,S=..." is a delivery's. */
static struct slice
queue_id_in_name(struct slice name)
{
    struct slice rest = slice_sub(name, slice_find(name, SLICE(".Q")) + 2, name.len);
    struct slice id = slice_sub(rest, 0, slice_find(rest, SLICE(",S=")));

    return id.len < rest.len && id.len < MAILBOX_EMAIL_ID_MAX && record_email_id_valid(id)
               ? id
               : SLICE("");
}

struct found_file {
    char name[FILE_NAME_SIZE];
    struct arrival a;
    char email_id[EMAIL_ID_SIZE];
};

/* Fills in what a file in cur/ says of itself. -1: it is none of ours to take. */
static int
describe_file(const struct salvage *s, struct slice name, struct found_file *f)
{
    char path[FILE_PATH_SIZE];
    struct slice id = queue_id_in_name(name);
    struct stat st;
    int fd, rc = -1;

    *f = (struct found_file){0};
    if (!record_name_valid(name))
        return -1;
    folder_cur_path(path, name);
    fd = beneath_open(s->dirfd, path, O_RDONLY | O_NONBLOCK, 0);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        f->a.m.size = size_in_name(name, (uint64_t)st.st_size);
        f->a.m.internal_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
        f->a.saved_ms = clock_real_ms();
        rc = message_file_crc(fd, f->a.m.size, &f->a.crc);
    }
    close_keep_errno(fd);
    if (id.len > 0)
        folder_email_id_of_queue(f->email_id, id);
    else
        folder_email_id_new(f->email_id);
    (void)snprintf(f->name, sizeof(f->name), "%.*s", (int)name.len, name.ptr);
    f->a.name = slice_of(f->name);
    f->a.email_id = slice_of(f->email_id);
    f->a.key = slice_make(f->name + (id.ptr - name.ptr), id.len);
    if (id.len == 0)
        f->a.key = SLICE("");
    return rc;
}

/* Runs each() over the files in cur/ that no record names, until it returns true. */
static void
each_unnamed(struct salvage *s, bool (*each)(struct salvage *s, struct slice name, void *arg),
             void *arg)
{
    int fd = beneath_open_dir(s->dirfd, "cur");
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;
    bool done = false;

    if (dir == NULL) {
        close_keep_errno(fd);
        return;
    }
    while (!done && (e = readdir(dir)) != NULL)
        if (e->d_name[0] != '.' && !is_named(s, slice_of(e->d_name)))
            done = each(s, slice_of(e->d_name), arg);
    (void)closedir(dir); /* read only */
}

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
        describe_file(s, name, search->file) == 0 && search->file->a.m.size == search->size;
    return search->found;
}

/* A message that only the index knows has lost its name: a file of its size that nobody names is
 * its. It is named from then on. */
static int
restate_nameless(struct salvage *s, const struct message *m)
{
    struct found_file *file = xcalloc(1, sizeof(*file));
    struct file_search search = {.size = m->size, .file = file};

    each_unnamed(s, take_fitting_file, &search);
    if (!search.found) {
        xfree(&file);
        s->report->without_file++;
        return 0;
    }
    file->a.m = *m;
    s->arrivals = grow(s->arrivals, s->arrival_count, &s->arrival_cap, sizeof(file->a));
    s->arrivals[s->arrival_count++] = file->a;
    s->files = grow(s->files, s->file_count, &s->file_cap, sizeof(*s->files));
    s->files[s->file_count++] = file;
    note_name(s, file->a.name);
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

    if (s->state.uidnext == UINT32_MAX || describe_file(s, name, &file) < 0)
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
        each_unnamed(s, adopt_file, &adopted);
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
        unlink_keep_errno(s->dirfd, INDEX_NAME);
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
                        .records = strbuf_new(FILE_MAX),
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
        rc = read_all(&s);
    if (rc == 0)
        rc = mend_header(&s);
    if (rc == 0) {
        look_through(&s);
        build_view(&s);
        rc = restate(&s);
    }
    if (rc == 0)
        rc = take_place(&s);
    report->messages = s.state.count;
    salvage_free(&s);
    return rc;
}
