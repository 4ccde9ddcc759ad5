/*
 * lib/api/api_request.c - the parameters of one call, from JSON, checked by the table. Jansson
 * parses; its types stay here. Untrusted input, no I/O.
 */
#include "lib/api/api_request.h"

#include <jansson.h>
#include <stdlib.h>
#include <time.h>

#include "lib/base/mem.h"
#include "lib/base/random.h"

#define NAME_BYTES_MAX 1024

struct api_text {
    struct api_text *next;
    size_t len;
    char bytes[];
};

void
api_request_init(void)
{
    json_object_seed((size_t)random_u64() | 1); /* 0 would have it look for one itself */
}

/* A copy that lives as long as the request. */
static struct slice
keep(struct api_request *rq, struct slice text)
{
    struct api_text *copy = xmalloc(sizeof(*copy) + text.len + 1);

    copy->next = rq->texts;
    copy->len = text.len;
    if (text.len > 0)
        memcpy(copy->bytes, text.ptr, text.len);
    copy->bytes[text.len] = '\0';
    rq->texts = copy;
    return slice_make(copy->bytes, text.len);
}

static struct slice
keep_number(struct api_request *rq, uint64_t number)
{
    struct strbuf text = strbuf_new(24);
    struct slice kept;

    (void)strbuf_u64(&text, number);
    kept = keep(rq, strbuf_slice(&text));
    strbuf_free(&text);
    return kept;
}

void
api_request_free(struct api_request *rq)
{
    struct api_text *text = rq->texts;

    while (text != NULL) {
        struct api_text *next = text->next;

        mem_wipe(text->bytes, text->len);
        free(text);
        text = next;
    }
    strbuf_free(&rq->name);
    *rq = (struct api_request){0};
}

const struct api_value *
api_request_find(const struct api_request *rq, const char *param)
{
    size_t count;
    const struct api_param *params = api_params_of(rq->call, &count);

    for (size_t i = 0; i < count; i++)
        if (strcmp(params[i].name, param) == 0)
            return &rq->values[i];
    return NULL;
}

const struct api_value *
api_request_value(const struct api_request *rq, const char *param)
{
    const struct api_value *value = api_request_find(rq, param);

    assert_always(value != NULL);
    return value;
}

/* ---- values ---- */

static int
fail(struct strbuf *error, const char *name, const char *expected)
{
    (void)strbuf_printf(error, "%s: expected %s", name, expected);
    return -1;
}

/* In a text of several lines tabs and line ends are none. */
static bool
has_control(struct slice text, bool is_lines)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (is_lines && (c == '\n' || c == '\r' || c == '\t'))
            continue;
        if ((unsigned char)c < ' ' || c == 0x7f)
            return true;
    }
    return false;
}

static int
take_text(struct api_request *rq, const struct api_param *p, const json_t *json,
          struct api_value *value, struct strbuf *error)
{
    struct slice text;

    if (!json_is_string(json))
        return fail(error, p->name, "a text");
    text = slice_make(json_string_value(json), json_string_length(json));
    if (text.len < p->min || text.len > p->max) {
        (void)strbuf_printf(error, "%s: expected %llu to %llu bytes", p->name,
                            (unsigned long long)p->min, (unsigned long long)p->max);
        return -1;
    }
    if (has_control(text, (p->flags & API_LINES) != 0))
        return fail(error, p->name, "a text without control characters");
    value->text = keep(rq, text);
    return 0;
}

/* The day of a time stamp, as properties have it; nothing for 0. */
static struct slice
keep_day(struct api_request *rq, uint64_t stamp)
{
    time_t seconds = (time_t)stamp;
    char day[16] = "";
    struct tm tm;

    if (stamp > 0 && gmtime_r(&seconds, &tm) != NULL)
        (void)strftime(day, sizeof(day), "%Y-%m-%d", &tm);
    return keep(rq, slice_of(day));
}

static struct slice
choice(const struct api_param *p, uint64_t number)
{
    struct slice rest = slice_of(p->choices), word = slice_split(&rest, '|');

    while (number-- > 0)
        word = slice_split(&rest, '|');
    return word;
}

static int
take_number(struct api_request *rq, const struct api_param *p, const json_t *json,
            struct api_value *value, struct strbuf *error)
{
    if (!json_is_integer(json) || json_integer_value(json) < 0 ||
        (uint64_t)json_integer_value(json) < p->min ||
        (uint64_t)json_integer_value(json) > p->max) {
        (void)strbuf_printf(error, "%s: expected a number from %llu to %llu", p->name,
                            (unsigned long long)p->min, (unsigned long long)p->max);
        return -1;
    }
    value->number = (uint64_t)json_integer_value(json);
    if (p->type == API_KILO)
        value->number *= 1024; /* within 64 bits by the parameter's range */
    if (p->type == API_STAMP)
        value->text = keep_day(rq, value->number);
    else if (p->type == API_NOT)
        value->text = value->number == 0 ? SLICE("yes") : SLICE("no");
    else if (p->type == API_CHOICE)
        value->text = choice(p, value->number);
    else
        value->text = keep_number(rq, value->number);
    return 0;
}

static int
add_field(struct api_request *rq, struct slice name, struct slice value, bool is_lines,
          struct strbuf *error)
{
    if (name.len > OBJECT_NAME_MAX || value.len > OBJECT_VALUE_MAX || has_control(name, false) ||
        has_control(value, is_lines))
        return fail(error, "properties",
                    "names and values of some length, without control "
                    "characters");
    if (rq->field_count == OBJECT_FIELDS_MAX - 1) /* one is for a call's own */
        return fail(error, "properties", "fewer of them");
    rq->fields[rq->field_count++] = (struct object_field){name, value};
    return 0;
}

