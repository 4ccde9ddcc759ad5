/*
 * accountd/means.c - what proves who a user is besides the password record, and that it was used.
 */
#include "accountd/means.h"

#include <errno.h>

#include "lib/account/auth_code.h"
#include "lib/base/arena.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/ipc/accountd_means.h"
#include "lib/log/log.h"

#define REPLY_MAX 65536

bool
means_more(struct server *server, const struct account_hit *hit)
{
    return !account_mail_password(hit) || record_get(&hit->domain, DOMAIN_OAUTH_ISSUER).len > 0 ||
           record_is(&hit->entry, USER_AUTH, "external") ||
           auth_codes_exist(&server->base, strbuf_slice(&hit->key));
}

struct codes {
    struct accountd_code list[ACCOUNTD_CODES_MAX];
    uint32_t count;
    struct arena arena;
};

static int
take_code(void *arg, const struct auth_code *code)
{
    struct codes *codes = arg;

    if (codes->count == ACCOUNTD_CODES_MAX)
        return -1;
    codes->list[codes->count++] = (struct accountd_code){
        .id = arena_copy(&codes->arena, code->id),
        .services = arena_copy(&codes->arena, code->services),
        .addresses = arena_copy(&codes->arena, code->addresses),
        .expires = arena_copy(&codes->arena, code->expires),
        .record = arena_copy(&codes->arena, code->record),
    };
    return 0;
}

enum outcome
means_request(struct request *rq)
{
    struct server *server = rq->server;
    struct strbuf out = strbuf_new(REPLY_MAX);
    struct codes codes = {.count = 0};
    struct accountd_means means = {.codes = codes.list};
    struct slice user;
    enum outcome outcome = REQUEST_BAD;

    if (accountd_means_decode(rq->payload, &user) < 0)
        return REQUEST_BAD;
    if (account_find_exact(&server->base, user, &server->hit) == ACCOUNT_FOUND &&
        server->hit.entry.kind == ACCOUNT_USER &&
        auth_codes_each(&server->base, strbuf_slice(&server->hit.key), take_code, &codes) == 0) {
        means.known = true;
        means.mail_password = account_mail_password(&server->hit);
        means.is_external = record_is(&server->hit.entry, USER_AUTH, "external");
        means.external = record_get(&server->hit.domain, DOMAIN_EXTERNAL_AUTH);
        means.oauth = (struct accountd_oauth){
            .issuer = record_get(&server->hit.domain, DOMAIN_OAUTH_ISSUER),
            .audience = record_get(&server->hit.domain, DOMAIN_OAUTH_AUDIENCE),
            .claim = record_get(&server->hit.domain, DOMAIN_OAUTH_CLAIM),
            .keys = record_get(&server->hit.domain, DOMAIN_OAUTH_KEYS),
            .introspection = record_get(&server->hit.domain, DOMAIN_OAUTH_INTROSPECTION),
        };
        means.code_count = codes.count;
    }
    if (accountd_means_reply_encode(&out, rq->header.request_id, &means) == 0) {
        ipc_peer_send(rq->peer, &out, -1);
        outcome = REQUEST_DONE;
    }
    if (out.ptr != NULL)
        mem_wipe(out.ptr, out.cap);
    strbuf_free(&out);
    arena_free(&codes.arena);
    return outcome;
}

enum outcome
means_code_used(struct request *rq)
{
    struct server *server = rq->server;
    struct account_result result = account_result_new();
    struct account_edit edit = {
        .base = &server->base, .now_ms = clock_real_ms(), .result = &result};
    struct accountd_code_used used;
    struct strbuf out = strbuf_new(FRAME_HEADER);
    struct writer w = frame_begin(&out, ACCOUNTD_OK, rq->header.request_id);
    enum outcome outcome = REQUEST_BAD;

    if (accountd_code_used_decode(rq->payload, &used) < 0)
        goto out;
    if (account_db_begin(server->base.db) == 0) {
        if (account_code_used(&edit, used.user, used.id, used.client_ip) != 1)
            account_db_abort(server->base.db);
        else if (account_db_commit_figures(server->base.db) < 0)
            log_event(LOG_ERROR, "code_use_not_noted", KV_SLICE("user", used.user), KV_ERRNO());
    }
    (void)frame_end(&w); /* an empty frame fits */
    ipc_peer_send(rq->peer, &out, -1);
    outcome = REQUEST_DONE;
out:
    strbuf_free(&out);
    account_result_free(&result);
    return outcome;
}
