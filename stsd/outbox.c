/*
 * stsd/outbox.c - puts a report's mail into the queue, as smtpd does with what it receives: files
 * are created in tmp/ and renamed to new/, nothing else of the queue is touched.
 */
#include "stsd/outbox.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sysexits.h>

#include "lib/base/mem.h"
#include "lib/ipc/queue_manager.h"
#include "lib/queue/queue_file.h"
#include "lib/sys/daemon.h"

#define MAIL_MAX (24u << 20)

static int
open_directory(const struct daemon *d, const char *name)
{
    char *path = xasprintf("%s/%s", d->inst.queue, name);
    int fd = daemon_open_dir(d, path, false);

    free(path);
    return fd;
}

/* For reading too: a FIFO opened for writing alone wants a reader, and the queue manager may not
 * be there yet. */
struct outbox
outbox_open(const struct daemon *d)
{
    char *path = xasprintf("%s/trigger", d->inst.queue);
    struct outbox outbox = {.tmp_dirfd = open_directory(d, "tmp"),
                            .new_dirfd = open_directory(d, "new"),
                            .trigger_fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)};

    if (outbox.trigger_fd < 0)
        err(EX_NOINPUT, "%s", path);
    free(path);
    return outbox;
}

/* No server's TLS may hold a report up (RFC 8460 section 3), and nobody hears of one that does not
 * arrive. */
int
outbox_send(const struct outbox *outbox, const struct report *report, struct slice gzipped,
            struct slice to)
{
    struct queue_rcpt rcpt = {.address = to, .notify = QUEUE_NOTIFY_NEVER};
    struct queue_envelope envelope = {.received_ms = report->now_ms,
                                      .sender = slice_of(report->author->contact),
                                      .tls_optional = true,
                                      .client = SLICE("tls-report"),
                                      .origin = QUEUE_ORIGIN_SYSTEM,
                                      .rcpt_count = 1,
                                      .rcpts = &rcpt};
    struct strbuf mail = strbuf_new(MAIL_MAX);
    char id[QUEUE_ID_SIZE];
    struct queue_writer *w;
    int rc = -1;

    queue_id_make(id);
    report_mail(report, gzipped, to, id, &mail);
    w = queue_writer_open(outbox->tmp_dirfd, outbox->new_dirfd, id);
    if (w == NULL)
        goto out;
    errno = EFBIG;
    if (mail.overflow || queue_writer_write(w, strbuf_slice(&mail)) < 0)
        queue_writer_abort(&w);
    else
        rc = queue_writer_commit(&w, &envelope);
    if (rc == 0)
        queue_trigger(outbox->trigger_fd);
out:
    strbuf_free(&mail);
    return rc;
}
