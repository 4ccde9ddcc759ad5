/*
 * acmed/order.c - an order's way: names are proved, the request is handed in, the chain fetched.
 *
 * Input: the authority's answers as checked texts. The order's URL is on disk before anything is
 * done about it.
 */
#include "acmed/order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "acmed/renewal.h"
#include "acmed/responder.h"
#include "lib/acme/pem.h"
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/json_writer.h"
#include "lib/base/mem.h"
#include "lib/tls/cert_make.h"

enum {
    PAYLOAD_MAX = 131072,
    STEPS_MAX = 400,              /* answers of one order, waiting included */
    PATIENCE_MS = 20 * 60 * 1000, /* for the authority to look, and to sign */
    POLL_MS = 2000                /* where it does not say how often to ask */
};

struct order {
    struct ca *ca;
    const struct order_options *options;
    struct managed *m;
    int64_t deadline_mono_ms;
    char *thumbprint; /* of the account's key */
    char *authorizations[ACME_NAMES_MAX];
    size_t authorization_count;
    char *finalize, *certificate;
    enum acme_status status;
};

static int
save(struct order *o)
{
    if (state_write(o->options->dirfd, o->m->name, &o->m->state) == 0)
        return 0;
    return ca_fail(o->ca, "db/acme/%s.state: %s", o->m->name, strerror(errno));
}

static void
copy(char *to, size_t size, struct slice text)
{
    size_t len = text.len < size ? text.len : 0;

    memcpy(to, text.ptr == NULL ? "" : text.ptr, len);
    to[len] = '\0';
}

/* ---- beginning ---- */

static void
take_order(struct order *o)
{
    const struct acme_answer *answer = &o->ca->answer;

    while (o->authorization_count > 0)
        free(o->authorizations[--o->authorization_count]);
    xfree(&o->finalize);
    xfree(&o->certificate);
    o->status = answer->status;
    for (size_t i = 0; i < answer->authorization_count; i++)
        o->authorizations[o->authorization_count++] = xslicedup(answer->authorizations[i]);
    o->finalize = xslicedup(answer->text[ACME_FINALIZE]);
    o->certificate = xslicedup(answer->text[ACME_CERTIFICATE]);
}

static int
look_at_order(struct order *o)
{
    int rc = ca_post(o->ca, &(const struct ca_request){.what = "order",
                                                       .url = slice_of(o->m->state.order),
                                                       .kind = ACME_ORDER});

    if (rc == 0)
        take_order(o);
    return rc;
}

static void
write_names(struct json_writer *w, const char *hosts)
{
    struct slice rest = slice_of(hosts);

    json_writer_open(w, "identifiers", '[');
    while (rest.len > 0) {
        json_writer_open(w, NULL, '{');
        json_writer_text(w, "type", SLICE("dns"));
        json_writer_text(w, "value", slice_split(&rest, ' '));
        json_writer_close(w, '}');
    }
    json_writer_close(w, ']');
}

/* RFC 9773 section 5: which certificate it is to replace, if the authority wants to know. */
static int
post_new(struct order *o, bool replaces)
{
    struct strbuf payload = strbuf_new(PAYLOAD_MAX);
    struct json_writer w = {&payload, false};
    int rc;

    json_writer_open(&w, NULL, '{');
    write_names(&w, o->m->hosts);
    if (replaces)
        json_writer_text(&w, "replaces", slice_of(o->m->state.cert_id));
    json_writer_close(&w, '}');
    rc = ca_post(o->ca, &(const struct ca_request){.what = "new order",
                                                   .url = slice_of(o->ca->url[ACME_NEW_ORDER]),
                                                   .payload = strbuf_slice(&payload),
                                                   .kind = ACME_ORDER});
    strbuf_free(&payload);
    return rc;
}

/* RFC 9773 section 7.4: one that has been replaced already, or that another authority has issued,
 * is no reason to go without. */
static bool
refuses_to_replace(const struct ca *ca)
{
    return ca->answer.http >= 400 && ca->answer.http < 500 &&
           strcmp(ca->problem, "rateLimited") != 0;
}

static int
begin(struct order *o)
{
    bool replaces = o->ca->url[ACME_RENEWAL_URL] != NULL && o->m->state.cert_id[0] != '\0';
    int rc = post_new(o, replaces);

    if (rc < 0 && replaces && refuses_to_replace(o->ca))
        rc = post_new(o, false);
    if (rc < 0)
        return rc;
    if (o->ca->answer.text[ACME_LOCATION].len == 0)
        return ca_fail(o->ca, "new order: the authority does not name it");
    take_order(o);
    copy(o->m->state.order, sizeof(o->m->state.order), o->ca->answer.text[ACME_LOCATION]);
    copy(o->m->state.directory, sizeof(o->m->state.directory), slice_of(o->options->directory));
    memcpy(o->m->state.request, o->m->request, sizeof(o->m->request));
    return save(o);
}

