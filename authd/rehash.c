/*
 * authd/rehash.c - replaces an imported password record by a new one.
 *
 * accountd changes the record only if it is still the old one, so a password that is set meanwhile
 * stays, and two logins at once do no harm.
 */
#include "authd/rehash.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/accountd.h"
#include "lib/log/log.h"

enum { REHASH_TIMEOUT_MS = 30000, REHASHES_MAX = 64, REQUEST_MAX = 8192 };

struct rehash {
    struct server *server;
    char *user, *old_record;
};

static void
rehash_end(struct rehash *r)
{
    r->server->rehashes--;
    mem_wipe(r->old_record, strlen(r->old_record));
    free(r->user);
    free(r->old_record);
    free(r);
}

static void
record_stored(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct rehash *r = arg;

    (void)payload;
    close_keep_errno(fd);
    if (header != NULL && header->type == ACCOUNTD_OK)
        log_event(LOG_INFO, "password_rehashed", KV_STR("user", r->user));
    else
        log_event(LOG_WARN, "password_not_rehashed", KV_STR("user", r->user),
                  KV_STR("reason", "accountd did not take it"));
    rehash_end(r);
}

static void
record_made(void *arg, enum hash_outcome outcome, struct slice record)
{
    struct rehash *r = arg;
    struct strbuf request = strbuf_new(REQUEST_MAX);
    struct accountd_rehash rehash = {
        .user = slice_of(r->user), .old_record = slice_of(r->old_record), .new_record = record};

    if (outcome == HASH_RIGHT && accountd_rehash_encode(&request, &rehash) == 0)
        ipc_async_call(r->server->accounts, &request, REHASH_TIMEOUT_MS, record_stored, r);
    else
        rehash_end(r); /* the password cannot be hashed the new way, or the worker died */
    strbuf_free(&request);
}

void
rehash_begin(struct server *server, const struct credentials *c)
{
    struct rehash *r;

    if (server->rehashes >= REHASHES_MAX)
        return;
    server->rehashes++;
    r = xcalloc(1, sizeof(*r));
    r->server = server;
    r->user = xslicedup(c->user);
    r->old_record = xslicedup(c->record);
    if (!hash_pool_make(server->pool, SLICE(""), c->password, record_made, r))
        rehash_end(r);
}
