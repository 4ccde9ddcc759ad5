/*
 * t/unit/test_master.c - master's modules without processes: configuration, sockets, locks, the
 * control messages; and who holds a port.
 */
// LINK: master/config.c
// LINK: master/config_files.c
// LINK: master/socket_set.c
// LINK: master/lock.c
// LINK: master/run_dir.c
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/master.h"
#include "lib/ipc/socket.h"
#include "lib/sys/port_holder.h"
#include "master/config.h"
#include "master/lock.h"
#include "master/run_dir.h"
#include "master/socket_set.h"

static char root[] = "/tmp/rt-test-master-XXXXXX";
static struct instance inst;
static struct strbuf errors;
static int run_dirfd;
static const struct socket_set *const nothing_held[SOCKET_SETS_HELD] = {NULL, NULL};
static unsigned offset; /* of the ports: other tests run beside this one */

static void
write_file(const char *path, const char *text)
{
    ck_assert_int_eq(replace_file(AT_FDCWD, path, slice_of(text), 0600), 0);
}

static void
setup(void)
{
    char conf[128];

    ck_assert_ptr_nonnull(mkdtemp(root));
    instance_init(&inst, root);
    errors = strbuf_new(4096);
    ck_assert_int_eq(mkdir(inst.etc, 0755), 0);
    run_dirfd = run_dir_open(inst.run, &errors);
    ck_assert_int_ge(run_dirfd, 0);
    offset = 10000 + (unsigned)getpid() % 1400; /* not where the kernel picks ports for clients */
    (void)snprintf(conf, sizeof(conf), "[system]\nport_offset = %u\nbind = 127.0.0.1\n", offset);
    write_file(inst.conf_path, conf);
    write_file(inst.services_path,
               "[a]\nprogram = x\nlisten = one:25 two:26\nsocket = a.sock 0640\n");
}

static void
teardown(void)
{
    static const char *const names[] = {"a.sock", "master.lock", "instance.lock"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        (void)unlinkat(run_dirfd, names[i], 0);
    run_dir_clean(run_dirfd);
    (void)close(run_dirfd);
    (void)unlink(inst.conf_path);
    (void)unlink(inst.services_path);
    (void)rmdir(inst.etc);
    (void)rmdir(inst.run);
    (void)rmdir(root);
    instance_free(&inst);
    strbuf_free(&errors);
}

START_TEST(the_copy_lives_as_long_as_somebody_uses_it)
{
    struct config *first = config_load(&inst, &errors), *again = config_share(first), *second;
    char *path = xstrdup(first->copy_path);
    struct strbuf text = strbuf_new(4096);

    ck_assert_int_eq(read_file(AT_FDCWD, path, &text), 0);
    ck_assert(slice_eq(strbuf_slice(&text), strbuf_slice(&first->text)));
    second = config_load(&inst, &errors);
    ck_assert(config_same(first, second));
    ck_assert_str_ne(first->copy_path, second->copy_path);
    config_release(&first);
    ck_assert_int_eq(access(path, F_OK), 0);
    config_release(&again);
    ck_assert_int_eq(access(path, F_OK), -1);
    config_release(&second);
    free(path);
    strbuf_free(&text);
}
END_TEST

START_TEST(an_error_in_either_file_refuses_both)
{
    write_file(inst.services_path, "[a]\nprogram = x\nlisten = one:60000\n");
    ck_assert_ptr_null(config_load(&inst, &errors));
    ck_assert_ptr_nonnull(strstr(strbuf_cstr(&errors), "services.conf:1: [a] port 60000"));
    write_file(inst.conf_path, "[system]\nnothing = 1\n");
    ck_assert_ptr_null(config_load(&inst, &errors));
    ck_assert_ptr_nonnull(strstr(strbuf_cstr(&errors), "posthorn.conf:2:"));
}
END_TEST

START_TEST(sockets_are_bound_once_and_shared)
{
    struct config *config = config_load(&inst, &errors);
    const struct service_row *row = services_find(config->services, "a");
    struct socket_set *set = socket_set_open(config, row, run_dirfd, nothing_held, &errors), *next;
    char where[64];
    struct stat st;
    int fd;

    ck_assert_msg(set != NULL, "%s", strbuf_cstr(&errors));
    ck_assert_uint_eq(set->count, 3);
    ck_assert_str_eq(set->items[0].label, "one");
    (void)snprintf(where, sizeof(where), "127.0.0.1:%u", offset + 25);
    ck_assert_str_eq(set->items[0].where, where);
    ck_assert_int_eq(fstatat(run_dirfd, "a.sock", &st, 0), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0640);
    next = socket_set_open(config, row, run_dirfd, (const struct socket_set *[]){NULL, set},
                           &errors); /* the ports are ours: no error */
    ck_assert_ptr_nonnull(next);
    socket_set_free(&set);
    fd = ipc_socket_connect(run_dirfd, "a.sock"); /* still the same socket */
    ck_assert_int_ge(fd, 0);
    (void)close(fd);
    socket_set_unlink(next, run_dirfd);
    ck_assert_int_eq(faccessat(run_dirfd, "a.sock", F_OK, 0), -1);
    socket_set_free(&next);
    config_release(&config);
}
END_TEST

/* By whom is for the command to say: lib/sys/port_holder. */
START_TEST(a_port_in_use_is_named)
{
    struct config *config = config_load(&inst, &errors);
    const struct service_row *row = services_find(config->services, "a");
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)(offset + 26))};
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    char expected[128];

    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    ck_assert_ptr_null(socket_set_open(config, row, run_dirfd, nothing_held, &errors));
    (void)snprintf(expected, sizeof(expected), "two on 127.0.0.1:%u: " MASTER_PORT_IN_USE "\n",
                   offset + 26, offset + 26);
    ck_assert_ptr_nonnull(strstr(strbuf_cstr(&errors), expected));
    strbuf_clear(&errors);
    ck_assert(port_holder_find((uint16_t)(offset + 26), &errors));
    (void)snprintf(expected, sizeof(expected), "(pid %d)", getpid());
    ck_assert_ptr_nonnull(strstr(strbuf_cstr(&errors), expected));
    strbuf_clear(&errors);
    ck_assert(!port_holder_find(1, &errors));
    (void)close(fd);
    config_release(&config);
}
END_TEST

