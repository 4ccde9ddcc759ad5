/*
 * lib/auth/totp.h - one-time passwords by time (RFC 6238): six digits that an authenticator shows,
 * another every 30 seconds, of a key that both sides have.
 *
 * HMAC-SHA-1, which all authenticators know (RFC 6238 section 1.2, RFC 4226 section 5.3). No I/O.
 */
#ifndef POSTHORN_LIB_AUTH_TOTP_H
#define POSTHORN_LIB_AUTH_TOTP_H

#include <stdint.h>

#include "lib/base/strbuf.h"

#define TOTP_KEY_BYTES 20 /* RFC 4226 section 4, R6: 160 bits */
#define TOTP_DIGITS 6
#define TOTP_STEP_S 30
#define TOTP_URI_MAX 1200

/* The code of one step: decimal digits and a NUL. */
void totp_code(struct slice key, uint64_t step, char out[TOTP_DIGITS + 1]);
/* Is it the code of this moment, or of the step before or behind (RFC 6238 section 5.2: clocks
 * differ), and of a step after `used`, the last one that was taken (a code is taken once)? Blanks
 * in it do not count. True: *step is the one that it is of. */
bool totp_check(struct slice key, struct slice code, int64_t now_s, uint64_t used, uint64_t *step);
/* otpauth://totp/ISSUER:ACCOUNT?secret=...: what authenticators read from a QR code. */
bool totp_uri(struct slice key, const char *issuer, struct slice account, struct strbuf *out);

#endif
