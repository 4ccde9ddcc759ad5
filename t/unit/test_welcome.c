/*
 * t/unit/test_welcome.c - alertd/welcome: killed at any system call, killed there once more, or
 * with the disk full there, and begun anew, it greets everybody once.
 */
// LINK: alertd/welcome.c
#include "alertd/welcome.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/accountd_greet.h"
#include "lib/ipc/peer.h"
#include "lib/sys/daemon.h"
#include "t/unit/crash_point.h"
#include "t/unit/scratch.h"

enum { USERS = 3, LOOK_MS = 5, ENOUGH_MS = 20000, SHORT_MS = 60, NOT_ENDED = 3 };

static pid_t accountd;
static int tmp_fd, new_fd, state_fd, all_fd, enough_ms = ENOUGH_MS;
static const char *const users[USERS] = {"user0@d.test", "user1@d.test", "user2@d.test"};

/* ---- who answers in accountd's place: all/USER is there until the user counts as greeted ---- */

static int
answer_page(struct ipc_peer *peer, const struct frame_header *header, struct slice payload, int fd)
{
    struct accountd_greet query;
    struct accountd_greet_reply reply = {.count = 0};
    struct strbuf frame = strbuf_new(4096);

    if (fd >= 0 || accountd_greet_decode(payload, &query) < 0)
        return -1;
    for (unsigned i = 0; i < USERS; i++) {
        for (uint32_t k = 0; k < query.done_count; k++)
            if (slice_eq(query.done[k], slice_of(users[i])))
                (void)unlinkat(all_fd, users[i], 0);
        if (faccessat(all_fd, users[i], F_OK, 0) == 0)
            reply.users[reply.count++].address = slice_of(users[i]);
    }
    (void)accountd_greet_reply_encode(&frame, header->request_id, &reply);
    ipc_peer_send(peer, &frame, -1);
    strbuf_free(&frame);
    return 0;
}

static bool
anybody(uid_t uid, void *data)
{
    (void)uid;
    (void)data;
    return true;
}

static _Noreturn void
be_accountd(int listen_fd)
{
    static const struct ipc_handlers handlers = {.payload_max = 4096, .frame = answer_page};
    struct loop *loop = loop_new();

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* of a test that fails */
    (void)ipc_server_new(loop, listen_fd, &handlers, anybody, 10, NULL);
    loop_run(loop);
    _exit(0);
}

static void
start_accountd(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = ACCOUNTD_SOCKET};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(fd, 10), 0);
    accountd = fork();
    if (accountd == 0)
        be_accountd(fd);
    (void)close(fd);
}

/* ---- the process that greets ---- */

struct greeting {
    struct daemon daemon;
    struct loop_timer *timer;
    int waited_ms;
};

static void
look(void *arg)
{
    struct greeting *g = arg;
    bool waits = false;

    for (unsigned i = 0; i < USERS; i++)
        waits |= faccessat(all_fd, users[i], F_OK, 0) == 0;
    if (!waits)
        _exit(0);
    g->waited_ms += LOOK_MS;
    if (g->waited_ms > enough_ms)
        _exit(NOT_ENDED); /* it would be tried again later */
    loop_timer_set(g->timer, LOOK_MS);
}

static void
greet_them(void *arg)
{
    struct mailer mailer = {.hostname = "mail.d.test", .postmaster = xstrdup("postmaster@d.test")};
    struct strbuf errors = strbuf_new(1000);
    struct greeting g = {.daemon = {.loop = loop_new()}};
    struct welcome *w;

    (void)arg;
    g.daemon.inst.etc = xstrdup("etc");
    g.daemon.conf = conf_parse(SLICE("[account]\nwelcome = welcome.txt\n"), "x", &errors);
    g.daemon.stats = stats_open(open("stats", O_RDONLY | O_DIRECTORY), "alert", true);
    if (g.daemon.conf == NULL || outbox_open(&mailer.outbox, "queue") < 0)
        _exit(1);
    w = welcome_new(&g.daemon);
    if (w == NULL)
        _exit(2);
    crash_mark();
    welcome_start(w, &mailer, state_fd);
    g.timer = loop_timer_new(g.daemon.loop, look, &g);
    loop_timer_set(g.timer, LOOK_MS);
    loop_run(g.daemon.loop);
}

/* ---- what became of it ---- */

