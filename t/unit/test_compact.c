/*
 * t/unit/test_compact.c - lib/store/compact, index_file, settle, sweep: what happens behind the
 * scenes.
 */
#include "t/unit/store_test.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>

#include "lib/base/clock.h"
#include "lib/store/compact.h"
#include "lib/store/index_file.h"
#include "lib/store/ledger.h"
#include "lib/store/sweep.h"

static void
fill(unsigned count)
{
    struct mailbox_append *a = mailbox_append_begin(store_test, SLICE("INBOX"));
    struct mailbox_uids uids;

    for (unsigned i = 0; i < count; i++) {
        ck_assert_int_eq(write_all(mailbox_append_fd(a), SLICE("x\r\n")), 0);
        ck_assert_int_eq(mailbox_append_message(a, i % 3 == 0 ? MESSAGE_SEEN : 0, NULL, 0, 77), 0);
    }
    ck_assert_int_eq(mailbox_append_commit(&a, &uids), 0);
    free(uids.uids);
}

static unsigned
count_files(const char *sub)
{
    DIR *dir = fdopendir(openat(store_test_fd, sub, O_RDONLY | O_DIRECTORY));
    struct dirent *e;
    unsigned n = 0;

    ck_assert_ptr_nonnull(dir);
    while ((e = readdir(dir)) != NULL)
        n += e->d_name[0] != '.';
    (void)closedir(dir);
    return n;
}

static void
same(struct mailbox *a, struct mailbox *b)
{
    struct mailbox_info ia, ib;

    ck_assert_uint_eq(mailbox_count(a), mailbox_count(b));
    for (uint32_t seq = 1; seq <= mailbox_count(a); seq++) {
        struct message x = *mailbox_message(a, seq), y = *mailbox_message(b, seq);

        x.flags &= ~(uint32_t)MESSAGE_RECENT;
        y.flags &= ~(uint32_t)MESSAGE_RECENT;
        ck_assert_mem_eq(&x, &y, sizeof(x));
    }
    mailbox_get_info(a, &ia);
    mailbox_get_info(b, &ib);
    ia.recent = ib.recent = 0;
    ck_assert_mem_eq(&ia, &ib, sizeof(ia));
}

START_TEST(a_compacted_journal_says_the_same)
{
    struct mailbox *a, *b, *c;
    struct mailbox_changes ch;
    uint32_t uids[] = {2, 3, 4, 9}, seqs[] = {1, 5};
    struct journal_header before;
    int bit;
    char *text;

    fill(10);
    a = store_test_select("INBOX");
    b = store_test_select("INBOX");
    bit = mailbox_keyword_bit(a, SLICE("work"), true);
    ck_assert_int_eq(mailbox_store_flags(a, seqs, 2, MAILBOX_FLAGS_ADD, MESSAGE_FLAGGED,
                                         UINT64_C(1) << bit, 0, NULL, NULL),
                     0);
    ck_assert_int_eq(mailbox_remove(a, uids, 4), 0);
    ck_assert_int_eq(mailbox_sync(a, true, NULL), 0);
    before = a->folder.journal.header;
    ck_assert_int_eq(compact_journal(a), 0);
    ck_assert_uint_eq(a->folder.journal.header.generation, before.generation + 1);
    ck_assert_uint_eq(a->folder.journal.header.uidvalidity, before.uidvalidity);
    /* the other session goes over, and is told what it has not heard yet */
    ck_assert_int_eq(mailbox_sync(b, false, &ch), 0);
    ck_assert_uint_eq(ch.expunged_count, 0);
    ck_assert_uint_eq(ch.changed_count, 2);
    mailbox_changes_free(&ch);
    ck_assert_uint_eq(mailbox_count(b), 10);
    ck_assert_int_eq(
        mailbox_store_flags(b, seqs, 2, MAILBOX_FLAGS_ADD, MESSAGE_DRAFT, 0, 0, NULL, NULL), 0);
    ck_assert_int_eq(mailbox_sync(b, true, &ch), 0);
    ck_assert_uint_eq(ch.expunged_count, 4);
    mailbox_changes_free(&ch);
    ck_assert_int_eq(mailbox_sync(a, true, NULL), 0);
    same(a, b);
    c = store_test_select("INBOX");
    same(a, c);
    ck_assert_str_eq(mailbox_keyword(c, (unsigned)bit), "work");
    text = store_test_read(b, 2);
    ck_assert_str_eq(text, "x\r\n");
    free(text);
    ck_assert_uint_eq(store_test_append("INBOX", "x\r\n", 0), 11);
    mailbox_close(&a);
    mailbox_close(&b);
    mailbox_close(&c);
}
END_TEST

