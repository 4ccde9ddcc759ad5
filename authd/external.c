/*
 * authd/external.c - the front's side of passwords that somebody else knows.
 *
 * There is no cache: a password that was changed or locked there works here no second longer.
 */
#include "authd/external.h"

#include <string.h>

#include "authd/external_workers.h"
#include "lib/auth/digest.h"
#include "lib/auth/external.h"
#include "lib/auth/hash_job.h"
#include "lib/base/mem.h"

enum { LANES = 4 }; /* so many directories have to hang before there is no worker left */

static struct hash_pool *
pool_of(const struct daemon *d, const int *fds, unsigned width, int64_t patience_ms)
{
    return hash_pool_new(d->loop, fds, width, (unsigned)conf_u64(d->conf, AUTH_HASH_QUEUE),
                         patience_ms, width < LANES ? 1 : width / LANES);
}

void
external_start(struct server *server, const struct daemon *d, int64_t patience_ms)
{
    unsigned width = (unsigned)conf_u64(d->conf, AUTH_EXTERNAL_WORKERS);
    int fds[KEEPER_WORKERS_MAX];

    external_workers_start(d, width, fds);
    server->external = pool_of(d, fds, width, patience_ms);
    if (strcmp(conf_str(d->conf, AUTH_PAM), "off") == 0)
        return;
    pam_workers_start(d, width, fds);
    server->pam = pool_of(d, fds, width, patience_ms);
}

/* The same number for the same method, and never 0. */
static uint64_t
lane_of(struct slice method)
{
    unsigned char hash[DIGEST_MAX];
    uint64_t lane;

    digest_of(DIGEST_SHA256, method, SLICE(""), hash);
    memcpy(&lane, hash, sizeof(lane));
    return lane | 1;
}

struct hash_job *
external_verify(struct server *server, uint64_t share, struct slice method, struct slice user,
                struct slice password, hash_done *done, void *arg)
{
    struct strbuf record = strbuf_new(PASSWORD_RECORD_MAX);
    struct hash_job *job = NULL;
    struct external_method parsed;
    struct hash_pool *pool = NULL;

    if (external_parse(method, &parsed) == NULL)
        pool = parsed.kind == EXTERNAL_PAM ? server->pam : server->external;
    if (pool != NULL && strbuf_append(&record, method) && strbuf_char(&record, '\0') &&
        strbuf_append(&record, user))
        job = hash_pool_verify_in_lane(pool, share, lane_of(method), strbuf_slice(&record),
                                       password, done, arg);
    strbuf_free(&record);
    return job;
}

struct hash_job *
external_token(struct server *server, uint64_t share, const struct accountd_oauth *oauth,
               struct slice user, struct slice token, hash_done *done, void *arg)
{
    const struct slice parts[] = {oauth->issuer, oauth->audience,      oauth->claim,
                                  oauth->keys,   oauth->introspection, user};
    struct strbuf record = strbuf_new(HASH_RECORD_MAX);
    struct hash_job *job = NULL;

    (void)strbuf_str(&record, EXTERNAL_TOKEN);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        (void)strbuf_append(&record, parts[i]);
        (void)strbuf_char(&record, '\0');
    }
    if (strbuf_append(&record, token) && !record.overflow)
        job = hash_pool_verify_in_lane(server->external, share, lane_of(oauth->issuer),
                                       strbuf_slice(&record), SLICE(""), done, arg);
    if (record.ptr != NULL)
        mem_wipe(record.ptr, record.cap);
    strbuf_free(&record);
    return job;
}
