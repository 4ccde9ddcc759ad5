/*
 * t/unit/store_operations.h - what a session or a delivery does to a store: the mail before, the
 * operation, and what must hold behind it, whole or cut off. For tests that stop or watch it.
 */
#ifndef POSTHORN_T_UNIT_STORE_OPERATIONS_H
#define POSTHORN_T_UNIT_STORE_OPERATIONS_H

#include "t/unit/store_test.h"

#include "lib/base/crc32c.h"
#include "lib/store/compact.h"
#include "lib/store/delivery.h"
#include "lib/store/mailbox_private.h"
#include "lib/store/undelete.h"

#define TEXTS_MAX 8

static const char *const folders[] = {"INBOX", "Sent", "Drafts", "Trash", "Junk", "New", "Newer"};

/* How often each text is found, over all folders; texts are "0\r\n", "1\r\n"... */
static unsigned found[TEXTS_MAX], found_in[ARRAY_LEN(folders)][TEXTS_MAX];

static void
count_folder(size_t folder)
{
    struct mailbox *mb = mailbox_open(store_test, slice_of(folders[folder]), false, false);
    uint32_t last = 0;

    if (mb == NULL) {
        ck_assert_msg(errno == ENOENT, "%s: %s", folders[folder], strerror(errno));
        return;
    }
    for (uint32_t seq = 1; seq <= mailbox_count(mb); seq++) {
        char *text = store_test_read(mb, seq);
        unsigned n = (unsigned)(text[0] - '0');

        ck_assert_uint_lt(n, TEXTS_MAX);
        ck_assert_uint_gt(mailbox_message(mb, seq)->uid, last);
        last = mailbox_message(mb, seq)->uid;
        found[n]++;
        found_in[folder][n]++;
        free(text);
    }
    mailbox_close(&mb);
}

static void
count_all(void)
{
    memset(found, 0, sizeof(found));
    memset(found_in, 0, sizeof(found_in));
    /* twice: what one folder's visit settles in another was perhaps counted before */
    for (unsigned round = 0; round < 2; round++) {
        memset(found, 0, sizeof(found));
        memset(found_in, 0, sizeof(found_in));
        for (size_t i = 0; i < ARRAY_LEN(folders); i++)
            count_folder(i);
    }
}

/* ---- the operations: before, the one that is killed, what must hold ---- */

static void
three_messages(void)
{
    (void)store_test_append("INBOX", "0\r\n", 0);
    (void)store_test_append("INBOX", "1\r\n", MESSAGE_DELETED);
    (void)store_test_append("INBOX", "2\r\n", MESSAGE_DELETED);
}

static void
do_append(void)
{
    struct mailbox_append *a = mailbox_append_begin(store_test, SLICE("INBOX"));
    struct mailbox_uids uids;

    for (unsigned i = 3; i < 5; i++) {
        char text[] = "?\r\n";

        text[0] = (char)('0' + i);
        if (write_all(mailbox_append_fd(a), slice_of(text)) < 0 ||
            mailbox_append_message(a, 0, NULL, 0, 1) < 0)
            _exit(2);
    }
    if (mailbox_append_commit(&a, &uids) < 0)
        _exit(3);
}

static void
append_holds(bool whole)
{
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_eq(found[i], 1);
    ck_assert_uint_eq(found[3], found[4]);
    ck_assert_uint_le(found[3], 1);
    ck_assert(!whole || found[3] == 1);
}

static void
copy_or_move(bool move)
{
    struct mailbox *mb = mailbox_open(store_test, SLICE("INBOX"), false, true);
    struct mailbox_uids uids;
    uint32_t seqs[] = {1, 3};

    if (mb == NULL || mailbox_copy(mb, seqs, 2, SLICE("Trash"), move, &uids) < 0)
        _exit(2);
    mailbox_close(&mb);
}

static void
do_copy(void)
{
    copy_or_move(false);
}

static void
do_move(void)
{
    copy_or_move(true);
}

static void
copy_holds(bool whole)
{
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_eq(found_in[0][i], 1);
    ck_assert_uint_eq(found_in[3][0], found_in[3][2]);
    ck_assert_uint_eq(found_in[3][1], 0);
    ck_assert(!whole || found_in[3][0] == 1);
}

static void
move_holds(bool whole)
{
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_eq(found[i], 1); /* none lost, none doubled */
    ck_assert_uint_eq(found_in[3][0], found_in[3][2]);
    ck_assert(!whole || found_in[3][0] == 1);
}

static void
do_expunge(void)
{
    struct mailbox *mb = mailbox_open(store_test, SLICE("INBOX"), false, true);

    if (mb == NULL || mailbox_expunge(mb, NULL, 0) < 0)
        _exit(2);
    mailbox_close(&mb);
}

static void
expunge_holds(bool whole)
{
    ck_assert_uint_eq(found[0], 1);
    ck_assert_uint_eq(found[1], found[2]);
    ck_assert(!whole || found[1] == 0);
}