START_TEST(a_busy_journal_is_compacted_at_close)
{
    struct mailbox *mb;
    uint32_t seqs[400], n = 0;
    struct stat st;

    fill(400);
    mb = store_test_select("INBOX");
    for (uint32_t seq = 1; seq <= 400; seq += 2) /* no two in one range */
        seqs[n++] = seq;
    for (int i = 0; i < 600; i++)
        ck_assert_int_eq(mailbox_store_flags(mb, seqs, n,
                                             i % 2 == 0 ? MAILBOX_FLAGS_ADD : MAILBOX_FLAGS_REMOVE,
                                             MESSAGE_ANSWERED, 0, 0, NULL, NULL),
                         0);
    ck_assert_int_eq(mailbox_sync(mb, true, NULL), 0);
    mailbox_close(&mb);
    ck_assert_int_eq(fstatat(store_test_fd, JOURNAL_NAME, &st, 0), 0);
    ck_assert_int_lt(st.st_size, 80000);
    mb = store_test_select("INBOX");
    ck_assert_uint_eq(mailbox_count(mb), 400);
    mailbox_close(&mb);
}
END_TEST

START_TEST(an_index_gives_the_same_view)
{
    struct mailbox *a, *b;
    uint32_t uids[] = {1, 100, 900}, seq = 50;

    fill(1000);
    a = store_test_select("INBOX");
    ck_assert_int_eq(mailbox_remove(a, uids, 3), 0);
    ck_assert_int_eq(mailbox_sync(a, true, NULL), 0);
    ck_assert_int_eq(index_file_write(&a->view, &a->folder.journal), 0);
    ck_assert_int_eq(
        mailbox_store_flags(a, &seq, 1, MAILBOX_FLAGS_SET, MESSAGE_DRAFT, 0, 0, NULL, NULL), 0);
    uids[0] = 500;
    ck_assert_int_eq(mailbox_remove(a, uids, 1), 0);
    ck_assert_int_eq(mailbox_sync(a, true, NULL), 0);
    (void)store_test_append("INBOX", "x\r\n", 0);
    ck_assert_int_eq(mailbox_sync(a, true, NULL), 0);
    b = store_test_select("INBOX");
    ck_assert_uint_ne(b->view.index_offset, 0);
    same(a, b);
    mailbox_release_memory(b);
    same(a, b);
    mailbox_close(&a);
    mailbox_close(&b);
}
END_TEST

/* Cuts so many bytes off the journal, as a power cut would. */
static void
tear_journal(off_t by)
{
    struct stat st;
    int fd = openat(store_test_fd, JOURNAL_NAME, O_RDWR);

    ck_assert_int_eq(fstat(fd, &st), 0);
    ck_assert_int_eq(ftruncate(fd, st.st_size - by), 0);
    (void)close(fd);
}

static void
cut_journal_to(off_t size)
{
    int fd = openat(store_test_fd, JOURNAL_NAME, O_RDWR);

    ck_assert_int_eq(ftruncate(fd, size), 0);
    (void)close(fd);
}

