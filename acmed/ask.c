/*
 * acmed/ask.c - a child that can open no path talks to the authority and reads what it says; this
 * process gets a record of checked texts from it (lib/acme/answer.h).
 */
#include "acmed/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/acme/issued.h"
#include "lib/acme/url.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/conf/secret_file.h"
#include "lib/ipc/client.h"
#include "lib/tls/https.h"

#define MEDIA_TYPE "application/jose+json" /* RFC 8555 section 6.2 */
#define CHAIN_TYPE "application/pem-certificate-chain"

enum { TIME_MS = 60000, WAIT_MS = TIME_MS + 5000 };

/* Of both processes: the child looks at what is asked. */
struct waiting {
    const struct ask *ask;
    struct loop *loop;
    struct strbuf *record;
    bool is_over;
};

/* ---- in the child ---- */

static void
take_field(void *arg, struct slice name, struct slice value)
{
    struct slice kept = slice_of(xslicedup(value)); /* until the child ends */

    acme_answer_field(arg, name, kept, clock_real_ms());
}

/* NULL, or why there is no answer. */
static const char *
exchange(const struct ask *ask, struct acme_answer *answer, struct strbuf *body)
{
    struct ipc_client *dns = ipc_client_new(AT_FDCWD, DNSD_SOCKET, DNSD_PAYLOAD_MAX);
    const struct https_query query = {.method = ask->method,
                                      .authorization = "",
                                      .type = strcmp(ask->method, "POST") == 0 ? MEDIA_TYPE : NULL,
                                      .accept = ask->kind == ACME_CHAIN ? CHAIN_TYPE : NULL,
                                      .body = ask->body};
    struct https_answer http = {.body = body, .field = take_field, .arg = answer};
    struct dial_options web = ask->options->web;
    const char *trouble = "it is no URL that begins with https://";
    struct acme_url url;

    if (acme_url_parse(ask->url, &url)) {
        struct https_target target = {.ctx = ask->options->authorities,
                                      .host = url.host,
                                      .path = url.path,
                                      .authority = url.authority,
                                      .deadline_mono_ms = clock_mono_ms() + TIME_MS};

        web.port = url.port;
        trouble = NULL;
        target.fd = dial_host(&web, dns, url.host, target.deadline_mono_ms, &trouble);
        if (target.fd >= 0)
            trouble = https_exchange(&target, &query, &http);
    }
    ipc_client_free(&dns);
    answer->http = trouble == NULL ? http.status : 0;
    return trouble;
}

/* All is signed: who reads the network's bytes shall have nothing to tell. Of this process' memory
 * alone. */
static void
shed_secrets(const struct ask *ask)
{
    for (size_t i = 0; i < ARRAY_LEN(ask->keys); i++) {
        struct jws_key *key = ask->keys[i];

        jws_key_free(&key); /* OpenSSL wipes it */
    }
    secret_wipe(ask->options->binding_key);
}

static void
run(void *arg, struct strbuf *reply)
{
    const struct ask *ask = ((const struct waiting *)arg)->ask;
    struct strbuf body = strbuf_new(ACME_BODY_MAX), words = strbuf_new(ACME_WORDS_MAX);
    struct acme_answer answer = {0};
    const char *trouble;

    shed_secrets(ask);
    trouble = exchange(ask, &answer, &body);
    if (trouble != NULL) {
        answer = (struct acme_answer){0};
        acme_answer_tame(slice_of(trouble), &words);
        answer.text[ACME_TROUBLE] = strbuf_slice(&words);
        (void)acme_answer_write(&answer, reply); /* a line fits */
    } else if (ask->kind == ACME_CHAIN && answer.http < 400) {
        acme_issued_read(&answer, strbuf_slice(&body), ask->csr, clock_real_ms(), reply);
    } else {
        acme_answer_read(&answer, ask->kind, ask->challenge, strbuf_slice(&body), reply);
    }
}

/* ---- in the parent ---- */

static void
answered(void *arg, struct slice reply)
{
    struct waiting *w = arg;

    strbuf_clear(w->record);
    (void)strbuf_append(w->record, reply); /* one that does not fit is damaged */
    w->is_over = true;
    loop_stop(w->loop);
}

static void
too_late(void *arg)
{
    loop_stop(((struct waiting *)arg)->loop);
}

static int
fail(struct acme_answer *answer, const char *why)
{
    *answer = (struct acme_answer){0};
    answer->text[ACME_TROUBLE] = slice_of(why);
    return -1;
}

/* The child's reply, in a loop that lives as long as the waiting. */
static bool
wait_for(const struct ask *ask, struct strbuf *record)
{
    struct daemon here = *ask->options->child.daemon;
    const struct one_shot_options options = {.daemon = &here, .box = ask->options->child.box};
    struct waiting w = {ask, loop_new(), record, false};
    struct loop_timer *timer = loop_timer_new(w.loop, too_late, &w);
    struct one_shot *child;

    here.loop = w.loop;
    strbuf_clear(record);
    child = one_shot_start(&options, run, answered, &w);
    if (child != NULL) {
        loop_timer_set(timer, WAIT_MS);
        loop_run(w.loop);
        if (!w.is_over) /* it ends at its next word */
            one_shot_stop(&child);
    }
    while (waitpid(-1, NULL, WNOHANG) > 0) /* what it had to say came through its pipe */
        continue;
    loop_timer_free(&timer);
    loop_free(&w.loop);
    return record->len > 0;
}

int
ask_server(const struct ask *ask, struct strbuf *record, struct acme_answer *answer)
{
    if (!wait_for(ask, record))
        return fail(answer, "the process that asks gave up");
    if (acme_answer_parse(strbuf_slice(record), answer) < 0)
        return fail(answer, "the process that asks gave a damaged record");
    if (answer->text[ACME_TROUBLE].len > 0 || answer->http == 0)
        return -1;
    return 0;
}
