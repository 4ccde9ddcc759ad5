/*
 * lib/auth/record.c - takes a stored password record apart.
 *
 * Records come from the account base, hence from administrators and their imports: their syntax is
 * checked, their numbers are bounded where they are used.
 */
#include "lib/auth/record.h"

struct scheme {
    struct slice tag;
    enum record_kind kind;
    enum digest digest;
    bool strong;
};

#define TAG(text)                                                                                  \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }

/* RFC 2307 section 5.3 and its successors in use: OpenLDAP's and Dovecot's names. */
static const struct scheme schemes[] = {
    {TAG("YESCRYPT"), RECORD_CRYPT, 0, true},
    {TAG("ARGON2ID"), RECORD_ARGON2, 0, true},
    {TAG("ARGON2I"), RECORD_ARGON2, 0, false},
    {TAG("BCRYPT"), RECORD_CRYPT, 0, false},
    {TAG("BLF-CRYPT"), RECORD_CRYPT, 0, false},
    {TAG("SHA512-CRYPT"), RECORD_CRYPT, 0, false},
    {TAG("SHA256-CRYPT"), RECORD_CRYPT, 0, false},
    {TAG("MD5-CRYPT"), RECORD_CRYPT, 0, false},
    {TAG("DES-CRYPT"), RECORD_CRYPT, 0, false},
    {TAG("CRYPT"), RECORD_CRYPT, 0, false},
    {TAG("PLAIN"), RECORD_PLAIN, 0, false},
    {TAG("CLEARTEXT"), RECORD_PLAIN, 0, false},
    {TAG("SSHA"), RECORD_DIGEST, DIGEST_SHA1, false},
    {TAG("SHA"), RECORD_DIGEST, DIGEST_SHA1, false},
    {TAG("SHA1"), RECORD_DIGEST, DIGEST_SHA1, false},
    {TAG("SSHA256"), RECORD_DIGEST, DIGEST_SHA256, false},
    {TAG("SHA256"), RECORD_DIGEST, DIGEST_SHA256, false},
    {TAG("SSHA512"), RECORD_DIGEST, DIGEST_SHA512, false},
    {TAG("SHA512"), RECORD_DIGEST, DIGEST_SHA512, false},
    {TAG("SMD5"), RECORD_DIGEST, DIGEST_MD5, false},
    {TAG("MD5"), RECORD_DIGEST, DIGEST_MD5, false},
    {TAG("PLAIN-MD5"), RECORD_DIGEST, DIGEST_MD5, false},
    {TAG("LDAP-MD5"), RECORD_DIGEST, DIGEST_MD5, false},
    {TAG("SM3"), RECORD_DIGEST, DIGEST_SM3, false},
    {TAG("SCRAM-SHA-256"), RECORD_SCRAM, DIGEST_SHA256, true},
    {TAG("SCRAM-SHA-1"), RECORD_SCRAM, DIGEST_SHA1, true},
};

static void
set_scheme(struct record_part *part, struct slice tag)
{
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        if (slice_eq_nocase(tag, schemes[i].tag)) {
            part->kind = schemes[i].kind;
            part->digest = schemes[i].digest;
            part->strong = schemes[i].strong;
        }
    }
}

bool
record_next(struct slice *rest, struct record_part *part)
{
    size_t tag_end = slice_index(*rest, '}');

    if (rest->len == 0)
        return false;
    *part = (struct record_part){.kind = RECORD_UNKNOWN};
    if (rest->ptr[0] == '{' && tag_end < slice_index(*rest, ' ')) {
        set_scheme(part, slice_sub(*rest, 1, tag_end));
        *rest = slice_sub(*rest, tag_end + 1, rest->len);
    } else if (rest->ptr[0] == '$') {
        part->kind = RECORD_CRYPT;
    }
    if (part->kind == RECORD_PLAIN) { /* a password may hold spaces: it is always the last part */
        part->data = *rest;
        *rest = slice_sub(*rest, rest->len, rest->len);
        return true;
    }
    part->data = slice_split(rest, ' ');
    if (part->kind == RECORD_DIGEST && slice_starts(part->data, SLICE("$")))
        part->kind = RECORD_CRYPT; /* Dovecot's {MD5} means md5-crypt, RFC 2307's the digest */
    return true;
}

bool
record_primary(struct slice record, struct record_part *part)
{
    struct record_part next;
    bool found = false;

    while (record_next(&record, &next)) {
        if (next.kind == RECORD_UNKNOWN || (next.kind == RECORD_SCRAM && found))
            continue;
        *part = next;
        found = true;
        if (next.kind != RECORD_SCRAM)
            break;
    }
    return found;
}
