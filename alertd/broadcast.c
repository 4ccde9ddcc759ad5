/*
 * alertd/broadcast.c - a message to all users, a page of them at a time.
 *
 * ID.mail is the whole message, ID.at says how far it is. A page is one message in the queue, with
 * its users in the envelope. So that each gets it once whatever crashes: the page's file lies in
 * the queue's tmp/ on disk, not whole yet, before ID.at names it; what makes it whole and moves it
 * to new/ is one commit. Who finds a name in ID.at then knows: still in tmp/, it was not sent (and
 * is made anew); gone, it was. So nothing takes it out of tmp/ but the commit, before ID.at has
 * stopped naming it.
 *
 * Input: accountd's answers, checked like everybody's, and our own files.
 */
#include "alertd/broadcast.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alertd/broadcast_job.h"
#include "lib/base/clock.h"
#include "lib/base/encode.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/accountd_addressees.h"
#include "lib/ipc/object.h"
#include "lib/ipc/peer.h"
#include "lib/ipc/queue_manager.h"
#include "lib/log/line.h"
#include "lib/log/log.h"
#include "lib/mail/encoded_text.h"
#include "lib/mail/transfer_encode.h"

#define MAIL_MAX (TRANSFER_ENCODED_MAX(ALERTD_CONTENT_MAX) + 8192)

enum {
    REQUEST_MAX = 8192,
    KEPT_MAX = 100,      /* of each domain, and of those to all, ended ones are remembered, */
    KEPT_ALL_MAX = 5000, /* so many together, */
    KEPT_S = 30 * 86400, /* for so long at least while there is room */
    PAGE_MS = 100,
    AGAIN_MS = 10000,
    ASK_MS = 30000
};

struct broadcasts {
    const struct mailer *mailer;
    int dirfd;
    struct ipc_async *accountd;
    struct loop_timer *timer;
    struct job job; /* under way; id "": none */
    struct strbuf mail;
    bool asking, closing;
};

/* ---- sending ---- */

static void
again(struct broadcasts *b, int64_t wait)
{
    loop_timer_set(b->timer, wait);
}

static void
trouble(struct broadcasts *b, const char *what)
{
    log_event(LOG_ERROR, "broadcast_failed", KV_STR("id", b->job.id), KV_STR("what", what),
              KV_ERRNO());
    again(b, AGAIN_MS);
}

/* The page under way is in the queue. */
static int
page_sent(struct broadcasts *b)
{
    struct job *job = &b->job;

    job->recipients += job->in_page;
    job->in_page = 0;
    job->page[0] = '\0';
    strbuf_clear(&job->cursor);
    (void)strbuf_append(&job->cursor, strbuf_slice(&job->next)); /* a key fits */
    job->ended = job->next.len == 0;
    strbuf_clear(&job->next);
    return job_save(b->dirfd, job);
}

/* What was not sent is forgotten before its file goes: a file that is gone was sent. */
static int
forget_page(struct broadcasts *b)
{
    int dirfd = b->mailer->outbox.tmp_dirfd;
    char page[QUEUE_ID_SIZE], beside[QUEUE_NAME_MAX];

    memcpy(page, b->job.page, sizeof(page));
    queue_name(beside, page, ".env");
    b->job.page[0] = '\0';
    if (job_save(b->dirfd, &b->job) < 0) {
        memcpy(b->job.page, page, sizeof(page));
        return -1;
    }
    (void)unlinkat(dirfd, page, 0); /* what stays there is swept up one day */
    (void)unlinkat(dirfd, beside, 0);
    return 0;
}

