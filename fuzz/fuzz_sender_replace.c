/*
 * fuzz/fuzz_sender_replace.c - addresses in sender fields: where nothing has to be replaced nothing
 * is written, what was replaced is found no more, and each address gets its place by itself.
 */
#include <stdint.h>

#include "lib/base/mem.h"
#include "lib/mail/mime.h"
#include "lib/mail/sender_replace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All addresses of one domain. */
static bool
find(const void *arg, struct slice local, struct slice domain, struct slice *with)
{
    unsigned *found = (unsigned *)(uintptr_t)arg; /* the count of this run */

    (void)local;
    *with = SLICE("a@b.test");
    if (!slice_eq_nocase(domain, SLICE("d.test")))
        return false;
    (*found)++;
    return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice header = slice_make(data, size);
    struct strbuf once = strbuf_new(SENDER_REPLACE_MAX(size)), twice;
    unsigned found = 0, again = 0;
    struct sender_rules rules = {find, &found};
    struct sender_rules second = {find, &again};
    bool changed;

    header.len = mime_header_len(header);
    changed = sender_replace(header, &rules, &once);
    assert_always(changed == (found > 0) && !once.overflow);
    assert_always(changed || once.len == 0);
    if (changed) {
        twice = strbuf_new(SENDER_REPLACE_MAX(once.len));
        assert_always(!sender_replace(strbuf_slice(&once), &second, &twice) && again == 0);
        strbuf_free(&twice);
    }
    strbuf_free(&once);
    return 0;
}
