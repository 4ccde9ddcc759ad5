/*
 * lib/ipc/queue_manager.h - queue-manager with its delivery agents, and with the command line.
 *
 * Socket run/queue.sock. Agents (worker processes of local-deliver and remote-deliver, archived)
 * connect and say HELLO; the queue manager sends JOBs, at most `slots` unanswered per agent, and
 * the agent sends one RESULT for each. A lost connection puts the agent's jobs in doubt: they are
 * given out again with `in_doubt` set. Root and the suite's owner may send control requests on the
 * same socket.
 */
#ifndef POSTHORN_LIB_IPC_QUEUE_MANAGER_H
#define POSTHORN_LIB_IPC_QUEUE_MANAGER_H

#include "lib/ipc/frame.h"
#include "lib/queue/envelope.h"

#define QUEUE_SOCKET "queue.sock"
#define QUEUE_ID_MAX 32 /* bytes of a queue id: [0-9A-Za-z] */
#define QUEUE_JOB_RCPTS_MAX 1000
#define QUEUE_ADDRESS_MAX 1024
#define QUEUE_TEXT_MAX 1024
#define QUEUE_PAYLOAD_MAX (8u << 20)
#define QUEUE_CLASSES_MAX 64
#define QUEUE_SHOWN_MAX (128u << 10)        /* bytes of members' addresses that a job may have */
#define QUEUE_ENVELOPE_RCPTS_MAX (4u << 20) /* bytes of them in an archive job */

enum queue_type {
    QUEUE_HELLO = 1,
    QUEUE_JOB,
    QUEUE_RESULT,
    QUEUE_CONTROL,
    QUEUE_CONTROL_REPLY,
    QUEUE_REPLY,
    QUEUE_CUSTOMER, /* authd: who has the other end of this connection from now on */
    QUEUE_FETCH,    /* a session of such a customer: ATRN; carries the client's connection */
    QUEUE_FETCH_REPLY,
    QUEUE_CONNECTION,      /* to a remote agent: a connection that jobs will name; it comes along */
    QUEUE_CONNECTION_END,  /* to the agent: no more jobs for it */
    QUEUE_CONNECTION_OVER, /* from the agent: it is closed */
};

/* ATRN (RFC 2645). authd connects, says who has logged in, and gives the connection to that
 * session: it can ask for this user's mail and for nothing else. The answer is the reply to ATRN;
 * after 250 the client's connection belongs to a remote agent, and this one may be closed. */
#define QUEUE_DOMAINS_MAX 2048 /* bytes of a list of domains */
struct queue_customer {
    struct slice user, client_ip;
};
int queue_customer_encode(struct strbuf *out, const struct queue_customer *customer);
int queue_customer_decode(struct slice payload, struct queue_customer *customer);
int queue_fetch_encode(struct strbuf *out, struct slice domains); /* "a.test,b.test"; empty: all */
int queue_fetch_decode(struct slice payload, struct slice *domains);
struct queue_fetch_reply {
    uint16_t code; /* of SMTP: 250, 450, 451, 453 */
    struct slice text;
};
int queue_fetch_reply_encode(struct strbuf *out, uint32_t id,
                             const struct queue_fetch_reply *reply);
int queue_fetch_reply_decode(struct slice payload, struct queue_fetch_reply *reply);
/* CONNECTION, CONNECTION_END, CONNECTION_OVER. */
struct queue_connection {
    uint64_t number;        /* that jobs name, never 0 */
    struct slice client_ip; /* of CONNECTION */
};
int queue_connection_encode(struct strbuf *out, uint16_t type,
                            const struct queue_connection *connection);
int queue_connection_decode(struct slice payload, struct queue_connection *connection);

enum queue_agent { QUEUE_AGENT_LOCAL = 1, QUEUE_AGENT_REMOTE, QUEUE_AGENT_ARCHIVE };
struct queue_hello {
    uint8_t agent;  /* enum queue_agent */
    uint16_t slots; /* jobs at once */
};
int queue_hello_encode(struct strbuf *out, const struct queue_hello *hello);
int queue_hello_decode(struct slice payload, struct queue_hello *hello);

enum { /* DSN requests of one recipient (RFC 3461 section 4.1) */
       QUEUE_NOTIFY_NEVER = 1,
       QUEUE_NOTIFY_SUCCESS = 2,
       QUEUE_NOTIFY_FAILURE = 4,
       QUEUE_NOTIFY_DELAY = 8
};

