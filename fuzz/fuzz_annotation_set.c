/*
 * fuzz/fuzz_annotation_set.c - files with annotations: what can be read is written just so again.
 *
 * Input: one byte of mode, then the file. With bit 0 its checksum is made good.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/crc32c.h"
#include "lib/base/mem.h"
#include "lib/store/annotation_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CRC_AT = 28 };

static void
make_good(struct strbuf *file)
{
    uint32_t crc;

    if (file->len < ANNOTATION_HEADER_SIZE)
        return;
    crc = crc32c(0, slice_make(file->ptr, CRC_AT));
    crc = crc32c(crc, slice_sub(strbuf_slice(file), ANNOTATION_HEADER_SIZE, file->len));
    memcpy(file->ptr + CRC_AT, &crc, sizeof(crc));
}

static void
change(struct annotation_set *set)
{
    struct strbuf out = strbuf_new(1 << 20);
    struct annotation_set again;
    size_t count;

    annotation_set_put(set, SLICE("/private/new"), SLICE("value"), UINT64_MAX);
    if (set->count > 1)
        annotation_set_put(set, set->list[0].name, slice_of(NULL), UINT64_MAX);
    count = annotation_set_count(set);
    assert_always(annotation_set_write(set, &out));
    assert_always(annotation_set_parse(&out, &again) == 0);
    assert_always(annotation_set_count(&again) == count && again.highest == set->highest);
    assert_always(annotation_set_find(&again, SLICE("/PRIVATE/new")) != NULL);
    annotation_set_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct strbuf file = strbuf_new(size);
    struct annotation_set set;
    uint64_t highest;

    if (size == 0)
        return 0;
    (void)strbuf_append(&file, slice_make(data + 1, size - 1));
    if (data[0] & 1)
        make_good(&file);
    (void)annotation_set_parse_highest(strbuf_slice(&file), &highest);
    if (annotation_set_parse(&file, &set) == 0) {
        change(&set);
        annotation_set_free(&set);
    }
    return 0;
}
