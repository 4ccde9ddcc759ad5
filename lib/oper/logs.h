/*
 * lib/oper/logs.h - the names of log files: SERVICE.log, and SERVICE.log.TIME once rotated.
 */
#ifndef POSTHORN_LIB_OPER_LOGS_H
#define POSTHORN_LIB_OPER_LOGS_H

#include <stdbool.h>

/* The service of a log file's name, "smtp.log" or "smtp.log.20261123T100000.123Z". False: it is no
 * log file, or a rotated one where those do not count. */
bool log_file_service(const char *name, bool rotated_too, char service[64]);

#endif
