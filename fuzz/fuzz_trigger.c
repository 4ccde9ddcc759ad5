/*
 * fuzz/fuzz_trigger.c - what anybody on the machine may write into the queue's FIFO.
 */
#include <stdint.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/queue/trigger.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(void *arg, struct slice domain)
{
    (void)arg;
    assert_always(domain.len > 0 && domain.len <= TRIGGER_DOMAIN_MAX);
    for (size_t i = 0; i < domain.len; i++)
        assert_always(domain.ptr[i] > 0x20 && domain.ptr[i] < 0x7f && domain.ptr[i] != '>');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trigger_reader reader = {.inside = false};
    size_t half = size / 2;

    trigger_read(&reader, slice_make(data, half), check, NULL);
    trigger_read(&reader, slice_make(data + half, size - half), check, NULL);
    return 0;
}
