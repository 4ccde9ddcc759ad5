/*
 * t/unit/test_broadcast.c - alertd/broadcast: killed at any system call, or with the disk full
 * there, and begun anew, it sends to everybody once.
 */
// LINK: alertd/broadcast.c
// LINK: alertd/broadcast_job.c
#include "alertd/broadcast.h"

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
#include "lib/ipc/accountd_addressees.h"
#include "lib/ipc/object.h"
#include "lib/ipc/peer.h"
#include "t/unit/crash_point.h"
#include "t/unit/scratch.h"

#define ID "everybody"

enum { USERS = 3, LOOK_MS = 5, ENOUGH_MS = 20000, REFUSED = 2, NOT_ENDED = 3 };

static pid_t accountd;
static unsigned users_in_page;
static int tmp_fd, new_fd, state_fd, enough_ms = ENOUGH_MS;

/* ---- who answers in accountd's place ---- */

static char *
user_name(unsigned number)
{
    return xasprintf("user%u@d.test", number);
}

static int
answer_page(struct ipc_peer *peer, const struct frame_header *header, struct slice payload, int fd)
{
    struct accountd_addressees query;
    struct slice items[USERS];
    struct accountd_addressees_reply reply = {.items = items};
    struct strbuf frame = strbuf_new(4096);
    char cursor[8] = "";
    unsigned at;

    if (fd >= 0 || accountd_addressees_decode(payload, &query) < 0)
        return -1;
    at = query.cursor.len == 0 ? 0 : (unsigned)(query.cursor.ptr[0] - '0');
    while (reply.count < users_in_page && at < USERS)
        items[reply.count++] = slice_of(user_name(at++));
    if (at < USERS)
        (void)snprintf(cursor, sizeof(cursor), "%u", at);
    reply.cursor = slice_of(cursor);
    (void)accountd_addressees_reply_encode(&frame, header->request_id, &reply);
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

/* ---- the process that sends it ---- */

struct sending {
    struct daemon daemon;
    struct broadcasts *broadcasts;
    struct loop_timer *timer;
    int waited_ms;
};

static void
look(void *arg)
{
    struct sending *s = arg;
    struct strbuf objects = strbuf_new(4096);
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct slice rest;
    int count;

    broadcasts_list(s->broadcasts, &objects);
    rest = strbuf_slice(&objects);
    count = object_next(&rest, fields);
    if (count > 0 && slice_eq(object_get(fields, (uint32_t)count, "state"), SLICE("sent")))
        _exit(0);
    s->waited_ms += LOOK_MS;
    if (s->waited_ms > enough_ms)
        _exit(NOT_ENDED); /* it would be tried again later */
    strbuf_free(&objects);
    loop_timer_set(s->timer, LOOK_MS);
}

static void
send_it(void *arg)
{
    static const struct alertd_broadcast message = {.id = {ID, sizeof(ID) - 1},
                                                    .domain = {"d.test", 6},
                                                    .subject = {"x", 1},
                                                    .content = {"x\n", 2}};
    struct mailer mailer = {.hostname = "mail.d.test", .postmaster = xstrdup("postmaster@d.test")};
    struct sending s = {.daemon = {.loop = loop_new()}};

    (void)arg;
    if (outbox_open(&mailer.outbox, "queue") < 0)
        _exit(1);
    s.broadcasts = broadcasts_new(&s.daemon, &mailer, state_fd);
    s.timer = loop_timer_new(s.daemon.loop, look, &s);
    if (broadcasts_add(s.broadcasts, &message) != NULL)
        _exit(REFUSED); /* whoever asked for it is told, and asks again */
    loop_timer_set(s.timer, LOOK_MS);
    loop_run(s.daemon.loop);
}

/* ---- what became of it ---- */

static void
count_recipients(unsigned got[USERS])
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
        for (uint32_t i = 0; i < queue_message_envelope(m)->rcpt_count; i++)
            for (unsigned user = 0; user < USERS; user++) {
                char *name = user_name(user);

                got[user] += slice_eq(queue_message_envelope(m)->rcpts[i].address, slice_of(name));
                free(name);
            }
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

static bool
is_empty(int dirfd)
{
    DIR *dir = fdopendir(dup(dirfd));
    const struct dirent *entry;
    bool is = true;

    rewinddir(dir);
    while ((entry = readdir(dir)) != NULL)
        is &= entry->d_name[0] == '.';
    (void)closedir(dir);
    return is;
}

static void
begin(void)
{
    ck_assert_ptr_nonnull(scratch_make());
    ck_assert_int_eq(chdir(scratch_dir), 0);
    (void)umask(0002);
    ck_assert_int_eq(mkdir("queue", 0700) | mkdir("queue/tmp", 0700) | mkdir("queue/new", 0700) |
                         mkdir("state", 0700) | mkfifo("queue/trigger", 0600),
                     0);
    tmp_fd = open("queue/tmp", O_RDONLY | O_DIRECTORY);
    new_fd = open("queue/new", O_RDONLY | O_DIRECTORY);
    state_fd = open("state", O_RDONLY | O_DIRECTORY);
}

static void
end(void)
{
    (void)kill(accountd, SIGKILL);
    (void)waitpid(accountd, NULL, 0);
    ck_assert_int_eq(chdir("/"), 0);
    scratch_remove();
}

/* As after a kill between the page's name and its commit. */
static void
leave_a_page(void)
{
    static const char page[] = "8Dvx7tJnkrYX18O", at[] = "0 0 3 8Dvx7tJnkrYX18O 642e74657374 - -\n",
                      mail[] = "Subject: x\r\n\r\nx\r\n";

    ck_assert_int_eq(replace_file(state_fd, "broadcast-" ID ".mail", slice_of(mail), 0600), 0);
    ck_assert_int_eq(replace_file(state_fd, "broadcast-" ID ".at", slice_of(at), 0600), 0);
    ck_assert_int_eq(replace_file(tmp_fd, page, slice_of(mail), 0664), 0);
}

static const struct {
    enum crash_kind kind;
    bool left; /* it goes on with what was left */
    unsigned users_in_page;
    int killed_after; /* so many calls after the disk was full */
} stops[] = {{CRASH_KILL, false, 2, 0},       {CRASH_KILL, true, USERS, 0},
             {CRASH_ENOSPC, false, USERS, 0}, {CRASH_ENOSPC, true, USERS, 0},
             {CRASH_ENOSPC, false, USERS, 2}, {CRASH_ENOSPC, false, USERS, 3},
             {CRASH_ENOSPC, true, USERS, 3}};

START_TEST(each_gets_it_once_wherever_it_was_stopped)
{
    int status, at = 1, calls;
    bool untouched;

    users_in_page = stops[_i].users_in_page;
    crash_killed_after = stops[_i].killed_after;
    start_accountd();
    do {
        unsigned got[USERS] = {0};

        empty(state_fd);
        empty(tmp_fd);
        empty(new_fd);
        if (stops[_i].left)
            leave_a_page();
        enough_ms = stops[_i].kind == CRASH_KILL ? ENOUGH_MS : 100; /* it waits after a failure */
        calls = crash_run(send_it, NULL, stops[_i].kind, at, &status);
        enough_ms = ENOUGH_MS;
        untouched = status == 0 && calls < at;
        if (status == REFUSED)
            ck_assert_msg(is_empty(state_fd), "call %d: something is left", at);
        if (status != 0)
            (void)crash_run(send_it, NULL, CRASH_NONE, 0, &status);
        ck_assert_msg(status == 0, "call %d: exit %d", at, status);
        count_recipients(got);
        for (unsigned user = 0; user < USERS; user++)
            ck_assert_msg(got[user] == 1, "call %d: user %u has it %u times", at, user, got[user]);
        at += calls >= at;
    } while (!untouched);
    ck_assert_int_gt(at, 20);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("broadcast");
    Suite *s = suite_create("broadcast");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 200);
    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_loop_test(tc, each_gets_it_once_wherever_it_was_stopped, 0, (int)ARRAY_LEN(stops));
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
