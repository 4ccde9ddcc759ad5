/*
 * smtpd/params_terms.h - the parameters of MAIL that say on which terms a message is delivered.
 *
 * Each takes the value of one parameter into a struct mail_args. 0, or -1: it is not valid.
 */
#ifndef POSTHORN_SMTPD_PARAMS_TERMS_H
#define POSTHORN_SMTPD_PARAMS_TERMS_H

#include "lib/base/slice.h"

int params_set_requiretls(void *args, struct slice value); /* RFC 8689: no value */
int params_set_holdfor(void *args, struct slice value);    /* RFC 4865 */
int params_set_holduntil(void *args, struct slice value);  /* RFC 4865 */
int params_set_by(void *args, struct slice value);         /* RFC 2852 */
int params_set_priority(void *args, struct slice value);   /* RFC 6710 */

#endif
