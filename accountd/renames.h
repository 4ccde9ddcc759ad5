/*
 * accountd/renames.h - what is counted, learned and blocked under names follows a rename, whose
 * transaction moves the rows: what is in memory becomes rows before it, and is read again behind
 * it. Standalone there is nothing of it.
 */
#ifndef POSTHORN_ACCOUNTD_RENAMES_H
#define POSTHORN_ACCOUNTD_RENAMES_H

#include "accountd/server.h"

void renames_begin(struct server *server);
void renames_done(struct server *server);

#endif