struct queue_job_rcpt {
    uint32_t index;        /* of the recipient in the envelope: comes back in the result */
    struct slice address;  /* final: mailbox user@domain, or remote address */
    struct slice original; /* ORCPT as received ("rfc822;a@b"), or empty */
    uint8_t notify;
    struct slice path; /* local: directory below store/ */
    uint64_t quota_bytes, quota_messages;
    uint8_t warning_limit;      /* percent of a quota; 0: no warning */
    bool auto_reply;            /* local: this mail may be answered */
    struct slice system_sender; /* local: who a warning comes from; empty: the postmaster */
};
struct queue_job {
    uint64_t job_id;
    struct slice queue_id;
    struct slice file;                     /* name below queue/, "active/4fXk2q" */
    uint64_t content_offset, content_size; /* the message's bytes in that file */
    uint32_t content_crc;                  /* CRC-32C of these */
    int64_t received_ms;                   /* real time */
    bool in_doubt; /* may have been delivered before: look for the queue id first */
    bool smtputf8, body_8bit, body_binary; /* what the content needs */
    bool requiretls, tls_optional;         /* REQUIRETLS, "TLS-Required: No" (RFC 8689) */
    struct slice sender;                   /* reverse path */
    struct slice envid;                    /* RFC 3461, or empty */
    uint8_t ret;                           /* 0 none, 1 FULL, 2 HDRS */
    uint8_t by_mode;                       /* enum queue_by_mode (RFC 2852) */
    bool by_trace;
    int64_t deliver_by_ms; /* with a mode, since 1970 */
    int8_t priority;       /* MT-PRIORITY (RFC 6710) */
    struct slice next_hop; /* remote: the domain (or address literal) to go to */
    struct slice prepend;  /* remote: whole header fields to send before the content, or empty */
    bool ours;         /* remote: it began here (a user, a trusted host, ourselves): we sign it */
    struct slice user; /* remote: address of who submitted it, or empty */
    struct slice forwarder; /* remote: the address here that sends it on, or empty */
    uint64_t connection;    /* remote: goes over this one alone (QUEUE_CONNECTION); 0: as usual */
    /* Archive: names of the classes, and the recipients of the envelope, each with a LF behind it.
     * What is beyond the limit is left out, with "+NUMBER" as the last line. */
    struct slice classes, envelope_rcpts;
    struct slice shown; /* groups that are shown by their members (lib/mail/recipient_replace.h) */
    uint32_t rcpt_count;
    struct queue_job_rcpt *rcpts; /* encode: the caller's; decode: allocated, queue_job_free() */
};
/* A remote or archive job carries the message's descriptor (read-only); a local one is opened by
 * name. */
int queue_job_encode(struct strbuf *out, const struct queue_job *job);
int queue_job_decode(struct slice payload, struct queue_job *job);
void queue_job_free(struct queue_job *job);

enum queue_outcome { QUEUE_DELIVERED, QUEUE_DEFERRED, QUEUE_BOUNCED };
struct queue_result_rcpt {
    uint32_t index;
    uint8_t outcome;     /* enum queue_outcome */
    struct slice dsn;    /* "2.0.0", "4.4.1", "5.1.1" */
    struct slice text;   /* the remote reply or our reason, one line */
    struct slice remote; /* remote MTA's name, or empty */
    bool dsn_relayed;    /* the next hop does DSN itself: we send no success notice */
    bool tell_relayed;   /* DELIVERBY wants the sender to hear that it was passed on */
};
struct queue_result {
    uint64_t job_id;
    /* Nothing wrong with the message: the next hop could not be reached; local: a mailbox is not
     * where the job says or somebody has it locked; look it up and try it again soon. */
    bool destination_failed;
    uint32_t rcpt_count;
    struct queue_result_rcpt *rcpts; /* decode: allocated, queue_result_free() */
};
int queue_result_encode(struct strbuf *out, const struct queue_result *result);
int queue_result_decode(struct slice payload, struct queue_result *result);
void queue_result_free(struct queue_result *result);

/* A local agent's, before the RESULT of the job: the automatic reply of one of its recipients,
 * whole but for trace fields. It goes from the null sender to the sender of the job's message,
 * once. */
#define QUEUE_REPLY_MAX 32768 /* bytes of the message */
struct queue_reply {
    uint64_t job_id;
    uint32_t index; /* of the recipient who answers */
    struct slice message;
};
int queue_reply_encode(struct strbuf *out, const struct queue_reply *reply);
int queue_reply_decode(struct slice payload, struct queue_reply *reply);

/* Control: the command line. Verbs:
 *   flush    `names`: what is to be tried now: ids, or a domain, or "ALL" or nothing for all
 *   hold     `names`: ids; `text`: the reason
 *   release  `names`: ids; `time_ms`: not before (ms since 1970), 0: at once
 *   delete   `names`: ids
 *   edit     `names`: one id; `removed`, `added`: recipients, one of them may be empty
 *   approve  `names`: ids that wait for approval: they go
 *   refuse   the same, they do not; `text`: the reason
 *   stats    figures as the reply's data, objects of lib/ipc/object.h
 *   age      the same: "oldest", when the oldest message that waits was accepted (ms since 1970; 0:
 *            none waits). stats and age may be asked by alertd too
 * Ids are separated by spaces. What is in the queue the command line reads from its directories. */
#define QUEUE_CONTROL_IDS_MAX 500
struct queue_control {
    struct slice verb, names, text, removed, added;
    int64_t time_ms;
};
struct queue_control_reply {
    uint32_t result; /* 0: done, for every id */
    uint32_t count;  /* messages that it was done for */
    struct slice text, data;
};
int queue_control_encode(struct strbuf *out, const struct queue_control *req);
int queue_control_decode(struct slice payload, struct queue_control *req);
int queue_control_reply_encode(struct strbuf *out, uint32_t id, const struct queue_control_reply *);
int queue_control_reply_decode(struct slice payload, struct queue_control_reply *reply);

#endif
