/*
 * lib/conf/approval_rules.h - the list file queue.approval_rules: whose mail waits until somebody
 * approves it, and who may (MON-05).
 *
 *     sales   *@sales.example.org,bob@example.org   external=boss@example.org
 *     all     *                                     external=a@example.org local=b@example.org
 *
 * NAME MAILBOXES [external=APPROVERS] [local=APPROVERS]: lists of addresses with commas; a mailbox
 * may also be *@domain or * (everybody). external: for mail to domains of others; local: for mail
 * to mailboxes here. Without approvers such mail needs no approval. The first rule that names the
 * mailbox counts.
 */
#ifndef POSTHORN_LIB_CONF_APPROVAL_RULES_H
#define POSTHORN_LIB_CONF_APPROVAL_RULES_H

#include <stdint.h>

#include "lib/conf/list_file.h"

#define APPROVAL_APPROVERS_MAX 16 /* of one rule, both kinds together */
#define APPROVAL_NAME_MAX 64      /* bytes */

enum approval_kind { /* as a mask: what of a message needs a decision */
                     APPROVAL_EXTERNAL = 1,
                     APPROVAL_LOCAL = 2
};
#define APPROVAL_KINDS_ALL (APPROVAL_EXTERNAL | APPROVAL_LOCAL)

struct approval_approver {
    struct slice address;
    uint8_t kinds; /* mask of enum approval_kind */
};
struct approval_rule {
    struct slice name, mailboxes; /* borrow from the list; the mailboxes with their commas */
    unsigned line;                /* of the file */
    struct approval_approver approvers[APPROVAL_APPROVERS_MAX];
    size_t approver_count;
};

/* What an entry should have been, or NULL: it is right (struct list_kind). */
const char *approval_rule_expected(struct slice entry);
/* An entry that is right, taken apart; borrows from it. */
void approval_rule_parse(struct slice entry, struct approval_rule *rule);

struct approval_rules;
/* From entries that are right. The list is taken over. */
struct approval_rules *approval_rules_new(struct list_file *list);
void approval_rules_free(struct approval_rules **rulesp);

/* What is to be known of a message. */
struct approval_mail {
    bool by_system;      /* the suite wrote it itself */
    bool began_here;     /* a user handed it in, or a host that we trust */
    struct slice user;   /* the user, or empty */
    struct slice sender; /* reverse path */
    bool to_external, to_local;
};
struct approval_decision {
    uint8_t kinds;                    /* mask: whose approval it needs; 0: it may go */
    const char *why;                  /* in words */
    const struct approval_rule *rule; /* that decided, or NULL: none did */
};
/* Whether the message needs approval. Asks nobody and changes nothing. `rules` NULL: there are
 * none. An approver's own mail needs no approval of his kind. */
void approval_decide(const struct approval_rules *rules, const struct approval_mail *mail,
                     struct approval_decision *decision);

#endif
