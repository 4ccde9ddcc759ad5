/*
 * lib/store/undelete.h - expunged messages: listing them, and putting them back.
 *
 * A message comes back into the folder that it was in (made again if it is gone) under a new UID,
 * with its flags but \Deleted, keywords, INTERNALDATE and email id, as a copy would. It counts
 * again. With the first one of a removed folder its shared annotations come back.
 */
#ifndef POSTHORN_LIB_STORE_UNDELETE_H
#define POSTHORN_LIB_STORE_UNDELETE_H

#include "lib/store/mailbox.h"

struct expunged_message {
    const char *folder;  /* where it was; "INBOX" where nothing is known any more */
    int64_t expunged_ms; /* real time */
    struct message m;    /* uid: what it had */
    const char *email_id;
    bool known; /* the log has it; else flags and folder are guesses */
    int fd;     /* its file, for reading; closed after the call */
};

/* Runs each() for every message that is kept, by time of expunge as far as the log tells. With a
 * positive answer of each() the message is put back; -1 ends it. The number put back, or -1 with
 * errno (EDQUOT). */
int64_t store_undelete(struct store *store, int (*each)(void *arg, const struct expunged_message *),
                       void *arg);

#endif