START_TEST(a_torn_tail_is_cut_back)
{
    struct mailbox *mb;

    (void)store_test_append("INBOX", "x\r\n", 0);
    (void)store_test_append("INBOX", "y\r\n", 0);
    tear_journal(_i);
    mb = store_test_select("INBOX");
    ck_assert_uint_eq(mailbox_count(mb), _i == 0 ? 2 : 1);
    mailbox_close(&mb);
    ck_assert_uint_eq(store_test_append("INBOX", "z\r\n", 0), _i == 0 ? 3 : 2);
    mb = store_test_select("INBOX");
    ck_assert_uint_eq(mailbox_count(mb), _i == 0 ? 3 : 2);
    mailbox_close(&mb);
}
END_TEST

START_TEST(damage_before_what_was_durable_is_not_cut)
{
    int fd;
    struct mailbox_append *a;
    struct mailbox_uids uids;
    struct stat st;

    (void)store_test_append("INBOX", "x\r\n", 0);
    ck_assert_int_eq(fstatat(store_test_fd, JOURNAL_NAME, &st, 0), 0);
    (void)store_test_append("INBOX", "y\r\n", 0);
    (void)store_test_append("INBOX", "z\r\n", 0);
    fd = openat(store_test_fd, JOURNAL_NAME, O_RDWR);
    ck_assert_int_eq(pwrite_all(fd, SLICE("!"), st.st_size + 30), 0);
    ck_assert_int_eq(pwrite_all(fd, SLICE("torn"), 100000), 0);
    a = mailbox_append_begin(store_test, SLICE("INBOX"));
    ck_assert_int_eq(mailbox_append_message(a, 0, NULL, 0, 0), 0);
    ck_assert_int_eq(mailbox_append_commit(&a, &uids), -1);
    ck_assert_int_eq(errno, EBADMSG);
    (void)close(fd);
}
END_TEST

/* Takes the mark off the last record, as if its writer were just flushing, or had died: then the
 * returned descriptor is closed. */
static int
unsettle_last(const char *dir)
{
    char path[64];
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    struct stat st;
    uint32_t none = 0;
    int fd;

    (void)snprintf(path, sizeof(path), "%s%s", dir, JOURNAL_NAME);
    fd = openat(store_test_fd, path, O_RDWR);
    ck_assert_int_eq(fstat(fd, &st), 0);
    ck_assert_int_eq(pwrite_all(fd, slice_make(&none, sizeof(none)), st.st_size - 4), 0);
    lock.l_start = st.st_size - 8;
    lock.l_len = 8;
    ck_assert_int_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
    return fd;
}

START_TEST(what_is_not_settled_is_not_announced)
{
    struct mailbox *mb;
    struct mailbox_info info;
    int writer;

    (void)store_test_append("INBOX", "x\r\n", 0);
    (void)store_test_append("INBOX", "y\r\n", 0);
    writer = unsettle_last("");
    mb = mailbox_open(store_test, SLICE("INBOX"), false, false); /* claims nothing */
    mailbox_get_info(mb, &info);
    ck_assert_uint_eq(info.count, 1);
    ck_assert_uint_eq(info.uidnext, 2);
    ck_assert_uint_eq(info.unseen, 1);
    ck_assert_uint_eq(info.highest_modseq, mailbox_message(mb, 1)->modseq);
    ck_assert_int_eq(mailbox_status(store_test, SLICE("INBOX"), &info), 0);
    ck_assert_uint_eq(info.count, 1);
    ck_assert_uint_eq(info.uidnext, 2);
    (void)close(writer);
    ck_assert_int_eq(mailbox_sync(mb, true, NULL), 0);
    ck_assert_uint_eq(mailbox_count(mb), 2);
    ck_assert_int_eq(mailbox_status(store_test, SLICE("INBOX"), &info), 0);
    ck_assert_uint_eq(info.count, 2);
    mailbox_close(&mb);
}
END_TEST

