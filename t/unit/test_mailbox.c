/*
 * t/unit/test_mailbox.c - lib/store/mailbox: what one and two sessions see of a folder.
 */
#include "t/unit/store_test.h"

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/store/compact.h"
#include "lib/store/index_file.h"
#include "lib/store/mailbox_private.h"

static void
check_flags(struct mailbox *mb, uint32_t seq, uint32_t flags)
{
    ck_assert_uint_eq(mailbox_message(mb, seq)->flags & ~(uint32_t)MESSAGE_RECENT, flags);
}

START_TEST(a_new_store_has_the_standard_folders)
{
    struct mailbox_info info;

    ck_assert_int_eq(mailbox_status(store_test, SLICE("inbox"), &info), 0);
    ck_assert_uint_eq(info.count, 0);
    ck_assert_uint_eq(info.uidnext, 1);
    ck_assert_uint_ne(info.uidvalidity, 0);
    ck_assert_int_eq(mailbox_status(store_test, SLICE("Junk"), &info), 0);
    ck_assert_int_eq(mailbox_status(store_test, SLICE("Nothing"), &info), -1);
    ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(an_appended_message_is_there)
{
    struct mailbox *mb;
    struct mailbox_info info;
    char *text;

    ck_assert_uint_eq(store_test_append("INBOX", "Subject: a\r\n\r\nx\r\n", MESSAGE_SEEN), 1);
    ck_assert_uint_eq(store_test_append("INBOX", "Subject: b\r\n\r\n", 0), 2);
    mb = store_test_select("INBOX");
    mailbox_get_info(mb, &info);
    ck_assert_uint_eq(info.count, 2);
    ck_assert_uint_eq(info.unseen, 1);
    ck_assert_uint_eq(info.first_unseen_seq, 2);
    ck_assert_uint_eq(info.uidnext, 3);
    ck_assert_uint_eq(info.recent, 2);
    ck_assert_uint_eq(info.bytes, 31);
    ck_assert_uint_eq(mailbox_message(mb, 2)->uid, 2);
    ck_assert_int_eq(mailbox_message(mb, 1)->internal_ms, 1234567890123);
    ck_assert_uint_eq(mailbox_message(mb, 1)->flags, MESSAGE_SEEN | MESSAGE_RECENT);
    text = store_test_read(mb, 1);
    ck_assert_str_eq(text, "Subject: a\r\n\r\nx\r\n");
    free(text);
    mailbox_close(&mb);
}
END_TEST

START_TEST(recent_belongs_to_one_session)
{
    struct mailbox *a, *b;
    struct mailbox_info info;

    (void)store_test_append("INBOX", "x\r\n", 0);
    a = store_test_select("INBOX");
    b = store_test_select("INBOX");
    mailbox_get_info(a, &info);
    ck_assert_uint_eq(info.recent, 1);
    mailbox_get_info(b, &info);
    ck_assert_uint_eq(info.recent, 0);
    (void)store_test_append("INBOX", "y\r\n", 0);
    ck_assert_int_eq(mailbox_sync(b, true, NULL), 0);
    ck_assert_int_eq(mailbox_sync(a, true, NULL), 0);
    mailbox_get_info(b, &info);
    ck_assert_uint_eq(info.recent, 1);
    mailbox_get_info(a, &info);
    ck_assert_uint_eq(info.recent, 1);
    ck_assert_uint_eq(mailbox_message(a, 2)->flags & MESSAGE_RECENT, 0);
    mailbox_close(&a);
    mailbox_close(&b);
}
END_TEST

static const struct {
    uint32_t before;
    enum mailbox_flag_op op;
    uint32_t flags, after;
    bool changes;
} flag_cases[] = {
    {0, MAILBOX_FLAGS_ADD, MESSAGE_SEEN, MESSAGE_SEEN, true},
    {MESSAGE_SEEN, MAILBOX_FLAGS_ADD, MESSAGE_SEEN, MESSAGE_SEEN, false},
    {MESSAGE_SEEN, MAILBOX_FLAGS_ADD, MESSAGE_DRAFT, MESSAGE_SEEN | MESSAGE_DRAFT, true},
    {MESSAGE_SEEN | MESSAGE_DRAFT, MAILBOX_FLAGS_REMOVE, MESSAGE_SEEN, MESSAGE_DRAFT, true},
    {MESSAGE_DRAFT, MAILBOX_FLAGS_REMOVE, MESSAGE_SEEN, MESSAGE_DRAFT, false},
    {MESSAGE_DRAFT, MAILBOX_FLAGS_SET, MESSAGE_DELETED, MESSAGE_DELETED, true},
    {MESSAGE_DRAFT, MAILBOX_FLAGS_SET, 0, 0, true},
    {0, MAILBOX_FLAGS_ADD, MESSAGE_RECENT, 0, false},
};

START_TEST(flags_change_as_told)
{
    struct mailbox *mb, *other;
    struct mailbox_changes c;
    uint32_t seq = 1;
    bool changed = false;

    (void)store_test_append("INBOX", "x\r\n", flag_cases[_i].before);
    mb = store_test_select("INBOX");
    other = store_test_select("INBOX");
    ck_assert_int_eq(mailbox_store_flags(mb, &seq, 1, flag_cases[_i].op, flag_cases[_i].flags, 0, 0,
                                         NULL, &changed),
                     0);
    ck_assert_int_eq(changed, flag_cases[_i].changes);
    check_flags(mb, 1, flag_cases[_i].after);
    check_flags(other, 1, flag_cases[_i].before);
    ck_assert_int_eq(mailbox_sync(other, false, &c), 0);
    ck_assert_uint_eq(c.changed_count, flag_cases[_i].changes ? 1 : 0);
    check_flags(other, 1, flag_cases[_i].after);
    mailbox_changes_free(&c);
    ck_assert_int_eq(mailbox_sync(mb, false, &c), 0);
    ck_assert_uint_eq(c.changed_count, 0);
    mailbox_changes_free(&c);
    mailbox_close(&mb);
    mailbox_close(&other);
}
END_TEST

START_TEST(a_change_that_came_too_late_is_skipped)
{
    struct mailbox *mb;
    uint32_t seqs[] = {1, 2};
    bool skipped[2], changed[2];
    uint64_t since;

    (void)store_test_append("INBOX", "x\r\n", 0);
    (void)store_test_append("INBOX", "y\r\n", 0);
    mb = store_test_select("INBOX");
    since = mailbox_message(mb, 1)->modseq;
    ck_assert_int_eq(mailbox_store_flags(mb, seqs, 2, MAILBOX_FLAGS_ADD, MESSAGE_FLAGGED, 0, since,
                                         skipped, changed),
                     0);
    ck_assert(!skipped[0] && changed[0]);
    ck_assert(skipped[1] && !changed[1]);
    mailbox_close(&mb);
}
END_TEST

START_TEST(keywords_have_names)
{
    struct mailbox *a = store_test_select("INBOX"), *b;
    uint32_t seq = 1;
    int bit;

    (void)store_test_append("INBOX", "x\r\n", 0);
    ck_assert_int_eq(mailbox_sync(a, true, NULL), 0);
    ck_assert_int_eq(mailbox_keyword_bit(a, SLICE("$Forwarded"), false), -1);
    bit = mailbox_keyword_bit(a, SLICE("$Forwarded"), true);
    ck_assert_int_ge(bit, 0);
    ck_assert_int_eq(mailbox_keyword_bit(a, SLICE("$forwarded"), true), bit);
    ck_assert_int_eq(
        mailbox_store_flags(a, &seq, 1, MAILBOX_FLAGS_ADD, 0, UINT64_C(1) << bit, 0, NULL, NULL),
        0);
    b = store_test_select("INBOX");
    ck_assert_str_eq(mailbox_keyword(b, (unsigned)bit), "$Forwarded");
    ck_assert_uint_eq(mailbox_message(b, 1)->keywords, UINT64_C(1) << bit);
    mailbox_close(&a);
    mailbox_close(&b);
}
END_TEST

START_TEST(an_expunge_shows_at_the_next_full_sync)
{
    struct mailbox *a, *b;
    struct mailbox_changes c;
    uint32_t uids[] = {4, 2};

    for (int i = 0; i < 5; i++)
        (void)store_test_append("INBOX", "x\r\n", i % 2 == 1 ? MESSAGE_DELETED : 0);
    a = store_test_select("INBOX");
    b = store_test_select("INBOX");
    ck_assert_int_eq(mailbox_expunge(a, uids, 2), 0);
    ck_assert_uint_eq(mailbox_count(a), 5);
    ck_assert_int_eq(mailbox_sync(b, false, &c), 0);
    ck_assert_uint_eq(c.expunged_count, 0);
    ck_assert_uint_eq(mailbox_count(b), 5);
    ck_assert_uint_eq(mailbox_message(b, 2)->uid, 2);
    ck_assert_uint_eq(mailbox_message(b, 5)->uid, 5);
    ck_assert_uint_eq(mailbox_seq_of_uid(b, 4), 4);
    ck_assert_int_eq(mailbox_open_message(b, 2), -1);
    ck_assert_int_eq(errno, ENOENT);
    mailbox_changes_free(&c);
    ck_assert_int_eq(mailbox_sync(b, true, &c), 0);
    ck_assert_uint_eq(c.expunged_count, 2);
    ck_assert_uint_eq(c.expunged[0], 2);
    ck_assert_uint_eq(c.expunged[1], 3);
    ck_assert_uint_eq(c.expunged_uids[1], 4);
    ck_assert_uint_eq(c.old_count, 3);
    ck_assert_uint_eq(c.new_count, 3);
    ck_assert_uint_eq(mailbox_message(b, 2)->uid, 3);
    ck_assert_uint_eq(mailbox_seq_of_uid(b, 4), 0);
    ck_assert_uint_eq(mailbox_seq_at_or_above(b, 4), 3);
    mailbox_changes_free(&c);
    ck_assert_int_eq(mailbox_sync(a, true, &c), 0);
    ck_assert_uint_eq(c.expunged_count, 2);
    mailbox_changes_free(&c);
    mailbox_close(&a);
    mailbox_close(&b);
}
END_TEST

START_TEST(only_deleted_messages_are_expunged)
{
    struct mailbox *mb;
    uint32_t uids[] = {1, 2};

    (void)store_test_append("INBOX", "x\r\n", 0);
    (void)store_test_append("INBOX", "x\r\n", MESSAGE_DELETED);
    (void)store_test_append("INBOX", "x\r\n", MESSAGE_DELETED);
    mb = store_test_select("INBOX");
    ck_assert_int_eq(mailbox_expunge(mb, uids, 2), 0);
    ck_assert_int_eq(mailbox_sync(mb, true, NULL), 0);
    ck_assert_uint_eq(mailbox_count(mb), 2);
    ck_assert_uint_eq(mailbox_message(mb, 2)->uid, 3);
    ck_assert_int_eq(mailbox_expunge(mb, NULL, 0), 0);
    ck_assert_int_eq(mailbox_sync(mb, true, NULL), 0);
    ck_assert_uint_eq(mailbox_count(mb), 1);
    uids[0] = 1;
    ck_assert_int_eq(mailbox_remove(mb, uids, 1), 0);
    ck_assert_int_eq(mailbox_sync(mb, true, NULL), 0);
    ck_assert_uint_eq(mailbox_count(mb), 0);
    ck_assert_uint_eq(store_test_append("INBOX", "x\r\n", 0), 4);
    mailbox_close(&mb);
}
END_TEST

START_TEST(a_copy_keeps_what_belongs_to_the_message)
{
    struct mailbox *mb, *to;
    struct mailbox_uids uids;
    uint32_t seqs[] = {1, 2};
    int bit;
    char *text;

    (void)store_test_append("INBOX", "one\r\n", MESSAGE_SEEN);
    (void)store_test_append("INBOX", "two\r\n", 0);
    mb = store_test_select("INBOX");
    bit = mailbox_keyword_bit(mb, SLICE("work"), true);
    ck_assert_int_eq(
        mailbox_store_flags(mb, seqs, 1, MAILBOX_FLAGS_ADD, 0, UINT64_C(1) << bit, 0, NULL, NULL),
        0);
    to = store_test_select("Trash");
    (void)mailbox_keyword_bit(to, SLICE("other"), true);
    ck_assert_int_eq(mailbox_copy(mb, seqs, 2, SLICE("Trash"), _i == 1, &uids), 0);
    ck_assert_uint_eq(uids.count, 2);
    ck_assert_uint_eq(uids.uids[1], 2);
    free(uids.uids);
    ck_assert_int_eq(mailbox_sync(to, true, NULL), 0);
    ck_assert_uint_eq(mailbox_count(to), 2);
    check_flags(to, 1, MESSAGE_SEEN);
    ck_assert_str_eq(mailbox_keyword(to, 1), "work");
    ck_assert_uint_eq(mailbox_message(to, 1)->keywords, 2);
    ck_assert_int_eq(mailbox_message(to, 2)->internal_ms, 1234567890123);
    text = store_test_read(to, 2);
    ck_assert_str_eq(text, "two\r\n");
    free(text);
    ck_assert_int_eq(mailbox_sync(mb, true, NULL), 0);
    ck_assert_uint_eq(mailbox_count(mb), _i == 1 ? 0 : 2);
    ck_assert_int_eq(mailbox_copy(mb, seqs, _i == 1 ? 0 : 1, SLICE("Nowhere"), false, &uids), -1);
    ck_assert_int_eq(errno, ENOENT);
    mailbox_close(&mb);
    mailbox_close(&to);
}
END_TEST

/* Neither COPY nor MOVE undoes what another session did just before (RFC 2180 section 4). */
START_TEST(a_copy_has_flags_that_nobody_was_told_of)
{
    struct mailbox *mb, *other, *to;
    struct mailbox_changes changes;
    struct mailbox_uids uids;
    uint32_t seq = 1;

    (void)store_test_append("INBOX", "one\r\n", MESSAGE_SEEN);
    (void)store_test_append("INBOX", "two\r\n", MESSAGE_SEEN);
    mb = store_test_select("INBOX");
    other = store_test_select("INBOX");
    ck_assert_int_eq(
        mailbox_store_flags(other, &seq, 1, MAILBOX_FLAGS_SET, MESSAGE_FLAGGED, 0, 0, NULL, NULL),
        0);
    ck_assert_int_eq(mailbox_copy(mb, &seq, 1, SLICE("Trash"), _i == 1, &uids), 0);
    free(uids.uids);
    to = store_test_select("Trash");
    check_flags(to, 1, MESSAGE_FLAGGED);
    ck_assert_int_eq(mailbox_sync(mb, true, &changes), 0); /* and it is told of it after all */
    ck_assert_uint_eq(changes.changed_count + changes.expunged_count, 1);
    mailbox_changes_free(&changes);
    mailbox_close(&mb);
    mailbox_close(&other);
    mailbox_close(&to);
}
END_TEST

static void
check_unique_name(struct mailbox *mb, uint32_t seq, const char *expected)
{
    struct strbuf name = strbuf_new(MAILBOX_UNIQUE_NAME_MAX);
    struct mailbox_info info;
    char ours[32];

    mailbox_get_info(mb, &info);
    (void)snprintf(ours, sizeof(ours), "%08x%08x", info.uidvalidity, mailbox_message(mb, seq)->uid);
    ck_assert_int_eq(mailbox_unique_name(mb, seq, &name), 0);
    ck_assert_str_eq(strbuf_cstr(&name), expected == NULL ? ours : expected);
    strbuf_free(&name);
}

/* RFC 1939 section 7: it stays through all that is done to the message, and is there once. */
START_TEST(a_unique_name_that_was_brought_along_stays)
{
    static const char *const names[] = {"Pop.3-name", "", "not a name", "other"};
    struct mailbox_append *append = mailbox_append_begin(store_test, SLICE("INBOX"));
    struct mailbox_uids uids;
    struct mailbox *mb, *trash;
    uint32_t seqs[] = {1, 2, 3, 4};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        ck_assert_int_eq(write_all(mailbox_append_fd(append), SLICE("a\r\n")), 0);
        ck_assert_int_eq(mailbox_append_message(append, 0, NULL, 0, 0), 0);
        mailbox_append_keep(append, 0, SLICE(""), slice_of(names[i]));
    }
    ck_assert_int_eq(mailbox_append_commit(&append, &uids), 0);
    free(uids.uids);
    for (int round = 0; round < 3; round++) { /* from the journal, compacted, with an index */
        mb = store_test_select("INBOX");
        ck_assert_int_eq(
            mailbox_store_flags(mb, seqs, 4, MAILBOX_FLAGS_SET, MESSAGE_SEEN, 0, 0, NULL, NULL), 0);
        check_unique_name(mb, 1, "Pop.3-name");
        check_unique_name(mb, 2, NULL);
        check_unique_name(mb, 3, NULL);
        check_unique_name(mb, 4, "other");
        if (round == 0)
            ck_assert_int_eq(compact_journal(mb), 0);
        else
            ck_assert_int_eq(index_file_write(&mb->view, &mb->folder.journal), 0);
        mailbox_close(&mb);
    }
    mb = store_test_select("INBOX");
    ck_assert_int_eq(mailbox_copy(mb, seqs, 1, SLICE("Trash"), _i == 1, &uids), 0);
    free(uids.uids);
    trash = store_test_select("Trash");
    check_unique_name(trash, 1, NULL);
    ck_assert_uint_eq(mailbox_message(trash, 1)->flags & MESSAGE_NAMED, 0);
    mailbox_close(&trash);
    mailbox_close(&mb);
}
END_TEST

