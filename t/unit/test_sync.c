/*
 * t/unit/test_sync.c - lib/sync: the administrator's words for a directory elsewhere, and what is
 * made of its entries.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/ldap/ber_put.h"
#include "lib/sync/entry.h"

#define TWENTY_SIX "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z"

static const struct {
    const char *url, *layout, *user_filter, *map, *wrong; /* wrong NULL: it is good */
} sources[] = {
    {"ldap://dir.test/dc=d", "ldap", "", "", NULL},
    {"ldaps://[2001:db8::1]:1636/ou=a b,dc=d", "ad", "(cn=*)", "", NULL},
    {"ldap://dir.test/dc=d", "ldap", "", "full_name=cn , sn; group.member=", "expected NAME"},
    {"ldap://dir.test/dc=d", "ldap", "", " full_name = cn,sn ; group.member= ;", NULL},
    {"ldap://dir.test/", "ldap", "", "", "ldap[s]://HOST"},
    {"ldap://dir.test/dc=d?uid", "ldap", "", "", "ldap[s]://HOST"},
    {"ldap://dir.test/uid=%n,dc=d", "ldap", "", "", "ldap[s]://HOST"},
    {"imap://dir.test/dc=d", "ldap", "", "", "ldap[s]://HOST"},
    {"ldap://dir.test/dc=d", "novell", "", "", "ldap or ad"},
    {"ldap://dir.test/dc=d", "ldap", "(cn=a", "", "')' is missing"},
    {"ldap://dir.test/dc=d", "ldap", "", "password=userPassword", "expected address"},
    {"ldap://dir.test/dc=d", "ldap", "", "representatives", "NAME=ATTRIBUTE"},
    {"ldap://dir.test/dc=d", "ldap", "", "representatives=secretary", "expected address"},
    {"ldap://dir.test/dc=d", "ldap", "", "group.send=x", "expected address"},
    {"ldap://dir.test/dc=d", "ldap", "", "mailbox_path=x", "expected address"},
    {"ldap://dir.test/dc=d", "ldap", "", "full_name=cn;full_name=sn", "twice"},
    {"ldap://dir.test/dc=d", "ldap", "", "full_name=c n", "expected NAME"},
    /* 30 with the four of the layout; 32 are asked for */
    {"ldap://dir.test/dc=d", "ldap", "", "alias=" TWENTY_SIX ";description=a,b", NULL},
    {"ldap://dir.test/dc=d", "ldap", "", "alias=" TWENTY_SIX ";description=a,b,c", "too many"},
    {"ldap://dir.test/dc=d", "ldap", "", "group.member=" TWENTY_SIX ",a,b,c,d,e,f", "too many"},
};

START_TEST(a_source_is_read_or_says_what_is_wrong)
{
    const struct sync_given given = {.url = slice_of(sources[_i].url),
                                     .layout = slice_of(sources[_i].layout),
                                     .user_filter = slice_of(sources[_i].user_filter),
                                     .map = slice_of(sources[_i].map)};
    struct sync_source source;
    const char *wrong = sync_source_read(&given, &source);

    if (sources[_i].wrong == NULL)
        ck_assert_msg(wrong == NULL, "%s", wrong);
    else
        ck_assert_msg(wrong != NULL && strstr(wrong, sources[_i].wrong) != NULL, "%s", wrong);
}
END_TEST

/* ---- entries ---- */

static void
put(struct strbuf *attributes, const char *name, const struct slice *values, size_t count)
{
    size_t start = ber_begin(attributes, BER_SEQUENCE), set;

    ber_put(attributes, BER_OCTETS, slice_of(name));
    set = ber_begin(attributes, BER_SET);
    for (size_t i = 0; i < count; i++)
        ber_put(attributes, BER_OCTETS, values[i]);
    ber_end(attributes, set);
    ber_end(attributes, start);
}

static void
put_one(struct strbuf *attributes, const char *name, struct slice value)
{
    put(attributes, name, &value, 1);
}

static struct sync_source
source_of(const char *layout)
{
    const struct sync_given given = {.url = SLICE("ldap://d/dc=d"), .layout = slice_of(layout)};
    struct sync_source source;

    ck_assert_ptr_null(sync_source_read(&given, &source));
    return source;
}

