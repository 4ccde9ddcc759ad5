/*
 * fuzz/fuzz_xattr.c - the arguments of XCLIENT and XFORWARD, and the first line of a connection.
 */
// LINK: smtpd/xattr.c
// LINK: smtpd/first_line.c
#include <string.h>

#include "lib/base/mem.h"
#include "smtpd/first_line.h"
#include "smtpd/xattr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_values(const struct xattrs *attrs, unsigned allowed)
{
    assert_always((attrs->given & ~allowed) == 0);
    for (unsigned i = 0; i < XATTR_COUNT; i++) {
        size_t len = strnlen(attrs->values[i], sizeof(attrs->values[i]));

        assert_always(len <= XATTR_VALUE_MAX);
        for (size_t k = 0; k < len; k++)
            assert_always(attrs->values[i][k] > 0x20 && attrs->values[i][k] < 0x7f);
    }
}

static void
check_first_line(struct slice seen)
{
    bool whole = slice_index(seen, '\n') < seen.len;

    for (int rejects = 0; rejects < 2; rejects++)
        assert_always((first_line_judge(seen, rejects == 1) == POOL_FIRST_PART) == !whole);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned commands[] = {XATTR_OF_XCLIENT, XATTR_OF_XFORWARD};
    struct slice text = slice_make(data, size);
    struct refusal why = {0};

    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        struct xattrs attrs = {0};

        if (xattrs_parse(text, commands[i], &attrs, &why) < 0)
            assert_always(why.code == 501);
        check_values(&attrs, commands[i]);
    }
    check_first_line(text);
    return 0;
}