START_TEST(usage_follows)
{
    uint64_t bytes, messages;
    struct mailbox *mb;
    struct mailbox_uids uids;
    uint32_t seq = 1, uid = 1;

    (void)store_test_append("INBOX", "12345678\r\n", 0);
    (void)store_test_append("Sent", "12345678\r\n", 0);
    ck_assert_int_eq(store_usage(store_test, &bytes, &messages), 0);
    ck_assert_uint_eq(bytes, 20);
    ck_assert_uint_eq(messages, 2);
    mb = store_test_select("INBOX");
    ck_assert_int_eq(mailbox_copy(mb, &seq, 1, SLICE("Sent"), false, &uids), 0);
    free(uids.uids);
    ck_assert_int_eq(mailbox_copy(mb, &seq, 1, SLICE("Sent"), true, &uids), 0);
    free(uids.uids);
    mailbox_close(&mb);
    ck_assert_int_eq(store_usage(store_test, &bytes, &messages), 0);
    ck_assert_uint_eq(bytes, 30);
    mb = store_test_select("Sent");
    ck_assert_int_eq(mailbox_remove(mb, &uid, 1), 0);
    mailbox_close(&mb);
    ck_assert_int_eq(store_usage(store_test, &bytes, &messages), 0);
    ck_assert_uint_eq(bytes, 20);
    ck_assert_uint_eq(messages, 2);
    ck_assert_int_eq(store_recount(store_test, &bytes, &messages), 0);
    ck_assert_uint_eq(bytes, 20);
    ck_assert_uint_eq(messages, 2);
    ck_assert_int_eq(store_remove(store_test, SLICE("Sent")), 0);
    ck_assert_int_eq(store_usage(store_test, &bytes, &messages), 0);
    ck_assert_uint_eq(bytes, 0);
}
END_TEST

