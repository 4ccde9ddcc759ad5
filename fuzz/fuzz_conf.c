/*
 * fuzz/fuzz_conf.c - posthorn.conf: any file is read or refused, and one that was read can be
 * edited and read again with the new value in it.
 */
#include <stdint.h>

#include "lib/base/mem.h"
#include "lib/conf/conf_edit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_make(data, size);
    struct strbuf errors = strbuf_new(1u << 16), changed = strbuf_new(CONF_FILE_MAX);
    struct conf *conf = conf_parse(text, "fuzz", &errors);

    if (conf != NULL) {
        conf_free(&conf);
        conf_edit_text(text, SYSTEM_BANNER, SLICE("a # \"b\\"), &changed);
        conf = conf_parse(strbuf_slice(&changed), "fuzz", &errors);
        assert_always(changed.overflow || conf != NULL);
        if (conf != NULL)
            assert_always(slice_eq(slice_of(conf_str(conf, SYSTEM_BANNER)), SLICE("a # \"b\\")));
        conf_free(&conf);
    }
    strbuf_free(&errors);
    strbuf_free(&changed);
    return 0;
}
