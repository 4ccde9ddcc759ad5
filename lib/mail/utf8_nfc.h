/*
 * lib/mail/utf8_nfc.h - is a name in normalization form C? (Net-Unicode, RFC 5198 section 2)
 */
#ifndef POSTHORN_LIB_MAIL_UTF8_NFC_H
#define POSTHORN_LIB_MAIL_UTF8_NFC_H

#include "lib/base/slice.h"

#define UTF8_NFC_MAX 1024 /* bytes; what is longer is not */

bool utf8_is_nfc(struct slice text);

#endif
