/*
 * lib/store/folder.c - one folder's directory and journal.
 */
#include "lib/store/folder.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/random.h"
#include "lib/store/adopt.h"
#include "lib/store/beneath.h"
#include "lib/store/folder_name.h"
#include "lib/store/ledger.h"

#define JOURNAL_NEW_MAX (1u << 30) /* bytes of a journal made by adoption */

/* ---- names ---- */

void
folder_file_name(char out[FILE_NAME_SIZE], uint64_t size)
{
    char unique[17];
    int64_t now_us = clock_real_us();

    random_name(unique, sizeof(unique) - 1);
    (void)snprintf(out, FILE_NAME_SIZE, "%lld.M%06lldR%s,S=%llu:2,", (long long)now_us / 1000000,
                   (long long)now_us % 1000000, unique, (unsigned long long)size);
}

void
folder_file_name_like(char out[FILE_NAME_SIZE], const char first[FILE_NAME_SIZE], uint32_t number,
                      uint64_t size)
{
    size_t unique = slice_find(slice_of(first), SLICE(",S="));

    (void)snprintf(out, FILE_NAME_SIZE, "%.*s.%u,S=%llu:2,", (int)unique, first, number,
                   (unsigned long long)size);
}

void
folder_delivery_name(char out[FILE_NAME_SIZE], int64_t received_ms, struct slice queue_id,
                     uint64_t size)
{
    (void)snprintf(out, FILE_NAME_SIZE, "%lld.Q%.*s,S=%llu:2,", (long long)received_ms / 1000,
                   (int)queue_id.len, queue_id.ptr, (unsigned long long)size);
}

static bool
take_char(struct slice *s, char c)
{
    bool is = s->len > 0 && s->ptr[0] == c;

    if (is)
        *s = slice_sub(*s, 1, s->len);
    return is;
}

/* The characters up to the next of `.,:`, at least one. */
static bool
take_word(struct slice *s, bool digits_only)
{
    size_t len = 0;

    while (len < s->len && (isdigit((unsigned char)s->ptr[len]) ||
                            (!digits_only && strchr(".,:", s->ptr[len]) == NULL)))
        len++;
    *s = slice_sub(*s, len, s->len);
    return len > 0;
}

/* "SECONDS.Q…" or "SECONDS.MMICROSR…", perhaps ".NUMBER". Maildir's own names have a host there. */
static bool
take_own_unique(struct slice *s)
{
    if (!take_word(s, true) || !take_char(s, '.'))
        return false;
    if (take_char(s, 'Q')) {
        if (!take_word(s, false))
            return false;
    } else if (!take_char(s, 'M') || !take_word(s, true) || !take_char(s, 'R') ||
               !take_word(s, false)) {
        return false;
    }
    return !take_char(s, '.') || take_word(s, true);
}

uint64_t
folder_message_size(struct slice name, uint64_t file_size)
{
    uint64_t size;

    if (!take_own_unique(&name) || !slice_starts(name, SLICE(",S=")))
        return file_size;
    name = slice_sub(name, 3, name.len);
    name = slice_sub(name, 0, slice_find(name, SLICE(":2,")));
    return parse_u64(name, file_size, &size) == 0 ? size : file_size;
}

void
folder_cur_path(char out[FILE_PATH_SIZE], struct slice name)
{
    size_t len = name.len < FILE_NAME_SIZE ? name.len : FILE_NAME_SIZE - 1;

    memcpy(out, "cur/", 4);
    memcpy(out + 4, name.ptr, len);
    out[4 + len] = '\0';
}

/* ---- directories and journals ---- */

