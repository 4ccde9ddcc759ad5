/*
 * posthorn/new_file.h - a file that a command writes: an export.
 */
#ifndef POSTHORN_POSTHORN_NEW_FILE_H
#define POSTHORN_POSTHORN_NEW_FILE_H

#include "posthorn/command.h"

/* For its owner alone (0600), on disk. One that is there is replaced with `force` only. CLI_OK, or
 * CLI_FAILED after the message. */
int new_file_write(const struct cli *cli, const char *path, bool force, struct slice text);

#endif
