/*
 * keyd/signer.c - the queue of messages to sign, and the signing.
 *
 * A reader has seen a stranger's message and is not trusted: it gets signatures only from the keys
 * of domains that the message's sender may sign for, and what it calls a header field must be one.
 * No message comes here, only digests.
 */
#include "keyd/signer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "keyd/job.h"
#include "lib/account/canonical.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/socket.h"
#include "lib/log/log.h"

enum { WAITING_MAX = 2048 };

struct job {
    TAILQ_ENTRY(job) link; /* while it waits */
    struct strbuf packet;  /* KEYD_SIGN */
    int fd;
    struct strbuf only;  /* the one domain that may sign; empty: any */
    struct strbuf asked; /* the domain that the reader asked for last */
    struct strbuf part;  /* the ARC-Message-Signature that was signed, whole */
    bool seal;           /* it wants a set of ARC, and no signature */
    void (*done)(void *arg, const struct keyd_signed *answer);
    void *arg;
};
TAILQ_HEAD(job_list, job);

struct reader_end {
    struct signer *signer;
    int fd;
    struct loop_fd *watch;
    struct job *job; /* NULL: idle */
};

struct signer {
    struct loop *loop;
    const struct keys *keys;
    bool own_domain_only;
    unsigned width, waiting;
    struct reader_end *readers;
    struct job_list queue;
};

static void dispatch(struct signer *signer);

/* ---- jobs ---- */

static void
job_free(struct job *job)
{
    close_keep_errno(job->fd);
    strbuf_free(&job->packet);
    strbuf_free(&job->only);
    strbuf_free(&job->asked);
    strbuf_free(&job->part);
    free(job);
}

static void
finish(struct job *job, const struct keyd_signed *answer)
{
    job->done(job->arg, answer);
    job_free(job);
}

static void
finish_with(struct job *job, enum keyd_result result, struct slice reason)
{
    struct keyd_signed answer = {.result = (uint8_t)result, .reason = reason};

    finish(job, &answer);
}

/* The reader's job is over, whatever came of it. */
static struct job *
take_job(struct reader_end *reader)
{
    struct job *job = reader->job;

    reader->job = NULL;
    return job;
}

/* ---- a reader's questions ---- */

static bool
may_sign(const struct job *job, struct slice domain)
{
    return job->only.len == 0 || slice_eq(strbuf_slice(&job->only), domain);
}

static int
answer_ask(struct reader_end *reader, struct slice payload)
{
    struct strbuf packet = strbuf_new(JOB_PACKET_MAX);
    struct job_names names = {0};
    const struct domain_keys *found = NULL;
    struct slice domain;
    int rc = -1;

    if (job_ask_decode(payload, &domain) < 0)
        return -1;
    strbuf_clear(&reader->job->asked);
    if (may_sign(reader->job, domain) && strbuf_append(&reader->job->asked, domain))
        found = keys_find(reader->signer->keys, domain);
    for (int i = 0; found != NULL && i < DKIM_ALGORITHMS; i++)
        if (found->keys[i] != NULL)
            names.selectors[i] = slice_of(found->selectors[i]);
    if (job_names_encode(&packet, &names) == 0 &&
        ipc_socket_send(reader->fd, strbuf_slice(&packet), -1) == (ssize_t)packet.len)
        rc = 0;
    strbuf_free(&packet);
    return rc;
}

/* ---- the signatures ---- */

/* One header field without its end: each line but the first is folded (RFC 5322 section 2.2.3). */
static bool
is_one_field(struct slice field, const char *name)
{
    if (!slice_starts(field, slice_of(name)))
        return false;
    for (size_t i = 0; i < field.len; i++) {
        char c = field.ptr[i];

        if (c == '\r' &&
            (i + 2 >= field.len || field.ptr[i + 1] != '\n' || field.ptr[i + 2] != '\t'))
            return false;
        if (c == '\n' && (i == 0 || field.ptr[i - 1] != '\r'))
            return false;
    }
    return true;
}

/* Appends the finished field. False: it was not signed. */
static bool
sign_one(const struct dkim_key *key, const char *name, struct slice field, struct slice digest,
         struct strbuf *fields)
{
    struct strbuf signature = strbuf_new(DKIM_SIGNATURE_MAX);
    size_t before = fields->len;
    bool done = is_one_field(field, name) && digest.len == DKIM_DIGEST &&
                dkim_key_sign(key, (const unsigned char *)digest.ptr, &signature) &&
                strbuf_append(fields, field) && dkim_field_finish(fields, strbuf_slice(&signature));

    if (!done)
        strbuf_truncate(fields, before);
    strbuf_free(&signature);
    return done;
}

