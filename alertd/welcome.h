/*
 * alertd/welcome.h - greets new mailboxes (account.welcome, QUE-14).
 */
#ifndef POSTHORN_ALERTD_WELCOME_H
#define POSTHORN_ALERTD_WELCOME_H

#include "alertd/mailer.h"

struct daemon;
struct welcome;

/* Before the sandbox: reads the template. NULL: nobody is greeted. */
struct welcome *welcome_new(struct daemon *d);
/* After it. Its state is a file in `state_dirfd`; `mailer` and the descriptor are borrowed. */
void welcome_start(struct welcome *w, const struct mailer *mailer, int state_dirfd);
void welcome_free(struct welcome **wp);

#endif