static void
do_flags(void)
{
    struct mailbox *mb = mailbox_open(store_test, SLICE("INBOX"), false, true);
    uint32_t seqs[] = {1, 2};

    if (mb == NULL ||
        mailbox_store_flags(mb, seqs, 2, MAILBOX_FLAGS_ADD, MESSAGE_FLAGGED, 0, 0, NULL, NULL) < 0)
        _exit(2);
    _exit(0); /* closing the mailbox would flush what the change did not */
}

static void
three_in_sent(void)
{
    (void)store_test_append("Sent", "0\r\n", 0);
    (void)store_test_append("Sent", "1\r\n", MESSAGE_DELETED);
    (void)store_test_append("Sent", "2\r\n", MESSAGE_DELETED);
}

static void
do_expunge_sent(void)
{
    struct mailbox *mb = mailbox_open(store_test, SLICE("Sent"), false, true);

    if (mb == NULL || mailbox_expunge(mb, NULL, 0) < 0)
        _exit(2);
    mailbox_close(&mb);
}

static void
do_move_on(void)
{
    struct mailbox *mb = mailbox_open(store_test, SLICE("Sent"), false, true);
    struct mailbox_uids uids;
    uint32_t seq = 2;

    if (mb == NULL || mailbox_copy(mb, &seq, 1, SLICE("Trash"), true, &uids) < 0)
        _exit(2);
    mailbox_close(&mb);
}

static void
move_on_holds(bool whole)
{
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_eq(found[i], 1);
    ck_assert(!whole || found_in[3][1] == 1);
}

static void
do_compact(void)
{
    struct mailbox *mb = mailbox_open(store_test, SLICE("INBOX"), false, true);

    if (mb == NULL || compact_journal(mb) < 0)
        _exit(2);
    mailbox_close(&mb);
}

static void
three_hold(bool whole)
{
    (void)whole;
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_eq(found_in[0][i], 1);
}

static enum delivery_status
deliver_text(const char *text, bool in_doubt)
{
    int queue = openat(store_test_fd, "queue", O_RDONLY | O_DIRECTORY);
    struct delivery_message m = {.dirfd = queue,
                                 .name = text,
                                 .size = 3,
                                 .crc =
                                     crc32c(0, slice_make((const char[]){text[0], '\r', '\n'}, 3)),
                                 .received_ms = 1000,
                                 .queue_id = slice_of(text),
                                 .in_doubt = in_doubt};
    struct delivery_batch *b;
    enum delivery_status status;

    m.fd = openat(queue, text, O_RDONLY);
    b = delivery_begin(store_test_dirs());
    (void)delivery_add(b, &m, SLICE("a/b/c"), SLICE("INBOX"), 0, 0);
    delivery_commit(b);
    status = delivery_get(b, 0)->status;
    delivery_free(&b);
    (void)close(m.fd);
    (void)close(queue);
    return status;
}

/* The store's own user is not used here: a queue, and a mailbox that the delivery makes. */
static void
make_queue(void)
{
    static const char *const texts[] = {"0", "1"};

    (void)store_test_dirs(); /* marked before the delivery is watched */
    store_test_make_user("a/b/c");
    ck_assert_int_eq(mkdirat(store_test_fd, "queue", 0700), 0);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        char path[32], text[8];
        int fd;

        (void)snprintf(path, sizeof(path), "queue/%s", texts[i]);
        (void)snprintf(text, sizeof(text), "%s\r\n", texts[i]);
        fd = openat(store_test_fd, path, O_WRONLY | O_CREAT, 0600);
        ck_assert_int_eq(write_all(fd, slice_of(text)), 0);
        (void)close(fd);
    }
}

static void
do_deliver(void)
{
    if (deliver_text("0", false) != DELIVERY_OK || deliver_text("1", false) != DELIVERY_OK)
        _exit(2);
}

/* The mailbox that the deliveries go to. */
static struct store *
open_delivered(void)
{
    int fd = openat(store_test_fd, "a/b/c/mail", O_RDONLY | O_DIRECTORY);
    struct store *store = store_open(fd, &store_test_options);

    ck_assert_ptr_nonnull(store);
    (void)close(fd);
    return store;
}

static void
deliver_holds(bool whole)
{
    (void)whole;
    /* the queue manager gives both out again, in doubt */
    for (unsigned i = 0; i < 2; i++) {
        enum delivery_status s = deliver_text(i == 0 ? "0" : "1", true);

        ck_assert(s == DELIVERY_OK || s == DELIVERY_DUPLICATE);
    }
    store_close(&store_test);
    store_test = open_delivered();
    count_all();
    ck_assert_uint_eq(found[0], 1);
    ck_assert_uint_eq(found[1], 1);
}

static void
do_create(void)
{
    if (store_create(store_test, SLICE("New"), STORE_USE_ARCHIVE) < 0 ||
        store_subscribe(store_test, SLICE("New"), true) < 0)
        _exit(2);
}

