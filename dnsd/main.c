/*
 * dnsd/main.c - start-up of dnsd: the one resolver of the suite.
 */
#include <unistd.h>

#include "dnsd/question.h"
#include "dnsd/resolver.h"
#include "dnsd/service.h"
#include "lib/sys/daemon.h"

/* Answers come from anywhere: no path is left, and no socket but those to DNS servers. */
static void
enter_sandbox(struct daemon *d)
{
    struct sandbox box = daemon_sandbox_base(d, USERS_DNS);

    box.calls = SANDBOX_INTERNET | SANDBOX_ACCEPT;
    if (d->is_root) /* without it the sandbox says why it cannot be entered */
        box.chroot_fd = daemon_empty_dir(d);
    (void)close(d->run_dirfd); /* it would lead out of there */
    d->run_dirfd = -1;
    daemon_sandbox(d, &box);
}

int
main(int argc, char **argv)
{
    struct daemon d;
    struct resolver *resolver;
    struct questions *questions;
    struct service *service;

    daemon_init(&d, "dnsd", argc, argv);     /* options, log, config; exits on error */
    resolver = resolver_new(d.loop, d.conf); /* root hints, trust anchors: last use of a path */
    questions = questions_new(d.loop, resolver, (unsigned)conf_u64(d.conf, DNS_QUERIES_MAX),
                              (int64_t)conf_u64(d.conf, DNS_TIMEOUT));
    service = service_listen(&d, questions);
    enter_sandbox(&d); /* user, Landlock, seccomp: no way back */
    daemon_ready(&d);  /* master counts us as started from here on */
    daemon_run(&d);    /* until SIGTERM, or until master is gone */
    resolver_free(&resolver);
    questions_free(&questions);
    service_close(&service);
    return daemon_exit_status(&d);
}
