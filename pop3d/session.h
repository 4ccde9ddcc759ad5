/*
 * pop3d/session.h - one POP3 connection, from the greeting to the end.
 */
#ifndef POSTHORN_POP3D_SESSION_H
#define POSTHORN_POP3D_SESSION_H

#include "lib/auth/mechanisms.h"
#include "lib/sys/pool.h"
#include "lib/tls/stream.h"
#include "pop3d/command.h"
#include "pop3d/maildrop.h"
#include "pop3d/message_in.h"

#define SESSION_NAME_MAX 255 /* bytes of a login name */

/* What the parent has loaded, shared by all sessions. */
struct server {
    struct tls_context *tls;
    const char *banner; /* "" : the product's name */
    bool plain_on_loopback;
    struct mechanisms *mechanisms;
    bool refuse_utf8; /* international messages only after the UTF8 command */
    int64_t idle_ms, login_ms, tls_ms;
    uint32_t undelete_days; /* store.undelete_days */
    int64_t login_delay_ms; /* authd enforces it; 0: none */
    struct {
        _Atomic uint64_t *logins, *login_failures, *retrieved, *removed, *bytes_out;
    } count;
};

/* RFC 1939 section 3. Bits, so that the command table can say where a command is legal. */
enum session_state {
    ST_AUTHORIZATION = 1 << 0,
    ST_USER = 1 << 1, /* AUTHORIZATION after USER: PASS may come */
    ST_TRANSACTION = 1 << 2,
    ST_END = 1 << 3, /* the connection closes after the reply */
    ST_BEFORE_LOGIN = ST_AUTHORIZATION | ST_USER,
    ST_ANY = ST_BEFORE_LOGIN | ST_TRANSACTION,
};

struct session {
    struct pool_session *pool;
    struct server *server;
    struct stream *stream;
    enum session_state state;
    int64_t login_deadline;                /* mono ms: until then the client has logged in */
    bool utf8;                             /* RFC 6856 */
    bool login_is_delayed;                 /* the server's login_delay_ms holds for the user */
    bool marks_seen;                       /* what is retrieved becomes \Seen at the end */
    bool was_authenticated;                /* this process has held a user's directory */
    char login_name[SESSION_NAME_MAX + 1]; /* of USER */
    char *user;                            /* canonical; NULL before the login */
    struct maildrop *maildrop;             /* in ST_TRANSACTION */
    struct message_in in;                  /* the message that is being sent, or read ahead */
    uint32_t last_retrieved;
    bool in_order; /* that was the one behind the one before */
    uint32_t last; /* highest number that was read or marked */
    unsigned login_failures, errors;
    uint64_t retrieved, removed;
    const char *end_reason; /* for the log */
};

/* For pool_ops.serve: `arg` is the struct server. */
enum pool_next session_serve(struct pool_session *pool, void *arg);

/* One reply line, "+OK text" or "-ERR [code] text"; `code` NULL: none (RFC 2449 section 8). Leaves
 * when the reader has to wait. */
__attribute__((format(printf, 2, 3))) void session_ok(struct session *s, const char *format, ...);
__attribute__((format(printf, 3, 4))) void session_error(struct session *s, const char *code,
                                                         const char *format, ...);

enum session_line {
    SESSION_LINE_OK,
    SESSION_LINE_LONG,
    SESSION_LINE_BARE_LF, /* a LF without CR was in it: it ended nothing */
    SESSION_LINE_GONE     /* no more comes; end_reason says why */
};
/* Up to the next CRLF, which *line is without; borrowed until the next read. */
enum session_line session_read_line(struct session *s, size_t max, struct slice *line);

/* TLS from here on. False: the connection is of no more use. */
bool session_start_tls(struct session *s);

/* RFC codes of answers to trouble of ours. */
extern const char *const session_temporary, *const session_permanent;

#endif
