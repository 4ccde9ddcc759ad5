/*
 * lib/mail/srs.c - the Sender Rewriting Scheme.
 *
 * Addresses come from the network. What is not made of atoms (RFC 5322 section 3.2.3) is not
 * rewritten and not taken back, so that no address needs quotes that did not have them.
 */
#include "lib/mail/srs.h"

#include <ctype.h>

#include "lib/auth/digest.h"
#include "lib/base/mem.h"
#include "lib/mail/address.h"

#define DAY_MS INT64_C(86400000)
#define DAYS_MOD 1024 /* two digits in base 32 */

enum {
    TAG_LEN = 5,  /* "SRS0=" */
    HASH_LEN = 8, /* 40 bits: nobody tries these through SMTP within SRS_DAYS */
    DAY_LEN = 2
};

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"; /* RFC 4648 section 6 */

static bool
is_separator(char c)
{
    return c == '=' || c == '+' || c == '-';
}

/* '0' or '1'; 0: neither. */
static char
kind_of(struct slice local)
{
    return address_is_rewritten(local) ? local.ptr[3] : 0;
}

static bool
is_atoms(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c < 0x80 && isalnum(c) == 0 && (c == '\0' || strchr("!#$%&'*+-/=?^_`{|}~.", c) == NULL))
            return false;
    }
    return text.len > 0;
}

static void
put_day(char out[DAY_LEN], int64_t now_ms)
{
    unsigned day = (unsigned)(now_ms / DAY_MS % DAYS_MOD);

    out[0] = digits[day / 32];
    out[1] = digits[day % 32];
}

static int
digit_value(char c)
{
    for (int i = 0; digits[i] != '\0'; i++)
        if (toupper((unsigned char)c) == digits[i])
            return i;
    return -1;
}

/* Letters in lower case: somebody on the way may have made them so. */
static void
put_hash(char out[HASH_LEN], const struct srs_key *key, char kind, struct slice text)
{
    struct strbuf plain = strbuf_new(ADDRESS_MAX + 1);
    unsigned char mac[DIGEST_MAX];
    uint64_t bits = 0;

    (void)strbuf_char(&plain, kind); /* `text` is shorter than an address */
    for (size_t i = 0; i < text.len; i++)
        (void)strbuf_char(&plain, text.ptr[i] >= 'A' && text.ptr[i] <= 'Z'
                                      ? (char)(text.ptr[i] - 'A' + 'a')
                                      : text.ptr[i]);
    digest_hmac(DIGEST_SHA256, slice_make(key->bytes, sizeof(key->bytes)), strbuf_slice(&plain),
                mac);
    for (size_t i = 0; i < 5; i++)
        bits = bits << 8 | mac[i];
    for (size_t i = 0; i < HASH_LEN; i++)
        out[i] = digits[bits >> (5 * (HASH_LEN - 1 - i)) & 31];
    strbuf_free(&plain);
}

static bool
hash_is(struct slice hash, const struct srs_key *key, char kind, struct slice text)
{
    char right[HASH_LEN], given[HASH_LEN];

    if (hash.len != HASH_LEN || text.len > ADDRESS_MAX)
        return false;
    for (size_t i = 0; i < HASH_LEN; i++)
        given[i] = (char)toupper((unsigned char)hash.ptr[i]);
    put_hash(right, key, kind, text);
    return digest_equal(slice_make(given, HASH_LEN), slice_make(right, HASH_LEN));
}

/* What the hash covers: "TT=DOMAIN=LOCAL", or "FIRST=REST". */
static void
put_content(struct strbuf *out, char kind, struct slice local, struct slice domain, int64_t now_ms)
{
    char day[DAY_LEN];

    if (kind == '0') { /* SRS0REST@FIRST */
        (void)strbuf_append(out, domain);
        (void)strbuf_char(out, '=');
        (void)strbuf_append(out, slice_sub(local, TAG_LEN - 1, local.len));
    } else if (kind == '1') { /* SRS1=HASH=FIRST=REST */
        struct slice rest = slice_sub(local, TAG_LEN, local.len);

        (void)slice_split(&rest, '=');
        (void)strbuf_append(out, rest);
    } else {
        put_day(day, now_ms);
        (void)strbuf_append(out, slice_make(day, DAY_LEN));
        (void)strbuf_char(out, '=');
        (void)strbuf_append(out, domain);
        (void)strbuf_char(out, '=');
        (void)strbuf_append(out, local);
    }
}

