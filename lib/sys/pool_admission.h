/*
 * lib/sys/pool_admission.h - a pool's limits and lists, from pool_ops and the settings it names.
 */
#ifndef POSTHORN_LIB_SYS_POOL_ADMISSION_H
#define POSTHORN_LIB_SYS_POOL_ADMISSION_H

#include "lib/sys/admission.h"
#include "lib/sys/pool.h"

/* For the life of the process. Exits with a message if a list holds what is no address. */
struct admission *pool_admission(const struct daemon *d, const struct pool_ops *ops);

#endif
