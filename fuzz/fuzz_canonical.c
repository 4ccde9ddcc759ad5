/*
 * fuzz/fuzz_canonical.c - canonical addresses: what comes out comes out again the same, and gives a
 * store path of three safe parts; whether it may be a name is told without harm.
 */
#include <stdint.h>

#include "lib/account/account.h"
#include "lib/account/canonical.h"
#include "lib/account/precis.h"
#include "lib/base/mem.h"
#include "lib/ipc/local_deliver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct strbuf once = strbuf_new(ACCOUNT_ADDRESS_MAX), twice = strbuf_new(ACCOUNT_ADDRESS_MAX),
                  path = strbuf_new(ACCOUNT_PATH_MAX);
    struct slice local;

    if (canonical_address(slice_make(data, size), &once) == 0) {
        local = slice_sub(strbuf_slice(&once), 0, slice_rindex(strbuf_slice(&once), '@'));
        if (canonical_local_usable(local)) { /* others may need quotes to be an address again */
            assert_always(canonical_address(strbuf_slice(&once), &twice) == 0);
            assert_always(slice_eq(strbuf_slice(&once), strbuf_slice(&twice)));
        }
        (void)precis_is_username(local);
        account_store_path(strbuf_slice(&once), &path);
        assert_always(!path.overflow && store_path_valid(strbuf_slice(&path)));
    }
    strbuf_free(&once);
    strbuf_free(&twice);
    strbuf_free(&path);
    return 0;
}
