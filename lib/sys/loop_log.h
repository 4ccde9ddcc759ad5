/*
 * lib/sys/loop_log.h - the log lines of a turn leave at its end (lib/log/log.h).
 */
#ifndef POSTHORN_LIB_SYS_LOOP_LOG_H
#define POSTHORN_LIB_SYS_LOOP_LOG_H

#include "lib/sys/loop.h"

/* Once for the loop of a process. What a stuck logd does not take is sent when it may be tried
 * again, also if nothing else happens. */
void loop_flush_log(struct loop *loop);

#endif
