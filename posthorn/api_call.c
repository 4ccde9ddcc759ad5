/*
 * posthorn/api_call.c - `api call`: one call of the administrative API at a server here or
 * elsewhere, over TLS, with an administrator's name and password.
 */
#include "posthorn/api_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POSTHORN_WITHOUT_CALLS
#include "include/posthorn.h"
#include "lib/api/api.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "posthorn/api_server.h"

enum { PARAMS_MAX = 16 };

/* ---- parameters ---- */

struct params {
    struct posthorn_param list[PARAMS_MAX];
    struct strbuf secrets[PARAMS_MAX];
    unsigned count;
};

static const struct api_param *
find_param(enum api_call_id call, struct slice name)
{
    size_t count;
    const struct api_param *params = api_params_of(call, &count);

    for (size_t i = 0; i < count; i++)
        if (slice_eq(name, slice_of(params[i].name)))
            return &params[i];
    return NULL;
}

/* A secret is read from a file: everybody can see the arguments of a process. */
static int
take_secret(struct cli *cli, struct params *params, const struct api_param *p, const char *value)
{
    struct strbuf *secret = &params->secrets[params->count];

    if (value[0] != '@')
        return cli_usage(cli, "'%s' is a secret: expected %s=@FILE, or @- for standard input",
                         p->name, p->name);
    if (cli_read_secret(cli, value + 1, secret) != CLI_OK)
        return CLI_FAILED;
    params->list[params->count] = (struct posthorn_param){p->name, strbuf_cstr(secret), 0, 0};
    return CLI_OK;
}

static int
take_value(struct cli *cli, struct params *params, const struct api_param *p, const char *value)
{
    struct posthorn_param *out = &params->list[params->count];
    uint64_t number;

    *out = (struct posthorn_param){.name = p->name, .text = value};
    switch (p->type) {
    case API_TEXT:
        return (p->flags & API_HIDDEN) != 0 ? take_secret(cli, params, p, value) : CLI_OK;
    case API_OBJECT:
        out->is_json = 1;
        return CLI_OK;
    case API_BOOL:
        out->is_json = 1;
        out->text = strcmp(value, "yes") == 0 ? "true" : "false";
        if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
            return cli_usage(cli, "%s: expected yes or no", p->name);
        return CLI_OK;
    case API_NUMBER:
    case API_KILO:
    case API_NOT:
    case API_STAMP:
    case API_CHOICE:
        break;
    }
    if (parse_u64(slice_of(value), INT64_MAX, &number) < 0)
        return cli_usage(cli, "%s: expected a number", p->name);
    *out = (struct posthorn_param){.name = p->name, .number = (int64_t)number};
    return CLI_OK;
}

static int
take_params(struct cli *cli, enum api_call_id call, char **words, int count, struct params *params)
{
    for (int i = 0; i < count; i++) {
        struct slice value = slice_of(words[i]), name = slice_split(&value, '=');
        const struct api_param *p = find_param(call, name);
        int rc;

        if (name.len == strlen(words[i]))
            return cli_usage(cli, "'%s': expected PARAMETER=VALUE", words[i]);
        if (p == NULL)
            return cli_usage(cli, "%s has no parameter '%.*s': see 'posthorn api doc %s'",
                             api_calls[call].name, (int)name.len, name.ptr, api_calls[call].name);
        if (params->count == PARAMS_MAX)
            return cli_usage(cli, "too many parameters");
        rc = take_value(cli, params, p, value.ptr);
        if (rc != CLI_OK)
            return rc;
        params->count++;
    }
    return CLI_OK;
}

static void
free_params(struct params *params)
{
    for (size_t i = 0; i < PARAMS_MAX; i++) {
        if (params->secrets[i].ptr != NULL)
            mem_wipe(params->secrets[i].ptr, params->secrets[i].cap);
        strbuf_free(&params->secrets[i]);
    }
}

/* ---- the server ---- */

static int
ask(struct cli *cli, const struct api_profile *profile, enum api_call_id call,
    const struct params *params)
{
    struct posthorn *p = api_server_connect(cli, profile);
    int rc;

    if (p == NULL)
        return CLI_FAILED;
    rc = posthorn_call(p, api_calls[call].name, params->list, params->count);
    if (rc == 0)
        (void)puts(posthorn_answer(p));
    else if (rc < 0)
        (void)api_server_trouble(cli, rc, p);
    else
        (void)cli_fail(cli, "result %d: %s", rc, posthorn_text(p));
    posthorn_free(&p);
    return rc == 0 ? CLI_OK : CLI_FAILED;
}

/* ---- the command ---- */

int
api_call(struct cli *cli, int argc, char **argv)
{
    struct api_where where = {0};
    const struct cli_option options[] = {API_WHERE_OPTIONS(where)};
    struct api_profile profile = api_profile_new();
    struct params params = {.count = 0};
    int rc = CLI_OK, call;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 1, PARAMS_MAX + 1) != 0)
        return CLI_USAGE;
    call = api_call_find(slice_of(argv[0]));
    if (call < 0)
        rc = cli_usage(cli, "there is no call '%s'; 'posthorn api doc' lists them", argv[0]);
    if (rc == CLI_OK)
        rc = api_server_find(cli, &where, &profile);
    if (rc == CLI_OK)
        rc = take_params(cli, (enum api_call_id)call, argv + 1, argc - 1, &params);
    if (rc == CLI_OK)
        rc = ask(cli, &profile, (enum api_call_id)call, &params);
    free_params(&params);
    api_profile_free(&profile);
    return rc;
}
