/*
 * fuzz/fuzz_ldap_message.c - a client's bytes: the message's length, its envelope and controls, the
 * search's filter and base, what is asserted; a filter that is one goes over the wire between our
 * programs and stays what it is, and says the same of an entry.
 */
// LINK: ldapd/message.c
// LINK: ldapd/target.c
#include <stdint.h>

#include "ldapd/message.h"
#include "ldapd/target.h"
#include "lib/base/mem.h"
#include "lib/ipc/directory.h"
#include "lib/ldap/dn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct ldap_entry *
some_entry(void)
{
    static struct strbuf fields;
    static struct ldap_entry entry = {LDAP_ENTRY_CONTACT, {"d.test", 6}, {"smith", 5}, {NULL, 0}};

    if (fields.max == 0) {
        fields = strbuf_new(LDAP_FIELDS_BYTES_MAX);
        (void)ldap_fields_add(&fields, LDAP_FIELD_FULL_NAME, SLICE("J\xc3\xb6rg Smith"));
        (void)ldap_fields_add(&fields, LDAP_FIELD_ADDRESSES, SLICE("js@x.test j@y.test"));
        (void)ldap_fields_add(&fields, LDAP_FIELD_CREATED, SLICE("2026-11-23T10:00:00Z"));
        entry.fields = strbuf_slice(&fields);
    }
    return &entry;
}

static void
over_the_wire(struct ldap_filter *filter, struct ldap_filter *other)
{
    struct directory_search search = {.wanted = 1}, got;
    struct strbuf frame = strbuf_new(DIRECTORY_REQUEST_MAX);
    enum ldap_truth here, there;

    if (directory_search_encode(&frame, &search, filter) == 0) {
        assert_always(
            directory_search_decode(slice_sub(strbuf_slice(&frame), FRAME_HEADER, frame.len), &got,
                                    other) == 0);
        assert_always(other->count == filter->count && other->part_count == filter->part_count);
        if (ldap_filter_fold(filter) == 0) {
            assert_always(ldap_filter_fold(other) == 0);
            here = ldap_filter_match(filter, some_entry());
            there = ldap_filter_match(other, some_entry());
            assert_always(here == there);
        }
    }
    strbuf_free(&frame);
}

/* What a name leads to can be asked for, and its entry has a name that leads to it. */
static void
look_at_name(struct slice text)
{
    static struct names names;
    struct target target;
    struct slice rest;
    struct strbuf name = strbuf_new((size_t)2 * LDAP_DN_MAX), above = strbuf_new(LDAP_PATH_MAX);
    struct strbuf above_fields = strbuf_new(LDAP_FIELDS_BYTES_MAX);

    if (names.base_text == NULL)
        assert_always(names_init(&names, "o=posthorn") == 0);
    target = names_find(&names, text);
    if (target.kind == TARGET_UNIT) {
        struct ldap_entry entry = {.kind = LDAP_ENTRY_UNIT, .book = target.book};

        rest = target.name;
        entry.name = slice_split(&rest, ' ');
        (void)strbuf_append(&above, rest);
        assert_always(entry.name.len > 0 && target.name.len <= LDAP_PATH_MAX &&
                      ldap_fields_add(&above_fields, LDAP_FIELD_ABOVE, strbuf_slice(&above)));
        entry.fields = strbuf_slice(&above_fields);
        names_put(&names, &entry, &name);
        assert_always(!name.overflow);
        (void)names_find(&names, strbuf_slice(&name));
    }
    strbuf_free(&name);
    strbuf_free(&above);
    strbuf_free(&above_fields);
}

static void
look_at_search(struct slice body)
{
    struct ldap_filter *filter = ldap_filter_new(), *other = ldap_filter_new();
    struct slice rest = body, base, values;
    struct ldap_dn dn = ldap_dn_new();
    uint32_t number;
    bool types;

    if (ber_take(&rest, BER_OCTETS, &base) == 0 &&
        ber_take_number(&rest, BER_ENUMERATED, 3, &number) == 0 &&
        ber_take_number(&rest, BER_ENUMERATED, 3, &number) == 0 &&
        ber_take_number(&rest, BER_INTEGER, INT32_MAX, &number) == 0 &&
        ber_take_number(&rest, BER_INTEGER, INT32_MAX, &number) == 0 &&
        ber_take_bool(&rest, &types) == 0) {
        (void)ldap_dn_parse(base, &dn);
        look_at_name(base);
        values = rest;
        if (message_take_filter(&rest, filter) == 0)
            over_the_wire(filter, other);
        (void)message_take_values_filter(&values, filter);
    }
    ldap_dn_free(&dn);
    ldap_filter_free(&filter);
    ldap_filter_free(&other);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = xmalloc(size + 1); /* of that size: no byte more may be looked at */
    struct slice all = slice_make(copy, size);
    int64_t length;
    struct message message;

    if (size > 0)
        memcpy(copy, data, size);
    length = message_length(all);
    assert_always(length <= (int64_t)LDAP_MESSAGE_MAX + 6);
    if (message_decode(all, &message) == 0) {
        assert_always(length == (int64_t)size || length == -1);
        if (message.op == LDAP_OP_SEARCH)
            look_at_search(message.body);
    }
    look_at_search(all);
    xfree(&copy);
    return 0;
}
