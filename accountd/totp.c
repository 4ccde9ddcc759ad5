/*
 * accountd/totp.c - administrators' authenticators (RFC 6238): keys are made, sealed and kept here,
 * codes are checked here, each once.
 *
 * A key leaves this process when it is made, for the administrator, and never again.
 */
#include "accountd/totp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "lib/account/canonical.h"
#include "lib/account/manages.h"
#include "lib/account/query.h"
#include "lib/auth/totp.h"
#include "lib/base/clock.h"
#include "lib/base/encode.h"
#include "lib/base/mem.h"
#include "lib/base/random.h"
#include "lib/conf/seal.h"
#include "lib/conf/secret_file.h"
#include "lib/ipc/accountd_totp.h"
#include "lib/log/log.h"

enum {
    CODE_NO_SUCH = 2,
    CODE_WRONG = 3,
    CODE_STATE = 4,
    NAME_BYTES_MAX = CANONICAL_LOCAL_MAX + 8,
    REPLY_MAX = 256,
    PAGE_ROWS = 500,
    NAMES_MAX = 4 << 20
};

static struct seal_keys seal_keys; /* count 0: there are none */

void
totp_load_keys(const struct daemon *d)
{
    char *path = seal_key_path(&d->inst, USERS_ACCOUNT);
    struct strbuf error = strbuf_new(4096);

    if (seal_keys_read(path, &seal_keys, &error) < 0 && errno != ENOENT) {
        (void)fprintf(stderr, "accountd: %s\n", strbuf_cstr(&error));
        exit(EX_CONFIG);
    }
    strbuf_free(&error);
    free(path);
}

/* ---- one administrator's key ---- */

/* What it is bound to. */
static void
bound_name(struct slice admin, struct strbuf *out)
{
    (void)strbuf_printf(out, "totp %.*s", (int)admin.len, admin.ptr); /* canonical: it fits */
}

static int
seal_key(struct slice admin, struct slice key, struct strbuf *out)
{
    struct strbuf name = strbuf_new(NAME_BYTES_MAX);
    bool sealed;

    bound_name(admin, &name);
    sealed = seal_close(&seal_keys, strbuf_slice(&name), key, out);
    strbuf_free(&name);
    return sealed ? 0 : -1;
}

/* NULL, or why it does not open. */
static const char *
open_key(struct slice admin, struct slice sealed, struct strbuf *key)
{
    struct strbuf name = strbuf_new(NAME_BYTES_MAX);
    const char *trouble;

    bound_name(admin, &name);
    trouble = seal_open(&seal_keys, strbuf_slice(&name), sealed, key);
    if (trouble == NULL && key->len != TOTP_KEY_BYTES)
        trouble = "it is no key of an authenticator";
    if (trouble != NULL)
        log_event(LOG_ERROR, "totp_key_bad", KV_SLICE("admin", admin), KV_STR("reason", trouble));
    strbuf_free(&name);
    return trouble;
}

/* Of struct strbuf with a key. */
static void
wipe(struct strbuf *key)
{
    if (key->ptr != NULL)
        mem_wipe(key->ptr, key->cap);
    strbuf_free(key);
}

static int
find(struct operation *op, struct account_actor *admin)
{
    *admin = account_actor_new();
    if (op->kind != ACCOUNT_ADMIN)
        return account_fail(&op->result, ACCOUNT_BAD_PARAMETER,
                            "only administrators have an authenticator");
    if (account_actor_load(&op->server->base, op->admin.name, admin) == 0)
        return 0;
    return errno == ENOENT ? account_fail(&op->result, CODE_NO_SUCH, "%.*s: no such administrator",
                                          (int)op->admin.name.len, op->admin.name.ptr)
                           : account_fail_db(&op->result);
}

/* ---- enrolment ---- */

static void
tell_key(struct operation *op, struct slice admin, struct slice key)
{
    struct strbuf secret = strbuf_new(64), uri = strbuf_new(TOTP_URI_MAX);

    (void)base32_encode(key, &secret);
    (void)totp_uri(key, conf_str(op->server->daemon->conf, SYSTEM_HOSTNAME), admin, &uri);
    object_add(&op->data,
               (const struct object_field[]){{SLICE("name"), admin},
                                             {SLICE("secret"), strbuf_slice(&secret)},
                                             {SLICE("uri"), strbuf_slice(&uri)}},
               3);
    wipe(&secret);
    wipe(&uri);
}

