/*
 * posthorn/ask_secret.h - a secret from the terminal, or from a pipe.
 */
#ifndef POSTHORN_POSTHORN_ASK_SECRET_H
#define POSTHORN_POSTHORN_ASK_SECRET_H

#include "posthorn/command.h"

/* One line of standard input into `out`, which the caller wipes; on a terminal after `prompt` and
 * without an echo. 0, or CLI_FAILED after the message. */
int ask_secret(const struct cli *cli, const char *prompt, struct strbuf *out);

#endif
