/*
 * posthorn/welcome.h - the message that greets a new mailbox.
 */
#ifndef POSTHORN_POSTHORN_WELCOME_H
#define POSTHORN_POSTHORN_WELCOME_H

#include "posthorn/command.h"

/* Puts the message of account.welcome for `address` into the queue; without that setting does
 * nothing. A failure is a warning: the mailbox is there all the same. `full_name` may be empty. */
void welcome_send(struct cli *cli, const char *address, struct slice full_name);

/* The template (lib/mail/template.h) with @address@ @full_name@ @domain@ @hostname@ replaced, as a
 * whole message. */
struct welcome_values {
    struct slice address, full_name, domain, hostname;
    int64_t now_ms;
    const char *queue_id;
};
void welcome_compose(struct slice text, const struct welcome_values *values, struct strbuf *out);

#endif
