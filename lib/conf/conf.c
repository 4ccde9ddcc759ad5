/*
 * lib/conf/conf.c - posthorn.conf: the typed table, and the values of one file.
 *
 * The file is written by the administrator; a wrong one is refused whole, with a line for each
 * error. Opens the one file that conf_load is given.
 */
#include "lib/conf/conf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cidr.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/suggest.h"
#include "lib/conf/conf_line.h"
#include "lib/conf/filter_spec.h"
#include "lib/mail/address.h"

struct value {
    unsigned line;   /* where it was set; 0: the default */
    uint64_t number; /* BOOL, INT, SIZE, DURATION */
    char *text;      /* as written, without quotes */
    char **items;    /* LIST */
    size_t item_count;
};

struct conf {
    struct value values[CONF_ID_COUNT];
};

const struct conf_setting conf_settings[CONF_ID_COUNT] = {
#define SETTING(id, section, name, type, dflt, min, max, choices, help)                            \
    [id] = {(section), (name), (type), (dflt), (min), (max), (choices), (help)},
#include "lib/conf/settings.def"
#undef SETTING
};

static uint64_t
limit_of(const struct conf_setting *s)
{
    return s->max == 0 ? INT64_MAX : s->max;
}

static void
append_in_unit(struct strbuf *out, enum conf_type type, uint64_t value)
{
    static const struct {
        enum conf_type type;
        uint64_t factor;
        const char *unit;
    } units[] = {
        {CONF_SIZE, 1ULL << 30, "G"},   {CONF_SIZE, 1ULL << 20, "M"},  {CONF_SIZE, 1ULL << 10, "K"},
        {CONF_DURATION, 86400000, "d"}, {CONF_DURATION, 3600000, "h"}, {CONF_DURATION, 60000, "m"},
        {CONF_DURATION, 1000, "s"},     {CONF_DURATION, 1, "ms"},
    };

    for (size_t i = 0; i < ARRAY_LEN(units) && value > 0; i++) {
        if (units[i].type == type && value % units[i].factor == 0) {
            (void)strbuf_printf(out, "%llu%s", (unsigned long long)(value / units[i].factor),
                                units[i].unit);
            return;
        }
    }
    (void)strbuf_u64(out, value);
}

static void
append_range(struct strbuf *out, const struct conf_setting *s)
{
    if (s->max == 0 && s->min == 0)
        return;
    (void)strbuf_str(out, s->max == 0 ? " of at least " : " from ");
    append_in_unit(out, s->type, s->min);
    if (s->max == 0)
        return;
    (void)strbuf_str(out, " to ");
    append_in_unit(out, s->type, s->max);
}

void
conf_expected(enum conf_id id, struct strbuf *out)
{
    static const char *const words[] = {
        [CONF_BOOL] = "yes or no",
        [CONF_INT] = "a number",
        [CONF_SIZE] = "a size such as 512K or 20M",
        [CONF_DURATION] = "a time such as 90s, 15m or 2h",
        [CONF_STRING] = "a line of UTF-8 text",
        [CONF_HOST] = "a host name such as mail.example.org",
        [CONF_LIST] = "at most 256 words, separated by white space or commas",
        [CONF_ADDRESSES] = "IP addresses, separated by white space",
        [CONF_NETWORKS] = "IP addresses or networks such as 192.0.2.0/24, separated by white space",
        [CONF_CLIENTS] = "IP addresses, networks and host names, separated by white space",
        [CONF_MILTERS] = "at most 16 of inet:host:port or unix:/path, with options: see filterd(8)",
        [CONF_POLICIES] =
            "at most 16 of inet:host:port or unix:/path, with options: see filterd(8)",
        [CONF_ENUM] = "one of ",
    };
    const struct conf_setting *s = &conf_settings[id];
    struct slice choices = slice_of(s->choices);
    bool chosen_list = s->type == CONF_LIST && s->choices != NULL;

    (void)strbuf_str(out, chosen_list ? "any of " : words[s->type]);
    append_range(out, s);
    while (choices.len > 0) {
        (void)strbuf_append(out, slice_split(&choices, '|'));
        (void)strbuf_str(out, choices.len > 0 ? ", " : "");
    }
    if (chosen_list)
        (void)strbuf_str(out, ", each once, separated by white space or commas");
}