static int
drop(struct order *o)
{
    o->m->state.order[0] = '\0';
    return save(o);
}

/* An order that was under way, unless it is over, of another authority, or for another request. */
static int
take_up(struct order *o)
{
    if (o->m->state.order[0] == '\0')
        return begin(o);
    if (strcmp(o->m->state.directory, o->options->directory) == 0 &&
        strcmp(o->m->state.request, o->m->request) == 0) {
        if (look_at_order(o) == 0 && o->status != ACME_INVALID && o->status != ACME_OTHER)
            return 0;
        if (o->ca->answer.http == 0 || o->ca->answer.http >= 500)
            return -1; /* it may be there the next time */
    }
    return drop(o) < 0 ? -1 : begin(o);
}

/* ---- proving ---- */

/* RFC 8555 section 8.1: the token, and whose account it is for. */
static int
show_proof(struct order *o, struct slice host, struct slice token)
{
    struct responder_word word = {.op = RESPONDER_SHOW, .host = host, .token = token};
    char *authorization = xasprintf("%.*s.%s", (int)token.len, token.ptr, o->thumbprint);
    int rc;

    word.authorization = slice_of(authorization);
    rc = responder_tell(o->options->responder_fd, &word);
    free(authorization);
    return rc < 0 ? ca_fail(o->ca,
                            "nothing answers to %s: services.conf gives acmed no port (see "
                            "acmed(8))",
                            o->options->challenge)
                  : 0;
}

static int
fetch(struct order *o, const char *url)
{
    return ca_post(o->ca, &(const struct ca_request){.what = "authorization",
                                                     .url = slice_of(url),
                                                     .kind = ACME_AUTHORIZATION,
                                                     .challenge = o->options->challenge});
}

/* The authority is asked to look, if it has not seen this name's proof before. */
static int
offer(struct order *o, const char *url)
{
    struct slice host, token;
    char *challenge;
    int rc;

    if (fetch(o, url) < 0)
        return -1;
    if (o->ca->answer.status != ACME_PENDING)
        return 0; /* settle() judges it */
    host = o->ca->answer.text[ACME_HOST];
    token = o->ca->answer.text[ACME_TOKEN];
    if (host.len == 0 || token.len == 0 || o->ca->answer.text[ACME_CHALLENGE].len == 0)
        return ca_fail(o->ca, "authorization: the authority offers no %s for %.*s",
                       o->options->challenge, (int)host.len, host.ptr);
    if (show_proof(o, host, token) < 0)
        return -1;
    challenge = xslicedup(o->ca->answer.text[ACME_CHALLENGE]);
    rc = ca_post(o->ca, &(const struct ca_request){.what = "challenge",
                                                   .url = slice_of(challenge),
                                                   .payload = SLICE("{}"),
                                                   .kind = ACME_NOTHING});
    free(challenge);
    return rc;
}

static int
refused_proof(struct order *o)
{
    struct slice host = o->ca->answer.text[ACME_HOST], detail = o->ca->answer.text[ACME_DETAIL];

    return ca_fail(o->ca, "%.*s: the authority could not see the proof (%s): %.*s", (int)host.len,
                   host.ptr, o->options->challenge, (int)detail.len,
                   detail.len == 0 ? "" : detail.ptr);
}

/* Until the authority has looked. */
static int
settle(struct order *o, const char *url)
{
    while (clock_mono_ms() < o->deadline_mono_ms) {
        if (fetch(o, url) < 0)
            return -1;
        if (o->ca->answer.status == ACME_VALID)
            return 0;
        if (o->ca->answer.status != ACME_PENDING)
            return refused_proof(o);
        ca_wait(o->ca, POLL_MS);
    }
    return ca_fail(o->ca, "authorization: the authority has not looked in time");
}

static int
prove(struct order *o)
{
    int rc = 0;

    for (size_t i = 0; i < o->authorization_count && rc == 0; i++)
        rc = offer(o, o->authorizations[i]);
    for (size_t i = 0; i < o->authorization_count && rc == 0; i++)
        rc = settle(o, o->authorizations[i]);
    (void)responder_tell(o->options->responder_fd,
                         &(const struct responder_word){.op = RESPONDER_CLEAR}); /* or its end */
    return rc;
}

/* ---- the request, the chain ---- */

