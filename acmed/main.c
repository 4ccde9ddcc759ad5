/*
 * acmed/main.c - start-up of acmed: certificates by ACME (RFC 8555, RFC 8737, RFC 9773).
 *
 * This process and its clerks have db/acme, where the account's key is, and read nothing from the
 * network; what does (the children of the clerks, the responder) can open no path. The keys of the
 * certificates are nobody's here.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "acmed/responder.h"
#include "acmed/service.h"
#include "lib/auth/digest.h"
#include "lib/auth/jwk.h"
#include "lib/conf/secret_file.h"
#include "lib/remote/dial_conf.h"

#define PLACE "acme" /* below db/ */

/* Made at the first start. */
/* Nobody is asked anything while there is no directory. */
static struct tls_context *
load_authorities(const struct daemon *d)
{
    const char *name = conf_str(d->conf, ACME_VERIFY_CA);
    char *path =
        instance_etc_path(&d->inst, name[0] != '\0' ? name : conf_str(d->conf, REMOTE_VERIFY_CA));
    struct strbuf error = strbuf_new(1024);
    struct tls_context *ctx = NULL;

    if (conf_str(d->conf, ACME_DIRECTORY_URL)[0] != '\0') {
        ctx = tls_client_context(path, &error);
        if (ctx == NULL)
            errx(EX_CONFIG, "acme.verify_ca: %s", strbuf_cstr(&error));
    }
    strbuf_free(&error);
    free(path);
    return ctx;
}

/* As the authority gave it: base64url, perhaps padded, perhaps with a newline. */
static struct strbuf
load_binding_key(const struct daemon *d)
{
    struct secret_place place = secret_place_new(d->conf, &d->inst, ACME_BINDING_KEY);
    struct strbuf key = strbuf_new(SECRET_FILE_MAX), text = strbuf_new(SECRET_FILE_MAX);
    struct strbuf error = strbuf_new(4096);
    struct slice trimmed;

    if (place.path != NULL) {
        if (secret_file_open(&place, &text, &error) < 0)
            errx(EX_CONFIG, "acme.binding_key: %s", strbuf_cstr(&error));
        trimmed = slice_trim(strbuf_slice(&text));
        while (trimmed.len > 0 && trimmed.ptr[trimmed.len - 1] == '=')
            trimmed.len--;
        if (trimmed.len == 0 || jwk_base64url(trimmed, &key) < 0)
            errx(EX_CONFIG, "acme.binding_key: %s: expected a key in base64url", place.path);
    }
    secret_wipe(&text);
    strbuf_free(&error);
    secret_place_free(&place);
    return key;
}

/* When the configuration that we were given was loaded, and with it all certificates. */
static int64_t
loaded_ms(void)
{
    const char *path = getenv("POSTHORN_CONF");
    struct stat st;

    if (path == NULL || stat(path, &st) < 0)
        return INT64_MAX; /* started by hand: there is nobody to ask for a reload */
    return (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
}

/* The children's sockets are named from the current directory, which is run/, where we also are if
 * there is no right to chroot. */
static void
enter_sandbox(struct daemon *d, struct sandbox *child_box, int dirfd)
{
    struct sandbox box = daemon_sandbox_base(d, USERS_ACME);

    *child_box = box;
    child_box->calls = SANDBOX_INTERNET | SANDBOX_CONNECT_UNIX;
    child_box->uid = (uid_t)-1; /* the parent's user already */
    if (fchdir(d->run_dirfd) < 0)
        err(EX_OSERR, "%s", d->inst.run);
    box.chroot_fd = d->is_root ? d->run_dirfd : -1;
    box.dirs[box.dir_count++] = (struct sandbox_dir){dirfd, SANDBOX_READ | SANDBOX_WRITE};
    box.calls = SANDBOX_FILES | SANDBOX_ACCEPT | SANDBOX_INTERNET | SANDBOX_CONNECT_UNIX |
                SANDBOX_FORK | SANDBOX_RESTRICT; /* what the children need, and to confine them */
    daemon_sandbox(d, &box);
}

int
main(int argc, char **argv)
{
    struct clerk_options options;
    struct managed_list *list;
    struct sandbox child_box;
    struct service *service;
    struct strbuf binding;
    struct daemon d;
    int64_t loaded;
    int dirfd, responder_fd;
    pid_t responder;

    daemon_init(&d, "acmed", argc, argv); /* options, log, config; exits on error */
    (void)umask(
        0022); /* certificates are for everybody; the rest says otherwise, in a closed directory */
    digest_init();
    loaded = loaded_ms();
    responder_fd = responder_start(&d, &responder); /* it inherits no secret: none is read yet */
    binding = load_binding_key(&d);
    list = managed_read(&d);
    options = (struct clerk_options){
        .daemon = &d,
        .ask = {.child = {.daemon = &d, .box = &child_box},
                .web = dial_options_of(d.conf),
                .authorities = load_authorities(&d),
                .binding_key = &binding},
        .account = {.conf = d.conf, .binding_key = strbuf_slice(&binding)},
        .order = {.directory = conf_str(d.conf, ACME_DIRECTORY_URL),
                  .challenge = conf_str(d.conf, ACME_CHALLENGE_TYPE),
                  .responder_fd = responder_fd},
    };
    dirfd = daemon_own_dir(&d, PLACE, USERS_ACME); /* last use of a path */
    enter_sandbox(&d, &child_box, dirfd);          /* user, Landlock, seccomp: no way back */
    options.account.dirfd = options.order.dirfd = dirfd;
    managed_parse(list, dirfd);
    service = service_start(&options, list, loaded, responder);
    daemon_ready(&d); /* master counts us as started from here on */
    daemon_run(&d);   /* until SIGTERM, or until master is gone */
    service_stop(&service);
    managed_free(&list);
    tls_context_free(&options.ask.authorities);
    secret_wipe(&binding);
    return daemon_exit_status(&d);
}
