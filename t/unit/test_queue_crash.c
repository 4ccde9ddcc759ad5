/*
 * t/unit/test_queue_crash.c - the queue code stopped at each system call in turn.
 *
 * After each stop a fresh process recovers and finishes; then the messages are counted: what was
 * acknowledged is in each of its mailboxes exactly once, what was not is there whole or not at all.
 */
// LINK: queue-manager/agent.c
// LINK: queue-manager/approval.c
// LINK: queue-manager/approval_mail.c
// LINK: queue-manager/approval_request.c
// LINK: queue-manager/approval_watch.c
// LINK: queue-manager/own_mail.c
// LINK: queue-manager/trim.c
// LINK: queue-manager/wording.c
// LINK: queue-manager/agents.c
// LINK: queue-manager/admin.c
// LINK: queue-manager/admit.c
// LINK: queue-manager/control.c
// LINK: queue-manager/copies.c
// LINK: queue-manager/deadline.c
// LINK: queue-manager/deferral.c
// LINK: queue-manager/due_heap.c
// LINK: queue-manager/destination.c
// LINK: queue-manager/expand.c
// LINK: queue-manager/etrn.c
// LINK: queue-manager/intake.c
// LINK: queue-manager/lane.c
// LINK: queue-manager/message.c
// LINK: queue-manager/notice.c
// LINK: queue-manager/pressure.c
// LINK: queue-manager/disk_notice.c
// LINK: queue-manager/queue.c
// LINK: queue-manager/reply.c
// LINK: queue-manager/result.c
// LINK: queue-manager/round.c
// LINK: queue-manager/line_up.c
// LINK: queue-manager/odmr.c
// LINK: queue-manager/schedule.c
// LINK: queue-manager/sender.c
// LINK: queue-manager/sent.c
// LINK: queue-manager/system_sender.c
// LINK: queue-manager/server.c
// LINK: queue-manager/trace.c
#include "t/unit/queue_harness.h"

#include "t/unit/crash_point.h"
#include "t/unit/queue_commit.h"

#include "lib/log/log.h"
#include "queue-manager/admin.h"
#include "queue-manager/intake.h"

/* ---- one commit ---- */

static bool
message_is_whole(void)
{
    struct queue_message *m = queue_message_open(dirs.new_dirfd, "message");
    bool whole = m != NULL && queue_message_check_content(m) == 0;

    queue_message_close(&m);
    return whole;
}

static bool
is_there(int dirfd, const char *name)
{
    return faccessat(dirfd, name, F_OK, 0) == 0;
}

START_TEST(commit_killed_at_each_call)
{
    struct commit c = commit_kind(_i);

    for (int at = 1, last = 1; at <= last; at++) {
        int status;
        bool visible;

        open_dirs();
        last = crash_run(commit_one, &c, CRASH_KILL, at, &status);
        last = status == 0 ? 0 : at + 1;
        visible = is_there(dirs.new_dirfd, "message");
        ck_assert_msg(status != 0 || visible, "acknowledged and not there");
        ck_assert_msg(!visible || message_is_whole(), "half a message at call %d", at);
        close_dirs();
    }
}
END_TEST

START_TEST(commit_on_a_full_disk_leaves_nothing)
{
    struct commit c = commit_kind(_i);

#if defined(__x86_64__)
    for (int at = 1, acknowledged = 0; !acknowledged; at++) {
        int status, calls;

        open_dirs();
        calls = crash_run(commit_one, &c, CRASH_ENOSPC, at, &status);
        acknowledged = calls < at; /* the call to fail never came */
        ck_assert_int_eq(status, acknowledged ? 0 : 3);
        ck_assert(is_there(dirs.new_dirfd, "message") == (acknowledged != 0));
        ck_assert(acknowledged || (!is_there(dirs.new_dirfd, "message.env") &&
                                   !is_there(dirs.tmp_dirfd, "message") &&
                                   !is_there(dirs.tmp_dirfd, "message.env")));
        ck_assert_int_lt(at, 100);
        close_dirs();
    }
#else
    ck_assert(c.rcpt_count > 0);
#endif
}
END_TEST

/* ---- moves and removal ---- */

