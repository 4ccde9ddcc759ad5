/*
 * authd/external_workers.c - the processes that ask others whether a password is right.
 *
 * A worker has one question at a time and one deadline for it; a signal ends it when even that does
 * not help (a module of PAM that hangs), and the keeper starts another. What a directory or a mail
 * server says is untrusted: who talks to them can open no file. Modules of PAM do open files, so
 * their workers are other processes, which talk to nobody but the modules.
 */
#include "authd/external_workers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sysexits.h>
#include <unistd.h>

#include "authd/ldap_bind.h"
#include "authd/mail_login.h"
#include "authd/pam_check.h"
#include "authd/token_check.h"
#include "lib/auth/hash_job.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/ipc/client.h"
#include "lib/log/log.h"
#include "lib/remote/dial.h"
#include "lib/remote/dial_conf.h"

enum {
    MEMORY_MAX = 512 << 20, /* address space */
    READ_MAX = 16384,
    GRACE_MS = 1000 /* behind the deadline the worker ends */
};

struct setup {
    struct tls_context *authorities;
    struct dial_options dial;
    struct outside_accounts accounts;
    struct key_files files; /* of issuers */
    int64_t timeout_ms;
    int run_dirfd;
    enum password_verdict (*check)(struct setup *setup, const struct external_method *method,
                                   struct slice name, struct slice password, const char **trouble);
};

/* ---- a question ---- */

static enum password_verdict
check_by_network(struct setup *setup, const struct external_method *method, struct slice name,
                 struct slice password, const char **trouble)
{
    struct ipc_client *dns = ipc_client_new(setup->run_dirfd, DNSD_SOCKET, DNSD_PAYLOAD_MAX);
    char *host = xslicedup(method->host);
    struct talk talk = {.authorities = setup->authorities,
                        .host = host,
                        .deadline_mono_ms = clock_mono_ms() + setup->timeout_ms};
    struct dial_options dial = setup->dial;
    enum password_verdict verdict = PASSWORD_NO_MEMORY;
    int fd;

    dial.port = method->port;
    fd = dial_host(&dial, dns, host, talk.deadline_mono_ms, &talk.trouble);
    if (fd >= 0) {
        talk.stream = stream_new(fd, READ_MAX);
        verdict =
            method->kind == EXTERNAL_LDAP
                ? ldap_bind_check(&talk, method, outside_accounts_find(&setup->accounts, host),
                                  name, password)
                : mail_login_check(&talk, method, name, password);
        stream_free(&talk.stream);
    }
    *trouble = talk.trouble;
    ipc_client_free(&dns);
    free(host);
    return verdict;
}

static enum password_verdict
check_by_pam(struct setup *setup, const struct external_method *method, struct slice name,
             struct slice password, const char **trouble)
{
    (void)setup;
    return pam_check(method->host, name, password, trouble);
}

static uint8_t
check_token(struct setup *setup, struct slice record)
{
    struct ipc_client *dns = ipc_client_new(setup->run_dirfd, DNSD_SOCKET, DNSD_PAYLOAD_MAX);
    struct slice rest = slice_sub(record, sizeof(EXTERNAL_TOKEN) - 1, record.len);
    struct slice issuer = slice_split(&rest, '\0');
    struct token_check t = {.authorities = setup->authorities,
                            .dial = &setup->dial,
                            .dns = dns,
                            .accounts = &setup->accounts,
                            .files = &setup->files,
                            .deadline_mono_ms = clock_mono_ms() + setup->timeout_ms};
    enum password_verdict verdict;

    t.oauth = (struct accountd_oauth){.issuer = issuer};
    t.oauth.audience = slice_split(&rest, '\0');
    t.oauth.claim = slice_split(&rest, '\0');
    t.oauth.keys = slice_split(&rest, '\0');
    t.oauth.introspection = slice_split(&rest, '\0');
    t.user = slice_split(&rest, '\0');
    t.token = rest;
    verdict = token_check(&t);
    if (verdict != PASSWORD_RIGHT)
        log_event(verdict == PASSWORD_WRONG ? LOG_INFO : LOG_WARN,
                  verdict == PASSWORD_WRONG ? "token_bad" : "external_trouble",
                  KV_SLICE("method", issuer), KV_SLICE("user", t.user), KV_STR("reason", t.why));
    ipc_client_free(&dns);
    log_flush();
    return (uint8_t)verdict;
}

static uint8_t
check(struct setup *setup, const struct hash_request *request)
{
    struct slice user = request->record, text = slice_split(&user, '\0');
    struct strbuf name = strbuf_new(EXTERNAL_NAME_MAX);
    enum password_verdict verdict = PASSWORD_NO_MEMORY;
    const char *trouble = "the method is not one of ours";
    struct external_method method;

    if (slice_starts(request->record, SLICE(EXTERNAL_TOKEN)))
        return check_token(setup, request->record);
    if (external_parse(text, &method) == NULL) {
        if (method.kind == EXTERNAL_PAM)
            method.name = SLICE("%n");
        trouble = "the name is too long";
        if (request->password.len ==
            0) /* a bind without one is anonymous (RFC 4513 section 5.1.2) */
            verdict = PASSWORD_WRONG;
        else if (external_name(&method, user, &name) == 0)
            verdict =
                setup->check(setup, &method, strbuf_slice(&name), request->password, &trouble);
    }
    if (verdict == PASSWORD_NO_MEMORY)
        log_event(LOG_WARN, "external_trouble", KV_SLICE("method", text), KV_SLICE("user", user),
                  KV_STR("reason", trouble));
    log_flush();
    strbuf_free(&name);
    return (uint8_t)verdict;
}

