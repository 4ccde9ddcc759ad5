/*
 * queue-manager/sent.c - what became of users' mail, in files by days.
 */
#include "queue-manager/sent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/log/line.h"
#include "queue-manager/message.h"

#define DAY_MS INT64_C(86400000)
#define NAME_SIZE sizeof("2026-11-27.log")
#define LINES_MAX (256u << 10)
#define LINES_FULL (LINES_MAX - LOG_LINE_MAX)

struct sent {
    const struct queue *queue;
    int fd;              /* of the day's file, or -1 */
    int64_t day;         /* that it is of, since 1970 */
    bool failed;         /* and it is logged */
    struct strbuf lines; /* not yet written */
};

int
sent_open_dir(int queue_dirfd, uid_t uid, gid_t gid)
{
    int fd;

    if (mkdirat(queue_dirfd, "sent", 0700) < 0 && errno != EEXIST)
        return -1;
    fd = openat(queue_dirfd, "sent", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && geteuid() == 0 && fchown(fd, uid, gid) < 0) {
        close_keep_errno(fd);
        return -1;
    }
    return fd;
}

struct sent *
sent_new(const struct queue *q)
{
    struct sent *s = xcalloc(1, sizeof(*s));

    *s = (struct sent){.queue = q, .fd = -1, .day = -1, .lines = strbuf_new(LINES_MAX)};
    return s;
}

void
sent_free(struct sent **sp)
{
    if (*sp == NULL)
        return;
    sent_write(*sp);
    close_keep_errno((*sp)->fd);
    strbuf_free(&(*sp)->lines);
    xfree(sp);
}

/* ---- the files ---- */

static void
name_of(int64_t day, char name[NAME_SIZE])
{
    struct strbuf text = strbuf_new(32);

    (void)clock_rfc3339(day * DAY_MS, &text); /* fits */
    (void)snprintf(name, NAME_SIZE, "%.10s.log", strbuf_cstr(&text));
    strbuf_free(&text);
}

/* Days that are over: a name that is one, and comes before the first that is kept. */
static void
remove_old(int dirfd, int64_t today, uint32_t days)
{
    int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *e;
    char first[NAME_SIZE];

    name_of(today - (int64_t)days + 1, first);
    while (dir != NULL && (e = readdir(dir)) != NULL)
        if (strlen(e->d_name) == NAME_SIZE - 1 && e->d_name[0] != '.' &&
            strcmp(e->d_name, first) < 0)
            (void)unlinkat(dirfd, e->d_name, 0); /* else the next day tries it again */
    if (dir != NULL)
        (void)closedir(dir);
    else
        close_keep_errno(fd);
}

static int
open_day(struct sent *s, int64_t day)
{
    const struct queue_settings *settings = &s->queue->settings;
    char name[NAME_SIZE];

    if (s->fd >= 0 && s->day == day)
        return 0;
    close_keep_errno(s->fd);
    name_of(day, name);
    s->fd = openat(settings->sent_dirfd, name,
                   O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (s->fd < 0)
        return -1;
    s->day = day;
    remove_old(settings->sent_dirfd, day, settings->sent_days);
    return 0;
}

void
sent_write(struct sent *s)
{
    int rc;

    if (s->lines.len == 0)
        return;
    rc = open_day(s, clock_real_ms() / DAY_MS);
    if (rc == 0)
        rc = write_all(s->fd, strbuf_slice(&s->lines));
    if (rc < 0 && !s->failed)
        log_event(LOG_WARN, "sent_unrecorded", KV_ERRNO(),
                  KV_STR("hint", "queue/sent cannot be written; mail goes on"));
    s->failed = rc < 0;
    strbuf_clear(&s->lines);
}

/* ---- the lines ---- */

/* The target whose outcome is the recipient's: of several, one that failed, or else waits. */
static const struct target *
worst(const struct target *a, const struct target *b)
{
    static const int rank[] = {[TARGET_DELIVERED] = 1, [TARGET_DEFERRED] = 2, [TARGET_BOUNCED] = 3};

    return a == NULL || rank[b->state] > rank[a->state] ? b : a;
}

static const char *
result_of(const struct target *t)
{
    static const char *const names[] = {[TARGET_DELIVERED] = "delivered",
                                        [TARGET_DEFERRED] = "deferred",
                                        [TARGET_BOUNCED] = "failed"};

    return names[t->state];
}

static void
add_line(struct sent *s, const struct message *m, const struct queue_rcpt *rcpt,
         const struct target *t)
{
    const struct log_origin origin = {.program = "queue-manager", .pid = getpid()};
    bool is_itself = slice_eq_nocase(rcpt->address, t->address);
    const struct log_kv pairs[] = {
        KV_SLICE("user", m->envelope->auth_user),
        KV_STR("queue_id", m->id),
        KV_SLICE("to", rcpt->address),
        KV_STR("result", result_of(t)),
        KV_SLICE("dsn", t->dsn),
        /* what is said of another address would disclose it */
        KV_SLICE("reason", is_itself ? t->text : SLICE("")),
        KV_SLICE("remote", is_itself ? t->remote : SLICE("")),
        KV_END,
    };

    if (s->lines.len > LINES_FULL)
        sent_write(s);
    (void)log_line_encode(&s->lines, clock_real_ms(), &origin, LOG_INFO, "sent", pairs);
}

/* Copies are nobody's business, nor is what has no outcome. */
static void
count(const struct queue_envelope *e, const struct target **of, uint32_t source,
      const struct target *t)
{
    if (source < e->rcpt_count && t->state >= TARGET_DELIVERED)
        of[source] = worst(of[source], t);
}

void
sent_note(struct sent *s, const struct message *m)
{
    const struct queue_envelope *e = m->envelope;
    const struct target **of;

    if (s->queue->settings.sent_days == 0 || e->auth_user.len == 0 ||
        e->origin == QUEUE_ORIGIN_SYSTEM)
        return;
    of = xcalloc(e->rcpt_count, sizeof(const struct target *));
    for (uint32_t i = 0; i < m->target_count; i++)
        count(e, of, m->targets[i].source, &m->targets[i]);
    for (const struct message_twin *twin = m->twins; twin != NULL; twin = twin->next)
        if (twin->target != MESSAGE_NO_TARGET)
            count(e, of, twin->source, &m->targets[twin->target]);
    for (uint32_t i = 0; i < e->rcpt_count; i++)
        if (of[i] != NULL)
            add_line(s, m, &e->rcpts[i], of[i]);
    free(of);
}
