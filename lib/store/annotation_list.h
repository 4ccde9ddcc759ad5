/*
 * lib/store/annotation_list.h - which mailboxes there are, and about which ones a user keeps notes
 * of his own: compared over all stores, what is left of mailboxes that are gone.
 *
 * Works beside sessions. A folder that is renamed at that moment may be missed: look twice.
 */
#ifndef POSTHORN_LIB_STORE_ANNOTATION_LIST_H
#define POSTHORN_LIB_STORE_ANNOTATION_LIST_H

#include <stdint.h>

typedef void (*annotation_list_fn)(void *arg, const char *mailbox_id);

/* Calls each() with the ids (RFC 8474) of all folders of a store, `mail_fd` being its mail
 * directory. -1 with errno: one could not be told, or the mailbox is being moved (EREMOTE). */
int annotation_list_folders(int mail_fd, annotation_list_fn each, void *arg);

/* Calls each() with the ids of the mailboxes about which this user has private annotations that
 * have not been changed since `before` (seconds since 1970). -1 with errno. */
int annotation_list_private(int mail_fd, int64_t before, annotation_list_fn each, void *arg);

#endif
