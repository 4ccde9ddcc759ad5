/*
 * t/unit/test_dns_packet.c - lib/dns/packet: every record type, chains, and packets that lie.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/encode.h"
#include "lib/dns/packet.h"

static const struct {
    const char *name, *hex;
    uint16_t rr;
    enum dns_status status;
    uint32_t count, ttl_s;
    const char *canonical;
    struct dns_record first;
} cases[] = {
    {"a",
     "123481800001000100000000016404746573740000010001c00c000100010000012c00"
     "04c0000201",
     DNS_A,
     DNS_FOUND,
     1,
     300,
     "d.test",
     {0, 0, 0, {"\xc0\x00\x02\x01", sizeof("\xc0\x00\x02\x01") - 1}}},
    {"mx_two_and_null",
     "1234818000010003000000000164047465737400000f0001c00c000f00010000012c00"
     "08000a036d7831c00cc00c000f0001000000c800080014036d7832c00cc00c000f0001"
     "0000012c0003000000",
     DNS_MX,
     DNS_FOUND,
     3,
     200,
     "d.test",
     {10, 0, 0, {"mx1.d.test", sizeof("mx1.d.test") - 1}}},
    {"cname",
     "12348180000100020000000003777777016404746573740000010001c00c0005000100"
     "00012c000603776562c01003776562c010000100010000001e0004c0000207",
     DNS_A,
     DNS_FOUND,
     1,
     30,
     "web.d.test",
     {0, 0, 0, {"\xc0\x00\x02\x07", sizeof("\xc0\x00\x02\x07") - 1}}},
    {"nxdomain",
     "123481830001000000010000016404746573740000010001c00c000600010000012c00"
     "29026e7301640474657374000168016404746573740000000001000000020000000300"
     "0000040000003c",
     DNS_A,
     DNS_NXDOMAIN,
     0,
     60,
     "d.test",
     {0, 0, 0, {"", sizeof("") - 1}}},
    {"nodata",
     "123481800001000000010000016404746573740000010001c00c000600010000012c00"
     "29026e7301640474657374000168016404746573740000000001000000020000000300"
     "0000040000003c",
     DNS_A,
     DNS_NODATA,
     0,
     60,
     "d.test",
     {0, 0, 0, {"", sizeof("") - 1}}},
    {"servfail",
     "123481820001000000000000016404746573740000010001",
     DNS_A,
     DNS_TEMPORARY,
     0,
     0,
     "d.test",
     {0, 0, 0, {"", sizeof("") - 1}}},
    {"txt",
     "123481800001000100000000016404746573740000100001c00c001000010000000900"
     "0d07763d7370663120042d616c6c",
     DNS_TXT,
     DNS_FOUND,
     1,
     9,
     "d.test",
     {0, 0, 0, {"v=spf1 -all", sizeof("v=spf1 -all") - 1}}},
    {"srv",
     "123481800001000100000000025f69045f746370016404746573740000210001c00c00"
     "21000100000009001200010002008f036d78310164047465737400",
     DNS_SRV,
     DNS_FOUND,
     1,
     9,
     "_i._tcp.d.test",
     {1, 2, 143, {"mx1.d.test", sizeof("mx1.d.test") - 1}}},
    {"tlsa",
     "123481800001000100000000035f3235045f746370016404746573740000340001c00c"
     "00340001000000090023030101aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaa",
     DNS_TLSA,
     DNS_FOUND,
     1,
     9,
     "_25._tcp.d.test",
     {769,
      1,
      0,
      {"\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa"
       "\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa",
       sizeof("\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa"
              "\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa") -
           1}}},
    {"ptr",
     "1234818000010001000000000131013201300331393207696e2d616464720461727061"
     "00000c0001c00c000c000100000009000c036d78310164047465737400",
     DNS_PTR,
     DNS_FOUND,
     1,
     9,
     "1.2.0.192.in-addr.arpa",
     {0, 0, 0, {"mx1.d.test", sizeof("mx1.d.test") - 1}}},
    {"other_owner",
     "123481800001000100000000016404746573740000010001046576696c047465737400"
     "0001000100000009000406060606",
     DNS_A,
     DNS_NODATA,
     0,
     0,
     "d.test",
     {0, 0, 0, {"", sizeof("") - 1}}},
};

/* Each has one record of the type, which cannot be used. */
static const struct {
    const char *name, *hex;
    uint16_t rr;
} unusable[] = {
    {"self_pointer",
     "1234818000010001000000000164047465737400000f0001c00c000f00010000000900"
     "040001c026",
     DNS_MX},
    {"forward_pointer",
     "1234818000010001000000000164047465737400000f0001c00c000f00010000000900"
     "040001c03c",
     DNS_MX},
    {"short_a",
     "123481800001000100000000016404746573740000010001c00c000100010000000900"
     "03010203",
     DNS_A},
    {"bad_host",
     "1234818000010001000000000164047465737400000f0001c00c000f00010000000900"
     "0700010361206200",
     DNS_MX},
    {"dot_in_label",
     "1234818000010001000000000164047465737400000f0001c00c000f00010000000900"
     "07000103612e6200",
     DNS_MX},
    {"behind_name",
     "1234818000010001000000000164047465737400000f0001c00c000f00010000000900"
     "0700010161007878",
     DNS_MX},
};

static struct dnsd_answer answer;

static int
parse_hex(const char *hex, uint16_t rr, struct strbuf *packet, struct strbuf *text)
{
    *packet = strbuf_new(4096);
    *text = strbuf_new(DNS_PACKET_TEXT_MAX);
    ck_assert_int_eq(hex_decode(slice_of(hex), packet), 0);
    return dns_packet_parse(strbuf_slice(packet), rr, text, &answer);
}

