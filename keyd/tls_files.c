/*
 * keyd/tls_files.c - opens the files of the TLS keys.
 *
 * Input: the settings and the directory etc/certs, the administrator's.
 */
#include "keyd/tls_files.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/tls_place.h"
#include "lib/log/log.h"
#include "lib/tls/key_id.h"

static void
add(struct tls_files *files, const struct tls_file *file)
{
    if (files->count == TLS_FILES_MAX) {
        log_event(LOG_ERROR, "tls_key_unusable", KV_STR("file", file->path),
                  KV_STR("reason", "too many keys"));
        free(file->path);
        close_keep_errno(file->fd);
        return;
    }
    files->items[files->count++] = *file;
}

/* Takes `key_path`. 0, or -1 with one line in `error`. */
static int
open_pair(struct tls_files *files, const char *certificate_path, char *key_path, bool required,
          struct strbuf *error)
{
    struct tls_file file = {.path = key_path, .fd = -1, .required = required};

    if (key_id_of_certificate(certificate_path, file.id, error) == 0) {
        file.fd = open(key_path, O_RDONLY | O_CLOEXEC);
        if (file.fd >= 0) {
            add(files, &file);
            return 0;
        }
        (void)strbuf_printf(error, "%s: %s", key_path, strerror(errno));
    }
    free(key_path);
    return -1;
}

static void
open_required(struct tls_files *files, const struct daemon *d)
{
    struct strbuf error = strbuf_new(1024);
    char *certificate = tls_place(d->conf, &d->inst, TLS_CERTIFICATE);

    if (open_pair(files, certificate, tls_place(d->conf, &d->inst, TLS_KEY), true, &error) < 0)
        errx(EX_CONFIG, "%s", strbuf_cstr(&error));
    free(certificate);
    strbuf_free(&error);
}

/* The pair that setup made: sessions of before may still begin with it. */
static void
open_default(struct tls_files *files, const struct daemon *d)
{
    struct strbuf error = strbuf_new(1024);
    char *certificate = xasprintf("%s/%s", d->inst.etc, conf_settings[TLS_CERTIFICATE].dflt);
    char *key = xasprintf("%s/%s", d->inst.etc, conf_settings[TLS_KEY].dflt);

    if (access(certificate, F_OK) == 0 && access(key, F_OK) == 0 &&
        strcmp(key, files->items[0].path) != 0)
        (void)open_pair(files, certificate, xstrdup(key), false, &error); /* it is not in use */
    free(certificate);
    free(key);
    strbuf_free(&error);
}

/* NAME.key, where NAME.crt is there too: a request has a key, but no certificate yet. */
static void
open_listed(struct tls_files *files, const char *dir, const char *key_name)
{
    struct strbuf error = strbuf_new(1024);
    int stem = (int)strlen(key_name) - 4;
    char *certificate = xasprintf("%s/%.*s.crt", dir, stem, key_name);

    if (access(certificate, F_OK) == 0 &&
        open_pair(files, certificate, xasprintf("%s/%s", dir, key_name), false, &error) < 0)
        log_event(LOG_ERROR, "tls_key_unusable", KV_STR("file", key_name),
                  KV_STR("reason", strbuf_cstr(&error)));
    free(certificate);
    strbuf_free(&error);
}

void
tls_files_open(struct tls_files *files, const struct daemon *d)
{
    char *path = xasprintf("%s/" TLS_PLACE_DIR, d->inst.etc);
    DIR *dir = opendir(path);
    const struct dirent *entry;

    files->count = 0;
    open_required(files, d);
    open_default(files, d);
    while (dir != NULL && (entry = readdir(dir)) != NULL)
        if (strlen(entry->d_name) > 4 && slice_ends(slice_of(entry->d_name), SLICE(".key")))
            open_listed(files, path, entry->d_name);
    if (dir != NULL)
        (void)closedir(dir); /* was only read */
    free(path);
}

void
tls_files_close(struct tls_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        free(files->items[i].path);
        close_keep_errno(files->items[i].fd);
    }
    files->count = 0;
}