START_TEST(the_cache_remembers)
{
    struct mailbox *mb = store_test_select("INBOX");
    struct slice got;

    ck_assert(!mailbox_cache_get(mb, 1, MAILBOX_CACHE_ENVELOPE, &got));
    for (uint32_t uid = 1; uid <= 2000; uid++)
        mailbox_cache_put(mb, uid, MAILBOX_CACHE_ENVELOPE, slice_make(&uid, sizeof(uid)));
    mailbox_cache_put(mb, 7, MAILBOX_CACHE_BODY, SLICE("seven"));
    mailbox_close(&mb);
    mb = store_test_select("INBOX");
    for (uint32_t uid = 1; uid <= 2000; uid++) {
        ck_assert(mailbox_cache_get(mb, uid, MAILBOX_CACHE_ENVELOPE, &got));
        ck_assert_uint_eq(got.len, sizeof(uid));
        ck_assert_mem_eq(got.ptr, &uid, sizeof(uid));
    }
    ck_assert(mailbox_cache_get(mb, 7, MAILBOX_CACHE_BODY, &got));
    ck_assert(slice_eq(got, SLICE("seven")));
    ck_assert(!mailbox_cache_get(mb, 8, MAILBOX_CACHE_BODY, &got));
    mailbox_close(&mb);
}
END_TEST

