/*
 * lib/figures/exposition.h - counters in the text format that Prometheus reads (version 0.0.4).
 *
 * "smtp/port_connections.smtps" becomes
 * posthorn_port_connections_total{service="smtp",port="smtps"} with HELP and TYPE by
 * lib/figures/metric.def; "bytes_sent" becomes posthorn_sent_bytes_total, for a unit stands behind.
 * A level has no _total. Names come from memory that processes which talk to the network may write:
 * what is no name is left out.
 */
#ifndef POSTHORN_LIB_FIGURES_EXPOSITION_H
#define POSTHORN_LIB_FIGURES_EXPOSITION_H

#include "lib/base/strbuf.h"
#include "lib/sys/stats_dir.h"

#define EXPOSITION_MAX (4u << 20) /* bytes of a text that has room for all there can be */
#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* All counters of run/stats (stats_dir_open), or of the service `only`, into `out`. Returns how
 * many services there were, or -1 with errno; blocks that cannot be read are told to failed(), if
 * that is not NULL. `now_ms` is since 1970. */
int exposition_write(int stats_dirfd, const char *only, int64_t now_ms, struct strbuf *out,
                     void (*failed)(void *arg, const char *service, int error), void *arg);

#endif
