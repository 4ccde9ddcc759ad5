/*
 * t/unit/test_watchers.c - accountd/watchers: where a question waits.
 */
// LINK: accountd/watchers.c
#include <check.h>
#include <stdlib.h>

#include "accountd/watchers.h"

static bool is_gone[8]; /* by the peer's number */

/* In the place of lib/ipc/peer's. */
struct ipc_peer *
ipc_server_peer(struct ipc_server *server, uint64_t peer_id)
{
    (void)server;
    return is_gone[peer_id] ? NULL : (struct ipc_peer *)&is_gone[peer_id];
}

START_TEST(a_peer_that_asks_again_takes_its_own_place)
{
    const struct watcher watchers[4] = {{.peer_id = 1}, {0}, {.peer_id = 3}};

    ck_assert_uint_eq(watchers_place(watchers, 4, NULL, 1), 0);
    ck_assert_uint_eq(watchers_place(watchers, 4, NULL, 3), 2); /* though one before is free */
    ck_assert_uint_eq(watchers_place(watchers, 4, NULL, 5), 1);
}
END_TEST

START_TEST(the_place_of_a_peer_that_is_gone_is_free)
{
    const struct watcher watchers[2] = {{.peer_id = 1}, {.peer_id = 2}};

    ck_assert_uint_eq(watchers_place(watchers, 2, NULL, 5), 2); /* none */
    is_gone[2] = true;
    ck_assert_uint_eq(watchers_place(watchers, 2, NULL, 5), 1);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("watchers");
    TCase *tc = tcase_create("watchers");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, a_peer_that_asks_again_takes_its_own_place);
    tcase_add_test(tc, the_place_of_a_peer_that_is_gone_is_free);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
