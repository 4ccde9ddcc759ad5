/*
 * lib/auth/ldap_message.c - a few messages of LDAP (RFC 4511 section 4): the one wrapper of liblber
 * for clients. No I/O.
 *
 * Input:  what a directory answers, untrusted, whole messages of at most LDAP_MESSAGE_MAX bytes.
 */
#include "lib/auth/ldap_message.h"

#include <lber.h>

#include "lib/base/mem.h"

/* Tags (RFC 4511 sections 4.2 to 4.12). */
enum {
    TAG_OCTETS = 0x04,
    TAG_MESSAGE = 0x30,
    TAG_BIND = 0x60,
    TAG_BIND_RESULT = 0x61,
    TAG_UNBIND = 0x42,
    TAG_SEARCH = 0x63,
    TAG_ENTRY = 0x64,
    TAG_SEARCH_DONE = 0x65,
    TAG_EXTENDED = 0x77,
    TAG_EXTENDED_RESULT = 0x78,
    TAG_SIMPLE = 0x80,
    TAG_REQUEST_NAME = 0x80,
    TAG_EQUAL = 0xa3
};
enum { VERSION = 3, SCOPE_SUBTREE = 2, DEREF_NEVER = 0, ENTRIES_MAX = 2, SEARCH_SECONDS = 10 };

static struct berval
value_of(struct slice s)
{
    return (struct berval){.bv_len = s.len, .bv_val = (char *)(uintptr_t)s.ptr}; /* only read */
}

/* Takes the bytes out of `ber` and frees it; `rc` is of the last ber_printf. */
static int
finish(BerElement *ber, int rc, struct strbuf *out)
{
    struct berval bytes = {.bv_val = NULL};
    bool kept = rc >= 0 && ber_flatten2(ber, &bytes, 0) == 0 &&
                strbuf_append(out, slice_make(bytes.bv_val, bytes.bv_len));

    if (bytes.bv_val != NULL)
        mem_wipe(bytes.bv_val, bytes.bv_len);
    ber_free(ber, 1);
    return kept ? 0 : -1;
}

static BerElement *
begin(void)
{
    BerElement *ber = ber_alloc_t(LBER_USE_DER);

    assert_always(ber != NULL); /* out of memory */
    return ber;
}

int
ldap_starttls_encode(struct strbuf *out, int32_t id)
{
    BerElement *ber = begin();

    return finish(ber,
                  ber_printf(ber, "{it{ts}}", id, (ber_tag_t)TAG_EXTENDED,
                             (ber_tag_t)TAG_REQUEST_NAME, "1.3.6.1.4.1.1466.20037"),
                  out);
}

int
ldap_bind_encode(struct strbuf *out, int32_t id, struct slice name, struct slice password)
{
    struct berval dn = value_of(name), secret = value_of(password);
    BerElement *ber = begin();

    return finish(ber,
                  ber_printf(ber, "{it{iOtO}}", id, (ber_tag_t)TAG_BIND, VERSION, &dn,
                             (ber_tag_t)TAG_SIMPLE, &secret),
                  out);
}

int
ldap_search_encode(struct strbuf *out, int32_t id, struct slice base, struct slice attribute,
                   struct slice value)
{
    struct berval where = value_of(base), name = value_of(attribute), is = value_of(value);
    BerElement *ber = begin();

    return finish(ber,
                  ber_printf(ber, "{it{Oeeiibt{OO}{s}}}", id, (ber_tag_t)TAG_SEARCH, &where,
                             SCOPE_SUBTREE, DEREF_NEVER, ENTRIES_MAX, SEARCH_SECONDS, 1,
                             (ber_tag_t)TAG_EQUAL, &name, &is, "1.1"),
                  out);
}

int
ldap_unbind_encode(struct strbuf *out, int32_t id)
{
    BerElement *ber = begin();

    return finish(ber, ber_printf(ber, "{itn}", id, (ber_tag_t)TAG_UNBIND), out);
}

/* ---- answers ---- */

int
ldap_message_length(struct slice start, size_t *length)
{
    size_t digits, value = 0;

    *length = 0;
    if (start.len > 0 && (unsigned char)start.ptr[0] != TAG_MESSAGE)
        return -1;
    if (start.len < 2)
        return 0;
    digits = (unsigned char)start.ptr[1];
    if (digits < 0x80) {
        *length = digits + 2;
        return 0;
    }
    digits &= 0x7f;
    if (digits == 0 || digits > 4) /* the indefinite form is none of LDAP's (section 5.1) */
        return -1;
    if (start.len < 2 + digits)
        return 0;
    for (size_t i = 0; i < digits; i++)
        value = value << 8 | (unsigned char)start.ptr[2 + i];
    *length = value + 2 + digits;
    return *length <= LDAP_MESSAGE_MAX ? 0 : -1;
}

/* An octet string in place; ber_scanf's "m" would write a NUL behind it. */
static int
take_text(BerElement *ber, struct berval *text)
{
    return ber_skip_element(ber, text) == TAG_OCTETS ? 0 : -1;
}

static int
decode_operation(BerElement *ber, ber_tag_t tag, struct ldap_response *out)
{
    struct berval first = {.bv_val = NULL}, text = {.bv_val = NULL};
    ber_int_t result = 0;

    switch (tag) {
    case TAG_BIND_RESULT:
    case TAG_SEARCH_DONE:
    case TAG_EXTENDED_RESULT:
        if (ber_scanf(ber, "{e", &result) == LBER_ERROR || take_text(ber, &first) < 0 ||
            take_text(ber, &text) < 0)
            return -1;
        out->type = LDAP_RESPONSE_RESULT;
        out->result = result;
        out->text = slice_make(text.bv_val, text.bv_len);
        return 0;
    case TAG_ENTRY:
        if (ber_scanf(ber, "{") == LBER_ERROR || take_text(ber, &first) < 0 ||
            first.bv_len > LDAP_DN_MAX)
            return -1;
        out->type = LDAP_RESPONSE_ENTRY;
        out->dn = slice_make(first.bv_val, first.bv_len);
        return 0;
    default:
        out->type = LDAP_RESPONSE_OTHER;
        return 0;
    }
}

int
ldap_response_decode(struct slice message, struct ldap_response *out)
{
    struct berval bytes = value_of(message);
    BerElement *ber;
    ber_tag_t tag = LBER_DEFAULT;
    ber_int_t id = 0;
    size_t length;
    int rc = -1;

    *out = (struct ldap_response){.type = LDAP_RESPONSE_OTHER};
    if (ldap_message_length(message, &length) < 0 || length != message.len || length == 0)
        return -1;
    ber = begin();
    ber_init2(ber, &bytes, LBER_USE_DER);
    if (ber_scanf(ber, "{it", &id, &tag) != LBER_ERROR && id >= 0) {
        out->id = id;
        rc = decode_operation(ber, tag, out);
    }
    ber_free(ber, 0); /* the bytes are the caller's */
    return rc;
}
