/*
 * lib/remote/dial_conf.h - connections as the configuration has them: remote.protocols.
 */
#ifndef POSTHORN_LIB_REMOTE_DIAL_CONF_H
#define POSTHORN_LIB_REMOTE_DIAL_CONF_H

#include "lib/conf/conf.h"
#include "lib/remote/dial.h"

/* For a host that the administrator has written: it may be an address. The port is the caller's. */
struct dial_options dial_options_of(const struct conf *conf);

#endif
