/*
 * lib/store/url_keys.h - a user's mailbox access keys (RFC 4467 section 2.2): posthorn.urlkeys
 * beside INBOX.
 *
 * One line for each mailbox that a URL was ever authorized for: its id (RFC 8474) and the key, and
 * " reset" if RESETKEY made that. The
 * id stays with a mailbox that is renamed, and a new one of the same name has another. The file is
 * replaced as a whole, durable, under the lock of INBOX's journal. It is the owner's alone: whoever
 * shares a folder holds that folder's directory, and INBOX is never shared.
 */
#ifndef POSTHORN_LIB_STORE_URL_KEYS_H
#define POSTHORN_LIB_STORE_URL_KEYS_H

#include <stdint.h>

#include "lib/store/mailbox.h"

#define URL_KEYS_NAME "posthorn.urlkeys"
#define URL_KEY_SIZE 32 /* bytes: 256 random bits */

/* Below the user's mail directory, without a lock. 0, or -1 with errno, ENOENT: it has none. */
int url_keys_find(int mail_fd, const char *mailbox_id, uint8_t key[URL_KEY_SIZE]);
/* The same, made if there is none. errno as in lib/store/store.h. */
int url_keys_make(const struct store *store, const char *mailbox_id, uint8_t key[URL_KEY_SIZE]);
/* A new key in place of the old one: URLs of this mailbox are void. */
int url_keys_renew(const struct store *store, const char *mailbox_id);
/* All keys go. */
int url_keys_clear(const struct store *store);
/* The mailbox was removed: its key goes, if it has one. */
void url_keys_forget(const struct store *store, const char *mailbox_id);

/* What a session that has a mailbox selected knows of its key. Wipe it in the end. */
struct url_keys_seen {
    char mailbox_id[MAILBOX_ID_SIZE];
    uint64_t file[3]; /* which one was read: zeros for none */
    bool has_key;
    uint8_t key[URL_KEY_SIZE];
};
void url_keys_see(const struct store *store, const char *mailbox_id, struct url_keys_seen *seen);
/* Was the key renewed or removed since it was seen last? Now it is seen. No more than a look at the
 * file's inode while that is the same; a file that cannot be read has not changed. */
bool url_keys_were_reset(const struct store *store, struct url_keys_seen *seen);

#endif
