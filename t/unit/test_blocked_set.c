/*
 * t/unit/test_blocked_set.c - lib/auth/blocked_set, lib/ipc/blocked and blockd/ports: the list of
 * blocked addresses for those who ask at each connection.
 */
// LINK: blockd/ports.c
#include <check.h>
#include <stdlib.h>

#include "blockd/ports.h"
#include "lib/base/mem.h"
#include "lib/ipc/blocked.h"

enum { NOW = 1000, LATER = 2000 };

static struct blocked_set *set;

static struct ip
ip_of(const char *text)
{
    struct cidr net;

    ck_assert_int_eq(cidr_parse(slice_of(text), &net), 0);
    return net.net;
}

static struct ip
numbered(unsigned n)
{
    struct ip ip = ip_of("10.0.0.0");

    ip.bytes[13] = (unsigned char)(n >> 16);
    ip.bytes[14] = (unsigned char)(n >> 8);
    ip.bytes[15] = (unsigned char)n;
    return ip;
}

static enum blocked_taken
take(struct ip ip, int64_t until_ms, bool anew, bool whole)
{
    struct blocked_item item = {.ip = ip, .logins_until_ms = until_ms};
    const struct blocked_part part = {.anew = anew, .whole = whole, .items = &item, .count = 1};

    return blocked_set_take(set, &part, NOW);
}

static bool
has(const char *address, int64_t now_ms)
{
    struct ip ip = ip_of(address);

    return blocked_set_has(set, &ip, now_ms);
}

static void
begin(void)
{
    set = blocked_set_new();
}

static void
end(void)
{
    blocked_set_free(&set);
}

START_TEST(an_address_is_blocked_until_its_end)
{
    ck_assert_int_eq(take(ip_of("192.0.2.1"), LATER, true, true), BLOCKED_ANEW);
    ck_assert(has("192.0.2.1", NOW) && has("192.0.2.1", LATER - 1));
    ck_assert(!has("192.0.2.1", LATER) && !has("192.0.2.2", NOW));
    ck_assert_int_eq(take(ip_of("192.0.2.1"), 0, false, false), BLOCKED_CHANGED);
    ck_assert(!has("192.0.2.1", NOW));
}
END_TEST

START_TEST(an_ipv6_network_is_one_address)
{
    ck_assert_int_eq(take(ip_of("2001:db8:1:2::"), LATER, true, true), BLOCKED_ANEW);
    ck_assert(has("2001:db8:1:2::7", NOW) && has("2001:db8:1:2:ffff::", NOW));
    ck_assert(!has("2001:db8:1:3::7", NOW));
}
END_TEST

START_TEST(administrators_blocks_are_not_users)
{
    struct blocked_item item = {.ip = ip_of("192.0.2.1"), .admins_until_ms = LATER};
    const struct blocked_part part = {true, true, &item, 1};
    size_t at = 0;

    ck_assert_int_eq(blocked_set_take(set, &part, NOW), BLOCKED_ANEW);
    ck_assert(!has("192.0.2.1", NOW));
    ck_assert_int_eq(blocked_set_next(set, &at)->admins_until_ms, LATER);
    ck_assert_ptr_null(blocked_set_next(set, &at));
}
END_TEST

START_TEST(until_a_new_list_is_whole_the_old_one_counts)
{
    ck_assert(!blocked_set_is_whole(set));
    ck_assert_int_eq(take(ip_of("192.0.2.1"), LATER, false, false), BLOCKED_REFUSED);
    ck_assert_int_eq(take(ip_of("192.0.2.1"), LATER, false, true), BLOCKED_REFUSED);
    ck_assert_int_eq(take(ip_of("192.0.2.1"), LATER, true, true), BLOCKED_ANEW);
    ck_assert_int_eq(take(ip_of("192.0.2.2"), LATER, true, false), BLOCKED_PENDING);
    ck_assert(has("192.0.2.1", NOW) && !has("192.0.2.2", NOW));
    ck_assert_int_eq(take(ip_of("192.0.2.3"), LATER, true, false), BLOCKED_PENDING); /* again */
    ck_assert_int_eq(take(ip_of("192.0.2.4"), LATER, false, true), BLOCKED_ANEW);
    ck_assert(blocked_set_is_whole(set));
    ck_assert(!has("192.0.2.1", NOW) && !has("192.0.2.2", NOW));
    ck_assert(has("192.0.2.3", NOW) && has("192.0.2.4", NOW));
}
END_TEST

START_TEST(it_is_bounded_and_what_has_ended_makes_room)
{
    struct blocked_item item = {.ip = numbered(1), .logins_until_ms = LATER};
    struct blocked_part part = {true, false, &item, 1};

    for (unsigned n = 1; n <= BLOCKED_MAX; n++, part.anew = false) {
        item.ip = numbered(n);
        part.whole = n == BLOCKED_MAX;
        (void)blocked_set_take(set, &part, NOW);
    }
    part.whole = false;
    ck_assert_uint_eq(blocked_set_lost(set), 0);
    for (unsigned n = 1; n <= BLOCKED_MAX; n++) {
        item.ip = numbered(n);
        ck_assert(blocked_set_has(set, &item.ip, NOW));
    }
    ck_assert_int_eq(take(ip_of("192.0.2.1"), LATER, false, false), BLOCKED_CHANGED);
    ck_assert_uint_eq(blocked_set_lost(set), 1);
    ck_assert(!has("192.0.2.1", NOW));
    ck_assert_int_eq(take(numbered(5), 0, false, false), BLOCKED_CHANGED); /* one is lifted */
    ck_assert_int_eq(take(ip_of("192.0.2.1"), LATER, false, false), BLOCKED_CHANGED);
    ck_assert(has("192.0.2.1", NOW) && has("10.0.0.6", NOW) && !has("10.0.0.5", NOW));
}
END_TEST

