/*
 * fuzz/fuzz_recipient_replace.c - groups in recipient fields: the bound holds, where nothing has to
 * be replaced nothing is written, and a group is shown once.
 */
#include <stdint.h>

#include "lib/base/mem.h"
#include "lib/mail/mime.h"
#include "lib/mail/recipient_replace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
count(struct slice text, struct slice part)
{
    size_t found = 0;

    for (size_t i = 0; i + part.len <= text.len; i++)
        found += slice_eq(slice_sub(text, i, i + part.len), part);
    return found;
}

/* The groups are the input up to NUL NUL, or such with a member that stands nowhere else. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char ours[] = "g@d.test\nmember@of.test\nx@y.test\n\n";
    struct slice all = slice_make(data, size), member = SLICE("member@of.test"), header, groups;
    size_t end = 0;
    struct strbuf out;

    while (end + 1 < size && (data[end] != 0 || data[end + 1] != 0))
        end++;
    groups = end + 1 < size ? slice_sub(all, 0, end) : slice_of(ours);
    header = end + 1 < size ? slice_sub(all, end + 2, size) : all;
    header.len = mime_header_len(header);
    out = strbuf_new(RECIPIENT_REPLACE_MAX(header.len, groups.len));
    if (!recipient_replace(header, groups, &out))
        assert_always(out.len == 0 && !out.overflow);
    else
        assert_always(!out.overflow);
    if (out.len > 0 && groups.ptr == ours)
        assert_always(count(strbuf_slice(&out), member) >= 1 &&
                      count(strbuf_slice(&out), member) <= count(header, member) + 1);
    strbuf_free(&out);
    return 0;
}
