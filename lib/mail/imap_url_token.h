/*
 * lib/mail/imap_url_token.h - the token of an authorized URL, mechanism INTERNAL (RFC 4467 sections
 * 2.4.1 and 6).
 *
 * "1", which names the algorithm, and the HMAC-SHA-256 of the rump URL in hexadecimal digits.
 * Should another algorithm follow, it gets another digit, and the old tokens go on being
 * understood.
 */
#ifndef POSTHORN_LIB_MAIL_IMAP_URL_TOKEN_H
#define POSTHORN_LIB_MAIL_IMAP_URL_TOKEN_H

#include <stdint.h>

#include "lib/base/slice.h"

#define IMAP_URL_KEY_SIZE 32                 /* bytes of a mailbox access key */
#define IMAP_URL_TOKEN_SIZE (1 + 2 * 32 + 1) /* with the NUL */

void imap_url_sign(const uint8_t key[IMAP_URL_KEY_SIZE], struct slice rump,
                   char out[IMAP_URL_TOKEN_SIZE]);
/* In a time that depends on the lengths alone. Hexadecimal digits of either case. */
bool imap_url_token_matches(const uint8_t key[IMAP_URL_KEY_SIZE], struct slice rump,
                            struct slice token);

#endif
