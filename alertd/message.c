/*
 * alertd/message.c - news of alerts as words. No I/O.
 */
#include "alertd/message.h"

#include "lib/base/clock.h"
#include "lib/base/json_writer.h"

enum { TIME_MAX = 40, SUMMARY_MAX = 120 };

static bool
is_trial(const struct alert_item *item)
{
    return slice_eq(slice_of(item->name), SLICE(MESSAGE_TRIAL));
}

const char *
alert_news_word(const struct alert_item *item)
{
    static const char *const words[] = {
        [ALERT_RAISED] = "raised", [ALERT_STILL] = "still", [ALERT_CLEARED] = "cleared"};

    return is_trial(item) ? MESSAGE_TRIAL : words[item->news];
}

static void
put_time(int64_t ms, struct strbuf *out)
{
    (void)clock_rfc3339(ms, out); /* overflow is remembered, as everywhere here */
}

void
message_lines(const struct news *news, struct strbuf *out)
{
    for (size_t i = 0; i < news->count; i++) {
        const struct alert_item *item = &news->items[i];

        (void)strbuf_printf(out, "%s%-8s %s, since ", i > 0 ? "\r\n" : "", alert_news_word(item),
                            item->name);
        put_time(item->since_ms, out);
        (void)strbuf_printf(out, "\r\n         %s", item->text);
    }
    if (news->more > 0)
        (void)strbuf_printf(out, "\r\nand %zu more: posthorn alert list", news->more);
}

void
message_summary(const struct news *news, struct strbuf *out)
{
    struct slice name = slice_of(news->items[0].name);
    size_t others = news->count - 1 + news->more;

    (void)strbuf_printf(out, "%s %.*s", alert_news_word(&news->items[0]),
                        (int)slice_sub(name, 0, SUMMARY_MAX).len, name.ptr);
    if (others > 0)
        (void)strbuf_printf(out, ", +%zu", others);
}

static void
json_time(struct json_writer *w, const char *key, int64_t ms)
{
    struct strbuf text = strbuf_new(TIME_MAX);

    put_time(ms, &text);
    json_writer_text(w, key, strbuf_slice(&text));
    strbuf_free(&text);
}

void
message_json(const struct news *news, struct strbuf *out)
{
    struct json_writer w = {.out = out};

    json_writer_open(&w, NULL, '{');
    json_writer_text(&w, "host", slice_of(news->hostname));
    json_time(&w, "time", news->now_ms);
    json_writer_open(&w, "alerts", '[');
    for (size_t i = 0; i < news->count; i++) {
        const struct alert_item *item = &news->items[i];

        json_writer_open(&w, NULL, '{');
        json_writer_text(&w, "name", slice_of(item->name));
        if (!is_trial(item))
            json_writer_text(&w, "kind", slice_of(alert_kind_name(item->kind)));
        json_writer_text(&w, "state", slice_of(alert_news_word(item)));
        json_time(&w, "since", item->since_ms);
        json_writer_text(&w, "text", slice_of(item->text));
        json_writer_close(&w, '}');
    }
    json_writer_close(&w, ']');
    json_writer_number(&w, "more", news->more);
    json_writer_close(&w, '}');
}