static void
make_new(void)
{
    ck_assert_int_eq(store_create(store_test, SLICE("New"), STORE_USE_NONE), 0);
    (void)store_test_append("New", "5\r\n", 0);
}

static void
do_rename(void)
{
    if (store_rename(store_test, SLICE("New"), SLICE("Newer")) < 0)
        _exit(2);
}

static void
rename_holds(bool whole)
{
    ck_assert_uint_eq(found[5], 1);
    ck_assert(!whole || found_in[6][5] == 1);
}

static void
do_remove(void)
{
    if (store_remove(store_test, SLICE("New")) < 0)
        _exit(2);
}

static void
nothing_holds(bool whole)
{
    (void)whole;
}

static void
put_in_new(void)
{
    int fd = openat(store_test_fd, "new/1.foreign", O_WRONLY | O_CREAT, 0600);

    ck_assert_int_eq(write_all(fd, SLICE("6\n")), 0);
    (void)close(fd);
}

static void
do_adopt(void)
{
    struct mailbox *mb = mailbox_open(store_test, SLICE("INBOX"), false, true);

    mailbox_close(&mb);
}

static void
adopt_holds(bool whole)
{
    (void)whole;
    ck_assert_uint_eq(found_in[0][6], 1);
}

/* ---- with undelete ---- */

static unsigned kept[TEXTS_MAX]; /* how often each text waits in posthorn.expunged/ or cur/ */

static int
note_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    char text[4] = "";
    int fd;

    (void)ftw;
    if (type != FTW_F || st->st_size != 3)
        return 0;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && pread_exact(fd, text, 3, 0) == 0 && text[0] >= '0' && text[0] <= '7')
        kept[text[0] - '0']++;
    (void)close(fd);
    return 0;
}

static void
with_undelete(void)
{
    store_test_options.undelete_days = 14;
    store_close(&store_test);
    store_test = store_open(store_test_fd, &store_test_options);
}

static int
count_offer(void *arg, const struct expunged_message *e)
{
    (void)e;
    ++*(unsigned *)arg;
    return 0;
}

static unsigned
offered(void)
{
    unsigned count = 0;

    ck_assert_int_eq(store_undelete(store_test, count_offer, &count), 0);
    return count;
}

static int
accept(void *arg, const struct expunged_message *e)
{
    (void)arg;
    (void)e;
    return 1;
}

static void
three_to_keep(void)
{
    with_undelete();
    three_messages();
}

/* Nothing is gone: what is in no folder is in a file. */
static void
kept_holds(bool whole)
{
    expunge_holds(whole);
    memset(kept, 0, sizeof(kept));
    (void)nftw(store_test_path, note_file, 16, FTW_PHYS);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_eq(kept[i], 1);
    ck_assert(!whole || offered() == 2);
}

static void
folder_to_keep(void)
{
    with_undelete();
    make_new();
}

static void
removed_holds(bool whole)
{
    memset(kept, 0, sizeof(kept));
    (void)nftw(store_test_path, note_file, 16, FTW_PHYS);
    ck_assert_uint_eq(kept[5], 1);
    ck_assert_uint_eq(found[5] + offered(), 1);
    ck_assert(!whole || found[5] == 0);
}

static void
three_expunged(void)
{
    three_to_keep();
    do_expunge();
}

static void
do_undelete(void)
{
    if (store_undelete(store_test, accept, NULL) != 2)
        _exit(2);
}

static void
undeleted_holds(bool whole)
{
    ck_assert_uint_eq(found[0], 1);
    ck_assert_uint_eq(found[1], found[2]);
    ck_assert_uint_le(found[1], 1);
    ck_assert_uint_ge(found[1] + found[2] + offered(), 2);
    ck_assert(!whole || (found[1] == 1 && offered() == 0));
}

static const struct operation {
    const char *name;
    void (*before)(void);
    void (*run)(void);
    void (*holds)(bool whole);
} operations[] = {
    {"append", three_messages, do_append, append_holds},
    {"copy", three_messages, do_copy, copy_holds},
    {"move", three_messages, do_move, move_holds},
    {"expunge", three_messages, do_expunge, expunge_holds},
    {"expunge Sent", three_in_sent, do_expunge_sent, expunge_holds},
    {"move on", three_in_sent, do_move_on, move_on_holds},
    {"flags", three_messages, do_flags, three_hold},
    {"compact", three_messages, do_compact, three_hold},
    {"deliver", make_queue, do_deliver, deliver_holds},
    {"create", three_messages, do_create, three_hold},
    {"rename", make_new, do_rename, rename_holds},
    {"remove", make_new, do_remove, nothing_holds},
    {"adopt", put_in_new, do_adopt, adopt_holds},
    {"expunge, kept", three_to_keep, do_expunge, kept_holds},
    {"remove, kept", folder_to_keep, do_remove, removed_holds},
    {"undelete", three_expunged, do_undelete, undeleted_holds},
};

#endif