START_TEST(an_arrival_whose_file_was_lost_is_voided)
{
    struct mailbox *mb;
    struct mailbox_info info;
    struct strbuf buf = strbuf_new(1024);
    struct item item;
    char path[FILE_PATH_SIZE];

    (void)store_test_append("INBOX", "x\r\n", 0);
    (void)store_test_append("INBOX", "y\r\n", 0);
    mb = mailbox_open_plain(store_test, SLICE("INBOX"), true);
    ck_assert_int_eq(
        journal_read_item(&mb->folder.journal, view_at(&mb->view, 2)->item, &buf, &item), 0);
    folder_cur_path(path, item.arrival.name);
    ck_assert_int_eq(unlinkat(store_test_fd, path, 0), 0);
    strbuf_free(&buf);
    mailbox_close(&mb);
    (void)close(unsettle_last(""));
    ck_assert_int_eq(mailbox_status(store_test, SLICE("INBOX"), &info), 0);
    ck_assert_uint_eq(info.count, 1);
    ck_assert_uint_eq(info.unseen, 1);
    ck_assert_uint_eq(info.bytes, 3);
    ck_assert_uint_eq(store_test_append("INBOX", "z\r\n", 0), 3);
}
END_TEST

START_TEST(a_move_cut_short_is_completed)
{
    struct mailbox *mb, *to;
    struct mailbox_uids uids;
    uint32_t seqs[] = {1, 3};
    struct stat st;
    uint64_t bytes, messages;
    int writer;

    fill(3);
    mb = store_test_select("INBOX");
    ck_assert_int_eq(fstatat(store_test_fd, JOURNAL_NAME, &st, 0), 0);
    ck_assert_int_eq(mailbox_copy(mb, seqs, 2, SLICE("Trash"), true, &uids), 0);
    free(uids.uids);
    mailbox_close(&mb);
    /* back to the moment before the source's record; its files were still there then */
    cut_journal_to(st.st_size);
    writer = unsettle_last(".Trash/");
    mb = store_test_select("INBOX");
    ck_assert_uint_eq(mailbox_count(mb), 3);
    to = store_test_select("Trash");
    ck_assert_uint_eq(mailbox_count(to), 0);
    (void)close(writer);
    ck_assert_int_eq(mailbox_sync(to, true, NULL), 0);
    ck_assert_uint_eq(mailbox_count(to), 2);
    ck_assert_int_eq(mailbox_sync(mb, true, NULL), 0);
    ck_assert_uint_eq(mailbox_count(mb), 1);
    ck_assert_uint_eq(mailbox_message(mb, 1)->uid, 2);
    mailbox_close(&to);
    mailbox_close(&mb);
    ck_assert_int_eq(store_recount(store_test, &bytes, &messages), 0);
    ck_assert_uint_eq(messages, 3);
}
END_TEST

/* Flags of this session that wait for their flush are in the new journal; a mark for them must not
 * go where the old one ended. */
START_TEST(a_flush_that_is_due_leaves_a_new_journal_alone)
{
    struct store_options late = {.may_remove = true, .flush_interval_ms = 30};
    struct store *other = store_open(store_test_fd, &late);
    struct mailbox *a, *b;
    uint32_t seqs[200], n = 0;
    struct stat before, after;

    fill(400);
    a = store_test_select("INBOX");
    b = mailbox_open(other, SLICE("INBOX"), false, false);
    for (uint32_t seq = 1; seq <= 400; seq += 2)
        seqs[n++] = seq;
    for (int i = 0; i < 40; i++)
        ck_assert_int_eq(mailbox_store_flags(b, seqs, n,
                                             i % 2 == 0 ? MAILBOX_FLAGS_ADD : MAILBOX_FLAGS_REMOVE,
                                             MESSAGE_FLAGGED, 0, 0, NULL, NULL),
                         0);
    ck_assert_int_eq(
        mailbox_store_flags(b, seqs, 1, MAILBOX_FLAGS_ADD, MESSAGE_DRAFT, 0, 0, NULL, NULL), 0);
    ck_assert_int_eq(compact_journal(a), 0);
    ck_assert_int_eq(fstatat(store_test_fd, JOURNAL_NAME, &before, 0), 0);
    ck_assert_int_eq(mailbox_catch_up(b), 0);
    for (int64_t end = clock_mono_ms() + 5000;
         mailbox_flush_due_ms(b) > 0 && clock_mono_ms() < end;)
        (void)poll(NULL, 0, 5);
    ck_assert_int_eq(mailbox_flush(b), 0);
    ck_assert_int_eq(fstatat(store_test_fd, JOURNAL_NAME, &after, 0), 0);
    ck_assert_int_eq(after.st_size, before.st_size);
    mailbox_close(&a);
    mailbox_close(&b);
    a = store_test_select("INBOX");
    ck_assert_uint_ne(mailbox_message(a, 1)->flags & MESSAGE_DRAFT, 0);
    mailbox_close(&a);
    store_close(&other);
}
END_TEST

