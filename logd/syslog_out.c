/*
 * logd/syslog_out.c - copies of log lines to the system's own log, /dev/log.
 *
 * RFC 5424 section 6, or the older form of RFC 3164 section 4.1 as local programs write it (the
 * local daemon adds the host's name itself). The facility is mail (2). The connection is made again
 * when the system's daemon was restarted; that needs the directory, not a path.
 */
#include "logd/syslog_out.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/ipc/socket.h"
#include "lib/log/line.h"

#define FACILITY_MAIL 2
#define RECONNECT_PAUSE_MS 5000
#define MESSAGE_MAX (LOG_LINE_MAX + 512)

struct syslog_out {
    int dev_dirfd;
    enum syslog_format format;
    char *hostname;
    int fd; /* -1: not connected */
    int64_t retry_at_ms;
    struct strbuf message;
};

struct parts {
    struct slice time, program, pid, level, text;
};

struct syslog_out *
syslog_out_new(int dev_dirfd, enum syslog_format format, const char *hostname)
{
    struct syslog_out *out = xcalloc(1, sizeof(*out));

    tzset(); /* RFC 3164 wants local time: read the zone while its file can be opened */
    out->dev_dirfd = dev_dirfd;
    out->format = format;
    out->hostname = xstrdup(hostname);
    out->fd = -1;
    out->message = strbuf_new(MESSAGE_MAX);
    return out;
}

void
syslog_out_free(struct syslog_out **outp)
{
    if (*outp == NULL)
        return;
    close_keep_errno((*outp)->fd);
    strbuf_free(&(*outp)->message);
    free((*outp)->hostname);
    xfree(outp);
}

/* "TIME PROGRAM[PID] LEVEL TEXT" */
static int
split_line(struct slice line, struct parts *p)
{
    struct slice origin;

    p->time = slice_split(&line, ' ');
    origin = slice_split(&line, ' ');
    p->level = slice_split(&line, ' ');
    p->text = line;
    p->program = slice_split(&origin, '[');
    p->pid = slice_split(&origin, ']');
    if (p->time.len != strlen("2026-11-23T10:00:00.123Z") || p->program.len == 0 ||
        p->program.len > 48 || p->pid.len == 0 || p->pid.len > 20 || p->text.len == 0)
        return -1;
    return parse_is_ascii_print(p->program) && parse_is_ascii_print(p->pid) ? 0 : -1;
}

/* RFC 5424 section 6.2.1: facility * 8 + severity. */
static unsigned
priority(struct slice level)
{
    static const struct {
        struct slice level;
        unsigned severity;
    } table[] = {{{"error", 5}, 3}, {{"warn", 4}, 4}, {{"info", 4}, 6}, {{"debug", 5}, 7}};

    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (slice_eq(table[i].level, level))
            return FACILITY_MAIL * 8 + table[i].severity;
    return FACILITY_MAIL * 8 + 5;
}

/* "Nov 23 10:00:00" in local time (RFC 3164 section 4.1.2); now is near enough to the line's own.
 */
static void
put_bsd_time(struct strbuf *out)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t now = (time_t)(clock_real_ms() / 1000);
    struct tm tm = {0};

    (void)localtime_r(&now, &tm); /* fails only past the year 2^31 */
    (void)strbuf_printf(out, "%s %2d %02d:%02d:%02d", months[tm.tm_mon], tm.tm_mday, tm.tm_hour,
                        tm.tm_min, tm.tm_sec);
}

int
syslog_encode(enum syslog_format format, const char *hostname, struct slice line,
              struct strbuf *message)
{
    struct parts p;

    if (split_line(line, &p) < 0)
        return -1;
    (void)strbuf_printf(message, "<%u>", priority(p.level));
    if (format == SYSLOG_RFC5424) {
        (void)strbuf_str(message, "1 ");
        (void)strbuf_append(message, p.time);
        (void)strbuf_printf(message, " %s ", hostname);
    } else {
        put_bsd_time(message);
        (void)strbuf_char(message, ' ');
    }
    (void)strbuf_append(message, p.program);
    (void)strbuf_str(message, format == SYSLOG_RFC5424 ? " " : "[");
    (void)strbuf_append(message, p.pid);
    (void)strbuf_str(message, format == SYSLOG_RFC5424 ? " - - " : "]: ");
    (void)strbuf_append(message, p.text);
    return message->overflow ? -1 : 0;
}

static bool
connected(struct syslog_out *out)
{
    struct sockaddr_un address;
    int64_t now = clock_mono_ms();

    if (out->fd >= 0)
        return true;
    if (now < out->retry_at_ms || ipc_socket_address(out->dev_dirfd, "log", &address) < 0)
        return false;
    out->retry_at_ms = now + RECONNECT_PAUSE_MS;
    out->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (out->fd >= 0 && connect(out->fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return true;
    close_keep_errno(out->fd);
    out->fd = -1;
    return false;
}

void
syslog_out_send(struct syslog_out *out, struct slice lines)
{
    while (lines.len > 0 && connected(out)) {
        struct slice line = slice_split(&lines, '\n');

        strbuf_clear(&out->message);
        if (syslog_encode(out->format, out->hostname, line, &out->message) < 0)
            continue;
        if (send(out->fd, out->message.ptr, out->message.len, MSG_NOSIGNAL) < 0 &&
            errno != EAGAIN && errno != EMSGSIZE && errno != ENOBUFS) {
            close_keep_errno(out->fd); /* the system's daemon went away */
            out->fd = -1;
        }
    }
}
