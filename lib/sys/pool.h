/*
 * lib/sys/pool.h - the parent and the workers of a protocol daemon (smtpd, imapd, pop3d).
 *
 * The parent accepts, applies each port's limits (places in all, per address, per address and
 * minute, allow/deny) and hands each connection to a worker from a pre-forked pool: the client's
 * socket, and one end of a fresh channel to authd whose other end the parent has given to authd
 * together with the client's address (a worker cannot forge it). Of what comes from the network the
 * parent reads the header of a load balancer that is listed (lib/sys/proxy_header.h); and where the
 * program asks for it, connections wait in the parent for their first line, which it looks at and
 * leaves to the worker (struct pool_screening). Workers are forked by a process of their own
 * (lib/sys/forker.h), enter their sandbox before their first connection and serve one at a time;
 * when serve() says POOL_REUSE (no capability was ever held) a worker waits for the next one, else
 * it exits.
 *
 * SIGTERM: the parent stops accepting, tells idle workers to end, and ends with its last session,
 * at the latest after system.drain_time and a second in which the sessions that are left may say
 * goodbye (a second SIGTERM: at once). SIGHUP: the same without a
 * limit in time, for a parent that a new generation has replaced. A worker ends when its parent
 * does.
 */
#ifndef POSTHORN_LIB_SYS_POOL_H
#define POSTHORN_LIB_SYS_POOL_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "lib/base/slice.h"
#include "lib/base/strbuf.h"
#include "lib/sys/daemon.h"
#include "lib/sys/port_counts.h"

struct ipc_client;

/* What a session on a connection leaves to the next one (pool_session_succeed). It comes from a
 * process that may have been taken over: no member has a value that is none. */
struct pool_carried {
    char tls[16];  /* the client's connection is protected: "TLSv1.3"; empty: it is not */
    uint8_t bound; /* there is a channel binding (RFC 9266) */
    unsigned char binding[32];
    uint32_t login_failures; /* on this connection so far */
};

struct pool_session {
    int fd;                           /* the client, blocking */
    uint32_t port;                    /* index into pool_ops.ports */
    const struct port_counts *counts; /* of that port; NULL: nobody counts */
    const char *label;                /* the listener's label: "smtp", "submission", "smtps" */
    char session_id[16];              /* short unique id, on every log line (log_context is set) */
    char client_ip[INET6_ADDRSTRLEN]; /* IPv4-mapped addresses are shown as IPv4 */
    uint16_t client_port;
    char local_ip[INET6_ADDRSTRLEN];
    uint16_t local_port;
    struct ipc_client *auth; /* channel to authd for this session, or NULL; closed after serve() */
    struct ipc_client
        *backend;              /* a connection to pool_ops.backend, or NULL; closed after serve() */
    struct ipc_client *filter; /* the same to pool_ops.filter */
    int key_fd; /* a datagram socket connected to pool_ops.keys, or -1; serve() has to close it */
    int end_fd; /* becomes readable when the session has to end now: the drain time has passed, or
                 it was revoked */
    struct daemon *daemon;
    /* A connection that another session has had, and left: it was greeted. */
    bool continues;
    struct pool_carried carried;
    int ahead_fd; /* for pool_ahead_receive, or -1 */
    /* Where clients are screened: the parent has sent the greeting; */
    bool is_greeted;
    bool is_pressed; /* many places are taken: a client that is not known should not take its time;
                      */
    bool is_known;   /* this address has shown itself to be honest before; */
    bool is_proved;  /* set by serve(): and now again */
};

/* The session counts what its port has had. */
static inline void
pool_session_failed(const struct pool_session *session) /* no TLS came about */
{
    if (session->counts != NULL)
        stats_add(session->counts->failed, 1);
}
static inline void
pool_session_login_failed(const struct pool_session *session)
{
    if (session->counts != NULL)
        stats_add(session->counts->login_failures, 1);
}

enum pool_next { POOL_REUSE, POOL_EXIT };

#define POOL_PORTS_MAX 8

/* Listeners with one label. The members are settings. */
struct pool_port {
    const char *label;
    enum conf_id clients_max;     /* places: sessions at once */
    enum conf_id per_address_max; /* connections at once; 0: no limit */
    enum conf_id per_minute_max;  /* new ones per address; 0: no limit */
    enum conf_id allow, deny;     /* lists; with `allow`, all others are refused, */
    bool listed_only; /* also while it is empty; who is on it gets a worker at once, unscreened */
    enum conf_id unlimited; /* list: not held to the limits per address */
    bool local; /* a Unix socket: from this host, held to clients_max alone; authd hears whose it is
                 */
    bool login_only;  /* nothing is to be had there without a login: who may not log in from where
                         the connection comes (authd's blocks) gets no worker */
    bool speaks_late; /* the client begins (TLS): no greeting, no text to refuse */
    bool tests_early; /* pool_screening.rejects_early holds here */
};
/* The settings of section NAME as the table calls them. */
#define POOL_PORT_LIMITS(NAME)                                                                     \
    .clients_max = NAME##_MAX_CLIENTS, .per_address_max = NAME##_MAX_CLIENTS_PER_IP,               \
    .per_minute_max = NAME##_MAX_PER_MINUTE_PER_IP, .allow = NAME##_ALLOW, .deny = NAME##_DENY,    \
    .unlimited = NAME##_UNLIMITED_IPS

