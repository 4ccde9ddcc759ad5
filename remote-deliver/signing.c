/*
 * remote-deliver/signing.c - has keyd sign what began here and seal what is sent on, and decides
 * what happens without a signature.
 *
 * keyd is ours; it gets the message by descriptor and gives header fields.
 */
#include "remote-deliver/signing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/client.h"
#include "lib/ipc/dnsd.h"
#include "lib/log/log.h"
#include "remote-deliver/arc_verify.h"

enum { REST_MS = 30000 }; /* mail goes out unsigned meanwhile: not every message waits in vain */

struct signing {
    const struct signing_settings *settings;
    struct ipc_client *keyd, *dns;
    bool keys_exist;
    int64_t rest_until_ms;
};

struct signing *
signing_new(int run_dirfd, const struct signing_settings *settings)
{
    struct signing *signing = xcalloc(1, sizeof(*signing));

    signing->settings = settings;
    signing->keyd = ipc_client_new(run_dirfd, KEYD_SOCKET, KEYD_PAYLOAD_MAX);
    signing->dns = ipc_client_new(run_dirfd, DNSD_SOCKET, DNSD_PAYLOAD_MAX);
    signing->keys_exist = settings->keys_exist;
    return signing;
}

static enum signing_result
wait_for_it(struct slice reason, struct smtp_verdict *why)
{
    *why = (struct smtp_verdict){.code = 0};
    (void)snprintf(why->dsn, sizeof(why->dsn), "4.3.0"); /* both fit, or are cut */
    (void)snprintf(why->text, sizeof(why->text), "it cannot be signed now: %.*s", (int)reason.len,
                   reason.ptr);
    return SIGNING_WAIT;
}

/* No answer, or one that says: not now. */
static enum signing_result
failed(struct signing *s, const struct queue_job *job, struct slice reason,
       struct smtp_verdict *why)
{
    if (!s->keys_exist)
        return SIGNING_GO;
    log_event(LOG_ERROR, "not_signed", KV_SLICE("queue_id", job->queue_id),
              KV_SLICE("reason", reason),
              KV_STR("outcome", s->settings->wait_for_keyd ? "deferred" : "sent"));
    if (s->settings->wait_for_keyd)
        return wait_for_it(reason, why);
    s->rest_until_ms = clock_mono_ms() + REST_MS;
    return SIGNING_GO;
}

static enum signing_result
take_answer(struct signing *s, const struct queue_job *job, const struct keyd_signed *answer,
            struct strbuf *fields, struct smtp_verdict *why)
{
    switch ((enum keyd_result)answer->result) {
    case KEYD_DONE:
        s->keys_exist = true;
        log_event(LOG_INFO, "signed", KV_SLICE("queue_id", job->queue_id),
                  KV_SLICE("domain", answer->domain));
        (void)strbuf_append(fields, answer->fields); /* the codec knows its limit, and so do we */
        return SIGNING_GO;
    case KEYD_NO_KEY:
        if (!s->settings->wait_for_key)
            return SIGNING_GO;
        log_event(LOG_WARN, "not_signed", KV_SLICE("queue_id", job->queue_id),
                  KV_SLICE("reason", answer->reason), KV_STR("outcome", "deferred"));
        return wait_for_it(answer->reason, why);
    case KEYD_UNSIGNABLE: /* and it will never be another one */
        log_event(LOG_WARN, "not_signed", KV_SLICE("queue_id", job->queue_id),
                  KV_SLICE("reason", answer->reason), KV_STR("outcome", "sent"));
        return SIGNING_GO;
    case KEYD_LATER:
        break;
    }
    return failed(s, job, answer->reason, why);
}

/* 0 with *answer, which borrows from *reply; -1 with errno. */
static int
ask(struct signing *s, const struct keyd_sign *request, int fd, struct ipc_reply *reply,
    struct keyd_signed *answer)
{
    struct strbuf frame = strbuf_new(KEYD_PAYLOAD_MAX);
    int rc = keyd_sign_encode(&frame, request);

