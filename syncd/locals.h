/*
 * syncd/locals.h - what the domain has: its mailboxes, aliases and groups, as accountd lists them.
 */
#ifndef POSTHORN_SYNCD_LOCALS_H
#define POSTHORN_SYNCD_LOCALS_H

#include "lib/account/schema.h"
#include "lib/base/map.h"
#include "lib/sync/source.h"
#include "syncd/ask.h"

struct local {
    struct local *next;
    enum account_kind kind; /* user, alias or group */
    char *address;
    char *sync_id;      /* "": it comes from nowhere */
    char *target;       /* of an alias */
    bool synced;        /* an alias that comes from the directory */
    bool active;        /* a mailbox of status normal */
    bool sync_disabled; /* one of status disabled, by us */
    struct slice kept;  /* an object with the properties that the map names, owned */
    bool seen;          /* the directory has it */
    bool taken;         /* and it is as it has to be there */
};

struct locals {
    struct local *first, **last;
    size_t users, groups; /* that have an ID */
    struct map *by_address, *user_by_id, *group_by_id;
};

/* 0, or -1: accountd did not tell all. */
int locals_read(struct locals *locals, struct ask *ask, struct slice domain,
                const struct sync_source *source);
void locals_free(struct locals *locals);
/* The value of a property that the map names, or "". */
struct slice local_value(const struct local *local, struct slice property);

#endif
