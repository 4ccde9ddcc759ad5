/*
 * imapd/select_args.h - the arguments of SELECT and EXAMINE (RFC 4466 section 2.1, RFC 7162).
 */
#ifndef POSTHORN_IMAPD_SELECT_ARGS_H
#define POSTHORN_IMAPD_SELECT_ARGS_H

#include "imapd/seqset.h"

struct select_args {
    struct slice mailbox;
    struct slice written; /* INBOX, if the client spells it otherwise; else empty */
    bool condstore;
    bool qresync; /* what follows was given */
    uint32_t uidvalidity;
    uint64_t modseq;
    bool has_known;      /* known UIDs; without: all that ever were */
    struct seqset known; /* to be resolved before use, as the next two */
    /* Numbers of messages and their UIDs as the client knows them, pair by pair, ascending. */
    struct seqset match_seqs, match_uids;
};

/* Behind "SELECT". */
bool select_args_parse(struct parser *p, struct select_args *out);

#endif
