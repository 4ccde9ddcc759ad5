/*
 * posthorn/sandbox_report.h - every process of the suite, and what it has given up.
 */
#ifndef POSTHORN_POSTHORN_SANDBOX_REPORT_H
#define POSTHORN_POSTHORN_SANDBOX_REPORT_H

#include <sys/types.h>

#include "posthorn/command.h"

/* Prints one row for master and for each of its descendants. Returns an exit code. */
int sandbox_report_print(struct cli *cli, pid_t master);

#endif