static void
count_greetings(unsigned got[USERS])
{
    DIR *dir = fdopendir(dup(new_fd));
    const struct dirent *entry;

    rewinddir(dir);
    while ((entry = readdir(dir)) != NULL) {
        struct queue_message *m;

        if (!queue_id_valid(slice_of(entry->d_name)))
            continue;
        m = queue_message_open(new_fd, entry->d_name);
        ck_assert_ptr_nonnull(m);
        for (unsigned i = 0; i < USERS; i++)
            got[i] += slice_eq(queue_message_envelope(m)->rcpts[0].address, slice_of(users[i]));
        queue_message_close(&m);
    }
    (void)closedir(dir);
}

static void
empty(int dirfd)
{
    DIR *dir = fdopendir(dup(dirfd));
    const struct dirent *entry;

    rewinddir(dir);
    while ((entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.')
            ck_assert_int_eq(unlinkat(dirfd, entry->d_name, 0), 0);
    (void)closedir(dir);
}

static void
begin_anew(void)
{
    empty(state_fd);
    empty(tmp_fd);
    empty(new_fd);
    for (unsigned i = 0; i < USERS; i++)
        ck_assert_int_eq(replace_file(all_fd, users[i], SLICE(""), 0600), 0);
}

static void
begin(void)
{
    ck_assert_ptr_nonnull(scratch_make());
    ck_assert_int_eq(chdir(scratch_dir), 0);
    (void)umask(0002);
    ck_assert_int_eq(mkdir("queue", 0700) | mkdir("queue/tmp", 0700) | mkdir("queue/new", 0700) |
                         mkdir("state", 0700) | mkdir("all", 0700) | mkdir("etc", 0700) |
                         mkdir("stats", 0700) | mkfifo("queue/trigger", 0600),
                     0);
    tmp_fd = open("queue/tmp", O_RDONLY | O_DIRECTORY);
    new_fd = open("queue/new", O_RDONLY | O_DIRECTORY);
    state_fd = open("state", O_RDONLY | O_DIRECTORY);
    all_fd = open("all", O_RDONLY | O_DIRECTORY);
    start_accountd();
    crash_waits_for_mark = true;
}

static void
end(void)
{
    (void)kill(accountd, SIGKILL);
    (void)waitpid(accountd, NULL, 0);
    ck_assert_int_eq(chdir("/"), 0);
    scratch_remove();
}

static void
each_has_it_once(int first, int second)
{
    unsigned got[USERS] = {0};
    int status;

    enough_ms = ENOUGH_MS;
    (void)crash_run(greet_them, NULL, CRASH_NONE, 0, &status);
    ck_assert_msg(status == 0, "calls %d, %d: exit %d", first, second, status);
    count_greetings(got);
    for (unsigned i = 0; i < USERS; i++)
        ck_assert_msg(got[i] == 1, "calls %d, %d: user %u has it %u times", first, second, i,
                      got[i]);
}

static const struct {
    enum crash_kind kind;
    int killed_after; /* so many calls after the disk was full */
} stops[] = {{CRASH_KILL, 0}, {CRASH_ENOSPC, 0}, {CRASH_ENOSPC, 1}, {CRASH_ENOSPC, 3}};

START_TEST(each_is_greeted_once_wherever_it_was_stopped)
{
    int status, at = 1, calls;

    crash_killed_after = stops[_i].killed_after;
    do {
        begin_anew();
        enough_ms = stops[_i].kind == CRASH_KILL ? ENOUGH_MS : SHORT_MS; /* it waits afterwards */
        calls = crash_run(greet_them, NULL, stops[_i].kind, at, &status);
        each_has_it_once(at, 0);
    } while (calls >= at++);
    ck_assert_int_gt(at, 15);
}
END_TEST

/* A crash while what the first one has left is looked at. */
START_TEST(each_is_greeted_once_although_it_is_stopped_twice)
{
    enum { AT_START = 9 };
    int status, first = 1, calls;

    do {
        for (int second = 1; second <= AT_START; second++) {
            begin_anew();
            calls = crash_run(greet_them, NULL, CRASH_KILL, first, &status);
            (void)crash_run(greet_them, NULL, CRASH_KILL, second, &status);
            each_has_it_once(first, second);
        }
    } while (calls >= first++);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("welcome");
    Suite *s = suite_create("welcome");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 200);
    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_loop_test(tc, each_is_greeted_once_wherever_it_was_stopped, 0, (int)ARRAY_LEN(stops));
    tcase_add_test(tc, each_is_greeted_once_although_it_is_stopped_twice);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