static void
sign_all(const struct signer *signer, struct job *job, const struct job_digests *digests)
{
    struct strbuf fields = strbuf_new(KEYD_FIELDS_MAX);
    const struct domain_keys *found = keys_find(signer->keys, strbuf_slice(&job->asked));
    bool whole = true;

    for (int i = 0; found != NULL && i < DKIM_ALGORITHMS; i++)
        if (found->keys[i] != NULL)
            whole = sign_one(found->keys[i], "DKIM-Signature: ", digests->of[i].field,
                             digests->of[i].digest, &fields) &&
                    whole;
    if (!whole || fields.len == 0) /* or the keys were changed meanwhile */
        finish_with(job, KEYD_LATER, SLICE("the signature could not be made"));
    else
        finish(job, &(struct keyd_signed){.result = KEYD_DONE,
                                          .fields = strbuf_slice(&fields),
                                          .domain = strbuf_slice(&job->asked)});
    strbuf_free(&fields);
}

/* ---- seals ---- */

/* The two fields below a seal: the message signature that was signed here, and the results. */
static bool
is_rest_of_set(const struct job *job, struct slice below)
{
    struct slice results = slice_sub(below, job->part.len, below.len);

    return job->part.len > 0 && slice_starts(below, strbuf_slice(&job->part)) &&
           slice_ends(results, SLICE("\r\n")) &&
           is_one_field(slice_sub(results, 0, results.len - 2), "ARC-Authentication-Results: ");
}

static int
answer_part(struct reader_end *reader, struct slice field)
{
    struct strbuf packet = strbuf_new(JOB_PACKET_MAX);
    int rc = -1;

    if (job_signed_encode(&packet, field) == 0 &&
        ipc_socket_send(reader->fd, strbuf_slice(&packet), -1) == (ssize_t)packet.len)
        rc = 0;
    strbuf_free(&packet);
    return rc;
}

static void
finish_seal(struct job *job, struct slice seal, struct slice below)
{
    struct strbuf fields = strbuf_new(KEYD_FIELDS_MAX);

    if (strbuf_append(&fields, seal) && strbuf_append(&fields, below))
        finish(job, &(struct keyd_signed){.result = KEYD_DONE,
                                          .fields = strbuf_slice(&fields),
                                          .domain = strbuf_slice(&job->asked)});
    else
        finish_with(job, KEYD_UNSIGNABLE, SLICE("the set is too long"));
    strbuf_free(&fields);
}

/* 0, or -1: it speaks nonsense. */
static int
take_part(struct reader_end *reader, struct slice payload)
{
    struct job *job = reader->job;
    const struct domain_keys *found = keys_find(reader->signer->keys, strbuf_slice(&job->asked));
    struct strbuf field = strbuf_new(DKIM_FIELD_MAX);
    struct job_part part;
    int rc = 0;

    if (!job->seal || job_part_decode(payload, &part) < 0 ||
        (part.is_last && !is_rest_of_set(job, part.below))) {
        rc = -1;
    } else if (found == NULL || found->keys[DKIM_RSA_SHA256] == NULL ||
               !sign_one(found->keys[DKIM_RSA_SHA256],
                         part.is_last ? "ARC-Seal: " : "ARC-Message-Signature: ", part.field,
                         part.digest, &field)) {
        finish_with(take_job(reader), KEYD_LATER, SLICE("the seal could not be made"));
        if (!part.is_last)
            rc = answer_part(reader, SLICE("")); /* it waits */
    } else if (part.is_last) {
        finish_seal(take_job(reader), strbuf_slice(&field), part.below);
    } else {
        strbuf_clear(&job->part);
        (void)strbuf_append(&job->part, strbuf_slice(&field)); /* the same ceiling */
        rc = answer_part(reader, strbuf_slice(&field));
    }
    strbuf_free(&field);
    return rc;
}

/* ---- readers ---- */

/* 0, or -1: the reader has lost its mind. */
static int
take_packet(struct reader_end *reader, const struct frame_header *header, struct slice payload)
{
    struct job_digests digests;
    struct slice reason;
    uint8_t result;

    if (reader->job == NULL) /* about a job that was given up when its reader died */
        return 0;
    switch (header->type) {
    case JOB_ASK:
        return answer_ask(reader, payload);
    case JOB_DIGESTS:
        if (reader->job->seal || job_digests_decode(payload, &digests) < 0)
            return -1;
        sign_all(reader->signer, take_job(reader), &digests);
        return 0;
    case JOB_PART:
        return take_part(reader, payload);
    case JOB_REFUSED:
        if (job_refused_decode(payload, &result, &reason) < 0)
            return -1;
        finish_with(take_job(reader), (enum keyd_result)result, reason);
        return 0;
    case JOB_LOST:
        finish_with(take_job(reader), KEYD_LATER, SLICE("the message's reader died"));
        return 0;
    default:
        return -1;
    }
}

/* The keeper is gone, or a reader speaks nonsense: master starts us anew, with new readers. */
static void
give_up(struct reader_end *reader, const char *why)
{
    log_event(LOG_ERROR, "reader_failed", KV_STR("reason", why));
    loop_fd_want(reader->watch, 0);
    loop_stop(reader->signer->loop);
}

