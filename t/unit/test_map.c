/*
 * t/unit/test_map.c - lib/base/map and lib/base/suggest.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/map.h"
#include "lib/base/suggest.h"

#define KEYS 5000

static int marks[KEYS];

static struct slice
key(char *buf, size_t size, int i)
{
    (void)snprintf(buf, size, "key/%d", i);
    return slice_of(buf);
}

START_TEST(keys_come_and_go)
{
    struct map *map = map_new(KEYS);
    char buf[32];

    for (int i = 0; i < KEYS; i++)
        *map_at(map, key(buf, sizeof(buf), i)) = &marks[i];
    ck_assert_uint_eq(map_count(map), KEYS);
    ck_assert_ptr_null(map_at(map, SLICE("one too many")));
    ck_assert_ptr_nonnull(map_at(map, SLICE("key/7"))); /* an old one is no new one */
    for (int i = 0; i < KEYS; i += 2)
        ck_assert_ptr_eq(map_remove(map, key(buf, sizeof(buf), i)), &marks[i]);
    for (int i = 0; i < KEYS; i++)
        ck_assert_ptr_eq(map_get(map, key(buf, sizeof(buf), i)), i % 2 == 0 ? NULL : &marks[i]);
    ck_assert_ptr_null(map_remove(map, SLICE("key/0")));
    ck_assert_uint_eq(map_count(map), KEYS / 2);
    map_free(&map, NULL);
}
END_TEST

START_TEST(keys_may_hold_any_byte)
{
    struct map *map = map_new(10);

    *map_at(map, slice_make("a\0b", 3)) = &marks[1];
    *map_at(map, slice_make("a\0c", 3)) = &marks[2];
    *map_at(map, SLICE("")) = &marks[3];
    ck_assert_ptr_eq(map_get(map, slice_make("a\0b", 3)), &marks[1]);
    ck_assert_ptr_eq(map_get(map, SLICE("")), &marks[3]);
    ck_assert_ptr_null(map_get(map, SLICE("a")));
    map_free(&map, NULL);
}
END_TEST

static const struct {
    const char *word, *best;
} words[] = {
    {"hostnam", "hostname"},
    {"hsotname", "hostname"},
    {"host", "hostname"},
    {"banner", "banner"},
    {"baner", "banner"},
    {"zzz", NULL},
    {"bunner", "banner"},
    {"boonen", NULL}, /* half of it differs */
    {"", NULL},
    {"b", NULL},
};

START_TEST(near_words_are_suggested)
{
    struct suggest s = suggest_begin(slice_of(words[_i].word));

    suggest_offer(&s, "hostname");
    suggest_offer(&s, "banner");
    suggest_offer(&s, "port_offset");
    ck_assert_pstr_eq(s.best, words[_i].best);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("map");
    TCase *tc = tcase_create("map");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, keys_come_and_go);
    tcase_add_test(tc, keys_may_hold_any_byte);
    tcase_add_loop_test(tc, near_words_are_suggested, 0, (int)ARRAY_LEN(words));
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
