/*
 * lib/base/json_writer.c - JSON written member by member. No I/O.
 */
#include "lib/base/json_writer.h"

#include "lib/base/json.h"

static void
begin(struct json_writer *w, const char *key)
{
    if (w->comma)
        (void)strbuf_char(w->out, ','); /* the buffer remembers an overflow */
    w->comma = true;
    if (key != NULL)
        (void)strbuf_printf(w->out, "\"%s\":", key);
}

void
json_writer_open(struct json_writer *w, const char *key, char bracket)
{
    begin(w, key);
    (void)strbuf_char(w->out, bracket);
    w->comma = false;
}

void
json_writer_close(struct json_writer *w, char bracket)
{
    (void)strbuf_char(w->out, bracket);
    w->comma = true;
}

void
json_writer_text(struct json_writer *w, const char *key, struct slice value)
{
    begin(w, key);
    json_quote(w->out, value);
}

void
json_writer_number(struct json_writer *w, const char *key, uint64_t value)
{
    begin(w, key);
    (void)strbuf_u64(w->out, value);
}

void
json_writer_bool(struct json_writer *w, const char *key, bool value)
{
    begin(w, key);
    (void)strbuf_str(w->out, value ? "true" : "false");
}

void
json_writer_null(struct json_writer *w, const char *key)
{
    begin(w, key);
    (void)strbuf_str(w->out, "null");
}
