/*
 * lib/ldap/call.c - the messages of LDAP that a client needs. No I/O.
 *
 * Input:  what a directory answers, untrusted, whole messages of at most LDAP_ANSWER_MAX bytes.
 */
#include "lib/ldap/call.h"

#include "lib/ldap/ber.h"
#include "lib/ldap/dn.h"

/* Tags (RFC 4511 sections 4.2 to 4.12). */
enum {
    TAG_BIND = 0x60,
    TAG_BIND_RESULT = 0x61,
    TAG_UNBIND = 0x42,
    TAG_SEARCH = 0x63,
    TAG_ENTRY = 0x64,
    TAG_SEARCH_DONE = 0x65,
    TAG_REFERENCE = 0x73,
    TAG_EXTENDED = 0x77,
    TAG_EXTENDED_RESULT = 0x78,
    TAG_SIMPLE = 0x80,
    TAG_REQUEST_NAME = 0x80,
    TAG_CONTROLS = 0xa0,
    TAG_EQUAL = 0xa3
};
enum { VERSION = 3, SCOPE_SUBTREE = 2, DEREF_NEVER = 0 };

#define OID_START_TLS "1.3.6.1.4.1.1466.20037" /* RFC 4511 section 4.14 */
#define OID_PAGED "1.2.840.113556.1.4.319"     /* RFC 2696 section 2 */

/* ---- requests ---- */

static size_t
begin(struct strbuf *out, int32_t id)
{
    size_t start = ber_begin(out, BER_SEQUENCE);

    ber_put_number(out, BER_INTEGER, (uint32_t)id);
    return start;
}

static int
end(struct strbuf *out, size_t start)
{
    ber_end(out, start);
    return out->overflow ? -1 : 0;
}

int
ldap_call_starttls(struct strbuf *out, int32_t id)
{
    size_t start = begin(out, id), op = ber_begin(out, TAG_EXTENDED);

    ber_put(out, TAG_REQUEST_NAME, SLICE(OID_START_TLS));
    ber_end(out, op);
    return end(out, start);
}

int
ldap_call_bind(struct strbuf *out, int32_t id, struct slice name, struct slice password)
{
    size_t start = begin(out, id), op = ber_begin(out, TAG_BIND);

    ber_put_number(out, BER_INTEGER, VERSION);
    ber_put(out, BER_OCTETS, name);
    ber_put(out, TAG_SIMPLE, password);
    ber_end(out, op);
    return end(out, start);
}

int
ldap_call_equal(struct strbuf *out, struct slice attribute, struct slice value)
{
    size_t start = ber_begin(out, TAG_EQUAL);

    ber_put(out, BER_OCTETS, attribute);
    ber_put(out, BER_OCTETS, value);
    return end(out, start);
}

static void
put_paging(struct strbuf *out, const struct ldap_wanted *wanted)
{
    struct strbuf value = strbuf_new(LDAP_COOKIE_MAX + 64);
    size_t controls = ber_begin(out, TAG_CONTROLS), control = ber_begin(out, BER_SEQUENCE),
           start = ber_begin(&value, BER_SEQUENCE);

    ber_put_number(&value, BER_INTEGER, wanted->page_size);
    ber_put(&value, BER_OCTETS, wanted->cookie);
    ber_end(&value, start);
    ber_put(out, BER_OCTETS, SLICE(OID_PAGED));
    ber_put(out, BER_OCTETS, strbuf_slice(&value)); /* not critical: all at once will do as well */
    ber_end(out, control);
    ber_end(out, controls);
    out->overflow |= value.overflow;
    strbuf_free(&value);
}

int
ldap_call_search(struct strbuf *out, int32_t id, const struct ldap_wanted *wanted)
{
    size_t start = begin(out, id), op = ber_begin(out, TAG_SEARCH), names;

    ber_put(out, BER_OCTETS, wanted->base);
    ber_put_number(out, BER_ENUMERATED, SCOPE_SUBTREE);
    ber_put_number(out, BER_ENUMERATED, DEREF_NEVER);
    ber_put_number(out, BER_INTEGER, wanted->size_max);
    ber_put_number(out, BER_INTEGER, wanted->time_max);
    ber_put(out, BER_BOOLEAN, slice_make("\0", 1)); /* with the values */
    (void)strbuf_append(out, wanted->filter);       /* the buffer remembers an overflow */
    names = ber_begin(out, BER_SEQUENCE);
    for (size_t i = 0; i < wanted->name_count; i++)
        ber_put(out, BER_OCTETS, wanted->names[i]);
    if (wanted->name_count == 0)
        ber_put(out, BER_OCTETS, SLICE("1.1")); /* RFC 4511 section 4.5.1.8 */
    ber_end(out, names);
    ber_end(out, op);
    if (wanted->page_size > 0)
        put_paging(out, wanted);
    return end(out, start);
}

