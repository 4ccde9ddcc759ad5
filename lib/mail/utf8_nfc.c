/*
 * lib/mail/utf8_nfc.c - is a name in normalization form C? By ICU.
 *
 * Input:  names from clients. Untrusted; bounded by UTF8_NFC_MAX.
 */
#include "lib/mail/utf8_nfc.h"

#include <unicode/unorm2.h>
#include <unicode/ustring.h>

bool
utf8_is_nfc(struct slice text)
{
    UChar utf16[UTF8_NFC_MAX];
    UErrorCode error = U_ZERO_ERROR;
    const UNormalizer2 *form = unorm2_getNFCInstance(&error);
    int32_t len = 0;

    if (text.len > UTF8_NFC_MAX)
        return false;
    (void)u_strFromUTF8(utf16, UTF8_NFC_MAX, &len, text.ptr, (int32_t)text.len, &error);
    return unorm2_isNormalized(form, utf16, len, &error) && U_SUCCESS(error);
}
