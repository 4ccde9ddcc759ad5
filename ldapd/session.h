/*
 * ldapd/session.h - one LDAP connection.
 */
#ifndef POSTHORN_LDAPD_SESSION_H
#define POSTHORN_LDAPD_SESSION_H

#include "ldapd/message.h"
#include "ldapd/target.h"
#include "lib/auth/mechanisms.h"
#include "lib/ipc/authd.h"
#include "lib/ipc/directory.h"
#include "lib/sys/pool.h"
#include "lib/tls/stream.h"

/* What the parent has loaded, shared by all sessions. */
struct server {
    struct tls_context *tls;
    struct names names;
    struct mechanisms *mechanisms;
    bool plain_on_loopback;
    uint32_t size_limit;
    int64_t time_ms, idle_ms, tls_ms, login_ms;
    bool serves_strangers; /* who has not logged in may read: no haste */
    struct {
        _Atomic uint64_t *binds, *bind_failures, *searches, *changes;
    } count;
};

struct sorted;

struct session {
    struct pool_session *pool;
    struct server *server;
    struct stream *stream;
    struct strbuf in;       /* the request at hand, and nothing behind it */
    struct message message; /* borrows from `in` */
    struct strbuf ahead;    /* a request that came while one was worked on; empty: none */
    struct strbuf out;
    struct ldap_filter *filter, *values_filter;
    struct ldap_filter *assertion; /* of the request at hand (RFC 4528) */
    bool has_assertion;
    char *user;     /* canonical, or NULL */
    bool may_write; /* has shown the write password */
    bool sasl_under_way;
    char mechanism[AUTHD_MECHANISM_MAX + 1];
    unsigned bind_failures;
    int64_t began_ms;      /* clock_mono_ms */
    struct sorted *sorted; /* what a sorted search found, for its next pages; NULL: nothing */
    bool is_over;
    const char *end_reason; /* for the log */
};

/* For pool_ops.serve: `arg` is the struct server. */
enum pool_next session_serve(struct pool_session *pool, void *arg);

/* A response without more than a result; `text` is a diagnostic message, or NULL. */
void session_result(struct session *s, enum ldap_op op, enum ldap_result result, const char *text);
/* The same in two steps, for what comes between or behind: the message's start for session_send. */
size_t session_begin(struct session *s, enum ldap_op op, size_t *op_start);
void session_put_result(struct session *s, enum ldap_result result, struct slice matched,
                        struct slice text);
void session_send(struct session *s, size_t start); /* the message that begins there is whole */

/* A request is waiting to be read: abandons the one at hand, or the connection ends. Others are
 * kept for later. Or the session has to end. True: stop working. */
bool session_is_abandoned(struct session *s);

/* Asks directoryd; the answer's payload is borrowed until the next call. 0, or -1: it is away. */
struct ipc_reply;
int session_ask(struct session *s, struct strbuf *request, uint16_t type, struct ipc_reply *answer);

bool session_password_allowed(const struct session *s);

#endif
