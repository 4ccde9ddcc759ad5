/*
 * t/unit/test_in_force.c - lib/oper: what master refuses is taken back; what somebody else has
 * changed meanwhile stays, is told as such and is in the record.
 */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/master.h"
#include "lib/ipc/peer.h"
#include "lib/oper/oper.h"
#include "t/unit/scratch.h"

#define LIST "etc/lists/open_relay_domains.txt"
#define SOMEBODY "# somebody else\n"

static pid_t master;
static unsigned told;

/* ---- who answers in master's place ---- */

static void
change_settings(void)
{
    int fd = open("etc/posthorn.conf", O_WRONLY | O_APPEND | O_CLOEXEC);

    (void)write_all(fd, SLICE(SOMEBODY));
    (void)close(fd);
}

static int
refuse(struct ipc_peer *peer, const struct frame_header *header, struct slice payload, int fd)
{
    struct master_reply reply = {.result = MASTER_DONE};
    struct strbuf frame = strbuf_new(4096);
    struct master_request request;

    if (fd >= 0 || master_request_decode(payload, &request) < 0)
        return -1;
    if (slice_eq(request.verb, SLICE("reload"))) {
        if (*(const bool *)ipc_peer_data(peer))
            change_settings();
        reply = (struct master_reply){.result = MASTER_REFUSED, .text = SLICE("it does not do")};
    }
    (void)master_reply_encode(&frame, header->request_id, &reply);
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

static void
start_master(bool somebody_changes)
{
    static const struct ipc_handlers handlers = {.payload_max = 4096, .frame = refuse};
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "run/" MASTER_SOCKET};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct loop *loop;

    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(fd, 10), 0);
    master = fork();
    if (master == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* of a test that fails */
        loop = loop_new();
        (void)ipc_server_new(loop, fd, &handlers, anybody, 10, &somebody_changes);
        loop_run(loop);
        _exit(0);
    }
    (void)close(fd);
}

/* ---- what is asked for ---- */

static void
count(void *arg, const struct oper_change *change)
{
    (void)arg;
    (void)change;
    told++;
}

/* The answer's text; it is always a refusal. */
static char *
ask(const char *verb, const char *kind, const char *name, const char *field, const char *value)
{
    const struct object_field fields = {slice_of(field), slice_of(value)};
    const struct accountd_admin request = {.verb = slice_of(verb),
                                           .kind = slice_of(kind),
                                           .name = slice_of(name),
                                           .fields = &fields,
                                           .field_count = 1};
    struct instance inst;
    struct oper op;
    char *text;

    instance_init(&inst, scratch_dir);
    op = oper_new(&inst, &request);
    op.told = count;
    oper_run(&op);
    text = xslicedup(strbuf_slice(&op.text));
    ck_assert_msg(op.result == OPER_REFUSED, "%u %s", op.result, text);
    oper_free(&op);
    instance_free(&inst);
    return text;
}

static char *
settings(void)
{
    struct strbuf text = strbuf_new(4096);
    char *copy;

    ck_assert_int_eq(read_file(AT_FDCWD, "etc/posthorn.conf", &text), 0);
    copy = xslicedup(strbuf_slice(&text));
    strbuf_free(&text);
    return copy;
}

static void
begin(void)
{
    ck_assert_ptr_nonnull(scratch_make());
    ck_assert_int_eq(chdir(scratch_dir), 0);
    ck_assert_int_eq(mkdir("etc", 0700) | mkdir("run", 0700), 0);
    ck_assert_int_eq(replace_file(AT_FDCWD, "etc/posthorn.conf", SLICE(""), 0644), 0);
    ck_assert_int_eq(replace_file(AT_FDCWD, "etc/services.conf", SLICE(""), 0644), 0);
    told = 0;
}

static void
end(void)
{
    (void)kill(master, SIGKILL);
    (void)waitpid(master, NULL, 0);
    ck_assert_int_eq(chdir("/"), 0);
    scratch_remove();
}

START_TEST(what_is_refused_is_taken_back)
{
    char *text, *after;

    start_master(false);
    text = ask("add", "list", "smtp.open_relay_domains", "entries", "one.test");
    ck_assert_str_eq(text, "it does not do");
    free(text);
    free(ask("set", "setting", "", "smtp.max_recipients", "7"));
    after = settings();
    ck_assert_str_eq(after, "");
    ck_assert_int_eq(access(LIST, F_OK), -1);
    ck_assert_uint_eq(told, 0);
    free(after);
}
END_TEST

START_TEST(what_stays_keeps_its_list_and_is_in_the_record)
{
    char *text, *after;

    start_master(true);
    text = ask("add", "list", "smtp.open_relay_domains", "entries", "one.test");
    ck_assert_msg(strstr(text, "not in force, and changed on disk") == text, "%s", text);
    ck_assert_ptr_nonnull(strstr(text, "changed by somebody else"));
    after = settings();
    ck_assert_ptr_nonnull(strstr(after, "lists/open_relay_domains.txt"));
    ck_assert_int_eq(access(LIST, F_OK), 0);
    ck_assert_uint_eq(told, 1);
    free(text);
    free(after);

    text = ask("set", "setting", "", "smtp.max_recipients", "7");
    ck_assert_msg(strstr(text, "not in force, and changed on disk") == text, "%s", text);
    ck_assert_uint_eq(told, 2);
    after = settings();
    ck_assert_ptr_nonnull(strstr(after, "max_recipients = 7"));
    free(text);
    free(after);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("in_force");
    Suite *s = suite_create("in_force");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_test(tc, what_is_refused_is_taken_back);
    tcase_add_test(tc, what_stays_keeps_its_list_and_is_in_the_record);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
