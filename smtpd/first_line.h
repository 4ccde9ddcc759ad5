/*
 * smtpd/first_line.h - a look at the first line of a connection, before a worker reads it.
 */
#ifndef POSTHORN_SMTPD_FIRST_LINE_H
#define POSTHORN_SMTPD_FIRST_LINE_H

#include "lib/sys/pool.h"

/* For pool_screening.judge. `seen`: what has come since the greeting. */
enum pool_first first_line_judge(struct slice seen, bool rejects_pipelining);

#endif