/* What a crash or a failure has left: as the head of this file says. */
static int
settle_page(struct broadcasts *b)
{
    struct stat st;

    if (b->job.page[0] == '\0')
        return 0;
    if (fstatat(b->mailer->outbox.tmp_dirfd, b->job.page, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return forget_page(b);
    return errno == ENOENT ? page_sent(b) : -1;
}

static int
commit(struct queue_writer **wp, const struct slice *to, uint32_t count)
{
    struct queue_rcpt *rcpts = xcalloc(count, sizeof(*rcpts));
    const struct queue_envelope envelope = {.received_ms = clock_real_ms(),
                                            .client = SLICE("broadcast"),
                                            .origin = QUEUE_ORIGIN_SYSTEM,
                                            .rcpt_count = count,
                                            .rcpts = rcpts};
    int rc;

    for (uint32_t i = 0; i < count; i++)
        rcpts[i] = (struct queue_rcpt){.address = to[i], .notify = QUEUE_NOTIFY_NEVER};
    rc = queue_writer_commit_or_leave(wp, &envelope);
    free(rcpts);
    return rc;
}

static int
send_page(struct broadcasts *b, const struct slice *to, uint32_t count)
{
    const struct outbox *outbox = &b->mailer->outbox;
    struct queue_writer *w;

    queue_id_make(b->job.page);
    w = queue_writer_open(outbox->tmp_dirfd, outbox->new_dirfd, b->job.page);
    if (w == NULL || queue_writer_write(w, strbuf_slice(&b->mail)) < 0 ||
        queue_writer_sync(w) < 0 || fsync(outbox->tmp_dirfd) < 0) {
        queue_writer_abort(&w); /* nobody has named it */
        b->job.page[0] = '\0';
        return -1;
    }
    if (job_save(b->dirfd, &b->job) < 0) {
        queue_writer_leave(&w); /* it may be named all the same: settle_page() forgets it */
        return -1;
    }
    if (commit(&w, to, count) < 0)
        return -1; /* as after a crash: settle_page() looks before the next page is asked for */
    queue_trigger(outbox->trigger_fd);
    log_event(LOG_INFO, "broadcast_page", KV_STR("id", b->job.id), KV_STR("queue_id", b->job.page),
              KV_U64("recipients", count));
    return page_sent(b);
}

static void
end_job(struct broadcasts *b)
{
    char name[JOB_FILE_MAX];

    log_event(LOG_INFO, "broadcast_ended", KV_STR("id", b->job.id),
              KV_U64("recipients", b->job.recipients));
    job_file(name, b->job.id, JOB_MAIL);
    unlink_keep_errno(b->dirfd, name);
    job_free(&b->job);
    strbuf_clear(&b->mail);
}

static void
take_page(struct broadcasts *b, const struct accountd_addressees_reply *page)
{
    struct job *job = &b->job;

    strbuf_clear(&job->next);
    (void)strbuf_append(&job->next, page->cursor); /* a key fits */
    job->in_page = page->count;
    if ((page->count == 0 ? page_sent(b) : send_page(b, page->items, page->count)) < 0) {
        trouble(b, "page");
        return;
    }
    if (job->ended)
        end_job(b);
    again(b, PAGE_MS);
}

static void
page_came(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct broadcasts *b = arg;
    struct slice *items = xcalloc(ACCOUNTD_ADDRESSEES_MAX, sizeof(*items));
    struct accountd_addressees_reply page = {.result = ACCOUNTD_ADDRESSEES_LATER};
    bool good = header != NULL && header->type == ACCOUNTD_ADDRESSEES_REPLY &&
                accountd_addressees_reply_decode(payload, &page, items) == 0;

    close_keep_errno(fd); /* none is expected */
    b->asking = false;
    if (good && page.result == ACCOUNTD_ADDRESSEES_NO_DOMAIN)
        page = (struct accountd_addressees_reply){.result = ACCOUNTD_ADDRESSEES_DONE}; /* gone */
    if (good && page.result == ACCOUNTD_ADDRESSEES_DONE)
        take_page(b, &page);
    else if (!b->closing)
        again(b, AGAIN_MS);
    free(items);
}

static void
ask(struct broadcasts *b)
{
    const struct accountd_addressees query = {.domain = strbuf_slice(&b->job.domain),
                                              .cursor = strbuf_slice(&b->job.cursor)};
    struct strbuf request = strbuf_new(REQUEST_MAX);

    assert_always(accountd_addressees_encode(&request, &query) == 0);
    b->asking = true;
    ipc_async_call(b->accountd, &request, ASK_MS, page_came, b);
    strbuf_free(&request);
}

/* ---- one after the other ---- */

static bool
take_unfinished(void *arg, const char *id)
{
    struct broadcasts *b = arg;
    char name[JOB_FILE_MAX];
    struct job job;

    job_file(name, id, JOB_MAIL);
    if (job_load(b->dirfd, id, &job) == 0 && !job.ended &&
        read_file(b->dirfd, name, &b->mail) == 0) {
        b->job = job;
        return false;
    }
    strbuf_clear(&b->mail);
    job_free(&job);
    return true;
}

static void
go_on(void *arg)
{
    struct broadcasts *b = arg;

    if (b->asking)
        return;
    if (b->job.id[0] == '\0')
        jobs_each(b->dirfd, take_unfinished, b);
    if (b->job.id[0] == '\0')
        return;
    if (settle_page(b) < 0 || (b->job.ended && job_save(b->dirfd, &b->job) < 0)) {
        trouble(b, "page of before");
    } else if (b->job.ended) {
        end_job(b);
        again(b, PAGE_MS);
    } else {
        ask(b);
    }
}

/* ---- a new one ---- */

static void
compose(const struct broadcasts *b, const struct alertd_broadcast *m, struct strbuf *out)
{
    struct transfer_encoder e = transfer_encode_begin(TRANSFER_BASE64);

    (void)strbuf_str(out, "Return-Path: <>\r\nDate: "); /* overflow: looked at by the caller */
    (void)clock_rfc5322(clock_real_ms(), out);
    (void)strbuf_printf(out,
                        "\r\nFrom: Mail system <%s>\r\nTo: undisclosed-recipients:;\r\n"
                        "Message-ID: <broadcast.%.*s@%s>\r\nSubject: ",
                        b->mailer->postmaster, (int)m->id.len, m->id.ptr, b->mailer->hostname);
    (void)encoded_text_write(m->subject, out);
    (void)strbuf_printf(out,
                        "\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                        "Content-Type: text/%s; charset=utf-8\r\n"
                        "Content-Transfer-Encoding: base64\r\n\r\n",
                        m->is_html ? "html" : "plain");
    transfer_encode(&e, m->content, out);
    transfer_encode_end(&e, true, out);
}

struct census {
    size_t count;
    char oldest[ALERTD_BROADCAST_ID_MAX + 1]; /* of those that are ended */
    time_t oldest_s;
};

struct censuses {
    const struct broadcasts *b;
    struct slice domain;
    struct census of_domain, of_all;
};

/* `ended_s` 0: it is not ended. */
static void
count_job(struct census *c, const char *id, time_t ended_s)
{
    c->count++;
    if (ended_s != 0 && (c->oldest[0] == '\0' || ended_s < c->oldest_s)) {
        c->oldest_s = ended_s;
        (void)snprintf(c->oldest, sizeof(c->oldest), "%s", id);
    }
}

static bool
look_at(void *arg, const char *id)
{
    struct censuses *c = arg;
    char name[JOB_FILE_MAX];
    time_t ended_s = 0;
    struct job job;
    struct stat st;
    bool good;

    job_file(name, id, JOB_AT);
    good = job_load(c->b->dirfd, id, &job) == 0;
    if (good && job.ended && fstatat(c->b->dirfd, name, &st, 0) == 0)
        ended_s = st.st_mtime;
    count_job(&c->of_all, id, ended_s);
    if (good && slice_eq(strbuf_slice(&job.domain), c->domain))
        count_job(&c->of_domain, id, ended_s);
    job_free(&job);
    return true;
}

/* The oldest one that is ended, and has been for long, is forgotten. */
static bool
forget_oldest(const struct broadcasts *b, const struct census *c)
{
    char name[JOB_FILE_MAX];

    if (c->oldest[0] == '\0' || c->oldest_s > clock_real_ms() / 1000 - KEPT_S)
        return false;
    job_file(name, c->oldest, JOB_AT);
    return unlinkat(b->dirfd, name, 0) == 0;
}

/* It was refused: what is there of it does not come to life at the next start. */
static void
undo(const struct broadcasts *b, const char *id)
{
    char name[JOB_FILE_MAX];

    job_file(name, id, JOB_AT);
    (void)unlinkat(b->dirfd, name, 0); /* mostly it is not there */
    job_file(name, id, JOB_MAIL);
    (void)unlinkat(b->dirfd, name, 0);
    (void)fsync(b->dirfd); /* or a power cut brings it back */
}

/* One domain's administrator doesn't use up what others need. */
static const char *
make_room(const struct broadcasts *b, struct slice domain)
{
    struct censuses c = {.b = b, .domain = domain};

    jobs_each(b->dirfd, look_at, &c);
    if (c.of_domain.count >= KEPT_MAX)
        return forget_oldest(b, &c.of_domain) ? NULL
               : domain.len > 0 ? "the domain had 100 in the last 30 days: more are not remembered"
                                : "all had 100 in the last 30 days: more are not remembered";
    if (c.of_all.count >= KEPT_ALL_MAX && !forget_oldest(b, &c.of_all))
        return "there were 5000 in the last 30 days: more are not remembered";
    return NULL;
}

static const char *
begin(struct broadcasts *b, const char *id, const struct alertd_broadcast *m)
{
    struct strbuf mail = strbuf_new(MAIL_MAX);
    struct job job = job_new(id);
    const char *why = NULL;
    char name[JOB_FILE_MAX];

    compose(b, m, &mail);
    (void)strbuf_append(&job.domain, m->domain); /* it was looked at */
    job_digest(job.digest, m);
    job_file(name, id, JOB_MAIL);
    if (mail.overflow)
        why = "the message is too long";
    else if (replace_file(b->dirfd, name, strbuf_slice(&mail), JOB_FILE_MODE) < 0 ||
             job_save(b->dirfd, &job) < 0) {
        why = strerror(errno);
        undo(b, id);
    }
    job_free(&job);
    strbuf_free(&mail);
    return why;
}

/* Before anything is on disk: nobody is told something without a line. What fails after it gets a
 * second one, with `failed`. */
static const char *
write_down(const char *id, const struct alertd_broadcast *m, const char *failed)
{
    const struct log_kv pairs[] = {KV_SLICE("who", m->who),
                                   KV_SLICE("from", m->from),
                                   KV_STR("verb", "send"),
                                   KV_STR("kind", "broadcast"),
                                   KV_STR("name", id),
                                   KV_SLICE("domain", m->domain.len > 0 ? m->domain : SLICE("all")),
                                   KV_SLICE("subject", m->subject),
                                   failed == NULL ? KV_END : KV_STR("failed", failed),
                                   KV_END};

    return log_write_to(LOG_AUDIT, "changed", pairs) ? NULL : "the log does not take lines: later";
}

/* Ids are those of the whole server: whoever has another message is not told that it is sent. */
static bool
is_same(const struct job *job, const struct alertd_broadcast *m)
{
    char digest[JOB_DIGEST_SIZE];

    job_digest(digest, m);
    return slice_eq(strbuf_slice(&job->domain), m->domain) &&
           (job->digest[0] == '\0' || strcmp(job->digest, digest) == 0);
}

const char *
broadcasts_add(struct broadcasts *b, const struct alertd_broadcast *m)
{
    char id[ALERTD_BROADCAST_ID_MAX + 1];
    const char *why;
    struct job job;
    bool same;
    int rc;

    (void)snprintf(id, sizeof(id), "%.*s", (int)m->id.len, m->id.ptr);
    rc = job_load(b->dirfd, id, &job);
    same = rc == 0 && is_same(&job, m);
    job_free(&job);
    if (rc == 0)
        return same ? NULL : "that id was used for another message";
    if (errno != ENOENT)
        return strerror(errno);
    why = make_room(b, m->domain);
    if (why == NULL)
        why = write_down(id, m, NULL);
    if (why != NULL)
        return why;
    why = begin(b, id, m);
    if (why != NULL) {
        (void)write_down(id, m, why); /* the caller is told in any case */
        return why;
    }
    log_event(LOG_INFO, "broadcast", KV_STR("id", id),
              KV_SLICE("domain", m->domain.len > 0 ? m->domain : SLICE("all")),
              KV_SLICE("subject", m->subject));
    if (b->job.id[0] == '\0')
        again(b, 0);
    return NULL;
}

/* ---- the whole ---- */

struct listing {
    const struct broadcasts *b;
    struct strbuf *objects;
};

static bool
add_row(void *arg, const char *id)
{
    const struct listing *l = arg;
    char recipients[24];
    struct job job;

    if (job_load(l->b->dirfd, id, &job) == 0) {
        (void)snprintf(recipients, sizeof(recipients), "%llu", (unsigned long long)job.recipients);
        object_add(l->objects,
                   (const struct object_field[]){
                       {SLICE("id"), slice_of(id)},
                       {SLICE("domain"), strbuf_slice(&job.domain)},
                       {SLICE("recipients"), slice_of(recipients)},
                       {SLICE("state"), job.ended ? SLICE("sent") : SLICE("under way")},
                   },
                   4);
    }
    job_free(&job);
    return true;
}

void
broadcasts_list(const struct broadcasts *b, struct strbuf *objects)
{
    struct listing listing = {b, objects};

    jobs_each(b->dirfd, add_row, &listing);
}

struct broadcasts *
broadcasts_new(struct daemon *d, const struct mailer *mailer, int state_dirfd)
{
    struct broadcasts *b = xcalloc(1, sizeof(*b));

    b->mailer = mailer;
    b->dirfd = state_dirfd;
    b->mail = strbuf_new(MAIL_MAX);
    b->accountd = ipc_async_new(d->loop, AT_FDCWD, ACCOUNTD_SOCKET, ACCOUNTD_PAYLOAD_MAX, 1);
    b->timer = loop_timer_new(d->loop, go_on, b);
    again(b, 0);
    return b;
}

void
broadcasts_free(struct broadcasts **bp)
{
    struct broadcasts *b = *bp;

    if (b == NULL)
        return;
    b->closing = true;
    ipc_async_free(&b->accountd);
    loop_timer_free(&b->timer);
    job_free(&b->job);
    strbuf_free(&b->mail);
    xfree(bp);
}
