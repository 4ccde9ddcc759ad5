/*
 * fuzz/fuzz_services_edit.c - services.conf: whatever the file is, a change is refused or stands
 * there as one line; made again it changes nothing. The first line is the value.
 */
#include <stdint.h>

#include "lib/base/mem.h"
#include "lib/conf/services_edit.h"

#define VALUE_MAX 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = slice_make(data, size), value = slice_split(&rest, '\n');
    struct strbuf errors = strbuf_new(1u << 16), text = strbuf_new(CONF_FILE_MAX),
                  once = strbuf_new(CONF_FILE_MAX);
    struct services *services;

    (void)strbuf_append(&text, rest);
    if (value.len <= VALUE_MAX && services_edit(&text, "imap", "bind", value, &errors) == 0) {
        (void)strbuf_append(&once, strbuf_slice(&text));
        if (value.len > 0) {
            assert_always(services_edit(&text, "imap", "bind", value, &errors) == 0);
            assert_always(slice_eq(strbuf_slice(&once), strbuf_slice(&text)));
        }
        services = services_parse(strbuf_slice(&text), "fuzz", &errors);
        services_free(&services);
    }
    strbuf_free(&errors);
    strbuf_free(&text);
    strbuf_free(&once);
    return 0;
}