START_TEST(an_account_of_active_directory)
{
    static const unsigned char guid[16] = "0123456789abcdef"; /* text by chance */
    const struct slice proxies[] = {SLICE("SMTP:ann@d.test"), SLICE("smtp:a.alder@d.test"),
                                    SLICE("X400:c=us"), SLICE("bare@d.test")};
    struct sync_source source = source_of("ad");
    struct strbuf attributes = strbuf_new(4096), out = strbuf_new(65536);
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct ldap_response entry = {.type = LDAP_RESPONSE_ENTRY, .dn = SLICE("cn=Ann,dc=d")};
    struct slice data;
    uint32_t aliases = 0;
    int count;

    put_one(&attributes, "SAMAccountName", SLICE("ann"));
    put_one(&attributes, "objectGUID", slice_make(guid, sizeof(guid)));
    put_one(&attributes, "cn", SLICE("Ann"));
    put_one(&attributes, "userAccountControl", SLICE("66050")); /* 0x10202: with the bit */
    put(&attributes, "proxyAddresses", proxies, 4);
    entry.attributes = strbuf_slice(&attributes);
    ck_assert_int_eq(sync_entry_add(&source, false, &entry, &out), 0);
    data = strbuf_slice(&out);
    count = object_next(&data, fields);
    ck_assert_int_gt(count, 0);
    ck_assert(slice_eq(object_get(fields, (uint32_t)count, "address"), SLICE("ann")));
    ck_assert(slice_eq(object_get(fields, (uint32_t)count, "id"),
                       SLICE("30313233343536373839616263646566")));
    ck_assert(slice_eq(object_get(fields, (uint32_t)count, "full_name"), SLICE("Ann")));
    ck_assert(slice_eq(object_get(fields, (uint32_t)count, "disabled"), SLICE("yes")));
    for (int i = 0; i < count; i++)
        aliases += slice_eq(fields[i].name, SLICE("alias"));
    ck_assert_uint_eq(aliases, 3);
    ck_assert_uint_eq(data.len, 0);
    strbuf_free(&attributes);
    strbuf_free(&out);
}
END_TEST

/* A range of values has an option behind its name, and a large group more than one object holds. */
START_TEST(a_large_group_is_several_objects)
{
    enum { MEMBERS = 1500 };
    struct slice *members = xcalloc(MEMBERS, sizeof(*members));
    struct sync_source source = source_of("ad");
    struct strbuf attributes = strbuf_new(1 << 20), out = strbuf_new(1 << 20);
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct ldap_response entry = {.type = LDAP_RESPONSE_ENTRY, .dn = SLICE("cn=All,dc=d")};
    struct slice data;
    uint32_t found = 0, objects = 0;
    int count;

    for (size_t i = 0; i < MEMBERS; i++)
        members[i] = SLICE("cn=One,dc=d");
    put(&attributes, "member;range=0-1499", members, MEMBERS);
    entry.attributes = strbuf_slice(&attributes);
    ck_assert_int_eq(sync_entry_add(&source, true, &entry, &out), 0);
    for (data = strbuf_slice(&out); (count = object_next(&data, fields)) > 0; objects++) {
        ck_assert(slice_eq(object_get(fields, (uint32_t)count, "dn"), entry.dn));
        ck_assert(slice_eq(object_get(fields, (uint32_t)count, "kind"), SLICE("group")));
        for (int i = 0; i < count; i++)
            found += slice_eq(fields[i].name, SLICE("member"));
    }
    ck_assert_int_eq(count, 0);
    ck_assert_uint_eq(found, MEMBERS);
    ck_assert_uint_gt(objects, 1);
    free(members);
    strbuf_free(&attributes);
    strbuf_free(&out);
}
END_TEST

START_TEST(a_damaged_entry_is_none)
{
    struct sync_source source = source_of("ldap");
    struct strbuf out = strbuf_new(4096);
    const struct ldap_response entry = {.type = LDAP_RESPONSE_ENTRY,
                                        .dn = SLICE("cn=a"),
                                        .attributes = SLICE("\x30\x05\x04\x02zz\x31")};

    ck_assert_int_eq(sync_entry_add(&source, false, &entry, &out), -1);
    strbuf_free(&out);
}
END_TEST

START_TEST(names_of_entries_are_compared_without_case_and_blanks)
{
    struct strbuf a = strbuf_new(100), b = strbuf_new(100);

    sync_entry_fold(SLICE("UID=Ann Alder , OU=people,DC=d"), &a);
    sync_entry_fold(SLICE("uid=ann alder,ou=people, dc=d"), &b);
    ck_assert_str_eq(strbuf_cstr(&a), strbuf_cstr(&b));
    strbuf_free(&a);
    strbuf_free(&b);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("sync");
    TCase *tc = tcase_create("sync");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, a_source_is_read_or_says_what_is_wrong, 0, (int)ARRAY_LEN(sources));
    tcase_add_test(tc, an_account_of_active_directory);
    tcase_add_test(tc, a_large_group_is_several_objects);
    tcase_add_test(tc, a_damaged_entry_is_none);
    tcase_add_test(tc, names_of_entries_are_compared_without_case_and_blanks);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
