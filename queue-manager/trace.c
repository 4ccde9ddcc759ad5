/*
 * queue-manager/trace.c - stops mail that goes round in circles (QUE-08).
 *
 * Two measures: the number of Received fields (RFC 5321 section 6.3), counted by smtpd, and a
 * Delivered-To field that every forward of ours puts on top of what it sends out. A message that
 * comes back with the field of the forwarder has gone round once. Headers are read only of messages
 * that are about to be forwarded.
 */
#include "queue-manager/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"
#include "lib/mail/header.h"
#include "lib/sys/stats.h"
#include "queue-manager/message.h"

#define HEADER_READ_MAX 65536
#define LOOP_STATUS "5.4.6" /* routing loop detected (RFC 3463 section 3.5) */

static bool
is_forward(const struct target *t)
{
    return t->kind == TARGET_REMOTE && t->via.len > 0;
}

static void
stop(struct queue *q, struct message *m, struct target *t, const char *why, enum conf_id setting)
{
    t->state = TARGET_BOUNCED;
    t->dsn = SLICE(LOOP_STATUS);
    t->text = slice_of(why);
    stats_add(q->counters.looping, 1);
    log_event(LOG_WARN, "loop", KV_STR("queue_id", m->id), KV_SLICE("rcpt", t->address),
              KV_STR("reason", why), KV_STR("setting", conf_decider(setting)));
}

static int
read_header(struct queue *q, const struct message *m, struct strbuf *header)
{
    uint64_t size = m->envelope->content_size;
    size_t want = size < HEADER_READ_MAX ? (size_t)size : HEADER_READ_MAX;
    int fd = openat(q->spool.fds[SPOOL_ACTIVE], m->id, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    char *room = strbuf_room(header, want);
    int rc = -1;

    if (fd >= 0 && room != NULL && pread_exact(fd, room, want, 0) == 0) {
        strbuf_grew(header, want);
        rc = 0;
    }
    close_keep_errno(fd);
    return rc;
}

static bool
was_here(struct slice header, struct slice address)
{
    struct header_field field;

    while (header_next(&header, &field) == HEADER_FIELD)
        if (slice_eq_nocase(field.name, SLICE("Delivered-To")) &&
            slice_eq_nocase(slice_trim(field.body), address))
            return true;
    return false;
}

static void
stop_forwards(struct queue *q, struct message *m)
{
    struct strbuf header = strbuf_new(HEADER_READ_MAX);

    if (read_header(q, m, &header) < 0)
        log_event(LOG_WARN, "unreadable", KV_STR("queue_id", m->id), KV_ERRNO());
    for (uint32_t i = 0; i < m->target_count; i++) {
        struct target *t = &m->targets[i];

        if (is_forward(t) && was_here(strbuf_slice(&header), message_source(m, t->source)->address))
            stop(q, m, t, "the message has been forwarded from here before", CONF_NO_SETTING);
    }
    strbuf_free(&header);
}

void
trace_stop_loops(struct queue *q, struct message *m)
{
    bool forwards = false;

    for (uint32_t i = 0; i < m->target_count; i++) {
        if (m->targets[i].state != TARGET_WAITING || m->targets[i].kind == TARGET_ARCHIVE)
            continue;
        if (m->envelope->hops > q->settings.hop_limit)
            stop(q, m, &m->targets[i], "too many hops", QUEUE_HOP_LIMIT);
        else
            forwards |= is_forward(&m->targets[i]);
    }
    if (forwards)
        stop_forwards(q, m);
}

struct slice
trace_forwarder(const struct message *m, const struct target *t)
{
    return is_forward(t) ? message_source(m, t->source)->address : SLICE("");
}

void
trace_header(const struct message *m, const struct target *t, struct strbuf *out)
{
    struct slice address = message_source(m, t->source)->address;

    if (!is_forward(t))
        return;
    for (size_t i = 0; i < address.len; i++)
        if ((unsigned char)address.ptr[i] < 0x20 || address.ptr[i] == 0x7f)
            return; /* a quoted local part may hold what no header field may */
    (void)strbuf_str(out, "Delivered-To: ");
    (void)strbuf_append(out, address);
    (void)strbuf_str(out, "\r\n");
}
