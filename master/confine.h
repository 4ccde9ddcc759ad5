/*
 * master/confine.h - what master, who stays root, gives up before it reads anything.
 */
#ifndef POSTHORN_MASTER_CONFINE_H
#define POSTHORN_MASTER_CONFINE_H

#include "lib/conf/instance.h"

/* For master and all that it starts: few capabilities, nothing written outside the instance's own
 * directories. 0, or -1 with errno and the step logged. */
int confine_master(const struct instance *inst);
/* The configuration is read, and wants no firewall: the right to change it goes, too. 0, or -1 with
 * errno. */
int confine_without_firewall(void);

#endif
