/*
 * t/unit/test_store_check.c - store check finds each kind of damage, and repairs it without another
 * UIDVALIDITY and without losing a flag.
 */
#include "t/unit/store_test.h"

#include <dirent.h>

#include "lib/base/crc32c.h"
#include "lib/store/check.h"
#include "lib/store/index_file.h"
#include "lib/store/ledger.h"
#include "lib/store/lost.h"
#include "lib/store/mailbox_private.h"
#include "lib/store/salvage.h"

static char found[8192]; /* "problem:folder:uid:outcome " of each finding */
static struct check_totals totals;

static void
note(void *arg, const struct check_finding *f)
{
    size_t len = strlen(found);

    (void)arg;
    (void)snprintf(found + len, sizeof(found) - len, "%s:%s:%u:%d ", f->problem, f->folder, f->uid,
                   (int)f->outcome);
}

static const char *
check(bool repair)
{
    const struct check_options options = {.repair = repair, .found = note};

    found[0] = '\0';
    ck_assert_int_eq(store_check(store_test_fd, &options, &totals), 0);
    return found;
}

/* Ten messages with flags and keywords in INBOX, three of them expunged; one more in Sent. */
static void
fill(void)
{
    struct mailbox *mb;
    uint32_t seqs[] = {2, 4, 6};
    uint64_t bit;

    for (unsigned i = 0; i < 10; i++) {
        char text[64];

        (void)snprintf(text, sizeof(text), "Subject: %u\r\n\r\nbody %u\r\n", i, i);
        store_test_append("INBOX", text, i % 2 == 0 ? MESSAGE_SEEN : MESSAGE_FLAGGED);
    }
    store_test_append("Sent", "Subject: s\r\n\r\nsent\r\n", MESSAGE_SEEN);
    mb = store_test_select("INBOX");
    bit = (uint64_t)1 << mailbox_keyword_bit(mb, SLICE("$Work"), true);
    ck_assert_int_eq(
        mailbox_store_flags(mb, seqs, 2, MAILBOX_FLAGS_ADD, MESSAGE_ANSWERED, bit, 0, NULL, NULL),
        0);
    seqs[0] = mailbox_message(mb, 8)->uid;
    seqs[1] = mailbox_message(mb, 9)->uid;
    ck_assert_int_eq(mailbox_remove(mb, seqs, 2), 0);
    mailbox_close(&mb);
}

static void
write_index(const char *folder)
{
    struct mailbox *mb = store_test_select(folder);

    ck_assert_int_eq(index_file_write(&mb->view, &mb->folder.journal), 0);
    mailbox_close(&mb);
}

struct picture { /* of a folder, to compare */
    struct mailbox_info info;
    uint32_t count;
    struct message messages[16];
    char email_ids[16][MAILBOX_EMAIL_ID_MAX + 1];
    char *keyword;
};

static struct picture
picture(const char *folder)
{
    struct mailbox *mb = store_test_select(folder);
    struct picture p = {.count = mailbox_count(mb)};

    mailbox_get_info(mb, &p.info);
    for (uint32_t seq = 1; seq <= p.count; seq++) {
        struct message_facts facts;

        p.messages[seq - 1] = *mailbox_message(mb, seq);
        ck_assert_int_eq(mailbox_message_facts(mb, seq, &facts), 0);
        memcpy(p.email_ids[seq - 1], facts.email_id, sizeof(facts.email_id));
        free(store_test_read(mb, seq));
    }
    p.keyword = mailbox_keyword(mb, 0) == NULL ? NULL : xstrdup(mailbox_keyword(mb, 0));
    mailbox_close(&mb);
    return p;
}

