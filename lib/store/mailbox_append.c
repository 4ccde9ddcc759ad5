/*
 * lib/store/mailbox_append.c - APPEND: new messages from a session, visible together or not at all.
 *
 * A message is written in tmp/ and flushed, gets its name in cur/ at commit, then the record.
 */
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
#include "lib/base/random.h"
#include "lib/store/arrivals.h"
#include "lib/store/beneath.h"
#include "lib/store/ledger.h"
#include "lib/store/message_file.h"

struct mailbox_append {
    struct folder folder;
    struct arrivals arrivals;
    int fd; /* the message being written; -1: none */
    char tmp[32];
    char (*tmps)[32]; /* one for each arrival */
    bool bulk;        /* the files are flushed at commit */
};

struct mailbox_append *
mailbox_append_begin(struct store *store, struct slice folder)
{
    struct mailbox_append *a;

    if (store->options.read_only) {
        errno = EACCES;
        return NULL;
    }
    a = xcalloc(1, sizeof(*a));
    a->fd = -1;
    if (folder_open(&a->folder, store, folder) < 0) {
        xfree(&a);
        return NULL;
    }
    a->arrivals.folder = &a->folder;
    return a;
}

int
mailbox_append_fd(struct mailbox_append *a)
{
    char unique[17];

    if (a->fd >= 0)
        return a->fd;
    random_name(unique, sizeof(unique) - 1);
    (void)snprintf(a->tmp, sizeof(a->tmp), "tmp/%s", unique);
    a->fd = beneath_open(a->folder.dirfd, a->tmp, O_RDWR | O_CREAT | O_EXCL, 0600);
    return a->fd;
}

void
mailbox_append_replaces(struct mailbox_append *a, uint64_t bytes)
{
    a->arrivals.replaced_bytes = bytes;
    a->arrivals.replaced_messages = 1;
}

static void
copy_keywords(struct incoming *in, const struct slice *keywords, uint32_t count)
{
    if (count > ARRIVAL_KEYWORDS_MAX)
        count = ARRIVAL_KEYWORDS_MAX;
    in->keywords = xcalloc(count, sizeof(*in->keywords));
    for (uint32_t i = 0; i < count; i++)
        if (keywords[i].len > 0 && keywords[i].len <= MAILBOX_KEYWORD_LEN_MAX)
            in->keywords[in->keyword_count++] = xslicedup(keywords[i]);
}

int
mailbox_append_message(struct mailbox_append *a, uint32_t flags, const struct slice *keywords,
                       uint32_t keyword_count, int64_t internal_ms)
{
    struct store_options quota;
    struct incoming *in;
    struct stat st;
    uint32_t crc;

    if (mailbox_append_fd(a) < 0 || fstat(a->fd, &st) < 0)
        return -1;
    a->arrivals.bytes += (uint64_t)st.st_size; /* if it is too much, that is the end */
    quota = arrivals_quota(&a->arrivals);
    if (ledger_check_quota(a->folder.store, &quota, a->arrivals.bytes, a->arrivals.count + 1) < 0 ||
        message_file_crc(a->fd, (uint64_t)st.st_size, &crc) < 0 || /* still in the page cache */
        (!a->bulk && fdatasync(a->fd) < 0))
        return -1;
    a->tmps = xreallocarray(a->tmps, a->arrivals.count + 1, sizeof(*a->tmps));
    memcpy(a->tmps[a->arrivals.count], a->tmp, sizeof(a->tmp));
    in = arrivals_add(&a->arrivals);
    in->arrival.m.size = (uint64_t)st.st_size;
    in->arrival.m.flags = flags;
    in->arrival.m.internal_ms = internal_ms;
    in->arrival.saved_ms = clock_real_ms();
    in->arrival.crc = crc;
    folder_email_id_new(in->email_id);
    copy_keywords(in, keywords, keyword_count);
    close_keep_errno(a->fd); /* flushed already */
    a->fd = -1;
    return 0;
}

void
mailbox_append_bulk(struct mailbox_append *a)
{
    a->bulk = true;
}

void
mailbox_append_keep(struct mailbox_append *a, uint32_t uid, struct slice email_id,
                    struct slice unique_name)
{
    struct incoming *in = &a->arrivals.list[a->arrivals.count - 1];

    if (uid < UID_KEPT_MAX)
        in->uid_at_least = uid;
    if (record_email_id_valid(email_id))
        (void)snprintf(in->email_id, sizeof(in->email_id), "%.*s", (int)email_id.len, email_id.ptr);
    if (record_unique_valid(unique_name))
        in->unique = xslicedup(unique_name);
}

static void
append_free(struct mailbox_append **appendp)
{
    struct mailbox_append *a = *appendp;
    int saved = errno;

    if (a->fd >= 0) {
        close_keep_errno(a->fd);
        unlink_keep_errno(a->folder.dirfd, a->tmp);
    }
    arrivals_free(&a->arrivals);
    folder_close(&a->folder);
    xfree(&a->tmps);
    xfree(appendp);
    errno = saved;
}

int
mailbox_append_commit(struct mailbox_append **appendp, struct mailbox_uids *uids)
{
    struct mailbox_append *a = *appendp;
    uint64_t record_end;
    int rc = a->bulk ? syncfs(a->folder.dirfd) : 0;

    *uids = (struct mailbox_uids){.uidvalidity = a->folder.journal.header.uidvalidity};
    for (uint32_t i = 0; i < a->arrivals.count && rc == 0; i++) {
        struct incoming *in = &a->arrivals.list[i];
        char path[FILE_PATH_SIZE];

        folder_file_name(in->name, in->arrival.m.size);
        folder_cur_path(path, slice_of(in->name));
        rc = renameat(a->folder.dirfd, a->tmps[i], a->folder.dirfd, path);
        if (rc < 0)
            in->name[0] = '\0';
    }
    if (rc < 0) {
        arrivals_take_back(&a->arrivals);
        mailbox_append_abort(appendp);
        return -1;
    }
    if (a->arrivals.count > 0) {
        ledger_begin(a->folder.store);
        rc = arrivals_commit(&a->arrivals, &record_end, uids);
        if (rc == 0)
            journal_mark(&a->folder.journal, record_end);
        ledger_end(a->folder.store);
    }
    append_free(appendp);
    return rc;
}

void
mailbox_append_abort(struct mailbox_append **appendp)
{
    struct mailbox_append *a = *appendp;

    if (a == NULL)
        return;
    for (uint32_t i = 0; i < a->arrivals.count; i++)
        unlink_keep_errno(a->folder.dirfd, a->tmps[i]);
    append_free(appendp);
}
