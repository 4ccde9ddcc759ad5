/*
 * fuzz/fuzz_location_table.c - location data and records from files of anybody's making.
 */
#include <stdint.h>

#include "lib/conf/location_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_make(data, size);
    struct location_table *table = location_table_new();
    struct strbuf errors = strbuf_new(4096);
    struct location_record record;
    struct ip ip = {{0}};

    if (location_record_parse(text, &record) == 0)
        location_table_add(table, &record);
    if (location_table_read(table, text, "data", &errors) == 0 && size >= sizeof(ip.bytes)) {
        memcpy(ip.bytes, data, sizeof(ip.bytes));
        (void)location_table_find(table, &ip);
    }
    location_table_free(&table);
    strbuf_free(&errors);
    return 0;
}
