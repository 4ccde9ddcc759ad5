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

static bool
is_open(const struct tls_files *files, const char *dir, const char *key_name)
{
    char *path = xasprintf("%s/%s", dir, key_name);
    bool open = false;

    for (size_t i = 0; i < files->count && !open; i++)
        open = strcmp(files->items[i].path, path) == 0;
    free(path);
    return open;
}

/* Those in use first: there is room for all of them, whatever else lies there. */
static void
open_by_host(struct tls_files *files, const struct daemon *d, const char *dir)
{
    for (size_t i = 0; i < conf_list_count(d->conf, TLS_BY_HOST); i++) {
        char *name = xasprintf("%s.key", conf_list_item(d->conf, TLS_BY_HOST, i));

        if (!is_open(files, dir, name))
            open_listed(files, dir, name);
        free(name);
    }
}

static int
is_key(const struct dirent *entry)
{
    return strlen(entry->d_name) > 4 && slice_ends(slice_of(entry->d_name), SLICE(".key"));
}

/* By name, so that it is the same ones each time. */
static void
open_rest(struct tls_files *files, const char *dir)
{
    struct dirent **entries = NULL;
    int count = scandir(dir, &entries, is_key, alphasort);

    for (int i = 0; i < count; i++) {
        if (!is_open(files, dir, entries[i]->d_name))
            open_listed(files, dir, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

void
tls_files_open(struct tls_files *files, const struct daemon *d)
{
    char *path = xasprintf("%s/" TLS_PLACE_DIR, d->inst.etc);

    files->count = 0;
    open_required(files, d);
    open_default(files, d);
    open_by_host(files, d, path);
    open_rest(files, path);
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
