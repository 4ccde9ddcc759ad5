/*
 * lib/account/store_path.h - where a user's mail lies below the store.
 */
#ifndef POSTHORN_LIB_ACCOUNT_STORE_PATH_H
#define POSTHORN_LIB_ACCOUNT_STORE_PATH_H

#include "lib/account/schema.h"

#define ACCOUNT_PATH_MAX 600 /* bytes of a store path */

/* "DOMAIN/xx/USER" of a canonical address: xx two hex digits of a hash; bytes other than a-z 0-9 .
 * _ - + = and a leading dot are %XX. */
void account_store_path(struct slice address, struct strbuf *path);
/* The same of an entry that has a store: "DOMAIN/xx/@NAME" for a public folder. */
void account_entry_path(enum account_kind kind, struct slice address, struct strbuf *path);
/* The way back, from a path of account_store_path. -1: it is a public folder's, or `address` has no
 * room. */
int account_path_address(struct slice path, struct strbuf *address);

#endif
