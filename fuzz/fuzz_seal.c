/*
 * fuzz/fuzz_seal.c - sealed text as anybody may have written it, and files of passwords with such
 * text. What opens is what was sealed; no input opens that we have not sealed.
 */
#include <stddef.h>
#include <stdint.h>

#include "lib/base/mem.h"
#include "lib/conf/seal.h"
#include "lib/conf/secret_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *
try_open(void *arg, struct slice name, struct slice secret, struct strbuf *out)
{
    const struct seal_keys *keys = arg;

    if (!seal_is_sealed(secret))
        return strbuf_append(out, secret) ? NULL : "too long";
    return seal_open(keys, name, secret, out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum conf_id settings[] = {REMOTE_RELAY_PASSWORDS, PROXY_PASSWORD_FILE};
    struct seal_keys keys = {.count = 1};
    const struct secret_converter converter = {try_open, &keys};
    struct slice input = slice_make(data, size);
    struct strbuf out = strbuf_new(SECRET_FILE_MAX), error = strbuf_new(1024);

    assert_always(seal_open(&keys, SLICE("x"), input, &out) != NULL && out.len == 0);
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        const struct secret_place place = {secret_kind_find(settings[i]), (char[]){"file"}, NULL};

        (void)secret_text_convert(&place, input, &converter, &out, &error);
        strbuf_clear(&out);
    }
    strbuf_free(&out);
    strbuf_free(&error);
    return 0;
}
