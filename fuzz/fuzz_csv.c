/*
 * fuzz/fuzz_csv.c - tables as text: whatever is read, written again gives the same fields.
 */
#include <stdint.h>

#include "lib/base/csv.h"
#include "lib/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
write_and_read(const struct csv *csv)
{
    struct strbuf text = strbuf_new(4 * CSV_RECORD_MAX);
    const char *reason = NULL;
    struct csv again;

    for (size_t i = 0; i < csv->count; i++)
        csv_put(&text, ',', i == 0, csv->fields[i]);
    if (text.len > 0) { /* one empty field is an empty line, which is no record */
        again = csv_new(strbuf_slice(&text), ',', '\0');
        if (text.ptr[0] != '\xef') { /* it may look like a byte order mark */
            assert_always(csv_next(&again, &reason) == CSV_RECORD && again.count == csv->count);
            for (size_t i = 0; i < csv->count; i++)
                assert_always(slice_eq(again.fields[i], csv->fields[i]));
        }
        csv_free(&again);
    }
    strbuf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct csv csv = csv_new(slice_make(data, size), size % 2 == 0 ? ',' : ';', '#');
    enum csv_status status;
    const char *reason = NULL;
    uint64_t line = 0;

    while ((status = csv_next(&csv, &reason)) != CSV_END) {
        assert_always(csv.record_line > line && csv.line > csv.record_line);
        line = csv.record_line;
        assert_always((status == CSV_MALFORMED) == (reason != NULL));
        if (status == CSV_RECORD)
            write_and_read(&csv);
    }
    csv_free(&csv);
    return 0;
}