int
folder_check_store(const struct store *store)
{
    struct stat st;

    if (fstatat(store->dirfd, JOURNAL_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        if ((st.st_mode & S_ISVTX) == 0)
            return 0;
    } else if (errno != ENOENT || !store->made || store->options.read_only) {
        return 0; /* not used yet; other trouble is told by who opens it */
    }
    errno = EREMOTE;
    return -1;
}

int
folder_open_dir(const struct store *store, struct slice canonical)
{
    struct strbuf dir = strbuf_new(FOLDER_DIR_MAX);
    int fd = -1;

    if (folder_check_store(store) == 0 && folder_name_to_dir(canonical, &dir) == 0)
        fd = beneath_open_dir(store->dirfd, dir.len == 0 ? "." : strbuf_cstr(&dir));
    strbuf_free(&dir);
    return fd;
}

int
folder_make_dirs(int dirfd)
{
    if (beneath_make_dir(dirfd, "cur") < 0 || beneath_make_dir(dirfd, "new") < 0 ||
        beneath_make_dir(dirfd, "tmp") < 0)
        return -1;
    return fsync(dirfd);
}

/* A record that only restates, for the start of a journal. */
static int
add_first_record(struct strbuf *records, const struct record_state *state)
{
    struct strbuf record = strbuf_new(4096);
    int rc;

    record_begin(&record, 0, clock_real_ms());
    rc = record_finish(&record, state, 0);
    if (rc == 0) {
        record_set_mark(&record); /* nobody sees the journal before it is flushed */
        rc = strbuf_append(records, strbuf_slice(&record)) ? 0 : -1;
    }
    strbuf_free(&record);
    return rc;
}

/* Gives the finished file its name, unless there is a journal by now. 1: given, 0: there is. */
static int
publish_journal(int dirfd, const char *tmp)
{
    int ours = linkat(dirfd, tmp, dirfd, JOURNAL_NAME, 0) == 0 ? 1 : errno == EEXIST ? 0 : -1;

    unlink_keep_errno(dirfd, tmp);
    return ours >= 0 && fsync(dirfd) < 0 ? -1 : ours;
}

/* Of a journal without a message: `unique` has 16 letters and digits. */
static struct journal_header
first_header(uint32_t uidvalidity, const char *unique)
{
    struct journal_header h = {
        .generation = 1, .uidvalidity = uidvalidity, .created_ms = clock_real_ms()};

    (void)snprintf(h.mailbox_id, sizeof(h.mailbox_id), "F%s", unique);
    return h;
}

static struct record_state
first_state(uint32_t uidvalidity, bool inbox)
{
    return (struct record_state){
        .uidnext = 1, .recent_uid = 1, .modseq = 1, .last_uidvalidity = inbox ? uidvalidity : 0};
}

int
folder_make_journal(int dirfd, uint32_t uidvalidity, bool inbox)
{
    struct record_state state = first_state(uidvalidity, inbox);
    struct strbuf records = strbuf_new(JOURNAL_NEW_MAX);
    char unique[17], tmp[40];
    struct journal_header h;
    int rc = folder_make_dirs(dirfd);

    random_name(unique, sizeof(unique) - 1);
    h = first_header(uidvalidity, unique);
    (void)snprintf(tmp, sizeof(tmp), JOURNAL_NAME ".%s", unique);
    if (rc == 0)
        rc = add_first_record(&records, &state);
    if (rc == 0)
        rc = adopt_cur(dirfd, &records, sizeof(h) + records.len, &state, inbox);
    if (rc == 0)
        rc = journal_write_new(dirfd, tmp, &h, strbuf_slice(&records));
    if (rc == 0)
        rc = publish_journal(dirfd, tmp);
    strbuf_free(&records);
    return rc;
}

int
folder_new_inbox_journal(int dirfd, uint32_t uidvalidity)
{
    struct record_state state = first_state(uidvalidity, true);
    struct strbuf records = strbuf_new(JOURNAL_NEW_MAX);
    struct journal_header h;
    char unique[17];
    int fd = -1;

    random_name(unique, sizeof(unique) - 1);
    h = first_header(uidvalidity, unique);
    if (add_first_record(&records, &state) == 0)
        fd = journal_write_unflushed(dirfd, JOURNAL_NAME, &h, strbuf_slice(&records));
    strbuf_free(&records);
    return fd;
}

int
folder_open_inbox_journal(struct journal *j, int dirfd)
{
    if (journal_open(j, dirfd, true) == 0)
        return 0;
    if (errno != ENOENT || folder_make_journal(dirfd, (uint32_t)(clock_real_ms() / 1000), true) < 0)
        return -1;
    return journal_open(j, dirfd, true);
}

/* Another folder than INBOX; what was adopted counts for the user. */
static int
make_folder_journal(struct folder *f)
{
    uint32_t uidvalidity;
    struct journal_tail tail;
    int ours;

    if (ledger_new_uidvalidity(f->store, &uidvalidity) < 0)
        return -1;
    ours = folder_make_journal(f->dirfd, uidvalidity, false);
    if (ours < 0 || journal_open(&f->journal, f->dirfd, true) < 0)
        return -1;
    if (ours == 0)
        return 0;
    if (journal_tail_read(&f->journal, &tail) < 0)
        return -1;
    return tail.state.count == 0
               ? 0
               : ledger_add(f->store, (int64_t)tail.state.bytes, tail.state.count);
}

/* Opens the journal of an open directory, made first if need be. */
static int
open_or_make_journal(struct folder *f)
{
    bool writable = !f->store->options.read_only;
    int rc;

    if (journal_open(&f->journal, f->dirfd, writable) == 0)
        return 0;
    if (errno != ENOENT || !writable)
        return -1;
    if (f->inbox)
        return folder_open_inbox_journal(&f->journal, f->dirfd);
    ledger_begin(f->store);
    rc = make_folder_journal(f);
    ledger_end(f->store);
    return rc;
}

int
folder_open(struct folder *f, struct store *store, struct slice name)
{
    struct strbuf canonical = strbuf_new(STORE_NAME_MAX);

    *f = (struct folder){.store = store, .dirfd = -1, .journal = {.fd = -1}};
    if (folder_name_canonical(name, &canonical) < 0) {
        strbuf_free(&canonical);
        return -1;
    }
    f->name = strbuf_steal(&canonical);
    f->inbox = store->options.guest == NULL && strcmp(f->name, "INBOX") == 0;
    f->dirfd = folder_open_dir(store, slice_of(f->name));
    if (f->dirfd >= 0 && open_or_make_journal(f) == 0)
        return 0;
    folder_close(f);
    return -1;
}

void
folder_close(struct folder *f)
{
    int saved = errno;

    journal_close(&f->journal);
    close_keep_errno(f->dirfd);
    f->dirfd = -1;
    xfree(&f->name);
    errno = saved;
}

void
folder_email_id_of_queue(char out[EMAIL_ID_SIZE], struct slice queue_id)
{
    (void)snprintf(out, EMAIL_ID_SIZE, "Q%.*s", (int)queue_id.len, queue_id.ptr);
}

void
folder_email_id_new(char out[EMAIL_ID_SIZE])
{
    out[0] = 'M';
    random_name(out + 1, 15); /* 89 bits */
}