/* The number of items in the header, which nothing protects, makes no huge table. */
START_TEST(a_cache_with_a_wrong_count_stays_small)
{
    struct mailbox *mb;
    struct stat st;
    uint32_t wrong = 0x40000000;
    int fd;

    (void)store_test_append("INBOX", "one\r\n", 0);
    mb = store_test_select("INBOX");
    mailbox_cache_put(mb, 1, MAILBOX_CACHE_ENVELOPE, SLICE("one"));
    mailbox_close(&mb);
    fd = openat(store_test_fd, "posthorn.cache", O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(pwrite_all(fd, slice_make(&wrong, sizeof(wrong)), 24), 0);
    (void)close(fd);
    mb = store_test_select("INBOX");
    mailbox_cache_put(mb, 1, MAILBOX_CACHE_BODY, SLICE("two"));
    mailbox_close(&mb);
    ck_assert_int_eq(fstatat(store_test_fd, "posthorn.cache", &st, 0), 0);
    ck_assert_int_lt(st.st_size, 1 << 20);
}
END_TEST

/* Values of many sizes, put in no order of UID, over several sizes of the table; what is asked for
 * before it is written is found as well, and so is what another session added. */
START_TEST(the_cache_grows)
{
    static char text[3000];
    struct mailbox *mb = store_test_select("INBOX"), *other = store_test_select("INBOX");
    const uint32_t count = 5003; /* a prime: i * 1000 goes through all */
    struct slice got;

    memset(text, 'x', sizeof(text));
    ck_assert(!mailbox_cache_get(other, 1, MAILBOX_CACHE_BODY, &got));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t uid = 1 + i * 1000 % count;

        mailbox_cache_put(mb, uid, MAILBOX_CACHE_BODY, slice_make(text, uid % sizeof(text) + 1));
        ck_assert(!mailbox_cache_get(mb, uid, MAILBOX_CACHE_ENVELOPE, &got));
        mailbox_cache_put(mb, uid, MAILBOX_CACHE_ENVELOPE, slice_make(&uid, sizeof(uid)));
        ck_assert(mailbox_cache_get(mb, uid, MAILBOX_CACHE_BODY, &got));
        ck_assert_uint_eq(got.len, uid % sizeof(text) + 1);
    }
    mailbox_close(&mb);
    for (uint32_t uid = 1; uid <= count; uid++) {
        while (!mailbox_cache_get(other, uid, MAILBOX_CACHE_ENVELOPE, &got))
            ck_assert_uint_eq(uid, 1); /* it may take some misses until a session looks again */
        ck_assert_mem_eq(got.ptr, &uid, sizeof(uid));
        ck_assert(mailbox_cache_get(other, uid, MAILBOX_CACHE_BODY, &got));
        ck_assert_uint_eq(got.len, uid % sizeof(text) + 1);
    }
    mailbox_close(&other);
}
END_TEST