START_TEST(a_directory_of_others_is_refused)
{
    ck_assert_int_eq(fchmodat(AT_FDCWD, inst.run, 0733, 0), 0);
    ck_assert_int_eq(run_dir_open(inst.run, &errors), -1);
    ck_assert_ptr_nonnull(strstr(strbuf_cstr(&errors), "nobody else may write there"));
    ck_assert_int_eq(fchmodat(AT_FDCWD, inst.run, 0711, 0), 0);
    if (geteuid() != 0)
        return;
    strbuf_clear(&errors);
    ck_assert_int_eq(fchownat(AT_FDCWD, inst.run, 64321, 64321, 0), 0);
    ck_assert_int_eq(run_dir_open(inst.run, &errors), -1);
    ck_assert_ptr_nonnull(strstr(strbuf_cstr(&errors), "it must belong to user 0"));
    ck_assert_int_eq(fchownat(AT_FDCWD, inst.run, 0, 0, 0), 0);
}
END_TEST

START_TEST(a_reload_leaves_no_name_behind)
{
    struct config *first = config_load(&inst, &errors), *second;
    const struct service_row *row = services_find(first->services, "a");
    struct socket_set *old = socket_set_open(first, row, run_dirfd, nothing_held, &errors), *set;
    struct stat st;

    write_file(inst.services_path, "[a]\nprogram = x\nsocket = b.sock 0600\n");
    second = config_load(&inst, &errors);
    row = services_find(second->services, "a");
    set =
        socket_set_open(second, row, run_dirfd, (const struct socket_set *[]){old, NULL}, &errors);
    ck_assert_ptr_nonnull(set);
    socket_set_replace(set, old, second, row, run_dirfd);
    ck_assert_int_eq(faccessat(run_dirfd, "a.sock", F_OK, 0), -1);
    ck_assert_int_eq(fchmodat(run_dirfd, "b.sock", 0666, 0), 0); /* the same socket, a new mode */
    socket_set_replace(set, set, second, row, run_dirfd);
    ck_assert_int_eq(fstatat(run_dirfd, "b.sock", &st, 0), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
    socket_set_unlink(set, run_dirfd);
    socket_set_free(&set);
    socket_set_free(&old);
    config_release(&first);
    config_release(&second);
}
END_TEST

START_TEST(the_second_master_is_sent_away)
{
    int fd = lock_instance(run_dirfd, inst.run, &errors), status;
    pid_t pid = fork();

    ck_assert_int_ge(fd, 0);
    if (pid == 0) {
        int again = lock_instance(run_dirfd, inst.run, &errors);

        _exit(again < 0 && strstr(strbuf_cstr(&errors), "running already (pid ") != NULL ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}
END_TEST

/* It has the lock in the run directory, and goes a while after the new master has come. */
static _Noreturn void
be_older_suite(int ready_fd)
{
    static const struct timespec step = {.tv_nsec = 1000000}, while_it_goes = {.tv_nsec = 50000000};
    int fd = openat(run_dirfd, "instance.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct stat st = {0};

    (void)alarm(20);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0 || write(ready_fd, "", 1) != 1)
        _exit(1);
    while (fstatat(run_dirfd, "master.lock", &st, 0) < 0 || st.st_size == 0)
        (void)nanosleep(&step, NULL);
    (void)nanosleep(&while_it_goes, NULL);
    _exit(replace_file(run_dirfd, "a.sock", SLICE("gone"), 0600) < 0 ? 1 : 0);
}

START_TEST(a_suite_with_its_lock_in_the_run_directory_is_waited_for)
{
    char byte, *lock = xasprintf("%s/instance.lock", inst.etc);
    int ready[2], fd, status;
    pid_t pid;

    ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0)
        be_older_suite(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    fd = lock_instance(run_dirfd, inst.etc, &errors);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(faccessat(run_dirfd, "a.sock", F_OK, 0), 0); /* it has gone before */
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(unlink(lock), 0);
    (void)close(fd);
    (void)close(ready[0]);
    (void)close(ready[1]);
    free(lock);
}
END_TEST

START_TEST(figures_and_copies_of_the_last_run_are_swept)
{
    ck_assert_int_eq(mkdirat(run_dirfd, "stats", 0700), 0);
    ck_assert_int_eq(replace_file(run_dirfd, "posthorn.conf.7", SLICE("x"), 0600), 0);
    ck_assert_int_eq(replace_file(run_dirfd, "other", SLICE("x"), 0600), 0);
    run_dir_clean(run_dirfd);
    ck_assert_int_eq(faccessat(run_dirfd, "posthorn.conf.7", F_OK, 0), -1);
    ck_assert_int_eq(unlinkat(run_dirfd, "other", 0), 0);
    ck_assert_int_eq(unlinkat(run_dirfd, "stats", AT_REMOVEDIR), 0);
}
END_TEST

START_TEST(messages_survive_the_way)
{
    struct strbuf out = strbuf_new(MASTER_PAYLOAD_MAX);
    const struct master_request request = {.verb = SLICE("service-start"), .name = SLICE("smtp")};
    const struct master_reply reply = {.result = 1, .text = SLICE("why"), .data = SLICE("objects")};
    struct master_request got_request;
    struct master_reply got_reply;
    struct slice payload;

    ck_assert_int_eq(master_request_encode(&out, &request), 0);
    payload = slice_sub(strbuf_slice(&out), FRAME_HEADER, out.len);
    ck_assert_int_eq(master_request_decode(payload, &got_request), 0);
    ck_assert(slice_eq(got_request.verb, request.verb));
    ck_assert(slice_eq(got_request.name, request.name));
    ck_assert_int_eq(master_request_decode(slice_sub(payload, 0, payload.len - 1), &got_request),
                     -1);
    strbuf_clear(&out);
    ck_assert_int_eq(master_reply_encode(&out, 5, &reply), 0);
    payload = slice_sub(strbuf_slice(&out), FRAME_HEADER, out.len);
    ck_assert_int_eq(master_reply_decode(payload, &got_reply), 0);
    ck_assert_uint_eq(got_reply.result, 1);
    ck_assert(slice_eq(got_reply.data, reply.data));
    strbuf_free(&out);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("master");
    TCase *tc = tcase_create("master");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_copy_lives_as_long_as_somebody_uses_it);
    tcase_add_test(tc, an_error_in_either_file_refuses_both);
    tcase_add_test(tc, sockets_are_bound_once_and_shared);
    tcase_add_test(tc, a_port_in_use_is_named);
    tcase_add_test(tc, a_directory_of_others_is_refused);
    tcase_add_test(tc, a_reload_leaves_no_name_behind);
    tcase_add_test(tc, the_second_master_is_sent_away);
    tcase_add_test(tc, a_suite_with_its_lock_in_the_run_directory_is_waited_for);
    tcase_add_test(tc, figures_and_copies_of_the_last_run_are_swept);
    tcase_add_test(tc, messages_survive_the_way);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
