/*
 * lib/conf/filter_spec.c - takes a milter or policy service apart: socket;option=value;...
 *
 * Input: the administrator's configuration. The table of settings calls this for its errors.
 */
#include "lib/conf/filter_spec.h"

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/conf/conf.h"

enum { PATH_MAX_BYTES = 107, HOST_MAX = 255, TIMEOUT_MAX_MS = 3600000 };

static const struct {
    const char *word;
    enum filter_default action;
} defaults[] = {{"accept", FILTER_ACCEPT},
                {"tempfail", FILTER_TEMPFAIL},
                {"reject", FILTER_REJECT},
                {"quarantine", FILTER_QUARANTINE}};

static int
parse_default(struct slice word)
{
    for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
        if (slice_eq(word, slice_of(defaults[i].word)))
            return (int)defaults[i].action;
    return -1;
}

enum filter_default
filter_default_parse(struct slice word)
{
    int action = parse_default(word);

    assert_always(action >= 0); /* the table of settings has looked at it */
    return (enum filter_default)action;
}

static int
parse_timeout(struct slice text, uint64_t *out)
{
    return parse_duration_ms(text, TIMEOUT_MAX_MS, out) == 0 && *out > 0 ? 0 : -1;
}

static int
parse_whom(struct slice text, unsigned *out)
{
    if (slice_eq(text, SLICE("incoming")))
        *out = FILTER_FOR_INCOMING;
    else if (slice_eq(text, SLICE("submission")))
        *out = FILTER_FOR_SUBMISSION;
    else if (slice_eq(text, SLICE("all")))
        *out = FILTER_FOR_ALL;
    else
        return -1;
    return 0;
}

static int
parse_at(struct slice text, unsigned *out)
{
    if (slice_eq(text, SLICE("rcpt")))
        *out = FILTER_AT_RCPT;
    else if (slice_eq(text, SLICE("data")))
        *out = FILTER_AT_DATA;
    else if (slice_eq(text, SLICE("both")))
        *out = FILTER_AT_RCPT | FILTER_AT_DATA;
    else
        return -1;
    return 0;
}

/* inet:host:port, inet:[2001:db8::1]:port, unix:/path */
static int
parse_socket(struct slice text, struct filter_spec *out)
{
    uint64_t port;
    size_t colon;

    if (slice_starts(text, SLICE("unix:/"))) {
        out->path = slice_sub(text, 5, text.len);
        return out->path.len <= PATH_MAX_BYTES ? 0 : -1;
    }
    if (!slice_starts(text, SLICE("inet:")))
        return -1;
    text = slice_sub(text, 5, text.len);
    colon = slice_rindex(text, ':');
    out->host = slice_sub(text, 0, colon);
    out->port = slice_sub(text, colon + 1, text.len);
    if (slice_starts(out->host, SLICE("[")) && slice_ends(out->host, SLICE("]")))
        out->host = slice_sub(out->host, 1, out->host.len - 1);
    else if (slice_index(out->host, ':') < out->host.len)
        return -1;
    if (out->host.len == 0 || out->host.len > HOST_MAX ||
        parse_u64(out->port, UINT16_MAX, &port) < 0 || port == 0)
        return -1;
    return 0;
}

static int
parse_option(struct slice name, struct slice value, bool policy, struct filter_spec *out)
{
    if (slice_eq(name, SLICE("name"))) {
        out->name = value;
        return value.len > 0 && parse_is_ascii_print(value) ? 0 : -1;
    }
    if (slice_eq(name, SLICE("default"))) {
        out->action = parse_default(value);
        return out->action;
    }
    if (slice_eq(name, SLICE("connect")))
        return parse_timeout(value, &out->connect_ms);
    if (slice_eq(name, SLICE("command")))
        return parse_timeout(value, &out->command_ms);
    if (slice_eq(name, SLICE("content")) && !policy)
        return parse_timeout(value, &out->content_ms);
    if (slice_eq(name, SLICE("for")))
        return parse_whom(value, &out->whom);
    if (slice_eq(name, SLICE("at")) && policy)
        return parse_at(value, &out->at);
    return -1;
}

int
filter_spec_parse(struct slice text, bool policy, struct filter_spec *out)
{
    struct slice socket = slice_split(&text, ';');

    *out = (struct filter_spec){
        .name = socket, .action = -1, .whom = FILTER_FOR_ALL, .at = FILTER_AT_RCPT};
    if (parse_socket(socket, out) < 0)
        return -1;
    while (text.len > 0) {
        struct slice value = slice_split(&text, ';'), name = slice_split(&value, '=');

        if (parse_option(name, value, policy, out) < 0)
            return -1;
    }
    return 0;
}

static void
fill_in(const struct conf *conf, struct filter_spec *spec)
{
    if (spec->connect_ms == 0)
        spec->connect_ms = conf_u64(conf, FILTER_CONNECT_TIMEOUT);
    if (spec->command_ms == 0)
        spec->command_ms = conf_u64(conf, FILTER_COMMAND_TIMEOUT);
    if (spec->content_ms == 0)
        spec->content_ms = conf_u64(conf, FILTER_CONTENT_TIMEOUT);
    if (spec->action < 0)
        spec->action = (int)filter_default_parse(slice_of(conf_str(conf, FILTER_DEFAULT_ACTION)));
}

size_t
filter_specs_load(const struct conf *conf, bool policy, unsigned whom,
                  struct filter_spec specs[FILTER_SPECS_MAX])
{
    enum conf_id id = policy ? FILTER_POLICY_SERVICES : FILTER_MILTERS;
    size_t count = 0;

    for (size_t i = 0; i < conf_list_count(conf, id) && count < FILTER_SPECS_MAX; i++) {
        struct filter_spec *spec = &specs[count];

        assert_always(filter_spec_parse(slice_of(conf_list_item(conf, id, i)), policy, spec) == 0);
        fill_in(conf, spec);
        if ((spec->whom & whom) != 0)
            count++;
    }
    return count;
}
