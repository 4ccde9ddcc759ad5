/*
 * lib/log/journal.h - one line to the system's log, where ours may not be open or be read (LOG-05).
 */
#ifndef POSTHORN_LIB_LOG_JOURNAL_H
#define POSTHORN_LIB_LOG_JOURNAL_H

#include "lib/base/slice.h"

#define JOURNAL_SOCKET "/dev/log"

/* Sends `text` as an error of `program` to the system's log at `path` (RFC 3164 section 4.1, as
 * syslog(3) writes it locally). Never blocks. 0, or -1 with errno: there is none, or it is busy. */
int journal_tell(const char *path, const char *program, struct slice text);

#endif
