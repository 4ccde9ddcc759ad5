/*
 * lib/store/check_private.h - a check under way: for lib/store/check*.c alone.
 */
#ifndef POSTHORN_LIB_STORE_CHECK_PRIVATE_H
#define POSTHORN_LIB_STORE_CHECK_PRIVATE_H

#include "lib/store/check.h"
#include "lib/store/mailbox_private.h"

struct check {
    struct store store;
    const struct check_options *options;
    struct check_totals *totals;
    const char *folder; /* the one that is looked at */
    int64_t began_ms;
    struct copies *copies; /* all messages by email id; made when the first one is damaged */
};

/* ---- check.c ---- */
__attribute__((format(printf, 5, 6))) void check_found(struct check *c, const char *problem,
                                                       uint32_t uid, enum check_outcome outcome,
                                                       const char *format, ...);

/* ---- check_journal.c ---- */
/* The folder's journal and what is made from it. False: there is none to go on with. */
bool check_journal(struct check *c, struct slice folder);

/* ---- check_message.c ---- */
/* The message files of one folder. -1 with errno: it could not be opened. */
int check_messages(struct check *c, struct slice folder);
void check_copies_free(struct check *c);

/* ---- check_annotations.c ---- */
/* What is shared about one folder. */
void check_annotations(struct check *c, struct slice folder);
/* What the user keeps for himself, about folders and the server. */
void check_private_annotations(struct check *c);

#endif
