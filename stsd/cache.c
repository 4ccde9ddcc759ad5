/*
 * stsd/cache.c - the policies that we know, in memory and on disk.
 *
 * On disk each domain has a file of its name: a line "posthorn-sts 1 ID FETCHED_MS", then the
 * policy as it came. It is written beside, flushed and renamed, so a crash leaves the old one or
 * the new. Touches that one directory. A policy from disk is parsed again: it expires by its own
 * max_age.
 */
#include "stsd/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"

#define MAGIC "posthorn-sts 1"
#define FILE_MAX_BYTES (STS_TEXT_MAX + 256u)
#define BYTES_MAX (64u << 20) /* of all policies in memory */
#define TEMPORARY ".new"      /* no domain begins with a dot */

enum { REFRESH_MS = 24 * 60 * 60 * 1000 };

struct entry {
    struct cached cached; /* the first member: what callers have */
    TAILQ_ENTRY(entry) link;
};

struct cache {
    int dirfd;
    struct map *by_domain;
    TAILQ_HEAD(, entry) all;
    size_t bytes;
};

/* ---- entries ---- */

struct cached *
cache_entry(struct cache *cache, struct slice domain)
{
    void **place = map_at(cache->by_domain, domain);
    struct entry *e;

    if (place == NULL || domain.len > STSD_DOMAIN_MAX)
        return NULL;
    if (*place != NULL)
        return *place;
    e = xcalloc(1, sizeof(*e));
    memcpy(e->cached.domain, domain.ptr, domain.len);
    TAILQ_INSERT_TAIL(&cache->all, e, link);
    *place = e;
    return &e->cached;
}

static void
drop_text(struct cache *cache, struct cached *c)
{
    cache->bytes -= c->text_len;
    free(c->text);
    c->text = NULL;
    c->text_len = 0;
    c->id[0] = '\0';
}

static void
drop_entry(struct cache *cache, struct entry *e)
{
    drop_text(cache, &e->cached);
    (void)map_remove(cache->by_domain, slice_of(e->cached.domain));
    TAILQ_REMOVE(&cache->all, e, link);
    free(e);
}

static void
set_text(struct cache *cache, struct cached *c, struct slice text, const struct sts_policy *policy,
         int64_t fetched_ms)
{
    int64_t age_ms = (int64_t)policy->max_age_s * 1000;

    cache->bytes -= c->text_len;
    free(c->text);
    c->text = xslicedup(text);
    c->text_len = text.len;
    cache->bytes += text.len;
    c->max_age_s = policy->max_age_s;
    c->expires_ms = fetched_ms + age_ms;
    c->refresh_ms = fetched_ms + (age_ms / 2 < REFRESH_MS ? age_ms / 2 : REFRESH_MS);
}

/* ---- disk ---- */

static int
write_file(int dirfd, const struct cached *c, int64_t now_ms)
{
    struct strbuf out = strbuf_new(FILE_MAX_BYTES);
    int fd = openat(dirfd, TEMPORARY, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    int rc = -1;

    if (strbuf_printf(&out, MAGIC " %s %lld\n", c->id, (long long)now_ms) &&
        strbuf_append(&out, slice_make(c->text, c->text_len)) && fd >= 0 &&
        write_all(fd, strbuf_slice(&out)) == 0 && fsync(fd) == 0 &&
        renameat(dirfd, TEMPORARY, dirfd, c->domain) == 0)
        rc = fsync(dirfd);
    close_keep_errno(fd);
    strbuf_free(&out);
    return rc;
}

/* False: the file is of no use any more. */
static bool
take_file(struct cache *cache, struct slice domain, struct slice bytes)
{
    struct slice line = slice_split(&bytes, '\n'), id;
    struct sts_policy policy;
    struct cached *c;
    uint64_t fetched_ms;

    if (!slice_starts(line, SLICE(MAGIC " ")) || !address_is_domain(domain, false))
        return false;
    line = slice_sub(line, sizeof(MAGIC), line.len);
    id = slice_split(&line, ' ');
    if (id.len > STS_ID_MAX || parse_u64(line, INT64_MAX / 2, &fetched_ms) < 0 ||
        sts_policy_parse(bytes, &policy) != NULL ||
        (int64_t)fetched_ms + (int64_t)policy.max_age_s * 1000 <= clock_real_ms() ||
        cache->bytes + bytes.len > BYTES_MAX)
        return false;
    c = cache_entry(cache, domain);
    if (c == NULL)
        return false;
    memcpy(c->id, id.ptr, id.len);
    set_text(cache, c, bytes, &policy, (int64_t)fetched_ms);
    return true;
}

static void
read_directory(struct cache *cache)
{
    int fd = openat(cache->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct strbuf bytes = strbuf_new(FILE_MAX_BYTES);
    const struct dirent *e;

    if (dir == NULL) {
        log_event(LOG_ERROR, "sts_cache_unreadable", KV_ERRNO());
        close_keep_errno(fd);
        return;
    }
    while ((e = readdir(dir)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        strbuf_clear(&bytes);
        if (read_file(cache->dirfd, e->d_name, &bytes) < 0 ||
            !take_file(cache, slice_of(e->d_name), strbuf_slice(&bytes)))
            unlink_keep_errno(cache->dirfd, e->d_name);
    }
    (void)closedir(dir); /* only read from */
    strbuf_free(&bytes);
}

/* ---- the cache ---- */

struct cache *
cache_open(int dirfd)
{
    struct cache *cache = xcalloc(1, sizeof(*cache));

    cache->dirfd = dirfd;
    cache->by_domain = map_new(CACHE_DOMAINS_MAX);
    TAILQ_INIT(&cache->all);
    read_directory(cache);
    log_event(LOG_INFO, "sts_cache_read", KV_U64("policies", map_count(cache->by_domain)));
    return cache;
}

void
cache_close(struct cache **cachep)
{
    struct entry *e;

    if (*cachep == NULL)
        return;
    while ((e = TAILQ_FIRST(&(*cachep)->all)) != NULL)
        drop_entry(*cachep, e);
    map_free(&(*cachep)->by_domain, NULL);
    xfree(cachep);
}

void
cache_keep(struct cache *cache, struct cached *c, struct slice text,
           const struct sts_policy *policy)
{
    int64_t now_ms = clock_real_ms();

    if (cache->bytes - c->text_len + text.len > BYTES_MAX) {
        log_event(LOG_WARN, "sts_cache_full", KV_STR("domain", c->domain));
        return;
    }
    set_text(cache, c, text, policy, now_ms);
    if (write_file(cache->dirfd, c, now_ms) < 0)
        log_event(LOG_ERROR, "sts_cache_write", KV_STR("domain", c->domain), KV_ERRNO());
}

void
cache_sweep(struct cache *cache, void (*due)(void *arg, struct cached *c), void *arg)
{
    int64_t now_ms = clock_real_ms();
    struct entry *e, *next;

    for (e = TAILQ_FIRST(&cache->all); e != NULL; e = next) {
        struct cached *c = &e->cached;

        next = TAILQ_NEXT(e, link);
        if (c->text != NULL && c->expires_ms <= now_ms) {
            log_event(LOG_INFO, "sts_expired", KV_STR("domain", c->domain));
            unlink_keep_errno(cache->dirfd, c->domain);
            drop_text(cache, c);
        }
        if (c->fetching || c->not_before_ms > now_ms)
            continue;
        if (c->text == NULL)
            drop_entry(cache, e);
        else if (c->refresh_ms <= now_ms)
            due(arg, c);
    }
}