/* A backup by hard links keeps the old journal's link count up: it is replaced all the same. */
START_TEST(a_linked_backup_does_not_hide_a_compaction)
{
    struct mailbox *a, *b;
    uint32_t seq = 2;

    fill(5);
    ck_assert_int_eq(linkat(store_test_fd, JOURNAL_NAME, store_test_fd, "backup", 0), 0);
    a = store_test_select("INBOX");
    b = store_test_select("INBOX");
    ck_assert_int_eq(compact_journal(a), 0);
    ck_assert_int_eq(
        mailbox_store_flags(b, &seq, 1, MAILBOX_FLAGS_ADD, MESSAGE_DRAFT, 0, 0, NULL, NULL), 0);
    (void)store_test_append("INBOX", "x\r\n", 0);
    ck_assert_int_eq(mailbox_sync(b, true, NULL), 0);
    ck_assert_uint_eq(mailbox_count(b), 6);
    mailbox_close(&a);
    mailbox_close(&b);
    a = store_test_select("INBOX");
    ck_assert_uint_ne(mailbox_message(a, 2)->flags & MESSAGE_DRAFT, 0);
    mailbox_close(&a);
}
END_TEST

/* A power cut takes records that an index stands for already; others grow in their place. */
START_TEST(an_index_of_records_that_were_lost_is_not_believed)
{
    static const char *const texts[] = {"y\r\n", "long enough to end elsewhere\r\n"};
    struct mailbox *mb;
    struct stat st;
    uint32_t seq = 3;

    fill(1000);
    mb = store_test_select("INBOX");
    ck_assert_int_eq(fstatat(store_test_fd, JOURNAL_NAME, &st, 0), 0);
    ck_assert_int_eq(
        mailbox_store_flags(mb, &seq, 1, MAILBOX_FLAGS_ADD, MESSAGE_FLAGGED, 0, 0, NULL, NULL), 0);
    ck_assert_int_eq(index_file_write(&mb->view, &mb->folder.journal), 0);
    mailbox_close(&mb);
    cut_journal_to(st.st_size);
    if (_i == 0) { /* in the very same place, as long as what was lost */
        mb = mailbox_open_plain(store_test, SLICE("INBOX"), false);
        seq = 4;
        ck_assert_int_eq(
            mailbox_store_flags(mb, &seq, 1, MAILBOX_FLAGS_ADD, MESSAGE_DRAFT, 0, 0, NULL, NULL),
            0);
        ck_assert_int_eq(renameat(store_test_fd, INDEX_NAME, store_test_fd, "kept"), 0);
        mailbox_close(&mb);
        ck_assert_int_eq(renameat(store_test_fd, "kept", store_test_fd, INDEX_NAME), 0);
    } else {
        (void)store_test_append("INBOX", texts[_i - 1], 0);
    }
    mb = store_test_select("INBOX");
    ck_assert_uint_eq(mailbox_count(mb), _i == 0 ? 1000 : 1001);
    ck_assert_uint_eq(mailbox_message(mb, 3)->flags & MESSAGE_FLAGGED, 0);
    ck_assert_uint_eq(mailbox_message(mb, 4)->flags & MESSAGE_DRAFT,
                      _i == 0 ? (uint32_t)MESSAGE_DRAFT : 0);
    ck_assert_int_eq(
        mailbox_store_flags(mb, &seq, 1, MAILBOX_FLAGS_ADD, MESSAGE_SEEN, 0, 0, NULL, NULL), 0);
    mailbox_close(&mb);
}
END_TEST

