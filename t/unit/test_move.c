/*
 * t/unit/test_move.c - lib/store/move: nothing changes but the place, whatever stops it.
 */
#include "t/unit/store_test.h"

#include <sys/file.h>

#include "lib/base/crc32c.h"
#include "lib/store/check.h"
#include "lib/store/mailbox_private.h"
#include "lib/store/move.h"
#include "t/unit/crash_point.h"

#define USER "d.test/00/alice"
#define FOLDERS 3

static const char *const folder_names[FOLDERS] = {"INBOX", "Work", "Work/Old"};
static const char *const places[] = {"main", "a", "b"};
static struct store_dirs dirs;

/* ---- a mailbox with something of everything ---- */

static void
make_disk(const char *top, const char *id)
{
    int fd;

    (void)mkdirat(store_test_fd, top, 0700); /* stores/ may be there */
    fd = openat(store_test_fd, top, O_RDONLY | O_DIRECTORY);
    if (id != NULL)
        ck_assert_int_eq(store_dirs_mark(fd, id), 0);
    (void)close(fd);
}

static struct store *
open_user(void)
{
    static const struct store_options options = {.may_remove = true, .undelete_days = 14};
    int fd = store_dirs_open_mail(&dirs, SLICE(USER), O_RDONLY);
    struct store *store;

    ck_assert_msg(fd >= 0, "%s", strerror(errno));
    store = store_open(fd, &options);
    ck_assert_msg(store != NULL, "%s", strerror(errno));
    (void)close(fd);
    return store;
}

static void
setup(void)
{
    static const uint32_t second = 2;
    struct mailbox *mb;

    store_test_setup_empty();
    make_disk("store", "main");
    make_disk("stores", NULL);
    make_disk("stores/a", "a");
    make_disk("stores/b", "b");
    dirs.main_fd = openat(store_test_fd, "store", O_PATH | O_DIRECTORY);
    dirs.others_fd = openat(store_test_fd, "stores", O_PATH | O_DIRECTORY);
    store_test_make_user("store/" USER);
    store_test = open_user();
    ck_assert_int_eq(store_create(store_test, SLICE("Work/Old"), STORE_USE_NONE), 0);
    for (size_t i = 0; i < FOLDERS; i++) {
        (void)store_test_append(folder_names[i], "Subject: one\r\n\r\n1\r\n", MESSAGE_SEEN);
        (void)store_test_append(folder_names[i], "Subject: two\r\n\r\n2\r\n", 0);
        (void)store_test_append(folder_names[i], "Subject: three\r\n\r\n3\r\n", MESSAGE_FLAGGED);
    }
    mb = store_test_select("Work");
    ck_assert_int_eq(mailbox_remove(mb, &second, 1), 0);
    mailbox_close(&mb);
    store_close(&store_test);
}

static void
teardown(void)
{
    (void)close(dirs.main_fd);
    (void)close(dirs.others_fd);
    store_test_teardown();
}

/* ---- what a client sees ---- */

static void
draw_folder(const char *name, struct strbuf *out)
{
    struct mailbox *mb = store_test_select(name);
    struct mailbox_info info;

    mailbox_get_info(mb, &info);
    (void)strbuf_printf(out, "%s %u %s:", name, info.uidvalidity, info.mailbox_id);
    for (uint32_t seq = 1; seq <= mailbox_count(mb); seq++) {
        const struct message *m = mailbox_message(mb, seq);
        char *text = store_test_read(mb, seq);

        (void)strbuf_printf(out, " %u,%x,%08x", m->uid, m->flags & ~(unsigned)MESSAGE_RECENT,
                            crc32c(0, slice_of(text)));
        free(text);
    }
    (void)strbuf_char(out, '\n');
    mailbox_close(&mb);
}

static char *
picture(void)
{
    struct strbuf out = strbuf_new(65536);

    store_test = open_user();
    for (size_t i = 0; i < FOLDERS; i++)
        draw_folder(folder_names[i], &out);
    store_close(&store_test);
    return strbuf_steal(&out);
}

static const char *
place(void)
{
    static char id[STORE_DIR_ID_SIZE];

    ck_assert_int_eq(store_dirs_find(&dirs, USER, id), 0);
    return id;
}

