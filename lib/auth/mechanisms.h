/*
 * lib/auth/mechanisms.h - the SASL mechanisms of auth.mechanisms, and which of them a connection
 * may be offered. Links no library: session daemons announce, authd alone does the exchange.
 */
#ifndef POSTHORN_LIB_AUTH_MECHANISMS_H
#define POSTHORN_LIB_AUTH_MECHANISMS_H

#include "lib/conf/conf.h"

struct mechanisms;

struct mechanisms *mechanisms_new(const struct conf *conf);
void mechanisms_free(struct mechanisms **mechanismsp);
/* Is it switched on? Any case of letters. */
bool mechanisms_enabled(const struct mechanisms *m, struct slice name);
/* What to announce, separated by spaces, in the order of the setting; "" if there is nothing.
 * `binding`: a channel binding can be had. `plain_allowed`: also without TLS a password may be
 * shown, as auth.plain_on_loopback says. Lives as long as `m`. */
const char *mechanisms_offered(const struct mechanisms *m, bool tls, bool binding,
                               bool plain_allowed);
/* May a bare name and password be sent (IMAP LOGIN, POP3 USER and PASS)? They become PLAIN. */
bool mechanisms_login_allowed(const struct mechanisms *m, bool tls, bool plain_allowed);

#endif
