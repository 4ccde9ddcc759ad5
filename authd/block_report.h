/*
 * authd/block_report.h - new blocks on their way to accountd, which keeps them: each is told until
 * accountd has taken it, and holds here meanwhile.
 */
#ifndef POSTHORN_AUTHD_BLOCK_REPORT_H
#define POSTHORN_AUTHD_BLOCK_REPORT_H

#include "lib/auth/block_list.h"
#include "lib/ipc/peer.h"

#define BLOCK_REPORTS_MAX 1000 /* that wait; with more the oldest is given up, and logged */

struct block_reports;

struct block_reports *block_reports_new(struct loop *loop, struct ipc_async *accounts);
void block_reports_free(struct block_reports **reportsp);
/* Copies the block and tells accountd. */
void block_reports_add(struct block_reports *reports, const struct block *block);
/* Puts those that accountd has not taken yet into a list that is its copy. */
void block_reports_apply(const struct block_reports *reports, struct block_list *list);

#endif
