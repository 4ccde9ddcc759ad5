/*
 * lib/conf/alert_conf.h - the settings of [alert] that need a second look.
 */
#ifndef POSTHORN_LIB_CONF_ALERT_CONF_H
#define POSTHORN_LIB_CONF_ALERT_CONF_H

#include "lib/conf/conf.h"
#include "lib/conf/services.h"

#define ALERT_WEBHOOKS_MAX 15

#define ALERT_STAGE_MAX 3650 /* days */

/* The days of account.password_warning into `days`, at most `max`; false: some are none, are there
 * twice, or are too many. */
bool alert_conf_stages(const struct conf *conf, unsigned *days, size_t max, size_t *count);
/* Addresses, URLs and days are such. 0, or -1 with a line for each that is not in `errors`. */
int alert_conf_check(const struct conf *conf, struct strbuf *errors);
/* Somebody is to be told, and services.conf starts nothing that would: in words; or NULL. */
const char *alert_conf_service_trouble(const struct conf *conf, const struct services *services);

#endif
