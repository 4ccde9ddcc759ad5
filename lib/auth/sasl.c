/*
 * lib/auth/sasl.c - SASL mechanisms, server side: PLAIN, LOGIN, the SCRAM family and
 * OAuth's.
 *
 * Input:  the client's messages, hostile, at most AUTHD_SASL_MAX bytes. Opens nothing.
 * PLAIN and LOGIN are done here and not by GNU SASL: that hands out only the SASLprepped password,
 * so that one with other bytes could never match an imported hash, and frees it unwiped.
 */
#include "lib/auth/sasl.h"

#include <stdlib.h>
#include <string.h>

#include "lib/auth/scram.h"
#include "lib/base/mem.h"

enum { SASL_TOKEN_MAX = 8192 };

static const struct mechanism {
    const char *name;
    enum digest digest; /* SCRAM */
    bool scram, plus;
} mechanisms[] = {
    [SASL_NONE] = {"", 0, false, false},
    [SASL_PLAIN] = {"PLAIN", 0, false, false},
    [SASL_LOGIN] = {"LOGIN", 0, false, false},
    [SASL_SCRAM_SHA_1] = {"SCRAM-SHA-1", DIGEST_SHA1, true, false},
    [SASL_SCRAM_SHA_256] = {"SCRAM-SHA-256", DIGEST_SHA256, true, false},
    [SASL_SCRAM_SHA_256_PLUS] = {"SCRAM-SHA-256-PLUS", DIGEST_SHA256, true, true},
    [SASL_OAUTHBEARER] = {"OAUTHBEARER", 0, false, false},
    [SASL_XOAUTH2] = {"XOAUTH2", 0, false, false},
};

struct sasl {
    enum sasl_mechanism mechanism;
    enum { NOTHING_YET, HAVE_USER, WANT_KEYS, WANT_PROOF, FINISHED } state;
    struct strbuf user;
    struct strbuf first; /* SCRAM: the client's first message, until the keys are there */
    char password[PASSWORD_MAX + 1];
    size_t password_len;
    struct scram *scram;
    struct strbuf token; /* OAuth */
};

enum sasl_mechanism
sasl_find(struct slice name)
{
    for (size_t i = 1; i < ARRAY_LEN(mechanisms); i++)
        if (slice_eq_nocase(name, slice_of(mechanisms[i].name)))
            return (enum sasl_mechanism)i;
    return SASL_NONE;
}

const char *
sasl_name(enum sasl_mechanism mechanism)
{
    return mechanisms[mechanism].name;
}

bool
sasl_reveals_password(enum sasl_mechanism mechanism)
{
    return !mechanisms[mechanism].scram;
}

bool
sasl_is_token(enum sasl_mechanism mechanism)
{
    return mechanism == SASL_OAUTHBEARER || mechanism == SASL_XOAUTH2;
}

void
sasl_init(void)
{
    scram_init();
    digest_init();
}

struct sasl *
sasl_new(enum sasl_mechanism mechanism, struct slice binding)
{
    const struct mechanism *m = &mechanisms[mechanism];
    struct sasl *sasl;

    if (mechanism == SASL_NONE || (m->plus && binding.len == 0))
        return NULL;
    sasl = xcalloc(1, sizeof(*sasl));
    sasl->mechanism = mechanism;
    sasl->user = strbuf_new(SASL_NAME_MAX);
    sasl->first = strbuf_new(SASL_CHALLENGE_MAX);
    sasl->token = strbuf_new(SASL_TOKEN_MAX);
    if (m->scram)
        sasl->scram = scram_new(m->digest, m->plus, binding);
    return sasl;
}

void
sasl_free(struct sasl **saslp)
{
    struct sasl *sasl = *saslp;

    if (sasl == NULL)
        return;
    scram_free(&sasl->scram);
    strbuf_free(&sasl->user);
    strbuf_free(&sasl->first);
    if (sasl->token.ptr != NULL)
        mem_wipe(sasl->token.ptr, sasl->token.cap);
    strbuf_free(&sasl->token);
    mem_wipe(sasl, sizeof(*sasl));
    xfree(saslp);
}

/* A password that is too long for any record is kept as an empty one: it is wrong for everybody
 * and takes the same way. */
static void
keep_password(struct sasl *sasl, struct slice password)
{
    if (password.len > PASSWORD_MAX)
        password.len = 0;
    if (password.len > 0)
        memcpy(sasl->password, password.ptr, password.len);
    sasl->password_len = password.len;
}

/* RFC 4616 section 2: [authzid] NUL authcid NUL passwd. */
static enum sasl_status
plain_step(struct sasl *sasl, struct slice message)
{
    struct slice authzid, authcid;

    if (slice_index(message, '\0') == message.len)
        return SASL_MALFORMED;
    authzid = slice_split(&message, '\0');
    if (slice_index(message, '\0') == message.len)
        return SASL_MALFORMED;
    authcid = slice_split(&message, '\0');
    if (authcid.len == 0 || message.len == 0 || slice_index(message, '\0') < message.len ||
        !strbuf_append(&sasl->user, authcid))
        return SASL_MALFORMED;
    if (authzid.len > 0 && !slice_eq(authzid, authcid))
        return SASL_DENIED;
    keep_password(sasl, message);
    sasl->state = FINISHED;
    return SASL_PASSWORD;
}

/* The client's first answer, or its initial response, is the name; the second the password. */
static enum sasl_status
login_step(struct sasl *sasl, struct slice message, struct strbuf *challenge)
{
    if (slice_index(message, '\0') < message.len)
        return SASL_MALFORMED;
    if (sasl->state == HAVE_USER) {
        keep_password(sasl, message);
        sasl->state = FINISHED;
        return SASL_PASSWORD;
    }
    if (message.len == 0 || !strbuf_append(&sasl->user, message))
        return SASL_MALFORMED;
    sasl->state = HAVE_USER;
    return strbuf_str(challenge, "Password:") ? SASL_CHALLENGE : SASL_MALFORMED;
}