/* Nothing of the user but in one place, and nothing in .moving/. */
static void
assert_in_one_place(void)
{
    int found = 0;

    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        int root = store_dirs_root(&dirs, places[i], O_RDONLY);
        struct stat st;

        ck_assert_int_ge(root, 0);
        if (fstatat(root, USER, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode)) {
            ck_assert_str_eq(places[i], place());
            found++;
        }
        ck_assert_int_lt(faccessat(root, ".moving/copy", F_OK, AT_SYMLINK_NOFOLLOW), 0);
        ck_assert_int_lt(faccessat(root, ".moving/entry", F_OK, AT_SYMLINK_NOFOLLOW), 0);
        ck_assert_int_lt(faccessat(root, ".moving/intent", F_OK, AT_SYMLINK_NOFOLLOW), 0);
        (void)close(root);
    }
    ck_assert_int_eq(found, 1);
}

static void
assert_open_for_changes(void)
{
    store_test = open_user();
    (void)store_test_append("Work", "Subject: later\r\n\r\n4\r\n", 0);
    store_close(&store_test);
}

START_TEST(everything_comes_along_from_place_to_place)
{
    static const char *const way[] = {"a", "b", "main", "b", "a", "main"};
    struct move_counts counts;
    char *before = picture(), *after;

    for (size_t i = 0; i < ARRAY_LEN(way); i++) {
        ck_assert_msg(store_move(&dirs, USER, way[i], &counts) == 0, "%s", strerror(errno));
        ck_assert_uint_ge(counts.files, 9); /* 8 messages, 1 expunged, journals */
        ck_assert_str_eq(place(), way[i]);
        after = picture();
        ck_assert_str_eq(after, before);
        free(after);
        assert_in_one_place();
    }
    assert_open_for_changes();
    free(before);
}
END_TEST

START_TEST(what_does_not_go_is_refused)
{
    struct move_counts counts;

    ck_assert_int_eq(store_move(&dirs, USER, "main", &counts), -1);
    ck_assert_int_eq(errno, EALREADY);
    ck_assert_int_eq(store_move(&dirs, USER, "c", &counts), -1);
    ck_assert_int_eq(errno, ENODEV);
    ck_assert_int_eq(store_move(&dirs, "d.test/00/bob", "a", &counts), -1);
    ck_assert_int_eq(errno, ENOENT);
    assert_in_one_place();
    assert_open_for_changes();
}
END_TEST

/* A session that has the old place open learns of it at its next step, and changes nothing there.
 */
START_TEST(who_has_it_open_is_shut_out)
{
    struct mailbox_changes changes = {0};
    struct mailbox_append *append;
    struct mailbox_uids uids;
    struct move_counts counts;
    struct mailbox *mb;

    store_test = open_user();
    mb = store_test_select("Work");
    append = mailbox_append_begin(store_test, SLICE("INBOX"));
    ck_assert_int_eq(write_all(mailbox_append_fd(append), SLICE("Subject: x\r\n\r\n")), 0);
    ck_assert_int_eq(mailbox_append_message(append, 0, NULL, 0, 0), 0);
    ck_assert_int_eq(store_move(&dirs, USER, "a", &counts), 0);
    ck_assert_int_eq(mailbox_append_commit(&append, &uids), -1);
    ck_assert_int_eq(errno, EREMOTE);
    ck_assert_int_eq(mailbox_sync(mb, true, &changes), -1);
    ck_assert_int_eq(errno, EREMOTE);
    mailbox_close(&mb);
    store_close(&store_test);
}
END_TEST

/* ---- files and their names ---- */

static int
open_mail(void)
{
    int fd = store_dirs_open_mail(&dirs, SLICE(USER), O_RDONLY);

    ck_assert_int_ge(fd, 0);
    return fd;
}

static void
put_file(int mail_fd, const char *name, const char *text, int flags)
{
    int fd = openat(mail_fd, name, O_WRONLY | flags, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write_all(fd, slice_of(text)), 0);
    (void)close(fd);
}