int
ldap_call_unbind(struct strbuf *out, int32_t id)
{
    size_t start = begin(out, id);

    ber_put(out, TAG_UNBIND, SLICE(""));
    return end(out, start);
}

/* ---- answers ---- */

int
ldap_call_length(struct slice start, size_t *length)
{
    size_t digits, value = 0;

    *length = 0;
    if (start.len > 0 && (unsigned char)start.ptr[0] != BER_SEQUENCE)
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
    return *length <= LDAP_ANSWER_MAX ? 0 : -1;
}

/* Off the controls of a message, each SEQUENCE { OID, criticality DEFAULT FALSE, value OPTIONAL }.
 */
static int
take_cookie(struct slice controls, struct slice *cookie)
{
    struct slice control, oid, value, content;
    uint32_t size;
    bool critical;

    while (controls.len > 0) {
        if (ber_take(&controls, BER_SEQUENCE, &control) < 0 ||
            ber_take(&control, BER_OCTETS, &oid) < 0 ||
            (ber_next_is(control, BER_BOOLEAN) && ber_take_bool(&control, &critical) < 0))
            return -1;
        if (!slice_eq(oid, SLICE(OID_PAGED)))
            continue;
        if (ber_take(&control, BER_OCTETS, &value) < 0 ||
            ber_take(&value, BER_SEQUENCE, &content) < 0 ||
            ber_take_number(&content, BER_INTEGER, INT32_MAX, &size) < 0 ||
            ber_take(&content, BER_OCTETS, cookie) < 0 || cookie->len > LDAP_COOKIE_MAX)
            return -1;
    }
    return 0;
}

static int
decode_result(struct slice content, struct slice rest, struct ldap_response *out)
{
    struct slice matched, controls;
    uint32_t result;

    if (ber_take_number(&content, BER_ENUMERATED, INT32_MAX, &result) < 0 ||
        ber_take(&content, BER_OCTETS, &matched) < 0 ||
        ber_take(&content, BER_OCTETS, &out->text) < 0)
        return -1;
    out->type = LDAP_RESPONSE_RESULT;
    out->result = (int32_t)result;
    if (!ber_next_is(rest, TAG_CONTROLS))
        return 0;
    return ber_take(&rest, TAG_CONTROLS, &controls) < 0 ? -1 : take_cookie(controls, &out->cookie);
}

static int
decode_operation(unsigned tag, struct slice content, struct slice rest, struct ldap_response *out)
{
    switch (tag) {
    case TAG_BIND_RESULT:
    case TAG_SEARCH_DONE:
    case TAG_EXTENDED_RESULT:
        return decode_result(content, rest, out);
    case TAG_ENTRY:
        if (ber_take(&content, BER_OCTETS, &out->dn) < 0 || out->dn.len > LDAP_DN_MAX ||
            ber_take(&content, BER_SEQUENCE, &out->attributes) < 0)
            return -1;
        out->type = LDAP_RESPONSE_ENTRY;
        return 0;
    case TAG_REFERENCE:
        out->type = LDAP_RESPONSE_REFERENCE;
        return 0;
    default:
        return 0;
    }
}

int
ldap_call_decode(struct slice message, struct ldap_response *out)
{
    struct slice whole = message, content, operation;
    uint32_t id;
    unsigned tag;

    *out = (struct ldap_response){.type = LDAP_RESPONSE_OTHER};
    if (message.len > LDAP_ANSWER_MAX || ber_take(&whole, BER_SEQUENCE, &content) < 0 ||
        whole.len > 0 || ber_take_number(&content, BER_INTEGER, INT32_MAX, &id) < 0 ||
        ber_take_any(&content, &tag, &operation) != 1)
        return -1;
    out->id = (int32_t)id;
    return decode_operation(tag, operation, content, out);
}

int
ldap_call_attribute(struct slice *attributes, struct slice *description, struct slice *values)
{
    struct slice attribute;

    if (attributes->len == 0)
        return 0;
    return ber_take(attributes, BER_SEQUENCE, &attribute) < 0 ||
                   ber_take(&attribute, BER_OCTETS, description) < 0 ||
                   ber_take(&attribute, BER_SET, values) < 0
               ? -1
               : 1;
}

int
ldap_call_value(struct slice *values, struct slice *value)
{
    if (values->len == 0)
        return 0;
    return ber_take(values, BER_OCTETS, value) < 0 ? -1 : 1;
}
