/*
 * stsd/main.c - start-up of stsd: fetches MTA-STS policies and keeps them (RFC 8461), collects TLS
 * outcomes and reports them (RFC 8460).
 *
 * This process has the directories of the policies and the outcomes, can create files in the queue,
 * and reads nothing from the network; its children read from the network and can open no path.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/mail/address.h"
#include "lib/remote/dial_conf.h"
#include "stsd/service.h"

#define POLICIES "mta-sts" /* below db/ */
#define OUTCOMES "tls-outcomes"

enum { QUEUE_UMASK = 0002 };

static _Noreturn void
give_up(const char *what, int status)
{
    (void)fprintf(stderr, "stsd: %s: %s\n", what, strerror(errno));
    exit(status);
}

static struct outbox
open_outbox(const struct daemon *d)
{
    struct outbox outbox;

    if (outbox_open(&outbox, d->inst.queue) < 0)
        give_up(d->inst.queue, EX_NOINPUT);
    return outbox;
}

static struct tls_context *
load_authorities(const struct daemon *d)
{
    const char *name = conf_str(d->conf, REMOTE_VERIFY_CA);
    char *path = instance_etc_path(&d->inst, name);
    struct strbuf error = strbuf_new(1024);
    struct tls_context *ctx = tls_client_context(path, &error);

    if (ctx == NULL) {
        (void)fprintf(stderr, "remote.verify_ca: %s\n", strbuf_cstr(&error));
        exit(EX_CONFIG);
    }
    strbuf_free(&error);
    free(path);
    return ctx;
}

static struct tls_context *
any_certificate(void)
{
    struct strbuf error = strbuf_new(1024);
    struct tls_context *ctx = tls_client_context(NULL, &error);

    if (ctx == NULL) {
        (void)fprintf(stderr, "tls: %s\n", strbuf_cstr(&error));
        exit(EX_SOFTWARE);
    }
    strbuf_free(&error);
    return ctx;
}

static struct dial_options
load_web(const struct daemon *d)
{
    struct dial_options options = dial_options_of(d->conf);

    options.port = (uint16_t)conf_u64(d->conf, REMOTE_MTA_STS_PORT);
    options.may_be_address = false; /* the host comes from a domain's name */
    return options;
}

/* The address that reports name, and its domain (RFC 8460 section 5.3). */
static struct report_author
load_author(const struct daemon *d)
{
    const char *hostname = conf_str(d->conf, SYSTEM_HOSTNAME);
    const char *contact = conf_str(d->conf, TLSRPT_CONTACT);
    const char *organization = conf_str(d->conf, TLSRPT_ORGANIZATION);
    const char *address =
        contact[0] != '\0' ? xstrdup(contact) : xasprintf("postmaster@%s", hostname);
    struct address parsed;

    if (address_parse(slice_of(address), 0, &parsed) != ADDRESS_OK || parsed.is_literal) {
        (void)fprintf(stderr, "tlsrpt.contact: expected an address user@domain: %s\n", address);
        exit(EX_CONFIG);
    }
    return (struct report_author){
        .organization = organization[0] != '\0' ? organization : hostname,
        .contact = address,
        .submitter = strrchr(address, '@') + 1,
        .hostname = hostname,
    };
}

/* The children's sockets are named from the current directory, which is run/, where we also are if
 * there is no right to chroot. */
static void
enter_sandbox(struct daemon *d, struct sandbox *child_box, int policies_fd,
              const struct reporter_options *reports)
{
    struct sandbox box = daemon_sandbox_base(d, USERS_OUT);

    *child_box = box;
    child_box->calls = SANDBOX_INTERNET | SANDBOX_CONNECT_UNIX;
    child_box->uid = (uid_t)-1; /* the parent's user already */
    if (fchdir(d->run_dirfd) < 0)
        give_up(d->inst.run, EX_OSERR);
    box.chroot_fd = d->is_root ? d->run_dirfd : -1;
    box.dirs[box.dir_count++] = (struct sandbox_dir){policies_fd, SANDBOX_READ | SANDBOX_WRITE};
    box.dirs[box.dir_count++] = (struct sandbox_dir){reports->dirfd, SANDBOX_READ | SANDBOX_WRITE};
    box.dirs[box.dir_count++] = (struct sandbox_dir){reports->outbox.tmp_dirfd, SANDBOX_WRITE};
    box.dirs[box.dir_count++] = (struct sandbox_dir){reports->outbox.new_dirfd, SANDBOX_WRITE};
    box.calls = SANDBOX_FILES | SANDBOX_ACCEPT | SANDBOX_INTERNET | SANDBOX_CONNECT_UNIX |
                SANDBOX_FORK | SANDBOX_RESTRICT; /* what the children need, and to confine them */
    daemon_sandbox(d, &box);
}

int
main(int argc, char **argv)
{
    struct reporter_options reports;
    struct fetch_options fetches;
    struct sandbox child_box;
    struct reporter *reporter;
    struct service *service;
    struct cache *cache;
    struct daemon d;
    uid_t asking_uid;
    int dirfd;

    daemon_init(&d, "stsd", argc, argv); /* options, log, config; exits on error */
    (void)umask(QUEUE_UMASK);            /* queue-manager has its rights by the group */
    asking_uid = daemon_role_uid(&d, USERS_OUT);
    fetches = (struct fetch_options){
        .child = {&d, &child_box}, .web = load_web(&d), .authorities = load_authorities(&d)};
    reports = (struct reporter_options){
        .post = {.child = fetches.child, .web = fetches.web, .any = any_certificate()},
        .author = load_author(&d),
        .outbox = open_outbox(&d),
        .dirfd = daemon_own_dir(&d, OUTCOMES, USERS_OUT),
        .sends = conf_bool(d.conf, TLSRPT_SEND),
        .spread_ms = (int64_t)conf_u64(d.conf, TLSRPT_SPREAD),
    };
    dirfd = daemon_own_dir(&d, POLICIES, USERS_OUT); /* last use of a path */
    enter_sandbox(&d, &child_box, dirfd, &reports);  /* user, Landlock, seccomp: no way back */
    cache = cache_open(dirfd);
    reporter = reporter_new(d.loop, &reports);
    service = service_start(&d, cache, &fetches, reporter, asking_uid);
    daemon_ready(&d); /* master counts us as started from here on */
    daemon_run(&d);   /* until SIGTERM, or until master is gone */
    service_stop(&service);
    reporter_free(&reporter);
    cache_close(&cache);
    return daemon_exit_status(&d);
}
