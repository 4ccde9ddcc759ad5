/*
 * queue-manager/disk_notice.c - tells the postmaster that a disk fills up, from a template.
 */
#include "queue-manager/disk_notice.h"

#include <errno.h>
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"
#include "lib/mail/system_mail.h"
#include "queue-manager/intake.h"
#include "queue-manager/notice.h"

#define MESSAGE_MAX ((size_t)TEMPLATE_MAX * 2)
#define VALUE_SIZE 48

static void
compose(const struct queue *q, const char *place, const struct disk_room *room, const char *id,
        const struct queue_envelope *e, struct strbuf *out)
{
    char free_bytes[VALUE_SIZE], files[VALUE_SIZE];
    const struct template_value values[] = {{"place", slice_of(place)},
                                            {"free", slice_of(free_bytes)},
                                            {"files", slice_of(files)},
                                            {"hostname", slice_of(q->settings.hostname)}};

    (void)snprintf(free_bytes, sizeof(free_bytes), "%llu MiB",
                   (unsigned long long)(room->bytes >> 20));
    (void)snprintf(files, sizeof(files), "%llu", (unsigned long long)room->files);
    system_mail_write(
        &(const struct system_mail){.from_name = "Mail system",
                                    .from = e->rcpts[0].address,
                                    .to = e->rcpts[0].address,
                                    .queue_id = id,
                                    .hostname = q->settings.hostname,
                                    .now_ms = e->received_ms,
                                    .wording = &q->settings.wording.kinds[WORDING_DISK],
                                    .values = values,
                                    .value_count = ARRAY_LEN(values)},
        out);
}

int
disk_notice_send(struct queue *q, const char *place, const struct disk_room *room)
{
    char address[NOTICE_ADDRESS_SIZE], id[QUEUE_ID_SIZE];
    struct queue_rcpt rcpt = {.address = notice_postmaster(q, address),
                              .notify = QUEUE_NOTIFY_NEVER};
    struct queue_envelope envelope = {.received_ms = clock_real_ms(),
                                      .body_8bit = true,
                                      .client = SLICE("disk-warning"),
                                      .origin = QUEUE_ORIGIN_SYSTEM,
                                      .rcpt_count = 1,
                                      .rcpts = &rcpt};
    struct strbuf content = strbuf_new(MESSAGE_MAX);
    struct queue_writer *w;
    int rc = -1;

    queue_id_make(id);
    compose(q, place, room, id, &envelope, &content);
    w = content.overflow ? NULL
                         : queue_writer_open(q->spool.fds[SPOOL_TMP], q->spool.fds[SPOOL_NEW], id);
    if (w != NULL && queue_writer_write(w, strbuf_slice(&content)) == 0)
        rc = queue_writer_commit(&w, &envelope);
    queue_writer_abort(&w); /* NULL after a commit */
    strbuf_free(&content);
    if (rc < 0)
        return -1;
    intake_look(q->intake);
    log_event(LOG_INFO, "notice", KV_STR("queue_id", id), KV_STR("kind", "disk_warning"),
              KV_SLICE("to", rcpt.address), KV_STR("place", place));
    return 0;
}