static void
same(struct picture *a, struct picture *b)
{
    ck_assert_uint_eq(a->info.uidvalidity, b->info.uidvalidity);
    ck_assert_str_eq(a->info.mailbox_id, b->info.mailbox_id);
    ck_assert_uint_eq(a->info.uidnext, b->info.uidnext);
    ck_assert_uint_eq(a->count, b->count);
    for (uint32_t i = 0; i < a->count; i++) {
        const uint32_t kept = MESSAGE_RECENT - 1;

        ck_assert_uint_eq(a->messages[i].uid, b->messages[i].uid);
        ck_assert_uint_eq(a->messages[i].flags & kept, b->messages[i].flags & kept);
        ck_assert_uint_eq(a->messages[i].keywords, b->messages[i].keywords);
        ck_assert_uint_eq(a->messages[i].size, b->messages[i].size);
        ck_assert_int_eq(a->messages[i].internal_ms, b->messages[i].internal_ms);
        ck_assert_str_eq(a->email_ids[i], b->email_ids[i]);
    }
    ck_assert_str_eq(a->keyword == NULL ? "" : a->keyword, b->keyword == NULL ? "" : b->keyword);
    free(a->keyword);
    free(b->keyword);
}

static void
damage(const char *path, off_t at, size_t len)
{
    int fd = openat(store_test_fd, path, O_RDWR | O_CLOEXEC);
    char bytes[4096];

    ck_assert_int_ge(fd, 0);
    ck_assert_uint_le(len, sizeof(bytes));
    ck_assert_int_eq(pread_exact(fd, bytes, len, at), 0);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)(bytes[i] ^ 0x55);
    ck_assert_int_eq(pwrite_all(fd, slice_make(bytes, len), at), 0);
    (void)close(fd);
}

static off_t
size_of(const char *path)
{
    struct stat st;

    ck_assert_int_eq(fstatat(store_test_fd, path, &st, 0), 0);
    return st.st_size;
}

