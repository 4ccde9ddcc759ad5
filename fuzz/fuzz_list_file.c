/*
 * fuzz/fuzz_list_file.c - list files: any text is read or refused, and the entries of one that was
 * read make a file with the same entries.
 */
#include <stdint.h>

#include "lib/base/mem.h"
#include "lib/conf/lists.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
write_and_read_again(const struct list_file *list, const struct list_kind *kind)
{
    struct strbuf text = strbuf_new(LIST_FILE_MAX), errors = strbuf_new(1u << 16);
    struct list_file *again;

    for (size_t i = 0; i < list->count; i++) {
        assert_always(list->entries[i].text.len > 0);
        (void)strbuf_append(&text, list->entries[i].text);
        (void)strbuf_char(&text, '\n');
    }
    again = list_file_parse(strbuf_slice(&text), "again", kind, &errors);
    assert_always(again != NULL && again->count == list->count);
    for (size_t i = 0; i < list->count; i++)
        assert_always(slice_eq(again->entries[i].text, list->entries[i].text));
    list_file_free(&again);
    strbuf_free(&text);
    strbuf_free(&errors);
}

/* The first byte chooses the list. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct strbuf errors = strbuf_new(1u << 16);
    const struct list_kind *kind = NULL;
    struct list_file *list;

    if (size == 0)
        return 0;
    if (data[0] % (list_settings_count + 1) > 0)
        kind = &list_settings[data[0] % (list_settings_count + 1) - 1].kind;
    list = list_file_parse(slice_make(data + 1, size - 1), "fuzz", kind, &errors);
    if (list != NULL)
        write_and_read_again(list, kind);
    list_file_free(&list);
    strbuf_free(&errors);
    return 0;
}
