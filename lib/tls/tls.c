/*
 * lib/tls/tls.c - TLS 1.2 and newer over a blocking socket, by OpenSSL.
 *
 * Contexts are made before fork by a process that may still read the certificate; connections in
 * workers, whose peers are untrusted. OpenSSL reads and writes through a BIO of ours that knows the
 * deadline of the running step, so that a peer cannot stretch a step byte by byte inside a record
 * or a handshake. kTLS is not used.
 */
#include "lib/tls/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/tls/key_channel.h"
#include "lib/tls/remote_key.h"
#include "lib/tls/sni.h"
#include "lib/tls/verify.h"
#include "lib/tls/waiter.h"
#include "lib/tls/warm_up.h"

#define GROUPS "X25519:P-256:P-384"
/* RFC 9325 section 4.2 */
#define SERVER_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL"
/* Before TLS 1.2 there is no AEAD (RFC 5246 section 6.2.3.3). ECDHE alone (RFC 8422): with the
 * others keyd would have to decrypt. At OpenSSL's level 1 and above MD5 with SHA-1 signs nothing
 * (SSL_CTX_set_security_level(3)). */
#define OLD_SERVER_CIPHERS SERVER_CIPHERS ":ECDHE+AES+SHA1:@SECLEVEL=0"
/* The level must not bring SHA-1 to TLS 1.2 (RFC 9155); these are what keyd signs. */
#define OLD_SERVER_SIGNATURES                                                                      \
    "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:" \
    "RSA+SHA256:RSA+SHA384:RSA+SHA512"
/* SHA-256 first: processors have instructions for it, and a handshake is mostly key schedule. */
#define SERVER_SUITES "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384"
/* Any certificate will do, so weak ones too: better than plain text (RFC 7435). */
#define OPPORTUNISTIC_CIPHERS "DEFAULT:@SECLEVEL=1"
#define SESSION_CONTEXT "posthorn"

struct tls_context {
    SSL_CTX *ctx;
    BIO_METHOD *bio;
    struct sni *sni; /* NULL: every client gets the one certificate */
};

struct tls {
    SSL *ssl;
    struct waiter waiter;
    int64_t deadline_mono_ms; /* of the running step, for the BIO */
    int bio_errno;            /* why the BIO gave up; 0: it did not */
    bool eof;                 /* the socket has come to its end */
    bool broken;              /* a fatal error: no close_notify */
};

static char last_error[160];
static enum tls_distrust last_distrust;

const char *
tls_last_error(void)
{
    return last_error;
}

enum tls_distrust
tls_last_distrust(void)
{
    return last_distrust;
}

static void
keep_reason(const char *reason)
{
    size_t len = strnlen(reason, sizeof(last_error) - 1);

    memcpy(last_error, reason, len);
    last_error[len] = '\0';
}

/* Keeps OpenSSL's first reason and empties its queue. */
static void
keep_error(const char *otherwise)
{
    unsigned long code = ERR_peek_error();
    const char *reason = NULL;

    if (ERR_SYSTEM_ERROR(code)) /* a file that is not there, say: OpenSSL has no words for it */
        reason = strerror((int)ERR_GET_REASON(code));
    else if (code != 0)
        reason = ERR_reason_error_string(code);
    keep_reason(reason != NULL ? reason : otherwise);
    ERR_clear_error();
}

/* ---- the BIO ---- */

static int
bio_done(BIO *bio, struct tls *tls, ssize_t n)
{
    BIO_clear_retry_flags(bio);
    if (n < 0)
        tls->bio_errno = errno;
    return (int)n;
}

static int
bio_read(BIO *bio, char *buf, int len)
{
    struct tls *tls = BIO_get_data(bio);
    ssize_t n = waiter_recv(&tls->waiter, buf, (size_t)len, tls->deadline_mono_ms);

    int result = bio_done(bio, tls, n);

    tls->eof = n == 0;
    if (n < 0 && errno == ETIMEDOUT)
        BIO_set_retry_read(bio); /* nothing is lost: the session can still say goodbye */
    return result;
}

static int
bio_write(BIO *bio, const char *buf, int len)
{
    struct tls *tls = BIO_get_data(bio);
    int sent = 0;

    while (sent < len) {
        ssize_t n =
            waiter_send(&tls->waiter, buf + sent, (size_t)(len - sent), tls->deadline_mono_ms);

        if (n < 0)
            return bio_done(bio, tls, n);
        sent += (int)n;
    }
    return bio_done(bio, tls, sent);
}