START_TEST(packets_give_their_records_and_no_lies)
{
    struct strbuf packet, text;

    ck_assert_int_eq(parse_hex(cases[_i].hex, cases[_i].rr, &packet, &text), 0);
    ck_assert_int_eq(answer.status, cases[_i].status);
    ck_assert_uint_eq(answer.count, cases[_i].count);
    ck_assert_uint_eq(answer.ttl_s, cases[_i].ttl_s);
    ck_assert(slice_eq(answer.canonical, slice_of(cases[_i].canonical)));
    if (answer.count > 0) {
        ck_assert_uint_eq(answer.records[0].preference, cases[_i].first.preference);
        ck_assert_uint_eq(answer.records[0].weight, cases[_i].first.weight);
        ck_assert_uint_eq(answer.records[0].port, cases[_i].first.port);
        ck_assert(slice_eq(answer.records[0].data, cases[_i].first.data));
    }
    strbuf_free(&packet);
    strbuf_free(&text);
}
END_TEST

START_TEST(what_cannot_be_used_is_no_empty_answer)
{
    struct strbuf packet, text;

    ck_assert_int_eq(parse_hex(unusable[_i].hex, unusable[_i].rr, &packet, &text), -1);
    strbuf_free(&packet);
    strbuf_free(&text);
}
END_TEST

START_TEST(null_mx_has_the_empty_name)
{
    struct strbuf packet, text;

    ck_assert_int_eq(parse_hex(cases[1].hex, DNS_MX, &packet, &text), 0);
    ck_assert_uint_eq(answer.records[2].data.len, 0);
    strbuf_free(&packet);
    strbuf_free(&text);
}
END_TEST

START_TEST(every_cut_is_refused_or_whole)
{
    struct strbuf packet, text;

    (void)parse_hex(cases[_i].hex, cases[_i].rr, &packet, &text);
    for (size_t len = 0; len < packet.len; len++)
        ck_assert_int_eq(dns_packet_parse(slice_sub(strbuf_slice(&packet), 0, len), cases[_i].rr,
                                          &text, &answer),
                         -1);
    strbuf_free(&packet);
    strbuf_free(&text);
}
END_TEST

START_TEST(cname_loop_is_damage)
{
    struct strbuf packet, text;

    ck_assert_int_eq(parse_hex("123481800001000200000000016104746573740000010001c00c00050001"
                               "0000012c000801620474657374000162047465737400000500010000012c"
                               "00080161047465737400",
                               DNS_A, &packet, &text),
                     -1);
    strbuf_free(&packet);
    strbuf_free(&text);
}
END_TEST

/* RFC 1035 section 4.1.4: F.ISI.ARPA at 20, FOO.F.ISI.ARPA at 40, ARPA at 64, the root at 92. */
START_TEST(names_of_the_rfc)
{
    static const struct {
        size_t offset, behind;
        const char *name;
    } names[] = {
        {20, 32, "F.ISI.ARPA"}, {40, 46, "FOO.F.ISI.ARPA"}, {64, 66, "ARPA"}, {92, 93, ""}};
    char packet[94] = {0};

    memcpy(packet + 20, "\1F\3ISI\4ARPA", 12);
    memcpy(packet + 40, "\3FOO\xc0\x14", 6);
    memcpy(packet + 64, "\xc0\x1a", 2);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct strbuf name = strbuf_new(300);
        size_t offset = names[i].offset;

        ck_assert_int_eq(dns_packet_name(slice_make(packet, sizeof(packet)), &offset, &name), 0);
        ck_assert_str_eq(strbuf_cstr(&name), names[i].name);
        ck_assert_uint_eq(offset, names[i].behind);
        strbuf_free(&name);
    }
}
END_TEST

START_TEST(names_have_bounds)
{
    char packet[600];
    struct strbuf name = strbuf_new(DNS_PACKET_TEXT_MAX);
    size_t offset = 0;

    for (size_t i = 0; i < sizeof(packet); i += 2) { /* labels without end */
        packet[i] = 1;
        packet[i + 1] = 'x';
    }
    ck_assert_int_eq(dns_packet_name(slice_make(packet, sizeof(packet)), &offset, &name), -1);
    for (size_t i = 2; i < sizeof(packet); i += 2) { /* a pointer to the pointer before it */
        packet[i] = (char)(0xc0 | (i - 2) >> 8);
        packet[i + 1] = (char)(i - 2);
    }
    packet[0] = 0;
    offset = sizeof(packet) - 2;
    ck_assert_int_eq(dns_packet_name(slice_make(packet, sizeof(packet)), &offset, &name), -1);
    offset = 100;
    ck_assert_int_eq(dns_packet_name(slice_make(packet, sizeof(packet)), &offset, &name), 0);
    strbuf_free(&name);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("dns_packet");
    TCase *tc = tcase_create("dns_packet");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, packets_give_their_records_and_no_lies, 0, (int)ARRAY_LEN(cases));
    tcase_add_loop_test(tc, what_cannot_be_used_is_no_empty_answer, 0, (int)ARRAY_LEN(unusable));
    tcase_add_loop_test(tc, every_cut_is_refused_or_whole, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tc, null_mx_has_the_empty_name);
    tcase_add_test(tc, cname_loop_is_damage);
    tcase_add_test(tc, names_of_the_rfc);
    tcase_add_test(tc, names_have_bounds);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
