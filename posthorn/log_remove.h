/*
 * posthorn/log_remove.h - what there is of log files, and their removal.
 */
#ifndef POSTHORN_POSTHORN_LOG_REMOVE_H
#define POSTHORN_POSTHORN_LOG_REMOVE_H

#include "posthorn/command.h"

/* Exit codes all. */
int log_files_show(struct cli *cli);
/* The file that is being written ends and a new one begins; the old one is gone. */
int log_file_empty(struct cli *cli, const char *service, bool yes);
/* One that was set aside: "smtp.log.20261123T100000.123Z". */
int log_file_delete(struct cli *cli, const char *name, bool yes);

#endif
