/*
 * lib/log/journal.h - one line to the system's log, where ours may not be open or be read (LOG-05).
 */
#ifndef POSTHORN_LIB_LOG_JOURNAL_H
#define POSTHORN_LIB_LOG_JOURNAL_H

#include <stdbool.h>

#include "lib/base/slice.h"

#define JOURNAL_SOCKET "/dev/log"

/* Sends `text` as an error of `program` to the system's log at `path` (RFC 3164 section 4.1, as
 * syslog(3) writes it locally). Never blocks. 0, or -1 with errno: there is none, or it is busy. */
int journal_tell(const char *path, const char *program, struct slice text);

/* Does stderr lead to the journal (JOURNAL_STREAM, systemd.exec(5))? Then what is told there needs
 * no journal_tell(), and a line may begin with its priority: "<3>" (sd-daemon(3)). */
bool journal_is_stderr(void);

#endif