static bool
is_line_of_text(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return false;
    return parse_is_utf8(text);
}

/* It goes into greetings, Received fields and message ids as it is. */
static bool
is_host(const struct conf_setting *s, struct slice text)
{
    return text.len == 0 ? s->dflt[0] == '\0' : address_is_domain(text, false);
}

static int
parse_choice(const char *choices, struct slice text)
{
    struct slice rest = slice_of(choices);

    while (rest.len > 0)
        if (slice_eq(slice_split(&rest, '|'), text))
            return 0;
    return -1;
}

static bool
is_separator(char c)
{
    return c == ' ' || c == '\t' || c == ',';
}

static int
parse_list(struct slice text, struct value *value)
{
    size_t at = 0;

    while (at < text.len) {
        size_t from = at;

        while (at < text.len && !is_separator(text.ptr[at]))
            at++;
        if (at > from) {
            if (value->item_count == CONF_LIST_MAX)
                return -1;
            value->items =
                xreallocarray(value->items, value->item_count + 1, sizeof(*value->items));
            value->items[value->item_count++] = xslicedup(slice_sub(text, from, at));
        }
        at++;
    }
    return 0;
}

/* "192.0.2.300" is a mistyped address: the last label of a name has a letter (RFC 1123 §2.1). */
bool
conf_is_client_name(struct slice text)
{
    struct slice last = slice_sub(text, slice_rindex(text, '.') + 1, text.len);

    if (slice_index(text, '.') == text.len || !address_is_domain(text, false))
        return false;
    for (size_t i = 0; i < last.len; i++)
        if (last.ptr[i] < '0' || last.ptr[i] > '9')
            return true;
    return false;
}

static bool
is_item(const struct conf_setting *s, const char *item)
{
    struct in6_addr six;
    struct in_addr four;
    struct cidr net;
    struct filter_spec spec;

    if (s->type == CONF_MILTERS || s->type == CONF_POLICIES)
        return filter_spec_parse(slice_of(item), s->type == CONF_POLICIES, &spec) == 0;
    if (s->type == CONF_NETWORKS)
        return cidr_parse(slice_of(item), &net) == 0;
    if (s->type == CONF_CLIENTS)
        return cidr_parse(slice_of(item), &net) == 0 || conf_is_client_name(slice_of(item));
    if (s->type == CONF_ADDRESSES)
        return inet_pton(AF_INET, item, &four) == 1 || inet_pton(AF_INET6, item, &six) == 1;
    return s->choices == NULL || parse_choice(s->choices, slice_of(item)) == 0;
}

/* Each item is what the setting takes, and no word of `choices` comes twice. */
static int
check_items(const struct conf_setting *s, const struct value *value)
{
    if ((s->type == CONF_MILTERS || s->type == CONF_POLICIES) &&
        value->item_count > FILTER_SPECS_MAX)
        return -1;
    for (size_t i = 0; i < value->item_count; i++) {
        if (!is_item(s, value->items[i]))
            return -1;
        for (size_t k = 0; s->choices != NULL && k < i; k++)
            if (strcmp(value->items[k], value->items[i]) == 0)
                return -1;
    }
    return 0;
}

static void
value_clear(struct value *value)
{
    for (size_t i = 0; i < value->item_count; i++)
        free(value->items[i]);
    free(value->items);
    free(value->text);
    *value = (struct value){0};
}

/* Text to value by the setting's type and range. 0, or -1: *value is cleared. */
static int
value_parse(const struct conf_setting *s, struct slice text, struct value *value)
{
    int rc = is_line_of_text(text) ? 0 : -1;
    bool on = false;

    value_clear(value);
    if (rc == 0) {
        switch (s->type) {
        case CONF_BOOL:
            rc = parse_bool(text, &on);
            value->number = on;
            break;
        case CONF_INT:
            rc = parse_u64(text, limit_of(s), &value->number);
            break;
        case CONF_SIZE:
            rc = parse_size(text, limit_of(s), &value->number);
            break;
        case CONF_DURATION:
            rc = parse_duration_ms(text, limit_of(s), &value->number);
            break;
        case CONF_STRING:
            break;
        case CONF_HOST:
            rc = is_host(s, text) ? 0 : -1;
            break;
        case CONF_LIST:
        case CONF_ADDRESSES:
        case CONF_NETWORKS:
        case CONF_CLIENTS:
        case CONF_MILTERS:
        case CONF_POLICIES:
            rc = parse_list(text, value);
            if (rc == 0)
                rc = check_items(s, value);
            break;
        case CONF_ENUM:
            rc = parse_choice(s->choices, text);
            break;
        }
    }
    if (rc == 0 && value->number < s->min)
        rc = -1;
    if (rc < 0)
        value_clear(value);
    else
        value->text = xslicedup(text);
    return rc;
}

