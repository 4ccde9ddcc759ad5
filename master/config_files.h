/* master/config_files.h - what lies beside the two configuration files: texts and lists that
 * daemons read when they start. */
#ifndef POSTHORN_MASTER_CONFIG_FILES_H
#define POSTHORN_MASTER_CONFIG_FILES_H

#include <stdint.h>

/* A number that another one takes the place of when a file in `etc` or in one of its directories
 * has come, gone or changed; the two configuration files, whose text is compared, and names with a
 * dot in front do not count. 0: `etc` cannot be read. Reads no file. */
uint64_t config_files_stamp(const char *etc);

#endif
