/*
 * lib/ipc/tls_key.h - signatures of TLS handshakes from keyd, the only program that opens TLS keys.
 *
 * Socket run/tls-keys.sock, of datagrams: each question is one frame in one datagram, and so is its
 * answer, which goes to the socket that asked. master holds keyd's socket, so questions wait there
 * while keyd is started anew. The kernel tells keyd who asks.
 */
#ifndef POSTHORN_LIB_IPC_TLS_KEY_H
#define POSTHORN_LIB_IPC_TLS_KEY_H

#include "lib/ipc/frame.h"

#define TLS_KEY_SOCKET "tls-keys.sock"
#define TLS_KEY_ID 32              /* SHA-256 of the SubjectPublicKeyInfo: which key */
#define TLS_KEY_CONTENT_MAX 512    /* bytes that a server signs in a handshake */
#define TLS_KEY_SIGNATURE_MAX 2048 /* RSA of 16384 bits */
#define TLS_KEY_DATAGRAM_MAX 4096

enum tls_key_type { TLS_KEY_ASK = 1, TLS_KEY_ANSWER };

/* RFC 8446 section 4.2.3; but for ECDSA_SHA1 (also there) the older protocols have no numbers. */
enum tls_scheme {
    TLS_RSA_MD5_SHA1 = 0xff01, /* ours: RFC 4346 section 7.4.3, in the range for private use */
    TLS_ECDSA_SHA1 = 0x0203,   /* RFC 8422 section 5.4 */
    TLS_RSA_PKCS1_SHA256 = 0x0401,
    TLS_RSA_PKCS1_SHA384 = 0x0501,
    TLS_RSA_PKCS1_SHA512 = 0x0601,
    TLS_ECDSA_SHA256 = 0x0403,
    TLS_ECDSA_SHA384 = 0x0503,
    TLS_ECDSA_SHA512 = 0x0603,
    TLS_RSA_PSS_SHA256 = 0x0804,
    TLS_RSA_PSS_SHA384 = 0x0805,
    TLS_RSA_PSS_SHA512 = 0x0806,
    TLS_ED25519 = 0x0807,
};

struct tls_key_ask {
    struct slice key;     /* TLS_KEY_ID bytes */
    uint16_t scheme;      /* enum tls_scheme */
    struct slice content; /* all that is signed, not its digest */
};

enum tls_key_result {
    TLS_KEY_SIGNED,
    TLS_KEY_UNKNOWN, /* keyd has no such key */
    TLS_KEY_REFUSED, /* the content is nothing that a server signs in a handshake */
};
struct tls_key_answer {
    uint8_t result;         /* enum tls_key_result */
    struct slice signature; /* empty unless SIGNED */
};

int tls_key_ask_encode(struct strbuf *out, uint32_t id, const struct tls_key_ask *ask);
int tls_key_answer_encode(struct strbuf *out, uint32_t id, const struct tls_key_answer *answer);
/* One whole datagram; the slices borrow from it. 0, or -1: it is none. */
int tls_key_ask_decode(struct slice datagram, uint32_t *id, struct tls_key_ask *ask);
int tls_key_answer_decode(struct slice datagram, uint32_t *id, struct tls_key_answer *answer);

#endif
