/*
 * lib/log/line.h - the text of one log line, and the datagram that carries lines to logd.
 *
 * A datagram is the service's name and LF, then one or more lines, each ended by LF:
 *     smtp\n2026-11-23T10:00:00.123Z smtpd[123] info event=received queue_id=4fXk2q ...\n...
 * The name chooses the file (log/smtp.log). The encoder and the splitter do no I/O.
 */
#ifndef POSTHORN_LIB_LOG_LINE_H
#define POSTHORN_LIB_LOG_LINE_H

#include "lib/base/strbuf.h"
#include "lib/log/log.h"

#define LOG_DATAGRAM_MAX 16384 /* bytes of a whole datagram */
#define LOG_LINE_MAX 6144      /* bytes of one line; later pairs are left out and counted */
#define LOG_VALUE_MAX 1024     /* bytes of a value from outside; what is behind is cut off */
#define LOG_SERVICE_MAX 32     /* bytes of a service's name */
/* A socket to logd is bound to "from.SERVICE.PROGRAM" by master (lib/ipc/log_socket.h). */
#define LOG_ORIGIN_PREFIX "from."
#define LOG_AUDIT "audit" /* who has changed what: lines of accountd, operd and alertd */

struct log_origin {
    const char *program;
    long pid;
    struct slice context; /* encoded pairs that stand on every line, each with a space before it */
};

const char *log_level_name(enum log_level level);

/* Appends one line with its LF, at most LOG_LINE_MAX bytes. False if `out` had no room; it is then
 * as before. */
bool log_line_encode(struct strbuf *out, int64_t real_ms, const struct log_origin *origin,
                     enum log_level level, const char *event, const struct log_kv *pairs);
/* Appends ` key=value` for each pair that fits; returns how many did not. */
size_t log_pairs_encode(struct strbuf *out, const struct log_kv *pairs);

/* Makes a '?' of each byte that could steer a terminal (control characters but LF, and U+0080 to
 * U+009F): for text that did not come through the encoder. */
void log_text_tame(char *text, size_t len);

/* [a-z0-9-]{1,LOG_SERVICE_MAX}, beginning with a letter: safe as a file's name. */
bool log_service_valid(struct slice name);
/* Splits a datagram: the service's name, and its lines. -1: no valid name or no line. */
int log_datagram_split(struct slice datagram, struct slice *service, struct slice *lines);

#endif
