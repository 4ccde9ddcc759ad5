/*
 * lib/ipc/filterd.h - smtpd to filterd: what a client says, stage by stage, and what the milters
 * and policy services make of it. Socket run/filterd.sock.
 *
 * One connection is one SMTP session. A session asks one question at a time: each but FILTERD_RESET
 * gets one FILTERD_VERDICT; closing the connection ends the session. The message comes as a
 * read-only descriptor with FILTERD_CONTENT; if filters change it, the verdict has a descriptor
 * with the new header section and, if it was replaced, the new body.
 */
#ifndef POSTHORN_LIB_IPC_FILTERD_H
#define POSTHORN_LIB_IPC_FILTERD_H

#include "lib/ipc/frame.h"

#define FILTERD_SOCKET "filterd.sock"
#define FILTERD_WORD_MAX 1024 /* bytes of a name, an address, a reply's text */
#define FILTERD_LINE_MAX 12290
#define FILTERD_CHANGES_MAX 10000 /* recipients added and deleted */
#define FILTERD_PAYLOAD_MAX (4u << 20)

enum filterd_type {
    FILTERD_CONNECT = 1,
    FILTERD_HELO,
    FILTERD_MAIL,
    FILTERD_RCPT,
    FILTERD_DATA,
    FILTERD_CONTENT, /* with the descriptor */
    FILTERD_UNKNOWN, /* a command that we do not know */
    FILTERD_RESET,   /* the transaction is over without a message; no answer */
    FILTERD_VERDICT = 64,
};

struct filterd_connect {
    struct slice session_id, client_ip, local_ip;
    uint16_t client_port, local_port;
    bool is_submission;
};
struct filterd_helo {
    struct slice name;
    bool is_extended;
    struct slice tls_version, tls_cipher; /* empty: no TLS */
    uint32_t tls_bits;
};
struct filterd_mail {
    struct slice sender; /* without <>; empty: the null path */
    struct slice params; /* "SIZE=10 BODY=8BITMIME" as received */
    struct slice auth_user, auth_method;
    uint64_t size; /* declared; 0: not */
};
struct filterd_rcpt {
    struct slice address, params;
    bool is_local;
    /* refused already, for milters that want to hear of it: the reply was this. code 0: not */
    uint16_t code;
    struct slice dsn, text;
};
struct filterd_content {
    struct slice queue_id; /* of FILTERD_DATA too, which has no more */
    uint64_t start, size;  /* the client's content: from that offset of the file, so many bytes */
};

enum filterd_action {
    FILTERD_GO_ON,
    FILTERD_REFUSE,   /* with code, dsn and text */
    FILTERD_DISCARD,  /* say 250 and throw the message away */
    FILTERD_SHUT_OUT, /* the same as REFUSE, and no more commands */
};

/* To FILTERD_CONTENT with GO_ON the fields behind `text` count. */
struct filterd_verdict {
    uint8_t action; /* enum filterd_action */
    uint16_t code;  /* 400 to 599 */
    struct slice dsn, text;
    bool wants_rejected; /* to FILTERD_CONNECT: a milter wants to be told of refused recipients */
    struct slice hold;   /* put on hold for this reason; empty: not */
    bool sender_changed;
    struct slice sender;
    bool content_changed; /* header_size bytes of the descriptor are the new header section */
    bool body_replaced;   /* and what follows them is the new body, else the body stays: */
    uint64_t header_size;
    uint64_t body_start; /* it is the old content from this offset of the old file on */
    uint32_t change_count;
    struct filterd_change {
        bool added; /* else deleted */
        struct slice address;
    } * changes; /* allocated by filterd_verdict_decode; filterd_verdict_clear frees it */
};

/* Each appends one whole frame. 0, or -1: over a limit. */
int filterd_connect_encode(struct strbuf *out, const struct filterd_connect *connect);
int filterd_helo_encode(struct strbuf *out, const struct filterd_helo *helo);
int filterd_mail_encode(struct strbuf *out, const struct filterd_mail *mail);
int filterd_rcpt_encode(struct strbuf *out, const struct filterd_rcpt *rcpt);
/* `type`: FILTERD_DATA or FILTERD_CONTENT. */
int filterd_content_encode(struct strbuf *out, enum filterd_type type,
                           const struct filterd_content *content);
int filterd_unknown_encode(struct strbuf *out, struct slice line);
int filterd_reset_encode(struct strbuf *out);
int filterd_verdict_encode(struct strbuf *out, uint32_t request_id,
                           const struct filterd_verdict *verdict);

/* 0, or -1: damaged. The slices borrow from the payload. */
int filterd_connect_decode(struct slice payload, struct filterd_connect *connect);
int filterd_helo_decode(struct slice payload, struct filterd_helo *helo);
int filterd_mail_decode(struct slice payload, struct filterd_mail *mail);
int filterd_rcpt_decode(struct slice payload, struct filterd_rcpt *rcpt);
int filterd_content_decode(struct slice payload, struct filterd_content *content);
int filterd_unknown_decode(struct slice payload, struct slice *line);
int filterd_verdict_decode(struct slice payload, struct filterd_verdict *verdict);
void filterd_verdict_clear(struct filterd_verdict *verdict);

#endif
