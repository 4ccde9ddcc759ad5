/*
 * lib/sys/port_holder.h - who has a TCP port that we want.
 */
#ifndef POSTHORN_LIB_SYS_PORT_HOLDER_H
#define POSTHORN_LIB_SYS_PORT_HOLDER_H

#include <stdint.h>

#include "lib/base/strbuf.h"

/* Appends "exim4 (pid 812)" for a process that listens on `port`; false if none can be seen. */
bool port_holder_find(uint16_t port, struct strbuf *out);

#endif
