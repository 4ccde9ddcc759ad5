/*
 * accountd/srs_key.h - the key of the senders that forwarded mail gets (lib/mail/srs.h).
 */
#ifndef POSTHORN_ACCOUNTD_SRS_KEY_H
#define POSTHORN_ACCOUNTD_SRS_KEY_H

#include "lib/mail/srs.h"

#define SRS_KEY_FILE "srs.key" /* 64 hexadecimal digits */

/* Reads the key from the current directory, the database's; makes it where there is none. 0, or -1:
 * logged, and forwarded mail keeps its sender. */
int srs_key_load(struct srs_key *key);

#endif