/* Another program's S= counts otherwise: it put bare LFs there, which became CRLF. */
START_TEST(a_message_of_another_program_comes_along_whole)
{
    int mail_fd = open_mail();
    struct move_counts counts;
    char *before, *after;

    put_file(mail_fd, "new/1700000000.M12P34.host,S=20", "Subject: f\n\n1\n2\n3\n", O_CREAT);
    put_file(mail_fd, "new/1700000001.M12R34.host,S=20", "Subject: g\n\n1\n2\n3\n", O_CREAT);
    put_file(mail_fd, "new/1700000002.Q12P3.host,S=20", "Subject: h\n\n1\n2\n3\n", O_CREAT);
    (void)close(mail_fd);
    before = picture();
    ck_assert_ptr_nonnull(strstr(before, "INBOX"));
    ck_assert_int_eq(store_move(&dirs, USER, "a", &counts), 0);
    after = picture();
    ck_assert_str_eq(after, before);
    free(before);
    free(after);
}
END_TEST

/* A queued envelope may lie behind a message that was delivered, copied, or copied with others. */
START_TEST(what_is_behind_a_message_stays_behind)
{
    static const char text[] = "Subject: d\r\n\r\n";
    const char envelope[] = "to: secret@d.test";
    char names[3][FILE_NAME_SIZE], path[FILE_PATH_SIZE];
    int mail_fd = open_mail();
    struct move_counts counts;
    struct stat st;

    folder_delivery_name(names[0], 1700000000000, SLICE("4fXk2q"), strlen(text));
    folder_file_name(names[1], strlen(text));
    folder_file_name_like(names[2], names[1], 7, strlen(text));
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        folder_cur_path(path, slice_of(names[i]));
        put_file(mail_fd, path, text, O_CREAT);
        put_file(mail_fd, path, envelope, O_APPEND);
    }
    (void)close(mail_fd);
    ck_assert_int_eq(store_move(&dirs, USER, "a", &counts), 0);
    mail_fd = open_mail();
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        folder_cur_path(path, slice_of(names[i]));
        ck_assert_int_eq(fstatat(mail_fd, path, &st, 0), 0);
        ck_assert_int_eq(st.st_size, (off_t)strlen(text));
    }
    (void)close(mail_fd);
}
END_TEST

/* ---- store check ---- */

static enum check_outcome last_outcome;

static void
note_finding(void *arg, const struct check_finding *f)
{
    (void)arg;
    last_outcome = f->outcome;
}

/* The file of a message in INBOX, with other bytes in it. */
static void
damage_message(int mail_fd, uint32_t rank, char path[FILE_PATH_SIZE])
{
    struct mailbox *mb = store_test_select("INBOX");
    struct strbuf buf = strbuf_new(ITEM_MAX);
    struct arrival a;

    ck_assert_int_eq(mailbox_read_arrival(mb, rank, &buf, &a), 0);
    folder_cur_path(path, a.name);
    put_file(mail_fd, path, "damage", 0);
    strbuf_free(&buf);
    mailbox_close(&mb);
}

/* Without the folder's lock, under which the fence is raised, it might change what the copy has
 * already. */
START_TEST(a_repair_changes_nothing_without_the_lock)
{
    const struct check_options options = {.repair = true, .found = note_finding};
    int mail_fd = open_mail(), locked = openat(mail_fd, JOURNAL_NAME, O_RDONLY);
    struct check_totals totals;
    char path[FILE_PATH_SIZE];

    store_test = open_user();
    damage_message(mail_fd, 1, path);
    store_close(&store_test);
    ck_assert_int_eq(flock(locked, LOCK_EX | LOCK_NB), 0);
    ck_assert_int_eq(store_check(mail_fd, &options, &totals), 0);
    ck_assert_int_eq(last_outcome, CHECK_LEFT);
    ck_assert_int_eq(faccessat(mail_fd, path, F_OK, 0), 0);
    (void)close(locked);
    ck_assert_int_eq(store_check(mail_fd, &options, &totals), 0);
    ck_assert_int_eq(last_outcome, CHECK_LOST);
    ck_assert_int_lt(faccessat(mail_fd, path, F_OK, 0), 0);
    (void)close(mail_fd);
}
END_TEST

/* ---- crashes ---- */

static void
do_move(void *to)
{
    struct move_counts counts;

    if (store_move(&dirs, USER, to, &counts) < 0)
        _exit(1);
}

