/*
 * authd/token_check.c - is an access token good for a user?
 *
 * A signed token (JWT) is checked by the issuer's keys, from a file or fetched; any other, and all
 * where there are no keys, by introspection (RFC 7662). Input: tokens of strangers, and what the
 * issuer's servers answer.
 */
#include "authd/token_check.h"

#include <stdlib.h>
#include <string.h>

#include "lib/account/canonical.h"
#include "lib/auth/jwt.h"
#include "lib/auth/oauth_place.h"
#include "lib/base/clock.h"
#include "lib/base/encode.h"
#include "lib/base/mem.h"
#include "lib/tls/https.h"

enum {
    KEPT_MAX = 8,     /* sets of keys */
    KEPT_MS = 300000, /* how long one is believed */
    AGAIN_MS = 10000, /* a key that is not in it: not fetched more often */
    ANSWER_MAX = KEY_SET_MAX,
    FORM_MAX = 3 * JWT_TOKEN_MAX + 64
};

/* ---- the network ---- */

static int
ask(struct token_check *t, const struct oauth_place *place, const struct https_query *query,
    struct strbuf *answer)
{
    struct dial_options dial = *t->dial;
    char *host = xslicedup(place->host), *path = xslicedup(place->path);
    struct https_target target = {
        .ctx = t->authorities, .host = host, .path = path, .deadline_mono_ms = t->deadline_mono_ms};

    dial.port = place->port;
    t->why = NULL;
    target.fd = dial_host(&dial, t->dns, host, t->deadline_mono_ms, &t->why);
    if (target.fd >= 0)
        t->why = https_ask(&target, query, answer);
    free(host);
    free(path);
    return t->why == NULL ? 0 : -1;
}

/* ---- keys ---- */

static struct kept {
    char *place;
    struct strbuf text;
    int64_t fetched_ms;
} kept[KEPT_MAX];

/* The one for that place, or the oldest, to be replaced. */
static struct kept *
kept_for(struct slice place)
{
    struct kept *oldest = &kept[0];

    for (size_t i = 0; i < KEPT_MAX; i++) {
        if (kept[i].place != NULL && slice_eq(place, slice_of(kept[i].place)))
            return &kept[i];
        if (kept[i].place == NULL || kept[i].fetched_ms < oldest->fetched_ms)
            oldest = &kept[i];
    }
    if (oldest->place != NULL)
        strbuf_free(&oldest->text);
    free(oldest->place);
    *oldest = (struct kept){.place = xslicedup(place), .text = strbuf_new(ANSWER_MAX)};
    return oldest;
}

/* Fetches the set anew if what is there is older than that. */
static int
fetch_keys(struct token_check *t, const struct oauth_place *place, int64_t older_ms,
           struct slice *keys)
{
    const struct https_query query = {.method = "GET", .authorization = ""};
    struct kept *k = kept_for(t->oauth.keys);
    struct strbuf text = strbuf_new(ANSWER_MAX);
    int rc = 0;

    if (k->text.len == 0 || clock_mono_ms() - k->fetched_ms > older_ms) {
        rc = ask(t, place, &query, &text);
        if (rc == 0) {
            strbuf_free(&k->text);
            k->text = text;
            k->fetched_ms = clock_mono_ms();
        } else {
            strbuf_free(&text);
        }
    }
    *keys = strbuf_slice(&k->text);
    return rc;
}

static enum jwt_verdict
check_signed(struct token_check *t, const struct oauth_place *place, const struct jwt_rules *rules,
             struct strbuf *value, bool *no_verdict)
{
    struct slice keys = place->is_file ? key_files_find(t->files, place->host) : SLICE("");
    enum jwt_verdict verdict;

    if (place->is_file && keys.ptr == NULL) {
        t->why = "there is no such file in etc/oauth";
        *no_verdict = true;
        return JWT_BAD;
    }
    if (!place->is_file && fetch_keys(t, place, KEPT_MS, &keys) < 0) {
        *no_verdict = true;
        return JWT_BAD;
    }
    verdict = jwt_check(t->token, keys, rules, value, &t->why);
    if (verdict != JWT_UNKNOWN_KEY || place->is_file)
        return verdict;
    if (fetch_keys(t, place, AGAIN_MS, &keys) < 0) { /* the issuer may have a new one */
        *no_verdict = true;
        return JWT_BAD;
    }
    return jwt_check(t->token, keys, rules, value, &t->why);
}

