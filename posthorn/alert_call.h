/*
 * posthorn/alert_call.h - asks alertd.
 */
#ifndef POSTHORN_POSTHORN_ALERT_CALL_H
#define POSTHORN_POSTHORN_ALERT_CALL_H

#include "lib/ipc/alertd.h"
#include "posthorn/command.h"
#include "posthorn/output.h"

/* One whole frame; prints the reply's objects where there are columns. CLI_OK, or CLI_FAILED after
 * the message, also where a result among them begins with "failed". */
int alert_call(struct cli *cli, struct strbuf *request, int timeout_ms,
               const struct column *columns, size_t column_count);
int alert_call_table(struct cli *cli, const struct alertd_control *control, int timeout_ms,
                     const struct column *columns, size_t column_count);

#endif
