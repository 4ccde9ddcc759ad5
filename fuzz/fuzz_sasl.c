/*
 * fuzz/fuzz_sasl.c - SASL exchanges. The first byte chooses the mechanism and what has been
 * announced, messages are separated by 0xff.
 */
#include <stdint.h>
#include <stdlib.h>

#include "lib/auth/sasl.h"
#include "lib/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct password_scram keys = {.iterations = 4096, .salt_len = 16};
    struct strbuf challenge = strbuf_new(SASL_CHALLENGE_MAX);
    struct slice rest = slice_make(data, size), message;
    struct sasl *sasl = NULL;
    enum sasl_status status = SASL_CHALLENGE;

    if (size == 0)
        return 0;
    sasl = sasl_new((enum sasl_mechanism)(data[0] % SASL_MECHANISM_COUNT),
                    data[0] & 0x80 ? SLICE("01234567890123456789012345678901") : SLICE(""));
    rest = slice_sub(rest, 1, rest.len);
    while (sasl != NULL && rest.len > 0 && status == SASL_CHALLENGE) {
        message = slice_split(&rest, (char)0xff);
        status = sasl_step(sasl, &message, &challenge);
        if (status == SASL_WANT_KEYS)
            status = sasl_keys(sasl, &keys, 1, &challenge);
        assert_always(sasl_password(sasl).len <= PASSWORD_MAX);
        assert_always(sasl_user(sasl).len <= SASL_NAME_MAX);
    }
    assert_always(status != SASL_DONE); /* nobody knows the keys */
    sasl_free(&sasl);
    strbuf_free(&challenge);
    return 0;
}