/* "FIRST=REST": a bounce could find no way back through anything else. */
static bool
is_second(struct slice content)
{
    struct slice first = slice_split(&content, '=');

    return address_is_domain(first, true) && content.len > 1 && is_separator(content.ptr[0]);
}

int
srs_forward(const struct srs_key *key, struct slice sender, struct slice domain, int64_t now_ms,
            struct strbuf *out)
{
    size_t at = slice_rindex(sender, '@');
    struct slice local = slice_sub(sender, 0, at), from = slice_sub(sender, at + 1, sender.len);
    struct strbuf content = strbuf_new(ADDRESS_MAX);
    char kind = kind_of(local), hash[HASH_LEN];
    size_t before = out->len;
    int rc = -1;

    if (!is_atoms(local) || !address_is_domain(from, true))
        goto out;
    put_content(&content, kind, local, from, now_ms);
    if (content.overflow || (kind != 0 && !is_second(strbuf_slice(&content))) ||
        TAG_LEN + HASH_LEN + 1 + content.len + 1 + domain.len > ADDRESS_MAX)
        goto out;
    kind = kind == 0 ? '0' : '1';
    put_hash(hash, key, kind, strbuf_slice(&content));
    (void)strbuf_printf(out, "SRS%c=%.*s=%s@%.*s", kind, HASH_LEN, hash, strbuf_cstr(&content),
                        (int)domain.len, domain.ptr);
    rc = out->overflow ? -1 : 0;
out:
    if (rc < 0)
        strbuf_truncate(out, before);
    strbuf_free(&content);
    return rc;
}

/* "TT=DOMAIN=LOCAL" */
static enum srs_found
open_first(struct slice content, int64_t now_ms, struct strbuf *out)
{
    struct slice day = slice_split(&content, '='), domain = slice_split(&content, '=');
    int tens = day.len == DAY_LEN ? digit_value(day.ptr[0]) : -1;
    int ones = day.len == DAY_LEN ? digit_value(day.ptr[1]) : -1;

    if (tens < 0 || ones < 0 || domain.len == 0 || content.len == 0)
        return SRS_FORGED;
    if ((now_ms / DAY_MS - (tens * 32 + ones) + DAYS_MOD) % DAYS_MOD > SRS_DAYS)
        return SRS_EXPIRED;
    (void)strbuf_printf(out, "%.*s@%.*s", (int)content.len, content.ptr, (int)domain.len,
                        domain.ptr);
    return SRS_GOOD;
}

/* "FIRST=REST" */
static enum srs_found
open_second(struct slice content, struct strbuf *out)
{
    struct slice first;

    if (!is_second(content))
        return SRS_FORGED;
    first = slice_split(&content, '=');
    (void)strbuf_printf(out, "SRS0%.*s@%.*s", (int)content.len, content.ptr, (int)first.len,
                        first.ptr);
    return SRS_GOOD;
}

enum srs_found
srs_reverse(const struct srs_key *key, struct slice address, int64_t now_ms, struct strbuf *out)
{
    struct slice local = slice_sub(address, 0, slice_rindex(address, '@'));
    struct slice content = slice_sub(local, TAG_LEN, local.len), hash;
    char kind = kind_of(local);

    if (kind == 0)
        return SRS_NONE;
    hash = slice_split(&content, '=');
    if (!is_atoms(local) || !hash_is(hash, key, kind, content))
        return SRS_FORGED;
    return kind == '0' ? open_first(content, now_ms, out) : open_second(content, out);
}