/* Why the parent sends somebody away. */
enum pool_refusal {
    POOL_DENIED,    /* by the allow or deny list */
    POOL_TOO_MANY,  /* a limit */
    POOL_BLOCKED,   /* from there nobody may log in (pool_port.login_only) */
    POOL_EARLY,     /* spoke before the greeting */
    POOL_PIPELINED, /* went on before the reply to its first line */
    POOL_ALIEN,     /* speaks another protocol */
    POOL_LONG,      /* the first line has no end */
    POOL_SLOW,      /* the first line did not come in time */
    POOL_CROWDED,   /* waited longest when there was no more room to wait */
    POOL_CLOSING    /* the service ends */
};

enum pool_first {
    POOL_FIRST_PART, /* not yet a line */
    POOL_FIRST_GOOD, /* for a worker to read */
    POOL_FIRST_PIPELINED,
    POOL_FIRST_ALIEN
};

#define POOL_FIRST_MAX 1024 /* bytes of a first line */

/* Connections wait in the parent, for the greeting and then for the client's first line; only then
 * a worker is taken. Clients that are known, or on the list of those without limits, get a worker
 * at once while half of the places are free. */
struct pool_screening {
    const char *greeting;
    bool rejects_early;     /* who sends before the greeting is sent away */
    int64_t greet_delay_ms; /* with it: the greeting comes so late */
    int64_t first_line_ms;  /* from the greeting to the end of the first line */
    int64_t hello_ms;       /* where the client begins: until its first byte */
    int64_t known_ms;       /* how long an address is known after a good session; 0: it is not */
    unsigned waiting_max;   /* above it who waits longest has to go */
    enum conf_id friends;   /* list: not tested for speaking early */
    /* Looks at what has come so far, at most POOL_FIRST_MAX bytes of it. */
    enum pool_first (*judge)(struct slice seen, void *arg); /* arg: pool_ops.arg */
};

struct pool_ops {
    const struct pool_port *ports;
    size_t port_count;
    /* A server of ours (its socket's name) to which each session gets a connection of its own,
     * made by the parent: the worker need not be able to connect anywhere. NULL: none. */
    const char *backend;
    uint32_t backend_payload_max;
    /* What the parent sends first on that connection, so that the server hears from the parent, not
     * from the session, whose session it is and where its client: one whole frame. NULL: nothing.
     */
    int (*backend_hello)(struct strbuf *out, struct slice session_id, struct slice client_ip);
    const char *filter; /* another one */
    uint32_t filter_payload_max;
    const char *keys; /* the same of datagrams (lib/ipc/tls_key.h) */
    /* What each worker runs in; uid 0 is never allowed. Its directories are all that a session may
     * ever be given (Landlock only tightens: the user's own directory, after login, lies below one
     * of them). What the pool needs itself (accepting, forking, the empty directory to chroot into)
     * it adds. */
    struct sandbox parent_box;
    struct sandbox worker_box;
    /* Sessions use the directories in worker_box.dirs themselves. Otherwise their descriptors are
     * closed when Landlock knows them: before its login a session holds no directory at all. */
    bool keep_dirs;
    bool anonymous; /* nobody logs in: sessions have no channel to authd */
    bool no_paths; /* sessions are never given a directory: nothing can be opened, from the start */
    enum pool_next (*serve)(struct pool_session *session, void *arg);
    /* In the parent, when it sends a connection away: text to send before closing, or NULL. Not
     * asked where the client begins. */
    const char *(*refusal)(enum pool_refusal why);
    void *arg;
    const struct pool_screening *screening; /* NULL: every connection gets a worker at once */
    enum conf_id proxies; /* list: load balancers, whose connections begin with a PROXY header */
    /* Sessions may ask for a successor. Of listeners whose bit (1 << index into ports) is set the
     * parent then keeps the clients' sockets as long as their sessions run, to give them away; on
     * the others TLS is there from the start, and only a relay is possible. */
    bool successors;
    unsigned keep_sockets;
    unsigned spare_min, spare_max; /* idle workers kept ready */
    unsigned reuse_max;            /* connections a reusable worker serves at most; 0: one */
};

/* In a session whose end_fd is readable: rights were taken away, nobody is shutting down. */
bool pool_session_is_revoked(const struct pool_session *session);
/* Whether end_fd is readable; for sessions that ask for no successor. To be asked before each
 * request: who always sends the next one is never waited for. */
bool pool_session_is_ended(const struct pool_session *session);

/* In a session that holds a capability: has the connection go on in a fresh worker. Returns a
 * socket that the caller owns, or -1: there is no successor, and the client has to go.
 * With `relay` it stands for the client: the successor serves who writes to it and reads from it,
 * and from then on this process has to carry bytes, nothing else. Once on a connection.
 * Without, the successor has got session->fd itself and waits for pool_ahead_send. */
int pool_session_succeed(struct pool_session *session, const struct pool_carried *carried,
                         bool relay);
/* Lets the successor begin, with what was read from the client for it (at most POOL_AHEAD_MAX
 * bytes). Closes `fd`. 0, or -1 with errno: it will not. */
#define POOL_AHEAD_MAX 65536
int pool_ahead_send(int fd, struct slice unread);
/* In the successor: waits for that. The number of bytes, or -1: the one before did not get there.
 */
ssize_t pool_ahead_receive(int fd, char *buf, size_t cap, int64_t deadline_mono_ms);

/* Enters the parent's sandbox, reports ready, runs until drained. Returns the exit status. */
int pool_run(struct daemon *d, const struct pool_ops *ops);

#endif