/* ---- introspection ---- */

/* application/x-www-form-urlencoded */
static void
append_form(struct slice text, struct strbuf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            (c != '\0' && strchr("-._~", c) != NULL))
            (void)strbuf_char(out, (char)c);
        else
            (void)strbuf_printf(out, "%%%02X", c);
    }
}

/* Client authentication by "Basic" (RFC 6749 section 2.3.1: name and password form-encoded). */
static void
append_basic(const struct outside_account *account, struct strbuf *out)
{
    struct strbuf pair = strbuf_new(4096);

    append_form(slice_of(account->name), &pair);
    (void)strbuf_char(&pair, ':');
    append_form(slice_of(account->password), &pair);
    (void)strbuf_str(out, "Basic ");
    (void)base64_encode(strbuf_slice(&pair), out);
    mem_wipe(pair.ptr, pair.cap);
    strbuf_free(&pair);
}

static enum jwt_verdict
introspect(struct token_check *t, const struct oauth_place *place, const struct jwt_rules *rules,
           struct strbuf *value, bool *no_verdict)
{
    struct strbuf form = strbuf_new(FORM_MAX), basic = strbuf_new(8192),
                  answer = strbuf_new(ANSWER_MAX);
    char *host = xslicedup(place->host);
    const struct outside_account *account = outside_accounts_find(t->accounts, host);
    struct https_query query = {.method = "POST", .type = "application/x-www-form-urlencoded"};
    enum jwt_verdict verdict = JWT_BAD;

    (void)strbuf_str(&form, "token=");
    append_form(t->token, &form);
    if (account != NULL)
        append_basic(account, &basic);
    query.authorization = strbuf_cstr(&basic);
    query.body = strbuf_slice(&form);
    if (ask(t, place, &query, &answer) < 0)
        *no_verdict = true;
    else
        verdict = jwt_check_introspection(strbuf_slice(&answer), rules, value, &t->why);
    mem_wipe(form.ptr, form.cap);
    if (basic.ptr != NULL)
        mem_wipe(basic.ptr, basic.cap);
    strbuf_free(&form);
    strbuf_free(&basic);
    strbuf_free(&answer);
    free(host);
    return verdict;
}

/* ---- the user ---- */

/* The claim is the address, or the part of it before the @. It is compared in the form by which
 * accounts are found, which is that of `user`. */
static bool
is_users(struct slice value, struct slice user)
{
    struct strbuf canonical = strbuf_new(CANONICAL_ADDRESS_MAX);
    bool is_address = slice_index(value, '@') < value.len;
    struct slice expected = is_address ? user : slice_sub(user, 0, slice_rindex(user, '@'));
    bool same = (is_address ? canonical_address : canonical_local)(value, &canonical) == 0 &&
                slice_eq(strbuf_slice(&canonical), expected);

    strbuf_free(&canonical);
    return same;
}

enum password_verdict
token_check(struct token_check *t)
{
    const struct jwt_rules rules = {.issuer = t->oauth.issuer,
                                    .audience = t->oauth.audience,
                                    .claim = t->oauth.claim,
                                    .now_s = clock_real_ms() / 1000};
    struct strbuf value = strbuf_new(JWT_CLAIM_MAX);
    enum password_verdict result = PASSWORD_WRONG;
    enum jwt_verdict verdict = JWT_BAD;
    struct oauth_place keys, server;
    bool no_verdict = false;

    t->why = "the domain has neither oauth_keys nor an oauth_introspection for such a token";
    if (oauth_place_parse(t->oauth.keys, &keys) == 0 && jwt_is_one(t->token))
        verdict = check_signed(t, &keys, &rules, &value, &no_verdict);
    else if (oauth_place_parse(t->oauth.introspection, &server) == 0 && !server.is_file)
        verdict = introspect(t, &server, &rules, &value, &no_verdict);
    if (no_verdict)
        result = PASSWORD_NO_MEMORY;
    else if (verdict == JWT_GOOD && is_users(strbuf_slice(&value), t->user))
        result = PASSWORD_RIGHT;
    else if (verdict == JWT_GOOD)
        t->why = "the token is somebody else's";
    strbuf_free(&value);
    return result;
}
