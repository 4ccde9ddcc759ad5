/*
 * queue-manager/own_mail.c - commits mail that the queue manager writes itself.
 */
#include "queue-manager/own_mail.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "queue-manager/notice.h"

#define COPY_STEP 65536u
#define TRACE_MAX 1024u
#define SYNC_MIN 262144u

struct own_mail_writer {
    const struct own_mail *mail;
    struct queue_writer *file;
    uint64_t at; /* of the original */
};

/* Up to `max` bytes. */
static int
copy_some(struct own_mail_writer *w, uint64_t max)
{
    uint64_t end = w->mail->original_size;
    char *buf = xmalloc(COPY_STEP);
    int rc = 0;

    if (end - w->at > max)
        end = w->at + max;
    while (w->at < end && rc == 0) {
        size_t step = end - w->at < COPY_STEP ? (size_t)(end - w->at) : COPY_STEP;

        rc = pread_exact(w->mail->original_fd, buf, step, (off_t)w->at);
        if (rc == 0)
            rc = queue_writer_write(w->file, slice_make(buf, step));
        w->at += step;
    }
    xfree(&buf);
    return rc;
}

static int
write_trace(const struct queue *q, struct queue_writer *w, const struct own_mail *mail)
{
    struct strbuf out = strbuf_new(TRACE_MAX); /* a host name has at most 255 bytes */
    int rc;

    notice_put_trace(&out, q, mail->id, mail->now_ms);
    rc = queue_writer_write(w, strbuf_slice(&out));
    strbuf_free(&out);
    return rc;
}

/* An id that is made from what the mail is about is the same after a crash: nobody but us has made
 * a file of this name. */
static struct queue_writer *
open_file(struct queue *q, const char *id)
{
    int tmp = q->spool.fds[SPOOL_TMP], new = q->spool.fds[SPOOL_NEW];
    struct queue_writer *file = queue_writer_open(tmp, new, id);

    if (file == NULL && errno == EEXIST && unlinkat(tmp, id, 0) == 0)
        file = queue_writer_open(tmp, new, id);
    return file;
}

struct own_mail_writer *
own_mail_begin(struct queue *q, const struct own_mail *mail)
{
    struct queue_writer *file = open_file(q, mail->id);
    struct own_mail_writer *w;

    if (file == NULL)
        return NULL;
    w = xcalloc(1, sizeof(*w));
    *w = (struct own_mail_writer){.mail = mail, .file = file};
    if (mail->original_fd < 0)
        w->at = mail->original_size;
    if (write_trace(q, file, mail) < 0 || queue_writer_write(file, mail->head) < 0)
        own_mail_abort(&w);
    return w;
}

int
own_mail_copy(struct own_mail_writer *w, uint64_t max)
{
    uint64_t before = w->at;

    if (copy_some(w, max) < 0 || (w->at - before >= SYNC_MIN && queue_writer_sync(w->file) < 0))
        return -1;
    return w->at < w->mail->original_size;
}

int
own_mail_end(struct own_mail_writer **wp)
{
    const struct own_mail *mail = (*wp)->mail;
    struct queue_rcpt rcpt = {.address = mail->to, .notify = QUEUE_NOTIFY_NEVER};
    struct queue_envelope envelope = {.received_ms = mail->now_ms,
                                      .smtputf8 = mail->smtputf8,
                                      .body_8bit = mail->body_8bit,
                                      .requiretls = mail->requiretls,
                                      .priority = mail->priority,
                                      .client = slice_of(mail->client),
                                      .origin = QUEUE_ORIGIN_SYSTEM,
                                      .rcpt_count = 1,
                                      .rcpts = &rcpt};
    int rc = -1;

    if (copy_some(*wp, UINT64_MAX) == 0 && queue_writer_write((*wp)->file, mail->tail) == 0)
        rc = queue_writer_commit(&(*wp)->file, &envelope);
    own_mail_abort(wp);
    return rc;
}

void
own_mail_abort(struct own_mail_writer **wp)
{
    if (*wp != NULL)
        queue_writer_abort(&(*wp)->file);
    xfree(wp);
}

int
own_mail_commit(struct queue *q, const struct own_mail *mail)
{
    struct own_mail_writer *w = own_mail_begin(q, mail);

    return w == NULL ? -1 : own_mail_end(&w);
}

bool
own_mail_is_there(const struct queue *q, const char *id)
{
    static const int states[] = {SPOOL_NEW, SPOOL_ACTIVE, SPOOL_DEFERRED, SPOOL_HOLD};

    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        if (faccessat(q->spool.fds[states[i]], id, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            return true;
    return false;
}
