/*
 * lib/queue/envelope.h - sender, recipients and origin of one queued message, and its record.
 *
 * On disk an envelope is a record: a body of typed fields (the encoding of lib/ipc/frame.h) and a
 * footer of ENVELOPE_FOOTER bytes at the very end, so that a reader finds it from the file's end.
 * The footer closes every message file; where the envelope is beside (ID.env), the message file has
 * a footer with an empty body. Without it the sender of a message could forge one as its last
 * bytes. doc/queue.md has every byte.
 */
#ifndef POSTHORN_LIB_QUEUE_ENVELOPE_H
#define POSTHORN_LIB_QUEUE_ENVELOPE_H

#include <stdint.h>

#include "lib/base/strbuf.h"

#define QUEUE_RCPTS_MAX 100000
#define QUEUE_ENVELOPE_MAX (64u << 20)
#define ENVELOPE_FOOTER 24
#define QUEUE_ID_SIZE 33 /* bytes of a queue id with its NUL */

/* What happens to a message that was not delivered in time (RFC 2852 section 4). */
enum queue_by_mode {
    QUEUE_BY_NONE,   /* no DELIVERBY was asked for */
    QUEUE_BY_RETURN, /* returned to its sender */
    QUEUE_BY_NOTIFY, /* the sender is told of the delay, the attempts go on */
};

/* Where a message comes from. */
enum queue_origin {
    QUEUE_ORIGIN_SMTP,   /* a client handed it in */
    QUEUE_ORIGIN_SYSTEM, /* the suite wrote it: notices, requests, copies, replies. Such mail is
                            nobody's: it is never monitored, archived, put up for approval,
                            answered or signed */
};

#define QUEUE_PRIORITY_MAX 9 /* MT-PRIORITY is from -9 to 9 (RFC 6710 section 5) */

struct queue_rcpt {
    struct slice address;
    struct slice original; /* ORCPT as received, or empty */
    uint8_t notify;        /* QUEUE_NOTIFY_*; 0: the default */
};
struct queue_envelope {
    char id[QUEUE_ID_SIZE]; /* queue id: time-ordered prefix and random part, [0-9A-Za-z] */
    int64_t received_ms;
    uint64_t content_size; /* the writer fills these two in by itself */
    uint32_t content_crc;
    struct slice sender; /* reverse path, empty for bounces */
    struct slice envid;
    uint8_t ret; /* 0 none, 1 FULL, 2 HDRS */
    bool smtputf8, body_8bit, body_binary;
    struct slice auth_user; /* who submitted it, or empty */
    struct slice client;    /* address of the client, for the log */
    struct slice helo;      /* what the client called itself */
    uint32_t hops;          /* Received fields counted */
    bool requiretls;        /* REQUIRETLS (RFC 8689): only over verified TLS */
    bool tls_optional;      /* "TLS-Required: No" in the header (RFC 8689 section 5) */
    bool by_trace;          /* DELIVERBY with trace: each relay tells (RFC 2852 section 4) */
    uint8_t by_mode;        /* enum queue_by_mode */
    int8_t priority;        /* MT-PRIORITY (RFC 6710), -QUEUE_PRIORITY_MAX to QUEUE_PRIORITY_MAX */
    int64_t deliver_by_ms;  /* DELIVERBY (RFC 2852): since 1970; 0: none */
    struct slice hold_reason;  /* a filter wants it on hold, and why; empty: not */
    int64_t hold_until_ms;     /* FUTURERELEASE (RFC 4865): since 1970, not before; 0: at once */
    uint8_t origin;            /* enum queue_origin */
    struct slice hold_request; /* what was asked of FUTURERELEASE: "for;3600"; or empty */
    struct slice approved_by;  /* address of who let it through; empty: nobody had to or did */
    uint32_t rcpt_count;
    struct queue_rcpt *rcpts;
};

struct envelope_footer {
    uint32_t body_length; /* 0: the envelope is in ID.env */
    uint64_t content_size;
    uint32_t content_crc; /* CRC-32C of the content */
    uint32_t record_crc;  /* CRC-32C of the body and of the footer before this field */
};

/* Appends body and footer, in the newest version. 0, or -1 if `out`'s ceiling was hit. */
int envelope_encode(struct strbuf *out, const struct queue_envelope *envelope);
/* Appends the footer that says: the envelope is beside. */
void envelope_encode_beside(struct strbuf *out, uint64_t content_size, uint32_t content_crc);

/* Decodes ENVELOPE_FOOTER bytes; record_crc is not checked yet. 0, or -1: no footer. */
int envelope_footer_decode(const char *bytes, struct envelope_footer *footer);
/* The CRC over `record` (body and footer, whole) holds. */
bool envelope_intact(struct slice record);
/* Decodes a whole record of any version. The slices borrow from it; rcpts is allocated,
 * envelope_clear frees it. 0, or -1: damaged. */
int envelope_decode(struct slice record, struct queue_envelope *envelope);
void envelope_clear(struct queue_envelope *envelope);

#endif
