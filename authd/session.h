/*
 * authd/session.h - one session's channel: which exchange is under way, what it answers.
 */
#ifndef POSTHORN_AUTHD_SESSION_H
#define POSTHORN_AUTHD_SESSION_H

#include "authd/account.h"
#include "authd/client_address.h"
#include "authd/folders.h"
#include "authd/means.h"
#include "authd/server.h"
#include "lib/auth/digest.h"
#include "lib/auth/sasl.h"
#include "lib/ipc/authd.h"

enum session_service {
    SERVICE_SMTP,
    SERVICE_IMAP,
    SERVICE_POP3,
    SERVICE_ADMIN,
    SERVICE_LDAP,
    SERVICE_COUNT
};

struct session {
    struct server *server;
    struct ipc_peer *peer; /* NULL: the session has gone, only answers to us are outstanding */
    enum session_service service;
    struct client_address address;
    char client_ip[64];
    bool is_local; /* by a process of local_uid, over a Unix socket */
    uid_t local_uid;
    char session_id[65];
    char local_ip[65];             /* where the client has connected */
    char host[AUTHD_HOST_MAX + 1]; /* that it asked for, says the session */

    enum {
        SESSION_IDLE,   /* no exchange */
        SESSION_CLIENT, /* we wait for the client's next message */
        SESSION_WORKING /* look-up, hash, delay: the client waits for us */
    } state;
    uint32_t request_id; /* of the frame that the next answer belongs to */
    enum sasl_mechanism mechanism;
    bool tls;
    struct sasl *sasl;
    struct account account;
    struct means means;                                    /* of that account */
    const struct accountd_code *key_codes[MEANS_KEYS_MAX]; /* SCRAM: of which code each key is */
    char code[ACCOUNTD_CODE_ID_MAX + 1];          /* the code that proves this login, or "" */
    char code_used[ACCOUNTD_CODE_ID_MAX + 1];     /* that of the user who has logged in, or "" */
    bool by_token;                                /* likewise by OAuth, not by a password */
    uint64_t parent_id;                           /* the connection that attached it */
    struct folder_grants grants;                  /* what the last login was given */
    char *user;                                   /* who has logged in, or NULL */
    char *password_changed;                       /* of that user, at that login */
    uint32_t rights;                              /* of that user, enum accountd_right */
    struct session *watched_next, **watched_link; /* NULL: not on the list of server.watched */
    unsigned check;                               /* what watch.c has to look at again */
    unsigned changes_seen;                        /* when the user was looked up (watch.h) */
    struct user_check *user_check;                /* of an administrator (authd/user_check.h) */
    struct strbuf proof;                          /* SCRAM's message that goes with the success */
    struct hash_job *job;                         /* its done() will come */
    unsigned outstanding;     /* calls to accountd and the store whose done() will come */
    struct loop_timer *timer; /* the client's time, or the end of a delay */
    int dir_fd;               /* of the user, while the folders of others are asked for; else -1 */
    enum authd_failure delayed_failure;
    unsigned failures;
    unsigned char admin_record[DIGEST_MAX]; /* of an administrator's password record */
    bool cached;
    bool token_refused; /* the client has been told why, and has to answer */
    bool awaits_code;   /* an administrator: the authenticator's code is to come */
    void (*code_proved)(struct session *s);
    const char *closed; /* the user of this exchange is blocked: why, for the log */
    bool closed_by_mail;
    char *wanted; /* secret: the exchange is for this password in place of the present one */
    size_t wanted_len;
};

/* A new channel from one of the protocol daemons' parents, by its connection `parent_id`. Takes
 * over `fd`. 0, or -1: too many, or nonsense in `attach` (fd is closed then). */
int session_attach(struct server *server, uint64_t parent_id, const struct authd_attach *attach,
                   int fd);

/* Answers: each ends the exchange or hands it to the client. The session may be gone afterwards. */
void session_send_challenge(struct session *s, struct slice challenge);
/* With the user's directory (-1: none; stays the caller's) and all of s->grants. */
void session_send_ok(struct session *s, int dir_fd);
void session_send_failure(struct session *s, enum authd_failure failure);
/* The same after `delay_ms`. */
void session_send_failure_later(struct session *s, enum authd_failure failure, int64_t delay_ms);

/* Begins an exchange by PLAIN; `host` is what the client asked for, at most AUTHD_HOST_MAX bytes.
 * False: that has been answered. */
bool session_begin_plain(struct session *s, bool tls, struct slice host);
/* A frame that ends the exchange, whoever has logged in. */
void session_answer(struct session *s, struct strbuf *frame);

/* Calls to other programs can't be taken back: hold before the call, release first thing in
 * done(). False from release: the session has gone and is freed now. */
void session_hold(struct session *s);
bool session_release(struct session *s);

const char *session_service_name(const struct session *s);
uint32_t session_service_right(const struct session *s); /* enum accountd_right; 0: everybody */

#endif
