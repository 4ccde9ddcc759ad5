/*
 * lib/auth/scram.c - the server's side of one SCRAM exchange: the one wrapper of GNU SASL.
 *
 * Input:  the client's messages, hostile, at most AUTHD_SASL_MAX bytes; keys from the record.
 * The library opens no file: its nonce comes from getrandom. It knows one secret for each user:
 * where there are several, the last step is done here.
 */
#include "lib/auth/scram.h"

#include <gsasl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/encode.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"

enum {
    BASE64_MAX = 4 * PASSWORD_SALT_MAX,
    MESSAGE_MAX = 16384,
    BINDING_MAX = 1024,
    AUTH_MESSAGE_MAX = 3 * MESSAGE_MAX
};

struct scram {
    Gsasl_session *session;
    enum digest digest;
    size_t key_count, proved;
    /* Several keys: what the proof is made over (RFC 5802 section 3). The library knows one. */
    struct strbuf gs2, bare, server_first, binding;
    struct password_scram *keys;
};

static Gsasl *library;

/* ---- the client's first message (RFC 5802 section 7) ---- */

/* gs2-cbind-flag: "n", "y" or "p=" cb-name. */
static bool
cbind_flag_valid(struct slice flag)
{
    if (slice_eq(flag, SLICE("n")) || slice_eq(flag, SLICE("y")))
        return true;
    if (!slice_starts(flag, SLICE("p=")) || flag.len == 2)
        return false;
    for (size_t i = 2; i < flag.len; i++) {
        char c = flag.ptr[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '.' && c != '-')
            return false;
    }
    return true;
}

/* saslname: no NUL, valid UTF-8, ',' and '=' as "=2C" and "=3D". */
int
scram_decode_name(struct slice text, struct strbuf *out)
{
    if (text.len == 0 || slice_index(text, '\0') < text.len || !parse_is_utf8(text))
        return -1;
    while (text.len > 0) {
        size_t plain = slice_index(text, '=');
        struct slice code = slice_sub(text, plain, plain + 3);

        if (!strbuf_append(out, slice_sub(text, 0, plain)))
            return -1;
        if (plain == text.len)
            break;
        if (!slice_eq(code, SLICE("=2C")) && !slice_eq(code, SLICE("=3D")))
            return -1;
        if (!strbuf_char(out, code.ptr[2] == 'C' ? ',' : '='))
            return -1;
        text = slice_sub(text, plain + 3, text.len);
    }
    return 0;
}

enum scram_status
scram_parse_first(struct slice message, struct strbuf *user)
{
    enum scram_status status = SCRAM_MALFORMED;
    struct slice flag = slice_split(&message, ','), authzid = slice_split(&message, ',');
    struct slice name = slice_split(&message, ',');
    struct strbuf other = strbuf_new(user->max);

    if (!cbind_flag_valid(flag) || !slice_starts(name, SLICE("n=")) ||
        !slice_starts(message, SLICE("r="))) /* "m=" in the name's place: an extension we lack */
        goto out;
    if (authzid.len > 0 && (!slice_starts(authzid, SLICE("a=")) ||
                            scram_decode_name(slice_sub(authzid, 2, authzid.len), &other) < 0))
        goto out;
    if (scram_decode_name(slice_sub(name, 2, name.len), user) < 0)
        goto out;
    status = authzid.len == 0 || slice_eq(strbuf_slice(&other), strbuf_slice(user)) ? SCRAM_MORE
                                                                                    : SCRAM_DENIED;
out:
    strbuf_free(&other);
    return status;
}

/* ---- the library ---- */

void
scram_init(void)
{
    if (library == NULL)
        assert_always(gsasl_init(&library) == GSASL_OK);
}

static void
set_text(struct scram *scram, Gsasl_property property, const char *text)
{
    assert_always(gsasl_property_set(scram->session, property, text) == GSASL_OK);
}

static void
set_bytes(struct scram *scram, Gsasl_property property, const void *bytes, size_t len)
{
    struct strbuf text = strbuf_new(BASE64_MAX);

    assert_always(base64_encode(slice_make(bytes, len), &text));
    set_text(scram, property, strbuf_cstr(&text));
    mem_wipe(text.ptr, text.cap);
    strbuf_free(&text);
}

