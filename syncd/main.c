/*
 * syncd/main.c - start-up of syncd: keeps users and groups of domains as directories elsewhere have
 * them (DIR-62).
 *
 * This process reads nothing from the network. Of its children one reads a directory, and can open
 * no path and reach accountd no more than anybody; the other has accountd make the changes, and can
 * reach nobody else.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/remote/dial_conf.h"
#include "syncd/run.h"
#include "syncd/service.h"

static _Noreturn void
refuse(const char *setting, const struct strbuf *error)
{
    (void)fprintf(stderr, "syncd: %s: %s\n", setting, strbuf_cstr(error));
    exit(EX_CONFIG);
}

/* The authorities and the accounts of authd's external methods: they are the same directories. */
static struct fetch_options
load_fetch(const struct daemon *d, struct outside_accounts *accounts)
{
    struct secret_place place = secret_place_new(d->conf, &d->inst, AUTH_OUTSIDE_ACCOUNTS);
    char *ca = instance_etc_path(&d->inst, conf_str(d->conf, AUTH_EXTERNAL_CA));
    struct strbuf error = strbuf_new(4096);
    struct fetch_options options = {.dial = dial_options_of(d->conf),
                                    .authorities = tls_client_context(ca, &error),
                                    .accounts = accounts,
                                    .timeout_ms = (int64_t)conf_u64(d->conf, SYNC_TIMEOUT)};

    if (options.authorities == NULL)
        refuse("auth.external_ca", &error);
    if (place.path != NULL && outside_accounts_read(accounts, &place, &error) < 0)
        refuse("auth.outside_accounts", &error);
    strbuf_free(&error);
    free(ca);
    secret_place_free(&place);
    return options;
}

/* The children's sockets are named from the current directory, which is run/, where we also are if
 * there is no right to chroot. */
static void
enter_sandbox(struct daemon *d, struct sandbox *fetcher, struct sandbox *changer)
{
    struct sandbox box = daemon_sandbox_base(d, USERS_SYNC);

    *fetcher = box;
    fetcher->calls = SANDBOX_INTERNET | SANDBOX_CONNECT_UNIX;
    fetcher->uid = (uid_t)-1; /* the parent's user already */
    *changer = box;
    changer->calls = SANDBOX_CONNECT_UNIX;
    changer->uid = (uid_t)-1;
    if (fchdir(d->run_dirfd) < 0) {
        (void)fprintf(stderr, "syncd: %s: %s\n", d->inst.run, strerror(errno));
        exit(EX_OSERR);
    }
    box.chroot_fd = d->is_root ? d->run_dirfd : -1;
    box.calls = SANDBOX_ACCEPT | SANDBOX_INTERNET | SANDBOX_CONNECT_UNIX | SANDBOX_FORK |
                SANDBOX_RESTRICT; /* what the children need, and to confine them */
    daemon_sandbox(d, &box);
}

int
main(int argc, char **argv)
{
    struct outside_accounts accounts = {.count = 0};
    struct service_options options;
    struct sandbox fetcher, changer;
    struct service *service;
    struct daemon d;

    daemon_init(&d, "syncd", argc, argv); /* options, log, config; exits on error */
    options = (struct service_options){
        .fetcher = {.daemon = &d, .box = &fetcher, .reply_max = FETCH_REPLY_MAX},
        .changer = {.daemon = &d,
                    .box = &changer,
                    .reply_max = SYNC_REPLY_MAX + SYNC_TEXT_MAX + 65536},
        .fetch = load_fetch(&d, &accounts), /* last use of a path */
    };
    enter_sandbox(&d, &fetcher, &changer); /* user, Landlock, seccomp: no way back */
    service = service_start(&d, &options);
    daemon_ready(&d); /* master counts us as started from here on */
    daemon_run(&d);   /* until SIGTERM, or until master is gone */
    service_stop(&service);
    return daemon_exit_status(&d);
}
