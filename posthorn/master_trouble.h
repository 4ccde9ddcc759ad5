/*
 * posthorn/master_trouble.h - why there is no connection to master.
 */
#ifndef POSTHORN_POSTHORN_MASTER_TROUBLE_H
#define POSTHORN_POSTHORN_MASTER_TROUBLE_H

#include "posthorn/command.h"

/* Says so, from the errno of master_call_new. Returns CLI_FAILED. */
int master_trouble(const struct cli *cli);

#endif
