/*
 * lib/store/folder_identity.h - gives a folder that was never used the UIDVALIDITY of another.
 *
 * For imports: UIDs, and POP3's UIDLs with them, then mean what they meant before.
 */
#ifndef POSTHORN_LIB_STORE_FOLDER_IDENTITY_H
#define POSTHORN_LIB_STORE_FOLDER_IDENTITY_H

#include "lib/store/store.h"

/* 0; 1: there were messages in it before, it stays as it is; -1 with errno. */
int folder_identity_set(struct store *store, struct slice folder, uint32_t uidvalidity);
/* No UID below `uidnext` is given out from now on: messages that left the other folder had them. A
 * number that leaves too few is ignored. 0, or -1 with errno. */
int folder_identity_uidnext(struct store *store, struct slice folder, uint32_t uidnext);

#endif