/* What an index says wrongly must not get into the journal. */
START_TEST(a_damaged_index_does_not_outlive_a_compaction)
{
    struct mailbox *mb;
    struct view_entry e;
    int fd;

    fill(1000);
    mb = store_test_select("INBOX");
    ck_assert_int_eq(index_file_write(&mb->view, &mb->folder.journal), 0);
    mailbox_close(&mb);
    fd = openat(store_test_fd, INDEX_NAME, O_RDWR);
    ck_assert_int_eq(pread_exact(fd, &e, sizeof(e), 128 + 5 * sizeof(e)), 0);
    e.m.flags = MESSAGE_DELETED;
    ck_assert_int_eq(pwrite_all(fd, slice_make(&e, sizeof(e)), 128 + 5 * sizeof(e)), 0);
    (void)close(fd);
    mb = store_test_select("INBOX");
    ck_assert_uint_ne(mailbox_message(mb, 6)->flags & MESSAGE_DELETED, 0);
    ck_assert_int_eq(compact_journal(mb), -1);
    mailbox_close(&mb);
    mb = store_test_select("INBOX");
    ck_assert_uint_eq(mailbox_message(mb, 6)->flags & MESSAGE_DELETED, 0);
    ck_assert_int_eq(compact_journal(mb), 0);
    mailbox_close(&mb);
}
END_TEST

/* While a session was finding out that a file is lost, the same delivery put it back. */
START_TEST(an_arrival_whose_file_came_back_is_not_voided)
{
    struct mailbox *mb;
    uint32_t uids[] = {1, 2};
    struct strbuf buf = strbuf_new(1024);
    struct item item;
    char path[FILE_PATH_SIZE];

    fill(2);
    mb = mailbox_open_plain(store_test, SLICE("INBOX"), false);
    ck_assert_int_eq(
        journal_read_item(&mb->folder.journal, view_at(&mb->view, 2)->item, &buf, &item), 0);
    folder_cur_path(path, item.arrival.name);
    ck_assert_int_eq(unlinkat(store_test_fd, path, 0), 0);
    strbuf_free(&buf);
    ck_assert_int_eq(mailbox_void_lost(mb, uids, 2), 0);
    mailbox_close(&mb);
    mb = store_test_select("INBOX");
    ck_assert_uint_eq(mailbox_count(mb), 1);
    ck_assert_uint_eq(mailbox_message(mb, 1)->uid, 1);
    mailbox_close(&mb);
}
END_TEST

/* The way to a journal's end stays short, whatever is written to it and whoever died at it. */
START_TEST(the_tail_stays_short)
{
    struct journal_tail tail;
    struct mailbox *mb;
    uint32_t seq = 1;

    fill(1);
    if (_i == 0)
        for (unsigned i = 0; i < 1500; i++)
            ck_assert_int_eq(ledger_add(store_test, 1, 1), 0);
    mb = store_test_select("INBOX");
    if (_i == 1) {
        mb->folder.store->options.flush_interval_ms = 3600000;
        for (unsigned i = 0; i < 1500; i++)
            ck_assert_int_eq(mailbox_store_flags(mb, &seq, 1, MAILBOX_FLAGS_SET,
                                                 i % 2 == 0 ? MESSAGE_DRAFT : 0, 0, 0, NULL, NULL),
                             0);
        mb->folder.store->options.flush_interval_ms = 0;
    }
    ck_assert_int_eq(journal_tail_read(&mb->folder.journal, &tail), 0);
    ck_assert_uint_lt(tail.end - tail.settled, JOURNAL_SPAN_MAX + 1000);
    mailbox_close(&mb);
}
END_TEST