int
operation_totp_new(struct operation *op)
{
    struct strbuf sealed = strbuf_new(SEAL_TEXT_MAX);
    struct account_actor admin;
    char key[TOTP_KEY_BYTES];
    int rc = find(op, &admin);

    random_bytes(key, sizeof(key));
    if (rc == 0 && record_is(&admin.record, ADMIN_TOTP, "yes"))
        rc = account_fail(&op->result, CODE_STATE,
                          "%.*s has an authenticator: another administrator, or root, has to clear "
                          "it first",
                          (int)op->admin.name.len, op->admin.name.ptr);
    if (rc == 0 && seal_key(strbuf_slice(&admin.name), slice_make(key, sizeof(key)), &sealed) < 0)
        rc = account_fail(&op->result, CODE_STATE,
                          "there is no key to seal it with: root makes one by 'posthorn password "
                          "rotate account', then 'posthorn reload'");
    if (rc == 0)
        rc = account_admin_totp(
            &op->edit, strbuf_slice(&admin.name),
            &(const struct account_totp){.state = SLICE("pending"), .key = strbuf_slice(&sealed)});
    if (rc == 0)
        tell_key(op, strbuf_slice(&admin.name), slice_make(key, sizeof(key)));
    mem_wipe(key, sizeof(key));
    account_actor_free(&admin);
    strbuf_free(&sealed);
    return rc;
}

/* -1: it is wrong, was taken before, or cannot be checked (*trouble). */
static int
check_code(const struct account_actor *admin, struct slice code, uint64_t *step,
           const char **trouble)
{
    struct strbuf key = strbuf_new(SEAL_SECRET_MAX);
    bool right;

    *trouble =
        open_key(strbuf_slice(&admin->name), record_get(&admin->record, ADMIN_TOTP_KEY), &key);
    right = *trouble == NULL && totp_check(strbuf_slice(&key), code, clock_real_ms() / 1000,
                                           record_u64(&admin->record, ADMIN_TOTP_USED), step);
    wipe(&key);
    return right ? 0 : -1;
}

int
operation_totp_confirm(struct operation *op)
{
    struct account_actor admin;
    const char *trouble = NULL;
    uint64_t step = 0;
    int rc = find(op, &admin);

    if (rc == 0 && !record_is(&admin.record, ADMIN_TOTP, "pending"))
        rc = account_fail(&op->result, CODE_STATE, "no new authenticator waits for its first code");
    if (rc == 0 && check_code(&admin, operation_field(op, "code"), &step, &trouble) < 0)
        rc = account_fail(&op->result, CODE_WRONG, "%s",
                          trouble != NULL ? "the key cannot be opened: see the log"
                                          : "the code is wrong: does the clock go right?");
    if (rc == 0)
        rc = account_admin_totp(
            &op->edit, strbuf_slice(&admin.name),
            &(const struct account_totp){.state = SLICE("yes"),
                                         .key = record_get(&admin.record, ADMIN_TOTP_KEY),
                                         .used = step});
    account_actor_free(&admin);
    return rc;
}

/* Whoever holds somebody's session must not get rid of the second step with it. */
static bool
is_own(const struct operation *op, const struct account_actor *admin)
{
    return op->admin.actor.len > 0 &&
           slice_eq(strbuf_slice(&op->actor.name), strbuf_slice(&admin->name));
}

int
operation_totp_clear(struct operation *op)
{
    struct account_actor admin;
    int rc = find(op, &admin);

    if (rc == 0 && is_own(op, &admin) && record_is(&admin.record, ADMIN_TOTP, "yes"))
        rc = account_fail(&op->result, ACCOUNTD_NO_RIGHT,
                          "another administrator, or root on the server, has to clear it");
    if (rc == 0)
        rc = account_admin_totp(&op->edit, strbuf_slice(&admin.name),
                                &(const struct account_totp){.state = SLICE("no")});
    account_actor_free(&admin);
    return rc;
}

/* ---- sealed again: for another name, or with another key ---- */

static int
seal_again(struct operation *op, const struct account_actor *admin, struct slice from,
           struct slice to)
{
    struct strbuf key = strbuf_new(SEAL_SECRET_MAX), sealed = strbuf_new(SEAL_TEXT_MAX);
    int rc = 0;

    if (open_key(from, record_get(&admin->record, ADMIN_TOTP_KEY), &key) != NULL ||
        seal_key(to, strbuf_slice(&key), &sealed) < 0)
        rc = account_fail(&op->result, CODE_STATE,
                          "the authenticator's key of %.*s cannot be opened: clear it first",
                          (int)from.len, from.ptr);
    if (rc == 0)
        rc = account_admin_totp(
            &op->edit, to,
            &(const struct account_totp){.state = record_get(&admin->record, ADMIN_TOTP),
                                         .key = strbuf_slice(&sealed),
                                         .used = record_u64(&admin->record, ADMIN_TOTP_USED)});
    wipe(&key);
    strbuf_free(&sealed);
    return rc;
}

int
totp_renamed(struct operation *op, struct slice old_name, struct slice new_name)
{
    struct strbuf old_admin = strbuf_new(CANONICAL_LOCAL_MAX);
    struct account_actor admin = account_actor_new();
    int rc = 0;

    if (canonical_local(old_name, &old_admin) < 0 ||
        account_actor_load(&op->server->base, new_name, &admin) < 0)
        rc = account_fail_db(&op->result);
    else if (record_get(&admin.record, ADMIN_TOTP_KEY).len > 0)
        rc = seal_again(op, &admin, strbuf_slice(&old_admin), strbuf_slice(&admin.name));
    account_actor_free(&admin);
    strbuf_free(&old_admin);
    return rc;
}

