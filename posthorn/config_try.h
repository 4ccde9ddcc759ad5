/*
 * posthorn/config_try.h - what another configuration would decide otherwise.
 */
#ifndef POSTHORN_POSTHORN_CONFIG_TRY_H
#define POSTHORN_POSTHORN_CONFIG_TRY_H

#include "posthorn/command.h"

/* The verb `config try`. CLI_DIFFERS: some decision would be another. */
int config_try(struct cli *cli, int argc, char **argv);

#endif