static void
move_one(void *arg)
{
    const struct spool *spool = arg;

    (void)spool_move(spool, "message", SPOOL_NEW, SPOOL_ACTIVE, SPOOL_ENV | SPOOL_LOG);
}

static void
remove_one(void *arg)
{
    const struct spool *spool = arg;

    (void)spool_remove(spool, SPOOL_NEW, "message", SPOOL_ENV | SPOOL_LOG, NULL);
}

/* Where the message is, there its envelope is, wherever the process was killed; so a message that
 * was moved or that stays is never without one. */
START_TEST(a_message_is_never_without_its_envelope)
{
    int status = -1;

    for (int at = 1; status != 0; at++) {
        struct spool spool;
        enum spool_state state;

        ck_assert_ptr_nonnull(scratch_make());
        ck_assert_int_eq(spool_open(&spool, scratch_dir, getuid(), getgid()), 0);
        (void)close(openat(spool.fds[SPOOL_NEW], "message", O_CREAT | O_WRONLY, 0600));
        (void)close(openat(spool.fds[SPOOL_NEW], "message.env", O_CREAT | O_WRONLY, 0600));
        (void)crash_run(_i == 0 ? move_one : remove_one, &spool, CRASH_KILL, at, &status);
        state = is_there(spool.fds[SPOOL_NEW], "message") ? SPOOL_NEW : SPOOL_ACTIVE;
        if (is_there(spool.fds[state], "message")) /* in new/ its envelope may have gone ahead */
            ck_assert(is_there(spool.fds[SPOOL_ACTIVE], "message.env") ||
                      (state == SPOOL_NEW && is_there(spool.fds[SPOOL_NEW], "message.env")));
        spool_close(&spool);
        scratch_remove();
    }
}
END_TEST

/* ---- the whole queue manager ---- */

static const struct {
    const char *sender, *rcpts;
    const char *mailboxes[4]; /* each exactly once */
    bool bounces;             /* a notice reaches s@d.test, at least once */
} mails[] = {
    {"s@far.test", "a@d.test", {"a@d.test"}, false},
    {"s@far.test", "team@d.test twice@d.test", {"a@d.test", "b@d.test", "c@d.test"}, false},
    {"s@far.test", "once@d.test a@d.test x@far.test", {"once@d.test", "a@d.test"}, false},
    {"s@d.test", "never@d.test b@d.test", {"b@d.test"}, true},
};

