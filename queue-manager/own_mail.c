/*
 * queue-manager/own_mail.c - commits mail that the queue manager writes itself.
 */
#include "queue-manager/own_mail.h"

#include <errno.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "queue-manager/notice.h"

#define COPY_STEP 65536u
#define TRACE_MAX 1024u

static int
copy_original(struct queue_writer *w, const struct own_mail *mail)
{
    char *buf = xmalloc(COPY_STEP);
    uint64_t at = 0;
    int rc = 0;

    while (at < mail->original_size && rc == 0) {
        uint64_t left = mail->original_size - at;
        size_t step = left < COPY_STEP ? (size_t)left : COPY_STEP;

        rc = pread_exact(mail->original_fd, buf, step, (off_t)at);
        if (rc == 0)
            rc = queue_writer_write(w, slice_make(buf, step));
        at += step;
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

int
own_mail_commit(struct queue *q, const struct own_mail *mail)
{
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
    struct queue_writer *w =
        queue_writer_open(q->spool.fds[SPOOL_TMP], q->spool.fds[SPOOL_NEW], mail->id);

    if (w == NULL)
        return -1;
    if (write_trace(q, w, mail) == 0 && queue_writer_write(w, mail->head) == 0 &&
        (mail->original_fd < 0 || copy_original(w, mail) == 0) &&
        queue_writer_write(w, mail->tail) == 0)
        return queue_writer_commit(&w, &envelope);
    queue_writer_abort(&w);
    return -1;
}
