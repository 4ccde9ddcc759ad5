/*
 * keyd/main.c - start-up of keyd: the only program that holds private keys.
 *
 * TLS keys are in processes of their own, which sign handshakes and nothing else. Of DKIM's keys
 * the holder signs digests and reads no message; the readers read messages and have no key. They
 * are forked before the keys are read.
 */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "keyd/reader.h"
#include "keyd/service.h"
#include "keyd/tls_expiry.h"
#include "keyd/tls_signer.h"
#include "lib/auth/digest.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

enum { FILES_MAX = 8192 }; /* clients, and the messages that wait */

/* RFC 5322 section 3.6.8: printable, and no colon; a semicolon would end the "h=" tag. */
static bool
is_field_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] <= 32 || name.ptr[i] >= 127 || name.ptr[i] == ':' || name.ptr[i] == ';')
            return false;
    return name.len > 0;
}

static struct slice *
list_of(const struct conf *conf, enum conf_id id, size_t *count)
{
    struct slice *list;

    *count = conf_list_count(conf, id);
    list = xcalloc(*count + 1, sizeof(*list));
    for (size_t i = 0; i < *count; i++) {
        list[i] = slice_of(conf_list_item(conf, id, i));
        if (!is_field_name(list[i]))
            errx(EX_CONFIG, "dkim.%s: not the name of a header field: %s", conf_settings[id].name,
                 list[i].ptr);
    }
    return list;
}

/* Without it there is no signature (RFC 6376 section 5.4). */
static void
check_from(const struct slice *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq_nocase(names[i], SLICE("From")))
            return;
    errx(EX_CONFIG, "dkim.headers: From must be among them");
}

static unsigned
reader_width(const struct conf *conf)
{
    uint64_t width = conf_u64(conf, DKIM_READERS);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    if (width == 0)
        width = processors > 0 ? (uint64_t)processors : 1;
    return width > KEEPER_WORKERS_MAX ? KEEPER_WORKERS_MAX : (unsigned)width;
}

/* RFC 8617 section 4.1.2: the DKIM signatures of others are covered; results and other sets are
 * not, since they may be taken out. */
static struct slice *
seal_names(const struct dkim_header_list *list, size_t *count)
{
    struct slice *names = xcalloc(list->count + 1, sizeof(*names));

    *count = 0;
    for (size_t i = 0; i < list->count; i++)
        if (!slice_starts_nocase(list->names[i], SLICE("ARC-")) &&
            !slice_eq_nocase(list->names[i], SLICE("Authentication-Results")) &&
            !slice_eq_nocase(list->names[i], SLICE("DKIM-Signature")))
            names[(*count)++] = list->names[i];
    names[(*count)++] = SLICE("DKIM-Signature");
    return names;
}

static unsigned
start_readers(const struct daemon *d, int fds[KEEPER_WORKERS_MAX])
{
    struct reader_plan plan = {
        .own_domain_only = conf_bool(d->conf, DKIM_OWN_DOMAIN_ONLY),
        .width = reader_width(d->conf),
    };
    struct slice *names = list_of(d->conf, DKIM_HEADERS, &plan.list.count);
    struct slice *oversigned = list_of(d->conf, DKIM_OVERSIGN, &plan.list.oversigned_count);
    struct slice *sealed;

    check_from(names, plan.list.count);
    plan.list.names = names;
    plan.list.oversigned = oversigned;
    plan.seal_list = plan.list;
    sealed = seal_names(&plan.list, &plan.seal_list.count);
    plan.seal_list.names = sealed;
    digest_init();
    readers_start(d, &plan, fds);
    free(names);
    free(oversigned);
    free(sealed);
    return plan.width;
}

/* What is wrong with the keys is in the log; the others sign. */
static struct keys *
load_keys(const struct daemon *d)
{
    char *path = xasprintf("%s/" DKIM_DIR, d->inst.etc);
    struct strbuf errors = strbuf_new(4096);
    int dirfd = daemon_open_optional_dir(path);
    struct keys *keys = keys_new(dirfd);

    if (keys_load(keys, &errors) < 0)
        log_event(LOG_WARN, "no_key_directory", KV_STR("path", path), KV_ERRNO());
    else
        log_event(LOG_INFO, "keys_loaded", KV_U64("domains", keys_count(keys)));
    strbuf_free(&errors);
    free(path);
    return keys;
}

/* The directory of keys is all that can be opened, for `posthorn dkim` to have them read again. */
static void
enter_sandbox(struct daemon *d, const struct keys *keys)
{
    struct sandbox box = daemon_sandbox_base(d, USERS_KEY);

    box.calls = SANDBOX_FILES | SANDBOX_ACCEPT | SANDBOX_SEND_FDS;
    box.files_max = FILES_MAX;
    if (keys_dirfd(keys) >= 0)
        box.dirs[box.dir_count++] = (struct sandbox_dir){keys_dirfd(keys), SANDBOX_READ};
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
    int readers[KEEPER_WORKERS_MAX];
    unsigned width;
    struct tls_signers *tls;
    struct tls_expiry *expiry;
    struct keys *keys;
    struct signer *signer;
    struct service *service;

    daemon_init(&d, "keyd", argc, argv); /* options, log, config; exits on error */
    tls = tls_signers_start(&d);         /* it opens the key files, they read them */
    width = start_readers(&d, readers);  /* before there are secrets in memory */
    expiry = tls_expiry_watch(&d);
    keys = load_keys(&d); /* last use of a path */
    signer = signer_new(d.loop, readers, width, keys, conf_bool(d.conf, DKIM_OWN_DOMAIN_ONLY));
    service = service_listen(&d, signer, keys);
    enter_sandbox(&d, keys); /* user, Landlock, seccomp: no way back */
    tls_signers_watch(tls, d.loop);
    daemon_ready(&d); /* master counts us as started from here on */
    daemon_run(&d);   /* until SIGTERM, or until master is gone */
    service_close(&service);
    signer_free(&signer);
    keys_free(&keys);
    tls_signers_free(&tls);
    tls_expiry_free(&expiry);
    return daemon_exit_status(&d);
}
