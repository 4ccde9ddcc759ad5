/*
 * lib/auth/sasl.h - SASL mechanisms, server side: PLAIN, LOGIN, the SCRAM family and
 * OAuth's.
 *
 * An exchange never waits: where it needs the account, sasl_step returns SASL_PASSWORD or
 * SASL_WANT_KEYS with the name, and the caller goes on when it has found the answer. What the
 * client sends is hostile; passwords are wiped with the exchange.
 */
#ifndef POSTHORN_LIB_AUTH_SASL_H
#define POSTHORN_LIB_AUTH_SASL_H

#include "lib/auth/password.h"
#include "lib/base/strbuf.h"

#define SASL_NAME_MAX 1024 /* bytes of a user name */
#define SASL_CHALLENGE_MAX 4096

enum sasl_mechanism {
    SASL_NONE,
    SASL_PLAIN,              /* RFC 4616 */
    SASL_LOGIN,              /* draft-murchison-sasl-login-00 */
    SASL_SCRAM_SHA_1,        /* RFC 5802 */
    SASL_SCRAM_SHA_256,      /* RFC 7677 */
    SASL_SCRAM_SHA_256_PLUS, /* RFC 7677, RFC 9266 */
    SASL_OAUTHBEARER,        /* RFC 7628 */
    SASL_XOAUTH2,            /* the same before it was one, as Google and Microsoft have it */
    SASL_MECHANISM_COUNT
};

/* Any case of letters; SASL_NONE if we do not have it. */
enum sasl_mechanism sasl_find(struct slice name);
const char *sasl_name(enum sasl_mechanism mechanism);
bool sasl_reveals_password(enum sasl_mechanism mechanism); /* or token, to whom reads all */
bool sasl_is_token(enum sasl_mechanism mechanism);

void sasl_init(void); /* before a sandbox: loads what the library loads on first use */

struct sasl; /* one exchange */

/* `binding` is the tls-exporter value, or empty if no -PLUS mechanism was announced: with it, a
 * client that claims we announced none is refused (RFC 5802 section 6). NULL: a -PLUS mechanism
 * without binding. */
struct sasl *sasl_new(enum sasl_mechanism mechanism, struct slice binding);
void sasl_free(struct sasl **saslp);

enum sasl_status {
    SASL_CHALLENGE, /* send `challenge` to the client, its answer goes to sasl_step */
    SASL_PASSWORD,  /* sasl_user() and sasl_password() are known: the caller decides */
    SASL_TOKEN,     /* sasl_user() and sasl_token() are known: the caller decides */
    SASL_WANT_KEYS, /* sasl_user() is known: continue with sasl_keys() */
    SASL_DONE,      /* the client has proved that it knows the password; `challenge` goes with the
                       success */
    SASL_DENIED,    /* wrong proof, or an identity that it may not take */
    SASL_MALFORMED  /* against the mechanism's syntax */
};
/* The client's next message, decoded; NULL: it has sent no initial response. */
enum sasl_status sasl_step(struct sasl *sasl, const struct slice *message,
                           struct strbuf *challenge);
/* After SASL_WANT_KEYS: the keys that the client may prove to know, 1 to SCRAM_KEYS_MAX with the
 * same salt and iterations. For a user who is unknown or has no keys: made-up ones. */
enum sasl_status sasl_keys(struct sasl *sasl, const struct password_scram *keys, size_t count,
                           struct strbuf *challenge);
size_t sasl_key_proved(const struct sasl *sasl);  /* after SASL_DONE: which of them it was */
enum digest sasl_digest(const struct sasl *sasl); /* SCRAM: which keys it needs */
struct slice sasl_user(const struct sasl *sasl);  /* as the client wrote it */
struct slice sasl_password(const struct sasl *sasl);
struct slice sasl_token(const struct sasl *sasl); /* OAuth */
/* OAuth: what the client is told before the failure (RFC 7628 section 3.2.2); a constant. */
struct slice sasl_token_refusal(enum sasl_mechanism mechanism);

#endif
