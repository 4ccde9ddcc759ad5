/*
 * lib/smtp/smtp_client.h - the client side of SMTP and LMTP over one blocking connection.
 *
 * Every step has its own deadline (RFC 5321 section 4.5.3.2), and all of them one for the whole
 * conversation. What the server says is untrusted. Results come as verdicts: a code of 0 stands for
 * trouble with the connection, which says nothing about the message.
 */
#ifndef POSTHORN_LIB_SMTP_SMTP_CLIENT_H
#define POSTHORN_LIB_SMTP_SMTP_CLIENT_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "lib/smtp/smtp_limits.h"
#include "lib/smtp/smtp_reply.h"
#include "lib/smtp/socks.h"
#include "lib/tls/tls.h"

struct smtp_client;

#define SMTP_TEXT_MAX 900
#define SMTP_HOST_MAX 256

struct smtp_verdict {
    unsigned code;            /* of the reply; 0: no reply, the connection failed */
    char dsn[SMTP_DSN_MAX];   /* "4.4.1" */
    char text[SMTP_TEXT_MAX]; /* one line, says who said what to which command */
};

struct smtp_timeouts { /* milliseconds */
    int64_t connect, greeting, command, tls, data_start, data_block, data_end;
};

struct smtp_sources { /* local addresses; family 0: the system chooses */
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* How far TLS came with a server, for reports about it. */
enum smtp_tls_end {
    SMTP_TLS_UNTRIED, /* the conversation ended before */
    SMTP_TLS_STARTED,
    SMTP_TLS_ABSENT, /* the server does not offer it */
    SMTP_TLS_FAILED, /* refused by the server, or the handshake failed */
};
#define SMTP_TLS_REASON_MAX 256
#define SMTP_IP_MAX 64
struct smtp_tls_result {
    enum smtp_tls_end end;
    enum tls_distrust distrust; /* of FAILED; with a check that only notes, of STARTED too */
    char
        reason[SMTP_TLS_REASON_MAX]; /* of FAILED and of distrust; one line from us or the server */
    char helo[SMTP_HOST_MAX];        /* what the server calls itself, or "" */
    char local_ip[SMTP_IP_MAX];      /* the connection's end here, or "" */
};

struct smtp_client_options {
    const char *helo_name;
    const struct smtp_sources *sources; /* or NULL */
    struct tls_context *tls;            /* NULL: no TLS */
    const struct tls_check *check;      /* for `tls`; NULL: any certificate, or the peer's host */
    struct tls_context *verifying_tls;  /* for peers that get a password */
    const struct socks_proxy *proxy;    /* to all but Unix sockets and loopback; NULL: none. Used
                                           only while the connection is made */
    bool demand_tls;
    struct smtp_timeouts timeouts;
    struct smtp_tls_result *tls_result; /* filled in by smtp_client_open; NULL: not wanted */
};

#define SMTP_LOGIN_MAX 255 /* bytes of user name and of password */
struct smtp_login {
    const char *user, *password;
};

struct smtp_peer {
    char host[SMTP_HOST_MAX]; /* name for messages, SNI and certificate; or an address */
    char ip[64];
    struct sockaddr_storage address; /* with the port; or a Unix socket, which needs no TLS */
    socklen_t address_len;
    bool tls_at_once;               /* TLS from the first byte, not by STARTTLS */
    bool is_lmtp;                   /* RFC 2033 */
    const struct smtp_login *login; /* NULL: none. Else nothing is sent without TLS, and a
                                       certificate that fits */
};

enum smtp_capability {
    SMTP_CAN_PIPELINING = 1 << 0,
    SMTP_CAN_8BITMIME = 1 << 1,
    SMTP_CAN_CHUNKING = 1 << 2,
    SMTP_CAN_BINARYMIME = 1 << 3,
    SMTP_CAN_SMTPUTF8 = 1 << 4,
    SMTP_CAN_DSN = 1 << 5,
    SMTP_CAN_STARTTLS = 1 << 6,
    SMTP_CAN_SIZE = 1 << 7,
    SMTP_CAN_AUTH_PLAIN = 1 << 8,
    SMTP_CAN_AUTH_LOGIN = 1 << 9,
    SMTP_CAN_REQUIRETLS = 1 << 10,
    SMTP_CAN_DELIVERBY = 1 << 11,
    SMTP_CAN_MT_PRIORITY = 1 << 12,
};

/* Connects, waits for the greeting, says EHLO (HELO to a server that does not know it; LHLO for
 * LMTP), starts TLS where it is offered and logs in. A failed handshake means a new connection
 * without TLS, unless TLS is demanded. `deadline_mono_ms` is for everything until the next
 * smtp_client_set_deadline. NULL with *why. */
struct smtp_client *smtp_client_open(const struct smtp_peer *peer,
                                     const struct smtp_client_options *options,
                                     int64_t deadline_mono_ms, struct smtp_verdict *why);
/* The same over a connection that the server has made (ATRN, RFC 2645 section 5.3), from the
 * greeting to EHLO; takes `fd`. Of the options time-outs and name count; there is no TLS but what
 * the server may have put around it. */
struct smtp_client *smtp_client_adopt(int fd, const struct smtp_peer *peer,
                                      const struct smtp_client_options *options,
                                      int64_t deadline_mono_ms, struct smtp_verdict *why);
/* QUIT, without waiting for long; frees. A NULL client is fine. */
void smtp_client_close(struct smtp_client **clientp);
void smtp_client_set_deadline(struct smtp_client *client, int64_t deadline_mono_ms);

bool smtp_client_can(const struct smtp_client *client, enum smtp_capability capability);
uint64_t smtp_client_size_max(const struct smtp_client *client); /* 0: none announced */
/* The shortest time that DELIVERBY takes, in seconds; 0: none announced. */
int64_t smtp_client_min_by(const struct smtp_client *client);
/* Of the last EHLO (RFC 9422). */
const struct smtp_limits *smtp_client_limits(const struct smtp_client *client);
/* The server takes another MAIL in this session, as far as it has said. */
bool smtp_client_takes_mail(const struct smtp_client *client);
const struct smtp_peer *smtp_client_peer(const struct smtp_client *client);
/* A constant; "" without TLS. */
const char *smtp_client_tls_version(const struct smtp_client *client);
/* Why TLS was given up for clear text; "" if it was not. */
const char *smtp_client_tls_trouble(const struct smtp_client *client);
bool smtp_client_is_alive(const struct smtp_client *client); /* no step has failed yet */

/* ---- for lib/smtp/smtp_send.c: commands and replies ---- */
struct stream;
struct stream *smtp_client_stream(struct smtp_client *client);
void smtp_client_fail(struct smtp_client *client);          /* of no more use from here on */
void smtp_client_count_mail(struct smtp_client *client);    /* MAIL is being sent */
bool smtp_client_is_late(const struct smtp_client *client); /* the whole deadline has passed */
const struct smtp_timeouts *smtp_client_timeouts(const struct smtp_client *client);
/* Reads the reply to `command` ("MAIL FROM", for the verdict's text). 0, or -1 when the connection
 * is of no more use; *verdict is filled in either way. A 421 counts as the end. */
int smtp_client_reply(struct smtp_client *client, const char *command, int64_t step_ms,
                      struct smtp_verdict *verdict);

#endif