struct scram *
scram_new(enum digest digest, bool plus, struct slice binding)
{
    struct scram *scram = xcalloc(1, sizeof(*scram));
    const char *mechanism = "SCRAM-SHA-1";

    if (digest == DIGEST_SHA256)
        mechanism = plus ? "SCRAM-SHA-256-PLUS" : "SCRAM-SHA-256";
    scram_init();
    scram->digest = digest;
    assert_always(gsasl_server_start(library, mechanism, &scram->session) == GSASL_OK);
    if (binding.len > 0)
        set_bytes(scram, GSASL_CB_TLS_EXPORTER, binding.ptr, binding.len);
    scram->binding = strbuf_new(BINDING_MAX);
    scram->gs2 = strbuf_new(MESSAGE_MAX);
    scram->bare = strbuf_new(MESSAGE_MAX);
    scram->server_first = strbuf_new(MESSAGE_MAX);
    (void)strbuf_append(&scram->binding, binding);
    return scram;
}

void
scram_free(struct scram **scramp)
{
    if (*scramp == NULL)
        return;
    gsasl_finish((*scramp)->session);
    if ((*scramp)->keys != NULL)
        mem_wipe((*scramp)->keys, (*scramp)->key_count * sizeof(*(*scramp)->keys));
    free((*scramp)->keys);
    strbuf_free(&(*scramp)->gs2);
    strbuf_free(&(*scramp)->bare);
    strbuf_free(&(*scramp)->server_first);
    strbuf_free(&(*scramp)->binding);
    xfree(scramp);
}

/* One step of the library; what it has to say goes into `out`. */
static enum scram_status
step(struct scram *scram, struct slice message, struct strbuf *out)
{
    char *text = NULL;
    size_t len = 0;
    int rc = gsasl_step(scram->session, message.ptr, message.len, &text, &len);
    bool kept = true;

    if (rc != GSASL_OK && rc != GSASL_NEEDS_MORE)
        return rc == GSASL_MECHANISM_PARSE_ERROR ? SCRAM_MALFORMED : SCRAM_DENIED;
    if (text != NULL)
        kept = strbuf_append(out, slice_make(text, len));
    gsasl_free(text);
    if (!kept)
        return SCRAM_MALFORMED;
    return rc == GSASL_OK ? SCRAM_PROVED : SCRAM_MORE;
}

/* Keeps what the proof will be made over. */
static void
remember(struct scram *scram, struct slice message, const struct password_scram *keys, size_t count,
         struct slice server_first)
{
    struct slice bare = message;

    (void)slice_split(&bare, ',');
    (void)slice_split(&bare, ',');
    scram->keys = xreallocarray(NULL, count, sizeof(*keys));
    memcpy(scram->keys, keys, count * sizeof(*keys));
    scram->key_count = count;
    (void)strbuf_append(&scram->gs2, slice_sub(message, 0, message.len - bare.len));
    (void)strbuf_append(&scram->bare, bare);
    (void)strbuf_append(&scram->server_first, server_first);
}

enum scram_status
scram_first(struct scram *scram, struct slice message, struct slice user,
            const struct password_scram *keys, size_t count, struct strbuf *out)
{
    char iterations[16];
    const char *seen;
    enum scram_status status;
    size_t size = digest_size(scram->digest), start = out->len;

    (void)snprintf(iterations, sizeof(iterations), "%u", keys->iterations);
    set_text(scram, GSASL_SCRAM_ITER, iterations);
    set_bytes(scram, GSASL_SCRAM_SALT, keys->salt, keys->salt_len);
    set_bytes(scram, GSASL_SCRAM_STOREDKEY, keys->stored_key, size);
    set_bytes(scram, GSASL_SCRAM_SERVERKEY, keys->server_key, size);
    status = step(scram, message, out);
    if (status != SCRAM_MORE)
        return status == SCRAM_PROVED ? SCRAM_MALFORMED : status; /* nothing is proved yet */
    seen = gsasl_property_fast(scram->session, GSASL_AUTHID);
    if (seen == NULL || !slice_eq(slice_of(seen), user))
        return SCRAM_MALFORMED; /* the library read another name than the one we looked up */
    assert_always(count >= 1 && count <= SCRAM_KEYS_MAX);
    if (count > 1)
        remember(scram, message, keys, count, slice_sub(strbuf_slice(out), start, out->len));
    return SCRAM_MORE;
}

/* ---- one of several secrets: the client's final message (RFC 5802 sections 3, 5 and 7) ---- */

struct final {
    struct slice binding, nonce, without_proof;
    struct strbuf proof; /* bytes */
};

