/*
 * syncd/reports.h - how the last synchronisation of each domain ended, as long as the process
 * lives.
 */
#ifndef POSTHORN_SYNCD_REPORTS_H
#define POSTHORN_SYNCD_REPORTS_H

#include "lib/ipc/sync.h"

#define REPORTS_MAX 100              /* domains; the one that ended first goes */
#define REPORT_DATA_MAX (192u << 10) /* bytes of rows; more are left out, and the text says so */

struct reports;

struct reports *reports_new(void);
void reports_free(struct reports **rp);
/* `report` is copied; its domain is `domain`. */
void reports_add(struct reports *r, const char *domain, const struct sync_report *report);
/* Borrowed until the next change; NULL: none has ended. */
const struct sync_report *reports_find(const struct reports *r, struct slice domain);

#endif