/* Reading a folder in turn reads its journal ahead, of which another one may have taken the place.
 */
START_TEST(messages_are_read_in_turn_across_a_compaction)
{
    const uint32_t count = 60;
    struct mailbox *mb, *other;
    char text[16], *got;

    for (uint32_t uid = 1; uid <= count; uid++) {
        (void)snprintf(text, sizeof(text), "message %u\r\n", uid);
        (void)store_test_append("INBOX", text, uid % 2 == 0 ? MESSAGE_DELETED : 0);
    }
    mb = store_test_select("INBOX");
    for (uint32_t seq = 1; seq <= count; seq++) {
        if (seq == count / 2) {
            other = store_test_select("INBOX");
            ck_assert_int_eq(mailbox_expunge(other, NULL, 0), 0);
            ck_assert_int_eq(compact_journal(other), 0);
            mailbox_close(&other);
            ck_assert_int_eq(mailbox_sync(mb, false, NULL), 0);
        }
        if (seq >= count / 2 && seq % 2 == 0)
            continue; /* gone */
        got = store_test_read(mb, seq);
        (void)snprintf(text, sizeof(text), "message %u\r\n", seq);
        ck_assert_str_eq(got, text);
        free(got);
    }
    mailbox_close(&mb);
}
END_TEST

static struct mailbox *
expunge_all(uint32_t count)
{
    struct mailbox *mb;

    for (uint32_t i = 0; i < count; i++)
        (void)store_test_append("INBOX", "x\r\n", MESSAGE_DELETED);
    mb = store_test_select("INBOX");
    ck_assert_int_eq(mailbox_expunge(mb, NULL, 0), 0);
    return mb;
}