static int
take_name(void *arg, const struct query_row *row)
{
    struct strbuf *names = arg;

    if (record_get(&row->record, ADMIN_TOTP_KEY).len > 0) {
        (void)strbuf_append(names, strbuf_slice(&row->name)); /* its overflow is looked at */
        (void)strbuf_char(names, '\n');
    }
    return 0;
}

/* Those that have a key, a line each. */
static int
names_with_key(struct operation *op, struct strbuf *names)
{
    const struct query query = {.kind = ACCOUNT_ADMIN};
    struct strbuf cursor = strbuf_new(QUERY_CURSOR_MAX);
    int rc;

    do
        rc = query_list(&op->server->base, &query, &cursor, PAGE_ROWS, take_name, names,
                        &op->result);
    while (rc == 0 && cursor.len > 0);
    if (rc == 0 && names->overflow)
        rc = account_fail(&op->result, CODE_STATE, "there are too many administrators");
    strbuf_free(&cursor);
    return rc;
}

/* The command line has put another key in front; have we read it? */
static bool
is_first_key(struct slice id)
{
    struct strbuf first = strbuf_new(SEAL_ID_HEX);
    bool is = seal_keys.count > 0 &&
              hex_encode(slice_make(seal_keys.list[0].id, SEAL_ID_BYTES), &first) &&
              slice_eq(strbuf_slice(&first), id);

    strbuf_free(&first);
    return is;
}

int
operation_totp_seal(struct operation *op)
{
    struct strbuf names = strbuf_new(NAMES_MAX), count = strbuf_new(32);
    struct account_actor admin = account_actor_new();
    struct slice rest;
    uint64_t sealed = 0;
    int rc = 0;

    if (!is_first_key(operation_field(op, "key")))
        rc = account_fail(&op->result, CODE_STATE,
                          "accountd has not read the new key yet: 'posthorn reload', then again");
    if (rc == 0)
        rc = names_with_key(op, &names);
    for (rest = strbuf_slice(&names); rc == 0 && rest.len > 0; sealed++) {
        struct slice name = slice_split(&rest, '\n');

        rc = account_actor_load(&op->server->base, name, &admin) < 0
                 ? account_fail_db(&op->result)
                 : seal_again(op, &admin, name, name);
    }
    (void)strbuf_u64(&count, sealed);
    if (rc == 0)
        object_add(&op->data, &(const struct object_field){SLICE("sealed"), strbuf_slice(&count)},
                   1);
    account_actor_free(&admin);
    strbuf_free(&names);
    strbuf_free(&count);
    return rc;
}

/* ---- a login ---- */

/* On disk before the answer: not even a power cut makes a code good again. */
static int
note_use(struct server *server, const struct account_actor *admin, uint64_t step)
{
    struct account_result result = account_result_new();
    struct account_edit edit = {
        .base = &server->base, .now_ms = clock_real_ms(), .result = &result};
    const struct account_totp totp = {
        .state = SLICE("yes"), .key = record_get(&admin->record, ADMIN_TOTP_KEY), .used = step};
    int rc = account_db_begin(server->base.db);

    if (rc == 0 && account_admin_totp(&edit, strbuf_slice(&admin->name), &totp) < 0) {
        account_db_abort(server->base.db);
        rc = -1;
    } else if (rc == 0) {
        rc = account_db_commit(server->base.db);
    }
    account_result_free(&result);
    return rc;
}

static enum accountd_totp_verdict
judge(struct server *server, const struct accountd_totp *totp)
{
    struct account_actor admin = account_actor_new();
    enum accountd_totp_verdict verdict = ACCOUNTD_TOTP_WRONG;
    const char *trouble = NULL;
    uint64_t step = 0;

    if (account_actor_load(&server->base, totp->name, &admin) < 0)
        verdict = errno == ENOENT ? ACCOUNTD_TOTP_WRONG : ACCOUNTD_TOTP_LATER;
    else if (!record_is(&admin.record, ADMIN_TOTP, "yes"))
        verdict = ACCOUNTD_TOTP_LATER; /* cleared meanwhile: the next login asks for none */
    else if (check_code(&admin, totp->code, &step, &trouble) < 0)
        verdict = trouble != NULL ? ACCOUNTD_TOTP_LATER : ACCOUNTD_TOTP_WRONG;
    else
        verdict = note_use(server, &admin, step) < 0 ? ACCOUNTD_TOTP_LATER : ACCOUNTD_TOTP_RIGHT;
    account_actor_free(&admin);
    return verdict;
}

enum outcome
totp_request(struct request *rq)
{
    struct strbuf out = strbuf_new(REPLY_MAX);
    struct accountd_totp totp;

    if (accountd_totp_decode(rq->payload, &totp) < 0)
        return REQUEST_BAD;
    (void)accountd_totp_reply_encode(&out, rq->header.request_id,
                                     (uint8_t)judge(rq->server, &totp)); /* it fits */
    ipc_peer_send(rq->peer, &out, -1);
    strbuf_free(&out);
    server_changed(rq->server);
    return REQUEST_DONE;
}