static int
parse_final(const struct scram *scram, struct slice message, struct final *final)
{
    size_t at = slice_rindex(message, ',');
    struct slice rest = slice_sub(message, 0, at), proof = slice_sub(message, at + 1, message.len);

    final->without_proof = rest;
    final->binding = slice_split(&rest, ',');
    final->nonce = slice_split(&rest, ',');
    final->proof = strbuf_new(digest_size(scram->digest));
    if (!slice_starts(final->binding, SLICE("c=")) || !slice_starts(final->nonce, SLICE("r=")) ||
        !slice_starts(proof, SLICE("p=")) ||
        base64_decode(slice_sub(proof, 2, proof.len), &final->proof) < 0 ||
        final->proof.len != digest_size(scram->digest))
        return -1;
    return 0;
}

/* Is this the channel that we see, and the nonce that we gave? */
static bool
is_same_exchange(const struct scram *scram, const struct final *final)
{
    struct strbuf given = strbuf_new(MESSAGE_MAX), want = strbuf_new(MESSAGE_MAX);
    struct slice nonce = strbuf_slice(&scram->server_first);
    bool same;

    nonce = slice_split(&nonce, ',');
    (void)strbuf_append(&want, strbuf_slice(&scram->gs2));
    if (slice_starts(strbuf_slice(&scram->gs2), SLICE("p=")))
        (void)strbuf_append(&want, strbuf_slice(&scram->binding));
    same = base64_decode(slice_sub(final->binding, 2, final->binding.len), &given) == 0 &&
           slice_eq(strbuf_slice(&given), strbuf_slice(&want)) && slice_eq(final->nonce, nonce);
    strbuf_free(&given);
    strbuf_free(&want);
    return same;
}

static bool
key_fits(enum digest digest, const struct password_scram *keys, struct slice auth_message,
         struct slice proof)
{
    size_t size = digest_size(digest);
    unsigned char signature[DIGEST_MAX], stored[DIGEST_MAX];

    digest_hmac(digest, slice_make(keys->stored_key, size), auth_message, signature);
    for (size_t i = 0; i < size; i++)
        signature[i] ^= (unsigned char)proof.ptr[i]; /* ClientKey, if the proof fits */
    digest_of(digest, slice_make(signature, size), SLICE(""), stored);
    mem_wipe(signature, sizeof(signature));
    return digest_equal(slice_make(stored, size), slice_make(keys->stored_key, size));
}

/* The server's signature: it knows the secret too. */
static bool
append_signature(const struct scram *scram, struct slice auth_message, struct strbuf *out)
{
    unsigned char signature[DIGEST_MAX];
    size_t size = digest_size(scram->digest);

    digest_hmac(scram->digest, slice_make(scram->keys[scram->proved].server_key, size),
                auth_message, signature);
    return strbuf_str(out, "v=") && base64_encode(slice_make(signature, size), out);
}

static enum scram_status
final_of_several(struct scram *scram, struct slice message, struct strbuf *out)
{
    struct strbuf auth_message = strbuf_new(AUTH_MESSAGE_MAX);
    struct final final;
    enum scram_status status = SCRAM_DENIED;

    if (parse_final(scram, message, &final) < 0) {
        status = SCRAM_MALFORMED;
    } else if (is_same_exchange(scram, &final)) {
        (void)strbuf_append(&auth_message, strbuf_slice(&scram->bare));
        (void)strbuf_char(&auth_message, ',');
        (void)strbuf_append(&auth_message, strbuf_slice(&scram->server_first));
        (void)strbuf_char(&auth_message, ',');
        (void)strbuf_append(&auth_message, final.without_proof);
        for (size_t i = 0; i < scram->key_count && !auth_message.overflow; i++) {
            if (key_fits(scram->digest, &scram->keys[i], strbuf_slice(&auth_message),
                         strbuf_slice(&final.proof))) {
                scram->proved = i;
                status = SCRAM_PROVED;
            }
        }
    }
    if (status == SCRAM_PROVED && !append_signature(scram, strbuf_slice(&auth_message), out))
        status = SCRAM_MALFORMED;
    strbuf_free(&final.proof);
    strbuf_free(&auth_message);
    return status;
}

enum scram_status
scram_final(struct scram *scram, struct slice message, struct strbuf *out)
{
    enum scram_status status;

    if (scram->key_count > 1)
        return final_of_several(scram, message, out);
    status = step(scram, message, out);
    return status == SCRAM_MORE ? SCRAM_MALFORMED : status;
}

size_t
scram_key_proved(const struct scram *scram)
{
    return scram->proved;
}