/* What is expunged is gone for all at once; of many messages the files follow a moment later. */
START_TEST(the_files_of_many_follow_their_expunge)
{
    struct mailbox *mb = expunge_all(40), *other = store_test_select("INBOX");

    ck_assert_uint_eq(mailbox_count(other), 0);
    ck_assert(!mailbox_is_tidy(mb));
    ck_assert_uint_eq(store_test_files_in("cur"), 40);
    mailbox_tidy(mb);
    ck_assert(mailbox_is_tidy(mb));
    ck_assert_uint_eq(store_test_files_in("cur"), 0);
    mailbox_close(&other);
    mailbox_close(&mb);
    mb = expunge_all(50);
    ck_assert_uint_eq(store_test_files_in("cur"), 50);
    mailbox_close(&mb); /* at the latest */
    ck_assert_uint_eq(store_test_files_in("cur"), 0);
    mb = expunge_all(2);
    ck_assert(mailbox_is_tidy(mb));
    ck_assert_uint_eq(store_test_files_in("cur"), 0);
    mailbox_close(&mb);
}
END_TEST

/* A clock that was set back, or a journal from a machine whose clock is ahead: what a client takes
 * for the newest change must not hide the next one (RFC 7162 section 3.1). */
START_TEST(a_modseq_is_above_the_last_whatever_the_clock_says)
{
    const uint64_t ahead = (uint64_t)clock_real_us() + UINT64_C(3600) * 1000000;
    uint64_t now = journal_next_modseq(1);

    ck_assert_uint_eq(journal_next_modseq(ahead), ahead + 1);
    ck_assert_uint_gt(journal_next_modseq(now), now);
    ck_assert_uint_lt(now, ahead);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("mailbox");
    TCase *tc = tcase_create("sessions");

    tcase_add_checked_fixture(tc, store_test_setup, store_test_teardown);
    tcase_add_test(tc, a_new_store_has_the_standard_folders);
    tcase_add_test(tc, an_appended_message_is_there);
    tcase_add_test(tc, recent_belongs_to_one_session);
    tcase_add_loop_test(tc, flags_change_as_told, 0, (int)ARRAY_LEN(flag_cases));
    tcase_add_test(tc, a_change_that_came_too_late_is_skipped);
    tcase_add_test(tc, keywords_have_names);
    tcase_add_test(tc, an_expunge_shows_at_the_next_full_sync);
    tcase_add_test(tc, only_deleted_messages_are_expunged);
    tcase_add_loop_test(tc, a_copy_keeps_what_belongs_to_the_message, 0, 2);
    tcase_add_loop_test(tc, a_copy_has_flags_that_nobody_was_told_of, 0, 2);
    tcase_add_loop_test(tc, a_unique_name_that_was_brought_along_stays, 0, 2);
    tcase_add_test(tc, usage_follows);
    tcase_add_test(tc, the_cache_remembers);
    tcase_add_test(tc, a_cache_with_a_wrong_count_stays_small);
    tcase_add_test(tc, the_cache_grows);
    tcase_add_test(tc, messages_are_read_in_turn_across_a_compaction);
    tcase_add_test(tc, the_files_of_many_follow_their_expunge);
    tcase_add_test(tc, a_modseq_is_above_the_last_whatever_the_clock_says);
    suite_add_tcase(suite, tc);
    return store_test_run(suite);
}