/* ---- reading a file ---- */

struct source {
    const char *name;
    unsigned line;
    struct slice section; /* empty before the first one, and in an unknown one */
    bool section_known;
    struct conf *conf;
    struct strbuf *errors;
    size_t error_count;
};

__attribute__((format(printf, 2, 3))) static void
report(struct source *src, const char *format, ...)
{
    va_list args;

    src->error_count++;
    (void)strbuf_printf(src->errors, "%s:%u: ", src->name, src->line);
    va_start(args, format);
    (void)strbuf_vprintf(src->errors, format, args);
    va_end(args);
    (void)strbuf_char(src->errors, '\n');
}

static int
find_setting(struct slice section, struct slice name)
{
    for (int id = 0; id < CONF_ID_COUNT; id++)
        if (slice_eq(section, slice_of(conf_settings[id].section)) &&
            slice_eq(name, slice_of(conf_settings[id].name)))
            return id;
    return -1;
}

static void
enter_section(struct source *src, struct slice name)
{
    struct suggest near = suggest_begin(name);

    src->section = name;
    src->section_known = true;
    for (int id = 0; id < CONF_ID_COUNT; id++) {
        if (slice_eq(name, slice_of(conf_settings[id].section)))
            return;
        suggest_offer(&near, conf_settings[id].section);
    }
    src->section_known = false; /* its settings would only repeat the error */
    if (near.best != NULL)
        report(src, "unknown section [%.*s]: did you mean [%s]?", (int)name.len, name.ptr,
               near.best);
    else
        report(src, "unknown section [%.*s]: 'posthorn config doc' lists all settings",
               (int)name.len, name.ptr);
}

/* Looks in the section for a like name, then everywhere for the same one. */
static void
report_unknown(struct source *src, struct slice name)
{
    struct suggest near = suggest_begin(name);
    const char *elsewhere = NULL;

    for (int id = 0; id < CONF_ID_COUNT; id++) {
        if (slice_eq(src->section, slice_of(conf_settings[id].section)))
            suggest_offer(&near, conf_settings[id].name);
        else if (slice_eq(name, slice_of(conf_settings[id].name)))
            elsewhere = conf_settings[id].section;
    }
    if (elsewhere != NULL)
        report(src, "unknown setting '%.*s' in [%.*s]: there is one in [%s]", (int)name.len,
               name.ptr, (int)src->section.len, src->section.ptr, elsewhere);
    else if (near.best != NULL)
        report(src, "unknown setting '%.*s' in [%.*s]: did you mean '%s'?", (int)name.len, name.ptr,
               (int)src->section.len, src->section.ptr, near.best);
    else
        report(src, "unknown setting '%.*s' in [%.*s]: 'posthorn config doc' lists all settings",
               (int)name.len, name.ptr, (int)src->section.len, src->section.ptr);
}

static void
take_setting(struct source *src, struct slice name, struct slice text)
{
    struct strbuf expected = strbuf_new(1024);
    int id = find_setting(src->section, name);
    struct value *value;

    if (id < 0) {
        report_unknown(src, name);
        return;
    }
    value = &src->conf->values[id];
    if (value->line > 0) {
        report(src, "'%s' was already set in line %u: expected it once", conf_settings[id].name,
               value->line);
        return;
    }
    if (value_parse(&conf_settings[id], text, value) < 0) {
        conf_expected((enum conf_id)id, &expected);
        report(src, "%s.%s: expected %s, not '%.*s'", conf_settings[id].section,
               conf_settings[id].name, strbuf_cstr(&expected), (int)text.len, text.ptr);
    }
    value->line = src->line;
    strbuf_free(&expected);
}