static void
make_file(const char *path)
{
    int fd = openat(store_test_fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    (void)close(fd);
}

/* The path of a message's file. */
static const char *
file_of(const char *folder, uint32_t rank)
{
    static char path[FILE_PATH_SIZE + 16];
    struct mailbox *mb = store_test_select(folder);
    struct strbuf buf = strbuf_new(ITEM_MAX);
    struct arrival a;

    ck_assert_int_eq(mailbox_read_arrival(mb, rank, &buf, &a), 0);
    (void)snprintf(path, sizeof(path), "%s%s%scur/%.*s", strcmp(folder, "INBOX") == 0 ? "" : ".",
                   strcmp(folder, "INBOX") == 0 ? "" : folder,
                   strcmp(folder, "INBOX") == 0 ? "" : "/", (int)a.name.len, a.name.ptr);
    strbuf_free(&buf);
    mailbox_close(&mb);
    return path;
}

static unsigned
count_lost(void)
{
    int fd = openat(store_test_fd, LOST_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    unsigned n = 0;

    if (dir == NULL)
        return 0;
    for (struct dirent *e; (e = readdir(dir)) != NULL;)
        n += e->d_name[0] != '.';
    (void)closedir(dir);
    return n;
}

START_TEST(a_whole_store_has_nothing)
{
    fill();
    write_index("INBOX");
    ck_assert_str_eq(check(false), "");
    ck_assert_uint_eq(totals.messages, 9);
    ck_assert_uint_eq(totals.folders, 5);
    ck_assert_str_eq(check(true), "");
}
END_TEST

START_TEST(a_torn_tail_is_no_damage)
{
    int fd;

    fill();
    fd = openat(store_test_fd, JOURNAL_NAME, O_WRONLY | O_APPEND | O_CLOEXEC);
    ck_assert_int_eq(write_all(fd, SLICE("PHcr\x70\0\0\0half a record")), 0);
    (void)close(fd);
    ck_assert_str_eq(check(false), "");
}
END_TEST

START_TEST(a_missing_file_comes_back_from_a_copy)
{
    struct mailbox *mb;
    struct mailbox_uids uids;
    struct picture before, after;
    const uint32_t two = 2;

    fill();
    mb = store_test_select("INBOX");
    ck_assert_int_eq(mailbox_copy(mb, &two, 1, SLICE("Trash"), false, &uids), 0);
    free(uids.uids);
    mailbox_close(&mb);
    before = picture("INBOX");
    ck_assert_int_eq(unlinkat(store_test_fd, file_of("INBOX", 2), 0), 0);
    ck_assert_str_eq(check(false), "message_missing:INBOX:2:1 ");
    ck_assert_str_eq(check(true), "message_missing:INBOX:2:2 ");
    ck_assert_str_eq(check(false), "");
    after = picture("INBOX");
    same(&before, &after);
}
END_TEST

START_TEST(a_missing_file_without_a_copy_is_said_and_leaves)
{
    struct mailbox_info info;

    fill();
    ck_assert_int_eq(unlinkat(store_test_fd, file_of("INBOX", 2), 0), 0);
    ck_assert_str_eq(check(true), "message_missing:INBOX:2:3 ");
    ck_assert_int_eq(mailbox_status(store_test, SLICE("INBOX"), &info), 0);
    ck_assert_uint_eq(info.count, 7);
    ck_assert_str_eq(check(false), "");
}
END_TEST

START_TEST(a_changed_or_short_message_is_moved_aside)
{
    int fd;

    fill();
    damage(file_of("INBOX", 1), 3, 1);
    fd = openat(store_test_fd, file_of("INBOX", 3), O_WRONLY | O_CLOEXEC);
    ck_assert_int_eq(ftruncate(fd, 4), 0);
    (void)close(fd);
    ck_assert_str_eq(check(false), "message_changed:INBOX:1:1 message_short:INBOX:3:1 ");
    ck_assert_uint_eq(count_lost(), 0);
    ck_assert_str_eq(check(true), "message_changed:INBOX:1:3 message_short:INBOX:3:3 ");
    ck_assert_uint_eq(count_lost(), 2);
    ck_assert_str_eq(check(false), "");
}
END_TEST

START_TEST(an_index_that_lies_is_deleted)
{
    struct picture before, after;

    fill();
    before = picture("INBOX");
    write_index("INBOX");
    damage(INDEX_NAME, 128 + 4, 1); /* the first message's flags */
    ck_assert_str_eq(check(false), "index_differs:INBOX:0:1 ");
    ck_assert_str_eq(check(true), "index_differs:INBOX:0:2 ");
    after = picture("INBOX");
    same(&before, &after);
}
END_TEST

START_TEST(a_damaged_header_byte_costs_nothing)
{
    struct picture before, after;

    fill();
    before = picture("INBOX");
    damage(JOURNAL_NAME, _i, 1);
    ck_assert_ptr_nonnull(strstr(check(false), "INBOX:0:1"));
    ck_assert_str_eq(check(true), "journal_damaged:INBOX:0:2 ");
    ck_assert_str_eq(check(false), "");
    after = picture("INBOX");
    same(&before, &after);
    ck_assert_uint_eq(count_lost(), 1);
}
END_TEST

START_TEST(a_wiped_header_is_known_from_the_index)
{
    struct picture before, after;

    fill();
    before = picture("INBOX");
    write_index("INBOX");
    damage(JOURNAL_NAME, 8, 100);
    ck_assert_str_eq(check(true), "journal_damaged:INBOX:0:2 ");
    after = picture("INBOX");
    memcpy(before.info.mailbox_id, after.info.mailbox_id, sizeof(after.info.mailbox_id));
    same(&before, &after);
    ck_assert_str_eq(check(false), "");
}
END_TEST

/* Every place in the journal in turn, with an index that knows better. */
START_TEST(damage_anywhere_loses_nothing_that_the_index_has)
{
    struct picture before, after;
    uint64_t size;

    fill();
    before = picture("INBOX");
    write_index("INBOX");
    size = (uint64_t)size_of(JOURNAL_NAME);
    /* something behind, so that it is no torn tail */
    store_test_append("Sent", "Subject: s\r\n\r\nsent\r\n", 0);
    damage(JOURNAL_NAME,
           (off_t)(sizeof(struct journal_header) +
                   (size - sizeof(struct journal_header)) * (uint64_t)_i / 20 + 30),
           1);
    ck_assert_ptr_nonnull(strstr(check(true), "journal_damaged:INBOX:0:"));
    ck_assert_ptr_nonnull(strstr(found, ":2 "));
    ck_assert_str_eq(check(false), "");
    after = picture("INBOX");
    for (uint32_t i = 0; i < after.count; i++) /* one that lost its name has a new id */
        memcpy(before.email_ids[i], after.email_ids[i], sizeof(after.email_ids[i]));
    same(&before, &after);
}
END_TEST

START_TEST(without_an_index_the_files_come_in_anew)
{
    struct picture before, after;

    fill();
    before = picture("INBOX");
    damage(JOURNAL_NAME, sizeof(struct journal_header) + 150, 8); /* the first or second record */
    make_file(CACHE_NAME);
    make_file(FULLTEXT_NAME);
    ck_assert_ptr_nonnull(strstr(check(true), "journal_damaged:INBOX:0:3 "));
    /* what was known of the UIDs before may be about other messages now */
    ck_assert_int_lt(faccessat(store_test_fd, CACHE_NAME, F_OK, 0), 0);
    ck_assert_int_lt(faccessat(store_test_fd, FULLTEXT_NAME, F_OK, 0), 0);
    ck_assert_str_eq(check(false), "");
    after = picture("INBOX");
    ck_assert_uint_eq(after.info.uidvalidity, before.info.uidvalidity);
    ck_assert_uint_ge(after.count, before.count);
    ck_assert_uint_ge(after.info.uidnext, before.info.uidnext);
    ck_assert_uint_eq(after.messages[1].uid == 2 || after.messages[0].uid == 2, 1);
    free(before.keyword);
    free(after.keyword);
}
END_TEST

START_TEST(totals_are_put_right)
{
    uint64_t bytes, messages, bytes_now, messages_now;

    fill();
    ck_assert_int_eq(store_usage(store_test, &bytes, &messages), 0);
    ck_assert_int_eq(ledger_add(store_test, 1000, 3), 0);
    ck_assert_str_eq(check(false), "totals_differ::0:0 ");
    ck_assert_str_eq(check(true), "totals_differ::0:2 ");
    ck_assert_str_eq(check(false), "");
    ck_assert_int_eq(store_usage(store_test, &bytes_now, &messages_now), 0);
    ck_assert(bytes_now == bytes && messages_now == messages);
}
END_TEST

START_TEST(another_version_is_left_alone)
{
    struct journal_header h, now;
    int fd;

    fill();
    fd = openat(store_test_fd, ".Sent/" JOURNAL_NAME, O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(pread_exact(fd, &h, sizeof(h), 0), 0);
    h.version = 1;
    h.crc = crc32c(0, slice_make(&h, offsetof(struct journal_header, crc)));
    ck_assert_int_eq(pwrite_all(fd, slice_make(&h, sizeof(h)), 0), 0);
    ck_assert_ptr_nonnull(strstr(check(true), "journal_version:Sent:0:1 "));
    ck_assert_int_eq(pread_exact(fd, &now, sizeof(now), 0), 0);
    ck_assert_int_eq(memcmp(&h, &now, sizeof(h)), 0);
    (void)close(fd);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("store_check");
    TCase *tc = tcase_create("store_check");

    tcase_add_checked_fixture(tc, store_test_setup, store_test_teardown);
    tcase_add_test(tc, a_whole_store_has_nothing);
    tcase_add_test(tc, a_torn_tail_is_no_damage);
    tcase_add_test(tc, a_missing_file_comes_back_from_a_copy);
    tcase_add_test(tc, a_missing_file_without_a_copy_is_said_and_leaves);
    tcase_add_test(tc, a_changed_or_short_message_is_moved_aside);
    tcase_add_test(tc, an_index_that_lies_is_deleted);
    tcase_add_loop_test(tc, a_damaged_header_byte_costs_nothing, 0, 64);
    tcase_add_test(tc, a_wiped_header_is_known_from_the_index);
    tcase_add_loop_test(tc, damage_anywhere_loses_nothing_that_the_index_has, 0, 20);
    tcase_add_test(tc, without_an_index_the_files_come_in_anew);
    tcase_add_test(tc, totals_are_put_right);
    tcase_add_test(tc, another_version_is_left_alone);
    suite_add_tcase(suite, tc);
    return store_test_run(suite);
}
