/*
 * lib/auth/code.h - authorization codes: made-up passwords for one mail program each.
 *
 * A code is CODE_LETTERS letters of base32 (RFC 4648 section 6, lower case), 100 bits, shown in
 * groups of four. Nobody can guess one, so one fast digest keeps it; SCRAM keys lie beside it.
 */
#ifndef POSTHORN_LIB_AUTH_CODE_H
#define POSTHORN_LIB_AUTH_CODE_H

#include "lib/auth/password.h"

#define CODE_LETTERS 20
#define CODE_TEXT_LEN 24 /* "abcd-efgh-ijkl-mnop-qrst" */

void code_make(char text[CODE_TEXT_LEN + 1]);
/* `count` letters of the same alphabet, and a NUL. */
void code_random_letters(char *out, size_t count);
/* What somebody typed, without hyphens and spaces and in lower case. 0, or -1: this is no code. */
int code_letters(struct slice given, char letters[CODE_LETTERS + 1]);
/* The record (lib/auth/password.h) of a code as it was shown. Its SCRAM keys have the salts and
 * iterations of these: who is asked for one of several codes must be told one salt for all. Takes
 * the time of the iterations of both. 0, or -1: `record` has no room. */
int code_record(struct slice text, const struct password_scram *sha256,
                const struct password_scram *sha1, struct strbuf *record);
bool code_fits(struct slice record, const char letters[CODE_LETTERS + 1]);

#endif
