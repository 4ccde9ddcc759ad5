/*
 * lib/log/log.h - the log client: one event a line, key=value, sent to logd as datagrams.
 *
 * A line is `time program[pid] level event=NAME key=value ...`; the logger quotes and escapes every
 * value that needs it, so that outside text cannot forge a line or a field. Lines collect in the
 * process and leave in one datagram at log_flush(), which the event loop calls at the end of each
 * turn and sessions call before they wait for the peer; LOG_ERROR flushes at once. When logd does
 * not take them in time (100 ms) lines are dropped and counted, and the count is logged later. No
 * secret and no message text goes in here. Every event that concerns a message carries
 * KV_STR("queue_id", id).
 */
#ifndef POSTHORN_LIB_LOG_LOG_H
#define POSTHORN_LIB_LOG_LOG_H

#include <stdint.h>

#include "lib/base/slice.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct log_kv {
    const char *key; /* NULL ends the list */
    enum { LOG_KV_SLICE, LOG_KV_U64, LOG_KV_I64 } type;
    struct slice text;
    uint64_t number;
};

#define KV_SLICE(k, v) ((struct log_kv){(k), LOG_KV_SLICE, (v), 0})
#define KV_STR(k, v) KV_SLICE((k), slice_of(v))
#define KV_U64(k, v) ((struct log_kv){(k), LOG_KV_U64, {NULL, 0}, (uint64_t)(v)})
#define KV_I64(k, v) ((struct log_kv){(k), LOG_KV_I64, {NULL, 0}, (uint64_t)(int64_t)(v)})
#define KV_ERRNO() KV_STR("error", strerror(errno))
#define KV_END ((struct log_kv){NULL, LOG_KV_U64, {NULL, 0}, 0})

/* log_event(LOG_INFO, "deferred", KV_STR("queue_id", id), KV_U64("attempt", n)): one pair or more.
 * An event without pairs: log_note(). */
#define log_event(level, event, ...)                                                               \
    log_write((level), (event), (const struct log_kv[]){__VA_ARGS__, KV_END})
#define log_note(level, event) log_write((level), (event), (const struct log_kv[]){KV_END})

/* `program` names the writer ("smtpd"), `service` the log file it belongs to ("smtp"). `fd` is a
 * datagram socket connected to logd, or -1: lines go to stderr. Borrowed: both strings, the fd. */
void log_open(const char *program, const char *service, int fd);
void log_set_level(enum log_level level); /* finer events are not even formatted */
/* Copies of LOG_ERROR and LOG_WARN to stderr; where that is the journal, with their priorities. */
void log_set_stderr(bool also);
/* After fork: forgets the parent's unsent lines and takes the new pid. */
void log_forked(void);
/* Fields put on every line from here on (a session id, the peer's address), until called again;
 * copied. NULL: none. */
void log_context(const struct log_kv *pairs);
void log_write(enum log_level level, const char *event, const struct log_kv *pairs);
void log_flush(void);
/* Milliseconds until lines that wait for a stuck logd can be sent; 0: none waits. */
int64_t log_wait_ms(void);
/* One line at once into the log of another service, which logd takes from few (logd/receiver.c);
 * without a logd to stderr. False: it did not leave. */
bool log_write_to(const char *service, const char *event, const struct log_kv *pairs);

#endif
