/*
 * figured/window.h - run/figures.sock: shows all figures of now to metricsd's sessions.
 */
#ifndef POSTHORN_FIGURED_WINDOW_H
#define POSTHORN_FIGURED_WINDOW_H

#include "lib/sys/daemon.h"

struct window;

/* NULL: services.conf gives figured no socket, so nobody asks. */
struct window *window_open(struct daemon *d, int stats_fd);
void window_close(struct window **windowp);

#endif