static int
finalize(struct order *o)
{
    struct strbuf payload = strbuf_new(PAYLOAD_MAX);
    int rc;

    (void)strbuf_str(&payload, "{\"csr\":\"");
    rc = acme_pem_base64url(strbuf_slice(&o->m->csr), &payload);
    (void)strbuf_str(&payload, "\"}");
    if (rc < 0)
        rc = ca_fail(o->ca, "finalize: the request in etc/certs can't be sent");
    else
        rc = ca_post(o->ca, &(const struct ca_request){.what = "finalize",
                                                       .url = slice_of(o->finalize),
                                                       .payload = strbuf_slice(&payload),
                                                       .kind = ACME_ORDER});
    if (rc == 0)
        take_order(o);
    strbuf_free(&payload);
    return rc;
}

/* First the certificate, then what is known of it: after a crash between them the order is still
 * named, and gives the same certificate again. */
static int
keep(struct order *o)
{
    struct state *state = &o->m->state;
    const struct acme_answer *answer = &o->ca->answer;
    char *file = xasprintf("%s.crt", o->m->name);
    int rc = replace_file(o->options->dirfd, file, answer->text[ACME_PEM], 0644);

    if (rc < 0)
        rc = ca_fail(o->ca, "db/acme/%s: %s", file, strerror(errno));
    free(file);
    if (rc < 0)
        return rc;
    copy(state->serial, sizeof(state->serial), answer->text[ACME_SERIAL]);
    copy(state->cert_id, sizeof(state->cert_id), answer->text[ACME_CERT_ID]);
    state->not_before_ms = answer->start_ms;
    state->not_after_ms = answer->end_ms;
    state->order[0] = state->explanation[0] = state->error[0] = '\0';
    state->window_start_ms = state->window_end_ms = 0;
    state->failures = state->next_ms = state->is_revoked = 0;
    renewal_plan(state);
    state->look_ms = o->ca->url[ACME_RENEWAL_URL] == NULL ? 0 : clock_real_ms(); /* at once */
    return save(o);
}

static int
download(struct order *o)
{
    int rc = ca_post(o->ca, &(const struct ca_request){.what = "certificate",
                                                       .url = slice_of(o->certificate),
                                                       .kind = ACME_CHAIN,
                                                       .csr = strbuf_slice(&o->m->csr)});

    return rc == 0 ? keep(o) : rc;
}

/* ---- the whole way ---- */

static int
wait_for_order(struct order *o)
{
    ca_wait(o->ca, POLL_MS);
    return look_at_order(o);
}

static int
refused_order(struct order *o)
{
    struct slice detail = o->ca->answer.text[ACME_DETAIL];
    int rc = ca_fail(o->ca, "order: the authority refuses it: %.*s", (int)detail.len,
                     detail.len == 0 ? "" : detail.ptr);

    return drop(o) < 0 ? -1 : rc;
}

static int
proved(struct order *o)
{
    int rc = prove(o);

    if (rc == 0)
        return look_at_order(o);
    if (o->ca->answer.status == ACME_INVALID) { /* the order is over with it */
        char *why = xstrdup(strbuf_cstr(&o->ca->error));

        (void)drop(o); /* else the next attempt finds out */
        (void)ca_fail(o->ca, "%s", why);
        free(why);
    }
    return rc;
}

static int
run(struct order *o)
{
    int rc = take_up(o);

    for (int step = 0; rc == 0 && step < STEPS_MAX && clock_mono_ms() < o->deadline_mono_ms;
         step++) {
        if (o->status == ACME_VALID && o->certificate[0] != '\0')
            return download(o);
        if (o->status == ACME_PENDING)
            rc = proved(o);
        else if (o->status == ACME_READY)
            rc = finalize(o);
        else if (o->status == ACME_PROCESSING)
            rc = wait_for_order(o);
        else
            rc = refused_order(o);
        if (rc == 0 && o->status == ACME_PENDING) /* proofs are in, the order follows */
            rc = wait_for_order(o);
    }
    return rc < 0 ? rc : ca_fail(o->ca, "order: the authority has not finished it in time");
}

int
order_run(struct ca *ca, const struct order_options *options, struct managed *m)
{
    struct strbuf thumbprint = strbuf_new(JWS_THUMBPRINT_MAX);
    struct order o = {
        .ca = ca, .options = options, .m = m, .deadline_mono_ms = clock_mono_ms() + PATIENCE_MS};
    int rc = jws_key_thumbprint(ca->key, &thumbprint);

    o.thumbprint = strbuf_steal(&thumbprint);
    rc = rc < 0 ? ca_fail(ca, "the account's key can't be used") : run(&o);
    while (o.authorization_count > 0)
        free(o.authorizations[--o.authorization_count]);
    free(o.finalize);
    free(o.certificate);
    free(o.thumbprint);
    return rc;
}
