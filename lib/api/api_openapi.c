/*
 * lib/api/api_openapi.c - the API described: by OpenAPI 3.1 for programs, by mdoc for people.
 */
#include "lib/api/api.h"
#include "lib/base/json_writer.h"

static const struct {
    unsigned number;
    const char *meaning;
} common_results[] = {
    {0, "done"},
    {1, "bad parameters"},
    {100, "the account base failed"},
    {101, "no right"},
    {102, "something that is needed is away: later"},
};

static const char *
right_words(enum api_call_id call)
{
    switch (api_calls[call].right) {
    case API_SUPER:
        return "super administrators";
    case API_ANY:
        return "every administrator, as far as the own rights go";
    default:
        return account_right_name((enum account_right)api_calls[call].right);
    }
}

/* ---- OpenAPI ---- */

static void
write_schema(struct json_writer *w, const struct api_param *p)
{
    json_writer_open(w, p->name, '{');
    switch (p->type) {
    case API_TEXT:
        json_writer_text(w, "type", SLICE("string"));
        json_writer_number(w, "minLength", p->min);
        json_writer_number(w, "maxLength", p->max);
        break;
    case API_BOOL:
        json_writer_text(w, "type", SLICE("boolean"));
        break;
    case API_OBJECT:
        json_writer_text(w, "type", SLICE("object"));
        json_writer_open(w, "additionalProperties", '{');
        json_writer_open(w, "type", '[');
        json_writer_text(w, NULL, SLICE("string"));
        json_writer_text(w, NULL, SLICE("integer"));
        json_writer_text(w, NULL, SLICE("boolean"));
        json_writer_close(w, ']');
        json_writer_close(w, '}');
        break;
    case API_NUMBER:
    case API_KILO:
    case API_NOT:
    case API_STAMP:
    case API_CHOICE:
        json_writer_text(w, "type", SLICE("integer"));
        json_writer_number(w, "minimum", p->min);
        json_writer_number(w, "maximum", p->max);
        break;
    }
    json_writer_text(w, "description", slice_of(p->help));
    if ((p->flags & API_HIDDEN) != 0)
        json_writer_text(w, "format", SLICE("password"));
    json_writer_close(w, '}');
}

static void
write_parameters(struct json_writer *w, enum api_call_id call)
{
    size_t count;
    const struct api_param *params = api_params_of(call, &count);

    json_writer_open(w, "requestBody", '{');
    json_writer_bool(w, "required", count > 0);
    json_writer_open(w, "content", '{');
    json_writer_open(w, "application/json", '{');
    json_writer_open(w, "schema", '{');
    json_writer_text(w, "type", SLICE("object"));
    json_writer_bool(w, "additionalProperties", false);
    json_writer_open(w, "properties", '{');
    for (size_t i = 0; i < count; i++)
        write_schema(w, &params[i]);
    json_writer_close(w, '}');
    json_writer_open(w, "required", '[');
    for (size_t i = 0; i < count; i++)
        if ((params[i].flags & API_NEEDED) != 0)
            json_writer_text(w, NULL, slice_of(params[i].name));
    json_writer_close(w, ']');
    json_writer_close(w, '}');
    json_writer_close(w, '}');
    json_writer_close(w, '}');
    json_writer_close(w, '}');
}

static void
write_results(struct json_writer *w, enum api_call_id call)
{
    struct strbuf text = strbuf_new(4096);
    const char *meaning;
    unsigned number;

    (void)strbuf_str(&text, "result: ");
    for (size_t i = 0; i < ARRAY_LEN(common_results); i++)
        (void)strbuf_printf(&text, "%s%u %s", i > 0 ? "; " : "", common_results[i].number,
                            common_results[i].meaning);
    for (size_t n = 0; (meaning = api_result_meaning(call, n, &number)) != NULL; n++)
        (void)strbuf_printf(&text, "; %u %s", number, meaning);
    json_writer_open(w, "responses", '{');
    json_writer_open(w, "200", '{');
    json_writer_text(w, "description", strbuf_slice(&text));
    json_writer_open(w, "content", '{');
    json_writer_open(w, "application/json", '{');
    json_writer_open(w, "schema", '{');
    json_writer_text(w, "$ref", SLICE("#/components/schemas/Answer"));
    json_writer_close(w, '}');
    json_writer_close(w, '}');
    json_writer_close(w, '}');
    json_writer_close(w, '}');
    json_writer_open(w, "401", '{');
    json_writer_text(w, "description", SLICE("no session, or it is over"));
    json_writer_close(w, '}');
    json_writer_close(w, '}');
    strbuf_free(&text);
}

static void
write_call(struct json_writer *w, enum api_call_id call)
{
    struct strbuf path = strbuf_new(128);

    (void)strbuf_printf(&path, "/api/%s", api_calls[call].name);
    json_writer_open(w, strbuf_cstr(&path), '{');
    json_writer_open(w, "post", '{');
    json_writer_text(w, "operationId", slice_of(api_calls[call].name));
    json_writer_text(w, "summary", slice_of(api_calls[call].help));
    json_writer_text(w, "x-right", slice_of(right_words(call)));
    if (call == API_LOGIN) { /* the one without a session */
        json_writer_open(w, "security", '[');
        json_writer_close(w, ']');
    }
    write_parameters(w, call);
    write_results(w, call);
    json_writer_close(w, '}');
    json_writer_close(w, '}');
    strbuf_free(&path);
}

