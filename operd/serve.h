/*
 * operd/serve.h - one connection of authd's.
 */
#ifndef POSTHORN_OPERD_SERVE_H
#define POSTHORN_OPERD_SERVE_H

#include "lib/conf/instance.h"

/* Until the other end closes, or sends what is no request. Takes over `fd`. */
void serve(const struct instance *inst, int fd);

#endif
