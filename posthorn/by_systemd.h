/*
 * posthorn/by_systemd.h - starts the installed suite as its unit, where systemd runs the host.
 *
 * Started beside the unit, the suite would not end with the host, not be restarted, and not be what
 * `systemctl status posthorn` shows.
 */
#ifndef POSTHORN_POSTHORN_BY_SYSTEMD_H
#define POSTHORN_POSTHORN_BY_SYSTEMD_H

#include "posthorn/command.h"

enum by_systemd_result {
    BY_SYSTEMD_STARTED,
    BY_SYSTEMD_FAILED, /* after the message */
    BY_SYSTEMD_NOT     /* it is for the caller to start */
};

/* Is it the installed instance, root who asks, and a host that systemd runs, with the unit of this
 * installation there? */
bool by_systemd(const struct cli *cli);

/* Returns when the unit is active. BY_SYSTEMD_NOT where by_systemd() is false, or systemd does not
 * know the unit (PREFIX is nowhere where it looks). */
enum by_systemd_result by_systemd_start(const struct cli *cli);

#endif
