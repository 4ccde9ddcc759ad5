/*
 * t/unit/test_location_table.c - lib/conf/location_table: where an address is.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/conf/location_table.h"

static struct location_table *table;

static const char *
find(const char *address)
{
    struct cidr net;

    ck_assert_int_eq(cidr_parse(slice_of(address), &net), 0);
    return location_table_find(table, &net.net);
}

static void
add(const char *entry)
{
    struct location_record record;

    ck_assert_int_eq(location_record_parse(slice_of(entry), &record), 0);
    location_table_add(table, &record);
}

static int
take(const char *data, struct strbuf *errors)
{
    return location_table_read(table, slice_of(data), "data.csv", errors);
}

START_TEST(ranges_are_found_by_their_ends)
{
    struct strbuf errors = strbuf_new(1000);

    table = location_table_new();
    ck_assert_int_eq(take("# countries\n"
                          "198.51.100.0,198.51.100.255,SG\r\n"
                          "\"192.0.2.0\",\"192.0.2.127\",\"CN/Beijing\"\n"
                          "192.0.2.128,192.0.2.255,CN\n"
                          "2001:db8::,2001:db8:ffff:ffff:ffff:ffff:ffff:ffff,DE\n",
                          &errors),
                     0);
    ck_assert_str_eq(find("192.0.2.0"), "CN/Beijing");
    ck_assert_str_eq(find("192.0.2.127"), "CN/Beijing");
    ck_assert_str_eq(find("192.0.2.128"), "CN");
    ck_assert_str_eq(find("192.0.2.255"), "CN");
    ck_assert_str_eq(find("192.0.3.0"), "");
    ck_assert_str_eq(find("192.0.1.255"), "");
    ck_assert_str_eq(find("198.51.100.77"), "SG");
    ck_assert_str_eq(find("2001:db8:1::1"), "DE");
    ck_assert_str_eq(find("2001:db9::"), "");
    ck_assert_str_eq(find("::1"), "");
    location_table_free(&table);
    strbuf_free(&errors);
}
END_TEST

START_TEST(own_records_go_first_and_lower_orders_before_higher)
{
    struct strbuf errors = strbuf_new(1000);

    table = location_table_new();
    ck_assert_int_eq(take("192.0.2.0,192.0.2.255,CN\n", &errors), 0);
    add("100 192.0.2.10 192.0.2.20 office 2026-01-01T00:00:00Z 2026-01-01T00:00:00Z");
    add("5 192.0.2.15 192.0.2.15 lab 2026-01-01T00:00:00Z 2026-01-01T00:00:00Z");
    add("200 192.0.2.0 192.0.2.16 other 2026-01-01T00:00:00Z 2026-01-01T00:00:00Z");
    ck_assert_str_eq(find("192.0.2.15"), "lab");
    ck_assert_str_eq(find("192.0.2.16"), "office");
    ck_assert_str_eq(find("192.0.2.9"), "other");
    ck_assert_str_eq(find("192.0.2.21"), "CN");
    location_table_free(&table);
    strbuf_free(&errors);
}
END_TEST

static const struct {
    const char *data, *error;
} wrong[] = {
    {"192.0.2.0,192.0.2.255\n", "data.csv:1: expected FIRST"},
    {"\n192.0.2.9,192.0.2.8,CN\n", "data.csv:2: expected FIRST"},
    {"192.0.2.0,2001:db8::1,CN\n", "data.csv:1: expected FIRST"},
    {"192.0.2.0,192.0.2.255,CN,Beijing\n", "data.csv:1: expected FIRST"},
    {"192.0.2.0/24,192.0.2.255,CN\n", "data.csv:1: expected FIRST"},
    {"192.0.2.0,192.0.2.255,South Africa\n", "data.csv:1: expected FIRST"},
    {"198.51.100.0,198.51.100.9,A\n192.0.2.0,192.0.2.9,B\n192.0.2.9,192.0.2.12,C\n",
     "data.csv:3: the range overlaps"},
};

/* And what was there stays. */
START_TEST(data_with_an_error_change_nothing)
{
    struct strbuf errors = strbuf_new(1000);

    table = location_table_new();
    ck_assert_int_eq(take("203.0.113.0,203.0.113.255,US\n", &errors), 0);
    ck_assert_int_eq(take(wrong[_i].data, &errors), -1);
    ck_assert_msg(slice_starts(strbuf_slice(&errors), slice_of(wrong[_i].error)), "%s",
                  strbuf_cstr(&errors));
    ck_assert_str_eq(find("203.0.113.5"), "US");
    ck_assert_str_eq(find("192.0.2.1"), "");
    location_table_free(&table);
    strbuf_free(&errors);
}
END_TEST

static const char *const no_records[] = {
    "",
    "x 192.0.2.1 192.0.2.2 CN t t",
    "1 192.0.2.2 192.0.2.1 CN t t",
    "1 192.0.2.1 192.0.2.2 CN t",
    "1 192.0.2.1 192.0.2.2 CN t t t",
    "1 192.0.2.1 192.0.2.2 C,N t t",
};

START_TEST(records_are_read_strictly)
{
    struct location_record record;

    ck_assert_int_eq(location_record_parse(slice_of(no_records[_i]), &record), -1);
    ck_assert_ptr_nonnull(location_record_expected(slice_of(no_records[_i])));
}
END_TEST

START_TEST(a_location_is_within_those_above_it)
{
    ck_assert(location_is_within("CN/Beijing", SLICE("CN")));
    ck_assert(location_is_within("CN/Beijing", SLICE("cn/beijing")));
    ck_assert(!location_is_within("CN", SLICE("CN/Beijing")));
    ck_assert(!location_is_within("CNX", SLICE("CN")));
    ck_assert(location_is_within("", SLICE("unknown")));
    ck_assert(!location_is_within("", SLICE("CN")));
}
END_TEST

/* Every range of 65,536 is found, whatever their order in the file. */
START_TEST(many_ranges_are_all_found)
{
    struct strbuf data = strbuf_new(16 << 20), errors = strbuf_new(1000);
    char address[32];

    for (unsigned i = 0; i < 65536; i++) {
        unsigned n = i * 7919 % 65536; /* each once */

        (void)strbuf_printf(&data, "10.%u.%u.0,10.%u.%u.200,L%u\n", n >> 8, n & 255, n >> 8,
                            n & 255, n % 1000);
    }
    table = location_table_new();
    ck_assert_int_eq(location_table_read(table, strbuf_slice(&data), "d", &errors), 0);
    for (unsigned n = 0; n < 65536; n += 13) {
        char name[16];

        (void)snprintf(address, sizeof(address), "10.%u.%u.200", n >> 8, n & 255);
        (void)snprintf(name, sizeof(name), "L%u", n % 1000);
        ck_assert_str_eq(find(address), name);
        (void)snprintf(address, sizeof(address), "10.%u.%u.201", n >> 8, n & 255);
        ck_assert_str_eq(find(address), "");
    }
    location_table_free(&table);
    strbuf_free(&data);
    strbuf_free(&errors);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("location_table");
    TCase *tc = tcase_create("location_table");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, ranges_are_found_by_their_ends);
    tcase_add_test(tc, own_records_go_first_and_lower_orders_before_higher);
    tcase_add_loop_test(tc, data_with_an_error_change_nothing, 0, (int)ARRAY_LEN(wrong));
    tcase_add_loop_test(tc, records_are_read_strictly, 0, (int)ARRAY_LEN(no_records));
    tcase_add_test(tc, a_location_is_within_those_above_it);
    tcase_add_test(tc, many_ranges_are_all_found);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
