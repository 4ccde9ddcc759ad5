/*
 * lib/auth/totp.c - one-time passwords by time (RFC 6238).
 */
#include "lib/auth/totp.h"

#include <stdio.h>

#include "lib/auth/digest.h"
#include "lib/base/encode.h"
#include "lib/base/mem.h"

enum { MODULUS = 1000000, WINDOW = 1, SHA1_BYTES = 20 };

/* RFC 4226 section 5.3. */
void
totp_code(struct slice key, uint64_t step, char out[TOTP_DIGITS + 1])
{
    unsigned char mac[DIGEST_MAX], counter[8];
    uint32_t bits;
    size_t offset;

    for (size_t i = 0; i < sizeof(counter); i++)
        counter[i] = (unsigned char)(step >> (56 - 8 * i));
    digest_hmac(DIGEST_SHA1, key, slice_make(counter, sizeof(counter)), mac);
    offset = mac[SHA1_BYTES - 1] & 0xf;
    bits = (uint32_t)(mac[offset] & 0x7f) << 24 | (uint32_t)mac[offset + 1] << 16 |
           (uint32_t)mac[offset + 2] << 8 | mac[offset + 3];
    (void)snprintf(out, TOTP_DIGITS + 1, "%06u", (unsigned)(bits % MODULUS));
    mem_wipe(mac, sizeof(mac));
}

/* The digits alone; false: there is something else, or they are not as many. */
static bool
digits_of(struct slice code, char out[TOTP_DIGITS])
{
    size_t count = 0;

    for (size_t i = 0; i < code.len; i++) {
        if (code.ptr[i] == ' ')
            continue;
        if (code.ptr[i] < '0' || code.ptr[i] > '9' || count == TOTP_DIGITS)
            return false;
        out[count++] = code.ptr[i];
    }
    return count == TOTP_DIGITS;
}

bool
totp_check(struct slice key, struct slice code, int64_t now_s, uint64_t used, uint64_t *step)
{
    uint64_t now = now_s < 0 ? 0 : (uint64_t)now_s / TOTP_STEP_S;
    uint64_t first = now < WINDOW ? 0 : now - WINDOW;
    char given[TOTP_DIGITS], right[TOTP_DIGITS + 1];
    bool found = false;

    if (!digits_of(code, given))
        return false;
    for (uint64_t s = first; s <= now + WINDOW; s++) { /* all of them, whichever it is */
        totp_code(key, s, right);
        if (digest_equal(slice_make(given, TOTP_DIGITS), slice_make(right, TOTP_DIGITS)) &&
            s > used && !found) {
            found = true;
            *step = s;
        }
    }
    mem_wipe(right, sizeof(right));
    return found;
}

/* RFC 3986 section 2.3: what need not be escaped. */
static bool
append_escaped(struct slice text, struct strbuf *out)
{
    bool fits = true;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            c == '-' || c == '.' || c == '_' || c == '~' || c == '@')
            fits = strbuf_char(out, (char)c) && fits;
        else
            fits = strbuf_printf(out, "%%%02X", c) && fits;
    }
    return fits;
}

bool
totp_uri(struct slice key, const char *issuer, struct slice account, struct strbuf *out)
{
    return strbuf_str(out, "otpauth://totp/") && append_escaped(slice_of(issuer), out) &&
           strbuf_char(out, ':') && append_escaped(account, out) && strbuf_str(out, "?secret=") &&
           base32_encode(key, out) && strbuf_str(out, "&issuer=") &&
           append_escaped(slice_of(issuer), out);
}
