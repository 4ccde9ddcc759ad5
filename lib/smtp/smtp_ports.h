/*
 * lib/smtp/smtp_ports.h - the ports of our SMTP server, and the settings that say who may connect
 * to them: for smtpd and for `posthorn explain`.
 */
#ifndef POSTHORN_LIB_SMTP_SMTP_PORTS_H
#define POSTHORN_LIB_SMTP_SMTP_PORTS_H

#include "lib/sys/pool.h"

enum smtp_port {
    SMTP_PORT_SMTP,
    SMTP_PORT_SUBMISSION,
    SMTP_PORT_SMTPS,
    SMTP_PORT_ODMR,
    SMTP_PORT_LMTP
};
#define SMTP_PORTS 5

extern const struct pool_port smtp_ports[SMTP_PORTS];

/* Who connects there is a user, who has to log in (RFC 6409). */
bool smtp_port_is_submission(enum smtp_port port);
/* By its label, "submission". -1: there is none. */
int smtp_port_find(struct slice label);

#endif
