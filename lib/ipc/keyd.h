/*
 * lib/ipc/keyd.h - signatures from keyd, the only process that holds DKIM keys. Socket
 * run/keyd.sock.
 *
 * remote-deliver asks with the message's descriptor, read-only; root and the suite's owner may have
 * the keys read again.
 */
#ifndef POSTHORN_LIB_IPC_KEYD_H
#define POSTHORN_LIB_IPC_KEYD_H

#include "lib/ipc/frame.h"

#define KEYD_SOCKET "keyd.sock"
#define KEYD_ADDRESS_MAX 1024
#define KEYD_PREPEND_MAX 16384 /* bytes of header fields that go before the content */
#define KEYD_FIELDS_MAX 32768  /* bytes of signatures */
#define KEYD_TEXT_MAX 1024
#define KEYD_PAYLOAD_MAX (64u << 10)

enum keyd_type { KEYD_SIGN = 1, KEYD_SIGNED, KEYD_RELOAD, KEYD_RELOADED };

struct keyd_sign {
    uint64_t offset, size; /* of the content in the file that comes along */
    struct slice prepend;  /* header fields that are sent before it, whole, or empty */
    struct slice user;     /* address of the authenticated user, or empty */
    struct slice sender;   /* reverse path, or empty */
    /* An ARC set (RFC 8617) in place of signatures: by the domain of `user`, who sends it on. */
    bool seal;
    uint8_t cv;           /* enum arc_cv (lib/dkim/arc.h) of the chain that is there */
    struct slice results; /* authserv-id and results of the message's authentication, one line */
};

enum keyd_result {
    KEYD_DONE,       /* `fields` is there */
    KEYD_NO_KEY,     /* no domain that may answer for the message has keys */
    KEYD_UNSIGNABLE, /* the message is such that no signature would hold */
    KEYD_LATER,      /* trouble here: ask again */
};
struct keyd_signed {
    uint8_t result;      /* enum keyd_result */
    struct slice fields; /* DKIM-Signature or ARC fields, each with its CRLF, to stand on top */
    struct slice domain; /* whose keys signed */
    struct slice reason; /* one line, unless DONE */
};
int keyd_sign_encode(struct strbuf *out, const struct keyd_sign *request);
int keyd_sign_decode(struct slice payload, struct keyd_sign *request);
int keyd_signed_encode(struct strbuf *out, uint32_t id, const struct keyd_signed *answer);
int keyd_signed_decode(struct slice payload, struct keyd_signed *answer); /* borrows */

/* KEYD_RELOAD has no fields. */
struct keyd_reloaded {
    uint32_t domains;    /* that have keys which sign */
    struct slice errors; /* one line for each file that is no good; empty: all are */
};
int keyd_reload_encode(struct strbuf *out);
int keyd_reloaded_encode(struct strbuf *out, uint32_t id, const struct keyd_reloaded *answer);
int keyd_reloaded_decode(struct slice payload, struct keyd_reloaded *answer);

#endif
