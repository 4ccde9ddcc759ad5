/*
 * accountd/folders.h - FOLDERS: which folders of others a user may open, and with which rights.
 */
#ifndef POSTHORN_ACCOUNTD_FOLDERS_H
#define POSTHORN_ACCOUNTD_FOLDERS_H

#include "accountd/server.h"

enum outcome folders_request(struct request *request);
/* False: there are none for anybody, and nobody needs to ask. */
bool folders_exist(struct server *server);

#endif