static long
bio_ctrl(BIO *bio, int command, long number, void *ptr)
{
    const struct tls *tls = BIO_get_data(bio);

    (void)number, (void)ptr;
    if (command == BIO_CTRL_EOF)
        return tls->eof ? 1 : 0;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO_METHOD *
bio_method_new(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "posthorn");

    if (method == NULL || BIO_meth_set_read(method, bio_read) != 1 ||
        BIO_meth_set_write(method, bio_write) != 1 || BIO_meth_set_ctrl(method, bio_ctrl) != 1) {
        BIO_meth_free(method);
        return NULL;
    }
    return method;
}

/* ---- contexts ---- */

static struct tls_context *
context_new(const SSL_METHOD *method)
{
    struct tls_context *tc = xcalloc(1, sizeof(*tc));

    tc->ctx = SSL_CTX_new(method);
    tc->bio = bio_method_new();
    if (tc->ctx == NULL || tc->bio == NULL ||
        SSL_CTX_set_min_proto_version(tc->ctx, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set1_groups_list(tc->ctx, GROUPS) != 1) {
        tls_context_free(&tc);
        return NULL;
    }
    (void)SSL_CTX_set_options(tc->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                           SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_CLEANSE_PLAINTEXT);
    (void)SSL_CTX_set_mode(tc->ctx, SSL_MODE_RELEASE_BUFFERS);
    /* SSL_read returns after each record, so that its caller sees the deadline */
    (void)SSL_CTX_clear_mode(tc->ctx, SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_read_ahead(tc->ctx, 1); /* one recv for a record's header and body */
    return tc;
}

void
tls_use_key_channel(int fd)
{
    key_channel_use(fd);
}

void
tls_context_free(struct tls_context **ctxp)
{
    if (*ctxp == NULL)
        return;
    SSL_CTX_free((*ctxp)->ctx);
    BIO_meth_free((*ctxp)->bio);
    sni_free(&(*ctxp)->sni);
    xfree(ctxp);
}

/* Tells what OpenSSL said about `path` and gives up the context. */
static struct tls_context *
context_failed(struct tls_context *tc, const char *path, struct strbuf *error)
{
    keep_error("OpenSSL gave no reason");
    (void)strbuf_printf(error, "%s%s%s", path, path[0] != '\0' ? ": " : "", last_error);
    tls_context_free(&tc);
    return NULL;
}

/* keyd signs, by the key of the certificate that is loaded. 0, or -1. */
static int
use_remote_key(SSL_CTX *ctx)
{
    EVP_PKEY *key = remote_key_new(X509_get0_pubkey(SSL_CTX_get0_certificate(ctx)));
    int rc = key != NULL && SSL_CTX_use_PrivateKey(ctx, key) == 1 ? 0 : -1;

    EVP_PKEY_free(key);
    return rc;
}

/* Takes every name. A ticket keeps only a name that was taken, and on TLS 1.2 tls_server_name() of
 * a connection that is resumed is the ticket's. */
static int
take_server_name(SSL *ssl, int *alert, void *arg)
{
    (void)ssl, (void)alert, (void)arg;
    return SSL_TLSEXT_ERR_OK;
}

struct tls_context *
tls_server_context(const char *cert_path, const char *key_path, struct strbuf *error)
{
    struct tls_context *tc;

    ERR_clear_error();
    tc = context_new(TLS_server_method());
    if (tc == NULL || SSL_CTX_set_cipher_list(tc->ctx, SERVER_CIPHERS) != 1 ||
        SSL_CTX_set_ciphersuites(tc->ctx, SERVER_SUITES) != 1)
        return context_failed(tc, "", error);
    if (SSL_CTX_use_certificate_chain_file(tc->ctx, cert_path) != 1)
        return context_failed(tc, cert_path, error);
    if (key_path == NULL && use_remote_key(tc->ctx) < 0) {
        (void)strbuf_printf(error,
                            "%s: the key is of a type that is not supported: expected RSA, "
                            "EC or Ed25519",
                            cert_path);
        tls_context_free(&tc);
        return NULL;
    }
    if (key_path != NULL &&
        (SSL_CTX_use_PrivateKey_file(tc->ctx, key_path, SSL_FILETYPE_PEM) != 1 ||
         SSL_CTX_check_private_key(tc->ctx) != 1))
        return context_failed(tc, key_path, error);
    (void)SSL_CTX_set_options(tc->ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    /* Tickets carry the session: their keys are in the context, every worker has them. */
    (void)SSL_CTX_set_session_cache_mode(tc->ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_num_tickets(tc->ctx, 1);
    (void)SSL_CTX_set_tlsext_servername_callback(tc->ctx, take_server_name);
    if (SSL_CTX_set_session_id_context(tc->ctx, (const unsigned char *)SESSION_CONTEXT,
                                       sizeof(SESSION_CONTEXT) - 1) != 1)
        return context_failed(tc, "", error);
    warm_up_server(tc->ctx, key_path == NULL);
    return tc;
}

int
tls_server_add(struct tls_context *server, const char *cert_path, struct strbuf *error)
{
    if (server->sni == NULL)
        server->sni = sni_new(server->ctx);
    return sni_add(server->sni, cert_path, error);
}

struct tls_context *
tls_client_context(const char *ca_path, struct strbuf *error)
{
    struct tls_context *tc;

    ERR_clear_error();
    tc = context_new(TLS_client_method());
    if (tc == NULL)
        return context_failed(tc, "", error);
    if (ca_path == NULL) {
        SSL_CTX_set_verify(tc->ctx, SSL_VERIFY_NONE, NULL);
        if (SSL_CTX_set_cipher_list(tc->ctx, OPPORTUNISTIC_CIPHERS) != 1)
            return context_failed(tc, "", error);
        return tc;
    }
    SSL_CTX_set_verify(tc->ctx, SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_load_verify_file(tc->ctx, ca_path) != 1)
        return context_failed(tc, ca_path, error);
    return tc;
}

struct tls_context *
tls_dane_context(struct strbuf *error)
{
    struct tls_context *tc;

    ERR_clear_error();
    tc = context_new(TLS_client_method());
    if (tc == NULL || SSL_CTX_dane_enable(tc->ctx) != 1)
        return context_failed(tc, "", error);
    SSL_CTX_set_verify(tc->ctx, SSL_VERIFY_PEER, NULL);
    return tc;
}

size_t
tls_usable_tlsa(struct tls_context *dane, const struct tls_tlsa *tlsa, size_t count)
{
    SSL *ssl = SSL_new(dane->ctx);
    size_t usable = ssl == NULL ? 0 : verify_usable(ssl, tlsa, count);

    SSL_free(ssl);
    return usable;
}

/* ---- connections ---- */

static struct tls *
connection_new(struct tls_context *ctx, int fd)
{
    struct tls *tls = xcalloc(1, sizeof(*tls));
    BIO *bio = BIO_new(ctx->bio);

    tls->waiter = waiter_new(fd);
    tls->ssl = SSL_new(ctx->ctx);
    if (tls->ssl == NULL || bio == NULL) {
        BIO_free(bio);
        SSL_free(tls->ssl);
        free(tls);
        errno = ENOMEM;
        return NULL;
    }
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    SSL_set_bio(tls->ssl, bio, bio);
    return tls;
}

static void
connection_free(struct tls *tls)
{
    SSL_free(tls->ssl);
    free(tls);
}

static void
step_begin(struct tls *tls, int64_t deadline_mono_ms)
{
    tls->deadline_mono_ms = deadline_mono_ms;
    tls->bio_errno = 0;
    ERR_clear_error();
}

/* The result of a failed step: 1 try again (another record), 0 orderly end, -1 with errno. */
static int
step_failed(struct tls *tls, int result)
{
    int why = SSL_get_error(tls->ssl, result);

    if (why == SSL_ERROR_ZERO_RETURN)
        return 0;
    if (why == SSL_ERROR_WANT_READ) { /* no whole record yet */
        if (tls->bio_errno == 0 && clock_mono_ms() < tls->deadline_mono_ms)
            return 1;
        keep_error(strerror(ETIMEDOUT));
        errno = ETIMEDOUT;
        return -1;
    }
    tls->broken = true;
    if (tls->eof && tls->bio_errno == 0)
        tls->bio_errno = ECONNRESET;
    keep_error(tls->bio_errno != 0 ? strerror(tls->bio_errno) : "protocol error");
    errno = tls->bio_errno != 0 ? tls->bio_errno : EPROTO;
    return -1;
}

static void
note_distrust(const struct tls *tls)
{
    last_distrust = verify_distrust(tls->ssl);
    if (last_distrust != TLS_DISTRUST_NONE)
        keep_reason(verify_reason(tls->ssl));
}

static struct tls *
handshake(struct tls *tls, int64_t deadline_mono_ms)
{
    int result, rc, saved;

    step_begin(tls, deadline_mono_ms);
    key_channel_begin(deadline_mono_ms);
    do {
        result = SSL_do_handshake(tls->ssl);
        if (result == 1)
            return tls;
        rc = step_failed(tls, result);
    } while (rc == 1);
    saved = rc == 0 ? ECONNRESET : errno;
    note_distrust(tls);
    if (key_channel_failure() != NULL)
        keep_reason(key_channel_failure());
    connection_free(tls);
    errno = saved;
    return NULL;
}

/* For this connection alone: the context, and with it every other port, stays as it is. */
static int
take_old_versions(SSL *ssl)
{
    bool taken = SSL_set_min_proto_version(ssl, TLS1_VERSION) == 1 &&
                 SSL_set_cipher_list(ssl, OLD_SERVER_CIPHERS) == 1 &&
                 SSL_set1_sigalgs_list(ssl, OLD_SERVER_SIGNATURES) == 1;

    return taken ? 0 : -1;
}

struct tls *
tls_accept(struct tls_context *ctx, int fd, enum tls_oldest oldest, int64_t deadline_mono_ms)
{
    struct tls *tls = connection_new(ctx, fd);

    if (tls == NULL)
        return NULL;
    if (oldest == TLS_SINCE_1_0 && take_old_versions(tls->ssl) < 0) {
        keep_error("OpenSSL has no TLS 1.0");
        connection_free(tls);
        errno = EPROTO;
        return NULL;
    }
    SSL_set_accept_state(tls->ssl);
    return handshake(tls, deadline_mono_ms);
}

struct tls *
tls_connect(struct tls_context *ctx, int fd, const struct tls_check *check,
            int64_t deadline_mono_ms)
{
    struct tls *tls = connection_new(ctx, fd);

    last_distrust = TLS_DISTRUST_NONE;
    if (tls == NULL)
        return NULL;
    SSL_set_connect_state(tls->ssl);
    if (verify_prepare(tls->ssl, check) < 0) {
        keep_error("unusable server name");
        connection_free(tls);
        errno = EPROTO;
        return NULL;
    }
    if (check->note_only)
        SSL_set_verify(tls->ssl, SSL_VERIFY_NONE, NULL);
    tls = handshake(tls, deadline_mono_ms);
    if (tls != NULL && check->note_only)
        note_distrust(tls);
    return tls;
}

ssize_t
tls_read(struct tls *tls, void *buf, size_t len, int64_t deadline_mono_ms)
{
    size_t got;
    int rc;

    step_begin(tls, deadline_mono_ms);
    do {
        int result = SSL_read_ex(tls->ssl, buf, len, &got);

        if (result == 1)
            return (ssize_t)got;
        rc = step_failed(tls, result);
    } while (rc == 1);
    return rc;
}

ssize_t
tls_write(struct tls *tls, const void *buf, size_t len, int64_t deadline_mono_ms)
{
    size_t done;
    int result, rc;

    if (tls->broken) {
        errno = EPIPE;
        return -1;
    }
    step_begin(tls, deadline_mono_ms);
    do {
        result = SSL_write_ex(tls->ssl, buf, len, &done);
        if (result == 1)
            return (ssize_t)done;
        rc = step_failed(tls, result);
    } while (rc == 1);
    if (rc == 0)
        errno = EPIPE;
    return -1;
}

bool
tls_pending(const struct tls *tls)
{
    return SSL_has_pending(tls->ssl) == 1;
}

void
tls_close(struct tls **tlsp)
{
    struct tls *tls = *tlsp;

    if (tls == NULL)
        return;
    if (!tls->broken) {
        step_begin(tls, 0);           /* what does not fit into the socket now is left out */
        (void)SSL_shutdown(tls->ssl); /* best effort: the peer may be gone */
        ERR_clear_error();
    }
    connection_free(tls);
    *tlsp = NULL;
}

const char *
tls_version(const struct tls *tls)
{
    return SSL_get_version(tls->ssl);
}

/* What is longer than a domain name is none (RFC 1035 section 2.3.4). */
struct slice
tls_server_name(const struct tls *tls)
{
    enum { NAME_MAX_BYTES = 253 };
    const char *name = tls == NULL ? NULL : SSL_get_servername(tls->ssl, TLSEXT_NAMETYPE_host_name);
    struct slice text = slice_of(name);

    return text.len <= NAME_MAX_BYTES ? text : SLICE("");
}

const char *
tls_cipher(const struct tls *tls)
{
    return SSL_get_cipher_name(tls->ssl);
}

unsigned
tls_cipher_bits(const struct tls *tls)
{
    int bits = SSL_get_cipher_bits(tls->ssl, NULL);

    return bits < 0 ? 0 : (unsigned)bits;
}

int
tls_channel_binding(const struct tls *tls, unsigned char out[32])
{
    static const char label[] = "EXPORTER-Channel-Binding"; /* RFC 9266 section 2 */

    /* RFC 9266 section 4.2: below 1.3 it needs the extended master secret; we offer it on 1.3 */
    if (SSL_version(tls->ssl) != TLS1_3_VERSION)
        return -1;
    return SSL_export_keying_material(tls->ssl, out, 32, label, sizeof(label) - 1,
                                      (const unsigned char *)"", 0, 1) == 1
               ? 0
               : -1;
}