static void
write_components(struct json_writer *w)
{
    static const char *const schemes[] = {"bearer", "basic"};

    json_writer_open(w, "components", '{');
    json_writer_open(w, "securitySchemes", '{');
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        json_writer_open(w, schemes[i], '{');
        json_writer_text(w, "type", SLICE("http"));
        json_writer_text(w, "scheme", slice_of(schemes[i]));
        json_writer_close(w, '}');
    }
    json_writer_close(w, '}');
    json_writer_open(w, "schemas", '{');
    json_writer_open(w, "Answer", '{');
    json_writer_text(w, "type", SLICE("object"));
    json_writer_open(w, "required", '[');
    json_writer_text(w, NULL, SLICE("result"));
    json_writer_text(w, NULL, SLICE("text"));
    json_writer_close(w, ']');
    json_writer_open(w, "properties", '{');
    json_writer_open(w, "result", '{');
    json_writer_text(w, "type", SLICE("integer"));
    json_writer_close(w, '}');
    json_writer_open(w, "text", '{');
    json_writer_text(w, "type", SLICE("string"));
    json_writer_text(w, "description", SLICE("what went wrong, and what to do about it"));
    json_writer_close(w, '}');
    json_writer_close(w, '}');
    json_writer_close(w, '}');
    json_writer_close(w, '}');
    json_writer_close(w, '}');
}

void
api_openapi(struct strbuf *out, const char *version)
{
    struct json_writer w = {.out = out};

    json_writer_open(&w, NULL, '{');
    json_writer_text(&w, "openapi", SLICE("3.1.0"));
    json_writer_open(&w, "info", '{');
    json_writer_text(&w, "title", SLICE("Posthorn administration"));
    json_writer_text(&w, "version", slice_of(version));
    json_writer_close(&w, '}');
    json_writer_open(&w, "security", '[');
    json_writer_open(&w, NULL, '{');
    json_writer_open(&w, "bearer", '[');
    json_writer_close(&w, ']');
    json_writer_close(&w, '}');
    json_writer_open(&w, NULL, '{');
    json_writer_open(&w, "basic", '[');
    json_writer_close(&w, ']');
    json_writer_close(&w, '}');
    json_writer_close(&w, ']');
    json_writer_open(&w, "paths", '{');
    for (int i = 0; i < API_CALL_COUNT; i++)
        write_call(&w, (enum api_call_id)i);
    json_writer_close(&w, '}');
    write_components(&w);
    json_writer_close(&w, '}');
}

/* ---- for people ---- */

static const char manual_head[] = ".Dd November 27, 2026\n"
                                  ".Dt POSTHORN-API 7\n"
                                  ".Os Posthorn\n"
                                  ".Sh NAME\n"
                                  ".Nm posthorn-api\n"
                                  ".Nd calls of Posthorn's administrative API\n"
                                  ".Sh DESCRIPTION\n"
                                  "Each call is made by HTTP as\n"
                                  ".Xr admind 8\n"
                                  "describes: a POST to\n"
                                  ".Pa /api/NAME\n"
                                  "with a JSON object of the parameters.\n"
                                  "The answer has a\n"
                                  ".Cm result :\n";

static void
manual_call(struct strbuf *out, enum api_call_id call)
{
    size_t count;
    const struct api_param *params = api_params_of(call, &count);
    const char *meaning;
    unsigned number;

    (void)strbuf_printf(out, ".It Fn %s\n%s.\nFor: %s.\n", api_calls[call].name,
                        api_calls[call].help, right_words(call));
    if (count > 0)
        (void)strbuf_str(out, ".Bl -tag -width Ds -compact\n");
    for (size_t p = 0; p < count; p++)
        (void)strbuf_printf(out, ".It Fa %s%s\n%s\n", params[p].name,
                            (params[p].flags & API_NEEDED) != 0 ? "" : " Pq optional",
                            params[p].help);
    if (count > 0)
        (void)strbuf_str(out, ".El\n");
    for (size_t n = 0; (meaning = api_result_meaning(call, n, &number)) != NULL; n++)
        (void)strbuf_printf(out, "%s%u: %s.\n", n == 0 ? "Results:\n" : "", number, meaning);
}

void
api_manual(struct strbuf *out)
{
    (void)strbuf_str(out, manual_head);
    for (size_t i = 0; i < ARRAY_LEN(common_results); i++)
        (void)strbuf_printf(out, "%u %s%s\n", common_results[i].number, common_results[i].meaning,
                            i + 1 < ARRAY_LEN(common_results) ? "," : ";");
    (void)strbuf_str(out, "others are those of the call.\n"
                          "An empty domain is the primary one.\n"
                          ".Sh CALLS\n"
                          ".Bl -tag -width Ds\n");
    for (int i = 0; i < API_CALL_COUNT; i++)
        manual_call(out, (enum api_call_id)i);
    (void)strbuf_str(out, ".El\n"
                          ".Sh SEE ALSO\n"
                          ".Xr accountd 8 ,\n"
                          ".Xr admind 8\n");
}

static void
text_call(struct strbuf *out, enum api_call_id call)
{
    size_t count;
    const struct api_param *params = api_params_of(call, &count);
    const char *meaning;
    unsigned number;

    (void)strbuf_printf(out, "%s: %s.\nfor: %s\n", api_calls[call].name, api_calls[call].help,
                        right_words(call));
    for (size_t p = 0; p < count; p++)
        (void)strbuf_printf(out, "  %-14s %s%s\n", params[p].name, params[p].help,
                            (params[p].flags & API_NEEDED) != 0 ? " (needed)" : "");
    for (size_t n = 0; (meaning = api_result_meaning(call, n, &number)) != NULL; n++)
        (void)strbuf_printf(out, "result %u: %s\n", number, meaning);
}

void
api_text(struct strbuf *out, int call)
{
    if (call >= 0) {
        text_call(out, (enum api_call_id)call);
        return;
    }
    for (int i = 0; i < API_CALL_COUNT; i++)
        (void)strbuf_printf(out, "%-18s %s\n", api_calls[i].name, api_calls[i].help);
}
