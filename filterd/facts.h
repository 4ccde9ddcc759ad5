/*
 * filterd/facts.h - what smtpd has told about one session and its transaction, for macros and
 * attributes.
 */
#ifndef POSTHORN_FILTERD_FACTS_H
#define POSTHORN_FILTERD_FACTS_H

#include "lib/base/arena.h"
#include "lib/ipc/filterd.h"

struct facts {
    struct arena session, hello, transaction, command; /* what the texts below live in */
    struct slice hostname;                             /* ours */
    struct filterd_connect connect;
    struct slice client_name;  /* leads to the address and back; "unknown" */
    struct slice reverse_name; /* what the address leads to; "unknown" */
    struct filterd_helo helo;  /* name empty: not yet */
    struct filterd_mail mail;
    struct filterd_rcpt rcpt;       /* the one that is asked about */
    struct filterd_content content; /* queue id, when there is one */
    struct slice unknown;           /* the command line */
    uint32_t rcpt_count;            /* accepted so far */
    struct slice first_rcpt;
    char instance[64]; /* one for each transaction */
};

/* Each takes a copy of what was decoded. */
void facts_set_connect(struct facts *facts, const struct filterd_connect *connect);
void facts_set_helo(struct facts *facts, const struct filterd_helo *helo);
void facts_set_mail(struct facts *facts, const struct filterd_mail *mail);
void facts_set_rcpt(struct facts *facts, const struct filterd_rcpt *rcpt);
void facts_accept_rcpt(struct facts *facts); /* that one */
void facts_set_content(struct facts *facts, const struct filterd_content *content);
void facts_set_unknown(struct facts *facts, struct slice line);
void facts_end_transaction(struct facts *facts);
void facts_free(struct facts *facts);

#endif