static void
go_to(const char *to)
{
    struct move_counts counts;

    if (strcmp(place(), to) != 0)
        ck_assert_msg(store_move(&dirs, USER, to, &counts) == 0, "%s", strerror(errno));
}

static const struct {
    const char *from, *to;
} ways[] = {{"main", "a"}, {"a", "b"}, {"b", "main"}};

static void
stop_everywhere(const char *from, const char *to, enum crash_kind kind)
{
    char target[STORE_DIR_ID_SIZE], *before = picture();
    bool was_old = false, was_new = false;
    int status, count = 1;

    (void)snprintf(target, sizeof(target), "%s", to);
    for (int at = 1; at <= count; at++) {
        struct mailbox_changes changes = {0};
        struct store *session;
        struct mailbox *mb;
        bool shut_out;
        char *after;

        go_to(from);
        store_test = session = open_user();
        mb = store_test_select("Work");
        count = crash_run(do_move, target, kind, at, &status);
        /* Nobody goes on in what will be emptied. */
        shut_out = mailbox_sync(mb, true, &changes) < 0 && errno == EREMOTE;
        ck_assert(shut_out || strcmp(place(), from) == 0);
        mailbox_close(&mb);
        store_close(&session);
        if (count < at)
            break; /* it came to its end before */
        ck_assert_msg(store_move_recover(&dirs) == 0, "call %d: %s", at, strerror(errno));
        after = picture();
        ck_assert_msg(strcmp(after, before) == 0, "call %d, now in %s:\n%s%s", at, place(), before,
                      after);
        free(after);
        assert_in_one_place();
        was_old |= strcmp(place(), from) == 0;
        was_new |= strcmp(place(), to) == 0;
        count = at + 1;
    }
    ck_assert(was_old && (was_new || kind == CRASH_ENOSPC));
    assert_open_for_changes();
    free(before);
}

START_TEST(killed_at_any_call_it_leaves_one_mailbox)
{
    stop_everywhere(ways[_i].from, ways[_i].to, CRASH_KILL);
}
END_TEST

START_TEST(a_full_disk_at_any_call_leaves_one_mailbox)
{
    stop_everywhere(ways[_i].from, ways[_i].to, CRASH_ENOSPC);
}
END_TEST

static void
do_recover(void *arg)
{
    (void)arg;
    if (store_move_recover(&dirs) < 0)
        _exit(1);
}

static bool
entry_is_there(void)
{
    return faccessat(dirs.main_fd, ".moving/entry", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Who was killed behind the switch has not flushed it: the old mailbox stays until somebody has. */
START_TEST(the_old_one_goes_when_the_switch_is_on_disk)
{
    char to[] = "main";
    int status;

    go_to("a");
    for (int at = 1; strcmp(place(), to) != 0; at++) {
        ck_assert_int_eq(store_move_recover(&dirs), 0);
        ck_assert_int_ge(crash_run(do_move, to, CRASH_KILL, at, &status), at);
    }
    ck_assert(entry_is_there());
    (void)crash_run(do_recover, NULL, CRASH_KILL, 2, &status); /* the first is the flush */
    ck_assert(entry_is_there());
    ck_assert_int_eq(store_move_recover(&dirs), 0);
    assert_in_one_place();
    assert_open_for_changes();
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("move");
    TCase *tc = tcase_create("all");

    tcase_set_timeout(tc, 240);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, everything_comes_along_from_place_to_place);
    tcase_add_test(tc, what_does_not_go_is_refused);
    tcase_add_test(tc, who_has_it_open_is_shut_out);
    tcase_add_test(tc, a_message_of_another_program_comes_along_whole);
    tcase_add_test(tc, what_is_behind_a_message_stays_behind);
    tcase_add_test(tc, a_repair_changes_nothing_without_the_lock);
    tcase_add_test(tc, the_old_one_goes_when_the_switch_is_on_disk);
    tcase_add_loop_test(tc, killed_at_any_call_it_leaves_one_mailbox, 0, (int)ARRAY_LEN(ways));
    tcase_add_loop_test(tc, a_full_disk_at_any_call_leaves_one_mailbox, 0, (int)ARRAY_LEN(ways));
    suite_add_tcase(suite, tc);
    return store_test_run(suite);
}
