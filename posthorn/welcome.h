/*
 * posthorn/welcome.h - the message that greets a new mailbox.
 */
#ifndef POSTHORN_POSTHORN_WELCOME_H
#define POSTHORN_POSTHORN_WELCOME_H

#include "lib/conf/conf.h"
#include "lib/mail/template.h"
#include "posthorn/command.h"

/* Puts the message of account.welcome for `address` into the queue; without that setting does
 * nothing. A failure is a warning: the mailbox is there all the same. `full_name` may be empty. */
void welcome_send(struct cli *cli, const char *address, struct slice full_name);

/* Reads the template that account.welcome names; template_file_free(text). 0, or -1: `error` says
 * what is wrong and where ("file:line: ...", without a line end). */
int welcome_read(const struct cli *cli, const struct conf *conf, struct template_text *text,
                 struct strbuf *error);

#endif
