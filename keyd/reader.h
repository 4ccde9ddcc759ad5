/*
 * keyd/reader.h - the processes that read messages, in reach of no key.
 */
#ifndef POSTHORN_KEYD_READER_H
#define POSTHORN_KEYD_READER_H

#include "lib/dkim/signature.h"
#include "lib/sys/keeper.h"

struct reader_plan {
    struct dkim_header_list list;
    struct dkim_header_list seal_list; /* for the message signature of an ARC set */
    bool own_domain_only;              /* users sign for their own domain alone */
    unsigned width;                    /* processes */
};

/* Forks them, before a key is in memory. Fills in the holder's ends. Exits with a message on
 * failure. */
void readers_start(const struct daemon *d, const struct reader_plan *plan,
                   int fds[KEEPER_WORKERS_MAX]);

#endif
