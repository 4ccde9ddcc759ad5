/*
 * keyd/keys.c - reads the keys that sign, and finds them by domain.
 *
 * Input: etc/certs/dkim, written by the command line and the administrator.
 */
#include "keyd/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

struct keys {
    int dirfd;
    struct map *domains; /* struct domain_keys */
};

struct loading {
    const struct keys *keys;
    struct map *domains;
    struct strbuf *errors;
};

static void
drop_domain(void *value)
{
    struct domain_keys *domain = value;

    for (int i = 0; domain != NULL && i < DKIM_ALGORITHMS; i++)
        dkim_key_free(&domain->keys[i]);
    free(domain);
}

struct keys *
keys_new(int dirfd)
{
    struct keys *keys = xcalloc(1, sizeof(*keys));

    keys->dirfd = dirfd;
    keys->domains = map_new(KEYS_DOMAINS_MAX);
    return keys;
}

void
keys_free(struct keys **keysp)
{
    if (*keysp == NULL)
        return;
    map_free(&(*keysp)->domains, drop_domain);
    close_keep_errno((*keysp)->dirfd);
    xfree(keysp);
}

static void
report(struct loading *l, const char *domain, const char *name, const char *what)
{
    log_event(LOG_ERROR, "dkim_key_unusable", KV_STR("domain", domain), KV_STR("file", name),
              KV_STR("reason", what));
    (void)strbuf_printf(l->errors, "%s/%s: %s\n", domain, name, what); /* what fits */
}

static const char *
reason(void)
{
    return errno == EBADMSG ? "holds no such key" : strerror(errno);
}

/* The keys of one set; NULL if there is not one that works. */
static struct domain_keys *
load_set(struct loading *l, int fd, const char *domain, const struct dkim_set *set)
{
    struct domain_keys *out = xcalloc(1, sizeof(*out));
    bool any = false;

    for (int i = 0; i < DKIM_ALGORITHMS; i++) {
        enum dkim_algorithm algorithm = (enum dkim_algorithm)i;

        dkim_selector_name(set, algorithm, out->selectors[i]);
        out->keys[i] = dkim_domain_key(fd, set, algorithm);
        if (out->keys[i] == NULL)
            report(l, domain, out->selectors[i], reason());
        any = any || out->keys[i] != NULL;
    }
    if (any)
        return out;
    drop_domain(out);
    return NULL;
}

static void
load_domain(void *arg, const char *name)
{
    struct loading *l = arg;
    int fd = openat(l->keys->dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct domain_keys *loaded = NULL;
    const struct dkim_set *active;
    struct dkim_domain domain;
    void **at;

    if (fd < 0 || dkim_domain_read(fd, &domain) < 0)
        report(l, name, "selectors", errno == EBADMSG ? "is damaged" : strerror(errno));
    else if ((active = dkim_domain_find(&domain, DKIM_ACTIVE)) != NULL)
        loaded = load_set(l, fd, name, active);
    close_keep_errno(fd);
    if (loaded == NULL)
        return;
    at = map_at(l->domains, slice_of(name));
    if (at != NULL && *at == NULL) {
        *at = loaded;
        return;
    }
    report(l, name, "", "too many domains");
    drop_domain(loaded);
}

int
keys_load(struct keys *keys, struct strbuf *errors)
{
    struct loading l = {.keys = keys, .errors = errors};

    if (keys->dirfd < 0) {
        errno = ENOENT;
        return -1;
    }
    l.domains = map_new(KEYS_DOMAINS_MAX);
    if (dkim_dir_list(keys->dirfd, load_domain, &l) < 0) {
        map_free(&l.domains, drop_domain);
        return -1;
    }
    map_free(&keys->domains, drop_domain);
    keys->domains = l.domains;
    return 0;
}

int
keys_dirfd(const struct keys *keys)
{
    return keys->dirfd;
}

size_t
keys_count(const struct keys *keys)
{
    return map_count(keys->domains);
}

const struct domain_keys *
keys_find(const struct keys *keys, struct slice domain)
{
    return map_get(keys->domains, domain);
}
