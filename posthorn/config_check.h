/*
 * posthorn/config_check.h - reads both configuration files and tells every error in them.
 */
#ifndef POSTHORN_POSTHORN_CONFIG_CHECK_H
#define POSTHORN_POSTHORN_CONFIG_CHECK_H

#include "lib/conf/conf.h"
#include "posthorn/command.h"

/* posthorn.conf, which the caller frees. NULL after the messages. */
struct conf *config_check_read(const struct cli *cli);

/* Are the list files that `conf` names right, and the rules in etc? False after the messages. */
bool config_check_lists(const struct cli *cli, const struct conf *conf);

/* Do certificate and key of the settings belong together, where there is a service that needs the
 * key? False after the messages. Of errors in the settings themselves it says nothing. */
bool config_check_certificate(const struct cli *cli);

/* The same as config_check_read, with services.conf and what the two files name: users, certificate
 * and key must be there. What else a program finds when it starts it tells then. */
struct conf *config_check_all(const struct cli *cli);

#endif
