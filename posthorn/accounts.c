/*
 * posthorn/accounts.c - the connection to accountd, running or started for this command.
 *
 * accountd checks every value. Starts the one program; its answers are decoded as if it were
 * hostile.
 */
#include "posthorn/accounts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/ipc/client.h"
#include "posthorn/remote.h"

#define CONNECT_MS 5000
#define ANSWER_MS 60000
#define PATIENT_MS 660000 /* a large account base or mailbox takes its time */
#define CHILD_FD 3

struct accounts {
    struct cli *cli;
    struct ipc_client *client;
    int run_dirfd;
    pid_t child; /* accountd of our own; 0: none */
};

/* ---- an accountd of our own ---- */

static _Noreturn void
exec_accountd(const struct cli *cli, int fd)
{
    char *path = xasprintf("%s/accountd", cli->inst.libexec);
    int rc = fd == CHILD_FD ? fcntl(fd, F_SETFD, 0) : dup2(fd, CHILD_FD);

    if (rc < 0 || setenv("POSTHORN_STANDALONE_FD", "3", 1) < 0 ||
        setenv("POSTHORN_SERVICE", "account", 1) < 0)
        _exit(CLI_FAILED);
    (void)unsetenv("POSTHORN_LISTENERS"); /* nothing of a suite above us; removing cannot fail */
    (void)unsetenv("POSTHORN_LOG_FD");
    (void)unsetenv("POSTHORN_CONTROL_FD");
    (void)unsetenv("POSTHORN_CONF");
    if (cli->inst.root != NULL ? setenv("POSTHORN_ROOT", cli->inst.root, 1) < 0
                               : unsetenv("POSTHORN_ROOT") < 0)
        _exit(CLI_FAILED);
    (void)execl(path, "accountd", (char *)NULL);
    (void)cli_fail(cli, "%s: %s; is Posthorn installed whole?", path, strerror(errno));
    _exit(CLI_FAILED);
}

static int
start_accountd(struct accounts *accounts)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return cli_fail(accounts->cli, "socketpair: %s", strerror(errno));
    accounts->child = fork();
    if (accounts->child == 0)
        exec_accountd(accounts->cli, pair[1]);
    (void)close(pair[1]);
    if (accounts->child < 0) {
        (void)close(pair[0]);
        accounts->child = 0;
        return cli_fail(accounts->cli, "fork: %s", strerror(errno));
    }
    accounts->client = ipc_client_adopt(pair[0], ACCOUNTD_PAYLOAD_MAX);
    return CLI_OK;
}

