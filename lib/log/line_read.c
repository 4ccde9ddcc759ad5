/*
 * lib/log/line_read.c - log lines taken apart. A value is bare or quoted, so that pairs can be told
 * apart whatever a client has sent.
 */
#include "lib/log/line_read.h"

#include <string.h>

#include "lib/base/encode.h"
#include "lib/base/json.h"
#include "lib/base/parse.h"
#include "lib/log/line.h"

bool
log_next_pair(struct slice *rest, struct slice *key, struct slice *value)
{
    size_t end = 0;
    bool quoted;

    while (rest->len > 0 && rest->ptr[0] == ' ')
        *rest = slice_sub(*rest, 1, rest->len);
    if (rest->len == 0 || slice_index(*rest, '=') == rest->len)
        return false;
    *key = slice_split(rest, '=');
    quoted = rest->len > 0 && rest->ptr[0] == '"';
    for (end = quoted ? 1 : 0; end < rest->len; end++) {
        if (quoted && rest->ptr[end] == '\\')
            end++;
        else if (rest->ptr[end] == (quoted ? '"' : ' '))
            break;
    }
    if (quoted)
        end++;
    *value = slice_sub(*rest, 0, end);
    *rest = slice_sub(*rest, end, rest->len);
    return true;
}

struct slice
log_line_pairs(struct slice line)
{
    for (int i = 0; i < 3; i++)
        (void)slice_split(&line, ' ');
    return line;
}

struct slice
log_line_value(struct slice line, const char *key)
{
    struct slice rest = log_line_pairs(line), name, value;

    while (log_next_pair(&rest, &name, &value))
        if (slice_eq(name, slice_of(key)))
            return value;
    return SLICE("");
}

void
log_value_text(struct slice value, struct strbuf *out)
{
    static const char letters[] = "nrt", plain[] = "\n\r\t";

    strbuf_clear(out);
    if (value.len < 2 || value.ptr[0] != '"') {
        (void)strbuf_append(out, value);
        return;
    }
    value = slice_sub(value, 1, value.len - 1);
    for (size_t i = 0; i < value.len; i++) {
        const char *at;

        if (value.ptr[i] != '\\' || i + 1 >= value.len) {
            (void)strbuf_char(out, value.ptr[i]);
            continue;
        }
        at = value.ptr[++i] == '\0' ? NULL : strchr(letters, value.ptr[i]);
        if (value.ptr[i] == 'x' && i + 2 < value.len && hex_value(value.ptr[i + 1]) >= 0 &&
            hex_value(value.ptr[i + 2]) >= 0) {
            (void)strbuf_char(
                out, (char)(hex_value(value.ptr[i + 1]) << 4 | hex_value(value.ptr[i + 2])));
            i += 2;
        } else {
            (void)strbuf_char(out, at != NULL ? plain[at - letters] : value.ptr[i]);
        }
    }
}

static void
put_member(struct strbuf *out, const char *name, struct slice value)
{
    (void)strbuf_printf(out, "\"%s\": ", name);
    json_quote(out, value);
    (void)strbuf_str(out, ", ");
}

/* Returns what is no field. */
static struct slice
put_fields(struct strbuf *out, struct slice rest)
{
    struct strbuf text = strbuf_new(LOG_LINE_MAX);
    struct slice key, value;
    const char *between = "";

    (void)strbuf_str(out, "\"fields\": {");
    while (log_next_pair(&rest, &key, &value)) {
        if (slice_eq(key, SLICE("event")))
            continue;
        log_value_text(value, &text);
        (void)strbuf_str(out, between);
        json_quote(out, key);
        (void)strbuf_str(out, ": ");
        json_quote(out, strbuf_slice(&text));
        between = ", ";
    }
    (void)strbuf_char(out, '}');
    strbuf_free(&text);
    return slice_trim(rest);
}

void
log_line_json(struct slice line, const char *service, struct strbuf *out)
{
    struct slice rest = line, time = slice_split(&rest, ' '), origin = slice_split(&rest, ' ');
    struct slice level = slice_split(&rest, ' '), program = slice_split(&origin, '[');
    struct slice pid = slice_split(&origin, ']');
    struct strbuf event = strbuf_new(LOG_LINE_MAX);
    uint64_t number;

    (void)strbuf_char(out, '{');
    put_member(out, "time", time);
    put_member(out, "service", slice_of(service));
    put_member(out, "program", program);
    if (parse_u64(pid, INT64_MAX, &number) == 0)
        (void)strbuf_printf(out, "\"pid\": %llu, ", (unsigned long long)number);
    else
        (void)strbuf_str(out, "\"pid\": null, ");
    put_member(out, "level", level);
    log_value_text(log_line_value(line, "event"), &event);
    put_member(out, "event", strbuf_slice(&event));
    strbuf_free(&event);
    rest = put_fields(out, rest);
    if (rest.len > 0) {
        (void)strbuf_str(out, ", \"text\": ");
        json_quote(out, rest);
    }
    (void)strbuf_char(out, '}');
}