static int
take_object(struct api_request *rq, const struct api_param *p, json_t *json, struct strbuf *error)
{
    const char *name;
    json_t *member;

    if (!json_is_object(json))
        return fail(error, p->name, "an object");
    json_object_foreach(json, name, member)
    {
        struct slice value;

        if (json_is_string(member))
            value = slice_make(json_string_value(member), json_string_length(member));
        else if (json_is_boolean(member))
            value = json_is_true(member) ? SLICE("yes") : SLICE("no");
        else if (json_is_integer(member) && json_integer_value(member) >= 0)
            value = keep_number(rq, (uint64_t)json_integer_value(member));
        else
            return fail(error, name, "a text, a number or true or false");
        if (add_field(rq, keep(rq, slice_of(name)), keep(rq, value), false, error) < 0)
            return -1;
    }
    return 0;
}

static int
take_bool(const struct api_param *p, const json_t *json, struct api_value *value,
          struct strbuf *error)
{
    if (!json_is_boolean(json))
        return fail(error, p->name, "true or false");
    value->number = json_is_true(json);
    value->text = value->number ? SLICE("yes") : SLICE("no");
    return 0;
}

static int
take(struct api_request *rq, const struct api_param *p, json_t *json, struct api_value *value,
     struct strbuf *error)
{
    value->given = true;
    switch (p->type) {
    case API_TEXT:
        return take_text(rq, p, json, value, error);
    case API_BOOL:
        return take_bool(p, json, value, error);
    case API_OBJECT:
        return take_object(rq, p, json, error);
    case API_NUMBER:
    case API_KILO:
    case API_NOT:
    case API_STAMP:
    case API_CHOICE:
        break;
    }
    return take_number(rq, p, json, value, error);
}

/* ---- all of them ---- */

static bool
goes_to(const struct api_param *p, const char *place)
{
    return p->to != NULL && strcmp(p->to, place) == 0;
}

/* The account's name; without a domain the primary one is meant, which accountd knows. */
static int
make_name(struct api_request *rq, struct strbuf *error)
{
    size_t count;
    const struct api_param *params = api_params_of(rq->call, &count);
    bool is_address = false;
    struct slice domain = SLICE("");

    for (size_t i = 0; i < count; i++) {
        if (goes_to(&params[i], API_DOMAIN))
            domain = rq->values[i].text;
        if (!goes_to(&params[i], API_USER) && !goes_to(&params[i], API_NAME))
            continue;
        is_address = goes_to(&params[i], API_USER);
        if (is_address && slice_index(rq->values[i].text, '@') < rq->values[i].text.len)
            return fail(error, params[i].name, "a name without domain");
        (void)strbuf_append(&rq->name, rq->values[i].text);
    }
    if (is_address) {
        (void)strbuf_char(&rq->name, '@');
        (void)strbuf_append(&rq->name, domain);
    }
    return rq->name.overflow ? fail(error, "name", "a shorter one") : 0;
}

static int
make_fields(struct api_request *rq, struct strbuf *error)
{
    size_t count;
    const struct api_param *params = api_params_of(rq->call, &count);

    for (size_t i = 0; i < count; i++)
        if (rq->values[i].given && params[i].to != NULL && params[i].to[0] != '@' &&
            add_field(rq, slice_of(params[i].to), rq->values[i].text,
                      (params[i].flags & API_LINES) != 0, error) < 0)
            return -1;
    return 0;
}

static int
take_all(struct api_request *rq, json_t *root, struct strbuf *error)
{
    size_t count, taken = 0;
    const struct api_param *params = api_params_of(rq->call, &count);
    const char *name;
    json_t *member;

    assert_always(count <= API_PARAMS_MAX);
    for (size_t i = 0; i < count; i++) {
        member = root == NULL ? NULL : json_object_get(root, params[i].name);
        if (member == NULL && (params[i].flags & API_NEEDED) != 0)
            return fail(error, params[i].name, "to be given");
        if (member == NULL)
            continue;
        taken++;
        if (take(rq, &params[i], member, &rq->values[i], error) < 0)
            return -1;
    }
    if (root == NULL || taken == json_object_size(root))
        return 0;
    json_object_foreach(root, name, member)
    {
        bool known = false;

        for (size_t i = 0; i < count; i++)
            known = known || strcmp(params[i].name, name) == 0;
        if (!known) {
            (void)strbuf_printf(error, "%s has no parameter '%.64s'", api_calls[rq->call].name,
                                name);
            return -1;
        }
    }
    return 0;
}

/* NULL after the message. */
static json_t *
load(struct slice json, struct strbuf *error)
{
    json_error_t where;
    json_t *root = json_loadb(json.ptr, json.len, JSON_REJECT_DUPLICATES, &where);

    if (root == NULL) {
        (void)strbuf_printf(error, "no JSON: line %d, column %d: %s", where.line, where.column,
                            where.text);
        return NULL;
    }
    if (!json_is_object(root)) {
        (void)strbuf_str(error, "no JSON object");
        json_decref(root);
        return NULL;
    }
    return root;
}

int
api_request_parse(struct api_request *rq, enum api_call_id call, struct slice json,
                  struct strbuf *error)
{
    json_t *root = NULL;
    int rc;

    *rq = (struct api_request){.call = call, .name = strbuf_new(NAME_BYTES_MAX)};
    if (slice_trim(json).len > 0) {
        root = load(json, error);
        if (root == NULL)
            return -1;
    }
    rc = take_all(rq, root, error);
    if (rc == 0)
        rc = make_name(rq, error);
    if (rc == 0)
        rc = make_fields(rq, error);
    json_decref(root);
    return rc;
}
