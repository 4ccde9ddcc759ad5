/*
 * operd/confine.h - what operd gives up.
 */
#ifndef POSTHORN_OPERD_CONFINE_H
#define POSTHORN_OPERD_CONFINE_H

#include "lib/conf/instance.h"

/* The parent, before it takes a connection: nothing is written but below etc, log and run, two
 * capabilities are left. 0, or -1 with errno. */
int confine_operd(const struct instance *inst);
/* A child, before it reads from its connection: no program, no network, no process. 0, or -1. */
int confine_child(void);

#endif
