/*
 * lib/log/line_read.h - takes log lines apart, and turns them into JSON objects and back.
 *
 * Lines were encoded by lib/log/line.h, but a line may also be cut off, or made up by a process
 * that was taken over: nothing is assumed of it. No I/O.
 */
#ifndef POSTHORN_LIB_LOG_LINE_READ_H
#define POSTHORN_LIB_LOG_LINE_READ_H

#include "lib/base/strbuf.h"

#define LOG_JSON_MAX 24576 /* bytes of a line of LOG_LINE_MAX as JSON, at most */

/* The part of a line behind "time program[pid] level", and the next ` key=value` of it: a quoted
 * value keeps its quotes. False at the end. */
struct slice log_line_pairs(struct slice line);
bool log_next_pair(struct slice *rest, struct slice *key, struct slice *value);
/* Such a value without quotes and escapes into `out`, which is cleared first. */
void log_value_text(struct slice value, struct strbuf *out);
/* The value of `key` in a line, as it stands there ("..." with its quotes); empty if there is none.
 */
struct slice log_line_value(struct slice line, const char *key);
/* A line as one JSON object: time, service, program, pid, level, event, fields, and text if there
 * is something in it that is no field. Bytes that are no UTF-8 become U+FFFD; what could steer a
 * terminal is escaped. */
void log_line_json(struct slice line, const char *service, struct strbuf *out);
/* Such an object as the line that it was made of, without LF, into `out`. 0, or -1: it is none. */
int log_line_of_json(struct slice json, struct strbuf *out);
/* A line of either format as text: it itself, or what is written into `text` (LOG_JSON_MAX). */
struct slice log_line_as_text(struct slice line, struct strbuf *text);

#endif
