/*
 * lib/account/canonical.c - the one form of an address by which accounts are found and compared.
 *
 * Input is any bytes, from the network too. No I/O. libidn2 stays in here.
 */
#include "lib/account/canonical.h"

#include <idn2.h>
#include <stdlib.h>
#include <string.h>
#include <uninorm.h>

#include "lib/account/precis.h"
#include "lib/base/parse.h"
#include "lib/mail/address.h"

#define INPUT_MAX 1024 /* bytes of a domain or local part before it is looked at */

static char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool
append_lower(struct slice s, struct strbuf *out)
{
    char *at = strbuf_room(out, s.len);

    if (at == NULL)
        return false;
    for (size_t i = 0; i < s.len; i++)
        at[i] = lower(s.ptr[i]);
    strbuf_grew(out, s.len);
    return true;
}

static int
international_domain(struct slice domain, struct strbuf *out)
{
    char name[INPUT_MAX + 1];
    uint8_t *ascii = NULL;
    int rc = -1;

    if (domain.len > INPUT_MAX || !parse_is_utf8(domain) || memchr(domain.ptr, 0, domain.len))
        return -1;
    memcpy(name, domain.ptr, domain.len);
    name[domain.len] = '\0';
    if (idn2_lookup_u8((const uint8_t *)name, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) ==
            IDN2_OK &&
        address_is_domain(slice_of((const char *)ascii), false))
        rc = append_lower(slice_of((const char *)ascii), out) ? 0 : -1;
    idn2_free(ascii);
    return rc;
}

int
canonical_domain(struct slice domain, struct strbuf *out)
{
    if (!parse_is_ascii(domain))
        return international_domain(domain, out);
    return address_is_domain(domain, false) && append_lower(domain, out) ? 0 : -1;
}

static bool
has_control(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return true;
    return false;
}

/* Of earlier releases. Lower case comes first: some letters have a composed form in lower case
 * only. It comes once more behind, for the Kelvin sign composes to a plain K. */
static int
append_composed(struct slice local, struct strbuf *out)
{
    struct strbuf folded = strbuf_new(INPUT_MAX);
    size_t mark = out->len, len = 0;
    uint8_t *composed = NULL;
    bool fits;

    if (parse_is_utf8(local) && append_lower(local, &folded))
        composed = u8_normalize(UNINORM_NFC, (const uint8_t *)folded.ptr, folded.len, NULL, &len);
    strbuf_free(&folded);
    if (composed == NULL)
        return -1;
    fits = len <= CANONICAL_LOCAL_MAX && append_lower(slice_make(composed, len), out);
    free(composed);
    if (!fits)
        strbuf_truncate(out, mark);
    return fits ? 0 : -1;
}

static int
append_mapped(struct slice local, struct strbuf *out)
{
    size_t mark = out->len;

    if (precis_map(local, out) == 0 && out->len > mark && out->len - mark <= CANONICAL_LOCAL_MAX &&
        !has_control(slice_sub(strbuf_slice(out), mark, out->len)))
        return 0;
    strbuf_truncate(out, mark);
    return -1;
}

static int
local_part(struct slice local, bool old, struct strbuf *out)
{
    if (local.len == 0 || local.len > INPUT_MAX)
        return -1;
    if (has_control(local))
        return -1;
    if (!parse_is_ascii(local))
        return (old ? append_composed : append_mapped)(local, out);
    return local.len <= CANONICAL_LOCAL_MAX && append_lower(local, out) ? 0 : -1;
}

int
canonical_local(struct slice local, struct strbuf *out)
{
    return local_part(local, false, out);
}

int
canonical_local_old(struct slice local, struct strbuf *out)
{
    return local_part(local, true, out);
}

static int
mailbox(struct slice text, bool old, struct strbuf *out)
{
    struct strbuf local = strbuf_new(INPUT_MAX);
    size_t mark = out->len;
    struct address address;
    int rc = -1;

    if (address_parse(text, ADDRESS_UTF8, &address) == ADDRESS_OK && !address.is_literal &&
        address_local_plain(&address, &local) && local_part(strbuf_slice(&local), old, out) == 0 &&
        strbuf_char(out, '@'))
        rc = canonical_domain(address.domain, out);
    if (out->len - mark > ADDRESS_MAX) /* A-labels are longer than what they stand for */
        rc = -1;
    if (rc < 0)
        strbuf_truncate(out, mark);
    strbuf_free(&local);
    return rc;
}

int
canonical_address(struct slice text, struct strbuf *out)
{
    return mailbox(text, false, out);
}

int
canonical_address_old(struct slice text, struct strbuf *out)
{
    return mailbox(text, true, out);
}

bool
canonical_local_usable(struct slice local)
{
    static const char atext[] = "!#$%&'*+-/=?^_`{|}~"; /* besides letters and digits */

    if (local.len == 0 || local.ptr[0] == '.' || local.ptr[local.len - 1] == '.')
        return false;
    for (size_t i = 0; i < local.len; i++) {
        char c = local.ptr[i];

        if (c == '.' && local.ptr[i + 1] == '.')
            return false;
        if (!(lower(c) >= 'a' && lower(c) <= 'z') && !(c >= '0' && c <= '9') && c != '.' &&
            (unsigned char)c < 0x80 && memchr(atext, c, sizeof(atext) - 1) == NULL)
            return false;
    }
    return true;
}
