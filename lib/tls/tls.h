/*
 * lib/tls/tls.h - TLS over a blocking socket, and a plain/TLS byte stream with deadlines.
 *
 * The only module that includes OpenSSL's SSL headers. A context is made before fork (certificates
 * are read by path, as root); the connections are made in the workers. TLS 1.2 and
 * newer (RFC 8996, RFC 9325), a server's 1.0 and 1.1 only when asked for; tickets are resumable in
 * every worker of the same parent; buffers are released while idle. kTLS only when asked for.
 */
#ifndef POSTHORN_LIB_TLS_TLS_H
#define POSTHORN_LIB_TLS_TLS_H

#include <stdint.h>
#include <sys/types.h>

#include "lib/base/strbuf.h"

struct tls_context; /* a server's key and certificate chain, or a client's trust */
struct tls;         /* one connection */

/* PEM files. Without `key_path` the private key is keyd's, who is asked for the signature of each
 * handshake (tls_use_key_channel). NULL with one line in `error`: which file, what is wrong, key
 * and certificate that do not belong together included. */
struct tls_context *tls_server_context(const char *cert_path, const char *key_path,
                                       struct strbuf *error);
/* Clients that ask for one of the names in this certificate get it, with keyd's signature (SNI; an
 * exact name counts before a "*."). 0, or -1 with one line in `error`. */
int tls_server_add(struct tls_context *server, const char *cert_path, struct strbuf *error);
/* `ca_path`: a PEM file with the authorities to one of which the peer's chain must lead (the
 * system's takes 20 ms to load). NULL: any certificate will do (opportunistic TLS, RFC 7435). */
struct tls_context *tls_client_context(const char *ca_path, struct strbuf *error);
/* For DANE (RFC 7672): the TLSA records of each connection decide, no authority does. */
struct tls_context *tls_dane_context(struct strbuf *error);
void tls_context_free(struct tls_context **ctxp);
/* How this process reaches keyd: a datagram socket connected to TLS_KEY_SOCKET, borrowed; -1: it
 * does not, and handshakes with keys of keyd's fail. */
void tls_use_key_channel(int fd);

struct tls_tlsa { /* RFC 6698 section 2.1; untrusted */
    uint8_t usage, selector, matching;
    struct slice data;
};
/* What a server's certificate is held against. All is borrowed until the handshake is over. */
struct tls_check {
    const char *server_name;  /* told to the server (SNI); with TLSA records their base domain. An
                                 IP address is not told, and the certificate has to hold it */
    const char *const *names; /* of which the certificate has to hold one; ".d.test": any below */
    size_t name_count;        /* 0: server_name alone */
    const struct tls_tlsa *tlsa; /* only with a context for DANE */
    size_t tlsa_count;
    bool note_only; /* a certificate that does not fit is no failure; tls_last_distrust() tells */
};
enum tls_distrust {
    TLS_DISTRUST_NONE, /* it was not the certificate */
    TLS_DISTRUST_NAME,
    TLS_DISTRUST_EXPIRED, /* or not valid yet */
    TLS_DISTRUST_CHAIN,   /* signed by nobody we know, or fits no TLSA record */
};
/* How many of the records can be used, by their form (RFC 7672 section 3.1). */
size_t tls_usable_tlsa(struct tls_context *dane, const struct tls_tlsa *tlsa, size_t count);

/* What a client may speak at the least. TLS_SINCE_1_0 (RFC 2246, 4346) is for old devices: key
 * exchange and MACs rest on SHA-1 and MD5 there. */
enum tls_oldest { TLS_SINCE_1_2, TLS_SINCE_1_0 };

/* The handshake on a connected blocking socket until `deadline_mono_ms`. NULL with errno:
 * ETIMEDOUT, EPROTO (reason by tls_last_error()), ECONNRESET. The fd stays the caller's. */
struct tls *tls_accept(struct tls_context *ctx, int fd, enum tls_oldest oldest,
                       int64_t deadline_mono_ms);
struct tls *tls_connect(struct tls_context *ctx, int fd, const struct tls_check *check,
                        int64_t deadline_mono_ms);
const char *tls_last_error(void);
/* Why tls_connect failed, if the certificate was the reason; with `note_only` also of success, the
 * reason in words by tls_last_error(). */
enum tls_distrust tls_last_distrust(void);
/* Like read and write but with a deadline for the call: >0 bytes, 0 orderly end, -1 errno. After
 * ETIMEDOUT from tls_read the connection is as before; any other failure is its end. */
ssize_t tls_read(struct tls *tls, void *buf, size_t len, int64_t deadline_mono_ms);
ssize_t tls_write(struct tls *tls, const void *buf, size_t len, int64_t deadline_mono_ms);
bool tls_pending(const struct tls *tls); /* decrypted bytes wait: poll() would not tell */
void tls_close(struct tls **tlsp);       /* close_notify, best effort, no waiting */

const char *tls_version(const struct tls *tls); /* "TLSv1.3" */
const char *tls_cipher(const struct tls *tls);
/* The host name that a client asked for (RFC 6066 section 3); empty: none, or no TLS. */
struct slice tls_server_name(const struct tls *tls);
unsigned tls_cipher_bits(const struct tls *tls);
/* Channel binding for SCRAM-*-PLUS: RFC 9266 tls-exporter, only on TLS 1.3. 0, or -1: none. */
int tls_channel_binding(const struct tls *tls, unsigned char out[32]);

#endif