    errno = EMSGSIZE; /* counts if that failed */
    if (rc == 0)
        rc = ipc_client_call(s->keyd, &frame, fd, (int)s->settings->timeout_ms, reply);
    if (rc == 0 && (reply->type != KEYD_SIGNED || keyd_signed_decode(reply->payload, answer) < 0)) {
        errno = EPROTO;
        rc = -1;
    }
    strbuf_free(&frame);
    return rc;
}

enum signing_result
signing_make(struct signing *s, const struct queue_job *job, const struct smtp_message *message,
             struct strbuf *fields, struct smtp_verdict *why)
{
    struct keyd_sign request = {.offset = (uint64_t)message->offset,
                                .size = message->size,
                                .prepend = message->prepend,
                                .user = job->user,
                                .sender = job->sender};
    struct ipc_reply reply = {.fd = -1};
    struct keyd_signed answer;
    enum signing_result result;

    if (!s->settings->sign || !job->ours || clock_mono_ms() < s->rest_until_ms)
        return SIGNING_GO;
    if (ask(s, &request, message->fd, &reply, &answer) == 0)
        result = take_answer(s, job, &answer, fields, why);
    else
        result = failed(s, job, slice_of(strerror(errno)), why);
    close_keep_errno(reply.fd);
    return result;
}

/* ---- ARC ---- */

static void
take_seal(const struct queue_job *job, const struct keyd_signed *answer, enum arc_cv cv,
          struct strbuf *fields)
{
    if (answer->result == KEYD_DONE) {
        log_event(LOG_INFO, "sealed", KV_SLICE("queue_id", job->queue_id),
                  KV_SLICE("domain", answer->domain), KV_STR("chain", arc_cv_word(cv)));
        (void)strbuf_append(fields, answer->fields); /* the codec knows its limit, and so do we */
    } else if (answer->result != KEYD_NO_KEY) {
        log_event(LOG_INFO, "not_sealed", KV_SLICE("queue_id", job->queue_id),
                  KV_SLICE("reason", answer->reason));
    }
}

/* RFC 8601 section 2.2. SPF, DKIM and DMARC are nothing that we have looked at: the chain is all
 * that there is to say. */
static void
put_results(struct strbuf *out, const char *hostname, enum arc_cv cv)
{
    (void)strbuf_printf(out, "%s; arc=%s", hostname, arc_cv_word(cv));
}

void
signing_seal(struct signing *s, const struct queue_job *job, const struct smtp_message *arrived,
             const struct smtp_message *message, struct strbuf *fields)
{
    struct strbuf results = strbuf_new(KEYD_TEXT_MAX);
    struct keyd_sign request = {.offset = (uint64_t)message->offset,
                                .size = message->size,
                                .prepend = message->prepend,
                                .user = job->forwarder,
                                .seal = true};
    struct ipc_reply reply = {.fd = -1};
    struct keyd_signed answer;
    const char *why;
    enum arc_cv cv;

    if (!s->settings->seal || job->ours || job->forwarder.len == 0 ||
        clock_mono_ms() < s->rest_until_ms)
        return;
    if (arc_verify(s->dns, clock_mono_ms() + s->settings->dns_timeout_ms, arrived, &cv, &why) < 0) {
        log_event(LOG_INFO, "not_sealed", KV_SLICE("queue_id", job->queue_id),
                  KV_STR("reason", "the header section cannot be read"));
        return;
    }
    if (why != NULL)
        log_event(LOG_INFO, "arc_broken", KV_SLICE("queue_id", job->queue_id),
                  KV_STR("reason", why));
    put_results(&results, s->settings->hostname, cv);
    request.cv = (uint8_t)cv;
    request.results = strbuf_slice(&results);
    if (ask(s, &request, message->fd, &reply, &answer) == 0)
        take_seal(job, &answer, cv, fields);
    else
        log_event(LOG_WARN, "not_sealed", KV_SLICE("queue_id", job->queue_id), KV_ERRNO());
    close_keep_errno(reply.fd);
    strbuf_free(&results);
}