static void
reader_ready(void *arg, unsigned ready)
{
    struct reader_end *reader = arg;
    static char packet[JOB_PACKET_MAX];
    struct frame_header header;
    int fd = -1;
    ssize_t n = ipc_socket_receive(reader->fd, packet, sizeof(packet), &fd);

    (void)ready;
    if (n < 0 && errno == EAGAIN)
        return;
    close_keep_errno(fd);
    if (n <= 0) {
        give_up(reader, "it is gone");
        return;
    }
    if (fd >= 0 || n < FRAME_HEADER || frame_header_decode(packet, JOB_PACKET_MAX, &header) < 0 ||
        header.length != (size_t)n - FRAME_HEADER ||
        take_packet(reader, &header, slice_make(packet + FRAME_HEADER, header.length)) < 0) {
        give_up(reader, "nonsense");
        return;
    }
    dispatch(reader->signer);
}

static struct reader_end *
idle_reader(struct signer *signer)
{
    for (unsigned i = 0; i < signer->width; i++)
        if (signer->readers[i].job == NULL)
            return &signer->readers[i];
    return NULL;
}

static void
dispatch(struct signer *signer)
{
    struct reader_end *reader;
    struct job *job;

    while ((job = TAILQ_FIRST(&signer->queue)) != NULL && (reader = idle_reader(signer)) != NULL) {
        ssize_t n;

        TAILQ_REMOVE(&signer->queue, job, link);
        signer->waiting--;
        n = ipc_socket_send(reader->fd, strbuf_slice(&job->packet), job->fd);
        if (n < 0) { /* a packet is sent whole or not at all */
            finish_with(job, KEYD_LATER, SLICE("no reader takes the message"));
            give_up(reader, strerror(errno));
            return;
        }
        reader->job = job;
    }
}

/* ---- outside ---- */

/* The domain of a user's address, canonical. An address that has none may sign for nobody. */
static void
restrict_to_user(struct job *job, struct slice user)
{
    size_t at = slice_rindex(user, '@');

    if (at == user.len || canonical_domain(slice_sub(user, at + 1, user.len), &job->only) < 0)
        (void)strbuf_str(&job->only, "."); /* no domain is called that */
}

void
signer_sign(struct signer *signer, const struct keyd_sign *request, int fd,
            void (*done)(void *arg, const struct keyd_signed *answer), void *arg)
{
    struct job *job = xcalloc(1, sizeof(*job));

    job->packet = strbuf_new(JOB_PACKET_MAX);
    job->only = strbuf_new(CANONICAL_DOMAIN_MAX);
    job->asked = strbuf_new(CANONICAL_DOMAIN_MAX);
    job->part = strbuf_new(DKIM_FIELD_MAX);
    job->seal = request->seal;
    job->done = done;
    job->arg = arg;
    job->fd = -1;
    if (keys_count(signer->keys) == 0) {
        finish_with(job, KEYD_NO_KEY, SLICE("there are no keys"));
        return;
    }
    if (request->seal || (signer->own_domain_only && request->user.len > 0))
        restrict_to_user(job, request->user);
    job->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (job->fd < 0 || signer->waiting >= WAITING_MAX ||
        keyd_sign_encode(&job->packet, request) < 0) {
        log_event(LOG_WARN, "sign_queue_full", KV_U64("waiting", signer->waiting), KV_ERRNO());
        finish_with(job, KEYD_LATER, SLICE("too many messages wait for their signature"));
        return;
    }
    TAILQ_INSERT_TAIL(&signer->queue, job, link);
    signer->waiting++;
    dispatch(signer);
}

struct signer *
signer_new(struct loop *loop, const int *fds, unsigned width, const struct keys *keys,
           bool own_domain_only)
{
    struct signer *signer = xcalloc(1, sizeof(*signer));

    signer->loop = loop;
    signer->keys = keys;
    signer->own_domain_only = own_domain_only;
    signer->width = width;
    TAILQ_INIT(&signer->queue);
    signer->readers = xcalloc(width, sizeof(*signer->readers));
    for (unsigned i = 0; i < width; i++) {
        signer->readers[i].signer = signer;
        signer->readers[i].fd = fds[i];
        signer->readers[i].watch =
            loop_fd_new(loop, fds[i], LOOP_READ, reader_ready, &signer->readers[i]);
    }
    return signer;
}

void
signer_free(struct signer **signerp)
{
    struct signer *signer = *signerp;
    struct job *job;

    if (signer == NULL)
        return;
    while ((job = TAILQ_FIRST(&signer->queue)) != NULL) {
        TAILQ_REMOVE(&signer->queue, job, link);
        job_free(job);
    }
    for (unsigned i = 0; i < signer->width; i++) {
        loop_fd_free(&signer->readers[i].watch);
        (void)close(signer->readers[i].fd); /* the reader sees it and ends */
        if (signer->readers[i].job != NULL)
            job_free(signer->readers[i].job);
    }
    free(signer->readers);
    xfree(signerp);
}
