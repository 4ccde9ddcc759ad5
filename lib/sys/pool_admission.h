/*
 * lib/sys/pool_admission.h - a port's limits and lists, out of the configuration.
 */
#ifndef POSTHORN_LIB_SYS_POOL_ADMISSION_H
#define POSTHORN_LIB_SYS_POOL_ADMISSION_H

#include "lib/sys/admission.h"
#include "lib/sys/pool.h"

struct admission *pool_admission(const struct daemon *d, const struct pool_ops *ops,
                                 const struct pool_port *port);
/* The setting of the port that leads to a verdict; CONF_NO_SETTING: none has to. */
enum conf_id pool_admission_setting(const struct pool_port *port, enum admission_verdict verdict);

#endif