static void
start_whole(void)
{
    log_set_level(getenv("QU_DEBUG") ? LOG_DEBUG : LOG_ERROR);
    harness_open();
    h.settings.retry_interval_ms = h.settings.retry_max_ms = 5;
    (void)mkdirat(h.root_fd, "store", 0700);
    h.store_fd = openat(h.root_fd, "store", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    queue_up();
    (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    (void)agent_start(QUEUE_AGENT_REMOTE, 4);
}

/* No message; an envelope of a commit that was cut off may stay in new/ for an hour. */
static bool
queue_is_empty(void)
{
    for (int s = SPOOL_NEW; s < SPOOL_STATES; s++) {
        struct spool_scan scan;
        const char *id;

        ck_assert_int_eq(spool_scan_open(&scan, &h.queue->spool, (enum spool_state)s), 0);
        id = spool_scan_next(&scan);
        spool_scan_close(&scan);
        if (id != NULL || (s != SPOOL_NEW && files_in((enum spool_state)s) > 0))
            return false;
    }
    return h.queue->active_count == 0;
}

static void
run_whole(void *arg)
{
    (void)arg;
    start_whole();
    for (size_t i = 0; i < ARRAY_LEN(mails); i++) {
        char name[64];
        const char *id = submit(mails[i].sender, mails[i].rcpts);

        if (id == NULL)
            continue;
        (void)snprintf(name, sizeof(name), "%zu", i);
        (void)store_mark("acknowledged", slice_of(name));
        (void)store_mark(name, slice_of(id));
    }
    run_until(queue_is_empty);
    _exit(0);
}

static void
recover_whole(void)
{
    start_whole();
    run_until(queue_is_empty);
    _exit(0);
}

/* Names in the store that end with `suffix`. */
static int
stored(int store_fd, const char *prefix, const char *suffix)
{
    DIR *dir = fdopendir(openat(store_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct dirent *e;
    int count = 0;

    while ((e = readdir(dir)) != NULL)
        count += slice_starts(slice_of(e->d_name), slice_of(prefix)) &&
                 slice_ends(slice_of(e->d_name), slice_of(suffix));
    (void)closedir(dir);
    return count;
}

/* The queue id that mail `i` got, or "" if that is not known. */
static void
id_of(int store_fd, size_t i, char id[QUEUE_ID_SIZE])
{
    DIR *dir = fdopendir(openat(store_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    char prefix[16];
    struct dirent *e;

    id[0] = '\0';
    (void)snprintf(prefix, sizeof(prefix), "%zu:", i);
    while ((e = readdir(dir)) != NULL)
        if (slice_starts(slice_of(e->d_name), slice_of(prefix)))
            (void)snprintf(id, QUEUE_ID_SIZE, "%s", e->d_name + strlen(prefix));
    (void)closedir(dir);
}

static void
check_store(int at)
{
    int root = open(scratch_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int store = openat(root, "store", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    ck_assert_msg(stored(store, "TWICE", "") == 0, "delivered twice after call %d", at);
    for (size_t i = 0; i < ARRAY_LEN(mails); i++) {
        char id[QUEUE_ID_SIZE], name[32];

        (void)snprintf(name, sizeof(name), "acknowledged:%zu", i);
        id_of(store, i, id);
        if (!is_there(store, name) || id[0] == '\0')
            continue;
        for (size_t k = 0; k < 4 && mails[i].mailboxes[k] != NULL; k++)
            ck_assert_msg(stored(store, id, mails[i].mailboxes[k]) == 1,
                          "mail %zu is not in %s after call %d", i, mails[i].mailboxes[k], at);
        ck_assert_msg(!mails[i].bounces || stored(store, "", ":s@d.test") >= 1,
                      "no bounce after call %d", at);
    }
    (void)close(store);
    (void)close(root);
}

static void
check_recovery(int at)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        recover_whole();
    (void)waitpid(pid, &status, 0);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "no recovery after call %d", at);
    check_store(at);
}

/* Has nobody flushed a move of this message since its slot was made? So it is as long as there is
 * no log, for one with one recipient. */
static bool
may_be_taken_back(const struct spool *spool, enum spool_state state, const char *id)
{
    struct queue_message *m = queue_message_open(spool->fds[state], id);
    char log[QUEUE_NAME_MAX];
    bool may = m != NULL && !queue_message_is_beside(m);

    queue_name(log, id, ".log");
    queue_message_close(&m);
    return may && !is_there(spool->fds[state], log);
}

/* What a power cut does to moves that are not on disk. */
static void
take_back_moves(void)
{
    char path[sizeof(scratch_dir) + 8];
    struct spool spool;

    (void)snprintf(path, sizeof(path), "%s/queue", scratch_dir);
    if (spool_open_readonly(&spool, path) < 0)
        return; /* stopped before there was a queue */
    for (enum spool_state state = SPOOL_NEW; state <= SPOOL_ACTIVE; state++) {
        struct spool_scan scan;
        const char *id;

        if (spool_scan_open(&scan, &spool, state) < 0)
            continue;
        while ((id = spool_scan_next(&scan)) != NULL)
            if (may_be_taken_back(&spool, state, id))
                ck_assert_int_eq(spool_move(&spool, id, state, SPOOL_TMP, 0), 0);
        spool_scan_close(&scan);
    }
    spool_close(&spool);
}

START_TEST(queue_manager_loses_power_at_each_call)
{
    int status = -1;

    for (int at = 1 + _i; status != 0; at += 4) {
        (void)scratch_make();
        (void)crash_run(run_whole, NULL, CRASH_KILL, at, &status);
        take_back_moves();
        check_recovery(at);
        scratch_remove();
        ck_assert_int_lt(at, 1000);
    }
}
END_TEST

START_TEST(queue_manager_killed_at_each_call)
{
    int status = -1;

    for (int at = 1 + _i; status != 0; at += 4) {
        (void)scratch_make();
        (void)crash_run(run_whole, NULL, CRASH_KILL, at, &status);
        check_recovery(at);
        scratch_remove();
        ck_assert_int_lt(at, 1000);
    }
}
END_TEST

START_TEST(queue_manager_survives_a_full_disk)
{
#if defined(__x86_64__)
    int status, calls = INT32_MAX;

    for (int at = 2 + _i; at <= calls; at += 4) {
        (void)scratch_make();
        calls = crash_run(run_whole, NULL, CRASH_ENOSPC, at, &status);
        ck_assert_msg(status == 0, "does not finish after call %d", at);
        check_recovery(at);
        scratch_remove();
        ck_assert_int_lt(at, 1000);
    }
#else
    ck_assert_int_ge(_i, 0);
#endif
}
END_TEST

/* ---- what the administrator does ---- */

static bool
is_held(void)
{
    return h.queue->active_count == 0 && files_in(SPOOL_HOLD) > 0;
}

static void
run_edited(void *arg)
{
    char id[QUEUE_ID_SIZE];
    const char *made;

    (void)arg;
    start_whole();
    made = submit("s@far.test", "b@d.test");
    ck_assert_ptr_nonnull(made);
    (void)snprintf(id, sizeof(id), "%s", made);
    (void)store_mark("acknowledged", SLICE("0"));
    (void)admin_hold(h.queue, id, SLICE("to be looked at"));
    run_until(is_held);
    if (admin_edit(h.queue, id, SLICE("b@d.test"), SLICE("a@d.test")) == NULL)
        (void)store_mark("edited", SLICE("0"));
    (void)admin_release(h.queue, id, 0);
    run_until(queue_is_empty);
    _exit(0);
}

/* What is still on hold is released, as the administrator would who had no answer. */
static void
recover_edited(void *arg)
{
    struct spool_scan scan;
    const char *id;

    (void)arg;
    start_whole();
    run_for(50);
    ck_assert_int_eq(spool_scan_open(&scan, &h.queue->spool, SPOOL_HOLD), 0);
    while ((id = spool_scan_next(&scan)) != NULL)
        ck_assert_ptr_null(admin_release(h.queue, id, 0));
    spool_scan_close(&scan);
    intake_look(h.queue->intake);
    run_until(queue_is_empty);
    _exit(0);
}

/* Held, changed, released: delivered once, to the old recipient or to the new one, and to the new
 * one if the change was acknowledged. */
START_TEST(edited_message_is_delivered_once)
{
    int status = -1, recovered;

    for (int at = 1 + _i; status != 0; at += 4) {
        int store, a, b;

        (void)scratch_make();
        (void)crash_run(run_edited, NULL, CRASH_KILL, at, &status);
        (void)crash_run(recover_edited, NULL, CRASH_NONE, 0, &recovered);
        ck_assert_msg(recovered == 0, "no recovery after call %d", at);
        store = open(scratch_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        a = openat(store, "store", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        (void)close(store);
        store = a;
        a = stored(store, "", ":a@d.test");
        b = stored(store, "", ":b@d.test");
        ck_assert_int_eq(stored(store, "TWICE", ""), 0);
        ck_assert_msg(a + b == is_there(store, "acknowledged:0") || a + b == 1,
                      "%d and %d after call %d", a, b, at);
        ck_assert_msg(!is_there(store, "edited:0") || a == 1, "change lost after call %d", at);
        (void)close(store);
        scratch_remove();
        ck_assert_int_lt(at, 1000);
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("queue_crash");
    TCase *tc = tcase_create("queue_crash");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, commit_killed_at_each_call, 0, 4);
    tcase_add_loop_test(tc, commit_on_a_full_disk_leaves_nothing, 0, 4);
    tcase_add_loop_test(tc, a_message_is_never_without_its_envelope, 0, 2);
    tcase_add_loop_test(tc, queue_manager_killed_at_each_call, 0, 4);
    tcase_add_loop_test(tc, queue_manager_loses_power_at_each_call, 0, 4);
    tcase_add_loop_test(tc, queue_manager_survives_a_full_disk, 0, 4);
    tcase_add_loop_test(tc, edited_message_is_delivered_once, 0, 4);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
