/*
 * posthorn/setup_ask.h - asks on the terminal for what `setup` has to know.
 */
#ifndef POSTHORN_POSTHORN_SETUP_ASK_H
#define POSTHORN_POSTHORN_SETUP_ASK_H

#include "posthorn/setup.h"

/* Standard input and standard error are a terminal. */
bool setup_can_ask(void);
/* Asks for what no option has said. CLI_OK, or an exit code after the message: the input ended. */
int setup_ask(struct setup *setup);

#endif
