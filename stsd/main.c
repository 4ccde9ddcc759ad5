/*
 * stsd/main.c - start-up of stsd: fetches MTA-STS policies and keeps them (RFC 8461).
 *
 * This process has the directory of the policies and reads nothing from the network; its children
 * read from the network and can open no path.
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
#include "stsd/service.h"

#define DIRECTORY "mta-sts" /* below db/ */

static _Noreturn void
give_up(const char *what, int status)
{
    (void)fprintf(stderr, "stsd: %s: %s\n", what, strerror(errno));
    exit(status);
}

/* Made at the first start. */
static int
open_directory(const struct daemon *d)
{
    int db_fd = daemon_open_dir(d, d->inst.db, false), fd;

    if (mkdirat(db_fd, DIRECTORY, 0700) < 0 && errno != EEXIST)
        give_up(DIRECTORY, EX_CANTCREAT);
    fd = openat(db_fd, DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || (d->is_root &&
                   fchown(fd, daemon_role_uid(d, USERS_OUT), daemon_role_gid(d, USERS_OUT)) < 0))
        give_up(DIRECTORY, EX_NOINPUT);
    (void)close(db_fd);
    return fd;
}

static struct tls_context *
load_authorities(const struct daemon *d)
{
    const char *name = conf_str(d->conf, REMOTE_VERIFY_CA);
    char *path = name[0] == '/' ? xstrdup(name) : xasprintf("%s/%s", d->inst.etc, name);
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

static struct fetch_options
load_options(const struct daemon *d, const struct sandbox *child_box)
{
    const char *protocols = conf_str(d->conf, REMOTE_PROTOCOLS);

    return (struct fetch_options){
        .daemon = d,
        .box = child_box,
        .authorities = load_authorities(d),
        .port = (uint16_t)conf_u64(d->conf, REMOTE_MTA_STS_PORT),
        .use_ipv4 = strcmp(protocols, "ipv6") != 0,
        .use_ipv6 = strcmp(protocols, "ipv4") != 0,
    };
}

/* The children's sockets are named from the current directory, which is run/, where we also are if
 * there is no right to chroot. */
static void
enter_sandbox(struct daemon *d, struct sandbox *child_box, int dirfd)
{
    struct sandbox box = daemon_sandbox_base(d, USERS_OUT);

    *child_box = box;
    child_box->calls = SANDBOX_INTERNET | SANDBOX_CONNECT_UNIX;
    child_box->uid = (uid_t)-1; /* the parent's user already */
    if (fchdir(d->run_dirfd) < 0)
        give_up(d->inst.run, EX_OSERR);
    box.chroot_fd = d->is_root ? d->run_dirfd : -1;
    box.dirs[box.dir_count++] = (struct sandbox_dir){dirfd, SANDBOX_READ | SANDBOX_WRITE};
    box.calls = SANDBOX_FILES | SANDBOX_ACCEPT | SANDBOX_INTERNET | SANDBOX_CONNECT_UNIX |
                SANDBOX_FORK | SANDBOX_RESTRICT; /* what the children need, and to confine them */
    daemon_sandbox(d, &box);
}

int
main(int argc, char **argv)
{
    struct fetch_options options;
    struct sandbox child_box;
    struct service *service;
    struct cache *cache;
    struct daemon d;
    int dirfd;

    daemon_init(&d, "stsd", argc, argv);    /* options, log, config; exits on error */
    options = load_options(&d, &child_box); /* the authorities */
    dirfd = open_directory(&d);             /* last use of a path */
    enter_sandbox(&d, &child_box, dirfd);   /* user, Landlock, seccomp: no way back */
    cache = cache_open(dirfd);
    service = service_start(&d, cache, &options);
    daemon_ready(&d); /* master counts us as started from here on */
    daemon_run(&d);   /* until SIGTERM, or until master is gone */
    service_stop(&service);
    cache_close(&cache);
    return daemon_exit_status(&d);
}
