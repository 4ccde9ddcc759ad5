/*
 * lib/auth/access_list.h - from which addresses a user may use a service.
 *
 * As text: "none", "allow LIST" or "deny LIST", LIST being IP addresses and networks as
 * lib/base/cidr.h reads them, "192.0.2." among them, with white space, ',' or ';' between.
 */
#ifndef POSTHORN_LIB_AUTH_ACCESS_LIST_H
#define POSTHORN_LIB_AUTH_ACCESS_LIST_H

#include "lib/base/cidr.h"
#include "lib/base/strbuf.h"

#define ACCESS_LIST_NETS_MAX 100
#define ACCESS_LIST_MAX 5000 /* bytes of the text as it is stored: it has one space between */

/* A list as an administrator gives it to the text that is stored. NULL, or what was expected. */
const char *access_list_normalize(struct slice given, struct strbuf *stored);

/* May this client come? Yes for "" and "none". What is no list takes nobody. */
bool access_list_takes(struct slice list, const struct ip *client);

#endif