/* SIGALRM, which nobody catches. */
static void
limit_job(int64_t ms)
{
    const struct itimerval limit = {
        .it_value = {.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000}};

    (void)setitimer(ITIMER_REAL, &limit, NULL); /* cannot fail with these arguments */
}

static void
work(void *arg, int fd)
{
    struct setup *setup = arg;
    char packet[HASH_PACKET_MAX];

    for (;;) {
        struct hash_answer answer = {.type = HASH_ANSWER};
        struct strbuf out = strbuf_new(HASH_PACKET_MAX);
        struct hash_request request;
        ssize_t len = recv(fd, packet, sizeof(packet), 0);

        if (len < 0 && errno == EINTR)
            continue;
        if (len <= 0 || hash_request_decode(slice_make(packet, (size_t)len), &request) < 0)
            _exit(len == 0 ? EX_OK : EX_PROTOCOL);
        limit_job(setup->timeout_ms + GRACE_MS);
        answer.id = request.id;
        answer.verdict = check(setup, &request);
        limit_job(0);
        mem_wipe(packet, (size_t)len);
        if (hash_answer_encode(&out, &answer) < 0 || send(fd, out.ptr, out.len, MSG_NOSIGNAL) < 0)
            _exit(EX_OSERR); /* the front is gone, or the keeper will tell it */
        strbuf_free(&out);
    }
}

/* ---- start ---- */

static void
start(const struct daemon *d, struct keeper_plan *plan, struct setup *setup,
      int fds[KEEPER_WORKERS_MAX])
{
    struct strbuf lost = strbuf_new(HASH_PACKET_MAX);
    const struct hash_answer answer = {.type = HASH_LOST};

    setup->timeout_ms = (int64_t)conf_u64(d->conf, AUTH_EXTERNAL_TIMEOUT);
    assert_always(hash_answer_encode(&lost, &answer) == 0);
    plan->lost = strbuf_slice(&lost);
    plan->work = work;
    plan->arg = setup;
    plan->box.memory_max = MEMORY_MAX;
    keeper_start(d, plan, fds);
    strbuf_free(&lost);
}

static _Noreturn void
refuse(const char *setting, const struct strbuf *error)
{
    (void)fprintf(stderr, "authd: %s: %s\n", setting, strbuf_cstr(error));
    exit(EX_CONFIG);
}

void
external_workers_start(const struct daemon *d, unsigned width, int fds[KEEPER_WORKERS_MAX])
{
    char *ca = instance_etc_path(&d->inst, conf_str(d->conf, AUTH_EXTERNAL_CA));
    struct secret_place accounts = secret_place_new(d->conf, &d->inst, AUTH_OUTSIDE_ACCOUNTS);
    struct strbuf error = strbuf_new(4096);
    struct setup setup = {
        .dial = dial_options_of(d->conf), .run_dirfd = d->run_dirfd, .check = check_by_network};
    struct keeper_plan plan = {
        .keeper_role = "external keeper",
        .worker_role = "external worker",
        .box = daemon_sandbox_base(d, USERS_AUTH),
        .width = width,
        .keep = &d->run_dirfd,
        .keep_count = 1,
    };

    setup.authorities = tls_client_context(ca, &error);
    if (setup.authorities == NULL)
        refuse("auth.external_ca", &error);
    if (accounts.path != NULL && outside_accounts_read(&setup.accounts, &accounts, &error) < 0)
        refuse("auth.outside_accounts", &error);
    if (key_files_read(&setup.files, d->inst.etc, &error) < 0)
        refuse("etc/oauth", &error);
    plan.box.calls = SANDBOX_INTERNET | SANDBOX_CONNECT_UNIX;
    start(d, &plan, &setup, fds);
    for (size_t i = 0; i < setup.accounts.count; i++) { /* the front does not need them */
        struct outside_account *account = &setup.accounts.list[i];

        mem_wipe(account->password, strlen(account->password));
        free(account->host);
        free(account->name);
        free(account->password);
    }
    key_files_free(&setup.files);
    tls_context_free(&setup.authorities);
    strbuf_free(&error);
    free(ca);
    secret_place_free(&accounts);
}

/* Where modules, their configuration and their data lie; all of it read-only. */
static void
open_places_of_pam(struct sandbox *box)
{
    static const char *const places[] = {"/etc", "/lib", "/lib64", "/usr", "/var", "/run"};

    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        int fd = open(places[i], O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (fd >= 0)
            box->dirs[box->dir_count++] = (struct sandbox_dir){fd, SANDBOX_READ};
    }
}

void
pam_workers_start(const struct daemon *d, unsigned width, int fds[KEEPER_WORKERS_MAX])
{
    struct setup setup = {.check = check_by_pam};
    int places[SANDBOX_DIRS_MAX];
    struct keeper_plan plan = {
        .keeper_role = "pam keeper",
        .worker_role = "pam worker",
        .box = daemon_sandbox_base(d, USERS_AUTH),
        .width = width,
    };

    if (strcmp(conf_str(d->conf, AUTH_PAM), "root") == 0) { /* without any capability */
        plan.box.uid = (uid_t)-1;
        plan.box.gid = (gid_t)-1;
    }
    open_places_of_pam(&plan.box);
    for (size_t i = 0; i < plan.box.dir_count; i++)
        places[i] = plan.box.dirs[i].fd;
    plan.keep = places;
    plan.keep_count = plan.box.dir_count;
    plan.box.calls = SANDBOX_FILES | SANDBOX_MODULES | SANDBOX_CONNECT_UNIX | SANDBOX_INTERNET;
    start(d, &plan, &setup, fds);
    for (size_t i = 0; i < plan.box.dir_count; i++)
        (void)close(plan.box.dirs[i].fd);
}
