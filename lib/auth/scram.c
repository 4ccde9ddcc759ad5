/*
 * lib/auth/scram.c - the server's side of one SCRAM exchange: the one wrapper of GNU SASL.
 *
 * Input:  the client's messages, hostile, at most AUTHD_SASL_MAX bytes; keys from the record.
 * The library opens no file: its nonce comes from getrandom.
 */
#include "lib/auth/scram.h"

#include <gsasl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/encode.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"

enum { BASE64_MAX = 4 * PASSWORD_SALT_MAX };

struct scram {
    Gsasl_session *session;
    enum digest digest;
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
static int
decode_saslname(struct slice text, struct strbuf *out)
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
                            decode_saslname(slice_sub(authzid, 2, authzid.len), &other) < 0))
        goto out;
    if (decode_saslname(slice_sub(name, 2, name.len), user) < 0)
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
    return scram;
}

void
scram_free(struct scram **scramp)
{
    if (*scramp == NULL)
        return;
    gsasl_finish((*scramp)->session);
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

enum scram_status
scram_first(struct scram *scram, struct slice message, struct slice user,
            const struct password_scram *keys, struct strbuf *out)
{
    char iterations[16];
    const char *seen;
    enum scram_status status;
    size_t size = digest_size(scram->digest);

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
    return SCRAM_MORE;
}

enum scram_status
scram_final(struct scram *scram, struct slice message, struct strbuf *out)
{
    enum scram_status status = step(scram, message, out);

    return status == SCRAM_MORE ? SCRAM_MALFORMED : status;
}
