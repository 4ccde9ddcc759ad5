/*
 * smtpd/session.h - one SMTP or LMTP connection, from the greeting to the end.
 */
#ifndef POSTHORN_SMTPD_SESSION_H
#define POSTHORN_SMTPD_SESSION_H

#include "lib/queue/queue_slots.h"
#include "lib/sys/pool.h"
#include "lib/tls/stream.h"
#include "smtpd/filter.h"
#include "smtpd/recipients.h"
#include "smtpd/server.h"
#include "smtpd/transaction.h"

#define SESSION_READ_MAX 32768
#define SESSION_LINE_MAX 12290   /* octets of a SASL line with CRLF (RFC 4954 section 4) */
#define SESSION_COMMAND_MAX 2048 /* 512 (RFC 5321 section 4.5.3.1.4) and what extensions add */
#define SESSION_HELO_MAX 255

/* Bits, so that the command table can say in which states a command is legal. */
enum session_state {
    ST_NEW = 1 << 0,       /* no EHLO, HELO or LHLO yet */
    ST_GREETED = 1 << 1,   /* no transaction */
    ST_SENDER = 1 << 2,    /* MAIL was accepted */
    ST_RECIPIENT = 1 << 3, /* and one RCPT or more */
    ST_CHUNKS = 1 << 4,    /* BDAT has begun */
    ST_BROKEN = 1 << 5, /* the transaction failed half way: RSET comes next (RFC 3030 section 2) */
    ST_ANY = (1 << 6) - 1,
};

struct xattrs;

struct session {
    struct pool_session *pool;
    struct server *server;
    const struct settings *settings;
    struct stream *stream;
    enum session_state state;
    bool is_submission;   /* port 587 or 465: MAIL needs authentication */
    bool is_lmtp;         /* RFC 2033: from a host of ours, to recipients of ours */
    bool is_odmr;         /* RFC 2645: users fetch mail here */
    bool is_trusted;      /* smtp.hosts_no_auth */
    bool is_extended;     /* EHLO or LHLO, not HELO */
    bool is_stale;        /* the connection to accountd is lost */
    bool user_proved;     /* auth_user to authd, on this channel; not only said by XCLIENT */
    bool held_capability; /* somebody has logged in: this worker serves nobody else */
    bool closing;
    char helo[SESSION_HELO_MAX + 1];
    char *auth_user;                          /* canonical address, or NULL */
    char *auth_method;                        /* SASL mechanism, with it */
    uint64_t errors, idle_commands, refusals; /* since the last accepted message */
    unsigned last_code;                       /* of the replies */
    uint64_t rsets, messages;
    int64_t hold_max_ms; /* the last HOLDUNTIL that EHLO has announced, since 1970 */
    struct transaction transaction;
    struct recipients recipients; /* RCPTs of it that have no reply yet */
    struct queue_slots *slots;    /* for its messages */
    struct filter filter;
    int relay_fd;              /* after ATRN over TLS: the agent's side; else -1 */
    struct xattrs *speaks_for; /* what XCLIENT said, or NULL */
    struct xattrs *forwarded;  /* what XFORWARD said of the next message, or NULL */
};

/* For pool_ops.serve: `arg` is the struct server. */
enum pool_next session_serve(struct pool_session *pool, void *arg);

/* One reply line "CODE DSN text"; an empty dsn leaves that part out (RFC 2034 section 4: EHLO, HELO
 * and the greeting). Cut to 512 octets. Collected until the reader has to wait. RCPTs that wait for
 * their reply get it first. */
__attribute__((format(printf, 4, 5))) void session_reply(struct session *s, unsigned code,
                                                         const char *dsn, const char *format, ...);
/* The same, and counts against the client's budget of errors. */
__attribute__((format(printf, 4, 5))) void session_error(struct session *s, unsigned code,
                                                         const char *dsn, const char *format, ...);
/* Tells the filters who the client is, and greets it unless it `is_greeted` already. One that they
 * refuse is told so, now or at its next command. */
void session_greet(struct session *s, bool is_greeted);
/* The reply that a refusal is; after 421 no more commands (RFC 5321 section 3.8). */
void session_refuse(struct session *s, const struct refusal *why);
/* How many replies the end of a message has: one, in LMTP one for each recipient that was accepted
 * (RFC 2033 section 4.2). */
uint64_t session_end_replies(const struct session *s);
/* The refusal of a whole message at its end, so many times. An error, for the client's budget, if
 * it is for ever. */
void session_refuse_end(struct session *s, const struct refusal *why);
/* 421 and no more commands. */
void session_shut(struct session *s, const char *dsn, const char *text);

enum session_line {
    SESSION_LINE_OK,
    SESSION_LINE_LONG,    /* over SESSION_LINE_MAX */
    SESSION_LINE_BARE_LF, /* a LF without CR was in it: it ended nothing (RFC 5321 section 2.3.8) */
    SESSION_LINE_GONE,    /* no more: the session is closing */
};
/* Reads up to the next CRLF; *line is without it, borrowed until the next read. */
enum session_line session_read_line(struct session *s, struct slice *line);

/* Who the client is, for the rules. Borrows from the session. */
struct reception_client session_client(const struct session *s);
/* The largest message that the client may send, in octets; 0: no limit. */
uint64_t session_size_limit(const struct session *s);
/* The refusal of one that is larger. */
const struct refusal *session_size_refusal(const struct session *s);
/* Is its mail that of a user, who hands it in (RFC 6409), and not that of another server? */
bool session_submits(const struct session *s);

/* Drops the transaction and the state that follows from it. */
enum session_state session_reset(struct session *s);
/* Forgets what the client said and is, as after STARTTLS (RFC 3207 section 4.2). */
void session_forget(struct session *s);

#endif
