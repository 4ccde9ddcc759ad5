/*
 * fuzz/fuzz_blocked.c - what is said of blocked addresses, to blockd and to the pools' parents:
 * frames one after another. What passes is an address that can be listed; what has been said last
 * of it holds.
 */
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/ipc/blockd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_state(struct slice payload)
{
    struct blockd_state state;

    if (blockd_state_decode(payload, &state) == 0)
        assert_always(state.condition <= BLOCKD_FAILED && state.why.len <= BLOCKD_TEXT_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { NOW = 1000 };
    struct slice rest = slice_make((const char *)data, size);
    struct blocked_set *set = blocked_set_new();
    struct blocked_item items[BLOCKED_ITEMS_MAX];
    struct blocked_part part;

    while (rest.len > 2) { /* two bytes of length, then the payload */
        size_t len = (size_t)(unsigned char)rest.ptr[0] << 8 | (unsigned char)rest.ptr[1];
        struct slice payload = slice_sub(rest, 2, 2 + len);
        enum blocked_taken taken;

        rest = slice_sub(rest, 2 + payload.len, rest.len);
        check_state(payload);
        if (blocked_decode(payload, &part, items) < 0)
            continue;
        taken = blocked_set_take(set, &part, NOW);
        assert_always(taken == BLOCKED_PENDING || taken == BLOCKED_REFUSED ||
                      blocked_set_is_whole(set));
        if (part.count > 0 && (taken == BLOCKED_CHANGED || taken == BLOCKED_ANEW)) {
            const struct blocked_item *last = &items[part.count - 1];

            assert_always(blocked_address_is_valid(&last->ip));
            assert_always(blocked_set_has(set, &last->ip, NOW) == (last->logins_until_ms > NOW));
        }
    }
    blocked_set_free(&set);
    return 0;
}