/* ---- the frame ---- */

static const struct {
    const char *ip;
    int rc;
} addresses[] = {
    {"192.0.2.1", 0}, {"2001:db8::", 0}, {"2001:db8::1", -1}, {"::", -1}, {"::1", -1},
};

START_TEST(a_frame_has_addresses_alone)
{
    struct blocked_item item = {ip_of(addresses[_i].ip), LATER, NOW}, back[BLOCKED_ITEMS_MAX];
    const struct blocked_part part = {true, false, &item, 1};
    struct strbuf frame = strbuf_new(BLOCKED_PAYLOAD_MAX);
    struct blocked_part got;
    struct slice payload;

    ck_assert_int_eq(blocked_encode(&frame, 1, &part), 0);
    payload = slice_sub(strbuf_slice(&frame), FRAME_HEADER, frame.len);
    ck_assert_int_eq(blocked_decode(payload, &got, back), addresses[_i].rc);
    for (size_t len = 0; len < payload.len; len++)
        ck_assert_int_eq(blocked_decode(slice_sub(payload, 0, len), &got, back), -1);
    strbuf_free(&frame);
}
END_TEST

START_TEST(a_full_part_fits_its_frame)
{
    struct blocked_item items[BLOCKED_ITEMS_MAX], back[BLOCKED_ITEMS_MAX];
    const struct blocked_part part = {false, true, items, BLOCKED_ITEMS_MAX};
    struct strbuf frame = strbuf_new(BLOCKED_PAYLOAD_MAX + FRAME_HEADER);
    struct blocked_part got;

    for (unsigned i = 0; i < BLOCKED_ITEMS_MAX; i++)
        items[i] = (struct blocked_item){numbered(i + 1), i, 0};
    ck_assert_int_eq(blocked_encode(&frame, 1, &part), 0);
    ck_assert_int_eq(
        blocked_decode(slice_sub(strbuf_slice(&frame), FRAME_HEADER, frame.len), &got, back), 0);
    ck_assert(!got.anew && got.whole && got.count == BLOCKED_ITEMS_MAX);
    ck_assert_int_eq(back[255].logins_until_ms, 255);
    strbuf_free(&frame);
}
END_TEST

/* ---- the ports ---- */

static bool
is_in(uint16_t port, const uint16_t *ports, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ports[i] == port)
            return true;
    return false;
}

START_TEST(ports_are_those_where_somebody_logs_in)
{
    static const uint16_t logins[] = {587, 465, 143, 993, 110, 995, 389};
    struct strbuf errors = strbuf_new(4096);
    struct services *services =
        services_parse(slice_of(services_default_text), "services.conf", &errors);
    struct conf *conf = conf_parse(SLICE(""), "posthorn.conf", &errors);
    struct conf *open = conf_parse(SLICE("[ldap]\nanonymous_read = yes\n[system]\nport_offset = "
                                         "10000\n"),
                                   "posthorn.conf", &errors);
    struct ports *ports = xcalloc(1, sizeof(*ports));

    ck_assert_str_eq(strbuf_cstr(&errors), "");
    ports_find(ports, services, conf);
    ck_assert_uint_eq(ports->login_count, ARRAY_LEN(logins));
    for (size_t i = 0; i < ARRAY_LEN(logins); i++)
        ck_assert(is_in(logins[i], ports->logins, ports->login_count));
    ck_assert(ports->admin_count == 1 && ports->admins[0] == 6000);
    ports_find(ports, services, open);
    ck_assert_uint_eq(ports->login_count, ARRAY_LEN(logins) - 1);
    ck_assert(is_in(10143, ports->logins, ports->login_count));
    ck_assert(!is_in(10389, ports->logins, ports->login_count));
    free(ports);
    conf_free(&conf);
    conf_free(&open);
    services_free(&services);
    strbuf_free(&errors);
}
END_TEST

START_TEST(ports_of_others_are_left_alone)
{
    static const char text[] = "[a]\nprogram = x\nlisten = ldap:389 ldaps:636\nstartup = disabled\n"
                               "[b]\nprogram = x\nlisten = imap:143 pop3:65000\n";
    struct strbuf errors = strbuf_new(4096);
    struct services *services = services_parse(slice_of(text), "services.conf", &errors);
    struct conf *conf = conf_parse(SLICE("[system]\nport_offset = 1000\n"), "x", &errors);
    struct ports *ports = xcalloc(1, sizeof(*ports));

    ck_assert_str_eq(strbuf_cstr(&errors), "");
    ports_find(ports, services, conf);
    ck_assert(ports->login_count == 1 && ports->logins[0] == 1143);
    free(ports);
    conf_free(&conf);
    services_free(&services);
    strbuf_free(&errors);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("blocked_set");
    TCase *tc = tcase_create("blocked_set");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_test(tc, an_address_is_blocked_until_its_end);
    tcase_add_test(tc, an_ipv6_network_is_one_address);
    tcase_add_test(tc, administrators_blocks_are_not_users);
    tcase_add_test(tc, until_a_new_list_is_whole_the_old_one_counts);
    tcase_add_test(tc, it_is_bounded_and_what_has_ended_makes_room);
    tcase_add_loop_test(tc, a_frame_has_addresses_alone, 0, (int)ARRAY_LEN(addresses));
    tcase_add_test(tc, a_full_part_fits_its_frame);
    tcase_add_test(tc, ports_are_those_where_somebody_logs_in);
    tcase_add_test(tc, ports_of_others_are_left_alone);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