static int
connect_accountd(struct accounts *accounts)
{
    struct cli *cli = accounts->cli;

    /* /run is empty after the machine's start: accountd wants its directory, master takes it over
     */
    (void)mkdir(cli->inst.run, 0711); /* mostly it is there, and open tells the rest */
    accounts->run_dirfd = open(cli->inst.run, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (accounts->run_dirfd < 0)
        return cli_fail(cli, "%s: %s", cli->inst.run, strerror(errno));
    accounts->client = ipc_client_new(accounts->run_dirfd, ACCOUNTD_SOCKET, ACCOUNTD_PAYLOAD_MAX);
    if (ipc_client_connect(accounts->client, CONNECT_MS) == 0)
        return CLI_OK;
    ipc_client_free(&accounts->client);
    if (errno == ENOENT || errno == ECONNREFUSED)
        return start_accountd(accounts);
    return cli_fail(cli, "%s/%s: %s%s", cli->inst.run, ACCOUNTD_SOCKET, strerror(errno),
                    errno == EACCES ? "; run this as root or as the suite's owner" : "");
}

struct accounts *
accounts_open(struct cli *cli)
{
    struct accounts *accounts;

    if (!cli_needs_instance(cli))
        return NULL;
    accounts = xcalloc(1, sizeof(*accounts));
    accounts->cli = cli;
    accounts->run_dirfd = -1;
    if (cli->remote == NULL && connect_accountd(accounts) != CLI_OK)
        accounts_close(&accounts);
    return accounts;
}

void
accounts_close(struct accounts **accountsp)
{
    struct accounts *accounts = *accountsp;

    if (accounts == NULL)
        return;
    ipc_client_free(&accounts->client); /* an accountd of our own ends by that */
    while (accounts->child > 0 && waitpid(accounts->child, NULL, 0) < 0 && errno == EINTR)
        continue;
    if (accounts->run_dirfd >= 0)
        (void)close(accounts->run_dirfd);
    xfree(accountsp);
}

/* ---- one operation ---- */

static int
call_here(struct accounts *accounts, const struct accountd_admin *request,
          struct accountd_admin_reply *reply)
{
    struct strbuf frame = strbuf_new(ACCOUNTD_REQUEST_MAX + FRAME_HEADER);
    struct ipc_reply answer = {.fd = -1};
    bool patient = slice_eq(request->verb, SLICE("import-commit")) ||
                   slice_eq(request->verb, SLICE("recount"));
    int timeout_ms = patient ? PATIENT_MS : ANSWER_MS, rc = -1;

    if (accountd_admin_encode(&frame, request) < 0)
        errno = E2BIG;
    else
        rc = ipc_client_call(accounts->client, &frame, -1, timeout_ms, &answer);
    if (rc == 0 && (answer.type != ACCOUNTD_ADMIN_REPLY ||
                    accountd_admin_reply_decode(answer.payload, reply) < 0)) {
        errno = EPROTO;
        rc = -1;
    }
    if (frame.ptr != NULL)
        mem_wipe(frame.ptr, frame.cap); /* a password record may have been in it */
    strbuf_free(&frame);
    if (rc == 0)
        return CLI_OK;
    if (accounts->child > 0) /* it has said itself what is wrong */
        return cli_fail(accounts->cli, "accountd gave no answer: %s", strerror(errno));
    if (geteuid() != 0 && (errno == EPIPE || errno == ECONNRESET))
        return cli_fail(accounts->cli, "accountd gave no answer: it serves root and the user who "
                                       "started it");
    return cli_fail(accounts->cli,
                    "accountd gave no answer: %s; 'posthorn status' shows whether it runs",
                    strerror(errno));
}

int
accounts_call(struct accounts *accounts, const struct accountd_admin *request,
              struct accountd_admin_reply *reply)
{
    return accounts->cli->remote != NULL ? remote_ask(accounts->cli, request, reply)
                                         : call_here(accounts, request, reply);
}

int
accounts_do(struct accounts *accounts, const struct accountd_admin *request,
            struct accountd_admin_reply *reply)
{
    int rc;

    *reply = (struct accountd_admin_reply){0};
    rc = accounts_call(accounts, request, reply);
    if (rc != CLI_OK || reply->result == 0)
        return rc;
    return cli_fail(accounts->cli, "%.*s", (int)reply->text.len, reply->text.ptr);
}

static int
damaged(const struct accounts *accounts)
{
    return cli_fail(accounts->cli, "accountd's answer is damaged");
}

int
accounts_reply_object(struct accounts *accounts, struct accountd_admin_reply *reply,
                      struct object_field fields[OBJECT_FIELDS_MAX], uint32_t *count)
{
    int n = object_next(&reply->data, fields);

    *count = n > 0 ? (uint32_t)n : 0;
    return n > 0 ? CLI_OK : damaged(accounts);
}

int
accounts_object(struct accounts *accounts, const struct accountd_admin *request,
                struct object_field fields[OBJECT_FIELDS_MAX], uint32_t *count)
{
    struct accountd_admin_reply reply;
    int rc = accounts_do(accounts, request, &reply);

    return rc == CLI_OK ? accounts_reply_object(accounts, &reply, fields, count) : rc;
}

static int
list_page(struct accounts *accounts, const struct accountd_admin *request, struct strbuf *cursor,
          void (*each)(void *arg, const struct object_field *fields, uint32_t count), void *arg)
{
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct accountd_admin_reply reply;
    int count, rc = accounts_do(accounts, request, &reply);

    if (rc != CLI_OK)
        return rc;
    while ((count = object_next(&reply.data, fields)) > 0)
        each(arg, fields, (uint32_t)count);
    if (count < 0)
        return damaged(accounts);
    strbuf_clear(cursor);
    (void)strbuf_append(cursor, reply.cursor); /* the decoder's limit is the buffer's */
    return CLI_OK;
}

int
accounts_list(struct accounts *accounts, enum account_kind kind, const char *within,
              void (*each)(void *arg, const struct object_field *fields, uint32_t count), void *arg)
{
    return accounts_list_named(accounts, account_kind_name(kind), within, each, arg);
}

int
accounts_list_named(struct accounts *accounts, const char *kind, const char *within,
                    void (*each)(void *arg, const struct object_field *fields, uint32_t count),
                    void *arg)
{
    const struct accounts_selection all = {kind, within, UINT64_MAX};

    return accounts_list_selected(accounts, &all, each, arg);
}

/* Counts what it passes on. */
struct counting {
    void (*each)(void *arg, const struct object_field *fields, uint32_t count);
    void *arg;
    uint64_t seen;
};

static void
count_one(void *arg, const struct object_field *fields, uint32_t count)
{
    struct counting *counting = arg;

    counting->seen++;
    counting->each(counting->arg, fields, count);
}

int
accounts_list_selected(struct accounts *accounts, const struct accounts_selection *selection,
                       void (*each)(void *arg, const struct object_field *fields, uint32_t count),
                       void *arg)
{
    struct counting counting = {each, arg, 0};
    const struct object_field field = {SLICE("within"), slice_of(selection->within)};
    struct strbuf cursor = strbuf_new(4096);
    int rc;

    do {
        const struct accountd_admin request = {.verb = SLICE("list"),
                                               .kind = slice_of(selection->kind),
                                               .cursor = strbuf_slice(&cursor),
                                               .fields = &field,
                                               .field_count = 1};

        rc = list_page(accounts, &request, &cursor, count_one, &counting);
    } while (rc == CLI_OK && cursor.len > 0 && counting.seen < selection->enough);
    strbuf_free(&cursor);
    return rc;
}
