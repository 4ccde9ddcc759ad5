/*
 * fuzz/fuzz_log_line.c - a log line of anybody as JSON, and a line of a JSON log of anybody as
 * text.
 *
 * The text of an object that was made of a line makes an object with the same text.
 */
#include <stdint.h>

#include "lib/base/mem.h"
#include "lib/log/line.h"
#include "lib/log/line_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_harmless(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        assert_always((unsigned char)text.ptr[i] >= 0x20 && text.ptr[i] != 0x7f);
}

static void
there_and_back(struct slice line)
{
    struct strbuf first = strbuf_new(LOG_JSON_MAX), second = strbuf_new(LOG_JSON_MAX),
                  text = strbuf_new(LOG_JSON_MAX), again = strbuf_new(LOG_JSON_MAX);

    log_line_json(line, "smtp", &first);
    assert_always(!first.overflow);
    check_harmless(strbuf_slice(&first));
    if (log_line_of_json(strbuf_slice(&first), &text) == 0 && line.len < LOG_VALUE_MAX / 4) {
        log_line_json(strbuf_slice(&text), "smtp", &second); /* nothing was cut */
        assert_always(log_line_of_json(strbuf_slice(&second), &again) == 0 &&
                      slice_eq(strbuf_slice(&text), strbuf_slice(&again)));
    }
    strbuf_free(&first);
    strbuf_free(&second);
    strbuf_free(&text);
    strbuf_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_make((const char *)data, size < LOG_LINE_MAX ? size : LOG_LINE_MAX);
    struct strbuf text = strbuf_new(LOG_JSON_MAX), line = strbuf_new(LOG_LINE_MAX);
    struct slice rest = input;

    if (log_line_of_json(input, &text) == 0)
        check_harmless(strbuf_slice(&text));
    (void)strbuf_append(&line, slice_split(&rest, '\n'));
    log_text_tame(line.ptr, line.len);
    there_and_back(strbuf_slice(&line));
    strbuf_free(&text);
    strbuf_free(&line);
    return 0;
}