/* A full disk, by way of the largest size that a file may have. */
START_TEST(an_append_that_finds_no_room_leaves_nothing)
{
    struct rlimit old, small;
    struct mailbox_append *a;
    struct mailbox_uids uids;
    struct mailbox_info info;
    struct stat before, after;

    (void)signal(SIGXFSZ, SIG_IGN);
    fill(3);
    ck_assert_int_eq(fstatat(store_test_fd, JOURNAL_NAME, &before, 0), 0);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = (rlim_t)before.st_size + 100;
    a = mailbox_append_begin(store_test, SLICE("INBOX"));
    ck_assert_int_eq(write_all(mailbox_append_fd(a), SLICE("x\r\n")), 0);
    ck_assert_int_eq(mailbox_append_message(a, 0, NULL, 0, 1), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    ck_assert_int_eq(mailbox_append_commit(&a, &uids), -1);
    ck_assert_int_eq(errno, EFBIG);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    ck_assert_int_eq(fstatat(store_test_fd, JOURNAL_NAME, &after, 0), 0);
    ck_assert_int_eq(after.st_size, before.st_size);
    ck_assert_uint_eq(count_files("cur"), 3);
    ck_assert_uint_eq(count_files("tmp"), 0);
    ck_assert_int_eq(mailbox_status(store_test, SLICE("INBOX"), &info), 0);
    ck_assert_uint_eq(info.count, 3);
    ck_assert_uint_eq(store_test_append("INBOX", "x\r\n", 0), 4);
}
END_TEST

START_TEST(leftovers_are_swept)
{
    static const char *const names[] = {"cur/1.Qx,S=1:2,", "tmp/a", "posthorn.index.abc",
                                        "posthorn.journal.x"};
    struct mailbox *mb;
    char *text;

    fill(1);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        (void)close(openat(store_test_fd, names[i], O_WRONLY | O_CREAT, 0600));
    (void)close(openat(store_test_fd, "cur/foreign:2,", O_WRONLY | O_CREAT, 0600));
    mb = store_test_select("INBOX");
    sweep_folder(mb);
    ck_assert_int_eq(faccessat(store_test_fd, names[0], F_OK, 0), 0);
    sweep_folder_older_than(mb, -5);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        ck_assert_int_eq(faccessat(store_test_fd, names[i], F_OK, 0), -1);
    ck_assert_int_eq(faccessat(store_test_fd, "cur/foreign:2,", F_OK, 0), 0);
    text = store_test_read(mb, 1);
    free(text);
    mailbox_close(&mb);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("compact");
    TCase *tc = tcase_create("behind the scenes");

    tcase_add_checked_fixture(tc, store_test_setup, store_test_teardown);
    tcase_add_test(tc, a_compacted_journal_says_the_same);
    tcase_add_test(tc, a_busy_journal_is_compacted_at_close);
    tcase_add_test(tc, an_index_gives_the_same_view);
    tcase_add_loop_test(tc, a_torn_tail_is_cut_back, 0, 200);
    tcase_add_test(tc, damage_before_what_was_durable_is_not_cut);
    tcase_add_test(tc, what_is_not_settled_is_not_announced);
    tcase_add_test(tc, an_arrival_whose_file_was_lost_is_voided);
    tcase_add_test(tc, a_move_cut_short_is_completed);
    tcase_add_test(tc, a_flush_that_is_due_leaves_a_new_journal_alone);
    tcase_add_test(tc, a_linked_backup_does_not_hide_a_compaction);
    tcase_add_loop_test(tc, an_index_of_records_that_were_lost_is_not_believed, 0, 3);
    tcase_add_test(tc, a_damaged_index_does_not_outlive_a_compaction);
    tcase_add_test(tc, an_arrival_whose_file_came_back_is_not_voided);
    tcase_add_loop_test(tc, the_tail_stays_short, 0, 2);
    tcase_add_test(tc, an_append_that_finds_no_room_leaves_nothing);
    tcase_add_test(tc, leftovers_are_swept);
    suite_add_tcase(suite, tc);
    return store_test_run(suite);
}
