/*
 * posthorn/api_call.h - `api call`: one call of the administrative API at a server.
 */
#ifndef POSTHORN_POSTHORN_API_CALL_H
#define POSTHORN_POSTHORN_API_CALL_H

#include "posthorn/command.h"

int api_call(struct cli *cli, int argc, char **argv);

#endif
