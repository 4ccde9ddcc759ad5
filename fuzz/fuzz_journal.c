/*
 * fuzz/fuzz_journal.c - opens and uses a mailbox whose journal, index and cache are the fuzzer's.
 *
 * Input: one byte of mode, then the files. With bit 0 the journal is given as chunks of items (u16
 * length and bytes) which are framed and checksummed here, else byte by byte. With bit 1 an index,
 * with bit 2 a cache comes first (u16 length and bytes), their headers' checksums made good.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/crc32c.h"
#include "lib/base/io.h"
#include "lib/store/compact.h"
#include "lib/store/folder_list.h"
#include "lib/store/index_file.h"
#include "lib/store/mailbox_private.h"

#define MESSAGES_USED 40

enum { MODE_ITEMS = 1, MODE_INDEX = 2, MODE_CACHE = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int mail_fd = -1;

static void
write_file(const char *name, struct slice bytes)
{
    int fd = openat(mail_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0 || write_all(fd, bytes) < 0)
        abort();
    (void)close(fd);
}

static void
make_dir(void)
{
    static char path[] = "/dev/shm/fuzz-journal-XXXXXX";

    if (mkdtemp(path) == NULL)
        abort();
    mail_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (mkdirat(mail_fd, "cur", 0700) < 0 || mkdirat(mail_fd, "new", 0700) < 0 ||
        mkdirat(mail_fd, "tmp", 0700) < 0)
        abort();
    write_file(FOLDERS_NAME, SLICE("- subscribed INBOX\n"));
}

static struct slice
take(struct slice *in, size_t len)
{
    struct slice part = slice_sub(*in, 0, len);

    *in = slice_sub(*in, part.len, in->len);
    return part;
}

static struct slice
take_chunk(struct slice *in)
{
    struct slice head = take(in, 2);
    uint16_t len = 0;

    memcpy(&len, head.ptr == NULL ? "" : head.ptr, head.len);
    return take(in, len);
}

/* A file with its header's checksum at `crc_at` made good. */
static void
write_sealed(const char *name, struct slice bytes, size_t crc_at)
{
    struct strbuf copy = strbuf_new(1u << 20);
    uint32_t crc;

    (void)strbuf_append(&copy, bytes);
    if (copy.len >= crc_at + sizeof(crc)) {
        crc = crc32c(0, slice_make(copy.ptr, crc_at));
        memcpy(copy.ptr + crc_at, &crc, sizeof(crc));
    }
    write_file(name, strbuf_slice(&copy));
    strbuf_free(&copy);
}

static void
write_items(struct slice in)
{
    struct journal_header h = {.generation = 1, .uidvalidity = 1, .mailbox_id = "F"};
    struct strbuf all = strbuf_new(16u << 20), record = strbuf_new(RECORD_MAX);
    struct record_state state = {.uidnext = 1, .recent_uid = 1};

    journal_header_seal(&h);
    (void)strbuf_append(&all, slice_make(&h, sizeof(h)));
    while (in.len > 0) {
        struct slice flags = take(&in, 1), items;

        items = take_chunk(&in);
        record_begin(&record, (unsigned char)flags.ptr[0] & 1, 0);
        (void)strbuf_append(&record, slice_sub(items, 0, items.len & ~(size_t)7));
        state.uidnext += (unsigned char)flags.ptr[0] >> 4;
        if (record_finish(&record, &state, (flags.ptr[0] & 2) != 0 ? all.len : 0) < 0)
            abort();
        if ((flags.ptr[0] & 4) != 0)
            record_set_mark(&record);
        (void)strbuf_append(&all, strbuf_slice(&record));
    }
    write_file(JOURNAL_NAME, strbuf_slice(&all));
    strbuf_free(&all);
    strbuf_free(&record);
}

static void
use_messages(struct mailbox *mb)
{
    uint32_t count = mailbox_count(mb), seqs[MESSAGES_USED], n = 0;
    struct slice out;

    for (uint32_t seq = 1; seq <= count && n < MESSAGES_USED; seq++) {
        const struct message *m = mailbox_message(mb, seq);
        int fd;

        (void)mailbox_seq_of_uid(mb, m->uid);
        (void)mailbox_cache_get(mb, m->uid, MAILBOX_CACHE_ENVELOPE, &out);
        mailbox_cache_put(mb, m->uid, MAILBOX_CACHE_ENVELOPE, SLICE("value"));
        fd = mailbox_open_message(mb, seq);
        if (fd >= 0)
            (void)close(fd);
        seqs[n++] = seq;
    }
    (void)mailbox_store_flags(mb, seqs, n, MAILBOX_FLAGS_ADD, MESSAGE_DELETED, 1, 0, NULL, NULL);
    (void)mailbox_keyword_bit(mb, SLICE("word"), true);
    (void)mailbox_expunge(mb, NULL, 0);
}

static void
use_mailbox(struct store *store)
{
    struct mailbox *mb = mailbox_open(store, SLICE("INBOX"), false, true);
    struct mailbox_changes changes;
    struct mailbox_info info;

    (void)mailbox_status(store, SLICE("INBOX"), &info);
    if (mb == NULL)
        return;
    mailbox_get_info(mb, &info);
    use_messages(mb);
    (void)mailbox_sync(mb, false, &changes);
    mailbox_changes_free(&changes);
    (void)compact_journal(mb);
    (void)mailbox_sync(mb, true, &changes);
    mailbox_changes_free(&changes);
    mailbox_release_memory(mb);
    mailbox_close(&mb);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct store_options options = {.may_remove = true, .flush_interval_ms = 60000};
    struct slice in = slice_make(data, size);
    struct store *store;
    unsigned mode;

    if (mail_fd < 0)
        make_dir();
    if (size == 0)
        return 0;
    mode = data[0];
    in = slice_sub(in, 1, in.len);
    (void)unlinkat(mail_fd, INDEX_NAME, 0);
    (void)unlinkat(mail_fd, CACHE_NAME, 0);
    if ((mode & MODE_INDEX) != 0)
        write_sealed(INDEX_NAME, take_chunk(&in), 124);
    if ((mode & MODE_CACHE) != 0)
        write_sealed(CACHE_NAME, take_chunk(&in), 20);
    if ((mode & MODE_ITEMS) != 0)
        write_items(in);
    else
        write_file(JOURNAL_NAME, in);
    store = store_open(mail_fd, &options);
    if (store != NULL)
        use_mailbox(store);
    store_close(&store);
    return 0;
}