static void
take_line(struct source *src, struct slice text, struct strbuf *value)
{
    struct conf_line line = conf_line_parse(text, value);

    switch (line.kind) {
    case CONF_LINE_BLANK:
        break;
    case CONF_LINE_BAD:
        report(src, "%s", line.problem);
        break;
    case CONF_LINE_SECTION:
        enter_section(src, line.name);
        break;
    case CONF_LINE_SETTING:
        if (src->section.len == 0)
            report(src, "expected a [section] before the first setting");
        else if (src->section_known)
            take_setting(src, line.name, strbuf_slice(value));
        break;
    }
}

static void
fill_defaults(struct conf *conf)
{
    for (int id = 0; id < CONF_ID_COUNT; id++)
        if (conf->values[id].line == 0)
            assert_always(value_parse(&conf_settings[id], slice_of(conf_settings[id].dflt),
                                      &conf->values[id]) == 0);
}

struct conf *
conf_parse(struct slice text, const char *name, struct strbuf *errors)
{
    struct conf *conf = xcalloc(1, sizeof(*conf));
    struct source src = {.name = name, .conf = conf, .errors = errors};
    struct strbuf value = strbuf_new(CONF_VALUE_MAX);

    while (text.len > 0) {
        src.line++;
        take_line(&src, slice_split(&text, '\n'), &value);
    }
    strbuf_free(&value);
    if (src.error_count > 0)
        conf_free(&conf);
    else
        fill_defaults(conf);
    return conf;
}

struct conf *
conf_load(const char *path, struct strbuf *errors)
{
    struct strbuf text = strbuf_new(CONF_FILE_MAX);
    struct conf *conf = NULL;

    if (path == NULL)
        return conf_parse(slice_of(""), "", errors);
    if (read_file(AT_FDCWD, path, &text) < 0)
        (void)strbuf_printf(errors, "%s: %s\n", path, strerror(errno));
    else
        conf = conf_parse(strbuf_slice(&text), path, errors);
    strbuf_free(&text);
    return conf;
}

void
conf_free(struct conf **confp)
{
    if (*confp == NULL)
        return;
    for (int id = 0; id < CONF_ID_COUNT; id++)
        value_clear(&(*confp)->values[id]);
    xfree(confp);
}

/* ---- the values ---- */

bool
conf_bool(const struct conf *conf, enum conf_id id)
{
    assert_always(conf_settings[id].type == CONF_BOOL);
    return conf->values[id].number != 0;
}

uint64_t
conf_u64(const struct conf *conf, enum conf_id id)
{
    enum conf_type type = conf_settings[id].type;

    assert_always(type == CONF_INT || type == CONF_SIZE || type == CONF_DURATION);
    return conf->values[id].number;
}

const char *
conf_str(const struct conf *conf, enum conf_id id)
{
    enum conf_type type = conf_settings[id].type;

    assert_always(type == CONF_STRING || type == CONF_HOST || type == CONF_ENUM);
    return conf->values[id].text;
}

size_t
conf_list_count(const struct conf *conf, enum conf_id id)
{
    enum conf_type type = conf_settings[id].type;

    assert_always(type == CONF_LIST || type == CONF_ADDRESSES || type == CONF_NETWORKS ||
                  type == CONF_CLIENTS || type == CONF_MILTERS || type == CONF_POLICIES);
    return conf->values[id].item_count;
}

const char *
conf_list_item(const struct conf *conf, enum conf_id id, size_t i)
{
    assert_always(i < conf_list_count(conf, id));
    return conf->values[id].items[i];
}

bool
conf_is_set(const struct conf *conf, enum conf_id id)
{
    return conf->values[id].line > 0;
}

void
conf_print_value(const struct conf *conf, enum conf_id id, struct strbuf *out)
{
    const struct value *value = &conf->values[id];

    if (conf_settings[id].type == CONF_BOOL)
        (void)strbuf_str(out, value->number != 0 ? "yes" : "no");
    else
        (void)strbuf_str(out, value->text);
}

const char *
conf_decider(enum conf_id id)
{
    static const char *const names[] = {
#define SETTING(id_, section, name, type, dflt, min, max, choices, help) [id_] = section "." name,
#include "lib/conf/settings.def"
#undef SETTING
    };

    return id == CONF_NO_SETTING ? "" : names[id];
}

int
conf_find(struct slice dotted_name)
{
    size_t dot = slice_index(dotted_name, '.');

    return find_setting(slice_sub(dotted_name, 0, dot),
                        slice_sub(dotted_name, dot + 1, dotted_name.len));
}
