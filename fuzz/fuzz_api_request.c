/*
 * fuzz/fuzz_api_request.c - lib/api/api_request: the parameters of any call, from JSON of anybody.
 */
#include <stdlib.h>

#include "lib/api/api_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    struct strbuf error = strbuf_new(4096);
    struct api_request request;
    const struct api_param *params;
    size_t count;
    enum api_call_id call;

    if (!ready)
        api_request_init();
    ready = true;
    if (size < 1)
        return 0;
    call = (enum api_call_id)(data[0] % API_CALL_COUNT);
    if (api_request_parse(&request, call, slice_make(data + 1, size - 1), &error) == 0) {
        params = api_params_of(call, &count);
        for (size_t i = 0; i < count; i++) {
            const struct api_value *value = api_request_value(&request, params[i].name);

            if ((params[i].flags & API_NEEDED) != 0 && !value->given)
                abort();
            if (params[i].type == API_TEXT && value->given &&
                (value->text.len < params[i].min || value->text.len > params[i].max))
                abort();
        }
        for (uint32_t i = 0; i < request.field_count; i++)
            if (request.fields[i].value.len > OBJECT_VALUE_MAX)
                abort();
    } else if (error.len == 0) {
        abort(); /* it has to be said what is wrong */
    }
    api_request_free(&request);
    strbuf_free(&error);
    return 0;
}