/* "auth=Bearer TOKEN" among the pairs, each with a ^A behind it, and one more at the end. The
 * scheme is in any case of letters (RFC 6750 section 2.1). */
static enum sasl_status
take_token(struct sasl *sasl, struct slice pairs)
{
    static const char scheme[] = "auth=Bearer ";

    while (pairs.len > 1) {
        struct slice pair = slice_split(&pairs, '\1');

        if (slice_starts_nocase(pair, SLICE("auth=Bearer ")) && sasl->token.len == 0 &&
            !strbuf_append(&sasl->token, slice_sub(pair, sizeof(scheme) - 1, pair.len)))
            return SASL_MALFORMED;
    }
    if (!slice_eq(pairs, SLICE("\1")) || sasl->token.len == 0 ||
        slice_index(strbuf_slice(&sasl->token), '\0') < sasl->token.len)
        return SASL_MALFORMED;
    sasl->state = FINISHED;
    return SASL_TOKEN;
}

/* RFC 7628 section 3.1: a GS2 header without channel binding ("n,a=NAME,"), then the pairs. The
 * user has to be named: the domain says whose tokens are good. */
static enum sasl_status
oauthbearer_step(struct sasl *sasl, struct slice message)
{
    struct slice header = slice_split(&message, '\1'), flag = slice_split(&header, ','),
                 name = slice_split(&header, ',');

    if (!slice_eq(flag, SLICE("n")) || !slice_starts(name, SLICE("a=")) || header.len > 0 ||
        scram_decode_name(slice_sub(name, 2, name.len), &sasl->user) < 0)
        return SASL_MALFORMED;
    return take_token(sasl, message);
}

/* user=NAME ^A auth=Bearer TOKEN ^A ^A */
static enum sasl_status
xoauth2_step(struct sasl *sasl, struct slice message)
{
    struct slice name = slice_split(&message, '\1');

    if (!slice_starts(name, SLICE("user=")) || name.len == 5 ||
        slice_index(name, '\0') < name.len ||
        !strbuf_append(&sasl->user, slice_sub(name, 5, name.len)))
        return SASL_MALFORMED;
    return take_token(sasl, message);
}

static enum sasl_status
from_scram(enum scram_status status)
{
    switch (status) {
    case SCRAM_MORE:
        return SASL_CHALLENGE;
    case SCRAM_PROVED:
        return SASL_DONE;
    case SCRAM_DENIED:
        return SASL_DENIED;
    case SCRAM_MALFORMED:
        break;
    }
    return SASL_MALFORMED;
}

static enum sasl_status
scram_step(struct sasl *sasl, struct slice message, struct strbuf *challenge)
{
    enum scram_status status;

    if (sasl->state == WANT_PROOF) {
        sasl->state = FINISHED;
        return from_scram(scram_final(sasl->scram, message, challenge));
    }
    status = scram_parse_first(message, &sasl->user);
    if (status == SCRAM_MORE && !strbuf_append(&sasl->first, message))
        status = SCRAM_MALFORMED;
    if (status != SCRAM_MORE)
        return from_scram(status);
    sasl->state = WANT_KEYS;
    return SASL_WANT_KEYS;
}

enum sasl_status
sasl_step(struct sasl *sasl, const struct slice *message, struct strbuf *challenge)
{
    if (sasl->state == WANT_KEYS || sasl->state == FINISHED)
        return SASL_MALFORMED;
    if (message == NULL) /* RFC 4422 section 3.3: these mechanisms are client-first */
        return sasl->mechanism != SASL_LOGIN || strbuf_str(challenge, "Username:") ? SASL_CHALLENGE
                                                                                   : SASL_MALFORMED;
    if (sasl->mechanism == SASL_PLAIN)
        return plain_step(sasl, *message);
    if (sasl->mechanism == SASL_LOGIN)
        return login_step(sasl, *message, challenge);
    if (sasl->mechanism == SASL_OAUTHBEARER)
        return oauthbearer_step(sasl, *message);
    if (sasl->mechanism == SASL_XOAUTH2)
        return xoauth2_step(sasl, *message);
    return scram_step(sasl, *message, challenge);
}

enum sasl_status
sasl_keys(struct sasl *sasl, const struct password_scram *keys, size_t count,
          struct strbuf *challenge)
{
    assert_always(sasl->state == WANT_KEYS);
    sasl->state = WANT_PROOF;
    return from_scram(scram_first(sasl->scram, strbuf_slice(&sasl->first),
                                  strbuf_slice(&sasl->user), keys, count, challenge));
}

size_t
sasl_key_proved(const struct sasl *sasl)
{
    return scram_key_proved(sasl->scram);
}

enum digest
sasl_digest(const struct sasl *sasl)
{
    return mechanisms[sasl->mechanism].digest;
}

struct slice
sasl_user(const struct sasl *sasl)
{
    return strbuf_slice(&sasl->user);
}

struct slice
sasl_password(const struct sasl *sasl)
{
    return slice_make(sasl->password, sasl->password_len);
}

struct slice
sasl_token(const struct sasl *sasl)
{
    return strbuf_slice(&sasl->token);
}

struct slice
sasl_token_refusal(enum sasl_mechanism mechanism)
{
    return mechanism == SASL_XOAUTH2
               ? SLICE("{\"status\":\"401\",\"schemes\":\"bearer\",\"scope\":\"\"}")
               : SLICE("{\"status\":\"invalid_token\"}");
}
