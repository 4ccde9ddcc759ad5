/*
 * posthorn/api_call.c - `api call`: one call of the administrative API at a server here or
 * elsewhere, over TLS, with an administrator's name and password.
 */
#include "posthorn/api_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define POSTHORN_WITHOUT_CALLS
#include "include/posthorn.h"
#include "lib/api/api.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "posthorn/api_profile.h"
#include "posthorn/ask_secret.h"

enum { PORT_DEFAULT = 6000, PARAMS_MAX = 16, NEEDS_CODE = 3 /* a result of Login */ };

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

/* HOST, HOST:PORT or [ADDRESS]:PORT; the caller frees the host. */
static int
split_server(struct cli *cli, struct slice server, char **host, unsigned *port)
{
    size_t colon = slice_rindex(server, ':');
    uint64_t number = PORT_DEFAULT;
    bool bracketed = slice_starts(server, SLICE("["));

    if (colon < server.len && (bracketed || slice_index(server, ':') == colon)) {
        if (server.ptr[colon - (colon > 0)] != ']' && bracketed)
            colon = server.len;
        else if (parse_u64(slice_sub(server, colon + 1, server.len), UINT16_MAX, &number) < 0 ||
                 number == 0)
            return cli_usage(cli, "--server: expected HOST or HOST:PORT");
        server = slice_sub(server, 0, colon);
    }
    if (bracketed)
        server = slice_sub(server, 1, server.len - slice_ends(server, SLICE("]")));
    if (server.len == 0)
        return cli_usage(cli, "--server: expected HOST or HOST:PORT");
    *host = xslicedup(server);
    *port = (unsigned)number;
    return CLI_OK;
}

static const char *
cause(int rc)
{
    switch (rc) {
    case POSTHORN_REFUSED:
        return "login refused";
    case POSTHORN_NOT_RUNNING:
        return "service not running";
    case POSTHORN_UNREACHABLE:
        return "server unreachable";
    case POSTHORN_CERTIFICATE:
        return "certificate not trusted";
    case POSTHORN_MISMATCH:
        return "server and client do not match";
    default:
        return "value";
    }
}

/* With a code where one is needed: the one that was given, or what is typed then. */
static int
log_in(struct cli *cli, struct posthorn *p, const struct api_profile *profile, const char *code)
{
    struct strbuf typed = strbuf_new(0);
    int rc = code == NULL ? 0 : posthorn_code(p, code);

    if (rc == 0)
        rc = posthorn_login(p, strbuf_cstr(&profile->admin), strbuf_cstr(&profile->password));
    if (rc == NEEDS_CODE && code == NULL && isatty(STDIN_FILENO) &&
        ask_secret(cli, "Code of the authenticator: ", &typed) == CLI_OK) {
        rc = posthorn_code(p, strbuf_cstr(&typed));
        if (rc == 0)
            rc = posthorn_login(p, strbuf_cstr(&profile->admin), strbuf_cstr(&profile->password));
    }
    strbuf_free(&typed);
    return rc;
}

static int
ask(struct cli *cli, const struct api_profile *profile, const char *code, enum api_call_id call,
    const struct params *params)
{
    struct posthorn *p;
    char *host = NULL;
    unsigned port = PORT_DEFAULT;
    int rc = split_server(cli, strbuf_slice(&profile->server), &host, &port);

    if (rc != CLI_OK)
        return rc;
    p = posthorn_new(host, port);
    free(host);
    if (p == NULL || (profile->certificates.len > 0 &&
                      posthorn_trust(p, strbuf_cstr(&profile->certificates)) != 0))
        rc = POSTHORN_BAD_VALUE;
    else
        rc = log_in(cli, p, profile, code);
    if (rc == 0)
        rc = posthorn_call(p, api_calls[call].name, params->list, params->count);
    if (p == NULL)
        return cli_fail(cli, "no memory");
    if (rc == 0)
        (void)puts(posthorn_answer(p));
    else if (rc < 0)
        (void)cli_fail(cli, "%s: %s", cause(rc), posthorn_text(p));
    else
        (void)cli_fail(cli, "result %d: %s", rc, posthorn_text(p));
    posthorn_free(&p);
    return rc == 0 ? CLI_OK : CLI_FAILED;
}

/* ---- the command ---- */

static int
set_text(struct strbuf *to, const char *text)
{
    strbuf_clear(to);
    return strbuf_str(to, text) ? CLI_OK : CLI_FAILED;
}

/* Options count before what the profile says. */
static int
complete(struct cli *cli, struct api_profile *profile, const char *server, const char *admin,
         const char *certificates, const char *password_file)
{
    struct strbuf password;
    int rc = CLI_OK;

    if ((server != NULL && set_text(&profile->server, server) != CLI_OK) ||
        (admin != NULL && set_text(&profile->admin, admin) != CLI_OK) ||
        (certificates != NULL && set_text(&profile->certificates, certificates) != CLI_OK))
        return cli_usage(cli, "an option is too long");
    if (password_file != NULL) {
        rc = cli_read_secret(cli, password_file, &password);
        strbuf_clear(&profile->password);
        if (rc == CLI_OK && !strbuf_append(&profile->password, strbuf_slice(&password)))
            rc = cli_fail(cli, "%s: the password is too long", password_file);
        mem_wipe(password.ptr, password.cap);
        strbuf_free(&password);
    }
    if (rc == CLI_OK && (profile->server.len == 0 || profile->admin.len == 0))
        rc = cli_usage(cli, "expected --server and --admin, or a --profile that has them");
    if (rc == CLI_OK && profile->password.len == 0)
        rc = cli_usage(cli, "expected --password-file FILE (- is standard input)");
    return rc;
}

int
api_call(struct cli *cli, int argc, char **argv)
{
    const char *server = NULL, *admin = NULL, *certificates = NULL, *password_file = NULL,
               *name = NULL, *code = NULL;
    const struct cli_option options[] = {{"--server", CLI_TEXT, &server},
                                         {"--admin", CLI_TEXT, &admin},
                                         {"--certificates", CLI_TEXT, &certificates},
                                         {"--password-file", CLI_TEXT, &password_file},
                                         {"--code", CLI_TEXT, &code},
                                         {"--profile", CLI_TEXT, &name}};
    struct api_profile profile = api_profile_new();
    struct params params = {.count = 0};
    int rc = CLI_OK, call;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 1, PARAMS_MAX + 1) != 0)
        return CLI_USAGE;
    call = api_call_find(slice_of(argv[0]));
    if (call < 0)
        rc = cli_usage(cli, "there is no call '%s'; 'posthorn api doc' lists them", argv[0]);
    if (rc == CLI_OK && name != NULL)
        rc = api_profile_load(cli, name, &profile);
    if (rc == CLI_OK)
        rc = complete(cli, &profile, server, admin, certificates, password_file);
    if (rc == CLI_OK)
        rc = take_params(cli, (enum api_call_id)call, argv + 1, argc - 1, &params);
    if (rc == CLI_OK)
        rc = ask(cli, &profile, code, (enum api_call_id)call, &params);
    free_params(&params);
    api_profile_free(&profile);
    return rc;
}
